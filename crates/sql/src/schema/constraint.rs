//! Constraints and indexes.

use super::ConflictClause;
use crate::expr::Expr;
use std::rc::Rc;

/// What happens to rows that refer to one that goes or changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are called as in SQL")]
pub enum ForeignKeyAction {
    NoAction,
    Restrict,
    SetNull,
    SetDefault,
    Cascade,
}

impl ForeignKeyAction {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            ForeignKeyAction::NoAction => "NO ACTION",
            ForeignKeyAction::Restrict => "RESTRICT",
            ForeignKeyAction::SetNull => "SET NULL",
            ForeignKeyAction::SetDefault => "SET DEFAULT",
            ForeignKeyAction::Cascade => "CASCADE",
        }
    }
}

/// `FOREIGN KEY`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForeignKey {
    /// Its name.
    pub name: Option<Rc<str>>,
    /// The columns that refer; empty at a column, which refers itself.
    pub columns: Vec<Rc<str>>,
    /// The database of the other table.
    pub schema: Option<Rc<str>>,
    /// The other table.
    pub table: Rc<str>,
    /// The other table's columns.
    pub referred: Vec<Rc<str>>,
    /// `ON DELETE`.
    pub on_delete: Option<ForeignKeyAction>,
    /// `ON UPDATE`.
    pub on_update: Option<ForeignKeyAction>,
    /// `DEFERRABLE` (true) or `NOT DEFERRABLE`.
    pub deferrable: Option<bool>,
    /// `INITIALLY DEFERRED` (true) or `INITIALLY IMMEDIATE`.
    pub initially_deferred: Option<bool>,
    /// `MATCH`, which SQLite ignores.
    pub matching: Option<String>,
}

/// `PRIMARY KEY` of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PrimaryKey {
    /// Its name.
    pub name: Option<Rc<str>>,
    /// Its columns.
    pub columns: Vec<Rc<str>>,
    /// What stands behind each of them: `COLLATE "NOCASE"`, `DESC`, or nothing. It may be shorter than `columns`. `DESC` behind
    /// a lone INTEGER column that is the primary key is written behind that column, which then is not the rowid.
    pub orders: Vec<Rc<str>>,
    /// `ON CONFLICT`.
    pub on_conflict: Option<ConflictClause>,
}

/// `UNIQUE` of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unique {
    /// Its name.
    pub name: Option<Rc<str>>,
    /// Its columns.
    pub columns: Vec<Rc<str>>,
    /// What stands behind each of them: `COLLATE "NOCASE"`, `DESC`, or nothing. It may be shorter than `columns`.
    pub orders: Vec<Rc<str>>,
    /// `ON CONFLICT`.
    pub on_conflict: Option<ConflictClause>,
}

/// `CHECK`.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name.
    pub name: Option<Rc<str>>,
    /// What is checked; text is SQL as it is.
    pub condition: Expr,
    /// `ON CONFLICT`, which SQLite ignores for it.
    pub on_conflict: Option<ConflictClause>,
}

/// What an index is over.
#[derive(Clone, Debug)]
pub enum IndexElement {
    /// A column.
    Column(Rc<str>),
    /// An expression.
    Expr(Expr),
}

/// An index.
#[derive(Clone, Debug)]
pub struct Index {
    /// Its name; made by the naming convention where it has none.
    pub name: Option<Rc<str>>,
    /// What it is over.
    pub elements: Vec<IndexElement>,
    /// Whether it allows no two equal rows.
    pub unique: bool,
    /// `WHERE`: a partial index.
    pub condition: Option<Expr>,
}
