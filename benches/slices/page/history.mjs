// One random history: connections whose statements are suspended, resumed in any order and interrupted, and the same
// transactions and reads on another database, one after the other and without a pause.
import { random } from "./world.mjs";
import { SCHEMA, read, upkeep, write } from "./statements.mjs";

const PACES = [1, 2, 3, 10, 50, 300, 2000];
const BUSY = 5, LOCKED = 6, INTERRUPTED = 9;

const CHECKS = ["PRAGMA integrity_check", "PRAGMA quick_check"];
/** SQLite 3.53.4 checks a full-text index by what the connection knew of it, unless it looks at it first. */
const FRESH = { kind: "fresh", sql: "SELECT count(*) FROM f WHERE f MATCH 'w1'" };

/** What a connection is asked that has seen nothing yet, and how its answers begin. */
const FINAL = [
  ["PRAGMA integrity_check", "ok|\n= 1 "],
  ["PRAGMA foreign_key_check", "= 0 "],
  ["INSERT INTO f(f, rank) VALUES ('integrity-check', 1)", "= 0 "],
  ["PRAGMA wal_checkpoint(TRUNCATE)", "0|"],
];

/** What a statement comes to that gives no rows. */
const NOTHING = "= 0 rows, cbf29ce484222325";

class Mismatch extends Error {}

function check(holds, what) {
  if (!holds) throw new Mismatch(what());
}

const codeOf = (outcome) => (outcome.startsWith("error ") ? Number.parseInt(outcome.slice(6), 10) & 0xff : 0);

/** What a connection is to run next, as steps. */
function program(r) {
  const kind = r(100);
  if (kind < 38) return [{ kind: "read", sql: read(r) }];
  if (kind < 48) {
    const reads = Array.from({ length: 2 + r(3) }, () => ({ kind: "read", sql: read(r) }));
    return [{ kind: "begin", sql: "BEGIN" }, ...reads, { kind: "end", sql: r(2) ? "COMMIT" : "ROLLBACK" }];
  }
  if (kind < 78) return transaction(r);
  if (kind < 87) return [{ kind: "alone", sql: `INSERT INTO act VALUES (${r(50)})` }];
  if (kind < 93) return [{ kind: "upkeep", sql: upkeep(r) }];
  if (kind < 95) {
    const steps = [FRESH, { kind: "check", sql: CHECKS[r(2)] }];
    return [{ kind: "begin", sql: "BEGIN" }, ...steps, { kind: "end", sql: "COMMIT" }];
  }
  if (kind < 97) return [{ kind: "checkpoint", sql: "" }];
  return [{ kind: "reopen", sql: "" }];
}

function transaction(r) {
  const op = () => (r(4) ? { kind: "op", sql: write(r) } : { kind: "op", sql: read(r) });
  const steps = [{ kind: "begin write", sql: "BEGIN IMMEDIATE" }, { kind: "op", sql: "UPDATE version SET n = n + 1" }];
  for (let left = r(4); left >= 0; left -= 1) steps.push(op());
  if (r(3) === 0) {
    const point = (sql) => ({ kind: "op", sql });
    steps.push(point("SAVEPOINT a"), op(), point("SAVEPOINT b"), op());
    steps.push(point(r(2) ? "ROLLBACK TO b" : "RELEASE b"), op(), point(r(2) ? "ROLLBACK TO a" : "RELEASE a"));
  }
  if (r(6) === 0) return [...steps, { kind: "rollback", sql: "ROLLBACK" }];
  return [...steps, { kind: "version", sql: "SELECT n FROM version" }, { kind: "commit", sql: "COMMIT" }];
}

