// A tab that writes until it is told to stop, or ends in another way. What it was told by its promises it reports to the
// driver at once; what the driver has not heard of was not acknowledged.

// The page keeps hold of the package's workers, so that they can be ended behind its back.
const workers = new Set();
const { terminate } = Worker.prototype;
globalThis.Worker = class extends Worker {
  constructor(...args) {
    super(...args);
    workers.add(this);
  }

  terminate() {
    workers.delete(this);
    terminate.call(this);
  }
};
const build = new URLSearchParams(location.search).get("build") ?? "a";
const { createEngine, text } = await import(`/${build}/index.js`);

const SCHEMA = [
  "CREATE TABLE IF NOT EXISTS part (tab TEXT, seq INTEGER, parts INTEGER, value INTEGER, total INTEGER)",
  "CREATE TABLE IF NOT EXISTS single (tab TEXT, seq INTEGER)",
  "CREATE TABLE IF NOT EXISTS counter (n INTEGER NOT NULL)",
  "INSERT INTO counter SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM counter)",
  "CREATE TABLE IF NOT EXISTS counted (n INTEGER, tab TEXT, seq INTEGER)",
  "CREATE TABLE IF NOT EXISTS undone (tab TEXT, seq INTEGER)",
  "CREATE TABLE IF NOT EXISTS page (tab TEXT, i INTEGER, seq INTEGER, filling TEXT, PRIMARY KEY (tab, i)) WITHOUT ROWID",
];
/** A large transaction writes this many rows, of about a page each. */
const PAGES = 200;
const FILLING = "substr(replace(hex(zeroblob(450)), '00', printf('%08x', :seq)), 1, 3600)";

const outstanding = new Map();
let engine;
let tab;
let seq = 0;
let running = null;

// Reports, one request at a time, in their order.
const waiting = [];
let sending = false;
async function send() {
  if (sending) return;
  sending = true;
  while (waiting.length > 0) {
    const events = waiting.splice(0, 100);
    await fetch("/report", { method: "POST", keepalive: true, body: JSON.stringify({ tab, events }) }).catch(() => undefined);
  }
  sending = false;
}

const clock = () => performance.timeOrigin + performance.now();

/** Runs one piece of work, and reports what its promise said. */
async function attempt(kind, work) {
  const event = { seq: ++seq, kind, from: clock() };
  outstanding.set(event.seq, event);
  try {
    await work(event.seq);
    event.outcome = "done";
  } catch (error) {
    event.outcome = "failed";
    event.error = { name: error?.name ?? typeof error, message: String(error?.message ?? error), retryable: error?.retryable };
  }
  event.to = clock();
  outstanding.delete(event.seq);
  waiting.push(event);
  void send();
  return event.outcome === "done";
}

const sum = (values) => values.reduce((a, b) => a + b, 0);
const values = (count) => Array.from({ length: count }, () => Math.floor(Math.random() * 1e6));
const PART = text("INSERT INTO part VALUES (:tab, :seq, :parts, :value, :total)");
const UNDONE = text("INSERT INTO undone VALUES (:tab, :seq)");
const setsOf = (seq, list) => list.map((value) => ({ tab, seq, parts: list.length, value, total: sum(list) }));

