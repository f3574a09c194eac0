//! Statements, their parameters, and what they come to.

use crate::bench::{Bench, execute, execute_frame, header, many};
use aludel_protocol::{BeginMode, ErrorKind, Execute, Value};

fn int(value: i64) -> Value {
    Value::Integer(value)
}

#[test]
fn every_kind_of_value_comes_back_as_it_went() {
    let mut bench = Bench::with(1);
    let values = [
        Value::Null,
        int(0),
        int(i64::MAX),
        int(i64::MIN),
        int(9_007_199_254_740_992),
        int(-9_007_199_254_740_991),
        Value::Real(-0.0),
        Value::Real(1.5),
        Value::Real(f64::INFINITY),
        Value::Real(f64::NEG_INFINITY),
        Value::Real(f64::MIN_POSITIVE),
        Value::Text(String::new()),
        Value::Text("a\0b\0".into()),
        Value::Text("héllo 🦀 \u{10ffff}".into()),
        Value::Blob(vec![]),
        Value::Blob(vec![0, 255, 0]),
    ];
    let names: Vec<String> = (0..values.len()).map(|n| format!("?{}", n + 1)).collect();
    let sql = format!("select {}", names.join(", "));
    let outcome = bench.try_run(1, &execute(&sql), &[values.to_vec()]).unwrap();
    assert_eq!(outcome.rows, [values.to_vec()]);
    let Value::Real(zero) = outcome.rows[0][6] else { panic!() };
    assert!(zero.is_sign_negative());
    // And through a table, where SQLite stores them.
    bench.run(1, "create table t (id integer primary key, v)");
    let sets: Vec<Vec<Value>> = values.iter().map(|value| vec![value.clone()]).collect();
    bench.try_run(1, &many("insert into t (v) values (?)"), &sets).unwrap();
    let stored: Vec<Value> = bench.run(1, "select v from t order by id").rows.concat();
    assert_eq!(stored, values);
}

#[test]
fn columns_may_be_called_anything() {
    let mut bench = Bench::with(1);
    let outcome = bench.run(1, "select 1 as \"__proto__\", 2 as \"\", 3 as a, 4 as a, 5 as \"é\"\"\", 6");
    assert_eq!(outcome.columns, ["__proto__", "", "a", "a", "é\"", "6"]);
    assert_eq!(outcome.rows, [(1..=6).map(int).collect::<Vec<_>>()]);
    let none = bench.run(1, "select 1 as x where 0");
    assert_eq!((none.columns, none.rows.len(), none.changes), (vec!["x".to_owned()], 0, -1));
}

#[test]
fn changes_are_counted_for_what_changes_rows_and_nothing_else() {
    let mut bench = Bench::with(1);
    for (sql, changes) in [
        ("create table t (id integer primary key, n)", -1),
        ("insert into t (n) values (1), (2), (3)", 3),
        ("/* comment */ update t set n = n + 1 where id < 3", 2),
        ("update t set n = 0 where id = 99", 0),
        ("replace into t (id, n) values (1, 5)", 1),
        ("with x as (select 2 as id) delete from t where id in (select id from x)", 1),
        ("with x as (select 1) select * from x", -1),
        ("insert into t (n) values (7), (8) returning id", 2),
        ("select * from t", -1),
        ("explain query plan delete from t", -1),
        ("pragma user_version = 4", -1),
        ("begin", -1),
        ("delete from t", 4),
        ("rollback", -1),
        ("insert into t select * from t where 0", 0),
        ("insert into t (id) values (1) on conflict do nothing", 0),
        ("drop table t", -1),
    ] {
        assert_eq!(bench.run(1, sql).changes, changes, "{sql}");
    }
}

#[test]
fn the_rowid_of_the_last_insert_is_told() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (id integer primary key)");
    assert_eq!(bench.run(1, "insert into t values (9007199254740993)").last_insert_rowid, 9_007_199_254_740_993);
    assert_eq!(bench.run(1, "insert into t values (-5)").last_insert_rowid, -5);
}

