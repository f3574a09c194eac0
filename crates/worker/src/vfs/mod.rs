//! aludel's own VFS: several real connections on one database, in WAL mode, within one process.
//!
//! WAL mode needs memory that the connections of a database share. Here they live in one process (in a browser: one
//! wasm instance), so that memory is the heap and the locks are plain values. No `SharedArrayBuffer` is involved.
//!
//! ```text
//! SQLite  --xOpen-->  Handle  --Rc-->  Node { RawFile, LockTable, Shm }        one Handle per open, one Node per file
//!                                        RawFile: MemoryFile | DiskFile | OpfsFile
//!                                        around a log: FrameJoiner, WatchedLog and ReadAhead
//!                                        around a database: PageJoiner and ReadAhead
//! ```
//!
//! Files have to be attached before SQLite opens them, since opening OPFS files is asynchronous and SQLite is not.
//! An attached database is three names: `path`, `path-wal` and `path-journal`; everything anonymous is memory. A fourth
//! file, `path-mark`, is none of SQLite's: see `crate::mark`. Attached files belong to the thread that attached them, which
//! is also the only one that may open, use and close connections on them.

#[cfg(any(test, feature = "faults"))]
pub mod broken;
#[cfg(any(test, feature = "faults"))]
pub mod contract;
mod frame_joiner;
mod handle;
mod held;
mod lock_table;
mod memory;
mod node;
mod page_joiner;
mod read_ahead;
mod scratch;
mod shm;
#[cfg(any(test, feature = "faults"))]
pub mod simulated;
mod store;
mod watched_log;

#[cfg(not(target_arch = "wasm32"))]
mod disk;
#[cfg(not(target_arch = "wasm32"))]
mod host_file;
#[cfg(target_arch = "wasm32")]
mod opfs;
#[cfg(target_arch = "wasm32")]
mod opfs_names;
#[cfg(target_arch = "wasm32")]
mod opfs_scratch;
#[cfg(target_arch = "wasm32")]
#[path = "os_browser.rs"]
mod os;
#[cfg(not(target_arch = "wasm32"))]
#[path = "os_host.rs"]
mod os;
#[cfg(not(target_arch = "wasm32"))]
mod plain_file;
#[cfg(all(test, not(target_arch = "wasm32")))]
pub(crate) mod tests;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use disk::attach_disk_scratch;
#[cfg(not(target_arch = "wasm32"))]
pub use disk::{attach_disk, peek_disk};
#[cfg(target_arch = "wasm32")]
pub use opfs::{attach_opfs, opfs_is_gone};
#[cfg(target_arch = "wasm32")]
pub use opfs_scratch::attach_opfs_scratch;
pub(crate) use scratch::{Scratch, scratch_names};

use aludel_protocol::{Error, ErrorKind, Result, SortedMap, StorageReason};
pub(crate) use node::RawFile;
pub(crate) use watched_log::{LogGuard, LogWatch};

use crate::mark::Position;
use memory::MemoryFile;
use node::Node;
use rsqlite_vfs::{OsCallback, VfsError, VfsErrorCode};
use std::any::Any;
use std::cell::RefCell;
use std::ffi::CStr;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

/// The name to give to `sqlite3_open_v2`.
pub const VFS_NAME: &CStr = c"aludel";

/// What the name of the file for a database's marks has behind that of the database.
const MARK: &str = "-mark";
/// SQLite's limit for a path, less the longest suffix that it adds.
const MAX_PATH: usize = 1024 - 12;

#[derive(Default)]
struct Files {
    nodes: SortedMap<String, Rc<Node>>,
    /// What has to be dropped after the files of a database are closed, by its path.
    guards: SortedMap<String, Box<dyn Any>>,
    /// The files of marks that nobody has taken yet.
    marks: SortedMap<String, MarkFile>,
}

/// The file of a database's marks, and what they go by.
pub(crate) struct MarkFile {
    pub(crate) file: Box<dyn RawFile>,
    pub(crate) watch: Rc<LogWatch>,
    /// Whether the database was empty when it was attached.
    pub(crate) fresh: bool,
    /// Whether the file is to be made even if nobody asks for marks.
    pub(crate) always: bool,
}

