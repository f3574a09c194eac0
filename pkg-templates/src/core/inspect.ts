/**
 * What a database holds: tables and views with columns, constraints and indexes.
 *
 * One message asks SQLite for all of it; Rust says what the rows mean. What an inspector answers holds for the moment at which
 * it was made, so its methods wait for nothing.
 *
 * @module
 */

import type { Connection } from "../connection.js";
import { callSync } from "../call.js";
import { describe, encodeBatch } from "../encode.js";
import type { Engine } from "../engine.js";
import { InvalidRequestError, NoSuchTableError, OperationalError, UnreflectableTableError } from "../errors.js";
import type { SqlValue } from "../values.js";
import { keyOf } from "./constraint.js";
import type {
  InSchema,
  MultiOptions,
  ReflectedCheckConstraint,
  ReflectedColumn,
  ReflectedForeignKey,
  ReflectedIndex,
  ReflectedPrimaryKey,
  ReflectedTableOptions,
  ReflectedUniqueConstraint,
  TableData,
} from "./reflected.js";
import { asQueries } from "./textual.js";
import { declaredAs, Numeric, String_, typeByCode } from "./types.js";
import { core } from "./wasm.js";

// Columns have types, which the columns of a text can be told with; tables come with inspectors.
asQueries();

interface Data {
  schemas: string[];
  tables: TableData[];
}

type Sorted = readonly (readonly [table: string | null, foreignKeys: readonly (readonly [table: string, name: string | null])[]])[];

/**
 * A name as SQLite compares it: capitals of ASCII are small letters, and nothing else is.
 * @internal
 */
export const folded = (name: string): string => name.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());

/** @internal */
export const sameName = (left: string, right: string): boolean => left === right || folded(left) === folded(right);

/**
 * The members that have a value.
 * @internal
 */
export function given<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], null | undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null && value !== undefined)) as never;
}

/** What a database held when {@link inspect} asked. */
export class Inspector {
  readonly #data: Data;
  readonly #byName: ReadonlyMap<string, TableData>;

  private constructor(data: Data) {
    this.#data = data;
    this.#byName = new Map(data.tables.map((table) => [`${folded(table.schema)}\0${folded(table.name)}`, table]));
    Object.freeze(this);
  }

  /** @internal */
  static of(json: string): Inspector {
    return new Inspector(JSON.parse(json) as Data);
  }

  /** The database that is meant where none is named. */
  get defaultSchemaName(): "main" {
    return "main";
  }

  /** The names of the databases: `main` and what was attached. */
  getSchemaNames(): string[] {
    return this.#data.schemas.filter((name) => name !== "temp");
  }

  /** Whether there is a database of this name. */
  hasSchema(name: string): boolean {
    return this.#data.schemas.some((schema) => sameName(schema, name));
  }

