//! Where a statement is suspended: entered by an export that may be suspended, left by an import that suspends.
// Both attributes are deprecated to say that they are experimental.
#![allow(deprecated)]

use crate::slot;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Suspends what runs until JavaScript says in how many looks it is to come here again; 0 interrupts it.
    #[wasm_bindgen(suspending, js_namespace = slices, js_name = pause)]
    pub(crate) fn pause(slot: u32) -> JsValue;
}

/// Runs the statement that was put into a slot. Its outcome is asked for afterwards.
#[wasm_bindgen(jspi)]
pub fn go(slot: u32) {
    slot::go(slot);
}

/// Pauses so many times, from no depth at all.
#[wasm_bindgen(jspi)]
pub fn pauses(slot: u32, times: u32) {
    (0..times).for_each(|_| drop(pause(slot)));
}

/// Calls itself so many times on a stack that can be suspended, and pauses there if it is told to.
#[wasm_bindgen(jspi)]
pub fn depth_suspendable(calls: u32, and_pause: bool) -> u32 {
    crate::probe::dive(calls, &|| {
        if and_pause {
            drop(pause(0));
        }
    })
}
