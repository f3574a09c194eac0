//! Procedures: found at once or later, called when it is their turn, and given up before.

use crate::bench::{Bench, Got, execute, options};
use crate::scratch::Scratch;
use aludel_protocol::{
    BatchWriter, BeginMode, Error, ErrorKind, Fate, Header, ProcedureCall, RepeatClass, Reply, Request, Result,
    Storage, TransactionOp, Value, Writer,
};
use aludel_worker::{Procedure, SyncConnection, Turn};
use std::path::Path;

/// A function of a test.
struct Function<F>(F);

impl<F: FnOnce(&mut SyncConnection<'_>) -> Result<Vec<u8>>> Procedure for Function<F> {
    fn call(self: Box<Self>, connection: &mut SyncConnection<'_>) -> Result<Vec<u8>> {
        (self.0)(connection)
    }
}

const CALL: ProcedureCall<'static> = ProcedureCall {
    begin: BeginMode::Auto,
    within: false,
    read_only: false,
    engine: false,
    deadline: 0,
    module: "test:",
    export: "work",
    arguments: &[],
};

fn asked(bench: &mut Bench) -> Header {
    let header = bench.service.environment_mut().called.pop();
    header.expect("nobody was asked for a procedure")
}

fn ready(bench: &mut Bench, header: &Header, f: impl FnOnce(&mut SyncConnection<'_>) -> Result<Vec<u8>> + 'static) {
    bench.service.procedure_ready(header, Ok(Box::new(Function(f))));
}

/// Calls a function as a procedure, and gives the one reply.
fn call(
    bench: &mut Bench,
    connection: u32,
    call: ProcedureCall<'_>,
    f: impl FnOnce(&mut SyncConnection<'_>) -> Result<Vec<u8>> + 'static,
) -> Got {
    let id = bench.send(connection, Request::Procedure(call));
    let header = asked(bench);
    ready(bench, &header, f);
    bench.settle();
    let mut replies = bench.take(id);
    assert_eq!(replies.len(), 1, "{replies:?}");
    replies.remove(0)
}

/// Runs a statement and gives its only cell.
fn cell(connection: &mut SyncConnection<'_>, sql: &str) -> Result<Value> {
    let frames = connection.execute(sql, None, false)?;
    assert_eq!(frames.len(), 1);
    match Reply::decode(&frames[0])?.1 {
        Reply::Rows(rows) => Ok(rows.batch.cells().next().unwrap().to_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_procedure_that_is_not_there_yet_holds_up_its_connection_only() {
    let mut bench = Bench::with(2);
    let id = bench.send(1, Request::Procedure(CALL));
    let behind = bench.send_execute(1, &execute("select 1"), &[]);
    assert_eq!(bench.settle(), Turn::Idle);
    assert_eq!((bench.take(id), bench.take(behind)), (vec![], vec![]));
    assert_eq!(bench.integer(2, "select 2"), 2);
    let header = asked(&mut bench);
    ready(&mut bench, &header, |connection| {
        connection.execute("create table t (x)", None, false)?;
        Ok(vec![7])
    });
    bench.settle();
    assert_eq!(bench.take(id), [Got::Returned(true, false, vec![7])]);
    assert_eq!(bench.outcome(behind).unwrap().rows, [[Value::Integer(1)]]);
    // Nobody waits for it any more, and it is called once.
    ready(&mut bench, &header, |_| panic!("it was called twice"));
    assert_eq!(bench.settle(), Turn::Idle);
}

#[test]
fn what_is_given_up_while_it_is_looked_for_is_not_called() {
    let mut bench = Bench::with(1);
    let never = |_: &mut SyncConnection<'_>| -> Result<Vec<u8>> { panic!("it was called") };
    let id = bench.send(1, Request::Procedure(CALL));
    bench.send(1, Request::Cancel { request: id });
    bench.settle();
    let (error, _) = bench.error(id);
    assert_eq!(
        (error.kind(), error.message(), error.statement()),
        (ErrorKind::Cancelled, "the procedure was cancelled", None)
    );
    let header = asked(&mut bench);
    ready(&mut bench, &header, never);

    let id = bench.send(1, Request::Procedure(ProcedureCall { deadline: 50, ..CALL }));
    assert!(matches!(bench.settle(), Turn::WaitUntil(_)));
    bench.advance(60.0);
    bench.settle();
    let (error, _) = bench.error(id);
    assert_eq!((error.kind(), error.message()), (ErrorKind::Timeout, "procedure timed out after 50 ms"));
    let header = asked(&mut bench);
    ready(&mut bench, &header, never);

    let id = bench.send(1, Request::Procedure(CALL));
    let header = asked(&mut bench);
    bench.service.procedure_ready(&header, Err(Error::new(ErrorKind::Procedure, "no such module")));
    bench.settle();
    assert_eq!(bench.error(id).0.message(), "no such module");
    assert_eq!(bench.integer(1, "select 1"), 1);

    let id = bench.send(9, Request::Procedure(CALL));
    assert_eq!(bench.error(id).0.kind(), ErrorKind::ResourceClosed);
    assert!(bench.service.environment_mut().called.is_empty());
}

#[test]
fn its_statements_are_those_of_the_connection() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (x)");
    let got = call(&mut bench, 1, CALL, |connection| {
        assert_eq!(connection.parameter_names("insert into t values (:a + @b + $c + ? + ?9)")?.len(), 9);
        let names = connection.parameter_names("select :a, ?, $c")?;
        assert_eq!(names, [Some("a".to_owned()), None, Some("c".to_owned())]);
        assert!(connection.parameter_names("pragma user_version = 3")?.is_empty());
        assert_eq!(connection.parameter_names("selec").unwrap_err().kind(), ErrorKind::Operational);
        let mut batch = BatchWriter::new(1);
        [1, 2, 3].iter().for_each(|value| batch.push(Value::Integer(*value).as_ref()));
        let mut out = Writer::new();
        batch.encode_rows(&mut out, 3);
        connection.execute("insert into t values (?)", Some(out.finish()), true)?;
        assert!(connection.in_transaction());
        assert_eq!(cell(connection, "select sum(x) from t")?, Value::Integer(6));
        let bad = connection.execute("insert into t values (?)", Some(vec![1, 2, 3]), false);
        assert_eq!(bad.unwrap_err().kind(), ErrorKind::Protocol);
        Ok(vec![])
    });
    assert_eq!(got, Got::Returned(true, false, vec![]));
    assert_eq!(bench.transaction(1, TransactionOp::Rollback), Got::Done(false));
    assert_eq!(bench.integer(1, "select count(*) from t"), 0);
}

#[test]
fn transactions_end_and_begin_and_savepoints_are_undone_unless_they_are_released() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (x)");
    let got = call(&mut bench, 1, CALL, |connection| {
        connection.begin()?;
        assert_eq!(connection.begin().unwrap_err().kind(), ErrorKind::InvalidRequest);
        connection.execute("insert into t values (1)", None, false)?;
        let kept = connection.savepoint()?;
        connection.execute("insert into t values (2)", None, false)?;
        connection.release(&kept)?;
        assert_eq!(connection.release(&kept).unwrap_err().kind(), ErrorKind::InvalidRequest);
        let undone = connection.savepoint()?;
        let inner = connection.savepoint()?;
        connection.execute("insert into t values (3)", None, false)?;
        connection.roll_back_to(&undone)?;
        assert_eq!(connection.roll_back_to(&inner).unwrap_err().kind(), ErrorKind::InvalidRequest);
        connection.commit()?;
        connection.commit()?;
        connection.savepoint()?;
        connection.execute("insert into t values (4)", None, false)?;
        Ok(vec![])
    });
    assert_eq!(got, Got::Returned(true, true, vec![]));
    assert_eq!(bench.integer(1, "select sum(x) from t"), 3);
    assert_eq!(bench.transaction(1, TransactionOp::Commit), Got::Done(false));
    // A caller whose transaction is not open yet has begun it all the same.
    let got = call(&mut bench, 1, ProcedureCall { within: true, ..CALL }, |connection| {
        assert_eq!(connection.begin().unwrap_err().kind(), ErrorKind::InvalidRequest);
        connection.roll_back()?;
        assert!(!connection.in_transaction());
        Ok(vec![])
    });
    assert_eq!(got, Got::Returned(false, true, vec![]));
    // Where each statement is a transaction, none is begun for it; that one has begun is said all the same.
    let got = call(&mut bench, 1, ProcedureCall { begin: BeginMode::None, ..CALL }, |connection| {
        connection.begin()?;
        connection.execute("insert into t values (5)", None, false)?;
        assert!(connection.in_transaction());
        Ok(vec![])
    });
    assert_eq!(got, Got::Returned(false, false, vec![]));
    assert_eq!(bench.integer(1, "select sum(x) from t"), 8);
}

#[test]
fn it_waits_until_nobody_else_writes_unless_it_only_reads() {
    let mut bench = Bench::with(3);
    bench.run(1, "create table t (x)");
    bench.send_transaction(2, TransactionOp::Begin(BeginMode::Immediate));
    bench.run(2, "insert into t values (1)");
    let got = call(&mut bench, 1, ProcedureCall { read_only: true, ..CALL }, |connection| {
        let error = connection.execute("insert into t values (2)", None, false).unwrap_err();
        assert!(error.retryable() && error.message().contains("waits for nobody"), "{error}");
        assert_eq!(cell(connection, "select count(*) from t")?, Value::Integer(0));
        Ok(vec![])
    });
    assert_eq!(got, Got::Returned(true, false, vec![]));
    assert_eq!(bench.transaction(1, TransactionOp::Rollback), Got::Done(false));

    let id = bench.send(1, Request::Procedure(CALL));
    let header = asked(&mut bench);
    ready(&mut bench, &header, |connection| {
        connection.execute("insert into t select count(*) + 10 from t", None, false)?;
        Ok(vec![])
    });
    bench.settle();
    assert_eq!(bench.take(id), []);
    assert_eq!(bench.transaction(2, TransactionOp::Commit), Got::Done(false));
    assert_eq!(bench.take(id), [Got::Returned(true, false, vec![])]);
    assert_eq!(bench.transaction(1, TransactionOp::Commit), Got::Done(false));
    assert_eq!(bench.integer(3, "select sum(x) from t"), 12);

    // One that waits too long is told who has the lock.
    bench.send_transaction(2, TransactionOp::Begin(BeginMode::Immediate));
    let id = bench.send(1, Request::Procedure(CALL));
    let header = asked(&mut bench);
    ready(&mut bench, &header, |_| panic!("it was called"));
    bench.settle();
    bench.advance(2_000.0);
    bench.settle();
    let (error, _) = bench.error(id);
    assert!(error.message().contains("connection 2 has held the write lock"), "{error}");
}

#[test]
fn a_deadline_ends_its_statements() {
    let mut bench = Bench::with(1);
    let got = call(&mut bench, 1, ProcedureCall { deadline: 100, ..CALL }, |connection| {
        let endless = "with recursive n (i) as (select 1 union all select i + 1 from n) select count(*) from n";
        let error = connection.execute(endless, None, false).unwrap_err();
        assert_eq!((error.kind(), error.statement()), (ErrorKind::Timeout, Some(endless)));
        assert_eq!(cell(connection, "select 1").unwrap_err().kind(), ErrorKind::Timeout);
        connection.roll_back()?;
        Ok(vec![1])
    });
    assert_eq!(got, Got::Returned(false, true, vec![1]));
    assert_eq!(bench.integer(1, "select 1"), 1);
}

/// All of it is written when its first row is there.
#[test]
fn a_write_whose_rows_are_fetched_when_its_time_is_over_takes_the_transaction_along() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (a)");
    for ticks in [0.3, 1.0, 3.0] {
        bench.run(1, "begin immediate");
        bench.run(1, "insert into t values (1)");
        bench.service.environment_mut().tick = ticks;
        let got = call(&mut bench, 1, ProcedureCall { deadline: 100, ..CALL }, |connection| {
            let writes = "insert into t select i from (with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000) select i from n) returning a";
            let error = connection.execute(writes, None, false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout);
            Ok(vec![1])
        });
        bench.service.environment_mut().tick = 0.0;
        // Its caller is told of an open transaction, which can only be rolled back.
        assert_eq!(got, Got::Returned(true, false, vec![1]));
        let refused = bench.try_run(1, &execute("commit"), &[]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PendingRollback, "{refused}");
        let rollback = bench.send_transaction(1, TransactionOp::Rollback);
        bench.settle();
        assert_eq!(bench.take(rollback), [Got::Done(false)]);
        assert_eq!(bench.integer(1, "select count(*) from t"), 0);
    }
}

/// A worker that has a file open, for a client whose requests are repeated when it is gone.
fn host_of(path: &Path) -> Bench {
    let mut bench = Bench::fresh();
    bench.greet_as(7);
    bench.open(1, options(Storage::Disk, path.to_str().unwrap()));
    bench.class = RepeatClass::InDoubt;
    bench
}

#[test]
fn the_next_host_tells_that_it_has_committed_something() {
    let scratch = Scratch::new();
    let path = scratch.path("app.db");
    let mut bench = host_of(&path);
    bench.run(1, "create table t (x)");
    let mut asked = Vec::new();
    for (commits, open) in [(2, false), (1, true), (0, true)] {
        let got = call(&mut bench, 1, CALL, move |connection| {
            for _ in 0..commits {
                connection.begin()?;
                connection.execute("insert into t values (1)", None, false)?;
                connection.commit()?;
            }
            if open {
                connection.execute("insert into t values (2)", None, false)?;
            }
            Ok(vec![])
        });
        assert_eq!(got, Got::Returned(open, commits > 0, vec![]));
        asked.push((bench.last_request(), commits > 0));
        assert_eq!(bench.transaction(1, TransactionOp::Rollback), Got::Done(false));
    }
    bench.service.crash();

    let mut next = host_of(&path);
    let requests: Vec<u64> = asked.iter().map(|(request, _)| *request).collect();
    let id = next.send(1, Request::Fates(requests));
    next.settle();
    // What it returned is lost, and so nobody is to take it for a statement that was done.
    let done = Fate::Committed { changes: -1, last_insert_rowid: 0, had_rows: true };
    let expected = asked.iter().map(|(_, committed)| if *committed { done } else { Fate::NotCommitted });
    assert_eq!(next.take(id), [Got::Fates(expected.collect())]);
    assert_eq!(next.integer(1, "select sum(x) from t"), 3);
}

#[test]
fn what_sqlite_has_ended_by_itself_goes_on_nowhere_until_it_is_rolled_back() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (x unique)");
    bench.run(1, "insert into t values (1)");
    let doubled = |connection: &mut SyncConnection<'_>| {
        connection.execute("insert into t values (2)", None, false)?;
        let error = connection.execute("insert or rollback into t values (1)", None, false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        Ok(())
    };
    let got = call(&mut bench, 1, CALL, move |connection| {
        doubled(connection)?;
        let refused = |outcome: Result<()>| assert_eq!(outcome.unwrap_err().kind(), ErrorKind::PendingRollback);
        refused(connection.execute("insert into t values (3)", None, false).map(drop));
        refused(connection.execute("commit", None, false).map(drop));
        refused(connection.execute_script("insert into t values (3);"));
        refused(connection.begin());
        refused(connection.commit());
        refused(connection.savepoint().map(drop));
        refused(connection.release("sa_sync_1"));
        assert!(connection.in_transaction());
        connection.roll_back()?;
        assert!(!connection.in_transaction());
        connection.begin()?;
        connection.execute("insert into t values (4)", None, false)?;
        connection.commit()?;
        Ok(vec![])
    });
    assert_eq!(got, Got::Returned(false, true, vec![]));
    assert_eq!(bench.integer(1, "select sum(x) from t"), 5);

    // One that goes on as if nothing had been leaves it to its caller, begun there or not.
    for within in [false, true] {
        let got = call(&mut bench, 1, ProcedureCall { within, ..CALL }, move |connection| {
            doubled(connection)?;
            Ok(vec![])
        });
        assert_eq!(got, Got::Returned(true, false, vec![]));
        let id = bench.send_transaction(1, TransactionOp::Commit);
        bench.settle();
        assert_eq!(bench.error(id).0.kind(), ErrorKind::PendingRollback);
        assert_eq!(bench.transaction(1, TransactionOp::Rollback), Got::Done(false));
        assert_eq!(bench.integer(1, "select sum(x) from t"), 5);
    }
    // What is written to end it is no accident.
    let got = call(&mut bench, 1, CALL, |connection| {
        connection.execute("insert into t values (6)", None, false)?;
        connection.execute("/* done */ commit", None, false)?;
        connection.execute("insert into t values (7)", None, false)?;
        connection.execute("rollback", None, false)?;
        Ok(vec![])
    });
    assert_eq!(got, Got::Returned(false, true, vec![]));
    assert_eq!(bench.integer(1, "select sum(x) from t"), 11);
}

#[test]
fn the_next_host_tells_of_a_commit_behind_which_the_log_was_cut_off() {
    let scratch = Scratch::new();
    let path = scratch.path("app.db");
    let mut bench = host_of(&path);
    bench.run(1, "create table t (x)");
    let got = call(&mut bench, 1, ProcedureCall { begin: BeginMode::None, ..CALL }, |connection| {
        connection.execute("insert into t values (1)", None, false)?;
        connection.execute("pragma wal_checkpoint(truncate)", None, false)?;
        Ok(vec![])
    });
    assert_eq!(got, Got::Returned(false, false, vec![]));
    let asked = bench.last_request();
    bench.service.crash();

    let mut next = host_of(&path);
    let id = next.send(1, Request::Fates(vec![asked]));
    next.settle();
    let done = Fate::Committed { changes: -1, last_insert_rowid: 0, had_rows: true };
    assert_eq!(next.take(id), [Got::Fates(vec![done])]);
    assert_eq!(next.integer(1, "select sum(x) from t"), 1);
}

#[test]
fn one_that_never_comes_does_not_outlive_its_connection() {
    for last in [Request::Reset, Request::Close] {
        let mut bench = Bench::with(2);
        bench.send_transaction(2, TransactionOp::Begin(BeginMode::Immediate));
        let id = bench.send(1, Request::Procedure(CALL));
        let header = asked(&mut bench);
        let behind = bench.send(1, last);
        // It comes too late.
        ready(&mut bench, &header, |_| panic!("it was called"));
        bench.settle();
        assert_eq!(bench.error(id).0.kind(), ErrorKind::ResourceClosed);
        assert_eq!(bench.take(behind), [Got::Done(false)]);
    }
}

#[test]
fn streams_end_with_the_transaction_that_a_procedure_ends() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (x)");
    let endless = "with recursive n (i) as (select 1 union all select i + 1 from n) select i from n";
    let delivery = aludel_protocol::Delivery::Stream { credits: 1, max_rows: 1 };
    let streamed = aludel_protocol::Execute { begin: BeginMode::Auto, delivery, ..execute(endless) };
    let id = bench.send_execute(1, &streamed, &[]);
    bench.settle();
    bench.take(id);
    let got = call(&mut bench, 1, CALL, |connection| {
        connection.roll_back()?;
        connection.execute("insert into t values (1)", None, false)?;
        Ok(vec![])
    });
    assert_eq!(got, Got::Returned(true, true, vec![]));
    assert_eq!(bench.error(id).0.kind(), ErrorKind::ResourceClosed);
}

