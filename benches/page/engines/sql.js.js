// sql.js in a worker of its own, in memory, with prepared statements kept.
import { database, rpc } from "./rpc.js";

export async function open() {
  const worker = new Worker(new URL("../workers/sql.js.js", import.meta.url));
  const call = rpc(worker);
  await call("open");
  return {
    ...database(call),
    async close() {
      worker.terminate();
    },
  };
}
