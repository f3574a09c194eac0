//! What is said to a request that found the database locked: who holds what since when, or what happened meanwhile.

use super::{Connection, ConnectionKey};
use crate::blocked::Suspect;
use crate::database::Database;
use crate::job::Job;
use crate::sqlite::{TransactionState, ffi};
use aludel_protocol::{Error, ErrorKind, Result};

/// Another connection, as far as it may be in the way.
#[derive(Clone, Debug)]
pub(crate) struct Neighbour {
    key: ConnectionKey,
    /// The databases that it has open or attached.
    databases: Vec<u32>,
    /// Since when it reads from one snapshot of the first of them.
    reads_since: Option<f64>,
    /// Whether it was told to give no lock back.
    exclusive: bool,
}

impl Neighbour {
    /// A connection of the database with this number, as others see it.
    pub(crate) fn of(database: u32, connection: &Connection) -> Neighbour {
        // One whose statement is lent out can not be asked; what it has to itself nobody waits for for long.
        let ask = || connection.db.query("PRAGMA locking_mode").ok().flatten();
        let mode = if connection.is_lent() { None } else { ask() };
        Neighbour {
            key: connection.key,
            databases: connection.databases(database).collect(),
            reads_since: connection.snapshot_since,
            exclusive: mode.is_some_and(|mode| mode == "exclusive"),
        }
    }
}

/// To whom it is said, and when.
#[derive(Clone, Copy)]
struct Told {
    client: u64,
    now: f64,
}

impl Told {
    fn name(self, key: ConnectionKey) -> String {
        format!("connection {}{}", key.id, if key.client == self.client { "" } else { " of another tab" })
    }

    fn ms(self, since: f64) -> f64 {
        (self.now - since).max(0.0).round()
    }

    /// Who has the write lock of the connections' own database.
    fn held(self, (holder, since): (ConnectionKey, f64), database: &Database) -> String {
        let known = database.locks.as_ref().filter(|suspect| suspect.is(holder, since));
        let idle = known.and_then(|suspect| suspect.idle_since);
        let idle = idle.map(|idle| format!(", doing nothing for the last {}", self.ms(idle))).unwrap_or_default();
        let site = known.and_then(Suspect::site).map(|site| format!("; it was taken at {site}")).unwrap_or_default();
        format!("{} has held the write lock for {} ms{idle}{site}", self.name(holder), self.ms(since))
    }

    /// Nobody writes: who else could be in the way of somebody who has these databases.
    fn others(self, me: ConnectionKey, databases: &[u32], near: &[Neighbour]) -> String {
        let near = || {
            let shares = |other: &&Neighbour| other.databases.iter().any(|id| databases.contains(id));
            near.iter().filter(move |other| other.key != me).filter(shares)
        };
        if let Some(other) = near().find(|other| other.exclusive) {
            return format!("{} keeps it for itself (PRAGMA locking_mode = EXCLUSIVE)", self.name(other.key));
        }
        let others: Vec<String> = near()
            .map(|other| match other.reads_since {
                Some(since) => format!("{} has read from it for {} ms", self.name(other.key), self.ms(since)),
                None => format!("{} has it open", self.name(other.key)),
            })
            .collect();
        match others.len() {
            0 => "no other connection has it open".to_owned(),
            _ => format!("nobody writes, but this needs the database for itself, and {}", others.join(", ")),
        }
    }
}

/// The error of a connection that cannot be opened, since the database is locked.
pub(crate) fn cannot_open(
    error: &Error,
    key: ConnectionKey,
    database: (u32, &Database),
    near: &[Neighbour],
    now: f64,
) -> Error {
    let told = Told { client: key.client, now };
    let (id, database) = database;
    let writer = database.writers.holder().map(|holder| told.held(holder, database));
    let others = writer.unwrap_or_else(|| told.others(key, &[id], near));
    retold(error, format!("database is locked: {others}"))
}

impl Connection {
    /// The databases that it has open, of which the first has this number.
    fn databases(&self, own: u32) -> impl Iterator<Item = u32> {
        std::iter::once(own).chain(self.attached.iter().map(|file| file.database))
    }

