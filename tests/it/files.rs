//! Databases as files: exported, imported, listed, dropped.

use crate::support::{Scratch, memory, run, scalar, setup, turns_of};
use aludel::{
    CallOptions, CancelToken, Engine, ErrorKind, IsolationLevel, Storage, StorageReason, TransferOptions,
    TransferPhase, TransferProgress, Value, database_exists, drop_database, drop_database_if_exists, list_databases,
    many, params, text,
};
use aludel_worker::sqlite;
use futures::StreamExt;
use serde_json::{Map, json};
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

pub const PYTHON_DB: &[u8] = include_bytes!("../vectors/python.db");
const PYTHON_JSON: &str = include_str!("../vectors/python.json");

pub fn open(url: &str) -> Engine {
    Engine::new(url).unwrap()
}

/// All tables with all rows, as tests/vectors/python.py prints them.
pub async fn contents(engine: &Engine) -> serde_json::Value {
    let mut rows = Map::new();
    for name in engine.table_names().await.unwrap() {
        let table = engine.execute(&text(&format!("SELECT * FROM \"{name}\"")), ()).await.unwrap();
        let table: Vec<serde_json::Value> =
            table.all().unwrap().iter().map(|row| row.values().iter().map(cell).collect()).collect();
        rows.insert(name, table.into());
    }
    rows.into()
}

fn cell(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer(number) => json!(number),
        Value::Real(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Blob(bytes) => json!({ "blob": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() }),
    }
}

/// What Python reads in its own file.
pub fn python_rows() -> serde_json::Value {
    let python: serde_json::Value = serde_json::from_str(PYTHON_JSON).unwrap();
    python["rows"].clone()
}

/// What Python reads in a file; none where there is no Python.
fn python(path: &Path) -> Option<serde_json::Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/python.py");
    let output = match Command::new("python3").arg(script).arg("--check").arg(path).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        output => output.unwrap(),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// A file as any other SQLite sees it: through the VFS of the system, without aludel's.
fn other_sqlite(path: &Path, sql: &str) -> String {
    let connection = sqlite::Connection::open(path.to_str().unwrap(), c"unix", false).unwrap();
    connection.query(sql).unwrap().unwrap_or_default()
}

#[test]
fn a_file_of_python_has_the_same_rows_here() {
    run(async {
        let scratch = Scratch::new();
        std::fs::write(scratch.path("python.db"), PYTHON_DB).unwrap();
        let engine = open(&scratch.url("python.db"));
        assert_eq!(contents(&engine).await, python_rows());
        engine.dispose().await.unwrap();
    });
}

#[test]
fn an_export_is_a_plain_database_to_anyone() {
    run(async {
        let scratch = Scratch::new();
        std::fs::write(scratch.path("python.db"), PYTHON_DB).unwrap();
        let engine = open(&scratch.url("python.db"));
        // In the log, not in the file itself.
        engine.execute(&text("INSERT INTO person (id, name) VALUES (2024, 'new')"), ()).await.unwrap();
        let bytes = engine.export_bytes(()).await.unwrap();
        assert_eq!(&bytes[..16], b"SQLite format 3\0");
        assert_eq!(bytes[18..20], [1, 1], "no log is needed");
        assert_eq!(bytes.len() % 1024, 0);

        // Alone in a directory of its own.
        let elsewhere = Scratch::new();
        let copy = elsewhere.path("copy.db");
        std::fs::write(&copy, &bytes).unwrap();
        assert_eq!(other_sqlite(&copy, "PRAGMA integrity_check"), "ok");
        assert_eq!(other_sqlite(&copy, "PRAGMA journal_mode"), "delete");
        assert_eq!(other_sqlite(&copy, "SELECT count(*) FROM person"), "5");
        if let Some(python) = python(&copy) {
            assert_eq!(python["integrity"], "ok");
            assert_eq!(python["mode"], "delete");
            assert_eq!(python["rows"], contents(&engine).await);
        }
        let names: Vec<_> =
            std::fs::read_dir(elsewhere.path("")).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(names, ["copy.db"], "nothing had to be made beside it");

        let again = open(&elsewhere.url("copy.db"));
        assert_eq!(contents(&again).await, contents(&engine).await);
    });
}

#[test]
fn an_empty_database_can_be_exported() {
    run(async {
        let engine = memory();
        let bytes = engine.export_bytes(()).await.unwrap();
        assert_eq!(bytes.len(), 4096);
        let scratch = Scratch::new();
        std::fs::write(scratch.path("empty.db"), &bytes).unwrap();
        assert_eq!(other_sqlite(&scratch.path("empty.db"), "PRAGMA integrity_check"), "ok");
    });
}

