//! Files that cannot be had, each with an error that says why, in bounded time.

use crate::bench::{Bench, options};
use crate::script::{Replaced, fresh_path, script, with_file};
use aludel_protocol::{Error, ErrorKind, StorageReason, Value};
use aludel_worker::vfs;
use wasm_bindgen_test::wasm_bindgen_test;

async fn refused(path: &str, create: bool) -> Error {
    let error = Bench::new().open(1, options(path, create)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
    error
}

/// Nothing of a refusal is left: neither a lock nor a handle.
async fn opens(path: &str) {
    let mut bench = Bench::with(1, path).await;
    bench.close(1..=1);
}

#[wasm_bindgen_test]
async fn a_file_that_is_not_there_is_made_only_if_asked_for() {
    for path in [fresh_path("missing"), format!("nowhere-{}", fresh_path("missing"))] {
        let error = refused(&path, false).await;
        assert_eq!(error.reason(), Some(StorageReason::CannotOpen));
        assert!(error.message().contains("does not exist"), "{error}");
        opens(&path).await;
        assert_eq!(Bench::new().open(1, options(&path, false)).await, Ok("wal".into()));
        vfs::detach(&path);
    }
}

#[wasm_bindgen_test]
async fn names_that_name_no_file_are_refused() {
    opens(&fresh_path("in the folder")).await;
    for path in ["worker-tests", "worker-tests/../x.db", "/", "", "a\0b"] {
        assert_eq!(refused(path, true).await.reason(), Some(StorageReason::CannotOpen), "{path:?}");
    }
}

#[wasm_bindgen_test]
async fn a_name_whose_log_would_be_another_database_is_refused_and_leaves_nothing_behind() {
    let path = fresh_path("first");
    let name = path.rsplit('/').next().unwrap();
    let mut bench = Bench::with(1, &format!("{path}-wal")).await;
    bench.run(1, "create table t (v)");
    bench.close(1..=1);
    let list = "const directory = await (await navigator.storage.getDirectory()).getDirectoryHandle('worker-tests');
        const names = [];
        for await (const name of directory.keys()) if (name.startsWith(argument)) names.push(name.slice(argument.length));
        return names.sort().join();";
    let before = script(name, list).await.unwrap().as_string();
    assert_eq!(before.as_deref(), Some("-wal,-wal-journal,-wal-mark,-wal-wal"));
    assert_eq!(refused(&path, true).await.reason(), Some(StorageReason::CannotOpen));
    assert_eq!(script(name, list).await.unwrap().as_string(), before);
    opens(&format!("{path}-wal")).await;
}

#[wasm_bindgen_test]
async fn a_file_of_garbage_is_no_database_and_stays_as_it_is() {
    let path = fresh_path("garbage");
    let write = "const bytes = new Uint8Array(10000).map((_, i) => (i * 31 + 7) % 256); handle.write(bytes);";
    with_file(&path, write).await;
    assert_eq!(refused(&path, true).await.reason(), Some(StorageReason::NotADatabase));
    let sum = "const bytes = new Uint8Array(handle.getSize()); handle.read(bytes, { at: 0 });
        return bytes.length === 10000 && bytes.every((byte, i) => byte === (i * 31 + 7) % 256);";
    assert!(with_file(&path, sum).await.is_truthy());
}

#[wasm_bindgen_test]
async fn a_file_that_is_attached_or_open_elsewhere_is_in_use() {
    let path = fresh_path("in-use");
    vfs::attach_opfs(&path, true).await.unwrap();
    let error = vfs::attach_opfs(&path, true).await.unwrap_err();
    assert_eq!(error.reason(), Some(StorageReason::InUse), "{error}");
    vfs::detach(&path);

    // Somebody who knows nothing of our lock.
    let start = js_sys::Date::now();
    let handle = "globalThis.held = await file.createSyncAccessHandle();";
    with_file(&path, &format!("handle.close(); {handle}")).await;
    let error = refused(&path, true).await;
    assert_eq!((error.reason(), error.retryable()), (Some(StorageReason::InUse), true), "{error}");
    assert!(error.message().contains("another tab") && error.message().contains(&path), "{error}");
    let waited = js_sys::Date::now() - start;
    assert!(waited > 5_000.0 && waited < 30_000.0, "{waited} ms");
    crate::script::evaluate("globalThis.held.close()");
    opens(&path).await;
}

#[wasm_bindgen_test]
async fn who_holds_the_lock_is_waited_for_a_while() {
    let path = fresh_path("lock");
    let hold = "await new Promise((held) => {
        navigator.locks.request(`aludel:${argument}`, () => new Promise((release) => { globalThis.letGo = release; held(); }));
    });";
    script(&path, hold).await.unwrap();
    let error = refused(&path, true).await;
    assert_eq!((error.reason(), error.retryable()), (Some(StorageReason::InUse), true), "{error}");
    assert!(error.message().contains("another tab") && error.message().contains(&path), "{error}");
    // Whoever asks in time gets it as soon as it is free.
    let (attached, ()) = futures::join!(vfs::attach_opfs(&path, true), async {
        crate::script::evaluate("globalThis.letGo()");
    });
    attached.unwrap();
    vfs::detach(&path);
}

#[wasm_bindgen_test]
async fn what_the_browser_lacks_is_named() {
    let path = fresh_path("unavailable");
    let lacks = async |what: &str, _without: Replaced| {
        let error = refused(&path, true).await;
        assert_eq!(error.reason(), Some(StorageReason::Unavailable), "{error}");
        assert!(error.message().contains(what), "{error}");
    };
    lacks("getDirectory", Replaced::new("navigator.storage", "getDirectory", "undefined")).await;
    lacks("getDirectory", Replaced::new("navigator", "storage", "undefined")).await;
    lacks("navigator.locks", Replaced::new("navigator", "locks", "undefined")).await;
    lacks("dedicated workers", Replaced::removed("FileSystemFileHandle.prototype", "createSyncAccessHandle")).await;
    let denies = "() => Promise.reject(new DOMException('no', 'SecurityError'))";
    lacks("private windows", Replaced::new("navigator.storage", "getDirectory", denies)).await;
    // In memory there is a database all the same.
    let without = Replaced::new("navigator", "storage", "undefined");
    let mut bench = Bench::new();
    let memory = aludel_protocol::OpenOptions { storage: aludel_protocol::Storage::Memory, ..options("m", true) };
    assert_eq!(bench.open(1, memory).await, Ok("wal".into()));
    assert_eq!(bench.scalar(1, "select 1"), Value::Integer(1));
    drop(without);
    opens(&path).await;
}
