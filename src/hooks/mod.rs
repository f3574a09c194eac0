//! Events around statements and connections: SQLAlchemy's. Those of statements are told to asynchronous functions, which are waited
//! for in the order in which they were registered, and may change what is sent; those of transactions and connections are said.
//!
//! While nobody listens, a call looks at one number.

mod calls;

pub(crate) use calls::watched;
pub use calls::{AfterCursorExecute, AfterExecute, BeforeCursorExecute, BeforeExecute, ErrorContext};

use crate::connection::{Connection, Inner};
use crate::listen::{Listener, Registry};
use crate::{Engine, Result};
use aludel_protocol::Error;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

/// What becomes of a transaction or a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionEventKind {
    /// A transaction begins, be it with a statement.
    Begin,
    /// It is to be committed.
    Commit,
    /// It is to be rolled back, be it by the end of its connection.
    Rollback,
    /// A savepoint of this name is to be made.
    Savepoint(String),
    /// It is to be released.
    ReleaseSavepoint(String),
    /// It is to be rolled back to.
    RollbackSavepoint(String),
    /// A connection was taken out of the pool.
    Checkout,
    /// It is given back.
    Checkin,
    /// It is dropped.
    Invalidate,
}

/// Something becomes of a transaction or a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionEvent {
    /// What.
    pub kind: ConnectionEventKind,
    /// The number of the worker's connection, which others have when it is closed; none where that is lost.
    pub connection: Option<u32>,
}

/// A future of a listener's.
type Told<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Somebody who is told of something that can be changed, or waited for.
trait Tell<E: ?Sized> {
    fn tell<'a>(&'a self, event: &'a mut E) -> Told<'a, Result<()>>;
}

/// Somebody who looks at what was sent.
trait LookAtCursor {
    fn look<'a>(&'a self, event: &'a AfterCursorExecute<'a>) -> Told<'a, Result<()>>;
}

/// Somebody who looks at what was executed.
trait LookAtExecute {
    fn look<'a>(&'a self, event: &'a AfterExecute<'a>) -> Told<'a, Result<()>>;
}

/// Somebody who may put another error in the place of one.
trait Handle {
    fn handle<'a>(&'a self, context: &'a ErrorContext) -> Told<'a, Option<Error>>;
}

/// Somebody who has connections made ready.
trait Greet {
    fn greet<'a>(&'a self, connection: &'a Connection) -> Told<'a, Result<()>>;
}

impl<E, F: AsyncFn(&mut E) -> Result<()>> Tell<E> for F {
    fn tell<'a>(&'a self, event: &'a mut E) -> Told<'a, Result<()>> {
        Box::pin(async move { self(event).await })
    }
}

impl<F: AsyncFn(&AfterCursorExecute<'_>) -> Result<()>> LookAtCursor for F {
    fn look<'a>(&'a self, event: &'a AfterCursorExecute<'a>) -> Told<'a, Result<()>> {
        Box::pin(async move { self(event).await })
    }
}

impl<F: AsyncFn(&AfterExecute<'_>) -> Result<()>> LookAtExecute for F {
    fn look<'a>(&'a self, event: &'a AfterExecute<'a>) -> Told<'a, Result<()>> {
        Box::pin(async move { self(event).await })
    }
}

impl<F: AsyncFn(&ErrorContext) -> Option<Error>> Handle for F {
    fn handle<'a>(&'a self, context: &'a ErrorContext) -> Told<'a, Option<Error>> {
        Box::pin(async move { self(context).await })
    }
}

impl<F: AsyncFn(&Connection) -> Result<()>> Greet for F {
    fn greet<'a>(&'a self, connection: &'a Connection) -> Told<'a, Result<()>> {
        Box::pin(async move { self(connection).await })
    }
}

/// Who listens, and to what.
#[derive(Clone)]
enum Hook {
    BeforeExecute(Rc<dyn Tell<BeforeExecute>>),
    BeforeCursor(Rc<dyn Tell<BeforeCursorExecute>>),
    AfterCursor(Rc<dyn LookAtCursor>),
    AfterExecute(Rc<dyn LookAtExecute>),
    Error(Rc<dyn Handle>),
    Connect(Rc<dyn Greet>),
    Connection(Rc<dyn Fn(&ConnectionEvent)>),
}

struct Entry {
    id: u64,
    once: bool,
    hook: Hook,
}

/// Who listens to the statements and connections of an engine.
#[derive(Default)]
pub(crate) struct Hooks {
    entries: RefCell<Vec<Entry>>,
    next: Cell<u64>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("listeners", &self.entries.borrow().len()).finish_non_exhaustive()
    }
}

impl Registry for Hooks {
    fn remove(self: Rc<Self>, id: u64) {
        let at = self.entries.borrow().iter().position(|entry| entry.id == id);
        // What it owns is dropped when nothing is borrowed any more.
        let _entry = at.map(|at| self.entries.borrow_mut().remove(at));
    }

    fn once(&self, id: u64) {
        self.entries.borrow_mut().iter_mut().filter(|entry| entry.id == id).for_each(|entry| entry.once = true);
    }
}

impl Hooks {
    fn add(self: &Rc<Hooks>, hook: Hook) -> Listener {
        let id = self.next.replace(self.next.get() + 1);
        self.entries.borrow_mut().push(Entry { id, once: false, hook });
        let registry: Rc<dyn Registry> = self.clone();
        Listener::new(&registry, id)
    }

    /// Whether anybody listens.
    pub(crate) fn is_active(&self) -> bool {
        !self.entries.borrow().is_empty()
    }