/** What a tab does over and over; each kind leaves traces by which the driver can tell all from half and once from twice. */
const KINDS = {
  // A transaction of several statements.
  parts: (seq) => engine.begin(async (conn) => {
    for (const set of setsOf(seq, values(1 + (seq % 5)))) await conn.execute(PART, set);
  }),
  // The same, driven by hand.
  commit: async (seq) => {
    const conn = await engine.connect();
    try {
      for (const set of setsOf(seq, values(2))) await conn.execute(PART, set);
      await conn.commit();
    } finally {
      await conn.close();
    }
  },
  // One statement with many sets of parameters, in a transaction of its own.
  many: async (seq) => {
    const result = await engine.execute(PART, setsOf(seq, values(6)));
    if (result.rowcount !== 6) throw new Error(`6 rows were inserted, and ${result.rowcount} are said to be`);
  },
  // One statement by itself; doing it twice would show.
  single: async (seq) => {
    const result = await engine.execute(text("INSERT INTO single VALUES (:tab, :seq)"), { tab, seq });
    if (result.rowcount !== 1) throw new Error(`1 row was inserted, and ${result.rowcount} are said to be`);
  },
  returning: async (seq) => {
    const got = await engine.scalar(text("INSERT INTO single VALUES (:tab, :seq) RETURNING seq"), { tab, seq });
    if (got !== seq) throw new Error(`${seq} was inserted, and ${got} came back`);
  },
  // Reads, computes, writes: an update that gets lost leaves a gap between the counter and what was counted.
  count: (seq) => engine.begin(async (conn) => {
    const n = (await conn.scalar(text("SELECT n FROM counter"))) + 1;
    await conn.execute(text("UPDATE counter SET n = :n"), { n });
    await conn.execute(text("INSERT INTO counted VALUES (:n, :tab, :seq)"), { n, tab, seq });
  }),
  // A savepoint that is rolled back within a transaction that is not, and one that is released.
  savepoint: (seq) => engine.begin(async (conn) => {
    const [first, second] = setsOf(seq, values(2));
    await conn.execute(PART, first);
    const savepoint = await conn.beginNested();
    await conn.execute(UNDONE, { tab, seq });
    await savepoint.rollback();
    await conn.beginNested(() => conn.execute(PART, second));
  }),
  // Rolled back: nothing of it may ever be seen.
  rollback: async (seq) => {
    const conn = await engine.connect();
    try {
      await conn.execute(UNDONE, { tab, seq });
      await conn.rollback();
    } finally {
      await conn.close();
    }
  },
  // Many pages in one transaction: commits that take a while, and checkpoints with something to do.
  pages: (seq) => engine.begin(async (conn) => {
    for (const odd of [0, 1]) {
      await conn.execute(text(`UPDATE page SET seq = :seq, filling = ${FILLING} WHERE tab = :tab AND i % 2 = :odd`), { seq, tab, odd });
    }
  }),
  read: async () => {
    await engine.execute(text("SELECT count(*), max(seq) FROM part WHERE tab = :tab"), { tab });
  },
};

/** A database that is to take the place of another: so many rows, all of one generation. */
let source;
async function databaseOf(generation) {
  source ??= createEngine("sqlite://");
  await source.begin(async (conn) => {
    await conn.execute(text("DROP TABLE IF EXISTS whole"));
    await conn.execute(text("CREATE TABLE whole (generation INTEGER, rows INTEGER, filling TEXT)"));
    // Every other one is smaller than the one before, so that its end is cut off.
    const rows = 100 + ((generation * 571) % 900);
    const counted = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)";
    await conn.execute(text(`INSERT INTO whole ${counted} SELECT :seq, :rows, ${FILLING} FROM n`), { seq: generation, rows });
  });
  await source.execute(text("VACUUM"));
  return source.exportBytes();
}
const WHOLE = `SELECT count(*), min(generation), max(generation), min(rows), max(rows), sum(filling = ${FILLING.replace(":seq", "generation")}) FROM whole`;

KINDS.import = async (seq) => engine.importBytes(await databaseOf(seq));
KINDS.look = async () => {
  if (!(await engine.hasTable("whole"))) return;
  const [count, least, most, rows, , filled] = [...(await engine.execute(text(WHOLE))).one()];
  if (least !== most || count !== rows || filled !== count) throw new Error(`${count} of ${rows} rows of ${least}..${most}, ${filled} whole`);
};

/** So many rows of a tab are all of one number, whoever looks: what changes them takes long enough to be suspended. */
const BULK = 20_000;
/** The first numbers. */
const NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :end)";
/** What was to be rolled back shows, too: it is below 0, and not changed again. */
const SWEEP = text("UPDATE bulk SET seq = :value WHERE tab = :tab AND seq >= 0");

