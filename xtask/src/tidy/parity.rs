//! Results are written twice, in Rust and in TypeScript, so that reading a row crosses no border. They stay twins.

use super::code::code_only;
use super::{Complaints, Tree};
use anyhow::Result;
use std::collections::BTreeSet;

/// The two files of each twin.
const TWINS: [(&str, &str); 2] = [
    ("src/result_set/mod.rs", "pkg-templates/src/result.ts"),
    ("src/result_set/stream.rs", "pkg-templates/src/async_result.ts"),
];

/// Methods of one language that have no twin by name, and why.
const ONLY_RUST: [(&str, &str); 6] = [
    ("from_rows", "makes a result for the users' tests; in JavaScript an object does"),
    ("iter", "`Symbol.iterator` in JavaScript"),
    ("next", "`Symbol.asyncIterator` in JavaScript"),
    ("into_stream", "`Symbol.asyncIterator` in JavaScript"),
    ("unique_by", "`unique(strategy)` in JavaScript: Rust has no optional arguments"),
    ("thaw", "a frozen result is a function in JavaScript"),
];
const ONLY_JAVASCRIPT: [(&str, &str); 2] = [
    ("of", "internal: makes the object"),
    ("tuples", "rows as arrays with types of their own; in Rust rows become tuples by `get`"),
];

/// A method of one has a method of the same name in the other.
pub fn results(tree: &Tree) -> Result<Complaints> {
    let mut complaints = Complaints::new();
    for (rust, typescript) in TWINS {
        complaints.extend(compare((rust, tree.text(rust)?), (typescript, tree.text(typescript)?)));
    }
    Ok(complaints)
}

fn compare((rust, rust_text): (&str, &str), (script, script_text): (&str, &str)) -> Complaints {
    let (ours, theirs) = (rust_methods(rust_text), script_methods(script_text));
    let mut complaints = Complaints::new();
    for (path, methods) in [(rust, &ours), (script, &theirs)] {
        if methods.is_empty() {
            complaints.push(format!("{path}: no method can be read in it"));
        }
    }
    let alone = |table: &[(&str, &str)], name: &str| table.iter().any(|(only, _)| *only == name);
    for name in ours.iter().filter(|name| !alone(&ONLY_RUST, name) && !theirs.contains(&camel(name))) {
        complaints.push(format!("{script}: lacks {}, which {rust} has as {name}", camel(name)));
    }
    let ours: BTreeSet<String> = ours.iter().map(|name| camel(name)).collect();
    for name in theirs.iter().filter(|name| !alone(&ONLY_JAVASCRIPT, name) && !ours.contains(*name)) {
        complaints.push(format!("{rust}: lacks a twin of {name}, which {script} has"));
    }
    complaints
}

/// The names of the public functions.
fn rust_methods(text: &str) -> BTreeSet<String> {
    let code = code_only(text);
    let names = code.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix("pub ")?;
        let rest = rest.strip_prefix("async ").unwrap_or(rest).strip_prefix("fn ")?;
        rest.split(['(', '<']).next()
    });
    names.map(str::to_string).collect()
}

/// The names of the methods and getters of the classes of results and their bases.
fn script_methods(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut exported = false;
    for line in text.lines() {
        if line.starts_with("export ") && line.contains("class ") {
            let class = line.split("class ").nth(1).and_then(|rest| rest.split([' ', '<']).next()).unwrap_or_default();
            exported = ["Result", "Fetched", "Streamed"].iter().any(|ending| class.ends_with(ending));
        } else if line.starts_with('}') {
            exported = false;
        }
        let Some(member) = line.strip_prefix("  ").filter(|_| exported) else { continue };
        let member = ["static ", "async ", "get ", "*"]
            .iter()
            .fold(member, |rest, word| rest.strip_prefix(word).unwrap_or(rest));
        let name: String = member.chars().take_while(|character| character.is_ascii_alphanumeric()).collect();
        let called = member[name.len()..].starts_with(['(', '<']);
        if called && !name.is_empty() && name != "constructor" {
            names.insert(name);
        }
    }
    names
}

/// `scalar_one_or_none` as JavaScript writes it: `scalarOneOrNone`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_string();
    words.fold(first, |mut out, word| {
        let mut letters = word.chars();
        out.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        out.push_str(letters.as_str());
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUST: &str = "impl ResultSet {\n    pub fn one_or_none(&self) {}\n    pub async fn scalars<T>(&self) {}\n    fn own() {}\n    pub fn iter(&self) {}\n}\n";
    const SCRIPT: &str = "export class Result<T> extends Fetched<T> {\n  private constructor() {\n    if (x) {\n  }\n  oneOrNone(): T {\n  \
                          async scalars<K>(column: K): void;\n  static of(): void {}\n}\nexport class View {\n  pick() {}\n}\n";

    fn complaints(rust: &str, script: &str) -> Complaints {
        compare(("rust", rust), ("script", script))
    }

    #[test]
    fn a_method_without_a_twin_is_found() {
        assert_eq!(complaints(RUST, SCRIPT), Complaints::new());
        let more = RUST.replace("fn own", "pub fn fetch_more");
        assert_eq!(complaints(&more, SCRIPT), ["script: lacks fetchMore, which rust has as fetch_more"]);
        let more = SCRIPT.replace("  static of", "  get rowcount(): number {}\n  static of");
        assert_eq!(complaints(RUST, &more), ["rust: lacks a twin of rowcount, which script has"]);
        assert!(!complaints("", SCRIPT).is_empty() && !complaints(RUST, "").is_empty());
    }

    #[test]
    fn names_are_written_as_javascript_writes_them() {
        assert_eq!(["scalar_one_or_none", "fetchall"].map(camel), ["scalarOneOrNone", "fetchall"]);
    }
}
