// Several tabs work on one database at once: nothing is lost, all see one order, and all get their turn.
import assert from "node:assert/strict";
import test from "node:test";
import { makeApp } from "./lib/apps.mjs";
import { launch, open, tabBrowsers } from "./lib/browser.mjs";
import { serve } from "./lib/serve.mjs";

const COUNTER = ["CREATE TABLE IF NOT EXISTS counter (n INTEGER)", "INSERT INTO counter SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM counter)"];
const LOG = ["CREATE TABLE IF NOT EXISTS log (version INTEGER PRIMARY KEY, tab INTEGER, weight INTEGER)"];
const POINTS = [
  "CREATE TABLE IF NOT EXISTS point (id INTEGER PRIMARY KEY, name TEXT)",
  "INSERT OR IGNORE INTO point WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, 'point ' || i FROM n",
];

/** Tabs on one database; the first is the host. Their function gets them as callers of `globalThis.contender`. */
async function withTabs(browser, origin, count, packages, work) {
  const pages = [];
  try {
    for (let i = 0; i < count; i++) {
      const address = packages[i % packages.length];
      const { page, complaints } = await open(browser, `${origin}/src/contention.html?package=${address}`);
      pages.push(page);
      await page.waitForFunction("globalThis.contender !== undefined", { timeout: 60_000 }).catch((error) => {
        throw new Error(`the page did not load: ${complaints.join("\n")}`, { cause: error });
      });
    }
    return await work(pages.map((page) => (name, ...args) => page.evaluate((name, ...args) => globalThis.contender[name](...args), name, ...args)));
  } finally {
    for (const page of pages) await page.close();
  }
}

const quantile = (list, part) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))];

/** What all tabs saw fits one order of commits: that of the log. */
function assertOneOrder(tabs, log) {
  assert.deepEqual(log.map(([version]) => version), log.map((_, i) => i + 1), "the versions follow one another");
  const sums = [0];
  for (const [version, , weight] of log) sums.push(sums.at(-1) + version * weight);
  const all = tabs.flatMap(({ observations }, tab) => observations.map((observation) => ({ ...observation, tab })));
  for (const { version, sum, tab } of all) assert.equal(sum, sums[version], `tab ${tab} saw another past at version ${version}`);
  // What one has seen is there for everyone who looks later: the clocks of tabs differ by less than their resolution and a bit.
  const ends = [...all].sort((a, b) => a.to - b.to);
  const begins = [...all].sort((a, b) => a.from - b.from);
  let newest = 0;
  let at = 0;
  for (const { from, version, tab } of begins) {
    for (; at < ends.length && ends[at].to + 5 < from; at++) newest = Math.max(newest, ends[at].version);
    assert.ok(version >= newest, `tab ${tab} saw version ${version} after version ${newest} had been seen`);
  }
}

test("several tabs at once", async (t) => {
  const app = await makeApp();
  const server = await serve({ "/deployed/again/": `${app.directory}/node_modules/aludel`, "/": app.directory });
  const same = ["/node_modules/aludel/"];
  const two = ["/node_modules/aludel/", "/deployed/again/"];
  try {
    for (const name of tabBrowsers) {
      await t.test(name, async (t) => {
        const { browser, close } = await launch(name);
        const tabs = (count, packages, work) => withTabs(browser, server.origin, count, packages, work);
        try {
          for (const [count, packages, mode] of [[2, same, "immediate"], [3, same, "immediate"], [5, same, "immediate"], [3, same, "deferred"], [3, two, "immediate"]]) {
            const from = packages === two ? " from two deployments" : "";
            await t.test(`no update of ${count} tabs${from} is lost (${mode})`, async (t) => {
              await tabs(count, packages, async (tabs) => {
                const url = `sqlite:///contention/counter-${count}-${mode}-${packages.length}.db`;
                for (const tab of tabs) await tab("open", url, COUNTER);
                const seen = await Promise.all(tabs.map((tab) => tab("increment", { times: 20, lanes: 3, mode })));
                assert.deepEqual(seen.flatMap(({ errors }) => errors), []);
                const succeeded = seen.reduce((sum, { succeeded }) => sum + succeeded, 0);
                const stale = seen.reduce((sum, { stale }) => sum + stale, 0);
                t.diagnostic(`${name}: ${succeeded} updates succeeded, ${stale} were told that their snapshot is stale`);
                if (mode === "immediate") assert.equal(succeeded, count * 60);
                for (const tab of tabs) assert.equal(await tab("scalar", "SELECT n FROM counter"), succeeded);
              });
            });
          }

          for (const [count, packages] of [[2, same], [5, same], [2, two]]) {
            const from = packages === two ? " from two deployments" : "";
            await t.test(`${count} tabs${from} that read and write see one order of commits`, async () => {
              await tabs(count, packages, async (tabs) => {
                const url = `sqlite:///contention/log-${count}-${packages.length}.db`;
                for (const tab of tabs) await tab("open", url, LOG);
                const seen = await Promise.all(tabs.map((tab, i) => tab("mix", { tab: i, commits: 25, reads: 60, lanes: 2 })));
                assert.deepEqual(seen.flatMap(({ errors }) => errors), []);
                const log = await tabs[0]("rows", "SELECT version, tab, weight FROM log ORDER BY version");
                assert.equal(log.length, count * 25);
                seen.forEach(({ committed }, i) => {
                  assert.deepEqual(committed, log.filter(([, tab]) => tab === i).map(([version]) => version), "each tab's commits are in the order in which it made them");
                });
                assertOneOrder(seen, log);
              });
            });
          }

          await t.test("point reads from a tab that is not the host beside one that is", async (t) => {
            await tabs(2, same, async ([first, second]) => {
              const url = "sqlite:///contention/point.db";
              const host = await first("open", url, POINTS);
              assert.equal(await second("open", url, POINTS), false, "the second tab has no worker");
              for (const tab of [first, second]) await tab("pointReads", 100);
              const seen = { [host ? "host" : "first tab"]: { tab: first, single: [], tens: [] }, guest: { tab: second, single: [], tens: [] } };
              for (let round = 0; round < 3; round++) {
                for (const { tab, single, tens } of Object.values(seen)) {
                  const more = await tab("pointReads", 300);
                  single.push(...more.single);
                  tens.push(...more.tens);
                }
              }
              for (const [key, { single, tens }] of Object.entries(seen)) {
                const [p50, p99] = [quantile(tens, 0.5), quantile(single, 0.99)];
                t.diagnostic(`${name}: a point read from the ${key}: p50 ${(p50 * 1000).toFixed(0)} us, p99 ${(p99 * 1000).toFixed(0)} us`);
              }
            });
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
