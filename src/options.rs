//! The options of an engine: their names, defaults and limits.

use crate::events::Echo;
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
    /// How many prepared statements a connection keeps.
    pub statement_cache_size: u32,
    /// What happens when a statement cannot be stopped at once.
    pub on_abort: OnAbort,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions {
            pool_size: 4,
            max_overflow: 0,
            pool_timeout: Duration::from_secs(30),
            echo: Echo::default(),
            hide_parameters: false,
            logging_name: None,
            cache_size: 32 << 20,
            durability: Durability::Normal,
            foreign_keys: true,
            isolation_level: IsolationLevel::Serializable,
            fallback_memory: false,
            lock_timeout: Duration::from_secs(30),
            statement_cache_size: 100,
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
        "echo",
        "hideParameters",
        "loggingName",
        "cacheSize",
        "durability",
        "foreignKeys",
        "isolationLevel",
        "fallback",
        "lockTimeout",
        "statementCacheSize",
        "onAbort",
    ];

    /// Sets an option by name; an unknown one, or a value that does not fit, is an error that says what would.
    pub fn set(&mut self, name: &str, value: OptionValue) -> Result<()> {
        let value = Named { name, value };
        match name {
            "poolSize" => self.pool_size = value.integer(0, 10_000)? as usize,
            "maxOverflow" => self.max_overflow = value.integer(-1, 10_000)? as isize,
            "poolTimeout" => self.pool_timeout = value.seconds()?,
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
            "statementCacheSize" => self.statement_cache_size = value.integer(0, 100_000)? as u32,
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
        let mut known: Vec<&str> = EngineOptions::NAMES.iter().chain(more).copied().collect();
        known.sort_unstable();
        argument(format!("Invalid argument '{name}' sent to createEngine(); known are: {}", known.join(", ")))
    }

    /// This connection's share of the page cache, in bytes.
    pub(crate) fn cache_share(&self) -> u32 {
        let connections = self.pool_size as i64 + self.max_overflow.max(0) as i64;
        (i64::from(self.cache_size) / connections.max(1)) as u32
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
