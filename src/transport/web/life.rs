//! The life of a page: leaving, being frozen, coming back. In a worker nothing is heard of it.

use super::js::{Endpoint, member, text_of};
use super::link::Listener;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// What happens to a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// It goes, and will not come back.
    Ends,
    /// It stops, and may come back: it is kept for the "back" button, or frozen.
    Stops,
    /// It comes back.
    Resumes,
}

/// Listens to the life of the page until it is dropped.
pub(super) struct Life {
    listeners: Vec<(Endpoint, &'static str, Listener)>,
}

impl Life {
    /// Calls `tell` at each moment.
    pub(super) fn watch(tell: impl Fn(Moment) + Clone + 'static) -> Life {
        let global: JsValue = js_sys::global().into();
        let mut life = Life { listeners: Vec::new() };
        // Only a window has a document.
        let Some(document) = member(&global, "document") else { return life };
        let kept = |event: &JsValue| member(event, "persisted").and_then(|kept| kept.as_bool()) == Some(true);
        let told = tell.clone();
        life.listen(&global, "pagehide", move |event| told(if kept(&event) { Moment::Stops } else { Moment::Ends }));
        let told = tell.clone();
        life.listen(&global, "pageshow", move |_| told(Moment::Resumes));
        let told = tell.clone();
        life.listen(&document, "freeze", move |_| told(Moment::Stops));
        life.listen(&document, "resume", move |_| tell(Moment::Resumes));
        life
    }

    fn listen(&mut self, target: &JsValue, kind: &'static str, act: impl FnMut(JsValue) + 'static) {
        let target: Endpoint = target.clone().unchecked_into();
        let listener = Listener::new(act);
        if target.listen(kind, listener.as_ref()).is_ok() {
            self.listeners.push((target, kind, listener));
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let listeners = std::mem::take(&mut self.listeners);
        for (target, kind, listener) in &listeners {
            let _ = target.unlisten(kind, listener.as_ref());
        }
        // This may run inside one of the listeners, which must outlive its own call.
        spawn_local(async move { drop(listeners) });
    }
}

/// Whether nobody can see the page. A worker does not know, and counts as seen.
pub(super) fn is_hidden() -> bool {
    let document = member(&js_sys::global(), "document");
    document.and_then(|document| text_of(&document, "visibilityState")).as_deref() == Some("hidden")
}
