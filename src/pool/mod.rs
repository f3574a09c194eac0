//! The pool of connections: SQLAlchemy's pools, with waiters served in the order in which they came.

mod class;
mod holder;
mod link;
mod status;
mod wait;

pub use class::{PoolClass, ResetOnReturn};
pub(crate) use holder::Holder;
pub(crate) use link::Link;
pub use status::PoolStatus;

use crate::listen::Events;
use crate::options::EngineOptions;
use crate::site::Site;
use aludel_protocol::{Error, ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;
use wait::Waiter;

/// What a waiter gets.
#[derive(Debug)]
enum Grant {
    Link(Link),
    /// A place, for a connection that is yet to be opened.
    Place,
}

/// What the options say of the pool.
#[derive(Debug)]
struct Rules {
    class: PoolClass,
    /// How many connections are kept; 0 is no limit for a queue.
    size: usize,
    /// How many connections there may be at once.
    limit: Option<usize>,
    /// How many connections may be idle.
    keep: usize,
    timeout: Duration,
    lifo: bool,
    recycle: Option<Duration>,
    pre_ping: bool,
}

impl Rules {
    fn of(options: &EngineOptions) -> Rules {
        let (size, limit, keep) = match options.pool_class {
            PoolClass::Queue if options.pool_size == 0 => (0, None, usize::MAX),
            PoolClass::Queue => {
                let size = options.pool_size;
                let overflow = usize::try_from(options.max_overflow).ok();
                (size, overflow.and_then(|overflow| size.checked_add(overflow)), size)
            }
            PoolClass::Null => (0, None, 0),
            PoolClass::Static | PoolClass::Assertion => (1, Some(1), 1),
        };
        Rules {
            class: options.pool_class,
            size,
            limit,
            keep,
            timeout: options.pool_timeout,
            lifo: options.pool_use_lifo,
            recycle: options.pool_recycle,
            pre_ping: options.pool_pre_ping,
        }
    }
}

/// The connections of an engine that are open, and who waits for one.
#[derive(Debug)]
pub(crate) struct Pool {
    rules: Rules,
    events: Rc<Events>,
    idle: RefCell<VecDeque<Link>>,
    /// Places taken, by connections that are idle, in use or being opened.
    taken: Cell<usize>,
    waiters: RefCell<VecDeque<Rc<Waiter>>>,
    holders: RefCell<Vec<Rc<Holder>>>,
    disposed: Cell<bool>,
}

impl Pool {
    pub(crate) fn new(options: &EngineOptions, events: &Rc<Events>) -> Pool {
        Pool {
            rules: Rules::of(options),
            events: events.clone(),
            idle: RefCell::default(),
            taken: Cell::new(0),
            waiters: RefCell::default(),
            holders: RefCell::default(),
            disposed: Cell::new(false),
        }
    }

    fn has_place(&self) -> bool {
        self.rules.limit.is_none_or(|limit| self.taken.get() < limit)
    }

    /// Takes a connection out, or opens one; waits while all are in use.
    pub(crate) async fn checkout<F>(self: &Rc<Pool>, site: &Site, open: impl FnOnce() -> F) -> Result<Checkout>
    where
        F: Future<Output = Result<Link>>,
    {
        let grant = self.acquire(site).await?;
        // From here on, the place is given back when the checkout is dropped.
        let mut checkout = Checkout::new(self, site);
        if let Grant::Link(link) = grant {
            checkout.link = self.fit(link);
        }
        let holder = checkout.holder.clone();
        // A connection that is being opened, or asked whether it lives, holds nobody up by doing nothing.
        holder.sent();
        let sound = match &checkout.link {
            Some(link) => !self.rules.pre_ping || link.answers().await,
            None => false,
        };
        if !sound {
            checkout.link = None;
            checkout.link = Some(open().await?);
        }
        holder.answered();
        Ok(checkout)
    }

    /// The connection, unless its worker is gone or it is too old.
    fn fit(&self, link: Link) -> Option<Link> {
        let too_old = self.rules.recycle.is_some_and(|age| link.age() >= age);
        (link.is_sound() && !too_old).then_some(link)
    }

    /// Something that is free. While somebody waits, nothing is: what comes back is handed over to the first who waits, so
    /// that nobody who comes later overtakes.
    fn try_acquire(&self) -> Option<Grant> {
        loop {
            let link = {
                let mut idle = self.idle.borrow_mut();
                if self.rules.lifo { idle.pop_back() } else { idle.pop_front() }
            };
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

    async fn acquire(self: &Rc<Pool>, site: &Site) -> Result<Grant> {
        match self.try_acquire() {
            Some(grant) => Ok(grant),
            None if self.rules.class == PoolClass::Assertion => Err(self.asserted()),
            None => self.wait(site).await,
        }
    }

    /// The error of a second connection where there is to be one only.
    fn asserted(&self) -> Error {
        let site = self.holders.borrow().first().and_then(|holder| holder.site().text());
        let at = site.map_or(String::new(), |site| format!(" at:\n{site}"));
        Error::new(ErrorKind::InvalidRequest, format!("connection is already checked out{at}"))
    }

    fn give_back(&self, grant: Grant) {
        let grant = match grant {
            Grant::Link(link) if !link.is_sound() => Grant::Place,
            grant => grant,
        };
        let Err(grant) = self.hand_over(grant) else { return };
        match grant {
            Grant::Link(link) if !self.disposed.get() && self.idle.borrow().len() < self.rules.keep => {
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
}

/// A connection that is in use; it goes back when dropped.
#[derive(Debug)]
pub(crate) struct Checkout {
    pool: Rc<Pool>,
    link: Option<Link>,
    holder: Rc<Holder>,
}

impl Checkout {
    fn new(pool: &Rc<Pool>, site: &Site) -> Checkout {
        let holder = Rc::new(Holder::new(site.clone()));
        pool.holders.borrow_mut().push(holder.clone());
        Checkout { pool: pool.clone(), link: None, holder }
    }

    pub(crate) fn link(&self) -> Option<&Link> {
        self.link.as_ref()
    }

    pub(crate) fn holder(&self) -> &Rc<Holder> {
        &self.holder
    }

    /// Puts another connection, or none, in its place.
    pub(crate) fn replace(&mut self, link: Option<Link>) {
        self.link = link;
        self.tell_site();
    }

    /// Lets the channel know where the connection was taken, should it hold others up in the worker.
    pub(crate) fn tell_site(&self) {
        if let Some(link) = &self.link {
            let holder = self.holder.clone();
            link.channel.set_site(link.id, Some(Rc::new(move || holder.site().text())));
        }
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        self.pool.holders.borrow_mut().retain(|holder| !Rc::ptr_eq(holder, &self.holder));
        if let Some(link) = &self.link {
            link.channel.set_site(link.id, None);
        }
        self.pool.give_back(self.link.take().map_or(Grant::Place, Grant::Link));
    }
}
