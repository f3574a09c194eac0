//! From the words behind a column's name back to its type.

use super::SqlType;

/// The type of a column that was declared with these words (`pragma table_info`): SQLAlchemy's for names that it knows,
/// else one of the affinity that SQLite gives it (<https://sqlite.org/datatype3.html#determination_of_column_affinity>).
pub fn declared_type(declared: &str) -> SqlType {
    let (name, arguments) = match declared.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.split(')').next().unwrap_or_default()),
        None => (declared.trim(), ""),
    };
    let mut numbers = arguments.split(',').map(|part| part.trim().parse::<u32>().ok());
    let (first, second) = (numbers.next().flatten(), numbers.next().flatten());
    match name.to_ascii_uppercase().as_str() {
        "INTEGER" | "INT" => SqlType::Integer,
        "SMALLINT" => SqlType::SmallInteger,
        "BIGINT" => SqlType::BigInteger,
        "FLOAT" => SqlType::Float,
        "DOUBLE" | "DOUBLE_PRECISION" => SqlType::Double,
        "REAL" => SqlType::Real,
        "NUMERIC" | "DECIMAL" => SqlType::Numeric(first, second),
        "VARCHAR" | "CHAR" | "NVARCHAR" | "NCHAR" => SqlType::String(first),
        "TEXT" | "CLOB" => SqlType::Text,
        "BOOLEAN" | "BOOL" => SqlType::Boolean,
        "DATE" | "DATE_CHAR" => SqlType::Date,
        "DATETIME" | "DATETIME_CHAR" | "TIMESTAMP" => SqlType::DateTime,
        "TIME" | "TIME_CHAR" => SqlType::Time,
        "BLOB" => SqlType::LargeBinary,
        "JSON" => SqlType::JSON,
        "JSONB" => SqlType::Jsonb { none_as_null: false },
        other => by_affinity(other, SqlType::Numeric(first, second)),
    }
}

/// SQLite's rules, in their order.
fn by_affinity(name: &str, numeric: SqlType) -> SqlType {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["INT"]) {
        SqlType::Integer
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        SqlType::Text
    } else if name.is_empty() || has(&["BLOB"]) {
        SqlType::Null
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        SqlType::Real
    } else {
        numeric
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_names_give_types() {
        for (declared, expected) in [
            ("INTEGER", SqlType::Integer),
            ("varchar( 50 )", SqlType::String(Some(50))),
            ("NUMERIC(10, 2)", SqlType::Numeric(Some(10), Some(2))),
            ("decimal(8)", SqlType::Numeric(Some(8), None)),
            ("UNSIGNED BIG INT", SqlType::Integer),
            ("NATIVE CHARACTER(70)", SqlType::Text),
            ("", SqlType::Null),
            ("DOUBLE PRECISION", SqlType::Real),
            ("MONEY", SqlType::Numeric(None, None)),
            ("TIMESTAMP", SqlType::DateTime),
            ("x(", SqlType::Numeric(None, None)),
        ] {
            assert_eq!(declared_type(declared), expected, "{declared}");
        }
    }
}
