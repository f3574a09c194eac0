/**
 * How operators become records; what they are made of is written before them.
 *
 * @module
 */

import { ArgumentError } from "../errors.js";
import { describe } from "../encode.js";
import type { SqlType } from "./types.js";
import { isRecorded, type Recorded, type Writer } from "./writer.js";

/** Operators by their numbers. */
export const OPS = {
  eq: 1, ne: 2, lt: 3, le: 4, gt: 5, ge: 6, is: 7, isNot: 8, regexp: 9, notRegexp: 10, match: 11, notMatch: 12, glob: 13,
  notGlob: 14, add: 15, sub: 16, mul: 17, trueDiv: 18, floorDiv: 19, mod: 20, concat: 21, bitAnd: 22, bitOr: 23, bitXor: 24,
  shiftLeft: 25, shiftRight: 26, jsonArrow: 27, jsonDoubleArrow: 28,
} as const;

/** How a window is bounded: unbounded (null), the current row (0), so many before (negative) or behind (positive). */
export type FrameBounds = readonly [number | null, number | null];


/** `NULL` */
export function writeNull(writer: Writer): void {
  writer.begin(0x03);
}

/** True or false. */
export function writeTruth(writer: Writer, value: boolean): void {
  writer.begin(0x04);
  writer.flag(value);
}

/** An operator between two operands. */
export function writeBinary(writer: Writer, op: number, left: Recorded, right: unknown): void {
  const of = writer.ref(left);
  const other = writer.operand(right);
  writer.begin(0x09);
  writer.u8(op);
  writer.u32(of);
  writer.put(other);
}

/** An operator before an operand: 1 minus, 2 bitwise not, 3 not. */
export function writeUnary(writer: Writer, op: number, inner: Recorded): void {
  const of = writer.ref(inner);
  writer.begin(0x08);
  writer.u8(op);
  writer.u32(of);
}

/** What is made of one expression and nothing else. */
export function writeWrapped(writer: Writer, tag: number, inner: Recorded): void {
  const of = writer.ref(inner);
  writer.begin(tag);
  writer.u32(of);
}

/** An operator of the user's. */
export interface CustomOperator {
  readonly symbol: string;
  readonly precedence: number;
  readonly comparison: boolean;
  readonly type: SqlType | undefined;
}

/** An operator of the user's between two operands. */
export function writeCustom(writer: Writer, op: CustomOperator, left: Recorded, right: unknown): void {
  const of = writer.ref(left);
  const other = writer.operand(right);
  writer.begin(0x20);
  writer.text(op.symbol);
  writer.u8(op.precedence);
  writer.flag(op.comparison);
  writer.flag(op.type !== undefined);
  op.type?.write(writer);
  writer.u32(of);
  writer.put(other);
}

/** `LIKE` */
export function writeLike(writer: Writer, value: Recorded, pattern: unknown, escape: string, fold: boolean): void {
  const of = writer.ref(value);
  const by = writer.operand(pattern);
  writer.begin(0x0a);
  writer.u32(of);
  writer.put(by);
  writer.text(escape);
  writer.flag(fold);
}

/** Where a text is looked for: 1 at the start, 2 anywhere, 3 at the end. */
export function writeLooksLike(
  writer: Writer,
  value: Recorded,
  part: unknown,
  how: { readonly place: number; readonly escape: string; readonly fold: boolean },
): void {
  const of = writer.ref(value);
  const by = writer.operand(part);
  writer.begin(0x0b);
  writer.u32(of);
  writer.put(by);
  writer.u8(how.place);
  writer.text(how.escape);
  writer.flag(how.fold);
}

/** A text in which the characters that LIKE knows mean themselves. */
export function escaped(text: unknown, escape: string): string {
  if (typeof text !== "string") throw new ArgumentError(`autoescape takes a string, not ${describe(text)}`);
  return Array.from(text, (c) => (c === escape || c === "%" || c === "_" ? escape + c : c)).join("");
}

/** `BETWEEN` */
export function writeBetween(writer: Writer, value: Recorded, low: unknown, high: unknown): void {
  const of = writer.ref(value);
  const [from, to] = [writer.operand(low), writer.operand(high)];
  writer.begin(0x0c);
  writer.u32(of);
  writer.put(from);
  writer.put(to);
}

