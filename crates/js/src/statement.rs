//! What the crate `aludel-sql` knows of texts of SQL.

use crate::convert::text;
use crate::error::thrown;
use aludel_protocol::{Batch, Reader};
use aludel_sql::compile::literal;
use aludel_sql::statement::{Piece, TextPart};
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

/// A text of SQL in pieces: SQL and the names of parameters, in turns; SQL comes first and last.
#[wasm_bindgen(js_name = textPieces)]
pub fn text_pieces(source: &str) -> Result<js_sys::Array, JsValue> {
    let part = TextPart::new(source, Vec::new()).map_err(thrown)?;
    let pieces = part.pieces().into_iter();
    Ok(pieces.map(|(Piece::Sql(text) | Piece::Parameter(text))| JsValue::from_str(text)).collect())
}

/// Encoded values as SQL, each as a literal.
#[wasm_bindgen(js_name = literals)]
pub fn literals(batch: &[u8]) -> Result<js_sys::Array, JsValue> {
    let batch = Batch::decode(&mut Reader::new(batch)).map_err(thrown)?;
    let literals = batch.cells().map(|cell| literal(&cell.to_owned()).map(|sql| JsValue::from_str(&sql)));
    literals.collect::<aludel_protocol::Result<_>>().map_err(thrown)
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
