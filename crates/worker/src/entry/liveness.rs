//! Which guests live: each holds a Web Lock, and the browser gives it to who waits for it when the guest is gone.

use js_sys::{Function, Object, Promise, Reflect};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

#[wasm_bindgen]
extern "C" {
    type Locks;
    #[wasm_bindgen(catch, method)]
    fn request(this: &Locks, name: &str, options: &Object, granted: &Function) -> Result<Promise, JsValue>;
}

/// Waits for the death of a guest until it is dropped.
pub(super) struct Watch {
    over: Rc<Cell<bool>>,
    abort: Option<AbortController>,
}

impl Watch {
    /// Calls `gone` when the guest is gone. Where there are no locks, it is never called: such a guest would have found
    /// no host either.
    pub(super) fn over(client: &str, gone: impl FnOnce() + 'static) -> Watch {
        let navigator = Reflect::get(&js_sys::global(), &"navigator".into());
        let locks = navigator.and_then(|navigator| Reflect::get(&navigator, &"locks".into()));
        let over = Rc::new(Cell::new(false));
        let Some(locks) = locks.ok().filter(JsValue::is_object) else { return Watch { over, abort: None } };
        let options = Object::new();
        // A new object takes any property.
        let _ = Reflect::set(&options, &"mode".into(), &"shared".into());
        let abort = AbortController::new().ok();
        if let Some(abort) = &abort {
            let _ = Reflect::set(&options, &"signal".into(), &abort.signal());
        }
        let (mut gone, dropped) = (Some(gone), over.clone());
        let granted = Closure::<dyn FnMut(JsValue)>::new(move |_lock| {
            // An abort comes too late for a lock that is already on its way.
            if let (false, Some(gone)) = (dropped.get(), gone.take()) {
                gone();
            }
        });
        let locks: Locks = locks.unchecked_into();
        let requested = locks.request(&format!("aludel-tab:{client}"), &options, granted.as_ref().unchecked_ref());
        spawn_local(async move {
            if let Ok(promise) = requested {
                // It fails when it is aborted; until then the browser may call back.
                let _ = JsFuture::from(promise).await;
            }
            drop(granted);
        });
        Watch { over, abort }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.set(true);
        if let Some(abort) = &self.abort {
            abort.abort();
        }
    }
}
