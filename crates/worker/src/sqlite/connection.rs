//! A connection to a database.

use super::commit::Asked;
use super::watch::{Learned, Watch, Watched};
use super::{Failure, Statement, Tables, ffi, function, reads, regexp};
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_int};
use std::ptr;
use std::rc::Rc;

/// A connection. It is closed when it and all of its statements are dropped.
#[derive(Debug)]
pub struct Connection {
    pub(super) inner: Rc<Inner>,
}

/// The connection proper, shared with its statements.
#[derive(Debug)]
pub(super) struct Inner {
    raw: *mut ffi::sqlite3,
    watch: Watch,
    /// Who is asked before commits. Statements may commit after the [`Connection`] is dropped.
    pub(super) asked: RefCell<Option<Box<Asked>>>,
}

/// What preparing a text gave.
#[derive(Debug)]
pub enum Prepared {
    /// Nothing but white space and comments.
    Empty,
    /// One statement.
    One(Statement),
    /// A statement of so many bytes, and more text behind it.
    Several(usize),
}

/// What a checkpoint came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Frames in the log.
    pub frames: u32,
    /// How many of them are in the database as well.
    pub copied: u32,
}

/// What a connection's transaction holds of the main database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransactionState {
    /// No lock.
    None,
    /// A snapshot to read.
    Read,
    /// The write lock.
    Write,
}

impl TransactionState {
    fn of(state: c_int) -> TransactionState {
        match state {
            ffi::SQLITE_TXN_WRITE => TransactionState::Write,
            ffi::SQLITE_TXN_READ => TransactionState::Read,
            _ => TransactionState::None,
        }
    }
}

impl Connection {
    /// Opens a database through a VFS. URIs are not understood (`SQLITE_USE_URI=0`), so a name is only a name.
    pub fn open(name: &str, vfs: &CStr, create: bool) -> Result<Connection, Failure> {
        let create = if create { ffi::SQLITE_OPEN_CREATE } else { 0 };
        Connection::open_as(name, vfs, ffi::SQLITE_OPEN_READWRITE | create)
    }

    /// Opens a database that is there already, and is only to be read.
    pub fn open_to_read(name: &str, vfs: &CStr) -> Result<Connection, Failure> {
        Connection::open_as(name, vfs, ffi::SQLITE_OPEN_READONLY)
    }

    fn open_as(name: &str, vfs: &CStr, flags: c_int) -> Result<Connection, Failure> {
        // SAFETY: there is no connection to ask, which is allowed.
        let invalid = || unsafe { Failure::of(ptr::null_mut(), ffi::SQLITE_CANTOPEN) };
        let name = CString::new(name).map_err(|_| invalid())?;
        let flags = flags | ffi::SQLITE_OPEN_EXRESCODE;
        let mut raw = ptr::null_mut();
        // SAFETY: both texts are NUL-terminated and live; `raw` is a place for the result.
        let code = unsafe { ffi::sqlite3_open_v2(name.as_ptr(), &mut raw, flags, vfs.as_ptr()) };
        // Even a failed open gives a connection, which says why and has to be closed.
        let inner = Rc::new(Inner { raw, watch: Watch::default(), asked: RefCell::new(None) });
        if code != ffi::SQLITE_OK {
            return Err(inner.failure(code));
        }
        // SAFETY: the connection is live, and `watch` is on the heap of `inner`, which closes it when dropped.
        unsafe { inner.watch.install(raw) };
        inner.ask_before_commit(None);
        function::register(&inner)?;
        regexp::register(&inner)?;
        reads::register(&inner)?;
        Ok(Connection { inner })
    }

    /// Prepares a statement for as many uses as its cache gives it.
    pub fn prepare(&self, sql: &str) -> Result<Prepared, Failure> {
        self.prepare_bytes(sql.as_bytes())
    }

    /// As [`Connection::prepare`]; `stop` is asked now and then whether to give it up, which fails as interrupted. Where SQLite
    /// is as it comes, it is hardly ever asked.
    pub fn prepare_until(&self, sql: &str, stop: &dyn Fn() -> bool) -> Result<Prepared, Failure> {
        // SAFETY: there is no statement.
        unsafe { self.inner.watch.stopped_by(Watched::Preparing, Some(stop), || self.prepare(sql)) }
    }

    /// The same connection once more, for who is to prepare a statement while this is elsewhere.
    pub(crate) fn share(&self) -> Connection {
        Connection { inner: Rc::clone(&self.inner) }
    }

    /// Prepares the first statement of what follows so many bytes of a script. SQLite reads it where it lies: of a text that
    /// does not end with a zero it would copy all that follows, for each statement.
    pub fn prepare_at(&self, script: &CStr, at: usize) -> Result<Prepared, Failure> {
        self.prepare_bytes(script.to_bytes_with_nul().get(at..).unwrap_or_default())
    }

