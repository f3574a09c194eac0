//! Long statements that pause, and what others do meanwhile.

use crate::bench::{Bench, Got, options, stream};
use crate::sliced::{LONG, LONG_WRITE, SILENT, Sliced};
use aludel_protocol::{BeginMode, ErrorKind, OpenOptions, PROTOCOL_VERSION, Request, Storage, TransactionOp, Value};

#[test]
fn short_statements_are_answered_while_a_long_one_pauses() {
    let mut sliced = Sliced::with(2);
    let long = sliced.start(1, LONG);
    sliced.until_paused(1);
    for count in 1..=20 {
        let before = sliced.bench.clock.get();
        let read = sliced.start(2, "select 7");
        assert!(matches!(&sliced.answer(read).0[..], [Got::Rows(rows)] if rows.rows == [[Value::Integer(7)]]));
        let took = sliced.bench.clock.get() - before;
        assert!(took < 20.0, "read {count} took {took} ms");
    }
    assert!(sliced.bench.take(long).is_empty(), "the long one is over already");
    assert!(matches!(&sliced.answer(long).0[..], [Got::Rows(rows)] if rows.rows == [[Value::Integer(60_000)]]));
    assert!(sliced.stacks.pauses > 3, "{} pauses", sliced.stacks.pauses);
}

#[test]
fn one_that_nobody_disturbs_pauses_less_often_until_somebody_does() {
    let mut sliced = Sliced::with(2);
    sliced.start(1, SILENT);
    sliced.until_paused(1);
    let alone: Vec<f64> = (0..40).map(|_| until_the_next_pause(&mut sliced)).collect();
    assert!(alone[..15].iter().all(|ms| *ms < 8.0), "{alone:?}");
    assert!(alone[25..].iter().all(|ms| (15.0..18.0).contains(ms)), "{alone:?}");
    assert_eq!(sliced.scalar(2, "select 1"), Value::Integer(1));
    until_the_next_pause(&mut sliced);
    let disturbed: Vec<f64> = (0..15).map(|_| until_the_next_pause(&mut sliced)).collect();
    assert!(disturbed.iter().all(|ms| *ms < 8.0), "{disturbed:?}");
}

#[test]
fn one_with_a_long_text_pauses_as_often_whether_or_not_somebody_disturbs_it() {
    let mut sliced = Sliced::with(2);
    sliced.start(1, &format!("{SILENT} -- {}", "x".repeat(64 << 10)));
    sliced.until_paused(1);
    let alone: Vec<f64> = (0..40).map(|_| until_the_next_pause(&mut sliced)).collect();
    assert!(alone.iter().all(|ms| *ms < 8.0), "{alone:?}");
}

/// How long whatever runs does so, in milliseconds.
fn until_the_next_pause(sliced: &mut Sliced) -> f64 {
    let (pauses, since) = (sliced.stacks.pauses, sliced.bench.clock.get());
    while sliced.stacks.pauses == pauses {
        sliced.turn();
    }
    sliced.bench.clock.get() - since
}

#[test]
fn a_long_one_comes_to_its_end_however_many_short_ones_there_are() {
    let mut sliced = Sliced::with(2);
    let long = sliced.start(1, LONG);
    sliced.until_paused(1);
    let (mut reads, mut answered) = (vec![], 0);
    while sliced.bench.take(long).is_empty() {
        // There is always another short one.
        reads.push(sliced.start(2, "select 7"));
        sliced.turn();
        let before = reads.len();
        reads.retain(|read| sliced.bench.take(*read).is_empty());
        answered += before - reads.len();
        assert!(answered < 20_000, "the long one starves");
    }
    assert!(answered > 10, "the short ones starve: {answered}");
}

#[test]
fn a_long_read_keeps_its_snapshot_while_others_write() {
    let mut sliced = Sliced::with(2);
    sliced.scalar(1, "insert into t values (1), (2), (3) returning 1");
    let counting = "select count(*) from t, (with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000) select i from n)";
    let long = sliced.start(1, counting);
    sliced.until_paused(1);
    for _ in 0..5 {
        assert_eq!(sliced.scalar(2, "insert into t values (4) returning a"), Value::Integer(4));
    }
    assert!(matches!(&sliced.answer(long).0[..], [Got::Rows(rows)] if rows.rows == [[Value::Integer(60_000)]]));
    assert_eq!(sliced.scalar(1, "select count(*) from t"), Value::Integer(8));
}

