//! What the worker says unasked, and who listens to it.

use super::Channel;
use super::recovery::Phase;
use crate::listen::{Change, Event, Events};
use aludel_protocol::{Header, Notice, RepeatClass, Request};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

/// How long nobody hears that a channel is over.
const REST: Duration = Duration::from_secs(1);

/// Hears notices.
pub type Listener = Rc<dyn Fn(&Notice)>;

/// Says where a connection was taken, if that is known.
pub type Site = Rc<dyn Fn() -> Option<String>>;

/// The listeners of a channel, and what it can say of its connections.
#[derive(Default)]
pub(super) struct Notices {
    listeners: RefCell<Vec<Heard>>,
    next: Cell<u64>,
    /// Whether the host was told that somebody wants to hear of changes.
    told: Cell<bool>,
    sites: RefCell<HashMap<u32, Site>>,
    /// The events of the engines that use the channel.
    events: RefCell<Vec<Weak<Events>>>,
}

#[derive(Clone)]
struct Heard {
    id: u64,
    /// Whether it wants to hear of changes, which are sent only when somebody does.
    changes: bool,
    listener: Listener,
}

impl Notices {
    /// Whether anybody wants to hear of changes.
    fn wants_changes(&self) -> bool {
        self.listeners.borrow().iter().any(|heard| heard.changes)
    }

    fn has(&self, id: u64) -> bool {
        self.listeners.borrow().iter().any(|heard| heard.id == id)
    }
}

/// Listens until it is dropped.
#[must_use = "a listening that is dropped ends"]
pub struct Listening {
    channel: Weak<Channel>,
    id: u64,
}

impl std::fmt::Debug for Listening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listening").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let Some(channel) = self.channel.upgrade() else { return };
        channel.notices.listeners.borrow_mut().retain(|heard| heard.id != self.id);
        channel.watch();
    }
}

impl Channel {
    /// Has all notices told to `listener`; those of changes only as long as somebody listens to changes.
    pub fn listen(self: &Rc<Channel>, listener: Listener) -> Listening {
        self.add_listener(false, listener)
    }

    /// Has all notices told to `listener`, and asks the worker for those of changes.
    pub fn listen_to_changes(self: &Rc<Channel>, listener: Listener) -> Listening {
        let listening = self.add_listener(true, listener);
        self.watch();
        listening
    }

    fn add_listener(self: &Rc<Channel>, changes: bool, listener: Listener) -> Listening {
        let id = self.notices.next.replace(self.notices.next.get() + 1);
        self.notices.listeners.borrow_mut().push(Heard { id, changes, listener });
        Listening { channel: Rc::downgrade(self), id }
    }

    /// Tells the host whether anybody wants to hear of changes, unless it knows.
    pub(super) fn watch(self: &Rc<Channel>) {
        let changes = self.notices.wants_changes();
        if self.is_alive() && self.phase.get() == Phase::Live && self.notices.told.replace(changes) != changes {
            self.request(0, RepeatClass::Safe, &Request::Watch { changes }, None).detach();
        }
    }

    /// Whether a new host, which knows nothing yet, is to be told of it.
    pub(super) fn watches_anew(&self) -> bool {
        self.notices.told.set(self.notices.wants_changes());
        self.notices.told.get()
    }

    /// Tells those who listen to changes that they may have missed some.
    pub(super) fn missed_changes(&self) {
        if self.notices.wants_changes() {
            self.emit(&Event::Change(Change::missed()));
        }
    }

    /// The channel is over, and nobody is told of changes any more: those who listen learn that, unless they have another
    /// one by then. They are likely to read again at once, with a new worker; where workers break as soon as they begin,
    /// that takes a second at least, and where none begins, nobody has missed anything.
    pub(super) fn miss_changes(self: &Rc<Channel>) {
        if self.users.get() > 0
            && self.sqlite_version().is_some()
            && let Some(wire) = self.wire()
        {
            let channel = self.clone();
            wire.later(REST, Box::new(move || channel.missed_changes()));
        }
    }

    /// What is answered when the worker wants to know where a connection was taken, because it holds others up.
    pub fn set_site(&self, connection: u32, site: Option<Site>) {
        let mut sites = self.notices.sites.borrow_mut();
        match site {
            Some(site) => sites.insert(connection, site),
            None => sites.remove(&connection),
        };
    }

    /// Where a connection was taken, if that is known.
    pub(crate) fn site(&self, connection: u32) -> Option<String> {
        let site = self.notices.sites.borrow().get(&connection).cloned();
        site.and_then(|site| site())
    }

    /// From now on, what happens to the channel is told to this engine, too.
    pub(crate) fn add_events(&self, events: &Rc<Events>) {
        let mut all = self.notices.events.borrow_mut();
        all.retain(|other| other.strong_count() > 0);
        if !all.iter().any(|other| std::ptr::eq(other.as_ptr(), Rc::as_ptr(events))) {
            all.push(Rc::downgrade(events));
        }
    }

    /// Tells the engines that use the channel.
    pub(super) fn emit(&self, event: &Event) {
        let all = self.notices.events.borrow().clone();
        all.iter().filter_map(Weak::upgrade).for_each(|events| events.emit(event));
    }

    pub(super) fn noticed(&self, header: &Header, notice: &Notice) {
        if matches!(notice, Notice::Holding)
            && let Some(text) = self.site(header.connection)
        {
            self.tell(header.connection, &Request::Site { text: &text });
        }
        let listeners = self.notices.listeners.borrow().clone();
        // One of them may end another.
        listeners.iter().filter(|heard| self.notices.has(heard.id)).for_each(|heard| (heard.listener)(notice));
    }
}
