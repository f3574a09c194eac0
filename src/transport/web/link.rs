//! One way to a worker: over the worker itself, over a port to it, or over a broadcast channel that only two know.

use super::buffer::{Buffer, Frame, SMALL};
use super::js::{Broadcast, Endpoint, PortPair, Said, describe, text_of};
use crate::transport::Inbox;
use aludel_protocol::{Bundle, CANCEL, FATAL, HELLO, LONGEST_BUNDLE, Reply, frames, is_bundle};
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

/// Where in a frame its kind stands.
const KIND_AT: u32 = 2;

/// One way to a worker. It ends when it is dropped.
pub(super) struct Link {
    out: Rc<Out>,
    ready: Rc<Cell<bool>>,
    listeners: RefCell<Vec<(&'static str, Listener)>>,
}

/// Where frames go out. The small ones of one turn share messages.
struct Out {
    end: Endpoint,
    kind: Kind,
    waiting: RefCell<Bundle>,
    /// Whether they will leave when all is done that is under way.
    due: Cell<bool>,
    /// Whether some have left before that, for what cancels a call.
    hurried: Cell<bool>,
    over: Cell<bool>,
}

impl Out {
    fn flush(&self) -> Result<(), String> {
        if self.over.get() {
            return Ok(());
        }
        // A small message is copied sooner than its buffer is given away.
        let posted = self.waiting.borrow_mut().send(|message| self.end.post(&Uint8Array::from(message)));
        posted.unwrap_or(Ok(())).map_err(|error| describe(&error))
    }

    fn post(&self, frame: &Frame) -> Result<(), String> {
        match frame {
            // Alone, any version can read it.
            Frame::Small(bytes) if bytes.get(KIND_AT as usize) == Some(&HELLO) => {
                self.flush()?;
                self.waiting.borrow_mut().push(&[bytes]);
                self.flush()
            }
            Frame::Small(bytes) => {
                let mut waiting = self.waiting.borrow_mut();
                waiting.push(&[bytes]);
                // What is under way may be errors that are made of long texts. A thousand calls of one signal are few messages all the same.
                let is_first_cancel = bytes.get(KIND_AT as usize) == Some(&CANCEL) && !self.hurried.replace(true);
                let leaves = waiting.is_full() || is_first_cancel;
                drop(waiting);
                if leaves { self.flush() } else { Ok(()) }
            }
            Frame::Large(view) => {
                self.flush()?;
                let posted = match self.kind {
                    Kind::Broadcast => self.end.post(view),
                    Kind::Worker | Kind::Port => self.end.post_with(view, &Array::of1(&view.buffer())),
                };
                posted.map_err(|error| describe(&error))
            }
        }
    }
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
        link.out.end.start()?;
        Ok(link)
    }

    /// A link over the broadcast channel of this name.
    pub(super) fn broadcast(name: &str, hear: &Hear) -> Result<Link, JsValue> {
        Link::over(Broadcast::new(name)?.into(), Kind::Broadcast, hear)
    }

    fn over(end: JsValue, kind: Kind, hear: &Hear) -> Result<Link, JsValue> {
        let out = Out {
            end: end.unchecked_into(),
            kind,
            waiting: RefCell::default(),
            due: Cell::new(false),
            hurried: Cell::new(false),
            over: Cell::new(false),
        };
        let link = Link { out: Rc::new(out), ready: Rc::default(), listeners: RefCell::default() };
        let (hear, ready, out) = (hear.clone(), link.ready.clone(), link.out.clone());
        link.listen("message", move |event| {
            for heard in read(event.unchecked_ref::<Said>().data()) {
                // What came first may have ended it.
                if out.over.get() {
                    return;
                }
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
        self.out.end.listen(kind, listener.as_ref())?;
        self.listeners.borrow_mut().push((kind, listener));
        Ok(())
    }

    /// Whether the other end takes frames.
    pub(super) fn is_ready(&self) -> bool {
        self.ready.get()
    }

    /// Sends a frame: a large one at once, and its buffer is given away; a small one with others, when all is done that is
    /// under way, or at once with those before it if it is the first that cancels. What cannot be sent is told to the inbox.
    pub(super) fn post(&self, frame: &Frame, inbox: &Inbox) {
        let failed = self.out.post(frame).err();
        if failed.is_none() && self.out.due.replace(true) {
            return;
        }
        // The caller may be in the middle of sending: its waiter must exist before it is rejected.
        let (out, inbox) = (self.out.clone(), inbox.clone());
        spawn_local(async move {
            out.due.set(false);
            out.hurried.set(false);
            if let Some(message) = failed.or_else(|| out.flush().err()) {
                inbox.fatal(&format!("the worker cannot be reached: {message}"));
            }
        });
    }

    /// Sends a frame at once, whether or not it arrives.
    pub(super) fn post_now(&self, frame: &Frame) {
        let _ = self.out.post(frame).and_then(|()| self.out.flush());
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
        let _ = self.out.flush();
        let _ = self.out.end.post_with(&message, &transfer);
    }

    /// The two ends of a new pair of ports.
    pub(super) fn pair() -> Result<(JsValue, JsValue), JsValue> {
        let pair = PortPair::new()?;
        Ok((pair.port1(), pair.port2()))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.out.over.set(true);
        let listeners = self.listeners.take();
        for (kind, listener) in &listeners {
            // A worker that is gone cannot be told.
            let _ = self.out.end.unlisten(kind, listener.as_ref());
        }
        let _ = match self.out.kind {
            Kind::Worker => self.out.end.terminate(),
            Kind::Port | Kind::Broadcast => self.out.end.close(),
        };
        // This may run inside one of the listeners, which must outlive its own call.
        spawn_local(async move { drop(listeners) });
    }
}

/// What a message says.
fn read(data: JsValue) -> Vec<Heard> {
    let view = match data.dyn_into::<ArrayBuffer>() {
        Ok(buffer) => Uint8Array::new(&buffer),
        Err(data) => match data.dyn_into::<Uint8Array>() {
            Ok(view) => view,
            Err(other) => return read_word(other).into_iter().collect(),
        },
    };
    let length = view.length();
    let is_large = length > LONGEST_BUNDLE as u32 || (length > SMALL && !is_bundle(&[view.get_index(0)]));
    if is_large && view.get_index(KIND_AT) != FATAL {
        return vec![Heard::Frame(Buffer::message(view))];
    }
    let bytes = view.to_vec();
    // What breaks the protocol is refused as a frame that does.
    let parts = frames(&bytes).unwrap_or_else(|_| std::iter::once(0..bytes.len()).collect());
    Buffer::parts(view, bytes, parts).map(read_frame).collect()
}

fn read_frame(frame: Buffer) -> Heard {
    if let Some(bytes) = frame.here()
        && bytes.get(KIND_AT as usize) == Some(&FATAL)
        && let Ok((_, Reply::Fatal { message })) = Reply::decode(bytes)
    {
        return Heard::Broke(format!("the worker broke: {message}"));
    }
    Heard::Frame(frame)
}

fn read_word(data: JsValue) -> Option<Heard> {
    let Some(text) = data.as_string() else {
        return (!data.is_undefined() && !data.is_null()).then_some(Heard::Port(data));
    };
    match text.split_once(':') {
        None if text == "ready" => Some(Heard::Ready),
        Some(("fatal", message)) => Some(Heard::Broke(message.to_owned())),
        Some(("lives", lock)) => Some(Heard::Lives(lock.to_owned())),
        Some(("left", client)) => Some(Heard::Left(client.to_owned())),
        _ => None,
    }
}
