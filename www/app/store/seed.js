// Fills a database with the music store: batch by batch, each in its own transaction that also says how far it is.

import { text } from "aludel";
import { musicStore } from "./catalogue.js";
import { INDEXES, STORE_VERSION, TABLES, insertInto } from "./schema.js";

/** Holds how many batches are in; it lives from the first transaction of the seeding to its last. */
const PROGRESS = "music_store_progress";

/**
 * Says whether the store is there. A database of the user's own, which was imported, is left as it is.
 * @returns {Promise<"complete" | "partial" | "absent" | "foreign">}
 */
export async function storeState(engine) {
  return engine.connect(async (conn) => {
    if (await conn.scalar(text("PRAGMA user_version")) === STORE_VERSION) return "complete";
    if (await isTable(conn, PROGRESS)) return "partial";
    return await conn.scalar(text("SELECT count(*) FROM sqlite_schema")) === 0 ? "absent" : "foreign";
  });
}

/**
 * Makes the store, or goes on where an earlier visit stopped: the rows of a batch and the note that it is in are
 * committed together, so nothing is lost and nothing comes twice.
 * @param {(step: { done: number, total: number, table: string }) => void} onProgress
 */
export async function seed(engine, onProgress, signal) {
  const store = musicStore();
  const total = Object.values(store.totals).reduce((sum, count) => sum + count, 0);
  const inserts = new Map(TABLES.map((table) => [table.name, text(insertInto(table))]));
  const ready = await engine.begin(prepare, { signal });
  let done = 0;
  let number = 0;
  for (const { table, rows } of store.batches()) {
    number += 1;
    if (number > ready) {
      await engine.begin(async (conn) => {
        await conn.execute(inserts.get(table), rows);
        await conn.execute(text(`UPDATE ${PROGRESS} SET batches = ?`), [number]);
      }, { signal });
    }
    done += rows.length;
    onProgress({ done, total, table });
  }
  onProgress({ done, total, table: "indexes" });
  await engine.begin(async (conn) => {
    for (const index of INDEXES) await conn.execute(text(index));
    await conn.execute(text(`DROP TABLE ${PROGRESS}`));
    await conn.execute(text(`PRAGMA user_version = ${STORE_VERSION}`));
  }, { signal });
  await engine.execute(text("ANALYZE"));
}

/** Removes every table and view, whoever made it, so that the next seeding starts from nothing. */
export async function clear(engine) {
  await engine.begin(async (conn) => {
    await conn.execute(text("PRAGMA defer_foreign_keys = ON"));
    // Views first, then virtual tables with what they own, then children before the parents they point to.
    const found = await conn.execute(text(`SELECT type, name FROM sqlite_schema
      WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'
      ORDER BY type DESC, sql LIKE 'create virtual%' DESC, rowid DESC`));
    for (const [type, name] of found.all()) {
      await conn.execute(text(`DROP ${type} IF EXISTS "${name.replaceAll('"', '""')}"`));
    }
    await conn.execute(text("PRAGMA user_version = 0"));
  });
}

async function prepare(conn) {
  if (await isTable(conn, PROGRESS)) return conn.scalar(text(`SELECT batches FROM ${PROGRESS}`));
  for (const { ddl } of TABLES) await conn.execute(text(ddl));
  await conn.execute(text(`CREATE TABLE ${PROGRESS} (batches INTEGER NOT NULL)`));
  await conn.execute(text(`INSERT INTO ${PROGRESS} VALUES (0)`));
  return 0;
}

const isTable = async (conn, name) =>
  await conn.scalar(text("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?"), [name]) === 1;
