//! One way to a worker: over the worker itself, over a port to it, or over a broadcast channel that only two know.

use super::buffer::Buffer;
use super::js::{Broadcast, Endpoint, PortPair, describe, member, text_of};
use aludel_protocol::{FATAL, Reply};
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// What a link says.
pub(super) enum Heard {
    /// Whoever is at the other end takes frames.
    Ready,
    /// A frame.
    Frame(Buffer),
    /// The other end is broken: nothing follows.
    Broke(String),
    /// The worker holds this lock as long as it lives.
    Lives(String),
    /// The worker has forgotten a client.
    Left(String),
    /// A port came from another page: over the broker only.
    Port(JsValue),
}

/// Takes what a link says.
pub(super) type Hear = Rc<dyn Fn(Heard)>;

pub(super) type Listener = Closure<dyn FnMut(JsValue)>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Worker,
    Port,
    Broadcast,
}

/// One way to a worker. It ends when it is dropped.
pub(super) struct Link {
    end: Endpoint,
    kind: Kind,
    ready: Rc<Cell<bool>>,
    listeners: RefCell<Vec<(&'static str, Listener)>>,
}

impl Link {
    /// A link to a worker of one's own, which ends with the link.
    pub(super) fn worker(worker: JsValue, hear: &Hear) -> Result<Link, JsValue> {
        let link = Link::over(worker, Kind::Worker, hear)?;
        let broken = hear.clone();
        link.listen("messageerror", move |_| broken(Heard::Broke("a message of the worker could not be read".into())))?;
        let (broken, ready) = (hear.clone(), link.ready.clone());
        link.listen("error", move |event| {
            let what = if ready.get() { "the worker broke" } else { "the worker could not be loaded" };
            let message = text_of(&event, "message").map_or(String::new(), |message| format!(": {message}"));
            broken(Heard::Broke(format!("{what}{message}")));
        })?;
        Ok(link)
    }

    /// A link over a port.
    pub(super) fn port(port: JsValue, hear: &Hear) -> Result<Link, JsValue> {
        let link = Link::over(port, Kind::Port, hear)?;
        link.end.start()?;
        Ok(link)
    }

    /// A link over the broadcast channel of this name.
    pub(super) fn broadcast(name: &str, hear: &Hear) -> Result<Link, JsValue> {
        Link::over(Broadcast::new(name)?.into(), Kind::Broadcast, hear)
    }

    fn over(end: JsValue, kind: Kind, hear: &Hear) -> Result<Link, JsValue> {
        let link = Link { end: end.unchecked_into(), kind, ready: Rc::default(), listeners: RefCell::default() };
        let (hear, ready) = (hear.clone(), link.ready.clone());
        link.listen("message", move |event| {
            let Some(data) = member(&event, "data") else { return };
            if let Some(heard) = read(data) {
                if matches!(heard, Heard::Ready) {
                    ready.set(true);
                }
                hear(heard);
            }
        })?;
        Ok(link)
    }

    fn listen(&self, kind: &'static str, act: impl FnMut(JsValue) + 'static) -> Result<(), JsValue> {
        let listener = Listener::new(act);
        self.end.listen(kind, listener.as_ref())?;
        self.listeners.borrow_mut().push((kind, listener));
        Ok(())
    }

    /// Whether the other end takes frames.
    pub(super) fn is_ready(&self) -> bool {
        self.ready.get()
    }

    /// Sends a frame, and gives its buffer away.
    pub(super) fn post(&self, frame: &Uint8Array) -> Result<(), String> {
        let posted = match self.kind {
            Kind::Broadcast => self.end.post(frame),
            Kind::Worker | Kind::Port => self.end.post_with(frame, &Array::of1(&frame.buffer())),
        };
        posted.map_err(|error| describe(&error))
    }

    /// Sends an object with these properties; one of them may be a port, which goes over to the other side.
    pub(super) fn tell(&self, properties: &[(&str, JsValue)], port: Option<&JsValue>) {
        let message = Object::new();
        for (key, value) in properties {
            // A new object takes any property.
            let _ = Reflect::set(&message, &(*key).into(), value);
        }
        let transfer = Array::new();
        if let Some(port) = port {
            let _ = Reflect::set(&message, &"port".into(), port);
            transfer.push(port);
        }
        // Whoever waits for the effect asks again.
        let _ = self.end.post_with(&message, &transfer);
    }

    /// The two ends of a new pair of ports.
    pub(super) fn pair() -> Result<(JsValue, JsValue), JsValue> {
        let pair = PortPair::new()?;
        Ok((pair.port1(), pair.port2()))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let listeners = self.listeners.take();
        for (kind, listener) in &listeners {
            // A worker that is gone cannot be told.
            let _ = self.end.unlisten(kind, listener.as_ref());
        }
        let _ = match self.kind {
            Kind::Worker => self.end.terminate(),
            Kind::Port | Kind::Broadcast => self.end.close(),
        };
        // This may run inside one of the listeners, which must outlive its own call.
        spawn_local(async move { drop(listeners) });
    }
}

fn read(data: JsValue) -> Option<Heard> {
    if let Some(text) = data.as_string() {
        return match text.split_once(':') {
            None if text == "ready" => Some(Heard::Ready),
            Some(("fatal", message)) => Some(Heard::Broke(message.to_owned())),
            Some(("lives", lock)) => Some(Heard::Lives(lock.to_owned())),
            Some(("left", client)) => Some(Heard::Left(client.to_owned())),
            _ => None,
        };
    }
    let view = match data.dyn_ref::<ArrayBuffer>() {
        Some(buffer) => Uint8Array::new(buffer),
        None => match data.dyn_into::<Uint8Array>() {
            Ok(view) => view,
            Err(other) => return Some(Heard::Port(other)),
        },
    };
    if view.length() > 2
        && view.get_index(2) == FATAL
        && let Ok((_, Reply::Fatal { message })) = Reply::decode(&view.to_vec())
    {
        return Some(Heard::Broke(format!("the worker broke: {message}")));
    }
    Some(Heard::Frame(Buffer::from_js(view)))
}
