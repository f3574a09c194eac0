/**
 * SELECT, and what is made of several of them.
 *
 * @module
 */

import { ArgumentError, CompileError } from "../errors.js";
import { describe, isThenable } from "../encode.js";
import type { NamedParameters, RowType } from "../values.js";
import { Expr, isQuery, type QueryLike } from "./expr.js";
import { conditions, exprOf, literal, literalColumn, named, type Condition } from "./expressions.js";
import { descriptionsOf, projectionRefs, projections, writeProjections, type ColumnDescription } from "./projections.js";
import { Cte, From, sourcesIn, type FromColumn } from "./from.js";
import { SelectBase } from "./select_base.js";
import { Table } from "./schema.js";
import type { Instead, Joined, JoinOptions, OuterJoined, Projection, RowOf, Together, TupleOf, Widened } from "./selection.js";
import { checkOptions } from "./type_base.js";
import { Integer } from "./types.js";
import { record, undeclared, type Recorded, type Writer } from "./writer.js";

/** A term of ORDER BY or GROUP BY: an expression, or the name of a column or label. */
export type OrderTerm = Condition | string;

interface Step {
  readonly left: From<RowType> | undefined;
  readonly right: From<RowType>;
  readonly on: Expr<unknown> | undefined;
  readonly kind: number;
}

interface Parts {
  readonly columns: readonly Projection[];
  /** The columns that it had when it was joined, if these are others: they tell what the first join goes out from. */
  readonly joinedColumns: readonly Projection[];
  readonly froms: readonly From<RowType>[];
  readonly joins: readonly Step[];
  readonly where: readonly Expr<unknown>[];
  readonly groupBy: readonly Expr<unknown>[];
  readonly having: readonly Expr<unknown>[];
  readonly orderBy: readonly Expr<unknown>[];
  readonly limit: Expr<unknown> | undefined;
  readonly offset: Expr<unknown> | undefined;
  readonly distinct: boolean;
  readonly prefixes: readonly Expr<unknown>[];
  readonly suffixes: readonly Expr<unknown>[];
  readonly correlate: { readonly kind: 0 | 1 | 2; readonly froms: readonly From<RowType>[] };
  readonly labels: number;
  readonly ctes: readonly Cte<RowType>[];
  readonly params: NamedParameters;
}

const EMPTY: Parts = Object.freeze<Parts>({
  columns: [], joinedColumns: [], froms: [], joins: [], where: [], groupBy: [], having: [], orderBy: [], limit: undefined, offset: undefined,
  distinct: false, prefixes: [], suffixes: [], correlate: { kind: 0, froms: [] }, labels: 0, ctes: [], params: {},
});

const terms = (name: string, given: readonly OrderTerm[]): Expr<unknown>[] =>
  given.map((term) => {
    if (typeof term === "string") return named(term);
    const expr = exprOf(term);
    if (expr !== undefined) return expr;
    const hint = isThenable(term) ? ": its await was forgotten" : "";
    throw new ArgumentError(`${name}() takes expressions and names, not ${describe(term)}${hint}`);
  });

/** Something that rows come from; what is none is told kindly. */
function checkFrom(name: string, from: unknown): void {
  if (from instanceof From) return;
  if (typeof from === "string") throw undeclared(from, "FROM expression");
  const hint = isQuery(from) ? ": name it with .subquery() or .cte()" : isThenable(from) ? ": its await was forgotten" : "";
  throw new ArgumentError(`${name}() takes a table or what rows come from, not ${describe(from)}${hint}`);
}

/**
 * CTEs; what is none is told kindly.
 * @internal
 */
export function checkCtes(ctes: readonly unknown[]): void {
  for (const cte of ctes) {
    if (!(cte instanceof Cte)) throw new ArgumentError(`addCte() takes CTEs, query.cte("name"), not ${describe(cte)}`);
  }
}

const count = (what: string, value: number | Expr<unknown>): Expr<unknown> => {
  if (value instanceof Expr) return value;
  if (Number.isSafeInteger(value)) return literal(value, Integer);
  throw new ArgumentError(`${what}() takes a whole number, not ${typeof value === "string" ? JSON.stringify(value) : typeof value === "number" ? value : describe(value)}`);
};

/** How result columns are named: a name that is taken gets a number, all have the names of their tables, or none is changed. */
export type LabelStyle = "disambiguate" | "tablename_plus_col" | "none";

type AnySelect = Select<any, any, any, any>;

