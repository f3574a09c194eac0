//! Real SQLite through this VFS: what only one storage has to do, and what happens when storage fails. What every
//! storage has to do is in [`super::contract`].
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod broken;
mod crash;
mod faults;
mod files;
mod frames;
mod locks;
mod quota;
mod read_ahead;
mod short;
pub mod support;
mod watched_log;
