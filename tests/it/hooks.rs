//! Events around statements, transactions and connections: A5.events.

use crate::support::{memory, rows, run};
use aludel::{
    Compiled, Connection, ConnectionEventKind, Engine, Error, ErrorKind, Executable, FunctionOptions, Result, Value,
    many, params, text,
};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

type Log = Rc<RefCell<Vec<String>>>;

async fn people() -> Engine {
    let engine = memory();
    engine.execute(&text("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)"), ()).await.unwrap();
    engine.execute(&text("INSERT INTO users (name) VALUES ('Dan'), ('Dana')"), ()).await.unwrap();
    engine
}

fn compiled(sql: &str) -> Result<Compiled> {
    text(sql).compile()
}

/// Something that takes a while, so that a listener is waited for.
async fn pause() {
    let mut polled = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut polled, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[test]
fn a5_events_statements_are_told_of_before_and_after_in_order() {
    run(async {
        let engine = people().await;
        let log = Log::default();
        let [one, two, three, four] = [(); 4].map(|()| log.clone());
        let _listeners = [
            engine.on_before_execute(async move |event| {
                pause().await;
                one.borrow_mut().push(format!("before execute {:?}", event.params));
                Ok(())
            }),
            engine.on_before_cursor_execute(async move |event| {
                pause().await;
                two.borrow_mut().push(format!("before cursor {} {:?} {}", event.statement, event.params, event.many));
                Ok(())
            }),
            engine.on_after_cursor_execute(async move |event| {
                three.borrow_mut().push(format!("after cursor {} {:?} {}", event.statement, event.params, event.many));
                assert!(event.connection().is_some());
                Ok(())
            }),
            engine.on_after_execute(async move |event| {
                pause().await;
                let count = event.result.map(|result| result.rowcount());
                four.borrow_mut().push(format!("after execute {count:?} {}", event.connection().is_some()));
                Ok(())
            }),
        ];
        let conn = engine.connect().await.unwrap();
        let update = text("UPDATE users SET name = :name WHERE id = :id");
        conn.execute(&update, params! { "id" => 1, "name" => "Dan R" }).await.unwrap();
        assert_eq!(
            log.take(),
            [
                r#"before execute Named([("id", Integer(1)), ("name", Text("Dan R"))])"#,
                r#"before cursor UPDATE users SET name = :name WHERE id = :id [[Text("Dan R"), Integer(1)]] false"#,
                r#"after cursor UPDATE users SET name = :name WHERE id = :id [[Text("Dan R"), Integer(1)]] false"#,
                "after execute Some(1) true",
            ]
        );
        let sets = many([params! { "id" => 1, "name" => "a" }, params! { "id" => 2, "name" => "b" }]);
        conn.execute(&update, sets).await.unwrap();
        assert!(log.take()[1].ends_with(r#"[[Text("a"), Integer(1)], [Text("b"), Integer(2)]] true"#));
        // SQL for the driver has the events of cursors only, and a stream no result that could be shown.
        conn.exec_driver_sql("SELECT ?", vec![Value::from(7)]).await.unwrap();
        assert_eq!(
            log.take(),
            ["before cursor SELECT ? [[Integer(7)]] false", "after cursor SELECT ? [[Integer(7)]] false"]
        );
        conn.stream(&text("SELECT 1"), ()).await.unwrap().close();
        assert_eq!(log.take()[3], "after execute None true");
    });
}

#[test]
fn a5_events_statements_and_parameters_are_rewritten() {
    run(async {
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        let count = async || conn.execute(&text("SELECT name FROM users WHERE id = :id"), params! { "id" => 1 }).await;
        let listener = engine.on_before_execute(async |event| {
            event.statement = compiled("SELECT upper(name) FROM users WHERE id = :id")?;
            event.params = params! { "id" => 2 };
            Ok(())
        });
        assert_eq!(rows(&count().await.unwrap()), [["DANA".into()]] as [[Value; 1]; 1]);
        // The next one finds what the one before has made of it.
        let other = engine.on_before_cursor_execute(async |event| {
            assert_eq!(event.params, [[Value::from(2)]]);
            event.statement = format!("{} /* told */ AND ? = 'x'", event.statement);
            event.params[0].push("x".into());
            Ok(())
        });
        assert_eq!(rows(&count().await.unwrap()), [["DANA".into()]] as [[Value; 1]; 1]);
        drop(listener);
        drop(other);
        assert_eq!(rows(&count().await.unwrap()), [["Dan".into()]] as [[Value; 1]; 1]);

        let wrong = engine.on_before_cursor_execute(async |event| {
            event.params.clear();
            Ok(())
        });
        let error = count().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Argument, "a statement that is executed once has one set of parameters")
        );
        drop(wrong);
        let few = engine.on_before_cursor_execute(async |event| {
            event.params[0].clear();
            Ok(())
        });
        assert_eq!(count().await.unwrap_err().kind(), ErrorKind::Programming);
        drop(few);
        let refuses = engine.on_before_execute(async |_| Err(Error::new(ErrorKind::Data, "not today")));
        let frames = engine.frames_sent();
        assert_eq!(count().await.unwrap_err().message(), "not today");
        assert_eq!(engine.frames_sent(), frames);
        drop(refuses);
        count().await.unwrap();
    });
}

#[test]
fn a5_events_errors_are_told_of_and_replaced() {
    run(async {
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        let seen = Log::default();
        let note = seen.clone();
        let first = engine.on_handle_error(async move |context| {
            pause().await;
            note.borrow_mut().push(format!(
                "{:?} {:?} {}",
                context.error.kind(),
                context.statement,
                context.is_disconnect
            ));
            (context.error.kind() == ErrorKind::Integrity).then(|| Error::new(ErrorKind::Data, "taken"))
        });
        let second = engine.on_handle_error(async |context| {
            let taken = context.error.message() == "taken" && context.original.kind() == ErrorKind::Integrity;
            taken.then(|| Error::new(ErrorKind::Argument, "taken already"))
        });
        let twice = text("INSERT INTO users (id) VALUES (:id)");
        let error = conn.execute(&twice, params! { "id" => 1 }).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Argument, "taken already"));
        // One that nobody replaces is the one that it was; one that was never sent has no SQL.
        assert_eq!(conn.execute(&text("SELEC"), ()).await.unwrap_err().kind(), ErrorKind::Operational);
        assert_eq!(conn.execute(&twice, ()).await.unwrap_err().kind(), ErrorKind::Statement);
        conn.rollback().await.unwrap();
        assert_eq!(engine.execute(&twice, params! { "id" => 1 }).await.unwrap_err().message(), "taken already");
        assert_eq!(
            seen.take(),
            [
                r#"Integrity Some("INSERT INTO users (id) VALUES (:id)") false"#,
                r#"Operational Some("SELEC") false"#,
                "Statement None false",
                r#"Integrity Some("INSERT INTO users (id) VALUES (:id)") false"#,
            ]
        );
        // What a listener fails with is told to nobody.
        let refuses = engine.on_after_execute(async |_| Err(Error::new(ErrorKind::Data, "too much")));
        assert_eq!(conn.scalar::<i64>(&text("SELECT 1"), ()).await.unwrap_err().message(), "too much");
        assert!(seen.take().is_empty());
        drop((first, second, refuses));
        assert_eq!(conn.execute(&twice, params! { "id" => 1 }).await.unwrap_err().kind(), ErrorKind::Integrity);
    });
}

