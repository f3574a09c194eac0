//! INSERT, UPDATE, DELETE.

use super::{Projection, Query};
use crate::expr::Expr;
use crate::schema::{Cte, From, Table};
use std::rc::Rc;

/// A column and what it is set to.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The key of the column.
    pub column: Rc<str>,
    /// What it is set to.
    pub value: Expr,
}

/// Where the rows of an INSERT come from.
#[derive(Clone, Debug)]
pub enum InsertSource {
    /// From the parameters of the call: every column that they name.
    Parameters,
    /// One row.
    Values(Vec<Setting>),
    /// Several rows in one statement; all have the columns of the first.
    Rows(Vec<Vec<Setting>>),
    /// A query, for these columns.
    Select(Vec<Rc<str>>, Query),
}

/// `ON CONFLICT`.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// The columns or expressions of the unique index that is meant; empty is any.
    pub target: Vec<Expr>,
    /// `WHERE` of a partial index.
    pub target_condition: Option<Expr>,
    /// What happens.
    pub action: ConflictAction,
}

/// What happens to a row that cannot be inserted.
#[derive(Clone, Debug)]
pub enum ConflictAction {
    /// `DO NOTHING`.
    Nothing,
    /// `DO UPDATE SET ... WHERE ...`.
    Update(Vec<Setting>, Vec<Expr>),
}

/// INSERT.
#[derive(Clone, Debug)]
pub struct Insert {
    /// The table.
    pub table: Rc<Table>,
    /// The rows.
    pub source: InsertSource,
    /// What stands behind INSERT: `OR REPLACE`.
    pub prefixes: Vec<Expr>,
    /// `ON CONFLICT`, in their order.
    pub conflicts: Vec<Conflict>,
    /// `RETURNING`.
    pub returning: Vec<Projection>,
    /// Whether a query's rows get the defaults of columns that it does not give.
    pub include_defaults: bool,
    /// CTEs that it does not use itself.
    pub ctes: Vec<Rc<Cte>>,
}

/// UPDATE.
#[derive(Clone, Debug)]
pub struct Update {
    /// The table, or an alias of it.
    pub table: From,
    /// What is set; empty sets what the parameters of the call name.
    pub settings: Vec<Setting>,
    /// Whether `settings` keep their order; else they have that of the table's columns.
    pub ordered: bool,
    /// WHERE: all of them.
    pub conditions: Vec<Expr>,
    /// What stands behind UPDATE: `OR IGNORE`.
    pub prefixes: Vec<Expr>,
    /// `RETURNING`.
    pub returning: Vec<Projection>,
    /// CTEs that it does not use itself.
    pub ctes: Vec<Rc<Cte>>,
}

/// DELETE.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The table, or an alias of it.
    pub table: From,
    /// WHERE: all of them.
    pub conditions: Vec<Expr>,
    /// What stands behind DELETE.
    pub prefixes: Vec<Expr>,
    /// `RETURNING`.
    pub returning: Vec<Projection>,
    /// CTEs that it does not use itself.
    pub ctes: Vec<Rc<Cte>>,
}
