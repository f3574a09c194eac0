//! What becomes of the requests that a host had not answered when it went: which are sent again to the next one, which
//! it is asked about, which fail and why. Decisions only; [`super::recovery`] carries them out.
//!
//! A host runs the requests of one connection in their order, so they are judged together, in that order. They fall into
//! *units*: a transaction from its first statement to the request that ends it, or a statement by itself. A unit of which
//! no reply has arrived is sent again, unless it may have been committed: then the next host is asked first. A
//! transaction of which replies have arrived cannot be repeated without its caller: it has failed.

use aludel_protocol::Fate;
use std::ops::Range;

/// How often a request is sent at most: whoever kills hosts is not given a fourth.
pub(super) const MOST_SENDINGS: u32 = 3;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Opens its connection.
    Open,
    /// Is a transaction of its own, or belongs to none.
    Alone,
    /// Belongs to the connection's transaction, which it begins where none is open.
    Within,
    /// Commits the connection's transaction.
    Commit,
    /// Ends whatever is open: rolls back, resets, gives up an import; or closes the connection.
    End { closes: bool },
    /// A step of an import. The last one puts the new database in its place, which is a commit; before that, more follow. No
    /// other host knows the steps before it.
    Import { goes_on: bool },
}

/// A request that was not answered to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub id: u64,
    pub kind: Kind,
    /// Whether it may have been committed: class "in doubt".
    pub doubt: bool,
    /// Whether it is the first of its transaction.
    pub first: bool,
    /// How often it was sent.
    pub sent: u32,
    /// Whether part of its answer has arrived.
    pub answered: bool,
    /// Whether its bytes are there to be sent again.
    pub kept: bool,
    /// Whether its caller has given it up.
    pub given_up: bool,
    /// Whether it was under way when a worker broke.
    pub suspect: bool,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is sent to the next host.
    Send,
    /// The next host is asked whether it was committed.
    Ask,
    /// What becomes of it depends on another that is asked about.
    Wait,
    /// There is nothing left to do.
    Done,
    /// It was committed, with this result.
    Committed { changes: i64, last_insert_rowid: i64 },
    /// It fails.
    Fail(Why),
}

/// Why it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Its caller does not want it any more.
    GivenUp,
    /// Its transaction was open, and was rolled back.
    TransactionLost,
    /// Its result had begun to arrive.
    CutOff,
    /// It was not kept, being too large.
    NotKept,
    /// It was committed, or what followed it was; its answer is lost.
    AnswerLost,
    /// Nobody knows whether it was committed.
    Unknown,
    /// It was there when three hosts went.
    Deadly,
    /// It was there when a worker broke.
    Broke,
}

/// Judges the requests of one connection, in their order. `open` says that a transaction was open of which replies have
/// arrived. Without fates it is not known yet which requests were committed. There is a verdict for each case.
pub(super) fn judge(open: bool, cases: &[Case], fates: Option<&dyn Fn(u64) -> Fate>) -> Vec<Verdict> {
    let mut judge = Judge { cases, fates, verdicts: vec![Verdict::Done; cases.len()], processed: 0 };
    judge.processed = (0..cases.len()).rfind(|at| judge.is_committed(*at)).unwrap_or(0);
    let mut refused = None;
    for (unit, lost) in units(open, cases) {
        match refused {
            Some(why) => judge.lost(unit, why),
            None if lost => judge.lost(unit, Why::TransactionLost),
            None => judge.fresh(unit),
        }
        // What should have opened the connection comes first in it.
        if let (Some(Case { kind: Kind::Open, .. }), Some(Verdict::Fail(why))) = (cases.first(), judge.verdicts.first())
        {
            refused = Some(*why);
        }
    }
    judge.close();
    judge.verdicts
}

