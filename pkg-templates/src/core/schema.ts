/**
 * Tables: names, columns and constraints, declared once and frozen.
 *
 * @module
 */

import { ArgumentError, InvalidRequestError } from "../errors.js";
import { describe } from "../encode.js";
import type { Connection } from "../connection.js";
import type { Engine } from "../engine.js";
import {
  CheckConstraint,
  choice,
  CONFLICTS,
  ForeignKey,
  ForeignKeyConstraint,
  Index,
  keyOf,
  PrimaryKeyConstraint,
  referred,
  TableItem,
  tristate,
  type ConflictClause,
  type TableConstraint,
} from "./constraint.js";
import { createAll, dropAll, sortTables, type DdlAllOptions, type DdlOptions } from "./create.js";
import { delete_, insert, update, type Delete, type Insert, type Update } from "./dml.js";
import { Expr } from "./expr.js";
import type { Condition } from "./expressions.js";
import { copyItems, type CopyOptions } from "./copy.js";
import { columnsOf, From, type FromColumn } from "./from.js";
import { writeDefault, writeServerDefault } from "./records.js";
import type { CellsOfItems, ColumnExprs, ColumnsOf, InsertOfColumns, RowOfColumns } from "./row_types.js";
import { attach } from "./listen.js";
import { reflectAll, reflectTable, type ReflectFrom, type ReflectOptions, type ReflectTableOptions } from "./reflect.js";
import { Select } from "./select.js";
import { type SqlType, type TypeArgument } from "./types.js";
import { checkOptions, typeOfColumn } from "./type_base.js";
import { isRecorded, record, Writer, type Recorded } from "./writer.js";

/** A column of any type. */
export type AnyColumn = Column<string, any, any>;

/** What a default is computed with: the values of the row so far, by key. */
export interface DefaultContext {
  /** The values that were given for the row, by key. */
  readonly currentParameters: Readonly<Record<string, unknown>>;
}

/** A default: a value, an expression, or a function that is asked for each row. */
export type Default<T> = T | Condition | ((context: DefaultContext) => T);

/** What a column may have. */
export interface ColumnOptions<T> {
  /** Its key: how it is called in JavaScript, if not by its name. */
  readonly key?: string;
  /** Whether it belongs to the primary key; then it is not null. */
  readonly primaryKey?: boolean;
  /** Whether it may be NULL; it may unless this is false. */
  readonly nullable?: boolean;
  /** Whether SQLite chooses the value of a lone INTEGER primary key. */
  readonly autoincrement?: boolean;
  /** What it gets when an INSERT gives it nothing. */
  readonly default?: Default<T>;
  /** What it gets when an UPDATE gives it nothing. */
  readonly onupdate?: Default<T>;
  /** What SQLite gives it: a text becomes a string, `text()` and expressions SQL. */
  readonly serverDefault?: string | Condition;
  /** SQL that it is computed by. */
  readonly computed?: { readonly sqltext: string | Condition; readonly persisted?: boolean };
  /** Whether its values are unique. */
  readonly unique?: boolean;
  /** Whether it has an index. */
  readonly index?: boolean;
  /** `CHECK` behind the column. */
  readonly check?: CheckConstraint;
  /** `NOT NULL ON CONFLICT` */
  readonly sqliteOnConflictNotNull?: ConflictClause;
  /** `PRIMARY KEY ON CONFLICT` */
  readonly sqliteOnConflictPrimaryKey?: ConflictClause;
  /** `UNIQUE ON CONFLICT` */
  readonly sqliteOnConflictUnique?: ConflictClause;
  /** What it is about: SQLite keeps no comments, so this stays in the program. */
  readonly comment?: string;
  /** Notes of the application. */
  readonly info?: Readonly<Record<string, unknown>>;
}

const COLUMN_OPTIONS = (
  "key primaryKey nullable autoincrement default onupdate serverDefault computed unique index check sqliteOnConflictNotNull " +
  "sqliteOnConflictPrimaryKey sqliteOnConflictUnique comment info"
).split(" ");
const TABLE_OPTIONS = "schema sqliteWithRowid sqliteStrict sqliteAutoincrement prefixes keepExisting extendExisting comment info".split(" ");

/** Options, in which those that there are not are errors that name them. */
type Known<O> = O & { readonly [K in Exclude<keyof O, keyof ColumnOptions<any>>]: never };

