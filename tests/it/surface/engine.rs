//! Engines: A3.01 to A3.15, A4.02 to A4.13, and the same of the ancestors. Those of the pool are in tests/it/pool*.rs.

use super::{COUNT, INSERT, count, fails, fill, insert, one, people};
use crate::support::{Scratch, memory, run, scalar};
use aludel::{
    BeginMode, CallOptions, Database, Echo, EchoLevel, Engine, EngineOptions, ErrorKind, ExecutionOptions,
    IsolationLevel, OptionValue, PoolClass, Result, Url, Value, params, text,
};
use std::time::Duration;

#[test]
fn a3_01_a0_02_a1_02_an_engine_is_made_at_once_and_does_nothing_until_it_is_used() {
    run(async {
        let engine = memory();
        assert_eq!((engine.frames_sent(), engine.pool().checkedin), (0, 0));
        assert_eq!(engine.sqlite_version(), None, "no worker");
        engine.execute(&one(), ()).await.unwrap();
        assert!(engine.frames_sent() > 0 && engine.sqlite_version().is_some());
        for (url, kind, message) in [
            ("app.db", ErrorKind::Argument, "Could not parse SQLAlchemy URL from given URL string"),
            ("postgresql://localhost/x", ErrorKind::NoSuchModule, "Can't load plugin: sqlalchemy.dialects:postgresql"),
            ("sqlite+pysqlite://", ErrorKind::NoSuchModule, "Can't load plugin: sqlalchemy.dialects:sqlite.pysqlite"),
        ] {
            fails(Engine::new(url).map(drop), kind, message);
        }
        let error = EngineOptions::default().set("pool_sise", OptionValue::Number(1.0));
        fails(
            error,
            ErrorKind::Argument,
            "Invalid argument 'pool_sise' sent to createEngine(); known are: cacheSize, ",
        );
    });
}

#[test]
fn a3_02_urls_name_databases() {
    let file = |path: &str, create| Database::File { path: path.into(), create };
    for (url, database) in [
        ("sqlite://", Database::Memory),
        ("sqlite:///:memory:", Database::Memory),
        ("sqlite+aludel:///dir/app.db", file("dir/app.db", true)),
        ("sqlite:///app.db?mode=rw", file("app.db", false)),
    ] {
        let parsed = Url::parse(url).unwrap();
        assert_eq!((parsed.database(), parsed.to_string().as_str()), (&database, url));
    }
    for (url, message) in [
        ("sqlite://me:secret@host/app.db", "Invalid SQLite URL: sqlite://me:***@host/app.db"),
        ("sqlite:///app.db?cache=shared", "Unknown query argument \"cache\" in URL; known: mode"),
    ] {
        fails(Url::parse(url), ErrorKind::Argument, message);
    }
}

#[test]
fn a3_03_a5_17_the_log_is_sqlalchemys_and_can_hide_parameters() {
    run(async {
        for hide in [false, true] {
            let lines = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
            let sink = lines.clone();
            let echo = Echo::to(EchoLevel::Debug, move |record| {
                assert_eq!(&*record.logger, "sqlalchemy.engine.Engine.mine");
                sink.borrow_mut().push(record.message.clone());
            });
            let builder = Engine::builder("sqlite://").echo(echo).logging_name("mine");
            let engine = builder.hide_parameters(hide).build().unwrap();
            let select = text("SELECT :x AS x");
            for _ in 0..2 {
                engine.begin(async |conn| conn.execute(&select, params! { "x" => "word" }).await).await.unwrap();
            }
            let lines = lines.borrow();
            assert_eq!([&lines[0], &lines[1], &lines[5]], ["BEGIN (implicit)", "SELECT :x AS x", "COMMIT"]);
            assert_eq!([&lines[3], &lines[4]], ["Col ('x',)", "Row ('word',)"]);
            for (line, begin) in [(&lines[2], "[generated in "), (&lines[8], "[cached since ")] {
                let end = if hide { "[SQL parameters hidden due to hide_parameters=True]" } else { "('word',)" };
                assert!(line.starts_with(begin) && line.ends_with(end), "{line}");
            }
        }
    });
}

