// How long a statement goes on when its AbortSignal has fired: until its connection has answered the ROLLBACK behind it.
//
//     node benches/cancel.mjs [--browser firefox] [--times 60] [--only "50 KB"]
//
// Each statement is run over 300,000 rows, over 2,000 long texts, or over a full-text index of 100,000, and stopped after
// another part of the time that it takes, in a page, from a database in a file. Those that were done before are left out.
// With --only, those whose names have this in them.
import { parseArgs } from "node:util";
import { BROWSERS, launch } from "./browser.mjs";
import { serve } from "./server.mjs";

const { values: asked } = parseArgs({
  options: { browser: { type: "string", default: "chromium" }, times: { type: "string", default: "60" }, only: { type: "string", default: "" } },
});
if (!(asked.browser in BROWSERS)) throw new Error(`there is no browser ${asked.browser}`);

const COUNTED = "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < :end) SELECT i FROM r";
const STATEMENTS = [
  ["ORDER BY a text", "SELECT count(*) FROM (SELECT id FROM t ORDER BY v LIMIT -1 OFFSET 1)"],
  ["ORDER BY an expression", "SELECT count(*) FROM (SELECT id FROM t ORDER BY n * 3 % 1001, v LIMIT -1 OFFSET 1)"],
  ["GROUP BY a text", "SELECT count(*) FROM (SELECT v, count(*) FROM t GROUP BY v)"],
  ["CREATE INDEX", "CREATE INDEX by_v ON t(v)"],
  ["count(DISTINCT)", "SELECT count(DISTINCT v || 'x') FROM t"],
  ["join without an end", "SELECT count(*) FROM t a, t b WHERE a.n = b.n + a.id % 3"],
  ["UPDATE of every row", "UPDATE t SET n = n + 1"],
  ["DELETE of every row", "DELETE FROM t"],
  ["PRAGMA integrity_check", "PRAGMA integrity_check"],
  // With a list of sets of parameters.
  ["INSERT of 300,000 sets", "INSERT INTO t (v, n) VALUES (:v, :n)", Array.from({ length: 300_000 }, (_, i) => ({ v: `text ${i}`, n: i }))],
  ["1,000 quick sets and one without an end", `INSERT INTO t (n) SELECT max(i) FROM (${COUNTED})`, Array.from({ length: 1_001 }, (_, i) => ({ end: i < 1_000 ? 1 : 1_000_000_000 }))],
  // What it has written is written, and its rows are fetched.
  ["UPDATE of every row, RETURNING", "UPDATE t SET n = n + 1 RETURNING id, v"],
  // Another one each time: none of them has been prepared before.
  ["a text of 2.6 MB", `SELECT {run}, count(*) FROM (VALUES ${Array.from({ length: 300_000 }, (_, i) => `(${i})`).join()})`],
];
const LARGE = [
  ["length of texts of 50 KB", "SELECT sum(length(body)) FROM d"],
  ["LIKE in texts of 50 KB", "SELECT count(*) FROM d WHERE body LIKE '%nowhere%'"],
  ["hex() of 100 KB for each row", "SELECT sum(length(hex(zeroblob(100000 + id % 7)))) FROM t WHERE id <= 500"],
  ["UPDATE of texts of 50 KB", "UPDATE d SET body = body || 'x'"],
  ["DELETE of texts of 50 KB", "DELETE FROM d WHERE id > 0"],
  ["IN of 300,000 numbers", `SELECT {run}, count(*) FROM t WHERE n IN (${Array.from({ length: 300_000 }, (_, i) => i).join()})`],
  ["IN of 300,000 texts", `SELECT {run}, count(*) FROM t WHERE v IN (${Array.from({ length: 300_000 }, (_, i) => `'text ${i}'`).join()})`],
  ["CASE of 15,000 numbers", `SELECT {run}, CASE n ${Array.from({ length: 15_000 }, (_, i) => `WHEN ${i + 1000} THEN ${i}`).join(" ")} END FROM t LIMIT 1`],
];
const FULL_TEXT = [
  ["phrase that is nowhere", `SELECT count(*) FROM f WHERE f MATCH '"text some"'`],
  ["bm25 of a word that is everywhere", "SELECT count(*) FROM (SELECT 1 FROM f WHERE f MATCH 'some' ORDER BY rank LIMIT -1 OFFSET 1)"],
  ["PRAGMA integrity_check, with full text", "PRAGMA integrity_check"],
  ["INSERT of 100,000 texts", "INSERT INTO f SELECT v || ' ' || hex(id * 7919 % 100003) FROM t LIMIT 100000"],
  ["optimize", "INSERT INTO f(f) VALUES('optimize')"],
  ["rebuild", "INSERT INTO f(f) VALUES('rebuild')"],
  ["DELETE of every text", "DELETE FROM f"],
];

