// Time slices: random histories, what they cost, and what they give. See docs/SLICES.md.
//
//   node benches/slices/run.mjs [--browsers chromium,firefox] [--only histories,costs] [--from 1] [--histories 2000]
//                               [--built] [--sizes]
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync } from "node:zlib";
import { launch } from "../../tests/npm/lib/browser.mjs";
import { build, out, sizes } from "./build.mjs";

const { values: asked } = parseArgs({
  options: {
    browsers: { type: "string", default: "chromium,firefox" },
    only: { type: "string", default: "engines,control,histories,costs,lone,latencies" },
    from: { type: "string", default: "1" },
    histories: { type: "string", default: "2000" },
    built: { type: "boolean", default: false },
    sizes: { type: "boolean", default: false },
  },
});
const only = asked.only.split(",");
const SCRIPT = "text/javascript";
const TYPES = { ".html": "text/html", ".js": SCRIPT, ".mjs": SCRIPT, ".wasm": "application/wasm" };
const pages = fileURLToPath(new URL("page", import.meta.url));

async function serve() {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const page = pathname === "/" ? "index.html" : pathname;
    const file = pathname.startsWith("/out/") ? join(out, pathname.slice(5)) : join(pages, page);
    try {
      const body = await readFile(file);
      response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "text/plain" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return server;
}

const text = (found) => (typeof found === "string" ? found : JSON.stringify(found, null, 2));
const show = (title, found) => console.log(`\n${title}\n${text(found)}`);
const ms = (number) => `${number.toFixed(1)} ms`;

/** What this engine, which suspends nothing, makes of the builds. */
async function inNode() {
  for (const variant of ["plain", "jspi", "one"]) {
    const bytes = await readFile(join(out, variant, "slices.wasm"));
    console.log(`Node ${process.version}, ${variant}: ${WebAssembly.validate(bytes) ? "valid" : "not valid"}`);
  }
  const m = await import(join(out, "one/slices.js"));
  globalThis.slices = { pause: () => 1 };
  m.initSync({ module: await readFile(join(out, "one/slices.wasm")) });
  m.attach_memory("node");
  const slot = m.open("node");
  const sql = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 100000) SELECT sum(i) FROM r";
  m.put(slot, sql, 1, 0);
  await m.go(slot);
  const [outcome, pauses] = [JSON.stringify(m.outcome(slot)), m.pauses_of(slot)];
  console.log(`Node ${process.version}, one: ${outcome} after ${pauses} pauses that suspended nothing`);
}

/** A page of its own for each task: an instance that has failed fails in the next one, too. */
async function within(browser, address, work) {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.log(`page error: ${error.message}`));
  await page.goto(address);
  try {
    return await work(page);
  } finally {
    await page.close();
  }
}

const task = (browser, address, name, options) =>
  within(browser, address, (page) => page.evaluate((name, options) => globalThis.task(name, options), name, options));

/** Histories in portions, since a browser is only waited for so long. */
async function histories(browser, address, variant, from, count) {
  const total = {};
  for (let seed = from; seed < from + count; seed += 250) {
    const portion = { variant, from: seed, count: Math.min(250, from + count - seed) };
    const found = await task(browser, address, "histories", portion);
    for (const [name, value] of Object.entries(found)) {
      const isPeak = ["suspendedAtOnce", "memoryBytes", "grownBytes"].includes(name);
      if (isPeak) total[name] = Math.max(total[name] ?? 0, value);
      else if (Array.isArray(value)) total[name] = [...(total[name] ?? []), ...value];
      else total[name] = (total[name] ?? 0) + value;
    }
    if (total.failed.length > 0) process.exitCode = 1;
  }
  return total;
}

/** Without the shadow stack the histories have to fail: with an error, a wrong result, or by never ending. */
async function control(browser, address) {
  return within(browser, address, async (page) => {
    const found = await page.evaluate(async () => {
      const run = globalThis.task("histories", { variant: "bare", from: 1, count: 100 });
      let [at, since] = [0, performance.now()];
      const hangs = new Promise((resolve) => {
        setInterval(() => {
          if (globalThis.at !== at) [at, since] = [globalThis.at, performance.now()];
          else if (performance.now() - since > 20_000) resolve({ failed: [`seed ${at} never ends`] });
        }, 500);
      });
      return Promise.race([run, hangs]).catch((error) => ({ failed: [error.message] }));
    });
    if (found.failed.length === 0) process.exitCode = 1;
    return found.failed.map((line) => line.slice(0, 160)).join("\n") || "nothing failed: the histories show nothing";
  });
}

