// Tabs that are left and come back, are frozen, or are not seen.
import assert from "node:assert/strict";
import { apart, inTabs, loaded, processOf, tell } from "./lib/tabs.mjs";

// Puppeteer turns off what these tests are about.
const more = { ignoreDefaultArgs: ["--disable-back-forward-cache"] };

inTabs("the life of tabs", async ({ name, browser, tab, check }) => {
  const away = async ({ page }) => page.goto(new URL("/src/blank.html", page.url()).href);
  /** Goes back, and says whether the browser had kept the page. If not, it has to open the database again. */
  const back = async ({ page, call }, path) => {
    // Puppeteer's own goBack() waits for an event that a kept page does not have.
    await page.evaluate(() => void setTimeout(() => history.back()));
    await page.waitForFunction(() => location.pathname.endsWith("tabs.html"));
    await loaded(page);
    const life = await call("life");
    const kept = life.at(-1) === "pageshow true";
    if (kept) {
      // The first "pageshow" may be over before anyone listens.
      assert.deepEqual(life.filter((event) => event !== "pageshow false"), ["pagehide true", "pageshow true"]);
    } else {
      // Named in the page: what is handed out of it are copies, and they have no reason.
      const reasons = await page.evaluate(() =>
        performance.getEntriesByType("navigation")[0].notRestoredReasons?.reasons?.map(({ reason }) => reason));
      // Where the page is away before its worker has let go, and someone waits, Chromium rather loses the page than let them wait.
      if (reasons) assert.deepEqual(reasons, ["weblocks-contention"]);
      await call("open", path);
    }
    return kept;
  };
  /** Checks what happens to a page that is left, with a database of its own each time until Chromium keeps the page. */
  const checkLeft = (claim, stem, act) =>
    check(claim, async (t) => {
      // Firefox keeps no page that held a lock when it was left.
      if (name === "firefox") return act(t, `${stem}.db`);
      for (let tries = 1; tries <= 5; tries++) {
        if (await act(t, `${stem}-${tries}.db`)) return;
        t.diagnostic("the page was not kept");
      }
      assert.fail("none of five pages was kept");
    });

  await checkLeft("a page that is left gives the database up, and takes part again when it comes back", "back", async (t, path) => {
    const [a, b] = [await tab(), await tab()];
    await a.call("open", path);
    await b.call("open", path);
    await a.call("insert", "a");
    await b.call("insert", "b");
    await away(a);
    tell(t, "take-over while the page is away", await b.call("insert", "b"));
    const kept = await back(a, path);
    tell(t, "back as a guest", await a.call("insert", "a"));
    assert.deepEqual([await a.call("count"), await b.call("count")], [4, 4]);
    await b.close();
    tell(t, "and as the host again", await a.call("insert", "a"));
    assert.equal(await a.call("count"), 5);
    return kept;
  });

  await checkLeft("a guest that is left and comes back", "guest-back", async (_, path) => {
    const [a, b] = [await tab(), await tab()];
    await a.call("open", path);
    await b.call("open", path);
    await b.call("insert", "b");
    await away(b);
    await a.call("insert", "a");
    const kept = await back(b, path);
    await b.call("insert", "b");
    assert.deepEqual([await a.call("count"), await b.call("count")], [3, 3]);
    return kept;
  });

  await checkLeft("alone, left and back", "alone-back", async (_, path) => {
    const a = await tab();
    await a.call("open", path);
    await a.call("insert", "a");
    await away(a);
    const kept = await back(a, path);
    await a.call("insert", "a");
    assert.equal(await a.call("count"), 2);
    return kept;
  });

  // Time runs twenty times as fast for the page: what takes half a minute takes two seconds.
  const hurry = () => {
    const { setTimeout } = globalThis;
    globalThis.setTimeout = (act, ms, ...more) => setTimeout(act, ms / 20, ...more);
  };
  /** Stops the process of a page while `act` runs. */
  const whileStopped = async ({ page }, act) => {
    const pid = await processOf(browser, page);
    process.kill(pid, "SIGSTOP");
    try {
      return await act();
    } finally {
      process.kill(pid, "SIGCONT");
    }
  };

  await check("a host that is stopped without a word is given up after a while, and found again", async (t) => {
    const [a, b] = await apart(browser, tab, () => tab(undefined, hurry));
    await a.call("open", "stopped.db");
    await b.call("open", "stopped.db");
    await b.call("insert", "b");
    await whileStopped(a, async () => {
      const start = performance.now();
      const sql = "INSERT INTO t (who) VALUES ('doubt') RETURNING 1";
      const [write, read] = await Promise.all([b.call("attempt", "scalar", sql), b.call("attempt", "count")]);
      tell(t, "given up, in the guest's time", { ms: (performance.now() - start) * 20 });
      assert.deepEqual([read.error.name, write.error.name], ["HostLost", "HostLost"]);
      assert.equal(write.error.retryable, false, "it may have been committed");
    });
    tell(t, "found again", await b.call("insert", "b"));
    assert.equal(await a.call("count", "b"), 2);
    assert.equal(await a.call("count"), await b.call("count"));
  });

  await check("a tab that comes while the host is stopped is told that there is none, and joins it later", async (t) => {
    const [a, b] = await apart(browser, tab, () => tab(undefined, hurry));
    await a.call("open", "stopped-before.db");
    await a.call("insert", "a");
    await whileStopped(a, async () => {
      const start = performance.now();
      const { error } = await b.call("attempt", "open", "stopped-before.db");
      const ms = (performance.now() - start) * 20;
      tell(t, "given up, in the newcomer's time", { ms });
      assert.deepEqual([error.name, error.retryable], ["HostLost", true]);
      assert.ok(ms >= 50_000, "a host that is slow has as long as one that falls silent");
      // And what it asks for next does not wait for ever either.
      assert.equal((await b.call("attempt", "count")).error.name, "HostLost");
    });
    tell(t, "found", await b.call("insert", "b"));
    assert.deepEqual([await a.call("count"), await b.call("count")], [2, 2]);
  });

  await check("a page that is put away while it asks who else would host gives the lock up at once", async () => {
    // Nobody sees it, and its time to ask does not end, as that of a page that is frozen.
    const unseen = () => {
      Object.defineProperty(Document.prototype, "visibilityState", { get: () => "hidden" });
      const { setTimeout } = globalThis;
      globalThis.setTimeout = (act, ms, ...more) => (ms > 90 && ms <= 100 ? 0 : setTimeout(act, ms, ...more));
    };
    const [a, b, c] = [await tab(), await tab(undefined, unseen), await tab()];
    await a.call("open", "vote.db");
    await b.call("open", "vote.db");
    const lock = (await a.call("locks")).find((name) => name.startsWith("aludel-host:"));
    // One who waits for the lock and answers nobody.
    await c.page.evaluate((lock) => {
      const talk = new BroadcastChannel(lock.replace("aludel-host", "aludel"));
      talk.onmessage = ({ data }) => {
        if (data.startsWith("aludel vote ")) globalThis.asked = true;
      };
      navigator.locks.request(lock, () => void (globalThis.given = true));
    }, lock);
    const wait = { timeout: 30_000, polling: 50 };
    await c.page.waitForFunction(
      async (lock) => (await navigator.locks.query()).pending.filter(({ name }) => name === lock).length === 2, wait, lock);
    await a.close();
    await c.page.waitForFunction("globalThis.asked", wait);
    const happens = (kind) =>
      b.page.evaluate((kind) => void dispatchEvent(new PageTransitionEvent(kind, { persisted: true })), kind);
    await happens("pagehide");
    await c.page.waitForFunction("globalThis.given", wait);
    await happens("pageshow");
    await b.call("insert", "b");
    assert.equal(await b.call("count"), 1);
  });

  // Puppeteer can tell Chromium only to freeze a page, and to show one of several. Firefox freezes none by itself.
  if (name === "chromium") {
    const state = async (page, state) => {
      const session = await page.createCDPSession();
      await session.send("Page.setWebLifecycleState", { state });
      await session.detach();
    };

    await check("a host that is frozen gives the database up, and takes part again when it thaws", async (t) => {
      const [a, b] = [await tab(), await tab()];
      await a.call("open", "frozen.db");
      await b.call("open", "frozen.db");
      await a.call("insert", "a");
      await b.call("insert", "b");
      await state(a.page, "frozen");
      tell(t, "take-over from a frozen page", await b.call("insert", "b"));
      await state(a.page, "active");
      tell(t, "after the thaw", await a.call("insert", "a"));
      assert.deepEqual([await a.call("count"), await b.call("count")], [4, 4]);
    });

    await check("a frozen guest gives up what it holds", async () => {
      const [a, b] = [await tab(), await tab()];
      await a.call("open", "frozen-guest.db");
      await b.call("open", "frozen-guest.db");
      await b.page.evaluate(async () => {
        const conn = await tab.engine.connect();
        await conn.execute(aludel.text("INSERT INTO t (who) VALUES ('b')"));
      });
      await state(b.page, "frozen");
      await a.call("insert", "a");
      await state(b.page, "active");
      await b.call("insert", "b");
      assert.deepEqual([await a.call("count"), await b.call("count")], [2, 2]);
    });

    await check("a host whose worker is busy is not given up", async () => {
      const [a, b] = [await tab(), await tab(undefined, hurry)];
      await a.call("open", "busy.db");
      await b.call("open", "busy.db");
      // One call of a function, which nothing can be done beside: three seconds are a minute for the guest. It takes the square
      // of the text's length.
      const compare = "SELECT instr(printf('%.*c', :many, 'a'), printf('%.*c', :many / 2, 'a') || 'b')";
      let many = 40_000;
      const start = performance.now();
      await a.call("scalar", compare, { many });
      many = Math.ceil(many * Math.sqrt(3000 / (performance.now() - start)));
      const [compared, waited] = await Promise.all([a.call("scalar", compare, { many }), b.call("attempt", "insert", "b")]);
      assert.equal(compared, 0);
      assert.deepEqual(waited.value.tries, 1);
      assert.deepEqual((await b.call("seen")).filter(({ kind }) => kind === "host").length, 1);
    });

    await check("a tab that is seen hosts rather than one that is not", async (t) => {
      const tabs = [await tab(), await tab(), await tab()];
      for (const each of tabs) await each.call("open", "seen.db");
      const seen = [];
      for (const each of tabs) seen.push(await each.call("visibility"));
      t.diagnostic(`visibility of the three: ${seen.join(", ")}`);
      const [host, hidden, visible] = tabs;
      await visible.page.bringToFront();
      await hidden.until("hidden", "visibility");
      await visible.until("visible", "visibility");
      await host.close();
      tell(t, "a visible tab took over", await visible.call("insert", "v"));
      await hidden.call("insert", "h");
      const host_of = async (tab) => (await tab.call("seen")).filter(({ kind }) => kind === "host").at(-1).tab;
      assert.deepEqual([await host_of(visible), await host_of(hidden)], ["this", "other"]);
      assert.deepEqual([await visible.call("count"), await hidden.call("count")], [2, 2]);
    });
  }
}, { more });
