//! The stages of `cargo xtask test`, the cheapest first.

use crate::metadata::Metadata;
use crate::shell::{self, cargo, npm_bin};
use crate::test::Report;
use crate::{browsers, build, crash, demo, package, python, size, tidy};
use anyhow::{Context, Result};
use std::process::Command;

/// One stage of the tests.
pub struct Stage {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// Whether it is left out unless asked for by name or in continuous integration.
    pub only_in_ci: bool,
    /// Does it.
    pub run: fn(&mut Report) -> Result<()>,
}

const fn stage(name: &'static str, what: &'static str, run: fn(&mut Report) -> Result<()>) -> Stage {
    Stage { name, what, only_in_ci: false, run }
}

/// All of them, in their order.
pub const STAGES: &[Stage] = &[
    stage("tidy", "the rules of the house", tidy::stage),
    stage("format", "cargo fmt --check", format),
    stage("clippy", "clippy on the host and on wasm32, warnings are errors", clippy),
    stage("native", "the tests of every crate on the host, and those in the documentation", native),
    stage("package", "the npm package is built, and npm would publish the listed files", build_package),
    stage("size", "what an app downloads is within its budget", |report| {
        report.check("size", size::size(false));
        Ok(())
    }),
    stage("unit", "the package in Node", |report| report.node_tests("Testing the package in Node", "tests/unit", &[])),
    stage("travel", "databases go to SQLAlchemy in Python and come back, with equal values", travel),
    stage("types", "the package's types", types),
    stage("lint", "rustdoc on the crates, publint and arethetypeswrong on the package", lint),
    stage("web", "worker, storage and transport in Chromium, without isolation headers", |report| {
        web(report, "--chrome", false)
    }),
    stage("isolated", "the transport in Chromium, with isolation headers", |report| web(report, "--chrome", true)),
    Stage {
        name: "firefox",
        what: "worker, storage and transport in Firefox, without isolation headers",
        only_in_ci: true,
        run: |report| web(report, "--firefox", false),
    },
    stage("npm", "the packed package in browsers and bundlers", |report| {
        report.node_tests("Testing the packed package", "tests/npm", &browsers::environment())
    }),
    stage(
        "crash",
        "browsers, tabs and workers are killed while they write; nothing acknowledged is lost",
        crash::stage,
    ),
    stage("rust-app", "an app in Rust on the client, in browsers", rust_app),
    stage("e2e", "the demo, driven in browsers", |report| {
        report.node_tests("Driving the demo", "tests/e2e", &browsers::environment())
    }),
    stage("check", "cargo xtask demo --check", |report| {
        report.check("demo --check", demo::demo(&["--check".to_string()]).map(|_| ()));
        Ok(())
    }),
    stage("msrv", "the crates build with the oldest compiler that README names", msrv),
    stage("fuzz", "the fuzz targets on their corpus and on mutations of it, on the stable compiler", fuzz),
    stage("crates", "cargo package of every published crate", crates),
];

/// The crates that are compiled for browsers.
const WASM_CRATES: [&str; 6] =
    ["aludel-protocol", "aludel-sql", "aludel-worker", "aludel", "aludel-js", "aludel-core-js"];
const WASM: [&str; 2] = ["--target", "wasm32-unknown-unknown"];

fn format(report: &mut Report) -> Result<()> {
    report.plain("cargo fmt --check", cargo().args(["fmt", "--all", "--check"]));
    Ok(())
}

fn clippy(report: &mut Report) -> Result<()> {
    let deny = ["--", "-D", "warnings"];
    report.plain("clippy, host", cargo().args(["clippy", "--workspace", "--all-targets"]).args(deny));
    report.plain(
        "clippy, wasm32",
        cargo().arg("clippy").args(WASM).args(WASM_CRATES.iter().flat_map(|name| ["-p", name])).args(deny),
    );
    report.plain(
        "clippy, tests on wasm32",
        cargo()
            .arg("clippy")
            .args(WASM)
            .args(["-p", "aludel", "-p", "aludel-worker", "--tests", "--features", "aludel-worker/faults"])
            .args(deny),
    );
    Ok(())
}

fn native(report: &mut Report) -> Result<()> {
    report.counted("Testing every crate on the host", cargo().args(["test", "--workspace", "--no-fail-fast"]));
    Ok(())
}

fn build_package(report: &mut Report) -> Result<()> {
    report.check("package", package::package());
    report.check("the list of its files", package::check_list(false));
    Ok(())
}

fn travel(report: &mut Report) -> Result<()> {
    let python = python::with_sqlalchemy()?.display().to_string();
    report.node_tests("Exchanging databases with SQLAlchemy", "tests/travel", &[("ALUDEL_PYTHON", python)])
}

fn types(report: &mut Report) -> Result<()> {
    report.plain("Checking the package's types", npm_bin("tsc").args(["-p", "tests/types"]));
    Ok(())
}

