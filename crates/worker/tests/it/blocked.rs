//! Who is told that somebody holds others up, when, and what becomes of transactions that stay idle.

use crate::bench::{Bench, Got, execute, options, stream};
use aludel_protocol::{
    BeginMode, Blocked, Error, ErrorKind, Notice, Obstacle, OpenOptions, Party, Request, Storage, TransactionOp, Value,
};
use aludel_worker::Turn;

const INSERT: &str = "insert into t (who) values (1)";
const NUMBERS: &str = "with recursive n(i) as (select 1 union all select i + 1 from n limit 1000) select i from n";

/// Clients 1 to `clients`, each with the connections 1 to 3.
fn bench(clients: u64, set: OpenOptions) -> Bench {
    let mut bench = Bench::fresh();
    for client in 1..=clients {
        bench.greet_as(client);
        (1..=3).for_each(|connection| bench.open(connection, set.clone()));
    }
    bench.client = 1;
    bench.run(1, "create table t (id integer primary key, who integer)");
    bench
}

fn patient() -> OpenOptions {
    OpenOptions { lock_timeout: 30_000, ..options(Storage::Memory, "test") }
}

fn begin(bench: &mut Bench, client: u64, connection: u32) {
    bench.client = client;
    assert_eq!(bench.transaction(connection, TransactionOp::Begin(BeginMode::Immediate)), Got::Done(true));
}

fn wait(bench: &mut Bench, client: u64, connection: u32) -> u64 {
    bench.client = client;
    let id = bench.send_execute(connection, &execute(INSERT), &[]);
    bench.settle();
    assert!(bench.take(id).is_empty());
    id
}

/// Lets time go by, with a look now and then.
fn pass(bench: &mut Bench, ms: u32) -> Turn {
    let mut turn = Turn::Idle;
    for _ in 0..ms / 50 {
        bench.advance(50.0);
        turn = bench.settle();
    }
    turn
}

/// The notices since this was last asked: to whom, about which connection, what.
fn told(bench: &mut Bench) -> Vec<(u64, u32, Notice)> {
    bench.notices().into_iter().map(|(header, notice)| (header.client, header.connection, notice)).collect()
}

fn blocked(bench: &mut Bench) -> Vec<(u64, Blocked)> {
    let blocked = |(client, _, notice)| match notice {
        Notice::Blocked(blocked) => (client, blocked),
        other => panic!("{other:?}"),
    };
    told(bench).into_iter().map(blocked).collect()
}

#[test]
fn after_a_second_the_holder_is_asked_and_both_are_told_once() {
    let mut bench = bench(2, patient());
    begin(&mut bench, 1, 2);
    bench.advance(500.0);
    let waiting = wait(&mut bench, 2, 3);
    let Turn::WaitUntil(time) = bench.settle() else { panic!() };
    assert!((time - bench.clock.get() - 1_000.0).abs() < 1.0);
    pass(&mut bench, 950);
    assert_eq!(told(&mut bench), []);
    pass(&mut bench, 100);
    assert_eq!(told(&mut bench), [(1, 2, Notice::Holding)]);

    bench.client = 1;
    bench.send(2, Request::Site { text: "app.js:12:3" });
    bench.settle();
    let told_of = blocked(&mut bench);
    let (clients, notices): (Vec<u64>, Vec<Blocked>) = told_of.into_iter().unzip();
    assert_eq!(clients, [2, 1]);
    assert_eq!(notices[0], notices[1]);
    let Blocked { obstacle, waiter, waited, holder, held, site, log_bytes } = notices[0].clone();
    assert_eq!((obstacle, log_bytes, site.as_deref()), (Obstacle::WriteLock, 0, Some("app.js:12:3")));
    assert_eq!(waiter, Party { client: 2, connection: 3 });
    assert_eq!(holder, Party { client: 1, connection: 2 });
    assert!((1_000..1_200).contains(&waited) && (1_500..1_700).contains(&held), "{waited} {held}");

    // Nothing more is said of this one, not even to another connection of the same client.
    let other = wait(&mut bench, 2, 1);
    pass(&mut bench, 5_000);
    assert_eq!(told(&mut bench), []);
    bench.client = 1;
    bench.transaction(2, TransactionOp::Commit);
    bench.outcome(waiting).unwrap();
    bench.outcome(other).unwrap();
}

