// A0, A1, A2: what only the ancestors' own documents have; on a real SQLite, in a thread of Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { COUNT, error, INSERT, nodeEngine, onPeople } from "./node_engine.mjs";
import { load } from "./pkg.mjs";

const {
  Column, Connection, CreateTable, DropTable, Engine, Integer, InvalidRequestError, literal, MetaData, Result, select, String_, Table, Text,
  text, Transaction,
} = await load("index.js");
const columns = () => [new Column("id", Integer, { primaryKey: true }), new Column("name", Text)];

/** Runs a test on a table of users in a new database. */
const onUsers = (test) => async () => {
  const engine = nodeEngine();
  const users = new Table("users", new MetaData(), ...columns());
  try {
    await engine.execute(new CreateTable(users));
    await test(engine, users);
  } finally {
    await engine.dispose();
  }
};

test("a0_10 a0_11 a0_12 tables insert, select and delete", onUsers((engine, users) => engine.connect(async (conn) => {
  assert.equal((await conn.execute(users.insert().values({ id: 42, name: "Async" }))).rowcount, 1);
  const found = (await conn.execute(users.select().where(users.c.id.eq(42)))).fetchall();
  assert.deepEqual(found.map((row) => [...row]), [[42, "Async"]]);
  assert.equal((await conn.execute(users.delete().where(users.c.id.eq(42)))).rowcount, 1);
})));

test("a0_14 the example of the first ancestor", onUsers((engine, users) => engine.connect(async (conn) => {
  await conn.begin(() => conn.execute(users.insert().values({ id: 42, name: "Async" })));
  const found = await (await conn.execute(users.select().where(users.c.id.eq(42)))).fetchall();
  assert.deepEqual(found.map(({ id }) => id), [42]);
  assert.equal((await conn.execute(users.delete().where(users.c.id.eq(42)))).rowcount, 1);
})));

test("a0_15 what the first ancestor's objects have, these have", () => {
  for (const [of, names] of [
    [Engine, ["execute", "hasTable", "tableNames", "connect", "begin", "scalar", "dispose"]],
    [Connection, ["close", "closed", "inTransaction", "executionOptions", "execute", "scalar", "begin", "beginNested"]],
    [Transaction, ["commit", "rollback", "close", "isActive"]],
    [Result, ["fetchone", "fetchmany", "fetchall", "scalar", "first", "keys", "returnsRows", "rowcount", "insertedPrimaryKey", "close"]],
  ]) {
    for (const name of names) assert.ok(name in of.prototype, `${of.name}.${name}`);
  }
});

test("a1_04 a1_05 a1_07 tables of a set have names, columns and types", () => {
  const metadata = new MetaData();
  const users = new Table("users", metadata, ...columns());
  assert.equal(metadata.tables.get("users"), users);
  assert.throws(() => new Table("users", metadata, ...columns()), error(InvalidRequestError, "Table 'users' is already defined for this MetaData instance"));
  // A type and the type with its arguments.
  const sizes = new Table("sizes", metadata, new Column("a", String_), new Column("b", String_(5)));
  assert.match(String(new CreateTable(sizes)), /a VARCHAR,[^]*b VARCHAR\(5\)/);
});

test("a1_06 a lone integer primary key counts by itself", onUsers(async (engine, users) => {
  for (const expected of [1, 2, 3]) {
    assert.deepEqual([...(await engine.execute(users.insert().values({ name: "x" }))).insertedPrimaryKey], [expected]);
  }
}));

test("a1_19 a1_09 a1_11 a1_12 a1_17 a2_03 the example of sqlalchemy_aio", onUsers(async (engine, users) => {
  const result = await engine.connect(async (conn) => {
    for (const name of ["Jeremy Goodwin", "Natalie Hurley", "Dan Rydell", "Casey McCall", "Dana Whitaker"]) {
      await conn.execute(users.insert().values({ name }));
    }
    // It does not commit by itself.
    await conn.commit();
    return (await conn.execute(users.select().where(users.c.name.startsWith("D")).orderBy(users.c.id))).fetchall();
  });
  assert.deepEqual(result.map((user) => `Username: ${user.name}`), ["Username: Dan Rydell", "Username: Dana Whitaker"]);
  assert.equal(await engine.begin((conn) => conn.scalar(select(literal(1)))), 1);
  await engine.execute(new DropTable(users));
  assert.equal(await engine.hasTable("users"), false);
}));

test("a2_04 a call that is aborted is cancelled, and a scope that is left rolls back", onPeople(async (engine) => {
  const ac = new AbortController();
  const reason = new Error("enough");
  const begun = engine.begin(async (conn) => {
    await conn.execute(INSERT);
    setImmediate(() => ac.abort(reason));
    await conn.execute(text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"), null, { signal: ac.signal });
  });
  await assert.rejects(begun, (thrown) => thrown === reason);
  assert.deepEqual([await engine.scalar(COUNT), engine.pool.checkedout()], [3, 0]);
}));

test("a2_06 values of a row by their column", onUsers(async (engine, users) => {
  await engine.execute(users.insert().values({ name: "Dan" }));
  const user = (await engine.execute(users.select())).one();
  assert.deepEqual([user[users.c.name.key], user._mapping[users.c.id.key]], ["Dan", 1]);
}));

test("a4_41 what is hardly meant is warned of once", async () => {
  const warnings = [];
  const engine = nodeEngine({ echo: ({ level, message }) => level === "WARNING" && warnings.push(message) });
  const [a, b] = ["a", "b"].map((name) => new Table(name, new MetaData(), ...columns()));
  await engine.execute(new CreateTable(a));
  await engine.execute(new CreateTable(b));
  for (let i = 0; i < 2; i++) await engine.execute(select(a.c.id, b.c.id.label("other")));
  await engine.dispose();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /cartesian product/);
});
