//! The client's end of one worker: pairs replies with requests, and knows when the worker is gone.

use super::pending::Slot;
use super::{Answer, Buffer, Pending, Place, Spawn, Wire};
use aludel_protocol::{Delivery, Error, ErrorKind, Execute, Header, PROTOCOL_VERSION, RepeatClass, Request, Result};
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

thread_local! {
    /// The living channels to databases that several engines may share, by their key.
    static SHARED: RefCell<HashMap<String, Weak<Channel>>> = RefCell::new(HashMap::new());
    static EPOCH: Cell<u32> = const { Cell::new(0) };
}

/// One worker and the requests that wait for it.
pub struct Channel {
    epoch: u32,
    key: Option<String>,
    wire: OnceCell<Rc<dyn Wire>>,
    next_request: Cell<u64>,
    next_connection: Cell<u32>,
    slots: RefCell<HashMap<u64, Rc<Slot>>>,
    users: Cell<usize>,
    death: RefCell<Option<Error>>,
    /// Set once the worker said Hello.
    sqlite_version: OnceCell<String>,
    frames: Cell<u64>,
    ended: Cell<bool>,
    end_wakers: RefCell<Vec<Waker>>,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").field("epoch", &self.epoch).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Channel {
    /// The channel of the database with this key: the one that lives, or a new one. Without a key, always a new one.
    pub fn get(key: Option<&str>, spawn: &dyn Spawn) -> Result<ChannelUse> {
        let living = key.and_then(|key| SHARED.with_borrow(|shared| shared.get(key).and_then(Weak::upgrade)));
        if let Some(channel) = living.filter(|channel| channel.is_alive() && channel.users.get() > 0) {
            return Ok(ChannelUse::new(channel));
        }
        let channel = Rc::new(Channel {
            epoch: EPOCH.with(|epoch| epoch.replace(epoch.get().wrapping_add(1))).wrapping_add(1),
            key: key.map(str::to_owned),
            wire: OnceCell::new(),
            next_request: Cell::new(1),
            next_connection: Cell::new(1),
            slots: RefCell::default(),
            users: Cell::new(0),
            death: RefCell::default(),
            sqlite_version: OnceCell::new(),
            frames: Cell::new(0),
            ended: Cell::new(false),
            end_wakers: RefCell::default(),
        });
        let place = Place { path: key.map(str::to_owned), client: spawn.client() };
        let wire = spawn.spawn(&place, Inbox(Rc::downgrade(&channel)))?;
        channel.wire.get_or_init(|| wire);
        if let Some(key) = key {
            SHARED.with_borrow_mut(|shared| {
                shared.retain(|_, channel| channel.strong_count() > 0);
                shared.insert(key.to_owned(), Rc::downgrade(&channel))
            });
        }
        let hello = Request::Hello { protocol: PROTOCOL_VERSION, version: env!("CARGO_PKG_VERSION") };
        channel.request(0, RepeatClass::Safe, &hello, None).detach();
        Ok(ChannelUse::new(channel))
    }

    /// Why the worker is gone, if it is.
    pub fn death(&self) -> Option<Error> {
        self.death.borrow().clone()
    }

