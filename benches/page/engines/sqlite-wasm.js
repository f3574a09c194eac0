// The official package in a worker of its own, on its opfs-sahpool VFS, with prepared statements kept.
import { objects, rpc } from "./rpc.js";

export async function open(path, { wal = false } = {}) {
  const worker = new Worker(new URL("../workers/sqlite-wasm.js", import.meta.url), { type: "module" });
  const call = rpc(worker);
  await call("open", path, wal);
  return {
    exec: (sql) => call("exec", sql),
    first: (sql, value) => call("first", sql, [value]),
    run: (sql, values) => call("run", sql, values),
    insertAll: (sql, rows) => call("insertAll", sql.positional, sql.columns, rows),
    all: async (sql) => objects(await call("all", sql)),
    // A hand-made worker gives as many rows a message as the page asks for. There is one connection, so that what others
    // write meanwhile shows in the rows that are left.
    async *batches(sql, rows) {
      await call("scan", sql);
      for (;;) {
        const batch = objects(await call("scanned", rows));
        if (batch.length > 0) yield batch;
        if (batch.length < rows) return;
      }
    },
    async transaction(work) {
      await call("exec", "BEGIN");
      await work((sql, values) => call("run", sql, values));
      await call("exec", "COMMIT");
    },
    async close() {
      await call("close");
      worker.terminate();
    },
  };
}
