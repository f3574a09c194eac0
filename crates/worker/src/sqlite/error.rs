//! What SQLite says when it fails, and which of aludel's errors that is.

use super::ffi;
use aludel_protocol::{Constraint, ConstraintKind, Error, ErrorKind, StorageReason};
use std::ffi::{CStr, c_int};

/// What SQLite said when it failed.
#[derive(Debug)]
pub struct Failure {
    code: c_int,
    message: String,
    offset: Option<u32>,
    storage: Option<Error>,
    /// The file that ATTACH was to open.
    attach: Option<String>,
}

impl Failure {
    /// Asks a connection what went wrong; `code` is what the failed call returned.
    ///
    /// # Safety
    ///
    /// `raw` is a live connection, or null.
    pub(super) unsafe fn of(raw: *mut ffi::sqlite3, code: c_int) -> Failure {
        if raw.is_null() {
            return Failure::plain(code);
        }
        // SAFETY: the connection is live; SQLite owns the message and keeps it until the next call on the connection.
        let (extended, message, offset) = unsafe {
            let message = CStr::from_ptr(ffi::sqlite3_errmsg(raw)).to_string_lossy().into_owned();
            (ffi::sqlite3_extended_errcode(raw), message, ffi::sqlite3_error_offset(raw))
        };
        // A code that the connection does not know of (misuse, most often) has no message there either.
        if extended & 0xff != code & 0xff {
            return Failure::plain(code);
        }
        let code = if extended & !0xff == 0 { code } else { extended };
        let message = absent(message, full());
        Failure { code, message, offset: u32::try_from(offset).ok(), storage: None, attach: None }.with_storage()
    }

    /// What the code alone says.
    pub(super) fn plain(code: c_int) -> Failure {
        // SAFETY: SQLite returns a constant, NUL-terminated string for any code.
        let message = unsafe { CStr::from_ptr(ffi::sqlite3_errstr(code)) };
        let message = message.to_string_lossy().into_owned();
        Failure { code, message, offset: None, storage: None, attach: None }.with_storage()
    }

    /// What a collation said.
    pub(super) fn of_collation(message: String) -> Failure {
        Failure { message, ..Failure::plain(ffi::SQLITE_ERROR) }
    }

    /// The VFS knows why it failed; SQLite has only a number for it.
    fn with_storage(mut self) -> Failure {
        if matches!(self.primary(), ffi::SQLITE_IOERR | ffi::SQLITE_FULL | ffi::SQLITE_CANTOPEN) {
            // What it kept may be about an earlier failure, which SQLite could live with. Failing to open has one code
            // of SQLite's own, whatever the VFS answered.
            let same = |error: &Error| error.sqlite_code() & 0xff == self.primary();
            self.storage = crate::vfs::last_error_like(|e| same(e) || self.primary() == ffi::SQLITE_CANTOPEN);
        }
        self
    }

    /// Some failures of the storage SQLite takes for answers: where the schema cannot be read, a table does not exist; where
    /// a size cannot be had, there is a file already. To be asked where nothing else has failed before.
    pub fn or_of_storage(self) -> Failure {
        if self.code == ffi::SQLITE_ERROR { Failure::of_storage().unwrap_or(self) } else { self }
    }

    /// How the storage failed last, if it was in reading or writing.
    pub(super) fn of_storage() -> Option<Failure> {
        let failed = |error: &Error| error.sqlite_code() & 0xff == ffi::SQLITE_IOERR;
        let error = crate::vfs::last_error_like(failed)?;
        Some(Failure { storage: Some(error.clone()), ..Failure::plain(error.sqlite_code()) })
    }

    /// A statement attaches a database that may not be attached. Only a literal tells the name of its file.
    pub(super) fn of_attach(name: Option<String>) -> Failure {
        let message = match &name {
            Some(name) => format!("unable to attach {name:?}: its file is not one that this connection can open"),
            None => "unable to attach a database whose file is not named by a literal: it is opened beforehand".into(),
        };
        Failure { message, attach: name, ..Failure::plain(ffi::SQLITE_AUTH) }
    }

    /// The file that a statement was to attach, which may not be attached.
    pub fn attach(&self) -> Option<&str> {
        self.attach.as_deref()
    }

    fn primary(&self) -> c_int {
        self.code & 0xff
    }

