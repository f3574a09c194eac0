//! A small SQLite connection, places for files, and storages that record or refuse.

use crate::sqlite::ffi;
use crate::vfs::memory::MemoryFile;
use crate::vfs::node::RawFile;
use crate::vfs::{Attachment, VFS_NAME, attach_disk, attach_memory, detach, publish, register};
use rsqlite_vfs::{SyncOptions, VfsError, VfsErrorCode, VfsResult};
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_int};
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The page size of every test database.
pub const PAGE: u64 = 4096;

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

    /// Opens a file of the disk with SQLite's own VFS.
    pub fn stock(path: &Path) -> Db {
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE;
        Db::open_with(path.to_str().unwrap(), flags, null()).unwrap()
    }

    fn open_with(path: &str, flags: c_int, vfs: *const std::ffi::c_char) -> Result<Db, i32> {
        let path = CString::new(path).unwrap();
        let mut db = null_mut();
        // SAFETY: the strings end with a zero and live through the call; `db` is closed by `Db`.
        let code = unsafe { ffi::sqlite3_open_v2(path.as_ptr(), &mut db, flags, vfs) };
        let db = Db(db);
        if code == ffi::SQLITE_OK { Ok(db) } else { Err(db.code()) }
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

/// An attached database. Every test runs in a thread of its own, so names do not collide in memory.
pub struct Fixture {
    pub path: &'static str,
    pub directory: Option<PathBuf>,
}

impl Fixture {
    pub fn memory() -> Fixture {
        attach_memory("/test.db");
        Fixture { path: "/test.db", directory: None }
    }

    pub fn disk() -> Fixture {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("aludel-vfs-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        attach_disk("/test.db", &directory.join("test.db"), true).unwrap();
        Fixture { path: "/test.db", directory: Some(directory) }
    }

    /// Where the file is on the disk.
    pub fn fs_path(&self) -> PathBuf {
        self.directory.as_ref().unwrap().join("test.db")
    }

    pub fn wal(&self) -> Db {
        Db::wal(self.path)
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        detach(self.path);
        if let Some(directory) = &self.directory {
            let _ = std::fs::remove_dir_all(directory);
        }
    }
}

/// Attaches these three storages.
pub fn attach(path: &str, files: [Box<dyn RawFile>; 3]) {
    let [main, wal, journal] = files.map(|mut file| {
        let present = file.size().unwrap() > 0;
        (file, present)
    });
    publish(Attachment { path, main, wal, journal, guard: None }).unwrap();
}

/// What SQLite did to a file: 0 the database, 1 the log, 2 the journal.
#[derive(Clone, Debug)]
pub enum Op {
    Write { file: usize, offset: u64, bytes: Vec<u8> },
    Truncate { file: usize, size: u64 },
    Sync { file: usize },
}

pub type Log = Rc<RefCell<Vec<Op>>>;

/// A memory file that writes down what happens to it.
pub struct Recording {
    inner: MemoryFile,
    file: usize,
    log: Log,
}

impl Recording {
    pub fn database(log: &Log) -> [Box<dyn RawFile>; 3] {
        [0, 1, 2].map(|file| -> Box<dyn RawFile> {
            Box::new(Recording { inner: MemoryFile::default(), file, log: Rc::clone(log) })
        })
    }
}

impl RawFile for Recording {
    fn read(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        self.inner.read(buffer, offset)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        self.log.borrow_mut().push(Op::Write { file: self.file, offset, bytes: bytes.to_vec() });
        self.inner.write(bytes, offset)
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        self.log.borrow_mut().push(Op::Truncate { file: self.file, size });
        self.inner.truncate(size)
    }

    fn sync(&mut self, options: SyncOptions) -> VfsResult<()> {
        self.log.borrow_mut().push(Op::Sync { file: self.file });
        self.inner.sync(options)
    }

    fn size(&mut self) -> VfsResult<u64> {
        self.inner.size()
    }
}

/// Memory files under one quota: growing past it fails, writing in place and shrinking do not, as in browsers.
pub struct Limited {
    inner: MemoryFile,
    left: Rc<Cell<u64>>,
}

impl Limited {
    pub fn database(left: &Rc<Cell<u64>>) -> [Box<dyn RawFile>; 3] {
        [0, 1, 2]
            .map(|_| -> Box<dyn RawFile> { Box::new(Limited { inner: MemoryFile::default(), left: Rc::clone(left) }) })
    }
}

impl RawFile for Limited {
    fn read(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        self.inner.read(buffer, offset)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        let growth = (offset + bytes.len() as u64).saturating_sub(self.inner.size()?);
        let Some(left) = self.left.get().checked_sub(growth) else {
            return Err(VfsError::new(VfsErrorCode::Full, "the quota of this test is used up".into()));
        };
        self.inner.write(bytes, offset)?;
        self.left.set(left);
        Ok(())
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        let before = self.inner.size()?;
        self.inner.truncate(size)?;
        self.left.set(self.left.get() + before.saturating_sub(size));
        Ok(())
    }

    fn sync(&mut self, options: SyncOptions) -> VfsResult<()> {
        self.inner.sync(options)
    }

    fn size(&mut self) -> VfsResult<u64> {
        self.inner.size()
    }
}

/// SplitMix64. The seed is printed, so that a failure can be had again: `ALUDEL_SEED=<seed> cargo test <name>`.
pub struct Random(u64);

impl Random {
    pub fn new(what: &str) -> Random {
        let seed = std::env::var("ALUDEL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            now.as_nanos() as u64
        });
        eprintln!("{what}: ALUDEL_SEED={seed}");
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
