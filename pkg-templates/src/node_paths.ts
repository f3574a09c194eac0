/**
 * Which files URLs name in Node.
 *
 * @module
 */

import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { platform } from "node:process";
import { fileURLToPath } from "node:url";
import { describe } from "./encode.js";
import { ArgumentError } from "./errors.js";

/** A URL of a file, with its path and what stands behind it. */
const FILE = /^(sqlite(?:\+aludel)?:\/\/\/)([^?]+)(\?.*)?$/su;
/** The longest part of a path, in bytes: as in `src/url.rs`. */
const MAX_PART = 240;

/**
 * Whether files are on disk: not where there are Web Workers, which are used then.
 * @internal
 */
export function isOnDisk(): boolean {
  return typeof Worker === "undefined";
}

/**
 * The directory in which files are: as it was given, or the one that the process works in.
 * @internal
 */
export function directoryOf(given: unknown): string {
  if (given === undefined) return resolve();
  if (typeof given === "string") return resolve(given);
  if (given instanceof URL && given.protocol === "file:") return fileURLToPath(given);
  throw new ArgumentError(`Option 'directory' takes the path of a directory or its file: URL, not ${given instanceof URL ? given.href : describe(given)}`);
}

/**
 * Whether a path is one that a database may have.
 * @internal
 */
export function isPlain(path: string): boolean {
  const parts = path.replace(/^\//, "").split("/");
  return parts.every((part) => !["", ".", ".."].includes(part) && !/[\\\u0000-\u001f\u007f-\u009f]/.test(part) && new TextEncoder().encode(part).length <= MAX_PART);
}

/**
 * The file that a URL names; undefined if it names none, or none that may be, of which others tell.
 * @internal
 */
export function fileOf(url: string, directory: string): string | undefined {
  const path = pathOf(url);
  if (path === undefined || path === ":memory:" || !isPlain(path)) return undefined;
  return real(isAbsolute(path) ? resolve(path) : join(directory, path));
}

/** The path without symbolic links: what lies beside a database has the name of the file itself, as SQLite has it. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // What is wrong is said when it is opened.
    const above = dirname(path);
    return above === path ? path : join(real(above), basename(path));
  }
}

function pathOf(url: string): string | undefined {
  try {
    // A percent sign without two hexadecimal digits behind it stands for itself.
    return FILE.exec(url)?.[2]?.replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch {
    return undefined;
  }
}

/**
 * The URL by which the worker finds the same file from its root. What names no file stays as it is.
 * @internal
 */
export function fromRoot(url: string, directory: string): string {
  const file = fileOf(url, directory);
  if (file === undefined) return url;
  const [, scheme = "", , query = ""] = FILE.exec(url) ?? [];
  const path = platform === "win32" ? file.replaceAll("\\", "/") : file.slice(1);
  return scheme + escaped(path) + query;
}

/**
 * A path as it stands in a URL: as in `src/url.rs`.
 * @internal
 */
export function escaped(path: string): string {
  return path.replace(/[%?#]/g, encodeURIComponent);
}
