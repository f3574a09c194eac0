// Values on a real SQLite, in a thread of Node: as they are stored, compared, given to functions and read.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { load, pkg } from "./pkg.mjs";

const {
  Column, DataError, Date_, DateTime, Double, Enum, Float, func, insert, Integer, JSONB, literal, MetaData, Numeric, REAL, select, String_, Table, Text, text,
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

/** Functions whose types are known, and what they give: a value, or a check where it is not always the same. */
const isDate = (value) => value instanceof Date;
const isBytes = (length) => (value) => value instanceof Uint8Array && value.length === length;
const called = {
  count: [func.count(), 1], total: [func.total(literal(2)), 2], avg: [func.avg(literal(3)), 3], sum: [func.sum(literal(2)), 2],
  min: [func.min(literal("a")), "a"], max: [func.max(literal("a")), "a"],
  groupConcat: [func.groupConcat(literal("a"), "-"), "a"], aggregateStrings: [func.aggregateStrings(literal("a"), "-"), "a"],
  jsonGroupArray: [func.jsonGroupArray(literal(1)), [1]], jsonGroupObject: [func.jsonGroupObject(literal("k"), literal(1)), { k: 1 }],
  rowNumber: [func.rowNumber().over(), 1], rank: [func.rank().over(), 1], denseRank: [func.denseRank().over(), 1],
  percentRank: [func.percentRank().over(), 0], cumeDist: [func.cumeDist().over(), 1], ntile: [func.ntile(2).over(), 1],
  lag: [func.lag(literal(1), 1, 5).over(), 5], lead: [func.lead(literal(1)).over(), null],
  firstValue: [func.firstValue(literal(1)).over(), 1], lastValue: [func.lastValue(literal(1)).over(), 1], nthValue: [func.nthValue(literal(1), 2).over(), null],
  coalesce: [func.coalesce(literal(null), 2), 2], ifnull: [func.ifnull(literal(null), "a"), "a"], nullif: [func.nullif(literal(1), 1), null],
  iif: [func.iif(literal(1).eq(2), "a", "b"), "b"], typeof: [func.typeof("a"), "text"], quote: [func.quote("a"), "'a'"],
  lower: [func.lower("A"), "a"], upper: [func.upper("a"), "A"], trim: [func.trim("-a-", "-"), "a"], ltrim: [func.ltrim(" a"), "a"], rtrim: [func.rtrim("a "), "a"],
  replace: [func.replace("aba", "a", "c"), "cbc"], substr: [func.substr("abc", 2, 1), "b"], substring: [func.substring("abc", 2), "bc"],
  instr: [func.instr("abc", "c"), 3], length: [func.length("abc"), 3], charLength: [func.charLength("abc"), 3], octetLength: [func.octetLength("\u00fc"), 2],
  concat: [func.concat("a", 1, null), "a1"], format: [func.format("%d", 5), "5"], printf: [func.printf("%s", "x"), "x"], char: [func.char(65, 66), "AB"],
  unicode: [func.unicode("A"), 65], unistr: [func.unistr("\\u0041"), "A"], hex: [func.hex("A"), "41"], unhex: [func.unhex("41"), isBytes(1)],
  zeroblob: [func.zeroblob(3), isBytes(3)], randomblob: [func.randomblob(4), isBytes(4)], glob: [func.glob("a*", "ab"), 1],
  regexpReplace: [func.regexpReplace("abc", "b", "x"), "axc"],
  abs: [func.abs(literal(-2)), 2], round: [func.round(2.345, 2), 2.35], sign: [func.sign(-3), -1], ceil: [func.ceil(1.5), 2], floor: [func.floor(1.5), 1],
  trunc: [func.trunc(-1.5), -1], mod: [func.mod(7, 4), 3], pow: [func.pow(2, 3), 8], sqrt: [func.sqrt(-1), null], exp: [func.exp(0), 1], ln: [func.ln(1), 0],
  log10: [func.log10(100), 2], log2: [func.log2(8), 3], sin: [func.sin(0), 0], cos: [func.cos(0), 1], tan: [func.tan(0), 0], asin: [func.asin(2), null],
  acos: [func.acos(1), 0], atan: [func.atan(0), 0], atan2: [func.atan2(0, 1), 0], radians: [func.radians(0), 0], degrees: [func.degrees(0), 0],
  pi: [func.pi(), Math.PI], random: [func.random(), (value) => typeof value === "bigint"],
  now: [func.now(), isDate], currentTimestamp: [func.currentTimestamp(), isDate], currentDate: [func.currentDate(), isDate],
  date: [func.date("2026-11-21 10:00"), "2026-11-21"], time: [func.time("2026-11-21 10:00"), "10:00:00"], datetime: [func.datetime("nope"), null],
  strftime: [func.strftime("%Y", "2026-11-21"), "2026"], julianday: [func.julianday("2000-01-01 12:00"), 2451545], unixepoch: [func.unixepoch("1970-01-02"), 86400],
  json: [func.json("[1]"), [1]], jsonArray: [func.jsonArray(1, "a"), [1, "a"]], jsonObject: [func.jsonObject("k", 1), { k: 1 }],
  jsonArrayLength: [func.jsonArrayLength("[1, 2]"), 2], jsonExtract: [func.jsonExtract('{"a": 5}', "$.a"), 5], jsonType: [func.jsonType("[]"), "array"],
  jsonValid: [func.jsonValid("{"), 0], jsonInsert: [func.jsonInsert("[1]", "$[1]", 2), "[1,2]"], jsonReplace: [func.jsonReplace("[1]", "$[0]", 2), "[2]"],
  jsonSet: [func.jsonSet("{}", "$.a", 1), '{"a":1}'], jsonRemove: [func.jsonRemove("[1,2]", "$[0]"), "[2]"], jsonPatch: [func.jsonPatch("{}", '{"a":1}'), '{"a":1}'],
  jsonPretty: [func.jsonPretty("[]"), "[]"], jsonQuote: [func.jsonQuote("a"), '"a"'],
  lastInsertRowid: [func.lastInsertRowid(), (value) => typeof value === "number"], changes: [func.changes(), (value) => typeof value === "number"],
  totalChanges: [func.totalChanges(), (value) => typeof value === "number"], sqliteVersion: [func.sqliteVersion(), (value) => /^3\./.test(value)],
};

test("b2_09 functions give what their types say", async () => {
  for (const [name, [call, expected]] of Object.entries(called)) {
    const value = await engine.scalar(select(call));
    if (typeof expected === "function") assert.ok(expected(value), `${name}: ${value}`);
    else assert.deepEqual(value, expected, name);
  }
  const typed = readFileSync(new URL("core/functions.d.ts", pkg), "utf8");
  const names = [...typed.slice(typed.indexOf("interface KnownFunctions")).matchAll(/^    (\w+)[:<(]/gm)].map(([, name]) => name);
  assert.ok(names.length > 100, `${names.length} functions`);
  // These are called by their own tests, or only where there is a table for full-text search.
  const elsewhere = ["jsonEach", "jsonTree", "bm25", "highlight", "snippet"];
  assert.deepEqual(names.filter((name) => !(name in called) && !elsewhere.includes(name)), []);
});

test("b4_05 decimal numbers are written as SQLAlchemy's are, whatever their size", async () => {
  const cases = [
    // In the middle of two is the even one.
    [2, "0.125", "0.12"], [2, "0.375", "0.38"], [2, "-0.125", "-0.12"], [0, "0.5", "0"], [0, "1.5", "2"], [0, "2.5", "2"], [1, 0.25, "0.2"],
    // These are not in the middle, but a little beside it.
    [2, "2.675", "2.67"], [2, "1.005", "1.00"], [2, "0.135", "0.14"], [2, "-0.001", "-0.00"],
    [2, "1e22", "10000000000000000000000.00"], [0, 1e21, "1000000000000000000000"], [2, "123456789012345678901234", "123456789012345685803008.00"],
    [undefined, "1234567.891", "1234567.8910000001"], [undefined, "1e-7", "0.0000001000"], [undefined, 0, "0.0000000000"],
    [20, 0.1, "0.10000000000000000555"], [2, Infinity, "Infinity"], [2, 9007199254740993n, "9007199254740993.00"], [120, 0.5, `0.5${"0".repeat(119)}`],
  ];
  for (const [scale, given, read] of cases) {
    const type = scale === undefined ? Numeric() : Numeric(30, scale);
    assert.equal((await stored(type, given))[3], read, `${given} with ${scale} digits`);
  }
  const [, , , number] = await stored(Numeric(10, 2, { asNumber: true }), "0.125");
  assert.equal(number, 0.125);
});

test("what is looked for in a text of some type is any text", async () => {
  const found = async (condition) => ids(select(c.id).where(condition));
  for (const condition of [
    c.mood.like("Ba%"), c.mood.ilike("b%"), c.mood.startsWith("B"), c.mood.contains("a", { autoescape: true }), c.mood.glob("?ad"),
    c.mood.regexpMatch("^B"), c.uuid.like("6ba7%"), c.uuid.endsWith("30c8"), c.uuid.icontains("DAD11"), c.day.like("2026-%"),
    c.day.contains("-01-"), c.doc.contains("?").isNot(null),
  ]) {
    assert.ok((await found(condition)).includes(1), String(condition));
  }
  assert.deepEqual(await found(c.mood.like("%od")), [2]);
  await assert.rejects(found(c.mood.eq(7)), { name: "DataError" });
  await assert.rejects(found(c.uuid.eq("6ba7")), { name: "DataError" });
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
