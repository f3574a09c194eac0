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

test("two of one hash that take each other's place make room like any others", () => {
  // The hash takes four bytes at a time: the second four make up for the first.
  const mixed = (word) => {
    const hash = Math.imul((0x811c9dc5 ^ 8) ^ word, 0x01000193);
    return hash ^ (hash >>> 15);
  };
  const [one, other] = [1, 2].map((word) => new Uint8Array(Int32Array.of(word, mixed(word)).buffer));
  const kept = new Kept(500);
  const made = [];
  const of = (given, value) => kept.of(given, "", () => (made.push(value), value));
  of(bytes(7), "third");
  for (let i = 0; i < 500; i++) {
    assert.equal(of(one, "one"), "one");
    assert.equal(of(other, "other"), "other");
  }
  assert.ok(made.length > 400, "they are of one hash");
  made.length = 0;
  of(bytes(7), "third");
  assert.deepEqual(made, ["third"], "what nobody asked for has gone, and with it the bytes of its time");
});
