/**
 * The wasm of the main thread: inlined, compiled and instantiated at first use, on the spot.
 *
 * Importing the package does nothing and cannot fail. When the wasm cannot be had (an old browser, a Content Security
 * Policy without `wasm-unsafe-eval`), the reason is kept and thrown, typed, by the first call that needs it and by each
 * one after it. No side effect of a module is needed, so bundlers may drop whatever is not used.
 *
 * There are two files: the client's, here, and Core's in `core/wasm.ts`, which nothing but Core imports.
 *
 * @module
 */

import { NotSupportedError } from "./errors.js";
import * as client from "./generated/client.js";
import { inlined } from "./generated/client_bytes.js";
import { bytesOf, type Inlined } from "./inlined.js";

/**
 * A wasm file, instantiated when its exports are first asked for.
 * @internal
 */
export class Wasm<Exports extends { initSync(given: { module: WebAssembly.Module }): unknown }> {
  readonly #exports: Exports;
  readonly #inlined: Inlined;
  #module: WebAssembly.Module | undefined;
  #ready = false;
  #failure: NotSupportedError | undefined;

  constructor(exports: Exports, inlined: Inlined) {
    [this.#exports, this.#inlined] = [exports, inlined];
  }

  /** Gives a module that the runtime has compiled, where it compiles no bytes itself. */
  provide(compiled: WebAssembly.Module): void {
    this.#module = compiled;
  }

  /** What it exports. */
  exports(): Exports {
    if (this.#ready) return this.#exports;
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#exports.initSync({ module: this.#module ?? new WebAssembly.Module(bytesOf(this.#inlined)) });
      this.#ready = true;
      return this.#exports;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#failure = new NotSupportedError(
        `aludel's WebAssembly cannot run here: ${why}. It needs a browser of 2023 or newer, and under a Content Security ` +
          "Policy `script-src 'wasm-unsafe-eval'`",
        { cause },
      );
      throw this.#failure;
    }
  }
}

const wasm: Wasm<typeof client> = new Wasm(client, inlined);

/**
 * Gives the client's module.
 * @internal
 */
export function provideModule(compiled: WebAssembly.Module): void {
  wasm.provide(compiled);
}

/**
 * What the client exports.
 * @internal
 */
export function native(): typeof client {
  return wasm.exports();
}
