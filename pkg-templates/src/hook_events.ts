/**
 * What the events around statements, transactions and connections say, and what their listeners may answer.
 *
 * @module
 */

import type { AsyncResult } from "./async_result.js";
import type { Connection } from "./connection.js";
import type { SQLAlchemyError } from "./errors.js";
import type { Result } from "./result.js";
import type { Executable } from "./statement.js";
import type { Transaction } from "./transaction.js";
import type { RowType, SqlValue } from "./values.js";

/** What all events of one call have in common. */
export interface CallEvent {
  /**
   * The connection; null for `engine.execute()`, unless somebody listens to `"connect"`, `"checkout"`, `"checkin"` or `"invalidate"`,
   * for live queries, and for an `engine.connect()` that fails.
   */
  readonly connection: Connection | null;
  /** A place for notes of listeners: the same object in all events of one call. */
  readonly context: Record<string, unknown>;
}

/** A statement is to be executed: the event `"beforeExecute"`. */
export interface BeforeExecuteEvent extends CallEvent {
  /** The statement as it was given, or as the listener before has put it. */
  readonly statement: Executable<RowType, readonly unknown[], never>;
  /** Its parameters as they were given. */
  readonly params: unknown;
}

/** A statement was executed: the event `"afterExecute"`. */
export interface AfterExecuteEvent extends BeforeExecuteEvent {
  /** Its result, the very one that the caller gets: rows that a listener fetches are fetched. */
  readonly result: Result | AsyncResult;
}

/** SQL is to be sent to the worker: the event `"beforeCursorExecute"`. */
export interface CursorExecuteEvent extends CallEvent {
  /** The SQL. */
  readonly statement: string;
  /** The values of its parameters in their order; a list of such lists where there are many sets. */
  readonly params: readonly SqlValue[] | readonly (readonly SqlValue[])[];
  /** Whether it is executed once for each of many sets of parameters. */
  readonly many: boolean;
  /** How often it is executed: how many sets of parameters there are, without reading them; 1 where `many` is false. */
  readonly runs: number;
}

/**
 * The worker has answered: the events `"afterCursorExecute"` and, if it took long, `"slowStatement"`, of statements that failed, too.
 * Of a stream, the first rows are here.
 */
export interface AfterCursorExecuteEvent extends CursorExecuteEvent {
  /** How many milliseconds that took, with all that it waited for. */
  readonly milliseconds: number;
  /** What the statement failed with, be it the reason of its own `signal`; null if it did not (`"afterCursorExecute"` is told only then). */
  readonly error: unknown;
}

/** A call failed: the event `"handleError"`. */
export interface HandleErrorEvent extends CallEvent {
  /** The error, or the one that the listener before has put in its place. */
  readonly error: Error;
  /** The error as it was first. */
  readonly original: SQLAlchemyError;
  /** Whether the worker is gone, and the connection with it. */
  readonly isDisconnect: boolean;
  /** The SQL, where it is about a statement. */
  readonly statement: string | null;
  /** Its parameters as they were given. */
  readonly params: unknown;
}

/** A transaction begins, commits or rolls back, or a connection comes or goes. */
export interface ConnectionEvent {
  /** The connection. */
  readonly connection: Connection;
}

/** A savepoint is released, or rolled back to. */
export interface SavepointEvent extends ConnectionEvent {
  /** The savepoint. */
  readonly transaction: Transaction;
}

/** The events around statements, transactions and connections, by name. */
export interface HookEvents {
  /** A statement is to be executed. What is returned takes the place of the statement, of its parameters, or of both. */
  readonly beforeExecute: BeforeExecuteEvent;
  /** A statement was executed. */
  readonly afterExecute: AfterExecuteEvent;
  /** SQL is to be sent. What is returned takes the place of the SQL, of its parameters, or of both. */
  readonly beforeCursorExecute: CursorExecuteEvent;
  /** The worker has answered. */
  readonly afterCursorExecute: AfterCursorExecuteEvent;
  /**
   * From when it was sent to its answer, or its error, passed as many milliseconds as `threshold` says, or more: with what it waited
   * for, like the lock of another connection, or a worker that had to start.
   */
  readonly slowStatement: AfterCursorExecuteEvent;
  /**
   * A call failed. An error that is returned takes the place of the error. Not told of: what fails when a stream fetches further rows,
   * procedures, and imports.
   */
  readonly handleError: HandleErrorEvent;
  /** A transaction is to begin, be it by a statement. */
  readonly begin: ConnectionEvent;
  /** A transaction is to be committed. */
  readonly commit: ConnectionEvent;
  /** A transaction is to be rolled back, be it by the end of its connection. */
  readonly rollback: ConnectionEvent;
  /** A savepoint is to be made. */
  readonly savepoint: ConnectionEvent;
  /** A savepoint is to be released. */
  readonly releaseSavepoint: SavepointEvent;
  /** A savepoint is to be rolled back to. */
  readonly rollbackSavepoint: SavepointEvent;
  /**
   * A connection was opened, and is taken out of the pool for the first time. Statements of the listener are committed when it is done;
   * if it throws, the connection is dropped. Not told of: the one that a {@link Connection} opens for itself at its next use when it was
   * invalidated, or has lost its worker, and one that an import opened.
   */
  readonly connect: ConnectionEvent;
  /** A connection was taken out of the pool. */
  readonly checkout: ConnectionEvent;
  /** A connection is to be given back to the pool. What the listener throws is reported, and fails no call. */
  readonly checkin: ConnectionEvent;
  /** A connection is to be dropped. */
  readonly invalidate: ConnectionEvent;
}

/** What a listener of `"beforeExecute"` may return. */
export interface ExecuteRewrite {
  /** Another statement. */
  readonly statement?: Executable<RowType, readonly unknown[], never>;
  /** Other parameters. */
  readonly params?: unknown;
}

/** What a listener of `"beforeCursorExecute"` may return. */
export interface CursorExecuteRewrite {
  /** Other SQL; its parameters are the same by their positions, unless others are given. */
  readonly statement?: string;
  /** Other parameters, by name or by position, as the SQL has them. */
  readonly params?: unknown;
}

/** What the listeners of an event may return. */
export type HookAnswer<K> = K extends "beforeExecute"
  ? ExecuteRewrite | void | Promise<ExecuteRewrite | void>
  : K extends "beforeCursorExecute"
    ? CursorExecuteRewrite | void | Promise<CursorExecuteRewrite | void>
    : unknown;

/** How somebody listens. */
export interface ListenOptions {
  /** Listens to the first event only. */
  readonly once?: boolean;
  /** From how many milliseconds on a statement is slow (`"slowStatement"` only). 200 unless given. */
  readonly threshold?: number;
}
