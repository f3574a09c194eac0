//! Work inside the worker: A3.13, A3.70, A3.78, A4.09, A4.11, A4.22, A4.24.

use super::{COUNT, INSERT, connected, count, fails, logged, people};
use crate::support::{rows, run};
use aludel::sql::schema::MetaData;
use aludel::typed::TypedTable;
use aludel::{
    Aggregate, CallOptions, CancelToken, Engine, Error, ErrorKind, FunctionOptions, IsolationLevel, Result,
    SyncConnection, Value, WindowFunction, many, params, text,
};
use futures::FutureExt;
use futures::future::join;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

aludel::table! {
    struct Users: "users" {
        id: i64 => primary_key(),
        name: Option<String>,
    }
}

fn count_of(conn: &mut SyncConnection<'_>) -> Result<i64> {
    conn.scalar(&text(COUNT), ()).map(Option::unwrap_or_default)
}

fn forever() -> aludel::TextClause {
    text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c")
}

#[test]
fn a3_70_a4_24_run_sync_is_any_number_of_statements_in_one_message() {
    run(async {
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        let before = engine.frames_sent();
        let (names, counted) = conn
            .run_sync(|conn| {
                let add = text("INSERT INTO users (name, age) VALUES (:name, :age)");
                for age in 0..50 {
                    conn.execute(&add, params! { "name" => "Eve", "age" => age })?;
                }
                let sets = [params! { "name" => "Fay", "age" => 1 }, params! { "name" => "Fay", "age" => 2 }];
                assert_eq!(conn.execute(&add, many(sets))?.rowcount(), 2);
                let names = conn
                    .exec_driver_sql("SELECT DISTINCT name FROM users WHERE id > ? ORDER BY 1", vec![Value::from(3)])?;
                let counted = conn.scalar::<i64>(&text(COUNT), ())?;
                Ok((rows(&names), counted))
            })
            .await
            .unwrap();
        assert_eq!((names, counted), (vec![vec!["Eve".into()], vec!["Fay".into()]], Some(55)));
        assert_eq!(engine.frames_sent(), before + 1);
        // It was the connection's transaction, which is as open as after any statement.
        assert!(conn.in_transaction());
        conn.rollback().await.unwrap();
        assert_eq!(count(&conn).await, 3);
    });
}

#[test]
fn a3_70_what_a_function_gives_and_its_errors_pass_through() {
    run(async {
        let conn = connected().await;
        assert_eq!(conn.run_sync(|_| Ok("nothing was asked")).await.unwrap(), "nothing was asked");
        // What asks for nothing begins nothing.
        assert!(!conn.in_transaction());
        let twice = text("INSERT INTO users (id) VALUES (1)");
        let error = conn.run_sync(move |conn| conn.execute(&twice, ()).map(drop)).await.unwrap_err();
        let constraint = error.constraint().map(|constraint| constraint.columns.clone());
        assert_eq!((error.kind(), constraint), (ErrorKind::Integrity, Some(vec!["id".to_owned()])));
        assert_eq!((error.statement(), error.sqlite_code()), (Some("INSERT INTO users (id) VALUES (1)"), 1555));
        let own = conn.run_sync(|_| Err::<(), _>(Error::new(ErrorKind::Data, "not today"))).await;
        fails(own, ErrorKind::Data, "not today");
        // A caught error leaves what was done before, as on the connection itself.
        let caught = conn.run_sync(|conn| {
            conn.execute(&text(INSERT), ())?;
            fails(conn.execute(&text("SELEC"), ()), ErrorKind::Operational, "syntax error");
            fails(conn.execute(&text("SELECT :a"), ()), ErrorKind::Statement, "'a'");
            fails(conn.execute(&text("SELECT 1; SELECT 2"), ()), ErrorKind::Programming, "one statement");
            let sets = many([params! { "a" => 1 }, params! { "a" => 2 }]);
            fails(conn.execute(&text("SELECT :a"), sets), ErrorKind::Programming, "DML");
            count_of(conn)
        });
        assert_eq!(caught.await.unwrap(), 4);
    });
}