#[test]
fn a_client_that_does_not_answer_is_not_waited_for() {
    let mut bench = bench(2, patient());
    begin(&mut bench, 1, 1);
    wait(&mut bench, 1, 2);
    pass(&mut bench, 1_000);
    assert_eq!(told(&mut bench), [(1, 1, Notice::Holding)]);
    pass(&mut bench, 200);
    assert_eq!(told(&mut bench), []);
    pass(&mut bench, 100);
    // Both are one client, which is told once.
    let notices = blocked(&mut bench);
    assert_eq!((notices.len(), notices[0].0, notices[0].1.site.as_deref()), (1, 1, None));
    // A third that waits for the same is told as well; nobody is asked twice.
    wait(&mut bench, 2, 1);
    pass(&mut bench, 2_000);
    assert_eq!(blocked(&mut bench).iter().map(|(client, _)| *client).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_holder_at_work_is_left_alone() {
    let mut bench = bench(2, patient());
    begin(&mut bench, 1, 1);
    wait(&mut bench, 2, 1);
    // It does a little every now and then.
    for _ in 0..20 {
        pass(&mut bench, 200);
        bench.client = 1;
        bench.run(1, INSERT);
    }
    assert_eq!(told(&mut bench), []);
    // Now something long, in slices.
    bench.service.environment_mut().tick = 1.0;
    let long = "with recursive n(i) as (select 1 union all select i + 1 from n limit 3000) select i from n";
    let long = bench.send_execute(1, &execute(long), &[]);
    assert_eq!(bench.service.turn(), Turn::Again);
    for _ in 0..200 {
        bench.advance(10.0);
        bench.service.turn();
    }
    assert!(bench.take(long).is_empty());
    assert_eq!(told(&mut bench), []);
    bench.service.environment_mut().tick = 0.002;
    bench.settle();
    bench.outcome(long).unwrap();
    // And now nothing, with a stream that waits for its reader.
    let read = bench.send_execute(1, &stream(NUMBERS, 1, 1), &[]);
    bench.settle();
    pass(&mut bench, 400);
    assert_eq!(told(&mut bench), [(1, 1, Notice::Holding)]);
    bench.send(1, Request::CloseStream { stream: read });
}

#[test]
fn a_waiter_that_gets_the_lock_in_time_is_told_nothing() {
    let mut bench = bench(1, patient());
    begin(&mut bench, 1, 1);
    let second = bench.send_transaction(2, TransactionOp::Begin(BeginMode::Immediate));
    let third = bench.send_transaction(3, TransactionOp::Begin(BeginMode::Immediate));
    pass(&mut bench, 900);
    bench.transaction(1, TransactionOp::Commit);
    assert_eq!(bench.take(second), [Got::Done(true)]);
    // It has waited for more than a second, but not for this one.
    pass(&mut bench, 900);
    assert_eq!(told(&mut bench), []);
    pass(&mut bench, 150);
    assert_eq!(told(&mut bench), [(1, 2, Notice::Holding)]);
    bench.transaction(2, TransactionOp::Commit);
    assert_eq!(bench.take(third), [Got::Done(true)]);
    pass(&mut bench, 1_000);
    assert_eq!(told(&mut bench), []);
}

#[test]
fn the_lock_timeout_names_the_holder_its_age_and_its_site() {
    let mut bench = bench(2, OpenOptions { lock_timeout: 3_000, ..options(Storage::Memory, "test") });
    begin(&mut bench, 1, 2);
    bench.advance(500.0);
    let (own, other) = (wait(&mut bench, 1, 1), wait(&mut bench, 2, 1));
    pass(&mut bench, 1_100);
    bench.client = 1;
    bench.send(2, Request::Site { text: "app.js:12:3" });
    pass(&mut bench, 2_000);
    for (id, whose) in [(own, ""), (other, " of another tab")] {
        let (error, _) = bench.error(id);
        assert_eq!((error.kind(), error.sqlite_code(), error.retryable()), (ErrorKind::Operational, 5, true));
        let (start, rest) = error.message().split_once(" ms, doing nothing for the last ").unwrap();
        assert!(start.starts_with(&format!("database is locked: connection 2{whose} has held the write lock for 35")));
        assert!(rest.starts_with("35") && rest.ends_with("; it was taken at app.js:12:3"), "{error}");
    }
}

#[test]
fn a_reader_that_keeps_the_log_from_beginning_anew_is_named() {
    // The third does nothing but have it open; the fourth has another one.
    let mut bench = bench(3, patient());
    bench.greet_as(4);
    bench.open(1, options(Storage::Memory, "another"));
    bench.client = 2;
    bench.run(3, "begin");
    bench.integer(3, "select count(*) from t");
    bench.client = 1;
    bench.run(1, "create table large (b)");
    for _ in 0..6 {
        let id = bench.send_execute(1, &execute("insert into large values (zeroblob(1000000))"), &[]);
        pass(&mut bench, 100);
        bench.outcome(id).unwrap();
    }
    assert_eq!(told(&mut bench), []);
    pass(&mut bench, 1_100);
    assert_eq!(told(&mut bench), [(2, 3, Notice::Holding)]);
    bench.client = 2;
    bench.send(3, Request::Site { text: "report.js:7" });
    bench.settle();
    let notices = blocked(&mut bench);
    let whom: Vec<u64> = notices.iter().map(|(client, _)| *client).collect();
    assert_eq!(whom, [2, 1, 3], "everyone who uses the database");
    let (_, blocked) = &notices[0];
    assert!(notices.iter().all(|(_, same)| same == blocked), "{notices:?}");
    assert_eq!(blocked.obstacle, Obstacle::Snapshot);
    assert_eq!(
        (blocked.waiter, blocked.holder),
        (Party { client: 0, connection: 0 }, Party { client: 2, connection: 3 })
    );
    assert!(blocked.log_bytes > 4 << 20 && blocked.held > 1_500, "{blocked:?}");
    assert_eq!(blocked.site.as_deref(), Some("report.js:7"));
    pass(&mut bench, 5_000);
    assert_eq!(told(&mut bench), []);
    bench.transaction(3, TransactionOp::Rollback);
}

/// Its copying was put off, and the wait for readers with it.
#[test]
fn a_reader_beside_one_large_commit_and_silence_is_named_as_well() {
    let mut bench = bench(3, patient());
    bench.run(3, "begin");
    bench.integer(3, "select count(*) from t");
    bench.run(1, "create table large (b)");
    bench.run(1, "insert into large values (zeroblob(9000000))");
    assert_eq!(told(&mut bench), []);
    // Nobody asks for anything: turns are only taken when they are due.
    let begun = bench.clock.get();
    let asked = loop {
        let Turn::WaitUntil(due) = bench.settle() else { panic!("nothing is due") };
        bench.advance(due - bench.clock.get());
        let told = told(&mut bench);
        if !told.is_empty() {
            break told;
        }
    };
    assert_eq!(asked, [(1, 3, Notice::Holding)]);
    let after = bench.clock.get() - begun;
    assert!(after < 1_400.0, "{after}");
    bench.send(3, Request::Site { text: "report.js:7" });
    bench.settle();
    assert_eq!(blocked(&mut bench)[0].1.obstacle, Obstacle::Snapshot);
}

fn idle_after(ms: u32) -> OpenOptions {
    OpenOptions { idle_transaction_timeout: ms, ..options(Storage::Memory, "test") }
}

fn check_idle(error: &Error) {
    assert_eq!((error.kind(), error.retryable()), (ErrorKind::Operational, true), "{error}");
    assert!(error.message().starts_with("the transaction was idle for 4"), "{error}");
    assert!(error.message().ends_with(" ms and was rolled back (idleTransactionTimeout)"), "{error}");
}

#[test]
fn an_idle_transaction_is_rolled_back_and_nothing_goes_on_as_if_it_were_open() {
    let mut bench = bench(1, idle_after(400));
    let others = wait_for_lock(&mut bench);
    // Every request begins the time anew.
    for _ in 0..5 {
        pass(&mut bench, 350);
        bench.run(1, INSERT);
    }
    let read = bench.send_execute(1, &stream("select id from t order by id", 1, 1), &[]);
    pass(&mut bench, 350);
    assert_eq!(bench.rows(read).len(), 1);
    assert!(bench.take(others).is_empty());
    pass(&mut bench, 100);
    let (error, in_transaction) = bench.error(read);
    check_idle(&error);
    assert!(!in_transaction);
    // The other goes on.
    bench.outcome(others).unwrap();
    for sql in [INSERT, "select 1", "begin", "commit", "rollback to savepoint s"] {
        check_idle(&bench.fail(1, sql));
    }
    let Got::Error(error, false) = bench.transaction(1, TransactionOp::Commit) else { panic!() };
    check_idle(&error);
    assert_eq!(error.statement(), Some("COMMIT"));
    assert_eq!(bench.transaction(1, TransactionOp::Rollback), Got::Done(false));
    assert_eq!(bench.integer(1, "select count(*) from t"), 1);

    // The word does it, too; SQLite has nothing to roll back any more.
    begin(&mut bench, 1, 1);
    pass(&mut bench, 450);
    check_idle(&bench.fail(1, INSERT));
    assert_eq!(bench.fail(1, " Rollback;").message(), "cannot rollback - no transaction is active");
    bench.run(1, INSERT);
}

/// A transaction on connection 1, and a writer that waits for it.
fn wait_for_lock(bench: &mut Bench) -> u64 {
    begin(bench, 1, 1);
    bench.run(1, INSERT);
    bench.open(9, patient());
    wait(bench, 1, 9)
}

#[test]
fn a_connection_whose_transaction_was_idle_can_be_reset_and_closed() {
    for request in [Request::Reset, Request::Close] {
        let mut bench = bench(1, idle_after(400));
        begin(&mut bench, 1, 1);
        pass(&mut bench, 450);
        let closes = request == Request::Close;
        let id = bench.send(1, request);
        bench.settle();
        assert_eq!(bench.take(id), [Got::Done(false)]);
        if closes {
            bench.open(1, idle_after(400));
        }
        assert_eq!(bench.integer(1, "select count(*) from t"), 0);
    }
}

#[test]
fn what_is_no_transaction_or_not_idle_is_left_alone() {
    let mut bench = bench(1, idle_after(400));
    pass(&mut bench, 1_000);
    bench.run(1, INSERT);
    // A stream of its own is a transaction of its own: it ends, and nothing else.
    let read = bench.send_execute(1, &stream(NUMBERS, 1, 1), &[]);
    pass(&mut bench, 450);
    assert_eq!(bench.rows(read).len(), 1, "a stream without a table holds nothing");
    let read =
        bench.send_execute(1, &stream("select t.id, json.value from t, json_each('[1,2,3]') as json", 1, 1), &[]);
    pass(&mut bench, 450);
    let mut replies = bench.take(read);
    let Some(Got::Error(error, false)) = replies.pop() else { panic!("{replies:?}") };
    check_idle(&error);
    assert_eq!(bench.integer(1, "select count(*) from t"), 1);

    // Waiting for the lock is not idle: the lock timeout sees to that.
    begin(&mut bench, 1, 2);
    bench.run(1, "begin");
    let waiting = wait(&mut bench, 1, 1);
    for _ in 0..4 {
        pass(&mut bench, 200);
        bench.run(2, INSERT);
    }
    bench.transaction(2, TransactionOp::Commit);
    assert!(bench.outcome(waiting).unwrap().in_transaction);
    assert_eq!(bench.scalar(1, "select count(*) from t"), Value::Integer(6));
}
