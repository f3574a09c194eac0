/**
 * Expressions: frozen objects that know no SQL. Every method gives another expression.
 *
 * @module
 */

import { ArgumentError, InvalidRequestError } from "../errors.js";
import { describe } from "../encode.js";
import { ClauseElement } from "./clause.js";
import {
  escaped,
  jsonPath,
  OPS,
  writeBetween,
  writeBinary,
  writeCast,
  writeCollate,
  writeCustom,
  writeFilter,
  writeIn,
  writeLike,
  writeLogic,
  writeLooksLike,
  writeNull,
  writeOrder,
  writeOver,
  writeTruth,
  writeUnary,
  writeWrapped,
  type FrameBounds,
} from "./records.js";
import type { Equality, Membership, OrNull, Other, Truth } from "./selection.js";
import { type TypeArgument } from "./types.js";
import { checkOptions, typeOf } from "./type_base.js";
import { isRecorded, record, type Recorded, type Writer } from "./writer.js";

export type { FrameBounds } from "./records.js";

/** What stands on the other side of an operator: a value, another expression, or null. */
export type Operand<T> = T | Expr<T> | Expr<unknown> | null;

/** What comes of a division that keeps what is behind the point: of numerics, which are texts, another. */
export type Quotient<T> = unknown extends T ? unknown : T extends string ? string : T extends null ? null : number;

/** A query, as far as expressions need to know one. */
export interface QueryLike extends Recorded {
  /** Whether it is a query. */
  readonly isQuery: true;
}

/** A parameter that stands for a list. */
export interface ListParameter extends Recorded {
  /** Whether it does. */
  readonly expanding: boolean;
}

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

/** An expression whose value has type `T`, and which reads what `S` names. */
export abstract class Expr<T = unknown, S extends string = string> extends ClauseElement {
  /** The type of its values; there is no value. */
  declare readonly valueType?: T;
  /** The names of what it reads, without which it is null; there is no value. */
  declare readonly sources?: S;

