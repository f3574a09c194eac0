//! Several connections on one database in WAL mode.

use super::{Db, Place};
use crate::sqlite::ffi;
use crate::vfs::find;

fn fill(db: &Db, count: u32) {
    db.run(&format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO t SELECT i, printf('row %d', i) FROM n"
    ));
}

pub fn a_cursor_survives_the_commits_of_other_connections(place: &Place) {
    let connections = [place.wal(), place.wal(), place.wal(), place.wal()];
    let [reader, writer, other, fourth] = &connections;
    fill(writer, 10_000);
    let cursor = reader.prepare("SELECT id, v FROM t ORDER BY id");
    assert_eq!(cursor.step(), Ok(true));
    assert_eq!(cursor.row(), "1|row 1");
    for commit in 0..51 {
        let db = if commit % 2 == 0 { writer } else { other };
        db.run(&format!("INSERT INTO t(v) VALUES('new {commit}'); UPDATE t SET v='changed' WHERE id % 100 = {commit}"));
    }
    assert_eq!(fourth.value("SELECT count(*) FROM t"), "10051");
    for id in 2..=10_000 {
        assert_eq!(cursor.step(), Ok(true), "row {id}");
        assert_eq!(cursor.row(), format!("{id}|row {id}"));
    }
    assert_eq!(cursor.step(), Ok(false));
    drop(cursor);
    assert_eq!(reader.value("SELECT count(*) FROM t"), "10051");
    connections.iter().for_each(Db::check_integrity);
}

pub fn every_reader_keeps_its_snapshot(place: &Place) {
    let writer = place.wal();
    writer.run("CREATE TABLE t(x)");
    let readers: Vec<Db> = (0..12)
        .map(|count| {
            let reader = place.wal();
            reader.run("BEGIN");
            assert_eq!(reader.value("SELECT count(*) FROM t"), count.to_string());
            writer.run("INSERT INTO t VALUES(1)");
            reader
        })
        .collect();
    for (count, reader) in readers.iter().enumerate() {
        assert_eq!(reader.value("SELECT count(*) FROM t"), count.to_string());
        reader.run("COMMIT");
        assert_eq!(reader.value("SELECT count(*) FROM t"), "12");
    }
    writer.check_integrity();
}

