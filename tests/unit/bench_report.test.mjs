// What the benchmark makes of what it measured: medians, the best peer, targets, and sums that tell rows apart.
import assert from "node:assert/strict";
import test from "node:test";
import { judge, markdown, median, report, table } from "../../benches/report.mjs";
import { ENGINES as REAL, WORKLOADS } from "../../benches/workloads.mjs";
import { checksum, people } from "../../benches/page/data.js";
import { speedtest, words } from "../../benches/page/sql.js";

const ENGINES = [
  { name: "own", title: "own", own: true, durable: true },
  { name: "a", title: "A", durable: true },
  { name: "b", title: "B", durable: true },
  { name: "memory", title: "M" },
  { name: "limit", title: "limit", limit: true },
];

test("the median is the middle one, or between the two", () => {
  const rows = [[[3], 3], [[1, 2], 1.5], [[9, 1, 5], 5], [[4, 1, 2, 100], 3], [[10, 9, 100], 10]];
  for (const [values, expected] of rows) {
    const before = [...values];
    assert.equal(median(values), expected, `${values}`);
    assert.deepEqual(values, before, "the values stay in their order");
  }
});

test("a figure is judged against the best peer that stores", () => {
  // [what each engine took, target, more is better] and what becomes of it.
  const rows = [
    [{ own: [10], a: [20], b: [40], memory: [1], limit: [0.1] }, { of: 0.5 }, false, { ratio: 0.5, best: "a", met: true }],
    [{ own: [11], a: [20], b: [40] }, { of: 0.5 }, false, { ratio: 0.55, best: "a", met: false }],
    [{ own: [10], a: [20], b: [40] }, { of: 0.5, to: "b" }, false, { ratio: 0.25, best: "b", met: true }],
    [{ own: [10], a: [20], b: [40] }, { of: 0.5, to: "memory" }, false, { ratio: 0.5, best: "a", met: undefined }],
    [{ own: [10], a: [20], b: [40] }, undefined, true, { ratio: 0.25, best: "b", met: undefined }],
    [{ own: [10], a: [20] }, undefined, false, { ratio: 0.5, best: "a", met: undefined }],
    [{ own: [16], a: [200] }, { most: 16 }, false, { ratio: 0.08, best: "a", met: true }],
    [{ own: [16.1] }, { most: 16 }, false, { ratio: undefined, best: undefined, met: false }],
    [{ own: [16, 1, 16.1, 99] }, { most: 16 }, false, { ratio: undefined, best: undefined, met: false }],
    [{ a: [5] }, { of: 1 }, false, { ratio: undefined, best: "a", met: undefined }],
    [{ own: [5], memory: [1] }, { of: 1 }, false, { ratio: undefined, best: undefined, met: undefined }],
    [{ own: [5], a: [0] }, { most: 20 }, false, { ratio: undefined, best: "a", met: true }],
    [{ own: [30, 10, 20], a: [1, 20, 99] }, { of: 1 }, false, { ratio: 1, best: "a", met: true }],
  ];
  for (const [values, target, more, expected] of rows) {
    const { ratio, best, met } = judge({ values, target, more }, ENGINES);
    assert.deepEqual({ ratio, best, met }, expected, JSON.stringify(values));
  }
});

test("the table says it in one line a figure, and so does the page", () => {
  const figures = [
    { title: "short, ms", values: { own: [10], a: [20], b: [40], memory: [1] }, target: { of: 0.25 } },
    { title: "block, ms", values: { own: [123.4] }, target: { most: 16 } },
    { title: "plain", values: { own: [0.1234], a: [1] } },
  ];
  const { head, rows } = report(figures, ENGINES);
  assert.deepEqual(head, ["", "own", "A", "B", "M", "limit", "ratio", "target", ""]);
  assert.deepEqual(rows, [
    ["short, ms", "10.0", "20.0", "40.0", "1.00", "-", "0.50x", "0.25x", "MISSED"],
    ["block, ms", "123", "-", "-", "-", "-", "-", "<= 16", "MISSED"],
    ["plain", "0.123", "1.00", "-", "-", "-", "0.12x", "", ""],
  ]);
  const lines = table(head, rows).split("\n");
  assert.equal(lines.length, 5);
  assert.match(lines[2], /^short, ms {3}10\.0 {2}20\.0 {2}40\.0 {2}1\.00 {6}- {2}0\.50x {3}0\.25x {2}MISSED$/);
  assert.deepEqual(markdown(["", "x"], [["  indented", "1"]]).split("\n"), ["|  | x |", "| --- | ---: |", "| indented | 1 |"]);
});

