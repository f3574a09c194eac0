//! While there is no host: what ends, what waits, and what the next one hears of it.

use super::scripted::Scripted;
use super::tab::{NOBODY, Tab, alone, committed, execute};
use crate::support::run;
use aludel::{CallOptions, CancelToken, Error, IsolationLevel, StorageReason, text};
use aludel_protocol::{Fate, Request};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn what_is_given_up_while_there_is_no_host_ends_at_once() {
    let tab = Tab::new();
    let conn = tab.connect();
    let token = CancelToken::new();
    let call = |name: &'static str| {
        let (conn, token) = (conn.clone(), token.clone());
        tab.go(
            name,
            async move { conn.execute_with(&text(name), (), &CallOptions::new().cancel(&token)).await.map(drop) },
        );
    };
    call("sent");
    assert_eq!(tab.words(), ["sent"]);
    tab.host.lost();
    call("waiting");
    tab.go("kept", execute(&conn, "kept"));
    token.cancel();
    assert_eq!(tab.outcomes(), ["sent: Cancelled, again", "waiting: Cancelled, again"]);
    tab.host.found();
    assert_eq!(tab.words(), ["kept"]);

    // What was cancelled before the host went, and was not answered, is not repeated either.
    let token = CancelToken::new();
    let (engine, options) = (tab.engine.clone(), CallOptions::new().cancel(&token));
    tab.go("before", async move { engine.execute_with(&text("before"), (), &options).await.map(drop) });
    let sent = tab.sent();
    assert_eq!(sent[0].what, "before");
    let before = sent[0].header.request;
    token.cancel();
    assert_eq!(tab.outcomes(), ["before: Cancelled, again"]);
    assert_eq!(tab.words()[0], format!("cancel {}", sent[0].header.request));
    tab.host.lost();
    tab.host.found();
    assert_eq!(tab.words(), ["kept"]);

    // Hosts conclude from what they are not asked about; so they are asked about what nobody has heard of, too.
    let token = CancelToken::new();
    let (engine, options) = (tab.engine.clone(), CallOptions::new().cancel(&token));
    tab.go("given up", async move { engine.execute_with(&text("given up"), (), &options).await.map(drop) });
    tab.go("alone", alone(&tab.engine, "alone"));
    let ids: Vec<_> = tab.sent().iter().map(|sent| sent.header.request).collect();
    tab.host.lost();
    token.cancel();
    assert_eq!(tab.outcomes(), ["given up: Cancelled, again"]);
    tab.host.found();
    let asked = tab.sent();
    assert_eq!(asked[0].what, format!("fates [{}, {before}, {}]", ids[1], ids[0]));
    tab.host.fates(&asked[0].header, &[committed(1, 1), Fate::NotCommitted, committed(1, 2)]);
    assert_eq!(tab.outcomes(), ["alone: well"]);
}

#[test]
fn deadlines_go_on_while_there_is_no_host() {
    let tab = Tab::new();
    let conn = tab.connect();
    let timed = {
        let conn = conn.clone();
        async move {
            let options = CallOptions::new().timeout(Duration::from_secs(3600));
            conn.execute_with(&text("timed"), (), &options).await.map(drop)
        }
    };
    tab.go("timed", timed);
    let deadline = |host: &Scripted| {
        let deadlines = host.take(|_, request| match request {
            Request::Execute(execute) => execute.deadline,
            other => panic!("{other:?}"),
        });
        deadlines[0]
    };
    let first = deadline(&tab.host);
    assert!((3_599_000..=3_600_000).contains(&first), "{first}");
    tab.host.lost();
    let since = std::time::Instant::now();
    while since.elapsed() < Duration::from_millis(20) {}
    tab.host.found();
    tab.host.sent().iter().for_each(|sent| match &*sent.what {
        "hello" => tab.host.greets(&sent.header),
        _ => tab.host.opened(&sent.header),
    });
    let second = deadline(&tab.host);
    assert!(second <= first - 20, "{second} after {first}");
    assert!(second > first - 30_000, "{second} after {first}");
}

