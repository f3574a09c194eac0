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
    async close() {
      await call("close");
      worker.terminate();
    },
  };
}
