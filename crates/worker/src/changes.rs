//! Which tables transactions have changed, to be told once they are committed.
#![forbid(unsafe_code)]

use crate::sqlite::{Connection, Statement, Tables, TransactionState};
use aludel_protocol::{Commit, Party, SortedSet};
use std::rc::Rc;

/// What one transaction has changed.
///
/// What counts is what a statement may write, once it has changed any row at all. So a trigger's tables are told even if
/// the trigger did nothing, and what ROLLBACK TO took back is still told; what was never written is not.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    tables: SortedSet<String>,
    schema: bool,
    /// Whose tables were added last: most often the same statement comes again.
    last: Option<Rc<Tables>>,
}

impl Changed {
    fn add(&mut self, tables: &Rc<Tables>) {
        if self.last.as_ref().is_some_and(|last| Rc::ptr_eq(last, tables)) {
            return;
        }
        self.last = Some(Rc::clone(tables));
        self.schema |= tables.schema;
        for table in &tables.writes {
            if !self.tables.contains(table) {
                self.tables.insert(table.clone());
            }
        }
    }

    fn is_nothing(&self) -> bool {
        self.tables.is_empty() && !self.schema
    }

    /// What clients are told of it.
    pub(crate) fn into_commit(self, number: u64, by: Party) -> Commit {
        Commit { number, by, schema: self.schema, tables: self.tables.into_items().collect() }
    }
}

/// What the transaction of a connection has changed so far, and what it committed since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    open: Changed,
    committed: Vec<Changed>,
    /// `total_changes` when it was last looked at.
    total: i64,
    /// The version of the schema before the statement that may change it.
    schema: Option<String>,
    /// Frames in the log after the last commit.
    frames: Option<u32>,
}

impl Changes {
    /// To be called before a statement is stepped for the first time.
    pub(crate) fn expect(&mut self, db: &Connection, statement: &mut Statement) {
        self.schema = if statement.tables(db).schema { schema_version(db) } else { None };
    }

    /// To be called after a statement was stepped to its end (`done`), failed or was reset: what did it change?
    pub(crate) fn note(&mut self, db: &Connection, statement: &mut Statement, done: bool) {
        // Before it did anything that counts: SQLite also rolls back to prepare a statement anew.
        self.drop_what_was_rolled_back(db);
        let committed = self.look_for_commit(db);
        let total = db.total_changes();
        let moved = std::mem::replace(&mut self.total, total) != total;
        if !moved && (!done || statement.is_readonly()) {
            return;
        }
        // One that was broken off, and is neither committed nor part of what can be, was taken back with its transaction.
        if !done && !committed && !is_open(db) {
            return;
        }
        let tables = statement.tables(db);
        // A change of the schema moves no count, and CREATE TABLE IF NOT EXISTS may not be one.
        if moved || (tables.schema && self.schema != schema_version(db)) {
            self.open.add(tables);
        }
    }

    /// Whether there was a commit since it was last asked.
    fn look_for_commit(&mut self, db: &Connection) -> bool {
        let frames = db.take_commit();
        self.frames = frames.or(self.frames);
        frames.is_some()
    }

    fn drop_what_was_rolled_back(&mut self, db: &Connection) {
        if db.take_rollback() {
            self.open = Changed::default();
        }
    }

    /// To be called after anything ran: did a transaction end, and how?
    pub(crate) fn settle(&mut self, db: &Connection) {
        self.look_for_commit(db);
        self.drop_what_was_rolled_back(db);
        if !self.open.is_nothing() && !is_open(db) {
            self.committed.push(std::mem::take(&mut self.open));
        }
    }

    /// How many frames the log has, if there was a commit since it was last asked.
    pub(crate) fn take_frames(&mut self) -> Option<u32> {
        self.frames.take()
    }

    /// What was committed since it was last asked.
    pub(crate) fn take(&mut self) -> Vec<Changed> {
        std::mem::take(&mut self.committed)
    }
}

/// Whether what is written can still be committed: a statement of its own is not while another one of its connection writes.
fn is_open(db: &Connection) -> bool {
    db.in_transaction() || db.transaction_state() == TransactionState::Write
}

/// Changes with every change of the schema. Nothing when it cannot be had.
fn schema_version(db: &Connection) -> Option<String> {
    db.query("PRAGMA main.schema_version").ok().flatten()
}
