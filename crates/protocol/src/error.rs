//! The one error type: a kind with a stable code, what SQLite said, and what it was about.

use crate::codec::malformed;
use crate::{Constraint, ConstraintKind, Reader, Result as ProtocolResult, Writer};
use std::fmt;

const MAX_CAUSES: u32 = 8; // in a frame

/// From how many bytes of UTF-8 on a statement is not repeated to whoever gave it up: copying megabytes and reading them takes longer
/// than stopping it.
pub const LONG_STATEMENT: usize = 64 << 10;

/// Shorthand for a result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $tag:literal, $class:literal, $parent:literal, $code:expr, $retryable:literal;)*) => {
        /// What kind of error it is: one row per class that users catch. Names, parents and codes are SQLAlchemy's
        /// (<https://docs.sqlalchemy.org/en/20/errors.html>), except for the kinds that only a browser has.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum ErrorKind { $($(#[doc = $doc])* $name = $tag,)* }

        impl ErrorKind {
            /// The classes that group others and are never raised themselves, each with its parent; the root has none.
            pub const GROUPS: &'static [(&'static str, Option<&'static str>)] = &[
                ("SQLAlchemyError", None),
                ("DBAPIError", Some("StatementError")),
                ("DatabaseError", Some("DBAPIError")),
            ];

            /// Every kind, in the order of the table.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$name),*];

            /// The JavaScript class, `"IntegrityError"` for instance.
            pub fn class(self) -> &'static str {
                match self { $(ErrorKind::$name => $class,)* }
            }

            /// The class that [`ErrorKind::class`] extends.
            pub fn parent(self) -> &'static str {
                match self { $(ErrorKind::$name => $parent,)* }
            }

            /// The stable code, SQLAlchemy's where it has one.
            pub fn code(self) -> Option<&'static str> {
                match self { $(ErrorKind::$name => $code,)* }
            }

            /// Whether trying the same again may succeed, unless an error says otherwise.
            pub fn retryable(self) -> bool {
                match self { $(ErrorKind::$name => $retryable,)* }
            }

            /// The kind with this number, if there is one.
            pub fn from_tag(tag: u8) -> Option<ErrorKind> {
                match tag { $($tag => Some(ErrorKind::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    /// A wrong argument: a malformed URL, an unknown option, a value of the wrong shape.
    Argument = 1, "ArgumentError", "SQLAlchemyError", None, false;
    /// The URL names a dialect or driver that aludel does not have.
    NoSuchModule = 2, "NoSuchModuleError", "ArgumentError", None, false;
    /// Something that is no statement was executed: a string, most often.
    ObjectNotExecutable = 3, "ObjectNotExecutableError", "ArgumentError", None, false;
    /// A statement cannot be compiled.
    Compile = 4, "CompileError", "SQLAlchemyError", Some("l7de"), false;
    /// A pool, lock or statement took longer than its timeout.
    Timeout = 5, "TimeoutError", "SQLAlchemyError", Some("3o7r"), true;
    /// The call does not fit the state of its object.
    InvalidRequest = 6, "InvalidRequestError", "SQLAlchemyError", None, false;
    /// Two calls on one object contradict each other.
    IllegalStateChange = 7, "IllegalStateChangeError", "InvalidRequestError", Some("isce"), false;
    /// A failed transaction must be rolled back first.
    PendingRollback = 8, "PendingRollbackError", "InvalidRequestError", Some("8s2b"), false;
    /// The connection, result or stream is closed.
    ResourceClosed = 9, "ResourceClosedError", "InvalidRequestError", None, false;
    /// A row has no such column.
    NoSuchColumn = 10, "NoSuchColumnError", "InvalidRequestError", None, false;
    /// A row was required and none was found.
    NoResultFound = 11, "NoResultFound", "InvalidRequestError", None, false;
    /// One row at most was required and more were found.
    MultipleResultsFound = 12, "MultipleResultsFound", "InvalidRequestError", None, false;
    /// A statement could not be run as given: a parameter is missing, for instance.
    Statement = 13, "StatementError", "SQLAlchemyError", None, false;
    /// The database interface itself failed.
    Interface = 14, "InterfaceError", "DBAPIError", Some("rvf5"), false;
    /// A value cannot be stored or read.
    Data = 15, "DataError", "DatabaseError", Some("9h9h"), false;
    /// SQLite could not do it: no such table, syntax error, locked, interrupted.
    Operational = 16, "OperationalError", "DatabaseError", Some("e3q8"), false;
    /// A constraint was violated; [`Error::constraint`] says which.
    Integrity = 17, "IntegrityError", "DatabaseError", Some("gkpj"), false;
    /// SQLite found itself in an impossible state.
    Internal = 18, "InternalError", "DatabaseError", Some("2j85"), false;
    /// The interface was misused: wrong number of parameters, several statements at once.
    Programming = 19, "ProgrammingError", "DatabaseError", Some("f405"), false;
    /// SQLite or aludel does not support it.
    NotSupported = 20, "NotSupportedError", "DatabaseError", Some("tw8g"), false;
    /// The storage failed; [`Error::reason`] says why.
    Storage = 21, "StorageError", "OperationalError", None, false;
    /// The worker ended (crashed, was terminated or disposed of) before it answered.
    WorkerGone = 22, "WorkerGone", "InterfaceError", None, true;
    /// The tab that hosted the database went away before it answered.
    HostLost = 23, "HostLost", "WorkerGone", None, true;
    /// A frame breaks the protocol.
    Protocol = 24, "ProtocolError", "InterfaceError", None, false;
    /// The call was cancelled by its caller.
    Cancelled = 25, "CancelledError", "OperationalError", None, true;
    /// A join's condition cannot be inferred: no foreign key ties the two sides together.
    NoForeignKeys = 26, "NoForeignKeysError", "ArgumentError", None, false;
    /// A join's condition cannot be inferred: several foreign keys tie the two sides together.
    AmbiguousForeignKeys = 27, "AmbiguousForeignKeysError", "ArgumentError", None, false;
    /// A table that was to be read does not exist.
    NoSuchTable = 28, "NoSuchTableError", "InvalidRequestError", None, false;
    /// A table exists and cannot be read: a view of what is no more, for instance.
    UnreflectableTable = 29, "UnreflectableTableError", "InvalidRequestError", None, false;
    /// A procedure could not be called, or threw something that is no error of aludel's.
    Procedure = 30, "ProcedureError", "SQLAlchemyError", None, false;
    /// A step of a migration failed, or does not fit what was done to the database.
    Migration = 31, "MigrationError", "InvalidRequestError", Some("mgrt"), false;
    /// The database was migrated by newer code.
    NewerDatabase = 32, "NewerDatabaseError", "InvalidRequestError", Some("nwdb"), false;
}

/// Why storage failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum StorageReason {
    /// This browser or context has no such storage.
    Unavailable = 1,
    /// The origin's quota, or the disk, is full. The database is intact.
    Quota = 2,
    /// The file is damaged.
    Corrupt = 3,
    /// The file is no SQLite database.
    NotADatabase = 4,
    /// Another tab, worker or process has the database open.
    InUse = 5,
    /// Reading or writing failed.
    Io = 6,
    /// The file is not there and was not to be created, or its name cannot be used.
    CannotOpen = 7,
    /// Another tab has it open with a version of aludel that cannot work together with this one.
    OtherVersion = 8,
}

impl StorageReason {
    /// Every reason.
    pub const ALL: [StorageReason; 8] = [
        StorageReason::Unavailable,
        StorageReason::Quota,
        StorageReason::Corrupt,
        StorageReason::NotADatabase,
        StorageReason::InUse,
        StorageReason::Io,
        StorageReason::CannotOpen,
        StorageReason::OtherVersion,
    ];

    /// The word that JavaScript sees in `error.reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            StorageReason::Unavailable => "unavailable",
            StorageReason::Quota => "quota",
            StorageReason::Corrupt => "corrupt",
            StorageReason::NotADatabase => "not-a-database",
            StorageReason::InUse => "in-use",
            StorageReason::Io => "io",
            StorageReason::CannotOpen => "cannot-open",
            StorageReason::OtherVersion => "locked-by-other-version",
        }
    }
}

