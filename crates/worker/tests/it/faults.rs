//! The function by which tests break the worker, where it is built in.

use crate::bench::{Bench, execute};
use aludel_worker::sqlite::{Connection, Prepared, Step};
use aludel_worker::vfs;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn a_fault_panics_out_of_the_turn_and_not_through_sqlite() {
    let mut bench = Bench::with(1);
    bench.send_execute(1, &execute("select aludel_fault('panic')"), &[]);
    let panic = catch_unwind(AssertUnwindSafe(|| bench.settle())).expect_err("a panic");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"aludel_fault('panic') was called"));
}

#[test]
fn an_unknown_fault_is_an_error() {
    let mut bench = Bench::with(1);
    assert_eq!(bench.fail(1, "select aludel_fault('x')").message(), "'panic', 'trap' or 'slices'");
    assert_eq!(bench.fail(1, "select aludel_fault(null)").message(), "'panic', 'trap' or 'slices'");
}

#[test]
fn a_statement_asks_as_often_as_it_is_told_to() {
    vfs::register().unwrap();
    vfs::attach_memory("asked");
    let connection = Connection::open("asked", vfs::VFS_NAME, true).unwrap();
    let sql = "with recursive r(i) as (select 1 union all select i + 1 from r where i < 1000) select sum(i) from r";
    let asked = |steps| {
        connection.look_every(steps);
        let Prepared::One(mut statement) = connection.prepare(sql).unwrap() else { panic!("{sql}") };
        let asked = Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            false
        };
        assert_eq!(statement.step(Some(&stop)).unwrap(), Step::Row);
        asked.get()
    };
    assert_eq!(asked(0), 0);
    assert!(asked(1_000) > 0);
    assert!(asked(10) > 50 * asked(1_000));
}

/// SQLite asks its progress handler once more when a statement has committed, and would say of it that it was interrupted.
#[test]
fn a_statement_that_says_it_was_interrupted_has_not_committed() {
    vfs::register().unwrap();
    vfs::attach_memory("late");
    let connection = Connection::open("late", vfs::VFS_NAME, true).unwrap();
    connection.query("create table t(x)").unwrap();
    connection.look_every(1);
    let run = |sql: &str, stop_at: usize| {
        let Prepared::One(mut statement) = connection.prepare(sql).unwrap() else { panic!("{sql}") };
        let asked = Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() >= stop_at
        };
        (statement.step(Some(&stop)).map_err(|failure| failure.is_interrupt()), asked.get())
    };
    let content =
        || connection.query("select count(*) || (select group_concat(name) from sqlite_schema) from t").unwrap();
    let state = || (content(), connection.in_transaction());
    for sql in ["insert into t values (1)", "create table u(x)", "create index i on t(x)", "drop index i", "vacuum"] {
        let before = state();
        let mut stop_at = 1;
        while let (outcome, asked @ 1..) = run(sql, stop_at)
            && asked >= stop_at
        {
            assert_eq!((outcome, state()), (Err(true), before.clone()), "{sql}, stopped at look {stop_at}");
            stop_at += 1;
        }
        assert!(stop_at > 1, "{sql} is never asked");
        assert!(before != state() || sql == "vacuum", "{sql} did not run in the end");
    }
    for (sql, opened) in [("begin", true), ("savepoint s", true), ("release s", true), ("commit", false)] {
        assert_eq!((run(sql, 1).0, connection.in_transaction()), (Ok(Step::Done), opened), "{sql}");
    }
}
