//! Database files from Rust in a browser: exported, listed, dropped; and what the browser says of its storage.

use crate::transport::WORKER;
use aludel::{
    Engine, ErrorKind, Storage, StorageReason, TransferOptions, TransferPhase, database_exists, drop_database,
    drop_database_if_exists, list_databases, text,
};
use futures::{StreamExt, stream};
use js_sys::{Function, Promise};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

async fn filled(url: &str) -> Engine {
    let engine = Engine::builder(url).worker_url(WORKER).build().unwrap();
    engine.execute(&text("CREATE TABLE t (x)"), ()).await.unwrap();
    let fill = "INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000) \
                SELECT printf('%0500d', x) FROM c";
    engine.execute(&text(fill), ()).await.unwrap();
    engine
}

/// Removes what an earlier visit of this profile left.
async fn fresh(url: &str) -> &str {
    drop_database_if_exists(url).await.unwrap();
    url
}

#[wasm_bindgen_test]
async fn a_database_leaves_as_a_stream() {
    let engine = filled("sqlite://").await;
    let total = Rc::new(Cell::new(0));
    let learn = total.clone();
    let options = TransferOptions::new().on_progress(move |progress| learn.set(progress.total.unwrap_or(0)));
    let mut export = engine.export(options);
    let mut bytes = Vec::new();
    while let Some(chunk) = export.next().await {
        bytes.extend(chunk.unwrap());
    }
    assert_eq!(bytes.len() as u64, total.get());
    assert_eq!((&bytes[..15], &bytes[18..20]), (&b"SQLite format 3"[..], &[1, 1][..]));
    assert_eq!(engine.export_bytes(()).await.unwrap(), bytes);
    assert_eq!(engine.pool().checkedout, 0);
    engine.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_database_comes_in_as_a_stream() {
    let from = filled("sqlite://").await;
    let bytes = from.export_bytes(()).await.unwrap();
    let url = fresh("sqlite:///web/files/imported.db").await;
    let engine = Engine::builder(url).worker_url(WORKER).build().unwrap();
    engine.execute(&text("CREATE TABLE old (x)"), ()).await.unwrap();
    let error = engine.import_bytes(&bytes[..bytes.len() / 2], ()).await.unwrap_err();
    assert_eq!(error.reason(), Some(StorageReason::Corrupt), "{error}");
    assert_eq!(engine.table_names().await.unwrap(), ["old"]);
    let phases: Rc<RefCell<Vec<TransferPhase>>> = Rc::default();
    let learn = phases.clone();
    let options = TransferOptions::new().on_progress(move |progress| learn.borrow_mut().push(progress.phase));
    engine.import(stream::iter(bytes.chunks(300_000)).map(Ok), options).await.unwrap();
    phases.borrow_mut().dedup();
    assert_eq!(*phases.borrow(), [TransferPhase::Receive, TransferPhase::Check, TransferPhase::Copy]);
    assert_eq!(engine.scalar(&text("SELECT count(*) FROM t"), ()).await.unwrap(), Some(2000));
    assert_eq!(engine.table_names().await.unwrap(), ["t"]);
    for engine in [from, engine] {
        engine.dispose().await.unwrap();
    }
    drop_database(url).await.unwrap();
}

#[wasm_bindgen_test]
async fn databases_are_listed_and_dropped() {
    let url = fresh("sqlite:///web/files/listed.db").await;
    let engine = filled(url).await;
    let listed = list_databases("web/files").await.unwrap();
    let file = listed.iter().find(|file| file.path == "web/files/listed.db").unwrap();
    assert_eq!((file.url.as_str(), file.size % 4096), (url, 0));
    assert!(listed.iter().all(|file| !file.path.ends_with("-wal")), "{listed:?}");
    assert!(database_exists(url).await.unwrap());
    let error = drop_database(url).await.unwrap_err();
    assert_eq!((error.reason(), error.retryable()), (Some(StorageReason::InUse), true));
    engine.dispose().await.unwrap();
    drop_database(url).await.unwrap();
    assert!(!database_exists(url).await.unwrap());
    assert_eq!(drop_database(url).await.unwrap_err().reason(), Some(StorageReason::CannotOpen));
    assert!(!list_databases("").await.unwrap().iter().any(|file| file.url == url));
    assert_eq!(list_databases("web/no/such").await.unwrap_err().reason(), Some(StorageReason::CannotOpen));
    assert_eq!(drop_database("sqlite:////absolute.db").await.unwrap_err().kind(), ErrorKind::Argument);
}

/// A file of the browser, in a directory that is there.
async fn place(directory: &str, name: &str, text: &str) {
    let write = format!(
        "return (async () => {{ let at = await navigator.storage.getDirectory(); \
         for (const part of {directory:?}.split('/')) at = await at.getDirectoryHandle(part); \
         const file = await (await at.getFileHandle({name:?}, {{ create: true }})).createWritable(); \
         await file.write({text:?}.padEnd(4096, 'x')); await file.close(); }})()"
    );
    let promise = Function::new_no_args(&write).call0(&JsValue::NULL).unwrap();
    JsFuture::from(Promise::from(promise)).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_database_that_is_called_like_a_file_of_an_import_is_one() {
    let [url, other] = ["sqlite:///web/files/notes", "sqlite:///web/files/notes-import"];
    for url in [url, other] {
        fresh(url).await;
        filled(url).await.dispose().await.unwrap();
    }
    let engine = Engine::builder(other).worker_url(WORKER).build().unwrap();
    let count = text("SELECT count(*) FROM t");
    assert_eq!(engine.scalar(&count, ()).await.unwrap(), Some(2000));
    // What an import left behind whose tab died: no log is beside it.
    place("web/files", "notes-import-import", "SQLite format 3\0").await;
    let notes = async || {
        let mut paths: Vec<_> = list_databases("web/files").await.unwrap().into_iter().map(|file| file.path).collect();
        paths.retain(|path| path.starts_with("web/files/notes"));
        paths
    };
    assert_eq!(notes().await, ["web/files/notes", "web/files/notes-import"]);
    drop_database(url).await.unwrap();
    assert_eq!(engine.scalar(&count, ()).await.unwrap(), Some(2000), "while it is open");
    engine.dispose().await.unwrap();
    assert_eq!(notes().await, ["web/files/notes-import"], "what the import left is gone");
    fresh(url).await;
    filled(url).await.dispose().await.unwrap();
    drop_database(url).await.unwrap();
    assert_eq!(notes().await, ["web/files/notes-import"], "while it is closed");
    drop_database(other).await.unwrap();
    assert_eq!(notes().await, [""; 0]);
}

#[wasm_bindgen_test]
async fn a_database_that_is_called_like_what_lies_beside_another_is_not_dropped_with_it() {
    let url = "sqlite:///web/files/beside.db";
    for beside in ["-wal", "-journal", "-mark"] {
        let own = format!("{url}{beside}");
        fresh(&own).await;
        let other = filled(&own).await;
        let count = text("SELECT count(*) FROM t");
        let left = ["-wal", "-journal", "-mark"].into_iter().filter(|left| *left != beside);
        let left: Vec<_> = left.map(|left| format!("beside.db{left}")).collect();
        for is_open in [true, false] {
            // Of a drop that was cut off.
            for name in &left {
                place("web/files", name, "left over from before").await;
            }
            assert!(!drop_database_if_exists(url).await.unwrap(), "{beside}");
            for name in &left {
                assert!(!database_exists(&format!("sqlite:///web/files/{name}")).await.unwrap(), "{name}");
            }
            assert_eq!(other.scalar(&count, ()).await.unwrap(), Some(2000), "{beside}");
            if is_open {
                other.dispose().await.unwrap();
            }
        }
        assert_eq!(drop_database(url).await.unwrap_err().reason(), Some(StorageReason::CannotOpen));
        other.dispose().await.unwrap();
        drop_database(&own).await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn the_browser_says_what_it_knows_of_its_storage() {
    let url = fresh("sqlite:///web/files/where.db").await;
    let engine = filled(url).await;
    let storage = engine.storage();
    assert_eq!(
        (storage.kind, storage.durable, storage.path.as_deref()),
        (Storage::Opfs, true, Some("web/files/where.db"))
    );
    assert!(storage.estimate().await.unwrap().quota.unwrap() > 0);
    // A headless browser may say either.
    storage.persisted().await.unwrap();
    engine.dispose().await.unwrap();
    drop_database(url).await.unwrap();
}
