//! When the host goes and another is found: what was under way fails, is sent again or asked about, as [`verdict`] says;
//! connections are opened anew, so that those who hold them notice nothing.
//!
//! [`verdict`]: super::verdict

use super::calls::{Call, Line, Step, Waiter};
use super::losses::{error, gone, made_up, no_host, not_reopened, refused_to_work};
use super::verdict::{Case, Kind, Verdict, Why, ends_with_a_word, judge};
use super::{Channel, Loss, hello};
use crate::sorted::insert_sorted;
use crate::transport::Answer;
use aludel_protocol::{Fate, OpenOptions, RepeatClass, Request, SortedMap};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// How long calls wait for another host.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether there is a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Requests are sent as they come.
    Live,
    /// It is gone. Requests wait.
    Lost,
    /// Another is there, and learns what it has to know. Requests wait.
    Found,
}

type Fates = HashMap<u64, Fate>;

impl Channel {
    /// The host is gone.
    pub(super) fn lose(self: &Rc<Channel>, loss: &Loss) {
        if !self.is_alive() || self.phase.get() == Phase::Lost {
            return;
        }
        let broke = match loss {
            Loss::Broke(message) => Some(message.as_str()),
            Loss::Gone | Loss::Absent => None,
        };
        // What lived in its memory is gone with it; and who was about to leave has left.
        let mortal = self.key.is_none() || self.lines.borrow().values().any(Line::dies_with_host);
        if mortal || self.users.get() == 0 {
            return self.die(gone(broke.unwrap_or("the tab that hosted the database went away")));
        }
        self.phase.set(Phase::Lost);
        self.absent.set(*loss == Loss::Absent);
        self.past.set(self.past.get().max(self.epoch.replace(0)));
        if let Some(message) = broke {
            *self.broke.borrow_mut() = message.into();
        }
        // What a channel says for itself is said anew.
        let own: Vec<u64> = {
            let mut calls = self.calls.borrow_mut();
            for call in calls.values_mut() {
                let under_way = std::mem::take(&mut call.under_way);
                call.suspect |= broke.is_some() && under_way;
                if *loss == Loss::Absent && under_way {
                    call.sent = call.sent.saturating_sub(1);
                }
            }
            calls.iter().filter(|(_, call)| call.kind.is_none()).map(|(id, _)| *id).collect()
        };
        own.into_iter().for_each(|id| self.settle(id, failed(error(Why::TransactionLost, ""))));
        self.lose_transactions(if broke.is_some() { Why::Broke } else { Why::TransactionLost });
        let verdicts = self.verdicts(None);
        let waits = |verdict: &Verdict| matches!(verdict, Verdict::Ask | Verdict::Wait);
        self.begin_anew(|id| verdicts.iter().any(|(_, connection, verdict)| *connection == id && waits(verdict)));
        for (id, _, verdict) in verdicts {
            if matches!(verdict, Verdict::Done | Verdict::Fail(_)) {
                self.carry_out(id, verdict);
            }
        }
        self.wait_for_host();
    }

    /// Transactions and imports of which nothing is under way: no call fails that would tell of their end, so the next
    /// one does.
    fn lose_transactions(&self, why: Why) {
        let calls = self.calls.borrow();
        for (id, line) in self.lines.borrow_mut().iter_mut() {
            let importing = std::mem::take(&mut line.importing);
            if (line.in_transaction || importing) && !calls.values().any(|call| call.connection == *id) {
                line.lost = Some(if importing && why == Why::TransactionLost { Why::CutOff } else { why });
                line.in_transaction = false;
            }
        }
    }

    /// From here on, no transaction is open, except on connections that `keep` names.
    fn begin_anew(&self, keep: impl Fn(u32) -> bool) {
        for (id, line) in self.lines.borrow_mut().iter_mut() {
            line.in_transaction &= keep(*id);
        }
    }

