//! Who listens to an engine, and how what its worker says becomes events.

use super::{Blocked, BlockedBy, Blocker, Change, Event, EventKind, Party, Tab};
use crate::transport::{Channel, Listening};
use aludel_protocol::{self as protocol, Notice, Obstacle};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::{Rc, Weak};
use std::time::Duration;

/// Who listens to an engine.
#[derive(Default)]
pub(crate) struct Events {
    listeners: RefCell<Vec<Entry>>,
    next: Cell<u64>,
    channel: RefCell<Weak<Channel>>,
    /// Whether there was a channel since it was last forgotten who listens.
    told: Cell<bool>,
    own: RefCell<Own>,
    /// Listens to the worker; whether to changes, too.
    listening: RefCell<Option<(bool, Listening)>>,
}

struct Entry {
    id: u64,
    once: bool,
    kind: EventKind,
    tell: Rc<dyn Fn(&Event)>,
}

/// The numbers of the engine's connections; other engines have others.
#[derive(Default)]
struct Own {
    open: Vec<u32>,
    /// Those that were closed last. What they committed may not have been told yet.
    closed: VecDeque<u32>,
}

/// How many connections that were closed are remembered.
const MOST_CLOSED: usize = 64;

impl Own {
    fn close(&mut self, id: u32) {
        if let Some(at) = self.open.iter().position(|open| *open == id) {
            self.open.swap_remove(at);
            if self.closed.len() == MOST_CLOSED {
                self.closed.pop_front();
            }
            self.closed.push_back(id);
        }
    }

    fn has(&self, id: u32) -> bool {
        self.open.contains(&id) || self.closed.contains(&id)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("listeners", &self.listeners.borrow().len()).finish_non_exhaustive()
    }
}

impl Events {
    pub(crate) fn listen(self: &Rc<Events>, kind: EventKind, tell: impl Fn(&Event) + 'static) -> Listener {
        let id = self.next.replace(self.next.get() + 1);
        self.listeners.borrow_mut().push(Entry { id, once: false, kind, tell: Rc::new(tell) });
        self.tune();
        let registry: Rc<dyn Registry> = self.clone();
        Listener::new(&registry, id)
    }

    /// Tells those who listen now.
    pub(crate) fn emit(self: &Rc<Events>, event: &Event) {
        let kind = event.kind();
        // A listener may add and remove others.
        let tell: Vec<_> = {
            let listeners = self.listeners.borrow();
            listeners
                .iter()
                .filter(|entry| entry.kind == kind)
                .map(|entry| (entry.once.then_some(entry.id), entry.tell.clone()))
                .collect()
        };
        let ends = tell.iter().any(|(ends, _)| ends.is_some());
        for (ends, tell) in tell {
            if let Some(id) = ends {
                self.forget(id);
            }
            tell(event);
        }
        if ends {
            self.tune();
        }
    }

    fn forget(&self, id: u64) {
        let at = self.listeners.borrow().iter().position(|entry| entry.id == id);
        // What it owns is dropped when nothing is borrowed any more.
        let _entry = at.map(|at| self.listeners.borrow_mut().remove(at));
    }

    /// Forgets all listeners.
    pub(crate) fn clear(self: &Rc<Events>) {
        let listeners = self.listeners.take();
        drop(listeners);
        self.told.set(false);
        self.tune();
    }

    /// Listens to the worker of this channel from now on. What was committed since the last channel ended was not told.
    pub(crate) fn attach(self: &Rc<Events>, channel: &Rc<Channel>) {
        if !std::ptr::eq(self.channel.borrow().as_ptr(), Rc::as_ptr(channel)) {
            *self.channel.borrow_mut() = Rc::downgrade(channel);
            self.own.take();
            self.listening.take();
            channel.add_events(self);
            self.tune();
            if self.told.replace(true) {
                self.emit(&Event::Change(Change::missed()));
            }
        }
    }

    /// A connection of this number is opened for the engine.
    pub(crate) fn owns(&self, connection: u32) {
        self.own.borrow_mut().open.push(connection);
    }

    /// It is closed.
    pub(crate) fn closes(&self, channel: &Rc<Channel>, connection: u32) {
        if std::ptr::eq(self.channel.borrow().as_ptr(), Rc::as_ptr(channel)) {
            self.own.borrow_mut().close(connection);
        }
    }

