// sql.js in a worker of its own, in memory, with prepared statements kept.
import { objects, rpc } from "./rpc.js";

export async function open() {
  const worker = new Worker(new URL("../workers/sql.js.js", import.meta.url));
  const call = rpc(worker);
  await call("open");
  return {
    exec: (sql) => call("exec", sql),
    first: (sql, value) => call("first", sql, [value]),
    run: (sql, values) => call("run", sql, values),
    insertAll: (sql, rows) => call("insertAll", sql.positional, sql.columns, rows),
    all: async (sql) => objects(await call("all", sql)),
    async transaction(work) {
      await call("exec", "BEGIN");
      await work((sql, values) => call("run", sql, values));
      await call("exec", "COMMIT");
    },
    async close() {
      worker.terminate();
    },
  };
}
