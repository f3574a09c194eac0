// What was acknowledged, and whether a database agrees.

/** Errors that a tab may be told when what it works on goes away. Any other is a finding. */
const LOSSES = ["HostLost", "WorkerGone"];
/** Kinds of work, and in which table their traces are. */
const TRACES = {
  parts: "part", commit: "part", many: "part", savepoint: "part", single: "single", returning: "single", count: "counted", pages: "page",
  import: "whole", sweep: "bulk",
};

/** What an error says of its piece of work. */
function fateOf({ retryable, message }) {
  if (retryable) return "retryable";
  if (/which was committed/.test(message)) return "committed";
  return /may or may not/.test(message) ? "unknown" : "failed";
}

/** The first line of a message. */
const first = (text) => text.split("\n", 1)[0];

/** All that the tabs of one database reported. */
export class Ledger {
  /** For each tab: its events by number, and whether it can still report. */
  #tabs = new Map();
  #forgotten = 0;

  #tab(name) {
    if (!this.#tabs.has(name)) this.#tabs.set(name, { events: new Map(), silenced: false });
    return this.#tabs.get(name);
  }

  /** Takes down what a tab reports. */
  record(name, events) {
    const tab = this.#tab(name);
    for (const event of events) tab.events.set(event.seq, event);
  }

  /** From now on a tab may have done what nobody heard of. */
  silence(name) {
    this.#tab(name).silenced = true;
  }

  /** What was acknowledged so far is not looked for any more. */
  forget() {
    this.#forgotten = Math.max(0, ...this.#all().map(({ to }) => to));
  }

  #all() {
    return [...this.#tabs].flatMap(([name, tab]) => [...tab.events.values()].map((event) => ({ ...event, tab: name })));
  }

