//! The client in a page, over the worker of the package.
#![cfg(target_arch = "wasm32")]