    /// Asks the worker for what somebody listens to, and for no more.
    fn tune(self: &Rc<Events>) {
        let Some(channel) = self.channel.borrow().upgrade() else { return };
        let (changes, any) = {
            let listeners = self.listeners.borrow();
            (listeners.iter().any(|entry| entry.kind == EventKind::Change), !listeners.is_empty())
        };
        if self.listening.borrow().as_ref().map(|(changes, _)| *changes) == any.then_some(changes) {
            return;
        }
        let (events, of) = (Rc::downgrade(self), Rc::downgrade(&channel));
        let hear: Rc<dyn Fn(&Notice)> = Rc::new(move |notice| {
            if let (Some(events), Some(channel)) = (events.upgrade(), of.upgrade()) {
                events.hear(&channel, notice);
            }
        });
        let new = match (any, changes) {
            (false, _) => None,
            (true, true) => Some((true, channel.listen_to_changes(hear))),
            (true, false) => Some((false, channel.listen(hear))),
        };
        // The old one ends after the new one has begun, so that the worker is asked for no more than the difference.
        let _old = self.listening.replace(new);
    }

    fn hear(self: &Rc<Events>, channel: &Channel, notice: &Notice) {
        match notice {
            Notice::Changed(commits) => commits.iter().for_each(|commit| {
                let (tables, tab) = (commit.tables.clone(), tab(channel, commit.by));
                let own = tab == Tab::This && self.own.borrow().has(commit.by.connection);
                self.emit(&Event::Change(Change { tables, schema: commit.schema, tab, own, missed: false }));
            }),
            Notice::Blocked(blocked) => self.emit(&Event::Blocked(translate(channel, blocked))),
            // The channel itself answers.
            Notice::Holding => {}
        }
    }
}

fn tab(channel: &Channel, party: protocol::Party) -> Tab {
    if party.client == channel.client() { Tab::This } else { Tab::Other }
}

fn translate(channel: &Channel, blocked: &protocol::Blocked) -> Blocked {
    let site = |party: protocol::Party| match tab(channel, party) {
        Tab::This => channel.site(party.connection),
        Tab::Other => None,
    };
    let (waiter, holder) = (blocked.waiter, blocked.holder);
    let nobody = protocol::Party { client: 0, connection: 0 };
    Blocked {
        what: match blocked.obstacle {
            Obstacle::WriteLock => BlockedBy::WriteLock,
            Obstacle::Snapshot => BlockedBy::Snapshot,
        },
        waited: Duration::from_millis(blocked.waited.into()),
        waiter: (waiter != nobody).then(|| Party { site: site(waiter), tab: tab(channel, waiter) }),
        holders: vec![Blocker {
            site: blocked.site.clone().or_else(|| site(holder)),
            tab: tab(channel, holder),
            age: Duration::from_millis(blocked.held.into()),
            idle: None,
        }],
        log_bytes: blocked.log_bytes,
    }
}

/// Where listeners are kept.
pub(crate) trait Registry {
    /// Forgets one.
    fn remove(self: Rc<Self>, id: u64);
    /// Has one told once.
    fn once(&self, id: u64);
}

impl Registry for Events {
    fn remove(self: Rc<Self>, id: u64) {
        self.forget(id);
        self.tune();
    }

    fn once(&self, id: u64) {
        self.listeners.borrow_mut().iter_mut().filter(|entry| entry.id == id).for_each(|entry| entry.once = true);
    }
}

/// Listens for as long as it lives.
#[must_use = "a listener that is dropped listens no more"]
pub struct Listener {
    registry: Option<Weak<dyn Registry>>,
    id: u64,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Listener {
    pub(crate) fn new(registry: &Rc<dyn Registry>, id: u64) -> Listener {
        Listener { registry: Some(Rc::downgrade(registry)), id }
    }

    fn registry(&self) -> Option<Rc<dyn Registry>> {
        self.registry.as_ref().and_then(Weak::upgrade)
    }

    /// Listens until the engine is disposed of.
    pub fn keep(mut self) {
        self.registry = None;
    }

    /// Listens to the next event only.
    pub fn once(self) -> Listener {
        if let Some(registry) = self.registry() {
            registry.once(self.id);
        }
        self
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(registry) = self.registry() {
            registry.remove(self.id);
        }
    }
}
