//! CREATE and DROP.

use super::Query;
use crate::schema::{Index, NamingConvention, Table};
use std::rc::Rc;

/// What is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropWhat {
    /// A table.
    Table,
    /// An index.
    Index,
    /// A view.
    View,
}

/// A statement that changes the schema.
#[derive(Clone, Debug)]
pub enum Ddl {
    /// `CREATE TABLE`.
    CreateTable {
        /// The table.
        table: Rc<Table>,
        /// How its constraints are named.
        naming: NamingConvention,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
    },
    /// `CREATE TABLE ... AS`.
    CreateTableAs {
        /// The database it is in.
        schema: Option<Rc<str>>,
        /// Its name.
        name: Rc<str>,
        /// Its rows.
        query: Query,
        /// `TEMPORARY`.
        temporary: bool,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
    },
    /// `CREATE INDEX`.
    CreateIndex {
        /// The table.
        table: Rc<Table>,
        /// The index.
        index: Rc<Index>,
        /// How it is named if it has no name.
        naming: NamingConvention,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
    },
    /// `CREATE VIEW`.
    CreateView {
        /// The database it is in.
        schema: Option<Rc<str>>,
        /// Its name.
        name: Rc<str>,
        /// Its rows.
        query: Query,
        /// `TEMPORARY`.
        temporary: bool,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
    },
    /// `DROP`.
    Drop {
        /// What.
        what: DropWhat,
        /// The database it is in.
        schema: Option<Rc<str>>,
        /// Its name.
        name: Rc<str>,
        /// `IF EXISTS`.
        if_exists: bool,
    },
}
