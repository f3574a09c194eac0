// Engines: A3.01 to A3.15, A4.02 to A4.13, and the same of the ancestors; on a real SQLite, in a thread of Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { COUNT, counting, DONE, error, fill, INSERT, nodeEngine, onPeople } from "./node_engine.mjs";
import { load } from "./pkg.mjs";

const {
  ArgumentError, createAsyncEngine, createEngine, Integer, IntegrityError, inspect, literal, NoSuchModuleError, select, StorageError, text,
  TimeoutError,
} = await load("index.js");
const ONE = text("SELECT 1");

test("a3_01 a0_02 a1_02 an engine is made at once and does nothing until it is used", async () => {
  const counter = counting();
  assert.equal(counter.frames, 0);
  await counter.engine.execute(ONE);
  assert.notEqual(counter.frames, 0);
  await counter.engine.dispose();
  assert.equal(createAsyncEngine, createEngine);
  for (const [url, options, errorClass, message] of [
    ["app.db", {}, ArgumentError, "Could not parse SQLAlchemy URL from given URL string"],
    ["postgresql://localhost/x", {}, NoSuchModuleError, "Can't load plugin: sqlalchemy.dialects:postgresql"],
    ["sqlite+pysqlite://", {}, NoSuchModuleError, "Can't load plugin: sqlalchemy.dialects:sqlite.pysqlite"],
    ["sqlite://", { poolsize: 1 }, ArgumentError, "Invalid argument 'poolsize' sent to createEngine(); known are: cacheSize, "],
    ["sqlite://", { poolSize: "1" }, ArgumentError, "Option 'poolSize' takes an integer"],
    ["sqlite://", { queryCacheSize: -1 }, ArgumentError, "Option 'queryCacheSize' takes an integer"],
    ["sqlite://", null, ArgumentError, "the options of createEngine() are an object, not null"],
  ]) {
    assert.throws(() => createEngine(url, options), error(errorClass, message), url);
  }
});

test("a3_02 URLs name databases", () => {
  for (const url of ["sqlite://", "sqlite:///:memory:", "sqlite+aludel:///dir/app.db", "sqlite:///app.db?mode=rw"]) {
    assert.equal(createEngine(url).url, url);
  }
  assert.equal(createEngine(new URL("sqlite:///app.db")).url, "sqlite:///app.db");
  for (const [url, message] of [
    ["sqlite://me:secret@host/app.db", "Invalid SQLite URL: sqlite://me:***@host/app.db"],
    ["sqlite:///app.db?cache=shared", 'Unknown query argument "cache" in URL; known: mode'],
    ["sqlite:///../app.db", "it has a part that is . or .."],
  ]) {
    assert.throws(() => createEngine(url), error(ArgumentError, message));
  }
});

test("a3_03 a5_17 the log is SQLAlchemy's and can hide parameters", async () => {
  for (const hideParameters of [false, true]) {
    const records = [];
    const engine = nodeEngine({ echo: (record) => records.push(record), loggingName: "mine", hideParameters });
    for (let i = 0; i < 2; i++) await engine.begin((conn) => conn.execute(text("SELECT :x AS x"), { x: "word" }));
    await engine.dispose();
    const lines = records.map(({ message }) => message.replace(/ [0-9.]+s/, ""));
    const parameters = hideParameters ? "[SQL parameters hidden due to hide_parameters=True]" : "('word',)";
    assert.deepEqual(lines, [
      "BEGIN (implicit)", "SELECT :x AS x", `[generated in] ${parameters}`, "COMMIT",
      "BEGIN (implicit)", "SELECT :x AS x", `[cached since ago] ${parameters}`, "COMMIT",
    ]);
    assert.deepEqual([...new Set(records.map(({ logger, level }) => `${logger} ${level}`))], ["sqlalchemy.engine.Engine.mine INFO"]);
  }
});

test("a3_03 rows are logged for debugging, on the console", async (t) => {
  const lines = [];
  for (const name of ["info", "debug"]) t.mock.method(console, name, (line) => lines.push(line));
  const engine = nodeEngine({ echo: "debug" });
  await engine.execute(text("SELECT 1 AS a, 'x' AS b"));
  await engine.dispose();
  assert.deepEqual(lines.map((line) => line.replace(/^[-0-9]+ [:,0-9]+ /, "")).slice(-2),
    ["DEBUG sqlalchemy.engine.Engine Col ('a', 'b')", "DEBUG sqlalchemy.engine.Engine Row (1, 'x')"]);
});

