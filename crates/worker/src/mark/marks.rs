//! The marks of a database, between those who commit and the file.

use super::format::{Outcome, Position};
use super::ledger::{Ledger, Start};
use crate::sqlite::{self, TransactionState};
use crate::vfs::{self, LogGuard, LogWatch, MarkFile};
use aludel_protocol::{Error, ErrorKind, Fate, Header, RepeatClass, Result};
use rsqlite_vfs::{VfsError, VfsResult};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The request that is being worked at, if it has to be marked when it is committed.
#[derive(Clone, Copy, Debug)]
struct Intent {
    client: u64,
    request: u64,
    outcome: Outcome,
    /// Whether it may be committed to other files, of which this one's log says nothing.
    elsewhere: bool,
}

/// A request that is set aside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aside(Option<Intent>);

/// A commit that is marked and going on.
#[derive(Clone, Copy, Debug)]
struct Marked {
    /// Where the log on file ended.
    position: Position,
    /// Where it ended for SQLite.
    index: Position,
}

/// The marks of a database that has files.
pub(crate) struct Marks {
    /// What SQLite calls the database.
    name: String,
    watch: Rc<LogWatch>,
    ledger: RefCell<Ledger>,
    intent: Cell<Option<Intent>>,
    marked: Cell<Option<Marked>>,
    /// Why a commit was refused.
    refused: RefCell<Option<VfsError>>,
    /// Whether this is over, though there are still connections.
    dead: Cell<bool>,
}

impl std::fmt::Debug for Marks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Marks").field("name", &self.name).field("ledger", &self.ledger).finish()
    }
}

/// Whether a request has to be marked when it is committed: its client may ask about it later.
pub(crate) fn is_due(header: &Header) -> bool {
    header.class == RepeatClass::InDoubt && header.client != 0
}

impl Marks {
    /// Takes over as the host of an attached database.
    pub(crate) fn host(name: &str, file: MarkFile, start: Start) -> Result<Rc<Marks>> {
        let MarkFile { file, watch, .. } = file;
        let ledger = Ledger::host(file, start).map_err(|error| vfs::storage_error(&error))?;
        let marks = Rc::new(Marks {
            name: name.to_owned(),
            watch: Rc::clone(&watch),
            ledger: RefCell::new(ledger),
            intent: Cell::new(None),
            marked: Cell::new(None),
            refused: RefCell::new(None),
            dead: Cell::new(false),
        });
        watch.set_guard(Some(Rc::clone(&marks) as Rc<dyn LogGuard>));
        Ok(marks)
    }

    /// Counts the hosts.
    pub(crate) fn epoch(&self) -> u32 {
        self.ledger.borrow().epoch()
    }

    /// Whether the host before did not end in good order.
    pub(crate) fn was_unclean(&self) -> bool {
        self.ledger.borrow().was_unclean()
    }

    /// In how many milliseconds the names of the files can be taken as safe.
    pub(crate) fn settles_in(&self, now: u64) -> u32 {
        self.ledger.borrow().settles_in(now)
    }

    /// Learns what became of the last commit of the host before, after SQLite has read the log.
    pub(crate) fn see(&self) {
        // Without an index, SQLite has found no log.
        let found = vfs::log_index(&self.name).unwrap_or_default();
        self.watch.found(found.frames);
        self.ledger.borrow_mut().see(found);
    }

    /// Has a connection mark what it commits.
    pub(crate) fn watch(self: &Rc<Self>, connection: &sqlite::Connection) {
        let marks = Rc::clone(self);
        connection.before_commit(Box::new(move || marks.before_commit()));
    }

    /// Takes note of a client that has come for the first time. Of those it knows it can be told that requests which never
    /// arrived were not committed.
    pub(crate) fn met(&self, client: u64) {
        if client != 0 {
            self.ledger.borrow_mut().meet(client);
        }
    }

    /// Takes note of a request that has come. A client sends those that it may have to ask about when it has heard what
    /// became of the earlier ones.
    pub(crate) fn arrived(&self, header: &Header) {
        if is_due(header) {
            self.ledger.borrow_mut().arrive(header.client);
        }
    }

    /// Takes note of a client that has gone.
    pub(crate) fn left(&self, client: u64) {
        self.ledger.borrow_mut().leave(client);
    }

    /// A request is worked at from here on. `elsewhere` says whether its connection has other files attached.
    pub(crate) fn begin(&self, header: &Header, elsewhere: bool) {
        let outcome = Outcome { changes: -1, last_insert_rowid: 0, had_rows: false };
        let intent = Intent { client: header.client, request: header.request, outcome, elsewhere };
        self.intent.set(is_due(header).then_some(intent));
        self.arrived(header);
    }

