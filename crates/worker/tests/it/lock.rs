//! Who waits for the write lock, in which order, and for how long.

use crate::bench::{Bench, Got, execute, options};
use aludel_protocol::{BeginMode, ErrorKind, Execute, OpenOptions, Request, Storage, TransactionOp, Value};
use aludel_worker::Turn;

const BUSY: i32 = 5;
const BUSY_SNAPSHOT: i32 = 517;

fn table(connections: u32) -> Bench {
    let mut bench = Bench::with(connections);
    bench.run(1, "create table t (id integer primary key, who integer)");
    bench
}

fn insert(bench: &mut Bench, connection: u32) -> u64 {
    let sql = "insert into t (who) values (?)";
    bench.send_execute(connection, &execute(sql), &[vec![Value::Integer(connection.into())]])
}

fn begin(bench: &mut Bench, connection: u32) {
    assert_eq!(bench.transaction(connection, TransactionOp::Begin(BeginMode::Immediate)), Got::Done(true));
}

#[test]
fn writers_wait_and_are_served_in_the_order_in_which_they_came() {
    let mut bench = table(6);
    begin(&mut bench, 1);
    let order = [4, 2, 6, 3, 5];
    let ids: Vec<u64> = order
        .iter()
        .map(|connection| {
            let id = insert(&mut bench, *connection);
            assert!(matches!(bench.settle(), Turn::WaitUntil(_)));
            id
        })
        .collect();
    assert!(ids.iter().all(|id| bench.take(*id).is_empty()));
    // Readers go on meanwhile.
    assert_eq!(bench.integer(1, "select count(*) from t"), 0);
    bench.transaction(1, TransactionOp::Commit);
    for id in ids {
        bench.outcome(id).unwrap();
    }
    let served: Vec<Value> = bench.run(1, "select who from t order by id").rows.concat();
    assert_eq!(served, order.map(|connection| Value::Integer(connection.into())));
    assert_eq!(bench.settle(), Turn::Idle);
}

#[test]
fn begin_waits_and_so_does_a_list_of_its_own() {
    let mut bench = table(4);
    begin(&mut bench, 1);
    let explicit = bench.send_transaction(2, TransactionOp::Begin(BeginMode::Immediate));
    let own = Execute { begin: BeginMode::Own, many: true, ..execute("insert into t (who) values (?)") };
    let own = bench.send_execute(3, &own, &[vec![Value::Integer(3)], vec![Value::Integer(3)]]);
    let auto = Execute { begin: BeginMode::Auto, ..execute("delete from t") };
    let auto = bench.send_execute(4, &auto, &[]);
    bench.settle();
    assert!(bench.take(explicit).is_empty() && bench.take(own).is_empty() && bench.take(auto).is_empty());
    bench.transaction(1, TransactionOp::Rollback);
    assert_eq!(bench.take(explicit), [Got::Done(true)]);
    assert!(bench.take(own).is_empty());
    bench.transaction(2, TransactionOp::Commit);
    assert_eq!(bench.outcome(own).unwrap().changes, 2);
    let outcome = bench.outcome(auto).unwrap();
    assert_eq!((outcome.changes, outcome.in_transaction), (2, true));
}

#[test]
fn a_newcomer_does_not_overtake() {
    let mut bench = table(3);
    begin(&mut bench, 1);
    let waiting = insert(&mut bench, 2);
    bench.settle();
    // The lock is freed and a third asks for it before anyone has had a turn.
    let commit = bench.send_transaction(1, TransactionOp::Commit);
    let newcomer = insert(&mut bench, 3);
    let again = insert(&mut bench, 1);
    bench.settle();
    assert_eq!(bench.take(commit), [Got::Done(false)]);
    for id in [waiting, newcomer, again] {
        bench.outcome(id).unwrap();
    }
    assert_eq!(bench.scalar(1, "select who from t order by id limit 1"), Value::Integer(2));
}

