//! Databases that a connection attaches to its own.
//!
//! Those in memory need nothing. A file has to be made ready before SQLite opens it, as that of the connection's own
//! database was; so the statement waits for it. It is put into WAL mode first: then no transaction needs a journal over
//! several files, by a name that is made up on the spot.
#![forbid(unsafe_code)]

use crate::database::Database;
use crate::log::KEPT_BYTES;
use crate::sqlite::{Connection, Failure, Prepared, Step};
use crate::writers::Writers;
use aludel_protocol::{Error, Result, Storage, StorageReason, ValueRef};

/// How names of files end that belong to a database of another name.
const BESIDE: [&str; 4] = ["-wal", "-journal", "-mark", "-import"];
/// The longest part of a path, in bytes.
const LONGEST_PART: usize = 240;

/// A file that a statement wants to attach.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The request that wants it.
    pub(crate) request: u64,
    /// Its name in SQL.
    pub(crate) name: String,
    /// Its path.
    pub(crate) path: String,
    /// The database that it is, once that is known to the service.
    pub(crate) database: Option<u32>,
    /// Those who write to it.
    pub(crate) writers: Writers,
    /// Whether its files are ready, once that is known.
    pub(crate) outcome: Option<Result<()>>,
}

/// A file that is attached.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) schema: String,
    pub(crate) path: String,
    pub(crate) database: u32,
    /// Those who write to it.
    pub(crate) writers: Writers,
}

/// The path of a file that a connection of this database may attach: one in the same directory, or in one below it.
pub(crate) fn resolve(database: &Database, name: &str) -> Result<String> {
    let refused =
        |why: &str| Err(Error::storage(StorageReason::CannotOpen, format!("unable to attach {name:?}: {why}")));
    if database.storage == Storage::Memory {
        return refused("a database in memory has no files beside it");
    }
    let outside = name.starts_with('/')
        || name.contains(['\\', '\0', ':'])
        || name.split('/').any(|part| part.is_empty() || part == "." || part == ".." || part.len() > LONGEST_PART);
    if outside {
        return refused("a name within the directory of the database is wanted, with / between its parts");
    }
    if BESIDE.iter().any(|suffix| name.ends_with(suffix)) {
        return refused("a file of that name belongs to another database");
    }
    let directory = database.path.rfind(['/', std::path::MAIN_SEPARATOR]).map_or("", |end| &database.path[..=end]);
    let path = format!("{directory}{name}");
    if path == database.path {
        return refused("it is the database of the connection itself");
    }
    Ok(path)
}

/// Sees to a database that was attached last.
pub(crate) fn settle(db: &Connection) -> Result<(), Failure> {
    let databases = databases(db)?;
    let Some((schema, file)) = databases.last() else { return Ok(()) };
    let schema = schema.replace('"', "\"\"");
    // Without a name it has its journal in memory: else a transaction over two such would need a journal over both.
    let pragma = match file.as_str() {
        "" => "journal_mode = memory".to_owned(),
        _ => format!("journal_size_limit = {KEPT_BYTES}"),
    };
    db.query(&format!("PRAGMA \"{schema}\".{pragma}")).map(|_| ())
}

/// The databases of a connection in the order in which they were attached, each with its file, by the names that SQLite has
/// for them.
pub(crate) fn databases(db: &Connection) -> Result<Vec<(String, String)>, Failure> {
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