/**
 * SELECT, with rows of type `R` and values `V`. Every method gives another statement. What it selects is `P`, and what outer joins
 * make optional `N`: with them, a join tells what may be null.
 */
export class Select<
  R extends RowType,
  V extends readonly unknown[] = readonly R[keyof R][],
  P extends readonly unknown[] = readonly unknown[],
  N = string,
> extends SelectBase<R, V> {
  /** What it selects, and what is optional of it; there is no value. */
  declare readonly selection?: readonly [P, N];
  /** What kind of statement it is. */
  override readonly kind = "select";
  readonly #parts: Parts;

  /** @internal */
  constructor(parts: Parts) {
    super();
    this.#parts = parts;
    Object.freeze(this);
  }

  /** @internal */
  static of<R extends RowType, V extends readonly unknown[], P extends readonly unknown[], N>(
    columns: readonly Projection[],
  ): Select<R, V, P, N> {
    return new Select<R, V, P, N>({ ...EMPTY, columns: projections("select", columns) });
  }

  /** One with these parts: spread and one of them changed, which is much cheaper than to merge two objects. */
  #with(parts: Parts): Select<R, V, P, N> {
    return new Select<R, V, P, N>(parts);
  }

  /** Conditions, all of which have to be true. */
  where(...given: readonly Condition[]): Select<R, V, P, N> {
    return this.#with({ ...this.#parts, where: [...this.#parts.where, ...conditions("where()", given)] });
  }
  /** As {@link where}. */
  filter(...given: readonly Condition[]): Select<R, V, P, N> {
    return this.where(...given);
  }
  /** Conditions on columns by their keys, whatever they are columns of. */
  filterBy(values: Readonly<Record<string, unknown>>): Select<R, V, P, N> {
    return this.where(...Object.entries(values).map(([key, value]) => named(key).eq(value)));
  }
  /** Joins; without a condition as foreign keys tell. */
  join<Q, F extends From<any>, const O extends JoinOptions = Record<never, never>>(
    this: Q,
    right: F,
    on?: Condition,
    options?: O,
  ): Joined<Q, F, O> {
    return (this as AnySelect).#join(undefined, right, on, options) as Joined<Q, F, O>;
  }
  /** `LEFT OUTER JOIN`: what is read of the right side may be null. */
  outerJoin<Q, F extends From<any>, const O extends JoinOptions = Record<never, never>>(
    this: Q,
    right: F,
    on?: Condition,
    options?: O,
  ): OuterJoined<Q, F, O> {
    return (this as AnySelect).#join(undefined, right, on, { isouter: true, ...options }) as OuterJoined<Q, F, O>;
  }
  /** Joins to something that is named. */
  joinFrom<Q, F extends From<any>, const O extends JoinOptions = Record<never, never>>(
    this: Q,
    left: From<any>,
    right: F,
    on?: Condition,
    options?: O,
  ): Joined<Q, F, O> {
    const parts = (this as AnySelect).#parts;
    const first = parts.joins.length === 0 && !parts.froms.includes(left);
    const base = first ? (this as AnySelect).selectFrom(left) : (this as AnySelect);
    return base.#join(left, right, on, options) as Joined<Q, F, O>;
  }
  #join(left: From<any> | undefined, right: From<any>, condition: Condition | undefined, options: JoinOptions = {}): AnySelect {
    checkOptions("join()", options, ["isouter", "full"]);
    const on = condition === undefined ? undefined : conditions("join()", [condition])[0];
    checkFrom("join", right);
    if (left !== undefined) checkFrom("joinFrom", left);
    const kind = options.full === true ? 3 : options.isouter === true ? 2 : 1;
    return this.#with({ ...this.#parts, joins: [...this.#parts.joins, { left, right, on, kind }] });
  }
  /** Reads from these as well. */
  selectFrom(...froms: readonly From<any>[]): Select<R, V, P, N> {
    froms.forEach((from) => checkFrom("selectFrom", from));
    return this.#with({ ...this.#parts, froms: [...this.#parts.froms, ...froms] });
  }
  /** `GROUP BY` */
  groupBy(...given: readonly OrderTerm[]): Select<R, V, P, N> {
    return this.#with({ ...this.#parts, groupBy: [...this.#parts.groupBy, ...terms("groupBy", given)] });
  }
  /** `HAVING` */
  having(...given: readonly Condition[]): Select<R, V, P, N> {
    return this.#with({ ...this.#parts, having: [...this.#parts.having, ...conditions("having()", given)] });
  }
  /** `ORDER BY`; null takes the order back. */
  orderBy(...given: readonly (OrderTerm | null)[]): Select<R, V, P, N> {
    if (given[0] === null) return this.#with({ ...this.#parts, orderBy: [] });
    return this.#with({ ...this.#parts, orderBy: [...this.#parts.orderBy, ...terms("orderBy", given as OrderTerm[])] });
  }
  /** At most so many rows. */
  limit(rows: number | Expr<unknown> | null): Select<R, V, P, N> {
    return this.#with({ ...this.#parts, limit: rows === null ? undefined : count("limit", rows) });
  }
  /** Not the first so many rows. */
  offset(rows: number | Expr<unknown> | null): Select<R, V, P, N> {
    return this.#with({ ...this.#parts, offset: rows === null ? undefined : count("offset", rows) });
  }
  /** As {@link limit}: SQLite has no FETCH FIRST. */
  fetch(rows: number | Expr<unknown> | null): Select<R, V, P, N> {
    return this.limit(rows);
  }
  /** Values for parameters with a name, unless the call gives others. */
  params(values: NamedParameters): Select<R, V, P, N> {
    if (typeof values !== "object" || values === null || Array.isArray(values)) throw new ArgumentError(`params() takes values by name, not ${describe(values)}`);
    return this.#with({ ...this.#parts, params: { ...this.#parts.params, ...values } });
  }
  /** @internal */
  get ownParameters(): NamedParameters {
    return this.#parts.params;
  }
  /** The rows from one position to another, the last not included. */
  slice(start: number, stop: number): Select<R, V, P, N> {
    return this.limit(stop - start).offset(start);
  }
  /** No row twice. SQLite has no DISTINCT ON, so columns are an error. */
  distinct(...on: readonly never[]): Select<R, V, P, N> {
    if (on.length > 0) {
      throw new CompileError("SQLite has no DISTINCT ON: use distinct() without columns, groupBy(), or func.rowNumber() in a subquery");
    }
    return this.#with({ ...this.#parts, distinct: true });
  }
  /** SQLite has no LATERAL: an error that says what there is instead. */
  lateral(..._given: readonly never[]): never {
    throw new CompileError("SQLite has no LATERAL: use a correlated scalarSubquery(), or a table-valued function of a column");
  }
  /** SQLite has no hints: an error that says what there is instead. */
  withHint(..._given: readonly never[]): never {
    throw new CompileError("SQLite has no hints: use INDEXED BY or NOT INDEXED in a text()");
  }
  /** What stands behind SELECT: SQL as it is. */
  prefixWith(sql: string): Select<R, V, P, N> {
    return this.#with({ ...this.#parts, prefixes: [...this.#parts.prefixes, literalColumn(sql)] });
  }
  /** What stands at the end: SQL as it is. */
  suffixWith(sql: string): Select<R, V, P, N> {
    return this.#with({ ...this.#parts, suffixes: [...this.#parts.suffixes, literalColumn(sql)] });
  }
  /** Means these of the statement around. */
  correlate(...froms: readonly From<any>[]): Select<R, V, P, N> {
    return this.#with({ ...this.#parts, correlate: { kind: 1, froms } });
  }
  /** Means all of the statement around but these. */
  correlateExcept(...froms: readonly From<any>[]): Select<R, V, P, N> {
    return this.#with({ ...this.#parts, correlate: { kind: 2, froms } });
  }
  /** How result columns are named where two have one name. */
  setLabelStyle<const L extends LabelStyle>(style: L): Select<L extends "disambiguate" ? R : Record<string, V[number]>, V, readonly unknown[], N> {
    const at = ["disambiguate", "tablename_plus_col", "none"].indexOf(style);
    if (at < 0) throw new ArgumentError(`label styles are "disambiguate", "tablename_plus_col" and "none", not ${style}`);
    return this.#with({ ...this.#parts, labels: at }) as AnySelect;
  }
  /** Other columns in the place of these; what they read stays read. */
  withOnlyColumns<Q, const C extends readonly Projection[]>(this: Q, ...columns: C): Instead<Q, C> {
    const of = this as AnySelect;
    const { joins, froms, joinedColumns } = of.#parts;
    const isFirst = joins.length > 0 && froms.length === 0 && joinedColumns.length === 0;
    const joined = isFirst ? of.#with({ ...of.#parts, joinedColumns: of.#parts.columns }) : of;
    return joined.#with({ ...joined.#parts, columns: projections("withOnlyColumns", columns) }) as unknown as Instead<Q, C>;
  }
  /** More columns. */
  addColumns<Q, const C extends readonly Projection[]>(this: Q, ...columns: C): Widened<Q, C> {
    const of = this as AnySelect;
    return of.#with({ ...of.#parts, columns: [...of.#parts.columns, ...projections("addColumns", columns)] }) as unknown as Widened<Q, C>;
  }
  /** A CTE that stands in WITH, whether it is used or not. */
  addCte(...ctes: readonly Cte<any>[]): Select<R, V, P, N> {
    checkCtes(ctes);
    return this.#with({ ...this.#parts, ctes: [...this.#parts.ctes, ...ctes] });
  }
  /** Accepted and without effect, as in SQLAlchemy: SQLite locks the database, see `engine.begin()`. */
  withForUpdate(): Select<R, V, P, N> {
    return this;
  }

  /** @internal */
  override compoundOf(kind: number, others: readonly QueryLike[]): CompoundSelect<R, V> {
    return new CompoundSelect<R, V>(kind, [this, ...others]);
  }

  /** What it selects, one by one: name (null where the compiler makes one), type, and expression. */
  get columnDescriptions(): readonly ColumnDescription[] {
    return Object.freeze(this.#parts.columns.flatMap(descriptionsOf));
  }
  /** What it reads, each once: what was named, what is joined, what its columns and conditions are of. */
  getFinalFroms(): readonly From<RowType>[] {
    const { froms, joins, columns, joinedColumns, where } = this.#parts;
    const joined = joins.flatMap(({ left, right }) => (left === undefined ? [right] : [left, right]));
    return Object.freeze(sourcesIn([...froms, ...(joinedColumns.length === 0 ? columns : joinedColumns), ...joined, ...columns, ...where]));
  }

  /** @internal */
  override get resultColumns(): readonly FromColumn[] {
    const taken = new Map<string, number>();
    // A name that is taken gets a number, as the compiler gives it.
    return this.#parts.columns.flatMap(descriptionsOf).flatMap(({ name, type, isNamed }) => {
      if (!isNamed || name === null) return [];
      const before = taken.get(name) ?? 0;
      taken.set(name, before + 1);
      return [{ key: before === 0 ? name : `${name}_${before}`, type }];
    });
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const parts = this.#parts;
    if (parts.columns.length === 0) throw new CompileError("a SELECT selects something: columns, expressions or tables");
    const columns = projectionRefs(writer, parts.columns);
    const froms = writer.refs(parts.froms);
    const joins = parts.joins.map(({ left, right, on, kind }) => ({
      left: left === undefined ? undefined : writer.ref(left),
      right: writer.ref(right),
      on: on === undefined ? undefined : writer.ref(on),
      kind,
    }));
    const lists = [parts.where, parts.groupBy, parts.having, parts.orderBy].map((list) => writer.refs(list));
    const ends = [parts.limit, parts.offset].map((end) => (end === undefined ? undefined : writer.ref(end)));
    const around = [parts.prefixes, parts.suffixes].map((list) => writer.refs(list));
    const correlated = writer.refs(parts.correlate.froms);
    const ctes = writer.refs(parts.ctes);
    const joinedColumns = projectionRefs(writer, parts.joinedColumns);
    writer.begin(0x60);
    writeProjections(writer, columns);
    writer.list(froms);
    writer.u32(joins.length);
    for (const { left, right, on, kind } of joins) {
      writer.optionalU32(left);
      writer.u32(right);
      writer.optionalU32(on);
      writer.u8(kind);
    }
    lists.forEach((list) => writer.list(list));
    ends.forEach((end) => writer.optionalU32(end));
    writer.flag(parts.distinct);
    around.forEach((list) => writer.list(list));
    writer.u8(parts.correlate.kind);
    if (parts.correlate.kind !== 0) writer.list(correlated);
    writer.u8(parts.labels);
    writer.list(ctes);
    writeProjections(writer, joinedColumns);
  }
}

