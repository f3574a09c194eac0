//! The wire of a tab: to its own worker while it hosts, to that of another tab while it is a guest, to none in between.

use super::buffer::{Buffer, Frame};
use super::election::Presence;
use super::guest::Guesting;
use super::host::Hosting;
use super::js::{has_class, locks, random};
use super::life::{Life, is_hidden};
use super::lock::Lock;
use super::talk::{Line, Speaks, Talk};
use super::{Instant, Means};
use crate::listen::{self, Event, HostChange, VersionSkew};
use crate::transport::{Inbox, Loss, Place, Wire};
use aludel_protocol::{Error, Header, PROTOCOL_VERSION, RepeatClass, Request, Result, StorageReason};
use futures_timer::Delay;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;
use wasm_bindgen_futures::spawn_local;

thread_local! {
    /// Tabs whose engine has gone and whose guests have not.
    static LINGERING: RefCell<Vec<Rc<Tab>>> = const { RefCell::new(Vec::new()) };
}

/// What a tab is to its database.
#[derive(Clone)]
pub(super) enum Role {
    /// Nothing: not started, or the page is put away.
    Away,
    /// It waits for the lock, and asks who hosts.
    Seeking,
    /// Another tab hosts, and is being joined or has been.
    Guest(Rc<Guesting>),
    /// It hosts; a database in memory, too.
    Host(Rc<Hosting>),
    /// The channel has gone.
    Ended,
}

/// The wire.
pub(super) struct Tab {
    me: Weak<Tab>,
    pub(super) inbox: Inbox,
    pub(super) means: Rc<Means>,
    client: u64,
    /// The same, as others write it.
    pub(super) name: String,
    path: RefCell<Option<String>>,
    role: RefCell<Role>,
    pub(super) presence: RefCell<Option<Rc<Presence>>>,
    /// Frames for the first host.
    waiting: RefCell<Vec<Frame>>,
    /// Whether a frame went to the host of now.
    pub(super) sent: Cell<bool>,
    /// Whether the channel was told that its host is lost, and not yet of another.
    pub(super) lost: Cell<bool>,
    /// Whether it will be told when the page is back.
    pub(super) owes_loss: Cell<bool>,
    /// Whether the channel has said good-bye.
    leaving: Cell<bool>,
    pub(super) asking: Cell<bool>,
    /// How often in a row it asked who hosts, and nobody said so.
    pub(super) unanswered: Cell<u32>,
    /// How often it has tried in vain to join a host.
    pub(super) attempts: Cell<u32>,
    /// How often in a row a worker of this tab broke soon after the one before, and when it last did.
    pub(super) breaks: Cell<(u32, Option<Instant>)>,
    skew_told: Cell<bool>,
    life: RefCell<Option<Life>>,
    /// What ends with the page, and not before it.
    pub(super) parting: RefCell<Option<Rc<Hosting>>>,
    /// Whoever waits for the time at which it is given up.
    gives_up: RefCell<Option<Waker>>,
}

/// What this tab speaks.
pub(super) fn mine() -> Speaks {
    Speaks { protocol: PROTOCOL_VERSION, version: env!("CARGO_PKG_VERSION").to_owned() }
}

impl Tab {
    pub(super) fn new(place: &Place, inbox: Inbox, means: Rc<Means>) -> Rc<Tab> {
        let client = if place.client == 0 { random() } else { place.client };
        Rc::new_cyclic(|me| Tab {
            me: me.clone(),
            inbox,
            means,
            client,
            name: format!("{client:016x}"),
            path: RefCell::new(place.path.clone()),
            role: RefCell::new(Role::Away),
            presence: RefCell::default(),
            waiting: RefCell::default(),
            sent: Cell::new(false),
            lost: Cell::new(false),
            owes_loss: Cell::new(false),
            leaving: Cell::new(false),
            asking: Cell::new(false),
            unanswered: Cell::new(0),
            attempts: Cell::new(0),
            breaks: Cell::default(),
            skew_told: Cell::new(false),
            life: RefCell::default(),
            parting: RefCell::default(),
            gives_up: RefCell::default(),
        })
    }

    pub(super) fn weak(&self) -> Weak<Tab> {
        self.me.clone()
    }

    pub(super) fn role(&self) -> Role {
        self.role.borrow().clone()
    }

    /// Becomes something else; what it was ends when it is dropped.
    pub(super) fn change_role(&self, role: Role) -> Role {
        self.role.replace(role)
    }

    pub(super) fn presence(&self) -> Option<Rc<Presence>> {
        self.presence.borrow().clone()
    }

