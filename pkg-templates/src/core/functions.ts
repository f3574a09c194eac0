/**
 * The functions of SQLite, with what they take and give: types, and no code.
 *
 * @module
 */

import type { Expr } from "./expr.js";
import type { FunctionCall } from "./func.js";
import type { OrNull } from "./selection.js";

/** An argument: a value, an expression, or null. */
export type Arg<T> = T | Expr<T> | Expr<unknown> | null;
type TextArg = Arg<string>;
type NumberArg = Arg<number> | Arg<bigint>;
type JsonArg = Expr<unknown> | string;

type ValueOf<A> = A extends Expr<infer T, any> ? T : A;
type SourcesOf<A> = A extends Expr<any, infer S> ? S : never;
/** A function that is null where one of its arguments is. */
type Strict<R, A extends readonly unknown[]> = <const G extends A>(...args: G) => FunctionCall<OrNull<R, ValueOf<G[number]>>, SourcesOf<G[number]>>;
/** A function that may give null whatever it is given. */
type Loose<R, A extends readonly unknown[]> = (...args: A) => FunctionCall<R | null>;
/** A function that never gives null. */
type Sure<R, A extends readonly unknown[] = []> = (...args: A) => FunctionCall<R, never>;

/** As widely as a fallback for it is typed. */
type Wide<T> = T extends string ? string : T extends number ? number : T extends boolean ? boolean : T;
/** Whether one of these is never null, by its own type. */
type HasValue<A extends readonly unknown[]> =
  A extends readonly [infer First, ...infer Rest] ? (null extends ValueOf<First> ? HasValue<Rest> : true) : false;
/** What has to be absent for all of these to be null: nothing could, if one of them reads nothing that may be absent. */
type SourcesOfAll<A extends readonly unknown[], S> = A extends readonly [infer First, ...infer Rest]
  ? null extends ValueOf<First>
    ? SourcesOfAll<Rest, S>
    : [SourcesOf<First>] extends [never] ? never : SourcesOfAll<Rest, S | SourcesOf<First>>
  : S;
type Coalesced<A extends readonly unknown[]> = FunctionCall<
  Exclude<ValueOf<A[number]>, null> | (HasValue<A> extends true ? never : null),
  SourcesOfAll<A, never> & string
>;
type Summed<T> = (T extends boolean ? number : T) | null;
type Coalesce = <T, S extends string, const A extends readonly Arg<Wide<T>>[]>(
  first: Expr<T, S>,
  ...others: A
) => Coalesced<readonly [Expr<T, S>, ...A]>;

/** The functions whose types are known; any other name gives `unknown`. */
export interface KnownFunctions {
  // Aggregates.
  /** How many rows, or how many values that are not null. */
  count: Sure<number, [of?: Expr<unknown>]>;
  sum<T extends number | bigint | string | boolean | null>(of: Expr<T>): FunctionCall<Summed<T>>;
  total: Sure<number, [of: Expr<unknown>]>;
  avg: Loose<number, [of: Expr<unknown>]>;
  min<T>(of: Expr<T>): FunctionCall<T | null>;
  max<T>(of: Expr<T>): FunctionCall<T | null>;
  aggregateStrings: Loose<string, [text: Expr<unknown>, separator: string]>;
  groupConcat: Loose<string, [text: Expr<unknown>, separator?: string]>;
  jsonGroupArray: Sure<unknown[], [of: Expr<unknown>]>;
  jsonGroupObject: Sure<Record<string, unknown>, [name: Expr<unknown>, value: Expr<unknown>]>;

  // Windows.
  rowNumber: Sure<number>;
  rank: Sure<number>;
  denseRank: Sure<number>;
  percentRank: Sure<number>;
  cumeDist: Sure<number>;
  ntile: Sure<number, [groups: number]>;
  lag<T>(of: Expr<T>, offset?: number, otherwise?: Arg<T>): FunctionCall<T | null>;
  lead<T>(of: Expr<T>, offset?: number, otherwise?: Arg<T>): FunctionCall<T | null>;
  firstValue<T, S extends string>(of: Expr<T, S>): FunctionCall<T, S>;
  lastValue<T, S extends string>(of: Expr<T, S>): FunctionCall<T, S>;
  nthValue<T>(of: Expr<T>, n: number): FunctionCall<T | null>;

  // Any values.
  /** The first of these that is not null. */
  coalesce: Coalesce;
  ifnull: Coalesce;
  nullif<T>(value: Expr<T>, other: Arg<T>): FunctionCall<T | null>;
  iif<T, U = null>(condition: Expr<unknown>, then: T | Expr<T>, otherwise?: U | Expr<U>): FunctionCall<T | U>;
  typeof: Sure<string, [value: unknown]>;
  quote: Sure<string, [value: unknown]>;

