// What slices cost and what they give.
import { onPause } from "./world.mjs";

const ROWS = 100_000;
/** What SQLite's virtual machine does between two looks in the product. */
const STEPS = 2_000;

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const round = (number) => Number(number.toPrecision(3));

/**
 * Lets those that wait go on one after the other, each after the messages that arrived before: however many they are,
 * a message waits for one slice, or for two.
 */
function later(answer = () => 1) {
  const { port1, port2 } = new MessageChannel();
  const waiting = [];
  const post = () => port2.postMessage(0);
  port1.onmessage = () => {
    waiting.shift()(answer());
    if (waiting.length > 0) post();
  };
  return () =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) post();
    });
}

const aggregate = (pairs) =>
  `SELECT count(*), sum((x.a * y.c) % 7) FROM t x, t y WHERE y.id <= ${pairs} AND x.id <= 20000`;

function fill(m, slot, rows) {
  const sql = [
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c INTEGER)",
    `WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < ${rows})
      INSERT INTO t SELECT i, (i * 37) % 10007,
        printf('%08d some text that makes rows a little longer, number %d', (i * 7919) % ${rows}, i), i % 211 FROM r`,
    "CREATE TABLE note(id INTEGER PRIMARY KEY, what TEXT)",
  ];
  for (const one of sql) {
    const outcome = m.run_at_once(slot, one, false);
    if (outcome.startsWith("error")) throw new Error(outcome);
  }
}

function timed(work) {
  const start = performance.now();
  work();
  return performance.now() - start;
}

