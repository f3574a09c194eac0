//! Statements from JavaScript, compiled.

use crate::error::thrown;
use aludel_protocol::{Batch, Reader, Value};
use aludel_sql::compile::{Compiled, InsertedKey, Options, ResultColumn, Segment, Slot, Source, compile};
use aludel_sql::expr::BindValue;
use aludel_sql::json::Json;
use aludel_sql::wire;
use wasm_bindgen::prelude::*;

/// Compiles a statement from its bytes; gives `CompiledRecord` of compiled.ts as JSON. `keys` are what the parameters of
/// the call name; `literals`, a batch of one row, are the values that are to stand in the SQL, if not `all` only where no
/// parameter can. Behind them are the items of lists: `lists` has four numbers for each, that of the list, where it begins,
/// how many items it has, and how many values each of them has (0 for one that is no row).
#[wasm_bindgen(js_name = compileStatement)]
pub fn compile_statement(
    bytes: &[u8],
    keys: Option<Vec<String>>,
    literals: Option<Vec<u8>>,
    lists: Option<Vec<u32>>,
    all: Option<bool>,
) -> Result<String, JsValue> {
    let statement = wire::decode(bytes).map_err(thrown)?;
    let keys: Option<Vec<&str>> = keys.as_ref().map(|keys| keys.iter().map(String::as_str).collect());
    let values = literals.as_deref().map(|bytes| Batch::decode(&mut Reader::new(bytes))).transpose().map_err(thrown)?;
    let values: Option<Vec<Value>> = values.map(|batch| batch.cells().map(|cell| cell.to_owned()).collect());
    let literals = values.as_deref().unwrap_or_default();
    let lists: Vec<(u32, BindValue)> =
        lists.iter().flat_map(|lists| lists.chunks_exact(4)).filter_map(|list| list_of(list, literals)).collect();
    let (literal_binds, keys) = (values.is_some() && all.unwrap_or(true), keys.as_deref());
    let options = Options { literal_binds, literals, lists: &lists, keys };
    compile(&statement, options).map(|compiled| record(&compiled)).map_err(thrown)
}

fn list_of(list: &[u32], values: &[Value]) -> Option<(u32, BindValue)> {
    let [number, from, count, width] = *<&[u32; 4]>::try_from(list).ok()?;
    let items = values.get(from as usize..)?.get(..count as usize * width.max(1) as usize)?;
    let list = match width {
        0 => BindValue::List(items.to_vec()),
        _ => BindValue::Rows(items.chunks_exact(width as usize).map(<[Value]>::to_vec).collect()),
    };
    Some((number, list))
}

fn record(compiled: &Compiled) -> String {
    let lists: Vec<usize> =
        compiled.segments.iter().filter_map(|s| if let Segment::List(slot) = s { Some(*slot) } else { None }).collect();
    // As `SOURCE` of binding.ts numbers them.
    let source = |at: usize, slot: &Slot| match &slot.source {
        Source::Bind(BindValue::Literal(number)) if slot.named => (5, i64::from(*number)),
        Source::Bind(BindValue::Literal(number)) => (0, i64::from(*number)),
        Source::Bind(BindValue::LiteralList(number)) => (1, i64::from(*number)),
        Source::Callable(number) => (4, i64::from(*number)),
        // The compiler adds whole numbers only: those of LIMIT and OFFSET.
        Source::Bind(BindValue::Value(Value::Integer(integer))) => (6, *integer),
        Source::Bind(_) | Source::Function(_) if lists.contains(&at) => (3, 0),
        Source::Bind(_) | Source::Function(_) => (2, 0),
    };
    let columns = |json: &mut Json, columns: &[ResultColumn]| {
        json.list(columns.len(), &mut |json, at| {
            json.raw("[");
            json.text(&columns[at].name);
            json.raw(",");
            json.text(&columns[at].ty.code());
            json.raw("]");
        });
    };
    let key = |key: &InsertedKey| match key {
        InsertedKey::Slot(slot) => *slot as i64,
        InsertedKey::Rowid => -1,
        InsertedKey::Unknown => -2,
    };
    let mut json = Json::default();
    json.object(&mut |json| {
        json.key("segments");
        json.list(compiled.segments.len(), &mut |json, at| match &compiled.segments[at] {
            Segment::Sql(sql) => json.text(sql),
            Segment::List(slot) => json.number(*slot as i64),
        });
        json.key("slots");
        json.list(compiled.slots.len(), &mut |json, at| {
            let slot = &compiled.slots[at];
            let (kind, number) = source(at, slot);
            json.raw("[");
            json.text(&slot.name);
            json.raw(",");
            json.number(kind);
            json.raw(",");
            json.number(number);
            json.raw(",");
            json.text(&slot.ty.code());
            json.raw("]");
        });
        json.key("columns");
        columns(json, &compiled.columns);
        json.key("keys");
        columns(json, &compiled.key_columns);
        json.key("insertedKey");
        json.list(compiled.inserted_key.len(), &mut |json, at| json.number(key(&compiled.inserted_key[at])));
        json.key("warnings");
        json.texts(&compiled.warnings);
    });
    json.finish()
}
