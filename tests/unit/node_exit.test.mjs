// A process of Node that has an engine ends when it has nothing more to do, whatever was left open.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { pkg } from "./pkg.mjs";

const head = (options) => `
  const { createEngine, text } = await import("${new URL("index.js", pkg)}");
  const { nodeOptions } = await import("${new URL("node.js", pkg)}");
  const engine = createEngine("sqlite://", ${options});
  const MANY = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100000) SELECT x FROM c");
  await engine.execute(text("CREATE TABLE t (x)"));
  // What is kept is not collected as garbage, which would close it.
  const kept = globalThis.kept = await engine.connect();
`;

/** What a process does last, and what it prints. */
const ENDS = {
  "a connection is open": [""],
  "a connection is open, and the engine was disposed of": ["await engine.dispose();"],
  "a transaction is open": ["await kept.execute(text('INSERT INTO t VALUES (1)')); await engine.dispose();"],
  "a stream of which a row was read": ["const rows = globalThis.rows = await kept.stream(MANY, undefined, { executionOptions: { yieldPer: 1 } }); await rows.fetchone();"],
  "a stream that was closed": ["const rows = await kept.stream(MANY, undefined, { executionOptions: { yieldPer: 1 } }); await rows.fetchone(); await rows.close();"],
  "nobody waits for a statement that runs": ["kept.execute(MANY).then((rows) => console.log(rows.all().length)); await engine.dispose();", "100000"],
  "nobody waits for a stream that is read": [`
    kept.stream(MANY, undefined, { executionOptions: { yieldPer: 1000 } }).then(async (rows) => {
      let last;
      for await (const row of rows) last = row;
      console.log(last.x);
    });`, "100000"],
  "a thread that has rested is used again": ["setTimeout(async () => console.log(await kept.scalar(text('SELECT 7'))), 300);", "7"],
  "somebody waits for a lock": [`
    const other = await engine.connect();
    await kept.execute(text("INSERT INTO t VALUES (1)"));
    setTimeout(() => kept.commit(), 300).unref();
    await other.execute(text("INSERT INTO t VALUES (2)"));
    console.log(await other.scalar(text("SELECT count(*) FROM t")));`, "2"],
  "an engine was disposed of and has no timer left": [`
    await kept.close();
    await engine.dispose();
    await new Promise((then) => setImmediate(then));
    console.log(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length);`, "0"],
};

/** Where the worker runs: in a thread, or on the thread that asks it. */
const STRATEGIES = { "": "await nodeOptions()", ", without a thread": '{ strategy: "inline" }' };

for (const [strategy, options] of Object.entries(STRATEGIES)) {
  for (const [how, [script, printed = ""]] of Object.entries(ENDS)) {
    test(`a process ends: ${how}${strategy}`, async () => {
      // Fails by its limit.
      const { stdout } = await promisify(execFile)(process.execPath, ["--eval", `(async () => {${head(options)}${script}})();`], { timeout: 120_000 });
      assert.equal(stdout.trim(), printed);
    });
  }
}
