// wa-sqlite's synchronous build in a worker, on one of its VFSs in OPFS.
import { database, rpc } from "./rpc.js";

async function connect(script, path, options) {
  const worker = new Worker(`/peers/wa-sqlite/${script}.js`, { type: "module" });
  const call = rpc(worker);
  await call("open", path, options);
  return {
    call,
    async close() {
      await call("close");
      worker.terminate();
    },
  };
}

/** One worker, and with a VFS that lets readers read beside a writer a second one, once something is to run beside the rest. */
export async function openWith(script, path, durability, several) {
  const main = await connect(script, path, { durability });
  let second;
  const other = async () => (await (second ??= connect(script, path, { durability }))).call;
  return {
    ...database(main.call, { begin: "BEGIN IMMEDIATE", ...(several && { other }) }),
    async close() {
      await (await second)?.close();
      await main.close();
    },
  };
}