// A second of work and more without a row, so that it is suspended again and again; it has no snapshot.
KINDS.scan = async () => {
  const end = 1_000_000;
  const counted = await engine.scalar(text(`${NUMBERS} SELECT count(*) FROM n`), { end });
  if (counted !== end) throw new Error(`${end} numbers were asked for, and ${counted} were counted`);
};
// As long, with a snapshot, which stays as it is however often the statement is suspended and others commit.
KINDS.survey = async () => {
  const end = 100;
  const looked = text(`${NUMBERS} SELECT count(*), min(seq), max(seq) FROM bulk CROSS JOIN n WHERE tab = :tab`);
  const [count, least, most] = [...(await engine.execute(looked, { end, tab })).one()];
  if (count !== end * BULK || least !== most || least < 0) throw new Error(`half: ${count / end} of ${BULK} rows were seen, of ${least}..${most}`);
};
// Long writes within savepoints: one that is rolled back, with one in it that was released, and one that is released in another.
KINDS.sweep = (seq) => engine.begin(async (conn) => {
  const set = async (value) => {
    const { rowcount } = await conn.execute(SWEEP, { value, tab });
    if (rowcount !== BULK) throw new Error(`${BULK} rows are the tab's, and ${rowcount} were changed`);
  };
  const undone = await conn.beginNested();
  await set(-1);
  await conn.beginNested(() => conn.execute(UNDONE, { tab, seq }));
  await undone.rollback();
  await conn.beginNested(() => conn.beginNested(() => set(seq)));
});
// Stopped in the midst of writing, or while it waits for its turn, or not in time: it is rolled back in any case.
KINDS.interrupted = async () => {
  const conn = await engine.connect();
  try {
    if (Math.random() < 0.8) await conn.begin({ mode: "immediate" });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), Math.random() * 600);
    await conn.execute(text("UPDATE bulk SET seq = -2"), {}, { signal: controller.signal }).catch((error) => {
      if (error?.name !== "AbortError") throw error;
    });
    await conn.rollback();
  } finally {
    await conn.close();
  }
};
// A table that nobody else ever sees; statements that are suspended meanwhile were prepared for another schema.
KINDS.tables = () => engine.begin(async (conn) => {
  await conn.execute(text(`CREATE TABLE passing AS ${NUMBERS.replace(":end", "5000")} SELECT i, printf('%08x', i * 7919 % 5003) AS filling FROM n`));
  await conn.execute(text("CREATE INDEX passing_filling ON passing (filling)"));
  await conn.execute(text("DROP TABLE passing"));
});
KINDS.vacuum = async () => {
  await engine.execute(text("VACUUM"));
};
// Those who read meanwhile keep it from copying all, which is no error.
KINDS.checkpoint = async () => {
  await engine.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"));
};

/** What a tab does: which kinds follow one another, side by side with the others. */
const WORK = {
  write: { before: setUp, loops: [["parts", "savepoint", "parts", "commit"], ["single", "returning", "many", "rollback"], ["count", "read"], ["pages"]] },
  import: { loops: [["import"]] },
  look: { loops: [["look"], ["look"]] },
  pause: {
    before: setUpBulk,
    loops: [
      ["parts", "savepoint", "commit"], ["single", "returning", "many", "rollback"], ["count", "read"], ["pages"],
      ["scan"], ["scan", "survey"], ["sweep", "interrupted"], ["tables", "vacuum", "checkpoint"],
    ],
    // None of the loops is to wait for a connection.
    options: { poolSize: 8 },
  },
};

async function setUp() {
  await engine.begin(async (conn) => {
    for (const statement of SCHEMA) await conn.execute(text(statement));
    const rows = `INSERT OR IGNORE INTO page WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${PAGES - 1})`;
    await conn.execute(text(`${rows} SELECT :tab, i, 0, ${FILLING} FROM n`), { tab, seq: 0 });
  });
}

