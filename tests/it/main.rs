//! The client over the in-process transport, against real SQLite.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

mod pool;
mod programs;
mod results;
mod transactions;
