/**
 * aludel over a smaller SQLite, as `lite.ts`, in Node.
 *
 * @module
 */

import type { Engine } from "./engine.js";
import { createEngine as create } from "./node.js";
import type { EngineOptions } from "./options.js";

export * from "./index_node.js";

/** Makes an engine, as `createEngine()` of the whole package does; its worker loads the smaller SQLite. */
export function createEngine(url: string | URL, options: EngineOptions = {}): Engine {
  if (typeof options !== "object" || options === null) return create(url, options);
  return create(url, { ...options, wasmUrl: options.wasmUrl ?? new URL("./lite.wasm", import.meta.url) });
}

/** SQLAlchemy's name for the same: every engine here is asynchronous. */
export const createAsyncEngine: typeof createEngine = createEngine;
