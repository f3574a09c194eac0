//! What the transport promises, over the worker file of the package and its twin that can be told to fail.

use aludel::{
    CallOptions, CancelToken, Engine, EngineBuilder, ErrorKind, OnAbort, Storage, StorageReason, Value, many, params,
    text,
};
use aludel_protocol::{Reply, Request};
use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

/// The worker of the release, as the test server has it.
pub(crate) const WORKER: &str = "/pkg/worker.js";
/// Its twin that knows `aludel_fault`.
const FAULTY: &str = "/dist/faults/worker.js";

const ENDLESS: &str = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";
const COUNT_ENDLESSLY: &str = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

/// Compares for hours, in one call of a function, which nothing interrupts.
const COMPARE_ENDLESSLY: &str = "SELECT instr(printf('%.*c', 4000000, 'a'), printf('%.*c', 2000000, 'a') || 'b')";

fn build(url: &str) -> Engine {
    Engine::builder(url).worker_url(WORKER).build().unwrap()
}

fn faulty(url: &str) -> EngineBuilder {
    Engine::builder(url).worker_url(FAULTY)
}

async fn count(engine: &Engine, table: &str) -> i64 {
    engine.scalar(&text(&format!("SELECT count(*) FROM {table}")), ()).await.unwrap().unwrap()
}

async fn run(engine: &Engine, sql: &str) {
    engine.execute(&text(sql), ()).await.unwrap();
}

async fn sleep(ms: u64) {
    futures_timer::Delay::new(Duration::from_millis(ms)).await;
}

