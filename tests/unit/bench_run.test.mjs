// What the benchmark does with measurements: those that hang, percentiles, and rounds of which one failed.
import assert from "node:assert/strict";
import test from "node:test";
import { costs, marks } from "../../benches/marks.mjs";
import { percentile } from "../../benches/page/measure.js";
import { within } from "../../benches/within.mjs";

test("a measurement that hangs is stopped, and has ended before its error is told", { timeout: 60_000 }, async () => {
  let [stop, ended] = [undefined, false];
  const work = async () => {
    try {
      await new Promise((_, reject) => (stop = reject));
    } finally {
      // As a page is cleared away after its end.
      await new Promise((resolve) => setImmediate(resolve));
      ended = true;
    }
  };
  await assert.rejects(within({ ms: 5 }, work, async () => stop(new Error("the page was closed"))), /^Error: not done after 0\.005 s$/);
  assert.equal(ended, true);
});

test("one that cannot even be stopped ends the run", { timeout: 60_000 }, async () => {
  const cases = {
    "it goes on": async () => {},
    "stopping it hangs": () => new Promise(() => {}),
    "stopping it fails": async () => {
      throw new Error("no browser");
    },
  };
  for (const [what, stop] of Object.entries(cases)) {
    const error = await within({ ms: 5, patience: 5 }, () => new Promise(() => {}), stop).catch((error) => error);
    assert.equal(error.fatal, true, what);
    assert.match(error.message, /^not done after 0\.005 s, and not stopped: /, what);
  }
});

test("what is done in time gives its result or its own error, and is not stopped", { timeout: 60_000 }, async () => {
  const stop = () => assert.fail("stopped");
  assert.equal(await within({ ms: 50_000 }, async () => 42, stop), 42);
  const own = new Error("its own");
  await assert.rejects(within({ ms: 50_000 }, async () => Promise.reject(own), stop), (error) => error === own && !error.fatal);
});

test("a percentile is the smallest time that so many of a hundred do not exceed", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  const rows = [[hundred, 50, 50], [hundred, 99, 99], [hundred, 100, 100], [hundred, 0, 1], [[7], 50, 7], [[7], 99, 7], [[2, 1], 50, 1],
    [[10, 9, 100], 50, 10], [[10, 9, 100], 99, 100], [[], 50, undefined]];
  for (const [times, of, expected] of rows) assert.equal(percentile(times, of), expected, `${of} of ${times}`);
  assert.equal(hundred[0], 100, "the times stay in their order");
});

test("what a mark costs is the difference within a round, of rounds that have both", () => {
  const round = (us) => ({ us, count: 2, io: { wal: { writes: 4, bytes: 400, flushes: 2 } } });
  const [marked, unmarked] = [{ 0: round(10), 2: round(30), 3: round(50) }, { 1: round(1000), 2: round(25), 3: round(41) }];
  assert.deepEqual(costs(marked, unmarked), [5, 9]);
  const results = { "autocommit normal, marked": marked, "autocommit normal, unmarked": unmarked, "autocommit full, marked": marked };
  assert.deepEqual(marks((key) => results[key]), ["At normal, the mark of a commit costs 7 us (5..9) of its 30. " +
    "Calls to files a commit: wal 2.00 writes of 100 bytes, 1.00 flushes"]);
  assert.deepEqual(marks(() => undefined), []);
});
