/**
 * Migrations: changes of a database from version to version, in order and each once, however many tabs begin at once.
 *
 * @module
 */

import { within } from "./call.js";
import { describe } from "./encode.js";
import type { Engine } from "./engine.js";
import { ArgumentError, NewerDatabaseError, ResourceClosedError, type SQLAlchemyError } from "./errors.js";
import { read, runPending, settled, type MigrationStepEvent, type Wanted } from "./migration_run.js";
import { planOf, stepsOf, type AppliedMigration, type History, type Migration, type Plan, type Step } from "./migration_steps.js";
import { alone, beside, first, patient, Session, whenOver, type Member, type MigrationBlockedEvent, type VersionChangeEvent } from "./migration_tabs.js";

/** What `migrate()` and `migrationStatus()` take beside engine and steps. */
export interface MigrationStatusOptions {
  /**
   * Keeps the number of steps that were run in `PRAGMA user_version`, where other programs see it. True unless given; an app that
   * uses the number for something else says false, and nobody touches it.
   */
  readonly userVersion?: boolean;
  /** Takes a database that knows of no steps for one that has had as many of them as its `user_version` says. */
  readonly adopt?: boolean;
  /**
   * Aborts it; it rejects with the signal's reason. A step of SQL is ended after the statement that runs at the latest, one that
   * is a function, which is given the signal, when it has returned.
   */
  readonly signal?: AbortSignal;
}

/** What `migrate()` takes beside engine and steps. */
export interface MigrateOptions extends MigrationStatusOptions {
  /** Goes on with a database that has had more steps than are known, and runs none. */
  readonly allowNewer?: boolean;
  /** Is called before each step that is run. */
  readonly onStep?: (event: MigrationStepEvent) => unknown;
  /**
   * Is called when a tab with newer code is about to migrate the database: the moment to save what was typed, and to reload the page.
   * What it returns is waited for. From then on what this engine is asked for fails with a `NewerDatabaseError`.
   */
  readonly onVersionChange?: (event: VersionChangeEvent) => unknown;
  /** Is called when other tabs have not let go of the database after a second. */
  readonly onBlocked?: (event: MigrationBlockedEvent) => unknown;
}

/** What {@link migrate} has done. */
export interface Migrated {
  /** How many steps the database had had. */
  readonly from: number;
  /** How many it has had now. */
  readonly to: number;
  /** The names of the steps that this call has run. */
  readonly applied: readonly string[];
  /** The names of the steps that the database has had and that are not known; there are some with `allowNewer` only. */
  readonly unknown: readonly string[];
}

/** How a database and a list of steps fit. */
export interface MigrationStatus {
  /** The steps that were run, in their order. */
  readonly applied: readonly AppliedMigration[];
  /** The names of those that were not. */
  readonly pending: readonly string[];
  /** The names of those that were run and are not in the list. */
  readonly unknown: readonly string[];
  /** What {@link migrate} would throw before it runs any of them. */
  readonly problem: SQLAlchemyError | null;
}

const STATUS = ["userVersion", "adopt", "signal"];
const MIGRATE = [...STATUS, "allowNewer", "onStep", "onVersionChange", "onBlocked"];

function checked(what: string, options: MigrateOptions | undefined, known: readonly string[]): Given {
  const given = options ?? {};
  if (typeof given !== "object") throw new ArgumentError(`the options of ${what} are an object, not ${describe(given)}`);
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw new ArgumentError(`Unknown option '${name}' of ${what}; known are: ${known.join(", ")}`);
  }
  const { userVersion = true, adopt = false, allowNewer = false, signal, onStep, onVersionChange, onBlocked } = given;
  for (const [name, value] of Object.entries({ userVersion, adopt, allowNewer })) {
    if (typeof value !== "boolean") throw new ArgumentError(`${name} is true or false, not ${describe(value)}`);
  }
  for (const [name, value] of Object.entries({ onStep, onVersionChange, onBlocked })) {
    if (value !== undefined && typeof value !== "function") throw new ArgumentError(`${name} is a function, not ${describe(value)}`);
  }
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw new ArgumentError(`signal is an AbortSignal, not ${describe(signal)}`);
  }
  return { ...given, userVersion, adopt, allowNewer, signal };
}

/** What the calls of `migrate()` on a pool have in common. */
interface Here {
  /** Ends when all of them have ended. */
  last: Promise<unknown>;
  /** What is left of the last one that has succeeded. */
  session?: Session | undefined;
}

/** Of each pool, its calls, which come one after the other. */
const calls = new WeakMap<object, Here>();

/**
 * Brings a database to the newest version: runs those of the steps that it has not had, in order, each in a transaction of its own.
 * The database remembers in its table `aludel_migrations` which it has had. A step that fails leaves what the steps before it have made.
 * Where several tabs begin at once, each step is run by one of them, and all return when the database is ready.
 *
 * ```ts
 * await migrate(engine, [
 *   { name: "0001_users", sql: "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)" },
 *   { name: "0002_names", up: (conn) => conn.execute(text("UPDATE users SET name = trim(name)")) },
 *   { name: "0003_notes", module: () => import("./migrations/0003_notes.js") },
 * ]);
 * ```
 */