pub fn one_connection_writes_at_a_time(place: &Place) {
    let (one, two) = (place.wal(), place.wal());
    one.run("CREATE TABLE t(x); BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
    assert_eq!(two.try_run("BEGIN IMMEDIATE"), Err(ffi::SQLITE_BUSY));
    assert_eq!(two.try_run("INSERT INTO t VALUES(2)"), Err(ffi::SQLITE_BUSY));
    assert_eq!(two.value("SELECT count(*) FROM t"), "0");
    one.run("COMMIT");
    two.run("BEGIN IMMEDIATE; INSERT INTO t VALUES(2); COMMIT");
    assert_eq!(one.rows("SELECT x FROM t"), ["1", "2"]);
    one.check_integrity();
}

pub fn a_stale_upgrade_is_busy_snapshot(place: &Place) {
    let (one, two) = (place.wal(), place.wal());
    one.run("CREATE TABLE t(x); BEGIN");
    assert_eq!(one.value("SELECT count(*) FROM t"), "0");
    two.run("INSERT INTO t VALUES(2)");
    assert_eq!(one.try_run("INSERT INTO t VALUES(1)"), Err(ffi::SQLITE_BUSY_SNAPSHOT));
    assert_eq!(one.value("SELECT count(*) FROM t"), "0", "the snapshot is still there");
    one.run("ROLLBACK; INSERT INTO t VALUES(1)");
    assert_eq!(two.rows("SELECT x FROM t"), ["2", "1"]);
    two.check_integrity();
}

pub fn wal_to_delete_and_back(place: &Place) {
    let one = place.wal();
    fill(&one, 3000);
    let two = place.wal();
    assert_eq!(two.value("SELECT count(*) FROM t"), "3000");
    assert_eq!(one.try_rows("PRAGMA journal_mode=delete"), Err(ffi::SQLITE_BUSY), "somebody else is on the log");
    drop(two);
    assert_eq!(one.value("PRAGMA journal_mode=delete"), "delete");
    assert!(!find(&format!("{}-wal", place.path)).unwrap().exists().unwrap());
    // More pages than the log knew of: whoever believes its old index takes the new ones for missing.
    one.run("INSERT INTO t(v) SELECT v FROM t");
    let two = place.open();
    assert_eq!(two.value("SELECT count(*) FROM t"), "6000");
    assert_eq!(two.value("PRAGMA journal_mode=wal"), "wal");
    assert_eq!(two.value("SELECT count(*) FROM t"), "6000");
    two.run("INSERT INTO t(v) VALUES('one more')");
    assert_eq!(one.value("SELECT count(*) FROM t"), "6001");
    assert_eq!(one.value("PRAGMA journal_mode"), "wal");
    one.check_integrity();
    two.check_integrity();
}

pub fn checkpoints_wait_for_readers(place: &Place) {
    let (writer, reader) = (place.wal(), place.wal());
    fill(&writer, 500);
    reader.run("BEGIN");
    assert_eq!(reader.value("SELECT count(*) FROM t"), "500");
    writer.run("INSERT INTO t(v) VALUES('more')");
    assert!(writer.value("PRAGMA wal_checkpoint(TRUNCATE)").starts_with("1|"), "busy");
    assert_eq!(reader.value("SELECT count(*) FROM t"), "500");
    reader.run("COMMIT");
    assert_eq!(writer.value("PRAGMA wal_checkpoint(TRUNCATE)"), "0|0|0");
    assert_eq!(find(&format!("{}-wal", place.path)).unwrap().raw.borrow_mut().size().unwrap(), 0);
    assert_eq!(reader.value("SELECT count(*) FROM t"), "501");
    reader.check_integrity();
}

pub fn the_last_close_merges_the_log(place: &Place) {
    let (one, two) = (place.wal(), place.wal());
    fill(&one, 500);
    let wal = find(&format!("{}-wal", place.path)).unwrap();
    drop(one);
    assert!(wal.exists().unwrap(), "somebody else is on it");
    drop(two);
    assert!(!wal.exists().unwrap());
}

pub fn and_the_database_is_whole_without_it(place: &Place) {
    let db = place.wal();
    assert_eq!(db.value("SELECT count(*) FROM t"), "500");
    db.check_integrity();
}

/// The connection stays open when the files are taken away, as if the process had died.
pub fn a_log_that_nobody_merged(place: &Place) {
    let db = place.wal();
    fill(&db, 500);
    db.run("BEGIN; DELETE FROM t WHERE id > 100");
    place.kept.borrow_mut().push(db);
}

pub fn is_recovered(place: &Place) {
    assert!(find(&format!("{}-wal", place.path)).unwrap().exists().unwrap());
    let db = place.wal();
    assert_eq!(db.value("SELECT count(*) FROM t"), "500");
    db.check_integrity();
    place.kept.borrow_mut().clear();
}

pub fn closing_a_connection_gives_up_its_locks(place: &Place) {
    let (one, two) = (place.wal(), place.wal());
    one.run("CREATE TABLE t(x); BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
    drop(one);
    two.run("INSERT INTO t VALUES(2)");
    assert_eq!(two.rows("SELECT x FROM t"), ["2"], "what was not committed is gone");
    two.check_integrity();
}

/// One region of the index holds 4,096 frames; with checkpoints off this needs several.
pub fn the_log_grows_over_many_regions(place: &Place) {
    let (writer, reader) = (place.wal(), place.wal());
    writer.run("PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=50; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
    for _ in 0..15 {
        writer.run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
             INSERT INTO t(v) SELECT zeroblob(3500) FROM n",
        );
        assert_eq!(reader.value("SELECT sum(length(v)) / 3500 = count(*) FROM t"), "1");
    }
    let frames = find(&format!("{}-wal", place.path)).unwrap().raw.borrow_mut().size().unwrap() / 4120;
    assert!(frames > 3 * 4096, "{frames} frames");
    assert_eq!(reader.value("SELECT count(*) FROM t"), "15000");
    assert_eq!(writer.value("PRAGMA wal_checkpoint(TRUNCATE)"), "0|0|0");
    reader.check_integrity();
}

/// A commit writes frame after frame, and whoever reads the log sees all of those that it is told of.
pub fn frames_are_whole_for_whoever_reads_between_them(place: &Place) {
    let (writer, reader) = (place.wal(), place.wal());
    // Two pages of cache: pages go to the log, come back and are written again before the commit, which then makes the
    // checksums of all frames anew.
    writer.run("PRAGMA cache_size=2; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
    for round in 0..20 {
        writer.run("BEGIN");
        for id in 0..12 {
            writer.run(&format!("INSERT OR REPLACE INTO t VALUES({}, zeroblob(3000))", (id * 7 + round) % 40));
            assert_eq!(reader.value("SELECT total(length(v)) / 3000 = count(*) FROM t"), "1");
            writer.run(&format!("UPDATE t SET v = randomblob(3000) WHERE id % 5 = {}", id % 5));
        }
        writer.run(if round % 4 == 3 { "ROLLBACK" } else { "COMMIT" });
        assert_eq!(reader.value("SELECT count(*) FROM t"), writer.value("SELECT count(*) FROM t"));
        // As a new process would see it: from the log alone.
        reader.check_integrity();
    }
    writer.check_integrity();
}