#[test]
fn an_error_of_a_script_tells_the_statement_that_failed() {
    let mut bench = Bench::with(1);
    let got = call(&mut bench, 1, CALL, |connection| {
        for wrong in ["selec 1, 2", "insert into nowhere values (';')", "insert into t values (1, 2)", "select x'zz'"] {
            connection.execute_script("drop table if exists t; create table t (x);")?;
            for (before, after) in
                [("", ""), ("insert into t values (1); ", ""), ("insert into t values (1); -- a\n", " ; select 1;")]
            {
                connection.execute("delete from t", None, false)?;
                let error = connection.execute_script(&format!("{before}{wrong}{after}")).unwrap_err();
                let statement = error.statement().unwrap();
                assert!(statement == wrong || statement == format!("-- a\n{wrong}"), "{statement}: {error}");
                let written = cell(connection, "select count(*) from t")?;
                assert_eq!(written, Value::Integer(i64::from(!before.is_empty())), "what stands before it was run");
            }
        }
        // One that is wrong when it is run.
        let script =
            "create table u (x unique); insert into u values (1); insert into u values (1); drop table u; -- end";
        assert_eq!(connection.execute_script(script).unwrap_err().statement(), Some("insert into u values (1)"));
        connection.execute_script("drop table u; -- end")?;
        let last = connection.execute_script("select 1; insert into u values (2); -- end").unwrap_err();
        assert_eq!(last.statement(), Some("insert into u values (2)"));
        connection.roll_back()?;
        Ok(vec![])
    });
    assert_eq!(got, Got::Returned(false, true, vec![]));
}