    /// Says what the request will be answered when it is committed.
    pub(crate) fn expect(&self, outcome: Outcome) {
        if let Some(intent) = self.intent.get() {
            self.intent.set(Some(Intent { outcome, ..intent }));
        }
    }

    /// Sets the request aside that is worked at, while others are. It ends, or goes on by [`Marks::take_up`].
    pub(crate) fn set_aside(&self) -> Aside {
        Aside(self.intent.take())
    }

    /// A request is worked at again that was set aside.
    pub(crate) fn take_up(&self, aside: Aside) {
        self.intent.set(aside.0);
    }

    /// Why the commit of the request was refused, if it was.
    pub(crate) fn take_refusal(&self) -> Option<Error> {
        self.refused.take().map(|error| vfs::storage_error(&error))
    }

    /// Marks a commit about which SQLite does not ask, which copying a database over another ends with. To be followed by
    /// [`Marks::done_unasked`]. When this fails the commit must not be done.
    pub(crate) fn mark_unasked(&self) -> Result<()> {
        if self.before_commit() {
            return Ok(());
        }
        let dead = || Error::new(ErrorKind::WorkerGone, "the worker has ended");
        Err(self.take_refusal().unwrap_or_else(dead))
    }

    /// The commit was done that was marked last.
    pub(crate) fn done_unasked(&self) {
        self.conclude(false);
    }

    /// The request is not worked at any more.
    pub(crate) fn end(&self, connection: &sqlite::Connection) {
        self.intent.set(None);
        self.refused.take();
        self.conclude(connection.transaction_state() == TransactionState::Write);
    }

    /// A part of the request is done, which may have committed something. The request is still worked at.
    pub(crate) fn between(&self, connection: &sqlite::Connection) {
        self.conclude(connection.transaction_state() == TransactionState::Write);
    }

    /// What became of requests of a client.
    pub(crate) fn fates(&self, client: u64, requests: &[u64]) -> Result<Vec<Fate>> {
        if client == 0 {
            // Nobody's requests are marked.
            return Ok(vec![Fate::Unknown; requests.len()]);
        }
        self.ledger.borrow_mut().fates(client, requests).map_err(|error| vfs::storage_error(&error))
    }

    /// Says that the host ends in good order, if `clean`, and lets go of the file.
    pub(crate) fn close(&self, clean: bool) {
        self.watch.set_guard(None);
        if clean {
            // The next host finds out by itself.
            let _ = self.ledger.borrow_mut().close();
        }
    }

    /// Lets go of the file as the death of the worker would.
    pub(crate) fn crash(&self) {
        self.watch.set_guard(None);
        self.dead.set(true);
    }

    fn before_commit(&self) -> bool {
        if self.dead.get() {
            return false;
        }
        let Some(Intent { client, request, outcome, elsewhere }) = self.intent.get() else { return true };
        self.conclude(true);
        let marked = match vfs::log_index(&self.name) {
            _ if elsewhere => self.ledger.borrow_mut().mark_blind(client, request),
            Some(index) => {
                let on_file = self.watch.position();
                // They differ where SQLite is about to begin a new log, and has not written to it yet.
                let position = if index.frames > 0 && index.salts == on_file.salts { index } else { on_file };
                let marked = self.ledger.borrow_mut().mark(client, request, position, outcome);
                self.marked.set(marked.is_ok().then_some(Marked { position, index }));
                marked
            }
            // Somebody has left WAL mode, to change the size of pages for instance.
            None => self.ledger.borrow_mut().mark_blind(client, request),
        };
        match marked {
            Ok(()) => true,
            Err(error) => {
                self.refused.replace(Some(error));
                false
            }
        }
    }

    /// Finds out whether the marked commit was done.
    fn conclude(&self, writing: bool) {
        let Some(marked) = self.marked.take() else { return };
        let index = vfs::log_index(&self.name).unwrap_or_default();
        // A commit that fails may have begun a new log all the same.
        let done = marked.index.was_passed_by(index);
        self.ledger.borrow_mut().settled(done);
        if !done && !writing {
            // A commit that failed at its very end, when the log was to be flushed, is whole on file. SQLite writes over
            // it next; if the worker died before, it would have been done after all, against what was answered.
            let is_the_same = self.watch.position().salts == marked.position.salts;
            let frames = match index.frames {
                0 if is_the_same => marked.position.frames,
                frames => frames,
            };
            vfs::cut_log(&self.name, self.watch.bytes_of(frames));
        }
    }
}

impl LogGuard for Marks {
    fn before_frames(&self) -> VfsResult<()> {
        self.ledger.borrow_mut().before_frames()
    }

    fn before_restart(&self) -> VfsResult<()> {
        self.ledger.borrow_mut().before_restart()
    }
}
