//! Lists of sets of parameters, whose statement pauses.

use crate::bench::{Bench, Got, execute, many, stream};
use crate::sliced::Sliced;
use aludel_protocol::{BeginMode, Delivery, ErrorKind, Execute, Notice, Request, TransactionOp, Value};

/// Inserts one row, after so many steps as its parameter says.
const COUNTED: &str = "insert into t select max(i) from (with recursive n (i) as (select 1 union all select i + 1 from n where i < ?) select i from n)";

/// Sets that are done at once, but for one.
fn one_is_slow(steps: i64) -> Vec<Vec<Value>> {
    (0..300).map(|set| vec![Value::Integer(if set == 250 { steps } else { 1 })]).collect()
}

/// With a transaction of its own, unless one is open.
fn own(sql: &str) -> Execute<'_> {
    Execute { begin: BeginMode::Own, ..many(sql) }
}

fn numbers(sets: i64) -> Vec<Vec<Value>> {
    (0..sets).map(|set| vec![Value::Integer(set)]).collect()
}

#[test]
fn a_slow_set_behind_quick_ones_holds_nobody_up() {
    let mut sliced = Sliced::with(2);
    let sets = sliced.bench.send_execute(1, &own(COUNTED), &one_is_slow(60_000));
    sliced.until_paused(1);
    for count in 1..=20 {
        let before = sliced.bench.clock.get();
        assert_eq!(sliced.scalar(2, "select count(*) from t"), Value::Integer(0));
        let took = sliced.bench.clock.get() - before;
        assert!(took < 20.0, "read {count} took {took} ms");
    }
    assert!(sliced.bench.take(sets).is_empty(), "it is over already");
    assert!(matches!(&sliced.answer(sets).0[..], [Got::Rows(rows)] if rows.changes == 300 && !rows.in_transaction));
    assert_eq!(sliced.scalar(2, "select sum(a) from t"), Value::Integer(299 + 60_000));
    assert!(sliced.stacks.pauses > 3, "{} pauses", sliced.stacks.pauses);
}

#[test]
fn a_slow_set_behind_quick_ones_is_stopped() {
    for (deadline, kind) in [(0, ErrorKind::Cancelled), (60, ErrorKind::Timeout)] {
        for explicit in [false, true] {
            let mut sliced = Sliced::of(Bench::with(2), 0.1);
            if explicit {
                sliced.begin(1);
                sliced.run(1, "insert into t values (1)");
            }
            let endless = Execute { deadline, ..own(COUNTED) };
            let start = sliced.bench.clock.get();
            let sets = sliced.bench.send_execute(1, &endless, &one_is_slow(i64::MAX));
            sliced.until_paused(1);
            let mut before = start + f64::from(deadline);
            if deadline == 0 {
                before = sliced.bench.clock.get();
                sliced.bench.send(1, Request::Cancel { request: sets });
            }
            assert_eq!(sliced.error(sets), (kind, false), "explicit: {explicit}");
            let took = sliced.bench.clock.get() - before;
            assert!(took < 20.0, "{took} ms");
            assert_eq!(sliced.scalar(2, "insert into t values (7) returning a"), Value::Integer(7));
            assert_eq!(sliced.scalar(1, "select count(*) from t"), Value::Integer(1));
        }
    }
}

#[test]
fn quick_sets_are_stopped_between_two_of_them() {
    for explicit in [false, true] {
        let mut sliced = Sliced::of(Bench::with(2), 0.01);
        if explicit {
            sliced.begin(1);
        }
        let sets = sliced.bench.send_execute(1, &own("insert into t values (?)"), &numbers(100_000));
        for _ in 0..6 {
            sliced.turn();
        }
        assert_eq!(sliced.scalar(2, "select count(*) from t"), Value::Integer(0));
        let before = sliced.bench.clock.get();
        sliced.bench.send(1, Request::Cancel { request: sets });
        // Those that are done stay in a transaction which outlives them, as where a set fails.
        assert_eq!(sliced.error(sets), (ErrorKind::Cancelled, explicit));
        let took = sliced.bench.clock.get() - before;
        assert!(took < 20.0, "{took} ms");
        match sliced.scalar(1, "select count(*) from t") {
            Value::Integer(count) if explicit => assert!((1..100_000).contains(&count), "{count}"),
            count => assert_eq!(count, Value::Integer(0)),
        }
    }
}

