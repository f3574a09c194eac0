//! The options of an engine: their names, defaults and limits.

use crate::events::Echo;
use crate::pool::{PoolClass, ResetOnReturn};
use crate::sorted::insert_sorted;
use aludel_protocol::{Durability, Error, ErrorKind, Result};
use std::rc::Rc;
use std::time::Duration;

/// How the transactions of a connection are isolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsolationLevel {
    /// Snapshot isolation with one writer at a time: SQLite's own.
    Serializable,
    /// `PRAGMA read_uncommitted`; in WAL mode SQLite gives a snapshot all the same.
    ReadUncommitted,
    /// Each statement is a transaction of its own.
    Autocommit,
}

impl IsolationLevel {
    /// SQLAlchemy's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            IsolationLevel::Serializable => "SERIALIZABLE",
            IsolationLevel::ReadUncommitted => "READ UNCOMMITTED",
            IsolationLevel::Autocommit => "AUTOCOMMIT",
        }
    }

    /// The level of this name, in capitals or not.
    pub fn parse(name: &str) -> Result<IsolationLevel> {
        let known = [IsolationLevel::Serializable, IsolationLevel::ReadUncommitted, IsolationLevel::Autocommit];
        let level = known.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(&name.replace('_', " ")));
        level.ok_or_else(|| {
            argument(format!(
                "Invalid value '{name}' for isolation_level. Valid isolation levels for 'sqlite' are READ UNCOMMITTED, \
                 SERIALIZABLE, AUTOCOMMIT"
            ))
        })
    }
}

/// What happens when a call is cancelled whose statement the worker cannot stop at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnAbort {
    /// The call ends at once; the statement ends when it can, and others wait for that long.
    Wait,
    /// As `Wait`, but if the statement has not ended soon, the worker is replaced by a new one. Every open transaction
    /// of the database is lost, every waiting call fails with WorkerGone; the data is intact.
    ReplaceWorker,
}

/// A value of an option, from where options have no types of their own.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// The options of an engine.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// How many connections the pool keeps; 0 is no limit.
    pub pool_size: usize,
    /// How many connections beyond `pool_size` there may be at once, closed when they come back; -1 is no limit.
    pub max_overflow: isize,
    /// How long a connect waits for a connection of the pool.
    pub pool_timeout: Duration,
    /// How the pool keeps connections.
    pub pool_class: PoolClass,
    /// The age at which an idle connection is replaced by a new one when it is asked for; `None` is never.
    pub pool_recycle: Option<Duration>,
    /// Whether an idle connection is asked whether it lives before it is given out; if not, another is opened.
    pub pool_pre_ping: bool,
    /// Whether the connection that came back last is given out first, rather than the one that has been idle longest.
    pub pool_use_lifo: bool,
    /// What is done to a connection that comes back.
    pub pool_reset_on_return: ResetOnReturn,
    /// What is logged.
    pub echo: Echo,
    /// Whether parameters are left out of logs and errors.
    pub hide_parameters: bool,
    /// What the logger is called, behind `sqlalchemy.engine.Engine.`.
    pub logging_name: Option<Rc<str>>,
    /// The page cache of all connections together, in bytes.
    pub cache_size: u32,
    /// What commits survive.
    pub durability: Durability,
    /// Whether foreign keys are enforced.
    pub foreign_keys: bool,
    /// The isolation of connections that ask for no other.
    pub isolation_level: IsolationLevel,
    /// Whether memory is used where there is no file storage.
    pub fallback_memory: bool,
    /// How long a writer waits for its turn; zero is forever.
    pub lock_timeout: Duration,
    /// After how long an open transaction is rolled back whose connection has nothing to do; zero is never.
    pub idle_transaction_timeout: Duration,
    /// How large the write-ahead log may grow, in bytes, before the snapshot is given up that keeps it from being emptied;
    /// 0 is no limit.
    pub log_limit: u64,
    /// How many prepared statements a connection keeps, none of 128 KiB of text or more.
    pub statement_cache_size: u32,
    /// How many compiled statements the engine keeps; 0 is none.
    pub query_cache_size: usize,
    /// What happens when a statement cannot be stopped at once.
    pub on_abort: OnAbort,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions {
            pool_size: 4,
            max_overflow: 0,
            pool_timeout: Duration::from_secs(30),
            pool_class: PoolClass::Queue,
            pool_recycle: None,
            pool_pre_ping: false,
            pool_use_lifo: false,
            pool_reset_on_return: ResetOnReturn::Rollback,
            echo: Echo::default(),
            hide_parameters: false,
            logging_name: None,
            cache_size: 32 << 20,
            durability: Durability::Normal,
            foreign_keys: true,
            isolation_level: IsolationLevel::Serializable,
            fallback_memory: false,
            lock_timeout: Duration::from_secs(30),
            idle_transaction_timeout: Duration::ZERO,
            log_limit: 256 << 20,
            statement_cache_size: 100,
            query_cache_size: 500,
            on_abort: OnAbort::Wait,
        }
    }
}

