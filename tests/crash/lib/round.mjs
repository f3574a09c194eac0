// One round: a new database, tabs that write, something that is killed, once or several times; then the reckoning.
import { setTimeout as sleep } from "node:timers/promises";
import { within } from "./browser.mjs";
import { Ledger } from "./ledger.mjs";
import { chooseAim } from "./scenarios.mjs";
import { PATIENCE, RECOVERY, Tab, until } from "./tab.mjs";

/** Plays one round of a scenario, and tells what was seen. */
export class Round {
  constructor({ server, profile, scenario, dice, name, tabs = scenario.tabs, builds = ["a"], mutant = null, places, log = () => undefined }) {
    Object.assign(this, { server, profile, scenario, dice, name, builds, mutant, places, log });
    this.tabCount = tabs;
    this.url = `sqlite:///crash/${name}.db`;
    this.ledger = new Ledger();
    this.seen = { kills: 0, aimed: 0, places: [], lost: 0, hung: 0, commits: 0, failed: 0, pauses: [], wrong: [] };
  }

  async play() {
    const { dice } = this;
    const kills = this.scenario.victim === "browser" ? (this.places?.length ?? dice.between(1, 3)) : 1;
    this.options = { durability: dice.pick(["normal", "full"]) };
    this.server.onReport = ({ tab, events }) => this.ledger.record(tab, events);
    try {
      for (let life = 0; life < kills && this.seen.wrong.length === 0; life++) await this.#live(life);
      if (this.seen.wrong.length === 0) await this.#reckon();
    } catch (error) {
      this.seen.wrong.push(error.stack.split("\n").slice(0, 6).join("\n      "));
    }
    this.server.hook = null;
    if (this.profile.running) await this.#leave();
    this.seen.commits = this.ledger.acknowledged;
    this.seen.failed = this.ledger.failed;
    this.seen.wrong.push(...this.ledger.complaints());
    return this.seen;
  }

