//! Engines: forwards to `aludel::Engine`.

use crate::call::{Call, Running, nothing, promise};
use crate::connection::NativeConnection;
use crate::convert::{execution_options, give, raw_call};
use crate::error::thrown;
use crate::events::NativeListener;
use crate::files::{NativeImport, StorageRecord, storage_record};
use aludel::raw::{HAS_TABLE, Site, TABLE_NAMES};
use aludel::{Echo, EchoLevel, Engine, EngineOptions, EventKind, OptionValue, Record};
use aludel_protocol::{Error, ErrorKind};
use js_sys::{Function, Object, Promise, Uint8Array};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// The options that engine.ts takes out before.
const MORE_OPTIONS: &[&str] = &["directory", "executionOptions", "performanceMarks", "strategy", "wasmUrl", "worker"];

#[wasm_bindgen]
extern "C" {
    /// What `poolStatus()` gives.
    #[wasm_bindgen(extends = Object)]
    pub type PoolRecord;
    #[wasm_bindgen(method, setter)]
    fn set_text(this: &PoolRecord, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_size(this: &PoolRecord, value: f64);
    #[wasm_bindgen(method, setter)]
    fn set_checkedin(this: &PoolRecord, value: f64);
    #[wasm_bindgen(method, setter)]
    fn set_checkedout(this: &PoolRecord, value: f64);
    #[wasm_bindgen(method, setter)]
    fn set_overflow(this: &PoolRecord, value: f64);
    #[wasm_bindgen(method, setter)]
    fn set_timeout(this: &PoolRecord, value: f64);
}

/// An engine.
#[wasm_bindgen]
pub struct NativeEngine(Rc<Engine>);

#[wasm_bindgen]
impl NativeEngine {
    /// Makes an engine of a URL and an object of options. `spawn` makes its workers and `broker` what connects tabs,
    /// `record` takes lines of its log.
    #[wasm_bindgen(constructor)]
    pub fn new(
        url: &str,
        options: &Object,
        spawn: Function,
        broker: Function,
        record: Function,
    ) -> Result<NativeEngine, JsValue> {
        let options = engine_options(options, record).map_err(thrown)?;
        let [spawn, broker] = [spawn, broker].map(|make| move || make.call0(&JsValue::UNDEFINED));
        let engine = Engine::builder(url).options(options).spawn_with_broker(spawn, broker).build().map_err(thrown)?;
        Ok(NativeEngine(Rc::new(engine)))
    }

    /// An engine on the same pool whose connections have these options, too.
    #[wasm_bindgen(js_name = withOptions)]
    pub fn with_options(&self, isolation: Option<String>, token: Option<String>) -> Result<NativeEngine, JsValue> {
        let options = execution_options(isolation, token).map_err(thrown)?;
        Ok(NativeEngine(Rc::new(self.0.execution_options(&options).map_err(thrown)?)))
    }

    /// Gives the connections that are taken from here on these options, too.
    #[wasm_bindgen(js_name = updateOptions)]
    pub fn update_options(&self, isolation: Option<String>, token: Option<String>) -> Result<(), JsValue> {
        let options = execution_options(isolation, token).map_err(thrown)?;
        self.0.update_execution_options(&options).map_err(thrown)
    }

    /// Takes a connection out of the pool. `site` tells where in the program it was asked for, should anybody want to know.
    #[wasm_bindgen(unchecked_return_type = "Promise<NativeConnection>")]
    pub fn connect(&self, call: &Call, site: Function) -> Promise {
        let engine = self.0.clone();
        let running = Running::new(call);
        let site = told_by(site);
        promise(async move { engine.connect_at(running.options().clone(), site).await.map(NativeConnection::new) })
    }

    /// Gives each event of this name to `tell`, as arguments, until the listener is freed.
    pub fn listen(&self, name: &str, tell: Function) -> Result<NativeListener, JsValue> {
        let kind = EventKind::parse(name).map_err(thrown)?;
        Ok(NativeListener::new(&self.0, kind, tell))
    }

    /// Runs a statement as a transaction of its own and gives its frames to `take`, one by one.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn execute(
        &self,
        source: &str,
        batch: Option<Uint8Array>,
        later: Option<Promise>,
        many: bool,
        call: &Call,
        take: Function,
    ) -> Promise {
        let engine = self.0.clone();
        let running = Running::new(call);
        let raw = raw_call(source, false, (batch, later), many);
        promise(async move {
            engine.execute_raw(raw?, running.options(), &mut |frame| give(&take, frame)).await.map(nothing)
        })
    }

    /// The query that says whether there is a table or view of a name.
    #[wasm_bindgen(js_name = hasTable)]
    pub fn has_table() -> String {
        HAS_TABLE.to_owned()
    }

    /// The query for the names of the tables.
    #[wasm_bindgen(js_name = tableNames)]
    pub fn table_names() -> String {
        TABLE_NAMES.to_owned()
    }

    /// Closes the connections of the pool, or only puts another pool in its place.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn dispose(&self, close: bool) -> Promise {
        let engine = self.0.clone();
        promise(async move { engine.dispose_with(close).await.map(nothing) })
    }

    /// What the pool does at the moment.
    #[wasm_bindgen(js_name = poolStatus)]
    pub fn pool_status(&self) -> PoolRecord {
        let status = self.0.pool();
        let record: PoolRecord = Object::new().unchecked_into();
        record.set_text(&status.to_string());
        record.set_size(status.size as f64);
        record.set_checkedin(status.checkedin as f64);
        record.set_checkedout(status.checkedout as f64);
        record.set_overflow(status.overflow as f64);
        record.set_timeout(status.timeout.as_secs_f64());
        record
    }

    /// Where the database is kept.
    pub fn storage(&self) -> StorageRecord {
        storage_record(&self.0.storage())
    }

    /// Waits until the names of the database's files are safe.
    #[wasm_bindgen(js_name = whenSettled, unchecked_return_type = "Promise<void>")]
    pub fn when_settled(&self) -> Promise {
        let storage = self.0.storage();
        promise(async move { storage.when_settled().await.map(nothing) })
    }

    /// Begins an import of `total` bytes, of 0 when nobody knows how many.
    #[wasm_bindgen(js_name = beginImport, unchecked_return_type = "Promise<NativeImport>")]
    pub fn begin_import(&self, total: f64, call: &Call, site: Function) -> Promise {
        let engine = self.0.clone();
        let running = Running::new(call);
        let site = told_by(site);
        promise(async move {
            let import = engine.start_import(total as u64, running.options(), site).await?;
            Ok(NativeImport::new(import, running))
        })
    }
}