/** UNION and its like. */
export class CompoundSelect<R extends RowType, V extends readonly unknown[] = readonly R[keyof R][]> extends SelectBase<R, V> {
  /** What kind of statement it is. */
  override readonly kind = "compound";
  readonly #tag: number;
  readonly #parts: readonly QueryLike[];
  readonly #orderBy: readonly Expr<unknown>[];
  readonly #limit: Expr<unknown> | undefined;
  readonly #offset: Expr<unknown> | undefined;

  /** @internal */
  constructor(
    tag: number,
    parts: readonly QueryLike[],
    orderBy: readonly Expr<unknown>[] = [],
    limit?: Expr<unknown>,
    offset?: Expr<unknown>,
  ) {
    super();
    for (const part of parts) {
      if (!isQuery(part)) throw new ArgumentError(`a compound takes queries, not ${describe(part)}${isThenable(part) ? ": its await was forgotten" : ""}`);
    }
    [this.#tag, this.#parts, this.#orderBy, this.#limit, this.#offset] = [tag, parts, orderBy, limit, offset];
    Object.freeze(this);
  }

  /** `ORDER BY`: names of columns, most often. */
  orderBy(...given: readonly OrderTerm[]): CompoundSelect<R, V> {
    return new CompoundSelect<R, V>(this.#tag, this.#parts, [...this.#orderBy, ...terms("orderBy", given)], this.#limit, this.#offset);
  }
  /** At most so many rows. */
  limit(rows: number | Expr<unknown>): CompoundSelect<R, V> {
    return new CompoundSelect<R, V>(this.#tag, this.#parts, this.#orderBy, count("limit", rows), this.#offset);
  }
  /** Not the first so many rows. */
  offset(rows: number | Expr<unknown>): CompoundSelect<R, V> {
    return new CompoundSelect<R, V>(this.#tag, this.#parts, this.#orderBy, this.#limit, count("offset", rows));
  }

  /** @internal */
  override compoundOf(kind: number, others: readonly QueryLike[]): CompoundSelect<R, V> {
    return new CompoundSelect<R, V>(kind, [this, ...others]);
  }

  /** @internal */
  override get resultColumns(): readonly FromColumn[] {
    const [first] = this.#parts;
    return first instanceof SelectBase ? first.resultColumns : [];
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const parts = writer.refs(this.#parts);
    const order = writer.refs(this.#orderBy);
    const ends = [this.#limit, this.#offset].map((end) => (end === undefined ? undefined : writer.ref(end)));
    writer.begin(0x61);
    writer.u8(this.#tag);
    writer.list(parts);
    writer.list(order);
    ends.forEach((end) => writer.optionalU32(end));
    writer.u32(0);
  }
}

/** SELECT of columns, expressions, or all columns of tables. */
export function select<const P extends readonly Projection[]>(...columns: P): Select<RowOf<P>, TupleOf<P>, P, never> {
  return Select.of(columns);
}

function checkFirst(name: string, first: unknown): void {
  if (first instanceof SelectBase) return;
  throw new ArgumentError(`${name}() takes queries, not ${describe(first)}${isThenable(first) ? ": its await was forgotten" : ""}`);
}

/** The rows of all, none twice. */
export function union<Q extends SelectBase<any, any>, const O extends readonly QueryLike[]>(first: Q, ...others: O): Together<Q, O> {
  checkFirst("union", first);
  return first.union(...others) as Together<Q, O>;
}
/** The rows of all. */
export function unionAll<Q extends SelectBase<any, any>, const O extends readonly QueryLike[]>(first: Q, ...others: O): Together<Q, O> {
  checkFirst("unionAll", first);
  return first.unionAll(...others) as Together<Q, O>;
}
/** The rows that all have. */
export function intersect<R extends RowType, V extends readonly unknown[]>(
  first: SelectBase<R, V>,
  ...others: readonly QueryLike[]
): CompoundSelect<R, V> {
  checkFirst("intersect", first);
  return first.intersect(...others);
}
/** The rows of the first that no other has. */
export function except_<R extends RowType, V extends readonly unknown[]>(
  first: SelectBase<R, V>,
  ...others: readonly QueryLike[]
): CompoundSelect<R, V> {
  checkFirst("except_", first);
  return first.except(...others);
}
/** Whether a query gives any row. */
export function exists(query: SelectBase<any, any>): Expr<boolean, never> {
  checkFirst("exists", query);
  return query.exists();
}
/** The order of a name or an expression, turned around. */
export function desc(term: OrderTerm): Expr<unknown> {
  return (terms("desc", [term])[0] as Expr<unknown>).desc();
}
/** The order of a name or an expression, said so. */
export function asc(term: OrderTerm): Expr<unknown> {
  return (terms("asc", [term])[0] as Expr<unknown>).asc();
}

/**
 * A table, as the statements about it take one.
 * @internal
 */
export function tableOf(what: string, table: unknown): Recorded & Table<string, readonly unknown[]> {
  if (table instanceof Table) return table as Recorded & Table<string, readonly unknown[]>;
  throw new ArgumentError(`${what}() takes a table, not ${describe(table)}`);
}
