//! What can be asked about the stack and the memory of the instance.

use std::hint::black_box;
use wasm_bindgen::prelude::*;

/// Calls itself so many times, each with some memory of the shadow stack that it looks at again on its way back. Gives
/// the number of calls that found theirs as they had left it.
#[inline(never)]
pub(crate) fn dive(calls: u32, at_the_bottom: &dyn Fn()) -> u32 {
    let mark = black_box([calls; 16]);
    if calls == 0 {
        at_the_bottom();
        return 0;
    }
    let below = dive(calls - 1, at_the_bottom);
    below + u32::from(black_box(mark) == [calls; 16])
}

/// Calls itself so many times on the stack of an ordinary export.
#[wasm_bindgen]
pub fn depth_plain(calls: u32) -> u32 {
    dive(calls, &|| {})
}

/// Where the shadow stack stands in an ordinary export: it must never change.
#[wasm_bindgen]
pub fn stack_address() -> u32 {
    let here = black_box(0_u32);
    (&raw const here) as u32
}
