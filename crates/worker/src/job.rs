//! A request that waits or runs, and what is answered to it.
#![forbid(unsafe_code)]

use crate::Environment;
use crate::execution::Execution;
use crate::import;
use crate::procedure::Invocation;
use aludel_protocol::{Error, ErrorKind, Header, LONG_STATEMENT, Reply, TransactionOp};

/// A request of a connection.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) header: Header,
    pub(crate) work: Work,
    /// Since when it waits for a lock that another connection holds.
    pub(crate) waits_since: Option<f64>,
    /// Whether its caller wants to hear nothing more of it.
    pub(crate) silent: bool,
    arrived: f64,
    /// How long it may take, in milliseconds; 0 is forever.
    timeout: u32,
}

/// What a job does.
#[derive(Debug)]
pub(crate) enum Work {
    /// Runs a statement.
    Execute(Box<Execution>),
    /// Begins or ends a transaction or savepoint.
    Transaction(TransactionOp),
    /// Takes an import a step further.
    Import(import::Step),
    /// Calls a procedure.
    Procedure(Box<Invocation>),
    /// Says what became of earlier requests.
    Fates(Vec<u64>),
    /// Ends what the connection was doing.
    Reset,
    /// Closes the connection.
    Close,
}

impl Job {
    pub(crate) fn new(header: Header, work: Work, arrived: f64, timeout: u32) -> Job {
        Job { header, work, waits_since: None, silent: false, arrived, timeout }
    }

    /// The same, answered as a host of that epoch.
    pub(crate) fn of_epoch(self, epoch: u32) -> Job {
        Job { header: Header { epoch, ..self.header }, ..self }
    }

    /// When it has taken too long. A stream that has begun to answer takes as long as its reader does.
    pub(crate) fn deadline(&self) -> f64 {
        match &self.work {
            Work::Execute(execution) if execution.is_stream() && execution.has_answered() => f64::INFINITY,
            _ if self.timeout == 0 => f64::INFINITY,
            _ => self.arrived + f64::from(self.timeout),
        }
    }

    /// How long it has been here, in milliseconds.
    pub(crate) fn age(&self, now: f64) -> f64 {
        (now - self.arrived).max(0.0)
    }

    /// The statement that it runs, as far as it has one.
    pub(crate) fn sql(&self) -> &str {
        match &self.work {
            Work::Execute(execution) => execution.sql(),
            Work::Transaction(TransactionOp::Begin(_)) => "BEGIN",
            Work::Transaction(TransactionOp::Commit) => "COMMIT",
            Work::Transaction(TransactionOp::Rollback) | Work::Reset => "ROLLBACK",
            Work::Transaction(TransactionOp::Savepoint(..)) => "SAVEPOINT",
            Work::Transaction(TransactionOp::Release(_)) => "RELEASE",
            Work::Transaction(TransactionOp::RollbackTo(_)) => "ROLLBACK TO",
            Work::Import(_) | Work::Procedure(_) | Work::Fates(_) | Work::Close => "",
        }
    }

    /// Whether it may begin a transaction, if only one of its own.
    pub(crate) fn begins(&self) -> bool {
        use TransactionOp::{Begin, Savepoint};
        matches!(self.work, Work::Execute(_) | Work::Procedure(_) | Work::Transaction(Begin(_) | Savepoint(..)))
    }

    /// Whether it gives the connection back or closes it.
    pub(crate) fn ends_use(&self) -> bool {
        matches!(self.work, Work::Reset | Work::Close)
    }

    /// Whether the open transaction is its own, and ends with it; or if not, nobody has heard of it yet.
    pub(crate) fn owns_transaction(&self) -> bool {
        matches!(&self.work, Work::Execute(execution) if execution.owns_transaction())
            || (self.has_begun_transaction() && !self.has_answered())
    }

    /// Whether it is a stream.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(&self.work, Work::Execute(execution) if execution.is_stream())
    }

    /// Whether it is a statement that was prepared, and changes the database.
    pub(crate) fn writes(&self) -> bool {
        matches!(&self.work, Work::Execute(execution) if execution.has_begun() && execution.writes())
    }

    /// Whether it is a statement that was prepared.
    pub(crate) fn has_begun(&self) -> bool {
        matches!(&self.work, Work::Execute(execution) if execution.has_begun())
    }

    /// Whether it is a statement that was interrupted, and only has to be told.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(&self.work, Work::Execute(execution) if execution.is_broken())
    }

    /// Whether it is a statement that has sent a frame.
    pub(crate) fn has_answered(&self) -> bool {
        matches!(&self.work, Work::Execute(execution) if execution.has_answered())
    }

    /// Whether it is a statement that began a transaction which is to outlive it.
    pub(crate) fn has_begun_transaction(&self) -> bool {
        matches!(&self.work, Work::Execute(execution) if execution.has_begun_transaction())
    }

    /// Whether it is a statement that writes in a transaction of its own.
    pub(crate) fn commits_by_itself(&self) -> bool {
        matches!(&self.work, Work::Execute(execution) if execution.commits_by_itself())
    }

    /// Whether it is a statement that writes in a transaction which outlives it, and of which its caller knows.
    pub(crate) fn writes_for_others(&self) -> bool {
        matches!(&self.work, Work::Execute(execution) if execution.writes()) && !self.owns_transaction()
    }

    /// Lets a stream send more frames.
    pub(crate) fn grant(&mut self, credits: u32) {
        if let Work::Execute(execution) = &mut self.work {
            execution.grant(credits);
        }
    }

    /// Whether giving it up leaves nothing behind that would have to be done after all.
    pub(crate) fn can_be_cancelled(&self) -> bool {
        match &self.work {
            Work::Transaction(op) => *op != TransactionOp::Rollback,
            Work::Import(step) => !matches!(step, import::Step::Abort),
            Work::Execute(_) | Work::Fates(_) | Work::Procedure(_) => true,
            Work::Reset | Work::Close => false,
        }
    }

    /// The error of a job that took too long.
    pub(crate) fn timed_out(&self) -> Error {
        let what = if matches!(self.work, Work::Procedure(_)) { "procedure" } else { "statement" };
        let error = Error::new(ErrorKind::Timeout, format!("{what} timed out after {} ms", self.timeout));
        self.about(error)
    }

    /// The error of a job that its caller gave up, without the statement if that is long.
    pub(crate) fn cancelled(&self) -> Error {
        let what = match self.work {
            Work::Import(_) => "import",
            Work::Procedure(_) => "procedure",
            _ => "statement",
        };
        let error = Error::new(ErrorKind::Cancelled, format!("the {what} was cancelled"));
        if self.sql().len() < LONG_STATEMENT { self.about(error) } else { error }
    }

    /// The error with the statement of the job, if it has one.
    pub(crate) fn about(&self, error: Error) -> Error {
        match self.sql() {
            "" => error,
            sql => error.with_statement(sql),
        }
    }
}

/// Posts a reply that is no Rows.
pub(crate) fn reply(env: &mut dyn Environment, header: &Header, reply: &Reply<'_>) {
    env.post(header.client, &[&reply.encode(header)]);
}

/// Posts an error.
pub(crate) fn reply_error(env: &mut dyn Environment, header: &Header, error: Error, in_transaction: bool) {
    reply(env, header, &Reply::Error { error, in_transaction });
}