  /** `=`; with null `IS NULL`. */
  eq(other: null): Expr<boolean>;
  eq<V extends Operand<T>>(other: V): Expr<Equality<T, V>>;
  eq(other: unknown): Expr<any> {
    return binary("eq", this, other);
  }
  /** `!=`; with null `IS NOT NULL`. */
  ne(other: null): Expr<boolean>;
  ne<V extends Operand<T>>(other: V): Expr<Equality<T, V>>;
  ne(other: unknown): Expr<any> {
    return binary("ne", this, other);
  }
  /** `<` */
  lt<V extends Operand<T>>(other: V): Expr<Truth<T, V>> {
    return binary("lt", this, other);
  }
  /** `<=` */
  le<V extends Operand<T>>(other: V): Expr<Truth<T, V>> {
    return binary("le", this, other);
  }
  /** `>` */
  gt<V extends Operand<T>>(other: V): Expr<Truth<T, V>> {
    return binary("gt", this, other);
  }
  /** `>=` */
  ge<V extends Operand<T>>(other: V): Expr<Truth<T, V>> {
    return binary("ge", this, other);
  }
  /** `IS`: equal, where NULL equals NULL. */
  is(other: Operand<T>): Expr<boolean, never> {
    return binary("is", this, other);
  }
  /** `IS NOT` */
  isNot(other: Operand<T>): Expr<boolean, never> {
    return binary("isNot", this, other);
  }
  /** Different, where NULL is no different from NULL. */
  isDistinctFrom(other: Operand<T>): Expr<boolean, never> {
    return binary("isNot", this, other);
  }
  /** Not different, where NULL is no different from NULL. */
  isNotDistinctFrom(other: Operand<T>): Expr<boolean, never> {
    return binary("is", this, other);
  }
  /** `IN`: a list of values of any length, or a query. */
  in<L extends readonly (T | Expr<unknown>)[] | QueryLike | ListParameter>(list: L): Expr<Membership<T, L>> {
    const checked = checkedList(list);
    return node((writer) => writeIn(writer, this, checked, constant));
  }
  /** `NOT IN` */
  notIn<L extends readonly (T | Expr<unknown>)[] | QueryLike | ListParameter>(list: L): Expr<Membership<T, L>> {
    return opposite(this.in(list));
  }
  /** `BETWEEN`, both ends included. */
  between<V extends Operand<T>, W extends Operand<T>>(low: V, high: W): Expr<Truth<T, V | W>> {
    return node((writer) => writeBetween(writer, this, constant(low), constant(high)));
  }
  /** `LIKE` */
  like<V extends Operand<string>>(pattern: V, options: LikeOptions = {}): Expr<Truth<T, V>> {
    return node((writer) => writeLike(writer, this, pattern, options.escape ?? "", false));
  }
  /** `NOT LIKE` */
  notLike<V extends Operand<string>>(pattern: V, options: LikeOptions = {}): Expr<Truth<T, V>> {
    return opposite(this.like(pattern, options));
  }
  /** `LIKE` that does not tell capital letters from small ones (ASCII only). */
  ilike<V extends Operand<string>>(pattern: V, options: LikeOptions = {}): Expr<Truth<T, V>> {
    return node((writer) => writeLike(writer, this, pattern, options.escape ?? "", true));
  }
  /** `NOT LIKE`, as {@link ilike}. */
  notIlike<V extends Operand<string>>(pattern: V, options: LikeOptions = {}): Expr<Truth<T, V>> {
    return opposite(this.ilike(pattern, options));
  }
  /** Whether a text starts with another. */
  startsWith<V extends Operand<string>>(text: V, options: ContainsOptions = {}): Expr<Truth<T, V>> {
    return looksLike(this, text, 1, options, false);
  }
  /** Whether a text contains another. */
  contains<V extends Operand<string>>(text: V, options: ContainsOptions = {}): Expr<Truth<T, V>> {
    return looksLike(this, text, 2, options, false);
  }
  /** Whether a text ends with another. */
  endsWith<V extends Operand<string>>(text: V, options: ContainsOptions = {}): Expr<Truth<T, V>> {
    return looksLike(this, text, 3, options, false);
  }
  /** As {@link startsWith}, without regard to capital letters. */
  istartsWith<V extends Operand<string>>(text: V, options: ContainsOptions = {}): Expr<Truth<T, V>> {
    return looksLike(this, text, 1, options, true);
  }
  /** As {@link contains}, without regard to capital letters. */
  icontains<V extends Operand<string>>(text: V, options: ContainsOptions = {}): Expr<Truth<T, V>> {
    return looksLike(this, text, 2, options, true);
  }
  /** As {@link endsWith}, without regard to capital letters. */
  iendsWith<V extends Operand<string>>(text: V, options: ContainsOptions = {}): Expr<Truth<T, V>> {
    return looksLike(this, text, 3, options, true);
  }
  /** `REGEXP`, which SQLite leaves to a function of the application. */
  regexpMatch<V extends Operand<string>>(pattern: V): Expr<Truth<T, V>> {
    return binary("regexp", this, pattern);
  }
  /** `MATCH`: full-text search. */
  match<V extends Operand<string>>(pattern: V): Expr<Truth<T, V>> {
    return binary("match", this, pattern);
  }
  /** `GLOB` */
  glob<V extends Operand<string>>(pattern: V): Expr<Truth<T, V>> {
    return binary("glob", this, pattern);
  }
  /** `+`; of texts `||`. */
  add<N = never, U extends string = never>(other: Other<T, N, U>): Expr<OrNull<T, N>, S | U> {
    return binary("add", this, other);
  }
  /** `-` */
  sub<N = never, U extends string = never>(other: Other<T, N, U>): Expr<OrNull<T, N>, S | U> {
    return binary("sub", this, other);
  }
  /** `*` */
  mul<N = never, U extends string = never>(other: Other<T, N, U>): Expr<OrNull<T, N>, S | U> {
    return binary("mul", this, other);
  }
  /** A division that keeps what is behind the point: `a / (b + 0.0)`. */
  div<N = never, U extends string = never>(other: Other<T, N, U>): Expr<OrNull<Quotient<T>, N>, S | U> {
    return binary("trueDiv", this, other);
  }
  /** A division without what is behind the point. */
  floorDiv<N = never, U extends string = never>(other: Other<T, N, U>): Expr<OrNull<T, N>, S | U> {
    return binary("floorDiv", this, other);
  }
  /** `%` */
  mod<N = never, U extends string = never>(other: Other<T, N, U>): Expr<OrNull<T, N>, S | U> {
    return binary("mod", this, other);
  }
  /** `-x` */
  neg(): Expr<T, S> {
    return node((writer) => writeUnary(writer, 1, this));
  }
  /** `||` */
  concat<L, R extends string, N = never, U extends string = never>(this: Expr<L, R>, other: Other<string, N, U>): Expr<OrNull<string, L | N>, R | U> {
    return binary("concat", this, other);
  }
  /** `&` */
  bitwiseAnd<L, R extends string, N = never, U extends string = never>(this: Expr<L, R>, other: Other<L, N, U>): Expr<OrNull<number, L | N>, R | U> {
    return binary("bitAnd", this, other);
  }
  /** `|` */
  bitwiseOr<L, R extends string, N = never, U extends string = never>(this: Expr<L, R>, other: Other<L, N, U>): Expr<OrNull<number, L | N>, R | U> {
    return binary("bitOr", this, other);
  }
  /** Exclusive or. */
  bitwiseXor<L, R extends string, N = never, U extends string = never>(this: Expr<L, R>, other: Other<L, N, U>): Expr<OrNull<number, L | N>, R | U> {
    return binary("bitXor", this, other);
  }
  /** `~x` */
  bitwiseNot<L, R extends string>(this: Expr<L, R>): Expr<OrNull<number, L>, R> {
    return node((writer) => writeUnary(writer, 2, this));
  }
  /** `<<` */
  bitwiseLshift<L, R extends string, N = never, U extends string = never>(this: Expr<L, R>, other: Other<number, N, U>): Expr<OrNull<number, L | N>, R | U> {
    return binary("shiftLeft", this, other);
  }
  /** `>>` */
  bitwiseRshift<L, R extends string, N = never, U extends string = never>(this: Expr<L, R>, other: Other<number, N, U>): Expr<OrNull<number, L | N>, R | U> {
    return binary("shiftRight", this, other);
  }
  /** Any other operator. */
  op<R = unknown>(symbol: string, precedence = 4, type?: TypeArgument<R>): (other: unknown) => Expr<R> {
    const op = { symbol, precedence, comparison: false, type: type === undefined ? undefined : typeOf(type) };
    return (other) => node<R>((writer) => writeCustom(writer, op, this, constant(other)));
  }
  /** Any other operator that gives true or false. */
  boolOp(symbol: string, precedence = 4): (other: unknown) => Expr<boolean> {
    const op = { symbol, precedence, comparison: true, type: undefined };
    return (other) => node<boolean>((writer) => writeCustom(writer, op, this, constant(other)));
  }
  /** A member of an object of JSON, or an item of an array; several steps lead on. */
  item(...path: readonly (string | number)[]): JsonItem<unknown> {
    return new JsonItem<unknown>(this, path, 0);
  }
  /** `COLLATE` */
  collate(name: string): Expr<T, S> {
    return node((writer) => writeCollate(writer, this, name));
  }
  /** `CAST(x AS type)` */
  cast<C, L, R extends string>(this: Expr<L, R>, type: TypeArgument<C>): Expr<OrNull<C, L>, R> {
    const to = typeOf(type);
    return node((writer) => writeCast(writer, 0x17, this, to));
  }
  /** `AS name` */
  label<const N extends string>(name: N): Label<N, T, S> {
    return new Label<N, T, S>(name, this);
  }
  /** `ASC` */
  asc(): Expr<T, S> {
    return node((writer) => writeOrder(writer, this, 1, 0));
  }
  /** `DESC` */
  desc(): Expr<T, S> {
    return node((writer) => writeOrder(writer, this, 2, 0));
  }
  /** `NULLS FIRST` */
  nullsFirst(): Expr<T, S> {
    return node((writer) => writeOrder(writer, this, 0, 1));
  }
  /** `NULLS LAST` */
  nullsLast(): Expr<T, S> {
    return node((writer) => writeOrder(writer, this, 0, 2));
  }
  /** `DISTINCT x`, in an aggregate. */
  distinct(): Expr<T, S> {
    return node((writer) => writeWrapped(writer, 0x13, this));
  }
  /** `f(x) OVER (...)` */
  over(window: WindowOptions = {}): Expr<T, S> {
    return over<T, S>(this, window);
  }
  /** `f(x) FILTER (WHERE ...)` */
  filter(...conditions: readonly Expr<boolean | null>[]): Expr<T, S> {
    const all = node<boolean>((writer) => writeLogic(writer, true, conditions));
    return node((writer) => writeFilter(writer, this, all));
  }
  /** `(x)` */
  selfGroup(): Expr<T, S> {
    return node((writer) => writeWrapped(writer, 0x1f, this));
  }

