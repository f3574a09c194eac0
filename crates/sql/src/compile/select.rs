//! SELECT and compounds.

use super::names::labels;
use super::terms::{Terms, column_by_key, grouped};
use super::{Compiler, Out, ResultColumn, Within, compile_error};
use crate::expr::{Expr, Kind, Name, Node, Unary, literal};
use crate::schema::From;
use crate::statement::{Compound, CompoundKind, LabelStyle, Query, Select, TextSelect};
use aludel_protocol::{Result, Value};
use std::borrow::Cow;
use std::rc::Rc;

impl Compiler<'_> {
    /// A query.
    pub(super) fn query(&mut self, query: &Query, out: &mut Out, within: Within) -> Result<()> {
        self.deeper(|this| match query {
            Query::Select(select) => this.select(select, out, within),
            Query::Compound(compound) => this.compound(compound, out, within),
            Query::Text(text) => this.text_select(text, out, within),
        })
    }

    fn text_select(&mut self, text: &TextSelect, out: &mut Out, within: Within) -> Result<()> {
        let expr = Node::new(Kind::Text(text.text.clone()), crate::types::SqlType::Null);
        self.expr(&expr, out)?;
        if within == Within::Top {
            for column in &text.columns {
                let name = self.name(&column.name);
                self.columns.push(ResultColumn { name, ty: column.ty.clone() });
            }
        }
        Ok(())
    }

    fn select(&mut self, select: &Select, out: &mut Out, within: Within) -> Result<()> {
        for cte in &select.ctes {
            self.cte(cte)?;
        }
        let exprs = select.exprs();
        let froms = self.display_froms(select)?;
        let mut scope = Vec::with_capacity(4);
        froms.iter().for_each(|from| from.add_leaves(&mut scope));
        self.scopes.push(scope.clone());
        let outer = std::mem::replace(&mut self.qualify, true);
        let result =
            self.nesting(out, within, |this, out| this.select_here(select, &exprs, &froms, scope, out, within));
        self.qualify = outer;
        self.scopes.pop();
        result
    }

    /// Writes a query, with the CTEs that stand in a WITH of its own before it. Those of the statement and of parts of a
    /// compound, which SQLite gives no WITH, stand in that of the whole.
    fn nesting(
        &mut self,
        out: &mut Out,
        within: Within,
        work: impl FnOnce(&mut Self, &mut Out) -> Result<()>,
    ) -> Result<()> {
        if matches!(within, Within::Top | Within::Part { .. }) {
            return work(self, out);
        }
        self.nested.push(Vec::new());
        let start = out.mark();
        let result = work(self, out);
        if let Some(nested) = self.nested.pop().filter(|nested| !nested.is_empty()) {
            let query = out.split_off(start);
            super::write_with(nested, out);
            out.append(query);
        }
        result
    }

    fn select_here(
        &mut self,
        select: &Select,
        exprs: &[Expr],
        froms: &[From],
        scope: Vec<From>,
        out: &mut Out,
        within: Within,
    ) -> Result<()> {
        if exprs.is_empty() && select.prefixes.is_empty() && select.suffixes.is_empty() {
            return Err(compile_error("a SELECT of nothing: select() takes at least one column"));
        }
        out.push("SELECT ");
        for prefix in &select.prefixes {
            self.expr(prefix, out)?;
            out.push(" ");
        }
        if select.distinct {
            out.push("DISTINCT ");
        }
        let names = labels(select.label_style, exprs);
        let named = std::mem::take(&mut self.name_columns) || within.names_columns();
        for (at, (expr, name)) in exprs.iter().zip(&names).enumerate() {
            if at > 0 {
                out.push(", ");
            }
            self.result_column(expr, name, named, select.label_style, out, within)?;
        }
        if !froms.is_empty() {
            out.push(" FROM ");
            self.all_froms(froms, out)?;
        }
        if within == Within::Top {
            self.check_product(select, froms);
        }
        let terms = Terms { exprs, names, froms: scope, names_only: false };
        if !select.conditions.is_empty() {
            let conditions = self.resolved(&select.conditions, &terms)?;
            out.push(" WHERE ");
            self.conditions(&conditions, out)?;
        }
        if !select.group_by.is_empty() {
            out.push(" GROUP BY ");
            let by: Result<Vec<Expr>> = select.group_by.iter().map(|expr| grouped(expr, &terms)).collect();
            self.terms(&by?, &terms, out)?;
        }
        if !select.having.is_empty() {
            out.push(" HAVING ");
            self.conditions(&select.having, out)?;
        }
        self.tail(&select.order_by, select.limit.as_ref(), select.offset.as_ref(), &terms, out)?;
        for suffix in &select.suffixes {
            out.push(" ");
            self.expr(suffix, out)?;
        }
        Ok(())
    }

    /// Conditions that name columns by their key (`filter_by`) get the columns.
    fn resolved<'c>(&mut self, conditions: &'c [Expr], terms: &Terms<'_>) -> Result<Cow<'c, [Expr]>> {
        let names = |expr: &Expr| matches!(&expr.kind, Kind::Binary(_, left, _) if matches!(left.kind, Kind::Name(_)));
        if !conditions.iter().any(names) {
            return Ok(Cow::Borrowed(conditions));
        }
        conditions
            .iter()
            .map(|condition| match &condition.kind {
                Kind::Binary(op, left, right) => match &left.kind {
                    Kind::Name(key) => {
                        let column = column_by_key(&terms.froms, key)?;
                        let right = match &right.kind {
                            Kind::Bind(bind) => crate::expr::beside(&column, bind.value.clone()),
                            _ => right.clone(),
                        };
                        Ok(crate::expr::binary(op.clone(), &column, &right))
                    }
                    _ => Ok(condition.clone()),
                },
                _ => Ok(condition.clone()),
            })
            .collect()
    }

    fn compound(&mut self, compound: &Compound, out: &mut Out, within: Within) -> Result<()> {
        self.nesting(out, within, |this, out| this.compound_here(compound, out, within))
    }

    fn compound_here(&mut self, compound: &Compound, out: &mut Out, within: Within) -> Result<()> {
        for cte in &compound.ctes {
            self.cte(cte)?;
        }
        let Some(first) = compound.parts.first() else {
            return Err(compile_error(format!("{} of no queries", compound.kind.as_str())));
        };
        if matches!(compound.kind, CompoundKind::IntersectAll | CompoundKind::ExceptAll) {
            let word = compound.kind.as_str();
            return Err(compile_error(format!(
                "SQLite has no {word}: use it without ALL, or count equal rows by row_number()"
            )));
        }
        let width = first.columns().len();
        for (at, part) in compound.parts.iter().enumerate() {
            if part.columns().len() != width {
                let message = format!(
                    "All selectables passed to CompoundSelect must have identical numbers of columns; select #1 has \
                     {width} columns, select #{} has {}",
                    at + 1,
                    part.columns().len()
                );
                return Err(aludel_protocol::Error::new(aludel_protocol::ErrorKind::Argument, message));
            }
            if at > 0 {
                out.push(" ");
                out.push(compound.kind.as_str());
                out.push(" ");
            }
            self.name_columns = at == 0 && !compound.order_by.is_empty() && self.is_ambiguous(part)?;
            self.part(part, compound.kind, out, within, at == 0)?;
        }
        let names: Vec<Name> = first.columns().into_iter().map(|column| column.name).collect();
        let terms = Terms { exprs: &[], names, froms: Vec::new(), names_only: true };
        self.tail(&compound.order_by, compound.limit.as_ref(), compound.offset.as_ref(), &terms, out)
    }

    /// A part of a compound. SQLite knows no parentheses there: what would need them becomes a subquery.
    fn part(&mut self, part: &Query, kind: CompoundKind, out: &mut Out, within: Within, first: bool) -> Result<()> {
        let names_columns = within.names_columns();
        if is_wrapped(part, kind, first) {
            out.push("SELECT * FROM (");
            let seen = within.is_seen();
            self.query(part, out, if seen { Within::Part { named: true, seen } } else { Within::From })?;
            out.push(")");
            if within == Within::Top && first {
                self.record(part);
            }
            return Ok(());
        }
        let inner = match (within, first) {
            (Within::Top, true) => Within::Top,
            _ => Within::Part { named: names_columns, seen: within.is_seen() },
        };
        self.query(part, out, inner)
    }

    /// Whether behind a compound the name of a column of its first part would not be known for that column, unless it is
    /// said to be its name.
    fn is_ambiguous(&mut self, part: &Query) -> Result<bool> {
        let Query::Select(select) = part else { return Ok(false) };
        let leaves: Vec<From> = self.display_froms(select)?.iter().flat_map(From::leaves).collect();
        let has = |leaf: &From, name: &Name| leaf.columns().iter().any(|column| column.name == *name);
        Ok(select.exprs().iter().any(|expr| match &expr.kind {
            Kind::Column(column) => {
                let mut having = leaves.iter().filter(|leaf| has(leaf, &column.name));
                let own = having.next().is_some_and(|leaf| column.from.as_ref().is_none_or(|from| from.is(leaf)));
                !own || having.next().is_some()
            }
            _ => false,
        }))
    }

    fn record(&mut self, query: &Query) {
        for column in query.columns() {
            let name = self.name(&column.name);
            self.columns.push(ResultColumn { name, ty: column.ty });
        }
    }

    fn result_column(
        &mut self,
        expr: &Expr,
        name: &Name,
        in_from: bool,
        style: LabelStyle,
        out: &mut Out,
        within: Within,
    ) -> Result<()> {
        let natural = expr.natural_name();
        let labelled = match &expr.kind {
            Kind::Label(..) => true,
            Kind::Literal(_) | Kind::Text(_) => false,
            _ if natural.as_ref() != Some(name) && natural.is_some() => true,
            // SQLite would call it after the call around it.
            _ if within.is_seen() && is_jsonb(expr) => true,
            Kind::Column(column) => in_from && column.from.is_some() || style == LabelStyle::TableNamePlusColumn,
            Kind::Unary(Unary::IsTrue | Unary::IsFalse, _) => true,
            Kind::Unary(_, inner) => in_from || inner.natural_name().is_none(),
            _ => true,
        };
        // A made-up name is made before the names inside of the expression.
        let shown = match (&expr.kind, labelled) {
            (Kind::Label(None, _), _) => Some(self.names.made_up(&Rc::from("anon"), expr.identity())),
            (_, true) => Some(self.name(name)),
            _ => None,
        };
        self.jsonb_column(expr, out, within)?;
        if let Some(shown) = &shown {
            out.push(" AS ");
            out.name(shown);
        }
        if within == Within::Top {
            let name = match shown {
                Some(shown) => shown,
                None => natural.map(|name| self.name(&name)).unwrap_or_else(|| Rc::from("")),
            };
            self.columns.push(ResultColumn { name, ty: expr.ty.clone() });
        }
        Ok(())
    }

    /// A column of a result that people see is JSON as text, not in SQLite's binary form.
    pub(super) fn jsonb_column(&mut self, expr: &Expr, out: &mut Out, within: Within) -> Result<()> {
        if is_jsonb(expr) && within.is_seen() {
            out.push("json(");
            self.expr(expr, out)?;
            out.push(")");
            return Ok(());
        }
        self.expr(expr, out)
    }

    /// ORDER BY, LIMIT and OFFSET.
    fn tail(
        &mut self,
        order_by: &[Expr],
        limit: Option<&Expr>,
        offset: Option<&Expr>,
        terms: &Terms<'_>,
        out: &mut Out,
    ) -> Result<()> {
        if !order_by.is_empty() {
            out.push(" ORDER BY ");
            self.terms(order_by, terms, out)?;
        }
        if limit.is_none() && offset.is_none() {
            return Ok(());
        }
        out.push(" LIMIT ");
        self.end(limit, -1, out)?;
        out.push(" OFFSET ");
        self.end(offset, 0, out)
    }

    /// An end of the rows; a number where none is given.
    fn end(&mut self, given: Option<&Expr>, otherwise: i64, out: &mut Out) -> Result<()> {
        if let Some(expr) = given {
            return self.expr(expr, out);
        }
        let number = literal(Value::Integer(otherwise));
        self.expr(&number, out)?;
        // A parameter that lives no longer than this call must not share its made-up name with one that comes later.
        self.names.drop_key(&number.identity());
        Ok(())
    }
}

pub(super) fn is_jsonb(expr: &Node) -> bool {
    matches!(expr.ty.implementation(), crate::types::SqlType::Jsonb { .. })
}

/// Whether a part of a compound is written as a query in a FROM: SQLite has no parentheses there.
pub(super) fn is_wrapped(part: &Query, kind: CompoundKind, first: bool) -> bool {
    match part {
        Query::Select(select) => !select.order_by.is_empty() || select.limit.is_some() || select.offset.is_some(),
        Query::Compound(inner) => {
            let tail = !inner.order_by.is_empty() || inner.limit.is_some() || inner.offset.is_some();
            // SQLite works from left to right.
            tail || !(first || inner.kind == kind && kind == CompoundKind::UnionAll)
        }
        Query::Text(_) => false,
    }
}
