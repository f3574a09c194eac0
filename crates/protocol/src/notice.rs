//! What the worker says unasked: who committed what, and who holds others up.

use crate::codec::malformed;
use crate::{Reader, Result, Writer};

/// A connection, and the client that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Party {
    /// The client: a tab, most often.
    pub client: u64,
    /// The number that the client chose for the connection.
    pub connection: u32,
}

/// A commit that changed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Counts the commits of one host, from 1.
    pub number: u64,
    /// Who committed.
    pub by: Party,
    /// Whether tables, views, indexes or triggers were created, altered or dropped.
    pub schema: bool,
    /// The names of the tables that were changed, created, altered or dropped, in alphabetical order, as the schema
    /// spells them. There may be some among them of which only ROLLBACK TO took back the change, or that a trigger would
    /// have changed in another case.
    pub tables: Vec<String>,
}

/// What a connection has that others wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Obstacle {
    /// The write lock.
    WriteLock = 1,
    /// A snapshot so old that the log cannot be emptied.
    Snapshot = 2,
}

/// Somebody waits, and who is waited for does nothing, or keeps a snapshot for long.
#[derive(Clone, Debug, PartialEq)]
pub struct Blocked {
    /// What is waited for.
    pub obstacle: Obstacle,
    /// Who waits; nobody's connection (client 0, connection 0) when the log does.
    pub waiter: Party,
    /// For how long, in milliseconds.
    pub waited: u32,
    /// Who is waited for.
    pub holder: Party,
    /// For how long it has had what is waited for, in milliseconds.
    pub held: u32,
    /// Where the holder's connection was taken, in the words of its client; absent if that did not answer.
    pub site: Option<String>,
    /// How large the log is, in bytes; 0 for the write lock.
    pub log_bytes: u64,
}

/// A message that answers nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// Commits, in their order. For clients that asked for it ([`crate::Request::Watch`]).
    Changed(Vec<Commit>),
    /// Somebody is held up. For the client that waits, and for the one that is waited for.
    Blocked(Blocked),
    /// The header's connection holds others up: the client is to say where it was taken ([`crate::Request::Site`]).
    Holding,
}

const CHANGED: u8 = 1;
const BLOCKED: u8 = 2;
const HOLDING: u8 = 3;

impl Party {
    fn encode(self, out: &mut Writer) {
        out.u64(self.client);
        out.u32(self.connection);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Party> {
        Ok(Party { client: input.u64()?, connection: input.u32()? })
    }
}

impl Commit {
    /// The fewest bytes that a commit takes.
    const LEAST: usize = 8 + 12 + 1 + 4;

    fn encode(&self, out: &mut Writer) {
        out.u64(self.number);
        self.by.encode(out);
        out.u8(self.schema.into());
        out.u32(self.tables.len() as u32);
        self.tables.iter().for_each(|table| out.text(table));
    }

    fn decode(input: &mut Reader<'_>) -> Result<Commit> {
        let (number, by, schema) = (input.u64()?, Party::decode(input)?, input.flag()?);
        let count = input.u32()?;
        let mut tables = Vec::with_capacity((count as usize).min(input.remaining() / 4));
        for _ in 0..count {
            tables.push(input.text()?.to_owned());
        }
        Ok(Commit { number, by, schema, tables })
    }
}

impl Notice {
    pub(crate) fn encode(&self, out: &mut Writer) {
        match self {
            Notice::Changed(commits) => {
                out.u8(CHANGED);
                out.u32(commits.len() as u32);
                commits.iter().for_each(|commit| commit.encode(out));
            }
            Notice::Blocked(blocked) => {
                out.u8(BLOCKED);
                out.u8(blocked.obstacle as u8);
                blocked.waiter.encode(out);
                out.u32(blocked.waited);
                blocked.holder.encode(out);
                out.u32(blocked.held);
                out.u64(blocked.log_bytes);
                out.u8(blocked.site.is_some().into());
                if let Some(site) = &blocked.site {
                    out.text(site);
                }
            }
            Notice::Holding => out.u8(HOLDING),
        }
    }

    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Notice> {
        match input.u8()? {
            CHANGED => {
                let count = input.u32()?;
                let mut commits = Vec::with_capacity((count as usize).min(input.remaining() / Commit::LEAST));
                for _ in 0..count {
                    commits.push(Commit::decode(input)?);
                }
                Ok(Notice::Changed(commits))
            }
            BLOCKED => {
                let obstacle = match input.u8()? {
                    1 => Obstacle::WriteLock,
                    2 => Obstacle::Snapshot,
                    other => return Err(malformed(format!("obstacle {other}"))),
                };
                let (waiter, waited) = (Party::decode(input)?, input.u32()?);
                let (holder, held) = (Party::decode(input)?, input.u32()?);
                let log_bytes = input.u64()?;
                let site = if input.flag()? { Some(input.text()?.to_owned()) } else { None };
                Ok(Notice::Blocked(Blocked { obstacle, waiter, waited, holder, held, site, log_bytes }))
            }
            HOLDING => Ok(Notice::Holding),
            other => Err(malformed(format!("notice {other}"))),
        }
    }
}
