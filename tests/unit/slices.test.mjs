// Long lists of parameters are encoded in slices: what that must not change, and when values are read.
import assert from "node:assert/strict";
import test from "node:test";
import { nodeEngine } from "./node_engine.mjs";
import { load } from "./pkg.mjs";
import { randomly } from "./random.mjs";

const { Column, Integer, MetaData, Table, Text, insert, text } = await load("index.js");
const { Encoding, encodeBatch } = await load("encode.js");

const ROWS = 20_000;
const CREATE = text("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)");
const INSERT = text("INSERT INTO t VALUES (:id, :v)");
const SUM = text("SELECT count(*), sum(id), sum(length(v)) FROM t");

const list = (rows = ROWS) => Array.from({ length: rows }, (_, i) => ({ id: i + 1, v: `value ${i}` }));
const sums = (rows) => [rows.length, rows.reduce((sum, row) => sum + row.id, 0), rows.reduce((sum, row) => sum + row.v.length, 0)];
/** A set that says when it is read. */
const watched = (id, read) => ({
  id,
  get v() {
    return read();
  },
});

async function opened(t, url) {
  const engine = nodeEngine({}, url);
  t.after(() => engine.dispose());
  await engine.execute(CREATE);
  return engine;
}

test("a batch is the same in whatever slices it is made", randomly((below) => {
  const value = () => [null, below(1 << 20), below(99) / 7, "ascii", "größer", "日本語", 2n ** 60n, true, new Uint8Array([1, 2, below(9)])][below(9)];
  for (let round = 0; round < 60; round++) {
    const [rows, columns] = [below(300), below(6)];
    const cells = Array.from({ length: rows }, () => Array.from({ length: columns }, value));
    const of = [rows, columns, (row, column) => cells[row][column], () => "a value"];
    const encoding = new Encoding(...of);
    while (!encoding.some(1 + below(200)));
    const pieces = encoding.pieces();
    let step = pieces.next();
    while (!step.done) step = pieces.next();
    assert.deepEqual(step.value, encodeBatch(...of), `round ${round}`);
    const [begun, one] = [new Encoding(...of), 1 + below(200)];
    begun.some(one);
    assert.deepEqual(begun.finish(), encodeBatch(...of), `round ${round}, ${one} at first`);
  }
}));

/** Makes a batch of blobs; `changed` is told before each step in which it is put together. Gives how many bytes each step has copied. */
function steps(blobs, changed = () => undefined) {
  const encoding = new Encoding(blobs.length, 1, (row) => blobs[row], (row) => `blob ${row}`);
  while (!encoding.some(256));
  const pieces = encoding.pieces();
  let count = 0;
  for (;;) {
    changed(count++);
    const step = pieces.next();
    if (step.done) return { count, batch: step.value };
  }
}

test("many blobs are copied in many steps, whatever their size", () => {
  for (const [length, number] of [[50 << 10, 600], [1, 60_000], [5 << 20, 4], [(1 << 20) - 1, 30]]) {
    const blob = new Uint8Array(length).fill(7);
    const { count, batch } = steps(Array.from({ length: number }, () => blob));
    // A step of some 4,000 short ones takes as long as one of a megabyte.
    const least = Math.max((length * number) / (1 << 20), number / 5000);
    assert.ok(count >= least && count < 4 * least + 4, `${number} blobs of ${length} bytes: ${count} steps, not ${least}`);
    assert.ok(batch.subarray(batch.length - length * number).every((byte) => byte === 7));
  }
});

