//! Imports: what comes in, what is refused, and what others see of it.

use crate::bench::{Bench, Got, execute, options, stream};
use crate::scratch::Scratch;
use aludel_protocol::{
    BeginMode, ErrorKind, ImportStep, Notice, PROTOCOL_VERSION, Request, Storage, StorageReason, TransactionOp, Value,
};
use aludel_worker::sqlite::Connection;
use aludel_worker::vfs::simulated::SimulatedDisk;
use aludel_worker::vfs::{VFS_NAME, detach, register};

const ROWS: &str = "insert into t with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) \
                    select i, printf('%0300d', i) from n";

/// The bytes of a file that these statements make.
pub fn file_of(statements: &[&str]) -> Vec<u8> {
    register().unwrap();
    let disk = SimulatedDisk::new();
    disk.attach("file-to-import", true).unwrap();
    {
        let db = Connection::open("file-to-import", VFS_NAME, true).unwrap();
        for sql in statements {
            db.query(sql).unwrap_or_else(|failure| panic!("{sql}: {failure:?}"));
        }
    }
    detach("file-to-import");
    disk.bytes("file-to-import")
}

fn new_file() -> Vec<u8> {
    file_of(&["create table t (id integer primary key, v text)", ROWS])
}

/// A service with connections 1 to 3 on a database with other things in it.
fn bench(storage: Storage, path: &str) -> Bench {
    let mut bench = Bench::greeted();
    if storage == Storage::Opfs {
        bench.service.environment_mut().disk = Some(SimulatedDisk::new());
    }
    (1..=3).for_each(|id| bench.open(id, options(storage, path)));
    bench.run(1, "create table old (a)");
    bench.run(1, "insert into old values ('was here')");
    bench
}

pub fn send(bench: &mut Bench, connection: u32, step: ImportStep<'_>) -> u64 {
    bench.send(connection, Request::Import(step))
}

/// The answer to a step, and the reports before it.
fn step(bench: &mut Bench, connection: u32, step: ImportStep<'_>) -> (Got, Vec<Got>) {
    let id = send(bench, connection, step);
    bench.settle();
    let mut got = bench.take(id);
    (got.pop().expect("an answer"), got)
}

fn begin(bench: &mut Bench, connection: u32, bytes: &[u8]) {
    assert_eq!(step(bench, connection, ImportStep::Begin(bytes.len() as u64)).0, Got::Done(false));
    for chunk in bytes.chunks(100_000) {
        assert_eq!(step(bench, connection, ImportStep::Chunk(chunk)).0, Got::Done(false));
    }
}

pub fn import(bench: &mut Bench, connection: u32, bytes: &[u8]) -> Result<(), aludel_protocol::Error> {
    begin(bench, connection, bytes);
    match step(bench, connection, ImportStep::Finish).0 {
        Got::Done(false) => Ok(()),
        Got::Error(error, false) => Err(error),
        other => panic!("{other:?}"),
    }
}

/// Every connection sees the database as it was, and it works.
fn is_as_it_was(bench: &mut Bench) {
    for connection in 1..=3 {
        assert_eq!(bench.scalar(connection, "select a from old"), Value::Text("was here".into()));
        assert_eq!(bench.integer(connection, "select count(*) from sqlite_schema"), 1);
    }
    bench.run(1, "update old set a = a");
    assert_eq!(bench.scalar(2, "pragma integrity_check"), Value::Text("ok".into()));
}