#[test]
fn a3_70_transactions_and_savepoints_are_the_connections() {
    run(async {
        let conn = connected().await;
        let transaction = conn.begin().await.unwrap();
        conn.run_sync(|conn| {
            fails(conn.begin(), ErrorKind::InvalidRequest, "can't call begin() here");
            conn.savepoint(|conn| conn.execute(&text(INSERT), ()).map(drop))?;
            let undone = conn.savepoint(|conn| {
                conn.execute(&text(INSERT), ())?;
                Err::<(), _>(Error::new(ErrorKind::Data, "undone"))
            });
            fails(undone, ErrorKind::Data, "undone");
            assert_eq!(count_of(conn)?, 4);
            Ok(())
        })
        .await
        .unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(count(&conn).await, 3);
        conn.rollback().await.unwrap();

        // What it commits is committed, and what follows is another transaction.
        conn.run_sync(|conn| {
            conn.transaction(|conn| conn.execute(&text(INSERT), ()).map(drop))?;
            assert!(!conn.in_transaction());
            conn.execute(&text(INSERT), ())?;
            assert!(conn.in_transaction());
            Ok(())
        })
        .await
        .unwrap();
        assert!(conn.in_transaction());
        conn.rollback().await.unwrap();
        assert_eq!(count(&conn).await, 4);

        // It may end a transaction that was begun outside, which knows of it.
        let outer = conn.get_transaction().unwrap();
        conn.run_sync(|conn| conn.commit()).await.unwrap();
        assert!(!conn.in_transaction() && !outer.is_active());
        fails(outer.commit().await, ErrorKind::InvalidRequest, "This transaction is inactive");
        conn.run_sync(|conn| conn.transaction(|_| Err::<(), _>(Error::new(ErrorKind::Data, "no")))).await.unwrap_err();
        assert!(!conn.in_transaction());
    });
}

#[test]
fn a3_70_each_statement_is_a_transaction_where_the_connection_says_so() {
    run(async {
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        conn.set_isolation_level(IsolationLevel::Autocommit).unwrap();
        conn.run_sync(|conn| {
            conn.execute(&text(INSERT), ())?;
            assert!(conn.in_transaction());
            fails(conn.begin(), ErrorKind::InvalidRequest, "can't call begin() here");
            conn.rollback()?;
            assert!(!conn.in_transaction());
            conn.begin()
        })
        .await
        .unwrap();
        conn.close().await.unwrap();
        assert_eq!(count(&engine.connect().await.unwrap()).await, 4);
    });
}

#[test]
fn a3_70_it_waits_for_who_writes_and_nobody_comes_between() {
    run(async {
        let engine = people().await;
        let (writer, conn) = (engine.connect().await.unwrap(), engine.connect().await.unwrap());
        writer.execute(&text(INSERT), ()).await.unwrap();
        let called = Rc::new(Cell::new(false));
        let note = called.clone();
        let procedure = conn.run_sync(move |conn| {
            note.set(true);
            conn.execute(&text(INSERT), ())?;
            count_of(conn)
        });
        let commit = async {
            assert_eq!(count(&writer).await, 4);
            assert!(!called.get());
            writer.commit().await.unwrap();
        };
        assert_eq!(join(procedure, commit).await.0.unwrap(), 5);
        // What comes behind it on its connection finds what it has done.
        let more = conn.run_sync(|conn| conn.execute(&text(INSERT), ()).map(drop));
        let (more, counted) = join(more, count(&conn)).await;
        more.unwrap();
        assert_eq!(counted, 6);
    });
}

