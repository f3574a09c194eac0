//! What SQLite keeps beside a database for a while: temporary tables, sorts, journals of statements, copies.

use super::{Db, Place};

const ROWS: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO t SELECT i, printf('row %d', i) FROM n";

/// With SQLite's own memory for temporary things, as in every build of ours, and with temporary files, which it is to be
/// able to do without.
fn with_both(place: &Place, work: impl Fn(&Db)) {
    for store in ["memory", "file"] {
        let db = place.wal();
        db.run(&format!("PRAGMA temp_store={store}; PRAGMA cache_size=10; DROP TABLE IF EXISTS t; {ROWS}"));
        work(&db);
        db.check_integrity();
    }
}

pub fn temporary_tables_and_sorts_larger_than_the_cache_work(place: &Place) {
    with_both(place, |db| {
        db.run("CREATE TEMP TABLE copy AS SELECT * FROM t ORDER BY v DESC; CREATE INDEX byv ON t(v)");
        assert_eq!(db.value("SELECT count(*), min(v) FROM copy"), "20000|row 1");
        let sorted = "SELECT v FROM t ORDER BY substr(v, 7) || v, id DESC";
        assert_eq!(db.value(&format!("SELECT count(*) FROM ({sorted})")), "20000");
        assert_eq!(db.value("SELECT count(DISTINCT v || 'x') FROM t"), "20000");
        db.run("BEGIN; INSERT INTO copy SELECT id, v FROM t; ROLLBACK");
        assert_eq!(db.value("SELECT count(*) FROM copy"), "20000");
        db.run("DROP INDEX byv");
    });
}

pub fn statements_are_undone_alone(place: &Place) {
    with_both(place, |db| {
        db.run("CREATE UNIQUE INDEX once ON t(v); BEGIN; UPDATE t SET v = v || '!' WHERE id <= 100");
        // It fails at the very last row, after it changed all others.
        assert!(db.try_run("UPDATE t SET v = CASE WHEN id < 20000 THEN 'x' || v ELSE 'xrow 200' END").is_err());
        assert_eq!(db.value("SELECT count(*) FROM t WHERE v LIKE 'x%'"), "0");
        assert_eq!(db.value("SELECT count(*) FROM t WHERE v LIKE '%!'"), "100", "the statement before stands");
        db.run("SAVEPOINT a; DELETE FROM t; ROLLBACK TO a; RELEASE a; COMMIT");
        assert_eq!(db.value("SELECT count(*) FROM t"), "20000");
    });
}

pub fn vacuum_rewrites_the_database(place: &Place) {
    with_both(place, |db| {
        db.run("DELETE FROM t WHERE id % 10 > 0");
        let pages = |db: &Db| db.value("PRAGMA page_count").parse::<u32>().unwrap();
        let before = pages(db);
        db.run("VACUUM");
        assert!(pages(db) < before / 2, "{before} pages became {}", pages(db));
        assert_eq!(db.value("SELECT count(*), sum(id) FROM t"), "2000|20010000");
        db.run("DROP TABLE IF EXISTS u; CREATE TABLE u(x); VACUUM");
    });
}

pub fn materialised_queries_work(place: &Place) {
    with_both(place, |db| {
        let cte = "WITH m AS MATERIALIZED (SELECT id, v || v AS w FROM t) SELECT count(*) FROM m a JOIN m b USING (id)";
        assert_eq!(db.value(cte), "20000");
        let recursive = "WITH RECURSIVE r(i, v) AS (SELECT id, v FROM t UNION SELECT i / 2, v FROM r WHERE i > 15000)
            SELECT count(*) FROM r";
        assert_eq!(db.value(recursive), "25000");
    });
}

/// Both are in WAL mode, so no journal over both is needed; nothing of the kind could be made here.
pub fn a_transaction_over_two_databases_is_atomic_while_the_process_lives(place: &Place) {
    let (db, other) = (place.wal(), Db::wal(&place.other));
    other.run("CREATE TABLE u(x)");
    db.run(&format!("CREATE TABLE t(x); ATTACH '{}' AS other", place.other));
    db.run("BEGIN; INSERT INTO t VALUES(1); INSERT INTO other.u VALUES(1); ROLLBACK");
    db.run("BEGIN; INSERT INTO t VALUES(2); INSERT INTO other.u VALUES(2)");
    assert_eq!(other.rows("SELECT x FROM u"), [""; 0]);
    db.run("COMMIT");
    assert_eq!(other.rows("SELECT x FROM u"), ["2"]);
    assert_eq!(db.rows("SELECT x FROM t"), ["2"]);
    other.run("BEGIN IMMEDIATE");
    assert!(db.try_run("BEGIN; INSERT INTO t VALUES(3); INSERT INTO other.u VALUES(3)").is_err());
    db.run("ROLLBACK");
    other.run("COMMIT");
    db.run("DETACH other");
    db.check_integrity();
    other.check_integrity();
}
