/**
 * The worker in a thread of Node: what a browser's worker has and Node's has not, and then `worker.js` itself.
 *
 * @module
 */

import { parentPort } from "node:worker_threads";

const scope = globalThis as unknown as Record<string, unknown> & { onmessage: ((event: { data: unknown }) => void) | null };
scope["self"] = scope;
scope["navigator"] ??= {};
scope["postMessage"] = (message: unknown): void => parentPort?.postMessage(message);
// Messages wait until somebody listens, which is when the worker can take them.
void import("./worker.js").then(() => parentPort?.on("message", (data) => scope.onmessage?.({ data })));
