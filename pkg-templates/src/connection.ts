/**
 * Connections: a SQLite connection of the worker each, with a transaction of its own.
 *
 * @module
 */

import { AsyncResult, type AsyncScalarResult } from "./async_result.js";
import { call, callOptions, callSync, type NativeCall } from "./call.js";
import { asyncDispose } from "./dispose.js";
import { Engine } from "./engine.js";
import { InvalidRequestError, ResourceClosedError } from "./errors.js";
import { mergedOptions, tokenLog } from "./execution.js";
import type { Feed } from "./feed.js";
import { Frames, type RowLog } from "./frames.js";
import type { NativeConnection, NativeStream, NativeTransaction } from "./generated/client.js";
import type { HookEvents } from "./hook_events.js";
import type { Gate } from "./gate.js";
import type { Hooks } from "./hooks.js";
import type { BeginOptions, CallOptions, ExecutionOptions, IsolationLevel } from "./options.js";
import { Result, type ScalarResult } from "./result.js";
import { running, type ArgumentsOf, type ProcedureReference, type ResultOf, type Running as Procedure } from "./procedures.js";
import { Running } from "./running.js";
import { contextOf, prepareDriverSql, type Executable, type Prepared } from "./statement.js";
import type { SyncConnection } from "./sync_connection.js";
import { beginMode, Transaction } from "./transaction.js";
import type { AnyRow, Parameters_, RowType, ValueOf } from "./values.js";
import type { KeyedChanges, LiveQuery, WatchOptions } from "./watch.js";

/**
 * A connection of the pool. The first statement begins a transaction; `commit()` makes it last, `close()` rolls it back.
 * Calls run one after the other, in the order in which they were made; one that waits for an asynchronous listener
 * ({@link Engine.listen}) may be overtaken by later ones, so each is to be awaited then.
 */
export class Connection implements AsyncDisposable {
  readonly #native: NativeConnection;
  readonly #engine: Engine;
  readonly #log: RowLog;
  readonly #execution: { options: ExecutionOptions };
  readonly #hooks: Hooks;
  readonly #transactions = new Set<Transaction>();
  readonly #running = new Running();
  /** What ends with it. */
  readonly #ends = new Set<() => void>();
  #closing: Promise<void> | undefined;
  /** Whether those who listen are told that it closes. */
  #telling = false;
  /** What refuses to close it. */
  #kept: (() => never) | undefined;
  readonly #prepare = (statement: unknown, params: unknown): Prepared => Engine.prepare(this.#engine, statement, params);
  // What SQLite has begun may end.
  readonly #passes: Gate = () => (this.#hooks.gate === undefined || this.#native.hasBegun ? undefined : this.#hooks.gate());

  private constructor(native: NativeConnection, engine: Engine, options: ExecutionOptions, log: RowLog, hooks: Hooks) {
    this.#native = native;
    this.#log = log;
    this.#engine = engine;
    this.#execution = { options };
    this.#hooks = hooks;
    Object.freeze(this);
  }

  /** @internal */
  static of(native: NativeConnection, engine: Engine, options: ExecutionOptions, log: RowLog, hooks: Hooks): Connection {
    return new Connection(native, engine, options, log, hooks);
  }

  /**
   * Runs a statement and gives its rows, all of them. A list of parameter sets runs it once for each, in one go. A long list is taken
   * as it is at the call, but its sets are read in slices, so that the page is never held up: leave them as they are until it is done.
   */
  async execute<R extends RowType = AnyRow, V extends readonly unknown[] = readonly ValueOf<R>[], P = Parameters_>(
    statement: Executable<R, V, P>,
    params?: NoInfer<P>,
    options?: CallOptions,
  ): Promise<Result<R, V>> {
    const given = this.#call(options);
    const send = (prepared: Prepared, params: unknown): Promise<Result<R, V>> => this.#execute<R, V>(prepared, params, given);
    return this.#executed(statement, params, given, this.#prepare, send);
  }

