// The official package in a worker of its own, on its opfs-sahpool VFS, with prepared statements kept.
import { database, rpc } from "./rpc.js";

export async function open(path, { wal = false } = {}) {
  const worker = new Worker("/peers/sqlite-wasm/worker.js", { type: "module" });
  const call = rpc(worker);
  await call("open", path, wal);
  return {
    ...database(call),
    async close() {
      await call("close");
      worker.terminate();
    },
  };
}
