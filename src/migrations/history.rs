//! What a database remembers of its migrations.

use super::{AppliedMigration, Step};
use crate::connection::Connection;
use crate::engine::Engine;
use crate::limit::CallOptions;
use aludel_protocol::{BeginMode, Error, ErrorKind, Result, Value};

const KEPT: &str = "SELECT (SELECT count(*) FROM main.sqlite_schema WHERE type = 'table' AND name = 'aludel_migrations'), \
                    user_version FROM pragma_user_version";
const APPLIED: &str = "SELECT name, checksum, applied_at, duration FROM main.aludel_migrations ORDER BY position";
const CREATE: &str = "CREATE TABLE IF NOT EXISTS main.aludel_migrations (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, \
                      checksum TEXT, applied_at TEXT NOT NULL, duration INTEGER NOT NULL)";
const INSERT: &str = "INSERT INTO main.aludel_migrations (name, checksum, applied_at, duration) VALUES (?, ?, \
                      strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), \
                      max(0, CAST(round((julianday('now') - ?) * 86400000) AS INTEGER)))";

/// The steps that were run.
pub(super) struct History {
    pub applied: Vec<AppliedMigration>,
    /// Whether the table is there.
    pub kept: bool,
    /// `PRAGMA user_version`.
    pub version: i64,
}

impl History {
    /// These were run as well.
    pub(super) fn extend(&mut self, had: &[Step], versioned: bool) {
        self.applied.extend(had.iter().map(|step| AppliedMigration {
            name: step.name.clone(),
            checksum: step.checksum.clone(),
            applied_at: String::new(),
            duration: 0,
        }));
        self.kept = true;
        if versioned {
            self.version = i64::try_from(self.applied.len()).unwrap_or(i64::MAX);
        }
    }
}

pub(super) async fn rows(connection: &Connection, sql: &str) -> Result<Vec<Vec<Value>>> {
    let result = connection.exec_driver_sql(sql, ()).await?;
    if !result.returns_rows() {
        return Ok(Vec::new());
    }
    Ok(result.all()?.iter().map(|row| row.values().to_vec()).collect())
}

/// Reads what the database remembers.
pub(super) async fn read(engine: &Engine) -> Result<History> {
    engine.begin_with(BeginMode::Deferred, &CallOptions::new(), history).await
}

/// As [`read`], in a transaction.
pub(super) async fn history(connection: &Connection) -> Result<History> {
    let found = rows(connection, KEPT).await?;
    let Some([Value::Integer(kept), Value::Integer(version)]) = found.first().map(Vec::as_slice) else {
        return Err(Error::new(ErrorKind::Internal, "SQLite does not tell user_version"));
    };
    let (kept, version) = (*kept > 0, *version);
    let mut applied = Vec::new();
    if kept {
        for row in rows(connection, APPLIED).await? {
            let [Value::Text(name), checksum, Value::Text(applied_at), Value::Integer(duration)] = &row[..] else {
                return Err(Error::new(ErrorKind::Migration, "the table aludel_migrations holds something else"));
            };
            let checksum = if let Value::Text(checksum) = checksum { Some(checksum.clone()) } else { None };
            let (name, applied_at, duration) = (name.clone(), applied_at.clone(), *duration);
            applied.push(AppliedMigration { name, checksum, applied_at, duration });
        }
    }
    Ok(History { applied, kept, version })
}

/// What there is instead of what is known, if anything was added to it.
pub(super) async fn since(connection: &Connection, known: &History) -> Result<Option<History>> {
    if known.kept {
        let count = rows(connection, "SELECT count(*) FROM main.aludel_migrations").await?.into_iter().flatten().next();
        let same = matches!(count, Some(Value::Integer(count)) if usize::try_from(count) == Ok(known.applied.len()));
        return if same { Ok(None) } else { history(connection).await.map(Some) };
    }
    let now = history(connection).await?;
    Ok(if now.kept || now.version != known.version { Some(now) } else { None })
}

/// Notes steps as run since `start`; `user_version` is set to `count`, if it is kept.
pub(super) async fn note(connection: &Connection, had: &[Step], start: &Value, count: Option<usize>) -> Result<()> {
    connection.exec_driver_sql(CREATE, ()).await?;
    for step in had {
        let checksum = step.checksum.as_deref().map_or(Value::Null, Value::from);
        connection.exec_driver_sql(INSERT, vec![Value::from(step.name.as_str()), checksum, start.clone()]).await?;
    }
    if let Some(count) = count {
        connection.exec_driver_sql(&format!("PRAGMA main.user_version = {count}"), ()).await?;
    }
    Ok(())
}
