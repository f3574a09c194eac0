//! What is read ahead is what the file has, and spares reads.

use crate::vfs::contract::Db;
use crate::vfs::detach;
use crate::vfs::memory::MemoryFile;
use crate::vfs::node::RawFile;
use crate::vfs::read_ahead::{MOST, ReadAhead};
use crate::vfs::simulated::{Call, Failing, Plan, Random, SimulatedDisk};

/// A plan by which nothing fails, and reads are counted.
const READS: Plan = Plan { call: Some(Call::Read), after: u64::MAX, count: 0, failing: Failing::Io };

/// Whatever is done to a file in whatever order, a read finds what it would find in one that is not read ahead.
#[test]
fn what_is_read_ahead_is_what_is_there() {
    let mut random = Random::new("what_is_read_ahead_is_what_is_there");
    for _ in 0..200 {
        let disk = SimulatedDisk::new();
        let (mut file, mut plain) = (ReadAhead::new(disk.file("ahead")), MemoryFile::default());
        let mut at = 0;
        for step in 0..400 {
            let lengths = [1, 24, 100, 512, 4096, 4120, 20_000, 100_000];
            let length = random.pick(&lengths).unwrap();
            // Most go on where the last one ended, as scans and logs do.
            at = match random.below(8) {
                0 => random.below(300_000) as u64,
                1 => at + 24,
                _ => at,
            };
            match random.below(12) {
                0 => {
                    let bytes: Vec<u8> = (0..length).map(|place| (place + step) as u8 | 1).collect();
                    let place = if random.below(2) == 0 { random.below(300_000) as u64 } else { at };
                    file.write(&bytes, place).unwrap();
                    plain.write(&bytes, place).unwrap();
                }
                1 if random.below(4) == 0 => {
                    let size = random.below(400_000) as u64;
                    file.truncate(size).unwrap();
                    plain.truncate(size).unwrap();
                }
                2 if random.below(20) == 0 => {
                    file.delete(false).unwrap();
                    plain.delete(false).unwrap();
                }
                3 if random.below(4) == 0 => {
                    let failing = random.pick(&[Failing::Io, Failing::Half]).unwrap();
                    let call = random.pick(&[Call::Write, Call::Truncate]).unwrap();
                    disk.plan(Some(Plan { call: Some(call), after: 0, count: 1, failing }));
                    let _ = if call == Call::Write { file.write(&[9; 5000], at) } else { file.truncate(at) };
                    disk.plan(None);
                    // What a call has done that failed shows the file itself.
                    let bytes = disk.bytes("ahead");
                    plain.truncate(0).unwrap();
                    plain.write(&bytes, 0).unwrap();
                }
                _ => {
                    let (mut found, mut expected) = (vec![0xee; length], vec![0xee; length]);
                    let read = file.read(&mut found, at).unwrap();
                    assert_eq!(read, plain.read(&mut expected, at).unwrap(), "step {step}: {length} at {at}");
                    assert!(found[..read] == expected[..read], "step {step}: {length} at {at}");
                    at += read as u64;
                }
            }
            assert_eq!(file.size().unwrap(), plain.size().unwrap(), "step {step}");
        }
    }
}

