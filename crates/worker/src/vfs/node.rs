//! One file that several connections have open: its bytes, its locks, its shared memory.
#![forbid(unsafe_code)]

// Tests can break these; nothing else is different then.
#[cfg(any(test, feature = "faults"))]
use super::broken::{LockTable, Shm};
#[cfg(not(any(test, feature = "faults")))]
use super::{lock_table::LockTable, shm::Shm};
use rsqlite_vfs::{SyncMode, SyncOptions, VfsError, VfsErrorCode, VfsResult};
use std::cell::{Cell, RefCell};

/// What a storage has to offer: positioned reads and writes on one file. All calls are synchronous.
pub(crate) trait RawFile {
    /// Reads what the storage gives of `buffer.len()` bytes, which may be fewer than there are.
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize>;

    /// Reads up to `buffer.len()` bytes; fewer only at the end of the file.
    ///
    /// SQLite takes what is missing for zeros behind the end. Where the file goes on, these would be wrong bytes in the
    /// middle of a database, so a storage that gives too little has failed.
    fn read(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        let read = self.read_some(buffer, offset)?;
        if read < buffer.len() && offset.saturating_add(read as u64) < self.size()? {
            return Err(VfsError::new(VfsErrorCode::IoRead, "the storage gave only a part of what is there".into()));
        }
        Ok(read)
    }

    /// Writes all bytes or fails. A gap before `offset` reads as zeros.
    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()>;

    /// Sets the length.
    fn truncate(&mut self, size: u64) -> VfsResult<()>;

    /// Makes what was written survive a power cut.
    fn sync(&mut self, options: SyncOptions) -> VfsResult<()>;

    /// The length.
    fn size(&mut self) -> VfsResult<u64>;

    /// Told before and after the log is copied into a database: in between, writes need not be done when they return. After
    /// it they are, or what is written, cut or synced next tries them again, and fails with them. Reads find them in any case.
    fn gather(&mut self, _gathers: bool) -> VfsResult<()> {
        Ok(())
    }

    /// Removes the file: by default it is emptied, since its name has to stay.
    ///
    /// An emptied file is synced even if SQLite does not ask for `durably`: where a name is removed, the next journal is
    /// another file, but here it overwrites this one. If the power failed meanwhile, the old header over a part of the new
    /// records would undo a part of a committed transaction.
    fn delete(&mut self, _durably: bool) -> VfsResult<()> {
        self.truncate(0)?;
        self.sync(SyncOptions { mode: SyncMode::Normal, data_only: false })
    }
}

/// A file and what its handles share. Nothing here calls SQLite, so no borrow ever meets another.
pub(super) struct Node {
    pub(super) raw: RefCell<Box<dyn RawFile>>,
    pub(super) locks: RefCell<LockTable>,
    pub(super) shm: RefCell<Shm>,
    /// Whether the name exists. An attached name may be free for a file that SQLite creates later.
    pub(super) present: Cell<bool>,
}

impl Node {
    pub(super) fn new(raw: Box<dyn RawFile>, present: bool) -> Node {
        Node {
            raw: RefCell::new(raw),
            locks: RefCell::new(LockTable::new()),
            shm: RefCell::default(),
            present: Cell::new(present),
        }
    }

    /// SQLite's own rule (`os_unix.c`): a file without bytes is no file.
    pub(super) fn exists(&self) -> VfsResult<bool> {
        Ok(self.present.get() && self.raw.borrow_mut().size()? > 0)
    }

    /// Removes the file. Handles that are still open see an empty one.
    pub(super) fn delete(&self, durably: bool) -> VfsResult<()> {
        self.raw.borrow_mut().delete(durably)?;
        self.present.set(false);
        Ok(())
    }

    /// Lets go of the storage, while SQLite may still hold handles; these fail from now on.
    pub(super) fn close(&self) {
        drop(self.raw.replace(Box::new(Closed)));
        self.present.set(false);
    }
}

/// What is left of a file after [`Node::close`].
struct Closed;

impl RawFile for Closed {
    fn read_some(&mut self, _buffer: &mut [u8], _offset: u64) -> VfsResult<usize> {
        Err(closed(VfsErrorCode::IoRead))
    }

    fn write(&mut self, _bytes: &[u8], _offset: u64) -> VfsResult<()> {
        Err(closed(VfsErrorCode::IoWrite))
    }

    fn truncate(&mut self, _size: u64) -> VfsResult<()> {
        Err(closed(VfsErrorCode::IoTruncate))
    }

    fn sync(&mut self, _options: SyncOptions) -> VfsResult<()> {
        Err(closed(VfsErrorCode::IoSync))
    }

    fn size(&mut self) -> VfsResult<u64> {
        Err(closed(VfsErrorCode::IoStat))
    }
}

fn closed(code: VfsErrorCode) -> VfsError {
    VfsError::new(code, "the files of this database were given up".into())
}
