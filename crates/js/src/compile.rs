//! Statements from JavaScript, compiled.

use crate::error::thrown;
use aludel_protocol::{Batch, Reader, Value};
use aludel_sql::compile::{Compiled, InsertedKey, Options, ResultColumn, Segment, Slot, Source, compile};
use aludel_sql::expr::BindValue;
use aludel_sql::wire;
use js_sys::{Array, Object};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const COMPILED_RECORD: &str = r#"
export interface CompiledRecord {
  segments: (string | number)[];
  slotNames: string[];
  slotSources: number[];
  slotNumbers: number[];
  slotTypes: string[];
  columnNames: string[];
  columnTypes: string[];
  insertedKey: number[];
  keyNames: string[];
  keyTypes: string[];
  warnings: string[];
}
"#;

#[wasm_bindgen]
extern "C" {
    /// A compiled statement, as `compiled.ts` reads it.
    #[wasm_bindgen(extends = Object, typescript_type = "CompiledRecord")]
    pub type CompiledRecord;
    #[wasm_bindgen(method, setter)]
    fn set_segments(this: &CompiledRecord, value: &Array);
    #[wasm_bindgen(method, setter = slotNames)]
    fn set_slot_names(this: &CompiledRecord, value: &Array);
    #[wasm_bindgen(method, setter = slotSources)]
    fn set_slot_sources(this: &CompiledRecord, value: &Array);
    #[wasm_bindgen(method, setter = slotNumbers)]
    fn set_slot_numbers(this: &CompiledRecord, value: &Array);
    #[wasm_bindgen(method, setter = slotTypes)]
    fn set_slot_types(this: &CompiledRecord, value: &Array);
    #[wasm_bindgen(method, setter = columnNames)]
    fn set_column_names(this: &CompiledRecord, value: &Array);
    #[wasm_bindgen(method, setter = columnTypes)]
    fn set_column_types(this: &CompiledRecord, value: &Array);
    #[wasm_bindgen(method, setter = insertedKey)]
    fn set_inserted_key(this: &CompiledRecord, value: &Array);
    #[wasm_bindgen(method, setter = keyNames)]
    fn set_key_names(this: &CompiledRecord, value: &Array);
    #[wasm_bindgen(method, setter = keyTypes)]
    fn set_key_types(this: &CompiledRecord, value: &Array);
    #[wasm_bindgen(method, setter)]
    fn set_warnings(this: &CompiledRecord, value: &Array);
}

/// Compiles a statement from its bytes. `keys` are what the parameters of the call name; `literals`, a batch of one row,
/// are the values that are to stand in the SQL. Behind them are the items of lists: `lists` has four numbers for each, that
/// of the list, where it begins, how many items it has, and how many values each of them has (0 for one that is no row).
#[wasm_bindgen(js_name = compileStatement)]
pub fn compile_statement(
    bytes: &[u8],
    keys: Option<Vec<String>>,
    literals: Option<Vec<u8>>,
    lists: Option<Vec<u32>>,
) -> Result<CompiledRecord, JsValue> {
    let statement = wire::decode(bytes).map_err(thrown)?;
    let keys: Option<Vec<&str>> = keys.as_ref().map(|keys| keys.iter().map(String::as_str).collect());
    let values = literals.as_deref().map(|bytes| Batch::decode(&mut Reader::new(bytes))).transpose().map_err(thrown)?;
    let values: Option<Vec<Value>> = values.map(|batch| batch.cells().map(|cell| cell.to_owned()).collect());
    let literals = values.as_deref().unwrap_or_default();
    let lists: Vec<(u32, BindValue)> =
        lists.iter().flat_map(|lists| lists.chunks_exact(4)).filter_map(|list| list_of(list, literals)).collect();
    let (literal_binds, keys) = (values.is_some(), keys.as_deref());
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

fn record(compiled: &Compiled) -> CompiledRecord {
    let texts = |texts: &mut dyn Iterator<Item = &str>| texts.map(JsValue::from_str).collect::<Array>();
    let numbers = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(JsValue::from_f64).collect::<Array>();
    let codes =
        |columns: &[ResultColumn]| columns.iter().map(|column| JsValue::from(column.ty.code())).collect::<Array>();
    let segment = |segment: &Segment| match segment {
        Segment::Sql(sql) => JsValue::from_str(sql),
        Segment::List(slot) => JsValue::from_f64(*slot as f64),
    };
    // As `SOURCE` of compiled.ts numbers them.
    let source = |slot: &Slot| match &slot.source {
        Source::Bind(BindValue::Literal(number)) if slot.named => (5.0, f64::from(*number)),
        Source::Bind(BindValue::Literal(number)) => (0.0, f64::from(*number)),
        Source::Bind(BindValue::LiteralList(number)) => (1.0, f64::from(*number)),
        Source::Callable(number) => (4.0, f64::from(*number)),
        // The compiler adds whole numbers only: those of LIMIT and OFFSET.
        Source::Bind(BindValue::Value(Value::Integer(integer))) => (6.0, *integer as f64),
        Source::Bind(_) | Source::Function(_) => (2.0, 0.0),
    };
    let sources: Vec<(f64, f64)> = compiled.slots.iter().map(source).collect();
    let lists: Vec<usize> =
        compiled.segments.iter().filter_map(|s| if let Segment::List(slot) = s { Some(*slot) } else { None }).collect();
    let kinds =
        sources.iter().enumerate().map(|(at, (kind, _))| if *kind == 2.0 && lists.contains(&at) { 3.0 } else { *kind });
    let out: CompiledRecord = Object::new().unchecked_into();
    out.set_segments(&compiled.segments.iter().map(segment).collect());
    out.set_slot_names(&texts(&mut compiled.slots.iter().map(|slot| &*slot.name)));
    out.set_slot_sources(&numbers(&mut kinds.into_iter()));
    out.set_slot_numbers(&numbers(&mut sources.iter().map(|(_, number)| *number)));
    out.set_slot_types(&compiled.slots.iter().map(|slot| JsValue::from(slot.ty.code())).collect());
    out.set_column_names(&texts(&mut compiled.columns.iter().map(|column| &*column.name)));
    out.set_column_types(&codes(&compiled.columns));
    out.set_key_names(&texts(&mut compiled.key_columns.iter().map(|column| &*column.name)));
    out.set_key_types(&codes(&compiled.key_columns));
    let key = |key: &InsertedKey| match key {
        InsertedKey::Slot(slot) => *slot as f64,
        InsertedKey::Rowid => -1.0,
        InsertedKey::Unknown => -2.0,
    };
    out.set_inserted_key(&numbers(&mut compiled.inserted_key.iter().map(key)));
    out.set_warnings(&texts(&mut compiled.warnings.iter().map(String::as_str)));
    out
}