  /** Comparing expressions by `==`, `<` and the like compares objects, never rows. */
  override valueOf(): never {
    throw new InvalidRequestError(
      "an expression has no value here; compare by its methods: .eq(), .ne(), .lt(), .le(), .gt(), .ge(), .in()",
    );
  }
}

/** Any other expression: how it is written is all that is known of it. */
export class Node<T, S extends string = string> extends Expr<T, S> {
  readonly #write: (writer: Writer) => void;
  /** @internal */
  constructor(write: (writer: Writer) => void) {
    super();
    this.#write = write;
    Object.freeze(this);
  }
  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    this.#write(writer);
  }
}

/**
 * An expression that is written so.
 * @internal
 */
export function node<T, S extends string = string>(write: (writer: Writer) => void): Expr<T, S> {
  return new Node<T, S>(write);
}

/**
 * Whether something is a query.
 * @internal
 */
export function isQuery(value: unknown): value is QueryLike {
  return isRecorded(value) && (value as { isQuery?: unknown }).isQuery === true;
}

function binary<R, S extends string>(op: keyof typeof OPS, left: Expr<unknown>, right: unknown): Expr<R, S> {
  return node<R, S>((writer) => writeBinary(writer, OPS[op], left, constant(right)));
}

const NULL: Expr<null, never> = node((writer) => writeNull(writer));
const TRUE: Expr<boolean, never> = node((writer) => writeTruth(writer, true));
const FALSE: Expr<boolean, never> = node((writer) => writeTruth(writer, false));

