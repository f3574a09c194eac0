/**
 * Expressions: frozen objects that know no SQL. Every method gives another expression.
 *
 * @module
 */

import { ArgumentError, InvalidRequestError } from "../errors.js";
import { describe } from "../encode.js";
import { NullType, typeOf, typeOfValue, type SqlType, type TypeArgument } from "./types.js";
import { isRecorded, record, type Recorded, type Writer } from "./writer.js";

/** What stands on the other side of an operator: a value, another expression, or null. */
export type Operand<T> = T | Expr<T> | Expr<unknown> | null;

/** A query, as far as expressions need to know one. */
export interface QueryLike extends Recorded {
  /** Whether it is a query. */
  readonly isQuery: true;
}

const OPS = {
  eq: 1, ne: 2, lt: 3, le: 4, gt: 5, ge: 6, is: 7, isNot: 8, regexp: 9, notRegexp: 10, match: 11, notMatch: 12, glob: 13,
  notGlob: 14, add: 15, sub: 16, mul: 17, trueDiv: 18, floorDiv: 19, mod: 20, concat: 21, bitAnd: 22, bitOr: 23, bitXor: 24,
  shiftLeft: 25, shiftRight: 26, jsonArrow: 27, jsonDoubleArrow: 28,
} as const;

/** How a LIKE pattern is read. */
export interface LikeOptions {
  /** The character that takes its meaning from `%`, `_` and itself. */
  readonly escape?: string;
}

/** How a text is looked for. */
export interface ContainsOptions extends LikeOptions {
  /** Whether `%` and `_` in the text mean themselves. */
  readonly autoescape?: boolean;
}

/** How a window is bounded: unbounded (null), the current row (0), so many before (negative) or behind (positive). */
export type FrameBounds = readonly [number | null, number | null];

/** What a window function looks at. */
export interface WindowOptions {
  /** The rows with equal values here are looked at together. */
  readonly partitionBy?: Expr<unknown> | readonly Expr<unknown>[];
  /** In this order. */
  readonly orderBy?: Expr<unknown> | readonly Expr<unknown>[];
  /** The rows around the current one, counted one by one. */
  readonly rows?: FrameBounds;
  /** The rows around the current one, by the value that they are ordered by. */
  readonly range?: FrameBounds;
  /** The rows around the current one, counted by groups of equal rows. */
  readonly groups?: FrameBounds;
}

/** An expression whose value has type `T`. */
export abstract class Expr<T = unknown> implements Recorded {
  /** The type of its values; there is no value. */
  declare readonly valueType?: T;

  /** @internal */
  abstract [record](writer: Writer): void;

