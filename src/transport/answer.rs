//! Replies, as the client keeps them: the head decoded, the batch where it arrived.

use super::Buffer;
use aludel_protocol::{
    Batch, Error, ErrorKind, Fate, Header, ImportPhase, Notice, ROWS_BATCH_OFFSET_AT, Reader, Reply, Result, Storage,
    Value,
};

/// One frame of rows, whose batch is not decoded yet.
#[derive(Debug)]
pub struct RowsFrame {
    /// Whether more frames follow.
    pub more: bool,
    /// Whether a transaction is open on the connection after it.
    pub in_transaction: bool,
    /// Rows changed so far by INSERT, UPDATE or DELETE, all parameter sets together; -1 for any other statement.
    pub changes: i64,
    /// `sqlite3_last_insert_rowid` of the connection.
    pub last_insert_rowid: i64,
    /// The names of the columns; in the first frame only, and empty for a statement that returns no rows.
    pub columns: Option<Vec<String>>,
    /// The whole frame.
    pub frame: Buffer,
    /// At which byte of the frame the batch begins.
    pub batch_at: usize,
}

impl RowsFrame {
    /// Decodes the rows.
    pub fn decode(self) -> Result<Vec<Vec<Value>>> {
        let batch_at = self.batch_at;
        decode(&self.frame.into_vec(), batch_at)
    }

    /// Decodes a copy of the rows.
    pub fn rows(&self) -> Result<Vec<Vec<Value>>> {
        decode(&self.frame.to_vec(), self.batch_at)
    }
}

fn decode(bytes: &[u8], batch_at: usize) -> Result<Vec<Vec<Value>>> {
    let mut input = Reader::new(bytes);
    // The padding before the batch is part of the head, so the batch begins aligned.
    input.raw(batch_at)?;
    let batch = Batch::decode(&mut input)?;
    input.end()?;
    let mut rows = Vec::with_capacity(batch.rows() as usize);
    let mut cells = batch.cells();
    for _ in 0..batch.rows() {
        rows.push(cells.by_ref().take(batch.columns() as usize).map(|cell| cell.to_owned()).collect());
    }
    Ok(rows)
}

/// A reply.
#[derive(Debug)]
pub enum Answer {
    /// The worker is ready.
    Hello {
        /// The protocol that it speaks.
        protocol: u16,
        /// Its version.
        version: String,
        /// SQLite's version.
        sqlite_version: String,
    },
    /// The connection is open.
    Opened {
        /// Where the database lives.
        storage: Storage,
        /// The journal mode.
        journal_mode: String,
        /// In how many milliseconds the names of its files can be taken as safe; 0 when they can already.
        settles_in: u32,
    },
    /// Rows, or the end of a statement.
    Rows(RowsFrame),
    /// It is done.
    Done {
        /// Whether a transaction is open on the connection after it.
        in_transaction: bool,
    },
    /// It failed.
    Error {
        /// Why.
        error: Error,
        /// Whether a transaction is open on the connection after it; unknown when the worker is gone.
        in_transaction: Option<bool>,
    },
    /// The worker is broken.
    Fatal {
        /// What broke it.
        message: String,
    },
    /// What became of the requests that were asked about.
    Fates(Vec<Fate>),
    /// Something that answers nothing.
    Notice(Notice),
    /// A procedure has come to its end.
    Returned {
        /// Whether a transaction is open on the connection after it.
        in_transaction: bool,
        /// Whether it has ended a transaction.
        ended: bool,
        /// What it returned or threw.
        value: Vec<u8>,
    },
    /// How far the end of an import came; more follows.
    Progress {
        /// What it is doing.
        phase: ImportPhase,
        /// How many bytes are done.
        done: u64,
        /// Of how many.
        total: u64,
    },
}

impl Answer {
    /// The error of whoever waited for another reply.
    pub(crate) fn instead(&self, asked: &str) -> Error {
        let what = match self {
            Answer::Hello { .. } => "Hello",
            Answer::Opened { .. } => "Opened",
            Answer::Rows(_) => "Rows",
            Answer::Done { .. } => "Done",
            Answer::Error { .. } => "Error",
            Answer::Fatal { .. } => "Fatal",
            Answer::Fates(_) => "Fates",
            Answer::Notice(_) => "Notice",
            Answer::Progress { .. } => "Progress",
            Answer::Returned { .. } => "Returned",
        };
        Error::new(ErrorKind::Protocol, format!("{asked} was answered by {what}"))
    }
}

impl Answer {
    /// Decodes the head of a frame.
    pub fn decode(frame: Buffer) -> Result<(Header, Answer)> {
        // Enough for most heads, so that two copies are rare.
        let mut head = frame.prefix(512);
        let head_len = Reply::head_len(&head, frame.len());
        if head_len > head.len() {
            head = frame.prefix(head_len);
        }
        head.truncate(head_len);
        let (header, reply) = Reply::decode_head(&head)?;
        let answer = match reply {
            Reply::Hello { protocol, version, sqlite_version } => {
                Answer::Hello { protocol, version: version.to_owned(), sqlite_version: sqlite_version.to_owned() }
            }
            Reply::Opened { storage, journal_mode, settles_in } => {
                Answer::Opened { storage, journal_mode: journal_mode.to_owned(), settles_in }
            }
            Reply::Rows(rows) => {
                let columns = rows.columns.map(|names| names.into_iter().map(str::to_owned).collect());
                let (more, in_transaction) = (rows.more, rows.in_transaction);
                let (changes, last_insert_rowid) = (rows.changes, rows.last_insert_rowid);
                debug_assert!(head_len > ROWS_BATCH_OFFSET_AT);
                let batch_at = head_len;
                Answer::Rows(RowsFrame { more, in_transaction, changes, last_insert_rowid, columns, frame, batch_at })
            }
            Reply::Done { in_transaction } => Answer::Done { in_transaction },
            Reply::Error { error, in_transaction } => Answer::Error { error, in_transaction: Some(in_transaction) },
            Reply::Fatal { message } => Answer::Fatal { message: message.to_owned() },
            Reply::Fates(fates) => Answer::Fates(fates),
            Reply::Notice(notice) => Answer::Notice(notice),
            Reply::Returned { in_transaction, ended, value } => {
                Answer::Returned { in_transaction, ended, value: value.to_vec() }
            }
            Reply::Progress { phase, done, total } => Answer::Progress { phase, done, total },
        };
        Ok((header, answer))
    }

    /// Whether no other reply to the same request follows.
    pub fn is_last(&self) -> bool {
        match self {
            Answer::Rows(rows) => !rows.more,
            Answer::Progress { .. } => false,
            _ => true,
        }
    }

    /// Whether a transaction is open on the connection after it, where it says so.
    pub fn in_transaction(&self) -> Option<bool> {
        match self {
            Answer::Rows(rows) => Some(rows.in_transaction),
            Answer::Done { in_transaction } | Answer::Returned { in_transaction, .. } => Some(*in_transaction),
            Answer::Error { in_transaction, .. } => *in_transaction,
            _ => None,
        }
    }
}
