//! Pages name files of code. The files have to be there.

use super::{Complaints, Source};
use std::collections::BTreeSet;

const CODE: [&str; 4] = [".rs", ".ts", ".mjs", ".js"];

/// Every path of code that a page has in backticks is one from the root or from the page, or the end of one.
pub fn files_are_there(files: &[Source]) -> Complaints {
    let folders: BTreeSet<&str> = files.iter().filter_map(|file| Some(file.path.split_once('/')?.0)).collect();
    let mut complaints = Complaints::new();
    for page in files.iter().filter(|file| file.is(".md")) {
        for (number, line) in page.text.lines().enumerate() {
            for path in paths(line).filter(|path| !is_there(path, page, files, &folders)) {
                complaints.push(format!("{}:{}: there is no file {path}", page.path, number + 1));
            }
        }
    }
    complaints
}

/// What stands in backticks and is a path. A script that is called by its name alone may be one of the package, which is not
/// built here.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let word = |path: &str| path.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let quoted = line.split('`').skip(1).step_by(2);
    let code = quoted.filter(|path| CODE.iter().any(|ending| path.ends_with(ending)));
    code.filter(move |path| word(path) && (path.contains('/') || !path.ends_with(".js")))
}

fn is_there(path: &str, page: &Source, files: &[Source], folders: &BTreeSet<&str>) -> bool {
    let beside = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut from_page: Vec<&str> = beside.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/').filter(|part| *part != ".") {
        match part {
            ".." => _ = from_page.pop(),
            _ => from_page.push(part),
        }
    }
    let from_page = from_page.join("/");
    // What begins as a path from the root is one. Crates and the client have a `src` each.
    let first = path.split('/').next().unwrap_or_default();
    let cut = first == "src" || !folders.contains(first);
    let end = format!("/{path}");
    files.iter().any(|file| file.path == path || file.path == from_page || (cut && file.path.ends_with(&end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_a_page_names_is_there() {
        let check = |text: &str| {
            let file = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
            files_are_there(&[
                file("crates/worker/src/vfs/shm.rs", ""),
                file("crates/worker/tests/browser/faults.rs", ""),
                file("tests/unit/a.test.mjs", ""),
                file("docs/PAGE.md", text),
            ])
        };
        let there = "`shm.rs` `vfs/shm.rs` `worker/src/vfs/shm.rs` [a](../a.rs) `../tests/unit/a.test.mjs` `tests/unit/a.test.mjs`";
        assert_eq!(check(there), [""; 0]);
        assert_eq!(check("`worker.js` `vfs/<name>.rs` `import \"./a.js\"` `src/{a,b}.rs`"), [""; 0]);
        for gone in ["wal.rs", "vfs/wal.rs", "tests/browser/faults.rs", "m.rs", "../unit/a.test.mjs", "crates/shm.rs"] {
            assert_eq!(
                check(&format!("one\n`shm.rs` and `{gone}`")),
                [format!("docs/PAGE.md:2: there is no file {gone}")]
            );
        }
    }
}
