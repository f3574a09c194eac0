/**
 * Numbers and texts one behind the other in one text, as `crates/sql/src/fields.rs` writes them.
 *
 * @module
 */

/** Reads such a text from its start. */
export class Fields {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** How many follow. */
  count(): number {
    let digit = this.#text.charCodeAt(this.#at++);
    if (digit < 64) return digit;
    let [all, place] = [0, 1];
    for (; digit >= 64; digit = this.#text.charCodeAt(this.#at++), place *= 64) all += (digit - 64) * place;
    return all + digit * place;
  }

  /** A whole number. */
  number(): number {
    const count = this.count();
    return count % 2 === 0 ? count / 2 : -(count + 1) / 2;
  }

  /** A text. */
  text(): string {
    const length = this.count();
    const from = this.#at;
    this.#at += length;
    return this.#text.slice(from, this.#at);
  }
}
