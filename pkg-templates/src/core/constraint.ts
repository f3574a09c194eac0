/**
 * Constraints and indexes of tables.
 *
 * @module
 */

import { ArgumentError } from "../errors.js";
import { describe } from "../encode.js";
import { Expr } from "./expr.js";
import { sourcesIn } from "./from.js";
import { checkOptions } from "./type_base.js";
import { record, type Recorded, type Writer } from "./writer.js";

/** What SQLite does when a constraint is violated. */
export type ConflictClause = "ROLLBACK" | "ABORT" | "FAIL" | "IGNORE" | "REPLACE";
/** What happens to rows that refer to one that goes or changes. */
export type ForeignKeyAction = "NO ACTION" | "RESTRICT" | "SET NULL" | "SET DEFAULT" | "CASCADE";

/** @internal */
export const CONFLICTS: readonly ConflictClause[] = ["ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE"];
const ACTIONS: readonly ForeignKeyAction[] = ["NO ACTION", "RESTRICT", "SET NULL", "SET DEFAULT", "CASCADE"];

/** @internal */
export function choice(writer: Writer, what: string, known: readonly string[], value: string | undefined): void {
  const at = value === undefined ? 0 : known.indexOf(value.toUpperCase()) + 1;
  if (value !== undefined && at === 0) throw new ArgumentError(`${what} is one of ${known.join(", ")}, not ${describe(value)} ${value}`);
  writer.u8(at);
}

/** @internal */
export const tristate = (writer: Writer, value: boolean | undefined): void => writer.u8(value === undefined ? 0 : value ? 1 : 2);

/** What a foreign key does. */
export interface ForeignKeyOptions {
  /** Its name. */
  readonly name?: string;
  /** `ON DELETE` */
  readonly ondelete?: ForeignKeyAction;
  /** `ON UPDATE` */
  readonly onupdate?: ForeignKeyAction;
  /** `DEFERRABLE` or `NOT DEFERRABLE` */
  readonly deferrable?: boolean;
  /** `INITIALLY` */
  readonly initially?: "DEFERRED" | "IMMEDIATE";
  /** `MATCH`, which SQLite ignores. */
  readonly match?: string;
}

const KEY_OPTIONS = ["name", "ondelete", "onupdate", "deferrable", "initially", "match"];

/** A column that a foreign key refers to: `"users.id"`, or the column. */
export type Referred = string | ColumnLike | (() => ColumnLike);

/** A column of a table, as far as foreign keys need to know one. */
export interface ColumnLike {
  /** Its name. */
  readonly name: string;
  /** Its table. */
  readonly table: { readonly name: string; readonly schema: string | undefined };
}

/**
 * The name of a table in its set.
 * @internal
 */
export const keyOf = (schema: string | undefined, table: string): string => (schema === undefined ? table : `${schema}.${table}`);

/**
 * What a foreign key refers to. A text that names no database means that of the set of tables.
 * @internal
 */
export function referred(target: Referred, ofSet: string | undefined): readonly [schema: string | undefined, table: string, column: string] {
  const to = typeof target === "function" ? target() : target;
  if (typeof to === "object" && to !== null) return [to.table.schema, to.table.name, to.name];
  const parts = typeof to === "string" ? to.split(".") : [];
  if (parts.length === 2) return [ofSet, parts[0] as string, parts[1] as string];
  if (parts.length === 3) return [parts[0], parts[1] as string, parts[2] as string];
  throw new ArgumentError(`a foreign key refers to "table.column" or a column, not ${typeof to === "string" ? JSON.stringify(to) : describe(to)}`);
}

/** `REFERENCES`: the foreign key of one column. */
export class ForeignKey {
  /** What it refers to. */
  readonly target: Referred;
  /** What it does. */
  readonly options: ForeignKeyOptions;

  /**
   * A foreign key to a column: `new ForeignKey("users.id", { ondelete: "CASCADE" })`, or `() => users.c.id`. A column of the table
   * itself is told as a text: TypeScript does not know the table yet.
   */
  constructor(target: Referred, options: ForeignKeyOptions = {}) {
    this.target = target;
    checkOptions("a foreign key", options, KEY_OPTIONS);
    this.options = Object.freeze({ ...options });
    Object.freeze(this);
  }

  /** @internal */
  write(writer: Writer, ofSet: string | undefined): void {
    writeForeignKey(writer, [], [referred(this.target, ofSet)], this.options);
  }
}

function writeForeignKey(
  writer: Writer,
  columns: readonly string[],
  to: readonly (readonly [schema: string | undefined, table: string, column: string])[],
  options: ForeignKeyOptions,
): void {
  const [schema, table] = to[0] as readonly [string | undefined, string, string];
  if (to.some(([, other]) => other !== table)) throw new ArgumentError("a foreign key refers to columns of one table");
  writer.optionalText(options.name);
  writer.texts(columns);
  writer.optionalText(schema);
  writer.text(table);
  writer.texts(to.map(([, , column]) => column));
  choice(writer, "ondelete", ACTIONS, options.ondelete);
  choice(writer, "onupdate", ACTIONS, options.onupdate);
  tristate(writer, options.deferrable);
  tristate(writer, options.initially === undefined ? undefined : options.initially === "DEFERRED");
  writer.optionalText(options.match);
}