  /** @internal The tables of a database, without SQLite's own. */
  tables(schema = "main", views = false): TableData[] {
    return this.#data.tables.filter(
      (table) => sameName(table.schema, schema) && (table.kind === "view") === views && !table.name.startsWith("sqlite_"),
    );
  }

  /** The names of the tables. */
  getTableNames(options: InSchema = {}): string[] {
    return this.tables(options.schema).map((table) => table.name);
  }

  /** The names of the views. */
  getViewNames(options: InSchema = {}): string[] {
    return this.tables(options.schema, true).map((table) => table.name);
  }

  /** The names of the tables that are gone with their connection. */
  getTempTableNames(): string[] {
    return this.getTableNames({ schema: "temp" });
  }

  /** The names of the views that are gone with their connection. */
  getTempViewNames(): string[] {
    return this.getViewNames({ schema: "temp" });
  }

  #find(name: string, options: InSchema): TableData | undefined {
    const find = (schema: string): TableData | undefined => this.#byName.get(`${folded(schema)}\0${folded(name)}`);
    return options.schema === undefined ? (find("main") ?? find("temp")) : find(options.schema);
  }

  /** @internal */
  table(name: string, options: InSchema = {}): TableData {
    const full = keyOf(options.schema, name);
    const table = this.#find(name, options);
    if (table === undefined) throw new NoSuchTableError(full);
    if (table.unreflectable !== null) throw new UnreflectableTableError(`${full}: ${table.unreflectable}`);
    return table;
  }

  /** Whether there is a table or view of this name. */
  hasTable(name: string, options: InSchema = {}): boolean {
    return this.#find(name, options) !== undefined;
  }

  /** @internal Whether SQLite can tell the columns of a table or view. */
  canReflect(name: string, options: InSchema = {}): boolean {
    return this.#find(name, options)?.unreflectable === null;
  }

  /** Whether a table has an index of this name. */
  hasIndex(table: string, index: string, options: InSchema = {}): boolean {
    return this.#find(table, options)?.indexes.some((other) => sameName(other.name, index)) === true;
  }

  /** The columns of a table or view. */
  getColumns(table: string, options: InSchema = {}): ReflectedColumn[] {
    return this.table(table, options).columns.map(({ args, ddl, exact, type, ...column }) => {
      const base = type === "String" ? String_(args[0]) : type === "Numeric" ? Numeric(args[0], args[1]) : typeByCode(type, []);
      return { ...column, type: exact ? base : declaredAs(base, ddl) };
    });
  }

  /** The primary key of a table. */
  getPkConstraint(table: string, options: InSchema = {}): ReflectedPrimaryKey {
    const data = this.table(table, options);
    return { name: data.constraints.find(({ kind }) => kind === "pk")?.name ?? null, constrainedColumns: keyColumns(data) };
  }

  /** The foreign keys of a table, in the order in which they were declared. */
  getForeignKeys(table: string, options: InSchema = {}): ReflectedForeignKey[] {
    const keys = this.table(table, options).constraints.filter((constraint) => constraint.kind === "fk");
    return keys.map(({ name, columns, table: other, referred, ondelete, onupdate, deferrable, initially, match }) => ({
      name,
      constrainedColumns: columns,
      referredSchema: options.schema ?? null,
      referredTable: other as string,
      referredColumns: referred as string[],
      options: given({
        ondelete: ondelete === "NO ACTION" ? null : ondelete,
        onupdate: onupdate === "NO ACTION" ? null : onupdate,
        deferrable,
        initially,
        match,
      }),
    }));
  }

  /** The indexes of a table; those that SQLite made for constraints on request. */
  getIndexes(table: string, options: InSchema & { readonly includeAutoIndexes?: boolean } = {}): ReflectedIndex[] {
    const indexes = this.table(table, options).indexes.filter((index) => !index.auto || options.includeAutoIndexes === true);
    return indexes.map(({ name, columnNames, expressions, descending, unique, where }) => ({
      name,
      columnNames,
      expressions,
      columnSorting: Object.fromEntries(
        columnNames.flatMap((column, i) => (column !== null && descending[i] === true ? [[column, ["desc"] as const]] : [])),
      ),
      unique,
      dialectOptions: given({ sqliteWhere: where }),
    }));
  }

  /** The UNIQUE constraints of a table, in the order in which they were declared. */
  getUniqueConstraints(table: string, options: InSchema = {}): ReflectedUniqueConstraint[] {
    const unique = this.table(table, options).constraints.filter((constraint) => constraint.kind === "uq");
    return unique.map(({ name, columns }) => ({ name, columnNames: columns }));
  }

  /** The CHECK constraints of a table, those with names first. */
  getCheckConstraints(table: string, options: InSchema = {}): ReflectedCheckConstraint[] {
    const checks = this.table(table, options).constraints.filter((constraint) => constraint.kind === "ck");
    const order = (name: string | null): string => (name === null ? "1" : `0${name}`);
    checks.sort((left, right) => (order(left.name) < order(right.name) ? -1 : order(left.name) > order(right.name) ? 1 : 0));
    return checks.map(({ name, sqltext }) => ({ name, sqltext: sqltext as string }));
  }

  /** What SQLite was told about a table. */
  getTableOptions(table: string, options: InSchema = {}): ReflectedTableOptions {
    const data = this.table(table, options);
    const { withoutRowid, strict } = data;
    return {
      ...(withoutRowid ? { sqliteWithRowid: false } : {}),
      ...(strict ? { sqliteStrict: true } : {}),
      ...(isAuto(data) ? { sqliteAutoincrement: true } : {}),
    };
  }

  /** The SQL of a view. */
  getViewDefinition(view: string, options: InSchema = {}): string {
    const table = this.#find(view, options);
    if (table?.kind !== "view") throw new NoSuchTableError(keyOf(options.schema, view));
    return table.definition;
  }

  #multi<T>({ schema, filterNames, kind = "table" }: MultiOptions, one: (table: string, options: InSchema) => T): Map<string, T> {
    const tables = [...(kind === "view" ? [] : this.tables(schema)), ...(kind === "table" ? [] : this.tables(schema, true))];
    const wanted = filterNames === undefined ? tables : tables.filter(({ name }) => filterNames.some((other) => sameName(other, name)));
    const whole = wanted.filter((table) => table.unreflectable === null);
    return new Map(whole.map(({ name }) => [name, one(name, schema === undefined ? {} : { schema })]));
  }

  /** {@link getColumns} of all tables, by name. */
  getMultiColumns(options: MultiOptions = {}): Map<string, ReflectedColumn[]> {
    return this.#multi(options, (table, schema) => this.getColumns(table, schema));
  }

  /** {@link getPkConstraint} of all tables, by name. */
  getMultiPkConstraint(options: MultiOptions = {}): Map<string, ReflectedPrimaryKey> {
    return this.#multi(options, (table, schema) => this.getPkConstraint(table, schema));
  }

  /** {@link getForeignKeys} of all tables, by name. */
  getMultiForeignKeys(options: MultiOptions = {}): Map<string, ReflectedForeignKey[]> {
    return this.#multi(options, (table, schema) => this.getForeignKeys(table, schema));
  }

  /** {@link getIndexes} of all tables, by name. */
  getMultiIndexes(options: MultiOptions = {}): Map<string, ReflectedIndex[]> {
    return this.#multi(options, (table, schema) => this.getIndexes(table, schema));
  }

  /** {@link getUniqueConstraints} of all tables, by name. */
  getMultiUniqueConstraints(options: MultiOptions = {}): Map<string, ReflectedUniqueConstraint[]> {
    return this.#multi(options, (table, schema) => this.getUniqueConstraints(table, schema));
  }

  /** {@link getCheckConstraints} of all tables, by name. */
  getMultiCheckConstraints(options: MultiOptions = {}): Map<string, ReflectedCheckConstraint[]> {
    return this.#multi(options, (table, schema) => this.getCheckConstraints(table, schema));
  }

  /** {@link getTableOptions} of all tables, by name. */
  getMultiTableOptions(options: MultiOptions = {}): Map<string, ReflectedTableOptions> {
    return this.#multi(options, (table, schema) => this.getTableOptions(table, schema));
  }

  /**
   * The tables, each behind those that it refers to, with the names of their foreign keys; at the end, under no table, the
   * foreign keys of circles.
   */
  getSortedTableAndFkcNames(options: InSchema = {}): Sorted {
    const tables = this.tables(options.schema).filter((table) => table.unreflectable === null);
    const byName = new Map(tables.map((table) => [folded(table.name), table]));
    const { sorted, circle } = inOrder(tables, ({ constraints }) =>
      constraints.flatMap(({ table }) => (table === undefined ? [] : (byName.get(folded(table)) ?? []))),
    );
    const keys = ({ name, constraints }: TableData) =>
      constraints.filter(({ kind }) => kind === "fk").map((key) => [name, key.name] as const);
    return [...sorted.map((table) => [table.name, circle.includes(table) ? [] : keys(table)] as const), [null, circle.flatMap(keys)]];
  }
}

