// Several tabs of one browser on one database.
import { makeApp } from "./apps.mjs";
import { open } from "./browser.mjs";
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

/** Opens a tab. */
export async function openTab(browser, origin, path = "/src/tabs.html") {
  const { page, complaints } = await open(browser, origin + path);
  await loaded(page);
  /** Has the page do something of `tab` in tests/npm/app/tabs.js. */
  const call = (name, ...args) => page.evaluate((name, args) => globalThis.tab[name](...args), name, args);
  return { page, complaints, call, close: () => page.close(), crash: () => crash(page) };
}

/** Waits until the page of a tab has loaded, again after a navigation. */
export const loaded = (page) => page.waitForFunction("globalThis.tab !== undefined", { timeout: 60_000 });

/** Kills the process of a page, as a crash does: nothing in it hears of it. */
export async function crash(page) {
  const session = await page.createCDPSession();
  const gone = new Promise((resolve) => page.once("error", resolve));
  session.send("Page.crash").catch(() => undefined);
  await gone;
}
