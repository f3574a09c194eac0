// What may be given as parameters, and what each mistake says.
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "./pkg.mjs";

const { bind } = await load("bind.js");
const { decodeBatch } = await load("rows.js");
const { shapeOf } = await load("row.js");
const errors = await load("errors.js");

/** The rows that binding gives. */
function cells(names, given, own) {
  const { batch, many } = bind(names, given, own);
  if (batch === undefined) return { many, rows: undefined };
  return { many, rows: decodeBatch(batch, 0, names.length, (cells) => cells.slice()) };
}

function refuses(errorClass, pattern, names, given, own) {
  assert.throws(() => bind(names, given, own), (error) => {
    assert.ok(error instanceof errors[errorClass], `${error.name}: ${error.message}`);
    assert.equal(error.name, errorClass);
    assert.match(error.message, pattern);
    return true;
  });
}

test("parameters by name, by position, and in lists", () => {
  const names = ["id", "name"];
  assert.deepEqual(cells(names, { id: 1, name: "a" }), { many: false, rows: [[1, "a"]] });
  assert.deepEqual(cells(names, { name: "a", id: 1, extra: {} }), { many: false, rows: [[1, "a"]] });
  assert.deepEqual(cells([null, null], [1, "a"]), { many: false, rows: [[1, "a"]] });
  assert.deepEqual(cells(names, [{ id: 1, name: "a" }, { id: 2, name: null }]), { many: true, rows: [[1, "a"], [2, null]] });
  assert.deepEqual(cells([null, null], [[1, "a"], [2, "b"]]), { many: true, rows: [[1, "a"], [2, "b"]] });
  assert.deepEqual(cells(names, [{ id: 1, name: "a" }]), { many: true, rows: [[1, "a"]] });
  assert.deepEqual(cells([], []), { many: false, rows: undefined });
  assert.deepEqual(cells([], undefined), { many: false, rows: undefined });
  assert.deepEqual(cells([], {}), { many: false, rows: undefined });
  assert.deepEqual([...new Uint32Array(bind([], [{}, {}]).batch.slice(0, 8).buffer)], [2, 0], "two sets of nothing");
  assert.deepEqual(cells([null], [new Uint8Array([1])]), { many: false, rows: [[new Uint8Array([1])]] });
});

test("a row of a result can be given as parameters by name", () => {
  const row = shapeOf(["id", "name"]).make([1, "a"]);
  assert.deepEqual(cells(["name"], row).rows, [["a"]]);
  assert.deepEqual(cells(["name"], [row, row]), { many: true, rows: [["a"], ["a"]] });
});

test("every kind of value", () => {
  const given = [null, true, false, 5, -0, 1.5, 2 ** 53, Infinity, 7n, 2n ** 60n, "a", "é"];
  const stored = [null, 1, 0, 5, -0, 1.5, 2 ** 53, Infinity, 7, 2n ** 60n, "a", "é"];
  const { rows } = cells(given.map(() => null), given);
  stored.forEach((value, i) => assert.ok(Object.is(rows[0][i], value), `${String(given[i])} became ${String(rows[0][i])}`));
  const buffer = new Uint8Array([1, 2, 3, 4]).buffer;
  const views = [buffer, new Uint8Array(buffer, 1, 2), new DataView(buffer, 2), new Uint16Array(buffer), new SharedArrayBuffer(2)];
  const { rows: blobs } = cells(views.map(() => null), views);
  assert.deepEqual(blobs[0].map((blob) => [...blob]), [[1, 2, 3, 4], [2, 3], [3, 4], [1, 2, 3, 4], [0, 0]]);
});

