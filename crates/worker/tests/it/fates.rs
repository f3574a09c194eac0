//! What the next host says of requests whose host died, and which host it is, on real files.

use crate::bench::{Bench, Got, Outcome, execute, options};
use crate::scratch::Scratch;
use aludel_protocol::{
    BeginMode, Delivery, Error, ErrorKind, Execute, Fate, OpenOptions, RepeatClass, Request, Storage, StorageReason,
    TransactionOp, Value,
};
use std::path::PathBuf;

const CLIENT: u64 = 7;

/// A database file in a directory of its own.
struct Place(Scratch);

impl Place {
    fn new() -> Place {
        Place(Scratch::new())
    }

    fn file(&self, suffix: &str) -> PathBuf {
        self.0.path(&format!("app.db{suffix}"))
    }

    fn options(&self) -> OpenOptions {
        options(Storage::Disk, self.file("").to_str().unwrap())
    }

    /// A host, with one client that has a connection; its requests may be in doubt.
    fn host(&self) -> Bench {
        let mut bench = Bench::fresh();
        bench.greet_as(CLIENT);
        bench.open(1, self.options());
        bench.class = RepeatClass::InDoubt;
        bench
    }

    fn try_host(&self) -> Result<Bench, Error> {
        let mut bench = Bench::fresh();
        bench.greet_as(CLIENT);
        let id = bench.send(1, Request::Open(self.options()));
        bench.settle();
        match bench.take(id).remove(0) {
            Got::Opened(_) => Ok(bench),
            Got::Error(error, _) => Err(error),
            other => panic!("{other:?}"),
        }
    }
}

fn fates(bench: &mut Bench, requests: &[u64]) -> Vec<Fate> {
    let id = bench.send(1, Request::Fates(requests.to_vec()));
    bench.settle();
    match bench.take(id).remove(0) {
        Got::Fates(fates) => fates,
        other => panic!("{other:?}"),
    }
}

fn committed(changes: i64, last_insert_rowid: i64, had_rows: bool) -> Fate {
    Fate::Committed { changes, last_insert_rowid, had_rows }
}

fn own(sql: &str) -> Execute<'_> {
    Execute { begin: BeginMode::Own, ..execute(sql) }
}

fn set(value: i64) -> Vec<Value> {
    vec![Value::Integer(value)]
}

#[test]
fn the_next_host_tells_what_a_statement_came_to() {
    let place = Place::new();
    let mut bench = place.host();
    bench.run(1, "create table t (id integer primary key, v unique)");
    let mut asked = Vec::new();
    let mut ask = |bench: &mut Bench, execute: &Execute<'_>, sets: &[Vec<Value>], fate| {
        let id = bench.send_execute(1, execute, sets);
        bench.settle();
        asked.push((id, fate, bench.outcome(id)));
    };
    let insert = "insert into t (v) values (?)";
    ask(&mut bench, &own(insert), &[set(1)], committed(1, 1, false));
    ask(&mut bench, &execute(insert), &[set(2)], committed(1, 2, false));
    let many = Execute { many: true, ..own(insert) };
    ask(&mut bench, &many, &[set(3), set(4), set(5)], committed(3, 5, false));
    ask(&mut bench, &own("insert into t (v) values (?) returning id"), &[set(6)], committed(1, 6, true));
    ask(&mut bench, &own("update t set v = v + 100 where id > 2"), &[], committed(4, 6, false));
    // It changes nothing, but it is a commit that did nothing, which nobody can tell from none.
    ask(&mut bench, &own("delete from t where id > 100"), &[], Fate::NotCommitted);
    ask(&mut bench, &own("create table u (a)"), &[], committed(-1, 6, false));
    let streamed = Execute {
        delivery: Delivery::Stream { credits: 9, max_rows: 0 },
        ..own("insert into t (v) values (?) returning id")
    };
    ask(&mut bench, &streamed, &[set(7)], committed(1, 7, true));
    let streamed = Execute { sql: insert, ..streamed };
    ask(&mut bench, &streamed, &[set(8)], committed(1, 8, false));
    // Failures, reads and requests that never came.
    ask(&mut bench, &own(insert), &[set(1)], Fate::NotCommitted);
    ask(&mut bench, &many, &[set(9), set(1)], Fate::NotCommitted);
    ask(&mut bench, &own("select * from t"), &[], Fate::NotCommitted);
    bench.service.crash();

    let mut next = place.host();
    let ids: Vec<u64> = asked.iter().map(|(id, ..)| *id).chain([99_999]).collect();
    let told = fates(&mut next, &ids);
    for ((_, fate, outcome), told) in asked.iter().zip(&told) {
        // A statement that changed nothing may be told either way.
        let nothing = matches!(outcome, Ok(Outcome { changes: 0, .. }));
        assert!(told == fate || (nothing && *told == committed(0, 6, false)), "{outcome:?}: {told:?}");
        if let (Fate::Committed { changes, last_insert_rowid, had_rows: false }, Ok(outcome)) = (fate, outcome)
            && *changes >= 0
        {
            assert_eq!((*changes, *last_insert_rowid), (outcome.changes, outcome.last_insert_rowid));
        }
    }
    assert_eq!(told.last(), Some(&Fate::NotCommitted));
    assert_eq!(next.integer(1, "select count(*) from t"), 8);
}

