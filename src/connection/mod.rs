//! A connection: one transaction at a time, and the statements in it.

mod execute;
mod import;
mod inner;
mod procedure;
mod transactions;

pub(crate) use execute::{Call, Known, Take};
pub use import::RawImport;
pub(crate) use inner::Inner;
pub use procedure::RawProcedure;

use crate::engine::Engine;
use crate::executable::{Compiled, Executable, Params};
use crate::execution::ExecutionOptions;
use crate::hooks::watched;
use crate::limit::CallOptions;
use crate::options::IsolationLevel;
use crate::raw::{RawCall, RawStream};
use crate::result_set::{Core, ResultSet, RowStream, ScalarResult, ScalarStream};
use crate::row::FromValue;
use crate::transaction::Transaction;
use aludel_protocol::{BeginMode, Result};
use std::rc::Rc;

/// A connection of an engine. It begins a transaction with the first statement (autobegin); what was not committed
/// is rolled back when it is closed or dropped.
///
/// Calls on one connection run in the order in which they were first polled.
#[derive(Debug)]
pub struct Connection {
    inner: Rc<Inner>,
}

impl Connection {
    pub(crate) fn of(inner: Rc<Inner>) -> Connection {
        Connection { inner }
    }

    pub(crate) fn inner(&self) -> &Rc<Inner> {
        &self.inner
    }

    /// Runs a statement; all its rows come back in one reply. A list of parameter sets ([`many`](crate::many)) runs it
    /// once for each, in one message.
    pub async fn execute(&self, statement: &impl Executable, params: impl Into<Params>) -> Result<ResultSet> {
        self.execute_with(statement, params, &CallOptions::new()).await
    }

    /// As [`Connection::execute`], within limits.
    pub async fn execute_with(
        &self,
        statement: &impl Executable,
        params: impl Into<Params>,
        options: &CallOptions,
    ) -> Result<ResultSet> {
        self.execute_after(statement, params, options, async |_| Ok(())).await
    }

    /// The same. `before` is called with the SQL as the listeners leave it, before that is sent.
    pub(crate) async fn execute_after(
        &self,
        statement: &impl Executable,
        params: impl Into<Params>,
        options: &CallOptions,
        before: impl AsyncFnOnce(&str) -> Result<()>,
    ) -> Result<ResultSet> {
        let statement = (statement.compile(), false);
        let result = watched(self.engine(), Some(&self.inner), statement, params.into(), async |call| {
            before(call.sql()).await?;
            let known = call.known();
            ResultSet::gather(known, async |take| self.inner.execute(call, options, take).await).await
        });
        let result = result.await?;
        Ok(result.with_yield_per(options.yield_per.or(self.inner.yield_per())))
    }

    /// Runs SQL as it is, with parameters by position (`?`) or by name; nothing in it is replaced.
    pub async fn exec_driver_sql(&self, sql: &str, params: impl Into<Params>) -> Result<ResultSet> {
        let statement = (Compiled::verbatim(sql), true);
        let options = CallOptions::new();
        let result = watched(self.engine(), Some(&self.inner), statement, params.into(), async |call| {
            ResultSet::gather(None, async |take| self.inner.execute(call, &options, take).await).await
        });
        let result = result.await?;
        Ok(result.with_yield_per(self.inner.yield_per()))
    }

    /// The first column of the first row, or `None` when there is no row.
    pub async fn scalar<T: FromValue>(
        &self,
        statement: &impl Executable,
        params: impl Into<Params>,
    ) -> Result<Option<T>> {
        self.execute(statement, params).await?.scalar()
    }

    /// The first column of all rows.
    pub async fn scalars(&self, statement: &impl Executable, params: impl Into<Params>) -> Result<ScalarResult> {
        self.execute(statement, params).await?.scalars(0)
    }

    /// Runs a statement whose rows come while they are taken: at most a few batches of them are in memory. The stream
    /// ends with its transaction.
    pub async fn stream(&self, statement: &impl Executable, params: impl Into<Params>) -> Result<RowStream> {
        self.stream_with(statement, params, &CallOptions::new()).await
    }

