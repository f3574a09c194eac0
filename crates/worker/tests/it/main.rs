//! The worker from outside: frames in, frames out, over a host in memory with a clock of its own.
#![cfg(not(target_arch = "wasm32"))]
// `clippy.toml` allows these in test functions only; here, the functions beside them are tests as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod aggregates;
mod attach;
mod bench;
mod blocked;
mod builds;
mod cancelled;
mod changes;
mod deliver;
mod errors;
mod fairness;
mod fates;
#[cfg(feature = "faults")]
mod faults;
mod garbage;
#[cfg(feature = "faults")]
mod import;
#[cfg(feature = "faults")]
mod import_faults;
mod life;
mod lock;
mod locked;
mod log;
#[cfg(feature = "faults")]
mod long_texts;
mod multi_client;
mod procedures;
mod scratch;
mod sets;
mod sliced;
mod slices;
mod stacks;
mod statements;
mod stop;
mod streams;
mod transactions;