#[test]
fn a3_70_limits_hold_until_it_begins_and_for_each_of_its_statements() {
    run(async {
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        let limited = CallOptions::new().timeout(Duration::from_millis(100));
        let endless = conn.run_sync_with(|conn| conn.execute(&forever(), ()).map(drop), &limited);
        fails(endless.await, ErrorKind::Timeout, "timed out after");
        // The connection lives on, and so it does within the function until its time is over.
        let statements = conn.run_sync_with(
            |conn| loop {
                conn.execute(&text("SELECT 1"), ())?;
            },
            &limited,
        );
        fails::<()>(statements.await, ErrorKind::Timeout, "timed out after");
        assert_eq!(count(&conn).await, 3);
        conn.rollback().await.unwrap();

        let writer = engine.connect().await.unwrap();
        writer.execute(&text(INSERT), ()).await.unwrap();
        let locked = conn.run_sync_with(|_| Ok(()), &limited).await;
        fails(locked, ErrorKind::Timeout, "timed out after");
        let token = CancelToken::new();
        let options = CallOptions::new().cancel(&token);
        let called = Rc::new(Cell::new(false));
        let note = called.clone();
        let cancelled = conn.run_sync_with(
            move |_| {
                note.set(true);
                Ok(())
            },
            &options,
        );
        let (cancelled, ()) = join(cancelled, async { token.cancel() }).await;
        fails(cancelled, ErrorKind::Cancelled, "cancelled");
        writer.rollback().await.unwrap();
        assert_eq!(count(&conn).await, 3);
        assert!(!called.get());
    });
}

#[test]
fn a3_70_savepoints_that_are_left_open_and_closed_connections() {
    run(async {
        let conn = connected().await;
        conn.close().await.unwrap();
        fails(conn.run_sync(|_| Ok(())).await, ErrorKind::ResourceClosed, "This Connection is closed");
        let (engine, lines) = logged();
        let conn = engine.connect().await.unwrap();
        conn.run_sync(|conn| conn.execute(&text("CREATE TABLE t (x)"), ()).map(drop)).await.unwrap();
        conn.commit().await.unwrap();
        assert_eq!(lines.borrow()[1..], ["BEGIN (implicit)", "COMMIT"]);
        assert!(lines.borrow()[0].starts_with("PROCEDURE "), "{lines:?}");
    });
}

#[test]
fn a3_78_statements_that_were_put_together_run_in_the_worker_too() {
    run(async {
        let engine = Engine::new("sqlite://").unwrap();
        let metadata = MetaData::new();
        let users = Users::new(&metadata);
        let conn = engine.connect().await.unwrap();
        let names = conn
            .run_sync(move |conn| {
                conn.execute(&users.create(), ())?;
                conn.execute(&users.insert(), many(["Dan", "Casey"].map(|name| params! { "name" => name })))?;
                let dan = users.select().filter(users.name.starts_with("D"));
                Ok(rows(&conn.execute(&dan, ())?))
            })
            .await
            .unwrap();
        assert_eq!(names, [[Value::from(1), "Dan".into()]]);
        conn.commit().await.unwrap();
    });
}

#[test]
fn a4_22_run_in_worker_is_run_sync() {
    run(async {
        let conn = connected().await;
        assert_eq!(conn.run_in_worker(count_of).await.unwrap(), 3);
    });
}

#[test]
fn a4_09_a3_13_a4_11_the_engine_has_functions_called_with_an_engine() {
    run(async {
        let engine = people().await;
        let (before, after) = engine
            .run_in_worker(|engine| {
                let before = engine.connect(|conn| {
                    conn.execute(&text(INSERT), ())?;
                    count_of(conn)
                })?;
                engine.begin(|conn| conn.execute(&text(INSERT), ()).map(drop))?;
                let failed = engine.begin(|conn| {
                    conn.execute(&text(INSERT), ())?;
                    Err::<(), _>(Error::new(ErrorKind::Data, "no"))
                });
                fails(failed, ErrorKind::Data, "no");
                engine.connect(count_of).map(|after| (before, after))
            })
            .await
            .unwrap();
        assert_eq!((before, after), (4, 4));
        assert_eq!(engine.pool().checkedout, 0);
        let error = engine.run_in_worker(|_| Err::<(), _>(Error::new(ErrorKind::Data, "whatever"))).await;
        fails(error, ErrorKind::Data, "whatever");
        assert_eq!(engine.pool().checkedout, 0);
    });
}

