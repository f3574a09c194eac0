// Connections: A3.16 to A3.24, A5.01 to A5.06, and the same of the ancestors; on a real SQLite, in a thread of Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { COUNT, error, fill, INSERT, nodeEngine, onConnection, onPeople } from "./node_engine.mjs";
import { load } from "./pkg.mjs";

const {
  ArgumentError, IntegrityError, InvalidRequestError, PendingRollbackError, ProgrammingError, ResourceClosedError, StatementError, text,
} = await load("index.js");
const ONE = text("SELECT 1");
const NAMES = text("SELECT name FROM users ORDER BY id");
const ENDLESS = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c");

/** An engine with its log, without the lines of parameters. */
function logged(more = {}) {
  const lines = [];
  const echo = ({ message }) => /\[(generated|cached|raw) /.test(message) || lines.push(message);
  return { engine: nodeEngine({ ...more, echo }), lines };
}

test("a3_16 a0_07 execute takes no parameters, one set or many", onConnection(async (conn) => {
  const byId = text("SELECT name FROM users WHERE id = :id");
  assert.deepEqual((await conn.execute(byId, { id: 2 })).all().map((row) => [...row]), [["Dana"]]);
  const add = text("INSERT INTO users (name, age) VALUES (:name, :age)");
  assert.equal((await conn.execute(add, [{ name: "Eve", age: 1 }, { name: "Fay", age: 2 }])).rowcount, 2);
  assert.equal(await conn.scalar(COUNT), 5);
  await assert.rejects(conn.execute(add, [{ name: "Gus", age: 1 }, { name: "Hal" }]), error(StatementError, "'age', in parameter group 1"));
  await assert.rejects(conn.execute(byId, [{ id: 1 }, { id: 2 }]), error(ProgrammingError, "executemany() can only execute DML"));
  // A statement that fails leaves the transaction, and the connection, as they were.
  await assert.rejects(conn.execute(text("INSERT INTO users (id) VALUES (1)")), error(IntegrityError, "UNIQUE"));
  assert.deepEqual([conn.inTransaction(), await conn.scalar(COUNT)], [true, 5]);
}));

test("a3_17 a0_05 a3_75 a4_14 begin is an error while a transaction is open", onConnection(async (conn) => {
  const already = /^This connection has already initialized a SQLAlchemy Transaction\(\) object via begin\(\) or autobegin.*beginNested\(\)/;
  const transaction = await conn.begin();
  await assert.rejects(conn.begin(), error(InvalidRequestError, already));
  await transaction.rollback();
  await conn.execute(ONE);
  await assert.rejects(conn.begin(), error(InvalidRequestError, already));
  await conn.rollback();
  await (await conn.begin()).commit();
  await conn.close();
  await assert.rejects(conn.begin(), error(ResourceClosedError, "This Connection is closed"));
}));

test("a3_18 the first call begins a transaction, really", async () => {
  for (const how of ["execute", "execDriverSql", "beginNested"]) {
    const { engine, lines } = logged();
    await engine.connect(async (conn) => {
      if (how === "execute") await conn.execute(text("CREATE TABLE t (x)"));
      else if (how === "execDriverSql") await conn.execDriverSql("CREATE TABLE t (x)");
      else await conn.beginNested(() => conn.execute(text("CREATE TABLE t (x)")));
      assert.equal(conn.inTransaction(), true, how);
      assert.equal(lines[0], "BEGIN (implicit)", how);
      await conn.rollback();
      assert.equal(await engine.hasTable("t"), false, `${how}: SQLite began it, too`);
    });
    await engine.dispose();
  }
});

test("a3_19 commit and rollback end the transaction and all savepoints", onConnection(async (conn) => {
  await conn.commit();
  await conn.rollback();
  for (const end of ["commit", "rollback"]) {
    const before = await conn.scalar(COUNT);
    const savepoint = await conn.beginNested();
    await conn.execute(INSERT);
    await conn[end]();
    assert.deepEqual([savepoint.isActive, conn.inNestedTransaction(), conn.inTransaction()], [false, false, false]);
    await assert.rejects(savepoint.commit(), error(InvalidRequestError, "This nested transaction is inactive"));
    assert.equal(await conn.scalar(COUNT), before + (end === "commit" ? 1 : 0));
    await conn.rollback();
  }
}));

test("a3_19 calls that are not waited for commit and roll back what was executed before them", onConnection(async (conn) => {
  await Promise.all([conn.execute(INSERT), conn.commit(), conn.execute(INSERT), conn.commit()]);
  assert.deepEqual([conn.inTransaction(), await conn.scalar(COUNT)], [false, 5]);
  await conn.commit();
  await Promise.all([conn.execute(INSERT), conn.commit(), conn.execute(INSERT), conn.rollback()]);
  assert.deepEqual([conn.inTransaction(), await conn.scalar(COUNT)], [false, 6]);
}));

test("a3_20 a1_14 a4_16 a4_17 close rolls back and can be called again", onPeople(async (engine) => {
  const conn = await engine.connect();
  await conn.execute(INSERT);
  const stream = await conn.stream(ENDLESS);
  assert.equal(conn.closed, false);
  await conn.close();
  await conn.close();
  assert.deepEqual([conn.closed, conn.inTransaction()], [true, false]);
  await assert.rejects(conn.execute(ONE), error(ResourceClosedError, "This Connection is closed"));
  // What had arrived may still be read; then it says why nothing follows.
  await assert.rejects(stream.fetchall(), error(ResourceClosedError, "Its connection was closed."));
  assert.deepEqual([await engine.scalar(COUNT), engine.pool.checkedout()], [3, 0]);
}));

test("a3_21 a1_16 a4_10 a4_23 scalar gives the first column of the first row, or null", onConnection(async (conn, engine) => {
  for (const [sql, expected] of [
    ["SELECT id, name FROM users ORDER BY id DESC", 3],
    ["SELECT id FROM users WHERE id = 99", null],
    ["SELECT NULL", null],
  ]) {
    assert.equal(await conn.scalar(text(sql)), expected, sql);
    assert.equal(await engine.scalar(text(sql)), expected, sql);
  }
  await assert.rejects(conn.scalar(INSERT), error(ResourceClosedError, "does not return rows"));
}));

test("a3_22 the transaction that is open can be had again", onConnection(async (conn) => {
  assert.equal(conn.getTransaction(), null);
  const transaction = await conn.begin();
  assert.equal(conn.getTransaction(), transaction);
  await conn.execute(INSERT);
  await conn.getTransaction().commit();
  assert.deepEqual([transaction.isActive, conn.getTransaction()], [false, null]);
  assert.equal(await conn.scalar(COUNT), 4);
  const begun = conn.getTransaction();
  assert.deepEqual([begun !== null, begun === conn.getTransaction()], [true, true], "by autobegin");
}));

test("a3_23 a4_15 savepoints are counted from one and end with the one around them", async () => {
  const { engine, lines } = logged();
  await fill(engine);
  await engine.connect(async (conn) => {
    lines.length = 0;
    const outer = await conn.beginNested();
    assert.equal(conn.inTransaction(), true, "it begins the transaction, too");
    const inner = await conn.beginNested();
    await conn.execute(INSERT);
    await outer.rollback();
    assert.equal(inner.isActive, false, "what was inside is over");
    await assert.rejects(inner.commit(), error(InvalidRequestError, "This nested transaction is inactive"));
    await conn.beginNested(() => conn.execute(INSERT));
    await conn.commit();
    assert.equal(await conn.scalar(COUNT), 4);
  });
  assert.deepEqual(lines.filter((line) => line.includes("SAVEPOINT")), [
    "SAVEPOINT sa_savepoint_1",
    "SAVEPOINT sa_savepoint_2",
    "ROLLBACK TO SAVEPOINT sa_savepoint_1",
    "SAVEPOINT sa_savepoint_3",
    "RELEASE SAVEPOINT sa_savepoint_3",
  ]);
  await engine.dispose();
});

test("a3_24 a4_13 a4_20 a connection tells what it is at", onConnection(async (conn, engine) => {
  assert.deepEqual([conn.inTransaction(), conn.inNestedTransaction(), conn.getNestedTransaction()], [false, false, null]);
  assert.deepEqual((await conn.scalars(NAMES)).all(), ["Dan", "Dana", "Casey"]);
  assert.deepEqual(await (await conn.streamScalars(NAMES)).all(), ["Dan", "Dana", "Casey"]);
  const savepoint = await conn.beginNested();
  assert.deepEqual([conn.inTransaction(), conn.inNestedTransaction()], [true, true]);
  assert.equal(conn.getNestedTransaction(), savepoint);
  assert.notEqual(conn.getTransaction(), savepoint);
  await savepoint.rollback();
  assert.deepEqual([conn.inTransaction(), conn.inNestedTransaction()], [true, false]);
  assert.deepEqual([conn.getIsolationLevel(), conn.defaultIsolationLevel], ["SERIALIZABLE", "SERIALIZABLE"]);
  assert.deepEqual([conn.closed, conn.invalidated, conn.engine === engine], [false, false, true]);
}));

test("a5_01 a4_06 a stream that is left closes its cursor", onConnection(async (conn) => {
  for (const leave of [
    async (stream) => { for await (const row of stream) if (row !== undefined) break; },
    async (stream) => { await stream.fetchmany(1); await stream[Symbol.asyncDispose](); },
    async (stream) => { await stream.scalars().first(); },
  ]) {
    const stream = await conn.stream(NAMES);
    await leave(stream);
    assert.equal(stream.closed, true);
    await assert.rejects(stream.fetchone(), error(ResourceClosedError, "This result object is closed."));
    // A cursor that is open on a table keeps it from being dropped.
    await conn.execute(text("DROP TABLE users"));
    await conn.rollback();
  }
}));

test("a5_02 driver SQL goes to SQLite as it is", onConnection(async (conn) => {
  assert.deepEqual([...(await conn.execDriverSql("SELECT ? + ?, ':no'", [1, 2])).one()], [3, ":no"]);
  assert.equal((await conn.execDriverSql("INSERT INTO users (name) VALUES (?)", [["Eve"], ["Fay"]])).rowcount, 2);
  await assert.rejects(conn.execDriverSql("SELECT 1; SELECT 2"), error(ProgrammingError, "You can only execute one statement at a time."));
  assert.equal((await conn.execDriverSql("")).returnsRows, false);
  await assert.rejects(conn.execDriverSql(ONE), error(ArgumentError, "execDriverSql() takes a string of SQL"));
  assert.equal(await conn.scalar(COUNT), 5);
}));

test("a5_03 a call takes a signal, a time limit and yieldPer, and says what else is not taken", onConnection(async (conn, engine) => {
  for (const [options, message] of [
    [{ executionOptions: { isolationLevel: "AUTOCOMMIT" } }, "'isolationLevel' of a call; known are: yieldPer; set it with conn.executionOptions() before the transaction"],
    [{ executionOptions: { loggingToken: "a" } }, "Unknown execution option 'loggingToken' of a call; known are: yieldPer"],
    [{ executionOptions: { yieldPer: 1.5 } }, "yieldPer is a positive integer, not 1.5"],
    [{ timeOut: 5 }, "Unknown call option 'timeOut'; known are: executionOptions, signal, timeout"],
    [{ timeout: 0 }, "timeout is a number of milliseconds greater than 0"],
    [{ signal: {} }, "signal is an AbortSignal"],
    [5, "the options of a call are an object"],
  ]) {
    await assert.rejects(conn.execute(ONE, null, options), error(ArgumentError, message));
    await assert.rejects(engine.scalar(ONE, null, options), error(ArgumentError, message));
  }
  await assert.rejects(conn.execute(ENDLESS, null, { timeout: 20 }), { name: "TimeoutError" });
  await assert.rejects(conn.execute(ONE, null, { signal: AbortSignal.abort(new RangeError("mine")) }), RangeError);
}));

test("a5_03 execution options hold for what follows on a connection", async () => {
  const { engine, lines } = logged();
  await fill(engine);
  await engine.connect(async (conn) => {
    assert.equal(await conn.executionOptions({ yieldPer: 2, loggingToken: "job 7" }), conn);
    const mine = conn.getExecutionOptions();
    assert.deepEqual(mine, { yieldPer: 2, loggingToken: "job 7", isolationLevel: "SERIALIZABLE" });
    lines.length = 0;
    const all = text("SELECT * FROM users");
    assert.equal((await conn.execute(all)).fetchmany().length, 2);
    assert.equal((await conn.execDriverSql("SELECT * FROM users")).fetchmany().length, 2);
    assert.equal((await (await conn.stream(all)).fetchmany()).length, 2);
    assert.equal((await conn.execute(all, null, { executionOptions: { yieldPer: 3 } })).fetchmany().length, 3, "of a call");
    await conn.rollback();
    assert.deepEqual([lines[0], lines[1], lines.at(-1)], ["[job 7] BEGIN (implicit)", "[job 7] SELECT * FROM users", "[job 7] ROLLBACK"]);
    // An error changes nothing.
    await conn.execute(ONE);
    for (const [options, errorClass, message] of [
      [{ isolationLevel: "AUTOCOMMIT", yieldPer: 9 }, InvalidRequestError, "isolation_level may not be altered"],
      [{ yieldPer: 0 }, ArgumentError, "yieldPer is a positive integer"],
      [{ loggingToken: 7 }, ArgumentError, "loggingToken is a text"],
      [{ streamResults: true }, ArgumentError, "Unknown execution option 'streamResults'; known are: isolationLevel, yieldPer, loggingToken"],
      ["AUTOCOMMIT", ArgumentError, "execution options are an object"],
    ]) {
      await assert.rejects(conn.executionOptions(options), error(errorClass, message));
    }
    assert.deepEqual(conn.getExecutionOptions(), mine);
  });
  await engine.connect((conn) => assert.deepEqual(conn.getExecutionOptions(), { isolationLevel: "SERIALIZABLE" }, "until it is closed"));
  await engine.dispose();
});

test("a5_04 an invalidated connection connects again, after its transaction was rolled back", onConnection(async (conn) => {
  await conn.execute(INSERT);
  const transaction = conn.getTransaction();
  await conn.invalidate();
  assert.deepEqual([conn.invalidated, conn.closed, transaction.isActive, transaction.isValid], [true, false, false, false]);
  await assert.rejects(conn.execute(ONE),
    error(PendingRollbackError, "Can't reconnect until invalid transaction is rolled back.", ({ code }) => code === "8s2b"));
  await conn.rollback();
  assert.deepEqual([await conn.scalar(COUNT), conn.invalidated], [3, false], "what was not committed is gone");
}));

test("a5_05 info stays with the connection of the pool", onPeople(async (engine) => {
  const uses = () => engine.connect((conn) => (conn.info.uses = (conn.info.uses ?? 0) + 1));
  assert.deepEqual([await uses(), await uses(), await uses()], [1, 2, 3]);
  await engine.connect(async (conn) => {
    await conn.invalidate();
    await conn.execute(ONE);
    assert.deepEqual(conn.info, {}, "another connection has nothing of it");
  });
}, { poolSize: 1 }));

test("a5_06 isolation levels hold until the connection is closed", onPeople(async (engine) => {
  const [a, b] = [await engine.connect(), await engine.connect()];
  await a.executionOptions({ isolationLevel: "AUTOCOMMIT" });
  await a.execute(INSERT);
  assert.equal(await b.scalar(COUNT), 4, "committed at once");
  await a.rollback();
  await assert.rejects(b.executionOptions({ isolationLevel: "AUTOCOMMIT" }),
    error(InvalidRequestError, "isolation_level may not be altered unless rollback() or commit() is called first"));
  await b.rollback();
  for (const isolationLevel of ["READ UNCOMMITTED", "SERIALIZABLE"]) {
    await b.executionOptions({ isolationLevel });
    await b.execute(INSERT);
    assert.equal(await a.scalar(COUNT), 4, "snapshots, whatever the level");
    await b.rollback();
  }
  await a.close();
  await b.close();
  await engine.connect((conn) => assert.equal(conn.getIsolationLevel(), "SERIALIZABLE"));
  await engine.connect((conn) =>
    assert.rejects(conn.executionOptions({ isolationLevel: "SNAPSHOT" }), error(ArgumentError, "Invalid value 'SNAPSHOT' for isolation_level.")));
}));

test("a3_25 a4_37 a transaction that has ended cannot be committed", onConnection(async (conn) => {
  for (const [begin, message] of [["begin", "This transaction is inactive"], ["beginNested", "This nested transaction is inactive"]]) {
    for (const end of ["commit", "rollback", "close"]) {
      const transaction = await conn[begin]();
      await transaction[end]();
      await assert.rejects(transaction.commit(), error(InvalidRequestError, message));
      await conn.rollback();
    }
  }
  const transaction = await conn.begin();
  await conn.execute(INSERT);
  await assert.rejects(conn.execute(text("INSERT OR ROLLBACK INTO users (id) VALUES (1)")), error(IntegrityError, "UNIQUE"));
  await assert.rejects(transaction.commit(), error(PendingRollbackError, "Can't reconnect until invalid", ({ code }) => code === "8s2b"));
  await transaction.rollback();
  assert.equal(await conn.scalar(COUNT), 3);
}));

test("a3_26 a4_38 rollback undoes what was done since, and can be called again", onConnection(async (conn) => {
  for (const nested of [false, true]) {
    if (nested) await conn.execute(INSERT);
    const transaction = await (nested ? conn.beginNested() : conn.begin());
    await conn.execute(INSERT);
    await transaction.rollback();
    await transaction.rollback();
    assert.equal(await conn.scalar(COUNT), nested ? 4 : 3);
    await conn.rollback();
  }
  const transaction = await conn.begin();
  await conn.execute(INSERT);
  await transaction.commit();
  await transaction.rollback();
  assert.equal(await conn.scalar(COUNT), 4, "after a commit it does nothing");
}));

test("a3_27 a4_36 close, and the end of a block, roll back and touch no transaction around it", onConnection(async (conn) => {
  const transaction = await conn.begin();
  await conn.execute(INSERT);
  for (const end of ["close", Symbol.asyncDispose]) {
    const savepoint = await conn.beginNested();
    await conn.execute(INSERT);
    await savepoint[end]();
    await savepoint[end]();
    assert.deepEqual([transaction.isActive, await conn.scalar(COUNT)], [true, 4]);
  }
  await transaction.commit();
  await transaction.close();
  assert.equal(await conn.scalar(COUNT), 4);
}));

test("a3_28 a transaction tells what it is", onConnection(async (conn) => {
  for (const nested of [false, true]) {
    const transaction = await (nested ? conn.beginNested() : conn.begin());
    assert.deepEqual([transaction.isActive, transaction.isValid, transaction.nested, transaction.connection === conn], [true, true, nested, true]);
    await transaction.rollback();
    assert.deepEqual([transaction.isActive, transaction.isValid], [false, false]);
    await conn.rollback();
  }
}));

test("a3_29 a block whose transaction has ended takes no statements", onConnection(async (conn) => {
  for (const end of ["commit", "rollback"]) {
    const block = conn.begin(async (transaction) => {
      await conn.execute(INSERT);
      await transaction[end]();
      await conn.execute(ONE);
    });
    await assert.rejects(block, error(InvalidRequestError, "Can't operate on closed transaction inside context manager."));
    await conn.execute(ONE);
    await conn.rollback();
  }
  assert.equal(await conn.scalar(COUNT), 4, "what was committed inside stays");
}));

test("a0_06 a1_15 a block commits, and an error of the commit is told", onConnection(async (conn) => {
  assert.equal(await conn.begin(async () => { await conn.execute(INSERT); return 7; }), 7);
  const boom = new Error("boom");
  await assert.rejects(conn.begin(async () => { await conn.execute(INSERT); throw boom; }), (thrown) => thrown === boom);
  assert.equal(await conn.scalar(COUNT), 4);
  await conn.rollback();
  // A foreign key that is looked at last fails the commit itself.
  await conn.execute(text("CREATE TABLE notes (u INTEGER REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED)"));
  await conn.commit();
  await assert.rejects(conn.begin(() => conn.execute(text("INSERT INTO notes VALUES (99)"))), error(IntegrityError, "FOREIGN KEY constraint failed"));
  assert.deepEqual([conn.inTransaction(), await conn.scalar(text("SELECT count(*) FROM notes"))], [false, 0]);
}));
