//! Transactions, savepoints and the states of a connection.

use crate::support::{Scratch, memory, run, scalar, setup};
use aludel::{BeginMode, Engine, ErrorKind, IsolationLevel, Result, Value, many, params, text};
use futures::FutureExt;

const TABLE: &str = "CREATE TABLE t (x INTEGER UNIQUE)";

async fn insert(conn: &aludel::Connection, x: i64) -> Result<()> {
    conn.execute(&text("INSERT INTO t VALUES (:x)"), params! { "x" => x }).await.map(drop)
}

async fn all(engine: &Engine) -> Vec<Value> {
    engine.execute(&text("SELECT x FROM t ORDER BY x"), ()).await.unwrap().scalars(0).unwrap().all().unwrap()
}

fn integers(values: &[i64]) -> Vec<Value> {
    values.iter().map(|value| Value::Integer(*value)).collect()
}

#[test]
fn what_was_not_committed_is_rolled_back_by_close_and_by_drop() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        insert(&conn, 1).await.unwrap();
        assert!(conn.in_transaction());
        conn.close().await.unwrap();
        conn.close().await.unwrap();
        assert!(conn.closed() && !conn.in_transaction());
        let conn = engine.connect().await.unwrap();
        insert(&conn, 2).await.unwrap();
        drop(conn);
        assert_eq!(all(&engine).await, []);
    });
}

#[test]
fn a_statement_after_close_is_an_error() {
    run(async {
        let engine = memory();
        let conn = engine.connect().await.unwrap();
        conn.close().await.unwrap();
        let closed = |error: aludel::Error| {
            assert_eq!(error.kind(), ErrorKind::ResourceClosed);
            assert_eq!(error.message(), "This Connection is closed");
        };
        closed(conn.execute(&text("SELECT 1"), ()).await.unwrap_err());
        closed(conn.stream(&text("SELECT 1"), ()).await.unwrap_err());
        closed(conn.begin().await.unwrap_err());
        closed(conn.begin_nested().await.unwrap_err());
        closed(conn.invalidate().await.unwrap_err());
        conn.commit().await.unwrap();
        conn.rollback().await.unwrap();
    });
}

#[test]
fn commit_and_rollback_without_a_transaction_do_nothing() {
    run(async {
        let engine = memory();
        let conn = engine.connect().await.unwrap();
        let before = engine.frames_sent();
        conn.commit().await.unwrap();
        conn.rollback().await.unwrap();
        assert_eq!(engine.frames_sent(), before);
    });
}

#[test]
fn ddl_and_savepoints_are_transactional() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        conn.execute(&text("CREATE TABLE gone (x)"), ()).await.unwrap();
        let savepoint = conn.begin_nested().await.unwrap();
        insert(&conn, 1).await.unwrap();
        savepoint.commit().await.unwrap();
        conn.rollback().await.unwrap();
        assert!(!engine.has_table("gone").await.unwrap());
        assert_eq!(all(&engine).await, []);
    });
}

#[test]
fn savepoints_are_counted_and_nest() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        let first = conn.begin_nested().await.unwrap();
        assert!(conn.in_transaction() && conn.in_nested_transaction() && first.nested());
        insert(&conn, 1).await.unwrap();
        let second = conn.begin_nested().await.unwrap();
        assert!(conn.get_nested_transaction().unwrap() == second);
        insert(&conn, 2).await.unwrap();
        second.rollback().await.unwrap();
        assert!(conn.get_nested_transaction().unwrap() == first);
        insert(&conn, 3).await.unwrap();
        first.commit().await.unwrap();
        assert!(!conn.in_nested_transaction());
        conn.commit().await.unwrap();
        assert_eq!(all(&engine).await, integers(&[1, 3]));
    });
}

#[test]
fn rolling_back_an_outer_savepoint_ends_the_inner_one() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        let outer = conn.begin_nested().await.unwrap();
        let inner = conn.begin_nested().await.unwrap();
        insert(&conn, 1).await.unwrap();
        outer.rollback().await.unwrap();
        assert!(!inner.is_active() && !conn.in_nested_transaction() && conn.in_transaction());
        let error = inner.commit().await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidRequest, "This nested transaction is inactive"));
        inner.rollback().await.unwrap();
        insert(&conn, 2).await.unwrap();
        conn.commit().await.unwrap();
        assert_eq!(all(&engine).await, integers(&[2]));
    });
}