/** A column of a table that is being declared. */
export class Column<const K extends string = string, T = unknown, const O extends ColumnOptions<T> = ColumnOptions<T>> {
  /** Its name in SQL. */
  readonly name: string;
  /** Its name in JavaScript. */
  readonly key: string;
  /** Its type. */
  readonly type: SqlType<T>;
  /** What else was said of it. */
  readonly options: O;
  /** @internal */
  readonly foreignKeys: readonly ForeignKey[];
  /** The types; there is no value. */
  declare readonly columnType?: readonly [K, T, O];

  /** Its name and type, its foreign key, then options. */
  constructor(name: K, type: TypeArgument<T>, foreignKey: ForeignKey, options?: Known<O>);
  /** Its name and type, then options. */
  constructor(name: K, type: TypeArgument<T>, options?: Known<O>);
  constructor(name: K, type: TypeArgument<T>, first?: ForeignKey | O, second?: O) {
    if (typeof name !== "string" || name === "") throw new ArgumentError(`new Column() takes a name, not ${name === "" ? "an empty one" : describe(name)}`);
    const options = (first instanceof ForeignKey ? second : first) ?? ({} as O);
    if (typeof options !== "object") {
      const hint = typeof options === "string" ? `: new ForeignKey(${JSON.stringify(options)})` : "";
      throw new ArgumentError(`column "${name}" takes a foreign key and options, not ${describe(options)}${hint}`);
    }
    this.name = name;
    this.key = options.key ?? name;
    this.type = typeOfColumn(name, type);
    checkOptions(`column "${name}"`, options, COLUMN_OPTIONS);
    this.options = Object.freeze({ ...options });
    this.foreignKeys = Object.freeze(first instanceof ForeignKey ? [first] : []);
    Object.freeze(this);
  }

  /** @internal As a column of a table; one that a PRIMARY KEY constraint names is no less of the key. */
  write(writer: Writer, ofSet: string | undefined, isKey: boolean): void {
    const { options } = this;
    writer.text(this.name);
    writer.text(this.key);
    this.type.write(writer);
    writer.flag(options.nullable ?? !isKey);
    writer.flag(isKey);
    tristate(writer, options.autoincrement);
    writeDefault(writer, options.default);
    writeDefault(writer, options.onupdate);
    writer.flag(options.serverDefault !== undefined);
    if (options.serverDefault !== undefined) writeServerDefault(writer, options.serverDefault, 0);
    writer.flag(options.computed !== undefined);
    if (options.computed !== undefined) {
      writeServerDefault(writer, options.computed.sqltext, 1);
      tristate(writer, options.computed.persisted);
    }
    writer.u32(this.foreignKeys.length);
    this.foreignKeys.forEach((key) => key.write(writer, ofSet));
    writer.flag(options.unique === true);
    writer.flag(options.index === true);
    writer.u32(options.check === undefined ? 0 : 1);
    options.check?.writeAlone(writer);
    choice(writer, "sqliteOnConflictNotNull", CONFLICTS, options.sqliteOnConflictNotNull);
    choice(writer, "sqliteOnConflictPrimaryKey", CONFLICTS, options.sqliteOnConflictPrimaryKey);
    choice(writer, "sqliteOnConflictUnique", CONFLICTS, options.sqliteOnConflictUnique);
  }

  /** @internal The expressions that its record names. */
  parts(): Recorded[] {
    const { default: value, onupdate, serverDefault, computed, check } = this.options;
    return [value, onupdate, serverDefault, computed?.sqltext, check?.condition].filter((part): part is Recorded & Exclude<typeof part, string> => isRecorded(part));
  }
}

/** A column of a table, as an expression. */
export class TableColumn<K extends string, T, S extends string = string> extends Expr<T, S> {
  /** Its name in SQL. */
  readonly name: string;
  /** Its name in JavaScript. */
  readonly key: K;
  /** Its type. */
  readonly type: SqlType<T>;
  /** What it is a column of. */
  readonly table: { readonly name: string; readonly schema: string | undefined } & Recorded;

  /** @internal */
  constructor(table: { readonly name: string; readonly schema: string | undefined } & Recorded, name: string, key: K, type: SqlType<T>) {
    super();
    [this.table, this.name, this.key, this.type] = [table, name, key, type];
    Object.freeze(this);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const table = writer.ref(this.table);
    writer.begin(0x00);
    writer.u32(table);
    writer.text(this.key);
  }
}