/**
 * The column that an element of an index is and nothing else; undefined for an expression.
 * @internal
 */
export function plainColumn(sql: string, column: string | null | undefined, isDescending: boolean): string | undefined {
  const isPlain = column !== null && column !== undefined && !isDescending && (sql === column || sql === `"${column.replaceAll('"', '""')}"`);
  return isPlain ? column : undefined;
}

/**
 * Whether `AUTOINCREMENT` stands in a table.
 * @internal
 */
export const isAuto = ({ columns }: TableData): boolean => columns.some(({ autoincrement }) => autoincrement);

/**
 * The columns of the primary key, in its order.
 * @internal
 */
export const keyColumns = ({ columns }: TableData): string[] =>
  columns
    .filter(({ primaryKey }) => primaryKey > 0)
    .sort((left, right) => left.primaryKey - right.primaryKey)
    .map(({ name }) => name);

/**
 * Things, each behind those that it refers to, and those that refer to each other in circles: for these it does not count.
 * @internal
 */
export function inOrder<T>(all: readonly T[], referred: (one: T) => readonly T[]): { readonly sorted: T[]; readonly circle: T[] } {
  const edges = new Map(all.map((one) => [one, referred(one).filter((other) => other !== one)]));
  let circle: T[] = [];
  for (;;) {
    const sorted: T[] = [];
    const left = new Set(all);
    while (left.size > 0) {
      const free = [...left].filter((one) => circle.includes(one) || !edges.get(one)?.some((other) => left.has(other)));
      if (free.length === 0) break;
      sorted.push(...free);
      free.forEach((one) => left.delete(one));
    }
    if (left.size === 0) return { sorted, circle };
    circle = [...left].filter((one) => returns(one, edges));
  }
}

