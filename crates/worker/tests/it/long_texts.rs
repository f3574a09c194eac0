//! Texts that take long to prepare: they pause and are stopped like statements that take long to run.

use crate::bench::{Bench, Got, execute, options};
use crate::sliced::Sliced;
use aludel_protocol::{BeginMode, ErrorKind, Execute, OpenOptions, Request, Storage, TransactionOp, Value};
use aludel_worker::Turn;

/// A text that takes some milliseconds to prepare, and its first cell. SQLite as it comes looks about where it makes labels.
fn long_text(value: i64) -> String {
    let cells: Vec<_> =
        (0..1_900).map(|i| format!("case when {} then {value} else {i} end", "1 = 1 and ".repeat(2) + "1")).collect();
    format!("select {}", cells.join(", "))
}

/// A service whose connections look as often as they can; a look takes so long, in milliseconds.
fn looking(tick: f64) -> Sliced {
    let mut bench = Bench::greeted();
    bench.service.look_every(1);
    for connection in [1, 2] {
        bench.open(connection, OpenOptions { log_limit: 256 << 10, ..options(Storage::Memory, "app.db") });
    }
    Sliced::of(bench, tick)
}

#[test]
fn a_text_that_takes_long_to_prepare_pauses_and_is_prepared() {
    let mut sliced = looking(0.5);
    let long = sliced.start(1, &long_text(7));
    sliced.until_paused(1);
    assert_eq!(sliced.scalar(2, "select 1"), Value::Integer(1));
    assert!(sliced.bench.take(long).is_empty(), "it is over already");
    // One row is larger than the first frame.
    let is_it = |got: &[Got]| matches!(got, [Got::Rows(rows), ..] if rows.rows[0] == vec![Value::Integer(7); 1_900]);
    assert!(is_it(&sliced.answer(long).0));
    // It was kept, and what is said of others is about them.
    let again = sliced.start(1, &long_text(7));
    assert!(is_it(&sliced.answer(again).0));
    for (text, kind) in [
        (long_text(7) + " from nowhere", ErrorKind::Operational),
        (long_text(7) + "; select 1", ErrorKind::Programming),
        (long_text(7) + " where ?", ErrorKind::Programming),
    ] {
        let failed = sliced.start(1, &text);
        assert_eq!(sliced.error(failed), (kind, false), "{}", &text[text.len() - 20..]);
    }
    let empty = sliced.start(1, &format!("-- {}", long_text(7)));
    assert!(matches!(&sliced.answer(empty).0[..], [Got::Rows(rows)] if rows.rows.is_empty()));
}

#[test]
fn a_text_that_is_too_long_to_be_kept_pauses_each_time() {
    for (padding, kept) in [(0, true), (64 << 10, false)] {
        let mut sliced = looking(0.5);
        let text = format!("{} where 0 -- {}", long_text(7), "x".repeat(padding));
        let pauses = [0, 1].map(|run| {
            sliced.run(2, &format!("create table u{run} (a)"));
            let before = sliced.stacks.pauses;
            sliced.run(1, &text);
            sliced.stacks.pauses - before
        });
        assert!(pauses[0] > 2 && (pauses[1] > 2) != kept, "{padding}: {pauses:?}");
    }
}

#[test]
fn a_text_is_cancelled_while_it_is_prepared() {
    let mut sliced = looking(0.5);
    sliced.begin(1);
    sliced.run(1, "insert into t values (1)");
    let long = sliced.start(1, &long_text(7));
    sliced.until_paused(1);
    sliced.bench.send(1, Request::Cancel { request: long });
    assert_eq!(sliced.error(long), (ErrorKind::Cancelled, true));
    let commit = sliced.bench.send_transaction(1, TransactionOp::Commit);
    assert_eq!(sliced.answer(commit).0, [Got::Done(false)]);
    // By its deadline, and by the end of its connection.
    let text = long_text(8);
    let late = sliced.bench.send_execute(1, &Execute { deadline: 20, ..execute(&text) }, &[]);
    assert_eq!(sliced.error(late), (ErrorKind::Timeout, false));
    assert_eq!(sliced.scalar(1, "select count(*) from t"), Value::Integer(1));
    sliced.start(1, &long_text(9));
    sliced.until_paused(1);
    let close = sliced.bench.send(1, Request::Close);
    sliced.answer(close);
    assert_eq!((sliced.settle(), sliced.stacks.len()), (Turn::Idle, 0));
    assert_eq!(sliced.scalar(2, "select count(*) from t"), Value::Integer(1));
}

/// Nobody has cancelled it.
#[test]
fn a_text_whose_transaction_is_ended_while_it_is_prepared_is_told_why() {
    let mut sliced = looking(5.0);
    let begin = sliced.bench.send_transaction(1, TransactionOp::Begin(BeginMode::Deferred));
    sliced.answer(begin);
    assert_eq!(sliced.scalar(1, "select count(*) from t"), Value::Integer(0));
    let write = "insert into t values (zeroblob(200000)) returning 1";
    assert_eq!(sliced.scalar(2, write), Value::Integer(1));
    let long = sliced.start(1, &long_text(7));
    sliced.until_paused(1);
    assert_eq!(sliced.scalar(2, write), Value::Integer(1));
    match &sliced.answer(long).0[..] {
        [Got::Error(error, _)] => {
            assert_eq!((error.kind(), error.retryable()), (ErrorKind::Operational, true), "{error}");
            assert!(error.message().ends_with("(logLimit: 262144)"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    let rollback = sliced.bench.send_transaction(1, TransactionOp::Rollback);
    sliced.answer(rollback);
    assert_eq!(sliced.scalar(1, "select count(*) from t"), Value::Integer(2));
}
