//! The contract of a storage, and names.

use super::support::{Db, Fixture};
use crate::sqlite::ffi;
use crate::vfs::memory::MemoryFile;
use crate::vfs::store::Store;
use crate::vfs::{attach_disk, attach_memory, detach, find, last_error};
use aludel_protocol::StorageReason;
use rsqlite_vfs::ffi::{SQLITE_SHM_EXCLUSIVE, SQLITE_SHM_LOCK};
use rsqlite_vfs::{
    AccessMode, FileKind, LockLevel, OpenAccess, OpenOptions, OpenRequest, VfsErrorCode, VfsFile, VfsStore, test_suite,
};

on_every_storage![
    files_keep_the_contract_of_a_file,
    stores_keep_the_contract_of_a_store,
    a_file_without_bytes_is_no_file,
    closed_files_fail_and_do_not_panic,
    a_dropped_handle_gives_everything_back,
    a_detached_name_cannot_be_opened,
    garbage_is_refused,
];

fn read_write() -> OpenOptions {
    OpenOptions::new(OpenAccess::ReadWrite, FileKind::MainDb)
}

fn files_keep_the_contract_of_a_file(fixture: &Fixture) {
    for name in [fixture.path.to_owned(), format!("{}-wal", fixture.path), format!("{}-journal", fixture.path)] {
        let options = read_write().with_create();
        let mut opened = Store::open_file(&(), OpenRequest::named(&name, options)).unwrap();
        test_suite::test_vfs_file(&mut opened.file).unwrap();
        let big = 5 * 1024 * 1024 + 17;
        opened.file.truncate(0).unwrap();
        opened.file.write(&[9], big).unwrap();
        let mut bytes = [1; 4];
        assert_eq!(opened.file.read(&mut bytes, big - 3).unwrap(), 4);
        assert_eq!(bytes, [0, 0, 0, 9]);
        Store::delete_file(&(), &name, true).unwrap();
        assert_eq!(opened.file.size().unwrap(), 0);
    }
}

/// The suite opens its own names, which have to be attached: as journals of this storage, which start out absent.
fn stores_keep_the_contract_of_a_store(fixture: &Fixture) {
    let names = ["open_modes", "reopen", "delete_on_close", "isolation_a", "isolation_b", "recreate"];
    for name in names.map(|name| format!("___test_vfs_store_{name}___")) {
        match &fixture.directory {
            None => attach_memory(&name),
            Some(directory) => {
                attach_disk(&name, &directory.join(&name), true).unwrap();
                find(&name).unwrap().present.set(false);
            }
        }
    }
    test_suite::test_vfs_store_open_modes::<Store>(&()).unwrap();
    test_suite::test_vfs_store_reopen::<Store>(&()).unwrap();
    test_suite::test_vfs_store_delete_on_close::<Store>(&()).unwrap();
    test_suite::test_vfs_store_file_isolation::<Store>(&()).unwrap();
    test_suite::test_vfs_store_recreate::<Store>(&()).unwrap();
    test_suite::test_vfs_store_temporary::<Store>(&()).unwrap();
}

fn a_file_without_bytes_is_no_file(fixture: &Fixture) {
    let journal = format!("{}-journal", fixture.path);
    let exists = || Store::access(&(), &journal, AccessMode::Exists).unwrap();
    assert!(!exists());
    let options = OpenOptions::new(OpenAccess::ReadWrite, FileKind::MainJournal).with_create();
    let mut opened = Store::open_file(&(), OpenRequest::named(&journal, options)).unwrap();
    assert!(!exists());
    opened.file.write(b"x", 0).unwrap();
    assert!(exists());
    Store::delete_file(&(), &journal, false).unwrap();
    assert!(!exists());
}

