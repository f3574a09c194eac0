//! The life of a page: leaving, being frozen, coming back. In a worker nothing is heard of it.
//!
//! A page that is left gives all up at once, whether it will be kept or not: one that is kept while it holds a lock or a
//! file would hold up every other tab, and one that is frozen answers nobody.

use super::js::{Endpoint, member, text_of};
use super::link::Listener;
use super::tab::{Role, Tab};
use super::talk::Line;
use crate::transport::Loss;
use aludel_protocol::Request;
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

impl Tab {
    pub(super) fn live(&self, moment: Moment) {
        match (moment, self.role()) {
            (_, Role::Ended) => {}
            (Moment::Resumes, Role::Away) => {
                self.parting.take();
                if self.owes_loss.replace(false) {
                    self.lost.set(true);
                    self.inbox.lost(Loss::Gone);
                }
                if matches!(self.role(), Role::Away)
                    && let Err(error) = self.start()
                {
                    self.inbox.refuse(error);
                }
            }
            (Moment::Resumes, _) | (_, Role::Away) => {}
            (Moment::Ends | Moment::Stops, _) => self.put_away(moment == Moment::Ends),
        }
    }

    /// Gives all up at once: another tab takes over.
    fn put_away(&self, for_good: bool) {
        let role = self.change_role(Role::Away);
        match &role {
            Role::Host(host) => {
                self.say(&Line::Gone { host: host.id.clone() });
                if for_good && !host.has_guests() {
                    // It may get to it; in any case it ends with the page. Guests would hear of it too early.
                    host.link.post_now(&self.frame(&Request::Shutdown));
                    *self.parting.borrow_mut() = Some(host.clone());
                }
            }
            Role::Guest(guest) if guest.has_joined() => {
                guest.post_now(&self.frame(&Request::Leave));
            }
            _ => {}
        }
        self.presence.take();
        self.owes_loss.set(self.owes_loss.get() || self.sent.replace(false));
        if self.is_lingering() {
            self.close();
        }
    }
}
