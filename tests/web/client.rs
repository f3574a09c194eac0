//! What the client makes of a real worker: round trips, errors, crashes and files that cannot be had.

use crate::transport::WORKER;
use aludel::{
    CallOptions, ConstraintKind, Engine, Error, ErrorKind, Storage, StorageReason, Value, many, params, text,
};
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

const ENDLESS: &str = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";

/// The value of an expression of JavaScript.
fn evaluate(expression: &str) -> Result<JsValue, JsValue> {
    Function::new_no_args(&format!("return {expression}")).call0(&JsValue::UNDEFINED)
}

/// The value that an asynchronous body of JavaScript returns.
async fn script(body: &str) -> JsValue {
    let promise: Promise = evaluate(&format!("(async () => {{ {body} }})()")).unwrap().unchecked_into();
    JsFuture::from(promise).await.unwrap()
}

/// A worker that does `before` and then runs the package's script, as one whose surroundings differ would.
fn worker_after(before: &str) -> Result<JsValue, JsValue> {
    evaluate(&format!(
        "new Worker(new URL(URL.createObjectURL(new Blob([`{before}; await import('${{location.origin}}{WORKER}')`],
            {{ type: 'text/javascript' }}))), {{ type: 'module' }})"
    ))
}

fn spawning(url: &str, make: impl Fn() -> Result<JsValue, JsValue> + 'static) -> Engine {
    Engine::builder(url).spawn(make).build().unwrap()
}

fn file(name: &str) -> Engine {
    Engine::builder(&format!("sqlite:///web/{name}.db")).worker_url(WORKER).build().unwrap()
}

async fn setup(engine: &Engine, statements: &[&str]) {
    for sql in statements {
        engine.execute(&text(sql), ()).await.unwrap();
    }
}

async fn count(engine: &Engine) -> i64 {
    engine.scalar(&text("SELECT count(*) FROM t"), ()).await.unwrap().unwrap()
}

async fn refused(engine: &Engine) -> Error {
    let error = engine.connect().await.unwrap_err();
    assert_eq!(engine.pool().checkedout, 0, "its place in the pool is free again");
    error
}

