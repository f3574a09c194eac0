/**
 * The databases that there are, in Node: listing them, looking for one, removing one.
 *
 * @module
 */

import { closeSync, openSync, readdirSync, readSync, statSync, unlinkSync, type Dirent } from "node:fs";
import { dirname, join } from "node:path";
import {
  checkDirectory,
  checkDropping,
  databaseExists as exists,
  dropDatabase as drop,
  listDatabases as list,
  urlOf,
  type DatabaseFile,
  type DropOptions,
  type WhereOptions,
} from "./databases.js";
import { ArgumentError, StorageError, type StorageReason } from "./errors.js";
import { flushDirectory } from "./node_files.js";
import { threadsEnded } from "./node.js";
import { codeOf, FileInUse, openAlone, type Alone } from "./node_lock.js";
import { directoryOf, escaped, fileOf, isOnDisk, isPlain } from "./node_paths.js";

/** With what each SQLite file begins. */
const MAGIC = "SQLite format 3\0";
/** What lies beside a database: its log and journal, the marks of commits. */
const BESIDE = ["-wal", "-journal", "-mark"];
/** What an import leaves behind that was not finished. */
const SCRATCH = ["-import", "-import-import"];
/** Of another process that has just ended, the system frees what it had a moment later. */
const TRIES = 40;
const PAUSE = 25;

const GONE = ["ENOENT", "ENOTDIR"];

/** As `listDatabases()` of browsers, over the files of the directory. */
export async function listDatabases(directory: string = "", options: WhereOptions = {}): Promise<DatabaseFile[]> {
  if (!isOnDisk()) return list(directory, options);
  checkDirectory(directory, options);
  const start = directory === "/" ? "/" : directory.replace(/\/+$/, "");
  if (start !== "" && start !== "/" && !isPlain(start)) {
    throw new ArgumentError(`Invalid database path ${JSON.stringify(start)}: it has an empty part, or one that is . or .., or no name of a file`);
  }
  const base = directoryOf(options.directory);
  const found = new Map<string, number>();
  const waiting = [start];
  for (let inside = waiting.pop(); inside !== undefined; inside = waiting.pop()) {
    const place = inside.startsWith("/") ? inside : join(base, inside);
    for (const entry of entriesOf(place, inside === start)) {
      const path = inside === "" ? entry.name : `${inside === "/" ? "" : inside}/${entry.name}`;
      if (entry.isDirectory()) waiting.push(path);
      else found.set(path, sizeOfDatabase(join(place, entry.name)));
    }
  }
  const isDatabase = (path: string): boolean => (found.get(path) ?? -1) >= 0;
  const isBeside = (path: string, ends: readonly string[]): boolean => ends.some((end) => path.endsWith(end) && isDatabase(path.slice(0, -end.length)));
  // A database may be called `a-wal`, but not where there is an `a`; and like a file of an import, if it has a log.
  const isHidden = (path: string): boolean => isBeside(path, BESIDE) || (isBeside(path, SCRATCH) && !found.has(`${path}-wal`));
  const paths = [...found.keys()].filter((path) => isDatabase(path) && isPlain(path) && !isHidden(path));
  return paths.sort(byCodePoint).map((path) => Object.freeze({ path, url: `sqlite:///${escaped(path)}`, size: found.get(path) ?? 0 }));
}

function entriesOf(place: string, isStart: boolean): Dirent[] {
  try {
    return readdirSync(place, { withFileTypes: true });
  } catch (error) {
    // What is not ours to read holds no database of ours; and a directory may go while others are read.
    if (!isStart && ["EACCES", "EPERM", ...GONE].includes(codeOf(error) ?? "")) return [];
    if (GONE.includes(codeOf(error) ?? "")) throw failed("cannot-open", `there is no directory ${place}`, error);
    throw failed("io", `${place} cannot be read: ${String(error)}`, error);
  }
}

/** The order of Rust's texts. */
function byCodePoint(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  const at = left.findIndex((char, i) => char !== right[i]);
  return at < 0 ? left.length - right.length : (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? -1);
}

