// Runs the checks of a page and reports each of them as a test.
import assert from "node:assert/strict";
import test from "node:test";
import { browsers, launch, open } from "./browser.mjs";

/**
 * Opens the app in each browser and runs the named groups of checks that its page offers.
 * @param {string} what the app is.
 * @param {() => Promise<{ origin: string, close: () => unknown }>} start builds and serves it.
 */
export function sessions(what, start, { groups = ["programs", "session", "lite"], path = "/index.html" } = {}) {
  test(what, async (t) => {
    const app = await start();
    try {
      for (const name of browsers) {
        await t.test(`${what} in ${name}`, async (t) => {
          const { browser, close } = await launch(name);
          try {
            const { page, complaints } = await open(browser, app.origin + path);
            await page.waitForFunction("globalThis.checks !== undefined", { timeout: 60_000 }).catch((error) => {
              throw new Error(`the page did not load: ${complaints.join("\n")}`, { cause: error });
            });
            for (const group of groups) {
              const names = await page.evaluate((group) => globalThis.names(group), group);
              assert.ok(names.length > 0, `no checks in ${group}`);
              for (const name of names) {
                await t.test(`${group}: ${name}`, async () => {
                  const [{ error }] = await page.evaluate((group, name) => globalThis.checks(group, name), group, name);
                  assert.equal(error, null);
                });
              }
            }
            // A file that a bundler forgot may be asked for where nobody waits for it.
            const missing = (app.missing ?? []).filter((path) => !path.includes("no-such"));
            await t.test("every file that was asked for is there", () => assert.deepEqual(missing, []));
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