    /// As [`Connection::stream`], within limits; [`CallOptions::yield_per`] says how many rows come at a time.
    pub async fn stream_with(
        &self,
        statement: &impl Executable,
        params: impl Into<Params>,
        options: &CallOptions,
    ) -> Result<RowStream> {
        let statement = (statement.compile(), false);
        let stream = watched(self.engine(), Some(&self.inner), statement, params.into(), async |call| {
            let stream = self.inner.stream(call, options).await?;
            Ok(RowStream::new(Core::streamed(stream, options.yield_per.or(self.inner.yield_per()))))
        });
        stream.await
    }

    /// As [`Connection::stream`], for the first column of each row.
    pub async fn stream_scalars(&self, statement: &impl Executable, params: impl Into<Params>) -> Result<ScalarStream> {
        self.stream(statement, params).await?.scalars(0)
    }

    /// Calls a procedure of the worker's, and gives what it returned or threw, in bytes.
    #[doc(hidden)]
    pub async fn call_raw(&self, call: RawProcedure<'_>, options: &CallOptions) -> Result<Vec<u8>> {
        self.inner.call(call, options).await
    }

    /// Begins a transaction; an error if one is open, also by autobegin. The BEGIN travels with the first statement.
    pub async fn begin(&self) -> Result<Transaction> {
        self.begin_with(BeginMode::Auto).await
    }

    /// As [`Connection::begin`], with this BEGIN. [`BeginMode::Auto`] is IMMEDIATE if the first statement writes.
    pub async fn begin_with(&self, mode: BeginMode) -> Result<Transaction> {
        let state = self.inner.begin(mode).await?;
        Ok(Transaction::new(&self.inner, state, true))
    }

    /// Begins a savepoint inside the transaction, which is begun first when there is none.
    pub async fn begin_nested(&self) -> Result<Transaction> {
        let state = self.inner.begin_nested().await?;
        Ok(Transaction::new(&self.inner, state, true))
    }

    /// Runs `f` in a transaction: committed when it gives `Ok`, else rolled back.
    pub async fn transaction<T>(&self, f: impl AsyncFnOnce(&Connection) -> Result<T>) -> Result<T> {
        let transaction = self.begin().await?;
        self.run_block(&transaction, f).await
    }

    /// Runs `f` in a savepoint: released when it gives `Ok`, else rolled back to.
    pub async fn savepoint<T>(&self, f: impl AsyncFnOnce(&Connection) -> Result<T>) -> Result<T> {
        let transaction = self.begin_nested().await?;
        self.run_block(&transaction, f).await
    }

    pub(crate) async fn run_block<T>(
        &self,
        transaction: &Transaction,
        f: impl AsyncFnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let outer = self.enter_block(transaction);
        let result = f(self).await;
        let ended = self.leave_block(transaction, outer, result.is_ok()).await;
        let value = result?;
        ended.map(|()| value)
    }

    /// From here on, statements on this connection are errors once `transaction` has ended. Gives what
    /// [`Connection::leave_block`] wants.
    #[doc(hidden)]
    pub fn enter_block(&self, transaction: &Transaction) -> OuterBlock {
        OuterBlock(self.inner.set_block(Some(transaction.state().clone())))
    }

    /// Ends a block: commits if all went well and the transaction is active, else rolls back.
    #[doc(hidden)]
    pub async fn leave_block(&self, transaction: &Transaction, outer: OuterBlock, well: bool) -> Result<()> {
        self.inner.set_block(outer.0);
        if !well {
            return transaction.rollback().await;
        }
        if !transaction.is_active() && !self.inner.is_attached(transaction.state()) {
            // It was ended inside the block.
            return Ok(());
        }
        let committed = transaction.commit().await;
        if committed.is_err() {
            // The error of the commit is the one that matters.
            let _ = transaction.rollback().await;
        }
        committed
    }

    /// Commits the transaction that is open; does nothing when none is.
    pub async fn commit(&self) -> Result<()> {
        self.inner.commit_root().await
    }

    /// Rolls back the transaction that is open; does nothing when none is.
    pub async fn rollback(&self) -> Result<()> {
        self.inner.roll_back_root().await
    }

