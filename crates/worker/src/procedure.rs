//! Procedures: functions that are called with a connection, which is theirs until they return. Nothing else runs meanwhile.
#![forbid(unsafe_code)]

use crate::changes::Changes;
use crate::execution::{Context, Execution, Progress};
use crate::keyword::{first_keyword, first_statement};
use crate::mark::{Marks, Outcome};
use crate::scheduler::Slice;
use crate::sqlite::{self, Collation, Failure, FunctionOptions, NewAggregate, Prepared, Scalar, ffi};
use crate::statement_cache::StatementCache;
use crate::{Environment, transaction};
use aludel_protocol::{
    Batch, BatchWriter, BeginMode, Delivery, Error, ErrorKind, Execute, Header, Reader, Result, TransactionOp,
};
use std::cell::RefCell;
use std::ffi::CString;
use std::rc::Rc;

/// About how many bytes a frame of rows holds: they are decoded where they are made.
const BATCH_BYTES: u32 = 1 << 20;

/// What may be run with several sets of parameters.
const CHANGING: [&str; 5] = ["INSERT", "REPLACE", "UPDATE", "DELETE", "WITH"];

/// What is written to end a transaction.
const ENDING: [&str; 4] = ["COMMIT", "END", "ROLLBACK", "RELEASE"];

/// A function that the service calls with a connection.
pub trait Procedure {
    /// Calls it. What it returns or throws is for whoever asked for the call; an error is what kept it from being called.
    fn call(self: Box<Self>, connection: &mut SyncConnection<'_>) -> Result<Vec<u8>>;
}

/// What [`Environment::procedure`] answers.
pub enum Finding {
    /// It is there, or will never be.
    Found(Result<Box<dyn Procedure>>),
    /// [`crate::Service::procedure_ready`] will be called with the outcome.
    Later,
}

/// A procedure that waits to be called.
pub(crate) struct Invocation {
    pub(crate) begin: BeginMode,
    pub(crate) within: bool,
    pub(crate) read_only: bool,
    /// The function, once it is known.
    pub(crate) found: Option<Result<Box<dyn Procedure>>>,
}

impl std::fmt::Debug for Invocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invocation").field("begin", &self.begin).field("found", &self.found.is_some()).finish()
    }
}

/// A connection, for as long as a procedure runs: each call is done when it returns.
pub struct SyncConnection<'a> {
    pub(crate) db: &'a sqlite::Connection,
    pub(crate) cache: &'a mut StatementCache,
    pub(crate) changes: &'a RefCell<Changes>,
    pub(crate) spare: &'a mut Option<BatchWriter>,
    pub(crate) env: &'a dyn Environment,
    pub(crate) header: &'a Header,
    pub(crate) marks: Option<&'a Marks>,
    pub(crate) begin: BeginMode,
    /// Whether its caller has begun a transaction, be it open already or not.
    pub(crate) within: bool,
    pub(crate) read_only: bool,
    pub(crate) deadline: f64,
    /// The error of a statement that comes to the deadline.
    pub(crate) late: Error,
    /// Whether the transaction that is open, if one is, belongs to another request.
    pub(crate) is_anothers: bool,
    /// Whether a transaction was ended that was there.
    pub(crate) ended: bool,
    /// Whether SQLite has ended the transaction, and nobody has rolled it back since.
    pub(crate) lost: bool,
    /// Whether databases were attached or detached.
    pub(crate) attaches: bool,
    /// Whether it has begun a transaction, be it by a statement, where each statement is one.
    pub(crate) begun: bool,
    /// The savepoints that are open, and how many there were.
    pub(crate) savepoints: (Vec<String>, u32),
}

impl std::fmt::Debug for SyncConnection<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SyncConnection").field("db", &self.db).finish_non_exhaustive()
    }
}