/// Cuts the requests of a connection into units, each with whether it is the transaction that was open.
fn units(open: bool, cases: &[Case]) -> Vec<(Range<usize>, bool)> {
    let mut units = Vec::new();
    let (mut start, mut lost) = (0, open);
    for (at, case) in cases.iter().enumerate() {
        // Within the open transaction, nothing is by itself; but what was not sent yet may be the first of another.
        let begins = match case.kind {
            Kind::Open | Kind::Import { .. } => true,
            Kind::Alone => !lost,
            Kind::Within => lost && case.first && case.sent == 0,
            Kind::Commit | Kind::End { .. } => false,
        };
        if begins {
            units.push((start..at, lost));
            (start, lost) = (at, false);
        }
        let ends = match case.kind {
            Kind::Open | Kind::Commit | Kind::End { .. } | Kind::Import { .. } => true,
            Kind::Alone => !lost,
            // A COMMIT that was written as a statement.
            Kind::Within => !lost && case.doubt,
        };
        if ends {
            units.push((start..at + 1, lost));
            (start, lost) = (at + 1, false);
        }
    }
    units.push((start..cases.len(), lost));
    units.retain(|(unit, _)| !unit.is_empty());
    units
}

struct Judge<'a> {
    cases: &'a [Case],
    fates: Option<&'a dyn Fn(u64) -> Fate>,
    verdicts: Vec<Verdict>,
    /// The requests before this one were processed, since it was committed.
    processed: usize,
}

