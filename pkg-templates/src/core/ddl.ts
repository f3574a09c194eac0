/**
 * CREATE and DROP, as statements.
 *
 * @module
 */

import { ArgumentError } from "../errors.js";
import { describe } from "../encode.js";
import type { Executable } from "../statement.js";
import type { AnyRow } from "../values.js";
import { ClauseElement } from "./clause.js";
import type { QueryLike } from "./expr.js";
import { Index, type Owner } from "./constraint.js";
import type { MetaData } from "./schema.js";
import { tableOf } from "./select.js";
import { record, type Recorded, type Writer } from "./writer.js";

abstract class Ddl extends ClauseElement implements Executable<AnyRow> {
  /** What kind of statement it is. */
  readonly kind = "ddl";
  /** The type of its rows; there is no value. */
  declare readonly rowType?: AnyRow;
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
