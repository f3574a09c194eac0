//! Aggregates and window functions of whoever uses a connection, and scripts that are read where they lie.

use aludel_protocol::{Value, ValueRef};
use aludel_worker::sqlite::{Aggregate, Connection, FunctionOptions, Prepared, Statement, Step, ffi};
use aludel_worker::vfs;
use std::cell::Cell;
use std::ffi::CString;
use std::rc::Rc;

/// What the aggregates of a test have been asked, and how many groups there are.
#[derive(Default)]
struct Seen {
    begun: Cell<u32>,
    alive: Cell<i32>,
    inversed: Cell<u32>,
    finalized: Cell<u32>,
}

/// A sum that fails where it is told to, for the value 13.
struct Sum {
    sum: i64,
    fails: &'static str,
    seen: Rc<Seen>,
}

impl Sum {
    fn new(fails: &'static str, seen: &Rc<Seen>) -> Sum {
        seen.begun.set(seen.begun.get() + 1);
        seen.alive.set(seen.alive.get() + 1);
        Sum { sum: 0, fails, seen: Rc::clone(seen) }
    }

    fn fail(&self, at: &str) -> Result<(), String> {
        match self.fails {
            fails if fails == at => Err(format!("{at} has failed")),
            "panics" if at == "step" => panic!("it panics"),
            _ => Ok(()),
        }
    }
}

fn integer(arguments: &[Value]) -> i64 {
    match arguments {
        [Value::Integer(integer)] => *integer,
        _ => 0,
    }
}

impl Aggregate for Sum {
    fn step(&mut self, arguments: &[Value]) -> Result<(), String> {
        self.sum += integer(arguments);
        if integer(arguments) == 13 { self.fail("step") } else { Ok(()) }
    }

    fn finalize(&mut self) -> Result<Value, String> {
        self.seen.finalized.set(self.seen.finalized.get() + 1);
        self.fail("finalize").map(|()| Value::Integer(self.sum))
    }

    fn inverse(&mut self, arguments: &[Value]) -> Result<(), String> {
        self.seen.inversed.set(self.seen.inversed.get() + 1);
        self.sum -= integer(arguments);
        self.fail("inverse")
    }

    fn value(&mut self) -> Result<Value, String> {
        self.fail("value").map(|()| Value::Integer(self.sum))
    }
}

impl Drop for Sum {
    fn drop(&mut self) {
        self.seen.alive.set(self.seen.alive.get() - 1);
    }
}

/// A database with the numbers 1 to 60 in groups of `x % 7`, with `mine()`, and with `moving()` for windows.
fn opened(name: &str, fails: &'static str) -> (Connection, Rc<Seen>) {
    vfs::register().unwrap();
    vfs::attach_memory(name);
    let db = Connection::open(name, vfs::VFS_NAME, true).unwrap();
    db.query("create table t (x integer primary key, g)").unwrap();
    let fill =
        "insert into t with r (i) as (select 1 union all select i + 1 from r where i < 60) select i, i % 7 from r";
    db.query(fill).unwrap();
    let seen = Rc::<Seen>::default();
    for (name, windows) in [("mine", false), ("moving", true)] {
        let note = Rc::clone(&seen);
        let begin = move || {
            if fails == "begin" {
                return Err("begin has failed".to_owned());
            }
            Ok(Box::new(Sum::new(fails, &note)) as Box<dyn Aggregate>)
        };
        db.create_aggregate(name, FunctionOptions::default(), windows, Box::new(begin)).unwrap();
    }
    (db, seen)
}

fn prepared(db: &Connection, sql: &str) -> Statement {
    match db.prepare(sql) {
        Ok(Prepared::One(statement)) => statement,
        other => panic!("{sql}: {other:?}"),
    }
}

fn row(statement: &Statement) -> Vec<Value> {
    (0..statement.column_count()).map(|column| statement.cell(column).map(ValueRef::to_owned).unwrap()).collect()
}

