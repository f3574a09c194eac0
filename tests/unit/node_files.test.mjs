// What `import "aludel"` is in Node: the worker in a thread, and files on disk.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { EventEmitter } from "node:events";
import fs, { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { load, pkg } from "./pkg.mjs";

const browsers = await load("index.js");
const aludel = await load("index_node.js");
const { createEngine, databaseExists, dropDatabase, listDatabases, migrate, StorageError, text } = aludel;

const root = realpathSync(mkdtempSync(join(tmpdir(), "aludel-files-")));
const engines = new Set();
after(async () => {
  await Promise.all([...engines].map((engine) => engine.dispose()));
  rmSync(root, { recursive: true });
});

/** A directory of its own for a test. */
const fresh = () => mkdtempSync(join(root, "test-"));

function open(url, options) {
  const engine = createEngine(url, options);
  engines.add(engine);
  return engine;
}

const CREATE = text("CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT)");
const INSERT = text("INSERT INTO notes (note) VALUES (:note)");
const COUNT = text("SELECT count(*) FROM notes");
const ALL = ["notes.db", "notes.db-journal", "notes.db-mark", "notes.db-wal"];

/** An engine with a table of some notes. */
async function notes(directory, count = 3, more = {}) {
  const engine = open("sqlite:///notes.db", { directory, ...more });
  await engine.execute(CREATE);
  await engine.execute(INSERT, Array.from({ length: count }, (_, i) => ({ note: `note ${i}` })));
  return engine;
}

const failing = (errorClass, message, reason) => (error) => {
  assert.ok(error instanceof errorClass, `${error}`);
  assert.match(error.message, message);
  if (reason !== undefined) assert.equal(error.reason, reason);
  return true;
};

test("the package in Node exports what it exports in browsers", () => {
  assert.deepEqual(Object.keys(aludel), Object.keys(browsers));
  const { exports } = JSON.parse(readFileSync(new URL("package.json", pkg), "utf8"));
  assert.equal(exports["."].node, "./index_node.js");
  assert.ok(Object.keys(exports["."]).indexOf("workerd") < Object.keys(exports["."]).indexOf("node"));
});

test("a database is a SQLite file with its log, and is there again", async () => {
  const directory = fresh();
  const engine = await notes(directory);
  assert.equal(engine.url, "sqlite:///notes.db");
  const { kind, durable, durability, path } = engine.storage;
  assert.deepEqual({ kind, durable, durability, path }, { kind: "file", durable: true, durability: "normal", path: join(directory, "notes.db") });
  assert.equal(await engine.storage.persisted(), true);
  assert.deepEqual(readdirSync(directory).sort(), ALL);
  assert.equal(readFileSync(join(directory, "notes.db")).subarray(0, 15).toString(), "SQLite format 3");
  assert.ok(readFileSync(join(directory, "notes.db-wal")).includes("note 2"), "what was committed is in the log");
  await engine.dispose();
  assert.equal(await engine.scalar(COUNT), 3);
  await engine.dispose();
  const again = open("sqlite+aludel:///notes.db?mode=rw", { directory: pathToFileURL(directory) });
  assert.equal(await again.scalar(COUNT), 3);
  await again.dispose();
});

test("a file on disk is found by any path to it, and by all of them is one database", async () => {
  const directory = fresh();
  symlinkSync(directory, join(root, `${basename(directory)}-link`));
  symlinkSync("notes.db", join(directory, "link.db"));
  const engine = await notes(directory, 1);
  const absolute = open(`sqlite:///${directory}/notes.db`);
  const linked = open("sqlite:///link.db", { directory: `${directory}-link` });
  for (const other of [absolute, linked]) {
    await other.execute(INSERT, { note: "by another name" });
    assert.equal(other.storage.path, join(directory, "notes.db"));
  }
  assert.equal(await engine.scalar(COUNT), 3);
  assert.deepEqual(readdirSync(directory).sort(), ["link.db", ...ALL]);
  await Promise.all([engine, absolute, linked].map((each) => each.dispose()));
});

test("one URL in two directories is two databases; directories are made", async () => {
  const directories = [fresh(), join(fresh(), "deeper")];
  const made = await Promise.all(directories.map((directory, i) => notes(directory, i + 1)));
  assert.deepEqual(await Promise.all(made.map((engine) => engine.scalar(COUNT))), [1, 2]);
  await Promise.all(made.map((engine) => engine.dispose()));
  const odd = open("sqlite:///a%20b/50%25 größe%3F%23.db", { directory: directories[0] });
  await odd.execute(CREATE);
  assert.ok(existsSync(join(directories[0], "a b", "50% größe?#.db")));
  await odd.dispose();
});

test("what cannot be opened is said", async () => {
  const directory = fresh();
  const missing = open("sqlite:///missing.db?mode=rw", { directory });
  await assert.rejects(missing.connect(), failing(StorageError, /does not exist/, "cannot-open"));
  writeFileSync(join(directory, "prose.db"), "This is not a database, though it is long enough to be read as one.".repeat(20));
  await assert.rejects(open("sqlite:///prose.db", { directory }).scalar(text("SELECT 1 FROM sqlite_schema")), failing(StorageError, /./, "not-a-database"));
  await assert.rejects(open("sqlite:///prose.db/in.db", { directory }).connect(), failing(StorageError, /no directory/, "cannot-open"));
  for (const url of ["sqlite:///../a.db", "sqlite:///a//b.db", `sqlite:///${directory}/../a.db`]) {
    assert.throws(() => createEngine(url, { directory }), { name: "ArgumentError", message: /Invalid database path/ }, url);
  }
  for (const given of [5, null, new URL("https://example.com/")]) {
    assert.throws(() => createEngine("sqlite:///a.db", { directory: given }), { name: "ArgumentError", message: /'directory' takes the path/ });
  }
  assert.throws(() => createEngine("mysql://x"), { name: "NoSuchModuleError" });
  assert.throws(() => createEngine("sqlite://", { pool: 1 }), /'pool'.*known are: .*\bdirectory\b/);
  assert.equal(browsers.createEngine("sqlite://", { directory: undefined }).url, "sqlite://");
  assert.equal(existsSync(join(directory, "missing.db")), false);
});

test("where files are not on disk, a directory is refused", async () => {
  const directory = fresh();
  const refused = { name: "ArgumentError", message: /'directory' is for files on disk/ };
  assert.throws(() => browsers.createEngine("sqlite:///a.db", { directory }), refused);
  assert.throws(() => createEngine("sqlite://", { directory, strategy: "inline" }), refused);
  await assert.rejects(browsers.listDatabases("", { directory }), refused);
  await assert.rejects(browsers.databaseExists("sqlite:///a.db", { directory }), refused);
  await assert.rejects(browsers.dropDatabase("sqlite:///a.db", { directory }), refused);
});

test("memory, in a thread and without one", async () => {
  for (const options of [{}, { strategy: "inline" }]) {
    const engine = open("sqlite://", options);
    await engine.execute(CREATE);
    assert.equal(await engine.scalar(COUNT), 0);
    assert.equal(engine.storage.kind, "memory");
    await engine.dispose();
  }
});

test("imports, exports, attached files, live queries and procedures", async () => {
  const directory = fresh();
  const engine = await notes(directory, 100, { durability: "full" });
  assert.equal(engine.storage.durability, "full");
  const live = engine.watch(COUNT);
  assert.equal((await live.next()).value.scalar(), 100);
  const other = open(`sqlite:///${directory}/notes.db`, { durability: "full" });
  await other.execute(INSERT, { note: "heard of" });
  assert.equal((await live.next()).value.scalar(), 101);
  await live.return();
  await other.dispose();

  const copy = open("sqlite:///copy.db", { directory });
  await copy.importBytes(await engine.exportBytes());
  assert.equal(await copy.scalar(COUNT), 101);
  assert.deepEqual(readdirSync(directory).filter((name) => name.includes("import")), []);
  await copy.dispose();

  await engine.connect(async (conn) => {
    await conn.execute(text("ATTACH 'copy.db' AS copy"));
    assert.equal(await conn.scalar(text("SELECT count(*) FROM copy.notes")), 101);
  });
  const procedures = new URL("./procedure_module.mjs", import.meta.url);
  assert.deepEqual(await engine.runInThread(procedures, "echo", 1, "two"), [1, "two"]);
  assert.equal(await engine.connect((conn) => conn.runSync(procedures, "script", "CREATE TABLE made (x); DROP TABLE made").then(() => 1)), 1);
  await engine.dispose();
});

test("databases that are called like a file of an import are left alone", async () => {
  const directory = fresh();
  const engine = await notes(directory, 1);
  const like = open("sqlite:///notes.db-import", { directory });
  await like.execute(CREATE);
  assert.deepEqual((await listDatabases("", { directory })).map(({ path }) => path), ["notes.db", "notes.db-import"]);
  await engine.dispose();
  assert.equal(await dropDatabase("sqlite:///notes.db", { directory }), true);
  assert.equal(await like.scalar(COUNT), 0);
  await like.dispose();
  assert.deepEqual((await listDatabases("", { directory })).map(({ path }) => path), ["notes.db-import"]);
  writeFileSync(join(directory, "left.db-import"), "of an import");
  await (await open("sqlite:///left.db", { directory }).connect()).close();
  assert.equal(existsSync(join(directory, "left.db-import")), false, "what an import has left goes at the next opening");
});

test("databases that are called like what lies beside another are left alone", async () => {
  for (const beside of ["-wal", "-journal", "-mark"]) {
    const directory = fresh();
    const where = { directory };
    const own = `sqlite:///notes.db${beside}`;
    const like = open(own, where);
    await like.execute(CREATE);
    // Of a drop that was cut off.
    const left = ["-wal", "-journal", "-mark"].filter((end) => end !== beside).map((end) => join(directory, `notes.db${end}`));
    for (const isOpen of [true, false]) {
      for (const path of left) writeFileSync(path, "left over from before");
      assert.equal(await dropDatabase("sqlite:///notes.db", { ...where, ifExists: true }), false, beside);
      assert.deepEqual(left.filter((path) => existsSync(path)), [], beside);
      assert.equal(await like.scalar(COUNT), 0, beside);
      if (isOpen) await like.dispose();
    }
    await assert.rejects(dropDatabase("sqlite:///notes.db", where), failing(StorageError, /no database/, "cannot-open"));
    await like.dispose();
    assert.equal(await dropDatabase(own, where), true);
    assert.deepEqual(readdirSync(directory), [], beside);
  }
});

test("a process that imports the package ends though a file is open, in the directory that it works in", async () => {
  const directory = fresh();
  mkdirSync(join(directory, "node_modules"));
  symlinkSync(fileURLToPath(pkg), join(directory, "node_modules/aludel"), "dir");
  const script = `
    import { createEngine, text } from "aludel";
    const engine = createEngine("sqlite:///notes.db");
    globalThis.kept = await engine.connect();
    await kept.execute(text("CREATE TABLE notes (id INTEGER)"));
    await kept.commit();
    console.log(engine.storage.path);`;
  // One option that a thread cannot have, and one that it must not have.
  const options = ["--max-old-space-size=1000", "--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, options, { cwd: directory, timeout: 120_000 });
  assert.equal(stdout.trim(), join(realpathSync(directory), "notes.db"));
  const engine = open("sqlite:///notes.db?mode=rw", { directory });
  assert.equal(await engine.scalar(COUNT), 0);
  await engine.dispose();
});

test("Web Locks of Node, which only the thread sees that holds them, are not asked for", async () => {
  const directory = fresh();
  const script = `
    const asked = [];
    const locks = { request: async (name) => void asked.push(name), query: async () => (asked.push("query"), { held: [], pending: [] }) };
    Object.defineProperty(globalThis, "navigator", { value: { userAgent: "Node.js/24", locks } });
    const { createEngine, text } = await import(${JSON.stringify(new URL("index_node.js", pkg).href)});
    for (const url of ["sqlite://", "sqlite:///notes.db"]) {
      const engine = createEngine(url);
      console.log(await engine.scalar(text("SELECT 'answered'")), engine.storage.kind);
      await engine.dispose();
    }
    console.log(JSON.stringify(asked));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], { cwd: directory, timeout: 120_000 });
  assert.equal(stdout, "answered memory\nanswered file\n[]\n");
});

test("a thread has listeners as a worker of a browser has: by kind, each once", async () => {
  const { worker: make } = await (await load("node.js")).nodeOptions();
  const worker = make();
  const [both, ready] = [[], []];
  const tell = ({ data }) => both.push(data);
  const gone = new Promise((resolve) => {
    worker.addEventListener("message", tell);
    worker.addEventListener("error", tell);
    worker.addEventListener("error", tell);
    worker.removeEventListener("message", tell);
    worker.addEventListener("error", resolve);
    worker.addEventListener("message", ({ data }) => {
      ready.push(data);
      worker.terminate();
    });
  });
  await gone;
  assert.deepEqual([ready[0], both], ["ready", [1]], "the code of its exit, once");
});

test("an error of a thread to which nobody listens any more does not end the process", async (t) => {
  const { worker: make } = await (await load("node.js")).nodeOptions();
  let thread;
  t.mock.method(EventEmitter.prototype, "on", function (...listener) {
    if (this instanceof Worker) thread = this;
    return Reflect.apply(EventEmitter.prototype.addListener, this, listener);
  });
  const worker = make();
  t.mock.reset();
  const listener = () => assert.fail("it does not listen any more");
  worker.addEventListener("error", listener);
  worker.removeEventListener("error", listener);
  // Node throws what an emitter is to tell of as an error, and nobody hears.
  assert.equal(thread.emit("error", new Error("late")), true);
  worker.terminate();
});

test("a thread that is ended by what runs in it is WorkerGone, and another takes its place", async () => {
  const directory = fresh();
  const engine = await notes(directory);
  const leave = new URL("data:text/javascript,export const leave = () => process.exit(3)");
  await assert.rejects(engine.runInThread(leave, "leave"), failing(aludel.WorkerGone, /thread has ended/));
  assert.equal(await engine.scalar(COUNT), 3);
  await engine.dispose();
});

test("migrations are run once, by whichever engine comes first", async () => {
  const directory = fresh();
  const steps = [{ name: "1", sql: "CREATE TABLE made (x)" }, { name: "2", sql: "INSERT INTO made VALUES (1)" }];
  const both = ["sqlite:///notes.db", `sqlite:///${directory}/notes.db`].map((url) => open(url, { directory }));
  await Promise.all(both.map((engine) => migrate(engine, steps)));
  await assert.rejects(migrate(both[0], steps.slice(0, 1)), { name: "NewerDatabaseError" });
  assert.equal(await both[1].scalar(text("SELECT count(*) FROM made")), 1);
  assert.deepEqual(readdirSync(directory).sort(), ALL);
  await Promise.all(both.map((engine) => engine.dispose()));
});

test("the smaller SQLite opens the same files", async () => {
  const directory = fresh();
  const lite = await load("lite_node.js");
  assert.deepEqual(Object.keys(lite), Object.keys(aludel));
  assert.equal(JSON.parse(readFileSync(new URL("package.json", pkg), "utf8")).exports["./lite"].node, "./lite_node.js");
  await (await notes(directory)).dispose();
  const engine = lite.createEngine("sqlite:///notes.db", { directory });
  engines.add(engine);
  assert.equal(await engine.scalar(COUNT), 3);
  await assert.rejects(engine.execute(text("CREATE VIRTUAL TABLE words USING fts5(word)")), /fts5/);
  await engine.dispose();
  assert.throws(() => lite.createEngine("sqlite://", null), { name: "ArgumentError" });
});

test("a disk that fails while a database is dropped is a StorageError", async (t) => {
  const directory = fresh();
  await (await notes(directory)).dispose();
  // In place of a disk that fails.
  t.after(() => (t.mock.reset(), syncBuiltinESMExports()));
  for (const call of ["unlinkSync", "fsyncSync"]) {
    t.mock.method(fs, call, () => { throw Object.assign(new Error(`no ${call}`), { code: "EIO" }); });
    syncBuiltinESMExports();
    await assert.rejects(dropDatabase("sqlite:///notes.db", { directory }), (error) => {
      assert.equal(error.cause.message, `no ${call}`);
      return failing(StorageError, /notes\.db/, "io")(error);
    });
    t.mock.reset();
    syncBuiltinESMExports();
  }
  assert.equal(await databaseExists("sqlite:///notes.db", { directory }), false, "it was removed before");
});

test("databases are listed, looked for and dropped", async () => {
  const directory = fresh();
  const where = { directory };
  const engine = await notes(directory);
  const deep = await notes(join(directory, "sub"));
  writeFileSync(join(directory, "prose.db"), "no database");
  await Promise.all([engine, deep].map((each) => each.dispose()));

  const found = await listDatabases("", where);
  assert.deepEqual(found.map(({ path, url }) => [path, url]), [["notes.db", "sqlite:///notes.db"], ["sub/notes.db", "sqlite:///sub/notes.db"]]);
  assert.ok(found.every(({ size }) => size >= 4096));
  assert.deepEqual((await listDatabases("sub", where)).map(({ path }) => path), ["sub/notes.db"]);
  assert.deepEqual((await listDatabases(join(directory, "sub"))).map(({ url }) => url), [`sqlite:///${directory}/sub/notes.db`]);
  await assert.rejects(listDatabases("nowhere", where), failing(StorageError, /no directory/, "cannot-open"));
  await assert.rejects(listDatabases("../..", where), { name: "ArgumentError" });

  assert.equal(await databaseExists("sqlite:///notes.db", where), true);
  assert.equal(await databaseExists("sqlite:///prose", where), false);
  await assert.rejects(databaseExists("sqlite://", where), { name: "ArgumentError", message: /memory/ });

  assert.equal(await engine.scalar(COUNT), 3);
  await assert.rejects(dropDatabase("sqlite:///notes.db", where), failing(StorageError, /is open/, "in-use"));
  assert.equal(await engine.scalar(COUNT), 3, "nothing was removed");
  await engine.dispose();
  assert.equal(await dropDatabase("sqlite:///notes.db", where), true);
  assert.deepEqual(readdirSync(directory).sort(), ["prose.db", "sub"]);
  await assert.rejects(dropDatabase("sqlite:///notes.db", where), failing(StorageError, /no database/, "cannot-open"));
  assert.equal(await dropDatabase("sqlite:///notes.db", { ...where, ifExists: true }), false);
  await assert.rejects(dropDatabase("sqlite://", where), { name: "ArgumentError", message: /memory/ });
  await assert.rejects(dropDatabase("sqlite:///notes.db", { ...where, force: true }), /known are: directory, ifExists/);
});
