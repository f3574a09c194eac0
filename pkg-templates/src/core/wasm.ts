/**
 * Core's wasm: the compiler of statements, and what reads schemas back. Only modules of Core import this one, so that an app which
 * runs texts of SQL only is bundled without it.
 *
 * @module
 */

import * as exports from "../generated/core.js";
import { inlined } from "../generated/core_bytes.js";
import { Wasm } from "../wasm.js";

const wasm: Wasm<typeof exports> = new Wasm(exports, inlined);

/**
 * Gives Core's module.
 * @internal
 */
export function provideCore(compiled: WebAssembly.Module): void {
  wasm.provide(compiled);
}

/**
 * What Core's wasm exports.
 * @internal
 */
export function core(): typeof exports {
  return wasm.exports();
}
