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

/** What `createEngine()` takes beside the URL. An option that is not listed here is an `ArgumentError`. */
export interface EngineOptions {
  /** How many connections the pool keeps; 0 is no limit. 4 unless given. */
  readonly poolSize?: number;
  /** How many connections beyond `poolSize` there may be at once, closed when they come back; -1 is no limit. 0 unless given. */
  readonly maxOverflow?: number;
  /** How many seconds `connect()` waits for a connection of the pool. 30 unless given. */
  readonly poolTimeout?: number;
  /** Logs statements and transactions: to the console, rows too (`"debug"`), or to a function. */
  readonly echo?: boolean | "debug" | ((record: EchoRecord) => void);
  /** Leaves the values of parameters out of logs and errors. */
  readonly hideParameters?: boolean;
  /** What the logger is called, behind `sqlalchemy.engine.Engine.`. */
  readonly loggingName?: string;
  /** The page cache of all connections together, in bytes. 32 MiB unless given. */
  readonly cacheSize?: number;
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
  /** How many prepared statements a connection keeps. 100 unless given. */
  readonly statementCacheSize?: number;
  /**
   * What happens when a call is aborted whose statement the worker cannot stop at once: others wait until it ends
   * (`"wait"`), or the worker is replaced (`"replaceWorker"`), which loses every open transaction of the database.
   */
  readonly onAbort?: "wait" | "replaceWorker";
  /** Makes the worker, where `new Worker(new URL("./worker.js", import.meta.url), { type: "module" })` does not fit. */
  readonly worker?: () => Worker;
  /** Where the worker's wasm file is, if not beside `worker.js`. */
  readonly wasmUrl?: string | URL;
}

/** Options that hold for the statements of a connection, or of one call. */
export interface ExecutionOptions {
  /** The isolation level (of a connection only). */
  readonly isolationLevel?: IsolationLevel;
  /** How many rows a stream brings at a time, and `fetchmany()` and `partitions()` give unless told. */
  readonly yieldPer?: number;
}

/** What every asynchronous call takes as its last argument. */
export interface CallOptions {
  /** Aborts the call, wherever it is: waiting for a connection, for a lock, or running. It rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How many milliseconds the call may take, all waiting included; then it rejects with a `TimeoutError`. */
  readonly timeout?: number;
  /** Options for the statement of this call. */
  readonly executionOptions?: ExecutionOptions;
}

/** Options of `begin()`. */
export interface BeginOptions extends CallOptions {
  /** How the transaction begins. */
  readonly mode?: BeginMode;
}

/** Options of `engine.begin()`. */
export interface EngineBeginOptions extends BeginOptions {
  /** Begins with a snapshot and without the write lock: the same as `mode: "deferred"`. */
  readonly readOnly?: boolean;
}
