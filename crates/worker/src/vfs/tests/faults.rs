//! Whole workloads on a disk that fails: every failure is told as what it is, the database stays whole, what was
//! acknowledged is there, and what was not is there entirely or not at all; now, and after a crash.
//!
//! `ALUDEL_SEEDS=<count>` runs more of them; a failure names its seed, and `ALUDEL_SEED=<seed> ALUDEL_SEEDS=1` runs that.

use crate::sqlite::{Connection, Failure};
use crate::vfs::simulated::{Call, Failing, Plan, Random, SimulatedDisk};
use crate::vfs::{VFS_NAME, detach, last_error, register};
use aludel_protocol::{ErrorKind, StorageReason};
use std::collections::BTreeMap;

const PATH: &str = "/faults.db";
const AFTER: &str = "/after-the-crash.db";

/// Rows by their ids: a number, and how many bytes lie beside it.
type Rows = BTreeMap<i64, (i64, usize)>;

/// A commit that was tried.
#[derive(Debug)]
struct Attempt {
    /// After how many things that were done on the disk it began.
    began: usize,
    /// After how many it was acknowledged.
    acknowledged: Option<usize>,
    rows: Rows,
}

/// How a disk fails in a workload.
#[derive(Clone, Copy, PartialEq)]
enum Faults {
    /// In any way that it can, and says so.
    Any,
    /// It loses what it says that it wrote.
    LostWrites,
    /// It does not flush when it says that it did.
    LostSyncs,
}

/// A database with connections on a disk, and what should be in it.
struct Workload {
    seed: u64,
    random: Random,
    disk: SimulatedDisk,
    connections: Vec<Connection>,
    durable: bool,
    /// Whether a cache writes back in any order, so that what was written and not synced may die with the machine.
    reorders: bool,
    attempts: Vec<Attempt>,
    failures: usize,
}

