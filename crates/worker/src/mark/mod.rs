//! Marks: what became of a commit whose host died before it could say so.
//!
//! Before a request is committed whose client may have to ask about it later, a record is written to a file of its own,
//! beside the database (`app.db-mark`): which request of which client it is, where the log ends just now, and what will be
//! answered. It is not flushed; a power cut leaves nobody to ask. Afterwards nothing is written, for the next record says
//! that the commit was done. Only of the last record of a host that died is it not known; that one's position is compared
//! with the log that SQLite recovered. If the log has grown since, or is another log with commits in it, the commit was
//! done.
//!
//! That conclusion holds only if nobody else had begun a new log after the commit. Therefore the file of the log asks before
//! it is begun anew or cut off ([`crate::vfs::LogGuard`]), and a record is written first that says what is known.
#![forbid(unsafe_code)]

mod format;
mod ledger;
mod marks;
mod ring;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;

pub(crate) use format::{Outcome, Position};
pub(crate) use ledger::Start;
pub(crate) use marks::{Aside, Marks};
