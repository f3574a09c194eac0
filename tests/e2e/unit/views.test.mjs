// What charts, plans and the history show, without a page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { columns, form, MOST_BARS, numeric, plot, ticks, tickText } from "../../../www/app/chart/model.js";
import { importFailure } from "../../../www/app/files/import_words.js";
import { added, ago, found, parsed } from "../../../www/app/history/model.js";
import { isPlan, planInShort, planTree } from "../../../www/app/plan/model.js";

test("a chart takes the last column of numbers, by the first of the others", () => {
  assert.deepEqual(columns(["a", "b"], [["x", 1]]), { label: 0, value: 1 });
  assert.deepEqual(columns(["a", "b"], [[1, "x"]]), { label: 1, value: 0 });
  assert.deepEqual(columns(["a", "b"], [[1, 2]]), { label: 0, value: 1 });
  assert.deepEqual(columns(["a", "b", "c"], [["x", 1, null], ["y", 2, 3n]]), { label: 0, value: 2 });
  assert.equal(columns(["a"], [[1]]), undefined);
  assert.equal(columns(["a", "b"], []), undefined);
  assert.equal(columns(["a", "b"], [["x", "1"], [new Uint8Array(2), null]]), undefined);
  assert.deepEqual(numeric(["a", "b", "c"], [[1, 1, null], ["2", 2.5, null]]), [1]);
});

test("what ascends begins as a line, names as bars", () => {
  const months = Array.from({ length: 20 }, (_, i) => [`2024-${String((i % 12) + 1).padStart(2, "0")}`, i]);
  assert.equal(form(months, 0), "line");
  assert.equal(form(months.slice(0, 5), 0), "bars");
  assert.equal(form(months.map((_, i) => [i, i]), 0), "line");
  assert.equal(form(months.map((_, i) => [-i, i]), 0), "bars");
});

test("a chart is bounded, and says what it leaves out", () => {
  const rows = Array.from({ length: 5_000 }, (_, i) => [`n${i}`, i % 3 === 0 ? null : i]);
  const { points, shown, total, without } = plot(rows, { label: 0, value: 1 }, MOST_BARS);
  assert.deepEqual([points.length, total, shown - without], [MOST_BARS, 5_000, MOST_BARS]);
  assert.deepEqual(plot([["a", Infinity], ["b", NaN], ["c", "3"], ["d", 4]], { label: 0, value: 1 }, 10).points.map(({ label, value }) => [label, value]), [["d", 4]]);
  assert.deepEqual(plot([[0, 1], [1, 1], [4, 1]], { label: 0, value: 1 }, 10, true).points.map(({ at }) => at), [0, 0.25, 1]);
  assert.deepEqual(plot([["x", 1], ["y", 1], ["z", 1]], { label: 0, value: 1 }, 10, true).points.map(({ at }) => at), [0, 0.5, 1]);
  assert.deepEqual(plot([[9007199254740992n, 1], [9007199254740993n, 1]], { label: 0, value: 1 }, 10, true).points.map(({ at }) => Number.isFinite(at)), [true, true]);
});

test("the lines of a scale are round and enclose the values, whatever these are", () => {
  assert.deepEqual(ticks([3, 24_871], 3, true), [0, 10_000, 20_000, 30_000]);
  assert.deepEqual(ticks([-5, 5], 4, true), [-5, -2.5, 0, 2.5, 5]);
  assert.deepEqual(ticks([], 4, true), [0, 0.25, 0.5, 0.75, 1]);
  for (const values of [[], [0], [7], [-7], [1e308, -1e308], [5e-324, 1e-323], [1e15, 1e15 + 1], [0.1, 0.3], [1234.5678], [-1e-9, 1e9], [Number.MAX_VALUE]]) {
    for (const zero of [true, false]) {
      const marks = ticks(values, 4, zero);
      assert.ok(marks.length >= 2 && marks.length < 12 && marks.every(Number.isFinite), `${values} ${zero}: ${marks}`);
      assert.ok(values.every((value) => value >= marks[0] && value <= marks.at(-1)), `${values} ${zero}: ${marks}`);
      assert.ok(marks.at(-1) > marks[0] && marks.every((mark) => tickText(mark).length < 16), `${values} ${zero}: ${marks}`);
    }
  }
});

test("a plan becomes a tree, with a word on what costs", () => {
  assert.ok(isPlan(["id", "parent", "notused", "detail"]) && !isPlan(["id", "parent"]));
  const tree = planTree([[3, 0, 0, "CO-ROUTINE x"], [5, 3, 0, "SCAN t"], [9, 3, 0, "USE TEMP B-TREE FOR GROUP BY"], [20, 0, 0, "SCAN x"], [25, 0, 0, "SEARCH u USING INDEX i (a=?)"], [30, 99, 0, "SCAN v USING COVERING INDEX j"]]);
  assert.deepEqual(tree.map(({ detail, mark, steps }) => [detail, mark?.text, steps.length]), [
    ["CO-ROUTINE x", undefined, 2], ["SCAN x", "rows of a step", 0], ["SEARCH u USING INDEX i (a=?)", "finds by index", 0], ["SCAN v USING COVERING INDEX j", "whole index", 0]]);
  assert.equal(planInShort(tree.slice(2)), "No table is read from end to end.");
  assert.equal(planInShort(tree.slice(0, 1)), "Read from end to end: t; one sort.");
  assert.match(planInShort([]), /reads no table/u);
});