  /** `=`; with null `IS NULL`. */
  eq(other: Operand<T>): Expr<boolean> {
    return binary("eq", this, other);
  }
  /** `!=`; with null `IS NOT NULL`. */
  ne(other: Operand<T>): Expr<boolean> {
    return binary("ne", this, other);
  }
  /** `<` */
  lt(other: Operand<T>): Expr<boolean> {
    return binary("lt", this, other);
  }
  /** `<=` */
  le(other: Operand<T>): Expr<boolean> {
    return binary("le", this, other);
  }
  /** `>` */
  gt(other: Operand<T>): Expr<boolean> {
    return binary("gt", this, other);
  }
  /** `>=` */
  ge(other: Operand<T>): Expr<boolean> {
    return binary("ge", this, other);
  }
  /** `IS`: equal, where NULL equals NULL. */
  is(other: Operand<T>): Expr<boolean> {
    return binary("is", this, other);
  }
  /** `IS NOT` */
  isNot(other: Operand<T>): Expr<boolean> {
    return binary("isNot", this, other);
  }
  /** Different, where NULL is no different from NULL. */
  isDistinctFrom(other: Operand<T>): Expr<boolean> {
    return binary("isNot", this, other);
  }
  /** Not different, where NULL is no different from NULL. */
  isNotDistinctFrom(other: Operand<T>): Expr<boolean> {
    return binary("is", this, other);
  }
  /** `IN`: a list of values of any length, or a query. */
  in(list: readonly (T | Expr<unknown>)[] | QueryLike | BindParameter<unknown>): Expr<boolean> {
    return new In(this, list);
  }
  /** `NOT IN` */
  notIn(list: readonly (T | Expr<unknown>)[] | QueryLike | BindParameter<unknown>): Expr<boolean> {
    return not_(new In(this, list));
  }
  /** `BETWEEN`, both ends included. */
  between(low: Operand<T>, high: Operand<T>): Expr<boolean> {
    return new Between(this, low, high);
  }
  /** `LIKE` */
  like(pattern: Operand<string>, options: LikeOptions = {}): Expr<boolean> {
    return new Like(this, pattern, options.escape ?? "", false);
  }
  /** `NOT LIKE` */
  notLike(pattern: Operand<string>, options: LikeOptions = {}): Expr<boolean> {
    return not_(this.like(pattern, options));
  }
  /** `LIKE` that does not tell capital letters from small ones (ASCII only). */
  ilike(pattern: Operand<string>, options: LikeOptions = {}): Expr<boolean> {
    return new Like(this, pattern, options.escape ?? "", true);
  }
  /** `NOT LIKE`, as {@link ilike}. */
  notIlike(pattern: Operand<string>, options: LikeOptions = {}): Expr<boolean> {
    return not_(this.ilike(pattern, options));
  }
  /** Whether a text starts with another. */
  startsWith(text: Operand<string>, options: ContainsOptions = {}): Expr<boolean> {
    return new LooksLike(this, text, 1, options, false);
  }
  /** Whether a text contains another. */
  contains(text: Operand<string>, options: ContainsOptions = {}): Expr<boolean> {
    return new LooksLike(this, text, 2, options, false);
  }
  /** Whether a text ends with another. */
  endsWith(text: Operand<string>, options: ContainsOptions = {}): Expr<boolean> {
    return new LooksLike(this, text, 3, options, false);
  }
  /** As {@link startsWith}, without regard to capital letters. */
  istartsWith(text: Operand<string>, options: ContainsOptions = {}): Expr<boolean> {
    return new LooksLike(this, text, 1, options, true);
  }
  /** As {@link contains}, without regard to capital letters. */
  icontains(text: Operand<string>, options: ContainsOptions = {}): Expr<boolean> {
    return new LooksLike(this, text, 2, options, true);
  }
  /** As {@link endsWith}, without regard to capital letters. */
  iendsWith(text: Operand<string>, options: ContainsOptions = {}): Expr<boolean> {
    return new LooksLike(this, text, 3, options, true);
  }
  /** `REGEXP`, which SQLite leaves to a function of the application. */
  regexpMatch(pattern: Operand<string>): Expr<boolean> {
    return binary("regexp", this, pattern);
  }
  /** `MATCH`: full-text search. */
  match(pattern: Operand<string>): Expr<boolean> {
    return binary("match", this, pattern);
  }
  /** `GLOB` */
  glob(pattern: Operand<string>): Expr<boolean> {
    return binary("glob", this, pattern);
  }
  /** `+`; of texts `||`. */
  add(other: Operand<T>): Expr<T> {
    return binary("add", this, other);
  }
  /** `-` */
  sub(other: Operand<T>): Expr<T> {
    return binary("sub", this, other);
  }
  /** `*` */
  mul(other: Operand<T>): Expr<T> {
    return binary("mul", this, other);
  }
  /** A division that keeps what is behind the point: `a / (b + 0.0)`. */
  div(other: Operand<T>): Expr<number> {
    return binary("trueDiv", this, other);
  }
  /** A division without what is behind the point. */
  floorDiv(other: Operand<T>): Expr<T> {
    return binary("floorDiv", this, other);
  }
  /** `%` */
  mod(other: Operand<T>): Expr<T> {
    return binary("mod", this, other);
  }
  /** `-x` */
  neg(): Expr<T> {
    return new Unary<T>(1, this);
  }
  /** `||` */
  concat(other: Operand<string>): Expr<string> {
    return binary("concat", this, other);
  }
  /** `&` */
  bitwiseAnd(other: Operand<T>): Expr<number> {
    return binary("bitAnd", this, other);
  }
  /** `|` */
  bitwiseOr(other: Operand<T>): Expr<number> {
    return binary("bitOr", this, other);
  }
  /** Exclusive or. */
  bitwiseXor(other: Operand<T>): Expr<number> {
    return binary("bitXor", this, other);
  }
  /** `~x` */
  bitwiseNot(): Expr<number> {
    return new Unary<number>(2, this);
  }
  /** `<<` */
  bitwiseLshift(other: Operand<number>): Expr<number> {
    return binary("shiftLeft", this, other);
  }
  /** `>>` */
  bitwiseRshift(other: Operand<number>): Expr<number> {
    return binary("shiftRight", this, other);
  }
  /** Any other operator. */
  op<R = unknown>(symbol: string, precedence = 4, type?: TypeArgument<R>): (other: unknown) => Expr<R> {
    return (other) => new Custom<R>(symbol, precedence, false, type === undefined ? undefined : typeOf(type), this, other);
  }
  /** Any other operator that gives true or false. */
  boolOp(symbol: string, precedence = 4): (other: unknown) => Expr<boolean> {
    return (other) => new Custom<boolean>(symbol, precedence, true, undefined, this, other);
  }
  /** A member of an object of JSON, or an item of an array; several steps lead on. */
  item(...path: readonly (string | number)[]): JsonItem<unknown> {
    return new JsonItem<unknown>(this, path, 0);
  }
  /** `COLLATE` */
  collate(name: string): Expr<T> {
    return new Collate<T>(this, name);
  }
  /** `CAST(x AS type)` */
  cast<R>(type: TypeArgument<R>): Expr<R> {
    return new Cast<R>(0x17, this, typeOf(type));
  }
  /** `AS name` */
  label<const N extends string>(name: N): Label<N, T> {
    return new Label<N, T>(name, this);
  }
  /** `ASC` */
  asc(): Expr<T> {
    return new Ordered<T>(this, 1, 0);
  }
  /** `DESC` */
  desc(): Expr<T> {
    return new Ordered<T>(this, 2, 0);
  }
  /** `NULLS FIRST` */
  nullsFirst(): Expr<T> {
    return new Ordered<T>(this, 0, 1);
  }
  /** `NULLS LAST` */
  nullsLast(): Expr<T> {
    return new Ordered<T>(this, 0, 2);
  }
  /** `DISTINCT x`, in an aggregate. */
  distinct(): Expr<T> {
    return new Wrapped<T>(0x13, this);
  }
  /** `f(x) OVER (...)` */
  over(window: WindowOptions = {}): Expr<T> {
    return new Over<T>(this, window);
  }
  /** `f(x) FILTER (WHERE ...)` */
  filter(...conditions: readonly Expr<boolean>[]): Expr<T> {
    return new Filter<T>(this, and_(...conditions));
  }
  /** `(x)` */
  selfGroup(): Expr<T> {
    return new Wrapped<T>(0x1f, this);
  }

