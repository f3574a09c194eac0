//! Streams: credits, interleaving, ends.

use crate::bench::{Bench, Got, execute, options, stream};
use aludel_protocol::{BeginMode, ErrorKind, Execute, OpenOptions, Request, Storage, TransactionOp, Value};
use aludel_worker::Turn;

const NUMBERS: &str = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000) select i from n";

fn filled() -> Bench {
    let mut bench = Bench::with(3);
    bench.run(1, "create table t (i integer primary key)");
    bench.run(1, &format!("insert into t {NUMBERS}"));
    bench
}

fn credit(bench: &mut Bench, connection: u32, stream: u64, credits: u32) {
    bench.send(connection, Request::Credit { stream, credits });
    bench.settle();
}

fn values(bench: &mut Bench, id: u64) -> Vec<Value> {
    bench.rows(id).into_iter().flat_map(|frame| frame.rows).flatten().collect()
}

#[test]
fn a_stream_sends_as_many_frames_as_it_has_credits() {
    let mut bench = Bench::with(1);
    let id = bench.send_execute(1, &stream(NUMBERS, 2, 100), &[]);
    bench.settle();
    assert_eq!(bench.rows(id).iter().map(|frame| (frame.rows.len(), frame.more)).collect::<Vec<_>>(), [(100, true); 2]);
    assert_eq!(bench.settle(), Turn::Idle);
    credit(&mut bench, 1, id, 3);
    assert_eq!(bench.rows(id).len(), 3);
    credit(&mut bench, 1, id, u32::MAX);
    let rest = bench.rows(id);
    assert_eq!(rest.iter().map(|frame| frame.rows.len()).collect::<Vec<_>>(), [100, 100, 100, 100, 100, 0]);
    assert!(rest[..5].iter().all(|frame| frame.more) && !rest[5].more);
    // It is over: nothing more comes, whatever is granted.
    credit(&mut bench, 1, id, 9);
    assert!(bench.take(id).is_empty());
}

#[test]
fn rare_rows_are_not_held_back_until_they_fill_a_frame() {
    let mut bench = Bench::with(1);
    bench.service.environment_mut().tick = 10.0;
    let id = bench.send_execute(1, &stream(NUMBERS, u32::MAX, 0), &[]);
    for _ in 0..200 {
        bench.service.turn();
    }
    let mut frames = bench.rows(id);
    assert!(frames.len() > 3 && frames.iter().all(|frame| frame.more && !frame.rows.is_empty()), "{}", frames.len());
    // Rows that come fast again share their frames.
    bench.service.environment_mut().tick = 0.0;
    bench.settle();
    let rest = bench.rows(id);
    assert!(rest.len() <= 2);
    frames.extend(rest);
    let all: Vec<_> = frames.into_iter().flat_map(|frame| frame.rows).flatten().collect();
    assert_eq!(all, (1..=1_000).map(Value::Integer).collect::<Vec<_>>());
}

#[test]
fn rare_rows_that_take_the_last_credit_block_nothing() {
    let mut bench = Bench::with(1);
    bench.service.environment_mut().tick = 10.0;
    // Its first frame, with the only credit, is sent because time has passed, not because it is full.
    let id = bench.send_execute(1, &stream(NUMBERS, 1, 0), &[]);
    for _ in 0..200 {
        bench.service.turn();
    }
    assert_eq!(bench.rows(id).len(), 1);
    assert_eq!(bench.integer(1, "select 1"), 1);
    bench.service.environment_mut().tick = 0.0;
    credit(&mut bench, 1, id, 1_000);
    assert!(bench.rows(id).last().is_some_and(|frame| !frame.more));
}

#[test]
fn a_stream_without_credits_waits_for_its_first() {
    let mut bench = Bench::with(1);
    let id = bench.send_execute(1, &stream("select 1", 0, 0), &[]);
    let empty = bench.send_execute(1, &stream("", 0, 0), &[]);
    let after = bench.send_execute(1, &execute("select 2"), &[]);
    assert_eq!(bench.settle(), Turn::Idle);
    assert!(bench.take(id).is_empty() && bench.take(empty).is_empty());
    assert_eq!(bench.outcome(after).unwrap().rows, [[Value::Integer(2)]]);
    for id in [id, empty] {
        credit(&mut bench, 1, id, 1);
        assert!(!bench.rows(id)[0].more);
    }
}

#[test]
fn a_stream_that_waits_blocks_neither_its_connection_nor_others() {
    let mut bench = filled();
    let id = bench.send_execute(1, &stream("select i from t", 1, 10), &[]);
    bench.settle();
    assert_eq!(values(&mut bench, id).len(), 10);
    assert_eq!(bench.integer(1, "select count(*) from t"), 1_000);
    assert_eq!(bench.integer(2, "select count(*) from t"), 1_000);
    credit(&mut bench, 1, id, 1_000);
    assert_eq!(values(&mut bench, id).len(), 990);
}

