//! A prepared statement.

use super::connection::Inner;
use super::watch::{Learned, Watched};
use super::{Connection, Failure, Prepared, Tables, ffi};
use aludel_protocol::ValueRef;
use std::ffi::{CStr, c_int};
use std::ptr::NonNull;
use std::rc::Rc;

/// A prepared statement. What its parameters point into lives until they are cleared.
#[derive(Debug)]
pub struct Statement {
    raw: NonNull<ffi::sqlite3_stmt>,
    connection: Rc<Inner>,
    /// The frame whose bytes text and blob parameters point into.
    frame: Option<Rc<Vec<u8>>>,
    attaches: bool,
    transacts: bool,
    tables: Rc<Tables>,
    /// How often SQLite had prepared it anew when its tables were learned.
    learned_at: c_int,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A row is there.
    Row,
    /// The statement is done.
    Done,
}

impl Statement {
    pub(super) fn new(raw: NonNull<ffi::sqlite3_stmt>, connection: Rc<Inner>, learned: &Learned) -> Statement {
        let Learned { attaches, transacts, .. } = *learned;
        Statement { raw, connection, frame: None, attaches, transacts, tables: Rc::default(), learned_at: 0 }
    }

    /// Whether it attaches or detaches a database.
    pub fn attaches(&self) -> bool {
        self.attaches
    }

    /// Takes note of what its preparation said that it reads and writes.
    pub(super) fn knows(&mut self, tables: Tables) {
        self.tables = Rc::new(tables);
    }

    /// Which tables it reads and writes, as the schema was when SQLite last prepared it.
    pub fn tables(&mut self, connection: &Connection) -> &Rc<Tables> {
        // SAFETY: the statement is live, and the counter is not reset.
        let prepared = unsafe { ffi::sqlite3_stmt_status(self.raw(), ffi::SQLITE_STMTSTATUS_REPREPARE, 0) };
        if prepared != self.learned_at {
            self.learned_at = prepared;
            // SAFETY: the statement is live and keeps its text, which ends with a zero.
            let sql = unsafe { CStr::from_ptr(ffi::sqlite3_sql(self.raw())) };
            // What the authorizer said while SQLite prepared it anew is lost among what virtual tables prepared in the
            // same step. A text that cannot be prepared any more has changed the schema itself, and was learned before.
            if let Ok(sql) = sql.to_str()
                && let Ok(Prepared::One(again)) = connection.prepare(sql)
            {
                self.tables = Rc::clone(&again.tables);
            }
        }
        &self.tables
    }

    pub(super) fn raw(&self) -> *mut ffi::sqlite3_stmt {
        self.raw.as_ptr()
    }

    /// Runs to the next row, or to the end; `stop` is asked now and then whether to interrupt it, until it has come to its end.
    /// What begins or ends a transaction or a savepoint is not interrupted: SQLite writes there what virtual tables have in
    /// memory, and takes half of that for all in a transaction that stays open.
    pub fn step(&mut self, stop: Option<&dyn Fn() -> bool>) -> Result<Step, Failure> {
        let raw = self.raw();
        // What was compared to prepare a statement has nothing to do with this one.
        drop(self.connection.watch().take_failed());
        // SAFETY: the statement is live.
        let step = || unsafe { ffi::sqlite3_step(raw) };
        let code = if self.attaches {
            self.connection.watch().with_attachable(step)
        } else {
            let what = if self.transacts { Watched::Transacting(raw) } else { Watched::Stepping(raw) };
            // SAFETY: as above.
            unsafe { self.connection.watch().stopped_by(what, stop, step) }
        };
        super::function::panic_if_asked(&self.connection);
        if self.connection.watch().has_failed() {
            self.undo();
            return Err(Failure::of_collation(self.connection.watch().take_failed().unwrap_or_default()));
        }
        match code {
            ffi::SQLITE_ROW => Ok(Step::Row),
            ffi::SQLITE_DONE => Ok(Step::Done),
            code => Err(self.connection.failure(code)),
        }
    }

    /// Undoes what it has written, and the transaction that it has written it in.
    pub fn undo(&mut self) {
        if self.is_readonly() {
            return;
        }
        let connection = Rc::clone(&self.connection);
        // Where it is a transaction by itself and has given a row, this would commit it.
        connection.watch().refusing_commits(|| self.rewind());
        let raw = connection.raw();
        // SAFETY: the connection is live and the text NUL-terminated. What fails here, has no transaction to roll back.
        unsafe {
            if ffi::sqlite3_get_autocommit(raw) == 0 {
                ffi::sqlite3_exec(raw, c"ROLLBACK".as_ptr(), None, std::ptr::null_mut(), std::ptr::null_mut());
            }
        }
    }

    /// Makes it ready to be stepped from the start, with the parameters that it has.
    pub fn rewind(&mut self) {
        // SAFETY: the statement is live. The code repeats what the last step said.
        self.connection.watch().giving_up(|| unsafe { ffi::sqlite3_reset(self.raw()) });
    }

