/**
 * Runs the steps of migrations, each in a transaction of its own, and keeps the history of a database.
 *
 * @module
 */

import { Connection } from "./connection.js";
import type { Engine } from "./engine.js";
import { MigrationError, NewerDatabaseError, SQLAlchemyError, WorkerGone } from "./errors.js";
import { planOf, quoted, workOf, type AppliedMigration, type History, type Plan, type Step } from "./migration_steps.js";
import { splitStatements } from "./statement.js";

/** A step is to be run. */
export interface MigrationStepEvent {
  /** Its name. */
  readonly name: string;
  /** Its place among all steps; the first is 0. */
  readonly index: number;
  /** How many steps there are. */
  readonly count: number;
}

/**
 * How steps are to be run.
 * @internal
 */
export interface Wanted {
  readonly userVersion: boolean;
  readonly adopt: boolean;
  readonly allowNewer: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onStep?: (event: MigrationStepEvent) => unknown;
}

const TABLE = "aludel_migrations";
const SQL = {
  kept: `SELECT (SELECT count(*) FROM main.sqlite_schema WHERE type = 'table' AND name = '${TABLE}'), user_version FROM pragma_user_version`,
  applied: `SELECT name, checksum, applied_at, duration FROM main.${TABLE} ORDER BY position`,
  count: `SELECT count(*) FROM main.${TABLE}`,
  create: `CREATE TABLE IF NOT EXISTS main.${TABLE} (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, checksum TEXT, applied_at TEXT NOT NULL, duration INTEGER NOT NULL)`,
  insert: `INSERT INTO main.${TABLE} (name, checksum, applied_at, duration) VALUES (?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), max(0, CAST(round((julianday('now') - ?) * 86400000) AS INTEGER)))`,
  // Only those of the main database: what is attached is not migrated.
  violations: 'SELECT "table", parent, count(*) FROM pragma_foreign_key_check(NULL, \'main\') GROUP BY 1, 2',
};

/** How many rows of a table lack their row of another one. */
type Violations = ReadonlyMap<string, number>;

/**
 * What a database remembers.
 * @internal
 */
export async function read(engine: Engine, signal: AbortSignal | undefined): Promise<History> {
  return engine.begin(historyOf, { readOnly: true, ...limits(signal) });
}

const limits = (signal: AbortSignal | undefined): { signal?: AbortSignal } => (signal === undefined ? {} : { signal });

/** The rows of SQL as lists. */
async function rows(conn: Connection, sql: string): Promise<unknown[][]> {
  return (await conn.execDriverSql(sql)).fetchall().map((row) => [...row] as unknown[]);
}

async function historyOf(conn: Connection): Promise<History> {
  const [[kept, version] = []] = await rows(conn, SQL.kept);
  if (kept === 0) return { applied: [], kept: false, version: Number(version) };
  const applied = (await rows(conn, SQL.applied)).map(([name, checksum, appliedAt, duration]) => ({ name, checksum, appliedAt, duration }));
  return { applied: applied as unknown as AppliedMigration[], kept: true, version: Number(version) };
}

/** The history as it is now: the very same object if nothing was added to it. */
async function since(conn: Connection, known: History): Promise<History> {
  if (known.kept) {
    const count = (await conn.execDriverSql(SQL.count)).scalar();
    return count === known.applied.length ? known : historyOf(conn);
  }
  const found = await historyOf(conn);
  return found.kept || found.version !== known.version ? found : known;
}

/**
 * Throws what forbids to go on; else says whether there is nothing to do.
 * @internal
 */
export function settled(plan: Plan, { allowNewer }: Wanted): boolean {
  if (plan.problem !== null && !(allowNewer && plan.problem instanceof NewerDatabaseError)) throw plan.problem;
  return plan.problem !== null || (plan.pending.length === 0 && plan.adopted === 0);
}

/**
 * Runs the steps that a database has not had.
 * @internal
 */
export async function runPending(engine: Engine, steps: readonly Step[], given: Wanted, ran: (name: string) => void): Promise<void> {
  const { signal } = given;
  await engine.connect(async (conn) => {
    const enforced = (await outside(conn, "PRAGMA foreign_keys")) === 1;
    let history = await historyOf(conn);
    await conn.rollback();
    let violations: Violations | undefined;
    let off = false;
    try {
      for (;;) {
        const known = history;
        const plan = planOf(steps, known, given);
        if (settled(plan, given)) return;
        const step = plan.adopted > 0 ? undefined : plan.pending[0];
        if (enforced && step !== undefined && off === step.foreignKeys) {
          // From here on it is not known what it has.
          off = true;
          await outside(conn, `PRAGMA foreign_keys = ${step.foreignKeys ? "ON" : "OFF"}`);
          off = !step.foreignKeys;
          violations = undefined;
        }
        signal?.throwIfAborted();
        let performed: string | undefined;
        const act = async (): Promise<void> => {
          // Another tab may have run it, or replaced the whole database.
          history = await since(conn, known);
          if (history !== known) return;
          const had = step === undefined ? steps.slice(0, plan.adopted) : [step];
          const start = (await conn.execDriverSql("SELECT julianday('now')")).scalar();
          if (step !== undefined) {
            const index = known.applied.length;
            await given.onStep?.(Object.freeze({ name: step.name, index, count: steps.length }));
            if (off) violations ??= await violationsOf(conn);
            await perform(conn, step, given);
            if (off) violations = await checkedViolations(conn, step, violations);
          }
          history = await noted(conn, known, had, start, given);
          performed = step?.name;
        };
        await conn.begin(act, { mode: "immediate", ...limits(signal) });
        if (performed !== undefined) ran(performed);
      }
    } finally {
      // Whoever has the connection next is to find it as it was.
      if (off) await outside(conn, "PRAGMA foreign_keys = ON").catch(() => Connection.native(conn).invalidate().catch(() => undefined));
    }
  }, limits(signal));
}

