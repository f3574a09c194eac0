//! An Execute on its way: prepare, begin, run each parameter set, commit.
#![forbid(unsafe_code)]

mod look;
mod prepare;

use crate::Environment;
use crate::attach;
use crate::changes::Changes;
use crate::cursor::{Cursor, Halt, Limits, Standing};
use crate::keyword::first_keyword;
use crate::mark::{Marks, Outcome};
use crate::scheduler::Slice;
use crate::sets::Sets;
use crate::sqlite::{self, Failure, Parameters, Prepared, TransactionState, ffi};
use crate::statement_cache::StatementCache;
use crate::stepping::{Came, advance};
use aludel_protocol::{BatchWriter, BeginMode, Delivery, Error, ErrorKind, Execute, Header};
use std::cell::RefCell;
use std::rc::Rc;

/// What a frame holds when the client does not say.
const FIRST_BATCH_BYTES: usize = 16 << 10;
const BATCH_BYTES: usize = 256 << 10;
/// What a frame may be asked to hold at most.
const MOST_BATCH_BYTES: usize = 64 << 20;
/// How long a stream's reader waits for rows that are there, in milliseconds, before they leave in a frame that is not full.
const MOST_WAIT_MS: f64 = 100.0;

/// What an execution works with.
pub(crate) struct Context<'a> {
    pub(crate) db: &'a sqlite::Connection,
    pub(crate) cache: &'a mut StatementCache,
    pub(crate) changes: &'a RefCell<Changes>,
    pub(crate) env: &'a mut dyn Environment,
    pub(crate) header: &'a Header,
    pub(crate) slice: &'a mut Slice,
    /// Buffers that the last execution left.
    pub(crate) spare: &'a mut Option<BatchWriter>,
    /// When it is to be interrupted.
    pub(crate) deadline: f64,
    /// Whether others wait for the write lock and come first.
    pub(crate) lock_is_promised: bool,
    /// Whether the transaction that is open, if one is, belongs to another request, whose caller has not heard of it.
    pub(crate) is_anothers: bool,
    /// Whether its client was told last that a transaction is open.
    pub(crate) told_open: &'a mut bool,
    /// Who marks what is committed, where that is done.
    pub(crate) marks: Option<&'a Marks>,
    /// Whether its statement is lent out to be stepped.
    pub(crate) lends: bool,
    /// Whether a commit waits until the storage has made it last: what was answered before does not wait with it.
    pub(crate) syncs: bool,
}

/// How far an execution came.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It is done; its last frame is sent.
    Done,
    /// Its slice is over.
    Yielded,
    /// Its cursor is to be lent out and stepped; [`Execution::came`] takes it back.
    Lend,
    /// It has no credits.
    Starved,
    /// Another connection holds a lock that it needs; nothing of the current set has happened.
    Busy,
    /// Its deadline has passed.
    Expired,
    /// A file of this name has to be made ready, so that it can be attached; nothing has happened.
    Attach(String),
    /// It failed.
    Failed(Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Prepare,
    Begin,
    /// Bind the next parameter set, or finish.
    Next,
    Step,
    Finish,
}

/// An Execute request and how far it came.
#[derive(Debug)]
pub(crate) struct Execution {
    sql: Rc<str>,
    begin: BeginMode,
    many: bool,
    /// Frames that may still be sent, if it is a stream.
    credits: Option<u32>,
    cursor: Cursor,
    stage: Stage,
    /// Whether it may be cached: some pragmas act when they are prepared.
    cacheable: bool,
    /// Whether it is an INSERT, UPDATE or DELETE.
    changing: bool,
    readonly: bool,
    /// Whether it attaches or detaches a database.
    attaches: bool,
    /// Whether the open transaction is its own.
    owns: bool,
    /// Whether it returns rows.
    returns: bool,
    /// Whether what it has done stays although it failed: ON CONFLICT FAIL.
    keeps: bool,
    /// Whether it began a transaction that is to outlive it.
    begins: bool,
    frames: u64,
    /// Whether it was interrupted, and can not go on.
    broken: bool,
    /// When the last frame was sent; before that and after a wait for credits, when the first slice ended.
    sent_at: Option<f64>,
}

