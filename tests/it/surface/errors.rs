//! Errors: A3.72, A3.73, A3.79, A3.80, A4.19, A4.39, A4.42, A4.43, A5.13 to A5.15.

use super::{COUNT, INSERT, connected, count, fails, insert, one, people};
use crate::support::{memory, run};
use aludel::{CallOptions, CancelToken, ConstraintKind, Engine, ErrorKind, params, text};

#[test]
fn a3_72_no_result_found_and_multiple_results_found_are_invalid_requests() {
    for (kind, name) in
        [(ErrorKind::NoResultFound, "NoResultFound"), (ErrorKind::MultipleResultsFound, "MultipleResultsFound")]
    {
        assert_eq!((kind.class(), kind.parent()), (name, "InvalidRequestError"));
    }
}

#[test]
fn a3_73_an_integrity_error_tells_the_constraint_and_ends_nothing() {
    run(async {
        let conn = connected().await;
        let script = "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT NOT NULL, y INTEGER UNIQUE, z INTEGER \
                      CONSTRAINT small CHECK (z < 10), u INTEGER REFERENCES users (id))";
        conn.execute(&text(script), ()).await.unwrap();
        conn.execute(&text("INSERT INTO t VALUES (1, 'a', 1, 1, 1)"), ()).await.unwrap();
        for (values, kind, columns, code) in [
            ("1, 'b', 2, 1, 1", ConstraintKind::PrimaryKey, &["id"][..], 1555),
            ("2, 'b', 1, 1, 1", ConstraintKind::Unique, &["y"], 2067),
            ("2, NULL, 2, 1, 1", ConstraintKind::NotNull, &["x"], 1299),
            ("2, 'b', 2, 10, 1", ConstraintKind::Check, &[], 275),
            ("2, 'b', 2, 1, 99", ConstraintKind::ForeignKey, &[], 787),
        ] {
            let sql = format!("INSERT INTO t VALUES ({values})");
            let savepoint = conn.begin_nested().await.unwrap();
            let error = fails(conn.execute(&text(&sql), ()).await, ErrorKind::Integrity, "constraint failed");
            let constraint = error.constraint().unwrap();
            assert_eq!(
                (constraint.kind, &constraint.columns[..]),
                (kind, &columns.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()[..])
            );
            assert_eq!((error.code(), error.sqlite_code(), error.statement()), (Some("gkpj"), code, Some(&*sql)));
            assert!(error.to_string().contains("[SQL: INSERT INTO t"), "{error}");
            // The savepoint is there to begin anew from, and the transaction around it goes on.
            assert!(savepoint.is_active());
            savepoint.rollback().await.unwrap();
        }
        assert_eq!(conn.scalar::<i64>(&text("SELECT count(*) FROM t"), ()).await.unwrap(), Some(1));
    });
}

#[test]
fn a3_79_after_an_error_of_a_commit_the_connection_can_be_used_again() {
    run(async {
        let conn = connected().await;
        let again = text("INSERT INTO users (id, name) VALUES (1, 'again')");
        fails(conn.execute(&again, ()).await, ErrorKind::Integrity, "UNIQUE constraint failed: users.id");
        conn.rollback().await.unwrap();
        let none = conn.execute(&text("SELECT name FROM users WHERE id = 99999"), ()).await.unwrap();
        fails(none.scalar_one::<String>(), ErrorKind::NoResultFound, "No row was found when one was required");
        insert(&conn).await.unwrap();
        conn.commit().await.unwrap();
        assert_eq!(count(&conn).await, 4);
    });
}

#[test]
fn a3_80_other_dialects_are_named_and_what_there_is_instead() {
    for url in ["postgresql+asyncpg://x/y", "mysql+aiomysql://x/y", "sqlite+aiosqlite:///x.db", "oracle://x"] {
        let error =
            fails(Engine::new(url).map(drop), ErrorKind::NoSuchModule, "Can't load plugin: sqlalchemy.dialects:");
        assert!(error.message().contains("aludel knows sqlite://"), "{error}");
    }
}

