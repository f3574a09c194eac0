//! How long a call may take, and how it is cancelled.

use aludel_protocol::{Error, ErrorKind, Result};
use futures_timer::Delay;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Cancels the calls that it was given to.
///
/// A clone cancels the same calls. Dropping the future of a call cancels it just as well.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Rc<Cancel>);

#[derive(Debug, Default)]
struct Cancel {
    cancelled: Cell<bool>,
    /// Who is woken, each with the number of the call that it waits in.
    wakers: RefCell<Vec<(u64, Waker)>>,
    next: Cell<u64>,
}

/// The place of a call among those that a token cancels, as long as the call takes.
#[derive(Debug)]
struct Waiting<'a> {
    cancel: &'a Cancel,
    call: u64,
}

impl Waiting<'_> {
    /// Wakes `waker` when the token is cancelled, instead of the one before.
    fn register(&self, waker: &Waker) {
        let mut wakers = self.cancel.wakers.borrow_mut();
        let old = match wakers.iter_mut().find(|(call, _)| *call == self.call) {
            Some((_, old)) if old.will_wake(waker) => None,
            Some((_, old)) => Some(std::mem::replace(old, waker.clone())),
            None => {
                wakers.push((self.call, waker.clone()));
                None
            }
        };
        // What it owns is dropped when nothing is borrowed any more.
        drop(wakers);
        drop(old);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut wakers = self.cancel.wakers.borrow_mut();
        let at = wakers.iter().position(|(call, _)| *call == self.call);
        let waker = at.map(|at| wakers.swap_remove(at));
        drop(wakers);
        drop(waker);
    }
}

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    /// Cancels: the calls reject with an error of kind [`ErrorKind::Cancelled`], now and ever after.
    pub fn cancel(&self) {
        self.0.cancelled.set(true);
        self.0.wakers.take().into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.get()
    }

    fn wait(&self) -> Waiting<'_> {
        Waiting { cancel: &self.0, call: self.0.next.replace(self.0.next.get() + 1) }
    }
}

/// What one call is given beside its statement.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// How long it may take, waiting for a connection and for a lock included.
    pub timeout: Option<Duration>,
    /// What cancels it.
    pub cancel: Option<CancelToken>,
    /// How many rows a stream brings at a time, and how many `fetchmany()` and `partitions()` give unless told.
    pub yield_per: Option<usize>,
}

impl CallOptions {
    /// No limits.
    pub fn new() -> CallOptions {
        CallOptions::default()
    }

    /// Sets how long the call may take.
    pub fn timeout(mut self, timeout: Duration) -> CallOptions {
        self.timeout = Some(timeout);
        self
    }

    /// Sets what cancels the call.
    pub fn cancel(mut self, token: &CancelToken) -> CallOptions {
        self.cancel = Some(token.clone());
        self
    }

    /// Sets how many rows a stream brings at a time.
    pub fn yield_per(mut self, rows: usize) -> CallOptions {
        self.yield_per = Some(rows);
        self
    }

    /// Runs a future within the limits; beyond them it is dropped, and with it what it was doing is cancelled.
    pub async fn limit<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        self.start().run(future).await
    }

    pub(crate) fn start(&self) -> Limits {
        Limits { timer: RefCell::new(self.timeout.map(Timer::new)), cancel: self.cancel.clone() }
    }
}

/// The time of one call, running. Everything it does shares it.
#[derive(Debug)]
pub(crate) struct Limits {
    timer: RefCell<Option<Timer>>,
    cancel: Option<CancelToken>,
}

/// A timer, unless it is for so long that the platforms' timers do not count as far: 2^31 ms are 24 days.
pub(crate) fn delay(after: Duration) -> Option<Delay> {
    (after < Duration::from_secs(20 * 24 * 60 * 60)).then(|| Delay::new(after))
}

#[derive(Debug)]
struct Timer {
    delay: Option<Delay>,
    timeout: Duration,
    started: Clock,
}

impl Timer {
    fn new(timeout: Duration) -> Timer {
        // The worker is told the timeout, too; its answer knows more, so it gets the time to arrive first.
        let delay = delay(timeout.saturating_add(GRACE));
        Timer { delay, timeout, started: Clock::now() }
    }
}

/// How much later than the worker the client gives up.
const GRACE: Duration = Duration::from_millis(100);

/// When something started, on a clock that both hosts and browsers have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(crate::transport::Instant);

impl Clock {
    pub(crate) fn now() -> Clock {
        Clock(crate::transport::Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

impl Limits {
    /// With nothing but a token.
    pub(crate) fn cancelled_by(cancel: Option<CancelToken>) -> Limits {
        Limits { timer: RefCell::new(None), cancel }
    }

    /// What is left of the timeout, in milliseconds and at least 1, for the worker; 0 is forever.
    pub(crate) fn deadline(&self) -> u32 {
        self.timer.borrow().as_ref().map_or(0, |timer| {
            let left = timer.timeout.saturating_sub(timer.started.elapsed());
            u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1)
        })
    }

    /// An error if the time is over or the call was cancelled.
    pub(crate) fn check(&self) -> Result<()> {
        if self.cancel.as_ref().is_some_and(CancelToken::is_cancelled) { Err(cancelled()) } else { Ok(()) }
    }

    /// Runs a future within the limits; beyond them, it is dropped.
    pub(crate) async fn run<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        self.check()?;
        let mut future = pin!(future);
        let waiting = self.cancel.as_ref().map(CancelToken::wait);
        poll_fn(|cx| {
            self.heed(waiting.as_ref(), cx)?;
            match future.as_mut().poll(cx) {
                Poll::Ready(done) => Poll::Ready(done),
                Poll::Pending => self.poll_timer(cx).map(Err),
            }
        })
        .await
    }

    // What follows is no part of `run`, of which there is a copy for each future.
    fn heed(&self, waiting: Option<&Waiting<'_>>, cx: &Context<'_>) -> Result<()> {
        match waiting {
            Some(waiting) => {
                waiting.register(cx.waker());
                self.check()
            }
            None => Ok(()),
        }
    }

    fn poll_timer(&self, cx: &mut Context<'_>) -> Poll<Error> {
        let mut timer = self.timer.borrow_mut();
        let Some(Timer { delay: Some(delay), timeout, .. }) = timer.as_mut() else { return Poll::Pending };
        Pin::new(delay).poll(cx).map(|()| timed_out(*timeout))
    }
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the call was cancelled")
}

fn timed_out(timeout: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("the call timed out after {} ms", timeout.as_millis() as u64))
}
