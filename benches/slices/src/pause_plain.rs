//! The same exports for engines that suspend nothing: every statement runs to its end.

use crate::slot;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Asks JavaScript in how many looks it is to be asked again; 0 interrupts the statement.
    #[wasm_bindgen(js_namespace = slices, js_name = pause)]
    pub(crate) fn pause(slot: u32) -> JsValue;
}

/// Runs the statement that was put into a slot. Its outcome is asked for afterwards.
#[wasm_bindgen]
pub fn go(slot: u32) {
    slot::go(slot);
}

/// Pauses so many times, from no depth at all.
#[wasm_bindgen]
pub fn pauses(slot: u32, times: u32) {
    (0..times).for_each(|_| drop(pause(slot)));
}

/// Calls itself so many times.
#[wasm_bindgen]
pub fn depth_suspendable(calls: u32, _and_pause: bool) -> u32 {
    crate::probe::dive(calls, &|| {})
}
