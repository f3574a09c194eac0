// One of several tabs on one database: what whoever drives the browser can have it do.
import * as aludel from "aludel";

const { createEngine, text } = aludel;
const insert = text("INSERT INTO t (who, at) VALUES (:who, :at)");

/** What an error says of itself. */
export const told = (error) => {
  const { name, reason, retryable, message } = error;
  return { name, message, ...(reason === undefined ? {} : { reason }), ...(retryable === undefined ? {} : { retryable }) };
};

const workers = [];
/** Makes workers that the test can end from outside; who makes workers has no broker. */
const ownWorker = () => {
  const worker = new Worker(new URL("/node_modules/aludel/worker.js", location.href), { type: "module" });
  workers.push(worker);
  return worker;
};

let engine;
const held = new Map();

export const tab = {
  /** Opens the database, and says how long it took. */
  async open(path, { ownWorkers = false, ...options } = {}) {
    const start = performance.now();
    engine = createEngine(`sqlite:///${path}`, { ...options, ...(ownWorkers ? { worker: ownWorker } : {}) });
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
  async scalar(sql, parameters) {
    return engine.scalar(text(sql), parameters);
  },
  /** As a call, with what it fails with as its value. */
  async attempt(name, ...args) {
    try {
      return { value: await tab[name](...args) };
    } catch (error) {
      return { error: told(error) };
    }
  },
  /** Begins something that ends later; `ended` gives its outcome. */
  begin(id, name, ...args) {
    held.set(id, tab.attempt(name, ...args));
  },
  async ended(id) {
    return held.get(id);
  },
  async dispose() {
    await engine.dispose();
  },
  /** Ends the workers that this page made, as nothing but a bug would. */
  terminate() {
    for (const worker of workers.splice(0)) worker.terminate();
  },
  get engine() {
    return engine;
  },
};

globalThis.aludel = aludel;
globalThis.tab = tab;
