// What becomes of calls whose listeners throw, and what is told of calls that are not waited for, on an engine in Node.
import assert from "node:assert/strict";
import test from "node:test";
import { load } from "./pkg.mjs";
import { COUNT, error, heard, INSERT, nodeEngine, onConnection, onPeople } from "./node_engine.mjs";

const { ArgumentError, Engine, IntegrityError, InvalidRequestError, OperationalError, ResourceClosedError, text } = await load("index.js");

const ADULTS = text("SELECT name FROM users WHERE age >= :age ORDER BY id");

/** Keeps what is reported as an error that nobody caught, while a function runs. */
async function reported(run) {
  const [errors, { error }] = [[], console];
  console.error = (thrown) => void errors.push(thrown.message);
  try {
    await run();
  } finally {
    console.error = error;
  }
  return errors;
}

const throwing = (message) => () => { throw new Error(message); };

test("a5_events a block whose commit a listener refuses is left and rolled back", onConnection(async (conn, engine) => {
  const log = heard(engine, ["rollback", "rollbackSavepoint"]);
  for (const [name, begin, told] of [["commit", "begin", "rollback"], ["releaseSavepoint", "beginNested", "rollbackSavepoint"]]) {
    for (const listener of [throwing(name), async () => throwing(name)()]) {
      engine.listen(name, listener, { once: true });
      await assert.rejects(conn[begin](() => conn.execute(INSERT)), { message: name });
      assert.deepEqual(log.splice(0), [told]);
      assert.equal(conn.inNestedTransaction(), false);
      assert.equal(await conn.scalar(COUNT), 3, "the connection can be used, and the block has left nothing");
      await conn.rollback();
      log.length = 0;
    }
  }
}));

test("a5_events what a function threw is thrown, whatever listeners of what ends then throw", onPeople(async (engine) => {
  engine.listen("rollback", throwing("rollback"));
  engine.listen("checkin", throwing("checkin"));
  const mine = { message: "mine" };
  const fails = async (conn) => {
    await conn.execute(INSERT);
    throw new Error("mine");
  };
  assert.deepEqual(await reported(() => assert.rejects(engine.connect(fails), mine)), ["rollback", "checkin"]);
  assert.deepEqual(await reported(() => assert.rejects(engine.begin(fails), mine)), ["rollback", "checkin"]);
  const twice = text("INSERT INTO users (id) VALUES (1)");
  assert.deepEqual(await reported(() => assert.rejects(engine.execute(twice), IntegrityError)), ["rollback", "checkin"]);
  engine.listen("begin", throwing("begin"), { once: true });
  assert.deepEqual(await reported(() => assert.rejects(engine.begin(), { message: "begin" })), ["checkin"]);
  // What was committed has not failed.
  assert.deepEqual(await reported(() => engine.begin((conn) => conn.execute(INSERT))), ["checkin"]);
  assert.deepEqual(await reported(async () => (await engine.begin()).commit()), ["checkin"]);
  assert.deepEqual(await reported(() => engine.execute(INSERT)), ["checkin"]);
  // Without another error, that of a rollback is thrown.
  assert.deepEqual(await reported(() => assert.rejects(engine.connect((conn) => conn.scalar(COUNT)), { message: "rollback" })), ["checkin"]);
  assert.equal(engine.pool.checkedout(), 0);
}));

test("a5_events a connection that a listener of connect refused is not given to the next one", async () => {
  const engine = nodeEngine({ poolSize: 1 });
  let told = 0;
  engine.listen("connect", () => {
    if (++told === 1) throw new Error("refused");
  });
  await assert.rejects(engine.connect(), { message: "refused" });
  assert.equal(engine.pool.checkedout(), 0);
  await engine.connect(() => undefined);
  assert.equal(told, 2);
  engine.listen("checkout", throwing("busy"), { once: true });
  await assert.rejects(engine.connect(), { message: "busy" });
  await engine.connect(() => undefined);
  assert.equal(told, 2, "this one was told of");
});

