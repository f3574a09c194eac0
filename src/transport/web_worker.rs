//! The worker of a browser. The only place of the client that knows JavaScript.

use super::{Inbox, Place, Spawn, Wire};
use crate::engine::EngineBuilder;
use aludel_protocol::{Error, Result, Storage, StorageReason};
use futures_timer::Delay;
use js_sys::{Array, ArrayBuffer, Reflect, Uint8Array};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// How many bytes a batch that JavaScript encodes keeps free in front, for the head of its frame.
pub const HEADROOM: u32 = 1024;

#[wasm_bindgen]
extern "C" {
    /// A `Worker`, or what behaves like one.
    #[derive(Clone)]
    type WorkerLike;

    #[wasm_bindgen(method, catch, js_name = postMessage)]
    fn post_message(this: &WorkerLike, message: &JsValue, transfer: &Array) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = addEventListener)]
    fn add_event_listener(this: &WorkerLike, kind: &str, listener: &JsValue) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = removeEventListener)]
    fn remove_event_listener(this: &WorkerLike, kind: &str, listener: &JsValue) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn terminate(this: &WorkerLike) -> std::result::Result<(), JsValue>;

    /// `URL`: tools that replace `Worker` leave one made of such an object alone.
    #[wasm_bindgen(js_name = URL)]
    type UrlObject;

    #[wasm_bindgen(constructor, catch, js_class = "URL")]
    fn new(url: &str, base: &str) -> std::result::Result<UrlObject, JsValue>;

    #[wasm_bindgen(js_name = Worker)]
    type UrlWorker;

    #[wasm_bindgen(constructor, catch, js_class = "Worker")]
    fn new(url: &UrlObject, options: &web_sys::WorkerOptions) -> std::result::Result<UrlWorker, JsValue>;

    #[wasm_bindgen(js_namespace = console, js_name = info)]
    fn console_info(line: &str);

    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;
}

