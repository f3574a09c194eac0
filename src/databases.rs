//! The databases that there are: listing them, looking for one, removing one.

use crate::sorted::insert_sorted;
use crate::transport::files;
use crate::url::{self, Database, Url};
use aludel_protocol::{Error, ErrorKind, Result, StorageReason};

/// What lies beside a database file: SQLite's log and journal, the marks of commits.
const BESIDE: [&str; 3] = ["-wal", "-journal", "-mark"];
/// What an import that was not finished may have left there, too. Databases may be called so as well.
const IMPORTS: [&str; 2] = ["-import", "-import-import"];
/// With what each SQLite file begins.
#[allow(dead_code, reason = "a host without SQLite reads no files")]
pub(crate) const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// A database file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseFile {
    /// Its path, as in the URL but with nothing escaped.
    pub path: String,
    /// The URL to make an engine of.
    pub url: String,
    /// How many bytes the file has; what waits in the log beside it is not counted.
    pub size: u64,
}

/// The databases in a directory and in those below it, by path: every file that begins as a SQLite database does. An empty
/// name is the whole origin private file system in a browser, and the current directory on a host.
pub async fn list_databases(directory: &str) -> Result<Vec<DatabaseFile>> {
    let directory = match directory.trim_end_matches('/') {
        "" if files::ABSOLUTE && !directory.is_empty() => "/",
        "" => "",
        inside => check(inside).map(|()| inside)?,
    };
    let mut files = Vec::new();
    files::list(directory).await?.into_iter().for_each(|file| insert_sorted(&mut files, file, |a, b| a.0 < b.0));
    let known = |main: &str| files.binary_search_by(|(other, _)| other.as_str().cmp(main)).is_ok();
    let beside =
        |path: &str, suffixes: &[&str]| suffixes.iter().filter_map(|suffix| path.strip_suffix(suffix)).any(known);
    let mut found = Vec::new();
    for (path, size) in &files {
        // A database may be called `a-wal`, but not where there is an `a`.
        let hidden =
            check(path).is_err() || beside(path, &BESIDE) || beside(path, &IMPORTS) && files::is_scratch(path).await?;
        if !hidden {
            found.push(DatabaseFile { url: url::of_file(path), path: path.clone(), size: *size });
        }
    }
    Ok(found)
}

/// Whether there is a database of this URL. An empty file is none.
pub async fn database_exists(url: &str) -> Result<bool> {
    files::exists(&file(url)?).await
}

/// Removes a database with all its files; what directories are then empty stay.
///
/// It must be in use nowhere, neither here nor in another tab or process, else it is a storage error of the reason
/// [`StorageReason::InUse`] and nothing is removed. One that does not exist is [`StorageReason::CannotOpen`].
pub async fn drop_database(url: &str) -> Result<()> {
    if drop_database_if_exists(url).await? {
        return Ok(());
    }
    let message = format!("there is no database {url} to drop");
    Err(Error::storage(StorageReason::CannotOpen, message))
}

/// As [`drop_database`], and gives whether there was one.
pub async fn drop_database_if_exists(url: &str) -> Result<bool> {
    files::remove(&file(url)?).await
}

/// The path of a file's URL.
fn file(url: &str) -> Result<String> {
    match Url::parse(url)?.database() {
        Database::File { path, .. } => check(path).map(|()| path.clone()),
        Database::Memory => {
            let message = format!("{url} is a database in memory: it has no file, and goes with its engine");
            Err(Error::new(ErrorKind::Argument, message))
        }
    }
}

/// An error unless the path is one that a database may have here.
fn check(path: &str) -> Result<()> {
    url::check_path(path)?;
    if path.starts_with('/') && !files::ABSOLUTE { Err(url::empty_part(path)) } else { Ok(()) }
}

/// The names of the files beside that of a database. One that begins as a database is another: where there is no `a`, a
/// database may be called `a-wal`.
#[allow(dead_code, reason = "a host without SQLite removes no files")]
pub(crate) fn files_beside(name: &str) -> impl Iterator<Item = String> + '_ {
    BESIDE.into_iter().map(move |suffix| format!("{name}{suffix}"))
}

/// How the files are called that an import into a database may have left.
#[allow(dead_code, reason = "on a host an import leaves none")]
pub(crate) fn scratches_of(name: &str) -> impl Iterator<Item = String> + '_ {
    IMPORTS.into_iter().map(move |suffix| format!("{name}{suffix}"))
}
