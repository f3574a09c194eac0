//! Installs what the other commands need, once; says what it does, and where it cannot do it, what to run.

use crate::shell::{self, cargo, command};
use crate::{browsers, files, sqlite};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// A program that cargo installs into `target/tools`.
struct Tool {
    name: &'static str,
    program: &'static str,
    version: &'static str,
    /// What cargo is to install.
    source: &'static [&'static str],
}

const WASM_PACK: Tool =
    Tool { name: "wasm-pack", program: "wasm-pack", version: "0.15.1", source: &["wasm-pack@0.15.1"] };
/// wasm-pack wants the test runner of exactly our wasm-bindgen on the path, and would download it otherwise.
const TEST_RUNNER: Tool = Tool {
    name: "wasm-bindgen's test runner",
    program: "wasm-bindgen-test-runner",
    version: "0.2.130",
    source: &["--path", "tools/web-test-runner"],
};
const GECKODRIVER: Tool =
    Tool { name: "geckodriver", program: "geckodriver", version: "0.37.1", source: &["geckodriver@0.37.1"] };

/// What a command needs beyond rustup and Node.
pub struct Needs {
    chromium: bool,
    firefox: bool,
    web_test_tools: bool,
}

impl Needs {
    /// To build the package, and to serve the demo.
    pub fn for_package() -> Needs {
        Needs { chromium: false, firefox: false, web_test_tools: false }
    }

    /// To drive pages in Chromium.
    pub fn for_pages() -> Needs {
        Needs { chromium: true, firefox: shell::in_ci(), web_test_tools: false }
    }

    /// To run every test.
    pub fn for_tests() -> Needs {
        Needs { chromium: true, firefox: shell::in_ci(), web_test_tools: true }
    }
}

/// Installs what is missing.
pub fn setup(needs: &Needs) -> Result<()> {
    node()?;
    rust_parts(needs)?;
    system_parts(needs)?;
    npm_parts()?;
    sqlite::prepare()?;
    if needs.web_test_tools {
        cargo_tools(needs)?;
    }
    Ok(())
}

fn node() -> Result<()> {
    let version = shell::ask(command("node").arg("--version"))
        .context("there is no `node` on the path: install Node.js 20.19 or newer (https://nodejs.org)")?;
    let mut numbers = version.trim().trim_start_matches('v').split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if (major, minor) < (20, 19) {
        bail!("Node.js 20.19 or newer is needed; `node` on the path is {}", version.trim());
    }
    Ok(())
}

fn rust_parts(needs: &Needs) -> Result<()> {
    let sysroot = shell::ask(command("rustc").args(["--print", "sysroot"])).context("there is no `rustc`")?;
    if !PathBuf::from(sysroot.trim()).join("lib/rustlib/wasm32-unknown-unknown").is_dir() {
        rustup(&["target", "add", "wasm32-unknown-unknown"])?;
    }
    if needs.web_test_tools {
        for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
            if shell::ask(cargo().args([subcommand, "--version"])).is_none() {
                rustup(&["component", "add", component])?;
            }
        }
    }
    Ok(())
}

fn rustup(arguments: &[&str]) -> Result<()> {
    shell::run(&format!("Installing a part of Rust: rustup {}", arguments.join(" ")), command("rustup").args(arguments))
}

/// One thing that the system's packages bring.
struct SystemPart {
    what: &'static str,
    debian: &'static [&'static str],
    mac: &'static str,
    is_there: fn() -> bool,
}

const C_COMPILER: SystemPart = SystemPart {
    what: "a C compiler for wasm32 (clang)",
    debian: &["clang"],
    mac: "brew install llvm",
    is_there: || shell::ask(command(shell::root().join("tools/wasm-cc")).arg("--version")).is_some(),
};
const CHROMIUM: SystemPart = SystemPart {
    what: "Chromium",
    debian: &["chromium", "fonts-liberation"],
    mac: "brew install --cask google-chrome",
    is_there: || browsers::chromium().is_some(),
};
const CHROMEDRIVER: SystemPart = SystemPart {
    what: "chromedriver",
    debian: &["chromium-driver"],
    mac: "brew install --cask chromedriver",
    is_there: || browsers::chromedriver().is_some(),
};
const FIREFOX: SystemPart = SystemPart {
    what: "Firefox",
    debian: &["firefox-esr"],
    mac: "brew install --cask firefox",
    is_there: || browsers::firefox().is_some(),
};

