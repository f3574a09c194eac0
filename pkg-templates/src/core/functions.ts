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

/**
 * The functions whose types are known; any other name gives `unknown`. A `Strict` one is null where one of its arguments is, a `Loose`
 * one may be so whatever it is given, a `Sure` one never is.
 */
export interface KnownFunctions {
  // Aggregates.
  /** How many rows, or how many values that are not null. */
  count: Sure<number, [of?: Expr<unknown>]>;
  /** The sum of what is not null; null if that is nothing. Fails where the sum of integers has more than 64 bits. */
  sum<T extends number | bigint | string | boolean | null>(of: Expr<T>): FunctionCall<Summed<T>>;
  /** As `sum`, but a float, which never overflows, and 0 if there is nothing. */
  total: Sure<number, [of: Expr<unknown>]>;
  /** The mean of what is not null; null if that is nothing. */
  avg: Loose<number, [of: Expr<unknown>]>;
  /** The least value that is not null; null if there is none. */
  min<T>(of: Expr<T>): FunctionCall<T | null>;
  /** The greatest value that is not null; null if there is none. */
  max<T>(of: Expr<T>): FunctionCall<T | null>;
  /** The texts that are not null with the separator between them; null if there are none. */
  aggregateStrings: Loose<string, [text: Expr<unknown>, separator: string]>;
  /** As `aggregateStrings`; the separator is a comma unless given. */
  groupConcat: Loose<string, [text: Expr<unknown>, separator?: string]>;
  /** An array of all values, also of nulls; empty if there are no rows. */
  jsonGroupArray: Sure<unknown[], [of: Expr<unknown>]>;
  /** An object of all names and values; empty if there are no rows. */
  jsonGroupObject: Sure<Record<string, unknown>, [name: Expr<unknown>, value: Expr<unknown>]>;

  // Windows.
  /** The place of the row in its partition, from 1 on. */
  rowNumber: Sure<number>;
  /** The place of the first row that ties with it: there are gaps behind ties. */
  rank: Sure<number>;
  /** As `rank`, without gaps. */
  denseRank: Sure<number>;
  /** Which part of the other rows of its partition ranks before it, from 0 to 1. */
  percentRank: Sure<number>;
  /** Which part of the rows of its partition comes before it or ties with it: above 0, up to 1. */
  cumeDist: Sure<number>;
  /** The number, from 1 on, of the group it is in when its partition is cut into this many groups. */
  ntile: Sure<number, [groups: number]>;
  /** The value in the row that is `offset` rows before, 1 unless given; `otherwise`, null unless given, where there is none. */
  lag<T>(of: Expr<T>, offset?: number, otherwise?: Arg<T>): FunctionCall<T | null>;
  /** As `lag`, of a row behind. */
  lead<T>(of: Expr<T>, offset?: number, otherwise?: Arg<T>): FunctionCall<T | null>;
  /** The value in the first row of the frame. */
  firstValue<T, S extends string>(of: Expr<T, S>): FunctionCall<T, S>;
  /** The value in the last row of the frame. */
  lastValue<T, S extends string>(of: Expr<T, S>): FunctionCall<T, S>;
  /** The value in the row of this place in the frame, from 1 on; null where there is none. */
  nthValue<T>(of: Expr<T>, n: number): FunctionCall<T | null>;

  // Any values.
  /** The first of these that is not null. */
  coalesce: Coalesce;
  /** As `coalesce`, of two. */
  ifnull: Coalesce;
  /** The value; null if it is equal to the other one. */
  nullif<T>(value: Expr<T>, other: Arg<T>): FunctionCall<T | null>;
  /** `then` if the condition is true; else, and where the condition is null, `otherwise`, which is null unless given. */
  iif<T, U = null>(condition: Expr<unknown>, then: T | Expr<T>, otherwise?: U | Expr<U>): FunctionCall<T | U>;
  /** How SQLite stores the value: `null`, `integer`, `real`, `text` or `blob`. */
  typeof: Sure<string, [value: unknown]>;
  /** The value as a literal of SQL: `NULL` for null. */
  quote: Sure<string, [value: unknown]>;

