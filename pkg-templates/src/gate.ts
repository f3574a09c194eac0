/**
 * Where calls are held up, and the order in which they go on then.
 *
 * @module
 */

import { first, type NativeLimits } from "./call.js";

/**
 * Holds up a call, by a promise, or by an error that it throws; undefined where it may go on.
 * @internal
 */
export type Gate = () => Promise<void> | undefined;

/**
 * Begins something, as soon as a gate lets it, with what is left of its time.
 * @internal
 */
export function passing<T>(gate: Gate, limits: NativeLimits | undefined, start: () => Promise<T>): Promise<T> {
  const held = gate();
  return held === undefined ? start() : first(limits, held).then(start);
}

/**
 * The calls of one connection that are held up. Whatever is called behind them waits for them to begin, held up itself or not: or a
 * commit would end what has yet to begin.
 * @internal
 */
export class Line {
  #last: Promise<unknown> | undefined;

  /** Whether there are any. */
  get waits(): boolean {
    return this.#last !== undefined;
  }

  /** As {@link passing}, behind those that wait. */
  pass<T>(gate: Gate, limits: NativeLimits | undefined, start: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const held = before === undefined ? gate() : before.then(gate);
    if (held === undefined) return start();
    let running: Promise<T> | undefined;
    const begun = first(limits, held).then(() => {
      running = start();
    });
    // Who gives up does not let those behind it go before those in front of it.
    const gone = Promise.allSettled([before, begun]).then(() => {
      if (this.#last === gone) this.#last = undefined;
    });
    this.#last = gone;
    return begun.then(() => running as Promise<T>);
  }
}