/// Rows whose sum is always 0.
async fn balanced(engine: &Engine, rows: i64) {
    setup(engine, "CREATE TABLE account (id INTEGER PRIMARY KEY, amount INTEGER, note TEXT)").await;
    let sets = many((0..rows).map(|id| {
        params! { "id" => id, "amount" => if id % 2 == 0 { 1 } else { -1 }, "note" => format!("{id:0>500}") }
    }));
    engine.execute(&text("INSERT INTO account VALUES (:id, :amount, :note)"), sets).await.unwrap();
}

#[test]
fn an_export_is_one_snapshot_while_others_write() {
    run(async {
        // Each statement a transaction of its own is a default for the user's connections, not for an export.
        for level in [IsolationLevel::Serializable, IsolationLevel::Autocommit] {
            let scratch = Scratch::new();
            let engine = Engine::builder(&scratch.url("live.db")).isolation_level(level).build().unwrap();
            balanced(&engine, 3000).await;
            let mut export = engine.export(());
            let mut bytes = export.next().await.unwrap().unwrap();
            let mut commits = 0;
            loop {
                for sql in [
                    "UPDATE account SET amount = amount + 7 WHERE id % 3 = 0",
                    "DELETE FROM account WHERE id % 7 = 1",
                    "INSERT INTO account (amount, note) SELECT 1000, note FROM account LIMIT 500",
                ] {
                    engine.execute(&text(sql), ()).await.unwrap();
                    commits += 1;
                }
                match export.next().await {
                    Some(chunk) => bytes.extend(chunk.unwrap()),
                    None => break,
                }
            }
            assert!(commits > 9, "{commits} commits");
            assert_eq!(engine.pool().checkedout, 0, "its connection went back");
            let copy = scratch.path("copy.db");
            std::fs::write(&copy, &bytes).unwrap();
            assert_eq!(other_sqlite(&copy, "PRAGMA integrity_check"), "ok");
            assert_eq!(other_sqlite(&copy, "SELECT count(*) FROM account"), "3000");
            assert_eq!(other_sqlite(&copy, "SELECT sum(amount) FROM account"), "0");
            assert_ne!(scalar(&engine, "SELECT sum(amount) FROM account").await, Value::Integer(0));
        }
    });
}

#[test]
fn an_export_tells_how_far_it_is() {
    run(async {
        let engine = memory();
        balanced(&engine, 2000).await;
        let told: Rc<RefCell<Vec<TransferProgress>>> = Rc::default();
        let learn = told.clone();
        let options = TransferOptions::new().on_progress(move |progress| learn.borrow_mut().push(progress));
        let chunks: Vec<usize> = engine.export(options).map(|chunk| chunk.unwrap().len()).collect().await;
        let total: usize = chunks.iter().sum();
        let told = told.borrow();
        assert!(chunks.len() > 3, "{chunks:?}");
        assert_eq!(chunks.len(), told.len());
        assert!(told.iter().all(|p| p.phase == TransferPhase::Send && p.total == Some(total as u64)), "{told:?}");
        assert!(told.windows(2).all(|pair| pair[0].done < pair[1].done));
        assert_eq!(told.last().unwrap().done, total as u64);
    });
}

#[test]
fn an_export_counts_the_pages_of_its_own_snapshot() {
    run(async {
        let engine = Engine::builder("sqlite://").isolation_level(IsolationLevel::Autocommit).build().unwrap();
        balanced(&engine, 100).await;
        let ended = Cell::new(false);
        let grow = async {
            while !ended.get() {
                let sql = "INSERT INTO account (amount, note) SELECT 0, note FROM account LIMIT 1";
                engine.execute(&text(sql), ()).await.unwrap();
                // The worker is in this thread: what it has done already is not waited for.
                turns_of(1).await;
            }
        };
        let export = async {
            for _ in 0..30 {
                let told: Rc<Cell<(u64, Option<u64>)>> = Rc::default();
                let learn = told.clone();
                let options = TransferOptions::new().on_progress(move |p| learn.set((p.done, p.total)));
                let bytes = engine.export_bytes(options).await.unwrap().len() as u64;
                assert_eq!(told.get(), (bytes, Some(bytes)));
            }
            ended.set(true);
        };
        futures::join!(grow, export);
    });
}

