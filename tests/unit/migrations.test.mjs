// Migrations in one program: the table of cases that Rust runs, too, and what only JavaScript has.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import { nodeEngine } from "./node_engine.mjs";
import { load, repository } from "./pkg.mjs";

const { migrate, MigrationError, migrationStatus, migrationSteps, NewerDatabaseError, OperationalError, text } = await load("index.js");
const { checksumOf } = await load("migration_steps.js");
const { checksums, cases } = JSON.parse(readFileSync(repository("tests/vectors/migrations.json"), "utf8"));

const onEngine = (act, options) => async () => {
  const engine = nodeEngine(options);
  try {
    await act(engine);
  } finally {
    await engine.dispose();
  }
};

test("b5_16 g_12 checksums are those of FNV-1a, of texts without what editors change", () => {
  for (const [sql, sum] of checksums) assert.equal(checksumOf(sql), sum, JSON.stringify(sql));
});

for (const { claim, before = [], runs, then = [] } of cases) {
  test(`b5_16 g_12 ${claim}`, onEngine(async (engine) => {
    await engine.connect(async (conn) => {
      await conn.executionOptions({ isolationLevel: "AUTOCOMMIT" });
      for (const sql of before) await conn.execDriverSql(sql);
    });
    for (const [i, { steps, options, gives, unknown = [], fails }] of runs.entries()) {
      if (gives !== undefined) {
        const [from, to, applied] = gives;
        assert.deepEqual(await migrate(engine, steps, options), { from, to, applied, unknown }, `run ${i}`);
      } else {
        await assert.rejects(migrate(engine, steps, options), (error) => {
          assert.equal(error.name, fails[0], `run ${i}: ${error}`);
          assert.ok(error.message.includes(fails[1]), `run ${i}: ${error.message}`);
          return true;
        });
      }
    }
    for (const [sql, wanted] of then) assert.equal(await engine.scalar(text(sql)), wanted, sql);
  }));
}

test("g_12 a step is SQL, a function, or a module that is loaded when it is due", onEngine(async (engine) => {
  const asked = [];
  const steps = (loads) => [
    { name: "sql", sql: "CREATE TABLE t (a)" },
    { name: "up", up: (conn, { name, signal }) => conn.execute(text("INSERT INTO t VALUES (:name)"), { name: `${name} ${signal}` }) },
    { name: "module", module: async () => (asked.push("module"), { up: (conn, { name }) => conn.execDriverSql("INSERT INTO t VALUES (?)", [name]) }) },
    { name: "texts", module: async () => (asked.push("texts"), { sql: "INSERT INTO t VALUES ('texts')" }) },
    { name: "default", module: async () => ({ default: "INSERT INTO t VALUES ('default')" }) },
    { name: "raw", module: async () => "INSERT INTO t VALUES ('raw')" },
    { name: "nothing", module: async () => ({ down: "INSERT INTO t VALUES ('down')" }) },
  ].slice(0, loads);
  const told = [];
  await migrate(engine, steps(6), { onStep: ({ name, index, count }) => told.push([name, index, count]) });
  assert.deepEqual(asked, ["module", "texts"]);
  assert.deepEqual(told, ["sql", "up", "module", "texts", "default", "raw"].map((name, i) => [name, i, 6]));
  const { rows } = { rows: (await engine.execute(text("SELECT a FROM t"))).scalars().all() };
  assert.deepEqual(rows, ["up undefined", "module", "texts", "default", "raw"]);
  await migrate(engine, steps(6));
  assert.deepEqual(asked, ["module", "texts"], "what was run is not loaded again");
  await assert.rejects(migrate(engine, steps(7)), (error) => {
    assert.ok(error instanceof MigrationError);
    assert.deepEqual([error.step, error.problem, error.code, error.retryable, error.cause.name], ["nothing", "failed", "mgrt", false, "ArgumentError"]);
    assert.match(error.message, /exports neither up/);
    return true;
  });
}));

test("g_12 a function that throws leaves nothing of it, and its error is the cause", onEngine(async (engine) => {
  const thrown = new Error("half way");
  const steps = [
    "CREATE TABLE t (a)",
    { name: "half", up: async (conn) => {
      await conn.execDriverSql("INSERT INTO t VALUES (1)");
      throw thrown;
    } },
  ];
  await assert.rejects(migrate(engine, steps), (error) => {
    assert.deepEqual([error.name, error.step, error.problem, error.message], ["MigrationError", "half", "failed", 'step "half" failed: half way']);
    assert.equal(error.cause, thrown);
    return true;
  });
  assert.equal(await engine.scalar(text("SELECT count(*) FROM t")), 0);
  const { applied, pending, problem } = await migrationStatus(engine, steps);
  assert.deepEqual([applied.map(({ name }) => name), pending, problem], [["1"], ["half"], null]);
  const busy = [steps[0], { name: "half", up: () => Promise.reject(new OperationalError("later", { retryable: true })) }];
  await assert.rejects(migrate(engine, busy), { name: "MigrationError", retryable: true });
}));

