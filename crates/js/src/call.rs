//! How long a call may take, and the signal that aborts it.

use crate::error::thrown;
use aludel::{CallOptions, CancelToken};
use js_sys::Promise;
use std::pin::Pin;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

/// Runs a call to its end, as a promise. Boxing it keeps the wasm small: an exported `async fn` brings a copy of all that
/// drives a promise, and this is the only one.
pub fn promise<T: Into<JsValue>>(call: impl Future<Output = aludel::Result<T>> + 'static) -> Promise {
    let call: Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>> =
        Box::pin(async { call.await.map(Into::into).map_err(thrown) });
    wasm_bindgen_futures::future_to_promise(call)
}

/// The answer of a call that gives nothing.
pub fn nothing<T>(_: T) -> JsValue {
    JsValue::UNDEFINED
}

#[wasm_bindgen]
extern "C" {
    /// `NativeCall` of call.ts, which has checked it.
    pub type Call;
    #[wasm_bindgen(method, getter)]
    fn timeout(this: &Call) -> f64;
    #[wasm_bindgen(method, getter)]
    fn signal(this: &Call) -> Option<AbortSignal>;
    #[wasm_bindgen(method, getter = yieldPer)]
    fn yield_per(this: &Call) -> f64;
}

/// The options of a running call. While it lives, the signal cancels the call.
pub struct Running {
    options: CallOptions,
    _abort: Option<Abort>,
}

impl Running {
    /// Takes the options of a call and listens to its signal.
    pub fn new(call: &Call) -> Running {
        let mut options = CallOptions::new();
        let timeout = call.timeout();
        if timeout > 0.0 {
            options = options.timeout(Duration::try_from_secs_f64(timeout / 1000.0).unwrap_or(Duration::MAX));
        }
        let yield_per = call.yield_per();
        if yield_per >= 1.0 {
            options = options.yield_per(yield_per as usize);
        }
        let abort = call.signal().map(|signal| {
            let token = CancelToken::new();
            options = std::mem::take(&mut options).cancel(&token);
            Abort::new(signal, token)
        });
        Running { options, _abort: abort }
    }

    /// The same in Rust. A method, not a field: a closure that took only the field would let the signal go.
    pub fn options(&self) -> &CallOptions {
        &self.options
    }
}

/// A listener of a signal, which goes when it is dropped.
struct Abort {
    signal: AbortSignal,
    listener: Closure<dyn Fn()>,
}

impl Abort {
    fn new(signal: AbortSignal, token: CancelToken) -> Abort {
        if signal.aborted() {
            token.cancel();
        }
        let listener = Closure::<dyn Fn()>::new(move || token.cancel());
        // Fails for no event target, and a signal is one.
        let _ = signal.add_event_listener_with_callback("abort", listener.as_ref().unchecked_ref());
        Abort { signal, listener }
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        let _ = self.signal.remove_event_listener_with_callback("abort", self.listener.as_ref().unchecked_ref());
    }
}
