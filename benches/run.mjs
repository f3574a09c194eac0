// aludel beside its peers, in one headless Chromium, interleaved. `cargo xtask bench [--rounds N] [--only NAME,...] [--engines NAME,...]`
import { appendFileSync, existsSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { launch, versionOf } from "./browser.mjs";
import { streamingPeaks } from "./memory.mjs";
import { median, report, table } from "./report.mjs";
import { serve } from "./server.mjs";

const { values: asked } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
    engines: { type: "string" },
    json: { type: "string" },
  },
});
const rounds = Number(asked.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${asked.rounds} is no count`);

const packaged = existsSync(new URL("../pkg/index.js", import.meta.url));
const ENGINES = [
  { name: "aludel", title: "aludel", own: true, durable: true },
  { name: "sqlite-wasm", title: "sqlite-wasm sahpool", durable: true },
  { name: "sql.js", title: "sql.js (memory)" },
  { name: "echo", title: "bare worker", floor: true },
].filter(({ name }) => (asked.engines ? asked.engines.split(",").includes(name) : name !== "aludel" || packaged));
if (!packaged) console.log("pkg/ is not there (cargo xtask package makes it): only the peers are measured");
if (!ENGINES.some((engine) => engine.own)) ENGINES.unshift({ name: "aludel", title: "aludel", own: true, absent: true });

const db = ["aludel", "sqlite-wasm", "sql.js"];
// `figures` are the keys of what a workload returns; targets are those of the table of peers, for sqlite-wasm.
const WORKLOADS = [
  { name: "open", variant: "cold", engines: db, figures: { ms: { title: "open to first row, cold, ms", target: "1.0x" } } },
  { name: "open", variant: "warm", engines: db, figures: { ms: { title: "open to first row, warm, ms", target: "1.0x" } } },
  { name: "sequential", engines: [...db, "echo"], figures: { us: { title: "round trip, us", target: "0.9x" } } },
  { name: "pipelined", engines: [...db, "echo"], figures: { ms: { title: "5,000 calls at once, ms", target: "0.4x" } } },
  {
    name: "insert",
    engines: db,
    figures: {
      ms: { title: "insert 100,000 objects, ms", target: "0.25x" },
      block: { title: "  longest main-thread block, ms" },
    },
  },
  {
    name: "read",
    engines: db,
    figures: {
      ms: { title: "read 100,000 x 6 into objects, ms", target: "0.25x" },
      block: { title: "  longest main-thread block, ms" },
    },
  },
  {
    name: "streamed",
    engines: ["aludel"],
    figures: { ms: { title: "  the same rows as a stream, ms" }, block: { title: "  longest main-thread block, ms (16 or less)" } },
  },
  { name: "autocommit", engines: db, figures: { us: { title: "1,000 autocommitted inserts, us each", target: "0.25x" } } },
  {
    name: "autocommit",
    variant: "full",
    engines: ["aludel", "sqlite-wasm"],
    options: { aludel: { durability: "full" } },
    figures: { us: { title: "  aludel at durability full, us", target: "1.0x" } },
  },
  {
    name: "autocommit",
    variant: "wal",
    engines: ["aludel", "sqlite-wasm"],
    options: { "sqlite-wasm": { wal: true } },
    figures: { us: { title: "  sqlite-wasm in exclusive WAL, us" } },
  },
  ...["normal", "full"].flatMap((durability) => ["marked", "unmarked"].map((io) => ({
    name: "autocommit",
    variant: `${durability}, ${io}`,
    engines: ["aludel"],
    options: { aludel: { durability, io } },
    figures: { us: { title: `  aludel at ${durability}, file calls counted, ${io === "marked" ? "with" : "without"} commit marks, us` } },
  }))),
  ...["normal", "full"].map((durability) => ({
    name: "transaction",
    variant: durability,
    engines: durability === "normal" ? db : ["aludel", "sqlite-wasm"],
    options: { aludel: { durability } },
    figures: {
      us: { title: durability === "normal" ? "10,000 awaited inserts in one transaction, us each" : "  aludel at durability full, us", target: "1.0x" },
      ms: { title: durability === "normal" ? "  the same rows in one call, ms" : "  the same rows in one call, aludel at full, ms" },
    },
  })),
  {
    name: "beside",
    engines: ["aludel", "sqlite-wasm"],
    figures: {
      alone: { title: "point read by its key, alone, us" },
      p50: { title: "  beside a scan that streams, p50 ms" },
      p99: { title: "  beside a scan that streams, p99 ms" },
      scanned: { title: "  rows that the scan gave meanwhile, a ms (more is better)" },
    },
  },
].filter(({ name }) => !asked.only || asked.only.split(",").includes(name));

const { browser, version, close } = await launch();
const server = await serve();
const figures = WORKLOADS.flatMap((workload) =>
  Object.entries(workload.figures).map(([key, figure]) => ({ ...figure, key, workload, values: {} })));
let failed = 0;
/** What a round of a workload said beside its figures, by the name of the variant. */
const details = {};

/** One workload of one engine, on a page of its own. */
async function measure(workload, engine, round) {
  const page = await browser.newPage();
  const path = `${workload.name}-${workload.variant ?? "plain"}-${round}.db`;
  const options = workload.options?.[engine.name] ?? {};
  const run = async () => {
    await page.goto(`${server.origin}/bench/index.html`);
    await page.waitForFunction("globalThis.ready");
    return page.evaluate((...args) => globalThis.run(...args), workload.name, engine.name, path, options);
  };
  try {
    if (workload.variant === "cold") {
      const session = await page.createCDPSession();
      await session.send("Network.clearBrowserCache");
    }
    // A warm opening finds the database, and the browser's cache, of a visit before it.
    if (workload.variant === "warm") await run();
    return await run();
  } finally {
    await page.close();
  }
}

try {
  console.log(`${version}, ${cpus().length} x ${cpus()[0]?.model ?? "cpu"}, ${rounds} rounds, medians; ` +
    `@sqlite.org/sqlite-wasm ${versionOf("@sqlite.org/sqlite-wasm")}, sql.js ${versionOf("sql.js")}`);
  for (let round = 0; round < rounds; round++) {
    for (const workload of WORKLOADS) {
      const engines = ENGINES.filter(({ name, absent }) => !absent && workload.engines.includes(name));
      // Who goes first changes from round to round.
      for (let i = 0; i < engines.length; i++) {
        const engine = engines[(i + round) % engines.length];
        try {
          const result = await measure(workload, engine, round);
          if (result.io) details[workload.variant] = result;
          for (const { key, values } of figures.filter((figure) => figure.workload === workload)) {
            (values[engine.name] ??= []).push(result[key]);
          }
        } catch (error) {
          failed++;
          console.error(`${workload.name} ${workload.variant ?? ""} on ${engine.name} failed: ${error.message}`);
        }
      }
    }
    process.stderr.write(`round ${round + 1} of ${rounds} done\n`);
  }
  console.log(`\n${report(figures, ENGINES)}`);
  for (const durability of ["normal", "full"]) {
    const [marked, unmarked] = ["marked", "unmarked"].map((io) =>
      figures.find(({ workload }) => workload.variant === `${durability}, ${io}`)?.values.aludel);
    const { io, count } = details[`${durability}, marked`] ?? {};
    if (!marked || !unmarked || !io) continue;
    const costs = marked.map((us, round) => us - unmarked[round]);
    const calls = Object.entries(io).map(([file, { writes, bytes, flushes }]) =>
      `${file} ${(writes / count).toFixed(2)} writes of ${writes ? (bytes / writes).toFixed(0) : 0} bytes, ${(flushes / count).toFixed(2)} flushes`);
    const [cost, least, most] = [median(costs), Math.min(...costs), Math.max(...costs)].map((us) => us.toFixed(0));
    console.log(`\nAt ${durability}, the mark of a commit costs ${cost} us (${least}..${most}) of its ${median(marked).toFixed(0)}. ` +
      `Calls to files a commit: ${calls.join("; ")}`);
  }

  if (packaged && (!asked.only || asked.only.split(",").includes("memory")) && (!asked.engines || asked.engines.includes("aludel"))) {
    const peaks = await streamingPeaks({ browser, origin: server.origin });
    const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
    console.log("\nPeak memory while streaming to a slow consumer, after collection, MiB\n");
    console.log(table(
      ["rows", "page", "worker", "wasm of both", "peak of the sum", "samples"],
      peaks.map(({ rows, peak }) => [rows.toLocaleString("en"), mib(peak.page), mib(peak.worker), mib(peak.wasm),
        mib(peak.total), String(peak.samples)]),
    ));
    console.log(`\n1,000,000 rows take ${(peaks[1].peak.total / peaks[0].peak.total).toFixed(3)}x the peak of 100,000`);
  }
  if (asked.json) appendFileSync(asked.json, `${JSON.stringify({ version, rounds, figures: figures.map(({ title, values }) => ({ title, values })) })}\n`);
} finally {
  await close();
  await server.close();
}
process.exitCode = failed ? 1 : 0;
