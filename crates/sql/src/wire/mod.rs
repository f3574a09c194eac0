//! Statements as bytes: how those that are built in another language come here.
//!
//! A statement is a list of records, each of which makes one object (an expression, a table, a query ...) out of those
//! before it, which it names by their numbers; the last is the statement. So an object that is used twice stays one
//! object, and columns know what they are columns of. Values are not in the bytes: they are numbered in the order in
//! which they occur, so that the bytes alone say whether two statements compile to the same SQL.
//!
//! ```text
//! count u32 | records: tag u8, fields ...        little-endian; text is u32 length and UTF-8; lists are u32 count and items
//! ```

mod expr;
mod from;
mod statement;
mod types;

use crate::expr::Expr;
use crate::extent::MAX_DEPTH;
use crate::schema::{Cte, From, Index, Table};
use crate::statement::{Query, Statement, TextPart};
use aludel_protocol::{Error, ErrorKind, Reader, Result};
use std::cell::RefCell;
use std::rc::Rc;

/// An object that a record made.
#[derive(Clone, Debug)]
enum Object {
    Expr(Expr),
    From(From),
    Query(Query),
    Cte(Rc<Cte>),
    Table(Rc<Table>),
    Index(Rc<Index>),
    Text(Rc<TextPart>),
    Statement(Statement),
}

/// How many tables are kept that were read before, by their bytes: statement after statement brings the same ones.
const KEPT_TABLES: usize = 64;

/// A table and the bytes that it was read from.
type KeptTable = (Box<[u8]>, Rc<Table>);

thread_local! {
    static TABLES: RefCell<Vec<KeptTable>> = const { RefCell::new(Vec::new()) };
}

impl Object {
    fn instead_of(&self, due: &str) -> Error {
        let what = match self {
            Object::Expr(_) => "an expression",
            Object::From(_) => "something that rows come from",
            Object::Query(_) => "a query",
            Object::Cte(_) => "a CTE",
            Object::Table(_) => "a table",
            Object::Index(_) => "an index",
            Object::Text(_) => "a text",
            Object::Statement(_) => "a statement",
        };
        broken(format!("{due} is due, not {what}"))
    }
}

/// Reads a statement.
pub fn decode(bytes: &[u8]) -> Result<Statement> {
    let mut decoder = Decoder { input: Reader::new(bytes), objects: Vec::new(), deepest: 0 };
    let count = decoder.input.u32()?;
    // Each record takes a byte at least, so that a lying count costs no memory.
    decoder.objects.reserve((count as usize).min(decoder.input.remaining()));
    for _ in 0..count {
        decoder.deepest = 0;
        let object = decoder.record()?;
        let depth = decoder.deepest + 1;
        // Whoever works through them, or only drops them, does so level by level on the stack.
        if depth > MAX_DEPTH {
            let message = format!("the expression is nested more than {MAX_DEPTH} levels deep");
            return Err(Error::new(ErrorKind::Compile, message));
        }
        decoder.objects.push((object, depth));
    }
    decoder.input.end()?;
    match decoder.objects.pop() {
        Some((Object::Statement(statement), _)) => Ok(statement),
        Some((Object::Query(query), _)) => Ok(Statement::Query(query)),
        Some((Object::Expr(expr), _)) => Ok(Statement::Expr(expr)),
        _ => Err(broken("the last record is no statement")),
    }
}

struct Decoder<'a> {
    input: Reader<'a>,
    /// What the records made, and how deep it lies.
    objects: Vec<(Object, u32)>,
    /// How deep the deepest object lies that the current record uses.
    deepest: u32,
}

fn broken(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Protocol, format!("malformed statement: {}", message.into()))
}

/// Tags of records: expressions below 0x40, what rows come from and schema from 0x40, statements from 0x60.
const FIRST_FROM: u8 = 0x40;
const FIRST_STATEMENT: u8 = 0x60;

impl<'a> Decoder<'a> {
    fn record(&mut self) -> Result<Object> {
        let tag = self.input.u8()?;
        if tag < FIRST_FROM {
            self.expr_record(tag)
        } else if tag < FIRST_STATEMENT {
            self.rows_record(tag)
        } else {
            self.statement_record(tag)
        }
    }

    fn object(&mut self) -> Result<&Object> {
        let number = self.input.u32()? as usize;
        match self.objects.get(number) {
            Some((object, depth)) => {
                self.deepest = self.deepest.max(*depth);
                Ok(object)
            }
            None => Err(broken(format!("there is no object {number} yet"))),
        }
    }

    fn expr(&mut self) -> Result<Expr> {
        match self.object()? {
            Object::Expr(expr) => Ok(expr.clone()),
            other => Err(other.instead_of("an expression")),
        }
    }

    fn table(&mut self) -> Result<Rc<Table>> {
        match self.object()? {
            Object::Table(table) => Ok(table.clone()),
            other => Err(other.instead_of("a table")),
        }
    }

    fn from(&mut self) -> Result<From> {
        match self.object()? {
            Object::From(from) => Ok(from.clone()),
            Object::Table(table) => Ok(From::Table(table.clone())),
            Object::Cte(cte) => Ok(From::Cte(cte.clone())),
            Object::Text(text) => Ok(From::Text(text.clone())),
            other => Err(other.instead_of("something that rows come from")),
        }
    }

    fn query(&mut self) -> Result<Query> {
        match self.object()? {
            Object::Query(query) => Ok(query.clone()),
            other => Err(other.instead_of("a query")),
        }
    }

    fn cte(&mut self) -> Result<Rc<Cte>> {
        match self.object()? {
            Object::Cte(cte) => Ok(cte.clone()),
            other => Err(other.instead_of("a CTE")),
        }
    }

    fn text_part(&mut self) -> Result<Rc<TextPart>> {
        match self.object()? {
            Object::Text(text) => Ok(text.clone()),
            other => Err(other.instead_of("a text")),
        }
    }

    fn index(&mut self) -> Result<Rc<Index>> {
        match self.object()? {
            Object::Index(index) => Ok(index.clone()),
            other => Err(other.instead_of("an index")),
        }
    }

    fn text(&mut self) -> Result<&'a str> {
        self.input.text()
    }

    fn name(&mut self) -> Result<Rc<str>> {
        Ok(self.input.text()?.into())
    }

    /// A flag, then what it announces.
    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if self.input.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    /// A count, then as many; each takes a byte at least, so a lying count fails before it costs memory.
    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.input.u32()? as usize;
        let mut items = Vec::with_capacity(count.min(self.input.remaining()));
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// 0 for none, else one of the choices.
    fn choice<T: Copy>(&mut self, what: &str, choices: &[T]) -> Result<Option<T>> {
        match self.input.u8()? as usize {
            0 => Ok(None),
            at => choices.get(at - 1).copied().map(Some).ok_or_else(|| broken(format!("{what} {at}"))),
        }
    }

    fn must<T: Copy>(&mut self, what: &str, choices: &[T]) -> Result<T> {
        self.choice(what, choices)?.ok_or_else(|| broken(format!("{what} 0")))
    }
}