/** `IN`: a list of values or expressions, a query, or a parameter that is a list. */
export function writeIn(writer: Writer, value: Recorded, list: unknown, constant: (value: unknown) => unknown): void {
  const of = writer.ref(value);
  if (!Array.isArray(list)) {
    const ref = writer.ref(list as Recorded);
    writer.begin(0x0d);
    writer.u32(of);
    writer.u8("expanding" in (list as object) ? 3 : 2);
    writer.u32(ref);
    return;
  }
  const operands = list.some(isRecorded) ? list.map((item) => writer.operand(constant(item))) : undefined;
  writer.begin(0x0d);
  writer.u32(of);
  writer.u8(operands === undefined ? 0 : 1);
  if (operands === undefined) {
    writer.u32(writer.literal(list));
    return;
  }
  writer.u32(operands.length);
  operands.forEach((operand) => writer.put(operand));
}

/** `AND`, `OR` */
export function writeLogic(writer: Writer, all: boolean, parts: readonly Recorded[]): void {
  const of = writer.refs(parts);
  writer.begin(all ? 0x0e : 0x0f);
  writer.list(of);
}

/** `COLLATE` */
export function writeCollate(writer: Writer, inner: Recorded, name: string): void {
  const of = writer.ref(inner);
  writer.begin(0x19);
  writer.u32(of);
  writer.text(name);
}

/** `CAST` (0x17), or the same SQL as another type (0x18). */
export function writeCast(writer: Writer, tag: 0x17 | 0x18, inner: unknown, type: SqlType): void {
  const of = writer.operand(inner);
  writer.begin(tag);
  writer.put(of);
  type.write(writer);
}

/** The order of a term: 1 up, 2 down; nulls 1 first, 2 last; 0 says nothing. */
export function writeOrder(writer: Writer, inner: Recorded, direction: number, nulls: number): void {
  const of = writer.ref(inner);
  writer.begin(0x1a);
  writer.u32(of);
  writer.u8(direction);
  writer.u8(nulls);
}

/** A window. */
export interface WindowParts {
  readonly partition: readonly Recorded[];
  readonly order: readonly Recorded[];
  /** By rows, by range, by groups. */
  readonly frames: readonly (FrameBounds | undefined)[];
}

/** `OVER` */
export function writeOver(writer: Writer, call: Recorded, window: WindowParts): void {
  const of = writer.ref(call);
  const [partition, order] = [writer.refs(window.partition), writer.refs(window.order)];
  writer.begin(0x15);
  writer.u32(of);
  writer.list(partition);
  writer.list(order);
  const unit = window.frames.findIndex((bounds) => bounds !== undefined);
  writer.u8(unit + 1);
  window.frames[unit]?.forEach((bound) => frameEnd(writer, bound));
}

function frameEnd(writer: Writer, bound: number | null): void {
  if (bound === null) return writer.u8(0);
  if (bound === 0) return writer.u8(1);
  writer.u8(bound < 0 ? 2 : 3);
  writer.put({ value: Math.abs(bound) });
}

/** `FILTER` */
export function writeFilter(writer: Writer, aggregate: Recorded, condition: Recorded): void {
  const [of, by] = [writer.ref(aggregate), writer.ref(condition)];
  writer.begin(0x14);
  writer.u32(of);
  writer.u32(by);
}

/** What a column gets where nothing is said: SQL, or what is asked here. */
export function writeDefault(writer: Writer, value: unknown): void {
  writer.flag(value !== undefined);
  if (value === undefined) return;
  if (isRecorded(value)) {
    writer.u8(1);
    writer.u32(writer.ref(value));
  } else {
    writer.u8(2);
    writer.u32(writer.callable(value));
  }
}

/** What the database puts where nothing is said: SQL, or a text that stands for itself or for SQL. */
export function writeServerDefault(writer: Writer, value: string | Recorded, asText: 0 | 1): void {
  writer.u8(typeof value === "string" ? asText : 2);
  if (typeof value === "string") writer.text(value);
  else writer.u32(writer.ref(value));
}

/** The path to a part of a value of JSON. */
export function jsonPath(path: readonly (string | number)[]): string {
  return path.reduce<string>((out, step) => {
    if (typeof step === "string") return `${out}."${step}"`;
    if (!Number.isInteger(step)) throw new ArgumentError(`a step into JSON is a key or an index, not ${String(step)}`);
    return step < 0 ? `${out}[#${step}]` : `${out}[${step}]`;
  }, "$");
}

/** A piece of SQL of one's own: a text as it is, or what stands there and the number of its record. */
export type CustomPiece = string | readonly [kind: number, number: number];

/** SQL of one's own, in pieces. */
export function writePieces(writer: Writer, pieces: readonly CustomPiece[], type: SqlType): void {
  writer.begin(0x21);
  writer.u32(pieces.length);
  for (const piece of pieces) {
    writer.u8(typeof piece === "string" ? 0 : piece[0]);
    if (typeof piece === "string") writer.text(piece);
    else writer.u32(piece[1]);
  }
  type.write(writer);
}
