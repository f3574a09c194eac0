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

#[cfg(feature = "faults")]
mod files {
    use crate::bench::{Bench, Got, execute, options, stream};
    use crate::scratch::Scratch;
    use aludel_protocol::{
        BeginMode, Error, ErrorKind, Execute, OpenOptions, Request, Storage, StorageReason, TransactionOp, Value,
    };
    use aludel_worker::vfs::simulated::SimulatedDisk;

    /// A service with connections 1 to 3 on a database in a directory of a simulated disk.
    fn bench() -> Bench {
        let mut bench = Bench::greeted();
        bench.service.environment_mut().disk = Some(SimulatedDisk::new());
        (1..=3).for_each(|id| bench.open(id, options(Storage::Opfs, "dir/main.db")));
        bench.run(1, "create table t (a)");
        bench
    }

    fn disk(bench: &mut Bench) -> SimulatedDisk {
        bench.service.environment_mut().disk.clone().unwrap()
    }

    fn released(bench: &mut Bench) -> Vec<String> {
        std::mem::take(&mut bench.service.environment_mut().released)
    }

    #[test]
    fn a_file_in_the_directory_is_attached_in_wal_mode_and_given_up_with_the_last_detach() {
        let mut bench = bench();
        for connection in [1, 2] {
            bench.run(connection, "attach 'sub/other.db' as other");
            assert_eq!(bench.scalar(connection, "pragma other.journal_mode"), Value::Text("wal".into()));
        }
        assert!(disk(&mut bench).names().contains(&"dir/sub/other.db".to_owned()));
        bench.run(1, "create table other.u (a)");
        bench.run(1, "insert into other.u values (1)");
        assert_eq!(bench.integer(2, "select count(*) from other.u"), 1);
        assert!(bench.fail(3, "select * from other.u").message().contains("no such table"));
        bench.run(1, "detach other");
        assert_eq!(released(&mut bench), [""; 0], "the other one has it");
        bench.run(2, "insert into other.u values (2)");
        bench.run(2, "detach database other");
        assert_eq!(released(&mut bench), ["dir/sub/other.db"]);
        // What was committed is in the file, whose log is merged.
        assert_eq!(disk(&mut bench).size("dir/sub/other.db-wal"), 0);
        bench.run(3, "attach database \"sub/other.db\" as \"an other\"");
        assert_eq!(bench.integer(3, "select count(*) from \"an other\".u"), 2);
        let close = bench.send(3, Request::Close);
        bench.settle();
        assert_eq!(bench.take(close), [Got::Done(false)]);
        assert_eq!(released(&mut bench), ["dir/sub/other.db"]);
        let client = bench.client;
        bench.run(2, "attach 'sub/other.db' as other");
        bench.service.drop_client(client);
        assert_eq!(released(&mut bench), ["dir/sub/other.db", "dir/main.db"]);
    }

    #[test]
    fn a_transaction_over_files_is_one_transaction() {
        let mut bench = bench();
        bench.run(1, "begin");
        bench.run(1, "attach 'other.db' as other");
        bench.run(1, "create table other.u (a)");
        bench.run(1, "insert into t values (1)");
        bench.run(1, "insert into other.u values (1)");
        assert_eq!(bench.transaction(1, TransactionOp::Commit), Got::Done(false));
        bench.run(2, "attach 'other.db' as o");
        bench.run(1, "begin");
        bench.run(1, "delete from t");
        bench.run(1, "delete from other.u");
        assert_eq!(bench.integer(2, "select (select count(*) from t) + (select count(*) from o.u)"), 2);
        bench.transaction(1, TransactionOp::Rollback);
        assert_eq!(bench.integer(2, "select (select count(*) from t) + (select count(*) from o.u)"), 2);
        // The attached database may be ahead of a snapshot of the main one, as any two files are.
        assert_eq!(bench.scalar(2, "pragma o.integrity_check"), Value::Text("ok".into()));
    }

