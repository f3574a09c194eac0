// The workloads. Each runs on a page of its own, checks what it got, and returns what it measured.
import { CREATE, COLUMNS, checksum, people } from "./data.js";
import { check, load, longestBlock, percentile, scaled, timed } from "./measure.js";
import { behind, behindTab, lone } from "./workloads/behind.js";
import { blob } from "./workloads/blobs.js";
import { join, parts } from "./workloads/engine_bound.js";

const INSERT = {
  columns: COLUMNS,
  positional: `INSERT INTO person VALUES (${COLUMNS.map(() => "?").join(", ")})`,
  named: `INSERT INTO person VALUES (${COLUMNS.map((column) => `:${column}`).join(", ")})`,
};
const READ = `SELECT ${COLUMNS.join(", ")} FROM person ORDER BY id`;
const rowsOf = (options) => scaled(100_000, options);

/** How long it is until a page has a thousand rows to show; the second time, with all connections there. */
async function firstRows(db) {
  let ms;
  for (let i = 0; i < 2; i++) {
    const start = performance.now();
    for await (const batch of db.batches(READ, 1000)) {
      ms ??= [];
      if (batch[0].id !== 1) throw new Error(`the first row is ${batch[0].id}`);
      ms[i] = performance.now() - start;
      break;
    }
  }
  return ms[1];
}

