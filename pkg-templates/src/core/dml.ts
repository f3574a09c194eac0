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
import { columnsOf, FromExpr, type Cte } from "./from.js";
import type { ColumnExprs, ColumnsOf, InsertOfColumns } from "./row_types.js";
import type { Table } from "./schema.js";
import { projectionRefs, projections, writeProjections, type ProjectionRefs } from "./projections.js";
import type { Projection, RowOf, TupleOf } from "./selection.js";
import { checkCtes, tableOf } from "./select.js";
import { checkOptions } from "./type_base.js";
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

/** What stands around what these statements do. */
interface Around {
  readonly prefixes: readonly Expr<unknown>[];
  readonly returning: readonly Projection[];
  readonly ctes: readonly Cte<RowType>[];
}

const NOTHING_AROUND: Around = Object.freeze<Around>({ prefixes: [], returning: [], ctes: [] });
const prefixed = (around: Around, sql: string): Around => ({ ...around, prefixes: [...around.prefixes, literalColumn(sql)] });
const returningToo = (around: Around, columns: readonly Projection[]): Around => ({
  ...around,
  returning: [...around.returning, ...projections("returning", columns)],
});

function withCtes(around: Around, ctes: readonly Cte<RowType>[]): Around {
  checkCtes(ctes);
  return { ...around, ctes: [...around.ctes, ...ctes] };
}

interface AroundRefs {
  readonly prefixes: readonly number[];
  readonly returning: ProjectionRefs;
  readonly ctes: readonly number[];
}

const aroundRefs = (writer: Writer, { prefixes, returning, ctes }: Around): AroundRefs => ({
  prefixes: writer.refs(prefixes),
  returning: projectionRefs(writer, returning),
  ctes: writer.refs(ctes),
});

