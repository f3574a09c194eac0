//! Runs steps, each in a transaction of its own.

use super::history::{History, history, note, rows, since};
use super::plan::{plan, quoted, settled};
use super::{Migrations, Step, What};
use crate::connection::Connection;
use crate::engine::Engine;
use crate::options::IsolationLevel;
use crate::transaction::Transaction;
use aludel_protocol::{BeginMode, Error, ErrorKind, Result, Value};
use aludel_sql::{StatementSpan, TokenKind, tokens};
use std::cell::Cell;
use std::collections::HashMap;

const VIOLATIONS: &str = "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check(NULL, 'main') GROUP BY 1, 2";

/// How many rows of a table refer to no row of another.
type Violations = HashMap<String, i64>;

/// A connection whose foreign keys may be off. One that is dropped so (its future was) goes back to nobody.
struct Loose {
    connection: Connection,
    off: Cell<bool>,
}

impl Drop for Loose {
    fn drop(&mut self) {
        if self.off.get() {
            // It is on its way out: one that cannot be dropped has been.
            let _ = self.connection.inner().invalidate();
        }
    }
}

impl Loose {
    async fn enforce(&self, enforced: bool) -> Result<()> {
        let sql = if enforced { "PRAGMA foreign_keys = ON" } else { "PRAGMA foreign_keys = OFF" };
        // From here on it is not known what it has.
        self.off.set(true);
        outside(&self.connection, sql).await?;
        self.off.set(!enforced);
        Ok(())
    }
}

/// Runs something that SQLite does in no transaction only; what follows is in transactions.
async fn outside(connection: &Connection, sql: &str) -> Result<Option<Value>> {
    connection.set_isolation_level(IsolationLevel::Autocommit)?;
    let found = rows(connection, sql).await?;
    connection.commit().await?;
    connection.set_isolation_level(IsolationLevel::Serializable)?;
    Ok(found.into_iter().flatten().next())
}

/// Runs the steps that a database has not had.
pub(super) async fn pending(migrations: &Migrations, engine: &Engine, ran: &mut Vec<String>) -> Result<()> {
    let loose = Loose { connection: engine.connect().await?, off: Cell::new(false) };
    let connection = &loose.connection;
    let enforced = outside(connection, "PRAGMA foreign_keys").await? == Some(Value::Integer(1));
    let mut known = history(connection).await?;
    connection.rollback().await?;
    let mut violations = None;
    loop {
        let plan = plan(migrations, &known);
        if settled(migrations, &plan)? {
            break;
        }
        let step = if plan.adopted > 0 { None } else { plan.pending.first() };
        if let Some(step) = step
            && enforced
            && loose.off.get() == step.foreign_keys
        {
            loose.enforce(step.foreign_keys).await?;
            violations = None;
        }
        let had = step.map_or_else(|| &migrations.steps[..plan.adopted], std::slice::from_ref);
        let off = loose.off.get();
        let transaction = connection.begin_with(BeginMode::Immediate).await?;
        let act = async |connection: &Connection| {
            // Another one may have run it, or replaced the whole database.
            if let Some(now) = since(connection, &known).await? {
                return Ok((Some(now), None));
            }
            let start = rows(connection, "SELECT julianday('now')").await?.into_iter().flatten().next();
            let mut after = None;
            if let Some(step) = step {
                let before = match violations.take() {
                    Some(before) => before,
                    None if off => violations_of(connection).await?,
                    None => Violations::new(),
                };
                perform(connection, step).await?;
                if off {
                    after = Some(checked(connection, step, &before).await?);
                }
            }
            let count = known.applied.len() + had.len();
            note(connection, had, &start.unwrap_or(Value::Null), migrations.user_version.then_some(count)).await?;
            Ok::<(Option<History>, Option<Violations>), Error>((None, after))
        };
        let (now, after) = connection.run_block(&transaction, act).await?;
        violations = after;
        match now {
            Some(now) => known = now,
            None => {
                ran.extend(step.map(|step| step.name.clone()));
                known.extend(had, migrations.user_version);
            }
        }
    }
    if loose.off.get() {
        loose.enforce(true).await?;
    }
    connection.close().await
}

async fn perform(connection: &Connection, step: &Step) -> Result<()> {
    let name = quoted(&step.name);
    let ended = |what: &str| {
        let message = format!(
            "step {name} {what}: it runs in a transaction, which is committed with what the database remembers of it"
        );
        Error::new(ErrorKind::Migration, message)
    };
    let transaction = connection.get_transaction();
    if let What::Sql(script) = &step.what
        && let Some(keyword) = aludel_sql::split_statements(script).iter().find_map(|statement| ends(statement.sql))
    {
        return Err(ended(&format!("has a {keyword}")));
    }
    if let Some(transaction) = &transaction {
        transaction.hold();
    }
    let result = match &step.what {
        What::Call(work) => work.run(connection).await,
        What::Sql(script) => run(connection, &aludel_sql::split_statements(script)).await,
    };
    if transaction.as_ref().is_some_and(Transaction::release) {
        return Err(ended("ends its transaction"));
    }
    result.map_err(|error| match error.kind() {
        ErrorKind::WorkerGone | ErrorKind::HostLost => error,
        _ => {
            let message = format!("step {name} failed: {error}");
            Error::new(ErrorKind::Migration, message).with_retryable(error.retryable()).with_cause(error)
        }
    })?;
    if transaction.is_none_or(|transaction| !transaction.is_active()) || connection.get_transaction().is_none() {
        return Err(ended("has ended its transaction"));
    }
    Ok(())
}

async fn run(connection: &Connection, statements: &[StatementSpan<'_>]) -> Result<()> {
    for statement in statements {
        connection.exec_driver_sql(statement.sql, ()).await?;
    }
    Ok(())
}

/// The keyword of a statement that begins or ends a transaction; savepoints are free.
fn ends(sql: &str) -> Option<String> {
    let mut words = tokens(sql).filter(|token| !token.is_blank() && token.kind != TokenKind::Semicolon);
    let keyword = words.next().filter(|token| token.kind == TokenKind::Word)?.text.to_ascii_uppercase();
    let to = match words.next() {
        Some(word) if word.text.eq_ignore_ascii_case("TRANSACTION") => words.next(),
        word => word,
    };
    match keyword.as_str() {
        "BEGIN" | "COMMIT" | "END" => Some(keyword),
        "ROLLBACK" if to.is_none_or(|word| !word.text.eq_ignore_ascii_case("TO")) => Some(keyword),
        _ => None,
    }
}

async fn violations_of(connection: &Connection) -> Result<Violations> {
    let found = rows(connection, VIOLATIONS).await?;
    Ok(found
        .iter()
        .filter_map(|row| match &row[..] {
            [Value::Text(table), Value::Text(parent), Value::Integer(count)] => {
                Some((format!("{} refer to a row of {}", quoted(table), quoted(parent)), *count))
            }
            _ => None,
        })
        .collect())
}

/// An error if a step has left more rows than before that refer to nothing.
async fn checked(connection: &Connection, step: &Step, before: &Violations) -> Result<Violations> {
    let after = violations_of(connection).await?;
    for (what, count) in &after {
        let more = count - before.get(what).unwrap_or(&0);
        if more > 0 {
            let message = format!(
                "step {} breaks foreign keys: {more} rows of {what} that is not there. With foreign_keys(true) it would \
                 cascade and fail as elsewhere",
                quoted(&step.name)
            );
            return Err(Error::new(ErrorKind::Migration, message));
        }
    }
    Ok(after)
}
