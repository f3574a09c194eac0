//! What rows come from.

use super::Table;
use super::table::column_of;
use crate::expr::{ColumnRef, Expr, Function, Kind, Name, Node};
use crate::statement::{Query, TextPart};
use crate::types::SqlType;
use aludel_protocol::Value;
use std::rc::Rc;

/// Something that rows come from. Two are the same when they are the same object.
#[derive(Clone, Debug)]
pub enum From {
    /// A table.
    Table(Rc<Table>),
    /// Something under another name.
    Alias(Rc<Alias>),
    /// A query in parentheses.
    Subquery(Rc<Subquery>),
    /// A query that is named in WITH.
    Cte(Rc<Cte>),
    /// Two things joined.
    Join(Rc<Join>),
    /// A function that returns rows.
    Function(Rc<TableFunction>),
    /// A list of rows.
    Values(Rc<ValuesClause>),
    /// SQL as it is.
    Text(Rc<TextPart>),
    /// The row that an upsert could not insert.
    Excluded(Rc<Table>),
}

/// A column of a [`From`].
#[derive(Clone, Debug)]
pub struct FromColumn {
    /// Its name in SQL.
    pub name: Name,
    /// Its name for those who use it.
    pub key: Rc<str>,
    /// Its type.
    pub ty: SqlType,
}

/// Something under another name.
#[derive(Debug)]
pub struct Alias {
    /// What it is.
    pub of: From,
    /// The name; `None` makes one up.
    pub name: Option<Rc<str>>,
}

/// A query in parentheses.
#[derive(Debug)]
pub struct Subquery {
    /// The query.
    pub query: Query,
    /// The name; `None` makes one up.
    pub name: Option<Rc<str>>,
}

/// Whether SQLite is to keep the rows of a CTE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CteHint {
    /// `MATERIALIZED`.
    Materialized,
    /// `NOT MATERIALIZED`.
    NotMaterialized,
}

/// A query that is named in WITH.
#[derive(Debug)]
pub struct Cte {
    /// The query. A recursive one refers to the CTE that it is a part of by [`Cte::restates`].
    pub query: Query,
    /// The name; `None` makes one up.
    pub name: Option<Rc<str>>,
    /// Whether it is `RECURSIVE`.
    pub recursive: bool,
    /// Whether it stands in the WITH of the statement that uses it, not in that of the whole.
    pub nesting: bool,
    /// Whether SQLite is to keep its rows.
    pub hint: Option<CteHint>,
    /// The CTE that this one replaces, under the same name: a recursive CTE is first made of its start alone, and the
    /// recursive part refers to that.
    pub restates: Option<Rc<Cte>>,
}

/// How two things are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// `JOIN`.
    Inner,
    /// `LEFT OUTER JOIN`.
    Left,
    /// `FULL OUTER JOIN`.
    Full,
}

/// Two things joined.
#[derive(Debug)]
pub struct Join {
    /// The one.
    pub left: From,
    /// The other.
    pub right: From,
    /// `ON`; `None` is inferred from foreign keys.
    pub on: Option<Expr>,
    /// How.
    pub kind: JoinKind,
}

/// A function that returns rows.
#[derive(Debug)]
pub struct TableFunction {
    /// The call.
    pub function: Function,
    /// The columns that it returns.
    pub columns: Vec<FromColumn>,
    /// The name; `None` makes one up.
    pub name: Option<Rc<str>>,
}

/// A list of rows.
#[derive(Debug)]
pub struct ValuesClause {
    /// The columns.
    pub columns: Vec<FromColumn>,
    /// The name; `None` makes one up.
    pub name: Option<Rc<str>>,
    /// The rows.
    pub rows: Vec<Vec<Expr>>,
}

impl From {
    /// What tells it from others.
    pub fn identity(&self) -> *const () {
        match self {
            From::Table(table) => Rc::as_ptr(table).cast(),
            From::Alias(alias) => Rc::as_ptr(alias).cast(),
            From::Subquery(subquery) => Rc::as_ptr(subquery).cast(),
            From::Cte(cte) => Rc::as_ptr(cte).cast(),
            From::Join(join) => Rc::as_ptr(join).cast(),
            From::Function(function) => Rc::as_ptr(function).cast(),
            From::Values(values) => Rc::as_ptr(values).cast(),
            From::Text(text) => Rc::as_ptr(text).cast(),
            // One that is not the table itself, although it is made of it.
            From::Excluded(table) => Rc::as_ptr(table).cast::<u8>().wrapping_add(1).cast(),
        }
    }

    /// Whether they are the same object.
    pub fn is(&self, other: &From) -> bool {
        self.identity() == other.identity()
    }

    /// Its columns, in their order.
    pub fn columns(&self) -> Vec<FromColumn> {
        match self {
            From::Table(table) | From::Excluded(table) => {
                let column = |c: &super::Column| FromColumn {
                    name: Name::Given(c.name.clone()),
                    key: c.key.clone(),
                    ty: c.ty.clone(),
                };
                table.columns.iter().map(column).collect()
            }
            From::Alias(alias) => alias.of.columns(),
            From::Subquery(subquery) => subquery.query.columns(),
            From::Cte(cte) => cte.query.columns(),
            From::Join(join) => join.left.columns().into_iter().chain(join.right.columns()).collect(),
            From::Function(function) => function.columns.clone(),
            From::Values(values) => values.columns.clone(),
            From::Text(_) => Vec::new(),
        }
    }