#[wasm_bindgen_test]
async fn values_survive_the_way_there_and_back() {
    let engine = build("sqlite://");
    let values = vec![
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Integer(9_007_199_254_740_993),
        Value::Real(-0.0),
        Value::Real(f64::INFINITY),
        Value::Text("NUL \0, größe, 🐘".into()),
        Value::Blob(vec![0, 255, 128]),
        Value::Blob(vec![7; 300_000]),
    ];
    let sql = format!("SELECT {}", vec!["?"; values.len()].join(", "));
    let row = engine.execute(&text(&sql), values.clone()).await.unwrap().one().unwrap();
    assert_eq!(row.values(), values);
    engine.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_file_outlives_its_engine() {
    let engine = build("sqlite:///web/outlives.db");
    run(&engine, "DROP TABLE IF EXISTS t").await;
    run(&engine, "CREATE TABLE t (x)").await;
    let sets = many((0..1000).map(|x| params! { "x" => x }));
    engine.execute(&text("INSERT INTO t VALUES (:x)"), sets).await.unwrap();
    assert_eq!(engine.storage().kind, Storage::Opfs);
    assert_eq!(engine.journal_mode().as_deref(), Some("wal"));
    engine.dispose().await.unwrap();
    let engine = build("sqlite:///web/outlives.db");
    assert_eq!(count(&engine, "t").await, 1000);
    engine.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn two_engines_on_one_file_share_a_worker() {
    let made = Rc::new(Cell::new(0));
    let counted = || {
        let made = made.clone();
        let builder = Engine::builder("sqlite:///web/shared.db").spawn(move || {
            made.set(made.get() + 1);
            worker(WORKER)
        });
        builder.build().unwrap()
    };
    let (a, b) = (counted(), counted());
    run(&a, "CREATE TABLE IF NOT EXISTS t (x)").await;
    run(&b, "DELETE FROM t").await;
    a.dispose().await.unwrap();
    run(&b, "INSERT INTO t VALUES (1)").await;
    assert_eq!(count(&a, "t").await, 1);
    assert_eq!(made.get(), 1);
    a.dispose().await.unwrap();
    b.dispose().await.unwrap();
    assert_eq!(count(&b, "t").await, 1);
    assert_eq!(made.get(), 2, "the last one to go has ended the worker");
    b.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_stream_reads_on_while_another_connection_writes() {
    let engine = build("sqlite://");
    run(&engine, "CREATE TABLE t (x)").await;
    let fill = "INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 100000) SELECT x FROM c";
    run(&engine, fill).await;
    let conn = engine.connect().await.unwrap();
    let stream = conn.stream(&text("SELECT x FROM t"), ()).await.unwrap();
    let mut parts = stream.partitions(Some(10_000));
    let mut rows = parts.next().await.unwrap().unwrap().len();
    run(&engine, "DELETE FROM t").await;
    while let Some(part) = parts.next().await.unwrap() {
        rows += part.len();
    }
    assert_eq!(rows, 100_000);
    conn.close().await.unwrap();
    assert_eq!(count(&engine, "t").await, 0);
    engine.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn what_gives_rows_can_be_cancelled_anywhere() {
    let engine = build("sqlite://");
    let conn = engine.connect().await.unwrap();
    let token = CancelToken::new();
    let options = CallOptions::new().cancel(&token);
    let endless = text(ENDLESS);
    let (result, ()) = futures::join!(conn.execute_with(&endless, (), &options), async {
        sleep(50).await;
        token.cancel();
    });
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(conn.scalar::<i64>(&text("SELECT 1"), ()).await.unwrap(), Some(1));
    engine.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn what_gives_none_is_stopped_by_its_deadline() {
    let engine = build("sqlite://");
    let conn = engine.connect().await.unwrap();
    let options = CallOptions::new().timeout(Duration::from_millis(100));
    let error = conn.execute_with(&text(COUNT_ENDLESSLY), (), &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(conn.scalar::<i64>(&text("SELECT 1"), ()).await.unwrap(), Some(1));
    engine.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_worker_that_does_not_stop_is_replaced_where_that_was_asked_for() {
    let builder = Engine::builder("sqlite:///web/replaced.db").worker_url(WORKER);
    let engine = builder.on_abort(OnAbort::ReplaceWorker).build().unwrap();
    run(&engine, "CREATE TABLE IF NOT EXISTS t (x)").await;
    run(&engine, "DELETE FROM t").await;
    run(&engine, "INSERT INTO t VALUES (1)").await;
    let (conn, other) = (engine.connect().await.unwrap(), engine.connect().await.unwrap());
    let token = CancelToken::new();
    let options = CallOptions::new().cancel(&token);
    let (endless, one) = (text(COMPARE_ENDLESSLY), text("SELECT 1"));
    let (cancelled, bystander, ()) =
        futures::join!(conn.execute_with(&endless, (), &options), other.execute(&one, ()), async {
            sleep(50).await;
            token.cancel();
        });
    assert_eq!(cancelled.unwrap_err().kind(), ErrorKind::Cancelled);
    // It came before the endless one had the worker to itself, or went down with it.
    if let Err(error) = bystander {
        assert_eq!(error.kind(), ErrorKind::WorkerGone);
    }
    // The call ended at once, its worker a while after. Connections to files outlive it; an open transaction does not.
    let again = loop {
        match other.execute(&one, ()).await {
            Ok(result) => break result.scalar().unwrap(),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::WorkerGone | ErrorKind::HostLost), "{error}");
                other.rollback().await.unwrap();
            }
        }
    };
    assert_eq!(again, Some(Value::Integer(1)));
    assert!(!conn.invalidated());
    conn.rollback().await.unwrap();
    drop((conn, other));
    assert_eq!(count(&engine, "t").await, 1, "the data is intact");
    engine.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_worker_that_panics_or_traps_rejects_everyone() {
    for fault in ["panic", "trap"] {
        let engine = faulty("sqlite:///web/broken.db").build().unwrap();
        run(&engine, "CREATE TABLE IF NOT EXISTS t (x)").await;
        let (one, two) = (engine.connect().await.unwrap(), engine.connect().await.unwrap());
        let (fault, waiting) = (text(&format!("SELECT aludel_fault('{fault}')")), text(ENDLESS));
        let (broken, waited) = futures::join!(one.execute(&fault, ()), two.execute(&waiting, ()));
        for error in [broken.unwrap_err(), waited.unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::WorkerGone, "{error}");
        }
        drop((one, two));
        assert!(engine.has_table("t").await.unwrap(), "the next connect starts a fresh worker");
        engine.dispose().await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn a_script_that_cannot_be_loaded_is_an_error() {
    let engine = Engine::builder("sqlite://").worker_url("/no/such/worker.js").build().unwrap();
    let error = engine.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WorkerGone, "{error}");
    assert!(error.message().contains("could not be loaded"), "{error}");
    assert_eq!(engine.pool().checkedout, 0);
    engine.dispose().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_worker_that_cannot_be_made_is_an_error() {
    let engine = Engine::builder("sqlite://").spawn(|| Err::<JsValue, _>("no workers today".into())).build().unwrap();
    let error = engine.connect().await.unwrap_err();
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::Unavailable)));
    assert!(error.message().contains("no workers today"), "{error}");
    let error = Engine::new("sqlite://").unwrap().connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
}

#[wasm_bindgen_test]
async fn paths_of_hosts_are_refused() {
    let error = Engine::builder("sqlite:////tmp/a.db").worker_url(WORKER).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    assert!(error.message().contains("empty part"), "{error}");
}

#[wasm_bindgen_test]
async fn garbage_from_a_worker_ends_it() {
    for garbage in [vec![], vec![0; 40], vec![0xa1, 9, 0, 0], b"\xa1\x01\x83\x00 and so on, far too short".to_vec()] {
        let stand_in = StandIn::new();
        let engine = stand_in.engine();
        let (connected, ()) = futures::join!(engine.connect(), async {
            stand_in.say(&"ready".into());
            stand_in.say(&Uint8Array::from(&garbage[..]).into());
        });
        let error = connected.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WorkerGone);
        assert_eq!(error.cause().unwrap().kind(), ErrorKind::Protocol, "{error}");
        assert!(stand_in.terminated.get());
    }
}

#[wasm_bindgen_test]
async fn a_worker_that_cannot_begin_says_why() {
    let stand_in = StandIn::new();
    let engine = stand_in.engine();
    let (connected, ()) = futures::join!(engine.connect(), async {
        stand_in.say(&"ready".into());
        stand_in.say(&"fatal:its WebAssembly could not be loaded: no: such: file".into());
    });
    let error = connected.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WorkerGone);
    assert_eq!(error.message(), "its WebAssembly could not be loaded: no: such: file");
    assert!(stand_in.terminated.get());
}

#[wasm_bindgen_test]
async fn nothing_is_sent_before_the_worker_is_ready_and_then_hello_alone() {
    let stand_in = StandIn::new();
    let engine = stand_in.engine();
    let (connected, ()) = futures::join!(engine.connect(), async {
        assert!(stand_in.sent.borrow().is_empty());
        stand_in.say(&"ready".into());
        // Frames of one turn leave at its end.
        while stand_in.sent.borrow().len() < 2 {
            sleep(0).await;
        }
        let message = |at: usize| stand_in.sent.borrow()[at].dyn_ref::<Uint8Array>().unwrap().to_vec();
        let (hello, open) = (message(0), message(1));
        let (header, request) = Request::decode(&hello).unwrap();
        assert!(matches!(request, Request::Hello { .. }), "{request:?}");
        assert!(matches!(Request::decode(&open), Ok((_, Request::Open(_)))), "{open:?}");
        // A worker of an old cache.
        let reply = Reply::Hello { protocol: 2, version: "0.0.7", sqlite_version: "3" }.encode(&header);
        stand_in.say(&Uint8Array::from(&reply[..]).into());
    });
    let error = connected.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.message().contains("the worker is of aludel 0.0.7 (protocol 2)"), "{error}");
    assert!(stand_in.terminated.get());
}

