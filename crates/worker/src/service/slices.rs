//! Time slices: statements that are lent out to be stepped, and pause while others run.

use super::{Service, State};
use crate::connection::ConnectionKey;
use crate::job::reply;
use crate::scheduler::TURN_MS;
#[cfg(feature = "faults")]
use crate::stepping::often;
use crate::{Environment, Stepping, Turn, sqlite};
use aludel_protocol::{Error, Header, Reply, SortedMap};
use std::collections::VecDeque;

/// After how many pauses in which nobody wanted anything a statement pauses less often: about 100 ms.
const QUIET_PAUSES: u32 = 20;

/// What is lent out.
#[derive(Debug, Default)]
pub(super) struct Slices {
    /// Whether statements are lent out at all.
    pub(super) on: bool,
    /// The statement that the last turn asked to be stepped.
    next: Option<Stepping>,
    /// Counts the statements that were lent out.
    lent: u64,
    /// The connections of those that are.
    keys: SortedMap<u64, ConnectionKey>,
    /// Those that pause, the longest first.
    pausing: VecDeque<u64>,
    /// Until when those who do not pause come first.
    fresh_until: f64,
    /// Whether the last one that went on held the write lock.
    wrote: bool,
    /// Whether a frame has come since a statement went on.
    heard: bool,
    /// In how many pauses in a row none has, and no other statement paused.
    quiet: u32,
    /// Connections that end when their statements are back, and why.
    leaving: SortedMap<ConnectionKey, Error>,
    /// After how many steps of SQLite's virtual machine statements look whether to pause, if tests want it otherwise.
    #[cfg(feature = "faults")]
    look_every: Option<i32>,
    /// Clients that have left, and are told so when their connections have ended.
    farewells: Vec<Header>,
    /// Frames of clients whose connections have to end first.
    held: Vec<Vec<u8>>,
}

impl Slices {
    /// To be called with each connection that was opened.
    pub(super) fn opened(&self, connection: &sqlite::Connection) {
        #[cfg(feature = "faults")]
        if let Some(steps) = self.look_every.or(often::is_on().then_some(often::STEPS)) {
            connection.look_every(steps);
        }
        let _ = connection;
    }

    /// A frame has come.
    pub(super) fn hears(&mut self) {
        self.heard = true;
    }

    /// Whether the statement that goes on has been alone for some time.
    fn is_alone(&mut self) -> bool {
        let alone = !std::mem::take(&mut self.heard) && self.pausing.is_empty();
        self.quiet = if alone { self.quiet.saturating_add(1) } else { 0 };
        self.quiet >= QUIET_PAUSES
    }

    /// Where the first of those that pause is of which this holds of their connection.
    fn position(&self, holds: impl Fn(ConnectionKey) -> bool) -> Option<usize> {
        self.pausing.iter().position(|number| self.keys.get(number).is_some_and(|key| holds(*key)))
    }

    /// Which statement goes on next: one that only does so to end, or the one that holds the write lock, but for every other
    /// time.
    fn pick(&mut self, ends: Option<usize>, writes: impl Fn(ConnectionKey) -> bool) -> Option<u64> {
        if let Some(ends) = ends {
            return self.pausing.remove(ends);
        }
        let writer = self.position(writes).filter(|_| !self.wrote);
        self.wrote = writer.is_some();
        self.pausing.remove(writer.unwrap_or(0))
    }
}

#[cfg(feature = "faults")]
impl<H: Environment> Service<H> {
    /// Has the statements of all connections that are opened from here on look every so many steps of SQLite's virtual machine
    /// whether to pause.
    pub fn look_every(&mut self, steps: i32) {
        self.slices.look_every = Some(steps);
    }
}

impl<H: Environment> Service<H> {
    /// Has statements lent out from here on: a turn says [`Turn::Step`] when there is one in [`Service::take_stepping`], which
    /// is to be run and given back by [`Service::stepped`], and [`Turn::Resume`] when one that pauses is to go on.
    pub fn lend_statements(&mut self) {
        self.slices.on = true;
    }

    /// Whether there is a statement to be stepped.
    pub(super) fn has_stepping(&self) -> bool {
        self.slices.next.is_some()
    }

    /// The statement that the last turn asked to be stepped.
    pub fn take_stepping(&mut self) -> Option<Stepping> {
        self.slices.next.take()
    }

    pub(super) fn lend(&mut self, key: ConnectionKey, mut stepping: Stepping) {
        self.slices.lent += 1;
        stepping.number = self.slices.lent;
        self.slices.keys.insert(stepping.number, key);
        self.slices.next = Some(stepping);
    }