/// A place in the program that `callerOf` of site.ts finds.
fn told_by(site: Function) -> Site {
    Site::told(move || site.call0(&JsValue::UNDEFINED).ok()?.as_string())
}

fn engine_options(given: &Object, record: Function) -> aludel_protocol::Result<EngineOptions> {
    let mut options = EngineOptions::default();
    let mut names = Vec::new();
    for entry in Object::entries(given).iter() {
        let [name, value] = [0, 1].map(|at| entry.unchecked_ref::<js_sys::Array>().get(at));
        let name = name.as_string().unwrap_or_default();
        // An option that is undefined is one that is not given.
        if value.is_undefined() {
            continue;
        }
        if !EngineOptions::NAMES.contains(&name.as_str()) {
            return Err(EngineOptions::unknown(&name, MORE_OPTIONS));
        }
        let value = match (value.as_bool(), value.as_f64(), value.as_string()) {
            (Some(flag), ..) => OptionValue::Bool(flag),
            (_, Some(number), _) => OptionValue::Number(number),
            (.., Some(text)) => OptionValue::Text(text),
            _ if value.is_null() => OptionValue::Null,
            _ => {
                let what = value.js_typeof().as_string().unwrap_or_default();
                return Err(Error::new(ErrorKind::Argument, format!("Option '{name}' takes no {what}")));
            }
        };
        options.set(&name, value)?;
        names.push(name);
    }
    options.check(&names)?;
    let level = options.echo.level();
    if level > EchoLevel::Off {
        options.echo = Echo::to(level, move |line: &Record| {
            let level = if line.level == EchoLevel::Debug { "DEBUG" } else { "INFO" };
            // A log that throws does not stop the work.
            let _ = record.call3(&JsValue::UNDEFINED, &(&*line.logger).into(), &level.into(), &(&*line.message).into());
        });
    }
    Ok(options)
}