impl Execution {
    /// Takes over a request; its parameters stay in `frame`, from which it was decoded.
    pub(crate) fn new(execute: &Execute<'_>, frame: &Rc<Vec<u8>>) -> Execution {
        let bytes = |asked: u32, default| match asked as usize {
            0 => default,
            asked => asked.min(MOST_BATCH_BYTES),
        };
        let (credits, rows) = match execute.delivery {
            Delivery::Buffered => (None, u32::MAX),
            Delivery::Stream { credits, max_rows } => (Some(credits), if max_rows == 0 { u32::MAX } else { max_rows }),
        };
        let limits = Limits {
            first: bytes(execute.first_batch_bytes, FIRST_BATCH_BYTES),
            later: bytes(execute.batch_bytes, BATCH_BYTES),
            rows,
        };
        let parameters = execute.parameters.as_ref().and_then(|batch| Parameters::new(frame, batch));
        let keyword = first_keyword(execute.sql);
        let is = |words: &[&str]| words.iter().any(|word| keyword.eq_ignore_ascii_case(word));
        Execution {
            sql: execute.sql.into(),
            begin: execute.begin,
            many: execute.many,
            credits,
            cursor: Cursor::new(limits, Sets::new(parameters)),
            stage: Stage::Prepare,
            cacheable: !is(&["PRAGMA"]),
            changing: is(&["INSERT", "REPLACE", "UPDATE", "DELETE", "WITH"]),
            readonly: false,
            attaches: false,
            owns: false,
            returns: false,
            keeps: false,
            begins: false,
            frames: 0,
            broken: false,
            sent_at: None,
        }
    }

    /// Goes on until something stops it.
    pub(crate) fn run(&mut self, cx: &mut Context<'_>) -> Progress {
        loop {
            let stopped = match self.stage {
                Stage::Prepare => self.prepare(cx),
                Stage::Begin => self.begin(cx),
                Stage::Next => self.next(),
                Stage::Step => self.step(cx),
                Stage::Finish => self.finish(cx),
            };
            if let Err(progress) = stopped {
                return progress;
            }
        }
    }

    /// Ends it, wherever it stands: its statement goes back into the cache, its own transaction is rolled back. Gives
    /// its buffers back.
    pub(crate) fn stop(
        &mut self,
        db: &sqlite::Connection,
        cache: &mut StatementCache,
        changes: &RefCell<Changes>,
    ) -> BatchWriter {
        let batch = self.release(db, cache, changes);
        if self.owns && db.in_transaction() {
            let kept = self.keeps && run_once(db, cache, "COMMIT").is_ok();
            if !kept {
                // A rollback that fails leaves the transaction open, which the reply tells.
                let _ = run_once(db, cache, "ROLLBACK");
            }
        }
        self.owns = false;
        batch
    }

    /// To be called before it is stopped in its midst, since its caller gave it up or it took too long. What it has written for a
    /// transaction that does not end with it is undone with that, as where SQLite interrupts it: nobody knows of it what is done.
    pub(crate) fn give_up(&mut self) {
        if self.has_written_unheard()
            && let Some(statement) = self.cursor.statement()
        {
            statement.undo();
        }
    }

    fn release(
        &mut self,
        db: &sqlite::Connection,
        cache: &mut StatementCache,
        changes: &RefCell<Changes>,
    ) -> BatchWriter {
        let (statement, batch) = self.cursor.dismantle();
        if let Some(mut statement) = statement {
            // What had not come to its end yet is committed here, if it is a transaction of its own.
            statement.reset();
            changes.borrow_mut().note(db, &mut statement, false);
            if self.cacheable {
                cache.put(&self.sql, statement);
            }
        }
        batch
    }

