//! Names, and files that other programs see.

use super::support::{Directory, Fixture, stock};
use crate::sqlite::ffi;
use crate::vfs::contract::Db;
use crate::vfs::memory::MemoryFile;
use crate::vfs::simulated::{Op, SimulatedDisk};
use crate::vfs::store::Store;
use crate::vfs::{Scratch, attach_disk, attach_disk_scratch, attach_memory, detach, find, last_error};
use aludel_protocol::StorageReason;
use rsqlite_vfs::VfsStore;

#[test]
fn only_attached_files_can_be_reached_from_sql() {
    attach_memory("/a.db");
    let db = Db::wal("/a.db");
    db.run("CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    assert_eq!(db.try_run("ATTACH '/etc/passwd' AS other"), Err(ffi::SQLITE_CANTOPEN));
    assert_eq!(db.try_run("VACUUM INTO '/tmp/copy.db'"), Err(ffi::SQLITE_CANTOPEN));
    db.check_integrity();
}

#[test]
fn a_transaction_over_two_rollback_files_is_refused_rather_than_half_safe() {
    attach_memory("/a.db");
    attach_memory("/b.db");
    let db = Db::open("/a.db");
    db.run("CREATE TABLE t(x); ATTACH '/b.db' AS b; CREATE TABLE b.u(x)");
    db.run("BEGIN; INSERT INTO t VALUES(1); INSERT INTO b.u VALUES(1)");
    assert_eq!(db.try_run("COMMIT"), Err(ffi::SQLITE_CANTOPEN));
    assert!(last_error().unwrap().message().contains("not supported"));
    assert_eq!(db.value("SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM b.u)"), "0");
}

#[test]
fn a_disk_file_belongs_to_one_engine() {
    let fixture = Fixture::disk();
    let error = attach_disk("/other-name.db", &fixture.fs_path(), false).unwrap_err();
    assert_eq!(error.reason(), Some(StorageReason::InUse));
    assert!(error.retryable());
    assert_eq!(attach_disk(fixture.path, &fixture.fs_path(), false).unwrap_err().reason(), Some(StorageReason::InUse));
    detach(fixture.path);
    attach_disk("/other-name.db", &fixture.fs_path(), false).unwrap();
    detach("/other-name.db");
}

#[test]
fn other_sqlites_respect_the_lock_and_are_respected() {
    let fixture = Fixture::disk();
    let db = fixture.wal();
    db.run("CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    let theirs = stock(&fixture.fs_path());
    assert_eq!(theirs.try_rows("SELECT * FROM t"), Err(ffi::SQLITE_BUSY));
    assert_eq!(theirs.try_run("INSERT INTO t VALUES(2)"), Err(ffi::SQLITE_BUSY));
    // A process that tries in vain must not take the lock away when it closes its files.
    drop(theirs);
    assert!(attach_disk("/other-name.db", &fixture.fs_path(), false).is_err());
    let theirs = stock(&fixture.fs_path());
    assert_eq!(theirs.try_rows("SELECT * FROM t"), Err(ffi::SQLITE_BUSY));
    drop(db);
    detach(fixture.path);
    assert_eq!(theirs.rows("SELECT * FROM t"), ["1"]);
    let error = attach_disk(fixture.path, &fixture.fs_path(), false).unwrap_err();
    assert_eq!(error.reason(), Some(StorageReason::InUse), "{error}");
    drop(theirs);
    attach_disk(fixture.path, &fixture.fs_path(), false).unwrap();
}

#[test]
fn a_missing_disk_file_is_made_only_when_asked() {
    let fixture = Fixture::disk();
    let missing = fixture.directory.0.join("missing.db");
    let error = attach_disk("/missing.db", &missing, false).unwrap_err();
    assert_eq!(error.reason(), Some(StorageReason::CannotOpen));
    assert!(!missing.exists());
    let nowhere = fixture.directory.0.join("no/such/directory.db");
    assert_eq!(attach_disk("/x.db", &nowhere, true).unwrap_err().reason(), Some(StorageReason::CannotOpen));
    let directory = &fixture.directory.0;
    assert_eq!(attach_disk("/x.db", directory, true).unwrap_err().reason(), Some(StorageReason::CannotOpen));
    for path in ["", "a\0b", &"x".repeat(2000)] {
        assert_eq!(attach_disk(path, &missing, true).unwrap_err().reason(), Some(StorageReason::CannotOpen));
    }
    assert!(!missing.exists());
}

#[test]
fn disk_files_are_those_of_any_other_sqlite() {
    let fixture = Fixture::disk();
    let db = fixture.wal();
    db.run("CREATE TABLE t(x); INSERT INTO t VALUES('ours')");
    drop(db);
    detach(fixture.path);
    assert!(!fixture.fs_path().with_file_name("test.db-wal").exists(), "the last close merges the log");
    let theirs = stock(&fixture.fs_path());
    assert_eq!(theirs.rows("SELECT x FROM t"), ["ours"]);
    theirs.run("INSERT INTO t VALUES('theirs')");
    theirs.check_integrity();
    drop(theirs);
    attach_disk(fixture.path, &fixture.fs_path(), false).unwrap();
    let db = fixture.wal();
    assert_eq!(db.rows("SELECT x FROM t"), ["ours", "theirs"]);
    db.check_integrity();
}

#[test]
fn memory_reads_zeros_where_nothing_was_written() {
    use crate::vfs::node::RawFile;
    let mut file = MemoryFile::default();
    file.write(b"abc", 0).unwrap();
    file.write(b"z", 3 * 1024 * 1024).unwrap();
    file.truncate(2).unwrap();
    file.truncate(10).unwrap();
    let mut bytes = [7; 12];
    assert_eq!(file.read(&mut bytes, 0).unwrap(), 10);
    assert_eq!(&bytes[..10], b"ab\0\0\0\0\0\0\0\0");
    assert!(file.write(b"x", u64::MAX).is_err());
    assert_eq!(file.size().unwrap(), 10);
}

#[test]
fn a_scratch_file_of_the_disk_leaves_nothing_behind_and_takes_nothing_away() {
    let directory = Directory::new();
    let (name, path) = ("/s.db-import", directory.0.join("s.db-import"));
    attach_disk_scratch(name, &path).unwrap();
    let scratch = Scratch::of(name).unwrap();
    scratch.write(b"0123456789", 3).unwrap();
    let mut bytes = [1; 6];
    scratch.read(&mut bytes, 1).unwrap();
    assert_eq!(&bytes, b"\x00\x000123");
    assert_eq!(scratch.read(&mut [0; 100], 0).unwrap_err().reason(), Some(StorageReason::Io));
    // Where the system allows it, its name is gone already, so that a process that dies leaves none.
    assert!(!cfg!(unix) || !path.exists());
    drop(scratch);
    assert!(!path.exists() && std::fs::read_dir(&directory.0).unwrap().next().is_none());
    assert!(Scratch::of(name).is_err());

    for bytes in [&b"somebody's"[..], b""] {
        std::fs::write(&path, bytes).unwrap();
        let error = attach_disk_scratch(name, &path).unwrap_err();
        assert_eq!(error.reason(), Some(StorageReason::CannotOpen), "{error}");
        assert!(error.message().contains("another file of that name"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    let nowhere = directory.0.join("no/such/directory");
    assert_eq!(attach_disk_scratch(name, &nowhere).unwrap_err().reason(), Some(StorageReason::CannotOpen));
}

#[test]
fn deleting_empties_a_file_that_keeps_its_name_and_syncs_it() {
    let disk = SimulatedDisk::new();
    disk.attach("/deleted.db", true).unwrap();
    for name in ["/deleted.db", "/deleted.db-wal", "/deleted.db-journal"] {
        find(name).unwrap().raw.borrow_mut().write(&[1; 100], 0).unwrap();
        disk.remember();
        Store::delete_file(&(), name, false).unwrap();
        let ops = disk.log();
        assert!(matches!(&ops[..], [Op::Truncate { size: 0, .. }, Op::Sync { .. }]), "{name}: {ops:?}");
        assert!(disk.names().contains(&name.to_owned()));
    }
    detach("/deleted.db");
}