#[test]
fn a_list_of_parameter_sets_is_one_frame_and_adds_up() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (id integer primary key, name text)");
    let sets: Vec<Vec<Value>> = (1..=5_000).map(|n| vec![int(n), Value::Text(format!("name {n}"))]).collect();
    let outcome = bench.try_run(1, &many("insert into t values (?, ?)"), &sets).unwrap();
    assert_eq!((outcome.changes, outcome.frames, outcome.last_insert_rowid), (5_000, 1, 5_000));
    assert_eq!(bench.integer(1, "select count(*) from t where name = 'name ' || id"), 5_000);
    let sets: Vec<Vec<Value>> = (1..=3).map(|n| vec![int(n)]).collect();
    let outcome = bench.try_run(1, &many("delete from t where id <= ? returning id"), &sets).unwrap();
    assert_eq!(
        (outcome.changes, outcome.columns, outcome.rows.concat()),
        (3, vec!["id".into()], vec![int(1), int(2), int(3)])
    );
}

#[test]
fn sets_without_parameters_run_as_often_as_there_are_sets() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (id integer primary key)");
    let outcome = bench.try_run(1, &many("insert into t default values"), &[vec![], vec![], vec![]]).unwrap();
    assert_eq!(outcome.changes, 3);
    assert_eq!(bench.try_run(1, &many("insert into t default values"), &[]).unwrap().changes, 1);
}

#[test]
fn a_failing_set_is_named() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (id integer primary key)");
    let sets = [vec![int(1)], vec![int(2)], vec![int(1)], vec![int(3)]];
    let error = bench.try_run(1, &many("insert into t values (?)"), &sets).unwrap_err();
    assert_eq!(error.message(), "UNIQUE constraint failed: t.id (in parameter group 2)");
    assert_eq!(error.statement(), Some("insert into t values (?)"));
    // In autocommit the sets before it stay; a request that is its own transaction takes them back.
    assert_eq!(bench.integer(1, "select count(*) from t"), 2);
    bench.run(1, "delete from t");
    let own = Execute { begin: BeginMode::Own, ..many("insert into t values (?)") };
    let id = bench.send_execute(1, &own, &sets);
    bench.settle();
    let (error, in_transaction) = bench.error(id);
    assert_eq!((error.kind(), in_transaction), (ErrorKind::Integrity, false));
    assert_eq!(bench.integer(1, "select count(*) from t"), 0);
    let outcome = bench.try_run(1, &own, &sets[..2]).unwrap();
    assert_eq!((outcome.changes, outcome.in_transaction), (2, false));
    assert_eq!(bench.integer(1, "select count(*) from t"), 2);
}

#[test]
fn a_wrong_number_of_parameters_is_an_error() {
    let mut bench = Bench::with(1);
    let mut error = |sql: &str, sets: &[Vec<Value>]| bench.try_run(1, &execute(sql), sets).unwrap_err();
    let few = error("select ?, ?", &[vec![int(1)]]);
    assert_eq!(few.kind(), ErrorKind::Programming);
    let message = "Incorrect number of bindings supplied. The current statement uses 2, and there are 1 supplied.";
    assert_eq!(few.message(), message);
    assert!(error("select ?", &[]).message().contains("uses 1, and there are 0 supplied"));
    assert!(error("select 1", &[vec![int(1)]]).message().contains("uses 0, and there are 1 supplied"));
    assert!(error("", &[vec![int(1)]]).message().contains("uses 0, and there are 1 supplied"));
    assert!(error("select ?5", &[vec![int(1)]]).message().contains("uses 5, and there are 1 supplied"));
    assert_eq!(error("select ?", &[vec![int(1)], vec![int(2)]]).kind(), ErrorKind::Protocol);
}