test("a3_04 a3_05 a3_06 the pool is bounded and says who waited for what", async () => {
  const engine = nodeEngine({ poolSize: 1, maxOverflow: 1, poolTimeout: 0.05 });
  const held = [await engine.connect(), await engine.connect()];
  await Promise.all(held.map((conn) => conn.execute(ONE)));
  await assert.rejects(engine.connect(),
    error(TimeoutError, "QueuePool limit of size 1 overflow 1 reached, connection timed out, timeout 0.05", ({ code }) => code === "3o7r"));
  for (const conn of held) await conn.close();
  assert.deepEqual([engine.pool.checkedin(), engine.pool.checkedout()], [1, 0], "what was beyond the size was closed");
  await engine.dispose();
  const patient = nodeEngine({ poolSize: 1 });
  const only = await patient.connect();
  const waiting = [];
  const served = [1, 2, 3].map((n) => patient.connect((conn) => conn.execute(ONE).then(() => waiting.push(n))));
  await only.close();
  await Promise.all(served);
  assert.deepEqual(waiting, [1, 2, 3], "in the order in which they came");
  await patient.dispose();
});

test("a3_07 a3_08 options of the pool", async () => {
  const recycled = await fill(nodeEngine({ poolSize: 1, poolRecycle: 0 }));
  await recycled.connect((conn) => void (conn.info.mine = true));
  await recycled.connect((conn) => assert.deepEqual(conn.info, {}, "another connection"));
  await recycled.dispose();
  for (const [poolUseLifo, expected] of [[true, "b"], [false, "a"]]) {
    const engine = nodeEngine({ poolUseLifo, poolPrePing: true });
    const [a, b] = [await engine.connect(), await engine.connect()];
    [a.info.name, b.info.name] = ["a", "b"];
    await a.close();
    await b.close();
    assert.equal(await engine.connect((conn) => conn.info.name), expected);
    await engine.dispose();
  }
});

test("a3_07 a connection is replaced when it is as old as poolRecycle says, and not before", async (t) => {
  const start = Date.now();
  let passed = 0;
  t.mock.method(Date, "now", () => start + passed);
  for (const [poolRecycle, last, first] of [[60, 59_999, 60_000], [0.5, 499, 500], [-1, 1e12, Infinity], [undefined, 1e12, Infinity]]) {
    const engine = nodeEngine({ poolSize: 1, poolRecycle });
    passed = 0;
    await engine.connect((conn) => void (conn.info.mine = true));
    // It is used in between, and stays as old as it is: the age counts from the opening.
    for (passed of [0, last / 2, last, first].filter(Number.isFinite)) {
      const info = await engine.connect((conn) => ({ ...conn.info }));
      assert.deepEqual(info, passed < first ? { mine: true } : {}, `${poolRecycle} s, used after ${passed} ms`);
      assert.deepEqual([engine.pool.checkedin(), engine.pool.checkedout()], [1, 0], "it took the place of the one before");
    }
    await engine.dispose();
  }
});

test("a3_08 a connection that has died is found out by poolPrePing, and replaced without a word", async () => {
  for (const poolPrePing of [true, false]) {
    const counter = counting({ poolSize: 1, poolPrePing });
    const { engine } = counter;
    await engine.execute(text("CREATE TABLE t (x)"));
    await engine.execute(text("INSERT INTO t VALUES (1)"));
    await engine.connect((conn) => void (conn.info.mine = true));
    assert.equal(await engine.connect((conn) => conn.info.mine), true, "one that lives is given out again");
    assert.equal(await counter.lose(), DONE, "the worker has closed it");
    assert.equal(engine.pool.checkedin(), 1, "the pool has not heard of it");
    const before = counter.frames;
    const used = await engine.connect(async (conn) => {
      const { mine } = conn.info;
      return [mine, counter.frames - before, await conn.scalar(text("SELECT count(*) FROM t")).catch((error) => error.name)];
    });
    assert.deepEqual(used, poolPrePing ? [undefined, 3, 1] : [true, 0, "ResourceClosedError"], "a ping, a Close, an Open");
    assert.deepEqual([engine.pool.checkedin(), engine.pool.checkedout()], [1, 0]);
    await engine.dispose();
  }
});

