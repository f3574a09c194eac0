/**
 * Where the worker finds and calls procedures: functions that modules of the page's origin export.
 *
 * @module
 */

import { describe, isThenable } from "./encode.js";
import { ProcedureError } from "./errors.js";
import { SyncConnection, SyncEngine, type Door, type DoorState } from "./sync_connection.js";
import { decodeValue, encodeValue } from "./values_codec.js";

type Callable = (first: SyncConnection | SyncEngine, ...args: readonly unknown[]) => unknown;

/** Imports a module, and gives the function that it exports under a name. */
export async function load(module: string, name: string): Promise<Callable> {
  checkOrigin(module);
  let exports: Record<string, unknown>;
  try {
    exports = (await import(/* webpackIgnore: true */ /* @vite-ignore */ module)) as Record<string, unknown>;
  } catch (error) {
    throw new ProcedureError(`the module ${module} could not be imported: ${error instanceof Error ? error.message : String(error)}`);
  }
  const found = Object.hasOwn(exports, name) ? exports[name] : undefined;
  if (typeof found !== "function") {
    const known = Object.keys(exports).filter((key) => typeof exports[key] === "function");
    const what = Object.hasOwn(exports, name) ? `as ${describe(found)}, which is no function` : "nothing of that name";
    throw new ProcedureError(`${module} exports ${JSON.stringify(name)}: ${what}; its functions are: ${known.join(", ") || "none"}`);
  }
  if (/Async|Generator/.test(Object.prototype.toString.call(found))) {
    throw new ProcedureError(`${name}() is asynchronous or a generator; a procedure works synchronously: nothing in it is awaited`);
  }
  return found as Callable;
}

/** Whoever can choose the module can do what the page can: so it is one of the page's own. */
function checkOrigin(module: string): void {
  const own = (self as unknown as { location?: { origin?: string } }).location?.origin;
  const url = new URL(module);
  // Bundlers make small files parts of the app by `data:`. A thread of Node has no origin, and neither have its files.
  // A `blob:` has the origin of who made it, and so may hold what came from anywhere.
  const mine = url.protocol !== "blob:" && url.origin === own;
  const allowed = url.protocol === "data:" || (own === undefined ? url.protocol === "file:" : mine);
  if (!allowed) {
    throw new ProcedureError(`the module ${module} is of another origin than the page (${own ?? "file:"}), and is not imported`);
  }
}

/** Calls a function with a connection or an engine, and gives what it returned, behind a 1, or threw, behind a 0. */
export function call(found: Callable, name: string, given: Uint8Array, engine: boolean, ask: Door): Uint8Array {
  const door: DoorState = { ask };
  try {
    const [hidden, args] = decodeValue(given) as readonly [boolean, readonly Uint8Array[]];
    const connection = SyncConnection.of(door, hidden);
    const value = found(engine ? SyncEngine.of(connection) : connection, ...args.map(decodeValue));
    if (isThenable(value)) {
      // Nobody waits for it.
      void Promise.resolve(value).catch(() => undefined);
      throw new ProcedureError(`${name}() returned a Promise; a procedure works synchronously: nothing in it is awaited`);
    }
    return encodeValue(value, `what ${name}() returned`, 1);
  } catch (error) {
    return thrown(error, name);
  } finally {
    door.ask = undefined;
  }
}

function thrown(error: unknown, name: string): Uint8Array {
  try {
    return encodeValue(error, `what ${name}() threw`, 0);
  } catch {
    return encodeValue(new Error(error instanceof Error ? error.message : describe(error)), name, 0);
  }
}
