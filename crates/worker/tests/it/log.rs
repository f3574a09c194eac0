//! How large the log gets, and who has to wait or go so that it does not get larger.

use crate::bench::{Bench, Got, execute, options, stream};
use aludel_protocol::{BeginMode, Error, ErrorKind, OpenOptions, Request, Storage, TransactionOp, Value};
use aludel_worker::Turn;

const MIB: u64 = 1 << 20;
const NUMBERS: &str = "select a.id, b.id from t as a, t as b order by 1, 2";

/// Connections 1 to `count` on a database whose table has a few rows.
fn bench(count: u32, log_limit: u64) -> Bench {
    let mut bench = Bench::greeted();
    for connection in 1..=count {
        bench.open(connection, OpenOptions { log_limit, ..options(Storage::Memory, "test") });
    }
    bench.run(1, "create table t (id integer primary key, filler)");
    bench.run(1, "insert into t (filler) values (1), (2), (3), (4), (5), (6), (7), (8)");
    bench
}

fn log(bench: &Bench) -> u64 {
    bench.service.log_bytes(Storage::Memory, "test").unwrap()
}

const UPDATE: &str = "update t set filler = randomblob(6000) where id = abs(random()) % 8 + 1";

/// One commit that puts some 8 KiB into the log.
fn commit(bench: &mut Bench) {
    bench.run(1, UPDATE);
}

fn commit_bytes(bench: &mut Bench, bytes: u64) {
    (0..bytes / 8192).for_each(|_| commit(bench));
}

/// Begins a stream of which one row is read.
fn begin_stream(bench: &mut Bench, connection: u32) -> u64 {
    let id = bench.send_execute(connection, &stream(NUMBERS, 1, 1), &[]);
    bench.settle();
    id
}

fn rows_of(got: &[Got]) -> usize {
    got.iter().map(|got| if let Got::Rows(rows) = got { rows.rows.len() } else { panic!("{got:?}") }).sum()
}

fn read_to_the_end(bench: &mut Bench, connection: u32, stream: u64) -> usize {
    bench.send(connection, Request::Credit { stream, credits: 1000 });
    bench.settle();
    rows_of(&bench.take(stream))
}

#[test]
fn the_log_is_copied_when_a_burst_is_over_and_not_before() {
    let mut bench = bench(2, 0);
    for round in 0..8 {
        commit_bytes(&mut bench, MIB * 5 / 4);
        assert!(log(&bench) > MIB, "in round {round}");
        let Turn::WaitUntil(due) = bench.settle() else { panic!("nothing is due in round {round}") };
        let wait = due - bench.clock.get();
        assert!(wait > 5.0 && wait < 15.0, "{wait} ms");
        bench.advance(wait - 0.1);
        assert_eq!(bench.settle(), Turn::WaitUntil(due));
        bench.advance(0.2);
        assert_eq!(bench.settle(), Turn::Idle);
    }
    // It began anew in each round.
    assert!(log(&bench) < 2 * MIB, "{}", log(&bench));
    let copied = bench.run(1, "pragma wal_checkpoint(noop)").rows.concat();
    assert_eq!(copied[1], copied[2], "{copied:?}");
}

#[test]
fn a_burst_that_does_not_end_has_its_log_copied_meanwhile() {
    let mut bench = bench(1, 0);
    let mut largest = 0;
    for _ in 0..3000 {
        commit(&mut bench);
        largest = largest.max(log(&bench));
    }
    assert!(largest > MIB && largest < 3 * MIB, "{largest}");
}

#[test]
fn a_little_in_the_log_is_left_there() {
    let mut bench = bench(1, 0);
    commit_bytes(&mut bench, MIB / 2);
    assert_eq!(bench.settle(), Turn::Idle);
}

/// How many frames are in the log, and how many of them in the database as well.
fn copied(bench: &mut Bench) -> [i64; 2] {
    // What it says of the log it takes from its last read.
    bench.run(2, "select 1 from t");
    let row = bench.run(2, "pragma wal_checkpoint(noop)").rows.concat();
    [1, 2].map(|column| if let Value::Integer(frames) = row[column] { frames } else { panic!("{row:?}") })
}

/// Does nothing for as long as the log is left alone.
fn rest(bench: &mut Bench) {
    let turn = bench.settle();
    let Turn::WaitUntil(due) = turn else { panic!("nothing is due: {turn:?}, {:?}", copied(bench)) };
    bench.advance(due - bench.clock.get());
    assert_eq!(bench.settle(), Turn::Idle);
}

