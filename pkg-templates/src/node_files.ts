/**
 * The file system of Node in the shape in which browsers give the worker their own: directories, files and synchronous access
 * handles, as far as the worker asks for them, with the errors that it knows.
 *
 * The root is that of the file system; on Windows its directories are the drives.
 *
 * @module
 */

import { closeSync, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, lstatSync, mkdirSync, openSync, readSync, statSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { platform } from "node:process";
import { codeOf, FileInUse, openAlone, type Alone } from "./node_lock.js";

/** What browsers call the errors of the system. */
const NAMES: Readonly<Record<string, string>> = {
  ENOENT: "NotFoundError",
  ENOTDIR: "TypeMismatchError",
  EISDIR: "TypeMismatchError",
  EACCES: "NotAllowedError",
  EPERM: "NotAllowedError",
  EROFS: "NotAllowedError",
  ENOSPC: "QuotaExceededError",
  EDQUOT: "QuotaExceededError",
};
/** What a system says that does not flush directories, or lets nobody but their owner. */
const UNFLUSHED = ["EACCES", "EINVAL", "EISDIR", "ENOTSUP", "EPERM"];

/**
 * Makes the names in a directory durable, where the system can.
 * @internal
 */
export function flushDirectory(path: string): void {
  if (platform === "win32") return;
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    fsyncSync(fd);
  } catch (error) {
    if (!UNFLUSHED.includes(codeOf(error) ?? "")) throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Does something, and fails as a browser does. */
function doing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw named(error);
  }
}

function named(error: unknown): unknown {
  const name = error instanceof FileInUse ? "NoModificationAllowedError" : NAMES[codeOf(error) ?? ""];
  return name === undefined ? error : new DOMException((error as Error).message, name);
}

interface Creating {
  readonly create?: boolean;
}

/**
 * A directory, as a `FileSystemDirectoryHandle`.
 * @internal
 */
export class NodeDirectory {
  readonly #path: string;

  /** The root, unless a path is given. */
  constructor(path: string = platform === "win32" ? "" : "/") {
    this.#path = path;
  }

  /** A directory in this one. */
  async getDirectoryHandle(name: string, { create = false }: Creating = {}): Promise<NodeDirectory> {
    return doing(() => {
      const path = this.#below(name);
      if (create && !isThere(path)) {
        this.#make(() => mkdirSync(path));
      }
      if (!statSync(path, { bigint: true }).isDirectory()) throw new DOMException(`${path} is no directory`, "TypeMismatchError");
      return new NodeDirectory(path);
    });
  }

  /** A file in this directory. A symbolic link is none: by its name, others would not find what lies beside the file. */
  async getFileHandle(name: string, { create = false }: Creating = {}): Promise<NodeFile> {
    return doing(() => {
      const path = this.#below(name);
      if (create && !isThere(path)) {
        this.#make(() => closeSync(openSync(path, "wx")));
      }
      const found = lstatSync(path, { bigint: true });
      if (!found.isFile()) {
        const what = found.isSymbolicLink() ? "is a symbolic link: take the name of the file itself" : "is no file";
        throw new DOMException(`${path} ${what}`, "TypeMismatchError");
      }
      return new NodeFile(path);
    });
  }

  /** Removes a file that nobody has open. */
  async removeEntry(name: string): Promise<void> {
    const path = this.#below(name);
    try {
      const alone = await openAlone(path);
      try {
        unlinkSync(path);
      } finally {
        alone.close();
      }
      flushDirectory(this.#path);
    } catch (error) {
      throw named(error);
    }
  }

  /** Somebody else may make it in the same moment. */
  #make(make: () => void): void {
    try {
      make();
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    if (this.#path !== "") flushDirectory(this.#path);
  }

  #below(name: string): string {
    return this.#path === "" ? `${name}\\` : join(this.#path, name);
  }
}

function isThere(path: string): boolean {
  try {
    statSync(path, { bigint: true });
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/**
 * A file, as a `FileSystemFileHandle`.
 * @internal
 */
export class NodeFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** How large it is, which is all that is asked of a file that is not open. */
  async getFile(): Promise<{ readonly size: number }> {
    return doing(() => ({ size: Number(statSync(this.#path, { bigint: true }).size) }));
  }

  /** Opens it, alone. */
  async createSyncAccessHandle(): Promise<NodeHandle> {
    try {
      return new NodeHandle(await openAlone(this.#path));
    } catch (error) {
      throw named(error);
    }
  }
}

/**
 * An open file, as a `FileSystemSyncAccessHandle`.
 * @internal
 */
export class NodeHandle {
  #file: Alone | undefined;

  constructor(file: Alone) {
    this.#file = file;
  }

  get #fd(): number {
    if (this.#file === undefined) throw new DOMException("the file is closed", "InvalidStateError");
    return this.#file.fd;
  }

  /** Reads until the buffer is full or the file ends; gives how many bytes that were. */
  read(buffer: Uint8Array, { at }: { readonly at: number }): number {
    return doing(() => {
      let done = 0;
      while (done < buffer.length) {
        const count = readSync(this.#fd, buffer, done, buffer.length - done, at + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    });
  }

  /** Writes all of the buffer. */
  write(buffer: Uint8Array, { at }: { readonly at: number }): number {
    return doing(() => {
      let done = 0;
      while (done < buffer.length) done += writeSync(this.#fd, buffer, done, buffer.length - done, at + done);
      return done;
    });
  }

  /** Cuts it off, or lengthens it by zeros. */
  truncate(size: number): void {
    doing(() => ftruncateSync(this.#fd, size));
  }

  /** How many bytes it has. */
  getSize(): number {
    return doing(() => Number(fstatSync(this.#fd, { bigint: true }).size));
  }

  /** Has the system write what it has only in memory. */
  flush(): void {
    doing(() => fdatasyncSync(this.#fd));
  }

  /** Lets others open it. */
  close(): void {
    const file = this.#file;
    // Even if that fails: by then, its number may be another file's.
    this.#file = undefined;
    file?.close();
  }
}
