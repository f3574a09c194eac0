//! Migrations: the table of cases that JavaScript runs, too, and what only Rust has.

use crate::support::{run, scalar};
use aludel::{Connection, Engine, ErrorKind, ExecutionOptions, IsolationLevel, Migrations, Step, Value, migrate};
use serde_json::Value as Json;
use std::cell::Cell;
use std::rc::Rc;

const VECTORS: &str = include_str!("../vectors/migrations.json");

fn step(i: usize, json: &Json) -> Step {
    if let Some(sql) = json.as_str() {
        return Step::sql((i + 1).to_string(), sql);
    }
    let text = |key: &str| json[key].as_str();
    let step = Step::sql(text("name").unwrap(), text("sql").unwrap())
        .foreign_keys(json["foreignKeys"].as_bool().unwrap_or_default());
    match text("checksum") {
        Some(checksum) => step.checksum(checksum),
        None => step,
    }
}

fn strings(json: &Json) -> Vec<String> {
    json.as_array().into_iter().flatten().map(|each| each.as_str().unwrap().to_owned()).collect()
}

fn value(json: &Json) -> Value {
    json.as_i64().map_or_else(|| Value::from(json.as_str().unwrap()), Value::Integer)
}

/// A connection that commits each statement by itself.
async fn loose(engine: &Engine) -> Connection {
    let options = ExecutionOptions { isolation_level: Some(IsolationLevel::Autocommit), ..ExecutionOptions::default() };
    engine.execution_options(&options).unwrap().connect().await.unwrap()
}

async fn check(case: &Json) {
    let claim = case["claim"].as_str().unwrap();
    let engine = Engine::new("sqlite://").unwrap();
    let conn = loose(&engine).await;
    for sql in strings(&case["before"]) {
        conn.exec_driver_sql(&sql, ()).await.unwrap();
    }
    conn.close().await.unwrap();
    for (i, each) in case["runs"].as_array().unwrap().iter().enumerate() {
        let steps = each["steps"].as_array().unwrap().iter().enumerate().map(|(i, json)| step(i, json));
        let option = |key: &str, default: bool| each["options"][key].as_bool().unwrap_or(default);
        let migrations = Migrations::new(steps)
            .unwrap()
            .user_version(option("userVersion", true))
            .adopt(option("adopt", false))
            .allow_newer(option("allowNewer", false));
        let outcome = migrations.run(&engine).await;
        if let Some([from, to, applied]) = each["gives"].as_array().map(Vec::as_slice) {
            let done = outcome.unwrap_or_else(|error| panic!("{claim}, run {i}: {error}"));
            assert_eq!(
                (Some(done.from as u64), Some(done.to as u64)),
                (from.as_u64(), to.as_u64()),
                "{claim}, run {i}"
            );
            assert_eq!(done.applied, strings(applied), "{claim}, run {i}");
            assert_eq!(done.unknown, strings(&each["unknown"]), "{claim}, run {i}");
        } else {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind().class(), each["fails"][0].as_str().unwrap(), "{claim}, run {i}: {error}");
            let wanted = each["fails"][1].as_str().unwrap();
            assert!(error.message().contains(wanted), "{claim}, run {i}: {error}");
        }
    }
    for query in case["then"].as_array().into_iter().flatten() {
        let sql = query[0].as_str().unwrap();
        assert_eq!(scalar(&engine, sql).await, value(&query[1]), "{claim}: {sql}");
    }
}

#[test]
fn b5_16_migrations_do_what_the_table_of_cases_says() {
    run(async {
        let vectors: Json = serde_json::from_str(VECTORS).unwrap();
        let cases = vectors["cases"].as_array().unwrap();
        assert!(cases.len() >= 15, "{} cases", cases.len());
        for case in cases {
            check(case).await;
        }
    });
}

#[test]
fn b5_16_checksums_are_those_of_javascript() {
    run(async {
        let vectors: Json = serde_json::from_str(VECTORS).unwrap();
        for each in vectors["checksums"].as_array().unwrap() {
            // The checksum stands in the error of a step that was run with another one.
            let (engine, sql) = (Engine::new("sqlite://").unwrap(), each[0].as_str().unwrap());
            let none = Step::call("one", async |_| Ok(())).checksum("other");
            Migrations::new([none]).unwrap().run(&engine).await.unwrap();
            let error = Migrations::new([Step::sql("one", sql)]).unwrap().run(&engine).await.unwrap_err();
            let wanted = format!("was other and is {}.", each[1].as_str().unwrap());
            assert!(error.message().contains(&wanted), "{sql:?}: {error}");
        }
    });
}

async fn insert(conn: &Connection, a: i64) -> aludel::Result<()> {
    conn.exec_driver_sql("INSERT INTO t VALUES (?)", vec![Value::Integer(a)]).await.map(drop)
}

/// A table, and behind it a step that is a function.
fn with(work: impl AsyncFn(&Connection) -> aludel::Result<()> + 'static) -> Migrations {
    Migrations::new([Step::sql("table", "CREATE TABLE t (a)"), Step::call("work", work)]).unwrap()
}

#[test]
fn b5_16_a_function_leaves_nothing_when_it_fails_and_its_error_is_the_cause() {
    run(async {
        let engine = Engine::new("sqlite://").unwrap();
        let failing = with(async |conn| {
            insert(conn, 1).await?;
            conn.exec_driver_sql("SELECT * FROM nowhere", ()).await.map(drop)
        });
        let error = failing.run(&engine).await.unwrap_err();
        assert_eq!((error.kind(), error.code(), error.retryable()), (ErrorKind::Migration, Some("mgrt"), false));
        assert!(error.message().starts_with("step \"work\" failed: no such table: nowhere"), "{error}");
        assert_eq!(error.cause().unwrap().kind(), ErrorKind::Operational);
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(0));
        let status = failing.status(&engine).await.unwrap();
        assert_eq!((status.applied.len(), status.pending), (1, vec!["work".to_owned()]));
        let done = with(async |conn| insert(conn, 2).await).run(&engine).await.unwrap();
        assert_eq!((done.from, done.to), (1, 2));
        let status = failing.status(&engine).await.unwrap();
        assert_eq!(status.applied[1].checksum, None);
        assert!(status.applied[1].applied_at.ends_with('Z') && status.applied[1].duration >= 0, "{status:?}");
    });
}