impl Judge<'_> {
    fn is_asked(&self, at: usize) -> bool {
        let case = &self.cases[at];
        case.doubt && case.sent > 0 && !case.given_up
    }

    /// What became of a request that is asked about; nothing while that is not known.
    fn fate(&self, at: usize) -> Option<Fate> {
        self.fates.filter(|_| self.is_asked(at)).map(|fates| fates(self.cases[at].id))
    }

    fn is_committed(&self, at: usize) -> bool {
        matches!(self.fate(at), Some(Fate::Committed { .. }))
    }

    fn fail(&mut self, unit: Range<usize>, why: Why) {
        for at in unit {
            self.verdicts[at] = match self.cases[at] {
                Case { given_up: true, .. } => Verdict::Fail(Why::GivenUp),
                Case { kind: Kind::End { .. }, .. } => Verdict::Done,
                _ => Verdict::Fail(why),
            };
        }
    }

    /// The verdict on a request that was committed.
    fn committed(&self, at: usize) -> Verdict {
        match self.fate(at) {
            // Of a COMMIT and of an import, there is nothing more to know.
            Some(Fate::Committed { changes, last_insert_rowid, had_rows })
                if ends_with_a_word(self.cases[at].kind) || !(had_rows || self.cases[at].answered) =>
            {
                Verdict::Committed { changes, last_insert_rowid }
            }
            _ => Verdict::Fail(Why::AnswerLost),
        }
    }

    /// A unit that is not repeated: a transaction of which its caller has seen something, most often.
    fn lost(&mut self, unit: Range<usize>, why: Why) {
        // What a commit makes of those before it; what stands before another that is asked about has to wait.
        let mut later = Verdict::Fail(why);
        for at in unit.rev() {
            let case = &self.cases[at];
            let suspect = |verdict| match verdict {
                Verdict::Fail(other) if other == why && case.suspect => Verdict::Fail(Why::Broke),
                verdict => verdict,
            };
            self.verdicts[at] = match (case, self.fate(at)) {
                (Case { given_up: true, .. }, _) => Verdict::Fail(Why::GivenUp),
                (Case { kind: Kind::End { .. }, .. }, _) => Verdict::Done,
                (_, None) if self.is_asked(at) => {
                    later = Verdict::Wait;
                    Verdict::Ask
                }
                (_, Some(Fate::Committed { .. })) => {
                    later = Verdict::Fail(Why::AnswerLost);
                    self.committed(at)
                }
                (_, Some(Fate::Unknown)) => {
                    later = Verdict::Fail(Why::Unknown);
                    later
                }
                (_, Some(Fate::NotCommitted) | None) => suspect(later),
            };
        }
    }

    /// A unit of which nobody has seen anything.
    fn fresh(&mut self, unit: Range<usize>) {
        // Only the last of a unit can commit it.
        let last = unit.end - 1;
        match self.fate(last) {
            _ if self.cases[last].kind == Kind::Open => self.again(unit),
            None if self.is_asked(last) => {
                for at in unit {
                    self.verdicts[at] = match self.cases[at] {
                        Case { given_up: true, .. } => Verdict::Fail(Why::GivenUp),
                        _ if at == last => Verdict::Ask,
                        _ => Verdict::Wait,
                    };
                }
            }
            Some(Fate::Committed { .. }) => {
                self.fail(unit, Why::AnswerLost);
                self.verdicts[last] = self.committed(last);
            }
            Some(Fate::Unknown) => self.fail(unit, Why::Unknown),
            // It was processed, and came to nothing; or it is a statement between a BEGIN and a COMMIT that were
            // written as statements. It can be repeated by somebody who looks first.
            Some(Fate::NotCommitted) if unit.start < self.processed => self.fail(unit, Why::AnswerLost),
            None if unit.start < self.processed => self.fail(unit, Why::TransactionLost),
            Some(Fate::NotCommitted) | None => self.again(unit),
        }
    }

    /// Where nothing is left to be done on a connection, closing it is nothing either: no other host will know it. But
    /// what is still to come on it comes before its end; and as soon as there are fates, the next host has opened it.
    fn close(&mut self) {
        let mut open = self.fates.is_some();
        for (case, verdict) in self.cases.iter().zip(&mut self.verdicts) {
            match verdict {
                Verdict::Send | Verdict::Ask | Verdict::Wait => open = true,
                Verdict::Done if open && case.kind == (Kind::End { closes: true }) => *verdict = Verdict::Send,
                Verdict::Done | Verdict::Committed { .. } | Verdict::Fail(_) => {}
            }
        }
    }

    /// A unit that is repeated, as far as it can be. What follows a request that cannot be would run without it.
    fn again(&mut self, unit: Range<usize>) {
        let (mut failed, mut any) = (None, false);
        for at in unit {
            let case = &self.cases[at];
            self.verdicts[at] = match case.kind {
                _ if case.given_up => Verdict::Fail(Why::GivenUp),
                // Where nothing begins, there is nothing to end.
                Kind::End { .. } if any => Verdict::Send,
                Kind::End { .. } => Verdict::Done,
                Kind::Commit if case.sent > 0 && !any && failed.is_none() => Verdict::Fail(Why::TransactionLost),
                Kind::Open | Kind::Alone | Kind::Within | Kind::Commit | Kind::Import { .. } => {
                    let was_told = self.fate(at) == Some(Fate::NotCommitted);
                    failed = failed.or(obstacle(case, was_told));
                    any |= failed.is_none();
                    failed.map_or(Verdict::Send, Verdict::Fail)
                }
            };
        }
    }
}

/// Whether the answer to a request of this kind says no more than that it was done.
pub(super) fn ends_with_a_word(kind: Kind) -> bool {
    matches!(kind, Kind::Commit | Kind::Import { goes_on: false })
}

/// What keeps a request from being sent; `was_told` says that a host knows that it was not committed.
fn obstacle(case: &Case, was_told: bool) -> Option<Why> {
    match case {
        // What was given to a wire that found nobody is sent for the first time, if it was kept.
        Case { sent: 0, kept: true, .. } => None,
        Case { sent: 0, .. } => Some(Why::NotKept),
        // It may have been done even if nothing or little of its answer has arrived.
        Case { kind: Kind::Import { goes_on: false }, .. } if !was_told => Some(Why::Unknown),
        Case { suspect: true, .. } => Some(Why::Broke),
        Case { answered: true, .. } | Case { kind: Kind::Import { .. }, .. } => Some(Why::CutOff),
        Case { kept: false, .. } => Some(Why::NotKept),
        Case { sent, .. } if *sent >= MOST_SENDINGS => Some(Why::Deadly),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
