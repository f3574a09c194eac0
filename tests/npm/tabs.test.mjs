// One database in several tabs of a browser.
import assert from "node:assert/strict";
import test from "node:test";
import { browsers, launch } from "./lib/browser.mjs";
import { openTab, tabsApp } from "./lib/tabs.mjs";

test("tabs", async (t) => {
  const app = await tabsApp();
  try {
    for (const name of browsers) {
      await t.test(name, async (t) => {
        const { browser, close } = await launch(name);
        const tab = () => openTab(browser, app.origin);
        try {
          await t.test("two tabs read and write one database", async (t) => {
            const [a, b] = [await tab(), await tab()];
            const times = [await a.call("open", "two.db"), await b.call("open", "two.db")];
            t.diagnostic(`first open ${times[0].toFixed(0)} ms, second tab ${times[1].toFixed(0)} ms`);
            for (let i = 0; i < 10; i++) await Promise.all([a.call("insert", "a", i), b.call("insert", "b", i)]);
            assert.deepEqual([await a.call("count"), await b.call("count")], [20, 20]);
            assert.deepEqual([await a.call("count", "b"), await b.call("count", "a")], [10, 10]);
            await Promise.all([a.close(), b.close()]);
          });

          await t.test("the host closes and the other goes on", async (t) => {
            const [a, b] = [await tab(), await tab()];
            await a.call("open", "closes.db");
            await b.call("open", "closes.db");
            await a.call("insert", "a");
            await b.call("insert", "b");
            await a.close();
            const { ms, tries } = await b.call("insert", "b");
            t.diagnostic(`took over in ${ms.toFixed(0)} ms, ${tries} tries`);
            assert.equal(await b.call("count"), 3);
            await b.close();
          });
        } finally {
          await close();
        }
      });
    }
  } finally {
    await app.close();
  }
});
