//! The rules of the house.
use crate::test::Report;
use anyhow::Result;
use std::process::ExitCode;
pub fn stage(_: &mut Report) -> Result<()> {
    Ok(())
}
pub fn tidy() -> Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
