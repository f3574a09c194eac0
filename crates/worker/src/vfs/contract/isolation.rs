//! Random transactions of several connections against a model of snapshot isolation.

use super::{Db, Place};
use crate::sqlite::ffi;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Idle,
    /// In a read transaction whose snapshot has this value.
    Reading(i64),
    /// In a write transaction that would commit this value.
    Writing(i64),
}

fn total(db: &Db) -> i64 {
    let row = db.value("SELECT min(v), max(v), count(*) FROM t");
    let cells: Vec<i64> = row.split('|').map(|cell| cell.parse().unwrap()).collect();
    assert_eq!(cells[0], cells[1], "half a transaction: {row}");
    assert_eq!(cells[2], 30);
    cells[0]
}

pub fn connections_see_what_the_model_sees(place: &Place) {
    let mut random = place.random();
    let connections = [place.wal(), place.wal(), place.wal(), place.wal()];
    connections[0].run(
        "PRAGMA wal_autocheckpoint=20; CREATE TABLE t(v INTEGER, pad TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
         INSERT INTO t SELECT 0, printf('%1000d', i) FROM n",
    );
    let mut states = [State::Idle; 4];
    let mut committed = 0;
    for step in 0..1500 {
        let which = random.below(4);
        let db = &connections[which];
        let somebody_writes = states.iter().any(|state| matches!(state, State::Writing(_)));
        match (states[which], random.below(4)) {
            (State::Idle, 0) => assert_eq!(total(db), committed, "step {step}"),
            (State::Idle, 1) => {
                db.run("BEGIN");
                assert_eq!(total(db), committed, "step {step}");
                states[which] = State::Reading(committed);
            }
            (State::Idle, 2) => match db.try_run("BEGIN IMMEDIATE") {
                Ok(()) => {
                    assert!(!somebody_writes, "step {step}: two writers");
                    states[which] = State::Writing(committed);
                }
                Err(code) => {
                    assert_eq!(code, ffi::SQLITE_BUSY, "step {step}");
                    assert!(somebody_writes, "step {step}: busy for nothing");
                }
            },
            (State::Idle, _) => drop(db.rows("PRAGMA wal_checkpoint(PASSIVE)")),
            (State::Reading(value), 0..=1) => assert_eq!(total(db), value, "step {step}"),
            (State::Reading(value), 2) => match db.try_run("UPDATE t SET v = v + 1") {
                Ok(()) => {
                    assert!(!somebody_writes && value == committed, "step {step}: a stale writer");
                    states[which] = State::Writing(value + 1);
                }
                Err(ffi::SQLITE_BUSY) => assert!(somebody_writes, "step {step}"),
                Err(code) => {
                    assert_eq!(code, ffi::SQLITE_BUSY_SNAPSHOT, "step {step}");
                    assert_ne!(value, committed, "step {step}: nothing is newer than this snapshot");
                }
            },
            (State::Reading(_), _) => {
                db.run("COMMIT");
                states[which] = State::Idle;
            }
            (State::Writing(value), 0..=1) => {
                db.run("UPDATE t SET v = v + 1");
                assert_eq!(total(db), value + 1, "step {step}");
                states[which] = State::Writing(value + 1);
            }
            (State::Writing(value), 2) => {
                db.run("COMMIT");
                committed = value;
                states[which] = State::Idle;
            }
            (State::Writing(_), _) => {
                db.run("ROLLBACK");
                states[which] = State::Idle;
            }
        }
    }
    for (db, state) in connections.iter().zip(states) {
        if state != State::Idle {
            db.run("ROLLBACK");
        }
        assert_eq!(total(db), committed);
        db.check_integrity();
    }
    assert!(committed > 20, "the walk should have written: {committed}");
}

/// Read, modify, write, each in a transaction of its own, on every connection in turn.
pub fn no_update_is_lost(place: &Place) {
    let mut random = place.random();
    let connections = [place.wal(), place.wal(), place.wal()];
    connections[0].run("CREATE TABLE counter(n INTEGER); INSERT INTO counter VALUES(0)");
    let mut read: [Option<i64>; 3] = [None; 3];
    let mut acknowledged = 0;
    for _ in 0..2000 {
        let which = random.below(3);
        let db = &connections[which];
        match read[which].take() {
            None => {
                if db.try_run(["BEGIN", "BEGIN IMMEDIATE"][random.below(2)]).is_ok() {
                    read[which] = Some(db.value("SELECT n FROM counter").parse().unwrap());
                }
            }
            Some(n) => match db.try_run(&format!("UPDATE counter SET n = {}; COMMIT", n + 1)) {
                Ok(()) => acknowledged += 1,
                Err(_) => db.run("ROLLBACK"),
            },
        }
    }
    for (db, read) in connections.iter().zip(read) {
        if read.is_some() {
            db.run("ROLLBACK");
        }
    }
    assert_eq!(connections[1].value("SELECT n FROM counter"), acknowledged.to_string());
    assert!(acknowledged > 100, "{acknowledged}");
    connections[2].check_integrity();
}