#[test]
fn a5_events_transactions_savepoints_and_connections_are_told_of() {
    run(async {
        let engine = people().await;
        let log = Rc::new(RefCell::new(Vec::new()));
        let note = log.clone();
        let listener =
            engine.on_connection_event(move |event| note.borrow_mut().push((event.kind.clone(), event.connection)));
        let kinds = || log.take().into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
        use ConnectionEventKind::*;
        let name = || "sa_savepoint_1".to_owned();
        let conn = engine.connect().await.unwrap();
        conn.execute(&text("INSERT INTO users (name) VALUES ('Casey')"), ()).await.unwrap();
        conn.savepoint(async |_| Ok(())).await.unwrap();
        conn.commit().await.unwrap();
        assert_eq!(kinds(), [Checkout, Begin, Savepoint(name()), ReleaseSavepoint(name()), Commit]);
        let transaction = conn.begin().await.unwrap();
        let undone = conn.savepoint(async |_| Err::<(), _>(Error::new(ErrorKind::Data, "undone"))).await;
        assert!(undone.is_err());
        transaction.rollback().await.unwrap();
        let second = "sa_savepoint_2".to_owned();
        assert_eq!(kinds(), [Begin, Savepoint(second.clone()), RollbackSavepoint(second), Rollback]);
        conn.begin().await.unwrap().keep();
        conn.close().await.unwrap();
        assert_eq!(kinds(), [Begin, Rollback, Checkin]);
        let conn = engine.connect().await.unwrap();
        conn.invalidate().await.unwrap();
        conn.close().await.unwrap();
        let seen = log.take();
        assert!(seen[0].1.is_some() && seen[1].1 == seen[0].1 && seen[2].1.is_none(), "{seen:?}");
        assert_eq!(seen.into_iter().map(|(kind, _)| kind).collect::<Vec<_>>(), [Checkout, Invalidate, Checkin]);
        // A statement of the engine's is a transaction like any other while somebody listens.
        engine.execute(&text("SELECT 1"), ()).await.unwrap();
        assert_eq!(kinds(), [Checkout, Begin, Commit, Checkin]);
        drop(listener);
        engine.execute(&text("SELECT 1"), ()).await.unwrap();
        assert!(kinds().is_empty());
    });
}

