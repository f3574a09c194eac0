// What runs of the package outside browsers, in runtimes with Web Workers of their own. By hand, since their binaries are large:
//   deno run --allow-read --allow-env tests/runtimes/check.mjs      bun tests/runtimes/check.mjs
// It takes pkg/, or the package in $ALUDEL_PKG.

import assert from "node:assert/strict";
import process from "node:process";
import { pathToFileURL } from "node:url";

const pkg = process.env.ALUDEL_PKG ? pathToFileURL(`${process.env.ALUDEL_PKG}/`) : new URL("../../pkg/", import.meta.url);
const { createEngine, IntegrityError, StorageError, text } = await import(new URL("index.js", pkg).href);
const NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n";

const engine = createEngine("sqlite://");
await engine.execute(text("CREATE TABLE t (a UNIQUE, b)"));
const rows = [{ a: 1, b: "x" }, { a: 2n ** 60n, b: new Uint8Array([1, 2]) }, { a: null, b: 1.5 }];
await engine.begin((conn) => conn.execute(text("INSERT INTO t VALUES (:a, :b)"), rows));
assert.deepEqual((await engine.execute(text("SELECT a, b FROM t"))).all().map(({ a, b }) => ({ a, b })), rows);
await assert.rejects(engine.execute(text("INSERT INTO t VALUES (1, 2)")), IntegrityError);

let streamed = 0;
await engine.connect(async (conn) => {
  for await (const { i } of await conn.stream(text(`${NUMBERS} LIMIT 50000) SELECT i FROM n`))) streamed += i;
});
assert.equal(streamed, 1_250_025_000);

const endless = text(`${NUMBERS}) SELECT count(*) FROM n`);
await assert.rejects(engine.execute(endless, null, { timeout: 100 }), { name: "TimeoutError" });

const live = engine.watch(text("SELECT count(*) FROM t"));
assert.equal((await live.next()).value.scalar(), 3);
await engine.execute(text("INSERT INTO t VALUES (3, 3)"));
assert.equal((await live.next()).value.scalar(), 4);
await live.return();

assert.equal(await engine.runInThread(new URL("./job.mjs", import.meta.url), "count", "t"), 4);
const copy = createEngine("sqlite://");
await copy.importBytes(await engine.exportBytes());
assert.equal(await copy.scalar(text("SELECT count(*) FROM t")), 4);
await copy.dispose();
await engine.dispose();

// There is no OPFS: said, and not passed over.
const file = createEngine("sqlite:///app.db");
await assert.rejects(file.scalar(text("SELECT 1")), (error) => error instanceof StorageError && error.reason === "unavailable");
await file.dispose();
const memory = createEngine("sqlite:///app.db", { fallback: "memory" });
assert.equal(await memory.scalar(text("SELECT 1")), 1);
assert.equal(memory.storage.kind, "memory");
await memory.dispose();

const runtime = globalThis.Deno ? `deno ${globalThis.Deno.version.deno}` : globalThis.Bun ? `bun ${globalThis.Bun.version}` : process.version;
console.log(`${runtime}: memory databases run`);
