//! Database files on the disk of a host.
#![forbid(unsafe_code)]

use crate::vfs;
use aludel_protocol::Result;
use std::path::Path;

/// Makes the file with this path ready to be opened by the same name.
pub(crate) fn attach(path: &str, create: bool) -> Result<()> {
    vfs::attach_disk(path, Path::new(path), create)
}

/// Makes a scratch file of this path, known by the same name.
pub(crate) fn attach_scratch(path: &str) -> Result<()> {
    vfs::attach_disk_scratch(path, Path::new(path))
}
