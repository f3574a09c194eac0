/**
 * Decimal numbers with a fixed count of digits, as Python's `"%.2f"` writes them.
 *
 * @module
 */

/**
 * A number with this many digits behind the point. What lies in the middle of two goes to the even one, where `toFixed` takes
 * the larger; and no number is written with an exponent.
 */
export function fixed(value: number | bigint, digits: number): string {
  const zeros = digits > 0 ? `.${"0".repeat(digits)}` : "";
  if (typeof value === "bigint") return value.toString() + zeros;
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 1e21) return BigInt(value).toString() + zeros;
  // `toFixed` takes no more than 100 digits: what is behind the 99th is written as zeros.
  if (digits > 99) return value.toFixed(99) + "0".repeat(digits - 99);
  // A number is in the middle of two where it is an odd count of halves, and of no smaller parts.
  const halves = Math.abs(value) * 2 ** (digits + 1);
  if (halves % 2 === 1) {
    const lower = value.toFixed(digits + 1).slice(0, -1).replace(/\.$/, "");
    if (Number(lower.at(-1)) % 2 === 0) return lower;
  }
  return value.toFixed(digits);
}
