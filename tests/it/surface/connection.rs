//! Connections: A3.16 to A3.24, A5.01 to A5.06, and the same of the ancestors.

use super::{COUNT, INSERT, connected, count, fails, fill, insert, logged, one, people, strings};
use crate::support::{rows, run};
use aludel::{CallOptions, Engine, ErrorKind, ExecutionOptions, IsolationLevel, Value, many, params, text};
use std::cell::Cell;
use std::rc::Rc;

#[test]
fn a3_16_a0_07_execute_takes_no_parameters_one_set_or_many() {
    run(async {
        let conn = connected().await;
        let by_id = text("SELECT name FROM users WHERE id = :id");
        assert_eq!(rows(&conn.execute(&by_id, params! { "id" => 2 }).await.unwrap()), [strings(&["Dana"])]);
        let add = text("INSERT INTO users (name, age) VALUES (:name, :age)");
        let sets = || [params! { "name" => "Eve", "age" => 1 }, params! { "name" => "Fay", "age" => 2 }];
        assert_eq!(conn.execute(&add, many(sets())).await.unwrap().rowcount(), 2);
        assert_eq!(count(&conn).await, 5);
        // What a later set lacks is named with the number of the set.
        let [first, _] = sets();
        let lacking = many([first, params! { "name" => "Gus" }]);
        fails(conn.execute(&add, lacking).await, ErrorKind::Statement, "'age', in parameter group 1");
        // Queries take one set only.
        let lists = many([params! { "id" => 1 }, params! { "id" => 2 }]);
        fails(conn.execute(&by_id, lists).await, ErrorKind::Programming, "executemany() can only execute DML");
        // A statement that fails leaves the transaction, and the connection, as they were.
        fails(conn.execute(&text("INSERT INTO users (id) VALUES (1)"), ()).await, ErrorKind::Integrity, "UNIQUE");
        assert!(conn.in_transaction());
        assert_eq!(count(&conn).await, 5);
    });
}

#[test]
fn a3_17_a0_05_a3_75_a4_14_begin_is_an_error_while_a_transaction_is_open() {
    run(async {
        let conn = connected().await;
        let transaction = conn.begin().await.unwrap();
        let message =
            "This connection has already initialized a SQLAlchemy Transaction() object via begin() or autobegin";
        let error = fails(conn.begin().await, ErrorKind::InvalidRequest, message);
        assert!(error.message().contains("beginNested()"), "{error}");
        transaction.rollback().await.unwrap();
        // So it is by autobegin.
        conn.execute(&one(), ()).await.unwrap();
        fails(conn.begin().await, ErrorKind::InvalidRequest, message);
        conn.rollback().await.unwrap();
        conn.begin().await.unwrap().commit().await.unwrap();
        conn.close().await.unwrap();
        fails(conn.begin().await, ErrorKind::ResourceClosed, "This Connection is closed");
    });
}

#[test]
fn a3_18_the_first_call_begins_a_transaction_really() {
    run(async {
        for how in ["execute", "exec_driver_sql", "begin_nested"] {
            let (engine, lines) = logged();
            let conn = engine.connect().await.unwrap();
            assert!(!conn.in_transaction());
            match how {
                "execute" => drop(conn.execute(&text("CREATE TABLE t (x)"), ()).await.unwrap()),
                "exec_driver_sql" => drop(conn.exec_driver_sql("CREATE TABLE t (x)", ()).await.unwrap()),
                _ => {
                    let savepoint = conn.begin_nested().await.unwrap();
                    conn.execute(&text("CREATE TABLE t (x)"), ()).await.unwrap();
                    savepoint.commit().await.unwrap();
                }
            }
            assert!(conn.in_transaction(), "{how}");
            assert_eq!(lines.borrow()[0], "BEGIN (implicit)", "{how}");
            // SQLite began it, too: what was created goes with it.
            conn.rollback().await.unwrap();
            assert!(!engine.has_table("t").await.unwrap(), "{how}");
        }
    });
}

#[test]
fn a3_19_commit_and_rollback_end_the_transaction_and_all_savepoints() {
    run(async {
        let conn = connected().await;
        // Nothing to end is no error.
        conn.commit().await.unwrap();
        conn.rollback().await.unwrap();
        for commits in [true, false] {
            let before = count(&conn).await;
            let savepoint = conn.begin_nested().await.unwrap();
            insert(&conn).await.unwrap();
            if commits {
                conn.commit().await.unwrap()
            } else {
                conn.rollback().await.unwrap()
            }
            assert!(!savepoint.is_active() && !conn.in_nested_transaction() && !conn.in_transaction());
            fails(savepoint.commit().await, ErrorKind::InvalidRequest, "This nested transaction is inactive");
            assert_eq!(count(&conn).await, before + i64::from(commits));
            conn.rollback().await.unwrap();
        }
    });
}

