/**
 * Procedures: functions of a module of the application's that the worker imports and calls, with a connection whose calls are
 * done when they return.
 *
 * @module
 */

import { call, callOptions, type NativeLimits } from "./call.js";
import { describe } from "./encode.js";
import { ArgumentError, ProcedureError } from "./errors.js";
import type { NativeConnection } from "./generated/client.js";
import type { CallOptions } from "./options.js";
import { decodeValue, encodeValue } from "./values_codec.js";

/** How a procedure is called. */
export interface ProcedureOptions extends CallOptions {
  /** Whether it only reads: then it does not wait until nobody else writes. */
  readonly readOnly?: boolean;
}

/** A procedure: the URL of a module, and the name under which it exports a function. */
export interface ProcedureReference<First = never, A extends readonly unknown[] = readonly unknown[], T = unknown> {
  /** The module; a text that is relative is so to the page. */
  readonly module: URL | string;
  /** The name of the function. */
  readonly export: string;
  /** How it is called. */
  readonly options?: ProcedureOptions | undefined;
  /** Its type; there is no value. */
  readonly type?: (first: First, ...args: A) => T;
}

/** A procedure that {@link procedures} made, which knows its type. */
export class Procedure<First = never, A extends readonly unknown[] = readonly unknown[], T = unknown>
  implements ProcedureReference<First, A, T>
{
  /** The module. */
  readonly module: URL | string;
  /** The name of the function. */
  readonly export: string;
  /** How it is called. */
  readonly options: ProcedureOptions | undefined;
  /** Its type; there is no value. */
  declare readonly type?: (first: First, ...args: A) => T;

  /** @internal */
  constructor(module: URL | string, name: string, options?: ProcedureOptions) {
    [this.module, this.export, this.options] = [module, name, options];
    Object.freeze(this);
  }

  /** The same procedure, called with these options. */
  with(options: ProcedureOptions): Procedure<First, A, T> {
    return new Procedure(this.module, this.export, { ...this.options, ...options });
  }
}

/** The functions of a module that can be procedures. */
export type Procedures<M> = {
  readonly [K in keyof M as M[K] extends (first: never, ...args: never[]) => unknown ? K : never]: M[K] extends (
    first: infer First,
    ...args: infer A
  ) => infer T
    ? Procedure<First, A, T>
    : never;
};

/**
 * The procedures of a module, by their names, with their types:
 *
 * ```ts
 * const jobs = procedures<typeof import("./jobs.js")>(new URL("./jobs.js", import.meta.url));
 * const moved = await conn.runSync(jobs.moveAll, "inbox", "archive");
 * ```
 *
 * The module is imported in the worker, when it is first called for.
 */
export function procedures<M extends object>(module: URL | string): Procedures<M> {
  check(module, "");
  const made = new Map<string, Procedure>();
  const get = (_: unknown, name: string | symbol): Procedure | undefined => {
    // Whoever awaits it is not to take it for a promise.
    if (typeof name !== "string" || name === "then") return undefined;
    const known = made.get(name) ?? new Procedure(module, name);
    made.set(name, known);
    return known;
  };
  return new Proxy(Object.freeze(Object.create(null) as object), { get }) as Procedures<M>;
}

/** What a procedure takes behind the connection. */
export type ArgumentsOf<P> = P extends { readonly type?: (first: never, ...args: infer A) => unknown } ? A : readonly unknown[];
/** What a procedure gives. */
export type ResultOf<P> = P extends { readonly type?: (first: never, ...args: never) => infer T } ? T : unknown;

/**
 * A procedure and its arguments, ready to go.
 * @internal
 */
export interface Running {
  readonly options: CallOptions;
  /** The same, as they are sent. */
  readonly limits: NativeLimits;
  start(conn: NativeConnection, engine: boolean, hidden: boolean): Promise<unknown>;
}

/**
 * Checks and encodes what `runSync()` and its kin were given.
 * @internal
 */
export function running(given: readonly unknown[]): Running {
  const [reference, args] = referenceOf(given);
  const { readOnly, ...options } = reference.options ?? {};
  const native = callOptions(options);
  if (readOnly !== undefined && typeof readOnly !== "boolean") {
    throw new ArgumentError(`readOnly is true or false, not ${describe(readOnly)}`);
  }
  const [module, name] = [check(reference.module, reference.export), reference.export];
  // Encoded before anything is waited for: what the caller does with them later is its own affair.
  const values = args.map((value, i) => encodeValue(value, `argument ${i + 1} of ${name}()`));
  return {
    options,
    limits: native,
    async start(conn, engine, hidden) {
      const list = encodeValue([hidden, values], name);
      const bytes = await call(native, () => conn.call(module, name, list, readOnly === true, engine, native));
      const value = decodeValue(bytes.subarray(1));
      if (bytes[0] === 1) return value;
      throw thrownBy(name, value);
    },
  };
}

function referenceOf(given: readonly unknown[]): readonly [ProcedureReference, readonly unknown[]] {
  const [first, ...args] = given;
  if (typeof first === "string" || first instanceof URL) {
    const [name, ...others] = args;
    if (typeof name !== "string") {
      throw new ArgumentError(`behind the URL of a module stands the name of a function, not ${describe(name)}`);
    }
    return [{ module: first, export: name }, others];
  }
  const { module, export: name } = (first ?? {}) as { module?: unknown; export?: unknown };
  if (module === undefined || typeof name !== "string") {
    const hint = typeof first === "function" ? "; a function cannot be sent to another thread: export it from a module" : "";
    throw new ArgumentError(`a procedure is { module: URL, export: name }, not ${describe(first)}${hint}`);
  }
  return [first as ProcedureReference, args];
}

/** The absolute URL of a module. */
function check(module: unknown, name: string): string {
  if (module instanceof URL) return module.href;
  try {
    if (typeof module === "string") return new URL(module, (globalThis.location as Location | undefined)?.href).href;
  } catch {
    // It is told below.
  }
  const what = typeof module === "string" ? JSON.stringify(module) : describe(module);
  const whose = name === "" ? "procedures" : `${name}()`;
  throw new ArgumentError(`the module of ${whose} is a URL, like new URL("./jobs.js", import.meta.url), not ${what}`);
}

/** What a procedure threw: an error of aludel's as it was, any other as a ProcedureError of its name and message. */
function thrownBy(name: string, thrown: unknown): unknown {
  if (thrown instanceof Error && "retryable" in thrown) return thrown;
  if (!(thrown instanceof Error)) return new ProcedureError(`${name}() threw ${shown(thrown)}`, { cause: thrown });
  const error = new ProcedureError(thrown.message, { cause: thrown });
  Object.defineProperty(error, "name", { value: thrown.name, writable: true, configurable: true });
  return error;
}

function shown(value: unknown): string {
  try {
    return String(value);
  } catch {
    // An object may have no text.
    return describe(value);
  }
}
