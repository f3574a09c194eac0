//! Column types: how they are declared in SQLite, and which operators they know.
//!
//! Names and storage are SQLAlchemy's for its SQLite dialect, so that a database written by one is read by the other.

mod check;
mod declared;

pub use declared::declared_type;

use crate::compile::always_quoted;
use crate::token::{Token, TokenKind, tokens};
use std::borrow::Cow;
use std::rc::Rc;

/// The type of a column or an expression.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SqlType {
    /// Nothing is known; values pass as they are.
    #[default]
    Null,
    /// `INTEGER`: the only one whose primary key is the rowid.
    Integer,
    /// `SMALLINT`.
    SmallInteger,
    /// `BIGINT`.
    BigInteger,
    /// `FLOAT`.
    Float,
    /// `DOUBLE`.
    Double,
    /// `REAL`.
    Real,
    /// `NUMERIC`, with precision and scale where given.
    Numeric(Option<u32>, Option<u32>),
    /// `VARCHAR`, with a length that SQLite does not enforce.
    String(Option<u32>),
    /// `TEXT`.
    Text,
    /// `BOOLEAN`: 0 and 1.
    Boolean,
    /// `BOOLEAN`, guarded by a CHECK constraint, which may have a name.
    CheckedBoolean(Option<Rc<str>>),
    /// `DATE`: `2026-11-21`.
    Date,
    /// `DATETIME`: `2026-11-21 10:42:04.000000`.
    DateTime,
    /// `TIME`: `10:42:04.000000`.
    Time,
    /// `DATETIME`: the instant that lies that long after 1970.
    Interval,
    /// `BLOB`.
    LargeBinary,
    /// `JSON`: text.
    Json {
        /// Whether null is stored as SQL's NULL instead of JSON's.
        none_as_null: bool,
    },
    /// `JSONB`: SQLite's binary form, written by `jsonb()` and read by `json()`.
    Jsonb {
        /// Whether null is stored as SQL's NULL instead of JSON's.
        none_as_null: bool,
    },
    /// `VARCHAR`: one of a list of names.
    Enum(Rc<EnumType>),
    /// `CHAR(32)`: 32 hexadecimal digits.
    Uuid,
    /// A type of the user's: stored as another, under a name of its own or the other's.
    Custom(Rc<CustomType>),
    /// Several values beside each other, each of its own type: no type of a column.
    Tuple(Rc<[SqlType]>),
}

/// One of a list of names.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumType {
    /// What its CHECK constraint is called.
    pub name: Option<String>,
    /// What is stored.
    pub values: Vec<String>,
    /// The length of the VARCHAR, unless it is that of the longest value.
    pub length: Option<u32>,
    /// Whether a CHECK constraint guards it.
    pub create_constraint: bool,
}

/// A type of the user's.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomType {
    /// What it is called: the same name is the same type.
    pub name: String,
    /// As what it is stored.
    pub implementation: SqlType,
    /// How it is declared, unless as its implementation.
    pub ddl: Option<String>,
}

/// What operators make of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Nothing is known.
    Unknown,
    /// Whole numbers.
    Integer,
    /// Other numbers.
    Float,
    /// Decimal numbers.
    Numeric,
    /// Text.
    String,
    /// 0 and 1.
    Boolean,
    /// Dates, times and spans.
    Temporal,
    /// Bytes.
    Binary,
    /// JSON.
    Json,
}

impl SqlType {
    /// JSON with its defaults.
    pub const JSON: SqlType = SqlType::Json { none_as_null: false };

    /// As what it is stored.
    pub fn implementation(&self) -> &SqlType {
        match self {
            SqlType::Custom(custom) => custom.implementation.implementation(),
            SqlType::CheckedBoolean(_) => &SqlType::Boolean,
            other => other,
        }
    }

    /// Another type where the dialect is one of these, as SQLite's here is: SQLAlchemy's `with_variant()`.
    pub fn with_variant(self, variant: SqlType, dialects: &[&str]) -> SqlType {
        if dialects.contains(&"sqlite") { variant } else { self }
    }

    /// What operators make of it.
    pub fn family(&self) -> Family {
        match self.implementation() {
            SqlType::Null | SqlType::Custom(_) | SqlType::Tuple(_) => Family::Unknown,
            SqlType::Integer | SqlType::SmallInteger | SqlType::BigInteger => Family::Integer,
            SqlType::Float | SqlType::Double | SqlType::Real => Family::Float,
            SqlType::Numeric(..) => Family::Numeric,
            SqlType::String(_) | SqlType::Text | SqlType::Enum(_) | SqlType::Uuid => Family::String,
            SqlType::Boolean | SqlType::CheckedBoolean(_) => Family::Boolean,
            SqlType::Date | SqlType::DateTime | SqlType::Time | SqlType::Interval => Family::Temporal,
            SqlType::LargeBinary => Family::Binary,
            SqlType::Json { .. } | SqlType::Jsonb { .. } => Family::Json,
        }
    }

    /// How many values a value of it is.
    pub fn width(&self) -> usize {
        if let SqlType::Tuple(parts) = self { parts.len() } else { 1 }
    }

    /// Whether nothing is known of it.
    pub fn is_null(&self) -> bool {
        matches!(self, SqlType::Null)
    }

    /// Whether it is true or false.
    pub fn is_boolean(&self) -> bool {
        self.family() == Family::Boolean
    }

