//! Core for JavaScript: statements compiled, schemas read back.
//!
//! A wasm file of its own beside that of the client (`crates/js`), so that whoever runs texts of SQL only need not carry the
//! compiler. Thin forwards to `aludel-sql`; what they are called from is `pkg-templates/src/core`.
#![forbid(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod compile;
#[cfg(target_arch = "wasm32")]
mod error;
#[cfg(target_arch = "wasm32")]
mod memory;
#[cfg(target_arch = "wasm32")]
mod reflect;
