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
/** How many bytes are copied at a time. */
const PIECE = 1 << 20;
/** How many bytes the beginning of a part counts for: what is short takes time, too. */
const PART = 256;
/** Batches of up to so many bytes are put together here, and need no buffer of their own: they are copied when they are sent. */
const SMALL = 4096;
const scratch: ArrayBuffer = new ArrayBuffer(SMALL);
const [scratchBytes, scratchSlots, scratchHeader] = [new Uint8Array(scratch), new Float64Array(scratch), new DataView(scratch, 0, HEADER)];

const encoder: TextEncoder = new TextEncoder();

/** Gives the value of a cell by its set and position. */
export type Cell = (row: number, column: number) => unknown;
/** Says in an error which parameter is meant. */
export type CellName = (row: number, column: number) => string;

/** Encodes parameter sets: `rows` of `columns` cells each. Those of a large batch begin at {@link HEADROOM} of their buffer. */
export function encodeBatch(rows: number, columns: number, cell: Cell, name: CellName): Uint8Array<ArrayBuffer> {
  return new Encoding(rows, columns, cell, name).finish();
}

/** Parameter sets on their way into a batch, a part at a time or all at once. */
export class Encoding {
  readonly #rows: number;
  readonly #columns: number;
  readonly #cell: Cell;
  readonly #name: CellName;
  readonly #tags: Uint8Array;
  readonly #slots: Float64Array;
  #row = 0;
  #ascii: string[] = [];
  #utf8: string[] = [];
  /** The texts of the parts before, encoded. */
  readonly #asciiParts: Uint8Array[] = [];
  readonly #utf8Parts: Uint8Array[] = [];
  readonly #blobs: Uint8Array[] = [];
  #asciiLength = 0;
  #utf8Length = 0;
  #utf16Length = 0;
  #blobLength = 0;

