//! How statements are put together: every method gives another statement.

use super::{
    Compound, CompoundKind, Conflict, ConflictAction, Correlate, Delete, Insert, InsertSource, JoinStep, LabelStyle,
    Projection, Query, Select, Setting, Statement, Update,
};
use crate::expr::{Binary, BindValue, Expr, Kind, Node, binary, exists, literal, scalar};
use crate::schema::{Cte, From, JoinKind, Table};
use crate::types::SqlType;
use aludel_protocol::Value;
use std::rc::Rc;

impl std::convert::From<Expr> for Projection {
    fn from(expr: Expr) -> Projection {
        Projection::Expr(expr)
    }
}

impl std::convert::From<From> for Projection {
    fn from(from: From) -> Projection {
        Projection::From(from)
    }
}

impl std::convert::From<Rc<Table>> for From {
    fn from(table: Rc<Table>) -> From {
        From::Table(table)
    }
}

/// SELECT of these columns.
pub fn select<P: Into<Projection>>(columns: impl IntoIterator<Item = P>) -> Select {
    Select { columns: columns.into_iter().map(Into::into).collect(), ..Select::default() }
}

impl Select {
    /// The statement.
    pub fn query(&self) -> Query {
        Query::Select(Rc::new(self.clone()))
    }

    fn with(&self, change: impl FnOnce(&mut Select)) -> Select {
        let mut select = self.clone();
        change(&mut select);
        select
    }

    /// Adds conditions; all have to be true.
    pub fn filter(&self, conditions: impl IntoIterator<Item = Expr>) -> Select {
        self.with(|select| select.conditions.extend(conditions))
    }

    /// Adds a condition on the column with this key, whatever it is a column of.
    pub fn filter_by(&self, key: &str, value: Value) -> Select {
        let column = Node::new(Kind::Name(key.into()), SqlType::Null);
        let value = crate::expr::bind(key, BindValue::Value(value), SqlType::Null);
        self.filter([binary(Binary::Eq, &column, &value)])
    }

    /// Reads from this as well.
    pub fn select_from(&self, from: impl Into<From>) -> Select {
        self.with(|select| select.froms.push(from.into()))
    }

    /// Joins; without a condition, as foreign keys tell.
    pub fn join(&self, right: impl Into<From>, on: Option<Expr>, kind: JoinKind) -> Select {
        self.with(|select| select.joins.push(JoinStep { left: None, right: right.into(), on, kind }))
    }

    /// Joins to something that is named.
    pub fn join_from(&self, left: impl Into<From>, right: impl Into<From>, on: Option<Expr>, kind: JoinKind) -> Select {
        let (left, right) = (left.into(), right.into());
        self.with(|select| {
            if !select.froms.iter().any(|from| from.leaves().iter().any(|leaf| leaf.is(&left)))
                && select.joins.is_empty()
            {
                select.froms.push(left.clone());
            }
            select.joins.push(JoinStep { left: Some(left), right, on, kind });
        })
    }

    /// GROUP BY.
    pub fn group_by(&self, exprs: impl IntoIterator<Item = Expr>) -> Select {
        self.with(|select| select.group_by.extend(exprs))
    }

    /// HAVING.
    pub fn having(&self, conditions: impl IntoIterator<Item = Expr>) -> Select {
        self.with(|select| select.having.extend(conditions))
    }

    /// ORDER BY.
    pub fn order_by(&self, exprs: impl IntoIterator<Item = Expr>) -> Select {
        self.with(|select| select.order_by.extend(exprs))
    }

    /// At most so many rows.
    pub fn limit(&self, rows: i64) -> Select {
        self.with(|select| select.limit = Some(literal(Value::Integer(rows))))
    }

    /// Not the first so many rows.
    pub fn offset(&self, rows: i64) -> Select {
        self.with(|select| select.offset = Some(literal(Value::Integer(rows))))
    }

    /// No row twice.
    pub fn distinct(&self) -> Select {
        self.with(|select| select.distinct = true)
    }

    /// What stands behind SELECT.
    pub fn prefix_with(&self, sql: &str) -> Select {
        self.with(|select| select.prefixes.push(crate::expr::literal_column(sql, SqlType::Null)))
    }

