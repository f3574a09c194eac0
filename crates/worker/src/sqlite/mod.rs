//! The one door to SQLite: safe handles over its C interface.
//!
//! `ffi` is sqlite-wasm-rs in the browser and libsqlite3-sys on hosts. Only what both offer is used (neither
//! `sqlite3_close_v2` nor anything else that one of them lacks).
//!
//! A [`Statement`] keeps its connection alive, and the frame that its parameters point into; so nothing here can be
//! closed or freed too early, in whatever order things are dropped.

mod aggregate;
mod backup;
mod commit;
mod connection;
mod error;
mod function;
#[cfg(any(target_arch = "wasm32", test))]
mod memory;
mod parameters;
mod reads;
mod regexp;
mod statement;
mod user;
mod value;
mod watch;

#[cfg(not(target_arch = "wasm32"))]
pub use libsqlite3_sys as ffi;
#[cfg(target_arch = "wasm32")]
pub use sqlite_wasm_rs as ffi;

pub use aggregate::{Aggregate, NewAggregate};
pub use backup::{Backup, Copied};
pub use commit::BeforeCommit;
pub use connection::{Checkpoint, Connection, Prepared, TransactionState};
pub use error::Failure;
pub use parameters::Parameters;
pub use statement::{Statement, Step};
pub use user::{Collation, FunctionOptions, Scalar};
pub use value::NotUtf8;
pub use watch::Tables;

use std::ffi::CStr;

/// The version of SQLite, `"3.53.4"` for instance.
pub fn version() -> &'static str {
    // SAFETY: SQLite returns a constant, NUL-terminated string.
    let version = unsafe { CStr::from_ptr(ffi::sqlite3_libversion()) };
    version.to_str().unwrap_or("unknown")
}
