//! aludel's own commands. `cargo xtask` lists them.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a command speaks through its standard output")]

mod bench;
mod browsers;
mod build;
mod casts;
mod counts;
mod crash;
mod demo;
mod files;
mod inlined;
mod metadata;
mod notices;
mod package;
mod python;
mod serve;
mod setup;
mod shell;
mod size;
mod sqlite;
mod stages;
mod test;
mod tidy;

use anyhow::{Result, bail};
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask <command>

  demo [--port N] [--isolated]   build everything and serve the demo on localhost (--isolated: with COOP and COEP)
  demo --check                   drive the demo in a headless browser, print what it saw, and exit
  test [STAGE ...]               run every test, or the stages named; `test --list` names them
  package [--bless]              make the npm package in pkg/ (--bless: accept its list of files)
  build                          the wasm files and their JavaScript glue
  bench [ARGS ...]               run the benchmarks against the peers
  size [--bless]                 sizes of what an app downloads, held to the budget (--bless: set it anew)
  tidy                           the rules of the house
  notices                        write the third-party notices anew
  setup                          install what the other commands need (they call it themselves)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", arguments),
    };
    match command {
        "setup" => setup::setup(&setup::Needs::for_tests()).map(|()| ExitCode::SUCCESS),
        "build" => {
            setup::setup(&setup::Needs::for_package())?;
            build::build().map(|_| ExitCode::SUCCESS)
        }
        "package" => {
            setup::setup(&setup::Needs::for_package())?;
            package::package()?;
            package::check_list(rest.iter().any(|flag| flag == "--bless")).map(|()| ExitCode::SUCCESS)
        }
        "demo" => demo::demo(rest),
        "test" => test::test(rest),
        "bench" => bench::bench(rest),
        "crash" => crash::crash(rest),
        "size" => {
            setup::setup(&setup::Needs::for_package())?;
            package::package()?;
            size::size(rest.iter().any(|flag| flag == "--bless")).map(|()| ExitCode::SUCCESS)
        }
        "tidy" => tidy::tidy(),
        "notices" => notices::write().map(|()| ExitCode::SUCCESS),
        "help" | "-h" | "--help" => {
            print!("{USAGE}{}", crash::OPTIONS);
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("unknown command `{other}`\n\n{USAGE}{}", crash::OPTIONS),
    }
}
