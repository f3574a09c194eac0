//! Procedures: functions in the worker that are called with the connection.

use super::inner::Inner;
use crate::limit::CallOptions;
use crate::transaction::{TxKind, TxState};
use crate::transport::Answer;
use aludel_protocol::{BeginMode, ProcedureCall, RepeatClass, Request, Result};
use std::rc::Rc;

/// A procedure, with its arguments as it knows them.
#[derive(Clone, Copy, Debug)]
pub struct RawProcedure<'a> {
    /// The URL of its module.
    pub module: &'a str,
    /// The name by which the module exports it.
    pub export: &'a str,
    /// Its arguments.
    pub arguments: &'a [u8],
    /// Whether it only reads.
    pub read_only: bool,
    /// Whether it is called with an engine rather than a connection.
    pub engine: bool,
}

impl Inner {
    /// Calls a procedure, and gives what it returned or threw.
    pub(crate) async fn call(&self, call: RawProcedure<'_>, options: &CallOptions) -> Result<Vec<u8>> {
        let limits = options.start();
        let done = async {
            // Whatever it does to the transaction, nothing else happens on the connection until that is known.
            let _turn = self.gate.enter().await;
            self.settled().await;
            self.ready().await?;
            let root = self.root();
            let mode = if self.is_autocommit() { BeginMode::None } else { BeginMode::Auto };
            let begin = root.as_ref().map_or(mode, |root| root.begin_mode());
            self.log(|| format!("PROCEDURE {} ({})", call.export, call.module));
            let RawProcedure { module, export, arguments, read_only, engine } = call;
            let (deadline, within) = (limits.deadline(), root.is_some() && !self.is_autocommit());
            let procedure = ProcedureCall { begin, within, read_only, engine, deadline, module, export, arguments };
            let (channel, id) = self.address()?;
            // It is there before anybody can give up: what the procedure then leaves open is the caller's to end.
            let watched = (!self.is_autocommit()).then(|| root.clone().unwrap_or_else(|| self.unlogged_root()));
            if let Some(root) = &watched {
                root.sent.set(true);
            }
            let made = watched.clone().filter(|_| root.is_none());
            let watch = self.traffic().watch(watched);
            let request = Request::Procedure(procedure);
            let mut pending = channel.request(id, RepeatClass::InDoubt, &request, Some(watch));
            pending.replace_on_abort(self.replaces_worker());
            let answer = pending.answer().await;
            if let Some(made) = &made {
                self.keep_if_open(made, answer.in_transaction() == Some(true));
            }
            match answer {
                Answer::Returned { in_transaction, ended, value } => {
                    if made.is_none() {
                        self.returned(in_transaction, ended);
                    }
                    Ok(value)
                }
                Answer::Error { error, .. } => Err(error),
                other => Err(other.instead("a procedure")),
            }
        };
        limits.run(done).await
    }

    /// The transaction that a procedure may begin.
    fn unlogged_root(&self) -> Rc<TxState> {
        let root = TxState::new(TxKind::Root(BeginMode::Auto));
        self.root.replace(Some(root.clone()));
        root
    }

    /// Forgets the transaction that a procedure could have begun, unless it has.
    fn keep_if_open(&self, made: &Rc<TxState>, open: bool) {
        if open {
            self.log(|| "BEGIN (implicit)".into());
        } else if self.root().is_some_and(|root| Rc::ptr_eq(&root, made)) {
            made.active.set(false);
            self.root.take();
        }
    }

    /// Takes note of what a procedure has made of the transaction in which it was called.
    fn returned(&self, in_transaction: bool, ended: bool) {
        if !ended {
            return;
        }
        self.end_streams("Its transaction was ended by a procedure.");
        if let Some(root) = self.root.take() {
            root.active.set(false);
            self.cancel_nested();
        }
        if in_transaction && !self.is_autocommit() {
            let root = self.unlogged_root();
            root.sent.set(true);
            root.begun.set(true);
            self.log(|| "BEGIN (implicit)".into());
        }
    }
}
