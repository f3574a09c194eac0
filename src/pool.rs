//! The pool of connections: SQLAlchemy's QueuePool, with waiters served in the order in which they came.

use crate::limit::delay;
use crate::options::EngineOptions;
use crate::transport::ChannelUse;
use aludel_protocol::{Error, ErrorKind, RepeatClass, Request, Result};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

/// A connection of the worker, as the pool keeps it.
#[derive(Debug)]
pub(crate) struct Link {
    pub channel: ChannelUse,
    pub id: u32,
    /// It failed to be made clean for its next user.
    pub broken: Rc<Cell<bool>>,
    refused: bool,
}

impl Link {
    /// A connection that is being opened.
    pub(crate) fn new(channel: ChannelUse, id: u32) -> Link {
        Link { channel, id, broken: Rc::default(), refused: false }
    }

    /// It could not be opened.
    pub(crate) fn refused(&mut self) {
        self.refused = true;
    }

    fn is_sound(&self) -> bool {
        self.channel.is_alive() && !self.broken.get()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // One whose opening was cancelled may be open all the same, so that it is closed, too.
        if self.channel.is_alive() && !self.refused {
            self.channel.request(self.id, RepeatClass::Safe, &Request::Close, None).detach();
        }
    }
}

/// What a waiter gets.
#[derive(Debug)]
enum Grant {
    Link(Link),
    /// A place, for a connection that is yet to be opened.
    Place,
}

#[derive(Debug, Default)]
struct Waiter {
    grant: RefCell<Option<Grant>>,
    granted: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// The connections of an engine that are open, and who waits for one.
#[derive(Debug)]
pub(crate) struct Pool {
    size: usize,
    max_overflow: isize,
    timeout: Duration,
    idle: RefCell<VecDeque<Link>>,
    /// Places taken, by connections that are idle, in use or being opened.
    taken: Cell<usize>,
    waiters: RefCell<VecDeque<Rc<Waiter>>>,
    disposed: Cell<bool>,
}

impl Pool {
    pub(crate) fn new(options: &EngineOptions) -> Pool {
        Pool {
            size: options.pool_size,
            max_overflow: options.max_overflow,
            timeout: options.pool_timeout,
            idle: RefCell::default(),
            taken: Cell::new(0),
            waiters: RefCell::default(),
            disposed: Cell::new(false),
        }
    }

    fn has_place(&self) -> bool {
        let limit = self.size.checked_add_signed(self.max_overflow.max(0));
        self.size == 0 || self.max_overflow < 0 || limit.is_none_or(|limit| self.taken.get() < limit)
    }

    /// Takes a connection out, or opens one; waits while all are in use.
    pub(crate) async fn checkout<F>(self: &Rc<Pool>, open: impl FnOnce() -> F) -> Result<Checkout>
    where
        F: Future<Output = Result<Link>>,
    {
        let grant = self.acquire().await?;
        // From here on, the place is given back when the checkout is dropped.
        let mut checkout = Checkout { pool: self.clone(), link: None };
        checkout.link = Some(match grant {
            Grant::Link(link) if link.is_sound() => link,
            // A connection whose worker is gone leaves its place to a new one.
            Grant::Link(_) | Grant::Place => open().await?,
        });
        Ok(checkout)
    }

    fn try_acquire(&self) -> Option<Grant> {
        // Nobody overtakes those who wait.
        if !self.waiters.borrow().is_empty() {
            return None;
        }
        loop {
            let link = self.idle.borrow_mut().pop_front();
            match link {
                Some(link) if link.is_sound() => return Some(Grant::Link(link)),
                Some(_) => self.taken.set(self.taken.get() - 1),
                None => break,
            }
        }
        self.has_place().then(|| {
            self.taken.set(self.taken.get() + 1);
            Grant::Place
        })
    }