#[test]
fn the_wait_ends_with_the_lock_timeout() {
    let mut bench = table(2);
    begin(&mut bench, 1);
    let id = insert(&mut bench, 2);
    let Turn::WaitUntil(time) = bench.settle() else { panic!() };
    assert!((time - bench.clock.get() - 1_000.0).abs() < 1.0);
    bench.advance(999.0);
    bench.settle();
    assert!(bench.take(id).is_empty());
    bench.advance(2.0);
    assert_eq!(bench.settle(), Turn::Idle);
    let (error, _) = bench.error(id);
    assert_eq!((error.kind(), error.sqlite_code(), error.retryable()), (ErrorKind::Operational, BUSY, true));
    assert!(error.message().starts_with("database is locked: connection 1 has held the write lock for 100"), "{error}");
    assert_eq!(error.statement(), Some("insert into t (who) values (?)"));
    bench.transaction(1, TransactionOp::Commit);
    assert_eq!(bench.integer(2, "select count(*) from t"), 0);
}

#[test]
fn a_lock_timeout_of_zero_is_forever() {
    let mut bench = table(1);
    bench.open(2, OpenOptions { lock_timeout: 0, ..options(Storage::Memory, "test") });
    begin(&mut bench, 1);
    let id = insert(&mut bench, 2);
    bench.settle();
    bench.advance(1e6);
    bench.settle();
    bench.advance(1e9);
    // Everybody knows who holds it; there is nothing to wait for but that.
    assert_eq!(bench.settle(), Turn::Idle);
    bench.transaction(1, TransactionOp::Commit);
    bench.outcome(id).unwrap();
}

#[test]
fn the_wait_ends_with_the_deadline_of_the_call() {
    let mut bench = table(2);
    begin(&mut bench, 1);
    let late = Execute { deadline: 100, ..execute("delete from t") };
    let execute = bench.send_execute(2, &late, &[]);
    bench.settle();
    bench.advance(101.0);
    bench.settle();
    let (error, _) = bench.error(execute);
    assert_eq!((error.kind(), error.message()), (ErrorKind::Timeout, "statement timed out after 100 ms"));
    let cause = error.cause().unwrap();
    assert_eq!((cause.kind(), cause.sqlite_code()), (ErrorKind::Operational, BUSY));
    let begin = Request::Transaction { op: TransactionOp::Begin(BeginMode::Exclusive), deadline: 100 };
    let begin = bench.send(2, begin);
    bench.settle();
    bench.advance(101.0);
    bench.settle();
    assert_eq!(bench.error(begin).0.kind(), ErrorKind::Timeout);
}

#[test]
fn the_wait_ends_with_a_cancel_and_the_next_moves_up() {
    let mut bench = table(3);
    begin(&mut bench, 1);
    let (first, second) = (insert(&mut bench, 2), insert(&mut bench, 3));
    bench.settle();
    bench.send(2, Request::Cancel { request: first });
    assert_eq!(bench.error(first).0.kind(), ErrorKind::Cancelled);
    bench.transaction(1, TransactionOp::Commit);
    bench.outcome(second).unwrap();
    assert_eq!(bench.run(1, "select who from t").rows, [[Value::Integer(3)]]);
}

#[test]
fn a_holder_that_is_closed_frees_the_lock() {
    for request in [Request::Close, Request::Reset] {
        let mut bench = table(2);
        begin(&mut bench, 1);
        let id = insert(&mut bench, 2);
        bench.settle();
        bench.send(1, request);
        bench.settle();
        bench.outcome(id).unwrap();
    }
}

#[test]
fn a_waiter_that_is_closed_leaves_the_queue() {
    let mut bench = table(3);
    begin(&mut bench, 1);
    let gone = bench.send_execute(2, &execute("delete from t"), &[]);
    let kept = insert(&mut bench, 3);
    bench.settle();
    bench.send(2, Request::Cancel { request: gone });
    bench.send(2, Request::Close);
    bench.settle();
    bench.transaction(1, TransactionOp::Commit);
    bench.outcome(kept).unwrap();
}

#[test]
fn a_stale_upgrade_fails_at_once_and_says_what_to_do() {
    let mut bench = table(2);
    bench.run(1, "begin");
    bench.integer(1, "select count(*) from t");
    bench.run(2, "insert into t (who) values (2)");
    let error = bench.fail(1, "insert into t (who) values (1)");
    assert_eq!((error.kind(), error.sqlite_code(), error.retryable()), (ErrorKind::Operational, BUSY_SNAPSHOT, true));
    assert!(error.message().contains("immediate"), "{error}");
    assert_eq!(bench.integer(1, "select count(*) from t"), 0);
    bench.transaction(1, TransactionOp::Rollback);
    bench.run(1, "insert into t (who) values (1)");
}