const workloads = {
  behind,
  behindTab,
  blob,
  join,
  lone,
  parts,

  /** From nothing but a page to the first row of a database on file. */
  async open(engine, path, options) {
    const start = performance.now();
    const { open } = await load(engine);
    const db = await open(path, options);
    const row = await db.first("SELECT ? + 1 AS x", 41);
    const ms = performance.now() - start;
    check("first row", row.x, 42);
    await db.close();
    return { ms };
  },

  /** One call after the other. */
  async sequential(engine, path, options) {
    const count = scaled(3000, options);
    const db = await (await load(engine)).open(path, options);
    for (let i = 0; i < 300; i++) await db.first("SELECT ? AS x", i);
    let sum = 0;
    const ms = await db.reads((first) =>
      timed(async () => {
        for (let i = 0; i < count; i++) sum += (await first("SELECT ? AS x", i)).x;
      }));
    check("sum", sum, (count * (count - 1)) / 2);
    await db.close();
    return { us: (ms * 1000) / count };
  },

  /** A row by its key, as an object, one after the other. */
  async point(engine, path, options) {
    const db = await (await load(engine)).open(path, options);
    const [rows, count] = [people(scaled(20_000, options)), scaled(3000, options)];
    await db.exec(CREATE);
    await db.insertAll(INSERT, rows);
    const ids = Array.from({ length: count }, (_, i) => ((i * 7919) % rows.length) + 1);
    let got;
    const ms = await db.reads(async (first) => {
      const read = async () => {
        got = [];
        for (const id of ids) got.push(await first(`SELECT ${COLUMNS.join(", ")} FROM person WHERE id = ?`, id));
      };
      await read();
      return timed(read);
    });
    check("rows", checksum(got), checksum(ids.map((id) => rows[id - 1])));
    await db.close();
    return { us: (ms * 1000) / count };
  },

  /** All calls at once. */
  async pipelined(engine, path, options) {
    const count = scaled(5000, options);
    const db = await (await load(engine)).open(path, options);
    for (let i = 0; i < 300; i++) await db.first("SELECT ? AS x", i);
    let rows;
    const ms = await db.reads((first) =>
      timed(async () => {
        rows = await Promise.all(Array.from({ length: count }, (_, i) => first("SELECT ? AS x", i)));
      }));
    check("answers", rows.every((row, i) => row.x === i), true);
    await db.close();
    return { ms };
  },

  /** 100,000 objects in one call, twice: once for the time, once for the page's longest block. */
  async insert(engine, path, options) {
    const db = await (await load(engine)).open(path, options);
    const rows = people(rowsOf(options));
    await db.exec(CREATE);
    const ms = await timed(() => db.insertAll(INSERT, rows));
    check("rows", checksum(await db.all(READ)), checksum(rows));
    await db.exec("DELETE FROM person");
    const block = await longestBlock(() => db.insertAll(INSERT, rows));
    check("count", (await db.all("SELECT count(*) AS n FROM person"))[0].n, rows.length);
    await db.close();
    return { ms, block };
  },

  /** 100,000 x 6 cells into objects, likewise. */
  async read(engine, path, options) {
    const db = await (await load(engine)).open(path, options);
    const rows = people(rowsOf(options));
    await db.exec(CREATE);
    await db.insertAll(INSERT, rows);
    const expected = checksum(rows);
    let got = await db.all(READ);
    check("rows before", checksum(got), expected);
    got = null;
    const ms = await timed(async () => {
      got = await db.all(READ);
    });
    check("rows", checksum(got), expected);
    check("columns", Object.keys(got[0]).join(), COLUMNS.join());
    got = null;
    const block = await longestBlock(async () => {
      got = await db.all(READ);
    });
    check("rows after", checksum(got), expected);
    const memory = await globalThis.memory?.();
    got = null;
    const first = db.batches ? await firstRows(db) : ms;
    await db.close();
    return { ms, block, memory, first };
  },

  /** The same rows as a stream, a thousand objects at a time: what a page does that must stay responsive. */
  async streamed(engine, path, options) {
    const db = await (await load(engine)).open(path, options);
    const rows = people(rowsOf(options));
    await db.exec(CREATE);
    await db.insertAll(INSERT, rows);
    const expected = checksum(rows);
    const drain = async () => {
      const got = [];
      for await (const batch of (await db.stream(READ)).mappings().partitions(1000)) got.push(...batch);
      return got;
    };
    check("rows before", checksum(await drain()), expected);
    let got;
    const ms = await timed(async () => {
      got = await drain();
    });
    check("rows", checksum(got), expected);
    got = null;
    const block = await longestBlock(async () => {
      got = await drain();
    });
    check("rows after", checksum(got), expected);
    await db.close();
    return { ms, block };
  },

  /** Inserts of one row, each committed before the next. */
  async autocommit(engine, path, options) {
    const count = scaled(options.count ?? 1000, options);
    const db = await (await load(engine)).open(path, options);
    const rows = people(count + 20).map((row) => COLUMNS.map((column) => row[column]));
    await db.exec(CREATE);
    for (const row of rows.slice(count)) await db.run(INSERT.positional, row);
    if (options.io) await db.fileCalls();
    const ms = await timed(async () => {
      for (const row of rows.slice(0, count)) await db.run(INSERT.positional, row);
    });
    const io = options.io && (await db.fileCalls());
    check("rows", checksum(await db.all(READ)), checksum(people(count + 20)));
    await db.close();
    return { us: (ms * 1000) / count, io, count };
  },

  /** Inserts of one row, each awaited, all in one transaction; then the same rows in one call. */
  async transaction(engine, path, options) {
    const count = scaled(10_000, options);
    const db = await (await load(engine)).open(path, options);
    const rows = people(count);
    const cells = rows.map((row) => COLUMNS.map((column) => row[column]));
    await db.exec(CREATE);
    const awaited = await timed(() =>
      db.transaction(async (run) => {
        for (const row of cells) await run(INSERT.positional, row);
      }));
    check("rows", checksum(await db.all(READ)), checksum(rows));
    await db.exec("DELETE FROM person");
    const ms = await timed(() => db.insertAll(INSERT, rows));
    check("rows of one call", checksum(await db.all(READ)), checksum(rows));
    await db.close();
    return { us: (awaited * 1000) / count, ms };
  },

  /** Point reads, first alone, then while a scan of all rows streams on another connection, again and again, once to its end at least. */
  async beside(engine, path, options) {
    const reads = scaled(1000, options);
    const ROWS = rowsOf(options);
    const db = await (await load(engine)).open(path, options);
    const rows = people(ROWS);
    await db.exec(CREATE);
    await db.insertAll(INSERT, rows);
    const point = async (first, enough = () => true) => {
      const times = [];
      let sum = 0;
      for (let i = 0; i < reads || !enough(); i++) {
        const id = ((i * 7919) % ROWS) + 1;
        const start = performance.now();
        const row = await first("SELECT id, email FROM person WHERE id = ?", id);
        times.push(performance.now() - start);
        sum += row.id - id + row.email.length - rows[id - 1].email.length;
      }
      check("what the point reads gave", sum, 0);
      return { p50: percentile(times, 50), p99: percentile(times, 99) };
    };
    await db.reads((first) => point(first));
    let [running, scanned, ended] = [true, 0, 0];
    const scan = async () => {
      while (running) {
        let got = 0;
        for await (const batch of db.batches(READ, 1000)) {
          got += batch.length;
          scanned += batch.length;
          if (!running) return;
        }
        check("rows of the scan", got, ROWS);
        ended++;
      }
    };
    const start = performance.now();
    const scanning = scan();
    // Until one scan has ended, however many reads that are.
    const figures = await Promise.race([db.reads((first) => point(first, () => ended > 0)), scanning]);
    const rate = scanned / (performance.now() - start);
    running = false;
    await scanning;
    check("a scan that was read to its end", ended > 0, true);
    await db.close();
    return { ...figures, scanned: rate };
  },

  /** Reads `rows` rows as a stream, in a consumer that rests after each batch, and asks for `samples` samples of memory. */
  async stream(engine, path, options, rows, samples) {
    const db = await (await load(engine)).open(path, options);
    const sql = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
      SELECT i AS id, 'name ' || i AS name, i / 8.0 AS score, 'größe ' || i AS note FROM n`;
    const result = await db.stream(sql);
    let count = 0;
    let length = 0;
    let batches = 0;
    for await (const batch of result.partitions(1000)) {
      count += batch.length;
      for (const row of batch) length += row.note.length - String(row.id).length;
      // A consumer slower than the worker: the worker must wait for it, not run ahead.
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (++batches % (rows / 1000 / samples) < 1) await globalThis.sample();
    }
    check("rows", count, rows);
    check("length", length, rows * 6);
    await db.close();
    return {};
  },
};

globalThis.run = (workload, engine, path, options = {}, ...rest) => workloads[workload](engine, path, options, ...rest);
globalThis.ready = true;
