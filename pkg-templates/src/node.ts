/**
 * Engines in Node: the worker in a thread, over a database in memory.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { execArgv as ofProcess } from "node:process";
import { setImmediate } from "node:timers";
import { Worker as Thread } from "node:worker_threads";
import { createEngine } from "./create_engine.js";
import type { Engine } from "./engine.js";
import type { EngineOptions } from "./options.js";
import { Owed } from "./owed.js";

/** The option of Node that says whether the text on its command line is a module. */
const INPUT_TYPE = "--input-type";

/**
 * A thread of Node as a `Worker` of a browser. It keeps the process for as long as it loads or has something to answer: a
 * connection that was left open does not.
 */
function threadWorker(): Worker {
  // Node refuses a file where it was told how a text on its command line is to be read.
  const execArgv = ofProcess.filter((option, at, all) => !option.startsWith(INPUT_TYPE) && all[at - 1] !== INPUT_TYPE);
  const thread = new Thread(new URL("./node_worker.js", import.meta.url), { execArgv });
  const owed = new Owed();
  let looks = false;
  thread.on("message", (data) => {
    owed.answered(data);
    if (owed.count > 0 || looks) return;
    looks = true;
    // Whoever hears of it may ask for more right then.
    setImmediate(() => {
      looks = false;
      if (owed.count === 0) thread.unref();
    });
  });
  const listeners = new Map<unknown, (value: unknown) => void>();
  const worker = {
    addEventListener(kind: string, listener: (event: { data: unknown; message: string }) => void): void {
      const tell = (value: unknown): void => listener({ data: value, message: value instanceof Error ? value.message : "" });
      listeners.set(listener, tell);
      thread.on(kind, tell);
    },
    removeEventListener(kind: string, listener: unknown): void {
      const tell = listeners.get(listener);
      if (tell !== undefined) thread.off(kind, tell);
    },
    postMessage(message: unknown, transfer?: readonly unknown[]): void {
      if (message instanceof Uint8Array) {
        owed.asked(message);
        if (owed.count > 0) thread.ref();
      }
      thread.postMessage(message, transfer);
    },
    terminate: (): void => void thread.terminate(),
  };
  return worker as unknown as Worker;
}

/** What `createEngine()` needs beside a URL where there are no Web Workers and no `fetch` of files. */
export async function nodeOptions(): Promise<EngineOptions> {
  const wasm = await readFile(new URL("./worker.wasm", import.meta.url));
  let binary = "";
  for (let at = 0; at < wasm.length; at += 0x8000) binary += String.fromCharCode(...wasm.subarray(at, at + 0x8000));
  // Node fetches no files, but what is in the URL.
  return { worker: threadWorker, wasmUrl: `data:application/wasm;base64,${btoa(binary)}` };
}

/** An engine over a copy in memory of a SQLite file, or over an empty database. Nothing is ever written to the file. */
export async function openCopy(file?: string, options: EngineOptions = {}): Promise<Engine> {
  const engine = createEngine("sqlite://", { ...options, ...(await nodeOptions()) });
  if (file !== undefined) await engine.importBytes(new Uint8Array(await readFile(file)));
  return engine;
}
