// Work inside the worker: A3.13, A3.70, A3.78, A4.09, A4.11, A4.22, A4.24; on a real SQLite, in a thread of Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { COUNT, counting, error, fill, INSERT, nodeEngine, onConnection, onPeople } from "./node_engine.mjs";
import { load } from "./pkg.mjs";

const {
  ArgumentError, DataError, InvalidRequestError, IntegrityError, ObjectNotExecutableError, OperationalError, ProcedureError, procedures,
  ResourceClosedError, TimeoutError, select, literal, text, WorkerGone,
} = await load("index.js");
const { decodeValue, encodeValue } = await load("values_codec.js");
const module = new URL("./procedure_module.mjs", import.meta.url);
const jobs = procedures(module);

test("a3_70 a4_24 runSync is any number of statements in one message", async () => {
  const counter = counting();
  await fill(counter.engine);
  await counter.engine.connect(async (conn) => {
    const before = counter.frames;
    const names = Array.from({ length: 50 }, (_, i) => `name ${i}`);
    assert.equal(await conn.runSync(jobs.addMany, names), 53);
    assert.equal(counter.frames, before + 1);
    // It is the connection's transaction, which is as open as after any statement.
    assert.equal(conn.inTransaction(), true);
    await conn.rollback();
    assert.equal(await conn.scalar(COUNT), 3);
  });
  await counter.engine.dispose();
});

test("a3_70 a procedure is named in three ways, and typed by one", onConnection(async (conn) => {
  assert.equal(await conn.runSync(module, "count"), 3);
  assert.equal(await conn.runSync(module.href, "count"), 3);
  assert.equal(await conn.runSync({ module, export: "count" }), 3);
  assert.equal(await conn.runSync(jobs.count), 3);
  assert.equal(jobs.count, jobs.count);
  // Whoever awaits the procedures by mistake gets them.
  assert.equal(await jobs, jobs);
  const wrong = [
    [[() => 7], /a procedure is \{ module: URL, export: name \}, not function; a function cannot be sent/],
    [[null], /not null/], [[module], /stands the name of a function, not undefined/], [[{ module, export: 7 }], /not Object/],
    [["./jobs.js", "x"], /is a URL, like new URL\("\.\/jobs\.js", import\.meta\.url\), not "\.\/jobs\.js"/],
    [[{ module: 7, export: "x" }], /not number/],
    [[jobs.count.with({ readOnly: 1 })], /readOnly is true or false, not number/],
    [[jobs.count.with({ timeOut: 1 })], /Unknown call option 'timeOut'/],
  ];
  for (const [args, message] of wrong) await assert.rejects(conn.runSync(...args), error(ArgumentError, message));
}));

test("a3_70 results are those of the page", onConnection(async (conn) => {
  assert.deepEqual(await conn.runSync(jobs.results), {
    rowcount: 2, first: { id: 1, name: "Dan" }, others: 4, dana: { id: 2, name: "Dana", age: 20 }, wide: 9007199254740993n,
    blob: new Uint8Array([0, 255]), lastrowid: 6, none: null,
  });
}));