/** What SQLite can be told about a table. */
export interface TableOptions {
  /** The attached database that it is in. */
  readonly schema?: string;
  /** `WITHOUT ROWID`, if false. */
  readonly sqliteWithRowid?: boolean;
  /** `STRICT` */
  readonly sqliteStrict?: boolean;
  /** `AUTOINCREMENT` */
  readonly sqliteAutoincrement?: boolean;
  /** What stands between CREATE and TABLE. */
  readonly prefixes?: readonly string[];
  /** Whether a table of this name that the set has already is taken instead. */
  readonly keepExisting?: boolean;
  /** Whether it takes the place of a table of this name that the set has already. */
  readonly extendExisting?: boolean;
  /** What it is about: SQLite keeps no comments, so this stays in the program. */
  readonly comment?: string;
  /** Notes of the application. */
  readonly info?: Readonly<Record<string, unknown>>;
}

/** Templates for the names of constraints and indexes: `{ ix: "ix_%(column_0_label)s", uq: ... }`. */
export type NamingConvention = Readonly<Partial<Record<"ix" | "uq" | "ck" | "fk" | "pk", string>>>;

/** A set of tables. */
export class MetaData {
  /** How constraints and indexes without a name are called. */
  readonly namingConvention: NamingConvention | undefined;
  /** The attached database that its tables are in, unless they say another. */
  readonly schema: string | undefined;
  /** A place for notes of the application. */
  readonly info: Record<string, unknown> = {};
  readonly #tables = new Map<string, Table<string, readonly Column<string, any, any>[]>>();

  /** No tables yet. */
  constructor(options: { readonly namingConvention?: NamingConvention; readonly schema?: string } = {}) {
    this.schema = options.schema;
    this.namingConvention = options.namingConvention === undefined ? undefined : Object.freeze({ ...options.namingConvention });
    Object.freeze(this);
  }

  /** The tables, by name. */
  get tables(): ReadonlyMap<string, Table<string, readonly Column<string, any, any>[]>> {
    return this.#tables;
  }

  /** @internal */
  add(table: AnyTable, instead = false): void {
    const name = keyOf(table.schema, table.name);
    if (instead) this.#tables.delete(name);
    if (this.#tables.has(name)) {
      throw new InvalidRequestError(
        `Table '${name}' is already defined for this MetaData instance.  Specify { extendExisting: true } to redefine it, or ` +
          "{ keepExisting: true } to have the one that is there.",
      );
    }
    this.#tables.set(name, table);
  }

  /** Takes a table out; statements with it go on. */
  remove(table: AnyTable): void {
    this.#tables.forEach((other, name) => other === table && this.#tables.delete(name));
  }

  /** Takes all tables out. */
  clear(): void {
    this.#tables.clear();
  }

  /**
   * The tables by name, each behind those that it refers to. Where tables refer to each other in circles, what these refer to
   * does not count.
   */
  get sortedTables(): readonly AnyTable[] {
    const byName = [...this.#tables.entries()].sort(([left], [right]) => (left < right ? -1 : 1));
    return sortTables(byName.map(([, table]) => table)).sorted;
  }

  /** Creates the tables, each behind those that it refers to, with their indexes; what is there stays as it is. */
  async createAll(bind: Connection | Engine, options: DdlAllOptions = {}): Promise<void> {
    await createAll(this, bind, options);
  }

  /** Drops the tables, each before those that it refers to. */
  async dropAll(bind: Connection | Engine, options: DdlAllOptions = {}): Promise<void> {
    await dropAll(this, bind, options);
  }

  /** Takes the tables of a database, as they are there. */
  async reflect(from: ReflectFrom, options: ReflectOptions = {}): Promise<void> {
    await reflectAll(this, from, options);
  }

  /** @internal */
  writeNaming(writer: Writer): void {
    const templates = Object.entries(this.namingConvention ?? {});
    writer.flag(this.namingConvention !== undefined);
    if (this.namingConvention === undefined) return;
    writer.u32(templates.length);
    templates.forEach(([kind, template]) => {
      writer.text(kind);
      writer.text(template);
    });
  }
}

/** A table: what it is declared with tells the types of its rows. */
export class Table<const N extends string, const Items extends readonly unknown[]> extends From<RowOfColumns<ColumnsOf<Items>>, N> {
  /** Its name. */
  readonly name: N;
  /** The attached database that it is in. */
  readonly schema: string | undefined;
  /** What it belongs to. */
  readonly metadata: MetaData;
  /** Notes of the application. */
  readonly info: Readonly<Record<string, unknown>>;
  /** What it is about. */
  readonly comment: string | undefined;
  /** Its columns, as expressions. */
  override readonly c: ColumnExprs<ColumnsOf<Items>, N>;
  /** The type of its rows; there is no value. */
  declare readonly $row: RowOfColumns<ColumnsOf<Items>>;
  /** The type of what can be inserted; there is no value. */
  declare readonly $insert: InsertOfColumns<ColumnsOf<Items>>;
  /** Its columns as they were declared. */
  readonly columns: readonly Column<string, any, any>[];
  readonly #indexes: Index[];
  readonly #constraints: readonly TableConstraint[];
  readonly #options: TableOptions;
  /** The indexes that come with its columns. */
  readonly #own: readonly Index[];
  /** Its record, where that is the same in every statement. */
  #record: Uint8Array | "changing" | undefined;