  /** Tabs come, write, and lose something. */
  async #live(life) {
    const { dice, scenario, server, profile } = this;
    await profile.start();
    const aim = this.places !== undefined || dice.chance(0.6) ? chooseAim(dice, scenario, this.places?.[life]) : null;
    const { most = 60 } = scenario;
    const chosen = dice.between(1, most);
    // Where a place is not to be missed, the kill does not come without it before long.
    const enough = this.places === undefined ? chosen : most;
    const delay = dice.between(0, 60);
    const victimIndex = dice.between(0, 100);
    let arrived;
    const hit = new Promise((resolve) => (arrived = resolve));
    let release;
    const killed = new Promise((resolve) => (release = resolve));
    server.hook = aim !== null || this.mutant !== null ? { aim, mutant: this.mutant } : null;
    server.onAim = () => {
      // The next host of this life is left alone.
      server.hook = this.mutant === null ? null : { aim: null, mutant: this.mutant };
      arrived(true);
      return killed;
    };
    this.tabs = [];
    for (let i = 0; i < this.tabCount; i++) {
      const tab = await Tab.open(`${life}.${i}`, profile, server, this.builds[i % this.builds.length]);
      // While nothing else is going on, this shows.
      if (scenario.victim === "crash") tab.process = await profile.processOf(tab.page);
      this.tabs.push(tab);
    }
    // What was killed before is looked at before anything is written to it.
    if (life > 0) await this.#judge(this.tabs[0]);
    for (const [i, tab] of this.tabs.entries()) {
      const work = scenario.work?.[Math.min(i, scenario.work.length - 1)];
      await tab.call("start", { url: this.url, options: this.options, name: tab.name, work, first: life * 10_000 });
    }
    const busy = () => this.tabs.every((tab) => this.ledger.done(tab.name).length >= enough);
    // A worker that waits for its death keeps everyone waiting; where it never comes to the place, the kill comes without.
    const calm = until(aim === null || this.places !== undefined ? RECOVERY : 10_000, "every tab writes", busy).then(
      () => sleep(aim === null ? delay : 2000, false),
      (error) => (aim === null || !busyAtAll() ? Promise.reject(error) : false),
    );
    const busyAtAll = () => this.tabs.every((tab) => this.ledger.done(tab.name).length > 0);
    const struck = await Promise.race([calm, hit]);
    if (struck) {
      this.seen.aimed++;
      this.seen.places.push(aim.name);
    }
    await this.#kill(victimIndex, release, struck);
    this.log(`life ${life}: ${aim ? `${aim.name} ${aim.when} ${aim.nth}${struck ? "" : " (missed)"}` : `after ${enough} commits`}`);
  }

  async #kill(index, release, struck) {
    const { scenario, profile } = this;
    const moment = Date.now();
    this.seen.kills++;
    if (scenario.victim === "browser") {
      for (const tab of this.tabs) this.ledger.silence(tab.name);
      await profile.kill();
      release();
      this.tabs = [];
      return;
    }
    const hosts = [];
    for (const tab of this.tabs) if (struck || (await tab.call("isHost"))) hosts.push(tab);
    const guests = this.tabs.filter((tab) => !hosts.includes(tab));
    // The first tab made the worker that was struck.
    const choice = scenario.guest ? (struck ? this.tabs.slice(1) : guests) : hosts.length > 0 ? hosts.slice(0, 1) : this.tabs;
    const victim = choice[index % choice.length];
    let dead = [victim];
    if (scenario.victim === "worker") {
      // With none in any page, the worker is not theirs to terminate.
      await victim.call("terminate");
      dead = [];
    } else if (scenario.victim === "close") {
      this.ledger.silence(victim.name);
      await victim.page.close();
    } else if (scenario.victim === "navigate") {
      this.ledger.silence(victim.name);
      await victim.page.goto("about:blank");
    } else {
      // In Firefox tabs may share a process.
      if (victim.process !== undefined) dead = this.tabs.filter((tab) => tab.process === victim.process);
      for (const tab of dead) this.ledger.silence(tab.name);
      await profile.crash(victim.page, victim.process);
    }
    release();
    this.tabs = this.tabs.filter((tab) => !dead.includes(tab));
    await this.#survive(moment);
  }

  /** The tabs that are left go on by themselves, and leave no promise open. */
  async #survive(moment) {
    for (const tab of this.tabs) {
      const goes = () => this.ledger.done(tab.name, moment).length >= 5;
      await until(RECOVERY, `${tab.name} goes on`, goes).catch(async (error) => {
        const waiting = await tab.call("state").catch(() => "it does not answer");
        this.seen.wrong.push(`${error.message}; ${JSON.stringify(waiting)}; ${tab.complaints.join("; ")}`);
      });
    }
    // Before they are told to stop: what is long would come to its end alone, and look like a pause.
    const pauses = this.tabs.map((tab) => this.ledger.pause(tab.name, moment));
    await this.#settle();
    this.log(`went on after ${pauses.map((ms) => ms.toFixed(0)).join(", ")} ms`);
    this.seen.pauses.push(...pauses);
  }

  async #settle() {
    for (const tab of this.tabs) await tab.call("stop");
    for (const tab of this.tabs) {
      // What is lost already need not be waited for.
      await until(this.seen.wrong.length === 0 ? PATIENCE : 5000, "", () => tab.call("idle")).catch(async () => {
        const hung = await tab.call("outstanding").catch(() => ["everything"]);
        this.seen.hung += hung.length;
        this.seen.wrong.push(`${tab.name} waits for ever: ${JSON.stringify(hung)}`);
      });
    }
  }

  async #reckon() {
    await this.profile.start();
    let [tab] = this.tabs;
    if (tab === undefined) {
      tab = await Tab.open("the reckoning", this.profile, this.server);
      this.tabs.push(tab);
    }
    await this.#judge(tab);
  }

  async #judge(tab) {
    const { lost, wrong } = this.ledger.judge(await tab.call("dump", { url: this.url }));
    this.seen.lost += lost;
    this.seen.wrong.push(...wrong);
  }

  async #leave() {
    for (const tab of this.tabs ?? []) await within(10_000, "closing a page", tab.page.close()).catch(() => undefined);
  }
}
