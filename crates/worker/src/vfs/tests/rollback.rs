//! Rollback journals: the mode that a database has before WAL, and that foreign files may come with.

use super::support::{Db, Fixture};
use crate::sqlite::ffi;
use crate::vfs::last_error;

on_every_storage![
    every_journal_mode_works,
    one_connection_reserves_at_a_time,
    a_reader_holds_up_a_commit,
    a_waiting_commit_keeps_new_readers_out,
    exclusive_locking_mode_is_alone,
];

fn every_journal_mode_works(fixture: &Fixture) {
    let (one, two) = (Db::open(fixture.path), Db::open(fixture.path));
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

fn one_connection_reserves_at_a_time(fixture: &Fixture) {
    let (one, two) = (Db::open(fixture.path), Db::open(fixture.path));
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

fn a_reader_holds_up_a_commit(fixture: &Fixture) {
    let (reader, writer) = (Db::open(fixture.path), Db::open(fixture.path));
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

fn a_waiting_commit_keeps_new_readers_out(fixture: &Fixture) {
    let [reader, writer, late] = [(); 3].map(|()| Db::open(fixture.path));
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

fn exclusive_locking_mode_is_alone(fixture: &Fixture) {
    let (one, two) = (Db::open(fixture.path), Db::open(fixture.path));
    one.run("PRAGMA locking_mode=exclusive; CREATE TABLE t(x)");
    assert_eq!(two.try_rows("SELECT * FROM t"), Err(ffi::SQLITE_BUSY));
    drop(one);
    assert_eq!(two.value("SELECT count(*) FROM t"), "0");
    two.check_integrity();
}
