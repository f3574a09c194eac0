//! What the compiler makes of statements.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod constructs;
mod deep;
mod gallery;
mod tables;
