// Events around statements, transactions and connections, on an engine in Node.
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { load } from "./pkg.mjs";
import { COUNT, counting, error, fill, heard, INSERT, nodeEngine, onConnection, onPeople } from "./node_engine.mjs";

// What is told of a commit comes behind its answer, and keeps no process that waits for nothing else.
const waiting = setInterval(() => undefined, 1 << 30);
after(() => clearInterval(waiting));

const { ArgumentError, Integer, IntegrityError, MetaData, Column, OperationalError, Table, select, text } = await load("index.js");

const ADULTS = text("SELECT name FROM users WHERE age >= :age ORDER BY id");
const names = (result) => result.scalars().all();
const CALLS = [
  "beforeExecute", "begin", "beforeCursorExecute", "afterCursorExecute", "afterExecute",
];
const ALL = [
  ...CALLS, "handleError", "commit", "rollback", "savepoint", "releaseSavepoint", "rollbackSavepoint", "connect", "checkout", "checkin",
  "invalidate",
];

test("a5_events statements are told of before and after, in the order of SQLAlchemy", onConnection(async (conn, engine) => {
  const log = heard(engine, ALL);
  await conn.execute(ADULTS, { age: 25 });
  assert.deepEqual(log.splice(0), CALLS);
  await conn.execDriverSql("SELECT 1");
  assert.deepEqual(log.splice(0), ["beforeCursorExecute", "afterCursorExecute"]);
  const stream = await conn.stream(ADULTS, { age: 25 });
  assert.deepEqual(log.splice(0), ["beforeExecute", "beforeCursorExecute", "afterCursorExecute", "afterExecute"]);
  assert.deepEqual(await stream.scalars().all(), ["Dan"]);
  await engine.execute(ADULTS, { age: 25 });
  // Its connection is shown, since somebody wants to see it.
  assert.deepEqual(log.splice(0), ["connect", "checkout", ...CALLS, "commit", "checkin"]);
  await conn.close();
  assert.deepEqual(log.splice(0), ["rollback", "checkin"]);
}));

test("a5_events what the events of a call say", onPeople(async (engine) => {
  const seen = [];
  for (const name of CALLS) engine.listen(name, (event) => void seen.push({ name, ...event }));
  const conn = await engine.connect();
  const result = await conn.execute(ADULTS, { age: 25 });
  const [before, begin, beforeCursor, afterCursor, after] = seen;
  for (const event of seen) assert.equal(event.connection, conn);
  assert.equal(begin.context, undefined);
  for (const event of [before, beforeCursor, afterCursor]) assert.equal(event.context, after.context);
  assert.deepEqual([before.statement, before.params], [ADULTS, { age: 25 }]);
  const { statement, params, many } = beforeCursor;
  assert.deepEqual([statement, params, many], [ADULTS.text, [25], false]);
  assert.deepEqual([afterCursor.statement, afterCursor.params, typeof afterCursor.milliseconds], [ADULTS.text, [25], "number"]);
  assert.equal(after.result, result);
  assert.deepEqual(names(result), ["Dan"]);
  const many_ = [{ name: "a" }, { name: "b\u00e9" }];
  await conn.execute(text("INSERT INTO users (name) VALUES (:name)"), many_);
  assert.deepEqual([seen.at(-1).params, seen.at(-2).params, seen.at(-2).many], [many_, [["a"], ["b\u00e9"]], true]);
  assert.deepEqual([beforeCursor.runs, seen.at(-2).runs], [1, 2]);
  const users = new Table("users", new MetaData(), new Column("id", Integer), new Column("age", Integer));
  await conn.execute(select(users.c.id).where(users.c.age.gt(25)));
  assert.deepEqual([seen.at(-2).statement, seen.at(-2).params], ["SELECT users.id FROM users WHERE users.age > ?", [25]]);
  await conn.close();
  // One message has no connection to show, nor a transaction that could be told of apart.
  seen.length = 0;
  await engine.execute(ADULTS, { age: 25 });
  assert.deepEqual(seen.map(({ name, connection }) => [name, connection]), CALLS.filter((name) => name !== "begin").map((name) => [name, null]));
}));