test("a3_70 arguments and results arrive as they were", onConnection(async (conn) => {
  const values = [
    undefined, null, true, false, 0, -0, 1.5, NaN, -Infinity, 2n ** 80n, -7n, 0n, "", "größe 😀", "\ud800 alone", new Uint8Array([1, 2]),
    new Date(1e12), [1, [2, []]], { a: 1, "b c": { d: null }, e: undefined }, new Map([["k", 1n]]), new Set([1, "x"]),
  ];
  assert.deepEqual(await conn.runSync(jobs.echo, ...values), values);
  assert.deepEqual(await conn.runSync(jobs.echo), []);
  const [buffer, row] = await conn.runSync(jobs.echo, new Uint8Array([9]).buffer, (await conn.execute(text("SELECT 1 AS a"))).one());
  assert.deepEqual([buffer, row], [new Uint8Array([9]), { a: 1 }]);
  const large = "x".repeat(3_000_000);
  assert.equal((await conn.runSync(jobs.echo, large))[0], large);
  const keys = new Map([[Object.assign(Object.create(null), { a: 1 }), [new Date(0)]]]);
  assert.deepEqual([...(await conn.runSync(jobs.echo, keys))[0]], [[{ a: 1 }, [new Date(0)]]]);
  const [proto] = await conn.runSync(jobs.echo, JSON.parse('{"__proto__": 1}'));
  assert.deepEqual(Object.entries(proto), [["__proto__", 1]]);
  const itself = {};
  itself.self = itself;
  const unsendable = [
    [() => 7, /argument 1 of echo\(\) is a function, which cannot be sent/], [Symbol("s"), /is a symbol/], [/x/, /RegExp/],
    [{ a: [1, () => 7] }, /argument 1 of echo\(\)\["a"\]\[1\] is a function/], [itself, /\["self"\] holds itself/],
    [Promise.resolve(1), /is a Promise: its await was forgotten/], [new WeakMap(), /WeakMap/],
  ];
  for (const [value, message] of unsendable) await assert.rejects(conn.runSync(jobs.echo, value), error(DataError, message));
  await assert.rejects(conn.runSync(jobs.returnsFunction), error(DataError, /what returnsFunction\(\) returned\["nested"\]\[0\] is a function/));
}));

test("a3_70 what a procedure throws is thrown, as it was", onConnection(async (conn) => {
  await assert.rejects(conn.runSync(jobs.run, "INSERT INTO users (id, name) VALUES (:id, :name)", { id: 1, name: "x" }), error(
    IntegrityError, "UNIQUE constraint failed: users.id\n[SQL: INSERT INTO users",
    (thrown) => {
      assert.deepEqual([thrown.constraint.kind, thrown.constraint.columns, thrown.sqliteCodeName], ["primaryKey", ["id"], "SQLITE_CONSTRAINT_PRIMARYKEY"]);
      assert.deepEqual([thrown.code, thrown.params, thrown.orig.message], ["gkpj", { id: 1, name: "x" }, "UNIQUE constraint failed: users.id"]);
      assert.equal(thrown.cause, thrown.orig);
      return true;
    },
  ));
  await assert.rejects(conn.runSync(jobs.run, "SELEC 1"), error(OperationalError, "syntax error", ({ offset }) => offset === 0));
  await assert.rejects(conn.runSync(jobs.executes, { kind: "select" }), error(ObjectNotExecutableError, "strings of SQL"));
  const [name, code, , constraint, , again] = await conn.runSync(jobs.caught, "INSERT INTO users (id) VALUES (2)");
  assert.deepEqual([name, code, constraint.columns, again instanceof IntegrityError], ["IntegrityError", "gkpj", ["id"], true]);
  const wrapped = [
    ["TypeError", "TypeError", /null/], ["Error", "MyError", /^mine$/], ["function", "Error", /^function$/],
    [{ plain: 1 }, "ProcedureError", /^throws\(\) threw \[object Object\]$/], ["text", "ProcedureError", /^throws\(\) threw text$/],
  ];
  for (const [kind, called, message] of wrapped) {
    await assert.rejects(conn.runSync(jobs.throws, kind), error(ProcedureError, message, (thrown) => thrown.name === called));
  }
  await assert.rejects(conn.runSync(jobs.throws, "TypeError"), error(ProcedureError, "", ({ cause }) =>
    cause instanceof TypeError && cause.stack.includes("procedure_module.mjs")));
  await assert.rejects(conn.runSync(jobs.throws, "Error"), error(ProcedureError, "", ({ cause }) => cause.cause.why === 7));
  await assert.rejects(conn.runSync(jobs.throws, { plain: 1 }), error(ProcedureError, "", ({ cause }) => cause.plain === 1));
  assert.equal(await conn.scalar(COUNT), 3);
}));