#[test]
fn the_next_host_tells_whether_a_transaction_was_committed() {
    let place = Place::new();
    let mut bench = place.host();
    bench.run(1, "create table t (id integer primary key)");
    let transaction = |bench: &mut Bench, op| {
        let begin = Execute { begin: BeginMode::Auto, ..execute("insert into t default values") };
        bench.try_run(1, &begin, &[]).unwrap();
        let id = bench.send_transaction(1, op);
        bench.settle();
        id
    };
    let first = transaction(&mut bench, TransactionOp::Commit);
    let given_up = transaction(&mut bench, TransactionOp::Rollback);
    let second = transaction(&mut bench, TransactionOp::Commit);
    // The last one is not over: its COMMIT has arrived, and the worker dies before it is looked at.
    let begin = Execute { begin: BeginMode::Auto, ..execute("insert into t default values") };
    bench.try_run(1, &begin, &[]).unwrap();
    let never = bench.send_transaction(1, TransactionOp::Commit);
    bench.service.crash();
    let mut next = place.host();
    let told = fates(&mut next, &[first, given_up, second, never]);
    assert_eq!(told, [committed(-1, 1, false), Fate::NotCommitted, committed(-1, 2, false), Fate::NotCommitted]);
    assert_eq!(next.integer(1, "select count(*) from t"), 2);
    // Whoever else asks has asked for nothing of that kind.
    next.greet_as(CLIENT + 1);
    next.open(1, place.options());
    assert_eq!(fates(&mut next, &[first]), [Fate::NotCommitted]);
}

#[test]
fn whether_a_commit_is_done_counts_and_not_how_it_came_about() {
    let place = Place::new();
    let mut bench = place.host();
    bench.run(1, "create table t (id integer primary key)");
    let sql = ["begin", "insert into t default values", "savepoint s", "release s", "commit"];
    let ids: Vec<u64> = sql.iter().map(|sql| bench.send_execute(1, &execute(sql), &[])).collect();
    let outer = ["savepoint o", "insert into t default values", "release o"];
    let others: Vec<u64> = outer.iter().map(|sql| bench.send_execute(1, &execute(sql), &[])).collect();
    bench.settle();
    bench.service.crash();
    let mut next = place.host();
    let is_committed = |fate: &Fate| matches!(fate, Fate::Committed { .. });
    let told: Vec<bool> = fates(&mut next, &ids).iter().map(is_committed).collect();
    assert_eq!(told, [false, false, false, false, true]);
    let told: Vec<bool> = fates(&mut next, &others).iter().map(is_committed).collect();
    assert_eq!(told, [false, false, true]);
    assert_eq!(next.integer(1, "select count(*) from t"), 2);
}

