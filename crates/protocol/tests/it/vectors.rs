//! `tests/vectors/frames.json` of the repository: batches and Rows frames with the values they hold, in a form that
//! JavaScript reads. The TypeScript encoder and decoder are tested against it.
//!
//! A cell is `null`, a string, `{"number": "1.5"}`, `{"bigint": "9223372036854775807"}` or `{"blob": "<base64>"}`.
//! Numbers are texts because JSON has no infinities and no negative zero: JavaScript reads them with `Number()`.

use crate::samples::{batch, every_value, header, rows_frame};
use aludel_protocol::{Batch, BatchWriter, MAX_SAFE_INTEGER, Reader, Reply, Value, ValueRef, Writer};
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn the_vectors_for_javascript_are_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/frames.json");
    let written = render();
    if crate::bless() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &written).unwrap();
    }
    let on_file = std::fs::read_to_string(&path).unwrap();
    assert_eq!(on_file, written, "{} differs: ALUDEL_BLESS=1 writes it anew", path.display());
}

fn render() -> String {
    let mut json = String::from("{\n");
    let about = "Written by crates/protocol/tests/it/vectors.rs, which says what the cells mean.";
    writeln!(json, "  \"about\": {},", quote(about)).unwrap();
    json += "  \"rows\": [\n";
    json += &rows().join(",\n");
    json += "\n  ],\n  \"parameters\": [\n";
    json += &parameters().join(",\n");
    json += "\n  ],\n  \"malformed\": [\n";
    json += &malformed().join(",\n");
    json += "\n  ]\n}\n";
    json
}

/// Rows frames and what a decoder finds in them.
fn rows() -> Vec<String> {
    let values = every_value();
    let odd = ["__proto__", "constructor", "length", "then", "", "twice", "twice", "größe"];
    let mixed: Vec<Value> = (0..60)
        .map(|i: i64| match i % 6 {
            0 => Value::Integer(i),
            1 => format!("row {i}").into(),
            2 => Value::Real(i as f64 / 4.0),
            3 => Value::Null,
            4 => format!("naïve {i} \u{1f9ea}").into(),
            _ => Value::Blob(vec![i as u8; i as usize % 7]),
        })
        .collect();
    let wide: Vec<Value> = (0..8).map(Value::Integer).collect();
    /// Name, whether more follows, changes, last rowid, names of columns, cells.
    type Case<'a> = (&'a str, bool, i64, i64, Option<&'a [&'a str]>, BatchWriter);
    let cases: Vec<Case<'_>> = vec![
        ("every value, a column", false, -1, 0, Some(&["value"]), batch(1, &values)),
        ("every value, two columns, names sent before", true, -1, 0, None, batch(2, &values)),
        ("columns with odd names", false, -1, 0, Some(&odd), batch(8, &wide)),
        ("all sorts, six columns", true, -1, 0, Some(&["a", "b", "c", "d", "e", "f"]), batch(6, &mixed)),
        ("no rows", false, -1, 0, Some(&["a", "b"]), BatchWriter::new(2)),
        ("no columns, changes", false, 3, 42, Some(&[]), BatchWriter::new(0)),
        ("a rowid beyond the safe integers", false, 1, i64::MAX, Some(&[]), BatchWriter::new(0)),
    ];
    cases
        .into_iter()
        .map(|(name, more, changes, rowid, columns, batch)| {
            let frame = rows_frame(more, changes, rowid, columns, &batch);
            let (read, Reply::Rows(rows)) = Reply::decode(&frame).unwrap() else { panic!("no Rows frame") };
            assert_eq!(read, header());
            let names = match &rows.columns {
                Some(names) => format!("[{}]", names.iter().map(|n| quote(n)).collect::<Vec<_>>().join(", ")),
                None => "null".into(),
            };
            let offset = u32::from_le_bytes(frame[aludel_protocol::ROWS_BATCH_OFFSET_AT..][..4].try_into().unwrap());
            format!(
                "    {{\n      \"name\": {},\n      \"frame\": \"{}\",\n      \"batchOffset\": {offset},\n      \
                 \"more\": {more},\n      \"changes\": {changes},\n      \"lastInsertRowid\": \"{rowid}\",\n      \
                 \"columns\": {names},\n      \"rows\": {}\n    }}",
                quote(name),
                base64(&frame),
                cells(rows.batch),
            )
        })
        .collect()
}

