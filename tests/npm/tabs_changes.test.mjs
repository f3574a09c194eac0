// What a tab commits is told to every tab, whichever way a statement changes rows: one table of statements and what is told of them.
import assert from "node:assert/strict";
import { inTabs } from "./lib/tabs.mjs";

const SCHEMA = [
  "CREATE TABLE fence (at)",
  "CREATE TABLE plain (id INTEGER PRIMARY KEY, x UNIQUE)",
  "CREATE TABLE apart (key TEXT PRIMARY KEY, x) WITHOUT ROWID",
  "CREATE TABLE parent (id INTEGER PRIMARY KEY, name UNIQUE)",
  "CREATE TABLE moves (p REFERENCES parent ON UPDATE CASCADE ON DELETE CASCADE)",
  "CREATE TABLE loosens (p REFERENCES parent ON UPDATE SET NULL ON DELETE SET NULL)",
  "CREATE TABLE falls (p DEFAULT 0 REFERENCES parent ON UPDATE SET DEFAULT ON DELETE SET DEFAULT)",
  "CREATE TABLE watched (x)",
  "CREATE TABLE audit (what)",
  "CREATE TRIGGER after_watched AFTER INSERT ON watched BEGIN INSERT INTO audit VALUES (new.x); END",
  "CREATE VIEW everything AS SELECT key AS k FROM apart",
  "CREATE TRIGGER into_everything INSTEAD OF INSERT ON everything BEGIN INSERT INTO apart VALUES (new.k, 0); END",
];

const FAMILY = "falls loosens moves parent";

/**
 * Transactions, in this order, and what is told of each; null is nothing. What a statement may write counts as soon as it has
 * changed any row (docs/PROTOCOL.md), so that all that refers to a parent is told with it.
 */
const COMMITTED = [
  ["INSERT", ["INSERT INTO plain VALUES (1, 'a'), (2, 'b'), (3, 'c')"], "plain"],
  ["INSERT of nothing", ["INSERT INTO plain SELECT 9, 'z' WHERE 0"], null],
  ["INSERT OR IGNORE of what is there", ["INSERT OR IGNORE INTO plain VALUES (1, 'a')"], null],
  ["UPDATE", ["UPDATE plain SET x = 'd' WHERE id = 3"], "plain"],
  ["UPDATE of nothing", ["UPDATE plain SET x = 'e' WHERE id = 99"], null],
  ["UPDATE FROM", ["UPDATE plain SET x = x || 'f' FROM (SELECT 1 AS one) AS other WHERE id = other.one"], "plain"],
  ["UPDATE with RETURNING", ["UPDATE plain SET x = 'g' WHERE id = 1 RETURNING x"], "plain"],
  ["REPLACE", ["REPLACE INTO plain VALUES (1, 'h')"], "plain"],
  ["REPLACE of two rows by one", ["REPLACE INTO plain VALUES (1, 'b')"], "plain"],
  ["upsert that updates", ["INSERT INTO plain VALUES (1, 'i') ON CONFLICT (id) DO UPDATE SET x = excluded.x"], "plain"],
  ["upsert that does nothing", ["INSERT INTO plain VALUES (1, 'j') ON CONFLICT DO NOTHING"], null],
  ["DELETE", ["DELETE FROM plain WHERE id = 1"], "plain"],
  ["truncating DELETE", ["DELETE FROM plain"], "plain"],
  ["truncating DELETE of nothing", ["DELETE FROM plain"], null],
  ["INSERT without rowid", ["INSERT INTO apart VALUES ('a', 1), ('b', 2)"], "apart"],
  ["UPDATE without rowid", ["UPDATE apart SET x = 3 WHERE key = 'a'"], "apart"],
  ["UPDATE of a key without rowid", ["UPDATE apart SET key = 'c' WHERE key = 'a'"], "apart"],
  ["REPLACE without rowid", ["REPLACE INTO apart VALUES ('b', 4)"], "apart"],
  ["upsert without rowid", ["INSERT INTO apart VALUES ('b', 5) ON CONFLICT DO UPDATE SET x = excluded.x"], "apart"],
  ["DELETE without rowid", ["DELETE FROM apart WHERE key = 'b'"], "apart"],
  ["truncating DELETE without rowid", ["DELETE FROM apart"], "apart"],
  ["INSERT into a view", ["INSERT INTO everything VALUES ('v')"], "apart"],
  ["INSERT with a trigger", ["INSERT INTO watched VALUES (1)"], "audit watched"],
  ["parents", ["INSERT INTO parent VALUES (0, 'n'), (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')"], "parent"],
  ["children", ["INSERT INTO moves VALUES (1), (2)", "INSERT INTO loosens VALUES (1), (2)", "INSERT INTO falls VALUES (1), (2)"], "falls loosens moves"],
  ["foreign keys on UPDATE", ["UPDATE parent SET id = 5 WHERE id = 1"], FAMILY],
  ["foreign keys on DELETE", ["DELETE FROM parent WHERE id = 5"], FAMILY],
  ["foreign keys on REPLACE", ["REPLACE INTO parent VALUES (6, 'b')"], FAMILY],
  ["foreign keys on a truncating DELETE", ["DELETE FROM loosens", "DELETE FROM falls", "DELETE FROM parent"], FAMILY],
  ["several statements", ["INSERT INTO plain VALUES (1, 'x')", "INSERT INTO apart VALUES ('y', 1)", "INSERT INTO plain VALUES (2, 'y')"], "apart plain"],
  ["a savepoint that is rolled back", ["INSERT INTO plain VALUES (7, 'k')", "SAVEPOINT s", "DELETE FROM watched", "ROLLBACK TO s", "RELEASE s"], "plain watched"],
  ["a savepoint that is released", ["SAVEPOINT s", "INSERT INTO plain VALUES (8, 'l')", "RELEASE s"], "plain"],
  ["a new table", ["CREATE TABLE later (x)"], "*later"],
  ["nothing but reading", ["SELECT * FROM plain"], null],
];

