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
const BUNDLE = 0xa2;

/** The frames of a message: one, or several behind each other, each with its length in front. */
function framesOf(message: Uint8Array): Uint8Array[] {
  if (message[0] !== BUNDLE) return [message];
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const frames: Uint8Array[] = [];
  let at = 8;
  for (let left = view.getUint32(4, true); left > 0; left--) {
    const length = view.getUint32(at, true);
    frames.push(message.subarray(at + 8, at + 8 + length));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return frames;
}

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

  asked(message: Uint8Array): void {
    framesOf(message).forEach((frame) => this.#asked(frame));
  }

  #asked(frame: Uint8Array): void {
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
    if (data instanceof ArrayBuffer) framesOf(new Uint8Array(data)).forEach((frame) => this.#answered(frame));
    else if (String(data).startsWith("fatal:")) this.#forget();
  }

  #forget(): void {
    this.#requests.clear();
    this.#count = 0;
  }

  #answered(frame: Uint8Array): void {
    const [kind, view] = [frame[2], new DataView(frame.buffer, frame.byteOffset, frame.byteLength)];
    if (kind === FATAL) {
      this.#forget();
    } else if (kind !== PROGRESS) {
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
