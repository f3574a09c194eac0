//! How an engine is made.

use super::{Engine, Shared};
use crate::compiled_cache::CompiledCache;
use crate::events::Echo;
use crate::listen::Events;
use crate::options::{EngineOptions, IsolationLevel, OnAbort};
use crate::pool::{Pool, PoolClass, ResetOnReturn};
use crate::transport::{Spawn, default_spawn};
use crate::url::{Database, Url, empty_part};
use aludel_protocol::{Durability, Result, Storage};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// Makes an [`Engine`]; see [`Engine::builder`].
#[must_use = "nothing is made until build()"]
pub struct EngineBuilder {
    pub(super) url: String,
    pub(super) options: EngineOptions,
    pub(crate) spawn: Option<Rc<dyn Spawn>>,
}

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineBuilder").field("url", &self.url).field("options", &self.options).finish_non_exhaustive()
    }
}

macro_rules! setters {
    ($($(#[doc = $doc:literal])* $name:ident: $type:ty;)*) => {
        impl EngineBuilder {
            $($(#[doc = $doc])*
            pub fn $name(mut self, value: $type) -> EngineBuilder {
                self.options.$name = value;
                self
            })*
        }
    };
}

setters! {
    /// How many connections the pool keeps (4); 0 is no limit.
    pool_size: usize;
    /// How many connections beyond that there may be at once (0); -1 is no limit.
    max_overflow: isize;
    /// How long a connect waits for a connection of the pool (30 s).
    pool_timeout: Duration;
    /// How the pool keeps connections (as a queue).
    pool_class: PoolClass;
    /// The age at which an idle connection is replaced by a new one when it is asked for (none).
    pool_recycle: Option<Duration>;
    /// Whether an idle connection is asked whether it lives before it is given out; if not, another is opened.
    pool_pre_ping: bool;
    /// Whether the connection that came back last is given out first, not the one that has been idle longest.
    pool_use_lifo: bool;
    /// What is done to a connection that comes back.
    pool_reset_on_return: ResetOnReturn;
    /// What is logged.
    echo: Echo;
    /// Whether parameters are left out of logs and errors.
    hide_parameters: bool;
    /// The page cache of all connections together, in bytes (32 MiB).
    cache_size: u32;
    /// What commits survive.
    durability: Durability;
    /// Whether foreign keys are enforced (they are).
    foreign_keys: bool;
    /// The isolation of connections that ask for no other.
    isolation_level: IsolationLevel;
    /// Whether memory is used where there is no file storage (an error otherwise).
    fallback_memory: bool;
    /// How long a writer waits for its turn (30 s); zero is forever.
    lock_timeout: Duration;
    /// After how long an open transaction is rolled back whose connection has nothing to do; zero is never.
    idle_transaction_timeout: Duration;
    /// How large the write-ahead log may grow (256 MiB), in bytes, before the snapshot is given up that keeps it from being
    /// emptied; 0 is no limit.
    log_limit: u64;
    /// How many prepared statements a connection keeps (100).
    statement_cache_size: u32;
    /// How many compiled statements the engine keeps (500); 0 is none.
    query_cache_size: usize;
    /// What happens when a cancelled statement does not end.
    on_abort: OnAbort;
}

impl EngineBuilder {
    /// What the engine's logger is called, behind `sqlalchemy.engine.Engine.`.
    pub fn logging_name(mut self, name: &str) -> EngineBuilder {
        self.options.logging_name = Some(name.into());
        self
    }

    /// How workers come to be, in place of the usual way.
    #[doc(hidden)]
    pub fn transport(mut self, spawn: Rc<dyn Spawn>) -> EngineBuilder {
        self.spawn = Some(spawn);
        self
    }

    /// All options at once.
    pub fn options(mut self, options: EngineOptions) -> EngineBuilder {
        self.options = options;
        self
    }

    /// Makes the engine; an error if the URL is malformed or names a database that aludel does not have.
    pub fn build(self) -> Result<Engine> {
        let EngineBuilder { url, options, spawn } = self;
        let url = Url::parse(&url)?;
        options.check_all()?;
        let spawn = spawn.or_else(default_spawn);
        if let (Database::File { path, .. }, Some(spawn)) = (url.database(), &spawn)
            && path.starts_with('/')
            && spawn.file_storage() == Storage::Opfs
        {
            return Err(empty_part(path));
        }
        let logger = match &options.logging_name {
            Some(name) => format!("sqlalchemy.engine.Engine.{name}"),
            None => "sqlalchemy.engine.Engine".into(),
        };
        let events = Rc::new(Events::default());
        let compiled = CompiledCache::new(options.query_cache_size);
        let pool = RefCell::new(Rc::new(Pool::new(&options, &events)));
        let shared = Rc::new(Shared {
            url,
            options,
            spawn,
            pool,
            events,
            hooks: Rc::default(),
            channel: RefCell::default(),
            found: RefCell::default(),
            logger: logger.into(),
            noted: RefCell::default(),
            warned: RefCell::default(),
            compiled,
        });
        Ok(Engine(shared, Rc::default()))
    }
}
