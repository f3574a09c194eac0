// The worker on the thread that asks it (A1.01): what is said of it, that nothing of it re-enters, and that it leaves nothing behind.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { error, fill } from "./node_engine.mjs";
import { load, pkg, repository } from "./pkg.mjs";

const { ArgumentError, createEngine, INLINE_STRATEGY, NotSupportedError, text, WORKER_STRATEGY, WorkerGone } = await load("index.js");
const { inlineWorker } = await load("inline.js");
const run = promisify(execFile);

test("a1_01 the strategy says where the worker runs", async () => {
  assert.deepEqual([WORKER_STRATEGY, INLINE_STRATEGY], ["worker", "inline"]);
  const engine = await fill(createEngine("sqlite://", { strategy: INLINE_STRATEGY }));
  assert.deepEqual((await engine.execute(text("SELECT name FROM users ORDER BY name"))).scalars().all(), ["Casey", "Dan", "Dana"]);
  assert.equal(engine.storage.kind, "memory");
  // Engines know nothing of each other.
  const other = createEngine("sqlite://", { strategy: "inline" });
  assert.equal(await other.scalar(text("SELECT count(*) FROM sqlite_schema")), 0);
  await Promise.all([engine.dispose(), other.dispose()]);
});

test("a1_01 what the strategy cannot do is said at once", () => {
  for (const [url, options, errorClass, message] of [
    ["sqlite:///app.db", { strategy: "inline" }, NotSupportedError, 'the strategy "inline" has databases in memory only'],
    ["sqlite:///app.db", { strategy: "inline", fallback: "memory" }, NotSupportedError, "sqlite:///app.db needs one"],
    ["sqlite://", { strategy: "threads" }, ArgumentError, `Option 'strategy' is "worker" or "inline", not "threads"`],
    ["sqlite://", { strategy: null }, ArgumentError, `Option 'strategy' is "worker" or "inline", not null`],
    ["sqlite://", { strategy: "inline", worker: inlineWorker }, ArgumentError, "Option 'worker' makes a worker"],
  ]) {
    assert.throws(() => createEngine(url, options), error(errorClass, message), message);
  }
});

test("a1_01 wasm that is not there is an error, and is asked for again", async () => {
  const engine = createEngine("sqlite://", { strategy: "inline", wasmUrl: new URL("no-such.wasm", pkg) });
  for (let time = 0; time < 2; time++) {
    await assert.rejects(engine.connect(), error(WorkerGone, /could not be loaded: .*no-such\.wasm/));
  }
  await engine.dispose();
  const good = createEngine("sqlite://", { strategy: "inline", wasmUrl: new URL("worker.wasm", pkg) });
  assert.equal(await good.scalar(text("SELECT 7")), 7);
  await good.dispose();
});

