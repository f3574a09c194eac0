/**
 * How an engine makes its workers: from the package's own file, or as it was told.
 *
 * @module
 */

import { describe } from "./encode.js";
import { ArgumentError, NotSupportedError } from "./errors.js";
import { spawnWorker } from "./spawn.js";

/** Where the worker runs: in a thread of its own. */
export const WORKER_STRATEGY = "worker";
/** Where the worker runs: on the thread that asks it, in memory only. */
export const INLINE_STRATEGY = "inline";

/** Checks the options `worker`, `wasmUrl` and `strategy`, and gives the function that makes a worker. */
export function spawner(
  worker: (() => Worker) | undefined,
  wasmUrl: string | URL | undefined,
  strategy: typeof WORKER_STRATEGY | typeof INLINE_STRATEGY = WORKER_STRATEGY,
): () => Worker {
  const inline = strategy === INLINE_STRATEGY;
  if (!inline && strategy !== WORKER_STRATEGY) {
    const given: unknown = strategy;
    throw new ArgumentError(`Option 'strategy' is "worker" or "inline", not ${typeof given === "string" ? JSON.stringify(given) : describe(given)}`);
  }
  if (inline && worker !== undefined) throw new ArgumentError(`Option 'worker' makes a worker, and with the strategy "inline" there is none`);
  if (worker !== undefined && typeof worker !== "function") {
    throw new ArgumentError(`Option 'worker' takes a function that makes a Worker, not ${describe(worker)}`);
  }
  if (wasmUrl !== undefined && typeof wasmUrl !== "string" && !(wasmUrl instanceof URL)) {
    throw new ArgumentError(`Option 'wasmUrl' takes a URL, not ${describe(wasmUrl)}`);
  }
  return () => {
    if (worker === undefined && !inline && typeof Worker === "undefined") {
      throw new NotSupportedError("there are no Web Workers here; give createEngine() the option 'worker', or strategy: \"inline\"");
    }
    const made = (worker ?? (inline ? spawnInline : spawnWorker))();
    if (typeof made?.postMessage !== "function" || typeof made.addEventListener !== "function") {
      throw new ArgumentError(`Option 'worker' is to give a Worker, not ${describe(made)}`);
    }
    // It begins to load at once; a relative URL is meant relative to the page.
    const url = wasmUrl === undefined ? undefined : new URL(wasmUrl, globalThis.location?.href).href;
    made.postMessage({ wasmUrl: url });
    return made;
  };
}

/** The worker of `inline.js`, which is imported now, and by nobody else. */
function spawnInline(): Worker {
  let worker: Worker | undefined;
  let over = false;
  const waiting: ((worker: Worker) => void)[] = [];
  const failed: ((event: { message: string }) => void)[] = [];
  const when = (act: (worker: Worker) => void): void => (worker === undefined ? void waiting.push(act) : act(worker));
  // Bundlers are not to put it into what everybody downloads: so they are not shown it.
  const here = import.meta.url;
  const found = import(/* webpackIgnore: true */ /* @vite-ignore */ new URL("./inline.js", here).href) as Promise<typeof import("./inline.js")>;
  found.then(
    ({ inlineWorker }) => {
      if (over) return;
      worker = inlineWorker();
      for (const act of waiting) act(worker);
    },
    (error: unknown) => {
      if (over) return;
      const why = error instanceof Error ? error.message : String(error);
      const message = `${why}. Where the package is bundled, import { inlineWorker } from "aludel/inline" and give createEngine() worker: inlineWorker`;
      for (const tell of failed) tell({ message });
    },
  );
  return {
    addEventListener(kind: string, listener: () => void): void {
      if (kind === "error") failed.push(listener);
      when((made) => made.addEventListener(kind, listener));
    },
    removeEventListener: (kind: string, listener: () => void) => when((made) => made.removeEventListener(kind, listener)),
    postMessage: (message: unknown, transfer: Transferable[]) => when((made) => made.postMessage(message, transfer)),
    terminate(): void {
      over = true;
      worker?.terminate();
    },
  } as unknown as Worker;
}
