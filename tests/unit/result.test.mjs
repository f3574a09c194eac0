// Both results, buffered and streamed, against the table of cases that the Rust result is held to as well.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { load, vectors } from "./pkg.mjs";

const { Feed } = await load("feed.js");
const { Result } = await load("result.js");
const { AsyncResult } = await load("async_result.js");
const { shapeOf } = await load("row.js");
const errors = await load("errors.js");

const table = JSON.parse(readFileSync(vectors("result.json"), "utf8"));
const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** A feed whose batches are there from the start. */
function buffered({ columns, rows }, batchRows) {
  const feed = new Feed(columns, columns === null ? 1 : -1, null, null);
  for (const batch of batches(columns, rows, batchRows)) feed.push(batch);
  feed.end();
  return feed;
}

/** A feed that gets a batch each time it asks. */
function streamed({ columns, rows }, batchRows) {
  const left = [...batches(columns, rows, batchRows)];
  const stream = {
    async pull(feed) {
      await null;
      const batch = left.shift();
      if (batch !== undefined) feed.push(batch);
      if (left.length === 0) feed.end();
    },
    close() {},
  };
  const feed = new Feed(columns, columns === null ? 1 : -1, null, stream);
  if (columns === null) feed.end();
  return feed;
}

function* batches(columns, rows, batchRows) {
  for (let i = 0; i < rows.length; i += batchRows) {
    const part = rows.slice(i, i + batchRows);
    yield part.map((values) => shapeOf(columns).make(values));
  }
}

async function run(call, on) {
  const { args = [] } = call;
  switch (call.call) {
    case "closed":
    case "rowcount":
    case "returns_rows":
      return on[camel(call.call)];
    case "thaw":
      return on();
    case "iterate":
      return Symbol.asyncIterator in on ? gather(on) : [...on];
    case "partitions": {
      const parts = on.partitions(...args);
      return Symbol.asyncIterator in parts ? gather(parts) : [...parts];
    }
    case "unique":
      return call.by === undefined ? on.unique() : on.unique((row) => row[call.by]);
    default:
      assert.equal(typeof on[camel(call.call)], "function", `no method ${call.call}`);
      return on[camel(call.call)](...args);
  }
}

async function gather(iterable) {
  const all = [];
  for await (const item of iterable) all.push(item);
  return all;
}

const sourced = (value) => JSON.parse(JSON.stringify(value ?? null));

async function check(testCase, result) {
  const names = { r: result };
  for (const [i, call] of testCase.calls.entries()) {
    const say = `call ${i}: ${call.call}`;
    let given;
    let thrown;
    try {
      given = await run(call, names[call.on ?? "r"]);
    } catch (error) {
      thrown = error;
    }
    if (call.error === undefined) {
      assert.equal(thrown, undefined, `${say} threw ${thrown}`);
    } else {
      assert.ok(thrown instanceof errors[call.error], `${say} threw ${thrown}, not ${call.error}`);
      assert.equal(thrown.name, call.error);
      assert.equal(thrown.message, call.message, say);
      continue;
    }
    if (call.as !== undefined) names[call.as] = given;
    if ("gives" in call) assert.deepEqual(sourced(given), sourced(call.gives), say);
  }
}

for (const batchRows of [1, 2, 100]) {
  for (const testCase of table.cases) {
    test(`buffered, batches of ${batchRows}: ${testCase.name}`, () => check(testCase, Result.of(buffered(testCase, batchRows))));
    test(`streamed, batches of ${batchRows}: ${testCase.name}`, () => check(testCase, AsyncResult.of(streamed(testCase, batchRows))));
  }
}

test("a loop that is left closes a stream and leaves a buffered result open", async () => {
  const source = { columns: ["n"], rows: [[1], [2], [3]] };
  const stream = AsyncResult.of(streamed(source, 1));
  for await (const row of stream) if (row.n === 1) break;
  assert.equal(stream.closed, true);
  const result = Result.of(buffered(source, 1));
  for (const row of result) if (row.n === 1) break;
  assert.equal(result.closed, false);
  assert.deepEqual(result.scalars().all(), [2, 3]);
});

test("calls on a stream that overlap take their turns in order", async () => {
  const stream = AsyncResult.of(streamed({ columns: ["n"], rows: [[1], [2], [3], [4]] }, 1));
  const rows = await Promise.all([stream.fetchone(), stream.fetchmany(2), stream.fetchone(), stream.fetchone()]);
  assert.deepEqual(sourced(rows), [[1], [[2], [3]], [4], null]);
});

test("an error of a stream is thrown once and is the cause of those after it", async () => {
  const cause = new errors.OperationalError("disk I/O error");
  const feed = new Feed(["n"], -1, null, { pull: () => Promise.reject(cause), close() {} });
  const stream = AsyncResult.of(feed);
  await assert.rejects(stream.fetchone(), (error) => error === cause);
  await assert.rejects(stream.fetchone(), (error) => error instanceof errors.ResourceClosedError && error.cause === cause);
});

test("closing tells the worker unless the last batch has come", async () => {
  let told = 0;
  const source = { columns: ["n"], rows: [[1], [2]] };
  for (const [fetch, expected] of [[0, 1], [1, 1], [Infinity, 0]]) {
    told = 0;
    const stream = AsyncResult.of(new Feed(source.columns, -1, null, { pull: pullOf(source), close: () => told++ }));
    if (fetch === Infinity) await stream.fetchall();
    else if (fetch > 0) await stream.fetchone();
    await stream.close();
    await stream.close();
    assert.equal(told, expected, `after ${fetch}`);
  }
});

function pullOf(source) {
  const left = [...batches(source.columns, source.rows, 1)];
  return async (feed) => {
    feed.push(left.shift());
    if (left.length === 0) feed.end();
  };
}

test("a size that is no positive integer is an ArgumentError", async () => {
  const result = Result.of(buffered({ columns: ["n"], rows: [[1]] }, 1));
  for (const size of [0, -1, 1.5, NaN, "2"]) {
    assert.throws(() => result.fetchmany(size), errors.ArgumentError);
    assert.throws(() => result.yieldPer(size), errors.ArgumentError);
  }
});