#[test]
fn a3_20_a1_14_a4_16_a4_17_close_rolls_back_and_can_be_called_again() {
    run(async {
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        insert(&conn).await.unwrap();
        let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";
        let stream = conn.stream(&text(endless), ()).await.unwrap();
        assert!(!conn.closed());
        conn.close().await.unwrap();
        conn.close().await.unwrap();
        assert!(conn.closed() && !conn.in_transaction());
        fails(conn.execute(&one(), ()).await, ErrorKind::ResourceClosed, "This Connection is closed");
        // What had arrived may still be read; then it says why nothing follows.
        let after = stream.all().await;
        fails(after, ErrorKind::ResourceClosed, "This result object is closed. Its connection was closed.");
        assert_eq!(engine.scalar::<i64>(&text(COUNT), ()).await.unwrap(), Some(3));
        assert_eq!(engine.pool().checkedout, 0);
    });
}

#[test]
fn a3_21_a1_16_a4_10_a4_23_scalar_gives_the_first_column_of_the_first_row_or_nothing() {
    run(async {
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        for (sql, expected) in [
            ("SELECT id, name FROM users ORDER BY id DESC", Some(3)),
            ("SELECT id FROM users WHERE id = 99", None),
            ("SELECT NULL", None),
        ] {
            assert_eq!(conn.scalar::<i64>(&text(sql), ()).await.unwrap(), expected, "{sql}");
            assert_eq!(engine.scalar::<i64>(&text(sql), ()).await.unwrap(), expected, "{sql}");
        }
        let dml = conn.scalar::<i64>(&text(INSERT), ()).await;
        fails(dml, ErrorKind::ResourceClosed, "does not return rows");
    });
}

#[test]
fn a3_22_the_transaction_that_is_open_can_be_had_again() {
    run(async {
        let conn = connected().await;
        assert!(conn.get_transaction().is_none());
        let transaction = conn.begin().await.unwrap();
        assert!(conn.get_transaction().unwrap() == transaction);
        insert(&conn).await.unwrap();
        // To drop it again ends nothing.
        drop(conn.get_transaction());
        assert!(transaction.is_active());
        conn.get_transaction().unwrap().commit().await.unwrap();
        assert!(!transaction.is_active() && conn.get_transaction().is_none());
        assert_eq!(count(&conn).await, 4);
        assert!(conn.get_transaction().is_some(), "by autobegin");
    });
}

#[test]
fn a3_23_a4_15_savepoints_are_counted_from_one_and_end_with_the_one_around_them() {
    run(async {
        let (engine, lines) = logged();
        fill(&engine).await;
        let conn = engine.connect().await.unwrap();
        lines.borrow_mut().clear();
        let outer = conn.begin_nested().await.unwrap();
        assert!(conn.in_transaction(), "it begins the transaction, too");
        let inner = conn.begin_nested().await.unwrap();
        insert(&conn).await.unwrap();
        outer.rollback().await.unwrap();
        assert!(!inner.is_active(), "what was inside is over");
        fails(inner.commit().await, ErrorKind::InvalidRequest, "This nested transaction is inactive");
        assert_eq!(count(&conn).await, 3);
        let third = conn.begin_nested().await.unwrap();
        insert(&conn).await.unwrap();
        third.commit().await.unwrap();
        conn.commit().await.unwrap();
        assert_eq!(count(&conn).await, 4);
        let savepoints: Vec<_> = lines.borrow().iter().filter(|line| line.contains("SAVEPOINT")).cloned().collect();
        assert_eq!(
            savepoints,
            [
                "SAVEPOINT sa_savepoint_1",
                "SAVEPOINT sa_savepoint_2",
                "ROLLBACK TO SAVEPOINT sa_savepoint_1",
                "SAVEPOINT sa_savepoint_3",
                "RELEASE SAVEPOINT sa_savepoint_3",
            ]
        );
    });
}