test("a3_08 what poolResetOnReturn leaves of the work of a connection that comes back", async () => {
  // Measured with SQLAlchemy 2.1: its Connection has ended the transaction before the pool's reset has anything to do.
  const kept = { "was begun by itself": 0, "was begun by BEGIN": 0, "was committed": 1, "was rolled back": 0 };
  for (const poolResetOnReturn of ["rollback", "commit", null]) {
    const engine = nodeEngine({ poolSize: 1, poolResetOnReturn });
    await engine.execute(text("CREATE TABLE t (x)"));
    for (const [how, rows] of Object.entries(kept)) {
      const conn = await engine.connect();
      if (how !== "was begun by itself") {
        await conn.executionOptions({ isolationLevel: "AUTOCOMMIT" });
        await conn.execDriverSql("BEGIN");
      }
      await conn.execDriverSql("INSERT INTO t VALUES (1)");
      if (how === "was committed") await conn.commit();
      if (how === "was rolled back") await conn.rollback();
      await conn.close();
      const next = await engine.connect();
      await next.executionOptions({ isolationLevel: "AUTOCOMMIT" });
      assert.equal(await next.scalar(text("SELECT count(*) FROM t")), rows, `${poolResetOnReturn}: what ${how}`);
      await next.execDriverSql("BEGIN");
      await next.execDriverSql("DELETE FROM t");
      await next.execDriverSql("COMMIT");
      await next.close();
    }
    await engine.dispose();
  }
});

test("a3_09 a0_03 a1_10 a4_04 a connection comes from the pool and goes back", onPeople(async (engine) => {
  const conn = await engine.connect();
  assert.deepEqual([engine.pool.checkedout(), conn.inTransaction()], [1, false], "nothing was begun");
  await conn.close();
  assert.equal(await engine.connect((conn) => conn.scalar(COUNT)), 3);
  assert.deepEqual([engine.pool.checkedout(), engine.pool.checkedin()], [0, 1]);
  // A connect that fails leaves nothing behind.
  const nowhere = nodeEngine({ fallback: undefined }, "sqlite:///nowhere.db");
  for (let i = 0; i < 6; i++) await assert.rejects(nowhere.connect(), error(StorageError, /./, ({ reason }) => reason === "unavailable"));
  assert.equal(nowhere.pool.checkedout(), 0);
  await nowhere.dispose();
}));

test("a0_04 a connection at the end of its block rolls back and goes back", onPeople(async (engine) => {
  const boom = new Error("boom");
  const block = engine.connect(async (conn) => {
    await conn.execute(INSERT);
    throw boom;
  });
  await assert.rejects(block, (thrown) => thrown === boom);
  const conn = await engine.connect();
  await conn.execute(INSERT);
  await conn[Symbol.asyncDispose]();
  assert.deepEqual([await engine.scalar(COUNT), engine.pool.checkedout()], [3, 0]);
}));

test("a3_10 a4_05 a statement without a connection is committed and its rows are here", onPeople(async (engine) => {
  const all = await engine.execute(text("SELECT * FROM users"));
  assert.equal(engine.pool.checkedout(), 0, "its rows keep no connection");
  await engine.execute(INSERT);
  assert.deepEqual([all.all().length, await engine.scalar(COUNT)], [3, 4]);
  await assert.rejects(engine.execute(text("INSERT INTO users (id) VALUES (1)")), error(IntegrityError, "UNIQUE"));
  assert.equal(engine.pool.checkedout(), 0);
}));

