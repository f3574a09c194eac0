// Names of databases that are odd, that clash, or that are taken away.
import assert from "node:assert/strict";
import { inTabs, loaded } from "./lib/tabs.mjs";

inTabs("names of databases", async ({ name, tab, check }) => {
  const long = "ü".repeat(120);
  const names = ["a/b/c d.db", "per%25cent%20%2541.db", "größe-数据-🙂.db", "what%3F%23.db", "-", "aludel", "my-journal", `deep/${long}`, "x'\"`;--.db"];
  await check("odd names are names, for several tabs as well, and for imports", async () => {
    const [a, b] = [await tab(), await tab()];
    for (const [at, path] of names.entries()) {
      await a.call("open", path);
      await b.call("open", path);
      for (let i = 0; i <= at; i++) await b.call("insert", "b", i);
      assert.deepEqual([await a.call("count"), await b.call("count")], [at + 1, at + 1], path);
      await b.page.evaluate(async () => tab.engine.importBytes(await tab.engine.exportBytes()));
      assert.equal(await a.call("count"), at + 1, path);
      for (const each of [a, b]) await each.call("dispose");
    }
    // None of them was another one.
    for (const [at, path] of names.entries()) {
      await a.until(at + 1, "countIn", path);
    }
    const paths = await a.page.evaluate(async () => (await aludel.listDatabases()).map(({ path }) => path));
    assert.deepEqual(paths.sort(), names.map((path) => decodeURIComponent(path)).sort());
  });

  await check("a database is not another one's log, journal or marks", async () => {
    const [a, b] = [await tab(), await tab()];
    await a.call("open", "base.db");
    await a.call("insert", "a");
    for (const open of [true, false]) {
      for (const suffix of ["-wal", "-journal", "-mark"]) {
        const { error } = await b.call("attempt", "open", `base.db${suffix}`);
        assert.deepEqual([error.name, error.reason], ["StorageError", "cannot-open"], suffix);
        assert.match(error.message, /^unable to open database file base\.db-\w+: the database base\.db keeps its own data in a file of that name/);
      }
      if (open) await a.call("dispose");
    }
    await a.until(1, "countIn", "base.db");
    // The other way round, it came first.
    await b.call("open", "first.db-wal");
    await b.call("insert", "b");
    await b.call("dispose");
    const { error } = await a.call("attempt", "open", "first.db");
    assert.deepEqual([error.name, error.reason], ["StorageError", "cannot-open"]);
    assert.match(error.message, /first\.db: it would keep data of its own in first\.db-wal, which is a database, too/);
    await b.until(1, "countIn", "first.db-wal");
  });

  // Only Chromium lets a test clear the data of a site.
  if (name !== "chromium") return;
  await check("the data of the site is cleared while tabs are open: they are told, and new ones begin anew", async () => {
    const [a, b] = [await tab(), await tab()];
    for (const each of [a, b]) await each.call("open", "cleared.db");
    await Promise.all([a.call("insert", "a"), b.call("insert", "b")]);
    const session = await a.page.createCDPSession();
    await session.send("Storage.clearDataForOrigin", { origin: new URL(a.page.url()).origin, storageTypes: "all" });
    for (const each of [a, b]) {
      // Fails by its limit where writing goes on as if nothing had happened.
      await each.page.waitForFunction(
        async () => {
          const { error } = await tab.attempt("scalar", "INSERT INTO t (who) VALUES ('lost') RETURNING 1");
          return error?.name === "WorkerGone" && /data of the site was cleared.*reload/.test(error.message);
        },
        { timeout: 60_000, polling: 200 },
      );
    }
    const [c, d] = [await tab(), await tab()];
    for (const each of [c, d]) await each.call("open", "cleared.db");
    await Promise.all([c.call("insert", "c"), d.call("insert", "d")]);
    assert.deepEqual([await c.call("count"), await d.call("count")], [2, 2]);
    // Reloaded, the others take part again.
    await a.page.reload();
    await loaded(a.page);
    await a.call("open", "cleared.db");
    assert.equal(await a.call("count"), 2);
  });
});
