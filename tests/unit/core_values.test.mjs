// Values on a real SQLite, in a thread of Node: as they are stored, compared, given to functions and read.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { load } from "./pkg.mjs";

const {
  Column, DataError, Date_, DateTime, Double, Enum, Float, insert, Integer, JSONB, literal, MetaData, REAL, select, String_, Table, Text, text,
  tuple_, Unicode, UnicodeText, union, unionAll, Uuid,
} = await load("index.js");
const { openCopy } = await load("node.js");

const metadata = new MetaData();
const things = new Table("things", metadata,
  new Column("id", Integer, { primaryKey: true }), new Column("day", Date_), new Column("uuid", Uuid),
  new Column("mood", Enum({ Good: 1, Bad: 2 })), new Column("doc", JSONB()), new Column("at", DateTime));
const { c } = things;
const day = new Date(Date.UTC(2026, 0, 2));
const uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

let engine;
before(async () => {
  engine = await openCopy();
  await engine.begin(async (conn) => {
    await metadata.createAll(conn);
    await conn.execute(insert(things), [
      { id: 1, day, uuid, mood: 2, doc: { a: 1 } }, { id: 2, day: null, uuid: null, mood: 1, doc: [2] },
    ]);
  });
});
after(() => engine.dispose());

const ids = async (statement) => (await engine.execute(statement)).scalars().all();

test("values of tuples are of the types of their columns", async () => {
  const among = (list) => select(c.id).where(tuple_(c.day, c.uuid, c.mood).in(list));
  assert.deepEqual(await ids(among([[day, uuid, 2]])), [1]);
  assert.deepEqual(await ids(among([[day, uuid.toUpperCase(), 1]])), []);
  assert.deepEqual(await ids(among([])), []);
  assert.deepEqual(await ids(select(c.id).where(tuple_(c.id, c.mood).notIn([[1, 2]]))), [2]);
  assert.deepEqual(await ids(select(c.id).where(tuple_(c.id, c.mood).notIn([]))), [1, 2]);
});

test("JSONB is compared in its binary form, and read as what it says from every part of a compound", async () => {
  assert.deepEqual(await ids(select(c.id).where(c.doc.eq(literal({ a: 1 }, JSONB())))), [1]);
  const docs = select(c.id, c.doc).orderBy(c.id).limit(1);
  const rows = await engine.execute(unionAll(docs, select(c.id, c.doc)));
  assert.deepEqual(rows.all().map((row) => row.doc), [{ a: 1 }, { a: 1 }, [2]]);
  assert.equal((await engine.execute(union(select(c.doc), select(c.doc)))).all().length, 2);
  const table = new Table("docs", new MetaData(), new Column("k", Text, { primaryKey: true }), new Column("doc", JSONB()));
  await engine.begin(async (conn) => {
    await table.metadata.createAll(conn);
    for (const doc of [{ x: 1 }, { y: 2 }]) {
      await conn.execute(insert(table).values({ k: "a", doc }).onConflictDoUpdate({ indexElements: ["k"], set: { doc } }));
    }
    assert.deepEqual(await conn.scalar(select(table.c.doc)), { y: 2 });
    assert.equal(await conn.scalar(text("SELECT typeof(doc) FROM docs")), "blob");
  });
});

/** How a value lies in a column of a type: declaration, storage class, what SQLite has, what is read. */
async function stored(type, value) {
  const table = new Table("stored", new MetaData(), new Column("x", type));
  const conn = await engine.connect();
  try {
    await table.create(conn);
    await conn.execute(insert(table), { x: value });
    const declared = await conn.scalar(text("SELECT type FROM pragma_table_info('stored')"));
    const [kind, raw] = (await conn.execute(text("SELECT typeof(x), x FROM stored"))).one();
    return [declared, kind, raw, await conn.scalar(select(table.c.x))];
  } finally {
    await conn.rollback();
    await conn.close();
  }
}

test("b4_02 texts are texts of any length, whatever their type is called", async () => {
  const word = "größe \u{1f600}";
  for (const [type, declared] of [[String_(5), "VARCHAR(5)"], [Unicode(5), "VARCHAR(5)"], [Unicode, "VARCHAR"], [Text, "TEXT"], [UnicodeText, "TEXT"]]) {
    assert.deepEqual(await stored(type, word), [declared, "text", word, word]);
    await assert.rejects(stored(type, 5), { name: "DataError" });
  }
});

test("b4_04 numbers that are not whole are stored as such, whatever their type is called", async () => {
  for (const [type, declared] of [[Float, "FLOAT"], [Double, "DOUBLE"], [REAL, "REAL"]]) {
    assert.deepEqual(await stored(type, 0.1), [declared, "real", 0.1, 0.1]);
    assert.deepEqual(await stored(type, 3), [declared, "real", 3, 3]);
    await assert.rejects(stored(type, NaN), { name: "DataError" });
    await assert.rejects(stored(type, "3"), { name: "DataError" });
  }
});

const broken = [
  ["UPDATE things SET day = 'nope'", c.day, /a column of type Date holds "nope"/],
  ["UPDATE things SET at = '2026-01-01 25:61:00'", c.at, /holds "2026-01-01 25:61:00", a time that there is not/],
  ["UPDATE things SET id = 9007199254740993 WHERE id = 1", c.id, /9007199254740993/],
];
for (const [sql, column, message] of broken) {
  test(`what a column cannot hold is a DataError, buffered and streamed: ${sql}`, async () => {
    const conn = await engine.connect();
    await conn.execute(text(sql));
    const stream = async () => {
      for await (const row of await conn.stream(select(column))) assert.ok(row);
    };
    for (const read of [() => conn.execute(select(column)), stream]) {
      await assert.rejects(read, (error) => error instanceof DataError && message.test(error.message));
    }
    // The connection is as good as before.
    assert.equal(await conn.scalar(text("SELECT 1")), 1);
    await conn.rollback();
    await conn.close();
  });
}

test("a default that is a function sees the values of its row by the names of the columns", async () => {
  const seen = [];
  const look = ({ currentParameters }) => seen.push({ ...currentParameters });
  const table = new Table("seeing", new MetaData(),
    new Column("id", Integer, { primaryKey: true }), new Column("name", Text), new Column("a_m1", Integer, { default: look }));
  await engine.begin(async (conn) => {
    await table.metadata.createAll(conn);
    await conn.execute(insert(table).values({ id: 1, name: "n" }));
    await conn.execute(insert(table).values([{ id: 2, name: "o" }, { id: 3, name: "p" }]));
  });
  assert.deepEqual(seen, [{ id: 1, name: "n" }, { id: 2, name: "o" }, { id: 3, name: "p" }]);
});

test("a number that is whole and too large for an integer that is exact is a float", async () => {
  assert.equal(await engine.scalar(select(literal(1e20))), 1e20);
});

test("an upsert finds a partial index by a condition with values", async () => {
  const table = new Table("partly", new MetaData(),
    new Column("id", Integer, { primaryKey: true }), new Column("k", Text), new Column("age", Integer), new Column("live", Integer));
  await engine.begin(async (conn) => {
    await table.metadata.createAll(conn);
    await conn.execute(text("CREATE UNIQUE INDEX ix ON partly (k) WHERE age > 5"));
    const upsert = insert(table).values({ k: "a", age: 10, live: 0 })
      .onConflictDoUpdate({ indexElements: ["k"], indexWhere: table.c.age.gt(5), set: { live: 1 } });
    for (const live of [0, 1]) {
      await conn.execute(upsert);
      assert.deepEqual((await conn.execute(select(table.c.live))).scalars().all(), [live]);
    }
  });
});
