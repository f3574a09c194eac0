//! One row of a result.

use aludel_protocol::{Error, ErrorKind, Result, Value};
use aludel_sql::typed::{Column, ColumnType};
use std::collections::HashMap;
use std::rc::Rc;

/// The names of a result's columns.
#[derive(Debug, PartialEq)]
pub(crate) struct Columns {
    names: Vec<String>,
    /// Of a repeated name, the last column, as in SQLAlchemy.
    by_name: HashMap<String, usize>,
}

impl Columns {
    pub(crate) fn new(names: Vec<String>) -> Columns {
        let by_name = names.iter().cloned().enumerate().map(|(at, name)| (name, at)).collect();
        Columns { names, by_name }
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn find(&self, index: &dyn ColumnIndex) -> Result<usize> {
        index.find(&self.names, &self.by_name)
    }
}

/// Names a column: by its index or its name.
pub trait ColumnIndex {
    #[doc(hidden)]
    fn find(&self, names: &[String], by_name: &HashMap<String, usize>) -> Result<usize>;
}

impl ColumnIndex for usize {
    fn find(&self, names: &[String], _: &HashMap<String, usize>) -> Result<usize> {
        if *self < names.len() {
            return Ok(*self);
        }
        let message = format!("Row index {self} is out of range: there are {} columns", names.len());
        Err(Error::new(ErrorKind::NoSuchColumn, message))
    }
}

impl ColumnIndex for str {
    fn find(&self, _: &[String], by_name: &HashMap<String, usize>) -> Result<usize> {
        by_name.get(self).copied().ok_or_else(|| {
            Error::new(ErrorKind::NoSuchColumn, format!("Could not locate column in row for column '{self}'"))
        })
    }
}

impl ColumnIndex for String {
    fn find(&self, names: &[String], by_name: &HashMap<String, usize>) -> Result<usize> {
        ColumnIndex::find(self.as_str(), names, by_name)
    }
}

impl<I: ColumnIndex + ?Sized> ColumnIndex for &I {
    fn find(&self, names: &[String], by_name: &HashMap<String, usize>) -> Result<usize> {
        (**self).find(names, by_name)
    }
}

impl<T> ColumnIndex for Column<T> {
    fn find(&self, names: &[String], by_name: &HashMap<String, usize>) -> Result<usize> {
        ColumnIndex::find(&*self.name(), names, by_name)
    }
}

/// A row: its values, which can be had by index and by name. It stays valid whatever becomes of its result.
#[derive(Clone, Debug)]
pub struct Row {
    columns: Rc<Columns>,
    values: Rc<[Value]>,
}

impl Row {
    pub(crate) fn new(columns: Rc<Columns>, values: Vec<Value>) -> Row {
        Row { columns, values: values.into() }
    }

    /// The value of a column, as a Rust type.
    pub fn get<T: FromValue>(&self, column: impl ColumnIndex) -> Result<T> {
        let index = self.columns.find(&column)?;
        let value = self.values.get(index).unwrap_or(&Value::Null);
        T::from_value(value).ok_or_else(|| {
            let name = self.columns.names.get(index).map_or("", String::as_str);
            misfit::<T>(&format!("Column '{name}'"), value)
        })
    }

    /// The value of a typed column, as its type.
    pub fn at<T: ColumnType>(&self, column: &Column<T>) -> Result<T> {
        let value = self.value(&*column.name())?;
        T::result(value).ok_or_else(|| {
            let message =
                format!("Column '{}' holds {}, which does not fit", column.name(), value.as_ref().type_name());
            Error::new(ErrorKind::Data, message)
        })
    }

    /// The value of a column.
    pub fn value(&self, column: impl ColumnIndex) -> Result<&Value> {
        let index = self.columns.find(&column)?;
        Ok(self.values.get(index).unwrap_or(&Value::Null))
    }

    /// All values, in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The names of the columns.
    pub fn fields(&self) -> &[String] {
        &self.columns.names
    }

    /// The row as a mapping from names to values.
    pub fn mapping(&self) -> Mapping {
        Mapping(self.clone())
    }
}

impl PartialEq for Row {
    /// Rows are equal when their values are.
    fn eq(&self, other: &Row) -> bool {
        self.values == other.values
    }
}

impl PartialEq<[Value]> for Row {
    fn eq(&self, other: &[Value]) -> bool {
        *self.values == *other
    }
}

/// A row as a mapping from names to values; of a repeated name, it has the last column.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping(Row);

impl Mapping {
    pub(crate) fn row(&self) -> &Row {
        &self.0
    }

    /// The value under a name, as a Rust type.
    pub fn get<T: FromValue>(&self, name: &str) -> Result<T> {
        self.0.get(name)
    }

    /// The names, each once.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    /// Names and values, each name once, in the order in which the names first stand.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        let columns = &self.0.columns;
        let first = |at: usize, name: &String| !columns.names[..at].contains(name);
        columns.names.iter().enumerate().filter(move |(at, name)| first(*at, name)).filter_map(|(_, name)| {
            let value = self.0.values.get(*columns.by_name.get(name)?)?;
            Some((name.as_str(), value))
        })
    }
}

/// A Rust type that values can become.
pub trait FromValue: Sized {
    /// What it is called in errors.
    const NAME: &'static str;

    /// The value as this type, unless it does not fit.
    fn from_value(value: &Value) -> Option<Self>;
}

pub(crate) fn misfit<T: FromValue>(what: &str, value: &Value) -> Error {
    Error::new(ErrorKind::Data, format!("{what} holds {}, not {}", value.as_ref().type_name(), T::NAME))
}

macro_rules! from_value {
    ($($type:ty, $name:literal, $value:pat => $out:expr;)*) => {$(
        impl FromValue for $type {
            const NAME: &'static str = $name;

            fn from_value(value: &Value) -> Option<$type> {
                match value { $value => $out, _ => None }
            }
        }
    )*};
}

from_value! {
    i64, "an integer", Value::Integer(i) => Some(*i);
    i32, "a 32-bit integer", Value::Integer(i) => i32::try_from(*i).ok();
    u32, "an unsigned 32-bit integer", Value::Integer(i) => u32::try_from(*i).ok();
    bool, "a boolean", Value::Integer(i @ (0 | 1)) => Some(*i == 1);
    String, "text", Value::Text(text) => Some(text.clone());
    Vec<u8>, "a blob", Value::Blob(bytes) => Some(bytes.clone());
}

impl FromValue for Value {
    const NAME: &'static str = "a value";

    fn from_value(value: &Value) -> Option<Value> {
        Some(value.clone())
    }
}

impl FromValue for f64 {
    const NAME: &'static str = "a number";

    fn from_value(value: &Value) -> Option<f64> {
        match value {
            Value::Real(real) => Some(*real),
            Value::Integer(i) => Some(*i as f64),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const NAME: &'static str = T::NAME;

    fn from_value(value: &Value) -> Option<Option<T>> {
        if *value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}
