// Kills browsers, tabs and workers while they write, and looks at what is left. `cargo xtask crash` runs this.
//
//   --rounds N --browser NAME,... --scenario NAME,... --seed N    what to do, and how often
//   --short                                                       a little of everything, as a stage of the tests
//   --place NAME,...                                              where the kills of each round are aimed at, one after another
//   --mutant NAME                                                 with a worker that misbehaves: has to fail
//   --verbose                                                     says where each kill landed
import { parseArgs } from "node:util";
import { Profile } from "./lib/browser.mjs";
import { anySeed, random } from "./lib/random.mjs";
import { Round } from "./lib/round.mjs";
import { MUTANTS, PLACES, SCENARIOS, due, scenarioFor } from "./lib/scenarios.mjs";
import { Server } from "./lib/server.mjs";

const { values: asked } = parseArgs({
  options: {
    rounds: { type: "string" },
    browser: { type: "string" },
    scenario: { type: "string" },
    seed: { type: "string" },
    mutant: { type: "string" },
    place: { type: "string" },
    short: { type: "boolean" },
    verbose: { type: "boolean" },
  },
});
const number = (name, otherwise) => {
  const value = asked[name] === undefined ? otherwise : Number(asked[name]);
  if (!(Number.isInteger(value) && value >= 0)) throw new Error(`--${name} ${asked[name]} is no count`);
  return value;
};
const named = (all, names, what) => names.map((name) => {
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no ${what} ${name}; there are: ${all.map(({ name }) => name).join(", ")}`);
  return found;
});
const seed = number("seed", anySeed());
const browsers = (asked.browser ?? process.env.ALUDEL_TAB_BROWSERS ?? "chromium").split(",");
const scenarios = asked.scenario === undefined ? SCENARIOS : named(SCENARIOS, asked.scenario.split(","), "scenario");
const mutant = asked.mutant === undefined ? null : named(MUTANTS, [asked.mutant], "mutant")[0];

const places = asked.place?.split(",");
named(PLACES.map((name) => ({ name })), places ?? [], "place");

/** How often a kill is aimed at a place that was missed, before that counts as a failure. */
const ATTEMPTS = 8;

const COUNTS = ["kills", "aimed", "commits", "lost", "failed", "hung"];
const nothing = () => ({ ...Object.fromEntries(COUNTS.map((key) => [key, 0])), pauses: [], places: [], wrong: 0 });
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0;
const figures = ({ kills, aimed, commits, lost, hung, failed, pauses }) =>
  `${kills} kills (${aimed} aimed), ${commits} commits acknowledged, ${lost} lost, ${hung} promises hung, ${failed} calls told to try again` +
  (pauses.length > 0 ? `; take-over: median ${median(pauses).toFixed(0)} ms, worst ${Math.max(...pauses).toFixed(0)} ms` : "");

const server = await Server.start();

/** Some rounds of a scenario, in one profile of a browser. Where they are aimed at says `aimed`, if it does not leave it open. */
async function play(browser, scenario, { rounds, mutant = null, first = seed, aimed = () => places }) {
  const profile = await Profile.make(browser);
  const sums = nothing();
  const start = Date.now();
  try {
    for (let i = 0; i < rounds; i++) {
      const own = first + i;
      const places = aimed(sums.places);
      const again = [`--browser ${browser} --scenario ${scenario.name} --rounds 1 --seed ${own}`]
        .concat(mutant === null ? [] : `--mutant ${mutant}`, places === undefined ? [] : `--place ${places.join(",")}`)
        .join(" ");
      const log = asked.verbose ? (text) => console.log(`    ${again}: ${text}`) : undefined;
      const round = new Round({ server, profile, scenario, dice: random(own), name: `${scenario.name}-${i}`, log, mutant, places });
      const seen = await round.play();
      for (const key of COUNTS) sums[key] += seen[key];
      sums.pauses.push(...seen.pauses);
      sums.places.push(...seen.places);
      if (seen.wrong.length === 0) continue;
      sums.wrong += seen.wrong.length;
      console.log(`    wrong; to do it again: ${again}`);
      for (const line of seen.wrong.slice(0, 12)) console.log(`      ${line}`);
      if (seen.wrong.length > 12) console.log(`      and ${seen.wrong.length - 12} more`);
      // That one round fails is all that a mutant has to show.
      if (mutant !== null) break;
    }
  } finally {
    await profile.discard();
  }
  sums.seconds = (Date.now() - start) / 1000;
  return sums;
}

const totals = nothing();
let passed = 0;
let failed = 0;
const conclude = (good, browser, name, rest) => {
  good ? passed++ : failed++;
  console.log(`${good ? "ok    " : "FAILED"} ${browser.padEnd(8)} ${name.padEnd(10)} ${rest}`);
};

try {
  console.log(`seed ${seed}`);
  for (const browser of browsers) {
    for (const scenario of scenarios) {
      // Which process a page of Firefox runs in can be told on Linux only.
      if (scenario.victim === "crash" && browser === "firefox" && process.platform !== "linux") continue;
      const rounds = number("rounds", asked.short ? scenario.short[browser] : 10);
      if (rounds === 0) continue;
      const aimed = asked.short && places === undefined ? (had) => due(scenario, [...totals.places, ...had]) : undefined;
      const sums = await play(browser, scenario, { rounds, mutant: mutant?.name, aimed });
      conclude(sums.wrong === 0, browser, scenario.name, `${figures(sums)}; ${sums.seconds.toFixed(0)} s`);
      for (const key of COUNTS) totals[key] += sums[key];
      totals.pauses.push(...sums.pauses);
      totals.places.push(...sums.places);
    }
  }
  console.log(`in all: ${figures(totals)}`);
  // Would it have been seen? A worker that loses something on purpose has to be found out.
  const everything = asked.scenario === undefined && mutant === null && places === undefined;
  // A run that never killed anybody at one of the places shows nothing of it.
  for (const place of everything ? PLACES : []) {
    let wrong = 0;
    for (let attempt = 0; attempt < ATTEMPTS && wrong === 0 && !totals.places.includes(place); attempt++) {
      const sums = await play(browsers[0], scenarioFor(place), { rounds: 1, first: seed + attempt, aimed: () => [place] });
      wrong += sums.wrong;
      totals.places.push(...sums.places);
    }
    const count = totals.places.filter((one) => one === place).length;
    conclude(count > 0 && wrong === 0, "", place, count > 0 ? `${count} kills there` : `no kill there in ${ATTEMPTS} attempts`);
  }
  for (const { name, scenario, durability, place } of everything ? MUTANTS : []) {
    if (durability) continue;
    const [where] = named(SCENARIOS, [scenario], "scenario");
    console.log(`    the mutant ${name}, which has to be found out:`);
    const sums = await play("chromium", where, { rounds: 25, mutant: name, aimed: () => (place === undefined ? undefined : [place]) });
    conclude(sums.wrong > 0, "chromium", name, `${sums.wrong} findings after ${sums.kills} kills; ${sums.seconds.toFixed(0)} s`);
  }
} finally {
  server.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
