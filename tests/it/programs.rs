//! The programs that every front end must run, with their output.

use crate::support::{Scratch, memory, rows, run, scalar, setup};
use aludel::{
    CallOptions, CancelToken, ConstraintKind, Engine, ErrorKind, Result, SyncConnection, Value, many, params, text,
};
use std::time::Duration;

#[test]
fn program_1_connection_transaction_rowcount() {
    run(async {
        let scratch = Scratch::new();
        let engine = Engine::new(&scratch.url("ex1.db")).unwrap();
        engine
            .begin(async |c| c.execute(&text("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)"), ()).await)
            .await
            .unwrap();
        let conn = engine.connect().await.unwrap();
        let trans = conn.begin().await.unwrap();
        let insert = text("INSERT INTO users (id, name) VALUES (:id, :name)");
        conn.execute(&insert, params! { "id" => 42, "name" => "Async" }).await.unwrap();
        trans.commit().await.unwrap();
        let select = text("SELECT * FROM users WHERE id = :id");
        let res = conn.execute(&select, params! { "id" => 42 }).await.unwrap();
        assert_eq!(rows(&res), [[Value::Integer(42), Value::from("Async")]]);
        let del = conn.execute(&text("DELETE FROM users WHERE id = :id"), params! { "id" => 42 }).await.unwrap();
        assert_eq!(del.rowcount(), 1);
        conn.rollback().await.unwrap();
        let count: Option<i64> = conn.scalar(&text("SELECT count(*) FROM users"), ()).await.unwrap();
        assert_eq!(count, Some(1), "the delete was rolled back");
        conn.close().await.unwrap();
        engine.dispose().await.unwrap();
    });
}

#[test]
fn program_2_executemany_filter_connectionless_use() {
    run(async {
        let engine = memory();
        engine.execute(&text("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)"), ()).await.unwrap();
        let names = ["Jeremy Goodwin", "Natalie Hurley", "Dan Rydell", "Casey McCall", "Dana Whitaker"];
        let names = many(names.map(|name| params! { "name" => name }));
        let insert = text("INSERT INTO users (name) VALUES (:name)");
        let inserted = engine.begin(async |c| c.execute(&insert, names).await).await.unwrap();
        assert_eq!(inserted.rowcount(), 5);
        let d = text("SELECT name FROM users WHERE name LIKE 'D%' ORDER BY id");
        let d = engine.execute(&d, ()).await.unwrap();
        assert_eq!(d.scalars(0).unwrap().all().unwrap(), [Value::from("Dan Rydell"), Value::from("Dana Whitaker")]);
        assert_eq!(engine.scalar::<i64>(&text("SELECT 1"), ()).await.unwrap(), Some(1));
        assert!(engine.has_table("users").await.unwrap());
        assert!(!engine.has_table("nobody").await.unwrap());
        assert_eq!(engine.table_names().await.unwrap(), ["users"]);
    });
}

#[test]
fn program_4_begin_after_autobegin_is_an_error_that_says_what_to_do() {
    run(async {
        let engine = memory();
        setup(&engine, "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)").await;
        let insert = text("INSERT INTO users (name) VALUES (:name)");
        let conn = engine.connect().await.unwrap();
        assert_eq!(conn.execute(&text("SELECT 1"), ()).await.unwrap().scalar::<i64>().unwrap(), Some(1));
        let error = conn.begin().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().contains("beginNested()") && error.message().contains("commit()"), "{error}");
        conn.commit().await.unwrap();
        conn.transaction(async |conn| conn.execute(&insert, params! { "name" => "Bob" }).await).await.unwrap();
        let sp = conn.begin_nested().await.unwrap();
        conn.execute(&insert, params! { "name" => "gone" }).await.unwrap();
        sp.rollback().await.unwrap();
        conn.commit().await.unwrap();
        let names = conn.execute(&text("SELECT name FROM users"), ()).await.unwrap();
        assert_eq!(names.scalars(0).unwrap().all().unwrap(), [Value::from("Bob")]);
    });
}