/// What went wrong. It is both a wire type and the error that Rust users see.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug, PartialEq)]
struct Inner {
    kind: ErrorKind,
    message: String,
    code: Option<&'static str>,
    sqlite_code: i32,
    offset: Option<u32>,
    statement: Option<String>,
    parameters: Option<String>,
    constraint: Option<Constraint>,
    reason: Option<StorageReason>,
    retryable: bool,
    cause: Option<Error>,
}

impl Error {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            code: kind.code(),
            sqlite_code: 0,
            offset: None,
            statement: None,
            parameters: None,
            constraint: None,
            reason: None,
            retryable: kind.retryable(),
            cause: None,
        }))
    }

    /// A storage error with its reason.
    pub fn storage(reason: StorageReason, message: impl Into<String>) -> Error {
        let mut error = Error::new(ErrorKind::Storage, message);
        error.0.reason = Some(reason);
        error.0.retryable = matches!(reason, StorageReason::InUse | StorageReason::OtherVersion);
        error
    }

    /// Adds SQLite's extended result code (<https://www.sqlite.org/rescode.html>).
    pub fn with_sqlite_code(mut self, code: i32) -> Error {
        self.0.sqlite_code = code;
        self
    }

    /// Gives it a code of its own, as a missing parameter has. It does not travel: only errors of the client have one.
    pub fn with_code(mut self, code: &'static str) -> Error {
        self.0.code = Some(code);
        self
    }

    /// Adds where in the statement the error is, in UTF-8 bytes from its start (`sqlite3_error_offset`).
    pub fn with_offset(mut self, offset: Option<u32>) -> Error {
        self.0.offset = offset;
        self
    }

    /// Adds the text of the statement.
    pub fn with_statement(mut self, statement: impl Into<String>) -> Error {
        self.0.statement = Some(statement.into());
        self
    }

    /// Adds the parameters, as text to show.
    pub fn with_parameters(mut self, parameters: impl Into<String>) -> Error {
        self.0.parameters = Some(parameters.into());
        self
    }

    /// Adds the violated constraint.
    pub fn with_constraint(mut self, constraint: Constraint) -> Error {
        self.0.constraint = Some(constraint);
        self
    }

    /// Says whether trying the same again may succeed.
    pub fn with_retryable(mut self, retryable: bool) -> Error {
        self.0.retryable = retryable;
        self
    }

    /// Adds the error behind this one.
    pub fn with_cause(mut self, cause: Error) -> Error {
        self.0.cause = Some(cause);
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code: that of the kind, unless the error has one of its own.
    pub fn code(&self) -> Option<&'static str> {
        self.0.code
    }

    /// What happened, in a sentence, without statement and parameters.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// SQLite's extended result code, 0 where SQLite had no part in it.
    pub fn sqlite_code(&self) -> i32 {
        self.0.sqlite_code
    }

    /// Where in the statement the error is, in UTF-8 bytes from its start.
    pub fn offset(&self) -> Option<u32> {
        self.0.offset
    }

    /// The text of the statement.
    pub fn statement(&self) -> Option<&str> {
        self.0.statement.as_deref()
    }

    /// The parameters, as text to show.
    pub fn parameters(&self) -> Option<&str> {
        self.0.parameters.as_deref()
    }

    /// The violated constraint.
    pub fn constraint(&self) -> Option<&Constraint> {
        self.0.constraint.as_ref()
    }

    /// Why storage failed.
    pub fn reason(&self) -> Option<StorageReason> {
        self.0.reason
    }

    /// Whether trying the same again may succeed.
    pub fn retryable(&self) -> bool {
        self.0.retryable
    }

    /// The error behind this one.
    pub fn cause(&self) -> Option<&Error> {
        self.0.cause.as_ref()
    }

    /// Appends the error to a frame, with the first 8 causes of its chain.
    pub fn encode(&self, out: &mut Writer) {
        self.encode_at(out, 0);
    }

    fn encode_at(&self, out: &mut Writer, depth: u32) {
        let inner = &self.0;
        out.u8(inner.kind as u8);
        out.u8(inner.retryable.into());
        out.u8(inner.reason.map_or(0, |r| r as u8));
        out.i64(inner.sqlite_code.into());
        out.i64(inner.offset.map_or(-1, i64::from));
        out.text(&inner.message);
        out.optional_text(inner.statement.as_deref());
        out.optional_text(inner.parameters.as_deref());
        match &inner.constraint {
            None => out.u8(0),
            Some(constraint) => {
                out.u8(constraint.kind as u8);
                out.optional_text(constraint.name.as_deref());
                out.optional_text(constraint.table.as_deref());
                let columns = &constraint.columns[..constraint.columns.len().min(u16::MAX as usize)];
                out.u16(columns.len() as u16);
                columns.iter().for_each(|c| out.text(c));
            }
        }
        let cause = inner.cause.as_ref().filter(|_| depth < MAX_CAUSES);
        out.u8(cause.is_some().into());
        if let Some(cause) = cause {
            cause.encode_at(out, depth + 1);
        }
    }

    /// Takes an error from a frame. Chains of causes longer than 8 are refused.
    pub fn decode(input: &mut Reader<'_>) -> ProtocolResult<Error> {
        Error::decode_at(input, 0)
    }

    fn decode_at(input: &mut Reader<'_>, depth: u32) -> ProtocolResult<Error> {
        if depth > MAX_CAUSES {
            return Err(malformed(format!("chain of causes longer than {MAX_CAUSES}")));
        }
        let tag = input.u8()?;
        let kind = ErrorKind::from_tag(tag).ok_or_else(|| malformed(format!("error kind {tag}")))?;
        let retryable = input.flag()?;
        let reason = match input.u8()? {
            0 => None,
            tag => Some(
                StorageReason::ALL
                    .into_iter()
                    .find(|r| *r as u8 == tag)
                    .ok_or_else(|| malformed(format!("storage reason {tag}")))?,
            ),
        };
        let sqlite_code = input.i64()?;
        let sqlite_code =
            i32::try_from(sqlite_code).map_err(|_| malformed(format!("SQLite result code {sqlite_code}")))?;
        let offset = match input.i64()? {
            -1 => None,
            offset => Some(u32::try_from(offset).map_err(|_| malformed(format!("error offset {offset}")))?),
        };
        let message = input.text()?.to_owned();
        let statement = input.optional_text()?.map(str::to_owned);
        let parameters = input.optional_text()?.map(str::to_owned);
        let constraint = match input.u8()? {
            0 => None,
            tag => {
                let kind = ConstraintKind::ALL
                    .into_iter()
                    .find(|k| *k as u8 == tag)
                    .ok_or_else(|| malformed(format!("constraint kind {tag}")))?;
                let name = input.optional_text()?.map(str::to_owned);
                let table = input.optional_text()?.map(str::to_owned);
                let count = input.u16()?;
                let columns =
                    (0..count).map(|_| Ok(input.text()?.to_owned())).collect::<ProtocolResult<Vec<String>>>()?;
                Some(Constraint { kind, name, table, columns })
            }
        };
        let cause = if input.flag()? { Some(Error::decode_at(input, depth + 1)?) } else { None };
        Ok(Error(Box::new(Inner {
            kind,
            message,
            code: kind.code(),
            sqlite_code,
            offset,
            statement,
            parameters,
            constraint,
            reason,
            retryable,
            cause,
        })))
    }
}

impl fmt::Display for Error {
    /// SQLAlchemy's form: the message, then `[SQL: ...]`, `[parameters: ...]`, each on its line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.message)?;
        if let Some(statement) = &self.0.statement {
            write!(f, "\n[SQL: {statement}]")?;
        }
        if let Some(parameters) = &self.0.parameters {
            write!(f, "\n[parameters: {parameters}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_ref().map(|cause| cause as _)
    }
}