/// Batches that an encoder of JavaScript values must write, byte for byte.
fn parameters() -> Vec<String> {
    // REAL 1.0 is what SQLite may store and JavaScript cannot say: its 1 is INTEGER.
    let sayable: Vec<Value> = every_value().into_iter().filter(|v| *v != Value::Real(1.0)).collect();
    let sets: Vec<Value> = (0..9)
        .map(|i: i64| match i % 3 {
            0 => Value::Integer(MAX_SAFE_INTEGER - i),
            1 => "x".repeat(i as usize).into(),
            _ => "ß".repeat(i as usize).into(),
        })
        .collect();
    let cases = [
        ("every value, one set", batch(sayable.len() as u32, &sayable)),
        ("every value, a set each", batch(1, &sayable)),
        ("three sets of three", batch(3, &sets)),
        ("no sets", BatchWriter::new(2)),
        ("one cell of NULL", batch(1, &[Value::Null])),
    ];
    cases
        .into_iter()
        .map(|(name, writer)| {
            let bytes = bytes_of(&writer);
            let batch = Batch::decode(&mut Reader::new(&bytes)).unwrap();
            format!(
                "    {{\n      \"name\": {},\n      \"columns\": {},\n      \"rows\": {},\n      \"batch\": \"{}\"\n    }}",
                quote(name),
                batch.columns(),
                cells(batch),
                base64(&bytes),
            )
        })
        .collect()
}

/// Rows frames that a decoder must refuse.
fn malformed() -> Vec<String> {
    let whole = rows_frame(false, -1, 0, Some(&["a"]), &batch(1, &["text".into(), Value::Integer(1)]));
    let at = u32::from_le_bytes(whole[aludel_protocol::ROWS_BATCH_OFFSET_AT..][..4].try_into().unwrap()) as usize;
    let changed = |place: usize, byte: u8| {
        let mut frame = whole.clone();
        frame[place] = byte;
        frame
    };
    let cases = [
        ("no bytes", vec![]),
        ("half a header", whole[..16].to_vec()),
        ("another first byte", changed(0, 0x7f)),
        ("another frame version", changed(1, 9)),
        ("a batch offset past the end", changed(aludel_protocol::ROWS_BATCH_OFFSET_AT + 2, 1)),
        ("a count of rows that lies", changed(at + 3, 0x7f)),
        ("an unknown tag", changed(at + 24, 9)),
        ("an ASCII heap cut short", whole[..whole.len() - 1].to_vec()),
        ("a cell longer than the heap", changed(at + 32, 200)),
    ];
    cases
        .into_iter()
        .map(|(name, frame)| {
            assert!(Reply::decode(&frame).is_err(), "{name} is accepted");
            format!("    {{ \"name\": {}, \"frame\": \"{}\" }}", quote(name), base64(&frame))
        })
        .collect()
}

fn bytes_of(batch: &BatchWriter) -> Vec<u8> {
    let mut out = Writer::new();
    batch.encode(&mut out);
    out.finish()
}

fn cells(batch: Batch<'_>) -> String {
    let cells: Vec<String> = batch.cells().map(cell).collect();
    let rows: Vec<String> =
        cells.chunks(batch.columns().max(1) as usize).map(|row| format!("[{}]", row.join(", "))).collect();
    if rows.is_empty() { "[]".into() } else { format!("[\n        {}\n      ]", rows.join(",\n        ")) }
}

fn cell(value: ValueRef<'_>) -> String {
    let number = |text: String| format!("{{\"number\": \"{text}\"}}");
    match value {
        ValueRef::Null => "null".into(),
        ValueRef::Integer(i) if i.abs_diff(0) <= MAX_SAFE_INTEGER as u64 => number(i.to_string()),
        ValueRef::Integer(i) => format!("{{\"bigint\": \"{i}\"}}"),
        ValueRef::Real(f64::INFINITY) => number("Infinity".into()),
        ValueRef::Real(f64::NEG_INFINITY) => number("-Infinity".into()),
        ValueRef::Real(r) => number(format!("{r:?}")),
        ValueRef::Text(text) => quote(text),
        ValueRef::Blob(bytes) => format!("{{\"blob\": \"{}\"}}", base64(bytes)),
    }
}

fn quote(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c < ' ' => write!(json, "\\u{:04x}", u32::from(c)).unwrap(),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for i in 0..4 {
            let symbol = ALPHABET[(bits >> (18 - 6 * i)) as usize & 63] as char;
            text.push(if i <= chunk.len() { symbol } else { '=' });
        }
    }
    text
}