#[test]
fn a3_24_a4_13_a4_20_a_connection_tells_what_it_is_at() {
    run(async {
        let conn = connected().await;
        assert!(!conn.in_transaction() && !conn.in_nested_transaction() && conn.get_nested_transaction().is_none());
        let names = conn.scalars(&text("SELECT name FROM users ORDER BY id"), ()).await.unwrap();
        assert_eq!(names.all().unwrap(), strings(&["Dan", "Dana", "Casey"]));
        let names = conn.stream_scalars(&text("SELECT name FROM users ORDER BY id"), ()).await.unwrap();
        assert_eq!(names.all().await.unwrap(), strings(&["Dan", "Dana", "Casey"]));
        let savepoint = conn.begin_nested().await.unwrap();
        assert!(conn.in_transaction() && conn.in_nested_transaction());
        assert!(conn.get_nested_transaction().unwrap() == savepoint && conn.get_transaction().unwrap() != savepoint);
        savepoint.rollback().await.unwrap();
        assert!(conn.in_transaction() && !conn.in_nested_transaction());
        assert_eq!(conn.get_isolation_level(), IsolationLevel::Serializable);
        assert_eq!(conn.default_isolation_level(), IsolationLevel::Serializable);
        assert_eq!((conn.closed(), conn.invalidated()), (false, false));
        assert_eq!(conn.engine().url().to_string(), "sqlite://");
    });
}

#[test]
fn a5_01_a4_06_a_stream_that_is_left_closes_its_cursor() {
    run(async {
        let conn = connected().await;
        for scalars in [false, true] {
            let all = text("SELECT name FROM users ORDER BY id");
            if scalars {
                let stream = conn.stream_scalars(&all, ()).await.unwrap();
                assert_eq!(stream.next().await.unwrap(), Some("Dan".into()));
                stream.close();
                fails(stream.next().await, ErrorKind::ResourceClosed, "This result object is closed.");
            } else {
                let stream = conn.stream(&all, ()).await.unwrap();
                assert_eq!(stream.next().await.unwrap().unwrap().values(), strings(&["Dan"]));
                drop(stream);
            }
            // A cursor that is open on a table keeps it from being dropped.
            conn.execute(&text("CREATE TABLE copy AS SELECT * FROM users"), ()).await.unwrap();
            conn.execute(&text("DROP TABLE users"), ()).await.unwrap();
            conn.rollback().await.unwrap();
        }
    });
}

#[test]
fn a5_02_driver_sql_goes_to_sqlite_as_it_is() {
    run(async {
        let conn = connected().await;
        let sum = conn.exec_driver_sql("SELECT ? + ?, ':no'", params![1, 2]).await.unwrap();
        assert_eq!(rows(&sum), [vec![Value::Integer(3), ":no".into()]]);
        let add = "INSERT INTO users (name) VALUES (?)";
        let added = conn.exec_driver_sql(add, many([params!["Eve"], params!["Fay"]])).await.unwrap();
        assert_eq!(added.rowcount(), 2);
        let two = conn.exec_driver_sql("SELECT 1; SELECT 2", ()).await;
        fails(two, ErrorKind::Programming, "You can only execute one statement at a time.");
        let nothing = conn.exec_driver_sql("", ()).await.unwrap();
        assert!(!nothing.returns_rows());
        assert_eq!(count(&conn).await, 5);
    });
}

#[test]
fn a5_03_execution_options_hold_for_what_follows_on_a_connection() {
    run(async {
        let (engine, lines) = logged();
        fill(&engine).await;
        let conn = engine.connect().await.unwrap();
        let few = ExecutionOptions { yield_per: Some(2), logging_token: Some("job 7".into()), ..Default::default() };
        conn.execution_options(&few).unwrap();
        let mine = conn.get_execution_options();
        assert_eq!((mine.yield_per, mine.isolation_level), (Some(2), Some(IsolationLevel::Serializable)));
        lines.borrow_mut().clear();
        let all = text("SELECT * FROM users");
        assert_eq!(conn.execute(&all, ()).await.unwrap().fetchmany(None).unwrap().len(), 2);
        assert_eq!(conn.exec_driver_sql("SELECT * FROM users", ()).await.unwrap().fetchmany(None).unwrap().len(), 2);
        assert_eq!(conn.stream(&all, ()).await.unwrap().fetchmany(None).await.unwrap().len(), 2);
        let once = CallOptions::new().yield_per(3);
        assert_eq!(conn.execute_with(&all, (), &once).await.unwrap().fetchmany(None).unwrap().len(), 3, "of a call");
        conn.rollback().await.unwrap();
        let said = lines.borrow().clone();
        assert_eq!((&*said[0], &*said[1]), ("[job 7] BEGIN (implicit)", "[job 7] SELECT * FROM users"));
        assert_eq!(said.last().unwrap(), "[job 7] ROLLBACK");
        // An error changes nothing.
        let autocommit = Some(IsolationLevel::Autocommit);
        conn.execute(&one(), ()).await.unwrap();
        let wrong = ExecutionOptions { isolation_level: autocommit, yield_per: Some(9), ..Default::default() };
        fails(conn.execution_options(&wrong), ErrorKind::InvalidRequest, "isolation_level may not be altered");
        let none = ExecutionOptions { yield_per: Some(0), ..Default::default() };
        fails(conn.execution_options(&none), ErrorKind::Argument, "yield_per");
        assert_eq!(conn.get_execution_options(), mine);
        conn.close().await.unwrap();
        assert_eq!(engine.connect().await.unwrap().get_execution_options().yield_per, None, "until it is closed");
    });
}

