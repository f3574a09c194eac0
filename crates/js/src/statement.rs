//! What the crate `aludel-sql` knows of texts of SQL.

use crate::convert::text;
use crate::error::thrown;
use aludel_protocol::{Batch, Reader};
use aludel_sql::{describe_batch, split_statements};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// `ScriptStatement` of statement.ts.
    #[wasm_bindgen(extends = js_sys::Object)]
    pub type ScriptStatement;
    #[wasm_bindgen(method, setter = sql)]
    fn set_statement_sql(this: &ScriptStatement, value: &str);
    #[wasm_bindgen(method, setter)]
    fn set_offset(this: &ScriptStatement, value: f64);
}

/// The parameters of a text of SQL, in SQLite's index order: their names, null for `?`.
#[wasm_bindgen(js_name = parameterNames)]
pub fn parameter_names(source: &str, verbatim: bool) -> Result<js_sys::Array, JsValue> {
    let text = text(source, verbatim).map_err(thrown)?;
    Ok(text.parameters().map(|name| name.map_or(JsValue::NULL, JsValue::from_str)).collect())
}

/// Cuts a script into its statements. Offsets count UTF-16 code units.
#[wasm_bindgen(js_name = splitStatements)]
pub fn split(script: &str) -> js_sys::Array {
    let (mut units, mut bytes) = (0, 0);
    let statements = split_statements(script).into_iter().map(|span| {
        units += script.get(bytes..span.offset).map_or(0, |between| between.encode_utf16().count());
        bytes = span.offset;
        let statement: ScriptStatement = js_sys::Object::new().unchecked_into();
        statement.set_statement_sql(span.sql);
        statement.set_offset(units as f64);
        JsValue::from(statement)
    });
    statements.collect()
}

/// Encoded parameters as SQLAlchemy shows them.
#[wasm_bindgen(js_name = describeParameters)]
pub fn describe_parameters(batch: &[u8], many: bool) -> Result<String, JsValue> {
    let batch = Batch::decode(&mut Reader::new(batch)).map_err(thrown)?;
    Ok(describe_batch(&batch, many))
}
