//! docs/MUTANTS.md says which tests catch which mistakes. The tests have to be there.

use super::{Complaints, Source, Tree};
use anyhow::Result;

const PAGE: &str = "docs/MUTANTS.md";

/// Every test that the page names is there, in a file or folder of the name of its first module.
pub fn tests_are_there(tree: &Tree) -> Result<Complaints> {
    Ok(check(tree.text(PAGE)?, &tree.files))
}

fn check(page: &str, files: &[Source]) -> Complaints {
    let mut complaints = Complaints::new();
    for (number, line) in page.lines().enumerate() {
        for name in names(line).filter(|name| !is_there(name, files)) {
            complaints.push(format!("{PAGE}:{}: there is no test {name}", number + 1));
        }
    }
    complaints
}

/// The names of tests in a line: what stands in backticks and has modules. A module of tests is no test.
fn names(line: &str) -> impl Iterator<Item = &str> {
    let word = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '*'));
    let quoted = line.split('`').skip(1).step_by(2);
    quoted.filter(move |name| name.contains("::") && word(name) && !name.ends_with("::") && !name.ends_with("::tests"))
}

fn is_there(name: &str, files: &[Source]) -> bool {
    let (Some((first, _)), Some((_, test))) = (name.split_once("::"), name.rsplit_once("::")) else { return false };
    let function = format!("fn {test}(");
    files.iter().any(|file| {
        let mut places = file.path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
        file.path.ends_with(".rs") && places.any(|place| place == first) && file.text.contains(&function)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_named_is_there_under_its_module() {
        let file = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
        let files =
            [file("a/tests/locks.rs", "#[test]\nfn two_write() {}"), file("a/shm/mod.rs", "pub fn all_read(x: u8)")];
        let page = |text: &str| check(text, &files);
        assert_eq!(
            page("| x | `locks::two_write`, `shm::*::all_read` and `locks::tests` | `vfs::` `plain` |"),
            [""; 0]
        );
        for gone in ["locks::two", "locks::two_writers", "shm::two_write", "locks::*::all_read"] {
            assert_eq!(
                page(&format!("one\n`locks::two_write` `{gone}`")),
                [format!("{PAGE}:2: there is no test {gone}")]
            );
        }
    }
}
