/**
 * Where a database is kept.
 *
 * @module
 */

import { call } from "./call.js";
import type { NativeEngine } from "./generated/client.js";

/** Where an engine keeps its database. */
export interface Storage_ {
  /** `"opfs"`: a file of the origin private file system. `"file"`: one on disk, in Node. `"memory"`: gone with the engine. */
  readonly kind: "opfs" | "file" | "memory";
  /** Whether the data outlives the page. */
  readonly durable: boolean;
  /** What an acknowledged commit survives. */
  readonly durability: "normal" | "full";
  /** The path of the file, from the root of the origin's storage, or, in Node, of the file system; null in memory. */
  readonly path: string | null;
  /**
   * Whether the *name* of the database survives a power cut. A browser writes the names of new files some time after the
   * files themselves, whatever is flushed; until then this is false, and also before the first connection has looked.
   * Always true in memory, where there is no name to be lost.
   */
  readonly settled: boolean;
  /** Waits until {@link settled}; opens the database if no connection did yet. */
  whenSettled(): Promise<void>;
  /** Whether the browser has promised not to clear the origin's data on its own. */
  persisted(): Promise<boolean>;
  /** Asks the browser for that promise; it may say no, or ask the user. */
  persist(): Promise<boolean>;
  /** How many bytes the origin uses and may use, as far as the browser says. */
  estimate(): Promise<{ readonly usage: number | undefined; readonly quota: number | undefined }>;
}

/**
 * The storage of an engine, whose files may be on disk.
 * @internal
 */
export function storageOf(native: NativeEngine, disk: boolean): Storage_ {
  const found = native.storage() as unknown as { kind: "opfs" | "memory"; durability: "normal" | "full"; path?: string };
  const manager = globalThis.navigator?.storage as StorageManager | undefined;
  const durable = found.kind === "opfs";
  // The worker finds it from its root, which has no name.
  const path = found.path ?? null;
  const onDisk = disk && durable;
  return Object.freeze({
    kind: onDisk ? "file" : found.kind,
    durable,
    durability: found.durability,
    path: onDisk && path !== null && !/^[a-z]:/i.test(path) ? `/${path}` : path,
    get settled() {
      return (native.storage() as unknown as { settled: boolean }).settled;
    },
    whenSettled: () => call(undefined, () => native.whenSettled()),
    persisted: async () => onDisk || (durable && ((await manager?.persisted?.()) ?? false)),
    persist: async () => onDisk || (durable && ((await manager?.persist?.()) ?? false)),
    estimate: async () => {
      const { usage, quota } = (await manager?.estimate?.()) ?? {};
      return { usage, quota };
    },
  });
}