#[test]
fn a_transaction_that_has_ended_says_so() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        let transaction = conn.begin().await.unwrap();
        assert!(transaction.is_active() && transaction.is_valid() && !transaction.nested());
        assert!(conn.get_transaction().unwrap() == transaction);
        let savepoint = conn.begin_nested().await.unwrap();
        transaction.commit().await.unwrap();
        assert!(!transaction.is_active() && !savepoint.is_active() && conn.get_transaction().is_none());
        let error = transaction.commit().await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidRequest, "This transaction is inactive"));
        transaction.rollback().await.unwrap();
        transaction.close().await.unwrap();
        // A later transaction is not touched by the old handle.
        insert(&conn, 1).await.unwrap();
        transaction.rollback().await.unwrap();
        drop(transaction);
        conn.commit().await.unwrap();
        assert_eq!(all(&engine).await, integers(&[1]));
    });
}

#[test]
fn a_dropped_handle_rolls_back_and_a_borrowed_one_does_not() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        let transaction = conn.begin().await.unwrap();
        insert(&conn, 1).await.unwrap();
        drop(conn.get_transaction());
        assert!(transaction.is_active());
        let savepoint = conn.begin_nested().await.unwrap();
        insert(&conn, 2).await.unwrap();
        drop(savepoint);
        transaction.commit().await.unwrap();
        let transaction = conn.begin().await.unwrap();
        insert(&conn, 3).await.unwrap();
        drop(transaction);
        assert!(!conn.in_transaction());
        conn.begin().await.unwrap().keep();
        insert(&conn, 4).await.unwrap();
        conn.commit().await.unwrap();
        assert_eq!(all(&engine).await, integers(&[1, 4]));
    });
}

#[test]
fn an_integrity_error_leaves_the_transaction_open() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        insert(&conn, 1).await.unwrap();
        assert_eq!(insert(&conn, 1).await.unwrap_err().kind(), ErrorKind::Integrity);
        insert(&conn, 2).await.unwrap();
        conn.commit().await.unwrap();
        assert_eq!(all(&engine).await, integers(&[1, 2]));
    });
}

#[test]
fn a_transaction_that_sqlite_ended_must_be_rolled_back() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        insert(&conn, 1).await.unwrap();
        let error = conn.execute(&text("INSERT OR ROLLBACK INTO t VALUES (1)"), ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        assert!(!conn.in_transaction());
        let pending = |error: aludel::Error| {
            assert_eq!((error.kind(), error.code()), (ErrorKind::PendingRollback, Some("8s2b")));
            assert_eq!(
                error.message(),
                "Can't reconnect until invalid transaction is rolled back.  Please rollback() fully before proceeding"
            );
        };
        pending(insert(&conn, 2).await.unwrap_err());
        pending(conn.begin_nested().await.unwrap_err());
        pending(conn.commit().await.unwrap_err());
        conn.rollback().await.unwrap();
        insert(&conn, 3).await.unwrap();
        conn.commit().await.unwrap();
        assert_eq!(all(&engine).await, integers(&[3]));
    });
}

#[test]
fn a_commit_that_fails_must_be_rolled_back() {
    run(async {
        let engine = memory();
        setup(
            &engine,
            "CREATE TABLE p (id INTEGER PRIMARY KEY);
             CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
        )
        .await;
        let conn = engine.connect().await.unwrap();
        let insert = text("INSERT INTO c VALUES (7)");
        conn.execute(&insert, ()).await.unwrap();
        assert_eq!(conn.commit().await.unwrap_err().kind(), ErrorKind::Integrity);
        assert_eq!(conn.execute(&insert, ()).await.unwrap_err().kind(), ErrorKind::PendingRollback);
        conn.rollback().await.unwrap();
        assert_eq!(scalar(&engine, "SELECT count(*) FROM c").await, Value::Integer(0));
        // In a block, the failed commit is the error, and the rollback is done.
        let result = conn.transaction(async |conn| conn.execute(&insert, ()).await).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Integrity);
        assert!(!conn.in_transaction());
        conn.execute(&text("SELECT 1"), ()).await.unwrap();
    });
}

