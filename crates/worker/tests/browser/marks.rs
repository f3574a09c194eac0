//! The file of marks in the origin private file system: the next host tells what became of requests.

use crate::bench::{Bench, Got, options};
use crate::script::{fresh_path, script};
use aludel_protocol::{Fate, RepeatClass, Request, Value};
use wasm_bindgen_test::wasm_bindgen_test;

fn client() -> Bench {
    Bench::of(7, RepeatClass::InDoubt)
}

/// Runs an INSERT that may be in doubt; its id.
fn insert(bench: &mut Bench, value: &str) -> u64 {
    let sql = "insert into t (v) values (?)";
    let id = bench.send_execute(1, sql, aludel_protocol::Delivery::Buffered, &[vec![Value::from(value)]]);
    assert_eq!(bench.take(id), [Got::Rows(vec![], false)]);
    id
}

#[wasm_bindgen_test]
async fn the_next_host_of_a_file_tells_what_was_committed() {
    let path = fresh_path("marks");
    let mut bench = client();
    bench.open(1, options(&path, true)).await.unwrap();
    assert_eq!(bench.epoch, 1);
    assert!(bench.settles_in > 50_000 && bench.settles_in <= 60_000, "{}", bench.settles_in);
    bench.run(1, "create table t (id integer primary key, v text unique)");
    let first = insert(&mut bench, "one");
    bench.fail(1, "insert into t (v) values ('one')");
    let failed = first + 1;
    bench.run(1, "pragma wal_checkpoint(truncate)");
    let last = insert(&mut bench, "two");
    bench.crash();

    let mut next = client();
    next.open(1, options(&path, false)).await.unwrap();
    assert_eq!(next.epoch, 2);
    assert!(next.settles_in > 30_000, "it is the time of creation that counts: {}", next.settles_in);
    let committed = |rowid| Fate::Committed { changes: 1, last_insert_rowid: rowid, had_rows: false };
    let told = next.ask(1, &Request::Fates(vec![first, failed, last, last + 1])).await;
    assert_eq!(told, Got::Fates(vec![committed(1), Fate::NotCommitted, committed(2), Fate::NotCommitted]));
    assert_eq!(next.scalar(1, "select count(*) from t"), Value::Integer(2));
    next.close(1..=1);

    // After an end in good order, they are told all the same.
    let mut third = client();
    third.open(1, options(&path, false)).await.unwrap();
    assert_eq!(third.epoch, 3);
    let told = third.ask(1, &Request::Fates(vec![last, failed])).await;
    assert_eq!(told, Got::Fates(vec![committed(2), Fate::NotCommitted]));
    third.close(1..=1);
    let size = "let directory = await navigator.storage.getDirectory();
        const [folder, name] = argument.split('/');
        directory = await directory.getDirectoryHandle(folder);
        const file = await (await directory.getFileHandle(name + '-mark')).getFile();
        return String(file.size);";
    assert_eq!(script(&path, size).await.unwrap(), "69632");
}
