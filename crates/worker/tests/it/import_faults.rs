//! Imports on a disk that fails, is full, or belongs to a process that dies: the old database or the new one, nothing between.

use crate::bench::{Bench, Got, options};
use crate::import::{file_of, send};
use aludel_protocol::{Error, ErrorKind, Fate, ImportStep, RepeatClass, Request, Storage, StorageReason, Value};
use aludel_worker::vfs::detach;
use aludel_worker::vfs::simulated::{Call, Failing, Plan, Random, SimulatedDisk};

const PATH: &str = "live.db";

fn rows(count: u32, text: &str) -> Vec<String> {
    let insert = format!(
        "insert into t with recursive n(i) as (select 1 union all select i + 1 from n where i < {count}) \
         select i, '{text}' || printf('%0400d', i) from n"
    );
    vec!["create table t (id integer primary key, v text)".into(), "create index byv on t (v)".into(), insert]
}

/// A file with larger or other pages than the live database's, so that both ways of copying are tried.
fn new_file(page_size: u32) -> Vec<u8> {
    let mut statements = vec![format!("pragma page_size = {page_size}")];
    statements.extend(rows(60, "new"));
    file_of(&statements.iter().map(String::as_str).collect::<Vec<_>>())
}

fn open(disk: &SimulatedDisk) -> Bench {
    let mut bench = Bench::greeted();
    bench.service.environment_mut().disk = Some(disk.clone());
    (1..=2).for_each(|id| bench.open(id, options(Storage::Opfs, PATH)));
    bench
}

fn live() -> (SimulatedDisk, Bench) {
    let disk = SimulatedDisk::new();
    let mut bench = open(&disk);
    rows(100, "old").iter().for_each(|sql| drop(bench.run(1, sql)));
    (disk, bench)
}

/// Runs an import to its end, whichever that is; gives nothing when a step was not answered.
fn import(bench: &mut Bench, bytes: &[u8]) -> Result<(), Error> {
    let mut steps = vec![ImportStep::Begin(bytes.len() as u64)];
    steps.extend(bytes.chunks(16_384).map(ImportStep::Chunk));
    steps.push(ImportStep::Finish);
    for step in steps {
        let id = send(bench, 1, step);
        bench.settle();
        match bench.take(id).pop().expect("an answer") {
            Got::Done(false) => {}
            Got::Error(error, false) => return Err(error),
            other => panic!("{other:?}"),
        }
    }
    Ok(())
}

/// Which database is there: the new one, or the old one? It has to be whole.
fn is_new(bench: &mut Bench, what: &str) -> bool {
    let mut seen = Vec::new();
    for connection in [2, 1] {
        let row = &bench.run(connection, "select count(*), min(substr(v, 1, 3)), max(substr(v, 1, 3)) from t").rows[0];
        let of = |count, text: &str| [Value::Integer(count), Value::Text(text.into()), Value::Text(text.into())];
        let new = row[..] == of(60, "new");
        assert!(new || row[..] == of(100, "old"), "{what}: {row:?}");
        assert_eq!(bench.scalar(connection, "pragma integrity_check"), Value::Text("ok".into()), "{what}");
        seen.push(new);
    }
    assert_eq!(seen[0], seen[1], "{what}");
    bench.run(2, "insert into t values (1000, 'more')");
    bench.run(1, "delete from t where id = 1000");
    seen[0]
}

fn nothing_is_left(disk: &SimulatedDisk, what: &str) {
    assert!(!disk.names().iter().any(|name| name.contains("import")), "{what}: {:?}", disk.names());
}

fn crashes(page_size: u32) {
    let bytes = new_file(page_size);
    let (disk, mut bench) = live();
    disk.remember();
    import(&mut bench, &bytes).unwrap();
    let acknowledged = disk.ops();
    drop(bench);
    assert!(acknowledged > 12, "{acknowledged}");
    let mut random = Random::new("power cuts during an import");
    let mut switched = None;
    for count in 0..=disk.ops() {
        let images = [
            ("killed", disk.killed_after(count, false)),
            ("killed in the middle", disk.killed_after(count, true)),
            ("power cut", disk.power_cut_after(count, random.below(4), &mut random)),
        ];
        for (how, image) in images {
            let what = format!("{page_size}, {how} after {count} of {acknowledged}");
            let mut bench = open(&image);
            let new = is_new(&mut bench, &what);
            nothing_is_left(&image, &what);
            if how == "killed" {
                // Once it is there it stays.
                assert!(new || switched.is_none(), "{what}");
                assert!(new || count < acknowledged, "{what}");
                switched = switched.or(new.then_some(count));
            }
            import(&mut bench, &bytes).unwrap();
            assert!(is_new(&mut bench, &what));
        }
    }
    assert!(switched.is_some());
}

#[test]
fn a_process_that_dies_leaves_the_old_database_or_the_new_one() {
    crashes(4096);
}

#[test]
fn so_it_does_when_pages_have_to_get_another_size() {
    crashes(1024);
}

/// A client whose requests may be in doubt, with a connection.
fn client(disk: &SimulatedDisk) -> Bench {
    let mut bench = Bench::fresh();
    bench.service.environment_mut().disk = Some(disk.clone());
    bench.greet_as(7);
    (1..=2).for_each(|id| bench.open(id, options(Storage::Opfs, PATH)));
    bench.class = RepeatClass::InDoubt;
    bench
}

