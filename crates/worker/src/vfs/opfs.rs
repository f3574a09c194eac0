//! Files of the origin private file system, through synchronous access handles.
//!
//! A database's four files are opened once, before SQLite asks for them, and stay open: opening is asynchronous and
//! slow, and in Chromium the *name* of a new file is not durable for some time. So deleting means emptying.

#![forbid(unsafe_code)]

use super::node::RawFile;
use super::opfs_names::{belongs_to_nobody, is_no_database};
use super::opfs_scratch::remove_scratches;
use super::page_joiner::database;
use super::watched_log::log;
use super::{Attachment, MARK, MarkFile, already_attached, check_path, find, publish, storage_error};
use aludel_protocol::{Error, Result, StorageReason};
use js_sys::{Function, Object, Promise, Reflect};
use rsqlite_vfs::{SyncOptions, VfsError, VfsErrorCode, VfsResult};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions, FileSystemGetFileOptions,
    FileSystemReadWriteOptions, FileSystemSyncAccessHandle,
};

/// How long to wait for another holder. A tab that is closing lets go within milliseconds, but Chromium takes two
/// seconds to terminate a busy worker, and longer on a busy machine.
pub(super) const PATIENCE_MS: f64 = 10_000.0;
/// How long to wait for the handles at least, once the lock is there.
const HANDLE_PATIENCE_MS: f64 = 3_000.0;
/// A handle is free some milliseconds after the lock that guarded it.
const RETRY_MS: f64 = 10.0;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = AbortSignal, js_name = timeout)]
    fn signal_after(milliseconds: f64) -> std::result::Result<JsValue, JsValue>;
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: f64) -> JsValue;
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    pub(super) fn now() -> f64;

    type Locks;
    #[wasm_bindgen(catch, method)]
    fn request(
        this: &Locks,
        name: &str,
        options: &Object,
        callback: &Function,
    ) -> std::result::Result<Promise, JsValue>;

    type Storage;
    #[wasm_bindgen(catch, method, js_name = getDirectory)]
    fn get_directory(this: &Storage) -> std::result::Result<Promise, JsValue>;
}

/// Makes the OPFS file `path` (`/a/b.db`) known to SQLite, until [`super::detach`].
///
/// The Web Lock `aludel:<path>` is taken first, so a second tab or worker gets [`StorageReason::InUse`] after a bounded
/// wait. Without `create` a file that does not exist is [`StorageReason::CannotOpen`].
pub async fn attach_opfs(path: &str, create: bool) -> Result<()> {
    check_path(path)?;
    let navigator = member(&js_sys::global(), "navigator").ok_or_else(|| unavailable("navigator"))?;
    let storage = member(&navigator, "storage")
        .filter(|storage| member(storage, "getDirectory").is_some())
        .ok_or_else(|| unavailable("navigator.storage.getDirectory (the origin private file system)"))?;
    let prototype = member(&js_sys::global(), "FileSystemFileHandle").and_then(|class| member(&class, "prototype"));
    if !prototype.is_some_and(|prototype| Reflect::has(&prototype, &"createSyncAccessHandle".into()) == Ok(true)) {
        return Err(unavailable("FileSystemFileHandle.createSyncAccessHandle (only dedicated workers have it)"));
    }
    let locks = member(&navigator, "locks").ok_or_else(|| unavailable("navigator.locks (Web Locks)"))?;

    let deadline = now() + PATIENCE_MS;
    let lock = WebLock::acquire(locks.unchecked_ref(), path).await?;
    let deadline = deadline.max(now() + HANDLE_PATIENCE_MS);
    if find(path).is_some() {
        return Err(already_attached(path));
    }
    let (directory, name) = walk(root(&storage).await?, path, create).await?;
    belongs_to_nobody(&directory, name).await?;
    remove_scratches(&directory, name).await;

    let file = async |suffix: &str, create: bool| {
        let opened = open(&directory, &format!("{name}{suffix}"), create, deadline).await;
        opened.map_err(
            |error| if error.reason() == Some(StorageReason::InUse) { in_use(path, "a handle") } else { error },
        )
    };
    let (main, mut wal) = (file("", create).await?, file("-wal", true).await?);
    let (mut journal, mut mark) = (file("-journal", true).await?, file(MARK, true).await?);
    let beside = [(&mut wal, "-wal"), (&mut journal, "-journal"), (&mut mark, MARK)];
    let looked = beside.into_iter().try_for_each(|(file, suffix)| is_no_database(file, name, suffix));
    if let Err(error) = looked {
        let files = [(main, ""), (wal, "-wal"), (journal, "-journal"), (mark, MARK)];
        // What has no bytes was made just now, or by nobody who would miss it.
        let empty: Vec<_> = files.iter().filter(|(file, _)| file.size == 0).map(|(_, suffix)| *suffix).collect();
        drop(files);
        for suffix in empty {
            // One that stays is empty.
            let _ = JsFuture::from(directory.remove_entry(&format!("{name}{suffix}"))).await;
        }
        return Err(error);
    }
    let (fresh, has_wal, has_journal) = (main.size == 0, wal.size > 0, journal.size > 0);
    let (wal, watch) = log(Box::new(wal)).map_err(|error| storage_error(&error))?;
    publish(Attachment {
        path,
        main: (database(Box::new(main)), true),
        wal: (wal, has_wal),
        journal: (Box::new(journal), has_journal),
        marks: Some(MarkFile { file: Box::new(mark), watch, fresh, always: true }),
        guard: Some(Box::new(lock)),
    })
}

