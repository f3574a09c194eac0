//! Files that fail under SQLite: each failure is told as what it is, and costs nothing that was there.

use crate::bench::{Bench, options};
use crate::script::{Replaced, fresh_path};
use aludel_protocol::{Durability, Error, ErrorKind, OpenOptions, StorageReason, Value};
use wasm_bindgen_test::wasm_bindgen_test;

const FULL: i32 = 13;
const IOERR_READ: i32 = 266;
const IOERR_WRITE: i32 = 778;
const IOERR_FSYNC: i32 = 1034;
const IOERR_TRUNCATE: i32 = 1546;

const COUNT: &str = "select count(*) from t where length(v) > 0";
const INSERT: &str = "insert into t (v) values (zeroblob(100000))";
const CHECKPOINT: &str = "pragma wal_checkpoint(truncate)";
const FOREIGN: &str = "throw new DOMException('no more', 'InvalidStateError')";
const HALF: &str = "return plain.call(this, first.subarray(0, first.length >> 1), options)";
/// It is done, and said to have failed.
const LATE: &str = "plain.call(this, first, options); throw new DOMException('late', 'UnknownError')";
const QUOTA: &str = "throw new DOMException('no room', 'QuotaExceededError')";

/// Replaces a method of the handles of files; in `body` the browser's own is `plain`, and its arguments are `first` and
/// `options`.
fn replaced(method: &str, body: &str) -> Replaced {
    let prototype = "FileSystemSyncAccessHandle.prototype";
    let value =
        format!("(() => {{ const plain = {prototype}.{method}; return function (first, options) {{ {body}; }}; }})()");
    Replaced::new(prototype, method, &value)
}

/// A connection whose commits are flushed.
async fn opened(path: &str) -> Bench {
    let mut bench = Bench::new();
    let durable = OpenOptions { durability: Durability::Full, ..options(path, true) };
    assert_eq!(bench.open(1, durable).await, Ok("wal".into()));
    bench
}

/// What a statement is told when the files fail so. The database is as it was, then and when it is opened again.
async fn failing(method: &str, body: &str, sql: &str) -> Option<Error> {
    let path = fresh_path(method);
    let what = format!("{method}: {body}");
    let mut bench = opened(&path).await;
    bench.run(1, "create table t (v)");
    bench.run(1, INSERT);
    bench.run(1, CHECKPOINT);
    bench.run(1, INSERT);
    let sound = |bench: &mut Bench, count| {
        assert_eq!(bench.scalar(1, COUNT), Value::Integer(count), "{what}");
        assert_eq!(bench.scalar(1, "pragma integrity_check"), Value::from("ok"), "{what}");
    };
    sound(&mut bench, 2);
    bench.close(1..=1);
    // Nothing is in a cache.
    let mut bench = opened(&path).await;
    let error = {
        let _replaced = replaced(method, body);
        if sql == CHECKPOINT {
            bench.run(1, "update t set v = zeroblob(100001)");
        }
        bench.try_run(1, sql, &[]).err()
    };
    sound(&mut bench, 2);
    bench.run(1, INSERT);
    sound(&mut bench, 3);
    bench.close(1..=1);
    let mut bench = opened(&path).await;
    sound(&mut bench, 3);
    bench.run(1, CHECKPOINT);
    sound(&mut bench, 3);
    bench.close(1..=1);
    error
}

/// Each way of failing, and what is to be said of it.
const CASES: &[(&str, &str, &str, StorageReason, i32)] = &[
    // Fewer bytes than there are are no end of the file.
    ("read", HALF, COUNT, StorageReason::Io, IOERR_READ),
    ("read", "return 0", COUNT, StorageReason::Io, IOERR_READ),
    ("read", FOREIGN, COUNT, StorageReason::Io, IOERR_READ),
    ("write", HALF, INSERT, StorageReason::Quota, FULL),
    ("write", "return 0", INSERT, StorageReason::Quota, FULL),
    ("write", QUOTA, INSERT, StorageReason::Quota, FULL),
    ("write", FOREIGN, INSERT, StorageReason::Io, IOERR_WRITE),
    ("write", LATE, INSERT, StorageReason::Io, IOERR_WRITE),
    ("flush", FOREIGN, INSERT, StorageReason::Io, IOERR_FSYNC),
    ("flush", QUOTA, INSERT, StorageReason::Quota, FULL),
    ("truncate", FOREIGN, CHECKPOINT, StorageReason::Io, IOERR_TRUNCATE),
];

#[wasm_bindgen_test]
async fn files_that_fail_are_told_as_what_failed_and_cost_nothing() {
    for (method, body, sql, reason, code) in CASES {
        let what = format!("{method}: {body}");
        let error = failing(method, body, sql).await.expect(&what);
        assert_eq!(error.kind(), ErrorKind::Storage, "{what}: {error}");
        assert_eq!((error.reason(), error.sqlite_code()), (Some(*reason), *code), "{what}: {error}");
    }
}

#[wasm_bindgen_test]
async fn a_log_that_was_cut_off_when_it_is_said_to_have_failed_is_taken_for_what_it_is() {
    // Whether the statement or the worker in its idle time is told makes no difference.
    if let Some(error) = failing("truncate", LATE, CHECKPOINT).await {
        assert_eq!((error.reason(), error.sqlite_code()), (Some(StorageReason::Io), IOERR_TRUNCATE), "{error}");
    }
}
