//! An engine: a database, its worker and its pool of connections.

mod builder;
mod log;

pub use builder::EngineBuilder;

use crate::compiled_cache::{CacheInfo, CompiledCache};
use crate::connection::{Call, Connection, Inner, Take};
use crate::executable::{Executable, Params, text};
use crate::execution::ExecutionOptions;
use crate::hooks::{ConnectionEventKind, Hooks, watched};
use crate::limit::{CallOptions, Clock};
use crate::listen::{Change, Event, EventKind, Events, Listener};
use crate::options::EngineOptions;
use crate::params;
use crate::pool::{Checkout, Link, Pool, PoolStatus};
use crate::raw::RawCall;
use crate::result_set::ResultSet;
use crate::row::FromValue;
use crate::site::Site;
use crate::storage::Found;
use crate::transport::{Channel, ChannelUse, Spawn, files};
use crate::url::{Database, Url};
use crate::watch::LiveQuery;
use aludel_protocol::{BeginMode, Error, ErrorKind, OpenOptions, RepeatClass, Request, Result, Storage, StorageReason};
use std::cell::{Ref, RefCell};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// Whether there is a table or view of a name.
pub const HAS_TABLE: &str =
    "SELECT count(*) FROM sqlite_master WHERE type IN ('table', 'view') AND name = :name COLLATE NOCASE";
/// The names of the tables, without SQLite's own.
pub const TABLE_NAMES: &str =
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name";
/// How many warnings are remembered, so that each is given once; then they are forgotten, and given again.
const WARNINGS_KEPT: usize = 500;
/// How many statements the log remembers, for its `cached since` notes.
const STATEMENTS_NOTED: usize = 500;

/// A database. Clones are the same engine.
///
/// Nothing happens until the first connection is made: then the worker is started. Engines on one file share a worker;
/// each `sqlite://` engine has a database of its own.
#[derive(Clone)]
pub struct Engine(Rc<Shared>, Rc<RefCell<ExecutionOptions>>);

struct Shared {
    url: Url,
    options: EngineOptions,
    spawn: Option<Rc<dyn Spawn>>,
    pool: RefCell<Rc<Pool>>,
    events: Rc<Events>,
    hooks: Rc<Hooks>,
    channel: RefCell<Option<ChannelUse>>,
    /// What the last connection found.
    found: RefCell<Option<Found>>,
    logger: Rc<str>,
    noted: RefCell<HashMap<String, Clock>>,
    /// What statements were warned of.
    warned: RefCell<HashSet<String>>,
    compiled: CompiledCache,
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
    #[track_caller]
    pub fn connect(&self) -> impl Future<Output = Result<Connection>> {
        self.connect_at(CallOptions::new(), Site::here())
    }

    /// As [`Engine::connect`], within limits.
    #[track_caller]
    pub fn connect_with(&self, options: &CallOptions) -> impl Future<Output = Result<Connection>> + use<> {
        self.connect_at(options.clone(), Site::here())
    }

    /// As [`Engine::connect_with`], for a caller who knows for whom.
    #[doc(hidden)]
    pub fn connect_at(&self, options: CallOptions, site: Site) -> impl Future<Output = Result<Connection>> + use<> {
        let engine = self.clone();
        async move {
            let connect = async {
                let checkout = engine.checkout(&site).await?;
                checkout.tell_site();
                let inner = Inner::new(engine.clone(), checkout);
                let hooks = engine.hooks();
                if hooks.is_active() {
                    if inner.is_new() {
                        hooks.greet(&inner).await?;
                    }
                    inner.tell(|| ConnectionEventKind::Checkout);
                }
                Ok(Connection::of(inner))
            };
            options.start().run(connect).await
        }
    }

    async fn checkout(&self, site: &Site) -> Result<Checkout> {
        let pool = self.0.pool.borrow().clone();
        pool.checkout(site, || self.open()).await
    }

    /// Runs `f` on a connection, in a transaction that may write: committed when `f` gives `Ok`, else rolled back. Its
    /// BEGIN IMMEDIATE travels with the first statement.
    #[track_caller]
    pub fn begin<T>(&self, f: impl AsyncFnOnce(&Connection) -> Result<T>) -> impl Future<Output = Result<T>> {
        self.begin_at(BeginMode::Immediate, CallOptions::new(), Site::here(), f)
    }

    /// As [`Engine::begin`], with this BEGIN: [`BeginMode::Deferred`] for a transaction that only reads. The limits hold
    /// for the wait for a connection.
    #[track_caller]
    pub fn begin_with<T>(
        &self,
        mode: BeginMode,
        options: &CallOptions,
        f: impl AsyncFnOnce(&Connection) -> Result<T>,
    ) -> impl Future<Output = Result<T>> {
        self.begin_at(mode, options.clone(), Site::here(), f)
    }

