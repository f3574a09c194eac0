//! Frames per call, streams, cancellation, parameters and values.

use crate::support::{memory, rows, run, scalar, setup};
use aludel::raw::{Buffer, Later, RawCall, Text};
use aludel::{CallOptions, CancelToken, Engine, ErrorKind, Value, many, params, text};
use aludel_protocol::{BatchWriter, ValueRef, Writer};
use futures::channel::oneshot;
use futures::future::LocalBoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::time::Duration;

const ENDLESS: &str = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";
const COUNT_ENDLESSLY: &str = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

/// How many frames a call sends.
async fn frames<T>(engine: &Engine, call: impl Future<Output = aludel::Result<T>>) -> u64 {
    let before = engine.frames_sent();
    call.await.unwrap();
    engine.frames_sent() - before
}

#[test]
fn each_call_is_one_round_trip() {
    run(async {
        let engine = memory();
        setup(&engine, "CREATE TABLE t (x)").await;
        let (select, insert) = (text("SELECT count(*) FROM t"), text("INSERT INTO t VALUES (:x)"));
        let sets = || many((0..1000).map(|x| params! { "x" => x }));

        // The connection is there already: one frame for all of connect, begin, run, commit and release.
        assert_eq!(frames(&engine, engine.execute(&select, ())).await, 1, "engine.execute");
        assert_eq!(frames(&engine, engine.scalar::<i64>(&select, ())).await, 1, "engine.scalar");
        assert_eq!(frames(&engine, engine.execute(&insert, sets())).await, 1, "engine.execute, executemany");
        let conn = engine.connect().await.unwrap();
        assert_eq!(frames(&engine, conn.execute(&select, ())).await, 1, "begin and first statement");
        assert_eq!(frames(&engine, conn.execute(&insert, params! { "x" => 1 })).await, 1, "another statement");
        assert_eq!(frames(&engine, conn.execute(&insert, sets())).await, 1, "executemany");
        assert_eq!(frames(&engine, conn.commit()).await, 1, "commit");
        assert_eq!(frames(&engine, conn.commit()).await, 0, "commit of nothing");
        assert_eq!(frames(&engine, conn.begin()).await, 0, "begin");
        assert_eq!(frames(&engine, conn.begin_nested()).await, 2, "savepoint, and its end as its handle was dropped");
        conn.rollback().await.unwrap();
        assert_eq!(frames(&engine, conn.close()).await, 0, "close with nothing open");
        // Statement and COMMIT.
        assert_eq!(frames(&engine, engine.begin(async |conn| conn.execute(&insert, sets()).await)).await, 2);
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(3001));

        // From nothing: Hello, Open, the statement.
        let engine = memory();
        assert_eq!(frames(&engine, engine.execute(&text("SELECT 1"), ())).await, 3);
    });
}

#[test]
fn executemany_counts_all_rows_and_is_all_or_nothing() {
    run(async {
        let engine = memory();
        setup(&engine, "CREATE TABLE t (x INTEGER UNIQUE)").await;
        let insert = text("INSERT INTO t VALUES (:x)");
        let sets = |from: i64| many((from..from + 10).map(|x| params! { "x" => x }));
        assert_eq!(engine.execute(&insert, sets(0)).await.unwrap().rowcount(), 10);
        assert_eq!(engine.execute(&insert, sets(5)).await.unwrap_err().kind(), ErrorKind::Integrity);
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(10));
        let update = engine.execute(&text("UPDATE t SET x = x + 100 WHERE x < 3"), ()).await.unwrap();
        assert_eq!((update.rowcount(), update.returns_rows()), (3, false));
        let returning = engine.execute(&text("INSERT INTO t VALUES (50), (51) RETURNING x"), ()).await.unwrap();
        assert_eq!((returning.rowcount(), rows(&returning).len()), (2, 2));
        let select = engine.execute(&text("SELECT 1"), ()).await.unwrap();
        assert_eq!(select.rowcount(), -1);
        assert_eq!(engine.execute(&text("INSERT INTO t VALUES (99)"), ()).await.unwrap().lastrowid(), 13);
    });
}

