//! Procedures on a connection.

use super::Connection;
use crate::Environment;
use crate::database::Database;
use crate::execution::Progress;
use crate::job::{Job, Work, reply};
use crate::procedure::{self, Procedure, SyncConnection};
use crate::sqlite::TransactionState;
use aludel_protocol::{Error, ErrorKind, Reply, Result};
use std::collections::VecDeque;

impl Connection {
    /// Takes note of a procedure that is there, or will never be.
    pub(crate) fn procedure_ready(&mut self, request: u64, outcome: Result<Box<dyn Procedure>>) {
        let job = self.queue.iter_mut().find(|job| job.header.request == request);
        if let Some(Job { work: Work::Procedure(invocation), .. }) = job {
            invocation.found.get_or_insert(outcome);
        }
    }

    /// Lets go of procedures that have not come, if the connection is given back or closed behind them: they may never come.
    pub(super) fn give_up_waiting(queue: &mut VecDeque<Job>) {
        let Some(last) = queue.iter().rposition(Job::ends_use) else { return };
        for job in queue.range_mut(..last) {
            if let Work::Procedure(invocation) = &mut job.work {
                let message = "the connection was closed before the module of the procedure was there";
                invocation.found.get_or_insert_with(|| Err(Error::new(ErrorKind::ResourceClosed, message)));
            }
        }
    }

    /// Whether another connection writes. A procedure cannot wait once it runs, and until it returns nobody else can begin to
    /// write: so it waits before, unless it only reads.
    pub(super) fn has_to_wait(&self, job: &Job, database: &Database, lock_is_promised: bool) -> bool {
        let Work::Procedure(invocation) = &job.work else { return false };
        let reads = invocation.read_only || matches!(invocation.found, Some(Err(_)));
        let taken = database.lock.holder().is_some_and(|(holder, _)| holder != self.key);
        !reads && (taken || lock_is_promised) && self.state != TransactionState::Write
    }

    /// Calls a procedure, which works until it returns.
    pub(super) fn call(
        &mut self,
        job: &mut Job,
        database: &Database,
        env: &mut dyn Environment,
        is_anothers: bool,
    ) -> Progress {
        let (deadline, late) = (job.deadline(), job.timed_out());
        let Work::Procedure(invocation) = &mut job.work else { return Progress::Done };
        let procedure = match invocation.found.take() {
            Some(Ok(procedure)) => procedure,
            Some(Err(error)) => return Progress::Failed(error),
            None => return Progress::Yielded,
        };
        let mut connection = SyncConnection {
            db: &self.db,
            cache: &mut self.cache,
            changes: &self.changes,
            spare: &mut self.spare,
            env,
            header: &job.header,
            marks: database.marks.as_deref(),
            begin: invocation.begin,
            within: invocation.within,
            read_only: invocation.read_only,
            deadline,
            late,
            is_anothers,
            ended: false,
            lost: false,
            attaches: false,
            begun: false,
            savepoints: (Vec::new(), 0),
        };
        let outcome = procedure.call(&mut connection);
        let finished = connection.finish();
        let (ended, attaches, lost) = (connection.ended, connection.attaches, connection.lost);
        if attaches {
            self.look_at_attached();
        }
        if ended {
            let closed = self.stop_streams("the transaction in which it was opened has ended");
            self.tell(closed, env);
        }
        match outcome.and_then(|value| finished.map(|()| value)) {
            Ok(value) => {
                // Whoever may not have heard that SQLite has ended it must not go on without the first half.
                self.ended = lost.then(procedure::lost);
                self.told_open = self.in_transaction() || lost;
                let returned = Reply::Returned { in_transaction: self.told_open, ended, value: &value };
                reply(env, &job.header, &returned);
                Progress::Done
            }
            Err(error) => Progress::Failed(error),
        }
    }
}
