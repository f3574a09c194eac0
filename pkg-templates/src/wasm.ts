/**
 * The main-thread wasm: inlined, compiled and instantiated at first use, on the spot.
 *
 * Importing the package does nothing and cannot fail. When the wasm cannot be had (an old browser, a Content Security
 * Policy without `wasm-unsafe-eval`), the reason is kept and thrown, typed, by the first call that needs it and by each
 * one after it. No side effect of a module is needed, so bundlers may drop whatever is not used.
 *
 * @module
 */

import { NotSupportedError } from "./errors.js";
import * as client from "./generated/client.js";
import { base64 } from "./generated/client_bytes.js";

let module: WebAssembly.Module | undefined;
let ready = false;
let failure: NotSupportedError | undefined;

/**
 * Gives a module that the runtime has compiled, where it compiles no bytes itself.
 * @internal
 */
export function provideModule(compiled: WebAssembly.Module): void {
  module = compiled;
}

/**
 * What the wasm exports.
 * @internal
 */
export function native(): typeof client {
  if (ready) return client;
  if (failure !== undefined) throw failure;
  try {
    client.initSync({ module: module ?? new WebAssembly.Module(decode(base64)) });
    ready = true;
    return client;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    failure = new NotSupportedError(
      `aludel's WebAssembly cannot run here: ${why}. It needs a browser of 2023 or newer, and under a Content Security ` +
        "Policy `script-src 'wasm-unsafe-eval'`",
      { cause },
    );
    throw failure;
  }
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < characters.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}
