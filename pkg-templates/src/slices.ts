/**
 * Parameters that take long to encode: in slices, between which the page does what else is due.
 *
 * @module
 */

import type { Encoding } from "./encode.js";

/** How many cells are encoded on the spot: less than a millisecond's or two, so that most calls need no slices. */
const AT_ONCE = 16384;
/** How much is encoded before the clock is looked at. */
const STEP = 1024;
/** How long a slice takes, in milliseconds; half of a frame of the screen, since an encoder takes long now and then. */
const SLICE_MS = 6;

/** Encodes what may be encoded on the spot; the batch, unless something is left. */
export function atOnce(encoding: Encoding): Uint8Array<ArrayBuffer> | undefined {
  return encoding.some(AT_ONCE) ? encoding.finish() : undefined;
}

/** Encodes what is left, and gives the batch. `check` is called now and then, and throws where it is not wanted any more. */
export async function inSlices(encoding: Encoding, check: () => void): Promise<Uint8Array<ArrayBuffer>> {
  const turns = new Turns();
  try {
    const steps = stepsOf(encoding);
    for (;;) {
      await turns.next();
      const until = performance.now() + SLICE_MS;
      do {
        check();
        const step = steps.next();
        if (step.done === true) return step.value;
      } while (performance.now() < until);
    }
  } finally {
    turns.end();
  }
}

function* stepsOf(encoding: Encoding): Generator<undefined, Uint8Array<ArrayBuffer>, undefined> {
  while (!encoding.some(STEP)) yield;
  return yield* encoding.pieces();
}

/**
 * Turns of the event loop. A message to oneself comes behind those that have arrived, and is not held back as timers are;
 * `scheduler.yield()` would go before them.
 */
class Turns {
  readonly #channel = new MessageChannel();

  /** Waits until what is due now is done. */
  next(): Promise<void> {
    const { port1, port2 } = this.#channel;
    return new Promise((resolve) => {
      port1.onmessage = () => resolve();
      port2.postMessage(null);
    });
  }

  end(): void {
    this.#channel.port1.close();
  }
}
