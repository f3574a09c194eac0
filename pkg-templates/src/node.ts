/**
 * Engines in Node: the worker in a thread, over files on disk or a database in memory.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { execArgv as ofProcess } from "node:process";
import { setImmediate } from "node:timers";
import { Worker as Thread } from "node:worker_threads";
import { checkEngine, createEngine as create } from "./create_engine.js";
import { Engine } from "./engine.js";
import { directoryOf, fromRoot, isOnDisk } from "./node_paths.js";
import type { ThreadData } from "./node_worker.js";
import type { EngineOptions } from "./options.js";
import { Owed } from "./owed.js";
import { INLINE_STRATEGY } from "./spawner.js";

/** The option of Node that says whether the text on its command line is a module. */
const INPUT_TYPE = "--input-type";

/** The ends of threads that have been told to end, and have their files until then. */
const ending = new Set<Promise<unknown>>();

/**
 * Waits until the threads have ended that were told to.
 * @internal
 */
export async function threadsEnded(): Promise<void> {
  await Promise.allSettled(ending);
}

function startThread(workerData: ThreadData): Thread {
  const file = new URL("./node_worker.js", import.meta.url);
  // Unless told otherwise, a thread has those options of the process that it can have.
  if (!ofProcess.some((option) => option.startsWith(INPUT_TYPE))) return new Thread(file, { workerData });
  // Node refuses a file where it was told how a text on its command line is to be read.
  const execArgv = ofProcess.filter((option, at, all) => !option.startsWith(INPUT_TYPE) && all[at - 1] !== INPUT_TYPE);
  try {
    return new Thread(file, { workerData, execArgv });
  } catch {
    // There are some among them that only a process can have.
    return new Thread(file, { workerData, execArgv: [] });
  }
}

/**
 * A thread of Node as a `Worker` of a browser. It keeps the process for as long as it loads or has something to answer: a
 * connection that was left open does not.
 */
function threadWorker(data: ThreadData): Worker {
  const thread = startThread(data);
  const owed = new Owed();
  let [looks, ends] = [false, false];
  thread.on("message", (data) => {
    owed.answered(data);
    if (owed.count > 0 || looks) return;
    looks = true;
    // Whoever hears of it may ask for more right then, or wait for its end.
    setImmediate(() => {
      looks = false;
      if (owed.count === 0 && !ends) thread.unref();
    });
  });
  // An error that comes when nobody listens any more would end the process.
  thread.on("error", () => undefined);
  /** What the thread calls for each listener, by kind. */
  const listeners = new Map<string, Map<unknown, (value: unknown) => void>>();
  const worker = {
    addEventListener(kind: string, listener: (event: { data: unknown; message: string }) => void): void {
      const known = listeners.get(kind) ?? new Map<unknown, (value: unknown) => void>();
      // As in a browser, it is called once.
      if (known.has(listener)) return;
      const tell = (value: unknown): void => listener({ data: value, message: value instanceof Error ? value.message : "its thread has ended" });
      listeners.set(kind, known.set(listener, tell));
      thread.on(kind, tell);
      // What runs in it may end it.
      if (kind === "error") thread.on("exit", tell);
    },
    removeEventListener(kind: string, listener: unknown): void {
      const tell = listeners.get(kind)?.get(listener);
      if (tell === undefined) return;
      listeners.get(kind)?.delete(listener);
      thread.off(kind, tell);
      thread.off("exit", tell);
    },
    postMessage(message: unknown, transfer?: readonly unknown[]): void {
      if (message instanceof Uint8Array) {
        owed.asked(message);
        if (owed.count > 0) thread.ref();
      }
      thread.postMessage(message, transfer);
    },
    terminate(): void {
      ends = true;
      const end = thread.terminate().finally(() => ending.delete(end));
      ending.add(end);
    },
  };
  return worker as unknown as Worker;
}

/** What `createEngine()` of browsers needs beside a URL where there are no Web Workers: a worker that has databases in memory only. */
export async function nodeOptions(): Promise<EngineOptions> {
  return { worker: () => threadWorker({ files: false }) };
}

/**
 * As `createEngine()` of browsers: the worker runs in a thread, and files are on disk. Where there are Web Workers, and where
 * `worker` or `strategy: "inline"` says otherwise, it is the same.
 */
export function createEngine(url: string | URL, options: EngineOptions = {}): Engine {
  checkEngine(url, options);
  const elsewhere = options.worker !== undefined || options.strategy === INLINE_STRATEGY || !isOnDisk();
  if (elsewhere) return create(url, options);
  const { directory, ...rest } = options;
  const onDisk = fromRoot(String(url), directoryOf(directory));
  return Engine.of(String(url), { ...rest, worker: () => threadWorker({ files: true }) }, onDisk);
}

/** SQLAlchemy's name for the same: every engine here is asynchronous. */
export const createAsyncEngine: typeof createEngine = createEngine;

/** An engine over a copy in memory of a SQLite file, or over an empty database. Nothing is ever written to the file. */
export async function openCopy(file?: string, options: EngineOptions = {}): Promise<Engine> {
  const engine = create("sqlite://", { ...options, ...(await nodeOptions()) });
  if (file !== undefined) await engine.importBytes(new Uint8Array(await readFile(file)));
  return engine;
}