#[test]
fn values_come_back_as_they_went() {
    run(async {
        let engine = memory();
        let values = [
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Integer(i64::MAX),
            Value::Integer(9_007_199_254_740_993),
            Value::Real(-0.0),
            Value::Real(f64::INFINITY),
            Value::Real(1e-310),
            Value::Text("NUL \0, größe, 🐘".into()),
            Value::Text(String::new()),
            Value::Blob(vec![0, 255, 128]),
            Value::Blob(vec![]),
        ];
        let sql = format!("SELECT {}", vec!["?"; values.len()].join(", "));
        let result = engine.execute(&text(&sql), values.to_vec()).await.unwrap();
        let row = result.one().unwrap();
        assert_eq!(row.values(), values);
        assert!(row.get::<f64>(4).unwrap().is_sign_negative());
        assert_eq!(row.get::<Option<i64>>(0).unwrap(), None);
        let error = row.get::<i64>(7).unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Data, "Column '?' holds text, not an integer"));
    });
}

#[test]
fn columns_of_any_name_can_be_had() {
    run(async {
        let engine = memory();
        let sql = "SELECT 1 AS \"__proto__\", 2 AS \"constructor\", 3 AS \"length\", 4 AS \"then\", 5 AS \"\", 6 AS a, 7 AS a";
        let row = engine.execute(&text(sql), ()).await.unwrap().one().unwrap();
        for (name, value) in [("__proto__", 1), ("constructor", 2), ("length", 3), ("then", 4), ("", 5), ("a", 7)] {
            assert_eq!(row.get::<i64>(name).unwrap(), value);
        }
        assert_eq!(row.get::<i64>(5).unwrap(), 6, "by position, a repeated name is exact");
        assert_eq!(row.fields().len(), 7);
        assert_eq!(row.mapping().keys().count(), 6);
        assert_eq!(row.get::<i64>("zz").unwrap_err().kind(), ErrorKind::NoSuchColumn);
        assert_eq!(row.get::<i64>(7).unwrap_err().kind(), ErrorKind::NoSuchColumn);
    });
}

#[test]
fn large_results_arrive_whole() {
    run(async {
        let engine = memory();
        let sql = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 100000) \
                   SELECT x, 'text ' || x FROM c";
        let result = engine.execute(&text(sql), ()).await.unwrap();
        let mut count = 0;
        for (row, expected) in result.iter().zip(1..) {
            let row = row.unwrap();
            assert_eq!(row.get::<i64>(0).unwrap(), expected);
            assert_eq!(row.get::<String>(1).unwrap(), format!("text {expected}"));
            count += 1;
        }
        assert_eq!(count, 100_000);
    });
}

