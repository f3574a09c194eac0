//! What the worker says unasked, and who listens to it.

use super::Channel;
use aludel_protocol::{Header, Notice, RepeatClass, Request};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};

/// Hears notices.
pub type Listener = Rc<dyn Fn(&Notice)>;

/// Says where a connection was taken, if that is known.
pub type Site = Rc<dyn Fn() -> Option<String>>;

/// The listeners of a channel, and what it can say of its connections.
#[derive(Default)]
pub(super) struct Notices {
    listeners: RefCell<Vec<Heard>>,
    next: Cell<u64>,
    sites: RefCell<HashMap<u32, Site>>,
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
    pub(super) fn wants_changes(&self) -> bool {
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
        let wanted = channel.notices.wants_changes();
        channel.notices.listeners.borrow_mut().retain(|heard| heard.id != self.id);
        if wanted && !channel.notices.wants_changes() {
            channel.watch(false);
        }
    }
}

impl Channel {
    /// Has all notices told to `listener`; those of changes only as long as somebody listens to changes.
    pub fn listen(self: &Rc<Channel>, listener: Listener) -> Listening {
        self.add_listener(false, listener)
    }

    /// Has all notices told to `listener`, and asks the worker for those of changes.
    pub fn listen_to_changes(self: &Rc<Channel>, listener: Listener) -> Listening {
        let wanted = self.notices.wants_changes();
        let listening = self.add_listener(true, listener);
        if !wanted {
            self.watch(true);
        }
        listening
    }

    fn add_listener(self: &Rc<Channel>, changes: bool, listener: Listener) -> Listening {
        let id = self.notices.next.replace(self.notices.next.get() + 1);
        self.notices.listeners.borrow_mut().push(Heard { id, changes, listener });
        Listening { channel: Rc::downgrade(self), id }
    }

    pub(super) fn watch(self: &Rc<Channel>, changes: bool) {
        if self.is_alive() {
            self.request(0, RepeatClass::Safe, &Request::Watch { changes }, None).detach();
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

    pub(super) fn noticed(&self, header: &Header, notice: &Notice) {
        if matches!(notice, Notice::Holding) {
            let site = self.notices.sites.borrow().get(&header.connection).cloned();
            if let Some(text) = site.and_then(|site| site()) {
                self.tell(header.connection, &Request::Site { text: &text });
            }
        }
        let listeners = self.notices.listeners.borrow().clone();
        // One of them may end another.
        listeners.iter().filter(|heard| self.notices.has(heard.id)).for_each(|heard| (heard.listener)(notice));
    }
}