#[test]
fn a3_09_a0_03_a1_10_a4_04_a_connection_comes_from_the_pool_and_goes_back() {
    run(async {
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        assert_eq!((engine.pool().checkedout, conn.in_transaction()), (1, false), "nothing was begun");
        conn.close().await.unwrap();
        assert_eq!((engine.pool().checkedout, engine.pool().checkedin), (0, 1));
        // A connect that fails leaves nothing behind.
        let scratch = Scratch::new();
        let missing = Engine::new(&format!("{}?mode=rw", scratch.url("none.db"))).unwrap();
        for _ in 0..6 {
            fails(missing.connect().await, ErrorKind::Storage, "unable to open database file");
        }
        assert_eq!(missing.pool().checkedout, 0);
    });
}

#[test]
fn a0_04_a_connection_that_is_dropped_rolls_back_and_goes_back() {
    run(async {
        let engine = people().await;
        {
            let conn = engine.connect().await.unwrap();
            insert(&conn).await.unwrap();
        }
        assert_eq!(engine.pool().checkedout, 0);
        assert_eq!(scalar(&engine, COUNT).await, Value::Integer(3));
    });
}

#[test]
fn a3_10_a4_05_a_statement_without_a_connection_is_committed_and_its_rows_are_here() {
    run(async {
        let engine = people().await;
        let all = engine.execute(&text("SELECT * FROM users"), ()).await.unwrap();
        assert_eq!(engine.pool().checkedout, 0, "its rows keep no connection");
        engine.execute(&text(INSERT), ()).await.unwrap();
        assert_eq!((all.all().unwrap().len(), scalar(&engine, COUNT).await), (3, Value::Integer(4)));
        fails(engine.execute(&text("INSERT INTO users (id) VALUES (1)"), ()).await, ErrorKind::Integrity, "UNIQUE");
        assert_eq!(engine.pool().checkedout, 0);
    });
}

#[test]
fn a3_11_a4_02_begin_commits_or_rolls_back_and_gives_the_connection_back() {
    run(async {
        let engine = people().await;
        assert_eq!(engine.begin(async |conn| insert(conn).await.map(|()| "done")).await.unwrap(), "done");
        let failed: Result<()> = engine
            .begin(async |conn| {
                insert(conn).await?;
                conn.execute(&text("SELECT nonsense"), ()).await.map(drop)
            })
            .await;
        fails(failed, ErrorKind::Operational, "no such column: nonsense");
        assert_eq!((scalar(&engine, COUNT).await, engine.pool().checkedout), (Value::Integer(4), 0));
        // A transaction that only reads lets others write.
        let none = CallOptions::new();
        let reads = engine.begin_with(BeginMode::Deferred, &none, async |conn| {
            let before = count(conn).await;
            engine.execute(&text(INSERT), ()).await?;
            Ok((before, count(conn).await))
        });
        assert_eq!(reads.await.unwrap(), (4, 4), "one snapshot");
    });
}

