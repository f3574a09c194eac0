// Medians, ratios and a table.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const short = (value) => (value === undefined ? "-" : value >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** Columns of equal width; the first is left-aligned. */
export function table(head, rows) {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)));
  const line = (row) => row.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join("  ");
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

/**
 * One row per figure: each engine's median, and aludel's ratio to the best peer that keeps its data in the same kind of
 * storage, and to the best of all.
 */
export function report(figures, engines) {
  const head = ["", ...engines.map((engine) => engine.title), "spread", "to sqlite-wasm", "to best"];
  const rows = figures.map(({ title, values, target }) => {
    const medians = engines.map((engine) => values[engine.name] && median(values[engine.name]));
    const of = (test) => Math.min(...engines.map((engine, i) => (test(engine) ? (medians[i] ?? Infinity) : Infinity)));
    const own = medians[engines.findIndex((engine) => engine.own)];
    const ratio = (other) => (own === undefined || !Number.isFinite(other) ? "-" : `${(own / other).toFixed(2)}x`);
    const all = values[engines.find((engine) => engine.own).name];
    const spread = all ? `${short(Math.min(...all))}..${short(Math.max(...all))}` : "-";
    const official = ratio(of((engine) => engine.durable && !engine.own));
    return [title, ...medians.map(short), spread, target ? `${official} (target ${target})` : official,
      ratio(of((engine) => !engine.own && !engine.floor))];
  });
  return table(head, rows);
}
