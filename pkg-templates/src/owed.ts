/**
 * What a worker still has to answer, so that a process of Node lives as long as that, and no longer.
 *
 * @module
 */

const EXECUTE = 0x03;
const CREDIT = 0x05;
const CLOSE_STREAM = 0x06;
const CANCEL = 0x07;
const SITE = 0x0e;
const ROWS = 0x83;
const FATAL = 0x86;
const PROGRESS = 0x89;

/**
 * Which requests a thread still has to answer, by the frames to it and from it (docs/PROTOCOL.md). A stream that nobody reads
 * is owed nothing: it waits for credits.
 */
export class Owed {
  /** The requests, each with how many frames may still come; Infinity where that is not said. */
  readonly #requests = new Map<bigint, number>();
  #count = 0;

  /** How many requests get an answer without being asked for more. */
  get count(): number {
    return this.#count;
  }

  asked(frame: Uint8Array): void {
    const [kind, view] = [frame[2], new DataView(frame.buffer, frame.byteOffset, frame.byteLength)];
    if (kind === CANCEL || kind === SITE) return;
    if (kind === CREDIT || kind === CLOSE_STREAM) {
      const stream = view.getBigUint64(32, true);
      const frames = this.#requests.get(stream);
      if (frames !== undefined) this.#set(stream, kind === CREDIT ? frames + view.getUint32(40, true) : undefined);
    } else {
      this.#set(view.getBigUint64(8, true), kind === EXECUTE && frame[34] === 1 ? view.getUint32(36, true) : Infinity);
    }
  }

  answered(data: unknown): void {
    const view = data instanceof ArrayBuffer ? new DataView(data) : undefined;
    const kind = view?.getUint8(2);
    if (view === undefined ? String(data).startsWith("fatal:") : kind === FATAL) {
      this.#requests.clear();
      this.#count = 0;
    } else if (view !== undefined && kind !== PROGRESS) {
      const request = view.getBigUint64(8, true);
      const frames = this.#requests.get(request);
      if (frames !== undefined) this.#set(request, kind === ROWS && view.getUint8(32) === 1 ? frames - 1 : undefined);
    }
  }

  #set(request: bigint, frames: number | undefined): void {
    this.#count += Number((frames ?? 0) > 0) - Number((this.#requests.get(request) ?? 0) > 0);
    if (frames === undefined) this.#requests.delete(request);
    else this.#requests.set(request, frames);
  }
}
