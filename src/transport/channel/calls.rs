//! The requests that are not answered to their end, and the connections that they are about: what is needed to do
//! without the host that they were sent to.

use super::verdict::{Case, Kind, Why};
use crate::transport::pending::Slot;
use crate::transport::{Buffer, Instant};
use aludel_protocol::{BeginMode, Error, ImportStep, OpenOptions, RepeatClass, Request, Storage, TransactionOp};
use std::rc::Rc;

/// Larger batches of parameters are not kept once they were sent: their requests cannot be repeated.
const MOST_KEPT: usize = 64 << 10;

/// A request that is not answered to its end.
pub(super) struct Call {
    pub waiter: Waiter,
    pub connection: u32,
    /// What it does to its connection; nothing for what is about the channel itself, which is not repeated.
    pub kind: Option<Kind>,
    /// Whether its rows are of use only when all have come: until then nobody has seen any of them.
    pub buffered: bool,
    pub class: RepeatClass,
    /// Its frame, as long as it may have to be sent.
    pub message: Option<Message>,
    /// How often it was sent.
    pub sent: u32,
    /// Whether it was sent to the host that is there now.
    pub under_way: bool,
    /// Whether it was under way when a worker broke.
    pub suspect: bool,
}

/// Who waits for the answer.
#[derive(Clone)]
pub(super) enum Waiter {
    /// A caller.
    Slot(Rc<Slot>),
    /// The channel, which makes itself known to a new host.
    Channel(Step),
}

/// What a channel says to a new host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Who it is.
    Hello,
    /// That it wants to hear of changes.
    Watch,
    /// Which connections it has.
    Reopen,
    /// Which connection this call of a user wants to have.
    Open(u64),
    /// Which connection it does not want any more.
    Close,
    /// What it wants to know of the requests that may have been committed.
    Fates,
}

/// A frame that may have to be sent.
pub(super) struct Message {
    head: Vec<u8>,
    batch: Option<Buffer>,
    /// When it was to be sent first, where that matters: its deadline counts from then.
    since: Option<Instant>,
}

impl Message {
    pub(super) fn new(head: Vec<u8>, batch: Option<Buffer>, deadline: u32) -> Message {
        Message { head, batch, since: (deadline > 0).then(Instant::now) }
    }

    /// The frame as it is to be sent now, and what is kept of it.
    pub(super) fn part(mut self, epoch: u32, keep: bool) -> (Vec<u8>, Option<Buffer>, Option<Message>) {
        let kept = if keep && self.batch.as_ref().is_none_or(|batch| batch.len() <= MOST_KEPT) {
            // Sending a batch takes it away.
            let batch = self.batch.as_ref().map(Buffer::copy);
            Some(Message { head: self.head.clone(), batch, since: self.since })
        } else {
            None
        };
        let elapsed = self.since.map_or(0, |since| since.elapsed().as_millis());
        Request::renew(&mut self.head, epoch, u32::try_from(elapsed).unwrap_or(u32::MAX));
        (self.head, self.batch, kept)
    }
}

impl Call {
    pub(super) fn new(
        slot: Rc<Slot>,
        connection: u32,
        kind: Option<Kind>,
        class: RepeatClass,
        message: Message,
    ) -> Call {
        let (waiter, message) = (Waiter::Slot(slot), Some(message));
        Call { waiter, connection, kind, buffered: false, class, message, sent: 0, under_way: false, suspect: false }
    }

    /// One of the channel itself, being sent to the host that is there now.
    pub(super) fn own(step: Step, connection: u32) -> Call {
        Call {
            waiter: Waiter::Channel(step),
            connection,
            kind: None,
            buffered: false,
            class: RepeatClass::Safe,
            message: None,
            sent: 1,
            under_way: true,
            suspect: false,
        }
    }

    /// Whether it may be sent again.
    pub(super) fn is_repeated(&self) -> bool {
        !matches!(self.kind, None | Some(Kind::Import { .. }))
    }

    /// Whether it ends what is open on its connection.
    pub(super) fn ends(&self) -> bool {
        matches!(self.kind, Some(Kind::End { .. }))
    }

    /// Whether it closes its connection.
    pub(super) fn closes(&self) -> bool {
        self.kind == Some(Kind::End { closes: true })
    }

    /// The case that is judged when the host goes; nothing for what is not repeated.
    pub(super) fn case(&self, id: u64) -> Option<Case> {
        let Waiter::Slot(slot) = &self.waiter else { return None };
        Some(Case {
            id,
            kind: self.kind?,
            doubt: self.class == RepeatClass::InDoubt,
            first: self.class == RepeatClass::Safe,
            sent: self.sent,
            answered: slot.is_seen() && !self.buffered,
            kept: self.message.is_some(),
            // What ends a transaction is done, whether or not anybody waits for it.
            given_up: slot.is_detached() && !self.ends(),
            suspect: self.suspect,
        })
    }
}

/// What a request does to its connection.
pub(super) fn kind_of(request: &Request<'_>) -> Option<Kind> {
    Some(match request {
        Request::Open(_) => Kind::Open,
        Request::Transaction { op, .. } => match op {
            TransactionOp::Commit => Kind::Commit,
            TransactionOp::Rollback => Kind::End { closes: false },
            TransactionOp::Begin(_)
            | TransactionOp::Savepoint(..)
            | TransactionOp::Release(_)
            | TransactionOp::RollbackTo(_) => Kind::Within,
        },
        Request::Reset | Request::Import(ImportStep::Abort) => Kind::End { closes: false },
        Request::Close => Kind::End { closes: true },
        // It may have committed and begun again. What nobody has seen the end of is judged by its commits.
        Request::Procedure(call) if call.begin != BeginMode::None => Kind::Within,
        Request::Execute(_) | Request::Procedure(_) => Kind::Alone,
        Request::Import(step) => Kind::Import { goes_on: !matches!(step, ImportStep::Finish) },
        Request::Hello { .. }
        | Request::Credit { .. }
        | Request::CloseStream { .. }
        | Request::Cancel { .. }
        | Request::Shutdown
        | Request::Leave
        | Request::Fates(_)
        | Request::Watch { .. }
        | Request::Site { .. } => return None,
    })
}

/// A connection, as its channel knows it.
pub(super) struct Line {
    /// With what it is opened.
    pub options: OpenOptions,
    /// Whether a transaction is open on it, of which replies have arrived.
    pub in_transaction: bool,
    /// Whether an import was begun on it.
    pub importing: bool,
    /// Its transaction or its import went with a host, and nobody has been told.
    pub lost: Option<Why>,
    /// It could not be opened with a new host.
    pub failed: Option<Error>,
}

impl Line {
    pub(super) fn new(options: OpenOptions) -> Line {
        Line { options, in_transaction: false, importing: false, lost: None, failed: None }
    }

    /// Whether it is gone with its host, since the database was there only.
    pub(super) fn dies_with_host(&self) -> bool {
        self.options.storage == Storage::Memory
    }
}
