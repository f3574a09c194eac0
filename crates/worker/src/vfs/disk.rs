//! Files on the disk of a host.
#![forbid(unsafe_code)]

use super::node::RawFile;
use super::{Attachment, check_path, publish};
use aludel_protocol::{Error, Result, StorageReason};
use rsqlite_vfs::{SyncMode, SyncOptions, SystemErrorCode, VfsError, VfsErrorCode, VfsResult};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Makes the database file `fs_path` known to SQLite as `path`, for this thread and until [`super::detach`].
///
/// The file is locked against other processes and other engines; one that has it is [`StorageReason::InUse`].
pub fn attach_disk(path: &str, fs_path: &Path, create: bool) -> Result<()> {
    check_path(path)?;
    let failed = |error: &io::Error| {
        let reason = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StorageReason::Quota,
            _ => StorageReason::CannotOpen,
        };
        Error::storage(reason, format!("unable to open database file {}: {error}", fs_path.display()))
    };
    let new = !fs_path.exists();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        .open(fs_path)
        .map_err(|e| failed(&e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let message = format!("{} is open in another process or engine", fs_path.display());
            return Err(Error::storage(StorageReason::InUse, message));
        }
        Err(TryLockError::Error(error)) => return Err(failed(&error)),
    }
    let beside = |suffix: &str| {
        let mut name = fs_path.as_os_str().to_owned();
        name.push(suffix);
        DiskFile::beside(PathBuf::from(name)).map_err(|e| failed(&e))
    };
    let main = DiskFile { path: fs_path.to_owned(), file: Some(file), removable: false, new_name: new };
    let (wal, journal) = (beside("-wal")?, beside("-journal")?);
    let (has_wal, has_journal) = (wal.file.is_some(), journal.file.is_some());
    publish(Attachment {
        path,
        main: (Box::new(main), true),
        wal: (Box::new(wal), has_wal),
        journal: (Box::new(journal), has_journal),
        guard: None,
    })
}

/// One file. The log and the journal have none until something is written, and none again when they are deleted.
struct DiskFile {
    path: PathBuf,
    file: Option<File>,
    removable: bool,
    /// Whether the directory has yet to be synced for the name to survive a power cut.
    new_name: bool,
}

impl DiskFile {
    fn beside(path: PathBuf) -> io::Result<DiskFile> {
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(DiskFile { path, file, removable: true, new_name: false })
    }

    fn open(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&self.path)?;
            self.file = Some(file);
            self.new_name = true;
        }
        self.file.as_mut().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        // Some systems cannot open a directory as a file; they have no such sync either.
        if let Ok(directory) = File::open(directory.unwrap_or(Path::new("."))) {
            directory.sync_all()?;
        }
        self.new_name = false;
        Ok(())
    }
}

impl RawFile for DiskFile {
    fn read(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        let Some(file) = &mut self.file else { return Ok(0) };
        let mut read = || {
            file.seek(SeekFrom::Start(offset))?;
            let mut done = 0;
            while done < buffer.len() {
                match file.read(&mut buffer[done..]) {
                    Ok(0) => break,
                    Ok(count) => done += count,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(done)
        };
        read().map_err(|error| failed(VfsErrorCode::IoRead, &error))
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        let mut write = || {
            let file = self.open()?;
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(bytes)
        };
        write().map_err(|error| failed(VfsErrorCode::IoWrite, &error))
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        if self.file.is_none() && size == 0 {
            return Ok(());
        }
        self.open().and_then(|file| file.set_len(size)).map_err(|error| failed(VfsErrorCode::IoTruncate, &error))
    }

    fn sync(&mut self, options: SyncOptions) -> VfsResult<()> {
        let Some(file) = &self.file else { return Ok(()) };
        // A change of length is data to SQLite, and `sync_data` keeps it.
        let synced =
            if options.data_only && options.mode == SyncMode::Normal { file.sync_data() } else { file.sync_all() };
        synced
            .and_then(|()| if self.new_name { self.sync_directory() } else { Ok(()) })
            .map_err(|error| failed(VfsErrorCode::IoSync, &error))
    }

    fn size(&mut self) -> VfsResult<u64> {
        match &self.file {
            None => Ok(0),
            Some(file) => file.metadata().map(|m| m.len()).map_err(|error| failed(VfsErrorCode::IoStat, &error)),
        }
    }

    fn delete(&mut self, durably: bool) -> VfsResult<()> {
        if !self.removable {
            self.truncate(0)?;
            return self.sync(SyncOptions { mode: SyncMode::Normal, data_only: false });
        }
        if self.file.take().is_none() {
            return Ok(());
        }
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ if durably => self.sync_directory(),
            _ => Ok(()),
        }
        .map_err(|error| failed(VfsErrorCode::IoDelete, &error))
    }
}

fn failed(code: VfsErrorCode, error: &io::Error) -> VfsError {
    let code = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => VfsErrorCode::Full,
        _ => code,
    };
    let failure = VfsError::new(code, error.to_string().into());
    match error.raw_os_error().and_then(SystemErrorCode::from_raw) {
        Some(number) => failure.with_system_error(number),
        None => failure,
    }
}