test("a5_events listeners put other statements and parameters in the place of those that are given", onPeople(async (engine) => {
  const rewrites = {
    beforeExecute: ({ statement, params }) => (statement === ADULTS ? { params: { ...params, age: 20 } } : undefined),
    beforeCursorExecute: async ({ statement }) => ({ statement: `${statement} DESC` }),
  };
  for (const [name, listener] of Object.entries(rewrites)) engine.listen(name, listener);
  const last = ({ statement, params }) => {
    assert.ok(statement.endsWith(" DESC"), "it sees what those before it made");
    assert.deepEqual(params, [20]);
    return { statement: statement.replace(":age", ":from"), params: { from: 25 } };
  };
  assert.deepEqual(names(await engine.execute(ADULTS, { age: 30 })), ["Dana", "Dan"]);
  engine.listen("beforeCursorExecute", last);
  assert.deepEqual(names(await engine.execute(ADULTS, { age: 30 })), ["Dan"]);
  engine.remove("beforeCursorExecute", last);
  engine.remove("beforeCursorExecute", rewrites.beforeCursorExecute);
  engine.listen("beforeExecute", () => ({ statement: COUNT, params: undefined }));
  assert.equal(await engine.scalar(ADULTS, { age: 30 }), 3);
  // The log tells what was sent, and so do errors.
  engine.listen("beforeCursorExecute", () => ({ statement: "SELECT nonsense" }));
  await assert.rejects(engine.execute(ADULTS, { age: 30 }), error(OperationalError, "no such column: nonsense\n[SQL: SELECT nonsense]"));
}));

test("a5_events what a listener throws or rejects with fails the call before anything is sent", async () => {
  const counter = counting();
  const engine = await fill(counter.engine);
  const conn = await engine.connect();
  await conn.rollback();
  const before = counter.frames;
  for (const name of ["beforeExecute", "begin", "beforeCursorExecute"]) {
    for (const listener of [() => { throw new Error(name); }, async () => { throw new Error(name); }]) {
      engine.listen(name, listener);
      await assert.rejects(conn.execute(ADULTS, { age: 1 }), { message: name });
      assert.deepEqual([counter.frames, conn.inTransaction()], [before, false]);
      engine.remove(name, listener);
    }
  }
  for (const [name, call] of [
    ["savepoint", () => conn.beginNested()],
    ["begin", () => conn.begin()],
    ["commit", () => conn.commit()],
    ["rollback", () => conn.rollback()],
    ["invalidate", () => conn.invalidate()],
  ]) {
    if (name === "commit") await conn.execute(COUNT);
    const sent = counter.frames;
    engine.listen(name, () => Promise.reject(new Error(name)), { once: true });
    await assert.rejects(call(), { message: name });
    assert.equal(counter.frames, sent, name);
  }
  assert.ok(conn.inTransaction());
  // What gives the connection back does so all the same.
  engine.listen("rollback", () => { throw new Error("mine"); });
  await assert.rejects(conn.close(), { message: "mine" });
  assert.deepEqual([conn.closed, engine.pool.checkedout()], [true, 0]);
  await assert.rejects(engine.begin(() => { throw new Error("the function's"); }), { message: "the function's" });
  assert.equal(engine.pool.checkedout(), 0);
  for (const name of ["connect", "checkout"]) {
    engine.listen(name, () => { throw new Error(name); });
    await engine.dispose({ close: false });
    await assert.rejects(engine.connect(), { message: name });
    assert.equal(engine.pool.checkedout(), 0);
    await engine.dispose();
    assert.equal(await engine.connect((next) => next.scalar(text("SELECT 1"))), 1);
  }
});

test("a5_events an error is replaced by what a listener of handleError returns or throws", onConnection(async (conn, engine) => {
  const seen = [];
  engine.listen("handleError", (event) => void seen.push({ ...event }));
  const twice = () => conn.execute(text("INSERT INTO users (id) VALUES (:id)"), { id: 1 });
  await assert.rejects(twice(), IntegrityError);
  const [{ error: thrown, original, isDisconnect, statement, params, connection }] = seen;
  assert.ok(thrown instanceof IntegrityError && original === thrown);
  assert.deepEqual([isDisconnect, statement, params, connection], [false, "INSERT INTO users (id) VALUES (:id)", { id: 1 }, conn]);
  class Taken extends Error {}
  engine.listen("handleError", async ({ original: cause }) => new Taken("taken", { cause }));
  engine.listen("handleError", ({ error: now, original: first }) => {
    assert.ok(now instanceof Taken && first !== now);
    if (conn.info.worse) throw new TypeError("worse");
  });
  await assert.rejects(twice(), (caught) => caught instanceof Taken && caught.cause instanceof IntegrityError);
  conn.info.worse = true;
  await assert.rejects(twice(), TypeError);
  // Commits fail, too; what the caller aborts is no error.
  seen.length = 0;
  await conn.rollback();
  await conn.execute(text("CREATE TABLE a (id INTEGER PRIMARY KEY REFERENCES users DEFERRABLE INITIALLY DEFERRED)"));
  await conn.execute(text("INSERT INTO a VALUES (7)"));
  conn.info.worse = false;
  await assert.rejects(conn.commit(), Taken);
  assert.deepEqual(seen.map(({ statement, original }) => [statement, original instanceof IntegrityError]), [[null, true]]);
  await conn.rollback();
  const reason = new Error("mine");
  await assert.rejects(conn.execute(COUNT, undefined, { signal: AbortSignal.abort(reason) }), (caught) => caught === reason);
  await assert.rejects(conn.execute(ADULTS, {}), Taken);
  assert.deepEqual(seen.slice(1).map(({ statement }) => statement), [null]);
}));

