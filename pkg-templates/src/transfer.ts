/**
 * Databases on their way in and out, as the bytes of SQLite files.
 *
 * @module
 */

import { call, callOptions, limit, type NativeCall } from "./call.js";
import type { Connection } from "./connection.js";
import { asBytes, describe, HEADROOM } from "./encode.js";
import { ArgumentError, NotSupportedError, StorageError } from "./errors.js";
import type { NativeImport } from "./generated/client.js";
import { text } from "./statement.js";

/** How far an import or export came. */
export interface TransferProgress {
  /**
   * What it is doing: an export sends; an import receives, then checks whether the bytes are a healthy database, then
   * copies them into the place of the database.
   */
  readonly phase: "send" | "receive" | "check" | "copy";
  /** How many bytes are done in this phase. */
  readonly done: number;
  /** Of how many; undefined where nobody knows, as of a stream that is received. */
  readonly total: number | undefined;
}

/** What imports and exports take as their last argument. */
export interface TransferOptions {
  /** Ends it, wherever it is: it rejects with the signal's reason, and the database is what it was. */
  readonly signal?: AbortSignal;
  /** How many milliseconds it may take, all waiting included; then it rejects with a `TimeoutError`. */
  readonly timeout?: number;
  /** Learns how far it is. What it throws is reported as an uncaught error and stops nothing. */
  readonly onProgress?: (progress: TransferProgress) => void;
}

/** Options of `importStream()`. */
export interface ImportStreamOptions extends TransferOptions {
  /** How many bytes the stream has, where that is known: for the progress. */
  readonly total?: number;
}

/** Bytes that are all there, to be imported. */
export type ByteSource = ArrayBuffer | ArrayBufferView | Blob;

/** Bytes that come by and by, to be imported. */
export type ByteStream = ReadableStream<ArrayBuffer | ArrayBufferView> | AsyncIterable<ArrayBuffer | ArrayBufferView>;

// About how many bytes a chunk of an export has, and how many one of an import but for the last.
const EXPORT_CHUNK = 1 << 18;
const IMPORT_CHUNK = 1 << 20;
// How many bytes of a download are handed over to the browser at a time, which keeps them where it likes.
const DOWNLOAD_PART = 1 << 23;

type Bytes = Uint8Array<ArrayBuffer>;
type Report = (phase: TransferProgress["phase"], done: number, total: number | undefined) => void;

