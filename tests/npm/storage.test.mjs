// What only several pages, a reload or a strict policy can show.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { makeApp } from "./lib/apps.mjs";
import { browsers, launch, open } from "./lib/browser.mjs";
import { serve } from "./lib/serve.mjs";

// Nothing but what the package is documented to need; pictures are for the icon that browsers ask for by themselves.
const CSP = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src 'self'";

/** A page that only loads the package; a policy forbids import maps, so it is imported by its path. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>app</title><script type="module" src="/page.js"></script>`;
const SCRIPT = `import * as aludel from "/node_modules/aludel/index.js"; globalThis.aludel = aludel;`;

const loaded = async (browser, origin) => {
  const opened = await open(browser, `${origin}/page.html`);
  await opened.page.waitForFunction("globalThis.aludel !== undefined", { timeout: 60_000 });
  return opened;
};

test("storage, tabs and policies", async (t) => {
  const app = await makeApp();
  await writeFile(join(app.directory, "page.html"), PAGE);
  await writeFile(join(app.directory, "page.js"), SCRIPT);
  const [server, strict, none] = await Promise.all([
    serve({ "/": app.directory }),
    serve({ "/": app.directory }, { "content-security-policy": CSP }),
    serve({ "/": app.directory }, { "content-security-policy": "script-src 'self'" }),
  ]);
  try {
    for (const name of browsers) {
      await t.test(name, async (t) => {
        const { browser, close } = await launch(name);
        try {
          await t.test("a file is there again after a reload", async () => {
            const { page } = await loaded(browser, server.origin);
            const rows = () => page.evaluate(async () => {
              const { createEngine, text } = globalThis.aludel;
              globalThis.engine = createEngine("sqlite:///notes/kept.db");
              await engine.execute(text("CREATE TABLE IF NOT EXISTS t (at INTEGER PRIMARY KEY, what TEXT)"));
              await engine.execute(text("INSERT INTO t (what) VALUES (:what)"), [{ what: "a" }, { what: "é🧪" }]);
              return JSON.stringify((await engine.execute(text("SELECT what FROM t ORDER BY at"))).scalars().all());
            });
            assert.equal(await rows(), JSON.stringify(["a", "é🧪"]));
            // Not disposed of: a reload is no good-bye.
            await page.reload();
            await page.waitForFunction("globalThis.aludel !== undefined");
            assert.equal(await rows(), JSON.stringify(["a", "é🧪", "a", "é🧪"]));
            await page.close();
          });

          await t.test("a second tab uses the same database, and goes on when the first is gone", async () => {
            const first = await loaded(browser, server.origin);
            const use = (page, who) => page.evaluate(async (who) => {
              const { createEngine, text } = globalThis.aludel;
              globalThis.engine ??= createEngine("sqlite:///two-tabs.db");
              await engine.execute(text("CREATE TABLE IF NOT EXISTS t (who TEXT)"));
              await engine.execute(text("INSERT INTO t VALUES (:who)"), { who });
              return (await engine.execute(text("SELECT who FROM t ORDER BY rowid"))).scalars().all();
            }, who);
            assert.deepEqual(await use(first.page, "first"), ["first"]);
            const second = await loaded(browser, server.origin);
            assert.deepEqual(await use(second.page, "second"), ["first", "second"]);
            await first.page.close();
            assert.deepEqual(await use(second.page, "alone"), ["first", "second", "alone"]);
            await second.page.close();
          });

          await t.test("a database that older code holds is in use, in bounded time, until it is free", async () => {
            const { page } = await loaded(browser, server.origin);
            const seen = await page.evaluate(async () => {
              const { createEngine, text } = globalThis.aludel;
              // What a page did that knew nothing of tabs.
              let letGo;
              await new Promise((held) => {
                void navigator.locks.request("aludel:old.db", () => {
                  held();
                  return new Promise((release) => (letGo = release));
                });
              });
              const engine = createEngine("sqlite:///old.db");
              const start = performance.now();
              const { name, reason, retryable, message } = await engine.scalar(text("SELECT 1")).catch((error) => error);
              const ms = performance.now() - start;
              letGo();
              return { told: [name, reason, retryable], message, ms, then: await engine.scalar(text("SELECT 1")) };
            });
            assert.deepEqual(seen.told, ["StorageError", "in-use", true]);
            assert.match(seen.message, /another tab/i);
            assert.ok(seen.ms < 30_000, `it took ${seen.ms} ms`);
            assert.equal(seen.then, 1);
            await page.close();
          });

          await t.test("a strict Content Security Policy lets all of it run", async () => {
            const { page, complaints } = await loaded(browser, strict.origin);
            const value = await page.evaluate(async () => {
              const { createEngine, text } = globalThis.aludel;
              const engine = createEngine("sqlite:///csp.db");
              await engine.execute(text("CREATE TABLE t (a)"));
              await engine.execute(text("INSERT INTO t VALUES (1)"));
              const count = await engine.scalar(text("SELECT count(*) FROM t"));
              await engine.dispose();
              return count;
            });
            assert.equal(value, 1);
            assert.deepEqual(complaints.filter((complaint) => /content.security.policy|csp/i.test(complaint)), []);
            await page.close();
          });

          await t.test("a policy without wasm-unsafe-eval: importing works, the first use says why not", async () => {
            const { page } = await loaded(browser, none.origin);
            const errors = await page.evaluate(async () => {
              const { createEngine, NotSupportedError, text } = globalThis.aludel;
              text("SELECT 1");
              return [1, 2].map(() => {
                try {
                  createEngine("sqlite://");
                  return "nothing was thrown";
                } catch (error) {
                  return `${error instanceof NotSupportedError} ${error.message.includes("wasm-unsafe-eval")}`;
                }
              });
            });
            assert.deepEqual(errors, ["true true", "true true"]);
            await page.close();
          });

          // Only Chromium can be told to collect garbage.
          if (name === "chromium") {
            await t.test("connections that are forgotten come back, rolled back", async () => {
              const { page } = await loaded(browser, server.origin);
              await page.evaluate(async () => {
                const { createEngine, text } = globalThis.aludel;
                globalThis.engine = createEngine("sqlite://", { poolSize: 2 });
                await engine.execute(text("CREATE TABLE t (a)"));
                const forget = async () => {
                  const conn = await engine.connect();
                  await conn.execute(text("INSERT INTO t VALUES (1)"));
                };
                await forget();
              });
              const session = await page.createCDPSession();
              await session.send("HeapProfiler.enable");
              let out = 1;
              for (let tries = 0; tries < 50 && out > 0; tries++) {
                await session.send("HeapProfiler.collectGarbage");
                out = await page.evaluate(() => globalThis.engine.pool.checkedout());
              }
              assert.equal(out, 0);
              const count = await page.evaluate(() => globalThis.engine.scalar(globalThis.aludel.text("SELECT count(*) FROM t")));
              assert.equal(count, 0);
              await page.close();
            });
          }

          await t.test("a file of garbage bytes is a StorageError, and stays as it is", async () => {
            const { page } = await loaded(browser, server.origin);
            const told = await page.evaluate(async () => {
              const { createEngine, text, StorageError } = globalThis.aludel;
              const worker = new Worker(URL.createObjectURL(new Blob([`onmessage = async () => {
                const directory = await navigator.storage.getDirectory();
                const handle = await (await directory.getFileHandle("garbage.db", { create: true })).createSyncAccessHandle();
                handle.write(new Uint8Array(8192).map((_, i) => i * 7 + 1));
                handle.close();
                postMessage("written");
              };`])));
              await new Promise((resolve) => { worker.onmessage = resolve; worker.postMessage(""); });
              worker.terminate();
              const engine = createEngine("sqlite:///garbage.db");
              try {
                return await engine.scalar(text("SELECT count(*) FROM sqlite_schema"));
              } catch (error) {
                await engine.dispose();
                const directory = await navigator.storage.getDirectory();
                const file = await (await directory.getFileHandle("garbage.db")).getFile();
                const first = new Uint8Array(await file.arrayBuffer()).slice(0, 4);
                return [error instanceof StorageError, error.reason, file.size, [...first]];
              }
            });
            assert.deepEqual(told, [true, "not-a-database", 8192, [1, 8, 15, 22]]);
            await page.close();
          });
        } finally {
          await close();
        }
      });
    }
  } finally {
    for (const each of [server, strict, none]) each.close();
    await app.remove();
  }
});
