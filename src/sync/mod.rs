//! Work inside the worker: functions that are given a connection whose calls are done when they return.

mod functions;
#[cfg(all(feature = "embedded", not(target_arch = "wasm32")))]
mod host;
#[cfg(not(all(feature = "embedded", not(target_arch = "wasm32"))))]
#[path = "absent.rs"]
mod host;

#[cfg(all(feature = "embedded", not(target_arch = "wasm32")))]
pub(crate) use host::find;

pub use functions::{Aggregate, FunctionOptions, WindowFunction};

use crate::connection::{Call, RawProcedure};
use crate::engine::Engine;
use crate::executable::{Compiled, Executable, Params};
use crate::limit::CallOptions;
use crate::result_set::{ResultSet, ScalarResult};
use crate::row::FromValue;
use crate::{Connection, Result};
use aludel_protocol::{Error, ErrorKind};
use functions::{Begin, Collation, Scalar};
use std::cell::RefCell;
use std::rc::Rc;

/// The module of what is no module, but a function of this program.
const CLOSURE: &str = "closure:";

/// What a procedure reaches the connection by.
pub(crate) trait Door {
    fn execute(&mut self, sql: &str, parameters: Option<Vec<u8>>, many: bool) -> Result<Vec<Vec<u8>>>;
    fn in_transaction(&self) -> bool;
    fn begin(&mut self) -> Result<()>;
    fn commit(&mut self) -> Result<()>;
    fn roll_back(&mut self) -> Result<()>;
    fn savepoint(&mut self) -> Result<String>;
    fn release(&mut self, name: &str) -> Result<()>;
    fn roll_back_to(&mut self, name: &str) -> Result<()>;
    fn create_function(&mut self, name: &str, options: FunctionOptions, call: Scalar) -> Result<()>;
    fn create_aggregate(&mut self, name: &str, options: FunctionOptions, windows: bool, begin: Begin) -> Result<()>;
    fn create_collation(&mut self, name: &str, compare: Collation) -> Result<()>;
}

/// A function on its way to where the worker calls it.
type Work = Box<dyn FnOnce(&mut dyn Door)>;

/// A connection inside the worker, for as long as a function runs that [`Connection::run_sync`] was given: nothing is awaited,
/// and any number of statements is one message. Transactions are those of the connection; a savepoint that is left open is
/// rolled back.
pub struct SyncConnection<'a> {
    door: &'a mut dyn Door,
    engine: Engine,
}

impl std::fmt::Debug for SyncConnection<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SyncConnection").field("in_transaction", &self.in_transaction()).finish_non_exhaustive()
    }
}

impl SyncConnection<'_> {
    /// Runs a statement; a list of parameter sets ([`many`](crate::many)) runs it once for each.
    pub fn execute(&mut self, statement: &impl Executable, params: impl Into<Params>) -> Result<ResultSet> {
        Call::new(&self.engine, statement.compile()?, params.into())?.run(&self.engine, self.door)
    }

    /// Runs SQL as it is, with parameters by position (`?`) or by name; nothing in it is replaced.
    pub fn exec_driver_sql(&mut self, sql: &str, params: impl Into<Params>) -> Result<ResultSet> {
        Call::new(&self.engine, Compiled::verbatim(sql)?, params.into())?.run(&self.engine, self.door)
    }

    /// The first column of the first row, or `None` when there is no row.
    pub fn scalar<T: FromValue>(
        &mut self,
        statement: &impl Executable,
        params: impl Into<Params>,
    ) -> Result<Option<T>> {
        self.execute(statement, params)?.scalar()
    }

    /// The first column of all rows.
    pub fn scalars(&mut self, statement: &impl Executable, params: impl Into<Params>) -> Result<ScalarResult> {
        self.execute(statement, params)?.scalars(0)
    }

    /// Begins a transaction; an error if one is open, also by a statement.
    pub fn begin(&mut self) -> Result<()> {
        self.door.begin()
    }

    /// Commits; does nothing if no transaction is open.
    pub fn commit(&mut self) -> Result<()> {
        self.door.commit()
    }

    /// Rolls back; does nothing if no transaction is open.
    pub fn rollback(&mut self) -> Result<()> {
        self.door.roll_back()
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        self.door.in_transaction()
    }

    /// Runs `f` in a transaction: committed when it gives `Ok`, else rolled back.
    pub fn transaction<T>(&mut self, f: impl FnOnce(&mut SyncConnection<'_>) -> Result<T>) -> Result<T> {
        self.door.begin()?;
        match f(self) {
            Ok(value) => match self.door.commit() {
                Ok(()) => Ok(value),
                Err(error) => {
                    // The error of the commit is the one that matters.
                    let _ = self.door.roll_back();
                    Err(error)
                }
            },
            Err(error) => {
                // What the function says matters more.
                let _ = self.door.roll_back();
                Err(error)
            }
        }
    }

    /// Runs `f` in a savepoint: released when it gives `Ok`, else rolled back to.
    pub fn savepoint<T>(&mut self, f: impl FnOnce(&mut SyncConnection<'_>) -> Result<T>) -> Result<T> {
        let name = self.door.savepoint()?;
        match f(self) {
            Ok(value) => match self.door.release(&name) {
                Ok(()) => Ok(value),
                Err(error) => {
                    // As above.
                    let _ = self.door.roll_back_to(&name);
                    Err(error)
                }
            },
            Err(error) => {
                // As above.
                let _ = self.door.roll_back_to(&name);
                Err(error)
            }
        }
    }
}

/// The engine inside the worker, for as long as a function runs that [`Engine::run_in_worker`] was given. It has one
/// connection, which is used by one function after the other.
#[derive(Debug)]
pub struct SyncEngine<'a>(SyncConnection<'a>);