/// Pages of a file of 8 MiB, and how many reads of the storage they take.
#[test]
fn pages_one_after_the_other_are_few_reads_and_others_are_one_each() {
    const PAGES: u64 = 2048;
    let most = PAGES * 4096 / MOST as u64;
    // The page that is read in each step, how far apart pages begin, and the most reads that all of it takes.
    type Row = (&'static str, fn(u64) -> u64, u64, u64);
    let rows: [Row; 5] = [
        ("a scan", |step| step, 4096, most + 5),
        ("a log", |step| step, 4120, PAGES / (MOST as u64 / 4120) + 5),
        (
            "a scan with looks at one page",
            |step| if step % 2 == 0 { step / 2 } else { PAGES - 1 },
            4096,
            1024 + most / 2 + 5,
        ),
        ("backwards", |step| PAGES - 1 - step, 4096, PAGES),
        ("here and there", |step| step * 1237 % PAGES, 4096, PAGES),
    ];
    for (what, page, stride, expected) in rows {
        let disk = SimulatedDisk::new();
        let mut file = ReadAhead::new(disk.file("ahead"));
        file.write(&vec![7; (PAGES * stride) as usize], 0).unwrap();
        disk.plan(Some(READS));
        let mut buffer = [0; 4096];
        for step in 0..PAGES {
            assert_eq!(file.read(&mut buffer, page(step) * stride).unwrap(), 4096, "{what}");
        }
        assert!(disk.seen().0 <= expected, "{what}: {} reads, not {expected}", disk.seen().0);
    }
}

/// Behind what is asked for a file may be damaged: that is no failure of who does not ask for it.
#[test]
fn what_cannot_be_read_ahead_fails_nobody() {
    let disk = SimulatedDisk::new();
    let mut file = ReadAhead::new(disk.file("ahead"));
    file.write(&[7; 40_000], 0).unwrap();
    for failing in [Failing::Io, Failing::Half] {
        file.read(&mut [0; 4096], 0).unwrap();
        disk.plan(Some(Plan { call: Some(Call::Read), after: 0, count: 1, failing }));
        let mut buffer = [0; 4096];
        assert_eq!(file.read(&mut buffer, 4096).unwrap(), 4096);
        assert_eq!((buffer, disk.seen()), ([7; 4096], (2, 1)), "it is read alone");
        disk.plan(Some(Plan { call: Some(Call::Read), after: 0, count: 2, failing }));
        assert!(file.read(&mut buffer, 8192).is_err());
        disk.plan(None);
        file.write(&[7; 40_000], 0).unwrap();
    }
}

/// A table that does not fit into the cache, a long value and the copying of a log, as SQLite reads them.
#[test]
fn sqlite_reads_a_table_and_a_log_in_few_reads() {
    let disk = SimulatedDisk::new();
    disk.attach("/ahead.db", true).unwrap();
    {
        let db = Db::wal("/ahead.db");
        db.run("PRAGMA wal_autocheckpoint=0; CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        db.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000) INSERT INTO t SELECT i, hex(zeroblob(500)) FROM n");
        db.run("INSERT INTO t VALUES(9000, zeroblob(8000000))");
        let pages: u64 = db.value("PRAGMA page_count").parse().unwrap();
        assert!(pages > 3900, "{pages}");
        for (place, sql) in [
            ("log", "SELECT count(*), sum(length(v)) FROM t WHERE id < 9000"),
            ("log", "SELECT count(*), sum(length(hex(v))) / 2 FROM t WHERE id = 9000"),
            ("copy", "PRAGMA wal_checkpoint(TRUNCATE)"),
            ("database", "SELECT count(*), sum(length(v)) FROM t WHERE id < 9000"),
            ("database", "SELECT count(*), sum(length(hex(v))) / 2 FROM t WHERE id = 9000"),
        ] {
            let other = Db::wal("/ahead.db");
            other.run("PRAGMA cache_size=10");
            disk.plan(Some(READS));
            let found = other.value(sql);
            let reads = disk.seen().0;
            assert!(reads < pages / 10, "{place}, {sql}: {reads} reads of {pages} pages");
            match place {
                "copy" => assert_eq!(found, "0|0|0"),
                _ => assert!(["8000|8000000", "1|8000000"].contains(&found.as_str()), "{place}, {sql}: {found}"),
            }
        }
        db.check_integrity();
    }
    detach("/ahead.db");
}

/// A byte that is written at the edge of what is kept, or within it, is found there.
#[test]
fn what_is_kept_is_forgotten_when_any_byte_of_it_changes() {
    // Two reads of a page keep 16 KiB from the second on.
    let (from, to) = (4096, 4096 + 16_384);
    for (at, again) in [(from - 1, 0), (from, 1), (from + 9000, 1), (to - 1, 1), (to, 0)] {
        let disk = SimulatedDisk::new();
        let mut file = ReadAhead::new(disk.file("ahead"));
        file.write(&[7; 40_000], 0).unwrap();
        let mut page = [0; 4096];
        (0..2).for_each(|number| assert_eq!(file.read(&mut page, number * 4096).unwrap(), 4096));
        file.write(&[8], at).unwrap();
        disk.plan(Some(READS));
        // The last page of what is kept, and then the byte itself.
        assert_eq!(file.read(&mut page, to - 4096).unwrap(), 4096);
        assert_eq!(disk.seen().0, again, "{at}");
        assert_eq!(page, std::array::from_fn(|place| if to - 4096 + place as u64 == at { 8 } else { 7 }), "{at}");
        let mut byte = [0];
        assert_eq!((file.read(&mut byte, at).unwrap(), byte), (1, [8]), "{at}");
    }
}
