//! The sizes of the wasm files, held to a committed budget.

use crate::{files, package, shell};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// One wasm file and what it may weigh.
#[derive(Debug, PartialEq)]
struct Budget {
    file: String,
    gzip: u64,
    brotli: u64,
}

/// What a file weighs.
#[derive(Debug, PartialEq, Clone, Copy)]
struct Weight {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

/// Above this share of a measured size the budget of `--bless` lies, so that not every line of code moves it.
const ROOM_PERCENT: u64 = 3;

/// The wasm files of the package.
const FILES: [&str; 3] = ["client.wasm", "core.wasm", "worker.wasm"];

const HEADER: &str = "\
# What the wasm files of the package may weigh, in bytes as sent: file, gzip -9, brotli.
# `cargo xtask size` fails above it; `cargo xtask size --bless` sets it to 3 % above what is measured.
";

/// Prints the sizes and fails above the budget; with `bless` writes the budget anew.
pub fn size(bless: bool) -> Result<()> {
    let path = shell::root().join("xtask/budget.txt");
    if bless {
        let mut text = String::from(HEADER);
        for file in FILES {
            let weight = weigh(file)?;
            let with_room = |bytes: u64| bytes + bytes * ROOM_PERCENT / 100;
            text.push_str(&format!("{file} {} {}\n", with_room(weight.gzip), with_room(weight.brotli)));
        }
        files::write(&path, text)?;
    }
    let mut over = Vec::new();
    println!("{:<14} {:>10} {:>10} {:>10} {:>22}", "", "raw", "gzip", "brotli", "budget (gzip, brotli)");
    for budget in parse(&files::read_text(&path)?)? {
        let weight = weigh(&budget.file)?;
        println!(
            "{:<14} {:>10} {:>10} {:>10} {:>11}{:>11}",
            budget.file, weight.raw, weight.gzip, weight.brotli, budget.gzip, budget.brotli
        );
        over.extend(budget.exceeded_by(weight));
    }
    if over.is_empty() { Ok(()) } else { bail!("over the budget: {}", over.join("; ")) }
}

impl Budget {
    fn exceeded_by(&self, weight: Weight) -> Vec<String> {
        [("gzip", weight.gzip, self.gzip), ("brotli", weight.brotli, self.brotli)]
            .into_iter()
            .filter(|(_, found, allowed)| found > allowed)
            .map(|(how, found, allowed)| format!("{} is {found} bytes by {how}, {allowed} are allowed", self.file))
            .collect()
    }
}

fn parse(text: &str) -> Result<Vec<Budget>> {
    let mut budgets = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [file, gzip, brotli] = words[..] else { bail!("not `file gzip brotli`: {line}") };
        let number = |word: &str| word.parse().with_context(|| format!("`{word}` is no number of bytes: {line}"));
        budgets.push(Budget { file: file.to_string(), gzip: number(gzip)?, brotli: number(brotli)? });
    }
    if let Some(file) = FILES.iter().find(|file| !budgets.iter().any(|budget| budget.file == **file)) {
        bail!("the budget does not name {file}");
    }
    Ok(budgets)
}

/// Node has both compressors, and is here anyway.
fn weigh(file: &str) -> Result<Weight> {
    let path: PathBuf = package::release_dir().join(file);
    let script = "const z = require('zlib'), b = require('fs').readFileSync(process.argv[1]);\
                  console.log(b.length, z.gzipSync(b, { level: 9 }).length, z.brotliCompressSync(b).length)";
    let text = shell::ask(shell::command("node").arg("-e").arg(script).arg(&path))
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
        let budgets = parse("# bytes\nclient.wasm 10 8\nworker.wasm 100 80\ncore.wasm 5 4\n").unwrap();
        assert_eq!(budgets[0].exceeded_by(Weight { raw: 20, gzip: 10, brotli: 8 }), Vec::<String>::new());
        let over = budgets[1].exceeded_by(Weight { raw: 200, gzip: 101, brotli: 80 });
        assert_eq!(over, ["worker.wasm is 101 bytes by gzip, 100 are allowed"]);
        assert!(parse("worker.wasm 1\n").is_err());
        assert!(parse("client.wasm 1 2\nworker.wasm 1 2\n").is_err());
    }
}