/// Shows a line of the engine's log: on the console.
pub(crate) fn log_line(line: &str) {
    console_info(line);
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

/// The bytes of a frame or a batch, in JavaScript's memory.
#[derive(Clone, Debug)]
pub struct Buffer(Uint8Array);

impl Buffer {
    /// Takes bytes, with room in front for the head of a frame.
    pub fn from_vec(bytes: Vec<u8>) -> Buffer {
        let whole = Uint8Array::new_with_length(HEADROOM + bytes.len() as u32);
        let view = whole.subarray(HEADROOM, whole.length());
        view.copy_from(&bytes);
        Buffer(view)
    }

    /// Takes a view. What lies before it in its buffer is overwritten, and the buffer is transferred, when it is sent
    /// as a batch: it should begin at [`HEADROOM`] in a buffer of its own.
    pub fn from_js(view: Uint8Array) -> Buffer {
        Buffer(view)
    }

    /// The view.
    pub fn into_js(self) -> Uint8Array {
        self.0
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.0.length() as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies the first `len` bytes, or all when there are fewer.
    pub fn prefix(&self, len: usize) -> Vec<u8> {
        self.0.subarray(0, (len as u32).min(self.0.length())).to_vec()
    }

    /// Copies all of them.
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Copies all of them.
    pub fn into_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

/// One message of a head and a batch: without a copy of the batch where there is room before it.
fn joined(head: &[u8], batch: Option<Buffer>) -> Uint8Array {
    let Some(Buffer(batch)) = batch else { return Uint8Array::from(head) };
    let (at, len) = (batch.byte_offset(), head.len() as u32);
    let end_of_buffer = batch.buffer().unchecked_into::<ArrayBuffer>().byte_length();
    if at >= len && at + batch.length() == end_of_buffer {
        let message = Uint8Array::new_with_byte_offset_and_length(&batch.buffer(), at - len, len + batch.length());
        message.subarray(0, len).copy_from(head);
        return message;
    }
    let message = Uint8Array::new_with_length(len + batch.length());
    message.subarray(0, len).copy_from(head);
    message.set(&batch, len);
    message
}

/// Makes a worker.
type Maker = Box<dyn Fn() -> std::result::Result<JsValue, JsValue>>;

struct WebSpawn {
    make: Maker,
}

impl Spawn for WebSpawn {
    fn spawn(&self, _place: &Place, inbox: Inbox) -> Result<Rc<dyn Wire>> {
        let worker = (self.make)().map_err(|error| unavailable(&describe(&error)))?;
        let wire = WebWorker::start(worker.unchecked_into(), inbox).map_err(|error| unavailable(&describe(&error)))?;
        Ok(wire)
    }

    fn file_storage(&self) -> Storage {
        Storage::Opfs
    }
}

fn unavailable(message: &str) -> Error {
    Error::storage(StorageReason::Unavailable, format!("the worker could not be started: {message}"))
}

/// What a thrown value says.
fn describe(error: &JsValue) -> String {
    let message = Reflect::get(error, &"message".into()).ok().and_then(|message| message.as_string());
    message.filter(|message| !message.is_empty()).unwrap_or_else(|| format!("{error:?}"))
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

    /// The URL of the package's `worker.js`, from which workers are made.
    pub fn worker_url(self, url: &str) -> EngineBuilder {
        let url = url.to_owned();
        self.spawn(move || {
            let options = web_sys::WorkerOptions::new();
            options.set_type(web_sys::WorkerType::Module);
            options.set_name("aludel");
            let location = Reflect::get(&js_sys::global(), &"location".into())?;
            let base = Reflect::get(&location, &"href".into())?.as_string().unwrap_or_default();
            UrlWorker::new(&UrlObject::new(&url, &base)?, &options).map(JsValue::from)
        })
    }

    /// Makes a worker that runs the package's `worker.js`, or what behaves like one.
    pub fn spawn<W: Into<JsValue>>(
        mut self,
        make: impl Fn() -> std::result::Result<W, JsValue> + 'static,
    ) -> EngineBuilder {
        self.spawn = Some(Rc::new(WebSpawn { make: Box::new(move || make().map(Into::into)) }));
        self
    }
}

type Listener = Closure<dyn FnMut(JsValue)>;

/// A worker and what was said to it before it was ready.
struct WebWorker {
    worker: WorkerLike,
    ready: Cell<bool>,
    waiting: RefCell<Vec<Uint8Array>>,
    inbox: Inbox,
    listeners: RefCell<Vec<(&'static str, Listener)>>,
}

impl WebWorker {
    fn start(worker: WorkerLike, inbox: Inbox) -> std::result::Result<Rc<WebWorker>, JsValue> {
        let wire = Rc::new(WebWorker {
            worker,
            ready: Cell::new(false),
            waiting: RefCell::default(),
            inbox,
            listeners: RefCell::default(),
        });
        wire.listen("message", WebWorker::on_message)?;
        wire.listen("messageerror", |wire, _| wire.inbox.fatal("a message of the worker could not be read"))?;
        wire.listen("error", |wire, event| {
            let what = if wire.ready.get() { "the worker broke" } else { "the worker could not be loaded" };
            let message = Reflect::get(&event, &"message".into()).ok().and_then(|message| message.as_string());
            let message = message.map_or(String::new(), |message| format!(": {message}"));
            wire.inbox.fatal(&format!("{what}{message}"));
        })?;
        Ok(wire)
    }

    fn listen(
        self: &Rc<WebWorker>,
        kind: &'static str,
        act: impl Fn(&Rc<WebWorker>, JsValue) + 'static,
    ) -> std::result::Result<(), JsValue> {
        let wire = Rc::downgrade(self);
        let listener = Listener::new(move |event: JsValue| {
            if let Some(wire) = wire.upgrade() {
                act(&wire, event);
            }
        });
        self.worker.add_event_listener(kind, listener.as_ref())?;
        self.listeners.borrow_mut().push((kind, listener));
        Ok(())
    }

    fn on_message(self: &Rc<WebWorker>, event: JsValue) {
        let data = Reflect::get(&event, &"data".into()).unwrap_or(JsValue::UNDEFINED);
        if let Some(text) = data.as_string() {
            if text == "ready" {
                self.ready.set(true);
                self.waiting.take().iter().for_each(|message| self.post(message));
            } else if let Some(message) = text.strip_prefix("fatal:") {
                self.inbox.fatal(message);
            }
        } else if let Some(buffer) = data.dyn_ref::<ArrayBuffer>() {
            self.inbox.frame(Buffer(Uint8Array::new(buffer)));
        } else if let Ok(view) = data.dyn_into::<Uint8Array>() {
            self.inbox.frame(Buffer(view));
        }
    }

    fn post(&self, message: &Uint8Array) {
        if let Err(error) = self.worker.post_message(message, &Array::of1(&message.buffer())) {
            // The caller is in the middle of sending: its waiter must exist before it is rejected.
            let (inbox, message) = (self.inbox.clone(), describe(&error));
            spawn_local(async move { inbox.fatal(&format!("the worker cannot be reached: {message}")) });
        }
    }
}

impl Wire for WebWorker {
    fn send(&self, head: Vec<u8>, batch: Option<Buffer>) {
        let message = joined(&head, batch);
        if self.ready.get() {
            self.post(&message);
        } else {
            self.waiting.borrow_mut().push(message);
        }
    }

    fn terminate(&self) {
        self.waiting.take();
        let listeners = self.listeners.take();
        for (kind, listener) in &listeners {
            // A worker that is gone cannot be told.
            let _ = self.worker.remove_event_listener(kind, listener.as_ref());
        }
        let _ = self.worker.terminate();
        // This may run inside one of the listeners, which must outlive its own call.
        spawn_local(async move { drop(listeners) });
    }

    fn later(&self, after: Duration, then: Box<dyn FnOnce()>) {
        spawn_local(async move {
            Delay::new(after).await;
            then();
        });
    }
}
