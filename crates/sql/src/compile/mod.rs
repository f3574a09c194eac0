//! From statements to SQL for SQLite, with the list of its parameters.

mod call;
mod ddl;
mod defaults;
mod dml;
mod expr;
mod froms;
mod literal;
mod names;
mod out;
mod product;
mod quote;
mod select;
mod terms;

pub(crate) use froms::join_start;
pub use literal::literal;
pub(crate) use names::labels;
pub use out::{Segment, Slot, Source};
pub use quote::{always_quoted, quoted, string_literal};

use crate::expr::{BindValue, Name};
use crate::extent::MAX_DEPTH;
use crate::schema::{Cte, From, Table};
use crate::statement::{Select, Statement};
use crate::types::SqlType;
use aludel_protocol::{Error, ErrorKind, Result, Value};
use names::Names;
use out::Out;
use std::rc::Rc;

/// How a statement is compiled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Whether values stand in the SQL: for people to read, never to be executed with foreign values.
    pub literal_binds: bool,
    /// The values of numbered literals, where they are to stand in the SQL.
    pub literals: &'a [Value],
    /// The values of numbered lists, where they are to stand in the SQL.
    pub lists: &'a [(u32, BindValue)],
    /// The keys that the parameters of the call name, for an INSERT or UPDATE that sets what they name.
    pub keys: Option<&'a [&'a str]>,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are called as in SQL")]
pub enum Verb {
    Select,
    Insert,
    Update,
    Delete,
    Ddl,
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultColumn {
    /// Its name; empty where SQLite gives it one.
    pub name: Rc<str>,
    /// The type that its values are converted by.
    pub ty: SqlType,
}

/// What is known of the primary key of a row that was inserted.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertedKey {
    /// It is a parameter: its place in the slots.
    Slot(usize),
    /// It is the rowid that SQLite chose.
    Rowid,
    /// It is known to nobody.
    Unknown,
}

/// A compiled statement.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The SQL, in pieces where lists stand in it.
    pub segments: Vec<Segment>,
    /// Its parameters, in the order in which they stand in it.
    pub slots: Vec<Slot>,
    /// The columns of its result; none if it returns no rows, or if SQLite names them.
    pub columns: Vec<ResultColumn>,
    /// What it does.
    pub verb: Verb,
    /// The primary key of the row that it inserts, column by column.
    pub inserted_key: Vec<InsertedKey>,
    /// The columns of that key, by their keys.
    pub key_columns: Vec<ResultColumn>,
    /// What is to be said about it, that is no error: a cartesian product.
    pub warnings: Vec<String>,
}

/// Compiles a statement.
pub fn compile(statement: &Statement, options: Options<'_>) -> Result<Compiled> {
    let mut compiler = Compiler::new(options);
    let mut main = Out::roomy();
    let verb = match statement {
        Statement::Query(query) => {
            compiler.query(query, &mut main, Within::Top)?;
            Verb::Select
        }
        Statement::Insert(insert) => {
            compiler.insert(insert, &mut main)?;
            Verb::Insert
        }
        Statement::Update(update) => {
            compiler.update(update, &mut main)?;
            Verb::Update
        }
        Statement::Delete(delete) => {
            compiler.delete(delete, &mut main)?;
            Verb::Delete
        }
        Statement::Ddl(ddl) => {
            compiler.ddl(ddl, &mut main)?;
            Verb::Ddl
        }
        Statement::Expr(expr) => {
            compiler.expr(expr, &mut main)?;
            Verb::Select
        }
    };
    let mut out = Out::default();
    compiler.with(&mut out);
    let before = out.slot_count();
    out.append(main);
    for key in &mut compiler.inserted_key {
        if let InsertedKey::Slot(slot) = key {
            *slot += before;
        }
    }
    let (segments, slots) = out.finish();
    let Compiler { columns, inserted_key, key_columns, automatic, warnings, .. } = compiler;
    if matches!(verb, Verb::Insert | Verb::Update) {
        defaults::check_parameters(options.keys, &automatic, &slots)?;
    }
    Ok(Compiled { segments, slots, columns, verb, inserted_key, key_columns, warnings })
}

impl Compiled {
    /// The SQL; a list that has no value yet shows as SQLAlchemy shows it.
    pub fn sql(&self) -> String {
        self.segments.iter().map(|segment| self.segment_sql(segment)).collect()
    }

