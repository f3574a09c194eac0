//! What the tests in browsers share.
#![cfg(target_arch = "wasm32")]
#![forbid(unsafe_code)]
