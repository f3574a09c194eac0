/**
 * Values of JavaScript as bytes: the arguments of procedures, and what they return or throw.
 *
 * Objects are those that literals make, and rows, which become such. What cannot be sent is named.
 *
 * @module
 */

import { describe, isThenable } from "./encode.js";
import { DataError, errorOf, SQLAlchemyError, type ErrorDetails } from "./errors.js";
import { isRow } from "./row.js";

const UNDEFINED = 0;
const NULL = 1;
const FALSE = 2;
const TRUE = 3;
const NUMBER = 4;
const BIGINT = 5;
const TEXT = 6;
const UTF16 = 7;
const BYTES = 8;
const DATE = 9;
const ARRAY = 10;
const OBJECT = 11;
const MAP = 12;
const SET = 13;
const ERROR = 14;

const LONE_SURROGATE = /\p{Surrogate}/u;
const MOST_DEPTH = 500;
/** How many errors, from the outermost on, tell their stacks. */
const MOST_STACKS = 5;
/** How long an array may be that has more holes than values. */
const MOST_HOLES = 1_000_000;

const encoder: TextEncoder = new TextEncoder();
const decoder: TextDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Writes a value, behind a byte if one is given; `name` says in an error what it is. */
export function encodeValue(value: unknown, name: string, first?: number): Uint8Array<ArrayBuffer> {
  const out = new Out();
  if (first !== undefined) out.tag(first);
  write(out, value, name, []);
  return out.finish();
}

/** Reads a value that {@link encodeValue} has written. */
export function decodeValue(bytes: Uint8Array): unknown {
  return read(new In(bytes));
}

class Out {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  #room(length: number): number {
    const at = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#at, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      [this.#bytes, this.#view] = [larger, new DataView(larger.buffer)];
    }
    return at;
  }

  tag(tag: number): void {
    const at = this.#room(1);
    this.#bytes[at] = tag;
  }

  count(count: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, count, true);
  }

  number(value: number): void {
    const at = this.#room(8);
    this.#view.setFloat64(at, value, true);
  }

  bytes(bytes: Uint8Array): void {
    this.count(bytes.length);
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  text(text: string): void {
    this.bytes(encoder.encode(text));
  }

  /** Where it stands, for {@link backTo}. */
  mark(): number {
    return this.#at;
  }

  /** Forgets what was written since a mark. */
  backTo(mark: number): void {
    this.#at = mark;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#at);
  }
}

class In {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  tag(): number {
    return this.#view.getUint8(this.#at++);
  }

  count(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  number(): number {
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const length = this.count();
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError("a value ends before its bytes do");
    return this.#bytes.slice(this.#at - length, this.#at) as Uint8Array<ArrayBuffer>;
  }

  text(): string {
    return decoder.decode(this.bytes());
  }
}

function write(out: Out, value: unknown, name: string, around: readonly object[]): void {
  if (value === undefined) return out.tag(UNDEFINED);
  if (value === null) return out.tag(NULL);
  switch (typeof value) {
    case "boolean":
      return out.tag(value ? TRUE : FALSE);
    case "number":
      out.tag(NUMBER);
      return out.number(value);
    case "bigint":
      out.tag(BIGINT);
      return out.text(value.toString(16));
    case "string":
      return writeText(out, value);
    case "object":
      return writeObject(out, value, name, around);
    default:
      throw new DataError(`${name} is a ${typeof value}, which cannot be sent to another thread`);
  }
}

function writeText(out: Out, text: string): void {
  if (!LONE_SURROGATE.test(text)) {
    out.tag(TEXT);
    return out.text(text);
  }
  // UTF-8 has no bytes for half a character.
  const units = Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  out.tag(UTF16);
  out.bytes(new Uint8Array(units.buffer));
}

function writeObject(out: Out, value: object, name: string, around: readonly object[]): void {
  if (around.includes(value)) throw new DataError(`${name} holds itself, which cannot be sent to another thread`);
  if (around.length > MOST_DEPTH) throw new DataError(`${name} is nested more than ${MOST_DEPTH} deep`);
  const within = [...around, value];
  const inner = (part: unknown, key: string | number): void => write(out, part, `${name}[${JSON.stringify(key)}]`, within);
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) {
    out.tag(BYTES);
    out.bytes(value instanceof ArrayBuffer ? new Uint8Array(value) : value);
  } else if (value instanceof Date) {
    out.tag(DATE);
    out.number(value.getTime());
  } else if (Array.isArray(value)) {
    // One that is mostly holes would take as long as if it had none.
    if (value.length > MOST_HOLES && Object.keys(value).length * 2 < value.length) {
      throw new DataError(`${name} is an array of ${value.length}, most of it holes`);
    }
    out.tag(ARRAY);
    out.count(value.length);
    for (let i = 0; i < value.length; i++) inner(value[i], i);
  } else if (value instanceof Map) {
    out.tag(MAP);
    out.count(value.size);
    for (const [key, part] of value) {
      write(out, key, `a key of ${name}`, within);
      inner(part, typeof key === "object" ? describe(key) : String(key));
    }
  } else if (value instanceof Set) {
    out.tag(SET);
    out.count(value.size);
    for (const part of value) write(out, part, `a value of ${name}`, within);
  } else if (value instanceof Error) {
    out.tag(ERROR);
    writeFields(out, fieldsOf(value, around.length < MOST_STACKS), name, within);
  } else {
    if (isThenable(value)) throw new DataError(`${name} is a Promise: its await was forgotten`);
    if (!isPlain(value) && !isRow(value)) {
      throw new DataError(`${name} is ${kindOf(value)}, which cannot be sent to another thread`);
    }
    const entries = Object.entries(value);
    out.tag(OBJECT);
    out.count(entries.length);
    for (const [key, part] of entries) {
      writeText(out, key);
      inner(part, key);
    }
  }
}