async fn root(storage: &JsValue) -> Result<FileSystemDirectoryHandle> {
    let storage: &Storage = storage.unchecked_ref();
    let root = settle(storage.get_directory()).await.map_err(|error| Failure::of(&error).no_directory())?;
    Ok(root.unchecked_into())
}

/// The directory in which scratch files of an open database may be.
pub(super) async fn directory_of(path: &str) -> Result<(FileSystemDirectoryHandle, &str)> {
    let storage = member(&js_sys::global(), "navigator").and_then(|navigator| member(&navigator, "storage"));
    walk(root(&storage.ok_or_else(|| unavailable("navigator.storage"))?).await?, path, false).await
}

/// The directory of a path, and the name in it.
async fn walk(root: FileSystemDirectoryHandle, path: &str, create: bool) -> Result<(FileSystemDirectoryHandle, &str)> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let Some(name) = parts.next_back() else {
        return Err(Error::storage(StorageReason::CannotOpen, format!("{path} names no file")));
    };
    let mut directory = root;
    for part in parts {
        let options = FileSystemGetDirectoryOptions::new();
        options.set_create(create);
        let found = JsFuture::from(directory.get_directory_handle_with_options(part, &options)).await;
        directory = found.map_err(|error| Failure::of(&error).opening(path))?.unchecked_into();
    }
    Ok((directory, name))
}

/// Whether the file of an open database has lost its name, as it does when the user has the data of the site cleared. Its
/// handles go on working, and nobody will ever read what is written through them.
pub async fn opfs_is_gone(path: &str) -> bool {
    let missing = |error: &JsValue| Failure::of(error).name == "NotFoundError";
    let storage = member(&js_sys::global(), "navigator").and_then(|navigator| member(&navigator, "storage"));
    let Some(storage) = storage else { return false };
    let Ok(mut directory) = root(&storage).await else { return false };
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let Some(name) = parts.next_back() else { return false };
    for part in parts {
        match JsFuture::from(directory.get_directory_handle(part)).await {
            Ok(found) => directory = found.unchecked_into(),
            Err(error) => return missing(&error),
        }
    }
    JsFuture::from(directory.get_file_handle(name)).await.is_err_and(|error| missing(&error))
}

