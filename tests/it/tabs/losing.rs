//! A host goes, and another is found: what is sent again, and what is lost.

use super::scripted::{Scripted, ScriptedSpawn};
use super::tab::{NOBODY, Tab, alone, commit, committed, execute};
use aludel::{Engine, Error, ErrorKind, StorageReason, Value, params, text};
use aludel_protocol::{Fate, Header, PROTOCOL_VERSION, RepeatClass, Reply};
use std::rc::Rc;

#[test]
fn what_was_not_answered_is_sent_to_the_next_host() {
    let tab = Tab::new();
    let (a, b) = (tab.connect(), tab.connect());
    tab.go("a1", execute(&a, "a1"));
    tab.go("a2", execute(&a, "a2"));
    tab.go("b1", execute(&b, "b1"));
    let sent = tab.sent();
    assert_eq!(sent.iter().map(|sent| &*sent.what).collect::<Vec<_>>(), ["a1", "a2", "b1"]);
    assert!(sent.iter().all(|sent| sent.header.epoch == 1), "its replies say which host it is");
    tab.host.lost();
    assert_eq!(tab.outcomes(), NOBODY);
    // What is called while there is no host waits for the next one.
    tab.go("b2", execute(&b, "b2"));
    tab.go("c", alone(&tab.engine, "c"));
    assert_eq!(tab.words(), NOBODY);
    tab.host.found();
    let introduction = tab.host.sent();
    let words: Vec<_> = introduction.iter().map(|sent| (&*sent.what, sent.header.epoch)).collect();
    assert_eq!(words, [("hello", 0), ("reopen of 1", 0), ("reopen of 2", 0), ("open of 3", 0)]);
    for sent in &introduction[1..] {
        tab.host.opened(&sent.header);
    }
    assert_eq!(tab.words(), NOBODY, "nothing before all has been answered");
    tab.host.greets(&introduction[0].header);
    let again = tab.sent();
    let words: Vec<_> = again.iter().map(|sent| (&*sent.what, sent.header.request, sent.header.epoch)).collect();
    let ids: Vec<_> = sent.iter().map(|sent| sent.header.request).collect();
    assert_eq!(words[..3], [("a1", ids[0], 2), ("a2", ids[1], 2), ("b1", ids[2], 2)]);
    assert_eq!(words[3..].iter().map(|(what, ..)| *what).collect::<Vec<_>>(), ["b2", "c"]);
    // A reply of the old host comes too late.
    tab.host.epoch.set(1);
    tab.host.fails(&sent[0].header, Error::new(ErrorKind::Operational, "late"));
    assert_eq!(tab.outcomes(), NOBODY);
    tab.host.epoch.set(2);
    again.iter().for_each(|sent| tab.host.rows(&sent.header, sent.what != "c"));
    assert_eq!(tab.outcomes(), ["a1: well", "a2: well", "b1: well", "b2: well", "c: well"]);
}

#[test]
fn a_transaction_that_was_seen_is_lost_with_its_host() {
    // Its call was under way; or the next one learns of it.
    for under_way in [true, false] {
        let tab = Tab::new();
        let conn = tab.connect();
        tab.go("first", execute(&conn, "first"));
        tab.host.rows(&tab.sent()[0].header, true);
        assert_eq!(tab.outcomes(), ["first: well"]);
        if under_way {
            tab.go("second", execute(&conn, "second"));
            assert_eq!(tab.words(), ["second"]);
            tab.host.lost();
        } else {
            tab.host.lost();
            assert!(conn.in_transaction());
            tab.go("second", execute(&conn, "second"));
        }
        assert_eq!(tab.outcomes(), ["second: HostLost, again"], "without waiting for the next host");
        // As after any lost connection: nothing more until it is rolled back.
        tab.go("third", execute(&conn, "third"));
        tab.go("commit", commit(&conn));
        assert_eq!(tab.outcomes(), ["third: PendingRollback, not again", "commit: PendingRollback, not again"]);
        assert!(!conn.in_transaction());
        tab.rollback(&conn);
        tab.go("fourth", execute(&conn, "fourth"));
        tab.host.found();
        let sent = tab.sent();
        assert_eq!(sent.iter().map(|sent| &*sent.what).collect::<Vec<_>>(), ["fourth"]);
        tab.host.rows(&sent[0].header, true);
        assert_eq!(tab.outcomes(), ["fourth: well"]);
    }
}

