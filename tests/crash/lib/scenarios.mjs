// What is killed, and under how many tabs.

/**
 * `tabs`: how many write. `victim`: what ends; "browser", or of a tab ("host", or "guest": any but the host) its "worker", the
 * tab itself by a user's "close", a "crash" of its process, or by going to another page ("navigate"). `short`: how many rounds
 * the short form plays; Firefox takes long to start. `work`: what the tabs do, the last of it again and again; they write unless
 * it is given. `most`: after how many pieces of it the kill comes at the latest, if it is not aimed.
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
  { name: "import", what: "the browser is killed while a tab imports databases and another looks", tabs: 2, victim: "browser", short: { chromium: 1, firefox: 1 }, work: ["import", "look"], most: 6 },
  { name: "pause", what: "the browser is killed while statements of two tabs are suspended", tabs: 2, victim: "browser", short: { chromium: 1, firefox: 1 }, work: ["pause"], most: 40 },
  { name: "pause-worker", what: "the worker of the host tab is terminated while statements of two tabs are suspended", tabs: 2, victim: "worker", short: { chromium: 1, firefox: 0 }, work: ["pause"], most: 40 },
];

/**
 * Where a kill can be aimed at: calls of the worker to its files. Checkpoints write to the main file, commits to the log; the
 * last write of a commit is one that `ends` it: what comes after has to be told by the marks. An import is received into a
 * scratch file, then swapped in by one commit, copied by a checkpoint, and what is too long is cut off. The kill comes at one of
 * the first `most` such calls; where it must not miss, at one in the range `near`, when the tables are made and before long. Some
 * count only while so many other statements are `suspended`. In which scenarios that is tried says `in`: what they do comes by there.
 */
const AIMS = [
  { name: "commit", in: ["browser-1"], file: "wal", op: "write", most: [400, 2500], near: [300, 600] },
  { name: "committed", in: ["worker-1"], file: "wal", op: "write", ends: true, most: [60], near: [3, 20], when: ["after"] },
  { name: "checkpoint", in: ["browser-1"], file: "main", op: "write", most: [60, 600], near: [210, 260] },
  { name: "flush", in: ["browser-1"], file: "main", op: "flush", most: [4], near: [2, 2] },
  { name: "flush-log", in: ["browser-1"], file: "wal", op: "flush", most: [6], near: [2, 2] },
  { name: "mark", in: ["worker-1"], file: "mark", op: "write", most: [60], near: [5, 25] },
  { name: "receive", in: ["import"], file: "other", op: "write", most: [200], near: [2, 20] },
  { name: "swap", in: ["import"], file: "wal", op: "write", most: [2000], near: [2, 50] },
  { name: "swapped", in: ["import"], file: "wal", op: "write", ends: true, most: [4], near: [2, 2], when: ["after"] },
  { name: "copy", in: ["import"], file: "main", op: "write", most: [1000], near: [2, 50] },
  { name: "copied", in: ["import"], file: "main", op: "flush", most: [6], near: [1, 2] },
  { name: "cut", in: ["import"], file: "main", op: "truncate", most: [3], near: [1, 1] },
  { name: "suspended", in: ["pause", "pause-worker"], file: "wal", op: "write", suspended: 2, most: [40, 200], near: [2, 40] },
  { name: "suspended-checkpoint", in: ["pause-worker", "pause"], file: "main", op: "write", suspended: 2, most: [30, 200], near: [2, 30] },
];

/** The names of places at which somebody has to be killed in every run. */
export const PLACES = AIMS.map(({ name }) => name);

/** What the tabs of a scenario do, and whether all of them die. */
const workOf = ({ work }) => work?.[0] ?? "write";
const endsAll = ({ victim }) => victim === "browser";

/** The scenarios in which a place is tried. */
const homesOf = (aim) => aim.in.map((home) => SCENARIOS.find(({ name }) => name === home));

/** Which of these a scenario comes by, with the scenario in which they are tried until they are hit. */
const placesOf = (scenario) => AIMS.filter((aim) => homesOf(aim).some((home) => workOf(home) === workOf(scenario))).map(({ name }) => name);
export const scenarioFor = (place) => homesOf(AIMS.find(({ name }) => name === place))[0];

/**
 * What the kills of a round in the short form are aimed at, one after the other: places where nobody was killed yet, and where
 * tabs survive, at a commit of which they were not told.
 */
export function due(scenario, had) {
  const alike = (home) => workOf(home) === workOf(scenario) && endsAll(home) === endsAll(scenario);
  const places = AIMS.filter((aim) => homesOf(aim).some(alike)).map(({ name }) => name);
  const missing = places.filter((place) => !had.includes(place));
  if (!endsAll(scenario)) return [missing[0] ?? places[0]];
  return missing.length > 0 ? missing.slice(0, 3) : undefined;
}

/** Workers that misbehave (`page/hook.js`), and the scenario that has to find them out; some show in a power cut only. */
export const MUTANTS = [
  { name: "dropped-wal-write", scenario: "browser-1" },
  { name: "early-acknowledgement", scenario: "browser-1" },
  { name: "lost-marks", scenario: "worker-1", place: "committed" },
  { name: "no-flush", durability: true },
];

/** An aim, chosen at random; or at a place, and then at one that is not missed. */
export function chooseAim(dice, scenario, place) {
  const chosen = place ?? dice.pick(placesOf(scenario));
  const found = AIMS.find(({ name }) => name === chosen);
  const { name, file, op, ends, suspended } = found;
  const when = dice.pick(found.when ?? (op === "write" ? ["before", "torn", "after"] : ["before", "after"]));
  const nth = place === undefined ? dice.between(1, dice.pick(found.most)) : dice.between(...found.near);
  return { name, file, op, ends, suspended, nth, when };
}