    /// Whether another connection holds a lock that this one needs, and waiting for it can help. It does not for what the
    /// connection's own statements are in the way of: "cannot commit transaction - SQL statements in progress".
    pub fn is_busy(&self) -> bool {
        let own = self.message.ends_with("SQL statements in progress");
        self.primary() == ffi::SQLITE_BUSY && self.code != ffi::SQLITE_BUSY_SNAPSHOT && !own
    }

    /// Whether the progress handler or `sqlite3_interrupt` stopped the statement.
    pub fn is_interrupt(&self) -> bool {
        self.primary() == ffi::SQLITE_INTERRUPT
    }

    /// SQLite's extended result code.
    pub fn code(&self) -> i32 {
        self.code
    }

    /// The error that users see; `group` is the index of the parameter set that failed, where there are several.
    pub fn into_error(self, group: Option<usize>) -> Error {
        let in_group = group.map(|index| format!(" (in parameter group {index})")).unwrap_or_default();
        let Failure { code, message, offset, storage, attach: _ } = self;
        let error = match code & 0xff {
            ffi::SQLITE_CONSTRAINT => Error::new(ErrorKind::Integrity, format!("{message}{in_group}"))
                .with_constraint(constraint(code, &message)),
            ffi::SQLITE_MISMATCH => Error::new(ErrorKind::Integrity, format!("{message}{in_group}")),
            ffi::SQLITE_TOOBIG => Error::new(ErrorKind::Data, format!("{message}{in_group}")),
            ffi::SQLITE_MISUSE | ffi::SQLITE_RANGE => {
                Error::new(ErrorKind::Programming, format!("{message}{in_group}"))
            }
            ffi::SQLITE_INTERNAL | ffi::SQLITE_NOTFOUND => Error::new(ErrorKind::Internal, message),
            ffi::SQLITE_CORRUPT => Error::storage(StorageReason::Corrupt, message),
            ffi::SQLITE_NOTADB => Error::storage(StorageReason::NotADatabase, message),
            ffi::SQLITE_FULL => stored(StorageReason::Quota, message, storage),
            ffi::SQLITE_IOERR => stored(StorageReason::Io, message, storage),
            // Whatever else it could be, it is about databases that are not this one: nothing but ATTACH and what uses it is
            // ever refused.
            ffi::SQLITE_AUTH => Error::storage(StorageReason::CannotOpen, message),
            ffi::SQLITE_CANTOPEN => stored(StorageReason::CannotOpen, message, storage),
            _ if code == ffi::SQLITE_BUSY_SNAPSHOT => {
                // Who it was, the connection knows.
                Error::new(ErrorKind::Operational, "database is locked: another connection has committed")
                    .with_retryable(true)
            }
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {
                Error::new(ErrorKind::Operational, format!("{message}{in_group}")).with_retryable(true)
            }
            _ => Error::new(ErrorKind::Operational, format!("{message}{in_group}")),
        };
        error.with_sqlite_code(code).with_offset(offset)
    }
}

/// Whether this SQLite has what the package's smaller one is without.
fn full() -> bool {
    // SAFETY: the name is a constant, NUL-terminated string.
    unsafe { ffi::sqlite3_compileoption_used(c"ENABLE_FTS5".as_ptr()) != 0 }
}

/// A message of SQLite's, which says where there is the module that this build is without.
fn absent(message: String, full: bool) -> String {
    let elsewhere = match message.split_once(": ") {
        Some(("no such module", module)) => {
            ["fts5", "fts5vocab", "rtree", "rtree_i32", "dbstat"].iter().any(|name| name.eq_ignore_ascii_case(module))
        }
        // A table in every database that has the module, by itself or behind the name of a schema.
        Some(("no such table", table)) => {
            table.rsplit_once('.').map_or(table, |(_, table)| table).eq_ignore_ascii_case("dbstat")
        }
        _ => false,
    };
    if full || !elsewhere {
        return message;
    }
    format!("{message}: aludel/lite is built without FTS5, R*Tree and dbstat; aludel has them")
}

/// A storage error, with the reason that the VFS gave rather than the one that SQLite's number suggests.
fn stored(reason: StorageReason, message: String, cause: Option<Error>) -> Error {
    match cause {
        Some(cause) => {
            let text = format!("{message}: {}", cause.message());
            Error::storage(cause.reason().unwrap_or(reason), text).with_cause(cause)
        }
        None => Error::storage(reason, message),
    }
}

