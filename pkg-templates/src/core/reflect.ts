/**
 * Tables made from what a database holds.
 *
 * @module
 */

import type { Connection } from "../connection.js";
import type { Engine } from "../engine.js";
import { ArgumentError, InvalidRequestError } from "../errors.js";
import {
  CheckConstraint,
  ForeignKeyConstraint,
  Index,
  keyOf,
  PrimaryKeyConstraint,
  UniqueConstraint,
  type TableItem,
} from "./constraint.js";
import { literalColumn } from "./expressions.js";
import { given, inspect, Inspector, isAuto, plainColumn, sameName } from "./inspect.js";
import { tellOfColumn, type ColumnInfo } from "./listen.js";
import type { ConstraintData, InSchema, TableData } from "./reflected.js";
import { Column, MetaData, Table, type AnyColumn, type AnyTable, type ColumnOptions } from "./schema.js";

/** Where tables are read: a database, or what was read of it. */
export type ReflectFrom = Connection | Engine | Inspector;

/** What {@link Table.reflect} takes. */
export interface ReflectTableOptions extends InSchema {
  /** Only these columns, and what is about no others. */
  readonly includeColumns?: readonly string[];
  /** Columns that stand in for those of the same name: with a type of your own, for instance. */
  readonly columns?: readonly AnyColumn[];
  /** Whether a table that is there already is read anew; else it stays as it is. */
  readonly extendExisting?: boolean;
  /** Whether the tables that it refers to are read, too; they are unless this is false. */
  readonly resolveFks?: boolean;
}

/** What {@link MetaData.reflect} takes. */
export interface ReflectOptions extends InSchema {
  /** Only these tables: a list of names, or a function that is asked for each. */
  readonly only?: readonly string[] | ((name: string) => boolean);
  /** Views, too. */
  readonly views?: boolean;
  /** Whether tables that are there already are read anew; else they stay as they are. */
  readonly extendExisting?: boolean;
  /** Whether the tables that foreign keys refer to are read, too; they are unless this is false. */
  readonly resolveFks?: boolean;
}

const inspectorOf = async (from: ReflectFrom): Promise<Inspector> => (from instanceof Inspector ? from : inspect(from));

/** Reads one table, and those that it refers to. */
export async function reflectTable(
  name: string,
  metadata: MetaData,
  from: ReflectFrom,
  options: ReflectTableOptions = {},
): Promise<AnyTable> {
  if (!(metadata instanceof MetaData)) throw new ArgumentError(`Table.reflect("${name}") takes a MetaData`);
  const key = keyOf(options.schema, name);
  const known = metadata.tables.get(key);
  if (known !== undefined && options.extendExisting !== true) return known;
  const inspector = await inspectorOf(from);
  const data = inspector.table(name, options);
  const table = build(data, metadata, inspector, options);
  if (options.resolveFks !== false) follow(inspector, metadata, [data], { schema: options.schema });
  return table;
}

/** Reads the tables of a database. */
export async function reflectAll(metadata: MetaData, from: ReflectFrom, options: ReflectOptions = {}): Promise<void> {
  const { schema, only, views = false, extendExisting = false, resolveFks = true } = options;
  const inspector = await inspectorOf(from);
  const all = [...inspector.tables(schema), ...(views ? inspector.tables(schema, true) : [])];
  let wanted = all.filter((table) => table.unreflectable === null);
  if (typeof only === "function") wanted = wanted.filter(({ name }) => only(name));
  else if (only !== undefined) {
    const missing = only.filter((name) => !all.some((table) => sameName(table.name, name)));
    if (missing.length > 0) {
      const place = schema === undefined ? "" : ` schema '${schema}'`;
      throw new InvalidRequestError(`Could not reflect: requested table(s) not available in Engine(sqlite)${place}: (${missing.join(", ")})`);
    }
    wanted = only.map((name) => inspector.table(name, options));
  }
  for (const data of wanted) add(data, metadata, inspector, schema, extendExisting);
  if (resolveFks) follow(inspector, metadata, wanted, { schema, anew: extendExisting, skip: !Array.isArray(only) });
}

function add(data: TableData, metadata: MetaData, inspector: Inspector, schema: string | undefined, anew: boolean): void {
  const key = keyOf(schema, data.name);
  if (anew || !metadata.tables.has(key)) build(data, metadata, inspector, given({ schema }));
}

interface Following {
  readonly schema: string | undefined;
  /** Whether tables that are there already are read anew. */
  readonly anew?: boolean;
  /** Whether what cannot be read is left out, as it is where nobody named tables; else it is an error. */
  readonly skip?: boolean;
}

