// What is killed, and under how many tabs.

/**
 * `tabs`: how many write. `victim`: what ends; "browser", or of a tab ("host", or "guest": any but the host) its "worker", the
 * tab itself by a user's "close", a "crash" of its process, or by going to another page ("navigate"). `short`: how many rounds
 * the short form plays; Firefox takes long to start. `work`: what the tabs do, the last of it again and again; they write unless
 * it is given.
 */
export const SCENARIOS = [
  { name: "browser-1", what: "the browser is killed while a tab writes", tabs: 1, victim: "browser", short: { chromium: 1, firefox: 0 } },
  { name: "browser-2", what: "the browser is killed while two tabs write", tabs: 2, victim: "browser", short: { chromium: 1, firefox: 0 } },
  { name: "browser-3", what: "the browser is killed while three tabs write", tabs: 3, victim: "browser", short: { chromium: 1, firefox: 1 } },
  { name: "worker-1", what: "the worker of the only tab is terminated", tabs: 1, victim: "worker", short: { chromium: 1, firefox: 0 } },
  { name: "worker-3", what: "the worker of the host tab is terminated, two others write", tabs: 3, victim: "worker", short: { chromium: 1, firefox: 1 } },
  { name: "close", what: "the host tab is closed, two others write", tabs: 3, victim: "close", short: { chromium: 1, firefox: 1 } },
  { name: "navigate", what: "the host tab goes to another page, two others write", tabs: 3, victim: "navigate", short: { chromium: 1, firefox: 0 } },
  { name: "crash", what: "the process of the host tab is killed, two others write", tabs: 3, victim: "crash", short: { chromium: 1, firefox: 1 } },
  { name: "guest", what: "the process of a tab that is not the host is killed, two others write", tabs: 3, victim: "crash", guest: true, short: { chromium: 1, firefox: 0 } },
  { name: "import", what: "the browser is killed while a tab imports databases and another looks", tabs: 2, victim: "browser", short: { chromium: 1, firefox: 1 }, work: ["import", "look"] },
];

/** Where a kill can be aimed at: calls of the worker to its files. Checkpoints write to the main file, commits to the log. */
const AIMS = [
  { name: "commit", file: "wal", op: "write", most: 400 },
  { name: "commit", file: "wal", op: "write", most: 2500 },
  { name: "checkpoint", file: "main", op: "write", most: 60 },
  { name: "checkpoint", file: "main", op: "write", most: 600 },
  { name: "flush", file: "wal", op: "flush", most: 6 },
  { name: "flush", file: "main", op: "flush", most: 4 },
  { name: "mark", file: "mark", op: "write", most: 60 },
];
const IMPORT_AIMS = [
  { name: "scratch", file: "other", op: "write", most: 200 },
  { name: "commit", file: "wal", op: "write", most: 2000 },
  { name: "copy", file: "main", op: "write", most: 1000 },
  { name: "cut", file: "main", op: "truncate", most: 3 },
  { name: "flush", file: "main", op: "flush", most: 6 },
];

/** Workers that misbehave (`page/hook.js`), and the scenario that has to find them out; some show in a power cut only. */
export const MUTANTS = [
  { name: "dropped-wal-write", scenario: "browser-1" },
  { name: "early-acknowledgement", scenario: "browser-1" },
  { name: "no-flush", durability: true },
];

/** An aim, chosen at random. */
export function chooseAim(dice, { work }) {
  const { name, file, op, most } = dice.pick(work?.includes("import") ? IMPORT_AIMS : AIMS);
  const when = dice.pick(op === "write" ? ["before", "torn", "after"] : ["before", "after"]);
  return { name, file, op, nth: dice.between(1, most), when };
}
