//! The pool's options and classes, as SQLAlchemy has them.

use crate::support::{Scratch, memory, run, scalar, setup};
use aludel::transport::{Channel, Inbox, Place, Spawn, Wire};
use aludel::{
    CallOptions, Connection, Engine, EngineBuilder, EngineOptions, ErrorKind, IsolationLevel, OptionValue, PoolClass,
    ResetOnReturn, Result, Storage, Value, text,
};
use aludel_protocol::{RepeatClass, Request};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

fn builder() -> EngineBuilder {
    Engine::builder("sqlite://").pool_timeout(Duration::from_secs(5))
}

/// Leaves a mark on a connection of the worker, which its next user sees.
async fn mark(conn: &Connection, name: &str) {
    conn.execute(&text(&format!("CREATE TEMP TABLE {name} (x)")), ()).await.unwrap();
    conn.commit().await.unwrap();
}

async fn marks(conn: &Connection) -> Vec<String> {
    let names = conn.execute(&text("SELECT name FROM sqlite_temp_master ORDER BY name"), ()).await.unwrap();
    names.iter().map(|row| row.unwrap().get(0).unwrap()).collect()
}

async fn count(conn: &Connection) -> Option<i64> {
    conn.scalar(&text("SELECT count(*) FROM t"), ()).await.unwrap()
}

#[test]
fn a3_05_an_overflow_of_minus_one_is_no_limit() {
    run(async {
        let engine = builder().pool_size(1).max_overflow(-1).build().unwrap();
        let mut held = Vec::new();
        for _ in 0..5 {
            held.push(engine.connect().await.unwrap());
        }
        assert_eq!(
            engine.pool().to_string(),
            "Pool size: 1  Connections in pool: 0 Current Overflow: 4 Current Checked out connections: 5"
        );
        drop(held);
        let status = engine.pool();
        assert_eq!((status.checkedin, status.checkedout, status.overflow), (1, 0, 0));
    });
}

#[test]
fn a3_07_a_connection_of_the_age_of_pool_recycle_is_replaced_at_checkout() {
    run(async {
        let short = Duration::from_millis(2);
        let ages = [
            (None, true),
            (Some(Duration::from_secs(3600)), true),
            (Some(short), false),
            (Some(Duration::ZERO), false),
        ];
        for (recycle, kept) in ages {
            let engine = builder().pool_size(1).pool_recycle(recycle).build().unwrap();
            let conn = engine.connect().await.unwrap();
            mark(&conn, "seen").await;
            conn.close().await.unwrap();
            let idle = Instant::now();
            while idle.elapsed() < short {
                std::hint::spin_loop();
            }
            let conn = engine.connect().await.unwrap();
            assert_eq!(!marks(&conn).await.is_empty(), kept, "{recycle:?}");
            let status = engine.pool();
            assert_eq!((status.checkedin, status.checkedout), (0, 1));
        }
    });
}

/// Finds the channel of a file whose engine lives.
struct Nowhere;

impl Spawn for Nowhere {
    fn spawn(&self, _place: &Place, _inbox: Inbox) -> Result<Rc<dyn Wire>> {
        panic!("the channel lives already")
    }

    fn file_storage(&self) -> Storage {
        Storage::Disk
    }
}

#[test]
fn a3_08_a_connection_that_does_not_answer_the_pre_ping_is_replaced_silently() {
    run(async {
        for pre_ping in [true, false] {
            let scratch = Scratch::new();
            let url = scratch.url("a.db");
            let engine = Engine::builder(&url).pool_size(1).pool_pre_ping(pre_ping).build().unwrap();
            setup(&engine, "CREATE TABLE t (x)").await;
            let before = engine.frames_sent();
            let conn = engine.connect().await.unwrap();
            assert_eq!(engine.frames_sent() - before, u64::from(pre_ping), "a ping is one frame");
            conn.close().await.unwrap();
            // The worker loses the idle connection, and the pool does not hear of it.
            let path = scratch.path("a.db").display().to_string();
            let channel = Channel::get(Some(&path), &Nowhere).unwrap();
            let closed = channel.request(1, RepeatClass::Safe, &Request::Close, None).answer().await;
            assert!(matches!(closed, aludel::transport::Answer::Done { .. }), "{closed:?}");
            let conn = engine.connect().await.unwrap();
            let used = conn.scalar::<i64>(&text("SELECT count(*) FROM t"), ()).await;
            assert_eq!(used.is_ok(), pre_ping, "{used:?}");
        }
    });
}

#[test]
fn a3_08_the_first_connection_of_a_pool_is_not_pinged() {
    run(async {
        let engine = builder().pool_pre_ping(true).build().unwrap();
        let conn = engine.connect().await.unwrap();
        assert_eq!(engine.frames_sent(), 2, "Hello and Open");
        conn.close().await.unwrap();
        // A call that is cancelled while it pings gives the connection back.
        let options = CallOptions::new().timeout(Duration::ZERO);
        let _ = engine.connect_with(&options).await;
        assert_eq!(engine.pool().checkedout, 0);
        engine.connect().await.unwrap();
    });
}

