//! A host goes, and another is found: frame by frame.

use super::scripted::{Scripted, ScriptedSpawn, Sent};
use crate::support::run;
use aludel::{
    CallOptions, CancelToken, Connection, Engine, Error, ErrorKind, IsolationLevel, Result, StorageReason, Value, many,
    params, text,
};
use aludel_protocol::{Fate, ImportPhase, Reply, Request};
use futures::FutureExt;
use futures::executor::LocalPool;
use futures::future::LocalBoxFuture;
use futures::task::LocalSpawnExt;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// A tab: its engine, its host, and what it is doing.
struct Tab {
    engine: Engine,
    host: Rc<Scripted>,
    pool: RefCell<LocalPool>,
    /// What has ended, and how.
    outcomes: Rc<RefCell<Vec<String>>>,
}

impl Tab {
    fn new() -> Tab {
        let host = Scripted::new();
        let builder = Engine::builder("sqlite:///tab.db").transport(Rc::new(ScriptedSpawn(host.clone())));
        Tab { engine: builder.build().unwrap(), host, pool: RefCell::default(), outcomes: Rc::default() }
    }

    /// Begins to do something; how it ends is noted under its name.
    fn go(&self, name: &'static str, what: impl Future<Output = Result<()>> + 'static) {
        let outcomes = self.outcomes.clone();
        let task = async move {
            let outcome = match what.await {
                Ok(()) => format!("{name}: well"),
                Err(error) => format!("{name}: {}", short(&error)),
            };
            outcomes.borrow_mut().push(outcome);
        };
        self.pool.borrow().spawner().spawn_local(task).unwrap();
        self.turn();
    }

    fn turn(&self) {
        self.pool.borrow_mut().run_until_stalled();
    }

    /// What was sent beside introductions, which are answered.
    fn sent(&self) -> Vec<Sent> {
        let mut all = Vec::new();
        loop {
            self.turn();
            let (frames, sent) = (self.engine.frames_sent(), self.host.greet());
            all.extend(sent);
            self.turn();
            if self.engine.frames_sent() == frames {
                return all;
            }
        }
    }

    fn words(&self) -> Vec<String> {
        self.sent().into_iter().map(|sent| sent.what).collect()
    }

    fn outcomes(&self) -> Vec<String> {
        self.turn();
        self.outcomes.take()
    }

    /// Rolls back, which the host learns of if there is one.
    fn rollback(&self, conn: &Rc<Connection>) {
        let conn = conn.clone();
        self.go("rollback", async move { conn.rollback().await });
        for sent in self.sent() {
            assert_eq!(sent.what, "ROLLBACK");
            self.host.done(&sent.header, false);
        }
        assert_eq!(self.outcomes(), ["rollback: well"]);
    }

    fn connect(&self) -> Rc<Connection> {
        let mut connect = Box::pin(self.engine.connect());
        loop {
            if let Some(connection) = connect.as_mut().now_or_never() {
                return Rc::new(connection.unwrap());
            }
            assert_eq!(self.words(), Vec::<String>::new());
        }
    }
}

fn short(error: &Error) -> String {
    let retryable = if error.retryable() { "again" } else { "not again" };
    format!("{:?}, {retryable}", error.kind())
}

fn execute(conn: &Rc<Connection>, sql: &'static str) -> LocalBoxFuture<'static, Result<()>> {
    let conn = conn.clone();
    async move { conn.execute(&text(sql), ()).await.map(drop) }.boxed_local()
}

fn commit(conn: &Rc<Connection>) -> LocalBoxFuture<'static, Result<()>> {
    let conn = conn.clone();
    async move { conn.commit().await }.boxed_local()
}

fn alone(engine: &Engine, sql: &'static str) -> LocalBoxFuture<'static, Result<()>> {
    let engine = engine.clone();
    async move { engine.execute(&text(sql), ()).await.map(drop) }.boxed_local()
}

const NOBODY: [&str; 0] = [];

fn committed(changes: i64, last_insert_rowid: i64) -> Fate {
    Fate::Committed { changes, last_insert_rowid, had_rows: false }
}

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
    tab.host.answer(&introduction[0].header, &Reply::Hello { protocol: 2, version: "1", sqlite_version: "3" });
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
        "hello" => tab.host.answer(&sent.header, &Reply::Hello { protocol: 2, version: "1", sqlite_version: "3" }),
        _ => tab.host.opened(&sent.header),
    });
    let second = deadline(&tab.host);
    assert!(second <= first - 20, "{second} after {first}");
    assert!(second > first - 30_000, "{second} after {first}");
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
        tab.host.answer(&introduction[0].header, &Reply::Hello { protocol: 2, version: "1", sqlite_version: "3" });
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
            "hello" => tab.host.answer(&sent.header, &Reply::Hello { protocol: 2, version: "1", sqlite_version: "3" }),
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
fn a_database_in_memory_goes_with_its_worker() {
    for file in [false, true] {
        let host = Scripted::new();
        let url = if file { "sqlite:///tab.db" } else { "sqlite://" };
        let builder = Engine::builder(url).transport(Rc::new(ScriptedSpawn(host.clone()))).fallback_memory(true);
        let tab = Tab { engine: builder.build().unwrap(), host, pool: RefCell::default(), outcomes: Rc::default() };
        tab.go("call", alone(&tab.engine, "call"));
        if file {
            let sent = tab.host.sent();
            tab.host.answer(&sent[0].header, &Reply::Hello { protocol: 2, version: "1", sqlite_version: "3" });
            tab.host.fails(&sent[1].header, Error::storage(StorageReason::Unavailable, "no files here"));
        }
        assert_eq!(tab.words(), ["call"]);
        tab.host.inbox().lost(aludel::transport::Loss::Gone);
        assert_eq!(tab.outcomes(), ["call: WorkerGone, again"]);
        assert!(tab.host.ended.get());
    }
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

#[test]
fn an_import_that_may_have_been_done_is_not_to_be_run_again() {
    for (progress, breaks) in [(false, false), (true, false), (false, true)] {
        let tab = Tab::new();
        let engine = tab.engine.clone();
        tab.go("import", async move { engine.import_bytes(vec![0u8; 100], ()).await });
        for step in ["import Begin", "import Chunk", "import Finish"] {
            let sent = tab.sent();
            assert!(sent.len() == 1 && sent[0].what.starts_with(step), "{sent:?}");
            if step != "import Finish" {
                tab.host.done(&sent[0].header, false);
            } else if progress {
                let progress = Reply::Progress { phase: ImportPhase::Copy, done: 1, total: 100 };
                tab.host.answer(&sent[0].header, &progress);
            }
        }
        if breaks {
            tab.host.broke()
        } else {
            tab.host.lost()
        }
        assert_eq!(tab.outcomes(), ["import: HostLost, not again"]);
        tab.host.found();
        assert_eq!(tab.words(), NOBODY);
    }
}

#[test]
fn who_leaves_while_there_is_no_host_is_gone() {
    let tab = Tab::new();
    drop(tab.connect());
    tab.host.lost();
    run(tab.engine.dispose()).unwrap();
    assert!(tab.host.ended.get());
}
