//! Columns that know the type of their values.

use super::{ColumnType, Expr, Operand};
use crate::expr::{self as untyped, Kind};
use crate::schema::From;
use crate::statement::{IntoExpr, Setting};
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

/// A column whose values are `T`s; it is an [`Expr`], and can be set.
pub struct Column<T> {
    expr: Expr<T>,
}

impl<T> Column<T> {
    /// The column with this key. Where there is none, statements that use it say so.
    pub fn new(from: &From, key: &str) -> Column<T> {
        let node = from.column(key).unwrap_or_else(|| untyped::missing_column(from, key));
        Column { expr: Expr::from_node(node) }
    }

    /// What the column is called in SQL, and so in results.
    pub fn name(&self) -> Rc<str> {
        match &self.expr.node.kind {
            Kind::Column(column) => column.name.base().clone(),
            _ => Rc::from(""),
        }
    }

    /// What the column is called in statements: its name, unless it has a key of its own.
    pub fn key(&self) -> Rc<str> {
        match &self.expr.node.kind {
            Kind::Column(column) => column.key.clone(),
            _ => Rc::from(""),
        }
    }
}

impl<T: ColumnType> Column<T> {
    /// The column and what an INSERT or UPDATE sets it to.
    pub fn set(&self, value: impl Operand<T::Base>) -> Setting {
        Setting { column: self.key(), value: value.operand(&self.expr.node) }
    }
}

impl<T> Clone for Column<T> {
    fn clone(&self) -> Column<T> {
        Column { expr: self.expr.clone() }
    }
}

impl<T> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}

impl<T> Deref for Column<T> {
    type Target = Expr<T>;

    fn deref(&self) -> &Expr<T> {
        &self.expr
    }
}

impl<T> IntoExpr for Column<T> {
    fn into_expr(self) -> untyped::Expr {
        self.expr.node
    }
}

impl<T> IntoExpr for &Column<T> {
    fn into_expr(self) -> untyped::Expr {
        self.expr.node.clone()
    }
}

impl<B, T: ColumnType<Base = B>> Operand<B> for Column<T> {
    fn operand(self, _: &untyped::Expr) -> untyped::Expr {
        self.expr.node
    }
}

impl<B, T: ColumnType<Base = B>> Operand<B> for &Column<T> {
    fn operand(self, _: &untyped::Expr) -> untyped::Expr {
        self.expr.node.clone()
    }
}