    async fn begin_at<T>(
        &self,
        mode: BeginMode,
        options: CallOptions,
        site: Site,
        f: impl AsyncFnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let connection = self.connect_at(options, site).await?;
        let transaction = connection.begin_with(mode).await?;
        let result = connection.run_block(&transaction, f).await;
        connection.close().await?;
        result
    }

    /// Runs one statement on a connection of its own, as a transaction of its own, in one message. While somebody listens to
    /// [`Engine::on_connect`] or [`Engine::on_connection_event`], whose events show the connection, it begins and commits as
    /// others do: what SQLite does in no transaction, like `VACUUM`, needs a connection with the isolation level
    /// [`IsolationLevel::Autocommit`](crate::IsolationLevel::Autocommit) then.
    #[track_caller]
    pub fn execute(
        &self,
        statement: &impl Executable,
        params: impl Into<Params>,
    ) -> impl Future<Output = Result<ResultSet>> {
        self.execute_at(statement, params, CallOptions::new(), Site::here())
    }

    /// As [`Engine::execute`], within limits.
    #[track_caller]
    pub fn execute_with(
        &self,
        statement: &impl Executable,
        params: impl Into<Params>,
        options: &CallOptions,
    ) -> impl Future<Output = Result<ResultSet>> {
        self.execute_at(statement, params, options.clone(), Site::here())
    }

    async fn execute_at(
        &self,
        statement: &impl Executable,
        params: impl Into<Params>,
        options: CallOptions,
        site: Site,
    ) -> Result<ResultSet> {
        self.execute_after(statement, params, options, site, async |_, _| Ok(())).await
    }

    /// As [`Engine::execute_with`]. `before` is called with the SQL as the listeners leave it, before that is sent, and with the
    /// connection that it is sent on, if one was taken already.
    pub(crate) async fn execute_after(
        &self,
        statement: &impl Executable,
        params: impl Into<Params>,
        options: CallOptions,
        site: Site,
        before: impl AsyncFnOnce(&str, Option<&Inner>) -> Result<()>,
    ) -> Result<ResultSet> {
        if self.hooks().wants_connections() {
            // Then it is told of as others are.
            let connection = self.connect_at(options.clone(), site).await?;
            let transaction = connection.begin().await?;
            let work = async |connection: &Connection| {
                let inner = connection.inner();
                let before = async |sql: &str| before(sql, Some(inner)).await;
                connection.execute_after(statement, params, &options, before).await
            };
            let result = connection.run_block(&transaction, work).await;
            connection.close().await?;
            return result;
        }
        let statement = (statement.compile(), false);
        let result = watched(self, None, statement, params.into(), async |call| {
            before(call.sql(), None).await?;
            let known = call.known();
            ResultSet::gather(known, async |take| self.execute_call(call, &options, &site, take).await).await
        });
        let result = result.await?;
        Ok(result.with_yield_per(options.yield_per.or(self.1.borrow().yield_per)))
    }

    /// As [`Engine::execute`]; the first column of the first row, or `None` when there is no row.
    #[track_caller]
    pub fn scalar<T: FromValue>(
        &self,
        statement: &impl Executable,
        params: impl Into<Params>,
    ) -> impl Future<Output = Result<Option<T>>> {
        let result = self.execute(statement, params);
        async { result.await?.scalar() }
    }

    /// The results of a statement that only reads: the first at once, then one after each commit that changed them.
    pub fn watch(&self, statement: &impl Executable, params: impl Into<Params>) -> Result<LiveQuery> {
        self.watch_with(statement, params, &CallOptions::new())
    }

    /// As [`Engine::watch`], within limits, which hold for each run.
    pub fn watch_with(
        &self,
        statement: &impl Executable,
        params: impl Into<Params>,
        options: &CallOptions,
    ) -> Result<LiveQuery> {
        LiveQuery::new(self, statement.compile()?, params.into(), options.clone())
    }

    /// As [`Engine::execute`], for parameters that are encoded already; the rows stay encoded, too.
    #[doc(hidden)]
    pub async fn execute_raw(&self, call: RawCall, options: &CallOptions, take: Take<'_>) -> Result<()> {
        self.execute_call(Call::encoded(call), options, &Site::default(), take).await
    }

    /// Executes a call of which no listener is told, on a connection of its own.
    pub(crate) async fn execute_call(
        &self,
        call: Call,
        options: &CallOptions,
        site: &Site,
        take: Take<'_>,
    ) -> Result<()> {
        let limits = options.start();
        let call = limits.run(call.whole()).await?;
        let checkout = limits.run(self.checkout(site)).await?;
        Inner::new(self.clone(), checkout).execute_alone(call, &limits, take).await
    }

