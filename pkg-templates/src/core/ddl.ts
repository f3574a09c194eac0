/**
 * CREATE and DROP, as statements.
 *
 * @module
 */

import type { Connection } from "../connection.js";
import { ArgumentError, CompileError } from "../errors.js";
import { describe } from "../encode.js";
import type { Executable } from "../statement.js";
import type { AnyRow } from "../values.js";
import { ClauseElement } from "./clause.js";
import type { QueryLike } from "./expr.js";
import { Index, type Owner } from "./constraint.js";
import { named } from "./expressions.js";
import type { DdlStatement } from "./listen.js";
import type { AnyTable, MetaData } from "./schema.js";
import { tableOf } from "./select.js";
import { writePieces, type CustomPiece } from "./records.js";
import { checkOptions } from "./type_base.js";
import { NullType } from "./types.js";
import { record, type Recorded, type Writer } from "./writer.js";

/** When a statement is run that listens to what happens to tables. */
export interface ExecuteIfOptions {
  /** For databases of this kind, or of one of these; here that is `"sqlite"`. */
  readonly dialect?: string | readonly string[];
  /** If this says so, be it later. */
  readonly callable?: (
    ddl: object,
    target: AnyTable | MetaData,
    connection: Connection,
    event: { readonly tables: readonly AnyTable[]; readonly state: unknown },
  ) => boolean | Promise<boolean>;
  /** What `callable` is given. */
  readonly state?: unknown;
}

abstract class Ddl extends ClauseElement implements Executable<AnyRow>, DdlStatement {
  /** What kind of statement it is. */
  readonly kind = "ddl";
  /** The type of its rows; there is no value. */
  declare readonly rowType?: AnyRow;

  /** This, to be given to `listen()`: it is run when what is listened to happens, if these say so. */
  executeIf(options: ExecuteIfOptions): ConditionalDdl {
    return new ConditionalDdl(this, options);
  }

  /** What it is when it happens to this. */
  against(_target: AnyTable | MetaData): Ddl {
    return this;
  }

  /** Runs it, if it is to be. */
  async heard(target: AnyTable | MetaData, connection: Connection): Promise<void> {
    await connection.execute(this.against(target));
  }
}

