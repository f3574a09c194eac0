//! Long statements that pause, and what others do meanwhile.

use crate::bench::{Bench, Got, execute, options, stream};
use crate::stacks::{Now, Stacks};
use aludel_protocol::{
    BeginMode, ErrorKind, Execute, OpenOptions, PROTOCOL_VERSION, Request, Storage, TransactionOp, Value,
};
use aludel_worker::Turn;
use std::rc::Rc;

/// A statement that takes many slices, and gives one row in the end.
const LONG: &str =
    "with recursive n (i) as (select 1 union all select i + 1 from n where i < 60000) select count(*) from n";
/// No row, ever.
const SILENT: &str = "with recursive n (i) as (select 1 union all select i + 1 from n) select i from n where i < 0";
/// Changes every row by many steps.
const LONG_WRITE: &str = "insert into t select i from (with recursive n (i) as (select 1 union all select i + 1 from n where i < 60000) select i from n)";

struct Sliced {
    bench: Bench,
    stacks: Stacks,
    now: Now,
}

impl Sliced {
    /// A service with connections 1 to `count`, whose statements pause.
    fn with(count: u32) -> Sliced {
        // A slice is some looks long.
        Sliced::of(Bench::with(count), 0.5)
    }

    /// The same on a service that is there, where a look at the clock takes so long, in milliseconds.
    fn of(mut bench: Bench, tick: f64) -> Sliced {
        bench.run(1, "create table t (a)");
        bench.service.lend_statements();
        bench.service.environment_mut().tick = tick;
        let clock = Rc::clone(&bench.clock);
        let now = Rc::new(move || {
            clock.set(clock.get() + tick);
            clock.get()
        });
        Sliced { bench, stacks: Stacks::default(), now }
    }

    fn turn(&mut self) -> Turn {
        self.stacks.turn(&mut self.bench.service, &self.now)
    }

    fn settle(&mut self) -> Turn {
        loop {
            let turn = self.turn();
            if turn != Turn::Again {
                return turn;
            }
        }
    }

    /// Takes turns until so many statements pause.
    fn until_paused(&mut self, count: usize) {
        for _ in 0..1_000 {
            if self.stacks.len() >= count {
                return;
            }
            self.turn();
        }
        panic!("{} statements pause, where {count} should", self.stacks.len());
    }

    /// Takes turns until a request is answered, and gives what it was answered and how many turns that took.
    fn answer(&mut self, request: u64) -> (Vec<Got>, usize) {
        for turns in 0..10_000 {
            let got = self.bench.take(request);
            let over = |got: &Got| !matches!(got, Got::Rows(rows) if rows.more);
            if got.last().is_some_and(over) {
                return (got, turns);
            }
            self.turn();
        }
        panic!("request {request} is never answered");
    }

    fn start(&mut self, connection: u32, sql: &str) -> u64 {
        self.bench.send_execute(connection, &execute(sql), &[])
    }

    /// The only cell of the only row.
    fn scalar(&mut self, connection: u32, sql: &str) -> Value {
        let request = self.start(connection, sql);
        match &self.answer(request).0[..] {
            [Got::Rows(rows)] => rows.rows[0][0].clone(),
            other => panic!("{sql}: {other:?}"),
        }
    }

    fn error(&mut self, request: u64) -> (ErrorKind, bool) {
        match self.answer(request).0.pop() {
            Some(Got::Error(error, in_transaction)) => (error.kind(), in_transaction),
            other => panic!("{other:?}"),
        }
    }
}

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
fn any_statement_is_cancelled() {
    let mut sliced = Sliced::with(2);
    let silent = sliced.start(1, SILENT);
    sliced.until_paused(1);
    let before = sliced.bench.clock.get();
    sliced.bench.send(1, Request::Cancel { request: silent });
    assert_eq!(sliced.error(silent), (ErrorKind::Cancelled, false));
    let took = sliced.bench.clock.get() - before;
    assert!(took < 20.0, "{took} ms");
    assert_eq!(sliced.scalar(1, "select 1"), Value::Integer(1));
    assert_eq!((sliced.settle(), sliced.stacks.len()), (Turn::Idle, 0));
}

#[test]
fn a_write_that_is_cancelled_takes_its_transaction_along() {
    let mut sliced = Sliced::with(2);
    let begin = sliced.bench.send_transaction(1, TransactionOp::Begin(BeginMode::Immediate));
    sliced.answer(begin);
    let first = sliced.start(1, "insert into t values (1)");
    sliced.answer(first);
    let long = sliced.start(1, LONG_WRITE);
    sliced.until_paused(1);
    sliced.bench.send(1, Request::Cancel { request: long });
    assert_eq!(sliced.error(long), (ErrorKind::Cancelled, false));
    assert_eq!(sliced.scalar(2, "insert into t values (2) returning a"), Value::Integer(2));
    assert_eq!(sliced.scalar(1, "select count(*) from t"), Value::Integer(1));
}