test("a3_70 what cannot be called is said", onConnection(async (conn) => {
  const refused = [
    [new URL("./nowhere.mjs", module), "x", /nowhere\.mjs could not be imported/],
    [module, "nobody", /"nobody": nothing of that name; its functions are: .*addMany/],
    [module, "notAFunction", /"notAFunction": as number, which is no function/],
    [module, "toString", /nothing of that name/],
    [module, "later", /later\(\) is asynchronous/],
    [module, "returnsPromise", /returnsPromise\(\) returned a Promise; a procedure works synchronously/],
    ["https://elsewhere.example/procs.js", "x", /of another origin than the page/],
  ];
  for (const [url, name, message] of refused) await assert.rejects(conn.runSync(url, name), error(ProcedureError, message));
  // A connection that outlives its procedure is closed.
  assert.equal(await conn.runSync(jobs.keep), false);
  await assert.rejects(conn.runSync(jobs.useKept), error(ResourceClosedError, "its procedure has returned"));
  assert.equal(await conn.scalar(COUNT), 3);
  await conn.close();
  await assert.rejects(conn.runSync(jobs.count), error(ResourceClosedError, "This Connection is closed"));
}));

test("a3_70 transactions and savepoints are the connection's", onConnection(async (conn) => {
  assert.deepEqual(await conn.runSync(jobs.transactions), [false, "undone", true, 6, [true, true, false]]);
  assert.equal(conn.inTransaction(), true);
  // A savepoint that was left open is rolled back.
  assert.equal(await conn.scalar(COUNT), 5);
  await conn.rollback();
  assert.equal(await conn.scalar(COUNT), 4);
  await conn.rollback();
  await assert.rejects(conn.runSync(jobs.beginTwice), error(InvalidRequestError, "already initialized"));
  await conn.rollback();
  const outer = await conn.begin();
  await assert.rejects(conn.runSync(jobs.beginTwice), error(InvalidRequestError, "already initialized"));
  await conn.runSync(jobs.run, "INSERT INTO users (name) VALUES ('outer')");
  await conn.runSync(jobs.commit);
  assert.deepEqual([outer.isActive, conn.inTransaction()], [false, false]);
  assert.equal(await conn.scalar(COUNT), 5);
  await conn.rollback();
  // What asks for nothing begins nothing.
  await conn.runSync(jobs.echo);
  assert.equal(conn.inTransaction(), false);
  await conn.runSync(jobs.script, "CREATE TABLE a (x); -- one; two\n INSERT INTO a VALUES (';'); INSERT INTO a VALUES (2);");
  assert.equal(await conn.scalar(text("SELECT count(*) FROM a")), 2);
  const script = "INSERT INTO a VALUES (3); SELEC ';', 4; DROP TABLE a";
  await assert.rejects(conn.runSync(jobs.script, script), ({ statement, message }) => statement === "SELEC ';', 4" && !message.includes("DROP"));
  assert.equal(await conn.scalar(text("SELECT count(*) FROM a")), 3);
}));

test("a3_70 it waits for who writes, and calls keep their order", onPeople(async (engine) => {
  const [writer, conn] = [await engine.connect(), await engine.connect()];
  await writer.execute(INSERT);
  const procedure = conn.runSync(jobs.addMany, ["Fay"]);
  const behind = conn.scalar(COUNT);
  // One that only reads does not wait.
  assert.equal(await engine.connect((reader) => reader.runSync(jobs.count.with({ readOnly: true }))), 3);
  await writer.commit();
  assert.deepEqual([await procedure, await behind], [5, 5]);
}));

test("a3_70 limits hold until it begins and for each of its statements", onPeople(async (engine) => {
  const conn = await engine.connect();
  for (const name of ["forever", "untilLate"]) {
    await assert.rejects(conn.runSync(jobs[name].with({ timeout: 100 })), error(TimeoutError, "timed out after"));
    assert.equal(await conn.scalar(COUNT), 3);
  }
  await conn.rollback();
  const writer = await engine.connect();
  await writer.execute(INSERT);
  await assert.rejects(conn.runSync(jobs.addMany.with({ timeout: 50 }), ["late"]), error(TimeoutError, "timed out after"));
  const controller = new AbortController();
  const aborted = conn.runSync(jobs.addMany.with({ signal: controller.signal }), ["aborted"]);
  controller.abort(new Error("enough"));
  await assert.rejects(aborted, /^Error: enough$/);
  await writer.rollback();
  assert.equal(await conn.scalar(COUNT), 3);
}));

