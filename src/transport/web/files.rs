//! The database files of a browser, beside what its workers do with them: the page may list and remove files of the
//! origin private file system, too.

use super::js::{self, Locks, locks, member, text_of};
use super::lock::Lock;
use crate::databases::{MAGIC, files_beside, scratches_of};
use crate::storage::StorageEstimate;
use aludel_protocol::{Error, Result, Storage, StorageReason};
use futures_timer::Delay;
use js_sys::{ArrayBuffer, AsyncIterator, IteratorNext, Promise, Uint8Array};
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// Where workers keep files unless somebody says otherwise.
pub(crate) const KIND: Storage = Storage::Opfs;
/// Whether paths may be absolute.
pub(crate) const ABSOLUTE: bool = false;

/// A worker that ends gives its locks up a moment later, and its files a moment after that.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(25);

#[wasm_bindgen]
extern "C" {
    /// `StorageManager`.
    type Storages;
    #[wasm_bindgen(method, catch, js_name = getDirectory)]
    fn get_directory(this: &Storages) -> std::result::Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn persisted(this: &Storages) -> std::result::Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn persist(this: &Storages) -> std::result::Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn estimate(this: &Storages) -> std::result::Result<Promise, JsValue>;

    /// `FileSystemDirectoryHandle` or `FileSystemFileHandle`.
    #[derive(Clone)]
    type Entry;
    #[wasm_bindgen(method, getter)]
    fn kind(this: &Entry) -> String;
    #[wasm_bindgen(method, getter)]
    fn name(this: &Entry) -> String;
    #[wasm_bindgen(method, catch)]
    fn values(this: &Entry) -> std::result::Result<AsyncIterator, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getDirectoryHandle)]
    fn get_directory_handle(this: &Entry, name: &str) -> std::result::Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getFileHandle)]
    fn get_file_handle(this: &Entry, name: &str) -> std::result::Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = removeEntry)]
    fn remove_entry(this: &Entry, name: &str) -> std::result::Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getFile)]
    fn get_file(this: &Entry) -> std::result::Result<Promise, JsValue>;

    /// `File`.
    type Blob;
    #[wasm_bindgen(method, getter)]
    fn size(this: &Blob) -> f64;
    #[wasm_bindgen(method, catch)]
    fn slice(this: &Blob, from: f64, to: f64) -> std::result::Result<Blob, JsValue>;
    #[wasm_bindgen(method, catch, js_name = arrayBuffer)]
    fn array_buffer(this: &Blob) -> std::result::Result<Promise, JsValue>;
}

/// Whether the browser has promised not to clear the data on its own.
pub(crate) async fn persisted() -> Result<bool> {
    answered("persisted", Storages::persisted).await
}

/// Asks for that promise.
pub(crate) async fn persist() -> Result<bool> {
    answered("persist", Storages::persist).await
}

/// Asks the browser, which may be too old to know.
async fn answered(what: &str, ask: fn(&Storages) -> std::result::Result<Promise, JsValue>) -> Result<bool> {
    let Some(storages) = manager().filter(|manager| member(manager, what).is_some()) else { return Ok(false) };
    let answer = settle(ask(storages.unchecked_ref())).await.map_err(|error| failed("the storage", &error))?;
    Ok(answer.is_truthy())
}

/// How much room there is.
pub(crate) async fn estimate() -> Result<StorageEstimate> {
    let Some(storages) = manager().filter(|manager| member(manager, "estimate").is_some()) else {
        return Ok(StorageEstimate::default());
    };
    let estimate = settle(storages.unchecked_ref::<Storages>().estimate()).await;
    let estimate = estimate.map_err(|error| failed("the storage", &error))?;
    let bytes = |name: &str| member(&estimate, name).and_then(|value| value.as_f64()).map(|bytes| bytes as u64);
    Ok(StorageEstimate { usage: bytes("usage"), quota: bytes("quota") })
}

