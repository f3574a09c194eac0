/**
 * Creating and dropping the tables of a set.
 *
 * @module
 */

import type { Connection } from "../connection.js";
import { Engine } from "../engine.js";
import { keyOf } from "./constraint.js";
import { CreateIndex, CreateTable, DropTable } from "./ddl.js";
import { inOrder, namesIn, onConnection, reflectSql, sameName } from "./inspect.js";
import { tell } from "./listen.js";
import type { AnyTable, MetaData } from "./schema.js";

/** What creating and dropping takes. */
export interface DdlOptions {
  /** Whether tables that are there (or, to be dropped, are not there) are passed over; they are unless this is false. */
  readonly checkfirst?: boolean;
}

/** What creating and dropping of a set of tables takes. */
export interface DdlAllOptions extends DdlOptions {
  /** These tables; all, if none is named. */
  readonly tables?: readonly AnyTable[];
}

/**
 * Tables, each behind those that it refers to, and those that refer to each other in circles: for these it does not count.
 * @internal
 */
export function sortTables(tables: readonly AnyTable[]): { readonly sorted: AnyTable[]; readonly circle: AnyTable[] } {
  const byKey = new Map(tables.map((table) => [keyOf(table.schema, table.name), table]));
  return inOrder(tables, (table) => table.referredTables().flatMap(([schema, name]) => byKey.get(keyOf(schema, name)) ?? []));
}

/** The tables that are to be created or dropped: those that are not there, or that are. */
async function wanted(metadata: MetaData, connection: Connection, options: DdlAllOptions, there: boolean): Promise<AnyTable[]> {
  const tables = [...(options.tables ?? metadata.tables.values())];
  if (options.checkfirst === false || tables.length === 0) return tables;
  const found = await namesIn(connection, [...new Set(tables.map((table) => table.schema ?? ""))]);
  const isThere = (table: AnyTable): boolean =>
    found.some(([schema, name]) => (schema ?? undefined) === table.schema && sameName(String(name), table.name));
  return tables.filter((table) => isThere(table) === there);
}

/** Creates tables, each behind those that it refers to, with their indexes; those that are there stay as they are. */
export async function createAll(metadata: MetaData, bind: Connection | Engine, options: DdlAllOptions = {}): Promise<void> {
  await onConnection("createAll()", bind, false, async (connection) => {
    const { sorted } = sortTables(await wanted(metadata, connection, options, false));
    await tell(metadata, "beforeCreate", connection, sorted);
    for (const table of sorted) {
      await tell(table, "beforeCreate", connection, [table]);
      await connection.execute(new CreateTable(table));
      for (const index of table.indexes) await connection.execute(new CreateIndex(table, index));
      await tell(table, "afterCreate", connection, [table]);
    }
    await tell(metadata, "afterCreate", connection, sorted);
  });
}

/**
 * Drops tables, each before those that it refers to. Where they refer to each other in a circle, a warning says so, and
 * foreign keys are looked at when the transaction ends.
 */
export async function dropAll(metadata: MetaData, bind: Connection | Engine, options: DdlAllOptions = {}): Promise<void> {
  await onConnection("dropAll()", bind, false, async (connection) => {
    const all = await wanted(metadata, connection, options, true);
    const { sorted, circle } = sortTables(all);
    const order = circle.length === 0 ? sorted.reverse() : all;
    if (circle.length > 0) {
      Engine.warn(connection.engine, [reflectSql("circle", circle.map((table) => table.name).sort())]);
      await connection.execDriverSql("PRAGMA defer_foreign_keys = ON");
    }
    await tell(metadata, "beforeDrop", connection, order);
    for (const table of order) {
      await tell(table, "beforeDrop", connection, [table]);
      await connection.execute(new DropTable(table));
      await tell(table, "afterDrop", connection, [table]);
    }
    await tell(metadata, "afterDrop", connection, order);
  });
}
