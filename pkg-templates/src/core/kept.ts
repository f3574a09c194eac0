/**
 * What the compiler said, kept by the bytes of statements.
 *
 * A statement that is new pays for this as well as one that is known, so it is made to be cheap for both: bytes are found by a hash
 * of them and then compared, since a string of them for a key costs more to make than all the rest, and nothing is taken out of a
 * map, which would leave a hole in it.
 *
 * @module
 */

interface Entry<T> {
  /** Where its bytes are among those of its generation. */
  readonly at: number;
  readonly length: number;
  readonly keys: string;
  readonly value: T;
}

/** Values that were asked for at about the same time, and the bytes of all of them in one buffer. */
class Generation<T> {
  readonly #entries = new Map<number, Entry<T>>();
  #bytes = new Uint8Array(1 << 15);
  #length = 0;
  #added = 0;

  /** How many were added. Two with one hash count each time that one takes the other's place: their bytes stay till all go. */
  get added(): number {
    return this.#added;
  }

  find(hash: number, bytes: Uint8Array, keys: string): Entry<T> | undefined {
    const entry = this.#entries.get(hash);
    const { length } = bytes;
    if (entry === undefined || entry.length !== length || entry.keys !== keys) return undefined;
    const own = this.#bytes;
    for (let i = 0, at = entry.at; i < length; i++, at++) if (own[at] !== bytes[i]) return undefined;
    return entry;
  }

  /** Of two with one hash the later one stays. */
  add(hash: number, bytes: Uint8Array, keys: string, value: T): void {
    this.#added += 1;
    const at = this.#length;
    this.#length += bytes.length;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(this.#length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, at);
    this.#entries.set(hash, { at, length: bytes.length, keys, value });
  }
}

/** Values by bytes and names. Those that were asked for least recently go, half of them at a time. */
export class Kept<T> {
  #young = new Generation<T>();
  #old = new Generation<T>();
  readonly #half: number;

  /** Keeps so many at most, and half as many at least: 1 or more. */
  constructor(size: number) {
    this.#half = (size + 1) >> 1;
  }

  /** The value of these bytes, which begin where a word may, and names; it is made unless it is there. */
  of(bytes: Uint8Array, keys: string, make: () => T): T {
    const hash = hashOf(bytes, keys);
    const young = this.#young.find(hash, bytes, keys);
    if (young !== undefined) return young.value;
    const old = this.#old.find(hash, bytes, keys);
    const value = old === undefined ? make() : old.value;
    this.#young.add(hash, bytes, keys, value);
    if (this.#young.added >= this.#half) [this.#old, this.#young] = [this.#young, new Generation()];
    return value;
  }
}

/** FNV, four bytes at a time; a number so small that a map needs no object for it. */
function hashOf(bytes: Uint8Array, keys: string): number {
  const { length } = bytes;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, length >>> 2);
  let hash = 0x811c9dc5 ^ length;
  for (let i = 0; i < words.length; i++) {
    hash = Math.imul(hash ^ (words[i] as number), 0x01000193);
    hash ^= hash >>> 15;
  }
  for (let i = length & ~3; i < length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  for (let i = 0; i < keys.length; i++) hash = Math.imul(hash ^ keys.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) & 0x3fffffff;
}
