// Tabs that are not alike: without a broker in common, of other versions, in frames and in workers.
import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { driven, inTabs, loaded } from "./lib/tabs.mjs";

const OURS = "0.1.0";
const THEIRS = "9.8.7";

/** ASCII as it stands in the package's inlined wasm: see xtask/src/inlined.rs. */
function inlinedText(ascii, order) {
  const alphabet = [...Array(95).keys()].map((at) => String.fromCharCode(32 + at)).filter((one) => !"\"$'<\\`".includes(one));
  const texts = [...alphabet.slice(2), ...alphabet.slice(0, 2).flatMap((first) => alphabet.map((second) => first + second))];
  const bytes = [...Buffer.from(order, "hex")];
  return [...ascii].map((character) => texts[bytes.indexOf(character.charCodeAt(0))]).join("");
}

/** The package again, as another deploy of an app has it: under another URL, and with other versions inside. */
async function copy(app, name, version = OURS) {
  const directory = join(app.directory, name);
  await cp(join(app.directory, "node_modules/aludel"), directory, { recursive: true });
  if (version === OURS) return;
  const path = join(directory, "generated/client_bytes.js");
  const text = await readFile(path, "utf8");
  const { inlined } = await import(pathToFileURL(path).href);
  const [ours, theirs] = [inlinedText(OURS, inlined.order), inlinedText(version, inlined.order)];
  assert.ok(inlined.text.includes(ours), "the wasm names its version");
  await writeFile(path, text.replace(inlined.text, () => inlined.text.replaceAll(ours, theirs)));
}

