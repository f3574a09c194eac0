//! Errors: kinds, codes, constraints, offsets, storage.

use crate::bench::{Bench, execute, options};
use crate::scratch::Scratch;
use aludel_protocol::{
    Constraint, ConstraintKind, Error, ErrorKind, OpenOptions, Request, Storage, StorageReason, Value,
};
use std::path::PathBuf;

#[test]
fn errors_keep_their_kind_extended_code_and_statement() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (id integer primary key, n integer not null unique check (n < 100)) strict");
    bench.run(1, "insert into t values (1, 1)");
    for (sql, kind, code) in [
        ("selec 1", ErrorKind::Operational, 1),
        ("select * from nowhere", ErrorKind::Operational, 1),
        ("select nothing from t", ErrorKind::Operational, 1),
        ("insert into t values (1, 2)", ErrorKind::Integrity, 1555),
        ("insert into t values (2, 1)", ErrorKind::Integrity, 2067),
        ("insert into t values (2, null)", ErrorKind::Integrity, 1299),
        ("insert into t values (2, 100)", ErrorKind::Integrity, 275),
        ("insert into t values (2, 'x')", ErrorKind::Integrity, 3091),
        ("insert into t (id, n) values ('x', 3)", ErrorKind::Integrity, 20),
        ("select zeroblob(2000000000)", ErrorKind::Data, 18),
        ("select abs(-9223372036854775807 - 1)", ErrorKind::Operational, 1),
        ("commit", ErrorKind::Operational, 1),
    ] {
        let error = bench.fail(1, sql);
        assert_eq!((error.kind(), error.sqlite_code()), (kind, code), "{sql}: {error}");
        assert_eq!(error.statement(), Some(sql));
    }
}

#[test]
fn integrity_errors_name_their_constraint() {
    let mut bench = Bench::with(1);
    for sql in [
        "create table p (id integer primary key, a text not null, b text, constraint short check (length(a) < 9))",
        "create unique index p_a_b on p (a, b)",
        "create unique index p_lower on p (lower(b))",
        "create table c (p integer references p (id), name text primary key) without rowid",
        "create trigger guard before delete on p begin select raise(abort, 'p is kept'); end",
        "create table s (n integer) strict",
        "insert into p values (1, 'a', 'b')",
        "insert into c values (1, 'c')",
    ] {
        bench.run(1, sql);
    }
    let kept = |kind, name: Option<&str>, table: Option<&str>, columns: &[&str]| Constraint {
        kind,
        name: name.map(str::to_owned),
        table: table.map(str::to_owned),
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
    };
    for (sql, expected) in [
        ("insert into p values (1, 'x', 'y')", kept(ConstraintKind::PrimaryKey, None, Some("p"), &["id"])),
        ("insert into c values (1, 'c')", kept(ConstraintKind::PrimaryKey, None, Some("c"), &["name"])),
        ("insert into p values (2, 'a', 'b')", kept(ConstraintKind::Unique, Some("p_lower"), None, &[])),
        ("insert into p values (2, null, 'y')", kept(ConstraintKind::NotNull, None, Some("p"), &["a"])),
        ("insert into p values (2, 'far too long', 'y')", kept(ConstraintKind::Check, Some("short"), None, &[])),
        ("insert into c values (99, 'd')", kept(ConstraintKind::ForeignKey, None, None, &[])),
        ("delete from p", kept(ConstraintKind::Trigger, Some("p is kept"), None, &[])),
        ("insert into s values ('x')", kept(ConstraintKind::DataType, None, Some("s"), &["n"])),
    ] {
        let error = bench.fail(1, sql);
        assert_eq!(error.constraint(), Some(&expected), "{sql}: {error}");
    }
    bench.run(1, "drop index p_lower");
    let error = bench.fail(1, "insert into p values (2, 'a', 'b')");
    assert_eq!(error.constraint(), Some(&kept(ConstraintKind::Unique, None, Some("p"), &["a", "b"])));
}

#[test]
fn errors_say_where_in_the_statement() {
    let mut bench = Bench::with(1);
    for (sql, offset) in [("select 'é', nothing", Some(13)), ("select 1 frm x", Some(13)), ("commit", None)] {
        assert_eq!(bench.fail(1, sql).offset(), offset, "{sql}");
    }
}

