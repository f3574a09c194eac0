// An app of several versions in tabs of one browser: `t`, and a step for each number of it.

/** Migrates with code that knows so many steps, on an engine of its own or on the one that the tab has; `how` are words that say more. */
export const version = ({ page }, path, count, how) =>
  page.evaluate(
    async (path, count, how) => {
      const { createEngine, migrate, text } = aludel;
      const is = (word) => how?.split(" ").includes(word) === true;
      if (!is("same")) {
        globalThis.engine = createEngine(`sqlite:///${path}`, { lockTimeout: 0, ...(is("small") ? { poolSize: 1 } : {}) });
        globalThis.events = [];
      }
      const steps = Array.from({ length: count }, (_, i) => (i === 0 ? "CREATE TABLE t (n)" : `INSERT INTO t VALUES (${i + 1})`));
      if (is("fails")) steps[count - 1] = { name: `${count}`, sql: "INSERT INTO t VALUES (0); INSERT INTO nowhere VALUES (1)" };
      if (is("stops")) {
        const up = async (conn) => {
          await conn.execute(text("INSERT INTO t VALUES ('stopped')"));
          events.push(["stopped"]);
          await new Promise(() => undefined);
        };
        steps[count - 1] = { name: `${count}`, up };
      }
      const onVersionChange = ({ unknown }) => {
        events.push(["versionChange", unknown]);
        if (is("reloads")) location.reload();
        return is("saves") ? new Promise((saved) => (globalThis.saved = saved)) : undefined;
      };
      const onBlocked = ({ waited }) => events.push(["blocked", waited]);
      try {
        const done = await migrate(engine, steps, { onVersionChange, onBlocked, allowNewer: is("allowNewer") });
        const { to, applied, unknown } = done;
        return { to, applied, ...(unknown.length > 0 ? { unknown } : {}) };
      } catch ({ name, code, retryable }) {
        return { error: name, code, retryable };
      }
    },
    path,
    count,
    how,
  );

/** The rows of a tab. */
export const all = ({ page }) => page.evaluate(async () => (await engine.execute(aludel.text("SELECT n FROM t ORDER BY rowid"))).scalars().all());
/** What its listeners were told. */
export const events = ({ page }) => page.evaluate(() => globalThis.events);
/** Waits until something was told so often. */
export const happened = ({ page }, what, times) =>
  page.waitForFunction((what, times) => globalThis.events?.filter(([name]) => name === what).length >= times, { timeout: 60_000, polling: 50 }, what, times);
/** Waits until a call of the tab ends in this way. */
export const until = ({ page }, how) =>
  page.waitForFunction(
    async (how) => (await engine.execute(aludel.text("SELECT 1")).then(() => "done", ({ message }) => message)).includes(how),
    { timeout: 60_000, polling: 50 },
    how,
  );
