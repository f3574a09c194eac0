//! SQLite asks whether to stop within instructions that take long, too: `tools/sqlite.patch`, in builds for browsers.

use aludel_worker::sqlite::{Connection, Prepared, Step, ffi};
use aludel_worker::vfs::{VFS_NAME, attach_memory, detach, register};
use std::cell::Cell;
use wasm_bindgen_test::wasm_bindgen_test;

const NAME: &str = "looks.db";

/// A database in memory with 30,000 rows in a random order, on more than a hundred pages.
struct Looking(Option<Connection>);

impl Looking {
    fn new() -> Looking {
        register().unwrap();
        attach_memory(NAME);
        let made = Looking(Some(Connection::open(NAME, VFS_NAME, true).unwrap()));
        made.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)");
        made.run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
             INSERT INTO t SELECT i, printf('row %d of a table', i * 7919 % 30011) FROM n",
        );
        made
    }

    /// Runs a statement with a look after so many steps, to its end, or until the look by this number stops it: whether it
    /// came to its end, after how many looks, and after how many it gave its first row, where it gave one.
    fn step(&self, sql: &str, steps: i32, stop_at: u32) -> (bool, u32, Option<u32>) {
        let connection = self.0.as_ref().unwrap();
        connection.look_every(steps);
        let Ok(Prepared::One(mut statement)) = connection.prepare(sql) else { panic!("{sql}") };
        let looks = Cell::new(0);
        let look = || {
            looks.set(looks.get() + 1);
            looks.get() == stop_at
        };
        let mut first = None;
        let finished = loop {
            match statement.step(Some(&look)) {
                Ok(Step::Row) => first = first.or(Some(looks.get())),
                Ok(Step::Done) => break true,
                Err(failure) => {
                    assert_eq!(failure.code(), ffi::SQLITE_INTERRUPT, "{sql}: {failure:?}");
                    break false;
                }
            }
        };
        (finished, looks.get(), first)
    }

    fn run(&self, sql: &str) {
        assert!(self.step(sql, 1_000, 0).0, "{sql}");
    }

    fn value(&self, sql: &str) -> Option<String> {
        self.0.as_ref().unwrap().query(sql).unwrap()
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.0 = None;
        detach(NAME);
    }
}

/// Statements most of whose time goes by within one instruction.
const LONG: [&str; 7] = [
    "SELECT id FROM t ORDER BY v",
    "SELECT v, count(*) FROM t GROUP BY v",
    "CREATE INDEX by_v ON t(v)",
    "SELECT count(*) FROM t",
    "PRAGMA integrity_check",
    "DELETE FROM t",
    "DROP TABLE t",
];

/// More than the instructions that put 30,000 rows into a sorter, less than what sorting them counts for.
const SORTING: i32 = 280_000;

#[wasm_bindgen_test]
fn looks_are_taken_while_rows_are_sorted() {
    let db = Looking::new();
    assert_eq!(db.step("SELECT sum(length(v)) FROM t WHERE v > 'a' AND id > 0", SORTING, 0).1, 0, "nothing is sorted");
    for sql in &LONG[..2] {
        let (finished, _, first) = db.step(sql, SORTING, 0);
        assert!(finished && first.is_some_and(|looks| looks > 0), "{sql}: {first:?}");
    }
}

#[wasm_bindgen_test]
fn looks_are_taken_from_page_to_page() {
    for sql in &LONG[3..] {
        let (finished, looks, _) = Looking::new().step(sql, 500, 0);
        assert!(finished && looks >= 20, "{sql}: {looks}");
    }
}

#[wasm_bindgen_test]
fn a_statement_is_stopped_at_any_look_and_leaves_the_database_whole() {
    for sql in LONG {
        let all = Looking::new().step(sql, 500, 0).1;
        let db = Looking::new();
        // The first ones, one near the end, and some between.
        let between = (10..all - 2).step_by((all / 20).max(1) as usize);
        for stop_at in (1..10).chain(between).chain([all - 2]) {
            let (finished, looks, _) = db.step(sql, 500, stop_at);
            assert_eq!((finished, looks), (false, stop_at), "{sql}, stopped at {stop_at} of {all}");
        }
        assert_eq!(db.value("SELECT count(*) FROM t").as_deref(), Some("30000"), "after {sql}");
        assert_eq!(db.value("PRAGMA integrity_check").as_deref(), Some("ok"), "after {sql}");
        db.run(sql);
    }
}

/// As `temp_store = FILE` has it: portions are sorted, written to a file and merged.
#[wasm_bindgen_test]
fn merging_portions_is_stopped_too() {
    let db = Looking::new();
    db.value("PRAGMA temp_store = FILE");
    db.value("PRAGMA cache_size = 1");
    let sql = "SELECT id FROM t ORDER BY v || hex(zeroblob(100))";
    let (finished, all, _) = db.step(sql, 500, 0);
    assert!(finished);
    for stop_at in (1..all).step_by((all / 50) as usize) {
        assert_eq!(db.step(sql, 500, stop_at).1, stop_at, "of {all}");
    }
    db.run(sql);
}