#[test]
fn an_import_takes_the_place_of_a_database_on_every_storage() {
    let scratch = Scratch::new();
    let on_disk = scratch.name("live.db");
    for (storage, path) in [(Storage::Memory, "m"), (Storage::Disk, on_disk.as_str()), (Storage::Opfs, "live.db")] {
        let mut bench = bench(storage, path);
        let cached = "select count(*), max(v) from t where id > 0";
        assert!(bench.fail(2, cached).message().contains("no such table"));
        let bytes = file_of(&[
            "pragma user_version = 77",
            "pragma application_id = 88",
            "create table t (id integer primary key, v text)",
            "create table child (t references t (id))",
            ROWS,
        ]);
        begin(&mut bench, 3, &bytes);
        let watch = bench.send(0, Request::Watch { changes: true });
        drop(bench.take(watch));
        let (answer, reports) = step(&mut bench, 3, ImportStep::Finish);
        assert_eq!(answer, Got::Done(false), "{storage:?}");
        let len = bytes.len() as u64;
        assert_eq!(reports[..2], [Got::Progress(false, 0, len), Got::Progress(false, len, len)]);
        assert_eq!(reports.last(), Some(&Got::Progress(true, len, len)));
        for connection in 1..=3 {
            assert_eq!(bench.run(connection, cached).rows[0][0], Value::Integer(2000), "{storage:?}");
            assert_eq!(bench.integer(connection, "pragma user_version"), 77);
            assert_eq!(bench.integer(connection, "pragma application_id"), 88);
            assert_eq!(bench.scalar(connection, "pragma journal_mode"), Value::Text("wal".into()));
            assert!(bench.fail(connection, "select * from old").message().contains("no such table"));
            let orphan = bench.fail(connection, "insert into child values (9999)");
            assert_eq!(orphan.kind(), ErrorKind::Integrity, "{orphan}");
        }
        if let Some(disk) = &bench.service.environment_mut().disk {
            assert_eq!(disk.size("live.db-wal"), 0, "the log is merged");
        }
        bench.run(1, "insert into t (v) values ('more')");
        assert_eq!(bench.integer(2, "select count(*) from t"), 2001);
        assert_eq!(bench.scalar(3, "pragma integrity_check"), Value::Text("ok".into()));
        // Nothing is left beside.
        match (&bench.service.environment_mut().disk, storage) {
            (Some(disk), _) => assert_eq!(disk.names(), ["live.db", "live.db-journal", "live.db-mark", "live.db-wal"]),
            (None, Storage::Disk) => {
                let entries = std::fs::read_dir(scratch.path("")).unwrap().map(|entry| entry.unwrap().file_name());
                assert!(!entries.into_iter().any(|name| name.to_string_lossy().contains("import")));
            }
            _ => {}
        }
        let told = bench.notices();
        let [.., (_, Notice::Changed(commits)), _] = &told[..] else { panic!("{told:?}") };
        assert_eq!(commits.len(), 1);
        assert_eq!((commits[0].schema, commits[0].by.connection), (true, 3));
        assert_eq!(commits[0].tables, ["child", "old", "t"]);
        // Again, over what came in.
        import(&mut bench, 1, &new_file()).unwrap();
        assert_eq!(bench.integer(2, "select count(*) from t"), 2000);
    }
}