thread_local! {
    static FILES: RefCell<Files> = RefCell::default();
    /// What SQLite calls a file for now, and what it is called here.
    static ALIAS: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
    /// One for each of SQLite's primary codes, the latest at the end.
    static LAST_ERRORS: RefCell<Vec<Error>> = const { RefCell::new(Vec::new()) };
}

/// Registers the VFS with SQLite. Further calls do nothing.
pub fn register() -> Result<()> {
    static REGISTERED: Mutex<bool> = Mutex::new(false);
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*registered {
        let name = VFS_NAME.to_str().unwrap_or("aludel");
        // SAFETY: the table, the layout of files and the data (none) all come from `store`. Files never leave their
        // thread, and the lock makes this registration the only one of the name.
        let registration = unsafe { rsqlite_vfs::register_vfs::<store::Methods, store::Vfs>(name, (), false) };
        match registration {
            Ok(registration) => registration.into_raw(),
            Err(error) => return Err(Error::new(ErrorKind::Internal, format!("the VFS was refused: {error}"))),
        };
        *registered = true;
    }
    Ok(())
}

/// Makes an empty database in memory known as `path`, unless one is already.
pub fn attach_memory(path: &str) {
    if find(path).is_some() {
        return;
    }
    let file = || -> (Box<dyn RawFile>, bool) { (Box::new(MemoryFile::default()), false) };
    let attachment = Attachment { path, main: file(), wal: file(), journal: file(), marks: None, guard: None };
    // Only a name that is taken could be refused.
    let _ = publish(attachment);
}

/// Closes the files of a database and gives up its locks. Connections that are still open fail from now on.
pub fn detach(path: &str) {
    let taken = FILES.try_with(|files| {
        let mut files = files.borrow_mut();
        let nodes = names(path).map(|name| files.nodes.remove(&name));
        (nodes, files.marks.remove(path), files.guards.remove(path))
    });
    if let Ok((nodes, marks, guard)) = taken {
        nodes.iter().flatten().for_each(|node| node.close());
        drop(marks);
        drop(guard);
    }
}

/// How large the log of an attached database is, as a file.
pub fn log_bytes(path: &str) -> u64 {
    let size = |node: Rc<Node>| node.raw.borrow_mut().size().unwrap_or(0);
    find(&format!("{path}-wal")).map_or(0, size)
}

/// Runs `work`, during which SQLite may open the file `path` by another name.
pub(crate) fn with_alias<T>(name: &str, path: &str, work: impl FnOnce() -> T) -> T {
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            let _ = ALIAS.try_with(|alias| alias.take());
        }
    }
    let _ = ALIAS.try_with(|alias| alias.replace(Some((name.to_owned(), path.to_owned()))));
    let _forget = Forget;
    work()
}

/// What a file is called here that SQLite calls so.
fn full_name(name: &str) -> String {
    let aliased = ALIAS.try_with(|alias| {
        let alias = alias.borrow();
        alias.as_ref().filter(|(known, _)| known == name).map(|(_, path)| path.clone())
    });
    aliased.ok().flatten().unwrap_or_else(|| name.to_owned())
}

/// Takes the storage error behind the last `SQLITE_IOERR`, `SQLITE_FULL` or `SQLITE_CANTOPEN` on this thread; its
/// [`Error::sqlite_code`] is the code that SQLite was given.
pub fn last_error() -> Option<Error> {
    last_error_like(|_| true)
}

/// As [`last_error`], the last that `wanted` picks; all are taken. One failure often brings about another of another kind,
/// when SQLite cleans up behind the first, which is the one that it reports.
pub(crate) fn last_error_like(wanted: impl Fn(&Error) -> bool) -> Option<Error> {
    let errors = LAST_ERRORS.try_with(|last| last.take()).unwrap_or_default();
    errors.into_iter().rfind(wanted)
}

/// Takes what is kept for [`last_error`], since others fail meanwhile.
pub(crate) fn take_errors() -> Vec<Error> {
    LAST_ERRORS.try_with(|last| last.take()).unwrap_or_default()
}

/// Puts back what was taken by [`take_errors`].
pub(crate) fn put_errors(errors: Vec<Error>) {
    let _ = LAST_ERRORS.try_with(|last| last.replace(errors));
}

/// Takes the file of a database's marks, if it has one.
pub(crate) fn take_marks(path: &str) -> Option<MarkFile> {
    FILES.try_with(|files| files.borrow_mut().marks.remove(path)).ok().flatten()
}