#[test]
fn nobody_waits_for_a_host_for_ever() {
    let tab = Tab::new();
    let conn = tab.connect();
    tab.go("read", execute(&conn, "read"));
    tab.go("alone", alone(&tab.engine, "alone"));
    assert_eq!(tab.words(), ["read", "alone"]);
    tab.host.lost();
    tab.go("later", execute(&conn, "later"));
    let engine = tab.engine.clone();
    tab.go("connect", async move { engine.connect().await.map(drop) });
    assert_eq!(tab.outcomes(), NOBODY);
    tab.host.pass_time();
    assert_eq!(
        tab.outcomes(),
        ["read: HostLost, again", "alone: HostLost, not again", "later: HostLost, again", "connect: HostLost, again"]
    );
    // Whoever tries again waits again.
    tab.go("again", alone(&tab.engine, "again"));
    assert_eq!(tab.outcomes(), NOBODY);
    tab.host.pass_time();
    assert_eq!(tab.outcomes(), ["again: HostLost, again"]);
    tab.go("at last", alone(&tab.engine, "at last"));
    tab.host.found();
    // The time of an earlier loss says nothing about a later one.
    tab.host.pass_time();
    assert_eq!(tab.words(), ["at last"]);
    tab.host.lost();
    tab.host.found();
    let asked = tab.sent();
    tab.host.fates(&asked[0].header, &[Fate::NotCommitted]);
    assert_eq!(tab.words(), ["at last"]);
}

#[test]
fn what_only_waited_for_a_host_was_not_sent_and_is_in_no_doubt() {
    let tab = Tab::new();
    let (engine, error) = (tab.engine.clone(), Rc::new(RefCell::new(String::new())));
    let told = error.clone();
    let connect = async move {
        let outcome = engine.connect().await;
        outcome.map(drop).inspect_err(|error| *told.borrow_mut() = error.message().to_owned())
    };
    tab.go("connect", connect);
    assert_eq!(tab.host.sent().len(), 2, "Hello and Open, which wait in the tab");
    tab.host.absent();
    tab.go("alone", alone(&tab.engine, "alone"));
    tab.host.pass_time();
    assert_eq!(tab.outcomes(), ["connect: HostLost, again", "alone: HostLost, again"]);
    assert!(error.borrow().starts_with("another tab hosts the database and lets nobody in"), "{}", error.borrow());

    // It counts as sent when it is: the third host that dies of it is the last.
    let tab = Tab::new();
    let engine = tab.engine.clone();
    tab.go("connect", async move { engine.connect().await.map(drop) });
    assert_eq!(tab.host.sent().len(), 2);
    tab.host.absent();
    for _ in 0..3 {
        assert_eq!(tab.outcomes(), NOBODY);
        tab.host.found();
        let sent = tab.host.sent();
        tab.host.greets(&sent[0].header);
        assert_eq!(sent.len(), 2, "{sent:?}");
        tab.host.lost();
    }
    assert_eq!(tab.outcomes(), ["connect: HostLost, not again"]);
}

#[test]
fn connections_come_and_go_while_there_is_no_host() {
    let tab = Tab::new();
    let (a, b) = (tab.connect(), tab.connect());
    tab.go("a1", execute(&a, "a1"));
    tab.host.rows(&tab.sent()[0].header, true);
    tab.host.lost();
    // One is given back, with what was open on it; the other is closed for good.
    run(a.close()).unwrap();
    run(b.invalidate()).unwrap();
    let engine = tab.engine.clone();
    tab.go("new", async move {
        let conn = engine.connect().await?;
        conn.execute(&text("new"), ()).await.map(drop)
    });
    tab.go("b", execute(&b, "b"));
    tab.host.found();
    let words: Vec<_> = tab.host.sent().into_iter().map(|sent| sent.what).collect();
    // That of `a` is in the pool, so that "new" has it; `b` gets a new one.
    assert_eq!(words, ["hello", "reopen of 1", "open of 3"]);
}

#[test]
fn connections_of_the_pool_are_new_again_when_another_host_has_opened_them() {
    let tab = Tab::new();
    let is_new = || {
        let conn = tab.connect();
        let is_new = conn.is_new();
        run(conn.close()).unwrap();
        is_new
    };
    assert_eq!((is_new(), is_new()), (true, false));
    let held = tab.connect();
    tab.host.lost();
    tab.host.found();
    assert_eq!(tab.words(), NOBODY);
    assert!(!held.is_new(), "it was not when it was taken");
    run(held.close()).unwrap();
    assert_eq!((is_new(), is_new()), (true, false));
    // Who takes it while there is no host has the one that the next host will open.
    tab.host.lost();
    assert!(is_new());
    tab.host.found();
    assert_eq!(tab.words(), NOBODY);
    assert!(!is_new());
}

