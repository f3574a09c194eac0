//! A connection: its queue of jobs, its streams, its transaction.
#![forbid(unsafe_code)]

mod attached;
mod ended;
mod given_up;
mod lent;
mod locked;
mod procedure;
mod queue;

use crate::Environment;
use crate::attach::{Attached, Wanted};
use crate::changes::Changes;
use crate::database::Database;
use crate::execution::{Context, Progress, run_once};
use crate::import::{self, Import};
use crate::job::{Job, Work, reply, reply_error};
use crate::mark::Outcome;
use crate::procedure::lost;
use crate::scheduler::Slice;
use crate::sqlite::{self, TransactionState};
use crate::statement_cache::StatementCache;
use crate::stepping::Stepping;
use crate::transaction;
use aludel_protocol::{BatchWriter, Durability, Error, Fate, Header, OpenOptions, Reply, Storage};
pub(crate) use lent::Later;
use lent::Lent;
pub(crate) use locked::{Neighbour, cannot_open};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Buffers that are larger are not kept from one execution to the next.
const SPARE_BYTES: usize = 1 << 20;

/// Names a connection: its client, and the number that the client chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionKey {
    pub(crate) client: u64,
    pub(crate) id: u32,
}

/// The turn of a job.
#[derive(Clone, Copy, Debug)]
struct JobTurn {
    /// Whose turn it is: 0 is the queue's, others are streams'.
    unit: usize,
    since: f64,
    /// Whether a transaction was open before it, which is not the job's own.
    in_transaction: bool,
    /// Whether it had not waited for the write lock before.
    first_try: bool,
    /// How often a lock had been given up when it began.
    releases: u64,
}

/// An open connection. Its jobs run one after the other; a stream that waits for credits steps aside.
#[derive(Debug)]
pub(crate) struct Connection {
    key: ConnectionKey,
    db: sqlite::Connection,
    cache: StatementCache,
    changes: Rc<RefCell<Changes>>,
    import: Option<Import>,
    /// A file that the first job attaches.
    wanted: Option<Wanted>,
    attached: Vec<Attached>,
    /// Databases whose files are no more attached.
    released: Vec<u32>,
    /// The first is the one that runs.
    queue: VecDeque<Job>,
    /// A lower bound of the deadlines behind the first of the queue, if any: there may be thousands, and each turn asks.
    deadlines: f64,
    streams: Vec<Job>,
    /// The job whose statement is lent out. Until it is back, nothing may be asked of SQLite that changes the connection.
    lent: Option<Lent>,
    /// Whose turn it is: 0 is the queue's, others are streams'.
    unit: usize,
    lock_timeout: f64,
    idle_timeout: f64,
    log_limit: u64,
    spare: Option<BatchWriter>,
    state: TransactionState,
    /// The most that it has of any database, attached ones included.
    holds: TransactionState,
    /// Since when it has anything of any.
    holds_since: Option<f64>,
    /// Whether that became less.
    freed: bool,
    /// Since when it reads from one snapshot.
    snapshot_since: Option<f64>,
    /// Since when it has nothing to do.
    idle_since: Option<f64>,
    /// Whether its client was told last that a transaction is open.
    told_open: bool,
    /// Whether its commits are made to last before they are answered.
    syncs: bool,
    /// Why its transaction was ended from outside, until it is told that it has ended.
    ended: Option<Error>,
    closed: bool,
}

impl Connection {
    pub(crate) fn new(
        key: ConnectionKey,
        db: sqlite::Connection,
        options: &OpenOptions,
        mut queue: VecDeque<Job>,
    ) -> Self {
        Self::give_up_waiting(&mut queue);
        let deadlines = queue.iter().map(Job::deadline).fold(f64::INFINITY, f64::min);
        Connection {
            key,
            db,
            cache: StatementCache::new(options.statement_cache as usize),
            changes: Rc::default(),
            import: None,
            wanted: None,
            attached: Vec::new(),
            released: Vec::new(),
            queue,
            deadlines,
            streams: Vec::new(),
            lent: None,
            unit: 0,
            lock_timeout: or_forever(options.lock_timeout),
            idle_timeout: or_forever(options.idle_transaction_timeout),
            log_limit: if options.log_limit == 0 { u64::MAX } else { options.log_limit },
            spare: None,
            syncs: options.durability == Durability::Full && options.storage != Storage::Memory,
            state: TransactionState::None,
            holds: TransactionState::None,
            holds_since: None,
            freed: false,
            snapshot_since: None,
            idle_since: None,
            told_open: false,
            ended: None,
            closed: false,
        }
    }

