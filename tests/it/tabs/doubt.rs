//! A host goes before it has answered: what the next one says of commits, and what callers are told.

use super::tab::{NOBODY, Tab, alone, commit, committed, execute};
use aludel::{CallOptions, CancelToken, Error, ErrorKind, IsolationLevel, many, params, text};
use aludel_protocol::{Fate, ImportPhase, Reply};
use std::cell::RefCell;
use std::rc::Rc;

#[test]
fn a_commit_in_doubt_ends_as_the_database_says() {
    for (fate, expected) in
        [(committed(-1, 7), "well"), (Fate::NotCommitted, "HostLost, again"), (Fate::Unknown, "HostLost, not again")]
    {
        let tab = Tab::new();
        let conn = tab.connect();
        tab.go("insert", execute(&conn, "insert"));
        tab.host.rows(&tab.sent()[0].header, true);
        tab.go("commit", commit(&conn));
        let sent = tab.sent();
        assert_eq!(sent[0].what, "COMMIT");
        // The next host goes before it has said, too.
        tab.host.lost();
        tab.host.found();
        let asked = tab.sent();
        assert_eq!(asked[0].what, format!("fates [{}]", sent[0].header.request));
        assert_eq!(tab.outcomes(), ["insert: well"]);
        tab.host.lost();
        tab.host.found();
        let asked = tab.sent();
        assert_eq!((asked.len(), &asked[0].what), (1, &format!("fates [{}]", sent[0].header.request)));
        tab.host.fates(&asked[0].header, &[fate]);
        assert_eq!(tab.outcomes(), [format!("commit: {expected}")]);
        assert_eq!(tab.words(), NOBODY);
        assert!(!conn.in_transaction());
        tab.go("next", execute(&conn, "next"));
        assert_eq!(tab.words().is_empty(), expected != "well");
        if expected != "well" {
            assert_eq!(tab.outcomes(), ["next: PendingRollback, not again"]);
        }
    }
}

#[test]
fn statements_of_their_own_are_made_up_or_repeated_as_the_database_says() {
    let tab = Tab::new();
    let engine = tab.engine.clone();
    let results = Rc::new(RefCell::new(Vec::new()));
    for name in ["done", "not done", "rows", "gone"] {
        let (engine, results) = (engine.clone(), results.clone());
        tab.go(name, async move {
            let result = engine.execute(&text(name), ()).await?;
            let counts = (result.rowcount(), result.lastrowid(), result.returns_rows());
            results.borrow_mut().push((name, counts, result.fetchall().map(|rows| rows.len()).ok()));
            Ok(())
        });
        assert_eq!(tab.words(), [name]);
    }
    tab.host.lost();
    tab.host.found();
    let asked = tab.sent();
    let rows = Fate::Committed { changes: 2, last_insert_rowid: 9, had_rows: true };
    tab.host.fates(&asked[0].header, &[committed(3, 8), Fate::NotCommitted, rows, Fate::Unknown]);
    assert_eq!(tab.outcomes(), ["done: well", "rows: HostLost, not again", "gone: HostLost, not again"]);
    assert_eq!(results.take(), [("done", (3, 8, false), None)]);
    let sent = tab.sent();
    assert_eq!(sent.iter().map(|sent| &*sent.what).collect::<Vec<_>>(), ["not done"]);
    tab.host.rows(&sent[0].header, false);
    assert_eq!(tab.outcomes(), ["not done: well"]);
}

#[test]
fn what_nobody_has_heard_of_is_asked_about_until_a_host_has_said_it() {
    let tab = Tab::new();
    let token = CancelToken::new();
    let (engine, options) = (tab.engine.clone(), CallOptions::new().cancel(&token));
    tab.go("given up", async move { engine.execute_with(&text("given up"), (), &options).await.map(drop) });
    let given_up = tab.sent()[0].header.request;
    tab.host.lost();
    token.cancel();
    assert_eq!(tab.outcomes(), ["given up: Cancelled, again"]);
    // This host is asked nothing, so that it says nothing.
    tab.host.found();
    assert_eq!(tab.words(), NOBODY);
    tab.go("alone", alone(&tab.engine, "alone"));
    let unknown = tab.sent()[0].header.request;
    let asked = format!("fates [{unknown}, {given_up}]");
    // These are lost before they have said it, or say that they cannot.
    for answers in [false, false, true] {
        tab.host.lost();
        tab.host.found();
        let sent = tab.sent();
        assert_eq!((sent.len(), &sent[0].what), (1, &asked));
        if answers {
            tab.host.fails(&sent[0].header, Error::new(ErrorKind::Operational, "no room"));
        }
    }
    assert_eq!(tab.outcomes(), ["alone: HostLost, not again"]);
    for (last, expected) in [("one", vec![given_up, unknown]), ("two", vec![])] {
        tab.go(last, alone(&tab.engine, last));
        let id = tab.sent()[0].header.request;
        tab.host.lost();
        tab.host.found();
        let asked = tab.sent();
        let all: Vec<_> = [id].into_iter().chain(expected).collect();
        assert_eq!(asked[0].what, format!("fates {all:?}"));
        tab.host.fates(&asked[0].header, &vec![committed(1, 1); all.len()]);
        assert_eq!(tab.outcomes(), [format!("{last}: well")]);
    }
}

