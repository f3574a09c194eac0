//! Hello, opening, closing, shutting down.

use crate::bench::{Bench, Got, execute, options, stream};
use aludel_protocol::{Error, ErrorKind, PROTOCOL_VERSION, Request, Storage, StorageReason, TransactionOp};

#[test]
fn hello_comes_first_and_agrees_on_a_version() {
    let mut bench = Bench::fresh();
    let early = bench.send(1, Request::Open(options(Storage::Memory, "x")));
    assert_eq!(bench.error(early).0.kind(), ErrorKind::Protocol);
    for protocol in [0, PROTOCOL_VERSION - 1] {
        let older = bench.send(0, Request::Hello { protocol, version: "0.0.7" });
        let (error, _) = bench.error(older);
        assert_eq!(error.kind(), ErrorKind::Protocol);
        let said = format!("the page is of aludel 0.0.7 (protocol {protocol}), the worker of aludel ");
        assert!(error.message().starts_with(&said), "{error}");
        assert!(error.message().contains(&format!("(protocol {PROTOCOL_VERSION}): ")), "{error}");
        let open = bench.send(1, Request::Open(options(Storage::Memory, "x")));
        assert_eq!(bench.error(open).0.kind(), ErrorKind::Protocol, "it is not served");
    }
    let newer = bench.send(0, Request::Hello { protocol: 9, version: "x" });
    assert_eq!(bench.take(newer), [Got::Hello(PROTOCOL_VERSION)]);
    bench.open(1, options(Storage::Memory, "x"));
}

#[test]
fn connections_of_a_database_see_its_rows_and_others_do_not() {
    let mut bench = Bench::with(2);
    bench.run(1, "create table t (a)");
    bench.run(1, "insert into t values (1)");
    assert_eq!(bench.integer(2, "select a from t"), 1);
    bench.open(3, options(Storage::Memory, "other"));
    assert_eq!(bench.fail(3, "select a from t").message(), "no such table: t");
    let mut other = Bench::with(1);
    assert_eq!(other.fail(1, "select a from t").message(), "no such table: t");
}

#[test]
fn a_database_in_memory_outlives_its_connections() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (a)");
    let close = bench.send(1, Request::Close);
    bench.settle();
    assert_eq!(bench.take(close), [Got::Done(false)]);
    bench.open(2, options(Storage::Memory, "test"));
    assert_eq!(bench.integer(2, "select count(*) from t"), 0);
}

#[test]
fn statements_after_close_are_refused() {
    let mut bench = Bench::with(1);
    bench.send(1, Request::Close);
    let queued = bench.send_execute(1, &execute("select 1"), &[]);
    bench.settle();
    let later = bench.send_execute(1, &execute("select 1"), &[]);
    let unknown = bench.send_execute(7, &execute("select 1"), &[]);
    for (id, connection) in [(queued, 1), (later, 1), (unknown, 7)] {
        let (error, _) = bench.error(id);
        assert_eq!(error.kind(), ErrorKind::ResourceClosed);
        assert_eq!(error.message(), format!("connection {connection} is not open"));
    }
}

#[test]
fn a_number_is_open_once_at_a_time() {
    let mut bench = Bench::with(1);
    for connection in [0, 1] {
        let again = bench.send(connection, Request::Open(options(Storage::Memory, "test")));
        assert_eq!(bench.error(again).0.kind(), ErrorKind::Protocol);
    }
    bench.run(1, "select 1");
}

#[test]
fn requests_may_follow_an_open_at_once() {
    let mut bench = Bench::greeted();
    let open = bench.send(1, Request::Open(options(Storage::Memory, "x")));
    let select = bench.send_execute(1, &execute("select 1"), &[]);
    bench.settle();
    assert_eq!(bench.take(open), [Got::Opened("wal".into())]);
    assert_eq!(bench.outcome(select).unwrap().rows.len(), 1);
}

#[test]
fn shutdown_answers_everyone_and_takes_nothing_more() {
    let mut bench = Bench::with(2);
    bench.run(1, "create table t (a)");
    bench.transaction(1, TransactionOp::Begin(aludel_protocol::BeginMode::Immediate));
    let held = bench.send_execute(2, &stream("select 1 union select 2", 1, 1), &[]);
    bench.settle();
    assert!(bench.rows(held)[0].more);
    let waiting = bench.send_execute(2, &execute("insert into t values (1)"), &[]);
    bench.settle();
    let shutdown = bench.send(0, Request::Shutdown);
    assert_eq!(bench.take(shutdown), [Got::Done(false)]);
    for id in [held, waiting] {
        assert_eq!(bench.error(id).0.kind(), ErrorKind::WorkerGone);
    }
    let late = bench.send(0, Request::Hello { protocol: PROTOCOL_VERSION, version: "x" });
    assert_eq!(bench.error(late).0.kind(), ErrorKind::WorkerGone);
}

