// Numbers, sizes and times in words.

const whole = new Intl.NumberFormat("en");

/** `12345` as "12,345". */
export const count = (n) => whole.format(n);

/** "1 row", "12,345 rows". */
export const counted = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** A number of bytes: "94 B", "12.4 KB", "18.0 MB". */
export function bytes(n) {
  if (n < 1000) return `${n} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let unit = -1;
  do {
    n /= 1000;
    unit += 1;
  } while (n >= 999.95 && unit < units.length - 1);
  return `${n.toFixed(n < 100 ? 1 : 0)} ${units[unit]}`;
}

/** A duration in milliseconds: "0.4 ms", "18 ms", "1.24 s", "2 min 5 s". */
export function duration(ms) {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
