//! What callers are told when a host went away before it answered.

use super::verdict::Why;
use crate::transport::{Answer, Buffer};
use aludel_protocol::{Batch, Error, ErrorKind, Header, RELOAD, RepeatClass, Reply, RowsReply};

/// The error of everything that a worker did not live to answer.
pub(super) fn gone(message: &str) -> Error {
    Error::new(ErrorKind::WorkerGone, message)
}

/// The error of everything where the worker could not read what it was sent.
pub(super) fn misunderstood(cause: Error) -> Error {
    let message = format!("the worker cannot read what this page sends; they may be of two versions: {RELOAD}");
    Error::new(ErrorKind::Protocol, message).with_cause(cause)
}

/// The error of everything where the worker did not take this client: in its own words, if it does not understand it.
pub(super) fn refused_to_work(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Protocol => error,
        _ => gone("the worker refused to work").with_cause(error),
    }
}

/// The error of what a worker may have committed before it was gone for good.
pub(super) fn in_doubt(gone: &Error) -> Error {
    let message = format!(
        "{}, and this may or may not have been committed: look into the database before you run it again",
        gone.message()
    );
    Error::new(gone.kind(), message).with_retryable(false).with_cause(gone.clone())
}

fn lost(message: &str, retryable: bool) -> Error {
    Error::new(ErrorKind::HostLost, message).with_retryable(retryable)
}

/// The error for a request that fails; `broke` is what broke the worker, if one broke.
pub(super) fn error(why: Why, broke: &str) -> Error {
    match why {
        Why::GivenUp => Error::new(ErrorKind::Cancelled, "the call was given up"),
        Why::TransactionLost => lost(
            "the tab that hosted the database went away, and the open transaction was rolled back: run it again",
            true,
        ),
        Why::CutOff => lost("the tab that hosted the database went away in the middle of it: run it again", true),
        Why::NotKept => lost(
            "the tab that hosted the database went away before it did this, which is too large to be kept for a \
             repetition: run it again",
            true,
        ),
        Why::AnswerLost => lost(
            "the tab that hosted the database went away after it did this, which was committed, and its answer is lost: \
             read from the database what you need, and do not run it again",
            false,
        ),
        Why::Unknown => lost(
            "the tab that hosted the database went away, and this may or may not have been committed: look into the \
             database before you run it again",
            false,
        ),
        Why::Deadly => lost(
            "three tabs that hosted the database went away while they did this, which may be the cause: it is not tried \
             again",
            false,
        ),
        Why::Broke => gone(broke),
    }
}

/// The error of who has waited for a host too long; `absent` says that there was none from the beginning.
pub(super) fn no_host(absent: bool) -> Error {
    let message = if absent {
        "another tab hosts the database and lets nobody in; its page may be stopped (by a dialog, for instance): try again"
    } else {
        "the tab that hosted the database went away, and no other took over within 30 s: try again"
    };
    lost(message, true)
}

/// The error of a connection that a new host did not open.
pub(super) fn not_reopened(cause: Error) -> Error {
    let retryable = cause.retryable();
    let message = "the tab that hosted the database went away, and the next one could not open it: connect again";
    lost(message, retryable).with_cause(cause)
}

/// The answer to a statement that was committed and returned no rows, from what the database remembers of it.
pub(super) fn made_up(changes: i64, last_insert_rowid: i64) -> Option<Answer> {
    let (more, in_transaction, columns, batch) = (false, false, Some(Vec::new()), Batch::EMPTY);
    let rows = RowsReply { more, in_transaction, changes, last_insert_rowid, columns, batch };
    let frame = Reply::Rows(rows).encode(&Header::new(0, 0, 0, RepeatClass::InDoubt));
    Answer::decode(Buffer::from_vec(frame)).ok().map(|(_, answer)| answer)
}
