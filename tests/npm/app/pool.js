// The pool: its options and classes, who waits for whom, and who listens.
import {
  ArgumentError, AssertionPool, AsyncAdaptedQueuePool, createEngine, InvalidRequestError, NullPool, OperationalError,
  PendingRollbackError, QueuePool, ResourceClosedError, StaticPool, text, TimeoutError,
} from "aludel";
import { equal, ok, thrownBy, throws } from "./check.js";
import { counting } from "./session.js";

const select = text("SELECT 1");
const insert = text("INSERT INTO t VALUES (1)");
const place = /:\d+:\d+\)?$/;

/** The events of a name that an engine tells. */
function heard(engine, name) {
  const events = [];
  engine.listen(name, (event) => events.push(event));
  return events;
}

export const pool = {
  async "a3_04 a3_05 a5_17 the pool tells its status as SQLAlchemy does"() {
    await using engine = createEngine("sqlite://", { poolSize: 2, maxOverflow: 1, poolTimeout: 0.3 });
    const status = (idle, overflow, used) =>
      `Pool size: 2  Connections in pool: ${idle} Current Overflow: ${overflow} Current Checked out connections: ${used}`;
    equal(engine.pool.status(), status(0, -2, 0));
    const held = [await engine.connect(), await engine.connect(), await engine.connect()];
    equal(engine.pool.status(), status(0, 1, 3));
    const { pool } = engine;
    equal([pool.size(), pool.checkedin(), pool.checkedout(), pool.overflow(), pool.timeout()], [2, 0, 3, 1, 0.3]);
    const error = await throws(TimeoutError, /^QueuePool limit of size 2 overflow 1 reached, connection timed out, timeout 0.30$/m, () =>
      engine.connect());
    equal(error.code, "3o7r");
    for (const conn of held) await conn.close();
    equal(engine.pool.status(), status(2, 0, 0));
    await using endless = createEngine("sqlite://", { poolSize: 1, maxOverflow: -1 });
    const all = await Promise.all([1, 2, 3, 4].map(() => endless.connect()));
    equal([endless.pool.checkedout(), endless.pool.overflow()], [4, 3]);
    for (const conn of all) await conn.close();
  },

  async "a5_16 pool classes, by name or constant"() {
    for (const [poolClass, status, numbers] of [
      [QueuePool, "Pool size: 4  Connections in pool: 0 Current Overflow: -3 Current Checked out connections: 1", [4, 1, -3, 30]],
      [AsyncAdaptedQueuePool, "Pool size: 4  Connections in pool: 0 Current Overflow: -3 Current Checked out connections: 1", [4, 1, -3, 30]],
      [NullPool, "NullPool", [0, 1, 0, 0]],
      [StaticPool, "StaticPool", [1, 1, 0, 30]],
      [AssertionPool, "AssertionPool", [1, 1, 0, 0]],
    ]) {
      await using engine = createEngine("sqlite://", { poolClass, poolPrePing: true, poolRecycle: 3600, poolResetOnReturn: null });
      await engine.execute(text("CREATE TABLE t (x)"));
      const conn = await engine.connect();
      const { pool } = engine;
      equal([pool.status(), [pool.size(), pool.checkedout(), pool.overflow(), pool.timeout()]], [status, numbers]);
      if (poolClass === AssertionPool) {
        const error = await throws(InvalidRequestError, /^connection is already checked out at:\n/, () => engine.connect());
        ok(place.test(error.message), error.message);
      }
      await conn.execute(insert);
      await conn.close();
      equal(await engine.scalar(text("SELECT count(*) FROM t")), 0, poolClass);
    }
  },

  async "a5_16 options that do not fit are errors that name them"() {
    const make = (options) => () => createEngine("sqlite://", options);
    await throws(ArgumentError, /^Invalid argument\(s\) 'poolSize','poolTimeout' sent to createEngine\(\), using configuration SQLiteDialect_aludel\/NullPool\/Engine\. {2}Please check/, make({ poolTimeout: 30, poolClass: "NullPool", poolSize: 4 }));
    await throws(ArgumentError, /^Invalid argument\(s\) 'maxOverflow' .*\/StaticPool\//, make({ poolClass: StaticPool, maxOverflow: 0 }));
    await throws(ArgumentError, /'poolClass' takes "QueuePool" or "NullPool" or .*, not "SingletonThreadPool"/, make({ poolClass: "SingletonThreadPool" }));
    await throws(ArgumentError, /'poolClass' takes no function/, make({ poolClass: class QueuePool {} }));
    await throws(ArgumentError, /^Invalid value for 'reset_on_return': 'frob'$/, make({ poolResetOnReturn: "frob" }));
    await throws(ArgumentError, /'poolRecycle' takes a number of seconds, zero or more, not -2/, make({ poolRecycle: -2 }));
    await throws(ArgumentError, /'poolPrePing' takes true or false, not null/, make({ poolPrePing: null }));
    await throws(ArgumentError, /'logLimit' takes an integer/, make({ logLimit: 0.5 }));
    await throws(ArgumentError, /'idleTransactionTimeout' takes a number of seconds/, make({ idleTransactionTimeout: "1" }));
    for (const poolResetOnReturn of ["rollback", "commit", null, true, false]) make({ poolResetOnReturn, poolRecycle: -1 })();
  },

  async "a3_07 a3_08 a ping is a frame, and recycling opens anew"() {
    const pinging = counting({ poolSize: 1, poolPrePing: true });
    const plain = counting({ poolSize: 1 });
    const recycling = counting({ poolSize: 1, poolRecycle: 0 });
    for (const [counter, frames] of [[pinging, 1], [plain, 0], [recycling, 2]]) {
      await (await counter.engine.connect()).close();
      equal(await counter.during(async () => (await counter.engine.connect()).close()), frames);
      equal(await counter.engine.scalar(select), 1);
      await counter.engine.dispose();
    }
  },

  async "a3_08 the connection that came back last is given first with poolUseLifo"() {
    for (const [poolUseLifo, given] of [[false, "first"], [true, "last"]]) {
      await using engine = createEngine("sqlite://", { poolUseLifo });
      const [first, last] = [await engine.connect(), await engine.connect()];
      for (const [conn, name] of [[first, "first"], [last, "last"]]) {
        await conn.execute(text(`CREATE TEMP TABLE ${name} (x)`));
        await conn.commit();
        await conn.close();
      }
      equal(await engine.connect((conn) => conn.scalar(text("SELECT name FROM sqlite_temp_master"))), given);
    }
  },

  async "a5_05 info lives with the pooled connection"() {
    await using engine = createEngine("sqlite://", { poolSize: 1 });
    const conn = await engine.connect();
    conn.info.note = "kept";
    equal(conn.info === conn.info, true);
    await conn.close();
    await throws(ResourceClosedError, /^This Connection is closed$/, () => conn.info);
    equal(await engine.connect((conn) => ({ ...conn.info })), { note: "kept" });
  },

  async "who holds what is said with the lines that took it"() {
    await using engine = createEngine("sqlite://", { poolSize: 2, poolTimeout: 1.3 });
    const blocked = heard(engine, "blocked");
    const idle = await engine.connect();
    const error = await throws(TimeoutError, /^QueuePool limit/, () => engine.begin(() => engine.connect((conn) => conn.scalar(select))));
    const lines = error.message.split("\n").slice(1);
    equal(lines.length, 2);
    for (const line of lines) ok(/^\[taken \d+\.\d s ago at .*pool\.js:\d+:\d+\)?, idle for \d+\.\d s\]$/.test(line), line);
    equal(blocked.length, 1);
    const { what, waited, waiter, holders, logBytes } = blocked[0];
    equal([what, waiter.tab, holders.length, logBytes], ["pool", "this", 2, 0]);
    ok(waited >= 1000, `waited ${waited}`);
    for (const holder of holders) {
      ok(holder.age >= waited && holder.idle >= waited && holder.tab === "this", JSON.stringify(holder));
      ok(/pool\.js:\d+:\d+\)?$/.test(holder.site) && holder.site !== waiter.site, `${holder.site} and ${waiter.site}`);
    }
    ok(/pool\.js:\d+:\d+\)?$/.test(waiter.site), waiter.site);
    ok(Object.isFrozen(blocked[0]) && Object.isFrozen(holders) && Object.isFrozen(holders[0]), "events are frozen");
    await idle.close();
    equal(engine.pool.checkedout(), 0);
  },

  async "a begin inside a begin that waits for the write lock is told who has it"() {
    await using engine = createEngine(`sqlite:///pool/blocked-${Date.now()}.db`, { poolSize: 2, lockTimeout: 1.5 });
    await engine.execute(text("CREATE TABLE t (x)"));
    const blocked = heard(engine, "blocked");
    const error = await thrownBy(() => engine.begin(async (conn) => {
      await conn.execute(insert);
      await engine.begin((conn) => conn.execute(insert));
    }));
    ok(error instanceof OperationalError || error instanceof TimeoutError, `${error}`);
    equal([blocked.length, blocked[0]?.what, blocked[0]?.holders.length], [1, "writeLock", 1]);
    const { waited, waiter, holders: [holder] } = blocked[0];
    ok(/pool\.js:\d+:\d+\)?$/.test(holder.site) && /pool\.js:\d+:\d+\)?$/.test(waiter.site), `${holder.site} and ${waiter.site}`);
    ok(holder.site !== waiter.site && holder.tab === "this" && waiter.tab === "this", "two lines of this tab");
    ok(waited >= 1000 && holder.age >= waited, `${waited} and ${holder.age}`);
    ok(error.message.includes(holder.site), error.message);
    equal(await engine.scalar(text("SELECT count(*) FROM t")), 0);
  },

  async "a transaction that is idle for too long makes way, and rollback() makes its connection usable"() {
    await using engine = createEngine(`sqlite:///pool/idle-${Date.now()}.db`, { poolSize: 2, idleTransactionTimeout: 0.2 });
    await engine.execute(text("CREATE TABLE t (x)"));
    await using idle = await engine.connect();
    await idle.execute(insert);
    const transaction = idle.getTransaction();
    await engine.execute(insert);
    await throws(OperationalError, /idle/, () => idle.execute(insert));
    equal([transaction.isActive, idle.inTransaction()], [false, false]);
    await throws(PendingRollbackError, /rolled back/, () => idle.execute(insert));
    await idle.rollback();
    await idle.execute(insert);
    await idle.commit();
    equal(await engine.scalar(text("SELECT count(*) FROM t")), 2);
  },

  async "onChange tells which tables a commit changed"() {
    await using engine = createEngine(`sqlite:///pool/changes-${Date.now()}.db`);
    await engine.execute(text("CREATE TABLE a (id INTEGER PRIMARY KEY)"));
    await engine.execute(text("CREATE TABLE b (a REFERENCES a ON DELETE CASCADE)"));
    let told;
    const next = () => new Promise((resolve) => (told = resolve));
    const seen = [];
    const stop = engine.onChange((change) => {
      seen.push(change);
      told?.();
    });
    const also = engine.onChange(() => undefined);
    await engine.begin(async (conn) => {
      await conn.execute(text("INSERT INTO a VALUES (1)"));
      await conn.execute(text("INSERT INTO b VALUES (1)"));
    });
    while (seen.length < 1) await next();
    await engine.execute(text("DELETE FROM a"));
    while (seen.length < 2) await next();
    await engine.execute(text("CREATE INDEX i ON b (a)"));
    while (seen.length < 3) await next();
    equal(seen, [
      { tables: ["a", "b"], schema: false, tab: "this", own: true, missed: false },
      { tables: ["a", "b"], schema: false, tab: "this", own: true, missed: false },
      { tables: [], schema: true, tab: "this", own: true, missed: false },
    ]);
    ok(Object.isFrozen(seen[0].tables), "frozen");
    stop();
    stop();
    await engine.execute(text("DELETE FROM b"));
    await engine.execute(text("INSERT INTO a VALUES (1)"));
    equal(seen.length, 3);
    also();
  },

  async "a3_12 dispose({ close: false }) leaves the old pool to those who use it"() {
    await using engine = createEngine(`sqlite:///pool/dispose-${Date.now()}.db`);
    await engine.execute(text("CREATE TABLE t (x)"));
    const changed = new Promise((resolve) => engine.onChange(resolve));
    const conn = await engine.connect();
    await conn.execute(insert);
    await engine.dispose({ close: false });
    equal([engine.pool.checkedin(), engine.pool.checkedout()], [0, 0]);
    equal(await engine.scalar(text("SELECT count(*) FROM t")), 0);
    await conn.commit();
    await conn.close();
    equal([engine.pool.checkedin(), engine.pool.checkedout()], [1, 0], "it went back to its own pool");
    equal(await engine.scalar(text("SELECT count(*) FROM t")), 1);
    equal((await changed).tables, ["t"], "listeners stay");
    await throws(ArgumentError, /^Unknown option 'wait' of dispose\(\); known are: close$/, () => engine.dispose({ wait: true }));
    await throws(ArgumentError, /^close is true or false, not number$/, () => engine.dispose({ close: 0 }));
    await throws(ArgumentError, /^the options of dispose\(\) are an object, not boolean$/, () => engine.dispose(false));
  },

  async "listeners come and go, and what they throw stops nothing"() {
    const engine = createEngine("sqlite://", { poolClass: StaticPool, poolTimeout: 1.2 });
    const seen = [];
    const thrown = [];
    const onerror = (event) => {
      thrown.push(event.error?.message);
      event.preventDefault();
    };
    globalThis.addEventListener("error", onerror);
    const removed = () => seen.push("removed");
    engine.listen("blocked", removed);
    engine.listen("blocked", () => {
      seen.push("throws");
      throw new Error("a listener's own");
    });
    engine.listen("blocked", () => seen.push("after"));
    engine.remove("blocked", removed);
    engine.remove("blocked", removed);
    const nested = () => engine.begin(() => engine.execute(select));
    await throws(TimeoutError, /^StaticPool limit of size 1 overflow 0 reached, connection timed out, timeout 1.20/, nested);
    globalThis.removeEventListener("error", onerror);
    equal([seen, thrown], [["throws", "after"], ["a listener's own"]]);
    await engine.dispose();
    await throws(TimeoutError, /^StaticPool/, nested);
    equal(seen.length, 2, "dispose() ends all listening");
    await engine.dispose();
    await throws(ArgumentError, /^No such event 'changes'; known are: change, blocked, host, versionSkew, beforeExecute, /, () => engine.listen("changes", removed));
    await throws(ArgumentError, /^No such event 'toString'/, () => engine.remove("toString", removed));
    await throws(ArgumentError, /a listener is a function, not/, () => engine.listen("change", {}));
    await throws(ArgumentError, /a listener is a function, not/, () => engine.onChange());
  },

  async "e_08 connections to one database in memory are isolated"() {
    for (const poolClass of [QueuePool, NullPool]) {
      await using engine = createEngine("sqlite://", { poolClass });
      await engine.execute(text("CREATE TABLE t (x)"));
      await using a = await engine.connect();
      await using b = await engine.connect();
      const count = (conn) => conn.scalar(text("SELECT count(*) FROM t"));
      await a.execute(insert);
      equal([await count(a), await count(b)], [1, 0], "no dirty read");
      await b.rollback();
      equal(await count(a), 1, "a rollback is of one transaction only");
      await a.commit();
      equal(await count(b), 1);
    }
  },
};