impl EngineOptions {
    /// The names of the options that [`EngineOptions::set`] knows, as JavaScript spells them.
    pub const NAMES: &'static [&'static str] = &[
        "poolSize",
        "maxOverflow",
        "poolTimeout",
        "poolClass",
        "poolRecycle",
        "poolPrePing",
        "poolUseLifo",
        "poolResetOnReturn",
        "echo",
        "hideParameters",
        "loggingName",
        "cacheSize",
        "durability",
        "foreignKeys",
        "isolationLevel",
        "fallback",
        "lockTimeout",
        "idleTransactionTimeout",
        "logLimit",
        "statementCacheSize",
        "queryCacheSize",
        "onAbort",
    ];

    /// Sets an option by name; an unknown one, or a value that does not fit, is an error that says what would.
    pub fn set(&mut self, name: &str, value: OptionValue) -> Result<()> {
        let value = Named { name, value };
        match name {
            "poolSize" => self.pool_size = value.integer(0, 10_000)? as usize,
            "maxOverflow" => self.max_overflow = value.integer(-1, 10_000)? as isize,
            "poolTimeout" => self.pool_timeout = value.seconds()?,
            "poolClass" => {
                let names = PoolClass::NAMES.map(|(name, _)| name);
                self.pool_class = PoolClass::NAMES[value.word(&names)?].1;
            }
            "poolRecycle" => {
                let never = value.value == OptionValue::Number(-1.0);
                self.pool_recycle = if never { None } else { Some(value.seconds()?) };
            }
            "poolPrePing" => self.pool_pre_ping = value.flag()?,
            "poolUseLifo" => self.pool_use_lifo = value.flag()?,
            "poolResetOnReturn" => self.pool_reset_on_return = value.reset()?,
            "echo" => {
                self.echo = match &value.value {
                    OptionValue::Bool(on) => Echo::new(*on),
                    OptionValue::Text(text) if text == "debug" => Echo::debug(),
                    _ => return Err(value.unfit("true, false, \"debug\" or a function")),
                }
            }
            "hideParameters" => self.hide_parameters = value.flag()?,
            "loggingName" => self.logging_name = Some(value.text()?.into()),
            "cacheSize" => self.cache_size = value.integer(0, i64::from(i32::MAX))? as u32,
            "durability" => {
                self.durability = match value.word(&["normal", "full"])? {
                    0 => Durability::Normal,
                    _ => Durability::Full,
                }
            }
            "foreignKeys" => self.foreign_keys = value.flag()?,
            "isolationLevel" => self.isolation_level = IsolationLevel::parse(value.text()?)?,
            "fallback" => {
                value.word(&["memory"])?;
                self.fallback_memory = true;
            }
            "lockTimeout" => self.lock_timeout = value.seconds()?,
            "idleTransactionTimeout" => self.idle_transaction_timeout = value.seconds()?,
            "logLimit" => self.log_limit = value.integer(0, 1 << 53)? as u64,
            "statementCacheSize" => self.statement_cache_size = value.integer(0, 100_000)? as u32,
            "queryCacheSize" => self.query_cache_size = value.integer(0, 100_000)? as usize,
            "onAbort" => {
                self.on_abort = match value.word(&["wait", "replaceWorker"])? {
                    0 => OnAbort::Wait,
                    _ => OnAbort::ReplaceWorker,
                }
            }
            _ => return Err(EngineOptions::unknown(name, &[])),
        }
        Ok(())
    }

    /// The error of an option that nobody knows; `more` are the names of those that are known elsewhere.
    pub fn unknown(name: &str, more: &[&str]) -> Error {
        let mut known: Vec<&str> = Vec::new();
        EngineOptions::NAMES.iter().chain(more).for_each(|name| insert_sorted(&mut known, *name, |a, b| a < b));
        argument(format!("Invalid argument '{name}' sent to createEngine(); known are: {}", known.join(", ")))
    }

    /// An error if one of these options, which were given by name, means nothing to the class of the pool.
    pub fn check(&self, given: &[String]) -> Result<()> {
        self.pool_class.check("createEngine()", |name| given.iter().any(|other| other == name), str::to_owned)
    }

    /// As [`EngineOptions::check`]: what differs from the defaults was given.
    pub(crate) fn check_all(&self) -> Result<()> {
        let default = EngineOptions::default();
        let given = |name: &str| match name {
            "poolSize" => self.pool_size != default.pool_size,
            "maxOverflow" => self.max_overflow != default.max_overflow,
            "poolTimeout" => self.pool_timeout != default.pool_timeout,
            "poolUseLifo" => self.pool_use_lifo != default.pool_use_lifo,
            _ => false,
        };
        self.pool_class.check("Engine::builder()", given, |name| {
            name.chars().flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain(c.to_lowercase())).collect()
        })
    }

    /// This connection's share of the page cache, in bytes.
    pub(crate) fn cache_share(&self) -> u32 {
        let connections = match self.pool_class {
            PoolClass::Queue if self.pool_size > 0 => self.pool_size as i64 + self.max_overflow.max(0) as i64,
            // Nobody knows how many there will be.
            PoolClass::Queue | PoolClass::Null => EngineOptions::default().pool_size as i64,
            PoolClass::Static | PoolClass::Assertion => 1,
        };
        (i64::from(self.cache_size) / connections) as u32
    }
}