/** For how long the workers of a browser had a processor, in milliseconds (Linux only). Others run there, too. */
async function workerTime(browser) {
  const processes = new Map();
  for (const pid of (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    processes.set(Number(pid), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const top = browser.process().pid;
  const isOurs = (pid) => pid === top || (processes.has(pid) && isOurs(processes.get(pid)));
  let total = 0;
  for (const pid of [...processes.keys()].filter(isOurs)) {
    for (const thread of await readdir(`/proc/${pid}/task`).catch(() => [])) {
      const read = (name) => readFile(`/proc/${pid}/task/${thread}/${name}`, "utf8").catch(() => "");
      const isWorker = /^(Dedicated|DOM )Worker/.test(await read("comm"));
      if (isWorker) total += Number((await read("schedstat")).split(" ")[0]) / 1e6;
    }
  }
  return total;
}

/** What a lone query loses, in processor time, which nobody else on the machine can take away. */
async function lone(browser, address) {
  await within(browser, address, async (page) => {
    const spin = async (which, times) => {
      const before = await workerTime(browser);
      const name = await page.evaluate((options) => globalThis.task("lone", options), { which, times });
      return { name, took: (await workerTime(browser)) - before };
    };
    await spin(0, 5);
    for (let which = 0; (await spin(which, 5)).name !== null; which += 1) {
      const ratios = [];
      let name = "";
      for (let turn = 0; turn < 9; turn += 1) {
        const first = turn % 2 ? which : 0;
        const [a, b] = [await spin(first, 15), await spin(which - first, 15)];
        const [one, base] = first === which ? [a, b] : [b, a];
        // The first way is compared with itself: what that gives is the noise.
        name = one.name;
        ratios.push(one.took / base.took);
      }
      ratios.sort((a, b) => a - b);
      const percent = (ratio) => `${((ratio - 1) * 100).toFixed(1)} %`;
      console.log(`${name}: ${percent(ratios[4])} (of nine: ${percent(ratios[2])} to ${percent(ratios[6])})`);
    }
  });
}

/** What the page waits for while a statement of two seconds runs, or nothing does, or three. */
const CASES = [
  { kind: "read", slice: null }, { kind: "read", slice: 0 }, { kind: "read", slice: 8 }, { kind: "read", slice: 5 },
  { kind: "read", slice: 2 }, { kind: "read", slice: 5, many: 3 }, { kind: "write", slice: null },
  { kind: "write", slice: 0 }, { kind: "write", slice: 5 },
];

async function latencies(browser, address) {
  for (const storage of ["memory", "opfs"]) {
    await within(browser, address, async (page) => {
      const options = { variant: "jspi", storage, milliseconds: 2_000 };
      await page.evaluate((options) => globalThis.task("serve", options), options);
      for (const { kind, slice, many = 1 } of CASES) {
        const runs = [];
        // Of several runs the least disturbed: others run on the machine, and can only make them longer.
        for (let run = 0; run < (slice === 0 ? 1 : 4); run += 1) {
          runs.push(await page.evaluate((options) => globalThis.latencies(options), { kind, slice, many, every: 10 }));
        }
        const { n, p50, p99, most, long } = runs.toSorted((a, b) => a.p99 - b.p99)[0];
        const all = runs.map((run) => ms(run.p99)).join(", ");
        const beside = many === 1 ? "a long query" : `${many} long queries`;
        const pieces = slice === 0 ? "at once" : `in slices of ${slice} ms`;
        const how = slice === null ? "nothing else runs" : `${beside} ${pieces}, ${ms(long)}`;
        console.log(`${storage}, ${kind}s, ${how}: n ${n}, p50 ${ms(p50)}, p99 ${ms(p99)} (${all}), most ${ms(most)}`);
      }
      const { n, p50, most } = await page.evaluate(() => globalThis.cancels({ slice: 5, times: 40 }));
      console.log(`${storage}, from cancelling to the end, slices of 5 ms: n ${n}, p50 ${ms(p50)}, most ${ms(most)}`);
      await page.evaluate(() => globalThis.task("unserve", {}));
    });
  }
}

async function inBrowser(which, address) {
  const { browser, close } = await launch(which);
  try {
    show(await browser.version(), "");
    if (only.includes("engines")) show("one build for all", await histories(browser, address, "one", 1, 250));
    if (only.includes("control")) show("without the shadow stack", await control(browser, address));
    if (only.includes("histories")) {
      show("histories", await histories(browser, address, "jspi", Number(asked.from), Number(asked.histories)));
    }
    if (only.includes("costs")) {
      const costs = [["suspension", {}], ["stacks", {}], ["gaps", {}], ["gaps", { temporary: "file" }]];
      for (const [name, more] of costs) {
        const options = { variant: "jspi", ...more };
        show(`${name} ${JSON.stringify(options)}`, await task(browser, address, name, options));
      }
    }
    if (only.includes("lone")) await lone(browser, address);
    if (only.includes("latencies")) await latencies(browser, address);
  } finally {
    await close();
  }
}

if (asked.sizes) {
  for (const [variant, bytes] of sizes()) {
    console.log(`${variant}: ${bytes.length} bytes, brotli ${brotliCompressSync(bytes).length}`);
  }
} else {
  if (!asked.built) build();
  if (only.includes("engines")) await inNode();
  const server = await serve();
  try {
    for (const name of asked.browsers.split(",")) await inBrowser(name, `http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.close();
  }
}