#[test]
fn writers_wait_for_one_that_pauses() {
    let mut sliced = Sliced::with(3);
    let first = sliced.start(1, LONG_WRITE);
    sliced.until_paused(1);
    let second = sliced.start(2, "insert into t values (0)");
    for _ in 0..4 {
        sliced.turn();
    }
    assert!(sliced.bench.take(second).is_empty());
    assert_eq!(sliced.scalar(3, "select count(*) from t"), Value::Integer(0));
    assert!(matches!(&sliced.answer(first).0[..], [Got::Rows(rows)] if rows.changes == 60_000));
    assert!(matches!(&sliced.answer(second).0[..], [Got::Rows(rows)] if rows.changes == 1));
}

#[cfg(feature = "faults")]
#[test]
fn one_that_pauses_as_it_finds_the_write_lock_taken_has_it_when_it_is_free() {
    let mut bench = Bench::with(1);
    bench.service.look_every(1);
    bench.open(2, options(Storage::Memory, "test"));
    let mut sliced = Sliced::of(bench, 10.0);
    // Only the statement takes time: others come before it goes on.
    sliced.bench.service.environment_mut().tick = 0.0;
    for (connection, mode) in [(1, BeginMode::Immediate), (2, BeginMode::Deferred)] {
        let begin = sliced.bench.send_transaction(connection, TransactionOp::Begin(mode));
        sliced.answer(begin);
    }
    sliced.scalar(2, "select count(*) from t");
    // SQLite looks once more when it has failed.
    let waiting = sliced.start(2, "insert into t values (1)");
    sliced.until_paused(1);
    let commit = sliced.bench.send_transaction(1, TransactionOp::Commit);
    sliced.answer(commit);
    assert!(matches!(&sliced.answer(waiting).0[..], [Got::Rows(rows)] if rows.changes == 1));
}

/// SQLite writes there what a full-text index has in memory. Half of it would be lost, or would be the index from there on.
#[cfg(feature = "faults")]
#[test]
fn what_begins_or_ends_a_savepoint_or_a_transaction_pauses_but_goes_on_when_it_is_cancelled() {
    for (opened, sql) in [("begin", "savepoint s"), ("savepoint r", "release r"), ("begin", "commit")] {
        let mut bench = Bench::greeted();
        bench.service.look_every(1);
        bench.open(1, options(Storage::Memory, "test"));
        let mut sliced = Sliced::of(bench, 1.0);
        sliced.run(1, "create virtual table f using fts5(v)");
        // As many segments as one more makes SQLite merge.
        for _ in 0..4 {
            sliced.run(1, "insert into f values ('a few words')");
        }
        sliced.run(1, opened);
        let rows =
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 500) select 'word ' || i from n";
        sliced.run(1, &format!("insert into f {rows}"));
        let ending = sliced.start(1, sql);
        sliced.until_paused(1);
        sliced.bench.send(1, Request::Cancel { request: ending });
        let count = "select count(*) from f where f match 'word OR words'";
        assert!(matches!(&sliced.answer(ending).0[..], [Got::Rows(_)]), "{sql}");
        assert_eq!(sliced.scalar(1, count), Value::Integer(504), "{sql}");
        if sql.starts_with("savepoint") {
            sliced.run(1, "commit");
        }
        sliced.run(1, "insert into f(f) values ('integrity-check')");
        assert_eq!(sliced.scalar(1, count), Value::Integer(504), "{sql}");
    }
}

#[test]
fn who_holds_the_write_lock_goes_on_before_those_who_read() {
    let mut sliced = Sliced::with(4);
    let readers = [2, 3, 4].map(|connection| sliced.start(connection, LONG));
    sliced.until_paused(3);
    let writer = sliced.start(1, LONG_WRITE.replace("60000", "30000").as_str());
    sliced.answer(writer);
    // Where everybody had the same share, they would be over: the writer has more to do.
    assert!(readers.iter().all(|reader| sliced.bench.take(*reader).is_empty()));
    for reader in readers {
        sliced.answer(reader);
    }
}

