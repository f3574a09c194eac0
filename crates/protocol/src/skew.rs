//! What is said where page and worker are of two versions.

use crate::{Error, ErrorKind, PROTOCOL_VERSION};

/// What to do about it.
pub const RELOAD: &str = "one of the two comes from an old cache or from another deployment: reload the page, and serve the files of \
                          one version together";

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where the client is.
    Page,
    /// Where SQLite is.
    Worker,
}

/// The error of everything where the other side is of another version, which cannot work together with this one.
pub fn other_version(other: Side, protocol: u16, version: &str) -> Error {
    let (theirs, ours) = match other {
        Side::Page => ("page", "worker"),
        Side::Worker => ("worker", "page"),
    };
    let message = format!(
        "the {theirs} is of aludel {version} (protocol {protocol}), the {ours} of aludel {} (protocol {PROTOCOL_VERSION}): {RELOAD}",
        env!("CARGO_PKG_VERSION")
    );
    Error::new(ErrorKind::Protocol, message)
}
