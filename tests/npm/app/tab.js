// What a tab can be had to do with its database. The package is handed in: not every page finds it in the same place.

/** What an error says of itself. */
const told = ({ name, reason, retryable, message }) => ({
  name, message, ...(reason === undefined ? {} : { reason }), ...(retryable === undefined ? {} : { retryable }),
});

// A frame on a broadcast channel is a copy; one over a port is not.
let copied = 0;
const post = globalThis.BroadcastChannel?.prototype.postMessage;
if (post !== undefined) {
  BroadcastChannel.prototype.postMessage = function (message) {
    if (message instanceof Uint8Array) copied++;
    return post.call(this, message);
  };
}

/** A dedicated worker that is a tab of its own. */
function startWorker() {
  const worker = new Worker(new URL("./tab_worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  worker.onmessage = ({ data: { id, value, error } }) => {
    const { resolve, reject } = waiting.get(id);
    if (error === undefined) resolve(value);
    else reject(Object.assign(new Error(error.message), error));
  };
  return (name, ...args) => new Promise((resolve, reject) => {
    const id = waiting.size;
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, name, args });
  });
}

export function tabOf({ createEngine, text }, { worker = "/node_modules/aludel/worker.js" } = {}) {
  const insert = text("INSERT INTO t (who, at) VALUES (:who, :at)");
  const workers = [];
  // Made here so that the test can end them. Who makes workers has no broker.
  const ownWorker = () => {
    const made = new Worker(new URL(worker, location.href), { type: "module" });
    workers.push(made);
    return made;
  };
  const begun = new Map();
  const seen = [];
  const life = [];
  for (const kind of ["pagehide", "pageshow"]) {
    globalThis.addEventListener?.(kind, ({ persisted }) => life.push(`${kind} ${persisted}`));
  }
  let engine, inner, held, stream;

  const tab = {
    /** Opens the database, and says how long it took. */
    async open(path, { ownWorkers = false, ...options } = {}) {
      const start = performance.now();
      engine = createEngine(`sqlite:///${path}`, { ...options, ...(ownWorkers ? { worker: ownWorker } : {}) });
      for (const kind of ["host", "versionSkew", "change", "blocked"]) engine.listen(kind, (event) => seen.push({ kind, ...event }));
      await engine.execute(text("CREATE TABLE IF NOT EXISTS t (at INTEGER, who TEXT)"));
      return performance.now() - start;
    },
    /** Inserts a row, and says how long it took, however often it had to be tried. */
    async insert(who, at = 0) {
      const start = performance.now();
      for (let tries = 1; ; tries++) {
        try {
          await engine.execute(insert, { who, at });
          return { tries, ms: performance.now() - start };
        } catch (error) {
          if (!error.retryable || tries === 20) throw error;
        }
      }
    },
    async count(who = "%") {
      return engine.scalar(text("SELECT count(*) FROM t WHERE who LIKE :who"), { who });
    },
    /** Counts the rows of a database that is there already, by an engine of its own. */
    async countIn(path) {
      const own = createEngine(`sqlite:///${path}?mode=rw`);
      try {
        return await own.scalar(text("SELECT count(*) FROM t"));
      } finally {
        await own.dispose();
      }
    },
    async scalar(sql, parameters) {
      return engine.scalar(text(sql), parameters);
    },
    /** Does one of the others, and gives its value or its error. */
    async attempt(name, ...args) {
      try {
        return { value: await tab[name](...args) };
      } catch (error) {
        return { error: told(error) };
      }
    },
    /** Begins something; `ended` gives what became of it. */
    begin(id, name, ...args) {
      begun.set(id, tab.attempt(name, ...args));
    },
    async ended(id) {
      return begun.get(id);
    },
    /** Begins a transaction that has the write lock, and leaves it at that. */
    async hold() {
      held = await engine.connect();
      await held.execute(insert, { who: "held", at: 0 });
    },
    async letGo() {
      await held.commit();
      await held.close();
    },
    /** Begins to read from a snapshot, by a stream of which one row is taken or by a transaction, and leaves it at that. */
    async linger(how) {
      held = await engine.connect();
      stream = undefined;
      if (how === "transaction") return held.scalar(text("SELECT count(*) FROM t"));
      const rows = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000) SELECT x, (SELECT count(*) FROM t) AS n FROM c");
      stream = await held.stream(rows, undefined, { executionOptions: { yieldPer: 1 } });
      return (await stream.fetchone()).n;
    },
    /** What is left of that snapshot: how many rows it shows in `t`. */
    async lingers() {
      if (stream === undefined) return held.scalar(text("SELECT count(*) FROM t"));
      const [last] = (await stream.all()).slice(-1);
      return last.n;
    },
    /** Leaves it. */
    async leave() {
      await held.close();
    },
    /** Commits so many times a million bytes, each by itself, and says how large a file of the origin was at most. */
    async fill(times, name) {
      let largest = 0;
      for (let i = 0; i < times; i++) {
        await engine.execute(text("INSERT INTO t (who) VALUES (zeroblob(1000000))"));
        largest = Math.max(largest, await tab.bytes(name));
      }
      return largest;
    },
    /** Inserts a row in a block of its own. */
    async block(who) {
      await engine.begin((conn) => conn.execute(insert, { who, at: 0 }));
      return true;
    },
    /** Does these statements in one transaction. */
    async writeAll(statements) {
      await engine.begin(async (conn) => {
        for (const sql of statements) await conn.execute(text(sql));
      });
    },
    /** Does these statements in one transaction, and rolls it back. */
    async takeBack(statements) {
      const conn = await engine.connect();
      for (const sql of statements) await conn.execute(text(sql));
      await conn.rollback();
      await conn.close();
    },
    /** How many bytes a file of the origin has. */
    async bytes(name) {
      const directory = await navigator.storage.getDirectory();
      return (await (await directory.getFileHandle(name)).getFile()).size;
    },
    /** Whether it has more than that. */
    isLarger: async (name, bytes) => (await tab.bytes(name)) > bytes,
    async dispose() {
      await engine.dispose();
    },
    /** Ends the workers that this page made, as a bug might. */
    terminate() {
      for (const worker of workers.splice(0)) worker.terminate();
    },
    /** Does one of the others in a worker of this page. */
    async inWorker(name, ...args) {
      inner ??= startWorker();
      return inner(name, ...args);
    },
    /** Opens another page of this kind in a frame. */
    async addFrame() {
      const frame = document.createElement("iframe");
      const loaded = new Promise((resolve) => (frame.onload = resolve));
      frame.src = location.href;
      document.body.append(frame);
      await loaded;
    },
    /** How many frames went out as copies. */
    copied: () => copied,
    /** The events of the engine so far. */
    seen: () => seen,
    /** How many commits it was told of that wrote these tables. */
    changed: (...names) =>
      seen.filter(({ kind, schema, tables }) => kind === "change" && !schema && names.every((name) => tables.includes(name))).length,
    /** What it was told of commits: the tables of each, with a `*` if the schema changed, and whose it was. */
    commits: () =>
      seen.filter(({ kind }) => kind === "change").map(({ schema, tables, tab, own, missed }) =>
        [`${schema ? "*" : ""}${[...tables].sort().join(" ")}`, tab, own, missed]),
    /** Those of them that say who holds others up, and how many there are. */
    blocked: () => seen.filter(({ kind }) => kind === "blocked"),
    blocks: () => tab.blocked().length,
    skews: () => seen.filter(({ kind }) => kind === "versionSkew"),
    /** What happened to the page so far. */
    life: () => life,
    /** The locks of aludel that anybody holds or waits for. */
    async locks() {
      const { held, pending } = await navigator.locks.query();
      return [...held, ...pending].map(({ name }) => name).filter((name) => name.startsWith("aludel"));
    },
    /** Whether nobody holds a broker's lock or waits for it. */
    brokerless: async () => !(await tab.locks()).some((name) => name.startsWith("aludel-broker:")),
    visibility: () => document.visibilityState,
    get engine() {
      return engine;
    },
  };
  return tab;
}
