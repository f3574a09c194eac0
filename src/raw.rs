//! What the JavaScript face needs beneath the comfortable API: parameters and rows that stay encoded. No promise is
//! made about it to anyone else.

pub use crate::connection::{OuterBlock, RawImport, RawProcedure};
pub use crate::engine::{HAS_TABLE, TABLE_NAMES};
pub use crate::site::Site;
pub use crate::transport::{Buffer, RowsFrame};
pub use aludel_sql::Text;

use crate::engine::Engine;
use crate::gate::Gate;
use crate::limit::{CancelToken, Limits};
use crate::transport::{Answer, Pending};
use aludel_protocol::{Error, ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

/// A statement whose parameters are encoded.
#[derive(Debug)]
pub struct RawCall {
    /// The SQL.
    pub text: Rc<Text>,
    /// A batch of parameters, a column per SQLite parameter index and a row per set: the bytes that
    /// `aludel_protocol::BatchWriter` writes. On wasm a view with room in front; see `Buffer::from_js`.
    pub batch: Option<Buffer>,
    /// The batch, where it is still being made. The call keeps its place among those of its connection.
    pub later: Option<Later>,
    /// Whether the batch is a list of sets (executemany).
    pub many: bool,
    /// Whether it came through `execDriverSql`.
    pub driver_sql: bool,
}

/// A batch of parameters that is still being made.
pub struct Later(Pin<Box<dyn Future<Output = Result<Buffer>>>>);

impl Later {
    /// What a future will give.
    pub fn new(batch: impl Future<Output = Result<Buffer>> + 'static) -> Later {
        Later(Box::pin(batch))
    }

    pub(crate) async fn made(self) -> Result<Buffer> {
        self.0.await
    }
}

impl std::fmt::Debug for Later {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Later")
    }
}

/// The frames of a stream, as they come.
#[derive(Clone, Debug)]
pub struct RawStream(Rc<StreamState>);

#[derive(Debug)]
pub(crate) struct StreamState {
    pending: RefCell<Option<Pending>>,
    first: RefCell<Option<RowsFrame>>,
    columns: Vec<String>,
    counts: (i64, i64),
    /// The last frame was taken or will be without the worker.
    complete: Cell<bool>,
    closed: Cell<bool>,
    reason: RefCell<Option<&'static str>>,
    gate: Rc<Gate>,
    cancel: Option<CancelToken>,
    /// Logs the rows.
    engine: Engine,
    /// What stands before each line of the log.
    token: Option<Rc<str>>,
}

impl RawStream {
    pub(crate) fn new(
        pending: Pending,
        mut first: RowsFrame,
        (engine, token): (&Engine, Option<Rc<str>>),
        cancel: Option<CancelToken>,
    ) -> RawStream {
        engine.log_rows(&first, token.as_deref());
        let complete = !first.more;
        RawStream(Rc::new(StreamState {
            pending: RefCell::new(Some(pending)),
            columns: first.columns.take().unwrap_or_default(),
            counts: (first.changes, first.last_insert_rowid),
            complete: Cell::new(complete),
            first: RefCell::new(Some(first)),
            closed: Cell::new(false),
            reason: RefCell::new(None),
            gate: Rc::default(),
            cancel,
            engine: engine.clone(),
            token,
        }))
    }

    pub(crate) fn state(&self) -> &Rc<StreamState> {
        &self.0
    }

    /// The names of the columns; empty for a statement that gives no rows.
    pub fn columns(&self) -> &[String] {
        &self.0.columns
    }

    /// `rowcount` and `lastrowid`.
    pub fn counts(&self) -> (i64, i64) {
        self.0.counts
    }

    /// The next frame; `None` after the last one.
    pub async fn next(&self) -> Result<Option<RowsFrame>> {
        let state = &self.0;
        let _turn = state.gate.enter().await;
        if state.closed.get() {
            let reason = state.reason.borrow().map_or(String::new(), |reason| format!(" {reason}"));
            return Err(Error::new(ErrorKind::ResourceClosed, format!("This result object is closed.{reason}")));
        }
        if let Some(frame) = state.first.take() {
            state.took(&frame);
            return Ok(Some(frame));
        }
        if state.complete.get() {
            return Ok(None);
        }
        let answer = poll_fn(|cx| match state.pending.borrow_mut().as_mut() {
            Some(pending) => pending.poll_answer(cx).map(Some),
            None => Poll::Ready(None),
        });
        let answer = Limits::cancelled_by(state.cancel.clone()).run(async { Ok(answer.await) }).await;
        match answer {
            Ok(Some(Answer::Rows(frame))) => {
                state.complete.set(!frame.more);
                state.engine.log_rows(&frame, state.token.as_deref());
                state.took(&frame);
                Ok(Some(frame))
            }
            Ok(Some(Answer::Error { error, .. })) | Err(error) => {
                self.close();
                Err(error)
            }
            Ok(Some(other)) => Err(other.instead("a stream")),
            Ok(None) => {
                let reason = state.reason.borrow().map_or(String::new(), |reason| format!(" {reason}"));
                Err(Error::new(ErrorKind::ResourceClosed, format!("This result object is closed.{reason}")))
            }
        }
    }

    /// Closes the stream and the cursor in the worker.
    pub fn close(&self) {
        self.0.closed.set(true);
        self.0.first.take();
        self.0.pending.take();
    }

    /// Why it was closed, when not by its user.
    pub fn closed_reason(&self) -> Option<&'static str> {
        *self.0.reason.borrow()
    }
}

impl StreamState {
    fn took(&self, frame: &RowsFrame) {
        if frame.more
            && let Some(pending) = self.pending.borrow().as_ref()
        {
            pending.credit();
        }
    }

    /// Whether the worker may hold a cursor for it.
    pub(crate) fn is_open(&self) -> bool {
        !self.complete.get() && !self.closed.get()
    }

    /// The worker has closed it, together with its transaction.
    pub(crate) fn closed_by_worker(&self, reason: &'static str) {
        if self.is_open() {
            self.closed.set(true);
            *self.reason.borrow_mut() = Some(reason);
            self.first.take();
            if let Some(pending) = self.pending.take() {
                pending.forget();
            }
        }
    }
}