const bad = [
  [undefined, /undefined; use null/],
  [() => 1, /a function/],
  [Symbol("s"), /a symbol/],
  [Promise.resolve(1), /a Promise: its await was forgotten/],
  [{ then() {} }, /a Promise: its await was forgotten/],
  [new Date(0), /a Date; convert it first/],
  [{ a: 1 }, /an object \(Object\)/],
  [new Map(), /an object \(Map\)/],
  [[1], /an array/],
  [NaN, /NaN/],
  [2n ** 63n, /does not fit into SQLite's 64 bits/],
  [-(2n ** 63n) - 1n, /does not fit into SQLite's 64 bits/],
  ["a\ud800", /lone surrogate/],
  ["\udc00b", /lone surrogate/],
];

for (const [value, pattern] of bad) {
  test(`a value that cannot be bound names its parameter: ${pattern}`, () => {
    refuses("DataError", pattern, ["a", "who"], { a: "é", who: value });
    refuses("DataError", /parameter 'who'/, ["a", "who"], { a: 1, who: value });
    refuses("DataError", /parameter 'who', in parameter group 1/, ["who"], [{ who: 1 }, { who: value }]);
    refuses("DataError", /parameter 2/, [null, null], ["x", value]);
  });
}

test("two halves of a pair in two strings are not a pair", () => {
  refuses("DataError", /parameter 1 holds a lone surrogate/, [null, null], ["\ud83e", "\uddea"]);
});

test("a missing parameter is named, with what was given", () => {
  refuses("StatementError", /'name'; given: nmae/, ["name"], { nmae: 1 });
  refuses("StatementError", /without the colon/, ["name"], { ":name": 1 });
  refuses("StatementError", /A value is required for bind parameter 'name'$/, ["name"], undefined);
  refuses("StatementError", /A value is required for bind parameter 'name'$/, ["name"], []);
  refuses("StatementError", /'name', in parameter group 1/, ["name"], [{ name: 1 }, {}]);
  refuses("StatementError", /'constructor'/, ["constructor"], {});
  assert.deepEqual(cells(["constructor"], { constructor: 1 }).rows, [[1]]);
  assert.deepEqual(cells(["__proto__"], JSON.parse('{"__proto__": 1}')).rows, [[1]]);
});

test("a wrong number of values is counted", () => {
  refuses("ProgrammingError", /uses 2, and there are 1 supplied/, [null, null], [1]);
  refuses("ProgrammingError", /uses 1, and there are 0 supplied/, [null], undefined);
  refuses("ProgrammingError", /uses 1, and there are 0 supplied/, [null], []);
  refuses("ProgrammingError", /uses 0, and there are 1 supplied/, [], [1]);
  refuses("ProgrammingError", /uses 1, and there are 2 supplied. \(in parameter group 1\)/, [null], [[1], [1, 2]]);
});

test("parameters of a wrong shape say what shape is wanted", () => {
  refuses("ArgumentError", /parameters are a Promise: its await was forgotten/, ["a"], Promise.resolve({ a: 1 }));
  refuses("ArgumentError", /parameters are Map/, ["a"], new Map([["a", 1]]));
  refuses("ArgumentError", /parameters are string/, ["a"], "a");
  refuses("ArgumentError", /parameters are number/, ["a"], 5);
  refuses("ArgumentError", /parameters are Uint8Array/, ["a"], new Uint8Array(1));
  refuses("ArgumentError", /names its parameters \(:a, :b\); give their values by name/, ["a", "b"], [1, 2]);
  refuses("ArgumentError", /mixes parameters/, ["a", null], { a: 1 });
  refuses("ArgumentError", /set 1 is an array where the others are an object/, ["a"], [{ a: 1 }, [1]]);
  refuses("ArgumentError", /set 1 is no set: number/, ["a"], [{ a: 1 }, 5]);
  refuses("ArgumentError", /takes 1 parameters by position \(\?\)/, [null], { a: 1 });
});

test("values that the statement brings along", () => {
  const own = { positional: [1, 2], named: { x: 3, y: 4 } };
  assert.deepEqual(cells([null, "x", null, "y"], undefined, own).rows, [[1, 3, 2, 4]]);
  assert.deepEqual(cells([null, "x", null, "y"], { x: 9 }, own).rows, [[1, 9, 2, 4]]);
  assert.deepEqual(cells([null, "x", null, "y"], [{ x: 8 }, { y: 7 }], own).rows, [[1, 8, 2, 4], [1, 3, 2, 7]]);
  refuses("ArgumentError", /doesn't define a bound parameter named 'z'/, ["x"], { x: 1 }, { positional: null, named: { z: 1 } });
  refuses("ArgumentError", /brings its own values/, [null, null, "x", "y"], [5, 6], own);
});
