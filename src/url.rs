//! SQLAlchemy's URLs, as far as aludel has databases for them.

use aludel_protocol::{Error, ErrorKind, Result};
use std::fmt;

/// The longest part of a path, in bytes; with `-journal` behind it, it is still a name that every file system takes.
const MAX_PART: usize = 240;

/// The query arguments that a URL may have.
pub(crate) const QUERY_KEYS: &[&str] = &["mode"];

/// Which database a URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// `sqlite://` or `sqlite:///:memory:`: in memory, one for each engine.
    Memory,
    /// `sqlite:///a/b.db`: a file.
    File {
        /// Its path, with `/` between the parts; absolute when it begins with one (on hosts only).
        path: String,
        /// Whether it is created when it is not there: unless the URL says `?mode=rw`.
        create: bool,
    },
}

/// A parsed database URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    text: String,
    database: Database,
}

impl Url {
    /// Parses `sqlite://`, `sqlite:///:memory:` or `sqlite:///path/to/file.db`, with `+aludel` behind the dialect if liked.
    pub fn parse(text: &str) -> Result<Url> {
        let malformed = || argument("Could not parse SQLAlchemy URL from given URL string");
        let (name, rest) = text.split_once("://").ok_or_else(malformed)?;
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '+') {
            return Err(malformed());
        }
        if name != "sqlite" && name != "sqlite+aludel" {
            let plugin = name.replace('+', ".");
            return Err(Error::new(
                ErrorKind::NoSuchModule,
                format!(
                    "Can't load plugin: sqlalchemy.dialects:{plugin}; aludel knows sqlite:// (the same as sqlite+aludel://)"
                ),
            ));
        }
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (authority, path) = rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path));
        if !authority.is_empty() {
            return Err(argument(format!(
                "Invalid SQLite URL: {}\nValid SQLite URL forms are:\n sqlite:///:memory: (or, sqlite://)\n \
                 sqlite:///path/to/file.db",
                hide_password(text)
            )));
        }
        let path = decode(path)?;
        let create = match query.map(parse_query).transpose()?.flatten().as_deref() {
            None | Some("rwc") => true,
            Some("rw") => false,
            Some(other) => return Err(argument(format!("Unknown mode {other:?} in URL; known: rwc, rw"))),
        };
        let database = if path.is_empty() || path == ":memory:" {
            Database::Memory
        } else {
            check_path(&path)?;
            Database::File { path, create }
        };
        Ok(Url { text: text.to_owned(), database })
    }

    /// The database that it names.
    pub fn database(&self) -> &Database {
        &self.database
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The URL of a file.
pub(crate) fn of_file(path: &str) -> String {
    let mut url = String::from("sqlite:///");
    for c in path.chars() {
        match c {
            // These would end the path, or begin an escape, here or in a URL of JavaScript.
            '%' | '?' | '#' => url.push_str(&format!("%{:02X}", u32::from(c))),
            _ => url.push(c),
        }
    }
    url
}

/// The error of an absolute path where there are none.
pub(crate) fn empty_part(path: &str) -> Error {
    argument(format!("Invalid database path {path:?}: it has an empty part"))
}

fn argument(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Argument, message)
}

/// A URL for an error text: `user:***@host`.
fn hide_password(url: &str) -> String {
    let hidden = || {
        let (scheme, rest) = url.split_once("://")?;
        let (credentials, rest) = rest.rsplit_once('@')?;
        let (user, _) = credentials.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{rest}"))
    };
    hidden().unwrap_or_else(|| url.to_owned())
}

fn parse_query(query: &str) -> Result<Option<String>> {
    let mut mode = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = decode(key)?;
        if !QUERY_KEYS.contains(&key.as_str()) {
            return Err(argument(format!("Unknown query argument {key:?} in URL; known: {}", QUERY_KEYS.join(", "))));
        }
        if mode.replace(decode(value)?).is_some() {
            return Err(argument(format!("The query argument {key:?} stands twice in the URL")));
        }
    }
    Ok(mode)
}

fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        let escaped = tail.first_chunk::<2>().and_then(|hex| std::str::from_utf8(hex).ok());
        // As in SQLAlchemy, a percent sign without two hexadecimal digits behind it stands for itself.
        match escaped.filter(|hex| *byte == b'%' && hex.bytes().all(|c| c.is_ascii_hexdigit())) {
            Some(hex) => {
                bytes.extend(u8::from_str_radix(hex, 16));
                rest = &tail[2..];
            }
            None => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| argument("The URL's escapes are not UTF-8"))
}

pub(crate) fn check_path(path: &str) -> Result<()> {
    // A leading empty part makes a path absolute: whether that is allowed, the storage knows.
    for part in path.strip_prefix('/').unwrap_or(path).split('/') {
        let problem = match part {
            "" => "an empty part",
            "." | ".." => "a part that is . or ..",
            part if part.len() > MAX_PART => "a part of more than 240 bytes",
            part if part.contains(|c: char| c.is_control() || c == '\\') => "a backslash or control character",
            _ => continue,
        };
        return Err(argument(format!("Invalid database path {path:?}: it has {problem}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_databases() {
        let file = |path: &str| Database::File { path: path.into(), create: true };
        for (url, database) in [
            ("sqlite://", Database::Memory),
            ("sqlite:///", Database::Memory),
            ("sqlite:///:memory:", Database::Memory),
            ("sqlite+aludel://", Database::Memory),
            ("sqlite:///app.db", file("app.db")),
            ("sqlite:///a/b.db", file("a/b.db")),
            ("sqlite:////tmp/b.db", file("/tmp/b.db")),
            ("sqlite:///a%20b%2Fc%zz.db", file("a b/c%zz.db")),
            ("sqlite:///größe.db?mode=rwc", file("größe.db")),
            ("sqlite:///a.db?mode=rw", Database::File { path: "a.db".into(), create: false }),
        ] {
            assert_eq!(Url::parse(url).unwrap().database(), &database, "{url}");
            assert_eq!(Url::parse(url).unwrap().to_string(), url);
        }
    }

    #[test]
    fn bad_urls_are_typed_errors() {
        use ErrorKind::*;
        let long = format!("sqlite:///{}", "x".repeat(241));
        for (url, kind, message) in [
            ("", Argument, "Could not parse SQLAlchemy URL from given URL string"),
            ("app.db", Argument, "Could not parse SQLAlchemy URL from given URL string"),
            ("sqlite:/app.db", Argument, "Could not parse SQLAlchemy URL from given URL string"),
            ("sq lite://", Argument, "Could not parse SQLAlchemy URL from given URL string"),
            ("postgresql://", NoSuchModule, "Can't load plugin: sqlalchemy.dialects:postgresql; "),
            ("sqlite+pysqlite:///a.db", NoSuchModule, "Can't load plugin: sqlalchemy.dialects:sqlite.pysqlite; "),
            ("sqlite://app.db", Argument, "Invalid SQLite URL: sqlite://app.db\nValid SQLite URL forms are:"),
            ("sqlite://me:secret@host/app.db", Argument, "Invalid SQLite URL: sqlite://me:***@host/app.db\n"),
            ("sqlite:///../a.db", Argument, "Invalid database path \"../a.db\": it has a part that is . or .."),
            ("sqlite:///%2e%2e/a.db", Argument, "Invalid database path \"../a.db\": it has a part that is . or .."),
            ("sqlite:///a//b.db", Argument, "Invalid database path \"a//b.db\": it has an empty part"),
            ("sqlite:///a/", Argument, "Invalid database path \"a/\": it has an empty part"),
            ("sqlite:///a%00", Argument, "Invalid database path \"a\\0\": it has a backslash or control character"),
            (long.as_str(), Argument, "Invalid database path \"x"),
            ("sqlite:///a.db?cache=1", Argument, "Unknown query argument \"cache\" in URL; known: mode"),
            ("sqlite:///a.db?mode=ro", Argument, "Unknown mode \"ro\" in URL; known: rwc, rw"),
            ("sqlite:///a.db?mode=rw&mode=rw", Argument, "The query argument \"mode\" stands twice in the URL"),
            ("sqlite:///%ff", Argument, "The URL's escapes are not UTF-8"),
        ] {
            let error = Url::parse(url).unwrap_err();
            assert_eq!(error.kind(), kind, "{url}");
            assert!(error.message().starts_with(message), "{url}: {error}");
        }
    }
}