/** Reads what tables refer to, and what that refers to. What is not there is left out: SQLite allows that. */
function follow(inspector: Inspector, metadata: MetaData, from: TableData[], { schema, anew = false, skip = false }: Following): void {
  const seen = new Set(from.map((table) => table.name));
  for (const next = [...from]; next.length > 0; ) {
    const table = next.pop() as TableData;
    for (const { table: other } of table.constraints) {
      if (other === undefined || !inspector.hasTable(other, given({ schema }))) continue;
      if (skip && !inspector.canReflect(other, given({ schema }))) continue;
      const data = inspector.table(other, given({ schema }));
      if (seen.has(data.name)) continue;
      seen.add(data.name);
      add(data, metadata, inspector, schema, anew);
      next.push(data);
    }
  }
}

/** The table, as it would have been declared. */
function build(data: TableData, metadata: MetaData, inspector: Inspector, options: ReflectTableOptions): AnyTable {
  const { schema, includeColumns } = options;
  const isIn = (name: string | null): boolean => name === null || includeColumns === undefined || includeColumns.includes(name);
  const constraints = data.constraints.filter((constraint) => constraint.columns.every(isIn));
  const inline = (name: string): ConstraintData[] =>
    constraints.filter((constraint) => constraint.kind === "ck" && constraint.inline && constraint.columns[0] === name);
  const columns = inspector.getColumns(data.name, { schema: data.schema }).filter(({ name }) => isIn(name));
  const place = Object.freeze({ name: data.name, schema, metadata });
  const made = columns.map((read) => {
    const { name } = read;
    const mine = options.columns?.find((column) => column.name === name);
    if (mine !== undefined) return mine;
    const info: ColumnInfo = { ...read };
    tellOfColumn(inspector, place, info);
    const { key, type, nullable, default: value, primaryKey, computed, autoincrement } = info;
    const check = inline(name)[0];
    const own = data.columns.find((column) => column.name === name);
    return new Column(name, type, given({
      key,
      nullable,
      primaryKey: primaryKey > 0,
      serverDefault: value === null ? null : literalColumn(value),
      computed,
      check: check === undefined ? null : checkOf(check),
      sqliteOnConflictNotNull: own?.onConflict,
      sqliteOnConflictPrimaryKey: autoincrement ? constraints.find(({ kind }) => kind === "pk")?.onConflict : null,
    }) as ColumnOptions<unknown>);
  });
  const mine = (options.columns ?? []).filter((column) => !made.includes(column));
  const items: TableItem[] = [];
  for (const constraint of constraints) {
    const { kind, name, onConflict, columns, orders } = constraint;
    const clauses = given({ name, sqliteOnConflict: onConflict, sqliteOrder: orders.length > 0 ? orders : null });
    if (kind === "pk") {
      if (!isAuto(data)) items.push(new PrimaryKeyConstraint(...columns, clauses));
    } else if (kind === "uq") items.push(new UniqueConstraint(...columns, clauses));
    else if (kind === "fk") items.push(foreignKey(constraint, schema));
    else if (!constraint.inline || inline(columns[0] as string)[0] !== constraint) items.push(checkOf(constraint));
  }
  const indexes = data.indexes.filter((index) => !index.auto && index.columnNames.every(isIn)).map(indexOf);
  const rest = given({
    schema,
    sqliteWithRowid: data.withoutRowid ? false : null,
    sqliteStrict: data.strict ? true : null,
    sqliteAutoincrement: isAuto(data) ? true : null,
    prefixes: schema === undefined && data.schema === "temp" ? ["TEMPORARY"] : null,
  });
  const key = keyOf(schema, data.name);
  const known = metadata.tables.get(key);
  if (known !== undefined) metadata.remove(known);
  return new Table(data.name, metadata, ...made, ...mine, ...items, ...indexes, rest) as unknown as AnyTable;
}

const checkOf = ({ sqltext, name, onConflict }: ConstraintData): CheckConstraint =>
  new CheckConstraint(sqltext as string, given({ name, sqliteOnConflict: onConflict }));

function foreignKey({ name, columns, table, referred = [], ondelete, onupdate, deferrable, initially, match }: ConstraintData, schema: string | undefined): ForeignKeyConstraint {
  const to = { name: table as string, schema };
  // Where the other table is not there, nobody knows its key.
  const targets = columns.map((column, i) => ({ name: referred[i] ?? column, table: to }));
  return new ForeignKeyConstraint(columns, targets, given({ name, ondelete, onupdate, deferrable, initially, match }));
}

function indexOf({ name, columnNames, expressions, descending, unique, where }: TableData["indexes"][number]): Index {
  const elements = expressions.map((sql, i) => {
    const down = descending[i] === true;
    return plainColumn(sql, columnNames[i], down) ?? literalColumn(down ? `${sql} DESC` : sql);
  });
  return new Index(name, ...elements, given({ unique, sqliteWhere: where === null ? null : literalColumn(where) }));
}
