//! Where there is no disk: in a browser.
#![forbid(unsafe_code)]

use aludel_protocol::{Error, Result, StorageReason};

/// Refuses the file.
pub(crate) fn attach(path: &str, _create: bool) -> Result<()> {
    Err(Error::storage(StorageReason::Unavailable, format!("a browser has no disk to open {path} on")))
}

/// Refuses the file.
pub(crate) fn attach_scratch(path: &str) -> Result<()> {
    attach(path, true)
}
