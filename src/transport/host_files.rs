//! The database files of a host, beside what its workers do with them.

use crate::databases::{MAGIC, files_beside};
use crate::storage::StorageEstimate;
use aludel_protocol::{Error, Result, Storage, StorageReason};
use aludel_worker::vfs;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Where workers keep files unless somebody says otherwise.
pub(crate) const KIND: Storage = Storage::Disk;
/// Whether paths may be absolute.
pub(crate) const ABSOLUTE: bool = true;

/// Nobody clears files on their own here.
pub(crate) async fn persisted() -> Result<bool> {
    Ok(true)
}

/// As [`persisted`].
pub(crate) async fn persist() -> Result<bool> {
    Ok(true)
}

/// Nothing is known.
pub(crate) async fn estimate() -> Result<StorageEstimate> {
    Ok(StorageEstimate::default())
}

/// The paths and sizes of the files that begin as databases do.
pub(crate) async fn list(directory: &str) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(inside) = directories.pop() {
        let place = if inside.is_empty() { Path::new(".") } else { Path::new(&inside) };
        let entries = match fs::read_dir(place) {
            Ok(entries) => entries,
            // What is not ours to read holds no database of ours.
            Err(error) if error.kind() == ErrorKind::PermissionDenied && inside != directory => continue,
            Err(error) => return Err(failed(&inside, &error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| failed(&inside, &error))?;
            // A name that is not Unicode is none that a URL could have.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = match inside.as_str() {
                "" => name,
                _ => format!("{}/{name}", inside.trim_end_matches('/')),
            };
            let kind = entry.file_type().map_err(|error| failed(&path, &error))?;
            if kind.is_dir() {
                directories.push(path);
            } else if let Some(size) = database(Path::new(&path)) {
                found.push((path, size));
            }
        }
    }
    Ok(found)
}

/// The size of a file that begins as a database does. One that cannot be read is none.
fn database(path: &Path) -> Option<u64> {
    // Opening a pipe would wait for its other end.
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut start = [0; MAGIC.len()];
    vfs::peek_disk(path, &mut start).ok()?;
    (start == *MAGIC).then_some(metadata.len())
}

/// A database file that nobody else can open, here or in another process.
struct Locked<'a>(&'a str);

impl Locked<'_> {
    fn take(path: &str) -> Result<Locked<'_>> {
        vfs::register()?;
        vfs::attach_disk(path, Path::new(path), false).map(|()| Locked(path))
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        vfs::detach(self.0);
    }
}

/// Whether there is a file with bytes.
pub(crate) async fn exists(path: &str) -> Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file() && metadata.len() > 0),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(failed(path, &error)),
    }
}

/// Whether a file that is called like one of an import is one. None is: here an import's file has no name any more.
pub(crate) async fn is_scratch(_path: &str) -> Result<bool> {
    Ok(false)
}

/// Removes the files of a database that nobody has open. Gives whether it was there.
pub(crate) async fn remove(path: &str) -> Result<bool> {
    let there = match fs::metadata(path) {
        Ok(_) => true,
        Err(error) if is_missing(&error) => false,
        Err(error) => return Err(failed(path, &error)),
    };
    let lock = if there { Some(Locked::take(path)?) } else { None };
    // The main file first: without it, the others mean nothing to SQLite.
    remove_file(path)?;
    for name in files_beside(path) {
        if database(Path::new(&name)).is_none() {
            remove_file(&name)?;
        }
    }
    drop(lock);
    Ok(there)
}

fn remove_file(path: &str) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if !is_missing(&error) => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn failed(path: &str, error: &std::io::Error) -> Error {
    let reason = if is_missing(error) { StorageReason::CannotOpen } else { StorageReason::Io };
    Error::storage(reason, format!("{path:?} cannot be reached: {error}"))
}
