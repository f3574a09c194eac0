// Long statements pause, where the browser can suspend WebAssembly: they hold nobody up, and any of them can be stopped.
import assert from "node:assert/strict";
import test from "node:test";
import { makeApp } from "./lib/apps.mjs";
import { launch, open, tabBrowsers } from "./lib/browser.mjs";
import { serve } from "./lib/serve.mjs";

/** Works for ever, and gives no row. */
const SILENT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0";
/** Writes without end. */
const ENDLESS_WRITE = `INSERT INTO t ${SILENT.replace("i < 0", "i % 100000 = 0")}`;

/** A page on a database; `run` has it do something with `page.engine` and the package. */
async function openPage(browser, origin, url) {
  const { page } = await open(browser, `${origin}/index.html`);
  await page.waitForFunction("globalThis.aludel !== undefined", { timeout: 60_000 });
  await page.evaluate(async (url) => {
    const { createEngine, text } = globalThis.aludel;
    globalThis.engine = createEngine(url);
    await globalThis.engine.execute(text("CREATE TABLE IF NOT EXISTS t (a INTEGER)"));
    globalThis.running = [];
    /** Starts something that does not end by itself. */
    globalThis.start = async (sql, options = {}) => {
      const conn = await globalThis.engine.connect();
      const controller = new AbortController();
      const outcome = conn.execute(text(sql), {}, { signal: controller.signal, ...options }).then(
        () => "done",
        (error) => `${error.name} ${conn.inTransaction()}`,
      );
      globalThis.running.push({ conn, controller, outcome });
      // Behind it in the same worker: when this is answered, it has begun.
      await globalThis.engine.scalar(text("SELECT 1"));
    };
    globalThis.stop = async () => {
      const outcomes = [];
      for (const { conn, controller, outcome } of globalThis.running.splice(0)) {
        controller.abort();
        outcomes.push(await outcome);
        outcomes.push(await conn.rollback().then(() => conn.scalar(text("SELECT 1"))));
        await conn.close();
      }
      return outcomes;
    };
    globalThis.add = (a) => globalThis.engine.execute(text("INSERT INTO t VALUES (:a)"), { a });
    globalThis.count = () => globalThis.engine.scalar(text("SELECT count(*) FROM t"));
  }, url);
  return page;
}

