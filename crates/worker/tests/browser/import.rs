//! Imports: scratch files of the origin private file system.

use crate::bench::{Bench, Got};
use crate::script::{Replaced, fresh_path, script, with_file};
use aludel_protocol::{Error, ImportStep, Request, StorageReason, Value};
use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;

/// The bytes of a database that was closed.
async fn bytes_of(path: &str) -> Vec<u8> {
    let read = "const bytes = new Uint8Array(handle.getSize()); handle.read(bytes, { at: 0 }); return bytes;";
    with_file(path, read).await.unchecked_into::<Uint8Array>().to_vec()
}

/// A file with 500 rows in pages of that size.
async fn file_with_pages(page_size: u32) -> Vec<u8> {
    let path = fresh_path("source");
    let mut bench = Bench::with(1, &path).await;
    bench.run(1, "create table t (id integer primary key, v text)");
    let rows = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 500)
        insert into t select i, printf('%0300d', i) from n";
    bench.run(1, rows);
    if page_size != 4096 {
        bench.run(1, "pragma journal_mode = delete");
        bench.run(1, &format!("pragma page_size = {page_size}"));
        bench.run(1, "vacuum");
    }
    bench.close(1..=1);
    bytes_of(&path).await
}

async fn try_import(bench: &mut Bench, bytes: &[u8]) -> Result<(), Error> {
    let mut steps = vec![ImportStep::Begin(bytes.len() as u64)];
    steps.extend(bytes.chunks(65_536).map(ImportStep::Chunk));
    steps.push(ImportStep::Finish);
    for step in steps {
        match bench.ask(1, &Request::Import(step)).await {
            Got::Done => {}
            Got::Error(error) => return Err(error),
            other => panic!("{other:?}"),
        }
    }
    Ok(())
}

/// What lies beside a database; scratch files are waited for until they are gone.
async fn beside(path: &str) -> String {
    let list = "let directory = await navigator.storage.getDirectory();
        const [folder, name] = argument.split('/');
        directory = await directory.getDirectoryHandle(folder);
        for (let tries = 0; ; tries++) {
            const names = [];
            for await (const key of directory.keys()) if (key.startsWith(name)) names.push(key.slice(name.length));
            if (tries > 200 || !names.some((name) => name.includes('import'))) return names.sort().join();
            await new Promise((later) => setTimeout(later, 10));
        }";
    script(path, list).await.unwrap().as_string().unwrap()
}

async fn make(path: &str) {
    with_file(path, "handle.write(new Uint8Array(100000));").await;
}

#[wasm_bindgen_test]
async fn imports_leave_the_new_database_and_no_file_beside_it() {
    let path = fresh_path("import");
    let mut bench = Bench::with(2, &path).await;
    bench.run(1, "create table old (a)");
    let bytes = file_with_pages(4096).await;
    // Twice in a row: the scratch file of the first may still be on its way out.
    for _ in 0..2 {
        try_import(&mut bench, &bytes).await.unwrap();
        assert_eq!(bench.scalar(2, "select count(*) from t"), Value::Integer(500));
        assert_eq!(bench.scalar(2, "pragma integrity_check"), Value::from("ok"));
        bench.run(2, "delete from t");
    }
    let error = try_import(&mut bench, &bytes[..bytes.len() - 4096]).await.unwrap_err();
    assert_eq!(error.reason(), Some(StorageReason::Corrupt), "{error}");
    assert_eq!(bench.scalar(2, "select count(*) from t"), Value::Integer(0), "as it was");
    assert!(!beside(&path).await.contains("import"));
    bench.close(1..=2);
}

#[wasm_bindgen_test]
async fn pages_of_another_size_take_a_second_scratch_file() {
    let path = fresh_path("pages");
    let mut bench = Bench::with(2, &path).await;
    let bytes = file_with_pages(1024).await;
    assert_eq!(bytes[16..18], 1024_u16.to_be_bytes());
    try_import(&mut bench, &bytes).await.unwrap();
    assert_eq!(bench.scalar(2, "select count(*) from t"), Value::Integer(500));
    assert_eq!(bench.scalar(2, "pragma page_size"), Value::Integer(4096));
    assert_eq!(bench.scalar(2, "pragma integrity_check"), Value::from("ok"));
    assert!(!beside(&path).await.contains("import"));
    bench.close(1..=2);
}

#[wasm_bindgen_test]
async fn what_a_dead_host_left_is_removed_and_what_a_user_has_is_not() {
    let path = fresh_path("left");
    let (first, second) = (format!("{path}-import"), format!("{path}-import-import"));
    make(&first).await;
    make(&second).await;
    let mut bench = Bench::with(1, &path).await;
    assert!(!beside(&path).await.contains("import"));
    bench.close(1..=1);

    // Somebody calls a database so.
    let mut theirs = Bench::with(1, &first).await;
    theirs.run(1, "create table theirs (a)");
    theirs.close(1..=1);
    let mut bench = Bench::with(1, &path).await;
    bench.run(1, "create table old (a)");
    let error = try_import(&mut bench, &file_with_pages(4096).await).await.unwrap_err();
    assert_eq!(error.reason(), Some(StorageReason::CannotOpen), "{error}");
    assert!(error.message().contains("another file of that name"), "{error}");
    assert_eq!(bench.scalar(1, "select count(*) from old"), Value::Integer(0));
    bench.close(1..=1);
    let mut theirs = Bench::with(1, &first).await;
    assert_eq!(theirs.scalar(1, "select count(*) from theirs"), Value::Integer(0));
    theirs.close(1..=1);
}

#[wasm_bindgen_test]
async fn an_origin_without_room_keeps_the_old_database() {
    let path = fresh_path("no-room");
    let mut bench = Bench::with(1, &path).await;
    bench.run(1, "create table old (a)");
    let bytes = file_with_pages(4096).await;
    // No room when the bytes come in, and no room when they are copied.
    let full = "throw new DOMException('no room', 'QuotaExceededError');";
    for (what, method) in [("the bytes", "truncate"), ("the bytes", "write"), ("the copy", "write")] {
        let error = if what == "the bytes" {
            let _full =
                Replaced::new("FileSystemSyncAccessHandle.prototype", method, &format!("function () {{ {full} }}"));
            try_import(&mut bench, &bytes).await.unwrap_err()
        } else {
            let few = format!(
                "(() => {{ const write = FileSystemSyncAccessHandle.prototype.write; let left = {};
                return function (...all) {{ if (left-- > 0) return write.apply(this, all); {full} }}; }})()",
                3
            );
            let _full = Replaced::new("FileSystemSyncAccessHandle.prototype", "write", &few);
            try_import(&mut bench, &bytes).await.unwrap_err()
        };
        assert_eq!(error.reason(), Some(StorageReason::Quota), "{what}, {method}: {error}");
        assert_eq!(bench.scalar(1, "select count(*) from old"), Value::Integer(0), "{what}, {method}");
    }
    try_import(&mut bench, &bytes).await.unwrap();
    assert_eq!(bench.scalar(1, "pragma integrity_check"), Value::from("ok"));
    bench.close(1..=1);
}