  constructor(rows: number, columns: number, cell: Cell, name: CellName) {
    [this.#rows, this.#columns, this.#cell, this.#name] = [rows, columns, cell, name];
    this.#tags = new Uint8Array(rows * columns);
    this.#slots = new Float64Array(rows * columns);
  }

  /** Encodes whole rows until they weigh as much as that, in cells and in pieces of 16 characters. Says whether there are no more. */
  some(weight: number): boolean {
    const [ascii, utf8] = [this.#asciiLength, this.#utf8Length];
    this.#encode(weight);
    if (this.#row === this.#rows) return true;
    this.#asciiParts.push(encodedTexts(this.#ascii, this.#asciiLength - ascii));
    this.#utf8Parts.push(encodedTexts(this.#utf8, this.#utf8Length - utf8));
    [this.#ascii, this.#utf8] = [[], []];
    return false;
  }

  /** Encodes the rows that are left, and gives the batch. */
  finish(): Uint8Array<ArrayBuffer> {
    this.#encode(Infinity);
    const [tags, slots] = [this.#tags, this.#slots];
    const slotsAt = HEADER + Math.ceil(tags.length / 8) * 8;
    const length = slotsAt + tags.length * 8 + this.#asciiLength + this.#utf8Length + this.#blobLength;
    if (length <= SMALL && this.#asciiParts.length === 0) {
      this.#writeHeader(scratchHeader);
      scratchBytes.set(tags, HEADER);
      scratchBytes.fill(0, HEADER + tags.length, slotsAt);
      scratchSlots.set(slots, slotsAt / 8);
      let at = slotsAt + tags.length * 8;
      at += encodeTexts(this.#ascii, scratch, at);
      at += encodeTexts(this.#utf8, scratch, at);
      for (const blob of this.#blobs) {
        scratchBytes.set(blob, at);
        at += blob.length;
      }
      this.#checkEnd(at, length);
      return scratchBytes.slice(0, at);
    }
    const pieces = this.pieces();
    let step = pieces.next();
    while (step.done !== true) step = pieces.next();
    return step.value;
  }

  #encode(weight: number): void {
    const [rows, columns, cell, name] = [this.#rows, this.#columns, this.#cell, this.#name];
    const [tags, slots, ascii, utf8, blobs] = [this.#tags, this.#slots, this.#ascii, this.#utf8, this.#blobs];
    // A buffer of its own is made only for what is asked for it.
    let words: Uint32Array | undefined;
    let [asciiLength, utf8Length, utf16Length, blobLength] = [0, 0, 0, 0];
    let row = this.#row;
    let at = row * columns;
    for (let left = weight; row < rows && left > 0; row++) {
      const before = asciiLength + utf16Length;
      for (let column = 0; column < columns; column++, at++) {
        const value = cell(row, column);
        if (typeof value === "string") {
          const length = byteLength(value);
          words ??= new Uint32Array(slots.buffer);
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
          words ??= new Uint32Array(slots.buffer);
          words[2 * at] = blob.byteLength;
          blobLength += blob.byteLength;
          blobs.push(blob);
        }
      }
      // A row without cells has a weight as well.
      left -= 1 + columns + (asciiLength + utf16Length - before) / 16;
    }
    this.#row = row;
    this.#asciiLength += asciiLength;
    this.#utf8Length += utf8Length;
    this.#utf16Length += utf16Length;
    this.#blobLength += blobLength;
  }

  /** Puts the batch together, piece by piece, when all rows are encoded. */
  *pieces(): Generator<undefined, Uint8Array<ArrayBuffer>, undefined> {
    const [tags, slots] = [this.#tags, this.#slots];
    const [asciiLength, utf8Length, blobLength] = [this.#asciiLength, this.#utf8Length, this.#blobLength];
    if (Math.max(asciiLength, utf8Length, blobLength) > MAX_HEAP) {
      throw new DataError("the parameters of one call are longer than 4 GiB");
    }
    const heapAt = HEADROOM + HEADER + Math.ceil(tags.length / 8) * 8 + tags.length * 8;
    const buffer = new ArrayBuffer(heapAt + asciiLength + utf8Length + blobLength);
    const bytes = new Uint8Array(buffer);
    this.#writeHeader(new DataView(buffer, HEADROOM, HEADER));
    bytes.set(tags, HEADROOM + HEADER);
    let at = heapAt - tags.length * 8;
    let since = 0;
    const copied = function* (parts: readonly Uint8Array[]): Generator<undefined, void, undefined> {
      for (const part of parts) {
        since += PART;
        for (let from = 0; from < part.length; from += PIECE) {
          const length = Math.min(part.length - from, PIECE);
          if (since + length > PIECE) {
            yield;
            since = 0;
          }
          const piece = length === part.length ? part : part.subarray(from, from + length);
          bytes.set(piece, at);
          at += piece.length;
          since += length;
        }
      }
    };
    yield* copied([new Uint8Array(slots.buffer)]);
    yield* copied(this.#asciiParts);
    at += encodeTexts(this.#ascii, buffer, at);
    yield* copied(this.#utf8Parts);
    at += encodeTexts(this.#utf8, buffer, at);
    yield* copied(this.#blobs);
    this.#checkEnd(at, bytes.length);
    return bytes.subarray(HEADROOM);
  }

  #writeHeader(header: DataView): void {
    const counts = [this.#rows, this.#columns, this.#asciiLength, this.#utf8Length, this.#utf16Length, this.#blobLength];
    for (let i = 0; i < counts.length; i++) header.setUint32(4 * i, counts[i] as number, true);
  }

  /** Blobs that have become shorter would shift all that follow. */
  #checkEnd(at: number, end: number): void {
    if (at !== end) throw new DataError(`${this.#shortened()} was transferred or resized while it was read; leave it as it is until the call is done`);
  }

  /** The name of a blob that is not as long as it was when it was encoded. */
  #shortened(): string {
    const words = new Uint32Array(this.#slots.buffer);
    let next = 0;
    const at = this.#tags.findIndex((tag, at) => tag === BLOB && this.#blobs[next++]?.byteLength !== words[2 * at]);
    return at < 0 ? "a value" : this.#name(Math.floor(at / this.#columns), at % this.#columns);
  }
}

/** Texts of this many bytes one after the other. */
function encodedTexts(texts: readonly string[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  encodeTexts(texts, bytes.buffer, 0);
  return bytes;
}

/** Writes texts one after the other; says how many bytes they are. */
function encodeTexts(texts: readonly string[], buffer: ArrayBuffer, start: number): number {
  if (texts.length === 0) return 0;
  // One call of the encoder for all of them; in parts, since a string cannot grow without bound.
  let at = start;
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
  return at - start;
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
  // With its length of now, which one that can be resized would otherwise change.
  if (value instanceof ArrayBuffer) return new Uint8Array(value, 0, value.byteLength);
  if (typeof SharedArrayBuffer !== "undefined" && value instanceof SharedArrayBuffer) return new Uint8Array(value, 0, value.byteLength);
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
