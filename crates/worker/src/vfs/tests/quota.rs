//! A storage that is full: the statement fails, the database does not.

use super::support::PAGE;
use crate::sqlite::ffi;
use crate::vfs::contract::Db;
use crate::vfs::last_error;
use crate::vfs::simulated::SimulatedDisk;
use aludel_protocol::StorageReason;

const INSERT: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
                      INSERT INTO t(v) SELECT zeroblob(2000) FROM n";

/// Fills a database whose quota ends after `budget` more bytes; every budget breaks another write.
fn fill_until_full(mode: &str, budget: u64) {
    let path = format!("/{mode}-{budget}.db");
    let disk = SimulatedDisk::new();
    disk.attach(&path, true).unwrap();
    let (db, other) = (Db::open(&path), Db::open(&path));
    assert_eq!(db.value(&format!("PRAGMA journal_mode={mode}")), mode);
    db.run("PRAGMA wal_autocheckpoint=30; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
    disk.set_quota(Some(disk.used() + budget));
    let mut rows = 0;
    let code = loop {
        match db.try_run(INSERT) {
            Ok(()) => rows += 20,
            Err(code) => break code,
        }
        assert!(rows < 10_000, "the quota never ended");
    };
    assert_eq!(code, ffi::SQLITE_FULL, "{mode}, {budget} bytes left");
    let error = last_error().unwrap();
    assert_eq!(error.reason(), Some(StorageReason::Quota));
    assert_eq!(error.sqlite_code(), ffi::SQLITE_FULL);
    for reader in [&db, &other] {
        assert_eq!(reader.value("SELECT count(*) FROM t"), rows.to_string(), "{mode}, {budget} bytes left");
        reader.check_integrity();
    }
    disk.set_quota(None);
    db.run(INSERT);
    assert_eq!(other.value("SELECT count(*) FROM t"), (rows + 20).to_string());
    other.check_integrity();
    drop((db, other));
    let again = Db::open(&path);
    assert_eq!(again.value("SELECT count(*) FROM t"), (rows + 20).to_string());
    again.check_integrity();
}

#[test]
fn a_full_storage_leaves_a_wal_database_intact() {
    (0..60).for_each(|step| fill_until_full("wal", step * PAGE + step * 97));
}

#[test]
fn a_full_storage_leaves_a_rollback_database_intact() {
    (0..60).for_each(|step| fill_until_full("delete", step * PAGE + step * 97));
}

/// The log has what was committed; that there is no room to copy it into the database harms nobody, now or later.
#[test]
fn a_checkpoint_without_room_fails_and_the_commits_stand() {
    for (count, pragma) in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"].into_iter().enumerate() {
        let path = format!("/checkpoint-{count}.db");
        let disk = SimulatedDisk::new();
        disk.attach(&path, true).unwrap();
        let (db, other) = (Db::wal(&path), Db::wal(&path));
        db.run("PRAGMA wal_autocheckpoint=0; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
        (0..10).for_each(|_| db.run(INSERT));
        for room in [0, PAGE, 7 * PAGE] {
            disk.set_quota(Some(disk.used() + room));
            let code = db.try_rows(&format!("PRAGMA wal_checkpoint({pragma})")).unwrap_err();
            assert_eq!(code, ffi::SQLITE_FULL, "{pragma}");
            assert_eq!(last_error().unwrap().reason(), Some(StorageReason::Quota));
            assert_eq!(other.value("SELECT count(*) FROM t"), "200");
            other.check_integrity();
        }
        disk.set_quota(None);
        assert!(db.value(&format!("PRAGMA wal_checkpoint({pragma})")).starts_with("0|"));
        assert_eq!(other.value("SELECT count(*) FROM t"), "200");
        other.check_integrity();
    }
}
