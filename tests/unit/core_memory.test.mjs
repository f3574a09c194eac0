// Statements are plain objects here and are forgotten by wasm as soon as they are compiled.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./pkg.mjs";

const COUNT = 1_000_000;
/** One statement in so many has a shape that was never seen before, and is compiled. */
const NEW = 50;
/** One in so many is made ready to run: its values are bound. */
const BOUND = 100;

// The memory of Core's wasm, which is instantiated at first use; the client's is not needed here.
let memory;
const { Instance } = WebAssembly;
WebAssembly.Instance = function (module, imports) {
  const instance = new Instance(module, imports);
  memory = instance.exports.memory;
  return instance;
};

const { Column, func, Integer, MetaData, select, String_, Table } = await load("core/index.js");
const { prepare } = await load("statement.js");
const users = new Table("users", new MetaData(), new Column("id", Integer, { primaryKey: true }), new Column("name", String_(50)));

test("a million statements that are built, bound and dropped leave the memory of the wasm as it was", () => {
  const build = (i) => {
    const name = i % NEW === 0 ? `n${i}` : "n";
    const statement = select(users.c.id, func.count().label(name)).where(users.c.name.startsWith("D"), users.c.id.gt(i)).limit(10);
    // Of many widths.
    return i % BOUND === 0 ? statement.where(...Array.from({ length: (i / BOUND) % 90 }, () => users.c.id.ne(i))) : statement;
  };
  let length = 0;
  const run = (from, to) => {
    for (let i = from; i < to; i++) {
      const statement = build(i);
      length += i % BOUND === 0 ? prepare(statement, undefined).source.length : statement.compile().sql.length;
    }
    return memory.buffer.byteLength;
  };
  // What is kept for good (a number of compiled statements, a table) is there by then.
  const before = run(0, 50_000);
  const start = performance.now();
  const after = run(50_000, 50_000 + COUNT);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${COUNT} statements, ${COUNT / NEW} of them compiled, ${COUNT / BOUND} bound, in ${seconds} s: ` +
    `wasm memory ${before} bytes before, ${after} after`);
  assert.ok(length > 0);
  assert.equal(after, before);
});

test("a record that is written once hands the buffer on, whether it can be kept or not", async () => {
  const { Writer } = await load("core/writer.js");
  const begun = () => {
    const writer = new Writer();
    writer.begin(1);
    return writer;
  };
  const first = begun();
  const { buffer } = first.finish();
  first.release();
  for (const write of [(writer) => writer.begin(1), (writer) => writer.literals.push(1), () => { throw new Error("on purpose"); }]) {
    try {
      Writer.constant(write);
    } catch (error) {
      assert.equal(error.message, "on purpose");
    }
    const next = begun();
    assert.equal(next.finish().buffer, buffer, String(write));
    next.release();
  }
});
