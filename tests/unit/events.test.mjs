// Who listens, and how a stack tells where a connection was taken.
import assert from "node:assert/strict";
import test from "node:test";
import { counting } from "./node_engine.mjs";
import { load } from "./pkg.mjs";

const { text } = await load("index.js");
const { checkListener, Listeners } = await load("events.js");
const { HOOKS } = await load("hooks.js");
const { callerOf } = await load("site.js");
const { ArgumentError } = await load("errors.js");

/** Listeners over an engine that the test plays: `tell(name, ...parts)` is what wasm does. */
function engine() {
  const told = new Map();
  const log = [];
  const listen = (name, tell) => {
    log.push(`listen ${name}`);
    told.set(name, tell);
    return {
      free() {
        log.push(`free ${name}`);
        told.delete(name);
      },
    };
  };
  return { listeners: new Listeners(listen), log, tell: (name, ...parts) => told.get(name)?.(...parts) };
}

test("wasm is listened to once for each name, while anybody listens", () => {
  const { listeners, log, tell } = engine();
  const seen = [];
  const first = (event) => seen.push(["first", event]);
  const second = (event) => seen.push(["second", event]);
  listeners.add("change", first);
  listeners.add("change", second);
  listeners.add("change", second);
  listeners.add("host", first);
  assert.deepEqual(log, ["listen change", "listen host"]);
  tell("change", ["a", "b"], false, "other", false, false);
  const change = { tables: ["a", "b"], schema: false, tab: "other", own: false, missed: false };
  assert.deepEqual(seen.splice(0), [["first", change], ["second", change]]);
  listeners.remove("change", first);
  tell("change", [], true, "this", true, true);
  assert.deepEqual(seen.splice(0), [["second", { tables: [], schema: true, tab: "this", own: true, missed: true }]]);
  listeners.remove("change", second);
  listeners.remove("change", second);
  listeners.remove("blocked", second);
  assert.deepEqual(log.splice(2), ["free change"]);
  listeners.clear();
  listeners.clear();
  assert.deepEqual(log.splice(2), ["free host"]);
});

test("events are frozen objects, all the way down", () => {
  const { listeners, tell } = engine();
  const seen = [];
  for (const name of ["change", "blocked", "host", "versionSkew"]) listeners.add(name, (event) => seen.push(event));
  tell("blocked", "writeLock", 1000, "this", "app.js:1:2", [["b.js:3:4", "other", 2000, null]], 0);
  tell("blocked", "snapshot", 1000, null, null, [[null, "this", 2000, 5]], 4096);
  tell("host", "other");
  tell("host", null);
  tell("versionSkew", "2.0.0", "1.0.0");
  assert.deepEqual(seen, [
    {
      what: "writeLock", waited: 1000, waiter: { site: "app.js:1:2", tab: "this" },
      holders: [{ site: "b.js:3:4", tab: "other", age: 2000, idle: null }], logBytes: 0,
    },
    { what: "snapshot", waited: 1000, waiter: null, holders: [{ site: null, tab: "this", age: 2000, idle: 5 }], logBytes: 4096 },
    { tab: "other" },
    { tab: null },
    { ours: "2.0.0", theirs: "1.0.0" },
  ]);
  tell("change", ["t"], false, "this");
  for (const event of seen) {
    assert.ok([event, event.waiter, event.holders, event.holders?.[0], event.tables].every((part) => Object.isFrozen(part)));
  }
});

test("a listener that throws, adds or removes others stops nobody", (t) => {
  const { listeners, tell } = engine();
  const seen = [];
  const reported = t.mock.method(console, "error", () => undefined);
  const last = () => seen.push("last");
  listeners.add("host", () => {
    seen.push("first");
    listeners.remove("host", last);
    listeners.add("host", () => seen.push("added"));
    throw new Error("mine");
  });
  listeners.add("host", () => seen.push("second"));
  listeners.add("host", last);
  tell("host", null);
  assert.deepEqual(seen, ["first", "second"]);
  assert.deepEqual(reported.mock.calls.map(({ arguments: [error] }) => error.message), ["mine"]);
});

test("unknown names and what is no function are errors", () => {
  const known = ["change", "blocked", "host", "versionSkew", ...HOOKS].join(", ");
  for (const [name, given] of [["changed", "'changed'"], ["constructor", "'constructor'"], [undefined, "undefined"]]) {
    const message = `No such event ${given}; known are: ${known}`;
    assert.throws(() => checkListener(name, () => undefined), (error) => error instanceof ArgumentError && error.message === message);
  }
  assert.throws(() => checkListener("host", null), /a listener is a function, not null/);
});

test("the caller of the function that made an error", () => {
  const made = () => new Error();
  function caller() {
    return made();
  }
  assert.match(callerOf(caller()), /^caller \(file:.*events\.test\.mjs:\d+:\d+\)$/);
  for (const [stack, site] of [
    // V8
    ["Error\n    at Engine.connect (https://a.b/aludel/engine.js:1:2)\n    at save (https://a.b/app.js:3:4)", "save (https://a.b/app.js:3:4)"],
    ["Error\n    at Engine.begin (a.js:1:2)\n    at https://a.b/app.js:3:4", "https://a.b/app.js:3:4"],
    ["Error\n    at Engine.begin (a.js:1:2)\n    at async save (https://a.b/app.js:3:4)", "save (https://a.b/app.js:3:4)"],
    ["Error\n    at e.begin (a.js:1:2)\n    at Array.map (<anonymous>)\n    at async Promise.all (index 0)\n    at f (a.js:5:6)", "f (a.js:5:6)"],
    // Firefox and Safari
    ["connect@https://a.b/aludel/engine.js:1:2\nsave@https://a.b/app.js:3:4\n", "save (https://a.b/app.js:3:4)"],
    ["connect@https://a.b/engine.js:1:2\n@https://a.b/app.js:3:4", "https://a.b/app.js:3:4"],
    ["connect@https://a.b/engine.js:1:2\nasync*save@https://a.b/app.js:3:4", "save (https://a.b/app.js:3:4)"],
    ["connect@https://a.b/engine.js:1:2\nmap@[native code]\nsave@https://a.b/app.js:3:4", "save (https://a.b/app.js:3:4)"],
    // Nothing to find
    ["Error\n    at Engine.connect (a.js:1:2)", null],
    ["Error", null],
    ["", null],
  ]) {
    assert.equal(callerOf({ stack }), site, stack);
  }
  assert.equal(callerOf({}), null);
});

test("who listens to changes is told that some may have been missed when the worker is gone for good", async () => {
  const counter = counting();
  const { engine } = counter;
  const missed = new Promise((resolve) => engine.listen("change", (event) => event.missed && resolve(event)));
  const conn = await engine.connect();
  await conn.execute(text("CREATE TABLE t (x)"));
  counter.fail("it breaks for good");
  const { tables, own } = await missed;
  assert.deepEqual([tables, own], [[], false]);
});
