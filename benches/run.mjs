// aludel beside its peers, in one headless Chromium, interleaved: `cargo xtask bench [--rounds N] [--only NAME,...] ...`
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launch, versionOf } from "./browser.mjs";
import { heldBy, streamingPeaks } from "./memory.mjs";
import { native } from "./native.mjs";
import { markdown, median, report, table } from "./report.mjs";
import { pkg, serve } from "./server.mjs";
import * as all from "./workloads.mjs";

const { values: asked } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
    engines: { type: "string" },
    json: { type: "string" },
    markdown: { type: "string" },
    small: { type: "boolean", default: false },
  },
});
const rounds = Number(asked.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${asked.rounds} is no count`);
const listed = (list, names, what) => {
  const wanted = list?.split(",") ?? names;
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`there is no ${what} ${unknown}, but ${names.join(", ")}`);
  return wanted;
};
const workloadNames = [...new Set(all.WORKLOADS.map(({ name }) => name)), "memory"];
const only = listed(asked.only, workloadNames, "workload");
const wanted = listed(asked.engines, all.ENGINES.map(({ name }) => name), "engine");
const packaged = existsSync(`${pkg}/index.js`);
const built = fileURLToPath(new URL("../target/native/release/native", import.meta.url));
const program = process.env.ALUDEL_NATIVE ?? (existsSync(built) ? built : undefined);
// aludel's column stays, so that tables have one form.
const ENGINES = all.ENGINES.filter(({ name, own }) => own || wanted.includes(name));
const runs = (name) => wanted.includes(name) && (packaged || name !== "aludel");
const WORKLOADS = all.WORKLOADS.filter(({ name }) => only.includes(name));
const note = (line) => process.stderr.write(`${line}\n`);
if (!packaged) note("pkg/ is not there (cargo xtask package makes it): only the peers are measured");
if (!program) note("target/native is not there (cargo xtask bench builds it): native SQLite is not measured");

const { browser, version, close } = await launch();
const servers = { plain: await serve({ peers: true }), isolated: await serve({ peers: true, isolated: true }) };
const figures = WORKLOADS.flatMap((workload) =>
  Object.entries(workload.figures).map(([key, figure]) => ({ ...figure, key, workload, values: {} })));
let failed = 0;
/** What a run said beside its figures, by workload and variant: what each engine answered, and counts. */
const details = {};

/** One workload of one engine, on a page of its own. */
async function measure(workload, engine, round) {
  const options = { ...workload.options?.[engine.name], small: asked.small };
  if (engine.limit && workload.native) return native(program, workload.native, options);
  const server = engine.isolated ? servers.isolated : servers.plain;
  const page = await browser.newPage();
  const path = `${engine.name.replace(/\W/g, "")}-${workload.name}-${workload.variant?.replace(/\W+/g, "-") ?? "plain"}-${round}.db`;
  const name = engine.limit ? "echo" : engine.name;
  const run = async () => {
    if (process.env.ALUDEL_BENCH_LOG) {
      page.on("console", (said) => note(said.text())).on("pageerror", (error) => note(String(error)));
      page.on("workercreated", (worker) => worker.on("console", (said) => note(said.text())));
    }
    await page.goto(`${server.origin}/bench/index.html`);
    await page.waitForFunction("globalThis.ready");
    return page.evaluate((...args) => globalThis.run(...args), workload.name, name, path, options);
  };
  try {
    // SQLocal's second worker sleeps where nobody can ask it anything.
    if ("memory" in workload.figures && !engine.isolated) await page.exposeFunction("memory", () => heldBy(page));
    if (workload.variant === "cold") {
      const session = await page.createCDPSession();
      await session.send("Network.clearBrowserCache");
    }
    // A warm opening finds the database, and the browser's cache, of a visit before it.
    if (workload.variant === "warm") await run();
    server.loaded();
    const result = await run();
    if (workload.variant === "cold") {
      result.files = server.loaded();
      result.bytes = result.files.reduce((sum, [, bytes]) => sum + bytes, 0) / 1000;
    }
    return result;
  } finally {
    // Nobody reads it again, and all of them together would be gigabytes.
    const session = await page.createCDPSession();
    await session.send("Storage.clearDataForOrigin", { origin: server.origin, storageTypes: "file_systems" });
    await page.close();
  }
}

/** The longest that a measurement may take; one that hangs is not to hold up the others. */
const LONGEST = 240_000;

function within(work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${LONGEST / 1000} s`)), LONGEST);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Whether an engine has this workload. */
const has = (workload, engine) =>
  engine.limit ? workload.echo || (workload.native && program) : workload.engines.includes(engine.name) && runs(engine.name);