test("the sentence about a plan says what its tree says", () => {
  // [steps as id, parent, detail; the words of each; the sentence]
  const plans = [
    [[[4, 0, "SCAN t USING INDEX i"]], ["whole table, in order"], "Read from end to end: t."],
    [[[3, 0, "SCAN t"], [9, 0, "SEARCH u USING AUTOMATIC COVERING INDEX (b=?)"]], ["whole table", "index made for this run"], "Read from end to end: t, u."],
    [[[3, 0, "MATERIALIZE x"], [9, 3, "SCAN t USING COVERING INDEX i"], [12, 0, "SEARCH x USING AUTOMATIC COVERING INDEX (n=?)"]],
      [undefined, "whole index", "index made for this run"], "No table is read from end to end."],
    [[[3, 0, "CO-ROUTINE n"], [8, 3, "SETUP"], [9, 8, "SCAN CONSTANT ROW"], [23, 3, "RECURSIVE STEP"], [24, 23, "SCAN n"], [36, 0, "SCAN n"], [38, 0, "SCAN t LEFT-JOIN"], [40, 0, "USE TEMP B-TREE FOR ORDER BY"]],
      [undefined, undefined, "one row", undefined, "rows of a step", "rows of a step", "whole table", "sorts"], "Read from end to end: t; one sort."],
    [[[2, 0, "CO-ROUTINE (subquery-2)"], [28, 0, "SCAN (subquery-2)"], [30, 0, "SCAN fts VIRTUAL TABLE INDEX 0:M1"]], [undefined, "rows of a step", "virtual table"], "No table is read from end to end."],
  ];
  for (const [steps, words, sentence] of plans) {
    const tree = planTree(steps.map(([id, parent, detail]) => [id, parent, 0, detail]));
    const marks = (some) => some.flatMap(({ mark, steps: below }) => [mark?.text, ...marks(below)]);
    assert.deepEqual([marks(tree), planInShort(tree)], [words, sentence]);
  }
});

test("the history keeps a script once, the latest first, and never grows without end", () => {
  let entries = [];
  for (const sql of ["SELECT 1", "SELECT 2", " SELECT 1 "]) entries = added(entries, { sql, at: entries.length, ok: true, note: "" });
  assert.deepEqual(entries.map(({ sql }) => sql), [" SELECT 1 ", "SELECT 2"]);
  assert.deepEqual(found(entries, "select 2").map(({ sql }) => sql), ["SELECT 2"]);
  assert.equal(found(entries, "").length, 2);
  assert.equal(added(entries, { sql: "x".repeat(20_001), at: 0, ok: true, note: "" }), entries);
  assert.equal(added(entries, { sql: " ", at: 0, ok: true, note: "" }), entries);
  for (let i = 0; i < 500; i += 1) entries = added(entries, { sql: `${i} ${"x".repeat(9_000)}`, at: i, ok: true, note: "" });
  assert.ok(entries.length <= 200 && entries.reduce((sum, { sql }) => sum + sql.length, 0) <= 1_000_000);
  assert.ok(entries[0].sql.startsWith("499 "));
});

test("a history that someone else wrote is read with distrust", () => {
  for (const text of [null, "", "{", "null", "7", "{}", "[null, 1, {}, {\"sql\": 1}]", "[{\"sql\":\"a\",\"at\":\"b\",\"note\":\"\"}]",
    "[{\"sql\":\"a\",\"at\":8640000000000001,\"note\":\"\"}]", "[{\"sql\":\"a\",\"at\":-1e300,\"note\":\"\"}]"]) assert.deepEqual(parsed(text), [], text);
  assert.deepEqual(parsed("[{\"sql\":\"a\",\"at\":1,\"ok\":\"yes\",\"note\":\"n\",\"more\":1}]"), [{ sql: "a", at: 1, ok: false, note: "n" }]);
  assert.match(ago(parsed("[{\"sql\":\"a\",\"at\":-8640000000000000,\"note\":\"\"}]")[0].at, 1e12), /^-27182/u);
  assert.deepEqual([0, 59_999, 60_000, 3_600_000, 86_400_000].map((ms) => ago(1e12 - ms, 1e12)), ["just now", "just now", "1 min ago", "1 h ago", "2001-09-08"]);
});

test("a failed import says what is wrong, and always that nothing is lost", () => {
  for (const error of [{ reason: "not-a-database" }, { reason: "corrupt" }, { reason: "quota" }, { name: "NotSupportedError" }, new Error("x"), null]) {
    assert.match(importFailure(error).text, /Your database is what it was\.$/u);
  }
  assert.equal(importFailure({ reason: "corrupt" }).title, "The file is damaged");
});
