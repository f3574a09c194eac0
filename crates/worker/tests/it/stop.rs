//! Cancelling, deadlines, and turns.

use crate::bench::{Bench, execute, stream};
use aludel_protocol::{BeginMode, ErrorKind, Execute, LONG_STATEMENT, Request, TransactionOp, Value};
use aludel_worker::Turn;

/// Rows without end.
const ENDLESS: &str = "with recursive n (i) as (select 1 union all select i + 1 from n) select i from n";
/// No row, ever.
const SILENT: &str = "with recursive n (i) as (select 1 union all select i + 1 from n) select i from n where i < 0";

#[test]
fn a_turn_ends_after_some_milliseconds() {
    let mut bench = Bench::with(1);
    bench.send_execute(1, &execute(ENDLESS), &[]);
    let before = bench.clock.get();
    assert_eq!(bench.service.turn(), Turn::Again);
    let took = bench.clock.get() - before;
    assert!((8.0..9.0).contains(&took), "{took}");
}

#[test]
fn a_statement_that_produces_rows_is_cancelled_between_turns() {
    let mut bench = Bench::with(2);
    let id = bench.send_execute(1, &execute(ENDLESS), &[]);
    for _ in 0..3 {
        assert_eq!(bench.service.turn(), Turn::Again);
    }
    // Others are served meanwhile.
    let other = bench.send_execute(2, &execute("select 1"), &[]);
    bench.service.turn();
    assert_eq!(bench.outcome(other).unwrap().rows.len(), 1);
    bench.send(1, Request::Cancel { request: id });
    assert_eq!(bench.settle(), Turn::Idle);
    let (error, in_transaction) = bench.error(id);
    assert_eq!((error.kind(), error.statement(), in_transaction), (ErrorKind::Cancelled, Some(ENDLESS), false));
    assert_eq!(bench.integer(1, "select 1"), 1);
}

#[test]
fn a_queued_request_is_cancelled_without_having_run() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (a)");
    let first = bench.send_execute(1, &execute(ENDLESS), &[]);
    let second = bench.send_execute(1, &execute("insert into t values (1)"), &[]);
    bench.service.turn();
    bench.send(1, Request::Cancel { request: second });
    assert_eq!(bench.error(second).0.kind(), ErrorKind::Cancelled);
    bench.send(1, Request::Cancel { request: first });
    bench.settle();
    assert_eq!(bench.integer(1, "select count(*) from t"), 0);
    // What is done or unknown cannot be cancelled, and nobody answers.
    bench.send(1, Request::Cancel { request: first });
    bench.send(1, Request::Cancel { request: 4_711 });
    bench.take(first);
    assert_eq!(bench.settle(), Turn::Idle);
    assert!(bench.service.environment_mut().posted.is_empty());
}

#[test]
fn a_long_statement_is_not_repeated_to_who_gave_it_up() {
    for (length, repeated) in [(LONG_STATEMENT - 1, true), (LONG_STATEMENT, false)] {
        let mut bench = Bench::with(1);
        let first = bench.send_execute(1, &execute(ENDLESS), &[]);
        let sql = format!("select 1{}", " ".repeat(length - "select 1".len()));
        let second = bench.send_execute(1, &execute(&sql), &[]);
        bench.service.turn();
        bench.send(1, Request::Cancel { request: second });
        let (error, _) = bench.error(second);
        assert_eq!((error.kind(), error.statement().is_some()), (ErrorKind::Cancelled, repeated), "{length}");
        bench.send(1, Request::Cancel { request: first });
        bench.settle();
    }
}

#[test]
fn what_gives_a_connection_back_is_not_cancelled() {
    let mut bench = Bench::with(1);
    bench.transaction(1, TransactionOp::Begin(BeginMode::Immediate));
    for request in [Request::Transaction { op: TransactionOp::Rollback, deadline: 0 }, Request::Reset] {
        let id = bench.send(1, request);
        bench.send(1, Request::Cancel { request: id });
        bench.settle();
        assert_eq!(bench.take(id), [crate::bench::Got::Done(false)]);
    }
}

