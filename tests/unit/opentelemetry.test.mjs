// Traces of OpenTelemetry, by a tracer that keeps what it is told. That its form is that of @opentelemetry/api, tests/types/opentelemetry.ts says.
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import test from "node:test";
import { load } from "./pkg.mjs";
import { error, nodeEngine, onPeople } from "./node_engine.mjs";

const { ArgumentError, IntegrityError, Integer, Column, MetaData, OperationalError, Table, select, text } = await load("index.js");
const { instrument } = await load("opentelemetry.js");
const { summary } = await load("sql_summary.js");

const active = new AsyncLocalStorage();

/** A tracer as an application has it, and the spans that it made. */
function tracing() {
  const spans = [];
  const tracer = {
    startSpan(name, { kind, attributes }) {
      const span = { name, kind, attributes: { ...attributes }, parent: active.getStore(), exceptions: [], ended: 0 };
      spans.push(span);
      return {
        setAttribute: (key, value) => void (span.attributes[key] = value),
        setStatus: (status) => void (span.status = status),
        recordException: (exception) => void span.exceptions.push(exception),
        end: () => void (span.ended += 1),
      };
    },
  };
  return { spans, tracer };
}

const ADULTS = text("SELECT name FROM users WHERE age >= :age AND name <> 'nobody'");

test("each statement is a span with the names of the conventions, and without values", onPeople(async (engine) => {
  const { spans, tracer } = tracing();
  const stop = instrument(engine, { tracer });
  await engine.execute(ADULTS, { age: 25 });
  assert.deepEqual(spans, [{
    name: "SELECT users", kind: 2, parent: undefined, exceptions: [], ended: 1,
    attributes: {
      "db.system.name": "sqlite", "db.namespace": ":memory:", "db.operation.name": "SELECT", "db.collection.name": "users", "db.query.summary": "SELECT users",
      "db.query.text": "SELECT name FROM users WHERE age >= :age AND name <> ?",
    },
  }]);
  const conn = await engine.connect();
  await conn.execute(text("INSERT INTO users (name) VALUES (:name)"), [{ name: "a" }, { name: "b" }]);
  assert.deepEqual([spans[1].name, spans[1].attributes["db.operation.batch.size"], spans[1].ended], ["INSERT users", 2, 1]);
  const users = new Table("users", new MetaData(), new Column("id", Integer), new Column("age", Integer));
  await conn.execute(select(users.c.id).where(users.c.age.gt(25)));
  assert.deepEqual([spans[2].name, spans[2].attributes["db.query.text"]], ["SELECT users", "SELECT users.id FROM users WHERE users.age > ?"]);
  await conn.execDriverSql("PRAGMA user_version");
  assert.deepEqual([spans[3].name, spans[3].attributes["db.collection.name"]], ["PRAGMA :memory:", undefined]);
  const stream = await conn.stream(text("SELECT 1 UNION ALL SELECT 2"));
  assert.deepEqual([spans[4].name, spans[4].ended], ["SELECT :memory:", 1]);
  await stream.close();
  stop();
  await conn.execute(text("SELECT 1"));
  await conn.close();
  assert.equal(spans.length, 5);
  assert.doesNotMatch(JSON.stringify(spans), /nobody|25/u);
}));

test("the parent is the span that is active where the call is made", onPeople(async (engine) => {
  const { spans, tracer } = tracing();
  instrument(engine, { tracer });
  const conn = await engine.connect();
  await Promise.all(["first", "second"].map((name) => active.run(name, () => conn.execute(text("SELECT 1")))));
  await active.run("third", () => engine.begin((c) => c.execute(text("SELECT 2"))));
  assert.deepEqual(spans.map(({ parent }) => parent), ["first", "second", "third"]);
  await conn.close();
}));

test("a statement that fails is an error, whose values are not told", onPeople(async (engine) => {
  const { spans, tracer } = tracing();
  instrument(engine, { tracer });
  await assert.rejects(engine.execute(text("INSERT INTO users (id, name) VALUES (:id, :name)"), { id: 1, name: "secret" }), IntegrityError);
  const [span] = spans;
  assert.deepEqual([span.attributes["error.type"], span.attributes["db.response.status_code"], span.ended], ["IntegrityError", "SQLITE_CONSTRAINT_PRIMARYKEY", 1]);
  assert.deepEqual([span.status.code, span.exceptions.length, span.exceptions[0].name], [2, 1, "IntegrityError"]);
  assert.match(span.status.message, /UNIQUE constraint failed: users\.id$/u);
  assert.doesNotMatch(JSON.stringify(spans), /secret/u);
  await assert.rejects(engine.execute(text("SELECT 'hidden' FROM nowhere")), OperationalError);
  assert.deepEqual([spans[1].name, spans[1].status.code, spans[1].ended], ["SELECT nowhere", 2, 1]);
  // Nothing was sent: there is nothing to trace.
  await assert.rejects(engine.execute(ADULTS, {}));
  assert.equal(spans.length, 2);
}));

