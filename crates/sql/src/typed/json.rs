//! Values of JSON, stored as the text that Python's `json.dumps` writes.

use super::ColumnType;
use crate::types::SqlType;
use aludel_protocol::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::ser::{CharEscape, Formatter};
use std::io;

/// A value of JSON in a column of type JSON: anything that serde can write and read.
///
/// What is written is what Python's `json.dumps` writes, so that SQLAlchemy reads and compares it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<T: Serialize + DeserializeOwned> ColumnType for Json<T> {
    type Base = Json<T>;

    fn sql_type() -> SqlType {
        SqlType::JSON
    }

    /// A value that JSON cannot hold, as a map whose keys are no texts, becomes NULL.
    fn bind(self) -> Value {
        json_text(&self.0).map_or(Value::Null, Value::Text)
    }

    fn result(value: &Value) -> Option<Json<T>> {
        // SQLite's affinity makes numbers of texts that are numbers.
        let read = match value {
            Value::Null => serde_json::from_str("null"),
            Value::Integer(integer) => serde_json::from_str(&integer.to_string()),
            Value::Real(real) => serde_json::from_str(&format!("{real:?}")),
            Value::Text(text) => serde_json::from_str(text),
            Value::Blob(_) => return None,
        };
        read.ok().map(Json)
    }
}

/// JSON as Python writes it: a blank behind each comma and colon, and nothing but ASCII.
pub fn json_text<T: Serialize + ?Sized>(value: &T) -> Option<String> {
    let mut out = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Python)).ok()?;
    String::from_utf8(out).ok()
}

struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            if c.is_ascii() && c != '\x7f' {
                writer.write_all(&[c as u8])?;
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::Quote => writer.write_all(b"\\\""),
            CharEscape::ReverseSolidus => writer.write_all(b"\\\\"),
            CharEscape::Solidus => writer.write_all(b"/"),
            CharEscape::Backspace => writer.write_all(b"\\b"),
            CharEscape::FormFeed => writer.write_all(b"\\f"),
            CharEscape::LineFeed => writer.write_all(b"\\n"),
            CharEscape::CarriageReturn => writer.write_all(b"\\r"),
            CharEscape::Tab => writer.write_all(b"\\t"),
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_written_as_python_writes_it() {
        let value = json!({"a": [1, null, true, 2.5], "ü\u{1f600}": {"\"\\\n\u{1}": []}});
        let text = json_text(&value).unwrap();
        assert_eq!(text, r#"{"a": [1, null, true, 2.5], "\u00fc\ud83d\ude00": {"\"\\\n\u0001": []}}"#);
        assert_eq!(Json::<serde_json::Value>::result(&Value::Text(text)).unwrap().0, value);
        assert_eq!(Json::<i64>::result(&Value::Integer(5)), Some(Json(5)));
    }
}