/** The same rolled back: nothing is told. What they begin with is there. */
const TAKEN_BACK = [
  ["INSERT", ["INSERT INTO plain VALUES (11, 'q')"]],
  ["truncating DELETE", ["DELETE FROM plain"]],
  ["triggers and foreign keys", ["INSERT INTO watched VALUES (2)", "INSERT INTO parent VALUES (9, 'q')", "INSERT INTO moves VALUES (9)", "DELETE FROM parent WHERE id = 9"]],
  ["a savepoint", ["INSERT INTO plain VALUES (12, 'r')", "SAVEPOINT s", "DELETE FROM watched", "RELEASE s"]],
  ["a change of the schema", ["CREATE TABLE never (x)", "INSERT INTO never VALUES (1)"]],
];

inTabs("what tabs are told of commits", async ({ tab, check }) => {
  for (const [writes, who] of ["the host", "a guest"].entries()) {
    await check(`${who} writes, and all are told the same`, async () => {
      const tabs = [await tab(), await tab(), await tab()];
      for (const each of tabs) await each.call("open", `changes-${writes}.db`);
      const writer = tabs[writes];
      await writer.call("writeAll", SCHEMA);
      // What is told of nobody is not there between two that are told of.
      const wanted = [];
      const expect = async (how, name, statements, tables) => {
        await writer.call(how, statements);
        await writer.call("writeAll", ["INSERT INTO fence VALUES (1)"]);
        wanted.push([name, [...(tables === null ? [] : [tables]), "fence"]]);
      };
      for (const [name, statements, tables] of COMMITTED) await expect("writeAll", name, statements, tables);
      for (const [name, statements] of TAKEN_BACK) await expect("takeBack", `${name}, rolled back`, statements, null);
      await writer.call("writeAll", ["INSERT INTO audit VALUES ('the end')"]);
      for (const each of tabs) {
        // Fails by its limit.
        await each.page.waitForFunction(() => tab.commits().at(-1)[0] === "audit", { timeout: 60_000, polling: 50 });
        const commits = await each.call("commits");
        const begin = commits.findIndex(([tables]) => tables.startsWith("*") && tables.includes("audit"));
        const seen = commits.slice(begin + 1, -1);
        const own = each === writer;
        for (const [name, tables] of wanted) {
          assert.deepEqual(seen.splice(0, tables.length), tables.map((told) => [told, own ? "this" : "other", own, false]), name);
        }
        assert.deepEqual(seen, []);
        assert.notEqual(begin, -1);
      }
    });
  }
});
