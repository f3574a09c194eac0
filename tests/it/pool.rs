//! The pool, the engines and their workers.

use crate::support::{Scratch, memory, run, scalar, setup};
use aludel::{CallOptions, CancelToken, Engine, ErrorKind, Storage, StorageReason, Value, params, text};
use futures::FutureExt;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

fn small(size: usize, overflow: isize, timeout: u64) -> Engine {
    let builder = Engine::builder("sqlite://").pool_size(size).max_overflow(overflow);
    builder.pool_timeout(Duration::from_millis(timeout)).build().unwrap()
}

#[test]
fn a5_16_a5_17_the_pool_tells_its_status_as_sqlalchemy_does() {
    run(async {
        let engine = small(2, 1, 1000);
        assert_eq!(
            engine.pool().to_string(),
            "Pool size: 2  Connections in pool: 0 Current Overflow: -2 Current Checked out connections: 0"
        );
        let first = engine.connect().await.unwrap();
        let _second = engine.connect().await.unwrap();
        let third = engine.connect().await.unwrap();
        assert_eq!(
            engine.pool().to_string(),
            "Pool size: 2  Connections in pool: 0 Current Overflow: 1 Current Checked out connections: 3"
        );
        first.close().await.unwrap();
        third.close().await.unwrap();
        assert_eq!(
            engine.pool().to_string(),
            "Pool size: 2  Connections in pool: 2 Current Overflow: 1 Current Checked out connections: 1"
        );
    });
}

#[test]
fn a3_05_connections_beyond_the_size_are_closed_when_they_come_back() {
    run(async {
        let engine = small(1, 1, 1000);
        let (a, b) = (engine.connect().await.unwrap(), engine.connect().await.unwrap());
        a.close().await.unwrap();
        b.close().await.unwrap();
        let status = engine.pool();
        assert_eq!((status.checkedin, status.checkedout, status.overflow), (1, 0, 0));
    });
}

#[test]
fn a5_events_a_connection_knows_whether_somebody_had_it_before() {
    run(async {
        let engine = small(1, 0, 1000);
        let is_new = async || engine.connect().await.unwrap().is_new();
        assert_eq!((is_new().await, is_new().await), (true, false));
        engine.connect().await.unwrap().invalidate().await.unwrap();
        engine.execute(&text("SELECT 1"), ()).await.unwrap();
        assert!(!is_new().await, "a statement had it");
    });
}

#[test]
fn a3_06_waiting_too_long_is_a_timeout_with_sqlalchemys_words() {
    run(async {
        let engine = small(2, 1, 300);
        let held = [engine.connect().await.unwrap(), engine.connect().await.unwrap(), engine.connect().await.unwrap()];
        let started = Instant::now();
        let error = engine.connect().await.unwrap_err();
        assert!(started.elapsed() >= Duration::from_millis(300));
        assert_eq!((error.kind(), error.code()), (ErrorKind::Timeout, Some("3o7r")));
        let sentence = "QueuePool limit of size 2 overflow 1 reached, connection timed out, timeout 0.30";
        assert_eq!(error.message().lines().next(), Some(sentence));
        assert_eq!(error.message().lines().count(), 1 + 3, "and who holds them: {error}");
        drop(held);
        engine.connect().await.unwrap();
    });
}

#[test]
fn a3_04_a_size_of_zero_is_no_limit() {
    run(async {
        let engine = small(0, 0, 10);
        let mut held = Vec::new();
        for _ in 0..10 {
            held.push(engine.connect().await.unwrap());
        }
        assert_eq!(
            engine.pool().to_string(),
            "Pool size: 0  Connections in pool: 0 Current Overflow: 0 Current Checked out connections: 10"
        );
        drop(held);
        assert_eq!(engine.pool().checkedin, 10);
    });
}

#[test]
fn a3_06_waiters_are_served_in_the_order_in_which_they_came() {
    run(async {
        let engine = small(1, 0, 5000);
        let held = engine.connect().await.unwrap();
        let order = RefCell::new(Vec::new());
        let wait = async |name: &'static str| {
            let conn = engine.connect().await.unwrap();
            order.borrow_mut().push(name);
            conn.execute(&text("SELECT 1"), ()).await.unwrap();
            conn.close().await.unwrap();
        };
        futures::join!(wait("first"), wait("second"), wait("third"), async { drop(held) }, wait("late"));
        assert_eq!(*order.borrow(), ["first", "second", "third", "late"]);
    });
}

#[test]
fn a_waiter_that_gives_up_leaves_no_gap() {
    run(async {
        let engine = small(1, 0, 5000);
        let held = engine.connect().await.unwrap();
        let mut given_up = Box::pin(engine.connect());
        assert!((&mut given_up).now_or_never().is_none());
        let mut waiting = Box::pin(engine.connect());
        assert!((&mut waiting).now_or_never().is_none());
        // The connection is granted to the first, who goes without taking it.
        held.close().await.unwrap();
        drop(given_up);
        let conn = waiting.await.unwrap();
        assert_eq!(engine.pool().checkedout, 1);
        conn.close().await.unwrap();
        assert_eq!(engine.pool().checkedin, 1);
    });
}