    /// Makes it ready for other parameters, and lets go of those that it has.
    pub fn reset(&mut self) {
        self.rewind();
        // SAFETY: the statement is live.
        unsafe { ffi::sqlite3_clear_bindings(self.raw()) };
        self.frame = None;
    }

    /// Whether it leaves the database as it is (`sqlite3_stmt_readonly`).
    pub fn is_readonly(&self) -> bool {
        // SAFETY: the statement is live.
        unsafe { ffi::sqlite3_stmt_readonly(self.raw()) != 0 }
    }

    /// Whether it is an EXPLAIN or EXPLAIN QUERY PLAN.
    pub fn is_explain(&self) -> bool {
        // SAFETY: the statement is live.
        unsafe { ffi::sqlite3_stmt_isexplain(self.raw()) != 0 }
    }

    /// The largest index of a parameter in it.
    pub fn parameter_count(&self) -> u32 {
        // SAFETY: the statement is live.
        unsafe { ffi::sqlite3_bind_parameter_count(self.raw()) }.try_into().unwrap_or(0)
    }

    /// The names of its parameters, without what marks them; `None` for a `?`.
    pub fn parameter_names(&self) -> Vec<Option<String>> {
        let count = c_int::try_from(self.parameter_count()).unwrap_or(c_int::MAX);
        (1..=count)
            .map(|index| {
                // SAFETY: the statement is live; an index without a name is answered with null.
                let name = unsafe { ffi::sqlite3_bind_parameter_name(self.raw(), index) };
                if name.is_null() {
                    return None;
                }
                // SAFETY: SQLite keeps the NUL-terminated name as long as the statement lives.
                let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
                // `?5` says where it stands, not what it is called.
                name.strip_prefix([':', '@', '$']).map(str::to_owned)
            })
            .collect()
    }

    /// How many columns its rows have; 0 when it returns none. A schema change may alter it until the first step.
    pub fn column_count(&self) -> c_int {
        // SAFETY: the statement is live.
        unsafe { ffi::sqlite3_column_count(self.raw()) }
    }

    /// The names of its columns. Right after the first step only, which prepares it anew when the schema has changed.
    pub fn column_names(&self) -> Vec<String> {
        (0..self.column_count())
            .map(|column| {
                // SAFETY: the statement is live and has this column.
                let name = unsafe { ffi::sqlite3_column_name(self.raw(), column) };
                if name.is_null() {
                    return String::new();
                }
                // SAFETY: SQLite keeps the NUL-terminated name until the statement is prepared anew.
                unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
            })
            .collect()
    }

    /// Lets go of parameters that lie in any other frame.
    pub(super) fn keep_only(&mut self, frame: &Rc<Vec<u8>>) {
        if self.frame.as_ref().is_some_and(|kept| !Rc::ptr_eq(kept, frame)) {
            self.reset();
        }
    }

    /// Binds the parameter with this index (from 1). Text and blobs that lie in `frame` are bound where they are, and
    /// `frame`, the only one so far, lives until [`Statement::reset`]; others are copied.
    pub(super) fn bind(&mut self, index: c_int, value: ValueRef<'_>, frame: &Rc<Vec<u8>>) -> Result<(), Failure> {
        let raw = self.raw();
        let mut keep = |bytes: &[u8]| {
            if !frame.as_ptr_range().contains(&bytes.as_ptr()) {
                return ffi::SQLITE_TRANSIENT();
            }
            self.frame.get_or_insert_with(|| Rc::clone(frame));
            ffi::SQLITE_STATIC()
        };
        let code = match value {
            // SAFETY: the statement is live; a wrong index is answered with an error.
            ValueRef::Null => unsafe { ffi::sqlite3_bind_null(raw, index) },
            // SAFETY: as above.
            ValueRef::Integer(integer) => unsafe { ffi::sqlite3_bind_int64(raw, index, integer) },
            // SAFETY: as above.
            ValueRef::Real(real) => unsafe { ffi::sqlite3_bind_double(raw, index, real) },
            ValueRef::Text(text) => {
                let (start, length, kept) = (text.as_ptr().cast(), text.len() as u64, keep(text.as_bytes()));
                // SAFETY: as above. The text is valid for its length, and either copied or in the frame that is kept.
                unsafe { ffi::sqlite3_bind_text64(raw, index, start, length, kept, ffi::SQLITE_UTF8 as u8) }
            }
            ValueRef::Blob(blob) => {
                let (start, length, kept) = (blob.as_ptr().cast(), blob.len() as u64, keep(blob));
                // SAFETY: as above. A slice's pointer is never null, so that an empty blob does not become NULL.
                unsafe { ffi::sqlite3_bind_blob64(raw, index, start, length, kept) }
            }
        };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(self.connection.failure(code)) }
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: the statement is live and nothing uses it afterwards. Frame and connection are dropped after it.
        self.connection.watch().giving_up(|| unsafe { ffi::sqlite3_finalize(self.raw()) });
    }
}
