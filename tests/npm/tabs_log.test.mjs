// A tab goes on reading from one snapshot while another writes: how large the log gets, and who is told whose fault it is.
import assert from "node:assert/strict";
import { inTabs } from "./lib/tabs.mjs";

const MIB = 1 << 20;
/** The line of tests/npm/app/tab.js that took the connection. */
const TAKEN = /\blinger\b.*\/tab\.js:\d+:\d+\)?$/;
/** Which of three tabs reads, how, and which one writes; the first hosts. */
const ROLES = {
  "a guest's stream, and the host writes": [1, "stream", 0],
  "the host's transaction, and a guest writes": [0, "transaction", 1],
  "a guest's transaction, and another one writes": [2, "transaction", 1],
};

inTabs("a log that cannot begin anew", async ({ tab, check }) => {
  for (const [claim, [reads, how, writes]] of Object.entries(ROLES)) {
    const begun = async (path, options = {}) => {
      const tabs = [await tab(), await tab(), await tab()];
      for (const each of tabs) await each.call("open", path, options);
      const [reader, writer] = [tabs[reads], tabs[writes]];
      await writer.call("insert", "before");
      assert.equal(await reader.call("linger", how), 1);
      return { tabs, reader, writer };
    };

    await check(`${claim}: every tab is told who keeps it, and it is small again afterwards`, async (t) => {
      const path = `lingers-${reads}-${writes}.db`;
      const { tabs, reader, writer } = await begun(path);
      const largest = await writer.call("fill", 6, `${path}-wal`);
      assert.ok(largest > 6_000_000, `${largest} bytes: nothing of it could be given up`);
      for (const [at, each] of tabs.entries()) {
        await each.until(1, "blocks");
        const [{ what, waiter, waited, logBytes, holders: [holder, ...more] }] = await each.call("blocked");
        assert.deepEqual([what, waiter, more.length], ["snapshot", null, 0]);
        assert.ok(waited >= 1000 && logBytes > 4 * MIB && holder.age >= waited, `${waited} ms, ${logBytes} bytes, ${holder.age} ms`);
        assert.equal(holder.tab, at === reads ? "this" : "other");
        // One that is slow to say so is not waited for; its own tab knows in any case.
        if (at === reads || holder.site !== null) assert.match(holder.site, TAKEN);
      }
      assert.equal(await reader.call("lingers"), 1, "its snapshot lasts");
      await reader.call("leave");
      // Each commit may be the one that finds the log copied. Fails by its limit.
      await writer.page.waitForFunction(
        async (name, bytes) => {
          await tab.insert("after");
          return !(await tab.isLarger(name, bytes));
        },
        { timeout: 60_000, polling: 50 },
        `${path}-wal`,
        4 * MIB,
      );
      t.diagnostic(`at most ${largest} bytes, then ${await writer.call("bytes", `${path}-wal`)}`);
      for (const each of tabs) assert.equal(await each.call("blocks"), 1, "it is said once");
    });

    await check(`${claim}: it does not outgrow logLimit by more than a commit, and the reader is told why it ended`, async (t) => {
      const path = `limited-${reads}-${writes}.db`;
      const { reader, writer } = await begun(path, { logLimit: 8 * MIB });
      const largest = await writer.call("fill", 24, `${path}-wal`);
      t.diagnostic(`at most ${largest} bytes after 24,000,000`);
      assert.ok(largest < 11 * MIB, `${largest} bytes`);
      const { error } = await reader.call("attempt", "lingers");
      assert.deepEqual([error?.name, error?.retryable], ["OperationalError", true]);
      assert.match(error.message, /had read from the same snapshot for \d+ ms, and the log, .* has grown to \d+ bytes \(logLimit: 8388608\)/);
      await reader.call("leave");
      assert.equal(await reader.call("scalar", "SELECT count(*) FROM t"), 25);
    });
  }
});
