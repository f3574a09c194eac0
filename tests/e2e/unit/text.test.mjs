// What the page does with SQL and with words: colours, first words, errors, sizes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { advice, excerpt, isCancel, message, obstacle, position } from "../../../www/app/errors.js";
import { bytes, count, counted, duration } from "../../../www/app/format.js";
import { pieces } from "../../../www/app/highlight.js";
import { inShort, isOneTransaction, mayChange, quoted, verb } from "../../../www/app/statements.js";
import { EXAMPLES } from "../../../www/app/examples.js";

const kinds = (sql) => pieces(sql).filter(({ kind }) => kind !== "space").map(({ kind, start, end }) => `${kind} ${sql.slice(start, end)}`);

test("SQL is cut into its pieces", () => {
  assert.deepEqual(kinds("select count(*), 'it''s', \"a b\", 0x1F, 1.5e-3 from t -- end"), [
    "keyword select", "function count", "mark (", "mark *", "mark )", "mark ,", "string 'it''s'", "mark ,", "name \"a b\"", "mark ,",
    "number 0x1F", "mark ,", "number 1.5e-3", "keyword from", "word t", "comment -- end"]);
  assert.deepEqual(kinds("x'00' [a b] `c` ?1 :name @x $y /* a ; b"), [
    "string x'00'", "name [a b]", "name `c`", "param ?1", "param :name", "param @x", "param $y", "comment /* a ; b"]);
  assert.deepEqual(kinds("'open -- no comment"), ["string 'open -- no comment"]);
});

test("the pieces cover any text without gaps, quickly", () => {
  const texts = ["", "'", "\"", "[", "/*", "--", "é🙂\u0000\u{10FFFF}", "a".repeat(50_000), "/*".repeat(20_000), "'".repeat(20_001), ...EXAMPLES.map(({ sql }) => sql)];
  for (const text of texts) {
    const started = performance.now();
    const found = pieces(text);
    assert.equal(found.map(({ start, end }) => text.slice(start, end)).join(""), text);
    assert.ok(performance.now() - started < 1000);
  }
});

test("what a statement is, its first word says", () => {
  assert.equal(verb("  -- hello\n/* x */ select 1"), "SELECT");
  assert.equal(verb(""), "");
  assert.ok(!mayChange("-- delete\nSELECT 'insert'"));
  assert.ok(!mayChange("WITH a AS (SELECT 1) SELECT 'delete' FROM a"));
  assert.ok(mayChange("WITH a AS (SELECT 1) DELETE FROM t"));
  assert.ok(mayChange("create table t (a)"));
  assert.ok(!mayChange("EXPLAIN DELETE FROM t"));
});

test("several statements are one transaction, unless SQLite forbids it", () => {
  const of = (...all) => isOneTransaction(all.map((sql) => ({ sql })));
  assert.ok(of("INSERT INTO t VALUES (1)", "SELECT 1"));
  assert.ok(!of("INSERT INTO t VALUES (1)"));
  assert.ok(!of("BEGIN", "SELECT 1", "COMMIT"));
  assert.ok(!of("SELECT 1", "/* now */ VACUUM"));
});

test("names are quoted when they must be", () => {
  assert.deepEqual(["plain", "två", "order", "a b", "1st", "say \"x\"", "", "count"].map(quoted),
    ["plain", "två", "\"order\"", "\"a b\"", "\"1st\"", "\"say \"\"x\"\"\"", "\"\"", "count"]);
  assert.equal(inShort("SELECT\n   1", 80), "SELECT 1");
  assert.equal(inShort("x".repeat(100), 10).length, 10);
});

test("an error's caret stands under the place", () => {
  const sql = "SELECT a,\n       nope\nFROM t";
  const { line, column, source, pointer } = excerpt(sql, sql.indexOf("nope"));
  assert.deepEqual([line, column, source, pointer.indexOf("^")], [2, 8, "       nope", 7]);
  const long = `SELECT ${"a, ".repeat(100)}nope`;
  const cut = excerpt(long, long.indexOf("nope"));
  assert.equal(cut.source.slice(cut.pointer.indexOf("^")), "nope");
  assert.ok(cut.source.startsWith("…") && cut.source.length < 120);
  const wide = excerpt("SELECT '🙂🙂', nope", "SELECT '🙂🙂', ".length);
  assert.equal([...wide.source][wide.pointer.indexOf("^")], "n");
  assert.equal(excerpt("SELECT", 99).pointer, "      ^");
  assert.equal(excerpt("a\r\nb\tc", 5).source, "b c");
  assert.deepEqual(position("ab\ncd", 4), { line: 2, column: 2 });
});

test("errors are told in words", () => {
  assert.equal(message(new Error("(sqlite3.OperationalError) no such table: t\n[SQL: SELECT]\n(Background on this error at: x)")), "no such table: t");
  assert.equal(message(undefined), "undefined");
  assert.equal(obstacle({ reason: "in-use" }).kind, "in-use");
  assert.equal(obstacle({ reason: "unavailable" }).kind, "unavailable");
  assert.equal(obstacle({ message: "odd" }).text, "odd");
  assert.match(advice({ name: "WorkerGone" }), /a new one starts/u);
  assert.equal(advice(new Error("anything")), "");
});

test("a cancelled run is told from a failed one", () => {
  const { signal } = Object.assign(new AbortController(), {});
  assert.ok(!isCancel(new DOMException("x", "AbortError"), signal));
  const controller = new AbortController();
  controller.abort();
  assert.ok(isCancel(controller.signal.reason, controller.signal));
  assert.ok(!isCancel(new Error("no such table"), controller.signal));
});

test("numbers read well", () => {
  assert.deepEqual([count(1234567), counted(1, "row"), counted(2, "row")], ["1,234,567", "1 row", "2 rows"]);
  assert.deepEqual([bytes(94), bytes(999_960), bytes(18_440_000), bytes(12e9)], ["94 B", "1.0 MB", "18.4 MB", "12.0 GB"]);
  assert.deepEqual([duration(0.44), duration(9.96), duration(18.2), duration(1240), duration(125_000)], ["0.4 ms", "10 ms", "18 ms", "1.24 s", "2 min 5 s"]);
});