    fn prepare_bytes(&self, sql: &[u8]) -> Result<Prepared, Failure> {
        let Ok(length) = c_int::try_from(sql.len()) else {
            // SAFETY: there is no connection to ask, which is allowed.
            return Err(unsafe { Failure::of(ptr::null_mut(), ffi::SQLITE_TOOBIG) });
        };
        drop(crate::vfs::last_error());
        let (mut raw, mut tail) = (ptr::null_mut(), ptr::null());
        let start = sql.as_ptr().cast();
        let (code, learned) = self.inner.watch.learn(|| {
            let flags = ffi::SQLITE_PREPARE_PERSISTENT;
            // SAFETY: the connection is live, `start` has `length` readable bytes, `raw` and `tail` are places for
            // results.
            unsafe { ffi::sqlite3_prepare_v3(self.raw(), start, length, flags, &mut raw, &mut tail) }
        });
        match (code, learned.attaches) {
            (ffi::SQLITE_OK, _) => {}
            (ffi::SQLITE_AUTH, true) => return Err(Failure::of_attach(learned.file)),
            _ => return Err(self.inner.failure(code).or_of_storage()),
        }
        let Some(raw) = ptr::NonNull::new(raw) else { return Ok(Prepared::Empty) };
        let mut statement = Statement::new(raw, Rc::clone(&self.inner), &learned);
        statement.knows(self.without_views(learned, statement.is_readonly()));
        let used = (tail as usize).saturating_sub(start as usize);
        let rest = sql.get(used..).unwrap_or_default();
        Ok(if is_blank(rest) { Prepared::One(statement) } else { Prepared::Several(used) })
    }

    /// Has `stop` of [`super::Statement::step`] asked after every so many steps of SQLite's virtual machine, so that a test
    /// can come between any two; never, for 0.
    #[cfg(feature = "faults")]
    pub fn look_every(&self, steps: c_int) {
        // SAFETY: as in `open_as`.
        unsafe { self.inner.watch.look_every(self.raw(), steps) };
    }

    /// Lets ATTACH and VACUUM INTO open one file, which is `path` for the VFS, by this name. `None` lets them open none.
    pub fn set_attachable(&self, file: Option<(&str, &str)>) {
        self.inner.watch.set_attachable(file.map(|(name, path)| (name.to_owned(), path.to_owned())));
    }

    /// What was committed to attached databases since this was last asked: their schemas, and how many frames their logs
    /// have.
    pub fn take_attached_commits(&self) -> Vec<(String, u32)> {
        self.inner.watch.take_attached_commits()
    }

    /// Runs one statement of the worker's own, and gives the first cell of its first row as text.
    pub fn query(&self, sql: &str) -> Result<Option<String>, Failure> {
        let Prepared::One(mut statement) = self.prepare(sql)? else { return Ok(None) };
        let mut answer = None;
        while statement.step(None)? == super::Step::Row {
            if answer.is_none() {
                answer = match statement.cell(0) {
                    Ok(aludel_protocol::ValueRef::Text(text)) => Some(text.to_owned()),
                    Ok(aludel_protocol::ValueRef::Integer(number)) => Some(number.to_string()),
                    _ => None,
                };
            }
        }
        Ok(answer)
    }

    /// What a statement writes through a view, its triggers write into tables, which the authorizer names as well.
    fn without_views(&self, learned: Learned, readonly: bool) -> Tables {
        let Learned { mut tables, made, .. } = learned;
        if readonly {
            tables.writes.clear();
            tables.schema = false;
        }
        tables.writes.retain(|table| made.as_ref() == Some(table) || self.has_table(Some(c"main"), table));
        tables
    }

    /// Looks whether the database is whole, but for its indexes; what SQLite says of the first problem, if there is one.
    /// Of pages, it says so in several lines, the first of which begins with `*** in database`.
    pub fn quick_check(&self) -> Result<Option<String>, Failure> {
        drop(crate::vfs::last_error());
        let answer = self.query("PRAGMA quick_check(1)")?.unwrap_or_default();
        if answer == "ok" {
            return Ok(None);
        }
        // SQLite takes a page that cannot be read for a damaged one.
        Failure::of_storage().map_or(Ok(Some(answer)), Err)
    }

    /// Turns one of SQLite's boolean options (`SQLITE_DBCONFIG_...`) on or off.
    pub fn configure(&self, option: c_int, on: bool) -> Result<(), Failure> {
        let nowhere: *mut c_int = ptr::null_mut();
        // SAFETY: the connection is live; the options that callers name take an `int` and a place, which may be null.
        match unsafe { ffi::sqlite3_db_config(self.raw(), option, c_int::from(on), nowhere) } {
            ffi::SQLITE_OK => Ok(()),
            code => Err(self.inner.failure(code)),
        }
    }

    /// Lowers one of SQLite's limits (`SQLITE_LIMIT_...`).
    pub fn limit(&self, limit: c_int, value: c_int) {
        // SAFETY: the connection is live; limits that do not exist are ignored.
        unsafe { ffi::sqlite3_limit(self.raw(), limit, value) };
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        // SAFETY: the connection is live.
        unsafe { ffi::sqlite3_get_autocommit(self.raw()) == 0 }
    }

