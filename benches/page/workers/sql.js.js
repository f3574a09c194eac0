importScripts("/sql.js/sql-wasm.js");

let db;
let scan;
const statements = new Map();

function prepared(sql) {
  let statement = statements.get(sql);
  if (!statement) statements.set(sql, (statement = db.prepare(sql)));
  return statement;
}

const ops = {
  async open() {
    const SQL = await initSqlJs({ locateFile: (file) => `/sql.js/${file}` });
    db = new SQL.Database();
  },
  exec: (sql) => void db.exec(sql),
  script: (statements) => void db.exec(statements.join(";")),
  first(sql, values) {
    const statement = prepared(sql);
    return statement.getAsObject(values);
  },
  run(sql, values) {
    prepared(sql).run(values);
  },
  insertAll(sql, rows) {
    db.exec("BEGIN");
    const statement = prepared(sql);
    for (const row of rows) statement.run(row);
    db.exec("COMMIT");
  },
  scan(sql) {
    scan = prepared(sql);
    scan.reset();
  },
  scanned(limit) {
    const columns = scan.getColumnNames();
    const rows = [];
    while (rows.length < limit && scan.step()) rows.push(scan.get());
    if (rows.length < limit) scan.reset();
    return { columns, rows };
  },
  all(sql) {
    const [result] = db.exec(sql);
    return { columns: result?.columns ?? [], rows: result?.values ?? [] };
  },
};

self.onmessage = ({ data: { id, op, args } }) => {
  const fail = (error) => self.postMessage({ id, error: String(error?.message ?? error) });
  if (op === "open") return ops.open().then(() => self.postMessage({ id }), fail);
  try {
    const value = ops[op](...args);
    // Bytes are handed over, not copied.
    const bytes = op === "first" ? Object.values(value).filter((cell) => cell instanceof Uint8Array) : [];
    self.postMessage({ id, value }, bytes.map(({ buffer }) => buffer));
  } catch (error) {
    fail(error);
  }
};
