//! Databases in files: several connections, streams, locks, and what is found again.

use crate::bench::{Bench, Got, options};
use crate::script::{Replaced, fresh_path, script};
use aludel_protocol::{Delivery, Error, ErrorKind, Request, StorageReason, TransactionOp, Value};
use aludel_worker::vfs;
use wasm_bindgen_test::wasm_bindgen_test;

const COUNT: &str = "select count(*) from t";
const MANY: &str = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) \
                    insert into t select i, printf('row %d', i) from n";

fn integer(value: Value) -> i64 {
    match value {
        Value::Integer(integer) => integer,
        other => panic!("{other:?}"),
    }
}

/// Connections 1 to `count` on a new file with 2000 rows.
async fn filled(count: u32, path: &str) -> Bench {
    let mut bench = Bench::with(count, path).await;
    bench.run(1, "create table t (id integer primary key, v text)");
    bench.run(1, MANY);
    bench
}

#[wasm_bindgen_test]
async fn connections_share_a_file_in_wal_mode_and_a_stream_runs_beside_a_writer() {
    let path = fresh_path("wal");
    let mut bench = filled(3, &path).await;
    let stream = Delivery::Stream { credits: 1, max_rows: 100 };
    let stream = bench.send_execute(1, "select id, v from t order by id", stream, &[]);
    let Some(Got::Rows(mut rows, true)) = bench.take(stream).pop() else { panic!("no rows") };
    assert_eq!(rows.len(), 100);
    for changed in 0..19 {
        bench.run(2, "insert into t (v) values ('new')");
        bench.run(2, &format!("update t set v = 'changed' where id % 100 = {changed}"));
        let id = bench.send(1, &Request::Credit { stream, credits: 1 });
        assert_eq!(bench.take(id), []);
        for got in bench.take(stream) {
            let Got::Rows(more, _) = got else { panic!("{got:?}") };
            rows.extend(more);
        }
    }
    // The end is a frame of its own, where the last one was full.
    bench.send(1, &Request::Credit { stream, credits: 1 });
    for got in bench.take(stream) {
        assert_eq!(got, Got::Rows(vec![], false));
    }
    // What the stream saw is what was there when it began.
    let expected: Vec<_> =
        (1..=2000).map(|i| vec![Value::Integer(i), Value::from(format!("row {i}").as_str())]).collect();
    assert_eq!(rows, expected);
    assert_eq!(integer(bench.scalar(3, COUNT)), 2019);
    assert_eq!(bench.scalar(3, "pragma integrity_check"), Value::from("ok"));
    bench.close(1..=3);
}

#[wasm_bindgen_test]
async fn what_was_committed_is_found_again_in_exactly_four_files() {
    let path = fresh_path("again");
    let mut bench = filled(2, &path).await;
    let values = [
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Integer(9_007_199_254_740_993),
        Value::Real(-0.5),
        Value::Text("NUL \0, größe, 🐘".into()),
        Value::Blob(vec![0, 255, 128]),
    ];
    bench.run(1, "create table w (a, b, c, d, e, f)");
    bench.try_run(1, "insert into w values (?, ?, ?, ?, ?, ?)", &[values.to_vec()]).unwrap();
    bench.run(2, "begin");
    bench.run(2, "delete from t");
    bench.close(1..=2);

    let mut bench = Bench::new();
    assert_eq!(bench.open(1, options(&path, false)).await, Ok("wal".into()));
    assert_eq!(integer(bench.scalar(1, COUNT)), 2000, "what was not committed is not there");
    assert_eq!(bench.run(1, "select * from w"), [values.to_vec()]);
    assert_eq!(bench.scalar(1, "pragma integrity_check"), Value::from("ok"));
    bench.close(1..=1);
    let list = "let directory = await navigator.storage.getDirectory();
        const [folder, name] = argument.split('/'), names = [];
        directory = await directory.getDirectoryHandle(folder);
        for await (const key of directory.keys()) if (key.startsWith(name)) names.push(key.slice(name.length));
        return names.sort().join();";
    assert_eq!(script(&path, list).await.unwrap(), ",-journal,-mark,-wal");
}

#[wasm_bindgen_test]
async fn a_writer_waits_for_the_other_and_a_stale_reader_is_told() {
    let path = fresh_path("lock");
    let mut bench = filled(2, &path).await;
    bench.run(1, "begin immediate");
    bench.run(1, "insert into t (v) values ('first')");
    let waiting = bench.send_execute(2, "insert into t (v) values ('second')", Delivery::Buffered, &[]);
    assert_eq!(bench.take(waiting), []);
    bench.commit(1);
    assert_eq!(bench.take(waiting), [Got::Rows(vec![], false)]);

    bench.run(1, "begin");
    bench.run(1, COUNT);
    bench.run(2, "insert into t (v) values ('third')");
    let error = bench.fail(1, "insert into t (v) values ('stale')");
    assert_eq!((error.kind(), error.sqlite_code(), error.retryable()), (ErrorKind::Operational, 517, true), "{error}");
    let id = bench.send(1, &Request::Transaction { op: TransactionOp::Rollback, deadline: 0 });
    assert_eq!(bench.take(id), [Got::Done]);
    assert_eq!(integer(bench.scalar(1, COUNT)), 2003);
    bench.close(1..=2);
}

#[wasm_bindgen_test]
async fn files_that_are_taken_away_leave_what_was_committed() {
    let path = fresh_path("crash");
    let mut bench = filled(1, &path).await;
    bench.run(1, "pragma cache_size = 5");
    bench.run(1, "begin immediate");
    // More than the cache holds, so part of it is in the log already.
    bench.run(1, "update t set v = v || hex(randomblob(500))");
    vfs::detach(&path);
    let id = bench.send(1, &Request::Transaction { op: TransactionOp::Commit, deadline: 0 });
    let Some(Got::Error(error)) = bench.take(id).pop() else { panic!("it was committed") };
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::Io)), "{error}");
    bench.close(1..=1);

    let mut bench = Bench::new();
    assert_eq!(bench.open(1, options(&path, false)).await, Ok("wal".into()));
    assert_eq!(integer(bench.scalar(1, "select count(*) from t where v = 'row ' || id")), 2000);
    assert_eq!(bench.scalar(1, "pragma integrity_check"), Value::from("ok"));
    bench.close(1..=1);
}

#[wasm_bindgen_test]
async fn a_full_origin_is_an_error_and_costs_nothing_that_was_there() {
    let path = fresh_path("quota");
    let mut bench = filled(1, &path).await;
    let error: Error = {
        let full = "function () { throw new DOMException('no room', 'QuotaExceededError'); }";
        let _full = Replaced::new("FileSystemSyncAccessHandle.prototype", "write", full);
        bench.fail(1, "insert into t (v) values (zeroblob(100000))")
    };
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::Quota)), "{error}");
    assert_eq!(integer(bench.scalar(1, COUNT)), 2000);
    bench.run(1, "insert into t (v) values (zeroblob(100000))");
    assert_eq!(integer(bench.scalar(1, COUNT)), 2001);
    assert_eq!(bench.scalar(1, "pragma integrity_check"), Value::from("ok"));
    bench.close(1..=1);
}
