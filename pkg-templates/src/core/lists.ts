/**
 * Lists of `IN`: a parameter for each item, and where SQLite takes no more parameters, one that holds them all as JSON.
 *
 * @module
 */

import { asBytes } from "../encode.js";
import { DataError } from "../errors.js";

/** How many parameters SQLite takes in one statement. */
const MAX_PARAMETERS = 32766;

/**
 * A list as SQL, one parameter for each item, or one for each of the `width` values of an item. A list of nothing is a query that
 * finds nothing, as SQLAlchemy writes it.
 * @internal
 */
export function listSql(list: readonly unknown[], width: number): string {
  if (list.length === 0) return `(SELECT ${Array(width).fill("1").join(", ")} FROM (SELECT 1) WHERE 1!=1)`;
  if (!Array.isArray(list[0])) return `(${list.map(() => "?").join(", ")})`;
  return `(VALUES ${list.map((row) => `(${(row as unknown[]).map(() => "?").join(", ")})`).join(", ")})`;
}

/**
 * Which of the lists, by their numbers of parameters, have to travel as JSON so that the others fit: the longest.
 * @internal
 */
export function tooLong(single: number, lists: readonly (readonly [place: number, cells: number])[]): ReadonlySet<number> {
  const packed = new Set<number>();
  let total = lists.reduce((sum, [, cells]) => sum + cells, single);
  for (const [place, cells] of [...lists].sort((a, b) => b[1] - a[1])) {
    if (total <= MAX_PARAMETERS) break;
    packed.add(place);
    total -= cells - 1;
  }
  return packed;
}

/**
 * A list as one parameter of JSON, and the query that takes its items out again, each as it would have been bound: bytes and
 * texts with a NUL travel as digits, since JSON in SQLite has no place for them.
 * @internal
 */
export function packed(lists: readonly (readonly unknown[])[]): { readonly sql: string; readonly values: readonly string[] } {
  let digits = false;
  const item = (value: unknown): string => {
    const bytes = asBytes(value);
    if (bytes !== undefined) {
      digits = true;
      return `[${JSON.stringify(hex(bytes))}]`;
    }
    if (typeof value === "string") {
      if (/\p{Surrogate}/u.test(value)) throw new DataError("a list holds a lone surrogate, which UTF-8 cannot express");
      if (!value.includes("\0")) return JSON.stringify(value);
      digits = true;
      return `[${JSON.stringify(hex(new TextEncoder().encode(value)))}, 1]`;
    }
    return number(value);
  };
  const row = (value: unknown): string => (Array.isArray(value) ? `[${value.map(item).join(",")}]` : item(value));
  const values = lists.map((list) => `[${list.map(row).join(",")}]`);
  const first = lists.find((list) => list.length > 0)?.[0];
  // Where lists lie in lists, a step of the path leads to each column.
  const columns = Array.isArray(first) ? first.map((_, i) => `$[${i}]`) : ["$"];
  const whole = Array.isArray(first) ? "value" : "atom";
  const take = (path: string): string => {
    const plain = path === "$" ? "atom" : `json_extract(${whole}, '${path}')`;
    if (!digits) return plain;
    const at = (step: string): string => `json_extract(value, '${path}${step}')`;
    const isArray = path === "$" ? "type = 'array'" : `json_type(value, '${path}') = 'array'`;
    const bytes = `unhex(${at("[0]")})`;
    return `CASE WHEN ${isArray} THEN CASE WHEN ${at("[1]")} THEN CAST(${bytes} AS TEXT) ELSE ${bytes} END ELSE ${plain} END`;
  };
  return { sql: `(SELECT ${columns.map(take).join(", ")} FROM json_each(?))`, values };
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function number(value: unknown): string {
  switch (typeof value) {
    case "boolean":
      return value ? "1" : "0";
    case "bigint":
      if (BigInt.asIntN(64, value) === value) return String(value);
      throw new DataError(`a list holds ${value}, which does not fit into SQLite's 64 bits`);
    case "number":
      if (Number.isNaN(value)) throw new DataError("a list holds NaN, which SQLite cannot store; use null");
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) return String(value);
      if (!Number.isFinite(value)) return value > 0 ? "9e999" : "-9e999";
      // A whole number beyond the safe ones is a REAL, and has to look like one.
      return Object.is(value, -0) ? "-0.0" : /[.e]/.test(String(value)) ? String(value) : `${String(value)}.0`;
    default:
      if (value === null) return "null";
      throw new DataError(`a list holds what cannot be bound: ${value === undefined ? "undefined; use null for SQL NULL" : typeof value}`);
  }
}
