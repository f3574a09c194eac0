//! A job whose statement is lent out: SQLite is in the midst of it, and may not be asked for anything else that concerns the
//! connection. What others want of the connection meanwhile is done when the statement is back.

use super::{Connection, JobTurn};
use crate::Environment;
use crate::database::Database;
use crate::execution::{Context, Progress};
use crate::job::{Job, Work};
use crate::mark::Aside;
use crate::scheduler::{SLICE_MS, Slice};
use crate::sqlite::TransactionState;
use crate::stepping::{Came, Pace, Stepping};
use aludel_protocol::Error;
use std::rc::Rc;

/// A job whose statement is lent out.
#[derive(Debug)]
pub(super) struct Lent {
    job: Job,
    turn: JobTurn,
    deadline: f64,
    pace: Rc<Pace>,
    /// Whether a transaction was open when it was lent out. SQLite says so also in the midst of VACUUM, which has one for itself.
    in_transaction: bool,
    /// What is set aside while it pauses.
    aside: Option<Aside>,
    later: Vec<Later>,
}

/// What is done when the statement is back.
#[derive(Debug)]
pub(crate) enum Later {
    /// A request was given up.
    Cancel(u64),
    /// A stream was closed.
    CloseStream(u64),
    /// The transaction is to end.
    EndTransaction(Error),
}

impl Lent {
    pub(super) fn job(&self) -> &Job {
        &self.job
    }

    pub(super) fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    pub(super) fn job_mut(&mut self) -> &mut Job {
        &mut self.job
    }
}

impl Connection {
    /// Whether a statement of it is lent out.
    pub(crate) fn is_lent(&self) -> bool {
        self.lent.is_some()
    }

    /// Whether the statement that is lent out holds the write lock.
    pub(crate) fn lent_writes(&self) -> bool {
        self.lent.is_some() && self.state == TransactionState::Write
    }

    /// Whether the statement that is lent out is interrupted as soon as it goes on.
    pub(crate) fn lent_ends(&self, now: f64) -> bool {
        self.lent.as_ref().is_some_and(|lent| lent.pace.is_stopped() || now >= lent.deadline)
    }

    pub(super) fn lend(&mut self, mut job: Job, turn: JobTurn, slice: Slice) -> Option<Stepping> {
        let (deadline, in_transaction) = (job.deadline(), self.in_transaction() && !job.owns_transaction());
        let Work::Execute(execution) = &mut job.work else { return None };
        let (cursor, text, long) = (execution.lend(), execution.unprepared(), execution.has_long_text());
        let stepping = Stepping::new(cursor, text, long, self.db.share(), Rc::clone(&self.changes), slice, deadline);
        let pace = Rc::clone(&stepping.pace);
        self.lent = Some(Lent { job, turn, deadline, pace, in_transaction, aside: None, later: Vec::new() });
        Some(stepping)
    }

    /// The statement that is lent out pauses: others see what it holds.
    pub(crate) fn paused(&mut self, database: &mut Database, now: f64) {
        if let Some(lent) = &mut self.lent {
            lent.aside = database.marks.as_ref().map(|marks| marks.set_aside());
            // It has what it waited for. Others are not to wait behind it.
            if lent.job.waits_since.take().is_some() {
                database.lock.leave(self.key, lent.job.header.request);
            }
        }
        self.observe(database, now);
    }

    /// The statement that is lent out goes on; `alone` where nobody has wanted anything for some time.
    pub(crate) fn resumed(&mut self, database: &Database, alone: bool) {
        let Some(lent) = &mut self.lent else { return };
        lent.pace.go_on(alone);
        if let (Some(aside), Some(marks)) = (lent.aside.take(), &database.marks) {
            marks.take_up(aside);
        }
    }