#[test]
fn a_client_that_leaves_is_waited_for_until_its_statement_is_interrupted() {
    let mut sliced = Sliced::with(1);
    sliced.bench.greet_as(7);
    let open = sliced.bench.send(1, Request::Open(options(Storage::Memory, "test")));
    sliced.answer(open);
    let long = sliced.start(1, LONG_WRITE);
    sliced.until_paused(1);
    let leave = sliced.bench.send(0, Request::Leave);
    assert!(sliced.bench.take(leave).is_empty(), "it has left while SQLite is in the midst of its statement");
    // What it says next is taken when that is over.
    let hello = sliced.bench.send(0, Request::Hello { protocol: PROTOCOL_VERSION, version: "test" });
    let again = sliced.bench.send(1, Request::Open(options(Storage::Memory, "test")));
    assert_eq!(sliced.error(long).0, ErrorKind::ResourceClosed);
    assert_eq!(sliced.answer(leave).0, [Got::Done(false)]);
    assert_eq!(sliced.answer(hello).0, [Got::Hello(PROTOCOL_VERSION)]);
    assert_eq!(sliced.answer(again).0, [Got::Opened("wal".into())]);
    assert_eq!(sliced.scalar(1, "select count(*) from t"), Value::Integer(0));
    assert_eq!(sliced.scalar(1, "insert into t values (1) returning a"), Value::Integer(1));
}

#[test]
fn a_service_is_shut_down_when_nothing_pauses_any_more() {
    let mut sliced = Sliced::with(2);
    let long = sliced.start(1, LONG_WRITE);
    sliced.until_paused(1);
    let other = sliced.start(2, LONG);
    sliced.until_paused(2);
    let down = sliced.bench.send(0, Request::Shutdown);
    assert!(sliced.bench.take(down).is_empty());
    assert_eq!(sliced.answer(down).0, [Got::Done(false)]);
    assert_eq!(sliced.error(long).0, ErrorKind::WorkerGone);
    assert_eq!(sliced.error(other).0, ErrorKind::WorkerGone);
    let late = sliced.start(1, "select 1");
    assert_eq!(sliced.error(late).0, ErrorKind::WorkerGone);
}

