//! An engine: a database, its worker and its pool of connections.

mod builder;

pub use builder::EngineBuilder;

use crate::connection::{Call, Connection, Inner, Take};
use crate::events::EchoLevel;
use crate::executable::{Executable, Params, text};
use crate::limit::{CallOptions, Clock};
use crate::options::EngineOptions;
use crate::params;
use crate::pool::{Checkout, Link, Pool, PoolStatus};
use crate::raw::RawCall;
use crate::result_set::ResultSet;
use crate::row::FromValue;
use crate::storage::Found;
use crate::transport::{Channel, ChannelUse, RowsFrame, Spawn, files};
use crate::url::{Database, Url};
use aludel_protocol::{
    BeginMode, Error, ErrorKind, OpenOptions, RepeatClass, Request, Result, Storage, StorageReason, Value,
};
use aludel_sql::describe;
use std::cell::{Ref, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

/// How many statements the log remembers, for its `cached since` notes.
const STATEMENTS_NOTED: usize = 500;

/// A database. Clones are the same engine.
///
/// Nothing happens until the first connection is made: then the worker is started. Engines on one file share a worker;
/// each `sqlite://` engine has a database of its own.
#[derive(Clone)]
pub struct Engine(Rc<Shared>);

struct Shared {
    url: Url,
    options: EngineOptions,
    spawn: Option<Rc<dyn Spawn>>,
    pool: RefCell<Rc<Pool>>,
    channel: RefCell<Option<ChannelUse>>,
    /// What the last connection found.
    found: RefCell<Option<Found>>,
    logger: Rc<str>,
    noted: RefCell<HashMap<String, Clock>>,
}

impl fmt::Debug for Engine {
    /// SQLAlchemy's: `Engine(sqlite:///app.db)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({})", self.0.url)
    }
}

impl Engine {
    /// An engine with the default options.
    pub fn new(url: &str) -> Result<Engine> {
        Engine::builder(url).build()
    }

    /// An engine with options.
    pub fn builder(url: &str) -> EngineBuilder {
        EngineBuilder { url: url.to_owned(), options: EngineOptions::default(), spawn: None }
    }

    /// Takes a connection out of the pool, or opens one; waits while all are in use.
    pub async fn connect(&self) -> Result<Connection> {
        self.connect_with(&CallOptions::new()).await
    }

    /// As [`Engine::connect`], within limits.
    pub async fn connect_with(&self, options: &CallOptions) -> Result<Connection> {
        options.start().run(async { Ok(Connection::of(Inner::new(self.clone(), self.checkout().await?))) }).await
    }

    async fn checkout(&self) -> Result<Checkout> {
        let pool = self.0.pool.borrow().clone();
        pool.checkout(|| self.open()).await
    }

    /// Runs `f` on a connection, in a transaction that may write: committed when `f` gives `Ok`, else rolled back. Its
    /// BEGIN IMMEDIATE travels with the first statement.
    pub async fn begin<T>(&self, f: impl AsyncFnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.begin_with(BeginMode::Immediate, &CallOptions::new(), f).await
    }

    /// As [`Engine::begin`], with this BEGIN: [`BeginMode::Deferred`] for a transaction that only reads. The limits hold
    /// for the wait for a connection.
    pub async fn begin_with<T>(
        &self,
        mode: BeginMode,
        options: &CallOptions,
        f: impl AsyncFnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let connection = self.connect_with(options).await?;
        let transaction = connection.begin_with(mode).await?;
        let result = connection.run_block(&transaction, f).await;
        connection.close().await?;
        result
    }

    /// Runs one statement on a connection of its own, as a transaction of its own, in one message.
    pub async fn execute(&self, statement: &impl Executable, params: impl Into<Params>) -> Result<ResultSet> {
        self.execute_with(statement, params, &CallOptions::new()).await
    }

