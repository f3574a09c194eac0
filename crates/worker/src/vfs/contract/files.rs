//! Files: bytes, lengths, names, and what becomes of them.

use super::{Db, Place};
use crate::sqlite::ffi;
use crate::vfs::handle::Handle;
use crate::vfs::store::Store;
use crate::vfs::{detach, last_error};
use aludel_protocol::StorageReason;
use rsqlite_vfs::{
    AccessMode, FileKind, OpenAccess, OpenOptions, OpenRequest, SyncMode, SyncOptions, VfsErrorCode, VfsFile, VfsStore,
    test_suite,
};

/// What the suite of rsqlite-vfs calls its files. They have to be attached, and free for a file to be made there.
pub const NAMES: [&str; 6] = [
    "___test_vfs_store_open_modes___",
    "___test_vfs_store_reopen___",
    "___test_vfs_store_delete_on_close___",
    "___test_vfs_store_isolation_a___",
    "___test_vfs_store_isolation_b___",
    "___test_vfs_store_recreate___",
];

fn read_write() -> OpenOptions {
    OpenOptions::new(OpenAccess::ReadWrite, FileKind::MainDb).with_create()
}

pub fn open(name: &str) -> Handle {
    Store::open_file(&(), OpenRequest::named(name, read_write())).unwrap().file
}

fn names(place: &Place) -> [String; 3] {
    [place.path.clone(), format!("{}-wal", place.path), format!("{}-journal", place.path)]
}

pub fn files_keep_the_contract_of_a_file(place: &Place) {
    for name in names(place) {
        let mut file = open(&name);
        test_suite::test_vfs_file(&mut file).unwrap();
        Store::delete_file(&(), &name, true).unwrap();
        assert_eq!(file.size().unwrap(), 0);
    }
}

pub fn stores_keep_the_contract_of_a_store(_place: &Place) {
    test_suite::test_vfs_store_open_modes::<Store>(&()).unwrap();
    test_suite::test_vfs_store_reopen::<Store>(&()).unwrap();
    test_suite::test_vfs_store_delete_on_close::<Store>(&()).unwrap();
    test_suite::test_vfs_store_file_isolation::<Store>(&()).unwrap();
    test_suite::test_vfs_store_recreate::<Store>(&()).unwrap();
    test_suite::test_vfs_store_temporary::<Store>(&()).unwrap();
}

pub fn short_reads_are_filled_with_zeros_and_told(place: &Place) {
    let db = place.open();
    let mut file = open(&place.path);
    file.write(&[7; 100], 0).unwrap();
    for (offset, length, found) in [(0, 100, 100), (40, 100, 60), (99, 2, 1), (100, 10, 0), (5_000_000, 10, 0)] {
        let mut bytes = vec![0xee; length];
        let code = db.read(&mut bytes, offset);
        assert_eq!(code, if found == length { ffi::SQLITE_OK } else { ffi::SQLITE_IOERR_SHORT_READ }, "at {offset}");
        assert!(bytes[..found].iter().all(|byte| *byte == 7) && bytes[found..].iter().all(|byte| *byte == 0));
    }
    assert_eq!(last_error(), None, "the end of a file is no failure of the storage");
}

pub fn positions_that_cannot_be_are_refused(place: &Place) {
    let db = place.open();
    let mut bytes = [0; 4];
    assert_eq!(db.read(&mut bytes, -1) & 0xff, ffi::SQLITE_IOERR);
    assert_eq!(db.write(&bytes, -1) & 0xff, ffi::SQLITE_IOERR);
    assert_eq!(db.truncate(-1) & 0xff, ffi::SQLITE_IOERR);
    assert!(matches!(db.write(&bytes, i64::MAX - 1) & 0xff, ffi::SQLITE_IOERR | ffi::SQLITE_FULL));
    assert_eq!(open(&place.path).size().unwrap(), 0);
}