    /// Another host is there.
    pub(super) fn find(self: &Rc<Channel>) {
        match self.phase.get() {
            Phase::Live => return,
            Phase::Found => self.lose(&Loss::Gone),
            Phase::Lost => {}
        }
        if !self.is_alive() {
            return;
        }
        self.phase.set(Phase::Found);
        self.losses.set(self.losses.get() + 1);
        self.waiting.set(false);
        self.questions.take();
        self.introduce(Step::Hello, 0, &hello());
        if self.watches_anew() {
            self.introduce(Step::Watch, 0, &Request::Watch { changes: true });
        }
        let lines: Vec<(u32, OpenOptions)> = {
            let lines = self.lines.borrow();
            let sound = lines.iter().filter(|(_, line)| line.failed.is_none());
            sound.map(|(id, line)| (*id, line.options.clone())).collect()
        };
        for (id, options) in lines {
            match self.opening(id) {
                // Under a number of its own, which no earlier host has heard: its answer is this host's.
                Some(call) => {
                    if let Some(call) = self.calls.borrow_mut().get_mut(&call) {
                        call.sent += 1;
                    }
                    self.introduce(Step::Open(call), id, &Request::Open(options));
                }
                // It was there: a new and empty database in its place would be another one.
                None => self.introduce(Step::Reopen, id, &Request::Open(OpenOptions { create: false, ..options })),
            }
        }
    }

    /// The caller's request that opens a connection, if it is not answered yet.
    fn opening(&self, connection: u32) -> Option<u64> {
        let calls = self.calls.borrow();
        let opens = |call: &Call| call.connection == connection && call.kind == Some(Kind::Open);
        calls.iter().find(|(_, call)| opens(call)).map(|(id, _)| *id)
    }

    fn introduce(&self, step: Step, connection: u32, request: &Request<'_>) {
        let id = self.next_id();
        self.calls.borrow_mut().insert(id, Call::own(step, connection));
        self.send(request.encode(&self.header(id, connection, RepeatClass::Safe)), None);
    }

    /// The new host has answered what it was told.
    pub(super) fn introduced(self: &Rc<Channel>, step: Step, connection: u32, answer: Answer) {
        match (step, answer) {
            (Step::Hello, Answer::Error { error, .. }) => self.die(refused_to_work(error)),
            (Step::Reopen, Answer::Error { error, .. }) => {
                if let Some(line) = self.lines.borrow_mut().get_mut(&connection) {
                    line.failed = Some(not_reopened(error));
                }
            }
            (Step::Open(id), answer) => {
                if matches!(answer, Answer::Opened { .. }) && !self.lines.borrow().contains_key(&connection) {
                    // Its user has given it up.
                    self.introduce(Step::Close, connection, &Request::Close);
                }
                self.settle(id, answer);
            }
            (Step::Fates, Answer::Fates(fates)) => {
                let fates: Fates = self.questions.take().into_iter().zip(fates).collect();
                self.resume(&fates);
                // Whatever was in doubt was asked about, and all of that is known now.
                self.unheard.borrow_mut().retain(|id, _| !fates.contains_key(id));
                return;
            }
            (Step::Fates, _) => return self.resume(&Fates::new()),
            (Step::Hello | Step::Watch | Step::Reopen | Step::Close, _) => {}
        }
        self.ask();
    }

    /// Asks what became of the requests that may have been committed, once all connections are open again.
    fn ask(self: &Rc<Channel>) {
        let owes = |call: &Call| matches!(call.waiter, Waiter::Channel(_));
        if self.phase.get() != Phase::Found || self.calls.borrow().values().any(owes) {
            return;
        }
        let verdicts = self.verdicts(None);
        let mut asked: Vec<u64> =
            verdicts.iter().filter(|(.., verdict)| *verdict == Verdict::Ask).map(|(id, ..)| *id).collect();
        // What is not asked about was heard of, the host concludes.
        if !asked.is_empty() {
            asked.extend(self.unheard.borrow().keys());
        }
        let sound = self.lines.borrow().iter().find(|(_, line)| line.failed.is_none()).map(|(id, _)| *id);
        match sound {
            Some(connection) if !asked.is_empty() => {
                *self.questions.borrow_mut() = asked.clone();
                self.introduce(Step::Fates, connection, &Request::Fates(asked));
            }
            _ => self.resume(&Fates::new()),
        }
    }

    /// Sends what is to be sent, and goes on as ever.
    fn resume(self: &Rc<Channel>, fates: &Fates) {
        let fate = |id: u64| fates.get(&id).copied().unwrap_or(Fate::Unknown);
        let verdicts = self.verdicts(Some(&fate));
        self.begin_anew(|_| false);
        let (send, settle): (Vec<_>, Vec<_>) = verdicts
            .into_iter()
            .partition(|(_, connection, verdict)| *verdict == Verdict::Send && self.is_open(*connection));
        // Those who hear of their answers may send more, which comes after what had been waiting.
        send.into_iter().for_each(|(id, ..)| self.dispatch(id));
        self.phase.set(Phase::Live);
        settle.into_iter().for_each(|(id, _, verdict)| self.carry_out(id, verdict));
        self.watch();
        self.missed_changes();
    }

