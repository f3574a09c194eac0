// What the compiler said is found again by the bytes of statements and the names of their parameters.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./pkg.mjs";

const { Kept } = await load("core/kept.js");
const bytes = (...list) => Uint8Array.from(list);

test("what is kept is made once for equal bytes and names", () => {
  const kept = new Kept(500);
  const made = [];
  const of = (given, keys, value) => kept.of(given, keys, () => (made.push(value), value));
  const first = bytes(1, 2, 3);
  assert.equal(of(first, "", "a"), "a");
  // The bytes are copied: a writer goes on with its buffer.
  first[0] = 9;
  assert.equal(of(bytes(1, 2, 3), "", "b"), "a");
  assert.equal(of(bytes(1, 2, 3), "[]", "c"), "c");
  assert.equal(of(bytes(1, 2, 3, 0), "", "d"), "d");
  assert.equal(of(first, "", "e"), "e");
  assert.equal(of(bytes(), "", "f"), "f");
  assert.equal(of(bytes(1, 2, 3), "", "g"), "a");
  assert.deepEqual(made, ["a", "c", "d", "e", "f"]);
});

test("what nobody asks for goes, what is asked for stays, and long ones find room", () => {
  const kept = new Kept(500);
  let made = 0;
  const of = (number, length = 40) => {
    const given = new Uint8Array(length);
    new DataView(given.buffer).setUint32(0, number);
    return kept.of(given, "", () => (made++, number));
  };
  for (let i = 0; i < 5000; i++) {
    assert.equal(of(i), i);
    assert.equal(of(1_000_000, 100_000), 1_000_000);
  }
  assert.equal(made, 5001, "the one that is used again and again is made once");
  assert.equal(of(0), 0);
  assert.equal(made, 5002, "the oldest is gone");
  of(4999);
  assert.equal(made, 5002, "the latest is there");
});
