/**
 * How engines are made.
 *
 * @module
 */

import { describe } from "./encode.js";
import { Engine } from "./engine.js";
import { ArgumentError } from "./errors.js";
import type { EngineOptions } from "./options.js";

/**
 * Makes an engine of SQLAlchemy's URLs: `sqlite:///app.db` is a file in the browser's own storage, `sqlite://` a database
 * in memory. Nothing is opened before the first connect. In Node, `sqlite:///app.db` is a file on disk, below the directory of
 * the options.
 */
export function createEngine(url: string | URL, options: EngineOptions = {}): Engine {
  checkEngine(url, options);
  return Engine.of(String(url), options);
}

/** @internal */
export function checkEngine(url: unknown, options: unknown): void {
  if (typeof url !== "string" && !(url instanceof URL)) {
    throw new ArgumentError(`createEngine() takes a URL as a string, like "sqlite:///app.db", not ${describe(url)}`);
  }
  if (typeof options !== "object" || options === null) {
    throw new ArgumentError(`the options of createEngine() are an object, not ${describe(options)}`);
  }
}

/** SQLAlchemy's name for the same: every engine here is asynchronous. */
export const createAsyncEngine: typeof createEngine = createEngine;
