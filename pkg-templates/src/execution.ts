/**
 * Options that hold for the statements of an engine or of a connection: how they are checked and put together.
 *
 * @module
 */

import { yieldPer } from "./call.js";
import { describe } from "./encode.js";
import { ArgumentError } from "./errors.js";
import type { RowLog } from "./frames.js";
import type { DisposeOptions, ExecutionOptions } from "./options.js";

const KNOWN = ["isolationLevel", "yieldPer", "loggingToken"];

/**
 * These options with others in their place; an error for those that nobody knows.
 * @internal
 */
export function mergedOptions(options: ExecutionOptions, more: ExecutionOptions | undefined): ExecutionOptions {
  if (more === undefined || more === null) return options;
  if (typeof more !== "object") throw new ArgumentError(`execution options are an object, not ${describe(more)}`);
  for (const name of Object.keys(more)) {
    if (KNOWN.includes(name)) continue;
    throw new ArgumentError(`Unknown execution option '${name}'; known are: ${KNOWN.join(", ")}`);
  }
  yieldPer(more.yieldPer);
  const { loggingToken } = more;
  if (loggingToken !== undefined && typeof loggingToken !== "string") {
    throw new ArgumentError(`loggingToken is a text, not ${describe(loggingToken)}`);
  }
  const given = Object.entries(more).filter(([, value]) => value !== undefined);
  return Object.freeze({ ...options, ...Object.fromEntries(given) });
}

/**
 * The log of rows of somebody who has a token.
 * @internal
 */
export function tokenLog(log: RowLog, token: string | undefined): RowLog {
  return log === undefined || token === undefined ? log : (message) => log(`[${token}] ${message}`);
}

/**
 * Whether `dispose()` closes the pool.
 * @internal
 */
export function closes(options: DisposeOptions | undefined): boolean {
  if (options === undefined || options === null) return true;
  if (typeof options !== "object") throw new ArgumentError(`the options of dispose() are an object, not ${describe(options)}`);
  for (const name of Object.keys(options)) {
    if (name !== "close") throw new ArgumentError(`Unknown option '${name}' of dispose(); known are: close`);
  }
  const { close = true } = options;
  if (typeof close !== "boolean") throw new ArgumentError(`close is true or false, not ${describe(close)}`);
  return close;
}
