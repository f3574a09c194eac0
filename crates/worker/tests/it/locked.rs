//! What is said when the database is locked: who holds what since when, or who has committed meanwhile.

use crate::bench::{Bench, Got, execute, options, stream};
use aludel_protocol::{Error, ErrorKind, OpenOptions, Request, Storage, TransactionOp, Value};

const BUSY: i32 = 5;
const BUSY_SNAPSHOT: i32 = 517;
const INSERT: &str = "insert into t (who) values (1)";

/// Clients 1 and 2, each with the connections 1 and 2 and half a second of patience.
fn bench() -> Bench {
    let mut bench = Bench::fresh();
    for client in [2, 1] {
        bench.greet_as(client);
        (1..=2).for_each(|connection| bench.open(connection, patience()));
    }
    bench.run(1, "create table t (id integer primary key, who integer)");
    bench
}

fn patience() -> OpenOptions {
    OpenOptions { lock_timeout: 500, ..options(Storage::Memory, "test") }
}

/// What a request is told that waits until its patience is over.
fn told(bench: &mut Bench, id: u64) -> Error {
    bench.settle();
    assert_eq!(bench.take(id), [], "it waits");
    bench.advance(501.0);
    bench.settle();
    let (error, _) = bench.error(id);
    assert_eq!((error.kind(), error.sqlite_code(), error.retryable()), (ErrorKind::Operational, BUSY, true), "{error}");
    error
}

