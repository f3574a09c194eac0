//! SQLite asks whether to stop within instructions that take long, too: `tools/sqlite.patch`, in builds for browsers.

use aludel_protocol::ValueRef;
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
        let mut statement = match connection.prepare(sql) {
            Ok(Prepared::One(statement)) => statement,
            other => panic!("{sql}: {other:?}"),
        };
        let looks = Cell::new(0);
        let look = || stops(&looks, stop_at);
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

    /// With a full-text index beside it, of 20,000 of the rows, in four segments.
    fn full_text() -> Looking {
        let made = Looking::new();
        made.run("CREATE VIRTUAL TABLE f USING fts5(v)");
        for part in 0..4 {
            made.run(&format!("INSERT INTO f SELECT hex(id) || ' ' || v FROM t WHERE id % 6 = {part}"));
        }
        made
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

/// Counts a look, and whether it is the one by this number.
fn stops(looks: &Cell<u32>, stop_at: u32) -> bool {
    looks.set(looks.get() + 1);
    looks.get() == stop_at
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

#[wasm_bindgen_test]
fn a_long_text_is_given_up_while_it_is_prepared() {
    let db = Looking::new();
    let connection = db.0.as_ref().unwrap();
    connection.look_every(500);
    let text = format!("SELECT id FROM t WHERE id IN (SELECT 1 UNION VALUES {})", vec!["(7)"; 10_000].join(", "));
    let prepare = |stop_at: u32| {
        let looks = Cell::new(0);
        let prepared = connection.prepare_until(&text, &|| stops(&looks, stop_at));
        (prepared.map_err(|failure| failure.code()).map(|_| ()), looks.get())
    };
    // A value has four tokens.
    let (prepared, all) = prepare(0);
    assert!(prepared.is_ok() && all >= 80, "{prepared:?}, {all} looks");
    for stop_at in [1, 2, all / 2, all] {
        assert_eq!(prepare(stop_at), (Err(ffi::SQLITE_INTERRUPT), stop_at), "of {all}");
        assert_eq!(db.value("SELECT count(*) FROM t").as_deref(), Some("30000"));
    }
    db.run(&text);
}

/// It copies what it has made, page by page.
#[wasm_bindgen_test]
fn a_vacuum_is_stopped_while_it_copies() {
    let db = Looking::new();
    // One row, so that few instructions are left beside the copying.
    db.run("CREATE TABLE b AS SELECT zeroblob(4000000) AS data");
    db.run("DROP TABLE t");
    let all = db.step("VACUUM", 500, 0).1;
    assert!(all >= 180, "{all}");
    for stop_at in [1, 2, all / 2, all - 5] {
        assert_eq!(db.step("VACUUM", 500, stop_at).1, stop_at, "of {all}");
        assert_eq!(db.value("SELECT length(data) FROM b").as_deref(), Some("4000000"));
        assert_eq!(db.value("PRAGMA integrity_check").as_deref(), Some("ok"), "stopped at {stop_at} of {all}");
    }
    db.run("VACUUM");
}

/// Statements that take long within full-text indexes, whether they write, and how many looks they take at least: without
/// those in the loops of FTS5 they take fewer.
const FULL_TEXT: [(&str, bool, u32); 9] = [
    ("SELECT count(*) FROM f WHERE f MATCH '\"table row\"'", false, 300),
    ("SELECT count(*) FROM f WHERE f MATCH 'r*'", false, 400),
    ("SELECT bm25(f) FROM f WHERE f MATCH 'row' LIMIT 1", false, 150),
    ("PRAGMA integrity_check", false, 3000),
    ("INSERT INTO f(f) VALUES('optimize')", true, 700),
    ("INSERT INTO f(f) VALUES('rebuild')", true, 2500),
    ("INSERT INTO f SELECT v FROM t", true, 4500),
    ("INSERT INTO f SELECT replace(hex(zeroblob(100000)), '00', ' ab')", true, 800),
    ("DELETE FROM f", true, 4000),
];

#[wasm_bindgen_test]
fn looks_are_taken_within_full_text_indexes() {
    for (sql, _, least) in FULL_TEXT {
        let (finished, looks, _) = Looking::full_text().step(sql, 500, 0);
        assert!(finished && looks >= least, "{sql}: {looks}");
    }
}

#[wasm_bindgen_test]
fn a_statement_that_is_stopped_within_a_full_text_index_leaves_it_whole() {
    for (sql, writes, _) in FULL_TEXT {
        let db = Looking::full_text();
        let begin = || {
            db.run("BEGIN");
            db.run("INSERT INTO f VALUES ('a word of a transaction')");
        };
        begin();
        let all = db.step(sql, 500, 0).1;
        db.run("ROLLBACK");
        // Not up to the last: how many there are depends on what the statement finds in memory.
        for stop_at in (1..all * 19 / 20).step_by((all / 12).max(1) as usize) {
            begin();
            let (finished, looks, _) = db.step(sql, 500, stop_at);
            assert_eq!((finished, looks), (false, stop_at), "{sql}, stopped at {stop_at} of {all}");
            assert_eq!(db.0.as_ref().unwrap().in_transaction(), !writes, "{sql}, stopped at {stop_at} of {all}");
            if !writes {
                assert_eq!(
                    db.value("SELECT count(*) FROM f WHERE f MATCH 'transaction'").as_deref(),
                    Some("1"),
                    "{sql}"
                );
                db.run("ROLLBACK");
            }
        }
        assert_eq!(db.value("SELECT count(*) FROM f WHERE f MATCH 'table'").as_deref(), Some("20000"), "after {sql}");
        assert_eq!(db.value("SELECT count(*) FROM f WHERE f MATCH 'transaction'").as_deref(), Some("0"), "after {sql}");
        assert_eq!(db.value("PRAGMA integrity_check").as_deref(), Some("ok"), "after {sql}");
        db.run(sql);
    }
}

/// What a transaction has in memory of a full-text index is written when a savepoint begins or ends, and when it commits. Half
/// of it would be lost, or would be the index from there on.
#[wasm_bindgen_test]
fn what_begins_or_ends_a_savepoint_or_a_transaction_is_asked_and_goes_on_to_its_end() {
    let db = Looking::full_text();
    for (open, sql, close) in
        [("BEGIN", "SAVEPOINT s", "COMMIT"), ("SAVEPOINT r", "RELEASE r", ""), ("BEGIN", "COMMIT", "")]
    {
        for stop_at in [1, 200] {
            let what = format!("{sql}, stopped at {stop_at}");
            db.run(open);
            db.run("INSERT INTO f SELECT v || ' again' FROM t");
            let (finished, looks, _) = db.step(sql, 500, stop_at);
            assert!(finished && looks > 300, "{what}: {looks}");
            if !close.is_empty() {
                db.run(close);
            }
            assert_eq!(db.value("SELECT count(*) FROM f WHERE f MATCH 'again'").as_deref(), Some("30000"), "{what}");
            assert_eq!(db.value("PRAGMA integrity_check").as_deref(), Some("ok"), "{what}");
            db.run("DELETE FROM f WHERE f MATCH 'again'");
        }
    }
}

/// Such a table writes what it has in memory when it is read. A statement that only reads leaves its transaction open.
#[wasm_bindgen_test]
fn a_read_that_writes_a_full_text_index_is_stopped_before_or_behind_that() {
    let db = Looking::new();
    db.run("CREATE VIRTUAL TABLE f USING fts5(v, tokendata = 1)");
    db.run("BEGIN");
    db.run("INSERT INTO f SELECT v FROM t");
    let sql = "SELECT count(*) FROM f WHERE f MATCH 'row'";
    for stop_at in [1, 2, 10] {
        assert!(!db.step(sql, 500, stop_at).0);
        db.run("INSERT INTO f SELECT v FROM t LIMIT 5000");
    }
    db.run("COMMIT");
    assert_eq!(db.value(sql).as_deref(), Some("45000"));
    assert_eq!(db.value("PRAGMA integrity_check").as_deref(), Some("ok"));
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

/// Statements over 20 rows of 100 pages, or of functions that take or give as much, and how many looks they have at least.
const LARGE: [(&str, u32); 8] = [
    ("SELECT sum(length(body)) FROM d", 300),
    ("UPDATE d SET body = substr(body, 2)", 900),
    ("INSERT INTO d SELECT id + 100, body FROM d", 600),
    ("DELETE FROM d WHERE id > 0", 300),
    ("DELETE FROM d", 300),
    ("SELECT length(hex(zeroblob(1000000 + id))) FROM t WHERE id < 5", 100),
    ("SELECT group_concat(v || hex(zeroblob(500000)), id) FROM t WHERE id < 5", 100),
    ("SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1", 60),
];

fn large() -> Looking {
    let made = Looking::new();
    made.run("CREATE TABLE d(id INTEGER PRIMARY KEY, body TEXT)");
    made.run("INSERT INTO d SELECT id, hex(zeroblob(204800)) FROM t WHERE id <= 20");
    made
}

#[wasm_bindgen_test]
fn looks_are_taken_where_few_rows_are_large() {
    for (sql, least) in LARGE {
        let (finished, looks, _) = large().step(sql, 500, 0);
        assert!(finished && looks >= least, "{sql}: {looks}");
    }
}

#[wasm_bindgen_test]
fn a_statement_that_is_stopped_within_a_large_row_leaves_the_database_whole() {
    for (sql, _) in LARGE {
        let all = large().step(sql, 500, 0).1;
        for stop_at in [1, 2, all / 3, all / 2, all - 1] {
            let db = large();
            assert_eq!(db.step(sql, 500, stop_at).1, stop_at, "{sql}: of {all}");
            assert_eq!(
                db.value("SELECT count(*) || ' ' || sum(length(body)) FROM d").as_deref(),
                Some("20 8192000"),
                "{sql}"
            );
            assert_eq!(
                db.value("PRAGMA integrity_check").as_deref(),
                Some("ok"),
                "{sql}: stopped at {stop_at} of {all}"
            );
            db.run(sql);
        }
    }
}

/// A statement, asked every 500 steps while it is prepared: whether it was, and after how many looks.
fn prepare(db: &Looking, text: &str, stop_at: u32) -> (Result<(), i32>, u32) {
    prepare_on(db.0.as_ref().unwrap(), text, stop_at)
}

fn prepare_on(connection: &Connection, text: &str, stop_at: u32) -> (Result<(), i32>, u32) {
    connection.look_every(500);
    let looks = Cell::new(0);
    let prepared = connection.prepare_until(text, &|| stops(&looks, stop_at));
    (prepared.map_err(|failure| failure.code()).map(|_| ()), looks.get())
}

fn numbers(count: usize) -> String {
    (0..count).map(|i| i.to_string()).collect::<Vec<_>>().join(", ")
}

/// Texts that are long, and how many looks preparing them takes at least.
fn long_texts() -> [(String, u32); 4] {
    let cases: String = (0..3_000).map(|i| format!(" WHEN {} THEN {i}", 10_000 + i)).collect();
    let tables: String = (0..3_000).map(|i| format!("c{i} AS (SELECT 1), ")).collect();
    [
        // A number has two tokens, and is looked at more often then.
        (format!("SELECT 7 IN ({})", numbers(20_000)), 190),
        (format!("SELECT 'x' IN ('{}')", numbers(20_000).replace(", ", "', '")), 190),
        // Each constant is compared with all others.
        (format!("SELECT CASE 1{cases} END"), 1_500),
        // So is each name.
        (format!("WITH {tables}x AS (SELECT 2) SELECT * FROM x"), 1_500),
    ]
}

#[wasm_bindgen_test]
fn looks_are_taken_while_what_was_parsed_is_made_a_program() {
    let db = Looking::new();
    for (text, least) in long_texts() {
        let (prepared, all) = prepare(&db, &text, 0);
        assert!(prepared.is_ok() && all >= least, "{:.40}: {prepared:?}, {all} looks", text);
        for stop_at in [1, all / 4, all / 2, all * 5 / 8, all * 7 / 8, all - 1, all] {
            assert_eq!(prepare(&db, &text, stop_at), (Err(ffi::SQLITE_INTERRUPT), stop_at), "{:.40}: of {all}", text);
            assert_eq!(db.value("SELECT count(*) FROM t").as_deref(), Some("30000"));
        }
    }
}

/// Where something has been left out since the stop, it must not be told as a mistake in the text.
#[wasm_bindgen_test]
fn a_text_that_is_stopped_while_it_is_prepared_is_told_to_be_stopped_wherever_that_was() {
    let db = Looking::new();
    let cases: String = (0..200).map(|i| format!(" WHEN {i} THEN {i}")).collect();
    for text in [
        format!("SELECT * FROM t WHERE id = CASE 5{cases} END"),
        format!("SELECT * FROM t WHERE v = (7 IN ({}))", numbers(300)),
        format!("UPDATE t SET v = CASE 5{cases} END WHERE id = 1"),
        "SELECT id + 1, v FROM t UNION SELECT 1, 2 ORDER BY t.id + 1, 2".to_owned(),
        "SELECT id, sum(id) FILTER (WHERE id IN (1, 2)) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t"
            .to_owned(),
    ] {
        let connection = db.0.as_ref().unwrap();
        connection.look_every(1);
        for stop_at in 1.. {
            let looks = Cell::new(0);
            let stopped = || {
                looks.set(looks.get() + 1);
                looks.get() >= stop_at
            };
            match connection.prepare_until(&text, &stopped) {
                Ok(_) => {
                    assert!(looks.get() < stop_at && stop_at > 20, "{text:.40}: {stop_at}");
                    break;
                }
                Err(failure) => {
                    assert_eq!(failure.code(), ffi::SQLITE_INTERRUPT, "{text:.40}, {stop_at}: {failure:?}");
                }
            }
        }
    }
}

/// The longest way through a program, in instructions, without one that only asks: it jumps to the next.
fn longest_way(db: &Looking, sql: &str) -> i64 {
    let connection = db.0.as_ref().unwrap();
    let Ok(Prepared::One(mut program)) = connection.prepare(&format!("EXPLAIN {sql}")) else { panic!("{sql:.40}") };
    let (mut last, mut longest) = (0, 0);
    while let Ok(Step::Row) = program.step(None) {
        let [address, opcode, target] = [0, 1, 3].map(|column| program.cell(column).unwrap());
        let (ValueRef::Integer(address), ValueRef::Integer(target)) = (address, target) else { panic!("{address:?}") };
        longest = longest.max(address - last);
        if opcode == ValueRef::Text("Goto") && target == address + 1 {
            last = address;
        }
    }
    longest
}

/// SQLite asks where a program jumps back, and what such a text is made goes straight on.
#[wasm_bindgen_test]
fn a_program_that_goes_straight_on_is_asked_too() {
    let db = Looking::new();
    for (text, _) in long_texts() {
        let way = longest_way(&db, &text);
        assert!(way < 1_100, "{text:.40}: {way} instructions");
        assert!(db.step(&text, 500, 0).0);
    }
    assert_eq!(db.value("SELECT 19999 IN (1, 19999) AND 7 NOT IN (1, 2) AND 'a' IN ('b', 'a')").as_deref(), Some("1"));
    assert_eq!(db.value(&format!("SELECT sum(id IN ({})) FROM t", numbers(20_000))).as_deref(), Some("19999"));
    assert_eq!(db.value(&format!("SELECT sum(v IN ({})) FROM t", numbers(5_000))).as_deref(), Some("0"));
    assert_eq!(
        db.value("SELECT sum(v IN ('row 7919 of a table', 'row 15838 of a table')) FROM t").as_deref(),
        Some("2")
    );
}

/// They are put aside and freed a few at a time, which must keep up with those that come.
#[wasm_bindgen_test]
fn what_long_texts_have_left_is_freed() {
    let db = Looking::new();
    // What is put aside whole, a list of literals and the program; and a list of other expressions, item by item.
    for text in [
        format!("SELECT 'x' IN ('{}', 1e3, -5, NULL, ?, 9e99)", numbers(20_000).replace(", ", "', '")),
        format!("SELECT 7 IN ({}, 1 + 2, 'x' || 'y')", numbers(20_000)),
    ] {
        let (_, all) = prepare(&db, &text, 0);
        let some = || (0..20).for_each(|i| assert_eq!(prepare(&db, &text, all * i / 20).0.is_ok(), i == 0));
        some();
        let before = core::arch::wasm32::memory_size(0);
        some();
        some();
        let grown = core::arch::wasm32::memory_size(0) - before;
        // Each has some 20,000 allocations of 80 bytes.
        assert!(grown < 2 * 26, "{text:.40}: {grown} pages of 64 KiB");
    }
}

/// What is put aside has memory of its connection, which may be closed before that is freed.
#[wasm_bindgen_test]
fn what_long_texts_have_left_goes_with_its_connection() {
    let db = Looking::new();
    let text = format!("SELECT 7 IN ({})", numbers(20_000));
    let round = || {
        let open = || Connection::open(NAME, VFS_NAME, false).unwrap();
        let (first, second) = (open(), open());
        for connection in [&first, &second, &first] {
            assert!(prepare_on(connection, &text, 0).0.is_ok());
        }
        drop(first);
        for connection in [second, open()] {
            assert_eq!(connection.query("SELECT count(*) FROM t").unwrap().as_deref(), Some("30000"));
            assert_eq!(connection.query(&text).unwrap().as_deref(), Some("1"));
        }
        assert_eq!(db.value("SELECT count(*) FROM t").as_deref(), Some("30000"));
    };
    round();
    let before = core::arch::wasm32::memory_size(0);
    (0..5).for_each(|_| round());
    let grown = core::arch::wasm32::memory_size(0) - before;
    assert!(grown < 2 * 26, "{grown} pages of 64 KiB");
}