test("a1_01 a module that is not there is an error, but not of an engine that is gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "aludel-inline-"));
  try {
    cpSync(pkg, folder, { recursive: true, filter: (file) => !file.endsWith("/inline.js") });
    const { spawner } = await import(pathToFileURL(join(folder, "spawner.js")));
    const [gone, there] = [1, 2].map(() => spawner(undefined, undefined, "inline")());
    let told = 0;
    gone.addEventListener("error", () => void told++);
    gone.terminate();
    const { message } = await new Promise((then) => there.addEventListener("error", then));
    assert.match(message, /import \{ inlineWorker \} from "aludel\/inline"/);
    // Both have failed by the same import.
    await new Promise((then) => setImmediate(then));
    assert.equal(told, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a1_01 messages arrive as copies, in order, and never while their sender works", { timeout: 120_000 }, async (t) => {
  const worker = inlineWorker();
  // One that is left keeps the process.
  t.after(() => worker.terminate());
  let inside = false;
  const heard = [];
  const answers = new Promise((then) => {
    worker.addEventListener("message", ({ data }) => {
      const answer = data === "ready" ? data : [new DataView(data).getUint8(2), new DataView(data).getBigUint64(8, true)];
      heard.push(inside ? "too early" : answer);
      if (data === "ready") {
        // Hello of docs/PROTOCOL.md, twice: the protocol's version, here that of the future, and a text of no length.
        for (const request of [1n, 2n]) {
          const frame = new Uint8Array(32 + 6);
          frame.set([0xa1, 1, 0x01]);
          new DataView(frame.buffer).setBigUint64(8, request, true);
          new DataView(frame.buffer).setUint16(32, 0xffff, true);
          inside = true;
          worker.postMessage(frame, [frame.buffer]);
          inside = false;
          assert.equal(frame.byteLength, 0);
        }
      }
      if (heard.length === 3) then();
    });
  });
  inside = true;
  worker.postMessage({ wasmUrl: undefined });
  inside = false;
  await answers;
  // A Hello each, with the number of its request.
  assert.deepEqual(heard, ["ready", [0x81, 1n], [0x81, 2n]]);
});

test("a1_01 timers and others have their turn between calls", async () => {
  const engine = createEngine("sqlite://", { strategy: "inline" });
  await engine.connect(async (conn) => {
    let fired = false;
    setTimeout(() => (fired = true), 1);
    // Hangs if calls leave no room for it.
    while (!fired) await conn.scalar(text("SELECT 1"));
    // And within a statement that has many rows.
    fired = false;
    let rows = 0;
    setTimeout(() => (fired = true), 1);
    const endless = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c");
    for await (const row of await conn.stream(endless)) {
      rows = row.x;
      if (fired) break;
    }
    assert.ok(rows > 0);
  });
  await engine.dispose();
});

test("a1_01 what traps ends its own worker, and the next call has another", async () => {
  const engines = [1, 2].map(() => createEngine("sqlite://", { strategy: "inline" }));
  const module = new URL("./procedure_module.mjs", import.meta.url);
  await engines[1].execute(text("CREATE TABLE t (x)"));
  await engines[0].connect((conn) => assert.rejects(conn.runSync(module, "traps"), error(WorkerGone, "broke the worker")));
  assert.equal(await engines[0].scalar(text("SELECT 7")), 7);
  assert.equal(await engines[1].scalar(text("SELECT count(*) FROM sqlite_schema")), 1);
  await Promise.all(engines.map((engine) => engine.dispose()));
});

test("a1_01 an app that is bundled is told where the worker is, and has it from there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "aludel-inline-"));
  try {
    const esbuild = repository("tests/node_modules/esbuild/bin/esbuild");
    const print = `engine.scalar(text("SELECT 7")).then(console.log, (error) => console.log(error.name, error.message)).then(() => engine.dispose());`;
    const index = fileURLToPath(new URL("index.js", pkg));
    const inline = fileURLToPath(new URL("inline.js", pkg));
    const apps = {
      strategy: `import { createEngine, text } from ${JSON.stringify(index)}; const engine = createEngine("sqlite://", { strategy: "inline" }); ${print}`,
      worker: `import { createEngine, text } from ${JSON.stringify(index)}; import { inlineWorker } from ${JSON.stringify(inline)};
        const engine = createEngine("sqlite://", { worker: inlineWorker }); ${print}`,
    };
    const printed = {};
    cpSync(new URL("worker.wasm", pkg), join(folder, "worker.wasm"));
    for (const [name, source] of Object.entries(apps)) {
      const [from, to] = [join(folder, `${name}.js`), join(folder, `${name}.bundle.mjs`)];
      writeFileSync(from, source);
      await run(process.execPath, [esbuild, from, "--bundle", "--format=esm", "--log-level=error", `--outfile=${to}`]);
      printed[name] = (await run(process.execPath, [to])).stdout.trim();
    }
    assert.match(printed.strategy, /WorkerGone .*import \{ inlineWorker \} from "aludel\/inline"/);
    assert.equal(printed.worker, "7");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a text on Node's command line may be a module", async () => {
  const head = (options) => `import { createEngine, text } from "${new URL("index.js", pkg)}"; import { nodeOptions } from "${new URL("node.js", pkg)}";
    const engine = createEngine("sqlite://", ${options}); console.log(await engine.scalar(text("SELECT 7"))); await engine.dispose();`;
  for (const how of [["--input-type=module"], ["--input-type", "module"]]) {
    for (const options of ["await nodeOptions()", `{ strategy: "inline" }`]) {
      const { stdout } = await run(process.execPath, [...how, "--eval", head(options)], { timeout: 120_000 });
      assert.equal(stdout.trim(), "7", `${how}: ${options}`);
    }
  }
});
