/**
 * The tree of errors: SQLAlchemy's names, parents and codes, and what only a browser needs.
 *
 * The rows come from one table, `crates/protocol/src/error.rs`; a test compares the two. An error crosses from wasm as a
 * plain record and becomes an instance of its class here, so that `instanceof` works.
 *
 * @module
 */

/** Which constraint an {@link IntegrityError} is about, as far as SQLite names it. */
export interface Constraint {
  /** What kind of constraint it is. */
  readonly kind: "check" | "foreignKey" | "notNull" | "primaryKey" | "unique" | "trigger" | "dataType" | "other";
  /** The name of a CHECK constraint or index, or the message of a trigger. */
  readonly name: string | null;
  /** The table, where SQLite names it. */
  readonly table: string | null;
  /** The columns, where SQLite names them, in its order. */
  readonly columns: readonly string[];
}

/** Why storage failed: the `reason` of a {@link StorageError}. */
export type StorageReason =
  | "unavailable"
  | "quota"
  | "corrupt"
  | "not-a-database"
  | "in-use"
  | "io"
  | "cannot-open"
  | "locked-by-other-version";

/** What an error is made of besides its message. All of it survives `structuredClone`. */
export interface ErrorDetails {
  /** The error behind this one. */
  readonly cause?: unknown;
  /** Its stable code, where it is not that of the class. */
  readonly code?: string | null;
  /** The SQL statement. */
  readonly statement?: string | null;
  /** Its parameters, as they were given. */
  readonly params?: unknown;
  /** The parameters as text, for the message. */
  readonly paramsText?: string | null;
  /** Where in the statement the error is, in UTF-16 code units. */
  readonly offset?: number | null;
  /** SQLite's extended result code. */
  readonly sqliteCode?: number | null;
  /** The violated constraint. */
  readonly constraint?: Constraint | null;
  /** Why storage failed. */
  readonly reason?: StorageReason | null;
  /** Whether trying the same again may succeed; by default what the class says. */
  readonly retryable?: boolean;
}

/** The root of all errors that aludel throws. */
export class SQLAlchemyError extends Error {
  /** The stable code of the class, as on https://docs.sqlalchemy.org/en/20/errors.html; `null` where there is none. */
  readonly code: string | null;
  /** Whether trying the same again may succeed. */
  readonly retryable: boolean;
  /** The SQL statement that it is about, if there is one. */
  readonly statement: string | null;
  /** The parameters of the statement, as they were given; `null` where there are none or they are to be hidden. */
  readonly params: unknown;
  /** Where in {@link statement} the error is, in UTF-16 code units from its start, where SQLite says it. */
  readonly offset: number | null;
  /** SQLite's extended result code (https://www.sqlite.org/rescode.html), `null` where SQLite had no part in it. */
  readonly sqliteCode: number | null;
  /** The name of {@link sqliteCode}, `"SQLITE_CONSTRAINT_UNIQUE"` for instance. */
  readonly sqliteCodeName: string | null;
  /** The violated constraint of an {@link IntegrityError}. */
  readonly constraint: Constraint | null;
  /** Why storage failed, of a {@link StorageError}. */
  readonly reason: StorageReason | null;
  /** What SQLite itself said, without statement and parameters; `null` where SQLite had no part in it. */
  readonly orig: SqliteError | null;

  /** Makes an error; applications catch these rather than make them. */
  constructor(message: string, details: ErrorDetails = {}) {
    const { statement = null, paramsText = null, sqliteCode = null } = details;
    let text = message;
    if (statement !== null) text += `\n[SQL: ${statement}]`;
    if (paramsText !== null) text += `\n[parameters: ${paramsText}]`;
    const orig = sqliteCode === null ? null : new SqliteError(message, sqliteCode);
    const cause = details.cause ?? orig;
    super(text, cause === null ? undefined : { cause });
    const row = rowOf(new.target);
    this.code = details.code ?? row.code;
    this.retryable = details.retryable ?? row.retryable;
    this.statement = statement;
    this.params = details.params ?? null;
    this.offset = details.offset ?? null;
    this.sqliteCode = sqliteCode;
    this.sqliteCodeName = orig === null ? null : orig.sqliteCodeName;
    this.constraint = details.constraint ?? null;
    this.reason = details.reason ?? null;
    this.orig = orig;
  }
}

/** What SQLite itself said: the `orig` of a {@link DBAPIError}. */
export class SqliteError extends Error {
  /** SQLite's extended result code. */
  readonly sqliteCode: number;
  /** Its name, `"SQLITE_BUSY"` for instance. */
  readonly sqliteCodeName: string;

