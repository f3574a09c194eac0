//! Tables, and everything else that rows come from.
//!
//! ```
//! use aludel_sql::expr::literal_column;
//! use aludel_sql::schema::{Check, Column, MetaData, NamingConvention, Table, TableConstraint};
//! use aludel_sql::statement::{Ddl, Statement};
//! use aludel_sql::types::SqlType;
//! use std::rc::Rc;
//!
//! let mut metadata = MetaData::new();
//! metadata.naming = NamingConvention::new([("ck", "ck_%(table_name)s_%(constraint_name)s"), ("ix", "ix_%(column_0_label)s")]);
//! let mut table = Table::new(
//!     "users",
//!     vec![
//!         Column::new("id", SqlType::Integer).primary_key(),
//!         Column::new("name", SqlType::String(Some(50))).not_null().index(),
//!         Column::new("boss", SqlType::Integer).references("users.id"),
//!         Column::new("shout", SqlType::Text).computed("upper(name)", Some(false)),
//!     ],
//! );
//! let condition = literal_column("length(name) > 0", SqlType::Null);
//! table.constraints.push(TableConstraint::Check(Check { name: Some("named".into()), condition, on_conflict: None }));
//! let table = metadata.add(table);
//! let naming = || metadata.naming.clone();
//! let create = Ddl::CreateTable { table: table.clone(), naming: naming(), if_not_exists: false };
//! assert_eq!(
//!     Statement::Ddl(Rc::new(create)).to_string(),
//!     "CREATE TABLE users (\n\tid INTEGER NOT NULL, \n\tname VARCHAR(50) NOT NULL, \n\tboss INTEGER, \n\t\
//!      shout TEXT GENERATED ALWAYS AS (upper(name)) VIRTUAL, \n\tPRIMARY KEY (id), \n\t\
//!      FOREIGN KEY(boss) REFERENCES users (id), \n\tCONSTRAINT ck_users_named CHECK (length(name) > 0)\n)",
//! );
//! let index = table.all_indexes().remove(0);
//! let create = Ddl::CreateIndex { table, index, naming: naming(), if_not_exists: true };
//! assert_eq!(
//!     Statement::Ddl(Rc::new(create)).to_string(),
//!     "CREATE INDEX IF NOT EXISTS ix_users_name ON users (name)",
//! );
//! ```

mod constraint;
mod from;
mod metadata;
pub(crate) mod naming;
mod table;

pub use constraint::{Check, ForeignKey, ForeignKeyAction, Index, IndexElement, PrimaryKey, Unique};
pub use from::{
    Alias, Cte, CteHint, From, FromColumn, Join, JoinKind, Subquery, TableFunction, ValuesClause, table_valued,
};
pub(crate) use metadata::sorted;
pub use metadata::{DdlEvent, DdlTarget, MetaData, sort};
pub use naming::NamingConvention;
pub use table::{
    Column, Computed, ConflictClause, CurrentParameters, Default_, DefaultFn, ServerDefault, Table, TableConstraint,
    TableOptions, same_table,
};