test("a3_11 a4_02 begin commits or rolls back and gives the connection back", onPeople(async (engine) => {
  assert.equal(await engine.begin(async (conn) => { await conn.execute(INSERT); return "done"; }), "done");
  const boom = new Error("boom");
  await assert.rejects(engine.begin(async (conn) => { await conn.execute(INSERT); throw boom; }), (thrown) => thrown === boom);
  assert.deepEqual([await engine.scalar(COUNT), engine.pool.checkedout()], [4, 0]);
  const transaction = await engine.begin();
  await transaction.connection.execute(INSERT);
  await transaction.commit();
  assert.deepEqual([await engine.scalar(COUNT), engine.pool.checkedout()], [5, 0]);
  const dropped = await engine.begin();
  await dropped.connection.execute(INSERT);
  await dropped[Symbol.asyncDispose]();
  assert.deepEqual([await engine.scalar(COUNT), engine.pool.checkedout()], [5, 0]);
  // A transaction that only reads lets others write.
  const reads = engine.begin(async (conn) => {
    const before = await conn.scalar(COUNT);
    await engine.execute(INSERT);
    return [before, await conn.scalar(COUNT)];
  }, { readOnly: true });
  assert.deepEqual(await reads, [5, 5], "one snapshot");
}));

test("a4_03 a transaction owns its connection and not the engine", onPeople(async (engine) => {
  // The example of sqlalchemy_aio's docs, which meant the other: this runs on a connection of its own.
  await engine.begin(async (conn) => {
    await conn.execute(INSERT);
    assert.equal(await engine.scalar(COUNT), 3, "it does not see what was not committed");
    await assert.rejects(engine.execute(INSERT, null, { timeout: 50 }), error(TimeoutError, "timed out"));
  });
  assert.equal(await engine.scalar(COUNT), 4);
}));

test("a3_12 dispose closes what is idle, and the engine begins anew", onPeople(async (engine) => {
  const held = await engine.connect();
  await engine.connect(() => undefined);
  await engine.dispose({ close: false });
  assert.equal(await held.scalar(COUNT), 3, "who has a connection keeps it");
  await held.close();
  assert.equal(await engine.hasTable("users"), false, "what was in memory is gone");
  await engine.dispose();
  assert.deepEqual([engine.pool.checkedin(), engine.pool.checkedout(), await engine.scalar(ONE)], [0, 0, 1]);
  await assert.rejects(engine.dispose({ force: true }), error(ArgumentError, "Unknown option 'force' of dispose()"));
}));

test("a3_14 a3_15 an engine tells its URL, names, dialect and pool", async () => {
  const engine = nodeEngine({ poolSize: 3, maxOverflow: 2 });
  const { name, driver, url, dialect, pool } = engine;
  assert.deepEqual([name, driver, url], ["sqlite", "aludel", "sqlite://"]);
  assert.deepEqual([dialect.name, dialect.driver, dialect.paramstyle, dialect.quote('a"b')], ["sqlite", "aludel", "qmark", '"a""b"']);
  const held = [await engine.connect(), await engine.connect()];
  await engine.connect(() => undefined);
  assert.deepEqual([pool.size(), pool.checkedin(), pool.checkedout(), pool.overflow(), pool.timeout()], [3, 1, 2, 0, 30]);
  assert.equal(pool.status(), "Pool size: 3  Connections in pool: 1 Current Overflow: 0 Current Checked out connections: 2");
  for (const conn of held) await conn.close();
  await engine.dispose();
});

test("a3_15 compiled statements are kept, or not, and give the same rows", async () => {
  for (const queryCacheSize of [0, 1, 2, undefined]) {
    const engine = nodeEngine(queryCacheSize === undefined ? {} : { queryCacheSize });
    const rows = [];
    for (let n = 0; n < 6; n++) {
      rows.push(await engine.scalar(select(literal(n, Integer).label(`x${n % 3}`))));
      if (n === 4) engine.clearCompiledCache();
    }
    assert.deepEqual(rows, [0, 1, 2, 3, 4, 5]);
    await engine.dispose();
  }
});