fn argument(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Argument, message)
}

/// A value and the name of its option, for errors.
struct Named<'a> {
    name: &'a str,
    value: OptionValue,
}

impl Named<'_> {
    fn unfit(&self, fitting: &str) -> Error {
        let given = match &self.value {
            OptionValue::Null => "null".into(),
            OptionValue::Bool(value) => value.to_string(),
            OptionValue::Number(value) => value.to_string(),
            OptionValue::Text(value) => format!("{value:?}"),
        };
        argument(format!("Option '{}' takes {fitting}, not {given}", self.name))
    }

    fn integer(&self, min: i64, max: i64) -> Result<i64> {
        match self.value {
            OptionValue::Number(n) if n.trunc() == n && n >= min as f64 && n <= max as f64 => Ok(n as i64),
            _ => Err(self.unfit(&format!("an integer from {min} to {max}"))),
        }
    }

    fn seconds(&self) -> Result<Duration> {
        match self.value {
            OptionValue::Number(n) if (0.0..=1e9).contains(&n) => Ok(Duration::from_secs_f64(n)),
            _ => Err(self.unfit("a number of seconds, zero or more")),
        }
    }

    fn flag(&self) -> Result<bool> {
        match self.value {
            OptionValue::Bool(value) => Ok(value),
            _ => Err(self.unfit("true or false")),
        }
    }

    /// SQLAlchemy's words for it.
    fn reset(&self) -> Result<ResetOnReturn> {
        match &self.value {
            OptionValue::Bool(true) => Ok(ResetOnReturn::Rollback),
            OptionValue::Bool(false) | OptionValue::Null => Ok(ResetOnReturn::Nothing),
            OptionValue::Text(text) if text == "rollback" => Ok(ResetOnReturn::Rollback),
            OptionValue::Text(text) if text == "commit" => Ok(ResetOnReturn::Commit),
            OptionValue::Text(text) if text == "none" => Ok(ResetOnReturn::Nothing),
            OptionValue::Text(text) => Err(argument(format!("Invalid value for 'reset_on_return': '{text}'"))),
            _ => Err(self.unfit("\"rollback\", \"commit\" or null")),
        }
    }

    fn text(&self) -> Result<&str> {
        match &self.value {
            OptionValue::Text(text) => Ok(text),
            _ => Err(self.unfit("a text")),
        }
    }

    fn word(&self, words: &[&str]) -> Result<usize> {
        let at = self.text().ok().and_then(|text| words.iter().position(|word| *word == text));
        at.ok_or_else(|| self.unfit(&words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_known_and_others_are_told_the_names() {
        let mut options = EngineOptions::default();
        for name in EngineOptions::NAMES {
            let error = options.set(name, OptionValue::Number(f64::NAN)).unwrap_err();
            assert!(error.message().contains(&format!("'{name}' takes")), "{error}");
        }
        let error = options.set("poolsize", OptionValue::Number(1.0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Argument);
        for name in EngineOptions::NAMES {
            assert!(error.message().contains(name), "{error}");
        }
    }

    #[test]
    fn values_that_do_not_fit_are_errors() {
        use OptionValue::*;
        let mut options = EngineOptions::default();
        for (name, value, message) in [
            ("poolSize", Number(1.5), "Option 'poolSize' takes an integer from 0 to 10000, not 1.5"),
            ("poolTimeout", Number(-1.0), "Option 'poolTimeout' takes a number of seconds, zero or more, not -1"),
            ("foreignKeys", Text("on".into()), "Option 'foreignKeys' takes true or false, not \"on\""),
            ("durability", Text("best".into()), "Option 'durability' takes \"normal\" or \"full\", not \"best\""),
            ("fallback", Bool(true), "Option 'fallback' takes \"memory\", not true"),
            ("isolationLevel", Text("SNAPSHOT".into()), "Invalid value 'SNAPSHOT' for isolation_level."),
        ] {
            let error = options.set(name, value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Argument);
            assert!(error.message().starts_with(message), "{error}");
        }
    }
}