#[test]
fn streams_fetch_as_results_do() {
    run(async {
        let engine = memory();
        let conn = engine.connect().await.unwrap();
        let ten = text(
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 10) SELECT x, 'a' AS a FROM c",
        );
        let integers = |rows: &[aludel::Row]| rows.iter().map(|row| row.get::<i64>(0).unwrap()).collect::<Vec<_>>();

        let options = CallOptions::new().yield_per(3);
        let stream = conn.stream_with(&ten, (), &options).await.unwrap();
        assert_eq!(stream.keys().unwrap(), ["x", "a"]);
        assert_eq!(integers(&stream.fetchmany(None).await.unwrap()), [1, 2, 3]);
        assert_eq!(integers(&[stream.fetchone().await.unwrap().unwrap()]), [4]);
        assert_eq!(integers(&stream.fetchmany(Some(5)).await.unwrap()), [5, 6, 7, 8, 9]);
        assert_eq!(integers(&stream.all().await.unwrap()), [10]);
        assert_eq!(stream.next().await.unwrap(), None);
        assert_eq!(stream.first().await.unwrap(), None);

        assert_eq!(conn.stream(&ten, ()).await.unwrap().scalar::<i64>().await.unwrap(), Some(1));
        let stream = conn.stream(&ten, ()).await.unwrap();
        assert_eq!(stream.one().await.unwrap_err().kind(), ErrorKind::MultipleResultsFound);
        assert_eq!(stream.next().await.unwrap_err().kind(), ErrorKind::ResourceClosed);
        let stream = conn.stream(&ten, ()).await.unwrap().columns(&[&"a"]).unwrap().unique();
        assert_eq!(stream.all().await.unwrap().len(), 1);
        let scalars = conn.stream_scalars(&ten, ()).await.unwrap();
        let sum = scalars.into_stream().try_fold(0, async |sum, value| match value {
            Value::Integer(i) => Ok(sum + i),
            _ => Ok(sum),
        });
        assert_eq!(sum.await.unwrap(), 55);
        let mappings = conn.stream(&ten, ()).await.unwrap().mappings().into_stream();
        let first: Vec<_> = mappings.take(2).collect().await;
        assert_eq!(first[1].as_ref().unwrap().get::<i64>("x").unwrap(), 2);
        let frozen = conn.stream(&ten, ()).await.unwrap().freeze().await.unwrap();
        assert_eq!(frozen.thaw().all().unwrap().len(), 10);
        let error = conn.stream(&text("CREATE TABLE t (x)"), ()).await.unwrap().next().await.unwrap_err();
        assert!(error.message().contains("does not return rows"), "{error}");
    });
}

#[test]
fn a_stream_asks_for_no_more_than_is_taken() {
    run(async {
        let engine = memory();
        let conn = engine.connect().await.unwrap();
        let options = CallOptions::new().yield_per(10);
        let stream = conn.stream_with(&text(ENDLESS), (), &options).await.unwrap();
        for expected in 1..1000 {
            let row = stream.next().await.unwrap().unwrap();
            assert_eq!(row.get::<i64>(0).unwrap(), expected);
        }
        stream.close();
        assert!(stream.closed());
        assert_eq!(stream.next().await.unwrap_err().message(), "This result object is closed.");
        conn.execute(&text("SELECT 1"), ()).await.unwrap();
    });
}

#[test]
fn a_stream_ends_with_its_transaction_and_says_why() {
    run(async {
        let engine = memory();
        setup(&engine, "CREATE TABLE t (x)").await;
        let conn = engine.connect().await.unwrap();
        let open = async || {
            let stream = conn.stream(&text(ENDLESS), ()).await.unwrap();
            stream.next().await.unwrap();
            stream
        };
        let closed = async |stream: aludel::RowStream, why: &str| {
            // What had arrived may still be taken; then it says why nothing follows.
            let error = loop {
                if let Err(error) = stream.next().await {
                    break error;
                }
            };
            assert_eq!(error.kind(), ErrorKind::ResourceClosed);
            assert_eq!(error.message(), format!("This result object is closed. {why}"));
        };
        let stream = open().await;
        conn.commit().await.unwrap();
        closed(stream, "Its transaction was committed.").await;
        let stream = open().await;
        conn.rollback().await.unwrap();
        closed(stream, "Its transaction was rolled back.").await;
        let stream = open().await;
        conn.close().await.unwrap();
        closed(stream, "Its connection was closed.").await;
        engine.execute(&text("DROP TABLE t"), ()).await.unwrap();
    });
}

#[test]
fn statements_run_on_while_a_stream_of_the_same_connection_waits() {
    run(async {
        let engine = memory();
        let conn = engine.connect().await.unwrap();
        let stream = conn.stream(&text(ENDLESS), ()).await.unwrap();
        stream.next().await.unwrap();
        assert_eq!(conn.scalar::<i64>(&text("SELECT 7"), ()).await.unwrap(), Some(7));
        stream.next().await.unwrap().unwrap();
    });
}