test("a3_78 statements that were put together are sent as their text", onConnection(async (conn) => {
  const { sql, params } = select(literal(7).label("seven")).compile();
  assert.deepEqual([await conn.runSync(jobs.run, sql, Object.values(params))], [-1]);
}));

test("a4_22 runInThread and runInWorker of a connection are runSync", onConnection(async (conn) => {
  assert.deepEqual([await conn.runInThread(jobs.count), await conn.runInWorker(module, "count")], [3, 3]);
}));

test("a4_09 a3_13 a4_11 procedures of an engine are called with one", onPeople(async (engine) => {
  const nested = "The engine of a procedure has one connection, which is in use";
  assert.deepEqual(await engine.runInThread(jobs.withEngine, "Eve"), [4, nested, "Eve"]);
  assert.equal(await engine.scalar(COUNT), 4);
  assert.deepEqual(await engine.runInWorker(module, "withEngine", "Fay"), [5, nested, "Fay"]);
  await assert.rejects(engine.runInWorker(module, "nobody"), error(ProcedureError, "nothing of that name"));
  assert.equal(engine.pool.checkedout(), 0);
}));

test("hidden parameters stay hidden", async () => {
  const engine = await fill(nodeEngine({ hideParameters: true }));
  await engine.connect((conn) =>
    assert.rejects(conn.runSync(jobs.run, "INSERT INTO users (id) VALUES (:id)", { id: 1 }), error(IntegrityError, "", ({ params }) => params === null)));
  await engine.dispose();
});

test("bytes that nobody wrote are an error", () => {
  assert.throws(() => decodeValue(new Uint8Array([99])), error(DataError, "tag 99"));
  assert.throws(() => decodeValue(new Uint8Array([])), RangeError);
  const cut = encodeValue(["text", { a: 1 }], "it").slice(0, -3);
  assert.throws(() => decodeValue(cut));
});

test("functions and collations of SQL are kept by the connection", onConnection(async (conn, engine) => {
  await conn.runSync(jobs.setUp);
  const rows = async (sql, params) => (await conn.execute(text(sql), params)).all().map((row) => [...row]);
  assert.deepEqual(await rows("SELECT shout(name) FROM users ORDER BY name COLLATE backwards"), [["DANA"], ["DAN"], ["CASEY"]]);
  for (const value of [null, 1, -0.5, 1e300, 2n ** 62n, "größe", new Uint8Array([0, 255]), new Uint8Array([])]) {
    assert.deepEqual(await rows("SELECT same(1, :value)", { value }), [[value]]);
  }
  // What is deterministic and does no harm may be in an index.
  await conn.execute(text("CREATE INDEX shouted ON users (shout(name))"));
  await assert.rejects(conn.execute(text("CREATE INDEX trust ON users (trusted())")), error(OperationalError, "non-deterministic"));
  await conn.execute(text("CREATE VIEW harm AS SELECT same(1)"));
  await assert.rejects(rows("SELECT * FROM harm"), error(OperationalError, "unsafe use of same()"));
  await assert.rejects(rows("SELECT refuses()"), error(OperationalError, "not today"));
  await assert.rejects(rows("SELECT later()"), error(OperationalError, "returned what SQLite cannot store"));
  await assert.rejects(rows("SELECT asks()"), error(OperationalError, "its procedure has returned"));
  await assert.rejects(conn.runSync(jobs.wrongFunction), error(ArgumentError, "createFunction() takes a name and a function, not string and string"));
  await conn.rollback();
  await engine.connect((other) => assert.rejects(other.execute(text("SELECT shout('a')")), error(OperationalError, "no such function: shout")));
}));

test("each connection of an engine is set up by its event", async () => {
  const engine = nodeEngine();
  engine.listen("connect", ({ connection }) => connection.runSync(jobs.setUp));
  await fill(engine);
  const [one, other] = [await engine.connect(), await engine.connect()];
  for (const conn of [one, other]) assert.equal(await conn.scalar(text("SELECT shout(name) FROM users")), "DAN");
  await engine.dispose();
});

