//! The notices of the third parties whose code is compiled into the wasm files.

use crate::files;
use crate::metadata::{Metadata, Package};
use crate::shell;
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::path::PathBuf;

const SQLITE: &str = "\
## SQLite

In the public domain: its authors disclaim copyright, and in place of a legal notice they give a blessing: \
\"May you do good and not evil. May you find forgiveness for yourself and forgive others. May you share freely, never \
taking more than you give.\"
";

/// The licence of those that name it without its text.
const MIT: &str = "\
MIT License

Copyright (c) {holders}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the \"Software\"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software
is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES
OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE
LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR
IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.";

/// Where the notices stand in the repository.
pub fn path() -> PathBuf {
    shell::root().join("THIRD-PARTY.md")
}

/// Writes them anew.
pub fn write() -> Result<()> {
    files::write(&path(), text()?)?;
    shell::say("THIRD-PARTY.md is up to date");
    Ok(())
}

/// Whether those on file are what the lock file asks for.
pub fn check() -> Result<()> {
    if files::read_text(&path()).is_ok_and(|old| text().is_ok_and(|new| new == old)) {
        return Ok(());
    }
    bail!("THIRD-PARTY.md is not what the dependencies ask for: run `cargo xtask notices`")
}

fn text() -> Result<String> {
    let metadata = Metadata::load(&["--locked", "--filter-platform", "wasm32-unknown-unknown"])?;
    let packages = metadata.third_parties_of(&["aludel-js", "aludel-core-js", "aludel-worker"])?;
    // Many share one text word for word: each text is printed once, with everything that is under it.
    let mut by_text: BTreeMap<String, Vec<&Package>> = BTreeMap::new();
    for package in packages.values() {
        by_text.entry(license_text(package)?).or_default().push(package);
    }
    let mut sections: Vec<(String, String)> = by_text
        .into_iter()
        .map(|(text, mut packages)| {
            packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
            let names: Vec<String> = packages
                .iter()
                .map(|package| format!("{} {} ({})", package.name, package.version, package.license))
                .collect();
            (names.join(", "), text)
        })
        .collect();
    sections.sort();
    let mut out = String::from(
        "# Third-party notices\n\nThe WebAssembly files of aludel contain code of the projects below, each under the licence printed with it.\n\
         Written by `cargo xtask notices` from the locked dependencies.\n\n",
    );
    out.push_str(SQLITE);
    for (names, text) in sections {
        out.push_str(&format!("\n## {names}\n\n```text\n{text}\n```\n"));
    }
    Ok(out)
}

/// The text of the licence that we choose: MIT where there is a choice, since it is the shortest.
fn license_text(package: &Package) -> Result<String> {
    let mut candidates: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&package.directory)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        if path.is_file() && (name.starts_with("license") || name.starts_with("licence") || name.starts_with("copying"))
        {
            candidates.push(path);
        }
    }
    candidates.sort();
    let mit = candidates.iter().find(|path| path.to_string_lossy().to_lowercase().ends_with("mit"));
    let text = match mit.or(candidates.first()) {
        Some(path) => files::read_text(path)?,
        // A few crates name their licence and leave its text out.
        None if package.license.contains("MIT") => MIT.replace("{holders}", &package.authors.join(", ")),
        None => bail!("{} {} ({}) holds no licence text", package.name, package.version, package.license),
    };
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    Ok(lines.join("\n"))
}
