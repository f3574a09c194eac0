// Live queries, on an engine in Node; several tabs: tests/npm/tabs_watch.test.mjs.
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { load } from "./pkg.mjs";
import { counting, error, fill, nodeEngine, onConnection, onPeople } from "./node_engine.mjs";

// What is told of a commit comes behind its answer, and keeps no process that waits for nothing else.
const waiting = setInterval(() => undefined, 1 << 30);
after(() => clearInterval(waiting));

const {
  ArgumentError, Column, InvalidRequestError, Integer, JSON_, MetaData, OperationalError, procedures, ResourceClosedError, select, Table, text,
  TimeoutError,
} = await load("index.js");

const jobs = procedures(new URL("./procedure_module.mjs", import.meta.url));
const NAMES = text("SELECT name FROM users ORDER BY id");
const names = ({ value }) => value.scalars().all();
const run = (engine, sql, params) => engine.execute(text(sql), params);
const OVER = { done: true, value: undefined };

/** How often a statement was sent. */
function sent(engine, sql) {
  const count = { times: 0 };
  engine.listen("beforeCursorExecute", ({ statement }) => void (count.times += statement === sql ? 1 : 0));
  return count;
}

/** Waits until the engine has told of a commit. */
const told = (engine, work) => new Promise((resolve, reject) => {
  engine.listen("change", resolve, { once: true });
  work().catch(reject);
});

test("a5_events a live query gives its rows at once, and again after each commit that touched its tables", onPeople(async (engine) => {
  const runs = sent(engine, NAMES.text);
  await run(engine, "CREATE TABLE other (x)");
  const live = engine.watch(NAMES);
  assert.equal(runs.times, 0, "nothing happens before somebody asks");
  assert.deepEqual(names(await live.next()), ["Dan", "Dana", "Casey"]);
  const next = live.next();
  await told(engine, () => run(engine, "INSERT INTO other VALUES (1)"));
  await told(engine, () => engine.begin((conn) => conn.execute(text("INSERT INTO users (name) VALUES ('Eve'), ('Mia')"))));
  assert.deepEqual(names(await next), ["Dan", "Dana", "Casey", "Eve", "Mia"]);
  assert.equal(runs.times, 2, "the other table was none of its business");
  // What leaves the rows as they are gives nothing, and what is rolled back is not looked at.
  const later = live.next();
  await told(engine, () => run(engine, "UPDATE users SET age = 1"));
  await assert.rejects(engine.begin(async (conn) => {
    await conn.execute(text("DELETE FROM users"));
    throw new Error("mine");
  }), { message: "mine" });
  await told(engine, () => run(engine, "DELETE FROM users WHERE id > 1"));
  assert.deepEqual(names(await later), ["Dan"]);
  await live.return();
}));

test("a5_events a live query follows what stands behind views, subqueries and parameters", onPeople(async (engine) => {
  await run(engine, "CREATE TABLE banned (user_id)");
  await run(engine, "CREATE VIEW allowed AS SELECT * FROM users WHERE id NOT IN (SELECT user_id FROM banned)");
  const statement = text("WITH c AS (SELECT id FROM allowed) SELECT count(*) FROM c WHERE id < :below AND '\\:x' = ':x'");
  const live = engine.watch(statement, { below: 3 });
  const count = async () => (await live.next()).value.scalar();
  assert.equal(await count(), 2);
  await run(engine, "INSERT INTO banned VALUES (1)");
  assert.equal(await count(), 1);
  await run(engine, "DELETE FROM users WHERE id = 2");
  assert.equal(await count(), 0);
  // Another view of the same name reads another table.
  await run(engine, "CREATE TABLE guests (id)");
  await engine.begin(async (conn) => {
    await conn.execute(text("DROP VIEW allowed"));
    await conn.execute(text("CREATE VIEW allowed AS SELECT * FROM guests"));
    await conn.execute(text("INSERT INTO guests VALUES (0)"));
  });
  assert.equal(await count(), 1);
  await run(engine, "INSERT INTO guests VALUES (1)");
  assert.equal(await count(), 2);
  await live.return();
}));