/** Runs something that SQLite does in no transaction only; what follows is in transactions. */
async function outside(conn: Connection, sql: string): Promise<unknown> {
  await conn.executionOptions({ isolationLevel: "AUTOCOMMIT" });
  const result = await conn.execDriverSql(sql);
  await conn.commit();
  await conn.executionOptions({ isolationLevel: "SERIALIZABLE" });
  return result.returnsRows ? result.scalar() : undefined;
}

/** Notes steps as run; gives the history as it is then. */
async function noted(conn: Connection, known: History, had: readonly Step[], start: unknown, { userVersion }: Wanted): Promise<History> {
  if (!known.kept) await conn.execDriverSql(SQL.create);
  for (const { name, checksum } of had) await conn.execDriverSql(SQL.insert, [name, checksum, start as number]);
  const applied = [...known.applied, ...had.map(({ name, checksum }) => ({ name, checksum, appliedAt: "", duration: 0 }))];
  if (userVersion) await conn.execDriverSql(`PRAGMA main.user_version = ${applied.length}`);
  return { applied, kept: true, version: userVersion ? applied.length : known.version };
}

async function perform(conn: Connection, step: Step, { signal }: Wanted): Promise<void> {
  const { engine } = conn;
  const { name } = step;
  const transaction = conn.getTransaction();
  let refused: MigrationError | undefined;
  const refuse = (what: string): never => {
    const message = `step ${quoted(name)} ${what}: it runs in a transaction, which is committed with what the database remembers of it`;
    refused = new MigrationError(message, { step: name, problem: "transaction" });
    throw refused;
  };
  const ends = ({ connection }: { readonly connection: Connection | null }): void => {
    if (connection === conn) refuse("ends its transaction");
  };
  const executes = ({ connection, statement }: { readonly connection: Connection | null; readonly statement: string }): void => {
    const keyword = connection === conn ? ENDS.exec(statement)?.[1] : undefined;
    if (keyword !== undefined) refuse(`has a ${keyword.toUpperCase()}`);
  };
  Connection.keep(conn, () => refuse("closes its connection"));
  engine.listen("commit", ends);
  engine.listen("rollback", ends);
  engine.listen("beforeCursorExecute", executes);
  try {
    const work = typeof step.work === "object" ? workOf(name, await step.work.load()) : step.work;
    if (typeof work === "string") {
      for (const { sql } of splitStatements(work)) {
        signal?.throwIfAborted();
        await conn.execDriverSql(sql, undefined, limits(signal));
      }
    } else await work(conn, Object.freeze({ name, signal }));
    if (refused !== undefined) throw refused;
    if (conn.getTransaction() !== transaction || !conn.inTransaction()) refuse("has ended its transaction");
    signal?.throwIfAborted();
  } catch (error) {
    const foreign = error instanceof WorkerGone || error === refused || (signal?.aborted === true && error === signal.reason);
    if (foreign) throw error;
    const retryable = error instanceof SQLAlchemyError && error.retryable;
    const message = `step ${quoted(name)} failed: ${error instanceof Error ? error.message : String(error)}`;
    throw new MigrationError(message, { step: name, problem: "failed", cause: error, retryable });
  } finally {
    Connection.keep(conn, undefined);
    engine.remove("commit", ends);
    engine.remove("rollback", ends);
    engine.remove("beforeCursorExecute", executes);
  }
}

/** A statement that begins or ends a transaction; savepoints are free. */
const ENDS = /^(?:[\s;]|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*(BEGIN|COMMIT|END|ROLLBACK(?!\s+(?:TRANSACTION\s+)?TO\b))\b/i;

async function violationsOf(conn: Connection): Promise<Violations> {
  const found = await rows(conn, SQL.violations);
  return new Map(found.map(([table, parent, count]) => [`${quoted(String(table))} refer to a row of ${quoted(String(parent))}`, Number(count)]));
}

/** Throws if a step has left more rows that refer to nothing than it has found. */
async function checkedViolations(conn: Connection, step: Step, before: Violations | undefined): Promise<Violations> {
  const after = await violationsOf(conn);
  for (const [what, count] of after) {
    const more = count - (before?.get(what) ?? 0);
    if (more <= 0) continue;
    const message = `step ${quoted(step.name)} breaks foreign keys: ${more} rows of ${what} that is not there. With foreignKeys: true it would cascade and fail as elsewhere`;
    throw new MigrationError(message, { step: step.name, problem: "foreignKeys" });
  }
  return after;
}