#[test]
fn whatever_sqlite_wrote_can_come_in() {
    let table = "create table t (id integer primary key, v text)";
    let cases: &[(&str, &[&str])] = &[
        ("empty but for a table", &[table, "delete from t"]),
        ("small pages", &["pragma page_size = 512", table, ROWS]),
        ("large pages", &["pragma page_size = 65536", table, ROWS]),
        ("in WAL mode", &["pragma journal_mode = wal", table, ROWS]),
        ("auto_vacuum", &["pragma auto_vacuum = full", table, ROWS, "delete from t where id % 3 = 0"]),
        ("small pages, incremental vacuum", &["pragma page_size = 1024", "pragma auto_vacuum = 2", table, ROWS]),
        ("free pages", &[table, ROWS, "delete from t where id > 10"]),
        ("WITHOUT ROWID", &["create table t (id integer primary key, v text) without rowid", ROWS]),
        ("full text", &[table, ROWS, "create virtual table f using fts5 (v)", "insert into f select v from t"]),
        ("small pages, full text", &["pragma page_size = 2048", table, "create virtual table f using fts5 (v)"]),
        (
            "views, triggers, checks and generated columns that nobody can run",
            &[
                table,
                ROWS,
                "create view w as select missing(v) from t",
                "create trigger g after insert on t begin select raise(abort, 'no'); end",
                "create table c (a check (a > 0), b generated always as (a + 1) stored)",
                "insert into c (a) values (1)",
            ],
        ),
    ];
    for (what, statements) in cases {
        let mut bench = bench(Storage::Opfs, "whatever.db");
        let bytes = file_of(statements);
        import(&mut bench, 2, &bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
        let rows = bench.integer(1, "select count(*) from t");
        let expected = file_of(statements);
        assert_eq!(bytes.len(), expected.len());
        let direct = {
            let disk = SimulatedDisk::new();
            disk.attach("direct", true).unwrap();
            let db = Connection::open("direct", VFS_NAME, true).unwrap();
            statements.iter().for_each(|sql| drop(db.query(sql).unwrap()));
            let rows = db.query("select count(*) from t").unwrap().unwrap();
            drop(db);
            detach("direct");
            rows
        };
        assert_eq!(rows.to_string(), direct, "{what}");
        assert_eq!(bench.integer(3, "pragma page_size"), 4096, "{what}");
        assert_eq!(bench.scalar(3, "pragma integrity_check"), Value::Text("ok".into()), "{what}");
        let disk = bench.service.environment_mut().disk.clone().unwrap();
        assert_eq!(disk.names().len(), 4, "{what}: {:?}", disk.names());
    }
}

#[test]
fn what_is_no_healthy_database_is_refused() {
    let good = new_file();
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    use StorageReason::{Corrupt, NotADatabase};
    let cases = [
        ("nothing", vec![], NotADatabase),
        ("little", good[..99].to_vec(), NotADatabase),
        ("text", b"hello, world".repeat(1000), NotADatabase),
        ("zeros", vec![0; 8192], NotADatabase),
        ("a page size that is none", changed(&|bytes| bytes[16] = 0x11), NotADatabase),
        ("a format of the future", changed(&|bytes| bytes[18] = 9), NotADatabase),
        ("a piece", good[..good.len() / 4096 / 2 * 4096].to_vec(), Corrupt),
        ("a piece of a page", good[..good.len() - 1].to_vec(), Corrupt),
        ("garbage in the middle", changed(&|bytes| bytes[20_000..28_000].fill(0x5a)), Corrupt),
        ("garbage for a schema", changed(&|bytes| bytes[100..4096].fill(0xff)), Corrupt),
        ("a page twice", changed(&|bytes| bytes.copy_within(3 * 4096..4 * 4096, 4 * 4096)), Corrupt),
        (
            "a list of free pages that leads astray",
            changed(&|bytes| {
                bytes[32..36].copy_from_slice(&5_u32.to_be_bytes());
                bytes[36..40].copy_from_slice(&1_u32.to_be_bytes());
            }),
            Corrupt,
        ),
    ];
    let mut bench = bench(Storage::Opfs, "healthy.db");
    for (what, bytes, reason) in cases {
        let error = import(&mut bench, 2, &bytes).expect_err(what);
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(reason)), "{what}: {error}");
        assert!(!error.retryable(), "{what}");
        is_as_it_was(&mut bench);
        let disk = bench.service.environment_mut().disk.clone().unwrap();
        assert_eq!(disk.names().len(), 4, "{what}: {:?}", disk.names());
    }
    // A file that is whole and needs what is not here is not called damaged.
    let foreign = file_of(&[
        "create table t (a, b)",
        "create index i on t (b)",
        "pragma writable_schema = on",
        "update sqlite_schema set sql = 'create index i on t (b collate gone)' where name = 'i'",
    ]);
    let error = import(&mut bench, 2, &foreign).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
    assert!(error.message().contains("gone"), "{error}");
    let wide = file_of(&["pragma encoding = 'UTF-16le'", "create table t (a)", "insert into t values ('é𝄞')"]);
    let error = import(&mut bench, 2, &wide).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
    assert!(error.message().contains("UTF-16le"), "{error}");
    is_as_it_was(&mut bench);
}