#[test]
fn a4_19_a4_39_a_worker_that_is_gone_is_a_typed_error_and_is_replaced() {
    run(async {
        assert_eq!((ErrorKind::WorkerGone.class(), ErrorKind::WorkerGone.parent()), ("WorkerGone", "InterfaceError"));
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        insert(&conn).await.unwrap();
        let error = fails(
            conn.execute(&text("SELECT aludel_fault('panic')"), ()).await,
            ErrorKind::WorkerGone,
            "aludel_fault('panic') was called",
        );
        assert!(error.retryable() && conn.invalidated());
        conn.rollback().await.unwrap();
        assert_eq!(conn.scalar::<i64>(&one(), ()).await.unwrap(), Some(1), "another worker");
        assert_eq!(engine.scalar::<i64>(&one(), ()).await.unwrap(), Some(1));
    });
}

#[test]
fn a4_42_likely_mistakes_are_named() {
    run(async {
        let conn = connected().await;
        let by_id = text("SELECT * FROM users WHERE id = :id");
        for (outcome, kind, message) in [
            (conn.execute(&by_id, ()).await, ErrorKind::Statement, "A value is required for bind parameter 'id'"),
            (conn.execute(&by_id, params![1]).await, ErrorKind::Argument, "by name"),
            (
                conn.execute(&text("SELECT ?"), params![1, 2]).await,
                ErrorKind::Programming,
                "uses 1, and there are 2 supplied",
            ),
            (conn.execute(&text("SELECT 1; SELECT 2"), ()).await, ErrorKind::Programming, "one statement at a time"),
            (
                conn.execute(&text("SELECT * FORM users"), ()).await,
                ErrorKind::Operational,
                "near \"FORM\": syntax error",
            ),
        ] {
            fails(outcome, kind, message);
        }
    });
}

#[test]
fn a4_43_answers_of_calls_that_were_cancelled_reach_nobody_else() {
    run(async {
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        let endless = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c");
        for round in 0..20_i64 {
            let token = CancelToken::new();
            let options = CallOptions::new().cancel(&token);
            let number = text("SELECT :n");
            let cancelled = conn.execute_with(&endless, (), &options);
            let mine = conn.scalar::<i64>(&number, params! { "n" => round });
            let others = engine.scalar::<i64>(&number, params! { "n" => -round });
            let cancel = async { token.cancel() };
            let (cancelled, mine, others, ()) = futures::join!(cancelled, mine, others, cancel);
            fails(cancelled, ErrorKind::Cancelled, "");
            assert_eq!((mine.unwrap(), others.unwrap()), (Some(round), Some(-round)));
        }
    });
}

#[test]
fn a5_15_what_sqlite_says_has_its_class() {
    run(async {
        let conn = connected().await;
        for (sql, kind, code) in [
            ("SELEC 1", ErrorKind::Operational, "e3q8"),
            ("SELECT * FROM nobody", ErrorKind::Operational, "e3q8"),
            ("SELECT nope FROM users", ErrorKind::Operational, "e3q8"),
            ("INSERT INTO users (id) VALUES (1)", ErrorKind::Integrity, "gkpj"),
            ("INSERT INTO users (id) VALUES ('x')", ErrorKind::Integrity, "gkpj"),
            ("SELECT 1; SELECT 2", ErrorKind::Programming, "f405"),
        ] {
            let error = fails(conn.execute(&text(sql), ()).await, kind, "");
            assert_eq!(error.code(), Some(code), "{sql}");
        }
        let token = CancelToken::new();
        token.cancel();
        let interrupted = conn.execute_with(&text(COUNT), (), &CallOptions::new().cancel(&token)).await;
        let error = fails(interrupted, ErrorKind::Cancelled, "");
        assert_eq!(error.kind().parent(), "OperationalError");
        let memory = memory();
        fails(memory.execute(&text(INSERT), ()).await, ErrorKind::Operational, "no such table: users");
    });
}