    /// Whether the worker takes requests.
    pub fn is_alive(&self) -> bool {
        self.death.borrow().is_none()
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

    /// Sends a request without parameters; the reply comes through the [`Pending`].
    pub fn request(
        self: &Rc<Channel>,
        connection: u32,
        class: RepeatClass,
        request: &Request<'_>,
        watch: Option<Watch>,
    ) -> Pending {
        let (id, pending) = self.expect(connection, false, watch);
        self.send(request.encode(&Header::new(self.epoch, id, connection, class)), None);
        pending
    }

    /// Sends a statement, with an encoded batch of parameters. `execute.parameters` is not looked at.
    pub fn execute(
        self: &Rc<Channel>,
        connection: u32,
        class: RepeatClass,
        execute: &Execute<'_>,
        batch: Option<Buffer>,
        watch: Option<Watch>,
    ) -> Pending {
        let (id, pending) = self.expect(connection, matches!(execute.delivery, Delivery::Stream { .. }), watch);
        let header = Header::new(self.epoch, id, connection, class);
        self.send(execute.encode_head(&header, batch.is_some()), batch);
        pending
    }

    /// Sends a message that is not answered.
    pub(super) fn tell(&self, connection: u32, request: &Request<'_>) {
        let id = self.next_id();
        self.send(request.encode(&Header::new(self.epoch, id, connection, RepeatClass::Safe)), None);
    }

    fn next_id(&self) -> u64 {
        self.next_request.replace(self.next_request.get() + 1)
    }

    fn expect(self: &Rc<Channel>, connection: u32, stream: bool, watch: Option<Watch>) -> (u64, Pending) {
        let id = self.next_id();
        let slot = Rc::new(Slot::new(watch));
        match self.death() {
            Some(error) => slot.take(Answer::Error { error, in_transaction: None }),
            None => {
                self.slots.borrow_mut().insert(id, slot.clone());
            }
        }
        (id, Pending::new(self.clone(), slot, connection, id, stream))
    }

    fn send(&self, head: Vec<u8>, batch: Option<Buffer>) {
        if self.is_alive()
            && let Some(wire) = self.wire.get()
        {
            self.frames.set(self.frames.get() + 1);
            wire.send(head, batch);
        }
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

    /// Takes the slot of a stream away, whose worker sends nothing more.
    pub(super) fn forget(&self, id: u64) {
        self.slots.borrow_mut().remove(&id);
    }

    /// Wakes whoever waits for a reply: one of them drives a worker in this thread.
    pub fn wake_all(&self) {
        let slots: Vec<_> = self.slots.borrow().values().cloned().collect();
        slots.iter().for_each(|slot| slot.wake());
    }

    fn receive(self: &Rc<Channel>, frame: Buffer) {
        let (header, answer) = match Answer::decode(frame) {
            Ok(decoded) => decoded,
            Err(error) => {
                return self.die(gone("the worker sent a frame that breaks the protocol").with_cause(error));
            }
        };
        if header.epoch != self.epoch && header.epoch != 0 {
            return;
        }
        if let Answer::Fatal { message } = &answer {
            return self.die(gone(&format!("the worker broke: {message}")));
        }
        if let Answer::Hello { sqlite_version } = &answer {
            self.sqlite_version.get_or_init(|| sqlite_version.clone());
        }
        let refused = header.request == 1 && self.sqlite_version.get().is_none();
        if let (true, Answer::Error { error, .. }) = (refused, &answer) {
            return self.die(gone("the worker refused to work").with_cause(error.clone()));
        }
        let slot = if answer.is_last() {
            self.slots.borrow_mut().remove(&header.request)
        } else {
            self.slots.borrow().get(&header.request).cloned()
        };
        if let Some(slot) = slot {
            slot.take(answer);
        }
    }

    /// Rejects every waiter; the next connect starts a fresh worker.
    pub fn die(self: &Rc<Channel>, error: Error) {
        if !self.is_alive() {
            return;
        }
        *self.death.borrow_mut() = Some(error.clone());
        self.leave();
        let slots = std::mem::take(&mut *self.slots.borrow_mut());
        let mut slots: Vec<_> = slots.into_iter().collect();
        slots.sort_by_key(|(id, _)| *id);
        for (_, slot) in slots {
            slot.take(Answer::Error { error: error.clone(), in_transaction: None });
        }
        self.end();
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

    /// Closes the worker's files, then ends it.
    fn shut_down(self: &Rc<Channel>) {
        self.leave();
        if !self.is_alive() {
            return;
        }
        if self.sqlite_version.get().is_none() && self.frames.get() == 1 {
            // Nothing but Hello was said, so nothing is open.
            return self.die(gone("the engine was disposed of"));
        }
        let channel = self.clone();
        let done = Box::new(move |_: Progress| channel.die(gone("the engine was disposed of")));
        self.request(0, RepeatClass::Safe, &Request::Shutdown, Some(done)).detach();
        if let Some(wire) = self.wire.get() {
            wire.finish();
            let channel = self.clone();
            // A worker that still loads, or hangs, is not waited for.
            let give_up = move || channel.die(gone("the engine was disposed of"));
            wire.later(std::time::Duration::from_secs(5), Box::new(give_up));
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

/// The error of everything that a worker did not live to answer.
pub(super) fn gone(message: &str) -> Error {
    Error::new(ErrorKind::WorkerGone, message)
}

/// Why a host is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It went away: its tab was closed, crashed or frozen, or it gave the database up.
    Gone,
    /// Its worker broke, and what it was doing may be the cause.
    Broke(String),
}

/// Where a [`Wire`] puts what arrives.
#[derive(Clone, Debug)]
pub struct Inbox(Weak<Channel>);

impl Inbox {
    /// A frame arrived.
    pub fn frame(&self, frame: Buffer) {
        if let Some(channel) = self.0.upgrade() {
            channel.receive(frame);
        }
    }

    /// The worker is gone: it could not be loaded, crashed or was ended.
    pub fn fatal(&self, message: &str) {
        if let Some(channel) = self.0.upgrade() {
            channel.die(gone(message));
        }
    }

    /// The host is gone, and another will be found. Of what was sent and not answered, nobody knows what was done; until
    /// [`Inbox::found`], nothing is sent.
    pub fn lost(&self, loss: Loss) {
        let message = match &loss {
            Loss::Gone => "the tab that hosted the database went away",
            Loss::Broke(message) => message,
        };
        self.fatal(message);
    }

    /// Frames reach a host again: one that knows nothing of this channel.
    pub fn found(&self) {}

    /// Wakes whoever waits for a reply.
    pub fn wake_all(&self) {
        if let Some(channel) = self.0.upgrade() {
            channel.wake_all();
        }
    }
}

/// A use of a channel; when the last one is dropped, the worker closes its files and ends.
#[derive(Debug)]
pub struct ChannelUse(Rc<Channel>);

impl ChannelUse {
    fn new(channel: Rc<Channel>) -> ChannelUse {
        channel.users.set(channel.users.get() + 1);
        ChannelUse(channel)
    }

    /// Gives up the use; when it is the last one, waits until the worker has ended.
    pub async fn release(self) {
        let channel = self.0.clone();
        drop(self);
        if channel.users.get() == 0 {
            channel.ended().await;
        }
    }
}

impl Clone for ChannelUse {
    fn clone(&self) -> ChannelUse {
        ChannelUse::new(self.0.clone())
    }
}

impl std::ops::Deref for ChannelUse {
    type Target = Rc<Channel>;

    fn deref(&self) -> &Rc<Channel> {
        &self.0
    }
}

impl Drop for ChannelUse {
    fn drop(&mut self) {
        self.0.users.set(self.0.users.get() - 1);
        if self.0.users.get() == 0 {
            self.0.shut_down();
        }
    }
}
