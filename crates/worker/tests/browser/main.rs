//! Service and storage in a dedicated worker, on files of the origin private file system.
#![cfg(target_arch = "wasm32")]
// `clippy.toml` allows these in test functions only; here, the functions beside them are tests as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attach;
mod bench;
mod builds;
#[cfg(feature = "faults")]
mod contract;
mod faults;
mod histories;
#[path = "../histories/history/mod.rs"]
mod history;
mod import;
mod looks;
mod marks;
mod refusals;
mod script;
mod storage;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
