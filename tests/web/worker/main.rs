//! Service and storage in a dedicated worker, on files of the origin private file system.
#![cfg(target_arch = "wasm32")]