#[test]
fn blocks_commit_or_roll_back() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        engine.begin(async |conn| insert(conn, 1).await).await.unwrap();
        let failed: Result<()> = engine
            .begin(async |conn| {
                insert(conn, 2).await?;
                insert(conn, 1).await
            })
            .await;
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Integrity);
        engine
            .begin(async |conn| {
                insert(conn, 3).await?;
                let inner: Result<()> = conn
                    .savepoint(async |conn| {
                        insert(conn, 4).await?;
                        insert(conn, 1).await
                    })
                    .await;
                assert!(inner.is_err());
                conn.savepoint(async |conn| insert(conn, 5).await).await
            })
            .await
            .unwrap();
        assert_eq!(all(&engine).await, integers(&[1, 3, 5]));
    });
}

#[test]
fn a_finished_block_takes_no_more_statements() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        conn.transaction(async |conn| {
            insert(conn, 1).await?;
            conn.commit().await?;
            let error = insert(conn, 2).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert_eq!(
                error.message(),
                "Can't operate on closed transaction inside context manager.  Please complete the context manager \
                 before emitting further commands."
            );
            assert_eq!(conn.begin().await.unwrap_err().kind(), ErrorKind::InvalidRequest);
            Ok(())
        })
        .await
        .unwrap();
        insert(&conn, 3).await.unwrap();
        conn.commit().await.unwrap();
        assert_eq!(all(&engine).await, integers(&[1, 3]));
    });
}

#[test]
fn connections_are_isolated_from_each_other() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let (a, b) = (engine.connect().await.unwrap(), engine.connect().await.unwrap());
        let count = text("SELECT count(*) FROM t");
        assert_eq!(b.scalar::<i64>(&count, ()).await.unwrap(), Some(0));
        insert(&a, 1).await.unwrap();
        assert_eq!(b.scalar::<i64>(&count, ()).await.unwrap(), Some(0), "uncommitted rows are not seen");
        a.commit().await.unwrap();
        assert_eq!(b.scalar::<i64>(&count, ()).await.unwrap(), Some(0), "a transaction sees one state throughout");
        // Its snapshot is old, so that waiting would not help.
        let error = insert(&b, 2).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Operational);
        assert!(error.retryable() && error.message().contains("immediate"), "{error}");
        b.rollback().await.unwrap();
        assert_eq!(b.scalar::<i64>(&count, ()).await.unwrap(), Some(1));
    });
}

#[test]
fn writers_wait_for_each_other() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let a = engine.connect().await.unwrap();
        insert(&a, 1).await.unwrap();
        let waiter = engine.begin(async |conn| insert(conn, 2).await);
        let holder = async {
            // The other one is in line by now: its statement was sent when it was first polled.
            insert(&a, 3).await?;
            a.commit().await
        };
        let (waited, held) = futures::join!(waiter, holder);
        waited.unwrap();
        held.unwrap();
        assert_eq!(all(&engine).await, integers(&[1, 2, 3]));
    });
}

#[test]
fn a_waiting_writer_gets_its_turn_when_the_holder_is_dropped() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let a = engine.connect().await.unwrap();
        insert(&a, 1).await.unwrap();
        let (waited, ()) = futures::join!(engine.begin(async |conn| insert(conn, 2).await), async { drop(a) });
        waited.unwrap();
        assert_eq!(all(&engine).await, integers(&[2]));
    });
}

#[test]
fn autocommit_commits_each_statement() {
    run(async {
        let engine = Engine::builder("sqlite://").isolation_level(IsolationLevel::Autocommit).build().unwrap();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        insert(&conn, 1).await.unwrap();
        conn.rollback().await.unwrap();
        assert_eq!(all(&engine).await, integers(&[1]));
        // Several sets are one transaction all the same.
        let sets = many([2, 3, 1].map(|x| params! { "x" => x }));
        assert!(conn.execute(&text("INSERT INTO t VALUES (:x)"), sets).await.is_err());
        assert_eq!(all(&engine).await, integers(&[1]));
        conn.close().await.unwrap();

        let engine = memory();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        assert_eq!(conn.get_isolation_level(), IsolationLevel::Serializable);
        insert(&conn, 1).await.unwrap();
        let error = conn.set_isolation_level(IsolationLevel::Autocommit).unwrap_err();
        assert!(error.message().contains("isolation_level may not be altered"), "{error}");
        conn.rollback().await.unwrap();
        conn.set_isolation_level(IsolationLevel::Autocommit).unwrap();
        insert(&conn, 2).await.unwrap();
        conn.close().await.unwrap();
        assert_eq!(all(&engine).await, integers(&[2]));
        let conn = engine.connect().await.unwrap();
        assert_eq!(conn.get_isolation_level(), IsolationLevel::Serializable, "the next user has the engine's level");
    });
}

