//! What aludel's client and its worker say to each other: values, errors, messages, and their bytes; and the maps that
//! both keep what they have in.
//!
//! This crate depends on nothing and never touches the environment. Every decoder is bounded, reads forward only, and
//! answers bad bytes with an [`Error`] of kind [`ErrorKind::Protocol`]; none panics. The bytes are drawn in
//! `docs/PROTOCOL.md` of the repository.
#![forbid(unsafe_code)]

mod bundle;
mod codec;
mod constraint;
mod error;
mod fate;
mod header;
mod notice;
mod options;
mod renew;
mod reply;
mod request;
mod rows;
mod skew;
mod sorted;
mod value;

pub use bundle::{Bundle, LONGEST_BUNDLE, SMALL_FRAME, frames, is_bundle};
pub use codec::{Reader, Writer};
pub use constraint::{Constraint, ConstraintKind};
pub use error::{Error, ErrorKind, LONG_STATEMENT, Result, StorageReason};
pub use fate::Fate;
pub use header::{FRAME_VERSION, HEADER_LEN, Header, PROTOCOL_VERSION, RepeatClass};
pub use notice::{Blocked, Commit, Notice, Obstacle, Party};
pub use options::{Durability, OpenOptions, Storage};
pub use reply::{FATAL, ImportPhase, ROWS_BATCH_OFFSET_AT, Reply, RowsReply};
pub use request::{BeginMode, CANCEL, Delivery, Execute, HELLO, ImportStep, ProcedureCall, Request, TransactionOp};
pub use rows::{Batch, BatchWriter, Cells, Mark};
pub use skew::{RELOAD, Side, other_version};
pub use sorted::{SortedMap, SortedSet};
pub use value::{MAX_SAFE_INTEGER, Value, ValueRef};