fn seeds(what: &str, count: u64) -> impl Iterator<Item = u64> {
    let first = Random::seed_for(what);
    let count = std::env::var("ALUDEL_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(count);
    (0..count).map(move |n| first.wrapping_add(n.wrapping_mul(0x1234_5678_9abc_def1)))
}

fn rows(connection: &Connection) -> Result<Rows, Failure> {
    let sql = "SELECT coalesce(group_concat(id || ' ' || v || ' ' || length(pad), ','), '') FROM \
               (SELECT id, v, pad FROM t ORDER BY id)";
    let text = connection.query(sql)?.unwrap_or_default();
    let row = |row: &str| {
        let cells: Vec<i64> = row.split(' ').map(|cell| cell.parse().unwrap()).collect();
        (cells[0], (cells[1], cells[2] as usize))
    };
    Ok(text.split(',').filter(|text| !text.is_empty()).map(row).collect())
}

impl Workload {
    fn new(seed: u64) -> Workload {
        register().unwrap();
        let mut random = Random::with_seed(seed);
        let disk = SimulatedDisk::new();
        let reorders = random.below(3) == 0;
        if reorders {
            disk.reorder(random.number());
        }
        disk.attach(PATH, true).unwrap();
        let durable = random.below(2) == 0;
        let mut this =
            Workload { seed, random, disk, connections: vec![], durable, reorders, attempts: vec![], failures: 0 };
        this.open(2);
        let run = |sql: &str| this.connections[0].query(sql).unwrap();
        run("CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER, pad BLOB)");
        run("CREATE INDEX byv ON t(v)");
        // All of it is past the cache.
        run("PRAGMA wal_checkpoint(TRUNCATE)");
        this.disk.remember();
        this.attempts.push(Attempt { began: 0, acknowledged: Some(0), rows: Rows::new() });
        this
    }

    fn open(&mut self, count: usize) {
        for _ in 0..count {
            let connection = self.try_open().unwrap();
            self.connections.push(connection);
        }
    }

    fn try_open(&mut self) -> Result<Connection, Failure> {
        let connection = Connection::open(PATH, VFS_NAME, true)?;
        // A small cache lets pages reach the files before the commit.
        let cache = [2, 5, 1000][self.random.below(3)];
        let synchronous = if self.durable { "FULL" } else { "NORMAL" };
        for pragma in [
            "journal_mode = wal".to_owned(),
            format!("synchronous = {synchronous}"),
            format!("cache_size = {cache}"),
            "wal_autocheckpoint = 12".to_owned(),
            "journal_size_limit = 40000".to_owned(),
        ] {
            connection.query(&format!("PRAGMA {pragma}"))?;
        }
        Ok(connection)
    }

    fn committed(&self) -> &Rows {
        &self.attempts.iter().rev().find(|attempt| attempt.acknowledged.is_some()).unwrap().rows
    }

    /// A failure has to be one of the storage, by the right name.
    fn check(&mut self, failure: Failure, what: &str) {
        self.failures += 1;
        let (seed, code) = (self.seed, failure.code());
        let error = failure.into_error(None);
        assert_eq!(error.kind(), ErrorKind::Storage, "seed {seed}, {what}: {error:?}");
        let reason = match code & 0xff {
            crate::sqlite::ffi::SQLITE_FULL => StorageReason::Quota,
            crate::sqlite::ffi::SQLITE_IOERR => StorageReason::Io,
            _ => panic!("seed {seed}, {what}: {error:?}"),
        };
        assert_eq!(error.reason(), Some(reason), "seed {seed}, {what}: {error:?}");
        let why = ["told to fail", "only a part of what is there"];
        assert!(why.iter().any(|why| error.message().contains(why)), "seed {seed}, {what}: {error:?}");
        drop(last_error());
    }

    /// A transaction with a few statements; gives up at the first that fails.
    fn transaction(&mut self) {
        let which = self.random.below(self.connections.len());
        let mut rows = self.committed().clone();
        let mut statements = vec!["BEGIN IMMEDIATE".to_owned()];
        for _ in 0..1 + self.random.below(5) {
            let id = self.random.below(40) as i64;
            let v = self.random.below(1000) as i64;
            match self.random.below(6) {
                0..=2 => {
                    let pad = [0, 100, 900, 3000, 9000][self.random.below(5)];
                    statements.push(format!("INSERT OR REPLACE INTO t VALUES({id}, {v}, zeroblob({pad}))"));
                    rows.insert(id, (v, pad));
                }
                3 => {
                    statements.push(format!("UPDATE t SET v = {v} WHERE id >= {id}"));
                    rows.range_mut(id..).for_each(|(_, row)| row.0 = v);
                }
                4 => {
                    statements.push(format!("DELETE FROM t WHERE id BETWEEN {id} AND {}", id + 5));
                    rows.retain(|other, _| !(id..=id + 5).contains(other));
                }
                _ => {
                    statements.push("SAVEPOINT s".into());
                    statements.push(format!("UPDATE t SET v = -1, pad = zeroblob({})", 100 + v));
                    statements.push("ROLLBACK TO s".into());
                    statements.push("RELEASE s".into());
                }
            }
        }
        for sql in &statements {
            if let Err(failure) = self.connections[which].query(sql) {
                self.check(failure, sql);
                return self.roll_back(which);
            }
        }
        if self.random.below(8) == 0 {
            return self.roll_back(which);
        }
        self.attempts.push(Attempt { began: self.disk.ops(), acknowledged: None, rows });
        match self.connections[which].query("COMMIT") {
            Ok(_) => self.attempts.last_mut().unwrap().acknowledged = Some(self.disk.ops()),
            Err(failure) => {
                self.check(failure, "COMMIT");
                self.roll_back(which);
            }
        }
    }

    fn roll_back(&mut self, which: usize) {
        if self.connections[which].in_transaction()
            && let Err(failure) = self.connections[which].query("ROLLBACK")
        {
            self.check(failure, "ROLLBACK");
        }
        assert!(!self.connections[which].in_transaction(), "seed {}: a transaction stayed open", self.seed);
    }

    /// Something besides transactions.
    fn something_else(&mut self) {
        let which = self.random.below(self.connections.len());
        let sql = [
            "PRAGMA wal_checkpoint(PASSIVE)",
            "PRAGMA wal_checkpoint(RESTART)",
            "PRAGMA wal_checkpoint(TRUNCATE)",
            "VACUUM",
            "REINDEX",
            "SELECT count(*), max(length(pad)) FROM t WHERE v >= 0",
            "CREATE TEMP TABLE IF NOT EXISTS copy AS SELECT * FROM t ORDER BY pad, v",
        ][self.random.below(7)];
        if let Err(failure) = self.connections[which].query(sql) {
            self.check(failure, sql);
        }
        if self.random.below(6) == 0 {
            self.connections.remove(which);
            match self.try_open() {
                Ok(connection) => self.connections.push(connection),
                Err(failure) => {
                    self.check(failure, "opening");
                    self.disk.plan(None);
                    self.open(1);
                }
            }
        }
    }

    /// With a disk that works again everybody sees what was committed, and it is whole.
    fn check_now(&mut self) {
        self.disk.plan(None);
        let seed = self.seed;
        for connection in &self.connections {
            let found = rows(connection).unwrap_or_else(|failure| panic!("seed {seed}: {failure:?}"));
            assert_eq!(&found, self.committed(), "seed {seed}");
            assert_eq!(connection.query("PRAGMA integrity_check").unwrap().as_deref(), Some("ok"), "seed {seed}");
        }
    }

    /// Opens the files as a crash left them; `lasts` says whether all that was acknowledged has to be there.
    fn check_after(&self, image: &SimulatedDisk, count: usize, lasts: bool, what: &str) {
        // What failed at its last step may come to light in a crash, until another commit takes its place in the log; one
        // that changed nothing does not.
        let took_place = |one: &Attempt| one.acknowledged.is_some_and(|at| at <= count && at > one.began);
        let at = self.attempts.iter().rposition(took_place).unwrap_or(0);
        let from = if lasts { at } else { 0 };
        image.rename(PATH, AFTER);
        image.attach(AFTER, false).unwrap();
        let found = {
            let connection = Connection::open(AFTER, VFS_NAME, true).unwrap();
            let what = format!("seed {}, {what} after {count}", self.seed);
            let found = rows(&connection).unwrap_or_else(|failure| panic!("{what}: {failure:?}"));
            let whole = connection.query("PRAGMA integrity_check").unwrap();
            assert_eq!(whole.as_deref(), Some("ok"), "{what}");
            connection.query("INSERT INTO t VALUES(1000, 1, NULL)").unwrap();
            found
        };
        detach(AFTER);
        let may_be = self.attempts[from..].iter().filter(|attempt| attempt.began <= count);
        let among = may_be.clone().count();
        assert!(
            may_be.clone().any(|attempt| attempt.rows == found),
            "seed {}, {what} after {count}: {found:?} is none of {among}, from {from} of {:#?}",
            self.seed,
            self.attempts
        );
    }

    fn plan(&mut self, faults: Faults) -> Plan {
        if faults != Faults::Any {
            let call = Some(if faults == Faults::LostWrites { Call::Write } else { Call::Sync });
            let count = if faults == Faults::LostWrites { 1 } else { u64::MAX };
            return Plan { call, after: self.random.below(10) as u64, count, failing: Failing::Unsaid };
        }
        let calls = [None, None, Some(Call::Write), Some(Call::Write), Some(Call::Sync), Some(Call::Read)];
        let more = [Some(Call::Truncate), Some(Call::Size)];
        let call = *calls.iter().chain(&more).nth(self.random.below(calls.len() + more.len())).unwrap();
        let after = self.random.below([3, 30, 200][self.random.clone().below(3)]) as u64;
        let count = [1, 1, 2, 5, u64::MAX][self.random.below(5)];
        Plan { call, after, count, failing: [Failing::Io, Failing::Full, Failing::Half][self.random.below(3)] }
    }
}

fn survives(faults: Faults, seed: u64) -> (usize, usize) {
    let mut this = Workload::new(seed);
    for _ in 0..3 {
        let plan = this.plan(faults);
        this.disk.plan(Some(plan));
        for _ in 0..this.random.below(6) {
            if this.random.below(4) == 0 {
                this.something_else();
            } else {
                this.transaction();
            }
        }
        if this.random.below(3) == 0 {
            // The process dies while the disk fails.
            let count = this.disk.ops();
            this.check_after(&this.disk.killed_after(count, false), count, this.durable || !this.reorders, "killed");
        }
        this.check_now();
        this.transaction();
        this.check_now();
    }
    let ops = this.disk.ops();
    for _ in 0..3 {
        let count = this.random.below(ops + 1);
        let torn = this.random.below(2) == 0;
        this.check_after(&this.disk.killed_after(count, torn), count, this.durable || !this.reorders, "killed");
        let kept = this.random.below(4);
        let image = this.disk.power_cut_after(count, kept, &mut this.random);
        this.check_after(&image, count, this.durable, "the power cut");
    }
    this.connections.clear();
    this.disk.plan(None);
    this.open(1);
    this.check_now();
    this.connections.clear();
    detach(PATH);
    (this.failures, this.attempts.len())
}

#[test]
fn a_disk_that_fails_costs_nothing_that_was_acknowledged() {
    let (mut failures, mut attempts) = (0, 0);
    for seed in seeds("a disk that fails", 1000) {
        let (failed, tried) = survives(Faults::Any, seed);
        failures += failed;
        attempts += tried;
    }
    assert!(failures > 100 && attempts > 1000, "{failures} failures, {attempts} commits");
}

/// A test that nothing can fail shows nothing.
#[test]
fn a_disk_that_lies_is_found_out() {
    for (faults, what) in
        [(Faults::LostWrites, "a disk that loses writes"), (Faults::LostSyncs, "a disk that does not flush")]
    {
        let found = seeds(what, 200).position(|seed| {
            let found = std::panic::catch_unwind(|| survives(faults, seed)).is_err();
            detach(PATH);
            detach(AFTER);
            found
        });
        assert!(found.is_some(), "{what} was not found out");
    }
}
