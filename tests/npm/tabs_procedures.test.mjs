// Work inside the worker, whichever tab hosts that.
import assert from "node:assert/strict";
import { inTabs } from "./lib/tabs.mjs";

inTabs("procedures of tabs", async ({ tab, check }) => {
  await check("procedures run in the worker of the host, and in that of the next", async () => {
    const [a, b] = [await tab(), await tab()];
    await a.call("open", "procedures.db");
    await b.call("open", "procedures.db");
    const insertTen = ({ page }, who) =>
      page.evaluate((who) => tab.engine.runInThread(new URL("/src/tab_jobs.js", location.href), "insertMany", who, 10), who);
    assert.deepEqual([await insertTen(a, "a"), await insertTen(b, "b"), await insertTen(b, "b")], [1, 2, 3]);
    assert.deepEqual([await a.call("count", "b"), await b.call("count", "a")], [20, 10]);
    const refused = await b.page.evaluate(async () => {
      const attempt = (url) => tab.engine.runInThread(url, "insertMany").catch((error) => error);
      const errors = [await attempt("https://elsewhere.example/jobs.js"), await attempt("/src/no-such.js")];
      return errors.map((error) => [error instanceof aludel.ProcedureError, error.message]);
    });
    assert.deepEqual(refused.map(([known]) => known), [true, true]);
    assert.match(refused[0][1], /^the module https:\/\/elsewhere\.example\/jobs\.js is of another origin than the page/);
    assert.match(refused[1][1], /no-such\.js could not be imported: /);
    await a.close();
    assert.equal(await insertTen(b, "b"), 1);
    assert.equal(await b.call("count"), 40);
  });

  await check("functions and aggregates are there in each tab, and with the next host", async () => {
    const [a, b] = [await tab(), await tab()];
    for (const { page } of [a, b]) {
      await page.evaluate(() => {
        const { createEngine } = aludel;
        const engine = createEngine("sqlite:///functions.db");
        engine.listen("connect", ({ connection }) => connection.runSync(new URL("/src/tab_jobs.js", location.href), "setUp"));
        globalThis.own = engine;
      });
    }
    const sql = "SELECT twice(21) || ': ' || group_concat(m, ' ') FROM (SELECT moving(value) OVER (ORDER BY value ROWS 1 PRECEDING) AS m FROM json_each('[1,2,3]'))";
    const ask = ({ page }) => page.evaluate((sql) => own.connect((conn) => conn.scalar(aludel.text(sql))), sql);
    const whole = ({ page }) => page.evaluate(() => own.connect((conn) => conn.scalar(aludel.text("SELECT moving(value) FROM json_each('[1,2,3]')"))));
    assert.deepEqual([await ask(a), await ask(b), await whole(b)], ["42: 1 1,2 2,3", "42: 1 1,2 2,3", "1,2,3"]);
    await a.close();
    assert.deepEqual([await ask(b), await whole(b)], ["42: 1 1,2 2,3", "1,2,3"]);
  });

  await check("a1_01 the worker may run on the page's own thread, in memory", async () => {
    const { page } = await tab();
    const seen = await page.evaluate(async () => {
      const { Worker } = globalThis;
      // Nobody is to make one.
      delete globalThis.Worker;
      try {
        const engine = aludel.createEngine("sqlite://", { strategy: "inline" });
        await engine.execute(aludel.text("CREATE TABLE t (at INTEGER, who TEXT)"));
        const calls = await engine.runInThread(new URL("/src/tab_jobs.js", location.href), "insertMany", "page", 1000);
        const rows = (await engine.execute(aludel.text("SELECT sum(at), who FROM t GROUP BY who"))).all().map((row) => [...row]);
        const file = await Promise.resolve().then(() => aludel.createEngine("sqlite:///page.db", { strategy: "inline" })).catch(({ name }) => name);
        await engine.dispose();
        return [calls, rows, file];
      } finally {
        globalThis.Worker = Worker;
      }
    });
    assert.deepEqual(seen, [1, [[499500, "page"]], "NotSupportedError"]);
  });
});
