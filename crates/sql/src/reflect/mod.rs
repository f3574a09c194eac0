//! What a database holds: its tables and views with columns, constraints and indexes, read back.
//!
//! One query per database reads what SQLite's pragmas and its schema table know ([`query`]); [`Inspector`] puts that together
//! with what only the texts of CREATE TABLE and CREATE INDEX say. Whoever runs statements runs the query.

mod build;
mod json;
mod multi;
mod parse;
mod read;

pub use build::ReflectOptions;
pub use multi::{Kinds, Multi, MultiOptions};
pub use read::{DATABASES, names, query, repair};

use crate::schema::{ConflictClause, ForeignKey};
use crate::types::SqlType;
use aludel_protocol::{Error, ErrorKind, Result};
use std::rc::Rc;

/// A column, as the database has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReflectedColumn {
    /// Its name.
    pub name: String,
    /// Its type, by SQLAlchemy's names and SQLite's affinities.
    pub ty: SqlType,
    /// The words that it was declared with.
    pub declared: String,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Its default as SQL.
    pub default: Option<String>,
    /// Its place in the primary key, from 1; 0 if it is no part of it.
    pub primary_key: u32,
    /// What it is computed by.
    pub computed: Option<ReflectedComputed>,
    /// Whether `AUTOINCREMENT` stands behind it.
    pub autoincrement: bool,
    /// Its collation, where one was declared.
    pub collation: Option<String>,
    /// `NOT NULL ON CONFLICT ...`.
    pub on_conflict_not_null: Option<ConflictClause>,
}

/// A generated column's expression.
#[derive(Clone, Debug, PartialEq)]
pub struct ReflectedComputed {
    /// The expression.
    pub sqltext: String,
    /// Whether it is stored.
    pub persisted: bool,
}

/// A primary key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReflectedPrimaryKey {
    /// Its name.
    pub name: Option<String>,
    /// Its columns, in its order.
    pub constrained_columns: Vec<String>,
}

/// A UNIQUE constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct ReflectedUnique {
    /// Its name.
    pub name: Option<String>,
    /// Its columns.
    pub column_names: Vec<String>,
    /// `ON CONFLICT`.
    pub on_conflict: Option<ConflictClause>,
}

/// A CHECK constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct ReflectedCheck {
    /// Its name.
    pub name: Option<String>,
    /// The condition.
    pub sqltext: String,
}

/// An index.
#[derive(Clone, Debug, PartialEq)]
pub struct ReflectedIndex {
    /// Its name.
    pub name: String,
    /// Its columns; `None` where it is over an expression.
    pub column_names: Vec<Option<String>>,
    /// What it is over, as SQL.
    pub expressions: Vec<String>,
    /// The columns that it has in descending order.
    pub descending: Vec<bool>,
    /// Whether it allows no two equal rows.
    pub unique: bool,
    /// The condition of a partial index.
    pub sqlite_where: Option<String>,
    /// Whether SQLite made it for a constraint.
    pub is_auto: bool,
}

/// What SQLite was told about a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReflectedOptions {
    /// `WITHOUT ROWID`.
    pub without_rowid: bool,
    /// `STRICT`.
    pub strict: bool,
}

/// What kind of thing has columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A table.
    Table,
    /// A view.
    View,
    /// A table of a module: `CREATE VIRTUAL TABLE`.
    Virtual,
}

/// A table or view, as the database has it.
#[derive(Clone, Debug)]
pub struct ReflectedTable {
    /// Its name.
    pub name: String,
    /// The database that it is in.
    pub schema: String,
    /// What it is.
    pub kind: ObjectKind,
    /// The SQL that it was made with.
    pub definition: String,
    /// Its columns.
    pub columns: Vec<ReflectedColumn>,
    /// Its indexes, those that SQLite made included.
    pub indexes: Vec<ReflectedIndex>,
    constraints: Vec<parse::Constraint>,
    /// What SQLite was told about it.
    pub options: ReflectedOptions,
    /// Why its columns are not known: a view of what is no more, a module that is not there.
    pub unreflectable: Option<String>,
}

/// What a database held when it was asked: [`inspect`](https://docs.rs/aludel) of the client gives one. Names are found as
/// SQLite finds them: in capitals or small letters; where no database is named, in `main` and then in `temp`.
#[derive(Clone, Debug, Default)]
pub struct Inspector {
    schemas: Vec<String>,
    tables: Vec<ReflectedTable>,
}

