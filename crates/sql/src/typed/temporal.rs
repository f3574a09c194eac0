//! Dates and times as SQLAlchemy stores them on SQLite: texts, with six digits behind the second.

use super::ColumnType;
use crate::types::SqlType;
use aludel_protocol::Value;
use std::fmt;
use std::str::FromStr;

/// A date, stored as `2026-11-21`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A time of day, stored as `10:42:04.000000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    hour: u8,
    minute: u8,
    second: u8,
    microsecond: u32,
}

/// A date and a time of day without a time zone, stored as `2026-11-21 10:42:04.000000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    /// The date.
    pub date: Date,
    /// The time of day.
    pub time: Time,
}

/// A text that is no date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTemporal;

impl fmt::Display for NotTemporal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a date or time as SQLite holds them: \"2026-11-21 10:42:04.000000\"")
    }
}

impl std::error::Error for NotTemporal {}

impl Date {
    /// The date, if there is such a one.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Date> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        ((1..=9999).contains(&year) && (1..=days).contains(&day)).then_some(Date { year, month, day })
    }

    /// The year.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, from 1.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    pub fn day(self) -> u8 {
        self.day
    }

    /// With a time of day.
    pub fn at(self, time: Time) -> DateTime {
        DateTime { date: self, time }
    }
}

impl Time {
    /// The time of day, if there is such a one.
    pub fn new(hour: u8, minute: u8, second: u8, microsecond: u32) -> Option<Time> {
        let fits = hour < 24 && minute < 60 && second < 60 && microsecond < 1_000_000;
        fits.then_some(Time { hour, minute, second, microsecond })
    }

    /// The hour, from 0.
    pub fn hour(self) -> u8 {
        self.hour
    }

    /// The minute.
    pub fn minute(self) -> u8 {
        self.minute
    }

    /// The second.
    pub fn second(self) -> u8 {
        self.second
    }

    /// The millionths of a second.
    pub fn microsecond(self) -> u32 {
        self.microsecond
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}:{:02}.{:06}", self.hour, self.minute, self.second, self.microsecond)
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.date, self.time)
    }
}

/// A number of exactly so many digits.
fn number<T: FromStr>(text: &str, digits: usize) -> Result<T, NotTemporal> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| fits).ok_or(NotTemporal)
}

impl FromStr for Date {
    type Err = NotTemporal;

    fn from_str(text: &str) -> Result<Date, NotTemporal> {
        let mut parts = text.splitn(3, '-');
        let mut next = || parts.next().ok_or(NotTemporal);
        Date::new(number(next()?, 4)?, number(next()?, 2)?, number(next()?, 2)?).ok_or(NotTemporal)
    }
}

impl FromStr for Time {
    type Err = NotTemporal;

    fn from_str(text: &str) -> Result<Time, NotTemporal> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let mut parts = whole.splitn(3, ':');
        let mut next = || parts.next();
        let hour = number(next().ok_or(NotTemporal)?, 2)?;
        let minute = number(next().ok_or(NotTemporal)?, 2)?;
        let second = next().map_or(Ok(0), |part| number(part, 2))?;
        let digits = fraction.len();
        if digits > 9 {
            return Err(NotTemporal);
        }
        let fraction: u32 = number(fraction, digits)?;
        let microsecond = u64::from(fraction) * 1_000_000 / 10_u64.pow(digits as u32);
        Time::new(hour, minute, second, microsecond as u32).ok_or(NotTemporal)
    }
}

impl FromStr for DateTime {
    type Err = NotTemporal;

    fn from_str(text: &str) -> Result<DateTime, NotTemporal> {
        let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
        Ok(DateTime { date: date.parse()?, time: time.parse()? })
    }
}

macro_rules! temporal {
    ($($type:ident),*) => {$(
        impl ColumnType for $type {
            type Base = $type;

            fn sql_type() -> SqlType {
                SqlType::$type
            }

            fn bind(self) -> Value {
                Value::Text(self.to_string())
            }

            fn result(value: &Value) -> Option<$type> {
                match value {
                    Value::Text(text) => text.parse().ok(),
                    _ => None,
                }
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

temporal!(Date, Time, DateTime);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_are_written() {
        for (text, expected) in [
            ("2026-11-21 10:42:04.000123", Some("2026-11-21 10:42:04.000123")),
            ("0001-01-01 00:00:00", Some("0001-01-01 00:00:00.000000")),
            ("2024-02-29T23:59:59.9", Some("2024-02-29 23:59:59.900000")),
            ("2026-11-21 10:42", Some("2026-11-21 10:42:00.000000")),
            ("2026-11-21", Some("2026-11-21 00:00:00.000000")),
            ("2023-02-29", None),
            ("2023-13-01", None),
            ("+023-12-01", None),
            ("2023-12-01 24:00:00", None),
            ("2023-12-01 10:00:00.", None),
            ("2023-12-01 10:00:00.1234567890", None),
            ("now", None),
            ("", None),
        ] {
            let read = text.parse::<DateTime>().ok();
            assert_eq!(read.map(|read| read.to_string()).as_deref(), expected, "{text}");
        }
    }
}
