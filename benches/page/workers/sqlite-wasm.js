import sqlite3InitModule from "@sqlite.org/sqlite-wasm";
import { answer } from "./answer.js";

let db;
let scan;
const statements = new Map();

function prepared(sql) {
  let statement = statements.get(sql);
  if (!statement) statements.set(sql, (statement = db.prepare(sql)));
  return statement;
}

const ops = {
  async open(path, wal) {
    const sqlite3 = await sqlite3InitModule({ print() {}, printErr() {} });
    // A pool per database: it is opened by one worker at a time.
    const name = path.replace(/\W/g, "-");
    const pool = await sqlite3.installOpfsSAHPoolVfs({ name, directory: `.sahpool-${name}` });
    db = new pool.OpfsSAHPoolDb(`/${path}`);
    if (wal) {
      db.exec("PRAGMA locking_mode=exclusive");
      const mode = db.selectValue("PRAGMA journal_mode=wal");
      if (mode !== "wal") throw new Error(`journal_mode is ${mode}`);
      db.exec("PRAGMA synchronous=normal");
    }
  },
  exec: (sql) => void db.exec(sql),
  // Not as one text: SQLite would copy for each statement whatever stands behind it.
  script: (statements) => statements.forEach((sql) => db.exec(sql)),
  first(sql, values) {
    const statement = prepared(sql).bind(values);
    const row = statement.step() ? statement.get({}) : null;
    statement.reset();
    return row;
  },
  run(sql, values) {
    prepared(sql).bind(values).stepReset();
  },
  insertAll(sql, rows) {
    db.transaction(() => {
      const statement = prepared(sql);
      for (const row of rows) statement.bind(row).stepReset();
    });
  },
  all(sql) {
    const columns = [];
    const rows = db.exec({ sql, rowMode: "array", returnValue: "resultRows", columnNames: columns });
    return { columns, rows };
  },
  scan(sql) {
    scan = prepared(sql).reset();
  },
  scanned(limit) {
    const columns = scan.getColumnNames();
    const rows = [];
    while (rows.length < limit && scan.step()) rows.push(scan.get([]));
    if (rows.length < limit) scan.reset();
    return { columns, rows };
  },
  close() {
    statements.forEach((statement) => statement.finalize());
    db.close();
  },
};

answer(ops);