/** Whether the way of references leads back to where it begins. */
function returns<T>(from: T, edges: ReadonlyMap<T, readonly T[]>): boolean {
  const seen = new Set<T>();
  const next = [from];
  for (let at = next.pop(); at !== undefined; at = next.pop()) {
    for (const other of edges.get(at) ?? []) {
      if (other === from) return true;
      if (!seen.has(other)) next.push(other);
      seen.add(other);
    }
  }
  return false;
}

/** The rows of SQL as lists. */
async function rowsOf(connection: Connection, sql: string): Promise<SqlValue[][]> {
  return (await connection.execDriverSql(sql)).fetchall().map((row) => [...row]);
}

/**
 * What SQL about schemas says, by Rust.
 * @internal
 */
export const reflectSql = (what: string, names: readonly string[] = []): string =>
  callSync(() => core().reflectSql(what, names as string[]));

/** @internal */
export async function namesIn(connection: Connection, schemas: readonly string[]): Promise<SqlValue[][]> {
  return rowsOf(connection, reflectSql("names", schemas));
}

/**
 * Runs something on a connection: the one that is given, or one of the engine that is given, in a transaction of its own. What
 * is going to write begins so: a transaction that began by reading could not go on to write once somebody else has written.
 * @internal
 */
export async function onConnection<T>(
  what: string,
  bind: Connection | Engine,
  readOnly: boolean,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  if (typeof bind === "object" && bind !== null) {
    if ("connect" in bind) return bind.begin(work, { readOnly });
    if ("execDriverSql" in bind) {
      if (!readOnly && !bind.inTransaction()) await bind.begin({ mode: "immediate" });
      return work(bind);
    }
  }
  throw new InvalidRequestError(`${what} takes a connection or an engine, not ${describe(bind)}; did you forget an await?`);
}

/**
 * Reads what the database holds, attached databases and temporary tables included.
 *
 * ```ts
 * const inspector = await inspect(conn);
 * inspector.getTableNames(); // ["users"]
 * inspector.getColumns("users").map(({ name }) => name);
 * ```
 */
export async function inspect(bind: Connection | Engine): Promise<Inspector> {
  return onConnection("inspect()", bind, true, async (connection) => {
    const schemas = (await rowsOf(connection, reflectSql("databases"))).map(([name]) => String(name));
    const failed: string[] = [];
    let rows: SqlValue[][];
    try {
      rows = await rowsOf(connection, reflectSql("all", schemas));
    } catch (error) {
      if (!(error instanceof OperationalError) || error.sqliteCode === null) throw error;
      rows = await one(connection, await rowsOf(connection, reflectSql("objects", schemas)), failed);
    }
    const batch = encodeBatch(rows.length, 11, (row, column) => (rows[row] as SqlValue[])[column], () => "a name");
    return Inspector.of(callSync(() => core().reflectRows(schemas, batch, failed)));
  });
}

/** SQLite cannot tell the columns of one of them: which one? */
async function one(connection: Connection, objects: SqlValue[][], failed: string[]): Promise<SqlValue[][]> {
  const rows: SqlValue[][] = [];
  for (const row of objects) {
    rows.push(row);
    if (row[2] !== 0) continue;
    const names = [String(row[0]), String(row[1])];
    try {
      rows.push(...(await rowsOf(connection, reflectSql("columns", names))));
    } catch (error) {
      if (!(error instanceof OperationalError) || error.orig === null) throw error;
      failed.push(...names, error.orig.message);
    }
  }
  return rows;
}