#[test]
fn one_statement_only() {
    let mut bench = Bench::with(1);
    for sql in
        ["select 1; select 2", "select 1; nonsense", "select 1 ; -- x\n select", "create table t (a); drop table t"]
    {
        let error = bench.fail(1, sql);
        assert_eq!(error.kind(), ErrorKind::Programming, "{sql}");
        assert_eq!(error.message(), "You can only execute one statement at a time.");
    }
    assert_eq!(bench.fail(1, "select * from t").message(), "no such table: t");
    for sql in ["select 1;", "select 1 ; ;; \n", "select 1; -- done", "select 1 /* done", "-- first\n;select 1"] {
        assert_eq!(bench.run(1, sql).rows.len(), 1, "{sql}");
    }
    let error = bench.fail(1, "select 1\0select 2");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Programming, "the query contains a null character"));
}

#[test]
fn an_empty_statement_is_accepted() {
    let mut bench = Bench::with(1);
    for sql in ["", "  ;\n", "-- nothing", "/* nothing */"] {
        let outcome = bench.run(1, sql);
        assert_eq!((outcome.columns.len(), outcome.rows.len(), outcome.changes), (0, 0, -1), "{sql:?}");
    }
}

#[test]
fn the_cache_keeps_up_with_schema_changes() {
    let mut bench = Bench::with(2);
    bench.run(1, "create table t (a)");
    bench.run(1, "insert into t values (1)");
    assert_eq!(bench.run(1, "select * from t").columns, ["a"]);
    assert_eq!(bench.run(2, "select * from t").columns, ["a"]);
    bench.run(1, "alter table t add column b default 2");
    for connection in [1, 2] {
        let outcome = bench.run(connection, "select * from t");
        assert_eq!((outcome.columns, outcome.rows), (vec!["a".into(), "b".into()], vec![vec![int(1), int(2)]]));
    }
    bench.run(1, "drop table t");
    assert_eq!(bench.fail(2, "select * from t").message(), "no such table: t");
    bench.run(1, "create table t (c)");
    assert_eq!(bench.run(2, "select * from t").columns, ["c"]);
}

#[test]
fn more_statements_than_the_cache_holds_all_work() {
    let mut bench = Bench::with(1);
    for _ in 0..3 {
        for n in 0..25 {
            assert_eq!(bench.integer(1, &format!("select {n}")), n);
        }
    }
}

#[test]
fn pragmas_act_each_time() {
    let mut bench = Bench::with(1);
    for value in [0, 1, 0, 1] {
        bench.run(1, if value == 1 { "pragma foreign_keys = on" } else { "pragma foreign_keys = off" });
        assert_eq!(bench.integer(1, "pragma foreign_keys"), value);
    }
}

#[test]
fn parameters_are_let_go_after_each_run() {
    let mut bench = Bench::with(1);
    let big = vec![Value::Blob(vec![7; 100_000])];
    assert_eq!(bench.try_run(1, &execute("select length(?)"), &[big]).unwrap().rows, [[int(100_000)]]);
    let small = vec![Value::Text("x".into())];
    assert_eq!(bench.try_run(1, &execute("select length(?)"), &[small]).unwrap().rows, [[int(1)]]);
}

#[test]
fn pipelined_statements_of_a_connection_run_in_order() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (id integer primary key, n)");
    let ids: Vec<u64> =
        (0..500).map(|n| bench.send_execute(1, &execute("insert into t (n) values (?)"), &[vec![int(n)]])).collect();
    bench.settle();
    for (n, id) in ids.into_iter().enumerate() {
        assert_eq!(bench.outcome(id).unwrap().last_insert_rowid, n as i64 + 1);
    }
    assert_eq!(bench.integer(1, "select count(*) from t where n = id - 1"), 500);
}

#[test]
fn a_frame_may_come_from_any_buffer() {
    // The service copies nothing out of a frame, so what it binds has to stay in place until it is done.
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (v)");
    let sets: Vec<Vec<Value>> = (0..200).map(|n| vec![Value::Text(format!("é{n}").repeat(50))]).collect();
    let frame = execute_frame(&header(900, 1), &many("insert into t values (?) returning v"), &sets);
    bench.service.receive(frame);
    bench.settle();
    assert_eq!(bench.outcome(900).unwrap().rows, sets);
}
