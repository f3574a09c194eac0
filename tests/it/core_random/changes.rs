//! Random statements that change tables.

use super::queries::{Order, all};
use super::{Maker, Scope, Sort, Source, Term, name_sql, sort_of};
use aludel::sql::expr::{Binary, Expr, and, binary, label};
use aludel::sql::schema::{From, Table};
use aludel::sql::statement::{ConflictAction, Setting, Statement, delete, insert, update};
use std::rc::Rc;

/// A statement that changes a table, and the same in SQL.
pub(super) struct Change {
    pub statement: Statement,
    pub sql: String,
}

impl Maker {
    pub(super) fn change(&mut self) -> Change {
        self.extremes = false;
        match self.random.below(5) {
            0 | 1 => self.update(),
            2 => self.delete(),
            _ => self.insert(),
        }
    }

    /// A table under its own name or another, whose columns can be named from here on.
    fn target(&mut self) -> Source {
        let table = self.random.pick(&self.tables.clone()).clone();
        let (from, naive) = (From::Table(table.clone()), name_sql(&table.name));
        let (from, sql, naive) = match self.random.chance(4) {
            true => {
                let name = self.fresh("t");
                (from.alias(Some(&name)), format!("{naive} AS {name}"), name)
            }
            false => {
                self.plain.push(from.clone());
                (from, naive.clone(), naive)
            }
        };
        let columns = self.terms(&from, &table, &naive);
        let source = Source { from, sql, columns, table: Some((table, naive)) };
        self.scopes.push(Scope::default());
        self.enter(&source);
        self.changing = source.table.as_ref().map(|(table, _)| table.clone());
        source
    }

    fn terms(&self, from: &From, table: &Table, naive: &str) -> Vec<Term> {
        let columns = from.column_exprs().into_iter().zip(&table.columns);
        let term = |(expr, column): (Expr, &aludel::sql::schema::Column)| {
            let (sql, sort) = (format!("{naive}.{}", name_sql(&column.name)), sort_of(&column.ty));
            Term { expr, sql, sort }
        };
        columns.map(term).collect()
    }

    /// Values for some columns that no constraint is on.
    fn settings(&mut self, table: &Table) -> (Vec<Setting>, String) {
        let (mut settings, mut sqls) = (Vec::new(), Vec::new());
        for column in &table.columns {
            let free = !column.primary_key && !column.unique;
            if !free || !(settings.is_empty() || self.random.chance(2)) {
                continue;
            }
            let value = self.expr(sort_of(&column.ty), 2);
            sqls.push(format!("{} = ({})", name_sql(&column.name), value.sql));
            settings.push(Setting { column: column.key.clone(), value: value.expr });
        }
        (settings, sqls.join(", "))
    }

    fn returning(&mut self, target: &Source) -> (Vec<Expr>, String) {
        if self.random.chance(2) {
            return (Vec::new(), String::new());
        }
        let Some((table, _)) = &target.table else { return (Vec::new(), String::new()) };
        // What changes a table by another name returns columns by their own all the same.
        let columns = self.terms(&target.from, table, "");
        let (mut exprs, mut sqls) = (Vec::new(), Vec::new());
        for column in columns {
            if self.random.chance(2) {
                continue;
            }
            let name = self.random.chance(3).then_some("l");
            exprs.push(if name.is_some() { label(&column.expr, name) } else { column.expr });
            sqls.push(column.sql.trim_start_matches('.').to_owned());
        }
        let sql = if sqls.is_empty() { String::new() } else { format!(" RETURNING {}", sqls.join(", ")) };
        (exprs, sql)
    }

    fn update(&mut self) -> Change {
        let target = self.target();
        let (mut conditions, mut from) = (Vec::new(), String::new());
        if self.random.chance(3) {
            // At most one row of what it reads for each row: which SQLite takes is not said.
            let other = self.aliased_table();
            let (one, two) = (target.columns[0].clone(), other.columns[0].clone());
            let sql = format!("({} = {})", one.sql, two.sql);
            conditions.push(Term { expr: binary(Binary::Eq, &one.expr, &two.expr), sql, sort: Sort::Truth });
            from = format!(" FROM {}", other.sql);
            self.enter(&other);
        }
        conditions.extend((0..self.random.below(3)).map(|_| self.condition(3)).collect::<Vec<_>>());
        let Some((table, _)) = target.table.clone() else { panic!("{} is no table", target.sql) };
        let (settings, set) = self.settings(&table);
        let (returning, returned) = self.returning(&target);
        self.scopes.pop();
        let condition = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", all(&conditions)) };
        let sql = format!("UPDATE {} SET {set}{from}{condition}{returned}", target.sql);
        let exprs: Vec<Expr> = conditions.into_iter().map(|condition| condition.expr).collect();
        let statement = update(target.from).values(settings).filter(exprs).returning(returning).statement();
        Change { statement, sql }
    }

