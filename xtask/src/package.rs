//! The npm package: `pkg/` as it is published, and its twin in `dist/faults` whose worker can be told to fail.

use crate::build::{self, Built};
use crate::files::{self, Fingerprint};
use crate::{notices, shell};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Bumped whenever the recipe below changes.
const RECIPE: &str = "package 7";
/// What stands in the worker with faults and in no other.
pub const FAULT_FUNCTION: &[u8] = b"aludel_fault";

/// The package as it is published.
pub fn release_dir() -> PathBuf {
    shell::root().join("pkg")
}

/// Its twin for tests.
pub fn faults_dir() -> PathBuf {
    shell::root().join("dist/faults")
}

/// Builds everything and puts both packages together; what is up to date stays.
pub fn package() -> Result<()> {
    let built = build::build()?;
    assemble(&built, &built.worker, &release_dir())?;
    assemble(&built, &built.faults, &faults_dir())?;
    check_faults(&files::read(&release_dir().join("worker.wasm"))?, &files::read(&faults_dir().join("worker.wasm"))?)
}

fn check_faults(release: &[u8], faults: &[u8]) -> Result<()> {
    let holds = |bytes: &[u8]| bytes.windows(FAULT_FUNCTION.len()).any(|window| window == FAULT_FUNCTION);
    if holds(release) {
        bail!("the released worker holds the function that makes it fail");
    }
    if !holds(faults) {
        bail!("the worker for tests does not hold the function that makes it fail");
    }
    Ok(())
}

