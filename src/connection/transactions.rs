//! Begin, commit, roll back; savepoints.

use super::inner::{Inner, invalid};
use crate::hooks::ConnectionEventKind;
use crate::transaction::{TxKind, TxState};
use crate::transport::{Answer, Pending};
use aludel_protocol::{BeginMode, Error, ErrorKind, RepeatClass, Request, Result, TransactionOp};
use std::rc::Rc;

const COMMITTED: &str = "Its transaction was committed.";
const ROLLED_BACK: &str = "Its transaction was rolled back.";

impl Inner {
    /// The transaction of the next statement: the one that is open, or a new one.
    pub(super) fn autobegin(&self) -> Rc<TxState> {
        self.root().unwrap_or_else(|| self.new_root(BeginMode::Auto))
    }

    fn new_root(&self, mode: BeginMode) -> Rc<TxState> {
        let state = TxState::new(TxKind::Root(if self.is_autocommit() { BeginMode::None } else { mode }));
        *self.root.borrow_mut() = Some(state.clone());
        self.tell(|| ConnectionEventKind::Begin);
        self.log(|| {
            let autocommit = "BEGIN (implicit; DBAPI should not BEGIN due to autocommit mode)";
            if self.is_autocommit() { autocommit } else { "BEGIN (implicit)" }.into()
        });
        state
    }

    pub(super) fn log_rollback(&self) {
        self.tell(|| ConnectionEventKind::Rollback);
        self.log(|| "ROLLBACK".into());
    }

    pub(crate) async fn begin(&self, mode: BeginMode) -> Result<Rc<TxState>> {
        if mode == BeginMode::None || mode == BeginMode::Own {
            return Err(Error::new(ErrorKind::Argument, "begin() takes Auto, Deferred, Immediate or Exclusive"));
        }
        let _turn = self.gate.enter().await;
        if self.root.borrow().is_some() && !self.is_closed() {
            return Err(invalid(
                "This connection has already initialized a SQLAlchemy Transaction() object via begin() or autobegin; \
                 can't call begin() here unless rollback() or commit() is called first. For a savepoint inside that \
                 transaction, call beginNested() (begin_nested() in Rust).",
            ));
        }
        self.ready().await?;
        Ok(self.new_root(mode))
    }

    pub(crate) async fn begin_nested(&self) -> Result<Rc<TxState>> {
        let _turn = self.gate.enter().await;
        self.ready().await?;
        let root = self.autobegin();
        let name = self.new_savepoint();
        self.tell(|| ConnectionEventKind::Savepoint(name.clone()));
        self.log(|| format!("SAVEPOINT {name}"));
        let mode = root.begin_mode();
        root.sent.set(true);
        self.control(TransactionOp::Savepoint(name.clone(), mode), Some(root.clone()))?.done().await?;
        let state = TxState::new(TxKind::Nested(name));
        state.active.set(root.active.get());
        self.nested.borrow_mut().push(state.clone());
        Ok(state)
    }

    /// Sends what begins or ends a transaction.
    fn control(&self, op: TransactionOp, state: Option<Rc<TxState>>) -> Result<Pending> {
        let (channel, id) = self.address()?;
        let class = match op {
            TransactionOp::Commit => RepeatClass::InDoubt,
            _ => RepeatClass::Transaction,
        };
        let watch = self.traffic().watch(state);
        Ok(channel.request(id, class, &Request::Transaction { op, deadline: 0 }, Some(watch)))
    }

    pub(crate) async fn commit(&self, state: &Rc<TxState>) -> Result<()> {
        let _turn = self.gate.enter().await;
        self.commit_now(state).await
    }

    /// Commits the transaction that is open when the calls before have had their turn, if one is.
    pub(crate) async fn commit_root(&self) -> Result<()> {
        let _turn = self.gate.enter().await;
        match self.root() {
            Some(root) => self.commit_now(&root).await,
            None => Ok(()),
        }
    }

    async fn commit_now(&self, state: &Rc<TxState>) -> Result<()> {
        // Statements that were sent before may still end the transaction.
        self.settled().await;
        let root_failed = self.root().is_none_or(|root| !root.active.get());
        if !state.active.get() || root_failed || !self.is_attached(state) {
            return Err(if self.is_attached(state) {
                self.pending_rollback()
            } else if state.is_nested() {
                invalid("This nested transaction is inactive")
            } else {
                invalid("This transaction is inactive")
            });
        }
        state.may_end()?;
        // Whether or not it succeeds, it is over; until it has succeeded, a rollback is due.
        state.active.set(false);
        if let TxKind::Nested(name) = &state.kind {
            self.tell(|| ConnectionEventKind::ReleaseSavepoint(name.clone()));
            self.log(|| format!("RELEASE SAVEPOINT {name}"));
            self.control(TransactionOp::Release(name.clone()), self.root())?.done().await?;
            self.drop_nested_from(state);
            return Ok(());
        }
        self.tell(|| ConnectionEventKind::Commit);
        self.log(|| "COMMIT".into());
        self.cancel_nested();
        if self.traffic().in_transaction.get() {
            self.end_streams(COMMITTED);
            self.control(TransactionOp::Commit, None)?.done().await?;
        }
        self.root.take();
        Ok(())
    }

