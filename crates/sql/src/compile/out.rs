//! The text of a statement while it grows.

use super::quote::push_quoted;
use crate::expr::BindValue;
use crate::schema::DefaultFn;
use crate::types::SqlType;
use std::rc::Rc;

/// A parameter of a compiled statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Its name: the one that the user gave it, or one that was made up.
    pub name: Rc<str>,
    /// Where its value comes from.
    pub source: Source,
    /// The type that its value is converted by.
    pub ty: SqlType,
    /// Whether the user gave it its name, so that the call may give it another value.
    pub named: bool,
    /// The address of the expression that it was written for; 0 where nobody asks for it.
    pub(crate) of: usize,
}

/// Where the value of a parameter comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// From the expression, or from the call where the name is the user's.
    Bind(BindValue),
    /// From a function of the caller's: the default of a column.
    Callable(u32),
    /// From a function: the default of a column.
    Function(DefaultFn),
}

/// A piece of the SQL of a compiled statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Segment {
    /// SQL; a `?` for each parameter in it.
    Sql(String),
    /// A list of as many parameters as the slot's value has items.
    List(usize),
}

/// SQL with its parameters, in the order in which they stand in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Out {
    sql: String,
    slots: Vec<Slot>,
    /// Where lists stand in `sql`, and which slot each is.
    lists: Vec<(usize, usize)>,
}

impl Out {
    /// An empty one, with room for a statement of common size.
    pub(crate) fn roomy() -> Out {
        Out { sql: String::with_capacity(512), slots: Vec::with_capacity(8), lists: Vec::new() }
    }

    pub(crate) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// A parameter.
    pub(crate) fn slot(&mut self, slot: Slot) {
        self.sql.push('?');
        self.slots.push(slot);
    }

    /// A parameter that is a list.
    pub(crate) fn list(&mut self, slot: Slot) {
        self.lists.push((self.sql.len(), self.slots.len()));
        self.slots.push(slot);
    }

    /// A name, in double quotes where it has to be.
    pub(crate) fn name(&mut self, name: &str) {
        push_quoted(&mut self.sql, name);
    }

    /// `schema.name`, each quoted where it has to be.
    pub(crate) fn qualified(&mut self, schema: Option<&str>, name: &str) {
        if let Some(schema) = schema {
            self.name(schema);
            self.push(".");
        }
        self.name(name);
    }

    pub(crate) fn append(&mut self, other: Out) {
        if self.sql.is_empty() && self.slots.is_empty() && self.lists.is_empty() {
            *self = other;
            return;
        }
        let (at, slots) = (self.sql.len(), self.slots.len());
        self.sql.push_str(&other.sql);
        self.slots.extend(other.slots);
        self.lists.extend(other.lists.into_iter().map(|(offset, slot)| (offset + at, slot + slots)));
    }

    /// Where it ends so far: its SQL, its parameters, its lists.
    pub(crate) fn mark(&self) -> (usize, usize, usize) {
        (self.sql.len(), self.slots.len(), self.lists.len())
    }

    /// Takes away what was written since then.
    pub(crate) fn split_off(&mut self, (sql, slots, lists): (usize, usize, usize)) -> Out {
        let lists = self.lists.split_off(lists);
        let lists = lists.into_iter().map(|(offset, slot)| (offset - sql, slot - slots)).collect();
        Out { sql: self.sql.split_off(sql), slots: self.slots.split_off(slots), lists }
    }

    pub(crate) fn slot_count(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    pub(crate) fn finish(self) -> (Vec<Segment>, Vec<Slot>) {
        if self.lists.is_empty() {
            return (vec![Segment::Sql(self.sql)], self.slots);
        }
        let (mut segments, mut from) = (Vec::new(), 0);
        for (at, slot) in self.lists {
            segments.push(Segment::Sql(self.sql[from..at].to_owned()));
            segments.push(Segment::List(slot));
            from = at;
        }
        segments.push(Segment::Sql(self.sql[from..].to_owned()));
        (segments, self.slots)
    }
}
