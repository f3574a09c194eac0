//! Crashes at every write: what a new process finds is all of a transaction or nothing.

use crate::vfs::contract::Db;
use crate::vfs::detach;
use crate::vfs::simulated::{Random, SimulatedDisk};

/// What happened on the disk, and after how many things which transaction was acknowledged.
struct History {
    disk: SimulatedDisk,
    acknowledged: Vec<(usize, i64)>,
}

/// Transactions that touch many pages each. Transaction `n` leaves 30 + 10 * n rows, all with the value `n`.
fn history(journal_mode: &str, synchronous: &str, order: Option<u64>) -> History {
    let disk = SimulatedDisk::new();
    order.into_iter().for_each(|seed| disk.reorder(seed));
    disk.remember();
    disk.attach("/recorded.db", true).unwrap();
    let mut acknowledged = Vec::new();
    {
        let (one, two) = (Db::open("/recorded.db"), Db::open("/recorded.db"));
        for db in [&one, &two] {
            assert_eq!(db.value(&format!("PRAGMA journal_mode={journal_mode}")), journal_mode);
            // A small cache spills pages to the files before the commit.
            db.run(&format!("PRAGMA synchronous={synchronous}; PRAGMA wal_autocheckpoint=25; PRAGMA cache_size=6"));
        }
        one.run(
            "BEGIN; CREATE TABLE t(v INTEGER, pad TEXT);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
             INSERT INTO t SELECT 0, printf('%900d', i) FROM n; COMMIT",
        );
        acknowledged.push((disk.ops(), 0));
        // A commit to a log is one write.
        let last = if journal_mode == "wal" { 12 } else { 5 };
        for n in 1..last {
            let db = if n % 2 == 0 { &one } else { &two };
            db.run(&format!(
                "BEGIN IMMEDIATE; UPDATE t SET v = {n};
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
                 INSERT INTO t SELECT {n}, printf('%900d', i) FROM n; COMMIT"
            ));
            acknowledged.push((disk.ops(), n));
        }
    }
    detach("/recorded.db");
    History { disk, acknowledged }
}

impl History {
    /// The last transaction that was acknowledged before a crash after `count` operations; -1 for none.
    fn acknowledged(&self, count: usize) -> i64 {
        self.acknowledged.iter().rev().find(|(at, _)| *at <= count).map_or(-1, |(_, n)| *n)
    }
}

/// Opens an image with new connections; the transaction that they find, -1 for none.
fn recover(image: &SimulatedDisk, what: &str) -> i64 {
    image.attach("/recorded.db", true).unwrap();
    let found = {
        let (db, other) = (Db::open("/recorded.db"), Db::open("/recorded.db"));
        let found = if db.value("SELECT count(*) FROM sqlite_schema") == "0" {
            -1
        } else {
            let row = db.value("SELECT min(v), max(v), count(*) FROM t");
            let cells: Vec<i64> = row.split('|').map(|cell| cell.parse().unwrap()).collect();
            assert_eq!(cells[0], cells[1], "{what}: half a transaction: {row}");
            assert_eq!(cells[2], 30 + 10 * cells[0], "{what}: {row}");
            cells[0]
        };
        db.check_integrity();
        db.run("CREATE TABLE afterwards(x); INSERT INTO afterwards VALUES(1)");
        assert_eq!(other.value("SELECT x FROM afterwards"), "1");
        other.check_integrity();
        found
    };
    detach("/recorded.db");
    found
}

/// The process dies: everything that was written is there. The last write may be there in part.
fn survives_the_death_of_the_process(journal_mode: &str, synchronous: &str) {
    let history = history(journal_mode, synchronous, None);
    let ops = history.disk.ops();
    assert!(ops > 60, "{ops} operations");
    for count in 0..=ops {
        let acknowledged = history.acknowledged(count);
        for torn in [false, true] {
            let image = history.disk.killed_after(count, torn);
            let what = format!("{journal_mode}/{synchronous}, {count} operations, torn: {torn}");
            let found = recover(&image, &what);
            assert!(
                found == acknowledged || found == acknowledged + 1,
                "{what}: {acknowledged} was acknowledged, {found} is there"
            );
        }
    }
}

