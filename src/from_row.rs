//! Rows into structs and tuples, by serde.

use crate::row::Row;
use crate::{ResultSet, RowStream};
use aludel_protocol::{Error, ErrorKind, Result, Value};
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use std::fmt;

impl Row {
    /// The row as a struct, whose fields are called as the columns, or as a tuple of the columns in their order.
    ///
    /// A field that is an `Option` takes NULL, a `bool` 0 and 1, and one that is a struct, a map or a list itself takes
    /// text that is JSON. A column that no field is called after is left out.
    ///
    /// ```
    /// # use aludel::{Engine, Result, text};
    /// #[derive(serde::Deserialize, Debug, PartialEq)]
    /// struct User {
    ///     id: i64,
    ///     name: String,
    ///     tags: Vec<String>,
    ///     age: Option<u8>,
    /// }
    /// # async fn run() -> Result<()> {
    /// let engine = Engine::new("sqlite://")?;
    /// let sql = text(r#"SELECT 1 AS id, 'Dana' AS name, '["a", "b"]' AS tags, NULL AS age"#);
    /// let user: User = engine.execute(&sql, ()).await?.one()?.to()?;
    /// assert_eq!(user, User { id: 1, name: "Dana".into(), tags: vec!["a".into(), "b".into()], age: None });
    /// let (id, name): (i64, String) = engine.execute(&text("SELECT 2, 'Dan'"), ()).await?.one()?.to()?;
    /// assert_eq!((id, name.as_str()), (2, "Dan"));
    /// # Ok(()) }
    /// # futures::executor::block_on(run()).unwrap();
    /// ```
    pub fn to<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(RowReader(self)).map_err(|error| Error::new(ErrorKind::Data, error.0))
    }
}

impl ResultSet {
    /// All rows that are left, as structs or tuples: see [`Row::to`].
    pub fn all_to<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        self.iter().map(|row| row?.to()).collect()
    }

    /// The only row, as a struct or tuple: see [`Row::to`].
    pub fn one_to<T: DeserializeOwned>(&self) -> Result<T> {
        self.one()?.to()
    }
}

impl RowStream {
    /// The next row, as a struct or tuple: see [`Row::to`].
    pub async fn next_to<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        self.next().await?.map(|row| row.to()).transpose()
    }
}

/// What serde says about a row that does not fit.
#[derive(Debug)]
struct Misfit(String);

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<M: fmt::Display>(message: M) -> Misfit {
        Misfit(message.to_string())
    }
}

struct RowReader<'r>(&'r Row);

impl<'r> RowReader<'r> {
    fn cells(&self) -> Cells<'r> {
        Cells { row: self.0, at: 0 }
    }

    /// The only cell of the row, for a type that is one value.
    fn cell(&self) -> Result<Cell<'r>, Misfit> {
        match self.0.values() {
            [value] => Ok(Cell { name: self.0.fields().first().map_or("", String::as_str), value }),
            other => Err(Misfit(format!("a row of {} columns is no single value", other.len()))),
        }
    }
}

/// Whatever a row of one column is read as, its cell is read as.
macro_rules! single {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
            self.cell()?.$method(visitor)
        }
    )*};
}

impl<'r> de::Deserializer<'r> for RowReader<'r> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_map(self.cells())
    }

    fn deserialize_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_seq(self.cells())
    }

    fn deserialize_tuple<V: Visitor<'r>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'r>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'r>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    fn deserialize_enum<V: Visitor<'r>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.cell()?.deserialize_enum(name, variants, visitor)
    }

    single! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_option deserialize_unit
        deserialize_identifier deserialize_ignored_any
    }
}

/// The cells of a row, one by one; of a repeated name, the last column counts.
struct Cells<'r> {
    row: &'r Row,
    at: usize,
}

impl<'r> Cells<'r> {
    fn cell(&self, at: usize) -> Option<Cell<'r>> {
        let name = self.row.fields().get(at)?;
        Some(Cell { name, value: self.row.values().get(at).unwrap_or(&Value::Null) })
    }
}

impl<'r> de::MapAccess<'r> for Cells<'r> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'r>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        let fields = self.row.fields();
        while let Some(name) = fields.get(self.at) {
            self.at += 1;
            if !fields[self.at..].contains(name) {
                return seed.deserialize(name.as_str().into_deserializer()).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'r>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let cell = self.at.checked_sub(1).and_then(|at| self.cell(at));
        seed.deserialize(cell.ok_or_else(|| Misfit("there is no further column".into()))?)
    }
}

impl<'r> de::SeqAccess<'r> for Cells<'r> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'r>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        let Some(cell) = self.cell(self.at) else { return Ok(None) };
        self.at += 1;
        seed.deserialize(cell).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.row.values().len().saturating_sub(self.at))
    }
}

struct Cell<'r> {
    name: &'r str,
    value: &'r Value,
}

impl<'r> Cell<'r> {
    /// Names the column where the value did not fit.
    fn named<T>(&self, result: Result<T, Misfit>) -> Result<T, Misfit> {
        result.map_err(|Misfit(message)| Misfit(format!("Column '{}': {message}", self.name)))
    }

    fn visit<V: Visitor<'r>>(&self, visitor: V) -> Result<V::Value, Misfit> {
        let value = self.value;
        self.named(match value {
            Value::Null => visitor.visit_unit(),
            Value::Integer(integer) => visitor.visit_i64(*integer),
            Value::Real(real) => visitor.visit_f64(*real),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Blob(bytes) => visitor.visit_borrowed_bytes(bytes),
        })
    }

    /// Text that is JSON, for what one cell cannot be by itself.
    fn json<V: Visitor<'r>>(
        &self,
        read: impl FnOnce(&mut serde_json::Deserializer<serde_json::de::StrRead<'r>>, V) -> serde_json::Result<V::Value>,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let Value::Text(text) = self.value else { return self.visit(visitor) };
        let read = read(&mut serde_json::Deserializer::from_str(text), visitor);
        self.named(read.map_err(|error| Misfit(error.to_string())))
    }
}

macro_rules! forward {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
            self.visit(visitor)
        }
    )*};
}

impl<'r> de::Deserializer<'r> for Cell<'r> {
    type Error = Misfit;

    forward! {
        deserialize_any deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_unit deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_bool<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Integer(truth @ (0 | 1)) => self.named(visitor.visit_bool(*truth == 1)),
            _ => self.visit(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.visit(visitor)
    }

    fn deserialize_option<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'r>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        self.visit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'r>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            // A list of numbers is what serde makes of bytes unless it is told.
            Value::Blob(bytes) => visitor.visit_seq(de::value::SeqDeserializer::new(bytes.iter().copied())),
            _ => self.json(|json, visitor| de::Deserializer::deserialize_seq(json, visitor), visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'r>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.json(|json, visitor| de::Deserializer::deserialize_map(json, visitor), visitor)
    }

    fn deserialize_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'r>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Text(text) if variants.contains(&text.as_str()) => {
                self.named(visitor.visit_enum(text.as_str().into_deserializer()))
            }
            Value::Text(_) => {
                self.json(|json, visitor| de::Deserializer::deserialize_enum(json, name, variants, visitor), visitor)
            }
            _ => self.visit(visitor),
        }
    }
}