  /** Runs one statement of SQL as it is: no `\:`, parameters by position `?` or by name. */
  async execDriverSql<R extends RowType = AnyRow>(sql: string, params?: Parameters_, options?: CallOptions): Promise<Result<R>> {
    const given = this.#call(options);
    const send = (prepared: Prepared, params: unknown): Promise<Result<R>> => this.#execute<R, readonly ValueOf<R>[]>(prepared, params, given);
    return this.#executed(sql, params, given, prepareDriverSql, send);
  }

  /** Executes a statement, with those who listen to it. */
  #executed<T extends object>(
    statement: unknown,
    params: unknown,
    given: NativeCall,
    prepare: (statement: never, params: unknown) => Prepared,
    send: (prepared: Prepared, params: unknown) => Promise<T>,
  ): Promise<T> {
    const [{ signal }, running] = [given, this.#running];
    if (!this.#hooks.active && !running.line.waits) return running.count(send(prepare(statement as never, params), params));
    signal?.throwIfAborted();
    // A statement that was sent before and not waited for has begun it already.
    const begins = (): ((done: boolean) => void) | undefined => (this.closed || this.#begun() ? undefined : running.leaves(true));
    const driver = prepare === prepareDriverSql;
    const pass = (start: () => Promise<T>): Promise<T> => running.line.pass(this.#passes, given, start);
    return running.count(this.#hooks.execute({ connection: this, statement, params, driver, signal, prepare, pass, begins, send }));
  }

  async #execute<R extends RowType, V extends readonly unknown[]>(prepared: Prepared, params: unknown, given: NativeCall): Promise<Result<R, V>> {
    return Result.of<R, V>(await this.#feed(prepared, params, given));
  }

  /**
   * Executes what is prepared, and gives what its result reads from.
   * @internal
   */
  static feed(conn: Connection, prepared: Prepared, params: unknown, options: CallOptions | undefined): Promise<Feed> {
    return conn.#feed(prepared, params, conn.#call(options));
  }

  async #feed(prepared: Prepared, params: unknown, native: NativeCall): Promise<Feed> {
    const context = contextOf(prepared, params, this.#engine.hideParameters);
    Engine.warn(this.#engine, prepared.warnings);
    const frames = new Frames(tokenLog(this.#log, this.#execution.options.loggingToken), prepared);
    const { source, verbatim, batch, many } = prepared;
    const run = (): Promise<void> => this.#native.execute(source, verbatim, batch, frames.encoded(native.signal), many, native, frames.take);
    await frames.received(call(native, run, context));
    return frames.fed(native.yieldPer);
  }

  /**
   * As {@link Engine.watch}, for as long as the connection is open. What it gives is what was committed, by whichever connection: it
   * is fetched on others, and neither sees nor disturbs the transaction of this one.
   */
  watch<R extends RowType = AnyRow, V extends readonly unknown[] = readonly ValueOf<R>[], P = Parameters_>(
    statement: Executable<R, V, P>,
    params: NoInfer<P> | undefined,
    options: WatchOptions & { readonly key: string | readonly string[] },
  ): LiveQuery<KeyedChanges<R>>;
  watch<R extends RowType = AnyRow, V extends readonly unknown[] = readonly ValueOf<R>[], P = Parameters_>(
    statement: Executable<R, V, P>,
    params?: NoInfer<P>,
    options?: WatchOptions,
  ): LiveQuery<Result<R, V>>;
  watch(statement: Executable<RowType, readonly unknown[], unknown>, params?: unknown, options?: WatchOptions): LiveQuery<unknown> {
    if (this.closed) throw new ResourceClosedError("This Connection is closed");
    return Engine.watch(this.#engine, statement, params, options, { ends: this.#ends, closed: () => this.closed });
  }

  /** Runs a statement and gives its rows as they are fetched: the worker is never more than a few batches ahead. */
  async stream<R extends RowType = AnyRow, V extends readonly unknown[] = readonly ValueOf<R>[], P = Parameters_>(
    statement: Executable<R, V, P>,
    params?: NoInfer<P>,
    options?: CallOptions,
  ): Promise<AsyncResult<R, V>> {
    const given = this.#call(options);
    const send = (prepared: Prepared, params: unknown): Promise<AsyncResult<R, V>> => this.#stream<R, V>(prepared, params, given);
    return this.#executed(statement, params, given, this.#prepare, send);
  }

  async #stream<R extends RowType, V extends readonly unknown[]>(prepared: Prepared, params: unknown, native: NativeCall): Promise<AsyncResult<R, V>> {
    const context = contextOf(prepared, params, this.#engine.hideParameters);
    Engine.warn(this.#engine, prepared.warnings);
    const frames = new Frames(tokenLog(this.#log, this.#execution.options.loggingToken), prepared);
    const { source, verbatim, batch, many } = prepared;
    const run = (): Promise<NativeStream> => this.#native.stream(source, verbatim, batch, frames.encoded(native.signal), many, native, frames.take);
    const stream = await frames.received(call(native, run, context));
    return AsyncResult.of<R, V>(frames.streamed(stream, native, context));
  }

  /** Runs a statement and gives the first column of its first row; null if there is no row. */
  scalar<R extends RowType, V extends readonly unknown[] = readonly ValueOf<R>[], P = Parameters_>(
    statement: Executable<R, V, P>,
    params?: NoInfer<P>,
    options?: CallOptions,
  ): Promise<V[0] | null>;
  scalar<T>(statement: Executable<RowType, readonly unknown[], unknown>, params?: Parameters_, options?: CallOptions): Promise<T | null>;
  async scalar(statement: Executable<RowType, readonly unknown[], unknown>, params?: unknown, options?: CallOptions): Promise<unknown> {
    return (await this.execute(statement, params, options)).scalar();
  }

  /** Runs a statement and gives the values of its first column. */
  scalars<R extends RowType, V extends readonly unknown[] = readonly ValueOf<R>[], P = Parameters_>(
    statement: Executable<R, V, P>,
    params?: NoInfer<P>,
    options?: CallOptions,
  ): Promise<ScalarResult<V[0]>>;
  scalars<T>(statement: Executable<RowType, readonly unknown[], unknown>, params?: Parameters_, options?: CallOptions): Promise<ScalarResult<T>>;
  async scalars(statement: Executable<RowType, readonly unknown[], unknown>, params?: unknown, options?: CallOptions): Promise<ScalarResult<unknown>> {
    return (await this.execute(statement, params, options)).scalars<unknown>();
  }

  /** Runs a statement and gives the values of its first column as they are fetched. */
  streamScalars<R extends RowType, V extends readonly unknown[] = readonly ValueOf<R>[], P = Parameters_>(
    statement: Executable<R, V, P>,
    params?: NoInfer<P>,
    options?: CallOptions,
  ): Promise<AsyncScalarResult<V[0]>>;
  streamScalars<T>(statement: Executable<RowType, readonly unknown[], unknown>, params?: Parameters_, options?: CallOptions): Promise<AsyncScalarResult<T>>;
  async streamScalars(
    statement: Executable<RowType, readonly unknown[], unknown>,
    params?: unknown,
    options?: CallOptions,
  ): Promise<AsyncScalarResult<unknown>> {
    return (await this.stream(statement, params, options)).scalars<unknown>();
  }

  /**
   * Calls a function of a module in the worker, with this very connection as a {@link SyncConnection} and the arguments: any number
   * of statements in one message, in this connection's transaction. Gives what it returns; what it throws is thrown here.
   *
   * ```ts
   * const jobs = procedures<typeof import("./jobs.js")>(new URL("./jobs.js", import.meta.url));
   * const moved = await conn.runSync(jobs.moveAll, "inbox", "archive");
   * ```
   *
   * It begins when nobody else writes (unless it is `readOnly`), and nobody else does anything until it returns. The `signal` of
   * `jobs.moveAll.with({ signal, timeout })` ends the wait of the caller at any time; a procedure that has begun does not hear it, and
   * runs to its end. The `timeout` holds for each of its statements, too.
   */
  runSync<P extends ProcedureReference<SyncConnection, never>>(procedure: P, ...args: ArgumentsOf<P>): Promise<ResultOf<P>>;
  /** The same, by the URL of the module and the name of its function. */
  runSync<T = unknown>(module: URL | string, name: string, ...args: readonly unknown[]): Promise<T>;
  async runSync(...given: readonly unknown[]): Promise<unknown> {
    return this.#running.count(Connection.run(this, running(given), false));
  }

  /** As {@link runSync}: sqlalchemy_aio's name of it. */
  runInThread<P extends ProcedureReference<SyncConnection, never>>(procedure: P, ...args: ArgumentsOf<P>): Promise<ResultOf<P>>;
  /** The same, by the URL of the module and the name of its function. */
  runInThread<T = unknown>(module: URL | string, name: string, ...args: readonly unknown[]): Promise<T>;
  async runInThread(...given: readonly unknown[]): Promise<unknown> {
    return this.#running.count(Connection.run(this, running(given), false));
  }

  /** As {@link runSync}. */
  runInWorker<P extends ProcedureReference<SyncConnection, never>>(procedure: P, ...args: ArgumentsOf<P>): Promise<ResultOf<P>>;
  /** The same, by the URL of the module and the name of its function. */
  runInWorker<T = unknown>(module: URL | string, name: string, ...args: readonly unknown[]): Promise<T>;
  async runInWorker(...given: readonly unknown[]): Promise<unknown> {
    return this.#running.count(Connection.run(this, running(given), false));
  }

  /**
   * Calls a procedure, with the connection or with the `engine` of the worker.
   * @internal
   */
  static run(conn: Connection, procedure: Procedure, engine: boolean): Promise<unknown> {
    const start = (): Promise<unknown> => procedure.start(conn.#native, engine, conn.#engine.hideParameters);
    return conn.#running.line.pass(conn.#passes, procedure.limits, start);
  }

  /**
   * Begins a transaction; an error if one has begun. With a function: runs it, then commits, or rolls back if it throws,
   * and gives what it returns.
   */
  begin(options?: BeginOptions): Promise<Transaction>;
  begin<T>(fn: (transaction: Transaction) => Promise<T> | T, options?: BeginOptions): Promise<T>;
  async begin<T>(first?: BeginOptions | ((transaction: Transaction) => Promise<T> | T), options?: BeginOptions): Promise<Transaction | T> {
    const [fn, given] = typeof first === "function" ? [first, options] : [undefined, first];
    const native = callOptions(given, ["mode"]);
    const mode = beginMode(given?.mode);
    const begin = (): Promise<NativeTransaction> => call(native, () => this.#native.begin(mode, native));
    const begun = await this.#around(this.#begun() ? [] : ["begin"], native, begin);
    const transaction = this.#transaction(begun);
    return fn === undefined ? transaction : Connection.within(this, transaction, fn);
  }

  /**
   * Begins a savepoint, and a transaction before it if none has begun. With a function: runs it, then releases the
   * savepoint, or rolls back to it if it throws, and gives what it returns.
   */
  beginNested(options?: CallOptions): Promise<Transaction>;
  beginNested<T>(fn: (transaction: Transaction) => Promise<T> | T, options?: CallOptions): Promise<T>;
  async beginNested<T>(first?: CallOptions | ((transaction: Transaction) => Promise<T> | T), options?: CallOptions): Promise<Transaction | T> {
    const [fn, given] = typeof first === "function" ? [first, options] : [undefined, first];
    const native = callOptions(given);
    const begin = (): Promise<NativeTransaction> => call(native, () => this.#native.beginNested(native));
    const begun = await this.#around(this.#begun() ? ["savepoint"] : ["begin", "savepoint"], native, begin);
    const transaction = this.#transaction(begun);
    return fn === undefined ? transaction : Connection.within(this, transaction, fn);
  }

  /** Commits the transaction; does nothing if none has begun. */
  async commit(options?: CallOptions): Promise<void> {
    const native = callOptions(options);
    const commit = (): Promise<void> => call(native, () => this.#native.commit(native));
    await this.#around(this.#begun() ? ["commit"] : [], native, commit);
  }

  /** Rolls the transaction back; does nothing if none has begun. */
  async rollback(options?: CallOptions): Promise<void> {
    const native = callOptions(options);
    const rollback = (): Promise<void> => call(native, () => this.#native.rollback(native));
    await this.#around(this.#begun() ? ["rollback"] : [], native, rollback);
  }

  /** Whether a transaction has begun, or will have when the calls that run are done. */
  #begun(): boolean {
    return this.#running.open ?? this.inTransaction();
  }

  /** Does what begins or ends something, with those who listen to it. */
  async #around<T>(names: readonly (keyof HookEvents)[], native: NativeCall | undefined, work: () => Promise<T>): Promise<T> {
    const [hooks, running] = [this.#hooks, this.#running];
    if (!hooks.active && !running.line.waits) return running.count(work());
    native?.signal?.throwIfAborted();
    const told = this.closed ? [] : names;
    const open = told.includes("begin") || (told.includes("commit") || told.includes("rollback") ? false : undefined);
    const begins = told.includes("begin") || told.includes("savepoint");
    const act = (): Promise<T> => running.line.pass(begins ? this.#passes : () => undefined, native, work);
    return running.count(running.leaving(open, () => hooks.around(told, { connection: this }, act)));
  }

  /** Rolls back what was not committed, closes its streams and gives the connection back to the pool; after the calls made before. */
  async close(): Promise<void> {
    this.#kept?.();
    await this.#close(false);
  }

  /** Has something refuse to close it. @internal */
  static keep(conn: Connection, refuse: (() => never) | undefined): void {
    conn.#kept = refuse;
  }

  /** @internal */
  static native(conn: Connection): NativeConnection {
    return conn.#native;
  }

  /** `failing`: where an error is on its way, which nothing is to hide. */
  async #close(failing: boolean): Promise<void> {
    const end = (): void => [...this.#ends].forEach((end) => end());
    // What has begun while listeners were told ends, too.
    const native = (): Promise<void> => call(undefined, () => this.#native.close());
    const close = (): Promise<void> => this.#running.line.pass(() => undefined, undefined, native).finally(end);
    end();
    if (!this.#hooks.active || this.closed) return close();
    // A listener that closes it, too, would wait for itself.
    if (this.#telling && this.#hooks.shown === this) return;
    // It goes back whatever they say. Whoever closes it meanwhile waits for the same, and nobody is told twice.
    const told = this.#begun() ? (["rollback", "checkin"] as const) : (["checkin"] as const);
    this.#telling = true;
    this.#closing ??= this.#hooks.anyway(told, { connection: this }, close, failing).finally(() => ([this.#telling, this.#closing] = [false, undefined]));
    await this.#closing;
  }

  /** Gives it back because of an error, and throws that. @internal */
  static async abandon(conn: Connection, error: unknown): Promise<never> {
    await conn.#close(true).catch(() => undefined);
    throw error;
  }

  /** Does something with it, and gives it back. @internal */
  static async using<T>(conn: Connection, work: () => Promise<T> | T): Promise<T> {
    let value: T;
    try {
      value = await work();
    } catch (error) {
      return Connection.abandon(conn, error);
    }
    await conn.close();
    return value;
  }

  /** Drops the connection instead of giving it back: the pool will open another. */
  async invalidate(): Promise<void> {
    const [told, work] = [this.closed ? [] : (["invalidate"] as const), () => call(undefined, () => this.#native.invalidate())];
    await this.#running.count(this.#hooks.active ? this.#hooks.around(told, { connection: this }, work) : work());
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#native.closed;
  }

  /** Whether it has lost its worker, or {@link invalidate} was called. */
  get invalidated(): boolean {
    return this.#native.invalidated;
  }

  /** Whether a transaction has begun, be it by a statement. */
  inTransaction(): boolean {
    return this.#native.inTransaction();
  }

  /** Whether a savepoint has begun. */
  inNestedTransaction(): boolean {
    return this.#native.inNestedTransaction();
  }

  /** The transaction that has begun, be it by a statement; the same object each time. */
  getTransaction(): Transaction | null {
    const current = this.#native.getTransaction();
    return current === undefined ? null : this.#transaction(current);
  }

  /** The innermost savepoint that has begun; the same object each time. */
  getNestedTransaction(): Transaction | null {
    const current = this.#native.getNestedTransaction();
    return current === undefined ? null : this.#transaction(current);
  }

  /** Sets options for what follows on this connection, until it is closed. The isolation level changes between transactions only. */
  async executionOptions(options: ExecutionOptions): Promise<this> {
    const merged = mergedOptions(this.#execution.options, options);
    callSync(() => this.#native.setOptions(options?.isolationLevel, options?.loggingToken));
    this.#execution.options = merged;
    return this;
  }

  /** The options that hold on this connection. */
  getExecutionOptions(): ExecutionOptions {
    return Object.freeze({ ...this.#execution.options, isolationLevel: this.getIsolationLevel() });
  }

  /** The isolation level that holds on this connection. */
  getIsolationLevel(): IsolationLevel {
    return this.#native.isolationLevel as IsolationLevel;
  }

  /** The isolation level of SQLite itself, `"SERIALIZABLE"`, whatever the engine's option says. */
  get defaultIsolationLevel(): IsolationLevel {
    return this.#native.defaultIsolationLevel as IsolationLevel;
  }

  /** A place for notes of the application: the pool keeps it with the worker's connection, for the next who gets that. */
  get info(): Record<string, unknown> {
    return callSync(() => this.#native.info({})) as Record<string, unknown>;
  }

  /** The engine that it belongs to. */
  get engine(): Engine {
    return this.#engine;
  }

  /** As {@link close}. */
  async [asyncDispose](): Promise<void> {
    await this.close();
  }

  #call(options: CallOptions | undefined): NativeCall {
    const native = callOptions(options);
    const rows = this.#execution.options.yieldPer;
    return native.yieldPer > 0 || rows === undefined ? native : { ...native, yieldPer: rows };
  }

  /** The one object for a transaction. */
  #transaction(begun: NativeTransaction): Transaction {
    for (const known of this.#transactions) {
      if (Transaction.native(known).same(begun)) {
        begun.free();
        return known;
      }
      if (!known.isActive) this.#transactions.delete(known);
    }
    const transaction = Transaction.of(begun, this, this.#hooks, this.#running);
    // Kept here, since one that nobody holds is rolled back when it is collected.
    this.#transactions.add(transaction);
    return transaction;
  }

  /**
   * The transaction of a connection that goes back to the pool with it.
   * @internal
   */
  static releasing(conn: Connection, transaction: Transaction): Transaction {
    const release = (failing: boolean): Promise<void> => (failing ? conn.#close(true).catch(() => undefined) : conn.close());
    const releasing = Transaction.of(Transaction.native(transaction), conn, conn.#hooks, conn.#running, release);
    conn.#transactions.delete(transaction);
    conn.#transactions.add(releasing);
    return releasing;
  }

  /**
   * Runs a function in a transaction: commits when it returns, rolls back when it throws.
   * @internal
   */
  static async within<T>(conn: Connection, transaction: Transaction, fn: (transaction: Transaction) => Promise<T> | T): Promise<T> {
    const begun = Transaction.native(transaction);
    const block = conn.#native.enterBlock(begun);
    let left = false;
    try {
      const before = conn.#running.calls;
      const value = await fn(transaction);
      const running = conn.#running.calls - before;
      if (running > 0) {
        throw new InvalidRequestError(`A transaction's function returned while ${running} of its calls still ran: await them`);
      }
      const leave = (): Promise<void> => {
        left = true;
        return call(undefined, () => conn.#native.leaveBlock(begun, block, true));
      };
      await Transaction.ending(transaction, "commit", leave);
      return value;
    } catch (error) {
      // What the function threw, or who listens to the commit, is told, whatever becomes of the rollback.
      const leave = (): Promise<void> => conn.#native.leaveBlock(begun, block, false);
      if (!left) await Transaction.ending(transaction, "close", leave, true).catch(() => undefined);
      throw error;
    }
  }
}
