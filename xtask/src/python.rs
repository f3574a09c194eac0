//! A Python with SQLAlchemy, which databases travel to and come back from.

use crate::shell;
use anyhow::Result;
use std::path::PathBuf;

/// The SQLAlchemy that databases are exchanged with.
const SQLALCHEMY: &str = "2.1.9";

/// A Python that has it, in a virtual environment among the tools; made there unless it is there already.
pub fn with_sqlalchemy() -> Result<PathBuf> {
    let environment = shell::tools_dir().join("sqlalchemy");
    let python = environment.join("bin/python");
    let version = "import sqlalchemy; print(sqlalchemy.__version__)";
    let found = shell::ask(shell::command(&python).args(["-c", version]));
    if found.is_some_and(|found| found.trim() == SQLALCHEMY) {
        return Ok(python);
    }
    shell::run("Making a Python environment", shell::command("python3").args(["-m", "venv"]).arg(&environment))?;
    let wanted = format!("SQLAlchemy=={SQLALCHEMY}");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &wanted];
    shell::run(&format!("Installing {wanted}"), shell::command(&python).args(pip))?;
    Ok(python)
}