#[test]
fn many_quick_sets_share_a_slice() {
    let mut sliced = Sliced::of(Bench::with(1), 0.01);
    let sets = sliced.bench.send_execute(1, &own("insert into t values (?)"), &numbers(100_000));
    let (answer, turns) = sliced.answer(sets);
    assert!(matches!(&answer[..], [Got::Rows(rows)] if rows.changes == 100_000 && rows.last_insert_rowid == 100_000));
    assert!(turns < 100, "{turns} turns");
    assert_eq!(sliced.scalar(1, "select sum(a) from t"), Value::Integer(99_999 * 50_000));
}

#[test]
fn rows_of_many_sets_come_in_the_order_of_the_sets() {
    let sql = "insert into t values (?) returning a, hex(zeroblob(a % 100))";
    for delivery in [Delivery::Buffered, Delivery::Stream { credits: 1_000, max_rows: 70 }] {
        for begin in [BeginMode::Own, BeginMode::None] {
            let mut sliced = Sliced::of(Bench::with(1), 0.01);
            let execute = Execute { delivery, begin, first_batch_bytes: 100, batch_bytes: 5_000, ..own(sql) };
            let sets = sliced.bench.send_execute(1, &execute, &numbers(2_000));
            sliced.settle();
            let frames = sliced.bench.take(sets);
            let mut next = 0;
            for frame in &frames {
                let Got::Rows(rows) = frame else { panic!("{frame:?}") };
                for row in &rows.rows {
                    assert_eq!(row[..], [Value::Integer(next), Value::Text("00".repeat(next as usize % 100))]);
                    next += 1;
                }
            }
            assert_eq!(next, 2_000);
            assert!(matches!(frames.last(), Some(Got::Rows(rows)) if rows.changes == 2_000 && !rows.more));
            assert_eq!(sliced.scalar(1, "select count(*) from t"), Value::Integer(2_000));
        }
    }
}