#[test]
fn a_reading_transaction_does_not_keep_writers_out() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let options = aludel::CallOptions::new();
        engine
            .begin_with(BeginMode::Deferred, &options, async |conn| {
                conn.execute(&text("SELECT * FROM t"), ()).await?;
                engine.begin(async |other| insert(other, 1).await).await
            })
            .await
            .unwrap();
        assert_eq!(all(&engine).await, integers(&[1]));
        let conn = engine.connect().await.unwrap();
        assert_eq!(conn.begin_with(BeginMode::Own).await.unwrap_err().kind(), ErrorKind::Argument);
    });
}

#[test]
fn calls_on_one_connection_run_in_their_order() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        let (a, b, c, d, e) =
            futures::join!(insert(&conn, 1), conn.commit(), insert(&conn, 2), conn.rollback(), async {
                conn.scalar::<i64>(&text("SELECT count(*) FROM t"), ()).await
            },);
        for done in [a, b, c, d] {
            done.unwrap();
        }
        assert_eq!(e.unwrap(), Some(1));
    });
}

#[test]
fn an_invalidated_connection_connects_again() {
    run(async {
        let scratch = Scratch::new();
        let engine = Engine::new(&scratch.url("a.db")).unwrap();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        insert(&conn, 1).await.unwrap();
        conn.invalidate().await.unwrap();
        assert!(conn.invalidated() && !conn.closed());
        assert_eq!(insert(&conn, 2).await.unwrap_err().kind(), ErrorKind::PendingRollback);
        conn.rollback().await.unwrap();
        insert(&conn, 3).await.unwrap();
        assert!(!conn.invalidated());
        conn.commit().await.unwrap();
        assert_eq!(all(&engine).await, integers(&[3]));
    });
}

#[test]
fn a_rollback_whose_caller_went_away_is_done_all_the_same() {
    run(async {
        // It takes many turns of the worker, and its few rows come in one frame when it is done.
        let slow_rows = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 400) \
             SELECT (WITH RECURSIVE d(m) AS (SELECT n UNION ALL SELECT m + 1 FROM d WHERE m < 5000) SELECT max(m) FROM d) FROM c";
        for (nested, left) in [(true, vec![1, 3]), (false, vec![3])] {
            let engine = memory();
            setup(&engine, TABLE).await;
            let conn = engine.connect().await.unwrap();
            insert(&conn, 1).await.unwrap();
            let savepoint = conn.begin_nested().await.unwrap();
            insert(&conn, 2).await.unwrap();
            // The rollback waits in line behind a statement, and its caller goes before its turn.
            let slow = text(slow_rows);
            let mut slow = Box::pin(conn.execute(&slow, ()));
            assert!((&mut slow).now_or_never().is_none());
            let rollback = async { if nested { savepoint.rollback().await } else { conn.rollback().await } };
            assert!(rollback.now_or_never().is_none());
            slow.await.unwrap();
            insert(&conn, 3).await.unwrap();
            conn.commit().await.unwrap();
            assert_eq!(all(&engine).await, integers(&left), "nested: {nested}");
        }
    });
}

#[test]
fn sqlite_has_begun_with_the_first_statement_and_by_what_begins_it_only() {
    run(async {
        let engine = memory();
        setup(&engine, TABLE).await;
        let conn = engine.connect().await.unwrap();
        let transaction = conn.begin().await.unwrap();
        assert!(conn.in_transaction() && !conn.has_begun(), "BEGIN rides with the first statement");
        insert(&conn, 1).await.unwrap();
        assert!(conn.has_begun());
        transaction.commit().await.unwrap();
        assert!(!conn.has_begun());
        conn.begin_nested().await.unwrap().keep();
        assert!(conn.has_begun(), "a savepoint is sent at once");
        conn.rollback().await.unwrap();

        conn.set_isolation_level(IsolationLevel::Autocommit).unwrap();
        insert(&conn, 2).await.unwrap();
        assert!(conn.in_transaction() && !conn.has_begun(), "each statement was a transaction");
        conn.exec_driver_sql("BEGIN", ()).await.unwrap();
        assert!(conn.has_begun());
        conn.exec_driver_sql("COMMIT", ()).await.unwrap();
        assert!(!conn.has_begun());
        conn.close().await.unwrap();
    });
}
