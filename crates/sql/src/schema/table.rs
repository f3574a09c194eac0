//! Tables and their columns.

use super::{Check, ForeignKey, From, Index, IndexElement, PrimaryKey, Unique};
use crate::expr::{ColumnRef, Expr, Kind, Name, Node};
use crate::statement::IntoExpr;
use crate::typed::ColumnType;
use crate::types::SqlType;
use aludel_protocol::Value;
use std::rc::Rc;

/// SQLite's `ON CONFLICT` clause of a constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are called as in SQL")]
pub enum ConflictClause {
    Rollback,
    Abort,
    Fail,
    Ignore,
    Replace,
}

impl ConflictClause {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            ConflictClause::Rollback => "ROLLBACK",
            ConflictClause::Abort => "ABORT",
            ConflictClause::Fail => "FAIL",
            ConflictClause::Ignore => "IGNORE",
            ConflictClause::Replace => "REPLACE",
        }
    }
}

/// What a column gets when a statement gives it nothing.
#[derive(Clone, Debug)]
pub enum Default_ {
    /// A value.
    Value(Value),
    /// An expression, computed by the statement.
    Expr(Expr),
    /// A function of the caller's, under its number; it is asked once for each row.
    Callable(u32),
    /// A function, asked once for each row.
    Function(DefaultFn),
}

/// The values of a row so far, by the keys of their columns.
pub type CurrentParameters<'a> = &'a [(Rc<str>, Value)];

