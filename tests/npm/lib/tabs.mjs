// Several tabs of one browser on one database.
import test from "node:test";
import { computing, kill } from "../../crash/lib/processes.mjs";
import { makeApp } from "./apps.mjs";
import { browsers, launch, open } from "./browser.mjs";
import { serve } from "./serve.mjs";

/** An app whose page `/src/tabs.html` is one of several tabs. */
export async function tabsApp(from) {
  const app = await makeApp(from);
  const server = await serve({ "/": app.directory });
  const close = async () => {
    server.close();
    await app.remove();
  };
  return { ...app, ...server, close };
}

/**
 * Runs tests in each browser.
 * @param {string} what they show.
 * @param {(tools) => Promise<void>} tests gets the `name` of the browser, the `app`, `tab()` which opens one, and `check()`
 * which runs a test and closes its tabs.
 */
export function inTabs(what, tests, { from, more } = {}) {
  test(what, async (t) => {
    const app = await tabsApp(from);
    try {
      for (const name of browsers) {
        await t.test(`${what} in ${name}`, async (t) => {
          const { browser, close } = await launch(name, more);
          try {
            let tabs = [];
            const tab = async (...how) => {
              const tab = await openTab(browser, app.origin, ...how);
              tabs.push(tab);
              return tab;
            };
            const check = (claim, act) =>
              t.test(claim, async (t) => {
                try {
                  await act(t);
                } finally {
                  // A page that crashed cannot be closed.
                  await Promise.all(tabs.map((tab) => tab.close().catch(() => undefined)));
                  tabs = [];
                }
              });
            await tests({ name, app, browser, tab, check });
          } finally {
            await close();
          }
        });
      }
    } finally {
      await app.close();
    }
  });
}

/** Opens a tab; `before` runs in its page before everything else. */
export async function openTab(browser, origin, path = "/src/tabs.html", before = undefined) {
  const { page, complaints } = await open(browser, origin + path, before);
  await loaded(page);
  return { page, complaints, ...driven(page), close: () => page.close(), crash: () => crash(browser, page) };
}

/** What a page, or a frame in one, can be had to do. */
export function driven(frame) {
  /** Does something of `tab` in tests/npm/app/tabs.js. */
  const call = (name, ...args) => frame.evaluate((name, args) => globalThis.tab[name](...args), name, args);
  /** Waits until a call gives what is wanted. */
  const until = (wanted, name, ...args) =>
    frame.waitForFunction(
      async (wanted, name, args) => JSON.stringify(await globalThis.tab[name](...args)) === wanted,
      { timeout: 60_000, polling: 50 },
      JSON.stringify(wanted),
      name,
      args,
    );
  return { call, until };
}

/** Waits until the page of a tab has loaded, again after a navigation. */
export const loaded = (page) => page.waitForFunction("globalThis.tab !== undefined", { timeout: 60_000, polling: 50 });

const isFirefox = async (browser) => (await browser.version()).toLowerCase().startsWith("firefox");

/** Kills the process of a page, as a crash does: nothing in it hears of it. In Firefox other pages may share it: `apart`. */
export async function crash(browser, page) {
  if (await isFirefox(browser)) return kill(await processOf(browser, page));
  const session = await page.createCDPSession();
  const gone = new Promise((resolve) => page.once("error", resolve));
  session.send("Page.crash").catch(() => undefined);
  await gone;
}

/** Two tabs, opened by these two, that share no process. */
export async function apart(browser, first, second) {
  const one = await first();
  const pid = await processOf(browser, one.page);
  for (let tries = 0; tries < 8; tries++) {
    const other = await second();
    if ((await processOf(browser, other.page)) !== pid) return [one, other];
  }
  throw new Error("all pages share one process");
}

/** The process that a page runs in: the one that works while the page does. */
export async function processOf(browser, page) {
  const { pid } = browser.process();
  const evaluate = (...work) => page.evaluate(...work);
  if (await isFirefox(browser)) return computing(pid, evaluate);
  const session = await browser.target().createCDPSession();
  try {
    return await computing(pid, evaluate, async () => {
      const { processInfo } = await session.send("SystemInfo.getProcessInfo");
      return new Map(processInfo.filter(({ type }) => type === "renderer").map(({ id, cpuTime }) => [id, cpuTime * 100]));
    });
  } finally {
    await session.detach();
  }
}

/** A figure among the results. */
export const tell = (t, what, { ms, tries }) => t.diagnostic(`${what}: ${ms.toFixed(0)} ms${tries > 1 ? `, ${tries} tries` : ""}`);
