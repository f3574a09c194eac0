// Cuts the power while a tab writes, and looks at what is left. `cargo xtask crash --power` runs this; it needs Linux and root.
//
// The browser's profile lies on a disk of its own, a file system in a file. The browser is stopped where it is, the disk loses
// all that was not brought to it, the browser is killed, the disk is mounted again, and a browser is started on it.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Profile } from "./lib/browser.mjs";
import { Disk, obstacle } from "./lib/disk.mjs";
import { Ledger } from "./lib/ledger.mjs";
import { anySeed, random } from "./lib/random.mjs";
import { Server } from "./lib/server.mjs";
import { Tab, RECOVERY, until } from "./lib/tab.mjs";

/** How long it may take until a browser has made the names of new files safe, where the package does not say it. */
const NAMES_SAFE_AFTER = 60_000;

const { values: asked } = parseArgs({
  options: {
    rounds: { type: "string", default: "6" },
    browser: { type: "string" },
    seed: { type: "string" },
    durability: { type: "string", default: "full,normal" },
    mutant: { type: "string" },
  },
});
const rounds = Number(asked.rounds);
const seed = asked.seed === undefined ? anySeed() : Number(asked.seed);
const browsers = (asked.browser ?? process.env.ALUDEL_TAB_BROWSERS ?? "chromium").split(",");

/** One disk, one browser, one durability. */
class Power {
  constructor({ server, browser, durability, dice }) {
    Object.assign(this, { server, browser, durability, dice });
    this.figures = { cuts: 0, commits: 0, lost: 0, lostWhenYoung: 0, young: 0 };
    this.wrong = [];
  }

  async play() {
    this.disk = await Disk.make();
    this.profile = await Profile.make(this.browser, join(this.disk.path, "profile"));
    try {
      for (let i = 0; i < 2; i++) await this.#young(i);
      await this.#settled();
    } finally {
      if (this.profile.running) await this.profile.kill();
      await this.disk.discard();
    }
  }

  /** A database that was made just before: it may be gone, and may not be half there. */
  async #young(i) {
    const ledger = this.#begin(`young-${i}`);
    const tab = await this.#write(ledger, `young-${i}`, "0");
    await until(RECOVERY, "the tab writes", () => ledger.done(tab.name).length >= 5);
    await sleep(this.dice.between(0, 8000));
    await this.#cut();
    const lost = await this.#look(ledger, `young-${i}`, true);
    this.figures.young += ledger.acknowledged;
    this.figures.lostWhenYoung += lost;
  }

  /** A database whose names are safe: at `full`, nothing that was acknowledged since may be missing. */
  async #settled() {
    const ledger = this.#begin("settled");
    let tab = await this.#write(ledger, "settled", "0");
    await until(RECOVERY, "the tab writes", () => ledger.done(tab.name).length >= 5);
    await tab.call("stop");
    await until(RECOVERY, "the tab stops", () => tab.call("idle"));
    const start = Date.now();
    await until(4 * NAMES_SAFE_AFTER, "the names are safe", async () => {
      const settled = await tab.call("settled");
      return settled === undefined ? Date.now() - start > NAMES_SAFE_AFTER : settled;
    });
    console.log(`    ${this.browser} ${this.durability}: the names count as safe after ${((Date.now() - start) / 1000).toFixed(0)} s`);
    await tab.page.close();
    for (let i = 0; i < rounds && this.wrong.length === 0; i++) {
      const enough = this.dice.between(5, 80);
      tab = await this.#write(ledger, "settled", `${i + 1}`);
      await until(RECOVERY, "the tab writes", () => ledger.done(tab.name).length >= enough);
      await sleep(this.dice.between(0, 1500));
      await this.#cut();
      ledger.silence(tab.name);
      const lost = await this.#look(ledger, "settled", this.durability !== "full");
      this.figures.lost += lost;
      // What a cut has taken is not missed again at the next one.
      if (this.durability !== "full") ledger.forget();
    }
    this.figures.commits = ledger.acknowledged;
  }

  #begin() {
    const ledger = new Ledger();
    this.server.onReport = ({ tab, events }) => ledger.record(tab, events);
    return ledger;
  }

  async #write(ledger, name, tabName) {
    await this.profile.start();
    const tab = await Tab.open(`${name}.${tabName}`, this.profile, this.server);
    await tab.call("start", { url: `sqlite:///power/${name}.db`, options: { durability: this.durability }, name: tab.name });
    ledger.silence(tab.name);
    return tab;
  }

  async #cut() {
    this.figures.cuts++;
    this.profile.freeze();
    // What the pages sent before is in our sockets; it was acknowledged before the cut.
    await sleep(100);
    this.disk.cut();
    await this.profile.kill();
    await this.disk.restart();
  }

  async #look(ledger, name, mayLose) {
    await this.profile.start();
    const tab = await Tab.open("the reckoning", this.profile, this.server);
    const dump = await tab.call("dump", { url: `sqlite:///power/${name}.db` });
    const { lost, wrong } = ledger.judge(dump, { mayLose });
    this.wrong.push(...wrong.map((line) => `${name}: ${line}`));
    await tab.page.close();
    return lost;
  }
}

const reason = obstacle();
if (reason !== null) {
  console.log(`The power cannot be cut here: ${reason}.`);
  process.exit(1);
}
const server = await Server.start();
server.hook = asked.mutant === undefined ? null : { aim: null, mutant: asked.mutant };
let failed = 0;
let passed = 0;
try {
  console.log(`seed ${seed}`);
  for (const browser of browsers) {
    for (const durability of asked.durability.split(",")) {
      const power = new Power({ server, browser, durability, dice: random(seed) });
      const start = Date.now();
      await power.play().catch((error) => power.wrong.push(error.stack));
      const { cuts, commits, lost, young, lostWhenYoung } = power.figures;
      if (power.wrong.length > 0) failed++;
      else passed++;
      console.log(`${power.wrong.length > 0 ? "FAILED" : "ok    "} ${browser.padEnd(8)} ${durability.padEnd(6)} ${cuts} power cuts; ` +
        `${commits} commits acknowledged, ${lost} lost; in new databases ${young} acknowledged, ${lostWhenYoung} lost; ` +
        `${((Date.now() - start) / 1000).toFixed(0)} s`);
      for (const line of power.wrong.slice(0, 12)) console.log(`    ${line}`);
      if (power.wrong.length > 12) console.log(`    and ${power.wrong.length - 12} more`);
    }
  }
} finally {
  server.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