  // Texts and bytes.
  /** With small letters in place of the capital letters of ASCII; others stay. */
  lower: Strict<string, [text: TextArg]>;
  /** With capital letters in place of the small letters of ASCII; others stay. */
  upper: Strict<string, [text: TextArg]>;
  /** Without the spaces, or these characters, at both ends. */
  trim: Strict<string, [text: TextArg, characters?: TextArg]>;
  /** Without the spaces, or these characters, at its beginning. */
  ltrim: Strict<string, [text: TextArg, characters?: TextArg]>;
  /** Without the spaces, or these characters, at its end. */
  rtrim: Strict<string, [text: TextArg, characters?: TextArg]>;
  /** With each `what` replaced; as it is if `what` is empty. */
  replace: Strict<string, [text: TextArg, what: TextArg, by: TextArg]>;
  /** From the character `start` on, the first being 1 and the last -1: `length` characters, up to the end unless given. */
  substr: Strict<string, [text: TextArg, start: NumberArg, length?: NumberArg]>;
  /** As `substr`. */
  substring: Strict<string, [text: TextArg, start: NumberArg, length?: NumberArg]>;
  /** The place where `what` first begins, counted from 1 in characters, or in bytes where both are bytes; 0 if it is not in it. */
  instr: Strict<number, [text: Arg<string> | Arg<Uint8Array>, what: Arg<string> | Arg<Uint8Array>]>;
  /** How many characters a text has, up to the first NUL; how many bytes, where it is bytes. */
  length: Strict<number, [of: Expr<unknown> | string | Uint8Array]>;
  /** As `length`. */
  charLength: Strict<number, [text: TextArg]>;
  /** How many bytes it has, as the database stores it. */
  octetLength: Strict<number, [of: Expr<unknown> | string | Uint8Array]>;
  /** All of these as one text; what is null adds nothing. */
  concat: Sure<string, readonly unknown[]>;
  /** The values, written as C's `printf()` does; null if the format is. */
  format: Loose<string, [format: TextArg, ...values: readonly unknown[]]>;
  /** As `format`. */
  printf: Loose<string, [format: TextArg, ...values: readonly unknown[]]>;
  /** The text of the characters with these code points. */
  char: Sure<string, readonly NumberArg[]>;
  /** The code point of the first character; null if there is none. */
  unicode: Loose<number, [text: TextArg]>;
  /** With the characters in place of their escapes: `\XXXX`, `\uXXXX`, `\+XXXXXX`, `\UXXXXXXXX`. */
  unistr: Strict<string, [text: TextArg]>;
  /** The bytes, or the UTF-8 of a text, in hexadecimal digits; empty for null. */
  hex: Sure<string, [bytes: unknown]>;
  /** The bytes that hexadecimal digits mean; null if there is anything else between the pairs but the characters of `ignore`. */
  unhex: Loose<Uint8Array, [text: TextArg, ignore?: TextArg]>;
  /** This many bytes that are zero. */
  zeroblob: Sure<Uint8Array, [length: NumberArg]>;
  /** This many random bytes, and one at least. */
  randomblob: Sure<Uint8Array, [length: NumberArg]>;
  /** 1 if the text matches a pattern of `*`, `?` and `[...]`, in which capital letters are others than small ones; else 0. */
  glob: Strict<number, [pattern: TextArg, text: TextArg]>;
  /** With all that a regular expression matches replaced; `$1` is its first group. */
  regexpReplace: Strict<string, [text: TextArg, pattern: TextArg, by: TextArg]>;

  // Numbers.
  /** Without its sign. Fails for the least integer, which has no counterpart. */
  abs<T, S extends string>(of: Expr<T, S>): FunctionCall<T, S>;
  /** The nearest number with so many `digits` behind the point, 0 unless given: a float. */
  round: Strict<number, [of: Expr<unknown> | number, digits?: NumberArg]>;
  /** -1, 0 or 1; null for what is no number. */
  sign: Loose<number, [of: NumberArg]>;
  /** The least whole number that is not below it. */
  ceil<T, S extends string>(of: Expr<T, S>): FunctionCall<T, S>;
  /** The same of a value. */
  ceil(of: number | bigint): FunctionCall<number, never>;
  /** The greatest whole number that is not above it. */
  floor<T, S extends string>(of: Expr<T, S>): FunctionCall<T, S>;
  /** The same of a value. */
  floor(of: number | bigint): FunctionCall<number, never>;
  /** Without what is behind the point. */
  trunc: Strict<number, [of: NumberArg]>;
  /** What a division leaves over, with the sign of `of`, fractions too; null for a division by 0. */
  mod: Loose<number, [of: NumberArg, by: NumberArg]>;
  /** To the power of `exponent`; null where that is no number, as of -8 to the power of 1/3. */
  pow: Loose<number, [of: NumberArg, exponent: NumberArg]>;
  /** The square root; null below 0. */
  sqrt: Loose<number, [of: NumberArg]>;
  /** e to the power of it. */
  exp: Strict<number, [of: NumberArg]>;
  /** The natural logarithm; null from 0 down. */
  ln: Loose<number, [of: NumberArg]>;
  /** The logarithm to base 10; null from 0 down. */
  log10: Loose<number, [of: NumberArg]>;
  /** The logarithm to base 2; null from 0 down. */
  log2: Loose<number, [of: NumberArg]>;
  /** The sine of an angle in radians. */
  sin: Strict<number, [of: NumberArg]>;
  /** The cosine of an angle in radians. */
  cos: Strict<number, [of: NumberArg]>;
  /** The tangent of an angle in radians. */
  tan: Strict<number, [of: NumberArg]>;
  /** The angle in radians of a sine; null if it is not within -1 and 1. */
  asin: Loose<number, [of: NumberArg]>;
  /** The angle in radians of a cosine; null if it is not within -1 and 1. */
  acos: Loose<number, [of: NumberArg]>;
  /** The angle in radians of a tangent. */
  atan: Strict<number, [of: NumberArg]>;
  /** The angle in radians at which the point (x, y) lies. */
  atan2: Strict<number, [y: NumberArg, x: NumberArg]>;
  /** Degrees in radians. */
  radians: Strict<number, [of: NumberArg]>;
  /** Radians in degrees. */
  degrees: Strict<number, [of: NumberArg]>;
  /** The number pi. */
  pi: Sure<number>;
  /** Any of the integers of 64 bits. */
  random: Sure<bigint>;