    #[test]
    fn whoever_waits_for_a_lock_of_an_attached_database_gets_it_when_it_is_free() {
        let mut bench = bench();
        for connection in [1, 2] {
            bench.run(connection, "attach 'other.db' as other");
        }
        bench.run(1, "create table other.u (a)");
        bench.run(1, "begin");
        bench.run(1, "insert into other.u values (1)");
        let waiting = bench.send_execute(2, &execute("insert into other.u values (2)"), &[]);
        bench.settle();
        assert_eq!(bench.take(waiting), []);
        bench.transaction(1, TransactionOp::Commit);
        bench.settle();
        assert!(bench.outcome(waiting).is_ok());
        // It is the main database of somebody else, who waits as well.
        bench.open(9, options(Storage::Opfs, "dir/other.db"));
        bench.transaction(1, TransactionOp::Begin(BeginMode::Immediate));
        let waiting = bench.send_execute(9, &execute("insert into u values (3)"), &[]);
        bench.settle();
        assert_eq!(bench.take(waiting), []);
        bench.transaction(1, TransactionOp::Rollback);
        bench.settle();
        assert!(bench.outcome(waiting).is_ok());
        bench.transaction(9, TransactionOp::Begin(BeginMode::Immediate));
        let waiting = bench.send_execute(1, &execute("insert into other.u values (4)"), &[]);
        bench.settle();
        assert_eq!(bench.take(waiting), []);
        bench.transaction(9, TransactionOp::Commit);
        bench.settle();
        assert!(bench.outcome(waiting).is_ok());
        bench.transaction(9, TransactionOp::Begin(BeginMode::Immediate));
        let waiting = bench.send_execute(1, &execute("insert into other.u values (5)"), &[]);
        bench.settle();
        bench.advance(2_000.0);
        bench.settle();
        assert!(bench.error(waiting).0.message().contains("database is locked"));
        bench.transaction(9, TransactionOp::Rollback);
        assert_eq!(bench.integer(9, "select count(*) from u"), 4);
        // A stream that had not said anything yet is closed, and with it the transaction that was begun for it.
        let insert =
            Execute { begin: BeginMode::Immediate, ..stream("insert into other.u values (6) returning a", 0, 1) };
        let streamed = bench.send_execute(1, &insert, &[]);
        bench.settle();
        let waiting = bench.send_execute(9, &execute("insert into u values (7)"), &[]);
        bench.settle();
        assert_eq!(bench.take(waiting), []);
        bench.send(1, Request::CloseStream { stream: streamed });
        bench.settle();
        assert!(bench.outcome(waiting).is_ok());
    }

    #[test]
    fn its_log_is_kept_small_as_well() {
        let mut bench = bench();
        bench.run(1, "attach 'other.db' as other");
        bench.run(1, "create table other.u (id integer primary key, v)");
        let mut largest = 0;
        for _ in 0..1500 {
            bench.run(1, "insert into other.u (v) values (zeroblob(8000))");
            largest = largest.max(disk(&mut bench).size("dir/other.db-wal"));
        }
        assert!(largest < 6 << 20, "{largest}");
    }

    fn later(bench: &mut Bench) {
        bench.service.environment_mut().disk = None;
        bench.service.environment_mut().preparation = None;
    }

