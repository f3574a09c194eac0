//! What became of a commit whose host went away before it answered.

use crate::codec::malformed;
use crate::{Reader, Result, Writer};

/// What became of a request that may have been committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing of it is in the database.
    NotCommitted,
    /// All of it is in the database.
    Committed {
        /// Rows changed by INSERT, UPDATE or DELETE; -1 for any other statement, and for a COMMIT.
        changes: i64,
        /// `sqlite3_last_insert_rowid` of its connection.
        last_insert_rowid: i64,
        /// Whether it returned rows, which are lost.
        had_rows: bool,
    },
    /// It is too long ago.
    Unknown,
}

impl Fate {
    pub(crate) fn encode(&self, out: &mut Writer) {
        match self {
            Fate::NotCommitted => out.u8(0),
            Fate::Committed { changes, last_insert_rowid, had_rows } => {
                out.u8(1);
                out.i64(*changes);
                out.i64(*last_insert_rowid);
                out.u8((*had_rows).into());
            }
            Fate::Unknown => out.u8(2),
        }
    }

    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Fate> {
        match input.u8()? {
            0 => Ok(Fate::NotCommitted),
            1 => {
                Ok(Fate::Committed { changes: input.i64()?, last_insert_rowid: input.i64()?, had_rows: input.flag()? })
            }
            2 => Ok(Fate::Unknown),
            other => Err(malformed(format!("fate {other}"))),
        }
    }
}