#[test]
fn a3_08_the_connection_that_came_back_last_is_given_first_with_pool_use_lifo() {
    run(async {
        for (lifo, given) in [(false, "first"), (true, "last")] {
            let engine = builder().pool_use_lifo(lifo).build().unwrap();
            let (first, last) = (engine.connect().await.unwrap(), engine.connect().await.unwrap());
            mark(&first, "first").await;
            mark(&last, "last").await;
            first.close().await.unwrap();
            last.close().await.unwrap();
            assert_eq!(marks(&engine.connect().await.unwrap()).await, [given]);
        }
    });
}

#[test]
fn a3_08_whatever_pool_reset_on_return_says_closing_rolls_back() {
    // Measured with SQLAlchemy: its Connection rolls back before the pool's reset has anything to do.
    run(async {
        for reset in [ResetOnReturn::Rollback, ResetOnReturn::Commit, ResetOnReturn::Nothing] {
            let engine = builder().pool_size(1).pool_reset_on_return(reset).build().unwrap();
            setup(&engine, "CREATE TABLE t (x)").await;
            let conn = engine.connect().await.unwrap();
            conn.execute(&text("INSERT INTO t VALUES (1)"), ()).await.unwrap();
            conn.close().await.unwrap();
            assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(0), "{reset:?}: autobegun");
            let conn = engine.connect().await.unwrap();
            conn.set_isolation_level(IsolationLevel::Autocommit).unwrap();
            conn.exec_driver_sql("BEGIN", ()).await.unwrap();
            conn.exec_driver_sql("INSERT INTO t VALUES (1)", ()).await.unwrap();
            let stream = conn.stream(&text("SELECT 1 UNION ALL SELECT 2"), ()).await.unwrap();
            conn.close().await.unwrap();
            drop(stream);
            assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(0), "{reset:?}: by its own SQL");
            for (ends, rows) in [("ROLLBACK", 0), ("COMMIT", 1)] {
                let conn = engine.connect().await.unwrap();
                conn.set_isolation_level(IsolationLevel::Autocommit).unwrap();
                conn.exec_driver_sql("BEGIN", ()).await.unwrap();
                conn.exec_driver_sql("INSERT INTO t VALUES (1)", ()).await.unwrap();
                if ends == "COMMIT" {
                    conn.commit().await.unwrap()
                } else {
                    conn.rollback().await.unwrap()
                }
                conn.close().await.unwrap();
                let count = scalar(&engine, "SELECT count(*) FROM t").await;
                assert_eq!(count, Value::Integer(rows), "{reset:?}: {ends} before it closes");
            }
        }
    });
}

#[test]
fn a5_05_what_is_kept_with_a_connection_is_there_for_its_next_user() {
    run(async {
        let engine = builder().pool_size(1).build().unwrap();
        let notes = |conn: &Connection| conn.info(Rc::<RefCell<Vec<&str>>>::default);
        let conn = engine.connect().await.unwrap();
        notes(&conn).unwrap().borrow_mut().push("first");
        assert_eq!(conn.info(|| 1).unwrap_err().kind(), ErrorKind::InvalidRequest, "of another type");
        conn.close().await.unwrap();
        assert_eq!(notes(&conn).unwrap_err().kind(), ErrorKind::ResourceClosed);
        let conn = engine.connect().await.unwrap();
        assert_eq!(*notes(&conn).unwrap().borrow(), ["first"]);
        conn.invalidate().await.unwrap();
        assert_eq!(notes(&conn).unwrap_err().kind(), ErrorKind::InvalidRequest);
        conn.execute(&text("SELECT 1"), ()).await.unwrap();
        assert!(notes(&conn).unwrap().borrow().is_empty(), "another connection, with nothing kept");
    });
}

#[test]
fn a5_16_pool_classes_tell_their_names() {
    for (class, status) in [
        (PoolClass::Null, "NullPool"),
        (PoolClass::Static, "StaticPool"),
        (PoolClass::Assertion, "AssertionPool"),
        (
            PoolClass::Queue,
            "Pool size: 4  Connections in pool: 0 Current Overflow: -4 Current Checked out connections: 0",
        ),
    ] {
        let engine = Engine::builder("sqlite://").pool_class(class).build().unwrap();
        assert_eq!(engine.pool().to_string(), status);
    }
}

#[test]
fn a5_16_a_null_pool_keeps_nothing_and_makes_nobody_wait() {
    run(async {
        let engine = Engine::builder("sqlite://").pool_class(PoolClass::Null).build().unwrap();
        setup(&engine, "CREATE TABLE t (x)").await;
        let mut held = Vec::new();
        for _ in 0..10 {
            held.push(engine.connect().await.unwrap());
        }
        mark(&held[0], "seen").await;
        let status = engine.pool();
        assert_eq!((status.size, status.checkedin, status.checkedout, status.overflow), (0, 0, 10, 0));
        assert_eq!(status.timeout, Duration::ZERO);
        drop(held);
        let status = engine.pool();
        assert_eq!((status.checkedin, status.checkedout), (0, 0));
        let conn = engine.connect().await.unwrap();
        assert!(marks(&conn).await.is_empty(), "a new one");
        assert_eq!(count(&conn).await, Some(0), "on the same database, in memory or not");
    });
}