pub(super) async fn open(
    directory: &FileSystemDirectoryHandle,
    name: &str,
    create: bool,
    deadline: f64,
) -> Result<OpfsFile> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(create);
    let file = JsFuture::from(directory.get_file_handle_with_options(name, &options)).await;
    let file: FileSystemFileHandle = file.map_err(|error| Failure::of(&error).opening(name))?.unchecked_into();
    let handle = loop {
        match JsFuture::from(file.create_sync_access_handle()).await {
            Ok(handle) => break FileSystemSyncAccessHandle::unchecked_from_js(handle),
            Err(error) => {
                let failure = Failure::of(&error);
                if failure.name != "NoModificationAllowedError" || now() >= deadline {
                    return Err(failure.opening(name));
                }
                pause().await;
            }
        }
    };
    let options = FileSystemReadWriteOptions::new();
    // From here on dropping the file closes the handle.
    let mut file = OpfsFile { handle, options, size: 0, dirty: false };
    match file.handle.get_size() {
        Ok(size) => file.size = size as u64,
        Err(error) => return Err(Failure::of(&error).opening(name)),
    }
    Ok(file)
}

/// A Web Lock, held until this is dropped.
struct WebLock {
    release: Function,
    /// The browser calls it once, when the lock is ours; if that never happens it has to be freed with this.
    _granted: Closure<dyn FnMut(JsValue) -> JsValue>,
}

impl WebLock {
    async fn acquire(locks: &Locks, path: &str) -> Result<WebLock> {
        let mut release = None;
        let until_released = Promise::new(&mut |resolve, _reject| release = Some(resolve));
        let mut announce = None;
        let granted = Promise::new(&mut |resolve, _reject| announce = Some(resolve));
        let (Some(release), Some(announce)) = (release, announce) else {
            return Err(unavailable("Promise"));
        };
        let callback = Closure::new(move |_lock: JsValue| -> JsValue {
            // Calling a promise's own resolver cannot fail.
            let _ = announce.call0(&JsValue::UNDEFINED);
            until_released.clone().into()
        });
        let lock = WebLock { release, _granted: callback };
        let options = Object::new();
        let signal = signal_after(PATIENCE_MS).map_err(|_| unavailable("AbortSignal.timeout"))?;
        Reflect::set(&options, &"signal".into(), &signal).map_err(|_| unavailable("Reflect.set"))?;
        let requested = locks.request(&format!("aludel:{path}"), &options, lock._granted.as_ref().unchecked_ref());
        let requested = requested.map_err(|error| Failure::of(&error).locking(path))?;
        // The request settles when the lock is given back, or fails when the patience is over.
        let either = js_sys::Array::of2(&granted, &requested);
        match JsFuture::from(Promise::race(&either)).await {
            Ok(_) => Ok(lock),
            Err(error) => Err(Failure::of(&error).locking(path)),
        }
    }
}

impl Drop for WebLock {
    fn drop(&mut self) {
        // Calling a promise's own resolver cannot fail.
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// One open file, whose size is known without asking: nobody else can change it.
pub(super) struct OpfsFile {
    handle: FileSystemSyncAccessHandle,
    /// Reused, so that no call makes an object.
    options: FileSystemReadWriteOptions,
    size: u64,
    dirty: bool,
}

impl OpfsFile {
    /// Looks how long the file is, since how much of a call that failed was done is the browser's secret.
    fn ask_size(&mut self) {
        self.size = self.handle.get_size().map_or(self.size, |size| size as u64);
    }
}

impl Drop for OpfsFile {
    fn drop(&mut self) {
        self.handle.close();
    }
}

impl RawFile for OpfsFile {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        let available = self.size.saturating_sub(offset);
        let length = usize::try_from(available).map_or(buffer.len(), |available| available.min(buffer.len()));
        if length == 0 {
            return Ok(0);
        }
        self.options.set_at(offset as f64);
        let read = self.handle.read_with_u8_array_and_options(&mut buffer[..length], &self.options);
        let count = read.map_err(|error| Failure::of(&error).during(VfsErrorCode::IoRead))?;
        Ok((count as usize).min(length))
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.options.set_at(offset as f64);
        self.dirty = true;
        match self.handle.write_with_u8_array_and_options(bytes, &self.options) {
            Ok(count) if count as usize == bytes.len() => {
                self.size = self.size.max(offset + bytes.len() as u64);
                Ok(())
            }
            written => {
                self.ask_size();
                Err(match written {
                    Err(error) => Failure::of(&error).during(VfsErrorCode::IoWrite),
                    Ok(_) => VfsError::new(VfsErrorCode::Full, "the browser wrote only a part".into()),
                })
            }
        }
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        if size == self.size {
            return Ok(());
        }
        self.dirty = true;
        let done = self.handle.truncate_with_f64(size as f64);
        if let Err(error) = done {
            self.ask_size();
            return Err(Failure::of(&error).during(VfsErrorCode::IoTruncate));
        }
        self.size = size;
        Ok(())
    }

    fn sync(&mut self, _options: SyncOptions) -> VfsResult<()> {
        if self.dirty {
            self.handle.flush().map_err(|error| Failure::of(&error).during(VfsErrorCode::IoSync))?;
            self.dirty = false;
        }
        Ok(())
    }

    fn size(&mut self) -> VfsResult<u64> {
        Ok(self.size)
    }
}

/// An exception's name and message.
struct Failure {
    name: String,
    message: String,
}

impl Failure {
    fn of(error: &JsValue) -> Failure {
        let text = |key: &str| member(error, key).and_then(|value| value.as_string());
        Failure { name: text("name").unwrap_or_default(), message: text("message").unwrap_or_default() }
    }