#[test]
fn program_5_errors_integrity_none_too_many() {
    run(async {
        let engine = memory();
        setup(
            &engine,
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, age INTEGER);
             INSERT INTO users (email, age) VALUES ('existing@example.com', 7), ('other@example.com', 7)",
        )
        .await;
        let conn = engine.connect().await.unwrap();
        let insert = text("INSERT INTO users (email) VALUES (:email)");
        let error = conn.execute(&insert, params! { "email" => "existing@example.com" }).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Integrity, Some("gkpj")));
        let constraint = error.constraint().unwrap();
        assert_eq!(constraint.kind, ConstraintKind::Unique);
        assert_eq!(constraint.table.as_deref(), Some("users"));
        assert_eq!(constraint.columns, ["email"]);
        // The connection is usable at once.
        let none = conn.execute(&text("SELECT * FROM users WHERE id = 99999"), ()).await.unwrap();
        assert_eq!(none.scalar_one::<i64>().unwrap_err().kind(), ErrorKind::NoResultFound);
        let two = conn.execute(&text("SELECT * FROM users WHERE age = 7"), ()).await.unwrap();
        assert_eq!(two.one().unwrap_err().kind(), ErrorKind::MultipleResultsFound);
    });
}

#[test]
fn program_6_streaming_while_another_connection_writes() {
    run(async {
        let engine = memory();
        setup(
            &engine,
            "CREATE TABLE numbers (n INTEGER);
             WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000)
             INSERT INTO numbers SELECT x FROM c",
        )
        .await;
        let conn = engine.connect().await.unwrap();
        let stream = conn.stream(&text("SELECT n FROM numbers"), ()).await.unwrap();
        let mut sum = 0;
        let mut parts = stream.partitions(Some(1000));
        let mut written = false;
        while let Some(part) = parts.next().await.unwrap() {
            for row in part {
                sum += row.get::<i64>("n").unwrap();
            }
            if !written {
                engine.execute(&text("DELETE FROM numbers WHERE n > 100"), ()).await.unwrap();
                written = true;
            }
        }
        assert_eq!(sum, 500_000_500_000, "the stream reads the state that it began in");
        drop(stream);
        conn.close().await.unwrap();
        assert_eq!(scalar(&engine, "SELECT count(*) FROM numbers").await, Value::Integer(100));

        // Breaking off closes the cursor: the table can be dropped.
        let conn = engine.connect().await.unwrap();
        let stream = conn.stream(&text("SELECT n FROM numbers"), ()).await.unwrap();
        stream.next().await.unwrap();
        drop(stream);
        conn.execute(&text("DROP TABLE numbers"), ()).await.unwrap();
        conn.commit().await.unwrap();
    });
}

#[test]
fn program_7_work_inside_the_worker() {
    fn move_all(conn: &mut SyncConnection<'_>, from: &str, to: &str) -> Result<usize> {
        let in_folder = text("SELECT id FROM messages WHERE folder = :from ORDER BY id");
        let ids = conn.scalars(&in_folder, params! { "from" => from })?.all()?;
        let update = text("UPDATE messages SET folder = :to WHERE id = :id");
        for id in &ids {
            conn.execute(&update, params! { "id" => id.clone(), "to" => to })?;
        }
        Ok(ids.len())
    }
    run(async {
        let engine = memory();
        setup(
            &engine,
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, folder TEXT);
             INSERT INTO messages (folder) VALUES ('inbox'), ('inbox'), ('sent'), ('inbox')",
        )
        .await;
        let conn = engine.connect().await.unwrap();
        let before = engine.frames_sent();
        assert_eq!(conn.run_sync(|conn| move_all(conn, "inbox", "archive")).await.unwrap(), 3);
        assert_eq!(engine.frames_sent(), before + 1);
        let folders = conn.scalars(&text("SELECT folder FROM messages ORDER BY id"), ()).await.unwrap();
        assert_eq!(folders.all().unwrap(), ["archive", "archive", "sent", "archive"].map(Value::from));
    });
}

#[test]
fn program_8_cancel_and_time_out() {
    run(async {
        let engine = memory();
        let conn = engine.connect().await.unwrap();
        let rows = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT x FROM c");
        let token = CancelToken::new();
        let options = CallOptions::new().cancel(&token);
        let call = conn.execute_with(&rows, (), &options);
        let later = async {
            futures_timer::Delay::new(Duration::from_millis(50)).await;
            token.cancel();
        };
        let (result, ()) = futures::join!(call, later);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);

        let count = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c");
        let options = CallOptions::new().timeout(Duration::from_millis(100));
        let error = conn.execute_with(&count, (), &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        let one: Result<Option<i64>> = conn.scalar(&text("SELECT 1"), ()).await;
        assert_eq!(one.unwrap(), Some(1), "the connection lives on");
    });
}