#[test]
fn a_dropped_call_is_cancelled_and_the_connection_lives_on() {
    run(async {
        let engine = memory();
        setup(&engine, "CREATE TABLE t (x)").await;
        let conn = engine.connect().await.unwrap();
        conn.execute(&text("INSERT INTO t VALUES (1)"), ()).await.unwrap();
        let endless = text(ENDLESS);
        let mut call = Box::pin(conn.execute(&endless, ()));
        assert!((&mut call).now_or_never().is_none());
        drop(call);
        assert_eq!(conn.scalar::<i64>(&text("SELECT count(*) FROM t"), ()).await.unwrap(), Some(1));
        conn.commit().await.unwrap();
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(1));
    });
}

#[test]
fn a_call_can_be_cancelled_before_and_while_it_waits_for_a_lock() {
    run(async {
        let engine = memory();
        setup(&engine, "CREATE TABLE t (x)").await;
        let insert = text("INSERT INTO t VALUES (1)");
        let (holder, waiter) = (engine.connect().await.unwrap(), engine.connect().await.unwrap());
        holder.execute(&insert, ()).await.unwrap();
        let token = CancelToken::new();
        let options = CallOptions::new().cancel(&token);
        let (waited, ()) = futures::join!(waiter.execute_with(&insert, (), &options), async { token.cancel() });
        let error = waited.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert_eq!(error.statement(), Some("INSERT INTO t VALUES (1)"));
        assert_eq!(waiter.execute_with(&insert, (), &options).await.unwrap_err().kind(), ErrorKind::Cancelled);
        let options = CallOptions::new().timeout(Duration::from_millis(60));
        let error = waiter.execute_with(&insert, (), &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        waiter.rollback().await.unwrap();
        holder.commit().await.unwrap();
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(1));
    });
}

#[test]
fn a_lock_that_is_held_too_long_is_told_with_its_holder() {
    run(async {
        let builder = Engine::builder("sqlite://").lock_timeout(Duration::from_millis(50));
        let engine = builder.build().unwrap();
        setup(&engine, "CREATE TABLE t (x)").await;
        let insert = text("INSERT INTO t VALUES (1)");
        let holder = engine.connect().await.unwrap();
        holder.execute(&insert, ()).await.unwrap();
        let error = engine.execute(&insert, ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Operational);
        assert!(error.message().starts_with("database is locked: connection 1 has held the write lock for"), "{error}");
    });
}

#[test]
fn a_timeout_stops_a_statement_that_gives_no_rows() {
    run(async {
        let engine = memory();
        setup(&engine, "CREATE TABLE t (x)").await;
        let conn = engine.connect().await.unwrap();
        conn.execute(&text("INSERT INTO t VALUES (1)"), ()).await.unwrap();
        let options = CallOptions::new().timeout(Duration::from_millis(50));
        let error = conn.execute_with(&text(COUNT_ENDLESSLY), (), &options).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Timeout, Some("3o7r")));
        // A read that is interrupted ends nothing.
        conn.commit().await.unwrap();
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(1));
    });
}

/// A task that nobody runs.
struct Task;

impl Wake for Task {
    fn wake(self: Arc<Task>) {}
}

