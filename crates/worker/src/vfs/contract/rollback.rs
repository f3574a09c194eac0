//! Rollback journals: the mode that a database has before WAL, and that foreign files may come with.

use super::Place;
use crate::sqlite::ffi;
use crate::vfs::{find, last_error};

pub fn every_journal_mode_works(place: &Place) {
    let (one, two) = (place.open(), place.open());
    one.run("CREATE TABLE t(x)");
    for (count, mode) in ["delete", "truncate", "persist", "memory", "off", "wal"].into_iter().enumerate() {
        assert_eq!(one.value(&format!("PRAGMA journal_mode={mode}")), mode);
        one.run("INSERT INTO t VALUES(1)");
        if mode != "off" {
            one.run("BEGIN; INSERT INTO t VALUES(2); DELETE FROM t WHERE x=1; ROLLBACK");
        }
        assert_eq!(two.value("SELECT count(*) FROM t"), (count + 1).to_string(), "{mode}");
        two.check_integrity();
    }
}

pub fn one_connection_reserves_at_a_time(place: &Place) {
    let (one, two) = (place.open(), place.open());
    one.run("CREATE TABLE t(x); BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
    assert_eq!(two.try_run("BEGIN IMMEDIATE"), Err(ffi::SQLITE_BUSY));
    assert_eq!(two.try_run("INSERT INTO t VALUES(2)"), Err(ffi::SQLITE_BUSY));
    assert_eq!(last_error(), None, "a lock that is held is no failure of the storage");
    assert_eq!(two.value("SELECT count(*) FROM t"), "0", "the journal of a live writer is not hot");
    one.run("COMMIT");
    two.run("INSERT INTO t VALUES(2)");
    assert_eq!(one.rows("SELECT x FROM t"), ["1", "2"]);
    one.check_integrity();
}

pub fn a_reader_holds_up_a_commit(place: &Place) {
    let (reader, writer) = (place.open(), place.open());
    writer.run("CREATE TABLE t(x); INSERT INTO t VALUES(0)");
    reader.run("BEGIN");
    assert_eq!(reader.value("SELECT count(*) FROM t"), "1");
    writer.run("BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
    assert_eq!(writer.try_run("COMMIT"), Err(ffi::SQLITE_BUSY));
    assert_eq!(reader.value("SELECT count(*) FROM t"), "1");
    reader.run("COMMIT");
    writer.run("COMMIT");
    assert_eq!(reader.value("SELECT count(*) FROM t"), "2");
    reader.check_integrity();
}

pub fn a_waiting_commit_keeps_new_readers_out(place: &Place) {
    let [reader, writer, late] = [(); 3].map(|()| place.open());
    writer.run("CREATE TABLE t(x); INSERT INTO t VALUES(0)");
    reader.run("BEGIN");
    assert_eq!(reader.value("SELECT count(*) FROM t"), "1");
    writer.run("BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
    assert_eq!(late.value("SELECT count(*) FROM t"), "1", "RESERVED lets readers in");
    assert_eq!(writer.try_run("COMMIT"), Err(ffi::SQLITE_BUSY));
    assert_eq!(late.try_rows("SELECT count(*) FROM t"), Err(ffi::SQLITE_BUSY), "PENDING does not");
    reader.run("COMMIT");
    writer.run("COMMIT");
    assert_eq!(late.value("SELECT count(*) FROM t"), "2");
    late.check_integrity();
}

pub fn exclusive_locking_mode_is_alone(place: &Place) {
    let (one, two) = (place.open(), place.open());
    one.run("PRAGMA locking_mode=exclusive; CREATE TABLE t(x)");
    assert_eq!(two.try_rows("SELECT * FROM t"), Err(ffi::SQLITE_BUSY));
    drop(one);
    assert_eq!(two.value("SELECT count(*) FROM t"), "0");
    two.check_integrity();
}

/// The connection stays open when the files are taken away, as if the process had died in the middle of a transaction
/// whose pages had begun to reach the database.
pub fn a_hot_journal(place: &Place) {
    let db = place.open();
    db.run("PRAGMA journal_mode=delete; PRAGMA cache_size=2; CREATE TABLE t(v, pad)");
    db.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
         INSERT INTO t SELECT 0, zeroblob(900) FROM n",
    );
    db.run("BEGIN; UPDATE t SET v = 1");
    place.kept.borrow_mut().push(db);
}

pub fn is_rolled_back(place: &Place) {
    assert!(find(&format!("{}-journal", place.path)).unwrap().exists().unwrap());
    let db = place.open();
    assert_eq!(db.value("SELECT count(*), sum(v) FROM t"), "100|0");
    db.check_integrity();
    place.kept.borrow_mut().clear();
    assert_eq!(db.value("SELECT count(*), sum(v) FROM t"), "100|0");
    db.check_integrity();
}
