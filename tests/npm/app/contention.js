// What a tab does beside others on one database. The package is loaded from where the page's address says: two addresses are
// two deployments.

// Whoever has made a worker is the host.
let hosting = 0;
globalThis.Worker = class extends Worker {
  constructor(...args) {
    super(...args);
    hosting++;
  }

  terminate() {
    hosting--;
    super.terminate();
  }
};
const address = new URLSearchParams(location.search).get("package") ?? "/node_modules/aludel/";
const { createEngine, text } = await import(`${address}index.js`);

let engine;
const told = (error) => `${error?.name}: ${error?.message}`;
const clock = () => performance.timeOrigin + performance.now();
const repeat = (count, work) => Promise.all(Array.from({ length: count }, (_, i) => work(i)));

globalThis.contender = {
  /** Opens the database; the first statement of all makes it. */
  async open(url, statements = [], options = {}) {
    engine = createEngine(url, options);
    await engine.begin(async (conn) => {
      for (const statement of statements) await conn.execute(text(statement));
    });
    return hosting > 0;
  },

  close: () => engine.dispose(),

  scalar: (sql, params) => engine.scalar(text(sql), params),

  rows: async (sql) => [...(await engine.execute(text(sql))).all()].map((row) => [...row]),

  /** Reads a number, computes, writes it: so often, in so many lanes at once. Gives how often that succeeded. */
  async increment({ times, lanes, mode }) {
    const seen = { succeeded: 0, stale: 0, errors: [] };
    await repeat(lanes, async () => {
      for (let i = 0; i < times; i++) {
        try {
          await engine.begin(async (conn) => {
            const n = await conn.scalar(text("SELECT n FROM counter"));
            await conn.execute(text("UPDATE counter SET n = :n"), { n: n + 1 });
          }, { mode });
          seen.succeeded++;
        } catch (error) {
          if (mode === "deferred" && error.sqliteCodeName === "SQLITE_BUSY_SNAPSHOT" && error.retryable) seen.stale++;
          else seen.errors.push(told(error));
        }
      }
    });
    return seen;
  },

  /**
   * Commits versions, each the successor of the one before, and reads what version it is at in between. Each read is an
   * observation: the version, what the versions up to it add up to, and when it began and ended.
   */
  async mix({ tab, commits, reads, lanes }) {
    const observations = [];
    const committed = [];
    const errors = [];
    const guard = (work) => work().catch((error) => errors.push(told(error)));
    const observe = async (lane) => {
      const from = clock();
      const [version, sum] = await engine.begin(async (conn) => {
        const last = await conn.scalar(text("SELECT coalesce(max(version), 0) FROM log"));
        return [last, await conn.scalar(text("SELECT coalesce(sum(version * weight), 0) FROM log"))];
      }, { readOnly: true });
      observations.push({ lane, version, sum, from, to: clock() });
    };
    const commit = async () => {
      const version = await engine.begin(async (conn) => {
        const next = (await conn.scalar(text("SELECT coalesce(max(version), 0) FROM log"))) + 1;
        await conn.execute(text("INSERT INTO log VALUES (:next, :tab, :weight)"), { next, tab, weight: 1 + ((next * 7919 + tab) % 1000) });
        return next;
      });
      committed.push(version);
    };
    await Promise.all([
      guard(async () => {
        for (let i = 0; i < commits; i++) await commit();
      }),
      ...Array.from({ length: lanes }, (_, lane) => guard(async () => {
        for (let i = 0; i < reads; i++) await observe(lane);
      })),
    ]);
    return { observations, committed, errors };
  },

  /**
   * How long point reads take, one after the other, in milliseconds: each, and the average of each ten, since clocks of pages
   * know tenths of a millisecond at best.
   */
  async pointReads(count) {
    const statement = text("SELECT name FROM point WHERE id = :id");
    const seen = { single: [], tens: [] };
    let ten = performance.now();
    for (let i = 1; i <= count; i++) {
      const start = performance.now();
      await engine.scalar(statement, { id: 1 + (i % 100) });
      seen.single.push(performance.now() - start);
      if (i % 10 > 0) continue;
      const now = performance.now();
      seen.tens.push((now - ten) / 10);
      ten = now;
    }
    return seen;
  },
};
