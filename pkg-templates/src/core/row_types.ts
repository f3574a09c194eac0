/**
 * What the declaration of a table makes of its rows, inserts and columns: types, and no code.
 *
 * @module
 */

import type { Expr } from "./expr.js";
import type { Column, TableColumn } from "./schema.js";

type NotNull<O> = O extends { nullable: false } | { primaryKey: true } ? true : false;
type HasDefault<O> = O extends { primaryKey: true } | { default: unknown } | { serverDefault: unknown } | { computed: unknown } ? true : false;
type KeyOf<C> = C extends Column<infer K, infer _T, infer O> ? (O extends { key: infer Key extends string } ? Key : K) : never;
type ValueIn<C> = C extends Column<infer _K, infer T, infer O> ? (NotNull<O> extends true ? T : T | null) : never;
type Optional<C> = C extends Column<infer _K, infer _T, infer O> ? (HasDefault<O> extends true ? true : NotNull<O> extends true ? false : true) : never;

/** The columns among what a table is declared with. */
export type ColumnsOf<Items extends readonly unknown[]> = Extract<Items[number], Column<string, any, any>>;
/** A row of a table; the condition is always true, and lets editors and errors show the columns. */
export type RowOfColumns<C> = [C] extends [unknown] ? { [X in C as KeyOf<X>]: ValueIn<X> } : never;
/** The values of a row of a table that is declared with these, in their order. */
export type CellsOfItems<Items extends readonly unknown[], Done extends readonly unknown[] = readonly []> =
  Items extends readonly [infer First, ...infer Rest]
    ? CellsOfItems<Rest, First extends Column<string, any, any> ? readonly [...Done, ValueIn<First>] : Done>
    : Items extends readonly [] ? Done : readonly unknown[];
/** What can be inserted: what has no default and is not null has to be there. */
export type InsertOfColumns<C> = Spelled<{ [X in C as Optional<X> extends true ? never : KeyOf<X>]: ValueIn<X> | Expr<unknown> } & {
  [X in C as Optional<X> extends true ? KeyOf<X> : never]?: ValueIn<X> | Expr<unknown>;
}>;
type Spelled<T> = [T] extends [unknown] ? { [K in keyof T]: T[K] } : never;
/** The columns of a table that is called `S`, as expressions by their keys. */
export type ColumnExprs<C, S extends string = string> = { readonly [X in C as KeyOf<X>]: TableColumn<KeyOf<X>, ValueIn<X>, S> };