/// The power fails: of what a file got since its last sync any part may be missing.
fn survives_a_power_cut(journal_mode: &str, synchronous: &str, durable: bool) {
    let history = history(journal_mode, synchronous, None);
    let mut random = Random::new(&format!("power cut, {journal_mode}/{synchronous}"));
    for count in 0..=history.disk.ops() {
        let acknowledged = history.acknowledged(count);
        for kept in [0, 2, 3] {
            // In the first round nothing that was not synced is kept, in the others some of it.
            let image = history.disk.power_cut_after(count, kept, &mut random);
            let what = format!("{journal_mode}/{synchronous}, {count} operations, {kept} of 4 kept");
            let found = recover(&image, &what);
            assert!(found <= acknowledged + 1, "{what}: {found} is there");
            if durable {
                assert!(found >= acknowledged, "{what}: {acknowledged} was acknowledged, {found} is there");
            }
        }
    }
}

#[test]
fn wal_survives_the_death_of_the_process() {
    survives_the_death_of_the_process("wal", "normal");
    survives_the_death_of_the_process("wal", "full");
}

#[test]
fn rollback_journals_survive_the_death_of_the_process() {
    survives_the_death_of_the_process("delete", "full");
    survives_the_death_of_the_process("truncate", "full");
    survives_the_death_of_the_process("persist", "full");
}

#[test]
fn wal_with_full_loses_nothing_in_a_power_cut() {
    survives_a_power_cut("wal", "full", true);
}

#[test]
fn wal_with_normal_stays_whole_in_a_power_cut() {
    survives_a_power_cut("wal", "normal", false);
}

#[test]
fn rollback_journals_stay_whole_in_a_power_cut() {
    // A journal's end need not be durable when the commit is: then the last transaction is undone as a whole.
    survives_a_power_cut("delete", "full", false);
    survives_a_power_cut("truncate", "full", false);
    survives_a_power_cut("persist", "full", false);
}

/// The power fails while a cache holds writes back and lets go of them in any order: what a test of processes that die
/// cannot show.
fn survives_any_order(journal_mode: &str, synchronous: &str, durable: bool, seed: u64) {
    let history = history(journal_mode, synchronous, Some(seed));
    let mut random = Random::with_seed(seed);
    for count in 0..=history.disk.ops() {
        let acknowledged = history.acknowledged(count);
        let image = history.disk.killed_after(count, random.below(2) == 0);
        let what = format!("{journal_mode}/{synchronous}, {count} operations, ALUDEL_SEED={seed}");
        let found = recover(&image, &what);
        assert!(found <= acknowledged + 1, "{what}: {found} is there");
        assert!(found >= acknowledged || !durable, "{what}: {acknowledged} was acknowledged, {found} is there");
    }
}

#[test]
fn databases_survive_a_power_cut_in_whatever_order_writes_reach_the_disk() {
    let seed = Random::seed_for("any order");
    for n in 0..5 {
        let seed = seed.wrapping_add(n);
        survives_any_order("wal", "full", true, seed);
        survives_any_order("wal", "normal", false, seed);
        survives_any_order("delete", "full", false, seed);
        survives_any_order("persist", "full", false, seed);
    }
}

/// A test that nothing can fail shows nothing.
#[test]
fn a_database_that_is_never_flushed_does_not_survive_any_order() {
    let seed = Random::seed_for("never flushed");
    for journal_mode in ["wal", "delete"] {
        let found = (0..50).any(|n| {
            let survives = || survives_any_order(journal_mode, "off", false, seed.wrapping_add(n));
            let found = std::panic::catch_unwind(survives).is_err();
            detach("/recorded.db");
            found
        });
        assert!(found, "{journal_mode} was not found out");
    }
}
