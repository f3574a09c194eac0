// Results, buffered and streamed: A3.49 to A3.69, A4.25 to A4.35; on a real SQLite, in a thread of Node. What each call gives,
// closes and throws in every order is in tests/vectors/result.json.
import assert from "node:assert/strict";
import { test } from "node:test";
import { error, onConnection, onPeople } from "./node_engine.mjs";
import { load } from "./pkg.mjs";

const {
  ArgumentError, Column, Integer, InvalidRequestError, MetaData, MultipleResultsFound, NoResultFound, NoSuchColumnError, ResourceClosedError, Table,
  Text, text,
} = await load("index.js");
const NAMES = text("SELECT name, id FROM users ORDER BY id");
const DAN = text("SELECT name, id FROM users WHERE id = 1");
const NOBODY = text("SELECT name, id FROM users WHERE id = 99");
const users = new Table("users", new MetaData(), new Column("id", Integer, { primaryKey: true }), new Column("name", Text), new Column("age", Integer));
const closed = error(ResourceClosedError, "This result object is closed.");
const none = error(NoResultFound, "No row was found when one was required");
const tooMany = error(MultipleResultsFound, "Multiple rows were found when exactly one was required");
const more = error(MultipleResultsFound, "Multiple rows were found when one or none was required");
const given = (rows) => rows.map((row) => [...row]);

/** Runs the same calls on a result and on a stream. */
async function both(conn, statement, calls) {
  await calls(await conn.execute(statement));
  await calls(await conn.stream(statement));
}

/** A rejection, also where the call throws at once. */
const refused = (call, check) => assert.rejects(async () => call(), check);

test("a3_49 a3_62 scalars are the values of one column", onConnection(async (conn) => {
  await both(conn, NAMES, async (result) => {
    assert.deepEqual(await result.scalars().all(), ["Dan", "Dana", "Casey"]);
    assert.deepEqual(await result.scalars("id").all(), [], "they share the rows");
  });
  await both(conn, NAMES, async (result) => {
    assert.deepEqual(await result.scalars("id").all(), [1, 2, 3]);
    await refused(() => result.scalars("age"), error(NoSuchColumnError, "Could not locate column"));
    assert.equal(result.scalars(1).fetchone, undefined, "values have no fetchone");
  });
}));

test("a3_50 a3_57 a4_29 first gives one row or none and closes", onConnection(async (conn) => {
  await both(conn, NAMES, async (result) => {
    assert.deepEqual([...(await result.first())], ["Dan", 1]);
    assert.equal(result.closed, true);
    await refused(() => result.first(), closed);
  });
  await both(conn, NOBODY, async (result) => {
    await result.fetchall();
    assert.deepEqual([await result.first(), await result.first()], [null, null], "at its end it can be asked again and again");
  });
  await both(conn, text("SELECT NULL"), async (result) => assert.equal(await result.scalars().first(), null));
}));

test("a3_51 a3_58 one wants exactly one row", onConnection(async (conn) => {
  for (const [statement, outcome] of [[DAN, "Dan"], [NOBODY, none], [NAMES, tooMany]]) {
    for (const one of [(result) => result.scalars().one(), async (result) => (await result.one()).name]) {
      await both(conn, statement, async (result) => {
        if (typeof outcome === "string") assert.equal(await one(result), outcome);
        else await refused(() => one(result), outcome);
        assert.equal(result.closed, true);
      });
    }
  }
  await both(conn, text("SELECT 1 UNION ALL SELECT 1"), async (result) => {
    assert.deepEqual([...(await result.unique().one())], [1], "repetitions of the row do not count");
  });
}));

test("a3_52 a3_59 oneOrNone wants no second row", onConnection(async (conn) => {
  for (const [statement, outcome] of [[DAN, "Dan"], [NOBODY, null], [NAMES, more]]) {
    for (const one of [(result) => result.scalars().oneOrNone(), async (result) => (await result.oneOrNone())?.name ?? null]) {
      await both(conn, statement, async (result) => {
        if (typeof outcome === "function") await refused(() => one(result), outcome);
        else assert.equal(await one(result), outcome);
      });
    }
  }
}));

