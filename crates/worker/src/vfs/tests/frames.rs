//! How often a log is written to, and what a header that waits for its page does not do.

use crate::vfs::contract::Db;
use crate::vfs::detach;
use crate::vfs::frame_joiner::FrameJoiner;
use crate::vfs::held::MOST;
use crate::vfs::node::RawFile;
use crate::vfs::simulated::{Call, Failing, Op, Plan, SimulatedDisk};
use rsqlite_vfs::{SyncMode, SyncOptions};

/// Header of the log; a frame's header and page.
const LOG_HEADER: usize = 32;
const FRAME: usize = 24 + 4096;

/// How long the writes to the log were.
fn writes_to_log(disk: &SimulatedDisk) -> Vec<usize> {
    let of_log = |op: &Op| match op {
        Op::Write { file, bytes, .. } if file.ends_with("-wal") => Some(bytes.len()),
        _ => None,
    };
    disk.log().iter().filter_map(of_log).collect()
}

#[test]
fn a_frame_is_one_write() {
    let disk = SimulatedDisk::new();
    disk.attach("/frames.db", true).unwrap();
    {
        let db = Db::wal("/frames.db");
        db.run("PRAGMA wal_autocheckpoint=0; CREATE TABLE t(x)");
        disk.remember();
        for _ in 0..10 {
            db.run("INSERT INTO t VALUES(1)");
        }
        assert_eq!(writes_to_log(&disk), [FRAME; 10]);
        disk.remember();
        db.run("BEGIN");
        (0..40).for_each(|_| db.run("INSERT INTO t VALUES(zeroblob(3000))"));
        db.run("COMMIT");
        let writes = writes_to_log(&disk);
        assert_eq!(writes.len(), 1, "a commit is one: {writes:?}");
        assert!(writes[0] > 40 * FRAME && writes[0].is_multiple_of(FRAME));
        disk.remember();
        db.run("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES(2)");
        assert_eq!(writes_to_log(&disk), [LOG_HEADER, FRAME]);
    }
    detach("/frames.db");
}

