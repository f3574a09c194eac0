//! Requests on their way out, replies on their way in.

use super::calls::{Call, Line, Message, Waiter, kind_of};
use super::losses::{error, gone, misunderstood, refused_to_work};
use super::recovery::{Phase, done, failed};
use super::verdict::{Kind, Why};
use super::{Channel, Loss, Watch};
use crate::transport::pending::Slot;
use crate::transport::{Answer, Buffer, Pending};
use aludel_protocol::{
    BeginMode, Delivery, Error, ErrorKind, Execute, Header, ImportStep, PROTOCOL_VERSION, RepeatClass, Request, Side,
    other_version,
};
use std::rc::Rc;

impl Channel {
    /// Sends a request without parameters; the reply comes through the [`Pending`].
    pub fn request(
        self: &Rc<Channel>,
        connection: u32,
        class: RepeatClass,
        request: &Request<'_>,
        watch: Option<Watch>,
    ) -> Pending {
        let id = self.next_id();
        if let Request::Open(options) = request {
            self.lines.borrow_mut().insert(connection, Line::new(options.clone()));
        }
        let deadline = match request {
            Request::Transaction { deadline, .. } => *deadline,
            Request::Procedure(call) => call.deadline,
            _ => 0,
        };
        let message = Message::new(request.encode(&self.header(id, connection, class)), None, deadline);
        let kind = kind_of(request);
        let slot = Rc::new(Slot::new(watch));
        self.take_call(id, Call::new(slot.clone(), connection, kind, class, message));
        Pending::new(self.clone(), slot, connection, id, false)
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
        let id = self.next_id();
        let head = execute.encode_head(&self.header(id, connection, class), batch.is_some());
        let message = Message::new(head, batch, execute.deadline);
        let kind = match execute.begin {
            BeginMode::None | BeginMode::Own => Kind::Alone,
            BeginMode::Auto | BeginMode::Deferred | BeginMode::Immediate | BeginMode::Exclusive => Kind::Within,
        };
        let slot = Rc::new(Slot::new(watch));
        let stream = matches!(execute.delivery, Delivery::Stream { .. });
        let call = Call::new(slot.clone(), connection, Some(kind), class, message);
        self.take_call(id, Call { buffered: !stream, ..call });
        Pending::new(self.clone(), slot, connection, id, stream)
    }

    /// Sends the next bytes of an import, which are not copied once more.
    pub fn import_chunk(self: &Rc<Channel>, connection: u32, bytes: Buffer, watch: Option<Watch>) -> Pending {
        let (id, class) = (self.next_id(), RepeatClass::Transaction);
        let head = ImportStep::encode_chunk_head(&self.header(id, connection, class), bytes.len() as u32);
        let message = Message::new(head, Some(bytes), 0);
        let (kind, slot) = (Some(Kind::Import { goes_on: true }), Rc::new(Slot::new(watch)));
        self.take_call(id, Call::new(slot.clone(), connection, kind, class, message));
        Pending::new(self.clone(), slot, connection, id, false)
    }

    /// Sends a call, or keeps it until there is a host; what needs no host is answered at once.
    fn take_call(self: &Rc<Channel>, id: u64, call: Call) {
        let answer = self.answer_without_host(&call);
        self.calls.borrow_mut().insert(id, call);
        match answer {
            Some(answer) => self.settle(id, answer),
            None if self.phase.get() == Phase::Live => self.dispatch(id),
            None => self.wait_for_host(),
        }
    }

    fn answer_without_host(&self, call: &Call) -> Option<Answer> {
        if let Some(error) = self.death() {
            return Some(Answer::Error { error, in_transaction: None });
        }
        if call.kind.is_none() && self.phase.get() != Phase::Live {
            return Some(failed(error(Why::TransactionLost, "")));
        }
        let ends = call.ends();
        if let Some(line) = self.lines.borrow_mut().get_mut(&call.connection) {
            if let Some(error) = &line.failed {
                return Some(if ends { done() } else { failed(error.clone()) });
            }
            // What begins anew, or ends what was open, has no need to know.
            if let Some(why) = line.lost.take()
                && !ends
                && call.class != RepeatClass::Safe
            {
                return Some(failed(error(why, &self.broke.borrow())));
            }
        }
        // Where nothing is open and nothing is under way, there is nothing to end, but for the connection itself, which a
        // host that was found has opened again.
        let waits = match self.phase.get() {
            Phase::Live => false,
            Phase::Lost => ends,
            Phase::Found => ends && !(call.closes() && self.is_open(call.connection)),
        };
        let quiet = || !self.calls.borrow().values().any(|other| other.connection == call.connection);
        (waits && quiet()).then(done)
    }

