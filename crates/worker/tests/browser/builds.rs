//! The browser's build of SQLite is as listed; the worker's own tests compare the list with the one of the host.

use crate::bench::{Bench, options};
use aludel_protocol::{Storage, Value};
use std::collections::BTreeSet;
use wasm_bindgen_test::wasm_bindgen_test;

/// The lines begin with what differs between compilers.
const HOST: &str = include_str!("../sqlite/host.txt");
const LISTED: &str = include_str!("../sqlite/wasm.txt");

#[wasm_bindgen_test]
async fn the_build_of_the_browser_is_as_listed() {
    let mut bench = Bench::new();
    let memory = aludel_protocol::OpenOptions { storage: Storage::Memory, ..options("test", true) };
    assert_eq!(bench.open(1, memory).await, Ok("wal".into()));
    let mut line = |name: &str, sql: &str| match bench.scalar(1, sql) {
        Value::Text(text) => format!("{name}={text}"),
        Value::Integer(integer) => format!("{name}={integer}"),
        other => panic!("{other:?}"),
    };
    let mut lines = vec![line("version", "select sqlite_version()")];
    // The defaults are those that the host's list names, in its order.
    let pragmas = HOST.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name);
    let pragmas =
        pragmas.filter(|name| *name != "version" && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    lines.extend(pragmas.map(|name| line(name, &format!("pragma {name}"))));
    lines.extend(bench.run(1, "pragma compile_options").into_iter().flatten().map(|option| match option {
        Value::Text(option) => option,
        other => panic!("{other:?}"),
    }));
    let own = |line: &&str| !line.starts_with("COMPILER=");
    let found: BTreeSet<&str> = lines.iter().map(String::as_str).filter(own).collect();
    let listed: BTreeSet<&str> = LISTED.lines().filter(own).collect();
    let (more, less): (Vec<_>, Vec<_>) = (found.difference(&listed).collect(), listed.difference(&found).collect());
    assert!(
        more.is_empty() && less.is_empty(),
        "not listed: {more:?}\nnot there: {less:?}\nall:\n{}",
        lines.join("\n")
    );
}
