//! Databases brought in from outside.

use crate::files::{PYTHON_DB, contents, open, python_rows};
use crate::support::{Scratch, memory, run, scalar, setup};
use aludel::{
    CallOptions, CancelToken, Connection, Engine, Error, ErrorKind, Result, StorageReason, TransferOptions,
    TransferPhase, TransferProgress, Value, text,
};
use futures::{FutureExt, StreamExt, stream};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::path::Path;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

const MIB: usize = 1 << 20;

/// A database with a table that no other in these tests has.
async fn old(engine: &Engine) {
    setup(engine, "CREATE TABLE old (x); INSERT INTO old VALUES ('still here')").await;
}

async fn is_old(engine: &Engine) {
    assert_eq!(engine.table_names().await.unwrap(), ["old"]);
    assert_eq!(scalar(engine, "SELECT x FROM old").await, Value::Text("still here".into()));
    assert_eq!(scalar(engine, "PRAGMA integrity_check").await, Value::Text("ok".into()));
}

/// The bytes of a database of about that many MiB, in pages of this size.
async fn large(mib: usize, page_size: u32) -> Vec<u8> {
    let scratch = Scratch::new();
    let path = scratch.path("large.db");
    let make = format!(
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('PRAGMA page_size = {page_size}'); \
         db.execute('CREATE TABLE big (id INTEGER PRIMARY KEY, x TEXT)'); \
         db.executemany('INSERT INTO big (x) VALUES (?)', (('x' * 1000,) for _ in range({mib} * 1000))); db.commit()"
    );
    match std::process::Command::new("python3").args(["-c", &make]).arg(&path).status() {
        Ok(status) => {
            assert!(status.success());
            std::fs::read(path).unwrap()
        }
        // Without Python, in the pages that there are.
        Err(_) => {
            let engine = open(&scratch.url("large.db"));
            setup(&engine, "CREATE TABLE big (id INTEGER PRIMARY KEY, x TEXT)").await;
            let fill = format!(
                "INSERT INTO big (x) WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {}) \
                 SELECT printf('%01000d', 0) FROM c",
                mib * 1000
            );
            engine.execute(&text(&fill), ()).await.unwrap();
            engine.export_bytes(()).await.unwrap()
        }
    }
}

/// What lies in a directory.
fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn no_scratch_files(directory: &Path) {
    let names = names(directory);
    assert!(!names.iter().any(|name| name.ends_with("-import")), "{names:?}");
}

#[test]
fn a_database_of_python_takes_the_place_of_the_old_one() {
    run(async {
        let scratch = Scratch::new();
        for engine in [memory(), open(&scratch.url("app.db"))] {
            old(&engine).await;
            engine.import_bytes(PYTHON_DB, ()).await.unwrap();
            assert_eq!(contents(&engine).await, python_rows());
            assert_eq!(scalar(&engine, "PRAGMA integrity_check").await, Value::Text("ok".into()));
            assert_eq!(engine.journal_mode().as_deref(), Some("wal"));
            assert_eq!(engine.pool().checkedout, 0);
            // Triggers and indexes came along, and it is a database like any other.
            engine.execute(&text("INSERT INTO person (id, name) VALUES (7, 'Dana')"), ()).await.unwrap();
            assert_eq!(scalar(&engine, "SELECT count(*) FROM log WHERE what = 'Dana'").await, Value::Integer(1));
            let bytes = engine.export_bytes(()).await.unwrap();
            let again = memory();
            again.import_bytes(&bytes, ()).await.unwrap();
            assert_eq!(contents(&again).await, contents(&engine).await);
            engine.dispose().await.unwrap();
        }
        no_scratch_files(&scratch.path(""));
        let engine = open(&scratch.url("app.db"));
        assert_eq!(scalar(&engine, "SELECT count(*) FROM person").await, Value::Integer(5), "after opening it again");
    });
}

