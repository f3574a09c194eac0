// Databases as files, where it takes several tabs to show it.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { makeApp } from "./lib/apps.mjs";
import { browsers, launch, open } from "./lib/browser.mjs";
import { serve } from "./lib/serve.mjs";

const PAGE = `<!doctype html><meta charset="utf-8"><title>app</title><script type="module" src="/page.js"></script>`;
const SCRIPT = `import * as aludel from "/node_modules/aludel/index.js"; globalThis.aludel = aludel;`;
const URL_ = "sqlite:///tabs/dropped.db";

/** What a tab does, each in a few words; `globalThis.engine` is kept between calls. */
const steps = {
  /** Makes a database with this many rows of a kilobyte, whose amounts add up to 0. */
  fill: async (url, rows) => {
    const { createEngine, text } = globalThis.aludel;
    globalThis.engine = createEngine(url);
    await engine.execute(text("CREATE TABLE account (id INTEGER PRIMARY KEY, amount INTEGER, note TEXT)"));
    const note = "x".repeat(1000);
    await engine.execute(text("INSERT INTO account VALUES (:id, :amount, :note)"),
      Array.from({ length: rows }, (_, id) => ({ id, amount: id % 2 ? -1 : 1, note })));
    return rows;
  },
  /** Rows, their sum, and whether SQLite finds the file healthy. */
  look: async (url) => {
    const { createEngine, text } = globalThis.aludel;
    globalThis.engine ??= createEngine(url);
    const row = (await engine.execute(text("SELECT count(*) AS n, sum(amount) AS s FROM account"))).one();
    return [row.n, row.s, await engine.scalar(text("PRAGMA integrity_check"))];
  },
  /** Brings in another database of that many rows, made in memory. */
  bring: async (url, rows) => {
    const { createEngine, text } = globalThis.aludel;
    const from = createEngine("sqlite://");
    await from.execute(text("CREATE TABLE account (id INTEGER PRIMARY KEY, amount INTEGER, note TEXT)"));
    const note = "y".repeat(1000);
    await from.execute(text("INSERT INTO account VALUES (:id, :amount, :note)"),
      Array.from({ length: rows }, (_, id) => ({ id, amount: 0, note })));
    const bytes = await from.exportBytes();
    await from.dispose();
    globalThis.engine ??= createEngine(url);
    const phases = new Set();
    await engine.importBytes(bytes, { onProgress: ({ phase }) => phases.add(phase) });
    return [...phases];
  },
};

