//! Clock, randomness and sleep in a browser, as sqlite-wasm-rs provides them.
#![forbid(unsafe_code)]

pub(super) use sqlite_wasm_rs::WasmOsCallback as Os;