    /// Whether it was closed by its last job.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether a transaction is open. One that a request has for itself is nobody else's affair.
    pub(crate) fn in_transaction(&self) -> bool {
        match &self.lent {
            Some(lent) => lent.in_transaction(),
            None => self.db.in_transaction() && !self.begun().any(Job::owns_transaction),
        }
    }

    /// Since when it reads from one snapshot, if it does.
    pub(crate) fn snapshot_since(&self) -> Option<f64> {
        self.snapshot_since
    }

    /// How large the log may grow, in bytes, as far as this connection was told.
    pub(crate) fn log_limit(&self) -> u64 {
        self.log_limit
    }

    fn can_run(&self, job: &Job, database: &Database) -> bool {
        if self.state == TransactionState::None && job.begins() && database.log.holds_back() {
            return false;
        }
        if self.wanted_by(job.header.request).is_some_and(|wanted| wanted.outcome.is_none()) {
            return false;
        }
        if matches!(job.work, Work::Import(_)) && database.scratches.is_waiting(self.key) {
            return false;
        }
        if matches!(&job.work, Work::Procedure(invocation) if invocation.found.is_none()) {
            return false;
        }
        if job.waits_since.is_some() {
            return database.lock.may_try(self.key, job.header.request);
        }
        !matches!(&job.work, Work::Execute(execution) if execution.is_starved() && execution.has_begun())
    }

    fn runnable_unit(&self, database: &Database) -> Option<usize> {
        let units = 1 + self.streams.len();
        (0..units).map(|step| (self.unit + step) % units).find(|unit| {
            let job = if *unit == 0 { self.queue.front() } else { self.streams.get(unit - 1) };
            job.is_some_and(|job| self.can_run(job, database))
        })
    }

    /// Whether any of its jobs can go on. One that is lent out does so by itself.
    pub(crate) fn is_runnable(&self, database: &Database) -> bool {
        self.lent.is_none() && self.runnable_unit(database).is_some()
    }

    /// Goes on with one of its jobs until the slice ends. With `lends`, gives the statement that is to be stepped, if one is,
    /// and takes it back by [`Connection::stepped`].
    pub(crate) fn run(
        &mut self,
        database: &mut Database,
        env: &mut dyn Environment,
        end: f64,
        lends: bool,
    ) -> Option<Stepping> {
        let unit = self.runnable_unit(database).filter(|_| self.lent.is_none())?;
        self.unit = unit + 1;
        let mut job = if unit == 0 { self.queue.pop_front() } else { Some(self.streams.remove(unit - 1)) }?;
        let now = env.now();
        if let Some(marks) = &database.marks {
            marks.begin(&job.header, !self.attached.is_empty());
        }
        let in_transaction = self.db.in_transaction() && !job.owns_transaction();
        let releases = database.lock.releases();
        let turn = JobTurn { unit, since: now, in_transaction, first_try: job.waits_since.is_none(), releases };
        let mut slice = Slice::new(now, end);
        let progress = self.advance(&mut job, database, env, &mut slice, lends);
        self.conclude(job, turn, progress, slice, database, env)
    }

