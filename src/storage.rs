//! Where an engine keeps its database, and how safe it is there.

use crate::engine::Engine;
use crate::limit::Clock;
use crate::transport::{Answer, files};
use crate::url::Database;
use aludel_protocol::{Durability, Result, Storage};
use futures_timer::Delay;
use std::time::Duration;

const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// What the worker said when it opened a connection.
#[derive(Debug)]
pub(crate) struct Found {
    pub kind: Storage,
    pub journal_mode: String,
    since: Clock,
    settles_in: Duration,
}

impl Found {
    /// Takes the reply to an Open.
    pub(crate) fn of(answer: Answer) -> Result<Found> {
        match answer {
            Answer::Opened { storage: kind, journal_mode, settles_in } => {
                let settles_in = Duration::from_millis(settles_in.into());
                Ok(Found { kind, journal_mode, since: Clock::now(), settles_in })
            }
            Answer::Error { error, .. } => Err(error),
            other => Err(other.instead("Open")),
        }
    }

    /// For how long the names of the files are not safe yet.
    pub(crate) fn unsettled(&self) -> Duration {
        self.settles_in.saturating_sub(self.since.elapsed())
    }
}

/// Where an engine keeps its database: [`Engine::storage`].
#[derive(Debug)]
pub struct StorageInfo {
    /// What keeps it: as a connection has found it, or before the first one as the URL says.
    pub kind: Storage,
    /// Whether the data outlives the page, or the process.
    pub durable: bool,
    /// What an acknowledged commit survives.
    pub durability: Durability,
    /// The path of the file; none in memory.
    pub path: Option<String>,
    engine: Engine,
}

/// How much room there is, as far as the browser says. Hosts say nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StorageEstimate {
    /// How many bytes the origin uses.
    pub usage: Option<u64>,
    /// How many it may use.
    pub quota: Option<u64>,
}

impl Engine {
    /// Where the database is kept. It may be memory for a file's URL if `fallback_memory` was asked for, which the first
    /// connection finds out.
    pub fn storage(&self) -> StorageInfo {
        let (of_url, path) = match self.url().database() {
            Database::Memory => (Storage::Memory, None),
            Database::File { path, .. } => (self.file_storage(), Some(path)),
        };
        let kind = self.found().as_ref().map_or(of_url, |found| found.kind);
        let durable = kind != Storage::Memory;
        let path = path.filter(|_| durable).cloned();
        StorageInfo { kind, durable, durability: self.options().durability, path, engine: self.clone() }
    }
}

impl StorageInfo {
    /// Whether the name of the database survives a power cut. Browsers write the names of new files some time after the
    /// files themselves, whatever is flushed; until then this is false, and also before the first connection has looked.
    /// Always true in memory, where there is no name to be lost.
    pub fn settled(&self) -> bool {
        let memory = |found: &Found| found.kind == Storage::Memory;
        // The first connection may have found memory where a file was asked for.
        !self.durable || self.engine.found().as_ref().is_some_and(|found| memory(found) || found.unsettled().is_zero())
    }

    /// Waits until [`StorageInfo::settled`]; opens the database if no connection did yet.
    pub async fn when_settled(&self) -> Result<()> {
        while !self.settled() {
            let left = self.engine.found().as_ref().map(Found::unsettled);
            match left {
                None => self.engine.connect().await?.close().await?,
                // Timers do not count as far as the worker might.
                Some(left) => Delay::new(left.min(LONGEST_WAIT)).await,
            }
        }
        Ok(())
    }

    /// Whether the browser has promised not to clear the origin's data on its own. On hosts nobody clears files.
    pub async fn persisted(&self) -> Result<bool> {
        if self.durable { files::persisted().await } else { Ok(false) }
    }

    /// Asks the browser for that promise; it may say no, or ask the user.
    pub async fn persist(&self) -> Result<bool> {
        if self.durable { files::persist().await } else { Ok(false) }
    }

    /// How much room there is.
    pub async fn estimate(&self) -> Result<StorageEstimate> {
        files::estimate().await
    }
}
