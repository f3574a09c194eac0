//! Tables, and everything else that rows come from.

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