function writeAround(writer: Writer, { prefixes, returning, ctes }: AroundRefs): void {
  writer.list(prefixes);
  writeProjections(writer, returning);
  writer.list(ctes);
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

const excluded = new WeakMap<object, object>();

/** The columns of the row that could not be inserted: the same ones for all statements about a table. */
function excludedOf(table: AnyTable_): object {
  const known = excluded.get(table);
  if (known !== undefined) return known;
  const from = new Excluded(table);
  const c = columnsOf(`the table "${table.name}"`);
  for (const { key, type } of table.columns) c[key] = new FromExpr(from, key, type);
  excluded.set(table, Object.freeze(c));
  return c;
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
  readonly #table: T;
  readonly #source: Source;
  readonly #conflicts: readonly Conflict[];
  readonly #around: Around;

  /** @internal */
  constructor(table: T, source: Source = { kind: 0 }, conflicts: readonly Conflict[] = [], around: Around = NOTHING_AROUND) {
    super();
    [this.#table, this.#source, this.#conflicts, this.#around] = [table, source, conflicts, around];
    Object.freeze(this);
  }

  /** The row that could not be inserted, for `onConflictDoUpdate()`. */
  get excluded(): ExprsOfTable<T> {
    return excludedOf(this.#table) as ExprsOfTable<T>;
  }

  #with(change: { source?: Source; conflicts?: readonly Conflict[]; around?: Around }): Insert<T, R, V> {
    const { source = this.#source, conflicts = this.#conflicts, around = this.#around } = change;
    return new Insert<T, R, V>(this.#table, source, conflicts, around);
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
    if (!Array.isArray(columns)) throw new ArgumentError(`fromSelect() takes a list of columns, then a query, not ${describe(columns)}`);
    if (!isQuery(query)) throw new ArgumentError(`fromSelect() takes a query, not ${describe(query)}`);
    return this.#with({ source: { kind: 3, columns, query, defaults: options.includeDefaults !== false } });
  }
  /** What stands behind INSERT: `OR REPLACE`. */
  prefixWith(sql: string): Insert<T, R, V> {
    return this.#with({ around: prefixed(this.#around, sql) });
  }
  /** A CTE that stands in WITH, whether it is used or not. */
  addCte(...ctes: readonly Cte<any>[]): Insert<T, R, V> {
    return this.#with({ around: withCtes(this.#around, ctes) });
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
    checkOptions("an upsert", options, ["indexElements", "indexWhere", ...(set === undefined ? [] : ["set", "where"])]);
    const c = this.#table.c as Readonly<Record<string, Expr<unknown>>>;
    if (!Array.isArray(options.indexElements ?? [])) throw new ArgumentError(`indexElements is a list of columns, not ${describe(options.indexElements)}`);
    const target = ((options.indexElements ?? []) as readonly (string | Expr<unknown>)[]).map((element) => {
      const expr = typeof element === "string" ? c[element] : element;
      if (expr === undefined) throw new ArgumentError(`the table "${this.#table.name}" has no column "${String(element)}"`);
      return expr;
    });
    return this.#with({ conflicts: [...this.#conflicts, { target, where: options.indexWhere, set, conditions }] });
  }
  /** The columns of the rows that were inserted. */
  returning<const P extends readonly Projection[]>(...columns: P): Insert<T, RowOf<P>, TupleOf<P>> {
    return new Insert<T, RowOf<P>, TupleOf<P>>(this.#table, this.#source, this.#conflicts, returningToo(this.#around, columns));
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const source = this.#source;
    const table = writer.ref(this.#table);
    const one = source.kind === 1 ? settings(writer, source.values) : [];
    const rows = source.kind === 2 ? source.rows.map((row) => settings(writer, row)) : [];
    const query = source.kind === 3 ? writer.ref(source.query) : 0;
    const around = aroundRefs(writer, this.#around);
    const conflicts = this.#conflicts.map((conflict) => ({
      target: writer.refs(conflict.target),
      where: conflict.where === undefined ? undefined : writer.ref(conflict.where),
      set: conflict.set === undefined ? undefined : settings(writer, conflict.set),
      conditions: writer.refs(conflict.conditions),
    }));
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
    writer.list(around.prefixes);
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
    writeProjections(writer, around.returning);
    writer.flag(source.kind !== 3 || source.defaults);
    writer.list(around.ctes);
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
  readonly #around: Around;

  /** @internal */
  constructor(
    table: T,
    set: readonly (readonly [string, unknown])[] = [],
    ordered = false,
    where: readonly Expr<unknown>[] = [],
    around: Around = NOTHING_AROUND,
  ) {
    super();
    [this.#table, this.#set, this.#ordered, this.#where, this.#around] = [table, set, ordered, where, around];
    Object.freeze(this);
  }

  /** What is set. */
  values(values: Partial<InsertOf<T>>): Update<T, R, V> {
    const set = [...this.#set, ...given(checked("values()", values))];
    return new Update<T, R, V>(this.#table, set, this.#ordered, this.#where, this.#around);
  }
  /** What is set, in this order. */
  orderedValues(...pairs: readonly (readonly [keyof InsertOf<T> & string, unknown])[]): Update<T, R, V> {
    for (const pair of pairs as readonly unknown[]) {
      if (!Array.isArray(pair) || pair.length !== 2) throw new ArgumentError(`orderedValues() takes pairs, ["name", value], not ${describe(pair)}`);
    }
    return new Update<T, R, V>(this.#table, pairs, true, this.#where, this.#around);
  }
  /** Conditions, all of which have to be true. */
  where(...conditions: readonly Condition[]): Update<T, R, V> {
    const where = [...this.#where, ...checkConditions("where()", conditions)];
    return new Update<T, R, V>(this.#table, this.#set, this.#ordered, where, this.#around);
  }
  #with(around: Around): Update<T, R, V> {
    return new Update<T, R, V>(this.#table, this.#set, this.#ordered, this.#where, around);
  }
  /** What stands behind UPDATE: `OR IGNORE`. */
  prefixWith(sql: string): Update<T, R, V> {
    return this.#with(prefixed(this.#around, sql));
  }
  /** A CTE that stands in WITH, whether it is used or not. */
  addCte(...ctes: readonly Cte<any>[]): Update<T, R, V> {
    return this.#with(withCtes(this.#around, ctes));
  }
  /** The columns of the rows that were changed. */
  returning<const P extends readonly Projection[]>(...columns: P): Update<T, RowOf<P>, TupleOf<P>> {
    return this.#with(returningToo(this.#around, columns)) as unknown as Update<T, RowOf<P>, TupleOf<P>>;
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const table = writer.ref(this.#table);
    const set = this.#set.map(([key, value]) => settings(writer, { [key]: value })[0] as readonly [string, number]);
    const where = writer.refs(this.#where);
    const around = aroundRefs(writer, this.#around);
    writer.begin(0x65);
    writer.u32(table);
    writeSettings(writer, set);
    writer.flag(this.#ordered);
    writer.list(where);
    writeAround(writer, around);
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
  readonly #around: Around;

  /** @internal */
  constructor(table: T, where: readonly Expr<unknown>[] = [], around: Around = NOTHING_AROUND) {
    super();
    [this.#table, this.#where, this.#around] = [table, where, around];
    Object.freeze(this);
  }

  /** Conditions, all of which have to be true. */
  where(...conditions: readonly Condition[]): Delete<T, R, V> {
    return new Delete<T, R, V>(this.#table, [...this.#where, ...checkConditions("where()", conditions)], this.#around);
  }
  #with(around: Around): Delete<T, R, V> {
    return new Delete<T, R, V>(this.#table, this.#where, around);
  }
  /** What stands behind DELETE: SQL as it is. */
  prefixWith(sql: string): Delete<T, R, V> {
    return this.#with(prefixed(this.#around, sql));
  }
  /** A CTE that stands in WITH, whether it is used or not. */
  addCte(...ctes: readonly Cte<any>[]): Delete<T, R, V> {
    return this.#with(withCtes(this.#around, ctes));
  }
  /** The columns of the rows that were deleted. */
  returning<const P extends readonly Projection[]>(...columns: P): Delete<T, RowOf<P>, TupleOf<P>> {
    return this.#with(returningToo(this.#around, columns)) as unknown as Delete<T, RowOf<P>, TupleOf<P>>;
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const table = writer.ref(this.#table);
    const where = writer.refs(this.#where);
    const around = aroundRefs(writer, this.#around);
    writer.begin(0x66);
    writer.u32(table);
    writer.list(where);
    writeAround(writer, around);
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