#[test]
fn a5_04_an_invalidated_connection_connects_again_after_its_transaction_was_rolled_back() {
    run(async {
        let conn = connected().await;
        conn.invalidate().await.unwrap();
        assert_eq!((conn.invalidated(), conn.closed()), (true, false));
        assert_eq!(count(&conn).await, 3, "its next use connects again");
        assert!(!conn.invalidated());
        insert(&conn).await.unwrap();
        let transaction = conn.get_transaction().unwrap();
        conn.invalidate().await.unwrap();
        assert_eq!((transaction.is_active(), transaction.is_valid()), (false, false));
        let error = fails(
            conn.execute(&one(), ()).await,
            ErrorKind::PendingRollback,
            "Can't reconnect until invalid transaction is rolled back.",
        );
        assert_eq!(error.code(), Some("8s2b"));
        conn.rollback().await.unwrap();
        assert_eq!(count(&conn).await, 3, "what was not committed is gone");
        conn.close().await.unwrap();
        fails(conn.invalidate().await, ErrorKind::ResourceClosed, "This Connection is closed");
    });
}

#[test]
fn a5_05_info_stays_with_the_connection_of_the_pool() {
    run(async {
        let engine = Engine::builder("sqlite://").pool_size(1).build().unwrap();
        let uses = async || {
            let conn = engine.connect().await.unwrap();
            let uses = conn.info(|| Rc::new(Cell::new(0))).unwrap();
            uses.set(uses.get() + 1);
            uses.get()
        };
        assert_eq!([uses().await, uses().await, uses().await], [1, 2, 3]);
        let conn = engine.connect().await.unwrap();
        fails(conn.info(String::new), ErrorKind::InvalidRequest, "Something of another type");
        conn.invalidate().await.unwrap();
        conn.execute(&one(), ()).await.unwrap();
        conn.close().await.unwrap();
        assert_eq!(uses().await, 1, "another connection has nothing of it");
    });
}

#[test]
fn a5_06_isolation_levels_hold_until_the_connection_is_closed() {
    run(async {
        let engine = people().await;
        let [a, b] = [engine.connect().await.unwrap(), engine.connect().await.unwrap()];
        a.set_isolation_level(IsolationLevel::Autocommit).unwrap();
        insert(&a).await.unwrap();
        assert_eq!(count(&b).await, 4, "committed at once");
        a.rollback().await.unwrap();
        let read = fails(
            b.set_isolation_level(IsolationLevel::Autocommit),
            ErrorKind::InvalidRequest,
            "isolation_level may not be altered unless rollback() or commit() is called first",
        );
        assert_eq!(read.code(), None);
        b.rollback().await.unwrap();
        for level in [IsolationLevel::ReadUncommitted, IsolationLevel::Serializable] {
            b.set_isolation_level(level).unwrap();
            insert(&b).await.unwrap();
            assert_eq!(count(&a).await, 4, "snapshots, whatever the level");
            b.rollback().await.unwrap();
        }
        a.close().await.unwrap();
        let again = engine.connect().await.unwrap();
        assert_eq!(again.get_isolation_level(), IsolationLevel::Serializable);
        fails(IsolationLevel::parse("SNAPSHOT"), ErrorKind::Argument, "Invalid value 'SNAPSHOT' for isolation_level.");
    });
}