test("a5_events virtual tables and the schema are followed whatever is committed", onPeople(async (engine) => {
  await run(engine, "CREATE VIRTUAL TABLE docs USING fts5(body, content='users', content_rowid='id')");
  const live = engine.watch(text("SELECT count(*) FROM sqlite_schema WHERE name LIKE 't_'"));
  assert.equal((await live.next()).value.scalar(), 0);
  await run(engine, "CREATE TABLE t1 (x)");
  assert.equal((await live.next()).value.scalar(), 1);
  await live.return();
  const found = engine.watch(text("SELECT rowid FROM docs WHERE docs MATCH 'hello' ORDER BY rowid"));
  assert.deepEqual((await found.next()).value.scalars().all(), []);
  await run(engine, "INSERT INTO docs (rowid, body) VALUES (1, 'hello')");
  assert.deepEqual((await found.next()).value.scalars().all(), [1]);
  await found.return();
}));

test("a5_events a consumer who takes his time gets the newest state, and one run for many commits", onPeople(async (engine) => {
  const runs = sent(engine, NAMES.text);
  const live = engine.watch(NAMES);
  await live.next();
  for (const name of ["a", "b", "c", "d"]) await told(engine, () => run(engine, "INSERT INTO users (name) VALUES (:name)", { name }));
  assert.equal(runs.times, 1);
  assert.deepEqual(names(await live.next()).slice(3), ["a", "b", "c", "d"]);
  assert.equal(runs.times, 2);
  // Two who ask at once get one each, in order.
  const both = [live.next(), live.next()];
  await told(engine, () => run(engine, "DELETE FROM users WHERE id > 2"));
  assert.deepEqual(names(await both[0]), ["Dan", "Dana"]);
  await run(engine, "DELETE FROM users WHERE id > 1");
  assert.deepEqual(names(await both[1]), ["Dan"]);
  await live.return();
}));

test("a5_events with distinct: false each commit that touched the tables gives a result", onPeople(async (engine) => {
  const live = engine.watch(NAMES, undefined, { distinct: false });
  await live.next();
  await run(engine, "UPDATE users SET age = 7");
  assert.deepEqual(names(await live.next()), ["Dan", "Dana", "Casey"]);
  await live.return();
}));

test("a5_events with a key each step tells what was added, changed and removed", onPeople(async (engine) => {
  const ids = (rows) => rows.map((row) => row.id);
  const live = engine.watch(text("SELECT id, name, age FROM users ORDER BY name"), undefined, { key: "id" });
  const step = async () => {
    const { rows, added, changed, removed } = (await live.next()).value;
    return [rows, added, changed, removed].map(ids);
  };
  assert.deepEqual(await step(), [[3, 1, 2], [3, 1, 2], [], []]);
  await engine.begin(async (conn) => {
    await conn.execute(text("UPDATE users SET age = 31 WHERE id = 1"));
    await conn.execute(text("DELETE FROM users WHERE id = 2"));
    await conn.execute(text("INSERT INTO users VALUES (4, 'Abe', 1)"));
  });
  assert.deepEqual(await step(), [[4, 3, 1], [4], [1], [2]]);
  await run(engine, "UPDATE users SET name = 'Zoe' WHERE id = 4");
  assert.deepEqual(await step(), [[3, 1, 4], [], [4], []]);
  await live.return();
  // Several columns, and values that look alike.
  await run(engine, "CREATE TABLE pairs (a, b, n)");
  await run(engine, "INSERT INTO pairs VALUES (1, '2', 0), ('1', 2, 0), (x'31', null, 0), (9007199254740993, '1,2', 0)");
  const pairs = engine.watch(text("SELECT n, a, b FROM pairs"), undefined, { key: ["a", "b"] });
  assert.equal((await pairs.next()).value.added.length, 4);
  await run(engine, "UPDATE pairs SET n = 1 WHERE a = '1'");
  assert.deepEqual((await pairs.next()).value.changed.map((row) => [...row]), [[1, "1", 2]]);
  await run(engine, "UPDATE pairs SET n = x'01' WHERE b IS NULL");
  assert.deepEqual((await pairs.next()).value.changed.map(({ a }) => a), [Uint8Array.of(0x31)]);
  await run(engine, "INSERT INTO pairs VALUES ('1', 2, 5)");
  await assert.rejects(pairs.next(), error(InvalidRequestError, "watch() is to tell rows apart by a, b, and there are two with a = 1, b = 2"));
  assert.deepEqual(await pairs.next(), OVER);
}));