#[test]
fn a_connect_that_is_dropped_while_it_opens_leaks_nothing() {
    run(async {
        let engine = small(1, 0, 500);
        let mut opening = Box::pin(engine.connect());
        // Poll once: the request is out, and whether or not it is answered yet, it is dropped.
        let _ = (&mut opening).now_or_never();
        drop(opening);
        assert_eq!(engine.pool().checkedout, 0);
        engine.connect().await.unwrap();
    });
}

#[test]
fn a_wait_for_the_pool_can_be_limited_and_cancelled() {
    run(async {
        let engine = small(1, 0, 60_000);
        let _held = engine.connect().await.unwrap();
        let options = CallOptions::new().timeout(Duration::from_millis(50));
        assert_eq!(engine.connect_with(&options).await.unwrap_err().kind(), ErrorKind::Timeout);
        let token = CancelToken::new();
        let options = CallOptions::new().cancel(&token);
        let one = text("SELECT 1");
        let (result, ()) = futures::join!(engine.execute_with(&one, (), &options), async { token.cancel() });
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(engine.connect_with(&options).await.unwrap_err().kind(), ErrorKind::Cancelled, "ever after");
    });
}

#[test]
fn a_returned_connection_is_clean() {
    run(async {
        let engine = small(1, 0, 1000);
        setup(&engine, "CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)").await;
        let conn = engine.connect().await.unwrap();
        conn.execute(&text("DELETE FROM t"), ()).await.unwrap();
        let stream = conn.stream(&text("SELECT 1 UNION ALL SELECT 2"), ()).await.unwrap();
        let before = engine.frames_sent();
        conn.close().await.unwrap();
        assert_eq!(engine.frames_sent() - before, 1, "one Reset");
        let conn = engine.connect().await.unwrap();
        assert!(!conn.in_transaction());
        assert_eq!(conn.scalar::<i64>(&text("SELECT count(*) FROM t"), ()).await.unwrap(), Some(2));
        conn.commit().await.unwrap();
        let before = engine.frames_sent();
        conn.close().await.unwrap();
        assert_eq!(engine.frames_sent(), before, "nothing was open, so there is nothing to end");
        drop(stream);
    });
}

#[test]
fn e_08_engines_in_memory_are_apart_and_connections_of_one_are_not() {
    run(async {
        let (a, b) = (memory(), memory());
        setup(&a, "CREATE TABLE t (x); INSERT INTO t VALUES (1)").await;
        assert!(a.has_table("t").await.unwrap());
        assert!(!b.has_table("t").await.unwrap());
        let (one, two) = (a.connect().await.unwrap(), a.connect().await.unwrap());
        for conn in [&one, &two] {
            assert_eq!(conn.scalar::<i64>(&text("SELECT count(*) FROM t"), ()).await.unwrap(), Some(1));
        }
        assert_eq!(a.storage().kind, Storage::Memory);
        assert_eq!(a.journal_mode().as_deref(), Some("wal"));
        assert!(a.sqlite_version().unwrap().starts_with("3."));
    });
}

#[test]
fn two_engines_on_one_file_share_the_worker() {
    run(async {
        let scratch = Scratch::new();
        let (a, b) = (Engine::new(&scratch.url("a.db")).unwrap(), Engine::new(&scratch.url("a.db")).unwrap());
        setup(&a, "CREATE TABLE t (x)").await;
        b.execute(&text("INSERT INTO t VALUES (:x)"), params! { "x" => 1 }).await.unwrap();
        assert_eq!(a.frames_sent(), b.frames_sent(), "they speak over one channel");
        a.dispose().await.unwrap();
        assert_eq!(scalar(&b, "SELECT count(*) FROM t").await, Value::Integer(1));
        // The one that was disposed of can be used again.
        assert_eq!(scalar(&a, "SELECT count(*) FROM t").await, Value::Integer(1));
        assert_eq!(a.storage().kind, Storage::Disk);
        a.dispose().await.unwrap();
        b.dispose().await.unwrap();
        assert!(!scratch.path("a.db-wal").exists(), "the last one closed the file");
    });
}

#[test]
fn dispose_closes_what_is_idle_and_lets_the_rest_finish() {
    run(async {
        let scratch = Scratch::new();
        let engine = Engine::new(&scratch.url("a.db")).unwrap();
        setup(&engine, "CREATE TABLE t (x)").await;
        let conn = engine.connect().await.unwrap();
        conn.execute(&text("INSERT INTO t VALUES (1)"), ()).await.unwrap();
        engine.dispose().await.unwrap();
        assert_eq!(engine.pool().checkedin, 0);
        conn.commit().await.unwrap();
        conn.close().await.unwrap();
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(1));
        engine.dispose().await.unwrap();
        engine.dispose().await.unwrap();
        let memory = memory();
        setup(&memory, "CREATE TABLE t (x)").await;
        memory.dispose().await.unwrap();
        assert!(!memory.has_table("t").await.unwrap(), "what was in memory is lost");
    });
}

