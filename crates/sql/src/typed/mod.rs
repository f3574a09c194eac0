//! Tables, columns and expressions whose values have Rust types: `Column<i64>`, `Expr<bool>`.
//!
//! They are thin: an [`Expr`] is an expression of [`crate::expr`] that knows what its value is in Rust, and the statements
//! are those of [`crate::statement`]. What is compared with a column has the type of its values, or is an expression of it.
//!
//! ```
//! use aludel_sql::schema::MetaData;
//! use aludel_sql::typed::{TypedTable, func};
//! use aludel_sql::statement::select;
//!
//! aludel_sql::table! {
//!     /// People.
//!     pub struct Users: "users" {
//!         id: i64 => primary_key(),
//!         name: String => length(50),
//!         age: Option<i64>,
//!     }
//! }
//!
//! let metadata = MetaData::new();
//! let users = Users::new(&metadata);
//! let adults = select((&users.name, func::count(&users.id).label("n")))
//!     .filter((users.age.ge(18), users.name.starts_with("D")))
//!     .group_by(&users.name)
//!     .order_by(users.name.desc());
//! assert_eq!(
//!     adults.to_string(),
//!     "SELECT users.name, count(users.id) AS n FROM users \
//!      WHERE users.age >= ? AND (users.name LIKE ? || '%') GROUP BY users.name ORDER BY users.name DESC",
//! );
//! ```

mod column;
mod expr;
pub mod func;
#[cfg(feature = "serde")]
mod json;
mod operators;
mod table;
mod temporal;
mod value;

pub use column::Column;
pub use expr::{
    Expr, Operand, and_, bindparam, case, exists, literal, literal_column, name, not_, null, or_, tuple_in,
};
#[cfg(feature = "serde")]
pub use json::{Json, json_text};
pub use table::TypedTable;
#[doc(hidden)]
pub use table::column_name;
pub use temporal::{Date, DateTime, NotTemporal, Time};
pub use value::ColumnType;
