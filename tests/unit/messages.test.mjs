// How frames share messages: requests of one turn go together, in order, and what one of them comes to is nobody else's affair.
import assert from "node:assert/strict";
import { test } from "node:test";
import { counting, framesOf } from "./node_engine.mjs";
import { load } from "./pkg.mjs";

const { text } = await load("index.js");
const VALUE = text("SELECT :x AS x");

test("one call is one message, and calls made at once share messages", async () => {
  const counter = counting();
  const conn = await counter.engine.connect();
  await conn.execute(VALUE, { x: 0 });
  let before = { ...counter };
  const took = () => [counter.frames - before.frames, counter.messages - before.messages];
  await conn.execute(VALUE, { x: 1 });
  assert.deepEqual(took(), [1, 1]);
  before = { ...counter };
  const results = await Promise.all(Array.from({ length: 100 }, (_, x) => conn.execute(VALUE, { x })));
  assert.deepEqual(took(), [100, 1]);
  assert.deepEqual(results.map((result) => result.scalarOne()), Array.from({ length: 100 }, (_, x) => x));
  // Beyond a limit the worker may begin before all is said.
  before = { ...counter };
  const many = await Promise.all(Array.from({ length: 1000 }, (_, x) => conn.execute(VALUE, { x })));
  const [frames, messages] = took();
  assert.equal(frames, 1000);
  assert.ok(messages > 1 && messages <= 10, `${messages} messages`);
  assert.deepEqual(many.map((result) => result.scalarOne()), Array.from({ length: 1000 }, (_, x) => x));
  await conn.close();
  await counter.engine.dispose();
});

test("an error of one call does not touch those that share its message, and effects keep their order", async () => {
  const { engine } = counting();
  const conn = await engine.connect();
  await conn.execute(text("CREATE TABLE t (x INTEGER PRIMARY KEY)"));
  await conn.commit();
  const insert = (x) => conn.execute(text("INSERT INTO t VALUES (:x)"), { x });
  const calls = [insert(1), insert(2), insert(1), conn.scalar(text("SELECT count(*) FROM t")), insert(3), conn.execute(text("SELECT oops"))];
  const settled = await Promise.allSettled([...calls, conn.commit(), conn.scalar(text("SELECT count(*) FROM t"))]);
  assert.deepEqual(
    settled.map(({ reason, value }) => reason?.name ?? (typeof value === "number" ? value : "done")),
    ["done", "done", "IntegrityError", 2, "done", "OperationalError", "done", 3],
  );
  await conn.close();
  await engine.dispose();
});

test("large frames between small ones keep their place, and come back whole", async () => {
  const counter = counting();
  const conn = await counter.engine.connect();
  await conn.execute(text("CREATE TABLE t (id INTEGER PRIMARY KEY, x)"));
  // Both sides of what is sent together, and of what is transferred.
  const sizes = [0, 1, 3900, 3960, 3968, 4000, 4032, 4064, 4096, 4097, 5000, 70_000, 2, 300_000, 0];
  const values = sizes.map((size, i) => new Uint8Array(size).fill(i + 1));
  await Promise.all(values.map((x) => conn.execute(text("INSERT INTO t (x) VALUES (:x)"), { x })));
  const rows = await Promise.all(values.map((_, i) => conn.execute(text("SELECT id, x FROM t WHERE id = :id"), { id: i + 1 })));
  rows.forEach((result, i) => {
    const row = result.one();
    assert.equal(row.id, i + 1);
    assert.deepEqual(Buffer.from(row.x), Buffer.from(values[i]), `${sizes[i]} bytes`);
  });
  await conn.close();
  await counter.engine.dispose();
});

test("an answer does not wait for a statement that takes long", async () => {
  const messages = [];
  const counter = counting({ heard: (data) => messages.push(framesOf(new Uint8Array(data)).length) });
  const conn = await counter.engine.connect();
  await conn.execute(VALUE, { x: 0 });
  messages.length = 0;
  const before = counter.messages;
  const slow = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 300000) SELECT count(*) FROM c");
  const values = await Promise.all([conn.scalar(VALUE, { x: 7 }), conn.scalar(slow)]);
  assert.deepEqual(values, [7, 300_000]);
  assert.deepEqual([counter.messages - before, messages], [1, [1, 1]]);
  await conn.close();
  await counter.engine.dispose();
});

test("a call that is aborted in the turn in which it was made leaves the others alone", async () => {
  const { engine } = counting();
  const conn = await engine.connect();
  const controller = new AbortController();
  const calls = [1, 2, 3].map((x) => conn.scalar(VALUE, { x }, x === 2 ? { signal: controller.signal } : undefined));
  controller.abort(new Error("no more"));
  const settled = await Promise.allSettled(calls);
  assert.deepEqual(settled.map(({ reason, value }) => reason?.message ?? value), [1, "no more", 3]);
  assert.equal(await conn.scalar(VALUE, { x: 4 }), 4);
  await conn.close();
  await engine.dispose();
});