test("g_12 a function neither commits nor rolls back, in whatever way, and not if it hides the error", onEngine(async (engine) => {
  await migrate(engine, ["CREATE TABLE t (a)"]);
  const ways = {
    commit: (conn) => conn.commit(),
    rollback: (conn) => conn.rollback(),
    transaction: (conn) => conn.getTransaction().commit(),
    COMMIT: (conn) => conn.execDriverSql("/* ** */ -- so\n COMMIT"),
    END: (conn) => conn.execute(text("end")),
    ROLLBACK: (conn) => conn.execute(text("rollback")),
  };
  for (const [way, ends] of Object.entries(ways)) {
    for (const hidden of [false, true]) {
      const up = async (conn) => {
        await conn.execDriverSql("INSERT INTO t VALUES (1)");
        const ended = Promise.resolve().then(() => ends(conn));
        await (hidden ? ended.catch(() => undefined) : ended);
        await conn.execDriverSql("INSERT INTO t VALUES (2)");
      };
      await assert.rejects(migrate(engine, ["CREATE TABLE t (a)", { name: "ends", up }]), { name: "MigrationError", problem: "transaction", step: "ends" }, way);
      assert.equal(await engine.scalar(text("SELECT count(*) FROM t")), 0, way);
    }
  }
  const nested = async (conn) => {
    await conn.beginNested((savepoint) => conn.execDriverSql("INSERT INTO t VALUES (3)").then(() => savepoint.rollback()));
    await conn.beginNested(() => conn.execDriverSql("INSERT INTO t VALUES (4)"));
    // Another connection's transactions are its own.
    await engine.connect((other) => other.execute(text("SELECT 1")).then(() => other.commit()));
  };
  await migrate(engine, ["CREATE TABLE t (a)", { name: "nested", up: nested }]);
  assert.equal(await engine.scalar(text("SELECT group_concat(a) FROM t")), "4");
}));

test("g_12 several calls at once run each step once, and later ones see what earlier ones made", onEngine(async (engine) => {
  let runs = 0;
  const steps = ["CREATE TABLE t (a)", { name: "once", up: async (conn) => (runs++, conn.execDriverSql("INSERT INTO t VALUES (1)")) }];
  const done = await Promise.all([migrate(engine, steps.slice(0, 1)), migrate(engine, steps), migrate(engine.executionOptions({}), steps)]);
  assert.deepEqual(done.map(({ to, applied }) => [to, applied]), [[1, ["1"]], [2, ["once"]], [2, []]]);
  assert.equal(runs, 1);
  await assert.rejects(migrate(engine, ["CREATE TABLE t (b)", { name: "once", sql: "broken" }]), MigrationError);
  assert.equal((await migrate(engine, steps)).to, 2, "one that failed is in nobody's way");
}));

test("g_12 an abort ends it with its reason, in a step and before one; the connection is as it was", onEngine(async (engine) => {
  const reason = new Error("enough");
  const controller = new AbortController();
  const steps = [
    "CREATE TABLE t (a)",
    { name: "long", up: async (conn, { signal }) => {
      await conn.execDriverSql("INSERT INTO t VALUES (1)");
      controller.abort(reason);
      await conn.execDriverSql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", undefined, { signal });
    } },
    { name: "last", up: () => assert.fail("not this one") },
  ];
  await assert.rejects(migrate(engine, steps, { signal: controller.signal }), (error) => error === reason);
  await assert.rejects(migrate(engine, steps, { signal: controller.signal }), (error) => error === reason);
  assert.equal((await migrationStatus(engine, steps)).applied.length, 1);
  const late = new AbortController();
  const between = [...steps.slice(0, 1), { name: "long", up: () => late.abort(reason) }];
  await assert.rejects(migrate(engine, between, { signal: late.signal }), (error) => error === reason);
  assert.deepEqual((await migrationStatus(engine, steps)).pending, ["long", "last"]);
  await engine.connect(async (conn) => {
    assert.equal((await conn.execDriverSql("PRAGMA foreign_keys")).scalar(), 1);
    assert.equal(conn.getIsolationLevel(), "SERIALIZABLE");
  });
}, { poolSize: 1 }));

