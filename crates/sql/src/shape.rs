//! What statements have in common that become the same SQL but for the values of their parameters.
//!
//! A [`Shape`] is a statement as bytes, without those values. It says which parts of it are one object, since names that are
//! made up go by that; tables go by their address, so that whoever keeps a shape keeps its tables.

mod kind;

use crate::compile::{Compiled, Slot, Source};
use crate::expr::*;
use crate::schema::{Cte, CteHint, From, FromColumn, JoinKind, Table};
use crate::statement::{
    Compound, CompoundKind, ConflictAction, Correlate, Delete, Insert, InsertSource, LabelStyle, Projection, Query,
    Select, Setting, Statement, TextPart, Update,
};
use std::collections::HashMap;
use std::rc::Rc;

/// A statement without the values of its parameters.
#[derive(Debug)]
pub struct Shape<'a> {
    bytes: Vec<u8>,
    /// Where objects that are used twice were first met.
    met: HashMap<usize, usize>,
    /// The parameters that have values, by their addresses.
    values: Vec<(usize, &'a BindValue)>,
    tables: Vec<&'a Rc<Table>>,
    /// Whether values would stand in its SQL.
    is_fixed: bool,
}

/// A compiled statement without values, for all statements of its shape.
#[derive(Clone, Debug)]
pub struct Mold {
    compiled: Compiled,
    /// Of each parameter the number of its value in the shape.
    places: Vec<Option<usize>>,
    /// The tables that the shape knows by their addresses: no other comes to lie there.
    _tables: Vec<Rc<Table>>,
}

