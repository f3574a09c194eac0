/**
 * Engines in Node: the worker in a thread, over a database in memory.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { setImmediate } from "node:timers";
import { Worker as Thread } from "node:worker_threads";
import { createEngine } from "./create_engine.js";
import type { Engine } from "./engine.js";
import type { EngineOptions } from "./options.js";

const EXECUTE = 0x03;
const CREDIT = 0x05;
const CLOSE_STREAM = 0x06;
const CANCEL = 0x07;
const SITE = 0x0e;
const ROWS = 0x83;
const FATAL = 0x86;
const PROGRESS = 0x89;

/**
 * Which requests a thread still has to answer, by the frames to it and from it (docs/PROTOCOL.md). A stream that nobody reads
 * is owed nothing: it waits for credits.
 */
class Owed {
  /** The requests, each with how many frames may still come; Infinity where that is not said. */
  readonly #requests = new Map<bigint, number>();
  #count = 0;

  /** How many requests get an answer without being asked for more. */
  get count(): number {
    return this.#count;
  }

  asked(frame: Uint8Array): void {
    const [kind, view] = [frame[2], new DataView(frame.buffer, frame.byteOffset, frame.byteLength)];
    if (kind === CANCEL || kind === SITE) return;
    if (kind === CREDIT || kind === CLOSE_STREAM) {
      const stream = view.getBigUint64(32, true);
      const frames = this.#requests.get(stream);
      if (frames !== undefined) this.#set(stream, kind === CREDIT ? frames + view.getUint32(40, true) : undefined);
    } else {
      this.#set(view.getBigUint64(8, true), kind === EXECUTE && frame[34] === 1 ? view.getUint32(36, true) : Infinity);
    }
  }

  answered(data: unknown): void {
    const view = data instanceof ArrayBuffer ? new DataView(data) : undefined;
    const kind = view?.getUint8(2);
    if (view === undefined ? String(data).startsWith("fatal:") : kind === FATAL) {
      this.#requests.clear();
      this.#count = 0;
    } else if (view !== undefined && kind !== PROGRESS) {
      const request = view.getBigUint64(8, true);
      const frames = this.#requests.get(request);
      if (frames !== undefined) this.#set(request, kind === ROWS && view.getUint8(32) === 1 ? frames - 1 : undefined);
    }
  }

  #set(request: bigint, frames: number | undefined): void {
    this.#count += Number((frames ?? 0) > 0) - Number((this.#requests.get(request) ?? 0) > 0);
    if (frames === undefined) this.#requests.delete(request);
    else this.#requests.set(request, frames);
  }
}

/**
 * A thread of Node as a `Worker` of a browser. It keeps the process for as long as it loads or has something to answer: a
 * connection that was left open does not.
 */
function threadWorker(): Worker {
  const thread = new Thread(new URL("./node_worker.js", import.meta.url));
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
