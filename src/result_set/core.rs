//! The rows of a result and the state it is in, shared by all views of it.

use crate::connection::Known;
use crate::raw::RawStream;
use crate::row::{Columns, Row};
use crate::transport::RowsFrame;
use aludel_protocol::{Error, ErrorKind, Result, Value};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// There may be rows.
    Open,
    /// The last row was taken: fetching gives nothing, and is no error.
    Exhausted,
    /// Fetching is an error.
    Closed,
}

#[derive(Debug)]
enum Source {
    Buffered(RefCell<VecDeque<RowsFrame>>),
    Stream(RawStream),
}

/// What all views of one result share.
#[derive(Debug)]
pub(crate) struct Core {
    /// None for a statement that gives no rows.
    columns: Option<Rc<Columns>>,
    source: Source,
    /// Rows that were decoded and not yet taken.
    ready: RefCell<VecDeque<Vec<Value>>>,
    state: Cell<State>,
    rowcount: i64,
    lastrowid: i64,
    yield_per: Cell<Option<usize>>,
    /// What can be asked about its statement; none of a text.
    pub(super) known: Option<Known>,
}

impl Core {
    pub(crate) fn buffered(frames: Vec<RowsFrame>, known: Option<Known>) -> Core {
        let names = frames.first().and_then(|frame| frame.columns.clone()).filter(|names| !names.is_empty());
        let (rowcount, lastrowid) = frames.last().map_or((-1, 0), |last| (last.changes, last.last_insert_rowid));
        let source = Source::Buffered(RefCell::new(frames.into()));
        Core { known, ..Core::new(names, source, rowcount, lastrowid) }
    }

    pub(crate) fn of_rows(columns: Vec<String>, rows: Vec<Vec<Value>>) -> Core {
        Core::of_outcome(Some(columns), rows, -1, 0)
    }

    /// A result whose rows are known.
    pub(super) fn of_outcome(
        columns: Option<Vec<String>>,
        rows: Vec<Vec<Value>>,
        rowcount: i64,
        lastrowid: i64,
    ) -> Core {
        let core = Core::new(columns, Source::Buffered(RefCell::default()), rowcount, lastrowid);
        core.ready.borrow_mut().extend(rows);
        core
    }

    pub(crate) fn streamed(stream: RawStream, yield_per: Option<usize>) -> Core {
        let names = Some(stream.columns().to_vec()).filter(|names| !names.is_empty());
        let (rowcount, lastrowid) = stream.counts();
        let core = Core::new(names, Source::Stream(stream), rowcount, lastrowid);
        core.yield_per.set(yield_per);
        core
    }

    fn new(names: Option<Vec<String>>, source: Source, rowcount: i64, lastrowid: i64) -> Core {
        Core {
            columns: names.map(Columns::new).map(Rc::new),
            source,
            ready: RefCell::default(),
            state: Cell::new(State::Open),
            rowcount,
            lastrowid,
            yield_per: Cell::new(None),
            known: None,
        }
    }

    /// The columns; an error for a statement that gives no rows.
    pub(super) fn columns(&self) -> Result<&Rc<Columns>> {
        self.columns
            .as_ref()
            .ok_or_else(|| closed("This result object does not return rows. It has been closed automatically."))
    }

    /// The next row, if there is one. `closing` closes the result when there is none.
    pub(super) async fn next(&self, closing: bool) -> Result<Option<Row>> {
        let columns = self.columns()?;
        match self.state.get() {
            State::Closed => return Err(self.closed_error()),
            State::Exhausted => return Ok(None),
            State::Open => {}
        }
        loop {
            let row = self.ready.borrow_mut().pop_front();
            if let Some(row) = row {
                return Ok(Some(Row::new(columns.clone(), row)));
            }
            let frame = match &self.source {
                Source::Buffered(frames) => frames.borrow_mut().pop_front(),
                Source::Stream(stream) => match stream.next().await {
                    Ok(frame) => frame,
                    Err(error) => {
                        self.state.set(State::Closed);
                        return Err(error);
                    }
                },
            };
            match frame {
                Some(frame) => self.ready.borrow_mut().extend(frame.decode()?),
                None if closing => {
                    self.close();
                    return Ok(None);
                }
                None => {
                    self.state.set(State::Exhausted);
                    return Ok(None);
                }
            }
        }
    }

    /// An error if it was closed.
    pub(super) fn check_open(&self) -> Result<()> {
        if self.is_closed() { Err(self.closed_error()) } else { Ok(()) }
    }

    fn closed_error(&self) -> Error {
        let reason = match &self.source {
            Source::Stream(stream) => stream.closed_reason(),
            Source::Buffered(_) => None,
        };
        closed(
            &reason.map_or("This result object is closed.".into(), |reason| {
                format!("This result object is closed. {reason}")
            }),
        )
    }

    pub(super) fn close(&self) {
        if self.columns.is_some() {
            self.state.set(State::Closed);
        }
        self.ready.borrow_mut().clear();
        match &self.source {
            Source::Buffered(frames) => frames.borrow_mut().clear(),
            Source::Stream(stream) => stream.close(),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.get() == State::Closed
    }

    pub(super) fn returns_rows(&self) -> bool {
        self.columns.is_some()
    }

    pub(super) fn rowcount(&self) -> i64 {
        self.rowcount
    }

    pub(super) fn lastrowid(&self) -> i64 {
        self.lastrowid
    }

    pub(super) fn set_yield_per(&self, size: usize) {
        self.yield_per.set(Some(size));
    }

    /// Fetches as many rows at a time as another.
    pub(super) fn follow(&self, other: &Core) {
        self.yield_per.set(other.yield_per.get());
    }

    /// How many rows are fetched unless told.
    pub(super) fn default_size(&self) -> usize {
        self.yield_per.get().unwrap_or(1)
    }
}

fn closed(message: &str) -> Error {
    Error::new(ErrorKind::ResourceClosed, message)
}
