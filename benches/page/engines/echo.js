// No database: what a message to a bare worker and back costs, the floor under every round trip.
import { rpc } from "./rpc.js";

export async function open() {
  const worker = new Worker(new URL("../workers/echo.js", import.meta.url));
  const call = rpc(worker);
  const first = (_, value) => call("echo", value);
  return { first, reads: (work) => work(first), close: async () => worker.terminate() };
}