    /// What becomes of each call, by their ids.
    fn verdicts(&self, fates: Option<&dyn Fn(u64) -> Fate>) -> Vec<(u64, u32, Verdict)> {
        let mut cases: SortedMap<u32, Vec<Case>> = SortedMap::new();
        for (id, call) in self.calls.borrow().iter() {
            cases.or_insert_with(call.connection, Vec::new).extend(call.case(*id));
        }
        let lines = self.lines.borrow();
        let of_line = |(connection, cases): (u32, Vec<Case>)| {
            let open = lines.get(&connection).is_some_and(|line| line.in_transaction);
            let verdicts = judge(open, &cases, fates);
            cases.into_iter().zip(verdicts).map(move |(case, verdict)| (case.id, connection, verdict))
        };
        let mut verdicts = Vec::new();
        let each = cases.into_iter().flat_map(of_line);
        each.for_each(|verdict| insert_sorted(&mut verdicts, verdict, |a, b| a.0 < b.0));
        verdicts
    }

    fn carry_out(self: &Rc<Channel>, id: u64, verdict: Verdict) {
        let (kind, connection) = match self.calls.borrow().get(&id) {
            Some(call) => (call.kind, call.connection),
            None => return,
        };
        let answer = match verdict {
            Verdict::Done => done(),
            Verdict::Committed { changes, last_insert_rowid } if !kind.is_some_and(ends_with_a_word) => {
                made_up(changes, last_insert_rowid).unwrap_or_else(|| failed(error(Why::AnswerLost, "")))
            }
            Verdict::Committed { .. } => done(),
            Verdict::Fail(why) => failed(error(why, &self.broke.borrow())),
            // Its connection could not be opened.
            Verdict::Send if matches!(kind, Some(Kind::End { .. })) => done(),
            Verdict::Send => {
                let line = self.lines.borrow().get(&connection).and_then(|line| line.failed.clone());
                failed(line.unwrap_or_else(|| error(Why::TransactionLost, "")))
            }
            Verdict::Ask | Verdict::Wait => return,
        };
        self.settle(id, answer);
    }

    /// Gives up after a while, so that nobody waits for ever.
    pub(super) fn wait_for_host(self: &Rc<Channel>) {
        if self.phase.get() != Phase::Lost || self.waiting.replace(true) {
            return;
        }
        let channel = Rc::downgrade(self);
        self.after_patience(move || {
            if let Some(channel) = channel.upgrade() {
                channel.give_up();
            }
        });
    }

    /// Runs `then` after a while, unless another host was found until then.
    pub(super) fn after_patience(self: &Rc<Channel>, then: impl FnOnce() + 'static) {
        let (channel, losses) = (Rc::downgrade(self), self.losses.get());
        let still = move || {
            if channel.upgrade().is_some_and(|channel| channel.losses.get() == losses) {
                then();
            }
        };
        if let Some(wire) = self.wire.get() {
            wire.later(PATIENCE, Box::new(still));
        }
    }

    /// The requests to a database in a file that may have been committed, and nobody has said so, in order.
    pub(super) fn doubts(&self) -> Vec<u64> {
        let verdicts = self.verdicts(None);
        let calls = self.calls.borrow();
        let is_in_doubt = |(id, connection, verdict): &(u64, u32, Verdict)| {
            let unknown = matches!(verdict, Verdict::Ask | Verdict::Wait | Verdict::Fail(Why::Unknown));
            let commits = |call: &Call| call.sent > 0 && call.class == RepeatClass::InDoubt;
            unknown && calls.get(id).is_some_and(commits) && !self.is_in_memory(*connection)
        };
        verdicts.iter().filter(|case| is_in_doubt(case)).map(|(id, ..)| *id).collect()
    }

    fn give_up(self: &Rc<Channel>) {
        self.waiting.set(false);
        for (id, _, verdict) in self.verdicts(None) {
            match verdict {
                Verdict::Ask | Verdict::Wait => self.carry_out(id, Verdict::Fail(Why::Unknown)),
                Verdict::Send => self.settle(id, failed(no_host(self.absent.get()))),
                Verdict::Done | Verdict::Committed { .. } | Verdict::Fail(_) => self.carry_out(id, verdict),
            }
        }
        self.begin_anew(|_| false);
    }
}

pub(super) fn done() -> Answer {
    Answer::Done { in_transaction: false }
}

/// A failure with the host, on which nothing is open any more.
pub(super) fn failed(error: aludel_protocol::Error) -> Answer {
    Answer::Error { error, in_transaction: Some(false) }
}