    /// Sends a call that was not sent yet, or is sent again.
    pub(super) fn dispatch(&self, id: u64) {
        let mut calls = self.calls.borrow_mut();
        let Some(call) = calls.get_mut(&id) else { return };
        let Some(message) = call.message.take() else { return };
        let mortal = self.key.is_none() || self.is_in_memory(call.connection);
        let epoch = if mortal { 0 } else { self.epoch.get() };
        let (head, batch, kept) = message.part(epoch, !mortal && call.is_repeated());
        call.message = kept;
        call.sent += 1;
        call.under_way = true;
        if let Waiter::Slot(slot) = &call.waiter {
            // What an earlier host had answered of it begins anew.
            slot.clear();
        }
        let (connection, imports) = (call.connection, matches!(call.kind, Some(Kind::Import { .. })));
        drop(calls);
        if imports && let Some(line) = self.lines.borrow_mut().get_mut(&connection) {
            line.importing = true;
        }
        self.send(head, batch);
    }

    pub(super) fn is_in_memory(&self, connection: u32) -> bool {
        self.lines.borrow().get(&connection).is_some_and(Line::dies_with_host)
    }

    /// Answers a call that gets no other answer.
    pub(super) fn settle(&self, id: u64, answer: Answer) {
        let call = self.calls.borrow_mut().remove(&id);
        let Some(call) = call else { return };
        if !call.under_way {
            self.unheard(id, &call);
        }
        if call.closes() || (call.kind == Some(Kind::Open) && matches!(answer, Answer::Error { .. })) {
            self.lines.borrow_mut().remove(&call.connection);
            self.set_site(call.connection, None);
        }
        if let (Some(Kind::Import { goes_on }), Some(line)) =
            (call.kind, self.lines.borrow_mut().get_mut(&call.connection))
        {
            line.importing = goes_on && matches!(answer, Answer::Done { .. });
        }
        if let Waiter::Slot(slot) = &call.waiter {
            slot.take(answer);
        }
    }

    /// Whether a connection can be used: it goes with its worker, or when a new host cannot open it.
    pub fn has(&self, connection: u32) -> bool {
        self.is_alive() && self.lines.borrow().get(&connection).is_none_or(|line| line.failed.is_none())
    }

    /// Whether a connection was opened, or will be, and nothing has closed it.
    pub(super) fn is_open(&self, connection: u32) -> bool {
        self.lines.borrow().get(&connection).is_some_and(|line| line.failed.is_none())
    }

    /// Sends a message that is not answered. Without a host it is not needed.
    pub(in crate::transport) fn tell(&self, connection: u32, request: &Request<'_>) {
        if self.phase.get() == Phase::Live {
            let id = self.next_id();
            self.send(request.encode(&self.header(id, connection, RepeatClass::Safe)), None);
        }
    }

    /// The caller has given a call up.
    pub(in crate::transport) fn cancel(&self, id: u64, connection: u32) {
        let (under_way, ends) = match self.calls.borrow().get(&id) {
            Some(call) => (call.under_way, call.ends()),
            None => return,
        };
        if under_way {
            let cancel = Request::Cancel { request: id };
            let id = self.next_id();
            self.send(cancel.encode(&self.header(id, connection, RepeatClass::Safe)), None);
        } else if !ends {
            self.settle(id, Answer::Error { error: error(Why::GivenUp, ""), in_transaction: None });
        }
    }

    pub(super) fn header(&self, id: u64, connection: u32, class: RepeatClass) -> Header {
        Header { client: self.client, ..Header::new(self.epoch.get(), id, connection, class) }
    }

    pub(super) fn next_id(&self) -> u64 {
        self.next_request.replace(self.next_request.get() + 1)
    }

    pub(super) fn send(&self, head: Vec<u8>, batch: Option<Buffer>) {
        if self.is_alive()
            && let Some(wire) = self.wire.get()
        {
            self.frames.set(self.frames.get() + 1);
            wire.send(head, batch);
        }
    }

    /// Takes the call of a stream away, whose worker sends nothing more.
    pub(in crate::transport) fn forget(&self, id: u64) {
        let call = self.calls.borrow_mut().remove(&id);
        if let Some(call) = call {
            self.unheard(id, &call);
        }
    }

    /// What became of a call is not asked for any more, and the host has not said it.
    fn unheard(&self, id: u64, call: &Call) {
        if call.class == RepeatClass::InDoubt && call.sent > 0 {
            self.unheard.borrow_mut().insert(id, (call.connection, self.next_request.get()));
        }
    }

    /// The host has said what became of a request, and with it that what had been given up on its connection before is
    /// over.
    fn heard(&self, header: &Header) {
        if header.class == RepeatClass::InDoubt {
            let over = |connection: u32, since: u64| connection == header.connection && since <= header.request;
            self.unheard.borrow_mut().retain(|_, (connection, since)| !over(*connection, *since));
        }
    }