#[test]
fn a5_16_an_assertion_pool_says_who_has_the_connection() {
    run(async {
        let engine = Engine::builder("sqlite://").pool_class(PoolClass::Assertion).build().unwrap();
        let line = line!() + 1;
        let conn = engine.connect().await.unwrap();
        let error = engine.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        let begins = format!("connection is already checked out at:\ntests/it/pool_options.rs:{line}:");
        assert!(error.message().starts_with(&begins), "{error}");
        mark(&conn, "seen").await;
        conn.close().await.unwrap();
        assert_eq!(marks(&engine.connect().await.unwrap()).await, ["seen"], "it is kept");
        assert_eq!((engine.pool().size, engine.pool().checkedin), (1, 1));
    });
}

#[test]
fn a5_16_h_10_the_connection_of_a_static_pool_is_nobody_elses_transaction() {
    run(async {
        let builder = Engine::builder("sqlite://").pool_class(PoolClass::Static);
        let engine = builder.pool_timeout(Duration::from_millis(200)).build().unwrap();
        setup(&engine, "CREATE TABLE t (x)").await;
        let conn = engine.connect().await.unwrap();
        conn.execute(&text("INSERT INTO t VALUES (1)"), ()).await.unwrap();
        let error = engine.connect().await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Timeout, Some("3o7r")));
        let sentence = "StaticPool limit of size 1 overflow 0 reached, connection timed out, timeout 0.20";
        assert_eq!(error.message().lines().next(), Some(sentence));
        let select = text("SELECT count(*) FROM t");
        let (seen, ()) = futures::join!(engine.scalar::<i64>(&select, ()), async {
            conn.close().await.unwrap();
        });
        assert_eq!(seen.unwrap(), Some(0), "its turn came after the rollback");
        assert_eq!(engine.frames_sent(), 2 + 1 + 1 + 1 + 1, "one Open for all");
    });
}

#[test]
fn a5_16_options_that_a_pool_class_has_no_use_for_are_errors_that_name_them() {
    let null = Engine::builder("sqlite://").pool_class(PoolClass::Null);
    let error = null.pool_size(3).max_overflow(1).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    assert_eq!(
        error.message(),
        "Invalid argument(s) 'pool_size','max_overflow' sent to Engine::builder(), using configuration \
         SQLiteDialect_aludel/NullPool/Engine.  Please check that the keyword arguments are appropriate for this \
         combination of components."
    );
    for class in ["NullPool", "AssertionPool", "StaticPool", "QueuePool", "AsyncAdaptedQueuePool"] {
        let mut options = EngineOptions::default();
        options.set("poolClass", OptionValue::Text(class.into())).unwrap();
        let refused = |name: &str| {
            let error = options.check(&["poolClass".into(), "poolPrePing".into(), name.into()]).err()?;
            let begins = format!("Invalid argument(s) '{name}' sent to createEngine(), using configuration ");
            assert!(error.message().starts_with(&begins), "{error}");
            Some(name.to_owned())
        };
        let names = ["poolSize", "maxOverflow", "poolTimeout", "poolUseLifo", "poolRecycle", "poolResetOnReturn"];
        let refused: Vec<_> = names.into_iter().filter_map(refused).collect();
        let expected: &[&str] = match class {
            "NullPool" | "AssertionPool" => &names[..4],
            "StaticPool" => &["poolSize", "maxOverflow", "poolUseLifo"],
            _ => &[],
        };
        assert_eq!(refused, expected, "{class}");
    }
}

#[test]
fn e_08_connections_to_one_database_in_memory_are_isolated() {
    run(async {
        for class in [PoolClass::Queue, PoolClass::Null] {
            let engine = Engine::builder("sqlite://").pool_class(class).build().unwrap();
            setup(&engine, "CREATE TABLE t (x)").await;
            let (a, b, c) =
                (engine.connect().await.unwrap(), engine.connect().await.unwrap(), engine.connect().await.unwrap());
            assert_eq!(count(&c).await, Some(0));
            a.execute(&text("INSERT INTO t VALUES (1)"), ()).await.unwrap();
            assert_eq!((count(&a).await, count(&b).await), (Some(1), Some(0)), "{class:?}: no dirty read");
            b.rollback().await.unwrap();
            assert_eq!(count(&a).await, Some(1), "{class:?}: a rollback is of one transaction only");
            a.commit().await.unwrap();
            assert_eq!((count(&b).await, count(&c).await), (Some(1), Some(0)), "{class:?}: a snapshot lasts");
            c.rollback().await.unwrap();
            assert_eq!(count(&c).await, Some(1));
            drop((a, b, c));
            assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(1), "{class:?}");
        }
        // All of a pool's connections see one database, however many there are.
        let engine = memory();
        setup(&engine, "CREATE TABLE t (x)").await;
        let insert = text("INSERT INTO t VALUES (1)");
        let inserts = (0..20).map(|_| engine.execute(&insert, ()));
        for done in futures::future::join_all(inserts).await {
            done.unwrap();
        }
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(20));
    });
}
