//! The sets of parameters that a statement is run with, one after the other.
#![forbid(unsafe_code)]

use crate::changes::Changes;
use crate::sqlite::{Connection, Failure, Parameters, Statement};

/// The sets of parameters of a statement, and how far it came with them. One without parameters is run once.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    parameters: Option<Parameters>,
    /// How many were begun.
    begun: usize,
    /// Whether the current one has returned a row, after which it cannot be tried again.
    pub(crate) rows: bool,
    /// How many rows they have changed so far, if the statement is an INSERT, UPDATE or DELETE; means nothing if not.
    pub(crate) changes: i64,
}

impl Sets {
    /// Sets of which none was begun.
    pub(crate) fn new(parameters: Option<Parameters>) -> Sets {
        Sets { parameters, begun: 0, rows: false, changes: 0 }
    }

    /// The number of the current one, from 0, if one was begun.
    pub(crate) fn current(&self) -> Option<usize> {
        self.begun.checked_sub(1)
    }

    /// How many parameters each has.
    pub(crate) fn columns(&self) -> u32 {
        self.parameters.as_ref().map_or(0, Parameters::columns)
    }

    /// How many are still to be begun.
    pub(crate) fn left(&self) -> u32 {
        match &self.parameters {
            Some(parameters) => parameters.left(),
            None => u32::from(self.begun == 0),
        }
    }

    /// Begins the next one: binds it. Says whether there was one.
    pub(crate) fn begin_next(&mut self, statement: &mut Statement) -> Result<bool, Failure> {
        if self.left() == 0 {
            return Ok(false);
        }
        self.begun += 1;
        self.rows = false;
        match &mut self.parameters {
            Some(parameters) => parameters.bind_next(statement),
            None => Ok(true),
        }
    }

    /// The current one has come to its end: counts what it has changed, and makes the statement ready for the next.
    pub(crate) fn end_current(&mut self, db: &Connection, statement: &mut Statement, changes: &mut Changes) {
        self.changes += db.changes();
        statement.rewind();
        changes.note(db, statement, true);
        changes.settle(db);
    }

    /// Lets go of those that are left.
    pub(crate) fn clear(&mut self) {
        self.parameters = None;
    }
}
