//! What an engine tells of its database: commits, and who holds whom up.

mod events;

pub use events::Listener;
pub(crate) use events::{Events, Registry};

use aludel_protocol::{Error, ErrorKind, Result};
use std::time::Duration;

/// What can be listened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// Something was committed.
    Change,
    /// Somebody waits for one who does nothing.
    Blocked,
    /// The tab that hosts the database is another one.
    Host,
    /// A tab has the database open with another version of aludel.
    VersionSkew,
}

impl EventKind {
    /// All of them.
    pub const ALL: [EventKind; 4] = [EventKind::Change, EventKind::Blocked, EventKind::Host, EventKind::VersionSkew];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Change => "change",
            EventKind::Blocked => "blocked",
            EventKind::Host => "host",
            EventKind::VersionSkew => "versionSkew",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Result<EventKind> {
        EventKind::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| {
            let known = EventKind::ALL.map(EventKind::as_str).join(", ");
            Error::new(ErrorKind::Argument, format!("No such event '{name}'; known are: {known}"))
        })
    }
}

/// Which tab it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// In this tab (in this process).
    This,
    /// In another one.
    Other,
}

/// A commit that changed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The tables whose rows were changed, in alphabetical order.
    pub tables: Vec<String>,
    /// Whether tables, views, indexes or triggers were created, altered or dropped.
    pub schema: bool,
    /// Which tab committed.
    pub tab: Tab,
    /// Whether it was the engine itself that committed.
    pub own: bool,
    /// The host of the database went away, and what was committed last may not have been told: any table may have
    /// changed. The other fields say nothing. Where it went for good, commits are told again from the engine's next
    /// connection on, after another of these.
    pub missed: bool,
}

impl Change {
    /// What is told in the place of those that nobody knows of.
    pub(crate) fn missed() -> Change {
        Change { tables: Vec::new(), schema: true, tab: Tab::Other, own: false, missed: true }
    }
}

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockedBy {
    /// A connection of the pool: all are in use.
    Pool,
    /// The write lock.
    WriteLock,
    /// The end of a snapshot, so old that the log cannot be emptied.
    Snapshot,
}

impl BlockedBy {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            BlockedBy::Pool => "pool",
            BlockedBy::WriteLock => "writeLock",
            BlockedBy::Snapshot => "snapshot",
        }
    }
}

/// Who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Where in the program its connection was asked for, if that is known.
    pub site: Option<String>,
    /// Which tab it is in.
    pub tab: Tab,
}

/// Who is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// Where in the program its connection was taken, if that is known.
    pub site: Option<String>,
    /// Which tab it is in.
    pub tab: Tab,
    /// For how long it has had what is waited for.
    pub age: Duration,
    /// For how long it has done nothing with it; zero while a statement runs, `None` where that is not known.
    pub idle: Option<Duration>,
}

/// Somebody has waited for a second or more while one who is waited for did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// What is waited for.
    pub what: BlockedBy,
    /// For how long so far.
    pub waited: Duration,
    /// Who waits, unless it is the log.
    pub waiter: Option<Party>,
    /// Who has it, oldest first.
    pub holders: Vec<Blocker>,
    /// How large the log is, where that is the matter.
    pub log_bytes: u64,
}

/// The tab that hosts the database is another one than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostChange {
    /// Which tab it is; `None` while none was found.
    pub tab: Option<Tab>,
}

/// A tab has the database open with another version of aludel. The two share it if they speak the same protocol; if not,
/// the one that came second gets a storage error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionSkew {
    /// The version of this tab.
    pub ours: String,
    /// The version of the other one.
    pub theirs: String,
}

/// Something that an engine tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something was committed.
    Change(Change),
    /// Somebody waits for one who does nothing.
    Blocked(Blocked),
    /// The tab that hosts the database is another one.
    Host(HostChange),
    /// A tab has the database open with another version of aludel.
    VersionSkew(VersionSkew),
}

impl Event {
    /// What kind of event it is.
    pub fn kind(&self) -> EventKind {
        match self {
            Event::Change(_) => EventKind::Change,
            Event::Blocked(_) => EventKind::Blocked,
            Event::Host(_) => EventKind::Host,
            Event::VersionSkew(_) => EventKind::VersionSkew,
        }
    }
}
