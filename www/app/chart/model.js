// What a chart shows of a result: which columns, which rows, and where the lines of its scale are. Pure.

import { kind, shown } from "../grid/cells.js";

/** More bars than this say less than the rows do. */
export const MOST_BARS = 60;
/** More points than this are more than a window is wide. */
export const MOST_POINTS = 2_000;
/** Which columns hold numbers, so many of the first rows say. */
const SAMPLE = 500;
const LABEL = 48;

/** The columns with numbers in them and nothing but numbers and NULL, by their position. */
export function numeric(names, rows) {
  const sample = rows.slice(0, SAMPLE);
  return names.map((_, column) => column).filter((column) =>
    sample.some((row) => kind(row[column]) === "number") && sample.every((row) => ["number", "null"].includes(kind(row[column]))));
}

/**
 * The columns to begin with: the last one with numbers is the height, the first of the others the name.
 * @returns {{ label: number, value: number } | undefined}
 */
export function columns(names, rows) {
  const value = numeric(names, rows).at(-1);
  if (value === undefined || names.length < 2) return undefined;
  return { label: value === 0 ? 1 : 0, value };
}

/** The form to begin with: a line for what goes on and on (numbers or dates that ascend), bars for names. */
export function form(rows, label) {
  const sample = rows.slice(0, SAMPLE).map((row) => row[label]);
  const dates = sample.every((value) => typeof value === "string" && /^\d{4}-\d\d/u.test(value));
  return sample.length > 12 && (dates || ascends(sample)) ? "line" : "bars";
}

const ascends = (values) => values.every((value, i) => kind(value) === "number" && (i === 0 || value > values[i - 1]));

/**
 * The points of a chart, and how many rows it does not show.
 * @returns {{ points: { label: string, value: number, exact: string, at: number }[], shown: number, total: number, without: number }}
 *   `shown` rows were looked at of `total`; `without` of them hold no number. `at` is where a point lies between 0 and 1.
 */
export function plot(rows, { label, value }, most, spaced) {
  const points = [];
  let looked = 0;
  for (; looked < rows.length && points.length < most; looked += 1) {
    const row = rows[looked];
    const number = kind(row[value]) === "number" ? Number(row[value]) : NaN;
    if (!Number.isFinite(number)) continue;
    points.push({ label: cut(shown(row[label])), from: row[label], value: number, exact: shown(row[value]), at: 0 });
  }
  const scaled = spaced && points.length > 1 && ascends(points.map(({ from }) => from));
  const first = scaled ? Number(points[0].from) : 0;
  const extent = scaled ? Number(points.at(-1).from) - first : Math.max(1, points.length - 1);
  points.forEach((point, i) => {
    // Rounded to floats, two neighbouring large integers may be one.
    point.at = extent > 0 ? ((scaled ? Number(point.from) : i) - first) / extent : 0;
    delete point.from;
  });
  return { points, shown: looked, total: rows.length, without: looked - points.length };
}

/** A text of a length that has a place in a chart. */
export const cut = (text, length = LABEL) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/**
 * Round numbers from the least to the greatest value, zero among them for bars.
 * @returns {number[]} at least two, ascending; the values lie between the first and the last.
 */
export function ticks(values, wanted, zero) {
  let low = zero ? 0 : Infinity;
  let high = zero ? 0 : -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!(high > low)) [low, high] = low === 0 || !Number.isFinite(low) ? [0, 1] : [Math.min(0, low), Math.max(0, low)];
  // Halved first: the difference of two large numbers may be none any more.
  const rough = (high / 2 - low / 2) / Math.max(1, wanted) * 2;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough * 0.999) ?? rough;
  if (!(step > 0) || !Number.isFinite(step)) return [low, high];
  const found = [];
  for (let i = Math.floor(low / step); found.length <= wanted + 3; i += 1) {
    found.push(Number((i * step).toPrecision(12)));
    if (i * step >= high) break;
  }
  return found.every(Number.isFinite) && found.at(-1) >= high ? found : [low, high];
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const plain = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });

/** A number at the side of a chart: "12K", "0.05". */
export function tickText(value) {
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return value.toExponential(1);
  return size >= 10_000 ? compact.format(value) : plain.format(value);
}