test("a3_53 a4_28 fetchone gives rows until there are none", onConnection(async (conn) => {
  await both(conn, DAN, async (result) => {
    assert.equal((await result.fetchone()).name, "Dan");
    assert.deepEqual([await result.fetchone(), await result.fetchone()], [null, null]);
  });
  await both(conn, NAMES, async (result) => {
    await result.scalar();
    await refused(() => result.fetchone(), closed);
  });
  await both(conn, text("DELETE FROM users WHERE id = 99"), (result) =>
    refused(() => result.fetchone(), error(ResourceClosedError, "This result object does not return rows. It has been closed automatically.")));
}));

test("a3_54 a4_27 fetchmany gives one row unless told", onConnection(async (conn) => {
  await both(conn, NAMES, async (result) => {
    assert.deepEqual(given(await result.fetchmany()), [["Dan", 1]]);
    assert.equal((await result.fetchmany(5)).length, 2);
    assert.deepEqual(await result.fetchmany(5), []);
  });
  await both(conn, NAMES, async (result) => assert.equal((await result.yieldPer(2).fetchmany()).length, 2));
}));

test("a3_55 a0_08 a1_13 a4_26 fetchall gives what is left, and then nothing", onConnection(async (conn) => {
  await both(conn, NAMES, async (result) => {
    await result.fetchone();
    assert.deepEqual(given(await result.fetchall()), [["Dana", 2], ["Casey", 3]]);
    assert.deepEqual(await result.all(), []);
    await result.close();
    await refused(() => result.fetchall(), closed);
  });
}));

test("a3_56 a4_30 scalar gives the first column of the first row and closes", onConnection(async (conn) => {
  for (const [statement, name] of [[NAMES, "Dan"], [NOBODY, null], [text("SELECT NULL"), null]]) {
    await both(conn, statement, async (result) => {
      assert.equal(await result.scalar(), name);
      await refused(() => result.scalar(), closed);
    });
  }
}));

test("a3_60 the first column of the only row", onConnection(async (conn) => {
  await both(conn, DAN, async (result) => assert.equal(await result.scalarOne(), "Dan"));
  await both(conn, NOBODY, (result) => refused(() => result.scalarOne(), none));
  await both(conn, NAMES, (result) => refused(() => result.scalarOne(), tooMany));
  await both(conn, NOBODY, async (result) => assert.equal(await result.scalarOneOrNone(), null));
  await both(conn, NAMES, (result) => refused(() => result.scalarOneOrNone(), more));
}));

test("a3_61 rows as mappings", onConnection(async (conn) => {
  await both(conn, NAMES, async (result) => {
    const mappings = result.mappings();
    assert.deepEqual(mappings.keys(), ["name", "id"]);
    const first = await mappings.fetchone();
    assert.deepEqual([{ ...first }, Object.getPrototypeOf(first), Object.isFrozen(first)], [{ name: "Dan", id: 1 }, null, true]);
    assert.equal((await result.fetchone()).name, "Dana", "they share the rows");
    assert.equal((await mappings.all()).length, 1);
  });
}));

test("a3_63 partitions are lists of a size", onConnection(async (conn) => {
  await both(conn, NAMES, async (result) => {
    const sizes = [];
    for await (const part of result.partitions(2)) sizes.push(part.length);
    assert.deepEqual(sizes, [2, 1]);
  });
}));

