//! Being a guest: another tab's worker has the database open.

use super::Instant;
use super::broker::Found;
use super::buffer::Frame;
use super::host::channel_name;
use super::js::random;
use super::link::{Hear, Heard, Link};
use super::tab::{Role, Tab, mine};
use super::talk::{Line, Speaks};
use crate::listen;
use crate::transport::{Inbox, Loss};
use futures_timer::Delay;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

/// How often it is asked who hosts, while nobody answers.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// After how many questions that nobody answered those who wait are told that there is no host: as long as a host that
/// has fallen silent gets. A page that runs answers at once, also while its worker is busy.
const UNANSWERED: u32 = 40;
/// How long a host may take to let a guest in before the guest tries again: its worker may be loading.
const JOIN_AGAIN: Duration = Duration::from_secs(3);
/// After how many such attempts those who wait are told that there is no host: one that says so and lets nobody in is none.
const VAIN_ATTEMPTS: u32 = 7;
/// How long nothing may be heard while an answer is due, before the host's page is asked whether it still runs.
const PATIENCE: Duration = Duration::from_secs(5);
/// After how many such times of silence the host is taken for gone. Counted, because the clock goes on while a machine
/// sleeps.
const SILENCES: u32 = 4;

/// The worker of another tab.
pub(super) struct Guesting {
    host: String,
    /// Tells this attempt to join from others.
    attempt: String,
    since: Instant,
    asked: Cell<bool>,
    /// Where the worker may answer: it is not known before which of the two it will be.
    links: RefCell<Vec<(u8, Rc<Link>)>>,
    /// The one that it answered on.
    link: RefCell<Option<Rc<Link>>>,
    /// Whether anything was heard of the host since it was looked last.
    heard: Cell<bool>,
    /// How often in a row nothing was.
    silences: Cell<u32>,
    listening: Cell<bool>,
}

impl Guesting {
    pub(super) fn has_joined(&self) -> bool {
        self.link.borrow().is_some()
    }

    pub(super) fn post(&self, frame: &Frame, inbox: &Inbox) {
        if let Some(link) = &*self.link.borrow() {
            link.post(frame, inbox);
        }
    }

    pub(super) fn post_now(&self, frame: &Frame) {
        if let Some(link) = &*self.link.borrow() {
            link.post_now(frame);
        }
    }
}

impl Tab {
    /// Asks who hosts, until somebody answers or the lock is ours.
    pub(super) fn seek(&self) {
        self.change_role(Role::Seeking);
        self.unanswered.set(0);
        self.say(&Line::Who { client: self.name.clone(), speaks: mine() });
        self.keep_asking();
    }

    fn keep_asking(&self) {
        if self.asking.replace(true) {
            return;
        }
        let me = self.weak();
        spawn_local(async move {
            loop {
                Delay::new(ASK_AGAIN).await;
                let Some(tab) = me.upgrade() else { return };
                match tab.role() {
                    Role::Seeking => {
                        tab.say(&Line::Who { client: tab.name.clone(), speaks: mine() });
                        tab.unanswered.set(tab.unanswered.get() + 1);
                        if tab.unanswered.get() == UNANSWERED {
                            tab.find_nobody();
                        }
                    }
                    Role::Guest(guest) if !guest.has_joined() => {
                        if guest.since.elapsed() > JOIN_AGAIN {
                            tab.attempts.set(tab.attempts.get() + 1);
                            tab.seek();
                            if tab.attempts.get() == VAIN_ATTEMPTS {
                                tab.find_nobody();
                            }
                        }
                    }
                    Role::Guest(_) | Role::Host(_) | Role::Away | Role::Ended => {
                        tab.asking.set(false);
                        return;
                    }
                }
            }
        });
    }

    /// Another tab says that it hosts.
    pub(super) fn told_of(&self, host: &str, theirs: &Speaks) {
        match self.role() {
            Role::Seeking => {}
            Role::Guest(guest) if guest.host != host => self.lose(Loss::Gone),
            Role::Guest(_) | Role::Host(_) | Role::Away | Role::Ended => return,
        }
        if !matches!(self.role(), Role::Seeking) {
            return;
        }
        if !self.understands(theirs) {
            return self.refuse_version(theirs);
        }
        self.change_role(Role::Guest(Rc::new(Guesting {
            host: host.to_owned(),
            attempt: format!("{:016x}", random()),
            since: Instant::now(),
            asked: Cell::new(false),
            links: RefCell::default(),
            link: RefCell::default(),
            heard: Cell::new(false),
            silences: Cell::new(0),
            listening: Cell::new(false),
        })));
        self.keep_asking();
        self.try_to_join();
    }