#[test]
fn others_read_on_and_writers_wait() {
    let mut bench = bench(Storage::Opfs, "others.db");
    bench.run(1, "insert into old with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) select i from n");
    let reader = bench.send_execute(1, &stream("select a from old order by rowid", 1, 100), &[]);
    bench.settle();
    assert_eq!(bench.rows(reader)[0].rows.len(), 100);
    begin(&mut bench, 2, &new_file());
    // Each look at the clock takes a while, so that the copy needs many slices.
    bench.service.environment_mut().tick = 3.0;
    let finish = send(&mut bench, 2, ImportStep::Finish);
    let copies = |got: &[Got]| got.iter().any(|got| matches!(got, Got::Progress(true, ..)));
    let (mut reports, mut turns) = (Vec::new(), 0);
    // (The check ends with a report.)
    while reports.len() < 2 {
        bench.service.turn();
        reports.extend(bench.take(finish));
    }
    bench.service.turn();
    let writer = bench.send_execute(3, &execute("insert into old values ('late')"), &[]);
    let mut read = 100;
    loop {
        reports.extend(bench.take(finish));
        if matches!(reports.last(), Some(Got::Done(_))) {
            break;
        }
        turns += 1;
        bench.send(1, Request::Credit { stream: reader, credits: 1 });
        let point = bench.send_execute(1, &execute("select count(*) from old"), &[]);
        bench.service.turn();
        read += bench.rows(reader).iter().map(|rows| rows.rows.len()).sum::<usize>();
        // A reader is never more than a turn away.
        let seen = bench.rows(point);
        assert!(seen.iter().all(|rows| rows.rows == [[Value::Integer(3001)]]), "the snapshot of its stream");
    }
    assert!(copies(&reports) && turns > 10, "{turns} turns, {reports:?}");
    bench.service.environment_mut().tick = 0.002;
    bench.send(1, Request::Credit { stream: reader, credits: 100 });
    bench.settle();
    read += bench.rows(reader).iter().map(|rows| rows.rows.len()).sum::<usize>();
    assert_eq!(read, 3001, "the stream saw its snapshot to the end");
    // The writer had its turn afterwards, in the new database.
    assert!(bench.outcome(writer).unwrap_err().message().contains("no such table: old"));
    assert_eq!(bench.integer(1, "select count(*) from t"), 2000);
    assert_eq!(bench.scalar(3, "pragma integrity_check"), Value::Text("ok".into()));
}

#[test]
fn an_import_waits_for_a_writer_and_for_its_lock_timeout_at_most() {
    let mut bench = bench(Storage::Opfs, "waits.db");
    bench.transaction(1, TransactionOp::Begin(BeginMode::Immediate));
    bench.run(1, "insert into old values ('first')");
    begin(&mut bench, 2, &new_file());
    let finish = send(&mut bench, 2, ImportStep::Finish);
    bench.settle();
    assert!(!bench.take(finish).iter().any(|got| matches!(got, Got::Done(_) | Got::Error(..))));
    bench.transaction(1, TransactionOp::Commit);
    bench.settle();
    assert_eq!(bench.take(finish).last(), Some(&Got::Done(false)));
    assert_eq!(bench.integer(1, "select count(*) from t"), 2000);

    bench.transaction(1, TransactionOp::Begin(BeginMode::Immediate));
    begin(&mut bench, 2, &new_file());
    let finish = send(&mut bench, 2, ImportStep::Finish);
    bench.settle();
    bench.advance(2_000.0);
    bench.settle();
    let (error, _) = bench.error(finish);
    assert!(error.message().contains("database is locked"), "{error}");
    bench.transaction(1, TransactionOp::Rollback);
    assert_eq!(bench.integer(2, "select count(*) from t"), 2000);
    import(&mut bench, 3, &new_file()).unwrap();
}