fn texts(names: &[Rc<str>]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

impl ReflectedTable {
    /// The primary key.
    pub fn primary_key(&self) -> ReflectedPrimaryKey {
        let name = self.constraints.iter().find_map(|constraint| match constraint.kind {
            parse::Kind::PrimaryKey { .. } => constraint.name.as_deref(),
            _ => None,
        });
        ReflectedPrimaryKey { name: name.map(str::to_owned), constrained_columns: self.key_columns() }
    }

    /// The columns of the primary key, in its order.
    fn key_columns(&self) -> Vec<String> {
        let at = |place: u32| self.columns.iter().find(|column| column.primary_key == place);
        (1..).map_while(at).map(|column| column.name.clone()).collect()
    }

    /// The foreign keys, in the order in which they were declared.
    pub fn foreign_keys(&self) -> impl Iterator<Item = &ForeignKey> {
        self.constraints.iter().filter_map(|constraint| match &constraint.kind {
            parse::Kind::ForeignKey(key) => Some(key),
            _ => None,
        })
    }

    /// The UNIQUE constraints, in the order in which they were declared.
    pub fn unique_constraints(&self) -> Vec<ReflectedUnique> {
        let unique = self.constraints.iter().filter(|constraint| constraint.kind == parse::Kind::Unique);
        let reflected = |constraint: &parse::Constraint| ReflectedUnique {
            name: constraint.name.as_deref().map(str::to_owned),
            column_names: texts(&constraint.columns),
            on_conflict: constraint.on_conflict,
        };
        unique.map(reflected).collect()
    }

    /// The CHECK constraints, those with names first, by name.
    pub fn check_constraints(&self) -> Vec<ReflectedCheck> {
        let checks = self.constraints.iter().filter_map(|constraint| match &constraint.kind {
            parse::Kind::Check(sqltext) => {
                Some(ReflectedCheck { name: constraint.name.as_deref().map(str::to_owned), sqltext: sqltext.clone() })
            }
            _ => None,
        });
        let mut checks: Vec<ReflectedCheck> = checks.collect();
        checks.sort_by(|left, right| (left.name.is_none(), &left.name).cmp(&(right.name.is_none(), &right.name)));
        checks
    }

    /// Whether `AUTOINCREMENT` stands in it.
    pub fn autoincrement(&self) -> bool {
        self.columns.iter().any(|column| column.autoincrement)
    }
}

impl Inspector {
    /// The names of the databases: `main` and what was attached.
    pub fn get_schema_names(&self) -> Vec<String> {
        self.schemas.iter().filter(|name| *name != "temp").cloned().collect()
    }

    /// Whether there is a database of this name.
    pub fn has_schema(&self, name: &str) -> bool {
        self.schemas.iter().any(|schema| schema.eq_ignore_ascii_case(name))
    }

    /// The database that is meant where none is named.
    pub fn default_schema_name(&self) -> &'static str {
        "main"
    }

    fn names(&self, schema: Option<&str>, wanted: impl Fn(ObjectKind) -> bool) -> Vec<String> {
        self.of_schema(schema).filter(|table| wanted(table.kind)).map(|table| table.name.clone()).collect()
    }

    /// The tables of a database, without SQLite's own.
    fn of_schema(&self, schema: Option<&str>) -> impl Iterator<Item = &ReflectedTable> {
        let schema = schema.unwrap_or(self.default_schema_name()).to_owned();
        self.tables
            .iter()
            .filter(move |table| table.schema.eq_ignore_ascii_case(&schema) && !table.name.starts_with("sqlite_"))
    }

    /// The names of the tables.
    pub fn get_table_names(&self, schema: Option<&str>) -> Vec<String> {
        self.names(schema, |kind| kind != ObjectKind::View)
    }

    /// The names of the views.
    pub fn get_view_names(&self, schema: Option<&str>) -> Vec<String> {
        self.names(schema, |kind| kind == ObjectKind::View)
    }

    /// The names of the tables that are gone with their connection.
    pub fn get_temp_table_names(&self) -> Vec<String> {
        self.get_table_names(Some("temp"))
    }

    /// The names of the views that are gone with their connection.
    pub fn get_temp_view_names(&self) -> Vec<String> {
        self.get_view_names(Some("temp"))
    }

    fn find(&self, name: &str, schema: Option<&str>) -> Option<&ReflectedTable> {
        let schemas = schema.map_or(vec!["main", "temp"], |schema| vec![schema]);
        schemas.into_iter().find_map(|schema| {
            let is_it = |table: &&ReflectedTable| {
                table.schema.eq_ignore_ascii_case(schema) && table.name.eq_ignore_ascii_case(name)
            };
            self.tables.iter().find(is_it)
        })
    }

    /// Whether there is a table or view of this name.
    pub fn has_table(&self, name: &str, schema: Option<&str>) -> bool {
        self.find(name, schema).is_some()
    }

    /// Whether a table has an index of this name.
    pub fn has_index(&self, table: &str, index: &str, schema: Option<&str>) -> bool {
        let found = self.find(table, schema);
        found.is_some_and(|table| table.indexes.iter().any(|other| other.name.eq_ignore_ascii_case(index)))
    }

    /// A table or view; NoSuchTableError where there is none, UnreflectableTableError where SQLite cannot tell its columns.
    pub fn table(&self, name: &str, schema: Option<&str>) -> Result<&ReflectedTable> {
        let full = schema.map_or(name.to_owned(), |schema| format!("{schema}.{name}"));
        let table = self.find(name, schema).ok_or_else(|| Error::new(ErrorKind::NoSuchTable, full.clone()))?;
        match &table.unreflectable {
            Some(why) => Err(Error::new(ErrorKind::UnreflectableTable, format!("{full}: {why}"))),
            None => Ok(table),
        }
    }

    /// All tables and views of a database that SQLite can tell the columns of, in the order of their names; `None` for `main`.
    pub fn tables(&self, schema: Option<&str>) -> impl Iterator<Item = &ReflectedTable> {
        self.of_schema(schema).filter(|table| table.unreflectable.is_none())
    }

    /// The columns of a table or view.
    pub fn get_columns(&self, table: &str, schema: Option<&str>) -> Result<&[ReflectedColumn]> {
        Ok(&self.table(table, schema)?.columns)
    }

    /// The primary key of a table.
    pub fn get_pk_constraint(&self, table: &str, schema: Option<&str>) -> Result<ReflectedPrimaryKey> {
        Ok(self.table(table, schema)?.primary_key())
    }

    /// The foreign keys of a table.
    pub fn get_foreign_keys(&self, table: &str, schema: Option<&str>) -> Result<Vec<ForeignKey>> {
        let given = schema.map(Rc::from);
        let key = |key: &ForeignKey| ForeignKey { schema: given.clone(), ..key.clone() };
        Ok(self.table(table, schema)?.foreign_keys().map(key).collect())
    }

    /// The indexes of a table, by name, without those that SQLite made for constraints.
    pub fn get_indexes(&self, table: &str, schema: Option<&str>) -> Result<Vec<&ReflectedIndex>> {
        Ok(self.table(table, schema)?.indexes.iter().filter(|index| !index.is_auto).collect())
    }

    /// The UNIQUE constraints of a table.
    pub fn get_unique_constraints(&self, table: &str, schema: Option<&str>) -> Result<Vec<ReflectedUnique>> {
        Ok(self.table(table, schema)?.unique_constraints())
    }

    /// The CHECK constraints of a table.
    pub fn get_check_constraints(&self, table: &str, schema: Option<&str>) -> Result<Vec<ReflectedCheck>> {
        Ok(self.table(table, schema)?.check_constraints())
    }

    /// What SQLite was told about a table.
    pub fn get_table_options(&self, table: &str, schema: Option<&str>) -> Result<ReflectedOptions> {
        Ok(self.table(table, schema)?.options.clone())
    }

    /// The SQL of a view.
    pub fn get_view_definition(&self, view: &str, schema: Option<&str>) -> Result<&str> {
        match self.find(view, schema) {
            Some(found) if found.kind == ObjectKind::View => Ok(&found.definition),
            _ => {
                Err(Error::new(ErrorKind::NoSuchTable, schema.map_or(view.into(), |schema| format!("{schema}.{view}"))))
            }
        }
    }

    /// The tables, each behind those that it refers to, with the names of their foreign keys; at the end, under no table,
    /// the foreign keys of circles, each with its table.
    pub fn get_sorted_table_and_fkc_names(&self, schema: Option<&str>) -> Vec<SortedTable> {
        let tables: Vec<&ReflectedTable> = self.tables(schema).filter(|table| table.kind != ObjectKind::View).collect();
        let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        let refers = |at: usize, other: usize| {
            at != other && tables[at].foreign_keys().any(|key| key.table.eq_ignore_ascii_case(&names[other]))
        };
        let (order, circle) = crate::schema::sorted(tables.len(), refers);
        let keys = |table: &ReflectedTable| -> Vec<(String, Option<String>)> {
            let name = |key: &ForeignKey| (table.name.clone(), key.name.as_deref().map(str::to_owned));
            table.foreign_keys().map(name).collect()
        };
        let mut sorted: Vec<SortedTable> = order
            .iter()
            .map(|at| {
                let own = if circle.contains(at) { Vec::new() } else { keys(tables[*at]) };
                (Some(names[*at].clone()), own)
            })
            .collect();
        sorted.push((None, circle.iter().flat_map(|at| keys(tables[*at])).collect()));
        sorted
    }
}

/// A table and the names of its foreign keys, each with its table.
pub type SortedTable = (Option<String>, Vec<(String, Option<String>)>);

/// SQLAlchemy's warning that tables refer to each other in a circle, so that none can be dropped first.
pub fn cannot_sort<'a>(circle: impl Iterator<Item = &'a str>) -> String {
    format!(
        "Can't sort tables for DROP; an unresolvable foreign key dependency exists between tables: {}; they are dropped in \
         the order in which they were declared, and foreign keys are checked when the transaction ends",
        circle.collect::<Vec<_>>().join(", ")
    )
}