/// Compares a text with one in which each `#` is a number, of milliseconds that are not under test.
fn check(message: &str, pattern: &str) {
    let mut rest = message;
    for (index, part) in pattern.split('#').enumerate() {
        if index > 0 {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        rest = rest.strip_prefix(part).unwrap_or_else(|| panic!("{message}\nis not\n{pattern}"));
    }
    assert_eq!(rest, "", "{message}");
}

#[test]
fn a_stale_upgrade_says_who_has_committed_and_when() {
    for (client, whose) in [(1, ""), (2, " of another tab")] {
        let mut bench = bench();
        bench.run(1, "begin");
        bench.integer(1, "select count(*) from t");
        bench.advance(200.0);
        bench.client = client;
        bench.run(2, INSERT);
        bench.client = 1;
        bench.advance(100.0);
        let error = bench.fail(1, INSERT);
        assert_eq!((error.sqlite_code(), error.retryable()), (BUSY_SNAPSHOT, true));
        assert_eq!(error.statement(), Some(INSERT));
        let said = format!(
            "database is locked: connection 2{whose} has committed 100 ms ago, after this transaction first read "
        );
        check(
            error.message(),
            &format!("{said}300 ms ago, so it can no longer write; roll back and begin it again with mode immediate"),
        );
    }
}

#[test]
fn a_stale_upgrade_that_waited_names_the_one_that_it_waited_for() {
    let mut bench = bench();
    bench.run(1, "begin");
    bench.integer(1, "select count(*) from t");
    bench.run(2, "begin immediate");
    bench.run(2, INSERT);
    let id = bench.send_execute(1, &execute(INSERT), &[]);
    bench.settle();
    bench.transaction(2, TransactionOp::Commit);
    let (error, _) = bench.error(id);
    assert_eq!(error.sqlite_code(), BUSY_SNAPSHOT);
    check(
        error.message(),
        "database is locked: connection 2 has committed # ms ago, after this transaction first read # ms ago, so it can no \
         longer write; roll back and begin it again with mode immediate",
    );
}

#[test]
fn whoever_comes_too_late_for_a_lock_that_was_given_up_is_told_of_that() {
    let mut bench = bench();
    bench.run(1, "begin immediate");
    let id = bench.send_execute(2, &execute(INSERT), &[]);
    bench.settle();
    bench.advance(490.0);
    bench.send_transaction(1, TransactionOp::Rollback);
    bench.service.environment_mut().tick = 3.0;
    // The lock is given up, and the turn of the one that waits comes when its time is over.
    bench.settle();
    let said =
        "database is locked: connection 1, which had held the write lock for # ms, gave it up # ms ago, too late";
    check(bench.error(id).0.message(), said);
}

#[test]
fn what_needs_the_database_for_itself_is_told_who_else_has_it() {
    let mut bench = bench();
    bench.client = 2;
    bench.send(2, Request::Close);
    bench.run(1, "begin");
    bench.integer(1, "select count(*) from t");
    bench.client = 1;
    let id = bench.send_execute(1, &execute("pragma journal_mode = delete"), &[]);
    check(
        told(&mut bench, id).message(),
        "database is locked: nobody writes, but this needs the database for itself, and connection 2 has it open, \
         connection 1 of another tab has read from it for # ms",
    );
}

#[test]
fn a_connection_that_gives_no_lock_back_is_named() {
    let mut bench = Bench::with(1);
    bench.run(1, "pragma locking_mode = exclusive");
    bench.run(1, "create table t (who)");
    let id = bench.send(2, Request::Open(patience()));
    let said = "database is locked: connection 1 keeps it for itself (PRAGMA locking_mode = EXCLUSIVE)";
    assert_eq!(told(&mut bench, id).message(), said);
}

/// One connection, which has left WAL and is in a transaction; and another one that is to be opened.
fn opening_beside(begin: &str) -> (Bench, u64) {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (who)");
    bench.run(1, "pragma journal_mode = delete");
    bench.run(1, begin);
    bench.integer(1, "select count(*) from t");
    let id = bench.send(2, Request::Open(patience()));
    bench.settle();
    (bench, id)
}

#[test]
fn a_connection_that_cannot_be_opened_for_a_lock_waits_for_it() {
    for begin in ["begin", "begin immediate", "begin exclusive"] {
        let (mut bench, id) = opening_beside(begin);
        let behind = bench.send_execute(2, &execute("select count(*) from t"), &[]);
        bench.settle();
        assert_eq!(bench.take(id), []);
        bench.run(1, "commit");
        bench.settle();
        assert_eq!(bench.take(id), [Got::Opened("wal".into())]);
        assert_eq!(bench.outcome(behind).unwrap().rows, [[Value::Integer(0)]]);
    }
}

#[test]
fn a_connection_that_waited_in_vain_to_be_opened_is_told_for_whom() {
    for (begin, why) in [
        ("begin", "nobody writes, but this needs the database for itself, and connection 1 has read from it for # ms"),
        ("begin immediate", "connection 1 has held the write lock for # ms"),
    ] {
        let (mut bench, id) = opening_beside(begin);
        check(told(&mut bench, id).message(), &format!("database is locked: {why}"));
        // The number is free again.
        bench.run(1, "commit");
        bench.open(2, patience());
    }
}

#[test]
fn what_is_in_the_way_of_a_stream_of_its_own_connection_does_not_wait() {
    let mut bench = bench();
    bench.run(1, "begin immediate");
    let insert = "insert into t (who) values (1), (2) returning id";
    let read = bench.send_execute(1, &stream(insert, 1, 1), &[]);
    bench.settle();
    bench.advance(40.0);
    let of = format!("SQL statements in progress: the stream {insert:?} of this connection has been open for 40 ms");
    for (sql, what) in [("savepoint s", "open savepoint"), ("commit", "commit transaction")] {
        let error = bench.fail(1, sql);
        assert_eq!((error.message(), error.sqlite_code()), (format!("cannot {what} - {of}").as_str(), BUSY));
    }
    // The request to commit, which is not SQL, ends streams first.
    assert_eq!(bench.transaction(1, TransactionOp::Commit), Got::Done(false));
    assert_eq!(bench.error(read).0.kind(), ErrorKind::ResourceClosed);
    assert_eq!(bench.integer(1, "select count(*) from t"), 2);
    let read = bench.send_execute(1, &stream("select * from t", 1, 1), &[]);
    bench.settle();
    check(
        bench.fail(1, "drop table t").message(),
        "database table is locked: the stream \"select * from t\" of this connection has been open for # ms",
    );
    bench.send(1, Request::CloseStream { stream: read });
}

#[cfg(feature = "faults")]
mod attached {
    use super::*;
    use crate::import::{file_of, import};
    use aludel_worker::vfs::simulated::SimulatedDisk;

    /// Connections 1 and 2 of main.db, which have attached other.db; connection 9 is one of other.db.
    fn bench() -> Bench {
        let mut bench = Bench::greeted();
        bench.service.environment_mut().disk = Some(SimulatedDisk::new());
        for (connection, path) in [(1, "dir/main.db"), (2, "dir/main.db"), (9, "dir/other.db")] {
            bench.open(connection, OpenOptions { lock_timeout: 500, ..options(Storage::Opfs, path) });
        }
        bench.run(9, "create table t (id integer primary key, who integer)");
        (1..=2).for_each(|connection| drop(bench.run(connection, "attach 'other.db' as other")));
        bench
    }

    const INSERT: &str = "insert into other.t (who) values (1)";

    #[test]
    fn the_holder_of_an_attached_database_is_named_whose_ever_own_it_is() {
        for (holder, insert) in [(2, INSERT), (9, super::INSERT)] {
            let mut bench = bench();
            bench.run(holder, "begin");
            bench.run(holder, insert);
            bench.advance(100.0);
            let id = bench.send_execute(1, &execute(INSERT), &[]);
            let who =
                format!("connection {holder} has held the write lock of the attached database \"other\" for 6# ms");
            check(told(&mut bench, id).message(), &format!("database is locked: {who}"));
            // Whoever has it as his own is told of one that has attached it.
            bench.transaction(holder, TransactionOp::Rollback);
            bench.run(2, "begin");
            bench.run(2, INSERT);
            let id = bench.send_execute(9, &execute(super::INSERT), &[]);
            check(
                told(&mut bench, id).message(),
                "database is locked: connection 2 has held the write lock for 50# ms",
            );
        }
    }

    #[test]
    fn a_holder_that_is_closed_holds_nothing_any_more() {
        let mut bench = bench();
        bench.run(2, "begin");
        bench.run(2, INSERT);
        bench.send(2, Request::Close);
        bench.settle();
        bench.run(9, "begin immediate");
        let id = bench.send_execute(1, &execute(INSERT), &[]);
        let who = "connection 9 has held the write lock of the attached database \"other\" for 50# ms";
        check(told(&mut bench, id).message(), &format!("database is locked: {who}"));
    }

    #[test]
    fn a_stale_upgrade_of_an_attached_database_says_who_has_committed_to_it() {
        for (other, insert) in [(2, INSERT), (9, super::INSERT)] {
            let mut bench = bench();
            bench.run(1, "begin");
            bench.integer(1, "select count(*) from other.t");
            bench.run(other, insert);
            let error = bench.fail(1, INSERT);
            assert_eq!(error.sqlite_code(), BUSY_SNAPSHOT);
            check(
                error.message(),
                &format!(
                    "database is locked: connection {other} has committed to the attached database \"other\" # ms ago, after \
                     this transaction first read # ms ago, so it can no longer write; roll back and begin it again with mode \
                     immediate"
                ),
            );
        }
    }

    #[test]
    fn an_import_that_came_between_is_a_commit_as_well() {
        let mut bench = bench();
        bench.run(1, "create table t (id integer primary key, who integer)");
        bench.run(1, "begin");
        bench.integer(1, "select count(*) from t");
        import(&mut bench, 2, &file_of(&["create table t (id integer primary key, who integer)"])).unwrap();
        check(
            bench.fail(1, super::INSERT).message(),
            "database is locked: connection 2 has committed # ms ago, after this transaction first read # ms ago, so it can \
             no longer write; roll back and begin it again with mode immediate",
        );
    }
}
