//! What is told of commits: which tables, from whom, in which order, and when nothing.

use crate::bench::{Bench, Got, execute, options, stream};
use crate::scratch::Scratch;
use aludel_protocol::Value;
use aludel_protocol::{BeginMode, Commit, Execute, Notice, Party, Reply, Request, Storage, TransactionOp};

/// A database with these tables, whose client watches from here on.
fn watching(schema: &[&str]) -> Bench {
    let mut bench = Bench::with(2);
    schema.iter().for_each(|sql| drop(bench.run(1, sql)));
    watch(&mut bench, true);
    bench
}

fn watch(bench: &mut Bench, changes: bool) {
    let id = bench.send(0, Request::Watch { changes });
    assert_eq!(bench.take(id), [Got::Done(false)]);
    bench.notices();
}

/// The commits that were told, with who was told of them.
fn commits(bench: &mut Bench) -> Vec<(u64, Vec<Commit>)> {
    let told = |(header, notice): (aludel_protocol::Header, Notice)| match notice {
        Notice::Changed(commits) => (header.client, commits),
        other => panic!("{other:?}"),
    };
    bench.notices().into_iter().map(told).collect()
}

/// The tables of each commit, with a `*` in front where the schema was changed.
fn tables(bench: &mut Bench) -> Vec<String> {
    let commits = commits(bench).into_iter().flat_map(|(_, commits)| commits);
    commits.map(|commit| format!("{}{}", if commit.schema { "*" } else { "" }, commit.tables.join(" "))).collect()
}

/// Runs each statement by itself and says what was told of it.
fn check(schema: &[&str], cases: &[(&str, &str)]) {
    let mut bench = watching(schema);
    for (sql, expected) in cases {
        // Twice: the second time it comes from the cache, and may have nothing left to do.
        bench.run(1, sql);
        let expected: Vec<&str> = if *expected == "-" { vec![] } else { vec![expected] };
        assert_eq!(tables(&mut bench), expected, "{sql}");
    }
}

#[test]
fn a_commit_names_the_tables_that_it_wrote() {
    check(
        &["create table \"Two words\" (id integer primary key, a)", "create table t (a)", "create table é (a)"],
        &[
            ("insert into \"TWO WORDS\" (a) values (1), (2)", "Two words"),
            ("insert into t select a from \"two words\"", "t"),
            ("insert into é values (1)", "é"),
            ("update t set a = a + 1", "t"),
            ("update t set a = 5 where a = 7", "-"),
            ("delete from t where a = 7", "-"),
            ("select * from t", "-"),
            ("delete from t where a = 2", "t"),
            ("delete from t", "t"),
            ("delete from t", "-"),
            ("insert into t select 1 where 0", "-"),
            ("replace into \"Two words\" values (1, 5)", "Two words"),
            ("insert or ignore into \"Two words\" values (1, 5)", "-"),
            ("insert into \"Two words\" values (1, 5) on conflict do update set a = a + 1 returning a", "Two words"),
            ("insert into \"Two words\" values (1, 5) on conflict do nothing", "-"),
            ("with n(i) as (values (1), (2)) insert into t select i from n", "t"),
            ("update t set a = n.a from \"Two words\" as n", "t"),
            ("pragma user_version = 5", "-"),
        ],
    );
}

#[test]
fn tables_without_rowids_and_those_behind_triggers_keys_and_views_are_among_them() {
    check(
        &[
            "create table w (a primary key, b) without rowid",
            "create table parent (id integer primary key)",
            "create table child (id integer primary key, p references parent on delete cascade on update set null)",
            "create table grandchild (c references child on delete cascade)",
            "create table audit (what)",
            "create table u (a unique)",
            "create trigger after_u after insert on u begin insert into audit values (new.a); end",
            "create view v as select a from w",
            "create trigger into_v instead of insert on v begin insert into w values (new.a, 0); end",
        ],
        &[
            ("insert into w values (1, 2), (3, 4)", "w"),
            ("update w set b = 7 where a = 1", "w"),
            ("replace into w values (1, 9)", "w"),
            ("delete from w", "w"),
            ("insert into v values (8)", "w"),
            ("insert into parent values (1), (2)", "parent"),
            ("insert into child values (1, 1), (2, 2)", "child"),
            ("insert into grandchild values (1)", "grandchild"),
            ("update parent set id = 3 where id = 2", "child parent"),
            ("delete from parent where id = 1", "child grandchild parent"),
            ("insert into u values (1)", "audit u"),
            ("replace into u values (1)", "audit u"),
        ],
    );
}