    async fn acquire(self: &Rc<Pool>) -> Result<Grant> {
        if let Some(grant) = self.try_acquire() {
            return Ok(grant);
        }
        let waiter = Rc::new(Waiter::default());
        self.waiters.borrow_mut().push_back(waiter.clone());
        let _place = Waiting { pool: self, waiter: &waiter };
        let mut timer = delay(self.timeout);
        poll_fn(|cx| {
            if let Some(grant) = waiter.grant.take() {
                return Poll::Ready(Ok(grant));
            }
            if timer.as_mut().is_some_and(|timer| Pin::new(timer).poll(cx).is_ready()) {
                return Poll::Ready(Err(self.timed_out()));
            }
            *waiter.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    fn timed_out(&self) -> Error {
        let message = format!(
            "QueuePool limit of size {} overflow {} reached, connection timed out, timeout {:.2}",
            self.size,
            self.overflow(),
            self.timeout.as_secs_f64()
        );
        Error::new(ErrorKind::Timeout, message)
    }

    /// Hands something to the first who waits.
    fn hand_over(&self, grant: Grant) -> Result<(), Grant> {
        let Some(waiter) = self.waiters.borrow_mut().pop_front() else { return Err(grant) };
        *waiter.grant.borrow_mut() = Some(grant);
        waiter.granted.set(true);
        if let Some(waker) = waiter.waker.take() {
            waker.wake();
        }
        Ok(())
    }

    fn give_back(&self, grant: Grant) {
        let grant = match grant {
            Grant::Link(link) if !link.is_sound() => Grant::Place,
            grant => grant,
        };
        let Err(grant) = self.hand_over(grant) else { return };
        match grant {
            Grant::Link(link) if !self.disposed.get() && (self.size == 0 || self.idle.borrow().len() < self.size) => {
                self.idle.borrow_mut().push_back(link);
            }
            // One too many, or one of a pool that was disposed of.
            Grant::Link(_) | Grant::Place => self.taken.set(self.taken.get() - 1),
        }
    }

    /// Closes what is idle; what is in use is closed when it comes back.
    pub(crate) fn dispose(&self) {
        self.disposed.set(true);
        let idle = self.idle.take();
        self.taken.set(self.taken.get() - idle.len());
    }

    fn overflow(&self) -> isize {
        self.taken.get() as isize - self.size as isize
    }
}

/// A place in the queue; given up when dropped, with what was granted meanwhile.
struct Waiting<'a> {
    pool: &'a Rc<Pool>,
    waiter: &'a Rc<Waiter>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // Who was granted something has left the queue already.
        if !self.waiter.granted.get() {
            self.pool.waiters.borrow_mut().retain(|other| !Rc::ptr_eq(other, self.waiter));
        }
        if let Some(grant) = self.waiter.grant.take() {
            self.pool.give_back(grant);
        }
    }
}

/// A connection that is in use; it goes back when dropped.
#[derive(Debug)]
pub(crate) struct Checkout {
    pool: Rc<Pool>,
    link: Option<Link>,
}

impl Checkout {
    pub(crate) fn link(&self) -> Option<&Link> {
        self.link.as_ref()
    }

    /// Puts another connection, or none, in its place.
    pub(crate) fn replace(&mut self, link: Option<Link>) {
        self.link = link;
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        self.pool.give_back(self.link.take().map_or(Grant::Place, Grant::Link));
    }
}

/// What the pool of an engine does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStatus {
    /// How many connections it keeps.
    pub size: usize,
    /// How many are idle.
    pub checkedin: usize,
    /// How many more are open than it keeps; negative while there are fewer.
    pub overflow: isize,
    /// How many are in use.
    pub checkedout: usize,
}

impl Pool {
    pub(crate) fn status(&self) -> PoolStatus {
        let checkedin = self.idle.borrow().len();
        PoolStatus { size: self.size, checkedin, overflow: self.overflow(), checkedout: self.taken.get() - checkedin }
    }
}

impl fmt::Display for PoolStatus {
    /// SQLAlchemy's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Pool size: {}  Connections in pool: {} Current Overflow: {} Current Checked out connections: {}",
            self.size, self.checkedin, self.overflow, self.checkedout
        )
    }
}
