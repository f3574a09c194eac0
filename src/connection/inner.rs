//! What a connection knows of itself.

use crate::engine::Engine;
use crate::execution::{ExecutionOptions, with_token};
use crate::gate::Gate;
use crate::hooks::ConnectionEventKind;
use crate::options::IsolationLevel;
use crate::pool::{Checkout, Holder, Link, ResetOnReturn};
use crate::raw::StreamState;
use crate::transaction::TxState;
use crate::transport::{ChannelUse, Watch};
use aludel_protocol::{Error, ErrorKind, RepeatClass, Request, Result};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

/// The requests of a connection that were not answered yet.
#[derive(Debug)]
pub(super) struct Traffic {
    in_flight: Cell<usize>,
    /// Is told of the same requests, for those who wait for the connection.
    holder: Rc<Holder>,
    /// Whether a transaction was open after the last reply.
    pub in_transaction: Cell<bool>,
    /// Whether the worker has ended a transaction by itself.
    lost: Cell<bool>,
    wakers: RefCell<Vec<Waker>>,
}

impl Traffic {
    fn new(holder: &Rc<Holder>) -> Rc<Traffic> {
        Rc::new(Traffic {
            in_flight: Cell::new(0),
            holder: holder.clone(),
            in_transaction: Cell::new(false),
            lost: Cell::new(false),
            wakers: RefCell::default(),
        })
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.in_flight.get() == 0
    }

    /// Watches one request, which may belong to a transaction.
    pub(super) fn watch(self: &Rc<Traffic>, transaction: Option<Rc<TxState>>) -> Watch {
        self.in_flight.set(self.in_flight.get() + 1);
        self.holder.sent();
        let traffic = self.clone();
        Box::new(move |progress| {
            if let Some(open) = progress.in_transaction {
                let was_open = traffic.in_transaction.replace(open);
                // It refuses everything then, until it is told that the end is known.
                traffic.lost.set(progress.failed && (traffic.lost.get() || was_open && !open));
                if let Some(transaction) = &transaction {
                    if open {
                        transaction.begun.set(true);
                    } else if transaction.begun.get() {
                        // SQLite ended it: an interrupted write, a full disk, ON CONFLICT ROLLBACK.
                        transaction.active.set(false);
                    }
                }
            }
            if !progress.first {
                traffic.holder.answered_again();
            } else {
                traffic.holder.answered();
                traffic.in_flight.set(traffic.in_flight.get() - 1);
                if traffic.is_quiet() {
                    traffic.wakers.take().into_iter().for_each(Waker::wake);
                }
            }
        })
    }
}

/// The state of a connection, shared by its handles.
#[derive(Debug)]
pub(crate) struct Inner {
    engine: Engine,
    checkout: RefCell<Option<Checkout>>,
    closed: Cell<bool>,
    /// How many wait to close it after the calls that were made before.
    closing: Cell<usize>,
    /// How many calls wait until their parameters are encoded.
    encoding: Cell<usize>,
    invalidated: Cell<bool>,
    is_new: bool,
    pub(super) root: RefCell<Option<Rc<TxState>>>,
    pub(super) nested: RefCell<Vec<Rc<TxState>>>,
    savepoints: Cell<u32>,
    isolation: Cell<IsolationLevel>,
    /// The other options of its statements.
    execution: RefCell<ExecutionOptions>,
    /// One call at a time decides and sends; the replies may come later.
    pub(super) gate: Rc<Gate>,
    traffic: RefCell<Rc<Traffic>>,
    streams: RefCell<Vec<Weak<StreamState>>>,
    block: RefCell<Option<Rc<TxState>>>,
}

impl Inner {
    pub(crate) fn new(engine: Engine, checkout: Checkout) -> Rc<Inner> {
        let execution = engine.get_execution_options();
        let isolation = execution.isolation_level.unwrap_or(engine.options().isolation_level);
        let traffic = RefCell::new(Traffic::new(checkout.holder()));
        // Another host opens it anew, under the number that it had, and without what was done to it.
        let is_new = checkout.link().is_some_and(|link| {
            let host = Some(link.channel.host_number());
            link.used.replace(host) != host
        });
        Rc::new(Inner {
            engine,
            checkout: RefCell::new(Some(checkout)),
            closed: Cell::new(false),
            closing: Cell::new(0),
            encoding: Cell::new(0),
            invalidated: Cell::new(false),
            is_new,
            root: RefCell::default(),
            nested: RefCell::default(),
            savepoints: Cell::new(0),
            isolation: Cell::new(isolation),
            execution: RefCell::new(execution),
            gate: Rc::default(),
            traffic,
            streams: RefCell::default(),
            block: RefCell::default(),
        })
    }

    /// Whether nobody had the worker's connection before, since its host opened it.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Whether it is closed, or will be after the calls that were made before.
    pub(crate) fn is_ending(&self) -> bool {
        self.closed.get() || self.closing.get() > 0
    }

