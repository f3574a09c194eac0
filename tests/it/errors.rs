//! Every kind of error: its class, parent and code, and how to come by it.

use crate::support::{Scratch, memory, run, setup};
use aludel::{CallOptions, Engine, Error, ErrorKind, StorageReason, many, params, text};

#[test]
fn a5_14_errors_have_sqlalchemys_classes_parents_and_codes() {
    let table: &[(ErrorKind, &str, &str, Option<&str>, bool)] = &[
        (ErrorKind::Argument, "ArgumentError", "SQLAlchemyError", None, false),
        (ErrorKind::NoSuchModule, "NoSuchModuleError", "ArgumentError", None, false),
        (ErrorKind::ObjectNotExecutable, "ObjectNotExecutableError", "ArgumentError", None, false),
        (ErrorKind::Compile, "CompileError", "SQLAlchemyError", Some("l7de"), false),
        (ErrorKind::Timeout, "TimeoutError", "SQLAlchemyError", Some("3o7r"), true),
        (ErrorKind::InvalidRequest, "InvalidRequestError", "SQLAlchemyError", None, false),
        (ErrorKind::IllegalStateChange, "IllegalStateChangeError", "InvalidRequestError", Some("isce"), false),
        (ErrorKind::PendingRollback, "PendingRollbackError", "InvalidRequestError", Some("8s2b"), false),
        (ErrorKind::ResourceClosed, "ResourceClosedError", "InvalidRequestError", None, false),
        (ErrorKind::NoSuchColumn, "NoSuchColumnError", "InvalidRequestError", None, false),
        (ErrorKind::NoResultFound, "NoResultFound", "InvalidRequestError", None, false),
        (ErrorKind::MultipleResultsFound, "MultipleResultsFound", "InvalidRequestError", None, false),
        (ErrorKind::Statement, "StatementError", "SQLAlchemyError", None, false),
        (ErrorKind::Interface, "InterfaceError", "DBAPIError", Some("rvf5"), false),
        (ErrorKind::Data, "DataError", "DatabaseError", Some("9h9h"), false),
        (ErrorKind::Operational, "OperationalError", "DatabaseError", Some("e3q8"), false),
        (ErrorKind::Integrity, "IntegrityError", "DatabaseError", Some("gkpj"), false),
        (ErrorKind::Internal, "InternalError", "DatabaseError", Some("2j85"), false),
        (ErrorKind::Programming, "ProgrammingError", "DatabaseError", Some("f405"), false),
        (ErrorKind::NotSupported, "NotSupportedError", "DatabaseError", Some("tw8g"), false),
        (ErrorKind::Storage, "StorageError", "OperationalError", None, false),
        (ErrorKind::WorkerGone, "WorkerGone", "InterfaceError", None, true),
        (ErrorKind::HostLost, "HostLost", "WorkerGone", None, true),
        (ErrorKind::Protocol, "ProtocolError", "InterfaceError", None, false),
        (ErrorKind::Cancelled, "CancelledError", "OperationalError", None, true),
        (ErrorKind::NoForeignKeys, "NoForeignKeysError", "ArgumentError", None, false),
        (ErrorKind::AmbiguousForeignKeys, "AmbiguousForeignKeysError", "ArgumentError", None, false),
        (ErrorKind::NoSuchTable, "NoSuchTableError", "InvalidRequestError", None, false),
        (ErrorKind::UnreflectableTable, "UnreflectableTableError", "InvalidRequestError", None, false),
        (ErrorKind::Procedure, "ProcedureError", "SQLAlchemyError", None, false),
        (ErrorKind::Migration, "MigrationError", "InvalidRequestError", Some("mgrt"), false),
        (ErrorKind::NewerDatabase, "NewerDatabaseError", "InvalidRequestError", Some("nwdb"), false),
    ];
    assert_eq!(table.iter().map(|row| row.0).collect::<Vec<_>>(), ErrorKind::ALL);
    for (kind, class, parent, code, retryable) in table {
        assert_eq!((kind.class(), kind.parent(), kind.code(), kind.retryable()), (*class, *parent, *code, *retryable));
    }
}

async fn failure(sql: &str) -> Error {
    let engine = memory();
    setup(
        &engine,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT NOT NULL CHECK (length(x) < 5)); INSERT INTO t VALUES (1, 'a')",
    )
    .await;
    let error = engine.execute(&text(sql), ()).await.unwrap_err();
    // Whatever went wrong, the connection is as good as before.
    engine.execute(&text("SELECT 1"), ()).await.unwrap();
    assert_eq!((engine.pool().checkedin, engine.pool().checkedout), (1, 0));
    error
}

#[test]
fn sqlites_errors_get_their_classes() {
    run(async {
        use ErrorKind::*;
        for (sql, kind, sqlite_code, message) in [
            ("SELEC 1", Operational, 1, "near \"SELEC\": syntax error"),
            ("SELECT * FROM nobody", Operational, 1, "no such table: nobody"),
            ("SELECT nope FROM t", Operational, 1, "no such column: nope"),
            ("SELECT \"nope\" FROM t", Operational, 1, "no such column: \"nope\""),
            ("SELECT 1; SELECT 2", Programming, 0, "You can only execute one statement at a time."),
            ("INSERT INTO t VALUES (1, 'b')", Integrity, 1555, "UNIQUE constraint failed: t.id"),
            ("INSERT INTO t (id) VALUES (2)", Integrity, 1299, "NOT NULL constraint failed: t.x"),
            ("INSERT INTO t VALUES (2, 'abcde')", Integrity, 275, "CHECK constraint failed"),
            ("INSERT INTO t VALUES ('x', 'b')", Integrity, 20, "datatype mismatch"),
            ("PRAGMA writable_schema = ON; SELECT 1", Programming, 0, "You can only execute one statement at a time."),
            ("ATTACH '../other.db' AS other", Storage, 0, "unable to attach \"../other.db\""),
        ] {
            let error = failure(sql).await;
            assert_eq!(error.kind(), kind, "{sql}: {error}");
            assert!(error.message().starts_with(message), "{sql}: {error}");
            assert_eq!(error.sqlite_code(), sqlite_code, "{sql}");
            assert_eq!(error.statement(), Some(sql));
        }
    });
}

