/**
 * Where a database is kept, and how to take it along.
 *
 * @module
 */

import type { Connection } from "./connection.js";
import { NotSupportedError } from "./errors.js";
import type { CallOptions } from "./options.js";
import { text } from "./statement.js";

/** Where an engine keeps its database. */
export interface Storage_ {
  /** `"opfs"`: a file of the origin private file system. `"memory"`: gone with the engine. */
  readonly kind: "opfs" | "memory";
  /** Whether the data outlives the page. */
  readonly durable: boolean;
  /** What an acknowledged commit survives. */
  readonly durability: "normal" | "full";
  /** The path of the file; null in memory. */
  readonly path: string | null;
  /** Whether the browser has promised not to clear the origin's data on its own. */
  persisted(): Promise<boolean>;
  /** Asks the browser for that promise; it may say no, or ask the user. */
  persist(): Promise<boolean>;
  /** How many bytes the origin uses and may use, as far as the browser says. */
  estimate(): Promise<{ readonly usage: number | undefined; readonly quota: number | undefined }>;
}

/**
 * The storage of an engine.
 * @internal
 */
export function storageOf(native: {
  readonly kind: string;
  readonly durability: string;
  readonly path: string | undefined;
}): Storage_ {
  const manager = globalThis.navigator?.storage as StorageManager | undefined;
  const durable = native.kind === "opfs";
  return Object.freeze({
    kind: native.kind as "opfs" | "memory",
    durable,
    durability: native.durability as "normal" | "full",
    path: durable ? (native.path ?? null) : null,
    persisted: async () => durable && ((await manager?.persisted?.()) ?? false),
    persist: async () => durable && ((await manager?.persist?.()) ?? false),
    estimate: async () => {
      const { usage, quota } = (await manager?.estimate?.()) ?? {};
      return { usage, quota };
    },
  });
}

// Each is a page, so a chunk is 256 KiB at SQLite's default page size.
const PAGES = 64;

/**
 * The database as the bytes of a SQLite file, from one snapshot; commits go on beside it.
 * @internal
 */
export function exportStream(
  connect: () => Promise<Connection>,
  options: CallOptions | undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let chunks: AsyncIterator<Uint8Array<ArrayBuffer>> | undefined;
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        chunks ??= pages(connect, options);
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks?.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

async function* pages(
  connect: () => Promise<Connection>,
  options: CallOptions | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
  const conn = await connect();
  try {
    const statement = text<{ data: Uint8Array }>("SELECT data FROM sqlite_dbpage ORDER BY pgno");
    const result = await conn.stream(statement, null, { ...options, executionOptions: { yieldPer: PAGES } });
    let first = true;
    for await (const part of result.scalars("data").partitions(PAGES)) {
      const chunk = new Uint8Array(part.reduce((length, page) => length + page.length, 0));
      let at = 0;
      for (const page of part) {
        chunk.set(page, at);
        at += page.length;
      }
      // The file stands alone: it says that it needs no write-ahead log beside it.
      if (first && chunk.length >= 20) chunk[18] = chunk[19] = 1;
      first = false;
      yield chunk;
    }
  } finally {
    await conn.close();
  }
}

/**
 * A whole stream as one array.
 * @internal
 */
export async function collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Offers a stream to the user as a file.
 * @internal
 */
export async function download(stream: ReadableStream<Uint8Array<ArrayBuffer>>, filename: string): Promise<void> {
  if (typeof document === "undefined") {
    await stream.cancel();
    throw new NotSupportedError("download() needs a page; use exportStream() or exportBytes() here");
  }
  const blob = await new Response(stream, { headers: { "content-type": "application/vnd.sqlite3" } }).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = filename;
  link.click();
  // The browser has taken the blob by the time that the page is idle again.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
