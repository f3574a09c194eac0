//! Small frames on their way out. Those of one turn share messages, as long as nobody waits for one of them for long.

use aludel_protocol::Bundle;
use js_sys::{Array, Uint8Array};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// How long a frame waits for others at most, in milliseconds, while its worker has something else to do.
const LONGEST_WAIT_MS: f64 = 0.5;

thread_local! {
    /// Whoever ends the worker has to find it, whatever else is borrowed.
    static OUTBOX: Rc<Outbox> = Rc::default();
}

#[wasm_bindgen]
extern "C" {
    /// The page, a port, or a broadcast channel.
    #[derive(Clone)]
    pub(super) type Way;
    #[wasm_bindgen(method, catch, js_name = postMessage)]
    fn post(this: &Way, message: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = postMessage)]
    fn give(this: &Way, message: &JsValue, transfer: &Array) -> Result<(), JsValue>;
}

impl Way {
    /// Posts a message of its own, and gives its buffer away where that can be done.
    pub(super) fn post_alone(&self, message: &JsValue, gives: bool) {
        // It cannot fail: the buffer is new and nobody else's. If it did, there would be nobody to tell; a guest that has
        // gone is noticed by its lock.
        let _ = if gives { self.give(message, &Array::of1(message)) } else { self.post(message) };
    }
}

/// What waits for whom.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: RefCell<Vec<(u64, Way, Bundle)>>,
    /// Since when the oldest frame waits, if any does.
    since: Cell<Option<f64>>,
}

impl Outbox {
    /// The one of this worker.
    pub(super) fn get() -> Rc<Outbox> {
        OUTBOX.with(Rc::clone)
    }

    /// Adds a frame for a client.
    pub(super) fn push(&self, client: u64, way: &Way, parts: &[&[u8]], now: f64) {
        let mut waiting = self.waiting.borrow_mut();
        let at = waiting.iter().position(|(other, ..)| *other == client).unwrap_or_else(|| {
            waiting.push((client, way.clone(), Bundle::default()));
            waiting.len() - 1
        });
        let (_, way, bundle) = &mut waiting[at];
        bundle.push(parts);
        if bundle.is_full() {
            send(way, bundle);
        }
        drop(waiting);
        if self.since.get().is_none() {
            self.since.set(Some(now));
        }
        self.hurry(now);
    }

    /// Whether a frame waits.
    pub(super) fn holds(&self) -> bool {
        self.since.get().is_some()
    }

    /// Sends everything, if anything has waited long enough.
    pub(super) fn hurry(&self, now: f64) {
        if self.since.get().is_some_and(|since| now - since >= LONGEST_WAIT_MS) {
            self.flush();
        }
    }

    /// Sends everything.
    pub(super) fn flush(&self) {
        if self.since.take().is_none() {
            return;
        }
        // It is borrowed only by what has trapped while it was added to.
        if let Ok(mut waiting) = self.waiting.try_borrow_mut() {
            waiting.iter_mut().for_each(|(_, way, bundle)| send(way, bundle));
        }
    }

    /// Sends what waits for a client, behind which something else follows.
    pub(super) fn flush_of(&self, client: u64) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.iter_mut().filter(|(other, ..)| *other == client).for_each(|(_, way, bundle)| send(way, bundle));
    }

    /// Drops what waits for a client that is gone.
    pub(super) fn forget(&self, client: u64) {
        self.waiting.borrow_mut().retain(|(other, ..)| *other != client);
    }
}

fn send(way: &Way, bundle: &mut Bundle) {
    // A small message is copied sooner than its buffer is given away.
    bundle.send(|message| way.post_alone(&Uint8Array::from(message).buffer(), false));
}
