//! From what a database holds to tables that statements are made with.

use super::{Inspector, ReflectedColumn, ReflectedTable, parse::Kind};
use crate::compile::always_quoted;
use crate::expr::{Expr, literal_column};
use crate::schema::{
    Check, Column, Computed, ForeignKey, Index, IndexElement, MetaData, PrimaryKey, ServerDefault, Table,
    TableConstraint, TableOptions, Unique,
};
use crate::types::{CustomType, SqlType};
use aludel_protocol::{Error, ErrorKind, Result};
use std::rc::Rc;

/// What [`MetaData::reflect`] takes.
#[derive(Clone, Debug)]
pub struct ReflectOptions<'a> {
    /// The database, if not `main`.
    pub schema: Option<&'a str>,
    /// Only these tables; all, if none is named.
    pub only: Option<&'a [&'a str]>,
    /// Views, too.
    pub views: bool,
    /// The tables that foreign keys refer to, too.
    pub resolve_fks: bool,
    /// Whether tables that are there already are read anew.
    pub extend_existing: bool,
}

impl Default for ReflectOptions<'_> {
    fn default() -> Self {
        ReflectOptions { schema: None, only: None, views: false, resolve_fks: true, extend_existing: false }
    }
}

/// SQL as an expression.
fn sql(text: &str) -> Expr {
    literal_column(text, SqlType::Null)
}

impl ReflectedColumn {
    /// Its type as it was declared: under its own words, where the type is declared by others.
    pub fn exact_type(&self) -> SqlType {
        if self.is_exact() && self.collation.is_none() {
            return self.ty.clone();
        }
        let (name, ddl) = (self.ddl(), Some(self.ddl()));
        SqlType::Custom(Rc::new(CustomType { name, implementation: self.ty.clone(), ddl }))
    }

    /// How its type is declared, with its collation.
    pub(super) fn ddl(&self) -> String {
        let words = if self.is_exact() { self.ty.ddl() } else { self.declared.clone() };
        match &self.collation {
            Some(name) => format!("{words} COLLATE {}", always_quoted(name)).trim_start().to_owned(),
            None => words,
        }
    }

    /// Whether the type is declared by these words, or they are none that could be written.
    pub(super) fn is_exact(&self) -> bool {
        self.ty.ddl().eq_ignore_ascii_case(&self.declared) || !is_type_name(&self.declared)
    }

    fn build(&self) -> Column {
        let computed = |computed: &super::ReflectedComputed| Computed {
            sql: ServerDefault::Sql(computed.sqltext.clone()),
            persisted: Some(computed.persisted),
        };
        Column {
            nullable: self.nullable,
            primary_key: self.primary_key > 0,
            server_default: self.default.clone().map(ServerDefault::Sql),
            computed: self.computed.as_ref().map(computed),
            on_conflict_not_null: self.on_conflict_not_null,
            ..Column::new(&self.name, self.exact_type())
        }
    }
}

impl ReflectedTable {
    /// The table, as it would have been declared; its foreign keys refer to tables of this database name.
    pub fn build(&self, schema: Option<&str>) -> Table {
        let mut table = Table::new(&self.name, self.columns.iter().map(ReflectedColumn::build).collect());
        table.schema = schema.map(Rc::from);
        let is_temporary = schema.is_none() && self.schema == "temp";
        table.options = TableOptions {
            without_rowid: self.options.without_rowid,
            strict: self.options.strict,
            autoincrement: self.autoincrement(),
            prefixes: is_temporary.then(|| "TEMPORARY".to_owned()).into_iter().collect(),
        };
        for constraint in &self.constraints {
            let (name, columns, on_conflict) =
                (constraint.name.clone(), constraint.columns.clone(), constraint.on_conflict);
            let orders = self.orders_of(constraint);
            match &constraint.kind {
                Kind::PrimaryKey { autoincrement } => {
                    let only = columns.first().filter(|_| columns.len() == 1);
                    let column = table.columns.iter_mut().find(|column| Some(&column.name) == only);
                    match column {
                        Some(column) if *autoincrement => column.on_conflict_primary_key = on_conflict,
                        _ => table.constraints.push(TableConstraint::PrimaryKey(PrimaryKey {
                            name,
                            columns,
                            orders,
                            on_conflict,
                        })),
                    }
                }
                Kind::Unique => {
                    table.constraints.push(TableConstraint::Unique(Unique { name, columns, orders, on_conflict }));
                }
                Kind::ForeignKey(key) => {
                    let key = ForeignKey { schema: table.schema.clone(), ..key.clone() };
                    table.constraints.push(TableConstraint::ForeignKey(key));
                }
                Kind::Check(text) => {
                    let check = Check { name, condition: sql(text), on_conflict };
                    let of_column = constraint.columns.first().filter(|_| constraint.inline);
                    match table.columns.iter_mut().find(|column| Some(&column.name) == of_column) {
                        Some(column) => column.checks.push(check),
                        None => table.constraints.push(TableConstraint::Check(check)),
                    }
                }
            }
        }
        let indexes = self.indexes.iter().filter(|index| !index.is_auto);
        table.indexes = indexes.map(|index| Rc::new(index.build())).collect();
        table
    }
}

