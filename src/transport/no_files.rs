//! Without SQLite in the process (the feature `embedded`), nothing is known of database files on a host.

use crate::storage::StorageEstimate;
use aludel_protocol::{Error, ErrorKind, Result, Storage};

/// Where workers keep files unless somebody says otherwise.
pub(crate) const KIND: Storage = Storage::Disk;
/// Whether paths may be absolute.
pub(crate) const ABSOLUTE: bool = true;

fn missing<T>() -> Result<T> {
    Err(Error::new(ErrorKind::NotSupported, "files of a host need aludel's feature `embedded`"))
}

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

/// Refuses.
pub(crate) async fn list(_directory: &str) -> Result<Vec<(String, u64)>> {
    missing()
}

/// Refuses.
pub(crate) async fn exists(_path: &str) -> Result<bool> {
    missing()
}

/// Refuses.
pub(crate) async fn is_scratch(_path: &str) -> Result<bool> {
    missing()
}

/// Refuses.
pub(crate) async fn remove(_path: &str) -> Result<bool> {
    missing()
}