impl SyncConnection<'_> {
    /// Runs one statement with an encoded batch of parameters, and gives the frames of its rows.
    pub fn execute(&mut self, sql: &str, parameters: Option<Vec<u8>>, many: bool) -> Result<Vec<Vec<u8>>> {
        self.check_time(sql)?;
        let first = first_keyword(sql);
        let ends = ENDING.iter().any(|word| first.eq_ignore_ascii_case(word));
        self.check_lost()?;
        let frame = Rc::new(parameters.unwrap_or_default());
        let batch = if frame.is_empty() { None } else { Some(Batch::decode(&mut Reader::new(&frame))?) };
        if many && !CHANGING.iter().any(|word| first.eq_ignore_ascii_case(word)) {
            let message = "executemany() can only execute DML statements.";
            return Err(Error::new(ErrorKind::Programming, message).with_statement(sql));
        }
        let own = many && self.begin == BeginMode::None && !self.db.in_transaction();
        let execute = Execute {
            begin: if own { BeginMode::Own } else { self.begin },
            delivery: Delivery::Buffered,
            many,
            deadline: 0,
            first_batch_bytes: BATCH_BYTES,
            batch_bytes: BATCH_BYTES,
            sql,
            parameters: batch,
        };
        self.begun |= self.begin == BeginMode::None;
        let mut execution = Execution::new(&execute, &frame);
        let mut desk = Desk { env: self.env, frames: Vec::new() };
        let was_in_transaction = self.db.in_transaction();
        self.expect();
        let progress = loop {
            let progress = execution.run(&mut Context {
                db: self.db,
                cache: self.cache,
                changes: self.changes,
                header: self.header,
                slice: &mut Slice::new(self.env.now(), self.deadline),
                env: &mut desk,
                spare: self.spare,
                deadline: self.deadline,
                // Who waits for the lock has waited before the procedure began.
                lock_is_promised: false,
                is_anothers: self.is_anothers,
                told_open: &mut false,
                marks: None,
                // There may be JavaScript between it and whoever could let it pause.
                lends: false,
                syncs: false,
            });
            if !matches!(progress, Progress::Yielded) {
                break progress;
            }
        };
        self.attaches |= execution.attaches();
        if matches!(progress, Progress::Expired) {
            execution.give_up();
        }
        *self.spare = Some(execution.stop(self.db, self.cache, self.changes));
        self.settle(was_in_transaction, ends);
        self.outcome(progress, sql).map(|()| desk.frames)
    }

    /// Runs the statements of a script, one after the other. Their rows go nowhere. An error tells the statement that failed.
    pub fn execute_script(&mut self, script: &str) -> Result<()> {
        // SQLite would read no further than a zero, and run the first half only.
        let Ok(ended) = CString::new(script) else {
            return Err(Error::new(ErrorKind::Programming, "the script contains a null character"));
        };
        let mut at = 0;
        loop {
            let rest = script.get(at..).unwrap_or_default();
            let first = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
            at += rest.len() - first.len();
            let refused = |failure: Failure| failure.into_error(None).with_statement(bare(first_statement(first)));
            match self.db.prepare_at(&ended, at).map_err(refused)? {
                Prepared::Empty => return Ok(()),
                Prepared::One(_) => return self.execute_part(first_statement(first)),
                Prepared::Several(length) => {
                    self.execute_part(first.get(..length).unwrap_or(first))?;
                    at += length;
                }
            }
        }
    }

    /// Runs a statement of a script with all that stands behind it: without it, a comment that is not closed may be none.
    fn execute_part(&mut self, statement: &str) -> Result<()> {
        self.execute(statement, None, false).map(drop).map_err(|error| about(error, bare(statement)))
    }

    /// The names of the parameters of a statement, in SQLite's order; `None` for one that has none.
    pub fn parameter_names(&mut self, sql: &str) -> Result<Vec<Option<String>>> {
        // Some pragmas act when they are prepared; none has parameters. The other mistakes are told when it is run.
        if first_keyword(sql).eq_ignore_ascii_case("PRAGMA") || sql.contains('\0') {
            return Ok(Vec::new());
        }
        let statement = match self.cache.take(sql) {
            Some(statement) => statement,
            None => match self.db.prepare(sql).map_err(|failure| failure.into_error(None).with_statement(sql))? {
                Prepared::One(statement) => statement,
                Prepared::Empty | Prepared::Several(_) => return Ok(Vec::new()),
            },
        };
        let names = statement.parameter_names();
        if !statement.attaches() {
            self.cache.put(&sql.into(), statement);
        }
        Ok(names)
    }

    /// Makes a function of SQL, which the connection keeps until it is closed.
    pub fn create_function(&mut self, name: &str, options: FunctionOptions, call: Scalar) -> Result<()> {
        self.db.create_function(name, options, call).map_err(|failure| failure.into_error(None))
    }

    /// Makes an aggregate of SQL, which the connection keeps until it is closed; with `windows` it is a window function, too.
    pub fn create_aggregate(
        &mut self,
        name: &str,
        options: FunctionOptions,
        windows: bool,
        begin: NewAggregate,
    ) -> Result<()> {
        self.db.create_aggregate(name, options, windows, begin).map_err(|failure| failure.into_error(None))
    }

    /// Makes a collation, which the connection keeps until it is closed.
    pub fn create_collation(&mut self, name: &str, compare: Collation) -> Result<()> {
        self.db.create_collation(name, compare).map_err(|failure| failure.into_error(None))
    }

    /// Whether a transaction has begun.
    pub fn in_transaction(&self) -> bool {
        self.within || self.begun || self.lost || (self.db.in_transaction() && !self.is_anothers)
    }

    /// Begins a transaction.
    pub fn begin(&mut self) -> Result<()> {
        self.check_lost()?;
        if self.in_transaction() {
            let message = "This connection has already initialized a SQLAlchemy Transaction() object via begin() or \
                           autobegin; can't call begin() here unless rollback() or commit() is called first. For a \
                           savepoint inside that transaction, call beginNested() (savepoint() in Rust).";
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        }
        let mode = match self.begin {
            BeginMode::Auto | BeginMode::Own if self.read_only => BeginMode::Deferred,
            BeginMode::Auto | BeginMode::Own => BeginMode::Immediate,
            // Each statement is to be a transaction.
            BeginMode::None => {
                self.begun = true;
                return Ok(());
            }
            mode => mode,
        };
        self.transaction(&TransactionOp::Begin(mode))
    }

    /// Commits the transaction; does nothing where none is open.
    pub fn commit(&mut self) -> Result<()> {
        self.check_lost()?;
        self.end(&TransactionOp::Commit)
    }

    /// Rolls the transaction back; does nothing where none is open.
    pub fn roll_back(&mut self) -> Result<()> {
        self.ended |= std::mem::take(&mut self.lost);
        self.end(&TransactionOp::Rollback)
    }

    fn end(&mut self, op: &TransactionOp) -> Result<()> {
        self.begun = false;
        if self.db.in_transaction() && !self.is_anothers {
            return self.transaction(op);
        }
        self.ended |= std::mem::take(&mut self.within);
        Ok(())
    }

    /// Begins a savepoint, and gives its name.
    pub fn savepoint(&mut self) -> Result<String> {
        self.check_lost()?;
        let (open, count) = &mut self.savepoints;
        *count += 1;
        let name = format!("sa_sync_{count}");
        open.push(name.clone());
        let begun = self.transaction(&TransactionOp::Savepoint(name.clone(), self.begin));
        if begun.is_err() {
            self.forget(&name);
        }
        begun.map(|()| name)
    }

    /// Keeps what was done since a savepoint.
    pub fn release(&mut self, name: &str) -> Result<()> {
        self.check_lost()?;
        self.check_savepoint(name)?;
        self.transaction(&TransactionOp::Release(name.to_owned()))?;
        self.forget(name);
        Ok(())
    }

    /// Undoes what was done since a savepoint, and ends it.
    pub fn roll_back_to(&mut self, name: &str) -> Result<()> {
        self.check_savepoint(name)?;
        self.transaction(&TransactionOp::RollbackTo(name.to_owned()))?;
        self.forget(name);
        Ok(())
    }

    /// Undoes the savepoints that were left open.
    pub(crate) fn finish(&mut self) -> Result<()> {
        match self.savepoints.0.first().cloned() {
            Some(name) if self.db.in_transaction() => self.roll_back_to(&name),
            _ => Ok(()),
        }
    }

    fn check_savepoint(&self, name: &str) -> Result<()> {
        if self.savepoints.0.iter().any(|open| open == name) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidRequest, "This nested transaction is inactive"))
    }

    /// A savepoint has ended, and those within it.
    fn forget(&mut self, name: &str) {
        let open = &mut self.savepoints.0;
        if let Some(at) = open.iter().position(|other| other == name) {
            open.truncate(at);
        }
    }

    fn transaction(&mut self, op: &TransactionOp) -> Result<()> {
        if !matches!(op, TransactionOp::Rollback | TransactionOp::RollbackTo(_)) {
            self.check_time("")?;
        }
        let was_in_transaction = self.db.in_transaction();
        self.expect();
        let outcome = transaction::run(op, self.db, self.cache, false);
        self.settle(was_in_transaction, transaction::ends(op));
        outcome.or_else(|progress| self.outcome(progress, ""))
    }

    /// Says that whoever asks what became of it is to be told no more than that something was committed.
    fn expect(&self) {
        if let Some(marks) = self.marks {
            marks.expect(Outcome { changes: -1, last_insert_rowid: 0, had_rows: true });
        }
    }

    /// Takes note of what a statement has made of the transaction; `ends` says whether it was to end it.
    fn settle(&mut self, was_in_transaction: bool, ends: bool) {
        self.changes.borrow_mut().settle(self.db);
        if let Some(marks) = self.marks {
            // What one transaction has come to is known before the next one may begin the log anew.
            marks.between(self.db);
        }
        if was_in_transaction && !self.db.in_transaction() {
            // SQLite ends some by itself: ON CONFLICT ROLLBACK, a full disk. Nobody is to do the second half alone.
            let by_itself = !ends && !self.is_anothers && self.begin != BeginMode::None;
            self.lost |= by_itself;
            self.ended |= !by_itself;
            self.within &= by_itself;
            self.savepoints.0.clear();
        }
    }

    /// An error if SQLite has ended the transaction, until it is rolled back.
    fn check_lost(&self) -> Result<()> {
        if self.lost { Err(lost()) } else { Ok(()) }
    }

    fn check_time(&self, sql: &str) -> Result<()> {
        if self.env.now() >= self.deadline { Err(about(self.late.clone(), sql)) } else { Ok(()) }
    }

    fn outcome(&self, progress: Progress, sql: &str) -> Result<()> {
        let error = match progress {
            Progress::Done => return Ok(()),
            Progress::Expired => self.late.clone(),
            Progress::Failed(error) => match self.marks.and_then(Marks::take_refusal) {
                // SQLite knows only that the commit was refused.
                Some(refusal) => refusal,
                None => return Err(error),
            },
            Progress::Attach(name) => {
                let message = format!("a procedure cannot attach the file {name:?}: attach it before");
                Error::new(ErrorKind::NotSupported, message)
            }
            Progress::Yielded | Progress::Lend | Progress::Starved | Progress::Busy => {
                let message = "database is locked: a procedure waits for nobody while it runs";
                let error = Error::new(ErrorKind::Operational, message).with_sqlite_code(ffi::SQLITE_BUSY);
                error.with_retryable(true)
            }
        };
        Err(about(error, sql))
    }
}

/// A statement of a script without its semicolon.
fn bare(statement: &str) -> &str {
    statement.trim_end_matches(|c: char| c.is_whitespace() || c == ';')
}

/// The error of what would go on in a transaction that SQLite has ended.
pub(crate) fn lost() -> Error {
    let message =
        "Can't reconnect until invalid transaction is rolled back.  Please rollback() fully before proceeding";
    Error::new(ErrorKind::PendingRollback, message)
}

fn about(error: Error, sql: &str) -> Error {
    if sql.is_empty() { error } else { error.with_statement(sql) }
}

/// What a statement sees of the environment while a procedure runs.
struct Desk<'a> {
    env: &'a dyn Environment,
    frames: Vec<Vec<u8>>,
}

impl Environment for Desk<'_> {
    fn now(&self) -> f64 {
        self.env.now()
    }

    fn wall_clock(&self) -> u64 {
        self.env.wall_clock()
    }

    fn post(&mut self, _client: u64, parts: &[&[u8]]) {
        self.frames.push(parts.concat());
    }
}
