// One database in several tabs of a browser, and how it goes on when one of them goes.
import assert from "node:assert/strict";
import { inTabs, tell } from "./lib/tabs.mjs";

inTabs("tabs", async ({ name, tab, check }) => {
  await check("two tabs read and write one database", async (t) => {
    const [a, b] = [await tab(), await tab()];
    const times = [await a.call("open", "two.db"), await b.call("open", "two.db")];
    t.diagnostic(`first open ${times[0].toFixed(0)} ms, in a second tab ${times[1].toFixed(0)} ms`);
    for (let i = 0; i < 10; i++) await Promise.all([a.call("insert", "a", i), b.call("insert", "b", i)]);
    assert.deepEqual([await a.call("count"), await b.call("count")], [20, 20]);
    assert.deepEqual([await a.call("count", "b"), await b.call("count", "a")], [10, 10]);
  });

  await check("five tabs at once", async () => {
    const tabs = await Promise.all([0, 1, 2, 3, 4].map(() => tab()));
    await Promise.all(tabs.map((tab) => tab.call("open", "five.db")));
    await Promise.all(tabs.map((tab, i) => tab.call("insert", `${i}`)));
    for (const tab of tabs) assert.equal(await tab.call("count"), 5);
  });

  await check("the host closes and the other goes on", async (t) => {
    const [a, b] = [await tab(), await tab()];
    await a.call("open", "closes.db");
    await b.call("open", "closes.db");
    await a.call("insert", "a");
    await b.call("insert", "b");
    await a.close();
    tell(t, "take-over after a close", await b.call("insert", "b"));
    assert.equal(await b.call("count"), 3);
  });

  await check("the host goes elsewhere and the other goes on", async (t) => {
    const [a, b] = [await tab(), await tab()];
    await a.call("open", "leaves.db");
    await b.call("open", "leaves.db");
    await a.call("insert", "a");
    await a.page.goto("about:blank");
    tell(t, "take-over after a navigation", await b.call("insert", "b"));
    assert.equal(await b.call("count"), 2);
  });

  await check("the host's worker is ended from outside, and both go on", async (t) => {
    const [a, b] = [await tab(), await tab()];
    await a.call("open", "terminated.db", { ownWorkers: true });
    await b.call("open", "terminated.db");
    await a.call("insert", "a");
    await b.call("insert", "b");
    await a.call("terminate");
    const times = await Promise.all([a.call("insert", "a"), b.call("insert", "b")]);
    tell(t, "its page has a new worker", times[0]);
    tell(t, "the other reaches it", times[1]);
    assert.deepEqual([await a.call("count"), await b.call("count")], [4, 4]);
  });

  await check("a guest closes and the host goes on", async () => {
    const [a, b] = [await tab(), await tab()];
    await a.call("open", "guest.db");
    await b.call("open", "guest.db");
    // Its write lock goes with it.
    await b.page.evaluate(async () => {
      const conn = await tab.engine.connect();
      await conn.execute(aludel.text("INSERT INTO t (who) VALUES ('b')"));
    });
    await b.close();
    await a.call("insert", "a");
    assert.equal(await a.call("count"), 1);
  });

  await check("an engine that is disposed of leaves the others their database", async () => {
    const [a, b, c] = [await tab(), await tab(), await tab()];
    for (const each of [a, b, c]) await each.call("open", "disposed.db");
    await b.call("insert", "b");
    // The host's page stays, and with it the worker that has a transaction of the other's open.
    const conn = await b.page.evaluateHandle(async () => {
      const conn = await tab.engine.connect();
      await conn.execute(aludel.text("INSERT INTO t (who) VALUES ('open')"));
      return conn;
    });
    await a.call("dispose");
    await b.page.evaluate((conn) => conn.commit(), conn);
    await b.page.evaluate((conn) => conn.close(), conn);
    assert.equal(await c.call("count"), 2);
    await c.call("dispose");
    assert.equal(await b.call("count"), 2);
    // And comes back.
    await a.call("insert", "a");
    assert.equal(await b.call("count"), 3);
    await b.call("dispose");
    assert.equal(await a.call("count"), 3);
  });

  await check("the last tab that disposes of its engine lets the file go", async () => {
    const a = await tab();
    await a.call("open", "let-go.db");
    await a.call("dispose");
    // Fails by its limit: a worker that ends gives its locks up a moment later.
    await a.until([], "locks");
  });

  if (name === "chromium") {
    await check("the host's page crashes and the other goes on", async (t) => {
      const [a, b] = [await tab(), await tab()];
      await a.call("open", "crashed.db");
      await b.call("open", "crashed.db");
      await a.call("insert", "a");
      await b.call("insert", "b");
      await a.crash();
      tell(t, "take-over after a crash", await b.call("insert", "b"));
      assert.equal(await b.call("count"), 3);
    });

    await check("a guest's page crashes: what it held is free", async () => {
      const [a, b] = [await tab(), await tab()];
      await a.call("open", "crashed-guest.db");
      await b.call("open", "crashed-guest.db");
      await b.page.evaluate(async () => {
        const conn = await tab.engine.connect();
        await conn.execute(aludel.text("INSERT INTO t (who) VALUES ('b')"));
      });
      await b.crash();
      await a.call("insert", "a");
      assert.equal(await a.call("count"), 1);
    });
  }
});