#[test]
fn a_token_keeps_nothing_of_calls_that_have_ended() {
    let engine = memory();
    let token = CancelToken::new();
    let limits = CallOptions::new().cancel(&token);
    let tasks = [(); 3].map(|()| Arc::new(Task));
    let poll = |task: &Arc<Task>, call: &mut LocalBoxFuture<'_, aludel::Result<()>>| {
        call.as_mut().poll(&mut Context::from_waker(&task.clone().into()))
    };
    let select = text("SELECT 1");
    let call = || async { engine.execute_with(&select, (), &limits).await.map(drop) }.boxed_local();
    let wait = || async { limits.limit(std::future::pending()).await }.boxed_local();
    // One ends, one is dropped before, and one goes from task to task.
    let mut first = call();
    while poll(&tasks[0], &mut first).is_pending() {}
    let mut second = wait();
    assert!(poll(&tasks[1], &mut second).is_pending());
    assert_eq!(Arc::strong_count(&tasks[1]), 2);
    drop(second);
    let mut third = wait();
    assert!(poll(&tasks[1], &mut third).is_pending());
    assert!(poll(&tasks[2], &mut third).is_pending());
    drop(first);
    assert_eq!(tasks.each_ref().map(Arc::strong_count), [1, 1, 2]);
    token.cancel();
    assert_eq!(tasks.each_ref().map(Arc::strong_count), [1; 3]);
    let Poll::Ready(Err(error)) = poll(&tasks[0], &mut third) else { panic!("it is cancelled") };
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    drop(third);
    assert_eq!(tasks.each_ref().map(Arc::strong_count), [1; 3]);
}

#[test]
fn a_cancelled_stream_ends() {
    run(async {
        let engine = memory();
        let conn = engine.connect().await.unwrap();
        let token = CancelToken::new();
        let stream = conn.stream_with(&text(ENDLESS), (), &CallOptions::new().cancel(&token)).await.unwrap();
        stream.next().await.unwrap().unwrap();
        token.cancel();
        let error = loop {
            if let Err(error) = stream.next().await {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        conn.execute(&text("SELECT 1"), ()).await.unwrap();
    });
}

#[test]
fn driver_sql_is_taken_as_it_is() {
    run(async {
        let engine = memory();
        let conn = engine.connect().await.unwrap();
        let result = conn.exec_driver_sql("SELECT ?, '\\:'", params![1]).await.unwrap();
        assert_eq!(rows(&result), [[Value::Integer(1), Value::from("\\:")]]);
        let result = conn.execute(&text("SELECT '\\:', '::'"), ()).await.unwrap();
        assert_eq!(rows(&result), [[Value::from(":"), Value::from("::")]]);
        assert!(!conn.exec_driver_sql("", ()).await.unwrap().returns_rows());
        let error = conn.exec_driver_sql("SELECT 1; SELECT 2", ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Programming);
    });
}

#[test]
fn a_close_that_is_given_up_while_it_waits_closes_nothing() {
    run(async {
        let engine = memory();
        setup(&engine, "CREATE TABLE t (x)").await;
        let conn = engine.connect().await.unwrap();
        let (made, making) = oneshot::channel();
        let insert = RawCall {
            text: Rc::new(Text::compile("INSERT INTO t VALUES (?)").unwrap()),
            batch: None,
            later: Some(Later::new(async { Ok(making.await.unwrap()) })),
            many: false,
            driver_sql: false,
        };
        let (options, mut take) = (CallOptions::new(), |_| Ok(()));
        let mut insert = Box::pin(conn.execute_raw(insert, &options, &mut take));
        assert!(futures::poll!(insert.as_mut()).is_pending());

        let mut given_up = Box::pin(conn.close());
        let mut other = Box::pin(conn.close());
        assert!(futures::poll!(given_up.as_mut()).is_pending() && futures::poll!(other.as_mut()).is_pending());
        assert!(conn.closed());
        drop(given_up);
        assert!(conn.closed(), "another close still waits");
        drop(other);
        assert!(!conn.closed());

        let mut batch = BatchWriter::new(1);
        batch.push(ValueRef::Integer(7));
        let mut bytes = Writer::new();
        batch.encode(&mut bytes);
        made.send(Buffer::from_vec(bytes.finish())).unwrap();
        insert.await.unwrap();
        assert_eq!(conn.scalar(&text("SELECT x FROM t"), ()).await.unwrap(), Some(7));
        conn.commit().await.unwrap();
        conn.close().await.unwrap();
        assert!(conn.closed());
    });
}