  /**
   * Reads a table from a database, with the tables that it refers to.
   *
   * ```ts
   * const users = await Table.reflect("users", metadata, conn);
   * await conn.execute(select(users).where(users.c["name"].eq("Dan")));
   * ```
   */
  static async reflect(name: string, metadata: MetaData, from: ReflectFrom, options: ReflectTableOptions = {}): Promise<AnyTable> {
    return reflectTable(name, metadata, from, options);
  }

  /** Declares a table: its name, the set that it belongs to, columns, constraints and indexes, then options. */
  constructor(name: N, metadata: MetaData, ...items: Items) {
    super();
    if (typeof name !== "string" || name === "") throw new ArgumentError(`new Table() takes a name, not ${name === "" ? "an empty one" : describe(name)}`);
    if (!(metadata instanceof MetaData)) throw new ArgumentError(`new Table("${name}") takes a MetaData, not ${describe(metadata)}`);
    const columns: Column<string, any, any>[] = [];
    const constraints: TableConstraint[] = [];
    const indexes: Index[] = [];
    let options: TableOptions = {};
    for (const item of items as readonly unknown[]) {
      if (item instanceof Column) columns.push(item);
      else if (item instanceof Index) indexes.push(item);
      else if (item instanceof TableItem) constraints.push(item as TableConstraint);
      else if (typeof item === "object" && item !== null && Object.getPrototypeOf(item) === Object.prototype) options = item as TableOptions;
      else throw new ArgumentError(`new Table("${name}") takes columns, constraints, indexes and options, not ${describe(item)}`);
    }
    checkOptions(`table "${name}"`, options, TABLE_OPTIONS);
    this.name = name;
    this.metadata = metadata;
    this.schema = options.schema ?? metadata.schema;
    const existing = metadata.tables.get(keyOf(this.schema, name));
    this.info = options.info ?? {};
    this.comment = options.comment;
    this.columns = Object.freeze(columns);
    this.#constraints = constraints;
    this.#options = options;
    const c = columnsOf(`the table "${name}"`);
    for (const column of columns) {
      if (Object.hasOwn(c, column.key)) throw new ArgumentError(`A column with name '${column.key}' is already present in table '${name}'.`);
      c[column.key] = new TableColumn(this, column.name, column.key, column.type);
    }
    this.c = Object.freeze(c) as ColumnExprs<ColumnsOf<Items>, N>;
    const indexed = columns.filter((column) => column.options.index === true);
    this.#own = indexed.map((column) => new Index(null, column.key, { unique: column.options.unique === true }));
    indexes.push(...this.#own);
    this.#indexes = indexes;
    [...constraints, ...indexes].forEach((item) => this.namesOf(item, item.keys));
    Object.freeze(this);
    if (existing !== undefined && options.keepExisting === true) return existing as unknown as this;
    const parts = [...columns, ...constraints, ...indexes].map((part) => [part, this] as const);
    // The set keeps the other one if a listener throws.
    attach([[this, metadata], ...parts], () => metadata.add(this as unknown as AnyTable, options.extendExisting));
  }

  /** Its indexes, those of columns included. */
  get indexes(): readonly Index[] {
    return [...this.#indexes];
  }

  /** @internal */
  addIndex(index: Index): void {
    this.namesOf(index, index.keys);
    attach([[index, this]], () => this.#indexes.push(index));
  }

  /** @internal */
  get ofSet(): string | undefined {
    return this.metadata.schema;
  }

  /** @internal */
  namesOf(what: TableItem, keys: readonly string[]): string[] {
    return keys.map((key) => {
      const lower = key.toLowerCase();
      const column = this.columns.find((column) => column.key === key) ?? this.columns.find(({ name }) => name.toLowerCase() === lower);
      if (column !== undefined) return column.name;
      throw new ArgumentError(`Can't create ${what.title} on table '${this.name}': no column named '${key}' is present.`);
    });
  }

  /** The columns of the primary key. */
  get primaryKey(): readonly Column<string, any, any>[] {
    const key = this.#constraints.find((item) => item instanceof PrimaryKeyConstraint);
    const named = key === undefined ? [] : this.namesOf(key, key.keys);
    return this.columns.filter(({ name, options }) => options.primaryKey === true || named.includes(name));
  }

  /** SELECT of all its columns. */
  select(): Select<RowOfColumns<ColumnsOf<Items>>, CellsOfItems<Items>, readonly [Table<N, Items>], never> {
    return Select.of([this]);
  }
  /** INSERT into it. */
  insert(): Insert<this, object, readonly unknown[]> {
    return insert(this);
  }
  /** UPDATE of it. */
  update(): Update<this, object, readonly unknown[]> {
    return update(this);
  }
  /** DELETE from it. */
  delete(): Delete<this, object, readonly unknown[]> {
    return delete_(this);
  }

  /** @internal */
  override get fromColumns(): readonly FromColumn[] {
    return this.columns;
  }

  /** Creates it with its indexes, unless it is there. */
  async create(bind: Connection | Engine, options: DdlOptions = {}): Promise<void> {
    await createAll(this.metadata, bind, { ...options, tables: [this as unknown as AnyTable] });
  }

  /** Drops it, if it is there. */
  async drop(bind: Connection | Engine, options: DdlOptions = {}): Promise<void> {
    await dropAll(this.metadata, bind, { ...options, tables: [this as unknown as AnyTable] });
  }

  /**
   * The same table in another set, in another attached database (null is that of the set), or under another name, with its
   * constraints and indexes. What refers to tables beside this one refers to those beside the copy; where a key leads elsewhere,
   * it still does.
   */
  toMetadata<const A extends string = N>(metadata: MetaData, options: CopyOptions<A> = {}): Table<A, Items> {
    if (!(metadata instanceof MetaData)) throw new ArgumentError(`toMetadata() takes a MetaData, not ${describe(metadata)}`);
    const given = [...this.columns, ...this.#constraints, ...this.#indexes.filter((index) => !this.#own.includes(index))];
    const items = copyItems(this, given, this.#options, metadata, options);
    return new Table(options.name ?? (this.name as string as A), metadata, ...items) as unknown as Table<A, Items>;
  }

  /** @internal The databases and tables that it refers to. */
  referredTables(): (readonly [schema: string | undefined, table: string])[] {
    const { schema } = this.metadata;
    const own = this.columns.flatMap((column) => column.foreignKeys.map((key) => referred(key.target, schema)));
    const constraints = this.#constraints.filter((item) => item instanceof ForeignKeyConstraint);
    return [...own, ...constraints.map((item) => referred(item.target, schema))].map(([schema, table]) => [schema, table] as const);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    this.#record ??= Writer.constant((alone) => this.#write(alone)) ?? "changing";
    if (this.#record === "changing") this.#write(writer);
    else writer.copy(0x49, this.#record);
  }

  #write(writer: Writer): void {
    // Expressions in it come before its own record.
    this.columns.forEach((column) => writer.refs(column.parts()));
    this.#constraints.forEach((item) => item instanceof CheckConstraint && writer.ref(item.condition));
    writer.begin(0x40);
    writer.text(this.name);
    writer.optionalText(this.schema);
    writer.u32(this.columns.length);
    const key = this.primaryKey;
    this.columns.forEach((column) => column.write(writer, this.ofSet, key.includes(column)));
    writer.u32(this.#constraints.length);
    this.#constraints.forEach((item) => item.write(writer, this));
    writer.u32(0);
    writer.flag(this.#options.sqliteWithRowid === false);
    writer.flag(this.#options.sqliteStrict === true);
    writer.flag(this.#options.sqliteAutoincrement === true);
    writer.texts(this.#options.prefixes ?? []);
  }
}

/** Any table. */
export type AnyTable = Table<string, readonly Column<string, any, any>[]>;
