// Random histories of several connections, and the serial model that says what each of them must see. It runs in a page, or
// outside of several.
import { equal, ok } from "./check.js";
import { random } from "./random.js";

const KEYS = 6;
/** Longer than anything here takes, shorter than the patience of a test. */
const LIMIT_MS = 20_000;

/** A connection as the model sees it. */
class Conn {
  constructor(number) {
    this.number = number;
    this.end();
  }

  /** No transaction. */
  end() {
    this.begun = false;
    /** Whether its first statement will take the write lock: BEGIN travels with it. */
    this.eager = false;
    /** Which version of the database it sees; null before it has looked. */
    this.snapshot = null;
    /** What it wrote: one layer for the transaction and one for each savepoint. */
    this.layers = [new Map()];
    this.stream = null;
    /** What it waits for. */
    this.waits = null;
  }
}

/** One history. `tabs` are callers of `globalThis.histories`; the connections are dealt out to them. */
export class History {
  constructor(seed, tabs, { connections, steps }) {
    this.seed = seed;
    this.dice = random(seed);
    this.tabs = tabs;
    this.conns = Array.from({ length: connections }, (_, number) => new Conn(number));
    this.steps = steps;
    this.versions = [new Map()];
    this.holder = null;
    this.trace = [];
    this.counts = {};
  }

