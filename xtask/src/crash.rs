//! Kills of browsers, tabs and workers, and power cuts: `cargo xtask crash`.

use crate::setup::{self, Needs};
use crate::test::Report;
use crate::{browsers, package, shell};
use anyhow::{Result, bail};
use std::process::{Command, ExitCode};

/// What `cargo xtask crash` takes, for its help.
pub const OPTIONS: &str = "\
  crash [OPTIONS]                kill browsers, tabs and workers while they write, and look at what is left
        --rounds N --browser NAME,... --scenario NAME,... --seed N
        --place NAME,...         where the kills of a round are aimed at, one after the other
        --mutant NAME            with a worker that misbehaves: has to fail (docs/MUTANTS.md)
        --power                  cut the power instead (needs Linux and root)
";

/// The long form.
pub fn crash(arguments: &[String]) -> Result<ExitCode> {
    setup::setup(&Needs::for_pages())?;
    package::package()?;
    let (power, rest): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| *argument == "--power");
    let mut command = script(if power.is_empty() { "run.mjs" } else { "power.mjs" });
    let status = command.args(rest).status()?;
    if status.success() {
        return Ok(ExitCode::SUCCESS);
    }
    bail!("what was killed did not come back as it should ({status})")
}

/// The short form, a stage of the tests.
pub fn stage(report: &mut Report) -> Result<()> {
    report.counted("Killing browsers, tabs and workers", script("run.mjs").arg("--short"));
    Ok(())
}

fn script(name: &str) -> Command {
    let mut command = shell::command("node");
    command.arg(format!("tests/crash/{name}")).envs(browsers::environment());
    command
}
