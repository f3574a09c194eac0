//! What a pool tells of itself.

use super::{Pool, PoolClass};
use std::fmt;
use std::time::Duration;

/// What the pool of an engine does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStatus {
    /// What kind of pool it is.
    pub class: PoolClass,
    /// How many connections it keeps; 0 if it keeps none, or as many as come.
    pub size: usize,
    /// How many are idle.
    pub checkedin: usize,
    /// How many more are open than it keeps; negative while there are fewer, and 0 where that has no meaning.
    pub overflow: isize,
    /// How many are in use.
    pub checkedout: usize,
    /// How long a connect waits for a connection; zero where nobody ever waits.
    pub timeout: Duration,
}

impl Pool {
    pub(crate) fn status(&self) -> PoolStatus {
        let (class, size, checkedin) = (self.rules.class, self.rules.size, self.idle.borrow().len());
        let timeout = match class {
            PoolClass::Queue | PoolClass::Static => self.rules.timeout,
            PoolClass::Null | PoolClass::Assertion => Duration::ZERO,
        };
        let checkedout = self.taken.get() - checkedin;
        PoolStatus { class, size, checkedin, overflow: self.overflow(), checkedout, timeout }
    }

    pub(super) fn overflow(&self) -> isize {
        match self.rules.class {
            PoolClass::Queue if self.rules.size > 0 => self.taken.get() as isize - self.rules.size as isize,
            _ => 0,
        }
    }
}

impl fmt::Display for PoolStatus {
    /// SQLAlchemy's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.class {
            PoolClass::Queue => write!(
                f,
                "Pool size: {}  Connections in pool: {} Current Overflow: {} Current Checked out connections: {}",
                self.size, self.checkedin, self.overflow, self.checkedout
            ),
            class => f.write_str(class.as_str()),
        }
    }
}
