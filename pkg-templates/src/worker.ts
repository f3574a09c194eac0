/**
 * The shell of the worker: hands frames to the wasm that holds SQLite, and says so when that is broken.
 *
 * Messages to it are frames (`Uint8Array`), or one `{ wasmUrl }` before the first frame. Messages from it are frames,
 * `"ready"` once it listens, and `"fatal:..."` when the wasm could not be loaded or trapped: nothing follows that.
 *
 * @module
 */

import init, { receive, start } from "./generated/worker.js";

interface Scope {
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
  onerror: ((event: Event | string) => void) | null;
  onunhandledrejection: ((event: PromiseRejectionEvent) => void) | null;
  postMessage(message: unknown): void;
}

const scope = self as unknown as Scope;
let waiting: Uint8Array[] | null = null;
let running = false;
let broken = false;

function fail(reason: unknown): void {
  if (broken) return;
  broken = true;
  running = false;
  waiting = null;
  scope.postMessage(`fatal:${reason instanceof Error ? reason.message : String(reason)}`);
}

// Set before anything is awaited: a message must not be lost while the wasm loads.
scope.onmessage = ({ data }) => {
  if (broken) return;
  const frame = data instanceof Uint8Array ? data : data instanceof ArrayBuffer ? new Uint8Array(data) : undefined;
  if (frame === undefined) {
    if (waiting === null && !running) void load((data as { wasmUrl?: string } | null)?.wasmUrl);
  } else if (running) {
    deliver(frame);
  } else if (waiting === null) {
    void load(undefined);
    (waiting as unknown as Uint8Array[]).push(frame);
  } else {
    waiting.push(frame);
  }
};

// Work that the wasm put off until later traps outside of `deliver`.
scope.onerror = (event) => fail(typeof event === "string" ? event : ((event as ErrorEvent).message ?? "it failed"));
scope.onunhandledrejection = ({ reason }) => fail(reason);

async function load(wasmUrl: string | undefined): Promise<void> {
  waiting = [];
  try {
    await init(wasmUrl === undefined ? undefined : { module_or_path: wasmUrl });
    start();
  } catch (error) {
    return fail(`its WebAssembly could not be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
  running = true;
  const frames = waiting;
  waiting = null;
  frames.forEach(deliver);
}

function deliver(frame: Uint8Array): void {
  if (!running) return;
  try {
    receive(frame);
  } catch (error) {
    fail(error);
  }
}

scope.postMessage("ready");
