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

  async "a database comes in from bytes, a blob, or a stream"() {
    await using from = await balanced("sqlite://");
    const bytes = await from.exportBytes();
    const pieces = (size) => Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size));
    const framed = new Uint8Array(bytes.length + 20);
    framed.set(bytes, 10);
    const streamed = (size) => {
      const left = pieces(size);
      return new ReadableStream({ pull: (controller) => (left.length > 0 ? controller.enqueue(left.shift()) : controller.close()) });
    };
    const iterated = async function* () {
      yield* pieces(1_500_000).map((piece) => piece.buffer);
    };
    const ways = {
      array: (engine, options) => engine.importBytes(bytes, options),
      buffer: (engine, options) => engine.importBytes(bytes.buffer, options),
      part: (engine, options) => engine.importBytes(framed.subarray(10, 10 + bytes.length), options),
      blob: (engine, options) => engine.importBytes(new Blob([bytes]), options),
      file: (engine, options) => engine.importBytes(new File(pieces(1000), "app.db"), options),
      stream: (engine, options) => engine.importStream(streamed(10_000), { ...options, total: bytes.length }),
      response: (engine, options) => engine.importStream(new Response(bytes).body, { ...options, total: bytes.length }),
      iterable: (engine, options) => engine.importStream(iterated(), { ...options, total: bytes.length }),
    };
    for (const [way, bring] of Object.entries(ways)) {
      await using engine = createEngine("sqlite://", { poolSize: 1 });
      await engine.execute(text("CREATE TABLE old (x)"));
      const told = [];
      await bring(engine, { onProgress: (progress) => told.push(progress) });
      equal([await sum(engine), await engine.scalar(text("SELECT count(*) FROM account")), await engine.hasTable("old")], [0, 3000, false], way);
      equal([...new Set(told.map(({ phase }) => phase))], ["receive", "check", "copy"], way);
      for (const phase of ["receive", "check", "copy"]) {
        const { done, total } = told.findLast((progress) => progress.phase === phase);
        equal([done, total], [bytes.length, bytes.length], `${way}, ${phase}`);
      }
      equal([bytes.length > 0, framed.length], [true, bytes.length + 20], "what was given is still there");
      equal(await engine.scalar(text("PRAGMA integrity_check")), "ok");
    }
    await using engine = createEngine("sqlite://");
    const told = [];
    await engine.importStream(streamed(100_000), { onProgress: ({ phase, total }) => phase === "receive" && told.push(total) });
    ok(told.length > 0 && told.every((total) => total === undefined), "nobody said how many bytes there are");
  },

  async "what is no database is refused, and the old one stays"() {
    const url = `sqlite:///${unique("refused")}`;
    await using engine = createEngine(url, { poolSize: 1 });
    await engine.execute(text("CREATE TABLE old (x)"));
    await using from = await balanced("sqlite://");
    const good = await from.exportBytes();
    const torn = good.slice();
    torn.fill(0x5a, 3 * 4096, 40 * 4096);
    for (const [bytes, reason] of [
      [new Uint8Array(0), "not-a-database"],
      [new TextEncoder().encode("hello, world".repeat(1000)), "not-a-database"],
      [good.slice(0, good.length - 100_000), "corrupt"],
      [torn, "corrupt"],
    ]) {
      const error = await throws(StorageError, /imported|damaged|malformed|database/, () => engine.importBytes(bytes));
      equal([error.reason, error.retryable], [reason, false], error.message);
      equal(await engine.tableNames(), ["old"]);
    }
    await throws(ArgumentError, /importBytes\(\) takes .* not string/, () => engine.importBytes("bytes"));
    await throws(ArgumentError, /importStream\(\) takes .* not Array/, () => engine.importStream([good]));
    await throws(ArgumentError, /got string where bytes were due/, () => engine.importStream(new Blob([good]).stream().pipeThrough(new TextDecoderStream())));
    const locked = new Blob([good]).stream();
    locked.getReader();
    await throws(ArgumentError, /somebody else reads/, () => engine.importStream(locked));
    await throws(ArgumentError, /total is a number of bytes/, () => engine.importStream(new Blob([good]).stream(), { total: -1 }));
    equal(await engine.tableNames(), ["old"]);
    await engine.importBytes(good);
    equal(await sum(engine), 0);
    const directory = await (await navigator.storage.getDirectory()).getDirectoryHandle("files");
    for await (const name of directory.keys()) ok(!name.endsWith("-import"), `${name} is left`);
  },

  async "an import that is aborted, late or whose stream fails leaves the old database"() {
    const url = `sqlite:///${unique("aborted")}`;
    await using engine = createEngine(url, { poolSize: 1, poolTimeout: 5 });
    await engine.execute(text("CREATE TABLE old (x)"));
    await using from = await balanced("sqlite://", {}, 8000);
    await from.execute(text("CREATE TABLE filler (x)"));
    let bytes = await from.exportBytes();
    const untouched = async (what) => equal(await engine.tableNames(), ["old"], what);
    /** Stops an import in a phase, and says whether it was in time: what the worker does may be done before it hears. */
    const stopped = async (phase) => {
      await using engine = createEngine(`sqlite:///${unique("stopped")}`);
      await engine.execute(text("CREATE TABLE old (x)"));
      const controller = new AbortController();
      const onProgress = (progress) => progress.phase === phase && controller.abort(`enough of ${phase}`);
      const importing = engine.importBytes(bytes, { signal: controller.signal, onProgress });
      const reason = await importing.then(() => "none", (reason) => reason);
      if (reason === "none") {
        equal(await engine.scalar(text("SELECT count(*) FROM account")), 8000, `late in ${phase}`);
        return false;
      }
      equal(reason, `enough of ${phase}`);
      equal(await engine.tableNames(), ["old"], phase);
      return true;
    };
    for (const phase of ["receive", "check", "copy"]) {
      for (let tries = 1; !(await stopped(phase)); tries++) {
        equal(tries < 10, true, `${phase} was stopped in time once`);
        // The more there is to do, the longer there is to hear: twice as much, up to some 64 MB.
        if (bytes.length < 40e6) {
          await from.execute(text("INSERT INTO filler VALUES (zeroblob(?))"), [bytes.length]);
          bytes = await from.exportBytes();
        }
      }
    }
    equal(await thrownBy(() => engine.importBytes(bytes, { signal: AbortSignal.abort("never") })), "never");
    const never = new Promise(() => {});
    const told = [];
    const waiting = () => new ReadableStream({ pull: () => never, cancel: (reason) => void told.push(reason) });
    const controller = new AbortController();
    const importing = thrownBy(() => engine.importStream(waiting(), { signal: controller.signal }));
    await throws(TimeoutError, /QueuePool limit|timed out/, () => engine.scalar(text("SELECT 1"), null, { timeout: 50 }));
    controller.abort("no bytes came");
    equal([await importing, told], ["no bytes came", ["no bytes came"]], "the source is told");
    await untouched("a source that waits");
    await throws(TimeoutError, /timed out after 60 ms/, () => engine.importStream(waiting(), { timeout: 60 }));
    await untouched("too late");
    const endless = async function* () {
      yield bytes.slice(0, 2_000_000);
      await never;
    };
    await throws(TimeoutError, /timed out after 500 ms/, () => engine.importStream(endless(), { timeout: 500 }));
    await untouched("an iterable that waits");
    const failing = async function* () {
      yield bytes.slice(0, 2_000_000);
      throw new RangeError("the network is gone");
    };
    await throws(RangeError, /the network is gone/, () => engine.importStream(failing()));
    await untouched("a source that fails");
    await engine.importBytes(bytes);
    equal(await engine.scalar(text("SELECT count(*) FROM account")), 8000);
  },

  async "without room for it, an import is a typed error, and the old database stays"() {
    let worker;
    await using engine = createEngine(`sqlite:///${unique("full")}`, {
      worker: () => (worker = new Worker(new URL("/counted/full.js", location.href), { type: "module" })),
    });
    await engine.execute(text("CREATE TABLE old (x)"));
    await using from = await balanced("sqlite://");
    const bytes = await from.exportBytes();
    worker.postMessage({ full: true });
    const error = await throws(StorageError, /quota|full|no room/i, () => engine.importBytes(bytes));
    equal(error.reason, "quota");
    equal(await engine.tableNames(), ["old"]);
    worker.postMessage({ full: false });
    await engine.importBytes(bytes);
    equal(await sum(engine), 0);
  },

  async "what onProgress throws is an uncaught error, and the import goes on"() {
    await using from = await balanced("sqlite://");
    const bytes = await from.exportBytes();
    await using engine = createEngine("sqlite://");
    const uncaught = [];
    const note = (event) => {
      uncaught.push(event.error?.message ?? event.message);
      event.preventDefault();
    };
    addEventListener("error", note);
    try {
      await engine.importBytes(bytes, { onProgress: ({ phase }) => { throw new Error(`not in ${phase}`); } });
    } finally {
      removeEventListener("error", note);
    }
    equal([...new Set(uncaught.map((message) => message.replace("Uncaught Error: ", "")))], ["not in receive", "not in check", "not in copy"]);
    equal(await sum(engine), 0);
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
    equal([storage.settled, engine.storage.settled, storage.kind], [false, false, "opfs"], "a new file");
    // The page's clock, put on by what the worker asked for.
    const now = Date.now;
    try {
      Date.now = () => now() + 61_000;
      equal([storage.settled, engine.storage.settled], [true, true]);
      await storage.whenSettled();
    } finally {
      Date.now = now;
    }
    equal(storage.settled, false);
    await engine.dispose();
    await using memory = createEngine("sqlite://");
    equal(memory.storage.settled, true, "there is no name that could be lost");
    await memory.storage.whenSettled();
    equal(memory.pool.checkedin(), 0, "nothing was opened for it");
  },
};
