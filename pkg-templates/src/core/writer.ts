/**
 * Statements to bytes: records that name the objects before them by number, as `crates/sql/src/wire` reads them. Values are not
 * in the bytes, so that equal bytes are the same SQL.
 *
 * @module
 */

import { ArgumentError, CompileError } from "../errors.js";
import { describe, isThenable } from "../encode.js";
import { record, type Recorded } from "./entry.js";
import { typeOfValue, type SqlType } from "./types.js";

export { record, type Recorded } from "./entry.js";

const encoder: TextEncoder = new TextEncoder();

/** Buffers are dear to make: one is handed on from writer to writer. */
let spare: Uint8Array<ArrayBuffer> | undefined;
const MAX_SPARE = 1 << 16;
/** So many objects are looked through one by one. */
const FEW = 40;
const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);

function takeSpare(): Uint8Array<ArrayBuffer> {
  const bytes = spare ?? new Uint8Array(1024);
  spare = undefined;
  return bytes;
}

/** Writes one statement. */
export class Writer {
  #bytes = takeSpare();
  #length = 4;
  #count = 0;
  #unique = 0;
  /** The objects that have a record, and the numbers of those. */
  readonly #objects: Recorded[] = [];
  readonly #numbers: number[] = [];
  /** The same where they are many: to look through few is quicker than a map, which has to make up a hash for each object. */
  #many: Map<Recorded, number> | undefined;
  /** The values, in the order in which they occur. */
  readonly literals: unknown[] = [];
  /** The defaults that are computed here. */
  readonly callables: unknown[] = [];
  /** The types whose conversions are the caller's. */
  readonly types: SqlType[] = [];
  /** Whether it inserts several rows at once, the parameters of which are called `name_m1`. */
  hasRows = false;
  /** Whether some of its values have to stand in the SQL itself. */
  inlines = false;

  /** The bytes; to be asked for once, at the end. */
  finish(): Uint8Array {
    this.#put(0, this.#count);
    return this.#bytes.subarray(0, this.#length);
  }

  /** Leaves its bytes, those that {@link finish} gave as well, to the next writer. */
  release(): void {
    if (this.#bytes.length <= MAX_SPARE) spare = this.#bytes;
    this.#bytes = NOTHING;
  }

  /** The number of an object, whose record is written if it has none yet. */
  ref(object: Recorded): number {
    if (this.#many === undefined) {
      const at = this.#objects.indexOf(object);
      if (at >= 0) return this.#numbers[at] as number;
    } else {
      const known = this.#many.get(object);
      if (known !== undefined) return known;
    }
    if (!isRecorded(object)) throw noPart(object);
    object[record](this);
    const number = this.#count - 1;
    this.#keep(object, number);
    return number;
  }

  #keep(object: Recorded, number: number): void {
    if (this.#many !== undefined) {
      this.#many.set(object, number);
      return;
    }
    this.#objects.push(object);
    this.#numbers.push(number);
    if (this.#objects.length > FEW) this.#many = new Map(this.#objects.map((object, at) => [object, this.#numbers[at] as number]));
  }

  /** The numbers of several. */
  refs(objects: readonly Recorded[]): readonly number[] {
    return objects.map((object) => this.ref(object));
  }

  /** Begins a record: from here on, only fields follow. */
  begin(tag: number): void {
    this.#count++;
    this.u8(tag);
  }

  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    this.#room(4);
    this.#put(this.#length, value);
    this.#length += 4;
  }

  #put(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }

