// Files on disk in Node: one opener has a database alone, and what it committed is there whatever becomes of it.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { load } from "./pkg.mjs";
import { anySeed, randomly } from "./random.mjs";

const { createEngine, dropDatabase, StorageError, text } = await load("index_node.js");
const { NodeDirectory, NodeHandle } = await load("node_files.js");
const { openAlone } = await load("node_lock.js");

const root = mkdtempSync(join(tmpdir(), "aludel-alone-"));
const children = new Set();
const engines = new Set();
after(async () => {
  for (const child of children) child.kill("SIGKILL");
  await Promise.all([...engines].map((engine) => engine.dispose()));
  rmSync(root, { recursive: true });
});

const fresh = () => mkdtempSync(join(root, "test-"));
const COUNT = text("SELECT count(*) FROM t");
const inUse = (error) => error instanceof StorageError && error.reason === "in-use" && /notes\.db/.test(error.message);

function open(directory, more = {}) {
  const engine = createEngine("sqlite:///notes.db", { directory, ...more });
  engines.add(engine);
  return engine;
}

const writer = fileURLToPath(new URL("node_files_writer.mjs", import.meta.url));

/** A process that opens the database and does one thing (see there); what it says comes as messages. */
function other(what, directory, more = {}, options = { execArgv: [] }) {
  const child = fork(writer, [what, directory, JSON.stringify(more)], options);
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** The next thing that a process or a thread says. */
async function said(child) {
  const over = new AbortController();
  const ended = once(child, "exit", { signal: over.signal }).then(() => assert.fail("it has ended, and said nothing"));
  ended.catch(() => undefined);
  const [message] = await Promise.race([once(child, "message"), ended]);
  over.abort();
  return message;
}

/** A process that is to find the database in use: when it has, and what it says in the end. */
function waiting(what, directory) {
  const execArgv = ["--import", new URL("node_files_waits.mjs", import.meta.url).href];
  const child = other(what, directory, {}, { execArgv, stdio: ["ignore", "pipe", "inherit", "ipc"] });
  const answer = said(child);
  const waits = Promise.race([once(child.stdout, "data"), answer.then((early) => assert.fail(`it has not waited: ${JSON.stringify(early)}`))]);
  return { waits, answer };
}

// Whoever finds a file in use waits for ten seconds: all of them at once.
suite("one opener has a database alone", { concurrency: true }, () => {
  test("another process is told that it is in use, and has it when the first has let go", async () => {
    const directory = fresh();
    const engine = open(directory);
    await engine.execute(text("CREATE TABLE t (x)"));
    assert.deepEqual(await said(other("open", directory)), { failed: "StorageError", reason: "in-use" });
    assert.deepEqual(await said(other("drop", directory)), { failed: "StorageError", reason: "in-use" });
    const patient = waiting("open", directory);
    await patient.waits;
    await engine.dispose();
    assert.deepEqual(await patient.answer, { opened: true });
    assert.deepEqual(await said(other("open", directory)), { opened: true });
  });

  test("versions of Node lock a file by the same name", { skip: process.platform !== "linux" }, async () => {
    const directory = fresh();
    const engine = open(directory);
    await engine.execute(text("CREATE TABLE t (x)"));
    const { dev, ino } = statSync(join(directory, "notes.db"), { bigint: true });
    // A zero is shown as @. Shorter names end with some in Node 20, and with none in later versions.
    const name = `@aludel-${dev}-${ino}`.padEnd(108, "-");
    assert.ok(readFileSync("/proc/net/unix", "latin1").split("\n").some((line) => line.endsWith(` ${name}`)));
    await engine.dispose();
  });

  test("another thread is told that it is in use", async () => {
    const directory = fresh();
    const engine = open(directory);
    await engine.execute(text("CREATE TABLE t (x)"));
    const thread = new Worker(writer, { argv: ["open", directory, "{}"], execArgv: [] });
    assert.deepEqual(await said(thread), { failed: "StorageError", reason: "in-use" });
    await once(thread, "exit");
    assert.equal(await engine.scalar(COUNT), 0);
    await engine.dispose();
  });

  test("an attached file is had alone, too", async () => {
    const directory = fresh();
    const engine = open(directory);
    await engine.execute(text("CREATE TABLE t (x)"));
    const beside = createEngine("sqlite:///beside.db", { directory });
    engines.add(beside);
    await beside.connect(async (conn) => {
      await assert.rejects(conn.execute(text("ATTACH 'notes.db' AS other")), inUse);
    });
    symlinkSync("notes.db", join(directory, "link.db"));
    await engine.dispose();
    await beside.connect(async (conn) => {
      await assert.rejects(conn.execute(text("ATTACH 'link.db' AS other")), /symbolic link/);
    });
    await beside.dispose();
  });

  test("a process that is killed lets go of it, and another that waits has all that it committed", async () => {
    const directory = fresh();
    const child = other("write", directory);
    let acknowledged = 0;
    await new Promise((enough, fail) => {
      child.once("exit", () => fail(new Error("it has ended by itself")));
      child.on("message", ({ committed }) => {
        acknowledged = committed;
        if (committed >= 20) enough();
      });
    });
    const patient = waiting("count", directory);
    await patient.waits;
    child.kill("SIGKILL");
    await once(child, "close");
    const { rows } = await patient.answer;
    assert.ok(rows >= acknowledged, `${rows} of ${acknowledged}`);
  });
});

for (const durability of ["normal", "full"]) {
  test(`processes that are killed between their commits lose none of them: ${durability}`, randomly(async (below) => {
    const directory = fresh();
    let before = 0;
    for (let round = 0; round < 5; round++) {
      const child = other("write", directory, { durability });
      const enough = 1 + below(200);
      let acknowledged = 0;
      let killed = false;
      child.on("message", ({ committed }) => {
        acknowledged = committed;
        if (committed >= before + enough && !killed) killed = child.kill("SIGKILL");
      });
      await once(child, "close");
      assert.ok(killed, "it ended by itself");
      const engine = open(directory, { durability });
      const rows = (await engine.execute(text("SELECT x FROM t ORDER BY x"))).scalars().all();
      assert.ok(rows.length >= acknowledged, `${rows.length} of ${acknowledged}`);
      assert.deepEqual(rows, rows.map((_, i) => i + 1), "no hole, and nothing twice");
      assert.equal(await engine.scalar(text("PRAGMA integrity_check")), "ok");
      await engine.dispose();
      before = rows.length;
    }
  }, anySeed()));
}

test("a database is made, dropped and made again, by two processes in turn", async () => {
  const directory = fresh();
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(await said(other("open", directory)), { opened: true });
    assert.equal(await dropDatabase("sqlite:///notes.db", { directory }), true);
    assert.deepEqual(readdirSync(directory), []);
  }
});

