//! What databases hold, for `inspect.ts`: the queries, and what their rows say.

use crate::error::thrown;
use aludel_protocol::{Batch, Reader, Value};
use aludel_sql::reflect::{DATABASES, Inspector, cannot_sort, names, query, repair};
use wasm_bindgen::prelude::*;

/// A query: for the names of databases; of their tables (an empty name is no name); for all that they hold, with columns or
/// without; for the columns of one table of a database; for the version of the schema, and to set it. Or the warning that
/// these tables refer to each other in a circle.
#[wasm_bindgen(js_name = reflectSql)]
pub fn reflect_sql(what: &str, given: Vec<String>) -> String {
    let optional: Vec<Option<&str>> =
        given.iter().map(|name| Some(name.as_str()).filter(|name| !name.is_empty())).collect();
    match (what, &given[..]) {
        ("names", _) => names(&optional),
        ("all", _) => query(&given, true),
        ("objects", _) => query(&given, false),
        ("columns", [schema, table]) => repair(schema, table),
        ("circle", _) => cannot_sort(given.iter().map(String::as_str)),
        _ => DATABASES.to_owned(),
    }
}

/// What the rows of these queries say, as JSON. `unreflectable` holds, three by three, databases, tables and why SQLite cannot
/// tell their columns.
#[wasm_bindgen(js_name = reflectRows)]
pub fn reflect_rows(schemas: Vec<String>, rows: &[u8], unreflectable: Vec<String>) -> Result<String, JsValue> {
    let batch = Batch::decode(&mut Reader::new(rows)).map_err(thrown)?;
    let cells: Vec<Value> = batch.cells().map(|cell| cell.to_owned()).collect();
    let rows: Vec<Vec<Value>> = cells.chunks(batch.columns().max(1) as usize).map(<[Value]>::to_vec).collect();
    let why: Vec<(String, String, String)> = unreflectable
        .chunks_exact(3)
        .filter_map(|three| match three {
            [schema, table, why] => Some((schema.clone(), table.clone(), why.clone())),
            _ => None,
        })
        .collect();
    Ok(Inspector::of_rows(schemas, &rows, &why).to_json())
}
