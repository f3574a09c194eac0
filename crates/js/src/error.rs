//! Errors as JavaScript takes them: a record with a field for everything that is known, never just a text.

use aludel_protocol::{Constraint, Error, ErrorKind, LONG_STATEMENT};
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
    fn set_offset(this: &ErrorRecord, value: f64);
    #[wasm_bindgen(method, setter)]
    fn set_statement(this: &ErrorRecord, value: Option<&str>);
    #[wasm_bindgen(method, setter)]
    fn set_parameters(this: &ErrorRecord, value: Option<&str>);
    #[wasm_bindgen(method, setter)]
    fn set_constraint(this: &ErrorRecord, value: Option<ConstraintRecord>);
    #[wasm_bindgen(method, setter)]
    fn set_reason(this: &ErrorRecord, value: Option<&str>);
    #[wasm_bindgen(method, setter)]
    fn set_retryable(this: &ErrorRecord, value: bool);
    #[wasm_bindgen(method, setter)]
    fn set_cause(this: &ErrorRecord, value: Option<ErrorRecord>);

    /// `Constraint` of errors.ts.
    #[wasm_bindgen(extends = js_sys::Object)]
    type ConstraintRecord;
    #[wasm_bindgen(method, setter)]
    fn set_kind(this: &ConstraintRecord, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_name(this: &ConstraintRecord, value: &JsValue);
    #[wasm_bindgen(method, setter)]
    fn set_table(this: &ConstraintRecord, value: &JsValue);
    #[wasm_bindgen(method, setter)]
    fn set_columns(this: &ConstraintRecord, value: Vec<String>);
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
    record.set_offset(error.offset().map_or(-1.0, f64::from));
    // A call that was aborted is told the reason of its signal instead (`call()` of call.ts): nobody reads all that.
    let is_told =
        error.kind() != ErrorKind::Cancelled || error.statement().is_none_or(|sql| sql.len() < LONG_STATEMENT);
    record.set_statement(error.statement().filter(|_| is_told));
    record.set_parameters(error.parameters().filter(|_| is_told));
    record.set_constraint(error.constraint().map(constraint));
    record.set_reason(error.reason().map(|reason| reason.as_str()));
    record.set_retryable(error.retryable());
    record.set_cause(error.cause().map(self::record));
    record
}

fn constraint(constraint: &Constraint) -> ConstraintRecord {
    let nullable = |text: &Option<String>| text.as_deref().map_or(JsValue::NULL, JsValue::from_str);
    let record: ConstraintRecord = js_sys::Object::new().unchecked_into();
    record.set_kind(constraint.kind.as_str());
    record.set_name(&nullable(&constraint.name));
    record.set_table(&nullable(&constraint.table));
    record.set_columns(constraint.columns.clone());
    record
}