#[test]
fn a_set_that_fails_is_named_and_takes_those_before_it_along_if_they_are_a_transaction_of_their_own() {
    for explicit in [false, true] {
        let mut sliced = Sliced::of(Bench::with(1), 0.01);
        sliced.run(1, "create table u (a integer primary key)");
        if explicit {
            sliced.begin(1);
        }
        let mut numbers = numbers(5_000);
        numbers[4_321] = vec![Value::Integer(17)];
        let sets = sliced.bench.send_execute(1, &own("insert into u values (?)"), &numbers);
        match sliced.answer(sets).0.pop() {
            Some(Got::Error(error, in_transaction)) => {
                assert_eq!((error.kind(), in_transaction), (ErrorKind::Integrity, explicit));
                assert!(error.to_string().contains("(in parameter group 4321)"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(sliced.scalar(1, "select count(*) from u"), Value::Integer(if explicit { 4_321 } else { 0 }));
    }
}

#[test]
fn a_write_that_is_stopped_while_its_rows_are_fetched_takes_its_transaction_along() {
    let writes = "insert into t select i from (with recursive n (i) as (select 1 union all select i + 1 from n where i < 10000) select i from n) returning a";
    let (mut stopped, mut done) = (0, 0);
    for turns in 0..60 {
        for deadline in [0, 1] {
            let mut sliced = Sliced::of(Bench::with(2), 0.1);
            sliced.begin(1);
            sliced.run(1, "insert into t values (1)");
            let execute = Execute { deadline: deadline * (turns + 1), ..execute(writes) };
            let sets = sliced.bench.send_execute(1, &execute, &[]);
            for _ in 0..turns {
                sliced.turn();
            }
            let before = sliced.bench.clock.get();
            if deadline == 0 {
                sliced.bench.send(1, Request::Cancel { request: sets });
            }
            match sliced.answer(sets).0.last() {
                Some(Got::Error(error, in_transaction)) => {
                    assert!(matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::Timeout), "{error}");
                    let left = sliced.scalar(1, "select count(*) from t");
                    // It may not have begun.
                    assert_eq!(left, Value::Integer(i64::from(*in_transaction)), "{turns} turns");
                    stopped += usize::from(!in_transaction);
                }
                Some(Got::Rows(rows)) => {
                    assert_eq!((rows.changes, rows.in_transaction), (10_000, true));
                    done += 1;
                }
                other => panic!("{other:?}"),
            }
            let took = sliced.bench.clock.get() - before;
            assert!(deadline > 0 || took < 20.0, "{took} ms");
            let rollback = sliced.bench.send_transaction(1, TransactionOp::Rollback);
            sliced.answer(rollback);
            assert_eq!(sliced.scalar(2, "select count(*) from t"), Value::Integer(0));
        }
    }
    assert!(stopped > 40 && done > 0, "{stopped} stopped, {done} done");
}

#[test]
fn a_stream_of_many_sets_waits_for_its_reader() {
    let mut sliced = Sliced::of(Bench::with(1), 0.01);
    sliced.begin(1);
    let execute =
        Execute { many: true, begin: BeginMode::Own, ..stream("insert into t values (?) returning a", 2, 100) };
    let sets = sliced.bench.send_execute(1, &execute, &numbers(1_000));
    sliced.settle();
    let frames = sliced.bench.take(sets);
    assert_eq!(frames.len(), 2);
    sliced.bench.send(1, Request::Credit { stream: sets, credits: 100 });
    let rest = sliced.answer(sets).0;
    assert!(matches!(rest.last(), Some(Got::Rows(rows)) if rows.changes == 1_000 && !rows.more));
    assert_eq!(sliced.scalar(1, "select count(*) from t"), Value::Integer(1_000));
}

fn commits_told(sliced: &mut Sliced) -> usize {
    let told = |(_, notice)| if let Notice::Changed(commits) = notice { commits.len() } else { 0 };
    sliced.bench.notices().into_iter().map(told).sum()
}

/// Sets that are transactions of their own are never committed and told as given up, be there one or many.
#[test]
fn what_is_stopped_while_its_rows_are_fetched_is_not_committed_where_no_transaction_is_open() {
    let counted = "insert into t select i from (with recursive n (i) as (select 1 union all select i + 1 from n where i < ?) select i from n) returning a";
    let mut stopped = 0;
    for turns in 1..40 {
        let mut sliced = Sliced::of(Bench::with(2), 0.1);
        sliced.bench.send(0, Request::Watch { changes: true });
        sliced.settle();
        let sets = [vec![Value::Integer(10_000)], vec![Value::Integer(1)]];
        let sets = sliced.bench.send_execute(1, &many(counted), &sets);
        for _ in 0..turns {
            sliced.turn();
        }
        sliced.bench.send(1, Request::Cancel { request: sets });
        let done = match sliced.answer(sets).0.last() {
            Some(Got::Error(error, false)) => {
                assert_eq!(error.kind(), ErrorKind::Cancelled);
                stopped += 1;
                0
            }
            Some(Got::Rows(rows)) => rows.changes,
            other => panic!("{other:?}"),
        };
        assert_eq!(sliced.scalar(2, "select count(*) from t"), Value::Integer(done), "{turns} turns");
        assert_eq!(commits_told(&mut sliced), if done == 0 { 0 } else { 2 }, "{turns} turns");
        assert_eq!(sliced.scalar(1, "insert into t values (1) returning a"), Value::Integer(1));
    }
    assert!(stopped > 15, "{stopped} stopped");
}

#[test]
fn what_changes_nothing_with_a_later_set_is_not_told_again() {
    let mut sliced = Sliced::with(1);
    sliced.bench.send(0, Request::Watch { changes: true });
    sliced.settle();
    let sets = sliced.bench.send_execute(1, &many("create table if not exists u (a)"), &[vec![], vec![], vec![]]);
    assert!(matches!(&sliced.answer(sets).0[..], [Got::Rows(_)]));
    sliced.settle();
    assert_eq!(commits_told(&mut sliced), 1);
}