#[test]
fn a_stream_that_was_not_read_to_its_end_is_asked_about() {
    let tab = Tab::new();
    let conn = tab.connect();
    conn.set_isolation_level(IsolationLevel::Autocommit).unwrap();
    let half = |name: &'static str| {
        let conn = conn.clone();
        tab.go(name, async move {
            let stream = conn.stream(&text(name), ()).await?;
            stream.next().await.map(drop)
        });
        let sent = tab.sent();
        assert_eq!(sent[0].what, name);
        tab.host.first_rows(&sent[0].header);
        assert_eq!(tab.outcomes(), [format!("{name}: well")]);
        assert_eq!(tab.words().last().unwrap(), "close stream");
        sent[0].header.request
    };
    // Of the first one, a later answer tells that it is over.
    half("INSERT first");
    tab.go("two", execute(&conn, "INSERT two"));
    let two = tab.sent();
    let second = half("INSERT second");
    tab.host.rows(&two[0].header, false);
    tab.go("three", execute(&conn, "INSERT three"));
    let three = tab.sent()[0].header.request;
    tab.host.lost();
    tab.host.found();
    assert_eq!(tab.words(), [format!("fates [{three}, {second}]")]);
}

#[test]
fn one_that_does_not_know_the_caller_is_a_lost_host() {
    let tab = Tab::new();
    let conn = tab.connect();
    let refused = || Error::new(ErrorKind::HostLost, "the worker was shut down");
    // It ends in good order: what it was to do is left to the next one.
    tab.go("call", execute(&conn, "call"));
    let sent = tab.sent();
    tab.host.fails(&sent[0].header, refused());
    assert_eq!((tab.outcomes(), tab.words()), (Vec::new(), Vec::new()));
    tab.host.inbox().lost(aludel::transport::Loss::Gone);
    tab.host.found();
    let sent = tab.sent();
    assert_eq!(sent[0].what, "call");
    // It is the next one already, before anybody has said so.
    tab.host.epoch.set(3);
    tab.host.fails(&sent[0].header, refused());
    let sent = tab.sent();
    assert_eq!((&*sent[0].what, sent[0].header.epoch), ("call", 3));
    tab.host.rows(&sent[0].header, true);
    assert_eq!(tab.outcomes(), ["call: well"]);
    // It says so, and does not go.
    tab.go("alone", alone(&tab.engine, "alone"));
    let sent = tab.sent();
    tab.host.fails(&sent[0].header, refused());
    assert_eq!((tab.outcomes(), tab.words()), (Vec::new(), Vec::new()));
    tab.host.pass_time();
    assert_eq!(tab.outcomes(), ["alone: HostLost, again"]);
    // It was another one, long ago.
    tab.go("alone", alone(&tab.engine, "alone"));
    assert_eq!(tab.words(), ["alone"]);
    tab.host.lost();
    tab.host.found();
    let asked = tab.sent();
    tab.host.fates(&asked[0].header, &[Fate::NotCommitted]);
    let sent = tab.sent();
    assert_eq!(sent[0].what, "alone");
    for epoch in [0, 1, 3] {
        tab.host.epoch.set(epoch);
        tab.host.fails(&sent[0].header, refused());
    }
    tab.host.pass_time();
    assert_eq!((tab.outcomes(), tab.words()), (Vec::new(), Vec::new()));
    tab.host.epoch.set(4);
    tab.host.rows(&sent[0].header, false);
    assert_eq!(tab.outcomes(), ["alone: well"]);
}