#[test]
fn virtual_tables_are_told_without_what_they_keep_their_rows_in() {
    check(
        &["create virtual table docs using fts5(body)"],
        &[
            ("insert into docs values ('one'), ('two')", "docs"),
            ("update docs set body = 'three' where body match 'two'", "docs"),
            ("insert into docs(docs) values ('optimize')", "docs"),
            ("delete from docs", "docs"),
        ],
    );
    // A statement that has to be prepared anew learns its tables anew, and those only.
    let mut bench = watching(&["create virtual table docs using fts5(body)", "create table log (a)"]);
    bench.run(2, "insert into docs values ('one')");
    bench.run(1, "create trigger t after insert on log begin insert into docs values (new.a); end");
    assert_eq!(tables(&mut bench), ["docs", "*"]);
    bench.run(2, "insert into docs values ('one')");
    bench.run(2, "insert into log values ('two')");
    assert_eq!(tables(&mut bench), ["docs", "docs log"]);
}

#[test]
fn a_change_of_the_schema_is_told_as_such() {
    check(
        &["create table t (a)"],
        &[
            ("create table u (a, b)", "*u"),
            ("create table if not exists u (a)", "-"),
            ("create table w as select 1 as one", "*w"),
            ("alter table u add column c", "*u"),
            ("alter table u rename to x", "*u"),
            ("alter table x drop column c", "*x"),
            ("create index ix on t (a)", "*"),
            ("create view v as select * from t", "*"),
            ("create trigger tr after insert on t begin delete from x; end", "*"),
            ("insert into t values (1)", "t x"),
            ("drop trigger tr", "*"),
            ("insert into t values (2)", "t"),
            ("drop view v", "*"),
            ("drop index ix", "*"),
            ("drop table t", "*t"),
            ("drop table if exists t", "-"),
            ("create virtual table f using fts5(body)", "*f"),
            ("drop table f", "*f"),
            ("create temp table hidden (a)", "-"),
            ("insert into hidden values (1)", "-"),
        ],
    );
}

#[test]
fn a_cached_statement_learns_of_a_trigger_that_came_later() {
    let mut bench = watching(&["create table t (a)", "create table u (a)"]);
    let insert = "insert into t values (1)";
    bench.run(2, insert);
    assert_eq!(tables(&mut bench), ["t"]);
    bench.run(1, "create trigger tr after insert on t begin insert into u values (new.a); end");
    assert_eq!(tables(&mut bench), ["*"]);
    bench.run(2, insert);
    assert_eq!(tables(&mut bench), ["t u"]);
    bench.run(1, "drop trigger tr");
    bench.run(2, insert);
    assert_eq!(tables(&mut bench), ["*", "t"]);
}

#[test]
fn a_transaction_is_told_once_and_only_when_it_is_committed() {
    let mut bench = watching(&["create table t (a)", "create table u (a)", "create table w (a unique)"]);
    bench.run(1, "begin");
    bench.run(1, "insert into u values (1)");
    bench.run(1, "insert into t values (1)");
    bench.run(1, "insert into u values (2)");
    assert_eq!(tables(&mut bench), [""; 0]);
    bench.transaction(1, TransactionOp::Commit);
    assert_eq!(tables(&mut bench), ["t u"]);

    for rollback in ["rollback", "op", "reset", "close"] {
        bench.open(3, options(Storage::Memory, "test"));
        bench.run(3, "begin");
        bench.run(3, "insert into t values (1)");
        bench.run(3, "create table gone (a)");
        match rollback {
            "rollback" => drop(bench.run(3, "rollback")),
            "op" => assert_eq!(bench.transaction(3, TransactionOp::Rollback), Got::Done(false)),
            "reset" => drop(bench.send(3, Request::Reset)),
            _ => {}
        }
        bench.send(3, Request::Close);
        bench.settle();
        bench.run(1, "insert into u values (3)");
        assert_eq!(tables(&mut bench), ["u"], "{rollback}");
    }
    // SQLite rolls back by itself.
    bench.run(1, "insert into w values (1)");
    bench.run(1, "begin");
    bench.run(1, "insert into t values (1)");
    bench.fail(1, "insert or rollback into w values (1)");
    bench.run(1, "insert into u values (4)");
    assert_eq!(tables(&mut bench), ["w", "u"]);
    // What FAIL leaves behind is there, and what ABORT takes back is not.
    bench.fail(1, "insert or fail into w values (2), (1)");
    bench.fail(1, "insert or abort into w values (3), (1)");
    assert_eq!(tables(&mut bench), ["w"]);
}

#[test]
fn savepoints_are_part_of_their_transaction_and_what_they_take_back_may_be_told() {
    let mut bench = watching(&["create table t (a)", "create table u (a)"]);
    bench.transaction(1, TransactionOp::Savepoint("outer".into(), BeginMode::Immediate));
    bench.run(1, "insert into t values (1)");
    bench.transaction(1, TransactionOp::Savepoint("inner".into(), BeginMode::None));
    bench.run(1, "insert into u values (1)");
    bench.transaction(1, TransactionOp::RollbackTo("inner".into()));
    assert_eq!(tables(&mut bench), [""; 0]);
    bench.transaction(1, TransactionOp::Commit);
    // Which rows a savepoint held is not written down, so more may be told than was changed, never less.
    assert_eq!(tables(&mut bench), ["t u"]);
    // A savepoint outside of a transaction is one.
    bench.run(1, "savepoint s");
    bench.run(1, "insert into t values (1)");
    assert_eq!(tables(&mut bench), [""; 0]);
    bench.run(1, "release s");
    assert_eq!(tables(&mut bench), ["t"]);
}

