//! Files: reading, writing, copying, and telling whether what was made of them is still up to date.

use anyhow::{Context, Result};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// The bytes of a file; the error names it.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The text of a file; the error names it.
pub fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file and the directories above it, unless it already has these bytes: its time of change stays then.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    let bytes = bytes.as_ref();
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Copies a file, bytes only.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    write(to, read(from)?)
}

/// Makes a directory anew, without what was in it.
pub fn fresh_dir(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| format!("cannot empty {}", path.display()))?;
    }
    fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))
}

/// Makes links in one directory to files and directories of another, by paths relative to both, where they exist.
pub fn link_existing(from: &Path, to: &Path, paths: &[&str]) -> Result<()> {
    for path in paths {
        let (target, link) = (from.join(path), to.join(path));
        if target.exists() {
            if let Some(parent) = link.parent() {
                fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
            }
            symlink(&target, &link).with_context(|| format!("cannot link {}", link.display()))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    if target.is_dir() {
        std::os::windows::fs::symlink_dir(target, link)
    } else {
        std::os::windows::fs::symlink_file(target, link)
    }
}

/// Every file under a directory, sorted; nothing where there is no such directory.
pub fn files_under(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if directory.is_dir() {
        collect(directory, &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// A fingerprint of everything that something is made of. Not cryptographic: it tells "changed" from "unchanged".
pub struct Fingerprint(DefaultHasher);

impl Fingerprint {
    /// Begins with the name and version of the recipe.
    pub fn new(recipe: &str) -> Fingerprint {
        let mut hasher = DefaultHasher::new();
        recipe.hash(&mut hasher);
        Fingerprint(hasher)
    }

    /// Adds a file by its path and bytes.
    pub fn file(&mut self, path: &Path) -> Result<()> {
        path.hash(&mut self.0);
        read(path)?.hash(&mut self.0);
        Ok(())
    }

    /// Adds every file under a directory.
    pub fn tree(&mut self, directory: &Path) -> Result<()> {
        for path in files_under(directory)? {
            self.file(&path)?;
        }
        Ok(())
    }

    /// Runs `make` unless `stamp` says that it was run on these very inputs and all of `outputs` are there.
    /// Returns whether it was run.
    pub fn unless_fresh(self, stamp: &Path, outputs: &[&Path], make: impl FnOnce() -> Result<()>) -> Result<bool> {
        let fingerprint = format!("{:016x}", self.0.finish());
        let fresh = fs::read_to_string(stamp).is_ok_and(|old| old == fingerprint);
        if fresh && outputs.iter().all(|path| path.exists()) {
            return Ok(false);
        }
        if stamp.exists() {
            fs::remove_file(stamp)?;
        }
        make()?;
        write(stamp, fingerprint)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_again_only_when_an_input_changed_or_an_output_is_missing() {
        let directory = std::env::temp_dir().join(format!("aludel-fingerprint-{}", std::process::id()));
        fresh_dir(&directory).unwrap();
        let (input, output, stamp) = (directory.join("input"), directory.join("output"), directory.join("stamp"));
        let work = || {
            let mut fingerprint = Fingerprint::new("test");
            fingerprint.file(&input).unwrap();
            fingerprint.unless_fresh(&stamp, &[&output], || write(&output, "made")).unwrap()
        };
        write(&input, "one").unwrap();
        assert_eq!([work(), work()], [true, false]);
        write(&input, "two").unwrap();
        assert_eq!([work(), work()], [true, false]);
        fs::remove_file(&output).unwrap();
        assert_eq!([work(), work()], [true, false]);
        fs::remove_dir_all(&directory).unwrap();
    }
}