/// SQLite itself asks for pages; an import has larger pieces.
pub fn large_pieces_are_whole(place: &Place) {
    let mut file = open(&place.path);
    for length in [128 << 10, 1 << 20, (1 << 20) + 77] {
        let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        file.write(&bytes, 5).unwrap();
        let mut read = vec![0; length];
        assert_eq!(file.read(&mut read, 5).unwrap(), length);
        assert!(read == bytes, "{length} bytes");
    }
}

/// Two handles on each of the three files, against a vector of bytes.
pub fn a_file_does_what_its_model_does(place: &Place) {
    let mut random = place.random();
    for name in names(place) {
        let mut handles = [open(&name), open(&name)];
        let mut model: Vec<u8> = Vec::new();
        for step in 0..400 {
            let handle = &mut handles[random.below(2)];
            let most = [100, 70_000, 300_000][random.below(3)];
            let offset = random.below(1 + most);
            // Headers of frames are 24 bytes long, and held back where a page may follow.
            let length = [24, 24, 1, 512, 4096, random.below(100_000)][random.below(6)];
            match random.below(8) {
                0..=2 => {
                    let bytes: Vec<u8> = (0..length).map(|at| (at + step) as u8 | 1).collect();
                    handle.write(&bytes, offset as u64).unwrap();
                    if length > 0 {
                        model.resize(model.len().max(offset + length), 0);
                        model[offset..offset + length].copy_from_slice(&bytes);
                    }
                }
                3 => {
                    handle.truncate(offset as u64).unwrap();
                    model.resize(offset, 0);
                }
                4 => handle.sync(SyncOptions { mode: SyncMode::Normal, data_only: false }).unwrap(),
                5 => assert_eq!(handle.size().unwrap(), model.len() as u64, "{name}, step {step}"),
                6 if random.below(20) == 0 => {
                    Store::delete_file(&(), &name, false).unwrap();
                    model.clear();
                    handles = [open(&name), open(&name)];
                }
                _ => {
                    let mut bytes = vec![0; length];
                    let expected = model.get(offset..).unwrap_or_default();
                    let expected = &expected[..expected.len().min(length)];
                    assert_eq!(handle.read(&mut bytes, offset as u64).unwrap(), expected.len(), "{name}, step {step}");
                    assert!(bytes.starts_with(expected), "{name}, step {step}");
                }
            }
        }
    }
}

pub fn offsets_beyond_four_gigabytes_are_offsets(place: &Place) {
    let mut file = open(&place.path);
    let far = (5 << 30) + 11;
    file.write(&[1, 2, 3], 8).unwrap();
    assert_eq!(file.read(&mut [0; 3], far).unwrap(), 0);
    assert_eq!(file.read(&mut [0; 3], far - (5 << 30) + (4 << 30)).unwrap(), 0);
    match file.write(&[9, 8], far) {
        Ok(()) => {
            let mut bytes = [7; 5];
            assert_eq!(file.size().unwrap(), far + 2);
            assert_eq!(file.read(&mut bytes, far - 2).unwrap(), 4);
            assert_eq!(bytes[..4], [0, 0, 9, 8]);
            assert_eq!(file.read(&mut bytes, 7).unwrap(), 5);
            assert_eq!(bytes, [0, 1, 2, 3, 0]);
            file.truncate(far + 1).unwrap();
            assert_eq!(file.size().unwrap(), far + 1);
            file.truncate(9).unwrap();
            assert_eq!(file.size().unwrap(), 9);
        }
        // Memory may have no room for it, or the browser; but it is not written somewhere else.
        Err(error) => {
            assert_eq!(error.code(), VfsErrorCode::Full);
            assert_eq!(file.size().unwrap(), 11);
        }
    }
}

pub fn a_file_without_bytes_is_no_file(place: &Place) {
    let journal = format!("{}-journal", place.path);
    let exists = || Store::access(&(), &journal, AccessMode::Exists).unwrap();
    assert!(!exists());
    let mut file = open(&journal);
    assert!(!exists());
    file.write(b"x", 0).unwrap();
    assert!(exists());
    file.truncate(0).unwrap();
    assert!(!exists());
    file.write(b"x", 0).unwrap();
    Store::delete_file(&(), &journal, false).unwrap();
    assert!(!exists());
}

