/**
 * Functions of SQL: `func.lower(x)` calls the function of that name, whatever it is.
 *
 * @module
 */

import { Expr } from "./expr.js";
import { call } from "./expressions.js";
import { TableValued } from "./from.js";
import type { Other, OrNull } from "./selection.js";
import { type SqlType, type TypeArgument } from "./types.js";
import { typeOf } from "./type_base.js";
import { record, type Writer } from "./writer.js";

/** A call of a function. */
export class FunctionCall<T, S extends string = string> extends Expr<T, S> {
  /** The name of the function. */
  readonly name: string;
  readonly #args: readonly unknown[];
  readonly #type: SqlType<T> | undefined;
  readonly #inner: Expr<T>;

  /** @internal */
  constructor(name: string, args: readonly unknown[], type?: SqlType<T>, orderBy: readonly Expr<unknown>[] = []) {
    super();
    this.name = name;
    this.#args = args;
    this.#type = type;
    this.#inner = call<T>(name, args, type, orderBy);
    Object.freeze(this);
  }

  /** The same call, giving this type. */
  returns<R>(type: TypeArgument<R>): FunctionCall<R, S> {
    return new FunctionCall<R, S>(this.name, this.#args, typeOf(type));
  }

  /** The same aggregate, which takes its rows in this order. */
  aggregateOrderBy(...orderBy: readonly Expr<unknown>[]): FunctionCall<T, S> {
    return new FunctionCall<T, S>(this.name, this.#args, this.#type, orderBy);
  }

  /** The function as something that rows with these columns come from. */
  tableValued<const K extends string>(...columns: readonly K[]): TableValued<K> {
    return new TableValued<K>(this, columns, undefined);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    this.#inner[record](writer);
  }
}

type Arg<T> = T | Expr<T> | Expr<unknown> | null;
/** As widely as a fallback for it is typed. */
type Wide<T> = T extends string ? string : T extends number ? number : T extends boolean ? boolean : T;
type ValueOfArg<A> = A extends Expr<infer T, any> ? T : A;
/** Whether one of these is never null, by its own type. */
type Sure<A extends readonly unknown[]> =
  A extends readonly [infer First, ...infer Rest] ? (null extends ValueOfArg<First> ? Sure<Rest> : true) : false;
type SourcesOfArg<A> = A extends Expr<any, infer S> ? S : never;
/** What has to be absent for all of these to be null: nothing could, if one of them reads nothing that may be absent. */
type SourcesOfAll<A extends readonly unknown[], S extends string> =
  A extends readonly [infer First, ...infer Rest]
    ? null extends ValueOfArg<First> ? SourcesOfAll<Rest, S> : [SourcesOfArg<First>] extends [never] ? never : SourcesOfAll<Rest, S | SourcesOfArg<First>>
    : S;
type Coalesced<A extends readonly unknown[]> = Exclude<ValueOfArg<A[number]>, null> | (Sure<A> extends true ? never : null);

/** The functions whose types are known; any other name gives `unknown`. */
export interface KnownFunctions {
  /** How many rows, or how many values that are not null. */
  count(of?: Expr<unknown>): FunctionCall<number, never>;
  sum<T extends number | bigint | string>(of: Expr<T | null> | Expr<T>): FunctionCall<T | null>;
  avg(of: Expr<unknown>): FunctionCall<number | null>;
  min<T>(of: Expr<T>): FunctionCall<T | null>;
  max<T>(of: Expr<T>): FunctionCall<T | null>;
  /** The first of these that is not null. */
  coalesce<T, S extends string, const A extends readonly Arg<Wide<T>>[]>(
    first: Expr<T, S>,
    ...others: A
  ): FunctionCall<Coalesced<readonly [Expr<T, S>, ...A]>, SourcesOfAll<readonly [Expr<T, S>, ...A], never>>;
  nullif<T>(value: Expr<T>, other: Arg<T>): FunctionCall<T | null>;
  lower<N = never, S extends string = never>(text: Other<string, N, S>): FunctionCall<OrNull<string, N>, S>;
  upper<N = never, S extends string = never>(text: Other<string, N, S>): FunctionCall<OrNull<string, N>, S>;
  trim<N = never, S extends string = never>(text: Other<string, N, S>): FunctionCall<OrNull<string, N>, S>;
  length<N = never, S extends string = never>(text: Expr<N, S> | string): FunctionCall<OrNull<number, N>, S>;
  charLength<N = never, S extends string = never>(text: Other<string, N, S>): FunctionCall<OrNull<number, N>, S>;
  concat(...parts: readonly unknown[]): FunctionCall<string>;
  aggregateStrings(text: Expr<unknown>, separator: string): FunctionCall<string | null>;
  groupConcat(text: Expr<unknown>, separator?: string): FunctionCall<string | null>;
  abs<T, S extends string>(of: Expr<T, S>): FunctionCall<T, S>;
  round<N, S extends string>(of: Expr<N, S>, digits?: number): FunctionCall<OrNull<number, N>, S>;
  random(): FunctionCall<number, never>;
  now(): FunctionCall<Date, never>;
  currentTimestamp(): FunctionCall<Date, never>;
  currentDate(): FunctionCall<Date, never>;
  rowNumber(): FunctionCall<number, never>;
  rank(): FunctionCall<number, never>;
  denseRank(): FunctionCall<number, never>;
  percentRank(): FunctionCall<number, never>;
  cumeDist(): FunctionCall<number, never>;
  ntile(groups: number): FunctionCall<number, never>;
  lag<T>(of: Expr<T>, offset?: number, otherwise?: Arg<T>): FunctionCall<T | null>;
  lead<T>(of: Expr<T>, offset?: number, otherwise?: Arg<T>): FunctionCall<T | null>;
  firstValue<T, S extends string>(of: Expr<T, S>): FunctionCall<T, S>;
  lastValue<T, S extends string>(of: Expr<T, S>): FunctionCall<T, S>;
}

/** Any function, by its name: camelCase becomes SQL's snake_case. */
export type Functions = KnownFunctions & Readonly<Record<string, (...args: readonly unknown[]) => FunctionCall<any>>>;

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Functions of SQL: `func.count()`, `func.lower(users.c.name)`, `func.anyName(1, 2)`. */
export const func: Functions = new Proxy(Object.freeze({}) as Functions, {
  get: (_target, name) => {
    // Whatever inspects it must not take it for something else: a promise, for instance.
    if (typeof name !== "string" || name === "then" || name === "toJSON") return undefined;
    return (...args: readonly unknown[]) => new FunctionCall<unknown>(snake(name), args);
  },
});