/** `NULL` */
export const null_ = (): Expr<null, never> => NULL;
/** True: `1`. */
export const true_ = (): Expr<boolean, never> => TRUE;
/** False: `0`. */
export const false_ = (): Expr<boolean, never> => FALSE;

/**
 * Null, true and false are words of SQL, not values.
 * @internal
 */
export function constant(value: unknown): unknown {
  if (value === null) return NULL;
  return typeof value === "boolean" ? (value ? TRUE : FALSE) : value;
}

/**
 * The opposite of a condition.
 * @internal
 */
export function opposite<B = boolean>(condition: Expr<unknown>): Expr<B> {
  return node<B>((writer) => writeUnary(writer, 3, condition));
}

function looksLike<B>(value: Expr<unknown>, text: unknown, place: number, options: ContainsOptions, fold: boolean): Expr<B> {
  const escape = options.escape ?? (options.autoescape === true ? "/" : "");
  const part = options.autoescape === true ? escaped(text, escape) : text;
  return node<B>((writer) => writeLooksLike(writer, value, part, { place, escape, fold }));
}

function checkedList(list: unknown): unknown {
  // A statement stays what it is, whatever becomes of the list.
  if (Array.isArray(list)) return [...(list as unknown[])];
  if (isQuery(list) || (isRecorded(list) && (list as { expanding?: unknown }).expanding === true)) return list;
  throw new ArgumentError(`in() takes an array, a query or an expanding bindparam(), not ${describe(list)}`);
}

function over<T, S extends string>(call: Expr<unknown>, window: WindowOptions): Expr<T, S> {
  checkOptions("over()", window, ["partitionBy", "orderBy", "rows", "range", "groups"]);
  const frames = [window.rows, window.range, window.groups];
  if (frames.filter((bounds) => bounds !== undefined).length > 1) {
    throw new ArgumentError("only one of rows, range and groups can be given to over()");
  }
  const list = (given: Expr<unknown> | readonly Expr<unknown>[] | undefined): readonly Expr<unknown>[] =>
    given === undefined ? [] : Array.isArray(given) ? given : [given as Expr<unknown>];
  for (const bounds of frames) {
    const isBound = (bound: unknown): boolean => bound === null || Number.isSafeInteger(bound);
    if (bounds === undefined || (Array.isArray(bounds) && bounds.length === 2 && bounds.every(isBound))) continue;
    throw new ArgumentError("over() takes a frame as [from, to]: null is unbounded, 0 the current row, -1 the row before, 1 the next");
  }
  const parts = { partition: list(window.partitionBy), order: list(window.orderBy), frames };
  return node<T, S>((writer) => writeOver(writer, call, parts));
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
  asString(): JsonItem<string | null> {
    return new JsonItem<string | null>(this.#value, this.#path, 1);
  }
  /** As a whole number. */
  asInteger(): JsonItem<number | null> {
    return new JsonItem<number | null>(this.#value, this.#path, 2);
  }
  /** As a number. */
  asFloat(): JsonItem<number | null> {
    return new JsonItem<number | null>(this.#value, this.#path, 3);
  }
  /** As a decimal number. */
  asNumeric(precision: number, scale: number): JsonItem<string | null> {
    return new JsonItem<string | null>(this.#value, this.#path, 4, [precision, scale]);
  }
  /** As true or false. */
  asBoolean(): JsonItem<boolean | null> {
    return new JsonItem<boolean | null>(this.#value, this.#path, 5);
  }
  /** As JSON, which it is by itself. */
  asJson(): JsonItem<unknown> {
    return new JsonItem<unknown>(this.#value, this.#path, 0);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const value = writer.ref(this.#value);
    writer.begin(0x1d);
    writer.u32(value);
    writer.u32(writer.literal(jsonPath(this.#path)));
    writer.u8(this.#read);
    if (this.#read === 4) this.#digits.forEach((number) => writer.u32(number));
  }
}

/** An expression with a name: what result columns are called by. */
export class Label<N extends string, T, S extends string = string> extends Expr<T, S> {
  /** The name. */
  readonly key: N;
  /** What is named. */
  readonly element: Expr<T, S>;

  /** @internal */
  constructor(name: N, element: Expr<T, S>) {
    super();
    if (typeof name !== "string" || name === "") throw new ArgumentError(`label() takes a name, not ${describe(name)}`);
    this.key = name;
    this.element = element;
    Object.freeze(this);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const element = writer.ref(this.element);
    writer.begin(0x11);
    writer.flag(true);
    writer.text(this.key);
    writer.u32(element);
  }
}

