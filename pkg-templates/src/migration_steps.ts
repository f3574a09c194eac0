/**
 * The steps of migrations: what they are made of, their checksums, and whether they fit what was done to a database.
 *
 * @module
 */

import type { Connection } from "./connection.js";
import { describe } from "./encode.js";
import { ArgumentError, MigrationError, NewerDatabaseError, type SQLAlchemyError } from "./errors.js";

/** What a step is told besides its connection. */
export interface MigrationContext {
  /** The name of the step. */
  readonly name: string;
  /** The signal that the caller of `migrate()` gave. */
  readonly signal: AbortSignal | undefined;
}

/** What a step does, on a connection in a transaction of its own, which it neither commits nor rolls back. */
export type MigrationFunction = (connection: Connection, context: MigrationContext) => unknown;

/** What every step may have. */
export interface MigrationStepOptions {
  /** Tells it from the others, for ever: it is what the database remembers. */
  readonly name: string;
  /**
   * Changes when the step does. Of SQL it is computed where it is not given; a function or module has none unless it is given, and is
   * not compared then.
   */
  readonly checksum?: string | undefined;
  /** Enforces foreign keys while the step runs, rather than checking them before it is committed. False unless given. */
  readonly foreignKeys?: boolean | undefined;
}

/** A step of SQL: one statement, or several with semicolons between them. */
export interface SqlMigration extends MigrationStepOptions {
  /** The SQL. */
  readonly sql: string;
  /** None: it is another kind of step that has it. */
  readonly up?: undefined;
  /** None: it is another kind of step that has it. */
  readonly module?: undefined;
}

/** A step that is a function. */
export interface FunctionMigration extends MigrationStepOptions {
  /** What the step does. */
  readonly up: MigrationFunction;
  /** None: it is another kind of step that has it. */
  readonly sql?: undefined;
  /** None: it is another kind of step that has it. */
  readonly module?: undefined;
}

/** A step whose code is loaded when it is run only. */
export interface ModuleMigration extends MigrationStepOptions {
  /** Loads a module that exports `up`, a function, or `sql`, a text; or either as its `default`. */
  readonly module: () => Promise<unknown>;
  /** None: it is another kind of step that has it. */
  readonly sql?: undefined;
  /** None: it is another kind of step that has it. */
  readonly up?: undefined;
}

/** A step. What has no name, SQL or a function by itself, is called by its place in the list: `"1"`, `"2"`. */
export type Migration = string | MigrationFunction | SqlMigration | FunctionMigration | ModuleMigration;

/** A step that was run. */
export interface AppliedMigration {
  /** Its name. */
  readonly name: string;
  /** The checksum that it had, if it had one. */
  readonly checksum: string | null;
  /** When it was run: `2026-11-22T00:46:03.123Z`. */
  readonly appliedAt: string;
  /** How many milliseconds it took. */
  readonly duration: number;
}

/**
 * A step, checked.
 * @internal
 */
export interface Step {
  readonly name: string;
  readonly work: string | MigrationFunction | { readonly load: () => Promise<unknown> };
  readonly checksum: string | null;
  readonly foreignKeys: boolean;
}

const KNOWN = ["name", "sql", "up", "module", "checksum", "foreignKeys"];

/**
 * Checks a list of steps.
 * @internal
 */
export function stepsOf(given: readonly Migration[]): readonly Step[] {
  if (!Array.isArray(given)) throw new ArgumentError(`migrate() takes a list of steps, not ${describe(given)}`);
  const names = new Set<string>();
  return given.map((each: Migration, i) => {
    const step = stepOf(each, i);
    if (names.has(step.name)) throw new ArgumentError(`two steps are called ${quoted(step.name)}`);
    names.add(step.name);
    return step;
  });
}