#[test]
fn a_stream_reads_its_snapshot_while_another_connection_writes() {
    let mut bench = filled();
    let id = bench.send_execute(1, &stream("select i from t order by i", 1, 1), &[]);
    bench.settle();
    let mut seen = values(&mut bench, id);
    for n in 0..50 {
        bench.run(2, &format!("delete from t where i = {}", 900 + n));
        bench.run(2, &format!("insert into t values ({})", 2_000 + n));
        credit(&mut bench, 1, id, 1);
        seen.extend(values(&mut bench, id));
    }
    assert_eq!(bench.integer(2, "select count(*) from t where i >= 2000"), 50);
    credit(&mut bench, 1, id, 10_000);
    seen.extend(values(&mut bench, id));
    assert_eq!(seen, (1..=1_000).map(Value::Integer).collect::<Vec<_>>());
    assert_eq!(bench.integer(1, "select count(*) from t where i >= 2000"), 50);
}

#[test]
fn streams_of_several_connections_take_turns() {
    let mut bench = filled();
    let slow = "select a.i from t a, t b where b.i < 300";
    let ids: Vec<u64> = (1..=3).map(|connection| bench.send_execute(connection, &execute(slow), &[])).collect();
    // After a turn each of them has sent something, and none is done.
    bench.service.turn();
    bench.service.turn();
    for id in &ids {
        let frames = bench.rows(*id);
        assert!(!frames.is_empty() && frames.iter().all(|frame| frame.more));
    }
}

#[test]
fn a_closed_stream_says_nothing_more() {
    let mut bench = filled();
    let id = bench.send_execute(1, &stream("select i from t", 1, 10), &[]);
    bench.settle();
    bench.take(id);
    bench.send(1, Request::CloseStream { stream: id });
    credit(&mut bench, 1, id, 10);
    assert!(bench.take(id).is_empty());
    // Its snapshot is gone with it: another writer can truncate the log now.
    assert_eq!(bench.run(2, "pragma wal_checkpoint(truncate)").rows[0][0], Value::Integer(0));
}

#[test]
fn transaction_ends_close_the_streams_in_it() {
    for (end, by_text) in [("commit", false), ("rollback", false), ("commit", true), ("rollback", true)] {
        let mut bench = filled();
        let asked = Execute { begin: BeginMode::Auto, ..stream("select i from t", 1, 10) };
        let id = bench.send_execute(1, &asked, &[]);
        bench.settle();
        assert!(bench.rows(id)[0].in_transaction);
        match (end, by_text) {
            (_, true) => assert!(!bench.run(1, end).in_transaction),
            ("commit", _) => assert_eq!(bench.transaction(1, TransactionOp::Commit), Got::Done(false)),
            _ => assert_eq!(bench.transaction(1, TransactionOp::Rollback), Got::Done(false)),
        }
        credit(&mut bench, 1, id, 1);
        let (error, in_transaction) = bench.error(id);
        assert_eq!((error.kind(), in_transaction), (ErrorKind::ResourceClosed, false));
        assert_eq!(error.message(), "This stream is closed: the transaction in which it was opened has ended.");
    }
}

#[test]
fn the_end_of_a_savepoint_closes_the_streams_that_write() {
    for (end, left) in [(TransactionOp::Release("a".into()), 0), (TransactionOp::RollbackTo("a".into()), 1_000)] {
        let mut bench = filled();
        bench.transaction(1, TransactionOp::Begin(BeginMode::Immediate));
        bench.transaction(1, TransactionOp::Savepoint("a".into(), BeginMode::Auto));
        let reads = bench.send_execute(1, &stream(NUMBERS, 1, 10), &[]);
        let writes = bench.send_execute(1, &stream("delete from t returning i", 1, 10), &[]);
        bench.settle();
        assert_eq!(bench.rows(writes).len(), 1);
        assert_eq!(bench.transaction(1, end), Got::Done(true));
        let (error, in_transaction) = bench.error(writes);
        assert_eq!((error.kind(), in_transaction), (ErrorKind::ResourceClosed, true));
        assert_eq!(error.message(), "This stream is closed: a savepoint of its transaction has ended.");
        credit(&mut bench, 1, reads, 1);
        assert!(!bench.rows(reads).is_empty(), "one that reads goes on");
        assert_eq!(bench.integer(1, "select count(*) from t"), left);
        assert_eq!(bench.transaction(1, TransactionOp::Commit), Got::Done(false));
        assert_eq!(bench.integer(2, "select count(*) from t"), left);
    }
}

#[test]
fn reset_and_close_end_streams_and_transaction() {
    for close in [false, true] {
        let mut bench = filled();
        bench.transaction(1, TransactionOp::Begin(BeginMode::Immediate));
        bench.run(1, "delete from t");
        let id = bench.send_execute(1, &stream(NUMBERS, 1, 10), &[]);
        bench.settle();
        bench.take(id);
        let end = bench.send(1, if close { Request::Close } else { Request::Reset });
        bench.settle();
        assert_eq!(bench.take(end), [Got::Done(false)]);
        let (error, _) = bench.error(id);
        let why = if close { "its connection was closed" } else { "its connection was given back" };
        assert_eq!(error.message(), format!("This stream is closed: {why}."));
        assert_eq!(bench.integer(2, "select count(*) from t"), 1_000);
        bench.run(2, "delete from t");
    }
}

