// Rows are made as they were asked for last; what is given does not depend on it.
import assert from "node:assert/strict";
import test from "node:test";
import { nodeEngine } from "./node_engine.mjs";
import { load } from "./pkg.mjs";

const { Boolean_, Integer, Text, text } = await load("index.js");
const { shapeOf } = await load("row.js");

const SQL = "WITH n(a, length, b) AS (VALUES (1, 'x', 0), (2, 'y', 1), (2, 'y', 1), (3, NULL, 0)) SELECT a, length, b FROM n";
const VALUES = [[1, "x", 0], [2, "y", 1], [2, "y", 1], [3, null, 0]];
const named = (values) => values.map(([a, length, b]) => ({ a, length, b }));

function checkRows(rows, values = VALUES) {
  assert.deepEqual(rows.map((row) => [...row]), values);
  assert.deepEqual(rows.map((row) => ({ ...row })), named(values));
  for (const row of rows) {
    assert.equal(row[0], row.a);
    assert.deepEqual(row._fields, ["a", "length", "b"]);
    assert.ok(Object.isFrozen(row) && Object.getPrototypeOf(row) !== null);
  }
}

function checkMappings(mappings, values = VALUES) {
  assert.deepEqual(mappings.map((mapping) => ({ ...mapping })), named(values));
  for (const mapping of mappings) assert.ok(Object.isFrozen(mapping) && Object.getPrototypeOf(mapping) === null);
}

test("rows, mappings and all else are the same whatever was asked for before", async (t) => {
  const conn = await nodeEngine().connect();
  t.after(() => conn.close());
  const { asked } = shapeOf(["a", "length", "b"]);
  const run = () => conn.execute(text(SQL));
  const uses = {
    all: async () => checkRows((await run()).all()),
    iterate: async () => checkRows([...(await run())]),
    frozen: async () => checkRows((await run()).freeze()().all()),
    merged: async () => checkRows((await run()).merge(await run()).all(), [...VALUES, ...VALUES]),
    mappings: async () => checkMappings((await run()).mappings().all()),
    unique: async () => checkMappings((await run()).mappings().unique().all(), [VALUES[0], VALUES[1], VALUES[3]]),
    both: async () => {
      const result = await run();
      checkRows([result.fetchone()], VALUES.slice(0, 1));
      checkMappings([result.mappings().fetchone()], VALUES.slice(1, 2));
      checkRows(result.all(), VALUES.slice(2));
    },
    columns: async () => {
      assert.deepEqual((await run()).columns("b", "a").all().map((row) => ({ ...row })), VALUES.map(([a, , b]) => ({ b, a })));
      const picked = (await run()).mappings().columns("length").all();
      assert.deepEqual(picked.map((row) => ({ ...row })), VALUES.map(([, length]) => ({ length })));
    },
    scalars: async () => assert.deepEqual((await run()).scalars("b").all(), VALUES.map(([, , b]) => b)),
    tuples: async () => assert.deepEqual((await run()).tuples().all(), VALUES),
    one: async () => checkRows([(await run()).first()], VALUES.slice(0, 1)),
    streamed: async () => {
      checkRows(await (await conn.stream(text(SQL))).all());
      checkMappings(await (await conn.stream(text(SQL))).mappings().all());
    },
    converted: async () => {
      const typed = text(SQL).columns({ a: Integer, length: Text, b: Boolean_ });
      const flags = VALUES.map(([, , b]) => b === 1);
      assert.deepEqual((await conn.execute(typed)).all().map((row) => row.b), flags);
      assert.deepEqual((await conn.execute(typed)).mappings().all().map((row) => row.b), flags);
    },
  };
  for (const [before, use] of Object.entries(uses)) {
    for (const [after, other] of Object.entries(uses)) {
      await t.test(`${after} after ${before}`, async () => {
        await use();
        await other();
      });
    }
  }
  await uses.mappings();
  assert.equal(asked.mappings, true);
  await uses.all();
  assert.equal(asked.mappings, false);
});

test("repeated names, and no rows", async (t) => {
  const conn = await nodeEngine().connect();
  t.after(() => conn.close());
  for (let i = 0; i < 3; i++) {
    const result = await conn.execute(text("SELECT 1 AS a, 2 AS a"));
    assert.deepEqual({ ...result.mappings().one() }, { a: 2 });
    assert.deepEqual([...(await conn.execute(text("SELECT 1 AS a, 2 AS a"))).one()], [1, 2]);
    assert.deepEqual((await conn.execute(text("SELECT 1 AS none WHERE 0"))).mappings().all(), []);
    assert.deepEqual((await conn.execute(text("SELECT 1 AS none WHERE 0"))).all(), []);
  }
});
