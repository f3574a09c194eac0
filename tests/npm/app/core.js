// Statements that are put together, executed: keys and defaults of INSERT, lists of any length, what results know.
import {
  bindparam, Boolean_, Column, ColumnElement, CompileError, createEngine, DataError, DateTime, Duration, Enum, ExecutableElement, func, insert,
  Integer, IntegrityError, InvalidRequestError, JSON_, LargeBinary, MetaData, PlainDate, PlainDateTime, PlainTime, registerCompiler,
  select, sql, StatementError, String_, Table, Text, text, tuple_, typeDecorator, update, Uuid, withVariant,
} from "aludel";
import { equal, ok, throws } from "./check.js";

/** An engine with a table. */
async function withTable(...columns) {
  const table = new Table("t", new MetaData(), ...columns);
  const engine = createEngine("sqlite://");
  await table.metadata.createAll(engine);
  return { table, engine, [Symbol.asyncDispose]: () => engine.dispose() };
}

const id = () => new Column("id", Integer, { primaryKey: true });

export const core = {
  async "an INSERT tells the key of its row"() {
    await using given = await withTable(id(), new Column("name", Text), new Column("age", Integer, { default: 3 }));
    const { table, engine } = given;
    const one = await engine.execute(table.insert().values({ name: "a" }));
    equal([one.insertedPrimaryKey, one.insertedPrimaryKey.id], [[1], 1]);
    equal(one.lastInsertedParams(), { name: "a", age: 3 });
    const own = await engine.execute(table.insert(), { id: 50, name: "b" });
    equal([own.insertedPrimaryKey, own.insertedPrimaryKeyRows], [[50], [[50]]]);
    equal((await engine.execute(table.insert(), { id: null, name: "c" })).insertedPrimaryKey, [51]);
    const none = await engine.execute(table.insert());
    equal([none.insertedPrimaryKey, none.lastInsertedParams()], [[52], { age: 3 }]);
    const many = await engine.execute(table.insert(), [{ name: "d", id: 60 }, { name: "e", id: 61 }]);
    equal(many.insertedPrimaryKeyRows, [[60], [61]]);
    equal(many.lastInsertedParams(), [{ id: 60, name: "d", age: 3 }, { id: 61, name: "e", age: 3 }]);
    await throws(InvalidRequestError, /executemany call/, () => many.insertedPrimaryKey);
    const unknown = await engine.execute(table.insert(), [{ name: "f" }, { name: "g" }]);
    equal(unknown.insertedPrimaryKeyRows, [[null], [null]]);
    const stray = await engine.execute(table.insert().values({ name: "h" }), { age: 9 });
    equal(stray.lastInsertedParams(), { name: "h", age: 9 });
    equal(await engine.scalar(select(table.c.age).where(table.c.name.eq("h"))), 9);
  },

  async "what no INSERT knows is an error that says so"() {
    await using given = await withTable(id(), new Column("name", Text, { onupdate: "changed" }), new Column("n", Integer));
    const { table, engine } = given;
    const returning = await engine.execute(table.insert().values({ n: 1 }).returning(table.c.id));
    await throws(InvalidRequestError, /^Can't call inserted_primary_key when returning\(\) is used\.$/, () => returning.insertedPrimaryKey);
    const changed = await engine.execute(update(table).values({ n: 2 }).where(table.c.id.eq(1)));
    equal(changed.lastUpdatedParams(), { n: 2, name: "changed", id_1: 1 });
    await throws(InvalidRequestError, /^Statement is not an insert\(\) expression construct\.$/, () => changed.insertedPrimaryKey);
    await throws(InvalidRequestError, /^Statement is not an insert\(\) expression construct\.$/, () => changed.lastInsertedParams());
    const rows = await engine.execute(select(table));
    await throws(InvalidRequestError, /^Statement is not an update\(\) expression construct\.$/, () => rows.lastUpdatedParams());
    const plain = await engine.execute(text("SELECT 1"));
    await throws(InvalidRequestError, /^Statement is not a compiled expression construct\.$/, () => plain.insertedPrimaryKey);
    equal(await engine.scalar(select(table.c.name)), "changed");
  },

  async "an upsert that writes no row has no key"() {
    await using given = await withTable(id(), new Column("name", Text, { unique: true }), new Column("n", Integer));
    const { table, engine } = given;
    await engine.execute(table.insert(), [{ name: "a", n: 1 }, { name: "b", n: 1 }]);
    const nothing = await engine.execute(table.insert().values({ name: "a" }).onConflictDoNothing());
    equal([nothing.rowcount, nothing.insertedPrimaryKey], [0, [null]]);
    const wrote = await engine.execute(table.insert().values({ name: "c" }).onConflictDoNothing());
    equal([wrote.rowcount, wrote.insertedPrimaryKey], [1, [3]]);
    const upsert = insert(table).values({ id: 9, name: "b" });
    const other = await engine.execute(upsert.onConflictDoUpdate({ indexElements: ["name"], set: { n: 2 } }));
    equal([other.rowcount, other.insertedPrimaryKey], [1, [null]], "it changed the row 2, not the row 9");
    const same = await engine.execute(insert(table).values({ id: 2, name: "z" }).onConflictDoUpdate({ indexElements: ["id"], set: { n: 3 } }));
    equal(same.insertedPrimaryKey, [2]);
  },

  async "keys of several columns and of other types"() {
    const uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    await using given = await withTable(
      new Column("a", Uuid, { primaryKey: true, default: () => uuid }),
      new Column("b", Integer, { primaryKey: true, default: 7 }));
    const { table, engine } = given;
    const result = await engine.execute(table.insert());
    equal([result.insertedPrimaryKey, result.insertedPrimaryKey.a, result.insertedPrimaryKey.b], [[uuid, 7], uuid, 7]);
    equal((await engine.execute(select(table))).all(), [[uuid, 7]]);
  },

  async "defaults are asked once for each row, with its values"() {
    let calls = 0;
    await using given = await withTable(id(),
      new Column("name", Text),
      new Column("serial", Integer, { default: () => ++calls }),
      new Column("upper", Text, { default: ({ currentParameters }) => currentParameters.name?.toUpperCase() ?? null }),
      new Column("at", DateTime, { default: new Date(Date.UTC(2026, 10, 21)), onupdate: func.datetime("2027-01-01") }),
      new Column("half", Integer, { default: select(func.count()).selectFrom(text_()).scalarSubquery() }));
    const { table, engine } = given;
    await engine.execute(table.insert(), ["a", "b", "c"].map((name) => ({ name })));
    equal((await engine.execute(select(table.c.serial, table.c.upper).orderBy(table.c.id))).all(), [[1, "A"], [2, "B"], [3, "C"]]);
    const rows = await engine.execute(table.insert().values([{ name: "x" }, { name: "y" }]).returning(table.c.serial, table.c.upper));
    equal(rows.all(), [[4, "X"], [5, "Y"]]);
    const one = await engine.execute(table.insert().values({ name: "q" }));
    equal([one.lastInsertedParams().upper, one.lastInsertedParams().serial, calls], ["Q", 6, 6]);
    await engine.execute(update(table).where(table.c.id.eq(bindparam("b_id"))), [{ b_id: 1, name: "aa" }, { b_id: 2, name: "bb" }]);
    const at = (await engine.execute(select(table.c.name, table.c.at).orderBy(table.c.id).limit(3))).all();
    equal(at.map((row) => [row.name, row.at.getUTCFullYear()]), [["aa", 2027], ["bb", 2027], ["c", 2026]]);
    equal(await engine.scalar(select(table.c.half).where(table.c.id.eq(1))), 1);
  },

  async "onupdate is asked for each set of parameters"() {
    let calls = 0;
    await using given = await withTable(id(), new Column("n", Integer), new Column("version", Integer, { default: 0, onupdate: () => ++calls }));
    const { table, engine } = given;
    await engine.execute(table.insert(), [1, 2, 3].map((n) => ({ n })));
    const changed = await engine.execute(update(table).where(table.c.n.eq(bindparam("b_n"))), [{ b_n: 1, n: 10 }, { b_n: 3, n: 30 }]);
    equal(changed.rowcount, 2);
    equal((await engine.execute(select(table.c.n, table.c.version).orderBy(table.c.id))).all(), [[10, 1], [2, 0], [30, 2]]);
  },

  async "the rows of a query get defaults, too"() {
    await using given = await withTable(id(), new Column("name", Text), new Column("age", Integer, { default: 3 }), new Column("tag", Text, { default: () => "new" }));
    const { table, engine } = given;
    await engine.execute(table.insert(), [{ name: "a", age: 1 }, { name: "b", age: 2 }]);
    await engine.execute(table.insert().fromSelect(["name"], select(table.c.name).where(table.c.age.eq(2))));
    equal((await engine.execute(select(table.c.name, table.c.age, table.c.tag))).all(), [["a", 1, "new"], ["b", 2, "new"], ["b", 3, "new"]]);
  },

  async "insert-many with RETURNING gives its rows in order"() {
    await using given = await withTable(id(), new Column("name", Text));
    const { table, engine } = given;
    const wanted = Array.from({ length: 5000 }, (_, i) => `name ${(i * 7919) % 5000}`);
    const result = await engine.execute(table.insert().returning(table.c.id, table.c.name), wanted.map((name) => ({ name })));
    const rows = result.all();
    equal(rows.map((row) => row.name), wanted);
    ok(rows.every((row, i) => row.id === i + 1), "each has its own key");
  },

  async "lists are longer than SQLite takes parameters"() {
    await using given = await withTable(id(), new Column("name", Text), new Column("bytes", LargeBinary));
    const { table, engine } = given;
    const c = table.c;
    await engine.execute(table.insert(), [
      { id: 1, name: "a", bytes: new Uint8Array([0, 255]) },
      { id: 9007199254740993n, name: "nul \\0 é 😀", bytes: new Uint8Array([]) },
      { id: 3, name: null, bytes: null },
      { id: 4, name: "not there", bytes: new Uint8Array([7]) },
    ].map((row) => ({ ...row, name: row.name?.replace("\\0", "\0") ?? null })));
    const many = Array.from({ length: 40_000 }, (_, i) => i + 1000);
    const ids = async (...where) => (await engine.execute(select(c.id.cast(String_)).where(...where).orderBy(c.id))).scalars().all();
    equal(await ids(c.id.in([...many, 1, 3])), ["1", "3"]);
    equal(await ids(c.id.in([...many, 9007199254740993n])), ["9007199254740993"]);
    equal(await ids(c.id.in([...many, 9007199254740992n])), []);
    equal(await ids(c.id.notIn([...many, 1])), ["3", "4", "9007199254740993"]);
    equal(await ids(c.id.notIn([...many, null])), [], "a null makes everything unknown");
    const texts = many.map(String);
    equal(await ids(c.name.in([...texts, "nul \0 é 😀", "a"])), ["1", "9007199254740993"]);
    equal(await ids(c.name.in([...texts, "nul "])), []);
    const blobs = many.map((n) => new Uint8Array([n & 255, n >> 8, 1]));
    equal(await ids(c.bytes.in([...blobs, new Uint8Array([0, 255]), new Uint8Array([])])), ["1", "9007199254740993"]);
    equal(await ids(tuple_(c.id, c.name).in([...many.map((n) => [n, "x"]), [1, "a"], [4, "other"]])), ["1"]);
    equal(await ids(c.id.in(bindparam("ids", { value: [...many, 4], expanding: true }))), ["4"]);
    equal(await ids(c.id.in([...many, 1]), c.id.in([1, 3]), c.name.in([...texts, "a"])), ["1"]);
  },

  async "rows come as tuples, too"() {
    await using given = await withTable(id(), new Column("name", Text), new Column("flag", Boolean_));
    const { table, engine } = given;
    await engine.execute(table.insert(), [{ name: "a", flag: true }, { name: "b", flag: null }]);
    const query = select(table.c.name, table.c.flag).orderBy(table.c.id);
    const rows = (await engine.execute(query)).tuples().all();
    equal([rows, rows.every(Array.isArray), Object.isFrozen(rows[0])], [[["a", true], ["b", null]], true, true]);
    const [[name], rest] = [(await engine.execute(query)).tuples().fetchone(), (await engine.execute(query)).columns("flag").tuples().all()];
    equal([name, rest], ["a", [[true], [null]]]);
    await using conn = await engine.connect();
    const streamed = [];
    for await (const [name, flag] of (await conn.stream(query)).tuples()) streamed.push([flag, name]);
    equal(streamed, [[true, "a"], [null, "b"]]);
  },

  async "texts are parts of statements, and queries with types"() {
    await using given = await withTable(id(), new Column("name", Text), new Column("at", DateTime));
    const { table, engine } = given;
    const at = new Date(Date.UTC(2026, 10, 21, 10));
    await engine.execute(table.insert(), ["a", "b", "c"].map((name) => ({ name, at })));
    const some = select(table.c.name).where(text("id > :n").bindparams({ n: 1 }), sql`name < ${"z"}`, sql`name <> ${"c"}`);
    equal((await engine.execute(some)).scalars().all(), ["b"]);
    const free = select(table.c.name).where(text("id > :n")).orderBy(text("id DESC"));
    equal((await engine.execute(free, { n: 1 })).scalars().all(), ["c", "b"]);
    const typed = text("SELECT name, at FROM t WHERE id = :id").columns({ name: Text, at: DateTime });
    const row = (await engine.execute(typed, { id: 2 })).one();
    equal([row.name, row.at.getTime()], ["b", at.getTime()]);
    const sub = typed.subquery("q");
    equal(await engine.scalar(select(sub.c.at), { id: 1 }), at);
  },

  async "types of one's own convert both ways"() {
    const money = typeDecorator({ name: "Money", impl: Integer, toDb: (value) => Math.round(value * 100), fromDb: (value) => value / 100 });
    const flagged = typeDecorator({
      name: "Flagged", impl: String_, nulls: true, toDb: (value) => (value === null ? "nothing" : value), fromDb: (value) => value ?? "NULL",
    });
    const nested = typeDecorator({ name: "Nested", impl: money, toDb: ({ amount }) => amount, fromDb: (amount) => ({ amount }) });
    const variant = withVariant(Text, JSON_(), "sqlite");
    const Color = { Red: 1, Green: 2 };
    await using given = await withTable(id(), new Column("price", money), new Column("note", flagged), new Column("deep", nested),
      new Column("doc", variant), new Column("color", Enum(Color)), new Column("mood", Enum(["good", "bad"], { createConstraint: true })),
      new Column("flag", Boolean_({ createConstraint: true, name: "ck_flag" })));
    const { table, engine } = given;
    const row = { price: 1.25, note: null, deep: { amount: 2.5 }, doc: { a: [1] }, color: Color.Green, mood: "bad", flag: true };
    await engine.execute(table.insert().values(row));
    const [read] = (await engine.execute(select(table).where(table.c.price.eq(1.25), table.c.color.eq(2), table.c.mood.in(["bad"])))).mappings();
    equal(read, { id: 1, ...row, note: "nothing" });
    const stored = await engine.execute(text("SELECT price, note, deep, doc, color, mood, flag FROM t"));
    equal(stored.all(), [[125, "nothing", 250, '{"a": [1]}', "Green", "bad", 1]]);
    await engine.execute(text("INSERT INTO t (note) VALUES (NULL)"));
    equal(await engine.scalar(select(table.c.note).where(table.c.id.eq(2))), "NULL");
    for (const [column, value] of [["flag", "2"], ["mood", "'so so'"]]) {
      await throws(IntegrityError, /CHECK constraint failed/, () => engine.execute(text(`UPDATE t SET ${column} = ${value}`)));
    }
    await throws(DataError, /Enum takes one of 1, 2, not 3$/, () => engine.execute(table.insert().values({ color: 3 })));
  },

  async "dates and times that are no Date, where there is Temporal"() {
    const { Temporal } = globalThis;
    await using given = await withTable(id(), new Column("at", PlainDateTime), new Column("day", PlainDate), new Column("time", PlainTime),
      new Column("span", Duration));
    const { table, engine } = given;
    const plain = "SELECT at, day, time, span FROM t ORDER BY id";
    if (Temporal === undefined) {
      await engine.execute(text("INSERT INTO t (day) VALUES ('2026-11-21')"));
      await throws(InvalidRequestError, /no Temporal\.PlainDate/, () => engine.execute(select(table)));
      return;
    }
    const row = {
      at: Temporal.PlainDateTime.from("2026-11-21T10:42:04.123456"), day: Temporal.PlainDate.from("2024-02-29"),
      time: Temporal.PlainTime.from("10:42"), span: Temporal.Duration.from({ hours: 25, milliseconds: 1, microseconds: 5 }),
    };
    await engine.execute(table.insert().values(row));
    equal((await engine.execute(text(plain))).all(), [
      ["2026-11-21 10:42:04.123456", "2024-02-29", "10:42:00.000000", "1970-01-02 01:00:00.001005"],
    ]);
    const query = select(table).where(table.c.at.eq(row.at), table.c.span.gt(Temporal.Duration.from({ seconds: 1 })));
    const read = (await engine.execute(query)).one();
    for (const name of ["at", "day", "time"]) ok(read[name].equals(row[name]), `${name} is ${read[name]}`);
    equal(Temporal.Duration.compare(read.span, row.span), 0);
    const zoned = Temporal.ZonedDateTime.from("2026-11-21T10:00:00+02:00[Europe/Helsinki]");
    const negative = Temporal.Duration.from({ milliseconds: -1, microseconds: -500 });
    await engine.execute(table.insert().values({ at: zoned, span: negative }));
    equal((await engine.execute(text(plain))).all()[1].at, "2026-11-21 08:00:00.000000");
    const spans = (await engine.execute(select(table.c.span).orderBy(table.c.id))).scalars().all();
    equal(Temporal.Duration.compare(spans[1], negative), 0);
    const month = await throws(DataError, /months and years/, () => engine.execute(table.insert().values({ span: Temporal.Duration.from({ months: 1 }) })));
    ok(month.cause instanceof RangeError, "the reason is kept");
  },

  async "constructs of one's own"() {
    class Greatest extends ColumnElement {
      constructor(...of) {
        super(Integer);
        this.of = of;
      }
    }
    registerCompiler(Greatest, ({ of }, compiler) => `max(${of.map((part) => compiler.process(part)).join(", ")})`);
    class Larger extends Greatest {}
    class InsertFrom extends ExecutableElement {
      constructor(table, query) {
        super();
        Object.assign(this, { table, query });
      }
    }
    registerCompiler(InsertFrom, ({ table, query }, compiler) => `INSERT INTO ${compiler.process(table)} (n) ${compiler.process(query)}`);
    await using given = await withTable(id(), new Column("n", Integer));
    const { table, engine } = given;
    await engine.execute(table.insert(), [{ n: 1 }, { n: 20 }]);
    const query = select(new Larger(table.c.n, table.c.id.add(10)).label("g")).where(new Greatest(table.c.n, 5).gt(bindparam("least")));
    equal(String(query), "SELECT max(t.n, t.id + ?) AS g FROM t WHERE max(t.n, ?) > ?");
    equal((await engine.execute(query, { least: 4 })).scalars().all(), [11, 20]);
    equal((await engine.execute(new InsertFrom(table, select(table.c.n.mul(2)).where(table.c.n.gt(5))))).rowcount, 1);
    equal((await engine.execute(select(table.c.n).orderBy(table.c.id))).scalars().all(), [1, 20, 40]);
    class Unknown extends ColumnElement {}
    await throws(CompileError, /can't render element of type Unknown/, () => String(select(new Unknown())));
  },

  async "values that a parameter lacks are asked for by name"() {
    await using given = await withTable(id(), new Column("flag", Boolean_));
    const { table, engine } = given;
    await throws(StatementError, /^A value is required for bind parameter 'x'/, () =>
      engine.execute(select(table).where(table.c.id.eq(bindparam("x")))));
    await throws(StatementError, /^A value is required for bind parameter 'flag', in parameter group 1/, () =>
      engine.execute(table.insert(), [{ id: 1, flag: true }, { id: 2 }]));
  },

  async "a product of all rows with all rows is warned of, once"() {
    const metadata = new MetaData();
    const [a, b] = ["a", "b"].map((name) => new Table(name, metadata, id()));
    const records = [];
    await using engine = createEngine("sqlite://", { echo: (record) => records.push(record) });
    await metadata.createAll(engine);
    for (let i = 0; i < 2; i++) await engine.execute(select(a.c.id, b.c.id));
    await engine.execute(select(a.c.id, b.c.id).where(a.c.id.eq(b.c.id)));
    equal(records.filter((record) => record.level === "WARNING").map((record) => record.message), [
      'SELECT statement has a cartesian product between FROM element(s) "b" and FROM element "a".  ' +
        "Apply join condition(s) between each element to resolve.",
    ]);
  },
};

/** One row. */
function text_() {
  return select(func.abs(1).label("x")).subquery("one");
}
