//! The five kinds of value that SQLite stores.

/// The largest integer that a JavaScript number holds exactly, 2^53 - 1.
pub const MAX_SAFE_INTEGER: i64 = 9_007_199_254_740_991;

/// A value of one of SQLite's five storage classes (<https://www.sqlite.org/datatype3.html>).
///
/// Text is UTF-8 and may hold NULs. A NaN cannot be stored: SQLite turns it into NULL, so the client refuses it before.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A signed integer, all 64 bits of it.
    Integer(i64),
    /// An IEEE double; infinities are kept.
    Real(f64),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// A [`Value`] that borrows its text or bytes, from a frame for instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// SQL NULL.
    Null,
    /// A signed integer.
    Integer(i64),
    /// An IEEE double.
    Real(f64),
    /// UTF-8 text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

impl Value {
    /// Borrows the value.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Integer(i) => ValueRef::Integer(*i),
            Value::Real(r) => ValueRef::Real(*r),
            Value::Text(t) => ValueRef::Text(t),
            Value::Blob(b) => ValueRef::Blob(b),
        }
    }
}

impl ValueRef<'_> {
    /// Copies the value out of what it borrows from.
    pub fn to_owned(self) -> Value {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(i) => Value::Integer(i),
            ValueRef::Real(r) => Value::Real(r),
            ValueRef::Text(t) => Value::Text(t.into()),
            ValueRef::Blob(b) => Value::Blob(b.into()),
        }
    }

    /// SQLite's name of the storage class: `"null"`, `"integer"`, `"real"`, `"text"` or `"blob"`.
    pub fn type_name(self) -> &'static str {
        match self {
            ValueRef::Null => "null",
            ValueRef::Integer(_) => "integer",
            ValueRef::Real(_) => "real",
            ValueRef::Text(_) => "text",
            ValueRef::Blob(_) => "blob",
        }
    }
}

macro_rules! value_from {
    ($($source:ty => |$name:ident| $value:expr),* $(,)?) => {$(
        impl From<$source> for Value {
            fn from($name: $source) -> Value { $value }
        }
    )*};
}

value_from! {
    i64 => |v| Value::Integer(v),
    i32 => |v| Value::Integer(v.into()),
    u32 => |v| Value::Integer(v.into()),
    bool => |v| Value::Integer(v.into()),
    f64 => |v| Value::Real(v),
    &str => |v| Value::Text(v.into()),
    String => |v| Value::Text(v),
    Vec<u8> => |v| Value::Blob(v),
    &[u8] => |v| Value::Blob(v.into()),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}
