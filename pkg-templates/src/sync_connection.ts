/**
 * Connections inside the worker: what procedures are called with. Each call is done when it returns.
 *
 * @module
 */

import { bind, type ParameterNames } from "./bind.js";
import { describe } from "./encode.js";
import { ArgumentError, InvalidRequestError, ObjectNotExecutableError, ResourceClosedError, rehydrate } from "./errors.js";
import { Feed } from "./feed.js";
import { Result, type ScalarResult } from "./result.js";
import { decodeBatch } from "./rows.js";
import {
  beginning,
  checked,
  type SqlAggregateOptions,
  type SqlAggregates,
  type SqlFunction,
  type SqlFunctionOptions,
  type SqlWindowFunctions,
} from "./sync_functions.js";
import type { AnyRow, Parameters_, RowType, ValueOf } from "./values.js";

// The numbers that crates/worker/src/entry/procedures.rs has for what is asked.
const IN_TRANSACTION = 0;
const NAMES = 1;
const EXECUTE = 2;
const SCRIPT = 3;
const BEGIN = 4;
const COMMIT = 5;
const ROLLBACK = 6;
const SAVEPOINT = 7;
const RELEASE = 8;
const ROLLBACK_TO = 9;
const FUNCTION = 10;
const INNOCUOUS_FUNCTION = 11;
const COLLATION = 12;
const AGGREGATE = 13;
const INNOCUOUS_AGGREGATE = 14;

/** How many texts are kept with the names of their parameters. */
const NAMES_KEPT = 500;

/**
 * How a connection is reached; an error comes back as a record.
 * @internal
 */
export type Door = (op: number, text: string, given: unknown, flag: boolean) => unknown;

/**
 * The door of a procedure. It shuts when that returns.
 * @internal
 */
export interface DoorState {
  ask: Door | undefined;
  /** Whether somebody is in it: what SQLite calls then, a function of SQL, cannot ask. */
  busy?: boolean;
}

/** What a statement came to: changes, last rowid, names of columns, then each frame and where its batch begins. */
type Reply = readonly [number, bigint, readonly string[] | undefined, ...(Uint8Array | number)[]];

/** SQL for a {@link SyncConnection}: a string, or what `text()` made of one. */
export type SyncStatement<R extends RowType = AnyRow> = string | { readonly kind: string; readonly text: string; readonly rowType?: R };

const names = new Map<string, ParameterNames>();

/**
 * A connection inside the worker, for as long as a procedure runs. Statements are texts of SQL, which SQLite reads as they are:
 * their parameters are `?`, `:name`, `@name` or `$name`. The first one begins a transaction, as on a
 * {@link Connection}; it is the connection's, which goes on when the procedure has returned.
 */
export class SyncConnection {
  readonly #door: DoorState;
  /** Whether errors are not to tell the values of parameters. */
  readonly #hidden: boolean;
  /** Counts the transactions, so that what belongs to one that has ended does nothing to the next. */
  #transactions = 0;

  private constructor(door: DoorState, hidden: boolean) {
    this.#door = door;
    this.#hidden = hidden;
    Object.freeze(this);
  }

  /** @internal */
  static of(door: DoorState, hidden: boolean): SyncConnection {
    return new SyncConnection(door, hidden);
  }

