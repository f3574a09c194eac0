//! The client's end of one worker: pairs replies with requests, and knows when the worker is gone.

mod calls;
mod inbox;
mod losses;
mod notices;
mod recovery;
mod traffic;
mod users;
mod verdict;

pub use inbox::{Inbox, Loss};
pub use notices::{Listener, Listening, Site};
pub use users::ChannelUse;

use super::{Answer, Place, Spawn, Wire};
use aludel_protocol::{Error, PROTOCOL_VERSION, RepeatClass, Request, Result, SortedMap};
use calls::{Call, Line, Waiter};
use losses::{gone, in_doubt};
use notices::Notices;
use recovery::Phase;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

/// What a reply says about the request that it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Whether it is the first reply to that request.
    pub first: bool,
    /// Whether no other follows.
    pub last: bool,
    /// Whether the request failed.
    pub failed: bool,
    /// Whether a transaction is open on the connection after it, where the reply says so.
    pub in_transaction: Option<bool>,
}

/// Learns of each reply to a request, also when nobody waits for it any more.
pub type Watch = Box<dyn Fn(Progress)>;

/// The world and the path of a database that several engines may share.
type Key = (u64, String);

thread_local! {
    /// The living channels to databases that several engines may share.
    static SHARED: RefCell<HashMap<Key, Weak<Channel>>> = RefCell::new(HashMap::new());
}

/// One worker and the requests that wait for it.
pub struct Channel {
    /// What the host calls it.
    client: u64,
    key: Option<Key>,
    wire: OnceCell<Rc<dyn Wire>>,
    next_request: Cell<u64>,
    next_connection: Cell<u32>,
    calls: RefCell<SortedMap<u64, Call>>,
    lines: RefCell<SortedMap<u32, Line>>,
    phase: Cell<Phase>,
    /// Which host it is; 0 as long as that is not known.
    epoch: Cell<u32>,
    /// Hosts up to this one are gone.
    past: Cell<u32>,
    /// What broke the last worker that broke.
    broke: RefCell<Rc<str>>,
    /// The requests that a host was asked about.
    questions: RefCell<Vec<u64>>,
    /// Requests of which it does not matter any more what became of them, and of which no host has said it; each with its
    /// connection and the first request that might have been made after it was given up.
    unheard: RefCell<SortedMap<u64, (u32, u64)>>,
    /// Counts the hosts that were found.
    losses: Cell<u64>,
    /// Whether the time is running in which another host must be found.
    waiting: Cell<bool>,
    /// Whether it was never there, when it is lost.
    absent: Cell<bool>,
    users: Cell<usize>,
    death: RefCell<Option<Error>>,
    /// Set once the worker said Hello.
    sqlite_version: OnceCell<String>,
    frames: Cell<u64>,
    ended: Cell<bool>,
    end_wakers: RefCell<Vec<Waker>>,
    notices: Notices,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").field("client", &self.client).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Channel {
    /// The channel of the database with this path: the one that lives, or a new one. Without a path, always a new one.
    pub fn get(path: Option<&str>, spawn: &dyn Spawn) -> Result<ChannelUse> {
        let key = path.map(|path| (spawn.world(), path.to_owned()));
        let living = key.as_ref().and_then(|key| SHARED.with_borrow(|shared| shared.get(key).and_then(Weak::upgrade)));
        if let Some(channel) = living.filter(|channel| channel.is_alive() && channel.users.get() > 0) {
            return Ok(ChannelUse::new(channel));
        }
        let place = Place { path: path.map(str::to_owned), client: spawn.client() };
        let channel = Rc::new(Channel {
            client: place.client,
            key: key.clone(),
            wire: OnceCell::new(),
            next_request: Cell::new(1),
            next_connection: Cell::new(1),
            calls: RefCell::default(),
            lines: RefCell::default(),
            phase: Cell::new(Phase::Live),
            epoch: Cell::new(0),
            past: Cell::new(0),
            broke: RefCell::new("".into()),
            questions: RefCell::default(),
            unheard: RefCell::default(),
            losses: Cell::new(0),
            waiting: Cell::new(false),
            absent: Cell::new(false),
            users: Cell::new(0),
            death: RefCell::default(),
            sqlite_version: OnceCell::new(),
            frames: Cell::new(0),
            ended: Cell::new(false),
            end_wakers: RefCell::default(),
            notices: Notices::default(),
        });
        let wire = spawn.spawn(&place, Inbox(Rc::downgrade(&channel)))?;
        channel.wire.get_or_init(|| wire);
        if let Some(key) = key {
            SHARED.with_borrow_mut(|shared| {
                shared.retain(|_, channel| channel.strong_count() > 0);
                shared.insert(key, Rc::downgrade(&channel))
            });
        }
        channel.request(0, RepeatClass::Safe, &hello(), None).detach();
        Ok(ChannelUse::new(channel))
    }