function read(input: In): unknown {
  const tag = input.tag();
  switch (tag) {
    case UNDEFINED:
      return undefined;
    case NULL:
      return null;
    case FALSE:
    case TRUE:
      return tag === TRUE;
    case NUMBER:
      return input.number();
    case BIGINT: {
      const digits = input.text();
      return digits.startsWith("-") ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`);
    }
    case TEXT:
      return input.text();
    case UTF16:
      return Array.from(new Uint16Array(input.bytes().buffer), (unit) => String.fromCharCode(unit)).join("");
    case BYTES:
      return input.bytes();
    case DATE:
      return new Date(input.number());
    case ARRAY:
      return readMany(input, () => read(input));
    case OBJECT: {
      const object = {};
      for (const [key, value] of readMany(input, () => [read(input), read(input)] as const)) {
        // Defined, not assigned: a key may be `__proto__`.
        Object.defineProperty(object, key as string, { value, writable: true, enumerable: true, configurable: true });
      }
      return object;
    }
    case MAP:
      return new Map(readMany(input, () => [read(input), read(input)] as const));
    case SET:
      return new Set(readMany(input, () => read(input)));
    case ERROR:
      return revived(read(input) as Fields);
    default:
      throw new DataError(`a value has the tag ${tag}, which nothing has`);
  }
}

function readMany<T>(input: In, one: () => T): T[] {
  const count = input.count();
  const list: T[] = [];
  for (let i = 0; i < count; i++) list.push(one());
  return list;
}

/** What is sent of an error. */
interface Fields extends ErrorDetails {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
}

/** Writes what an error is made of; of what is only part of it, what can be sent. */
function writeFields(out: Out, fields: Fields, name: string, around: readonly object[]): void {
  const entries = Object.entries(fields);
  out.tag(OBJECT);
  out.count(entries.length);
  for (const [key, part] of entries) {
    writeText(out, key);
    const mark = out.mark();
    try {
      write(out, part, `${name}[${JSON.stringify(key)}]`, around);
    } catch {
      out.backTo(mark);
      out.tag(UNDEFINED);
    }
  }
}

/** Whether it is an object as literals make them, be it of another realm. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty"));
}

function kindOf(value: object): string {
  const kind = describe(value);
  if (kind !== "Object") return `of a kind (${kind})`;
  const made = (value as { constructor?: unknown }).constructor;
  return typeof made === "function" && made.name !== "" ? `an object of a class (${made.name})` : "an object of a class";
}

function fieldsOf(error: Error, withStack: boolean): Fields {
  const { name, message } = error;
  // Where a worker's code came as a `data:` URL, each line of a stack has all of it.
  const stack = withStack ? String(error.stack).replace(/^(.{1000}).+$/gm, "$1...") : undefined;
  const { cause } = error;
  const plain = { name, message, stack, cause };
  // One of another copy of the package, which a module brings along, is of another class.
  if (!(error instanceof SQLAlchemyError) && !("sqliteCode" in error && "retryable" in error)) return plain;
  const known = error as SQLAlchemyError;
  const { code, statement, offset, sqliteCode, constraint, reason, retryable } = known;
  // Its message is made anew of its parts.
  const [first = "", rest = ""] = statement === null ? [message] : message.split(`\n[SQL: ${statement}]`);
  const paramsText = /^\n\[parameters: ([^]*)\]$/.exec(rest)?.[1] ?? null;
  // What SQLite said follows from the code.
  const behind = known.orig !== null && known.orig === cause ? undefined : cause;
  const details = { code, statement, offset, sqliteCode, constraint, reason, retryable, paramsText, params: known.params };
  return { ...plain, ...details, message: first, cause: behind };
}

const builtIn: Readonly<Record<string, new (message: string, options?: ErrorOptions) => Error>> = {
  EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError,
};

function revived(fields: Fields): Error {
  const { name, message, stack, cause, ...details } = fields;
  const options = cause === undefined ? {} : { cause };
  const error =
    "retryable" in details ? errorOf(name, message, { ...details, ...options }) : new (builtIn[name] ?? Error)(message, options);
  if (error.name !== name) hide(error, "name", name);
  if (stack !== undefined) hide(error, "stack", stack);
  return error;
}

/** Sets a property as errors have theirs. */
function hide(error: Error, name: string, value: string): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true });
}