#[test]
fn a_lost_transaction_can_be_left_behind_without_a_word() {
    // By rolling back, by closing, and by a savepoint or a commit that is told instead.
    for leave in ["rollback", "close", "savepoint", "commit"] {
        for found_before in [false, true] {
            let tab = Tab::new();
            let conn = tab.connect();
            tab.go("first", execute(&conn, "first"));
            tab.host.rows(&tab.sent()[0].header, true);
            tab.host.lost();
            if found_before {
                tab.host.found();
                assert_eq!(tab.words(), NOBODY);
            }
            let left = conn.clone();
            tab.go(leave, async move {
                match leave {
                    "rollback" => left.rollback().await,
                    "close" => left.close().await,
                    "savepoint" => left.begin_nested().await.map(drop),
                    _ => left.commit().await,
                }
            });
            if !found_before {
                tab.host.found();
            }
            for sent in tab.sent() {
                assert!(["ROLLBACK", "reset of 1"].contains(&&*sent.what), "{sent:?}");
                tab.host.done(&sent.header, false);
            }
            let expected = if ["rollback", "close"].contains(&leave) { "well" } else { "HostLost, again" };
            assert_eq!(tab.outcomes(), ["first: well".to_owned(), format!("{leave}: {expected}")], "{found_before}");
            // The worker's connection goes on.
            if leave == "close" {
                tab.go("next", alone(&tab.engine, "next"));
                assert_eq!(tab.words(), ["next"]);
            } else {
                tab.rollback(&conn);
                tab.go("next", execute(&conn, "next"));
                assert_eq!(tab.words(), ["next"]);
            }
        }
    }
}

#[test]
fn streams_are_sent_again_until_something_of_them_has_arrived() {
    let tab = Tab::new();
    let conn = tab.connect();
    let stream = |name: &'static str| {
        let conn = conn.clone();
        tab.go(name, async move {
            let stream = conn.stream(&text(name), ()).await?;
            stream.all().await.map(drop)
        });
    };
    stream("first");
    assert_eq!(tab.words(), ["first"]);
    tab.host.lost();
    tab.host.found();
    let sent = tab.sent();
    assert_eq!(sent[0].what, "first");
    tab.host.first_rows(&sent[0].header);
    assert_eq!(tab.words(), ["credit"]);
    tab.host.lost();
    assert_eq!(tab.outcomes(), ["first: HostLost, again"]);
    tab.host.found();
    assert_eq!(tab.words(), NOBODY);
}

#[test]
fn a_buffered_result_of_which_a_part_has_arrived_begins_anew() {
    for begun in [false, true] {
        let tab = Tab::new();
        let conn = tab.connect();
        if begun {
            tab.go("before", execute(&conn, "before"));
            tab.host.rows(&tab.sent()[0].header, true);
            assert_eq!(tab.outcomes(), ["before: well"]);
        }
        let reader = conn.clone();
        tab.go("read", async move {
            let rows = reader.execute(&text("read"), ()).await?.scalars(0)?.all()?;
            assert_eq!(rows, [Value::Integer(2)]);
            Ok(())
        });
        tab.host.first_rows(&tab.sent()[0].header);
        assert_eq!(tab.outcomes(), NOBODY);
        tab.host.lost();
        tab.host.found();
        if begun {
            // What the transaction had shown before is gone with its snapshot.
            assert_eq!(tab.outcomes(), ["read: HostLost, again"]);
            assert_eq!(tab.words(), NOBODY);
            continue;
        }
        let sent = tab.sent();
        assert_eq!(sent[0].what, "read");
        tab.host.only_row(&sent[0].header, 2);
        assert_eq!(tab.outcomes(), ["read: well"]);
    }
}

