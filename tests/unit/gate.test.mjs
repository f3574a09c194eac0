// Calls that something holds up, as a migration in another tab does: their order, and what ends their waiting.
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "./pkg.mjs";
import { nodeEngine } from "./node_engine.mjs";

const { Engine, TimeoutError, text } = await load("index.js");

const CREATE = text("CREATE TABLE t (n INTEGER)");
const INSERT = text("INSERT INTO t VALUES (?)");
const ALL = text("SELECT n FROM t ORDER BY rowid");
const ENDLESS = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
const PROCEDURE = new URL("../npm/app/tab_jobs.js", import.meta.url);

/** An engine with a table, a connection that it made before, and a gate: `open` lets all calls go on, `fail` none. */
async function gated(run) {
  const engine = nodeEngine();
  await engine.execute(CREATE);
  const conn = await engine.connect();
  const { hooks } = Engine.inside(engine);
  let [open, fail] = [];
  const held = new Promise((resolve, reject) => ([open, fail] = [resolve, reject]));
  held.catch(() => undefined);
  const opened = () => {
    hooks.gate = undefined;
    open();
  };
  hooks.gate = () => held;
  try {
    await run(engine, conn, opened, fail);
  } finally {
    hooks.gate = undefined;
    open();
    await conn.close();
    await engine.dispose();
  }
}

const numbers = async (engine) => (await engine.execute(ALL)).scalars().all();

for (const [what, ends, left] of [
  ["commit", (conn) => conn.commit(), [1]],
  ["rollback", (conn) => conn.rollback(), []],
]) {
  test(`a ${what} waits for a statement before it that is held up`, () => gated(async (engine, conn, open) => {
    const order = [];
    const calls = [conn.execute(INSERT, [1]).then(() => order.push("insert")), ends(conn).then(() => order.push(what))];
    open();
    await Promise.all(calls);
    assert.deepEqual(order, ["insert", what]);
    assert.equal(conn.inTransaction(), false);
    assert.deepEqual(await numbers(engine), left);
  }));

  test(`so does the ${what} of a transaction that SQLite has not begun`, () => gated(async (engine, conn, open) => {
    Engine.inside(engine).hooks.gate = undefined;
    const transaction = await conn.begin();
    Engine.inside(engine).hooks.gate = () => new Promise((resolve) => setImmediate(resolve));
    const order = [];
    await Promise.all([conn.execute(INSERT, [1]).then(() => order.push("insert")), ends(transaction).then(() => order.push(what))]);
    open();
    assert.deepEqual(order, ["insert", what]);
    assert.equal(conn.inTransaction(), false);
    assert.deepEqual(await numbers(engine), left);
  }));
}

test("calls go on in their order, though one is given up", () => gated(async (engine, conn, open) => {
  const given = new AbortController();
  const calls = [1, 2, 3].map((n) => conn.execute(INSERT, [n], n === 2 ? { signal: given.signal } : undefined));
  const committed = conn.commit();
  given.abort(new Error("given up"));
  await assert.rejects(calls[1], { message: "given up" });
  open();
  await Promise.all([calls[0], calls[2], committed]);
  assert.deepEqual(await numbers(engine), [1, 3]);
}));

test("a connection is closed after the calls before it that are held up", () => gated(async (engine, conn, open) => {
  const calls = [conn.execute(INSERT, [1]), conn.close()];
  open();
  const [inserted] = await Promise.all(calls);
  assert.deepEqual([inserted.rowcount, conn.closed], [1, true]);
}));

test("what a call has waited for is part of its time", () => gated(async (engine, conn, open) => {
  const { now } = performance;
  let passed = 0;
  performance.now = () => now.call(performance) + passed;
  try {
    const late = conn.execute(ENDLESS, {}, { timeout: 60_000 });
    passed += 59_900;
    open();
    await assert.rejects(late, (error) => error instanceof TimeoutError && Number(/timed out after (\d+) ms/.exec(error.message)[1]) <= 100);
  } finally {
    performance.now = now;
  }
}));

test("signal and timeout of a call hold while it is held up", () => gated(async (engine, conn) => {
  const calls = {
    "conn.execute": (options) => conn.execute(ALL, {}, options),
    "conn.stream": (options) => conn.stream(ALL, {}, options),
    "conn.begin": (options) => conn.begin(options),
    "conn.beginNested": (options) => conn.beginNested(options),
    "conn.runSync": (options) => conn.runSync({ module: PROCEDURE, export: "any", options }),
    "engine.execute": (options) => engine.execute(ALL, {}, options),
    "engine.connect": (options) => engine.connect(options),
    "engine.begin": (options) => engine.begin(options),
    "engine.runInThread": (options) => engine.runInThread({ module: PROCEDURE, export: "any", options }),
    "engine.importBytes": (options) => engine.importBytes(new Uint8Array(512), options),
  };
  for (const [name, run] of Object.entries(calls)) {
    await assert.rejects(run({ timeout: 5 }), (error) => error instanceof TimeoutError && error.message === "the call timed out after 5 ms", name);
    const stop = new AbortController();
    const stopped = run({ signal: stop.signal });
    stop.abort(new Error(name));
    await assert.rejects(stopped, { message: name });
  }
}));

test("what holds a call up and fails is the error of that call, and of no other", () => gated(async (engine, conn, open, fail) => {
  const stop = new AbortController();
  const [call, stopped] = [conn.execute(INSERT, [1]), conn.execute(INSERT, [2], { signal: stop.signal })];
  stop.abort(new Error("stopped"));
  fail(new Error("refused"));
  await assert.rejects(call, { message: "refused" });
  await assert.rejects(stopped, { message: "stopped" });
  Engine.inside(engine).hooks.gate = undefined;
  await conn.execute(INSERT, [3]);
  await conn.commit();
  assert.deepEqual(await numbers(engine), [3]);
}));
