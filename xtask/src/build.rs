//! From crates to wasm files and their glue: cargo, wasm-bindgen, wasm-opt.

use crate::files::{self, Fingerprint};
use crate::{casts, inlined, shell};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::Bindgen;

/// Bumped whenever the recipe below changes, so that nothing made by an older one is taken for fresh.
const RECIPE: &str = "build 6";

/// How wasm files are built, by Cargo.toml.
const RELEASE: &str = "release";
/// How the client is built: each page downloads it.
const CLIENT: &str = "client";
/// How Core's wasm is built: what a new statement costs is its compiler.
const CORE: &str = "core";

/// What the smaller SQLite is without. Exports read sqlite_dbpage.
const LITE_FLAGS: &str = "-USQLITE_ENABLE_FTS5 -USQLITE_ENABLE_RTREE -USQLITE_ENABLE_DBSTAT_VTAB";
/// How the smaller SQLite is compiled; the last word on it is the one that counts.
const LITE_C_FLAGS: &str = "-Oz";

/// What the package is made of.
pub struct Built {
    /// The main-thread wasm without SQLite, with its glue.
    pub client: PathBuf,
    /// Core's wasm, with its glue.
    pub core: PathBuf,
    /// The worker of the release.
    pub worker: PathBuf,
    /// The worker's wasm with the smaller SQLite; its glue is the worker's.
    pub lite: PathBuf,
    /// The worker whose SQL can be told to fail, for tests only.
    pub faults: PathBuf,
}

/// Builds all wasm files and their glue, and puts the generated modules where TypeScript imports them.
pub fn build() -> Result<Built> {
    let out = shell::target_dir().join("aludel");
    let [client, core, worker, lite, faults] =
        ["client", "core", "worker", "worker-lite", "worker-faults"].map(|name| out.join(name));
    let built = Built { client, core, worker, lite, faults };
    // The worker with faults first: the release's own files are then the ones that stay in cargo's directory.
    let faults = ["-p", "aludel-worker", "--features", "aludel-worker/faults"];
    let wasm = cargo_build("the worker with faults for tests", RELEASE, &faults)?;
    bind(&wasm.join("aludel_worker.wasm"), "worker", &built.faults)?;
    let wasm = cargo_build("the worker", RELEASE, &["-p", "aludel-worker"])?;
    bind(&wasm.join("aludel_worker.wasm"), "worker", &built.worker)?;
    let wasm = build_lite()?;
    bind(&wasm.join("aludel_worker.wasm"), "worker", &built.lite)?;
    check_glue(&built)?;
    let wasm = cargo_build("Core's wasm", CORE, &["-p", "aludel-core-js"])?;
    bind(&wasm.join("aludel_core_js.wasm"), "core", &built.core)?;
    let wasm = cargo_build("the client's wasm", CLIENT, &["-p", "aludel-js"])?;
    bind(&wasm.join("aludel_js.wasm"), "client", &built.client)?;
    generate(&built)?;
    Ok(built)
}

/// Builds packages with a profile; gives where their wasm files are.
fn cargo_build(what: &str, profile: &str, packages: &[&str]) -> Result<PathBuf> {
    let how = ["build", "--profile", profile, "--target", "wasm32-unknown-unknown"];
    shell::run(&format!("Building {what}"), shell::cargo().args(how).args(packages))?;
    Ok(shell::target_dir().join("wasm32-unknown-unknown").join(profile))
}

/// Builds the worker with the smaller SQLite. The rest of it is built alike, or its glue would have other names in it.
fn build_lite() -> Result<PathBuf> {
    // Cargo set it when it started us, from its configuration.
    let flags =
        std::env::var("SQLITE_WASM_RS_FLAGS").context("xtask is run by cargo, which sets SQLITE_WASM_RS_FLAGS")?;
    // A directory of its own: cargo would compile SQLite anew each time that the flags change.
    let target = shell::target_dir().join("lite");
    let how = ["build", "--profile", RELEASE, "--target", "wasm32-unknown-unknown", "-p", "aludel-worker"];
    shell::run(
        "Building the worker with the smaller SQLite",
        shell::cargo()
            .args(how)
            .env("CARGO_TARGET_DIR", &target)
            .env("SQLITE_WASM_RS_FLAGS", format!("{flags} {LITE_FLAGS}"))
            .env("CFLAGS_wasm32_unknown_unknown", LITE_C_FLAGS),
    )?;
    Ok(target.join("wasm32-unknown-unknown").join(RELEASE))
}

