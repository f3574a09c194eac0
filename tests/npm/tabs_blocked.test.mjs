// A tab waits for the write lock while another, which has it, does nothing: who is told of it, and what.
import assert from "node:assert/strict";
import { inTabs } from "./lib/tabs.mjs";

/** The line of tests/npm/app/tab.js that took a connection. */
const taken = (by) => new RegExp(`\\b${by}\\b.*/tab\\.js:\\d+:\\d+\\)?$`);

inTabs("tabs that hold others up", async ({ tab, check }) => {
  /** The event of one who waits, and that of the one who holds it up. */
  const told = async (holder, waiter) => {
    for (const each of [holder, waiter]) await each.until(1, "blocks");
    const [[held], [waits]] = [await holder.call("blocked"), await waiter.call("blocked")];
    for (const [event, whose] of [[waits, { waiter: "this", holder: "other" }], [held, { waiter: "other", holder: "this" }]]) {
      assert.deepEqual([event.what, event.logBytes, event.holders.length], ["writeLock", 0, 1]);
      assert.ok(event.waited >= 1000, `waited ${event.waited}`);
      assert.equal(event.waiter.tab, whose.waiter);
      const [{ site, tab, age }] = event.holders;
      assert.equal(tab, whose.holder);
      assert.match(site, taken("hold"));
      assert.ok(age >= event.waited, `${age} and ${event.waited}`);
    }
    assert.match(waits.waiter.site, taken("block"));
    assert.equal(held.waiter.site, null, "a tab knows its own lines only");
  };
  const roles = { "a guest waits for the host": [0, 1], "the host waits for a guest": [1, 0], "a guest waits for another": [1, 2] };

  for (const [claim, [holds, waits]] of Object.entries(roles)) {
    await check(`${claim}: both are told who holds it up, and it goes on when that one does`, async () => {
      const tabs = [await tab(), await tab(), await tab()];
      for (const each of tabs) await each.call("open", `told-${holds}-${waits}.db`);
      const [holder, waiter] = [tabs[holds], tabs[waits]];
      await holder.call("hold");
      await waiter.call("begin", "waits", "block", "waited");
      await told(holder, waiter);
      await holder.call("letGo");
      assert.deepEqual(await waiter.call("ended", "waits"), { value: true });
      assert.equal(await holder.call("count", "waited"), 1);
      for (const each of tabs) {
        assert.equal(await each.call("blocks"), each === holder || each === waiter ? 1 : 0, "it is said once, to those whom it is about");
      }
    });

    await check(`${claim}: the error of its timeout names that one, too`, async () => {
      const tabs = [await tab(), await tab(), await tab()];
      for (const each of tabs) await each.call("open", `named-${holds}-${waits}.db`, { lockTimeout: 1.5 });
      const [holder, waiter] = [tabs[holds], tabs[waits]];
      await holder.call("hold");
      const { error } = await waiter.call("attempt", "block", "waited");
      assert.deepEqual([error.name, error.retryable], ["OperationalError", true]);
      const [line] = error.message.split("\n");
      const [, held, idle, site] =
        /database is locked: connection \d+ of another tab has held the write lock for (\d+) ms, doing nothing for the last (\d+); it was taken at (.*)$/.exec(line) ?? [];
      assert.match(site ?? line, /\bhold\b.*\/tab\.js:\d+:\d+\)?$/);
      assert.ok(+held >= 1500 && +idle >= 1500 && +idle <= +held, line);
      await told(holder, waiter);
      await holder.call("letGo");
      assert.deepEqual([await waiter.call("count", "held"), await holder.call("count", "waited")], [1, 0]);
      await waiter.call("block", "waited");
    });
  }
});
