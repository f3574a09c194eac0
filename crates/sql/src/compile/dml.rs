//! INSERT, UPDATE, DELETE.

use super::defaults::bound;
use super::froms::froms_of;
use super::select::is_wrapped;
use super::{Compiler, InsertedKey, Out, ResultColumn, Within, compile_error, quoted, table_name};
use crate::expr::{Bind, BindName, BindValue, Expr, Kind, NameKey, precedence};
use crate::schema::{Column, Default_, From, Table};
use crate::statement::{
    Conflict, ConflictAction, Delete, Insert, InsertSource, Piece, Projection, Query, Setting, Update,
};
use crate::token::tokens;
use aludel_protocol::{Error, ErrorKind, Result};
use std::rc::Rc;

/// What a column of a row gets.
enum Given<'a> {
    /// What the statement says.
    Expr(&'a Expr),
    /// A parameter of the call.
    Parameter,
    /// The default of the column.
    Default(&'a Default_),
}

impl Compiler<'_> {
    /// INSERT.
    pub(super) fn insert(&mut self, insert: &Insert, out: &mut Out) -> Result<()> {
        for cte in &insert.ctes {
            self.cte(cte)?;
        }
        let table = &insert.table;
        out.push("INSERT ");
        for prefix in &insert.prefixes {
            self.expr(prefix, out)?;
            out.push(" ");
        }
        out.push("INTO ");
        out.push(&table_name(table));
        match &insert.source {
            InsertSource::Select(names, query) => {
                let mut columns: Vec<&Column> = names.iter().map(|key| column(table, key)).collect::<Result<_>>()?;
                let query = &self.with_defaults(insert, &mut columns, query)?;
                out.push(&format!(" ({}) ", column_list(&columns)));
                self.query(query, out, Within::Insert)?;
                // Else SQLite takes ON for the beginning of a join's condition.
                if !insert.conflicts.is_empty() && ends_with_from(query) {
                    out.push(" WHERE 1 = 1");
                }
                self.inserted_key = table.primary_key().iter().map(|_| InsertedKey::Unknown).collect();
            }
            InsertSource::Values(settings) => self.insert_rows(table, std::slice::from_ref(settings), false, out)?,
            InsertSource::Rows(rows) => self.insert_rows(table, rows, true, out)?,
            InsertSource::Parameters => self.insert_parameters(table, out)?,
        }
        for conflict in &insert.conflicts {
            self.conflict(table, conflict, out)?;
        }
        self.forget_key(insert);
        self.returning(&insert.returning, out)
    }

    fn insert_parameters(&mut self, table: &Rc<Table>, out: &mut Out) -> Result<()> {
        let Some(keys) = self.options.keys else {
            let columns: Vec<(&Column, Given<'_>)> =
                table.columns.iter().filter(|c| c.computed.is_none()).map(|c| (c, Given::Parameter)).collect();
            return self.insert_row(table, &columns, out);
        };
        let mut columns = Vec::new();
        for column in &table.columns {
            if keys.contains(&&*column.key) {
                columns.push((column, Given::Parameter));
            } else if let Some(default) = &column.default {
                columns.push((column, Given::Default(default)));
            }
        }
        self.insert_row(table, &columns, out)
    }

    fn insert_row(&mut self, table: &Rc<Table>, row: &[(&Column, Given<'_>)], out: &mut Out) -> Result<()> {
        if row.is_empty() {
            out.push(" DEFAULT VALUES");
            self.remember_key(table, &[]);
            return Ok(());
        }
        let columns: Vec<&Column> = row.iter().map(|(column, _)| *column).collect();
        out.push(&format!(" ({}) VALUES (", column_list(&columns)));
        self.row(row, None, table, out)?;
        out.push(")");
        Ok(())
    }

    fn insert_rows(&mut self, table: &Rc<Table>, rows: &[Vec<Setting>], several: bool, out: &mut Out) -> Result<()> {
        let Some(first) = rows.first() else { return Err(compile_error("an INSERT of no rows")) };
        let keys: Vec<&str> = first.iter().map(|setting| &*setting.column).collect();
        check_keys(table, &keys)?;
        let given_key = |setting: &&Setting, key: &str| &*setting.column == key;
        // What the call names stands beside what the statement says.
        let called = if several { &[] } else { self.options.keys.unwrap_or_default() };
        let is_due = |column: &&Column| {
            keys.contains(&&*column.key) || called.contains(&&*column.key) || column.default.is_some()
        };
        let shape: Vec<&Column> = table.columns.iter().filter(is_due).collect();
        if shape.is_empty() {
            if several && rows.len() > 1 {
                return Err(compile_error("several rows without values cannot be inserted by one statement"));
            }
            out.push(" DEFAULT VALUES");
            self.remember_key(table, &[]);
            return Ok(());
        }
        out.push(&format!(" ({}) VALUES ", column_list(&shape)));
        for (at, settings) in rows.iter().enumerate() {
            if let Some(setting) = settings.iter().find(|setting| !keys.contains(&&*setting.column)) {
                return Err(compile_error(format!(
                    "row {at} names the column '{}', which the first row does not name",
                    setting.column
                )));
            }
            let mut row = Vec::with_capacity(shape.len());
            for column in &shape {
                let given = settings.iter().rev().find(|setting| given_key(setting, &column.key));
                let given = match (given, &column.default) {
                    (Some(setting), _) => Given::Expr(&setting.value),
                    (None, _) if called.contains(&&*column.key) => Given::Parameter,
                    (None, Some(default)) if !keys.contains(&&*column.key) => Given::Default(default),
                    _ => {
                        return Err(compile_error(format!("row {at} has no value for the column '{}'", column.key)));
                    }
                };
                row.push((*column, given));
            }
            if at > 0 {
                out.push(", ");
            }
            out.push("(");
            self.row(&row, several.then_some(at), table, out)?;
            out.push(")");
        }
        if several {
            self.inserted_key = table.primary_key().iter().map(|_| InsertedKey::Unknown).collect();
        }
        Ok(())
    }

    fn row(
        &mut self,
        row: &[(&Column, Given<'_>)],
        number: Option<usize>,
        table: &Rc<Table>,
        out: &mut Out,
    ) -> Result<()> {
        let mut places = Vec::with_capacity(row.len());
        for (at, (column, given)) in row.iter().enumerate() {
            if at > 0 {
                out.push(", ");
            }
            let place = out.slot_count();
            let name = match number {
                Some(number) => format!("{}_m{number}", column.key),
                None => column.key.to_string(),
            };
            let is_value = self.setting(column, given, &name, out)?;
            places.push((column.name.clone(), is_value.then_some(place)));
        }
        self.remember_key(table, &places);
        Ok(())
    }

    /// What a column is set to; gives whether it is one parameter.
    fn setting(&mut self, column: &Column, given: &Given<'_>, name: &str, out: &mut Out) -> Result<bool> {
        match given {
            Given::Parameter => {
                self.automatic.push(name.into());
                let bind = Bind { name: BindName::Named(name.into()), value: BindValue::Required, expanding: false };
                self.bind(&bind, NameKey::Object(0), &column.ty, out)?;
                Ok(true)
            }
            Given::Expr(expr) => match &expr.kind {
                // A value goes by the name of its column.
                Kind::Bind(bind) if matches!(bind.name, BindName::Anonymous(_)) && !bind.expanding => {
                    self.automatic.push(name.into());
                    let bind = Bind { name: BindName::Named(name.into()), ..bind.clone() };
                    self.bind(&bind, expr.identity(), &column.ty, out)?;
                    Ok(true)
                }
                // A parameter without a type is of the type of its column.
                Kind::Bind(bind) if expr.ty.is_null() && !bind.expanding => {
                    self.bind(bind, expr.identity(), &column.ty, out)?;
                    Ok(true)
                }
                _ => {
                    let least =
                        if matches!(expr.kind, Kind::Function(_) | Kind::Bind(_)) { 0 } else { precedence::ATOM };
                    self.expr_at(expr, least, out)?;
                    Ok(matches!(expr.kind, Kind::Bind(_)))
                }
            },
            Given::Default(default) => match bound(default) {
                Err(expr) => {
                    self.expr_at(expr, precedence::ATOM, out)?;
                    Ok(false)
                }
                Ok(value) => {
                    self.automatic.push(name.into());
                    let bind = Bind { name: BindName::Named(name.into()), value, expanding: false };
                    self.bind(&bind, NameKey::Object(0), &column.ty, out)?;
                    Ok(true)
                }
            },
        }
    }

    fn remember_key(&mut self, table: &Table, places: &[(Rc<str>, Option<usize>)]) {
        let rowid = table.rowid_column().map(|column| column.name.clone());
        let key = |column: &&Column| match places.iter().find(|(name, _)| *name == column.name) {
            Some((_, Some(place))) => InsertedKey::Slot(*place),
            Some((_, None)) if rowid.as_ref() == Some(&column.name) => InsertedKey::Rowid,
            None if rowid.as_ref() == Some(&column.name) => InsertedKey::Rowid,
            _ => InsertedKey::Unknown,
        };
        self.inserted_key = table.primary_key().iter().map(key).collect();
    }

    fn conflict(&mut self, table: &Rc<Table>, conflict: &Conflict, out: &mut Out) -> Result<()> {
        out.push(" ON CONFLICT");
        if !conflict.target.is_empty() {
            let outer = std::mem::replace(&mut self.qualify, false);
            out.push(" (");
            let listed = self.list(&conflict.target, out);
            out.push(")");
            let condition = match &conflict.target_condition {
                Some(condition) => {
                    out.push(" WHERE ");
                    // SQLite finds the partial index by the text of its condition, which holds no parameters.
                    let literal_binds = std::mem::replace(&mut self.options.literal_binds, true);
                    let done = self.condition_at(condition, 0, out);
                    self.options.literal_binds = literal_binds;
                    done
                }
                None => Ok(()),
            };
            self.qualify = outer;
            listed?;
            condition?;
        }
        let ConflictAction::Update(settings, conditions) = &conflict.action else {
            out.push(" DO NOTHING");
            return Ok(());
        };
        if settings.is_empty() {
            return Err(Error::new(ErrorKind::Argument, "set parameter dictionary must not be empty"));
        }
        out.push(" DO UPDATE SET ");
        let keys: Vec<&str> = settings.iter().map(|setting| &*setting.column).collect();
        check_keys(table, &keys)?;
        self.scopes.push(vec![From::Table(table.clone()), From::Excluded(table.clone())]);
        let mut first = true;
        for column in &table.columns {
            let Some(setting) = settings.iter().rev().find(|setting| *setting.column == *column.key) else { continue };
            out.push(if first { "" } else { ", " });
            first = false;
            out.name(&column.name);
            out.push(" = ");
            match &setting.value.kind {
                Kind::Bind(bind) => self.bind(bind, setting.value.identity(), &column.ty, out)?,
                _ => self.expr(&setting.value, out)?,
            }
        }
        if !conditions.is_empty() {
            out.push(" WHERE ");
            self.conditions(conditions, out)?;
        }
        self.scopes.pop();
        Ok(())
    }

    fn returning(&mut self, returning: &[Projection], out: &mut Out) -> Result<()> {
        if returning.is_empty() {
            return Ok(());
        }
        let exprs: Vec<Expr> = returning
            .iter()
            .flat_map(|projection| match projection {
                Projection::Expr(expr) => vec![expr.clone()],
                Projection::From(from) => from.column_exprs(),
            })
            .collect();
        let names = super::labels(crate::statement::LabelStyle::Disambiguate, &exprs);
        let outer = std::mem::replace(&mut self.qualify, false);
        out.push(" RETURNING ");
        for (at, (expr, name)) in exprs.iter().zip(&names).enumerate() {
            out.push(if at > 0 { ", " } else { "" });
            let plain = matches!(expr.kind, Kind::Column(_))
                && expr.natural_name().as_ref() == Some(name)
                && !super::select::is_jsonb(expr);
            let shown = if let Kind::Label(None, _) = expr.kind { Rc::from("anon_1") } else { self.name(name) };
            self.jsonb_column(expr, out, Within::Top)?;
            if !plain && !expr.is_literal() {
                out.push(" AS ");
                out.name(&shown);
            }
            self.columns.push(ResultColumn { name: shown, ty: expr.ty.clone() });
        }
        self.qualify = outer;
        Ok(())
    }

    /// UPDATE.
    pub(super) fn update(&mut self, update: &Update, out: &mut Out) -> Result<()> {
        for cte in &update.ctes {
            self.cte(cte)?;
        }
        let table = target(&update.table)?;
        let mut others = Vec::new();
        update.conditions.iter().for_each(|condition| froms_of(condition, &mut others));
        update.settings.iter().for_each(|setting| froms_of(&setting.value, &mut others));
        others.retain(|from| !from.is(&update.table));
        let scope: Vec<From> = std::iter::once(update.table.clone()).chain(others.iter().cloned()).collect();
        self.check_product_of("UPDATE", &update.conditions, &scope);
        self.scopes.push(scope);
        out.push("UPDATE ");
        for prefix in &update.prefixes {
            self.expr(prefix, out)?;
            out.push(" ");
        }
        self.from(&update.table, out)?;
        out.push(" SET ");
        self.settings(update, &table, out)?;
        if !others.is_empty() {
            out.push(" FROM ");
            self.all_froms(&others, out)?;
        }
        if !update.conditions.is_empty() {
            out.push(" WHERE ");
            self.conditions(&update.conditions, out)?;
        }
        self.scopes.pop();
        self.returning(&update.returning, out)
    }

    fn settings(&mut self, update: &Update, table: &Rc<Table>, out: &mut Out) -> Result<()> {
        let mut settings: Vec<(&Column, Given<'_>)> = Vec::new();
        let keys: Vec<&str> = update.settings.iter().map(|setting| &*setting.column).collect();
        check_keys(table, &keys)?;
        let named = self.options.keys;
        let is_called = |column: &Column| match named {
            Some(keys) => keys.contains(&&*column.key),
            None => update.settings.is_empty() && column.computed.is_none(),
        };
        if update.ordered {
            for setting in &update.settings {
                settings.push((column(table, &setting.column)?, Given::Expr(&setting.value)));
            }
        } else {
            for column in &table.columns {
                if let Some(setting) = update.settings.iter().rev().find(|setting| setting.column == column.key) {
                    settings.push((column, Given::Expr(&setting.value)));
                } else if is_called(column) {
                    settings.push((column, Given::Parameter));
                }
            }
        }
        for column in &table.columns {
            if let Some(default) = &column.onupdate
                && !settings.iter().any(|(other, _)| other.key == column.key)
            {
                settings.push((column, Given::Default(default)));
            }
        }
        if settings.is_empty() {
            return Err(compile_error(format!("UPDATE of '{}' sets nothing", table.name)));
        }
        for (at, (column, given)) in settings.iter().enumerate() {
            out.push(if at > 0 { ", " } else { "" });
            out.name(&column.name);
            out.push("=");
            self.setting(column, given, &column.key, out)?;
        }
        Ok(())
    }

    /// DELETE.
    pub(super) fn delete(&mut self, delete: &Delete, out: &mut Out) -> Result<()> {
        for cte in &delete.ctes {
            self.cte(cte)?;
        }
        target(&delete.table)?;
        let mut others = Vec::new();
        delete.conditions.iter().for_each(|condition| froms_of(condition, &mut others));
        others.retain(|from| !from.is(&delete.table));
        if let Some(other) = others.first() {
            let name = self.name_of(other);
            return Err(compile_error(format!(
                "SQLite's DELETE reads one table; {name} can be read in a subquery: where(x.in(select(...))) or exists()"
            )));
        }
        self.scopes.push(vec![delete.table.clone()]);
        out.push("DELETE ");
        for prefix in &delete.prefixes {
            self.expr(prefix, out)?;
            out.push(" ");
        }
        out.push("FROM ");
        self.from(&delete.table, out)?;
        if !delete.conditions.is_empty() {
            out.push(" WHERE ");
            self.conditions(&delete.conditions, out)?;
        }
        self.scopes.pop();
        self.returning(&delete.returning, out)
    }
}

fn target(from: &From) -> Result<Rc<Table>> {
    from.table().cloned().ok_or_else(|| compile_error("rows can be changed in tables only"))
}

fn column<'a>(table: &'a Table, key: &str) -> Result<&'a Column> {
    table.column(key).ok_or_else(|| unconsumed(&[key]))
}

pub(super) fn unconsumed(keys: &[&str]) -> Error {
    Error::new(ErrorKind::Compile, format!("Unconsumed column names: {}", keys.join(", ")))
}

fn check_keys(table: &Table, keys: &[&str]) -> Result<()> {
    let unknown: Vec<&str> = keys.iter().copied().filter(|key| table.column(key).is_none()).collect();
    if unknown.is_empty() { Ok(()) } else { Err(unconsumed(&unknown)) }
}

fn column_list(columns: &[&Column]) -> String {
    columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
}

/// Whether a query, as it is written in an INSERT, ends with its FROM.
fn ends_with_from(query: &Query) -> bool {
    match query {
        Query::Select(select) => {
            let lists = [&select.conditions, &select.group_by, &select.having, &select.order_by, &select.suffixes];
            lists.iter().all(|list| list.is_empty()) && select.limit.is_none() && select.offset.is_none()
        }
        Query::Compound(compound) => {
            let ends = compound.order_by.is_empty() && compound.limit.is_none() && compound.offset.is_none();
            let only = compound.parts.len() == 1;
            let last = |part: &Query| is_wrapped(part, compound.kind, only) || ends_with_from(part);
            ends && compound.parts.last().is_some_and(last)
        }
        Query::Text(text) => {
            let sql: String = text
                .text
                .pieces()
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Sql(sql) => Some(&**sql),
                    Piece::Parameter(_) => None,
                })
                .collect();
            let clauses = ["WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT"];
            let mut depth = 0_usize;
            !tokens(&sql).any(|token| {
                match token.text {
                    "(" => depth += 1,
                    ")" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0 && clauses.iter().any(|clause| token.text.eq_ignore_ascii_case(clause))
            })
        }
    }
}
