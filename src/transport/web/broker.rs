//! The broker: a shared worker of the package's script, which carries a port from one page to another. Pages that were
//! built or deployed differently, and browsers without shared workers, have none in common.

use super::js::{Endpoint, Locks, locks, member, text_of};
use super::link::{Hear, Heard, Link, Listener};
use super::lock::{Lock, is_held};
use futures_timer::Delay;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// How long the broker may take to start. Without it frames travel as copies, which is no reason to wait long.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known of the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It was not asked for.
    No,
    /// It has not answered yet.
    Asked,
    /// It has, and this is its own number.
    Yes(String),
    /// There is none.
    Missing,
}

/// What the broker brings.
pub(super) enum Brought {
    /// Something changed about it.
    News,
    /// It has died: who asks for it again gets another.
    Gone,
    /// A port to the host, for this attempt to join it.
    Port { attempt: String, port: JsValue },
}

/// This page's end of the broker.
pub(super) struct Broker {
    found: RefCell<Found>,
    link: RefCell<Option<Link>>,
    /// The shared worker, which says when its script cannot be loaded.
    shared: RefCell<Option<(Endpoint, Listener)>>,
    /// Tells of its death: it runs in the process of one of the pages, and dies with that.
    watch: RefCell<Option<Lock>>,
    /// How often it was asked for.
    asks: Cell<u32>,
}

impl Broker {
    /// An end that is not connected yet.
    pub(super) fn new() -> Rc<Broker> {
        Rc::new(Broker {
            found: RefCell::new(Found::No),
            link: RefCell::default(),
            shared: RefCell::default(),
            watch: RefCell::default(),
            asks: Cell::new(0),
        })
    }

    /// What is known of it.
    pub(super) fn found(&self) -> Found {
        self.found.borrow().clone()
    }

    /// Connects, once. `client` must hold its lock: the broker forgets who does not.
    pub(super) fn connect(self: &Rc<Broker>, shared: Option<JsValue>, client: &str, bring: impl Fn(Brought) + 'static) {
        if *self.found.borrow() != Found::No {
            return;
        }
        self.found.replace(Found::Asked);
        let bring: Rc<dyn Fn(Brought)> = Rc::new(bring);
        if shared.is_none_or(|shared| self.ask(shared, client, &bring).is_none()) {
            self.settle(Found::Missing);
            return;
        }
        let ask = self.asks.get() + 1;
        self.asks.set(ask);
        let broker = Rc::downgrade(self);
        spawn_local(async move {
            Delay::new(PATIENCE).await;
            // It may have died meanwhile, and be asked for again.
            if broker.upgrade().is_some_and(|broker| broker.asks.get() == ask) {
                give_up(&broker, &bring);
            }
        });
    }

    fn ask(self: &Rc<Broker>, shared: JsValue, client: &str, bring: &Rc<dyn Fn(Brought)>) -> Option<()> {
        let port = member(&shared, "port")?;
        let shared: Endpoint = shared.unchecked_into();
        let (broker, failed) = (Rc::downgrade(self), bring.clone());
        let listener = Listener::new(move |_| give_up(&broker, &failed));
        shared.listen("error", listener.as_ref()).ok()?;
        *self.shared.borrow_mut() = Some((shared, listener));
        let (broker, bring) = (Rc::downgrade(self), bring.clone());
        let hear: Hear = Rc::new(move |heard| {
            let (Some(broker), Heard::Port(message)) = (broker.upgrade(), heard) else { return };
            if let Some(id) = text_of(&message, "broker") {
                match text_of(&message, "lives") {
                    Some(lock) => broker.watch_over(id, lock, &bring),
                    None => {
                        broker.settle(Found::Yes(id));
                        bring(Brought::News);
                    }
                }
            } else if let (Some(attempt), Some(port)) = (text_of(&message, "attempt"), member(&message, "port")) {
                bring(Brought::Port { attempt, port });
            }
        });
        let link = Link::port(port, &hear).ok()?;
        link.tell(&[("page", client.into())], None);
        *self.link.borrow_mut() = Some(link);
        Some(())
    }

    /// Takes a broker, if it is seen to live.
    fn watch_over(self: &Rc<Self>, id: String, lock: String, bring: &Rc<dyn Fn(Brought)>) {
        let Some(locks) = locks() else { return };
        let (me, bring) = (Rc::downgrade(self), bring.clone());
        spawn_local(async move {
            // One that holds no lock that is seen from here does not see that of this page either, and forgets it: pages
            // from before the data of the site was cleared have such a one.
            let seen = is_held(&locks, &lock).await;
            let Some(broker) = me.upgrade().filter(|broker| broker.found() == Found::Asked) else { return };
            if seen == Some(false) {
                broker.settle(Found::Missing);
            } else {
                broker.settle(Found::Yes(id));
                broker.notice_death(&locks, &lock, &bring);
            }
            bring(Brought::News);
        });
    }

    fn notice_death(self: &Rc<Self>, locks: &Locks, lock: &str, bring: &Rc<dyn Fn(Brought)>) {
        let (me, bring) = (Rc::downgrade(self), bring.clone());
        let died = move || {
            let Some(broker) = me.upgrade() else { return };
            broker.link.take();
            broker.forget_shared();
            broker.settle(Found::No);
            bring(Brought::Gone);
        };
        *self.watch.borrow_mut() = Some(Lock::watch(locks, lock, died));
    }

    fn forget_shared(&self) {
        if let Some((shared, listener)) = self.shared.take() {
            let _ = shared.unlisten("error", listener.as_ref());
            // This may run inside the listener, which must outlive its own call.
            spawn_local(async move { drop(listener) });
        }
    }

    fn settle(&self, found: Found) {
        self.found.replace(found);
    }

    /// Sends a port to another page.
    pub(super) fn send(&self, to: &str, attempt: &str, port: &JsValue) {
        if let Some(link) = self.link.borrow().as_ref() {
            link.tell(&[("to", to.into()), ("attempt", attempt.into())], Some(port));
        }
    }
}

fn give_up(broker: &Weak<Broker>, bring: &Rc<dyn Fn(Brought)>) {
    let Some(broker) = broker.upgrade().filter(|broker| broker.found() == Found::Asked) else { return };
    broker.settle(Found::Missing);
    bring(Brought::News);
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.forget_shared();
    }
}
