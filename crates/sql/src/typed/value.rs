//! Rust types that columns have: as what they are declared and stored.

use crate::types::SqlType;
use aludel_protocol::Value;

/// A Rust type that a column can have. Implement it for a type of your own: that is SQLAlchemy's TypeDecorator.
///
/// ```
/// use aludel_protocol::Value;
/// use aludel_sql::typed::ColumnType;
/// use aludel_sql::types::SqlType;
///
/// /// Money, stored as a number of cents.
/// struct Cents(i64);
///
/// impl ColumnType for Cents {
///     type Base = Cents;
///     fn sql_type() -> SqlType {
///         SqlType::Integer
///     }
///     fn bind(self) -> Value {
///         Value::Integer(self.0)
///     }
///     fn result(value: &Value) -> Option<Cents> {
///         i64::result(value).map(Cents)
///     }
/// }
/// assert_eq!(Cents(250).bind(), Value::Integer(250));
/// ```
pub trait ColumnType: Sized {
    /// The type without NULL and without regard to width: what it can be compared with.
    type Base;
    /// Whether a column of it may hold NULL.
    const NULLABLE: bool = false;

    /// As what a column of it is declared.
    fn sql_type() -> SqlType;

    /// The value as it is stored.
    fn bind(self) -> Value;

    /// A stored value as this type, unless it does not fit.
    fn result(value: &Value) -> Option<Self>;
}

impl<T: ColumnType> ColumnType for Option<T> {
    type Base = T::Base;
    const NULLABLE: bool = true;

    fn sql_type() -> SqlType {
        T::sql_type()
    }

    fn bind(self) -> Value {
        self.map_or(Value::Null, T::bind)
    }

    fn result(value: &Value) -> Option<Option<T>> {
        if *value == Value::Null { Some(None) } else { T::result(value).map(Some) }
    }
}

macro_rules! column_types {
    ($($type:ty, $base:ty, $sql:expr, $bind:expr, $value:pat => $out:expr;)*) => {$(
        impl ColumnType for $type {
            type Base = $base;

            fn sql_type() -> SqlType {
                $sql
            }

            fn bind(self) -> Value {
                let bind: fn($type) -> Value = $bind;
                bind(self)
            }

            fn result(value: &Value) -> Option<$type> {
                match value { $value => $out, _ => None }
            }
        }
    )*};
}

column_types! {
    i64, i64, SqlType::Integer, Value::Integer, Value::Integer(i) => Some(*i);
    i32, i64, SqlType::Integer, |i| Value::Integer(i.into()), Value::Integer(i) => i32::try_from(*i).ok();
    i16, i64, SqlType::SmallInteger, |i| Value::Integer(i.into()), Value::Integer(i) => i16::try_from(*i).ok();
    u32, i64, SqlType::Integer, |i| Value::Integer(i.into()), Value::Integer(i) => u32::try_from(*i).ok();
    bool, bool, SqlType::Boolean, |b| Value::Integer(b.into()), Value::Integer(i @ (0 | 1)) => Some(*i == 1);
    String, String, SqlType::String(None), Value::Text, Value::Text(text) => Some(text.clone());
    Vec<u8>, Vec<u8>, SqlType::LargeBinary, Value::Blob, Value::Blob(bytes) => Some(bytes.clone());
}

impl ColumnType for f64 {
    type Base = f64;

    fn sql_type() -> SqlType {
        SqlType::Float
    }

    fn bind(self) -> Value {
        Value::Real(self)
    }

    fn result(value: &Value) -> Option<f64> {
        match value {
            Value::Real(real) => Some(*real),
            Value::Integer(integer) => Some(*integer as f64),
            _ => None,
        }
    }
}

/// A value of any type.
impl ColumnType for Value {
    type Base = Value;
    const NULLABLE: bool = true;

    fn sql_type() -> SqlType {
        SqlType::Null
    }

    fn bind(self) -> Value {
        self
    }

    fn result(value: &Value) -> Option<Value> {
        Some(value.clone())
    }
}
