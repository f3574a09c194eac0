//! Whether a value is one of its column's type, as it is stored.

use super::SqlType;
use aludel_protocol::{Error, ErrorKind, Result, Value};

impl SqlType {
    /// An error that says what the type takes, unless the value is stored so. NULL is, and whatever a type of the user's
    /// makes of a value is its own business.
    pub fn check(&self, value: &Value) -> Result<()> {
        let wanted = match (self, value) {
            (_, Value::Null) => return Ok(()),
            (SqlType::Custom(custom), _) if custom.is_collated() => return custom.implementation.check(value),
            (
                SqlType::Null | SqlType::Custom(_) | SqlType::Tuple(_) | SqlType::Json { .. } | SqlType::Jsonb { .. },
                _,
            ) => return Ok(()),
            (SqlType::Integer | SqlType::SmallInteger | SqlType::BigInteger, Value::Integer(_)) => return Ok(()),
            (SqlType::Integer | SqlType::SmallInteger | SqlType::BigInteger, _) => "a whole number".to_owned(),
            (
                SqlType::Float | SqlType::Double | SqlType::Real | SqlType::Numeric(..),
                Value::Integer(_) | Value::Real(_),
            ) => return Ok(()),
            (SqlType::Float | SqlType::Double | SqlType::Real | SqlType::Numeric(..), _) => "a number".to_owned(),
            (SqlType::String(_) | SqlType::Text, Value::Text(_)) => return Ok(()),
            (SqlType::String(_) | SqlType::Text, _) => "a string".to_owned(),
            (SqlType::Boolean | SqlType::CheckedBoolean(_), Value::Integer(0 | 1)) => return Ok(()),
            (SqlType::Boolean | SqlType::CheckedBoolean(_), _) => "true or false".to_owned(),
            (SqlType::LargeBinary, Value::Blob(_)) => return Ok(()),
            (SqlType::LargeBinary, _) => "bytes".to_owned(),
            (SqlType::Enum(known), Value::Text(text)) if known.values.contains(text) => return Ok(()),
            (SqlType::Enum(known), _) => {
                let values: Vec<String> = known.values.iter().map(|value| format!("\"{value}\"")).collect();
                format!("one of {}", values.join(", "))
            }
            (SqlType::Uuid, Value::Text(text)) if text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
                return Ok(());
            }
            (SqlType::Uuid, _) => "the 32 digits of a UUID".to_owned(),
            (SqlType::Date, Value::Text(text)) if is_date(text) => return Ok(()),
            (SqlType::Date, _) => "a text like \"2026-11-21\"".to_owned(),
            (SqlType::Time, Value::Text(text)) if is_time(text) => return Ok(()),
            (SqlType::Time, _) => "a text like \"10:42:04.000000\"".to_owned(),
            (SqlType::DateTime | SqlType::Interval, Value::Text(text))
                if text
                    .split_once([' ', 'T'])
                    .map_or_else(|| is_date(text), |(day, time)| is_date(day) && is_time(time)) =>
            {
                return Ok(());
            }
            (SqlType::DateTime | SqlType::Interval, _) => "a text like \"2026-11-21 10:42:04.000000\"".to_owned(),
        };
        let shown = match value {
            Value::Null => "NULL".to_owned(),
            Value::Integer(integer) => integer.to_string(),
            Value::Real(real) => format!("{real:?}"),
            Value::Text(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
            Value::Blob(bytes) => format!("{} bytes", bytes.len()),
        };
        let name = self.code();
        Err(Error::new(ErrorKind::Data, format!("{name} takes {wanted}, not {shown}")))
    }
}

/// Whether a text is a day that there is: `2026-11-21`.
fn is_date(text: &str) -> bool {
    let Some([year, month, day]) = numbers(text, '-', [4, 2, 2]) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    year > 0 && (1..=days).contains(&day)
}

/// Whether a text is a time of day: `10:42:04`, with up to nine digits behind a point.
fn is_time(text: &str) -> bool {
    let (time, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|b| b.is_ascii_digit());
    digits
        && numbers(time, ':', [2, 2, 2]).is_some_and(|[hour, minute, second]| hour < 24 && minute < 60 && second < 60)
}

/// Three numbers of so many digits.
fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[u32; 3]> {
    let mut parts = text.split(between);
    let mut out = [0; 3];
    for (number, digits) in out.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::EnumType;
    use std::rc::Rc;

    #[test]
    fn values_are_of_their_types_or_are_refused() {
        let values = vec!["good".into(), "bad".into()];
        let mood = SqlType::Enum(Rc::new(EnumType { name: None, values, length: None, create_constraint: false }));
        let text = |text: &str| Value::from(text);
        for (ty, value, message) in [
            (SqlType::Boolean, Value::Integer(1), None),
            (SqlType::Boolean, Value::Integer(2), Some("Boolean takes true or false, not 2")),
            (SqlType::Boolean, text("x"), Some("Boolean takes true or false, not \"x\"")),
            (SqlType::Integer, Value::Integer(i64::MIN), None),
            (SqlType::Integer, Value::Real(1.5), Some("Integer takes a whole number, not 1.5")),
            (SqlType::Float, Value::Integer(1), None),
            (SqlType::Float, text("1"), Some("Float takes a number, not \"1\"")),
            (SqlType::Text, Value::Integer(1), Some("Text takes a string, not 1")),
            (SqlType::Text.collated("NOCASE"), Value::Integer(1), Some("Text takes a string, not 1")),
            (SqlType::Text.collated("NOCASE"), text("1"), None),
            (mood.clone(), text("bad"), None),
            (mood.clone(), Value::Null, None),
            (mood, text("so so"), Some("Enum takes one of \"good\", \"bad\", not \"so so\"")),
            (SqlType::Date, text("2024-02-29"), None),
            (SqlType::Date, text("2026-02-29"), Some("Date takes a text like \"2026-11-21\", not \"2026-02-29\"")),
            (SqlType::Date, text("21.11.2026"), Some("Date takes a text like \"2026-11-21\", not \"21.11.2026\"")),
            (SqlType::DateTime, text("2026-11-21 10:42:04.000001"), None),
            (SqlType::DateTime, text("2026-11-21"), None),
            (
                SqlType::DateTime,
                text("2026-11-21 25:00:00"),
                Some("DateTime takes a text like \"2026-11-21 10:42:04.000000\", not \"2026-11-21 25:00:00\""),
            ),
            (SqlType::Time, text("10:42"), Some("Time takes a text like \"10:42:04.000000\", not \"10:42\"")),
            (SqlType::LargeBinary, Value::Blob(vec![1]), None),
            (SqlType::LargeBinary, text("x"), Some("LargeBinary takes bytes, not \"x\"")),
            (SqlType::Uuid, text(&"0".repeat(32)), None),
            (SqlType::Uuid, text("no"), Some("Uuid takes the 32 digits of a UUID, not \"no\"")),
            (SqlType::Null, Value::Blob(vec![1]), None),
        ] {
            let found = ty.check(&value).err().map(|error| (error.kind(), error.message().to_owned()));
            assert_eq!(found, message.map(|message| (ErrorKind::Data, message.to_owned())), "{ty:?} {value:?}");
        }
    }
}
