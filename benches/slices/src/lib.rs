//! Time slices, a prototype: SQLite as the worker has it, with statements that are suspended in the progress handler.
//!
//! JavaScript decides who runs, who is suspended and who goes on. See docs/SLICES.md.
#![forbid(unsafe_code)]

#[cfg(feature = "jspi")]
#[path = "pause_jspi.rs"]
mod pause;
#[cfg(not(feature = "jspi"))]
#[path = "pause_plain.rs"]
mod pause;
mod probe;
mod slot;

use aludel_worker::vfs;
use wasm_bindgen::prelude::*;

/// Opens the files of a database in OPFS.
#[wasm_bindgen]
pub async fn attach_opfs(path: String) -> Result<(), JsValue> {
    vfs::register().map_err(|error| JsValue::from_str(&error.to_string()))?;
    vfs::attach_opfs(&path, true).await.map_err(|error| JsValue::from_str(&error.to_string()))
}

/// Makes a database in memory.
#[wasm_bindgen]
pub fn attach_memory(path: &str) -> Result<(), JsValue> {
    vfs::register().map_err(|error| JsValue::from_str(&error.to_string()))?;
    vfs::attach_memory(path);
    Ok(())
}

/// Gives the files of a database up, or its memory back.
#[wasm_bindgen]
pub fn detach(path: &str) {
    vfs::detach(path);
}