    /// The number of the host that has opened the connections, or, while there is none, of the one that will.
    pub fn host_number(&self) -> u64 {
        self.losses.get() + u64::from(self.phase.get() == Phase::Lost)
    }

    /// There is no file storage, and memory is used: it is not shared with other tabs.
    pub fn withdraw(&self) {
        if let Some(wire) = self.wire.get() {
            wire.withdraw();
        }
    }

    /// Why the worker is gone, if it is.
    pub fn death(&self) -> Option<Error> {
        self.death.borrow().clone()
    }

    /// Whether the worker takes requests.
    pub fn is_alive(&self) -> bool {
        self.death.borrow().is_none()
    }

    /// The id of this channel among all that share a host.
    pub fn client(&self) -> u64 {
        self.client
    }

    /// How many frames were sent so far.
    pub fn frames(&self) -> u64 {
        self.frames.get()
    }

    /// SQLite's version, once the worker has said it.
    pub fn sqlite_version(&self) -> Option<&str> {
        self.sqlite_version.get().map(String::as_str)
    }

    /// A number for a new connection.
    pub fn new_connection(&self) -> u32 {
        self.next_connection.replace(self.next_connection.get() + 1)
    }

    pub(super) fn wire(&self) -> Option<&Rc<dyn Wire>> {
        self.wire.get()
    }

    /// Gives a worker that lives in this thread the time to work.
    pub fn drive(&self, cx: &mut Context<'_>) {
        if let Some(wire) = self.wire.get() {
            wire.drive(cx);
        }
    }

    /// Whoever drove the worker does not do so any more.
    pub fn rest(&self) {
        if let Some(wire) = self.wire.get() {
            wire.rest();
        }
    }

    /// Rejects every waiter; the next connect starts a fresh worker.
    pub fn die(self: &Rc<Channel>, error: Error) {
        if !self.is_alive() {
            return;
        }
        *self.death.borrow_mut() = Some(error.clone());
        self.leave();
        let doubts = self.doubts();
        for (id, call) in std::mem::take(&mut *self.calls.borrow_mut()) {
            if let Waiter::Slot(slot) = call.waiter {
                let error = if doubts.binary_search(&id).is_ok() { in_doubt(&error) } else { error.clone() };
                slot.take(Answer::Error { error, in_transaction: None });
            }
        }
        self.end();
        self.miss_changes();
    }

    /// Puts another worker in the place of one that does not answer. A guest leaves a host to those whose it is.
    pub(super) fn replace_worker(self: &Rc<Channel>, why: &str) {
        if let Some(wire) = self.wire.get()
            && !wire.replace(why)
            && wire.owns_host()
        {
            self.die(gone(why));
        }
    }

    /// No engine finds it any more.
    fn leave(self: &Rc<Channel>) {
        let Some(key) = &self.key else { return };
        // When the thread itself ends, there is nothing left to leave.
        let _ = SHARED.try_with(|shared| {
            let mut shared = shared.borrow_mut();
            if shared.get(key).is_some_and(|other| std::ptr::eq(other.as_ptr(), Rc::as_ptr(self))) {
                shared.remove(key);
            }
        });
    }

    fn end(&self) {
        if !self.ended.replace(true)
            && let Some(wire) = self.wire.get()
        {
            wire.terminate();
        }
        self.end_wakers.take().into_iter().for_each(Waker::wake);
    }

    /// Leaves: the host goes on for others. A worker of its own closes its files, then ends.
    fn shut_down(self: &Rc<Channel>) {
        self.leave();
        if !self.is_alive() {
            return;
        }
        if self.phase.get() != Phase::Live {
            return self.die(gone("the engine was disposed of"));
        }
        if self.sqlite_version.get().is_none() && self.frames.get() == 1 {
            // Nothing but Hello was said, so nothing is open.
            return self.die(gone("the engine was disposed of"));
        }
        let channel = self.clone();
        let done = Box::new(move |_: Progress| channel.die(gone("the engine was disposed of")));
        let owns_host = self.wire.get().is_none_or(|wire| wire.owns_host());
        let last = if owns_host { Request::Shutdown } else { Request::Leave };
        self.request(0, RepeatClass::Safe, &last, Some(done)).detach();
        if let Some(wire) = self.wire.get() {
            wire.finish();
            let channel = self.clone();
            // A worker that still loads, or hangs, is not waited for.
            let give_up = move || channel.die(gone("the engine was disposed of"));
            wire.later_unless_ended(std::time::Duration::from_secs(5), Box::new(give_up));
        }
    }

    /// Waits until the worker has ended.
    async fn ended(&self) {
        std::future::poll_fn(|cx| {
            if self.ended.get() {
                return Poll::Ready(());
            }
            self.end_wakers.borrow_mut().push(cx.waker().clone());
            self.drive(cx);
            if self.ended.get() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// The first words to each host.
fn hello() -> Request<'static> {
    Request::Hello { protocol: PROTOCOL_VERSION, version: env!("CARGO_PKG_VERSION") }
}