#[test]
fn files_are_waited_for_and_given_up_after_the_last_connection() {
    let mut bench = Bench::greeted();
    bench.service.environment_mut().preparation = None;
    let first = bench.send(1, Request::Open(options(Storage::Opfs, "a/b.db")));
    let second = bench.send(2, Request::Open(options(Storage::Opfs, "a/b.db")));
    let statement = bench.send_execute(1, &execute("select 1"), &[]);
    bench.settle();
    assert!(bench.take(first).is_empty());
    assert_eq!(bench.service.environment_mut().prepared, [("a/b.db".to_owned(), true)]);
    // Here the files are those of a database in memory by the same name.
    aludel_worker::vfs::attach_memory("a/b.db");
    bench.service.files_ready("a/b.db", Ok(()));
    bench.settle();
    assert_eq!(bench.take(first), [Got::Opened("wal".into())]);
    assert_eq!(bench.take(second), [Got::Opened("wal".into())]);
    assert_eq!(bench.outcome(statement).unwrap().rows.len(), 1);
    for connection in [1, 2] {
        assert!(bench.service.environment_mut().released.is_empty());
        bench.send(connection, Request::Close);
        bench.settle();
    }
    assert_eq!(bench.service.environment_mut().released, ["a/b.db"]);
    aludel_worker::vfs::detach("a/b.db");
}

#[test]
fn files_that_cannot_be_had_fail_everyone_who_waits() {
    let mut bench = Bench::greeted();
    bench.service.environment_mut().preparation = None;
    let open = bench.send(1, Request::Open(options(Storage::Opfs, "a.db")));
    let statement = bench.send_execute(1, &execute("select 1"), &[]);
    bench.service.files_ready("a.db", Err(Error::storage(StorageReason::InUse, "another tab has it open")));
    bench.settle();
    assert_eq!(bench.error(open).0.reason(), Some(StorageReason::InUse));
    let (error, _) = bench.error(statement);
    assert_eq!(error.kind(), ErrorKind::ResourceClosed);
    assert_eq!(error.cause().and_then(Error::reason), Some(StorageReason::InUse));
    assert!(bench.service.environment_mut().released.is_empty());
    // Nothing is left behind: the next attempt asks for the files again.
    bench.send(1, Request::Open(options(Storage::Opfs, "a.db")));
    assert_eq!(bench.service.environment_mut().prepared.len(), 2);
}

#[test]
fn an_open_that_was_cancelled_leaves_no_files_behind() {
    let mut bench = Bench::greeted();
    bench.service.environment_mut().preparation = None;
    let open = bench.send(1, Request::Open(options(Storage::Opfs, "c.db")));
    bench.send(1, Request::Cancel { request: open });
    assert_eq!(bench.error(open).0.kind(), ErrorKind::Cancelled);
    assert!(bench.service.environment_mut().released.is_empty());
    bench.service.files_ready("c.db", Ok(()));
    assert_eq!(bench.service.environment_mut().released, ["c.db"]);
}

#[test]
fn a_missing_opfs_is_told() {
    struct Bare(Vec<Vec<u8>>);
    impl aludel_worker::Environment for Bare {
        fn now(&self) -> f64 {
            0.0
        }
        fn post(&mut self, _client: u64, parts: &[&[u8]]) {
            self.0.push(parts.concat());
        }
    }
    let mut service = aludel_worker::Service::new(Bare(vec![]));
    service.receive(Request::Hello { protocol: PROTOCOL_VERSION, version: "x" }.encode(&crate::bench::header(1, 0)));
    service.receive(Request::Open(options(Storage::Opfs, "x.db")).encode(&crate::bench::header(2, 1)));
    let (_, reply) = aludel_protocol::Reply::decode(&service.environment_mut().0[1]).unwrap();
    let aludel_protocol::Reply::Error { error, .. } = reply else { panic!("{reply:?}") };
    assert_eq!(error.reason(), Some(StorageReason::Unavailable));
}

#[test]
fn settings_of_a_connection_are_as_asked() {
    let mut bench = Bench::greeted();
    let plain = options(Storage::Memory, "plain");
    bench.open(1, plain.clone());
    let other = aludel_protocol::OpenOptions {
        foreign_keys: false,
        durability: aludel_protocol::Durability::Full,
        cache_bytes: 8 << 20,
        ..options(Storage::Memory, "other")
    };
    bench.open(2, other);
    for (pragma, first, second) in [
        ("foreign_keys", 1, 0),
        ("synchronous", 1, 2),
        ("cache_size", -1024, -8192),
        ("page_size", 4096, 4096),
        ("cell_size_check", 1, 1),
        ("trusted_schema", 0, 0),
        ("wal_autocheckpoint", 0, 0),
        ("busy_timeout", 0, 0),
        ("temp_store", 0, 0),
    ] {
        assert_eq!(bench.integer(1, &format!("pragma {pragma}")), first, "{pragma}");
        assert_eq!(bench.integer(2, &format!("pragma {pragma}")), second, "{pragma}");
    }
}

#[test]
fn a_connection_is_defensive_but_its_pages_can_be_read() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (a)");
    assert!(bench.fail(1, "update sqlite_schema set sql = 'x'").message().contains("may not be modified"));
    bench.run(1, "pragma writable_schema = on");
    assert!(bench.fail(1, "update sqlite_schema set sql = 'x'").message().contains("may not be modified"));
    let header = bench.scalar(1, "select substr(data, 1, 15) from sqlite_dbpage where pgno = 1");
    assert_eq!(header, aludel_protocol::Value::Blob(b"SQLite format 3".to_vec()));
    assert!(bench.try_run(1, &execute("update sqlite_dbpage set data = zeroblob(4096)"), &[]).is_err());
    // Text in double quotes is a name, never a string (SQLITE_DQS=0).
    assert!(bench.fail(1, "select \"nothing\"").message().starts_with("no such column: \"nothing\""));
}