#[test]
fn a_deadly_request_is_sent_three_times() {
    let tab = Tab::new();
    let conn = tab.connect();
    tab.go("poison", execute(&conn, "poison"));
    for _ in 0..2 {
        assert_eq!(tab.words(), ["poison"]);
        tab.host.lost();
        assert_eq!(tab.outcomes(), NOBODY);
        tab.host.found();
    }
    assert_eq!(tab.words(), ["poison"]);
    tab.host.lost();
    assert_eq!(tab.outcomes(), ["poison: HostLost, not again"]);
    tab.host.found();
    assert_eq!(tab.words(), NOBODY);
    // It was not begun, so that something else may be.
    tab.go("next", execute(&conn, "next"));
    assert_eq!(tab.words(), ["next"]);
}

#[test]
fn what_was_there_when_a_worker_broke_is_not_repeated() {
    let tab = Tab::new();
    let (a, b) = (tab.connect(), tab.connect());
    tab.go("b1", execute(&b, "b1"));
    tab.host.rows(&tab.sent()[0].header, true);
    tab.go("a1", execute(&a, "a1"));
    tab.go("alone", alone(&tab.engine, "alone"));
    tab.go("done", alone(&tab.engine, "done"));
    assert_eq!(tab.words(), ["a1", "alone", "done"]);
    tab.host.broke();
    tab.go("later", alone(&tab.engine, "later"));
    assert_eq!(tab.outcomes(), ["b1: well", "a1: WorkerGone, again"]);
    tab.host.found();
    let asked = tab.sent();
    assert_eq!(asked.len(), 1);
    tab.host.fates(&asked[0].header, &[Fate::NotCommitted, committed(1, 1)]);
    assert_eq!(tab.outcomes(), ["alone: WorkerGone, again", "done: well"]);
    tab.go("b2", execute(&b, "b2"));
    assert_eq!(tab.outcomes(), ["b2: WorkerGone, again"], "its transaction was open");
    assert_eq!(tab.words(), ["later"]);
}

#[test]
fn large_parameters_are_not_kept() {
    let tab = Tab::new();
    let conn = tab.connect();
    for (name, len) in [("small", 60_000), ("large", 70_000)] {
        let conn = conn.clone();
        tab.go(name, async move { conn.execute(&text(":x"), params! { "x" => vec![7u8; len] }).await.map(drop) });
    }
    assert_eq!(tab.words().len(), 2);
    tab.host.lost();
    assert_eq!(tab.outcomes(), ["large: HostLost, again"]);
    // Those that were not sent yet are there still.
    let second = conn.clone();
    tab.go("second", async move { second.execute(&text(":x"), params! { "x" => vec![7u8; 80_000] }).await.map(drop) });
    for expected in [&[60_000, 80_000][..], &[60_000]] {
        tab.host.found();
        let lens: Vec<_> = tab.sent().iter().map(|sent| sent.len / 1000 * 1000).collect();
        assert_eq!(lens, expected);
        tab.host.lost();
    }
    // The small one was sent three times.
    assert_eq!(tab.outcomes(), ["second: HostLost, again", "small: HostLost, not again"]);
}

#[test]
fn a_database_in_memory_goes_with_its_worker() {
    for file in [false, true] {
        let host = Scripted::new();
        let url = if file { "sqlite:///tab.db" } else { "sqlite://" };
        let builder = Engine::builder(url).transport(Rc::new(ScriptedSpawn(host.clone()))).fallback_memory(true);
        let tab = Tab::with(builder, host);
        tab.go("call", alone(&tab.engine, "call"));
        if file {
            let sent = tab.host.sent();
            tab.host.greets(&sent[0].header);
            tab.host.fails(&sent[1].header, Error::storage(StorageReason::Unavailable, "no files here"));
        }
        assert_eq!(tab.words(), ["call"]);
        tab.host.inbox().lost(aludel::transport::Loss::Gone);
        assert_eq!(tab.outcomes(), ["call: WorkerGone, again"]);
        assert!(tab.host.ended.get());
    }
}