/** How to call back, without being stopped by what that throws. */
function reporter(onProgress: unknown): Report {
  if (onProgress === undefined) return () => undefined;
  if (typeof onProgress !== "function") throw new ArgumentError(`onProgress is a function, not ${describe(onProgress)}`);
  return (phase, done, total) => {
    try {
      onProgress(Object.freeze({ phase, done, total }));
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}

/**
 * The database as the bytes of a SQLite file, from one snapshot; commits go on beside it.
 * @internal
 */
export function exportStream(
  connect: (options: { signal: AbortSignal }) => Promise<Connection>,
  options: TransferOptions | undefined,
  prepare?: (total: number) => void,
): ReadableStream<Bytes> {
  const report = reporter(options?.onProgress);
  const limits = callOptions(options, ["onProgress"]);
  const stop = new AbortController();
  let chunks: AsyncGenerator<Bytes, undefined> | undefined;
  let forget: (() => void) | undefined;
  return new ReadableStream<Bytes>(
    {
      start(controller) {
        forget = limit(limits, (reason) => {
          forget?.();
          stop.abort(reason);
          controller.error(reason);
          // Where it rests between two chunks, its connection would stay out; where it works, this waits for the end.
          chunks?.return(undefined).catch(() => undefined);
        });
      },
      async pull(controller) {
        chunks ??= pages(connect, stop.signal, report, prepare);
        try {
          const { done, value } = await chunks.next();
          if (stop.signal.aborted) return;
          if (done !== true) return controller.enqueue(value);
          forget?.();
          controller.close();
        } catch (error) {
          forget?.();
          if (!stop.signal.aborted) throw error;
        }
      },
      async cancel(reason) {
        forget?.();
        stop.abort(reason);
        await chunks?.return(undefined).catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

/** The pages of the database, some at a time. */
async function* pages(
  connect: (options: { signal: AbortSignal }) => Promise<Connection>,
  signal: AbortSignal,
  report: Report,
  prepare: ((total: number) => void) | undefined,
): AsyncGenerator<Bytes, undefined> {
  const conn = await connect({ signal });
  try {
    // Both statements have to see one snapshot.
    await conn.executionOptions({ isolationLevel: "SERIALIZABLE" });
    await conn.begin({ mode: "deferred", signal });
    const sizes = text<{ count: number; size: number }>(
      "SELECT page_count AS count, page_size AS size FROM pragma_page_count, pragma_page_size",
    );
    const { count, size } = (await conn.execute(sizes, null, { signal })).one();
    const total = count * size;
    prepare?.(total);
    const yieldPer = Math.max(1, Math.floor(EXPORT_CHUNK / size));
    const statement = text<{ data: Uint8Array }>("SELECT data FROM sqlite_dbpage ORDER BY pgno");
    const result = await conn.stream(statement, null, { signal, executionOptions: { yieldPer } });
    let done = 0;
    for await (const part of result.scalars("data").partitions(yieldPer)) {
      const chunk = new Uint8Array(part.length * size);
      part.forEach((page, i) => chunk.set(page, i * size));
      // The file stands alone: it says that it needs no write-ahead log beside it.
      if (done === 0) chunk[18] = chunk[19] = 1;
      done += chunk.length;
      report("send", done, total);
      yield chunk;
    }
    // Half a file would be worse than none.
    if (done !== total) throw new StorageError(`the export broke off after ${done} of ${total} bytes`);
  } finally {
    await conn.close();
  }
}

/**
 * The database as the bytes of a SQLite file, all at once.
 * @internal
 */
export async function exportBytes(
  connect: (options: { signal: AbortSignal }) => Promise<Connection>,
  options: TransferOptions | undefined,
): Promise<Bytes> {
  let bytes: Bytes = new Uint8Array(0);
  const reader = exportStream(connect, options, (total) => {
    bytes = allocated(total);
  }).getReader();
  for (let at = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return bytes;
    bytes.set(value, at);
    at += value.length;
  }
}

/**
 * Offers a stream to the user as a file.
 * @internal
 */
export async function download(stream: ReadableStream<Bytes>, filename: string): Promise<void> {
  if (typeof document === "undefined") {
    await stream.cancel();
    throw new NotSupportedError("download() needs a page; use exportStream() or exportBytes() here");
  }
  const blob = await gather(stream);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = filename;
  link.click();
  // The browser has taken the blob by the time that the page is idle again.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** That many bytes of memory. */
function allocated(total: number): Bytes {
  try {
    return new Uint8Array(total);
  } catch (cause) {
    const message = `there is no memory for the ${total} bytes of the database at once: exportStream() gives them bit by bit`;
    throw new StorageError(message, { cause });
  }
}

/**
 * The bytes of a stream in the keeping of the browser. A `Response` would gather them as well, but whatever fails, the stream
 * or the disk, is "Failed to fetch" to it.
 */
async function gather(stream: ReadableStream<Bytes>): Promise<Blob> {
  const reader = stream.getReader();
  const parts: Blob[] = [];
  let chunks: Bytes[] = [];
  let total = 0;
  let held = 0;
  const hand = (): void => {
    parts.push(new Blob(chunks));
    [chunks, held] = [[], 0];
  };
  for (;;) {
    const { done, value } = await reader.read();
    try {
      if (done) {
        hand();
        const blob = new Blob(parts, { type: "application/vnd.sqlite3" });
        // Where there was no room for it, a blob says so only when it is read; that of the last byte waits for all others.
        await blob.slice(-1).arrayBuffer();
        return blob;
      }
      chunks.push(value);
      total += value.length;
      held += value.length;
      if (held >= DOWNLOAD_PART) hand();
    } catch (cause) {
      await reader.cancel(cause);
      const message =
        `the browser could not keep the ${total} bytes of the download (${String(cause)}): its disk or its storage is full; ` +
        "free some space, or write exportStream() to a file that the user has chosen";
      throw new StorageError(message, { reason: "quota", cause });
    }
  }
}

/**
 * What an import needs of an engine.
 * @internal
 */
export interface Importing {
  readonly begin: (total: number, call: NativeCall) => Promise<NativeImport>;
  /** Waits where calls are held up. */
  readonly passes: (signal: AbortSignal) => Promise<void> | undefined;
}

/**
 * Replaces the database by bytes that come by and by.
 * @internal
 */
export async function importStream({ begin, passes }: Importing, source: ByteStream, options: ImportStreamOptions | undefined): Promise<void> {
  const limits = callOptions(options, ["onProgress", "total"]);
  const report = reporter(options?.onProgress);
  const { total } = options ?? {};
  if (total !== undefined && !(Number.isSafeInteger(total) && total >= 0)) {
    throw new ArgumentError(`total is a number of bytes, not ${String(total)}`);
  }
  limits.signal?.throwIfAborted();
  const items = reading(source);
  const stop = new AbortController();
  const native: NativeCall = { timeout: 0, signal: stop.signal, yieldPer: 0 };
  // A source that waits for its next bytes hears of the end at once.
  const forget = limit(limits, (reason) => {
    stop.abort(reason);
    items.cancel(reason);
  });
  let transfer: NativeImport | undefined;
  try {
    const held = passes(stop.signal);
    if (held !== undefined) await held;
    const begun = (transfer = await call(native, () => begin(total ?? 0, native)));
    let received = 0;
    const send = async (chunk: Bytes): Promise<void> => {
      const { length } = chunk;
      await call(native, () => begun.chunk(chunk));
      report("receive", (received += length), total);
    };
    await chunked(items, stop.signal, send);
    stop.signal.throwIfAborted();
    // Much may have happened while the bytes came.
    const again = passes(stop.signal);
    if (again !== undefined) await again;
    await call(native, () => begun.finish((phase: "check" | "copy", done: number, of: number) => report(phase, done, of)));
  } catch (error) {
    items.cancel(error);
    throw error;
  } finally {
    forget();
    // One that was not finished is given up by this.
    transfer?.free();
  }
}

/**
 * Replaces the database by bytes that are all there.
 * @internal
 */
export async function importBytes(importing: Importing, source: ByteSource, options: TransferOptions | undefined): Promise<void> {
  callOptions(options, ["onProgress"]);
  if (typeof Blob === "function" && source instanceof Blob) {
    return importStream(importing, source.stream(), { ...options, total: source.size });
  }
  const bytes = asBytes(source);
  if (bytes === undefined) {
    throw new ArgumentError(`importBytes() takes a Uint8Array, an ArrayBuffer, a Blob or a File, not ${describe(source)}`);
  }
  const once = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes;
  };
  return importStream(importing, once(), { ...options, total: bytes.byteLength });
}

interface Items {
  next(): Promise<IteratorResult<unknown, unknown>>;
  /** Ends it; further calls do nothing. */
  cancel(reason: unknown): void;
}

/** A stream of either kind, as what can be read and ended. Ending it is told to nobody who could fail. */
function reading(source: unknown): Items {
  if (typeof ReadableStream === "function" && source instanceof ReadableStream) {
    if (source.locked) throw new ArgumentError("importStream() got a stream that somebody else reads");
    const reader = (source as ReadableStream<unknown>).getReader();
    return {
      next: async () => (await reader.read()) as IteratorResult<unknown, unknown>,
      cancel: (reason) => void reader.cancel(reason).catch(() => undefined),
    };
  }
  const iterate = (source as AsyncIterable<unknown> | null | undefined)?.[Symbol.asyncIterator];
  if (typeof iterate !== "function") {
    throw new ArgumentError(`importStream() takes a ReadableStream or an async iterable of bytes, not ${describe(source)}`);
  }
  const iterator = iterate.call(source);
  let over: Promise<IteratorResult<unknown, unknown>> | undefined;
  let end: () => void = () => undefined;
  const ended = new Promise<IteratorResult<unknown, unknown>>((resolve) => {
    end = () => resolve({ done: true, value: undefined });
  });
  return {
    // A generator that waits cannot be ended before it goes on by itself: its last item is not waited for.
    next: () => Promise.race([iterator.next(), ended]),
    cancel: () => {
      if (over !== undefined) return;
      over = ended;
      end();
      void iterator.return?.().catch(() => undefined);
    },
  };
}

/** Gathers bytes into chunks, each in a buffer with room in front for the head of its frame. */
async function chunked(items: Items, signal: AbortSignal, send: (chunk: Bytes) => Promise<void>): Promise<void> {
  const empty = (): Bytes => new Uint8Array(HEADROOM + IMPORT_CHUNK);
  let chunk = empty();
  let filled = HEADROOM;
  for (;;) {
    const { done, value } = await items.next();
    signal.throwIfAborted();
    if (done === true) break;
    const bytes = asBytes(value);
    if (bytes === undefined) throw new ArgumentError(`importStream() got ${describe(value)} where bytes were due`);
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + chunk.length - filled);
      chunk.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < chunk.length) continue;
      const full = chunk;
      [chunk, filled] = [empty(), HEADROOM];
      await send(full.subarray(HEADROOM));
    }
  }
  if (filled > HEADROOM) await send(chunk.slice(0, filled).subarray(HEADROOM));
}