  /** Runs a statement and gives its rows. A list of parameter sets runs it once for each. */
  execute<R extends RowType = AnyRow>(statement: SyncStatement<R>, params?: Parameters_): Result<R> {
    const sql = textOf(statement);
    const { batch, many } = bind(this.#names(sql), params);
    const context = { statement: sql, params: this.#hidden ? null : (params ?? null), paramsText: () => null };
    const [changes, rowid, columns, ...frames] = this.#ask(EXECUTE, sql, batch, many, context) as Reply;
    const feed = new Feed(columns?.length ? columns : null, changes, null, null);
    const id = Number(rowid);
    feed.lastrowid = Number.isSafeInteger(id) ? id : rowid;
    const { shape } = feed;
    for (let i = 0; shape !== null && i < frames.length; i += 2) {
      feed.push(decodeBatch(frames[i] as Uint8Array, frames[i + 1] as number, shape.names.length, shape.make));
    }
    feed.end();
    return Result.of<R, readonly ValueOf<R>[]>(feed);
  }

  /** Runs a statement and gives the first column of its first row; null if there is no row. */
  scalar<T = unknown>(statement: SyncStatement, params?: Parameters_): T | null {
    return this.execute(statement, params).scalar() as T | null;
  }

  /** Runs a statement and gives the values of its first column. */
  scalars<T = unknown>(statement: SyncStatement, params?: Parameters_): ScalarResult<T> {
    return this.execute(statement, params).scalars<T>();
  }

  /** Runs the statements of a script, one after the other, without parameters. An error tells the statement that failed. */
  exec(script: string): void {
    if (typeof script !== "string") throw new ArgumentError(`exec() takes a string of SQL, not ${describe(script)}`);
    this.#ask(SCRIPT, script);
  }

  /**
   * Begins a transaction; an error if one has begun. With a function: runs it with the transaction, then commits, or rolls back if
   * it throws, and gives what it returns.
   */
  begin(): SyncTransaction;
  begin<T>(fn: (transaction: SyncTransaction) => T): T;
  begin<T>(fn?: (transaction: SyncTransaction) => T): SyncTransaction | T {
    this.#ask(BEGIN);
    const number = ++this.#transactions;
    const isThis = (): boolean => this.#transactions === number;
    const transaction = new SyncTransaction(isThis, () => this.commit(), () => this.rollback());
    return fn === undefined ? transaction : this.#within(transaction, fn);
  }

  /**
   * Begins a savepoint, and a transaction before it if none has begun. With a function: runs it with the savepoint, then releases
   * that, or rolls back to it if it throws, and gives what it returns. One that is left open is rolled back when the procedure ends.
   */
  beginNested(): SyncTransaction;
  beginNested<T>(fn: (transaction: SyncTransaction) => T): T;
  beginNested<T>(fn?: (transaction: SyncTransaction) => T): SyncTransaction | T {
    const name = this.#ask(SAVEPOINT) as string;
    const undo = (): void => {
      try {
        this.#ask(ROLLBACK_TO, name);
      } catch (error) {
        // It has ended with what was around it.
        if (!(error instanceof InvalidRequestError)) throw error;
      }
    };
    const transaction = new SyncTransaction(() => true, () => this.#ask(RELEASE, name), undo);
    return fn === undefined ? transaction : this.#within(transaction, fn);
  }

  /** Commits the transaction; does nothing if none has begun. */
  commit(): void {
    this.#ask(COMMIT);
    this.#transactions += 1;
  }

  /** Rolls the transaction back; does nothing if none has begun. */
  rollback(): void {
    this.#ask(ROLLBACK);
    this.#transactions += 1;
  }

  /** Whether a transaction has begun, be it by a statement. */
  inTransaction(): boolean {
    return this.#ask(IN_TRANSACTION) as boolean;
  }

  /**
   * Makes a function of SQL. The worker's connection keeps it until that is closed, for whoever takes it out of the pool next; so
   * make it on each: `engine.listen("connect", ({ connection }) => connection.runSync(jobs.setUp))`. What it throws, the statement
   * fails with; it can run no statements itself.
   */
  createFunction(name: string, fn: SqlFunction, options: SqlFunctionOptions = {}): void {
    const { deterministic, innocuous } = checked("createFunction", name, fn, options, ["deterministic", "innocuous"]);
    this.#ask(innocuous ? INNOCUOUS_FUNCTION : FUNCTION, name, fn, deterministic);
  }

  /**
   * Makes an aggregate of SQL: of a class, or a function, that gives what takes up the rows of a group with `step()`, and tells with
   * `finalize()` what they came to. As {@link createFunction}.
   */
  createAggregate(name: string, aggregate: SqlAggregates, options: SqlAggregateOptions = {}): void {
    const { innocuous } = checked("createAggregate", name, aggregate, options, ["innocuous"]);
    this.#ask(innocuous ? INNOCUOUS_AGGREGATE : AGGREGATE, name, beginning(name, aggregate, false), false);
  }

  /**
   * Makes an aggregate that can be called with OVER, too: beside `step()` and `finalize()` it has `inverse()`, by which the oldest row
   * leaves it again, and `value()`, what the rows come to that are in the window. As {@link createAggregate}.
   */
  createWindowFunction(name: string, aggregate: SqlWindowFunctions, options: SqlAggregateOptions = {}): void {
    const { innocuous } = checked("createWindowFunction", name, aggregate, options, ["innocuous"]);
    this.#ask(innocuous ? INNOCUOUS_AGGREGATE : AGGREGATE, name, beginning(name, aggregate, true), true);
  }

  /** Makes a collation of a function that compares two texts as `sort()` wants it. As {@link createFunction}. */
  createCollation(name: string, compare: (one: string, other: string) => number, options: Readonly<Record<string, never>> = {}): void {
    checked("createCollation", name, compare, options, []);
    this.#ask(COLLATION, name, compare);
  }

  /** Whether its procedure has returned. */
  get closed(): boolean {
    return this.#door.ask === undefined;
  }

  #within<T>(transaction: SyncTransaction, fn: (transaction: SyncTransaction) => T): T {
    let value: T;
    try {
      value = fn(transaction);
    } catch (error) {
      try {
        transaction.rollback();
      } catch {
        // What the function threw is told, whatever becomes of the rollback.
      }
      throw error;
    }
    if (!transaction.isActive) return value;
    try {
      transaction.commit();
    } catch (error) {
      try {
        transaction.rollback();
      } catch {
        // The error of the commit is the one that matters.
      }
      throw error;
    }
    return value;
  }

  #names(sql: string): ParameterNames {
    const known = names.get(sql);
    if (known !== undefined) return known;
    const found = this.#ask(NAMES, sql) as ParameterNames;
    if (names.size >= NAMES_KEPT) names.clear();
    names.set(sql, found);
    return found;
  }

  #ask(op: number, text = "", given?: unknown, flag = false, context?: Parameters<typeof rehydrate>[1]): unknown {
    const door = this.#door;
    const { ask, busy } = door;
    if (ask === undefined) {
      throw new ResourceClosedError("This connection is closed: its procedure has returned. A procedure works synchronously.");
    }
    if (busy === true) throw new InvalidRequestError("a function of SQL cannot run statements");
    door.busy = true;
    let answer: unknown;
    try {
      answer = ask(op, text, given, flag);
    } catch (error) {
      // Errors come as records: this is a trap, or a stack that overflowed in the midst of SQLite. It goes on nowhere.
      door.ask = undefined;
      throw error;
    } finally {
      door.busy = false;
    }
    const error = rehydrate(Array.isArray(answer) ? undefined : answer, context);
    if (error instanceof Error) throw error;
    return answer;
  }
}