  /** Makes one; applications read these rather than make them. */
  constructor(message: string, sqliteCode: number) {
    super(message);
    this.sqliteCode = sqliteCode;
    this.sqliteCodeName = sqliteCodeName(sqliteCode);
  }
}

/** A wrong argument: a malformed URL, an unknown option, a value of the wrong shape. */
export class ArgumentError extends SQLAlchemyError {}
/** The URL names a dialect or driver that aludel does not have. */
export class NoSuchModuleError extends ArgumentError {}
/** A join's condition cannot be inferred: no foreign key ties the two sides together. */
export class NoForeignKeysError extends ArgumentError {}
/** A join's condition cannot be inferred: several foreign keys tie the two sides together. */
export class AmbiguousForeignKeysError extends ArgumentError {}
/** Something that is no statement was executed: a string, most often. Use `text()`, the `sql` tag or `execDriverSql()`. */
export class ObjectNotExecutableError extends ArgumentError {}
/** A statement cannot be compiled. */
export class CompileError extends SQLAlchemyError {}
/** A pool, lock or statement took longer than its timeout. */
export class TimeoutError extends SQLAlchemyError {}
/** The call does not fit the state of its object. */
export class InvalidRequestError extends SQLAlchemyError {}
/** Two calls on one object contradict each other. */
export class IllegalStateChangeError extends InvalidRequestError {}
/** A failed transaction must be rolled back first. */
export class PendingRollbackError extends InvalidRequestError {}
/** The connection, result or stream is closed. */
export class ResourceClosedError extends InvalidRequestError {}
/** A row has no such column. */
export class NoSuchColumnError extends InvalidRequestError {}
/** A table that was to be read does not exist. */
export class NoSuchTableError extends InvalidRequestError {}
/** A table exists and cannot be read: a view of what is no more, for instance. */
export class UnreflectableTableError extends InvalidRequestError {}
/** A row was required and none was found. */
export class NoResultFound extends InvalidRequestError {}
/** One row at most was required and more were found. */
export class MultipleResultsFound extends InvalidRequestError {}
/** A statement could not be run as given: a parameter is missing, for instance. */
export class StatementError extends SQLAlchemyError {}
/** An error of the database or of the interface to it. */
export class DBAPIError extends StatementError {}
/** The database interface itself failed. */
export class InterfaceError extends DBAPIError {}
/** An error of the database. */
export class DatabaseError extends DBAPIError {}
/** A value cannot be stored or read. */
export class DataError extends DatabaseError {}
/** SQLite could not do it: no such table, syntax error, locked, interrupted. */
export class OperationalError extends DatabaseError {}
/** A constraint was violated; `constraint` says which. */
export class IntegrityError extends DatabaseError {}
/** SQLite found itself in an impossible state. */
export class InternalError extends DatabaseError {}
/** The interface was misused: wrong number of parameters, several statements at once. */
export class ProgrammingError extends DatabaseError {}
/** SQLite or aludel does not support it. */
export class NotSupportedError extends DatabaseError {}
/** The storage failed; `reason` says why. */
export class StorageError extends OperationalError {}
/** The worker ended (crashed, was terminated or disposed of) before it answered. The next connect starts a new one. */
export class WorkerGone extends InterfaceError {}
/** The tab that hosted the database went away before it answered. */
export class HostLost extends WorkerGone {}
/** A frame breaks the protocol between page and worker. */
export class ProtocolError extends InterfaceError {}
/** The call was cancelled by its caller. A call given a `signal` rejects with the signal's reason instead. */
export class CancelledError extends OperationalError {}

/** What is wrong with a migration: the `problem` of a {@link MigrationError}. */
export type MigrationProblem = "failed" | "changed" | "order" | "missing" | "transaction" | "foreignKeys" | "userVersion";

/** What a {@link MigrationError} says besides its message. */
export interface MigrationErrorDetails extends ErrorDetails {
  /** The name of the step. */
  readonly step?: string | null;
  /** What is wrong. */
  readonly problem?: MigrationProblem | null;
  /** The checksum that the step had when it was run. */
  readonly applied?: string | null;
  /** The checksum that it has now. */
  readonly given?: string | null;
}

/** A step of a migration failed, or does not fit what was done to the database; nothing of it stays. */
export class MigrationError extends InvalidRequestError {
  /** The name of the step that it is about, if there is one. */
  readonly step: string | null;
  /** What is wrong. */
  readonly problem: MigrationProblem | null;
  /** The checksum that the step had when it was run, where it was changed since. */
  readonly applied: string | null;
  /** The checksum that it has now. */
  readonly given: string | null;

