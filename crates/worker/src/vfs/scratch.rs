//! Scratch files: what an import brings in before it is known to be a database.
#![forbid(unsafe_code)]

use super::memory::MemoryFile;
use super::node::{Node, RawFile};
use super::{Attachment, detach, find, publish, storage_error};
use aludel_protocol::{Error, Result, StorageReason};
use rsqlite_vfs::{VfsError, VfsErrorCode};
use std::rc::Rc;

/// The names of a database's scratch files: one for the bytes that come in, one for the same rows in pages of another size.
pub(crate) fn scratch_names(path: &str) -> [String; 2] {
    [format!("{path}-import"), format!("{path}-import-import")]
}

/// Makes a file known as a scratch file. What SQLite wants beside it, it gets in memory: nobody recovers a scratch file.
pub(super) fn publish_scratch(name: &str, file: Box<dyn RawFile>) -> Result<()> {
    let beside = || -> (Box<dyn RawFile>, bool) { (Box::new(MemoryFile::default()), false) };
    publish(Attachment { path: name, main: (file, true), wal: beside(), journal: beside(), marks: None, guard: None })
}

/// The error where a file is in the way of a scratch file.
pub(super) fn in_the_way(name: &str) -> Error {
    let message = format!("an import needs a scratch file {name}, and there is another file of that name");
    Error::storage(StorageReason::CannotOpen, message)
}

/// A scratch file, known to SQLite by its name. It ceases to exist when this is dropped.
pub(crate) struct Scratch {
    name: String,
    node: Rc<Node>,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").field("name", &self.name).finish()
    }
}

impl Scratch {
    /// Takes over a scratch file that was attached.
    pub(crate) fn of(name: &str) -> Result<Scratch> {
        match find(name) {
            Some(node) => Ok(Scratch { name: name.to_owned(), node }),
            None => Err(Error::storage(StorageReason::Io, format!("the scratch file {name} is gone"))),
        }
    }

    /// Makes one in memory.
    pub(crate) fn in_memory(name: &str) -> Result<Scratch> {
        publish_scratch(name, Box::new(MemoryFile::default()))?;
        Scratch::of(name)
    }

    /// What SQLite calls it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Writes bytes to it.
    pub(crate) fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.node.raw.borrow_mut().write(bytes, offset).map_err(|error| storage_error(&error))
    }

    /// Fills the buffer, which has to lie within the file.
    pub(crate) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        let short = || VfsError::new(VfsErrorCode::IoRead, "the scratch file ended early".into());
        let read = match self.node.raw.borrow_mut().read(buffer, offset) {
            Ok(read) if read == buffer.len() => Ok(()),
            Ok(_) => Err(short()),
            Err(error) => Err(error),
        };
        read.map_err(|error| storage_error(&error))
    }

    /// Sets its length.
    pub(crate) fn truncate(&self, size: u64) -> Result<()> {
        self.node.raw.borrow_mut().truncate(size).map_err(|error| storage_error(&error))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        detach(&self.name);
    }
}
