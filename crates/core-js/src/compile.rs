//! Statements from JavaScript, compiled.

use crate::error::thrown;
use aludel_protocol::{Batch, Reader, Value};
use aludel_sql::compile::{Compiled, InsertedKey, Options, ResultColumn, Segment, Slot, Source, compile};
use aludel_sql::expr::BindValue;
use aludel_sql::fields::Fields;
use aludel_sql::wire;
use wasm_bindgen::prelude::*;

/// Compiles a statement from its bytes; gives fields that `Compiled` of compiled.ts reads. `keys` are what the parameters of
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
    compile(&statement, options).map(|compiled| answer(&compiled)).map_err(thrown)
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

/// What `compiled.ts` reads: first what a statement is shown by, then what only its execution asks for.
fn answer(compiled: &Compiled) -> String {
    let is_list = |at: usize| compiled.segments.iter().any(|s| matches!(s, Segment::List(slot) if *slot == at));
    // As `SOURCE` of binding.ts numbers them.
    let source = |at: usize, slot: &Slot| match &slot.source {
        Source::Bind(BindValue::Literal(number)) if slot.named => (5, i64::from(*number)),
        Source::Bind(BindValue::Literal(number)) => (0, i64::from(*number)),
        Source::Bind(BindValue::LiteralList(number)) => (1, i64::from(*number)),
        Source::Callable(number) => (4, i64::from(*number)),
        // The compiler adds whole numbers only: those of LIMIT and OFFSET.
        Source::Bind(BindValue::Value(Value::Integer(integer))) => (6, *integer),
        Source::Bind(_) | Source::Function(_) if is_list(at) => (3, 0),
        Source::Bind(_) | Source::Function(_) => (2, 0),
    };
    let columns = |fields: &mut Fields, columns: &[ResultColumn]| {
        fields.count(columns.len());
        for column in columns {
            fields.text(&column.name);
            fields.text(&column.ty.code());
        }
    };
    let mut fields = Fields::with_capacity(1024);
    fields.count(compiled.segments.len());
    for segment in &compiled.segments {
        match segment {
            Segment::Sql(sql) => {
                fields.number(-1);
                fields.text(sql);
            }
            Segment::List(slot) => fields.number(*slot as i64),
        }
    }
    fields.count(compiled.slots.len());
    for (at, slot) in compiled.slots.iter().enumerate() {
        let (kind, number) = source(at, slot);
        fields.text(&slot.name);
        fields.count(kind);
        fields.number(number);
        fields.text(&slot.ty.code());
    }
    fields.count(compiled.warnings.len());
    compiled.warnings.iter().for_each(|warning| fields.text(warning));
    columns(&mut fields, &compiled.columns);
    columns(&mut fields, &compiled.key_columns);
    fields.count(compiled.inserted_key.len());
    for key in &compiled.inserted_key {
        fields.number(match key {
            InsertedKey::Slot(slot) => *slot as i64,
            InsertedKey::Rowid => -1,
            InsertedKey::Unknown => -2,
        });
    }
    fields.finish()
}