pub fn a_deleted_file_is_empty_for_all_who_have_it_open(place: &Place) {
    for name in names(place) {
        let (mut one, mut two) = (open(&name), open(&name));
        one.write(&[5; 24], 0).unwrap();
        one.write(&[6; 4096], 24).unwrap();
        Store::delete_file(&(), &name, true).unwrap();
        assert_eq!((one.size().unwrap(), two.size().unwrap()), (0, 0));
        assert_eq!(two.read(&mut [0; 10], 0).unwrap(), 0);
        let mut three = open(&name);
        three.write(b"new", 0).unwrap();
        let mut bytes = [0; 9];
        assert_eq!(three.read(&mut bytes, 0).unwrap(), 3);
        assert_eq!(&bytes[..3], b"new");
    }
}

pub fn closed_files_fail_and_do_not_panic(place: &Place) {
    let (db, other) = (place.wal(), place.wal());
    db.run("CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    assert_eq!(other.value("SELECT x FROM t"), "1");
    detach(&place.path);
    let code = db.try_run("INSERT INTO t VALUES(2)").unwrap_err();
    assert_eq!(code & 0xff, ffi::SQLITE_IOERR, "code {code}");
    let error = last_error().unwrap();
    assert_eq!(error.reason(), Some(StorageReason::Io));
    assert_eq!(error.sqlite_code(), code);
    assert_eq!(last_error(), None, "it was taken");
}

pub fn a_detached_name_cannot_be_opened(place: &Place) {
    detach(&place.path);
    let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE;
    assert_eq!(Db::try_open(&place.path, flags).err(), Some(ffi::SQLITE_CANTOPEN));
    let error = last_error().unwrap();
    assert_eq!(error.reason(), Some(StorageReason::CannotOpen));
    assert!(error.message().contains("not attached"), "{error}");
}

pub fn garbage_is_refused(place: &Place) {
    open(&place.path).write(&[0x5a; 9000], 0).unwrap();
    let db = place.open();
    assert_eq!(db.try_rows("PRAGMA journal_mode=wal"), Err(ffi::SQLITE_NOTADB));
    assert_eq!(db.try_rows("SELECT * FROM sqlite_schema"), Err(ffi::SQLITE_NOTADB));
}

pub fn files_that_share_nothing_do_not_meet(place: &Place) {
    let (a, b) = (place.wal(), Db::wal(&place.other));
    a.run("CREATE TABLE t(x)");
    b.run("BEGIN IMMEDIATE; CREATE TABLE u(x)");
    a.run("INSERT INTO t VALUES(1)");
    b.run("COMMIT");
    assert_eq!(a.rows("SELECT name FROM sqlite_schema"), ["t"]);
    assert_eq!(b.rows("SELECT name FROM sqlite_schema"), ["u"]);
}

/// The files are taken away from open connections, one of which is in the middle of a transaction.
pub fn connections_outlive_their_files(place: &Place) {
    let (idle, writing) = (place.wal(), place.wal());
    idle.run("CREATE TABLE t(x); INSERT INTO t VALUES('kept')");
    writing.run("PRAGMA cache_size=2; BEGIN; INSERT INTO t VALUES('lost')");
    writing.run("CREATE TABLE pad AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<50) SELECT zeroblob(900) AS b FROM n");
    place.kept.borrow_mut().extend([idle, writing]);
}

pub fn and_do_no_harm_to_files_attached_again(place: &Place) {
    let db = place.wal();
    assert_eq!(db.rows("SELECT x FROM t"), ["kept"]);
    db.run("INSERT INTO t VALUES('new')");
    let old = std::mem::take(&mut *place.kept.borrow_mut());
    for old in &old {
        assert!(old.try_run("INSERT INTO t VALUES('from the past')").is_err());
    }
    drop(old);
    db.run("INSERT INTO t VALUES('newer')");
    assert_eq!(db.rows("SELECT x FROM t"), ["kept", "new", "newer"]);
    drop(db);
    let db = place.wal();
    assert_eq!(db.rows("SELECT x FROM t"), ["kept", "new", "newer"]);
    db.check_integrity();
}