fn assemble(built: &Built, worker: &Path, out: &Path) -> Result<()> {
    let root = shell::root();
    let templates = root.join("pkg-templates");
    let papers = ["README.md", "package.json"].map(|name| templates.join(name));
    let licences = ["LICENSE-MIT", "LICENSE-APACHE"].map(|name| root.join(name));
    // What the package's readme points to has to be in the package.
    let docs = ["CHANGELOG.md", "docs/ENGINE.md", "docs/ERRORS.md", "docs/MIGRATIONS.md", "docs/STORAGE.md"];
    let mut fingerprint = Fingerprint::new(RECIPE);
    fingerprint.tree(&templates)?;
    fingerprint.tree(worker)?;
    fingerprint.tree(&built.lite)?;
    fingerprint.tree(&built.client)?;
    fingerprint.tree(&built.core)?;
    for paper in licences.iter().chain([&notices::path()]) {
        fingerprint.file(paper)?;
    }
    for paper in docs {
        fingerprint.file(&root.join(paper))?;
    }
    fingerprint.file(&root.join("Cargo.lock"))?;
    let name = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stamp = shell::target_dir().join(format!("aludel/package-{name}.stamp"));
    fingerprint.unless_fresh(&stamp, &[&out.join("package.json"), &out.join("worker.js")], || {
        shell::say(&format!("Putting the package together in {}", out.display()));
        let stage = shell::target_dir().join(format!("aludel/stage-{name}"));
        files::fresh_dir(&stage)?;
        compile(&templates, &stage)?;
        // The glue belongs to one build of the worker: that of the release does not fit the one with faults.
        files::copy(&worker.join("worker.js"), &stage.join("generated/worker.js"))?;
        bundle_worker(&stage)?;
        for paper in papers.iter().chain(&licences) {
            files::copy(paper, &stage.join(paper.file_name().unwrap_or_default()))?;
        }
        for paper in docs {
            files::copy(&root.join(paper), &stage.join(paper))?;
        }
        check_version(&stage.join("package.json"))?;
        notices::check()?;
        files::copy(&notices::path(), &stage.join("THIRD-PARTY.md"))?;
        files::copy(&worker.join("worker.wasm"), &stage.join("worker.wasm"))?;
        // Of the smaller SQLite there is none with faults: what is tested of it is that it is there.
        files::copy(&built.lite.join("worker.wasm"), &stage.join("lite.wasm"))?;
        files::copy(&built.client.join("client.wasm"), &stage.join("client.wasm"))?;
        files::copy(&built.core.join("core.wasm"), &stage.join("core.wasm"))?;
        // All of it is there: only now does it take the place of the old one.
        files::fresh_dir(out)?;
        for file in files::files_under(&stage)? {
            files::copy(&file, &out.join(file.strip_prefix(&stage)?))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// TypeScript to one module and one declaration file each, with the generated modules beside them.
fn compile(templates: &Path, stage: &Path) -> Result<()> {
    shell::run("Compiling TypeScript", shell::npm_bin("tsc").arg("-p").arg(templates).arg("--outDir").arg(stage))?;
    for name in ["client", "core"] {
        for file in [".js", ".d.ts", "_bytes.js", "_bytes.d.ts"].map(|ending| format!("{name}{ending}")) {
            files::copy(&templates.join("src/generated").join(&file), &stage.join("generated").join(&file))?;
        }
    }
    Ok(())
}

/// The worker becomes one file, so that it also runs from a copy, a CDN and a bundler that knows nothing of workers. Most bundlers
/// take it as it is: so it is shrunk here.
fn bundle_worker(stage: &Path) -> Result<()> {
    inline_worker(stage)?;
    let (worker, bundled) = (stage.join("worker.js"), stage.join("worker.bundled.js"));
    shell::run(
        "Bundling worker.js",
        shell::npm_bin("esbuild")
            // Without white space, what tells bundlers to leave an import alone would go, too.
            .args([
                "worker.js",
                "--bundle",
                "--minify-identifiers",
                "--minify-syntax",
                "--format=esm",
                "--target=es2022",
            ])
            .arg("--log-level=warning")
            .arg("--outfile=worker.bundled.js")
            .current_dir(stage),
    )?;
    let text = files::read_text(&bundled)?;
    if !text.contains("worker.wasm") || !text.contains("import.meta.url") {
        bail!("the bundled worker does not name its wasm file any more");
    }
    if !text.contains("webpackIgnore: true") {
        bail!("the bundled worker does not tell bundlers any more to leave the modules of procedures alone");
    }
    files::write(&worker, text)?;
    std::fs::remove_file(&bundled)?;
    let parts = [
        "generated/worker.js",
        "broker.js",
        "broker.d.ts",
        "procedure_host.js",
        "procedure_host.d.ts",
        "slice_host.js",
        "slice_host.d.ts",
    ];
    // Of what procedures are called with, the page has the types only.
    for part in parts.into_iter().chain(["sync_connection.js", "sync_functions.js"]) {
        std::fs::remove_file(stage.join(part))?;
    }
    Ok(())
}

/// The worker as a function, for the thread that asks it: what is global in it are the parameters.
fn inline_worker(stage: &Path) -> Result<()> {
    let banner = "// worker.js as a function: each call is a worker.\nexport function run(self, globalThis, navigator, MessageChannel, queueMicrotask) {";
    shell::run(
        "Bundling inline_worker.js",
        shell::npm_bin("esbuild")
            .args(["worker.js", "--bundle", "--format=iife", "--target=es2022", "--log-level=warning"])
            // It is given its wasm.
            .args(["--log-override:empty-import-meta=silent", "--footer:js=}", "--outfile=inline_worker.js"])
            .arg(format!("--banner:js={banner}"))
            .current_dir(stage),
    )
}

/// The version of the package is the version of the crates.
fn check_version(package_json: &Path) -> Result<()> {
    let package: Value = serde_json::from_str(&files::read_text(package_json)?)?;
    let cargo = env!("CARGO_PKG_VERSION");
    if package["version"] != cargo {
        bail!("pkg-templates/package.json has version {}, Cargo.toml {cargo}", package["version"]);
    }
    Ok(())
}

/// The list of files that `npm pack` would publish, held to the one on file.
pub fn check_list(bless: bool) -> Result<()> {
    let json = shell::run_quietly(
        "Listing what npm would publish",
        shell::command("npm").args(["pack", "--dry-run", "--json", "--ignore-scripts"]).current_dir(release_dir()),
    )?;
    let list = list_of(&json)?;
    let golden = shell::root().join("tests/npm/pack-list.txt");
    if bless {
        return files::write(&golden, list);
    }
    let expected = files::read_text(&golden)?;
    if list != expected {
        bail!(
            "npm would publish other files than tests/npm/pack-list.txt says (`cargo xtask package --bless` accepts them)\n{}",
            difference(&expected, &list)
        );
    }
    Ok(())
}

fn list_of(json: &str) -> Result<String> {
    let answer: Value = serde_json::from_str(json).context("npm's answer is no JSON")?;
    // npm 11 answers with a list, npm 12 with an object by package name.
    let package = answer.get(0).or_else(|| answer.as_object().and_then(|object| object.values().next()));
    let files = package.and_then(|package| package["files"].as_array()).context("npm's answer lists no files")?;
    let mut paths: Vec<&str> = files.iter().filter_map(|file| file["path"].as_str()).collect();
    paths.sort_unstable();
    Ok(paths.join("\n") + "\n")
}

fn difference(expected: &str, found: &str) -> String {
    let gone =
        expected.lines().filter(|line| !found.lines().any(|other| other == *line)).map(|line| format!("  - {line}"));
    let new =
        found.lines().filter(|line| !expected.lines().any(|other| other == *line)).map(|line| format!("  + {line}"));
    gone.chain(new).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_can_be_told_to_fail_is_refused() {
        assert!(check_faults(b"..", b"..aludel_fault..").is_ok());
        assert!(check_faults(b"..aludel_fault..", b"..aludel_fault..").is_err());
        assert!(check_faults(b"..", b"..").is_err());
    }

    #[test]
    fn both_forms_of_what_npm_answers_are_read() {
        let files = r#"{"files":[{"path":"b.js"},{"path":"a.js"}]}"#;
        assert_eq!(list_of(&format!("[{files}]")).unwrap(), "a.js\nb.js\n");
        assert_eq!(list_of(&format!(r#"{{"aludel":{files}}}"#)).unwrap(), "a.js\nb.js\n");
        assert!(list_of("[]").is_err());
        assert_eq!(difference("a\nb\n", "b\nc\n"), "  - a\n  + c");
    }
}