fn closed_files_fail_and_do_not_panic(fixture: &Fixture) {
    let (db, other) = (fixture.wal(), fixture.wal());
    db.run("CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    assert_eq!(other.value("SELECT x FROM t"), "1");
    detach(fixture.path);
    let code = db.try_run("INSERT INTO t VALUES(2)").unwrap_err();
    assert_eq!(code & 0xff, ffi::SQLITE_IOERR, "code {code}");
    let error = last_error().unwrap();
    assert_eq!(error.reason(), Some(StorageReason::Io));
    assert_eq!(error.sqlite_code(), code);
    assert_eq!(last_error(), None, "it was taken");
}

/// SQLite unlocks and unmaps before it closes; whatever happens, nothing may stay behind.
fn a_dropped_handle_gives_everything_back(fixture: &Fixture) {
    let open = || Store::open_file(&(), OpenRequest::named(fixture.path, read_write().with_create())).unwrap().file;
    let (mut one, mut two) = (open(), open());
    one.lock(LockLevel::Shared).unwrap();
    one.lock(LockLevel::Exclusive).unwrap();
    assert!(!one.shm_map(0, 32768, true).unwrap().is_null());
    one.shm_lock(0, 8, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE).unwrap();
    assert_eq!(two.lock(LockLevel::Shared).unwrap_err().code(), VfsErrorCode::Busy);
    drop(one);
    two.lock(LockLevel::Shared).unwrap();
    two.lock(LockLevel::Exclusive).unwrap();
    assert!(two.shm_map(0, 32768, false).unwrap().is_null(), "the last user is gone, and the region with it");
    two.shm_lock(0, 8, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE).unwrap();
}

fn a_detached_name_cannot_be_opened(fixture: &Fixture) {
    detach(fixture.path);
    let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE;
    assert_eq!(Db::try_open(fixture.path, flags).err(), Some(ffi::SQLITE_CANTOPEN));
    let error = last_error().unwrap();
    assert_eq!(error.reason(), Some(StorageReason::CannotOpen));
    assert!(error.message().contains("not attached"), "{error}");
}

fn garbage_is_refused(fixture: &Fixture) {
    let mut opened = Store::open_file(&(), OpenRequest::named(fixture.path, read_write().with_create())).unwrap();
    opened.file.write(&[0x5a; 9000], 0).unwrap();
    let db = Db::open(fixture.path);
    assert_eq!(db.try_rows("PRAGMA journal_mode=wal"), Err(ffi::SQLITE_NOTADB));
    assert_eq!(db.try_rows("SELECT * FROM sqlite_schema"), Err(ffi::SQLITE_NOTADB));
}

#[test]
fn databases_that_share_nothing_do_not_meet() {
    attach_memory("/a.db");
    attach_memory("/b.db");
    let (a, b) = (Db::wal("/a.db"), Db::wal("/b.db"));
    a.run("CREATE TABLE t(x)");
    b.run("BEGIN IMMEDIATE; CREATE TABLE u(x)");
    a.run("INSERT INTO t VALUES(1)");
    b.run("COMMIT");
    assert_eq!(a.rows("SELECT name FROM sqlite_schema"), ["t"]);
    assert_eq!(b.rows("SELECT name FROM sqlite_schema"), ["u"]);
}

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
    let stock = Db::stock(&fixture.fs_path());
    assert_eq!(stock.try_rows("SELECT * FROM t"), Err(ffi::SQLITE_BUSY));
    assert_eq!(stock.try_run("INSERT INTO t VALUES(2)"), Err(ffi::SQLITE_BUSY));
    // A process that tries in vain must not take the lock away when it closes its files.
    drop(stock);
    assert!(attach_disk("/other-name.db", &fixture.fs_path(), false).is_err());
    let stock = Db::stock(&fixture.fs_path());
    assert_eq!(stock.try_rows("SELECT * FROM t"), Err(ffi::SQLITE_BUSY));
    drop(db);
    detach(fixture.path);
    assert_eq!(stock.rows("SELECT * FROM t"), ["1"]);
    let error = attach_disk(fixture.path, &fixture.fs_path(), false).unwrap_err();
    assert_eq!(error.reason(), Some(StorageReason::InUse), "{error}");
    drop(stock);
    attach_disk(fixture.path, &fixture.fs_path(), false).unwrap();
}

#[test]
fn a_missing_disk_file_is_made_only_when_asked() {
    let fixture = Fixture::disk();
    let missing = fixture.directory.as_ref().unwrap().join("missing.db");
    let error = attach_disk("/missing.db", &missing, false).unwrap_err();
    assert_eq!(error.reason(), Some(StorageReason::CannotOpen));
    assert!(!missing.exists());
    let nowhere = fixture.directory.as_ref().unwrap().join("no/such/directory.db");
    assert_eq!(attach_disk("/x.db", &nowhere, true).unwrap_err().reason(), Some(StorageReason::CannotOpen));
    let directory = fixture.directory.as_ref().unwrap();
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
    let stock = Db::stock(&fixture.fs_path());
    assert_eq!(stock.rows("SELECT x FROM t"), ["ours"]);
    stock.run("INSERT INTO t VALUES('theirs')");
    stock.check_integrity();
    drop(stock);
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
