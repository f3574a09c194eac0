// Aggregates and window functions of SQL that a module gives, and what functions and collations throw.
import assert from "node:assert/strict";
import { test } from "node:test";
import { error, fill, nodeEngine, onConnection, onPeople } from "./node_engine.mjs";
import { load } from "./pkg.mjs";

const { ArgumentError, Column, func, Integer, MetaData, OperationalError, procedures, select, Table, text, TimeoutError } = await load("index.js");
const jobs = procedures(new URL("./aggregate_module.mjs", import.meta.url));
const rowsOf = (conn) => async (sql, params) => (await conn.execute(text(sql), params)).all().map((row) => [...row]);
const NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)";

test("aggregates are called as those of SQLite are", onConnection(async (conn) => {
  await conn.runSync(jobs.setUp);
  const rows = rowsOf(conn);
  assert.deepEqual(await rows("SELECT longest(name), mine(age), fields(name), kinds(name) FROM users"), [["Casey", 50, 3, new Uint8Array([1, 2])]]);
  assert.deepEqual(await rows("SELECT longest(name, 1) FROM users GROUP BY name LIKE 'D%' ORDER BY 1"), [["ana"], ["asey"]]);
  for (const sql of [
    "SELECT i % 7, SUM(i), SUM(i) FILTER (WHERE i % 2) FROM n GROUP BY i % 7 HAVING SUM(i) > 100 ORDER BY SUM(i)",
    "SELECT SUM(i), SUM(DISTINCT i % 5) FROM n",
    "SELECT (SELECT SUM(b.i) FROM n b WHERE b.i < a.i) FROM n a WHERE a.i > 1",
  ]) {
    const [own, expected] = [await rows(`${NUMBERS} ${sql.replaceAll("SUM", "mine")}`), await rows(`${NUMBERS} ${sql}`)];
    assert.deepEqual(own, expected, sql);
  }
  // What has no rows comes to what it is without any.
  assert.deepEqual(await rows("SELECT mine(id), longest(name) FROM users WHERE 0"), [[0, null]]);
  await assert.rejects(rows("SELECT mine(id) OVER () FROM users"), error(OperationalError, "mine() may not be used as a window function"));
  // Those that do no harm may be called by what the schema holds.
  await conn.execute(text("CREATE VIEW ages AS SELECT mine(age) AS total FROM users"));
  assert.deepEqual(await rows("SELECT total FROM ages"), [[50]]);
  await conn.execute(text("CREATE VIEW harm AS SELECT moving(age) FROM users"));
  await assert.rejects(rows("SELECT * FROM harm"), error(OperationalError, "unsafe use of moving()"));
}));

test("window functions follow many windows at once", onConnection(async (conn) => {
  await conn.runSync(jobs.setUp);
  const rows = rowsOf(conn);
  const windows = ["ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING", "ROWS BETWEEN 4 PRECEDING AND 2 PRECEDING", "GROUPS 1 PRECEDING", ""];
  const sums = windows.flatMap((frame) => ["", "PARTITION BY i % 3"].map((by) => `SUM(i) OVER (${by} ORDER BY i ${frame})`));
  const sql = `${NUMBERS} SELECT i, ${sums.join(", ")} FROM n ORDER BY i`;
  const [own, expected] = [await rows(sql.replaceAll("SUM", "moving")), await rows(sql.replaceAll("SUM", "total"))];
  assert.equal(own.length, 40);
  assert.deepEqual(own, expected);
  const [begun, finalized] = await conn.runSync(jobs.told);
  assert.ok(begun >= sums.length, `${begun}`);
  assert.ok(finalized <= begun, `${finalized} of ${begun}`);
}));

test("what an aggregate throws, the statement fails with, and nothing is left", onConnection(async (conn) => {
  await conn.runSync(jobs.setUp);
  const rows = rowsOf(conn);
  const over = (name) => `INSERT INTO users (name) SELECT ${name}(id) OVER (ORDER BY id ROWS 1 PRECEDING) FROM users`;
  const whole = (name) => `INSERT INTO users (name) SELECT ${name}(id) FROM users GROUP BY id`;
  for (const [sql, message] of [
    [whole("fails_step"), "step, not today"],
    [whole("fails_finalize"), "finalize, not today"],
    [over("fails_step"), "step, not today"],
    [over("fails_inverse"), "inverse, not today"],
    [over("fails_value"), "value, not today"],
    [whole("throws_text"), "only a text"],
    [whole("throws_object"), "the aggregate threw what is no error"],
    [whole("cannot_begin"), "no group today"],
    [whole("lacks"), "the aggregate lacks() has no finalize(): it is to have step(), finalize()"],
    [whole("gives_null"), "the aggregate gives_null() has no step()"],
    [whole("later"), "step() of the aggregate later() returned a Promise"],
    [whole("promises"), "returned what SQLite cannot store"],
    [whole("asks"), "its procedure has returned"],
  ]) {
    await assert.rejects(rows(sql), error(OperationalError, message, ({ statement }) => statement === sql), sql);
    assert.deepEqual(await rows("SELECT count(*), mine(id) FROM users"), [[3, 6]], sql);
  }
  assert.deepEqual(await conn.runSync(jobs.within), [
    [["Dan", 1], ["Dana", 3], ["Casey", 5]],
    ["OperationalError", "step, not today"],
    3,
  ]);
}));

