/**
 * Functions, aggregates and window functions of SQL that procedures make: how they look, and how the worker calls them.
 *
 * @module
 */

import { describe, isThenable } from "./encode.js";
import { ArgumentError } from "./errors.js";
import type { SqlValue } from "./values.js";

/** A function that statements can call: as many arguments as a call has, and a value that SQLite can store. */
export type SqlFunction = (...values: readonly SqlValue[]) => SqlValue | boolean | undefined;

/** What may be done with a function of SQL. */
export interface SqlFunctionOptions {
  /** Whether it gives the same for the same. */
  readonly deterministic?: boolean;
  /**
   * Whether it does no harm, whoever calls it: then what the schema holds (views, triggers, and indexes if it is deterministic) may
   * call it, in a file that others made, too.
   */
  readonly innocuous?: boolean;
}

/** What may be done with an aggregate or window function of SQL. */
export interface SqlAggregateOptions {
  /** Whether it does no harm, whoever calls it: then views and triggers may call it, in a file that others made, too. */
  readonly innocuous?: boolean;
}

/** What an aggregate keeps of one group of rows. */
export interface SqlAggregate {
  /** Takes a row up, by the arguments of the call. */
  step(...values: readonly SqlValue[]): void;
  /**
   * What the group came to. It is not called when the statement is interrupted, or when a call for the group has thrown. When the
   * statement fails over something else it may be, and nobody gets what it returns.
   */
  finalize(): SqlValue | boolean | undefined;
}

/** What a window function keeps of the rows that are in a window. */
export interface SqlWindowFunction extends SqlAggregate {
  /** Takes the oldest row out again. */
  inverse(...values: readonly SqlValue[]): void;
  /** What the rows come to that the window has now. */
  value(): SqlValue | boolean | undefined;
}

/** What begins the groups of an aggregate: a class, or a function that gives an object for each. */
export type SqlAggregates = (new () => SqlAggregate) | (() => SqlAggregate);

/** What begins the windows of a window function: a class, or a function that gives an object for each. */
export type SqlWindowFunctions = (new () => SqlWindowFunction) | (() => SqlWindowFunction);

// The numbers that crates/worker/src/entry/procedures.rs has for what a group is asked.
const METHODS = ["step", "finalize", "inverse", "value"] as const;

/** A group, as the worker asks it. */
type Group = (what: number, values: readonly SqlValue[]) => unknown;

/**
 * What begins groups for the worker.
 * @internal
 */
export function beginning(name: string, aggregate: SqlAggregates, windows: boolean): () => Group {
  const prototype = (aggregate as { prototype?: Partial<SqlAggregate> }).prototype;
  // A class whose methods are fields has none in its prototype.
  const isClass = typeof prototype?.step === "function" || /^class\b/.test(Function.prototype.toString.call(aggregate));
  const methods = METHODS.slice(0, windows ? 4 : 2);
  return () => {
    const group = isClass ? new (aggregate as new () => SqlAggregate)() : (aggregate as () => SqlAggregate)();
    for (const method of methods) {
      if (typeof (group as Partial<SqlWindowFunction> | null | undefined)?.[method] === "function") continue;
      throw new ArgumentError(`the aggregate ${name}() has no ${method}(): it is to have ${methods.join("(), ")}()`);
    }
    return (what, values) => {
      const method = METHODS[what] as keyof SqlWindowFunction;
      const answer: unknown = (group as SqlWindowFunction)[method](...values);
      // What these give goes nowhere else, and what they do later would be too late.
      if ((method === "step" || method === "inverse") && isThenable(answer)) {
        void Promise.resolve(answer).catch(() => undefined);
        throw new ArgumentError(`${method}() of the aggregate ${name}() returned a Promise: nothing in it is awaited`);
      }
      return answer;
    };
  };
}

/**
 * Checks what a function, an aggregate or a collation is to be made of, and gives its options.
 * @internal
 */
export function checked(what: string, name: unknown, fn: unknown, options: unknown, known: readonly string[]): Record<string, boolean> {
  if (typeof name !== "string" || typeof fn !== "function") {
    throw new ArgumentError(`${what}() takes a name and a function, not ${describe(name)} and ${describe(fn)}`);
  }
  if (typeof options !== "object" || options === null) {
    throw new ArgumentError(`the options of ${what}() are an object, not ${describe(options)}`);
  }
  for (const [option, value] of Object.entries(options)) {
    if (!known.includes(option)) {
      throw new ArgumentError(`Unknown option '${option}' of ${what}(); known are: ${known.join(", ") || "none"}`);
    }
    if (value !== undefined && typeof value !== "boolean") throw new ArgumentError(`${option} is true or false, not ${describe(value)}`);
  }
  return Object.fromEntries(known.map((option) => [option, (options as Record<string, unknown>)[option] === true]));
}