    /// As [`Engine::execute`], within limits.
    pub async fn execute_with(
        &self,
        statement: &impl Executable,
        params: impl Into<Params>,
        options: &CallOptions,
    ) -> Result<ResultSet> {
        let call = Call::new(statement.compile()?, params.into())?;
        let result = ResultSet::gather(async |take| self.execute_call(call, options, take).await).await?;
        Ok(result.with_yield_per(options.yield_per))
    }

    /// As [`Engine::execute`]; the first column of the first row, or `None` when there is no row.
    pub async fn scalar<T: FromValue>(
        &self,
        statement: &impl Executable,
        params: impl Into<Params>,
    ) -> Result<Option<T>> {
        self.execute(statement, params).await?.scalar()
    }

    /// As [`Engine::execute`], for parameters that are encoded already; the rows stay encoded, too.
    #[doc(hidden)]
    pub async fn execute_raw(&self, call: RawCall, options: &CallOptions, take: Take<'_>) -> Result<()> {
        self.execute_call(Call::encoded(call), options, take).await
    }

    async fn execute_call(&self, call: Call, options: &CallOptions, take: Take<'_>) -> Result<()> {
        let limits = options.start();
        let checkout = limits.run(self.checkout()).await?;
        Inner::new(self.clone(), checkout).execute_alone(call, &limits, take).await
    }

    /// Whether there is a table or view of this name.
    pub async fn has_table(&self, name: &str) -> Result<bool> {
        let sql = "SELECT count(*) FROM sqlite_master WHERE type IN ('table', 'view') AND name = :name COLLATE NOCASE";
        let count: Option<i64> = self.scalar(&text(sql), params! { "name" => name }).await?;
        Ok(count.unwrap_or(0) > 0)
    }

    /// The names of the tables, without SQLite's own.
    pub async fn table_names(&self) -> Result<Vec<String>> {
        let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name";
        self.execute(&text(sql), ()).await?.iter().map(|row| row?.get(0)).collect()
    }

    /// Closes the idle connections; those in use are closed when they come back. The engine stays usable: its next
    /// connection starts anew. What a `sqlite://` engine held is lost. When nobody else uses the worker, it closes its
    /// files and ends, and this waits for that.
    pub async fn dispose(&self) -> Result<()> {
        let pool = self.0.pool.replace(Rc::new(Pool::new(&self.0.options)));
        pool.dispose();
        let channel = self.0.channel.take();
        if let Some(channel) = channel {
            channel.release().await;
        }
        Ok(())
    }

    /// What the pool does at the moment.
    pub fn pool(&self) -> PoolStatus {
        self.0.pool.borrow().status()
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0.url
    }

    /// The options.
    pub fn options(&self) -> &EngineOptions {
        &self.0.options
    }

