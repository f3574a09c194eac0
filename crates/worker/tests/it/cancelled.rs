//! Statements that pause and are stopped in their midst, by a cancel, by closing their stream, by a deadline.

use crate::bench::{Bench, Got, execute, stream};
use crate::sliced::{LONG_WRITE, SILENT, Sliced};
use aludel_protocol::{BeginMode, ErrorKind, Execute, Request, TransactionOp, Value};
use aludel_worker::Turn;

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
    sliced.begin(1);
    sliced.run(1, "insert into t values (1)");
    let long = sliced.start(1, LONG_WRITE);
    sliced.until_paused(1);
    sliced.bench.send(1, Request::Cancel { request: long });
    assert_eq!(sliced.error(long), (ErrorKind::Cancelled, false));
    assert_eq!(sliced.scalar(2, "insert into t values (2) returning a"), Value::Integer(2));
    assert_eq!(sliced.scalar(1, "select count(*) from t"), Value::Integer(1));
}

/// Neither when it is taken back, nor when its connection next does anything, nor when it ends.
#[test]
fn what_a_cancelled_write_has_taken_along_is_never_told_as_a_commit() {
    for explicit in [false, true] {
        let mut sliced = Sliced::with(2);
        sliced.bench.send(0, Request::Watch { changes: true });
        sliced.settle();
        if explicit {
            sliced.begin(1);
        }
        let long = sliced.start(1, LONG_WRITE);
        sliced.until_paused(1);
        sliced.bench.send(1, Request::Cancel { request: long });
        assert_eq!(sliced.error(long), (ErrorKind::Cancelled, false));
        assert_eq!(sliced.scalar(1, "select count(*) from t"), Value::Integer(0));
        sliced.bench.send(1, Request::Close);
        sliced.settle();
        assert_eq!(sliced.bench.notices(), [], "explicit: {explicit}");
        // And it would be told, if it were one.
        assert_eq!(sliced.scalar(2, "insert into t values (1) returning a"), Value::Integer(1));
        sliced.settle();
        assert_eq!(sliced.bench.notices().len(), 1);
    }
}

#[test]
fn a_read_that_is_cancelled_leaves_its_transaction_open() {
    let mut sliced = Sliced::with(1);
    sliced.begin(1);
    sliced.run(1, "insert into t values (1)");
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
    sliced.begin(1);
    sliced.run(1, &LONG_WRITE.replace("60000", "5000"));
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
fn one_of_many_that_pause_is_stopped_before_the_others_go_on() {
    for late in [false, true] {
        let mut sliced = Sliced::with(12);
        let deadline = if late { 400 } else { 0 };
        let all: Vec<u64> = (1..=10)
            .map(|connection| sliced.bench.send_execute(connection, &Execute { deadline, ..execute(SILENT) }, &[]))
            .collect();
        let write = sliced.start(11, &LONG_WRITE.replace("60000", "100000000"));
        sliced.until_paused(11);
        for (index, &victim) in all.iter().enumerate() {
            // There is always another short one, too.
            let short: Vec<u64> = (0..200).map(|_| sliced.start(12, "select 7")).collect();
            sliced.turn();
            if !late {
                let before = sliced.bench.clock.get();
                sliced.bench.send(index as u32 + 1, Request::Cancel { request: victim });
                assert_eq!(sliced.error(victim), (ErrorKind::Cancelled, false));
                let took = sliced.bench.clock.get() - before;
                assert!(took < 20.0, "the {index}. took {took} ms");
            }
            for request in short {
                sliced.answer(request);
            }
        }
        if late {
            let ended: Vec<f64> = all
                .iter()
                .map(|request| {
                    assert_eq!(sliced.error(*request).0, ErrorKind::Timeout);
                    sliced.bench.clock.get()
                })
                .collect();
            let took = ended[9] - ended[0];
            assert!(took < 20.0, "the last was {took} ms behind the first");
        }
        sliced.bench.send(11, Request::Cancel { request: write });
        assert_eq!(sliced.error(write).0, ErrorKind::Cancelled);
    }
}