/// Where SQLite's index says that the log of an attached database ends; nothing while it has none.
pub(crate) fn log_index(path: &str) -> Option<Position> {
    find(path).and_then(|node| node.shm.borrow().log_end())
}

/// Cuts the log of an attached database off behind so many bytes. What cannot be cut off stays.
pub(crate) fn cut_log(path: &str, bytes: u64) {
    if let Some(node) = find(&names(path)[1]) {
        let mut log = node.raw.borrow_mut();
        if log.size().is_ok_and(|size| size > bytes)
            && let Err(error) = log.truncate(bytes)
        {
            record(error);
        }
    }
}

/// The time of the clock on the wall, in milliseconds since 1970.
pub(crate) fn wall_clock() -> u64 {
    os::Os.epoch_timestamp_in_ms().ok().and_then(|now| u64::try_from(now).ok()).unwrap_or(0)
}

/// The files of one database, each with whether it exists.
struct Attachment<'a> {
    path: &'a str,
    main: (Box<dyn RawFile>, bool),
    wal: (Box<dyn RawFile>, bool),
    journal: (Box<dyn RawFile>, bool),
    marks: Option<MarkFile>,
    guard: Option<Box<dyn Any>>,
}

/// Makes the files of a database known; a path that is known already is in use.
fn publish(attachment: Attachment<'_>) -> Result<()> {
    let Attachment { path, main, wal, journal, marks, guard } = attachment;
    let names = names(path);
    if names.iter().any(|name| find(name).is_some()) {
        return Err(already_attached(path));
    }
    let published = FILES.try_with(|files| {
        let mut files = files.borrow_mut();
        for (name, (raw, present)) in names.into_iter().zip([main, wal, journal]) {
            files.nodes.insert(name, Rc::new(Node::new(raw, present)));
        }
        if let Some(marks) = marks {
            files.marks.insert(path.to_owned(), marks);
        }
        if let Some(guard) = guard {
            files.guards.insert(path.to_owned(), guard);
        }
    });
    published.map_err(|_| Error::storage(StorageReason::Unavailable, "the thread is ending"))
}

fn names(path: &str) -> [String; 3] {
    [path.to_owned(), format!("{path}-wal"), format!("{path}-journal")]
}

fn already_attached(path: &str) -> Error {
    Error::storage(StorageReason::InUse, format!("{path} is open already"))
}

fn check_path(path: &str) -> Result<()> {
    if path.is_empty() || path.len() > MAX_PATH || path.contains('\0') {
        let message = format!("a database's path has 1 to {MAX_PATH} bytes, none of them zero");
        return Err(Error::storage(StorageReason::CannotOpen, message));
    }
    if find(path).is_some() { Err(already_attached(path)) } else { Ok(()) }
}

fn find(name: &str) -> Option<Rc<Node>> {
    FILES.try_with(|files| files.borrow().nodes.get(name).cloned()).ok().flatten()
}

/// A failure with one of SQLite's codes that `VfsErrorCode` has no name for.
fn fault(code: i32, message: &'static str) -> VfsError {
    VfsError::new(VfsErrorCode::from_raw(code).unwrap_or(VfsErrorCode::Io), message.into())
}

/// Keeps a storage failure for [`last_error`]. Answers that are no failures (a lock that is held, the end of a file)
/// must not hide one.
fn record(error: VfsError) {
    if matches!(error.code(), VfsErrorCode::Busy | VfsErrorCode::IoShortRead | VfsErrorCode::IoDeleteNoEntry) {
        return;
    }
    let error = storage_error(&error);
    // A thread that is ending has nobody left to ask.
    let _ = LAST_ERRORS.try_with(|last| {
        let mut last = last.borrow_mut();
        last.retain(|earlier| earlier.sqlite_code() & 0xff != error.sqlite_code() & 0xff);
        last.push(error);
    });
}

/// A storage failure as users see it.
pub(crate) fn storage_error(error: &VfsError) -> Error {
    let reason = match error.code() {
        VfsErrorCode::Full | VfsErrorCode::NoMemory => StorageReason::Quota,
        VfsErrorCode::CantOpen => StorageReason::CannotOpen,
        _ => StorageReason::Io,
    };
    Error::storage(reason, error.message()).with_sqlite_code(error.raw_code())
}
