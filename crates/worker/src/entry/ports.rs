//! Where replies go: to the page of this worker, or to the tab that its client lives in.

use super::liveness::Watch;
use super::outbox::{Outbox, Way};
use aludel_protocol::SMALL_FRAME;
use js_sys::{ArrayBuffer, Uint8Array};
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, DedicatedWorkerGlobalScope, MessageEvent, MessagePort};

/// Where in a frame the id of its client stands.
const CLIENT_AT: std::ops::Range<usize> = 16..24;

/// The other end of a guest's way to this worker.
pub(super) enum End {
    /// A port that the broker carried. Frames are given away.
    Port(MessagePort),
    /// A broadcast channel that only two know. Frames are copied.
    Broadcast(BroadcastChannel),
}

impl End {
    /// Takes a port, or the name of a broadcast channel.
    pub(super) fn of(end: JsValue) -> Result<End, JsValue> {
        match end.as_string() {
            Some(name) => BroadcastChannel::new(&name).map(End::Broadcast),
            None => Ok(End::Port(end.unchecked_into())),
        }
    }

    fn listen(&self, listener: Option<&js_sys::Function>) {
        match self {
            End::Port(port) => port.set_onmessage(listener),
            End::Broadcast(channel) => channel.set_onmessage(listener),
        }
    }

    fn way(&self) -> &Way {
        match self {
            End::Port(port) => port.unchecked_ref(),
            End::Broadcast(channel) => channel.unchecked_ref(),
        }
    }
}

/// A tab that is a guest of this worker's.
struct Guest {
    end: End,
    /// Frames arrive through it.
    _listener: Closure<dyn FnMut(MessageEvent)>,
    /// Tells when the tab is gone.
    _watch: Watch,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.end.listen(None);
        match &self.end {
            End::Port(port) => port.close(),
            End::Broadcast(channel) => channel.close(),
        }
    }
}

/// The page of this worker, and its guests.
pub(super) struct Ports {
    scope: DedicatedWorkerGlobalScope,
    /// The client of the page, once it has sent a frame.
    own: Cell<Option<u64>>,
    guests: HashMap<u64, Guest>,
    outbox: Rc<Outbox>,
}

impl Ports {
    pub(super) fn new(scope: DedicatedWorkerGlobalScope) -> Ports {
        Ports { scope, own: Cell::new(None), guests: HashMap::new(), outbox: Outbox::get() }
    }

    /// Notes whose frame came from the page.
    pub(super) fn note_own(&self, frame: &[u8]) {
        if self.own.get().is_none() {
            self.own.set(client_of(frame));
        }
    }

    /// The frames that wait for others.
    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Takes a guest, whose messages go to `receive`.
    pub(super) fn add(&mut self, client: u64, end: End, watch: Watch, receive: impl Fn(Vec<u8>) + 'static) {
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Ok(message) = event.data().dyn_into::<Uint8Array>() {
                receive(message.to_vec());
            }
        });
        end.listen(Some(listener.as_ref().unchecked_ref()));
        end.way().post_alone(&"ready".into(), false);
        self.guests.insert(client, Guest { end, _listener: listener, _watch: watch });
    }

    /// Forgets a guest. What is still said to it goes nowhere.
    pub(super) fn remove(&mut self, client: u64) -> bool {
        self.outbox.forget(client);
        self.guests.remove(&client).is_some()
    }

    /// Tells the page that a guest is gone.
    pub(super) fn say_left(&self, client: &str) {
        // It cannot fail: a text can always be sent.
        let _ = self.scope.post_message(&format!("left:{client}").into());
    }

    /// Sends a frame to a client, now or soon: see [`Outbox`].
    pub(super) fn send(&self, client: u64, parts: &[&[u8]], now: f64) {
        let (way, gives): (&Way, bool) = match self.guests.get(&client) {
            Some(guest) => (guest.end.way(), matches!(guest.end, End::Port(_))),
            None if client == 0 || self.own.get() == Some(client) => (self.scope.unchecked_ref(), true),
            // Its tab is gone.
            None => return,
        };
        if parts.iter().map(|part| part.len()).sum::<usize>() <= SMALL_FRAME {
            self.outbox.push(client, way, parts, now);
        } else {
            self.outbox.flush_of(client);
            way.post_alone(&joined(parts), gives);
        }
    }
}

/// Who sends a frame.
pub(super) fn client_of(frame: &[u8]) -> Option<u64> {
    let bytes = frame.get(CLIENT_AT)?;
    bytes.try_into().ok().map(u64::from_le_bytes)
}

/// The parts of a frame in one buffer of JavaScript's.
fn joined(parts: &[&[u8]]) -> ArrayBuffer {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let buffer = ArrayBuffer::new(length as u32);
    let (bytes, mut at) = (Uint8Array::new(&buffer), 0);
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let end = at + part.len() as u32;
        bytes.subarray(at, end).copy_from(part);
        at = end;
    }
    buffer
}
