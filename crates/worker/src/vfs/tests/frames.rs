//! How often a log is written to, and what a header that waits for its page does not do.

use crate::vfs::contract::Db;
use crate::vfs::detach;
use crate::vfs::frame_joiner::FrameJoiner;
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
        db.run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES(2)");
        let writes = writes_to_log(&disk);
        assert_eq!(writes.iter().filter(|length| **length == LOG_HEADER).count(), 1);
        assert_eq!(writes.iter().filter(|length| **length == FRAME).count(), writes.len() - 1);
        assert!(writes.len() > 40);
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

fn log(disk: &SimulatedDisk) -> FrameJoiner {
    FrameJoiner::new(disk.file("log"))
}

#[test]
fn whoever_could_miss_a_header_finds_it() {
    let disk = SimulatedDisk::new();
    let header: [u8; 24] = std::array::from_fn(|at| at as u8);
    let sync = SyncOptions { mode: SyncMode::Normal, data_only: false };
    type Step = (&'static str, fn(&mut FrameJoiner, SyncOptions));
    let steps: [Step; 6] = [
        ("size", |log, _| assert_eq!(log.size().unwrap(), 32 + 24)),
        ("read", |log, _| assert_eq!(log.read(&mut [0; 24], 32).unwrap(), 24)),
        ("sync", |log, sync| log.sync(sync).unwrap()),
        ("truncate", |log, _| log.truncate(32 + 24).unwrap()),
        ("another write", |log, _| log.write(&[1; 32], 0).unwrap()),
        ("another header", |log, _| log.write(&[2; 24], 0).unwrap()),
    ];
    for (what, step) in steps {
        let mut log = log(&disk);
        log.truncate(0).unwrap();
        log.write(&[0; 32], 0).unwrap();
        log.write(&header, 32).unwrap();
        assert_eq!(disk.size("log"), 32, "{what}: it waits");
        step(&mut log, sync);
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
fn a_header_that_cannot_be_written_is_not_forgotten() {
    let disk = SimulatedDisk::new();
    let mut log = log(&disk);
    log.write(&[2; 24], 0).unwrap();
    disk.plan(Some(Plan { call: Some(Call::Write), after: 0, count: 3, failing: Failing::Io }));
    assert!(log.size().is_err());
    assert!(log.read(&mut [0; 4], 0).is_err());
    assert!(log.write(&[0; 32], 100).is_err(), "nothing is written behind it either");
    assert_eq!(disk.size("log"), 0);
    assert_eq!(log.size().unwrap(), 24);
    // With its page it fails as the page.
    log.write(&[3; 24], 24).unwrap();
    disk.plan(Some(Plan { call: Some(Call::Write), after: 0, count: 1, failing: Failing::Half }));
    assert!(log.write(&[4; 4096], 48).is_err());
    disk.plan(None);
    log.write(&[5; 24], 24).unwrap();
    log.write(&[6; 4096], 48).unwrap();
    assert_eq!(disk.bytes("log")[24..], [[5; 24].as_slice(), &[6; 4096]].concat());
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
