/**
 * Functions of SQL: `func.lower(x)` calls the function of that name, whatever it is.
 *
 * @module
 */

import { Expr } from "./expr.js";
import { call } from "./expressions.js";
import { TableValued } from "./from.js";
import { type SqlType, type TypeArgument } from "./types.js";
import { typeOf } from "./type_base.js";
import { record, type Writer } from "./writer.js";

/** A call of a function. */
export class FunctionCall<T> extends Expr<T> {
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
  returns<R>(type: TypeArgument<R>): FunctionCall<R> {
    return new FunctionCall<R>(this.name, this.#args, typeOf(type));
  }

  /** The same aggregate, which takes its rows in this order. */
  aggregateOrderBy(...orderBy: readonly Expr<unknown>[]): FunctionCall<T> {
    return new FunctionCall<T>(this.name, this.#args, this.#type, orderBy);
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

/** The functions whose types are known; any other name gives `unknown`. */
export interface KnownFunctions {
  /** How many rows, or how many values that are not null. */
  count(of?: Expr<unknown>): FunctionCall<number>;
  sum<T extends number | bigint | string>(of: Expr<T | null> | Expr<T>): FunctionCall<T | null>;
  avg(of: Expr<unknown>): FunctionCall<number | null>;
  min<T>(of: Expr<T>): FunctionCall<T | null>;
  max<T>(of: Expr<T>): FunctionCall<T | null>;
  coalesce<T>(first: Expr<T | null> | Expr<T>, ...others: readonly Arg<T>[]): FunctionCall<T>;
  nullif<T>(value: Expr<T>, other: Arg<T>): FunctionCall<T | null>;
  lower(text: Arg<string>): FunctionCall<string>;
  upper(text: Arg<string>): FunctionCall<string>;
  trim(text: Arg<string>): FunctionCall<string>;
  length(text: Expr<unknown> | string): FunctionCall<number>;
  charLength(text: Arg<string>): FunctionCall<number>;
  concat(...parts: readonly unknown[]): FunctionCall<string>;
  aggregateStrings(text: Expr<unknown>, separator: string): FunctionCall<string | null>;
  groupConcat(text: Expr<unknown>, separator?: string): FunctionCall<string | null>;
  abs<T>(of: Expr<T>): FunctionCall<T>;
  round(of: Expr<unknown>, digits?: number): FunctionCall<number>;
  random(): FunctionCall<number>;
  now(): FunctionCall<Date>;
  currentTimestamp(): FunctionCall<Date>;
  currentDate(): FunctionCall<Date>;
  rowNumber(): FunctionCall<number>;
  rank(): FunctionCall<number>;
  denseRank(): FunctionCall<number>;
  percentRank(): FunctionCall<number>;
  cumeDist(): FunctionCall<number>;
  ntile(groups: number): FunctionCall<number>;
  lag<T>(of: Expr<T>, offset?: number, otherwise?: Arg<T>): FunctionCall<T | null>;
  lead<T>(of: Expr<T>, offset?: number, otherwise?: Arg<T>): FunctionCall<T | null>;
  firstValue<T>(of: Expr<T>): FunctionCall<T>;
  lastValue<T>(of: Expr<T>): FunctionCall<T>;
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
