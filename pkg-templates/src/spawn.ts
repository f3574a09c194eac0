/**
 * Starts the workers of the package.
 *
 * Bundlers (Vite, webpack, Rspack, Parcel, Turbopack) look for exactly these expressions, so they stand here literally and
 * nothing else does.
 *
 * @module
 */

/** A new worker, from the file beside this one. */
export function spawnWorker(): Worker {
  return new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "aludel" });
}

/** The broker between tabs, from the same file; undefined where there are no SharedWorkers. */
export function spawnBroker(): SharedWorker | undefined {
  if (typeof SharedWorker === "undefined") return undefined;
  return new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name: "aludel" });
}
