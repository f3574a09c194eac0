//! Functions of SQL whose types are known; [`call`] calls any other.
//!
//! ```
//! # use aludel_sql::schema::MetaData;
//! # use aludel_sql::typed::{self, TypedTable, func, literal};
//! # aludel_sql::table! {
//! #     pub struct Users: "users" { id: i64 => primary_key(), name: String => unique(), age: Option<i64>, }
//! # }
//! # aludel_sql::table! {
//! #     pub struct Addresses: "addr" { id: i64 => primary_key(), user_id: i64 => references("users.id"), email: String, }
//! # }
//! # let metadata = MetaData::new();
//! # let (users, addr) = (Users::new(&metadata), Addresses::new(&metadata));
//! use aludel_sql::statement::select;
//!
//! let statistics = select((
//!     func::count_all(),
//!     func::sum(&*users.age).label("years"),
//!     func::count(&users.id).filter(users.age.ge(18)).label("adults"),
//!     func::call::<String>("printf", (literal("%d".to_owned()), &users.age)),
//! ));
//! assert_eq!(
//!     statistics.to_string(),
//!     "SELECT count(*) AS count_1, sum(users.age) AS years, count(users.id) FILTER (WHERE users.age >= ?) AS adults, \
//!      printf(?, users.age) AS printf_1 FROM users",
//! );
//! let so_far = func::sum(&*users.age).over(&users.name, users.id.desc()).label("so_far");
//! assert_eq!(
//!     select((&users.id, so_far)).to_string(),
//!     "SELECT users.id, sum(users.age) OVER (PARTITION BY users.name ORDER BY users.id DESC) AS so_far FROM users",
//! );
//! ```

use super::{ColumnType, Date, DateTime, Expr, Time};
use crate::expr as untyped;
use crate::statement::{Exprs, IntoExpr};
use crate::types::SqlType;
use aludel_protocol::Value;

/// A call of any function, which gives a `T`.
pub fn call<T: ColumnType>(name: &str, arguments: impl Exprs) -> Expr<T> {
    Expr::from_node(untyped::call_typed(name, arguments.exprs(), T::sql_type()))
}

/// A call whose type in SQL is that of the known function.
fn known<T>(name: &str, arguments: impl Exprs) -> Expr<T> {
    Expr::from_node(untyped::call(name, arguments.exprs()))
}

/// How many values that are not NULL.
pub fn count(of: impl IntoExpr) -> Expr<i64> {
    known("count", of.into_expr())
}

/// How many rows.
pub fn count_all() -> Expr<i64> {
    known("count", ())
}

/// The sum; NULL of no rows.
pub fn sum<T: ColumnType>(of: impl std::borrow::Borrow<Expr<T>>) -> Expr<Option<T::Base>> {
    known("sum", of.borrow())
}

/// The mean; NULL of no rows.
pub fn avg(of: impl IntoExpr) -> Expr<Option<f64>> {
    known("avg", of.into_expr())
}

/// The least; NULL of no rows.
pub fn min<T: ColumnType>(of: &Expr<T>) -> Expr<Option<T::Base>> {
    known("min", of)
}

/// The greatest; NULL of no rows.
pub fn max<T: ColumnType>(of: &Expr<T>) -> Expr<Option<T::Base>> {
    known("max", of)
}

/// The first that is not NULL.
pub fn coalesce<T: ColumnType>(of: &Expr<T>, otherwise: T::Base) -> Expr<T::Base>
where
    T::Base: ColumnType,
{
    let ty = <T::Base as ColumnType>::sql_type();
    known("coalesce", (of, untyped::bind("coalesce", untyped::BindValue::Value(otherwise.bind()), ty)))
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident $sql:literal $out:ty;)*) => {$(
        $(#[$doc])*
        pub fn $name<T: ColumnType<Base = String>>(of: &Expr<T>) -> Expr<$out> {
            known($sql, of)
        }
    )*};
}

texts! {
    /// In small letters (ASCII only).
    lower "lower" T;
    /// In capital letters (ASCII only).
    upper "upper" T;
    /// Without blanks at either end.
    trim "trim" T;
    /// The number of characters.
    char_length "char_length" i64;
}

macro_rules! windows {
    ($($(#[$doc:meta])* $name:ident $out:ty;)*) => {$(
        $(#[$doc])*
        pub fn $name() -> Expr<$out> {
            known(stringify!($name), ())
        }
    )*};
}

windows! {
    /// The number of the row in its window.
    row_number i64;
    /// Its rank, with gaps.
    rank i64;
    /// Its rank, without gaps.
    dense_rank i64;
    /// Its rank as a part of 1.
    percent_rank f64;
    /// The part of the rows up to it.
    cume_dist f64;
    /// The instant at which the statement runs, in UTC.
    now DateTime;
    /// The date at which the statement runs, in UTC.
    current_date Date;
    /// The time of day at which the statement runs, in UTC.
    current_time Time;
    /// A number of 64 bits.
    random i64;
}

/// The text of a group, with a separator between.
pub fn aggregate_strings<T: ColumnType<Base = String>>(of: &Expr<T>, separator: &str) -> Expr<Option<String>> {
    let separator =
        untyped::bind("aggregate_strings", untyped::BindValue::Value(Value::from(separator)), SqlType::String(None));
    known("aggregate_strings", (of.node().clone(), separator))
}