const launched = await launch(asked.browser);
const server = await serve({ peers: true });
try {
  console.log(await launched.browser.version());
  const page = await launched.browser.newPage();
  await page.goto(`${launched.originOf(server)}/bench/index.html`);
  await page.waitForFunction("globalThis.ready");
  await page.evaluate(async () => {
    const { createEngine, text } = await import("aludel");
    const engine = createEngine("sqlite:///cancel.db");
    await engine.execute(text("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n INTEGER)"));
    await engine.execute(text(`WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 300000)
      INSERT INTO t SELECT i, hex(i * 7919 % 300007) || ' some text', i * 7919 % 1000 FROM r`));
    const conn = await engine.connect();
    /** Makes a full-text index, in segments that were written one by one. */
    globalThis.index = async () => {
      await engine.execute(text("CREATE VIRTUAL TABLE f USING fts5(v)"));
      for (let part = 0; part < 4; part++) await engine.execute(text(`INSERT INTO f SELECT v FROM t WHERE id % 12 = ${part}`));
    };
    /** Makes texts that take pages of their own. */
    globalThis.fill = () => engine.begin(async (conn) => {
      await conn.execute(text("CREATE TABLE d (id INTEGER PRIMARY KEY, body TEXT)"));
      await conn.execute(text(`INSERT INTO d SELECT id, replace(hex(zeroblob(2500)), '00', '{"a": ' || id || '}') FROM t LIMIT 2000`));
    });
    /** Of `times` that one was stopped, how long it took each time. */
    globalThis.stop = async (sql, sets, endless, times) => {
      let whole = 300;
      if (!endless) {
        const start = performance.now();
        await conn.execute(text(sql.replace("{run}", -1)), sets);
        whole = performance.now() - start;
        await conn.rollback();
      }
      const waits = [];
      for (let i = 0; i < times; i++) {
        const controller = new AbortController();
        const running = conn.execute(text(sql.replace("{run}", i)), sets, { signal: controller.signal });
        const outcome = running.then(() => "done", (error) => error.name);
        await new Promise((resolve) => setTimeout(resolve, whole * (0.05 + (0.9 * i) / times)));
        const start = performance.now();
        controller.abort();
        const how = await outcome;
        await conn.rollback();
        if (how === "AbortError") waits.push(performance.now() - start);
        else if (how !== "done") throw new Error(`${sql}: ${how}`);
      }
      return { whole, waits: waits.sort((a, b) => a - b) };
    };
  });
  const stopEach = async (statements) => {
    for (const [what, sql, sets = {}] of statements.filter(([what]) => what.includes(asked.only))) {
      const { whole, waits } = await page.evaluate(
        (sql, sets, endless, times) => globalThis.stop(sql, sets, endless, times), sql, sets, what.includes("without an end"), Number(asked.times));
      const at = (part) => waits[Math.min(waits.length - 1, Math.floor(part * waits.length))]?.toFixed(1);
      console.log(`${what}, ${whole.toFixed(0)} ms: stopped ${waits.length} times, ms: median ${at(0.5)}, 90th percentile ${at(0.9)}, at most ${at(1)}`);
    }
  };
  await stopEach(STATEMENTS);
  await page.evaluate(() => globalThis.fill());
  await stopEach(LARGE);
  await page.evaluate(() => globalThis.index());
  await stopEach(FULL_TEXT);
} finally {
  await launched.close();
  await server.close();
}