/// Copying a log takes as long as writing it did: who reads what was just written is not to wait for that.
#[test]
fn what_follows_a_large_commit_does_not_wait_for_its_copying() {
    let mut bench = bench(2, 0);
    for _ in 0..3 {
        bench.run(1, "insert into t (filler) values (zeroblob(9000000))");
        for _ in 0..5 {
            bench.advance(9.0);
            assert_eq!(bench.scalar(2, "select max(length(filler)) from t"), Value::Integer(9_000_000));
            let [frames, copied] = copied(&mut bench);
            assert!(frames > 2190 && copied == 0, "{copied} of {frames}");
        }
        rest(&mut bench);
        let [frames, copied] = copied(&mut bench);
        assert_eq!(frames, copied);
        assert_eq!(bench.settle(), Turn::Idle);
    }
    // Whoever goes on writing has it copied.
    for copies in [false, true, false, true] {
        bench.run(1, "insert into t (filler) values (zeroblob(9000000))");
        let [frames, copied] = copied(&mut bench);
        assert_eq!(copied, if copies { frames } else { 0 }, "of {frames}");
        assert!(log(&bench) < 20 * MIB, "{}", log(&bench));
    }
}

#[test]
fn the_file_of_a_large_log_is_cut_back_with_the_next_commit() {
    let mut bench = bench(1, 0);
    bench.run(1, "create table large as select zeroblob(20000000) as b");
    assert!(log(&bench) > 19 * MIB);
    rest(&mut bench);
    commit(&mut bench);
    assert!(log(&bench) <= 4 * MIB, "{}", log(&bench));
}

#[test]
fn three_thousand_commits_under_overlapping_readers_leave_a_small_log() {
    let mut bench = bench(3, 0);
    let mut reader = (2, begin_stream(&mut bench, 2));
    let (mut largest, mut read, mut held) = (0, 0, 0);
    for n in 0..3000 {
        let write = bench.send_execute(1, &execute(UPDATE), &[]);
        bench.settle();
        if n % 5 == 0 {
            // The next reader begins before this one ends: there is no moment without one.
            let next = (5 - reader.0, begin_stream(&mut bench, 5 - reader.0));
            read += read_to_the_end(&mut bench, reader.0, reader.1);
            reader = next;
        }
        let answer = bench.take(write);
        if answer.is_empty() {
            // It is held back, until nobody reads.
            held += 1;
            read += read_to_the_end(&mut bench, reader.0, reader.1);
            bench.outcome(write).unwrap();
            reader = (reader.0, begin_stream(&mut bench, reader.0));
        }
        largest = largest.max(log(&bench));
    }
    read += read_to_the_end(&mut bench, reader.0, reader.1);
    assert_eq!(read, (601 + held) * 64, "each reader gets all of its rows");
    println!(
        "largest log: {largest} bytes; without holding readers back it would be {}; {held} waits",
        3000 * 2 * 4120
    );
    assert!(largest < 5 * MIB, "{largest}");
}

#[test]
fn who_is_held_back_goes_on_as_soon_as_the_others_have_read_and_within_50_ms() {
    let mut bench = bench(3, 0);
    let first = begin_stream(&mut bench, 2);
    while log(&bench) < 4 * MIB {
        commit(&mut bench);
    }
    // The commit that made it too large began the wait; the others of that connection wait now as well.
    let second = begin_stream(&mut bench, 3);
    let write = bench.send_execute(1, &execute("insert into t (filler) values (9)"), &[]);
    assert!(matches!(bench.settle(), Turn::WaitUntil(_)));
    assert!(bench.take(second).is_empty() && bench.take(write).is_empty());
    read_to_the_end(&mut bench, 2, first);
    bench.outcome(write).unwrap();
    assert!(!bench.take(second).is_empty());
    assert!(log(&bench) >= 4 * MIB);
    bench.send(3, Request::CloseStream { stream: second });
    commit(&mut bench);

    // The same, but the reader stays.
    let first = begin_stream(&mut bench, 2);
    let mut commits = 0;
    let late = loop {
        let id = bench.send_execute(1, &execute(UPDATE), &[]);
        let turn = bench.settle();
        if bench.take(id).is_empty() {
            break (id, turn);
        }
        commits += 1;
    };
    assert!(commits > 400 && commits < 1200, "{commits}");
    let Turn::WaitUntil(end) = late.1 else { panic!("{late:?}") };
    assert!(end - bench.clock.get() <= 50.0);
    bench.advance(50.0);
    bench.settle();
    bench.outcome(late.0).unwrap();
    assert!(rows_of(&bench.take(first)) > 0);
    assert!(read_to_the_end(&mut bench, 2, first) > 0);
}