export async function migrate(engine: Engine, steps: readonly Migration[], options?: MigrateOptions): Promise<Migrated> {
  const list = stepsOf(steps);
  const given = checked("migrate()", options, MIGRATE);
  const { signal } = given;
  signal?.throwIfAborted();
  const here = calls.get(engine.pool) ?? { last: Promise.resolve() };
  calls.set(engine.pool, here);
  const { last } = here;
  const call = (async () => {
    const stop = new AbortController();
    const aborted = (): void => stop.abort(signal?.reason);
    signal?.addEventListener("abort", aborted);
    let disposed = false;
    const forget = whenOver(engine, () => {
      disposed = true;
      stop.abort(new ResourceClosedError("The engine was disposed of while it was migrated"));
    });
    let before: Session | undefined;
    try {
      await within({ signal: stop.signal, timeout: 0 }, last);
      if (here.session?.over === true) here.session = undefined;
      before = here.session;
      before?.hurry();
      const doing: Doing = { done: [], from: undefined };
      return await patient(() => run(engine, list, given, here, doing, stop.signal));
    } catch (error) {
      // What was so before goes on.
      if (here.session === undefined && !disposed) here.session = before?.again();
      throw error;
    } finally {
      forget();
      signal?.removeEventListener("abort", aborted);
    }
  })();
  here.last = Promise.allSettled([last, call]);
  return call;
}

/** Says which steps a database has had and which {@link migrate} would run, and runs none. */
export async function migrationStatus(
  engine: Engine,
  steps: readonly Migration[],
  options?: MigrationStatusOptions,
): Promise<MigrationStatus> {
  const list = stepsOf(steps);
  const given = checked("migrationStatus()", options, STATUS);
  const history = await read(engine, given.signal);
  const { pending, unknown, problem } = planOf(list, history, given);
  const applied = Object.freeze(history.applied.map((each) => Object.freeze(each)));
  return Object.freeze({ applied, pending: Object.freeze(pending.map(({ name }) => name)), unknown: Object.freeze(unknown), problem });
}

/** Options, checked. */
type Given = Wanted & Pick<MigrateOptions, "onVersionChange" | "onBlocked">;

/** What one call has found and done so far, whatever hosts it had. */
interface Doing {
  readonly done: string[];
  from: number | undefined;
}

async function run(engine: Engine, steps: readonly Step[], given: Given, here: Here, doing: Doing, stop: AbortSignal): Promise<Migrated> {
  const { signal } = given;
  const path = tabsOf(engine);
  const look = async (): Promise<{ migrated: Migrated; plan: Plan; ready: boolean }> => {
    // What holds up the calls of the engine does so until it is known what becomes of them.
    const history = await (here.session === undefined ? read(engine, signal) : beside(engine, (own) => read(own, signal)));
    const plan = planOf(steps, history, given);
    const ready = settled(plan, given);
    doing.from ??= plan.adopted || history.applied.length;
    return { migrated: migratedOf(history, plan, doing), plan, ready };
  };
  const work = (): Promise<void> => runPending(engine, steps, given, (name) => doing.done.push(name));
  if (path === undefined) {
    for (;;) {
      const { ready, migrated } = await look();
      if (ready) return migrated;
      await work();
    }
  }
  const member = memberOf(engine, path, steps, given);
  for (;;) {
    let asItIs: Migrated | undefined;
    const begun = await Session.begin(member, stop, async () => {
      const { ready, plan, migrated } = await look();
      if (ready && plan.problem === null) return migrated;
      if (ready) asItIs = migrated;
      return undefined;
    });
    here.session?.end();
    here.session = begun?.[0];
    if (begun !== undefined) return begun[1];
    // One that takes whatever it finds holds up nobody.
    if (asItIs !== undefined) return asItIs;
    // Whoever comes second finds it done, and asks nobody to let go.
    await first(path, stop, async () => {
      if (!(await look()).ready) await alone(member, stop, work);
    });
  }
}

function migratedOf({ applied: { length } }: History, { unknown }: Plan, { from, done }: Doing): Migrated {
  return Object.freeze({ from: Math.min(from ?? length, length), to: length, applied: Object.freeze([...done]), unknown: Object.freeze(unknown) });
}

function memberOf(engine: Engine, path: string, steps: readonly Step[], given: Given): Member {
  const look = async (): Promise<NewerDatabaseError | null> => {
    const { problem } = planOf(steps, await beside(engine, (own) => read(own, undefined)), given);
    return problem instanceof NewerDatabaseError ? problem : null;
  };
  const { allowNewer, onVersionChange, onBlocked } = given;
  return { engine, path, names: steps.map(({ name }) => name), look, allowNewer, onVersionChange, onBlocked };
}

/** The path of a database that other tabs may have. */
function tabsOf(engine: Engine): string | undefined {
  const { kind, path } = engine.storage;
  const locks = globalThis.navigator?.locks as LockManager | undefined;
  return kind === "opfs" && path !== null && locks !== undefined ? path : undefined;
}
