//! The demo: everything built, served on localhost, and driven headless when asked.

use crate::serve::Site;
use crate::setup::{self, Needs};
use crate::{browsers, package, shell};
use anyhow::{Context, Result, bail};
use std::process::ExitCode;

/// Serves the demo, or with `--check` drives it and says what it saw.
pub fn demo(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    setup::setup(&if options.check { Needs::for_pages() } else { Needs::for_package() })?;
    package::package()?;
    let port = if options.check { options.port.or(Some(0)) } else { options.port };
    let address = site(options.isolated).start(port)?.address;
    let url = format!("http://localhost:{}/", address.port());
    if options.check {
        return check(&url);
    }
    println!("\n  The demo is served at  {url}\n\n  Ctrl+C ends it.");
    loop {
        std::thread::park();
    }
}

/// The page, and the package where the page imports it from.
pub fn site(isolated: bool) -> Site {
    let root = shell::root();
    Site { mounts: vec![("/aludel/", package::release_dir()), ("/", root.join("www"))], isolated }
}

fn check(url: &str) -> Result<ExitCode> {
    shell::say(&format!("Driving the demo at {url}"));
    let mut node = shell::command("node");
    let status = node.arg("tests/e2e/check.mjs").arg(url).envs(browsers::environment()).status();
    if status.context("cannot start node")?.success() {
        return Ok(ExitCode::SUCCESS);
    }
    bail!("the demo did not do what it should (see above)")
}

#[derive(Debug, Default, PartialEq)]
struct Options {
    port: Option<u16>,
    check: bool,
    isolated: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Options> {
        let mut options = Options::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--check" => options.check = true,
                "--isolated" => options.isolated = true,
                "--port" => {
                    let port = rest.next().context("--port wants a number after it")?;
                    options.port = Some(port.parse().with_context(|| format!("`{port}` is no port"))?);
                }
                other => bail!("unknown option `{other}`; known are --port N, --isolated and --check"),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_unknown_ones_named() {
        let parse = |text: &str| Options::parse(&text.split_whitespace().map(str::to_string).collect::<Vec<_>>());
        assert_eq!(parse("").unwrap(), Options::default());
        assert_eq!(
            parse("--check --port 9000 --isolated").unwrap(),
            Options { port: Some(9000), check: true, isolated: true }
        );
        assert!(parse("--prot 9").unwrap_err().to_string().contains("--prot"));
        assert!(parse("--port").is_err());
        assert!(parse("--port x").unwrap_err().to_string().contains('x'));
    }
}
