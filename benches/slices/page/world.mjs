// The instance, and the statements that are suspended in it.

/** Loads one of the builds: "plain", "jspi", or "one", which every engine takes. */
export async function load(variant) {
  const module = await import(`/out/${variant}/slices.js`);
  const { memory } = await module.default({ module_or_path: `/out/${variant}/slices.wasm` });
  return Object.assign(Object.create(null), module, { memory });
}

/** What JavaScript does when a statement pauses; may be replaced. */
export function onPause(pause) {
  globalThis.slices = { pause };
}

/** Starts statements, resumes them, and tells of each time whether they paused or are done. */
export class Fibers {
  #m;
  #resume = new Map();
  #heard = new Map();
  suspensions = 0;
  most = 0;

  constructor(m) {
    this.#m = m;
    onPause((slot) => {
      this.suspensions += 1;
      const answer = new Promise((resolve) => this.#resume.set(slot, resolve));
      this.most = Math.max(this.most, this.#resume.size);
      this.#tell(slot, "paused");
      return answer;
    });
  }

  start(slot, sql, looks, slice = 0) {
    this.#m.put(slot, sql, looks, slice);
    const heard = this.#listen(slot);
    this.#m.go(slot).then(() => this.#tell(slot, "done"), (error) => this.#heard.get(slot)?.reject(error));
    return heard;
  }

  /** `looks` until it pauses again; 0 interrupts it. */
  resume(slot, looks) {
    const resolve = this.#resume.get(slot);
    this.#resume.delete(slot);
    const heard = this.#listen(slot);
    resolve(looks);
    return heard;
  }

  #listen(slot) {
    const heard = Promise.withResolvers();
    this.#heard.set(slot, heard);
    return heard.promise;
  }

  #tell(slot, what) {
    this.#heard.get(slot)?.resolve(what);
  }
}

/** Numbers that a seed repeats (mulberry32): `random(n)` is below n. */
export function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
