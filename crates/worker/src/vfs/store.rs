//! The VFS as SQLite sees it: opening by name, and a method table with shared memory.

use super::handle::Handle;
use super::memory::MemoryFile;
use super::node::Node;
use super::os::Os;
use super::{fault, find, full_name, record};
use rsqlite_vfs::ffi::{
    SQLITE_FCNTL_CKPT_DONE, SQLITE_FCNTL_CKPT_START, SQLITE_IOERR_SHMMAP, SQLITE_NOTFOUND, SQLITE_OK, sqlite3_file,
    sqlite3_io_methods,
};
use rsqlite_vfs::{
    AccessMode, FileKind, OpenAccess, OpenOptions, OpenRequest, OpenedFile, SQLiteIoMethods, SQLiteVfs, SQLiteVfsFile,
    VfsError, VfsErrorCode, VfsResult, VfsStore,
};
use std::ffi::{c_int, c_void};
use std::rc::Rc;
use std::sync::atomic::{Ordering, fence};

/// Names to nodes. It has no data of its own: files belong to the thread that attached them.
pub(super) struct Store;

impl VfsStore for Store {
    type File = Handle;
    type AppData = ();

    fn record_error(_data: &(), error: VfsError) {
        record(error);
    }

    fn open_file(_data: &(), request: OpenRequest<'_>) -> VfsResult<OpenedFile<Handle>> {
        let options = request.options;
        let access = options.access();
        let read_only = access == OpenAccess::ReadOnly;
        let node = match request.filename {
            None => Rc::new(Node::new(Box::new(MemoryFile::default()), true)),
            Some(name) => open_named(name.path(), options)?,
        };
        Ok(OpenedFile { file: Handle::new(node, read_only), access })
    }

    fn close_file(_data: &(), name: Option<&str>, file: Handle, options: OpenOptions) -> VfsResult<()> {
        if name.is_some() && options.delete_on_close() {
            file.node.delete(false)?;
        }
        Ok(())
    }

    fn access(_data: &(), name: &str, _mode: AccessMode) -> VfsResult<bool> {
        match find(name) {
            Some(node) => node.exists(),
            None => Ok(false),
        }
    }

    fn full_pathname(_data: &(), name: &str) -> VfsResult<String> {
        Ok(full_name(name))
    }

    fn delete_file(_data: &(), name: &str, sync_dir: bool) -> VfsResult<()> {
        match find(name) {
            Some(node) => node.delete(sync_dir),
            None => Err(VfsError::new(VfsErrorCode::IoDeleteNoEntry, format!("{name} does not exist").into())),
        }
    }
}

fn open_named(name: &str, options: OpenOptions) -> VfsResult<Rc<Node>> {
    let refused = |why: &str| Err(VfsError::new(VfsErrorCode::CantOpen, format!("{name} {why}").into()));
    if options.kind() == Some(FileKind::SuperJournal) {
        // Its name is made up on the spot; it would have to be as durable as the databases it binds together.
        return refused("would bind several databases into one transaction, which is not supported");
    }
    let Some(node) = find(name) else {
        return refused("is not attached: only a database made ready by its own engine can be opened");
    };
    match (node.present.get(), options.create()) {
        (true, _) if options.exclusive() => return refused("exists already"),
        (false, false) => return refused("does not exist"),
        _ => node.present.set(true),
    }
    Ok(node)
}

/// The callbacks that rsqlite-vfs provides as they are.
struct Base;

impl SQLiteIoMethods for Base {
    type Store = Store;
}

/// The same with shared memory, which is what allows WAL mode.
pub(super) struct Methods;

impl SQLiteIoMethods for Methods {
    type Store = Store;
    const VERSION: c_int = 2;
    const METHODS: sqlite3_io_methods = sqlite3_io_methods {
        iVersion: 2,
        xFileControl: Some(file_control),
        xShmMap: Some(shm_map),
        xShmLock: Some(shm_lock),
        xShmBarrier: Some(shm_barrier),
        xShmUnmap: Some(shm_unmap),
        ..Base::METHODS
    };
}

/// The VFS named by [`super::VFS_NAME`].
pub(super) struct Vfs;

impl SQLiteVfs<Methods> for Vfs {
    type Os = Os;

    fn os(_data: &()) -> &Os {
        &Os
    }
}

/// The handle behind SQLite's file.
///
/// # Safety
///
/// `file` was opened by [`Vfs`] and is not closed yet, and no other reference to its handle lives.
unsafe fn handle<'a>(file: *mut sqlite3_file) -> &'a mut Handle {
    // SAFETY: `xOpen` of this VFS wrote an `SQLiteVfsFile` there, whose handle is `Store::File`.
    unsafe { (&mut *SQLiteVfsFile::from_file(file)).handle_mut::<Handle>() }
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, op: c_int, argument: *mut c_void) -> c_int {
    if op == SQLITE_FCNTL_CKPT_START || op == SQLITE_FCNTL_CKPT_DONE {
        // SAFETY: SQLite passes a file that it opened here, and calls nothing else on it meanwhile.
        return match unsafe { handle(file) }.gather(op == SQLITE_FCNTL_CKPT_START) {
            Ok(()) => SQLITE_OK,
            Err(error) => {
                let code = error.raw_code();
                record(error);
                code
            }
        };
    }
    let Some(base) = Base::METHODS.xFileControl else { return SQLITE_NOTFOUND };
    // SAFETY: file and argument are SQLite's own, for this very operation.
    unsafe { base(file, op, argument) }
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    index: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    if out.is_null() {
        return SQLITE_IOERR_SHMMAP;
    }
    // SAFETY: SQLite passes a file that it opened here, and calls nothing else on it meanwhile.
    let mapped = unsafe { handle(file) }.shm_map(index, size, extend != 0);
    let (region, code) = match mapped {
        Ok(region) => (region, SQLITE_OK),
        Err(error) => {
            let code = error.raw_code();
            record(error);
            (std::ptr::null_mut(), code)
        }
    };
    // SAFETY: `out` is SQLite's variable for the answer, and not null.
    unsafe { out.write(region.cast()) };
    code
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: SQLite passes a file that it opened here, and calls nothing else on it meanwhile.
    match unsafe { handle(file) }.shm_lock(first, count, flags) {
        Ok(()) => SQLITE_OK,
        Err(code) => {
            // Busy is an answer, anything else a fault.
            if code != rsqlite_vfs::ffi::SQLITE_BUSY {
                record(fault(code, "a lock on the log's index that does not exist"));
            }
            code
        }
    }
}

unsafe extern "C" fn shm_barrier(_file: *mut sqlite3_file) {
    fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, _delete: c_int) -> c_int {
    // SAFETY: SQLite passes a file that it opened here, and calls nothing else on it meanwhile.
    unsafe { handle(file) }.shm_unmap();
    SQLITE_OK
}
