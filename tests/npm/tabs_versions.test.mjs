// Tabs with older code, in whatever they are while a tab with newer code migrates: what is refused, what is held up, and what goes on.
import assert from "node:assert/strict";
import { inTabs } from "./lib/tabs.mjs";
import { all, events, happened, until, version } from "./lib/versions.mjs";

const REFUSED = ["NewerDatabaseError", "nwdb", false, "3"];
const insert = (what) => `INSERT INTO t VALUES ('${what}')`;

/** Makes the tab have `outcome()`, which says how a call ended. */
const asks = ({ page }) =>
  page.evaluate(() => {
    globalThis.outcome = (call) => call.then(() => "done", (error) => [error.name, error.code, error.retryable, ...(error.unknown ?? [])]);
    globalThis.jobs = new URL("/src/tab_jobs.js", location.href);
    globalThis.select = () => engine.execute(aludel.text("SELECT 1"));
  });
/** Waits until so many locks of that name are asked for in vain. */
const pending = ({ page }, path, count) =>
  page.waitForFunction(
    async (name, count) => (await navigator.locks.query()).pending.filter((lock) => lock.name === name).length >= count,
    { timeout: 60_000, polling: 50 },
    `aludel-schema:${path}`,
    count,
  );
/** Begins to migrate to another version, and stops in its last step, for ever. */
const stops = async (tab, path, count) => {
  void version(tab, path, count, "stops").catch(() => undefined);
  await happened(tab, "stopped", 1);
};
/** Is left (`"pagehide"`), or comes back (`"pageshow"`). */
const happens = ({ page }, kind) => page.evaluate((kind) => void dispatchEvent(new PageTransitionEvent(kind, { persisted: true })), kind);