#[test]
fn an_expression_of_a_hundred_thousand_levels_is_an_error() {
    let mut bench = Bench::with(1);
    for (open, close) in [("-", ""), ("(", ")"), ("abs(", ")"), ("not ", ""), ("1+", ""), ("(select ", ")")] {
        let sql = format!("select {}1{}", open.repeat(100_000), close.repeat(100_000));
        match bench.try_run(1, &execute(&sql), &[]) {
            Err(error) => assert_eq!(error.kind(), ErrorKind::Operational, "{open}: {}", error.message()),
            // Parentheses alone are no levels to SQLite.
            Ok(outcome) => assert_eq!((open, &outcome.rows[0][0]), ("(", &Value::Integer(1))),
        }
    }
    assert_eq!(bench.integer(1, "select 1"), 1);
}

/// A file of its own for each test, gone with it.
struct File(Scratch);

impl File {
    fn new(content: &[u8]) -> File {
        let file = File(Scratch::new());
        std::fs::write(file.path(), content).unwrap();
        file
    }

    fn path(&self) -> PathBuf {
        self.0.path("file.db")
    }

    fn options(&self) -> OpenOptions {
        options(Storage::Disk, &self.0.name("file.db"))
    }
}

fn open_error(bench: &mut Bench, options: OpenOptions) -> Error {
    let id = bench.send(1, Request::Open(options));
    bench.settle();
    bench.error(id).0
}

#[test]
fn a_file_of_garbage_is_no_database() {
    let mut bench = Bench::greeted();
    let garbage: Vec<u8> = (0..9_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let file = File::new(&garbage);
    let error = open_error(&mut bench, file.options());
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::NotADatabase)), "{error}");
    assert_eq!(error.sqlite_code(), 26);
    // It was not touched, and nobody holds it any more.
    assert_eq!(std::fs::read(file.path()).unwrap(), garbage);
    let again = open_error(&mut bench, file.options());
    assert_eq!(again.reason(), Some(StorageReason::NotADatabase));
}

#[test]
fn a_damaged_database_is_corrupt() {
    let mut bench = Bench::greeted();
    let file = File::new(b"");
    bench.open(1, file.options());
    bench.run(1, "create table t (id integer primary key, v text)");
    for n in 0..200 {
        bench.run(1, &format!("insert into t (v) values ('{n} {}')", "x".repeat(100)));
    }
    bench.send(1, Request::Close);
    bench.settle();
    let mut bytes = std::fs::read(file.path()).unwrap();
    assert!(bytes.len() > 5 * 4096);
    bytes[4096..3 * 4096].fill(0xa5);
    std::fs::write(file.path(), &bytes).unwrap();
    bench.open(1, file.options());
    let error = bench.fail(1, "select * from t");
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::Corrupt)), "{error}");
}

#[test]
fn a_file_outlives_its_engine_and_is_one_engines_at_a_time() {
    let file = File::new(b"");
    let mut bench = Bench::greeted();
    bench.open(1, file.options());
    bench.open(2, file.options());
    bench.run(1, "create table t (a)");
    bench.run(2, "insert into t values (5)");
    let mut other = Bench::greeted();
    let error = open_error(&mut other, file.options());
    assert_eq!((error.reason(), error.retryable()), (Some(StorageReason::InUse), true));
    drop(bench);
    other.open(1, file.options());
    assert_eq!(other.integer(1, "select a from t"), 5);
    other.send(0, Request::Shutdown);
    let mut third = Bench::greeted();
    third.open(1, file.options());
    assert_eq!(third.integer(1, "select a from t"), 5);
}

#[test]
fn a_file_that_is_not_there_is_not_made_unasked() {
    let mut bench = Bench::greeted();
    let file = File::new(b"");
    std::fs::remove_file(file.path()).unwrap();
    let error = open_error(&mut bench, OpenOptions { create: false, ..file.options() });
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::CannotOpen)));
    assert!(!file.path().exists());
    let directory = open_error(&mut bench, options(Storage::Disk, "/nonexistent/directory/x.db"));
    assert_eq!(directory.reason(), Some(StorageReason::CannotOpen));
    for special in ["", ":memory:", "file:x.db?vfs=unix", "a\0b"] {
        let error = open_error(&mut bench, options(Storage::Disk, special));
        assert_eq!(
            (error.kind(), error.reason()),
            (ErrorKind::Storage, Some(StorageReason::CannotOpen)),
            "{special:?}"
        );
    }
    bench.open(1, file.options());
}

#[test]
fn a_full_database_is_a_quota_error_and_stays_intact() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (b)");
    bench.run(1, "insert into t values (1)");
    bench.run(1, "pragma max_page_count = 10");
    let error = bench.fail(1, "insert into t values (zeroblob(100000))");
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::Quota)), "{error}");
    assert_eq!(error.sqlite_code(), 13);
    assert_eq!(bench.scalar(1, "pragma integrity_check"), Value::Text("ok".into()));
    assert_eq!(bench.integer(1, "select count(*) from t"), 1);
}