    pub(crate) async fn roll_back(&self, state: &Rc<TxState>) -> Result<()> {
        let _turn = self.gate.enter().await;
        self.roll_back_now(state).await
    }

    /// Rolls back the transaction that is open when the calls before have had their turn, if one is.
    pub(crate) async fn roll_back_root(&self) -> Result<()> {
        let _turn = self.gate.enter().await;
        match self.root() {
            Some(root) => self.roll_back_now(&root).await,
            None => Ok(()),
        }
    }

    async fn roll_back_now(&self, state: &Rc<TxState>) -> Result<()> {
        state.may_end()?;
        match self.start_rollback(state)? {
            Some(pending) => Detached(Some(pending)).done().await,
            None => Ok(()),
        }
    }

    /// Rolls back without waiting: the handle of the transaction was dropped.
    pub(crate) fn abandon(&self, state: &Rc<TxState>) {
        // A connection that cannot be reached any more has nothing open.
        if state.active.get()
            && let Ok(Some(pending)) = self.start_rollback(state)
        {
            pending.detach();
        }
    }

    fn start_rollback(&self, state: &Rc<TxState>) -> Result<Option<Pending>> {
        let was_active = state.active.replace(false);
        if !self.is_attached(state) {
            return Ok(None);
        }
        let reachable = !self.is_closed() && !self.is_invalidated();
        if let TxKind::Nested(name) = &state.kind {
            let root = self.root().filter(|root| root.active.get());
            self.drop_nested_from(state);
            if !was_active || root.is_none() || !reachable {
                return Ok(None);
            }
            self.tell(|| ConnectionEventKind::RollbackSavepoint(name.clone()));
            self.log(|| format!("ROLLBACK TO SAVEPOINT {name}"));
            return self.control(TransactionOp::RollbackTo(name.clone()), root).map(Some);
        }
        self.cancel_nested();
        self.root.take();
        if was_active {
            self.log_rollback();
        }
        self.end_streams(ROLLED_BACK);
        let traffic = self.traffic();
        // One that the worker has ended by itself is acknowledged: it may refuse everything else until then.
        let failed = !was_active && state.sent.get();
        if reachable && (failed || traffic.in_transaction.get() || !traffic.is_quiet()) {
            return self.control(TransactionOp::Rollback, None).map(Some);
        }
        Ok(None)
    }

    /// The root has ended, and all savepoints with it.
    pub(super) fn cancel_nested(&self) {
        self.nested.take().iter().for_each(|state| state.active.set(false));
    }

    /// A savepoint has ended, and all those inside it.
    fn drop_nested_from(&self, state: &Rc<TxState>) {
        let mut nested = self.nested.borrow_mut();
        if let Some(at) = nested.iter().position(|other| Rc::ptr_eq(other, state)) {
            nested.drain(at..).for_each(|state| state.active.set(false));
        }
    }
}

impl TxState {
    /// How the statements of the transaction begin it, unless it is open: all of them say so, since one that was
    /// sent before may fail and end it. Then none of them can slip out of the transaction; its end is noticed.
    pub(super) fn begin_mode(&self) -> BeginMode {
        match self.kind {
            TxKind::Root(mode) => mode,
            TxKind::Nested(_) => BeginMode::None,
        }
    }
}

impl Pending {
    /// Waits for a reply that is no more than "done".
    async fn done(mut self) -> Result<()> {
        done(self.answer().await)
    }
}

fn done(answer: Answer) -> Result<()> {
    match answer {
        Answer::Done { .. } => Ok(()),
        Answer::Error { error, .. } => Err(error),
        other => Err(other.instead("a transaction")),
    }
}

/// A request that is not cancelled when nobody waits for it any more: the client takes a transaction that is being
/// rolled back for ended, and so would make the next one a part of it.
struct Detached(Option<Pending>);

impl Detached {
    async fn done(mut self) -> Result<()> {
        match &mut self.0 {
            Some(pending) => done(pending.answer().await),
            None => Ok(()),
        }
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        if let Some(pending) = self.0.take() {
            pending.detach();
        }
    }
}