const named = (name) => (error) => error instanceof DOMException && error.name === name;

test("directories and files of Node fail as those of browsers do", async () => {
  const path = fresh();
  const directory = new NodeDirectory(path);
  await assert.rejects(directory.getFileHandle("a"), named("NotFoundError"));
  await assert.rejects(directory.getDirectoryHandle("a"), named("NotFoundError"));
  await assert.rejects(directory.removeEntry("a"), named("NotFoundError"));
  const file = await directory.getFileHandle("a", { create: true });
  await directory.getFileHandle("a", { create: true });
  await assert.rejects(directory.getDirectoryHandle("a", { create: true }), named("TypeMismatchError"));
  await directory.getDirectoryHandle("d", { create: true });
  await assert.rejects(directory.getFileHandle("d"), named("TypeMismatchError"));

  const handle = await file.createSyncAccessHandle();
  await assert.rejects(file.createSyncAccessHandle(), named("NoModificationAllowedError"));
  await assert.rejects(directory.removeEntry("a"), named("NoModificationAllowedError"));
  assert.equal(handle.write(Uint8Array.of(1, 2, 3), { at: 2 }), 3);
  assert.equal(handle.getSize(), 5);
  const bytes = new Uint8Array(8);
  assert.equal(handle.read(bytes, { at: 1 }), 4);
  assert.deepEqual([...bytes], [0, 1, 2, 3, 0, 0, 0, 0]);
  handle.truncate(3);
  handle.flush();
  assert.deepEqual(await file.getFile(), { size: 3 });
  truncateSync(join(path, "a"), 1);
  assert.equal(handle.getSize(), 1);
  handle.close();
  handle.close();
  assert.throws(() => handle.getSize(), named("InvalidStateError"));
  (await file.createSyncAccessHandle()).close();
  await directory.removeEntry("a");
  await assert.rejects(file.createSyncAccessHandle(), named("NotFoundError"));
  assert.deepEqual(readdirSync(path), ["d"]);
});

test("a file that is put in the place of another is not taken for it", async () => {
  const path = fresh();
  const directory = new NodeDirectory(path);
  const file = await directory.getFileHandle("a", { create: true });
  const first = await file.createSyncAccessHandle();
  rmSync(join(path, "a"));
  writeFileSync(join(path, "a"), "new");
  const second = await file.createSyncAccessHandle();
  assert.deepEqual([first.getSize(), second.getSize()], [0, 3]);
  first.close();
  second.close();
});

test("a file that cannot be closed is given up all the same, and only once", async () => {
  const path = join(fresh(), "a");
  writeFileSync(path, "");
  const alone = await openAlone(path);
  closeSync(alone.fd);
  let closed = 0;
  const handle = new NodeHandle({ fd: alone.fd, close: () => (closed++, alone.close()) });
  assert.throws(() => handle.close(), { code: "EBADF" });
  handle.close();
  assert.equal(closed, 1);
  (await openAlone(path)).close();
});

if (existsSync("/dev/full")) {
  test("a full disk is what a browser calls a quota", () => {
    const fd = openSync("/dev/full", "r+");
    const handle = new NodeHandle({ fd, close: () => closeSync(fd) });
    assert.throws(() => handle.write(Uint8Array.of(1), { at: 0 }), named("QuotaExceededError"));
    handle.close();
  });
}