    pub(super) fn say(&self, line: &Line) {
        if let Some(presence) = self.presence() {
            presence.talk.say(line);
        }
    }

    /// Takes part: waits for the lock and asks who hosts. A database in memory gets a worker at once, and so does a file
    /// where there are no locks: the worker says best what is missing.
    pub(super) fn start(&self) -> Result<()> {
        let path = self.path.borrow().clone().filter(|_| has_class("BroadcastChannel"));
        let (Some(path), Some(locks)) = (path, locks()) else { return self.host_alone() };
        let me = self.weak();
        let hear = move |line| {
            if let Some(tab) = me.upgrade() {
                tab.hear(line);
            }
        };
        let Ok(talk) = Talk::join(&path, hear) else { return self.host_alone() };
        let election = self.stand_for_election(&locks, &path);
        let me = self.weak();
        let arrived = move || {
            let Some(tab) = me.upgrade() else { return };
            if let Some(presence) = tab.presence() {
                presence.is_here.set(true);
            }
            tab.try_to_join();
        };
        let alive = Lock::hold(&locks, &format!("aludel-tab:{}", self.name), arrived, || {});
        *self.presence.borrow_mut() = Some(Rc::new(Presence::new(locks, path, talk, alive, election)));
        self.seek();
        if self.life.borrow().is_none() {
            let me = self.weak();
            let life = Life::watch(move |moment| {
                if let Some(tab) = me.upgrade() {
                    tab.live(moment);
                }
            });
            *self.life.borrow_mut() = Some(life);
        }
        Ok(())
    }

    /// Frames reach a worker that takes them.
    pub(super) fn route_is_open(&self) {
        if self.lost.replace(false) {
            self.waiting.take();
            self.inbox.found();
            return;
        }
        for frame in self.waiting.take() {
            self.post(frame);
        }
    }

    /// The host of until now is none any more; what went to it is in doubt.
    pub(super) fn lose(&self, loss: Loss) {
        self.change_role(Role::Seeking);
        if self.sent.replace(false) {
            self.lost.set(true);
            self.inbox.lost(loss);
            self.tell_host(None);
        }
    }

    /// Whoever has the lock does not say so: its page is stopped. The channel learns that there is no host, and gives up
    /// what waits for the first one as it does when one is lost.
    pub(super) fn find_nobody(&self) {
        if !self.owes_loss.get() && !self.lost.replace(true) {
            self.waiting.take();
            self.inbox.lost(Loss::Absent);
        }
    }

    /// Tells those who listen which tab hosts the database.
    pub(super) fn tell_host(&self, tab: Option<listen::Tab>) {
        self.inbox.event(&Event::Host(HostChange { tab }));
    }

    fn post(&self, frame: Frame) {
        match self.role() {
            Role::Host(host) if host.link.is_ready() => host.link.post(&frame, &self.inbox),
            Role::Guest(guest) if guest.has_joined() => {
                self.expect_answer(&guest);
                guest.post(&frame, &self.inbox);
            }
            _ => {
                // Between two hosts the channel keeps what it sends.
                if !self.lost.get() && !self.owes_loss.get() {
                    self.waiting.borrow_mut().push(frame);
                }
                return;
            }
        }
        self.sent.set(true);
    }

    fn hear(self: &Rc<Tab>, line: Line) {
        match line {
            Line::Who { speaks, .. } => self.asked(&speaks),
            Line::Host { host, speaks } => self.told_of(&host, &speaks),
            Line::Gone { host } => self.left_by(&host, Loss::Gone),
            Line::Broke { host, message } => self.left_by(&host, Loss::Broke(message)),
            Line::Join { client, host, attempt, broker } => self.admit(&host, client, attempt, broker),
            Line::Ping { host, .. } => self.pinged(&host),
            Line::Pong { host } => self.ponged(&host),
            Line::Vote { client } => {
                if matches!(self.role(), Role::Seeking | Role::Guest(_)) {
                    let visible = !is_hidden();
                    self.say(&Line::Waits { client: self.name.clone(), to: client, visible });
                }
            }
            Line::Waits { to, visible, .. } => {
                if let Some(presence) = self.presence().filter(|_| to == self.name) {
                    presence.count_vote(visible);
                }
            }
        }
    }

    /// What the other speaks, if it is something else: said once. Whether both can work together.
    pub(super) fn understands(&self, theirs: &Speaks) -> bool {
        let mine = mine();
        if *theirs != mine && !self.skew_told.replace(true) {
            let (ours, theirs) = (mine.version.clone(), theirs.version.clone());
            self.inbox.event(&Event::VersionSkew(VersionSkew { ours, theirs }));
        }
        theirs.protocol == mine.protocol
    }

