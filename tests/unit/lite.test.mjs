// The package with the smaller SQLite: what it is without says where it is, and all else is the same.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { load, pkg } from "./pkg.mjs";

const whole = await load("index.js");
const lite = await load("lite.js");
const { nodeOptions } = await load("node.js");
const { text } = whole;

/** The options for a file of the package as the wasm of a worker in Node. */
const withWasm = async (file) => {
  const bytes = await readFile(new URL(file, pkg));
  return { ...(await nodeOptions()), wasmUrl: `data:application/wasm;base64,${bytes.toString("base64")}` };
};

test("aludel/lite exports what aludel does, and other makers of engines", () => {
  assert.deepEqual(Object.keys(lite).sort(), Object.keys(whole).sort());
  const other = Object.keys(whole).filter((name) => whole[name] !== lite[name]);
  assert.deepEqual(other.sort(), ["createAsyncEngine", "createEngine"]);
  assert.equal(lite.createAsyncEngine, lite.createEngine);
  for (const wrong of [null, 1, "x"]) assert.throws(() => lite.createEngine("sqlite://", wrong), whole.ArgumentError);
});

test("its worker is told where the smaller wasm is, unless the app says it", async () => {
  const told = [];
  const worker = () => {
    const listeners = [];
    return {
      addEventListener: (kind, listener) => void (kind === "message" && listeners.push(listener)),
      removeEventListener() {},
      terminate() {},
      postMessage(message) {
        if (message instanceof Uint8Array || !("wasmUrl" in message)) return;
        told.push(message.wasmUrl);
        queueMicrotask(() => listeners.forEach((listener) => listener({ data: "fatal:this is no worker" })));
      },
    };
  };
  for (const [wasmUrl, expected] of [[undefined, new URL("lite.wasm", pkg).href], ["https://example.org/w.wasm", "https://example.org/w.wasm"]]) {
    const engine = lite.createEngine("sqlite://", { worker, wasmUrl });
    await assert.rejects(engine.scalar(text("SELECT 1")), /this is no worker/);
    await engine.dispose();
    assert.equal(told.at(-1), expected);
  }
});

test("without FTS5, R*Tree and dbstat it says which build has them", async () => {
  const engine = lite.createEngine("sqlite://", await withWasm("lite.wasm"));
  try {
    await engine.execute(text("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)"));
    await engine.execute(text("INSERT INTO t (b) VALUES (:b)"), [{ b: "x" }, { b: "y" }]);
    const found = await engine.execute(text("SELECT json_group_array(b) OVER (ORDER BY a) AS j FROM t WHERE b REGEXP '[xy]' ORDER BY a"));
    assert.deepEqual(found.scalars().all(), ['["x"]', '["x","y"]']);
    const absent = ["CREATE VIRTUAL TABLE v USING fts5(b)", "CREATE VIRTUAL TABLE v USING rtree(id, x, y)", "SELECT * FROM dbstat"];
    for (const sql of absent) {
      await assert.rejects(engine.execute(text(sql)), (error) =>
        error instanceof whole.OperationalError &&
        /no such (module|table): \w+: aludel\/lite is built without FTS5, R\*Tree and dbstat; aludel has them/.test(error.message));
    }
  } finally {
    await engine.dispose();
  }
});

test("it exports a database, and imports it again", async () => {
  const engine = lite.createEngine("sqlite://", await withWasm("lite.wasm"));
  try {
    await engine.execute(text("CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)"));
    await engine.execute(text("INSERT INTO t (b) VALUES (randomblob(3000)), (randomblob(3000)), (x'01')"));
    const bytes = await engine.exportBytes();
    assert.equal(new TextDecoder().decode(bytes.subarray(0, 15)), "SQLite format 3");
    await engine.execute(text("DELETE FROM t"));
    await engine.importBytes(bytes);
    assert.equal(await engine.scalar(text("SELECT group_concat(length(b)) FROM t")), "3000,3000,1");
  } finally {
    await engine.dispose();
  }
});

test("the whole package has them", async () => {
  const engine = whole.createEngine("sqlite://", await withWasm("worker.wasm"));
  try {
    await engine.execute(text("CREATE VIRTUAL TABLE words USING fts5(w)"));
    await engine.execute(text("INSERT INTO words VALUES ('an aludel sublimes')"));
    assert.equal(await engine.scalar(text("SELECT count(*) FROM words WHERE words MATCH 'aludel'")), 1);
    await engine.execute(text("CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)"));
    assert.ok((await engine.scalar(text("SELECT count(*) FROM dbstat"))) > 0);
    await assert.rejects(engine.execute(text("CREATE VIRTUAL TABLE v USING nowhere()")), /no such module: nowhere(?!:)/);
  } finally {
    await engine.dispose();
  }
});