  /** Pieces of work of a tab that began after a moment and were acknowledged. */
  done(name, since = 0) {
    return [...this.#tab(name).events.values()].filter(({ kind, outcome, from }) => outcome === "done" && kind !== "setup" && from >= since);
  }

  /** How many commits were acknowledged. */
  get acknowledged() {
    return this.#all().filter(({ outcome, kind }) => outcome === "done" && kind in TRACES).length;
  }

  /** How many failed in a way that the tab may try again. */
  get failed() {
    return this.#all().filter(({ outcome }) => outcome === "failed").length;
  }

  /** The longest time without an acknowledgement that a tab had around or soon after a moment. */
  pause(name, moment) {
    const times = this.done(name).map(({ to }) => to).sort((a, b) => a - b);
    let longest = 0;
    times.forEach((time, i) => {
      // One that had none before then has waited since.
      const before = times[i - 1] ?? moment;
      if (time > moment && before < moment + 3000) longest = Math.max(longest, time - before);
    });
    return longest;
  }

  /** Errors that no tab should have been told, whatever was killed under it. */
  complaints() {
    return this.#all()
      .filter(({ outcome, error }) => outcome === "failed" && !LOSSES.includes(error.name))
      .map(({ tab, kind, seq, error }) => `${tab} was told by ${kind} ${seq}: ${error.name}: ${first(error.message)}`);
  }

  /**
   * What a dump of the database contradicts, in words; and how many acknowledged commits are missing from it. With `mayLose`
   * the latest commits may be missing, but none of which a later one is there.
   */
  judge(dump, { mayLose = false } = {}) {
    const wrong = [];
    const missing = [];
    let latest = 0;
    if (dump.check.join() !== "ok") wrong.push(`integrity_check: ${dump.check.slice(0, 5).join("; ")}`);
    const found = tracesIn(dump, wrong);
    for (const event of this.#all()) {
      if (TRACES[event.kind] === undefined) continue;
      const name = `${event.kind} ${event.seq} of ${event.tab}`;
      const { there, overwritten } = look(found, event);
      if (event.outcome === "done") {
        if (event.to <= this.#forgotten) continue;
        if (!there && !overwritten) missing.push({ name, to: event.to });
        else if (there) latest = Math.max(latest, event.from);
        continue;
      }
      const told = `${event.error.name}: ${first(event.error.message)}`;
      const fate = fateOf(event.error);
      if (fate === "unknown") wrong.push(`${name} was left in doubt (${told})`);
      if (there && fate === "retryable") wrong.push(`${name} failed, may be tried again (${told}) and is there`);
      if (!there && !overwritten && fate === "committed") wrong.push(`${name} is said to be committed (${told}) and is not there`);
    }
    // What nobody reported may only come from a tab that could not report any more.
    for (const table of ["part", "single", "counted"]) {
      for (const trace of found[table]) {
        const [name, seq] = trace.split(" ");
        const tab = this.#tabs.get(name);
        if (tab === undefined || (!tab.events.has(Number(seq)) && !tab.silenced)) wrong.push(`nobody did what ${table} holds of ${trace}`);
      }
    }
    for (const { name, to } of missing) {
      if (!mayLose) wrong.push(`${name} was acknowledged and is not there`);
      else if (to < latest) wrong.push(`${name} is not there, and later commits are`);
    }
    return { lost: missing.length, wrong };
  }
}

/** Whether a piece of work left its traces, or may have left some that others of its kind have covered since. */
function look(found, { kind, seq, tab }) {
  const table = TRACES[kind];
  if (table === "whole") return { there: found.whole === seq, overwritten: found.whole > seq };
  if (found[table] instanceof Map) return { there: found[table].get(tab) === seq, overwritten: found[table].get(tab) > seq };
  return { there: found[table].has(`${tab} ${seq}`), overwritten: false };
}

/** Which pieces of work left all their traces; halves and doubles are found wrong. */
function tracesIn(dump, wrong) {
  const found = { part: new Set(), single: new Set(), counted: new Set(), page: new Map(), bulk: new Map(), whole: null };
  if (dump.whole !== undefined) {
    const [count, least, most, rows, others, filled] = dump.whole;
    if (least !== most || rows !== others || count !== rows || filled !== count) {
      wrong.push(`half: the database holds ${count} of ${rows}..${others} rows, from ${least}..${most}, ${filled} of them whole`);
    }
    found.whole = most;
  }
  if (dump.parts === undefined) return found;
  for (const [tab, seq, count, least, most, sum, low, high] of dump.parts) {
    const name = `${tab} ${seq}`;
    if (count !== least || least !== most || low !== high || sum !== low) {
      wrong.push(`half or twice: part ${name} has ${count} rows of ${least}..${most}, and adds up to ${sum} of ${low}..${high}`);
    }
    found.part.add(name);
  }
  for (const [tab, seq, count] of dump.single) {
    if (count !== 1) wrong.push(`single ${tab} ${seq} is there ${count} times`);
    found.single.add(`${tab} ${seq}`);
  }
  dump.counted.forEach(([n, tab, seq], i) => {
    if (n !== i + 1) wrong.push(`a lost update: the ${i + 1}. that was counted (${tab} ${seq}) found ${n - 1}`);
    found.counted.add(`${tab} ${seq}`);
  });
  if (dump.counter !== dump.counted.length) wrong.push(`the counter says ${dump.counter}, and ${dump.counted.length} were counted`);
  if (dump.undone !== 0) wrong.push(`${dump.undone} rows are there that were rolled back`);
  for (const [tab, count, least, most, whole] of dump.pages) {
    if (count !== 200 || least !== most || whole !== count) {
      wrong.push(`half: the pages of ${tab} are ${count} of 200, from ${least}..${most}, ${whole} of them whole`);
    }
    found.page.set(tab, most);
  }
  for (const [tab, count, least, most] of dump.bulk) {
    if (count !== 20_000 || least !== most || least < 0) {
      wrong.push(`half or undone: of ${tab} there are ${count} of 20000 rows, from ${least}..${most}`);
    }
    found.bulk.set(tab, most);
  }
  if (dump.passing) wrong.push("a table is there that was dropped in the transaction that made it");
  return found;
}
