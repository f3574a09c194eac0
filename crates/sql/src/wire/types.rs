//! Types.

use super::{Decoder, broken};
use crate::types::{CustomType, EnumType, SqlType};
use aludel_protocol::Result;
use std::rc::Rc;

/// How deep types of the user's may lie in each other.
const MAX_DEPTH: u32 = 16;

impl Decoder<'_> {
    pub(super) fn sql_type(&mut self) -> Result<SqlType> {
        self.nested_type(0)
    }

    fn nested_type(&mut self, depth: u32) -> Result<SqlType> {
        Ok(match self.input.u8()? {
            0 => SqlType::Null,
            1 => SqlType::Integer,
            2 => SqlType::SmallInteger,
            3 => SqlType::BigInteger,
            4 => SqlType::Float,
            5 => SqlType::Double,
            6 => SqlType::Real,
            7 => SqlType::Numeric(self.optional(|d| d.input.u32())?, self.optional(|d| d.input.u32())?),
            8 => SqlType::String(self.optional(|d| d.input.u32())?),
            9 => SqlType::Text,
            10 => SqlType::Boolean,
            11 => SqlType::Date,
            12 => SqlType::DateTime,
            13 => SqlType::Time,
            14 => SqlType::Interval,
            15 => SqlType::LargeBinary,
            16 => SqlType::Json { none_as_null: self.input.flag()? },
            17 => SqlType::Jsonb { none_as_null: self.input.flag()? },
            18 => SqlType::Enum(Rc::new(EnumType {
                name: self.optional(|d| d.text())?.map(str::to_owned),
                values: self.list(|d| d.text().map(str::to_owned))?,
                length: self.optional(|d| d.input.u32())?,
                create_constraint: self.input.flag()?,
            })),
            19 => SqlType::Uuid,
            21 => SqlType::CheckedBoolean(self.optional(Self::name)?),
            20 if depth < MAX_DEPTH => SqlType::Custom(Rc::new(CustomType {
                name: self.text()?.to_owned(),
                implementation: self.nested_type(depth + 1)?,
                ddl: self.optional(|d| d.text())?.map(str::to_owned),
            })),
            other => return Err(broken(format!("type {other}"))),
        })
    }
}
