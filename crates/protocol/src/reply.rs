//! What the worker answers: the closed set of replies, and their frames.

use crate::codec::malformed;
use crate::{Batch, Error, Fate, HEADER_LEN, Header, Notice, Reader, Result, Storage, Writer};

/// Where in a Rows frame the `u32` stands that says at which byte of the frame the batch begins.
pub const ROWS_BATCH_OFFSET_AT: usize = HEADER_LEN + 4;

/// The kind of a [`Reply::Fatal`]: the third byte of its frame.
pub const FATAL: u8 = 0x86;

const HELLO_REPLY: u8 = 0x81;
const OPENED: u8 = 0x82;
const ROWS: u8 = 0x83;
const DONE: u8 = 0x84;
const ERROR: u8 = 0x85;
const FATES: u8 = 0x87;
const NOTICE: u8 = 0x88;
const PROGRESS: u8 = 0x89;
const RETURNED: u8 = 0x8a;

/// One frame of rows, or the end of a statement without any.
#[derive(Clone, Debug, PartialEq)]
pub struct RowsReply<'a> {
    /// Whether more frames follow.
    pub more: bool,
    /// Whether a transaction is open on the connection after it.
    pub in_transaction: bool,
    /// Rows changed so far by INSERT, UPDATE or DELETE, all parameter sets together; -1 for any other statement.
    pub changes: i64,
    /// `sqlite3_last_insert_rowid` of the connection.
    pub last_insert_rowid: i64,
    /// The names of the columns; in the first frame only, and empty for a statement that returns no rows.
    pub columns: Option<Vec<&'a str>>,
    /// The rows.
    pub batch: Batch<'a>,
}

/// What the end of an import is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ImportPhase {
    /// It looks whether the bytes are a healthy database.
    Check = 1,
    /// It puts them in the place of the database.
    Copy = 2,
}

impl ImportPhase {
    fn decode(input: &mut Reader<'_>) -> Result<ImportPhase> {
        match input.u8()? {
            1 => Ok(ImportPhase::Check),
            2 => Ok(ImportPhase::Copy),
            other => Err(malformed(format!("import phase {other}"))),
        }
    }
}

/// What the worker answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply<'a> {
    /// The worker is ready.
    Hello {
        /// The protocol version that both speak from here on.
        protocol: u16,
        /// The version of its package.
        version: &'a str,
        /// SQLite's version, `"3.53.4"` for instance.
        sqlite_version: &'a str,
    },
    /// The connection is open. The header's epoch is that of the host.
    Opened {
        /// Where the database lives.
        storage: Storage,
        /// The journal mode that SQLite reports.
        journal_mode: &'a str,
        /// In how many milliseconds the names of the database's files can be taken as safe from a power cut; 0 when they
        /// can already.
        settles_in: u32,
    },
    /// Rows, or the end of a statement.
    Rows(RowsReply<'a>),
    /// It is done.
    Done {
        /// Whether a transaction is open on the connection after it.
        in_transaction: bool,
    },
    /// It failed.
    Error {
        /// Why.
        error: Error,
        /// Whether a transaction is open on the connection after it.
        in_transaction: bool,
    },
    /// The worker is broken and answers nothing more, to anyone.
    Fatal {
        /// What broke it.
        message: &'a str,
    },
    /// What became of the requests that were asked about, in that order.
    Fates(Vec<Fate>),
    /// A message that answers nothing; the header's request is 0.
    Notice(Notice),
    /// How far the end of an import came; more follows.
    Progress {
        /// What it is doing.
        phase: ImportPhase,
        /// How many bytes are done.
        done: u64,
        /// Of how many.
        total: u64,
    },
    /// A procedure has come to its end.
    Returned {
        /// Whether a transaction is open on the connection after it.
        in_transaction: bool,
        /// Whether it has ended a transaction of the connection, be it one that it had begun.
        ended: bool,
        /// What it returned or threw, as whoever calls and whoever is called know it.
        value: &'a [u8],
    },
}

