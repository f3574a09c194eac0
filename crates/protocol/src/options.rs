//! What a connection is opened with.

use crate::codec::malformed;
use crate::{Reader, Result, Writer};

/// Where a database lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Storage {
    /// In the memory of the worker.
    Memory = 0,
    /// In the origin private file system.
    Opfs = 1,
    /// In a file of the host's file system (native only).
    Disk = 2,
}

/// What an acknowledged commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Durability {
    /// The death of tab and browser (WAL with synchronous=NORMAL).
    Normal = 0,
    /// A power cut, too (synchronous=FULL).
    Full = 1,
}

/// What Open needs to make a connection. All of it travels in one frame, pragmas included.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenOptions {
    /// Where the database lives.
    pub storage: Storage,
    /// Its path, with `/` between parts, without a leading one.
    pub path: String,
    /// Whether to create it when it is not there.
    pub create: bool,
    /// What commits survive.
    pub durability: Durability,
    /// Whether foreign keys are enforced.
    pub foreign_keys: bool,
    /// This connection's share of the page cache, in bytes.
    pub cache_bytes: u32,
    /// How many prepared statements it keeps.
    pub statement_cache: u32,
    /// How long a writer waits for its turn, in milliseconds; 0 is forever.
    pub lock_timeout: u32,
    /// After how long an open transaction whose connection has nothing to do is rolled back, in milliseconds; 0 is never.
    /// A stream that waits for credits is nothing to do: its reader does nothing.
    pub idle_transaction_timeout: u32,
    /// How large the log may grow, in bytes, before the snapshot that keeps it from being emptied is given up; 0 is no
    /// limit.
    pub log_limit: u64,
}

impl Default for OpenOptions {
    /// A new database in memory, with foreign keys, and no limits.
    fn default() -> OpenOptions {
        OpenOptions {
            storage: Storage::Memory,
            path: String::new(),
            create: true,
            durability: Durability::Normal,
            foreign_keys: true,
            cache_bytes: 0,
            statement_cache: 100,
            lock_timeout: 0,
            idle_transaction_timeout: 0,
            log_limit: 0,
        }
    }
}

impl Storage {
    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Storage> {
        let tag = input.u8()?;
        [Storage::Memory, Storage::Opfs, Storage::Disk]
            .into_iter()
            .find(|storage| *storage as u8 == tag)
            .ok_or_else(|| malformed(format!("storage {tag}")))
    }
}

impl OpenOptions {
    pub(crate) fn encode(&self, out: &mut Writer) {
        out.u8(self.storage as u8);
        out.u8(self.create.into());
        out.u8(self.durability as u8);
        out.u8(self.foreign_keys.into());
        out.u32(self.cache_bytes);
        out.u32(self.statement_cache);
        out.u32(self.lock_timeout);
        out.u32(self.idle_transaction_timeout);
        out.u64(self.log_limit);
        out.text(&self.path);
    }

    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<OpenOptions> {
        let storage = Storage::decode(input)?;
        let create = input.flag()?;
        let durability = match input.u8()? {
            0 => Durability::Normal,
            1 => Durability::Full,
            other => return Err(malformed(format!("durability {other}"))),
        };
        Ok(OpenOptions {
            storage,
            create,
            durability,
            foreign_keys: input.flag()?,
            cache_bytes: input.u32()?,
            statement_cache: input.u32()?,
            lock_timeout: input.u32()?,
            idle_transaction_timeout: input.u32()?,
            log_limit: input.u64()?,
            path: input.text()?.to_owned(),
        })
    }
}