test("a blob that is transferred or resized while a long list is encoded is named, and shifts no other", async (t) => {
  const kinds = {
    transferred: (blob) => void structuredClone(blob.buffer, { transfer: [blob.buffer] }),
    "cut short": (blob) => void blob.buffer.resize(10),
    "cut short, with its views": (blob) => void blob.buffer.resize(0),
  };
  for (const [kind, change] of Object.entries(kinds)) {
    for (const last of [0, 3]) {
      const blobs = Array.from({ length: 20 }, (_, i) => new Uint8Array(new ArrayBuffer(1 << 18, { maxByteLength: 1 << 19 }), 0, 1 << 18).fill(i));
      assert.throws(() => steps(blobs, (at) => void (at === last && change(blobs[17]))), { name: "DataError", message: /^blob 17 was transferred or resized/ }, kind);
    }
  }
  // What grows is taken as it was.
  const growing = new ArrayBuffer(100, { maxByteLength: 1000 });
  const { batch } = steps([growing, new Uint8Array([1, 2, 3])], () => void growing.resize(500));
  assert.deepEqual([...batch.subarray(-3)], [1, 2, 3]);
  const engine = await opened(t);
  const rows = list();
  const blob = new Uint8Array(100);
  rows[ROWS - 5] = { id: ROWS - 4, v: blob };
  // It is read by then, and not copied yet.
  rows[ROWS - 1] = watched(ROWS, () => (kinds.transferred(blob), "the last"));
  await assert.rejects(engine.execute(INSERT, rows), { name: "DataError", message: /^parameter 'v', in parameter group 19995 was transferred or resized/ });
  assert.deepEqual([...(await engine.execute(SUM)).one()], [0, null, null]);
});

test("a long list is one call, and later calls of its connection wait for it", async (t) => {
  const engine = await opened(t);
  const conn = await engine.connect();
  const rows = list();
  let [returned, early, late] = [false, undefined, undefined];
  rows[0] = watched(1, () => ((early = returned), "value 0"));
  rows[ROWS - 1] = watched(ROWS, () => ((late = returned), "the last"));
  const inserted = conn.execute(INSERT, rows);
  returned = true;
  const counted = conn.execute(SUM);
  const committed = conn.commit();
  const after = conn.execute(SUM);
  assert.equal((await inserted).rowcount, ROWS);
  assert.deepEqual([early, late], [false, true], "the first set is read in the call, the last one after it");
  const expected = sums(rows);
  assert.deepEqual([...(await counted).one()], expected);
  await committed;
  assert.deepEqual([...(await after).one()], expected);
  await conn.close();
});

test("the list is taken as it is at the call", async (t) => {
  const engine = await opened(t);
  const rows = list();
  const expected = sums(rows);
  const inserted = engine.execute(INSERT, rows);
  rows.length = 0;
  rows.push({ id: -1, v: "another" });
  await inserted;
  assert.deepEqual([...(await engine.execute(SUM)).one()], expected);
});

for (const rows of [3, ROWS]) {
  for (const isolationLevel of ["AUTOCOMMIT", "SERIALIZABLE"]) {
    test(`a connection is closed after the calls that were made before: ${rows} sets, ${isolationLevel}`, async (t) => {
      const engine = await opened(t);
      const conn = await engine.connect();
      await conn.executionOptions({ isolationLevel });
      const calls = [conn.execute(INSERT, list(rows)), conn.scalar(text("SELECT count(*) FROM t")), conn.close(), conn.execute(text("SELECT 1"))];
      const [inserted, counted, closed, late] = await Promise.allSettled(calls);
      assert.equal(inserted.value?.rowcount, rows, `${inserted.reason}`);
      assert.equal(counted.value, rows, `${counted.reason}`);
      assert.equal(closed.status, "fulfilled");
      assert.equal(`${late.reason?.name}: ${late.reason?.message}`, "ResourceClosedError: This Connection is closed");
      assert.equal(conn.closed, true);
      const written = await engine.scalar(text("SELECT count(*) FROM t"));
      assert.equal(written, isolationLevel === "AUTOCOMMIT" ? rows : 0, "what was not committed is rolled back");
      assert.equal(engine.pool.checkedout(), 0);
    });
  }
}

test("a connection that waits for a long list to be closed says that it is, and does not wait for one that is aborted", async (t) => {
  const engine = await opened(t);
  const conn = await engine.connect();
  const controller = new AbortController();
  const inserted = conn.execute(INSERT, list(), { signal: controller.signal });
  const [closed, again] = [conn.close(), conn.close()];
  await Promise.resolve();
  assert.equal(conn.closed, true);
  controller.abort(new Error("enough"));
  await assert.rejects(inserted, /enough/);
  await Promise.all([closed, again]);
  assert.equal(await engine.scalar(text("SELECT count(*) FROM t")), 0);
});

