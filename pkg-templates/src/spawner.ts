/**
 * How an engine makes its workers: from the package's own file, or as it was told.
 *
 * @module
 */

import { describe } from "./encode.js";
import { ArgumentError, NotSupportedError } from "./errors.js";
import { spawnWorker } from "./spawn.js";

/** Checks the options `worker` and `wasmUrl`, and gives the function that makes a worker. */
export function spawner(worker: (() => Worker) | undefined, wasmUrl: string | URL | undefined): () => Worker {
  if (worker !== undefined && typeof worker !== "function") {
    throw new ArgumentError(`Option 'worker' takes a function that makes a Worker, not ${describe(worker)}`);
  }
  if (wasmUrl !== undefined && typeof wasmUrl !== "string" && !(wasmUrl instanceof URL)) {
    throw new ArgumentError(`Option 'wasmUrl' takes a URL, not ${describe(wasmUrl)}`);
  }
  return () => {
    if (worker === undefined && typeof Worker === "undefined") {
      throw new NotSupportedError("there are no Web Workers here; give createEngine() the option 'worker'");
    }
    const made = (worker ?? spawnWorker)();
    if (typeof made?.postMessage !== "function" || typeof made.addEventListener !== "function") {
      throw new ArgumentError(`Option 'worker' is to give a Worker, not ${describe(made)}`);
    }
    // It begins to load at once; a relative URL is meant relative to the page.
    const url = wasmUrl === undefined ? undefined : new URL(wasmUrl, globalThis.location?.href).href;
    made.postMessage({ wasmUrl: url });
    return made;
  };
}
