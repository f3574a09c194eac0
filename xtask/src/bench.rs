//! The benchmarks against the peers.

use crate::setup::{self, Needs};
use crate::{browsers, package, shell};
use anyhow::{Result, bail};
use std::process::ExitCode;

/// Builds the package, and native SQLite for the limit; runs `benches/statements.mjs`, which needs no browser, and
/// `benches/run.mjs`.
pub fn bench(arguments: &[String]) -> Result<ExitCode> {
    setup::setup(&Needs::for_pages())?;
    package::package()?;
    shell::run("What statements cost", shell::command("node").arg("benches/statements.mjs"))?;
    let target = shell::target_dir().join("native");
    let mut native = shell::cargo();
    native.args(["build", "--release", "--locked", "--manifest-path", "benches/native/Cargo.toml", "--target-dir"]);
    shell::run("Building native SQLite", native.arg(&target))?;
    shell::say("Running the benchmarks");
    let status = shell::command("node")
        .arg("benches/run.mjs")
        .args(arguments)
        .envs(browsers::environment())
        .env("ALUDEL_NATIVE", target.join("release/native"))
        .status()?;
    if status.success() {
        return Ok(ExitCode::SUCCESS);
    }
    bail!("the benchmarks failed ({status})")
}