inTabs("tabs of all kinds", async ({ name, app, browser, tab, check }) => {
  await copy(app, "other");
  await copy(app, "newer", THEIRS);

  /** Both read and write, in whatever way they reach each other; then one goes. */
  const share = async (path, a, b, options = {}) => {
    await a.call("open", path, options);
    await b.call("open", path);
    await Promise.all([a.call("insert", "a"), b.call("insert", "b")]);
    assert.deepEqual([await a.call("count"), await b.call("count")], [2, 2]);
    // More than fits into one message.
    const long = await b.call("scalar", "SELECT length(:text) + length(:text)", { text: "x".repeat(2_000_000) });
    assert.equal(long, 4_000_000);
    const rows = await b.call("scalar", "SELECT count(*) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 99999) SELECT x FROM c)");
    assert.equal(rows, 99_999);
  };

  await check("the same package: frames travel over a port", async () => {
    const [a, b] = [await tab(), await tab()];
    await share("port.db", a, b);
    assert.equal(await b.call("copied"), 0);
  });

  // It runs in the process of one of the pages and dies with that. Ended by hand, it does so in every run; Firefox has no such hand.
  if (name === "chromium") {
    await check("the broker dies, and the next one carries the ports to the next host", async () => {
      const [a, b, c] = [await tab(), await tab(), await tab()];
      for (const each of [a, b, c]) await each.call("open", "broker.db");
      await Promise.all([b.call("insert", "b"), c.call("insert", "c")]);
      assert.equal(await a.call("brokerless"), false);
      const target = await browser.waitForTarget((target) => target.type() === "shared_worker");
      const broker = await target.worker();
      await broker.evaluate(() => self.close());
      await a.until(true, "brokerless");
      await a.close();
      await Promise.all([b.call("insert", "b"), c.call("insert", "c")]);
      assert.deepEqual([await b.call("count"), await c.call("count")], [4, 4]);
      // Who asks a broker that is dead waits for three seconds, and then does without.
      assert.deepEqual([await b.call("copied"), await c.call("copied")], [0, 0]);
    });
  }

  await check("two deploys of an app have no broker in common, and share a database all the same", async () => {
    const [a, b] = [await tab(), await tab("/src/tabs.html?package=/other/")];
    await share("deploys.db", a, b);
    assert.ok((await b.call("copied")) > 0);
    await a.close();
    await b.call("insert", "b");
    assert.equal(await b.call("count"), 3);
  });

  const brokers = {
    "there are none": () => delete globalThis.SharedWorker,
    "they cannot be made": () => {
      globalThis.SharedWorker = class {
        constructor() {
          throw new Error("not here");
        }
      };
    },
    "their script does not load": () => {
      const Shared = globalThis.SharedWorker;
      globalThis.SharedWorker = function (url, options) {
        return new Shared("/no-such-script.js", options);
      };
    },
    "they do not answer": () => {
      globalThis.SharedWorker = class extends EventTarget {
        port = new MessageChannel().port1;
      };
    },
  };
  for (const [how, before] of Object.entries(brokers)) {
    await check(`without shared workers, because ${how}`, async () => {
      const path = `${how.replaceAll(" ", "-")}.db`;
      const [a, b, c] = [await tab(undefined, before), await tab(undefined, before), await tab()];
      await share(path, a, b);
      assert.ok((await b.call("copied")) > 0);
      // Who has a broker finds its way to a host that has none.
      await c.call("open", path);
      await a.close();
      await Promise.all([b.call("insert", "b"), c.call("insert", "c")]);
      assert.deepEqual([await b.call("count"), await c.call("count")], [4, 4]);
    });
  }

  await check("workers made by the page", async () => {
    const [a, b] = [await tab(), await tab()];
    await share("own.db", a, b, { ownWorkers: true });
  });

  await check("another version that speaks the same protocol is said, and shares the database", async () => {
    const [a, b] = [await tab(), await tab("/src/tabs.html?package=/newer/")];
    await share("skew.db", a, b);
    assert.ok((await b.call("copied")) > 0, "they have no broker in common");
    assert.deepEqual(await a.call("skews"), [{ kind: "versionSkew", ours: OURS, theirs: THEIRS }]);
    assert.deepEqual(await b.call("skews"), [{ kind: "versionSkew", ours: THEIRS, theirs: OURS }]);
  });

  await check("another protocol is an error that says what to do, and goes with its tab", async () => {
    const [a, b] = [await tab(), await tab()];
    // A host of a time to come.
    await a.page.evaluate(async () => {
      const talk = new BroadcastChannel("aludel:future.db");
      talk.onmessage = ({ data }) => {
        if (data.startsWith("aludel who ")) talk.postMessage("aludel host 00000000000000aa 99 9.8.7 and more");
      };
      await new Promise((held) => {
        void navigator.locks.request("aludel-host:future.db", () => {
          held();
          return new Promise(() => undefined);
        });
      });
    });
    const { error } = await b.call("attempt", "open", "future.db");
    assert.deepEqual([error.name, error.reason, error.retryable], ["StorageError", "locked-by-other-version", true]);
    assert.match(error.message, /9\.8\.7.*protocol 99.*0\.1\.0.*protocol \d/s);
    assert.deepEqual((await b.call("seen")).at(-1), { kind: "versionSkew", ours: OURS, theirs: THEIRS });
    await a.close();
    await b.call("open", "future.db");
    await b.call("insert", "b");
    assert.equal(await b.call("count"), 1);
  });

  await check("a host hears of guests of another protocol, and of lines that it does not know", async () => {
    const [a, b] = [await tab(), await tab()];
    await a.call("open", "guests.db");
    await b.page.evaluate(() => {
      const talk = new BroadcastChannel("aludel:guests.db");
      for (const line of ["", "aludel", "aludel who", "aludel join x", "aludel sing 1 2 3", "other who 1 2 3", "aludel gone 1"]) {
        talk.postMessage(line);
      }
      talk.postMessage({ aludel: "who" });
      talk.postMessage("aludel who 00000000000000aa 99 9.8.7");
    });
    await a.until([{ kind: "versionSkew", ours: OURS, theirs: THEIRS }], "skews");
    await a.call("insert", "a");
    assert.equal(await a.call("count"), 1);
  });

  await check("a frame and its page", async () => {
    const a = await tab();
    await a.call("addFrame");
    const frame = a.page.frames().find((frame) => frame !== a.page.mainFrame());
    await loaded(frame);
    const b = driven(frame);
    await share("frame.db", a, b);
    // The host's page may live on without its frame.
    await b.call("open", "frame-hosts.db");
    await a.call("open", "frame-hosts.db");
    await b.call("insert", "b");
    await a.page.evaluate(() => document.querySelector("iframe").remove());
    await a.call("insert", "a");
    assert.equal(await a.call("count"), 2);
  });

  await check("engines in workers", async () => {
    const a = await tab();
    const b = await tab();
    const worker = { call: (name, ...args) => a.call("inWorker", name, ...args) };
    await share("in-worker.db", worker, b);
    await a.close();
    await b.call("insert", "b");
    assert.equal(await b.call("count"), 3);
  });

  await check("a lone tab, and one in a browser that has no tabs to offer", async (t) => {
    const without = {
      "with tabs": undefined,
      "no BroadcastChannel": () => delete globalThis.BroadcastChannel,
      "no locks in the page": () => Object.defineProperty(navigator, "locks", { value: undefined }),
    };
    for (const [what, before] of Object.entries(without)) {
      const a = await tab(undefined, before);
      const times = [];
      for (let i = 0; i < 9; i++) {
        times.push(await a.call("open", "lone.db"));
        await a.call("insert", "a");
        await a.call("dispose");
      }
      times.sort((x, y) => x - y);
      t.diagnostic(`open with a new worker, ${what}: ${times[4].toFixed(0)} ms (${times[0].toFixed(0)} to ${times[8].toFixed(0)})`);
    }
  });

  await check("databases in memory stay apart", async () => {
    const [a, b] = [await tab(), await tab()];
    const memory = (tab) => tab.page.evaluate(async () => {
      const { createEngine, text } = aludel;
      globalThis.memory ??= createEngine("sqlite://");
      await memory.execute(text("CREATE TABLE IF NOT EXISTS t (x)"));
      await memory.execute(text("INSERT INTO t VALUES (1)"));
      return memory.scalar(text("SELECT count(*) FROM t"));
    });
    assert.deepEqual([await memory(a), await memory(b), await memory(a)], [1, 1, 2]);
    // The broker of earlier tabs may take a moment to end.
    assert.deepEqual((await a.call("locks")).filter((name) => !/^aludel-(worker|broker):/.test(name)), []);
  });
});