#[test]
fn a_script_may_end_within_a_comment() {
    let mut bench = Bench::with(1);
    let got = call(&mut bench, 1, CALL, |connection| {
        connection.execute_script("create table t (x unique); insert into t values (1) /* ")?;
        connection.execute_script("insert into t values (2) /* ;")?;
        connection.execute_script("insert into t values (3); /* ")?;
        connection.execute_script("insert into t values (4) -- ;")?;
        assert_eq!(cell(connection, "select group_concat(x, '') from t")?, Value::Text("1234".into()));
        let error = connection.execute_script("insert into t values (1) ; ").unwrap_err();
        assert_eq!(error.statement(), Some("insert into t values (1)"));
        connection.roll_back()?;
        Ok(vec![])
    });
    assert_eq!(got, Got::Returned(false, true, vec![]));
}

#[test]
fn a_transaction_is_begun_once_also_where_each_statement_is_one() {
    for begin in [BeginMode::Auto, BeginMode::None] {
        let mut bench = Bench::with(1);
        let got = call(&mut bench, 1, ProcedureCall { begin, ..CALL }, |connection| {
            for _ in 0..2 {
                assert!(!connection.in_transaction());
                connection.begin()?;
                assert!(connection.in_transaction());
                let error = connection.begin().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidRequest);
                assert!(error.message().contains("call beginNested()"), "{error}");
                connection.commit()?;
            }
            // A statement begins it as well.
            connection.execute("select 1", None, false)?;
            assert!(connection.in_transaction());
            assert_eq!(connection.begin().unwrap_err().kind(), ErrorKind::InvalidRequest);
            connection.roll_back()?;
            assert!(!connection.in_transaction());
            Ok(vec![])
        });
        assert!(matches!(got, Got::Returned(false, _, _)), "{got:?}");
    }
}

