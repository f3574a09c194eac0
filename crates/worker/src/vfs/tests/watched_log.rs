//! A log knows, by what is written to it, where a recovery would find its end.

use crate::mark::Position;
use crate::vfs::contract::Db;
use crate::vfs::simulated::{Call, Failing, Plan, Random, SimulatedDisk};
use crate::vfs::{LogWatch, cut_log, detach, log_index, take_marks};
use std::rc::Rc;

const PATH: &str = "/log.db";

/// Where SQLite finds the end of the log when it opens these files.
fn recovered(disk: &SimulatedDisk) -> Position {
    // The files as they are, though they are open.
    let image = disk.copy();
    image.rename(PATH, "/copy.db");
    image.attach("/copy.db", true).unwrap();
    let end = {
        let db = Db::open("/copy.db");
        db.value("SELECT count(*) FROM sqlite_schema");
        log_index("/copy.db").unwrap_or_default()
    };
    detach("/copy.db");
    end
}

fn attach(disk: &SimulatedDisk) -> Rc<LogWatch> {
    disk.attach(PATH, true).unwrap();
    take_marks(PATH).unwrap().watch
}

fn connect() -> Db {
    let db = Db::wal(PATH);
    // Pages go to the log before the commit.
    db.run("PRAGMA cache_size=4; PRAGMA wal_autocheckpoint=0");
    db
}

fn check(disk: &SimulatedDisk, watch: &LogWatch, what: &str) {
    let (found, said) = (recovered(disk), watch.position());
    assert_eq!(said.frames, found.frames, "{what}: {said:?}, SQLite finds {found:?}");
    if found.frames > 0 {
        assert_eq!(said, found, "{what}");
    }
    if let Some(index) = log_index(PATH)
        && index.frames > 0
    {
        assert_eq!(said, index, "{what}");
    }
}

/// Whatever two connections do: commits, pages that are written early, rollbacks, every kind of checkpoint.
#[test]
fn a_log_knows_where_its_last_commit_ends() {
    let mut random = Random::new("a_log_knows_where_its_last_commit_ends");
    let disk = SimulatedDisk::new();
    let mut watch = attach(&disk);
    let mut dbs = [connect(), connect()];
    dbs[0].run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
    for _ in 0..400 {
        let db = &dbs[random.below(2)];
        let what = match random.below(11) {
            0..=3 => format!("INSERT INTO t(v) VALUES(zeroblob({}))", 10 + random.below(9000)),
            4 => "BEGIN; UPDATE t SET v = randomblob(length(v)); DELETE FROM t WHERE id % 3 = 1; COMMIT".to_owned(),
            5 => "BEGIN; UPDATE t SET v = randomblob(length(v)); ROLLBACK".to_owned(),
            6 => "BEGIN; SAVEPOINT s; INSERT INTO t(v) SELECT randomblob(3000) FROM t LIMIT 20; ROLLBACK TO s; COMMIT"
                .to_owned(),
            7 | 8 => {
                let mode = random.pick(&["PASSIVE", "FULL", "RESTART", "TRUNCATE"]).unwrap();
                format!("PRAGMA wal_checkpoint({mode})")
            }
            9 => "BEGIN; UPDATE t SET v = randomblob(length(v))".to_owned(),
            _ => {
                drop(dbs);
                check(&disk, &watch, "all are closed");
                detach(PATH);
                watch = attach(&disk);
                dbs = [connect(), connect()];
                dbs[0].run("DELETE FROM t WHERE id % 2 = 0");
                continue;
            }
        };
        db.run(&what);
        // In the middle of a transaction as well.
        check(&disk, &watch, &what);
        if what.ends_with("length(v))") {
            db.run(if random.below(2) == 0 { "COMMIT" } else { "ROLLBACK" });
            check(&disk, &watch, &what);
        }
    }
    drop(dbs);
    detach(PATH);
}

/// After a commit that failed, the log is as it was when what is behind its end is cut off; and the end is known at once
/// to whoever opens a log that somebody left.
#[test]
fn a_log_that_could_not_be_written_keeps_its_end() {
    let mut random = Random::new("a_log_that_could_not_be_written_keeps_its_end");
    for after in 0..60 {
        let disk = SimulatedDisk::new();
        let watch = attach(&disk);
        let db = connect();
        db.run("PRAGMA synchronous=full; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
        db.run("INSERT INTO t(v) VALUES(zeroblob(9000))");
        if after % 2 == 0 {
            db.value("PRAGMA wal_checkpoint(RESTART)");
        }
        let before = recovered(&disk);
        let call = random.pick(&[Call::Write, Call::Sync]);
        let failing = random.pick(&[Failing::Io, Failing::Half]).unwrap();
        disk.plan(Some(Plan { call, after: after / 3, count: 1, failing }));
        let failed = db.try_run("INSERT INTO t(v) VALUES(zeroblob(30000))").is_err();
        disk.plan(None);
        if failed {
            let index = log_index(PATH).filter(|index| index.frames > 0);
            let unchanged = watch.position().salts == before.salts;
            let frames = index.map_or(if unchanged { before.frames } else { 0 }, |index| index.frames);
            cut_log(PATH, watch.bytes_of(frames));
            let found = recovered(&disk);
            // A header that was cut short leaves no log. Until another is written, the end of the old one will do.
            assert!(found.frames == 0 || found == before, "{after}: {found:?} after {before:?}");
            assert!(watch.position() == found || watch.position() == before, "{after}: {:?}", watch.position());
        } else {
            check(&disk, &watch, &format!("{after} calls, {call:?} {failing:?}"));
        }
        db.run("INSERT INTO t(v) VALUES(zeroblob(3000))");
        check(&disk, &watch, "another commit");
        // The next host has only the files.
        let end = watch.position();
        let left = disk.copy();
        drop(db);
        detach(PATH);
        let watch = attach(&left);
        let db = Db::open(PATH);
        assert_eq!(db.value("SELECT count(*) FROM t"), if failed { "2" } else { "3" });
        watch.found(log_index(PATH).unwrap().frames);
        assert_eq!(watch.position(), end);
        drop(db);
        detach(PATH);
    }
}