    /// Whether the host owes an answer.
    pub(super) fn awaits(&self) -> bool {
        self.calls.borrow().values().any(|call| call.under_way)
    }

    /// Wakes whoever waits for a reply: one of them drives a worker in this thread.
    pub fn wake_all(&self) {
        let waiters: Vec<_> = self.calls.borrow().values().map(|call| call.waiter.clone()).collect();
        waiters.iter().for_each(|waiter| {
            if let Waiter::Slot(slot) = waiter {
                slot.wake();
            }
        });
    }

    pub(super) fn receive(self: &Rc<Channel>, frame: Buffer) {
        if self.phase.get() == Phase::Lost {
            return;
        }
        let (header, answer) = match Answer::decode(frame) {
            Ok(decoded) => decoded,
            Err(error) => {
                return self.die(gone("the worker sent a frame that breaks the protocol").with_cause(error));
            }
        };
        if (header.client != 0 && header.client != self.client) || self.is_late(&header, &answer) {
            return;
        }
        match &answer {
            Answer::Fatal { message } => return self.die(gone(&format!("the worker broke: {message}"))),
            Answer::Notice(notice) => return self.noticed(&header, notice),
            Answer::Error { error, .. } if error.kind() == ErrorKind::HostLost => return self.refused(&header, error),
            Answer::Hello { protocol, version, .. } if *protocol != PROTOCOL_VERSION => {
                return self.die(other_version(Side::Worker, *protocol, version));
            }
            Answer::Hello { sqlite_version, .. } => {
                self.sqlite_version.get_or_init(|| sqlite_version.clone());
            }
            Answer::Error { error, .. } if header.request == 1 && self.sqlite_version.get().is_none() => {
                return self.die(refused_to_work(error.clone()));
            }
            // It could not even read which request it is to answer.
            Answer::Error { error, .. } if header.request == 0 && error.kind() == ErrorKind::Protocol => {
                return self.die(misunderstood(error.clone()));
            }
            _ => {}
        }
        let called = self.calls.borrow().get(&header.request).map(|call| (call.waiter.clone(), call.buffered));
        let Some((waiter, buffered)) = called else { return };
        if header.epoch != 0 && !self.is_in_memory(header.connection) {
            self.epoch.set(header.epoch);
        }
        // Part of a buffered result tells its caller nothing yet.
        if let Some(open) = answer.in_transaction().filter(|_| answer.is_last() || !buffered)
            && let Some(line) = self.lines.borrow_mut().get_mut(&header.connection)
        {
            line.in_transaction = open;
        }
        match waiter {
            Waiter::Channel(step) => {
                self.forget(header.request);
                self.introduced(step, header.connection, answer);
            }
            Waiter::Slot(_) if answer.is_last() => {
                self.heard(&header);
                self.settle(header.request, answer);
            }
            Waiter::Slot(slot) => slot.take(answer),
        }
    }

    /// Whether an earlier host sent it. What only the host of now was asked, only that can answer: its epoch is believed
    /// even where it is lower than before, since a database may be deleted and made anew.
    fn is_late(&self, header: &Header, answer: &Answer) -> bool {
        let (epoch, now, past) = (header.epoch, self.epoch.get(), self.past.get());
        let refused = matches!(answer, Answer::Error { error, .. } if error.kind() == ErrorKind::HostLost);
        match self.calls.borrow().get(&header.request) {
            Some(call) if !call.under_way => true,
            Some(call) if call.sent > 1 && !refused => epoch != 0 && epoch != now,
            Some(call) if call.sent > 1 => epoch != 0 && epoch != now && epoch <= past,
            Some(_) => false,
            None => epoch != 0 && epoch != now && epoch <= past,
        }
    }

    /// A host has not done what it was asked. If it is another one than was meant, it is made known; if it is about to
    /// go, its wire says so, and then the request is for the next one. An answer that came late means neither.
    fn refused(self: &Rc<Channel>, header: &Header, error: &Error) {
        let (epoch, now) = (header.epoch, self.epoch.get());
        if epoch != 0 && now != 0 && epoch != now {
            self.lose(&Loss::Gone);
            return self.find();
        }
        let sent = self.calls.borrow().get(&header.request).map(|call| call.sent);
        if sent == Some(1) || (sent.is_some() && epoch != 0) {
            let (channel, id, error) = (Rc::downgrade(self), header.request, error.clone());
            self.after_patience(move || {
                if let Some(channel) = channel.upgrade() {
                    channel.settle(id, failed(error));
                }
            });
        }
    }
}
