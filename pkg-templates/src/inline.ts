/**
 * The worker on the thread that asks it: for tests, for rendering on a server, for wherever there are no workers. It is the same
 * worker, in memory only, and it works between the tasks of its thread, which it holds up while a statement runs (for some 8 ms at a
 * time, where that has many rows).
 *
 * `createEngine("sqlite://", { strategy: "inline" })` imports this by itself. A bundler does not see that:
 *
 * ```js
 * import { createEngine } from "aludel";
 * import { inlineWorker } from "aludel/inline";
 * const engine = createEngine("sqlite://", { worker: inlineWorker });
 * ```
 *
 * @module
 */

import { run } from "./inline_worker.js";
import { Owed } from "./owed.js";

type Listener = (event: { readonly data?: unknown; readonly message?: string }) => void;

/** The worker's global scope. */
interface Scope {
  onmessage?: Listener | null;
  onerror?: Listener | null;
  [name: string]: unknown;
}

/** A timer of Node, which can let the process end. */
interface Timer {
  ref?(): unknown;
  unref?(): unknown;
}

/** The longest delay that timers know. */
const LONGEST = 2 ** 31 - 1;

/** The modules that were compiled, by their addresses. */
const modules = new Map<string, Promise<WebAssembly.Module>>();

/** Does something as a task of its own: other tasks, timers among them, come in between. */
function soon(work: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (work: () => void) => unknown };
  if (setImmediate !== undefined) {
    setImmediate(work);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    work();
  };
  port2.postMessage(null);
}

function compiled(address: string | undefined): Promise<WebAssembly.Module> {
  const url = address === undefined ? new URL("./worker.wasm", import.meta.url) : new URL(address);
  let module = modules.get(url.href);
  if (module === undefined) {
    module = compile(url);
    modules.set(url.href, module);
    // It may be there the next time.
    module.catch(() => modules.delete(url.href));
  }
  return module;
}

async function compile(url: URL): Promise<WebAssembly.Module> {
  if (url.protocol === "file:") {
    // Node fetches no files. Bundlers for browsers are not to look for this.
    const name = "node:fs/promises";
    const { readFile } = (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as typeof import("node:fs/promises");
    return WebAssembly.compile(new Uint8Array(await readFile(url)));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href} answers ${response.status}`);
  return WebAssembly.compile(await response.arrayBuffer());
}

/**
 * A worker on this thread, as what `new Worker()` gives: messages go to and fro as copies, in order, and none arrives while its sender
 * still works.
 */
export function inlineWorker(): Worker {
  const listeners = new Map<string, Set<Listener>>();
  const inbox: unknown[] = [];
  const timers = new Map<number, Timer>();
  const owed = new Owed();
  let [over, last] = [false, 0];
  // It keeps a process of Node for as long as somebody waits for an answer.
  const keeper = setInterval(() => undefined, LONGEST) as unknown as Timer;
  const keep = (): unknown => (owed.count > 0 ? keeper.ref?.() : keeper.unref?.());
  keep();
  // A browser has nothing that is to be kept.
  if (keeper.unref === undefined) clearInterval(keeper as unknown as number);

  const tell = (kind: string, event: Parameters<Listener>[0]): void => {
    for (const listener of [...(listeners.get(kind) ?? [])]) if (!over) listener(event);
  };
  const say = (message: unknown, transfer: Transferable[] = []): void => {
    if (over) return;
    const data: unknown = structuredClone(message, { transfer });
    owed.answered(data);
    keep();
    queueMicrotask(() => tell("message", { data }));
  };
  /** What throws in a worker ends it, and nobody else. */
  const guarded = (work: () => unknown): void => {
    if (over) return;
    try {
      work();
    } catch (error) {
      scope.onerror?.({ message: error instanceof Error ? error.message : String(error) });
    }
  };
  /** What the worker's promises go on with. */
  const later = (work: () => void): void => queueMicrotask(() => guarded(work));
  /** The two ports by which the worker puts off what it goes on with. */
  class Turns {
    readonly port1: { onmessage?: () => void } = {};
    readonly port2 = { postMessage: (): void => soon(() => guarded(() => this.port1.onmessage?.())) };
  }
  const scope: Scope = {
    crypto: globalThis.crypto,
    location: globalThis.location as unknown,
    performance: globalThis.performance,
    postMessage: say,
    queueMicrotask: later,
    setTimeout(work: () => void, delay: number): number {
      const id = ++last;
      const timer = setTimeout(() => {
        timers.delete(id);
        guarded(work);
      }, delay) as unknown as Timer;
      timer.unref?.();
      timers.set(id, timer);
      return id;
    },
    clearTimeout(id: number): void {
      clearTimeout(timers.get(id) as unknown as number);
      timers.delete(id);
    },
  };
  const begin = async (wasmUrl: string | undefined): Promise<void> => {
    try {
      const module = await compiled(wasmUrl);
      guarded(() => {
        run(scope, scope, {}, Turns, later);
        scope.onmessage?.({ data: { wasmUrl: module } });
      });
    } catch (error) {
      say(`fatal:its WebAssembly could not be loaded: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const worker = {
    addEventListener(kind: string, listener: Listener): void {
      const known = listeners.get(kind) ?? new Set();
      listeners.set(kind, known.add(listener));
    },
    removeEventListener: (kind: string, listener: Listener): void => void listeners.get(kind)?.delete(listener),
    postMessage(message: unknown, transfer: Transferable[] = []): void {
      if (over) return;
      if (!(message instanceof Uint8Array) && typeof message === "object" && message !== null && "wasmUrl" in message) {
        void begin(message.wasmUrl as string | undefined);
        return;
      }
      inbox.push(structuredClone(message, { transfer }));
      if (message instanceof Uint8Array) owed.asked(inbox.at(-1) as Uint8Array);
      keep();
      soon(() => {
        // Taken in any case: the next message is not for this turn.
        const data = inbox.shift();
        guarded(() => scope.onmessage?.({ data }));
      });
    },
    terminate(): void {
      over = true;
      for (const timer of timers.values()) clearTimeout(timer as unknown as number);
      clearInterval(keeper as unknown as number);
      timers.clear();
      listeners.clear();
      inbox.length = 0;
    },
  };
  return worker as unknown as Worker;
}
