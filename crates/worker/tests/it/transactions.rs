//! Transactions and savepoints.

use crate::bench::{Bench, Got, execute, options};
use crate::scratch::Scratch;
use aludel_protocol::{BeginMode, Durability, Error, ErrorKind, Execute, OpenOptions, Storage, TransactionOp};

fn error(got: Got) -> (Error, bool) {
    let Got::Error(error, in_transaction) = got else { panic!("{got:?}") };
    (error, in_transaction)
}

fn table() -> Bench {
    let mut bench = Bench::with(2);
    bench.run(1, "create table t (id integer primary key)");
    bench
}

#[test]
fn begin_commit_and_rollback_do_what_they_say() {
    let mut bench = table();
    for mode in [BeginMode::Deferred, BeginMode::Immediate, BeginMode::Exclusive] {
        assert_eq!(bench.transaction(1, TransactionOp::Begin(mode)), Got::Done(true));
        assert!(bench.run(1, "insert into t default values").in_transaction);
        assert_eq!(bench.integer(2, "select count(*) from t"), 0);
        assert_eq!(bench.transaction(1, TransactionOp::Rollback), Got::Done(false));
    }
    bench.transaction(1, TransactionOp::Begin(BeginMode::Immediate));
    bench.run(1, "insert into t default values");
    assert_eq!(bench.transaction(1, TransactionOp::Commit), Got::Done(false));
    assert_eq!(bench.integer(2, "select count(*) from t"), 1);
}

#[test]
fn a_rollback_without_a_transaction_succeeds_and_a_commit_fails() {
    let mut bench = table();
    assert_eq!(bench.transaction(1, TransactionOp::Rollback), Got::Done(false));
    let (no_commit, in_transaction) = error(bench.transaction(1, TransactionOp::Commit));
    assert_eq!((no_commit.kind(), in_transaction), (ErrorKind::Operational, false));
    assert_eq!(no_commit.message(), "cannot commit - no transaction is active");
    bench.transaction(1, TransactionOp::Begin(BeginMode::Deferred));
    let (again, in_transaction) = error(bench.transaction(1, TransactionOp::Begin(BeginMode::Deferred)));
    assert!(in_transaction && again.message().contains("within a transaction"));
}

#[test]
fn begin_rides_with_the_first_statement() {
    let mut bench = table();
    for begin in [BeginMode::Auto, BeginMode::Deferred, BeginMode::Immediate, BeginMode::Exclusive] {
        let asked = Execute { begin, ..execute("insert into t default values") };
        let outcome = bench.try_run(1, &asked, &[]).unwrap();
        assert_eq!((outcome.in_transaction, outcome.frames), (true, 1), "{begin:?}");
        // A second request of a pipeline says so again, and finds it begun.
        assert!(bench.try_run(1, &asked, &[]).unwrap().in_transaction);
        assert_eq!(bench.integer(2, "select count(*) from t"), 0);
        bench.transaction(1, TransactionOp::Rollback);
    }
    for begin in [BeginMode::None, BeginMode::Own] {
        let asked = Execute { begin, ..execute("insert into t default values") };
        assert!(!bench.try_run(1, &asked, &[]).unwrap().in_transaction, "{begin:?}");
    }
    assert_eq!(bench.integer(2, "select count(*) from t"), 2);
}

#[test]
fn a_statement_that_cannot_be_prepared_begins_nothing_and_one_that_fails_leaves_the_transaction_open() {
    let mut bench = table();
    let auto = |sql| Execute { begin: BeginMode::Immediate, ..execute(sql) };
    for (sql, open) in [("nonsense", false), ("insert into t values ('x')", true)] {
        let id = bench.send_execute(1, &auto(sql), &[]);
        bench.settle();
        assert_eq!(bench.error(id).1, open, "{sql}");
    }
    bench.transaction(1, TransactionOp::Rollback);
}

#[test]
fn savepoints_nest() {
    let mut bench = table();
    let savepoint = |name: &str| TransactionOp::Savepoint(name.into(), BeginMode::Auto);
    let odd = "a \"quoted\" näme; drop table t";
    assert_eq!(bench.transaction(1, savepoint("sa_savepoint_1")), Got::Done(true));
    bench.run(1, "insert into t values (1)");
    assert_eq!(bench.transaction(1, savepoint(odd)), Got::Done(true));
    bench.run(1, "insert into t values (2)");
    assert_eq!(bench.transaction(1, TransactionOp::RollbackTo(odd.into())), Got::Done(true));
    let (gone, _) = error(bench.transaction(1, TransactionOp::Release(odd.into())));
    assert!(gone.message().starts_with("no such savepoint"), "{gone}");
    bench.run(1, "insert into t values (3)");
    assert_eq!(bench.transaction(1, TransactionOp::Release("sa_savepoint_1".into())), Got::Done(true));
    assert_eq!(bench.transaction(1, TransactionOp::Commit), Got::Done(false));
    assert_eq!(bench.integer(2, "select sum(id) from t"), 4);
    let own = TransactionOp::Savepoint("x".into(), BeginMode::Own);
    assert_eq!(error(bench.transaction(1, own)).0.kind(), ErrorKind::Protocol);
}