    /// A statement that is lent out pauses: others run.
    pub fn paused(&mut self, number: u64) {
        let now = self.env.now();
        self.slices.fresh_until = now + TURN_MS;
        self.slices.pausing.push_back(number);
        let Some((connection, database)) = self.lent(number) else { return };
        connection.paused(database, now);
    }

    /// A statement that paused goes on.
    pub fn resumed(&mut self, number: u64) {
        let alone = self.slices.is_alone();
        let Some((connection, database)) = self.lent(number) else { return };
        connection.resumed(database, alone);
    }

    /// Takes a statement back that was run. Another turn is due.
    pub fn stepped(&mut self, stepping: Stepping) {
        let Some(key) = self.slices.keys.remove(&stepping.number) else { return };
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let Some(database) = self.databases.get_mut(&slot.database) else { return };
        let State::Open(connection) = &mut slot.state else { return };
        let leaves = self.slices.leaving.contains_key(&key);
        if let Some(stepping) = connection.stepped(stepping, leaves, database, &mut self.env) {
            self.lend(key, stepping);
        } else if let Some(error) = self.slices.leaving.remove(&key) {
            self.abandon(key, &error);
            self.forget_gone(key.client);
            self.take_held();
        } else {
            connection.give_up_broken(database, &mut self.env);
            self.look_after_attachments(key);
        }
    }

    /// Whether those that pause have waited for long enough for those who do not. One that is to be interrupted does not wait.
    pub(super) fn owes_slice(&self, now: f64) -> bool {
        !self.slices.pausing.is_empty() && (now >= self.slices.fresh_until || self.ending(now).is_some())
    }

    /// Where the first of those that pause is which is interrupted as soon as it goes on.
    fn ending(&self, now: f64) -> Option<usize> {
        let opened = |key| self.slots.get(&key).and_then(super::Slot::opened);
        self.slices.position(|key| opened(key).is_some_and(|connection| connection.lent_ends(now)))
    }

    /// What to do after a turn that leaves nothing lent out to be stepped at once.
    pub(super) fn after_slices(&mut self, turn: Turn, now: f64) -> Turn {
        if self.slices.next.is_some() {
            return Turn::Step;
        }
        if self.slices.pausing.is_empty() || (turn == Turn::Again && !self.owes_slice(now)) {
            return turn;
        }
        let (ends, slots) = (self.ending(now), &self.slots);
        let writes =
            |key| slots.get(&key).and_then(super::Slot::opened).is_some_and(|connection| connection.lent_writes());
        self.slices.pick(ends, writes).map_or(turn, Turn::Resume)
    }

    /// Whether a connection can not end yet, since its statement is lent out. It ends when that is back.
    pub(super) fn leaves_later(&mut self, key: ConnectionKey, error: &Error) -> bool {
        let lent = self.slots.get(&key).and_then(super::Slot::opened).filter(|connection| connection.is_lent());
        let Some(connection) = lent else { return false };
        connection.interrupt();
        if !self.slices.leaving.contains_key(&key) {
            self.slices.leaving.insert(key, error.clone());
        }
        true
    }

    /// Whether connections of a client have to end before anything more of it is taken.
    pub(super) fn holds(&mut self, client: u64, frame: Vec<u8>) -> Option<Vec<u8>> {
        if self.slices.leaving.keys().any(|key| key.client == client) {
            self.slices.held.push(frame);
            return None;
        }
        Some(frame)
    }

    /// Tells a client that it has left, as soon as all of it is over.
    pub(super) fn say_farewell(&mut self, header: &Header) {
        if self.slices.leaving.keys().any(|key| key.client == header.client) {
            self.slices.farewells.push(*header);
        } else {
            reply(&mut self.env, header, &Reply::Done { in_transaction: false });
        }
    }

    /// Forgets what a client that has gone had still said.
    pub(super) fn drop_held(&mut self, client: u64) {
        self.slices.held.retain(|frame| Header::peek(frame).ok().is_none_or(|header| header.client != client));
    }

    fn take_held(&mut self) {
        for header in std::mem::take(&mut self.slices.farewells) {
            self.say_farewell(&header);
        }
        for frame in std::mem::take(&mut self.slices.held) {
            self.receive(frame);
        }
        self.end_shutdown();
    }

    fn lent(&mut self, number: u64) -> Option<(&mut crate::connection::Connection, &mut crate::database::Database)> {
        let slot = self.slots.get_mut(self.slices.keys.get(&number)?)?;
        let database = self.databases.get_mut(&slot.database)?;
        match &mut slot.state {
            State::Open(connection) => Some((connection, database)),
            State::Opening { .. } => None,
        }
    }

    /// Whether all that was lent out is back.
    pub(super) fn is_whole(&self) -> bool {
        self.slices.keys.is_empty()
    }
}