fn rows(db: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = prepared(db, sql);
    let mut rows = vec![];
    while statement.step(None).unwrap_or_else(|failure| panic!("{sql}: {failure:?}")) == Step::Row {
        rows.push(row(&statement));
    }
    rows
}

fn failure(db: &Connection, sql: &str) -> String {
    let mut statement = prepared(db, sql);
    loop {
        match statement.step(None) {
            Ok(Step::Row) => {}
            Ok(Step::Done) => panic!("{sql} did not fail"),
            Err(failure) => return failure.into_error(None).message().to_owned(),
        }
    }
}

#[test]
fn an_aggregate_is_what_one_of_sqlites_own_is() {
    let (db, seen) = opened("aggregates", "");
    for sql in [
        "select g, SUM(x) from t group by g order by g",
        "select SUM(x), SUM(g), SUM(x) filter (where g = 2), SUM(distinct g), count(*) from t",
        "select g from t group by g having SUM(x) > 250 order by SUM(x)",
        "select (select SUM(b.x) from t b where b.x < a.x and b.g = a.g) from t a where a.x > 7",
    ] {
        let expected = rows(&db, &sql.replace("SUM", "sum"));
        assert!(!expected.is_empty(), "{sql}");
        assert_eq!(rows(&db, &sql.replace("SUM", "mine")), expected, "{sql}");
        assert_eq!(rows(&db, &sql.replace("SUM", "moving")), expected, "{sql}");
    }
    // What has had no rows comes to what it is without any.
    assert_eq!(rows(&db, "select mine(x), moving(x), count(*) from t where 0"), [[0, 0, 0].map(Value::Integer)]);
    assert_eq!(seen.alive.get(), 0);
    // It is no window function unless it was said to be one.
    let error = db.prepare("select mine(x) over () from t").unwrap_err().into_error(None);
    assert_eq!(error.message(), "mine() may not be used as a window function");
    db.query("create view harm as select moving(x) from t").unwrap();
    let error = db.prepare("select * from harm").unwrap_err().into_error(None);
    assert_eq!(error.message(), "unsafe use of moving()");
}

#[test]
fn a_window_function_follows_every_window() {
    let (db, seen) = opened("windows", "");
    let frames = [
        "",
        "rows between 3 preceding and current row",
        "rows between 5 preceding and 2 preceding",
        "rows between 2 following and 4 following",
        "rows between current row and unbounded following",
        "rows between 4 preceding and 1 following exclude current row",
        "range between 2 preceding and 2 following exclude ties",
        "groups between 1 preceding and 1 following",
    ];
    for frame in frames {
        for partition in ["", "partition by g"] {
            let window = format!("({partition} order by x {frame})");
            let sql = format!("select SUM(x) over {window}, SUM(g) over {window}, SUM(x) over () from t order by x");
            // SQLite's sum of nothing is NULL, its total is not.
            let theirs = rows(&db, &sql.replace("SUM", "total"));
            let mine = rows(&db, &sql.replace("SUM", "moving"));
            let real = |rows: Vec<Vec<Value>>| -> Vec<Vec<Value>> {
                let real = |value| match value {
                    Value::Integer(integer) => Value::Real(integer as f64),
                    other => other,
                };
                rows.into_iter().map(|row| row.into_iter().map(real).collect()).collect()
            };
            assert_eq!(real(mine), theirs, "{sql}");
        }
    }
    assert!(seen.inversed.get() > 500 && seen.begun.get() > 100, "{}", seen.inversed.get());
    assert_eq!(seen.alive.get(), 0);
}

