// Errors: A3.72, A3.73, A3.79 to A3.81, A4.19, A4.39, A4.42, A4.43, A5.14, A5.15; on a real SQLite, in a thread of Node.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { COUNT, counting, error, INSERT, onConnection, onPeople } from "./node_engine.mjs";
import { load, repository } from "./pkg.mjs";

const aludel = await load("index.js");
const {
  AlreadyQuit, ArgumentError, Column, createEngine, DataError, IntegrityError, Integer, InvalidRequestError, MetaData,
  MultipleResultsFound, NoResultFound, NoSuchModuleError, ObjectNotExecutableError, OperationalError, PendingRollbackError, ProgrammingError,
  select, sql, StatementError, Table, Text, text, WorkerGone,
} = aludel;
const users = new Table("users", new MetaData(), new Column("id", Integer, { primaryKey: true }), new Column("name", Text), new Column("age", Integer));
const ENDLESS = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c");

test("a3_72 NoResultFound and MultipleResultsFound are InvalidRequestErrors", () => {
  for (const errorClass of [NoResultFound, MultipleResultsFound]) {
    assert.equal(Object.getPrototypeOf(errorClass), InvalidRequestError);
  }
});

test("a3_73 an IntegrityError tells the constraint and ends nothing", onConnection(async (conn) => {
  await conn.execute(text(`CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT NOT NULL, y INTEGER UNIQUE,
    z INTEGER CONSTRAINT small CHECK (z < 10), u INTEGER REFERENCES users (id))`));
  await conn.execute(text("INSERT INTO t VALUES (1, 'a', 1, 1, 1)"));
  for (const [values, kind, columns, codeName] of [
    ["1, 'b', 2, 1, 1", "primaryKey", ["id"], "SQLITE_CONSTRAINT_PRIMARYKEY"],
    ["2, 'b', 1, 1, 1", "unique", ["y"], "SQLITE_CONSTRAINT_UNIQUE"],
    ["2, NULL, 2, 1, 1", "notNull", ["x"], "SQLITE_CONSTRAINT_NOTNULL"],
    ["2, 'b', 2, 10, 1", "check", [], "SQLITE_CONSTRAINT_CHECK"],
    ["2, 'b', 2, 1, 99", "foreignKey", [], "SQLITE_CONSTRAINT_FOREIGNKEY"],
  ]) {
    const savepoint = await conn.beginNested();
    const statement = `INSERT INTO t VALUES (${values})`;
    await assert.rejects(conn.execute(text(statement)), (thrown) => {
      assert.ok(thrown instanceof IntegrityError);
      assert.deepEqual([thrown.constraint.kind, thrown.constraint.columns, thrown.sqliteCodeName], [kind, columns, codeName]);
      assert.deepEqual([thrown.code, thrown.statement, thrown.orig.sqliteCodeName], ["gkpj", statement, codeName]);
      assert.match(thrown.message, /constraint failed[^]*\n\[SQL: INSERT INTO t/);
      return true;
    });
    assert.equal(savepoint.isActive, true, "it is there to begin anew from");
    await savepoint.rollback();
  }
  assert.equal(await conn.scalar(text("SELECT count(*) FROM t")), 1);
}));

test("a3_79 after an error of a commit the connection can be used again", onConnection(async (conn) => {
  await assert.rejects(conn.execute(users.insert().values({ id: 1, name: "again" })), error(IntegrityError, "UNIQUE constraint failed: users.id"));
  await conn.rollback();
  const none = await conn.execute(select(users.c.name).where(users.c.id.eq(99999)));
  assert.throws(() => none.scalarOne(), error(NoResultFound, "No row was found when one was required"));
  await conn.execute(INSERT);
  await conn.commit();
  assert.equal(await conn.scalar(COUNT), 4);
}));

test("a3_80 other dialects are named, and what there is instead", () => {
  for (const url of ["postgresql+asyncpg://x/y", "mysql+aiomysql://x/y", "sqlite+aiosqlite:///x.db", "oracle://x"]) {
    assert.throws(() => createEngine(url), error(NoSuchModuleError, /^Can't load plugin: sqlalchemy\.dialects:.*aludel knows sqlite:\/\//));
  }
});

test("a3_81 names of the examples: tables, types with lengths, select, where, like, limit", onConnection(async (conn) => {
  const people = new Table("people", new MetaData(),
    new Column("id", Integer, { primaryKey: true }), new Column("name", aludel.String_(50)), new Column("active", aludel.Boolean_));
  assert.equal(String(select(people.c.name).where(people.c.active.eq(true)).limit(1)),
    "SELECT people.name FROM people WHERE people.active = 1 LIMIT ? OFFSET ?");
  await people.create(conn);
  await conn.execute(people.insert(), [{ name: "Dan", active: true }, { name: "Dana", active: true }, { name: "Dora", active: false }]);
  const found = await conn.execute(select(people.c.name).where(people.c.name.like("D%")).where(people.c.active.eq(true)).orderBy(people.c.id).limit(1));
  assert.deepEqual(found.scalars().all(), ["Dan"]);
}));

test("a4_19 a4_39 a worker that is gone is a typed error and is replaced", async () => {
  assert.equal(AlreadyQuit, WorkerGone);
  const counter = counting();
  const { engine } = counter;
  const conn = await engine.connect();
  await conn.execute(text("CREATE TABLE t (x)"));
  const gone = assert.rejects(conn.execute(ENDLESS), error(WorkerGone, "out of memory", ({ retryable }) => retryable));
  await new Promise(setImmediate);
  counter.fail("out of memory");
  await gone;
  assert.equal(conn.invalidated, true);
  await assert.rejects(conn.execute(INSERT), error(PendingRollbackError, "Can't reconnect until invalid transaction is rolled back."));
  await conn.rollback();
  assert.equal(await conn.scalar(text("SELECT 1")), 1, "another worker");
  await conn.close();
  await engine.dispose();
});

test("a4_42 a2_07 likely mistakes are named", onConnection(async (conn) => {
  const byId = text("SELECT * FROM users WHERE id = :id");
  for (const [call, errorClass, message] of [
    [() => conn.execute("SELECT 1"), ObjectNotExecutableError, /text\("SELECT 1"\).*execDriverSql\(\)/],
    [() => conn.execute(Promise.resolve(text("SELECT 1"))), ObjectNotExecutableError, "its await was forgotten"],
    [() => conn.execute(undefined), ObjectNotExecutableError, "undefined"],
    [() => conn.execute(byId), StatementError, "A value is required for bind parameter 'id'"],
    [() => conn.execute(byId, { id: undefined }), DataError, "'id' is undefined"],
    [() => conn.execute(byId, { id: Promise.resolve(1) }), DataError, "'id' is a Promise: its await was forgotten"],
    [() => conn.execute(byId, { id: new Date() }), DataError, "'id' is a Date"],
    [() => conn.execute(byId, [1]), ArgumentError, "not as a list"],
    [() => conn.execute(text("SELECT ?"), [1, 2]), ProgrammingError, "uses 1, and there are 2 supplied"],
    [() => conn.execute(text("SELECT 1; SELECT 2")), ProgrammingError, "one statement at a time"],
    [() => conn.execute(text("SELECT * FORM users")), OperationalError, 'near "FORM": syntax error'],
    [() => conn.execute(text("SELECT 1"), null, { timeOut: 5 }), ArgumentError, "Unknown call option 'timeOut'"],
    [() => select([1]), ArgumentError, /select/],
    [() => sql("SELECT 1"), ArgumentError, "sql is a template tag"],
    [() => select(users).where(users.c.id === 1), ArgumentError, /eq\(\)/],
  ]) {
    await assert.rejects(async () => call(), error(errorClass, message), String(call));
  }
}));

test("a4_43 answers of calls that were aborted reach nobody else", onConnection(async (conn, engine) => {
  const number = text("SELECT :n");
  for (let round = 0; round < 20; round++) {
    const ac = new AbortController();
    const reason = new Error(`enough of ${round}`);
    const aborted = assert.rejects(conn.execute(ENDLESS, null, { signal: ac.signal }), (thrown) => thrown === reason);
    const mine = conn.scalar(number, { n: round });
    const others = engine.scalar(number, { n: round + 100 });
    setImmediate(() => ac.abort(reason));
    await aborted;
    assert.deepEqual([await mine, await others], [round, round + 100]);
  }
}));

test("a5_14 every class of SQLAlchemy that has a meaning here, with its parents", () => {
  const parents = {
    ArgumentError: "SQLAlchemyError", ObjectNotExecutableError: "ArgumentError", NoSuchModuleError: "ArgumentError",
    NoForeignKeysError: "ArgumentError", AmbiguousForeignKeysError: "ArgumentError", CompileError: "SQLAlchemyError",
    TimeoutError: "SQLAlchemyError", InvalidRequestError: "SQLAlchemyError", IllegalStateChangeError: "InvalidRequestError",
    PendingRollbackError: "InvalidRequestError", ResourceClosedError: "InvalidRequestError", NoSuchColumnError: "InvalidRequestError",
    NoResultFound: "InvalidRequestError", MultipleResultsFound: "InvalidRequestError", NoSuchTableError: "InvalidRequestError",
    UnreflectableTableError: "InvalidRequestError", StatementError: "SQLAlchemyError", DBAPIError: "StatementError",
    InterfaceError: "DBAPIError", DatabaseError: "DBAPIError", DataError: "DatabaseError", OperationalError: "DatabaseError",
    IntegrityError: "DatabaseError", InternalError: "DatabaseError", ProgrammingError: "DatabaseError", NotSupportedError: "DatabaseError",
  };
  const paper = readFileSync(repository("docs/ERRORS.md"), "utf8");
  for (const [name, parent] of Object.entries(parents)) {
    assert.equal(Object.getPrototypeOf(aludel[name]), aludel[parent], name);
    assert.equal(new aludel[name]("x").name, name);
    assert.ok(paper.includes(`\`${name}\``), `${name} is in the paper`);
  }
  const codes = { TimeoutError: "3o7r", PendingRollbackError: "8s2b", IntegrityError: "gkpj", OperationalError: "e3q8", ProgrammingError: "f405",
    DataError: "9h9h", InternalError: "2j85", NotSupportedError: "tw8g", CompileError: "l7de", IllegalStateChangeError: "isce", InterfaceError: "rvf5" };
  for (const [name, code] of Object.entries(codes)) assert.equal(new aludel[name]("x").code, code, name);
});

test("a5_15 what SQLite says has its class", onConnection(async (conn) => {
  for (const [statement, errorClass, code] of [
    ["SELEC 1", OperationalError, "e3q8"],
    ["SELECT * FROM nobody", OperationalError, "e3q8"],
    ["SELECT nope FROM users", OperationalError, "e3q8"],
    ["INSERT INTO users (id) VALUES (1)", IntegrityError, "gkpj"],
    ["INSERT INTO users (id) VALUES ('x')", IntegrityError, "gkpj"],
    ["SELECT 1; SELECT 2", ProgrammingError, "f405"],
  ]) {
    await assert.rejects(conn.execute(text(statement)), error(errorClass, /./, (thrown) => thrown.code === code), statement);
  }
}));

test("an error is about the call, whatever its caller has made of the parameters since", onPeople(async (engine) => {
  const twice = text("INSERT INTO users (id, name) VALUES (:id, :name)");
  const list = [{ id: 7, name: "seven" }, { id: 7, name: "again" }];
  const failing = engine.execute(twice, list);
  list.splice(0, 2, null);
  await assert.rejects(failing, (thrown) => {
    assert.ok(thrown instanceof IntegrityError, String(thrown));
    assert.match(thrown.message, /\[parameters: \[\(7, 'seven'\), \(7, 'again'\)\]\]/);
    return true;
  });
  const set = { id: 1, name: "one" };
  const other = engine.execute(twice, set);
  set.name = Symbol("of no use");
  await assert.rejects(other, (thrown) => {
    assert.ok(thrown instanceof IntegrityError, String(thrown));
    assert.doesNotMatch(thrown.message, /\[parameters:/);
    return true;
  });
}));
