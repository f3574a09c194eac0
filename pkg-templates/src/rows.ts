/**
 * The hot loop: a batch of cells off the wire to JavaScript values, in one pass.
 *
 * The layout is drawn in docs/PROTOCOL.md: a tag byte per cell, an aligned 8-byte slot per cell, then a heap of ASCII
 * text, a heap of other UTF-8 text and a heap of blobs. Each text heap is decoded by one call and cut by the lengths in
 * the slots, so that no cell costs a crossing or a decoder call of its own.
 *
 * @module
 */

import { DataError, ProtocolError } from "./errors.js";
import type { SqlValue } from "./values.js";

const NULL = 0;
const SAFE_INTEGER = 1;
const WIDE_INTEGER = 2;
const REAL = 3;
const ASCII = 4;
const UTF8 = 5;
const BLOB = 6;

const HEADER = 24;
// A smaller blob is copied, so that keeping it does not keep its whole batch; a larger one is a view, so that it is
// not copied a second time.
const COPY_BELOW = 16384;

const decoder: TextDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Makes a row of its cells. The array is used again for the next row. */
export type MakeRow<T> = (cells: readonly SqlValue[]) => T;

/** Decodes the batch that begins at `offset` of a frame and ends with it, into rows of `width` columns. */
export function decodeBatch<T>(frame: Uint8Array, offset: number, width: number, make: MakeRow<T>): T[] {
  const { buffer, start } = aligned(frame, offset);
  const end = buffer.byteLength;
  const view = buffer.buffer;
  const origin = buffer.byteOffset + start;
  if (end - start < HEADER) throw malformed("it ends within its header");
  const header = new DataView(view, origin, HEADER);
  const [rows, columns] = [header.getUint32(0, true), header.getUint32(4, true)];
  const [asciiLength, utf8Length] = [header.getUint32(8, true), header.getUint32(12, true)];
  const [utf16Length, blobLength] = [header.getUint32(16, true), header.getUint32(20, true)];
  if (columns !== width) throw malformed(`it has ${columns} columns and the result ${width}`);
  const cells = rows * columns;
  const slotsAt = HEADER + Math.ceil(cells / 8) * 8;
  const asciiAt = slotsAt + cells * 8;
  const utf8At = asciiAt + asciiLength;
  const blobAt = utf8At + utf8Length;
  if (blobAt + blobLength !== end - start) {
    throw malformed(`its parts are ${blobAt + blobLength} bytes and it has ${end - start}`);
  }

  const tags = new Uint8Array(view, origin + HEADER, cells);
  const numbers = new Float64Array(view, origin + slotsAt, cells);
  const words = new Uint32Array(view, origin + slotsAt, cells * 2);
  const ascii = asciiLength === 0 ? "" : text(new Uint8Array(view, origin + asciiAt, asciiLength));
  const utf8 = utf8Length === 0 ? "" : text(new Uint8Array(view, origin + utf8At, utf8Length));
  let [asciiCut, utf8Cut, utf8Bytes, blobCut] = [0, 0, 0, 0];
  let wide: BigInt64Array | undefined;
  const values = new Array<SqlValue>(columns).fill(null);
  // Cells cost bytes, so that the frame bounds their number; rows without any cost nothing and are none of a result.
  const count = columns === 0 ? 0 : rows;
  const made = new Array<T>(count);
  for (let row = 0, cell = 0; row < count; row++) {
    for (let column = 0; column < columns; column++, cell++) {
      switch (tags[cell]) {
        case SAFE_INTEGER:
        case REAL:
          values[column] = numbers[cell] as number;
          break;
        case ASCII: {
          const from = asciiCut;
          asciiCut += words[2 * cell] as number;
          values[column] = ascii.substring(from, asciiCut);
          break;
        }
        case NULL:
          values[column] = null;
          break;
        case UTF8: {
          const from = utf8Cut;
          utf8Cut += words[2 * cell] as number;
          utf8Bytes += words[2 * cell + 1] as number;
          values[column] = utf8.substring(from, utf8Cut);
          break;
        }
        case WIDE_INTEGER:
          wide ??= new BigInt64Array(view, origin + slotsAt, cells);
          values[column] = wide[cell] as bigint;
          break;
        case BLOB: {
          const length = words[2 * cell] as number;
          const at = origin + blobAt + blobCut;
          blobCut += length;
          if (blobCut > blobLength) throw malformed("a blob reaches beyond its end");
          const blob = new Uint8Array(view, at, length);
          values[column] = length < COPY_BELOW ? blob.slice() : blob;
          break;
        }
        default:
          throw malformed(`cell ${cell} has tag ${tags[cell]}`);
      }
    }
    made[row] = make(values);
  }
  if (asciiCut !== ascii.length || ascii.length !== asciiLength) throw malformed("its ASCII heap and its cells differ");
  if (utf8Cut !== utf8.length || utf8.length !== utf16Length || utf8Bytes !== utf8Length) {
    throw malformed("its UTF-8 heap and its cells differ");
  }
  if (blobCut !== blobLength) throw malformed("its blob heap and its cells differ");
  return made;
}

/** Typed arrays want the batch at a multiple of 8 bytes of its buffer; a frame that is not placed so is copied. */
function aligned(frame: Uint8Array, offset: number): { buffer: Uint8Array; start: number } {
  if (offset > frame.byteLength) throw malformed("it begins beyond the frame");
  if ((frame.byteOffset + offset) % 8 === 0) return { buffer: frame, start: offset };
  return { buffer: frame.slice(offset), start: 0 };
}

function text(heap: Uint8Array): string {
  try {
    return decoder.decode(heap);
  } catch (cause) {
    if (cause instanceof RangeError) throw new DataError("a text is longer than a JavaScript string can be", { cause });
    throw malformed("its text is not UTF-8");
  }
}

function malformed(what: string): ProtocolError {
  return new ProtocolError(`a batch of rows is malformed: ${what}`);
}