#[test]
fn commits_are_numbered_and_travel_in_one_frame_behind_their_replies() {
    let mut bench = watching(&["create table t (a)", "create table u (a)"]);
    let first = bench.send_execute(1, &execute("insert into t values (1)"), &[]);
    let second = bench.send_execute(1, &execute("insert into u values (1)"), &[]);
    bench.settle();
    let frames: Vec<u64> = bench
        .service
        .environment_mut()
        .posted
        .iter()
        .map(|(_, frame)| Reply::decode(frame).unwrap().0.request)
        .collect();
    assert_eq!(frames, [first, second, 0]);
    let by = |connection| Party { client: 0, connection };
    let commit = |number, connection, table: &str| Commit {
        number,
        by: by(connection),
        schema: false,
        tables: vec![table.into()],
    };
    assert_eq!(commits(&mut bench), [(0, vec![commit(3, 1, "t"), commit(4, 1, "u")])]);
    // Each set of a list commits by itself, unless the list is a transaction.
    let many = Execute { many: true, ..execute("insert into t values (?)") };
    let sets = [[Value::Integer(1)].to_vec(), [Value::Integer(2)].to_vec()];
    bench.try_run(1, &many, &sets).unwrap();
    assert_eq!(commits(&mut bench), [(0, vec![commit(5, 1, "t"), commit(6, 1, "t")])]);
    bench.try_run(1, &Execute { begin: BeginMode::Own, ..many }, &sets).unwrap();
    assert_eq!(commits(&mut bench), [(0, vec![commit(7, 1, "t")])]);
}

#[test]
fn whoever_watches_is_told_of_everybodys_commits_and_nobody_else_is() {
    let mut bench = Bench::fresh();
    for client in [1, 2, 3] {
        bench.greet_as(client);
        bench.open(1, options(Storage::Memory, "shared"));
    }
    for client in [1, 3] {
        bench.client = client;
        watch(&mut bench, true);
    }
    bench.client = 2;
    bench.run(1, "create table t (a)");
    bench.client = 1;
    bench.run(1, "insert into t values (1)");
    let told: Vec<(u64, u64, u64)> = commits(&mut bench)
        .into_iter()
        .flat_map(|(to, commits)| commits.into_iter().map(move |commit| (to, commit.number, commit.by.client)))
        .collect();
    assert_eq!(told, [(1, 1, 2), (3, 1, 2), (1, 2, 1), (3, 2, 1)]);
    bench.client = 3;
    watch(&mut bench, false);
    bench.service.drop_client(1);
    bench.run(1, "insert into t values (1)");
    assert_eq!(commits(&mut bench), []);
}

#[test]
fn rows_that_a_stream_writes_are_told_when_it_ends_however_it_ends() {
    let mut bench = watching(&["create table t (a)", "create table u (a)"]);
    let insert = "insert into t select value from json_each('[1,2,3,4,5,6]') returning a";
    bench.run(1, "begin");
    let read = bench.send_execute(1, &stream(insert, 1, 1), &[]);
    bench.settle();
    assert_eq!(bench.rows(read).len(), 1);
    assert_eq!(tables(&mut bench), [""; 0]);
    bench.send(1, Request::CloseStream { stream: read });
    bench.settle();
    bench.run(1, "commit");
    assert_eq!(tables(&mut bench), ["t"]);
    assert_eq!(bench.integer(2, "select count(*) from t"), 6);

    bench.send_execute(1, &stream(insert, 1, 1), &[]);
    bench.settle();
    assert_eq!(tables(&mut bench), ["t"]);
}

#[test]
fn a_database_that_left_wal_mode_tells_its_commits_as_well() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (a)");
    watch(&mut bench, true);
    bench.run(1, "pragma journal_mode = delete");
    bench.run(1, "insert into t values (1)");
    assert_eq!(tables(&mut bench), ["t"]);
}

#[test]
fn the_last_commits_of_a_file_are_told_when_it_is_closed() {
    let scratch = Scratch::new();
    let mut bench = Bench::greeted();
    bench.open(1, options(Storage::Disk, &scratch.name("a.db")));
    watch(&mut bench, true);
    bench.send_execute(1, &execute("create table t (a)"), &[]);
    bench.send(1, Request::Close);
    bench.settle();
    assert_eq!(tables(&mut bench), ["*t"]);
}
