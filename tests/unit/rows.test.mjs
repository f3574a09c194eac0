// Decoding and encoding against frames that the Rust codec wrote, and rows whatever their columns are called.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { load, vectors } from "./pkg.mjs";
import { randomly } from "./random.mjs";

const { decodeBatch } = await load("rows.js");
const { encodeBatch, HEADROOM } = await load("encode.js");
const { shapeOf, isRow } = await load("row.js");
const errors = await load("errors.js");

const frames = JSON.parse(readFileSync(vectors("frames.json"), "utf8"));

/** A cell of the vectors as JavaScript has it. */
function value(cell) {
  if (cell === null || typeof cell === "string") return cell;
  if ("number" in cell) return Number(cell.number);
  if ("bigint" in cell) return BigInt(cell.bigint);
  return Uint8Array.from(Buffer.from(cell.blob, "base64"));
}

const bytes = (base64) => Uint8Array.from(Buffer.from(base64, "base64"));
const width = (frame) => frame.rows[0]?.length ?? frame.columns?.length ?? 0;
const decode = (bytes, offset, columns) => decodeBatch(bytes, offset, columns, (cells) => cells.slice());

function same(actual, expected) {
  assert.equal(actual.length, expected.length);
  expected.forEach((row, i) =>
    row.forEach((cell, j) => {
      if (cell instanceof Uint8Array) assert.deepEqual(actual[i][j], cell);
      else assert.ok(Object.is(actual[i][j], cell), `row ${i} column ${j}: ${String(actual[i][j])} is not ${String(cell)}`);
    }),
  );
}

for (const frame of frames.rows) {
  test(`decodes ${frame.name}`, () => {
    same(decode(bytes(frame.frame), frame.batchOffset, width(frame)), frame.rows.map((row) => row.map(value)));
  });

  test(`decodes ${frame.name} wherever it stands in its buffer`, () => {
    const frameBytes = bytes(frame.frame);
    for (let shift = 0; shift < 9; shift++) {
      const moved = new Uint8Array(shift + frameBytes.length).subarray(shift);
      moved.set(frameBytes);
      same(decode(moved, frame.batchOffset, width(frame)), frame.rows.map((row) => row.map(value)));
    }
  });

  test(`refuses every shorter and a longer ${frame.name}`, () => {
    const whole = bytes(frame.frame);
    for (let length = frame.batchOffset; length < whole.length; length++) {
      assert.throws(() => decode(whole.slice(0, length), frame.batchOffset, width(frame)), errors.ProtocolError, `length ${length}`);
    }
    const longer = new Uint8Array(whole.length + 1);
    longer.set(whole);
    assert.throws(() => decode(longer, frame.batchOffset, width(frame)), errors.ProtocolError);
  });

  test(`${frame.name} with any byte changed is decoded or refused, never worse`, () => {
    const whole = bytes(frame.frame);
    for (let at = frame.batchOffset; at < whole.length; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const changed = whole.slice();
        changed[at] ^= flip;
        try {
          decode(changed, frame.batchOffset, width(frame));
        } catch (error) {
          assert.ok(error instanceof errors.ProtocolError, `byte ${at}: ${error.stack}`);
        }
      }
    }
  });
}

for (const parameters of frames.parameters) {
  test(`encodes ${parameters.name} as Rust does`, () => {
    const rows = parameters.rows.map((row) => row.map(value));
    const batch = encodeBatch(rows.length, parameters.columns, (r, c) => rows[r][c], () => "");
    assert.equal(Buffer.from(batch).toString("base64"), parameters.batch);
    // A large one has room for the head of its frame; a small one is copied behind it.
    assert.equal(batch.byteOffset, batch.length > 4096 ? HEADROOM : 0);
    assert.equal(batch.byteOffset + batch.length, batch.buffer.byteLength);
  });
}

test("batches at the border between small and large ones are whole, and none is written over by the next", () => {
  const made = [];
  for (let length = 4030; length < 4120; length++) {
    const cells = ["x".repeat(length - 20), new Uint8Array(10).fill(length), "ü", length, 2n ** 62n];
    made.push([encodeBatch(1, cells.length, (_, c) => cells[c], () => ""), cells]);
  }
  for (const [batch, cells] of made) same([decode(batch, 0, cells.length).flat()], [cells]);
  assert.deepEqual([...new Set(made.map(([batch]) => batch.byteOffset))], [0, HEADROOM]);
});

test("random values survive encoding and decoding", randomly((below) => {
  const some = [
    () => null, () => below(1000) - 500, () => below(1000) / 7, () => -0, () => Infinity,
    () => 2n ** 63n - 1n - BigInt(below(1000)), () => "ascii " + below(100), () => "", () => "ünï" + below(9),
    () => "\ufeffbom", () => "\u0000", () => "🧪".repeat(below(4)), () => new Uint8Array(below(70000)).fill(below(256)),
  ];
  for (let round = 0; round < 50; round++) {
    const [rows, columns] = [below(20), 1 + below(6)];
    const cells = Array.from({ length: rows * columns }, () => some[below(some.length)]());
    const batch = encodeBatch(rows, columns, (r, c) => cells[r * columns + c], () => "");
    same([decode(batch, 0, columns).flat()], [cells]);
  }
}));