    /// What the transaction (or a running statement) holds of the main database.
    pub fn transaction_state(&self) -> TransactionState {
        // SAFETY: the connection is live and the name NUL-terminated.
        TransactionState::of(unsafe { ffi::sqlite3_txn_state(self.raw(), c"main".as_ptr()) })
    }

    /// What it holds of the database with this name.
    pub fn transaction_state_of(&self, schema: &str) -> TransactionState {
        let Ok(schema) = CString::new(schema) else { return TransactionState::None };
        // SAFETY: the connection is live and the name NUL-terminated.
        TransactionState::of(unsafe { ffi::sqlite3_txn_state(self.raw(), schema.as_ptr()) })
    }

    /// As [`Connection::transaction_state`], the most that it holds of any database.
    pub fn any_transaction_state(&self) -> TransactionState {
        // SAFETY: the connection is live, and no name asks for all databases.
        TransactionState::of(unsafe { ffi::sqlite3_txn_state(self.raw(), ptr::null()) })
    }

    /// Rows that the last INSERT, UPDATE or DELETE changed, those of triggers and foreign keys aside.
    pub fn changes(&self) -> i64 {
        // SAFETY: the connection is live.
        unsafe { ffi::sqlite3_changes64(self.raw()) }
    }

    /// Rows that this connection has inserted, updated or deleted since it was opened, by whatever means.
    pub fn total_changes(&self) -> i64 {
        // SAFETY: the connection is live.
        unsafe { ffi::sqlite3_total_changes64(self.raw()) }
    }

    /// Of how many frames the log consists after the last commit of this connection, if there was one since it was last
    /// asked.
    pub fn take_commit(&self) -> Option<u32> {
        self.inner.watch.take_commit()
    }

    /// Whether a transaction was rolled back, by whatever means, since it was last asked.
    pub fn take_rollback(&self) -> bool {
        self.inner.watch.take_rollback()
    }

    /// Copies the log into the database as far as readers allow, and waits for nobody. `restart` also makes sure that
    /// nobody reads from the log any more, so that the next writer begins it anew; it fails as busy if somebody does.
    pub fn checkpoint(&self, restart: bool) -> Result<Checkpoint, Failure> {
        let mode = if restart { ffi::SQLITE_CHECKPOINT_RESTART } else { ffi::SQLITE_CHECKPOINT_PASSIVE };
        let (mut frames, mut copied) = (0, 0);
        // SAFETY: the connection is live, the name NUL-terminated, and the counts are places for results.
        let code =
            unsafe { ffi::sqlite3_wal_checkpoint_v2(self.raw(), c"main".as_ptr(), mode, &mut frames, &mut copied) };
        let count = |count: c_int| u32::try_from(count).unwrap_or(0);
        match code {
            ffi::SQLITE_OK => Ok(Checkpoint { frames: count(frames), copied: count(copied) }),
            code => Err(self.inner.failure(code)),
        }
    }

    /// The rowid of the last row that this connection inserted.
    pub fn last_insert_rowid(&self) -> i64 {
        // SAFETY: the connection is live.
        unsafe { ffi::sqlite3_last_insert_rowid(self.raw()) }
    }

    pub(super) fn raw(&self) -> *mut ffi::sqlite3 {
        self.inner.raw
    }

    pub(super) fn inner(&self) -> &Rc<Inner> {
        &self.inner
    }
}

impl Inner {
    pub(super) fn raw(&self) -> *mut ffi::sqlite3 {
        self.raw
    }

    /// What the call that returned `code` says went wrong.
    pub(super) fn failure(&self, code: c_int) -> Failure {
        // SAFETY: the connection is live until `self` is dropped.
        unsafe { Failure::of(self.raw, code) }
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: every statement holds this value, so none is left. A null connection is allowed.
        unsafe { ffi::sqlite3_close(self.raw) };
    }
}

/// Whether SQL text is nothing but white space, comments and semicolons.
fn is_blank(mut rest: &[u8]) -> bool {
    loop {
        rest = match rest {
            [] => return true,
            // A zero ends it, and stands in no text before.
            [b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b';' | 0, rest @ ..] => rest,
            [b'-', b'-', rest @ ..] => rest.iter().position(|b| *b == b'\n').map_or(&[], |end| &rest[end..]),
            // SQLite takes a comment that never ends for one that ends with the text.
            [b'/', b'*', rest @ ..] => rest.windows(2).position(|w| w == b"*/").map_or(&[], |end| &rest[end + 2..]),
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_comments_are_blank() {
        for text in ["", " \t\r\n\x0c", ";;", "-- x", "-- x\n;", "/* x */", "/* x", "/**/ -- y"] {
            assert!(is_blank(text.as_bytes()), "{text:?}");
        }
        for text in ["x", "-", "/", "- - x", "-- x\ny", "/* x */ y", "; select 1", "/*/ select 1 */ x"] {
            assert!(!is_blank(text.as_bytes()), "{text:?}");
        }
    }
}
