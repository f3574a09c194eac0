//! Several connections on one database in WAL mode.

use super::support::{Db, Fixture};
use crate::sqlite::ffi;
use crate::vfs::find;
use crate::vfs::{attach_disk, detach};

on_every_storage![
    a_cursor_survives_the_commits_of_other_connections,
    every_reader_keeps_its_snapshot,
    one_connection_writes_at_a_time,
    a_stale_upgrade_is_busy_snapshot,
    wal_to_delete_and_back,
    checkpoints_wait_for_readers,
    the_last_close_merges_the_log,
    closing_a_connection_gives_up_its_locks,
    temporary_things_work,
    the_log_grows_over_many_regions,
];

fn fill(db: &Db, count: u32) {
    db.run(&format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO t SELECT i, printf('row %d', i) FROM n"
    ));
}

fn a_cursor_survives_the_commits_of_other_connections(fixture: &Fixture) {
    let connections = [fixture.wal(), fixture.wal(), fixture.wal(), fixture.wal()];
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

fn every_reader_keeps_its_snapshot(fixture: &Fixture) {
    let writer = fixture.wal();
    writer.run("CREATE TABLE t(x)");
    let readers: Vec<Db> = (0..12)
        .map(|count| {
            let reader = fixture.wal();
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

fn one_connection_writes_at_a_time(fixture: &Fixture) {
    let (one, two) = (fixture.wal(), fixture.wal());
    one.run("CREATE TABLE t(x); BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
    assert_eq!(two.try_run("BEGIN IMMEDIATE"), Err(ffi::SQLITE_BUSY));
    assert_eq!(two.try_run("INSERT INTO t VALUES(2)"), Err(ffi::SQLITE_BUSY));
    assert_eq!(two.value("SELECT count(*) FROM t"), "0");
    one.run("COMMIT");
    two.run("BEGIN IMMEDIATE; INSERT INTO t VALUES(2); COMMIT");
    assert_eq!(one.rows("SELECT x FROM t"), ["1", "2"]);
    one.check_integrity();
}

fn a_stale_upgrade_is_busy_snapshot(fixture: &Fixture) {
    let (one, two) = (fixture.wal(), fixture.wal());
    one.run("CREATE TABLE t(x); BEGIN");
    assert_eq!(one.value("SELECT count(*) FROM t"), "0");
    two.run("INSERT INTO t VALUES(2)");
    assert_eq!(one.try_run("INSERT INTO t VALUES(1)"), Err(ffi::SQLITE_BUSY_SNAPSHOT));
    assert_eq!(one.value("SELECT count(*) FROM t"), "0", "the snapshot is still there");
    one.run("ROLLBACK; INSERT INTO t VALUES(1)");
    assert_eq!(two.rows("SELECT x FROM t"), ["2", "1"]);
    two.check_integrity();
}

fn wal_to_delete_and_back(fixture: &Fixture) {
    let one = fixture.wal();
    fill(&one, 3000);
    let two = fixture.wal();
    assert_eq!(two.value("SELECT count(*) FROM t"), "3000");
    assert_eq!(one.try_rows("PRAGMA journal_mode=delete"), Err(ffi::SQLITE_BUSY), "somebody else is on the log");
    drop(two);
    assert_eq!(one.value("PRAGMA journal_mode=delete"), "delete");
    assert!(!find(&format!("{}-wal", fixture.path)).unwrap().exists().unwrap());
    // More pages than the log knew of: whoever believes its old index takes the new ones for missing.
    one.run("INSERT INTO t(v) SELECT v FROM t");
    let two = Db::open(fixture.path);
    assert_eq!(two.value("SELECT count(*) FROM t"), "6000");
    assert_eq!(two.value("PRAGMA journal_mode=wal"), "wal");
    assert_eq!(two.value("SELECT count(*) FROM t"), "6000");
    two.run("INSERT INTO t(v) VALUES('one more')");
    assert_eq!(one.value("SELECT count(*) FROM t"), "6001");
    assert_eq!(one.value("PRAGMA journal_mode"), "wal");
    one.check_integrity();
    two.check_integrity();
}

fn checkpoints_wait_for_readers(fixture: &Fixture) {
    let (writer, reader) = (fixture.wal(), fixture.wal());
    fill(&writer, 500);
    reader.run("BEGIN");
    assert_eq!(reader.value("SELECT count(*) FROM t"), "500");
    writer.run("INSERT INTO t(v) VALUES('more')");
    assert!(writer.value("PRAGMA wal_checkpoint(TRUNCATE)").starts_with("1|"), "busy");
    assert_eq!(reader.value("SELECT count(*) FROM t"), "500");
    reader.run("COMMIT");
    assert_eq!(writer.value("PRAGMA wal_checkpoint(TRUNCATE)"), "0|0|0");
    assert_eq!(find(&format!("{}-wal", fixture.path)).unwrap().raw.borrow_mut().size().unwrap(), 0);
    assert_eq!(reader.value("SELECT count(*) FROM t"), "501");
    reader.check_integrity();
}

fn the_last_close_merges_the_log(fixture: &Fixture) {
    let (one, two) = (fixture.wal(), fixture.wal());
    fill(&one, 500);
    let wal = find(&format!("{}-wal", fixture.path)).unwrap();
    drop(one);
    assert!(wal.exists().unwrap(), "somebody else is on it");
    drop(two);
    assert!(!wal.exists().unwrap());
    if fixture.directory.is_some() {
        detach(fixture.path);
        attach_disk(fixture.path, &fixture.fs_path(), false).unwrap();
    }
    let db = fixture.wal();
    assert_eq!(db.value("SELECT count(*) FROM t"), "500");
    db.check_integrity();
}

fn closing_a_connection_gives_up_its_locks(fixture: &Fixture) {
    let (one, two) = (fixture.wal(), fixture.wal());
    one.run("CREATE TABLE t(x); BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
    drop(one);
    two.run("INSERT INTO t VALUES(2)");
    assert_eq!(two.rows("SELECT x FROM t"), ["2"], "what was not committed is gone");
    two.check_integrity();
}

fn temporary_things_work(fixture: &Fixture) {
    let db = fixture.wal();
    // Real temporary files rather than SQLite's own memory.
    db.run("PRAGMA temp_store=file; PRAGMA cache_size=10");
    fill(&db, 20_000);
    db.run("CREATE TEMP TABLE copy AS SELECT * FROM t ORDER BY v DESC; CREATE INDEX byv ON t(v)");
    assert_eq!(db.value("SELECT count(*) FROM copy"), "20000");
    db.run("BEGIN; SAVEPOINT a; DELETE FROM t; ROLLBACK TO a; RELEASE a; COMMIT; VACUUM");
    assert_eq!(db.value("SELECT count(*) FROM t"), "20000");
    db.check_integrity();
}

/// One region of the index holds 4,096 frames; with checkpoints off this needs several.
fn the_log_grows_over_many_regions(fixture: &Fixture) {
    let (writer, reader) = (fixture.wal(), fixture.wal());
    writer.run("PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=50; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
    for _ in 0..15 {
        writer.run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
             INSERT INTO t(v) SELECT zeroblob(3500) FROM n",
        );
        assert_eq!(reader.value("SELECT sum(length(v)) / 3500 = count(*) FROM t"), "1");
    }
    let frames = find(&format!("{}-wal", fixture.path)).unwrap().raw.borrow_mut().size().unwrap() / 4120;
    assert!(frames > 3 * 4096, "{frames} frames");
    assert_eq!(reader.value("SELECT count(*) FROM t"), "15000");
    assert_eq!(writer.value("PRAGMA wal_checkpoint(TRUNCATE)"), "0|0|0");
    reader.check_integrity();
}