test("statements that pause", async (t) => {
  const app = await makeApp();
  const server = await serve({ "/": app.directory });
  try {
    for (const name of tabBrowsers) {
      const { browser, close } = await launch(name);
      const pages = [];
      const page = async (url) => (pages.push(await openPage(browser, server.origin, url)), pages.at(-1));
      const check = (claim, act) =>
        t.test(`${name}: ${claim}`, async (t) => {
          try {
            await act(t);
          } finally {
            for (const page of pages.splice(0)) await page.close().catch(() => undefined);
          }
        });
      try {
        for (const [where, url] of [["in memory", "sqlite://"], ["in a file", "sqlite:///slices/one.db"]]) {
          await check(`others read and write beside two that never end, ${where}`, async () => {
            const one = await page(url);
            const seen = await one.evaluate(async (silent) => {
              await start(silent);
              await start(silent);
              for (let a = 0; a < 20; a++) await add(a);
              const rows = await count();
              return [rows, await stop(), await count()];
            }, SILENT);
            assert.deepEqual(seen, [20, ["AbortError true", 1, "AbortError true", 1], 20]);
          });
        }

        await check("others read beside a slow set of parameters behind quick ones, which is stopped", async () => {
          const one = await page("sqlite:///slices/sets.db");
          const seen = await one.evaluate(async () => {
            const { text } = globalThis.aludel;
            const [writes, reads] = [await engine.connect(), await engine.connect()];
            await reads.scalar(text("SELECT 1"));
            const counted = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :end) SELECT i FROM n";
            const sets = Array.from({ length: 2_000 }, (_, i) => ({ end: i === 1_500 ? 1e15 : 1 }));
            const outcomes = [];
            for (const option of ["signal", "timeout"]) {
              const controller = new AbortController();
              const options = option === "signal" ? { signal: controller.signal } : { timeout: 200 };
              const outcome = writes.execute(text(`INSERT INTO t SELECT max(i) FROM (${counted})`), sets, options).then(() => "done", (error) => error.name);
              for (let i = 0; i < 20; i++) outcomes.push(await reads.scalar(text("SELECT count(*) FROM t")));
              controller.abort();
              outcomes.push(await outcome, await writes.rollback().then(() => writes.scalar(text("SELECT 3"))));
              await writes.rollback();
            }
            return [...new Set(outcomes), await count()];
          });
          assert.deepEqual(seen, [0, "AbortError", 3, "TimeoutError", 0]);
        });

        await check("others read while a long text is prepared, which is stopped", async () => {
          const one = await page("sqlite://");
          const seen = await one.evaluate(async () => {
            const { text } = globalThis.aludel;
            const [writes, reads] = [await engine.connect(), await engine.connect()];
            await reads.scalar(text("SELECT 1"));
            // It cannot be prepared, which is known when it is parsed to its end.
            const values = Array.from({ length: 600_000 }, (_, i) => `(${i})`).join();
            const controller = new AbortController();
            const long = writes.execute(text(`INSERT INTO t VALUES ${values}, (no such)`), {}, { signal: controller.signal });
            const outcome = long.then(() => "done", (error) => error.name);
            const read = await reads.scalar(text("SELECT 2"));
            controller.abort();
            return [read, await outcome, await writes.rollback().then(() => writes.scalar(text("SELECT 3"))), await count()];
          });
          assert.deepEqual(seen, [2, "AbortError", 3, 0]);
        });

        await check("another tab reads and writes beside one that never ends, and its own is stopped", async () => {
          const [host, guest] = [await page("sqlite:///slices/two.db"), await page("sqlite:///slices/two.db")];
          await host.evaluate((silent) => start(silent), SILENT);
          await guest.evaluate((silent) => start(silent), SILENT);
          const work = async () => {
            for (let a = 0; a < 10; a++) await add(a);
            return count();
          };
          assert.equal(await guest.evaluate(work), 10);
          assert.equal(await host.evaluate(work), 20);
          assert.deepEqual(await guest.evaluate(() => stop()), ["AbortError true", 1]);
          assert.deepEqual(await host.evaluate(() => stop()), ["AbortError true", 1]);
        });

        await check("one that takes too long ends, and what waits behind it", async () => {
          const one = await page("sqlite:///slices/late.db");
          const seen = await one.evaluate(async (silent) => {
            const { text } = globalThis.aludel;
            const conn = await engine.connect();
            const late = (sql) => conn.execute(text(sql), {}, { timeout: 100 }).catch((error) => error.name);
            const outcomes = await Promise.all([late(silent), late("SELECT 1")]);
            await conn.rollback();
            const after = await conn.scalar(text("SELECT 2"));
            await conn.close();
            return [...outcomes.map((outcome) => (typeof outcome === "string" ? outcome : "rows")), after];
          }, SILENT);
          assert.equal(seen[0], "TimeoutError");
          assert.ok(["TimeoutError", "rows"].includes(seen[1]), seen[1]);
          assert.equal(seen[2], 2);
        });

        await check("a write that is stopped is rolled back with its transaction, and others write", async () => {
          const [host, guest] = [await page("sqlite:///slices/write.db"), await page("sqlite:///slices/write.db")];
          await host.evaluate((sql) => start(sql), ENDLESS_WRITE);
          const waiting = guest.evaluate(() => add(1).then(() => count()));
          const [outcome, after] = await host.evaluate(() => stop());
          assert.match(outcome, /^AbortError/);
          assert.equal(after, 1);
          assert.equal(await waiting, 1);
        });

        await check("a tab that is closed leaves nothing behind that pauses", async () => {
          const [host, guest] = [await page("sqlite:///slices/gone.db"), await page("sqlite:///slices/gone.db")];
          await guest.evaluate((sql) => start(sql), ENDLESS_WRITE);
          const waiting = host.evaluate(() => add(1).then(() => count()));
          await guest.close();
          assert.equal(await waiting, 1);
        });

        await check("a host that is closed in the midst of statements loses no commit", async () => {
          const [host, guest] = [await page("sqlite:///slices/host.db"), await page("sqlite:///slices/host.db")];
          await host.evaluate((sql) => start(sql), ENDLESS_WRITE.replace("INSERT INTO t", "CREATE TABLE u AS"));
          await host.evaluate((silent) => start(silent), SILENT);
          const read = await guest.evaluate((silent) => start(silent), SILENT);
          assert.equal(read, undefined);
          await host.close();
          assert.equal(await guest.evaluate(() => add(1).then(() => count())), 1);
          const [outcome, after] = await guest.evaluate(() => stop());
          assert.match(outcome, /^(AbortError|HostLost)/);
          assert.equal(after, 1);
          const sound = await guest.evaluate(() => engine.scalar(globalThis.aludel.text("PRAGMA integrity_check")));
          assert.equal(sound, "ok");
          assert.deepEqual(await guest.evaluate(() => engine.tableNames()), ["t"]);
        });
      } finally {
        await close();
      }
    }
  } finally {
    server.close();
    await app.remove();
  }
});
