// Several tabs that bring one new file to the newest version at once, one of which may go in the middle of it.
import assert from "node:assert/strict";
import { inTabs } from "./lib/tabs.mjs";

/** Begins to migrate; `stops` is the step in which it stops for ever. */
const begin = (stops) => ({ page }, path, who) =>
  page.evaluate(
    (path, who, stops) => {
      const { createEngine, migrate, text } = aludel;
      const engine = createEngine(`sqlite:///${path}`);
      const step = (n) => async (conn) => {
        if (n === 1) await conn.execute(text("CREATE TABLE steps (step INTEGER, who TEXT)"));
        await conn.execute(text("INSERT INTO steps VALUES (:n, :who)"), { n, who });
        if (n === stops) {
          globalThis.stopped = true;
          await new Promise(() => undefined);
        }
      };
      globalThis.migrated = (async () => {
        // A step that was under way when its host went is not run again unasked.
        for (;;) {
          try {
            const { to } = await migrate(engine, [1, 2, 3, 4].map(step));
            const rows = await engine.execute(text("SELECT step, who FROM steps ORDER BY rowid"));
            return [to, rows.all().map(({ step, who }) => [step, who])];
          } catch (error) {
            if (!error.retryable) throw error;
          }
        }
      })();
    },
    path,
    who,
    stops,
  );
const start = begin(0);
const ended = ({ page }) => page.evaluate(() => globalThis.migrated);

inTabs("tabs that migrate", async ({ tab, check }) => {
  await check("a new file, by four tabs at once: each step is run by one of them", async () => {
    const tabs = await Promise.all([0, 1, 2, 3].map(() => tab()));
    await Promise.all(tabs.map((each, i) => start(each, "fresh.db", `${i}`)));
    const [first, ...rest] = await Promise.all(tabs.map(ended));
    assert.equal(first[0], 4);
    assert.deepEqual(first[1].map(([step]) => step), [1, 2, 3, 4]);
    for (const other of rest) assert.deepEqual(other, first);
  });

  for (const [claim, host] of [["the host", 0], ["a guest", 1]]) {
    await check(`${claim} goes in the middle of a step: the others go on from the step before`, async () => {
      const tabs = [await tab(), await tab(), await tab()];
      const path = `half-${host}.db`;
      const [goes] = tabs.splice(host, 1);
      // The first to open the file hosts it.
      if (host === 1) await tabs[0].call("open", path);
      await begin(2)(goes, path, "goes");
      await goes.page.waitForFunction("globalThis.stopped", { timeout: 60_000, polling: 50 });
      for (const each of tabs) await start(each, path, "stays");
      await goes.close();
      for (const [to, rows] of await Promise.all(tabs.map(ended))) {
        assert.deepEqual([to, rows], [4, [[1, "goes"], [2, "stays"], [3, "stays"], [4, "stays"]]]);
      }
    });
  }
});
