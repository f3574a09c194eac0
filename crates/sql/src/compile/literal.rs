//! Values as SQL.

use super::{compile_error, string_literal};
use crate::expr::BindValue;
use aludel_protocol::{Result, Value};

/// SQLAlchemy's way to say a list of nothing: a query that finds nothing, in that many columns.
pub(super) fn empty_list(width: usize) -> String {
    format!("(SELECT {} FROM (SELECT 1) WHERE 1!=1)", vec!["1"; width.max(1)].join(", "))
}

/// A list that is known, as parameters. `width` is how many values each of its items is.
pub(super) fn list_sql(value: &BindValue, width: usize) -> Option<String> {
    let marks = |count: usize| vec!["?"; count].join(", ");
    Some(match value {
        BindValue::List(values) if values.is_empty() => empty_list(width),
        BindValue::List(values) => format!("({})", marks(values.len())),
        BindValue::Rows(rows) if rows.is_empty() => empty_list(width),
        BindValue::Rows(rows) => {
            let rows: Vec<String> = rows.iter().map(|row| format!("({})", marks(row.len()))).collect();
            format!("(VALUES {})", rows.join(", "))
        }
        _ => return None,
    })
}

/// A list of values as SQL. `width` is how many values each of its items is.
pub(super) fn literal_list(value: &BindValue, width: usize) -> Option<Result<String>> {
    let items = |values: &[Value]| -> Result<String> {
        let items: Result<Vec<String>> = values.iter().map(literal).collect();
        Ok(format!("({})", items?.join(", ")))
    };
    match value {
        BindValue::List(values) if values.is_empty() => Some(Ok(empty_list(width))),
        BindValue::List(values) => Some(items(values)),
        BindValue::Rows(rows) if rows.is_empty() => Some(Ok(empty_list(width))),
        BindValue::Rows(rows) => {
            let rows: Result<Vec<String>> = rows.iter().map(|row| items(row)).collect();
            Some(rows.map(|rows| format!("(VALUES {})", rows.join(", "))))
        }
        _ => None,
    }
}

/// A value as SQL; one that no literal can be is an error.
pub fn literal(value: &Value) -> Result<String> {
    Ok(match value {
        Value::Null => "NULL".into(),
        Value::Integer(i64::MIN) => "(-9223372036854775807 - 1)".into(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) if real.is_nan() => return Err(compile_error("NaN cannot be written as a literal")),
        Value::Real(real) if real.is_infinite() => {
            if *real > 0.0 {
                "9e999".into()
            } else {
                "-9e999".into()
            }
        }
        Value::Real(real) => format!("{real:?}"),
        Value::Text(text) if text.contains('\0') => {
            return Err(compile_error("a text with a NUL cannot be written as a literal"));
        }
        Value::Text(text) => string_literal(text),
        Value::Blob(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("X'{digits}'")
        }
    })
}