test("a kept small blob does not keep its batch, a large one is not copied", () => {
  const batch = encodeBatch(1, 2, (_, c) => new Uint8Array(c === 0 ? 10 : 100000), () => "");
  const [[small, large]] = decode(batch, 0, 2);
  assert.equal(small.buffer.byteLength, 10);
  assert.equal(large.buffer, batch.buffer);
});

const row = (names, values) => shapeOf(names).make(values);

test("a row is read by position and by name, and destructured both ways", () => {
  const r = row(["id", "name"], [1, "a"]);
  assert.equal(r[0], 1);
  assert.equal(r[1], "a");
  assert.equal(r[2], undefined);
  assert.equal(r.name, "a");
  assert.equal(r.length, 2);
  const [id, name] = r;
  const { id: byName, ...rest } = r;
  assert.deepEqual([id, name, byName, rest], [1, "a", 1, { name: "a" }]);
  assert.deepEqual(Object.keys(r), ["id", "name"]);
  assert.deepEqual({ ...r }, { id: 1, name: "a" });
  assert.deepEqual(r._fields, ["id", "name"]);
  assert.deepEqual(r._asDict(), { id: 1, name: "a" });
  assert.equal(Object.getPrototypeOf(r._mapping), null);
  assert.equal(JSON.stringify(r), '[1,"a"]');
  assert.ok(isRow(r) && !Array.isArray(r) && !isRow([]) && !isRow(null));
});

test("a row cannot be changed", () => {
  const r = row(["id", "name"], [1, "a"]);
  for (const key of ["id", 0, "extra", "length", "_mapping"]) {
    assert.throws(() => {
      r[key] = 2;
    }, TypeError);
  }
  assert.throws(() => {
    r._mapping.id = 2;
  }, TypeError);
  assert.deepEqual([...r], [1, "a"]);
});

test("rows of equal values are deeply equal, others are not", () => {
  assert.deepStrictEqual(row(["a", "b"], [1, 2]), row(["a", "b"], [1, 2]));
  assert.notDeepStrictEqual(row(["a", "b"], [1, 2]), row(["a", "b"], [1, 3]));
});

const hostile = ["__proto__", "constructor", "length", "then", "", "toString", "hasOwnProperty", "_mapping", "_fields", "toJSON", "valueOf"];

test("columns may be called what JavaScript knows", async () => {
  const values = hostile.map((_, i) => i + 1);
  const before = Object.getOwnPropertyNames(Object.prototype);
  const r = row(hostile, values);
  hostile.forEach((name, i) => {
    assert.equal(r[name], i + 1, name);
    assert.ok(Object.hasOwn(r, name), name);
  });
  assert.deepEqual([...r], values);
  assert.equal(r[3], 4);
  assert.equal(await r, r, "a column called then does not make a row thenable");
  const dict = row(["__proto__", "b"], [{ polluted: true }, 2])._asDict();
  assert.equal(dict.polluted, undefined);
  assert.deepEqual(Object.keys(dict), ["__proto__", "b"]);
  const mapping = shapeOf(hostile).mapping(values);
  assert.deepEqual(Object.keys(mapping), hostile);
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
  assert.equal({}.polluted, undefined);
});

test("a repeated name gives the last, positions are exact", () => {
  const r = row(["a", "b", "a"], [1, 2, 3]);
  assert.equal(r.a, 3);
  assert.deepEqual([r[0], r[1], r[2]], [1, 2, 3]);
  assert.deepEqual([...r], [1, 2, 3]);
  assert.deepEqual({ ...r }, { a: 3, b: 2 });
  assert.equal(JSON.stringify(r), "[1,2,3]");
  const [, , third] = r;
  assert.equal(third, 3);
});

test("a column called like a number does not hide a position", () => {
  const r = row(["1", "2"], [10, 20]);
  assert.deepEqual([r[0], r[1], r[2]], [10, 20, undefined]);
  assert.equal(r._mapping["1"], 10);
  assert.deepEqual([...r], [10, 20]);
  assert.deepEqual(r._asDict(), { 1: 10, 2: 20 });
});

test("shapes of many statements do not mix", () => {
  for (let i = 0; i < 600; i++) assert.deepEqual({ ...row([`c${i % 300}`], [i]) }, { [`c${i % 300}`]: i });
  assert.deepEqual({ ...row(['["a","b"]'], [1]) }, { '["a","b"]': 1 });
  assert.deepEqual({ ...row(["a", "b"], [1, 2]) }, { a: 1, b: 2 });
});
