//! A statement on its way through its rows.
#![forbid(unsafe_code)]

use crate::Environment;
use crate::changes::Changes;
use crate::sets::Sets;
use crate::sqlite::{Connection, Failure, Statement, Step};
use aludel_protocol::{BatchWriter, Error, ErrorKind, Header, Mark, RowsReply};

/// How much a cursor puts into a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// About how many bytes go into the first frame.
    pub(crate) first: usize,
    /// About how many bytes go into each later frame.
    pub(crate) later: usize,
    /// How many rows go into a frame at most.
    pub(crate) rows: u32,
}

/// What a Rows frame says beside its rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) more: bool,
    pub(crate) in_transaction: bool,
    pub(crate) changes: i64,
    pub(crate) last_insert_rowid: i64,
}

/// Why a cursor could not go on.
#[derive(Debug)]
pub(crate) enum Halt {
    /// SQLite failed.
    Sqlite(Failure),
    /// A cell cannot be sent.
    Cell(Error),
}

/// A statement that is run with each of its sets of parameters, and writes the cells of its rows from SQLite's memory into a
/// batch. It lives across messages.
#[derive(Debug)]
pub(crate) struct Cursor {
    statement: Option<Statement>,
    pub(crate) sets: Sets,
    limits: Limits,
    columns: Option<Vec<String>>,
    batch: BatchWriter,
    /// Where the rows begin that were not sent yet.
    start: Mark,
    /// Where the frame that is due ends, when that is before a row too big to share a frame.
    cut: Option<Mark>,
    full: bool,
    sent: bool,
}

impl Cursor {
    /// A cursor without a statement: one that has no rows.
    pub(crate) fn new(limits: Limits, sets: Sets) -> Cursor {
        Cursor {
            statement: None,
            sets,
            limits,
            columns: None,
            batch: BatchWriter::default(),
            start: Mark::default(),
            cut: None,
            full: false,
            sent: false,
        }
    }

    /// Gives it the statement whose rows it sends, and buffers to gather them in.
    pub(crate) fn attach(&mut self, statement: Statement, mut batch: BatchWriter) {
        batch.reset(0);
        self.batch = batch;
        self.statement = Some(statement);
    }

    /// The statement.
    pub(crate) fn statement(&mut self) -> Option<&mut Statement> {
        self.statement.as_mut()
    }

    /// To be called before it steps with another set of parameters.
    pub(crate) fn expect(&mut self, db: &Connection, changes: &mut Changes) {
        if let Some(statement) = &mut self.statement {
            changes.expect(db, statement);
        }
    }

    /// Begins the next set of parameters; says whether there was one.
    pub(crate) fn begin_next(&mut self) -> Result<bool, Failure> {
        match &mut self.statement {
            Some(statement) => self.sets.begin_next(statement),
            None => Ok(false),
        }
    }

    /// The set that was begun last has come to its end.
    pub(crate) fn end_set(&mut self, db: &Connection, changes: &mut Changes) {
        if let Some(statement) = &mut self.statement {
            self.sets.end_current(db, statement, changes);
        }
    }

    /// Takes the statement and the buffers out, for their next use.
    pub(crate) fn dismantle(&mut self) -> (Option<Statement>, BatchWriter) {
        self.sets.clear();
        (self.statement.take(), std::mem::take(&mut self.batch))
    }

    /// Steps to the next row and takes it up, or to the end. `stop` is asked now and then whether to interrupt.
    pub(crate) fn step(&mut self, stop: Option<&dyn Fn() -> bool>) -> Result<Step, Halt> {
        let Some(statement) = &mut self.statement else { return Ok(Step::Done) };
        let step = statement.step(stop).map_err(Halt::Sqlite)?;
        if self.columns.is_none() {
            // Not before the first step: that may have prepared the statement anew after a schema change.
            let columns = statement.column_names();
            self.batch.reset(columns.len() as u32);
            self.columns = Some(columns);
        }
        if step == Step::Done {
            return Ok(step);
        }
        self.sets.rows = true;
        let row = self.batch.mark();
        // A schema change between two parameter sets may add columns; the result keeps those that it began with.
        for column in 0..self.batch.columns() {
            match statement.cell(column as i32) {
                Ok(value) => self.batch.push(value),
                Err(bad) => return Err(Halt::Cell(not_utf8(self.columns.as_deref(), column, bad.valid_up_to))),
            }
        }
        let (end, limit) = (self.batch.mark(), if self.sent { self.limits.later } else { self.limits.first });
        self.full = self.batch.byte_len_between(self.start, end) >= limit || self.batch.rows() >= self.limits.rows;
        if row != self.start && self.batch.byte_len_between(row, end) > limit {
            self.cut = Some(row);
        }
        Ok(step)
    }

    /// Whether a frame is due before the next step.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Whether there are rows that were not sent.
    pub(crate) fn has_rows(&self) -> bool {
        self.batch.mark() != self.start
    }

    /// Sends the frame that is due, or what rows there are when none is.
    pub(crate) fn post(&mut self, env: &mut dyn Environment, header: &Header, standing: Standing) {
        let Standing { more, in_transaction, changes, last_insert_rowid } = standing;
        let none: &[String] = &[];
        let columns = (!self.sent).then_some(self.columns.as_deref().unwrap_or(none));
        let end = self.batch.mark();
        let to = self.cut.take().unwrap_or(end);
        let head =
            RowsReply::encode_head(header, more || to != end, in_transaction, changes, last_insert_rowid, columns);
        let (head, mut batch_head) = (head.finish(), [0; 24]);
        let [a, b, c, d, e, f, g] = self.batch.parts(self.start, to, &mut batch_head);
        env.post(header.client, &[&head, a, b, c, d, e, f, g]);
        self.sent = true;
        self.start = to;
        self.full = to != end;
        if !self.full {
            self.clear();
        }
    }

    fn clear(&mut self) {
        let columns = self.batch.columns();
        // One huge row must not hold its memory for as long as the stream lives.
        if self.batch.capacity() > 4 * self.limits.later.max(1 << 16) {
            self.batch = BatchWriter::new(columns);
        }
        self.batch.reset(columns);
        self.start = Mark::default();
    }
}

fn not_utf8(columns: Option<&[String]>, column: u32, valid_up_to: usize) -> Error {
    let name = columns.and_then(|names| names.get(column as usize)).map_or("", String::as_str);
    let message = format!(
        "Could not decode to UTF-8 column '{name}' (column {column}): its text is not UTF-8 from byte {valid_up_to} \
         on; select it as a blob: cast({name} as blob)"
    );
    Error::new(ErrorKind::Data, message)
}
