/**
 * The worker in a thread of Node: what a browser's worker has and Node's has not, and then `worker.js` itself.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { parentPort, workerData } from "node:worker_threads";
import { NodeDirectory, NodeFile } from "./node_files.js";

/** What the thread that makes this one gives it. */
export interface ThreadData {
  /** Whether it may write files. */
  readonly files: boolean;
}

const scope = globalThis as unknown as Record<string, unknown> & { onmessage: ((event: { data: unknown }) => void) | null };

/**
 * In place of Web Locks, which Node either has not or shows to the thread that holds them only: files are locked as they are opened,
 * and nobody learns by a lock that somebody is gone.
 */
const locks = {
  request: async (name: string, _options: unknown, granted: (lock: unknown) => unknown): Promise<unknown> => {
    if (!name.startsWith("aludel:")) throw new DOMException("there are no locks here", "NotSupportedError");
    return granted({ name });
  },
};

/** A message, with the wasm in place of its address: Node fetches no files. */
function loading(data: unknown): unknown {
  if (typeof data !== "object" || data === null || !("wasmUrl" in data)) return data;
  const url = data.wasmUrl === undefined ? new URL("./worker.wasm", import.meta.url) : new URL(data.wasmUrl as string);
  return url.protocol === "file:" ? { wasmUrl: readFile(url) } : data;
}

scope["self"] = scope;
const navigator = (scope["navigator"] ??= {}) as object;
Object.defineProperty(navigator, "locks", { value: locks });
if ((workerData as ThreadData | null)?.files === true) {
  const storage = { getDirectory: async (): Promise<NodeDirectory> => new NodeDirectory() };
  Object.defineProperty(navigator, "storage", { value: storage });
  scope["FileSystemFileHandle"] = NodeFile;
}
scope["postMessage"] = (message: unknown): void => parentPort?.postMessage(message);
// Messages wait until somebody listens, which is when the worker can take them.
void import("./worker.js").then(() => parentPort?.on("message", (data) => scope.onmessage?.({ data: loading(data) })));
