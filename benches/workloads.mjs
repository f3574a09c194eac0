// What is measured: engines, workloads and the targets of each figure.

/**
 * `durable`: keeps its data in OPFS and runs in a worker; the targets are ratios to the best of these. `limit`: not a peer, but what
 * cannot be beaten. `isolated`: its pages are cross-origin isolated, which it needs. `single`: browsers where a database has one
 * connection only, since they do not open a file twice.
 */
export const ENGINES = [
  { name: "aludel", title: "aludel", own: true, durable: true, what: "aludel" },
  { name: "sqlite-wasm", title: "sqlite-wasm", durable: true, package: "@sqlite.org/sqlite-wasm", what: "opfs-sahpool in a worker" },
  { name: "wa-ahead", title: "wa-ahead", durable: true, package: "@journeyapps/wa-sqlite", what: "OPFSWriteAheadVFS in one worker, two where reads run beside others", single: ["firefox"] },
  { name: "wa-coop", title: "wa-coop", durable: true, package: "@journeyapps/wa-sqlite", what: "OPFSCoopSyncVFS in a worker" },
  { name: "sqlocal", title: "SQLocal", durable: true, isolated: true, package: "sqlocal", what: "its own worker, on an isolated page" },
  { name: "sql.js", title: "sql.js*", package: "sql.js", what: "in a worker, in memory: it stores nothing" },
  { name: "limit", title: "limit", limit: true, what: "a bare worker that answers; or native SQLite, on a file" },
];

const db = ["aludel", "sqlite-wasm", "wa-ahead", "wa-coop", "sqlocal", "sql.js"];
const stored = db.filter((name) => name !== "sql.js");
/** Those whose databases can be open in several tabs: a pool of access handles is one tab's. */
const tabs = stored.filter((name) => name !== "sqlite-wasm");
const small = { sqlocal: { count: 100 } };

/** `of`: at most so many times the best peer, or, with `to`, that one; `most`: at most so much; `least`: at least. */
const of = (ratio, to) => ({ of: ratio, to });
const most = (value) => ({ most: value });
const least = (value) => ({ least: value });

/**
 * `figures`: what a run returns, by key. `variant` tells runs of one workload apart, by their `options` by engine. `echo`: the
 * limit is a bare worker; `native`: native SQLite. `tab`: what a second page of the origin runs, which answers the first one.
 */
export const WORKLOADS = [
  {
    name: "open",
    variant: "cold",
    engines: db,
    figures: {
      ms: { title: "open to first row, cold, ms", target: of(1) },
      bytes: { title: "  downloaded for it, gzip, KB", target: of(1, "sqlite-wasm") },
    },
  },
  { name: "open", variant: "warm", engines: db, figures: { ms: { title: "open to first row, warm, ms", target: of(1) } } },
  { name: "sequential", engines: db, echo: true, figures: { us: { title: "round trip, us", target: of(0.9) } } },
  { name: "pipelined", engines: db, echo: true, figures: { ms: { title: "5,000 calls at once, ms", target: of(0.4) } } },
  { name: "point", engines: db, figures: { us: { title: "point read as object, us", target: of(0.75) } } },
  {
    name: "insert",
    engines: db,
    figures: {
      ms: { title: "insert 100,000 objects, ms", target: of(0.25) },
      block: { title: "  longest main-thread block, ms", target: most(16) },
    },
  },
  {
    name: "read",
    engines: db,
    figures: {
      ms: { title: "read 100,000 x 6 to objects, ms", target: of(0.25) },
      first: { title: "  to its first 1,000 rows, ms" },
      block: { title: "  longest main-thread block, ms", target: most(16) },
      memory: { title: "  JavaScript memory then, MiB" },
    },
  },
  {
    name: "streamed",
    engines: ["aludel"],
    figures: {
      ms: { title: "  streamed, ms" },
      block: { title: "  streamed, longest block, ms", target: most(16) },
    },
  },
  {
    name: "autocommit",
    engines: db,
    options: { "sqlite-wasm": {}, ...small },
    figures: { us: { title: "autocommitted insert, us", target: of(0.25) } },
  },
  {
    name: "autocommit",
    variant: "wal",
    engines: ["aludel", "sqlite-wasm"],
    options: { "sqlite-wasm": { wal: true } },
    figures: { us: { title: "  beside sahpool in WAL, us" } },
  },
  {
    name: "autocommit",
    variant: "full",
    engines: stored,
    options: { aludel: { durability: "full" }, "wa-ahead": { durability: "full" }, ...small },
    figures: { us: { title: "  each brought to the disk, us", target: of(1) } },
  },
  ...["normal", "full"].flatMap((durability) => ["marked", "unmarked"].map((io) => ({
    name: "autocommit",
    variant: `${durability}, ${io}`,
    details: true,
    engines: ["aludel"],
    options: { aludel: { durability, io } },
    figures: { us: {} },
  }))),
  {
    name: "transaction",
    engines: db,
    figures: {
      us: { title: "awaited insert in one tx, us", target: of(1) },
      ms: { title: "  10,000 in one call, ms" },
    },
  },
  {
    name: "transaction",
    variant: "full",
    engines: stored,
    options: { aludel: { durability: "full" }, "wa-ahead": { durability: "full" } },
    figures: { us: { title: "  brought to the disk, us", target: of(1) } },
  },
  {
    name: "join",
    engines: db,
    native: "join",
    figures: {
      join: { title: "join and group by, ms", target: of(1) },
      aggregate: { title: "group by alone, ms", target: of(1) },
    },
  },
  {
    name: "blob",
    engines: db,
    figures: { write: { title: "write a blob of 16 MiB, ms", target: of(1) }, read: { title: "read it, ms", target: of(1) } },
  },
  {
    name: "beside",
    engines: db.filter((name) => name !== "sqlocal"),
    figures: {
      p50: { title: "point read beside a scan, p50 ms" },
      p99: { title: "  p99 ms" },
      scanned: { title: "  rows scanned a ms (more)", more: true },
    },
  },
  {
    name: "behind",
    engines: db,
    figures: {
      p50: { title: "read behind a 2 s query, p50 ms" },
      p99: { title: "  p99 ms", target: most(20) },
      alone: { title: "  counted a ms, alone (more)", more: true },
      beside: { title: "  counted a ms, beside (more)", more: true },
    },
  },
  {
    name: "behind",
    variant: "another tab",
    tab: "behindTab",
    engines: tabs,
    figures: {
      p50: { title: "  from another tab, p50 ms" },
      p99: { title: "  from another tab, p99 ms", target: most(20) },
      beside: { title: "  counted a ms then (more)", more: true },
    },
  },
  {
    name: "lone",
    engines: ["aludel"],
    figures: {
      sliced: { title: "counted a ms by a query (more)", more: true },
      plain: { title: "  where none can pause (more)", more: true },
      percent: { title: "  % of that (more)", more: true, target: least(97) },
    },
  },
  { name: "parts", engines: db, native: "parts", figures: { ms: { title: "speedtest in 16 parts, ms", target: of(0.8) } } },
];