    /// Takes in how far a job came in its turn.
    fn conclude(
        &mut self,
        mut job: Job,
        turn: JobTurn,
        mut progress: Progress,
        slice: Slice,
        database: &mut Database,
        env: &mut dyn Environment,
    ) -> Option<Stepping> {
        let JobTurn { unit, since: now, in_transaction, releases, .. } = turn;
        let marks = database.marks.clone();
        if let (Progress::Failed(_), Some(marks)) = (&progress, &marks)
            && let Some(refusal) = marks.take_refusal()
        {
            // SQLite knows only that the commit was refused.
            progress = Progress::Failed(refusal.with_statement(job.sql()));
        }
        let waited = job.waits_since.is_some();
        if waited && !matches!(progress, Progress::Busy | Progress::Lend) {
            database.lock.leave(self.key, job.header.request);
            job.waits_since = None;
        }
        let job = match progress {
            Progress::Done => {
                self.discard(job);
                None
            }
            Progress::Lend => return self.lend(job, turn, slice),
            Progress::Yielded => Some(job),
            Progress::Starved => {
                // It steps aside for good: from here on it is no part of the queue.
                self.streams.push(job);
                None
            }
            Progress::Busy => {
                job.waits_since.get_or_insert(now);
                database.lock.wait(self.key, job.header.request, now, releases);
                Some(job)
            }
            Progress::Expired => {
                self.give_up(job, env, Job::timed_out);
                None
            }
            Progress::Attach(name) => match self.want(job.header.request, name, database) {
                Ok(()) => Some(job),
                Err(error) => {
                    let error = error.with_statement(job.sql());
                    self.fail(job, env, |_| error);
                    None
                }
            },
            Progress::Failed(error) => {
                let error = self.in_vain(error, &job, database, now);
                self.fail(job, env, |_| error);
                None
            }
        };
        match job {
            Some(job) if unit == 0 => self.put_back(job),
            Some(job) => self.streams.insert((unit - 1).min(self.streams.len()), job),
            None => {}
        }
        if let Some(marks) = &marks {
            marks.end(&self.db);
        }
        self.settle(in_transaction, database, env);
        None
    }

    fn advance(
        &mut self,
        job: &mut Job,
        database: &mut Database,
        env: &mut dyn Environment,
        slice: &mut Slice,
        lends: bool,
    ) -> Progress {
        if let Some(error) = self.refusal(job) {
            return Progress::Failed(error);
        }
        if let Some(Wanted { outcome: Some(Err(error)), .. }) = self.wanted_by(job.header.request) {
            return Progress::Failed(error.clone().with_statement(job.sql()));
        }
        if !matches!(job.work, Work::Execute(_)) {
            env.flush();
        }
        let first_try = job.waits_since.is_none();
        let lock_is_promised = first_try && database.lock.is_promised(self.key);
        let deadline = job.deadline();
        let is_anothers = self.begun().any(Job::owns_transaction);
        let waits = self.has_to_wait(job, database, lock_is_promised);
        match &mut job.work {
            Work::Execute(execution) => execution.run(&mut Context {
                db: &self.db,
                cache: &mut self.cache,
                changes: &self.changes,
                env,
                header: &job.header,
                slice,
                spare: &mut self.spare,
                deadline,
                lock_is_promised,
                is_anothers,
                told_open: &mut self.told_open,
                marks: database.marks.as_deref(),
                lends,
                syncs: self.syncs,
            }),
            Work::Transaction(op) => {
                let closed = if transaction::ends(op) {
                    self.stop_streams("the transaction in which it was opened has ended")
                } else if transaction::ends_savepoint(op) {
                    self.stop_streams_if("a savepoint of its transaction has ended", Job::writes)
                } else {
                    Vec::new()
                };
                if let Some(marks) = &database.marks {
                    let last_insert_rowid = self.db.last_insert_rowid();
                    marks.expect(Outcome { changes: -1, last_insert_rowid, had_rows: false });
                }
                let outcome = transaction::run(op, &self.db, &mut self.cache, lock_is_promised);
                self.tell(closed, env);
                match outcome {
                    Ok(()) => self.done(job, env),
                    Err(progress) => progress,
                }
            }
            Work::Import(step) => {
                let header = &job.header;
                let mut cx =
                    import::Context { key: self.key, db: &self.db, database, env, header, slice, lock_is_promised };
                match import::run(step, &mut self.import, &mut cx) {
                    Progress::Done => self.done(job, env),
                    other => other,
                }
            }
            Work::Procedure(_) if waits => Progress::Busy,
            Work::Procedure(_) => self.call(job, database, env, is_anothers),
            Work::Fates(requests) => match fates(database, &job.header, requests) {
                Ok(fates) => {
                    reply(env, &job.header, &Reply::Fates(fates));
                    Progress::Done
                }
                Err(error) => Progress::Failed(error),
            },
            Work::Reset => {
                self.import = None;
                let closed = self.stop_streams("its connection was given back");
                let outcome = self.roll_back();
                self.tell(closed, env);
                match outcome {
                    Ok(()) => self.done(job, env),
                    Err(error) => Progress::Failed(error),
                }
            }
            Work::Close => {
                self.import = None;
                let closed = self.stop_streams("its connection was closed");
                // SQLite rolls back when it closes, too.
                let _ = self.roll_back();
                self.tell(closed, env);
                self.closed = true;
                self.done(job, env)
            }
        }
    }

