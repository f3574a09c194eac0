//! aludel's JavaScript face: the client's wasm, on the main thread.
//!
//! Thin forwards to the Rust client. The package's TypeScript (`pkg-templates/src`) is what users see; it validates
//! shapes, encodes parameters, decodes rows and turns records of errors into instances of their classes. Everything
//! exported here is named `Native...` there.
#![forbid(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod call;
#[cfg(target_arch = "wasm32")]
mod connection;
#[cfg(target_arch = "wasm32")]
mod convert;
#[cfg(target_arch = "wasm32")]
mod engine;
#[cfg(target_arch = "wasm32")]
mod error;
#[cfg(target_arch = "wasm32")]
mod events;
#[cfg(target_arch = "wasm32")]
mod files;
#[cfg(target_arch = "wasm32")]
mod statement;
#[cfg(target_arch = "wasm32")]
mod transaction;