#[test]
fn b5_16_a_function_does_not_end_its_transaction() {
    run(async {
        let engine = Engine::new("sqlite://").unwrap();
        migrate(&engine, &[]).await.unwrap();
        let ways: [(&str, Migrations); 4] = [
            (
                "commit",
                with(async |conn| {
                    insert(conn, 1).await?;
                    conn.commit().await
                }),
            ),
            (
                "rollback",
                with(async |conn| {
                    insert(conn, 1).await?;
                    conn.rollback().await
                }),
            ),
            (
                "transaction",
                with(async |conn| {
                    insert(conn, 1).await?;
                    conn.get_transaction().unwrap().commit().await
                }),
            ),
            (
                "hidden",
                with(async |conn| {
                    insert(conn, 1).await?;
                    let _ = conn.commit().await;
                    insert(conn, 2).await
                }),
            ),
        ];
        for (way, migrations) in ways {
            let error = migrations.run(&engine).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Migration, "{way}: {error}");
            assert!(error.message().contains("ends its transaction"), "{way}: {error}");
            assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(0), "{way}");
        }
        // By SQL of its own it can, and that is told.
        let sql = with(async |conn| {
            insert(conn, 3).await?;
            conn.exec_driver_sql("COMMIT", ()).await.map(drop)
        });
        let error = sql.run(&engine).await.unwrap_err();
        assert!(error.message().contains("has ended its transaction"), "{error}");
        let nested = with(async |conn| {
            let failed = conn.savepoint(async |conn| {
                insert(conn, 4).await?;
                conn.exec_driver_sql("nonsense", ()).await
            });
            failed.await.unwrap_err();
            conn.savepoint(async |conn| insert(conn, 5).await).await
        });
        nested.run(&engine).await.unwrap();
        assert_eq!(scalar(&engine, "SELECT group_concat(a) FROM t").await, Value::from("3,5"));
    });
}

#[test]
fn b5_16_several_at_once_run_each_step_once() {
    run(async {
        let engine = Engine::new("sqlite://").unwrap();
        let runs = Rc::new(Cell::new(0));
        let counted = runs.clone();
        let migrations = with(async move |conn| {
            counted.set(counted.get() + 1);
            insert(conn, 1).await
        });
        let all = futures::future::join_all((0..4).map(|_| migrations.run(&engine))).await;
        let mut applied: Vec<String> = all.into_iter().flat_map(|done| done.unwrap().applied).collect();
        applied.sort();
        assert_eq!((runs.get(), applied), (1, vec!["table".to_owned(), "work".to_owned()]));
    });
}

#[test]
fn b5_16_a_run_that_is_dropped_leaves_nothing_and_foreign_keys_enforced() {
    run(async {
        let engine = Engine::builder("sqlite://").pool_size(1).build().unwrap();
        let (tell, reached) = futures::channel::oneshot::channel();
        let tell = Cell::new(Some(tell));
        let migrations = with(async move |conn| {
            insert(conn, 1).await?;
            tell.take().unwrap().send(()).unwrap();
            futures::future::pending().await
        });
        match futures::future::select(Box::pin(migrations.run(&engine)), reached).await {
            futures::future::Either::Left((ended, _)) => panic!("{ended:?}"),
            futures::future::Either::Right((reached, running)) => {
                reached.unwrap();
                drop(running);
            }
        }
        assert_eq!(scalar(&engine, "PRAGMA foreign_keys").await, Value::Integer(1));
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(0));
        assert_eq!(with(async |conn| insert(conn, 2).await).run(&engine).await.unwrap().applied, ["work"]);
    });
}

#[test]
fn b5_16_steps_have_names_of_their_own() {
    for steps in [vec![Step::sql("", "SELECT 1")], vec![Step::sql("a", "SELECT 1"), Step::call("a", async |_| Ok(()))]]
    {
        assert_eq!(Migrations::new(steps).unwrap_err().kind(), ErrorKind::Argument);
    }
}

#[test]
fn b5_16_a_thousand_scripts() {
    run(async {
        let engine = Engine::new("sqlite://").unwrap();
        let texts: Vec<String> = (1..1_000).map(|i| format!("INSERT INTO t VALUES ({i})")).collect();
        let scripts: Vec<&str> =
            std::iter::once("CREATE TABLE t (a)").chain(texts.iter().map(String::as_str)).collect();
        assert_eq!(migrate(&engine, &scripts).await.unwrap(), (0, 1_000));
        assert_eq!(migrate(&engine, &scripts).await.unwrap(), (1_000, 1_000));
        assert_eq!(scalar(&engine, "SELECT sum(a) FROM t").await, Value::Integer(499_500));
    });
}

#[test]
fn a_step_that_closes_its_connection_leaves_foreign_keys_enforced() {
    run(async {
        let engine = Engine::builder("sqlite://").pool_size(1).build().unwrap();
        let closes = Step::call("closes", async |conn| conn.close().await);
        let error = Migrations::new([closes]).unwrap().run(&engine).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Migration, "{error}");
        assert_eq!(scalar(&engine, "PRAGMA foreign_keys").await, Value::Integer(1));
    });
}