    fn done(&mut self, job: &Job, env: &mut dyn Environment) -> Progress {
        self.told_open = self.in_transaction();
        reply(env, &job.header, &Reply::Done { in_transaction: self.told_open });
        Progress::Done
    }

    fn roll_back(&mut self) -> Result<(), Error> {
        if !self.db.in_transaction() {
            return Ok(());
        }
        run_once(&self.db, &mut self.cache, "ROLLBACK").map_err(|failure| failure.into_error(None))
    }

    /// After anything ran: streams end with their transaction, and the lock may have changed hands.
    fn settle(&mut self, was_in_transaction: bool, database: &mut Database, env: &mut dyn Environment) {
        if was_in_transaction && !self.db.in_transaction() {
            let closed = self.stop_streams("the transaction in which it was opened has ended");
            self.tell(closed, env);
        }
        let now = env.now();
        self.hand_over_commits(database, now);
        if self.import.is_none() {
            database.scratches.leave(self.key);
        }
        self.observe(database, now);
        database.log.touch(now);
        self.rest(now);
    }

    /// Lets others know what it holds.
    fn observe(&mut self, database: &mut Database, now: f64) {
        let state = self.db.transaction_state();
        database.lock.observe(self.key, state == TransactionState::Write, now);
        database.writers.observe(self.key, state == TransactionState::Write, now);
        self.observe_attached(now);
        if state < self.state {
            database.lock.released();
        }
        self.state = state;
        let holds = self.db.any_transaction_state();
        self.freed |= holds < self.holds;
        self.holds = holds;
        self.holds_since = if holds == TransactionState::None { None } else { self.holds_since.or(Some(now)) };
        self.snapshot_since = if state == TransactionState::None { None } else { self.snapshot_since.or(Some(now)) };
    }

    /// Lets the database know what was committed.
    pub(crate) fn hand_over_commits(&mut self, database: &mut Database, now: f64) {
        let mut changes = self.changes.borrow_mut();
        changes.settle(&self.db);
        database.take_commits(self.key, &mut changes, now);
    }

    fn tell(&self, closed: Vec<(Header, Error)>, env: &mut dyn Environment) {
        for (header, error) in closed {
            reply_error(env, &header, error, self.in_transaction());
        }
    }

    /// Ends a job wherever it stands, and answers it with an error.
    fn fail(&mut self, job: Job, env: &mut dyn Environment, error: impl FnOnce(&Job) -> Error) {
        let (header, error, silent) = (job.header, error(&job), job.silent);
        // A step that is not done leaves a gap behind.
        if matches!(job.work, Work::Import(_)) {
            self.import = None;
        }
        self.discard(job);
        if !silent {
            self.told_open = self.in_transaction();
            reply_error(env, &header, error, self.told_open);
        } else if self.told_open && !self.in_transaction() {
            // Nobody hears that it took the transaction along: whatever thinks to be in it must not go on.
            self.ended.get_or_insert_with(|| lost().with_cause(error));
        }
    }

    /// Ends a job wherever it stands, without a word.
    fn discard(&mut self, mut job: Job) {
        if let Work::Execute(execution) = &mut job.work {
            let batch = execution.stop(&self.db, &mut self.cache, &self.changes);
            if batch.capacity() <= SPARE_BYTES {
                self.spare = Some(batch);
            }
            // It may have come as far as wanting a file, and no further.
            if execution.attaches() || self.wanted_by(job.header.request).is_some() {
                self.look_at_attached();
            }
        }
    }
}

/// Milliseconds, of which 0 are without end.
pub(crate) fn or_forever(ms: u32) -> f64 {
    if ms == 0 { f64::INFINITY } else { ms.into() }
}

fn fates(database: &Database, header: &Header, requests: &[u64]) -> Result<Vec<Fate>, Error> {
    match &database.marks {
        Some(marks) => marks.fates(header.client, requests),
        None => Ok(vec![Fate::Unknown; requests.len()]),
    }
}