for (const kind of ["connection", "engine"]) {
  test(`a call of a long list that is aborted meanwhile leaves nothing: ${kind}`, async (t) => {
    const engine = await opened(t);
    const conn = kind === "engine" ? engine : await engine.connect();
    const [controller, reason] = [new AbortController(), new Error("enough")];
    const rows = list();
    let read = 0;
    rows[ROWS / 2] = watched(ROWS / 2, () => (controller.abort(reason), "aborted here"));
    for (let i = ROWS / 2 + 1; i < ROWS; i++) rows[i] = watched(i + 1, () => `${read++}`);
    await assert.rejects(conn.execute(INSERT, rows, { signal: controller.signal }), (error) => error === reason);
    assert.ok(read < ROWS / 2 - 1, `${read} more sets were read`);
    assert.deepEqual([...(await conn.execute(SUM)).one()], [0, null, null]);
    rows.fill({ id: null, v: "later" });
    assert.equal((await conn.execute(INSERT, rows)).rowcount, ROWS, "it goes on with others");
    if (kind === "connection") await conn.close();
  });

  test(`a set far down a long list that is wrong is named, and nothing is written: ${kind}`, async (t) => {
    const engine = await opened(t);
    const conn = kind === "engine" ? engine : await engine.connect();
    const group = ROWS - 7;
    for (const [set, name, message] of [
      [{ id: 1, v: NaN }, "DataError", /^parameter 'v', in parameter group 19993 is NaN/],
      [{ id: 1 }, "StatementError", /A value is required for bind parameter 'v', in parameter group 19993; given: id/],
      [[1, "x"], "ArgumentError", /parameter set 19993 is an array where the others are an object/],
      [7, "ArgumentError", /parameter set 19993 is no set: number/],
      [watched(1, () => { throw new RangeError("a getter's own"); }), "RangeError", /a getter's own/],
    ]) {
      const rows = list();
      rows[group] = set;
      await assert.rejects(conn.execute(INSERT, rows), { name, message });
      if (kind === "connection") assert.equal(conn.inTransaction(), false, "nothing was sent");
      assert.deepEqual([...(await conn.execute(SUM)).one()], [0, null, null]);
      if (kind === "connection") await conn.rollback();
    }
    // What SQLite refuses is undone as well.
    const rows = list();
    rows[group] = { id: 5, v: "twice" };
    await assert.rejects(conn.execute(INSERT, rows), { name: "IntegrityError" });
    if (kind === "connection") await conn.rollback();
    assert.deepEqual([...(await conn.execute(SUM)).one()], [0, null, null]);
    if (kind === "connection") await conn.close();
  });
}

test("statements of Core, and positional sets, go the same way", async (t) => {
  const engine = await opened(t);
  const table = new Table("t", new MetaData(), new Column("id", Integer, { primaryKey: true }), new Column("v", Text));
  const rows = list();
  let [returned, late] = [false, undefined];
  rows[ROWS - 1] = watched(ROWS, () => ((late = returned), "the last"));
  const inserted = engine.execute(insert(table), rows);
  returned = true;
  assert.equal((await inserted).rowcount, ROWS);
  assert.equal(late, true);
  assert.deepEqual([...(await engine.execute(SUM)).one()], sums(rows));
  await engine.execute(text("DELETE FROM t"));
  await engine.execute(text("INSERT INTO t VALUES (?, ?)"), list().map(({ id, v }) => [id, v]));
  assert.deepEqual([...(await engine.execute(SUM)).one()], sums(list()));
});

test("who listens to statements is shown all sets of a long list", async (t) => {
  const engine = await opened(t);
  const seen = [];
  engine.listen("beforeCursorExecute", ({ params }) => void seen.push(params));
  await engine.execute(INSERT, list());
  assert.equal(seen[0].length, ROWS);
  assert.deepEqual(seen[0][ROWS - 1], [ROWS, `value ${ROWS - 1}`]);
  assert.deepEqual([...(await engine.execute(SUM)).one()], sums(list()));
});
