/**
 * Engines: a database, the worker that has it open, and a pool of connections to it.
 *
 * @module
 */

import { call, callOptions, callSync, first, following, left, limitsOf, yieldPer, type NativeCall, type NativeLimits } from "./call.js";
import { Connection } from "./connection.js";
import type { QueryCache } from "./core/entry.js";
import { asyncDispose } from "./dispose.js";
import { describe } from "./encode.js";
import { dialect, partsOf, type Dialect, type Parts, type Pool } from "./engine_parts.js";
import { ArgumentError } from "./errors.js";
import { checkListener, type ChangeEvent, type EngineEvents, type Listeners } from "./events.js";
import { closes, mergedOptions, tokenLog } from "./execution.js";
import type { Feed } from "./feed.js";
import { Frames, type RowLog } from "./frames.js";
import type { NativeConnection, NativeEngine, NativeImport } from "./generated/client.js";
import type { HookAnswer, HookEvents, ListenOptions } from "./hook_events.js";
import { passing } from "./gate.js";
import { isHook, listenOptions, type Hooks } from "./hooks.js";
import type { CallOptions, DisposeOptions, EngineBeginOptions, EngineOptions, ExecutionOptions } from "./options.js";
import { Result } from "./result.js";
import { callerOf } from "./site.js";
import { running, type ArgumentsOf, type ProcedureReference, type ResultOf } from "./procedures.js";
import { contextOf, prepare, text, type Executable, type Prepared } from "./statement.js";
import { storageOf, type Storage_ } from "./storage.js";
import type { SyncEngine } from "./sync_connection.js";
import { Transaction } from "./transaction.js";
import {
  download,
  exportBytes,
  exportStream,
  importBytes,
  importStream,
  type ByteSource,
  type ByteStream,
  type Importing,
  type ImportStreamOptions,
  type TransferOptions,
} from "./transfer.js";
import type { AnyRow, Parameters_, RowType, ValueOf } from "./values.js";
import { native } from "./wasm.js";
import { LiveQuery, type KeyedChanges, type WatchOptions } from "./watch.js";
import { watching, type Watcher } from "./watching.js";

/**
 * A database and the connections to it. Nothing happens until the first connect: then the worker starts. Engines of one
 * URL in one page share it.
 */
export class Engine implements AsyncDisposable {
  /** The name of the dialect. */
  readonly name = "sqlite";
  /** The name of the driver. */
  readonly driver = "aludel";
  /** The URL as it was given. */
  readonly url: string;
  /** What is known of the SQL that the database speaks. */
  readonly dialect: Dialect = dialect;
  /** What the pool does at the moment. */
  readonly pool: Pool;
  /** Whether the values of parameters are left out of logs and errors. */
  readonly hideParameters: boolean;
  readonly #native: NativeEngine;
  readonly #execution: { options: ExecutionOptions };
  readonly #log: RowLog;
  readonly #listeners: Listeners;
  readonly #hooks: Hooks;
  readonly #warn: (message: string) => void;
  readonly #cache: QueryCache;
  readonly #given: EngineOptions;
  readonly #onDisk: string | undefined;

  private constructor(parts: Parts) {
    const { url, native, pool, hideParameters, log, listeners, hooks, warn, options, cache, given, onDisk } = parts;
    this.url = url;
    this.pool = pool;
    this.hideParameters = hideParameters;
    this.#native = native;
    this.#log = log;
    this.#listeners = listeners;
    this.#hooks = hooks;
    this.#warn = warn;
    this.#cache = cache;
    this.#given = given;
    this.#onDisk = onDisk;
    this.#execution = { options };
    Object.freeze(this);
  }

  /**
   * `onDisk` is the URL by which the worker finds a file that is not in the browser's own storage.
   * @internal
   */
  static of(url: string, given: EngineOptions, onDisk?: string): Engine {
    return new Engine(partsOf(url, given, onDisk));
  }