test("groups of what is given up come to no end", onPeople(async (engine) => {
  await engine.connect(async (conn) => {
    await conn.runSync(jobs.setUp);
    await conn.runSync(jobs.told);
    const endless = text("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT mine(i) FROM n");
    await assert.rejects(conn.execute(endless, undefined, { timeout: 50 }), error(TimeoutError, "timed out"));
    // It may not have begun, where all are busy.
    const [begun, finalized] = await conn.runSync(jobs.told);
    assert.deepEqual([begun <= 1, finalized], [true, 0]);
    // A stream that is not read to its end.
    const moving = text("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT moving(i) OVER (ROWS 2 PRECEDING) FROM n");
    const stream = await conn.stream(moving);
    assert.deepEqual([...(await stream.fetchone())], [1]);
    await stream.close();
    assert.deepEqual(await conn.runSync(jobs.told), [1, 0]);
    assert.equal(await conn.scalar(text("SELECT mine(id) FROM users")), 6);
    assert.deepEqual(await conn.runSync(jobs.told), [1, 1]);
  });
}));

test("statements that were put together call them, with the type that they are said to give", onConnection(async (conn) => {
  await conn.runSync(jobs.setUp);
  const users = new Table("users", new MetaData(), new Column("id", Integer, { primaryKey: true }), new Column("age", Integer));
  const moving = func.moving(users.c.id).returns(Integer).over({ orderBy: users.c.id, rows: [-1, 0] });
  const rows = (await conn.execute(select(func.twice(users.c.id).returns(Integer), moving).orderBy(users.c.id))).all();
  assert.deepEqual(rows.map((row) => [...row]), [[2, 1], [4, 3], [6, 5]]);
  assert.equal(await conn.scalar(select(func.mine(users.c.age).returns(Integer))), 50);
}));

test("each connection of an engine has its aggregates by its event", async () => {
  const engine = nodeEngine();
  engine.listen("connect", ({ connection }) => connection.runSync(jobs.setUp));
  await fill(engine);
  const [one, other] = [await engine.connect(), await engine.connect()];
  for (const conn of [one, other]) assert.equal(await conn.scalar(text("SELECT mine(age) FROM users")), 50);
  await engine.dispose();
});

test("what aggregates and collations are made of is checked", onConnection(async (conn) => {
  const refused = (...args) => conn.runSync(jobs.create, ...args);
  for (const [args, message] of [
    [["createAggregate", "f", { deterministic: true }], "Unknown option 'deterministic' of createAggregate(); known are: innocuous"],
    [["createWindowFunction", "f", { inocuous: true }], "Unknown option 'inocuous' of createWindowFunction(); known are: innocuous"],
    [["createAggregate", "f", { innocuous: 1 }], "innocuous is true or false, not number"],
    [["createWindowFunction", "f", null], "the options of createWindowFunction() are an object, not null"],
    [["createAggregate", 7], "createAggregate() takes a name and a function, not number and function"],
    [["createCollation", "f", { deterministic: true }], "Unknown option 'deterministic' of createCollation(); known are: none"],
    [["createCollation", "f", null], "the options of createCollation() are an object, not null"],
  ]) {
    await assert.rejects(refused(...args), error(ArgumentError, message), message);
  }
  await assert.rejects(conn.runSync(jobs.createOf, "createWindowFunction", { step: 7 }), error(ArgumentError, "takes a name and a function, not string and "));
  await refused("createAggregate", "f", { innocuous: undefined });
  await refused("createCollation", "f", {});
}));

test("texts that are thrown are told, and what a collation gives is a number", onConnection(async (conn) => {
  await conn.runSync(jobs.throwing);
  const rows = rowsOf(conn);
  const sorted = (collation) => rows(`SELECT name FROM users ORDER BY name COLLATE "${collation}"`);
  await assert.rejects(rows("SELECT throws_text_too()"), error(OperationalError, "text of a function"));
  await assert.rejects(rows("SELECT throws_nothing()"), error(OperationalError, "the function threw what is no error"));
  await assert.rejects(sorted("throws"), error(OperationalError, "a collation has failed"));
  await assert.rejects(sorted("throws_text_as_well"), error(OperationalError, "text of a collation"));
  await assert.rejects(sorted("undefined"), error(OperationalError, "a collation returned what is no number"));
  await assert.rejects(sorted("symbol"), error(OperationalError, ""));
  // A boolean is a number to `sort()`, too.
  assert.equal((await sorted("boolean")).length, 3);
  assert.deepEqual(await rows(`SELECT name FROM users WHERE name < 'Dan' COLLATE "boolean" ORDER BY id`), []);
}));
