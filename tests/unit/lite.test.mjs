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

test("without FTS5 and R*Tree it says which build has them", async () => {
  const engine = lite.createEngine("sqlite://", await withWasm("lite.wasm"));
  try {
    await engine.execute(text("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)"));
    await engine.execute(text("INSERT INTO t (b) VALUES (:b)"), [{ b: "x" }, { b: "y" }]);
    const found = await engine.execute(text("SELECT json_group_array(b) OVER (ORDER BY a) AS j FROM t WHERE b REGEXP '[xy]' ORDER BY a"));
    assert.deepEqual(found.scalars().all(), ['["x"]', '["x","y"]']);
    for (const module of ["fts5(b)", "rtree(id, x, y)"]) {
      await assert.rejects(engine.execute(text(`CREATE VIRTUAL TABLE v USING ${module}`)), (error) =>
        error instanceof whole.OperationalError && /no such module: \w+: aludel\/lite is built without FTS5, R\*Tree.*; aludel has them/.test(error.message));
    }
  } finally {
    await engine.dispose();
  }
});

test("the whole package has both", async () => {
  const engine = whole.createEngine("sqlite://", await withWasm("worker.wasm"));
  try {
    await engine.execute(text("CREATE VIRTUAL TABLE words USING fts5(w)"));
    await engine.execute(text("INSERT INTO words VALUES ('an aludel sublimes')"));
    assert.equal(await engine.scalar(text("SELECT count(*) FROM words WHERE words MATCH 'aludel'")), 1);
    await engine.execute(text("CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)"));
    await assert.rejects(engine.execute(text("CREATE VIRTUAL TABLE v USING nowhere()")), /no such module: nowhere(?!:)/);
  } finally {
    await engine.dispose();
  }
});
