//! Transactions that stay idle or are ended from outside, and what their connections answer afterwards.

use super::{Connection, Later};
use crate::Environment;
use crate::database::Database;
use crate::job::{Job, Work, reply_error};
use crate::sqlite::TransactionState;
use aludel_protocol::{Error, ErrorKind, TransactionOp};

impl Connection {
    /// Since when it has nothing to do, if it has nothing to do: a stream that waits for its reader is nothing to do.
    pub(crate) fn idle_since(&self) -> Option<f64> {
        self.idle_since
    }

    /// Takes note of whether it has something to do.
    pub(super) fn rest(&mut self, now: f64) {
        let starved = |job: &Job| matches!(&job.work, Work::Execute(execution) if execution.is_starved());
        let idle = self.queue.is_empty() && self.lent.is_none() && self.streams.iter().all(starved);
        self.idle_since = if idle { self.idle_since.or(Some(now)) } else { None };
    }

    /// When its transaction will have been idle for too long.
    pub(super) fn idle_until(&self) -> f64 {
        let open = self.state != TransactionState::None || self.in_transaction();
        self.idle_since.filter(|_| open).map_or(f64::INFINITY, |since| since + self.idle_timeout)
    }

    /// Ends a transaction that was idle for too long.
    pub(super) fn end_idle(&mut self, now: f64, database: &mut Database, env: &mut dyn Environment) {
        let idle = self.idle_since.map_or(0.0, |since| now - since);
        let message = format!("the transaction was idle for {idle:.0} ms and was rolled back (idleTransactionTimeout)");
        let error = Error::new(ErrorKind::Operational, message).with_retryable(true);
        self.end_transaction(&error, database, env);
    }

    /// Ends what the connection reads and writes. Requests that were under way fail with `error`, and so do all that
    /// follow, if the client knows that a transaction is open: whoever thinks to be in it must not do the second half
    /// without the first. Only what would have ended it anyway makes the connection usable again.
    pub(crate) fn end_transaction(&mut self, error: &Error, database: &mut Database, env: &mut dyn Environment) {
        if self.put_off(|_| true, || Later::EndTransaction(error.clone())) {
            return;
        }
        let was_in_transaction = self.in_transaction();
        // What only waits for its turn has nothing to lose but its place in a transaction.
        let began = |job: &Job| match &job.work {
            Work::Execute(execution) => {
                // A transaction that was begun for it keeps the snapshot of the streams beside it.
                let has_part = was_in_transaction || execution.is_under_way() || execution.has_begun_transaction();
                execution.has_begun() && (has_part || execution.is_broken())
            }
            Work::Transaction(_)
            | Work::Import(_)
            | Work::Procedure(_)
            | Work::Fates(_)
            | Work::Reset
            | Work::Close => false,
        };
        let (mut told, mut begun) = (Vec::new(), was_in_transaction);
        self.remove(database, env, began, |this, job, _, _| {
            // A write that was interrupted for it has taken the transaction along.
            begun |= job.has_begun_transaction() || job.is_broken();
            if !job.silent {
                told.push((job.header, error.clone().with_statement(job.sql())));
            }
            this.discard(job);
        });
        if begun {
            // A rollback that fails leaves it open; the next request that ends it tries again.
            let _ = self.roll_back();
            self.ended = self.told_open.then(|| error.clone());
        }
        let in_transaction = self.in_transaction();
        told.into_iter().for_each(|(header, error)| reply_error(env, &header, error, in_transaction));
        self.settle(was_in_transaction, database, env);
    }

    /// Why a job cannot be done, if its transaction was ended from outside.
    pub(super) fn refusal(&mut self, job: &Job) -> Option<Error> {
        match &job.work {
            Work::Transaction(TransactionOp::Rollback) | Work::Reset | Work::Close => {
                self.ended = None;
                None
            }
            Work::Execute(execution) if execution.is_rollback() => {
                self.ended = None;
                None
            }
            Work::Fates(_) => None,
            Work::Execute(_) | Work::Transaction(_) | Work::Import(_) | Work::Procedure(_) => {
                self.ended.as_ref().map(|error| error.clone().with_statement(job.sql()))
            }
        }
    }
}