#[test]
fn errors_tell_statement_parameters_and_place() {
    run(async {
        let engine = memory();
        let error = engine.execute(&text("SELECT '\\:', nope, :x"), params! { "x" => "it's" }).await.unwrap_err();
        assert_eq!(error.statement(), Some("SELECT '\\:', nope, :x"));
        assert_eq!(error.offset(), Some(13), "counted in the text as it was written");
        assert_eq!(error.to_string(), "no such column: nope\n[SQL: SELECT '\\:', nope, :x]\n[parameters: (\"it's\",)]");
        let sets = many((0..100).map(|x| params! { "x" => x }));
        let error = engine.execute(&text("INSERT INTO nobody VALUES (:x)"), sets).await.unwrap_err();
        let shown = error.parameters().unwrap();
        assert!(shown.contains("(7,)  ... displaying 10 of 100 total bound parameter sets ...  (98,)"), "{shown}");
        let hiding = Engine::builder("sqlite://").hide_parameters(true).build().unwrap();
        let error = hiding.execute(&text("SELECT nope, :x"), params! { "x" => "secret" }).await.unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    });
}

#[test]
fn wrong_parameters_never_leave_the_client() {
    run(async {
        let engine = memory();
        let conn = engine.connect().await.unwrap();
        let before = engine.frames_sent();
        let error = conn.execute(&text("SELECT :x"), params! { "y" => 1 }).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Statement, Some("cd3x")));
        assert_eq!(error.to_string(), "A value is required for bind parameter 'x'\n[SQL: SELECT :x]");
        let error = conn.execute(&text("SELECT ?"), params![1, 2]).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Programming, Some("f405")));
        assert_eq!(engine.frames_sent(), before);
        assert!(!conn.in_transaction());
        // A list of sets is for statements that change something.
        let error =
            conn.execute(&text("SELECT :x"), many([params! { "x" => 1 }, params! { "x" => 2 }])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Programming, "{error}");
    });
}

#[test]
fn a_deep_expression_is_a_typed_error() {
    run(async {
        let engine = memory();
        let sql = format!("SELECT {}1", "1 + ".repeat(100_000));
        let error = engine.execute(&text(&sql), ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Operational);
        let sql = format!("SELECT {}1{}", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(engine.execute(&text(&sql), ()).await.unwrap_err().kind(), ErrorKind::Operational);
        engine.execute(&text("SELECT 1"), ()).await.unwrap();
    });
}

#[test]
fn files_that_are_no_databases_say_so() {
    run(async {
        let scratch = Scratch::new();
        std::fs::write(scratch.path("bad.db"), "this is no database, but long enough to look at ".repeat(100)).unwrap();
        let error = Engine::new(&scratch.url("bad.db")).unwrap().connect().await.unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::NotADatabase)));
        let missing = format!("{}?mode=rw", scratch.url("missing.db"));
        let error = Engine::new(&missing).unwrap().connect().await.unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::CannotOpen)));
        assert!(!scratch.path("missing.db").exists());
        let error = Engine::new(&scratch.url("no/such/directory.db")).unwrap().connect().await.unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::CannotOpen)));
    });
}

#[test]
fn a_broken_worker_rejects_everyone_and_the_next_connect_starts_another() {
    run(async {
        let scratch = Scratch::new();
        let engine = Engine::new(&scratch.url("a.db")).unwrap();
        setup(&engine, "CREATE TABLE t (x); INSERT INTO t VALUES (1)").await;
        let (one, two) = (engine.connect().await.unwrap(), engine.connect().await.unwrap());
        one.execute(&text("INSERT INTO t VALUES (2)"), ()).await.unwrap();
        let waiting = text("INSERT INTO t VALUES (3)");
        let fault = text("SELECT aludel_fault('panic')");
        let options = CallOptions::new();
        let (waited, broken) =
            futures::join!(two.execute_with(&waiting, (), &options), one.execute_with(&fault, (), &options));
        for error in [waited.unwrap_err(), broken.unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::WorkerGone);
            assert!(error.message().contains("aludel_fault('panic') was called"), "{error}");
            assert!(error.retryable());
        }
        assert!(one.invalidated() && two.invalidated());
        assert_eq!(one.execute(&waiting, ()).await.unwrap_err().kind(), ErrorKind::PendingRollback);
        one.rollback().await.unwrap();
        let count = text("SELECT count(*) FROM t");
        assert_eq!(one.scalar::<i64>(&count, ()).await.unwrap(), Some(1), "it has connected again");
        assert_eq!(engine.scalar::<i64>(&count, ()).await.unwrap(), Some(1));
        drop((one, two));
        engine.execute(&waiting, ()).await.unwrap();
        assert_eq!(engine.scalar::<i64>(&count, ()).await.unwrap(), Some(2));
        engine.dispose().await.unwrap();
    });
}
