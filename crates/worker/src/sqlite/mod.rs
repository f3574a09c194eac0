//! The one door to SQLite: safe handles over its C interface.
//!
//! `ffi` is sqlite-wasm-rs in the browser and libsqlite3-sys on hosts. Only what both offer is used (neither
//! `sqlite3_close_v2` nor anything else that one of them lacks).

#[cfg(not(target_arch = "wasm32"))]
pub use libsqlite3_sys as ffi;
#[cfg(target_arch = "wasm32")]
pub use sqlite_wasm_rs as ffi;
