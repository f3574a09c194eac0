/**
 * The options of engines, connections and calls.
 *
 * @module
 */

import type { EchoRecord } from "./events.js";

/** How the transactions of a connection are isolated. */
export type IsolationLevel = "SERIALIZABLE" | "READ UNCOMMITTED" | "AUTOCOMMIT";

/** How a transaction begins: with a snapshot, with the write lock, or without readers beside it. */
export type BeginMode = "deferred" | "immediate" | "exclusive";

/** How an engine keeps connections: SQLAlchemy's names. */
export type PoolClass = "QueuePool" | "AsyncAdaptedQueuePool" | "NullPool" | "StaticPool" | "AssertionPool";

/** `poolSize` connections, and `maxOverflow` more while they are needed. */
export const QueuePool = "QueuePool";
/** The same: SQLAlchemy's name of the queue that does not block a thread. */
export const AsyncAdaptedQueuePool = "AsyncAdaptedQueuePool";
/** No connections: each is opened when it is asked for, and closed when it comes back. */
export const NullPool = "NullPool";
/** One connection, given to one at a time. */
export const StaticPool = "StaticPool";
/** One connection; asking for it while it is in use is an error. */
export const AssertionPool = "AssertionPool";

/** What `createEngine()` takes beside the URL. An option that is not listed here is an `ArgumentError`. */
export interface EngineOptions {
  /** How many connections the pool keeps; 0 is no limit. 4 unless given. */
  readonly poolSize?: number;
  /** How many connections beyond `poolSize` there may be at once, closed when they come back; -1 is no limit. 0 unless given. */
  readonly maxOverflow?: number;
  /** How many seconds `connect()` waits for a connection of the pool. 30 unless given. */
  readonly poolTimeout?: number;
  /**
   * How the pool keeps connections: as a queue (unless given), none of them (`"NullPool"`: opened and closed each time),
   * one, which is given to one at a time (`"StaticPool"`), or one, and asking for it while it is in use is an error
   * (`"AssertionPool"`). The names are exported as constants, too.
   */
  readonly poolClass?: PoolClass;
  /** The age in seconds at which an idle connection is replaced by a new one when it is asked for. -1, never, unless given. */
  readonly poolRecycle?: number;
  /** Asks an idle connection whether it lives before giving it out, and opens another if not. */
  readonly poolPrePing?: boolean;
  /** Gives out the connection that came back last, rather than the one that has been idle longest. */
  readonly poolUseLifo?: boolean;
  /**
   * What is done to a connection that comes back: SQLAlchemy's option, which its `Connection` leaves nothing to do, and so
   * does this one. Closing a connection rolls back, whatever is given here.
   */
  readonly poolResetOnReturn?: "rollback" | "commit" | boolean | null;
  /** Logs statements and transactions: to the console, rows too (`"debug"`), or to a function. */
  readonly echo?: boolean | "debug" | ((record: EchoRecord) => void);
  /**
   * Notes how long each statement took with `performance.measure()`, where the browser's profiler shows it: `aludel SELECT ...`.
   * For profiling: the entries stay until `performance.clearMeasures()`. False unless given.
   */
  readonly performanceMarks?: boolean;
  /** Leaves the values of parameters out of logs and errors. */
  readonly hideParameters?: boolean;
  /** What the logger is called, behind `sqlalchemy.engine.Engine.`. */
  readonly loggingName?: string;
  /** The page cache of all connections together, in bytes. 32 MiB unless given. */
  readonly cacheSize?: number;
  /**
   * The directory in which the files of URLs are, in Node: a path, or a `file:` URL. The one in which the process works unless
   * given; `sqlite:////var/lib/app.db`, with four slashes, is an absolute path.
   */
  readonly directory?: string | URL;
  /** What an acknowledged commit survives: the death of tab and browser (`"normal"`), or a power cut too (`"full"`). */
  readonly durability?: "normal" | "full";
  /** Whether foreign keys are enforced: yes unless given. */
  readonly foreignKeys?: boolean;
  /** The isolation of connections that ask for no other. */
  readonly isolationLevel?: IsolationLevel;
  /** The execution options of connections that set no others. */
  readonly executionOptions?: ExecutionOptions;
  /** Uses memory where there is no file storage, instead of a `StorageError`. `engine.storage` tells. */
  readonly fallback?: "memory";
  /** How many seconds a writer waits for its turn; 0 is forever. 30 unless given. */
  readonly lockTimeout?: number;
  /**
   * After how many seconds an open transaction is rolled back whose connection has nothing to do, so that nobody waits for
   * it for ever; its next call is an `OperationalError`. 0, never, unless given.
   */
  readonly idleTransactionTimeout?: number;
  /**
   * How many bytes the write-ahead log may grow to while a transaction reads from an old snapshot; then that transaction
   * is ended with an `OperationalError`. 0 is no limit; 256 MiB unless given.
   */
  readonly logLimit?: number;
  /** How many prepared statements a connection keeps, none of 128 KiB of text or more. 100 unless given. */
  readonly statementCacheSize?: number;
  /**
   * How many compiled statements the engine keeps at most, by their structure; those that were used least recently go. 0 is none.
   * 500 unless given.
   */
  readonly queryCacheSize?: number;
  /**
   * What happens when a call is aborted whose statement the worker cannot stop at once, as it can where the browser suspends
   * WebAssembly (JSPI): others wait until it ends (`"wait"`), or the worker is replaced (`"replaceWorker"`), which loses every
   * open transaction of the database.
   */
  readonly onAbort?: "wait" | "replaceWorker";
  /** Makes the worker, where `new Worker(new URL("./worker.js", import.meta.url), { type: "module" })` does not fit. */
  readonly worker?: () => Worker;
  /**
   * Where the worker runs: in a thread of its own (`"worker"`, unless given), or on the thread that asks it (`"inline"`: in memory
   * only; for tests, rendering on a server, and wherever there are no workers). A bundler does not find what the second imports: give
   * it `worker: inlineWorker` of `aludel/inline`. The names are exported as `WORKER_STRATEGY` and `INLINE_STRATEGY`.
   */
  readonly strategy?: "worker" | "inline";
  /** Where the worker's wasm file is, if not beside `worker.js`. */
  readonly wasmUrl?: string | URL;
}

