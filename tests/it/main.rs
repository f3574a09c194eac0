//! The client over the in-process transport, against real SQLite.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;
mod tabs;

mod calls;
mod compiled_cache;
mod core;
mod core_execute;
mod core_hostile;
mod core_meaning;
mod core_random;
mod crowd;
mod errors;
#[path = "../../crates/sql/tests/it/tables.rs"]
mod tables;
// It asks the worker's own SQLite, which a host has in the process.
#[cfg(not(target_arch = "wasm32"))]
mod files;
mod hooks;
#[cfg(not(target_arch = "wasm32"))]
mod import;
mod listen;
mod log;
mod migrations;
mod papers;
mod pool;
mod pool_blocked;
mod pool_options;
mod programs;
mod programs_core;
mod reflect;
mod reflect_random;
mod results;
mod rows;
mod schema;
mod surface;
mod transactions;
mod watch;
