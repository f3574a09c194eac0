//! Names in the origin private file system that two databases would share.
#![forbid(unsafe_code)]

use super::node::RawFile;
use super::opfs::{OpfsFile, member};
use super::{MARK, storage_error};
use aludel_protocol::{Error, Result, StorageReason};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{FileSystemDirectoryHandle, FileSystemFileHandle};

/// How files are called that a database keeps beside it, behind its own name.
const BESIDE: [&str; 3] = ["-wal", "-journal", MARK];
/// How a database begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Refuses a database that would be the log, the journal or the marks of another one.
pub(super) async fn belongs_to_nobody(directory: &FileSystemDirectoryHandle, name: &str) -> Result<()> {
    for of in BESIDE.iter().filter_map(|suffix| name.strip_suffix(suffix)).filter(|of| !of.is_empty()) {
        if size(directory, of).await.is_some_and(|size| size > 0.0) {
            return Err(refused(name, &format!("the database {of} keeps its own data in a file of that name")));
        }
    }
    Ok(())
}

/// Refuses a database whose log, journal or marks would be another one.
pub(super) fn is_no_database(file: &mut OpfsFile, name: &str, suffix: &str) -> Result<()> {
    let mut head = [0; MAGIC.len()];
    let read = file.read(&mut head, 0).map_err(|error| storage_error(&error))?;
    if read == head.len() && head == *MAGIC {
        let why = format!("it would keep data of its own in {name}{suffix}, which is a database, too");
        return Err(refused(name, &why));
    }
    Ok(())
}

fn refused(name: &str, why: &str) -> Error {
    Error::storage(StorageReason::CannotOpen, format!("unable to open database file {name}: {why}"))
}

/// How large a file is that nobody need have open.
async fn size(directory: &FileSystemDirectoryHandle, name: &str) -> Option<f64> {
    let handle = JsFuture::from(directory.get_file_handle(name)).await.ok()?;
    let file = handle.unchecked_into::<FileSystemFileHandle>().get_file();
    member(&JsFuture::from(file).await.ok()?, "size")?.as_f64()
}

/// Whether there is a file of that name.
pub(super) async fn exists(directory: &FileSystemDirectoryHandle, name: &str) -> bool {
    JsFuture::from(directory.get_file_handle(name)).await.is_ok()
}
