//! Functions whose SQL or type is known. Any other name is called as it is, and gives an unknown type.

use super::Expr;
use crate::types::{Family, SqlType};
use std::borrow::Cow;

/// What is known of a function: one row of [`FUNCTIONS`].
#[derive(Debug)]
pub(crate) struct Known {
    /// SQLAlchemy's name, in small letters.
    pub name: &'static str,
    /// How SQLite spells it.
    pub sql: Spelling,
    gives: Gives,
}

/// How SQLite spells a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// By the name that was used.
    Same,
    /// By another name.
    Name(&'static str),
    /// Without parentheses, or as a whole expression.
    Whole(&'static str),
    /// `count(*)` when it is given nothing.
    Count,
    /// `group_concat(x, ',')`: its second argument is written into the SQL.
    GroupConcat,
}

#[derive(Clone, Copy, Debug)]
enum Gives {
    Integer,
    /// All 64 bits of it are used.
    BigInteger,
    Float,
    String,
    Json,
    Date,
    Time,
    DateTime,
    /// The type of its first argument whose type is known.
    Argument,
    /// As `Argument`, where whole numbers stay whole.
    Sum,
}

const fn row(name: &'static str, sql: Spelling, gives: Gives) -> Known {
    Known { name, sql, gives }
}

use Gives::*;
use Spelling::{Count, GroupConcat, Name, Same, Whole};

/// Sorted by name.
const FUNCTIONS: &[Known] = &[
    row("abs", Same, Argument),
    row("aggregate_strings", GroupConcat, String),
    row("avg", Same, Float),
    row("ceil", Same, Argument),
    row("char_length", Name("length"), Integer),
    row("coalesce", Same, Argument),
    row("concat", Same, String),
    row("count", Count, Integer),
    row("cume_dist", Same, Float),
    row("current_date", Whole("CURRENT_DATE"), Date),
    row("current_time", Whole("CURRENT_TIME"), Time),
    row("current_timestamp", Whole("CURRENT_TIMESTAMP"), DateTime),
    row("dense_rank", Same, Integer),
    row("first_value", Same, Argument),
    row("floor", Same, Argument),
    row("group_concat", Same, String),
    row("ifnull", Same, Argument),
    row("json", Same, Json),
    row("json_array", Same, Json),
    row("json_array_length", Same, Integer),
    row("json_group_array", Same, Json),
    row("json_group_object", Same, Json),
    row("json_object", Same, Json),
    row("lag", Same, Argument),
    row("last_value", Same, Argument),
    row("lead", Same, Argument),
    row("length", Same, Integer),
    row("localtime", Whole("TIME(CURRENT_TIMESTAMP, 'localtime')"), Time),
    row("localtimestamp", Whole("DATETIME(CURRENT_TIMESTAMP, 'localtime')"), DateTime),
    row("lower", Same, String),
    row("ltrim", Same, String),
    row("max", Same, Argument),
    row("min", Same, Argument),
    row("now", Whole("CURRENT_TIMESTAMP"), DateTime),
    row("nth_value", Same, Argument),
    row("ntile", Same, Integer),
    row("nullif", Same, Argument),
    row("octet_length", Same, Integer),
    row("percent_rank", Same, Float),
    row("pow", Same, Float),
    row("random", Same, BigInteger),
    row("rank", Same, Integer),
    row("replace", Same, String),
    row("round", Same, Float),
    row("row_number", Same, Integer),
    row("rtrim", Same, String),
    row("substr", Same, String),
    row("sum", Same, Sum),
    row("sysdate", Whole("CURRENT_TIMESTAMP"), DateTime),
    row("total", Same, Float),
    row("trim", Same, String),
    row("unistr", Same, String),
    row("upper", Same, String),
];

/// What is known of the function of this name, in small letters or not.
pub(crate) fn known(name: &str) -> Option<&'static Known> {
    let lower = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    };
    FUNCTIONS.binary_search_by(|row| row.name.cmp(&*lower)).ok().map(|at| &FUNCTIONS[at])
}

impl Known {
    /// The type of what it gives for these arguments.
    pub(crate) fn result_type(&self, arguments: &[Expr]) -> SqlType {
        let argument = || arguments.iter().map(|e| e.ty.clone()).find(|ty| !ty.is_null()).unwrap_or_default();
        match self.gives {
            Integer => SqlType::Integer,
            BigInteger => SqlType::BigInteger,
            Float => SqlType::Float,
            String => SqlType::String(None),
            Json => SqlType::JSON,
            Date => SqlType::Date,
            Time => SqlType::Time,
            DateTime => SqlType::DateTime,
            Argument => argument(),
            Sum => match argument() {
                ty if ty.family() == Family::Boolean => SqlType::Integer,
                ty => ty,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.name < b.name));
        assert!(known("COUNT").is_some() && known("no_such").is_none());
    }
}