/// Reads what SQLite says about a violated constraint. Its messages name tables and columns without quotes.
fn constraint(code: c_int, message: &str) -> Constraint {
    let kind = match code {
        ffi::SQLITE_CONSTRAINT_CHECK => ConstraintKind::Check,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ConstraintKind::ForeignKey,
        ffi::SQLITE_CONSTRAINT_NOTNULL => ConstraintKind::NotNull,
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => ConstraintKind::PrimaryKey,
        ffi::SQLITE_CONSTRAINT_UNIQUE => ConstraintKind::Unique,
        ffi::SQLITE_CONSTRAINT_TRIGGER => ConstraintKind::Trigger,
        ffi::SQLITE_CONSTRAINT_DATATYPE => ConstraintKind::DataType,
        _ => ConstraintKind::Other,
    };
    let mut constraint = Constraint { kind, name: None, table: None, columns: Vec::new() };
    let about = message.split_once("constraint failed: ").map(|(_, about)| about);
    match kind {
        ConstraintKind::Check => constraint.name = about.map(str::to_owned),
        ConstraintKind::Trigger => constraint.name = Some(message.to_owned()),
        ConstraintKind::NotNull | ConstraintKind::PrimaryKey | ConstraintKind::Unique => {
            match about.and_then(|about| about.strip_prefix("index '")?.strip_suffix('\'')) {
                Some(index) => constraint.name = Some(index.to_owned()),
                None => columns(about.unwrap_or_default(), &mut constraint),
            }
        }
        // "cannot store TEXT value in INTEGER column t.c"
        ConstraintKind::DataType => {
            columns(message.split_once(" column ").map_or("", |(_, about)| about), &mut constraint);
        }
        _ => {}
    }
    constraint
}

/// Takes `t.a, t.b` apart.
fn columns(about: &str, constraint: &mut Constraint) {
    let Some((table, _)) = about.split_once('.') else { return };
    let separator = format!(", {table}.");
    constraint.columns = about[table.len() + 1..].split(&separator).map(str::to_owned).collect();
    constraint.table = Some(table.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(code: c_int, message: &str) -> (ConstraintKind, Option<String>, Option<String>, Vec<String>) {
        let Constraint { kind, name, table, columns } = constraint(code, message);
        (kind, name, table, columns)
    }

    #[test]
    fn a_module_of_the_other_build_is_said_to_be_there() {
        let said = |message: &str, full| absent(message.to_owned(), full);
        let lite = ": aludel/lite is built without FTS5, R*Tree and dbstat; aludel has them";
        for message in ["no such module: FTS5", "no such table: dbstat", "no such table: main.DBSTAT"] {
            assert_eq!(said(message, false), format!("{message}{lite}"));
            assert_eq!(said(message, true), message);
        }
        for message in ["no such module: x", "no such table: fts5", "no such column: dbstat", "dbstat"] {
            assert_eq!(said(message, false), message);
        }
        assert!(full());
    }

    #[test]
    fn messages_of_constraints_are_taken_apart() {
        let text = |s: &str| Some(s.to_owned());
        let list = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            parsed(ffi::SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: t.a, t.b, c"),
            (ConstraintKind::Unique, None, text("t"), list(&["a", "b, c"]))
        );
        assert_eq!(
            parsed(ffi::SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: index 'ix'"),
            (ConstraintKind::Unique, text("ix"), None, vec![])
        );
        assert_eq!(
            parsed(ffi::SQLITE_CONSTRAINT_ROWID, "UNIQUE constraint failed: t.id"),
            (ConstraintKind::PrimaryKey, None, text("t"), list(&["id"]))
        );
        assert_eq!(
            parsed(ffi::SQLITE_CONSTRAINT_DATATYPE, "cannot store TEXT value in INTEGER column t.n"),
            (ConstraintKind::DataType, None, text("t"), list(&["n"]))
        );
        assert_eq!(
            parsed(ffi::SQLITE_CONSTRAINT_CHECK, "CHECK constraint failed: positive"),
            (ConstraintKind::Check, text("positive"), None, vec![])
        );
        assert_eq!(
            parsed(ffi::SQLITE_CONSTRAINT_FOREIGNKEY, "FOREIGN KEY constraint failed"),
            (ConstraintKind::ForeignKey, None, None, vec![])
        );
        assert_eq!(
            parsed(ffi::SQLITE_CONSTRAINT_TRIGGER, "no more than three"),
            (ConstraintKind::Trigger, text("no more than three"), None, vec![])
        );
    }
}