    /// How result columns are named.
    pub fn set_label_style(&self, style: LabelStyle) -> Select {
        self.with(|select| select.label_style = style)
    }

    /// Means these of the statement around.
    pub fn correlate(&self, froms: Vec<From>) -> Select {
        self.with(|select| select.correlate = Correlate::To(froms))
    }

    /// Means all of the statement around but these.
    pub fn correlate_except(&self, froms: Vec<From>) -> Select {
        self.with(|select| select.correlate = Correlate::Except(froms))
    }

    /// Other columns in the place of its own; what it reads stays.
    pub fn with_only_columns<P: Into<Projection>>(&self, columns: impl IntoIterator<Item = P>) -> Select {
        self.with(|select| select.columns = columns.into_iter().map(Into::into).collect())
    }

    /// More columns.
    pub fn add_columns<P: Into<Projection>>(&self, columns: impl IntoIterator<Item = P>) -> Select {
        self.with(|select| select.columns.extend(columns.into_iter().map(Into::into)))
    }

    /// A CTE that stands in WITH, whether it is used or not.
    pub fn add_cte(&self, cte: &Rc<Cte>) -> Select {
        self.with(|select| select.ctes.push(cte.clone()))
    }

    /// As something that rows come from.
    pub fn subquery(&self, name: Option<&str>) -> From {
        self.query().subquery(name)
    }

    /// As a value.
    pub fn scalar_subquery(&self) -> Expr {
        scalar(self.query())
    }

    /// Whether it gives any row.
    pub fn exists(&self) -> Expr {
        exists(self.query())
    }

    /// As a CTE.
    pub fn cte(&self, name: Option<&str>) -> Rc<Cte> {
        cte(self.query(), name, false)
    }
}

/// A query that is named in WITH.
pub fn cte(query: Query, name: Option<&str>, recursive: bool) -> Rc<Cte> {
    let name = name.map(Rc::from);
    Rc::new(Cte { query, name, recursive, nesting: false, hint: None, restates: None })
}

/// A recursive CTE goes on: `first` UNION (ALL) `next`, which reads `first`.
pub fn cte_union(first: &Rc<Cte>, next: Query, all: bool) -> Rc<Cte> {
    let kind = if all { CompoundKind::UnionAll } else { CompoundKind::Union };
    let query = Query::Compound(Rc::new(compound(kind, [first.query.clone(), next])));
    let (name, recursive, nesting, hint) = (first.name.clone(), first.recursive, first.nesting, first.hint);
    Rc::new(Cte { query, name, recursive, nesting, hint, restates: Some(first.clone()) })
}

/// UNION and its like.
pub fn compound(kind: CompoundKind, parts: impl IntoIterator<Item = Query>) -> Compound {
    let parts = parts.into_iter().collect();
    Compound { kind, parts, order_by: Vec::new(), limit: None, offset: None, ctes: Vec::new() }
}

impl Compound {
    /// The statement.
    pub fn query(&self) -> Query {
        Query::Compound(Rc::new(self.clone()))
    }

    /// ORDER BY.
    pub fn order_by(&self, exprs: impl IntoIterator<Item = Expr>) -> Compound {
        let mut compound = self.clone();
        compound.order_by.extend(exprs);
        compound
    }

    /// At most so many rows.
    pub fn limit(&self, rows: i64) -> Compound {
        Compound { limit: Some(literal(Value::Integer(rows))), ..self.clone() }
    }

    /// As something that rows come from.
    pub fn subquery(&self, name: Option<&str>) -> From {
        self.query().subquery(name)
    }
}

/// A value or an expression for a column.
fn setting(column: &str, value: Expr) -> Setting {
    Setting { column: column.into(), value }
}