#[test]
fn a_cancelled_list_of_sets_is_taken_back_if_it_was_its_own_transaction() {
    for (begin, left) in [(BeginMode::Own, false), (BeginMode::None, true)] {
        let mut bench = Bench::with(1);
        bench.run(1, "create table t (a)");
        bench.service.environment_mut().tick = 0.05;
        let sets: Vec<Vec<Value>> = (0..50_000).map(|n| vec![Value::Integer(n)]).collect();
        let insert = Execute { begin, many: true, ..execute("insert into t values (?)") };
        let id = bench.send_execute(1, &insert, &sets);
        assert_eq!(bench.service.turn(), Turn::Again);
        bench.send(1, Request::Cancel { request: id });
        let (error, in_transaction) = bench.error(id);
        assert_eq!((error.kind(), in_transaction), (ErrorKind::Cancelled, false));
        bench.settle();
        assert_eq!(bench.integer(1, "select count(*) from t") > 0, left);
    }
}

#[test]
fn a_deadline_stops_a_statement_that_produces_no_rows() {
    let mut bench = Bench::with(1);
    let before = bench.clock.get();
    let id = bench.send_execute(1, &Execute { deadline: 50, ..execute(SILENT) }, &[]);
    bench.settle();
    let (error, in_transaction) = bench.error(id);
    assert_eq!((error.kind(), error.message()), (ErrorKind::Timeout, "statement timed out after 50 ms"));
    assert_eq!((error.statement(), in_transaction), (Some(SILENT), false));
    let took = bench.clock.get() - before;
    assert!((50.0..51.0).contains(&took), "{took}");
    assert_eq!(bench.integer(1, "select 1"), 1);
}

#[test]
fn a_deadline_stops_a_statement_that_produces_rows() {
    let mut bench = Bench::with(1);
    let id = bench.send_execute(1, &Execute { deadline: 50, ..execute(ENDLESS) }, &[]);
    bench.settle();
    assert_eq!(bench.error(id).0.kind(), ErrorKind::Timeout);
}

#[test]
fn an_interrupted_write_tells_what_became_of_its_transaction() {
    let mut bench = Bench::with(2);
    bench.run(1, "create table t (a)");
    bench.transaction(1, TransactionOp::Begin(BeginMode::Immediate));
    bench.run(1, "insert into t values (1)");
    let sql = format!("insert into t {SILENT}");
    let id = bench.send_execute(1, &Execute { deadline: 50, ..execute(&sql) }, &[]);
    bench.settle();
    let (error, in_transaction) = bench.error(id);
    assert_eq!(error.kind(), ErrorKind::Timeout);
    // SQLite ends a transaction whose write was interrupted: nobody may believe it to be open still.
    assert!(!in_transaction);
    assert_eq!(bench.integer(1, "select count(*) from t"), 0);
    bench.run(2, "insert into t values (2)");
}

#[test]
fn a_deadline_counts_while_queued() {
    let mut bench = Bench::with(1);
    let first = bench.send_execute(1, &execute(ENDLESS), &[]);
    let second = bench.send_execute(1, &Execute { deadline: 20, ..execute("select 1") }, &[]);
    while bench.take(second).is_empty() {
        bench.service.turn();
        assert!(bench.clock.get() < 2_000.0);
    }
    bench.send(1, Request::Cancel { request: first });
    bench.settle();
    let third = bench.send_execute(1, &Execute { deadline: 20, ..execute("select 1") }, &[]);
    bench.advance(21.0);
    bench.settle();
    assert_eq!(bench.error(third).0.kind(), ErrorKind::Timeout);
}

#[test]
fn a_deadline_that_is_not_reached_does_nothing() {
    let mut bench = Bench::with(1);
    let asked = Execute { deadline: 60_000, ..execute("select count(*) from (select 1 union select 2)") };
    assert_eq!(bench.try_run(1, &asked, &[]).unwrap().rows, [[Value::Integer(2)]]);
    assert_eq!(bench.settle(), Turn::Idle);
}

#[test]
fn a_parked_stream_is_cancelled() {
    let mut bench = Bench::with(1);
    let id = bench.send_execute(1, &stream(ENDLESS, 1, 1), &[]);
    bench.settle();
    bench.take(id);
    bench.send(1, Request::Cancel { request: id });
    assert_eq!(bench.error(id).0.kind(), ErrorKind::Cancelled);
}