/** Runs the history of a seed; counts into `stats`, throws what is not as it would be without pauses. */
export async function history(m, fibers, seed, stats) {
  const r = random(seed);
  const [name, twin] = [`history-${seed}`, `twin-${seed}`];
  m.attach_memory(name);
  m.attach_memory(twin);
  const first = m.open(name), model = m.open(twin);
  for (const sql of SCHEMA) {
    for (const slot of [first, model]) check(codeOf(m.run_at_once(slot, sql, false)) === 0, () => sql);
  }
  m.close(first);

  const commits = [{ version: 0, steps: [] }], reads = [];
  let newest = 0;
  const open = () => ({ slot: m.open(name), steps: [], paused: false, step: null, done: null, snapshot: null });
  const connections = Array.from({ length: 2 + r(5) }, open);
  const watcher = m.open(name);

  // Whoever has just run has committed what is there now and was not before. SQLite looks once more when a statement has
  // committed, and one that is interrupted there says so of what has happened. The worker's handler is silent then; should it not
  // be, nobody is interrupted there.
  const observe = ({ step, done, version: told }) => {
    const version = Number.parseInt(m.run_at_once(watcher, "SELECT n FROM version", false), 10);
    if (version === newest) return;
    check(["alone", "commit"].includes(step.kind) && !step.committed, () => `${step.sql} committed version ${version}`);
    check(version > newest, () => `version ${version} after ${newest}`);
    check(step.kind === "alone" || version === told, () => `version ${version} where ${told} was expected`);
    step.committed = true;
    newest = version;
    commits.push({ version, steps: step.kind === "alone" ? [{ sql: step.sql, outcome: NOTHING }] : done });
  };

  const forget = (connection) => {
    if (m.in_transaction(connection.slot)) m.run_at_once(connection.slot, "ROLLBACK", false);
    Object.assign(connection, { steps: [], done: null, snapshot: null });
  };
  const settled = (connection, outcome) => {
    observe(connection);
    const { kind, sql, committed } = connection.step;
    const code = codeOf(outcome);
    connection.step = null;
    connection.paused = false;
    stats.statements += 1;
    if (code === INTERRUPTED) {
      stats.interrupted += 1;
      return forget(connection);
    }
    if (code === BUSY || code === LOCKED) {
      check(["begin write", "alone", "upkeep"].includes(kind), () => `${sql}: ${outcome}`);
      stats.busy += 1;
      return forget(connection);
    }
    const version = Number.parseInt(outcome, 10);
    if (kind === "op") connection.done.push({ sql, outcome });
    else if (code !== 0) throw new Mismatch(`${sql}: ${outcome}`);
    if (kind === "begin write") connection.done = [];
    if (kind === "begin") connection.snapshot = -1;
    if (kind === "end") connection.snapshot = null;
    if (kind === "version") connection.version = version;
    if (kind === "read") {
      reads.push({ sql, outcome, version });
      if (connection.snapshot === -1) connection.snapshot = version;
      const { snapshot } = connection;
      check(snapshot === null || snapshot === version, () => `a snapshot went from ${snapshot} to ${version}`);
    }
    if (kind === "check") check(outcome.startsWith("ok|\n= 1"), () => `${sql}: ${outcome}`);
    if (kind === "alone") check(committed && outcome === NOTHING, () => `${sql}: ${outcome}, and nothing was committed`);
    if (kind === "commit") check(committed, () => `COMMIT, and version ${connection.version} is not there`);
    if (kind === "commit" || kind === "rollback") connection.done = null;
  };
  const heard = (connection, what) => {
    if (what === "paused") {
      connection.paused = true;
      observe(connection);
    } else settled(connection, m.outcome(connection.slot));
  };
  const looks = () => [1 + r(3), 1 + r(20), 1 + r(400)][r(3)];

  const advance = async (connection) => {
    if (connection.steps.length === 0) {
      connection.steps = program(r);
      m.look_every(connection.slot, PACES[r(PACES.length)]);
    }
    connection.step = connection.steps.shift();
    const { kind, sql } = connection.step;
    if (kind === "reopen") {
      m.close(connection.slot);
      Object.assign(connection, open());
    } else if (kind === "checkpoint") {
      m.checkpoint(connection.slot, r(2) === 0);
      connection.step = null;
    } else if (r(10) < 3) settled(connection, m.run_at_once(connection.slot, sql, r(2) === 0));
    else heard(connection, await fibers.start(connection.slot, sql, looks()));
  };
  for (let left = 60 + r(240); left > 0; left -= 1) {
    const connection = connections[r(connections.length)];
    if (!connection.paused) await advance(connection);
    else {
      connection.paused = false;
      const stops = r(40) === 0 && !connection.step.committed;
      heard(connection, await fibers.resume(connection.slot, stops ? 0 : looks()));
    }
  }
  // Whoever is under way is let through, in any order; the others are not asked any more.
  for (let left = connections.filter((c) => c.paused || c.steps.length > 0); left.length > 0; ) {
    const connection = left[r(left.length)];
    if (connection.paused) {
      connection.paused = false;
      heard(connection, await fibers.resume(connection.slot, r(10) ? 1e9 : 50));
    } else await advance(connection);
    left = connections.filter((c) => c.paused || c.steps.length > 0);
  }
  for (const { slot } of connections) m.close(slot);
  m.close(watcher);
  judge(m, { name, model, commits, reads, stats });
  m.close(model);
  m.detach(name);
  m.detach(twin);
}

/** Repeats the commits in their order, and after each the reads that saw it; then compares what is left. */
function judge(m, { name, model, commits, reads, stats }) {
  const again = (sql, outcome, where) => {
    const expected = m.run_at_once(model, sql, false);
    check(expected === outcome, () => `${where}\n${sql}\nis      ${outcome}\nwithout ${expected}`);
  };
  const unseen = new Map(commits.map(({ version }) => [version, []]));
  for (const one of reads) {
    check(unseen.has(one.version), () => `version ${one.version} was seen and never committed`);
    unseen.get(one.version).push(one);
  }
  for (const { version, steps } of commits) {
    if (version > 0) m.run_at_once(model, "BEGIN IMMEDIATE", false);
    for (const { sql, outcome } of steps) again(sql, outcome, `in the transaction of version ${version}`);
    if (version > 0) m.run_at_once(model, "COMMIT", false);
    for (const { sql, outcome } of unseen.get(version)) again(sql, outcome, `a read at version ${version}`);
  }
  stats.commits += commits.length - 1;
  stats.reads += reads.length;
  const last = m.open(name);
  const tables = m.run_at_once(
    last,
    `SELECT group_concat(name, ' ') FROM
      (SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%stat%' ORDER BY name)`,
    false,
  );
  for (const table of tables.split("|")[0].split(" ")) {
    // The segments of the full-text index depend on when it was merged, not what they say: that is checked below.
    if (/^f_(data|idx)/.test(table)) continue;
    const sql = `SELECT * FROM ${table} ORDER BY ${table === "version" ? "1" : "1, 2"}`;
    again(sql, m.run_at_once(last, sql, false), "at the end");
  }
  for (const [sql, good] of FINAL) {
    const outcome = m.run_at_once(last, sql, false);
    check(outcome.startsWith(good), () => `${sql}: ${outcome}`);
  }
  m.close(last);
}