    /// A call waits until its parameters are encoded, as long as the guard lives.
    pub(super) fn encoding(&self) -> impl Drop {
        Counted::one_more(&self.encoding)
    }

    pub(crate) fn is_invalidated(&self) -> bool {
        !self.closed.get() && (self.invalidated.get() || self.link(|link| !link.channel.has(link.id)).unwrap_or(false))
    }

    pub(crate) fn isolation(&self) -> IsolationLevel {
        self.isolation.get()
    }

    pub(crate) fn set_isolation(&self, level: IsolationLevel) -> Result<()> {
        if self.root.borrow().is_some() && level != self.isolation.get() {
            let message = "This connection has already initialized a SQLAlchemy Transaction() object via begin() or \
                           autobegin; isolation_level may not be altered unless rollback() or commit() is called first.";
            return Err(invalid(message));
        }
        self.isolation.set(level);
        Ok(())
    }

    pub(crate) fn set_execution(&self, options: &ExecutionOptions) -> Result<()> {
        let all = self.execution.borrow().with(options)?;
        if let Some(level) = options.isolation_level {
            self.set_isolation(level)?;
        }
        self.execution.replace(all);
        Ok(())
    }

    pub(crate) fn execution(&self) -> ExecutionOptions {
        ExecutionOptions { isolation_level: Some(self.isolation.get()), ..self.execution.borrow().clone() }
    }

    pub(super) fn yield_per(&self) -> Option<usize> {
        self.execution.borrow().yield_per
    }

    pub(super) fn logging_token(&self) -> Option<Rc<str>> {
        self.execution.borrow().logging_token.clone()
    }

    pub(super) fn log(&self, message: impl FnOnce() -> String) {
        self.engine.log(|| with_token(self.logging_token().as_deref(), message()));
    }

    /// Tells those who listen what becomes of it.
    pub(crate) fn tell(&self, kind: impl FnOnce() -> ConnectionEventKind) {
        self.engine.hooks().tell(kind, || self.link(|link| link.id));
    }

    pub(super) fn is_autocommit(&self) -> bool {
        self.isolation.get() == IsolationLevel::Autocommit
    }

    pub(super) fn traffic(&self) -> Rc<Traffic> {
        self.traffic.borrow().clone()
    }

    pub(crate) fn root(&self) -> Option<Rc<TxState>> {
        self.root.borrow().clone()
    }

    pub(crate) fn innermost(&self) -> Option<Rc<TxState>> {
        self.nested.borrow().last().cloned()
    }

    pub(super) fn new_savepoint(&self) -> String {
        self.savepoints.set(self.savepoints.get() + 1);
        format!("sa_savepoint_{}", self.savepoints.get())
    }

    pub(crate) fn set_block(&self, block: Option<Rc<TxState>>) -> Option<Rc<TxState>> {
        self.block.replace(block)
    }

    /// Whether the connection still holds the transaction, be it active or not.
    pub(crate) fn is_attached(&self, state: &Rc<TxState>) -> bool {
        self.root.borrow().iter().chain(self.nested.borrow().iter()).any(|other| Rc::ptr_eq(other, state))
    }

    /// Looks at the worker's connection, if there is one.
    fn link<T>(&self, look: impl FnOnce(&Link) -> T) -> Option<T> {
        self.checkout.borrow().as_ref().and_then(Checkout::link).map(look)
    }

