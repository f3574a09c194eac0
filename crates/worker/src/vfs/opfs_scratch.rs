//! Scratch files in the origin private file system. They are removed after use; those of a host that died, at the next
//! opening of their database.
#![forbid(unsafe_code)]

use super::check_path;
use super::node::RawFile;
use super::opfs::{OpfsFile, PATIENCE_MS, directory_of, now, open};
use super::opfs_names::exists;
use super::read_ahead::ReadAhead;
use super::scratch::{in_the_way, publish_scratch, scratch_names};
use aludel_protocol::{Result, StorageReason};
use rsqlite_vfs::{SyncOptions, VfsResult};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::FileSystemDirectoryHandle;

/// How often a file is made anew that somebody is just removing.
const TRIES: usize = 5;

/// Makes the scratch file `name` of an open database known to SQLite, empty. No Web Lock is taken: whoever has the
/// database's has its scratch files.
pub async fn attach_opfs_scratch(name: &str) -> Result<()> {
    check_path(name)?;
    let (directory, file_name) = directory_of(name).await?;
    // A database, which keeps its log beside it.
    if exists(&directory, &format!("{file_name}-wal")).await {
        return Err(in_the_way(name));
    }
    let deadline = now() + PATIENCE_MS;
    let mut opened = open(&directory, file_name, true, deadline).await;
    for _ in 1..TRIES {
        match &opened {
            // The last import's file was found, and was gone before it was opened.
            Err(error) if error.reason() == Some(StorageReason::CannotOpen) => {
                opened = open(&directory, file_name, true, deadline).await;
            }
            _ => break,
        }
    }
    let mut file = OpfsScratch { file: Some(opened?), directory, name: file_name.to_owned() };
    file.truncate(0).map_err(|error| super::storage_error(&error))?;
    publish_scratch(name, Box::new(ReadAhead::new(Box::new(file))))
}

/// Removes what an import left behind whose host died.
pub(super) async fn remove_scratches(directory: &FileSystemDirectoryHandle, name: &str) {
    for scratch in scratch_names(name) {
        // A database may be called so, too; it keeps its log beside it.
        if exists(directory, &scratch).await && !exists(directory, &format!("{scratch}-wal")).await {
            // One that cannot be removed is in nobody's way but a later import's, which says so.
            let _ = JsFuture::from(directory.remove_entry(&scratch)).await;
        }
    }
}

/// A scratch file, which is removed when it is dropped.
struct OpfsScratch {
    /// Nothing once it is being removed.
    file: Option<OpfsFile>,
    directory: FileSystemDirectoryHandle,
    name: String,
}

impl OpfsScratch {
    fn file(&mut self) -> VfsResult<&mut OpfsFile> {
        let gone = || super::fault(rsqlite_vfs::ffi::SQLITE_IOERR, "the scratch file was removed");
        self.file.as_mut().ok_or_else(gone)
    }
}

impl Drop for OpfsScratch {
    fn drop(&mut self) {
        if let Some(mut file) = self.file.take() {
            // Its space is free at once, even if the worker ends before the name is gone.
            let _ = file.truncate(0);
        }
        let removed = self.directory.remove_entry(&self.name);
        spawn_local(async move {
            // What stays is empty, and removed at the next opening.
            let _ = JsFuture::from(removed).await;
        });
    }
}

impl RawFile for OpfsScratch {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        self.file()?.read(buffer, offset)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        self.file()?.write(bytes, offset)
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        self.file()?.truncate(size)
    }

    /// Nobody recovers a scratch file.
    fn sync(&mut self, _options: SyncOptions) -> VfsResult<()> {
        Ok(())
    }

    fn size(&mut self) -> VfsResult<u64> {
        self.file()?.size()
    }
}