/// One `worker.js` serves both wasm files of the worker.
fn check_glue(built: &Built) -> Result<()> {
    let glue = |of: &Path| -> Result<String> {
        let text = files::read_text(&of.join("worker.js"))?;
        Ok(text.lines().filter(|line| !casts::is_comment(line)).collect())
    };
    if glue(&built.worker)? != glue(&built.lite)? {
        bail!("the worker with the smaller SQLite needs another glue than the worker");
    }
    Ok(())
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
            // What runs on the main thread comes with its module; only the worker fetches a file, from beside itself.
            .omit_default_module_path(name != "worker")
            .generate(&raw)
            .context("wasm-bindgen failed")?;
        let (from, to) = (format!("{name}_bg.wasm"), format!("{name}.wasm"));
        let mut bound = files::read(&raw.join(&from))?;
        let glue = casts::in_order(&files::read_text(&raw.join(format!("{name}.js")))?, &mut bound)?;
        files::write(&raw.join(&from), bound)?;
        let optimized = raw.join("optimized.wasm");
        let how: &[&str] = if name == "core" { &["-O3"] } else { &["-Oz", "--converge"] };
        let mut shrink = shell::npm_bin("wasm-opt");
        if name == "worker" {
            // What wasm-bindgen makes of statements that can be suspended holds instructions for exceptions, which not
            // every engine knows. Without them it is taken by all, and only traps, after which a worker is over anyway.
            shrink.args(["--enable-exception-handling", "--strip-eh"]);
        }
        shell::run_quietly(
            &format!("Shrinking {to}"),
            shrink.args(how).arg(raw.join(&from)).arg("-o").arg(&optimized),
        )?;
        files::copy(&optimized, &wasm)?;
        let glue = glue.replace(&from, &to);
        files::write(&js, if name == "worker" { ask_for_suspending(&glue)? } else { glue })?;
        files::copy(&raw.join(format!("{name}.d.ts")), &types)?;
        std::fs::remove_dir_all(&raw)?;
        Ok(())
    })?;
    Ok(())
}

/// Has the glue of the worker ask whether the engine can suspend wasm, which it takes for granted.
fn ask_for_suspending(glue: &str) -> Result<String> {
    let asking =
        glue.replace("WebAssembly.promising(", "promising(").replace("new WebAssembly.Suspending(", "suspending(");
    if !asking.contains(" promising(") || !asking.contains(" suspending(") {
        bail!("the glue of the worker does not suspend anything any more");
    }
    Ok(format!(
        "const can = \"Suspending\" in WebAssembly;\n\
         const suspending = (f) => (can ? new WebAssembly.Suspending(f) : f);\n\
         const promising = (f) => (can ? WebAssembly.promising(f) : f);\n{asking}"
    ))
}

/// Builds the Rust app of the tests into `dist/rust-app`.
pub fn rust_app() -> Result<()> {
    let manifest = shell::root().join("tests/rust-app/Cargo.toml");
    let built = cargo_build("the Rust app of the tests", RELEASE, &["--manifest-path", &manifest.to_string_lossy()])?;
    let out = shell::root().join("dist/rust-app");
    files::fresh_dir(&out)?;
    shell::say("Binding the Rust app");
    Bindgen::new()
        .input_path(built.join("rust_app.wasm"))
        .web(true)?
        .omit_default_module_path(false)
        .generate(&out)
        .context("wasm-bindgen failed")
}

/// Writes the generated modules beside the TypeScript sources that import them.
fn generate(built: &Built) -> Result<()> {
    let to = shell::root().join("pkg-templates/src/generated");
    for name in ["worker.js", "worker.d.ts"] {
        files::copy(&built.worker.join(name), &to.join(name))?;
    }
    for (name, from) in [("client", &built.client), ("core", &built.core)] {
        for ending in [".js", ".d.ts", ".wasm"] {
            let file = format!("{name}{ending}");
            files::copy(&from.join(&file), &to.join(&file))?;
        }
        let module = inlined::module(&files::read(&from.join(format!("{name}.wasm")))?);
        files::write(&to.join(format!("{name}_bytes.js")), module)?;
        files::write(&to.join(format!("{name}_bytes.d.ts")), inlined::TYPES)?;
    }
    Ok(())
}
