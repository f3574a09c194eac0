//! An app in Rust, as a user of the crate would write it: `aludel::Engine` over the npm package's worker file.
#![forbid(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod app;
