// Random histories through the package: what each connection sees is what a serial model says.
import test from "node:test";
import { History } from "./app/history.js";
import { anySeed } from "./app/random.js";
import { makeApp } from "./lib/apps.mjs";
import { launch, open, tabBrowsers } from "./lib/browser.mjs";
import { serve } from "./lib/serve.mjs";

const COUNT = Number(process.env.ALUDEL_HISTORIES ?? 200);
const SEED = Number(process.env.ALUDEL_SEED ?? anySeed());
const STEPS = 120;

/** A page, and its `globalThis.histories` as a function. */
async function openTab(browser, origin) {
  const { page, complaints } = await open(browser, `${origin}/src/histories.html`);
  await page.waitForFunction("globalThis.histories !== undefined", { timeout: 60_000 }).catch((error) => {
    throw new Error(`the page did not load: ${complaints.join("\n")}`, { cause: error });
  });
  const call = (name, ...args) => page.evaluate((name, ...args) => globalThis.histories[name](...args), name, ...args);
  return { call, page };
}

const summary = (counts) => Object.entries(counts).map(([key, value]) => `${value} ${key}`).join(", ");

test("random histories", async (t) => {
  const app = await makeApp();
  const server = await serve({ "/": app.directory });
  try {
    for (const name of tabBrowsers) {
      await t.test(name, async (t) => {
        const { browser, close } = await launch(name);
        try {
          for (const [what, url] of [["in memory", "sqlite://"], ["in a file", "sqlite:///histories/one.db"]]) {
            await t.test(`${COUNT} histories of a tab, ${what}`, async (t) => {
              t.diagnostic(`ALUDEL_SEED=${SEED}`);
              const { call, page } = await openTab(browser, server.origin);
              // In parts, since a driver does not wait for one answer for ever.
              for (let seed = SEED; seed < SEED + COUNT; seed += 25) {
                const counts = await call("play", url, seed, Math.min(25, SEED + COUNT - seed), STEPS);
                if (seed === SEED) t.diagnostic(`the first 25: ${summary(counts)}`);
              }
              await page.close();
            });
          }

          const few = Math.ceil(COUNT / 10);
          await t.test(`${few} histories of two tabs`, async (t) => {
            t.diagnostic(`ALUDEL_SEED=${SEED}`);
            const tabs = [await openTab(browser, server.origin), await openTab(browser, server.origin)];
            for (let seed = SEED; seed < SEED + few; seed++) {
              const options = { connections: 4 + (seed % 5), steps: STEPS };
              await new History(seed, tabs.map(({ call }) => call), options).play("sqlite:///histories/two.db");
            }
            for (const { call } of tabs) await call("dispose");
            for (const { page } of tabs) await page.close();
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