#[test]
fn an_upgrade_waits_and_learns_then_that_it_is_stale() {
    for commits in [true, false] {
        let mut bench = table(2);
        bench.run(1, "begin");
        bench.integer(1, "select count(*) from t");
        begin(&mut bench, 2);
        bench.run(2, "insert into t (who) values (2)");
        let id = insert(&mut bench, 1);
        bench.settle();
        assert!(bench.take(id).is_empty());
        bench.transaction(2, if commits { TransactionOp::Commit } else { TransactionOp::Rollback });
        match bench.outcome(id) {
            Ok(outcome) => assert!(!commits && outcome.in_transaction),
            Err(error) => assert!(commits && error.sqlite_code() == BUSY_SNAPSHOT, "{error}"),
        }
    }
}

#[test]
fn a_reader_begun_by_auto_takes_no_lock_and_a_writer_does() {
    let mut bench = table(3);
    let auto = |sql| Execute { begin: BeginMode::Auto, ..execute(sql) };
    assert!(bench.try_run(1, &auto("select * from t"), &[]).unwrap().in_transaction);
    assert!(bench.try_run(2, &auto("delete from t where 0"), &[]).unwrap().in_transaction);
    let id = insert(&mut bench, 3);
    bench.settle();
    assert!(bench.take(id).is_empty());
    bench.transaction(2, TransactionOp::Rollback);
    bench.outcome(id).unwrap();
}

#[test]
fn what_needs_the_database_alone_waits_for_the_others_to_leave() {
    let mut bench = table(2);
    let leave_wal = "pragma journal_mode = delete";
    let locked_out = bench.send_execute(2, &execute(leave_wal), &[]);
    bench.settle();
    bench.advance(1_001.0);
    bench.settle();
    let (error, _) = bench.error(locked_out);
    assert_eq!(error.sqlite_code(), BUSY);
    let others = "nobody writes, but this needs the database for itself, and connection 1 has it open";
    assert_eq!(error.message(), format!("database is locked: {others}"));
    let waiting = bench.send_execute(2, &execute(leave_wal), &[]);
    bench.settle();
    assert!(bench.take(waiting).is_empty());
    bench.send(1, Request::Close);
    bench.settle();
    assert_eq!(bench.outcome(waiting).unwrap().rows, [[Value::Text("delete".into())]]);
}

#[test]
fn fifty_waiters_over_many_rounds_are_served_fairly() {
    let mut bench = table(50);
    let mut expected = vec![];
    for round in 0..5 {
        begin(&mut bench, 1);
        let ids: Vec<u64> = (2..=50)
            .map(|n| (n * 7 + round) % 49 + 2)
            .map(|connection| {
                expected.push(Value::Integer(i64::from(connection)));
                let id = insert(&mut bench, connection);
                bench.settle();
                id
            })
            .collect();
        bench.transaction(1, TransactionOp::Commit);
        ids.into_iter().for_each(|id| assert!(bench.outcome(id).is_ok()));
    }
    assert_eq!(bench.run(1, "select who from t order by id").rows.concat(), expected);
}

#[test]
fn a_deferred_transaction_that_begins_with_a_write_has_nothing_that_could_be_stale() {
    for explicit in [true, false] {
        let mut bench = table(2);
        begin(&mut bench, 2);
        bench.run(2, "insert into t (who) values (2)");
        let begin = if explicit { BeginMode::None } else { BeginMode::Deferred };
        if explicit {
            bench.run(1, "begin");
        }
        let write = Execute { begin, ..execute("insert into t (who) values (1) returning id") };
        let id = bench.send_execute(1, &write, &[]);
        bench.settle();
        assert!(bench.take(id).is_empty());
        bench.transaction(2, TransactionOp::Commit);
        let outcome = bench.outcome(id).unwrap();
        assert_eq!((outcome.rows, outcome.in_transaction), (vec![vec![Value::Integer(2)]], true));
    }
}
