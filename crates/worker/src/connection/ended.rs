//! Transactions that are ended from outside, and what their connections answer afterwards.

use super::Connection;
use crate::Environment;
use crate::database::Database;
use crate::job::{Job, Work, reply_error};
use aludel_protocol::{Error, TransactionOp};

impl Connection {
    /// Ends what the connection reads and writes. Requests that were under way fail with `error`, and so do all that
    /// follow, if a transaction was open: whoever thinks to be in it must not do the second half without the first. Only
    /// what would have ended it anyway makes the connection usable again.
    pub(crate) fn end_transaction(&mut self, error: &Error, database: &mut Database, env: &mut dyn Environment) {
        let was_in_transaction = self.db.in_transaction();
        let began = |job: &Job| matches!(&job.work, Work::Execute(execution) if execution.has_begun());
        let mut told = Vec::new();
        self.remove(database, env, began, |this, job, _, _| {
            told.push((job.header, error.clone().with_statement(job.sql())));
            this.discard(job);
        });
        if was_in_transaction {
            // A rollback that fails leaves it open; the next request that ends it tries again.
            let _ = self.roll_back();
            self.ended = Some(error.clone());
        }
        let in_transaction = self.db.in_transaction();
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
            Work::Execute(_) | Work::Transaction(_) => {
                self.ended.as_ref().map(|error| error.clone().with_statement(job.sql()))
            }
        }
    }
}