/** A constraint or an index: whatever a table has besides columns. */
export abstract class TableItem {
  /** @internal What it is called; the names of classes do not outlive minifiers. */
  abstract readonly title: string;
  /** @internal The keys of columns that it is about. */
  get keys(): readonly string[] {
    return [];
  }
  /** @internal Which list of the table it belongs to. */
  abstract readonly item: "constraint" | "index";
}

/** @internal What constraints and indexes need to know of their table. */
export interface Owner {
  /** The database of its set. */
  readonly ofSet: string | undefined;
  /** The names of columns that are named by their keys; `what` cannot be made without them. */
  namesOf(what: TableItem, keys: readonly string[]): string[];
}

/** @internal A constraint, as a table writes it. */
export interface TableConstraint extends TableItem {
  write(writer: Writer, owner: Owner): void;
}

/** `FOREIGN KEY` of several columns. */
export class ForeignKeyConstraint extends TableItem {
  /** @internal */
  readonly title = "ForeignKeyConstraint";
  /** @internal */
  readonly item = "constraint";
  readonly #columns: readonly string[];
  readonly #targets: readonly Referred[];
  readonly #options: ForeignKeyOptions;
  /** Columns, and what each refers to. */
  constructor(columns: readonly string[], targets: readonly Referred[], options: ForeignKeyOptions = {}) {
    super();
    checkOptions("a foreign key", options, KEY_OPTIONS);
    if (columns.length !== targets.length || columns.length === 0) {
      throw new ArgumentError("ForeignKeyConstraint takes as many columns as it refers to");
    }
    [this.#columns, this.#targets, this.#options] = [columns, targets, options];
    Object.freeze(this);
  }
  /** @internal */
  override get keys(): readonly string[] {
    return this.#columns;
  }
  /** @internal What the first of its columns refers to. */
  get target(): Referred {
    return this.#targets[0] as Referred;
  }
  /** @internal The same, referring to what `to` makes of what this one refers to. */
  rebound(to: (target: Referred) => Referred): ForeignKeyConstraint {
    return new ForeignKeyConstraint(this.#columns, this.#targets.map(to), this.#options);
  }
  /** @internal */
  write(writer: Writer, owner: Owner): void {
    writer.u8(1);
    const to = this.#targets.map((target) => referred(target, owner.ofSet));
    writeForeignKey(writer, owner.namesOf(this, this.#columns), to, this.#options);
  }
}

/** What a constraint of columns may have. */
export interface ConstraintOptions {
  /** Its name. */
  readonly name?: string;
  /** `ON CONFLICT` */
  readonly sqliteOnConflict?: ConflictClause;
}

/** What a key may have besides. */
export interface KeyConstraintOptions extends ConstraintOptions {
  /** What stands behind each column: `"DESC"`, `'COLLATE "NOCASE"'`, or nothing (`""`). */
  readonly sqliteOrder?: readonly string[];
}

abstract class ColumnsConstraint extends TableItem {
  /** @internal */
  readonly item = "constraint";
  readonly #tag: number;
  readonly #columns: readonly string[];
  readonly #options: KeyConstraintOptions;
  protected constructor(tag: number, args: readonly (string | KeyConstraintOptions)[]) {
    super();
    const last = args.at(-1);
    this.#tag = tag;
    this.#options = typeof last === "object" ? last : {};
    checkOptions("a constraint", this.#options, ["name", "sqliteOnConflict", "sqliteOrder"]);
    this.#columns = args.filter((arg) => typeof arg === "string");
    Object.freeze(this);
  }
  /** @internal */
  override get keys(): readonly string[] {
    return this.#columns;
  }
  /** @internal */
  write(writer: Writer, owner: Owner): void {
    const orders = this.#options.sqliteOrder;
    // With orders they are records of their own: 4 and 5.
    writer.u8(orders === undefined ? this.#tag : 4 + this.#tag / 2);
    writer.optionalText(this.#options.name);
    writer.texts(owner.namesOf(this, this.#columns));
    choice(writer, "sqliteOnConflict", CONFLICTS, this.#options.sqliteOnConflict);
    if (orders !== undefined) writer.texts(orders);
  }
}

/** `PRIMARY KEY` of several columns, or with a name. */
export class PrimaryKeyConstraint extends ColumnsConstraint {
  /** @internal */
  override get title(): string {
    return "PrimaryKeyConstraint";
  }
  /** The keys of columns, then options. */
  constructor(...args: readonly (string | KeyConstraintOptions)[]) {
    super(0, args);
  }
}

/** `UNIQUE` of several columns, or with a name. */
export class UniqueConstraint extends ColumnsConstraint {
  /** @internal */
  override get title(): string {
    return "UniqueConstraint";
  }
  /** The keys of columns, then options. */
  constructor(...args: readonly (string | KeyConstraintOptions)[]) {
    super(2, args);
  }
}

/** `CHECK`: SQL as text, or a condition. */
export class CheckConstraint extends TableItem {
  /** @internal */
  readonly title = "CheckConstraint";
  /** @internal */
  readonly item = "constraint";
  /** @internal */
  readonly condition: Expr<unknown>;
  readonly #options: ConstraintOptions;
  /** What has to be true. */
  constructor(condition: string | Expr<unknown>, options: ConstraintOptions = {}) {
    super();
    this.condition = typeof condition === "string" ? new Sql(condition) : condition;
    this.#options = options;
    checkOptions("a constraint", options, ["name", "sqliteOnConflict"]);
    Object.freeze(this);
  }
  /** @internal */
  write(writer: Writer): void {
    writer.u8(3);
    this.writeAlone(writer);
  }
  /** @internal */
  writeAlone(writer: Writer): void {
    writer.optionalText(this.#options.name);
    writer.u32(writer.ref(this.condition));
    choice(writer, "sqliteOnConflict", CONFLICTS, this.#options.sqliteOnConflict);
  }
}

class Sql extends Expr<unknown> {
  readonly #sql: string;
  constructor(sql: string) {
    super();
    this.#sql = sql;
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    writer.begin(0x06);
    writer.text(this.#sql);
    writer.u8(0);
  }
}

/** A table, as far as it takes indexes. */
interface Indexed {
  readonly addIndex: (index: Index) => void;
}

const isColumn = (element: unknown): element is ColumnLike & { readonly key: string } => element instanceof Expr && "table" in element;

/** What an index may have. */
export interface IndexOptions {
  /** Whether it allows no two equal rows. */
  readonly unique?: boolean;
  /** The condition of a partial index. */
  readonly sqliteWhere?: Expr<unknown>;
}

/**
 * An index: `new Index("ix_name", "name", { unique: true })`, of columns by key, or of expressions. One over columns of a table,
 * `new Index("ix_name", users.c.name)`, is an index of that table from then on, as in SQLAlchemy.
 */
export class Index extends TableItem implements Recorded {
  /** @internal */
  readonly title = "Index";
  /** @internal */
  readonly item = "index";
  /** Its name; null lets the naming convention make one. */
  readonly name: string | null;
  readonly #elements: readonly (string | Expr<unknown>)[];
  readonly #options: IndexOptions;
  /** Its name, what it is over, then options. */
  constructor(name: string | null, ...args: readonly (string | Expr<unknown> | IndexOptions)[]) {
    super();
    const isOptions = (arg: unknown): arg is IndexOptions => typeof arg === "object" && !(arg instanceof Expr);
    this.name = name;
    this.#options = args.find(isOptions) ?? {};
    checkOptions("an index", this.#options, ["unique", "sqliteWhere"]);
    this.#elements = args.filter((arg): arg is string | Expr<unknown> => !isOptions(arg));
    Object.freeze(this);
    if (this instanceof Copy) return;
    const table = sourcesIn(this.#elements.filter((element) => typeof element !== "string")).find((from) => "addIndex" in from);
    (table as Indexed | undefined)?.addIndex(this);
  }
  /** @internal */
  override get keys(): readonly string[] {
    return this.#elements.filter((element) => typeof element === "string");
  }
  /** @internal The same, over columns by their keys, for a table that is made like the one of this. */
  copy(): Index {
    const elements = this.#elements.map((element) => (isColumn(element) ? element.key : element));
    return new Copy(this.name, ...elements, this.#options);
  }
  /** @internal The same, over columns by their names. */
  named(owner: Owner): Index {
    const elements = this.#elements.map((element) => (typeof element === "string" ? (owner.namesOf(this, [element])[0] as string) : element));
    return new Copy(this.name, ...elements, this.#options);
  }
  /** Writes its record, for the compiler. */
  [record](writer: Writer): void {
    const elements = this.#elements.map((element) => (typeof element === "string" ? element : writer.ref(element)));
    const where = this.#options.sqliteWhere === undefined ? undefined : writer.ref(this.#options.sqliteWhere);
    writer.begin(0x48);
    writer.optionalText(this.name);
    writer.u32(elements.length);
    for (const element of elements) {
      writer.flag(typeof element === "number");
      if (typeof element === "number") writer.u32(element);
      else writer.text(element);
    }
    writer.flag(this.#options.unique === true);
    writer.optionalU32(where);
  }
}

/** An index for a table that is yet to be made. */
class Copy extends Index {}
