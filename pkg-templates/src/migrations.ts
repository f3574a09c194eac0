/**
 * Migrations: changes of a database from version to version, in order and each once, however many tabs begin at once.
 *
 * @module
 */

import { describe } from "./encode.js";
import type { Engine } from "./engine.js";
import { ArgumentError, NewerDatabaseError, type SQLAlchemyError } from "./errors.js";
import { read, runPending, settled, type MigrationStepEvent, type Wanted } from "./migration_run.js";
import { planOf, stepsOf, type AppliedMigration, type History, type Migration, type Plan, type Step } from "./migration_steps.js";
import { alone, first, patient, Session, type Member, type MigrationBlockedEvent, type VersionChangeEvent } from "./migration_tabs.js";

/** What `migrate()` and `migrationStatus()` take beside engine and steps. */
export interface MigrationStatusOptions {
  /**
   * Keeps the number of steps that were run in `PRAGMA user_version`, where other programs see it. True unless given; an app that
   * uses the number for something else says false, and nobody touches it.
   */
  readonly userVersion?: boolean;
  /** Takes a database that knows of no steps for one that has had as many of them as its `user_version` says. */
  readonly adopt?: boolean;
  /** Aborts it, between two statements at the latest; it rejects with the signal's reason. */
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

/** Of each pool, the calls of `migrate()`, one after the other, and what is left of the last one. */
const calls = new WeakMap<object, { last: Promise<unknown>; session?: Session | undefined }>();

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
  given.signal?.throwIfAborted();
  const here = calls.get(engine.pool) ?? { last: Promise.resolve() };
  calls.set(engine.pool, here);
  const call = here.last.then(async () => {
    here.session?.end();
    const doing: Doing = { done: [], from: undefined };
    const { migrated, session } = await patient(() => run(engine, list, given, doing));
    here.session = session;
    return migrated;
  });
  here.last = call.catch(() => undefined);
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

async function run(engine: Engine, steps: readonly Step[], given: Given, doing: Doing): Promise<{ migrated: Migrated; session?: Session }> {
  const { signal } = given;
  const path = tabsOf(engine);
  const look = async (): Promise<{ migrated: Migrated; plan: Plan; ready: boolean }> => {
    const history = await read(engine, signal);
    const plan = planOf(steps, history, given);
    const ready = settled(plan, given);
    doing.from ??= plan.adopted || history.applied.length;
    return { migrated: migratedOf(history, plan, doing), plan, ready };
  };
  const work = (): Promise<void> => runPending(engine, steps, given, (name) => doing.done.push(name));
  if (path === undefined) {
    for (;;) {
      const { ready, migrated } = await look();
      if (ready) return { migrated };
      await work();
    }
  }
  const member = memberOf(engine, path, steps, given);
  for (;;) {
    let asItIs: Migrated | undefined;
    const begun = await Session.begin(member, signal, async () => {
      const { ready, plan, migrated } = await look();
      if (ready && plan.problem === null) return migrated;
      if (ready) asItIs = migrated;
      return undefined;
    });
    // One that takes whatever it finds holds up nobody.
    if (asItIs !== undefined) return { migrated: asItIs };
    if (begun !== undefined) return { session: begun[0], migrated: begun[1] };
    // Whoever comes second finds it done, and asks nobody to let go.
    await first(path, signal, async () => {
      if (!(await look()).ready) await alone(member, signal, work);
    });
  }
}

function migratedOf({ applied: { length } }: History, { unknown }: Plan, { from, done }: Doing): Migrated {
  return Object.freeze({ from: Math.min(from ?? length, length), to: length, applied: Object.freeze([...done]), unknown: Object.freeze(unknown) });
}

function memberOf(engine: Engine, path: string, steps: readonly Step[], given: Given): Member {
  const own = engine.executionOptions({});
  const look = async (): Promise<NewerDatabaseError | null> => {
    const { problem } = planOf(steps, await read(own, undefined), given);
    return problem instanceof NewerDatabaseError ? problem : null;
  };
  const { onVersionChange, onBlocked } = given;
  return { engine, own, path, names: steps.map(({ name }) => name), look, onVersionChange, onBlocked };
}

/** The path of a database that other tabs may have. */
function tabsOf(engine: Engine): string | undefined {
  const { kind, path } = engine.storage;
  const locks = globalThis.navigator?.locks as LockManager | undefined;
  return kind === "opfs" && path !== null && locks !== undefined ? path : undefined;
}