/** A transaction or savepoint of a {@link SyncConnection}. */
export class SyncTransaction {
  readonly #isThis: () => boolean;
  readonly #commit: () => unknown;
  readonly #rollback: () => unknown;
  #active = true;

  /** @internal */
  constructor(isThis: () => boolean, commit: () => unknown, rollback: () => unknown) {
    [this.#isThis, this.#commit, this.#rollback] = [isThis, commit, rollback];
  }

  /** Commits, or releases the savepoint. One that fails to is still to be rolled back. */
  commit(): void {
    if (!this.isActive) throw new InvalidRequestError("This transaction is inactive");
    this.#commit();
    this.#active = false;
  }

  /** Rolls back, or back to the savepoint; does nothing if it has ended. */
  rollback(): void {
    if (!this.isActive) return;
    this.#active = false;
    this.#rollback();
  }

  /** Whether it was neither committed nor rolled back. */
  get isActive(): boolean {
    return this.#active && this.#isThis();
  }
}

/**
 * The engine inside the worker: what `engine.runInThread()` calls procedures with. It has one connection, for one function after
 * the other.
 */
export class SyncEngine {
  readonly #connection: SyncConnection;
  #busy = false;

  private constructor(connection: SyncConnection) {
    this.#connection = connection;
    Object.seal(this);
  }

  /** @internal */
  static of(connection: SyncConnection): SyncEngine {
    return new SyncEngine(connection);
  }

  /** Runs a function with the connection, and rolls back what it has not committed. */
  connect<T>(fn: (conn: SyncConnection) => T): T {
    return this.#use(() => {
      try {
        return fn(this.#connection);
      } finally {
        this.#connection.rollback();
      }
    });
  }

  /** Runs a function in a transaction: commits when it returns, rolls back if it throws. */
  begin<T>(fn: (conn: SyncConnection) => T): T {
    return this.#use(() => this.#connection.begin(() => fn(this.#connection)));
  }

  /** Runs a statement in a transaction of its own. */
  execute<R extends RowType = AnyRow>(statement: SyncStatement<R>, params?: Parameters_): Result<R> {
    return this.begin((conn) => conn.execute(statement, params));
  }

  #use<T>(work: () => T): T {
    if (this.#busy) throw new InvalidRequestError("The engine of a procedure has one connection, which is in use");
    this.#busy = true;
    try {
      return work();
    } finally {
      this.#busy = false;
    }
  }
}

function textOf(statement: unknown): string {
  if (typeof statement === "string") return statement;
  const { kind, text } = (statement ?? {}) as { kind?: unknown; text?: unknown };
  if (kind === "text" && typeof text === "string") return text;
  throw new ObjectNotExecutableError(
    `Not an executable object: ${describe(statement)}. Within a procedure, statements are strings of SQL; of others, compile() tells it.`,
  );
}
