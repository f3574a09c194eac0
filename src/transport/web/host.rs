//! Hosting: this tab's worker has the database open, for its own engine and for guests.

use super::broker::{Brought, Found};
use super::js::random;
use super::link::{Hear, Heard, Link};
use super::lock::{Lock, is_held};
use super::tab::{Role, Tab, mine};
use super::talk::{Line, Speaks};
use super::{Instant, unavailable};
use crate::listen;
use crate::transport::Loss;
use aludel_protocol::{Header, Reply, Request, Result, SortedSet};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen_futures::spawn_local;

/// What is said to pages that cannot take part any more.
const CLEARED: &str = "this page does not see the locks of its own worker, as when the browser's data of the site was cleared while it \
                       was open: reload it";

/// How often in a row a worker is put in the place of one that broke, and what counts as in a row: opening the database
/// may be what breaks it.
const BREAKS: u32 = 3;
const SOON: Duration = Duration::from_secs(10);

/// The worker of this tab, and who uses it.
pub(super) struct Hosting {
    /// Tells this hosting from every other one.
    pub(super) id: String,
    pub(super) link: Link,
    /// Whether it has worked: one that never did is not started anew.
    proven: Cell<bool>,
    /// Whether it takes no guests any more.
    pub(super) closing: Cell<bool>,
    guests: RefCell<SortedSet<String>>,
    /// Who wants to join, until it is known whether there is a broker.
    joining: RefCell<Vec<Joining>>,
    /// Tells of a death that nobody announced.
    watch: RefCell<Option<Lock>>,
}

struct Joining {
    client: String,
    attempt: String,
    broker: Option<String>,
}

impl Hosting {
    pub(super) fn has_guests(&self) -> bool {
        !self.guests.borrow().is_empty()
    }
}

/// The broadcast channel between a guest and the worker, for one attempt to join.
pub(super) fn channel_name(path: &str, host: &str, client: &str, attempt: &str) -> String {
    format!("aludel:{path}:{host}:{client}:{attempt}")
}

impl Tab {
    /// Starts a worker for this channel alone.
    pub(super) fn host_alone(&self) -> Result<()> {
        let hosting = self.start_worker()?;
        self.change_role(Role::Host(hosting));
        Ok(())
    }

    /// The lock is ours: starts the worker and says so.
    pub(super) fn host(&self) {
        match self.role() {
            Role::Seeking => {}
            Role::Guest(_) => self.lose(Loss::Gone),
            Role::Away | Role::Ended | Role::Host(_) => return,
        }
        if !matches!(self.role(), Role::Seeking) {
            return;
        }
        match self.start_worker() {
            Ok(hosting) => {
                let id = hosting.id.clone();
                self.change_role(Role::Host(hosting));
                self.say(&Line::Host { host: id, speaks: mine() });
                self.tell_host(Some(listen::Tab::This));
            }
            Err(error) => self.inbox.refuse(error),
        }
    }

    fn start_worker(&self) -> Result<Rc<Hosting>> {
        let id = format!("{:016x}", random());
        let (me, of) = (self.weak(), id.clone());
        let hear: Hear = Rc::new(move |heard| {
            let Some(tab) = me.upgrade() else { return };
            if let Some(host) = tab.hosting(&of) {
                tab.hear_worker(&host, heard);
            }
        });
        let link = Link::worker(self.means.worker()?, &hear).map_err(|error| unavailable(&error))?;
        Ok(Rc::new(Hosting {
            id,
            link,
            proven: Cell::new(false),
            closing: Cell::new(false),
            guests: RefCell::default(),
            joining: RefCell::default(),
            watch: RefCell::default(),
        }))
    }

    /// The hosting of this number, if that is what the tab does.
    fn hosting(&self, id: &str) -> Option<Rc<Hosting>> {
        match self.role() {
            Role::Host(host) if host.id == id => Some(host),
            _ => None,
        }
    }