#[test]
fn bytes_come_in_pieces_of_any_size_and_the_progress_says_how_far() {
    run(async {
        let bytes = large(3, 4096).await;
        for piece in [1000, 65_536, MIB, MIB + 1, 10 * MIB] {
            let engine = memory();
            old(&engine).await;
            let told: Rc<RefCell<Vec<TransferProgress>>> = Rc::default();
            let learn = told.clone();
            let options = TransferOptions::new().on_progress(move |progress| learn.borrow_mut().push(progress));
            let pieces = stream::iter(bytes.chunks(piece).map(Ok::<_, Error>));
            let before = engine.frames_sent();
            engine.import(pieces, options.total(bytes.len() as u64)).await.unwrap();
            let chunks = bytes.len().div_ceil(MIB) as u64;
            assert_eq!(engine.frames_sent() - before, chunks + 2, "begin, chunks of 1 MiB, finish");
            assert_eq!(scalar(&engine, "SELECT count(*) FROM big").await, Value::Integer(3000));
            let told = told.borrow();
            for phase in [TransferPhase::Receive, TransferPhase::Check, TransferPhase::Copy] {
                let of: Vec<_> = told.iter().filter(|progress| progress.phase == phase).collect();
                assert!(of.windows(2).all(|pair| pair[0].done <= pair[1].done), "{of:?}");
                let last = of.last().unwrap();
                assert_eq!((last.done, last.total), (bytes.len() as u64, Some(bytes.len() as u64)), "{phase:?}");
            }
            let order: Vec<_> = told.iter().map(|progress| progress.phase as u8).collect();
            assert!(order.is_sorted(), "{order:?}");
        }
    });
}

#[test]
fn the_next_bytes_are_asked_for_when_those_before_were_taken() {
    run(async {
        let engine = memory();
        old(&engine).await;
        let bytes = large(4, 4096).await;
        let (asked, sent) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let (asking, sending) = (asked.clone(), sent.clone());
        let pieces = stream::iter(bytes.chunks(MIB)).map(move |piece| {
            // One is on its way while the next is read, never more.
            assert!(asking.get() <= sending.get() + 1, "{} asked, {} taken", asking.get(), sending.get());
            asking.set(asking.get() + 1);
            Ok::<_, Error>(piece)
        });
        let options = TransferOptions::new().on_progress(move |progress| {
            if progress.phase == TransferPhase::Receive {
                sent.set(sent.get() + 1);
            }
        });
        engine.import(pieces, options).await.unwrap();
        assert!(asked.get() > 3);
    });
}

#[test]
fn what_is_no_healthy_database_is_refused_and_leaves_the_old_one() {
    run(async {
        let good = large(1, 4096).await;
        let mut torn = good.clone();
        torn[4096 * 3..4096 * 40].fill(0x5a);
        let mut header = good.clone();
        header[16..18].copy_from_slice(&[3, 3]);
        let cases: [(&str, Vec<u8>, StorageReason); 6] = [
            ("nothing", Vec::new(), StorageReason::NotADatabase),
            ("short", b"SQLite format 3\0".to_vec(), StorageReason::NotADatabase),
            ("a text", b"hello, world".repeat(10_000), StorageReason::NotADatabase),
            ("an impossible header", header, StorageReason::NotADatabase),
            ("a part of a database", good[..good.len() / 2].to_vec(), StorageReason::Corrupt),
            ("pages that are none", torn, StorageReason::Corrupt),
        ];
        let scratch = Scratch::new();
        for engine in [memory(), open(&scratch.url("app.db"))] {
            old(&engine).await;
            for (what, bytes, reason) in &cases {
                let error = engine.import_bytes(bytes, ()).await.unwrap_err();
                assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(*reason)), "{what}: {error}");
                assert!(!error.retryable(), "{what}");
                is_old(&engine).await;
                assert_eq!(engine.pool().checkedout, 0);
            }
            engine.import_bytes(&good, ()).await.unwrap();
            assert_eq!(scalar(&engine, "SELECT count(*) FROM big").await, Value::Integer(1000));
            engine.dispose().await.unwrap();
        }
        no_scratch_files(&scratch.path(""));
    });
}

