/**
 * Starts the worker of the package.
 *
 * Bundlers (Vite, webpack, Rspack, Parcel, Turbopack) look for exactly this expression, so it stands here literally and
 * nothing else does.
 *
 * @module
 */

/** A new worker, from the file beside this one. */
export function spawnWorker(): Worker {
  return new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "aludel" });
}