  /** Makes an error; applications catch these rather than make them. */
  constructor(message: string, details: MigrationErrorDetails = {}) {
    super(message, details);
    this.step = details.step ?? null;
    this.problem = details.problem ?? null;
    this.applied = details.applied ?? null;
    this.given = details.given ?? null;
  }
}

/** The database was migrated by newer code than this: load that. */
export class NewerDatabaseError extends InvalidRequestError {
  /** The names of the steps that this code does not know. */
  readonly unknown: readonly string[];

  /** Makes an error; applications catch these rather than make them. */
  constructor(message: string, details: ErrorDetails & { readonly unknown?: readonly string[] } = {}) {
    super(message, details);
    this.unknown = Object.freeze([...(details.unknown ?? [])]);
  }
}

/** sqlalchemy_aio's name of {@link WorkerGone}. */
export const AlreadyQuit: typeof WorkerGone = WorkerGone;

/**
 * A procedure could not be called, or threw something that is no error of aludel's: then its `name` and `message` are those of
 * what was thrown, and its `cause` is that.
 */
export class ProcedureError extends SQLAlchemyError {}

type ErrorClass = new (message: string, details?: ErrorDetails) => SQLAlchemyError;

interface ClassRow {
  readonly name: string;
  readonly code: string | null;
  readonly retryable: boolean;
}

// Names are written out, since minifiers rename classes.
const rows: readonly (readonly [ErrorClass, string, (string | null)?, boolean?])[] = [
  [SQLAlchemyError, "SQLAlchemyError"],
  [ArgumentError, "ArgumentError"],
  [NoSuchModuleError, "NoSuchModuleError"],
  [NoForeignKeysError, "NoForeignKeysError"],
  [AmbiguousForeignKeysError, "AmbiguousForeignKeysError"],
  [NoSuchTableError, "NoSuchTableError"],
  [UnreflectableTableError, "UnreflectableTableError"],
  [ObjectNotExecutableError, "ObjectNotExecutableError"],
  [CompileError, "CompileError", "l7de"],
  [TimeoutError, "TimeoutError", "3o7r", true],
  [InvalidRequestError, "InvalidRequestError"],
  [IllegalStateChangeError, "IllegalStateChangeError", "isce"],
  [PendingRollbackError, "PendingRollbackError", "8s2b"],
  [ResourceClosedError, "ResourceClosedError"],
  [NoSuchColumnError, "NoSuchColumnError"],
  [NoResultFound, "NoResultFound"],
  [MultipleResultsFound, "MultipleResultsFound"],
  [StatementError, "StatementError"],
  [DBAPIError, "DBAPIError", "dbapi"],
  [InterfaceError, "InterfaceError", "rvf5"],
  [DatabaseError, "DatabaseError", "4xp6"],
  [DataError, "DataError", "9h9h"],
  [OperationalError, "OperationalError", "e3q8"],
  [IntegrityError, "IntegrityError", "gkpj"],
  [InternalError, "InternalError", "2j85"],
  [ProgrammingError, "ProgrammingError", "f405"],
  [NotSupportedError, "NotSupportedError", "tw8g"],
  [StorageError, "StorageError"],
  [WorkerGone, "WorkerGone", null, true],
  [HostLost, "HostLost", null, true],
  [ProtocolError, "ProtocolError"],
  [CancelledError, "CancelledError", null, true],
  [ProcedureError, "ProcedureError"],
  [MigrationError, "MigrationError", "mgrt"],
  [NewerDatabaseError, "NewerDatabaseError", "nwdb"],
];

const byClass = new Map<unknown, ClassRow>();
const byName = new Map<string, ErrorClass>();
for (const [errorClass, name, code = null, retryable = false] of rows) {
  byClass.set(errorClass, { name, code, retryable });
  byName.set(name, errorClass);
  // On the prototype, as the language's own errors have it.
  Object.defineProperty(errorClass.prototype, "name", { value: name, configurable: true, writable: true });
}
Object.defineProperty(SqliteError.prototype, "name", { value: "SqliteError", configurable: true, writable: true });

function rowOf(errorClass: unknown): ClassRow {
  // A class that an application derived has the row of the nearest class above it.
  for (let at = errorClass; typeof at === "function"; at = Object.getPrototypeOf(at)) {
    const row = byClass.get(at);
    if (row !== undefined) return row;
  }
  return { name: "SQLAlchemyError", code: null, retryable: false };
}

/**
 * The error that a record from wasm describes.
 * @internal
 */
