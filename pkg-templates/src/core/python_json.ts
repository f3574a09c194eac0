/**
 * JSON as Python's `json.dumps` writes it, so that a database written here and one written by SQLAlchemy hold the same text:
 * a blank behind each comma and colon, and nothing but ASCII.
 *
 * @module
 */

import { DataError } from "../errors.js";

/** How deep values may lie in each other: what JSON.parse of other systems takes at least. */
const MAX_DEPTH = 1000;

/** A value as JSON. What JSON cannot hold is an error: a function, a bigint, NaN, undefined in an array, a circle. */
export function pythonJson(value: unknown, depth = 0): string {
  if (depth > MAX_DEPTH) throw new DataError(`a value of JSON is nested more than ${MAX_DEPTH} levels deep, or in a circle`);
  if (value === null) return "null";
  switch (typeof value) {
    case "string":
      return ascii(JSON.stringify(value));
    case "number":
      if (!Number.isFinite(value)) throw new DataError(`JSON cannot hold ${value}`);
      return Object.is(value, -0) ? "-0.0" : String(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      break;
    default:
      throw new DataError(`JSON cannot hold ${value === undefined ? "undefined" : `a ${typeof value}`}`);
  }
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") return pythonJson((toJSON as () => unknown).call(value), depth + 1);
  if (Array.isArray(value)) return `[${value.map((item) => pythonJson(item, depth + 1)).join(", ")}]`;
  if (ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set) {
    throw new DataError(`JSON cannot hold a ${Object.prototype.toString.call(value).slice(8, -1)}`);
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${ascii(JSON.stringify(key))}: ${pythonJson(member, depth + 1)}`).join(", ")}}`;
}

function ascii(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[^\x00-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
