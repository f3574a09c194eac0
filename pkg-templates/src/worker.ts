/**
 * The shell of the worker: hands frames to the wasm that holds SQLite, and says so when that is broken. Run as a
 * SharedWorker, the same file is the broker between tabs.
 *
 * Messages to it are frames (`Uint8Array`), one `{ wasmUrl }` (an address, or the module itself) before the first frame, and `{ join, port }` or
 * `{ join, channel }` for each client in another tab. Messages from it are frames, `"ready"` once it listens,
 * `"lives:<lock>"` for the Web Lock that it holds as long as it lives, `"left:<client>"` when a client in another tab is
 * gone, and `"fatal:..."` when the wasm could not be loaded or trapped: nothing follows that.
 *
 * @module
 */

import { serve } from "./broker.js";
import init, { join, receive, run, start } from "./generated/worker.js";
import * as procedures from "./procedure_host.js";
import { SliceHost } from "./slice_host.js";

interface Scope {
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
  onerror: ((event: Event | string) => void) | null;
  onunhandledrejection: ((event: PromiseRejectionEvent) => void) | null;
  postMessage(message: unknown): void;
}

/** A client in another tab, and the way to it. */
interface Guest {
  readonly join: string;
  readonly port?: MessagePort;
  readonly channel?: string;
}

/** What begins only when the wasm is there. */
type Work = Uint8Array | Guest;

const scope = self as unknown as Scope;
let waiting: Work[] | null = null;
let running = false;
let broken = false;

function fail(reason: unknown): void {
  if (broken) return;
  broken = true;
  running = false;
  waiting = null;
  scope.postMessage(`fatal:${reason instanceof Error ? reason.message : String(reason)}`);
}

function take({ data }: MessageEvent<unknown>): void {
  if (broken) return;
  const work = workOf(data);
  if (work === undefined) {
    if (waiting === null && !running) void load((data as { wasmUrl?: string | WebAssembly.Module } | null)?.wasmUrl);
  } else if (running) {
    deliver(work);
  } else if (waiting === null) {
    void load(undefined);
    (waiting as unknown as Work[]).push(work);
  } else {
    waiting.push(work);
  }
}

function workOf(data: unknown): Work | undefined {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return typeof (data as Guest | null)?.join === "string" ? (data as Guest) : undefined;
}

async function load(wasmUrl: string | WebAssembly.Module | undefined): Promise<void> {
  waiting = [];
  try {
    await init(wasmUrl === undefined ? undefined : { module_or_path: wasmUrl });
    start(procedures, new SliceHost(run, fail));
  } catch (error) {
    return fail(`its WebAssembly could not be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
  running = true;
  const before = waiting;
  waiting = null;
  before.forEach(deliver);
}

function deliver(work: Work): void {
  if (!running) return;
  try {
    if (work instanceof Uint8Array) receive(work);
    else join(work.join, work.port ?? work.channel);
  } catch (error) {
    fail(error);
  }
}

if ("onconnect" in self) {
  serve(self);
} else {
  // Set before anything is awaited: a message must not be lost while the wasm loads.
  scope.onmessage = take;
  // Work that the wasm put off until later traps outside of `deliver`.
  scope.onerror = (event) => fail(typeof event === "string" ? event : ((event as ErrorEvent).message ?? "it failed"));
  scope.onunhandledrejection = ({ reason }) => fail(reason);
  scope.postMessage("ready");
  void holdLock(navigator.locks as LockManager | undefined);
}

/** A worker that is ended from outside says nothing, but the browser gives its lock to who waits for it. */
async function holdLock(locks: LockManager | undefined): Promise<void> {
  if (locks === undefined) return;
  const name = `aludel-worker:${crypto.randomUUID()}`;
  const held = (): Promise<never> => {
    scope.postMessage(`lives:${name}`);
    return new Promise(() => undefined);
  };
  // Where locks are refused, a silent death stays unseen.
  await locks.request(name, held).catch(() => undefined);
}
