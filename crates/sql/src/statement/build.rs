//! How statements are put together: every method gives another statement.

use super::{
    Compound, CompoundKind, Conflict, ConflictAction, Correlate, Delete, Exprs, Insert, InsertSource, IntoExpr,
    JoinStep, LabelStyle, Projections, Query, Select, Setting, Settings, Statement, Update,
};
use crate::expr::{Binary, BindValue, Expr, Kind, Node, binary, exists, literal, scalar};
use crate::extent::Extent;
use crate::schema::{Cte, From, FromColumn, JoinKind, Table};
use crate::types::SqlType;
use aludel_protocol::{Result, Value};
use std::rc::Rc;

impl std::convert::From<Rc<Table>> for From {
    fn from(table: Rc<Table>) -> From {
        From::Table(table)
    }
}

/// SELECT of these columns: expressions, columns, and everything that rows come from.
pub fn select(columns: impl Projections) -> Select {
    Select { columns: columns.projections(), ..Select::default() }
}

impl Select {
    /// The statement.
    pub fn query(&self) -> Query {
        Query::Select(Rc::new(self.clone().limited()))
    }

    fn with(&self, change: impl FnOnce(&mut Select)) -> Select {
        let mut select = self.clone();
        change(&mut select);
        select
    }

    /// Adds conditions; all have to be true.
    pub fn filter(&self, conditions: impl Exprs) -> Select {
        self.with(|select| select.conditions.extend(conditions.exprs()))
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

    /// Joins, as foreign keys tell.
    pub fn join(&self, right: impl Into<From>) -> Select {
        self.join_as(right, None, JoinKind::Inner)
    }

    /// Joins on a condition.
    pub fn join_on(&self, right: impl Into<From>, on: impl IntoExpr) -> Select {
        self.join_as(right, Some(on.into_expr()), JoinKind::Inner)
    }

    /// `LEFT OUTER JOIN`, as foreign keys tell.
    pub fn outer_join(&self, right: impl Into<From>) -> Select {
        self.join_as(right, None, JoinKind::Left)
    }

    /// `LEFT OUTER JOIN` on a condition.
    pub fn outer_join_on(&self, right: impl Into<From>, on: impl IntoExpr) -> Select {
        self.join_as(right, Some(on.into_expr()), JoinKind::Left)
    }

    /// `FULL OUTER JOIN`, as foreign keys tell.
    pub fn full_join(&self, right: impl Into<From>) -> Select {
        self.join_as(right, None, JoinKind::Full)
    }

    /// `FULL OUTER JOIN` on a condition.
    pub fn full_join_on(&self, right: impl Into<From>, on: impl IntoExpr) -> Select {
        self.join_as(right, Some(on.into_expr()), JoinKind::Full)
    }

    /// Joins; without a condition, as foreign keys tell.
    pub fn join_as(&self, right: impl Into<From>, on: Option<Expr>, kind: JoinKind) -> Select {
        self.with(|select| select.joins.push(JoinStep { left: None, right: right.into(), on, kind }))
    }

    /// Joins to something that is named, as foreign keys tell.
    pub fn join_from(&self, left: impl Into<From>, right: impl Into<From>) -> Select {
        self.join_from_as(left, right, None, JoinKind::Inner)
    }

    /// Joins to something that is named.
    pub fn join_from_as(
        &self,
        left: impl Into<From>,
        right: impl Into<From>,
        on: Option<Expr>,
        kind: JoinKind,
    ) -> Select {
        let (left, right) = (left.into(), right.into());
        self.with(|select| {
            if !select.froms.iter().any(|from| from.any_leaf(&mut |leaf| leaf.is(&left))) && select.joins.is_empty() {
                select.froms.push(left.clone());
            }
            select.joins.push(JoinStep { left: Some(left), right, on, kind });
        })
    }

    /// GROUP BY.
    pub fn group_by(&self, exprs: impl Exprs) -> Select {
        self.with(|select| select.group_by.extend(exprs.exprs()))
    }

    /// HAVING.
    pub fn having(&self, conditions: impl Exprs) -> Select {
        self.with(|select| select.having.extend(conditions.exprs()))
    }

    /// ORDER BY.
    pub fn order_by(&self, exprs: impl Exprs) -> Select {
        self.with(|select| select.order_by.extend(exprs.exprs()))
    }

    /// At most so many rows.
    pub fn limit(&self, rows: i64) -> Select {
        self.with(|select| select.limit = Some(literal(Value::Integer(rows))))
    }

    /// Not the first so many rows.
    pub fn offset(&self, rows: i64) -> Select {
        self.with(|select| select.offset = Some(literal(Value::Integer(rows))))
    }

    /// The rows from one position to another, the last not included.
    pub fn slice(&self, start: i64, stop: i64) -> Select {
        self.limit(stop.saturating_sub(start)).offset(start)
    }

    /// `FETCH FIRST`, which SQLite spells LIMIT.
    pub fn fetch(&self, rows: i64) -> Select {
        self.limit(rows)
    }

    /// No row twice.
    pub fn distinct(&self) -> Select {
        self.with(|select| select.distinct = true)
    }

    /// `DISTINCT ON`, which SQLite has not: compiling it is an error that says what there is instead.
    pub fn distinct_on(&self, _: impl Exprs) -> Select {
        let message = "SQLite has no DISTINCT ON: use distinct(), group_by(), or row_number() in a subquery";
        let missing = Node::new(Kind::Missing(message.into()), SqlType::Null);
        self.with(|select| select.prefixes.push(missing))
    }

    /// The columns of its result, with the names by which others know them.
    pub fn column_descriptions(&self) -> Vec<FromColumn> {
        self.query().columns()
    }

    /// The columns of its result, as expressions.
    pub fn selected_columns(&self) -> Vec<Expr> {
        self.exprs()
    }

    /// The columns that it gives to those who read from it.
    pub fn exported_columns(&self) -> Vec<FromColumn> {
        self.column_descriptions()
    }

    /// What stands behind its FROM when it is compiled.
    pub fn final_froms(&self) -> Result<Vec<From>> {
        crate::compile::final_froms(self)
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

    /// Other columns in the place of its own; what it joins stays.
    pub fn with_only_columns(&self, columns: impl Projections) -> Select {
        self.with(|select| {
            // What the first join goes out from is known by the columns that go.
            if select.froms.is_empty()
                && let Some(first) = select.joins.first_mut()
                && first.left.is_none()
            {
                first.left = crate::compile::join_start(&select.columns, first);
            }
            select.columns = columns.projections();
        })
    }

    /// More columns.
    pub fn add_columns(&self, columns: impl Projections) -> Select {
        self.with(|select| select.columns.extend(columns.projections()))
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

    /// As a CTE with a hint, or one that nests.
    pub fn cte_with(&self, name: Option<&str>, change: impl FnOnce(&mut Cte)) -> Rc<Cte> {
        let name = name.map(Rc::from);
        let mut cte = Cte { query: self.query(), name, recursive: false, nesting: false, hint: None, restates: None };
        change(&mut cte);
        Rc::new(cte)
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
    let query = compound(kind, [first.query.clone(), next]).query();
    // One that is too deep is nothing but an error, and holds nothing.
    let restates = match &query {
        Query::Compound(compound) if compound.parts.len() == 1 => None,
        _ => Some(first.clone()),
    };
    let (name, recursive, nesting, hint) = (first.name.clone(), first.recursive, first.nesting, first.hint);
    Rc::new(Cte { query, name, recursive, nesting, hint, restates })
}

/// UNION and its like.
pub fn compound(kind: CompoundKind, parts: impl IntoIterator<Item = Query>) -> Compound {
    let parts = parts.into_iter().collect();
    Compound {
        kind,
        parts,
        order_by: Vec::new(),
        limit: None,
        offset: None,
        ctes: Vec::new(),
        extent: Extent::default(),
    }
}

impl Compound {
    /// The statement.
    pub fn query(&self) -> Query {
        Query::Compound(Rc::new(self.clone().limited()))
    }

    /// ORDER BY.
    pub fn order_by(&self, exprs: impl Exprs) -> Compound {
        let mut compound = self.clone();
        compound.order_by.extend(exprs.exprs());
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
    pub fn values(&self, settings: impl Settings) -> Insert {
        Insert { source: InsertSource::Values(settings.settings()), ..self.clone() }
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
    pub fn returning(&self, columns: impl Projections) -> Insert {
        let mut insert = self.clone();
        insert.returning.extend(columns.projections());
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
    pub fn values(&self, settings: impl Settings) -> Update {
        let mut update = self.clone();
        update.settings.extend(settings.settings());
        update
    }

    /// What is set, in this order.
    pub fn ordered_values(&self, settings: impl Settings) -> Update {
        Update { ordered: true, ..self.values(settings) }
    }

    /// Adds conditions; all have to be true.
    pub fn filter(&self, conditions: impl Exprs) -> Update {
        let mut update = self.clone();
        update.conditions.extend(conditions.exprs());
        update
    }

    /// `RETURNING`.
    pub fn returning(&self, columns: impl Projections) -> Update {
        let mut update = self.clone();
        update.returning.extend(columns.projections());
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
    pub fn filter(&self, conditions: impl Exprs) -> Delete {
        let mut delete = self.clone();
        delete.conditions.extend(conditions.exprs());
        delete
    }

    /// `RETURNING`.
    pub fn returning(&self, columns: impl Projections) -> Delete {
        let mut delete = self.clone();
        delete.returning.extend(columns.projections());
        delete
    }
}

/// Statements show their SQL, or why they have none.
macro_rules! shown {
    ($($name:ident => $into:expr;)*) => {
        $(impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let into: fn(&$name) -> Statement = $into;
                match crate::compile::compile(&into(self), crate::compile::Options::default()) {
                    Ok(compiled) => f.write_str(&compiled.sql()),
                    Err(error) => error.fmt(f),
                }
            }
        })*
    };
}

shown! {
    Statement => Clone::clone;
    Select => |select| Statement::Query(select.query());
    Compound => |compound| Statement::Query(compound.query());
    Insert => Insert::statement;
    Update => Update::statement;
    Delete => Delete::statement;
}

impl std::convert::From<Query> for Statement {
    fn from(query: Query) -> Statement {
        Statement::Query(query)
    }
}
