//! Databases as files: where they are, which there are, and their way in.

use crate::call::{Running, nothing, promise};
use aludel::raw::{Buffer, RawImport};
use aludel::{DatabaseFile, Durability, Storage, StorageInfo, TransferPhase};
use aludel_protocol::{Error, ErrorKind};
use js_sys::{Array, Function, Object, Promise, Uint8Array};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// What `storage()` gives.
    #[wasm_bindgen(extends = Object)]
    pub type StorageRecord;
    #[wasm_bindgen(method, setter)]
    fn set_kind(this: &StorageRecord, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_durability(this: &StorageRecord, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_path(this: &StorageRecord, value: Option<&str>);
    #[wasm_bindgen(method, setter)]
    fn set_settled(this: &StorageRecord, value: bool);

    /// `DatabaseFile` of databases.ts.
    #[wasm_bindgen(extends = Object)]
    type FileRecord;
    #[wasm_bindgen(method, setter = path)]
    fn set_file_path(this: &FileRecord, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_url(this: &FileRecord, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_size(this: &FileRecord, value: f64);
}

/// What is known of an engine's storage.
pub fn storage_record(storage: &StorageInfo) -> StorageRecord {
    let record: StorageRecord = Object::new().unchecked_into();
    record.set_kind(if storage.kind == Storage::Memory { "memory" } else { "opfs" });
    record.set_durability(match storage.durability {
        Durability::Full => "full",
        Durability::Normal => "normal",
    });
    record.set_path(storage.path.as_deref());
    record.set_settled(storage.settled());
    record
}

/// The databases in a directory and those below it.
#[wasm_bindgen(js_name = listDatabases, unchecked_return_type = "Promise<{ path: string; url: string; size: number }[]>")]
pub fn list_databases(directory: String) -> Promise {
    let record = |file: &DatabaseFile| -> JsValue {
        let record: FileRecord = Object::new().unchecked_into();
        record.set_file_path(&file.path);
        record.set_url(&file.url);
        record.set_size(file.size as f64);
        record.into()
    };
    promise(async move { Ok(aludel::list_databases(&directory).await?.iter().map(record).collect::<Array>()) })
}

/// Whether there is a database of this URL.
#[wasm_bindgen(js_name = databaseExists, unchecked_return_type = "Promise<boolean>")]
pub fn database_exists(url: String) -> Promise {
    promise(async move { aludel::database_exists(&url).await })
}

/// Removes a database; gives whether there was one.
#[wasm_bindgen(js_name = dropDatabase, unchecked_return_type = "Promise<boolean>")]
pub fn drop_database(url: String, if_exists: bool) -> Promise {
    promise(async move {
        if if_exists {
            return aludel::drop_database_if_exists(&url).await;
        }
        aludel::drop_database(&url).await.map(|()| true)
    })
}

/// An import that is under way.
#[wasm_bindgen]
pub struct NativeImport {
    /// None once it is being finished or was given up.
    import: Rc<RefCell<Option<Rc<RawImport>>>>,
    // The signal of the call aborts it as long as it lives.
    running: Rc<Running>,
}

impl NativeImport {
    pub(crate) fn new(import: RawImport, running: Running) -> NativeImport {
        NativeImport { import: Rc::new(RefCell::new(Some(Rc::new(import)))), running: Rc::new(running) }
    }
}

#[wasm_bindgen]
impl NativeImport {
    /// Sends the next bytes, which begin at the head room of a buffer of their own, when those before were taken.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn chunk(&self, bytes: Uint8Array) -> Promise {
        let import = self.import.borrow().clone();
        promise(async move {
            let import = import.ok_or_else(over)?;
            import.chunk(Buffer::from_js(bytes)).await.map(nothing)
        })
    }

    /// Has the bytes checked and put in the place of the database. `learn` is told how far that is.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn finish(&self, learn: Function) -> Promise {
        let import = self.import.take();
        let running = self.running.clone();
        promise(async move {
            let import = import.and_then(|import| Rc::try_unwrap(import).ok()).ok_or_else(over)?;
            let mut learn = |phase: aludel_protocol::ImportPhase, done: u64, total: u64| {
                let phase = TransferPhase::from(phase).as_str();
                // What it throws, transfer.ts has caught.
                let _ = learn.call3(&JsValue::UNDEFINED, &phase.into(), &(done as f64).into(), &(total as f64).into());
            };
            let finished = import.finish(&mut learn).await.map(nothing);
            drop(running);
            finished
        })
    }

    /// Gives it up: the database stays as it is.
    pub fn abort(&self) {
        self.import.take();
    }
}

fn over() -> Error {
    Error::new(ErrorKind::IllegalStateChange, "this import is over")
}
