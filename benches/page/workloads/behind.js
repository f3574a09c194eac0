// What waits for a statement that takes long.
import { check, load, percentile, scaled, timed } from "../measure.js";
import { answerTab, tab } from "../tab.js";

/** It reads the table as well, so that it holds whatever an engine holds while it reads the file. */
const counting = (to) => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${to})
  SELECT count(*) + (SELECT ifnull(min(id) - 1, 0) FROM item) AS n FROM n`;
/** How long the query takes, and what lies between two reads. */
const query = (options) => (options.small ? 400 : 2000);
const pause = (options) => query(options) / 40;
/** Rows there are, and queries that may be needed until there are reads enough. */
const [ITEMS, QUERIES] = [40, 20];
/** The time by a clock that tabs share. */
const clock = () => performance.timeOrigin + performance.now();

/** Point reads from `start` on, one after each pause whether those before it have come back or not. */
function reading(db, options) {
  let [asked, timer, reads] = [0, undefined, []];
  const point = async () => {
    const id = (asked++ % ITEMS) + 1;
    const [at, start] = [clock(), performance.now()];
    const row = await db.first("SELECT name FROM item WHERE id = ?", id);
    const ms = performance.now() - start;
    check("name", row.name, `item ${id}`);
    return { at, ms };
  };
  return {
    async start() {
      if (asked === 0) for (let i = 0; i < 5; i++) await point();
      timer = setInterval(() => reads.push(point()), pause(options));
    },
    /** What each took of those that were asked before `end`. */
    async stop(end) {
      clearInterval(timer);
      const done = await Promise.all(reads.splice(0));
      return done.filter(({ at }) => at < end).map(({ ms }) => ms);
    },
  };
}

/** The same in another tab. */
async function readingThere(engine, path, options) {
  const call = tab();
  await call("open", engine, path, options);
  return { start: () => call("start"), stop: (end) => call("stop", end), close: () => call("close") };
}

/** What the other tab does. */
export function behindTab() {
  let [db, reader] = [];
  answerTab({
    async open(engine, path, options) {
      db = await (await load(engine)).open(path, options);
      reader = reading(db, options);
    },
    start: () => reader.start(),
    stop: (end) => reader.stop(end),
    close: () => db.close(),
  });
}

/**
 * How far a query gets in a millisecond that nobody disturbs, and how far where no statement can pause: sixty of each, in turns, for
 * the machine is not equally fast all the time; and the median of what the one got to of the other beside it.
 */
export async function lone(engine, path, options) {
  const { open } = await load(engine);
  const dbs = { sliced: await open(path, options), plain: await open(`plain-${path}`, { ...options, plain: true }) };
  for (const db of Object.values(dbs)) await db.exec("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)");
  const count = scaled(1_000_000, options);
  const pairs = [];
  // The first ones run in code that has yet to be compiled well.
  for (let i = 0; i < 70; i++) {
    const pair = {};
    for (const name of i % 2 ? ["plain", "sliced"] : ["sliced", "plain"]) {
      pair[name] = count / (await timed(async () => check("count", (await dbs[name].slow(counting(count)))[0].n, count)));
    }
    if (i >= 10) pairs.push(pair);
  }
  for (const db of Object.values(dbs)) await db.close();
  const middle = (of) => percentile(pairs.map(of), 50);
  return {
    sliced: middle(({ sliced }) => sliced),
    plain: middle(({ plain }) => plain),
    percent: middle(({ sliced, plain }) => (100 * sliced) / plain),
  };
}

/**
 * Point reads made twenty times a second while a query runs that takes two seconds, on another connection if there is one; in the
 * page that asks the query or, with `tab`, in another one. The query is repeated until there are a hundred reads.
 */
export async function behind(engine, path, options) {
  const db = await (await load(engine)).open(path, options);
  await db.exec("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)");
  for (let id = 1; id <= ITEMS; id++) await db.run("INSERT INTO item VALUES (?, ?)", [id, `item ${id}`]);
  const reader = options.tab ? await readingThere(engine, path, options) : reading(db, options);
  let count = 20_000;
  // Its time and how much it counted; the next one counts what it would have in two seconds: what is compiled better is faster.
  const slow = async () => {
    const counted = count;
    const ms = await timed(async () => check("count", (await db.slow(counting(counted)))[0].n, counted));
    count = Math.round(counted * Math.min(8, query(options) / ms));
    return { ms, counted };
  };
  for (let tries = 0, off = 1; tries < 8 && off > 0.2; tries++) off = Math.abs((await slow()).ms / query(options) - 1);
  const alone = await slow();
  const [wanted, times, took] = [scaled(100, options), [], []];
  while (times.length < wanted && took.length < QUERIES) {
    await reader.start();
    took.push(await slow());
    times.push(...(await reader.stop(clock())));
  }
  check("whether there were reads enough", times.length >= wanted, true);
  await reader.close?.();
  await db.close();
  const sum = (key) => took.reduce((sum, each) => sum + each[key], 0);
  return {
    p50: percentile(times, 50), p99: percentile(times, 99), reads: times.length, took,
    alone: alone.counted / alone.ms, beside: sum("counted") / sum("ms"),
  };
}