  flag(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  text(value: string): void {
    if (typeof value !== "string") throw new ArgumentError(`a statement has a name or a text of SQL here, not ${describe(value)}`);
    const { length } = value;
    this.#room(4 + length * 3);
    const [bytes, start] = [this.#bytes, this.#length + 4];
    // Nearly all names are short and plain, and an encoder costs more than they do.
    let at = 0;
    if (length < 64) {
      for (let code = 0; at < length && (code = value.charCodeAt(at)) < 0x80; at++) bytes[start + at] = code;
    }
    if (at === length) {
      this.#put(this.#length, length);
      this.#length = start + length;
      return;
    }
    if (/\p{Surrogate}/u.test(value)) throw new ArgumentError("a name or a text of SQL holds a lone surrogate");
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(this.#length + 4));
    this.#put(this.#length, written);
    this.#length += 4 + written;
  }

  optionalText(value: string | null | undefined): void {
    this.flag(typeof value === "string");
    if (typeof value === "string") this.text(value);
  }

  optionalU32(value: number | null | undefined): void {
    this.flag(typeof value === "number");
    if (typeof value === "number") this.u32(value);
  }

  /** The bytes of the record that `write` writes, if they are the same in every statement: it names no other object and keeps nothing aside. */
  static constant(write: (writer: Writer) => void): Uint8Array | undefined {
    const writer = new Writer();
    try {
      write(writer);
      const aside = writer.literals.length + writer.callables.length + writer.types.length;
      // Behind the room for the count of records, and the tag.
      return writer.#count === 1 && aside === 0 ? writer.#bytes.slice(5, writer.#length) : undefined;
    } finally {
      writer.release();
    }
  }

  /** A record that {@link constant} gave, with its length before it. */
  copy(tag: number, record: Uint8Array): void {
    this.begin(tag);
    this.u32(record.length);
    this.#room(record.length);
    this.#bytes.set(record, this.#length);
    this.#length += record.length;
  }

  /** The numbers of objects, as a list. */
  list(numbers: readonly number[]): void {
    this.u32(numbers.length);
    numbers.forEach((number) => this.u32(number));
  }

  texts(values: readonly string[]): void {
    this.u32(values.length);
    values.forEach((value) => this.text(value));
  }

  /** The number of the record that was begun last. */
  last(): number {
    return this.#count - 1;
  }

  /** Another number each time: names that nobody gave are made of it. */
  unique(): number {
    return this.#unique++;
  }

  /** The type that a value has by itself. */
  typeOf(value: unknown): void {
    typeOfValue(value).write(this);
  }

  /** Keeps a value aside; gives its number. */
  literal(value: unknown): number {
    return this.literals.push(value) - 1;
  }

  callable(value: unknown): number {
    return this.callables.push(value) - 1;
  }

  typeNumber(type: SqlType): number {
    const known = this.types.indexOf(type);
    return known >= 0 ? known : this.types.push(type) - 1;
  }

  /** What stands beside an expression, or is given to a function: the number of an expression, or a value. */
  operand(value: unknown): Operand {
    if (isRecorded(value)) return { ref: this.ref(value) };
    if (isThenable(value)) throw new ArgumentError("a Promise is no part of a statement: its await was forgotten");
    if (typeof value === "function" || typeof value === "symbol") {
      throw new ArgumentError(`a ${typeof value} is no part of a statement`);
    }
    if (value === undefined) throw new ArgumentError("undefined is no part of a statement; use null for SQL NULL");
    if (typeof value === "object" && value !== null && !(value instanceof Date) && !isBytes(value) && typeOfValue(value).name === "NullType") {
      const what = Array.isArray(value) ? "an array" : `an object (${describe(value)})`;
      throw new ArgumentError(`${what} is no value of SQL; give literal(value, JSON_()) for JSON, or in() a list`);
    }
    return { value };
  }

  put(operand: Operand): void {
    if ("ref" in operand) {
      this.flag(true);
      this.u32(operand.ref);
      return;
    }
    this.flag(false);
    this.u32(this.literal(operand.value));
    this.typeOf(operand.value);
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** An expression by its number, or a value. */
export type Operand = { readonly ref: number } | { readonly value: unknown };

/** Whether something becomes a record. */
export function isRecorded(value: unknown): value is Recorded {
  return typeof value === "object" && value !== null && record in value;
}

/** What is said of something that stands where an expression, a query or a table is due. */
function noPart(value: unknown): ArgumentError {
  if (typeof value === "string") return undeclared(value, "SQL expression");
  return new ArgumentError(`${describe(value)} is no part of a statement${isThenable(value) ? ": its await was forgotten" : ""}`);
}

/**
 * SQLAlchemy's words for a string where SQL is due.
 * @internal
 */
export function undeclared(sql: string, what: "SQL expression" | "column expression" | "FROM expression"): ArgumentError {
  const text = JSON.stringify(sql.length > 100 ? `${sql.slice(0, 100)}...` : sql);
  return new ArgumentError(`Textual ${what} ${text} should be explicitly declared as text(${text})`);
}

const isBytes = (value: object): boolean => ArrayBuffer.isView(value) || value instanceof ArrayBuffer;

/** Writes a statement; one that is nested too deeply for the stack is an error that says so. */
export function write(statement: Recorded): Writer {
  const writer = new Writer();
  try {
    writer.ref(statement);
  } catch (error) {
    if (error instanceof RangeError) {
      throw new CompileError("the expression is nested more than 1000 levels deep", { cause: error });
    }
    throw error;
  }
  return writer;
}
