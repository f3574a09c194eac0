//! Runs scripts of SQL on a database in a file, and prints how long each took.
//!
//! `native FILE SCRIPT...` prints a line per script: milliseconds, a tab, and the first cell of the last row, if there was one. Where a
//! line ends with a semicolon, a statement ends.
//! The file is set up as aludel's are: a log, brought to the disk when it is copied.
#![forbid(unsafe_code)]

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::error::Error;
use std::io::Write;
use std::time::Instant;

const SET_UP: &str = "PRAGMA journal_mode = wal;\nPRAGMA synchronous = normal;\nPRAGMA cache_size = -16384";

/// Runs all statements of a script, reads all of their rows, and keeps one cell. Each is prepared by itself: SQLite copies
/// whatever text stands behind the statement that it is to prepare.
fn run(connection: &Connection, script: &str) -> rusqlite::Result<Option<String>> {
    let mut answer = None;
    for sql in script.split(";\n") {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            answer = match row.get_ref(0)? {
                ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Integer(number) => Some(number.to_string()),
                _ => None,
            };
        }
    }
    Ok(answer)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("which file?")?;
    let scripts = arguments.map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    let connection = Connection::open(file)?;
    run(&connection, SET_UP)?;
    let mut out = std::io::stdout().lock();
    for script in scripts {
        let start = Instant::now();
        let answer = run(&connection, &script)?;
        let ms = start.elapsed().as_secs_f64() * 1000.0;
        writeln!(out, "{ms:.3}\t{}", answer.unwrap_or_default())?;
    }
    Ok(())
}