/// Pages that went to the log before the commit and come to it again are overwritten there, and the headers of all frames
/// behind the first of them are written anew: nothing of that may wait for a page.
#[test]
fn headers_that_are_written_anew_are_there_when_the_commit_returns() {
    let disk = SimulatedDisk::new();
    disk.attach("/anew.db", true).unwrap();
    {
        let db = Db::wal("/anew.db");
        db.run("PRAGMA cache_size=2; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        disk.remember();
        let mut anew = 0;
        for round in 0..6 {
            db.run("BEGIN");
            for id in 0..30 {
                db.run(&format!("INSERT OR REPLACE INTO t VALUES({id}, {round} || hex(zeroblob(1000)))"));
                db.run(&format!("UPDATE t SET v = {round} || hex(zeroblob(900)) WHERE id = {}", id / 2));
            }
            db.run("COMMIT");
            // The process dies right here.
            let image = disk.killed_after(disk.ops(), false);
            image.rename("/anew.db", &format!("/anew-{round}.db"));
            let path = format!("/anew-{round}.db");
            image.attach(&path, false).unwrap();
            let again = Db::wal(&path);
            let found = again.value("SELECT count(*), min(substr(v, 1, 1)), max(substr(v, 1, 1)) FROM t");
            assert_eq!(found, format!("30|{round}|{round}"));
            again.check_integrity();
            drop(again);
            detach(&path);
            anew = writes_to_log(&disk).iter().filter(|length| **length == 24).count();
        }
        assert!(anew > 50, "{anew} headers were written anew");
    }
    detach("/anew.db");
}

/// Pages that a small cache gives up before the commit wait for others, and are found by whoever looks for them.
#[test]
fn a_large_transaction_is_few_writes() {
    let disk = SimulatedDisk::new();
    disk.attach("/large.db", true).unwrap();
    {
        let (db, other) = (Db::wal("/large.db"), Db::wal("/large.db"));
        db.run("PRAGMA cache_size=10; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        disk.remember();
        db.run("BEGIN");
        db.run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
             INSERT INTO t SELECT i, hex(zeroblob(400)) FROM n",
        );
        let frames = writes_to_log(&disk).iter().sum::<usize>() / FRAME;
        assert!(writes_to_log(&disk).len() < frames / 20, "{frames} frames: {:?}", writes_to_log(&disk));
        assert_eq!(db.value("SELECT count(*), sum(length(v)) FROM t"), "2000|1600000");
        assert_eq!(other.value("SELECT count(*) FROM t"), "0");
        db.run("COMMIT");
        assert_eq!(other.value("SELECT count(*), sum(length(v)) FROM t"), "2000|1600000");
        let longest = writes_to_log(&disk).into_iter().max().unwrap();
        assert!(longest <= MOST + FRAME, "{longest}");
        other.check_integrity();
    }
    detach("/large.db");
}

/// While the log is copied, neighbours go to the database together; what is not copied then is not lost.
#[test]
fn neighbours_are_copied_together() {
    let disk = SimulatedDisk::new();
    disk.attach("/copied.db", true).unwrap();
    let to_database = |disk: &SimulatedDisk| -> Vec<usize> {
        let of_main = |op: &Op| match op {
            Op::Write { file, bytes, .. } if file.ends_with(".db") => Some(bytes.len()),
            _ => None,
        };
        disk.log().iter().filter_map(of_main).collect()
    };
    {
        let db = Db::wal("/copied.db");
        db.run("PRAGMA wal_autocheckpoint=0; CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1, randomblob(2000000))");
        disk.remember();
        assert_eq!(db.value("PRAGMA wal_checkpoint(PASSIVE)").split('|').next(), Some("0"));
        let writes = to_database(&disk);
        let pages = writes.iter().sum::<usize>() / 4096;
        assert!(pages > 480 && writes.len() < 20, "{pages} pages: {writes:?}");
        assert!(writes.iter().all(|length| *length <= MOST), "{writes:?}");
        // One that cannot be written is an error of the copying, whichever it is, and the next one begins anew.
        for failing in [Failing::Io, Failing::Half] {
            for after in 0..6 {
                db.run("UPDATE t SET v = randomblob(800000)");
                let before = db.value("SELECT hex(v) FROM t");
                disk.plan(Some(Plan { call: Some(Call::Write), after, count: 1, failing }));
                let failed = db.try_run("PRAGMA wal_checkpoint(PASSIVE)").is_err();
                disk.plan(None);
                let image = disk.killed_after(disk.ops(), false);
                image.rename("/copied.db", "/image.db");
                image.attach("/image.db", false).unwrap();
                let again = Db::wal("/image.db");
                assert!(again.value("SELECT hex(v) FROM t") == before, "{failing:?} after {after}, failed: {failed}");
                again.check_integrity();
                drop(again);
                detach("/image.db");
                db.run("PRAGMA wal_checkpoint(PASSIVE)");
                assert!(db.value("SELECT hex(v) FROM t") == before);
                db.check_integrity();
            }
        }
    }
    detach("/copied.db");
}

#[test]
fn a_commit_that_could_not_be_written_does_not_come_later() {
    let disk = SimulatedDisk::new();
    let mut log = log(&disk);
    log.write(&[0; 24], 0).unwrap();
    log.write(&[1; 4096], 24).unwrap();
    assert_eq!(disk.size("log"), 0, "a frame that commits nothing waits");
    log.write(&[2; 24], FRAME as u64).unwrap();
    disk.plan(Some(Plan { call: Some(Call::Write), after: 0, count: 1, failing: Failing::Io }));
    assert!(log.write(&[3; 4096], FRAME as u64 + 24).is_err());
    disk.plan(None);
    assert_eq!(log.size().unwrap(), 0);
    // Of frames that wait, a reader finds all, wherever they are.
    log.write(&[7; 40], 0).unwrap();
    for frame in 0..3 {
        let at = 40 + frame * FRAME as u64;
        log.write(&[0; 24], at).unwrap();
        log.write(&[frame as u8 + 1; 4096], at + 24).unwrap();
    }
    assert_eq!((disk.size("log"), log.size().unwrap()), (40, 40 + 3 * FRAME as u64));
    let mut bytes = vec![9; 2 * FRAME + 100];
    assert_eq!(log.read(&mut bytes, 20).unwrap(), bytes.len());
    let expected = [[7; 20].as_slice(), &[0; 24], &[1; 4096], &[0; 24], &[2; 4096], &[0; 24], &[3; 56]].concat();
    assert!(bytes == expected);
    assert_eq!(log.read(&mut bytes, 40 + 2 * FRAME as u64).unwrap(), FRAME, "no more than there is");
}

fn log(disk: &SimulatedDisk) -> FrameJoiner {
    FrameJoiner::new(disk.file("log"))
}

#[test]
fn whoever_could_miss_a_header_finds_it() {
    let disk = SimulatedDisk::new();
    let header: [u8; 24] = std::array::from_fn(|at| at as u8);
    let sync = SyncOptions { mode: SyncMode::Normal, data_only: false };
    type Step = (&'static str, bool, fn(&mut FrameJoiner, SyncOptions));
    let steps: [Step; 6] = [
        ("size", false, |log, _| assert_eq!(log.size().unwrap(), 32 + 24)),
        ("read", false, |log, _| assert_eq!(log.read(&mut [0; 24], 32).unwrap(), 24)),
        ("sync", true, |log, sync| log.sync(sync).unwrap()),
        ("truncate", true, |log, _| log.truncate(32 + 24).unwrap()),
        ("another write", true, |log, _| log.write(&[1; 32], 0).unwrap()),
        ("another header", true, |log, _| log.write(&[2; 24], 0).unwrap()),
    ];
    for (what, writes, step) in steps {
        let mut log = log(&disk);
        log.truncate(0).unwrap();
        log.write(&[0; 32], 0).unwrap();
        log.write(&header, 32).unwrap();
        assert_eq!(disk.size("log"), 32, "{what}: it waits");
        step(&mut log, sync);
        assert_eq!(disk.size("log"), if writes { 32 + 24 } else { 32 }, "{what}");
        let mut found = [0; 24];
        assert_eq!(log.read(&mut found, 32).unwrap(), 24, "{what}");
        assert_eq!(found, header, "{what}");
        log.sync(sync).unwrap();
        assert_eq!(disk.bytes("log")[32..], header, "{what}");
    }
}

#[test]
fn a_header_goes_with_what_is_cut_off_or_deleted() {
    let disk = SimulatedDisk::new();
    let mut log = log(&disk);
    for cut in [0, 32] {
        log.write(&[1; 32], 0).unwrap();
        log.write(&[2; 24], 32).unwrap();
        log.truncate(cut).unwrap();
        assert_eq!(log.size().unwrap(), cut);
    }
    log.write(&[2; 24], 32).unwrap();
    log.delete(false).unwrap();
    assert_eq!(log.size().unwrap(), 0);
}

#[test]
fn what_cannot_be_written_is_not_forgotten_before_a_write_says_so() {
    let disk = SimulatedDisk::new();
    let sync = SyncOptions { mode: SyncMode::Normal, data_only: false };
    let mut log = log(&disk);
    log.write(&[2; 24], 0).unwrap();
    disk.plan(Some(Plan { call: Some(Call::Write), after: 0, count: 3, failing: Failing::Io }));
    assert!(log.sync(sync).is_err());
    assert!(log.truncate(24).is_err());
    assert_eq!(log.size().unwrap(), 24);
    assert!(log.write(&[0; 32], 100).is_err(), "nothing is written behind it either");
    assert_eq!(disk.size("log"), 0);
    assert_eq!(log.size().unwrap(), 0, "and SQLite undoes what both are part of");
    // With its page it fails as the page.
    log.write(&[3; 24], 0).unwrap();
    disk.plan(Some(Plan { call: Some(Call::Write), after: 0, count: 1, failing: Failing::Half }));
    assert!(log.write(&[4; 4096], 24).is_err());
    disk.plan(None);
    log.write(&[5; 24], 0).unwrap();
    log.write(&[6; 4096], 24).unwrap();
    assert_eq!(disk.bytes("log"), [[5; 24].as_slice(), &[6; 4096]].concat());
}

/// What was held of a transaction is forgotten when something of it cannot be written. SQLite is sure to undo all of it only
/// where it hears of a full disk or a failing one: else it would go on, and commit what is not there.
#[test]
fn a_transaction_is_undone_whatever_a_write_fails_with() {
    for failing in [Failing::Io, Failing::Full, Failing::Half, Failing::Refused] {
        for after in 0..3 {
            let disk = SimulatedDisk::new();
            disk.attach("/undone.db", true).unwrap();
            {
                let (db, other) = (Db::wal("/undone.db"), Db::wal("/undone.db"));
                db.run("PRAGMA cache_size=2; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
                db.run("BEGIN");
                db.run("UPDATE t SET v = 1");
                disk.plan(Some(Plan { call: Some(Call::Write), after, count: 1, failing }));
                let insert = |id| db.try_run(&format!("INSERT INTO t VALUES({id}, zeroblob(3000))"));
                let failed = (0..400).position(|id| insert(id).is_err());
                assert!(failed.is_some(), "{failing:?} after {after}");
                disk.plan(None);
                // What could be written goes on as if it were all.
                let later = (1000..1010).filter(|id| insert(*id).is_ok()).count();
                let _ = db.try_run("COMMIT");
                other.check_integrity();
                assert_eq!(other.value("SELECT count(*) FROM t"), later.to_string(), "{failing:?} after {after}");
                assert_eq!(later, 10, "each is a transaction of its own");
            }
            detach("/undone.db");
        }
    }
}

#[test]
fn a_header_written_where_it_was_just_read_does_not_wait() {
    let disk = SimulatedDisk::new();
    let mut log = log(&disk);
    log.write(&[1; FRAME], 0).unwrap();
    log.read(&mut [0; FRAME], 0).unwrap();
    log.write(&[2; 24], 0).unwrap();
    assert_eq!(disk.bytes("log")[..25], [[2; 24].as_slice(), &[1]].concat());
}