test("a statement that its caller gives up ends its span, and the error is the original one", onPeople(async (engine) => {
  const { spans, tracer } = tracing();
  instrument(engine, { tracer });
  const stop = new AbortController();
  const running = engine.execute(text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"), null, { signal: stop.signal });
  stop.abort();
  await assert.rejects(running, { name: "AbortError" });
  assert.deepEqual([spans[0].attributes["error.type"], spans[0].ended], ["AbortError", 1]);
  engine.listen("handleError", () => new TypeError("another"));
  await assert.rejects(engine.execute(text("SELECT a FROM nowhere")), TypeError);
  assert.equal(spans[1].attributes["error.type"], "OperationalError");
}));

test("values are told when they are asked for, but never those of an engine that hides them, nor blobs", async () => {
  const call = async (hideParameters) => {
    const engine = nodeEngine({ hideParameters });
    const { spans, tracer } = tracing();
    instrument(engine, { tracer, parameters: true, literals: true });
    await engine.execute(text("SELECT :a, :b, 'lit', :c"), { a: "x".repeat(2000), b: 5, c: new Uint8Array(3) });
    await engine.dispose();
    return spans[0].attributes;
  };
  const shown = await call(false);
  assert.deepEqual([shown["db.query.parameter.0"].length, shown["db.query.parameter.1"], shown["db.query.parameter.2"]], [1000, "5", undefined]);
  assert.match(shown["db.query.text"], /'lit'/u);
  assert.deepEqual(Object.keys(await call(true)).filter((key) => key.startsWith("db.query.parameter")), []);
});

test("a tracer that throws fails no call", async (context) => {
  const reported = context.mock.method(console, "error", () => undefined);
  const engine = nodeEngine();
  const boom = () => {
    throw new Error("boom");
  };
  instrument(engine, { tracer: { startSpan: boom } });
  assert.equal(await engine.scalar(text("SELECT 7")), 7);
  instrument(engine, { tracer: { startSpan: () => ({ end: boom }) } });
  assert.equal(await engine.scalar(text("SELECT 8")), 8);
  assert.ok(reported.mock.callCount() >= 3);
  await engine.dispose();
});

test("options that nobody knows are refused", () => {
  const engine = nodeEngine();
  const { tracer } = tracing();
  for (const [options, message] of [
    [undefined, "the options of instrument() are an object"], [{}, "tracer is a tracer of OpenTelemetry, not undefined"], [{ tracer: {} }, "tracer is a tracer"],
    [{ tracer, values: true }, "Unknown option 'values' of instrument(); known are: literals, parameters, tracer"], [{ tracer, literals: 1 }, "literals is true or false"],
  ]) assert.throws(() => instrument(engine, options), error(ArgumentError, message));
});

test("what a text does, and to which table", () => {
  const cases = [
    ["select * from t", "SELECT", "t"],
    ["SELECT * FROM main.t AS x WHERE a IN (SELECT a FROM t)", "SELECT", undefined],
    ["SELECT * FROM \"a \"\"b\" -- t2", "SELECT", "a \"b"],
    ["SELECT * FROM a, b", "SELECT", undefined],
    ["SELECT * FROM a JOIN b USING (x)", "SELECT", undefined],
    ["SELECT a, b FROM t ORDER BY a, b", "SELECT", "t"],
    ["SELECT * FROM t WHERE a IS DISTINCT FROM b", "SELECT", "t"],
    ["SELECT value FROM json_each('[1]')", "SELECT", undefined],
    ["SELECT value FROM t, json_each(t.a)", "SELECT", "t"],
    ["WITH x AS (SELECT 1 FROM t) DELETE FROM u WHERE a IN (SELECT * FROM x)", "DELETE", undefined],
    ["WITH x(n) AS (SELECT a FROM t) SELECT * FROM x", "SELECT", "t"],
    ["WITH x AS (SELECT 1) INSERT INTO t (a) SELECT * FROM x", "INSERT", "t"],
    ["WITH RECURSIVE x(n) AS MATERIALIZED (SELECT 1), y AS (SELECT n AS t FROM x) SELECT * FROM t AS z JOIN y", "SELECT", "t"],
    ["WITH x AS (WITH y AS (SELECT 1) SELECT * FROM y) SELECT * FROM t JOIN x", "SELECT", "t"],
    ["INSERT INTO t WITH x AS (SELECT 1) SELECT * FROM x", "INSERT", "t"],
    ["INSERT OR REPLACE INTO t (a) VALUES (1)", "INSERT", "t"],
    ["INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2", "INSERT", "t"],
    ["UPDATE OR IGNORE [t] SET a = 1", "UPDATE", "t"],
    ["CREATE TABLE IF NOT EXISTS t (a)", "CREATE", "t"],
    ["PRAGMA table_info(t)", "PRAGMA", undefined],
    ["BEGIN", "BEGIN", undefined],
    ["", "", undefined],
    ["((((", "", undefined],
  ];
  for (const [sql, operation, table] of cases) {
    const found = summary(sql);
    assert.deepEqual([found.operation, found.table], [operation, table], sql);
  }
  assert.equal(summary("SELECT 'it''s', x'00', 1.5e-3, 0x1F, a1, \"1\", ?1, :x /* 5 */ FROM t WHERE b = 'open").text,
    "SELECT ?, ?, ?, ?, a1, \"1\", ?1, :x FROM t WHERE b = ?");
  for (const sql of ["'".repeat(30_001), "/*".repeat(20_000), "(".repeat(50_000), "a,".repeat(50_000), "\u{10FFFF}".repeat(20_000)]) {
    const started = performance.now();
    assert.ok(summary(sql).text.length <= 20_001);
    assert.ok(performance.now() - started < 5_000);
  }
});
