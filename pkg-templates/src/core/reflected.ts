/**
 * What inspectors tell of.
 *
 * @module
 */

import type { ConflictClause, ForeignKeyAction } from "./constraint.js";
import type { SqlType } from "./types.js";

/** A column, as the database has it. */
export interface ReflectedColumn {
  /** Its name. */
  readonly name: string;
  /** Its type, declared as it is. */
  readonly type: SqlType;
  /** The words that it was declared with. */
  readonly declared: string;
  /** Whether it may be NULL. */
  readonly nullable: boolean;
  /** Its default as SQL. */
  readonly default: string | null;
  /** Its place in the primary key, from 1; 0 if it is no part of it. */
  readonly primaryKey: number;
  /** Whether `AUTOINCREMENT` stands behind it. */
  readonly autoincrement: boolean;
  /** Its collation, where one was declared. */
  readonly collation: string | null;
  /** What it is computed by. */
  readonly computed?: { readonly sqltext: string; readonly persisted: boolean };
}

/** A primary key. */
export interface ReflectedPrimaryKey {
  /** Its name. */
  readonly name: string | null;
  /** Its columns, in its order. */
  readonly constrainedColumns: readonly string[];
}

/** A foreign key. */
export interface ReflectedForeignKey {
  /** Its name. */
  readonly name: string | null;
  /** The columns that refer. */
  readonly constrainedColumns: readonly string[];
  /** The database of the other table, as it was asked for. */
  readonly referredSchema: string | null;
  /** The other table. */
  readonly referredTable: string;
  /** The other table's columns. */
  readonly referredColumns: readonly string[];
  /** What it does; `NO ACTION` is not told. */
  readonly options: {
    readonly ondelete?: ForeignKeyAction;
    readonly onupdate?: ForeignKeyAction;
    readonly deferrable?: boolean;
    readonly initially?: "DEFERRED" | "IMMEDIATE";
    readonly match?: string;
  };
}

/** An index. */
export interface ReflectedIndex {
  /** Its name. */
  readonly name: string;
  /** Its columns; null where it is over an expression. */
  readonly columnNames: readonly (string | null)[];
  /** What it is over, as SQL. */
  readonly expressions: readonly string[];
  /** The columns that do not ascend. */
  readonly columnSorting: Readonly<Record<string, readonly ["desc"]>>;
  /** Whether it allows no two equal rows. */
  readonly unique: boolean;
  /** What only SQLite has: the condition of a partial index. */
  readonly dialectOptions: { readonly sqliteWhere?: string };
}

/** A UNIQUE constraint. */
export interface ReflectedUniqueConstraint {
  /** Its name. */
  readonly name: string | null;
  /** Its columns. */
  readonly columnNames: readonly string[];
}

/** A CHECK constraint. */
export interface ReflectedCheckConstraint {
  /** Its name. */
  readonly name: string | null;
  /** The condition. */
  readonly sqltext: string;
}

/** What SQLite was told about a table. */
export interface ReflectedTableOptions {
  /** `WITHOUT ROWID` */
  readonly sqliteWithRowid?: false;
  /** `STRICT` */
  readonly sqliteStrict?: true;
  /** `AUTOINCREMENT` */
  readonly sqliteAutoincrement?: true;
}

/** Which database is meant. */
export interface InSchema {
  /** An attached database, or `"main"` or `"temp"`; where it is left out, `main` and then `temp`. */
  readonly schema?: string;
}

/** What the methods for many tables take. */
export interface MultiOptions extends InSchema {
  /** Only these tables. */
  readonly filterNames?: readonly string[];
  /** Tables unless told otherwise. */
  readonly kind?: "table" | "view" | "any";
}

/** @internal A constraint as Rust tells it. */
export interface ConstraintData {
  kind: "pk" | "uq" | "fk" | "ck";
  name: string | null;
  inline: boolean;
  columns: string[];
  orders: string[];
  onConflict: ConflictClause | null;
  sqltext?: string;
  table?: string;
  referred?: string[];
  ondelete?: ForeignKeyAction | null;
  onupdate?: ForeignKeyAction | null;
  deferrable?: boolean;
  initially?: "DEFERRED" | "IMMEDIATE" | null;
  match?: string | null;
}

/** @internal A table as Rust tells it. */
export interface TableData {
  schema: string;
  name: string;
  kind: "table" | "view" | "virtual";
  definition: string;
  unreflectable: string | null;
  withoutRowid: boolean;
  strict: boolean;
  columns: (Omit<ReflectedColumn, "type"> & { type: string; args: number[]; ddl: string; exact: boolean; onConflict: ConflictClause | null })[];
  constraints: ConstraintData[];
  indexes: {
    name: string;
    columnNames: (string | null)[];
    expressions: string[];
    descending: boolean[];
    unique: boolean;
    where: string | null;
    auto: boolean;
  }[];
}