  // Texts and bytes.
  lower: Strict<string, [text: TextArg]>;
  upper: Strict<string, [text: TextArg]>;
  trim: Strict<string, [text: TextArg, characters?: TextArg]>;
  ltrim: Strict<string, [text: TextArg, characters?: TextArg]>;
  rtrim: Strict<string, [text: TextArg, characters?: TextArg]>;
  replace: Strict<string, [text: TextArg, what: TextArg, by: TextArg]>;
  substr: Strict<string, [text: TextArg, start: NumberArg, length?: NumberArg]>;
  substring: Strict<string, [text: TextArg, start: NumberArg, length?: NumberArg]>;
  instr: Strict<number, [text: Arg<string> | Arg<Uint8Array>, what: Arg<string> | Arg<Uint8Array>]>;
  length: Strict<number, [of: Expr<unknown> | string | Uint8Array]>;
  charLength: Strict<number, [text: TextArg]>;
  octetLength: Strict<number, [of: Expr<unknown> | string | Uint8Array]>;
  /** All of these as one text; what is null adds nothing. */
  concat: Sure<string, readonly unknown[]>;
  format: Loose<string, [format: TextArg, ...values: readonly unknown[]]>;
  printf: Loose<string, [format: TextArg, ...values: readonly unknown[]]>;
  char: Sure<string, readonly NumberArg[]>;
  unicode: Loose<number, [text: TextArg]>;
  unistr: Strict<string, [text: TextArg]>;
  hex: Sure<string, [bytes: unknown]>;
  unhex: Loose<Uint8Array, [text: TextArg, ignore?: TextArg]>;
  zeroblob: Sure<Uint8Array, [length: NumberArg]>;
  randomblob: Sure<Uint8Array, [length: NumberArg]>;
  glob: Strict<number, [pattern: TextArg, text: TextArg]>;
  regexpReplace: Strict<string, [text: TextArg, pattern: TextArg, by: TextArg]>;

  // Numbers.
  abs<T, S extends string>(of: Expr<T, S>): FunctionCall<T, S>;
  round: Strict<number, [of: Expr<unknown> | number, digits?: NumberArg]>;
  sign: Loose<number, [of: NumberArg]>;
  ceil<T, S extends string>(of: Expr<T, S>): FunctionCall<T, S>;
  ceil(of: number | bigint): FunctionCall<number, never>;
  floor<T, S extends string>(of: Expr<T, S>): FunctionCall<T, S>;
  floor(of: number | bigint): FunctionCall<number, never>;
  trunc: Strict<number, [of: NumberArg]>;
  mod: Loose<number, [of: NumberArg, by: NumberArg]>;
  pow: Strict<number, [of: NumberArg, exponent: NumberArg]>;
  sqrt: Loose<number, [of: NumberArg]>;
  exp: Strict<number, [of: NumberArg]>;
  ln: Loose<number, [of: NumberArg]>;
  log10: Loose<number, [of: NumberArg]>;
  log2: Loose<number, [of: NumberArg]>;
  sin: Strict<number, [of: NumberArg]>;
  cos: Strict<number, [of: NumberArg]>;
  tan: Strict<number, [of: NumberArg]>;
  asin: Loose<number, [of: NumberArg]>;
  acos: Loose<number, [of: NumberArg]>;
  atan: Strict<number, [of: NumberArg]>;
  atan2: Strict<number, [y: NumberArg, x: NumberArg]>;
  radians: Strict<number, [of: NumberArg]>;
  degrees: Strict<number, [of: NumberArg]>;
  pi: Sure<number>;
  /** Any of the integers of 64 bits. */
  random: Sure<bigint>;

  // Dates and times; null where SQLite cannot read what it is given.
  now: Sure<Date>;
  currentTimestamp: Sure<Date>;
  currentDate: Sure<Date>;
  date: Loose<string, readonly unknown[]>;
  time: Loose<string, readonly unknown[]>;
  datetime: Loose<string, readonly unknown[]>;
  strftime: Loose<string, [format: TextArg, ...values: readonly unknown[]]>;
  julianday: Loose<number, readonly unknown[]>;
  unixepoch: Loose<number, readonly unknown[]>;

  // JSON: what is JSON is read as its value.
  json: Loose<unknown, [of: JsonArg]>;
  jsonArray: Sure<unknown[], readonly unknown[]>;
  jsonObject: Sure<Record<string, unknown>, readonly unknown[]>;
  jsonArrayLength: Loose<number, [of: JsonArg, path?: string]>;
  jsonExtract: Loose<unknown, [of: JsonArg, ...paths: readonly string[]]>;
  jsonType: Loose<string, [of: JsonArg, path?: string]>;
  jsonValid: Loose<number, [of: JsonArg, flags?: number]>;
  /** The text of JSON, as these make it. */
  jsonInsert: Loose<string, [of: JsonArg, ...pathsAndValues: readonly unknown[]]>;
  jsonReplace: Loose<string, [of: JsonArg, ...pathsAndValues: readonly unknown[]]>;
  jsonSet: Loose<string, [of: JsonArg, ...pathsAndValues: readonly unknown[]]>;
  jsonRemove: Loose<string, [of: JsonArg, ...paths: readonly string[]]>;
  jsonPatch: Loose<string, [of: JsonArg, by: JsonArg]>;
  jsonPretty: Loose<string, [of: JsonArg]>;
  jsonQuote: Sure<string, [value: unknown]>;
  /** The members of a value, as rows: `.tableValued("key", "value")`. */
  jsonEach: Loose<unknown, [of: JsonArg, path?: string]>;
  /** All that is in a value, as rows: `.tableValued("fullkey", "atom")`. */
  jsonTree: Loose<unknown, [of: JsonArg, path?: string]>;

  // Full-text search.
  bm25: Sure<number, readonly unknown[]>;
  highlight: Loose<string, readonly unknown[]>;
  snippet: Loose<string, readonly unknown[]>;

  // The database.
  lastInsertRowid: Sure<number>;
  changes: Sure<number>;
  totalChanges: Sure<number>;
  sqliteVersion: Sure<string>;
}