test("a3_64 a4_35 rows one by one", onConnection(async (conn) => {
  await both(conn, NAMES, async (result) => {
    const names = [];
    for await (const { name } of result) names.push(name);
    assert.deepEqual(names, ["Dan", "Dana", "Casey"]);
  });
  const endless = await conn.stream(text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"));
  for await (const { x } of endless) if (x === 3) break;
  assert.deepEqual([endless.closed, await conn.scalar(text("SELECT 1"))], [true, 1], "who leaves the loop closes the cursor");
}));

test("a3_65 a4_25 a4_31 keys, columns, unique, tuples, freeze and close", onConnection(async (conn) => {
  await both(conn, NAMES, async (result) => {
    await result.fetchall();
    assert.deepEqual(result.keys(), ["name", "id"], "at the end, too");
  });
  await both(conn, NAMES, async (result) => {
    const turned = result.columns("id", 0);
    assert.deepEqual([turned.keys(), given([await turned.fetchone()])], [["id", "name"], [[1, "Dan"]]]);
  });
  await both(conn, text("SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 1"), async (result) => {
    result.unique();
    assert.equal((await result.fetchmany(1)).length, 1);
    assert.equal((await result.fetchall()).length, 1, "what was seen before counts");
  });
  await both(conn, NAMES, async (result) => assert.deepEqual(await result.tuples().all(), [["Dan", 1], ["Dana", 2], ["Casey", 3]]));
  await both(conn, NAMES, async (result) => {
    await result.fetchone();
    const frozen = await result.freeze();
    assert.deepEqual([frozen().all().length, frozen().all().length], [2, 2]);
    await result.close();
    assert.equal(result.closed, true);
    await refused(() => result.fetchone(), closed);
  });
}));

test("a3_66 a0_09 a4_34 rowcount by kind of statement", onConnection(async (conn) => {
  for (const [sql, rowcount] of [
    ["INSERT INTO users (name) VALUES ('Eve')", 1],
    ["INSERT INTO users (name) VALUES ('Fay'), ('Gus')", 2],
    ["UPDATE users SET age = 1", 6],
    ["UPDATE users SET age = 1 WHERE id = 99", 0],
    ["INSERT INTO users (name) VALUES ('Hal') RETURNING id", 1],
    ["DELETE FROM users", 7],
    ["SELECT 1", -1],
    ["CREATE TABLE t (x)", -1],
  ]) {
    assert.equal((await conn.execute(text(sql))).rowcount, rowcount, sql);
  }
  assert.equal((await conn.execute(text("INSERT INTO users (name) VALUES (:name)"), [{ name: "Ida" }, { name: "Joe" }])).rowcount, 2);
}));

test("a3_67 a4_32 the primary key of an inserted row", onConnection(async (conn) => {
  const one = await conn.execute(users.insert().values({ name: "Eve" }));
  assert.deepEqual([[...one.insertedPrimaryKey], one.insertedPrimaryKey.id, one.lastrowid], [[4], 4, 4]);
  assert.deepEqual([...(await conn.execute(users.insert().values({ id: 42, name: "Fay" }))).insertedPrimaryKey], [42]);
  const many = await conn.execute(users.insert(), [{ name: "Gus" }, { name: "Hal" }]);
  assert.throws(() => many.insertedPrimaryKey, error(InvalidRequestError, "executemany"));
  const returning = await conn.execute(users.insert().values({ name: "Ida" }).returning(users.c.id));
  assert.throws(() => returning.insertedPrimaryKey, error(InvalidRequestError, "returning()"));
  const queried = await conn.execute(users.select());
  assert.throws(() => queried.insertedPrimaryKey, error(InvalidRequestError, "insert"));
  const nothing = await conn.execute(users.insert().values({ id: 42 }).onConflictDoNothing());
  assert.deepEqual([...nothing.insertedPrimaryKey], [null], "nothing was inserted: SQLAlchemy tells the row before");
}));

test("a3_68 what an INSERT or UPDATE was executed with", onConnection(async (conn) => {
  const many = await conn.execute(users.insert(), [{ id: 10, name: "Gus" }, { id: 11, name: "Hal" }]);
  assert.deepEqual(given(many.insertedPrimaryKeyRows), [[10], [11]]);
  assert.deepEqual(many.lastInsertedParams().map(({ id, name }) => [id, name]), [[10, "Gus"], [11, "Hal"]]);
  const update = await conn.execute(users.update().where(users.c.id.eq(10)).values({ age: 5 }));
  assert.equal(update.lastUpdatedParams().age, 5);
  assert.equal(update.returnsRows, false);
}));

test("a4_33 a result tells whether its statement returns rows", onConnection(async (conn) => {
  await conn.commit();
  for (const [sql, returns] of [
    ["SELECT 1 WHERE 0", true],
    ["INSERT INTO users (name) VALUES ('Eve') RETURNING id", true],
    ["DELETE FROM users", false],
    ["CREATE TABLE t (x)", false],
  ]) {
    await both(conn, text(sql), async (result) => {
      assert.equal(result.returnsRows, returns, sql);
      await conn.rollback();
    });
  }
}));

test("a3_69 rows by position and name", onConnection(async (conn) => {
  const row = (await conn.execute(DAN)).one();
  assert.deepEqual([row[0], row.name, row.id, row.length, row._fields, { ...row._mapping }, row._asDict()],
    ["Dan", "Dan", 1, 2, ["name", "id"], { name: "Dan", id: 1 }, { name: "Dan", id: 1 }]);
  const [name, id] = row;
  assert.deepEqual([name, id, JSON.stringify(row), row.nobody, row[2]], ["Dan", 1, '["Dan",1]', undefined, undefined]);
  assert.throws(() => { "use strict"; row.name = "x"; }, TypeError);
  assert.deepEqual(row, (await conn.execute(DAN)).one(), "equal rows are deeply equal");
  const twice = (await conn.execute(text("SELECT 1 AS x, 2 AS x"))).one();
  assert.deepEqual([twice.x, twice[0]], [2, 1], "the last one by name");
  assert.deepEqual({ ...structuredClone({ ...row }) }, { name: "Dan", id: 1 });
}));

test("a1_08 a1_18 rows live on when their connection is closed", onPeople(async (engine) => {
  const result = await engine.connect((conn) => conn.execute(NAMES));
  await engine.dispose();
  const rows = result.fetchall();
  assert.deepEqual(given(rows), [["Dan", 1], ["Dana", 2], ["Casey", 3]]);
}));

test("a3_65 results are merged", onConnection(async (conn) => {
  const run = (sql) => conn.execute(text(sql));
  const first = await run("SELECT 1 AS x, 'a' AS y UNION ALL SELECT 2, 'b'");
  first.fetchone();
  const [second, third] = [await run("SELECT 3 AS p, 'c' AS q"), await run("SELECT 2, 'b'")];
  const merged = first.yieldPer(2).merge(second, third, first);
  assert.deepEqual(merged.keys(), ["x", "y"]);
  assert.deepEqual(merged.fetchmany().map(({ x, y }) => [x, y]), [[2, "b"], [3, "c"]]);
  assert.deepEqual([given(merged.all()), merged.rowcount, merged.closed], [[[2, "b"]], -1, false]);
  assert.deepEqual([first.fetchone(), second.fetchall()], [null, []], "what was taken there is gone here");
  const unique = (await run("SELECT 1 AS x")).unique().merge(await run("SELECT 2"), await run("SELECT 1"));
  assert.deepEqual(unique.scalars().all(), [1, 2]);
  const changed = (await run("INSERT INTO users (name) VALUES ('Eve'), ('Fay')")).merge(await run("DELETE FROM users WHERE id = 1"));
  assert.deepEqual([changed.rowcount, changed.returnsRows], [3, false]);
  await refused(() => changed.all(), error(ResourceClosedError, "does not return rows"));
  const two = await run("SELECT 1, 2");
  await refused(async () => two.merge(await run("SELECT 1")), error(ArgumentError, "merge() takes results of 2 columns, as this one has, and one has 1"));
  await refused(() => two.merge([1, 2]), error(ArgumentError, "merge() takes results, not Array"));
  const [left, gone] = [await run("SELECT 1 AS x UNION ALL SELECT 2"), await run("SELECT 3")];
  gone.close();
  await refused(() => left.merge(gone), closed);
  assert.deepEqual(left.scalars().all(), [1, 2], "what is refused takes nothing");
}));