  /**
   * Says what is to be said about a statement, once.
   * @internal
   */
  static warn(engine: Engine, messages: readonly string[] | undefined): void {
    messages?.forEach(engine.#warn);
  }

  /**
   * Compiles a statement, unless it is kept, and binds its parameters.
   * @internal
   */
  static prepare(engine: Engine, statement: unknown, params: unknown): Prepared {
    return prepare(statement, params, engine.#cache);
  }

  /**
   * Who listens to it, the options that it was given, and where its file is on disk.
   * @internal
   */
  static inside(engine: Engine): { readonly hooks: Hooks; readonly given: EngineOptions; readonly onDisk: string | undefined } {
    return { hooks: engine.#hooks, given: engine.#given, onDisk: engine.#onDisk };
  }

  /** Forgets what statements were compiled to. */
  clearCompiledCache(): void {
    this.#cache.kept = undefined;
  }

  /** Where the database is kept. */
  get storage(): Storage_ {
    return storageOf(this.#native, this.#onDisk !== undefined);
  }

  /**
   * Takes a connection out of the pool, or opens one. With a function: runs it, closes the connection and gives what the
   * function returns; what it did not commit is rolled back.
   */
  connect(options?: CallOptions): Promise<Connection>;
  connect<T>(fn: (conn: Connection) => Promise<T> | T, options?: CallOptions): Promise<T>;
  async connect<T>(
    first?: CallOptions | ((conn: Connection) => Promise<T> | T),
    options?: CallOptions,
  ): Promise<Connection | T> {
    const [fn, given] = typeof first === "function" ? [first, options] : [undefined, first];
    const conn = await this.#connect(given, new Error());
    return fn === undefined ? conn : Connection.using(conn, () => fn(conn));
  }

  /** `made` is an error that was made where the caller is on the stack. */
  async #connect(options: CallOptions | undefined, made: Error): Promise<Connection> {
    const native = callOptions(options);
    const hooks = this.#hooks;
    const open = (): Promise<NativeConnection> => call(native, () => this.#native.connect(native, () => callerOf(made)));
    const held = this.#passes(native);
    if (held !== undefined) await held;
    const opened = await (hooks.active ? hooks.guard(null, native.signal, open) : open());
    const conn = Connection.of(opened, this, this.#execution.options, this.#log, hooks);
    if (hooks.active) await hooks.arrived(conn, opened);
    return conn;
  }

  /** Waits where calls are held up, before it takes a connection that others may need to go on. */
  #passes(limits: NativeLimits): Promise<void> | undefined {
    const held = this.#hooks.gate?.();
    return held === undefined ? undefined : first(limits, held);
  }

  /**
   * Runs a function in a transaction of its own: commits when it returns, rolls back when it throws, and gives what it
   * returns. The transaction takes the write lock at its start unless it is `readOnly`.
   */
  begin<T>(fn: (conn: Connection) => Promise<T> | T, options?: EngineBeginOptions): Promise<T>;
  /** Begins a transaction on a connection of its own, which is given back when that object is committed, rolled back or closed. */
  begin(options?: EngineBeginOptions): Promise<Transaction>;
  async begin<T>(
    first?: EngineBeginOptions | ((conn: Connection) => Promise<T> | T),
    options?: EngineBeginOptions,
  ): Promise<Transaction | T> {
    const [fn, given] = typeof first === "function" ? [first, options] : [undefined, first];
    const { readOnly, mode = readOnly === true ? "deferred" : "immediate", ...rest } = given ?? {};
    if (readOnly !== undefined && typeof readOnly !== "boolean") {
      throw new ArgumentError(`readOnly is true or false, not ${describe(readOnly)}`);
    }
    callOptions(given, ["mode", "readOnly"]);
    const since = performance.now();
    const conn = await this.#connect(rest, new Error());
    const begun = (): Promise<Transaction> => conn.begin({ ...following(rest, since), mode });
    if (fn !== undefined) return Connection.using(conn, async () => Connection.within(conn, await begun(), () => fn(conn)));
    return Connection.releasing(conn, await begun().catch((error: unknown) => Connection.abandon(conn, error)));
  }

  /**
   * Runs a statement on a connection and in a transaction of its own, which is committed before this returns. The sets of a long list
   * of parameters are read in slices, so that the page is never held up: leave them as they are until it is done.
   *
   * That is one message. While somebody listens to `"connect"`, `"checkout"`, `"checkin"` or `"invalidate"`, whose events show the
   * connection, it is `connect()`, `execute()`, `commit()` and `close()`, of which the `timeout` is that of the first two; what SQLite runs in no
   * transaction, like `VACUUM`, needs a connection with the isolation level `"AUTOCOMMIT"` then.
   */
  async execute<R extends RowType = AnyRow, V extends readonly unknown[] = readonly ValueOf<R>[], P = Parameters_>(
    statement: Executable<R, V, P>,
    params?: NoInfer<P>,
    options?: CallOptions,
  ): Promise<Result<R, V>> {
    const given = callOptions(options);
    const hooks = this.#hooks;
    if (!hooks.active) return this.#execute<R, V>(Engine.prepare(this, statement, params), params, given);
    if (hooks.has("connect", "checkout", "checkin", "invalidate")) return this.#executeOn<R, V>(statement, params, options);
    return hooks.execute({
      connection: null,
      statement,
      params,
      driver: false,
      signal: given.signal,
      prepare: (statement, params) => Engine.prepare(this, statement, params),
      pass: (start) => passing(() => hooks.gate?.(), given, start),
      begins: () => undefined,
      send: (prepared, params) => this.#execute<R, V>(prepared, params, given),
    });
  }

  /** Where somebody wants to see the connections, a statement has one for its transaction that can be shown. */
  async #executeOn<R extends RowType, V extends readonly unknown[]>(
    statement: unknown,
    params: unknown,
    options: CallOptions | undefined,
  ): Promise<Result<R, V>> {
    const since = performance.now();
    const conn = await this.#connect(limitsOf(options), new Error());
    return Connection.using(conn, async () => {
      const result = await conn.execute(statement as Executable<R, V, unknown>, params, following(options, since));
      await conn.commit();
      return result;
    });
  }

  async #execute<R extends RowType, V extends readonly unknown[]>(
    prepared: Prepared,
    params: unknown,
    given: NativeCall,
  ): Promise<Result<R, V>> {
    return Result.of<R, V>(await this.#feed(prepared, params, given));
  }

  async #feed(prepared: Prepared, params: unknown, given: NativeCall): Promise<Feed> {
    const rows = given.yieldPer > 0 ? given.yieldPer : yieldPer(this.#execution.options.yieldPer);
    const context = contextOf(prepared, params, this.hideParameters);
    Engine.warn(this, prepared.warnings);
    const frames = new Frames(tokenLog(this.#log, this.#execution.options.loggingToken), prepared);
    const { source, batch, many } = prepared;
    const run = (): Promise<void> => this.#native.execute(source, batch, frames.encoded(given.signal), many, given, frames.take);
    await frames.received(call(given, run, context));
    return frames.fed(rows);
  }

  /**
   * The results of a statement that only reads, as a loop: the first at once, then one after each commit, of any tab, that changed
   * them. With a `key`, each step tells which rows were added, changed and removed. See {@link LiveQuery}.
   *
   * ```ts
   * for await (const result of engine.watch(text("SELECT name FROM users ORDER BY name"))) show(result.scalars().all());
   * ```
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
    return Engine.watch(this, statement, params, options);
  }

  /**
   * A live query that ends with the engine, and with a connection if there is one.
   * @internal
   */
  static watch(
    engine: Engine,
    statement: unknown,
    params: unknown,
    options: WatchOptions | undefined,
    conn?: Watcher,
  ): LiveQuery<unknown> {
    const prepare = (statement: unknown, params: unknown): Prepared => Engine.prepare(engine, statement, params);
    const fetched = (prepared: Prepared, params: unknown, options: CallOptions): Promise<Feed> => engine.#watched(prepared, params, options);
    const engineOf = { hooks: engine.#hooks, listeners: engine.#listeners, prepare, fetched };
    return LiveQuery.of(watching(engineOf, statement, params, conn), options);
  }

  /** Runs what a live query sends: where somebody wants to see the connections, on one that can be shown, and is set up by `connect`. */
  async #watched(prepared: Prepared, params: unknown, options: CallOptions): Promise<Feed> {
    if (!this.#hooks.has("connect", "checkout", "checkin", "invalidate")) return this.#feed(prepared, params, callOptions(options));
    const since = performance.now();
    const conn = await this.#connect(limitsOf(options), new Error());
    return Connection.using(conn, () => Connection.feed(conn, prepared, params, following(options, since)));
  }

  /** As {@link execute}, and gives the first column of the first row; null if there is no row. */
  scalar<R extends RowType, V extends readonly unknown[] = readonly ValueOf<R>[], P = Parameters_>(
    statement: Executable<R, V, P>,
    params?: NoInfer<P>,
    options?: CallOptions,
  ): Promise<V[0] | null>;
  scalar<T>(statement: Executable<RowType, readonly unknown[], unknown>, params?: Parameters_, options?: CallOptions): Promise<T | null>;
  async scalar(statement: Executable<RowType, readonly unknown[], unknown>, params?: unknown, options?: CallOptions): Promise<unknown> {
    return (await this.execute(statement, params, options)).scalar();
  }

  /**
   * Calls a function of a module in the worker, with a {@link SyncEngine} and the arguments, and gives what it returns. See
   * {@link Connection.runSync}.
   */
  runInThread<P extends ProcedureReference<SyncEngine, never>>(procedure: P, ...args: ArgumentsOf<P>): Promise<ResultOf<P>>;
  /** The same, by the URL of the module and the name of its function. */
  runInThread<T = unknown>(module: URL | string, name: string, ...args: readonly unknown[]): Promise<T>;
  async runInThread(...given: readonly unknown[]): Promise<unknown> {
    return this.#run(given, new Error());
  }

  /** As {@link runInThread}. */
  runInWorker<P extends ProcedureReference<SyncEngine, never>>(procedure: P, ...args: ArgumentsOf<P>): Promise<ResultOf<P>>;
  /** The same, by the URL of the module and the name of its function. */
  runInWorker<T = unknown>(module: URL | string, name: string, ...args: readonly unknown[]): Promise<T>;
  async runInWorker(...given: readonly unknown[]): Promise<unknown> {
    return this.#run(given, new Error());
  }

  async #run(given: readonly unknown[], made: Error): Promise<unknown> {
    const procedure = running(given);
    const since = performance.now();
    const conn = await this.#connect(procedure.options, made);
    procedure.limits.timeout = left(procedure.limits.timeout, since);
    return Connection.using(conn, () => Connection.run(conn, procedure, true));
  }

  /** Whether there is a table, or a view, of this name. */
  async hasTable(name: string, options?: CallOptions): Promise<boolean> {
    if (typeof name !== "string") throw new ArgumentError(`hasTable() takes the name of a table, not ${describe(name)}`);
    const count = await this.scalar(text<{ count: number }>(native().NativeEngine.hasTable()), { name }, options);
    return count !== null && count > 0;
  }

  /** The names of all tables, in order. */
  async tableNames(options?: CallOptions): Promise<string[]> {
    const names = await this.execute(text<{ name: string }>(native().NativeEngine.tableNames()), undefined, options);
    return names.scalars().all();
  }

  /**
   * An engine on the same pool, whose connections have these options besides those of this one. What later becomes of the options
   * of the one does not touch the other.
   */
  executionOptions(options: ExecutionOptions): Engine {
    const merged = mergedOptions(this.#execution.options, options);
    const native = callSync(() => this.#native.withOptions(options?.isolationLevel, options?.loggingToken));
    const { url, pool, hideParameters } = this;
    const shared = { log: this.#log, listeners: this.#listeners, hooks: this.#hooks, warn: this.#warn, cache: this.#cache, given: this.#given, onDisk: this.#onDisk };
    return new Engine({ url, native, pool, hideParameters, ...shared, options: merged });
  }

  /** Gives the connections that are taken from here on these options, besides those that there are. */
  updateExecutionOptions(options: ExecutionOptions): void {
    const merged = mergedOptions(this.#execution.options, options);
    callSync(() => this.#native.updateOptions(options?.isolationLevel, options?.loggingToken));
    this.#execution.options = merged;
  }

  /** The options that connections begin with, as far as they were given. */
  getExecutionOptions(): ExecutionOptions {
    return this.#execution.options;
  }

  /**
   * Closes the connections of the pool; those in use are closed when they come back. When no engine of the page uses the
   * database any more, its worker ends, and with it what was kept in memory. The engine can be used again; nobody listens
   * to it then.
   */
  async dispose(options?: DisposeOptions): Promise<void> {
    const close = closes(options);
    if (close) {
      this.#listeners.clear();
      this.#hooks.clear();
    }
    await call(undefined, () => this.#native.dispose(close));
  }

  /**
   * The database as the bytes of a SQLite file, from one snapshot, as a stream. Other connections go on working; the
   * stream has one of its own until it ends, fails or is cancelled.
   */
  exportStream(options?: TransferOptions): ReadableStream<Uint8Array<ArrayBuffer>> {
    const made = new Error();
    return exportStream((limits) => this.#connect(limits, made), options);
  }

  /** The database as the bytes of a SQLite file, from one snapshot. */
  async exportBytes(options?: TransferOptions): Promise<Uint8Array<ArrayBuffer>> {
    const made = new Error();
    return exportBytes((limits) => this.#connect(limits, made), options);
  }

  /**
   * Replaces the database by the bytes of a SQLite file, as one transaction. They are checked before: what is no healthy
   * database is a `StorageError` (`not-a-database`, `corrupt`), and the database stays as it was, as it does when the
   * stream fails, when this is aborted, and when there is no room (`quota`).
   */
  async importStream(stream: ByteStream, options?: ImportStreamOptions): Promise<void> {
    const made = new Error();
    await importStream(this.#importing(made), stream, options);
  }

  /** As {@link importStream}, for bytes that are all there, or a file that the user has chosen. */
  async importBytes(bytes: ByteSource, options?: TransferOptions): Promise<void> {
    const made = new Error();
    await importBytes(this.#importing(made), bytes, options);
  }

  #importing(made: Error): Importing {
    const begin = (total: number, call: NativeCall): Promise<NativeImport> => this.#native.beginImport(total, call, () => callerOf(made));
    return { begin, passes: (signal) => this.#passes({ signal, timeout: 0 }) };
  }

  /** Offers the database to the user as a file. */
  async download(filename?: string, options?: TransferOptions): Promise<void> {
    const path = this.storage.path ?? "memory.db";
    await download(this.exportStream(options), filename ?? path.slice(path.lastIndexOf("/") + 1));
  }

  /**
   * Calls a function for each event of a name, until {@link remove} or {@link dispose}.
   *
   * `"change"` (a commit), `"blocked"` (somebody waits for one who does nothing), `"host"` and `"versionSkew"` tell of the
   * database: what a listener throws is reported and stops nothing. The others are about calls ({@link HookEvents}): they wait for
   * their listeners, one after the other, and fail with what those throw: before anything is sent, or, of what comes after, though
   * the statement was executed. While a call waits for a promise of a listener, neither its `signal` nor its `timeout` ends that, and
   * calls that were made later without waiting for it may overtake it.
   */
  listen<K extends keyof EngineEvents>(name: K, listener: (event: EngineEvents[K]) => HookAnswer<K>, options?: ListenOptions): void {
    checkListener(name, listener);
    const given = listenOptions(name, options);
    if (isHook(name)) this.#hooks.add(name, listener, given);
    else this.#listeners.add(name as keyof Omit<EngineEvents, keyof HookEvents>, listener, given.once);
  }

  /** Calls a function no more. */
  remove<K extends keyof EngineEvents>(name: K, listener: (event: EngineEvents[K]) => unknown): void {
    checkListener(name, listener);
    if (isHook(name)) this.#hooks.remove(name, listener);
    else this.#listeners.remove(name as keyof Omit<EngineEvents, keyof HookEvents>, listener);
  }

  /**
   * Calls a function for each commit that changed something, in this tab or another, from the engine's first connection
   * on. What is returned ends that.
   */
  onChange(listener: (event: ChangeEvent) => unknown): () => void {
    if (typeof listener !== "function") throw new ArgumentError(`a listener is a function, not ${describe(listener)}`);
    const each = (event: ChangeEvent): unknown => listener(event);
    this.listen("change", each);
    return () => this.remove("change", each);
  }

  /** As {@link dispose}. */
  async [asyncDispose](): Promise<void> {
    await this.dispose();
  }
}
