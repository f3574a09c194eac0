//! A set of tables.

use super::{NamingConvention, Table};
use std::cell::RefCell;
use std::rc::Rc;

/// A set of tables, and how their constraints are named.
#[derive(Debug, Default)]
pub struct MetaData {
    /// How constraints and indexes without a name are called.
    pub naming: NamingConvention,
    tables: RefCell<Vec<Rc<Table>>>,
}

impl MetaData {
    /// No tables yet.
    pub fn new() -> MetaData {
        MetaData::default()
    }

    /// Takes a table; one of the same name is replaced.
    pub fn add(&self, table: Table) -> Rc<Table> {
        let table = Rc::new(table);
        let mut tables = self.tables.borrow_mut();
        tables.retain(|other| !super::same_table(other, &table));
        tables.push(table.clone());
        table
    }

    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<Rc<Table>> {
        self.tables.borrow().iter().find(|table| &*table.name == name).cloned()
    }

    /// All tables, in the order in which they were added.
    pub fn tables(&self) -> Vec<Rc<Table>> {
        self.tables.borrow().clone()
    }

    /// All tables, each behind those that it refers to; where they refer to each other in a circle, in the order in which
    /// they were added. The flag says whether there is such a circle.
    pub fn sorted_tables(&self) -> (Vec<Rc<Table>>, bool) {
        let tables = self.tables();
        let (mut sorted, mut left): (Vec<Rc<Table>>, Vec<Rc<Table>>) = (Vec::new(), tables.clone());
        while !left.is_empty() {
            let is_free = |table: &Rc<Table>| {
                table.foreign_keys().all(|key| {
                    let refers = |other: &Rc<Table>| other.name == key.table && other.schema == key.schema;
                    refers(table) || !left.iter().any(refers)
                })
            };
            let (free, rest): (Vec<_>, Vec<_>) = left.iter().cloned().partition(is_free);
            if free.is_empty() {
                return (tables, true);
            }
            sorted.extend(free);
            left = rest;
        }
        (sorted, false)
    }
}
