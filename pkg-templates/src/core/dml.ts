/**
 * INSERT, UPDATE, DELETE. Every method gives another statement.
 *
 * @module
 */

import { ArgumentError } from "../errors.js";
import { describe, isThenable } from "../encode.js";
import type { Executable } from "../statement.js";
import type { NamedParameters, RowType, StatementParameters } from "../values.js";
import { ClauseElement } from "./clause.js";
import { Expr, isQuery, type QueryLike } from "./expr.js";
import { conditions as checkConditions, literalColumn, type Condition } from "./expressions.js";
import { From, FromExpr } from "./from.js";
import type { ColumnExprs, ColumnsOf, InsertOfColumns, Table } from "./schema.js";
import type { Projection, RowOf, TupleOf } from "./selection.js";
import { tableOf } from "./select.js";
import { record, type Recorded, type Writer } from "./writer.js";

type AnyTable_ = Table<string, any>;
type Values = Readonly<Record<string, unknown>>;
/** What can be inserted into a table. */
export type InsertOf<T> = T extends Table<string, infer I> ? InsertOfColumns<ColumnsOf<I>> : never;
type ExprsOfTable<T> = T extends Table<infer N, infer I> ? ColumnExprs<ColumnsOf<I>, N> : never;

function checked(what: string, values: unknown): Values {
  if (typeof values === "object" && values !== null && !Array.isArray(values) && !isThenable(values)) return values as Values;
  const hint = isThenable(values) ? ": its await was forgotten" : "";
  throw new ArgumentError(`${what} takes an object of columns and values, not ${describe(values)}${hint}`);
}

const given = (values: Values): (readonly [string, unknown])[] => Object.entries(values).filter(([, value]) => value !== undefined);

