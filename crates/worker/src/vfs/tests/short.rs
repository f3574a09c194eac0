//! A storage that reads less than is there: that is no end of the file.

use crate::sqlite::ffi;
use crate::vfs::contract::Db;
use crate::vfs::contract::files::open;
use crate::vfs::simulated::{Call, Failing, Plan, SimulatedDisk};
use crate::vfs::{detach, last_error};
use aludel_protocol::StorageReason;
use rsqlite_vfs::VfsFile;

fn half_of_reads(after: u64, count: u64) -> Option<Plan> {
    Some(Plan { call: Some(Call::Read), after, count, failing: Failing::Half })
}

#[test]
fn a_short_read_is_an_end_only_where_the_file_ends() {
    let disk = SimulatedDisk::new();
    disk.attach("/short.db", true).unwrap();
    let db = Db::open("/short.db");
    open("/short.db").write(&[7; 100], 0).unwrap();
    for (offset, length) in [(0, 100), (0, 1), (40, 100), (99, 2)] {
        disk.plan(half_of_reads(0, 1));
        assert_eq!(db.read(&mut vec![0xee; length], offset), ffi::SQLITE_IOERR_READ, "{length} at {offset}");
        let error = last_error().expect("a failure of the storage");
        assert_eq!((error.reason(), error.sqlite_code()), (Some(StorageReason::Io), ffi::SQLITE_IOERR_READ), "{error}");
        // The next one is whole.
        assert!(matches!(db.read(&mut vec![0xee; length], offset), ffi::SQLITE_OK | ffi::SQLITE_IOERR_SHORT_READ));
    }
    disk.plan(half_of_reads(0, 1));
    let mut bytes = [0xee; 10];
    assert_eq!((db.read(&mut bytes, 100), bytes), (ffi::SQLITE_IOERR_SHORT_READ, [0; 10]));
    assert_eq!(last_error(), None);
}

#[test]
fn a_short_read_anywhere_fails_its_statement_and_shows_no_wrong_row() {
    for mode in ["wal", "delete"] {
        let path = format!("/short-{mode}.db");
        let disk = SimulatedDisk::new();
        let prepare = |path: &str, size: usize| {
            disk.attach(path, true).unwrap();
            let db = Db::open(path);
            db.run(&format!("PRAGMA journal_mode={mode}; PRAGMA cache_size={size}"));
            db
        };
        prepare(&path, 100).run(
            "CREATE TABLE t(v INTEGER, pad BLOB); CREATE INDEX byv ON t(v);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
             INSERT INTO t SELECT i * 77 % 201, zeroblob(700) FROM n",
        );
        detach(&path);
        let mut failed = 0;
        for after in 0.. {
            let db = prepare(&path, 3);
            // What could not be read ahead is read alone, and fails then.
            disk.plan(half_of_reads(after, 2));
            // In the order of the index rows are here and there in the table, and each is a read of its own.
            let sql = "SELECT sum(v), sum(length(pad)), max(v) FROM t INDEXED BY byv WHERE v > 0";
            match db.try_rows(sql) {
                Ok(rows) => assert_eq!(rows, ["20100|140000|200"], "{mode}, after {after}"),
                Err(code) => assert_eq!(code, ffi::SQLITE_IOERR_READ, "{mode}, after {after}"),
            }
            let done = disk.seen().1 == 0;
            failed += usize::from(!done);
            disk.plan(None);
            db.check_integrity();
            drop(db);
            detach(&path);
            if done {
                break;
            }
        }
        assert!(failed > 20, "{mode}: {failed} reads");
    }
}
