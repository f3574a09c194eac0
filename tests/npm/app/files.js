// Databases as files: exported, imported, listed, dropped.
import {
  ArgumentError, createEngine, databaseExists, dropDatabase, listDatabases, StorageError, text, TimeoutError,
} from "aludel";
import { equal, ok, thrownBy, throws } from "./check.js";

const unique = (name) => `files/${name}-${Date.now()}-${Math.floor(Math.random() * 1e6)}.db`;

/** An engine with rows whose amounts add up to 0. */
async function balanced(url, options, rows = 3000) {
  const engine = createEngine(url, options);
  await engine.execute(text("CREATE TABLE account (id INTEGER PRIMARY KEY, amount INTEGER, note TEXT)"));
  const note = "x".repeat(500);
  await engine.execute(text("INSERT INTO account VALUES (:id, :amount, :note)"),
    Array.from({ length: rows }, (_, id) => ({ id, amount: id % 2 ? -1 : 1, note })));
  return engine;
}

const sum = (engine) => engine.scalar(text("SELECT sum(amount) FROM account"));

/** Everything in a stream. */
async function drain(reader, bytes = []) {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(bytes).arrayBuffer());
    bytes.push(value);
  }
}

/** Writes bytes as a file of the origin private file system, as an app may that fetched them. */
async function place(path, bytes) {
  const parts = path.split("/");
  let directory = await navigator.storage.getDirectory();
  for (const part of parts.slice(0, -1)) directory = await directory.getDirectoryHandle(part, { create: true });
  const handle = await directory.getFileHandle(parts.at(-1), { create: true });
  const writable = await handle.createWritable();
  await writable.write(bytes);
  await writable.close();
}