test("the table of all workloads fits a terminal", () => {
  const figures = WORKLOADS.filter(({ details }) => !details).flatMap(({ figures }) => Object.values(figures)).map((figure) => ({
    ...figure, values: Object.fromEntries(REAL.map(({ name }) => [name, [12_345]])),
  }));
  const { head, rows } = report(figures, REAL);
  const widest = Math.max(...table(head, rows).split("\n").map((line) => line.length));
  assert.ok(widest <= 120, `${widest} columns`);
  const titles = rows.map(([title]) => title);
  assert.equal(new Set(titles.filter((title) => !title.startsWith(" "))).size, titles.filter((title) => !title.startsWith(" ")).length);
});

test("what a workload names is there", () => {
  const names = REAL.map(({ name }) => name);
  for (const { name, variant, engines, options = {}, figures } of WORKLOADS) {
    const all = [...engines, ...Object.keys(options), ...Object.values(figures).map(({ target }) => target?.to ?? "aludel")];
    assert.deepEqual(all.filter((engine) => !names.includes(engine)), [], `${name} ${variant}`);
  }
  const runs = WORKLOADS.map(({ name, variant }) => `${name} ${variant}`);
  assert.equal(new Set(runs).size, runs.length);
});

test("the sum over rows tells each change of a cell, and the order of rows", () => {
  const rows = () => people(50);
  const sum = checksum(rows());
  assert.equal(checksum(rows()), sum);
  const changes = {
    "an id": (all) => (all[7].id += 1),
    "a name that is longer": (all) => (all[7].name += "x"),
    "a letter of an address": (all) => (all[7].email = all[7].email.replace(/.@/, (found) => `~${found[1]}`)),
    "a score": (all) => (all[7].score += 0.125),
    "a note that is gone": (all) => (all[7].note = null),
    "the third letter of a note": (all) => (all[7].note = `${all[7].note.slice(0, 2)}~${all[7].note.slice(3)}`),
    "a parent that is none": (all) => (all[9].parent = null),
    "a row that is missing": (all) => all.pop(),
    "two rows that have changed places": (all) => ([all[3], all[4]] = [all[4], all[3]]),
    "the middle of a name": (all) => (all[7].name = all[7].name.replace("a", "e")),
    "a row that is there twice": (all) => all.push(all[3]),
  };
  for (const [what, change] of Object.entries(changes)) {
    const changed = rows();
    change(changed);
    assert.notEqual(checksum(changed), sum, what);
  }
});

test("the sixteen parts are the same every time, and smaller where asked", () => {
  const parts = speedtest();
  assert.equal(parts.length, 16);
  assert.deepEqual(parts, speedtest());
  assert.deepEqual(parts.map(([, statements]) => statements.length),
    [1001, 25_001, 25_002, 100, 100, 2, 5000, 1000, 25_000, 25_000, 2, 1, 1, 1, 12_001, 2]);
  assert.ok(speedtest(0.02).every(([name, statements], i) => name === parts[i][0] && statements.length <= parts[i][1].length));
  assert.equal(speedtest(0.02)[1][1].length, 501);
  const numbers = [[0, "zero"], [7, "seven"], [20, "twenty"], [21, "twenty one"], [100, "one hundred"], [219, "two hundred nineteen"],
    [1000, "one thousand"], [13_153, "thirteen thousand one hundred fifty three"], [100_040, "one hundred thousand forty"]];
  for (const [number, expected] of numbers) assert.equal(words(number), expected);
});
