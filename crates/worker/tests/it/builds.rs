//! Two builds of SQLite, one set of options. The lists are files: `sqlite/host.txt` is compared with this build here,
//! `sqlite/wasm.txt` with the browser's build by whoever runs in a browser, and the two with each other here.
//! `ALUDEL_BLESS=1` writes the host's list anew.

use crate::bench::Bench;
use aludel_protocol::Value;
use std::collections::BTreeSet;

/// What may differ, and why.
const ALLOWED: &[(&str, &str)] = &[
    ("COMPILER=", "gcc or clang"),
    ("ATOMIC_INTRINSICS=", "of the processor"),
    ("HAVE_ISNAN", "of the C library; SQLite has its own otherwise"),
    ("MAX_MMAP_SIZE=", "a browser maps no files; the VFS does not either"),
    ("MAX_SCHEMA=", "newer than the browser's release"),
    ("MAX_WORKER_THREADS=", "no threads there; none are asked for here"),
    ("MUTEX_", "one thread needs none"),
    ("THREADSAFE=", "a worker has one thread, engines on a host may have several"),
    ("SYSTEM_MALLOC", "said by the host's malloc only"),
    ("OS_OTHER", "a browser is no operating system to SQLite"),
    ("version=", "sqlite-wasm-rs and libsqlite3-sys bundle different releases"),
];

fn golden(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sqlite").join(name)
}

/// Defaults that a connection has before anyone asks for others.
const DEFAULTS: &[&str] = &[
    "page_size",
    "cache_size",
    "foreign_keys",
    "synchronous",
    "journal_mode",
    "auto_vacuum",
    "encoding",
    "temp_store",
    "busy_timeout",
    "wal_autocheckpoint",
    "journal_size_limit",
    "max_page_count",
    "recursive_triggers",
    "trusted_schema",
    "cell_size_check",
    "legacy_alter_table",
    "automatic_index",
    "secure_delete",
    "locking_mode",
];

fn lines() -> Vec<String> {
    let mut bench = Bench::with(1);
    let mut text = |sql: &str| match bench.scalar(1, sql) {
        Value::Text(text) => text,
        Value::Integer(integer) => integer.to_string(),
        other => panic!("{other:?}"),
    };
    let mut lines = vec![format!("version={}", text("select sqlite_version()"))];
    lines.extend(DEFAULTS.iter().map(|name| format!("{name}={}", text(&format!("pragma {name}")))));
    let options = bench.run(1, "pragma compile_options").rows.concat();
    lines.extend(options.into_iter().map(|option| match option {
        Value::Text(option) => option,
        other => panic!("{other:?}"),
    }));
    lines
}

fn read(name: &str) -> Vec<String> {
    std::fs::read_to_string(golden(name)).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn the_build_of_the_host_is_as_listed() {
    let lines = lines();
    if std::env::var_os("ALUDEL_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(golden("host.txt"), lines.join("\n") + "\n").unwrap();
    }
    let own = |line: &&String| !line.starts_with("COMPILER=");
    assert_eq!(lines.iter().filter(own).collect::<Vec<_>>(), read("host.txt").iter().filter(own).collect::<Vec<_>>());
}

#[test]
fn the_builds_differ_only_where_they_may() {
    let common = |name| -> BTreeSet<String> {
        let allowed = |line: &String| ALLOWED.iter().any(|(start, _)| line.starts_with(start));
        let lines = read(name);
        assert!(lines.len() > 40, "{name} is missing");
        lines.into_iter().filter(|line| !allowed(line)).collect()
    };
    assert_eq!(common("host.txt"), common("wasm.txt"));
}