impl ReflectedTable {
    /// What stands behind the columns of a key. DESC behind a column that is the rowid says nothing, and would say that it is
    /// not, where it is written behind the column itself.
    pub(super) fn orders_of(&self, constraint: &super::parse::Constraint) -> Vec<Rc<str>> {
        let is_rowid = matches!(constraint.kind, Kind::PrimaryKey { .. })
            && !constraint.inline
            && !self.options.without_rowid
            && constraint.columns.len() == 1
            && self.columns.iter().any(|column| {
                Some(&*column.name) == constraint.columns.first().map(|name| &**name)
                    && column.declared.eq_ignore_ascii_case("INTEGER")
            });
        match is_rowid {
            true => Vec::new(),
            false => constraint.orders.clone(),
        }
    }
}

impl super::ReflectedIndex {
    fn build(&self) -> Index {
        let elements = self.expressions.iter().enumerate().map(|(at, text)| {
            let descending = self.descending.get(at).copied().unwrap_or(false);
            match self.column_names.get(at) {
                Some(Some(name)) if !descending && (text == name || is_quoted(text, name)) => {
                    IndexElement::Column(name.as_str().into())
                }
                _ => IndexElement::Expr(sql(&if descending { format!("{text} DESC") } else { text.clone() })),
            }
        });
        Index {
            name: Some(self.name.as_str().into()),
            elements: elements.collect(),
            unique: self.unique,
            condition: self.sqlite_where.as_deref().map(sql),
        }
    }
}

/// Whether these words, written behind a column, are a type and nothing else: what was in quotes can be anything.
fn is_type_name(declared: &str) -> bool {
    const CLAUSES: &[&str] = &[
        "AS",
        "CHECK",
        "COLLATE",
        "CONSTRAINT",
        "DEFAULT",
        "FOREIGN",
        "NOT",
        "NULL",
        "PRIMARY",
        "REFERENCES",
        "UNIQUE",
    ];
    let (words, arguments) = match declared.split_once('(') {
        Some((words, rest)) => (words, rest.strip_suffix(')')),
        None => (declared, Some("")),
    };
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !CLAUSES.iter().any(|clause| word.eq_ignore_ascii_case(clause))
    };
    words.split_whitespace().all(is_word)
        && !words.trim().is_empty()
        && arguments.is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit() || b", ".contains(&byte)))
}

fn is_quoted(text: &str, name: &str) -> bool {
    text == crate::compile::always_quoted(name)
}

impl Table {
    /// A table as the database has it, `autoload_with` of SQLAlchemy.
    pub fn reflect(name: &str, schema: Option<&str>, inspector: &Inspector) -> Result<Table> {
        Ok(inspector.table(name, schema)?.build(schema))
    }
}

impl MetaData {
    /// Takes the tables of a database; those that are there already stay as they are, unless told otherwise.
    pub fn reflect(&self, inspector: &Inspector, options: &ReflectOptions<'_>) -> Result<()> {
        let schema = options.schema;
        let of_kind = |views: bool| match views {
            true => inspector.get_view_names(schema),
            false => inspector.get_table_names(schema),
        };
        let mut known = of_kind(false);
        if options.views {
            known.extend(of_kind(true));
        }
        let mut wanted: Vec<String> = match options.only {
            None => known,
            Some(only) => {
                let is_known = |name: &&str| known.iter().any(|other| other.eq_ignore_ascii_case(name));
                let missing: Vec<&str> = only.iter().filter(|name| !is_known(name)).copied().collect();
                if !missing.is_empty() {
                    let place = schema.map_or(String::new(), |schema| format!(" schema '{schema}'"));
                    let message = format!(
                        "Could not reflect: requested table(s) not available in Engine(sqlite){place}: ({})",
                        missing.join(", ")
                    );
                    return Err(Error::new(ErrorKind::InvalidRequest, message));
                }
                only.iter().map(|name| (*name).to_owned()).collect()
            }
        };
        let mut seen: Vec<String> = Vec::new();
        while !wanted.is_empty() {
            let name = wanted.remove(0);
            let found = match inspector.table(&name, schema) {
                // As in SQLAlchemy, a view that cannot be read is no reason to read nothing; nor is a table that is not there,
                // which SQLite allows foreign keys to refer to.
                Err(error) if options.only.is_none() || error.kind() == ErrorKind::NoSuchTable => continue,
                found => found?,
            };
            if seen.contains(&found.name) {
                continue;
            }
            seen.push(found.name.clone());
            if options.extend_existing || self.table_in(schema, &found.name).is_none() {
                self.add(found.build(schema));
            }
            if options.resolve_fks {
                wanted.extend(found.foreign_keys().map(|key| key.table.to_string()));
            }
        }
        Ok(())
    }
}