test("a5_events a connection that is closed twice at once is told of once, and is closed for both", onPeople(async (engine) => {
  const log = heard(engine, ["rollback"]);
  let tell;
  const told = new Promise((resolve) => { tell = resolve; });
  engine.listen("checkin", async ({ connection }) => {
    log.push("checkin");
    await told;
    assert.equal(connection.closed, false, "nobody closes it while somebody looks at it");
  });
  const conn = await engine.connect();
  await conn.execute(INSERT);
  const both = [conn.close(), conn.close()];
  tell();
  await Promise.race(both);
  assert.deepEqual([conn.closed, engine.pool.checkedout()], [true, 0]);
  await Promise.all([...both, conn.close()]);
  assert.deepEqual(log, ["rollback", "checkin"]);
}));

test("a5_events a call that is not waited for is counted once", onConnection(async (conn, engine) => {
  engine.listen("beforeExecute", () => undefined);
  for (const call of [() => conn.execute(INSERT), () => conn.execDriverSql("SELECT 1"), () => conn.stream(COUNT)]) {
    const left = conn.begin(() => void call().catch(() => undefined));
    await assert.rejects(left, error(InvalidRequestError, "returned while 1 of its calls still ran"));
  }
}));

test("a5_events a stream that nobody gets since a listener throws is closed", onConnection(async (conn, engine) => {
  let stream;
  engine.listen("afterExecute", ({ result }) => {
    stream = result;
    throw new Error("mine");
  }, { once: true });
  await assert.rejects(conn.stream(ADULTS, { age: 1 }), { message: "mine" });
  await assert.rejects(stream.fetchone(), error(ResourceClosedError, "This result object is closed"));
}));

test("a5_events handleError is told once of what fails, and not of what listeners throw", onConnection(async (conn, engine) => {
  const seen = [];
  engine.listen("handleError", ({ original }) => void seen.push(original.message));
  engine.listen("savepoint", () => { throw new ArgumentError("a listener's"); }, { once: true });
  await assert.rejects(conn.beginNested(), error(ArgumentError, "a listener's"));
  assert.deepEqual(seen, []);
  assert.equal(conn.inTransaction(), false);
  await conn.close();
  await assert.rejects(conn.beginNested(), ResourceClosedError);
  assert.equal(seen.length, 1);
}));

test("a5_events begin and commit are told where something begins and ends, waited for or not", onPeople(async (engine) => {
  const log = heard(engine, ["begin", "commit", "rollback", "savepoint"]);
  const told = () => log.splice(0).join(" ");
  const conn = await engine.connect();
  await Promise.all([conn.begin(), conn.execute(INSERT)]);
  assert.equal(told(), "begin");
  await conn.commit();
  await Promise.all([conn.begin(), conn.commit()]);
  await Promise.all([conn.execute(INSERT), conn.commit(), conn.execute(INSERT)]);
  await conn.rollback();
  assert.equal(told(), "commit begin commit begin commit begin rollback");
  await Promise.all([conn.beginNested(), conn.execute(INSERT)]);
  const transaction = conn.getTransaction();
  await Promise.all([transaction.commit(), transaction.rollback()]);
  assert.equal(told(), "begin savepoint commit");
  const reason = new Error("mine");
  const aborted = { signal: AbortSignal.abort(reason) };
  for (const call of [() => conn.execute(COUNT, undefined, aborted), () => conn.begin(aborted), () => conn.beginNested(aborted)]) {
    await assert.rejects(call(), reason);
  }
  await assert.rejects(conn.execute(COUNT, undefined, { nonsense: 1 }), error(ArgumentError, "Unknown call option 'nonsense'"));
  assert.equal(told(), "");
  // A listener of what comes after sees the transaction as it is.
  engine.listen("afterExecute", () => conn.commit(), { once: true });
  await conn.execute(INSERT);
  await conn.execute(COUNT);
  assert.equal(told(), "begin commit begin");
  await conn.close();
  assert.equal(told(), "rollback");
  for (const call of [() => conn.begin(), () => conn.beginNested(), () => conn.execute(COUNT)]) await assert.rejects(call(), ResourceClosedError);
  assert.equal(told(), "");
}));

test("a5_events calls that are not waited for may overtake one that waits for its listeners, and nothing is lost", onConnection(async (conn, engine) => {
  const log = heard(engine, ["begin", "commit"]);
  let tell;
  const told = new Promise((resolve) => { tell = resolve; });
  engine.listen("beforeExecute", () => told, { once: true });
  const insert = conn.execute(INSERT);
  await conn.commit();
  assert.deepEqual(log, [], "there was nothing yet to commit");
  tell();
  await insert;
  assert.ok(conn.inTransaction());
  await conn.commit();
  assert.deepEqual(log, ["begin", "commit"]);
  assert.equal(await engine.scalar(COUNT), 4);
}));