#[test]
fn a_read_that_is_cancelled_leaves_its_transaction_open() {
    let mut sliced = Sliced::with(1);
    let begin = sliced.bench.send_transaction(1, TransactionOp::Begin(BeginMode::Immediate));
    sliced.answer(begin);
    let first = sliced.start(1, "insert into t values (1)");
    sliced.answer(first);
    let long = sliced.start(1, SILENT);
    sliced.until_paused(1);
    sliced.bench.send(1, Request::Cancel { request: long });
    assert_eq!(sliced.error(long), (ErrorKind::Cancelled, true));
    let commit = sliced.bench.send_transaction(1, TransactionOp::Commit);
    assert_eq!(sliced.answer(commit).0, [Got::Done(false)]);
    assert_eq!(sliced.scalar(1, "select count(*) from t"), Value::Integer(1));
}

/// A transaction of connection 1, which has inserted 5,000 rows, and a stream in it that has changed them all and handed out
/// `frames` of ten frames. It is lent out again.
fn stream_that_writes(frames: usize) -> (Sliced, u64) {
    let mut sliced = Sliced::of(Bench::with(2), 0.01);
    let begin = sliced.bench.send_transaction(1, TransactionOp::Begin(BeginMode::Immediate));
    sliced.answer(begin);
    let first = sliced.start(1, &LONG_WRITE.replace("60000", "5000"));
    sliced.answer(first);
    let stream = sliced.bench.send_execute(1, &stream("update t set a = a + 10000 returning a", 100, 500), &[]);
    let mut shown = 0;
    while shown < frames {
        sliced.turn();
        shown += sliced.bench.rows(stream).len();
    }
    (sliced, stream)
}

#[test]
fn a_write_whose_stream_is_closed_stays_in_its_transaction() {
    for frames in 1..8 {
        let (mut sliced, stream) = stream_that_writes(frames);
        sliced.bench.send(1, Request::CloseStream { stream });
        // As it is within a pipeline that thinks to be in the transaction.
        let next = Execute { begin: BeginMode::Immediate, ..execute("insert into t values (1)") };
        let next = sliced.bench.send_execute(1, &next, &[]);
        assert!(matches!(&sliced.answer(next).0[..], [Got::Rows(rows)] if rows.in_transaction));
        let commit = sliced.bench.send_transaction(1, TransactionOp::Commit);
        assert_eq!(sliced.answer(commit).0, [Got::Done(false)]);
        assert!(sliced.bench.take(stream).is_empty(), "it answers after it was closed");
        assert_eq!(sliced.scalar(2, "select count(*) from t where a > 10000"), Value::Integer(5_000));
        assert_eq!(sliced.scalar(2, "select count(*) from t"), Value::Integer(5_001));
    }
}

#[test]
fn what_follows_a_closed_stream_that_took_its_transaction_along_is_refused() {
    let mut refused = 0;
    for frames in 1..8 {
        let (mut sliced, stream) = stream_that_writes(frames);
        // The cancel interrupts it, and the close has nobody told.
        sliced.bench.send(1, Request::Cancel { request: stream });
        sliced.bench.send(1, Request::CloseStream { stream });
        let next = Execute { begin: BeginMode::Immediate, ..execute("insert into t values (1)") };
        let next = sliced.bench.send_execute(1, &next, &[]);
        let commit = sliced.bench.send_transaction(1, TransactionOp::Commit);
        let (next, commit) = (sliced.answer(next).0, sliced.answer(commit).0);
        let left = sliced.scalar(2, "select count(*) from t");
        match (&next[..], &commit[..]) {
            ([Got::Error(error, false)], [Got::Error(..)]) => {
                assert_eq!((error.kind(), left), (ErrorKind::PendingRollback, Value::Integer(0)));
                refused += 1;
            }
            // It was between two rows, and nothing is lost.
            ([Got::Rows(_)], [Got::Done(false)]) => assert_eq!(left, Value::Integer(5_001)),
            other => panic!("{other:?} after {frames} frames"),
        }
        let rollback = sliced.bench.send_transaction(1, TransactionOp::Rollback);
        sliced.answer(rollback);
        assert_eq!(sliced.scalar(1, "select 1"), Value::Integer(1));
    }
    assert!(refused > 0, "none was interrupted");
}

#[test]
fn deadlines_are_kept_in_the_midst_of_statements_and_behind_them() {
    let mut sliced = Sliced::with(1);
    let late = |sql| Execute { deadline: 60, ..execute(sql) };
    let silent = sliced.bench.send_execute(1, &late(SILENT), &[]);
    let before = sliced.bench.clock.get();
    assert_eq!(sliced.error(silent), (ErrorKind::Timeout, false));
    let took = sliced.bench.clock.get() - before;
    assert!((60.0..80.0).contains(&took), "{took} ms");
    // One that waits in line behind a statement that pauses.
    let long = sliced.start(1, SILENT);
    sliced.until_paused(1);
    let before = sliced.bench.clock.get();
    let waits = sliced.bench.send_execute(1, &late("select 1"), &[]);
    assert_eq!(sliced.error(waits).0, ErrorKind::Timeout);
    let took = sliced.bench.clock.get() - before;
    assert!((60.0..90.0).contains(&took), "{took} ms");
    sliced.bench.send(1, Request::Cancel { request: long });
    assert_eq!(sliced.error(long).0, ErrorKind::Cancelled);
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
    let begin = sliced.bench.send_transaction(2, TransactionOp::Begin(BeginMode::Immediate));
    sliced.answer(begin);
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