fn lint(report: &mut Report) -> Result<()> {
    let deny = ("RUSTDOCFLAGS", "-D warnings");
    report.plain("rustdoc", cargo().args(["doc", "--workspace", "--no-deps"]).env(deny.0, deny.1));
    report.plain("publint", npm_bin("publint").args(["pkg", "--strict"]));
    // A wasm file is no module with types; that its address is exported is for bundlers that are told where it is.
    let attw = ["--pack", "pkg", "--profile", "esm-only", "--exclude-entrypoints", "worker.wasm", "lite.wasm"];
    report.plain("arethetypeswrong", npm_bin("attw").args(attw));
    Ok(())
}

fn web(report: &mut Report, browser: &str, isolated: bool) -> Result<()> {
    let (driver, path) = if browser == "--firefox" {
        ("--geckodriver", Some(shell::tools_dir().join("bin/geckodriver")))
    } else {
        ("--chromedriver", browsers::chromedriver())
    };
    let path = path.filter(|path| path.exists()).with_context(|| format!("there is no driver for {browser}"))?;
    let run = |arguments: &[&str]| -> Command {
        let mut command = shell::command("wasm-pack");
        command.args(["test", "--mode", "no-install", "--headless", browser, driver]).arg(&path).args(arguments);
        if !isolated {
            command.env("WASM_BINDGEN_TEST_NO_ORIGIN_ISOLATION", "1");
        }
        // For all tests of one binary together, and a cold browser on a busy machine.
        command.env("WASM_BINDGEN_TEST_TIMEOUT", "180");
        command
    };
    if !isolated {
        let storage = ["crates/worker", "--features", "faults", "--test", "browser"];
        report.counted("Testing worker and storage in a browser", &mut run(&storage));
    }
    report.counted(
        "Testing the client and its worker in a browser",
        &mut run(&[".", "--test", "web", "--test", "web_in_worker"]),
    );
    Ok(())
}

fn rust_app(report: &mut Report) -> Result<()> {
    build::rust_app()?;
    report.node_tests("Testing the Rust app", "tests/rust-app", &browsers::environment())
}

/// The fuzzer itself wants a nightly compiler; what it would run is an ordinary library.
fn fuzz(report: &mut Report) -> Result<()> {
    let mut command = cargo();
    command.args(["test", "--manifest-path", "fuzz/Cargo.toml", "--no-default-features", "--target-dir"]);
    report.counted("Running the fuzz targets on their corpus", command.arg(shell::target_dir().join("fuzz")));
    Ok(())
}

/// Cargo verifies the crates by a registry of its own, whose unpacked sources and builds it keeps in the cargo home and in the
/// target directory by name and version only: those of an earlier state of the code would be taken for this one's. So both
/// are made anew, with the crates of others, as they were downloaded, linked in.
fn crates(report: &mut Report) -> Result<()> {
    let directory = shell::target_dir().join("crates");
    crate::files::fresh_dir(&directory)?;
    let home = directory.join("home");
    crate::files::link_existing(&shell::cargo_home()?, &home, &["config.toml", "registry/cache", "registry/index"])?;
    let mut command = cargo();
    command.args(["package", "--workspace"]);
    command.args(["xtask", "rust-app"].iter().flat_map(|name| ["--exclude", name]));
    // Whoever runs the tests while working has changes that are not committed; a clean checkout has none.
    command.arg("--allow-dirty");
    command.env("CARGO_HOME", home).env("CARGO_TARGET_DIR", directory.join("target"));
    report.plain("cargo package", &mut command);
    Ok(())
}

/// Where the running compiler is the oldest one supported, all the other stages have shown it already.
fn msrv(report: &mut Report) -> Result<()> {
    let metadata = Metadata::load(&["--no-deps"])?;
    let oldest = metadata.member("aludel")?.1.rust_version.clone().context("Cargo.toml names no rust-version")?;
    let running = shell::ask(shell::command("rustc").arg("--version")).context("there is no rustc")?;
    if running.starts_with(&format!("rustc {oldest}.")) {
        shell::say(&format!("The tests ran on {}", running.trim()));
        report.check("msrv", Ok(()));
        return Ok(());
    }
    let toolchain = format!("+{oldest}");
    shell::run(
        &format!("Installing Rust {oldest}"),
        shell::command("rustup").args(["toolchain", "install", &oldest, "--profile", "minimal", "--target", WASM[1]]),
    )?;
    for target in [&[][..], &WASM[..]] {
        let mut command = shell::command("cargo");
        command.arg(&toolchain).arg("check").args(target).args(WASM_CRATES.iter().flat_map(|name| ["-p", name]));
        // A directory of its own, so that the two compilers do not throw out each other's work.
        report.plain(
            "Building on the oldest compiler",
            command.env("CARGO_TARGET_DIR", shell::target_dir().join("msrv")),
        );
    }
    Ok(())
}
