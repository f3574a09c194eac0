// What must hold of the package in any app, whoever bundled it.
import * as aludel from "aludel";
import {
  AlreadyQuit, ArgumentError, createAsyncEngine, createEngine, DataError, NoSuchColumnError, NoSuchModuleError, ObjectNotExecutableError,
  OperationalError, ProgrammingError, ResourceClosedError, splitStatements, sql, SQLAlchemyError, StatementError, StorageError, text, TimeoutError, version,
  WorkerGone,
} from "aludel";
import { equal, ok, thrownBy, throws } from "./check.js";

const select = (value) => text(`SELECT ${value} AS value`);

/** Counts the frames that go to the worker of an engine. */
export function counting(options = {}) {
  const counter = { frames: 0 };
  counter.engine = createEngine("sqlite://", {
    ...options,
    worker: () => {
      const worker = new Worker(new URL("/counted/worker.js", location.href), { type: "module" });
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (message, ...more) => {
        // A message of several frames says how many.
        if (message instanceof Uint8Array) counter.frames += message[0] === 0xa2 ? new DataView(message.buffer, message.byteOffset).getUint32(4, true) : 1;
        return post(message, ...more);
      };
      return worker;
    },
  });
  counter.during = async (work) => {
    const before = counter.frames;
    await work();
    return counter.frames - before;
  };
  return counter;
}

const rowsOf = async (conn, statement, params) => (await conn.execute(statement, params)).fetchall();