/// A function that gives the value of a column; it sees the values of the row so far.
#[derive(Clone)]
pub struct DefaultFn(Rc<dyn Fn(CurrentParameters<'_>) -> Value>);

impl DefaultFn {
    /// Asked for a value, the function is told what else the row has.
    pub fn new(function: impl Fn(CurrentParameters<'_>) -> Value + 'static) -> DefaultFn {
        DefaultFn(Rc::new(function))
    }

    /// The value for a row.
    pub fn call(&self, row: CurrentParameters<'_>) -> Value {
        (self.0)(row)
    }
}

impl std::fmt::Debug for DefaultFn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DefaultFn")
    }
}

impl PartialEq for DefaultFn {
    /// The same function, not one that does the same.
    fn eq(&self, other: &DefaultFn) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// What SQLite gives a column when a statement gives it nothing.
#[derive(Clone, Debug)]
pub enum ServerDefault {
    /// A text, which becomes a string literal.
    Value(String),
    /// SQL as it is.
    Sql(String),
    /// An expression.
    Expr(Expr),
}

/// A generated column.
#[derive(Clone, Debug)]
pub struct Computed {
    /// What it is computed by.
    pub sql: ServerDefault,
    /// `STORED` (true), `VIRTUAL` (false) or neither word.
    pub persisted: Option<bool>,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name in SQL.
    pub name: Rc<str>,
    /// Its name for those who use it.
    pub key: Rc<str>,
    /// Its type.
    pub ty: SqlType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Whether it belongs to the primary key.
    pub primary_key: bool,
    /// Whether SQLite chooses its value: `None` where it does so for a lone INTEGER primary key.
    pub autoincrement: Option<bool>,
    /// What it gets when a statement gives it nothing.
    pub default: Option<Default_>,
    /// As `default`, for UPDATE.
    pub onupdate: Option<Default_>,
    /// What SQLite gives it.
    pub server_default: Option<ServerDefault>,
    /// What it is computed by.
    pub computed: Option<Computed>,
    /// What it refers to.
    pub foreign_keys: Vec<ForeignKey>,
    /// Whether its values are unique.
    pub unique: bool,
    /// Whether it has an index.
    pub index: bool,
    /// The CHECK constraints behind it.
    pub checks: Vec<Check>,
    /// `NOT NULL ON CONFLICT ...`.
    pub on_conflict_not_null: Option<ConflictClause>,
    /// `PRIMARY KEY ON CONFLICT ...`.
    pub on_conflict_primary_key: Option<ConflictClause>,
    /// `UNIQUE ON CONFLICT ...`.
    pub on_conflict_unique: Option<ConflictClause>,
}

impl Column {
    /// A column that may be NULL, with nothing else to it.
    pub fn new(name: &str, ty: SqlType) -> Column {
        Column {
            name: name.into(),
            key: name.into(),
            ty,
            nullable: true,
            primary_key: false,
            autoincrement: None,
            default: None,
            onupdate: None,
            server_default: None,
            computed: None,
            foreign_keys: Vec::new(),
            unique: false,
            index: false,
            checks: Vec::new(),
            on_conflict_not_null: None,
            on_conflict_primary_key: None,
            on_conflict_unique: None,
        }
    }

    /// Makes it part of the primary key, which is never NULL.
    pub fn primary_key(mut self) -> Column {
        (self.primary_key, self.nullable) = (true, false);
        self
    }

    /// What it gets when an INSERT gives it nothing.
    pub fn default(mut self, default: Default_) -> Column {
        self.default = Some(default);
        self
    }

    /// What it gets when an UPDATE gives it nothing.
    pub fn onupdate(mut self, default: Default_) -> Column {
        self.onupdate = Some(default);
        self
    }

    /// Makes it NOT NULL.
    pub fn not_null(mut self) -> Column {
        self.nullable = false;
        self
    }

    /// A column of a Rust type; only that of an `Option` may be NULL.
    pub fn of<T: ColumnType>(name: &str) -> Column {
        Column { nullable: T::NULLABLE, ..Column::new(name, T::sql_type()) }
    }

    /// Gives it another name in SQL.
    pub fn named(mut self, name: &str) -> Column {
        self.name = name.into();
        self
    }

    /// Declares it as another type, which its values fit.
    pub fn typed(mut self, ty: SqlType) -> Column {
        self.ty = ty;
        self
    }

    /// Declares it `VARCHAR(length)`.
    pub fn length(self, length: u32) -> Column {
        self.typed(SqlType::String(Some(length)))
    }

    /// Makes its values unique.
    pub fn unique(mut self) -> Column {
        self.unique = true;
        self
    }

    /// Gives it an index.
    pub fn index(mut self) -> Column {
        self.index = true;
        self
    }

    /// What it gets when an INSERT gives it nothing.
    pub fn default_value(mut self, value: impl Into<Value>) -> Column {
        self.default = Some(Default_::Value(value.into()));
        self
    }

    /// What it gets when an INSERT gives it nothing: an expression, computed by the statement.
    pub fn default_expr(mut self, expr: impl IntoExpr) -> Column {
        self.default = Some(Default_::Expr(expr.into_expr()));
        self
    }

    /// What it is set to when an UPDATE gives it nothing: an expression, computed by the statement.
    pub fn onupdate_expr(mut self, expr: impl IntoExpr) -> Column {
        self.onupdate = Some(Default_::Expr(expr.into_expr()));
        self
    }

    /// What SQLite gives it: SQL as it is.
    pub fn server_default(mut self, sql: &str) -> Column {
        self.server_default = Some(ServerDefault::Sql(sql.to_owned()));
        self
    }

    /// What it is computed by: SQL as it is.
    pub fn computed(mut self, sql: &str, persisted: Option<bool>) -> Column {
        self.computed = Some(Computed { sql: ServerDefault::Sql(sql.to_owned()), persisted });
        self
    }

    /// Compares its texts by this collation: `NOCASE`, `RTRIM`.
    pub fn collate(mut self, name: &str) -> Column {
        self.ty = self.ty.collated(name);
        self
    }

    /// Makes it refer to a column, `table.column` or `schema.table.column`.
    pub fn references(mut self, target: &str) -> Column {
        let (table, column) = target.rsplit_once('.').unwrap_or((target, ""));
        let (schema, table) = match table.rsplit_once('.') {
            Some((schema, table)) => (Some(Rc::from(schema)), table),
            None => (None, table),
        };
        let referred = Some(column).filter(|column| !column.is_empty()).map(Rc::from).into_iter().collect();
        self.foreign_keys.push(ForeignKey { schema, table: table.into(), referred, ..ForeignKey::default() });
        self
    }
}

/// A constraint of a table.
#[derive(Clone, Debug)]
pub enum TableConstraint {
    /// `PRIMARY KEY (...)`, where it has a name or a conflict clause; else the columns say it.
    PrimaryKey(PrimaryKey),
    /// `FOREIGN KEY (...)`.
    ForeignKey(ForeignKey),
    /// `UNIQUE (...)`.
    Unique(Unique),
    /// `CHECK (...)`.
    Check(Check),
}

/// What SQLite can be told about a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// `WITHOUT ROWID`.
    pub without_rowid: bool,
    /// `STRICT`.
    pub strict: bool,
    /// `AUTOINCREMENT` behind its INTEGER primary key.
    pub autoincrement: bool,
    /// What stands between CREATE and TABLE: `TEMPORARY`.
    pub prefixes: Vec<String>,
}

/// A table.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: Rc<str>,
    /// The database that it is in: `main`, `temp`, or one that was attached.
    pub schema: Option<Rc<str>>,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its constraints, as far as columns do not say them.
    pub constraints: Vec<TableConstraint>,
    /// Its indexes, as far as columns do not say them.
    pub indexes: Vec<Rc<Index>>,
    /// What SQLite is told about it.
    pub options: TableOptions,
}

