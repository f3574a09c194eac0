//! ATTACH of files of the origin private file system, which are opened while the statement waits.

use crate::bench::{Bench, Got};
use crate::script::fresh_path;
use aludel_protocol::{BeginMode, Delivery, Error, Execute, Request, StorageReason, Value};
use wasm_bindgen_test::wasm_bindgen_test;

async fn run(bench: &mut Bench, connection: u32, sql: &str) -> Result<(), Error> {
    let execute = Execute {
        begin: BeginMode::Auto,
        delivery: Delivery::Buffered,
        many: false,
        deadline: 0,
        first_batch_bytes: 0,
        batch_bytes: 0,
        sql,
        parameters: None,
    };
    match bench.ask(connection, &Request::Execute(execute)).await {
        Got::Rows(..) => Ok(()),
        Got::Error(error) => Err(error),
        other => panic!("{other:?}"),
    }
}

#[wasm_bindgen_test]
async fn files_are_attached_and_held_until_they_are_detached() {
    let (path, other) = (fresh_path("main"), fresh_path("other"));
    let name = other.split_once('/').unwrap().1;
    let attach = format!("attach '{name}' as other");
    let mut bench = Bench::with(2, &path).await;
    // Begun first, as the client does it.
    run(&mut bench, 1, &attach).await.unwrap();
    run(&mut bench, 1, "create table other.t (a)").await.unwrap();
    run(&mut bench, 1, "insert into other.t values (1)").await.unwrap();
    bench.commit(1);
    bench.run(2, &attach);
    assert_eq!(bench.scalar(2, "select a from other.t"), Value::Integer(1));
    assert_eq!(bench.scalar(2, "pragma other.journal_mode"), Value::from("wal"));

    // As in another tab: the lock is held.
    let error = Bench::new().open(1, crate::bench::options(&other, true)).await.unwrap_err();
    assert_eq!(error.reason(), Some(StorageReason::InUse), "{error}");
    bench.run(1, "detach other");
    bench.close(1..=2);
    let mut theirs = Bench::with(1, &other).await;
    assert_eq!(theirs.scalar(1, "select a from t"), Value::Integer(1));
    let mut bench = Bench::with(1, &path).await;
    let error = run(&mut bench, 1, &attach).await.unwrap_err();
    assert_eq!((error.reason(), error.retryable()), (Some(StorageReason::InUse), true), "{error}");
    theirs.close(1..=1);
    run(&mut bench, 1, &attach).await.unwrap();
    bench.close(1..=1);
}