    /// A word for it: what another language finds its conversions by.
    pub fn code(&self) -> Cow<'_, str> {
        let name = match self {
            SqlType::Null => "Null",
            SqlType::Integer => "Integer",
            SqlType::SmallInteger => "SmallInteger",
            SqlType::BigInteger => "BigInteger",
            SqlType::Float => "Float",
            SqlType::Double => "Double",
            SqlType::Real => "Real",
            SqlType::Numeric(..) => "Numeric",
            SqlType::String(_) => "String",
            SqlType::Text => "Text",
            SqlType::Boolean | SqlType::CheckedBoolean(_) => "Boolean",
            SqlType::Date => "Date",
            SqlType::DateTime => "DateTime",
            SqlType::Time => "Time",
            SqlType::Interval => "Interval",
            SqlType::LargeBinary => "LargeBinary",
            SqlType::Json { none_as_null: false } => "Json",
            SqlType::Json { none_as_null: true } => "JsonNone",
            SqlType::Jsonb { none_as_null: false } => "Jsonb",
            SqlType::Jsonb { none_as_null: true } => "JsonbNone",
            SqlType::Enum(_) => "Enum",
            SqlType::Uuid => "Uuid",
            SqlType::Custom(custom) => &custom.name,
            SqlType::Tuple(parts) => {
                return format!("({})", parts.iter().map(SqlType::code).collect::<Vec<_>>().join(",")).into();
            }
        };
        Cow::Borrowed(name)
    }

    /// What stands behind the name of a column, or in a CAST.
    pub fn ddl(&self) -> String {
        match self {
            // SQLAlchemy cannot declare it; SQLite takes a column without a type.
            SqlType::Null | SqlType::Tuple(_) => String::new(),
            SqlType::Integer => "INTEGER".into(),
            SqlType::SmallInteger => "SMALLINT".into(),
            SqlType::BigInteger => "BIGINT".into(),
            SqlType::Float => "FLOAT".into(),
            SqlType::Double => "DOUBLE".into(),
            SqlType::Real => "REAL".into(),
            SqlType::Numeric(None, _) => "NUMERIC".into(),
            SqlType::Numeric(Some(precision), None) => format!("NUMERIC({precision})"),
            SqlType::Numeric(Some(precision), Some(scale)) => format!("NUMERIC({precision}, {scale})"),
            SqlType::String(None) => "VARCHAR".into(),
            SqlType::String(Some(length)) => format!("VARCHAR({length})"),
            SqlType::Text => "TEXT".into(),
            SqlType::Boolean | SqlType::CheckedBoolean(_) => "BOOLEAN".into(),
            SqlType::Date => "DATE".into(),
            SqlType::DateTime | SqlType::Interval => "DATETIME".into(),
            SqlType::Time => "TIME".into(),
            SqlType::LargeBinary => "BLOB".into(),
            SqlType::Json { .. } => "JSON".into(),
            SqlType::Jsonb { .. } => "JSONB".into(),
            SqlType::Enum(given) => format!("VARCHAR({})", given.width()),
            SqlType::Uuid => "CHAR(32)".into(),
            SqlType::Custom(custom) => custom.ddl.clone().unwrap_or_else(|| custom.implementation.ddl()),
        }
    }
}

impl SqlType {
    /// What stands behind the name of a column, without a collation: what it is cast to.
    pub fn words(&self) -> String {
        uncollated(&self.ddl()).to_owned()
    }

    /// The same type in a column whose texts are compared by this collation.
    pub fn collated(&self, name: &str) -> SqlType {
        let ddl = format!("{} COLLATE {}", self.words(), always_quoted(name)).trim_start().to_owned();
        SqlType::Custom(Rc::new(CustomType { name: ddl.clone(), implementation: self.clone(), ddl: Some(ddl) }))
    }
}

fn uncollated(ddl: &str) -> &str {
    let collation =
        |token: &Token<'_>| token.kind != TokenKind::QuotedName && token.text.eq_ignore_ascii_case("COLLATE");
    tokens(ddl).find(collation).map_or(ddl, |token| ddl[..token.start].trim_end())
}

impl CustomType {
    /// Whether it only adds a collation to another, which says nothing of its values.
    pub(crate) fn is_collated(&self) -> bool {
        self.ddl.as_ref() == Some(&self.name) && uncollated(&self.name) != self.name
    }
}

impl EnumType {
    /// The length that its column is declared with, in characters.
    pub fn width(&self) -> u32 {
        let longest = self.values.iter().map(|value| value.chars().count()).max().unwrap_or(0);
        self.length.unwrap_or(longest as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_declared_as_sqlalchemy_declares_them() {
        let names =
            EnumType { name: None, values: vec!["a".into(), "größe".into()], length: None, create_constraint: false };
        let custom = |ddl: Option<&str>| {
            let ddl = ddl.map(str::to_owned);
            SqlType::Custom(Rc::new(CustomType { name: "Money".into(), implementation: SqlType::Integer, ddl }))
        };
        for (given, ddl, family) in [
            (SqlType::Null, "", Family::Unknown),
            (SqlType::Integer, "INTEGER", Family::Integer),
            (SqlType::Numeric(None, None), "NUMERIC", Family::Numeric),
            (SqlType::Numeric(Some(10), None), "NUMERIC(10)", Family::Numeric),
            (SqlType::Numeric(Some(10), Some(2)), "NUMERIC(10, 2)", Family::Numeric),
            (SqlType::String(Some(50)), "VARCHAR(50)", Family::String),
            (SqlType::Enum(Rc::new(names)), "VARCHAR(5)", Family::String),
            (SqlType::Uuid, "CHAR(32)", Family::String),
            (SqlType::Interval, "DATETIME", Family::Temporal),
            (SqlType::JSON, "JSON", Family::Json),
            (custom(None), "INTEGER", Family::Integer),
            (custom(Some("MONEY")), "MONEY", Family::Integer),
        ] {
            assert_eq!((given.ddl().as_str(), given.family()), (ddl, family), "{given:?}");
        }
    }
}