function stepOf(given: Migration, i: number): Step {
  const bare = typeof given === "string" ? { sql: given } : typeof given === "function" ? { up: given } : undefined;
  if (bare === undefined && (typeof given !== "object" || given === null)) {
    throw new ArgumentError(`step ${i + 1} is ${describe(given)}, and not SQL, a function, or an object of a name and either`);
  }
  const step = (bare === undefined ? given : { ...bare, name: String(i + 1) }) as Readonly<Record<string, unknown>>;
  const { name, sql, up, module, checksum, foreignKeys = false } = step;
  if (typeof name !== "string" || name === "") throw new ArgumentError(`step ${i + 1} has no name`);
  const fail = (what: string): never => {
    throw new ArgumentError(`step ${quoted(name)}: ${what}`);
  };
  if (/\p{Surrogate}/u.test(name)) fail("its name is no text: it has half of a character");
  // A module that was imported whole may export other things, too.
  if (!isModule(step)) {
    const other = Object.keys(step).find((key) => !KNOWN.includes(key));
    if (other !== undefined) fail(`unknown is '${other}'; known are: ${KNOWN.join(", ")}`);
  }
  const works = [sql, up, module].filter((work) => work !== undefined);
  if (works.length !== 1) fail("it has one of sql, up and module");
  if (sql !== undefined && typeof sql !== "string") fail(`sql is a string, not ${describe(sql)}`);
  if (up !== undefined && typeof up !== "function") fail(`up is a function, not ${describe(up)}`);
  if (module !== undefined && typeof module !== "function") fail(`module is a function that imports it, not ${describe(module)}`);
  if (checksum !== undefined && typeof checksum !== "string") fail(`checksum is a string, not ${describe(checksum)}`);
  if (typeof foreignKeys !== "boolean") fail(`foreignKeys is true or false, not ${describe(foreignKeys)}`);
  const work = (sql ?? up ?? { load: module }) as Step["work"];
  const sum = (checksum as string | undefined) ?? (typeof work === "string" ? checksumOf(work) : null);
  return { name, work, checksum: sum, foreignKeys: foreignKeys as boolean };
}

/** Whether an object is a module that was imported whole, or what a bundler has made of one: getters only, or nobody's child. */
function isModule(step: object): boolean {
  if (Object.prototype.toString.call(step) === "[object Module]" || Object.getPrototypeOf(step) === null) return true;
  return Object.values(Object.getOwnPropertyDescriptors(step)).every(({ get, enumerable }) => get !== undefined || enumerable === false);
}

/**
 * What a module that was loaded for a step is to do.
 * @internal
 */
export function workOf(name: string, loaded: unknown): string | MigrationFunction {
  const module = (typeof loaded === "object" && loaded !== null ? loaded : { default: loaded }) as Readonly<Record<string, unknown>>;
  for (const work of [module["up"], module["sql"], module["default"]]) {
    if (typeof work === "function") return work as MigrationFunction;
    if (typeof work === "string") return work;
  }
  throw new ArgumentError(`the module of step ${quoted(name)} exports neither up, a function, nor sql, a string`);
}

/**
 * Makes steps of files by their paths, as `import.meta.glob()` of Vite gives them: texts of SQL, modules, or functions that load
 * one. A step is called by its file, without folders and what is behind the last dot, and that is their order: `0001_users`.
 *
 * ```ts
 * migrationSteps(import.meta.glob("./migrations/*.sql", { query: "?raw", import: "default", eager: true }));
 * ```
 */
export function migrationSteps(files: Readonly<Record<string, unknown>>): Migration[] {
  if (typeof files !== "object" || files === null) throw new ArgumentError(`migrationSteps() takes files by their paths, not ${describe(files)}`);
  const steps = Object.entries(files).map(([path, file]): Migration => {
    const name = path.slice(path.lastIndexOf("/") + 1).replace(/(.)\.[^.]*$/u, "$1");
    if (typeof file === "function") return { name, module: file as () => Promise<unknown> };
    const { checksum, foreignKeys } = (typeof file === "object" && file !== null ? file : {}) as Partial<MigrationStepOptions>;
    const work = workOf(name, file);
    return typeof work === "string" ? { name, sql: work, checksum, foreignKeys } : { name, up: work, checksum, foreignKeys };
  });
  const nameOf = (step: Migration): string => (step as MigrationStepOptions).name;
  return steps.sort((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1));
}

/**
 * The checksum of SQL: FNV-1a of 64 bits over its UTF-8, without white space around it and with line ends as one character.
 * It tells a text that was edited, not one that was forged.
 * @internal
 */
