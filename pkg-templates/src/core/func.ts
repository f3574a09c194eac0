/**
 * Functions of SQL: `func.lower(x)` calls the function of that name, whatever it is.
 *
 * @module
 */

import { Expr } from "./expr.js";
import { call } from "./expressions.js";
import { TableValued } from "./from.js";
import type { KnownFunctions } from "./functions.js";
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
