// Numbers that look random and come again with the same seed.

/** A generator of numbers in [0, 1), with some comforts. */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    /** An integer from `low` to `high`, both included. */
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    /** One of a list. */
    pick: (list) => list[Math.floor(next() * list.length)],
    /** True in this part of all cases. */
    chance: (part) => next() < part,
  };
}

/** A seed that nobody has to think of. */
export const anySeed = () => Math.floor(Math.random() * 2 ** 31);
