//! Rules about what may depend on what.

use super::{Complaints, Tree};
use crate::metadata::Metadata;
use anyhow::Result;

/// Each crate with the members below it that it may use.
const FLOORS: [(&str, &[&str]); 6] = [
    ("aludel-protocol", &[]),
    ("aludel-sql", &["aludel-protocol"]),
    ("aludel-worker", &["aludel-protocol"]),
    // The worker by the feature `embedded`, on hosts only.
    ("aludel", &["aludel-protocol", "aludel-sql", "aludel-worker"]),
    ("aludel-js", &["aludel", "aludel-protocol", "aludel-sql"]),
    ("aludel-core-js", &["aludel-protocol", "aludel-sql"]),
];
/// What brings SQLite.
const SQLITE: [&str; 3] = ["aludel-worker", "libsqlite3-sys", "sqlite-wasm-rs"];

/// Imports only point down, and the ground floor stands on nothing.
pub fn dependencies(tree: &Tree) -> Result<Complaints> {
    let mut complaints = Complaints::new();
    for (name, allowed) in FLOORS {
        for found in tree.host.member_dependencies(name)? {
            if !allowed.contains(&found.as_str()) {
                complaints.push(format!("{name} depends on {found}"));
            }
        }
    }
    let ground = tree.host.member("aludel-protocol")?.1;
    complaints.extend(ground.normal.iter().map(|id| format!("aludel-protocol depends on {id}")));
    Ok(complaints)
}

/// Nothing that the main-thread wasm is made of brings SQLite, nor does the client on wasm32.
pub fn no_sqlite_on_the_main_thread(tree: &Tree) -> Result<Complaints> {
    let mut complaints = Complaints::new();
    for name in ["aludel-js", "aludel-core-js", "aludel"] {
        complaints.extend(brings_sqlite(&tree.wasm, name)?);
    }
    Ok(complaints)
}

fn brings_sqlite(wasm: &Metadata, name: &str) -> Result<Complaints> {
    let reached = wasm.reached_from(&[name])?;
    let found = reached.values().filter(|package| SQLITE.contains(&package.name.as_str()));
    Ok(found.map(|package| format!("on wasm32 {name} is built with {}", package.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Package;
    use std::collections::{BTreeMap, BTreeSet};

    fn metadata(edges: &[(&str, &[&str])]) -> Metadata {
        let package = |name: &str, normal: &[&str]| Package {
            name: name.to_string(),
            version: String::new(),
            license: String::new(),
            authors: Vec::new(),
            directory: Default::default(),
            rust_version: None,
            is_macro: false,
            normal: normal.iter().map(|name| name.to_string()).collect(),
        };
        let packages: BTreeMap<_, _> =
            edges.iter().map(|(name, normal)| (name.to_string(), package(name, normal))).collect();
        let members: BTreeSet<_> = packages.keys().filter(|name| name.starts_with("aludel")).cloned().collect();
        Metadata { packages, members }
    }

    fn tree(edges: &[(&str, &[&str])]) -> Tree {
        Tree { files: Vec::new(), host: metadata(edges), wasm: metadata(edges) }
    }

    const GOOD: [(&str, &[&str]); 7] = [
        ("aludel-protocol", &[]),
        ("aludel-sql", &["aludel-protocol"]),
        ("aludel-worker", &["aludel-protocol", "libsqlite3-sys"]),
        ("aludel", &["aludel-protocol", "aludel-sql"]),
        ("aludel-js", &["aludel"]),
        ("aludel-core-js", &["aludel-sql"]),
        ("libsqlite3-sys", &[]),
    ];

    fn with(name: &str, normal: &'static [&'static str]) -> Tree {
        let mut edges = GOOD;
        for edge in edges.iter_mut().filter(|edge| edge.0 == name) {
            edge.1 = normal;
        }
        tree(&edges)
    }

    #[test]
    fn an_import_that_points_up_is_found() {
        assert!(dependencies(&tree(&GOOD)).unwrap().is_empty());
        assert_eq!(dependencies(&with("aludel-sql", &["aludel"])).unwrap(), ["aludel-sql depends on aludel"]);
        assert_eq!(dependencies(&with("aludel-js", &["aludel-worker"])).unwrap().len(), 1);
        assert_eq!(dependencies(&with("aludel-core-js", &["aludel"])).unwrap(), ["aludel-core-js depends on aludel"]);
        assert_eq!(dependencies(&with("aludel-protocol", &["libsqlite3-sys"])).unwrap().len(), 1);
        assert!(dependencies(&tree(&GOOD[1..])).is_err());
    }

    #[test]
    fn sqlite_on_the_main_thread_is_found() {
        assert!(no_sqlite_on_the_main_thread(&tree(&GOOD)).unwrap().is_empty());
        let complaints = no_sqlite_on_the_main_thread(&with("aludel", &["aludel-worker"])).unwrap();
        assert!(complaints.contains(&"on wasm32 aludel-js is built with libsqlite3-sys".to_string()), "{complaints:?}");
    }
}
