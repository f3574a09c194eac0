//! What begins and ends transactions and savepoints.
#![forbid(unsafe_code)]

use crate::execution::{Progress, run_once};
use crate::sqlite::{self, Failure};
use crate::statement_cache::StatementCache;
use aludel_protocol::{BeginMode, Error, ErrorKind, TransactionOp};

/// Whether it ends the whole transaction, and every stream that reads in it.
pub(crate) fn ends(op: &TransactionOp) -> bool {
    matches!(op, TransactionOp::Commit | TransactionOp::Rollback)
}

/// Whether it ends a savepoint.
pub(crate) fn ends_savepoint(op: &TransactionOp) -> bool {
    matches!(op, TransactionOp::Release(_) | TransactionOp::RollbackTo(_))
}

/// Does it. What finds a lock taken has done nothing yet, and can be tried again.
pub(crate) fn run(
    op: &TransactionOp,
    db: &sqlite::Connection,
    cache: &mut StatementCache,
    lock_is_promised: bool,
) -> Result<(), Progress> {
    let mut execute = |sql: &str| run_once(db, cache, sql).map_err(|failure| failed(failure, sql));
    match op {
        TransactionOp::Begin(mode) => {
            let sql = begin(*mode)?;
            if lock_is_promised && *mode != BeginMode::Deferred {
                return Err(Progress::Busy);
            }
            execute(sql)
        }
        TransactionOp::Commit => execute("COMMIT"),
        TransactionOp::Rollback if !db.in_transaction() => Ok(()),
        TransactionOp::Rollback => execute("ROLLBACK"),
        TransactionOp::Savepoint(name, mode) => {
            if *mode != BeginMode::None && !db.in_transaction() {
                // Which statement comes first is not known yet, so an automatic begin takes no lock.
                let mode = if *mode == BeginMode::Auto { BeginMode::Deferred } else { *mode };
                let sql = begin(mode)?;
                if lock_is_promised && mode != BeginMode::Deferred {
                    return Err(Progress::Busy);
                }
                execute(sql)?;
            }
            query(db, &format!("SAVEPOINT {}", quoted(name)))
        }
        TransactionOp::Release(name) => query(db, &format!("RELEASE {}", quoted(name))),
        TransactionOp::RollbackTo(name) => {
            query(db, &format!("ROLLBACK TO {}", quoted(name)))?;
            query(db, &format!("RELEASE {}", quoted(name)))
        }
    }
}

fn begin(mode: BeginMode) -> Result<&'static str, Progress> {
    match mode {
        BeginMode::Deferred => Ok("BEGIN DEFERRED"),
        BeginMode::Immediate => Ok("BEGIN IMMEDIATE"),
        BeginMode::Exclusive => Ok("BEGIN EXCLUSIVE"),
        BeginMode::None | BeginMode::Auto | BeginMode::Own => {
            let message = format!("a transaction cannot begin in the mode {mode:?}");
            Err(Progress::Failed(Error::new(ErrorKind::Protocol, message)))
        }
    }
}

/// Names of savepoints are many; a cache of statements is no place for them.
fn query(db: &sqlite::Connection, sql: &str) -> Result<(), Progress> {
    db.query(sql).map(|_| ()).map_err(|failure| failed(failure, sql))
}

fn failed(failure: Failure, sql: &str) -> Progress {
    if failure.is_busy() { Progress::Busy } else { Progress::Failed(failure.into_error(None).with_statement(sql)) }
}

fn quoted(name: &str) -> String {
    // A NUL would end the text for SQLite; no name that was made can hold one.
    format!("\"{}\"", name.replace('\0', "\u{fffd}").replace('"', "\"\""))
}
