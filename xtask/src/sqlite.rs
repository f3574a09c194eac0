//! The SQLite that is compiled for browsers: the one of `sqlite-wasm-rs`, with `tools/sqlite.patch`.

use crate::metadata::Metadata;
use crate::{files, shell};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// Tells the build script of `sqlite-wasm-rs` where SQLite's source is.
pub const SOURCE_DIR: &str = "SQLITE_WASM_RS_SOURCE_DIR";

/// Where the changed source is.
pub fn directory() -> PathBuf {
    shell::target_dir().join("sqlite")
}

/// Writes the changed source; what is as it should be keeps its time of change.
pub fn prepare() -> Result<()> {
    let metadata = Metadata::load(&["--locked"])?;
    let package = metadata.packages.values().find(|package| package.name == "sqlite-wasm-rs");
    let original = package.context("no crate depends on sqlite-wasm-rs")?.directory.join("sqlite3");
    let patch = files::read_text(&shell::root().join("tools/sqlite.patch"))?;
    let changed = change(&files::read_text(&original.join("sqlite3.c"))?, &patch)?;
    files::write(&directory().join("sqlite3.c"), changed)?;
    files::copy(&original.join("sqlite3.h"), &directory().join("sqlite3.h"))
}

fn change(source: &str, patch: &str) -> Result<String> {
    let patch = diffy::Patch::from_str(patch).context("tools/sqlite.patch is no patch")?;
    if patch.hunks().is_empty() {
        bail!("tools/sqlite.patch changes nothing");
    }
    diffy::apply(source, &patch).context("tools/sqlite.patch does not fit this version of SQLite")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "--- a/sqlite3.c\n+++ b/sqlite3.c\n@@ -1,3 +1,4 @@\n one\n+and a half\n two\n three\n";

    #[test]
    fn a_patch_is_found_where_lines_have_moved_and_refused_where_they_are_others() {
        assert_eq!(change("zero\none\ntwo\nthree\n", PATCH).unwrap(), "zero\none\nand a half\ntwo\nthree\n");
        let refused = change("one\n2\nthree\n", PATCH).unwrap_err();
        assert!(refused.to_string().contains("does not fit"), "{refused}");
        assert!(change("one\n", "one\n").unwrap_err().to_string().contains("changes nothing"));
    }
}