#[test]
fn what_a_statement_keeps_when_it_fails_is_told_as_committed() {
    let place = Place::new();
    let mut bench = place.host();
    bench.run(1, "create table t (v unique)");
    bench.run(1, "insert into t values (3)");
    for (begin, kept) in [(BeginMode::None, 3), (BeginMode::Own, 5)] {
        let sql = format!("insert or fail into t values ({}), ({}), (3)", kept * 10, kept * 10 + 1);
        let fail = Execute { begin, ..execute(&sql) };
        let error = bench.try_run(1, &fail, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        // As SQLite itself does it, and nothing is left open.
        assert_eq!(bench.integer(1, "select count(*) from t"), kept);
        assert!(!bench.run(1, "select 1").in_transaction);
    }
    let sql = "insert or rollback into t values (70), (3)";
    bench.try_run(1, &own(sql), &[]).unwrap_err();
    let last = bench.send_execute(1, &own("insert or fail into t values (80), (3)"), &[]);
    bench.settle();
    bench.service.crash();
    let mut next = place.host();
    assert!(matches!(fates(&mut next, &[last])[..], [Fate::Committed { had_rows: true, .. }]));
    assert_eq!(next.integer(1, "select count(*) from t"), 6);
}

#[test]
fn a_request_of_its_own_is_no_transaction_of_the_connection() {
    let place = Place::new();
    let mut bench = place.host();
    bench.run(1, "create table t (id integer primary key, v)");
    bench.run(1, "insert into t (v) values (1), (2), (3)");
    // A stream goes on beside it, and so it does when the statement takes several turns.
    let stream = crate::bench::stream("select id from t where id <= 3", 1, 1);
    let read = bench.send_execute(1, &stream, &[]);
    bench.settle();
    let slow = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)
                insert into t (v) select i from n returning id";
    bench.service.environment_mut().tick = 0.05;
    let id = bench.send_execute(1, &own(slow), &[]);
    bench.settle();
    let frames = bench.rows(id);
    assert!(frames.iter().all(|rows| !rows.in_transaction), "{} frames", frames.len());
    bench.send(1, Request::Credit { stream: read, credits: 9 });
    bench.settle();
    let rows: usize = bench.rows(read).iter().map(|rows| rows.rows.len()).sum();
    assert_eq!(rows, 3);
    // One that is cancelled on its way leaves nothing.
    bench.service.environment_mut().tick = 3.0;
    let id = bench.send_execute(1, &own(slow), &[]);
    assert_eq!(bench.service.turn(), aludel_worker::Turn::Again);
    bench.send(1, Request::Cancel { request: id });
    bench.settle();
    assert!(matches!(bench.take(id).pop(), Some(Got::Error(error, false)) if error.kind() == ErrorKind::Cancelled));
    assert_eq!(bench.integer(1, "select count(*) from t"), 3003);
}

#[test]
fn hosts_are_counted_and_replies_say_which_it_is() {
    let place = Place::new();
    for epoch in 1..=3 {
        let mut bench = place.host();
        assert_eq!(bench.told_epoch, epoch);
        bench.run(1, "create table if not exists t (a)");
        // The same host with no connection in between is the same host.
        let close = bench.send(1, Request::Close);
        bench.settle();
        assert_eq!(bench.take(close), [Got::Done(false)]);
        bench.open(1, place.options());
        assert_eq!(bench.told_epoch, epoch);
        bench.epoch = epoch - 1;
        if epoch > 1 {
            let stale = bench.fail(1, "insert into t values (1)");
            assert_eq!((stale.kind(), bench.told_epoch), (ErrorKind::HostLost, epoch));
        }
        bench.epoch = epoch;
        bench.run(1, "insert into t values (1)");
        assert_eq!(bench.integer(1, "select count(*) from t"), i64::from(epoch));
        if epoch == 2 {
            bench.service.crash();
        }
    }
}

#[test]
fn an_open_for_another_host_is_refused_with_all_that_follows_it() {
    let place = Place::new();
    place.host();
    let mut bench = Bench::fresh();
    bench.greet_as(CLIENT);
    bench.epoch = 1;
    let open = bench.send(1, Request::Open(place.options()));
    let insert = bench.send_execute(1, &execute("create table t (a)"), &[]);
    bench.settle();
    assert_eq!(bench.error(open).0.kind(), ErrorKind::HostLost);
    assert_eq!(bench.error(insert).0.kind(), ErrorKind::HostLost);
    bench.epoch = 2;
    bench.open(1, place.options());
    assert_eq!(bench.integer(1, "select count(*) from sqlite_schema"), 0);
}

#[test]
fn what_was_committed_without_a_log_is_unknown() {
    let place = Place::new();
    let mut bench = place.host();
    bench.run(1, "create table t (a)");
    let insert = own("insert into t values (1)");
    let logged = bench.send_execute(1, &insert, &[]);
    bench.settle();
    assert_eq!(bench.scalar(1, "pragma journal_mode = delete"), Value::Text("delete".into()));
    let blind = bench.send_execute(1, &insert, &[]);
    bench.settle();
    assert_eq!(bench.scalar(1, "pragma journal_mode = wal"), Value::Text("wal".into()));
    let again = bench.send_execute(1, &insert, &[]);
    bench.settle();
    bench.service.crash();
    let mut next = place.host();
    let told = fates(&mut next, &[logged, blind, again, again + 1]);
    assert_eq!(told, [committed(1, 1, false), Fate::Unknown, committed(1, 3, false), Fate::NotCommitted]);
    assert_eq!(next.integer(1, "select count(*) from t"), 3);
}

