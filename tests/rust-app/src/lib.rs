//! A small app in Rust that uses aludel in a browser.
#![cfg(target_arch = "wasm32")]
#![forbid(unsafe_code)]