test("g_12 one that waits for another call is ended by its signal at once, and holds up nobody", onEngine(async (engine) => {
  const reason = new Error("enough");
  let [began, goOn] = [];
  const running = new Promise((resolve) => (began = resolve));
  const going = new Promise((resolve) => (goOn = resolve));
  const long = migrate(engine, ["CREATE TABLE t (a)", { name: "long", up: () => (began(), going) }]);
  await running;
  const controller = new AbortController();
  const queued = migrate(engine, ["CREATE TABLE t (a)"], { signal: controller.signal });
  const last = migrate(engine, ["CREATE TABLE t (a)", { name: "long", up: () => assert.fail("it was run") }]);
  controller.abort(reason);
  await assert.rejects(queued, (error) => error === reason);
  goOn();
  assert.deepEqual((await long).applied, ["1", "long"]);
  assert.deepEqual(await last, { from: 2, to: 2, applied: [], unknown: [] });
}));

test("g_12 a connection whose foreign keys are off goes back to nobody, whatever listeners throw", async () => {
  for (const fails of ["PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"]) {
    for (const event of ["beforeCursorExecute", "afterCursorExecute", "commit"]) {
      await onEngine(async (engine) => {
        let calls = 0;
        let last = "";
        engine.listen("beforeCursorExecute", ({ statement }) => void (last = statement));
        const listener = ({ statement = last }) => {
          if (statement !== fails) return;
          calls++;
          throw new Error("no");
        };
        engine.listen(event, listener);
        engine.listen("invalidate", () => { throw new Error("neither"); });
        const migrated = migrate(engine, ["CREATE TABLE t (a)"]);
        // Where they cannot be had back on, the steps were run all the same.
        await (fails.endsWith("OFF") ? assert.rejects(migrated, { message: "no" }) : migrated);
        assert.ok(calls > 0, `${event} of ${fails}`);
        engine.remove(event, listener);
        assert.equal(await engine.scalar(text("PRAGMA foreign_keys")), 1, `${event} of ${fails}`);
      }, { poolSize: 1 })();
    }
  }
});

test("g_12 a step does not close its connection", onEngine(async (engine) => {
  for (const closes of [(conn) => conn.close(), async (conn) => void conn.close().catch(() => undefined), (conn) => conn.invalidate()]) {
    const steps = ["CREATE TABLE t (a)", { name: "closes", up: async (conn) => (await conn.execDriverSql("INSERT INTO t VALUES (1)"), closes(conn)) }];
    await assert.rejects(migrate(engine, steps), { name: "MigrationError", problem: "transaction", step: "closes" });
    assert.equal(await engine.scalar(text("SELECT count(*) FROM t")), 0);
    assert.equal(await engine.scalar(text("PRAGMA foreign_keys")), 1);
  }
}, { poolSize: 1 }));

test("g_12 a procedure that commits in a step is noticed when it has returned: the step is not noted, what was committed stays", onEngine(async (engine) => {
  const up = async (conn) => {
    await conn.execDriverSql("INSERT INTO t VALUES (1)");
    await conn.runSync(new URL("./procedure_module.mjs", import.meta.url), "commit");
  };
  const steps = ["CREATE TABLE t (a)", { name: "commits", up }];
  await assert.rejects(migrate(engine, steps), { name: "MigrationError", problem: "transaction", step: "commits" });
  assert.equal(await engine.scalar(text("SELECT count(*) FROM t")), 1);
  assert.deepEqual((await migrationStatus(engine, steps)).pending, ["commits"]);
}));

test("g_12 a step that another one has run at the last moment is not among those that were applied", onEngine(async (engine) => {
  const steps = ["CREATE TABLE t (a)", { name: "twice", up: () => assert.fail("it was run") }];
  let begun = 0;
  engine.listen("commit", async ({ connection }) => {
    if (connection.getTransaction() === null || (await connection.execDriverSql("SELECT count(*) FROM sqlite_schema WHERE name = 't'")).scalar() === 0) return;
    if (begun++ > 0) return;
    // The first step commits: the other one is here before the second begins.
    await connection.execDriverSql("INSERT INTO aludel_migrations (name, applied_at, duration) VALUES ('twice', '', 0)");
    await connection.execDriverSql("PRAGMA user_version = 2");
  });
  assert.deepEqual(await migrate(engine, steps), { from: 0, to: 2, applied: ["1"], unknown: [] });
}));

