// Results of many frames on a real SQLite, in a thread of Node: streamed, and as the bytes of a file.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { load } from "./pkg.mjs";

const { text } = await load("index.js");
const { openCopy } = await load("node.js");
// Each row fills a page, and a frame holds a few of them.
const ROWS = 500;
const NUMBERS = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS}) SELECT i, zeroblob(3600) AS filling FROM n`;

let engine;
before(async () => {
  engine = await openCopy();
});
after(() => engine.dispose());

for (const yieldPer of [undefined, 7, 100, 1000]) {
  test(`a stream gives every row of every frame, once and in order, with yieldPer ${yieldPer}`, async () => {
    const conn = await engine.connect();
    const result = await conn.stream(text(NUMBERS), null, yieldPer === undefined ? {} : { executionOptions: { yieldPer } });
    const seen = [];
    for await (const row of result) seen.push(row.i);
    assert.deepEqual(seen, Array.from({ length: ROWS }, (_, i) => i + 1));
    await conn.close();
  });
}

test("an export holds every page, and tells how far it is", async () => {
  await engine.begin(async (conn) => {
    await conn.execute(text("CREATE TABLE whole (i INTEGER, filling BLOB)"));
    await conn.execute(text(`INSERT INTO whole ${NUMBERS}`));
  });
  const told = [];
  const bytes = await engine.exportBytes({ onProgress: ({ done, total }) => told.push([done, total]) });
  assert.deepEqual(told.at(-1), [bytes.length, bytes.length]);
  const copy = await openCopy();
  try {
    // It is checked before it is taken.
    await copy.importBytes(bytes);
    assert.equal(await copy.scalar(text("SELECT count(*) FROM whole WHERE length(filling) = 3600")), ROWS);
  } finally {
    await copy.dispose();
  }
});