    /// Takes a statement back, and goes on with its job. `leaves` says whether the connection ends after it.
    pub(crate) fn stepped(
        &mut self,
        stepping: Stepping,
        leaves: bool,
        database: &mut Database,
        env: &mut dyn Environment,
    ) -> Option<Stepping> {
        let Stepping { cursor, mut slice, pace, came, .. } = stepping;
        let Lent { mut job, turn, deadline, later, .. } = self.lent.take()?;
        let lock_is_promised = turn.first_try && database.lock.is_promised(self.key);
        let is_anothers = self.begun().any(Job::owns_transaction);
        let Work::Execute(execution) = &mut job.work else { return None };
        execution.take_back(cursor);
        if slice.end() <= env.now() {
            // It paused; others had their turns, and this is a new one.
            let now = env.now();
            slice = Slice::new(now, now + SLICE_MS);
        }
        let mut cx = Context {
            db: &self.db,
            cache: &mut self.cache,
            changes: &self.changes,
            env,
            header: &job.header,
            slice: &mut slice,
            spare: &mut self.spare,
            deadline,
            lock_is_promised,
            is_anothers,
            told_open: &mut self.told_open,
            marks: database.marks.as_deref(),
            lends: true,
            syncs: self.syncs,
        };
        let came = came.unwrap_or(Came::Over);
        let goes_on = later.is_empty() && !pace.is_stopped();
        // What is done is answered, unless it is undone at once or nobody listens: it could not be told from what failed.
        let is_unwanted = leaves || job.silent || later.iter().any(|later| matches!(later, Later::EndTransaction(_)));
        // Nothing more is said to whom it is taken from, or who has gone.
        let is_silent =
            (pace.is_stopped() || job.silent) && matches!(came, Came::Over | Came::Full | Came::Prepared(Ok(_)));
        let progress = match if is_silent { Ok(()) } else { execution.came(&mut cx, came) } {
            // Who wanted it interrupted says below what becomes of it.
            Err(Progress::Expired) if pace.is_stopped() => {
                // What was not prepared has done nothing, and may be prepared again.
                if execution.unprepared().is_none() {
                    execution.break_off();
                }
                Progress::Yielded
            }
            Err(progress) => progress,
            Ok(()) if goes_on || execution.is_done() && !is_unwanted => execution.run(&mut cx),
            Ok(()) => Progress::Yielded,
        };
        let next = self.conclude(job, turn, progress, slice, database, env);
        for later in later {
            match later {
                Later::Cancel(request) => drop(self.cancel(request, database, env)),
                Later::CloseStream(request) => drop(self.close_stream(request, database, env)),
                Later::EndTransaction(error) => self.end_transaction(&error, database, env),
            }
        }
        next
    }

    /// Whether a request has to wait until the statement that is lent out is back; it is done then. It concerns the job of
    /// that statement if `ends` picks it, which is then interrupted, or one of the streams beside it. The reader's going
    /// interrupts no write: SQLite would roll back all of its transaction. It comes to its next row, and is dropped there.
    pub(super) fn put_off(&mut self, ends: impl Fn(&Job) -> bool, later: impl FnOnce() -> Later) -> bool {
        let wanted = self.wanted.as_ref().map(|wanted| wanted.request);
        let Some(lent) = &mut self.lent else { return false };
        let is_its = ends(&lent.job);
        let concerns =
            is_its || self.queue.iter().chain(&self.streams).any(|job| ends(job) && touches_sqlite(job, wanted));
        if concerns {
            let later = later();
            let stays = matches!(later, Later::CloseStream(_)) && lent.job.writes_for_others();
            if is_its && !stays {
                lent.pace.stop();
            }
            lent.later.push(later);
        }
        concerns
    }

    /// Has the statement that is lent out interrupted, whatever it is.
    pub(crate) fn interrupt(&self) {
        if let Some(lent) = &self.lent {
            lent.pace.stop();
        }
    }
}

/// Whether SQLite is asked for something when this job ends: what was not prepared yet leaves nothing behind, unless it
/// wants a file, `wanted` by the request with this number.
pub(super) fn touches_sqlite(job: &Job, wanted: Option<u64>) -> bool {
    job.has_begun() || wanted == Some(job.header.request)
}
