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
        const outcome = (page, fn) => page.evaluate(async (source, url) => {
          try {
            return await (0, eval)(source)(url);
          } catch (error) {
            return error.reason ?? String(error);
          }
        }, String(fn), URL_);
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
