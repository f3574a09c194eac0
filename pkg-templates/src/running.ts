/**
 * What a connection does at the moment.
 *
 * @module
 */

import { Line } from "./gate.js";

/**
 * The calls of a connection that run, and whether they leave a transaction behind.
 * @internal
 */
export class Running {
  /** Those that are held up. */
  readonly line: Line = new Line();
  #calls = 0;
  #ahead = 0;
  #open: boolean | undefined;

  /** How many calls run. */
  get calls(): number {
    return this.#calls;
  }

  /** Counts a call while it runs, so that a transaction's function that forgot to await it can be told so. */
  async count<T>(call: Promise<T>): Promise<T> {
    this.#calls++;
    try {
      return await call;
    } finally {
      this.#calls--;
    }
  }

  /** Whether there is a transaction once the calls that run have done what they begin and end; undefined if none of them does. */
  get open(): boolean | undefined {
    return this.#open;
  }

  /** Begins or ends a transaction with what follows. What it gives says that this was done, or has failed. */
  leaves(open: boolean): (done: boolean) => void {
    this.#ahead++;
    this.#open = open;
    return (done) => {
      this.#ahead--;
      if (!done || this.#ahead === 0) this.#open = undefined;
    };
  }

  /** Does what begins or ends a transaction, or neither. */
  async leaving<T>(open: boolean | undefined, work: () => Promise<T>): Promise<T> {
    if (open === undefined) return work();
    const settled = this.leaves(open);
    let done = false;
    try {
      const value = await work();
      done = true;
      return value;
    } finally {
      settled(done);
    }
  }
}