    /// Gives the connection back; what was not committed is rolled back. Closing again does nothing.
    pub async fn close(&self) -> Result<()> {
        self.inner.root().map_or(Ok(()), |root| root.may_end())?;
        self.inner.close_in_turn().await;
        Ok(())
    }

    /// Whether it was closed.
    pub fn closed(&self) -> bool {
        self.inner.is_ending()
    }

    /// Whether its worker is gone, or [`Connection::invalidate`] was called. Its next use connects again, unless a
    /// transaction was open: that must be rolled back first.
    pub fn invalidated(&self) -> bool {
        self.inner.is_invalidated()
    }

    /// Drops the worker's connection. See [`Connection::invalidated`].
    pub async fn invalidate(&self) -> Result<()> {
        self.inner.invalidate()
    }

    /// Whether nobody had the worker's connection before: what is to be done once with each may be done then. When another
    /// host is found, it opens those of the pool anew, and they are new to whoever has them next.
    pub fn is_new(&self) -> bool {
        self.inner.is_new()
    }

    /// Whether a transaction is open, by `begin()` or autobegin.
    pub fn in_transaction(&self) -> bool {
        self.inner.root().is_some_and(|root| root.active.get())
    }

    /// Whether SQLite has begun the transaction, as far as is known: that of `begin()` rides with its first statement, and where
    /// each statement is a transaction, there is none between two of them.
    #[doc(hidden)]
    pub fn has_begun(&self) -> bool {
        self.in_transaction() && self.inner.traffic().in_transaction.get()
    }

    /// Whether a savepoint is open.
    pub fn in_nested_transaction(&self) -> bool {
        self.inner.innermost().is_some_and(|nested| nested.active.get())
    }

    /// The transaction that is open. Dropping this handle does not end it.
    pub fn get_transaction(&self) -> Option<Transaction> {
        Some(Transaction::new(&self.inner, self.inner.root()?, false))
    }

    /// The innermost savepoint that is open. Dropping this handle does not end it.
    pub fn get_nested_transaction(&self) -> Option<Transaction> {
        Some(Transaction::new(&self.inner, self.inner.innermost()?, false))
    }

    /// The isolation level.
    pub fn get_isolation_level(&self) -> IsolationLevel {
        self.inner.isolation()
    }

    /// The isolation level of SQLite itself, [`IsolationLevel::Serializable`], whatever the engine's option says.
    pub fn default_isolation_level(&self) -> IsolationLevel {
        IsolationLevel::Serializable
    }

    /// Sets the isolation level of this connection until it is closed; an error while a transaction is open.
    pub fn set_isolation_level(&self, level: IsolationLevel) -> Result<()> {
        self.inner.set_isolation(level)
    }

    /// Sets options for what follows on this connection until it is closed. The isolation level changes between transactions only.
    pub fn execution_options(&self, options: &ExecutionOptions) -> Result<()> {
        self.inner.set_execution(options)
    }

    /// The options that hold on this connection.
    pub fn get_execution_options(&self) -> ExecutionOptions {
        self.inner.execution()
    }

    /// Something that the program keeps with the connection for as long as the pool keeps it: made by the first user who
    /// asks for it, and found by those who get the connection later. An error if another type is kept with it.
    pub fn info<T: Clone + 'static>(&self, make: impl FnOnce() -> T) -> Result<T> {
        self.inner.info(make)
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        self.inner.engine()
    }

    /// As [`Connection::execute`], for parameters that are encoded already; the rows stay encoded, too.
    #[doc(hidden)]
    pub async fn execute_raw(&self, call: RawCall, options: &CallOptions, take: Take<'_>) -> Result<()> {
        self.inner.execute(Call::encoded(call), options, take).await
    }

    /// As [`Connection::stream`], for parameters that are encoded already; the rows stay encoded, too.
    #[doc(hidden)]
    pub async fn stream_raw(&self, call: RawCall, options: &CallOptions) -> Result<RawStream> {
        self.inner.stream(Call::encoded(call), options).await
    }
}

/// The block around a block; see [`Connection::enter_block`].
#[doc(hidden)]
#[derive(Debug)]
pub struct OuterBlock(Option<Rc<crate::transaction::TxState>>);