#[test]
fn functions_and_collations_of_sql_are_kept_by_the_connection() {
    run(async {
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        conn.run_sync(|conn| {
            let innocuous = FunctionOptions { deterministic: true, innocuous: true };
            let plain = FunctionOptions::default();
            conn.create_function("shout", innocuous, |arguments| match arguments {
                [Value::Text(text)] => Ok(Value::Text(text.to_uppercase())),
                [Value::Null] => Ok(Value::Null),
                other => Err(Error::new(ErrorKind::Data, format!("shout() takes a text, not {} values", other.len()))),
            })?;
            conn.create_function("panics", plain, |_| panic!("it panics"))?;
            conn.create_collation("backwards", |one, other| other.cmp(one))?;
            conn.create_collation("breaks", |_, _| panic!("it breaks"))?;
            assert!(conn.create_function("a\0b", plain, |_| Ok(Value::Null)).is_err());
            Ok(())
        })
        .await
        .unwrap();
        let shouted = conn.execute(&text("SELECT shout(name) FROM users ORDER BY name COLLATE backwards"), ()).await;
        assert_eq!(rows(&shouted.unwrap()), ["DANA", "DAN", "CASEY"].map(|name| vec![Value::from(name)]));
        // What is deterministic and does no harm may be in an index.
        conn.execute(&text("CREATE INDEX shouted ON users (shout(name))"), ()).await.unwrap();
        let kinds = text("SELECT shout(NULL), typeof(shout('ß'))");
        assert_eq!(rows(&conn.execute(&kinds, ()).await.unwrap()), [[Value::Null, "text".into()]]);
        fails(conn.execute(&text("SELECT shout(1, 2)"), ()).await, ErrorKind::Operational, "not 2 values");
        fails(conn.execute(&text("SELECT panics()"), ()).await, ErrorKind::Operational, "the function panicked");
        let merged = conn.execute(&text("DELETE FROM users WHERE name = 'Dan' COLLATE breaks"), ()).await;
        fails(merged, ErrorKind::Operational, "the collation panicked");
        conn.rollback().await.unwrap();
        assert_eq!(conn.scalar::<i64>(&text("SELECT count(*) FROM users"), ()).await.unwrap(), Some(3));
        let other = engine.connect().await.unwrap();
        fails(other.execute(&text("SELECT shout('a')"), ()).await, ErrorKind::Operational, "no such function: shout");
    });
}

/// The names of a group, one after the other.
#[derive(Default)]
struct Names(Vec<String>);

impl Aggregate for Names {
    fn step(&mut self, arguments: &[Value]) -> Result<()> {
        match arguments {
            [Value::Text(name)] if name == "panic" => panic!("it panics"),
            [Value::Text(name)] => self.0.push(name.clone()),
            other => {
                return Err(Error::new(ErrorKind::Data, format!("names() takes a text, not {} values", other.len())));
            }
        }
        Ok(())
    }

    fn finalize(self) -> Result<Value> {
        Ok(Value::Text(self.0.join(",")))
    }
}

impl WindowFunction for Names {
    fn inverse(&mut self, _arguments: &[Value]) -> Result<()> {
        self.0.remove(0);
        Ok(())
    }

    fn value(&mut self) -> Result<Value> {
        Ok(Value::Text(self.0.join(",")))
    }
}