fn check_ended(error: &Error) {
    assert_eq!((error.kind(), error.retryable()), (ErrorKind::Operational, true), "{error}");
    assert!(
        error.message().starts_with("the transaction was ended: it had read from the same snapshot for "),
        "{error}"
    );
    assert!(error.message().ends_with("(logLimit: 8388608)"), "{error}");
}

#[test]
fn a_stream_that_nobody_reads_is_ended_when_the_log_reaches_its_limit() {
    let mut bench = bench(3, 8 * MIB);
    let forgotten = begin_stream(&mut bench, 2);
    assert_eq!(rows_of(&bench.take(forgotten)), 1);
    let mut largest = 0;
    for _ in 0..4000 {
        let id = bench.send_execute(1, &execute(UPDATE), &[]);
        while let (Turn::WaitUntil(_), []) = (bench.settle(), &bench.take(id)[..]) {
            bench.advance(10.0);
        }
        largest = largest.max(log(&bench));
    }
    let (error, in_transaction) = bench.error(forgotten);
    check_ended(&error);
    assert_eq!((error.statement(), in_transaction), (Some(NUMBERS), false));
    assert!(largest > 7 * MIB && largest < 9 * MIB, "{largest}");
    // It was a transaction of its own, so the connection can go on.
    assert_eq!(bench.integer(2, "select count(*) from t"), 8);
}

#[test]
fn a_forgotten_read_transaction_is_ended_and_says_so_until_it_is_rolled_back() {
    let mut bench = bench(2, 8 * MIB);
    bench.transaction(2, TransactionOp::Begin(BeginMode::Deferred));
    bench.integer(2, "select count(*) from t");
    let read = begin_stream(&mut bench, 2);
    bench.take(read);
    let mut largest = 0;
    for _ in 0..3000 {
        let id = bench.send_execute(1, &execute(UPDATE), &[]);
        while let (Turn::WaitUntil(_), []) = (bench.settle(), &bench.take(id)[..]) {
            bench.advance(10.0);
        }
        largest = largest.max(log(&bench));
    }
    assert!(largest < 9 * MIB, "{largest}");
    check_ended(&bench.error(read).0);
    for sql in ["select 1", "insert into t (filler) values (0)"] {
        check_ended(&bench.fail(2, sql));
    }
    for op in [
        TransactionOp::Commit,
        TransactionOp::Begin(BeginMode::Immediate),
        TransactionOp::Savepoint("s".into(), BeginMode::Auto),
        TransactionOp::Release("s".into()),
    ] {
        let Got::Error(error, false) = bench.transaction(2, op) else { panic!() };
        check_ended(&error);
    }
    assert_eq!(bench.transaction(2, TransactionOp::Rollback), Got::Done(false));
    assert_eq!(bench.integer(2, "select count(*) from t"), 8);
}

#[test]
fn a_large_transaction_is_not_to_blame_for_its_size_but_a_reader_is_that_stays_afterwards() {
    let mut bench = bench(3, MIB);
    let scan = bench.send_execute(2, &stream(NUMBERS, 1, 1), &[]);
    bench.transaction(3, TransactionOp::Begin(BeginMode::Immediate));
    bench.run(3, "create table large as select zeroblob(3000000) as b");
    assert_eq!(rows_of(&bench.take(scan)), 1);
    assert_eq!(bench.transaction(3, TransactionOp::Commit), Got::Done(false));
    assert!(log(&bench) > 2 * MIB);
    // Only a moment later: it may have been just about to end.
    bench.settle();
    assert!(bench.take(scan).is_empty());
    bench.advance(51.0);
    bench.settle();
    assert_eq!(bench.error(scan).0.kind(), ErrorKind::Operational);
    assert_eq!(bench.scalar(3, "select length(b) from large"), Value::Integer(3_000_000));
    bench.run(3, "drop table large");
    assert!(log(&bench) <= MIB, "{}", log(&bench));
}

#[test]
fn checkpoints_cannot_be_left_to_sqlite() {
    let mut bench = bench(1, 0);
    bench.run(1, "pragma wal_autocheckpoint = 1");
    assert_eq!(bench.integer(1, "pragma wal_autocheckpoint"), 0);
    commit_bytes(&mut bench, MIB / 2);
    let copied = bench.run(1, "pragma wal_checkpoint(noop)").rows.concat();
    assert_eq!(copied[2], Value::Integer(0), "{copied:?}");
}
