/**
 * What all calls into wasm have in common: their options, and how their errors come back.
 *
 * @module
 */

import { ArgumentError, rehydrate, TimeoutError, type StatementContext } from "./errors.js";
import type { CallOptions } from "./options.js";
import { describe } from "./encode.js";

/**
 * The options of a call as wasm takes them.
 * @internal
 */
export interface NativeCall {
  /** What is left of its time, in milliseconds; 0 is forever. */
  timeout: number;
  readonly signal: AbortSignal | undefined;
  /** 0 where it is not given. */
  readonly yieldPer: number;
}

/**
 * How long a call waits at most.
 * @internal
 */
export type NativeLimits = Pick<NativeCall, "signal" | "timeout">;

const KNOWN = ["signal", "timeout", "executionOptions"];

/**
 * Checks the options of a call.
 * @internal
 */
export function callOptions(options: CallOptions | undefined, more: readonly string[] = []): NativeCall {
  if (options === undefined || options === null) return { timeout: 0, signal: undefined, yieldPer: 0 };
  if (typeof options !== "object") throw new ArgumentError(`the options of a call are an object, not ${describe(options)}`);
  for (const name of Object.keys(options)) {
    if (KNOWN.includes(name) || more.includes(name)) continue;
    throw new ArgumentError(`Unknown call option '${name}'; known are: ${[...KNOWN, ...more].sort().join(", ")}`);
  }
  const { timeout, signal, executionOptions } = options;
  if (timeout !== undefined && !(typeof timeout === "number" && timeout > 0)) {
    throw new ArgumentError(`timeout is a number of milliseconds greater than 0, not ${String(timeout)}`);
  }
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw new ArgumentError(`signal is an AbortSignal, not ${describe(signal)}`);
  }
  for (const name of Object.keys(executionOptions ?? {})) {
    if (name === "yieldPer") continue;
    const hint = name === "isolationLevel" ? "; set it with conn.executionOptions() before the transaction" : "";
    throw new ArgumentError(`Unknown execution option '${name}' of a call; known are: yieldPer${hint}`);
  }
  return { timeout: timeout ?? 0, signal, yieldPer: yieldPer(executionOptions?.yieldPer) };
}

/**
 * Of the options of a call, those that hold for the wait for a connection, too.
 * @internal
 */
export function limitsOf(options: CallOptions | undefined): CallOptions {
  const { signal, timeout } = options ?? {};
  return { ...(signal === undefined ? {} : { signal }), ...(timeout === undefined ? {} : { timeout }) };
}

/**
 * Checks a number of rows; 0 where there is none.
 * @internal
 */
export function yieldPer(rows: number | undefined): number {
  if (rows === undefined) return 0;
  if (!(Number.isSafeInteger(rows) && rows > 0)) throw new ArgumentError(`yieldPer is a positive integer, not ${String(rows)}`);
  return rows;
}

/**
 * Makes a call: an aborted one rejects with the reason of its signal, any other error is an instance of its class.
 * @internal
 */
export async function call<T>(
  options: NativeCall | undefined,
  start: () => Promise<T>,
  context?: StatementContext,
): Promise<T> {
  options?.signal?.throwIfAborted();
  try {
    return await start();
  } catch (thrown) {
    const aborted = options?.signal?.aborted === true && (thrown as { class?: unknown } | null)?.class === "CancelledError";
    throw aborted ? options?.signal?.reason : rehydrate(thrown, context);
  }
}

/** Timers take no longer ones. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Calls `stop` when the signal aborts or the time is over. The function that it gives forgets both.
 * @internal
 */
export function limit({ signal, timeout }: NativeLimits, stop: (reason: unknown) => void): () => void {
  const aborted = (): void => stop(signal?.reason);
  const late = (): void => stop(new TimeoutError(`the call timed out after ${timeout} ms`));
  const timer = timeout > 0 && timeout <= LONGEST_TIMER ? setTimeout(late, timeout) : undefined;
  signal?.addEventListener("abort", aborted);
  if (signal?.aborted === true) aborted();
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", aborted);
  };
}

/**
 * Waits for something, no longer than a signal and a time let.
 * @internal
 */
export async function within<T>(limits: NativeLimits | undefined, waited: Promise<T>): Promise<T> {
  if (limits === undefined) return waited;
  let forget: (() => void) | undefined;
  const over = new Promise<never>((_, reject) => {
    forget = limit(limits, reject);
  });
  try {
    return await Promise.race([over, waited]);
  } finally {
    forget?.();
  }
}

/**
 * What is left of a time in milliseconds, of which 0 is forever, that began at `since` of `performance.now()`.
 * @internal
 */
export function left(timeout: number, since: number): number {
  // None left is no time, and not forever.
  return timeout === 0 ? 0 : Math.max(1, timeout - (performance.now() - since));
}

/**
 * As {@link within}, for the first thing that a call waits for: what follows has what is left of its time.
 * @internal
 */
export async function first<T>(limits: NativeLimits | undefined, waited: Promise<T>): Promise<T> {
  const since = performance.now();
  const value = await within(limits, waited);
  if (limits !== undefined) limits.timeout = left(limits.timeout, since);
  return value;
}

/**
 * The options of a call for what follows in it: with what is left of a time that began at `since` of `performance.now()`.
 * @internal
 */
export function following<T extends CallOptions | undefined>(options: T, since: number): T {
  return options?.timeout === undefined ? options : { ...options, timeout: left(options.timeout, since) };
}

/**
 * As {@link call}, for what does not wait.
 * @internal
 */
export function callSync<T>(start: () => T): T {
  try {
    return start();
  } catch (thrown) {
    throw rehydrate(thrown);
  }
}
