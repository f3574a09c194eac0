// A seeded generator of random numbers (sfc32): small, fast and the same in every browser.

/** Numbers that follow from a seed, and the few ways in which the store draws them. */
export class Random {
  #a = 0x9e3779b9;
  #b = 0x243f6a88;
  #c = 0xb7e15162;
  #counter = 1;

  /** @param {number} seed any 32-bit integer; the same seed gives the same numbers. */
  constructor(seed) {
    this.#a ^= seed;
    for (let i = 0; i < 16; i += 1) this.next();
  }

  /** A 32-bit unsigned integer. */
  next() {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum >>> 0;
  }

  /** A number from 0 up to 1, without 1. */
  unit() {
    return this.next() / 4294967296;
  }

  /** An integer from 0 up to `n`, without `n`. */
  below(n) {
    return Math.floor(this.unit() * n);
  }

  /** An integer from `low` to `high`, both included. */
  between(low, high) {
    return low + this.below(high - low + 1);
  }

  /** True with this probability. */
  chance(probability) {
    return this.unit() < probability;
  }

  /** One of the items. */
  pick(items) {
    return items[this.below(items.length)];
  }

  /** One of the items, by their `weight`. */
  weighted(items) {
    let left = this.unit() * items.reduce((sum, item) => sum + item.weight, 0);
    return items.find((item) => (left -= item.weight) < 0) ?? items[items.length - 1];
  }
}