#[test]
fn the_next_host_knows_what_became_of_an_import_whose_host_has_died() {
    // Pages that are copied as they are; that have to get another size; of a database so small that one step copies all; and over a
    // log that is begun anew meanwhile.
    for (page_size, small, long_log) in
        [(4096, false, false), (1024, false, false), (4096, true, false), (4096, false, true)]
    {
        let bytes =
            if small { file_of(&["create table t (id integer primary key, v text)"]) } else { new_file(page_size) };
        let disk = SimulatedDisk::new();
        let mut bench = client(&disk);
        rows(100, "old").iter().for_each(|sql| drop(bench.run(1, sql)));
        if long_log {
            bench.run(1, "pragma wal_checkpoint(passive)");
        }
        disk.remember();
        import(&mut bench, &bytes).unwrap();
        let (ops, finish) = (disk.ops(), bench.last_request());
        drop(bench);
        let mut seen = [0; 2];
        for count in 0..=ops {
            for torn in [false, true] {
                let mut next = client(&disk.killed_after(count, torn));
                let what = format!("{page_size} {small} {long_log}, killed after {count} of {ops}, {torn}");
                let new = next.integer(1, "select count(*) from t") != 100;
                let id = next.send(1, Request::Fates(vec![finish]));
                next.settle();
                let done = Fate::Committed { changes: -1, last_insert_rowid: 0, had_rows: false };
                let fate = if new { done } else { Fate::NotCommitted };
                assert_eq!(next.take(id), [Got::Fates(vec![fate])], "{what}");
                seen[usize::from(new)] += 1;
            }
        }
        assert!(seen[0] > 10 && seen[1] > 0, "{seen:?}");
    }
}

#[test]
fn what_became_of_an_import_is_known_whichever_write_of_it_failed() {
    let bytes = new_file(4096);
    let mut seen = [0; 2];
    for after in 0.. {
        let disk = SimulatedDisk::new();
        let mut bench = client(&disk);
        rows(100, "old").iter().for_each(|sql| drop(bench.run(1, sql)));
        disk.plan(Some(Plan { call: Some(Call::Write), after, count: 1, failing: Failing::Io }));
        let outcome = import(&mut bench, &bytes);
        let (asked, (_, failed)) = (bench.last_request(), disk.seen());
        disk.plan(None);
        bench.service.crash();
        let mut next = client(&disk);
        let id = next.send(1, Request::Fates(vec![asked]));
        next.settle();
        let done = Fate::Committed { changes: -1, last_insert_rowid: 0, had_rows: false };
        let what = format!("write {after}: {outcome:?}");
        let fate = if outcome.is_ok() { done } else { Fate::NotCommitted };
        assert_eq!(next.take(id), [Got::Fates(vec![fate])], "{what}");
        assert_eq!(is_new(&mut next, &what), outcome.is_ok(), "{what}");
        seen[usize::from(outcome.is_ok())] += 1;
        if failed == 0 {
            break;
        }
    }
    // What fails behind the commit does not matter to it; the mark that comes before it does.
    assert!(seen[0] > 5 && seen[1] > 1, "{seen:?}");
}

/// Fails the calls after `after` of an import; says whether there were any.
fn fails(bytes: &[u8], after: u64, count: u64, failing: Failing) -> bool {
    let what = format!("{count} calls {failing:?} after {after}");
    let (disk, mut bench) = live();
    disk.plan(Some(Plan { call: None, after, count, failing }));
    let outcome = import(&mut bench, bytes);
    let (_, failed) = disk.seen();
    disk.plan(None);
    if let Err(error) = &outcome {
        assert_eq!(error.kind(), ErrorKind::Storage, "{what}: {error:?}");
        let reasons = [StorageReason::Io, StorageReason::Quota];
        assert!(error.reason().is_some_and(|reason| reasons.contains(&reason)), "{what}: {error:?}");
        assert!(failed > 0, "{what}: {error:?}");
    }
    assert_eq!(is_new(&mut bench, &what), outcome.is_ok(), "{what}: {outcome:?}");
    nothing_is_left(&disk, &what);
    import(&mut bench, bytes).unwrap();
    assert!(is_new(&mut bench, &what));
    drop(bench);
    detach(PATH);
    failed > 0
}

#[test]
fn a_disk_that_fails_at_any_call_leaves_the_old_database_or_the_new_one() {
    for page_size in [4096, 1024] {
        let bytes = new_file(page_size);
        for failing in [Failing::Io, Failing::Full, Failing::Half] {
            for count in [1, u64::MAX] {
                let calls = (0..).take_while(|after| fails(&bytes, *after, count, failing)).count();
                assert!(calls > 40, "{calls} calls");
            }
        }
    }
}

#[test]
fn without_room_the_old_database_stays() {
    let bytes = new_file(4096);
    let (mut refused, mut room) = (0, 0);
    loop {
        let (disk, mut bench) = live();
        disk.set_quota(Some(disk.used() + room));
        let outcome = import(&mut bench, &bytes);
        let what = format!("{room} bytes left: {outcome:?}");
        if let Err(error) = &outcome {
            assert_eq!(error.reason(), Some(StorageReason::Quota), "{what}");
        }
        nothing_is_left(&disk, &what);
        disk.set_quota(None);
        assert_eq!(is_new(&mut bench, &what), outcome.is_ok(), "{what}");
        if outcome.is_ok() {
            break;
        }
        refused += 1;
        room += 3 * 4096 + 100;
    }
    // The bytes themselves, and the log with all of them.
    assert!(refused > 4 && room < 4 * bytes.len() as u64, "{refused} refusals, {room} bytes for {}", bytes.len());
    // What a client announces is asked for at once.
    let (disk, mut bench) = live();
    disk.set_quota(Some(disk.used() + 1_000_000));
    let id = send(&mut bench, 1, ImportStep::Begin(1_000_001));
    bench.settle();
    assert_eq!(bench.error(id).0.reason(), Some(StorageReason::Quota));
    let id = bench.send(1, Request::Import(ImportStep::Begin(1_000_000)));
    bench.settle();
    assert_eq!(bench.take(id), [Got::Done(false)]);
}
