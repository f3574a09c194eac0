//! Marks without a database, and with one that crashes wherever it can.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod crash;
mod format;
mod ledger;
mod support;
mod world;