#[test]
fn an_export_that_ends_early_gives_its_connection_back() {
    run(async {
        let engine = memory();
        balanced(&engine, 2000).await;
        let mut dropped = engine.export(());
        dropped.next().await.unwrap().unwrap();
        assert_eq!(engine.pool().checkedout, 1);
        drop(dropped);
        assert_eq!(engine.pool().checkedout, 0, "dropped");

        let token = CancelToken::new();
        let mut cancelled = engine.export(CallOptions::new().cancel(&token));
        cancelled.next().await.unwrap().unwrap();
        token.cancel();
        assert_eq!(cancelled.next().await.unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(cancelled.next().await.is_none());
        assert_eq!(engine.pool().checkedout, 0, "cancelled");

        let held = [engine.connect().await.unwrap(), engine.connect().await.unwrap()];
        let _more = [engine.connect().await.unwrap(), engine.connect().await.unwrap()];
        let late = TransferOptions::new().timeout(Duration::from_millis(20));
        assert_eq!(engine.export_bytes(late).await.unwrap_err().kind(), ErrorKind::Timeout, "no connection is free");
        drop(held);
        assert_eq!(engine.export_bytes(()).await.unwrap().len() % 4096, 0);
    });
}

#[test]
fn databases_are_listed_with_what_opens_them() {
    run(async {
        let scratch = Scratch::new();
        let directory = scratch.path("");
        let directory = directory.to_str().unwrap().trim_end_matches('/');
        assert_eq!(list_databases(directory).await.unwrap(), []);
        let names = ["b.db", "a/deep.db", "odd %3f#?.db", "b.db2-wal", "b.db-import"];
        std::fs::create_dir(scratch.path("a")).unwrap();
        let engines = names.map(|name| {
            let path = scratch.path(name).display().to_string();
            open(&format!("sqlite:///{}", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")))
        });
        for engine in &engines {
            setup(engine, "CREATE TABLE t (x)").await;
        }
        std::fs::write(scratch.path("notes.txt"), "no database at all").unwrap();
        std::fs::write(scratch.path("short"), "SQLite").unwrap();
        assert!(scratch.path("b.db-wal").exists(), "it is in use");

        let listed = list_databases(directory).await.unwrap();
        let paths: Vec<&str> =
            listed.iter().map(|file| file.path.strip_prefix(directory).unwrap().trim_start_matches('/')).collect();
        assert_eq!(paths, ["a/deep.db", "b.db", "b.db-import", "b.db2-wal", "odd %3f#?.db"]);
        for file in &listed {
            assert_eq!(file.size, std::fs::metadata(&file.path).unwrap().len());
            assert!(database_exists(&file.url).await.unwrap(), "{}", file.url);
            let error = open(&file.url).connect().await.map(drop);
            assert!(error.is_ok(), "the URL of a listed file opens it: {error:?}");
        }
        for engine in engines {
            engine.dispose().await.unwrap();
        }
        assert!(list_databases(scratch.path("nowhere").to_str().unwrap()).await.is_err());
    });
}

#[test]
fn listing_leaves_the_locks_of_open_databases_alone() {
    run(async {
        let scratch = Scratch::new();
        let engine = open(&scratch.url("mine.db"));
        setup(&engine, "CREATE TABLE t (x)").await;
        list_databases(scratch.path("").to_str().unwrap()).await.unwrap();
        // Another process must not get in, as it could when the lock was lost.
        if let Ok(output) = Command::new("python3")
            .args(["-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM t')"])
            .arg(scratch.path("mine.db"))
            .output()
        {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains("database is locked"), "{said}");
        }
        engine.dispose().await.unwrap();
    });
}

#[test]
fn a_database_is_dropped_with_all_its_files_unless_it_is_in_use() {
    run(async {
        let scratch = Scratch::new();
        std::fs::create_dir(scratch.path("sub")).unwrap();
        let url = scratch.url("sub/gone.db");
        let engine = open(&url);
        setup(&engine, "CREATE TABLE t (x); INSERT INTO t VALUES (1)").await;
        for beside in ["-mark", "-journal"] {
            std::fs::write(scratch.path(&format!("sub/gone.db{beside}")), "left over").unwrap();
        }
        // A database of this name is closed, and one is open.
        let other = open(&scratch.url("sub/gone.db-import"));
        setup(&other, "CREATE TABLE t (x)").await;
        other.dispose().await.unwrap();
        let other = open(&scratch.url("sub/gone.db-import-import"));
        setup(&other, "CREATE TABLE t (x)").await;
        std::fs::write(scratch.path("sub/gone.db-notes"), "somebody else's").unwrap();
        let error = drop_database(&url).await.unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::InUse)));
        assert!(error.retryable());
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(1), "untouched");
        let alias = scratch.path("sub/../sub/gone.db");
        assert_eq!(
            drop_database(&format!("sqlite:///{}", alias.display())).await.unwrap_err().kind(),
            ErrorKind::Argument
        );
        engine.dispose().await.unwrap();

        assert!(database_exists(&url).await.unwrap());
        drop_database(&url).await.unwrap();
        assert!(!database_exists(&url).await.unwrap());
        assert_eq!(scalar(&other, "SELECT count(*) FROM t").await, Value::Integer(0), "it is another's");
        other.dispose().await.unwrap();
        let mut left: Vec<_> =
            std::fs::read_dir(scratch.path("sub")).unwrap().map(|file| file.unwrap().file_name()).collect();
        left.sort();
        let others = ["gone.db-import", "gone.db-import-import", "gone.db-notes"];
        assert_eq!(left, others, "the directory stays, and what is not the database's");

        let error = drop_database(&url).await.unwrap_err();
        assert_eq!(error.reason(), Some(StorageReason::CannotOpen));
        assert!(!drop_database_if_exists(&url).await.unwrap());
        assert!(!drop_database_if_exists(&scratch.url("no/such/directory.db")).await.unwrap());
        let engine = open(&url);
        assert_eq!(scalar(&engine, "SELECT count(*) FROM sqlite_master").await, Value::Integer(0), "a new one");
        engine.dispose().await.unwrap();
    });
}

