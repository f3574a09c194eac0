/**
 * Bytes that stand in a module as text: each byte is one character, or two where it is rare, of those that no string, no template
 * and no script has to escape. A server's gzip makes as much of it as of the bytes themselves, other than of Base64.
 *
 * @module
 */

/**
 * Text and what it says: the bytes in the order of their texts, each as two hexadecimal digits.
 * @internal
 */
export interface Inlined {
  readonly order: string;
  readonly text: string;
}

/** How many characters begin a text of two; the others are one byte each. */
const PREFIXES = 2;

/**
 * The bytes that a text stands for.
 * @internal
 */
export function bytesOf({ order, text }: Inlined): Uint8Array<ArrayBuffer> {
  // Where each character stands in the alphabet.
  const place = new Uint8Array(128);
  let size = 0;
  for (let code = 0x20; code < 0x7f; code++) {
    if (!"\"$'<\\`".includes(String.fromCharCode(code))) place[code] = size++;
  }
  const singles = size - PREFIXES;
  const byte = Uint8Array.from({ length: 256 }, (_, rank) => parseInt(order.slice(2 * rank, 2 * rank + 2), 16));
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const first = place[text.charCodeAt(at)] as number;
    const rank = first >= PREFIXES ? first - PREFIXES : singles + first * size + (place[text.charCodeAt(++at)] as number);
    bytes[length++] = byte[rank] as number;
  }
  return bytes.subarray(0, length);
}
