// Live queries across tabs: what one commits, the others show, also when their host goes away.
import assert from "node:assert/strict";
import { inTabs } from "./lib/tabs.mjs";

/** Watches the rows of `t` in a tab; `shown` tells what it shows. */
const watch = (tab) => tab.page.evaluate(async () => {
  const live = tab.engine.watch(aludel.text("SELECT at, who FROM t ORDER BY at, who"), undefined, { key: "at" });
  globalThis.steps = [];
  globalThis.live = live;
  const first = await live.next();
  steps.push(first.value.rows.map(({ who }) => who).join());
  void (async () => {
    for await (const { rows } of live) steps.push(rows.map(({ who }) => who).join());
    steps.push("over");
  })();
});

/** Waits until a tab shows this last. A tab in the background draws nothing, so that it is asked now and then. */
const shows = (tab, last) => tab.page.waitForFunction((last) => steps.at(-1) === last, { timeout: 30_000, polling: 50 }, last);

inTabs("live queries", async ({ tab, check }) => {
  await check("a tab shows what another commits", async () => {
    const [a, b] = [await tab(), await tab()];
    for (const each of [a, b]) await each.call("open", "watched.db");
    for (const each of [a, b]) await watch(each);
    await a.call("insert", "one", 1);
    await Promise.all([shows(a, "one"), shows(b, "one")]);
    // What nobody watches, and what changes nothing, is not shown.
    await a.call("writeAll", ["CREATE TABLE other (x)"]);
    await a.call("writeAll", ["INSERT INTO other VALUES (1)"]);
    await a.call("writeAll", ["UPDATE t SET who = 'one'"]);
    await b.call("insert", "two", 2);
    for (const each of [a, b]) {
      await shows(each, "one,two");
      assert.deepEqual(await each.page.evaluate(() => steps), ["", "one", "one,two"]);
    }
    await b.page.evaluate(() => live.return());
    await shows(b, "over");
    await a.call("insert", "three", 3);
    await shows(a, "one,two,three");
    await a.call("dispose");
    await shows(a, "over");
  });

  await check("a live query goes on when the host of its database has gone", async () => {
    const [a, b, c] = [await tab(), await tab(), await tab()];
    for (const each of [a, b, c]) await each.call("open", "handed-over.db");
    await a.call("insert", "one", 1);
    for (const each of [b, c]) await watch(each);
    await a.close();
    await b.call("insert", "two", 2);
    for (const each of [b, c]) await shows(each, "one,two");
    await c.call("insert", "three", 3);
    for (const each of [b, c]) await shows(each, "one,two,three");
  });
});