test("g_12 a module that was imported whole is a step, whatever else it exports, also when a bundler has made it an object", async () => {
  const directory = await mkdtemp(join(tmpdir(), "aludel-steps-"));
  try {
    const files = {
      "step.js": "export const name = 'bundled'; export const helper = () => 'INSERT INTO t VALUES (1)'; export const up = (conn) => conn.execDriverSql(helper());",
      "main.js": "import * as step from './step.js'; export const steps = ['CREATE TABLE t (a)', step];",
    };
    for (const [file, code] of Object.entries(files)) await writeFile(join(directory, file), code);
    const require = createRequire(repository("tests/package.json"));
    const { build } = require("esbuild");
    const outfile = join(directory, "bundled.mjs");
    await build({ entryPoints: [join(directory, "main.js")], bundle: true, format: "esm", outfile });
    const { steps } = await import(pathToFileURL(outfile));
    const [, { name, up, helper }] = steps;
    // What Rollup makes of it.
    const plain = Object.freeze({ __proto__: null, helper, name, up });
    for (const made of [steps[1], plain]) {
      await onEngine(async (engine) => {
        assert.deepEqual((await migrate(engine, [steps[0], made])).applied, ["1", "bundled"]);
        assert.equal(await engine.scalar(text("SELECT count(*) FROM t")), 1);
      })();
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("g_12 an engine that does not enforce foreign keys checks none", onEngine(async (engine) => {
  await migrate(engine, ["CREATE TABLE p (id INTEGER PRIMARY KEY)", "CREATE TABLE c (p REFERENCES p)", "INSERT INTO c VALUES (1)"]);
  assert.equal(await engine.scalar(text("SELECT count(*) FROM pragma_foreign_key_check")), 1);
  assert.equal(await engine.scalar(text("PRAGMA foreign_keys")), 0);
}, { foreignKeys: false }));

test("g_12 an engine whose connections commit by themselves migrates in transactions all the same", onEngine(async (engine) => {
  await assert.rejects(migrate(engine, ["CREATE TABLE t (a); INSERT INTO nowhere VALUES (1)"]), MigrationError);
  assert.equal(await engine.scalar(text("SELECT count(*) FROM sqlite_schema")), 0);
}, { isolationLevel: "AUTOCOMMIT" }));

test("g_12 what a status tells", onEngine(async (engine) => {
  const steps = [{ name: "a", sql: "CREATE TABLE t (a)" }, { name: "b", up: () => undefined }, { name: "c", sql: "SELECT 1", checksum: "c" }];
  const fresh = await migrationStatus(engine, steps);
  assert.deepEqual(fresh, { applied: [], pending: ["a", "b", "c"], unknown: [], problem: null });
  assert.equal(await engine.scalar(text("SELECT count(*) FROM sqlite_schema")), 0, "looking makes nothing");
  const began = Date.now();
  await migrate(engine, steps);
  const { applied, pending, unknown, problem } = await migrationStatus(engine, steps.slice(0, 2));
  assert.deepEqual(applied.map(({ name, checksum }) => [name, checksum]), [["a", checksumOf("CREATE TABLE t (a)")], ["b", null], ["c", "c"]]);
  for (const { appliedAt, duration } of applied) {
    assert.match(appliedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(Date.parse(appliedAt) >= began - 1000 && Number.isSafeInteger(duration) && duration >= 0, `${appliedAt}, ${duration}`);
  }
  assert.deepEqual([pending, unknown], [[], ["c"]]);
  assert.ok(problem instanceof NewerDatabaseError);
  assert.deepEqual([problem.code, problem.retryable, problem.unknown], ["nwdb", false, ["c"]]);
  const changed = (await migrationStatus(engine, [steps[0], steps[1], { ...steps[2], checksum: "d" }])).problem;
  assert.deepEqual([changed.problem, changed.step, changed.applied, changed.given], ["changed", "c", "c", "d"]);
}));

test("g_12 a thousand steps", onEngine(async (engine) => {
  const steps = Array.from({ length: 1_000 }, (_, i) => (i === 0 ? "CREATE TABLE t (a)" : `INSERT INTO t VALUES (${i})`));
  assert.equal((await migrate(engine, steps)).applied.length, 1_000);
  assert.deepEqual(await migrate(engine, steps), { from: 1_000, to: 1_000, applied: [], unknown: [] });
  assert.equal(await engine.scalar(text("SELECT sum(a) FROM t")), 499_500);
  assert.equal(await engine.scalar(text("PRAGMA user_version")), 1_000);
}));

test("g_12 whoever listens sees the connection, and nobody is left listening", onEngine(async (engine) => {
  const seen = [];
  engine.listen("commit", () => seen.push("commit"));
  engine.listen("connect", ({ connection }) => connection.execDriverSql("CREATE TEMP TABLE mine (a)").then(() => undefined));
  await migrate(engine, ["CREATE TABLE t (a)", { name: "sees", up: (conn) => conn.execDriverSql("INSERT INTO mine VALUES (1)") }]);
  assert.ok(seen.length >= 2, String(seen));
  await engine.begin((conn) => conn.execute(text("INSERT INTO t VALUES (1)")));
}));

test("g_12 files by their paths are steps by their names", onEngine(async (engine) => {
  const steps = migrationSteps({
    "./m/0010_last.sql": "INSERT INTO t VALUES ('last')",
    "./m/0002.up.js": { up: (conn) => conn.execDriverSql("INSERT INTO t VALUES ('up')"), checksum: "v1" },
    "./m/0001_first.sql": "CREATE TABLE t (a)",
    "./m/0003.js": async () => ({ default: "INSERT INTO t VALUES ('lazy')" }),
    ".hidden": { sql: "INSERT INTO t VALUES ('hidden')" },
  });
  const { applied } = await migrate(engine, steps.slice(1));
  assert.deepEqual(steps[0].name, ".hidden");
  assert.deepEqual(applied, ["0001_first", "0002.up", "0003", "0010_last"]);
  assert.equal(await engine.scalar(text("SELECT group_concat(a) FROM t")), "up,lazy,last");
  assert.throws(() => migrationSteps({ "a.sql": 5 }), { name: "ArgumentError" });
  assert.throws(() => migrationSteps(null), { name: "ArgumentError" });
}));

test("g_12 what is no step, and no option, is refused before anything is done", onEngine(async (engine) => {
  const bad = [
    ["steps", /takes a list of steps, not string/],
    [[5], /step 1 is number/],
    [[null], /step 1 is null/],
    [[{ sql: "SELECT 1" }], /step 1 has no name/],
    [[{ name: "", sql: "SELECT 1" }], /step 1 has no name/],
    [[{ name: "\ud800", sql: "SELECT 1" }], /half of a character/],
    [[{ name: "a" }], /has one of sql, up and module/],
    [[{ name: "a", sql: "", up: () => 1 }], /has one of sql, up and module/],
    [[{ name: "a", sql: 5 }], /sql is a string, not number/],
    [[{ name: "a", up: "x" }], /up is a function, not string/],
    [[{ name: "a", module: {} }], /module is a function that imports it, not Object/],
    [[{ name: "a", sql: "", checksum: 1 }], /checksum is a string/],
    [[{ name: "a", sql: "", foreignKeys: 1 }], /foreignKeys is true or false/],
    [[{ name: "a", sql: "", down: "" }], /unknown is 'down'; known are: name, sql/],
    [["SELECT 1", { name: "1", sql: "SELECT 2" }], /two steps are called "1"/],
  ];
  for (const [steps, message] of bad) await assert.rejects(migrate(engine, steps), { name: "ArgumentError", message });
  for (const [options, message] of [
    [{ lock: true }, /Unknown option 'lock'/],
    [{ userVersion: 1 }, /userVersion is true or false/],
    [{ onStep: 1 }, /onStep is a function/],
    [{ signal: 1 }, /signal is an AbortSignal/],
    [5, /are an object/],
  ]) await assert.rejects(migrate(engine, [], options), { name: "ArgumentError", message });
  await assert.rejects(migrationStatus(engine, [], { onStep: () => 1 }), { name: "ArgumentError", message: /of migrationStatus\(\)/ });
}));

const paper = readFileSync(repository("docs/MIGRATIONS.md"), "utf8");
const examples = [...paper.matchAll(/^```js\n([^]*?)^```\n\n```text\n([^]*?)^```$/gm)];
const aludel = await load("index.js");

test("g_12 all examples of the paper say what they print", () => {
  assert.equal(examples.length, paper.split("```js\n").length - 1);
  assert.ok(examples.length >= 4);
});

for (const [i, [, code, printed]] of examples.entries()) {
  test(`g_12 example ${i + 1} of the paper prints what it says`, async () => {
    const lines = [];
    const parts = { ...aludel, createEngine: (url) => nodeEngine({}, url), console: { log: (...words) => lines.push(words.join(" ")) } };
    const body = code.replace(/^import \{ (.*) \} from "aludel";$/m, "const { $1 } = parts;");
    const AsyncFunction = (async () => undefined).constructor;
    await new AsyncFunction("parts", "console", body)(parts, parts.console);
    assert.equal(lines.join("\n"), printed.trimEnd());
  });
}