    fn delete(&mut self) -> Change {
        let target = self.target();
        let conditions: Vec<Term> = (0..1 + self.random.below(2)).map(|_| self.condition(3)).collect();
        let (returning, returned) = self.returning(&target);
        self.scopes.pop();
        let sql = format!("DELETE FROM {} WHERE {}{returned}", target.sql, all(&conditions));
        let condition = and(conditions.into_iter().map(|condition| condition.expr));
        Change { statement: delete(target.from).filter([condition]).returning(returning).statement(), sql }
    }

    fn insert(&mut self) -> Change {
        let table = self.random.pick(&self.tables.clone()).clone();
        let columns: Vec<(Rc<str>, Sort)> = table
            .columns
            .iter()
            .filter(|column| column.primary_key || column.unique || self.random.chance(2))
            .map(|column| (column.key.clone(), sort_of(&column.ty)))
            .collect();
        let names: Vec<String> = columns.iter().map(|(name, _)| name_sql(name)).collect();
        let sorts: Vec<Sort> = columns.iter().map(|(_, sort)| *sort).collect();
        let upsert = self.random.chance(2);
        let mut statement = insert(&table);
        let mut sql = format!("INSERT INTO {} ({})", name_sql(&table.name), names.join(", "));
        if self.random.chance(2) {
            let made = self.query(&sorts, 1, Order::Total);
            let keys: Vec<&str> = columns.iter().map(|(name, _)| &**name).collect();
            statement = statement.from_select(&keys, made.query);
            // SQLite would take ON CONFLICT for the condition of a join.
            sql += &format!(" SELECT * FROM ({}) WHERE true", made.sql);
        } else {
            let (mut rows, mut sqls) = (Vec::new(), Vec::new());
            self.scopes.push(Scope::default());
            for _ in 0..1 + self.random.below(3) {
                let row: Vec<Term> = sorts.iter().map(|sort| self.expr(*sort, 1)).collect();
                sqls.push(format!("({})", row.iter().map(|term| term.sql.as_str()).collect::<Vec<_>>().join(", ")));
                let setting =
                    |(term, (name, _)): (Term, &(Rc<str>, Sort))| Setting { column: name.clone(), value: term.expr };
                rows.push(row.into_iter().zip(&columns).map(setting).collect::<Vec<_>>());
            }
            self.scopes.pop();
            statement = if rows.len() == 1 { statement.values(rows.remove(0)) } else { statement.rows(rows) };
            sql += &format!(" VALUES {}", sqls.join(", "));
        }
        if upsert {
            let targets: Vec<usize> = (0..table.columns.len())
                .filter(|at| table.columns[*at].primary_key || table.columns[*at].unique)
                .collect();
            let (own, excluded) = (From::Table(table.clone()), statement.excluded());
            let at = *self.random.pick(&targets);
            let named = self.random.below(4) > 0;
            let target = if named { vec![own.column_exprs()[at].clone()] } else { Vec::new() };
            sql += " ON CONFLICT";
            if named {
                sql += &format!(" ({})", name_sql(&table.columns[at].name));
            }
            let naive = name_sql(&table.name);
            let mut terms = self.terms(&own, &table, &naive);
            terms.extend(self.terms(&excluded, &table, "excluded"));
            self.plain.push(own.clone());
            self.scopes.push(Scope { outward: terms.clone(), terms, froms: vec![own, excluded] });
            let action = if named && self.random.below(3) > 0 {
                let (settings, set) = self.settings(&table);
                let conditions: Vec<Term> = (0..self.random.below(2)).map(|_| self.condition(2)).collect();
                sql += &format!(" DO UPDATE SET {set}");
                if !conditions.is_empty() {
                    sql += &format!(" WHERE {}", all(&conditions));
                }
                ConflictAction::Update(settings, conditions.into_iter().map(|condition| condition.expr).collect())
            } else {
                sql += " DO NOTHING";
                ConflictAction::Nothing
            };
            self.scopes.pop();
            statement = statement.on_conflict(target, None, action);
        }
        let (from, naive) = (From::Table(table.clone()), name_sql(&table.name));
        let target = Source { from, sql: naive.clone(), columns: Vec::new(), table: Some((table, naive)) };
        let (returning, returned) = self.returning(&target);
        Change { statement: statement.returning(returning).statement(), sql: sql + &returned }
    }
}