test("a5_events a live query of Core converts its values, and compares them as they are stored", async () => {
  const engine = nodeEngine();
  const metadata = new MetaData();
  const notes = new Table("notes", metadata, new Column("id", Integer, { primaryKey: true }), new Column("data", JSON_));
  await engine.begin((conn) => metadata.createAll(conn));
  await engine.execute(notes.insert(), { id: 1, data: { a: [1] } });
  const live = engine.watch(select(notes), undefined, { key: "id" });
  const [{ data }] = (await live.next()).value.rows;
  assert.deepEqual(data, { a: [1] });
  const next = live.next();
  await told(engine, () => engine.execute(notes.update().values({ data: { a: [1] } })));
  await told(engine, () => engine.execute(notes.update().values({ data: { a: [2] } })));
  assert.deepEqual((await next).value.changed.map((row) => row.data), [{ a: [2] }]);
  await live.return();
});

test("a5_events a live query ends with its loop, by return(), by its signal, and with its engine or connection", async () => {
  const counter = counting();
  const engine = await fill(counter.engine);
  for await (const result of engine.watch(NAMES)) {
    assert.equal(result.scalars().all().length, 3);
    break;
  }
  const controller = new AbortController();
  const conn = await engine.connect();
  const ends = [
    [engine.watch(NAMES), (live) => live.return()],
    [engine.watch(NAMES), (live) => live[Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]()],
    [engine.watch(NAMES, undefined, { signal: controller.signal }), () => controller.abort()],
    [conn.watch(NAMES), () => conn.close()],
    [engine.watch(NAMES), () => engine.dispose()],
  ];
  for (const [live, end] of ends) {
    await live.next();
    const waiting = live.next();
    await end(live);
    assert.deepEqual([await waiting, await live.next()], [OVER, OVER]);
  }
  assert.throws(() => conn.watch(NAMES), ResourceClosedError);
  // Those that were over before they began, and one that ends while it runs.
  assert.deepEqual(await engine.watch(NAMES, undefined, { signal: controller.signal }).next(), OVER);
  await fill(engine);
  const live = engine.watch(NAMES);
  const first = live.next();
  await live.return();
  assert.deepEqual(await first, OVER);
  // Nobody runs anything any more.
  await run(engine, "SELECT 1");
  const before = counter.frames;
  await run(engine, "DELETE FROM users");
  await run(engine, "SELECT 1");
  assert.equal(counter.frames - before, 2);
});

test("a5_events an error of the statement ends a live query", onPeople(async (engine) => {
  await assert.rejects(engine.watch(text("SELECT nonsense")).next(), error(OperationalError, "no such column: nonsense\n[SQL: SELECT nonsense]"));
  const live = engine.watch(NAMES);
  await live.next();
  await run(engine, "DROP TABLE users");
  await assert.rejects(live.next(), error(OperationalError, "no such table: users"));
  assert.deepEqual(await live.next(), OVER);
}));

