//! SELECT, and what is made of several of them.

use super::TextPart;
use crate::compile::labels;
use crate::expr::{Expr, Kind, Name};
use crate::extent::Extent;
use crate::schema::{Cte, From, FromColumn, JoinKind, Subquery};
use crate::types::SqlType;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A statement that returns rows and can stand within others.
#[derive(Clone, Debug)]
pub enum Query {
    /// SELECT.
    Select(Rc<Select>),
    /// UNION and its like.
    Compound(Rc<Compound>),
    /// SQL as it is, with columns that were declared.
    Text(Rc<TextSelect>),
}

/// How result columns are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelStyle {
    /// By their own name, with a number where it is taken.
    #[default]
    Disambiguate,
    /// `table_column`.
    TableNamePlusColumn,
    /// By their own name, be it taken or not.
    None,
}

/// Which tables of an enclosing statement a query means.
#[derive(Clone, Debug, Default)]
pub enum Correlate {
    /// Those of the statement right around it, as long as it has others of its own.
    #[default]
    Auto,
    /// These.
    To(Vec<From>),
    /// All but these.
    Except(Vec<From>),
}

/// A term of the list of columns.
#[derive(Clone, Debug)]
pub enum Projection {
    /// One column.
    Expr(Expr),
    /// All columns.
    From(From),
}

/// A join as it was asked for.
#[derive(Clone, Debug)]
pub struct JoinStep {
    /// What is joined to; `None` finds it by foreign keys and the condition.
    pub left: Option<From>,
    /// What is joined.
    pub right: From,
    /// The condition; `None` is inferred from foreign keys.
    pub on: Option<Expr>,
    /// How.
    pub kind: JoinKind,
}

/// SELECT.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// The columns.
    pub columns: Vec<Projection>,
    /// FROM, as far as columns and conditions do not tell.
    pub froms: Vec<From>,
    /// The joins, in their order.
    pub joins: Vec<JoinStep>,
    /// WHERE: all of them.
    pub conditions: Vec<Expr>,
    /// GROUP BY.
    pub group_by: Vec<Expr>,
    /// HAVING: all of them.
    pub having: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<Expr>,
    /// LIMIT.
    pub limit: Option<Expr>,
    /// OFFSET.
    pub offset: Option<Expr>,
    /// DISTINCT.
    pub distinct: bool,
    /// What stands behind SELECT.
    pub prefixes: Vec<Expr>,
    /// What stands at the end.
    pub suffixes: Vec<Expr>,
    /// Which tables of an enclosing statement it means.
    pub correlate: Correlate,
    /// How result columns are named.
    pub label_style: LabelStyle,
    /// CTEs that it does not use itself.
    pub ctes: Vec<Rc<Cte>>,
    /// How deep and how large it is; known of those that are queries.
    pub(crate) extent: Extent,
}

/// What combines queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompoundKind {
    /// `UNION`.
    Union,
    /// `UNION ALL`.
    UnionAll,
    /// `INTERSECT`.
    Intersect,
    /// `EXCEPT`.
    Except,
    /// `INTERSECT ALL`, which SQLite has not.
    IntersectAll,
    /// `EXCEPT ALL`, which SQLite has not.
    ExceptAll,
}

impl CompoundKind {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            CompoundKind::Union => "UNION",
            CompoundKind::UnionAll => "UNION ALL",
            CompoundKind::Intersect => "INTERSECT",
            CompoundKind::Except => "EXCEPT",
            CompoundKind::IntersectAll => "INTERSECT ALL",
            CompoundKind::ExceptAll => "EXCEPT ALL",
        }
    }
}

/// UNION and its like.
#[derive(Clone, Debug)]
pub struct Compound {
    /// What combines them.
    pub kind: CompoundKind,
    /// The queries.
    pub parts: Vec<Query>,
    /// GROUP BY is not among SQLite's clauses of a compound; ORDER BY is.
    pub order_by: Vec<Expr>,
    /// LIMIT.
    pub limit: Option<Expr>,
    /// OFFSET.
    pub offset: Option<Expr>,
    /// CTEs that it does not use itself.
    pub ctes: Vec<Rc<Cte>>,
    /// How deep and how large it is; known of those that are queries.
    pub(crate) extent: Extent,
}

/// SQL as it is, with columns that were declared.
#[derive(Debug)]
pub struct TextSelect {
    /// The SQL.
    pub text: Rc<TextPart>,
    /// The columns, in the order of the result.
    pub columns: Vec<FromColumn>,
}

impl Select {
    /// The list of columns, one by one.
    pub fn exprs(&self) -> Vec<Expr> {
        let mut exprs = Vec::with_capacity(self.columns.len());
        for projection in &self.columns {
            match projection {
                Projection::Expr(expr) => exprs.push(expr.clone()),
                Projection::From(from) => exprs.extend(from.column_exprs()),
            }
        }
        exprs
    }
}

impl Query {
    /// The columns by which others know it: a name that is taken gets a number behind it.
    pub fn columns(&self) -> Vec<FromColumn> {
        match self {
            Query::Select(select) => {
                let exprs = select.exprs();
                let names = labels(select.label_style, &exprs);
                let mut numbers: BTreeMap<Rc<str>, u32> = BTreeMap::new();
                let column = |(expr, name): (&Expr, Name)| {
                    let key = match (&expr.kind, &name) {
                        (Kind::Column(column), name) if column.name == *name => column.key.clone(),
                        (_, Name::Given(name)) => name.clone(),
                        (_, Name::MadeUp { base, .. }) => {
                            let number = numbers.entry(base.clone()).or_default();
                            *number += 1;
                            format!("{base}_{number}").into()
                        }
                    };
                    FromColumn { name, key, ty: expr.ty.clone() }
                };
                exprs.iter().zip(names).map(column).collect()
            }
            Query::Compound(compound) => compound.parts.first().map(Query::columns).unwrap_or_default(),
            Query::Text(text) => text.columns.clone(),
        }
    }

    /// The type of the first column.
    pub fn scalar_type(&self) -> SqlType {
        self.columns().into_iter().next().map(|column| column.ty).unwrap_or_default()
    }

    /// The query as something that rows come from.
    pub fn subquery(&self, name: Option<&str>) -> From {
        From::Subquery(Rc::new(Subquery { query: self.clone(), name: name.map(Rc::from) }))
    }
}