    /// Its columns, as expressions.
    pub fn column_exprs(&self) -> Vec<Expr> {
        match self {
            From::Table(table) => table.columns.iter().map(|column| column_of(self.clone(), column)).collect(),
            From::Join(join) => join.left.column_exprs().into_iter().chain(join.right.column_exprs()).collect(),
            _ => self.columns().into_iter().map(|column| self.expr(column)).collect(),
        }
    }

    fn expr(&self, column: FromColumn) -> Expr {
        let FromColumn { name, key, ty } = column;
        Node::new(Kind::Column(ColumnRef { from: Some(self.clone()), name, key }), ty)
    }

    /// The column with this key, as an expression.
    pub fn column(&self, key: &str) -> Option<Expr> {
        match self {
            From::Join(join) => return join.left.column(key).or_else(|| join.right.column(key)),
            From::Table(table) => {
                return table
                    .columns
                    .iter()
                    .find(|column| &*column.key == key)
                    .map(|column| column_of(self.clone(), column));
            }
            From::Alias(alias) if alias.of.table().is_some() => {
                let column = alias.of.table()?.columns.iter().find(|column| &*column.key == key)?;
                return Some(column_of(self.clone(), column));
            }
            _ => {}
        }
        self.columns().into_iter().find(|column| &*column.key == key).map(|column| self.expr(column))
    }

    /// The table that it is, under whatever name.
    pub fn table(&self) -> Option<&Rc<Table>> {
        match self {
            From::Table(table) => Some(table),
            From::Alias(alias) => alias.of.table(),
            _ => None,
        }
    }

    /// The single things of which a join is made.
    pub fn leaves(&self) -> Vec<From> {
        let mut leaves = Vec::with_capacity(2);
        self.add_leaves(&mut leaves);
        leaves
    }

    /// Adds the single things of which it is made.
    pub(crate) fn add_leaves(&self, into: &mut Vec<From>) {
        match self {
            From::Join(join) => {
                join.left.add_leaves(into);
                join.right.add_leaves(into);
            }
            other => into.push(other.clone()),
        }
    }

    /// Whether one of the single things is such.
    pub(crate) fn any_leaf(&self, is: &mut dyn FnMut(&From) -> bool) -> bool {
        match self {
            From::Join(join) => join.left.any_leaf(is) || join.right.any_leaf(is),
            other => is(other),
        }
    }

    /// The same under another name.
    pub fn alias(&self, name: Option<&str>) -> From {
        // One that is too deep holds nothing and is an error when it is compiled.
        let of = match crate::extent::excess_around(self) {
            Some(message) => {
                let missing = Node::new(Kind::Missing(message.into()), SqlType::Null);
                crate::statement::select(missing).subquery(None)
            }
            None => self.clone(),
        };
        From::Alias(Rc::new(Alias { of, name: name.map(Rc::from) }))
    }

    /// A list of rows with these columns.
    pub fn values(columns: &[(&str, SqlType)], name: Option<&str>, rows: Vec<Vec<Value>>) -> From {
        let cell = |(value, (key, ty)): (Value, &(&str, SqlType))| {
            crate::expr::bind(key, crate::expr::BindValue::Value(value), ty.clone())
        };
        // A row of another length is found out when it is compiled.
        let more = ("param", SqlType::Null);
        let row =
            |row: Vec<Value>| row.into_iter().zip(columns.iter().chain(std::iter::repeat(&more))).map(cell).collect();
        let rows = rows.into_iter().map(row).collect();
        let column =
            |(key, ty): &(&str, SqlType)| FromColumn { name: Name::given(key), key: (*key).into(), ty: ty.clone() };
        let columns = columns.iter().map(column).collect();
        From::Values(Rc::new(ValuesClause { columns, name: name.map(Rc::from), rows }))
    }

    /// The name that it was given; `None` where one is made up.
    pub fn given_name(&self) -> Option<Rc<str>> {
        match self {
            From::Table(table) => Some(table.name.clone()),
            From::Alias(alias) => alias.name.clone(),
            From::Subquery(subquery) => subquery.name.clone(),
            From::Cte(cte) => cte.name.clone(),
            From::Function(function) => function.name.clone(),
            From::Values(values) => values.name.clone(),
            From::Excluded(_) => Some(Rc::from("excluded")),
            From::Join(_) | From::Text(_) => None,
        }
    }
}

/// Rows that a function of rows gives, with these columns, under a name that is made up where none is given.
pub fn table_valued(call: &Expr, columns: &[&str], name: Option<&str>) -> From {
    let function = match &call.kind {
        Kind::Function(function) => function.clone(),
        // One that cannot be is the same error where it is read.
        Kind::Missing(_) => return crate::statement::select(call).subquery(name),
        // What is no call cannot be read from: SQLite says so, by its name.
        _ => Function { name: call.bind_base(), arguments: Vec::new(), order_by: Vec::new() },
    };
    let column = |key: &&str| FromColumn { name: Name::given(key), key: (*key).into(), ty: SqlType::Null };
    let columns = columns.iter().map(column).collect();
    From::Function(Rc::new(TableFunction { function, columns, name: name.map(Rc::from) }))
}
