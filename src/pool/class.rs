//! The kinds of pools, by SQLAlchemy's names.

use aludel_protocol::{Error, ErrorKind, Result};

/// How an engine keeps connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolClass {
    /// `pool_size` of them, and `max_overflow` more while they are needed; who comes when all are in use waits.
    Queue,
    /// None: each is opened when it is asked for and closed when it comes back.
    Null,
    /// One. Nobody shares it: who comes when it is in use waits.
    Static,
    /// One; asking for it while it is in use is an error. For finding what takes more connections than it should.
    Assertion,
}

impl PoolClass {
    pub(crate) const NAMES: [(&'static str, PoolClass); 5] = [
        ("QueuePool", PoolClass::Queue),
        ("NullPool", PoolClass::Null),
        ("StaticPool", PoolClass::Static),
        ("AssertionPool", PoolClass::Assertion),
        // SQLAlchemy's name of the queue that does not block a thread: here, none does.
        ("AsyncAdaptedQueuePool", PoolClass::Queue),
    ];

    /// SQLAlchemy's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            PoolClass::Queue => "QueuePool",
            PoolClass::Null => "NullPool",
            PoolClass::Static => "StaticPool",
            PoolClass::Assertion => "AssertionPool",
        }
    }

    /// The options that mean nothing to it.
    fn refused(self) -> &'static [&'static str] {
        match self {
            PoolClass::Queue => &[],
            PoolClass::Null | PoolClass::Assertion => &["poolSize", "maxOverflow", "poolTimeout", "poolUseLifo"],
            // SQLAlchemy gives the one connection to everybody at once, and so lets nobody wait.
            PoolClass::Static => &["poolSize", "maxOverflow", "poolUseLifo"],
        }
    }

    /// An error if one of the options that were given means nothing to it. `maker` is what they were given to, and
    /// `spell` how it calls them.
    pub(crate) fn check(self, maker: &str, given: impl Fn(&str) -> bool, spell: impl Fn(&str) -> String) -> Result<()> {
        let refused = self.refused().iter().filter(|name| given(name));
        let refused: Vec<_> = refused.map(|name| format!("'{}'", spell(name))).collect();
        if refused.is_empty() {
            return Ok(());
        }
        let message = format!(
            "Invalid argument(s) {} sent to {maker}, using configuration SQLiteDialect_aludel/{}/Engine.  Please check \
             that the keyword arguments are appropriate for this combination of components.",
            refused.join(","),
            self.as_str()
        );
        Err(Error::new(ErrorKind::Argument, message))
    }
}

/// What is done to a connection that comes back, beside what its user did: closing a connection rolls its transaction
/// back, whatever is chosen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetOnReturn {
    /// It is rolled back.
    Rollback,
    /// It is committed: in SQLAlchemy, what was begun behind the back of its Connection. Here nothing can be.
    Commit,
    /// Nothing.
    Nothing,
}