  /** Comparing expressions by `==`, `<` and the like compares objects, never rows. */
  valueOf(): never {
    throw new InvalidRequestError(
      "an expression has no value here; compare by its methods: .eq(), .ne(), .lt(), .le(), .gt(), .ge(), .in()",
    );
  }
}

/**
 * Whether something is a query.
 * @internal
 */
export function isQuery(value: unknown): value is QueryLike {
  return isRecorded(value) && (value as { isQuery?: unknown }).isQuery === true;
}

function binary<R>(op: keyof typeof OPS, left: Expr<unknown>, right: unknown): Expr<R> {
  return new Binary<R>(OPS[op], left, right);
}

class Binary<T> extends Expr<T> {
  readonly #op: number;
  readonly #left: Expr<unknown>;
  readonly #right: unknown;
  constructor(op: number, left: Expr<unknown>, right: unknown) {
    super();
    [this.#op, this.#left, this.#right] = [op, left, right];
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const left = writer.ref(this.#left);
    const right = writer.operand(constant(this.#right));
    writer.begin(0x09);
    writer.u8(this.#op);
    writer.u32(left);
    writer.put(right);
  }
}

/** Null, true and false are words of SQL, not values. */
function constant(value: unknown): unknown {
  if (value === null) return null_();
  return typeof value === "boolean" ? (value ? TRUE : FALSE) : value;
}

class Unary<T> extends Expr<T> {
  readonly #op: number;
  readonly #inner: Expr<unknown>;
  constructor(op: number, inner: Expr<unknown>) {
    super();
    [this.#op, this.#inner] = [op, inner];
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const inner = writer.ref(this.#inner);
    writer.begin(0x08);
    writer.u8(this.#op);
    writer.u32(inner);
  }
}

class Wrapped<T> extends Expr<T> {
  readonly #tag: number;
  readonly #inner: Expr<unknown>;
  constructor(tag: number, inner: Expr<unknown>) {
    super();
    [this.#tag, this.#inner] = [tag, inner];
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const inner = writer.ref(this.#inner);
    writer.begin(this.#tag);
    writer.u32(inner);
  }
}

class Custom<T> extends Expr<T> {
  readonly #symbol: string;
  readonly #precedence: number;
  readonly #comparison: boolean;
  readonly #type: SqlType | undefined;
  readonly #left: Expr<unknown>;
  readonly #right: unknown;
  constructor(symbol: string, precedence: number, comparison: boolean, type: SqlType | undefined, left: Expr<unknown>, right: unknown) {
    super();
    [this.#symbol, this.#precedence, this.#comparison, this.#type, this.#left, this.#right] = [symbol, precedence, comparison, type, left, right];
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const left = writer.ref(this.#left);
    const right = writer.operand(constant(this.#right));
    writer.begin(0x20);
    writer.text(this.#symbol);
    writer.u8(this.#precedence);
    writer.flag(this.#comparison);
    writer.flag(this.#type !== undefined);
    this.#type?.write(writer);
    writer.u32(left);
    writer.put(right);
  }
}

class Like extends Expr<boolean> {
  readonly #value: Expr<unknown>;
  readonly #pattern: unknown;
  readonly #escape: string;
  readonly #fold: boolean;
  constructor(value: Expr<unknown>, pattern: unknown, escape: string, fold: boolean) {
    super();
    [this.#value, this.#pattern, this.#escape, this.#fold] = [value, pattern, escape, fold];
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const value = writer.ref(this.#value);
    const pattern = writer.operand(this.#pattern);
    writer.begin(0x0a);
    writer.u32(value);
    writer.put(pattern);
    writer.text(this.#escape);
    writer.flag(this.#fold);
  }
}

class LooksLike extends Expr<boolean> {
  readonly part: unknown;
  readonly escape: string;
  readonly #value: Expr<unknown>;
  readonly #place: number;
  readonly #fold: boolean;
  constructor(value: Expr<unknown>, part: unknown, place: number, options: ContainsOptions, fold: boolean) {
    super();
    [this.#value, this.#place, this.#fold] = [value, place, fold];
    const escape = options.escape ?? (options.autoescape === true ? "/" : "");
    if (options.autoescape === true && typeof part !== "string") {
      throw new ArgumentError(`autoescape takes a string, not ${describe(part)}`);
    }
    this.part = options.autoescape === true ? escaped(part as string, escape) : part;
    this.escape = escape;
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const value = writer.ref(this.#value);
    const part = writer.operand(this.part);
    writer.begin(0x0b);
    writer.u32(value);
    writer.put(part);
    writer.u8(this.#place);
    writer.text(this.escape);
    writer.flag(this.#fold);
  }
}

const escaped = (text: string, escape: string): string =>
  Array.from(text, (c) => (c === escape || c === "%" || c === "_" ? escape + c : c)).join("");

class Between extends Expr<boolean> {
  readonly #value: Expr<unknown>;
  readonly #low: unknown;
  readonly #high: unknown;
  constructor(value: Expr<unknown>, low: unknown, high: unknown) {
    super();
    [this.#value, this.#low, this.#high] = [value, low, high];
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const value = writer.ref(this.#value);
    const low = writer.operand(this.#low);
    const high = writer.operand(this.#high);
    writer.begin(0x0c);
    writer.u32(value);
    writer.put(low);
    writer.put(high);
  }
}

class In extends Expr<boolean> {
  readonly #value: Expr<unknown>;
  readonly #list: readonly unknown[] | QueryLike | BindParameter<unknown>;
  constructor(value: Expr<unknown>, list: readonly unknown[] | QueryLike | BindParameter<unknown>) {
    super();
    [this.#value, this.#list] = [value, list];
    if (!Array.isArray(list) && !isQuery(list) && !(list instanceof BindParameter)) {
      throw new ArgumentError(`in() takes an array, a query or an expanding bindparam(), not ${describe(list)}`);
    }
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const list = this.#list;
    const value = writer.ref(this.#value);
    if (Array.isArray(list)) {
      if (list.some(isRecorded)) {
        const operands = list.map((item) => writer.operand(constant(item)));
        writer.begin(0x0d);
        writer.u32(value);
        writer.u8(1);
        writer.u32(operands.length);
        operands.forEach((operand) => writer.put(operand));
        return;
      }
      writer.begin(0x0d);
      writer.u32(value);
      writer.u8(0);
      writer.u32(writer.literal(list));
      return;
    }
    const ref = writer.ref(list as Recorded);
    writer.begin(0x0d);
    writer.u32(value);
    writer.u8(list instanceof BindParameter ? 3 : 2);
    writer.u32(ref);
  }
}

class Logic extends Expr<boolean> {
  readonly #all: boolean;
  readonly #parts: readonly Expr<unknown>[];
  constructor(all: boolean, parts: readonly Expr<unknown>[]) {
    super();
    [this.#all, this.#parts] = [all, parts];
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const parts = writer.refs(this.#parts);
    writer.begin(this.#all ? 0x0e : 0x0f);
    writer.list(parts);
  }
}

/** A part of a value of JSON. */
export class JsonItem<T> extends Expr<T> {
  readonly #value: Expr<unknown>;
  readonly #path: readonly (string | number)[];
  readonly #read: number;
  readonly #digits: readonly [number, number];

  /** @internal */
  constructor(value: Expr<unknown>, path: readonly (string | number)[], read: number, digits: readonly [number, number] = [10, 0]) {
    super();
    [this.#value, this.#path, this.#read, this.#digits] = [value, path, read, digits];
    Object.freeze(this);
  }

  /** Further into the value. */
  override item(...path: readonly (string | number)[]): JsonItem<unknown> {
    return new JsonItem<unknown>(this.#value, [...this.#path, ...path], 0);
  }
  /** As text. */
  asString(): JsonItem<string> {
    return new JsonItem<string>(this.#value, this.#path, 1);
  }
  /** As a whole number. */
  asInteger(): JsonItem<number> {
    return new JsonItem<number>(this.#value, this.#path, 2);
  }
  /** As a number. */
  asFloat(): JsonItem<number> {
    return new JsonItem<number>(this.#value, this.#path, 3);
  }
  /** As a decimal number. */
  asNumeric(precision: number, scale: number): JsonItem<string> {
    return new JsonItem<string>(this.#value, this.#path, 4, [precision, scale]);
  }
  /** As true or false. */
  asBoolean(): JsonItem<boolean> {
    return new JsonItem<boolean>(this.#value, this.#path, 5);
  }
  /** As JSON, which it is by itself. */
  asJson(): JsonItem<unknown> {
    return new JsonItem<unknown>(this.#value, this.#path, 0);
  }

  /** @internal */
  override [record](writer: Writer): void {
    const value = writer.ref(this.#value);
    writer.begin(0x1d);
    writer.u32(value);
    writer.u32(writer.literal(jsonPath(this.#path)));
    writer.u8(this.#read);
    if (this.#read === 4) this.#digits.forEach((number) => writer.u32(number));
  }
}

function jsonPath(path: readonly (string | number)[]): string {
  return path.reduce<string>((out, step) => {
    if (typeof step === "string") return `${out}."${step}"`;
    if (!Number.isInteger(step)) throw new ArgumentError(`a step into JSON is a key or an index, not ${String(step)}`);
    return step < 0 ? `${out}[#${step}]` : `${out}[${step}]`;
  }, "$");
}

class Collate<T> extends Expr<T> {
  readonly #inner: Expr<unknown>;
  readonly #collation: string;
  constructor(inner: Expr<unknown>, collation: string) {
    super();
    [this.#inner, this.#collation] = [inner, collation];
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const inner = writer.ref(this.#inner);
    writer.begin(0x19);
    writer.u32(inner);
    writer.text(this.#collation);
  }
}

class Cast<T> extends Expr<T> {
  readonly #tag: 0x17 | 0x18;
  readonly #inner: unknown;
  readonly #type: SqlType<T>;
  constructor(tag: 0x17 | 0x18, inner: unknown, type: SqlType<T>) {
    super();
    [this.#tag, this.#inner, this.#type] = [tag, inner, type];
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const inner = writer.operand(constant(this.#inner));
    writer.begin(this.#tag);
    writer.put(inner);
    this.#type.write(writer);
  }
}

/** An expression with a name: what result columns are called by. */
export class Label<N extends string, T> extends Expr<T> {
  /** The name. */
  readonly key: N;
  /** What is named. */
  readonly element: Expr<T>;

  /** @internal */
  constructor(name: N, element: Expr<T>) {
    super();
    if (typeof name !== "string" || name === "") throw new ArgumentError(`label() takes a name, not ${describe(name)}`);
    this.key = name;
    this.element = element;
    Object.freeze(this);
  }

  /** @internal */
  override [record](writer: Writer): void {
    const element = writer.ref(this.element);
    writer.begin(0x11);
    writer.flag(true);
    writer.text(this.key);
    writer.u32(element);
  }
}

class Ordered<T> extends Expr<T> {
  readonly #inner: Expr<unknown>;
  readonly #direction: number;
  readonly #nulls: number;
  constructor(inner: Expr<unknown>, direction: number, nulls: number) {
    super();
    [this.#inner, this.#direction, this.#nulls] = [inner, direction, nulls];
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const inner = writer.ref(this.#inner);
    writer.begin(0x1a);
    writer.u32(inner);
    writer.u8(this.#direction);
    writer.u8(this.#nulls);
  }
}

class Over<T> extends Expr<T> {
  readonly #call: Expr<unknown>;
  readonly #window: WindowOptions;
  constructor(call: Expr<unknown>, window: WindowOptions) {
    super();
    [this.#call, this.#window] = [call, window];
    const bounds = [window.rows, window.range, window.groups].filter((given) => given !== undefined);
    if (bounds.length > 1) throw new ArgumentError("only one of rows, range and groups can be given to over()");
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const list = (given: Expr<unknown> | readonly Expr<unknown>[] | undefined): readonly number[] =>
      given === undefined ? [] : writer.refs(given instanceof Expr ? [given] : given);
    const call = writer.ref(this.#call);
    const partition = list(this.#window.partitionBy);
    const order = list(this.#window.orderBy);
    writer.begin(0x15);
    writer.u32(call);
    writer.list(partition);
    writer.list(order);
    const units = [this.#window.rows, this.#window.range, this.#window.groups];
    const unit = units.findIndex((bounds) => bounds !== undefined);
    writer.u8(unit + 1);
    if (unit >= 0) (units[unit] as FrameBounds).forEach((bound) => frameEnd(writer, bound));
  }
}

function frameEnd(writer: Writer, bound: number | null): void {
  if (bound === null) return writer.u8(0);
  if (bound === 0) return writer.u8(1);
  writer.u8(bound < 0 ? 2 : 3);
  writer.put({ value: Math.abs(bound) });
}

class Filter<T> extends Expr<T> {
  readonly #aggregate: Expr<unknown>;
  readonly #condition: Expr<unknown>;
  constructor(aggregate: Expr<unknown>, condition: Expr<unknown>) {
    super();
    [this.#aggregate, this.#condition] = [aggregate, condition];
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    const [aggregate, condition] = [writer.ref(this.#aggregate), writer.ref(this.#condition)];
    writer.begin(0x14);
    writer.u32(aggregate);
    writer.u32(condition);
  }
}

class Word<T> extends Expr<T> {
  readonly #write: (writer: Writer) => void;
  constructor(write: (writer: Writer) => void) {
    super();
    this.#write = write;
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    this.#write(writer);
  }
}

const NULL = new Word<null>((writer) => writer.begin(0x03));
const truth = (value: boolean): Expr<boolean> =>
  new Word<boolean>((writer) => {
    writer.begin(0x04);
    writer.flag(value);
  });
const TRUE = truth(true);
const FALSE = truth(false);

/** `NULL` */
export const null_ = (): Expr<null> => NULL;
/** True: `1`. */
export const true_ = (): Expr<boolean> => TRUE;
/** False: `0`. */
export const false_ = (): Expr<boolean> => FALSE;

const conditions = (name: string, parts: readonly (Expr<unknown> | boolean)[]): Expr<unknown>[] =>
  parts.map((part) => {
    if (part instanceof Expr) return part;
    if (typeof part === "boolean") return part ? TRUE : FALSE;
    throw new ArgumentError(`${name} takes conditions, like users.c.id.eq(1), not ${describe(part)}`);
  });

/** All of them. */
export function and_(...parts: readonly (Expr<unknown> | boolean)[]): Expr<boolean> {
  return new Logic(true, conditions("and_()", parts));
}

/** Any of them. */
export function or_(...parts: readonly (Expr<unknown> | boolean)[]): Expr<boolean> {
  return new Logic(false, conditions("or_()", parts));
}

/** The opposite. */
export function not_(condition: Expr<unknown>): Expr<boolean> {
  return new Unary<boolean>(3, conditions("not_()", [condition])[0] as Expr<unknown>);
}

/** A value as a parameter, with a type of its own or the one given. */
export function literal<T>(value: T, type?: TypeArgument<T>): Expr<T> {
  return new Literal<T>(value, type === undefined ? undefined : typeOf(type));
}

class Literal<T> extends Expr<T> {
  readonly #value: T;
  readonly #type: SqlType<T> | undefined;
  constructor(value: T, type: SqlType<T> | undefined) {
    super();
    [this.#value, this.#type] = [value, type];
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    if (this.#type === undefined) {
      if (this.#value === null) return NULL[record](writer);
      writer.operand(this.#value);
    }
    writer.begin(0x05);
    writer.flag(false);
    writer.text("param");
    (this.#type ?? typeOfLiteral(this.#value)).write(writer);
    writer.flag(false);
    writer.u8(1);
    writer.u32(writer.literal(this.#value));
  }
}

/** A parameter with a name. */
export class BindParameter<T> extends Expr<T> {
  /** Its name. */
  readonly key: string;
  /** Whether it stands for a list. */
  readonly expanding: boolean;
  readonly #value: { readonly value: unknown } | undefined;
  readonly #type: SqlType<T> | undefined;

  /** @internal */
  constructor(key: string, value: { readonly value: unknown } | undefined, type: SqlType<T> | undefined, expanding: boolean) {
    super();
    [this.key, this.#value, this.#type, this.expanding] = [key, value, type, expanding];
    Object.freeze(this);
  }

  /** @internal */
  override [record](writer: Writer): void {
    writer.begin(0x05);
    writer.flag(true);
    writer.text(this.key);
    writer.text(this.key);
    (this.#type ?? (this.#value === undefined || this.expanding ? NullType : typeOfLiteral(this.#value.value))).write(writer);
    writer.flag(this.expanding);
    writer.u8(this.#value === undefined ? 0 : 1);
    if (this.#value !== undefined) writer.u32(writer.literal(this.#value.value));
  }
}

/** How a parameter behaves. */
export interface BindParameterOptions<T> {
  /** Its value, unless the call gives another. */
  readonly value?: T | readonly T[];
  /** Its type. */
  readonly type?: TypeArgument<T>;
  /** Whether it stands for a list, in `in()`. */
  readonly expanding?: boolean;
}

/** A parameter with a name; the call gives its value, unless it has one. */
export function bindparam<T = unknown>(name: string, options: BindParameterOptions<T> = {}): BindParameter<T> {
  if (typeof name !== "string" || name === "") throw new ArgumentError(`bindparam() takes a name, not ${describe(name)}`);
  const value = "value" in options ? { value: options.value } : undefined;
  const type = options.type === undefined ? undefined : typeOf(options.type);
  return new BindParameter<T>(name, value, type, options.expanding === true);
}

/** SQL as it is. Never put foreign text into it. */
export function literalColumn<T = unknown>(sql: string, type?: TypeArgument<T>): Expr<T> {
  if (typeof sql !== "string") throw new ArgumentError(`literalColumn() takes SQL as a string, not ${describe(sql)}`);
  const of = type === undefined ? NullType : typeOf(type);
  return new Word<T>((writer) => {
    writer.begin(0x06);
    writer.text(sql);
    of.write(writer);
  });
}

/** `CASE WHEN condition THEN result ... ELSE otherwise END` */
export function case_<T>(whens: readonly (readonly [Expr<unknown>, Operand<T>])[], otherwise?: Operand<T>): Expr<T>;
/** `CASE value WHEN ... THEN ...` */
export function case_<T>(
  whens: readonly (readonly [unknown, Operand<T>])[],
  otherwise: Operand<T> | undefined,
  value: Expr<unknown>,
): Expr<T>;
export function case_<T>(
  whens: readonly (readonly [unknown, Operand<T>])[],
  otherwise?: Operand<T>,
  value?: Expr<unknown>,
): Expr<T> {
  return new Word<T>((writer) => {
    const of = value === undefined ? undefined : writer.ref(value);
    const pairs = whens.map(([when, then]) => [writer.operand(constant(when)), writer.operand(nullOnly(then))] as const);
    const last = otherwise === undefined ? undefined : writer.operand(nullOnly(otherwise));
    writer.begin(0x16);
    writer.optionalU32(of);
    writer.u32(pairs.length);
    for (const [when, then] of pairs) {
      writer.put(when);
      writer.put(then);
    }
    writer.flag(last !== undefined);
    if (last !== undefined) writer.put(last);
  });
}

const nullOnly = (value: unknown): unknown => (value === null ? NULL : value);

/** `CAST(x AS type)` */
export function cast<T>(value: unknown, type: TypeArgument<T>): Expr<T> {
  return new Cast<T>(0x17, value, typeOf(type));
}

/** The same SQL, as another type here. */
export function typeCoerce<T>(value: unknown, type: TypeArgument<T>): Expr<T> {
  return new Cast<T>(0x18, value, typeOf(type));
}

/** `(a, b)` */
export function tuple_(...exprs: readonly Expr<unknown>[]): Expr<readonly unknown[]> {
  return new Word<readonly unknown[]>((writer) => {
    const parts = writer.refs(exprs);
    writer.begin(0x10);
    writer.list(parts);
  });
}

/** A field of a date or time: `year`, `month`, `day`, `hour`, `minute`, `second`, `doy`, `dow`, `week`, `epoch`. */
export function extract(field: string, expr: Expr<unknown>): Expr<number> {
  return new Word<number>((writer) => {
    const of = writer.ref(expr);
    writer.begin(0x1e);
    writer.text(field);
    writer.u32(of);
  });
}

/**
 * A query in an expression: `EXISTS (...)`, or a value.
 * @internal
 */
export function queryExpr<T>(tag: 0x1b | 0x1c, query: QueryLike): Expr<T> {
  return new Word<T>((writer) => {
    const of = writer.ref(query);
    writer.begin(tag);
    writer.u32(of);
  });
}

/**
 * A column or label of the statement, by its name.
 * @internal
 */
export function named(name: string): Expr<unknown> {
  return new Word((writer) => {
    writer.begin(0x02);
    writer.text(name);
  });
}

/**
 * A call of a function.
 * @internal
 */
export function call<T>(name: string, args: readonly unknown[], type: SqlType<T> | undefined): Expr<T> {
  return new Word<T>((writer) => {
    const operands = args.map((arg) => writer.operand(nullOnly(arg)));
    writer.begin(0x12);
    writer.text(name);
    writer.flag(type !== undefined);
    type?.write(writer);
    writer.u32(operands.length);
    operands.forEach((operand) => writer.put(operand));
    writer.u32(0);
  });
}

function typeOfLiteral(value: unknown): SqlType {
  return typeof value === "object" && value !== null && Array.isArray(value) ? NullType : typeOfValue(value);
}