test("a5_events what cannot be watched is refused, and not run", onConnection(async (conn, engine) => {
  for (const sql of ["DELETE FROM users RETURNING id", "INSERT INTO users (name) VALUES ('x')", "ATTACH ':memory:' AS x", "SELECT 1; SELECT 2", "BEGIN"]) {
    const message = /^watch\(\) takes one statement that returns rows and changes nothing$/;
    await assert.rejects(engine.watch(text(sql)).next(), error(InvalidRequestError, message, ({ statement }) => statement === null));
  }
  await assert.rejects(
    engine.watch(text("SELECT name FROM sqlite_temp_schema")).next(),
    error(InvalidRequestError, /^watch\(\) follows tables of the main database only, and this statement reads \S+$/),
  );
  assert.equal(await conn.scalar(text("SELECT count(*) FROM users")), 3);
  await assert.rejects(engine.watch(text("SELECT :a"), [{ a: 1 }]).next(), error(ArgumentError, "one set of parameters"));
  await assert.rejects(engine.watch("SELECT 1").next(), error(ArgumentError, "Not an executable object"));
  for (const [options, message] of [
    [{ keys: "id" }, "Unknown call option 'keys'; known are: distinct, executionOptions, key, signal, timeout"],
    [{ key: [] }, "key is the name of a column, or a list of such names, not Array"],
    [{ key: 1 }, "key is the name of a column, or a list of such names, not number"],
    [{ distinct: 1 }, "distinct is true or false, not number"],
  ]) {
    assert.throws(() => engine.watch(NAMES, undefined, options), error(ArgumentError, message));
  }
  await assert.rejects(
    engine.watch(NAMES, undefined, { key: "id" }).next(),
    error(ArgumentError, "watch() is to tell rows apart by 'id', and the statement has the columns name"),
  );
}));

test("a5_events a live query outlives its worker", async () => {
  const counter = counting();
  const engine = await fill(counter.engine);
  const live = engine.watch(text("SELECT name FROM sqlite_schema"));
  assert.deepEqual(names(await live.next()), ["users"]);
  const next = live.next();
  counter.fail("gone");
  // The next connection starts another worker, with another database.
  await run(engine, "SELECT 1");
  assert.deepEqual(names(await next), []);
  await live.return();
});

test("a5_events listeners are told of what live queries run, and what they rewrite is followed", onPeople(async (engine) => {
  await run(engine, "CREATE TABLE tenants (user_id)");
  const seen = [];
  engine.listen("connect", ({ connection }) => void seen.push(connection.closed));
  engine.listen("beforeCursorExecute", ({ statement }) =>
    statement === NAMES.text ? { statement: "SELECT name FROM users JOIN tenants ON user_id = id" } : undefined);
  const live = engine.watch(NAMES);
  assert.deepEqual(names(await live.next()), []);
  await run(engine, "INSERT INTO tenants VALUES (2)");
  assert.deepEqual(names(await live.next()), ["Dana"]);
  await live.return();
  assert.equal(engine.pool.checkedout(), 0);
}));

test("a5_events a live query calls the functions that connect has made", async () => {
  const engine = nodeEngine();
  engine.listen("connect", ({ connection }) => connection.runSync(jobs.setUp));
  const live = engine.watch(text("SELECT shout('dan')"));
  assert.equal((await live.next()).value.scalar(), "DAN");
  await live.return();
  assert.equal(engine.pool.checkedout(), 0);
});

test("a5_events the timeout of a live query holds for the wait for a connection, whoever listens", async () => {
  const engine = await fill(nodeEngine({ poolSize: 1, maxOverflow: 0 }));
  for (const listens of [false, true]) {
    if (listens) engine.listen("checkout", () => undefined);
    // What it asks first may have taken a part of the time.
    await engine.connect(() =>
      assert.rejects(engine.watch(NAMES, undefined, { timeout: 20 }).next(), error(TimeoutError, /^the call timed out after \d+ ms/)));
    assert.deepEqual(names(await engine.watch(NAMES, undefined, { timeout: 60_000 }).next()), ["Dan", "Dana", "Casey"]);
  }
});

test("a5_events a live query that is first asked when its connection is closed is over", onPeople(async (engine) => {
  const conn = await engine.connect();
  const [before, during] = [conn.watch(NAMES), conn.watch(NAMES)];
  let waiting;
  engine.listen("checkin", async () => {
    // Somebody asks while the listeners of its closing are told.
    waiting ??= during.next();
  });
  await conn.close();
  assert.deepEqual(await before.next(), OVER);
  await waiting;
  assert.deepEqual(await during.next(), OVER);
}));

test("a5_events of two columns of one name the last is the key, as in rows", onPeople(async (engine) => {
  const live = engine.watch(text("SELECT 1 AS id, id FROM users ORDER BY 2"), undefined, { key: "id" });
  assert.deepEqual((await live.next()).value.added.map(({ id }) => id), [1, 2, 3]);
  await live.return();
}));
