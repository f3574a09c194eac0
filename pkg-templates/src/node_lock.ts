/**
 * Files of Node that one opener has alone, among all processes and threads of aludel on a machine.
 *
 * Node has no locks of files. What the system frees by itself when a process dies is a name that somebody listens at: on Linux an
 * abstract socket, on Windows a pipe, called after the device and the number of the file, so that every way to it is the same
 * file. macOS and the BSDs lock a file as they open it.
 *
 * @module
 */

import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { platform } from "node:process";

/** What stands before the names at which is listened. */
const NAMES: Readonly<Record<string, string>> = { linux: "\0aludel-", android: "\0aludel-", win32: "\\\\.\\pipe\\aludel-" };
/** The length of an abstract name: `sun_path` of Linux. */
const ABSTRACT = 108;
/** The systems that lock a file while they open it, all of them with this flag. */
const LOCKED_BY_OPEN = ["darwin", "freebsd", "openbsd"];
const O_EXLOCK = 0x20;

/**
 * Somebody else has the file open.
 * @internal
 */
export class FileInUse extends Error {}

/**
 * A file that nobody else opens by {@link openAlone} until it is closed.
 * @internal
 */
export interface Alone {
  /** Its descriptor. */
  readonly fd: number;
  /** Closes it. */
  close(): void;
}

/**
 * Opens a file that is there to read and write it, alone: a {@link FileInUse} if somebody else has it so.
 * @internal
 */
export async function openAlone(path: string): Promise<Alone> {
  const locks = LOCKED_BY_OPEN.includes(platform);
  const fd = open(path, locks ? constants.O_RDWR | O_EXLOCK | constants.O_NONBLOCK : constants.O_RDWR);
  let release = (): void => undefined;
  const close = (): void => {
    try {
      closeSync(fd);
    } finally {
      release();
    }
  };
  try {
    const file = fstatSync(fd, { bigint: true });
    if (!locks) release = await listenAt(`${file.dev}-${file.ino}`);
    // Whoever had it before may have removed it.
    const now = statSync(path, { bigint: true });
    if (now.dev !== file.dev || now.ino !== file.ino) throw new FileInUse(`${path} is being replaced`);
  } catch (error) {
    close();
    throw error;
  }
  return { fd, close };
}

function open(path: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (codeOf(error) === "EAGAIN" || codeOf(error) === "EWOULDBLOCK") throw new FileInUse(`${path} is locked`);
    throw error;
  }
}

/** Listens where only one can, until the function that this gives is called. */
async function listenAt(file: string): Promise<() => void> {
  const before = NAMES[platform];
  if (before === undefined) throw new Error(`aludel knows no lock between the processes of ${platform}, which database files need`);
  // An abstract name as long as can be: Node 20 fills a shorter one up with zeros, Node 22 does not, and they would listen at two.
  const path = before.startsWith("\0") ? (before + file).padEnd(ABSTRACT, "-") : before + file;
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("listening", () => resolve());
    server.once("error", (error) => reject(codeOf(error) === "EADDRINUSE" ? new FileInUse(`${file} is in use`) : error));
    // Exclusive: the processes of a cluster would share it.
    server.listen({ path, exclusive: true });
  });
  // It does not keep the process.
  server.unref();
  // Versions of Node that know no abstract sockets, those before 20.8, listen at another name, where anybody can.
  if (server.address() === path) return () => server.close();
  server.close();
  throw new Error("this version of Node has no abstract sockets, which database files need: take the newest of its line");
}

/**
 * What Node calls an error of the system.
 * @internal
 */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}