#[test]
fn aggregates_and_window_functions_of_sql_are_kept_by_the_connection() {
    run(async {
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        conn.run_sync(|conn| {
            let plain = FunctionOptions::default();
            conn.create_aggregate("names", plain, Names::default)?;
            conn.create_window_function("moving", plain, Names::default)?;
            assert!(conn.create_aggregate("a\0b", plain, Names::default).is_err());
            // It can be used at once.
            let names = conn.scalar::<String>(&text("SELECT names(name) FROM users"), ())?;
            assert_eq!(names.as_deref(), Some("Dan,Dana,Casey"));
            Ok(())
        })
        .await
        .unwrap();
        let groups = text("SELECT names(name), moving(name) FROM users GROUP BY name LIKE 'D%' ORDER BY 1");
        let groups = rows(&conn.execute(&groups, ()).await.unwrap());
        assert_eq!(groups, [["Casey", "Casey"], ["Dan,Dana", "Dan,Dana"]].map(|row| row.map(Value::from)));
        let windows = text("SELECT moving(name) OVER (ORDER BY id ROWS 1 PRECEDING) FROM users");
        let windows = rows(&conn.execute(&windows, ()).await.unwrap());
        assert_eq!(windows, ["Dan", "Dan,Dana", "Dana,Casey"].map(|names| [Value::from(names)]));
        let empty = conn.scalar::<String>(&text("SELECT names(name) FROM users WHERE 0"), ()).await.unwrap();
        assert_eq!(empty.as_deref(), Some(""));
        for (statement, message) in [
            ("INSERT INTO users (name) SELECT names(name, 1) FROM users", "not 2 values"),
            ("INSERT INTO users (name) SELECT moving(age) OVER () FROM users", "not 1 values"),
            ("SELECT names('panic')", "the aggregate panicked"),
            ("SELECT names(name) OVER () FROM users", "names() may not be used as a window function"),
        ] {
            fails(conn.execute(&text(statement), ()).await, ErrorKind::Operational, message);
            assert_eq!(count(&conn).await, 3);
        }
        let other = engine.connect().await.unwrap();
        fails(other.execute(&text("SELECT names('a')"), ()).await, ErrorKind::Operational, "no such function: names");
    });
}

#[test]
fn a3_70_what_is_given_up_while_it_runs_leaves_a_transaction_of_which_its_caller_knows() {
    run(async {
        let engine = people().await;
        let (conn, writer) = (engine.connect().await.unwrap(), engine.connect().await.unwrap());
        writer.execute(&text(INSERT), ()).await.unwrap();
        let called = Rc::new(Cell::new(false));
        let note = called.clone();
        let mut procedure = Box::pin(conn.run_sync(move |conn| {
            note.set(true);
            conn.execute(&text(INSERT), ()).map(drop)
        }));
        assert!((&mut procedure).now_or_never().is_none());
        writer.commit().await.unwrap();
        // It runs while its caller does not look.
        for _ in 0..100 {
            if !called.get() {
                writer.scalar::<i64>(&text("SELECT 1"), ()).await.unwrap();
                writer.rollback().await.unwrap();
            }
        }
        assert!(called.get());
        drop(procedure);
        assert!(conn.in_transaction());
        fails(conn.begin().await, ErrorKind::InvalidRequest, "already initialized");
        conn.rollback().await.unwrap();
        assert!(!conn.in_transaction());
        assert_eq!(count(&conn).await, 4);
    });
}

#[test]
fn a3_70_a_commit_that_fails_is_rolled_back() {
    run(async {
        let conn = connected().await;
        let notes = "CREATE TABLE notes (u INTEGER REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED)";
        conn.execute(&text(notes), ()).await.unwrap();
        conn.commit().await.unwrap();
        conn.run_sync(|conn| {
            let failed = conn.transaction(|conn| conn.execute(&text("INSERT INTO notes VALUES (99)"), ()).map(drop));
            fails(failed, ErrorKind::Integrity, "FOREIGN KEY constraint failed");
            assert!(!conn.in_transaction());
            conn.transaction(|conn| conn.execute(&text(INSERT), ()).map(drop))
        })
        .await
        .unwrap();
        assert!(!conn.in_transaction());
        assert_eq!(count(&conn).await, 4);
    });
}

#[test]
fn a3_70_a_transaction_that_sqlite_has_ended_is_to_be_rolled_back() {
    run(async {
        let conn = connected().await;
        let transaction = conn.begin().await.unwrap();
        let swallows = conn.run_sync(|conn| {
            conn.execute(&text(INSERT), ())?;
            let doubled = conn.execute(&text("INSERT OR ROLLBACK INTO users (id, name) VALUES (1, 'x')"), ());
            fails(doubled, ErrorKind::Integrity, "UNIQUE");
            Ok(())
        });
        swallows.await.unwrap();
        let second = conn.execute(&text(INSERT), ()).await;
        fails(second, ErrorKind::PendingRollback, "rolled back");
        fails(transaction.commit().await, ErrorKind::PendingRollback, "rolled back");
        transaction.rollback().await.unwrap();
        assert_eq!(count(&conn).await, 3);
    });
}