#[test]
fn a_connection_that_the_next_host_has_opened_is_closed_there() {
    for asked in [false, true] {
        let tab = Tab::new();
        let (a, b) = (tab.connect(), tab.connect());
        if asked {
            tab.go("alone", alone(&tab.engine, "alone"));
            assert_eq!(tab.words(), ["alone"]);
        }
        tab.host.lost();
        tab.host.found();
        // It is closed before the host has answered that it is open, or when it has and another answer is missing.
        if asked {
            let fates = tab.sent();
            run(a.invalidate()).unwrap();
            assert_eq!(tab.words(), NOBODY);
            tab.host.fates(&fates[0].header, &[committed(1, 1)]);
            assert_eq!(tab.outcomes(), ["alone: well"]);
        } else {
            run(a.invalidate()).unwrap();
        }
        assert_eq!(tab.words(), ["close of 1"]);
        // The next one does not open it any more.
        tab.host.lost();
        tab.host.found();
        let words: Vec<_> = tab.host.sent().into_iter().map(|sent| sent.what).filter(|what| what != "hello").collect();
        assert_eq!(words[0], "reopen of 2");
        assert!(words.iter().all(|what| what != "reopen of 1"));
        drop(b);
    }
}

#[test]
fn a_connection_is_closed_after_what_is_sent_again_on_it() {
    for fate in [committed(1, 1), Fate::NotCommitted] {
        let tab = Tab::new();
        let conn = tab.connect();
        conn.set_isolation_level(IsolationLevel::Autocommit).unwrap();
        tab.go("insert", execute(&conn, "insert"));
        run(conn.invalidate()).unwrap();
        let sent = tab.sent();
        assert_eq!(sent.iter().map(|sent| &*sent.what).collect::<Vec<_>>(), ["insert", "close of 1"]);
        tab.host.lost();
        tab.host.found();
        let introduction = tab.host.sent();
        assert_eq!(introduction.iter().map(|sent| &*sent.what).collect::<Vec<_>>(), ["hello", "reopen of 1"]);
        tab.host.greets(&introduction[0].header);
        tab.host.opened(&introduction[1].header);
        let asked = tab.sent();
        assert_eq!(asked[0].what, format!("fates [{}]", sent[0].header.request));
        tab.host.fates(&asked[0].header, &[fate]);
        let again = tab.sent();
        let words: Vec<_> = again.iter().map(|sent| &*sent.what).collect();
        if fate == Fate::NotCommitted {
            assert_eq!(words, ["insert", "close of 1"]);
            tab.host.rows(&again[0].header, false);
        } else {
            assert_eq!(words, ["close of 1"]);
        }
        assert_eq!(tab.outcomes(), ["insert: well"]);
    }
}

#[test]
fn a_connection_that_cannot_be_opened_again_is_replaced() {
    let tab = Tab::new();
    let conn = tab.connect();
    tab.go("under way", execute(&conn, "under way"));
    tab.go("commit", alone(&tab.engine, "commit"));
    tab.words();
    tab.host.lost();
    tab.host.found();
    for sent in tab.host.sent() {
        match &*sent.what {
            "hello" => tab.host.greets(&sent.header),
            _ => tab.host.fails(&sent.header, Error::storage(StorageReason::InUse, "somebody has it")),
        }
    }
    assert_eq!(tab.outcomes(), ["under way: HostLost, again", "commit: HostLost, not again"]);
    assert!(conn.invalidated());
    tab.rollback(&conn);
    tab.go("next", execute(&conn, "next"));
    let sent = tab.host.sent();
    assert_eq!(sent.iter().map(|sent| &*sent.what).collect::<Vec<_>>(), ["open of 3"]);
    tab.host.opened(&sent[0].header);
    assert_eq!(tab.words(), ["next"]);
}

#[test]
fn who_leaves_while_there_is_no_host_is_gone() {
    let tab = Tab::new();
    drop(tab.connect());
    tab.host.lost();
    run(tab.engine.dispose()).unwrap();
    assert!(tab.host.ended.get());
}