export function checksumOf(sql: string): string {
  const plain = sql.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n").replace(/^[ \t\n]+|[ \t\n]+$/g, "");
  let [high, low] = [0xcbf29ce4, 0x84222325];
  for (const byte of new TextEncoder().encode(plain)) {
    // Times 2^40 + 0x1b3; the products stay below 2^53.
    const product = ((low ^ byte) >>> 0) * 0x1b3;
    const carry = Math.floor(product / 0x1_0000_0000);
    high = (high * 0x1b3 + carry + ((low ^ byte) << 8 >>> 0)) % 0x1_0000_0000;
    low = product >>> 0;
  }
  const hex = (half: number): string => half.toString(16).padStart(8, "0");
  return `fnv1a64:${hex(high)}${hex(low)}`;
}

/**
 * What a database remembers.
 * @internal
 */
export interface History {
  readonly applied: readonly AppliedMigration[];
  /** Whether the table is there. */
  readonly kept: boolean;
  /** `PRAGMA user_version`. */
  readonly version: number;
}

/**
 * How steps and history fit.
 * @internal
 */
export interface Plan {
  readonly pending: readonly Step[];
  /** The names of the steps that were run and are not known. */
  readonly unknown: readonly string[];
  /** How many steps are to be noted as run, because `user_version` says so. */
  readonly adopted: number;
  /** What forbids to go on. */
  readonly problem: SQLAlchemyError | null;
}

/**
 * Compares steps with what was done.
 * @internal
 */
export function planOf(steps: readonly Step[], history: History, options: { userVersion: boolean; adopt: boolean }): Plan {
  const { applied, kept, version } = history;
  const known = new Map(steps.map((step) => [step.name, step]));
  const unknown = applied.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  const done = new Set(applied.map(({ name }) => name));
  const pending = steps.filter(({ name }) => !done.has(name));
  const stop = (problem: SQLAlchemyError): Plan => ({ pending, unknown, adopted: 0, problem });
  const adopted = options.userVersion && !kept && version !== 0 ? version : 0;
  if (adopted !== 0) {
    if (!options.adopt) {
      const message = `user_version is ${version}, and the database knows of no steps: say with adopt that it has had ${version} of them, or with userVersion: false that the number means something else`;
      return stop(new MigrationError(message, { problem: "userVersion" }));
    }
    if (adopted < 0 || adopted > steps.length) {
      return stop(new NewerDatabaseError(`the database has had ${version} steps, and this program knows ${steps.length}: it was made by newer code, which is to be loaded`));
    }
    return { pending: steps.slice(adopted), unknown, adopted, problem: null };
  }
  if (unknown.length > 0) {
    const last = applied[applied.length - 1]?.name as string;
    const names = `${unknown.slice(0, 5).map(quoted).join(", ")}${unknown.length > 5 ? ` and ${unknown.length - 5} more` : ""}`;
    if (!known.has(last)) {
      const message = `the database has had steps that this program does not know: ${names}. It was migrated by newer code, which is to be loaded`;
      return stop(new NewerDatabaseError(message, { unknown }));
    }
    const message = `the database has had ${names}, which this program lacks though it knows ${quoted(last)}, a later one`;
    return stop(new MigrationError(message, { problem: "missing", step: unknown[0] as string }));
  }
  for (const [i, { name }] of applied.entries()) {
    const step = steps[i] as Step;
    if (step.name === name) continue;
    const message = done.has(step.name)
      ? `step ${quoted(step.name)} is in place ${i + 1}, where the database has had ${quoted(name)}: steps keep their order`
      : `step ${quoted(step.name)} comes before ${quoted(name)}, which the database has had without it: new steps go to the end`;
    return stop(new MigrationError(message, { problem: "order", step: step.name }));
  }
  for (const { name, checksum } of applied) {
    const { checksum: given } = known.get(name) as Step;
    if (checksum === null || checksum === given) continue;
    const message = `step ${quoted(name)} was changed after it was run: its checksum was ${checksum} and is ${given ?? "none"}. Undo the change, and make it a step of its own`;
    return stop(new MigrationError(message, { problem: "changed", step: name, applied: checksum, given }));
  }
  // A copy by texts of SQL has the table and not the number.
  if (options.userVersion && kept && version !== 0 && version !== applied.length) {
    const message = `user_version is ${version} where ${applied.length} steps were run: something else sets it. With userVersion: false it is left to that`;
    return stop(new MigrationError(message, { problem: "userVersion" }));
  }
  return { pending, unknown, adopted: 0, problem: null };
}

/**
 * A name as it stands in messages.
 * @internal
 */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}...` : name);
}
