//! The bytes of a mark file: a head that stands there twice, and a ring of records.
//!
//! ```text
//!     0   head, 64 bytes          512   the other head           4096   SLOTS records of 64 bytes each
//! ```
//!
//! A head is written over the older of the two, a record into a slot whose record is the oldest of all: so whatever a
//! crash cuts short, what was there before is there still. Each has a checksum; what does not fit its checksum was cut
//! short, or never written, and counts as absent.

use aludel_protocol::{Fate, Reader, Writer};

/// How many records the ring has room for.
pub(crate) const SLOTS: u64 = 1024;
/// How many bytes a head or a record has.
pub(crate) const BLOCK: usize = 64;
/// Where the heads stand: in different sectors.
pub(crate) const HEADS_AT: [u64; 2] = [0, 512];
/// Where the ring begins.
pub(crate) const RING_AT: u64 = 4096;
/// How long the file is.
pub(crate) const FILE_BYTES: u64 = RING_AT + SLOTS * BLOCK as u64;

const MAGIC: [u8; 8] = *b"aludelmk";
const VERSION: u32 = 1;

/// The bytes of a head or a record.
pub(crate) type Block = [u8; BLOCK];

/// What is known of the database as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Counts what is written here: of two heads, the one with the larger number is the newer.
    pub(crate) turn: u64,
    /// Counts the hosts.
    pub(crate) epoch: u32,
    /// Whether the last host ended in good order.
    pub(crate) clean: bool,
    /// When the database was made, in milliseconds since 1970; 0 when nobody knows.
    pub(crate) created: u64,
}

/// Where a log ends: which log it is, and how many frames of it are committed. Two logs have different salts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The salts in the header of the log; zeros where there is none.
    pub(crate) salts: [u8; 8],
    /// Frames up to its last commit.
    pub(crate) frames: u32,
}

impl Position {
    /// Whether a commit that was begun at this position is in the log that ends at `found`, when nobody else could have
    /// begun a new log meanwhile.
    pub(crate) fn was_passed_by(self, found: Position) -> bool {
        if self.salts == found.salts { found.frames > self.frames } else { found.frames > 0 }
    }
}

/// What a committed request would have been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Rows changed; -1 where the statement does not count them.
    pub(crate) changes: i64,
    /// `sqlite3_last_insert_rowid` of its connection.
    pub(crate) last_insert_rowid: i64,
    /// Whether there were rows to be answered.
    pub(crate) had_rows: bool,
}

impl From<Outcome> for Fate {
    fn from(Outcome { changes, last_insert_rowid, had_rows }: Outcome) -> Fate {
        Fate::Committed { changes, last_insert_rowid, had_rows }
    }
}

/// One record of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Counts the records, from 1.
    pub(crate) number: u64,
    /// Of which host it tells.
    pub(crate) epoch: u32,
    /// What it tells.
    pub(crate) entry: Entry,
}

/// What a record tells. Any record that follows a [`Entry::Commit`] says that this was done, unless it says the opposite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A request is about to be committed, where the log is at this position.
    Commit { client: u64, request: u64, position: Position, outcome: Outcome },
    /// A request was committed: what is left of a record that had to make room.
    Kept { client: u64, request: u64, outcome: Outcome },
    /// A request was not committed, likewise.
    Lost { client: u64, request: u64 },
    /// A request is about to be committed without a log, so that nobody can tell later whether it was.
    Blind { client: u64, request: u64 },
    /// A client is there. Whatever it asks of this host is committed after this.
    Here { client: u64 },
    /// The commit before was done.
    Done,
    /// The commit with this number was not done.
    Failed { number: u64 },
}

impl Entry {
    /// Whose it is.
    pub(crate) fn client(&self) -> Option<u64> {
        match self {
            Entry::Commit { client, .. }
            | Entry::Kept { client, .. }
            | Entry::Lost { client, .. }
            | Entry::Blind { client, .. }
            | Entry::Here { client } => Some(*client),
            Entry::Done | Entry::Failed { .. } => None,
        }
    }
}

/// Where the record with this number stands.
pub(crate) fn slot_at(number: u64) -> u64 {
    RING_AT + number % SLOTS * BLOCK as u64
}

/// A writer behind the place for the checksum.
fn behind_checksum() -> Writer {
    let mut writer = Writer::new();
    writer.u32(0);
    writer
}

