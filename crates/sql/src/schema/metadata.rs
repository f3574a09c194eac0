//! A set of tables.

use super::{NamingConvention, Table};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// What happens to a table, or to all tables of a [`MetaData`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DdlEvent {
    /// It is about to be created.
    BeforeCreate,
    /// It was created, with its indexes.
    AfterCreate,
    /// It is about to be dropped.
    BeforeDrop,
    /// It was dropped.
    AfterDrop,
}

/// What an event is about.
#[derive(Clone, Debug)]
pub enum DdlTarget {
    /// A table.
    Table(Rc<Table>),
    /// The tables that are created or dropped.
    Tables(Vec<Rc<Table>>),
}

type DdlListener = dyn Fn(&DdlTarget) -> Vec<String>;

/// A set of tables, and how their constraints are named.
#[derive(Default)]
pub struct MetaData {
    /// How constraints and indexes without a name are called.
    pub naming: NamingConvention,
    tables: RefCell<Vec<Rc<Table>>>,
    listeners: RefCell<Vec<(DdlEvent, Rc<DdlListener>)>>,
}

impl fmt::Debug for MetaData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<Rc<str>> = self.tables.borrow().iter().map(|table| table.name.clone()).collect();
        f.debug_tuple("MetaData").field(&names).finish()
    }
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

    /// The table of this name in this database.
    pub fn table_in(&self, schema: Option<&str>, name: &str) -> Option<Rc<Table>> {
        let is_it = |table: &&Rc<Table>| &*table.name == name && table.schema.as_deref() == schema;
        self.tables.borrow().iter().find(is_it).cloned()
    }

    /// Asks `tell` at each event of this kind, of a table and of all: the statements that it gives run then and there.
    pub fn listen(&self, event: DdlEvent, tell: impl Fn(&DdlTarget) -> Vec<String> + 'static) {
        self.listeners.borrow_mut().push((event, Rc::new(tell)));
    }

    /// What those who listen want to be run.
    pub fn told(&self, event: DdlEvent, target: &DdlTarget) -> Vec<String> {
        let listeners = self.listeners.borrow().clone();
        listeners.iter().filter(|(of, _)| *of == event).flat_map(|(_, tell)| tell(target)).collect()
    }

    /// Takes a table out.
    pub fn remove(&self, table: &Table) {
        self.tables.borrow_mut().retain(|other| !super::same_table(other, table));
    }

    /// Takes all tables out.
    pub fn clear(&self) {
        self.tables.borrow_mut().clear();
    }

    /// All tables by name, each behind those that it refers to. Where tables refer to each other in circles, what these refer
    /// to does not count; they are named by [`MetaData::circle`].
    pub fn sorted_tables(&self) -> Vec<Rc<Table>> {
        let mut tables = self.tables();
        tables.sort_by(|left, right| (&left.schema, &left.name).cmp(&(&right.schema, &right.name)));
        sort(&tables).0
    }

    /// The tables that refer to each other in circles, by name.
    pub fn circle(&self) -> Vec<Rc<Table>> {
        let mut tables = sort(&self.tables()).1;
        tables.sort_by(|left, right| left.name.cmp(&right.name));
        tables
    }
}

/// Tables, each behind those that it refers to, and those of them that refer to each other in circles.
pub fn sort(tables: &[Rc<Table>]) -> (Vec<Rc<Table>>, Vec<Rc<Table>>) {
    let refers = |at: usize, other: usize| {
        let [table, other] = [at, other].map(|at| &tables[at]);
        table.foreign_keys().any(|key| other.name == key.table && other.schema == key.schema)
    };
    let (order, circle) = sorted(tables.len(), refers);
    let of = |numbers: Vec<usize>| numbers.into_iter().filter_map(|at| tables.get(at).cloned()).collect();
    (of(order), of(circle))
}

/// The numbers below `count`, each behind those that it refers to, and those that refer to each other in circles; for these,
/// what they refer to does not count.
pub(crate) fn sorted(count: usize, refers: impl Fn(usize, usize) -> bool) -> (Vec<usize>, Vec<usize>) {
    let edges: Vec<Vec<usize>> =
        (0..count).map(|at| (0..count).filter(|other| *other != at && refers(at, *other)).collect()).collect();
    let mut circle: Vec<usize> = Vec::new();
    loop {
        let (mut order, mut left): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..count).collect());
        while !left.is_empty() {
            let is_free = |at: &usize| circle.contains(at) || !edges[*at].iter().any(|other| left.contains(other));
            let (free, rest): (Vec<usize>, Vec<usize>) = left.iter().partition(|at| is_free(at));
            if free.is_empty() {
                break;
            }
            order.extend(free);
            left = rest;
        }
        if left.is_empty() {
            return (order, circle);
        }
        circle = left.iter().copied().filter(|at| returns(*at, &edges)).collect();
    }
}

/// Whether the way of references leads back to where it begins.
fn returns(from: usize, edges: &[Vec<usize>]) -> bool {
    let (mut seen, mut next) = (Vec::new(), vec![from]);
    while let Some(at) = next.pop() {
        for other in &edges[at] {
            if *other == from {
                return true;
            }
            if !seen.contains(other) {
                seen.push(*other);
                next.push(*other);
            }
        }
    }
    false
}