test("a5_events transactions and savepoints, by whatever they begin and end", onPeople(async (engine) => {
  const log = heard(engine, ["begin", "commit", "rollback", "savepoint", "releaseSavepoint", "rollbackSavepoint"]);
  const told = () => log.splice(0).join(" ");
  const conn = await engine.connect();
  // Statements that are not waited for begin one transaction.
  await Promise.all([conn.execute(INSERT), conn.execute(INSERT), conn.commit()]);
  assert.equal(told(), "begin commit");
  await conn.commit();
  await conn.rollback();
  assert.equal(told(), "", "nothing has begun");
  const transaction = await conn.begin();
  await assert.rejects(conn.begin());
  const savepoint = await conn.beginNested();
  await savepoint.rollback();
  await (await conn.beginNested()).commit();
  await transaction.commit();
  await transaction.rollback();
  assert.equal(told(), "begin savepoint rollbackSavepoint savepoint releaseSavepoint commit");
  await conn.beginNested(() => undefined);
  await conn.begin(() => assert.fail("it has begun")).catch(() => undefined);
  await conn.close();
  assert.equal(told(), "begin savepoint releaseSavepoint rollback");
  await engine.begin((inner) => inner.execute(INSERT));
  assert.equal(told(), "begin commit");
  await assert.rejects(engine.begin(() => Promise.reject(new Error("mine"))));
  assert.equal(told(), "begin rollback");
  const held = await engine.begin();
  await held.commit();
  assert.equal(engine.pool.checkedout(), 0);
  assert.equal(told(), "begin commit");
}));

test("a5_events savepoints are told with their object", onConnection(async (conn, engine) => {
  const seen = [];
  for (const name of ["releaseSavepoint", "rollbackSavepoint"]) engine.listen(name, ({ transaction }) => void seen.push(transaction));
  const savepoints = [await conn.beginNested(), await conn.beginNested()];
  await savepoints[1].rollback();
  await savepoints[0].commit();
  assert.deepEqual(seen.map((transaction, i) => transaction === savepoints[1 - i]), [true, true]);
}));

test("a5_events a connection is told of when it is opened, taken, given back and dropped", async () => {
  const engine = nodeEngine({ poolSize: 1 });
  const log = heard(engine, ["connect", "checkout", "checkin", "invalidate"]);
  const told = () => log.splice(0).join(" ");
  engine.listen("connect", ({ connection }) => connection.execDriverSql("PRAGMA recursive_triggers = 1"));
  await engine.connect((conn) => assert.equal(conn.inTransaction(), false));
  assert.equal(told(), "connect checkout checkin");
  await engine.execute(text("SELECT 1"));
  assert.equal(told(), "checkout checkin");
  await engine.connect(async (conn) => {
    assert.equal(await conn.scalar(text("PRAGMA recursive_triggers")), 1);
    await conn.invalidate();
  });
  assert.equal(told(), "checkout invalidate checkin");
  await engine.connect(() => undefined);
  assert.equal(told(), "connect checkout checkin");
  await engine.dispose();
  await engine.connect(() => undefined);
  assert.equal(told(), "", "dispose() ends all listening");
});

test("a5_events once is once, and who is removed is not called", onConnection(async (conn, engine) => {
  const log = [];
  const second = () => void log.push("second");
  engine.listen("beforeExecute", () => {
    log.push("first");
    engine.remove("beforeExecute", second);
  }, { once: true });
  engine.listen("beforeExecute", second);
  engine.listen("beforeExecute", second);
  await conn.execute(COUNT);
  assert.deepEqual(log, ["first"]);
  engine.listen("beforeExecute", second);
  await conn.execute(COUNT);
  assert.deepEqual(log, ["first", "second"]);
  const changes = [];
  await new Promise((resolve) => {
    engine.listen("change", (event) => void changes.push(event), { once: true });
    engine.listen("change", () => changes.length > 0 && ++changes.length === 3 && resolve());
    engine.execute(INSERT).then(() => engine.execute(INSERT));
  });
  assert.equal(changes.filter((event) => event !== undefined).length, 1);
}));