/// The log of the database says nothing of what was committed to others.
#[test]
fn nobody_knows_what_was_committed_with_other_files_attached() {
    let place = Place::new();
    let mut bench = place.host();
    bench.run(1, "create table t (id integer primary key)");
    bench.run(1, "attach ':memory:' as memory");
    let mut run = |sql: &str| {
        let id = bench.send_execute(1, &own(sql), &[]);
        bench.settle();
        bench.outcome(id).unwrap();
        id
    };
    let alone = run("insert into t default values");
    run("attach 'other.db' as other");
    run("create table other.u (id integer primary key)");
    let here = run("insert into t default values");
    let there = run("insert into other.u default values");
    run("detach other");
    let again = run("insert into t default values");
    bench.service.crash();
    let mut next = place.host();
    let told = fates(&mut next, &[alone, here, there, again]);
    assert_eq!(told, [committed(1, 1, false), Fate::Unknown, Fate::Unknown, committed(1, 3, false)]);
    next.run(1, "attach 'other.db' as other");
    assert_eq!(next.integer(1, "select count(*) from other.u"), 1);
}

/// It adds to the log, or begins it anew, and has no mark of its own.
#[test]
fn an_import_leaves_what_was_known_as_it_was() {
    use aludel_protocol::ImportStep;
    let source = Place::new();
    let mut bench = source.host();
    bench.run(1, "create table u (a)");
    drop(bench);
    let bytes = std::fs::read(source.file("")).unwrap();
    for reader in [false, true] {
        let place = Place::new();
        let mut bench = place.host();
        bench.open(2, place.options());
        bench.run(1, "create table t (id integer primary key)");
        let ask = |bench: &mut Bench, sql: &str| {
            let id = bench.send_execute(1, &own(sql), &[]);
            bench.settle();
            (id, bench.outcome(id).is_ok())
        };
        let (done, _) = ask(&mut bench, "insert into t default values");
        let (failed, succeeded) = ask(&mut bench, "insert into t values (1)");
        assert!(!succeeded);
        if reader {
            bench.run(2, "begin");
            bench.integer(2, "select count(*) from t");
        }
        for step in [ImportStep::Begin(0), ImportStep::Chunk(&bytes), ImportStep::Finish] {
            let id = bench.send(1, Request::Import(step));
            bench.settle();
            assert_eq!(bench.take(id).pop(), Some(Got::Done(false)));
        }
        bench.service.crash();
        let mut next = place.host();
        assert_eq!(fates(&mut next, &[done, failed]), [committed(1, 1, false), Fate::NotCommitted], "{reader}");
        assert_eq!(next.integer(1, "select count(*) from u"), 0);
    }
}

/// Whoever attaches a file is its host as well.
#[test]
fn what_a_dead_host_committed_is_known_after_its_file_was_attached_to_another() {
    let place = Place::new();
    let mut bench = place.host();
    bench.run(1, "create table t (id integer primary key)");
    let done = bench.send_execute(1, &own("insert into t default values"), &[]);
    bench.settle();
    bench.outcome(done).unwrap();
    bench.service.crash();
    let mut other = Bench::fresh();
    other.greet_as(CLIENT + 1);
    let path = place.0.path("main.db");
    other.open(1, options(Storage::Disk, path.to_str().unwrap()));
    other.run(1, "attach 'app.db' as app");
    other.run(1, "insert into app.t default values");
    other.run(1, "pragma app.wal_checkpoint(truncate)");
    other.run(1, "detach app");
    let mut next = place.host();
    assert_eq!(fates(&mut next, &[done]), [committed(1, 1, false)]);
    assert_eq!(next.integer(1, "select count(*) from t"), 2);
}

#[test]
fn a_program_of_its_own_has_no_marks() {
    let place = Place::new();
    let mut bench = Bench::greeted();
    bench.open(1, place.options());
    bench.class = RepeatClass::InDoubt;
    bench.run(1, "create table t (a)");
    let id = bench.send_execute(1, &own("insert into t values (1)"), &[]);
    bench.settle();
    bench.outcome(id).unwrap();
    assert!(!place.file("-mark").exists());
    assert_eq!(fates(&mut bench, &[id]), [Fate::Unknown]);
    drop(bench);
    // Where there are some, it takes its place among the hosts.
    drop(place.host());
    let mut bench = Bench::greeted();
    bench.open(1, place.options());
    assert_eq!(bench.told_epoch, 2);
}