#[test]
fn a_script_with_a_null_character_is_not_begun() {
    let mut bench = Bench::with(1);
    let got = call(&mut bench, 1, CALL, |connection| {
        let error = connection.execute_script("create table t (x); \0 create table u (x);").unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Programming, "the script contains a null character"));
        assert!(!connection.in_transaction());
        Ok(vec![])
    });
    assert_eq!(got, Got::Returned(false, false, vec![]));
}

#[test]
fn what_a_collation_fails_in_fails_and_leaves_nothing() {
    let mut bench = Bench::with(2);
    bench.run(1, "create table t (x)");
    bench.run(1, "insert into t values ('a'), ('b'), ('c')");
    call(&mut bench, 1, CALL, |connection| {
        connection.create_collation("refuses", Box::new(|one, _| Err(format!("not {one}"))))?;
        connection.create_collation("panics", Box::new(|_, _| panic!("it panics")))?;
        connection.create_collation("backwards", Box::new(|one, other| Ok(other.cmp(one))))?;
        connection.commit()?;
        Ok(vec![])
    });
    bench.transaction(1, TransactionOp::Rollback);
    let alone = |sql| aludel_protocol::Execute { begin: BeginMode::None, ..execute(sql) };
    let writing = [
        "delete from t where x = 'a' collate refuses",
        "delete from t where x = 'a' collate refuses returning x",
        "insert into t select distinct x collate refuses from t",
        "create unique index u on t (x collate refuses)",
    ];
    // It is a transaction by itself, or one of several in one: that is over, with what was written before.
    for sql in writing {
        let error = bench.try_run(1, &alone(sql), &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Operational, "{sql}: {error}");
        assert!(error.message().starts_with("not "), "{sql}: {error}");
        assert_eq!(bench.integer(2, "select count(*) from t where x in ('a', 'b', 'c')"), 3, "{sql}");
        assert_eq!(bench.transaction(2, TransactionOp::Rollback), Got::Done(false));

        let got = call(&mut bench, 1, CALL, move |connection| {
            connection.execute("insert into t values ('d')", None, false)?;
            let error = connection.execute(sql, None, false).unwrap_err();
            assert!(error.message().starts_with("not "), "{sql}: {error}");
            assert_eq!(connection.commit().unwrap_err().kind(), ErrorKind::PendingRollback, "{sql}");
            connection.roll_back()?;
            Ok(vec![])
        });
        assert_eq!(got, Got::Returned(false, true, vec![]), "{sql}");
        assert_eq!(bench.integer(2, "select count(*) from t"), 3, "{sql}");
        assert_eq!(bench.transaction(2, TransactionOp::Rollback), Got::Done(false));
    }
    // One that reads leaves the transaction as it is, and the next ones know nothing of it.
    let got = call(&mut bench, 1, CALL, |connection| {
        connection.execute("insert into t values ('d')", None, false)?;
        for (sql, message) in [
            ("select x from t order by x collate refuses", "not "),
            ("select count(*) from t where x = 'a' collate panics", "the collation panicked"),
        ] {
            let error = connection.execute(sql, None, false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Operational);
            assert!(error.message().starts_with(message), "{error}");
        }
        assert_eq!(cell(connection, "select x from t order by x collate backwards")?, Value::Text("d".to_owned()));
        connection.commit()?;
        Ok(vec![])
    });
    assert_eq!(got, Got::Returned(false, true, vec![]));
    assert_eq!(bench.integer(2, "select count(*) from t"), 4);
}