    /// Forgets all listeners.
    pub(crate) fn clear(&self) {
        let entries = self.entries.take();
        drop(entries);
    }

    /// Those who are to be told now, in the order in which they were registered. Those who listen once are told no more.
    fn all<T>(&self, pick: impl Fn(&Hook) -> Option<T>) -> Vec<T> {
        let mut picked = Vec::new();
        let mut over = Vec::new();
        let mut entries = self.entries.borrow_mut();
        let mut at = 0;
        while let Some(entry) = entries.get(at) {
            let found = pick(&entry.hook);
            let ends = found.is_some() && entry.once;
            picked.extend(found);
            if ends {
                over.push(entries.remove(at));
            } else {
                at += 1;
            }
        }
        drop(entries);
        picked
    }

    /// Whether connections are to be told of.
    pub(crate) fn wants_connections(&self) -> bool {
        let entries = self.entries.borrow();
        entries.iter().any(|entry| matches!(entry.hook, Hook::Connect(_) | Hook::Connection(_)))
    }

    /// Tells of a connection.
    pub(crate) fn tell(&self, kind: impl FnOnce() -> ConnectionEventKind, connection: impl FnOnce() -> Option<u32>) {
        if !self.is_active() {
            return;
        }
        let hooks = self.all(|hook| match hook {
            Hook::Connection(tell) => Some(tell.clone()),
            _ => None,
        });
        if !hooks.is_empty() {
            let event = ConnectionEvent { kind: kind(), connection: connection() };
            hooks.iter().for_each(|tell| tell(&event));
        }
    }

    /// Has a connection made ready that nobody had before, and commits what was done for it. One that cannot be is dropped.
    pub(crate) async fn greet(&self, inner: &Rc<Inner>) -> Result<()> {
        let hooks = self.all(|hook| match hook {
            Hook::Connect(greet) => Some(greet.clone()),
            _ => None,
        });
        if hooks.is_empty() {
            return Ok(());
        }
        let mut greeted = Greeted { inner, is_ready: false };
        let connection = Connection::of(inner.clone());
        for hook in hooks {
            hook.greet(&connection).await?;
        }
        connection.commit().await?;
        greeted.is_ready = true;
        Ok(())
    }
}

/// A connection that is made ready. Where that fails, or is broken off, it is dropped: nobody would make it ready again.
struct Greeted<'a> {
    inner: &'a Inner,
    is_ready: bool,
}

impl Drop for Greeted<'_> {
    fn drop(&mut self) {
        if !self.is_ready {
            // What the listener failed with is what matters.
            let _ = self.inner.invalidate();
        }
    }
}

impl Engine {
    /// Has `f` told of each statement before it is compiled: it may put another statement, or other parameters, in the place of those
    /// that were given. An error that it gives, the call fails with, and nothing is sent. Not of SQL for the driver
    /// (`exec_driver_sql`), nor of what functions within the worker execute.
    pub fn on_before_execute(&self, f: impl AsyncFn(&mut BeforeExecute) -> Result<()> + 'static) -> Listener {
        self.hooks().add(Hook::BeforeExecute(Rc::new(f)))
    }

    /// Has `f` told of each statement that was executed, with its result.
    pub fn on_after_execute(&self, f: impl AsyncFn(&AfterExecute<'_>) -> Result<()> + 'static) -> Listener {
        self.hooks().add(Hook::AfterExecute(Rc::new(f)))
    }

    /// Has `f` told of the SQL that is to be sent, and of its parameters: both may be changed.
    pub fn on_before_cursor_execute(
        &self,
        f: impl AsyncFn(&mut BeforeCursorExecute) -> Result<()> + 'static,
    ) -> Listener {
        self.hooks().add(Hook::BeforeCursor(Rc::new(f)))
    }

    /// Has `f` told when the worker has answered; of a stream, with its first rows.
    pub fn on_after_cursor_execute(
        &self,
        f: impl AsyncFn(&AfterCursorExecute<'_>) -> Result<()> + 'static,
    ) -> Listener {
        self.hooks().add(Hook::AfterCursor(Rc::new(f)))
    }

    /// Has `f` told of each statement that fails: an error that it gives takes the place of the error. Not of what listeners fail
    /// with, and not of further rows of a stream.
    pub fn on_handle_error(&self, f: impl AsyncFn(&ErrorContext) -> Option<Error> + 'static) -> Listener {
        self.hooks().add(Hook::Error(Rc::new(f)))
    }

    /// Has `f` make connections ready that nobody had before, when they are first taken from the pool: what it has done is committed.
    /// If it fails, the connection is dropped, and the call fails. As long as somebody listens, [`Engine::execute`] begins and commits as
    /// others do: what SQLite does in no transaction, like `VACUUM`, needs a connection with [`IsolationLevel::Autocommit`] then.
    ///
    /// [`IsolationLevel::Autocommit`]: crate::IsolationLevel::Autocommit
    pub fn on_connect(&self, f: impl AsyncFn(&Connection) -> Result<()> + 'static) -> Listener {
        self.hooks().add(Hook::Connect(Rc::new(f)))
    }

    /// Tells `f` what becomes of transactions and connections. [`Engine::execute`] is a transaction by itself, of which nothing is
    /// told unless somebody listens to this: then it is one as others are.
    pub fn on_connection_event(&self, f: impl Fn(&ConnectionEvent) + 'static) -> Listener {
        self.hooks().add(Hook::Connection(Rc::new(f)))
    }
}