#[test]
fn a_damaged_database_is_refused_after_an_unclean_end() {
    let place = Place::new();
    let mut bench = place.host();
    bench.run(1, "create table t (id integer primary key, v)");
    bench.run(1, "insert into t (v) values (zeroblob(3000)), (zeroblob(3000)), (zeroblob(3000)), (zeroblob(3000))");
    bench.run(1, "pragma wal_checkpoint(truncate)");
    bench.service.crash();
    // As such it is in order, and found to be.
    place.try_host().unwrap().service.crash();

    let whole = std::fs::read(place.file("")).unwrap();
    let mut torn = whole.clone();
    torn[4096..4200].fill(0xee);
    for (bytes, message) in [(&whole[..whole.len() - 4096], "malformed"), (&torn[..], "page 2")] {
        std::fs::write(place.file(""), bytes).unwrap();
        let error = place.try_host().err().unwrap();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::Corrupt)));
        let said = error.message();
        assert!(said.contains("not closed in good order") && said.contains(message), "{said}");
        // It stays so until somebody does something about it.
        assert!(place.try_host().is_err());
    }
    std::fs::write(place.file(""), &whole).unwrap();
    let mut bench = place.try_host().unwrap();
    assert_eq!(bench.integer(1, "select count(*) from t"), 4);
    drop(bench);
    // Nobody looks after an end in good order.
    std::fs::write(place.file(""), &torn).unwrap();
    place.try_host().unwrap();
}

#[test]
fn rows_that_break_a_constraint_are_no_damage() {
    let place = Place::new();
    let mut bench = place.host();
    bench.run(1, "create table t (v int check (v > 0), w text not null) strict").rows.len();
    bench.run(1, "pragma ignore_check_constraints = on");
    bench.run(1, "insert into t values (-1, 'x')");
    bench.service.crash();
    let mut bench = place.try_host().unwrap();
    assert_ne!(bench.scalar(1, "pragma quick_check"), Value::Text("ok".into()));
}

#[test]
fn a_mark_file_of_garbage_is_made_anew() {
    let place = Place::new();
    place.host().run(1, "create table t (a)");
    std::fs::write(place.file("-mark"), vec![0xa5; 70_000]).unwrap();
    let mut bench = place.host();
    let id = bench.send_execute(1, &own("insert into t values (1)"), &[]);
    bench.settle();
    bench.outcome(id).unwrap();
    bench.service.crash();
    let mut next = place.host();
    assert_eq!(fates(&mut next, &[id, id + 1]), [committed(1, 1, false), Fate::NotCommitted]);
}

#[test]
fn a_client_that_says_hello_again_is_told_what_became_of_its_requests() {
    let place = Place::new();
    let mut bench = place.host();
    bench.run(1, "create table t (v)");
    let insert = bench.send_execute(1, &own("insert into t values (1)"), &[]);
    bench.settle();
    bench.greet_as(CLIENT);
    bench.open(1, place.options());
    assert_eq!(fates(&mut bench, &[insert, insert + 100]), [committed(1, 1, false), Fate::NotCommitted]);
}

/// SQLite says of a page that it cannot read what it says of a damaged one.
#[cfg(feature = "faults")]
#[test]
fn a_disk_that_cannot_be_read_is_not_taken_for_a_damaged_database() {
    use aludel_worker::vfs::simulated::{Call, Failing, Plan, SimulatedDisk};
    let host = |disk: &SimulatedDisk| {
        let mut bench = Bench::fresh();
        bench.greet_as(CLIENT);
        bench.service.environment_mut().disk = Some(disk.clone());
        let id = bench.send(1, Request::Open(options(Storage::Opfs, "unread.db")));
        bench.settle();
        (bench.take(id).remove(0), bench)
    };
    let disk = SimulatedDisk::new();
    let (_, mut bench) = host(&disk);
    bench.run(1, "create table t (id integer primary key, v)");
    bench.run(1, "insert into t with recursive n(i) as (select 1 union all select i + 1 from n where i < 50) select i, zeroblob(900) from n");
    bench.run(1, "pragma wal_checkpoint(truncate)");
    bench.service.crash();
    let mut failed = 0;
    for after in 0.. {
        disk.plan(Some(Plan { call: Some(Call::Read), after, count: 1, failing: Failing::Io }));
        let (got, mut bench) = host(&disk);
        let hit = disk.seen().1 > 0;
        disk.plan(None);
        if let Got::Error(error, _) = got {
            assert_eq!(error.reason(), Some(StorageReason::Io), "after {after}: {error}");
            failed += 1;
        }
        bench.service.crash();
        if !hit {
            break;
        }
    }
    assert!(failed > 0);
}
