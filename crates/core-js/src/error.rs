//! Errors of the compiler as JavaScript takes them. They know less than those of an engine, which `crates/js` writes.

use aludel_protocol::Error;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The record that `rehydrate()` of errors.ts makes an instance of its class.
    #[wasm_bindgen(extends = js_sys::Object)]
    type ErrorRecord;
    #[wasm_bindgen(method, setter = class)]
    fn set_class(this: &ErrorRecord, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_code(this: &ErrorRecord, value: Option<&str>);
    #[wasm_bindgen(method, setter)]
    fn set_message(this: &ErrorRecord, value: &str);
    #[wasm_bindgen(method, setter = sqliteCode)]
    fn set_sqlite_code(this: &ErrorRecord, value: i32);
    #[wasm_bindgen(method, setter)]
    fn set_retryable(this: &ErrorRecord, value: bool);
    #[wasm_bindgen(method, setter)]
    fn set_cause(this: &ErrorRecord, value: Option<ErrorRecord>);
}

/// An error on its way to JavaScript.
pub fn thrown(error: Error) -> JsValue {
    record(&error).into()
}

fn record(error: &Error) -> ErrorRecord {
    let record: ErrorRecord = js_sys::Object::new().unchecked_into();
    record.set_class(error.kind().class());
    record.set_code(error.code());
    record.set_message(error.message());
    record.set_sqlite_code(error.sqlite_code());
    record.set_retryable(error.retryable());
    record.set_cause(error.cause().map(self::record));
    record
}