/// A connection on a database with a rollback journal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Turn {
    Idle,
    Reading,
    /// In a write transaction that would commit this value.
    Writing(i64),
    /// The same, and it tried to commit while others read: nobody begins to read before it has come to its end.
    Waiting(i64),
}

/// The same with a rollback journal, where all is up to the locks on the main file: nobody writes to it while somebody reads, and
/// whether somebody is refused is what the model says, not only why.
pub fn a_rollback_journal_does_what_the_model_does(place: &Place) {
    let mut random = place.random();
    let connections = [(); 4].map(|()| place.open());
    connections[0].run(
        "PRAGMA journal_mode=delete; CREATE TABLE t(v INTEGER, pad TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
         INSERT INTO t SELECT 0, printf('%1000d', i) FROM n",
    );
    let mut turns = [Turn::Idle; 4];
    let (mut committed, mut commits, mut refused) = (0, 0, 0);
    for step in 0..5000 {
        let which = random.below(4);
        let db = &connections[which];
        let others = || turns.iter().enumerate().filter(|(at, _)| *at != which).map(|(_, turn)| *turn);
        let somebody_writes = others().any(|turn| matches!(turn, Turn::Writing(_) | Turn::Waiting(_)));
        let somebody_waits = others().any(|turn| matches!(turn, Turn::Waiting(_)));
        // Who writes, reads as well.
        let somebody_reads = others().any(|turn| turn != Turn::Idle);
        let before = turns;
        let mut granted = |outcome: Result<(), i32>, free: bool| {
            assert_eq!(outcome, if free { Ok(()) } else { Err(ffi::SQLITE_BUSY) }, "step {step}, {which} of {before:?}");
            refused += i32::from(!free);
            free
        };
        match (turns[which], random.below(4)) {
            (Turn::Idle, 0) => {
                if granted(db.try_rows("SELECT 1 FROM t").map(drop), !somebody_waits) {
                    assert_eq!(total(db), committed, "step {step}");
                }
            }
            (Turn::Idle, 1) => {
                if granted(db.try_run("BEGIN; SELECT 1 FROM t"), !somebody_waits) {
                    turns[which] = Turn::Reading;
                } else {
                    db.run("ROLLBACK");
                }
            }
            (Turn::Idle, _) => {
                if granted(db.try_run("BEGIN IMMEDIATE"), !somebody_writes) {
                    turns[which] = Turn::Writing(committed);
                }
            }
            (Turn::Reading, 0) => assert_eq!(total(db), committed, "step {step}"),
            (Turn::Reading, 1) => {
                if granted(db.try_run("UPDATE t SET v = v + 1"), !somebody_writes) {
                    turns[which] = Turn::Writing(committed + 1);
                }
            }
            (Turn::Reading, _) => {
                db.run("COMMIT");
                turns[which] = Turn::Idle;
            }
            (Turn::Writing(value), 0) => {
                db.run("UPDATE t SET v = v + 1");
                assert_eq!(total(db), value + 1, "step {step}");
                turns[which] = Turn::Writing(value + 1);
            }
            (Turn::Waiting(value), 0) => assert_eq!(total(db), value, "step {step}"),
            (Turn::Writing(_) | Turn::Waiting(_), 1) => {
                db.run("ROLLBACK");
                turns[which] = Turn::Idle;
            }
            (Turn::Writing(value) | Turn::Waiting(value), _) => {
                // Also what has written nothing waits for the readers.
                let free = !somebody_reads;
                turns[which] = if granted(db.try_run("COMMIT"), free) { Turn::Idle } else { Turn::Waiting(value) };
                if free {
                    commits += i32::from(value != committed);
                    committed = value;
                }
            }
        }
    }
    for (db, turn) in connections.iter().zip(turns) {
        if turn != Turn::Idle {
            db.run("ROLLBACK");
        }
    }
    for db in &connections {
        assert_eq!(total(db), committed);
        db.check_integrity();
    }
    assert!(commits > 20 && refused > 500, "too little happens: {commits} commits, {refused} times busy");
}
