//! Databases that a connection attaches to its own.
#![forbid(unsafe_code)]

use crate::sqlite::{Connection, Failure, Prepared, Step};
use aludel_protocol::ValueRef;

/// To be called after a database was attached. One without a name keeps its journal in memory: else a transaction over two
/// of them would need a journal over both, by a name that is made up on the spot.
pub(crate) fn settle(db: &Connection) -> Result<(), Failure> {
    match databases(db)?.last() {
        Some((schema, file)) if file.is_empty() => {
            let schema = schema.replace('"', "\"\"");
            db.query(&format!("PRAGMA \"{schema}\".journal_mode = memory")).map(|_| ())
        }
        _ => Ok(()),
    }
}

/// The databases of a connection in the order in which they were attached, each with its file, by the names that SQLite has
/// for them.
fn databases(db: &Connection) -> Result<Vec<(String, String)>, Failure> {
    let mut databases = Vec::new();
    if let Prepared::One(mut statement) = db.prepare("PRAGMA database_list")? {
        while statement.step(None)? == Step::Row {
            let text = |column| match statement.cell(column) {
                Ok(ValueRef::Text(text)) => text.to_owned(),
                _ => String::new(),
            };
            databases.push((text(1), text(2)));
        }
    }
    Ok(databases)
}
