// Does what random histories say, on connections that are kept by number. What may have to wait is launched and joined later.
import { History } from "./history.js";

const search = new URLSearchParams(location.search);
const address = search.get("package") ?? "/node_modules/aludel/";
/** Whether statements pause as often as they can, which only the twin of the package does whose worker can be told to fail. */
const slices = search.has("slices");
const { createEngine, text } = await import(`${address}index.js`);

const READ = text("SELECT v FROM kv WHERE k = :k");
const ALL = text("SELECT k, v FROM kv ORDER BY k");
const WRITE = text("INSERT INTO kv VALUES (:k, :v) ON CONFLICT (k) DO UPDATE SET v = excluded.v");
const REMOVE = text("DELETE FROM kv WHERE k = :k");
const pairs = (rows) => rows.map(({ k, v }) => [k, v]);

let engine;
let connections = new Map();

const OPS = {
  begin: (at, { mode }, options) => at.conn.begin({ mode, ...options }),
  read: (at, { k }, options) => at.conn.scalar(READ, { k }, options),
  all: async (at, _, options) => pairs((await at.conn.execute(ALL, null, options)).all()),
  write: (at, { k, v }, options) => at.conn.execute(WRITE, { k, v }, options),
  remove: (at, { k }, options) => at.conn.execute(REMOVE, { k }, options),
  savepoint: async (at, _, options) => {
    at.savepoints.push(await at.conn.beginNested(options));
  },
  release: (at) => at.savepoints.pop().commit(),
  undo: (at) => at.savepoints.pop().rollback(),
  commit: (at) => {
    at.savepoints = [];
    return at.conn.commit();
  },
  rollback: (at) => {
    at.savepoints = [];
    return at.conn.rollback();
  },
  reopen: async (at) => {
    at.savepoints = [];
    await at.conn.close();
    at.conn = await engine.connect();
  },
  stream: async (at, { yieldPer }, options) => {
    at.stream = await at.conn.stream(ALL, null, { ...options, executionOptions: { yieldPer } });
  },
  fetch: async (at, { size }) => pairs(await at.stream.fetchmany(size)),
  unstream: (at) => at.stream.close(),
  peek: async () => pairs((await engine.execute(ALL)).all()),
};

/** Plain data of whatever came back. */
const plain = (value) => (Array.isArray(value) || value === null || typeof value === "number" ? value : undefined);

globalThis.histories = {
  /** Plays histories right here, and gives what was done how often. The first that goes wrong ends it, and names its seed. */
  async play(url, seed, count, steps) {
    const sums = {};
    const call = (name, ...args) => globalThis.histories[name](...args);
    for (const end = seed + count; seed < end; seed++) {
      const counts = await new History(seed, [call], { connections: 4 + (seed % 5), steps }).play(url);
      for (const [key, value] of Object.entries(counts)) sums[key] = (sums[key] ?? 0) + value;
    }
    await this.dispose();
    return sums;
  },

  /** Takes connections of these numbers to an emptied database. */
  async open(url, numbers) {
    // One more than a history has at most, for what has no connection of its own.
    if (engine === undefined) {
      engine = createEngine(url, { poolSize: 9 });
      if (slices) await engine.scalar(text("SELECT aludel_fault('slices')"));
    }
    await engine.begin(async (conn) => {
      await conn.execute(text("CREATE TABLE IF NOT EXISTS kv (k INTEGER PRIMARY KEY, v INTEGER)"));
      await conn.execute(text("DELETE FROM kv"));
    });
    connections = new Map();
    for (const number of numbers) connections.set(number, { conn: await engine.connect(), savepoints: [], settled: true });
  },

  async close() {
    for (const { conn } of connections.values()) await conn.close();
  },

  async dispose() {
    await engine.dispose();
    engine = undefined;
  },

  /** Begins a piece of work and does not wait for it. */
  launch(number, name, args) {
    const at = connections.get(number);
    at.controller = new AbortController();
    at.settled = false;
    at.work = (async () => {
      try {
        return { value: plain(await OPS[name](at, args, { signal: at.controller.signal })) };
      } catch (error) {
        return { error: { name: error?.name, message: error?.message, code: error?.sqliteCodeName, retryable: error?.retryable } };
      } finally {
        at.settled = true;
      }
    })();
  },

  /** What became of it. */
  join: (number) => connections.get(number).work,

  /** Both at once. */
  run(number, name, args) {
    this.launch(number, name, args);
    return this.join(number);
  },

  cancel: (number) => connections.get(number).controller.abort(),

  /** Those of which the work has ended, once there is one or the time is over. */
  async settled(numbers, ms) {
    const late = new Promise((resolve) => setTimeout(resolve, ms));
    const ended = () => numbers.filter((number) => connections.get(number).settled);
    if (ms > 0) await Promise.race([late, ...numbers.map((number) => connections.get(number).work)]);
    return ended();
  },
};