/** A statement that is run when it is told to, if its conditions are true. */
export class ConditionalDdl implements DdlStatement {
  readonly #ddl: Ddl;
  readonly #options: ExecuteIfOptions;
  /** @internal */
  constructor(ddl: Ddl, options: ExecuteIfOptions) {
    checkOptions("executeIf()", options, ["dialect", "callable", "state"]);
    if (options.callable !== undefined && typeof options.callable !== "function") {
      throw new ArgumentError(`callable is a function, not ${describe(options.callable)}`);
    }
    [this.#ddl, this.#options] = [ddl, options];
    Object.freeze(this);
  }

  /** Runs it, if it is to be. */
  async heard(target: AnyTable | MetaData, connection: Connection, tables: readonly AnyTable[]): Promise<void> {
    const { dialect = "sqlite", callable, state } = this.#options;
    if (!(typeof dialect === "string" ? [dialect] : dialect).includes("sqlite")) return;
    if (callable !== undefined && (await callable(this.#ddl, target, connection, { tables, state })) !== true) return;
    await this.#ddl.heard(target, connection);
  }
}

/**
 * DDL as SQL. `%(fullname)s`, `%(table)s` and `%(schema)s` are the names of the table that it listens to, quoted where they have to
 * be; others are what `context` says, as it is. `%%` is a `%`.
 */
export class DDL extends Ddl {
  readonly #sql: string;
  readonly #context: Readonly<Record<string, string>>;
  readonly #table: TableLike | undefined;
  /** As it is. Never put foreign text into it. */
  constructor(sql: string, options: { readonly context?: Readonly<Record<string, string>> } = {}, table?: object) {
    super();
    if (typeof sql !== "string" || sql === "") throw new ArgumentError(`new DDL() takes SQL as a string, not ${describe(sql)}`);
    checkOptions("new DDL()", options, ["context"]);
    [this.#sql, this.#context] = [sql, options.context ?? {}];
    this.#table = table === undefined ? undefined : checkTable("new DDL", table);
    Object.freeze(this);
  }

  /** The same with the names of this table. */
  override against(target: AnyTable | MetaData): DDL {
    return "columns" in target ? new DDL(this.#sql, { context: this.#context }, target) : this;
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const pieces = this.#sql.split(/(%%|%\(\w+\)s)/).map((piece, i) => (i % 2 === 0 ? piece : this.#piece(piece, writer)));
    writePieces(writer, pieces, NullType);
  }

  #piece(piece: string, writer: Writer): CustomPiece {
    if (piece === "%%") return "%";
    const name = piece.slice(2, -2);
    if (Object.hasOwn(this.#context, name)) return String(this.#context[name]);
    const table = this.#table;
    if (table !== undefined && name === "fullname") return [3, writer.ref(table)];
    if (table !== undefined && name === "table") return [1, writer.ref(named(table.name))];
    if (table !== undefined && name === "schema") return table.schema === undefined ? "" : [1, writer.ref(named(table.schema))];
    throw new CompileError(`nobody says what ${piece} is: it is not in the context${table === undefined ? ", and there is no table" : ""}`);
  }
}

type TableLike = Recorded & { readonly name: string; readonly schema: string | undefined; readonly metadata: MetaData; readonly indexes: readonly Index[] } & Owner;

const checkTable = (what: string, table: unknown): TableLike => tableOf(what, table) as unknown as TableLike;

/** `CREATE TABLE` */
export class CreateTable extends Ddl {
  readonly #table: TableLike;
  readonly #ifNotExists: boolean;
  /** Of a table; its indexes are statements of their own. */
  constructor(table: object, options: { readonly ifNotExists?: boolean } = {}) {
    super();
    this.#table = checkTable("new CreateTable", table);
    this.#ifNotExists = options.ifNotExists === true;
    Object.freeze(this);
  }
  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const table = writer.ref(this.#table);
    writer.begin(0x67);
    writer.u8(0);
    writer.u32(table);
    this.#table.metadata.writeNaming(writer);
    writer.flag(this.#ifNotExists);
  }
}

/** `CREATE INDEX` */
export class CreateIndex extends Ddl {
  readonly #table: TableLike;
  readonly #index: Index;
  readonly #ifNotExists: boolean;
  /** Of an index of a table. */
  constructor(table: object, index: Index, options: { readonly ifNotExists?: boolean } = {}) {
    super();
    if (!(index instanceof Index)) throw new ArgumentError(`new CreateIndex() takes a table and an index, not ${describe(index)}`);
    [this.#table, this.#index] = [checkTable("new CreateIndex", table), index];
    this.#ifNotExists = options.ifNotExists === true;
    Object.freeze(this);
  }
  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const table = writer.ref(this.#table);
    const index = writer.ref(this.#index.named(this.#table));
    writer.begin(0x67);
    writer.u8(3);
    writer.u32(table);
    writer.u32(index);
    this.#table.metadata.writeNaming(writer);
    writer.flag(this.#ifNotExists);
  }
}

class Drop extends Ddl {
  readonly #what: number;
  readonly #schema: string | undefined;
  readonly #name: string;
  readonly #ifExists: boolean;
  constructor(what: number, schema: string | undefined, name: string, ifExists: boolean) {
    super();
    [this.#what, this.#schema, this.#name, this.#ifExists] = [what, schema, name, ifExists];
    Object.freeze(this);
  }
  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    writer.begin(0x67);
    writer.u8(4);
    writer.u8(this.#what);
    writer.optionalText(this.#schema);
    writer.text(this.#name);
    writer.flag(this.#ifExists);
  }
}

/** `DROP TABLE` */
export class DropTable extends Drop {
  /** Of a table. */
  constructor(table: object, options: { readonly ifExists?: boolean } = {}) {
    const of = checkTable("new DropTable", table);
    super(1, of.schema, of.name, options.ifExists === true);
  }
}

/** `DROP INDEX` */
export class DropIndex extends Drop {
  /** By its name. */
  constructor(name: string, options: { readonly ifExists?: boolean; readonly schema?: string } = {}) {
    super(2, options.schema, name, options.ifExists === true);
  }
}

/** `DROP VIEW` */
export class DropView extends Drop {
  /** By its name. */
  constructor(name: string, options: { readonly ifExists?: boolean; readonly schema?: string } = {}) {
    super(3, options.schema, name, options.ifExists === true);
  }
}

/** What a view or a copied table may have. */
export interface CreateAsOptions {
  /** The attached database that it is in. */
  readonly schema?: string;
  /** Whether it is gone with its connection. */
  readonly temporary?: boolean;
  /** Whether one that is there stays as it is. */
  readonly ifNotExists?: boolean;
}

class CreateAs extends Ddl {
  readonly #tag: number;
  readonly #name: string;
  readonly #query: QueryLike;
  readonly #options: CreateAsOptions;
  constructor(tag: number, name: string, query: QueryLike, options: CreateAsOptions) {
    super();
    [this.#tag, this.#name, this.#query, this.#options] = [tag, name, query, options];
    Object.freeze(this);
  }
  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const query = writer.ref(this.#query);
    writer.begin(0x67);
    writer.u8(this.#tag);
    writer.optionalText(this.#options.schema);
    writer.text(this.#name);
    writer.u32(query);
    writer.flag(this.#options.temporary === true);
    writer.flag(this.#options.ifNotExists === true);
  }
}

/** `CREATE VIEW` */
export class CreateView extends CreateAs {
  /** By its name, of a query. */
  constructor(name: string, query: QueryLike, options: CreateAsOptions = {}) {
    super(2, name, query, options);
  }
}

/** `CREATE TABLE ... AS` */
export class CreateTableAs extends CreateAs {
  /** By its name, of the rows of a query. */
  constructor(name: string, query: QueryLike, options: CreateAsOptions = {}) {
    super(1, name, query, options);
  }
}