/// Values for columns.
pub fn settings(values: impl IntoIterator<Item = (&'static str, Expr)>) -> Vec<Setting> {
    values.into_iter().map(|(column, value)| setting(column, value)).collect()
}

/// INSERT into this table what the call gives.
pub fn insert(table: &Rc<Table>) -> Insert {
    Insert {
        table: table.clone(),
        source: InsertSource::Parameters,
        prefixes: Vec::new(),
        conflicts: Vec::new(),
        returning: Vec::new(),
        include_defaults: true,
        ctes: Vec::new(),
    }
}

impl Insert {
    /// The statement.
    pub fn statement(&self) -> Statement {
        Statement::Insert(Rc::new(self.clone()))
    }

    /// One row.
    pub fn values(&self, settings: Vec<Setting>) -> Insert {
        Insert { source: InsertSource::Values(settings), ..self.clone() }
    }

    /// Several rows.
    pub fn rows(&self, rows: Vec<Vec<Setting>>) -> Insert {
        Insert { source: InsertSource::Rows(rows), ..self.clone() }
    }

    /// The rows of a query.
    pub fn from_select(&self, columns: &[&str], query: Query) -> Insert {
        Insert {
            source: InsertSource::Select(columns.iter().map(|key| Rc::from(*key)).collect(), query),
            ..self.clone()
        }
    }

    /// What stands behind INSERT.
    pub fn prefix_with(&self, sql: &str) -> Insert {
        let mut insert = self.clone();
        insert.prefixes.push(crate::expr::literal_column(sql, SqlType::Null));
        insert
    }

    /// `ON CONFLICT`.
    pub fn on_conflict(&self, target: Vec<Expr>, target_condition: Option<Expr>, action: ConflictAction) -> Insert {
        let mut insert = self.clone();
        insert.conflicts.push(Conflict { target, target_condition, action });
        insert
    }

    /// The row that could not be inserted.
    pub fn excluded(&self) -> From {
        From::Excluded(self.table.clone())
    }

    /// `RETURNING`.
    pub fn returning<P: Into<Projection>>(&self, columns: impl IntoIterator<Item = P>) -> Insert {
        let mut insert = self.clone();
        insert.returning.extend(columns.into_iter().map(Into::into));
        insert
    }
}

/// UPDATE of this table, by what the call gives.
pub fn update(table: impl Into<From>) -> Update {
    Update {
        table: table.into(),
        settings: Vec::new(),
        ordered: false,
        conditions: Vec::new(),
        prefixes: Vec::new(),
        returning: Vec::new(),
        ctes: Vec::new(),
    }
}

impl Update {
    /// The statement.
    pub fn statement(&self) -> Statement {
        Statement::Update(Rc::new(self.clone()))
    }

    /// What is set.
    pub fn values(&self, settings: Vec<Setting>) -> Update {
        let mut update = self.clone();
        update.settings.extend(settings);
        update
    }

    /// What is set, in this order.
    pub fn ordered_values(&self, settings: Vec<Setting>) -> Update {
        Update { ordered: true, ..self.values(settings) }
    }

    /// Adds conditions; all have to be true.
    pub fn filter(&self, conditions: impl IntoIterator<Item = Expr>) -> Update {
        let mut update = self.clone();
        update.conditions.extend(conditions);
        update
    }

    /// `RETURNING`.
    pub fn returning<P: Into<Projection>>(&self, columns: impl IntoIterator<Item = P>) -> Update {
        let mut update = self.clone();
        update.returning.extend(columns.into_iter().map(Into::into));
        update
    }
}

/// DELETE from this table.
pub fn delete(table: impl Into<From>) -> Delete {
    Delete {
        table: table.into(),
        conditions: Vec::new(),
        prefixes: Vec::new(),
        returning: Vec::new(),
        ctes: Vec::new(),
    }
}

impl Delete {
    /// The statement.
    pub fn statement(&self) -> Statement {
        Statement::Delete(Rc::new(self.clone()))
    }

    /// Adds conditions; all have to be true.
    pub fn filter(&self, conditions: impl IntoIterator<Item = Expr>) -> Delete {
        let mut delete = self.clone();
        delete.conditions.extend(conditions);
        delete
    }

    /// `RETURNING`.
    pub fn returning<P: Into<Projection>>(&self, columns: impl IntoIterator<Item = P>) -> Delete {
        let mut delete = self.clone();
        delete.returning.extend(columns.into_iter().map(Into::into));
        delete
    }
}