  // Dates and times; null where SQLite cannot read what it is given.
  /** The date and time in UTC, to the second. */
  now: Sure<Date>;
  /** As `now`. */
  currentTimestamp: Sure<Date>;
  /** The date in UTC. */
  currentDate: Sure<Date>;
  /** The date of a time, moved by what follows it (`"+1 day"`), as `YYYY-MM-DD`; of now unless one is given. */
  date: Loose<string, readonly unknown[]>;
  /** As `date`, but `HH:MM:SS`. */
  time: Loose<string, readonly unknown[]>;
  /** As `date`, but `YYYY-MM-DD HH:MM:SS`. */
  datetime: Loose<string, readonly unknown[]>;
  /** As `date`, but as a format says: `%Y-%m-%dT%H:%M:%fZ`. */
  strftime: Loose<string, [format: TextArg, ...values: readonly unknown[]]>;
  /** As `date`, but days since noon of November 24, 4714 BC, in Greenwich. */
  julianday: Loose<number, readonly unknown[]>;
  /** As `date`, but seconds since the beginning of 1970. */
  unixepoch: Loose<number, readonly unknown[]>;

  // JSON: what is JSON is read as its value.
  /** The value of a text of JSON; fails if it is none. */
  json: Loose<unknown, [of: JsonArg]>;
  /** An array of these values. */
  jsonArray: Sure<unknown[], readonly unknown[]>;
  /** An object of these names and values, which take turns. */
  jsonObject: Sure<Record<string, unknown>, readonly unknown[]>;
  /** How many elements an array has, 0 if it is none; null if there is nothing at the path. */
  jsonArrayLength: Loose<number, [of: JsonArg, path?: string]>;
  /** What is at the path, null if there is nothing; an array or object as text, and so an array of what is at several paths. */
  jsonExtract: Loose<unknown, [of: JsonArg, ...paths: readonly string[]]>;
  /** `null`, `true`, `false`, `integer`, `real`, `text`, `array` or `object`; null if there is nothing at the path. */
  jsonType: Loose<string, [of: JsonArg, path?: string]>;
  /** 1 if it is JSON, in one of the forms that `flags` adds up, else 0. */
  jsonValid: Loose<number, [of: JsonArg, flags?: number]>;
  /** The text of JSON, with these values at these paths where there is nothing. */
  jsonInsert: Loose<string, [of: JsonArg, ...pathsAndValues: readonly unknown[]]>;
  /** The text of JSON, with these values at these paths where there is something. */
  jsonReplace: Loose<string, [of: JsonArg, ...pathsAndValues: readonly unknown[]]>;
  /** The text of JSON, with these values at these paths, whatever is there. */
  jsonSet: Loose<string, [of: JsonArg, ...pathsAndValues: readonly unknown[]]>;
  /** The text of JSON, without what is at these paths. */
  jsonRemove: Loose<string, [of: JsonArg, ...paths: readonly string[]]>;
  /** The text of JSON with the members of another object in it, of which nulls take members away (RFC 7396). */
  jsonPatch: Loose<string, [of: JsonArg, by: JsonArg]>;
  /** The text of JSON, with line breaks and indented. */
  jsonPretty: Loose<string, [of: JsonArg]>;
  /** The text of the value in JSON: `null` for null. */
  jsonQuote: Sure<string, [value: unknown]>;
  /** The members of a value, as rows: `.tableValued("key", "value")`. */
  jsonEach: Loose<unknown, [of: JsonArg, path?: string]>;
  /** All that is in a value, as rows: `.tableValued("fullkey", "atom")`. */
  jsonTree: Loose<unknown, [of: JsonArg, path?: string]>;

  // Full-text search.
  /** How well a row of this table matches: the less, the better. Weights of its columns may follow. */
  bm25: Sure<number, readonly unknown[]>;
  /** The text of a column, by table and number, with two texts around each match. */
  highlight: Loose<string, readonly unknown[]>;
  /** A part of the text of a column, as `highlight` gives it; then what stands for the rest, and how many tokens it has at most. */
  snippet: Loose<string, readonly unknown[]>;

  // The database.
  /** The rowid of the last row that the connection has inserted; 0 if there is none. */
  lastInsertRowid: Sure<number>;
  /** How many rows the last INSERT, UPDATE or DELETE of the connection has changed, without those of triggers and foreign keys. */
  changes: Sure<number>;
  /** How many rows the connection has changed since it was opened, with those of triggers and foreign keys. */
  totalChanges: Sure<number>;
  /** The version of SQLite. */
  sqliteVersion: Sure<string>;
}