#[test]
fn a4_03_a_transaction_owns_its_connection_and_not_the_engine() {
    run(async {
        let engine = people().await;
        // The example of sqlalchemy_aio's docs, which meant the other: this runs on a connection of its own.
        let lock = CallOptions::new().timeout(Duration::from_millis(50));
        engine
            .begin(async |conn| {
                insert(conn).await?;
                assert_eq!(scalar(&engine, COUNT).await, Value::Integer(3), "it does not see what was not committed");
                fails(engine.execute_with(&text(INSERT), (), &lock).await, ErrorKind::Timeout, "timed out");
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(scalar(&engine, COUNT).await, Value::Integer(4));
    });
}

#[test]
fn a3_14_a3_15_an_engine_tells_its_url_names_and_pool() {
    run(async {
        let engine = Engine::builder("sqlite://").pool_size(3).max_overflow(2).build().unwrap();
        let other = Engine::builder("sqlite://").pool_class(PoolClass::Null).build().unwrap();
        assert_eq!(
            (engine.name(), engine.driver(), engine.url().to_string().as_str()),
            ("sqlite", "aludel", "sqlite://")
        );
        assert_eq!(format!("{engine:?}"), "Engine(sqlite://)");
        let held = [engine.connect().await.unwrap(), engine.connect().await.unwrap()];
        drop(engine.connect().await.unwrap());
        let pool = engine.pool();
        assert_eq!((pool.size, pool.checkedin, pool.checkedout, pool.overflow), (3, 1, 2, 0));
        assert_eq!(
            pool.to_string(),
            "Pool size: 3  Connections in pool: 1 Current Overflow: 0 Current Checked out connections: 2"
        );
        assert_eq!(other.pool().to_string(), "NullPool");
        drop(held);
    });
}

#[test]
fn a3_15_engines_with_options_share_a_pool() {
    run(async {
        let engine = people().await;
        let autocommit = ExecutionOptions { isolation_level: Some(IsolationLevel::Autocommit), ..Default::default() };
        let at_once = engine.execution_options(&autocommit).unwrap();
        let conn = at_once.connect().await.unwrap();
        assert_eq!((engine.pool().checkedout, conn.get_isolation_level()), (1, IsolationLevel::Autocommit));
        insert(&conn).await.unwrap();
        assert_eq!(scalar(&engine, COUNT).await, Value::Integer(4), "committed at once");
        drop(conn);
        assert_eq!(engine.connect().await.unwrap().get_isolation_level(), IsolationLevel::Serializable);
        let few = ExecutionOptions { yield_per: Some(2), ..Default::default() };
        engine.clone().update_execution_options(&few).unwrap();
        assert_eq!(engine.get_execution_options(), few, "a clone is the same engine");
        assert_eq!(at_once.get_execution_options(), autocommit, "and the other is another");
        let result = engine.execute(&text("SELECT * FROM users"), ()).await.unwrap();
        assert_eq!(result.fetchmany(None).unwrap().len(), 2);
        assert_eq!(engine.connect().await.unwrap().get_execution_options().yield_per, Some(2));
    });
}

#[test]
fn a4_07_a4_12_a_database_tells_its_tables() {
    run(async {
        let engine = people().await;
        engine.execute(&text("CREATE VIEW grown AS SELECT * FROM users WHERE age > 25"), ()).await.unwrap();
        engine.execute(&text("CREATE TABLE a (x)"), ()).await.unwrap();
        for (name, there) in [("users", true), ("USERS", true), ("grown", true), ("nobody", false)] {
            assert_eq!(engine.has_table(name).await.unwrap(), there, "{name}");
        }
        assert_eq!(engine.table_names().await.unwrap(), ["a", "users"]);
        let conn = engine.connect().await.unwrap();
        conn.execute(&text("CREATE TABLE b (x)"), ()).await.unwrap();
        let inside = aludel::inspect(&conn).await.unwrap();
        assert!(inside.has_table("b", None), "in the transaction of a connection");
        assert!(!engine.has_table("b").await.unwrap());
    });
}

#[test]
fn a0_01_a2_01_what_a_handle_does_is_a_frame_to_the_worker() {
    run(async {
        let engine = people().await;
        let before = engine.frames_sent();
        let conn = engine.connect().await.unwrap();
        let transaction = conn.begin().await.unwrap();
        assert_eq!(engine.frames_sent(), before, "connections of the pool and transactions begin where they are used");
        let result = conn.execute(&text("SELECT * FROM users"), ()).await.unwrap();
        assert_eq!(engine.frames_sent(), before + 1);
        assert_eq!(result.all().unwrap().len(), 3);
        assert_eq!(engine.frames_sent(), before + 1, "results ask nobody");
        transaction.commit().await.unwrap();
        assert_eq!(engine.frames_sent(), before + 2);
    });
}

#[test]
fn a1_03_a2_02_connections_to_memory_share_one_database_in_one_worker() {
    run(async {
        let engine = people().await;
        let [a, b] = [engine.connect().await.unwrap(), engine.connect().await.unwrap()];
        insert(&a).await.unwrap();
        assert_eq!((count(&a).await, count(&b).await), (4, 3), "isolated");
        b.rollback().await.unwrap();
        a.commit().await.unwrap();
        assert_eq!(count(&b).await, 4, "and shared");
        assert!(!memory().has_table("users").await.unwrap(), "by one engine");
    });
}

#[test]
fn a0_16_the_same_runs_on_memory_and_on_files() {
    run(async {
        let scratch = Scratch::new();
        for url in
            ["sqlite://".to_owned(), "sqlite:///:memory:".to_owned(), scratch.url("a.db"), scratch.url("dir ü.db")]
        {
            let engine = Engine::new(&url).unwrap();
            fill(&engine).await;
            let failed: Result<()> = engine
                .begin(async |conn| {
                    insert(conn).await?;
                    Err(aludel::Error::new(ErrorKind::InvalidRequest, "no"))
                })
                .await;
            assert!(failed.is_err());
            engine.begin(async |conn| insert(conn).await).await.unwrap();
            assert_eq!(scalar(&engine, COUNT).await, Value::Integer(4), "{url}");
            engine.dispose().await.unwrap();
        }
    });
}