test("a5_events a warning is told once, and the one after many others, too", () => {
  const told = [];
  const engine = nodeEngine({ echo: ({ level, message }) => level === "WARNING" && void told.push(message) });
  const messages = Array.from({ length: 1200 }, (_, i) => `warning ${i}`);
  for (const message of messages) Engine.warn(engine, [message, message]);
  assert.deepEqual(told, messages);
});

test("a5_events parameters are shown as they were sent, whatever becomes of the caller's objects", onConnection(async (conn, engine) => {
  const seen = [];
  const keep = ({ params }) => void seen.push(params);
  engine.listen("afterCursorExecute", keep);
  const [params, sets] = [{ age: 25 }, [{ name: "a" }, { name: "b" }]];
  const calls = [conn.execute(ADULTS, params), conn.execute(text("INSERT INTO users (name) VALUES (:name)"), sets)];
  params.age = 99;
  sets.pop().name = "c";
  await Promise.all(calls);
  assert.deepEqual(seen.splice(0), [[25], [["a"], ["b"]]]);
  engine.listen("beforeCursorExecute", keep);
  await conn.execute(ADULTS, { age: 20 });
  assert.equal(seen[0], seen[1], "they are read once");
}));

test("a5_events statements that fail may be slow, too", onConnection(async (conn, engine) => {
  const slow = [];
  engine.listen("slowStatement", ({ statement, milliseconds }) => void slow.push([statement, milliseconds >= 0]), { threshold: 0 });
  await assert.rejects(conn.execute(text("SELECT nonsense")), OperationalError);
  assert.deepEqual(slow, [["SELECT nonsense", true]]);
  engine.listen("slowStatement", throwing("slow"), { threshold: 0 });
  assert.deepEqual(await reported(() => assert.rejects(conn.execute(text("SELECT nonsense")), OperationalError)), ["slow"]);
}));

test("a5_events what runs in no transaction needs AUTOCOMMIT where connections are listened to", onPeople(async (engine) => {
  const vacuum = text("VACUUM");
  await engine.execute(vacuum);
  engine.listen("checkout", () => undefined);
  await assert.rejects(engine.execute(vacuum), error(OperationalError, "cannot VACUUM from within a transaction"));
  await engine.executionOptions({ isolationLevel: "AUTOCOMMIT" }).execute(vacuum);
}));

test("a5_events a listener that closes the connection itself is not told again, and does not wait for itself", onPeople(async (engine) => {
  const log = heard(engine, ["rollback", "checkin"]);
  for (const name of ["rollback", "checkin"]) engine.listen(name, async ({ connection }) => connection.close());
  const conn = await engine.connect();
  await conn.execute(INSERT);
  await conn.close();
  assert.deepEqual([log, conn.closed, engine.pool.checkedout()], [["rollback", "checkin"], true, 0]);
  assert.equal(await engine.scalar(COUNT), 3);
}));

test("a5_events who waits for the end of a statement hears of it, also when another one who listens throws", onPeople(async (engine) => {
  const ends = [];
  engine.listen("afterCursorExecute", throwing("mine"));
  engine.listen("slowStatement", ({ error }) => void ends.push(error), { threshold: 0 });
  await assert.rejects(engine.connect((conn) => conn.execute(ADULTS, { age: 25 })), { message: "mine" });
  assert.deepEqual(ends, [null]);
}));

test("a5_events what a listener puts in the place of a long list is executed, also if it listens since the call only", onConnection(async (conn, engine) => {
  engine.listen("begin", () => engine.listen("beforeCursorExecute", () => ({ params: [["one"]] }), { once: true }), { once: true });
  const long = Array.from({ length: 50_000 }, (_, i) => [`long ${i}`]);
  await conn.execDriverSql("INSERT INTO users (name) VALUES (?)", long);
  assert.deepEqual((await conn.execute(text("SELECT name FROM users WHERE id > 3"))).scalars().all(), ["one"]);
}));