impl SyncEngine<'_> {
    /// Runs `f` with the connection, and rolls back what it has not committed.
    pub fn connect<T>(&mut self, f: impl FnOnce(&mut SyncConnection<'_>) -> Result<T>) -> Result<T> {
        let value = f(&mut self.0);
        let ended = self.0.rollback();
        let value = value?;
        ended.map(|()| value)
    }

    /// Runs `f` in a transaction: committed when it gives `Ok`, else rolled back.
    pub fn begin<T>(&mut self, f: impl FnOnce(&mut SyncConnection<'_>) -> Result<T>) -> Result<T> {
        self.0.transaction(f)
    }
}

impl Connection {
    /// Has `f` called where SQLite is, with this very connection: any number of statements in one message, in the
    /// connection's transaction, and nothing is awaited. It runs when no other connection writes, and nobody else does anything
    /// until it returns.
    ///
    /// Functions go nowhere but within the process: with a worker in a browser, this is an error of kind
    /// [`ErrorKind::NotSupported`].
    pub async fn run_sync<T: 'static>(
        &self,
        f: impl FnOnce(&mut SyncConnection<'_>) -> Result<T> + 'static,
    ) -> Result<T> {
        self.run_sync_with(f, &CallOptions::new()).await
    }

    /// As [`Connection::run_sync`], within limits: the timeout holds until it begins and for each of its statements. Cancelling ends
    /// the wait at any time; a function that has begun does not hear it, and runs to its end.
    pub async fn run_sync_with<T: 'static>(
        &self,
        f: impl FnOnce(&mut SyncConnection<'_>) -> Result<T> + 'static,
        options: &CallOptions,
    ) -> Result<T> {
        let (engine, returned) = (self.engine().clone(), Rc::new(RefCell::new(None)));
        let slot = returned.clone();
        let offer = host::offer(Box::new(move |door| {
            *slot.borrow_mut() = Some(f(&mut SyncConnection { door, engine }));
        }))?;
        let export = offer.id().to_string();
        let call = RawProcedure { module: CLOSURE, export: &export, arguments: &[], read_only: false, engine: false };
        self.call_raw(call, options).await?;
        let returned = returned.take();
        returned.unwrap_or_else(|| Err(Error::new(ErrorKind::Procedure, "the function was not called")))
    }

    /// As [`Connection::run_sync`]: sqlalchemy_aio's name of it.
    pub async fn run_in_worker<T: 'static>(
        &self,
        f: impl FnOnce(&mut SyncConnection<'_>) -> Result<T> + 'static,
    ) -> Result<T> {
        self.run_sync(f).await
    }
}

impl Engine {
    /// Has `f` called where SQLite is, with an engine whose calls are done when they return. See [`Connection::run_sync`].
    pub async fn run_in_worker<T: 'static>(
        &self,
        f: impl FnOnce(&mut SyncEngine<'_>) -> Result<T> + 'static,
    ) -> Result<T> {
        let conn = self.connect().await?;
        let outcome = conn
            .run_sync(|connection| {
                let SyncConnection { door, engine } = connection;
                f(&mut SyncEngine(SyncConnection { door: &mut **door, engine: engine.clone() }))
            })
            .await;
        conn.close().await?;
        outcome
    }
}
