//! Live queries.

use crate::support::{memory, run};
use aludel::{Engine, ErrorKind, Result, ResultSet, many, params, text};
use futures::{FutureExt, StreamExt};
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;

async fn people(engine: Engine) -> Engine {
    for sql in [
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE TABLE other (x)",
        "CREATE VIEW named AS SELECT name FROM users WHERE name IS NOT NULL",
        "INSERT INTO users VALUES (1, 'Dan'), (2, 'Dana')",
    ] {
        engine.execute(&text(sql), ()).await.unwrap();
    }
    engine
}

fn names(result: Option<Result<ResultSet>>) -> Vec<String> {
    result.unwrap().unwrap().iter().map(|row| row.unwrap().get(0).unwrap()).collect()
}

#[test]
fn a5_events_a_live_query_gives_its_rows_and_again_when_a_commit_changed_them() {
    run(async {
        let engine = people(memory()).await;
        let execute = async |sql: &str| engine.execute(&text(sql), ()).await.unwrap();
        let statement = text("SELECT name FROM named WHERE name <> :not ORDER BY name");
        let mut live = engine.watch(&statement, params! { "not" => "Dana" }).unwrap();
        assert_eq!(names(live.next().await), ["Dan"]);
        let sent = engine.frames_sent();
        execute("INSERT INTO other VALUES (1)").await;
        // It is told of before the answer to the next statement is here.
        execute("SELECT 1").await;
        assert!(live.next().now_or_never().is_none());
        assert_eq!(engine.frames_sent() - sent, 2, "the other table was none of its business");
        // Commits that come meanwhile are one step.
        execute("INSERT INTO users (name) VALUES ('Abe')").await;
        execute("INSERT INTO users (name) VALUES ('Eve')").await;
        assert_eq!(names(live.next().await), ["Abe", "Dan", "Eve"]);
        // What leaves the rows as they are gives nothing.
        execute("UPDATE users SET name = 'Dana' WHERE id = 2").await;
        execute("DELETE FROM users WHERE name = 'Eve'").await;
        assert_eq!(names(live.next().await), ["Abe", "Dan"]);
        // Another view of the same name reads another table.
        execute("DROP VIEW named").await;
        execute("CREATE VIEW named AS SELECT x AS name FROM other").await;
        execute("UPDATE other SET x = 'x'").await;
        assert_eq!(names(live.next().await), ["x"]);
        execute("UPDATE other SET x = 'y'").await;
        assert_eq!(names(live.next().await), ["y"]);
    });
}

#[test]
fn a5_events_a_live_query_is_a_stream_that_ends_with_its_engine() {
    run(async {
        let engine = people(memory()).await;
        let live = engine.watch(&text("SELECT name FROM users ORDER BY id"), ()).unwrap();
        let mut stream = pin!(live.into_stream());
        assert_eq!(names(stream.next().await), ["Dan", "Dana"]);
        engine.execute(&text("DELETE FROM users WHERE id = 1"), ()).await.unwrap();
        assert_eq!(names(stream.next().await), ["Dana"]);
        engine.dispose().await.unwrap();
        assert!(stream.next().await.is_none());
        assert!(stream.next().await.is_none());
    });
}

#[test]
fn a_live_query_that_was_dropped_within_a_run_runs_again() {
    run(async {
        let engine = people(Engine::builder("sqlite://").pool_size(1).build().unwrap()).await;
        let mut live = engine.watch(&text("SELECT name FROM users ORDER BY id"), ()).unwrap();
        let held = engine.connect().await.unwrap();
        assert!(live.next().now_or_never().is_none(), "it waits for the connection");
        held.close().await.unwrap();
        assert_eq!(names(live.next().await), ["Dan", "Dana"]);
        let held = engine.connect().await.unwrap();
        held.execute(&text("DELETE FROM users"), ()).await.unwrap();
        held.commit().await.unwrap();
        // The commit is told of behind its answer, and before the next.
        held.execute(&text("SELECT 1"), ()).await.unwrap();
        assert!(live.next().now_or_never().is_none());
        held.close().await.unwrap();
        assert_eq!(names(live.next().await), Vec::<String>::new());
    });
}

#[test]
fn what_cannot_be_watched_is_refused_and_not_run() {
    run(async {
        let engine = people(memory()).await;
        for sql in ["DELETE FROM users RETURNING id", "SELECT 1; SELECT 2", "BEGIN", "CREATE TABLE t (x)"] {
            let mut live = engine.watch(&text(sql), ()).unwrap();
            let error = live.next().await.unwrap().unwrap_err();
            assert!(error.message().starts_with("watch() takes one statement"), "{sql}: {error}");
            assert_eq!((error.kind(), error.statement()), (ErrorKind::InvalidRequest, None), "{sql}");
            assert!(live.next().await.is_none());
        }
        let mut live = engine.watch(&text("SELECT nonsense"), ()).unwrap();
        assert_eq!(live.next().await.unwrap().unwrap_err().message(), "no such column: nonsense");
        assert_eq!(engine.scalar::<i64>(&text("SELECT count(*) FROM users"), ()).await.unwrap(), Some(2));
        let sets = many([params! { "a" => 1 }]);
        assert_eq!(engine.watch(&text("SELECT :a"), sets).unwrap_err().kind(), ErrorKind::Argument);
    });
}

/// Has a listener put another table in the place of `users`, as long as it says so, and count what it is told.
fn elsewhere(engine: &Engine) -> (Rc<RefCell<String>>, Rc<Cell<usize>>) {
    let (table, told) = (Rc::new(RefCell::new("users".to_owned())), Rc::new(Cell::new(0)));
    let (put, count) = (table.clone(), told.clone());
    let listener = engine.on_before_cursor_execute(async move |event| {
        if event.statement.starts_with("SELECT") {
            count.set(count.get() + 1);
        }
        if event.statement.contains("FROM users") {
            event.statement = event.statement.replace("users", &put.borrow());
        }
        Ok(())
    });
    listener.keep();
    (table, told)
}

#[test]
fn a_live_query_follows_the_tables_of_what_its_listeners_make_of_it() {
    run(async {
        // With a listener for connections, both statements of a run share the only one that there is.
        for connects in [false, true] {
            let one = Engine::builder("sqlite://").pool_size(1).max_overflow(0).build().unwrap();
            let engine = people(one).await;
            let execute = async |sql: &str| engine.execute(&text(sql), ()).await.unwrap();
            execute("CREATE TABLE archive AS SELECT 'Old' AS name").await;
            if connects {
                engine.on_connect(async |_| Ok(())).keep();
            }
            let (table, told) = elsewhere(&engine);
            table.replace("archive".into());
            let mut live = engine.watch(&text("SELECT name FROM users ORDER BY name"), ()).unwrap();
            assert_eq!(names(live.next().await), ["Old"]);
            assert_eq!(told.get(), 1, "the listener is told of what the worker was asked");
            execute("UPDATE archive SET name = 'Older'").await;
            assert_eq!(names(live.next().await), ["Older"]);
            // From the next run on it is another table.
            table.replace("users".into());
            execute("DELETE FROM archive").await;
            assert_eq!(names(live.next().await), ["Dan", "Dana"]);
            execute("DELETE FROM users WHERE id = 1").await;
            assert_eq!(names(live.next().await), ["Dana"]);
            assert_eq!(told.get(), 4);
        }
    });
}
