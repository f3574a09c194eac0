/**
 * The databases that there are: listing them, looking for one, removing one.
 *
 * @module
 */

import { call } from "./call.js";
import { describe } from "./encode.js";
import { ArgumentError } from "./errors.js";
import { native } from "./wasm.js";

/** A database file in the browser's own storage. */
export interface DatabaseFile {
  /** Its path, as in the URL but with nothing escaped. */
  readonly path: string;
  /** The URL to make an engine of. */
  readonly url: string;
  /** How many bytes the file has; what waits in the log beside it is not counted. */
  readonly size: number;
}

/** Where databases are looked for that are files on disk. */
export interface WhereOptions {
  /**
   * The directory in which the files are, in Node: a path, or a `file:` URL. The one in which the process works unless given. It is
   * the option `directory` of `createEngine()`.
   */
  readonly directory?: string | URL;
}

/** Options of {@link dropDatabase}. */
export interface DropOptions extends WhereOptions {
  /** Lets a database be missing, instead of a `StorageError`. */
  readonly ifExists?: boolean;
}

/**
 * The databases of the origin, by path: every file of the origin private file system that begins as a SQLite database
 * does; in Node, every such file below the directory of the options. With a directory, those in it and below it.
 */
export async function listDatabases(directory: string = "", options: WhereOptions = {}): Promise<DatabaseFile[]> {
  checkDirectory(directory, options);
  nowhere(options);
  const files = await call(undefined, () => native().listDatabases(directory));
  return files.map((file) => Object.freeze(file));
}

/** Whether there is a database of this URL. An empty file is none. */
export async function databaseExists(url: string | URL, options: WhereOptions = {}): Promise<boolean> {
  const given = urlOf(url, "databaseExists");
  nowhere(options);
  return call(undefined, () => native().databaseExists(given));
}

/**
 * Removes a database with all its files; what directories are then empty stay. Gives whether there was one.
 *
 * It must be open nowhere, neither here nor in another tab: else it is a `StorageError` of the reason `in-use`, and nothing
 * is removed. One that does not exist is a `StorageError` of the reason `cannot-open`, unless `ifExists` says otherwise.
 */
export async function dropDatabase(url: string | URL, options: DropOptions = {}): Promise<boolean> {
  const given = urlOf(url, "dropDatabase");
  const ifExists = checkDropping(options);
  nowhere(options);
  return call(undefined, () => native().dropDatabase(given, ifExists));
}

/** @internal */
export function urlOf(url: unknown, what: string): string {
  if (typeof url === "string" || url instanceof URL) return String(url);
  throw new ArgumentError(`${what}() takes a URL as a string, like "sqlite:///app.db", not ${describe(url)}`);
}

/** @internal */
export function checkDirectory(directory: unknown, options: unknown): void {
  if (typeof directory !== "string") {
    throw new ArgumentError(`listDatabases() takes the path of a directory, not ${describe(directory)}`);
  }
  if (typeof options !== "object" || options === null) {
    throw new ArgumentError(`the options of listDatabases() are an object, not ${describe(options)}`);
  }
}

/**
 * Whether a database may be missing.
 * @internal
 */
export function checkDropping(options: DropOptions): boolean {
  if (typeof options !== "object" || options === null) {
    throw new ArgumentError(`the options of dropDatabase() are an object, not ${describe(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (name !== "ifExists" && name !== "directory") {
      throw new ArgumentError(`Unknown option '${name}' of dropDatabase(); known are: directory, ifExists`);
    }
  }
  const { ifExists = false } = options;
  if (typeof ifExists !== "boolean") throw new ArgumentError(`ifExists is true or false, not ${describe(ifExists)}`);
  return ifExists;
}

/**
 * Refuses a directory where there are none on disk.
 * @internal
 */
export function nowhere(options: WhereOptions): void {
  if (options?.directory !== undefined) {
    throw new ArgumentError("Option 'directory' is for files on disk, which the package writes in Node only, in threads of its own");
  }
}
