// The example programs, with their output asserted.
import {
  Column, createEngine, CreateTable, DropTable, Integer, IntegrityError, InvalidRequestError, literal, MetaData,
  MultipleResultsFound, NoResultFound, ProcedureError, select, sql, Table, Text, text, TimeoutError,
} from "aludel";
import { equal, ok, thrownBy, throws } from "./check.js";

const names = ["Jeremy Goodwin", "Natalie Hurley", "Dan Rydell", "Casey McCall", "Dana Whitaker"];

/** Each program has a new database. */
let files = 0;
const file = () => `sqlite:///programs/${Date.now()}-${files++}.db`;

export const programs = {
  async "1: connection, transaction, rowcount"() {
    await using engine = createEngine(file());
    await engine.begin((c) => c.execute(text("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")));
    await using conn = await engine.connect();
    {
      await using trans = await conn.begin();
      await conn.execute(text("INSERT INTO users (id, name) VALUES (:id, :name)"), { id: 42, name: "Async" });
      await trans.commit();
    }
    const res = await conn.execute(text("SELECT * FROM users WHERE id = :id"), { id: 42 });
    const rows = res.fetchall();
    equal(rows, [[42, "Async"]]);
    equal(rows[0].name, "Async");
    const del = await conn.execute(text("DELETE FROM users WHERE id = :id"), { id: 42 });
    equal(del.rowcount, 1);
    await conn.rollback();
    equal(await conn.scalar(text("SELECT count(*) FROM users")), 1);
  },

  async "2: executemany, filter, connectionless use"() {
    await using engine = createEngine("sqlite://");
    await engine.execute(text("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)"));
    const inserted = await engine.begin((c) =>
      c.execute(text("INSERT INTO users (name) VALUES (:name)"), names.map((name) => ({ name }))));
    equal(inserted.rowcount, 5);
    const d = await engine.execute(text("SELECT name FROM users WHERE name LIKE 'D%' ORDER BY id"));
    equal(d.scalars().all(), ["Dan Rydell", "Dana Whitaker"]);
    equal(await engine.scalar(text("SELECT 1")), 1);
    equal([await engine.hasTable("users"), await engine.tableNames()], [true, ["users"]]);
    equal(await engine.hasTable("nobody"), false);
  },

  async "3: program 2 with tables and expressions"() {
    const metadata = new MetaData();
    const users = new Table("users", metadata, new Column("id", Integer, { primaryKey: true }), new Column("name", Text));
    await using engine = createEngine("sqlite://");
    await engine.execute(new CreateTable(users));
    const conn = await engine.connect();
    for (const name of names) await conn.execute(users.insert().values({ name }));
    await conn.commit();
    const result = await conn.execute(users.select().where(users.c.name.startsWith("D")).orderBy(users.c.id));
    const printed = [];
    for (const user of result.fetchall()) printed.push(`Username: ${user.name}`);
    equal(printed, ["Username: Dan Rydell", "Username: Dana Whitaker"]);
    await conn.close();
    equal(await engine.connect(async (c) => c.begin().then(() => c.scalar(select(literal(1))))), 1);
    await engine.execute(new DropTable(users));
    equal(await engine.hasTable("users"), false);
  },

  async "4: begin after autobegin is an error that says what to do"() {
    const users = new Table("users", new MetaData(), new Column("id", Integer, { primaryKey: true }), new Column("name", Text));
    await using engine = createEngine("sqlite://");
    await engine.execute(new CreateTable(users));
    await engine.connect(async (conn) => {
      equal((await conn.execute(text("SELECT 1"))).scalar(), 1);
      const error = await throws(InvalidRequestError, /beginNested\(\)/, () => conn.begin());
      equal(error.name, "InvalidRequestError");
      ok(/commit\(\)/.test(error.message), "the message names commit()");
      await conn.commit();
      await conn.begin(async () => {
        await conn.execute(users.insert().values({ name: "Bob" }));
      });
      const sp = await conn.beginNested();
      await conn.execute(users.insert().values({ name: "gone" }));
      await sp.rollback();
      await conn.commit();
      equal((await conn.execute(select(users.c.name))).scalars().all(), ["Bob"]);
    });
  },

  async "5: errors: integrity, none, too many"() {
    const users = new Table("users", new MetaData(),
      new Column("id", Integer, { primaryKey: true }),
      new Column("email", Text, { unique: true }),
      new Column("age", Integer));
    await using engine = createEngine("sqlite://");
    await using conn = await engine.connect();
    await users.metadata.createAll(conn);
    await conn.execute(users.insert(), ["existing", "another"].map((name) => ({ email: `${name}@example.com`, age: 7 })));
    await conn.commit();
    const error = await thrownBy(() => conn.execute(users.insert().values({ email: "existing@example.com" })));
    equal([error instanceof IntegrityError, error.constraint.kind, error.constraint.columns], [true, "unique", ["email"]]);
    equal([error.code, error.sqliteCodeName, error.constraint.table], ["gkpj", "SQLITE_CONSTRAINT_UNIQUE", "users"]);
    ok(error.message.endsWith("[SQL: INSERT INTO users (email) VALUES (?)]\n[parameters: ('existing@example.com',)]"), error.message);
    // The connection is usable at once.
    const none = await conn.execute(select(users).where(users.c.id.eq(99999)));
    equal((await thrownBy(() => none.scalarOne())) instanceof NoResultFound, true);
    const two = await conn.execute(select(users).where(users.c.age.eq(7)));
    equal((await thrownBy(() => two.one())) instanceof MultipleResultsFound, true);
  },

  async "errors of text SQL name its parameters"() {
    await using engine = createEngine("sqlite://");
    await engine.execute(text("CREATE TABLE users (email TEXT UNIQUE, age INTEGER)"));
    const insert = text("INSERT INTO users (email, age) VALUES (:email, 7)");
    await engine.execute(insert, { email: "existing@example.com" });
    const error = await thrownBy(() => engine.execute(insert, { email: "existing@example.com" }));
    equal([error instanceof IntegrityError, error.constraint.kind, error.constraint.columns], [true, "unique", ["email"]]);
    equal(error.params, { email: "existing@example.com" });
    ok(error.message.endsWith("[SQL: INSERT INTO users (email, age) VALUES (:email, 7)]\n[parameters: ('existing@example.com',)]"), error.message);
  },

  async "6: streaming a large result, breaking out, writing beside it"() {
    const rows = 1_000_000;
    await using engine = createEngine("sqlite://");
    await engine.execute(sql`CREATE TABLE numbers (n INTEGER PRIMARY KEY)`);
    await engine.execute(sql`INSERT INTO numbers
      WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < ${rows}) SELECT x FROM c`);
    await using conn = await engine.connect();
    let sum = 0;
    let parts = 0;
    // Node tells it at any time; what browsers keep is measured by memory.test.mjs.
    const heap = () => globalThis.process?.memoryUsage?.().heapUsed ?? 0;
    const before = heap();
    let most = 0;
    {
      await using stream = await conn.stream(text("SELECT n FROM numbers"));
      for await (const part of stream.partitions(1000)) {
        parts++;
        for (const { n } of part) sum += n;
        most = Math.max(most, heap());
      }
    }
    // All rows at once would take more than 50 bytes each.
    ok(most - before < 40_000_000, `${most - before} bytes at most`);
    equal([sum, parts], [(rows * (rows + 1)) / 2, rows / 1000]);
    const stream = await conn.stream(text("SELECT n FROM numbers"));
    for await (const row of stream) {
      if (row.n < 10) continue;
      equal((await engine.execute(text("INSERT INTO numbers VALUES (:n)"), { n: rows + 1 })).rowcount, 1);
      break;
    }
    equal(stream.closed, true);
    equal(await conn.scalar(text("SELECT count(*) FROM numbers")), rows, "the snapshot");
    await conn.rollback();
    equal(await conn.scalar(text("SELECT count(*) FROM numbers")), rows + 1);
  },

  async "7: work inside the worker"() {
    await using engine = createEngine(file());
    await using conn = await engine.connect();
    await conn.execute(text("CREATE TABLE messages (id INTEGER PRIMARY KEY, folder TEXT)"));
    const folders = ["inbox", "inbox", "sent", "inbox"];
    await conn.execute(text("INSERT INTO messages (folder) VALUES (:folder)"), folders.map((folder) => ({ folder })));
    equal(await conn.runSync(new URL("./jobs.js", import.meta.url), "moveAll", "inbox", "archive"), 3);
    equal((await conn.execute(text("SELECT folder FROM messages ORDER BY id"))).scalars().all(), ["archive", "archive", "sent", "archive"]);
    // It was this connection's transaction.
    await conn.rollback();
    equal(await engine.hasTable("messages"), false);
    const elsewhere = new URL("https://elsewhere.example/jobs.js");
    await throws(ProcedureError, /of another origin/, () => conn.runSync(elsewhere, "moveAll"));
  },

  async "8: cancel and time out"() {
    await using engine = createEngine("sqlite://");
    await using conn = await engine.connect();
    const endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)";
    const ac = new AbortController();
    setTimeout(() => ac.abort(new Error("enough")), 50);
    const aborted = await thrownBy(() => conn.execute(text(`${endless} SELECT x FROM c`), null, { signal: ac.signal }));
    equal(aborted.message, "enough");
    equal(aborted, ac.signal.reason);
    const late = await thrownBy(() => conn.execute(text(`${endless} SELECT count(*) FROM c`), null, { timeout: 100 }));
    equal([late instanceof TimeoutError, late.name], [true, "TimeoutError"]);
    equal(await conn.scalar(text("SELECT 1")), 1);
  },
};