export const files = {
  async "an export says how far it is"() {
    await using engine = await balanced("sqlite://");
    const told = [];
    const bytes = await engine.exportBytes({ onProgress: (progress) => told.push(progress) });
    ok(told.length > 3, `${told.length} times`);
    ok(told.every(({ phase, total }) => phase === "send" && total === bytes.length), JSON.stringify(told[0]));
    equal(told.at(-1).done, bytes.length);
    ok(told.every(({ done }, i) => i === 0 || done > told[i - 1].done), "ever farther");
    ok(Object.isFrozen(told[0]), "frozen");
    equal([bytes[18], bytes[19], bytes.length % 4096], [1, 1, 0]);
    equal(await drain(engine.exportStream().getReader()).then((streamed) => streamed.every((byte, i) => byte === bytes[i])), true);
    await throws(ArgumentError, /onProgress is a function, not number/, () => engine.exportBytes({ onProgress: 1 }));
    await throws(ArgumentError, /Unknown call option 'onprogress'.*onProgress/, () => engine.exportBytes({ onprogress: () => {} }));
  },

  async "an export is one snapshot while others write, also where each statement is a transaction"() {
    for (const isolationLevel of ["SERIALIZABLE", "AUTOCOMMIT"]) {
      const path = unique("live");
      const engine = await balanced(`sqlite:///${path}`, { isolationLevel });
      const reader = engine.exportStream().getReader();
      const chunks = [(await reader.read()).value];
      for (let i = 0; i < 3; i++) {
        await engine.execute(text("UPDATE account SET amount = amount + 7 WHERE id % 3 = 0"));
        await engine.execute(text("DELETE FROM account WHERE id % 7 = 1"));
        chunks.push((await reader.read()).value);
      }
      const bytes = await drain(reader, chunks);
      ok((await sum(engine)) !== 0, "the database has gone on");
      await engine.dispose();
      const copy = unique("copy");
      await place(copy, bytes);
      const exported = createEngine(`sqlite:///${copy}`);
      equal([await sum(exported), await exported.scalar(text("SELECT count(*) FROM account"))], [0, 3000]);
      equal(await exported.scalar(text("PRAGMA integrity_check")), "ok");
      await exported.dispose();
    }
  },

  async "an export that is aborted, late or left gives its connection back"() {
    await using engine = await balanced("sqlite://", { poolSize: 1, poolTimeout: 5 });
    const works = async () => equal(await sum(engine), 0, "with the only connection");
    const controller = new AbortController();
    const resting = engine.exportStream({ signal: controller.signal }).getReader();
    await resting.read();
    controller.abort("enough");
    equal(await thrownBy(() => resting.read()), "enough", "between two chunks");
    await works();
    equal(await thrownBy(() => engine.exportBytes({ signal: AbortSignal.abort("never") })), "never", "before it began");
    await works();
    const busy = new AbortController();
    const onProgress = ({ done }) => done > 300_000 && busy.abort("in the middle");
    equal(await thrownBy(() => engine.exportBytes({ signal: busy.signal, onProgress })), "in the middle");
    await works();
    const conn = await engine.connect();
    await throws(TimeoutError, /timed out after 30 ms/, () => engine.exportBytes({ timeout: 30 }));
    await conn.close();
    await works();
    const late = engine.exportStream({ timeout: 50 }).getReader();
    // On a slow machine it is late already.
    await late.read().catch(() => undefined);
    await throws(TimeoutError, /timed out after 50 ms/, () => late.closed);
    await works();
  },

  async "databases are listed with what opens them"() {
    const [path, odd] = [unique("listed"), unique("odd %3f#? größe")];
    const [engine, other] = [path, odd].map((path) =>
      createEngine(`sqlite:///${path.replaceAll("%", "%25").replace("?", "%3F").replace("#", "%23")}`));
    for (const each of [engine, other]) await each.execute(text("CREATE TABLE t (x)"));
    await place(`${path}-notes`, new TextEncoder().encode("no database at all, but long enough"));
    // Both are open: their files can be looked at all the same.
    const listed = await listDatabases();
    const [found, oddly] = [path, odd].map((path) => listed.find((file) => file.path === path));
    ok(found !== undefined && oddly !== undefined, JSON.stringify(listed));
    equal([found.url, found.size % 4096, found.size > 0], [`sqlite:///${path}`, 0, true]);
    ok(!listed.some(({ path: name }) => name.startsWith(`${path}-`)), "what lies beside is no database");
    equal((await listDatabases("files")).length > 1, true);
    await throws(StorageError, /no directory "nowhere\/at\/all"/, () => listDatabases("nowhere/at/all"));
    await throws(ArgumentError, /a part that is \. or \.\./, () => listDatabases("../up"));
    await other.dispose();
    const again = createEngine(oddly.url);
    equal(await again.scalar(text("SELECT count(*) FROM t")), 0);
    for (const each of [engine, again]) await each.dispose();
  },

  async "a database is dropped with all its files, unless it is in use"() {
    const path = unique("gone");
    const url = `sqlite:///${path}`;
    const engine = createEngine(url);
    await engine.execute(text("CREATE TABLE t (x)"));
    const error = await throws(StorageError, /is open: dispose of its engines/, () => dropDatabase(url));
    equal([error.reason, error.retryable], ["in-use", true]);
    equal(await engine.scalar(text("SELECT count(*) FROM t")), 0, "untouched");
    await engine.dispose();
    equal([await databaseExists(url), await databaseExists(new URL(url))], [true, true]);
    equal(await dropDatabase(url), true);
    equal(await databaseExists(url), false);
    const directory = await (await navigator.storage.getDirectory()).getDirectoryHandle("files");
    for await (const name of directory.keys()) ok(!name.startsWith(path.slice(6)), `${name} is left`);
    const missing = await throws(StorageError, /no database .* to drop/, () => dropDatabase(url));
    equal(missing.reason, "cannot-open");
    equal([await dropDatabase(url, { ifExists: true }), await dropDatabase("sqlite:///no/where/at/all.db", { ifExists: true })],
      [false, false]);
    equal(await engine.scalar(text("SELECT count(*) FROM sqlite_master")), 0, "a new one by the same engine");
    await engine.dispose();
    for (const memory of ["sqlite://", "sqlite:///:memory:"]) {
      await throws(ArgumentError, /in memory/, () => dropDatabase(memory));
      await throws(ArgumentError, /in memory/, () => databaseExists(memory));
    }
    await throws(ArgumentError, /empty part/, () => databaseExists("sqlite:////absolute.db"));
    await throws(ArgumentError, /Unknown option 'ifexists'/, () => dropDatabase(url, { ifexists: true }));
    await throws(ArgumentError, /takes a URL/, () => databaseExists(7));
  },

  async "the engine knows when the name of a database is safe"() {
    const engine = createEngine(`sqlite:///${unique("settled")}`);
    const { storage } = engine;
    equal(storage.settled, false, "nobody has looked yet");
    await engine.scalar(text("SELECT 1"));
    equal(typeof storage.settled, "boolean");
    equal([engine.storage.settled, storage.kind], [storage.settled, "opfs"]);
    await engine.dispose();
    await using memory = createEngine("sqlite://");
    equal(memory.storage.settled, true, "there is no name that could be lost");
    await memory.storage.whenSettled();
    equal(memory.pool.checkedin(), 0, "nothing was opened for it");
  },
};
