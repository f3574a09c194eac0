// Random histories through the package: what each connection sees is what a serial model says.
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { History } from "./app/history.js";
import { anySeed } from "./app/random.js";
import { faults, makeApp, pkg } from "./lib/apps.mjs";
import { launch, open, tabBrowsers } from "./lib/browser.mjs";
import { serve } from "./lib/serve.mjs";

const COUNT = Number(process.env.ALUDEL_HISTORIES ?? 200);
const SEED = Number(process.env.ALUDEL_SEED ?? anySeed());
const STEPS = 120;

/** A page, and its `globalThis.histories` as a function. */
async function openTab(browser, origin, query) {
  const { page, complaints } = await open(browser, `${origin}/src/histories.html${query}`);
  await page.waitForFunction("globalThis.histories !== undefined", { timeout: 60_000 }).catch((error) => {
    throw new Error(`the page did not load: ${complaints.join("\n")}`, { cause: error });
  });
  const call = (name, ...args) => page.evaluate((name, ...args) => globalThis.histories[name](...args), name, ...args);
  return { call, page };
}

const summary = (counts) => Object.entries(counts).map(([key, value]) => `${value} ${key}`).join(", ");

/** How statements run, with how many histories, in which package, and with what its page is told. */
const WAYS = [
  ["random histories", COUNT, pkg, "", undefined],
  ["random histories of statements that pause as often as they can", Math.ceil(COUNT / 4), faults, "?slices", undefined],
  ["random histories where nothing can pause", Math.ceil(COUNT / 8), pkg, "", withoutSuspending],
];

/** Has the worker of an app find a browser that cannot suspend WebAssembly. */
async function withoutSuspending({ directory }) {
  const folder = join(directory, "node_modules/aludel");
  await rename(join(folder, "worker.js"), join(folder, "whole_worker.js"));
  const before = "delete WebAssembly.Suspending;\ndelete WebAssembly.promising;\n";
  await writeFile(join(folder, "worker.js"), `${before}await import("./whole_worker.js");\n`);
}

for (const [what, count, from, query, change] of WAYS) test(what, async (t) => {
  const app = await makeApp(from);
  let server;
  try {
    await change?.(app);
    server = await serve({ "/": app.directory });
    for (const name of tabBrowsers) {
      await t.test(name, async (t) => {
        const { browser, close } = await launch(name);
        try {
          for (const [what, url] of [["in memory", "sqlite://"], ["in a file", "sqlite:///histories/one.db"]]) {
            await t.test(`${count} histories of a tab, ${what}`, async (t) => {
              t.diagnostic(`ALUDEL_SEED=${SEED}`);
              const { call, page } = await openTab(browser, server.origin, query);
              // In parts, since a driver does not wait for one answer for ever.
              for (let seed = SEED; seed < SEED + count; seed += 25) {
                const counts = await call("play", url, seed, Math.min(25, SEED + count - seed), STEPS);
                if (seed === SEED) t.diagnostic(`the first 25: ${summary(counts)}`);
              }
              await page.close();
            });
          }

          const few = Math.ceil(count / 10);
          await t.test(`${few} histories of two tabs`, async (t) => {
            t.diagnostic(`ALUDEL_SEED=${SEED}`);
            const tabs = [await openTab(browser, server.origin, query), await openTab(browser, server.origin, query)];
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
    server?.close();
    await app.remove();
  }
});