test("files and tabs", async (t) => {
  const app = await makeApp();
  await writeFile(join(app.directory, "page.html"), PAGE);
  await writeFile(join(app.directory, "page.js"), SCRIPT);
  const server = await serve({ "/": app.directory });
  try {
    for (const name of browsers) {
      await t.test(name, async (t) => {
        const { browser, close } = await launch(name);
        const tab = async () => {
          const { page } = await open(browser, `${server.origin}/page.html`);
          await page.waitForFunction("globalThis.aludel !== undefined", { timeout: 60_000 });
          return page;
        };
        /** What a function of the tab gives, or the reason of its StorageError. */
        const outcome = (page, fn, url = URL_, more = undefined) => page.evaluate(async (source, url, more) => {
          try {
            return await (0, eval)(source)(url, more);
          } catch (error) {
            return error.reason ?? String(error);
          }
        }, String(fn), url, more);
        try {
          await t.test("a database that another tab has open is not dropped, and is when that tab is gone", async () => {
            const [first, second] = [await tab(), await tab()];
            const write = async (url) => {
              const { createEngine, text } = globalThis.aludel;
              globalThis.engine = createEngine(url);
              await engine.execute(text("CREATE TABLE IF NOT EXISTS t (x)"));
              await engine.execute(text("INSERT INTO t VALUES (1)"));
              return engine.scalar(text("SELECT count(*) FROM t"));
            };
            const drop = (url) => globalThis.aludel.dropDatabase(url);
            assert.equal(await outcome(first, write), 1);
            assert.equal(await outcome(second, drop), "in-use");
            assert.equal(await outcome(first, write), 2, "the first tab goes on");
            assert.deepEqual(await outcome(second, async (url) => {
              const { databaseExists, listDatabases } = globalThis.aludel;
              return [await databaseExists(url), (await listDatabases("tabs")).map((file) => file.url)];
            }), [true, [URL_]], "others may look at it");
            // No good-bye: the browser frees what the tab held.
            await first.close();
            let dropped = "in-use";
            for (let tries = 0; tries < 10 && dropped === "in-use"; tries++) dropped = await outcome(second, drop);
            assert.equal(dropped, true);
            assert.equal(await outcome(second, write), 1, "a new one");
            await second.close();
          });

          await t.test("a tab that does not host exports and imports as one that does", async () => {
            const url = "sqlite:///tabs/guest.db";
            const [host, guest] = [await tab(), await tab()];
            assert.equal(await outcome(host, steps.fill, url, 3000), 3000);
            assert.deepEqual(await outcome(guest, steps.look, url), [3000, 0, "ok"]);
            // While the guest reads its export, the host goes on writing.
            const exported = await guest.evaluateHandle(() => {
              globalThis.reader = engine.exportStream().getReader();
              return globalThis.reader.read().then(({ value }) => (globalThis.chunks = [value]));
            });
            await exported.dispose();
            await outcome(host, async () => {
              const { text } = globalThis.aludel;
              await engine.execute(text("UPDATE account SET amount = 5"));
            });
            const copied = await outcome(guest, async () => {
              const { createEngine } = globalThis.aludel;
              for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) chunks.push(value);
              const copy = createEngine("sqlite://");
              await copy.importBytes(new Blob(chunks));
              const rows = await copy.scalar(globalThis.aludel.text("SELECT sum(amount) = 0 AND count(*) = 3000 FROM account"));
              await copy.dispose();
              return rows;
            });
            assert.equal(copied, 1, "one snapshot");
            assert.deepEqual(await outcome(guest, steps.bring, url, 2000), ["receive", "check", "copy"]);
            for (const page of [host, guest]) assert.deepEqual(await outcome(page, steps.look, url), [2000, 0, "ok"]);
            await host.close();
            assert.deepEqual(await outcome(guest, steps.look, url), [2000, 0, "ok"], "and after the host has gone");
            await guest.close();
          });

          await t.test("a host that goes during an import leaves the old database, and whoever imports is told", async () => {
            const url = "sqlite:///tabs/torn.db";
            const [host, guest] = [await tab(), await tab()];
            assert.equal(await outcome(host, steps.fill, url, 1000), 1000);
            assert.deepEqual(await outcome(guest, steps.look, url), [1000, 0, "ok"]);
            const importing = outcome(guest, async () => {
              const { createEngine, text } = globalThis.aludel;
              const from = createEngine("sqlite://");
              await from.execute(text("CREATE TABLE account (amount INTEGER, note TEXT)"));
              await from.execute(text("INSERT INTO account VALUES (7, zeroblob(5000000))"));
              const bytes = await from.exportBytes();
              await from.dispose();
              // Half of it, and then nothing until the host has gone.
              const half = async function* () {
                yield bytes.subarray(0, bytes.length >> 1);
                globalThis.halfway = true;
                await new Promise((resolve) => (globalThis.goOn = resolve));
                yield bytes.subarray(bytes.length >> 1);
              };
              try {
                await engine.importStream(half());
                return "imported";
              } catch (error) {
                return [error.name, error.retryable];
              }
            });
            await guest.waitForFunction("globalThis.halfway === true");
            await host.close();
            assert.deepEqual(await outcome(guest, steps.look, url), [1000, 0, "ok"], "the guest hosts now");
            await guest.evaluate(() => globalThis.goOn());
            assert.deepEqual(await importing, ["HostLost", true]);
            assert.deepEqual(await outcome(guest, steps.look, url), [1000, 0, "ok"]);
            assert.deepEqual(await outcome(guest, steps.bring, url, 500), ["receive", "check", "copy"], "the same once more");
            assert.deepEqual(await outcome(guest, steps.look, url), [500, 0, "ok"]);
            await guest.close();
          });
        } finally {
          await close();
        }
      });
    }
  } finally {
    server.close();
    await app.remove();
  }
});