    /// Asks the host to be let in, as soon as this tab holds its lock and knows whether it reaches the broker.
    pub(super) fn try_to_join(&self) {
        let (Role::Guest(guest), Some(presence)) = (self.role(), self.presence()) else { return };
        if guest.asked.get() || !presence.is_here.get() {
            return;
        }
        self.connect_broker();
        let broker = match presence.broker.found() {
            Found::No | Found::Asked => return,
            // A broker that died says nothing: every other time it goes without.
            Found::Yes(id) => Some(id).filter(|_| self.attempts.get().is_multiple_of(2)),
            Found::Missing => None,
        };
        guest.asked.set(true);
        let name = channel_name(&presence.path, &guest.host, &self.name, &guest.attempt);
        if let Ok(link) = Link::broadcast(&name, &self.hear_host(&guest, 0)) {
            guest.links.borrow_mut().push((0, Rc::new(link)));
        }
        let (client, host, attempt) = (self.name.clone(), guest.host.clone(), guest.attempt.clone());
        presence.talk.say(&Line::Join { client, host, attempt, broker });
    }

    /// The broker has died, with the tab in whose process it ran, which often is the host's: a port that was given to it on
    /// the way to here arrives no more.
    pub(super) fn join_anew(&self) {
        if matches!(self.role(), Role::Guest(guest) if guest.asked.get() && !guest.has_joined()) {
            self.seek();
        }
    }

    /// The broker brought a port to the host.
    pub(super) fn port_arrived(&self, attempt: &str, port: JsValue) {
        let Role::Guest(guest) = self.role() else { return };
        if guest.attempt != attempt {
            return;
        }
        if let Ok(link) = Link::port(port, &self.hear_host(&guest, 1)) {
            guest.links.borrow_mut().push((1, Rc::new(link)));
        }
    }

    fn hear_host(&self, guest: &Rc<Guesting>, which: u8) -> Hear {
        let (me, attempt) = (self.weak(), guest.attempt.clone());
        Rc::new(move |heard| {
            let Some(tab) = me.upgrade() else { return };
            let Role::Guest(guest) = tab.role() else { return };
            if guest.attempt != attempt {
                return;
            }
            guest.heard.set(true);
            match heard {
                Heard::Ready if !guest.has_joined() => {
                    let links = guest.links.take();
                    *guest.link.borrow_mut() = links.into_iter().find(|(id, _)| *id == which).map(|(_, link)| link);
                    tab.attempts.set(0);
                    tab.tell_host(Some(listen::Tab::Other));
                    tab.route_is_open();
                }
                Heard::Frame(frame) => tab.inbox.frame(frame),
                Heard::Broke(message) => {
                    tab.lose(Loss::Broke(message));
                    tab.seek_unless_ended();
                }
                Heard::Ready | Heard::Lives(_) | Heard::Left(_) | Heard::Port(_) => {}
            }
        })
    }

    fn seek_unless_ended(&self) {
        if matches!(self.role(), Role::Seeking) {
            self.seek();
        }
    }

    /// A host says good-bye.
    pub(super) fn left_by(&self, host: &str, loss: Loss) {
        if matches!(self.role(), Role::Guest(guest) if guest.host == host) {
            self.lose(loss);
            self.seek_unless_ended();
        }
    }

    /// The page of the host runs.
    pub(super) fn ponged(&self, host: &str) {
        if let Role::Guest(guest) = self.role()
            && guest.host == host
        {
            guest.heard.set(true);
        }
    }

    /// A frame goes out: should nothing come back for long, the host's page is asked whether it still runs. Its worker
    /// may only be busy.
    pub(super) fn expect_answer(&self, guest: &Rc<Guesting>) {
        if guest.listening.replace(true) {
            return;
        }
        // What was heard while nothing was due says nothing of now.
        guest.heard.set(false);
        let (me, attempt) = (self.weak(), guest.attempt.clone());
        spawn_local(async move {
            loop {
                Delay::new(PATIENCE).await;
                let Some(tab) = me.upgrade() else { return };
                let Role::Guest(guest) = tab.role() else { return };
                if guest.attempt != attempt {
                    return;
                }
                if !tab.inbox.awaits() {
                    guest.listening.set(false);
                    guest.silences.set(0);
                    return;
                }
                let silences = if guest.heard.replace(false) { 0 } else { guest.silences.get() + 1 };
                guest.silences.set(silences);
                if silences == SILENCES {
                    tab.lose(Loss::Gone);
                    return tab.seek_unless_ended();
                }
                if silences > 0 {
                    tab.say(&Line::Ping { client: tab.name.clone(), host: guest.host.clone() });
                }
            }
        });
    }
}