impl<'a> RowsReply<'a> {
    /// Writes a Rows frame up to where its batch begins; append the batch with [`crate::BatchWriter::encode`]. Of
    /// `self`, the batch is not looked at.
    pub fn encode_head(
        header: &Header,
        more: bool,
        in_transaction: bool,
        changes: i64,
        last_insert_rowid: i64,
        columns: Option<&[String]>,
    ) -> Writer {
        let mut out = Writer::new();
        header.encode(ROWS, &mut out);
        out.u8(more.into());
        out.u8(in_transaction.into());
        out.u8(columns.is_some().into());
        out.u8(0);
        out.u32(0);
        out.i64(changes);
        out.i64(last_insert_rowid);
        if let Some(columns) = columns {
            out.u32(columns.len() as u32);
            columns.iter().for_each(|name| out.text(name));
        }
        out.align8();
        let at = out.len() as u32;
        out.patch_u32(ROWS_BATCH_OFFSET_AT, at);
        out
    }

    fn decode_head(input: &mut Reader<'a>) -> Result<RowsReply<'a>> {
        let more = input.flag()?;
        let in_transaction = input.flag()?;
        let named = input.flag()?;
        let reserved = input.u8()?;
        let batch_offset = input.u32()?;
        let changes = input.i64()?;
        let last_insert_rowid = input.i64()?;
        let columns = if named {
            let count = input.u32()?;
            // Each name takes four bytes at least, so a lying count fails before it costs memory.
            let mut names = Vec::with_capacity((count as usize).min(input.remaining() / 4));
            for _ in 0..count {
                names.push(input.text()?);
            }
            Some(names)
        } else {
            None
        };
        input.align8()?;
        if reserved != 0 || batch_offset as usize != input.position() {
            return Err(malformed(format!("a batch at byte {} that says byte {batch_offset}", input.position())));
        }
        Ok(RowsReply { more, in_transaction, changes, last_insert_rowid, columns, batch: Batch::EMPTY })
    }

    /// Rows of no columns would be rows without bytes, of which a short frame could name four thousand million.
    fn take_batch(&mut self, batch: Batch<'a>) -> Result<()> {
        let (rows, columns) = (batch.rows(), batch.columns());
        if columns == 0 && rows > 0 {
            return Err(malformed(format!("{rows} rows of no columns")));
        }
        if let Some(names) = self.columns.as_ref().filter(|names| names.len() != columns as usize) {
            return Err(malformed(format!("{} column names for {columns} columns", names.len())));
        }
        self.batch = batch;
        Ok(())
    }
}

impl<'a> Reply<'a> {
    /// Writes the frame of any reply. A worker that writes rows does so piece by piece: see [`RowsReply::encode_head`].
    pub fn encode(&self, header: &Header) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Reply::Hello { protocol, version, sqlite_version } => {
                header.encode(HELLO_REPLY, &mut out);
                out.u16(*protocol);
                out.text(version);
                out.text(sqlite_version);
            }
            Reply::Opened { storage, journal_mode, settles_in } => {
                header.encode(OPENED, &mut out);
                out.u8(*storage as u8);
                out.text(journal_mode);
                out.u32(*settles_in);
            }
            Reply::Rows(rows) => {
                let columns: Option<Vec<String>> =
                    rows.columns.as_ref().map(|names| names.iter().map(|name| (*name).to_owned()).collect());
                out = RowsReply::encode_head(
                    header,
                    rows.more,
                    rows.in_transaction,
                    rows.changes,
                    rows.last_insert_rowid,
                    columns.as_deref(),
                );
                rows.batch.encode(&mut out);
            }
            Reply::Done { in_transaction } => {
                header.encode(DONE, &mut out);
                out.u8((*in_transaction).into());
            }
            Reply::Error { error, in_transaction } => {
                header.encode(ERROR, &mut out);
                out.u8((*in_transaction).into());
                error.encode(&mut out);
            }
            Reply::Fatal { message } => {
                header.encode(FATAL, &mut out);
                out.text(message);
            }
            Reply::Fates(fates) => {
                header.encode(FATES, &mut out);
                out.u32(fates.len() as u32);
                fates.iter().for_each(|fate| fate.encode(&mut out));
            }
            Reply::Notice(notice) => {
                header.encode(NOTICE, &mut out);
                notice.encode(&mut out);
            }
            Reply::Progress { phase, done, total } => {
                header.encode(PROGRESS, &mut out);
                out.u8(*phase as u8);
                out.u64(*done);
                out.u64(*total);
            }
            Reply::Returned { in_transaction, ended, value } => {
                header.encode(RETURNED, &mut out);
                out.u8((*in_transaction).into());
                out.u8((*ended).into());
                out.u16(0);
                out.u32(value.len() as u32);
                out.raw(value);
            }
        }
        out.finish()
    }

    /// Reads the frame of a reply; bytes after its end are an error.
    pub fn decode(frame: &'a [u8]) -> Result<(Header, Reply<'a>)> {
        Reply::decode_parts(frame, |input| Batch::decode(input).map(Some))
    }

    /// How many bytes of a frame make its head: up to the batch of a Rows frame, else all of it. `prefix` is the first
    /// [`ROWS_BATCH_OFFSET_AT`]` + 4` bytes of the frame at least, or all of a shorter one.
    pub fn head_len(prefix: &[u8], frame_len: usize) -> usize {
        let offset = prefix.get(ROWS_BATCH_OFFSET_AT..).and_then(|rest| rest.first_chunk::<4>());
        match (prefix.get(2), offset) {
            (Some(&ROWS), Some(offset)) => frame_len.min(u32::from_le_bytes(*offset) as usize),
            _ => frame_len,
        }
    }

    /// Reads a reply whose batch stays elsewhere (in JavaScript): `head` is a Rows frame up to its batch, or the whole
    /// of any other frame. The batch of a Rows reply is then empty.
    pub fn decode_head(head: &'a [u8]) -> Result<(Header, Reply<'a>)> {
        Reply::decode_parts(head, |_| Ok(None))
    }

    fn decode_parts(
        frame: &'a [u8],
        batch: impl FnOnce(&mut Reader<'a>) -> Result<Option<Batch<'a>>>,
    ) -> Result<(Header, Reply<'a>)> {
        let mut input = Reader::new(frame);
        let (tag, header) = Header::decode(&mut input)?;
        let reply = match tag {
            HELLO_REPLY => {
                Reply::Hello { protocol: input.u16()?, version: input.text()?, sqlite_version: input.text()? }
            }
            OPENED => Reply::Opened {
                storage: Storage::decode(&mut input)?,
                journal_mode: input.text()?,
                settles_in: input.u32()?,
            },
            ROWS => {
                let mut rows = RowsReply::decode_head(&mut input)?;
                if let Some(batch) = batch(&mut input)? {
                    rows.take_batch(batch)?;
                }
                Reply::Rows(rows)
            }
            DONE => Reply::Done { in_transaction: input.flag()? },
            ERROR => {
                let in_transaction = input.flag()?;
                Reply::Error { error: Error::decode(&mut input)?, in_transaction }
            }
            FATAL => Reply::Fatal { message: input.text()? },
            FATES => {
                let count = input.u32()?;
                let mut fates = Vec::with_capacity((count as usize).min(input.remaining()));
                for _ in 0..count {
                    fates.push(Fate::decode(&mut input)?);
                }
                Reply::Fates(fates)
            }
            NOTICE => Reply::Notice(Notice::decode(&mut input)?),
            PROGRESS => {
                Reply::Progress { phase: ImportPhase::decode(&mut input)?, done: input.u64()?, total: input.u64()? }
            }
            RETURNED => {
                let (in_transaction, ended) = (input.flag()?, input.flag()?);
                if input.u16()? != 0 {
                    return Err(malformed("reserved bytes of Returned".into()));
                }
                let len = input.u32()?;
                Reply::Returned { in_transaction, ended, value: input.raw(len as usize)? }
            }
            other => return Err(malformed(format!("reply kind {other:#x}"))),
        };
        input.end()?;
        Ok((header, reply))
    }
}