#[test]
fn hosts_may_count_from_one_again() {
    // As they do when the database was deleted and made anew meanwhile.
    let tab = Tab::new();
    let conn = tab.connect();
    tab.host.epoch.set(7);
    tab.go("one", execute(&conn, "one"));
    tab.host.rows(&tab.sent()[0].header, true);
    tab.go("commit", commit(&conn));
    tab.host.done(&tab.sent()[0].header, false);
    tab.go("two", execute(&conn, "two"));
    assert_eq!(tab.sent()[0].header.epoch, 7);
    tab.host.lost();
    tab.host.epoch.set(0);
    tab.host.found();
    let sent = tab.sent();
    assert_eq!((&*sent[0].what, sent[0].header.epoch), ("two", 1));
    tab.host.epoch.set(7);
    tab.host.rows(&sent[0].header, true);
    assert_eq!(tab.outcomes(), ["one: well", "commit: well"], "the old one says nothing any more");
    tab.host.epoch.set(1);
    tab.host.rows(&sent[0].header, true);
    assert_eq!(tab.outcomes(), ["two: well"]);
}

#[test]
fn statements_without_a_transaction_are_asked_about_one_by_one() {
    let tab = Tab::new();
    let conn = tab.connect();
    conn.set_isolation_level(IsolationLevel::Autocommit).unwrap();
    for name in ["one", "two", "three"] {
        tab.go(name, execute(&conn, name));
    }
    let sets = conn.clone();
    tab.go("four", async move {
        let sets = (sets, many((0..3).map(|x| params! { "x" => x })));
        sets.0.execute(&text("INSERT :x"), sets.1).await.map(drop)
    });
    assert_eq!(tab.words().len(), 4);
    tab.host.lost();
    tab.host.found();
    let asked = tab.sent();
    let not = Fate::NotCommitted;
    tab.host.fates(&asked[0].header, &[committed(1, 1), not, committed(1, 2), not]);
    // The second was run before the third, and came to nothing that lasts.
    assert_eq!(tab.outcomes(), ["one: well", "two: HostLost, not again", "three: well"]);
    assert_eq!(tab.words(), ["INSERT :x"]);
}

#[test]
fn what_a_worker_may_have_committed_before_it_is_gone_for_good_is_not_to_be_run_again() {
    let tab = Tab::new();
    let (a, b) = (tab.connect(), tab.connect());
    for (name, conn) in [("a1", &a), ("b1", &b)] {
        tab.go(name, execute(conn, name));
        tab.host.rows(&tab.sent()[0].header, true);
    }
    assert_eq!(tab.outcomes(), ["a1: well", "b1: well"]);
    tab.go("commit", commit(&a));
    tab.go("within", execute(&b, "within"));
    tab.go("alone", alone(&tab.engine, "alone"));
    assert_eq!(tab.words(), ["COMMIT", "within", "alone"]);
    tab.host.inbox().fatal("it cannot be loaded any more");
    let told = ["commit: WorkerGone, not again", "within: WorkerGone, again", "alone: WorkerGone, not again"];
    assert_eq!(tab.outcomes(), told);
}

#[test]
fn an_import_ends_as_the_database_says() {
    let unknown = "import: HostLost, not again";
    for (fate, ends, breaks) in [
        (Some(committed(-1, 0)), "import: well", "import: well"),
        (Some(Fate::NotCommitted), "import: HostLost, again", "import: WorkerGone, again"),
        (Some(Fate::Unknown), unknown, unknown),
        // Nobody answers that.
        (None, unknown, unknown),
    ] {
        for (progress, end) in [(false, "lost"), (true, "lost"), (false, "broke")] {
            let tab = Tab::new();
            let (engine, mut finish) = (tab.engine.clone(), 0);
            tab.go("import", async move { engine.import_bytes(vec![0u8; 100], ()).await });
            for step in ["import Begin", "import Chunk", "import Finish"] {
                let sent = tab.sent();
                assert!(sent.len() == 1 && sent[0].what.starts_with(step), "{sent:?}");
                finish = sent[0].header.request;
                if step != "import Finish" {
                    tab.host.done(&sent[0].header, false);
                } else if progress {
                    let progress = Reply::Progress { phase: ImportPhase::Copy, done: 1, total: 100 };
                    tab.host.answer(&sent[0].header, &progress);
                }
            }
            if end == "broke" {
                tab.host.broke()
            } else {
                tab.host.lost()
            }
            assert_eq!(tab.outcomes(), NOBODY, "it is asked about");
            match fate {
                Some(fate) => {
                    tab.host.found();
                    let asked = tab.sent();
                    assert_eq!((asked.len(), &asked[0].what), (1, &format!("fates [{finish}]")));
                    tab.host.fates(&asked[0].header, &[fate]);
                }
                None => tab.host.pass_time(),
            }
            assert_eq!(tab.outcomes(), [if end == "broke" { breaks } else { ends }]);
        }
    }
}
