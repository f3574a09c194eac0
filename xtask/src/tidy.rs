//! The rules of the house: the invariants of docs/ARCHITECTURE.md that a machine can check, and some habits.

mod code;
mod floors;
mod house;
mod mutants;
mod parity;
mod paths;
mod rust;

use crate::metadata::Metadata;
use crate::test::Report;
use crate::{files, shell};
use anyhow::{Context, Result, bail};
use std::process::ExitCode;

/// A file of the repository: its path from the root, and its text.
pub struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Whether it ends so.
    fn is(&self, ending: &str) -> bool {
        self.path.ends_with(ending)
    }

    /// Whether it is under one of these directories, or is one of these files.
    fn under(&self, places: &[&str]) -> bool {
        places
            .iter()
            .any(|place| self.path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || place.ends_with('/')))
    }

    /// Whether it is Rust that is compiled into what users get.
    fn is_product_rust(&self) -> bool {
        self.is(".rs") && (self.under(&["src/"]) || (self.under(&["crates/"]) && self.path.contains("/src/")))
    }
}

/// Everything that rules look at.
pub struct Tree {
    files: Vec<Source>,
    host: Metadata,
    wasm: Metadata,
}

impl Tree {
    /// Reads the repository: what is committed, and what is there and not ignored.
    fn load() -> Result<Tree> {
        let mut git = shell::command("git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
        let list = shell::ask(&mut git).context("`git ls-files` failed: tidy looks at a git checkout")?;
        let mut sources = Vec::new();
        for path in list.lines() {
            let full = shell::root().join(path);
            // Deleted and not yet committed, or no text at all.
            if let Some(text) = files::read(&full).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
                sources.push(Source { path: path.to_string(), text });
            }
        }
        let wasm = Metadata::load(&["--filter-platform", "wasm32-unknown-unknown"])?;
        Ok(Tree { files: sources, host: Metadata::load(&[])?, wasm })
    }

    /// The text of a file that must be there.
    fn text(&self, path: &str) -> Result<&str> {
        let found = self.files.iter().find(|source| source.path == path);
        found.map(|source| source.text.as_str()).with_context(|| format!("{path} is missing"))
    }
}

/// What is wrong, a line each.
type Complaints = Vec<String>;

/// One rule.
struct Rule {
    name: &'static str,
    check: fn(&Tree) -> Result<Complaints>,
}

/// Looks at each file by itself.
fn each(tree: &Tree, rule: fn(&Source) -> Complaints) -> Result<Complaints> {
    Ok(tree.files.iter().flat_map(rule).collect())
}

const RULES: &[Rule] = &[
    Rule { name: "crates depend only on the floors below them", check: floors::dependencies },
    Rule { name: "the main-thread wasm holds no SQLite", check: floors::no_sqlite_on_the_main_thread },
    Rule { name: "every crate takes the workspace's lints", check: |tree| each(tree, rust::lints) },
    Rule { name: "unsafe stays in the worker's sqlite and vfs", check: |tree| each(tree, rust::unsafe_places) },
    Rule { name: "every unsafe block says why it is sound", check: |tree| each(tree, rust::safety_lines) },
    Rule { name: "every other crate forbids unsafe", check: |tree| each(tree, rust::forbids_unsafe) },
    Rule { name: "JsValue stays at the border", check: |tree| each(tree, rust::js_value_places) },
    Rule { name: "only the leaves export to JavaScript", check: |tree| each(tree, rust::exports) },
    Rule { name: "the target is asked about on mod and use lines only", check: |tree| each(tree, rust::target_cfg) },
    Rule { name: "no name says nothing", check: |tree| each(tree, rust::empty_names) },
    Rule {
        name: "files hold one concern: at most 500 lines without their tests",
        check: |tree| each(tree, house::length),
    },
    Rule { name: "nothing is left for later", check: |tree| each(tree, house::leftovers) },
    Rule { name: "no registry's host and no download address", check: |tree| each(tree, house::hosts) },
    Rule { name: "the demo loads nothing from elsewhere", check: |tree| each(tree, house::no_cdn) },
    Rule { name: "no lock is taken away from who has it", check: |tree| each(tree, house::no_stolen_locks) },
    Rule { name: "docs/STYLE.md has at most 120 lines", check: |tree| Ok(house::style(tree.text("docs/STYLE.md")?)) },
    Rule { name: "README and Cargo.toml name the same oldest Rust", check: house::oldest_rust },
    Rule { name: "every kind of error is in docs/ERRORS.md", check: house::errors },
    Rule { name: "results have the same methods in both languages", check: parity::results },
    Rule { name: "every test that docs/MUTANTS.md names is there", check: mutants::tests_are_there },
    Rule {
        name: "every file of code that a page names is there",
        check: |tree| Ok(paths::files_are_there(&tree.files)),
    },
];

/// Prints what every rule says.
pub fn tidy() -> Result<ExitCode> {
    let mut report = Report::default();
    stage(&mut report)?;
    if report.has_failed() {
        bail!("the house is not tidy")
    }
    Ok(ExitCode::SUCCESS)
}

/// Every rule is one test of this stage.
pub fn stage(report: &mut Report) -> Result<()> {
    let tree = Tree::load()?;
    for rule in RULES {
        report.check(rule.name, judge(rule, &tree));
    }
    Ok(())
}

fn judge(rule: &Rule, tree: &Tree) -> Result<()> {
    let complaints = (rule.check)(tree)?;
    if complaints.is_empty() { Ok(()) } else { bail!("\n  {}", complaints.join("\n  ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let tree = Tree::load().unwrap();
        assert!(tree.files.len() > 20);
        let complaints: Vec<String> = RULES
            .iter()
            .filter_map(|rule| judge(rule, &tree).err().map(|error| format!("{}: {error:#}", rule.name)))
            .collect();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}

/// What the tests of rules are made of.
#[cfg(test)]
mod examples {
    use super::{Complaints, Source};

    /// Asserts that a rule lets the first text pass in this place and stops the second.
    #[track_caller]
    pub fn tells_apart(rule: fn(&Source) -> Complaints, path: &str, good: &str, bad: &str) {
        let complaints = |text: &str| rule(&Source { path: path.to_string(), text: text.to_string() });
        assert_eq!(complaints(good), Complaints::new(), "{path}: {good}");
        let found = complaints(bad);
        assert!(found.iter().any(|complaint| complaint.contains(path)), "{path}: not caught: {bad}");
    }

    /// Asserts that a rule stops a text in one place and lets it pass in another.
    #[track_caller]
    pub fn allows_only_in(rule: fn(&Source) -> Complaints, place: &str, elsewhere: &str, text: &str) {
        let complaints = |path: &str| rule(&Source { path: path.to_string(), text: text.to_string() });
        assert_eq!(complaints(place), Complaints::new(), "{place}: {text}");
        assert!(!complaints(elsewhere).is_empty(), "{elsewhere}: not caught: {text}");
    }
}
