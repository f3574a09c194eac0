/**
 * aludel: SQLAlchemy's way of working, for the browser and the edge.
 *
 * @module
 */

export { AsyncMappingResult, AsyncResult, AsyncScalarResult, Streamed } from "./async_result.js";
export { Connection } from "./connection.js";
export * from "./core/index.js";
export { databaseExists, dropDatabase, listDatabases, type DatabaseFile, type DropOptions } from "./databases.js";
export { createAsyncEngine, createEngine, Engine, type Dialect, type Pool } from "./engine.js";
export {
  AlreadyQuit,
  ArgumentError,
  CancelledError,
  CompileError,
  DatabaseError,
  DataError,
  DBAPIError,
  HostLost,
  IllegalStateChangeError,
  IntegrityError,
  InterfaceError,
  InternalError,
  InvalidRequestError,
  MultipleResultsFound,
  NoResultFound,
  NoSuchColumnError,
  AmbiguousForeignKeysError,
  NoForeignKeysError,
  NoSuchModuleError,
  NotSupportedError,
  ObjectNotExecutableError,
  OperationalError,
  PendingRollbackError,
  ProgrammingError,
  ProtocolError,
  ResourceClosedError,
  SQLAlchemyError,
  SqliteError,
  StatementError,
  StorageError,
  TimeoutError,
  WorkerGone,
  type Constraint,
  type ErrorDetails,
  type StorageReason,
} from "./errors.js";
export type {
  BlockedEvent,
  ChangeEvent,
  EchoRecord,
  EngineEvents,
  Holder,
  HostEvent,
  Tab,
  VersionSkewEvent,
  Waiter,
} from "./events.js";
export {
  AssertionPool,
  AsyncAdaptedQueuePool,
  NullPool,
  QueuePool,
  StaticPool,
  type BeginMode,
  type BeginOptions,
  type CallOptions,
  type EngineBeginOptions,
  type EngineOptions,
  type ExecutionOptions,
  type IsolationLevel,
  type PoolClass,
} from "./options.js";
export { Fetched, MappingResult, Result, ScalarResult } from "./result.js";
export type { Row, RowMembers } from "./row.js";
export { splitStatements, sql, text, TextClause, type Executable, type ScriptStatement } from "./statement.js";
export type { Storage_ as Storage } from "./storage.js";
export { Transaction } from "./transaction.js";
export type { ByteSource, ByteStream, ImportStreamOptions, TransferOptions, TransferProgress } from "./transfer.js";
export type { AnyRow, Bindable, Parameters_ as Parameters, ParameterSet, RowType, SqlValue, ValueOf } from "./values.js";
export { version } from "./version.js";
