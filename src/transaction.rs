//! Transactions and savepoints of a connection.

use crate::connection::{Connection, Inner};
use aludel_protocol::{BeginMode, Error, ErrorKind, Result};
use std::cell::Cell;
use std::rc::Rc;

/// What a transaction or savepoint is at the moment; shared by its handles and its connection.
#[derive(Debug)]
pub(crate) struct TxState {
    pub kind: TxKind,
    /// Neither committed nor rolled back, and SQLite has not ended it.
    pub active: Cell<bool>,
    /// A request that begins it was sent.
    pub sent: Cell<bool>,
    /// The worker said that it is open.
    pub begun: Cell<bool>,
    /// Who may end it.
    pub hold: Cell<Hold>,
}

/// Whether those who have a transaction may end it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hold {
    /// They may.
    #[default]
    Free,
    /// They may not: it is another's.
    Held,
    /// They may not, and have tried to.
    Refused,
}

#[derive(Debug)]
pub(crate) enum TxKind {
    /// BEGIN, riding with the first statement in this mode.
    Root(BeginMode),
    /// SAVEPOINT of this name.
    Nested(String),
}

impl TxState {
    pub(crate) fn new(kind: TxKind) -> Rc<TxState> {
        Rc::new(TxState {
            kind,
            active: Cell::new(true),
            sent: Cell::new(false),
            begun: Cell::new(false),
            hold: Cell::default(),
        })
    }

    /// An error while it is another's to end.
    pub(crate) fn may_end(&self) -> Result<()> {
        if self.hold.get() == Hold::Free {
            return Ok(());
        }
        self.hold.set(Hold::Refused);
        Err(Error::new(ErrorKind::InvalidRequest, "This transaction ends with the function that it was begun for"))
    }

    pub(crate) fn is_nested(&self) -> bool {
        matches!(self.kind, TxKind::Nested(_))
    }
}

/// A transaction (or savepoint) of a connection.
///
/// Dropping the handle that `begin()` or `begin_nested()` gave rolls back, unless it was committed.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Transaction {
    connection: Connection,
    state: Rc<TxState>,
    /// Whether dropping it rolls back.
    owner: Cell<bool>,
}

impl Transaction {
    pub(crate) fn new(connection: &Rc<Inner>, state: Rc<TxState>, owner: bool) -> Transaction {
        Transaction { connection: Connection::of(connection.clone()), state, owner: Cell::new(owner) }
    }

    /// Commits, or releases the savepoint.
    pub async fn commit(&self) -> Result<()> {
        self.connection.inner().commit(&self.state).await
    }

    /// Rolls back (to the savepoint). Does nothing when the transaction has ended.
    pub async fn rollback(&self) -> Result<()> {
        self.connection.inner().roll_back(&self.state).await
    }

    /// Rolls back if it is active; never touches an enclosing transaction.
    pub async fn close(&self) -> Result<()> {
        self.connection.inner().roll_back(&self.state).await
    }

    /// Whether it can still be committed.
    pub fn is_active(&self) -> bool {
        self.state.active.get()
    }

    /// Whether it is active and its connection is sound.
    pub fn is_valid(&self) -> bool {
        self.is_active() && !self.connection.invalidated()
    }

    /// Whether it is a savepoint.
    pub fn nested(&self) -> bool {
        self.state.is_nested()
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Lets the transaction live on when this handle is dropped.
    pub fn keep(self) {
        self.owner.set(false);
    }

    #[doc(hidden)]
    pub fn disown(&self) {
        self.owner.set(false);
    }

    /// Forbids to commit it and to roll it back.
    pub(crate) fn hold(&self) {
        self.state.hold.set(Hold::Held);
    }

    /// Allows it again; says whether somebody has tried meanwhile.
    pub(crate) fn release(&self) -> bool {
        self.state.hold.take() == Hold::Refused
    }

    pub(crate) fn state(&self) -> &Rc<TxState> {
        &self.state
    }
}

impl PartialEq for Transaction {
    /// Handles are equal when they stand for the same transaction.
    fn eq(&self, other: &Transaction) -> bool {
        Rc::ptr_eq(&self.state, &other.state)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.owner.get() {
            self.connection.inner().abandon(&self.state);
        }
    }
}