/// A real worker, made as the package's JavaScript makes it.
fn worker(url: &str) -> Result<JsValue, JsValue> {
    let global = js_sys::global();
    let options = Object::new();
    Reflect::set(&options, &"type".into(), &"module".into())?;
    let href = Reflect::get(&Reflect::get(&global, &"location".into())?, &"href".into())?;
    let make = |class: &str, arguments: Array| {
        let class: Function = Reflect::get(&global, &class.into())?.dyn_into()?;
        Reflect::construct(&class, &arguments)
    };
    make("Worker", Array::of2(&make("URL", Array::of2(&url.into(), &href))?, &options))
}

type Listeners = Rc<RefCell<Vec<(String, Function)>>>;

/// What behaves like a worker, but says what the test says.
struct StandIn {
    object: JsValue,
    sent: Rc<RefCell<Vec<JsValue>>>,
    listeners: Listeners,
    terminated: Rc<Cell<bool>>,
    _methods: Vec<JsValue>,
}

impl StandIn {
    /// An engine that has it for a worker.
    fn engine(&self) -> Engine {
        let object = self.object.clone();
        Engine::builder("sqlite://").spawn(move || Ok(object.clone())).build().unwrap()
    }

    fn new() -> StandIn {
        let object = Object::new();
        let sent = Rc::new(RefCell::new(Vec::new()));
        let listeners = Listeners::default();
        let terminated = Rc::new(Cell::new(false));
        let (sent_by, heard_by, ended) = (sent.clone(), listeners.clone(), terminated.clone());
        let post = Closure::<dyn FnMut(JsValue)>::new(move |message| sent_by.borrow_mut().push(message));
        let listen = Closure::<dyn FnMut(String, Function)>::new(move |kind, listener| {
            heard_by.borrow_mut().push((kind, listener));
        });
        let unlisten = Closure::<dyn FnMut(String, Function)>::new(|_, _| {});
        let terminate = Closure::<dyn FnMut()>::new(move || ended.set(true));
        let methods = [
            ("postMessage", post.into_js_value()),
            ("addEventListener", listen.into_js_value()),
            ("removeEventListener", unlisten.into_js_value()),
            ("terminate", terminate.into_js_value()),
        ];
        for (name, method) in &methods {
            Reflect::set(&object, &(*name).into(), method).unwrap();
        }
        let _methods = methods.into_iter().map(|(_, method)| method).collect();
        StandIn { object: object.into(), sent, listeners, terminated, _methods }
    }

    /// Has the client hear a message.
    fn say(&self, data: &JsValue) {
        let event = Object::new();
        Reflect::set(&event, &"data".into(), data).unwrap();
        let listeners: Vec<_> = self.listeners.borrow().clone();
        for (kind, listener) in listeners {
            if kind == "message" {
                listener.call1(&JsValue::UNDEFINED, &event).unwrap();
            }
        }
    }
}