#[test]
fn a3_12_dispose_without_close_leaves_the_old_pool_to_those_who_use_it() {
    run(async {
        let scratch = Scratch::new();
        let engine = Engine::new(&scratch.url("a.db")).unwrap();
        setup(&engine, "CREATE TABLE t (x)").await;
        let heard = Rc::new(Cell::new(0));
        let count = heard.clone();
        engine.on_change(move |_| count.set(count.get() + 1)).keep();
        let (conn, idle) = (engine.connect().await.unwrap(), engine.connect().await.unwrap());
        idle.close().await.unwrap();
        conn.execute(&text("INSERT INTO t VALUES (1)"), ()).await.unwrap();
        let sent = engine.frames_sent();
        engine.dispose_with(false).await.unwrap();
        assert_eq!(engine.frames_sent(), sent, "nothing is closed while the old pool is in use");
        assert_eq!((engine.pool().checkedin, engine.pool().checkedout), (0, 0));
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(0));
        conn.commit().await.unwrap();
        conn.close().await.unwrap();
        assert_eq!((engine.pool().checkedin, engine.pool().checkedout), (1, 0), "it went back to its own pool");
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(1));
        assert_eq!(heard.get(), 1, "listeners stay");
        engine.dispose().await.unwrap();
        assert!(!scratch.path("a.db-wal").exists(), "the old pool keeps nothing open");
    });
}

#[test]
fn a3_12_an_engine_in_memory_begins_with_another_database_whether_its_pool_is_closed_or_not() {
    run(async {
        let engine = memory();
        setup(&engine, "CREATE TABLE t (x)").await;
        let conn = engine.connect().await.unwrap();
        engine.dispose_with(false).await.unwrap();
        assert!(!engine.has_table("t").await.unwrap());
        conn.execute(&text("INSERT INTO t VALUES (1)"), ()).await.unwrap();
        conn.commit().await.unwrap();
        let count = conn.execute(&text("SELECT count(*) FROM t"), ()).await.unwrap();
        assert_eq!(count.scalar::<i64>().unwrap(), Some(1), "who has a connection to the old one keeps it");
    });
}

#[test]
fn the_last_engine_that_is_dropped_closes_the_file() {
    run(async {
        let scratch = Scratch::new();
        let engine = Engine::new(&scratch.url("a.db")).unwrap();
        setup(&engine, "CREATE TABLE t (x)").await;
        assert!(scratch.path("a.db-wal").exists());
        let conn = engine.connect().await.unwrap();
        conn.execute(&text("INSERT INTO t VALUES (1)"), ()).await.unwrap();
        drop(engine);
        assert!(scratch.path("a.db-wal").exists(), "a connection is in use");
        conn.commit().await.unwrap();
        drop(conn);
        assert!(!scratch.path("a.db-wal").exists());
        let engine = Engine::new(&scratch.url("a.db")).unwrap();
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(1));
    });
}

#[test]
fn a_file_that_another_worker_has_open_is_in_use() {
    run(async {
        let scratch = Scratch::new();
        let engine = Engine::new(&scratch.url("a.db")).unwrap();
        setup(&engine, "CREATE TABLE t (x)").await;
        // The same file by another name has a worker of its own, as it would in another process.
        std::fs::hard_link(scratch.path("a.db"), scratch.path("b.db")).unwrap();
        let error = Engine::new(&scratch.url("b.db")).unwrap().connect().await.unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::InUse)));
        assert!(error.retryable());
        engine.execute(&text("INSERT INTO t VALUES (1)"), ()).await.unwrap();
    });
}

#[test]
fn limits_beyond_all_clocks_are_none() {
    run(async {
        let builder = Engine::builder("sqlite://").pool_size(1).pool_timeout(Duration::MAX);
        let engine = builder.lock_timeout(Duration::MAX).build().unwrap();
        let options = CallOptions::new().timeout(Duration::MAX);
        let held = engine.connect_with(&options).await.unwrap();
        let (waited, ()) = futures::join!(engine.connect(), async { drop(held) });
        waited.unwrap().execute_with(&text("SELECT 1"), (), &options).await.unwrap();
    });
}

#[test]
fn an_open_that_fails_gives_its_place_back() {
    run(async {
        let scratch = Scratch::new();
        std::fs::write(scratch.path("bad.db"), vec![b'x'; 8192]).unwrap();
        let builder = Engine::builder(&scratch.url("bad.db")).pool_size(1);
        let engine = builder.pool_timeout(Duration::from_millis(200)).build().unwrap();
        for _ in 0..3 {
            let error = engine.connect().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Storage);
        }
        assert_eq!(engine.pool().checkedout, 0);
    });
}