    /// The SQL of one of its pieces.
    pub fn segment_sql(&self, segment: &Segment) -> String {
        match segment {
            Segment::Sql(sql) => sql.clone(),
            Segment::List(slot) => match &self.slots[*slot].source {
                Source::Bind(value) => {
                    let Slot { name, ty, .. } = &self.slots[*slot];
                    literal::list_sql(value, ty.width()).unwrap_or_else(|| format!("(__[POSTCOMPILE_{name}])"))
                }
                Source::Callable(_) | Source::Function(_) => String::new(),
            },
        }
    }
}

/// Where a query stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    /// It is the statement.
    Top,
    /// It is what rows come from, or a CTE: its columns are referred to by their names.
    From,
    /// It is a part of a compound: whether its columns are referred to by their names, and whether people see its rows.
    Part { named: bool, seen: bool },
    /// It is a value, a list or a condition.
    Value,
    /// It gives the rows of an INSERT.
    Insert,
}

impl Within {
    /// Whether its columns are referred to by their names.
    fn names_columns(self) -> bool {
        matches!(self, Within::From | Within::Part { named: true, .. })
    }

    /// Whether its rows are those of the statement.
    fn is_seen(self) -> bool {
        matches!(self, Within::Top | Within::Part { seen: true, .. })
    }
}

/// A CTE that was compiled.
struct Named {
    /// Those that go by its name.
    ctes: Vec<Rc<Cte>>,
    name: Rc<str>,
    head: String,
    body: Out,
    recursive: bool,
}

pub(crate) struct Compiler<'a> {
    options: Options<'a>,
    names: Names,
    ctes: Vec<Named>,
    /// CTEs that stand in the WITH of a query, of the queries around, the innermost last.
    nested: Vec<Vec<Named>>,
    /// What rows come from in the statements around, the innermost last.
    scopes: Vec<Vec<From>>,
    /// Whether columns stand with what they belong to.
    qualify: bool,
    /// Whether the next SELECT says the names of its columns.
    name_columns: bool,
    columns: Vec<ResultColumn>,
    inserted_key: Vec<InsertedKey>,
    key_columns: Vec<ResultColumn>,
    /// The parameters that are called after columns.
    automatic: Vec<Rc<str>>,
    warnings: Vec<String>,
    depth: u32,
}

impl<'a> Compiler<'a> {
    fn new(options: Options<'a>) -> Compiler<'a> {
        Compiler {
            options,
            names: Names::default(),
            ctes: Vec::new(),
            nested: vec![Vec::new()],
            scopes: Vec::new(),
            qualify: true,
            name_columns: false,
            columns: Vec::new(),
            inserted_key: Vec::new(),
            key_columns: Vec::new(),
            automatic: Vec::new(),
            warnings: Vec::new(),
            depth: 0,
        }
    }

    /// Goes one level deeper.
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            let message = format!("the expression is nested more than {MAX_DEPTH} levels deep");
            return Err(Error::new(ErrorKind::Compile, message));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    /// `WITH ...` of the whole statement.
    fn with(&mut self, out: &mut Out) {
        let mut ctes = std::mem::take(&mut self.ctes);
        ctes.extend(self.nested.drain(..).flatten());
        write_with(ctes, out);
    }

    fn name(&mut self, name: &Name) -> Rc<str> {
        self.names.resolve(name)
    }
}

/// `WITH ...`, unless there is none.
fn write_with(ctes: Vec<Named>, out: &mut Out) {
    if ctes.is_empty() {
        return;
    }
    let recursive = ctes.iter().any(|cte| cte.recursive);
    for (at, cte) in ctes.into_iter().enumerate() {
        out.push(match (at, recursive) {
            (0, true) => "WITH RECURSIVE ",
            (0, false) => "WITH ",
            _ => ", ",
        });
        out.push(&cte.head);
        out.append(cte.body);
        out.push(")");
    }
    out.push(" ");
}

/// What stands behind FROM of a SELECT.
pub(crate) fn final_froms(select: &Select) -> Result<Vec<From>> {
    Compiler::new(Options::default()).display_froms(select)
}

/// The SQL of a statement with its values in it: for people to read.
pub fn literal_sql(statement: &Statement) -> Result<String> {
    Ok(compile(statement, Options { literal_binds: true, ..Options::default() })?.sql())
}

/// `schema.name`, each quoted where it has to be.
pub(crate) fn qualified(schema: Option<&str>, name: &str) -> String {
    match schema {
        Some(schema) => format!("{}.{}", quoted(schema), quoted(name)),
        None => quoted(name),
    }
}

pub(crate) fn table_name(table: &Table) -> String {
    qualified(table.schema.as_deref(), &table.name)
}

pub(crate) fn compile_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Compile, message.into())
}