#[test]
fn a_stream_may_change_rows_and_tells_how_many_at_its_end() {
    let mut bench = filled();
    let id = bench.send_execute(1, &stream("delete from t where i <= 25 returning i", 1, 10), &[]);
    bench.settle();
    let frames = bench.rows(id);
    assert_eq!(frames[0].changes, 0);
    assert_eq!((frames.last().unwrap().changes, frames.last().unwrap().more), (25, false));
    assert_eq!(bench.integer(2, "select count(*) from t"), 975);
}

#[test]
fn a_deadline_counts_until_the_first_frame_of_a_stream() {
    let mut bench = filled();
    let asked = Execute { deadline: 100, ..stream("select i from t", 1, 10) };
    let id = bench.send_execute(1, &asked, &[]);
    assert_eq!(bench.settle(), Turn::Idle);
    bench.advance(1_000.0);
    bench.settle();
    credit(&mut bench, 1, id, 1);
    assert_eq!(values(&mut bench, id).len(), 20);
    let late = bench.send_execute(1, &Execute { delivery: stream("", 0, 0).delivery, ..asked }, &[]);
    assert!(matches!(bench.settle(), Turn::WaitUntil(_)));
    bench.advance(101.0);
    bench.settle();
    assert_eq!(bench.error(late).0.kind(), ErrorKind::Timeout);
}

#[test]
fn buffers_stay_small_while_a_stream_goes_on() {
    let mut bench = Bench::with(1);
    let numbers = NUMBERS.replace("1000", "200000");
    let id = bench.send_execute(1, &stream(&numbers, 1, 0), &[]);
    bench.settle();
    let mut rows = 0;
    while let Some(frame) = bench.rows(id).pop() {
        assert!(frame.frame_len < 270_000);
        rows += frame.rows.len();
        // Nothing is prepared ahead: without a credit no frame exists anywhere.
        assert!(bench.service.environment_mut().posted.is_empty());
        credit(&mut bench, 1, id, 1);
    }
    assert_eq!(rows, 200_000);
}

const UPDATE: &str = "update t set i = i + 10000 returning i";

fn moved(bench: &mut Bench) -> i64 {
    bench.integer(2, "select count(*) from t where i > 10000")
}

/// How a stream of rows that a statement by itself has written may end before its time, and how many rows it has changed then.
#[test]
fn a_stream_that_writes_by_itself_has_written_all_or_nothing() {
    let turns = |bench: &mut Bench, asked: &Execute<'_>, turns: usize| {
        let id = bench.send_execute(1, asked, &[]);
        bench.service.environment_mut().tick = 1.0;
        for _ in 0..turns {
            bench.service.turn();
        }
        bench.service.environment_mut().tick = 0.001;
        id
    };
    for slices in [1, 2, 3] {
        // Cancelled, late, or with a client that goes away: nothing is written, and that is what is said.
        let mut bench = filled();
        let id = turns(&mut bench, &stream(UPDATE, 1, 1_000), slices);
        bench.send(1, Request::Cancel { request: id });
        bench.settle();
        assert!(matches!(&bench.take(id)[..], [Got::Error(error, false)] if error.kind() == ErrorKind::Cancelled));
        assert_eq!(moved(&mut bench), 0);

        let id = turns(&mut bench, &Execute { deadline: 5, ..stream(UPDATE, 1, 1_000) }, slices);
        bench.clock.set(bench.clock.get() + 10.0);
        bench.settle();
        assert!(matches!(&bench.take(id)[..], [Got::Error(error, false)] if error.kind() == ErrorKind::Timeout));
        assert_eq!(moved(&mut bench), 0);

        // Whoever wants no more of the rows has not taken the statement back.
        let id = turns(&mut bench, &stream(UPDATE, 1, 1_000), slices);
        bench.send(1, Request::CloseStream { stream: id });
        bench.settle();
        assert_eq!(moved(&mut bench), 1_000);
    }
}

#[test]
fn nobody_waits_for_the_reader_of_what_a_stream_has_written_by_itself() {
    let mut bench = Bench::with(0);
    let timeout = OpenOptions { idle_transaction_timeout: 400, ..options(Storage::Memory, "test") };
    (1..=3).for_each(|id| bench.open(id, timeout.clone()));
    bench.run(1, "create table t (i integer primary key)");
    bench.run(1, &format!("insert into t {NUMBERS}"));
    let id = bench.send_execute(1, &stream(UPDATE, 1, 100), &[]);
    bench.settle();
    // It is committed, and others may write.
    assert_eq!(moved(&mut bench), 1_000);
    bench.run(2, "delete from t where i = 10001");
    bench.clock.set(bench.clock.get() + 1_000.0);
    bench.settle();
    let frames = bench.rows(id);
    assert_eq!(
        frames.last().map(|frame| (frame.more, frame.changes, frame.in_transaction)),
        Some((false, 1_000, false))
    );
    assert_eq!(frames.iter().map(|frame| frame.rows.len()).sum::<usize>(), 1_000);
}