#[test]
fn a_read_that_pauses_is_ended_when_the_log_reaches_its_limit() {
    const LIMIT: u64 = 256 << 10;
    let mut bench = Bench::greeted();
    for connection in [1, 2] {
        bench.open(connection, OpenOptions { log_limit: LIMIT, ..options(Storage::Memory, "test") });
    }
    let mut sliced = Sliced::of(bench, 0.5);
    sliced.scalar(1, "insert into t values (1) returning a");
    let log = |sliced: &Sliced| sliced.bench.service.log_bytes(Storage::Memory, "test").unwrap();
    let silent = SILENT.replace("from n where", "from n, t where");
    let long = sliced.start(1, &silent);
    sliced.until_paused(1);
    let mut largest = 0;
    for _ in 0..200 {
        let write = sliced.start(2, "insert into t values (randomblob(6000))");
        assert!(matches!(&sliced.answer(write).0[..], [Got::Rows(rows)] if rows.changes == 1));
        largest = largest.max(log(&sliced));
    }
    match &sliced.answer(long).0[..] {
        [Got::Error(error, false)] => {
            assert_eq!((error.kind(), error.retryable()), (ErrorKind::Operational, true), "{error}");
            assert!(error.message().ends_with("(logLimit: 262144)"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert!(largest > LIMIT * 3 / 4 && largest < LIMIT * 5 / 4, "{largest}");
    assert_eq!((sliced.stacks.len(), sliced.scalar(1, "select count(*) from t")), (0, Value::Integer(201)));
}

#[test]
fn a_connection_is_closed_when_its_statement_is_over() {
    let mut sliced = Sliced::with(2);
    let long = sliced.start(1, LONG_WRITE);
    sliced.until_paused(1);
    let close = sliced.bench.send(1, Request::Close);
    for _ in 0..4 {
        sliced.turn();
    }
    assert!(sliced.bench.take(close).is_empty(), "it is closed while SQLite is in the midst of its statement");
    // It is not interrupted.
    assert!(matches!(&sliced.answer(long).0[..], [Got::Rows(rows)] if rows.changes == 60_000));
    assert_eq!(sliced.answer(close).0, [Got::Done(false)]);
    assert_eq!(sliced.scalar(2, "select count(*) from t"), Value::Integer(60_000));
    let late = sliced.start(1, "select 1");
    assert_eq!(sliced.error(late).0, ErrorKind::ResourceClosed);
}

#[test]
fn streams_of_one_connection_wait_for_each_other() {
    let mut sliced = Sliced::with(1);
    let counting = "with recursive n (i) as (select 1 union all select i + 1 from n) select i from n";
    let first = sliced.bench.send_execute(1, &stream(counting, 1, 10), &[]);
    sliced.settle();
    assert_eq!(sliced.bench.rows(first).len(), 1);
    let silent = sliced.start(1, SILENT);
    sliced.until_paused(1);
    // The first stream is of the same connection: it is read on, and closed, when the other is over.
    sliced.bench.send(1, Request::Credit { stream: first, credits: 1 });
    sliced.bench.send(1, Request::CloseStream { stream: first });
    for _ in 0..6 {
        sliced.turn();
    }
    assert!(sliced.bench.take(first).is_empty());
    sliced.bench.send(1, Request::Cancel { request: silent });
    assert_eq!(sliced.error(silent).0, ErrorKind::Cancelled);
    assert!(sliced.bench.take(first).is_empty());
    assert_eq!(sliced.scalar(1, "select 1"), Value::Integer(1));
}

#[test]
fn the_schema_changes_and_the_database_is_vacuumed_beside_one_that_pauses() {
    let mut sliced = Sliced::with(2);
    sliced.scalar(1, "insert into t values (1), (2), (3) returning 1");
    let long = sliced.start(1, "select count(*) from t, (with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000) select i from n)");
    sliced.until_paused(1);
    for sql in
        ["create table u (a)", "insert into u select a from t", "create index i on t (a)", "drop table u", "vacuum"]
    {
        let request = sliced.start(2, sql);
        assert!(matches!(&sliced.answer(request).0[..], [Got::Rows(_)]), "{sql}");
    }
    assert_eq!(sliced.scalar(2, "pragma wal_checkpoint(truncate)"), Value::Integer(1), "nobody read");
    assert!(matches!(&sliced.answer(long).0[..], [Got::Rows(rows)] if rows.rows == [[Value::Integer(60_000)]]));
    assert_eq!(sliced.scalar(1, "pragma integrity_check"), Value::Text("ok".into()));
}

#[test]
fn no_transaction_is_open_beside_a_vacuum_that_pauses() {
    let mut sliced = Sliced::with(1);
    let fill = sliced.start(1, LONG_WRITE);
    sliced.answer(fill);
    let vacuum = sliced.start(1, "vacuum");
    sliced.until_paused(1);
    let behind = sliced.start(1, "select 1");
    sliced.bench.send(1, Request::Cancel { request: behind });
    assert_eq!(sliced.error(behind), (ErrorKind::Cancelled, false));
    assert!(matches!(&sliced.answer(vacuum).0[..], [Got::Rows(rows)] if !rows.in_transaction));
}

#[test]
fn long_statements_share_the_time() {
    let mut sliced = Sliced::with(3);
    let long = [1, 2, 3].map(|connection| sliced.start(connection, LONG));
    sliced.until_paused(3);
    let (mut turns, mut over) = (0, vec![]);
    while over.len() < 3 {
        sliced.turn();
        turns += 1;
        let is_over = |request: &&u64| !sliced.bench.take(**request).is_empty();
        over.extend(long.iter().filter(is_over).map(|_| turns));
    }
    assert!(over[0] > 10 && over[2] - over[0] < 8, "one was preferred: {over:?}");
}

#[test]
fn one_that_waited_for_the_write_lock_and_needs_none_keeps_nobody_waiting() {
    let mut sliced = Sliced::with(3);
    sliced.begin(2);
    // The lock is promised to the third when the first has its turn, which only writes to a table of its own.
    sliced.scalar(1, "select 1");
    let waiting = sliced.start(3, "insert into t values (1)");
    for _ in 0..3 {
        sliced.turn();
    }
    let commit = sliced.bench.send_transaction(2, TransactionOp::Commit);
    let silent = SILENT.replace("i < 0", "i % 1000000000 = 0");
    let own = sliced.start(1, &format!("create temp table u as {silent}"));
    sliced.answer(commit);
    sliced.answer(waiting);
    sliced.until_paused(1);
    for _ in 0..3 {
        let before = sliced.bench.clock.get();
        let write = sliced.start(2, "insert into t values (2)");
        assert!(matches!(&sliced.answer(write).0[..], [Got::Rows(rows)] if rows.changes == 1));
        assert!(sliced.bench.clock.get() - before < 100.0, "it waited for one that writes elsewhere");
    }
    sliced.bench.send(1, Request::Cancel { request: own });
    assert_eq!(sliced.error(own).0, ErrorKind::Cancelled);
}