#[test]
fn an_import_that_is_cancelled_anywhere_leaves_one_database_or_the_other() {
    run(async {
        let bytes = large(2, 1024).await;
        let (mut cancelled, mut done) = (0, 0);
        // Cancelled at the first thing that is told of it, at the second, and so on to the end.
        for step in 0.. {
            let scratch = Scratch::new();
            let engine = open(&scratch.url("app.db"));
            old(&engine).await;
            let (token, count) = (CancelToken::new(), Rc::new(Cell::new(0)));
            let (cancel, counted) = (token.clone(), count.clone());
            let options = TransferOptions::new().cancel(&token).on_progress(move |_| {
                if counted.get() == step {
                    cancel.cancel();
                }
                counted.set(counted.get() + 1);
            });
            let outcome = engine.import_bytes(&bytes, options).await;
            match &outcome {
                Ok(()) => {
                    assert_eq!(scalar(&engine, "SELECT count(*) FROM big").await, Value::Integer(2000));
                    assert!(engine.table_names().await.unwrap() == ["big"]);
                    done += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
                    is_old(&engine).await;
                    cancelled += 1;
                }
            }
            assert_eq!(engine.pool().checkedout, 0);
            engine.execute(&text("CREATE TABLE after (x)"), ()).await.unwrap();
            engine.dispose().await.unwrap();
            no_scratch_files(&scratch.path(""));
            if count.get() <= step {
                break;
            }
        }
        assert!(cancelled >= 1 && done >= 1, "{cancelled} cancelled, {done} done");
    });
}

/// A database, another one as bytes, and a connection that holds the write lock of the first.
async fn beside_a_writer() -> (Engine, Vec<u8>, Connection) {
    let engine = memory();
    old(&engine).await;
    let bytes = large(1, 4096).await;
    let writer = engine.connect().await.unwrap();
    writer.execute(&text("INSERT INTO old VALUES ('not committed')"), ()).await.unwrap();
    (engine, bytes, writer)
}

#[test]
fn an_import_that_is_done_when_it_is_cancelled_has_succeeded() {
    run(async {
        let (engine, bytes, writer) = beside_a_writer().await;
        let token = CancelToken::new();
        let mut import = Box::pin(engine.import_bytes(&bytes, CallOptions::new().cancel(&token)));
        // Until all that it has to send is sent, and it waits for the writer.
        let all = engine.frames_sent() + bytes.len().div_ceil(MIB) as u64 + 2;
        let mut waits = 0;
        while engine.frames_sent() < all || waits < 100 {
            assert!((&mut import).now_or_never().is_none());
            waits += 1;
        }
        writer.rollback().await.unwrap();
        // Others give the worker its time; the import itself is not looked at when it ends.
        while !engine.has_table("big").await.unwrap() {}
        engine.execute(&text("INSERT INTO big (x) VALUES ('after')"), ()).await.unwrap();
        token.cancel();
        import.await.unwrap();
        assert_eq!(scalar(&engine, "SELECT count(*) FROM big").await, Value::Integer(1001));
        writer.close().await.unwrap();
        assert_eq!(engine.pool().checkedout, 0);
    });
}

#[test]
fn an_import_that_rests_and_is_given_up_leaves_nothing_behind() {
    run(async {
        let scratch = Scratch::new();
        let engine = Engine::builder(&scratch.url("app.db")).pool_size(2).build().unwrap();
        old(&engine).await;
        let bytes = large(2, 4096).await;
        let first = stream::iter([Ok::<_, Error>(&bytes[..MIB])]);
        let mut import = Box::pin(engine.import(first.chain(stream::pending()), ()));
        // Everything that it has sent is answered, so that nothing is cancelled with it.
        for _ in 0..8 {
            assert!((&mut import).now_or_never().is_none());
            is_old(&engine).await;
        }
        drop(import);
        is_old(&engine).await;
        no_scratch_files(&scratch.path(""));
        engine.import_bytes(&bytes, ()).await.unwrap();
        assert_eq!(scalar(&engine, "SELECT count(*) FROM big").await, Value::Integer(2000));
    });
}