#[test]
fn a5_events_connections_are_made_ready_by_who_listens() {
    run(async {
        let engine = people().await;
        engine.dispose().await.unwrap();
        let greeted = Rc::new(Cell::new(0));
        let note = greeted.clone();
        let listener = engine.on_connect(async move |conn: &Connection| {
            note.set(note.get() + 1);
            conn.run_sync(|conn| {
                conn.create_function("twice", FunctionOptions::default(), |values| match values {
                    [Value::Integer(integer)] => Ok(Value::Integer(2 * integer)),
                    _ => Ok(Value::Null),
                })
            })
            .await?;
            conn.execute(&text("CREATE TABLE IF NOT EXISTS greeted (x)"), ()).await.map(drop)
        });
        let twice = text("SELECT twice(21)");
        assert_eq!(engine.scalar::<i64>(&twice, ()).await.unwrap(), Some(42));
        let (one, other) = (engine.connect().await.unwrap(), engine.connect().await.unwrap());
        for conn in [&one, &other] {
            assert!(!conn.in_transaction());
            assert_eq!(conn.scalar::<i64>(&twice, ()).await.unwrap(), Some(42));
        }
        assert_eq!(greeted.get(), 2);
        drop(listener);
        // One that cannot be made ready is dropped.
        let refuses = engine.on_connect(async |_: &Connection| Err(Error::new(ErrorKind::Data, "not ready")));
        assert_eq!(engine.connect().await.unwrap_err().message(), "not ready");
        drop(refuses);
        let third = engine.connect().await.unwrap();
        assert_eq!(third.scalar::<i64>(&text("SELECT count(*) FROM greeted"), ()).await.unwrap(), Some(0));
    });
}

#[test]
fn a_connection_that_a_listener_was_broken_off_over_is_made_ready_by_none_and_dropped() {
    run(async {
        let engine = Engine::builder("sqlite://").pool_size(1).max_overflow(0).build().unwrap();
        let (begun, done) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let [note, noted] = [&begun, &done].map(Rc::clone);
        let _listener = engine.on_connect(async move |conn: &Connection| {
            note.set(note.get() + 1);
            conn.execute(&text("CREATE TEMP TABLE IF NOT EXISTS mine (x)"), ()).await?;
            if note.get() == 1 {
                // Its caller does not wait for this.
                std::future::pending::<()>().await;
            }
            noted.set(noted.get() + 1);
            Ok(())
        });
        {
            let mut connect = std::pin::pin!(engine.connect());
            while begun.get() == 0 {
                assert!(futures::poll!(&mut connect).is_pending());
                pause().await;
            }
        }
        let conn = engine.connect().await.unwrap();
        assert_eq!((begun.get(), done.get()), (2, 1), "it is taken for one that is ready");
        assert_eq!(conn.scalar::<i64>(&text("SELECT count(*) FROM mine"), ()).await.unwrap(), Some(0));
        conn.close().await.unwrap();
        // One that is ready stays.
        engine.connect().await.unwrap().close().await.unwrap();
        assert_eq!((begun.get(), done.get()), (2, 1));
    });
}

#[test]
fn a5_events_listeners_may_listen_once_and_end_with_the_engine() {
    run(async {
        let engine = people().await;
        let told = Rc::new(Cell::new((0, 0, 0)));
        let [one, two, three] = [(); 3].map(|()| told.clone());
        let once = engine
            .on_before_cursor_execute(async move |_| {
                one.set((one.get().0 + 1, one.get().1, one.get().2));
                Ok(())
            })
            .once();
        engine
            .on_after_cursor_execute(async move |_| {
                two.set((two.get().0, two.get().1 + 1, two.get().2));
                Ok(())
            })
            .keep();
        let change = engine.on_change(move |_| three.set((three.get().0, three.get().1, three.get().2 + 1))).once();
        let insert = text("INSERT INTO users (name) VALUES ('Eve')");
        for _ in 0..3 {
            engine.execute(&insert, ()).await.unwrap();
        }
        assert_eq!(told.get(), (1, 3, 1));
        drop((once, change));
        engine.dispose().await.unwrap();
        engine.execute(&text("SELECT 1"), ()).await.unwrap();
        assert_eq!(told.get(), (1, 3, 1));
    });
}