  #tab(conn) {
    return this.tabs[conn.number % this.tabs.length];
  }

  #note(conn, what) {
    this.trace.push(`${conn.number} ${what}`);
  }

  #look(conn) {
    conn.begun = true;
    conn.snapshot ??= this.versions.length - 1;
  }

  #sees(conn) {
    const sees = new Map(this.versions[conn.snapshot ?? this.versions.length - 1]);
    for (const layer of conn.layers) for (const [k, v] of layer) v === null ? sees.delete(k) : sees.set(k, v);
    return sees;
  }

  async #run(conn, name, args = {}) {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    this.#note(conn, `${name} ${JSON.stringify(args)}`);
    const outcome = await this.#limited(this.#tab(conn)("run", conn.number, name, args), `${conn.number} ${name}`);
    return outcome;
  }

  async #limited(promise, what) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} does not end`)), LIMIT_MS);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  }

  async #must(conn, name, args) {
    const { value, error } = await this.#run(conn, name, args);
    equal(error, undefined, `${conn.number} ${name}`);
    return value;
  }

  async play(url) {
    for (const [i, tab] of this.tabs.entries()) {
      await tab("open", url, this.conns.map(({ number }) => number).filter((number) => number % this.tabs.length === i));
    }
    try {
      for (let i = 0; i < this.steps; i++) await this.#step();
      for (const conn of this.conns) if (conn.waits !== null) await this.#cancel(conn);
      for (const conn of this.conns) if (conn.begun) await this.#finish(conn, "rollback");
      await this.#peek(this.conns[0]);
    } catch (error) {
      error.message += `\nALUDEL_SEED=${this.seed} ALUDEL_HISTORIES=1, after:\n  ${this.trace.slice(-40).join("\n  ")}`;
      throw error;
    }
    for (const tab of this.tabs) await tab("close");
    return this.counts;
  }

  async #step() {
    const { dice } = this;
    // Whoever keeps others waiting gets more to do, so that they get on, too.
    const waited = this.holder !== null && this.conns.some(({ waits }) => waits !== null);
    const conn = waited && dice.chance(0.35) ? this.holder : dice.pick(this.conns);
    if (conn.waits !== null) {
      // Waiting until the lock is free is what it is for; now and then its caller thinks better of it.
      if (dice.chance(0.04)) await this.#cancel(conn);
      return;
    }
    if (conn.stream !== null && dice.chance(0.6)) return this.#fetch(conn);
    const roll = dice.between(1, 100);
    if (!conn.begun && roll <= 25) return this.#begin(conn, roll <= 15);
    if (!conn.begun && roll <= 30) return this.#peek(conn);
    if (roll <= 50) return this.#read(conn);
    if (roll <= 75) return conn.stream === null ? this.#write(conn) : undefined;
    if (roll <= 80) return conn.stream === null ? this.#stream(conn) : undefined;
    if (roll <= 88) return conn.stream === null ? this.#savepoint(conn) : undefined;
    if (conn.begun) return this.#finish(conn, dice.pick(["commit", "commit", "commit", "rollback", "reopen"]));
  }

  async #peek(conn) {
    equal(await this.#must(conn, "peek"), sorted(this.versions.at(-1)), "what is committed");
  }

  async #begin(conn, eager) {
    await this.#must(conn, "begin", { mode: eager ? "immediate" : "deferred" });
    conn.begun = true;
    conn.eager = eager;
  }

  /** What does not write: it takes the lock only as the first statement of a transaction that began so. */
  async #calmly(conn, name, args, then) {
    if (conn.eager) return this.#lock(conn, name, args, then);
    if (name !== "savepoint") this.#look(conn);
    conn.begun = true;
    then(await this.#must(conn, name, args));
  }

  #read(conn) {
    if (this.dice.chance(0.3)) {
      return this.#calmly(conn, "all", {}, (rows) => equal(rows, sorted(this.#sees(conn)), `all that ${conn.number} sees`));
    }
    const k = this.dice.between(1, KEYS);
    return this.#calmly(conn, "read", { k }, (v) => equal(v, this.#sees(conn).get(k) ?? null, `${k} as ${conn.number} sees it`));
  }

  #stream(conn) {
    return this.#calmly(conn, "stream", { yieldPer: this.dice.between(1, 3) }, () => {
      conn.stream = sorted(this.#sees(conn));
    });
  }

  async #fetch(conn) {
    if (this.dice.chance(0.2)) {
      await this.#must(conn, "unstream");
      conn.stream = null;
      return;
    }
    const size = this.dice.between(1, 4);
    const rows = await this.#must(conn, "fetch", { size });
    equal(rows, conn.stream.splice(0, size), `the stream of ${conn.number}`);
    if (rows.length < size) conn.stream = null;
  }

  async #savepoint(conn) {
    if (conn.layers.length > 1 && this.dice.chance(0.6)) {
      const last = conn.layers.pop();
      if (this.dice.chance(0.5)) {
        await this.#must(conn, "undo");
      } else {
        await this.#must(conn, "release");
        for (const [k, v] of last) conn.layers.at(-1).set(k, v);
      }
      return;
    }
    await this.#calmly(conn, "savepoint", {}, () => conn.layers.push(new Map()));
  }

  #write(conn) {
    const k = this.dice.between(1, KEYS);
    const v = this.dice.chance(0.2) ? null : this.dice.between(1, 1000);
    return this.#lock(conn, v === null ? "remove" : "write", { k, v }, () => conn.layers.at(-1).set(k, v));
  }

  /** What takes the write lock: at once, or when its holder is done; never when it has seen what is no longer so. */
  async #lock(conn, name, args, then) {
    if (this.holder !== null && this.holder !== conn) {
      this.counts.waits = (this.counts.waits ?? 0) + 1;
      this.#note(conn, `${name} ${JSON.stringify(args)}, waits for ${this.holder.number}`);
      conn.waits = { name, args, then };
      await this.#tab(conn)("launch", conn.number, name, args);
      return;
    }
    await this.#granted(conn, name, then, await this.#run(conn, name, args));
  }

  /** Whether it has seen what is no longer so. */
  #isStale(conn) {
    return conn.snapshot !== null && JSON.stringify(sorted(this.versions[conn.snapshot])) !== JSON.stringify(sorted(this.versions.at(-1)));
  }

  /** Commits that changed nothing in the end may count as news for SQLite. */
  #mayBeStale(conn) {
    return conn.snapshot !== null && conn.snapshot < this.versions.length - 1;
  }

  async #granted(conn, name, then, { value, error }) {
    if (this.#isStale(conn) || (this.#mayBeStale(conn) && error !== undefined)) {
      equal(error?.code, "SQLITE_BUSY_SNAPSHOT", `what ${conn.number} is told, which saw version ${conn.snapshot} and wants to write`);
      equal(error.retryable, true);
      this.counts.stale = (this.counts.stale ?? 0) + 1;
      await this.#finish(conn, "rollback");
      return;
    }
    equal(error, undefined, `${name} of ${conn.number}`);
    conn.begun = true;
    conn.snapshot = this.versions.length - 1;
    conn.eager = false;
    this.holder = conn;
    then(value);
  }

  async #finish(conn, how) {
    await this.#stillWaiting();
    await this.#must(conn, how);
    const held = this.holder === conn;
    if (how === "commit" && held) this.versions.push(this.#sees(conn));
    conn.end();
    if (!held) return;
    this.holder = null;
    await this.#handOn();
  }

  async #cancel(conn) {
    this.#note(conn, "cancel");
    this.counts.cancel = (this.counts.cancel ?? 0) + 1;
    await this.#tab(conn)("cancel", conn.number);
    const { error } = await this.#limited(this.#tab(conn)("join", conn.number), `${conn.number} was cancelled, and`);
    if (!(this.#mayBeStale(conn) && error?.code === "SQLITE_BUSY_SNAPSHOT")) equal(error?.name, "AbortError", `${conn.number} was cancelled`);
    conn.waits = null;
    await this.#finish(conn, "rollback");
  }

  /** Nobody gets the lock while another has it; only one who could never have it may be told so early. */
  async #stillWaiting() {
    if (this.holder === null) return;
    for (const conn of this.conns.filter(({ waits }) => waits !== null)) {
      const [early] = await this.#tab(conn)("settled", [conn.number], 0);
      if (early !== undefined) ok(this.#mayBeStale(conn), `${conn.number} did not wait for ${this.holder?.number}`);
    }
  }

  /** The lock is free: those who wait get it, one after the other. */
  async #handOn() {
    while (this.holder === null) {
      const waiting = this.conns.filter(({ waits }) => waits !== null);
      if (waiting.length === 0) return;
      const conn = await this.#limited(this.#first(waiting), `the lock is free, and ${waiting.map(({ number }) => number)} wait: that`);
      const { name, then } = conn.waits;
      conn.waits = null;
      this.#note(conn, `${name}, goes on`);
      await this.#granted(conn, name, then, await this.#tab(conn)("join", conn.number));
    }
  }

  async #first(waiting) {
    for (;;) {
      for (const tab of this.tabs) {
        const numbers = waiting.filter((conn) => this.#tab(conn) === tab).map(({ number }) => number);
        if (numbers.length === 0) continue;
        const [number] = await tab("settled", numbers, this.tabs.length > 1 ? 20 : LIMIT_MS);
        if (number !== undefined) return this.conns[number];
      }
    }
  }
}

const sorted = (map) => [...map].sort(([a], [b]) => a - b);
