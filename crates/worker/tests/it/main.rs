//! The worker from outside: frames in, frames out, over a host in memory with a clock of its own.
#![cfg(not(target_arch = "wasm32"))]

mod bench;
mod deliver;
mod errors;
mod garbage;
mod life;
mod lock;
mod statements;
mod stop;
mod streams;
mod transactions;