    #[test]
    fn a_statement_waits_for_the_files_and_may_be_given_up() {
        let mut bench = bench();
        let disk = disk(&mut bench);
        later(&mut bench);
        let attach = bench.send_execute(1, &execute("attach 'other.db' as other"), &[]);
        let behind = bench.send_execute(1, &execute("select count(*) from sqlite_schema"), &[]);
        bench.settle();
        assert_eq!((bench.take(attach), bench.take(behind)), (vec![], vec![]));
        assert_eq!(bench.integer(2, "select count(*) from t"), 0, "others go on");
        disk.attach("dir/other.db", true).unwrap();
        bench.service.files_ready("dir/other.db", Ok(()));
        bench.settle();
        assert!(bench.outcome(attach).is_ok() && bench.outcome(behind).is_ok());
        bench.run(1, "create table other.u (a)");

        // Somebody else has it.
        let attach = bench.send_execute(2, &execute("attach 'third.db' as third"), &[]);
        bench.settle();
        let in_use = Error::storage(StorageReason::InUse, "third.db is open in another tab or worker");
        bench.service.files_ready("dir/third.db", Err(in_use));
        bench.settle();
        let (error, _) = bench.error(attach);
        assert_eq!((error.reason(), error.retryable()), (Some(StorageReason::InUse), true), "{error}");

        // It is given up before, and what comes too late is given back.
        for how in ["cancel", "deadline", "leave"] {
            let asked = aludel_protocol::Execute { deadline: 50, ..execute("attach 'fourth.db' as fourth") };
            let attach = bench.send_execute(3, &asked, &[]);
            bench.settle();
            released(&mut bench);
            match how {
                "cancel" => drop(bench.send(3, Request::Cancel { request: attach }).to_string()),
                "deadline" => bench.advance(100.0),
                _ => {
                    let client = bench.client;
                    bench.service.drop_client(client);
                }
            }
            bench.settle();
            assert!(matches!(bench.take(attach).pop(), Some(Got::Error(..))), "{how}");
            bench.service.files_ready("dir/fourth.db", Ok(()));
            assert!(released(&mut bench).contains(&"dir/fourth.db".to_owned()), "{how}");
        }
    }

    #[test]
    fn what_fails_leaves_nothing_attached() {
        let mut bench = bench();
        bench.run(1, "attach 'other.db' as other");
        released(&mut bench);
        // The schema is taken; the file is none; it has no parameters.
        let taken = bench.fail(1, "attach 'third.db' as other");
        assert!(taken.message().contains("already in use"), "{taken}");
        assert_eq!(released(&mut bench), ["dir/third.db"]);
        let disk = disk(&mut bench);
        disk.attach("dir/garbage.db", true).unwrap();
        aludel_worker::vfs::detach("dir/garbage.db");
        disk.write("dir/garbage.db", &[0x5a; 9000]);
        let garbage = bench.fail(1, "attach 'garbage.db' as garbage");
        assert_eq!(garbage.reason(), Some(StorageReason::NotADatabase), "{garbage}");
        assert_eq!(released(&mut bench), ["dir/garbage.db"]);
        assert_eq!(bench.run(1, "pragma database_list").rows.len(), 2);
        // A name of one statement is of no use to another.
        bench.run(1, "detach other");
        let error = bench.fail(1, "vacuum into 'other.db'");
        assert_eq!(error.reason(), Some(StorageReason::CannotOpen), "{error}");
    }

    #[test]
    fn names_outside_the_directory_are_refused() {
        let mut bench = bench();
        let long = format!("{}.db", "x".repeat(241));
        for name in [
            "../x.db",
            "sub/../../x.db",
            "/etc/passwd",
            "dir//x.db",
            "./x.db",
            "x/",
            "a\\b.db",
            "C:x.db",
            "file:x.db",
            &long,
            "main.db",
            "main.db-wal",
            "other.db-journal",
            "other.db-mark",
            "other.db-import",
        ] {
            let error = bench.fail(1, &format!("attach '{name}' as other"));
            assert_eq!(error.reason(), Some(StorageReason::CannotOpen), "{name}: {error}");
            assert!(error.message().contains("unable to attach"), "{name}: {error}");
        }
        assert_eq!(bench.run(1, "pragma database_list").rows.len(), 1);
        assert_eq!(bench.service.environment_mut().prepared.len(), 1, "nothing was opened");
    }

    #[test]
    fn files_of_a_disk_are_attached_by_their_names_beside_the_database() {
        let scratch = Scratch::new();
        let mut bench = Bench::greeted();
        let path = scratch.name("main.db");
        bench.open(1, OpenOptions { storage: Storage::Disk, ..options(Storage::Disk, &path) });
        bench.run(1, "attach 'other.db' as other");
        bench.run(1, "create table other.u (a)");
        assert!(scratch.path("other.db").exists());
        let error = bench.fail(1, "attach 'no/such/directory.db' as third");
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(StorageReason::CannotOpen)), "{error}");
    }
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
