//! The sizes of what an app downloads, held to a committed budget.

use crate::{files, package, shell};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// Something that is downloaded and what it may weigh.
#[derive(Debug, PartialEq)]
struct Budget {
    name: String,
    gzip: u64,
    brotli: u64,
}

/// What files weigh.
#[derive(Debug, Default, PartialEq, Clone, Copy)]
struct Weight {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

/// Above this share of a measured size the budget of `--bless` lies, so that not every line of code moves it.
const ROOM_PERCENT: u64 = 3;

/// What is weighed: a name, the module that an app imports, if all that it needs is, and files of the package.
const DOWNLOADS: [(&str, Option<&str>, &[&str]); 6] = [
    ("client.wasm", None, &["client.wasm"]),
    ("core.wasm", None, &["core.wasm"]),
    ("worker.wasm", None, &["worker.wasm"]),
    ("lite.wasm", None, &["lite.wasm"]),
    // All that a page loads up to its first row: its bundle, with the client's wasm in it, and both files of the worker.
    ("first-query", Some("index.js"), &["worker.js", "worker.wasm"]),
    ("first-query-lite", Some("lite.js"), &["worker.js", "lite.wasm"]),
];

const HEADER: &str = "\
# What downloads may weigh, in bytes as sent: name, gzip -9, brotli. `first-query` is all files that a page loads up to its first
# row, each compressed alone: a bundled and minified app of three lines, worker.js and the worker's wasm; `first-query-lite` the same
# with aludel/lite.
# `cargo xtask size` fails above it; `cargo xtask size --bless` sets it to 3 % above what is measured.
";

/// Prints the sizes and fails above the budget; with `bless` writes the budget anew.
pub fn size(bless: bool) -> Result<()> {
    let path = shell::root().join("xtask/budget.txt");
    let weights = DOWNLOADS.iter().map(|(name, entry, files)| Ok((*name, download(name, *entry, files)?)));
    let weights = weights.collect::<Result<Vec<_>>>()?;
    if bless {
        let mut text = String::from(HEADER);
        for (name, weight) in &weights {
            let with_room = |bytes: u64| bytes + bytes * ROOM_PERCENT / 100;
            text.push_str(&format!("{name} {} {}\n", with_room(weight.gzip), with_room(weight.brotli)));
        }
        files::write(&path, text)?;
    }
    let budgets = parse(&files::read_text(&path)?)?;
    let mut over = Vec::new();
    println!("{:<16} {:>10} {:>10} {:>10} {:>22}", "", "raw", "gzip", "brotli", "budget (gzip, brotli)");
    for (name, weight) in weights {
        let Some(budget) = budgets.iter().find(|budget| budget.name == name) else { continue };
        println!(
            "{name:<16} {:>10} {:>10} {:>10} {:>11}{:>11}",
            weight.raw, weight.gzip, weight.brotli, budget.gzip, budget.brotli
        );
        over.extend(budget.exceeded_by(weight));
    }
    if over.is_empty() { Ok(()) } else { bail!("over the budget: {}", over.join("; ")) }
}

/// What a bundle of the smallest app that imports `entry` weighs, with files of the package beside it.
fn download(name: &str, entry: Option<&str>, files: &[&str]) -> Result<Weight> {
    let mut paths: Vec<PathBuf> = files.iter().map(|file| package::release_dir().join(file)).collect();
    if let Some(entry) = entry {
        paths.push(bundle(name, entry)?);
    }
    let weights = paths.iter().map(|path| weigh(path)).collect::<Result<Vec<_>>>()?;
    Ok(weights.into_iter().fold(Weight::default(), |all, one| Weight {
        raw: all.raw + one.raw,
        gzip: all.gzip + one.gzip,
        brotli: all.brotli + one.brotli,
    }))
}

/// Bundles an app that asks one question, as its author would.
fn bundle(name: &str, entry: &str) -> Result<PathBuf> {
    let out = shell::target_dir().join("aludel/size");
    let (app, bundled) = (out.join(format!("{name}.js")), out.join(format!("{name}.bundled.js")));
    let module = package::release_dir().join(entry);
    let text = format!(
        "import {{ createEngine, text }} from {};\n\
         const engine = createEngine(\"sqlite:///app.db\");\n\
         console.log(await engine.scalar(text(\"SELECT 1\")));\n",
        serde_json::to_string(&module)?
    );
    files::write(&app, text)?;
    shell::run_quietly(
        &format!("Bundling an app that imports {entry}"),
        shell::npm_bin("esbuild")
            .arg(&app)
            .args(["--bundle", "--minify", "--format=esm", "--target=es2022", "--log-level=warning"])
            .arg(format!("--outfile={}", bundled.display())),
    )?;
    Ok(bundled)
}

impl Budget {
    fn exceeded_by(&self, weight: Weight) -> Vec<String> {
        [("gzip", weight.gzip, self.gzip), ("brotli", weight.brotli, self.brotli)]
            .into_iter()
            .filter(|(_, found, allowed)| found > allowed)
            .map(|(how, found, allowed)| format!("{} is {found} bytes by {how}, {allowed} are allowed", self.name))
            .collect()
    }
}

fn parse(text: &str) -> Result<Vec<Budget>> {
    let mut budgets = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, gzip, brotli] = words[..] else { bail!("not `name gzip brotli`: {line}") };
        let number = |word: &str| word.parse().with_context(|| format!("`{word}` is no number of bytes: {line}"));
        budgets.push(Budget { name: name.to_string(), gzip: number(gzip)?, brotli: number(brotli)? });
    }
    if let Some((name, ..)) = DOWNLOADS.iter().find(|(name, ..)| !budgets.iter().any(|budget| budget.name == *name)) {
        bail!("the budget does not name {name}");
    }
    Ok(budgets)
}

/// Node has both compressors, and is here anyway.
fn weigh(path: &Path) -> Result<Weight> {
    let script = "const z = require('zlib'), b = require('fs').readFileSync(process.argv[1]);\
                  console.log(b.length, z.gzipSync(b, { level: 9 }).length, z.brotliCompressSync(b).length)";
    let text = shell::ask(shell::command("node").arg("-e").arg(script).arg(path))
        .with_context(|| format!("cannot weigh {}", path.display()))?;
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [raw, gzip, brotli] = numbers[..] else { bail!("cannot weigh {}: {text}", path.display()) };
    Ok(Weight { raw, gzip, brotli })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_above_its_budget_is_named() {
        let line = |(name, ..): &(&str, Option<&str>, &[&str])| format!("{name} 100 80\n");
        let text: String = DOWNLOADS.iter().map(line).collect();
        let budgets = parse(&format!("# bytes\n{text}")).unwrap();
        assert_eq!(budgets[0].exceeded_by(Weight { raw: 200, gzip: 100, brotli: 80 }), Vec::<String>::new());
        let over = budgets[2].exceeded_by(Weight { raw: 200, gzip: 101, brotli: 80 });
        assert_eq!(over, ["worker.wasm is 101 bytes by gzip, 100 are allowed"]);
        assert!(parse("worker.wasm 1\n").is_err());
        assert!(parse("client.wasm 1 2\nworker.wasm 1 2\n").is_err());
    }
}
