// The package in Node: importing it never fails, what needs no worker works, and what does says so.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { Worker } from "node:worker_threads";
import { load, pkg } from "./pkg.mjs";

const aludel = await load("index.js");
const { ArgumentError, createEngine, NotSupportedError, ObjectNotExecutableError, splitStatements, sql, StorageError, text } = aludel;

test("every export is named in the types, and every file of the manifest is there", () => {
  const types = readFileSync(new URL("index.d.ts", pkg), "utf8");
  for (const name of Object.keys(aludel)) assert.match(types, new RegExp(`\\b${name}\\b`), name);
  const manifest = JSON.parse(readFileSync(new URL("package.json", pkg), "utf8"));
  const targets = Object.values(manifest.exports).flatMap((target) => (typeof target === "string" ? target : Object.values(target)));
  for (const target of [...targets, ...manifest.sideEffects]) assert.ok(existsSync(new URL(target, pkg)), target);
  assert.equal(Object.keys(manifest.exports["."])[0], "types");
  assert.equal(manifest.version, aludel.version);
  assert.equal(manifest.dependencies, undefined);
});

test("every module can be imported before all others", async () => {
  // These are programs, or for hosts that bring the wasm.
  const apart = ["broker.js", "cli.js", "index_workerd.js", "node_worker.js", "worker.js"];
  const files = ["", "core/"].flatMap((folder) => readdirSync(new URL(folder, pkg)).filter((name) => name.endsWith(".js")).map((name) => folder + name));
  const modules = files.filter((file) => !apart.includes(file));
  assert.ok(modules.length > 60, `${modules.length} modules`);
  const importAll = async () => {
    for (let file = modules.pop(); file !== undefined; file = modules.pop()) {
      const source = `import(${JSON.stringify(new URL(file, pkg).href)}).then(() => process.exit(0))`;
      const [code] = await once(new Worker(source, { eval: true }), "exit");
      assert.equal(code, 0, file);
    }
  };
  await Promise.all([importAll(), importAll(), importAll(), importAll()]);
});

test("nothing of the package is shown that is internal", () => {
  for (const file of ["index.d.ts", "result.d.ts", "connection.d.ts", "engine.d.ts", "statement.d.ts", "errors.d.ts"]) {
    const types = readFileSync(new URL(file, pkg), "utf8").replace(/\/\*[^]*?\*\//g, "");
    assert.doesNotMatch(types, /Native|Feed|\bCursor\b|@internal|\bany\b/, file);
  }
});

test("statements are cut at their semicolons only", () => {
  const cases = [
    ["", []],
    ["SELECT 1", [["SELECT 1", 0]]],
    [" SELECT 1 ;; -- x;\n SELECT 'a;b' ; ", [["SELECT 1", 1], ["SELECT 'a;b'", 20]]],
    ["SELECT 'ü🧪'; SELECT 2", [["SELECT 'ü🧪'", 0], ["SELECT 2", 14]]],
    ["CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; SELECT 2; END; SELECT 3",
      [["CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; SELECT 2; END", 0], ["SELECT 3", 66]]],
  ];
  for (const [script, expected] of cases) {
    const found = splitStatements(script);
    assert.deepEqual(found.map(({ sql, offset }) => [sql, offset]), expected);
    for (const { sql, offset } of found) assert.ok(script.startsWith(sql, offset), script);
  }
  assert.throws(() => splitStatements(5), ArgumentError);
});

test("statements are frozen data and can be made without a browser", () => {
  const statement = text("SELECT :a").bindparams({ a: 1 });
  assert.ok(Object.isFrozen(statement));
  assert.equal(statement.kind, "text");
  assert.equal(`${sql`SELECT ${1} WHERE ${sql`x = ${2}`}`}`, "SELECT ? WHERE x = ?");
  assert.throws(() => sql`${text(":a").bindparams({ a: 1 })} ${text(":a").bindparams({ a: 2 })}`, ArgumentError);
  assert.throws(() => text(`SELECT 1`).bindparams([1]), ArgumentError);
});

test("an engine without workers says so when it is used", async () => {
  const engine = createEngine("sqlite://");
  assert.equal(engine.pool.status(), "Pool size: 4  Connections in pool: 0 Current Overflow: -4 Current Checked out connections: 0");
  await assert.rejects(engine.scalar(text("SELECT 1")), (error) =>
    error instanceof StorageError && error.reason === "unavailable" && /no Web Workers here/.test(error.message));
  await assert.rejects(engine.execute("SELECT 1"), ObjectNotExecutableError);
  await engine.dispose();
});

test("URLs and options are looked at at once", () => {
  assert.throws(() => createEngine("mysql://x"), { name: "NoSuchModuleError" });
  assert.throws(() => createEngine("sqlite://", { pool: 1 }), /'pool'.*known are: .*executionOptions.*poolSize.*wasmUrl, worker/);
  assert.throws(() => createEngine("sqlite://", null), ArgumentError);
  assert.throws(() => createEngine("sqlite://", { echo: "loud" }), /Option 'echo' takes/);
  assert.equal(String(createEngine(new URL("sqlite://")).url), "sqlite://");
  assert.ok(NotSupportedError.prototype instanceof aludel.DatabaseError);
});

test("garbage for a wasm is a typed error that stays", async () => {
  const wasm = await load("wasm.js");
  assert.equal(typeof wasm.native().NativeEngine, "function");
});

/** The last frame of a worker, of docs/PROTOCOL.md. */
function fatal(message) {
  const text = new TextEncoder().encode(message);
  const frame = new Uint8Array(36 + text.length);
  frame.set([0xa1, 1, 0x86]);
  new DataView(frame.buffer).setUint32(32, text.length, true);
  frame.set(text, 36);
  return frame;
}

test("a worker that breaks, or breaks the protocol, is WorkerGone, and nobody waits for ever", async () => {
  // Long frames are not looked at as short ones are.
  const lasts = [10, 5_000, 100_000].map((length) => fatal("on purpose".padEnd(length, "!")));
  for (const last of lasts) assert.match(await broken(last), /the worker broke: on purpose/);
  for (const last of lasts) assert.match(await broken(last.buffer), /the worker broke: on purpose/);
  for (const message of [new Uint8Array([1, 2, 3]), new Uint8Array(0), new Uint8Array(40).fill(0xa1)]) await broken(message);
  assert.equal(await broken("fatal:broken: on purpose"), "broken: on purpose");
});

/** What is said when a worker answers with this. */
async function broken(message) {
  const listeners = new Map();
  const fake = {
    addEventListener: (kind, listener) => listeners.set(kind, listener),
    removeEventListener: (kind) => listeners.delete(kind),
    postMessage: (frame) => {
      if (frame instanceof Uint8Array) queueMicrotask(() => listeners.get("message")?.({ data: message }));
      else queueMicrotask(() => listeners.get("message")?.({ data: "ready" }));
    },
    terminate() {
      fake.ended = true;
    },
  };
  const engine = createEngine("sqlite://", { worker: () => fake });
  const error = await engine.scalar(text("SELECT 1")).catch((error) => error);
  assert.ok(error instanceof aludel.WorkerGone && error.retryable, String(error));
  assert.equal(fake.ended, true, "the worker was ended");
  assert.equal(listeners.size, 0, "nothing listens any more");
  return error.message;
}