test("a3_15 engines with options share a pool", onPeople(async (engine) => {
  const atOnce = engine.executionOptions({ isolationLevel: "AUTOCOMMIT" });
  await atOnce.connect(async (conn) => {
    assert.deepEqual([engine.pool.checkedout(), conn.getIsolationLevel(), conn.engine === atOnce], [1, "AUTOCOMMIT", true]);
    await conn.execute(INSERT);
    assert.equal(await engine.scalar(COUNT), 4, "committed at once");
  });
  await engine.connect((conn) => assert.equal(conn.getIsolationLevel(), "SERIALIZABLE"));
  engine.updateExecutionOptions({ yieldPer: 2 });
  assert.deepEqual([engine.getExecutionOptions(), atOnce.getExecutionOptions()], [{ yieldPer: 2 }, { isolationLevel: "AUTOCOMMIT" }]);
  assert.equal((await engine.execute(text("SELECT * FROM users"))).fetchmany().length, 2);
  await engine.connect((conn) => assert.equal(conn.getExecutionOptions().yieldPer, 2));
  assert.throws(() => engine.executionOptions({ isolationLevel: "SNAPSHOT" }), error(ArgumentError, "Invalid value 'SNAPSHOT' for isolation_level."));
  assert.throws(() => engine.updateExecutionOptions({ streamResults: true }), error(ArgumentError, "Unknown execution option 'streamResults'"));
}));

test("a3_15 a token stands before the lines of rows, too", async () => {
  const lines = [];
  const engine = nodeEngine({ executionOptions: { loggingToken: "page" }, echo: ({ message }) => lines.push(message) });
  await engine.execute(text("SELECT 1 AS a"));
  await engine.connect((conn) => conn.execute(ONE));
  await engine.dispose();
  assert.ok(lines.length > 4);
  for (const line of lines) assert.ok(line.startsWith("[page] "), line);
});

test("a5_16 kinds of pools", async () => {
  for (const poolClass of ["NullPool", "StaticPool", "AssertionPool"]) {
    const engine = await fill(nodeEngine({ poolClass }));
    assert.ok(engine.pool.status().includes(poolClass), engine.pool.status());
    const conn = await engine.connect();
    if (poolClass === "AssertionPool") await assert.rejects(engine.connect(), /connection is already checked out at:/);
    if (poolClass === "NullPool") assert.equal(await engine.scalar(COUNT), 3);
    await conn.close();
    assert.equal(await engine.scalar(COUNT), 3, poolClass);
    await engine.dispose();
  }
  assert.throws(() => createEngine("sqlite://", { poolClass: "NullPool", poolSize: 3 }), error(ArgumentError, "poolSize"));
});

test("a4_07 a4_12 a database tells its tables", onPeople(async (engine) => {
  await engine.execute(text("CREATE VIEW grown AS SELECT * FROM users WHERE age > 25"));
  await engine.execute(text("CREATE TABLE a (x)"));
  for (const [name, there] of [["users", true], ["USERS", true], ["grown", true], ["nobody", false]]) {
    assert.equal(await engine.hasTable(name), there, name);
  }
  assert.deepEqual(await engine.tableNames(), ["a", "users"]);
  await engine.connect(async (conn) => {
    await conn.execute(text("CREATE TABLE b (x)"));
    assert.equal((await inspect(conn)).hasTable("b"), true, "in the transaction of a connection");
    assert.equal(await engine.hasTable("b"), false);
  });
  await assert.rejects(engine.hasTable(5), error(ArgumentError, "hasTable() takes the name of a table"));
}));

test("a0_01 a2_01 what a handle does is a frame to the worker", async () => {
  const counter = counting();
  const { engine } = counter;
  await fill(engine);
  let before = counter.frames;
  const conn = await engine.connect();
  const transaction = await conn.begin();
  assert.equal(counter.frames, before, "connections of the pool and transactions begin where they are used");
  const result = await conn.execute(text("SELECT * FROM users"));
  assert.equal(counter.frames, before + 1);
  assert.equal(result.all().length, 3);
  assert.equal(counter.frames, before + 1, "results ask nobody");
  await transaction.commit();
  assert.equal(counter.frames, before + 2);
  await conn.close();
  await engine.dispose();
});

test("a1_03 a2_02 connections to memory share one database in one worker", onPeople(async (engine) => {
  const [a, b] = [await engine.connect(), await engine.connect()];
  await a.execute(INSERT);
  assert.deepEqual([await a.scalar(COUNT), await b.scalar(COUNT)], [4, 3], "isolated");
  await b.rollback();
  await a.commit();
  assert.equal(await b.scalar(COUNT), 4, "and shared");
  await a.close();
  await b.close();
  const other = nodeEngine();
  assert.equal(await other.hasTable("users"), false, "by one engine");
  await other.dispose();
}));
