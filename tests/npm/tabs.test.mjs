// One database in several tabs of a browser, and how it goes on when one of them goes.
import assert from "node:assert/strict";
import { apart, inTabs, tell } from "./lib/tabs.mjs";

inTabs("tabs", async ({ browser, tab, check }) => {
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

  await check("the host's page crashes and the other goes on", async (t) => {
    const [a, b] = await apart(browser, tab, tab);
    await a.call("open", "crashed.db");
    await b.call("open", "crashed.db");
    await a.call("insert", "a");
    await b.call("insert", "b");
    await a.crash();
    tell(t, "take-over after a crash", await b.call("insert", "b"));
    assert.equal(await b.call("count"), 3);
  });

  await check("a guest's page crashes: what it held is free", async () => {
    const [a, b] = await apart(browser, tab, tab);
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

  await check("what a tab commits is told to every tab, also by the next host", async () => {
    const tabs = [await tab(), await tab(), await tab()];
    for (const each of tabs) await each.call("open", "changes.db");
    const write = ["INSERT INTO t (who) VALUES ('x')", "INSERT INTO u SELECT count(*) FROM t"];
    await tabs[0].call("writeAll", ["CREATE TABLE u (x)"]);
    for (const each of tabs) await each.call("writeAll", write);
    for (const [at, each] of tabs.entries()) {
      await each.until(3, "changed", "u", "t");
      const seen = (await each.call("seen")).filter(({ kind, schema }) => kind === "change" && !schema);
      const own = tabs.map((_, writer) => writer === at);
      assert.deepEqual(seen.map(({ tables }) => [...tables].sort()), [["t", "u"], ["t", "u"], ["t", "u"]]);
      assert.deepEqual(seen.map(({ tab }) => tab), own.map((own) => (own ? "this" : "other")));
      assert.deepEqual(seen.map((event) => event.own), own);
      assert.deepEqual(seen.map(({ missed }) => missed), [false, false, false]);
    }
    const [first, ...rest] = tabs;
    await first.close();
    for (const each of rest) await each.call("writeAll", write);
    for (const each of rest) await each.until(5, "changed", "u", "t");
  });

  const many = `INSERT INTO t (who) WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 50000000) SELECT 'many' FROM c`;
  const ends = { "its page goes elsewhere": ({ page }) => page.goto("about:blank"), "it is ended": ({ call }) => call("terminate") };
  for (const [at, [claim, end]] of Object.entries(ends).entries()) {
    await check(`a worker is busy writing when ${claim}, and the next host has all that was acknowledged`, async (t) => {
      const [a, b] = [await tab(), await tab()];
      const file = `writing-${at}.db`;
      await a.call("open", file, { ownWorkers: true });
      await b.call("open", file);
      for (let i = 0; i < 10; i++) for (const [each, who] of [[a, "a"], [b, "b"]]) await each.call("insert", who, i);
      await a.call("begin", "many", "scalar", many);
      // Its cache is full and it writes: the log grows by what is not committed.
      await a.until(true, "isLarger", `${file}-wal`, 1 << 23);
      await end(a);
      tell(t, "take-over from a worker that wrote", await b.call("insert", "b"));
      assert.deepEqual([await b.call("count", "a"), await b.call("count", "b"), await b.call("count", "many")], [10, 11, 0]);
      assert.equal(await b.call("scalar", "PRAGMA integrity_check"), "ok");
    });
  }
});
