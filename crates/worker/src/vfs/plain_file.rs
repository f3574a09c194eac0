//! A file of a host that SQLite has nothing to do with. It is there once something is written.
#![forbid(unsafe_code)]

use super::node::RawFile;
use rsqlite_vfs::{SyncOptions, SystemErrorCode, VfsError, VfsErrorCode, VfsResult};
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// A file, or the name of one.
pub(super) struct PlainFile {
    path: PathBuf,
    file: Option<File>,
}

impl PlainFile {
    /// Opens the file if it exists.
    pub(super) fn new(path: PathBuf) -> VfsResult<PlainFile> {
        match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => Ok(PlainFile { path, file: Some(file) }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(PlainFile { path, file: None }),
            Err(error) => Err(failed(VfsErrorCode::CantOpen, &error)),
        }
    }

    /// Whether the file exists.
    pub(super) fn exists(&self) -> bool {
        self.file.is_some()
    }

    fn opened(&mut self) -> VfsResult<&mut File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&self.path);
                options.map_err(|error| failed(VfsErrorCode::CantOpen, &error))?
            }
        };
        Ok(self.file.insert(file))
    }
}

impl RawFile for PlainFile {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        let Some(file) = &mut self.file else { return Ok(0) };
        let mut read = || {
            file.seek(SeekFrom::Start(offset))?;
            let mut done = 0;
            while done < buffer.len() {
                match file.read(&mut buffer[done..])? {
                    0 => break,
                    count => done += count,
                }
            }
            Ok(done)
        };
        read().map_err(|error| failed(VfsErrorCode::IoRead, &error))
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        let file = self.opened()?;
        let mut write = || {
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(bytes)
        };
        write().map_err(|error| failed(VfsErrorCode::IoWrite, &error))
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        self.opened()?.set_len(size).map_err(|error| failed(VfsErrorCode::IoTruncate, &error))
    }

    fn sync(&mut self, _options: SyncOptions) -> VfsResult<()> {
        let Some(file) = &self.file else { return Ok(()) };
        file.sync_data().map_err(|error| failed(VfsErrorCode::IoSync, &error))
    }

    fn size(&mut self) -> VfsResult<u64> {
        let Some(file) = &self.file else { return Ok(0) };
        file.metadata().map(|metadata| metadata.len()).map_err(|error| failed(VfsErrorCode::IoStat, &error))
    }
}

fn failed(code: VfsErrorCode, error: &Error) -> VfsError {
    let code = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => VfsErrorCode::Full,
        _ => code,
    };
    let failure = VfsError::new(code, error.to_string().into());
    match error.raw_os_error().and_then(SystemErrorCode::from_raw) {
        Some(system) => failure.with_system_error(system),
        None => failure,
    }
}