export interface ErrorRecord {
  readonly class: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly sqliteCode: number;
  readonly offset: number;
  readonly statement: string | undefined;
  readonly parameters: string | undefined;
  readonly constraint: Constraint | undefined;
  readonly reason: string | undefined;
  readonly retryable: boolean;
  readonly cause: ErrorRecord | undefined;
}

/**
 * What the caller knows of a statement and wasm does not.
 * @internal
 */
export interface StatementContext {
  readonly statement: string;
  readonly params: unknown;
  readonly paramsText: () => string | null;
}

/**
 * Makes a record from wasm an instance of its class; whatever else was thrown is returned as it is.
 * @internal
 */
export function rehydrate(thrown: unknown, context?: StatementContext): unknown {
  if (!isRecord(thrown)) return thrown;
  const errorClass = byName.get(thrown.class) ?? SQLAlchemyError;
  const statement = thrown.statement ?? null;
  const about = statement !== null && context !== undefined && context.statement === statement ? context : undefined;
  const offset = thrown.offset < 0 || statement === null ? null : utf16Index(statement, thrown.offset);
  const details: ErrorDetails = {
    code: thrown.code ?? null,
    statement,
    params: about?.params,
    paramsText: thrown.parameters ?? about?.paramsText() ?? null,
    offset,
    sqliteCode: thrown.sqliteCode === 0 ? null : thrown.sqliteCode,
    constraint: thrown.constraint ?? null,
    reason: (thrown.reason ?? null) as StorageReason | null,
    retryable: thrown.retryable,
  };
  const cause = thrown.cause === undefined ? undefined : rehydrate(thrown.cause);
  return new errorClass(thrown.message, cause === undefined ? details : { ...details, cause });
}

/**
 * The error of a class of this name.
 * @internal
 */
export function errorOf(name: string, message: string, details: ErrorDetails): SQLAlchemyError {
  return new (byName.get(name) ?? SQLAlchemyError)(message, details);
}

function isRecord(thrown: unknown): thrown is ErrorRecord {
  return typeof thrown === "object" && thrown !== null && !(thrown instanceof Error) && "class" in thrown;
}

/**
 * The UTF-16 index of a UTF-8 byte offset in a text.
 * @internal
 */
export function utf16Index(text: string, bytes: number): number {
  let index = 0;
  for (const character of text) {
    if (bytes <= 0) break;
    const point = character.codePointAt(0) as number;
    bytes -= point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    index += character.length;
  }
  return index;
}

// https://www.sqlite.org/rescode.html
const primary = (
  "OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL EMPTY " +
  "SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB NOTICE WARNING"
).split(" ");
const extended: Readonly<Record<string, string>> = {
  ERROR: "MISSING_COLLSEQ RETRY SNAPSHOT RESERVESIZE",
  ABORT: "- ROLLBACK",
  BUSY: "RECOVERY SNAPSHOT TIMEOUT",
  LOCKED: "SHAREDCACHE VTAB",
  READONLY: "RECOVERY CANTLOCK ROLLBACK DBMOVED CANTINIT DIRECTORY",
  IOERR:
    "READ SHORT_READ WRITE FSYNC DIR_FSYNC TRUNCATE FSTAT UNLOCK RDLOCK DELETE BLOCKED NOMEM ACCESS CHECKRESERVEDLOCK LOCK " +
    "CLOSE DIR_CLOSE SHMOPEN SHMSIZE SHMLOCK SHMMAP SEEK DELETE_NOENT MMAP GETTEMPPATH CONVPATH VNODE AUTH BEGIN_ATOMIC " +
    "COMMIT_ATOMIC ROLLBACK_ATOMIC DATA CORRUPTFS IN_PAGE",
  CORRUPT: "VTAB SEQUENCE INDEX",
  CANTOPEN: "NOTEMPDIR ISDIR FULLPATH CONVPATH DIRTYWAL SYMLINK",
  CONSTRAINT: "CHECK COMMITHOOK FOREIGNKEY FUNCTION NOTNULL PRIMARYKEY TRIGGER UNIQUE VTAB ROWID PINNED DATATYPE",
  AUTH: "USER",
};

function sqliteCodeName(code: number): string {
  const base = primary[code & 0xff] ?? { 100: "ROW", 101: "DONE" }[code & 0xff];
  if (base === undefined) return `SQLITE_${code}`;
  const detail = code > 0xff ? extended[base]?.split(" ")[(code >> 8) - 1] : undefined;
  return detail === undefined || detail === "-" ? `SQLITE_${base}` : `SQLITE_${base}_${detail}`;
}
