// Databases travel: one with every type that is written here opens in Python's SQLAlchemy with equal values, and the other way round.
// $ALUDEL_PYTHON is a Python that has SQLAlchemy; `cargo xtask test travel` installs one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { load, repository } from "../unit/pkg.mjs";

const {
  BigInteger, Boolean_, Column, Date_, DateTime, Double, Enum, Float, Integer, Interval, JSON_, JSONB, LargeBinary, MetaData, Numeric,
  select, SmallInteger, String_, Table, Text, Time, Uuid,
} = await load("index.js");
const { openCopy } = await load("node.js");

const python = (...args) =>
  execFileSync(process.env.ALUDEL_PYTHON ?? "python3", [repository("tests/travel/travel.py"), ...args], { encoding: "utf8" });

const metadata = new MetaData();
const things = new Table("things", metadata,
  new Column("id", Integer, { primaryKey: true }),
  new Column("small", SmallInteger),
  new Column("big", BigInteger),
  new Column("name", String_(50), { nullable: false }),
  new Column("body", Text),
  new Column("flag", Boolean_),
  new Column("number", Float),
  new Column("double", Double),
  new Column("price", Numeric(10, 2)),
  new Column("at", DateTime),
  new Column("day", Date_),
  new Column("time", Time),
  new Column("span", Interval),
  new Column("bytes", LargeBinary),
  new Column("json", JSON_()),
  new Column("json_or_null", JSON_({ noneAsNull: true })),
  new Column("color", Enum("red", "green")),
  new Column("uuid", Uuid),
  new Column("jsonb", JSONB()));
const document = { a: [1, null, true, 2.5], "größe \u{1f600}": { '"\\\n': [] }, "": "x" };
const date = (text) => new Date(`${text}Z`);
// The rows of travel.py.
const rows = [
  {
    id: 1, small: -7, big: 9223372036854775807n, name: "größe \u{1f600}", body: 'it\'s "quoted"\n', flag: true, number: 0.1, double: -2,
    price: "12.50", at: date("2026-11-21T10:42:04.123"), day: date("2024-02-29T00:00:00"), time: "23:59:58.500000",
    span: 24 * 3600 * 1000 + 1500, bytes: new Uint8Array([0, 255, 16]), json: document, json_or_null: [1, "x"], jsonb: document,
    color: "green", uuid: "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
  },
  {
    id: 2, small: 0, big: -9223372036854775808n, name: "", body: "", flag: false, number: 5, double: 1e300, price: "3.00",
    at: date("0001-01-01T00:00:00"), day: date("9999-12-31T00:00:00"), time: "00:00:00.000000", span: 0, bytes: new Uint8Array(0),
    json: 5, json_or_null: "text", jsonb: [], color: "red", uuid: "00000000-0000-0000-0000-000000000000",
  },
  { ...Object.fromEntries(things.columns.map(({ name }) => [name, null])), id: 3, name: "nothing" },
];

let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "aludel-travel-"));
});
after(() => rm(folder, { recursive: true }));

test("a database that is written here opens in SQLAlchemy with equal values", async () => {
  const engine = await openCopy();
  await engine.begin(async (conn) => {
    await metadata.createAll(conn);
    await conn.execute(things.insert(), rows);
  });
  const file = join(folder, "ours.db");
  await writeFile(file, await engine.exportBytes());
  await engine.dispose();
  console.log(python("read", file).trim());
});

test("a database that SQLAlchemy has written opens here with equal values", async () => {
  const file = join(folder, "theirs.db");
  python("write", file);
  const engine = await openCopy(file);
  const found = (await engine.execute(select(things).orderBy("id"))).mappings().all();
  assert.equal(found.length, rows.length);
  for (const [at, row] of found.entries()) assert.deepEqual({ ...row }, rows[at]);
  // What is searched for is found as well.
  for (const key of ["at", "day", "time", "span", "uuid", "color", "flag", "price"]) {
    const ids = await engine.execute(select(things.c.id).where(things.c[key].eq(rows[0][key])));
    assert.deepEqual(ids.scalars().all(), [1], key);
  }
  await engine.dispose();
});