#[test]
fn an_import_can_be_given_up_at_any_point() {
    let bytes = new_file();
    type End = (&'static str, fn(&mut Bench, u64));
    let ends: [End; 5] = [
        ("cancel", |bench, request| {
            bench.send(2, Request::Cancel { request });
        }),
        ("abort", |bench, request| {
            bench.send(2, Request::Cancel { request });
            assert_eq!(step(bench, 2, ImportStep::Abort).0, Got::Done(false));
        }),
        ("close", |bench, request| {
            bench.send(2, Request::Cancel { request });
            bench.send(2, Request::Close);
        }),
        ("reset", |bench, request| {
            bench.send(2, Request::Cancel { request });
            bench.send(2, Request::Reset);
        }),
        ("the client's death", |bench, _| {
            let client = bench.client;
            bench.service.drop_client(client);
        }),
    ];
    for (what, end) in ends {
        let mut turns = 0;
        loop {
            let mut bench = bench(Storage::Opfs, "given-up.db");
            let (client, watcher) = (bench.client, bench.client + 1);
            bench.client = watcher;
            let hello = bench.send(0, Request::Hello { protocol: PROTOCOL_VERSION, version: "test" });
            drop(bench.take(hello));
            (11..=13).for_each(|id| bench.open(id, options(Storage::Opfs, "given-up.db")));
            bench.client = client;
            begin(&mut bench, 2, &bytes);
            bench.service.environment_mut().tick = 3.0;
            let finish = send(&mut bench, 2, ImportStep::Finish);
            for _ in 0..turns {
                bench.service.turn();
            }
            let before = bench.take(finish);
            let done = before.last() == Some(&Got::Done(false));
            end(&mut bench, finish);
            bench.service.environment_mut().tick = 0.002;
            bench.settle();
            let after = bench.take(finish);
            if !done {
                let cancelled = |got: &Got| matches!(got, Got::Error(error, _) if matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::ResourceClosed));
                assert!(after.iter().any(cancelled), "{what} after {turns} turns: {after:?}");
            }
            bench.client = watcher;
            let tables = bench.run(11, "select name from sqlite_schema order by 1").rows;
            let expected = if done { "t" } else { "old" };
            assert_eq!(tables, [[Value::Text(expected.into())]], "{what} after {turns} turns");
            assert_eq!(bench.scalar(12, "pragma integrity_check"), Value::Text("ok".into()));
            let disk = bench.service.environment_mut().disk.clone().unwrap();
            assert_eq!(disk.names().len(), 4, "{what}: {:?}", disk.names());
            // The next one can begin at once, and the lock is free.
            import(&mut bench, 13, &bytes).unwrap();
            if done {
                break;
            }
            turns += 1;
        }
        assert!(turns > 8, "{what}: {turns} turns");
    }
}

#[test]
fn one_import_at_a_time_in_its_order_and_outside_transactions() {
    let mut bench = bench(Storage::Opfs, "order.db");
    let refused = |(got, _): (Got, Vec<Got>)| match got {
        Got::Error(error, _) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(step(&mut bench, 1, ImportStep::Chunk(b"x"))).kind(), ErrorKind::InvalidRequest);
    assert_eq!(refused(step(&mut bench, 1, ImportStep::Finish)).kind(), ErrorKind::InvalidRequest);
    assert_eq!(step(&mut bench, 1, ImportStep::Abort).0, Got::Done(false));
    begin(&mut bench, 1, b"something");
    let other = refused(step(&mut bench, 2, ImportStep::Begin(1)));
    assert_eq!((other.kind(), other.retryable()), (ErrorKind::Operational, true), "{other}");
    assert!(other.message().contains("another import"), "{other}");
    // Twice on one connection is a mistake, which ends the first.
    assert_eq!(refused(step(&mut bench, 1, ImportStep::Begin(1))).kind(), ErrorKind::InvalidRequest);
    assert_eq!(refused(step(&mut bench, 1, ImportStep::Chunk(b"x"))).kind(), ErrorKind::InvalidRequest);
    assert_eq!(step(&mut bench, 2, ImportStep::Begin(1)).0, Got::Done(false));
    bench.transaction(2, TransactionOp::Begin(BeginMode::Deferred));
    assert_eq!(refused(step(&mut bench, 2, ImportStep::Finish)).kind(), ErrorKind::InvalidRequest);
    assert_eq!(refused(step(&mut bench, 2, ImportStep::Begin(1))).kind(), ErrorKind::InvalidRequest);
    bench.transaction(2, TransactionOp::Rollback);
    is_as_it_was(&mut bench);
    // Other databases are others.
    bench.open(9, options(Storage::Memory, "m"));
    begin(&mut bench, 9, &new_file());
    import(&mut bench, 1, &new_file()).unwrap();
    assert_eq!(step(&mut bench, 9, ImportStep::Finish).0, Got::Done(false));
    assert_eq!(bench.integer(9, "select count(*) from t"), 2000);
}