/** A value for a column: its type is the column's. */
class Setting extends Expr<unknown> {
  readonly #value: unknown;
  constructor(value: unknown) {
    super();
    this.#value = value;
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    writer.begin(0x05);
    writer.flag(false);
    writer.text("param");
    writer.u8(0);
    writer.flag(false);
    writer.u8(1);
    writer.u32(writer.literal(this.#value));
  }
}

function settings(writer: Writer, values: Values): (readonly [string, number])[] {
  return given(values).map(([key, value]) => {
    const expr = isQuery(value) ? (value as unknown as { scalarSubquery(): Expr<unknown> }).scalarSubquery() : value;
    return [key, writer.ref(expr instanceof Expr ? expr : new Setting(expr))] as const;
  });
}

function writeSettings(writer: Writer, list: readonly (readonly [string, number])[]): void {
  writer.u32(list.length);
  for (const [key, number] of list) {
    writer.text(key);
    writer.u32(number);
  }
}

const projections = (writer: Writer, returning: readonly Projection[]): (readonly [boolean, number])[] =>
  returning.map((column) => [column instanceof From, writer.ref(column)] as const);

function writeProjections(writer: Writer, list: readonly (readonly [boolean, number])[]): void {
  writer.u32(list.length);
  for (const [isFrom, number] of list) {
    writer.flag(isFrom);
    writer.u32(number);
  }
}

/** What an upsert is told. */
export interface ConflictOptions<T> {
  /** The columns of the unique index that is meant. */
  readonly indexElements?: readonly (keyof InsertOf<T> & string)[] | readonly Expr<unknown>[];
  /** The condition of a partial index. */
  readonly indexWhere?: Expr<unknown>;
}

interface Conflict {
  readonly target: readonly Expr<unknown>[];
  readonly where: Expr<unknown> | undefined;
  readonly set: Values | undefined;
  readonly conditions: readonly Expr<unknown>[];
}

class Excluded implements Recorded {
  readonly #table: Recorded;
  constructor(table: Recorded) {
    this.#table = table;
    Object.freeze(this);
  }
  [record](writer: Writer): void {
    const table = writer.ref(this.#table);
    writer.begin(0x47);
    writer.u32(table);
  }
}

type Source =
  | { readonly kind: 0 }
  | { readonly kind: 1; readonly values: Values }
  | { readonly kind: 2; readonly rows: readonly Values[] }
  | { readonly kind: 3; readonly columns: readonly string[]; readonly query: QueryLike; readonly defaults: boolean };

/** INSERT. */
export class Insert<T extends AnyTable_, R extends RowType, V extends readonly unknown[]>
  extends ClauseElement
  implements Executable<R, V, StatementParameters<Partial<InsertOf<T>>>> {
  /** What kind of statement it is. */
  readonly kind = "insert";
  /** The type of its rows; there is no value. */
  declare readonly rowType?: R;
  /** The type of its values; there is no value. */
  declare readonly valuesType?: V;
  /** The type of its parameters; there is no value. */
  declare readonly parametersType?: StatementParameters<Partial<InsertOf<T>>>;
  /** The row that could not be inserted, for `onConflictDoUpdate()`. */
  readonly excluded: ExprsOfTable<T>;
  readonly #table: T;
  readonly #source: Source;
  readonly #prefixes: readonly Expr<unknown>[];
  readonly #conflicts: readonly Conflict[];
  readonly #returning: readonly Projection[];

  /** @internal */
  constructor(
    table: T,
    source: Source = { kind: 0 },
    prefixes: readonly Expr<unknown>[] = [],
    conflicts: readonly Conflict[] = [],
    returning: readonly Projection[] = [],
    excluded?: ExprsOfTable<T>,
  ) {
    super();
    this.#table = table;
    [this.#source, this.#prefixes, this.#conflicts, this.#returning] = [source, prefixes, conflicts, returning];
    const from = new Excluded(table);
    const columns = (table as AnyTable_).columns.map((column) => [column.key, new FromExpr(from, column.key, column.type)] as const);
    this.excluded = excluded ?? (Object.freeze(Object.fromEntries(columns)) as ExprsOfTable<T>);
    Object.freeze(this);
  }

  #with(change: { source?: Source; prefixes?: readonly Expr<unknown>[]; conflicts?: readonly Conflict[] }): Insert<T, R, V> {
    const { source = this.#source, prefixes = this.#prefixes, conflicts = this.#conflicts } = change;
    return new Insert<T, R, V>(this.#table, source, prefixes, conflicts, this.#returning, this.excluded);
  }

  /** One row, or several in one statement. */
  values(values: InsertOf<T> | readonly InsertOf<T>[]): Insert<T, R, V> {
    if (Array.isArray(values)) {
      const rows = values.map((row) => checked("values()", row));
      return this.#with({ source: { kind: 2, rows } });
    }
    const before = this.#source.kind === 1 ? this.#source.values : {};
    return this.#with({ source: { kind: 1, values: { ...before, ...checked("values()", values) } } });
  }
  /** The rows of a query, for these columns; the others get their defaults, unless `includeDefaults` is false. */
  fromSelect(
    columns: readonly (keyof InsertOf<T> & string)[],
    query: QueryLike,
    options: { readonly includeDefaults?: boolean } = {},
  ): Insert<T, R, V> {
    return this.#with({ source: { kind: 3, columns, query, defaults: options.includeDefaults !== false } });
  }
  /** What stands behind INSERT: `OR REPLACE`. */
  prefixWith(sql: string): Insert<T, R, V> {
    return this.#with({ prefixes: [...this.#prefixes, literalColumn(sql)] });
  }
  /** Changes the row that is there. */
  onConflictDoUpdate(
    options: ConflictOptions<T> & { readonly set: Partial<InsertOf<T>>; readonly where?: Expr<unknown> },
  ): Insert<T, R, V> {
    const set = checked("onConflictDoUpdate({ set })", options.set);
    const conditions = options.where === undefined ? [] : [options.where];
    return this.#conflict(options, set, conditions);
  }
  /** Leaves the row that is there. */
  onConflictDoNothing(options: ConflictOptions<T> = {}): Insert<T, R, V> {
    return this.#conflict(options, undefined, []);
  }
  #conflict(options: ConflictOptions<T>, set: Values | undefined, conditions: readonly Expr<unknown>[]): Insert<T, R, V> {
    const c = this.#table.c as Readonly<Record<string, Expr<unknown>>>;
    const target = ((options.indexElements ?? []) as readonly (string | Expr<unknown>)[]).map((element) => {
      const expr = typeof element === "string" ? c[element] : element;
      if (expr === undefined) throw new ArgumentError(`the table "${this.#table.name}" has no column "${String(element)}"`);
      return expr;
    });
    return this.#with({ conflicts: [...this.#conflicts, { target, where: options.indexWhere, set, conditions }] });
  }
  /** The columns of the rows that were inserted. */
  returning<const P extends readonly Projection[]>(...columns: P): Insert<T, RowOf<P>, TupleOf<P>> {
    const returning = [...this.#returning, ...columns];
    return new Insert<T, RowOf<P>, TupleOf<P>>(this.#table, this.#source, this.#prefixes, this.#conflicts, returning, this.excluded);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const source = this.#source;
    const table = writer.ref(this.#table);
    const one = source.kind === 1 ? settings(writer, source.values) : [];
    const rows = source.kind === 2 ? source.rows.map((row) => settings(writer, row)) : [];
    const query = source.kind === 3 ? writer.ref(source.query) : 0;
    const prefixes = writer.refs(this.#prefixes);
    const conflicts = this.#conflicts.map((conflict) => ({
      target: writer.refs(conflict.target),
      where: conflict.where === undefined ? undefined : writer.ref(conflict.where),
      set: conflict.set === undefined ? undefined : settings(writer, conflict.set),
      conditions: writer.refs(conflict.conditions),
    }));
    const returning = projections(writer, this.#returning);
    writer.begin(0x64);
    writer.u32(table);
    writer.u8(source.kind);
    if (source.kind === 1) writeSettings(writer, one);
    if (source.kind === 2) {
      writer.hasRows = true;
      writer.u32(rows.length);
      rows.forEach((row) => writeSettings(writer, row));
    }
    if (source.kind === 3) {
      writer.texts(source.columns);
      writer.u32(query);
    }
    writer.list(prefixes);
    writer.u32(conflicts.length);
    for (const { target, where, set, conditions } of conflicts) {
      writer.list(target);
      // SQLite finds a partial index by the text of its condition.
      writer.inlines ||= where !== undefined;
      writer.optionalU32(where);
      writer.u8(set === undefined ? 0 : 1);
      if (set !== undefined) {
        writeSettings(writer, set);
        writer.list(conditions);
      }
    }
    writeProjections(writer, returning);
    writer.flag(source.kind !== 3 || source.defaults);
    writer.u32(0);
  }
}

/** UPDATE. */
export class Update<T extends AnyTable_, R extends RowType, V extends readonly unknown[]>
  extends ClauseElement
  implements Executable<R, V, StatementParameters<Partial<InsertOf<T>> & NamedParameters>> {
  /** What kind of statement it is. */
  readonly kind = "update";
  /** The type of its rows; there is no value. */
  declare readonly rowType?: R;
  /** The type of its values; there is no value. */
  declare readonly valuesType?: V;
  /** The type of its parameters; there is no value. */
  declare readonly parametersType?: StatementParameters<Partial<InsertOf<T>> & NamedParameters>;
  readonly #table: T;
  readonly #set: readonly (readonly [string, unknown])[];
  readonly #ordered: boolean;
  readonly #where: readonly Expr<unknown>[];
  readonly #returning: readonly Projection[];

  /** @internal */
  constructor(
    table: T,
    set: readonly (readonly [string, unknown])[] = [],
    ordered = false,
    where: readonly Expr<unknown>[] = [],
    returning: readonly Projection[] = [],
  ) {
    super();
    [this.#table, this.#set, this.#ordered, this.#where, this.#returning] = [table, set, ordered, where, returning];
    Object.freeze(this);
  }

  /** What is set. */
  values(values: Partial<InsertOf<T>>): Update<T, R, V> {
    const set = [...this.#set, ...given(checked("values()", values))];
    return new Update<T, R, V>(this.#table, set, this.#ordered, this.#where, this.#returning);
  }
  /** What is set, in this order. */
  orderedValues(...pairs: readonly (readonly [keyof InsertOf<T> & string, unknown])[]): Update<T, R, V> {
    return new Update<T, R, V>(this.#table, pairs, true, this.#where, this.#returning);
  }
  /** Conditions, all of which have to be true. */
  where(...conditions: readonly Condition[]): Update<T, R, V> {
    const where = [...this.#where, ...checkConditions("where()", conditions)];
    return new Update<T, R, V>(this.#table, this.#set, this.#ordered, where, this.#returning);
  }
  /** The columns of the rows that were changed. */
  returning<const P extends readonly Projection[]>(...columns: P): Update<T, RowOf<P>, TupleOf<P>> {
    return new Update<T, RowOf<P>, TupleOf<P>>(this.#table, this.#set, this.#ordered, this.#where, [...this.#returning, ...columns]);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const table = writer.ref(this.#table);
    const set = this.#set.map(([key, value]) => settings(writer, { [key]: value })[0] as readonly [string, number]);
    const where = writer.refs(this.#where);
    const returning = projections(writer, this.#returning);
    writer.begin(0x65);
    writer.u32(table);
    writeSettings(writer, set);
    writer.flag(this.#ordered);
    writer.list(where);
    writer.u32(0);
    writeProjections(writer, returning);
    writer.u32(0);
  }
}

/** DELETE. */
export class Delete<T extends AnyTable_, R extends RowType, V extends readonly unknown[]>
  extends ClauseElement
  implements Executable<R, V, StatementParameters> {
  /** What kind of statement it is. */
  readonly kind = "delete";
  /** The type of its rows; there is no value. */
  declare readonly rowType?: R;
  /** The type of its values; there is no value. */
  declare readonly valuesType?: V;
  /** The type of its parameters; there is no value. */
  declare readonly parametersType?: StatementParameters;
  readonly #table: T;
  readonly #where: readonly Expr<unknown>[];
  readonly #returning: readonly Projection[];

  /** @internal */
  constructor(table: T, where: readonly Expr<unknown>[] = [], returning: readonly Projection[] = []) {
    super();
    [this.#table, this.#where, this.#returning] = [table, where, returning];
    Object.freeze(this);
  }

  /** Conditions, all of which have to be true. */
  where(...conditions: readonly Condition[]): Delete<T, R, V> {
    return new Delete<T, R, V>(this.#table, [...this.#where, ...checkConditions("where()", conditions)], this.#returning);
  }
  /** The columns of the rows that were deleted. */
  returning<const P extends readonly Projection[]>(...columns: P): Delete<T, RowOf<P>, TupleOf<P>> {
    return new Delete<T, RowOf<P>, TupleOf<P>>(this.#table, this.#where, [...this.#returning, ...columns]);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const table = writer.ref(this.#table);
    const where = writer.refs(this.#where);
    const returning = projections(writer, this.#returning);
    writer.begin(0x66);
    writer.u32(table);
    writer.list(where);
    writer.u32(0);
    writeProjections(writer, returning);
    writer.u32(0);
  }
}

/** INSERT into a table: what `values()` says, or the parameters of the call. */
export function insert<T extends AnyTable_>(table: T): Insert<T, object, readonly unknown[]> {
  return new Insert<T, object, readonly unknown[]>(tableOf("insert", table) as unknown as T);
}
/** UPDATE of a table: what `values()` says, or the parameters of the call. */
export function update<T extends AnyTable_>(table: T): Update<T, object, readonly unknown[]> {
  return new Update<T, object, readonly unknown[]>(tableOf("update", table) as unknown as T);
}
/** DELETE from a table. */
export function delete_<T extends AnyTable_>(table: T): Delete<T, object, readonly unknown[]> {
  return new Delete<T, object, readonly unknown[]>(tableOf("delete_", table) as unknown as T);
}