#[test]
fn a_database_that_is_called_like_what_lies_beside_another_is_not_dropped_with_it() {
    run(async {
        for beside in ["-wal", "-journal", "-mark"] {
            let scratch = Scratch::new();
            let (url, own) = (scratch.url("gone.db"), scratch.url(&format!("gone.db{beside}")));
            let other = open(&own);
            setup(&other, "CREATE TABLE t (x); INSERT INTO t VALUES (1)").await;
            // Of a drop that was cut off.
            let left = ["-wal", "-journal", "-mark"].into_iter().filter(|left| *left != beside);
            let left: Vec<_> = left.map(|left| scratch.path(&format!("gone.db{left}"))).collect();
            for is_open in [true, false] {
                for path in &left {
                    std::fs::write(path, "left over from before").unwrap();
                }
                assert!(!drop_database_if_exists(&url).await.unwrap(), "{beside}");
                assert_eq!(left.iter().find(|path| path.exists()), None, "{beside}");
                assert_eq!(scalar(&other, "SELECT count(*) FROM t").await, Value::Integer(1), "{beside}");
                if is_open {
                    other.dispose().await.unwrap();
                }
            }
            assert_eq!(drop_database(&url).await.unwrap_err().reason(), Some(StorageReason::CannotOpen));
            other.dispose().await.unwrap();
            drop_database(&own).await.unwrap();
            assert_eq!(std::fs::read_dir(scratch.path("")).unwrap().count(), 0, "{beside}");
        }
    });
}

#[test]
fn a_database_in_memory_is_no_file() {
    run(async {
        for url in ["sqlite://", "sqlite:///:memory:"] {
            assert_eq!(database_exists(url).await.unwrap_err().kind(), ErrorKind::Argument);
            assert_eq!(drop_database(url).await.unwrap_err().kind(), ErrorKind::Argument);
            assert_eq!(drop_database_if_exists(url).await.unwrap_err().kind(), ErrorKind::Argument);
        }
        assert_eq!(database_exists("postgres://").await.unwrap_err().kind(), ErrorKind::NoSuchModule);
    });
}

#[test]
fn an_engine_says_where_its_data_is() {
    run(async {
        let scratch = Scratch::new();
        let engine = open(&scratch.url("where.db"));
        let storage = engine.storage();
        assert_eq!((storage.kind, storage.durable, storage.settled()), (Storage::Disk, true, false), "not opened yet");
        assert_eq!(storage.path.as_deref(), scratch.path("where.db").to_str());
        storage.when_settled().await.unwrap();
        assert!(storage.settled() && engine.storage().settled());
        assert!(storage.persisted().await.unwrap() && storage.persist().await.unwrap());
        assert_eq!(storage.estimate().await.unwrap().quota, None);
        engine.dispose().await.unwrap();

        let engine = memory();
        let storage = engine.storage();
        assert_eq!((storage.kind, storage.durable, storage.path.as_deref()), (Storage::Memory, false, None));
        assert!(storage.settled(), "there is no name that could be lost");
        storage.when_settled().await.unwrap();
        assert_eq!(engine.pool().checkedin, 0, "nothing was opened for it");
        assert!(!storage.persisted().await.unwrap());
    });
}
