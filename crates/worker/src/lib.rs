//! aludel's worker: SQLite, its storage and its scheduler, behind bytes in and bytes out.
//!
//! A [`Service`] takes frames of `aludel_protocol` and posts replies through its [`Environment`]: in a browser that is the
//! worker's shell (`entry`), natively the in-process transport of the client, and in tests a list in memory.
//!
//! Nothing here knows expressions or results: the worker sees SQL text, values and how to deliver rows.
#![deny(unsafe_code)]

mod attach;
mod blocked;
mod changes;
mod connection;
mod cursor;
mod database;
#[cfg(not(target_arch = "wasm32"))]
mod disk;
#[cfg(target_arch = "wasm32")]
#[path = "disk_absent.rs"]
mod disk;
#[cfg(target_arch = "wasm32")]
pub mod entry;
mod environment;
mod execution;
mod health;
mod import;
mod job;
mod keyword;
mod log;
mod mark;
mod procedure;
mod scheduler;
mod service;
mod sets;
#[allow(unsafe_code)]
pub mod sqlite;
mod statement_cache;
mod stepping;
mod transaction;
#[allow(unsafe_code)]
pub mod vfs;
mod writers;

pub use environment::{Environment, Preparation, Turn};
pub use procedure::{Finding, Procedure, SyncConnection};
pub use service::Service;
pub use stepping::{Pausing, Stepping};
