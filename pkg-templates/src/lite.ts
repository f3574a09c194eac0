/**
 * aludel over a smaller SQLite: without FTS5, R*Tree and dbstat, and compiled to be small rather than fast. All that the package
 * exports is here as well; the engines made by this module's `createEngine()` are what differs.
 *
 * @module
 */

import { createEngine as create } from "./create_engine.js";
import type { Engine } from "./engine.js";
import type { EngineOptions } from "./options.js";

export * from "./index.js";

/** Makes an engine, as `createEngine()` of the whole package does; its worker loads the smaller SQLite. */
export function createEngine(url: string | URL, options: EngineOptions = {}): Engine {
  if (typeof options !== "object" || options === null) return create(url, options);
  // Bundlers look for exactly this expression.
  return create(url, { ...options, wasmUrl: options.wasmUrl ?? new URL("./lite.wasm", import.meta.url) });
}

/** SQLAlchemy's name for the same: every engine here is asynchronous. */
export const createAsyncEngine: typeof createEngine = createEngine;