async function setUpBulk() {
  await setUp();
  await engine.begin(async (conn) => {
    await conn.execute(text("CREATE TABLE IF NOT EXISTS bulk (tab TEXT, i INTEGER, seq INTEGER, PRIMARY KEY (tab, i)) WITHOUT ROWID"));
    await conn.execute(text(`INSERT OR IGNORE INTO bulk ${NUMBERS} SELECT :tab, i, 0 FROM n`), { tab, end: BULK });
  });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

globalThis.crash = {
  /** Writes until `stop()`. What fails is tried anew, as a new piece of work: the engine is to come back by itself. */
  start({ url, options, name, work = "write", first = 0 }) {
    tab = name;
    seq = first;
    const { before, loops, options: own } = WORK[work];
    engine = createEngine(url, { ...options, ...own });
    const going = { on: true };
    const loop = async (kinds) => {
      for (let i = 0; going.on; i++) {
        const kind = kinds[i % kinds.length];
        if (!(await attempt(kind, KINDS[kind]))) await pause(20);
      }
    };
    const all = async () => {
      while (before !== undefined && going.on && !(await attempt("setup", before))) await pause(20);
      await Promise.all(loops.map(loop));
    };
    running = { going, all: all() };
  },
  /** Begins nothing new. */
  stop() {
    running.going.on = false;
  },
  /** What is still waited for. */
  outstanding: () => [...outstanding.values()].map((event) => ({ ...event, since: clock() - event.from })),
  /** For whoever wonders why it does not go on. */
  state: () => ({ seq, going: running.going.on, waiting: waiting.length, sending, pool: engine.pool.status(), outstanding: crash.outstanding() }),
  /** Whether everything was answered and reported. */
  idle: () => outstanding.size === 0 && waiting.length === 0 && !sending,
  /** Whether the names of the database's files are safe from a power cut; undefined where the package cannot tell. */
  settled: () => engine.storage.settled,
  /** Whether this page has made a worker that still runs. */
  isHost: () => workers.size > 0,
  /** Ends the workers as a browser would that is short of memory: nobody is told. */
  terminate() {
    const ended = [...workers];
    workers.clear();
    for (const worker of ended) terminate.call(worker);
    return ended.length;
  },
  /** All that the database holds, from one snapshot. */
  async dump({ url }) {
    const engine = createEngine(url);
    try {
      const check = (await engine.execute(text("PRAGMA integrity_check"))).scalars().all();
      return await engine.begin(async (conn) => {
        const rows = async (sql) => [...(await conn.execute(text(sql))).all()].map((row) => [...row]);
        const has = async (name) => (await conn.scalar(text("SELECT count(*) FROM sqlite_schema WHERE name = :name"), { name })) > 0;
        if (await has("whole")) return { check, whole: (await rows(WHOLE))[0] };
        if (!(await has("page"))) return { check };
        const bulk = (await has("bulk")) ? await rows("SELECT tab, count(*), min(seq), max(seq) FROM bulk GROUP BY tab") : [];
        return {
          check,
          bulk,
          passing: await has("passing"),
          parts: await rows("SELECT tab, seq, count(*), min(parts), max(parts), sum(value), min(total), max(total) FROM part GROUP BY tab, seq"),
          single: await rows("SELECT tab, seq, count(*) FROM single GROUP BY tab, seq"),
          counter: await conn.scalar(text("SELECT n FROM counter")),
          counted: await rows("SELECT n, tab, seq FROM counted ORDER BY n"),
          undone: await conn.scalar(text("SELECT count(*) FROM undone")),
          pages: await rows(`SELECT tab, count(*), min(seq), max(seq), sum(filling = ${FILLING.replace(":seq", "seq")}) FROM page GROUP BY tab`),
        };
      }, { readOnly: true });
    } finally {
      await engine.dispose();
    }
  },
};
