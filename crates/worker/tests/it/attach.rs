//! ATTACH, and VACUUM, which attaches a database to itself.

use crate::bench::{Bench, Got};
use aludel_protocol::{ErrorKind, StorageReason, TransactionOp, Value};

#[test]
fn vacuum_works_beside_other_connections() {
    let mut bench = Bench::with(2);
    bench.run(1, "create table t (id integer primary key, v text)");
    bench.run(1, "insert into t with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) select i, hex(zeroblob(200)) from n");
    bench.run(1, "delete from t where id % 10 > 0");
    let before = bench.integer(2, "pragma page_count");
    bench.run(1, "vacuum");
    assert!(bench.integer(2, "pragma page_count") < before / 2);
    assert_eq!(bench.integer(2, "select count(*) from t"), 200);
    assert_eq!(bench.scalar(2, "pragma integrity_check"), Value::Text("ok".into()));
}

#[test]
fn databases_in_memory_are_attached_and_take_part_in_transactions() {
    let mut bench = Bench::with(2);
    bench.run(1, "create table t (a)");
    for name in ["", ":memory:"] {
        for schema in ["one", "the \"other\" one"] {
            let quoted = schema.replace('"', "\"\"");
            bench.run(1, &format!("attach '{name}' as \"{quoted}\""));
            bench.run(1, &format!("create table \"{quoted}\".u (a)"));
        }
        bench.run(1, "begin");
        bench.run(1, "insert into t values (1)");
        bench.run(1, "insert into one.u values (1)");
        bench.run(1, "insert into \"the \"\"other\"\" one\".u values (1)");
        assert_eq!(bench.transaction(1, TransactionOp::Commit), Got::Done(false));
        bench.run(1, "begin");
        bench.run(1, "delete from t");
        bench.run(1, "delete from one.u");
        bench.transaction(1, TransactionOp::Rollback);
        assert_eq!(bench.integer(1, "select count(*) from one.u"), 1);
        assert_eq!(bench.integer(1, "select count(*) from \"the \"\"other\"\" one\".u"), 1);
        assert!(bench.fail(2, "select * from one.u").message().contains("no such table"));
        bench.run(1, "detach one");
        bench.run(1, "detach \"the \"\"other\"\" one\"");
    }
    assert_eq!(bench.integer(2, "select count(*) from t"), 2);
}

#[test]
fn what_is_not_ours_to_open_is_refused() {
    let mut bench = Bench::with(1);
    for sql in [
        "attach 'other.db' as other",
        "attach \"/etc/passwd\" as other",
        "attach '../x' as other",
        "attach 'file:x?mode=memory' as other",
        "attach 'a' || 'b' as other",
        "attach 'memory-1' as other",
        "vacuum into 'copy.db'",
    ] {
        let error = bench.fail(1, sql);
        assert_eq!(
            (error.kind(), error.reason()),
            (ErrorKind::Storage, Some(StorageReason::CannotOpen)),
            "{sql}: {error}"
        );
    }
    let parameter = bench.try_run(1, &crate::bench::execute("attach ? as other"), &[vec![Value::Text("".into())]]);
    assert!(parameter.unwrap_err().message().contains("literal"));
    assert_eq!(bench.run(1, "pragma database_list").rows.len(), 1);
}
