// One measurement: a workload of one engine, on a page of its own.
import { heldBy } from "./memory.mjs";
import { native } from "./native.mjs";
import { within } from "./within.mjs";

/** Forgets what the page's origin has stored; what is still held is left to the profile's end. */
async function forget() {
  const root = await navigator.storage.getDirectory();
  for await (const name of root.keys()) await root.removeEntry(name, { recursive: true }).catch(() => {});
}

/**
 * `launched` is the browser; `note` takes what pages and workers say on their consoles, if that is to be seen; `longest` is what
 * one may take, in ms, for one that hangs is not to hold up the others.
 */
export function measuring({ launched, servers, program, small, note, longest = 240_000 }) {
  async function open(pages) {
    const page = await launched.browser.newPage();
    pages.push(page);
    if (note) {
      page.on("console", (said) => note(said.text())).on("pageerror", (error) => note(String(error)));
      page.on("workercreated", (worker) => worker.on("console", (said) => note(said.text())));
    }
    return page;
  }

  async function visit(page, url) {
    await page.goto(url);
    await page.waitForFunction("globalThis.ready");
  }

  async function inPages(workload, engine, round, options, pages) {
    const server = engine.isolated ? servers.isolated : servers.plain;
    const origin = launched.originOf(server);
    const url = `${origin}/bench/index.html`;
    const path = `${engine.name.replace(/\W/g, "")}-${workload.name}-${workload.variant?.replace(/\W+/g, "-") ?? "plain"}-${round}.db`;
    const name = engine.limit ? "echo" : engine.name;
    try {
      // It answers the other page's calls.
      if (workload.tab) {
        const tab = await open(pages);
        await visit(tab, url);
        await tab.evaluate((name) => globalThis.run(name), workload.tab);
      }
      const page = await open(pages);
      const run = async () => {
        await visit(page, url);
        return page.evaluate((...args) => globalThis.run(...args), workload.name, name, path, options);
      };
      // SQLocal's second worker sleeps where nobody can ask it anything.
      const asked = "memory" in workload.figures && launched.inspected && !engine.isolated;
      if (asked) await page.exposeFunction("memory", () => heldBy(page));
      if (workload.variant === "cold") await launched.clearCache();
      // A warm opening finds the database, and the browser's cache, of a visit before it.
      if (workload.variant === "warm") await run();
      server.loaded();
      const result = await run();
      if (workload.variant === "cold") {
        result.files = server.loaded();
        result.bytes = result.files.reduce((sum, [, bytes]) => sum + bytes, 0) / 1000;
      }
      if (!launched.inspected) await page.evaluate(forget);
      return result;
    } finally {
      await Promise.all(pages.map((page) => page.close().catch(() => {})));
      // Nobody reads it again, and all of them together would be gigabytes.
      await launched.clearStorage(origin);
    }
  }

  return async function measure(workload, engine, round) {
    const options = { ...workload.options?.[engine.name], small };
    if (workload.tab) options.tab = true;
    if (engine.single?.includes(launched.name)) options.single = true;
    if (engine.limit && workload.native) return native(program, workload.native, options, longest);
    const pages = [];
    const stop = () => Promise.all(pages.map((page) => page.close().catch(() => {})));
    return within({ ms: longest }, () => inPages(workload, engine, round, options, pages), stop);
  };
}
