//! Imports: the bytes of a SQLite file on their way into the place of a database.

use super::Connection;
use crate::limit::Limits;
use crate::transport::{Answer, Buffer, Pending};
use aludel_protocol::{Error, ErrorKind, ImportPhase, ImportStep, RepeatClass, Request, Result};
use std::cell::{Cell, RefCell};
use std::future::Future;

/// An import that is under way, on a connection of its own. Dropping it leaves the database as it was, unless
/// [`RawImport::finish`] was done.
#[derive(Debug)]
pub struct RawImport {
    connection: Connection,
    limits: Limits,
    /// The step that was not answered yet: one at a time is on its way, while the next is made ready.
    step: RefCell<Option<Pending>>,
    /// Whether the worker has nothing left of it.
    over: Cell<bool>,
}

impl RawImport {
    pub(crate) fn begin(connection: Connection, total: u64, limits: Limits) -> Result<RawImport> {
        let inner = connection.inner();
        let (channel, id) = inner.address()?;
        let begin = Request::Import(ImportStep::Begin(total));
        let pending = channel.request(id, RepeatClass::Transaction, &begin, Some(inner.traffic().watch(None)));
        Ok(RawImport { connection, limits, step: RefCell::new(Some(pending)), over: Cell::new(false) })
    }

    /// Runs a future within the limits of the import.
    pub async fn limit<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        self.limits.run(future).await
    }

    /// Sends the next bytes, when those before were taken. Gives how many these are.
    pub async fn chunk(&self, bytes: Buffer) -> Result<u64> {
        self.taken().await?;
        let inner = self.connection.inner();
        let (channel, id) = inner.address()?;
        let len = bytes.len() as u64;
        let pending = channel.import_chunk(id, bytes, Some(inner.traffic().watch(None)));
        *self.step.borrow_mut() = Some(pending);
        Ok(len)
    }

    /// Waits until the step before is done.
    async fn taken(&self) -> Result<()> {
        let Some(mut step) = self.step.take() else { return Ok(()) };
        let answer = self.limits.run(async { Ok(step.answer().await) }).await?;
        match answer {
            Answer::Done { .. } => Ok(()),
            other => Err(self.failed(other)),
        }
    }

    /// Has the bytes checked and put in the place of the database. When it is cancelled it may still be done: then this
    /// succeeds, since the database is the new one.
    pub async fn finish(self, learn: &mut dyn FnMut(ImportPhase, u64, u64)) -> Result<()> {
        self.taken().await?;
        let inner = self.connection.inner();
        let (channel, id) = inner.address()?;
        let finish = Request::Import(ImportStep::Finish);
        let watch = inner.traffic().watch(None);
        let mut pending = channel.request(id, RepeatClass::InDoubt, &finish, Some(watch));
        let within = self.limits.run(async { Ok(finished(&mut pending, learn).await) }).await;
        let (answer, limit) = match within {
            Ok(answer) => (answer, None),
            Err(limit) => {
                pending.cancel();
                (finished(&mut pending, learn).await, Some(limit))
            }
        };
        let error = match answer {
            Answer::Done { .. } => {
                self.over.set(true);
                return self.connection.close().await;
            }
            other => self.failed(other),
        };
        Err(limit.filter(|_| error.kind() == ErrorKind::Cancelled).unwrap_or(error))
    }

    /// The error of a step, which has ended the import.
    fn failed(&self, answer: Answer) -> Error {
        self.over.set(true);
        match answer {
            Answer::Error { error, .. } => error,
            other => other.instead("a step of an import"),
        }
    }
}

/// The last answer to a finish.
async fn finished(pending: &mut Pending, learn: &mut dyn FnMut(ImportPhase, u64, u64)) -> Answer {
    loop {
        match pending.answer().await {
            Answer::Progress { phase, done, total } => learn(phase, done, total),
            last => return last,
        }
    }
}

impl Drop for RawImport {
    fn drop(&mut self) {
        // What is on its way is cancelled, so that the worker hears of the end without working through it.
        self.step.take();
        if self.over.get() {
            return;
        }
        let inner = self.connection.inner();
        if let Ok((channel, id)) = inner.address() {
            let abort = Request::Import(ImportStep::Abort);
            channel.request(id, RepeatClass::Safe, &abort, Some(inner.traffic().watch(None))).detach();
        }
    }
}
