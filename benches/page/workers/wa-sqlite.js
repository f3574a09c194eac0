// wa-sqlite on one of its VFSs in OPFS, with its synchronous build and prepared statements kept.
import * as SQLite from "@journeyapps/wa-sqlite";
import SQLiteESMFactory from "@journeyapps/wa-sqlite/dist/wa-sqlite.mjs";
import { answer } from "./answer.js";

let [VFS, sqlite3, db, scan] = [];
const statements = new Map();

async function prepared(sql) {
  let statement = statements.get(sql);
  if (statement) return statement;
  for await (const made of sqlite3.statements(db, sql, { unscoped: true })) {
    statement = made;
    break;
  }
  statements.set(sql, statement);
  return statement;
}

async function rowsOf(statement, limit = Infinity) {
  const rows = [];
  while (rows.length < limit && (await sqlite3.step(statement)) === SQLite.SQLITE_ROW) rows.push(sqlite3.row(statement));
  return rows;
}

const ops = {
  async open(path, { durability }) {
    const module = await SQLiteESMFactory();
    sqlite3 = SQLite.Factory(module);
    sqlite3.vfs_register(await VFS.create("bench", module), true);
    db = await sqlite3.open_v2(path);
    // Its own is 2 MB; this is what the official package has.
    await sqlite3.exec(db, "PRAGMA cache_size = -16384");
    await sqlite3.exec(db, `PRAGMA synchronous = ${durability}`);
  },
  async exec(sql) {
    await sqlite3.exec(db, sql);
  },
  async script(statements) {
    await sqlite3.exec(db, statements.join(";"));
  },
  async first(sql, values) {
    const statement = await prepared(sql);
    sqlite3.bind_collection(statement, values);
    let object = null;
    if ((await sqlite3.step(statement)) === SQLite.SQLITE_ROW) {
      const cells = sqlite3.row(statement);
      const columns = sqlite3.column_names(statement);
      object = {};
      for (let i = 0; i < columns.length; i++) object[columns[i]] = cells[i];
    }
    await sqlite3.reset(statement);
    return object;
  },
  async run(sql, values) {
    const statement = await prepared(sql);
    sqlite3.bind_collection(statement, values);
    await sqlite3.step(statement);
    await sqlite3.reset(statement);
  },
  async insertAll(sql, rows) {
    await sqlite3.exec(db, "BEGIN IMMEDIATE");
    const statement = await prepared(sql);
    for (const row of rows) {
      sqlite3.bind_collection(statement, row);
      await sqlite3.step(statement);
      await sqlite3.reset(statement);
    }
    await sqlite3.exec(db, "COMMIT");
  },
  async all(sql) {
    const statement = await prepared(sql);
    const rows = await rowsOf(statement);
    await sqlite3.reset(statement);
    return { columns: sqlite3.column_names(statement), rows };
  },
  async scan(sql) {
    scan = await prepared(sql);
    await sqlite3.reset(scan);
  },
  async scanned(limit) {
    const rows = await rowsOf(scan, limit);
    if (rows.length < limit) await sqlite3.reset(scan);
    return { columns: sqlite3.column_names(scan), rows };
  },
  async close() {
    for (const statement of statements.values()) await sqlite3.finalize(statement);
    await sqlite3.close(db);
  },
};

/** Answers by a database on this VFS. */
export function answerWith(vfs) {
  VFS = vfs;
  answer(ops);
}
