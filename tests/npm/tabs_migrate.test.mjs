// Several tabs that bring one file to the newest version: at once, one of which may go in the middle of it, and with older and newer code.
import assert from "node:assert/strict";
import { inTabs } from "./lib/tabs.mjs";
import { all, events, happened, until, version } from "./lib/versions.mjs";

/** Begins to migrate; `stops` is the step in which it stops for ever. */
const begin = (stops) => ({ page }, path, who) =>
  page.evaluate(
    (path, who, stops) => {
      const { createEngine, migrate, text } = aludel;
      const engine = createEngine(`sqlite:///${path}`, { lockTimeout: 0 });
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

  await check("an old tab is asked, lets go, and is refused from then on; what it had begun is done", async () => {
    const [old, young] = [await tab(), await tab()];
    assert.deepEqual(await version(old, "asked.db", 2), { to: 2, applied: ["1", "2"] });
    await old.page.evaluate(async () => {
      globalThis.conn = await engine.connect();
      globalThis.idle = await engine.connect();
      await conn.begin({ mode: "immediate" });
      await conn.execute(aludel.text("INSERT INTO t VALUES ('begun')"));
    });
    const migrated = version(young, "asked.db", 3);
    await happened(old, "versionChange", 1);
    const calls = await old.page.evaluate(async () => {
      const { text } = aludel;
      const outcome = (call) => call.then(() => "done", (error) => [error.name, error.code, error.retryable, ...error.unknown]);
      const within = await outcome(conn.execute(text("INSERT INTO t VALUES ('within')")));
      const calls = [
        engine.execute(text("SELECT 1")), engine.connect(), engine.begin(() => 1), engine.tableNames(), engine.exportBytes(),
        idle.execute(text("SELECT 1")), idle.execDriverSql("SELECT 1"), idle.begin(), idle.beginNested(),
      ];
      const outcomes = await Promise.all(calls.map(outcome));
      return [within, await outcome(conn.commit()), ...outcomes];
    });
    const refused = ["NewerDatabaseError", "nwdb", false, "3"];
    assert.deepEqual(calls, ["done", "done", ...Array.from({ length: 9 }, () => refused)]);
    assert.deepEqual(await migrated, { to: 3, applied: ["3"] });
    assert.deepEqual(await all(young), [2, "begun", "within", 3]);
    assert.deepEqual(await events(old), [["versionChange", ["3"]]]);
    await until(old, "the database has had steps that this program does not know: \"3\"");
    assert.deepEqual(await version(old, "asked.db", 2, "same"), { error: "NewerDatabaseError", code: "nwdb", retryable: false });
    assert.deepEqual(await version(old, "asked.db", 3, "same"), { to: 3, applied: [] });
    assert.deepEqual(await all(old), [2, "begun", "within", 3], "with the new steps the same engine goes on");
  });

  await check("a tab with old code that comes later is refused, unless it takes any", async () => {
    const [young, late, any] = [await tab(), await tab(), await tab()];
    assert.deepEqual(await version(young, "late.db", 3), { to: 3, applied: ["1", "2", "3"] });
    assert.deepEqual(await version(late, "late.db", 2), { error: "NewerDatabaseError", code: "nwdb", retryable: false });
    assert.deepEqual(await version(any, "late.db", 1, "allowNewer"), { to: 3, applied: [], unknown: ["2", "3"] });
    assert.deepEqual(await all(any), [2, 3]);
    // Nobody waits for it.
    await young.page.evaluate(() => engine.dispose());
    assert.deepEqual(await version(late, "late.db", 4), { to: 4, applied: ["4"] });
    assert.deepEqual([await events(any), await events(late), await all(any)], [[], [], [2, 3, 4]]);
  });

  await check("what an old tab still has to do is waited for, and the new one is told of it", async () => {
    const [old, young] = [await tab(), await tab()];
    await version(old, "saves.db", 1, "saves");
    const migrated = version(young, "saves.db", 2);
    await happened(old, "versionChange", 1);
    await happened(young, "blocked", 1);
    assert.deepEqual((await events(young)).map(([what, waited]) => [what, waited >= 1_000]), [["blocked", true]]);
    await old.page.evaluate(async () => {
      await engine.begin((conn) => conn.execute(aludel.text("INSERT INTO t VALUES ('saved')")));
      globalThis.saved();
    });
    assert.deepEqual(await migrated, { to: 2, applied: ["2"] });
    assert.deepEqual(await all(young), ["saved", 2]);
  });

  await check("an old tab that reloads comes back with the database migrated", async () => {
    const [old, young] = [await tab(), await tab()];
    await version(old, "reloads.db", 1, "reloads");
    const again = old.page.waitForNavigation();
    assert.deepEqual(await version(young, "reloads.db", 2), { to: 2, applied: ["2"] });
    await again;
    await old.page.waitForFunction("globalThis.tab !== undefined", { timeout: 60_000, polling: 50 });
    assert.deepEqual(await version(old, "reloads.db", 2), { to: 2, applied: [] });
  });

  await check("when the new code fails, or its tab goes, the old goes on", async () => {
    const [old, fails, goes] = [await tab(), await tab(), await tab()];
    await version(old, "fails.db", 2);
    assert.deepEqual(await version(fails, "fails.db", 3, "fails"), { error: "MigrationError", code: "mgrt", retryable: false });
    await until(old, "done");
    const started = version(goes, "fails.db", 3, "stops").catch(() => undefined);
    await happened(goes, "stopped", 1);
    await until(old, "another tab runs newer code");
    await goes.close();
    await started;
    await until(old, "done");
    assert.deepEqual(await all(old), [2]);
    assert.deepEqual(await events(old), [["versionChange", ["3"]], ["versionChange", ["3"]]]);
  });

  await check("tabs of one code: who has put an older file in its place migrates it, and the others wait", async () => {
    const [one, other] = [await tab(), await tab()];
    await version(one, "older.db", 1);
    const older = await one.page.evaluate(async () => [...(await engine.exportBytes())]);
    await version(one, "older.db", 3, "same");
    await version(other, "older.db", 3);
    assert.deepEqual(await all(one), [2, 3]);
    await other.page.evaluate((older) => engine.importBytes(new Uint8Array(older)), older);
    assert.deepEqual(await version(other, "older.db", 3, "same"), { to: 3, applied: ["2", "3"] });
    assert.deepEqual([await all(one), await events(one)], [[2, 3], []]);
  });

  await check("an engine that was disposed of is not waited for", async () => {
    const [old, young] = [await tab(), await tab()];
    await version(old, "disposed.db", 1);
    await old.page.evaluate(() => engine.dispose());
    assert.deepEqual(await version(young, "disposed.db", 2), { to: 2, applied: ["2"] });
    assert.deepEqual(await events(old), []);
  });

  await check("tabs that are left are not waited for, and look at the database when they come back", async () => {
    const [old, same, young] = [await tab(), await tab(), await tab()];
    await version(old, "left.db", 2);
    const happens = ({ page }, kind) => page.evaluate((kind) => void dispatchEvent(new PageTransitionEvent(kind, { persisted: true })), kind);
    await happens(old, "pagehide");
    assert.deepEqual(await version(young, "left.db", 3), { to: 3, applied: ["3"] });
    await version(same, "left.db", 3);
    await happens(same, "pagehide");
    assert.deepEqual(await version(young, "left.db", 3, "same"), { to: 3, applied: [] });
    await happens(old, "pageshow");
    await happens(same, "pageshow");
    await until(old, "the database has had steps that this program does not know: \"3\"");
    assert.deepEqual([await all(same), await events(old), await events(same)], [[2, 3], [], []]);
  });

  await check("twelve tabs with code of three versions: what is there is what the newest has made, each step once", async () => {
    const tabs = await Promise.all(Array.from({ length: 12 }, () => tab()));
    const outcomes = await Promise.all(tabs.map((each, i) => version(each, "crowd.db", 2 + (i % 3))));
    const newest = outcomes.filter((_, i) => i % 3 === 2);
    for (const { to } of newest) assert.equal(to, 4);
    for (const outcome of outcomes) assert.ok(outcome.to !== undefined || outcome.error === "NewerDatabaseError", JSON.stringify(outcome));
    const ran = outcomes.flatMap(({ applied }) => applied ?? []);
    assert.deepEqual(ran.sort(), ["1", "2", "3", "4"]);
    assert.deepEqual(await all(tabs[2]), [2, 3, 4]);
  });
});