#[test]
fn a_savepoint_outside_is_a_transaction_by_itself() {
    let mut bench = table();
    let savepoint = TransactionOp::Savepoint("s".into(), BeginMode::None);
    assert_eq!(bench.transaction(1, savepoint), Got::Done(true));
    bench.run(1, "insert into t values (1)");
    assert_eq!(bench.transaction(1, TransactionOp::Release("s".into())), Got::Done(false));
    assert_eq!(bench.integer(2, "select count(*) from t"), 1);
}

#[test]
fn a_commit_that_fails_leaves_the_transaction_open_and_says_so() {
    let mut bench = table();
    bench.run(1, "create table child (parent integer references t (id) deferrable initially deferred)");
    bench.transaction(1, TransactionOp::Begin(BeginMode::Immediate));
    bench.run(1, "insert into child values (7)");
    let (refused, in_transaction) = error(bench.transaction(1, TransactionOp::Commit));
    assert_eq!((refused.kind(), in_transaction), (ErrorKind::Integrity, true));
    assert_eq!(refused.statement(), Some("COMMIT"));
    bench.run(1, "insert into t values (7)");
    assert_eq!(bench.transaction(1, TransactionOp::Commit), Got::Done(false));
    // The same for a request that is a transaction of its own: it ends, one way or the other.
    let own = Execute { begin: BeginMode::Own, many: true, ..execute("insert into child values (?)") };
    let id = bench.send_execute(1, &own, &[vec![8.into()], vec![9.into()]]);
    bench.settle();
    let (refused, in_transaction) = bench.error(id);
    assert_eq!((refused.kind(), in_transaction), (ErrorKind::Integrity, false));
    assert_eq!(bench.integer(2, "select count(*) from child"), 1);
}

#[test]
fn a_conflict_that_rolls_back_is_told() {
    let mut bench = table();
    bench.run(1, "insert into t values (1)");
    bench.transaction(1, TransactionOp::Begin(BeginMode::Immediate));
    bench.run(1, "insert into t values (2)");
    let id = bench.send_execute(1, &execute("insert or rollback into t values (1)"), &[]);
    bench.settle();
    let (error, in_transaction) = bench.error(id);
    assert_eq!((error.kind(), in_transaction), (ErrorKind::Integrity, false));
    assert_eq!(bench.integer(1, "select count(*) from t"), 1);
}

#[test]
fn schema_changes_are_part_of_transactions() {
    let mut bench = table();
    bench.transaction(1, TransactionOp::Begin(BeginMode::Immediate));
    bench.run(1, "create table u (a)");
    bench.run(1, "drop table t");
    bench.transaction(1, TransactionOp::Rollback);
    assert_eq!(bench.integer(1, "select count(*) from t"), 0);
    assert_eq!(bench.fail(1, "select * from u").message(), "no such table: u");
}

#[test]
fn answers_do_not_wait_for_a_commit_that_waits_for_the_storage() {
    let scratch = Scratch::new();
    for (durability, storage, times) in [
        (Durability::Full, Storage::Disk, 1),
        (Durability::Normal, Storage::Disk, 0),
        (Durability::Full, Storage::Memory, 0),
    ] {
        let mut bench = Bench::greeted();
        let path = scratch.name("answers.db");
        bench.open(1, OpenOptions { durability, ..options(storage, &path) });
        bench.run(1, "create table if not exists t (x)");
        let mut flushes = |execute: Execute<'_>| {
            let before = bench.service.environment_mut().flushes;
            bench.try_run(1, &execute, &[]).unwrap();
            bench.service.environment_mut().flushes - before
        };
        let own = |sql| Execute { begin: BeginMode::Own, ..execute(sql) };
        assert_eq!(flushes(own("insert into t values (1)")), times, "{durability:?} {storage:?}");
        assert_eq!(flushes(execute("insert into t values (1)")), times, "as its own, by autocommit");
        assert_eq!(flushes(own("select * from t")), 0, "it commits nothing");
        assert_eq!(flushes(Execute { begin: BeginMode::Immediate, ..execute("insert into t values (1)") }), 0);
    }
}