#[test]
fn what_fails_in_an_aggregate_fails_the_statement_and_leaves_nothing() {
    let grouped = "insert into t select x + 100, mine(x) from t group by g, x order by x";
    let moving = "insert into t select x + 100, moving(x) over (order by x rows 2 preceding) from t";
    for (fails, sql, message) in [
        ("begin", grouped, "begin has failed"),
        ("step", grouped, "step has failed"),
        ("finalize", grouped, "finalize has failed"),
        ("panics", grouped, "the aggregate panicked"),
        ("begin", moving, "begin has failed"),
        ("step", moving, "step has failed"),
        ("inverse", moving, "inverse has failed"),
        ("value", moving, "value has failed"),
        ("panics", moving, "the aggregate panicked"),
        ("finalize", "select mine(x) from t where 0", "finalize has failed"),
        ("begin", "select mine(x) from t where 0", "begin has failed"),
    ] {
        let name = format!("failing-{fails}-{}", sql.len());
        let (db, seen) = opened(&name, fails);
        for _ in 0..2 {
            assert_eq!(failure(&db, sql), message, "{fails}: {sql}");
            assert_eq!(seen.alive.get(), 0, "{fails}: {sql}");
            assert_eq!(rows(&db, "select count(*), max(x) from t"), [[60, 60].map(Value::Integer)], "{fails}");
        }
        if fails == "step" || fails == "panics" {
            assert_eq!(seen.begun.get() - seen.finalized.get(), 2, "a group that has failed is not finalized: {sql}");
        }
    }
}

#[test]
fn groups_of_a_statement_that_is_given_up_are_gone_and_are_not_finalized() {
    let (db, seen) = opened("given-up", "");
    let sql = "select moving(x) over (order by x rows 2 preceding) from t";
    let mut statement = prepared(&db, sql);
    for _ in 0..5 {
        assert_eq!(statement.step(None).unwrap(), Step::Row);
    }
    assert!(seen.alive.get() > 0);
    statement.rewind();
    assert_eq!((seen.alive.get(), seen.finalized.get()), (0, 0));
    // It begins anew, and one that is dropped half way leaves as little.
    assert_eq!(statement.step(None).unwrap(), Step::Row);
    assert_eq!(row(&statement), [Value::Integer(1)]);
    assert!(seen.alive.get() > 0);
    drop(statement);
    assert_eq!((seen.alive.get(), seen.finalized.get()), (0, 0));
    // As does one that is interrupted.
    let endless = "with recursive n (i) as (select 1 union all select i + 1 from n) select mine(i) from n";
    let mut statement = prepared(&db, endless);
    let failure = statement.step(Some(&|| seen.alive.get() > 0)).unwrap_err();
    assert_eq!(failure.code(), ffi::SQLITE_INTERRUPT);
    assert_eq!((seen.alive.get(), seen.finalized.get()), (0, 0));
    drop(statement);
    // The next one does come to its end.
    assert_eq!(rows(&db, "select mine(x) from t"), [[Value::Integer(1830)]]);
    assert_eq!((seen.alive.get(), seen.finalized.get()), (0, 1));
}

#[test]
fn a_script_is_read_where_it_lies() {
    vfs::register().unwrap();
    vfs::attach_memory("script");
    let db = Connection::open("script", vfs::VFS_NAME, true).unwrap();
    // No text that SQLite is to copy may be as long as the script is: it copies what does not end with a zero.
    db.limit(ffi::SQLITE_LIMIT_SQL_LENGTH, 200);
    let script = "insert into t values ('ä;'); -- one more\n".repeat(1_000);
    db.query("create table t (x)").unwrap();
    assert!(db.prepare(&script).is_err());
    let ended = CString::new(script.clone()).unwrap();
    let (mut at, mut count) = (0, 0);
    loop {
        let (mut statement, length) = match db.prepare_at(&ended, at).unwrap() {
            Prepared::One(statement) => (Some(statement), None),
            // The text of the statement is what was read.
            Prepared::Several(length) => (Some(prepared(&db, &script[at..at + length])), Some(length)),
            Prepared::Empty => (None, None),
        };
        if let Some(statement) = &mut statement {
            assert_eq!(statement.step(None).unwrap(), Step::Done);
            count += 1;
        }
        match length {
            Some(length) => at += length,
            None => break,
        }
    }
    assert_eq!(count, 1_000);
    assert_eq!(rows(&db, "select count(*), max(x) from t"), [[Value::Integer(1_000), Value::Text("ä;".to_owned())]]);
    assert!(matches!(db.prepare_at(&ended, script.len()), Ok(Prepared::Empty)));
}
