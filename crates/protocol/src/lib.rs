//! What aludel's client and its worker say to each other: values, errors, messages, and their bytes.
//!
//! This crate depends on nothing and never touches the environment. Every decoder is bounded, reads forward only, and
//! answers bad bytes with an [`Error`] of kind [`ErrorKind::Protocol`]; none panics. The bytes are drawn in
//! `docs/PROTOCOL.md` of the repository.
#![forbid(unsafe_code)]

mod codec;
mod error;
mod message;
mod rows;
mod value;

pub use codec::{Reader, Writer};
pub use error::{Constraint, ConstraintKind, Error, ErrorKind, Result, StorageReason};
pub use message::{
    BeginMode, Delivery, Durability, Execute, Header, OpenOptions, RepeatClass, Reply, Request, RowsReply, Storage,
    TransactionOp, FRAME_VERSION, HEADER_LEN, PROTOCOL_VERSION, ROWS_BATCH_OFFSET_AT,
};
pub use rows::{Batch, BatchWriter, Cells};
pub use value::{Value, ValueRef, MAX_SAFE_INTEGER};
