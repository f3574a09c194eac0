// A worker that breaks: the twin of the package whose SQL can be told to panic or to trap.
import assert from "node:assert/strict";
import test from "node:test";
import { faults, makeApp } from "./lib/apps.mjs";
import { browsers, launch, open } from "./lib/browser.mjs";
import { serve } from "./lib/serve.mjs";

test("a broken worker", async (t) => {
  const app = await makeApp(faults);
  const server = await serve({ "/": app.directory });
  try {
    for (const name of browsers) {
      const { browser, close } = await launch(name);
      try {
        for (const what of ["panic", "trap"]) {
          await t.test(`${name}: after a ${what} everything waiting is WorkerGone, and the next connect works`, async () => {
            const { page } = await open(browser, `${server.origin}/index.html`);
            await page.waitForFunction("globalThis.aludel !== undefined", { timeout: 60_000 });
            const seen = await page.evaluate(async (what) => {
              const { createEngine, text, WorkerGone } = globalThis.aludel;
              const engine = createEngine(`sqlite:///faults/${what}.db`);
              await engine.execute(text("CREATE TABLE t (a)"));
              await engine.execute(text("INSERT INTO t VALUES (1)"));
              const other = await engine.connect();
              await other.execute(text("INSERT INTO t VALUES (2)"));
              const broken = await engine.connect();
              const endless = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c");
              const stream = await broken.stream(endless);
              await stream.fetchone();
              const breaking = await engine.connect();
              const outcomes = await Promise.allSettled([
                breaking.scalar(text("SELECT aludel_fault(:what)"), { what }),
                other.execute(endless),
                engine.scalar(text("SELECT 2")),
                stream.fetchmany(10_000_000),
              ]);
              const errors = outcomes.map(({ reason }) => `${reason instanceof WorkerGone} ${reason?.retryable}`);
              const message = outcomes[0].reason?.message;
              const state = [other.invalidated, other.inTransaction(), other.closed];
              const use = await other.execute(text("SELECT 1")).catch((error) => error.name);
              await other.rollback();
              const after = await other.scalar(text("SELECT count(*) FROM t"));
              await Promise.all([other.close(), broken.close(), breaking.close()]);
              const again = await engine.connect((conn) => conn.scalar(text("SELECT count(*) FROM t")));
              await engine.dispose();
              return { errors, message, state, use, after, again };
            }, what);
            assert.deepEqual(seen.errors, Array(4).fill("true true"));
            assert.match(seen.message, what === "panic" ? /the worker broke: .*panicked/s : /the worker broke|unreachable/);
            // A file outlives its worker, so the connection goes on: only its transaction is lost.
            assert.deepEqual(seen.state.filter((_, i) => i !== 1), [false, false]);
            assert.equal(seen.use, "PendingRollbackError");
            assert.deepEqual([seen.after, seen.again], [1, 1], "what was committed is there, what was not is gone");
            await page.close();
          });
        }
      } finally {
        await close();
      }
    }
  } finally {
    server.close();
    await app.remove();
  }
});