    /// Whether there is a table or view of this name.
    pub async fn has_table(&self, name: &str) -> Result<bool> {
        let count: Option<i64> = self.scalar(&text(HAS_TABLE), params! { "name" => name }).await?;
        Ok(count.unwrap_or(0) > 0)
    }

    /// The names of the tables, without SQLite's own.
    pub async fn table_names(&self) -> Result<Vec<String>> {
        self.execute(&text(TABLE_NAMES), ()).await?.iter().map(|row| row?.get(0)).collect()
    }

    /// Closes the idle connections; those in use are closed when they come back. The engine stays usable: its next
    /// connection starts anew; nobody listens to it any more. What a `sqlite://` engine held is lost. When nobody else uses
    /// the worker, it closes its files and ends, and this waits for that.
    pub async fn dispose(&self) -> Result<()> {
        self.dispose_with(true).await
    }

    /// As [`Engine::dispose`]; without `close`, a new pool only takes the place of the old one. Nothing is waited for, and
    /// listeners stay. Connections in use go back to the old pool, which ends, with what is idle in it, when the last of
    /// them has. A `sqlite://` engine begins with another database all the same.
    pub async fn dispose_with(&self, close: bool) -> Result<()> {
        let pool = self.0.pool.replace(Rc::new(Pool::new(&self.0.options, &self.0.events)));
        if !close {
            if matches!(self.0.url.database(), Database::Memory) {
                self.0.channel.take();
            }
            return Ok(());
        }
        pool.dispose();
        self.0.events.clear();
        self.0.hooks.clear();
        let channel = self.0.channel.take();
        if let Some(channel) = channel {
            channel.release().await;
        }
        Ok(())
    }

    /// Calls `tell` for each event of a kind, as long as the listener lives and the engine is not disposed of.
    pub fn listen(&self, kind: EventKind, tell: impl Fn(&Event) + 'static) -> Listener {
        self.0.events.listen(kind, tell)
    }

    /// Calls `tell` for each commit that changed something, whichever tab made it, from the engine's first connection on.
    pub fn on_change(&self, tell: impl Fn(&Change) + 'static) -> Listener {
        self.listen(EventKind::Change, move |event| {
            if let Event::Change(change) = event {
                tell(change);
            }
        })
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

    /// How its cache of compiled statements is used. A statement is not compiled again if it differs from another in the
    /// values of its parameters only; [`EngineBuilder::query_cache_size`] says how many are kept.
    pub fn compiled_cache_info(&self) -> CacheInfo {
        self.0.compiled.info()
    }

    /// Forgets compiled statements.
    pub fn clear_compiled_cache(&self) {
        self.0.compiled.clear();
    }

    pub(crate) fn compiled_cache(&self) -> &CompiledCache {
        &self.0.compiled
    }

    /// An engine on the same pool, whose connections have these options besides those of this one. What later becomes of the
    /// options of the one does not touch the other.
    pub fn execution_options(&self, options: &ExecutionOptions) -> Result<Engine> {
        let options = self.1.borrow().with(options)?;
        Ok(Engine(self.0.clone(), Rc::new(RefCell::new(options))))
    }

    /// Gives the connections that are taken from here on these options.
    pub fn update_execution_options(&self, options: &ExecutionOptions) -> Result<()> {
        let options = self.1.borrow().with(options)?;
        self.1.replace(options);
        Ok(())
    }

    /// The options that connections begin with, as far as they were given.
    pub fn get_execution_options(&self) -> ExecutionOptions {
        self.1.borrow().clone()
    }

    /// The name of the dialect.
    pub fn name(&self) -> &'static str {
        "sqlite"
    }

    /// The name of the driver.
    pub fn driver(&self) -> &'static str {
        "aludel"
    }

    /// Who listens to its statements and connections.
    pub(crate) fn hooks(&self) -> &Rc<Hooks> {
        &self.0.hooks
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
            lock_timeout: milliseconds(shared.options.lock_timeout),
            idle_transaction_timeout: milliseconds(shared.options.idle_transaction_timeout),
            log_limit: shared.options.log_limit,
        };
        loop {
            let mut link = Link::new(channel.clone(), &shared.events);
            let open = Request::Open(options.clone());
            let mut pending = channel.request(link.id, RepeatClass::Safe, &open, None);
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
            channel.withdraw();
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
        drop(current);
        self.0.events.attach(&channel);
        Ok(channel)
    }
}

/// A timeout as it travels, where 0 is none.
fn milliseconds(timeout: Duration) -> u32 {
    let rounded_up = if timeout.is_zero() { 0 } else { timeout.as_millis().max(1) };
    u32::try_from(rounded_up).unwrap_or(u32::MAX)
}