test("a3_70 a commit that fails is rolled back", onConnection(async (conn) => {
  assert.deepEqual(await conn.runSync(jobs.failsToCommit), ["IntegrityError", false, true, false, false]);
  assert.equal(await conn.scalar(COUNT), 3);
}));

test("a3_70 what belongs to a transaction that has ended does nothing to the next", onConnection(async (conn) => {
  assert.deepEqual(await conn.runSync(jobs.stale), [false, true, "This transaction is inactive", 4]);
  assert.equal(await conn.scalar(COUNT), 4);
}));

test("a3_70 objects of a class are not sent as empty ones", onConnection(async (conn) => {
  await assert.rejects(conn.runSync(jobs.forgetsAll), error(DataError, /what forgetsAll\(\) returned is an object of a class \(.*\), which cannot be sent/));
  await assert.rejects(conn.runSync(jobs.itself), error(DataError, /itself\(\) returned is an object of a class/));
  await assert.rejects(conn.runSync(jobs.echo, new (class Point {})()), error(DataError, "argument 1 of echo() is an object of a class (Point)"));
  const bare = Object.assign(Object.create(null), { a: 1 });
  assert.deepEqual(await conn.runSync(jobs.echo, bare), [{ a: 1 }]);
  const holes = [];
  holes[4294967294 - 1] = 1;
  await assert.rejects(conn.runSync(jobs.echo, holes), error(DataError, "most of it holes"));
  // What is thrown may have no text.
  await assert.rejects(conn.runSync(jobs.throws, { toString: 1 }), error(ProcedureError, "throws() threw Object"));
}));

test("a3_70 causes of errors may be many, or go in circles", onConnection(async (conn) => {
  await assert.rejects(conn.runSync(jobs.throwsInCircles), error(ProcedureError, "one", ({ cause }) =>
    cause.cause.message === "other" && cause.cause.cause === undefined));
  await assert.rejects(conn.runSync(jobs.throwsChain, 40), error(ProcedureError, "39", ({ cause }) => {
    let depth = 0;
    for (let at = cause; at !== undefined; at = at.cause) depth += 1;
    return depth === 40;
  }));
  await assert.rejects(conn.runSync(jobs.throwsChain, 2_000), error(ProcedureError, "1999"));
}));

test("a value that ends too soon is an error", () => {
  assert.throws(() => decodeValue(encodeValue("text", "it").slice(0, -1)), RangeError);
});

test("modules of an origin that anybody can borrow are refused", onConnection(async (conn) => {
  const blob = URL.createObjectURL(new Blob(["export const f = () => 1"], { type: "text/javascript" }));
  await assert.rejects(conn.runSync(blob, "f"), error(ProcedureError, "of another origin than the page"));
  URL.revokeObjectURL(blob);
}));

test("a trap within a statement ends the worker, though the procedure has caught it", async () => {
  const engine = nodeEngine();
  const gone = error(WorkerGone, "traps() broke the worker within a statement");
  await engine.connect((conn) => assert.rejects(conn.runSync(jobs.traps), gone));
  assert.equal(await engine.scalar(text("SELECT 1")), 1);
  await engine.dispose();
});

test("a function of SQL that runs a statement fails, and the procedure goes on", onConnection(async (conn) => {
  const message = "a function of SQL cannot run statements";
  const [caught, ...others] = await conn.runSync(jobs.asksWithin);
  assert.match(caught, new RegExp(message));
  assert.deepEqual(others, [false, false, 3]);
}));

test("options of functions of SQL are checked", onConnection(async (conn) => {
  for (const [options, message] of [
    [{ determinstic: true }, "Unknown option 'determinstic' of createFunction(); known are: deterministic, innocuous"],
    [{ deterministic: 1 }, "deterministic is true or false, not number"],
    [{ innocuous: "no" }, "innocuous is true or false, not string"],
    [null, "the options of createFunction() are an object, not null"],
  ]) {
    await assert.rejects(conn.runSync(jobs.functionWith, options), error(ArgumentError, message));
  }
  await conn.runSync(jobs.functionWith, { deterministic: undefined, innocuous: true });
}));