    /// Another version has the database open.
    pub(super) fn refuse_version(&self, theirs: &Speaks) {
        let (mine, path) = (mine(), self.path.borrow().clone().unwrap_or_default());
        let message = format!(
            "{path} is open in another tab with aludel {} (protocol {}), which cannot work together with aludel {} \
             (protocol {}) of this tab: the older one has to be reloaded or closed",
            theirs.version, theirs.protocol, mine.version, mine.protocol
        );
        self.inbox.refuse(Error::storage(StorageReason::OtherVersion, message));
    }

    /// A frame of the wire's own, whose answer nobody waits for.
    pub(super) fn frame(&self, request: &Request<'_>) -> Frame {
        let header = Header { client: self.client, ..Header::new(0, u64::MAX, 0, RepeatClass::Safe) };
        Frame::joined(request.encode(&header), None)
    }

    pub(super) fn is_lingering(&self) -> bool {
        LINGERING.with_borrow(|tabs| tabs.iter().any(|tab| std::ptr::eq(Rc::as_ptr(tab), self)))
    }

    /// Leaves everything.
    pub(super) fn close(&self) {
        let role = self.change_role(Role::Ended);
        match &role {
            Role::Host(host) => self.say(&Line::Gone { host: host.id.clone() }),
            Role::Guest(guest) if guest.has_joined() && !self.leaving.get() => {
                guest.post_now(&self.frame(&Request::Leave));
            }
            _ => {}
        }
        drop(role);
        self.waiting.take();
        if let Some(waker) = self.gives_up.take() {
            waker.wake();
        }
        self.presence.take();
        self.life.take();
        // When the thread itself ends, there is nothing left to forget.
        let gone = LINGERING.try_with(|tabs| {
            let mut tabs = tabs.borrow_mut();
            let at = tabs.iter().position(|tab| std::ptr::eq(Rc::as_ptr(tab), self));
            at.map(|at| tabs.remove(at))
        });
        drop(gone);
    }
}

impl Wire for Tab {
    fn send(&self, head: Vec<u8>, batch: Option<Buffer>) {
        self.post(Frame::joined(head, batch));
    }

    fn owns_host(&self) -> bool {
        matches!(self.role(), Role::Host(host) if !host.has_guests())
    }

    fn finish(&self) {
        self.leaving.set(true);
        match self.role() {
            Role::Host(host) => host.closing.set(!host.has_guests()),
            Role::Guest(guest) if guest.has_joined() => {}
            Role::Guest(_) | Role::Seeking | Role::Away | Role::Ended => {
                // Nobody is there to be told. The caller may be in the middle of something.
                let inbox = self.inbox.clone();
                spawn_local(async move { inbox.fatal("the engine was disposed of") });
            }
        }
    }

    fn replace(&self, why: &str) -> bool {
        let Role::Host(host) = self.role() else { return false };
        let replaces = self.presence().is_some();
        if replaces {
            self.worker_broke(&host, why.to_owned());
        }
        replaces
    }

    fn withdraw(&self) {
        if self.path.take().is_none() {
            return;
        }
        if let Role::Host(host) = self.role() {
            self.say(&Line::Gone { host: host.id.clone() });
        } else {
            self.lose(Loss::Gone);
            if let (Role::Seeking, Err(error)) = (self.role(), self.host_alone()) {
                self.inbox.refuse(error);
            }
        }
        self.presence.take();
        self.life.take();
    }

    fn terminate(&self) {
        if let (true, Role::Host(host), Some(me)) = (self.leaving.get(), self.role(), self.me.upgrade())
            && host.has_guests()
            && !self.is_lingering()
        {
            LINGERING.with_borrow_mut(|tabs| tabs.push(me));
            return;
        }
        self.close();
    }

    fn later(&self, after: Duration, then: Box<dyn FnOnce()>) {
        spawn_local(async move {
            Delay::new(after).await;
            then();
        });
    }

    fn later_unless_ended(&self, after: Duration, then: Box<dyn FnOnce()>) {
        let (me, mut delay) = (self.weak(), Delay::new(after));
        spawn_local(async move {
            // A timer that nobody needs any more would keep a process that has nothing else to do.
            let is_due = poll_fn(|cx| match me.upgrade() {
                Some(tab) if !matches!(tab.role(), Role::Ended) => {
                    *tab.gives_up.borrow_mut() = Some(cx.waker().clone());
                    Pin::new(&mut delay).poll(cx).map(|()| true)
                }
                _ => Poll::Ready(false),
            });
            if is_due.await {
                then();
            }
        });
    }
}
