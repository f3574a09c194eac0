//! The benchmarks against the peers.

use crate::setup::{self, Needs};
use crate::{browsers, package, shell};
use anyhow::{Result, bail};
use std::process::ExitCode;

/// Builds the package and runs `benches/statements.mjs`, which needs no browser, and `benches/run.mjs` on it.
pub fn bench(arguments: &[String]) -> Result<ExitCode> {
    setup::setup(&Needs::for_pages())?;
    package::package()?;
    shell::run("What statements cost", shell::command("node").arg("benches/statements.mjs"))?;
    shell::say("Running the benchmarks");
    let status =
        shell::command("node").arg("benches/run.mjs").args(arguments).envs(browsers::environment()).status()?;
    if status.success() {
        return Ok(ExitCode::SUCCESS);
    }
    bail!("the benchmarks failed ({status})")
}
