//! Files on the disk of a host.
//!
//! They go through SQLite's own VFS for the host's system, so the lock that an engine holds on its database file is one
//! that every other SQLite honours: a second process is told that the database is busy, whatever it was written in.
#![forbid(unsafe_code)]

use super::host_file::{HostFile, Kind, Names};
use super::node::RawFile;
use super::page_joiner::database;
use super::plain_file::PlainFile;
use super::read_ahead::ReadAhead;
use super::scratch::{in_the_way, publish_scratch};
use super::watched_log::log;
use super::{Attachment, MARK, MarkFile, check_path, publish, storage_error};
use aludel_protocol::{Error, Result, StorageReason};
use rsqlite_vfs::ffi::{SQLITE_SYNC_DATAONLY, SQLITE_SYNC_FULL, SQLITE_SYNC_NORMAL};
use rsqlite_vfs::{SyncMode, SyncOptions, VfsError, VfsErrorCode, VfsResult};
use std::path::Path;
use std::rc::Rc;

/// Makes the database file `fs_path` known to SQLite as `path`, for this thread and until [`super::detach`].
///
/// The file is locked against other processes and other engines; one that has it is [`StorageReason::InUse`].
pub fn attach_disk(path: &str, fs_path: &Path, create: bool) -> Result<()> {
    check_path(path)?;
    let failed = |error: VfsError| {
        let (reason, why) = match error.code() {
            VfsErrorCode::Busy => (StorageReason::InUse, "it is open in another process or engine"),
            VfsErrorCode::Full => (StorageReason::Quota, error.message()),
            _ => (StorageReason::CannotOpen, error.message()),
        };
        let message = format!("unable to open database file {}: {why}", fs_path.display());
        Error::storage(reason, message).with_sqlite_code(error.raw_code())
    };
    let Some(name) = fs_path.to_str() else {
        return Err(failed(VfsError::new(VfsErrorCode::CantOpen, "its name is not Unicode".into())));
    };
    let names = Names::new(name).map_err(failed)?;
    let mut main = DiskFile::open(&names, Kind::Main, create).map_err(failed)?;
    if let Some(file) = &mut main.file {
        file.lock().map_err(failed)?;
        // Somebody may have written between opening and locking.
        main.size = file.size().map_err(failed)?;
    }
    let beside = |kind| -> VfsResult<(Box<dyn RawFile>, bool)> {
        if names.exists(kind)? {
            return Ok((Box::new(DiskFile::open(&names, kind, false)?), true));
        }
        Ok((Box::new(DiskFile { names: Rc::clone(&names), kind, file: None, size: 0 }), false))
    };
    let (wal, has_wal) = beside(Kind::Wal).map_err(failed)?;
    let (wal, watch) = log(wal).map_err(failed)?;
    let journal = beside(Kind::Journal).map_err(failed)?;
    let mark = format!("{name}{MARK}");
    let mark = PlainFile::new(std::path::absolute(&mark).unwrap_or_else(|_| mark.into())).map_err(failed)?;
    let (fresh, always) = (main.size == 0, mark.exists());
    let marks = Some(MarkFile { file: Box::new(mark), watch, fresh, always });
    let main = (database(Box::new(main)), true);
    publish(Attachment { path, main, wal: (wal, has_wal), journal, marks, guard: None })
}

/// Makes a scratch file `fs_path`, known to SQLite as `name`. It vanishes when it is closed, however that comes about.
pub(crate) fn attach_disk_scratch(name: &str, fs_path: &Path) -> Result<()> {
    check_path(name)?;
    let nameless = || VfsError::new(VfsErrorCode::CantOpen, "its name is not Unicode".into());
    let names = fs_path.to_str().ok_or_else(nameless).and_then(Names::new).map_err(|error| storage_error(&error))?;
    // SQLite, asked for a new file, takes one that is there if it can be read, and deletes it.
    match std::fs::OpenOptions::new().write(true).create_new(true).open(fs_path) {
        Err(_) if fs_path.exists() => return Err(in_the_way(name)),
        // SQLite says why.
        Ok(_) | Err(_) => {}
    }
    let file = DiskFile::open(&names, Kind::Scratch, true).map_err(|error| storage_error(&error))?;
    publish_scratch(name, Box::new(ReadAhead::new(Box::new(file))))
}

/// Reads the first bytes of the file `fs_path`, which may be open: through SQLite, since closing a file in any other way
/// gives up all locks that this process has on it.
pub fn peek_disk(fs_path: &Path, start: &mut [u8]) -> Result<()> {
    let failed = |error: VfsError| {
        let message = format!("unable to read {}: {}", fs_path.display(), error.message());
        Error::storage(StorageReason::Io, message).with_sqlite_code(error.raw_code())
    };
    let nameless = || failed(VfsError::new(VfsErrorCode::CantOpen, "its name is not Unicode".into()));
    let names = Names::new(fs_path.to_str().ok_or_else(nameless)?).map_err(failed)?;
    HostFile::open(&names, Kind::Main, false).and_then(|mut file| file.read(start, 0)).map_err(failed)
}

/// One file. The log and the journal have none until something is written, and none again when they are deleted.
struct DiskFile {
    names: Rc<Names>,
    kind: Kind,
    file: Option<HostFile>,
    /// Nobody else can change it.
    size: u64,
}

impl DiskFile {
    fn open(names: &Rc<Names>, kind: Kind, create: bool) -> VfsResult<DiskFile> {
        let mut file = HostFile::open(names, kind, create)?;
        let size = file.size()?;
        Ok(DiskFile { names: Rc::clone(names), kind, file: Some(file), size })
    }

    fn opened(&mut self) -> VfsResult<&mut HostFile> {
        let file = match self.file.take() {
            Some(file) => file,
            None => HostFile::open(&self.names, self.kind, true)?,
        };
        Ok(self.file.insert(file))
    }
}

impl RawFile for DiskFile {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        let available = self.size.saturating_sub(offset);
        let length = usize::try_from(available).map_or(buffer.len(), |available| available.min(buffer.len()));
        if let (Some(file), true) = (&mut self.file, length > 0) {
            file.read(&mut buffer[..length], offset)?;
        }
        Ok(length)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        let written = self.opened()?.write(bytes, offset);
        match (&written, &mut self.file) {
            (Ok(()), _) => self.size = self.size.max(offset + bytes.len() as u64),
            // Part of it may be there.
            (Err(_), Some(file)) => self.size = file.size().unwrap_or(self.size),
            (Err(_), None) => {}
        }
        written
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        if size != self.size {
            self.opened()?.truncate(size)?;
            self.size = size;
        }
        Ok(())
    }

    fn sync(&mut self, options: SyncOptions) -> VfsResult<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mode = match options.mode {
            SyncMode::Normal => SQLITE_SYNC_NORMAL,
            SyncMode::Full => SQLITE_SYNC_FULL,
        };
        file.sync(mode | if options.data_only { SQLITE_SYNC_DATAONLY } else { 0 })
    }

    fn size(&mut self) -> VfsResult<u64> {
        Ok(self.size)
    }

    fn delete(&mut self, durably: bool) -> VfsResult<()> {
        if self.kind == Kind::Main {
            // Its lock hangs on the open file.
            self.truncate(0)?;
            return self.sync(SyncOptions { mode: SyncMode::Normal, data_only: false });
        }
        if self.file.take().is_some() {
            self.size = 0;
            self.names.delete(self.kind, durably)?;
        }
        Ok(())
    }
}