/** Options that hold for the statements of a connection, or of one call. */
export interface ExecutionOptions {
  /** The isolation level (of an engine or a connection only). It changes between transactions only. */
  readonly isolationLevel?: IsolationLevel;
  /** How many rows a stream brings at a time, and `fetchmany()` and `partitions()` give unless told. */
  readonly yieldPer?: number;
  /** What stands in brackets before each line of the log (of an engine or a connection only). */
  readonly loggingToken?: string;
}

/** What every asynchronous call takes as its last argument. */
export interface CallOptions {
  /**
   * Aborts the call, wherever it is: waiting for a connection, for a lock, or running; but not while it waits for a listener's promise.
   * It rejects with the signal's reason.
   */
  readonly signal?: AbortSignal;
  /** How many milliseconds the call may take, all waiting included but that for a listener's promise; then it rejects with a `TimeoutError`. */
  readonly timeout?: number;
  /** Options for the statement of this call: of all execution options, the one that a single statement can have. */
  readonly executionOptions?: Pick<ExecutionOptions, "yieldPer">;
}

/** Options of `begin()`. */
export interface BeginOptions extends CallOptions {
  /** How the transaction begins. */
  readonly mode?: BeginMode;
}

/** Options of `engine.dispose()`. */
export interface DisposeOptions {
  /**
   * False only puts a new pool in the place of the old one: nothing is waited for, and listeners stay. Connections in use
   * go back to the old pool, which ends, with what is idle in it, when the last of them has. An engine in memory begins
   * with another database all the same. True unless given.
   */
  readonly close?: boolean;
}

/** Options of `engine.begin()`. */
export interface EngineBeginOptions extends BeginOptions {
  /** Begins with a snapshot and without the write lock: the same as `mode: "deferred"`. */
  readonly readOnly?: boolean;
}
