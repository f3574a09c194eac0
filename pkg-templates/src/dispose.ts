/**
 * The symbols of `using` and `await using`, also where the browser does not have them yet.
 *
 * @module
 */
/// <reference lib="esnext.disposable" preserve="true" />

// Compilers that lower `using` (TypeScript, esbuild, Babel) fall back to the same registered symbols.

/** `Symbol.dispose`. */
export const dispose: typeof Symbol.dispose = Symbol.dispose ?? (Symbol.for("Symbol.dispose") as typeof Symbol.dispose);

/** `Symbol.asyncDispose`. */
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);