#[test]
fn an_import_is_lost_with_its_host() {
    let tab = Tab::new();
    let engine = tab.engine.clone();
    let chunks = futures::stream::iter((0..3).map(|_| Ok(vec![0u8; 1 << 20])));
    tab.go("import", async move { engine.import(chunks, ()).await });
    let sent = tab.sent();
    assert!(sent[0].what.starts_with("import Begin"), "{}", sent[0].what);
    tab.host.done(&sent[0].header, false);
    let sent = tab.sent();
    assert_eq!(sent.len(), 1);
    tab.host.lost();
    assert_eq!(tab.outcomes(), ["import: HostLost, again"]);
    tab.host.found();
    assert_eq!(tab.words(), NOBODY);
}

/// How a worker of another version behaves that an old cache has given.
#[derive(Clone, Copy, Debug)]
enum Stranger {
    Older,
    Newer,
    Refuses,
    CannotRead,
}

#[test]
fn a_worker_of_another_version_is_ended_and_said_to_be_one() {
    use Stranger::{CannotRead, Newer, Older, Refuses};
    let refusal = "the page is of aludel 1 (protocol 3), the worker of aludel 9 (protocol 9)";
    for (stranger, found) in [
        (Older, false),
        (Newer, false),
        (Refuses, false),
        (CannotRead, false),
        (Newer, true),
        (Refuses, true),
        (CannotRead, true),
    ] {
        let host = Scripted::new();
        let engine =
            Engine::builder("sqlite:///strange.db").transport(Rc::new(ScriptedSpawn(host.clone()))).build().unwrap();
        let mut connecting = Box::pin(engine.connect());
        let mut poll = || futures::future::FutureExt::now_or_never(connecting.as_mut());
        assert!(poll().is_none());
        if found {
            host.sent();
            host.lost();
            host.found();
        }
        let hello = host.sent().remove(0);
        assert_eq!(hello.what, "hello");
        let says = |protocol| Reply::Hello { protocol, version: "9.8.7", sqlite_version: "3" };
        let expected = match stranger {
            Older => {
                host.answer(&hello.header, &says(PROTOCOL_VERSION - 1));
                format!("the worker is of aludel 9.8.7 (protocol {}), the page of aludel ", PROTOCOL_VERSION - 1)
            }
            Newer => {
                host.answer(&hello.header, &says(PROTOCOL_VERSION + 1));
                format!("the worker is of aludel 9.8.7 (protocol {}), the page of aludel ", PROTOCOL_VERSION + 1)
            }
            Refuses => {
                host.fails(&hello.header, Error::new(ErrorKind::Protocol, refusal));
                refusal.into()
            }
            CannotRead => {
                // The host of another tab says who is meant. What it says to somebody else is that one's affair.
                let refusal = Error::new(ErrorKind::Protocol, "a frame begins with 0xa1, this with 0xa2");
                let client = if found { hello.header.client } else { 0 };
                let nothing = Header { client, ..Header::new(0, 0, 0, RepeatClass::Safe) };
                host.fails(&Header { client: hello.header.client + 1, ..nothing }, refusal.clone());
                assert!(poll().is_none(), "this page is not meant");
                host.fails(&nothing, refusal);
                "the worker cannot read what this page sends; they may be of two versions".into()
            }
        };
        let Some(Err(error)) = poll() else { panic!("{stranger:?}: nobody is told") };
        assert_eq!(error.kind(), ErrorKind::Protocol, "{stranger:?}");
        assert!(error.message().starts_with(&expected), "{stranger:?}: {error}");
        assert!(host.ended.get(), "{stranger:?} is not left running");
    }
}