/// What was written, with zeros behind it and its checksum in front.
fn sealed(writer: Writer) -> Block {
    let (mut block, bytes) = ([0; BLOCK], writer.finish());
    block.iter_mut().zip(&bytes).for_each(|(place, byte)| *place = *byte);
    let sum = checksum(&block[4..]).to_le_bytes();
    block[..4].copy_from_slice(&sum);
    block
}

/// A reader of what stands behind the checksum, if that fits.
fn opened(block: &Block) -> Option<Reader<'_>> {
    let (sum, rest) = block.split_first_chunk::<4>()?;
    (u32::from_le_bytes(*sum) == checksum(rest)).then(|| Reader::new(rest))
}

/// FNV-1a, folded. A torn block passes once in four billion times.
fn checksum(bytes: &[u8]) -> u32 {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash ^ (hash >> 32)) as u32
}

impl Head {
    pub(crate) fn encode(&self) -> Block {
        let mut writer = behind_checksum();
        writer.raw(&MAGIC);
        writer.u32(VERSION);
        writer.u64(self.turn);
        writer.u32(self.epoch);
        writer.u8(self.clean.into());
        writer.u64(self.created);
        sealed(writer)
    }

    pub(crate) fn decode(block: &Block) -> Option<Head> {
        let mut reader = opened(block)?;
        if reader.raw(MAGIC.len()).ok()? != MAGIC || reader.u32().ok()? != VERSION {
            return None;
        }
        let (turn, epoch) = (reader.u64().ok()?, reader.u32().ok()?);
        let (clean, created) = (reader.flag().ok()?, reader.u64().ok()?);
        Some(Head { turn, epoch, clean, created })
    }
}

const COMMIT: u8 = 1;
const KEPT: u8 = 2;
const HERE: u8 = 3;
const DONE: u8 = 4;
const FAILED: u8 = 5;
const LOST: u8 = 6;
const BLIND: u8 = 7;

impl Record {
    pub(crate) fn encode(&self) -> Block {
        let nothing = Outcome { changes: 0, last_insert_rowid: 0, had_rows: false };
        let nowhere = Position::default();
        let (kind, client, request, position, outcome) = match self.entry {
            Entry::Commit { client, request, position, outcome } => (COMMIT, client, request, position, outcome),
            Entry::Kept { client, request, outcome } => (KEPT, client, request, nowhere, outcome),
            Entry::Lost { client, request } => (LOST, client, request, nowhere, nothing),
            Entry::Blind { client, request } => (BLIND, client, request, nowhere, nothing),
            Entry::Here { client } => (HERE, client, 0, nowhere, nothing),
            Entry::Done => (DONE, 0, 0, nowhere, nothing),
            Entry::Failed { number } => (FAILED, 0, number, nowhere, nothing),
        };
        let mut writer = behind_checksum();
        writer.u8(kind);
        writer.u8(outcome.had_rows.into());
        writer.u32(self.epoch);
        writer.u64(self.number);
        writer.u64(client);
        writer.u64(request);
        writer.raw(&position.salts);
        writer.u32(position.frames);
        writer.i64(outcome.changes);
        writer.i64(outcome.last_insert_rowid);
        sealed(writer)
    }

    pub(crate) fn decode(block: &Block) -> Option<Record> {
        if block[4] == 0 {
            // No kind: most often, nothing was ever written there.
            return None;
        }
        let mut reader = opened(block)?;
        let (kind, had_rows) = (reader.u8().ok()?, reader.flag().ok()?);
        let (epoch, number) = (reader.u32().ok()?, reader.u64().ok()?);
        let (client, request) = (reader.u64().ok()?, reader.u64().ok()?);
        let salts = *reader.raw(8).ok()?.first_chunk()?;
        let position = Position { salts, frames: reader.u32().ok()? };
        let (changes, last_insert_rowid) = (reader.i64().ok()?, reader.i64().ok()?);
        let outcome = Outcome { changes, last_insert_rowid, had_rows };
        let entry = match kind {
            COMMIT => Entry::Commit { client, request, position, outcome },
            KEPT => Entry::Kept { client, request, outcome },
            LOST => Entry::Lost { client, request },
            BLIND => Entry::Blind { client, request },
            HERE => Entry::Here { client },
            DONE => Entry::Done,
            FAILED => Entry::Failed { number: request },
            _ => return None,
        };
        let record = Record { number, epoch, entry };
        // Whatever else it may hold was not written by this.
        (number > 0 && record.encode() == *block).then_some(record)
    }
}