/** The size of a file that begins as a database does; -1 of any other, and of one that cannot be read. */
function sizeOfDatabase(file: string): number {
  try {
    // Opening a pipe would wait for its other end.
    const stats = statSync(file, { bigint: true });
    if (!stats.isFile() || stats.size < MAGIC.length) return -1;
    const fd = openSync(file, "r");
    try {
      const start = new Uint8Array(MAGIC.length);
      readSync(fd, start, 0, start.length, 0);
      return String.fromCharCode(...start) === MAGIC ? Number(stats.size) : -1;
    } finally {
      closeSync(fd);
    }
  } catch {
    return -1;
  }
}

/** As `databaseExists()` of browsers. */
export async function databaseExists(url: string | URL, options: WhereOptions = {}): Promise<boolean> {
  if (!isOnDisk()) return exists(url, options);
  const file = fileOf(urlOf(url, "databaseExists"), directoryOf(options.directory));
  // What is wrong with it is the same everywhere.
  return file === undefined ? exists(url) : (sizeOf(file) ?? 0) > 0;
}

/** How large a file is; undefined if there is none. */
function sizeOf(file: string): number | undefined {
  try {
    const stats = statSync(file, { bigint: true });
    return stats.isFile() ? Number(stats.size) : undefined;
  } catch (error) {
    if (GONE.includes(codeOf(error) ?? "")) return undefined;
    throw failed("io", `${file} cannot be reached: ${String(error)}`, error);
  }
}

/** As `dropDatabase()` of browsers. */
export async function dropDatabase(url: string | URL, options: DropOptions = {}): Promise<boolean> {
  if (!isOnDisk()) return drop(url, options);
  const given = urlOf(url, "dropDatabase");
  const ifExists = checkDropping(options);
  const file = fileOf(given, directoryOf(options.directory));
  if (file === undefined) return drop(url, { ifExists });
  const main = sizeOf(file) === undefined ? undefined : await alone(file);
  try {
    // Where there is no `a`, a database may be called `a-wal`.
    for (const end of BESIDE) await remove(file + end, () => sizeOfDatabase(file + end) >= 0);
    // A database may be called like a file of an import; it has its log beside it, or is open.
    for (const end of SCRATCH) await remove(file + end, () => sizeOf(`${file}${end}-wal`) !== undefined, true);
    // The last: whoever opens the database before has to wait for it.
    if (main !== undefined) {
      unlinkSync(file);
      flushDirectory(dirname(file));
    }
  } catch (error) {
    throw error instanceof StorageError ? error : failed("io", `${file} cannot be removed: ${String(error)}`, error);
  } finally {
    main?.close();
  }
  if (main === undefined && !ifExists) throw failed("cannot-open", `there is no database ${given} to drop`);
  return main !== undefined;
}

/** Takes the file that nobody may have open. */
async function alone(file: string): Promise<Alone | undefined> {
  await threadsEnded();
  for (let tries = 1; ; tries++) {
    try {
      return await openAlone(file);
    } catch (error) {
      if (GONE.includes(codeOf(error) ?? "")) return undefined;
      if (!(error instanceof FileInUse)) throw failed("io", `${file} cannot be opened: ${String(error)}`, error);
      if (tries >= TRIES) throw failed("in-use", `${file} is open: dispose of its engines, here, in other threads and in other processes, first`, error);
      await new Promise((then) => void setTimeout(then, PAUSE));
    }
  }
}

/** Removes a file that nobody has open, or leaves one that somebody has; and leaves one that is another database. */
async function remove(file: string, isAnother: () => boolean, orLeave = false): Promise<void> {
  if (sizeOf(file) === undefined || isAnother()) return;
  const found = await alone(file).catch((error: unknown) => {
    if (orLeave && error instanceof StorageError && error.reason === "in-use") return undefined;
    throw error;
  });
  if (found === undefined) return;
  try {
    // Whoever had it meanwhile may have made it one.
    if (!isAnother()) unlinkSync(file);
  } finally {
    found.close();
  }
}

function failed(reason: StorageReason, message: string, cause?: unknown): StorageError {
  return new StorageError(message, { reason, cause });
}