    fn begin(&mut self, cx: &mut Context<'_>) -> Result<(), Progress> {
        // A transaction around a statement that SQLite would commit by itself: the mark of a commit tells what the statement
        // came to, which is not known before it is done, and a statement that is broken off has done nothing.
        let alone = self.changing && !self.many;
        let own = match self.begin {
            BeginMode::Own => self.many || alone,
            BeginMode::None => alone,
            BeginMode::Auto | BeginMode::Deferred | BeginMode::Immediate | BeginMode::Exclusive => false,
        };
        let sql = match self.begin {
            BeginMode::None | BeginMode::Own if !own => None,
            BeginMode::None => Some("BEGIN IMMEDIATE"),
            BeginMode::Auto | BeginMode::Own if self.readonly => Some("BEGIN DEFERRED"),
            BeginMode::Deferred => Some("BEGIN DEFERRED"),
            BeginMode::Auto | BeginMode::Own | BeginMode::Immediate => Some("BEGIN IMMEDIATE"),
            BeginMode::Exclusive => Some("BEGIN EXCLUSIVE"),
        };
        // The mode says how to begin if that is still to be done: an earlier request of a pipeline may have begun.
        if let Some(sql) = sql.filter(|_| !cx.db.in_transaction()) {
            if cx.lock_is_promised && sql != "BEGIN DEFERRED" {
                return Err(Progress::Busy);
            }
            run_once(cx.db, cx.cache, sql).map_err(|failure| self.failure(failure, false))?;
            (self.owns, self.begins) = (own, !own);
        }
        self.stage = Stage::Next;
        Ok(())
    }