try {
  const packages = [...new Set(ENGINES.flatMap((engine) => engine.package ?? []))];
  const about = `${version}, ${cpus().length} x ${cpus()[0]?.model ?? "cpu"}, ${rounds} rounds, medians; ` +
    packages.map((name) => `${name} ${versionOf(name)}`).join(", ");
  note(about);
  for (let round = 0; round < rounds; round++) {
    const begun = Date.now();
    for (const workload of WORKLOADS) {
      const engines = ENGINES.filter((engine) => has(workload, engine));
      const key = `${workload.name} ${workload.variant ?? ""}`.trim();
      const start = Date.now();
      // Who goes first changes from round to round.
      for (let i = 0; i < engines.length; i++) {
        const engine = engines[(i + round) % engines.length];
        try {
          const result = await within(measure(workload, engine, round));
          const told = (details[key] ??= { answers: {}, results: {} });
          told.results[engine.name] = result;
          if (result.answer !== undefined) told.answers[engine.name] = result.answer;
          // A figure of another database is none.
          const [[first, answer] = []] = Object.entries(told.answers);
          if (answer !== result.answer) throw new Error(`its answer is ${result.answer}, and ${first}'s ${answer}`);
          for (const { key, values } of figures.filter((figure) => figure.workload === workload)) {
            if (result[key] !== undefined) (values[engine.name] ??= []).push(result[key]);
          }
        } catch (error) {
          failed++;
          note(`${key} on ${engine.name} failed: ${error.message}`);
        }
      }
      note(`  ${key}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
    }
    note(`round ${round + 1} of ${rounds} took ${((Date.now() - begun) / 1000).toFixed(0)} s`);
  }
  const { head, rows } = report(figures.filter(({ workload }) => !workload.details), ENGINES);
  console.log(`\n${table(head, rows)}`);
  if (asked.markdown) writeFileSync(asked.markdown, `${about}.\n\n${markdown(head, rows)}\n`);
  marks();
  if (packaged && only.includes("memory") && wanted.includes("aludel")) await streaming();
  if (asked.json) {
    const raw = figures.map(({ title, key, workload: { name, variant }, values }) => ({ name, variant, key, title, values }));
    appendFileSync(asked.json, `${JSON.stringify({ version, packages, rounds, small: asked.small, figures: raw, details })}\n`);
  }
} finally {
  await close();
  for (const server of Object.values(servers)) await server.close();
}
process.exitCode = failed ? 1 : 0;

/** What the mark of a commit costs, and which calls to files a commit makes. */
function marks() {
  for (const durability of ["normal", "full"]) {
    const [marked, unmarked] = ["marked", "unmarked"].map((io) =>
      figures.find(({ workload }) => workload.variant === `${durability}, ${io}`)?.values.aludel);
    const { io, count } = details[`autocommit ${durability}, marked`]?.results.aludel ?? {};
    if (!marked || !unmarked || !io) continue;
    const costs = marked.map((us, round) => us - unmarked[round]);
    const calls = Object.entries(io).map(([file, { writes, bytes, flushes }]) =>
      `${file} ${(writes / count).toFixed(2)} writes of ${writes ? (bytes / writes).toFixed(0) : 0} bytes, ${(flushes / count).toFixed(2)} flushes`);
    const [cost, least, most] = [median(costs), Math.min(...costs), Math.max(...costs)].map((us) => us.toFixed(0));
    console.log(`\nAt ${durability}, the mark of a commit costs ${cost} us (${least}..${most}) of its ${median(marked).toFixed(0)}. ` +
      `Calls to files a commit: ${calls.join("; ")}`);
  }
}

/** The peak of memory while rows stream to a consumer that is slower than the worker. */
async function streaming() {
  const counts = asked.small ? [40_000, 80_000] : [100_000, 1_000_000];
  const peaks = await streamingPeaks({ browser, origin: servers.plain.origin, counts });
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
  const head = ["rows streamed, MiB", "page", "worker", "wasm of both", "peak of the sum", "samples"];
  const rows = peaks.map(({ rows, peak }) => [rows.toLocaleString("en"), mib(peak.page), mib(peak.worker), mib(peak.wasm),
    mib(peak.total), String(peak.samples)]);
  console.log(`\n${table(head, rows)}`);
}
