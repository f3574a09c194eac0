//! The parts of a browser that a wire touches, each with the types that it takes.

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// What messages go to and come from: a `Worker` or what behaves like one, a `MessagePort`, a `BroadcastChannel`.
    #[derive(Clone)]
    pub(super) type Endpoint;

    #[wasm_bindgen(method, catch, js_name = postMessage)]
    pub(super) fn post(this: &Endpoint, message: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = postMessage)]
    pub(super) fn post_with(this: &Endpoint, message: &JsValue, transfer: &Array) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = addEventListener)]
    pub(super) fn listen(this: &Endpoint, kind: &str, listener: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = removeEventListener)]
    pub(super) fn unlisten(this: &Endpoint, kind: &str, listener: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn start(this: &Endpoint) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn close(this: &Endpoint) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn terminate(this: &Endpoint) -> Result<(), JsValue>;

    /// A message event.
    pub(super) type Said;

    #[wasm_bindgen(method, getter)]
    pub(super) fn data(this: &Said) -> JsValue;

    #[wasm_bindgen(js_name = BroadcastChannel)]
    pub(super) type Broadcast;

    #[wasm_bindgen(constructor, catch, js_class = "BroadcastChannel")]
    pub(super) fn new(name: &str) -> Result<Broadcast, JsValue>;

    #[wasm_bindgen(js_name = MessageChannel)]
    pub(super) type PortPair;

    #[wasm_bindgen(constructor, catch, js_class = "MessageChannel")]
    pub(super) fn new() -> Result<PortPair, JsValue>;

    #[wasm_bindgen(method, getter)]
    pub(super) fn port1(this: &PortPair) -> JsValue;

    #[wasm_bindgen(method, getter)]
    pub(super) fn port2(this: &PortPair) -> JsValue;

    /// `navigator.locks`.
    #[derive(Clone)]
    pub(super) type Locks;

    #[wasm_bindgen(method, catch)]
    pub(super) fn request(this: &Locks, name: &str, options: &Object, granted: &Function) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn query(this: &Locks) -> Result<Promise, JsValue>;

    /// `URL`: tools that replace `Worker` leave one made of such an object alone.
    #[wasm_bindgen(js_name = URL)]
    pub(super) type UrlObject;

    #[wasm_bindgen(constructor, catch, js_class = "URL")]
    pub(super) fn new(url: &str, base: &str) -> Result<UrlObject, JsValue>;

    #[wasm_bindgen(js_name = Worker)]
    pub(super) type UrlWorker;

    #[wasm_bindgen(constructor, catch, js_class = "Worker")]
    pub(super) fn new(url: &UrlObject, options: &web_sys::WorkerOptions) -> Result<UrlWorker, JsValue>;

    #[wasm_bindgen(js_name = SharedWorker)]
    pub(super) type UrlSharedWorker;

    #[wasm_bindgen(constructor, catch, js_class = "SharedWorker")]
    pub(super) fn new(url: &UrlObject, options: &web_sys::WorkerOptions) -> Result<UrlSharedWorker, JsValue>;

    #[wasm_bindgen(catch, js_namespace = crypto, js_name = getRandomValues)]
    fn fill_randomly(bytes: &Uint8Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_namespace = console, js_name = info)]
    pub(super) fn console_info(line: &str);

    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    pub(super) fn date_now() -> f64;
}

/// A property that exists.
pub(super) fn member(object: &JsValue, key: &str) -> Option<JsValue> {
    Reflect::get(object, &key.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

/// A property that is a text.
pub(super) fn text_of(object: &JsValue, key: &str) -> Option<String> {
    member(object, key).and_then(|value| value.as_string())
}

/// Web Locks, where there are any. Those of Node are shown to the thread that holds them only, and a channel between threads
/// would keep the process.
pub(super) fn locks() -> Option<Locks> {
    let navigator = member(&js_sys::global(), "navigator")?;
    if text_of(&navigator, "userAgent").is_some_and(|agent| agent.starts_with("Node.js/")) {
        return None;
    }
    Some(member(&navigator, "locks")?.unchecked_into())
}

/// Whether there is a class of this name.
pub(super) fn has_class(name: &str) -> bool {
    member(&js_sys::global(), name).is_some_and(|class| class.is_function())
}

/// A number that nobody else has, and not 0.
pub(super) fn random() -> u64 {
    let bytes = Uint8Array::new_with_length(8);
    // Every browser that runs this has it; a page that took it away gets numbers that are good enough among few tabs.
    if fill_randomly(&bytes).is_err() {
        return (js_sys::Math::random() * 9e15) as u64 + 1;
    }
    let mut number = [0; 8];
    bytes.copy_to(&mut number);
    u64::from_le_bytes(number).max(1)
}

/// What a thrown value says.
pub(super) fn describe(error: &JsValue) -> String {
    let message = text_of(error, "message");
    message.filter(|message| !message.is_empty()).unwrap_or_else(|| format!("{error:?}"))
}
