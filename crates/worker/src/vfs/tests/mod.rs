//! Real SQLite through this VFS, on every storage that a host has.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Makes two tests of each function of a module: in memory and on disk.
macro_rules! on_every_storage {
    ($($name:ident),* $(,)?) => {
        mod in_memory {
            $(#[test] fn $name() { super::$name(&crate::vfs::tests::support::Fixture::memory()) })*
        }
        mod on_disk {
            $(#[test] fn $name() { super::$name(&crate::vfs::tests::support::Fixture::disk()) })*
        }
    };
}

mod crash;
mod files;
mod isolation;
mod locks;
mod quota;
mod rollback;
mod shm;
mod support;
mod wal;