    /// The name of the dialect.
    pub fn name(&self) -> &'static str {
        "sqlite"
    }

    /// The name of the driver.
    pub fn driver(&self) -> &'static str {
        "aludel"
    }

    /// What the last connection found.
    pub(crate) fn found(&self) -> Ref<'_, Option<Found>> {
        self.0.found.borrow()
    }

    /// Where its worker keeps files.
    pub(crate) fn file_storage(&self) -> Storage {
        self.0.spawn.as_ref().map_or(files::KIND, |spawn| spawn.file_storage())
    }

    /// The journal mode that the last connection found.
    pub fn journal_mode(&self) -> Option<String> {
        self.found().as_ref().map(|found| found.journal_mode.clone())
    }

    /// SQLite's version, once the worker has said it.
    pub fn sqlite_version(&self) -> Option<String> {
        self.0.channel.borrow().as_ref().and_then(|channel| channel.sqlite_version().map(str::to_owned))
    }

    /// How many frames were sent to the worker so far, by all who share it.
    #[doc(hidden)]
    pub fn frames_sent(&self) -> u64 {
        self.0.channel.borrow().as_ref().map_or(0, |channel| channel.frames())
    }

    /// Opens a connection of the worker, which is started if it is not there.
    pub(crate) async fn open(&self) -> Result<Link> {
        let shared = &self.0;
        let channel = self.channel()?;
        let (storage, path, create) = match shared.url.database() {
            Database::Memory => (Storage::Memory, ":memory:".to_owned(), true),
            Database::File { path, create } => (self.spawn()?.file_storage(), path.clone(), *create),
        };
        let mut options = OpenOptions {
            storage,
            path,
            create,
            durability: shared.options.durability,
            foreign_keys: shared.options.foreign_keys,
            cache_bytes: shared.options.cache_share(),
            statement_cache: shared.options.statement_cache_size,
            lock_timeout: shared.options.lock_timeout.as_millis().min(u32::MAX.into()) as u32,
            ..OpenOptions::default()
        };
        loop {
            let id = channel.new_connection();
            let mut link = Link::new(channel.clone(), id);
            let open = Request::Open(options.clone());
            let mut pending = channel.request(id, RepeatClass::Safe, &open, None);
            let error = match Found::of(pending.answer().await) {
                Ok(found) => {
                    *shared.found.borrow_mut() = Some(found);
                    return Ok(link);
                }
                Err(error) => error,
            };
            link.refused();
            let unavailable = error.reason() == Some(StorageReason::Unavailable);
            if !(unavailable && shared.options.fallback_memory && options.storage != Storage::Memory) {
                return Err(error);
            }
            options.storage = Storage::Memory;
        }
    }

    fn spawn(&self) -> Result<&Rc<dyn Spawn>> {
        self.0.spawn.as_ref().ok_or_else(|| {
            let message = "The engine has no worker: give its builder one, or build aludel with the feature `embedded`";
            Error::new(ErrorKind::Argument, message)
        })
    }

    /// The worker: the one that lives, or a new one.
    fn channel(&self) -> Result<ChannelUse> {
        let mut current = self.0.channel.borrow_mut();
        if let Some(channel) = current.as_ref().filter(|channel| channel.is_alive()) {
            return Ok(channel.clone());
        }
        let key = match self.0.url.database() {
            Database::Memory => None,
            Database::File { path, .. } => Some(path.as_str()),
        };
        let channel = Channel::get(key, &**self.spawn()?)?;
        *current = Some(channel.clone());
        Ok(channel)
    }

    pub(crate) fn logs(&self) -> bool {
        self.0.options.echo.level() >= EchoLevel::Info
    }

    pub(crate) fn log(&self, message: impl FnOnce() -> String) {
        self.0.options.echo.emit(&self.0.logger, EchoLevel::Info, message);
    }

    /// Logs columns and rows, where that was asked for; they have to be copied for it.
    pub(crate) fn log_rows(&self, frame: &RowsFrame) {
        let (echo, logger) = (&self.0.options.echo, &self.0.logger);
        if echo.level() < EchoLevel::Debug {
            return;
        }
        if let Some(names) = frame.columns.as_ref().filter(|names| !names.is_empty()) {
            let names: Vec<Value> = names.iter().map(|name| name.as_str().into()).collect();
            echo.emit(logger, EchoLevel::Debug, || format!("Col {}", describe(&[names], false)));
        }
        // A frame that cannot be read is reported to whoever reads its rows.
        for row in frame.rows().unwrap_or_default() {
            echo.emit(logger, EchoLevel::Debug, || format!("Row {}", describe(&[row], false)));
        }
    }

    /// `generated in ...` for a statement that is new, `cached since ...` for another.
    pub(crate) fn cache_note(&self, sql: &str) -> String {
        let mut noted = self.0.noted.borrow_mut();
        if let Some(since) = noted.get(sql) {
            return format!("cached since {:.4}s ago", since.elapsed().as_secs_f64());
        }
        if noted.len() >= STATEMENTS_NOTED {
            noted.clear();
        }
        let now = Clock::now();
        noted.insert(sql.to_owned(), now);
        format!("generated in {:.5}s", now.elapsed().as_secs_f64())
    }
}