    /// The error of a job that waited for a lock too long.
    pub(super) fn locked_out(&self, job: &Job, database: (u32, &Database), near: &[Neighbour], now: f64) -> Error {
        let told = Told { client: job.header.client, now };
        let (id, database) = database;
        let mut known: Vec<String> = Vec::new();
        if let Some(holder) = database.writers.holder().filter(|(holder, _)| *holder != self.key) {
            known.push(told.held(holder, database));
        }
        for file in &self.attached {
            if let Some((holder, since)) = file.writers.holder().filter(|(holder, _)| *holder != self.key) {
                let (who, schema, ms) = (told.name(holder), &file.schema, told.ms(since));
                known.push(format!("{who} has held the write lock of the attached database {schema:?} for {ms} ms"));
            }
        }
        if known.is_empty() && !database.lock.has_tried(self.key, job.header.request) {
            known.push(
                match database.writers.last().filter(|past| job.waits_since.is_none_or(|since| past.until >= since)) {
                    Some(past) => {
                        let (who, ago, held) =
                            (told.name(past.who), told.ms(past.until), (past.until - past.since).round());
                        format!("{who}, which had held the write lock for {held} ms, gave it up {ago} ms ago, too late")
                    }
                    None => "others had come before it".to_owned(),
                },
            );
        }
        if known.is_empty() {
            known.extend(self.open_streams(now));
            let databases: Vec<u32> = self.databases(id).collect();
            if known.is_empty() || near.iter().any(|other| other.key != self.key) {
                known.push(told.others(self.key, &databases, near));
            }
        }
        let message = format!("database is locked: {}", known.join("; "));
        let error = Error::new(ErrorKind::Operational, message).with_sqlite_code(ffi::SQLITE_BUSY);
        job.about(error.with_retryable(true))
    }

    /// What a job is told that failed since something is locked for which waiting does not help: which is known better here
    /// than SQLite says it.
    pub(super) fn in_vain(&self, error: Error, job: &Job, database: &Database, now: f64) -> Error {
        let told = Told { client: job.header.client, now };
        match error.sqlite_code() {
            ffi::SQLITE_BUSY_SNAPSHOT => {
                let own = self.snapshot_since.map(|since| (&database.writers, since, String::new()));
                let attached = self.attached.iter().map(|file| {
                    let of = format!(" to the attached database {:?}", file.schema);
                    (&file.writers, self.holds_since.unwrap_or(now), of)
                });
                let commits = own.into_iter().chain(attached).filter_map(|(writers, since, of)| {
                    let (who, at) = writers.last_commit().filter(|(who, at)| *who != self.key && *at >= since)?;
                    Some((at, format!("{} has committed{of} {} ms ago", told.name(who), told.ms(at))))
                });
                let latest = commits.max_by(|(a, _), (b, _)| a.total_cmp(b));
                let commit = latest.map_or_else(|| "another connection has committed".to_owned(), |(_, text)| text);
                let first = self.holds_since.map(|since| format!(" {} ms ago", told.ms(since))).unwrap_or_default();
                let message = format!(
                    "database is locked: {commit}, after this transaction first read{first}, so it can no longer write; \
                     roll back and begin it again with mode immediate"
                );
                retold(&error, message)
            }
            code if matches!(code & 0xff, ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED) => match self.open_streams(now) {
                Some(streams) => retold(&error, format!("{}: {streams}", error.message())),
                None => error,
            },
            _ => error,
        }
    }

    /// The streams of this connection, which are in the way of what follows them on it.
    fn open_streams(&self, now: f64) -> Option<String> {
        let open =
            |job: &Job| format!("{:?} of this connection has been open for {} ms", job.sql(), job.age(now).round());
        let streams: Vec<String> = self.streams.iter().map(open).collect();
        (!streams.is_empty()).then(|| format!("the stream {}", streams.join(", the stream ")))
    }

    /// Takes note of what it holds of attached databases.
    pub(super) fn observe_attached(&self, now: f64) {
        for file in &self.attached {
            let state = self.db.transaction_state_of(&file.schema);
            file.writers.observe(self.key, state == TransactionState::Write, now);
        }
    }

    /// Whether a connection could not be opened since the database is locked.
    pub(crate) fn is_locked<T>(outcome: &Result<T>) -> bool {
        matches!(outcome, Err(error) if error.sqlite_code() & 0xff == ffi::SQLITE_BUSY)
    }
}

/// The same error in better words.
fn retold(error: &Error, message: String) -> Error {
    let told = Error::new(error.kind(), message).with_sqlite_code(error.sqlite_code()).with_offset(error.offset());
    let told = told.with_retryable(error.retryable());
    match error.statement() {
        Some(statement) => told.with_statement(statement),
        None => told,
    }
}
