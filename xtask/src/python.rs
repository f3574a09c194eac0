//! A Python with SQLAlchemy, which databases travel to and come back from.

use crate::shell;
use anyhow::Result;
use std::path::PathBuf;

/// The SQLAlchemy that databases are exchanged with.
const SQLALCHEMY: &str = "2.1.9";

/// Python's door to a SQLite of its own, for one whose SQLite is older than binary JSON.
const NEWER_SQLITE: &str = "pysqlite3-binary==0.5.4.post2";

/// Fails where SQLAlchemy is another or missing, and where no SQLite knows binary JSON.
const HAS_ALL: &str = "\
import sqlalchemy
try:
    import pysqlite3 as sqlite3
except ImportError:
    import sqlite3
print(sqlalchemy.__version__ if sqlite3.sqlite_version_info >= (3, 45) else 'old SQLite')
";

/// A Python that has it, in a virtual environment among the tools; made there unless it is there already.
pub fn with_sqlalchemy() -> Result<PathBuf> {
    let environment = shell::tools_dir().join("sqlalchemy");
    let python = environment.join("bin/python");
    let has = || shell::ask(shell::command(&python).args(["-c", HAS_ALL])).unwrap_or_default().trim().to_owned();
    if has() == SQLALCHEMY {
        return Ok(python);
    }
    let install = |what: &str| {
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", what];
        shell::run(&format!("Installing {what}"), shell::command(&python).args(pip))
    };
    shell::run("Making a Python environment", shell::command("python3").args(["-m", "venv"]).arg(&environment))?;
    install(&format!("SQLAlchemy=={SQLALCHEMY}"))?;
    if has() != SQLALCHEMY {
        install(NEWER_SQLITE)?;
    }
    Ok(python)
}