inTabs("tabs of several versions", async ({ tab, check }) => {
  await check("a transaction that SQLite has not begun is refused: nothing keeps the newer code from going on meanwhile", async () => {
    const [old, young] = [await tab(), await tab()];
    await version(old, "unbegun.db", 2);
    await asks(old);
    await old.page.evaluate(async (sql) => {
      const { text } = aludel;
      const go = new Promise((resolve) => (globalThis.go = resolve));
      const inside = new Promise((resolve) => (globalThis.inside = resolve));
      globalThis.late = outcome(engine.begin(async (conn) => {
        globalThis.inside();
        await go;
        await conn.execute(text(sql));
      }));
      globalThis.auto = await engine.connect();
      await auto.executionOptions({ isolationLevel: "AUTOCOMMIT" });
      await auto.execute(text("SELECT n FROM t"));
      globalThis.begun = await engine.connect();
      await begun.begin();
      await inside;
    }, insert("late"));
    assert.deepEqual(await version(young, "unbegun.db", 3), { to: 3, applied: ["3"] });
    const outcomes = await old.page.evaluate(async (sql) => {
      const { text } = aludel;
      go();
      return [await late, await outcome(auto.execute(text(sql))), await outcome(begun.execute(text(sql))), await outcome(begun.beginNested())];
    }, insert("late"));
    assert.deepEqual(outcomes, [REFUSED, REFUSED, REFUSED, REFUSED]);
    assert.deepEqual(await all(young), [2, 3]);
  });

  await check("what was begun by hand, or by a savepoint, goes on to its end", async () => {
    const [old, young] = [await tab(), await tab()];
    await version(old, "byhand.db", 2);
    await asks(old);
    await old.page.evaluate(async (sql) => {
      globalThis.auto = await engine.connect();
      await auto.executionOptions({ isolationLevel: "AUTOCOMMIT" });
      await auto.execDriverSql("BEGIN IMMEDIATE");
      await auto.execDriverSql(sql);
    }, insert("byhand"));
    const migrated = version(young, "byhand.db", 3);
    await happened(old, "versionChange", 1);
    await until(old, "another tab runs newer code");
    const outcomes = await old.page.evaluate(async (sql) => {
      const { text } = aludel;
      const more = await outcome(auto.execDriverSql(sql));
      const ended = await outcome(auto.execDriverSql("COMMIT"));
      return [more, ended, await outcome(auto.execute(text(sql)))];
    }, insert("within"));
    assert.deepEqual(outcomes, ["done", "done", REFUSED]);
    assert.deepEqual(await migrated, { to: 3, applied: ["3"] });
    assert.deepEqual(await all(young), [2, "byhand", "within", 3]);
  });

  await check("procedures and imports are refused like statements, an import also when its bytes have come", async () => {
    const [old, young] = [await tab(), await tab()];
    await version(old, "others.db", 2);
    await asks(old);
    await old.page.evaluate(async () => {
      globalThis.idle = await engine.connect();
      globalThis.bytes = await engine.exportBytes();
      const begun = new Promise((resolve) => (globalThis.begun = resolve));
      const rest = new Promise((resolve) => (globalThis.rest = resolve));
      const slowly = async function* () {
        yield bytes.subarray(0, 512);
        globalThis.begun();
        await rest;
        yield bytes.subarray(512);
      };
      globalThis.importing = outcome(engine.importStream(slowly()));
      await begun;
    });
    assert.deepEqual(await version(young, "others.db", 3), { to: 3, applied: ["3"] });
    const outcomes = await old.page.evaluate(async () => {
      rest();
      const calls = [
        idle.runSync(jobs, "setUp"), idle.runInThread(jobs, "setUp"), idle.runInWorker(jobs, "setUp"), engine.runInWorker(jobs, "insertMany", "old", 1),
        engine.importBytes(bytes), engine.importStream(new Blob([bytes]).stream()), engine.exportBytes(),
      ];
      return Promise.all([importing, ...calls.map(outcome)]);
    });
    assert.deepEqual(outcomes, Array.from({ length: 8 }, () => REFUSED));
    assert.deepEqual(await all(young), [2, 3]);
  });

  await check("to look at the database takes no connection of the pool, whose calls wait for it", async () => {
    const [old, young] = [await tab(), await tab()];
    await version(old, "small.db", 2, "small");
    await asks(old);
    await old.page.evaluate(async () => void (globalThis.only = await engine.connect()));
    assert.deepEqual((await version(young, "small.db", 3, "fails")).error, "MigrationError");
    await old.page.waitForFunction(
      async () => (await outcome(only.execute(aludel.text("SELECT 1")))) === "done",
      { timeout: 60_000, polling: 50 },
    );
    const outcomes = await old.page.evaluate(async () => {
      await only.close();
      for (const kind of ["pagehide", "pageshow"]) dispatchEvent(new PageTransitionEvent(kind, { persisted: true }));
      return Promise.all([select(), select(), select(), engine.connect((conn) => conn.scalar(aludel.text("SELECT 1")))].map(outcome));
    });
    assert.deepEqual(outcomes, ["done", "done", "done", "done"]);
  });

  await check("a migrate() that fails leaves what the one before it has made: the engine is asked, and refused", async () => {
    const [old, young] = [await tab(), await tab()];
    await version(old, "again.db", 2);
    await asks(old);
    assert.deepEqual((await version(old, "again.db", 3, "fails same")).error, "MigrationError");
    assert.deepEqual(await old.page.evaluate(() => {
      const stop = new AbortController();
      const steps = ["CREATE TABLE t (n)", "INSERT INTO t VALUES (2)", { name: "stops", up: () => stop.abort(new RangeError("enough")) }];
      return aludel.migrate(engine, steps, { signal: stop.signal }).catch(({ name }) => name);
    }), "RangeError");
    await until(old, "done");
    assert.deepEqual(await version(young, "again.db", 3), { to: 3, applied: ["3"] });
    assert.deepEqual(await events(old), [["versionChange", ["3"]]]);
    assert.deepEqual(await old.page.evaluate(() => outcome(select())), REFUSED);
    assert.deepEqual((await version(old, "again.db", 2, "same")).error, "NewerDatabaseError");
    assert.deepEqual(await old.page.evaluate(() => outcome(select())), REFUSED, "what has failed has not lifted it");
    assert.deepEqual(await version(old, "again.db", 3, "same"), { to: 3, applied: [] });
    assert.deepEqual(await all(old), [2, 3]);
  });

  for (const [claim, ends] of [
    ["the engine is disposed of", ({ page }) => page.evaluate(() => engine.dispose())],
    ["the engine migrates again", async (old, young) => {
      const again = version(old, "held.db", 2, "same");
      await pending(old, "held.db", 2);
      await young.close();
      assert.deepEqual(await again, { to: 2, applied: [] });
    }],
  ]) {
    await check(`calls that are held up go on when ${claim}`, async () => {
      const [old, young] = [await tab(), await tab()];
      await version(old, "held.db", 2);
      await asks(old);
      await happens(old, "pagehide");
      await stops(young, "held.db", 3);
      await happens(old, "pageshow");
      await old.page.evaluate(() => void (globalThis.held = outcome(select())));
      await pending(old, "held.db", 1);
      await ends(old, young);
      assert.equal(await old.page.evaluate(() => held), "done");
    });
  }

  await check("who takes a newer database, too, is asked, waits, and goes on with it", async () => {
    const [old, young, newest] = [await tab(), await tab(), await tab()];
    await version(old, "any.db", 2, "allowNewer");
    assert.deepEqual(await version(young, "any.db", 3), { to: 3, applied: ["3"] });
    assert.deepEqual(await all(old), [2, 3]);
    await young.page.evaluate(() => engine.dispose());
    assert.deepEqual(await version(newest, "any.db", 4), { to: 4, applied: ["4"] });
    assert.deepEqual([await all(old), await events(old)], [[2, 3, 4], [["versionChange", ["3"]]]]);
  });

  await check("an engine that is disposed of while it waits to migrate waits no more, and nobody for it", async () => {
    const [old, young, newest] = [await tab(), await tab(), await tab()];
    await version(young, "gone.db", 1);
    await stops(young, "gone.db", 2);
    const migrated = version(old, "gone.db", 1);
    await pending(old, "gone.db", 1);
    await old.page.evaluate(() => engine.dispose());
    assert.deepEqual((await migrated).error, "ResourceClosedError");
    await young.close();
    assert.deepEqual(await version(newest, "gone.db", 2), { to: 2, applied: ["2"] });
    assert.deepEqual(await events(old), []);
  });

  await check("a tab that is frozen is not waited for, and looks at the database when it goes on", async () => {
    const [old, young] = [await tab(), await tab()];
    await version(old, "frozen.db", 2);
    const hears = (kind) => old.page.evaluate((kind) => void document.dispatchEvent(new Event(kind)), kind);
    await hears("freeze");
    assert.deepEqual(await version(young, "frozen.db", 3), { to: 3, applied: ["3"] });
    await hears("resume");
    await until(old, "the database has had steps that this program does not know: \"3\"");
    assert.deepEqual(await events(old), []);
  });
});
