//! Workers in a browser, the own one and that of another tab. The only place of the client that knows JavaScript.
//!
//! One tab *hosts* a database file: its worker has the files open. The others are its *guests*. Who hosts is decided by a
//! Web Lock ([`lock`]); tabs find each other by a broadcast channel ([`talk`]), and guests reach the worker over a port that
//! the broker carried ([`broker`]) or over a broadcast channel of their own. [`tab`] is the wire that does all this; [`host`]
//! and [`guest`] are its two roles.

mod broker;
mod buffer;
mod election;
pub(crate) mod files;
mod guest;
mod host;
mod js;
mod life;
mod link;
mod lock;
mod tab;
mod talk;

pub use buffer::Buffer;

use super::{Inbox, Place, Spawn, Wire};
use crate::engine::EngineBuilder;
use aludel_protocol::{Error, Result, Storage, StorageReason};
use js::{UrlObject, UrlSharedWorker, UrlWorker, date_now, describe, has_class, text_of};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::JsValue;

/// Shows a line of the engine's log: on the console.
pub(crate) fn log_line(line: &str) {
    js::console_info(line);
}

/// How workers come to be unless the engine was told otherwise: in a browser, not at all.
pub(crate) fn default_spawn() -> Option<Rc<dyn Spawn>> {
    None
}

/// `std::time::Instant`, which this platform lacks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant(f64);

impl Instant {
    pub(crate) fn now() -> Instant {
        Instant(date_now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        Duration::from_secs_f64((date_now() - self.0).max(0.0) / 1000.0)
    }
}

/// Makes a worker.
type Maker = Box<dyn Fn() -> std::result::Result<JsValue, JsValue>>;

/// What an engine was given to make workers with.
struct Means {
    worker: Maker,
    broker: Option<Maker>,
}

impl Means {
    fn worker(&self) -> Result<JsValue> {
        (self.worker)().map_err(|error| unavailable(&error))
    }

    /// The shared worker that is the broker, where there can be one.
    fn broker(&self) -> Option<JsValue> {
        let made = (self.broker.as_ref()?)().ok()?;
        Some(made).filter(JsValue::is_object)
    }
}

struct WebSpawn(Rc<Means>);

impl Spawn for WebSpawn {
    fn spawn(&self, place: &Place, inbox: Inbox) -> Result<Rc<dyn Wire>> {
        let tab = tab::Tab::new(place, inbox, self.0.clone());
        tab.start()?;
        Ok(tab)
    }

    fn client(&self) -> u64 {
        js::random()
    }

    fn file_storage(&self) -> Storage {
        Storage::Opfs
    }
}

fn unavailable(error: &JsValue) -> Error {
    let message = format!("the worker could not be started: {}", describe(error));
    Error::storage(StorageReason::Unavailable, message)
}

/// A URL beside the page's own, and the options of the package's workers.
fn script(url: &str) -> std::result::Result<(UrlObject, web_sys::WorkerOptions), JsValue> {
    let options = web_sys::WorkerOptions::new();
    options.set_type(web_sys::WorkerType::Module);
    options.set_name("aludel");
    let base = js::member(&js_sys::global(), "location").and_then(|location| text_of(&location, "href"));
    Ok((UrlObject::new(url, &base.unwrap_or_default())?, options))
}

impl EngineBuilder {
    /// The worker to use. It must run the package's `worker.js` and serve no other engine. When it is gone, it cannot be
    /// replaced: prefer [`EngineBuilder::worker_url`] or [`EngineBuilder::spawn`].
    pub fn worker(self, worker: web_sys::Worker) -> EngineBuilder {
        let worker = RefCell::new(Some(worker));
        self.spawn(move || {
            worker.take().map(JsValue::from).ok_or_else(|| JsValue::from("the engine's only worker is gone"))
        })
    }

    /// The URL of the package's `worker.js`, from which workers are made, and the broker by which tabs find each other's.
    pub fn worker_url(self, url: &str) -> EngineBuilder {
        let (url, shared) = (url.to_owned(), url.to_owned());
        let make = move || {
            let (url, options) = script(&url)?;
            UrlWorker::new(&url, &options).map(JsValue::from)
        };
        self.spawn_with_broker(make, move || {
            if !has_class("SharedWorker") {
                return Ok(JsValue::UNDEFINED);
            }
            let (url, options) = script(&shared)?;
            UrlSharedWorker::new(&url, &options).map(JsValue::from)
        })
    }

    /// Makes a worker that runs the package's `worker.js`, or what behaves like one.
    pub fn spawn<W: Into<JsValue>>(
        mut self,
        make: impl Fn() -> std::result::Result<W, JsValue> + 'static,
    ) -> EngineBuilder {
        let worker: Maker = Box::new(move || make().map(Into::into));
        self.spawn = Some(Rc::new(WebSpawn(Rc::new(Means { worker, broker: None }))));
        self
    }

    /// As [`EngineBuilder::spawn`], with a maker of the `SharedWorker` on the same script, over which tabs reach each other's
    /// workers faster. It may give `undefined` where there are none.
    pub fn spawn_with_broker<W: Into<JsValue>, B: Into<JsValue>>(
        mut self,
        make: impl Fn() -> std::result::Result<W, JsValue> + 'static,
        broker: impl Fn() -> std::result::Result<B, JsValue> + 'static,
    ) -> EngineBuilder {
        let worker: Maker = Box::new(move || make().map(Into::into));
        let broker: Maker = Box::new(move || broker().map(Into::into));
        self.spawn = Some(Rc::new(WebSpawn(Rc::new(Means { worker, broker: Some(broker) }))));
        self
    }
}
