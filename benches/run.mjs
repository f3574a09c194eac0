// aludel beside its peers, in one headless browser, interleaved: `cargo xtask bench [--rounds N] [--only NAME,...] ...`
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BROWSERS, launch, versionOf } from "./browser.mjs";
import { marks } from "./marks.mjs";
import { measuring } from "./measure.mjs";
import { streamingPeaks } from "./memory.mjs";
import { markdown, report, table } from "./report.mjs";
import { pkg, serve } from "./server.mjs";
import * as all from "./workloads.mjs";

const { values: asked } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
    engines: { type: "string" },
    browser: { type: "string", default: "chromium" },
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
const [inBrowser] = listed(asked.browser, Object.keys(BROWSERS), "browser");
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

const launched = await launch(inBrowser);
const servers = { plain: await serve({ peers: true }), isolated: await serve({ peers: true, isolated: true }) };
const figures = WORKLOADS.flatMap((workload) =>
  Object.entries(workload.figures).map(([key, figure]) => ({ ...figure, key, workload, values: {} })));
let failed = 0;
/** What runs said beside their figures, by workload and variant: what each engine answered, and its results by round. */
const details = {};

const measure = measuring({
  launched, servers, program, small: asked.small, note: process.env.ALUDEL_BENCH_LOG ? note : undefined,
});

/** Whether an engine has this workload. */
const has = (workload, engine) =>
  engine.limit ? workload.echo || (workload.native && program) : workload.engines.includes(engine.name) && runs(engine.name) &&
    !(workload.tab && engine.single?.includes(inBrowser));

try {
  const packages = [...new Set(ENGINES.flatMap((engine) => engine.package ?? []))];
  const about = `${launched.version}, ${cpus().length} x ${cpus()[0]?.model ?? "cpu"}, ${rounds} rounds, medians; ` +
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
          const result = await measure(workload, engine, round);
          const told = (details[key] ??= { answers: {}, results: {} });
          (told.results[engine.name] ??= {})[round] = result;
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
          if (error.fatal) throw error;
        }
      }
      note(`  ${key}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
    }
    note(`round ${round + 1} of ${rounds} took ${((Date.now() - begun) / 1000).toFixed(0)} s`);
  }
  const { head, rows } = report(figures.filter(({ workload }) => !workload.details), ENGINES);
  console.log(`\n${table(head, rows)}`);
  if (asked.markdown) writeFileSync(asked.markdown, `${about}.\n\n${markdown(head, rows)}\n`);
  for (const line of marks((key) => details[key]?.results.aludel)) console.log(`\n${line}`);
  if (launched.inspected && packaged && only.includes("memory") && wanted.includes("aludel")) await streaming();
  if (asked.json) {
    const raw = figures.map(({ title, key, workload: { name, variant }, values }) => ({ name, variant, key, title, values }));
    appendFileSync(asked.json, `${JSON.stringify({ version: launched.version, packages, rounds, small: asked.small, figures: raw, details })}\n`);
  }
} finally {
  await launched.close();
  for (const server of Object.values(servers)) await server.close();
}
process.exitCode = failed ? 1 : 0;

/** The peak of memory while rows stream to a consumer that is slower than the worker. */
async function streaming() {
  const counts = asked.small ? [40_000, 80_000] : [100_000, 1_000_000];
  const peaks = await streamingPeaks({ browser: launched.browser, origin: servers.plain.origin, counts });
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
  const head = ["rows streamed, MiB", "page", "worker", "wasm of both", "peak of the sum", "samples"];
  const rows = peaks.map(({ rows, peak }) => [rows.toLocaleString("en"), mib(peak.page), mib(peak.worker), mib(peak.wasm),
    mib(peak.total), String(peak.samples)]);
  console.log(`\n${table(head, rows)}`);
}
