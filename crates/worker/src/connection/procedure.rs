//! Procedures on a connection.

use super::Connection;
use crate::Environment;
use crate::database::Database;
use crate::execution::Progress;
use crate::job::{Job, Work, reply};
use crate::procedure::{Procedure, SyncConnection};
use crate::sqlite::TransactionState;
use aludel_protocol::{Reply, Result};

impl Connection {
    /// Takes note of a procedure that is there, or will never be.
    pub(crate) fn procedure_ready(&mut self, request: u64, outcome: Result<Box<dyn Procedure>>) {
        let job = self.queue.iter_mut().find(|job| job.header.request == request);
        if let Some(Job { work: Work::Procedure(invocation), .. }) = job {
            invocation.found = Some(outcome);
        }
    }

    /// Whether another connection writes. A procedure cannot wait once it runs, and until it returns nobody else can begin to
    /// write: so it waits before, unless it only reads.
    pub(super) fn has_to_wait(&self, job: &Job, database: &Database, lock_is_promised: bool) -> bool {
        let reads = matches!(&job.work, Work::Procedure(invocation) if invocation.read_only);
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
            changes: &mut self.changes,
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
            attaches: false,
            savepoints: (Vec::new(), 0),
        };
        let outcome = procedure.call(&mut connection);
        let finished = connection.finish();
        let (ended, attaches) = (connection.ended, connection.attaches);
        if attaches {
            self.look_at_attached();
        }
        match outcome.and_then(|value| finished.map(|()| value)) {
            Ok(value) => {
                self.told_open = self.in_transaction();
                let returned = Reply::Returned { in_transaction: self.told_open, ended, value: &value };
                reply(env, &job.header, &returned);
                Progress::Done
            }
            Err(error) => Progress::Failed(error),
        }
    }
}