/// The paths and sizes of the files that begin as databases do.
pub(crate) async fn list(directory: &str) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    let Some(start) = descend(root().await?, directory.split('/').filter(|part| !part.is_empty())).await? else {
        let message = format!("there is no directory {directory:?}");
        return Err(Error::storage(StorageReason::CannotOpen, message));
    };
    let mut directories = vec![(directory.trim_end_matches('/').to_owned(), start)];
    while let Some((inside, handle)) = directories.pop() {
        let entries = handle.values().map_err(|error| failed(&inside, &error))?;
        loop {
            let next = settle(entries.next()).await.map_err(|error| failed(&inside, &error))?;
            let next: IteratorNext = next.unchecked_into();
            if next.done() {
                break;
            }
            let entry: Entry = next.value().unchecked_into();
            let name = entry.name();
            let path = if inside.is_empty() { name } else { format!("{inside}/{name}") };
            if entry.kind() == "directory" {
                directories.push((path, entry));
            } else if let Some(size) = database(&entry, &path).await? {
                found.push((path, size));
            }
        }
    }
    Ok(found)
}

/// The size of a file that begins as a database does.
async fn database(entry: &Entry, path: &str) -> Result<Option<u64>> {
    let read = async {
        let file: Blob = settle(entry.get_file()).await?.unchecked_into();
        let start = settle(file.slice(0.0, MAGIC.len() as f64)?.array_buffer()).await?;
        let start = Uint8Array::new(start.unchecked_ref::<ArrayBuffer>()).to_vec();
        Ok::<_, JsValue>((start == MAGIC).then(|| file.size() as u64))
    };
    match read.await {
        Ok(size) => Ok(size),
        // It was removed, or written to, while it was looked at.
        Err(error) if ["NotFoundError", "NotReadableError"].contains(&name_of(&error).as_str()) => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

/// Whether there is a file with bytes.
pub(crate) async fn exists(path: &str) -> Result<bool> {
    let (directories, name) = cut(path);
    let Some(directory) = descend(root().await?, directories).await? else { return Ok(false) };
    let read = async {
        let entry: Entry = settle(directory.get_file_handle(name)).await?.unchecked_into();
        Ok::<_, JsValue>(settle(entry.get_file()).await?.unchecked_into::<Blob>().size())
    };
    match read.await {
        Ok(size) => Ok(size > 0.0),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(failed(path, &error)),
    }
}

/// Whether a file that is called like one of an import is one. A database of that name has its log beside it, always.
pub(crate) async fn is_scratch(path: &str) -> Result<bool> {
    let (directories, name) = cut(path);
    let Some(directory) = descend(root().await?, directories).await? else { return Ok(false) };
    has_no_log(&directory, name, path).await
}

/// Whether there is a file that begins as a database does.
async fn is_database(directory: &Entry, name: &str, path: &str) -> Result<bool> {
    match settle(directory.get_file_handle(name)).await {
        Ok(entry) => Ok(database(entry.unchecked_ref(), path).await?.is_some()),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(failed(path, &error)),
    }
}

async fn has_no_log(directory: &Entry, name: &str, path: &str) -> Result<bool> {
    match settle(directory.get_file_handle(&format!("{name}-wal"))).await {
        Ok(_) => Ok(false),
        Err(error) if is_missing(&error) => Ok(true),
        Err(error) => Err(failed(path, &error)),
    }
}

/// Removes the files of a database that nobody has open. Gives whether it was there.
pub(crate) async fn remove(path: &str) -> Result<bool> {
    let (directories, name) = cut(path);
    let Some(directory) = descend(root().await?, directories).await? else { return Ok(false) };
    // Where there are no locks, there are no workers that could have files open.
    let Some(locks) = locks() else {
        let message = "this browser or context lacks navigator.locks (Web Locks), which database files need";
        return Err(Error::storage(StorageReason::Unavailable, message));
    };
    // The election's lock first, as every tab takes them: nobody can become host while its files go.
    let _host = take(&locks, &format!("aludel-host:{path}"), path).await?;
    let _files = take(&locks, &format!("aludel:{path}"), path).await?;
    // The main file first: without it, the others mean nothing to SQLite.
    let there = remove_entry(&directory, name, path).await?;
    for (file, of) in files_beside(name).zip(files_beside(path)) {
        if is_database(&directory, &file, &of).await? {
            continue;
        }
        // A database that is just being made has no bytes yet, but its lock.
        let _lock = take(&locks, &format!("aludel:{of}"), &of).await?;
        if !is_database(&directory, &file, &of).await? {
            remove_entry(&directory, &file, path).await?;
        }
    }
    for (file, of) in scratches_of(name).zip(scratches_of(path)) {
        // A database that is just being made has no log yet, but its lock.
        let lock = Lock::if_free(&locks, &format!("aludel:{of}")).await.map_err(|error| failed(&of, &error))?;
        if lock.is_some() && has_no_log(&directory, &file, &of).await? {
            remove_entry(&directory, &file, &of).await?;
        }
    }
    Ok(there)
}

async fn remove_entry(directory: &Entry, name: &str, path: &str) -> Result<bool> {
    for _ in 0..TRIES {
        match settle(directory.remove_entry(name)).await {
            Ok(_) => return Ok(true),
            Err(error) if is_missing(&error) => return Ok(false),
            Err(error) if name_of(&error) == "NoModificationAllowedError" => Delay::new(PAUSE).await,
            Err(error) => return Err(failed(path, &error)),
        }
    }
    Err(in_use(path))
}

/// Takes a lock if it is free now or in a moment.
async fn take(locks: &Locks, name: &str, path: &str) -> Result<Lock> {
    for attempt in 0..TRIES {
        if attempt > 0 {
            Delay::new(PAUSE).await;
        }
        if let Some(lock) = Lock::if_free(locks, name).await.map_err(|error| failed(path, &error))? {
            return Ok(lock);
        }
    }
    Err(in_use(path))
}

fn manager() -> Option<JsValue> {
    member(&member(&js_sys::global(), "navigator")?, "storage")
}

async fn root() -> Result<Entry> {
    let storages = manager().filter(|manager| member(manager, "getDirectory").is_some()).ok_or_else(|| {
        let message = "this browser or context lacks navigator.storage.getDirectory, where database files are";
        Error::storage(StorageReason::Unavailable, message)
    })?;
    let root = settle(storages.unchecked_ref::<Storages>().get_directory()).await;
    root.map(JsCast::unchecked_into).map_err(|error| {
        let message = format!("the origin private file system is not available here: {}", describe(&error));
        Error::storage(StorageReason::Unavailable, message)
    })
}

/// The directories of a path, and the name in the last of them.
fn cut(path: &str) -> (impl Iterator<Item = &str>, &str) {
    let (directories, name) = path.rsplit_once('/').unwrap_or(("", path));
    (directories.split('/').filter(|part| !part.is_empty()), name)
}

/// The directory at the end of a path, if it is there.
async fn descend<'a>(root: Entry, parts: impl Iterator<Item = &'a str>) -> Result<Option<Entry>> {
    let mut directory = root;
    for part in parts {
        directory = match settle(directory.get_directory_handle(part)).await {
            Ok(found) => found.unchecked_into(),
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(failed(part, &error)),
        };
    }
    Ok(Some(directory))
}

/// Waits for a promise that may not even come about.
async fn settle(promise: std::result::Result<Promise, JsValue>) -> std::result::Result<JsValue, JsValue> {
    JsFuture::from(promise?).await
}

fn name_of(error: &JsValue) -> String {
    text_of(error, "name").unwrap_or_default()
}

fn describe(error: &JsValue) -> String {
    format!("{}: {}", name_of(error), js::describe(error))
}

/// Nothing of that name, or a directory where a file was meant, or the other way round.
fn is_missing(error: &JsValue) -> bool {
    ["NotFoundError", "TypeMismatchError"].contains(&name_of(error).as_str())
}

fn in_use(path: &str) -> Error {
    let message = format!("{path} is open: dispose of its engines, here and in other tabs, first");
    Error::storage(StorageReason::InUse, message)
}

fn failed(path: &str, error: &JsValue) -> Error {
    Error::storage(StorageReason::Io, format!("{path:?} cannot be reached: {}", describe(error)))
}