impl<'a> Shape<'a> {
    /// The shape of a statement, when a call names these parameters; `None` where values stand in the SQL.
    pub fn of(statement: &'a Statement, keys: &[&str]) -> Option<Shape<'a>> {
        let (bytes, met, values, tables) = (Vec::new(), HashMap::new(), Vec::new(), Vec::new());
        let mut shape = Shape { bytes, met, values, tables, is_fixed: false };
        shape.list(keys, |shape, key| shape.text(key));
        shape.statement(statement);
        (!shape.is_fixed).then_some(shape)
    }

    /// What two statements share that have the same SQL.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What this statement was compiled to, for others of its shape; `None` if it does not say where each value went.
    pub fn mold(&self, compiled: &Compiled) -> Option<Mold> {
        let place = |slot: &Slot| self.values.iter().position(|(at, _)| *at == slot.of);
        let places: Vec<Option<usize>> = compiled.slots.iter().map(place).collect();
        if !(0..self.values.len()).all(|at| places.contains(&Some(at))) {
            return None;
        }
        let mut compiled = compiled.clone();
        let placed = compiled.slots.iter_mut().zip(&places).filter(|(_, place)| place.is_some());
        placed.for_each(|(slot, _)| slot.source = Source::Bind(BindValue::Required));
        Some(Mold { compiled, places, _tables: self.tables.iter().map(|table| (*table).clone()).collect() })
    }

    /// What this statement is compiled to.
    pub fn cast(&self, mold: &Mold) -> Compiled {
        let mut compiled = mold.compiled.clone();
        for (slot, place) in compiled.slots.iter_mut().zip(&mold.places) {
            if let Some((_, value)) = place.and_then(|at| self.values.get(at)) {
                slot.source = Source::Bind((*value).clone());
            }
        }
        compiled
    }

    fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    fn number(&mut self, number: usize) {
        self.bytes.extend_from_slice(&(number as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.byte(flag.into());
    }

    fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.number(items.len());
        items.iter().for_each(|item| each(self, item));
    }

    fn optional<T>(&mut self, item: Option<T>, then: impl FnOnce(&mut Self, T)) {
        self.flag(item.is_some());
        if let Some(item) = item {
            then(self, item);
        }
    }

    fn name(&mut self, name: &Option<Rc<str>>) {
        self.optional(name.as_deref(), |shape, name| shape.text(name));
    }

    /// Goes into an object, unless it was met before. What only one holds cannot be met twice.
    fn once<T: ?Sized>(&mut self, object: &'a Rc<T>, into: impl FnOnce(&mut Self, &'a T)) {
        let address = Rc::as_ptr(object).cast::<u8>() as usize;
        if Rc::strong_count(object) > 1 {
            if let Some(at) = self.met.get(&address).copied() {
                self.byte(0);
                return self.number(at);
            }
            self.met.insert(address, self.bytes.len());
        }
        self.byte(1);
        into(self, object);
    }

    fn statement(&mut self, statement: &'a Statement) {
        match statement {
            Statement::Query(query) => {
                self.byte(0);
                self.query(query);
            }
            Statement::Insert(insert) => {
                let Insert { table, source, prefixes, conflicts, returning, include_defaults, ctes } = &**insert;
                self.byte(1);
                self.table(table);
                match source {
                    InsertSource::Parameters => self.byte(0),
                    InsertSource::Values(settings) => {
                        self.byte(1);
                        self.settings(settings);
                    }
                    InsertSource::Rows(rows) => {
                        self.byte(2);
                        self.number(rows.len());
                        rows.iter().for_each(|row| self.settings(row));
                    }
                    InsertSource::Select(columns, query) => {
                        self.byte(3);
                        self.list(columns, |shape, column| shape.text(column));
                        self.query(query);
                    }
                }
                self.exprs(prefixes);
                self.number(conflicts.len());
                for conflict in conflicts {
                    self.exprs(&conflict.target);
                    // Its values stand in the SQL.
                    self.is_fixed |= conflict.target_condition.is_some();
                    self.flag(matches!(conflict.action, ConflictAction::Update(..)));
                    if let ConflictAction::Update(settings, conditions) = &conflict.action {
                        self.settings(settings);
                        self.exprs(conditions);
                    }
                }
                self.flag(*include_defaults);
                self.end(returning, ctes);
            }
            Statement::Update(update) => {
                let Update { table, settings, ordered, conditions, prefixes, returning, ctes } = &**update;
                self.byte(2);
                self.from(table);
                self.settings(settings);
                self.flag(*ordered);
                self.exprs(conditions);
                self.exprs(prefixes);
                self.end(returning, ctes);
            }
            Statement::Delete(delete) => {
                let Delete { table, conditions, prefixes, returning, ctes } = &**delete;
                self.byte(3);
                self.from(table);
                self.exprs(conditions);
                self.exprs(prefixes);
                self.end(returning, ctes);
            }
            Statement::Ddl(_) => self.is_fixed = true,
            Statement::Expr(expr) => {
                self.byte(4);
                self.expr(expr);
            }
        }
    }

    fn end(&mut self, returning: &'a [Projection], ctes: &'a [Rc<Cte>]) {
        self.projections(returning);
        self.ctes(ctes);
    }

    fn settings(&mut self, settings: &'a [Setting]) {
        self.number(settings.len());
        for setting in settings {
            self.text(&setting.column);
            self.expr(&setting.value);
        }
    }

    fn projections(&mut self, projections: &'a [Projection]) {
        self.number(projections.len());
        for projection in projections {
            self.flag(matches!(projection, Projection::Expr(_)));
            match projection {
                Projection::Expr(expr) => self.expr(expr),
                Projection::From(from) => self.from(from),
            }
        }
    }

    fn query(&mut self, query: &'a Query) {
        match query {
            Query::Select(select) => {
                self.byte(0);
                self.once(select, Shape::select);
            }
            Query::Compound(compound) => {
                self.byte(1);
                self.once(compound, Shape::compound);
            }
            Query::Text(text) => {
                self.byte(2);
                self.once(text, |shape, text| {
                    shape.text_part(&text.text);
                    shape.columns(&text.columns);
                });
            }
        }
    }

    fn select(&mut self, select: &'a Select) {
        // All fields by their names, so that the compiler asks for a new one.
        let Select {
            columns,
            froms,
            joins,
            conditions,
            group_by,
            having,
            order_by,
            limit,
            offset,
            distinct,
            prefixes,
            suffixes,
            correlate,
            label_style,
            ctes,
            extent: _,
        } = select;
        self.projections(columns);
        self.froms(froms);
        self.number(joins.len());
        for step in joins {
            self.optional(step.left.as_ref(), |shape, left| shape.from(left));
            self.from(&step.right);
            self.optional(step.on.as_ref(), |shape, on| shape.expr(on));
            self.join_kind(step.kind);
        }
        for exprs in [conditions, group_by, having, order_by] {
            self.exprs(exprs);
        }
        for end in [limit, offset] {
            self.optional(end.as_ref(), |shape, end| shape.expr(end));
        }
        self.flag(*distinct);
        self.exprs(prefixes);
        self.exprs(suffixes);
        match correlate {
            Correlate::Auto => self.byte(0),
            Correlate::To(froms) => {
                self.byte(1);
                self.froms(froms);
            }
            Correlate::Except(froms) => {
                self.byte(2);
                self.froms(froms);
            }
        }
        self.byte(match label_style {
            LabelStyle::Disambiguate => 0,
            LabelStyle::TableNamePlusColumn => 1,
            LabelStyle::None => 2,
        });
        self.ctes(ctes);
    }

    fn compound(&mut self, compound: &'a Compound) {
        // All fields by their names, so that the compiler asks for a new one.
        let Compound { kind, parts, order_by, limit, offset, ctes, extent: _ } = compound;
        self.byte(match kind {
            CompoundKind::Union => 0,
            CompoundKind::UnionAll => 1,
            CompoundKind::Intersect => 2,
            CompoundKind::Except => 3,
            CompoundKind::IntersectAll => 4,
            CompoundKind::ExceptAll => 5,
        });
        self.number(parts.len());
        parts.iter().for_each(|part| self.query(part));
        self.exprs(order_by);
        for end in [limit, offset] {
            self.optional(end.as_ref(), |shape, end| shape.expr(end));
        }
        self.ctes(ctes);
    }

    fn join_kind(&mut self, kind: JoinKind) {
        self.byte(match kind {
            JoinKind::Inner => 0,
            JoinKind::Left => 1,
            JoinKind::Full => 2,
        });
    }

    fn ctes(&mut self, ctes: &'a [Rc<Cte>]) {
        self.number(ctes.len());
        ctes.iter().for_each(|cte| self.once(cte, Shape::cte));
    }

    fn cte(&mut self, cte: &'a Cte) {
        // All fields by their names, so that the compiler asks for a new one.
        let Cte { query, name, recursive, nesting, hint, restates } = cte;
        self.query(query);
        self.name(name);
        self.flag(*recursive);
        self.flag(*nesting);
        self.byte(match hint {
            None => 0,
            Some(CteHint::Materialized) => 1,
            Some(CteHint::NotMaterialized) => 2,
        });
        self.optional(restates.as_ref(), |shape, first| shape.once(first, Shape::cte));
    }

    fn froms(&mut self, froms: &'a [From]) {
        self.number(froms.len());
        froms.iter().for_each(|from| self.from(from));
    }

    fn from(&mut self, from: &'a From) {
        match from {
            From::Table(table) => {
                self.byte(0);
                self.table(table);
            }
            From::Excluded(table) => {
                self.byte(1);
                self.table(table);
            }
            From::Alias(alias) => {
                self.byte(2);
                self.once(alias, |shape, alias| {
                    shape.from(&alias.of);
                    shape.name(&alias.name);
                });
            }
            From::Subquery(subquery) => {
                self.byte(3);
                self.once(subquery, |shape, subquery| {
                    shape.query(&subquery.query);
                    shape.name(&subquery.name);
                });
            }
            From::Cte(cte) => {
                self.byte(4);
                self.once(cte, Shape::cte);
            }
            From::Join(join) => {
                self.byte(5);
                self.once(join, |shape, join| {
                    shape.from(&join.left);
                    shape.from(&join.right);
                    shape.optional(join.on.as_ref(), |shape, on| shape.expr(on));
                    shape.join_kind(join.kind);
                });
            }
            From::Function(function) => {
                self.byte(6);
                self.once(function, |shape, function| {
                    shape.function(&function.function);
                    shape.columns(&function.columns);
                    shape.name(&function.name);
                });
            }
            From::Values(values) => {
                self.byte(7);
                self.once(values, |shape, values| {
                    shape.columns(&values.columns);
                    shape.name(&values.name);
                    shape.number(values.rows.len());
                    values.rows.iter().for_each(|row| shape.exprs(row));
                });
            }
            From::Text(text) => {
                self.byte(8);
                self.text_part(text);
            }
        }
    }

    fn table(&mut self, table: &'a Rc<Table>) {
        self.number(Rc::as_ptr(table) as usize);
        if !self.tables.iter().any(|other| Rc::ptr_eq(other, table)) {
            self.tables.push(table);
        }
    }

    fn columns(&mut self, columns: &[FromColumn]) {
        self.list(columns, |shape, column| {
            shape.given_name(&column.name);
            shape.text(&column.key);
            shape.ty(&column.ty);
        });
    }

    fn given_name(&mut self, name: &Name) {
        match name {
            Name::Given(name) => {
                self.byte(0);
                self.text(name);
            }
            // What it is made up for is met where it stands.
            Name::MadeUp { base, of } => {
                self.byte(1);
                self.text(base);
                match of {
                    NameKey::Object(address) => {
                        let met = self.met.get(address).copied();
                        self.optional(met, |shape, at| shape.number(at));
                    }
                    NameKey::Column(address, name) => {
                        let met = self.met.get(address).copied();
                        self.optional(met, |shape, at| shape.number(at));
                        self.text(name);
                    }
                }
            }
        }
    }

    fn text_part(&mut self, text: &'a Rc<TextPart>) {
        self.once(text, |shape, text| {
            shape.text(text.text().sql());
            shape.number(text.binds.len());
            for (bind, ty) in &text.binds {
                // A parameter of a text has no address of its own, so that its value is a part of the shape.
                shape.bind_name(&bind.name);
                shape.text(&format!("{:?}", bind.value));
                // Functions are all written alike.
                shape.is_fixed |= matches!(bind.value, BindValue::Function(_));
                shape.flag(bind.expanding);
                shape.ty(ty);
            }
        });
    }

    fn bind_name(&mut self, name: &BindName) {
        let (is_named, name) = match name {
            BindName::Named(name) => (true, name),
            BindName::Anonymous(name) => (false, name),
        };
        self.flag(is_named);
        self.text(name);
    }

    fn function(&mut self, function: &'a Function) {
        self.text(&function.name);
        self.exprs(&function.arguments);
        self.exprs(&function.order_by);
    }

    fn exprs(&mut self, exprs: &'a [Expr]) {
        self.number(exprs.len());
        exprs.iter().for_each(|expr| self.expr(expr));
    }

    fn expr(&mut self, expr: &'a Expr) {
        // A column is itself wherever it was taken from.
        if let Kind::Column(column) = &expr.kind {
            self.byte(2);
            self.optional(column.from.as_ref(), |shape, from| shape.from(from));
            self.given_name(&column.name);
            self.text(&column.key);
            return self.ty(&expr.ty);
        }
        self.once(expr, |shape, node| {
            shape.ty(&node.ty);
            shape.kind(node);
        });
    }
}
