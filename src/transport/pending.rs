//! The reply that is awaited.

use super::Answer;
use super::channel::{Channel, Progress, Watch};
use aludel_protocol::Request;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How long a cancelled statement may take to end before its worker is replaced, where that was asked for.
const ABORT_PATIENCE: Duration = Duration::from_millis(500);

/// Where replies to one request are kept until they are taken.
pub(super) struct Slot {
    answers: RefCell<VecDeque<Answer>>,
    waker: RefCell<Option<Waker>>,
    watch: Option<Watch>,
    seen: Cell<bool>,
    /// No other reply follows.
    complete: Cell<bool>,
    /// Nobody takes the replies any more.
    detached: Cell<bool>,
}

impl Slot {
    pub(super) fn new(watch: Option<Watch>) -> Slot {
        Slot {
            answers: RefCell::default(),
            waker: RefCell::default(),
            watch,
            seen: Cell::new(false),
            complete: Cell::new(false),
            detached: Cell::new(false),
        }
    }

    pub(super) fn take(&self, answer: Answer) {
        let progress = Progress {
            first: !self.seen.replace(true),
            last: answer.is_last(),
            failed: matches!(answer, Answer::Error { .. }),
            in_transaction: answer.in_transaction(),
        };
        self.complete.set(progress.last);
        if !self.detached.get() {
            self.answers.borrow_mut().push_back(answer);
        }
        if let Some(watch) = &self.watch {
            watch(progress);
        }
        self.wake();
    }

    /// Whether part of the answer has arrived.
    pub(super) fn is_seen(&self) -> bool {
        self.seen.get()
    }

    /// Forgets the replies that were not taken.
    pub(super) fn clear(&self) {
        self.answers.borrow_mut().clear();
    }

    /// Whether nobody takes the replies any more.
    pub(super) fn is_detached(&self) -> bool {
        self.detached.get()
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A request whose replies are awaited. Dropping it cancels the request, or closes the stream.
pub struct Pending {
    channel: Rc<Channel>,
    slot: Rc<Slot>,
    connection: u32,
    id: u64,
    stream: bool,
    replace_on_abort: bool,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("id", &self.id).field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl Pending {
    pub(super) fn new(channel: Rc<Channel>, slot: Rc<Slot>, connection: u32, id: u64, stream: bool) -> Pending {
        Pending { channel, slot, connection, id, stream, replace_on_abort: false }
    }

    /// Waits for the next reply.
    pub async fn answer(&mut self) -> Answer {
        poll_fn(|cx| self.poll_answer(cx)).await
    }

    /// As [`Pending::answer`].
    pub fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        if let Some(answer) = self.slot.answers.borrow_mut().pop_front() {
            return Poll::Ready(answer);
        }
        *self.slot.waker.borrow_mut() = Some(cx.waker().clone());
        // A worker in this thread may answer while it is given time.
        if let Some(wire) = self.channel.wire() {
            wire.drive(cx);
        }
        let answer = self.slot.answers.borrow_mut().pop_front();
        match answer {
            Some(answer) => {
                // Who got what it waited for gives the worker no more time: another has to.
                self.slot.waker.take();
                if let Some(wire) = self.channel.wire() {
                    wire.rest();
                }
                Poll::Ready(answer)
            }
            None => Poll::Pending,
        }
    }

    /// Grants the stream one more frame.
    pub fn credit(&self) {
        if !self.slot.complete.get() {
            self.channel.tell(self.connection, &Request::Credit { stream: self.id, credits: 1 });
        }
    }

    /// Cancels the request, whose answer is still awaited.
    pub fn cancel(&self) {
        self.channel.cancel(self.id, self.connection);
    }

    /// Lets the request run to its end without waiting for it.
    pub fn detach(self) {
        self.slot.detached.set(true);
    }

    /// The worker sends nothing more, and knows it.
    pub fn forget(self) {
        self.slot.detached.set(true);
        self.channel.forget(self.id);
    }

    /// Whether the worker is replaced when the request was cancelled and does not end soon.
    pub fn replace_on_abort(&mut self, replace: bool) {
        self.replace_on_abort = replace;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.slot.complete.get() || self.slot.detached.replace(true) {
            return;
        }
        self.slot.answers.borrow_mut().clear();
        if self.stream && self.slot.seen.get() {
            self.channel.forget(self.id);
            self.channel.tell(self.connection, &Request::CloseStream { stream: self.id });
        } else {
            self.channel.cancel(self.id, self.connection);
            if self.replace_on_abort
                && let Some(wire) = self.channel.wire()
            {
                let (channel, slot) = (self.channel.clone(), self.slot.clone());
                let replace = move || {
                    if !slot.complete.get() {
                        channel.replace_worker("a cancelled statement did not end, so its worker was replaced");
                    }
                };
                wire.later(ABORT_PATIENCE, Box::new(replace));
            }
        }
    }
}
