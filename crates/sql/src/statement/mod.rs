//! Statements: frozen descriptions, put together by the compiler.
//!
//! Every method gives another statement. What is read stands in FROM by itself, and joins follow foreign keys:
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
//! let emails = select((&users.name, &addr.email)).join_from(&users, &addr).filter(users.age.gt(18)).order_by(&addr.id);
//! assert_eq!(
//!     emails.to_string(),
//!     "SELECT users.name, addr.email FROM users JOIN addr ON users.id = addr.user_id WHERE users.age > ? ORDER BY addr.id",
//! );
//! let other = users.alias(Some("other"));
//! let older = select((&users.name, &other.name.label("older"))).outer_join_on(&other, other.age.gt(&users.age)).limit(5);
//! assert_eq!(
//!     older.to_string(),
//!     "SELECT users.name, other.name AS older FROM users LEFT OUTER JOIN users AS other ON other.age > users.age \
//!      LIMIT ? OFFSET ?",
//! );
//! ```
//!
//! Queries stand in others: as a value, in EXISTS and IN, in FROM, in WITH. One that is a value means the tables around it.
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
//! use aludel_sql::schema::From;
//! use aludel_sql::statement::{CompoundKind, compound, cte, cte_union, select};
//! use aludel_sql::typed::{Column, exists};
//!
//! let count = select(func::count(&addr.id)).filter(addr.user_id.eq(&users.id));
//! let counted = select((&users.name, count.scalar_subquery())).filter(exists(&select(&addr.id)));
//! assert_eq!(
//!     counted.to_string(),
//!     "SELECT users.name, (SELECT count(addr.id) AS count_1 FROM addr WHERE addr.user_id = users.id) AS anon_1 \
//!      FROM users WHERE EXISTS (SELECT addr.id FROM addr)",
//! );
//!
//! let first = cte(select(literal(1_i64).label("n")).query(), Some("numbers"), true);
//! let n: Column<i64> = Column::new(&From::Cte(first.clone()), "n");
//! let numbers = From::Cte(cte_union(&first, select(&n + 1).filter(n.lt(10)).query(), true));
//! assert_eq!(
//!     select(&Column::<i64>::new(&numbers, "n")).to_string(),
//!     "WITH RECURSIVE numbers(n) AS (SELECT ? AS n UNION ALL SELECT numbers.n + ? AS anon_1 FROM numbers \
//!      WHERE numbers.n < ?) SELECT numbers.n FROM numbers",
//! );
//!
//! let names = compound(CompoundKind::Union, [select(&users.name).query(), select(&addr.email).query()]);
//! assert_eq!(names.to_string(), "SELECT users.name FROM users UNION SELECT addr.email FROM addr");
//! ```
//!
//! INSERT, UPDATE and DELETE take what is given to the call, or say it themselves:
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
//! use aludel_sql::statement::{ConflictAction, Settings};
//!
//! let insert = users.insert().values((users.name.set("Dan"), users.age.set(30))).returning(&users.id);
//! assert_eq!(insert.to_string(), "INSERT INTO users (name, age) VALUES (?, ?) RETURNING id");
//!
//! let excluded = Users::of(users.insert().excluded());
//! let upsert = users.insert().values((users.name.set("Dan"), users.age.set(30))).on_conflict(
//!     vec![users.name.node().clone()],
//!     None,
//!     ConflictAction::Update(users.age.set(&excluded.age + 1).settings(), vec![]),
//! );
//! assert_eq!(
//!     upsert.to_string(),
//!     "INSERT INTO users (name, age) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET age = excluded.age + ?",
//! );
//!
//! let birthday = users.update().values(users.age.set(&users.age + 1)).filter(users.name.eq("Dan"));
//! assert_eq!(birthday.to_string(), "UPDATE users SET age=(users.age + ?) WHERE users.name = ?");
//! let known = users.delete().filter(users.age.is_not(None::<i64>));
//! assert_eq!(known.to_string(), "DELETE FROM users WHERE users.age IS NOT NULL");
//! ```

mod build;
mod ddl;
mod dml;
mod given;
mod select;
mod text_part;

pub use build::*;
pub use ddl::{Ddl, DropWhat};
pub use dml::{Conflict, ConflictAction, Delete, Insert, InsertSource, Setting, Update};
pub use given::{Exprs, IntoExpr, IntoProjection, IntoSetting, Projections, Settings};
pub use select::{Compound, CompoundKind, Correlate, JoinStep, LabelStyle, Projection, Query, Select, TextSelect};
pub use text_part::{Piece, TextPart};

use crate::expr::Expr;
use std::rc::Rc;

/// Something that can be executed.
#[derive(Clone, Debug)]
pub enum Statement {
    /// A query.
    Query(Query),
    /// INSERT.
    Insert(Rc<Insert>),
    /// UPDATE.
    Update(Rc<Update>),
    /// DELETE.
    Delete(Rc<Delete>),
    /// CREATE, DROP.
    Ddl(Rc<Ddl>),
    /// An expression by itself: to be shown, not to be executed.
    Expr(Expr),
}