    fn next(&mut self) -> Result<(), Progress> {
        let begun = self.cursor.begin_next().map_err(|failure| self.failure(failure, false))?;
        self.stage = if begun { Stage::Step } else { Stage::Finish };
        Ok(())
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Result<(), Progress> {
        let rows = self.cursor.sets.rows;
        if !rows && !self.readonly && cx.lock_is_promised && cx.db.transaction_state() != TransactionState::Write {
            return Err(Progress::Busy);
        }
        self.expect(cx);
        loop {
            if self.is_starved() {
                // Waiting for the reader is not the rows' fault.
                self.sent_at = None;
                return Err(Progress::Starved);
            }
            if self.cursor.is_full() {
                self.post(cx, true);
                continue;
            }
            if !self.cursor.sets.rows {
                self.cursor.expect(cx.db, &mut cx.changes.borrow_mut());
            }
            if cx.lends && !self.attaches {
                return Err(Progress::Lend);
            }
            let (env, deadline) = (&*cx.env, cx.deadline);
            let late = || {
                let now = env.now();
                env.hurry(now);
                now >= deadline
            };
            let watch: Option<&dyn Fn() -> bool> = if deadline.is_finite() || env.holds() { Some(&late) } else { None };
            let came = advance(&mut self.cursor, cx.db, cx.changes, cx.slice, || env.now(), watch);
            self.came(cx, came)?;
            if self.stage != Stage::Step {
                return Ok(());
            }
        }
    }

    /// Takes in how far its statement came.
    pub(crate) fn came(&mut self, cx: &mut Context<'_>, came: Came) -> Result<(), Progress> {
        let is_over = match came {
            Came::Prepared(prepared) => {
                let prepared = prepared.map_err(|failure| self.failure(failure, false))?;
                return self.prepared(cx, prepared);
            }
            Came::Full => false,
            Came::Over => true,
            Came::Done { over } => {
                self.stage = Stage::Next;
                over
            }
            Came::Failed(Halt::Cell(error)) => return Err(Progress::Failed(error.with_statement(&*self.sql))),
            Came::Failed(Halt::Sqlite(failure)) => {
                if let Some(statement) = self.cursor.statement() {
                    statement.rewind();
                    cx.changes.borrow_mut().note(cx.db, statement, false);
                }
                // SQLite undoes what a statement has changed before it violates a constraint, unless it was told not to.
                let violates = failure.code() & 0xff == ffi::SQLITE_CONSTRAINT;
                self.keeps = self.owns && !self.many && violates && cx.db.changes() > 0;
                self.expect(cx);
                return Err(self.failure(failure, self.cursor.sets.rows));
            }
        };
        if !is_over {
            return Ok(());
        }
        let now = cx.env.now();
        if now >= cx.deadline {
            return Err(Progress::Expired);
        }
        // Where rows are rare, a reader does not wait until they fill a frame.
        let since = *self.sent_at.get_or_insert(now);
        if self.is_stream() && self.cursor.has_rows() && now - since >= MOST_WAIT_MS {
            self.post(cx, true);
        }
        // Without credits it steps aside, above: whoever only yields comes back to the front of its queue.
        if self.is_starved() { Ok(()) } else { Err(Progress::Yielded) }
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Progress> {
        if self.is_starved() {
            return Err(Progress::Starved);
        }
        if let Some(statement) = self.cursor.statement() {
            statement.reset();
        }
        if self.attaches {
            attach::settle(cx.db).map_err(|failure| self.failure(failure, false))?;
        }
        if self.owns {
            self.expect(cx);
            if cx.syncs {
                cx.env.flush();
            }
            run_once(cx.db, cx.cache, "COMMIT").map_err(|failure| self.failure(failure, false))?;
            self.owns = false;
        }
        self.post(cx, false);
        Err(Progress::Done)
    }

    /// Says what will be answered if a commit comes next.
    fn expect(&self, cx: &Context<'_>) {
        if let Some(marks) = cx.marks {
            let counts = self.changing && self.owns;
            marks.expect(Outcome {
                changes: if counts { self.cursor.sets.changes } else { -1 },
                last_insert_rowid: cx.db.last_insert_rowid(),
                had_rows: self.returns || self.keeps || (self.changing && !self.owns),
            });
        }
    }

    fn post(&mut self, cx: &mut Context<'_>, more: bool) {
        let standing = Standing {
            more,
            in_transaction: cx.db.in_transaction() && !self.owns && !cx.is_anothers,
            changes: if self.changing { self.cursor.sets.changes } else { -1 },
            last_insert_rowid: cx.db.last_insert_rowid(),
        };
        *cx.told_open = standing.in_transaction;
        self.cursor.post(cx.env, cx.header, standing);
        self.sent_at = Some(cx.env.now());
        self.frames += 1;
        if let Some(left) = &mut self.credits {
            *left = left.saturating_sub(1);
        }
    }

    fn failure(&self, failure: Failure, rows_were_sent: bool) -> Progress {
        if let Some(name) = failure.attach() {
            return Progress::Attach(name.to_owned());
        }
        if failure.is_busy() && !rows_were_sent {
            return Progress::Busy;
        }
        if failure.is_interrupt() {
            return Progress::Expired;
        }
        let group = self.cursor.sets.current().filter(|_| self.many);
        Progress::Failed(failure.into_error(group).with_statement(&*self.sql))
    }

    fn failed(&self, kind: ErrorKind, message: impl Into<String>) -> Progress {
        Progress::Failed(Error::new(kind, message).with_statement(&*self.sql))
    }
}

/// Runs a statement of the worker's own that returns no rows.
pub(crate) fn run_once(db: &sqlite::Connection, cache: &mut StatementCache, sql: &str) -> Result<(), Failure> {
    let mut statement = match cache.take(sql) {
        Some(statement) => statement,
        None => match db.prepare(sql)? {
            Prepared::One(statement) => statement,
            Prepared::Empty | Prepared::Several(_) => return Ok(()),
        },
    };
    let outcome = statement.step(None);
    cache.put(&sql.into(), statement);
    outcome.map(|_| ())
}
