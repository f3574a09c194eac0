//! Where memory comes from: smaller than what the standard library brings, and quicker with many small pieces.

#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
