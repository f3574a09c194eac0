// Medians, ratios, targets and tables.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const short = (value) => (value === undefined ? "-" : value >= 100 ? value.toFixed(0) : value.toPrecision(3));
const times = (ratio) => `${ratio.toFixed(2)}x`;

/** Columns of equal width; the first is left-aligned. */
export function table(head, rows) {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)));
  const line = (row) => row.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join("  ").trimEnd();
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

/** The same for a page of documentation. */
export function markdown(head, rows) {
  const line = (row) => `| ${row.map((cell) => cell.trim()).join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i ? "---:" : "---"))), ...rows.map(line)].join("\n");
}

/**
 * What becomes of one figure: each engine's median; the best peer that stores what it is given and runs in a worker, and the own
 * engine's ratio to it; the ratio that the target is about, which may be to another peer or to a number; and whether it was met.
 */
export function judge({ values, target, more = false }, engines) {
  const medians = Object.fromEntries(
    engines.filter(({ name }) => values[name]?.length).map(({ name }) => [name, median(values[name])]));
  const own = medians[engines.find((engine) => engine.own).name];
  const peers = engines.filter(({ name, durable, own }) => durable && !own && medians[name] !== undefined);
  const best = peers.sort((a, b) => (medians[a.name] - medians[b.name]) * (more ? -1 : 1))[0];
  const judged = { medians, own, best: best?.name };
  if (own === undefined) return judged;
  if (best && medians[best.name] > 0) judged.ratio = own / medians[best.name];
  if (!target) return judged;
  const { most, least } = target;
  if (most !== undefined || least !== undefined) return { ...judged, met: own <= (most ?? Infinity) && own >= (least ?? -Infinity) };
  const other = target.to === undefined ? judged.ratio : medians[target.to] && own / medians[target.to];
  return other === undefined ? judged : { ...judged, ratio: other, best: target.to ?? judged.best, met: other <= target.of };
}

const aim = ({ of, most, least } = {}) =>
  of !== undefined ? times(of) : most !== undefined ? `<= ${most}` : least !== undefined ? `>= ${least}` : "";

/** One row per figure: the medians, the ratio, the target and whether it was met. */
export function report(figures, engines) {
  const head = ["", ...engines.map(({ title }) => title), "ratio", "target", ""];
  const rows = figures.map((figure) => {
    const { medians, ratio, met } = judge(figure, engines);
    return [figure.title, ...engines.map(({ name }) => short(medians[name])), ratio === undefined ? "-" : times(ratio),
      aim(figure.target), met === undefined ? "" : met ? "met" : "MISSED"];
  });
  return { head, rows };
}
