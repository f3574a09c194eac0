//! From crates to wasm files and their glue: cargo, wasm-bindgen, wasm-opt.

use crate::files::{self, Fingerprint};
use crate::shell;
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::Bindgen;

/// Bumped whenever the recipe below changes, so that nothing made by an older one is taken for fresh.
const RECIPE: &str = "build 1";

/// What the package is made of.
pub struct Built {
    /// The main-thread wasm without SQLite, with its glue and its bytes as a module.
    pub client: PathBuf,
    /// The worker of the release.
    pub worker: PathBuf,
    /// The worker whose SQL can be told to fail, for tests only.
    pub faults: PathBuf,
}

/// Builds both wasm files and their glue, and puts the generated modules where TypeScript imports them.
pub fn build() -> Result<Built> {
    let out = shell::target_dir().join("aludel");
    let built = Built { client: out.join("client"), worker: out.join("worker"), faults: out.join("worker-faults") };
    // The worker with faults first: the release's own files are then the ones that stay in cargo's directory.
    cargo_build("the worker with faults for tests", &["-p", "aludel-worker", "--features", "aludel-worker/faults"])?;
    let wasm = shell::target_dir().join("wasm32-unknown-unknown/release");
    bind(&wasm.join("aludel_worker.wasm"), "worker", &built.faults)?;
    cargo_build("the worker", &["-p", "aludel-worker"])?;
    bind(&wasm.join("aludel_worker.wasm"), "worker", &built.worker)?;
    cargo_build("the main-thread wasm", &["-p", "aludel-js"])?;
    bind(&wasm.join("aludel_js.wasm"), "client", &built.client)?;
    generate(&built)?;
    Ok(built)
}

fn cargo_build(what: &str, packages: &[&str]) -> Result<()> {
    shell::run(
        &format!("Building {what}"),
        shell::cargo().args(["build", "--release", "--target", "wasm32-unknown-unknown"]).args(packages),
    )
}

/// Makes `<name>.js`, `<name>.d.ts` and `<name>.wasm` in `out`.
fn bind(input: &Path, name: &str, out: &Path) -> Result<()> {
    let bytes = files::read(input)?;
    let mut fingerprint = Fingerprint::new(RECIPE);
    fingerprint.file(input)?;
    let [js, types, wasm] = [".js", ".d.ts", ".wasm"].map(|ending| out.join(format!("{name}{ending}")));
    let stamp = out.join("stamp");
    fingerprint.unless_fresh(&stamp, &[&js, &types, &wasm], || {
        shell::say(&format!("Binding and shrinking {}", out.display()));
        let raw = out.join("raw");
        files::fresh_dir(&raw)?;
        Bindgen::new()
            .input_bytes(name, bytes)
            .web(true)?
            .typescript(true)
            .remove_name_section(true)
            .remove_producers_section(true)
            // The main-thread wasm comes with its module; only the worker fetches a file, from beside itself.
            .omit_default_module_path(name == "client")
            .generate(&raw)
            .context("wasm-bindgen failed")?;
        let (from, to) = (format!("{name}_bg.wasm"), format!("{name}.wasm"));
        let optimized = raw.join("optimized.wasm");
        shell::run_quietly(
            &format!("Shrinking {to}"),
            shell::npm_bin("wasm-opt").arg("-Os").arg(raw.join(&from)).arg("-o").arg(&optimized),
        )?;
        files::copy(&optimized, &wasm)?;
        files::write(&js, files::read_text(&raw.join(format!("{name}.js")))?.replace(&from, &to))?;
        files::copy(&raw.join(format!("{name}.d.ts")), &types)?;
        std::fs::remove_dir_all(&raw)?;
        Ok(())
    })?;
    Ok(())
}

/// Builds the Rust app of the tests into `dist/rust-app`.
pub fn rust_app() -> Result<()> {
    let manifest = shell::root().join("tests/rust-app/Cargo.toml");
    cargo_build("the Rust app of the tests", &["--manifest-path", &manifest.to_string_lossy()])?;
    let wasm = shell::target_dir().join("wasm32-unknown-unknown/release/rust_app.wasm");
    let out = shell::root().join("dist/rust-app");
    files::fresh_dir(&out)?;
    shell::say("Binding the Rust app");
    Bindgen::new()
        .input_path(&wasm)
        .web(true)?
        .omit_default_module_path(false)
        .generate(&out)
        .context("wasm-bindgen failed")
}

/// Writes the generated modules beside the TypeScript sources that import them.
fn generate(built: &Built) -> Result<()> {
    let to = shell::root().join("pkg-templates/src/generated");
    for name in ["client.js", "client.d.ts", "client.wasm"] {
        files::copy(&built.client.join(name), &to.join(name))?;
    }
    for name in ["worker.js", "worker.d.ts"] {
        files::copy(&built.worker.join(name), &to.join(name))?;
    }
    let base64 = STANDARD.encode(files::read(&built.client.join("client.wasm"))?);
    files::write(&to.join("client_bytes.js"), format!("export const base64 = \"{base64}\";\n"))?;
    files::write(
        &to.join("client_bytes.d.ts"),
        "/** The main-thread wasm, so that importing the package fetches nothing. */\nexport declare const base64: string;\n",
    )
}