    fn hear_worker(&self, host: &Rc<Hosting>, heard: Heard) {
        match heard {
            Heard::Ready => self.route_is_open(),
            Heard::Frame(frame) => {
                host.proven.set(true);
                if self.is_lingering() {
                    if host.closing.get()
                        && matches!(Reply::decode(&frame.into_vec()), Ok((Header { request: u64::MAX, .. }, _)))
                    {
                        self.close();
                    }
                } else {
                    self.inbox.frame(frame);
                }
            }
            Heard::Broke(message) => self.worker_broke(host, message),
            Heard::Lives(name) => {
                let Some(locks) = super::js::locks() else { return };
                let (me, id) = (self.weak(), host.id.clone());
                let died = move || {
                    let Some(tab) = me.upgrade() else { return };
                    if let Some(host) = tab.hosting(&id) {
                        tab.worker_broke(&host, "the worker ended without a word".into());
                    }
                };
                let (me, id) = (self.weak(), host.id.clone());
                spawn_local(async move {
                    // When the data of a site was cleared, its pages and what they start afterwards see different locks.
                    let seen = is_held(&locks, &name).await;
                    let Some(tab) = me.upgrade() else { return };
                    let Some(host) = tab.hosting(&id) else { return };
                    match seen {
                        Some(false) => tab.inbox.fatal(CLEARED),
                        Some(true) | None => *host.watch.borrow_mut() = Some(Lock::watch(&locks, &name, died)),
                    }
                });
            }
            Heard::Left(client) => {
                host.guests.borrow_mut().remove(&client);
                if self.is_lingering() && !host.has_guests() && !host.closing.replace(true) {
                    host.link.post_now(&self.frame(&Request::Shutdown));
                }
            }
            Heard::Port(_) => {}
        }
    }

    pub(super) fn worker_broke(&self, host: &Rc<Hosting>, message: String) {
        if self.is_lingering() {
            self.say(&Line::Broke { host: host.id.clone(), message });
            return self.close();
        }
        let with_tabs = self.presence().is_some();
        let (count, last) = self.breaks.get();
        let count = if last.is_some_and(|last| last.elapsed() < SOON) { count + 1 } else { 1 };
        self.breaks.set((count, Some(Instant::now())));
        if !host.proven.get() || !with_tabs || host.closing.get() || count > BREAKS {
            return self.inbox.fatal(&message);
        }
        self.say(&Line::Broke { host: host.id.clone(), message: message.clone() });
        self.lose(Loss::Broke(message));
        // The lock is still ours.
        self.host();
    }

    /// Another tab asks who hosts.
    pub(super) fn asked(&self, theirs: &Speaks) {
        let Role::Host(host) = self.role() else { return };
        if host.closing.get() {
            return;
        }
        let understood = self.understands(theirs);
        self.say(&Line::Host { host: host.id.clone(), speaks: mine() });
        if understood {
            self.connect_broker();
        }
    }

    /// Connects to the broker, once somebody may need it.
    pub(super) fn connect_broker(&self) {
        let Some(presence) = self.presence() else { return };
        if !presence.is_here.get() || presence.broker.found() != Found::No {
            return;
        }
        let me = self.weak();
        presence.broker.connect(self.means.broker(), &self.name, move |brought| {
            let Some(tab) = me.upgrade() else { return };
            match brought {
                Brought::News => {
                    tab.admit_all();
                    tab.try_to_join();
                }
                Brought::Gone => tab.join_anew(),
                Brought::Port { attempt, port } => tab.port_arrived(&attempt, port),
            }
        });
    }

    /// A tab wants to be a guest.
    pub(super) fn admit(&self, host: &str, client: String, attempt: String, broker: Option<String>) {
        let Some(host) = self.hosting(host).filter(|host| !host.closing.get()) else { return };
        host.joining.borrow_mut().push(Joining { client, attempt, broker });
        self.connect_broker();
        self.admit_all();
    }

    fn admit_all(&self) {
        let (Role::Host(host), Some(presence)) = (self.role(), self.presence()) else { return };
        let found = presence.broker.found();
        let joining = host.joining.take();
        for guest in joining {
            match (&guest.broker, &found) {
                (Some(_), Found::No | Found::Asked) => {
                    host.joining.borrow_mut().push(guest);
                    continue;
                }
                (Some(theirs), Found::Yes(ours)) if theirs == ours => {
                    let Ok((kept, given)) = Link::pair() else { continue };
                    host.link.tell(&[("join", (&guest.client[..]).into())], Some(&kept));
                    presence.broker.send(&guest.client, &guest.attempt, &given);
                }
                _ => {
                    let name = channel_name(&presence.path, &host.id, &guest.client, &guest.attempt);
                    let message = [("join", (&guest.client[..]).into()), ("channel", name.into())];
                    host.link.tell(&message, None);
                }
            }
            host.guests.borrow_mut().insert(guest.client);
        }
    }

    /// A guest wants to know whether this page still runs.
    pub(super) fn pinged(&self, host: &str) {
        if self.hosting(host).is_some() {
            self.say(&Line::Pong { host: host.to_owned() });
        }
    }
}