impl Table {
    /// A table with nothing but columns.
    pub fn new(name: &str, columns: Vec<Column>) -> Table {
        let (constraints, indexes, options) = (Vec::new(), Vec::new(), TableOptions::default());
        Table { name: name.into(), schema: None, columns, constraints, indexes, options }
    }

    /// The column with this key.
    pub fn column(&self, key: &str) -> Option<&Column> {
        self.columns.iter().find(|column| &*column.key == key)
    }

    /// The columns of the primary key, in its order.
    pub fn primary_key(&self) -> Vec<&Column> {
        let named = self.constraints.iter().find_map(|constraint| match constraint {
            TableConstraint::PrimaryKey(key) => Some(&key.columns),
            _ => None,
        });
        match named {
            Some(names) => names.iter().filter_map(|name| self.columns.iter().find(|c| c.name == *name)).collect(),
            None => self.columns.iter().filter(|column| column.primary_key).collect(),
        }
    }

    /// The primary key `INTEGER PRIMARY KEY DESC`: for SQLite no rowid, by an old mistake of its own that it keeps.
    pub(crate) fn descending_key(&self) -> Option<&PrimaryKey> {
        let key = self.constraints.iter().find_map(|constraint| match constraint {
            TableConstraint::PrimaryKey(key) => Some(key),
            _ => None,
        })?;
        let column = self.columns.iter().find(|column| key.columns.first() == Some(&column.name))?;
        let is_lone = key.columns.len() == 1 && key.orders.first().is_some_and(|order| &**order == "DESC");
        (is_lone && column.ty.words() == "INTEGER" && !self.options.without_rowid).then_some(key)
    }

    /// All foreign keys: those of columns and those of several columns.
    pub fn foreign_keys(&self) -> impl Iterator<Item = &ForeignKey> {
        let of_table = self.constraints.iter().filter_map(|constraint| match constraint {
            TableConstraint::ForeignKey(key) => Some(key),
            _ => None,
        });
        self.columns.iter().flat_map(|column| &column.foreign_keys).chain(of_table)
    }

    /// All indexes: its own, and those of columns.
    pub fn all_indexes(&self) -> Vec<Rc<Index>> {
        let of_columns = self.columns.iter().filter(|column| column.index).map(|column| {
            let elements = vec![IndexElement::Column(column.name.clone())];
            Rc::new(Index { name: None, elements, unique: column.unique, condition: None })
        });
        self.indexes.iter().cloned().chain(of_columns).collect()
    }

    /// The column whose value SQLite chooses when it is given none: a lone INTEGER primary key.
    pub fn rowid_column(&self) -> Option<&Column> {
        match self.primary_key()[..] {
            [column] if column.ty.words() == "INTEGER" && column.autoincrement != Some(false) => {
                Some(column).filter(|_| !self.options.without_rowid && self.descending_key().is_none())
            }
            _ => None,
        }
    }
}

/// Whether two tables go by the same name.
pub fn same_table(left: &Table, right: &Table) -> bool {
    left.name == right.name && left.schema == right.schema
}

/// The column of a table, as an expression.
pub(crate) fn column_of(from: From, column: &Column) -> Expr {
    let reference = ColumnRef { from: Some(from), name: Name::Given(column.name.clone()), key: column.key.clone() };
    Node::new(Kind::Column(reference), column.ty.clone())
}
