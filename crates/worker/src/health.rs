//! A cheap look at a database whose last host did not end in good order.
//!
//! WAL mode survives that by design. This is for what it does not cover: a file that was cut short or overwritten, by a
//! browser, a disk or a program of somebody else's. Better to say so at once than to answer with half of the rows.
#![forbid(unsafe_code)]

use crate::sqlite::{self, Failure, ffi};
use aludel_protocol::{Error, Result, StorageReason};

/// Up to how many bytes a database is looked through as a whole.
const SMALL: u64 = 8 << 20;

/// Looks at a database.
pub(crate) fn check(connection: &sqlite::Connection, path: &str) -> Result<()> {
    match damage(connection) {
        Ok(None) => Ok(()),
        Ok(Some(damage)) => Err(damaged(path, &damage)),
        Err(failure) if failure.code() & 0xff == ffi::SQLITE_CORRUPT => {
            Err(damaged(path, failure.into_error(None).message()))
        }
        // What else can fail does so again where it matters.
        Err(_) => Ok(()),
    }
}

/// As `error`, if it says that the database is damaged: that it may be no wonder.
pub(crate) fn explain(error: Error, path: &str) -> Error {
    let is_damage = error.sqlite_code() & 0xff == ffi::SQLITE_CORRUPT;
    if is_damage { damaged(path, error.message()).with_cause(error) } else { error }
}

fn damaged(path: &str, damage: &str) -> Error {
    let message = format!("the database {path} was not closed in good order and is damaged: {damage}");
    Error::storage(StorageReason::Corrupt, message).with_sqlite_code(ffi::SQLITE_CORRUPT)
}

fn damage(connection: &sqlite::Connection) -> Result<Option<String>, Failure> {
    let number = |sql: &str| -> Result<u64, Failure> {
        Ok(connection.query(sql)?.and_then(|number| number.parse().ok()).unwrap_or(0))
    };
    // SQLite compares the number of pages with the length of the file when it first reads.
    let (page, pages) = (number("PRAGMA page_size")?, number("PRAGMA page_count")?);
    let free = number("PRAGMA freelist_count")?;
    if free > pages {
        return Ok(Some(format!("{free} of its {pages} pages are said to be free")));
    }
    // This reads all of the schema, as every statement needs it.
    number("SELECT count(*) FROM sqlite_schema")?;
    if pages.saturating_mul(page) > SMALL {
        return Ok(None);
    }
    let first = connection.quick_check()?;
    // It looks at the pages first. What it says of rows that break a constraint is no damage.
    let said = first.filter(|said| said.starts_with("*** in database"));
    Ok(said.map(|said| said.lines().skip(1).collect::<Vec<_>>().join("; ")))
}