#[wasm_bindgen_test]
async fn each_call_is_one_message_to_the_worker() {
    let engine = spawning("sqlite:///web/messages.db", || {
        let worker = worker_after("")?;
        let counted = "(worker) => { const post = worker.postMessage.bind(worker); globalThis.messages = 0;
            worker.postMessage = (...all) => { globalThis.messages++; post(...all); }; return worker; }";
        evaluate(counted)?.unchecked_into::<Function>().call1(&JsValue::UNDEFINED, &worker)
    });
    let messages = || Reflect::get(&js_sys::global(), &"messages".into()).unwrap().as_f64().unwrap();
    setup(&engine, &["DROP TABLE IF EXISTS t", "CREATE TABLE t (x)"]).await;
    let (select, insert) = (text("SELECT count(*) FROM t"), text("INSERT INTO t VALUES (:x)"));
    let sets = || many((0..1000).map(|x| params! { "x" => x }));

    let before = messages();
    engine.execute(&select, ()).await.unwrap();
    assert_eq!(messages() - before, 1.0, "execute");
    engine.execute(&insert, sets()).await.unwrap();
    assert_eq!(messages() - before, 2.0, "executemany");
    let conn = engine.connect().await.unwrap();
    conn.execute(&select, ()).await.unwrap();
    assert_eq!(messages() - before, 3.0, "begin and first statement");
    conn.execute(&insert, sets()).await.unwrap();
    conn.commit().await.unwrap();
    conn.close().await.unwrap();
    assert_eq!(messages() - before, 5.0, "executemany in a transaction, and commit");
    assert_eq!(count(&engine).await, 2000);
    engine.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn errors_arrive_with_all_they_know() {
    let engine = Engine::builder("sqlite://").worker_url(WORKER).build().unwrap();
    setup(&engine, &["CREATE TABLE t (a INTEGER, b TEXT UNIQUE NOT NULL)", "INSERT INTO t VALUES (1, 'one')"]).await;
    let insert = text("INSERT INTO t VALUES (:a, :b)");
    let error = engine.execute(&insert, params! { "a" => 2, "b" => "one" }).await.unwrap_err();
    let constraint = error.constraint().unwrap();
    assert_eq!((error.kind(), constraint.kind), (ErrorKind::Integrity, ConstraintKind::Unique));
    assert_eq!((constraint.table.as_deref(), &constraint.columns[..]), (Some("t"), &["b".to_owned()][..]));
    assert_eq!((error.sqlite_code(), error.statement().is_some()), (2067, true));
    let error = engine.execute(&text("SELECT 'größe', oops FROM t"), ()).await.unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Operational, Some(18)), "in bytes: {error}");
    let error = engine.execute(&insert, params! { "a" => 2 }).await.unwrap_err();
    assert!(error.message().contains('b'), "{error}");
    let conn = engine.connect().await.unwrap();
    conn.close().await.unwrap();
    assert_eq!(conn.execute(&text("SELECT 1"), ()).await.unwrap_err().kind(), ErrorKind::ResourceClosed);
    assert_eq!(count(&engine).await, 1);
    engine.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_panic_costs_only_what_was_not_committed() {
    let faulty = || Engine::builder("sqlite:///web/panic.db").worker_url("/dist/faults/worker.js").build().unwrap();
    let (engine, sharing) = (faulty(), faulty());
    setup(&engine, &["DROP TABLE IF EXISTS t", "CREATE TABLE t (x)", "INSERT INTO t VALUES (1), (2)"]).await;
    assert_eq!(count(&sharing).await, 2);
    let (writer, reader) = (engine.connect().await.unwrap(), engine.connect().await.unwrap());
    writer.execute(&text("INSERT INTO t VALUES (3)"), ()).await.unwrap();
    let options = CallOptions::new().yield_per(10);
    let stream = reader.stream_with(&text(ENDLESS), (), &options).await.unwrap();
    stream.next().await.unwrap().unwrap();
    let error = writer.execute(&text("SELECT aludel_fault('panic')"), ()).await.unwrap_err();
    assert_eq!((error.kind(), error.retryable()), (ErrorKind::WorkerGone, true));
    assert!(error.message().contains("aludel_fault('panic') was called"), "{error}");
    let error = loop {
        if let Err(error) = stream.next().await {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::WorkerGone, "{error}");
    // A connection to a file outlives its worker; the transaction that was open does not.
    assert_eq!(writer.commit().await.unwrap_err().kind(), ErrorKind::PendingRollback);
    assert!(!writer.invalidated() && !reader.invalidated());
    writer.rollback().await.unwrap();
    drop((stream, writer, reader));
    // Both engines get the same fresh worker.
    assert_eq!((count(&engine).await, count(&sharing).await), (2, 2));
    setup(&sharing, &["INSERT INTO t VALUES (4)"]).await;
    assert_eq!(count(&engine).await, 3);
    let ok: Option<String> = engine.scalar(&text("PRAGMA integrity_check"), ()).await.unwrap();
    assert_eq!(ok.as_deref(), Some("ok"));
    engine.dispose().await.unwrap();
    sharing.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_file_that_another_tab_holds_is_in_use_until_it_is_free() {
    let engine = file("held");
    script(
        "await new Promise((held) => navigator.locks.request('aludel:web/held.db',
            () => new Promise((release) => { globalThis.letGo = release; held(); })))",
    )
    .await;
    let start = js_sys::Date::now();
    let error = refused(&engine).await;
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::InUse)), "{error}");
    assert!(error.retryable() && error.message().contains("another tab"), "{error}");
    assert!(js_sys::Date::now() - start < 30_000.0);
    evaluate("globalThis.letGo()").unwrap();
    assert_eq!(engine.scalar::<i64>(&text("SELECT 1"), ()).await.unwrap(), Some(1));
    engine.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_file_of_garbage_is_no_database() {
    script(
        "const root = await navigator.storage.getDirectory();
        const directory = await root.getDirectoryHandle('web', { create: true });
        const file = await (await directory.getFileHandle('garbage.db', { create: true })).createWritable();
        await file.write(new Uint8Array(10_000).fill(0x5a)); await file.close();",
    )
    .await;
    let engine = file("garbage");
    let error = refused(&engine).await;
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::NotADatabase)), "{error}");
    engine.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn without_opfs_it_says_so_and_memory_is_used_only_if_asked_for() {
    let without = || worker_after("Object.defineProperty(navigator.storage, 'getDirectory', { value: undefined })");
    let engine = spawning("sqlite:///web/none.db", without);
    let error = refused(&engine).await;
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::Unavailable)), "{error}");
    assert!(error.message().contains("origin private file system"), "{error}");
    engine.dispose().await.unwrap();
    let builder = Engine::builder("sqlite:///web/none.db").spawn(without).fallback_memory(true);
    let engine = builder.build().unwrap();
    setup(&engine, &["CREATE TABLE t (x)", "INSERT INTO t VALUES (1)"]).await;
    assert_eq!((engine.storage().kind, count(&engine).await), (Storage::Memory, 1));
    engine.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn workers_that_break_before_they_start_are_errors() {
    let gone = async |make: fn() -> Result<JsValue, JsValue>, why: &str| {
        let engine = spawning("sqlite://", make);
        let error = refused(&engine).await;
        assert_eq!(error.kind(), ErrorKind::WorkerGone, "{error}");
        assert!(error.message().contains(why), "{error}");
        engine.dispose().await.unwrap();
    };
    gone(|| worker_after("throw new Error('boom')"), "could not be loaded").await;
    gone(|| worker_after("this is no script"), "could not be loaded").await;
    let no_wasm = || {
        let worker = worker_after("")?;
        let post = "(worker) => { const ready = worker.postMessage.bind(worker);
            worker.postMessage = (...all) => { ready({ wasmUrl: '/no/such.wasm' }); worker.postMessage = ready; ready(...all); };
            return worker; }";
        evaluate(post)?.unchecked_into::<Function>().call1(&JsValue::UNDEFINED, &worker)
    };
    gone(no_wasm, "WebAssembly could not be loaded").await;
}

#[wasm_bindgen_test]
async fn a_large_batch_goes_over_in_one_piece_and_comes_back_whole() {
    let engine = file("large");
    setup(&engine, &["DROP TABLE IF EXISTS t", "CREATE TABLE t (x INTEGER, y TEXT)"]).await;
    let sets = many((0..50_000).map(|x| params! { "x" => x, "y" => format!("row {x}") }));
    let inserted = engine.execute(&text("INSERT INTO t VALUES (:x, :y)"), sets).await.unwrap();
    assert_eq!(inserted.rowcount(), 50_000);
    let rows = engine.execute(&text("SELECT x, y FROM t ORDER BY x"), ()).await.unwrap();
    let mut expected = 0;
    for row in rows.iter() {
        let row = row.unwrap();
        assert_eq!(row.values(), [Value::Integer(expected), Value::Text(format!("row {expected}"))]);
        expected += 1;
    }
    assert_eq!(expected, 50_000);
    engine.dispose().await.unwrap();
}