#[test]
fn scratch_files_are_waited_for_and_given_up() {
    let mut bench = bench(Storage::Opfs, "later.db");
    let disk = bench.service.environment_mut().disk.clone().unwrap();
    let attach = |name: &str| disk.attach_scratch(name);
    bench.service.environment_mut().scratches = Some(vec![]);
    let first = send(&mut bench, 1, ImportStep::Begin(0));
    bench.settle();
    assert_eq!(bench.take(first), []);
    assert_eq!(bench.service.environment_mut().scratches, Some(vec!["later.db-import".to_owned()]));
    assert_eq!(bench.integer(2, "select count(*) from old"), 1, "others go on");
    // It is given up before it is ready, and the next one gets what was on its way.
    bench.send(1, Request::Cancel { request: first });
    bench.settle();
    assert_eq!(bench.error(first).0.kind(), ErrorKind::Cancelled);
    let second = send(&mut bench, 2, ImportStep::Begin(0));
    bench.settle();
    assert_eq!(bench.take(second), []);
    bench.service.scratch_ready("later.db-import", attach("later.db-import"));
    bench.settle();
    assert_eq!(bench.take(second), [Got::Done(false)]);
    let small = file_of(&["pragma page_size = 1024", "create table t (id integer primary key, v text)", ROWS]);
    for chunk in small.chunks(1 << 20) {
        assert_eq!(step(&mut bench, 2, ImportStep::Chunk(chunk)).0, Got::Done(false));
    }
    let finish = send(&mut bench, 2, ImportStep::Finish);
    bench.settle();
    assert_eq!(bench.take(finish).len(), 2, "checked, and no further");
    bench.service.scratch_ready("later.db-import-import", attach("later.db-import-import"));
    bench.settle();
    assert_eq!(bench.take(finish).last(), Some(&Got::Done(false)));
    assert_eq!(bench.integer(1, "select count(*) from t"), 2000);
    // One that nobody wants any more is gone as soon as it is there; a failure is told.
    let third = send(&mut bench, 1, ImportStep::Begin(0));
    bench.settle();
    bench.send(1, Request::Close);
    bench.settle();
    bench.service.scratch_ready("later.db-import", attach("later.db-import"));
    bench.settle();
    assert_eq!(bench.take(third), [Got::Done(false)]);
    assert_eq!(disk.names().len(), 4, "{:?}", disk.names());
    let fourth = send(&mut bench, 2, ImportStep::Begin(0));
    bench.settle();
    let full = aludel_protocol::Error::storage(StorageReason::Quota, "full");
    bench.service.scratch_ready("later.db-import", Err(full));
    bench.settle();
    assert_eq!(bench.error(fourth).0.reason(), Some(StorageReason::Quota));
    bench.service.environment_mut().scratches = None;
    import(&mut bench, 2, &new_file()).unwrap();
}

/// Prints for how long others wait; nothing depends on it. `cargo test --release`, or the figure is that of a debug build.
#[test]
fn how_long_an_import_holds_others_up_is_printed() {
    let bytes = file_of(&[
        "create table t (id integer primary key, v text, w int)",
        "create index byw on t (w)",
        "insert into t with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
         select i, printf('%0100d', i), i * 7919 % 60000 from n",
    ]);
    let mut bench = bench(Storage::Opfs, "how-long.db");
    begin(&mut bench, 1, &bytes);
    // Each slice does as little as it can.
    bench.service.environment_mut().tick = 9.0;
    let finish = send(&mut bench, 1, ImportStep::Finish);
    let (mut longest, mut turns) = ([0.0_f64; 2], 0);
    loop {
        let start = std::time::Instant::now();
        bench.service.turn();
        let took = start.elapsed().as_secs_f64() * 1000.0;
        turns += 1;
        match bench.take(finish).last() {
            Some(Got::Done(_)) => {
                let mb = bytes.len() as f64 / 1e6;
                let [check, slice] = longest;
                println!(
                    "{mb:.1} MB: {check:.1} ms for the check, {slice:.1} for a slice of the copy, {took:.1} for the end; \
                     {turns} turns"
                );
                break;
            }
            Some(Got::Progress(false, ..)) => longest[0] = longest[0].max(took),
            _ => longest[1] = longest[1].max(took),
        }
    }
    assert!(turns > 50, "{turns}");
}