    /// What SQLite is told when an open file fails.
    fn during(&self, code: VfsErrorCode) -> VfsError {
        if self.name == "QuotaExceededError" {
            return VfsError::new(VfsErrorCode::Full, "the storage quota of this origin is used up".into());
        }
        VfsError::new(code, format!("{}: {}", self.name, self.message).into())
    }

    fn opening(&self, name: &str) -> Error {
        let (reason, why) = match self.name.as_str() {
            "NoModificationAllowedError" => (StorageReason::InUse, "it is open in another tab or worker".to_owned()),
            "QuotaExceededError" => (StorageReason::Quota, "the storage quota of this origin is used up".to_owned()),
            "NotFoundError" => (StorageReason::CannotOpen, "it does not exist".to_owned()),
            "SecurityError" | "NotAllowedError" => (StorageReason::Unavailable, self.message.clone()),
            _ => (StorageReason::CannotOpen, format!("{}: {}", self.name, self.message)),
        };
        Error::storage(reason, format!("unable to open database file {name}: {why}"))
    }

    fn locking(&self, path: &str) -> Error {
        match self.name.as_str() {
            "TimeoutError" | "AbortError" => in_use(path, &format!("the Web Lock aludel:{path}")),
            _ => unavailable(&format!("a usable navigator.locks ({}: {})", self.name, self.message)),
        }
    }

    /// The browser has OPFS and does not give it: a private window, blocked site data, an opaque origin.
    fn no_directory(&self) -> Error {
        let message = format!(
            "the origin private file system is not available here, as in some private windows or when site data is \
             blocked ({}: {})",
            self.name, self.message
        );
        Error::storage(StorageReason::Unavailable, message)
    }
}

fn in_use(path: &str, what: &str) -> Error {
    Error::storage(StorageReason::InUse, format!("{path} is open in another tab or worker, which holds {what}"))
}

fn unavailable(what: &str) -> Error {
    let message = format!("this browser or context lacks {what}, which database files need");
    Error::storage(StorageReason::Unavailable, message)
}

/// A property that exists.
pub(super) fn member(object: &JsValue, key: &str) -> Option<JsValue> {
    Reflect::get(object, &key.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

/// Waits for a promise that may not even come about.
async fn settle(promise: std::result::Result<Promise, JsValue>) -> std::result::Result<JsValue, JsValue> {
    JsFuture::from(promise?).await
}

async fn pause() {
    let timer = Promise::new(&mut |resolve, _reject| {
        set_timeout(&resolve, RETRY_MS);
    });
    // A timer's promise does not fail.
    let _ = JsFuture::from(timer).await;
}
