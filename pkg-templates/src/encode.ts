/**
 * Parameters to the bytes of a batch, in one pass, with room in front for the head of the frame that will carry them.
 *
 * The layout is the same as that of rows (see `rows.ts`). Strings are sorted into those that are ASCII and others, joined,
 * and encoded by one call each.
 *
 * @module
 */

import { DataError } from "./errors.js";

/** How many bytes are left free in front of the batch: wasm writes the head of the frame into them. */
export const HEADROOM = 1024;

const NULL = 0;
const SAFE_INTEGER = 1;
const WIDE_INTEGER = 2;
const REAL = 3;
const ASCII = 4;
const UTF8 = 5;
const BLOB = 6;

const HEADER = 24;
const MIN_BIGINT = -(2n ** 63n);
const MAX_BIGINT = 2n ** 63n - 1n;
const MAX_HEAP = 0xffffffff;
const MAX_JOINED = 1 << 22;

const encoder: TextEncoder = new TextEncoder();

/**
 * Encodes parameter sets: `rows` of `columns` cells each. The bytes begin at {@link HEADROOM} of their buffer.
 * `cell` gives a value by its set and position, `name` says in
 * an error which parameter is meant.
 */
export function encodeBatch(
  rows: number,
  columns: number,
  cell: (row: number, column: number) => unknown,
  name: (row: number, column: number) => string,
): Uint8Array<ArrayBuffer> {
  const cells = rows * columns;
  const tags = new Uint8Array(cells);
  const slots = new Float64Array(cells);
  const words = new Uint32Array(slots.buffer);
  const ascii: string[] = [];
  const utf8: string[] = [];
  const blobs: Uint8Array[] = [];
  let [asciiLength, utf8Length, utf16Length] = [0, 0, 0];
  let blobLength = 0;
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const value = cell(row, column);
      if (typeof value === "string") {
        const length = byteLength(value);
        words[2 * at] = value.length;
        if (length === value.length) {
          tags[at] = ASCII;
          asciiLength += length;
          ascii.push(value);
        } else {
          if (length < 0) {
            throw new DataError(`${name(row, column)} holds a lone surrogate, which UTF-8 cannot express`);
          }
          tags[at] = UTF8;
          words[2 * at + 1] = length;
          utf16Length += value.length;
          utf8Length += length;
          utf8.push(value);
        }
      } else if (typeof value === "number") {
        if (Number.isSafeInteger(value) && !Object.is(value, -0)) tags[at] = SAFE_INTEGER;
        else if (value === value) tags[at] = REAL;
        else throw new DataError(`${name(row, column)} is NaN, which SQLite cannot store; use null`);
        slots[at] = value;
      } else if (value === null) {
        tags[at] = NULL;
      } else if (typeof value === "boolean") {
        tags[at] = SAFE_INTEGER;
        slots[at] = value ? 1 : 0;
      } else if (typeof value === "bigint") {
        const number = Number(value);
        if (Number.isSafeInteger(number)) {
          tags[at] = SAFE_INTEGER;
          slots[at] = number;
        } else if (value >= MIN_BIGINT && value <= MAX_BIGINT) {
          tags[at] = WIDE_INTEGER;
          new BigInt64Array(slots.buffer, at * 8, 1)[0] = value;
        } else {
          throw new DataError(`${name(row, column)} is ${value}, which does not fit into SQLite's 64 bits`);
        }
      } else {
        const blob = asBytes(value);
        if (blob === undefined) throw new DataError(`${name(row, column)} ${unbindable(value)}`);
        tags[at] = BLOB;
        words[2 * at] = blob.byteLength;
        blobLength += blob.byteLength;
        blobs.push(blob);
      }
    }
  }
  const heapAt = HEADROOM + HEADER + Math.ceil(cells / 8) * 8 + cells * 8;
  if (Math.max(asciiLength, utf8Length, blobLength) > MAX_HEAP) {
    throw new DataError("the parameters of one call are longer than 4 GiB");
  }
  const buffer = new ArrayBuffer(heapAt + asciiLength + utf8Length + blobLength);
  encodeTexts(ascii, buffer, heapAt, asciiLength);
  encodeTexts(utf8, buffer, heapAt + asciiLength, utf8Length);
  const bytes = new Uint8Array(buffer);
  const header = new DataView(buffer, HEADROOM, HEADER);
  [rows, columns, asciiLength, utf8Length, utf16Length, blobLength].forEach((n, i) => header.setUint32(4 * i, n, true));
  bytes.set(tags, HEADROOM + HEADER);
  bytes.set(new Uint8Array(slots.buffer), heapAt - cells * 8);
  let blobAt = heapAt + asciiLength + utf8Length;
  for (const blob of blobs) {
    bytes.set(blob, blobAt);
    blobAt += blob.byteLength;
  }
  return bytes.subarray(HEADROOM);
}

/** Writes texts one after the other. */
function encodeTexts(texts: readonly string[], buffer: ArrayBuffer, at: number, length: number): void {
  if (length === 0) return;
  // One call of the encoder for all of them; in parts, since a string cannot grow without bound.
  let part: string[] = [];
  let units = 0;
  const flush = (): void => {
    at += encoder.encodeInto(part.length === 1 ? (part[0] as string) : part.join(""), new Uint8Array(buffer, at)).written;
    part = [];
    units = 0;
  };
  for (const text of texts) {
    if (units > 0 && units + text.length > MAX_JOINED) flush();
    part.push(text);
    units += text.length;
  }
  flush();
}

/** How many bytes a text has in UTF-8; -1 when it holds a lone surrogate. */
function byteLength(string: string): number {
  // Most texts are ASCII, and this loop is short enough to be fast.
  let all = 0;
  for (let i = 0; i < string.length; i++) all |= string.charCodeAt(i);
  return all < 0x80 ? string.length : utf8ByteLength(string);
}

function utf8ByteLength(string: string): number {
  let length = string.length;
  for (let i = 0; i < string.length; i++) {
    const unit = string.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      length += 1;
    } else if (unit < 0xd800 || unit > 0xdfff) {
      length += 2;
    } else {
      const low = unit < 0xdc00 ? string.charCodeAt(++i) : NaN;
      if (!(low >= 0xdc00 && low <= 0xdfff)) return -1;
      length += 2;
    }
  }
  return length;
}

/** The bytes of a buffer or of a view of one; undefined for anything else. */
export function asBytes(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (typeof SharedArrayBuffer !== "undefined" && value instanceof SharedArrayBuffer) return new Uint8Array(value);
  return undefined;
}

/** Why a value cannot be bound, and what to do instead. */
function unbindable(value: unknown): string {
  if (value === undefined) return "is undefined; use null for SQL NULL";
  if (typeof value === "function") return "is a function, which cannot be stored; was it to be called?";
  if (typeof value === "symbol") return "is a symbol, which cannot be stored";
  if (isThenable(value)) return "is a Promise: its await was forgotten";
  if (value instanceof Date) return "is a Date; convert it first, with toISOString() or getTime()";
  if (Array.isArray(value)) return "is an array; bind its elements one by one, or store JSON.stringify() of it";
  return `is an object (${describe(value)}); store JSON.stringify() of it, or one of its values`;
}

/** Whether a value is a promise, or looks like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** A few words about what a value is, for an error. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  return Object.prototype.toString.call(value).slice(8, -1);
}
