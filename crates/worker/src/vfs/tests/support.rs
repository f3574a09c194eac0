//! Places for files, and what runs the cases of the contract in them.

use crate::sqlite::ffi;
use crate::vfs::contract::{CASES, Db, NAMES, Place, set_absent};
use crate::vfs::simulated::{Random, SimulatedDisk};
use crate::vfs::{attach_disk, attach_memory, detach};
use std::path::{Path, PathBuf};
use std::ptr::null;
use std::sync::atomic::{AtomicU32, Ordering};

/// The page size of every test database.
pub const PAGE: u64 = 4096;

/// Runs a case of the contract. Every test runs in a thread of its own, so names do not collide.
fn run(name: &str, lasts: bool, attach: impl Fn(&str)) {
    let case = CASES.iter().find(|case| case.name == name).unwrap();
    let place = Place::new("/test.db", "/other.db", Random::new(name).number());
    for name in NAMES {
        attach(name);
        set_absent(name);
    }
    for step in case.steps.iter().take(if lasts { usize::MAX } else { 1 }) {
        [&place.path, &place.other].into_iter().for_each(|path| detach(path));
        [&place.path, &place.other].into_iter().for_each(|path| attach(path));
        step(&place);
    }
    drop(place);
    for name in NAMES.into_iter().chain(["/test.db", "/other.db"]) {
        detach(name);
    }
}

pub fn in_memory(name: &str) {
    run(name, false, attach_memory);
}

pub fn on_disk(name: &str) {
    let directory = Directory::new();
    run(name, true, |path| attach_disk(path, &directory.0.join(path.trim_start_matches('/')), true).unwrap());
}

pub fn on_a_simulated_disk(name: &str) {
    let disk = SimulatedDisk::new();
    run(name, true, |path| disk.attach(path, true).unwrap());
}

pub fn on_a_disk_that_reorders(name: &str) {
    let disk = SimulatedDisk::new();
    disk.reorder(Random::seed_for(name));
    run(name, true, |path| disk.attach(path, true).unwrap());
}

/// A directory of a test's own.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new() -> Directory {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("aludel-vfs-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        Directory(directory)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A database file on the disk, attached.
pub struct Fixture {
    pub path: &'static str,
    pub directory: Directory,
}

impl Fixture {
    pub fn disk() -> Fixture {
        let directory = Directory::new();
        attach_disk("/test.db", &directory.0.join("test.db"), true).unwrap();
        Fixture { path: "/test.db", directory }
    }

    /// Where the file is on the disk.
    pub fn fs_path(&self) -> PathBuf {
        self.directory.0.join("test.db")
    }

    pub fn wal(&self) -> Db {
        Db::wal(self.path)
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        detach(self.path);
    }
}

/// Opens a file of the disk with SQLite's own VFS.
pub fn stock(path: &Path) -> Db {
    let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE;
    Db::open_with(path.to_str().unwrap(), flags, null()).unwrap()
}
