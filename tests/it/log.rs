//! The log of SQL.

use crate::support::run;
use aludel::{Echo, EchoLevel, Engine, IsolationLevel, Record, many, params, text};
use std::cell::RefCell;
use std::rc::Rc;

/// An engine and what it has logged, with times left out.
fn engine(hide: bool, level: EchoLevel) -> (Engine, Rc<RefCell<Vec<String>>>) {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let sink = lines.clone();
    let echo = Echo::to(level, move |record: &Record| {
        assert_eq!(&*record.logger, "sqlalchemy.engine.Engine.it");
        let (before, rest) = record.message.split_once(|c: char| c.is_ascii_digit()).unwrap_or((&record.message, ""));
        let timed = ["[generated in ", "[cached since "].contains(&before);
        let after = rest.split_once(']').map_or("", |(_, after)| after);
        sink.borrow_mut().push(if timed { format!("{before}*]{after}") } else { record.message.clone() });
    });
    let engine = Engine::builder("sqlite://").echo(echo).hide_parameters(hide).logging_name("it").build().unwrap();
    (engine, lines)
}

#[test]
fn the_log_reads_as_sqlalchemys() {
    run(async {
        let (engine, lines) = engine(false, EchoLevel::Info);
        let conn = engine.connect().await.unwrap();
        conn.execute(&text("CREATE TABLE t (x)"), ()).await.unwrap();
        let insert = text("INSERT INTO t VALUES (:x)");
        conn.execute(&insert, params! { "x" => "a" }).await.unwrap();
        let savepoint = conn.begin_nested().await.unwrap();
        conn.execute(&insert, many([params! { "x" => 1 }, params! { "x" => 2 }])).await.unwrap();
        savepoint.rollback().await.unwrap();
        conn.begin_nested().await.unwrap().commit().await.unwrap();
        conn.commit().await.unwrap();
        conn.exec_driver_sql("SELECT ?", params![1]).await.unwrap();
        conn.close().await.unwrap();
        assert_eq!(
            *lines.borrow(),
            [
                "BEGIN (implicit)",
                "CREATE TABLE t (x)",
                "[generated in *] ()",
                "INSERT INTO t VALUES (:x)",
                "[generated in *] ('a',)",
                "SAVEPOINT sa_savepoint_1",
                "INSERT INTO t VALUES (:x)",
                "[cached since *] [(1,), (2,)]",
                "ROLLBACK TO SAVEPOINT sa_savepoint_1",
                "SAVEPOINT sa_savepoint_2",
                "RELEASE SAVEPOINT sa_savepoint_2",
                "COMMIT",
                "BEGIN (implicit)",
                "SELECT ?",
                "[raw sql] (1,)",
                "ROLLBACK",
            ]
        );
    });
}

#[test]
fn parameters_can_be_hidden_from_the_log() {
    run(async {
        let (engine, lines) = engine(true, EchoLevel::Info);
        engine.execute(&text("SELECT :x"), params! { "x" => "secret" }).await.unwrap();
        assert_eq!(
            *lines.borrow(),
            ["SELECT :x", "[generated in *] [SQL parameters hidden due to hide_parameters=True]"]
        );
    });
}

#[test]
fn columns_and_rows_are_logged_for_debugging() {
    run(async {
        let (engine, lines) = engine(false, EchoLevel::Debug);
        let conn = engine.connect().await.unwrap();
        conn.set_isolation_level(IsolationLevel::Autocommit).unwrap();
        conn.execute(&text("SELECT 1 AS a, 'x' AS b"), ()).await.unwrap();
        assert_eq!(
            *lines.borrow(),
            [
                "BEGIN (implicit; DBAPI should not BEGIN due to autocommit mode)",
                "SELECT 1 AS a, 'x' AS b",
                "[generated in *] ()",
                "Col ('a', 'b')",
                "Row (1, 'x')",
            ]
        );
    });
}