    /// What is kept with the worker's connection for all who use it; made by the first who asks for it.
    pub(crate) fn info<T: Clone + 'static>(&self, make: impl FnOnce() -> T) -> Result<T> {
        let info = self.link(|link| link.info.clone()).ok_or_else(|| {
            let gone = "This connection was invalidated; its next use opens another";
            if self.closed.get() { closed() } else { invalid(gone) }
        })?;
        let kept = info.get_or_init(|| Box::new(make())).downcast_ref::<T>().cloned();
        kept.ok_or_else(|| invalid("Something of another type is kept with this connection"))
    }

    /// The channel and the number of the worker's connection.
    pub(super) fn address(&self) -> Result<(ChannelUse, u32)> {
        self.link(|link| (link.channel.clone(), link.id)).ok_or_else(closed)
    }

    /// An error unless a statement or a savepoint may begin here.
    pub(super) fn check(&self) -> Result<()> {
        if self.closed.get() {
            return Err(closed());
        }
        let block = self.block.borrow().clone();
        if block.is_some_and(|block| !block.active.get() && !self.is_attached(&block)) {
            return Err(invalid(
                "Can't operate on closed transaction inside context manager.  Please complete the context manager \
                 before emitting further commands.",
            ));
        }
        let root_failed = self.root.borrow().as_ref().is_some_and(|root| !root.active.get());
        let nested_failed = self.nested.borrow().last().is_some_and(|nested| !nested.active.get());
        if root_failed || nested_failed { Err(self.pending_rollback()) } else { Ok(()) }
    }

    pub(super) fn pending_rollback(&self) -> Error {
        let savepoint = if self.nested.borrow().is_empty() { "" } else { "savepoint " };
        let message = format!(
            "Can't reconnect until invalid {savepoint}transaction is rolled back.  Please rollback() fully before \
             proceeding"
        );
        Error::new(ErrorKind::PendingRollback, message)
    }

    /// Makes the connection fit for a request: checks its state, and connects again when its worker is gone.
    pub(super) async fn ready(&self) -> Result<()> {
        self.check()?;
        if !self.is_invalidated() {
            return Ok(());
        }
        if self.root.borrow().is_some() {
            return Err(self.pending_rollback());
        }
        let link = self.engine.open().await?;
        let mut checkout = self.checkout.borrow_mut();
        let checkout = checkout.as_mut().ok_or_else(closed)?;
        checkout.replace(Some(link));
        self.invalidated.set(false);
        *self.traffic.borrow_mut() = Traffic::new(checkout.holder());
        Ok(())
    }

    /// Waits until every request was answered at least once.
    pub(super) async fn settled(&self) {
        let traffic = self.traffic();
        let Ok((channel, _)) = self.address() else { return };
        poll_fn(|cx| {
            if traffic.is_quiet() || !channel.is_alive() {
                return Poll::Ready(());
            }
            traffic.wakers.borrow_mut().push(cx.waker().clone());
            channel.drive(cx);
            if traffic.is_quiet() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        channel.rest();
    }

    pub(super) fn add_stream(&self, stream: &Rc<StreamState>) {
        let mut streams = self.streams.borrow_mut();
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Rc::downgrade(stream));
    }

    /// Tells the streams that the worker has closed them. Gives whether there were any.
    pub(super) fn end_streams(&self, reason: &'static str) -> bool {
        let streams: Vec<_> = self.streams.take().iter().filter_map(Weak::upgrade).collect();
        let any = streams.iter().any(|stream| stream.is_open());
        streams.iter().for_each(|stream| stream.closed_by_worker(reason));
        any
    }

    /// Drops the worker's connection; the next use opens another.
    pub(crate) fn invalidate(&self) -> Result<()> {
        if self.closed.get() {
            return Err(closed());
        }
        self.tell(|| ConnectionEventKind::Invalidate);
        self.end_streams("Its connection was invalidated.");
        self.deactivate();
        self.invalidated.set(true);
        if let Some(checkout) = self.checkout.borrow_mut().as_mut() {
            checkout.replace(None);
        }
        Ok(())
    }

    /// Transaction and savepoints become inactive, and stay until they are rolled back.
    fn deactivate(&self) {
        self.root.borrow().iter().chain(self.nested.borrow().iter()).for_each(|state| state.active.set(false));
    }

    /// As [`Inner::close`], after the calls that were made before: those that were sent are before it anyway. Whoever gives up
    /// waiting for them has not closed it.
    pub(crate) async fn close_in_turn(&self) {
        if self.encoding.get() > 0 {
            let _closing = Counted::one_more(&self.closing);
            let _turn = self.gate.enter().await;
            return self.close();
        }
        self.close();
    }

    /// Rolls back, and gives the worker's connection back to the pool, without waiting for either.
    pub(crate) fn close(&self) {
        if self.closed.replace(true) {
            return;
        }
        let root = self.root.take();
        let logged = root.as_ref().is_some_and(|root| root.active.get());
        root.iter().chain(&self.nested.take()).for_each(|state| state.active.set(false));
        let streaming = self.end_streams("Its connection was closed.");
        if logged {
            self.log_rollback();
        }
        self.tell(|| ConnectionEventKind::Checkin);
        let traffic = self.traffic();
        let reset = self.engine.options().pool_reset_on_return == ResetOnReturn::Rollback;
        let dirty = traffic.in_transaction.get() || !traffic.is_quiet();
        // A transaction that the worker has ended by itself is to be acknowledged.
        let failed = root.as_ref().is_some_and(|root| !logged && root.sent.get()) || traffic.lost.get();
        if (failed || streaming || dirty && (reset || root.is_some()))
            && let Some((channel, id, broken)) = self
                .link(|link| (link.channel.clone(), link.id, link.broken.clone()))
                .filter(|(channel, ..)| channel.is_alive())
        {
            // Until the reply is there, the next user's requests wait in line behind this one.
            let watch: Watch = Box::new(move |progress| broken.set(broken.get() || progress.failed));
            channel.request(id, RepeatClass::Safe, &Request::Reset, Some(watch)).detach();
        }
        self.checkout.take();
    }
}

/// One of those who are counted, as long as it lives.
struct Counted<'a>(&'a Cell<usize>);

impl Counted<'_> {
    fn one_more(count: &Cell<usize>) -> Counted<'_> {
        count.set(count.get() + 1);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::ResourceClosed, "This Connection is closed")
}

pub(super) fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
}
