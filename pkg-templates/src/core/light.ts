/**
 * Rows and tables that are named where they are used: `values()`, `table()`, `column()`.
 *
 * @module
 */

import { ArgumentError } from "../errors.js";
import { describe } from "../encode.js";
import type { RowType } from "../values.js";
import { literal } from "./expressions.js";
import { columnsOf, From, FromExpr, type ExprsOf, type FromColumn, type Nameless } from "./from.js";
import { Column, MetaData, Table } from "./schema.js";
import { typeOfColumn } from "./type_base.js";
import { NullType, type SqlType, type TypeArgument } from "./types.js";
import { record, type Recorded, type Writer } from "./writer.js";

/** A column that is known by its name only. */
export class ColumnClause<K extends string, T> extends FromExpr<K, T> {
  /** @internal */
  constructor(name: K, type: SqlType<T>) {
    super(NOTHING, name, type);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    writer.begin(0x01);
    writer.text(this.key);
    this.type.write(writer);
  }
}

const NOTHING: Recorded = Object.freeze({ [record]: () => undefined });

/** A column that is known by its name only: for SQL that no {@link Table} describes. */
export function column<const K extends string, T = unknown>(name: K, type?: TypeArgument<T>): ColumnClause<K, T> {
  if (typeof name !== "string") throw new ArgumentError(`column() takes a name, not ${describe(name)}`);
  return new ColumnClause<K, T>(name, type === undefined ? (NullType as SqlType<any>) : typeOfColumn(name, type));
}

type Declared<Items extends readonly unknown[]> = {
  readonly [I in keyof Items]: Items[I] extends ColumnClause<infer K, infer T> ? Column<K, T, Record<never, never>> : never;
};

/** A table that is known by its name and columns only, and belongs to no {@link MetaData}. */
export function table<const N extends string, const Items extends readonly ColumnClause<string, any>[]>(
  name: N,
  ...columns: Items
): Table<N, Declared<Items>> {
  for (const item of columns) {
    if (!(item instanceof ColumnClause)) throw new ArgumentError(`table() takes a name and columns, column("id"), not ${describe(item)}`);
  }
  const declared = columns.map((item) => new Column(item.key, item.type));
  return new Table(name, new MetaData(), ...declared) as unknown as Table<N, Declared<Items>>;
}

/** Rows that stand in the statement. */
export class Values<R extends RowType, S extends string = string> extends From<R, S> {
  /** Its columns, as expressions. */
  override readonly c: ExprsOf<R, S>;
  /** @internal */
  override readonly fromColumns: readonly FromColumn[];
  readonly #name: string | undefined;
  readonly #rows: readonly (readonly unknown[])[];

  /** @internal */
  constructor(columns: readonly FromColumn[], name: string | undefined, rows: readonly (readonly unknown[])[]) {
    super();
    [this.fromColumns, this.#name, this.#rows] = [columns, name, rows];
    const c = columnsOf("values()");
    for (const { key, type } of columns) c[key] = new FromExpr(this, key, type);
    this.c = Object.freeze(c) as ExprsOf<R, S>;
    Object.freeze(this);
  }

  /** With these rows, behind those that it has. */
  data(rows: readonly (readonly unknown[])[]): Values<R, S> {
    if (!Array.isArray(rows)) throw new ArgumentError(`data() takes rows, which are arrays: [[1, "a"]], not ${describe(rows)}`);
    const width = this.fromColumns.length;
    for (const [at, row] of rows.entries()) {
      if (!Array.isArray(row)) throw new ArgumentError(`data() takes rows, which are arrays; row ${at} is ${describe(row)}`);
      if (row.length !== width) throw new ArgumentError(`row ${at} of values() has ${row.length} values for ${width} columns`);
    }
    return new Values<R, S>(this.fromColumns, this.#name, [...this.#rows, ...rows.map((row) => [...row])]);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const cell = (value: unknown, at: number): number => writer.ref(literal(value, (this.fromColumns[at] as FromColumn).type));
    const rows = this.#rows.map((row) => row.map(cell));
    writer.begin(0x46);
    writer.u32(this.fromColumns.length);
    for (const { key, type } of this.fromColumns) {
      writer.text(key);
      type.write(writer);
    }
    writer.optionalText(this.#name);
    writer.u32(rows.length);
    rows.forEach((row) => writer.list(row));
  }
}

/** Rows that stand in the statement: `values({ i: Integer, s: Text }, { name: "v" }).data([[1, "a"], [2, "b"]])`. */
export function values<const C extends Readonly<Record<string, TypeArgument<any>>>, const A extends string = Nameless<"list of values">>(
  columns: C,
  options: { readonly name?: A } = {},
): Values<{ -readonly [K in keyof C]: C[K] extends TypeArgument<infer T> ? T : never }, A> {
  if (typeof columns !== "object" || columns === null) throw new ArgumentError(`values() takes { name: type }, not ${describe(columns)}`);
  const list = Object.entries(columns).map(([key, type]) => ({ key, type: typeOfColumn(key, type as TypeArgument<unknown>) }));
  return new Values(list, options.name, []);
}