fn system_parts(needs: &Needs) -> Result<()> {
    let mut parts = vec![C_COMPILER];
    if needs.chromium {
        parts.push(CHROMIUM);
    }
    if needs.web_test_tools {
        parts.push(CHROMEDRIVER);
    }
    if needs.firefox {
        parts.push(FIREFOX);
    }
    parts.retain(|part| !(part.is_there)());
    if parts.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = parts.iter().flat_map(|part| part.debian.iter().copied()).collect();
    if can_apt_install() {
        let apt = || {
            let mut apt = command("apt-get");
            apt.env("DEBIAN_FRONTEND", "noninteractive");
            apt
        };
        shell::run("Reading the list of Debian's packages", apt().args(["update", "-q"]))?;
        shell::run(
            &format!("Installing {} from Debian's packages", packages.join(", ")),
            apt().args(["install", "-q", "-y", "--no-install-recommends"]).args(&packages),
        )?;
        parts.retain(|part| !(part.is_there)());
    }
    if parts.is_empty() {
        return Ok(());
    }
    bail!("{}", what_to_run(&parts, cfg!(target_os = "macos")))
}

fn what_to_run(parts: &[SystemPart], mac: bool) -> String {
    let missing: Vec<&str> = parts.iter().map(|part| part.what).collect();
    let mut text = format!("missing: {}. Please run, and then this command again:\n", missing.join(", "));
    if mac {
        for part in parts {
            text.push_str(&format!("\n  {}", part.mac));
        }
    } else {
        let packages: Vec<&str> = parts.iter().flat_map(|part| part.debian.iter().copied()).collect();
        text.push_str(&format!("\n  sudo apt-get install -y {}        # Debian", packages.join(" ")));
        text.push_str("\n\nElsewhere: the same programs from your system's packages. $WASM_CC, $CHROMIUM, $CHROMEDRIVER and $FIREFOX");
        text.push_str(" may name those that are not on the path.");
    }
    text
}

fn can_apt_install() -> bool {
    let root = shell::ask(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    root && browsers::on_path("apt-get").is_some()
}

/// The npm parts, exactly as the lock file says. A copy of the lock file among them tells that they are up to date.
fn npm_parts() -> Result<()> {
    let tests = shell::root().join("tests");
    let (lock, stamp) =
        (files::read(&tests.join("package-lock.json"))?, tests.join("node_modules/.installed-lock.json"));
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    // None of them needs its install script, and what runs no script can do no harm while installing.
    shell::run_quietly(
        "Installing the npm parts of tests/package-lock.json",
        command("npm").args(["ci", "--ignore-scripts", "--loglevel=error"]).current_dir(&tests),
    )?;
    files::write(&stamp, lock)
}

fn cargo_tools(needs: &Needs) -> Result<()> {
    let tools = [WASM_PACK, TEST_RUNNER, GECKODRIVER];
    for tool in &tools[..if needs.firefox { 3 } else { 2 }] {
        let installed = shell::ask(command(shell::tools_dir().join("bin").join(tool.program)).arg("--version"));
        if installed.is_some_and(|text| text.split_whitespace().any(|word| word == tool.version)) {
            continue;
        }
        // Built quickly rather than to run quickly: each spends its time in waiting for a browser or for cargo.
        shell::run(
            &format!("Building {} {} by cargo (a minute or so, once)", tool.name, tool.version),
            cargo()
                .args(["install", "--locked", "--force", "--debug", "--root"])
                .arg(shell::tools_dir())
                .arg("--target-dir")
                .arg(shell::tools_dir().join("build"))
                .args(tool.source)
                .env("CARGO_PROFILE_DEV_DEBUG", "0"),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_installed_is_said_as_a_command() {
        let text = what_to_run(&[C_COMPILER, CHROMIUM], false);
        assert!(text.contains("sudo apt-get install -y clang chromium fonts-liberation"), "{text}");
        let text = what_to_run(&[C_COMPILER, FIREFOX], true);
        assert!(text.contains("brew install llvm") && text.contains("brew install --cask firefox"), "{text}");
    }

    #[test]
    fn the_test_runner_is_of_the_wasm_bindgen_that_is_locked() {
        for lock in ["Cargo.lock", "tools/web-test-runner/Cargo.lock"] {
            let text = files::read_text(&shell::root().join(lock)).unwrap();
            let versions: Vec<&str> = ["wasm-bindgen", "wasm-bindgen-cli", "wasm-bindgen-cli-support"]
                .iter()
                .filter_map(|name| text.split_once(&format!("name = \"{name}\"\nversion = \""))?.1.split('"').next())
                .collect();
            assert!(versions.len() >= 2 && versions.iter().all(|version| *version == TEST_RUNNER.version), "{lock}");
        }
    }
}
