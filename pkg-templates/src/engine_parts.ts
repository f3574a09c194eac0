/**
 * What engines are made of: their options, checked; their pools and dialect.
 *
 * @module
 */

import { callSync } from "./call.js";
import { queryCache, type QueryCache } from "./core/entry.js";
import { nowhere } from "./databases.js";
import { describe } from "./encode.js";
import { ArgumentError, NotSupportedError } from "./errors.js";
import { Listeners, printRecord, type EchoRecord } from "./events.js";
import { mergedOptions } from "./execution.js";
import type { RowLog } from "./frames.js";
import type { NativeEngine } from "./generated/client.js";
import { Hooks } from "./hooks.js";
import type { EngineOptions, ExecutionOptions } from "./options.js";
import { spawnBroker } from "./spawn.js";
import { INLINE_STRATEGY, spawner } from "./spawner.js";
import { storageOf } from "./storage.js";
import { native } from "./wasm.js";

/** What the pool of an engine does at the moment. */
export interface Pool {
  /** All of it in SQLAlchemy's words. */
  status(): string;
  /** How many connections it keeps. */
  size(): number;
  /** How many are idle. */
  checkedin(): number;
  /** How many are in use. */
  checkedout(): number;
  /** How many more are open than it keeps; negative while there are fewer, and 0 where it keeps none or all. */
  overflow(): number;
  /** How many seconds `connect()` waits for a connection; 0 where nobody ever waits. */
  timeout(): number;
}

/** What is known of the SQL that the database speaks. */
export interface Dialect {
  /** `"sqlite"`. */
  readonly name: "sqlite";
  /** `"aludel"`. */
  readonly driver: "aludel";
  /** How parameters are written in SQL that goes to the driver as it is. */
  readonly paramstyle: "qmark";
  /** A name as an identifier, in double quotes. */
  quote(identifier: string): string;
}

/**
 * The one dialect.
 * @internal
 */
export const dialect: Dialect = Object.freeze({
  name: "sqlite",
  driver: "aludel",
  paramstyle: "qmark",
  quote: (identifier: string) => `"${identifier.replaceAll('"', '""')}"`,
});

/** How many warnings an engine remembers, in order to give each once. */
const WARNINGS_KEPT = 500;

/**
 * What an engine is made of.
 * @internal
 */
export interface Parts {
  readonly url: string;
  readonly native: NativeEngine;
  readonly pool: Pool;
  readonly hideParameters: boolean;
  readonly log: RowLog;
  readonly listeners: Listeners;
  readonly hooks: Hooks;
  readonly warn: (message: string) => void;
  readonly options: ExecutionOptions;
  readonly cache: QueryCache;
  readonly given: EngineOptions;
  readonly onDisk: string | undefined;
}

/**
 * Makes the parts of an engine of its options. `onDisk` is the URL by which the worker finds a file on disk.
 * @internal
 */
export function partsOf(url: string, given: EngineOptions, onDisk?: string): Parts {
  nowhere(given);
  const { worker, wasmUrl, strategy, directory, echo, executionOptions, performanceMarks = false, ...plain } = given;
  if (typeof performanceMarks !== "boolean") {
    throw new ArgumentError(`performanceMarks is true or false, not ${describe(performanceMarks)}`);
  }
  const options = mergedOptions(Object.freeze({}), executionOptions);
  const print = typeof echo === "function" ? echo : printRecord;
  const record = (logger: string, level: string, message: string): void =>
    print(Object.freeze({ logger, level: level as EchoRecord["level"], message }));
  const logger = `sqlalchemy.engine.Engine${given.loggingName === undefined ? "" : `.${given.loggingName}`}`;
  const warned = new Set<string>();
  const warn = (message: string): void => {
    if (warned.has(message)) return;
    if (warned.size >= WARNINGS_KEPT) warned.clear();
    warned.add(message);
    record(logger, "WARNING", message);
  };
  const log: RowLog = echo === "debug" ? (message) => record(logger, "DEBUG", message) : undefined;
  const known = { ...plain, ...(echo === undefined ? {} : { echo: typeof echo === "function" ? true : echo }) };
  const spawn = spawner(worker, wasmUrl, strategy);
  // Whoever makes the workers may have them elsewhere: then tabs reach each other's without a broker.
  const broker = worker === undefined ? spawnBroker : () => undefined;
  const native_ = callSync(() => new (native().NativeEngine)(onDisk ?? url, known, spawn, broker, record));
  if (strategy === INLINE_STRATEGY && storageOf(native_, false).kind !== "memory") {
    throw new NotSupportedError(
      `the strategy "inline" has databases in memory only, as sqlite:// is: browsers let workers alone write files as SQLite does, so ${url} needs one`,
    );
  }
  callSync(() => native_.updateOptions(options.isolationLevel, options.loggingToken));
  const status = (): ReturnType<NativeEngine["poolStatus"]> => native_.poolStatus();
  const pool: Pool = Object.freeze({
    status: () => status().text,
    size: () => status().size,
    checkedin: () => status().checkedin,
    checkedout: () => status().checkedout,
    overflow: () => status().overflow,
    timeout: () => status().timeout,
  });
  const cache = queryCache(given.queryCacheSize);
  const listeners = new Listeners((name, tell) => callSync(() => native_.listen(name, tell)));
  const hooks = new Hooks(performanceMarks);
  return { url, native: native_, pool, hideParameters: given.hideParameters === true, log, listeners, hooks, warn, options, cache, given, onDisk };
}