#[test]
fn an_import_whose_stream_fails_leaves_the_old_database() {
    run(async {
        let scratch = Scratch::new();
        let engine = open(&scratch.url("app.db"));
        old(&engine).await;
        let bytes = large(3, 4096).await;
        for after in [0, 1, 40] {
            let failure = Error::new(ErrorKind::InvalidRequest, "the network is gone");
            let pieces: Vec<Result<&[u8]>> =
                bytes.chunks(65_536).take(after).map(Ok).chain([Err(failure.clone())]).collect();
            assert_eq!(engine.import(stream::iter(pieces), ()).await.unwrap_err(), failure);
            is_old(&engine).await;
            assert_eq!(engine.pool().checkedout, 0);
        }
        engine.import_bytes(&bytes, ()).await.unwrap();
        engine.dispose().await.unwrap();
        no_scratch_files(&scratch.path(""));
    });
}

#[test]
fn an_import_that_is_dropped_or_late_leaves_the_old_database() {
    run(async {
        let scratch = Scratch::new();
        let engine = open(&scratch.url("app.db"));
        old(&engine).await;
        let bytes = large(2, 4096).await;
        let first = stream::iter([Ok::<_, Error>(&bytes[..MIB + 5])]);
        {
            let mut import = Box::pin(engine.import(first.chain(stream::pending()), ()));
            for _ in 0..20 {
                assert!((&mut import).now_or_never().is_none());
            }
            assert_eq!(engine.pool().checkedout, 1);
        }
        assert_eq!(engine.pool().checkedout, 0, "dropped");
        is_old(&engine).await;

        let first = stream::iter([Ok::<_, Error>(&bytes[..MIB + 5])]);
        let late = CallOptions::new().timeout(Duration::from_millis(50));
        let error = engine.import(first.chain(stream::pending()), late).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        is_old(&engine).await;
        engine.import_bytes(&bytes, ()).await.unwrap();
        engine.dispose().await.unwrap();
        no_scratch_files(&scratch.path(""));
    });
}

#[test]
fn others_read_their_snapshots_to_the_end_and_then_see_the_new_database() {
    run(async {
        let engine = memory();
        setup(
            &engine,
            "CREATE TABLE big (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO big VALUES (1, 'old'), (2, 'old')",
        )
        .await;
        let reader = engine.connect().await.unwrap();
        let count = text("SELECT count(*) FROM big");
        assert_eq!(reader.scalar::<i64>(&count, ()).await.unwrap(), Some(2));
        engine.import_bytes(large(1, 4096).await, ()).await.unwrap();
        assert_eq!(reader.scalar::<i64>(&count, ()).await.unwrap(), Some(2), "its snapshot");
        assert_eq!(engine.scalar::<i64>(&count, ()).await.unwrap(), Some(1000));
        reader.commit().await.unwrap();
        assert_eq!(reader.scalar::<i64>(&count, ()).await.unwrap(), Some(1000));
        assert_eq!(
            reader.scalar::<String>(&text("SELECT x FROM big WHERE id = 1"), ()).await.unwrap().unwrap().len(),
            1000
        );
    });
}

#[test]
fn an_import_waits_for_a_writer_and_writers_wait_for_it() {
    run(async {
        let (engine, bytes, writer) = beside_a_writer().await;
        let late = CallOptions::new().timeout(Duration::from_millis(100));
        let error = engine.import_bytes(&bytes, late).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        let mut import = Box::pin(engine.import_bytes(&bytes, ()));
        poll_fn(|cx| {
            // Until it has nothing left to do but to wait.
            assert!(import.poll_unpin(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        let (imported, written) = futures::join!(import, async {
            writer.commit().await?;
            engine.execute(&text("INSERT INTO big (x) VALUES ('after')"), ()).await
        });
        imported.unwrap();
        // Whoever came first: the row is of the new database, or its table was not there yet.
        match written {
            Ok(_) => assert_eq!(scalar(&engine, "SELECT count(*) FROM big").await, Value::Integer(1001)),
            Err(error) => assert!(error.message().contains("no such table: big"), "{error}"),
        }
        assert_eq!(scalar(&engine, "PRAGMA integrity_check").await, Value::Text("ok".into()));
    });
}