export const session = {
  async "every kind of value makes the round trip"() {
    await using engine = createEngine("sqlite://");
    const values = [null, 0, -1, 1.5, -0.5, 9007199254740991, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n), Infinity, -Infinity, "",
      "plain", "a\u0000b", "naïve 日本語 🧪", "\ufeffbom", new Uint8Array(0), new Uint8Array([0, 255, 7])];
    for (const value of values) {
      const result = await engine.execute(sql`SELECT ${value} AS value, typeof(${value}) AS type`);
      const row = result.one();
      equal(row.value, value);
      equal(typeof row.value, typeof value);
    }
    equal(await engine.scalar(sql`SELECT typeof(${-0})`), "real");
    ok(Object.is(await engine.scalar(sql`SELECT ${-0}`), -0), "minus zero stays");
    equal(await engine.scalar(sql`SELECT ${true} + ${false}`), 1);
    equal(await engine.scalar(sql`SELECT ${new Float64Array([1]).buffer}`), new Uint8Array(new Float64Array([1]).buffer));
    const long = "x".repeat(3_000_000) + "ü";
    equal((await engine.scalar(sql`SELECT ${long}`)) === long, true);
    const blob = new Uint8Array(5_000_000).map((_, i) => i);
    const back = await engine.scalar(sql`SELECT ${blob}`);
    equal(back.length, blob.length);
    ok(back.every((byte, i) => byte === blob[i]), "a large blob is the same");
    ok(blob.length === 5_000_000, "what was bound is still there");
  },

  async "rows by position, by name and as mappings"() {
    await using engine = createEngine("sqlite://");
    const result = await engine.execute(text("SELECT 1 AS id, 'a' AS name UNION ALL SELECT 2, 'b' ORDER BY 1"));
    const [first, second] = result.all();
    const [id, name] = first;
    const { id: id2, name: name2 } = second;
    equal([id, name, id2, name2, first[1], second.name, { ...first }], [1, "a", 2, "b", "a", "b", { id: 1, name: "a" }]);
    equal((await engine.execute(text("SELECT 1 AS a, 2 AS a"))).one()._mapping, { a: 2 });
    equal((await engine.execute(text("SELECT 1 AS a, 2 AS b"))).mappings().all(), [{ a: 1, b: 2 }]);
    equal(Object.getPrototypeOf((await engine.execute(text("SELECT 1 AS a"))).mappings().one()), null);
  },

  async "columns called __proto__, constructor, length, then, empty, repeated"() {
    await using engine = createEngine("sqlite://");
    const before = Object.getOwnPropertyNames(Object.prototype).length;
    const names = ["__proto__", "constructor", "length", "then", "", "a", "a"];
    const list = names.map((name, i) => `${i + 1} AS "${name}"`).join(", ");
    const row = await (await engine.execute(text(`SELECT ${list}`))).one();
    equal([...row], [1, 2, 3, 4, 5, 6, 7]);
    equal([row.__proto__, row.constructor, row.length, row.then, row[""], row.a, row[5]], [1, 2, 3, 4, 5, 7, 6]);
    equal(await row, row, "an awaited row");
    const mapping = (await engine.execute(text(`SELECT ${list}`))).mappings().one();
    equal(Object.keys(mapping), ["__proto__", "constructor", "length", "then", "", "a"]);
    equal(Object.getOwnPropertyNames(Object.prototype).length, before);
    const stream = await engine.connect(async (conn) => (await conn.stream(text(`SELECT ${list}`))).fetchone());
    equal([...stream], [1, 2, 3, 4, 5, 6, 7]);
  },

  async "malformed URLs and unknown options say what is known"() {
    await throws(ArgumentError, /Could not parse SQLAlchemy URL/, () => createEngine("app.db"));
    await throws(ArgumentError, /not undefined/, () => createEngine());
    await throws(ArgumentError, /a part that is \. or \.\./, () => createEngine("sqlite:///../x.db"));
    await throws(NoSuchModuleError, /postgresql/, () => createEngine("postgresql://localhost/x"));
    await throws(ArgumentError, /'poolsize'.*poolSize/, () => createEngine("sqlite://", { poolsize: 3 }));
    await throws(ArgumentError, /'poolSize' takes an integer/, () => createEngine("sqlite://", { poolSize: "3" }));
    await throws(ArgumentError, /'worker' takes a function/, () => createEngine("sqlite://", { worker: "worker.js" }));
    await throws(ArgumentError, /'isolationLevel' takes no object|isolation_level/, () => createEngine("sqlite://", { isolationLevel: {} }));
    await throws(ArgumentError, /Unknown execution option 'yieldper'/, () => createEngine("sqlite://", { executionOptions: { yieldper: 3 } }));
    equal(createAsyncEngine, createEngine);
  },

  async "a string is no statement, and says what to write"() {
    await using engine = createEngine("sqlite://");
    await using conn = await engine.connect();
    await throws(ObjectNotExecutableError, /text\("SELECT 1"\).*sql.*execDriverSql/, () => conn.execute("SELECT 1"));
    await throws(ObjectNotExecutableError, /its await was forgotten/, () => conn.execute(Promise.resolve(text("SELECT 1"))));
    await throws(ObjectNotExecutableError, /undefined/, () => engine.execute(undefined));
    await throws(ArgumentError, /text\(\) takes a string/, () => text(5));
    await throws(ArgumentError, /template tag/, () => sql("SELECT 1"));
    equal((await conn.execDriverSql("SELECT ? + ?", [1, 2])).scalar(), 3);
  },

  async "SQL errors point to the place"() {
    await using engine = createEngine("sqlite://");
    const statement = "SELECT 'üü🧪', * FORM t";
    const error = await throws(OperationalError, /near "FORM": syntax error/, () => engine.execute(text(statement)));
    equal(statement.slice(error.offset, error.offset + 4), "FORM");
    equal([error.sqliteCode, error.sqliteCodeName, error.statement, error.code], [1, "SQLITE_ERROR", statement, "e3q8"]);
    equal(error.orig.message, 'near "FORM": syntax error');
    await throws(OperationalError, /no such table: nobody/, () => engine.execute(text("SELECT * FROM nobody")));
    await throws(ProgrammingError, /one statement at a time/i, () => engine.execute(text("SELECT 1; SELECT 2")));
    const deep = `SELECT ${"(".repeat(100_000)}1${")".repeat(100_000)}`;
    ok((await thrownBy(() => engine.execute(text(deep)))) instanceof OperationalError, "a deep expression is an OperationalError");
    equal(await engine.scalar(select(1)), 1);
  },

  async "wrong parameters name the parameter"() {
    await using engine = createEngine("sqlite://");
    const one = text("SELECT :who");
    for (const [value, pattern] of [
      [() => 1, /parameter 'who' is a function/], [Symbol("s"), /parameter 'who' is a symbol/], [undefined, /'who' is undefined/],
      [Promise.resolve(1), /'who' is a Promise: its await was forgotten/], [new Date(), /'who' is a Date/], [{ a: 1 }, /'who' is an object/],
      [2n ** 63n, /64 bits/], ["\ud800", /lone surrogate/], [NaN, /'who' is NaN/],
    ]) {
      await throws(DataError, pattern, () => engine.execute(one, { who: value }));
    }
    await throws(StatementError, /A value is required for bind parameter 'who'/, () => engine.execute(one));
    await throws(StatementError, /'who', in parameter group 1/, () => engine.execute(one, [{ who: 1 }, { what: 1 }]));
    await throws(ProgrammingError, /uses 1, and there are 2 supplied/, () => engine.execute(text("SELECT ?"), [1, 2]));
    await throws(ArgumentError, /not as a list/, () => engine.execute(one, [1]));
    await throws(ArgumentError, /parameters are a Promise/, () => engine.execute(one, Promise.resolve({ who: 1 })));
    equal(await engine.scalar(one, { who: "still there" }), "still there");
  },

  async "templates and bound parameters"() {
    await using engine = createEngine("sqlite://");
    const part = sql`b = ${"x"}`;
    const whole = sql`SELECT a FROM (SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, 'y') WHERE a >= ${1} AND ${part}`;
    equal((await engine.execute(whole)).scalars().all(), [1]);
    equal(whole.text.includes("x')"), false, "values are not in the text");
    const bound = text("SELECT :a || :b").bindparams({ a: "x", b: "y" });
    equal([await engine.scalar(bound), await engine.scalar(bound, { b: "z" })], ["xy", "xz"]);
    await throws(ArgumentError, /doesn't define a bound parameter named 'c'/, () => engine.execute(bound.bindparams({ c: 1 })));
    equal(await engine.scalar(text("SELECT '12\\:30' || :s"), { s: "!" }), "12:30!");
    equal(splitStatements("SELECT 'ü;'; -- ;\nCREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; SELECT 2; END; SELECT 3"), [
      { sql: "SELECT 'ü;'", offset: 0 },
      { sql: "CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; SELECT 2; END", offset: 18 },
      { sql: "SELECT 3", offset: 84 },
    ]);
  },

  async "one round trip per execute, begin with first statement, executemany"() {
    const { engine, during } = counting();
    const conn = await engine.connect();
    equal(await during(() => conn.execute(text("CREATE TABLE t (a)"))), 1, "autobegin and CREATE");
    equal(await during(() => conn.execute(text("INSERT INTO t VALUES (:a)"), [{ a: 1 }, { a: 2 }, { a: 3 }])), 1, "executemany");
    equal(await during(() => conn.execute(text("SELECT * FROM t"))), 1, "execute");
    equal(await during(() => conn.scalar(text("SELECT count(*) FROM t"))), 1, "scalar");
    equal(await during(() => conn.commit()), 1, "commit");
    equal(await during(() => conn.begin(async () => { await conn.execute(text("INSERT INTO t VALUES (4)")); })), 2, "begin, insert, commit");
    equal(await during(() => conn.close()), 0, "close of a clean connection");
    equal(await during(() => engine.execute(text("INSERT INTO t VALUES (5)"))), 1, "engine.execute");
    equal(await during(() => engine.begin((c) => c.execute(text("INSERT INTO t VALUES (6)")))), 2, "engine.begin");
    equal(await during(() => engine.connect((c) => c.close())), 0, "connect from the pool");
    await engine.dispose();
  },

  async "transactions and savepoints end as they should"() {
    await using engine = createEngine("sqlite://");
    await engine.execute(text("CREATE TABLE t (a)"));
    const count = () => engine.scalar(text("SELECT count(*) FROM t"));
    const insert = text("INSERT INTO t VALUES (1)");
    const boom = new Error("boom");
    equal(await thrownBy(() => engine.begin(async (c) => { await c.execute(insert); throw boom; })), boom);
    equal(await count(), 0, "after a throw");
    equal(await engine.begin(async (c) => { await c.execute(insert); return 7; }), 7);
    equal(await count(), 1, "after a commit");
    {
      await using tx = await engine.begin();
      await tx.connection.execute(insert);
    }
    equal(await count(), 1, "disposed without commit");
    {
      await using tx = await engine.begin();
      await tx.connection.execute(insert);
      await tx.commit();
    }
    equal([await count(), engine.pool.checkedout()], [2, 0], "committed; given back");
    await using conn = await engine.connect();
    const tx = await conn.begin();
    equal([conn.getTransaction() === tx, tx.isActive, tx.nested, conn.inTransaction()], [true, true, false, true]);
    const nested = await conn.beginNested();
    equal([conn.getNestedTransaction() === nested, nested.nested, conn.inNestedTransaction()], [true, true, true]);
    await nested.commit();
    equal([conn.inNestedTransaction(), nested.isActive, tx.isActive], [false, false, true]);
    await tx.rollback();
    equal([conn.inTransaction(), conn.getTransaction(), tx.isActive], [false, null, false]);
    await tx.close();
    await throws(aludel.InvalidRequestError, /inactive/, () => tx.commit());
    const forgetful = engine.begin((c) => void c.execute(insert));
    await throws(aludel.InvalidRequestError, /still ran: await them/, () => forgetful);
    equal(await count(), 2, "a forgotten await commits nothing");
  },

  async "connections are isolated from each other"() {
    await using engine = createEngine("sqlite://");
    await engine.execute(text("CREATE TABLE t (a)"));
    await using a = await engine.connect();
    await using b = await engine.connect();
    await a.execute(text("INSERT INTO t VALUES (1)"));
    equal(await b.scalar(text("SELECT count(*) FROM t")), 0);
    await a.commit();
    equal(await b.scalar(text("SELECT count(*) FROM t")), 0, "b's snapshot");
    await b.rollback();
    equal(await b.scalar(text("SELECT count(*) FROM t")), 1);
    await b.executionOptions({ isolationLevel: "AUTOCOMMIT" }).catch(() => undefined);
    await b.rollback();
    await b.executionOptions({ isolationLevel: "AUTOCOMMIT", yieldPer: 2 });
    equal(b.getExecutionOptions(), { isolationLevel: "AUTOCOMMIT", yieldPer: 2 });
    await b.execute(text("INSERT INTO t VALUES (2)"));
    await a.rollback();
    equal(await a.scalar(text("SELECT count(*) FROM t")), 2, "autocommitted");
    equal((await b.execute(text("SELECT a FROM t"))).fetchmany(), [[1], [2]], "yieldPer");
  },

  async "use after close, of connection and result"() {
    await using engine = createEngine("sqlite://");
    const conn = await engine.connect();
    const result = await conn.execute(select(1));
    const stream = await conn.stream(text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"));
    await stream.fetchone();
    await conn.close();
    await conn.close();
    equal(conn.closed, true);
    await throws(ResourceClosedError, /This Connection is closed/, () => conn.execute(select(1)));
    equal(result.scalar(), 1, "buffered rows stay");
    await throws(ResourceClosedError, /This result object is closed/, () => result.scalar());
    await throws(ResourceClosedError, /closed/, () => stream.fetchall());
    const dml = await engine.execute(text("CREATE TABLE t (a)"));
    await throws(ResourceClosedError, /does not return rows/, () => dml.fetchall());
    await throws(NoSuchColumnError, /Could not locate column/, async () => (await engine.execute(select(1))).scalars("nobody"));
  },

  async "the pool is bounded, and its waiters can time out or be aborted"() {
    await using engine = createEngine("sqlite://", { poolSize: 1, poolTimeout: 0.2 });
    const held = await engine.connect();
    const error = await throws(TimeoutError, /QueuePool limit of size 1 overflow 0 reached/, () => engine.connect());
    equal(error.code, "3o7r");
    await throws(TimeoutError, /timed out after 20 ms/, () => engine.connect({ timeout: 20 }));
    const reason = new Error("no longer needed");
    equal(await thrownBy(() => engine.connect({ signal: AbortSignal.abort(reason) })), reason);
    const ac = new AbortController();
    const waiting = engine.connect({ signal: ac.signal });
    ac.abort(reason);
    equal(await thrownBy(() => waiting), reason);
    const next = engine.connect();
    equal(engine.pool.checkedout(), 1);
    await held.close();
    await (await next).close();
    ok(/Pool size: 1 +Connections in pool: 1/.test(engine.pool.status()), engine.pool.status());
    await throws(ArgumentError, /Unknown call option 'timeOut'/, () => engine.connect({ timeOut: 5 }));
    await throws(ArgumentError, /timeout is a number/, () => engine.connect({ timeout: -5 }));
  },

  async "a stream follows its signal, and many rows keep their order"() {
    await using engine = createEngine("sqlite://");
    await using conn = await engine.connect();
    const endless = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x, 'row ' || x AS name FROM c");
    const ac = new AbortController();
    const stream = await conn.stream(endless, null, { signal: ac.signal });
    equal(await stream.fetchmany(3), [[1, "row 1"], [2, "row 2"], [3, "row 3"]]);
    const rows = await stream.fetchmany(50_000);
    equal([rows.length, rows.at(-1)], [50_000, [50_003, "row 50003"]]);
    ac.abort(new Error("stop"));
    equal((await thrownBy(() => stream.fetchmany(1_000_000))).message, "stop");
    equal(await conn.scalar(select(1)), 1);
    const limited = await conn.stream(endless, null, { executionOptions: { yieldPer: 7 } });
    equal((await limited.fetchmany()).length, 7);
    await limited.close();
    await throws(ResourceClosedError, /closed/, () => limited.fetchone());
  },

  async "echo, in SQLAlchemy's words; hidden parameters stay hidden"() {
    const lines = [];
    await using engine = createEngine("sqlite://", { echo: ({ message, logger, level }) => lines.push([logger, level, message]), loggingName: "test" });
    await engine.begin((c) => c.execute(sql`SELECT ${"secret"} AS x`));
    equal(lines.map(([, , message]) => message.replace(/\[generated in [0-9.]+s\]/, "[generated]")),
      ["BEGIN (implicit)", "SELECT ? AS x", "[generated] ('secret',)", "COMMIT"]);
    equal(lines[0].slice(0, 2), ["sqlalchemy.engine.Engine.test", "INFO"]);
    const hidden = [];
    await using discreet = createEngine("sqlite://", { echo: ({ message }) => hidden.push(message), hideParameters: true });
    const error = await thrownBy(() => discreet.execute(sql`SELECT ${"secret"} FROM nobody`));
    ok(!`${hidden.join()}${error.message}`.includes("secret") && error.params === null, "the value is nowhere");
    ok(/hidden due to hide_parameters/.test(error.message), error.message);
  },

  async "the database as bytes opens again"() {
    await using engine = createEngine("sqlite://");
    await engine.execute(text("CREATE TABLE t (a)"));
    await engine.execute(text("INSERT INTO t VALUES (:a)"), Array.from({ length: 5000 }, (_, a) => ({ a: `row number ${a}` })));
    const bytes = await engine.exportBytes();
    equal(new TextDecoder().decode(bytes.slice(0, 15)), "SQLite format 3");
    equal([bytes[18], bytes[19], bytes.length % 4096], [1, 1, 0]);
    let streamed = 0;
    for await (const chunk of engine.exportStream()) streamed += chunk.length;
    equal(streamed, bytes.length);
    const reader = engine.exportStream().getReader();
    await reader.read();
    await reader.cancel();
    equal(engine.pool.checkedout(), 0, "a cancelled export gives its connection back");
  },

  async "the engine says where its data is, and can be used again after dispose"() {
    const engine = createEngine("sqlite:///session/where.db", { durability: "full" });
    equal(await engine.scalar(select(1)), 1);
    const { kind, durable, durability, path } = engine.storage;
    equal([kind, durable, durability, path], ["opfs", true, "full", "session/where.db"]);
    equal(typeof (await engine.storage.persisted()), "boolean");
    ok((await engine.storage.estimate()).quota > 0, "there is a quota");
    equal([engine.name, engine.driver, engine.url, engine.dialect.quote('a"b')], ["sqlite", "aludel", "sqlite:///session/where.db", '"a""b"']);
    await engine.dispose();
    equal(await engine.scalar(select(2)), 2);
    await engine.dispose();
    await using memory = createEngine("sqlite://");
    equal([memory.storage.kind, memory.storage.durable, memory.storage.path], ["memory", false, null]);
    equal(version, "0.1.0");
  },

  async "a begin inside a begin is told who has the only connection"() {
    await using engine = createEngine("sqlite://", { poolSize: 1, poolTimeout: 1.2 });
    const blocked = [];
    engine.listen("blocked", (event) => blocked.push(event));
    const nested = () => engine.begin(async (conn) => {
      await conn.execute(select(1));
      await engine.begin(() => undefined);
    });
    const error = await throws(TimeoutError, /^QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 1.20\n/, nested);
    ok(/\n\[taken \d+\.\d s ago at .*:\d+:\d+\)?, idle for \d+\.\d s\]$/.test(error.message), error.message);
    equal([blocked.length, blocked[0].what, blocked[0].holders.length], [1, "pool", 1]);
    const { waiter, holders: [holder] } = blocked[0];
    ok(/:\d+:\d+\)?$/.test(holder.site) && /:\d+:\d+\)?$/.test(waiter.site), `${holder.site} and ${waiter.site}`);
    ok(holder.site !== waiter.site, "two lines of the program, none of the package");
    equal([await engine.scalar(select(1)), engine.pool.checkedout()], [1, 0], "afterwards");
  },

  async "two engines on one URL share the worker, and one outlives the other"() {
    const url = `sqlite:///session/shared-${Date.now()}.db`;
    const [a, b] = [createEngine(url), createEngine(url)];
    await a.execute(text("CREATE TABLE t (a)"));
    const conn = await b.connect();
    await conn.execute(text("INSERT INTO t VALUES (1)"));
    await a.dispose();
    await conn.commit();
    equal(await conn.scalar(text("SELECT count(*) FROM t")), 1);
    await conn.close();
    equal(await a.scalar(text("SELECT count(*) FROM t")), 1, "a again");
    await b.dispose();
    equal(await a.scalar(text("SELECT count(*) FROM t")), 1, "a without b");
    await a.dispose();
  },

  async "a worker that fails to load is WorkerGone, at once"() {
    const engine = createEngine("sqlite://", { worker: () => new Worker("/no-such-worker.js", { type: "module" }) });
    const start = performance.now();
    await throws(WorkerGone, /worker/, () => engine.scalar(select(1)));
    ok(performance.now() - start < 5000, "it did not hang");
    const wasm = createEngine("sqlite://", { wasmUrl: "/no-such.wasm" });
    await throws(WorkerGone, /WebAssembly could not be loaded/, () => wasm.scalar(select(1)));
    const throwing = createEngine("sqlite://", { worker: () => { throw new Error("not today"); } });
    await throws(StorageError, /not today/, () => throwing.scalar(select(1)));
    equal(AlreadyQuit, WorkerGone);
  },

  async "without OPFS a file is a typed error, or memory if that was asked for"() {
    const worker = () => new Worker(new URL("/counted/no-opfs.js", location.href), { type: "module" });
    const file = createEngine("sqlite:///session/nowhere.db", { worker });
    const error = await throws(StorageError, /origin private file system/i, () => file.scalar(select(1)));
    equal([error.reason, error.retryable, error instanceof OperationalError], ["unavailable", false, true]);
    await file.dispose();
    await using memory = createEngine("sqlite:///session/nowhere.db", { worker, fallback: "memory" });
    equal(await memory.scalar(select(1)), 1);
    equal([memory.storage.kind, memory.storage.durable, memory.storage.path], ["memory", false, null]);
  },

  async "a full disk is a typed error, and loses nothing"() {
    let worker;
    await using engine = createEngine(`sqlite:///session/full-${Date.now()}.db`, {
      worker: () => (worker = new Worker(new URL("/counted/full.js", location.href), { type: "module" })),
    });
    await engine.execute(text("CREATE TABLE t (a)"));
    await engine.execute(text("INSERT INTO t VALUES ('kept')"));
    worker.postMessage({ full: true });
    const error = await throws(StorageError, /quota|full|no room/i, () => engine.execute(text("INSERT INTO t VALUES (zeroblob(1000000))")));
    equal([error.reason, error.name], ["quota", "StorageError"]);
    equal((await engine.execute(text("SELECT a FROM t"))).scalars().all(), ["kept"], "while full");
    worker.postMessage({ full: false });
    await engine.execute(text("INSERT INTO t VALUES ('more')"));
    equal((await engine.execute(text("SELECT a FROM t"))).scalars().all(), ["kept", "more"], "afterwards");
    equal(await engine.scalar(text("PRAGMA integrity_check")), "ok");
  },

  async "nothing that lives long is thenable"() {
    await using engine = createEngine("sqlite://");
    await using conn = await engine.connect();
    const tx = await conn.begin();
    const result = await conn.execute(select(1));
    const stream = await conn.stream(select(1));
    for (const [name, value] of Object.entries({ engine, conn, tx, result, stream })) {
      equal([name, typeof value.then, Object.isFrozen(value)], [name, "undefined", true]);
    }
    ok((await thrownBy(() => engine.execute(text("x")))) instanceof SQLAlchemyError, "one root for all errors");
  },

  async "many calls at once keep their order and their answers"() {
    await using engine = createEngine("sqlite://");
    await using conn = await engine.connect();
    const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => conn.scalar(text("SELECT :i"), { i })));
    equal(answers, Array.from({ length: 500 }, (_, i) => i));
    const pooled = await Promise.all(Array.from({ length: 100 }, (_, i) => engine.scalar(text("SELECT :i"), { i })));
    equal(pooled, Array.from({ length: 100 }, (_, i) => i));
    equal((await rowsOf(conn, text("SELECT 1 WHERE 0"))), []);
  },
};