test("a5_events asynchronous listeners are waited for, one after the other", onConnection(async (conn, engine) => {
  const log = [];
  const later = (what) => new Promise((resolve) => queueMicrotask(() => resolve(void log.push(what))));
  engine.listen("beforeExecute", () => later("first"));
  engine.listen("beforeExecute", () => void log.push("second"));
  engine.listen("afterExecute", ({ result }) => (result.returnsRows ? later(result.scalar()) : undefined));
  await conn.execute(COUNT);
  assert.deepEqual(log, ["first", "second", 3]);
  // One that executes statements itself does not wait for itself.
  let inner = 0;
  engine.listen("beforeExecute", async ({ connection }) => {
    if (++inner > 1) return;
    await connection.execute(text("SELECT 'inner'"));
    log.push("outer");
  });
  assert.equal(await conn.execDriverSql("SELECT 1").then((result) => result.scalar()), 1);
  log.length = 0;
  await conn.execute(INSERT);
  assert.deepEqual(log, ["first", "second", "first", "second", "inner", "outer"]);
}));

test("a5_events slow statements, from as many milliseconds on as is said", onConnection(async (conn, engine) => {
  const [all, slow] = [[], []];
  engine.listen("slowStatement", (event) => void all.push(event), { threshold: 0 });
  engine.listen("slowStatement", (event) => void slow.push(event), { threshold: 1e9 });
  await conn.execute(ADULTS, { age: 25 });
  assert.deepEqual(all.map(({ statement, params, milliseconds }) => [statement, params, milliseconds >= 0]), [[ADULTS.text, [25], true]]);
  assert.deepEqual(slow, []);
  // What a statement failed with is said, be it that its caller gave it up, of which nobody else is told.
  await assert.rejects(conn.execute(text("SELECT nonsense")), (thrown) => thrown instanceof OperationalError && thrown === all.at(-1).error);
  const stop = new AbortController();
  const given = conn.execute(text("SELECT 1"), null, { signal: stop.signal });
  stop.abort(new RangeError("mine"));
  await assert.rejects(given, (thrown) => thrown instanceof RangeError && thrown === all.at(-1).error);
  assert.deepEqual([all.length, all[0].error], [3, null]);
}));

test("a5_events statements are measured where the option asks for it", async () => {
  performance.clearMeasures();
  const mine = () => performance.getEntriesByType("measure").filter(({ name }) => name.startsWith("aludel "));
  await fill(nodeEngine());
  assert.deepEqual(mine(), []);
  const engine = await fill(nodeEngine({ performanceMarks: true }));
  await assert.rejects(engine.execute(text("SELECT nonsense")));
  assert.deepEqual(mine().map(({ name, detail }) => [name, detail.many]), [
    ["aludel CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, age INTEGER)", false],
    ["aludel INSERT INTO users VALUES (1, 'Dan', 30), (2, 'Dana', 20), (3, 'Casey', NULL)", false],
    ["aludel SELECT nonsense", false],
  ]);
  performance.clearMeasures();
});

test("a5_events mistakes in listening are told", onPeople(async (engine) => {
  const listener = () => undefined;
  for (const [args, message] of [
    [["beforeexecute", listener], /No such event 'beforeexecute'; known are: change, .*beforeExecute, /],
    [["beforeExecute", "listener"], /a listener is a function, not string/],
    [["beforeExecute", listener, true], /the options of listen\(\) are an object, not boolean/],
    [["beforeExecute", listener, { threshold: 1 }], /Unknown option 'threshold' of listen\("beforeExecute"\); known are: once/],
    [["slowStatement", listener, { threshold: NaN }], /threshold is a number of milliseconds, not NaN/],
    [["begin", listener, { once: 1 }], /once is true or false, not number/],
  ]) {
    assert.throws(() => engine.listen(...args), error(ArgumentError, message));
  }
  assert.throws(() => nodeEngine({ performanceMarks: 1 }), error(ArgumentError, "performanceMarks is true or false, not number"));
  for (const [name, answer, message] of [
    ["beforeExecute", "SELECT 1", "returns nothing, or an object of statement and params, not string"],
    ["beforeCursorExecute", ["SELECT 1", []], "returns nothing, or an object of statement and params, not Array"],
    ["beforeCursorExecute", { statement: 1 }, "returns SQL as a string, not number"],
  ]) {
    engine.listen(name, () => answer, { once: true });
    await assert.rejects(engine.execute(COUNT), error(ArgumentError, message));
  }
}));