async function timedAsync(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Pairs for an aggregate that takes about so long. */
function calibrate(m, slot, milliseconds) {
  const times = Array.from({ length: 9 }, () => timed(() => m.run_at_once(slot, aggregate(10), false)));
  return Math.max(1, Math.round((10 * milliseconds) / Math.min(...times)));
}

/** What waits while the measurement of a page runs. */
let served = null;

/** A point read or a commit that the page asks for. */
export function answer({ id, kind }) {
  const { m, reader, writer } = served;
  if (kind === "cancel") served.cancelled = true;
  else if (kind === "read") m.run_at_once(reader, "SELECT a, b FROM t WHERE id = 4711", false);
  else m.run_at_once(writer, "INSERT INTO note(what) VALUES ('something')", false);
  self.postMessage({ answered: id });
}

export function tasks(build) {
  let names = 0;
  const memory = (m) => {
    names += 1;
    m.attach_memory(`measure-${names}`);
    return `measure-${names}`;
  };

  /** Microseconds for one pause. */
  async function suspension({ variant }) {
    const m = await build(variant);
    const [many, some] = [50_000, 3_000];
    const hop = later();
    onPause(() => Promise.resolve(1));
    await m.pauses(0, 1_000);
    const bare = median(await repeat(5, async () => (await timedAsync(() => m.pauses(0, many))) / many));
    const hopAll = async () => {
      for (let i = 0; i < some; i += 1) await hop();
    };
    const hops = median(await repeat(5, async () => (await timedAsync(hopAll)) / some));
    onPause(hop);
    const hopping = median(await repeat(5, async () => (await timedAsync(() => m.pauses(0, some))) / some));
    const slot = m.open(memory(m));
    fill(m, slot, 20_000);
    m.look_every(slot, 100);
    onPause(() => Promise.resolve(1));
    const sql = aggregate(60);
    const go = async (looks) => {
      m.put(slot, sql, looks, 0);
      const took = await timedAsync(() => m.go(slot));
      return { took, pauses: m.pauses_of(slot), bytes: m.stack_address() - m.lowest_of(slot) };
    };
    const { bytes, pauses } = await go(1);
    const least = { without: Infinity, paused: Infinity };
    await repeat(9, async () => {
      least.without = Math.min(least.without, (await go(1e9)).took);
      least.paused = Math.min(least.paused, (await go(1)).took);
    });
    m.close(slot);
    return {
      "pause, answered at once, us": round(bare * 1000),
      "message to oneself, us": round(hops * 1000),
      "pause, answered by a message to oneself, us": round(hopping * 1000),
      "pause within SQLite, answered at once, us": round(((least.paused - least.without) / pauses) * 1000),
      "shadow stack kept per pause within SQLite, bytes": bytes,
      pauses,
    };
  }

  let alone = null;

  /** Runs a lone query so many times in one of the ways, the first of which is the plain build without a handler. */
  async function lone({ which, times }) {
    if (alone === null) {
      const [plain, jspi] = [await build("plain"), await build("jspi")];
      const slots = new Map([plain, jspi].map((m) => [m, m.open(memory(m))]));
      for (const [m, slot] of slots) fill(m, slot, 20_000);
      alone = { plain, jspi, slots, sql: aggregate(calibrate(plain, slots.get(plain), 20)) };
      onPause(later());
    }
    const { plain, jspi, slots, sql } = alone;
    const direct = (m, steps, watched) => async () => {
      m.look_every(slots.get(m), steps);
      return timed(() => m.run_at_once(slots.get(m), sql, watched));
    };
    const fiber = (slice) => async () => {
      const slot = slots.get(jspi);
      jspi.look_every(slot, STEPS);
      jspi.put(slot, sql, 1e9, slice);
      return timedAsync(() => jspi.go(slot));
    };
    const base = direct(plain, 0, false);
    const cases = [
      ["plain build, no handler", base],
      ["plain build, the product's handler, which asks nothing", direct(plain, STEPS, false)],
      ["jspi build, no handler", direct(jspi, 0, false)],
      ["jspi build, clock every 100 steps", direct(jspi, 100, true)],
      ["jspi build, clock every 500 steps", direct(jspi, 500, true)],
      ["jspi build, clock every 1000 steps", direct(jspi, 1_000, true)],
      ["jspi build, clock every 2000 steps", direct(jspi, STEPS, true)],
      ["jspi build, clock every 10000 steps", direct(jspi, 10_000, true)],
      ["jspi build, entered to be suspended, and not", fiber(1e9)],
      ["jspi build, paused each 5 ms", fiber(5)],
      ["jspi build, paused each 2 ms", fiber(2)],
    ];
    if (which >= cases.length) return null;
    const [name, run] = cases[which];
    for (let i = 0; i < times; i += 1) await run();
    return name;
  }

  /** For how long statements do not look at the clock: the least of several runs, since others run on the machine. */
  async function gaps({ variant, rows = ROWS, temporary = "memory" }) {
    const m = await build(variant);
    onPause(later());
    const cases = [
      ["aggregate over a join", aggregate(60)],
      ["sort", "SELECT b FROM t ORDER BY b"],
      ["group by", "SELECT b, count(*) FROM t GROUP BY b"],
      ["UPDATE of every row", "UPDATE t SET c = c + 1"],
      ["CREATE INDEX", "CREATE INDEX t_b ON t(b)"],
      ["DELETE of half", "DELETE FROM t WHERE id % 2"],
      ["DELETE of all (truncates)", "DELETE FROM t"],
      ["CREATE TABLE AS", `CREATE TABLE u AS
        WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < ${rows})
        SELECT i, hex(i) || ' w' || (i % 97) || ' w' || (i % 89) AS b FROM r`],
      ["CREATE VIRTUAL TABLE (fts5)", "CREATE VIRTUAL TABLE f USING fts5(b)"],
      ["INSERT into fts5", "INSERT INTO f SELECT b FROM u"],
      ["fts5 match, ranked", "SELECT rowid FROM f WHERE f MATCH 'w5 OR w50' ORDER BY rank LIMIT 10"],
      ["fts5 optimize", "INSERT INTO f(f) VALUES ('optimize')"],
      ["LIKE over every row", "SELECT count(*) FROM u WHERE b LIKE '%w5%w6%'"],
      ["group_concat of every row", "SELECT length(group_concat(b)) FROM u"],
      ["json of every row", "SELECT json_array_length(json_group_array(b)) FROM u"],
      ["hex of 20 MB", "SELECT length(hex(zeroblob(20000000)))"],
      ["BEGIN", "BEGIN IMMEDIATE"],
      ["UPDATE within it", "UPDATE u SET b = b || 'x'"],
      ["COMMIT of it", "COMMIT"],
      ["checkpoint", "PRAGMA wal_checkpoint(TRUNCATE)"],
      ["integrity_check", "PRAGMA integrity_check"],
      ["VACUUM", "VACUUM"],
      ["DROP TABLE", "DROP TABLE u"],
    ];
    const least = new Map(cases.map(([name]) => [name, { took: Infinity, gap: Infinity, pauses: Infinity }]));
    await repeat(5, async () => {
      const path = memory(m);
      const slot = m.open(path);
      fill(m, slot, rows);
      m.run_at_once(slot, `PRAGMA temp_store = ${temporary}`, false);
      for (const [name, sql] of cases) {
        m.look_every(slot, STEPS);
        m.put(slot, sql, 1e9, 5);
        const one = { took: await timedAsync(() => m.go(slot)), gap: m.gap_of(slot), pauses: m.pauses_of(slot) };
        const outcome = m.outcome(slot);
        if (outcome.startsWith("error")) throw new Error(`${sql}: ${outcome}`);
        const known = least.get(name);
        for (const key of Object.keys(one)) known[key] = Math.min(known[key], one[key]);
      }
      m.close(slot);
      m.detach(path);
    });
    const said = ({ took, gap, pauses }) =>
      `${round(took)} ms, ${pauses} pauses, at most ${round(gap)} ms without a look`;
    return Object.fromEntries([...least].map(([name, one]) => [name, said(one)]));
  }

  /** Stacks: how deep, and how many at once. */
  async function stacks({ variant }) {
    const m = await build(variant);
    const waiting = [];
    onPause(() => new Promise((resolve) => waiting.push(resolve)));
    const found = {};
    for (const count of [100, 1_000, 4_000]) {
      const all = [];
      const took = await timedAsync(async () => {
        for (let i = 0; i < count; i += 1) all.push(m.depth_suspendable(50, true));
        await later()();
      });
      // In another order than they came.
      for (const resolve of waiting.splice(0).toSorted(() => Math.random() - 0.5)) resolve(1);
      const whole = (await Promise.all(all)).every((frames) => frames === 50);
      found[`${count} suspended at once`] = `${round((took / count) * 1000)} us each; whole afterwards: ${whole}`;
    }
    onPause(() => Promise.resolve(1));
    const slot = m.open(memory(m));
    m.look_every(slot, 1);
    for (const depth of [100, 900]) {
      const sql = `SELECT abs(${"abs(1+".repeat(depth)}1${")".repeat(depth)})`;
      m.put(slot, sql, 1, 0);
      await m.go(slot);
      found[`an expression ${depth} deep`] = [m.outcome(slot), m.run_at_once(slot, sql, false)];
    }
    m.close(slot);
    for (const depth of [500, 2_000, 4_000]) {
      const took = await timedAsync(async () => {
        for (let i = 0; i < 20; i += 1) found[`${depth} calls deep`] = await m.depth_suspendable(depth, i % 2 === 0);
      });
      found[`${depth} calls deep`] += ` of them whole, ${round(took / 20)} ms, every other time suspended at the bottom`;
    }
    return found;
  }

  /** Gets a database ready for `busy` and the reads that the page sends meanwhile. */
  async function serve({ variant, storage, milliseconds }) {
    const m = await build(variant);
    let path;
    if (storage === "opfs") {
      path = `/slices-${Date.now()}.db`;
      await m.attach_opfs(path);
    } else path = memory(m);
    const [reader, writer, ...long] = Array.from({ length: 5 }, () => m.open(path));
    fill(m, writer, 20_000);
    for (const slot of long) m.look_every(slot, STEPS);
    served = { m, long, reader, writer, path, sql: aggregate(calibrate(m, long[0], milliseconds)) };
    return served.sql;
  }

  /** Runs the long statement, at once or in slices, on as many connections as that; how long it took. */
  async function busy({ slice, many = 1 }) {
    const { m, long, sql } = served;
    served.cancelled = false;
    onPause(later(() => (served.cancelled ? 0 : 1)));
    if (slice === 0) return timed(() => m.run_at_once(long[0], sql, false));
    return timedAsync(() =>
      Promise.all(
        long.slice(0, many).map((slot) => {
          m.put(slot, sql, 1e9, slice);
          return m.go(slot);
        }),
      ),
    );
  }

  async function unserve() {
    const { m, long, reader, writer, path } = served;
    for (const slot of [...long, reader, writer]) m.close(slot);
    m.detach(path);
  }

  return { suspension, lone, gaps, stacks, serve, busy, unserve };
}

async function repeat(times, work) {
  const results = [];
  for (let i = 0; i < times; i += 1) results.push(await work());
  return results;
}
