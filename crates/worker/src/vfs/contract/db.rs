//! A small SQLite connection for tests, which says with which code something failed.

use crate::sqlite::ffi;
use crate::vfs::{VFS_NAME, register};
use std::ffi::{CStr, CString, c_int};
use std::ptr::null_mut;

/// A connection.
pub struct Db(*mut ffi::sqlite3);

impl Db {
    /// Opens or creates an attached database, in WAL mode.
    pub fn wal(path: &str) -> Db {
        let db = Db::open(path);
        assert_eq!(db.value("PRAGMA journal_mode=wal"), "wal");
        db.run("PRAGMA synchronous=normal");
        db
    }

    /// Opens or creates an attached database as it is.
    pub fn open(path: &str) -> Db {
        Db::try_open(path, ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE).unwrap()
    }

    pub fn try_open(path: &str, flags: c_int) -> Result<Db, i32> {
        register().unwrap();
        Db::open_with(path, flags, VFS_NAME.as_ptr())
    }

    /// Opens it with another VFS; null is SQLite's own.
    pub fn open_with(path: &str, flags: c_int, vfs: *const std::ffi::c_char) -> Result<Db, i32> {
        let path = CString::new(path).unwrap();
        let mut db = null_mut();
        // SAFETY: the strings end with a zero and live through the call; `db` is closed by `Db`.
        let code = unsafe { ffi::sqlite3_open_v2(path.as_ptr(), &mut db, flags, vfs) };
        let db = Db(db);
        if code == ffi::SQLITE_OK { Ok(db) } else { Err(db.code()) }
    }

    /// The file of the main database, as SQLite has it.
    fn file(&self) -> *mut ffi::sqlite3_file {
        let mut file: *mut ffi::sqlite3_file = null_mut();
        let out = std::ptr::from_mut(&mut file).cast();
        // SAFETY: the connection is open, and this control writes a pointer to `out`.
        let code = unsafe { ffi::sqlite3_file_control(self.0, c"main".as_ptr(), ffi::SQLITE_FCNTL_FILE_POINTER, out) };
        assert_eq!(code, ffi::SQLITE_OK);
        file
    }

    fn methods(&self) -> ffi::sqlite3_io_methods {
        // SAFETY: an open file begins with a pointer to its methods, which are constant.
        unsafe { *(*self.file()).pMethods }
    }

    /// `xRead` of the main database's file.
    pub fn read(&self, buffer: &mut [u8], offset: i64) -> c_int {
        let (read, length) = (self.methods().xRead.unwrap(), buffer.len() as c_int);
        // SAFETY: the file is open, and the buffer has so many bytes.
        unsafe { read(self.file(), buffer.as_mut_ptr().cast(), length, offset) }
    }

    /// `xWrite` of the main database's file.
    pub fn write(&self, bytes: &[u8], offset: i64) -> c_int {
        let (write, length) = (self.methods().xWrite.unwrap(), bytes.len() as c_int);
        // SAFETY: the file is open, and there are so many bytes.
        unsafe { write(self.file(), bytes.as_ptr().cast(), length, offset) }
    }

    /// `xTruncate` of the main database's file.
    pub fn truncate(&self, size: i64) -> c_int {
        let truncate = self.methods().xTruncate.unwrap();
        // SAFETY: the file is open.
        unsafe { truncate(self.file(), size) }
    }

    /// The extended code of the last call.
    pub fn code(&self) -> i32 {
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_extended_errcode(self.0) }
    }

    /// Runs statements; the extended code of the first that fails.
    pub fn try_run(&self, sql: &str) -> Result<(), i32> {
        let sql = CString::new(sql).unwrap();
        // SAFETY: the connection is open, and the text ends with a zero.
        let code = unsafe { ffi::sqlite3_exec(self.0, sql.as_ptr(), None, null_mut(), null_mut()) };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(self.code()) }
    }

    #[track_caller]
    pub fn run(&self, sql: &str) {
        if let Err(code) = self.try_run(sql) {
            panic!("{sql}: code {code}");
        }
    }

    /// A statement that has not run yet.
    #[track_caller]
    pub fn prepare(&self, sql: &str) -> Statement<'_> {
        let text = CString::new(sql).unwrap();
        let mut statement = null_mut();
        // SAFETY: the connection is open, and the text ends with a zero.
        let code = unsafe { ffi::sqlite3_prepare_v2(self.0, text.as_ptr(), -1, &mut statement, null_mut()) };
        assert_eq!(code, ffi::SQLITE_OK, "{sql}: code {}", self.code());
        Statement { db: self, raw: statement }
    }

    /// All rows, cells joined by `|`; the extended code when it fails.
    pub fn try_rows(&self, sql: &str) -> Result<Vec<String>, i32> {
        let text = CString::new(sql).unwrap();
        let mut raw = null_mut();
        // SAFETY: the connection is open, and the text ends with a zero.
        let code = unsafe { ffi::sqlite3_prepare_v2(self.0, text.as_ptr(), -1, &mut raw, null_mut()) };
        if code != ffi::SQLITE_OK {
            return Err(self.code());
        }
        let statement = Statement { db: self, raw };
        let mut rows = Vec::new();
        while statement.step()? {
            rows.push(statement.row());
        }
        Ok(rows)
    }

    #[track_caller]
    pub fn rows(&self, sql: &str) -> Vec<String> {
        match self.try_rows(sql) {
            Ok(rows) => rows,
            Err(code) => panic!("{sql}: code {code}"),
        }
    }

    /// The first row.
    #[track_caller]
    pub fn value(&self, sql: &str) -> String {
        self.rows(sql).into_iter().next().unwrap_or_else(|| panic!("{sql}: no row"))
    }

    #[track_caller]
    pub fn check_integrity(&self) {
        assert_eq!(self.rows("PRAGMA integrity_check"), ["ok"]);
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        // SAFETY: statements borrow the connection, so none is left.
        let code = unsafe { ffi::sqlite3_close(self.0) };
        if !std::thread::panicking() {
            assert_eq!(code, ffi::SQLITE_OK, "closing");
        }
    }
}

/// A statement, finalized when it is dropped.
pub struct Statement<'a> {
    db: &'a Db,
    raw: *mut ffi::sqlite3_stmt,
}

impl Statement<'_> {
    /// Whether there is a row.
    pub fn step(&self) -> Result<bool, i32> {
        // SAFETY: the statement is live, or null, which SQLite answers with a misuse.
        match unsafe { ffi::sqlite3_step(self.raw) } {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => Ok(false),
            _ => Err(self.db.code()),
        }
    }

    pub fn row(&self) -> String {
        // SAFETY: the statement is live.
        let count = unsafe { ffi::sqlite3_column_count(self.raw) };
        let cell = |column| {
            // SAFETY: the statement stands on a row.
            let text = unsafe { ffi::sqlite3_column_text(self.raw, column) };
            if text.is_null() {
                return "NULL".to_owned();
            }
            // SAFETY: SQLite ends it with a zero and keeps it until the next step.
            unsafe { CStr::from_ptr(text.cast()) }.to_string_lossy().into_owned()
        };
        (0..count).map(cell).collect::<Vec<_>>().join("|")
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: the statement is finalized once, here.
        unsafe { ffi::sqlite3_finalize(self.raw) };
    }
}
