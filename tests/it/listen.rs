//! What an engine tells of what its worker says, and what it asks the worker for. The test plays the worker.

use crate::support::{memory, run, setup};
use crate::tabs::scripted::{Scripted, ScriptedSpawn};
use aludel::{
    Blocked, BlockedBy, Blocker, CallOptions, Change, Connection, Engine, Error, ErrorKind, Event, EventKind,
    HostChange, IsolationLevel, Party, Result, Storage, Tab, VersionSkew, text,
};
use aludel_protocol::{
    self as protocol, Batch, Commit, Header, Notice, Obstacle, PROTOCOL_VERSION, RepeatClass, Reply, Request, RowsReply,
};
use futures::future::{Either, select};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

fn engine(host: &Rc<Scripted>) -> Engine {
    let builder = Engine::builder(&format!("sqlite:///listen{}.db", host.client));
    builder.transport(Rc::new(ScriptedSpawn(host.clone()))).build().unwrap()
}

/// Answers what was sent, statements and ends of transactions with `error` if there is one, and gives the names of it.
fn serve(host: &Scripted, error: Option<&Error>) -> Vec<String> {
    let frames = host.take(|header, request| {
        let name = match &request {
            Request::Watch { changes } => format!("Watch {changes}"),
            Request::Site { text } => format!("Site {text}"),
            Request::Transaction { op, .. } => format!("{op:?}"),
            other => format!("{other:?}").split([' ', '(']).next().unwrap().to_owned(),
        };
        (header, name)
    });
    let answer = |(header, name): (Header, String)| {
        let columns = Some(Vec::new());
        let rows = RowsReply {
            more: false,
            in_transaction: true,
            changes: 1,
            last_insert_rowid: 1,
            columns,
            batch: Batch::EMPTY,
        };
        let reply = match (name.as_str(), error) {
            ("Hello", _) => Reply::Hello { protocol: PROTOCOL_VERSION, version: "0.0.0", sqlite_version: "3.0.0" },
            ("Open", _) => Reply::Opened { storage: Storage::Disk, journal_mode: "wal", settles_in: 0 },
            ("Execute" | "Commit", Some(error)) => Reply::Error { error: error.clone(), in_transaction: false },
            ("Execute", None) => Reply::Rows(rows),
            _ => Reply::Done { in_transaction: false },
        };
        host.answer(&header, &reply);
        name
    };
    frames.into_iter().map(answer).collect()
}

/// Runs a call and answers it; gives what was sent for it.
async fn during<T>(
    host: &Scripted,
    error: Option<&Error>,
    call: impl Future<Output = Result<T>>,
) -> (Result<T>, Vec<String>) {
    futures::join!(call, async { serve(host, error) })
}

fn notice(host: &Scripted, connection: u32, notice: Notice) {
    let header = Header { client: host.client, ..Header::new(0, 0, connection, RepeatClass::Safe) };
    host.answer(&header, &Reply::Notice(notice));
}

fn heard(engine: &Engine, kind: EventKind) -> Rc<RefCell<Vec<Event>>> {
    let heard = Rc::new(RefCell::new(Vec::new()));
    let into = heard.clone();
    engine.listen(kind, move |event| into.borrow_mut().push(event.clone())).keep();
    heard
}

#[test]
fn commits_are_told_to_those_who_listen_and_asked_for_only_then() {
    run(async {
        let host = Scripted::of(21);
        let engine = engine(&host);
        let changes = Rc::new(RefCell::new(Vec::new()));
        let into = changes.clone();
        let listener = engine.on_change(move |change| into.borrow_mut().push(change.clone()));
        let (conn, sent) = during(&host, None, engine.connect()).await;
        let conn = conn.unwrap();
        assert_eq!(sent, ["Hello", "Watch true", "Open"], "from the first connection on");
        let commit = |number, client, schema, tables: &[&str]| Commit {
            number,
            by: protocol::Party { client, connection: 1 },
            schema,
            tables: tables.iter().map(|name| name.to_string()).collect(),
        };
        notice(&host, 0, Notice::Changed(vec![commit(1, 21, true, &[]), commit(2, 99, false, &["a", "b"])]));
        assert_eq!(
            changes.take(),
            [
                Change { tables: vec![], schema: true, tab: Tab::This, own: true, missed: false },
                Change {
                    tables: vec!["a".into(), "b".into()],
                    schema: false,
                    tab: Tab::Other,
                    own: false,
                    missed: false
                },
            ]
        );
        let another = engine.on_change(|_| ());
        let blocked = engine.listen(EventKind::Blocked, |_| ());
        assert_eq!(serve(&host, None), Vec::<String>::new());
        drop((listener, another));
        assert_eq!(serve(&host, None), ["Watch false"]);
        notice(&host, 0, Notice::Changed(vec![commit(3, 21, true, &[])]));
        assert_eq!(changes.take(), []);
        drop(blocked);
        let heard_all = engine.on_change(|_| ());
        assert_eq!(serve(&host, None), ["Watch true"]);
        // One that is told once keeps the worker telling until then.
        let once = engine.on_change(|_| ()).once();
        drop(heard_all);
        assert_eq!(serve(&host, None), Vec::<String>::new());
        notice(&host, 0, Notice::Changed(vec![commit(4, 21, true, &[])]));
        assert_eq!(serve(&host, None), ["Watch false"]);
        drop(once);
        let another = engine.on_change(|_| ());
        assert_eq!(serve(&host, None), ["Watch true"]);
        another.keep();
        drop(conn);
        let (disposed, sent) = during(&host, None, engine.dispose()).await;
        disposed.unwrap();
        assert_eq!(sent, ["Close", "Watch false", "Shutdown"]);
    });
}

#[test]
fn a_connection_that_holds_others_up_is_named_by_the_line_that_took_it() {
    run(async {
        let host = Scripted::of(22);
        let engine = engine(&host);
        let heard = heard(&engine, EventKind::Blocked);
        let line = line!() + 1;
        let (conn, _) = during(&host, None, engine.connect()).await;
        notice(&host, 1, Notice::Holding);
        let sites = serve(&host, None);
        assert!(sites[0].starts_with(&format!("Site tests/it/listen.rs:{line}:")), "{sites:?}");
        let (ours, theirs) =
            (protocol::Party { client: 22, connection: 1 }, protocol::Party { client: 99, connection: 1 });
        let told = |obstacle, waiter, holder, site: Option<&str>| {
            let (waited, held, log_bytes) = (1000, 2000, 0);
            Notice::Blocked(protocol::Blocked {
                obstacle,
                waiter,
                waited,
                holder,
                held,
                site: site.map(str::to_owned),
                log_bytes,
            })
        };
        notice(&host, 1, told(Obstacle::WriteLock, ours, theirs, Some("other.js:1:2")));
        let nobody = protocol::Party { client: 0, connection: 0 };
        notice(&host, 1, told(Obstacle::Snapshot, nobody, ours, None));
        let site = sites[0].strip_prefix("Site ").map(str::to_owned);
        let blocked = |what, waiter, site, tab| {
            let holders = vec![Blocker { site, tab, age: Duration::from_secs(2), idle: None }];
            Event::Blocked(Blocked { what, waited: Duration::from_secs(1), waiter, holders, log_bytes: 0 })
        };
        let waiter = Some(Party { site: site.clone(), tab: Tab::This });
        assert_eq!(
            heard.take(),
            [
                blocked(BlockedBy::WriteLock, waiter, Some("other.js:1:2".into()), Tab::Other),
                blocked(BlockedBy::Snapshot, None, site, Tab::This),
            ]
        );
        // Nobody has it any more.
        conn.unwrap().close().await.unwrap();
        notice(&host, 1, Notice::Holding);
        assert_eq!(serve(&host, None), Vec::<String>::new());
    });
}

#[test]
fn what_happens_to_the_host_is_told_by_the_wire() {
    run(async {
        let host = Scripted::of(23);
        let engine = engine(&host);
        let (hosts, skews) = (heard(&engine, EventKind::Host), heard(&engine, EventKind::VersionSkew));
        let (conn, _) = during(&host, None, engine.connect()).await;
        let event = Event::Host(HostChange { tab: Some(Tab::Other) });
        host.inbox().event(&event);
        let skew = Event::VersionSkew(VersionSkew { ours: "2".into(), theirs: "1".into() });
        host.inbox().event(&skew);
        assert_eq!((hosts.take(), skews.take()), (vec![event.clone()], vec![skew]));
        drop(conn);
        during(&host, None, engine.dispose()).await.0.unwrap();
        host.inbox().event(&event);
        assert_eq!(hosts.take(), []);
    });
}

#[test]
fn a_connection_that_is_being_opened_is_not_idle() {
    run(async {
        let host = Scripted::of(26);
        let builder = Engine::builder("sqlite:///listen26.db").transport(Rc::new(ScriptedSpawn(host.clone())));
        let engine = builder.pool_size(1).pool_timeout(Duration::from_millis(1100)).build().unwrap();
        let heard = heard(&engine, EventKind::Blocked);
        let (opening, waiting) = (Box::pin(engine.connect()), Box::pin(engine.connect()));
        let Either::Right((waited, opening)) = select(opening, waiting).await else { panic!("nobody answered") };
        let error = waited.unwrap_err();
        assert!(error.message().ends_with(", waiting for the worker]"), "{error}");
        assert_eq!(heard.take(), []);
        during(&host, None, opening).await.0.unwrap();
    });
}

/// A connection whose transaction the worker rolls back while it is idle.
async fn begun(host: &Scripted, engine: &Engine) -> Connection {
    let conn = during(host, None, engine.connect()).await.0.unwrap();
    let insert = text("INSERT INTO t VALUES (1)");
    during(host, None, conn.execute(&insert, ())).await.0.unwrap();
    assert!(conn.in_transaction());
    conn
}

#[test]
fn a_transaction_that_was_idle_for_too_long_is_over_and_rollback_makes_the_connection_usable() {
    run(async {
        let host = Scripted::of(24);
        let engine = engine(&host);
        let late = Error::new(ErrorKind::Operational, "the transaction was idle for too long");
        let insert = text("INSERT INTO t VALUES (1)");
        for commits in [false, true] {
            let conn = begun(&host, &engine).await;
            let transaction = conn.get_transaction().unwrap();
            let error = if commits {
                during(&host, Some(&late), conn.commit()).await.0.unwrap_err()
            } else {
                during(&host, Some(&late), conn.execute(&insert, ())).await.0.unwrap_err()
            };
            assert_eq!((error.kind(), error.message()), (late.kind(), late.message()));
            assert!(!transaction.is_active() && !conn.in_transaction());
            let (error, sent) = during(&host, None, conn.execute(&insert, ())).await;
            assert_eq!((error.unwrap_err().kind(), sent), (ErrorKind::PendingRollback, vec![]));
            let (rolled_back, sent) = during(&host, None, conn.rollback()).await;
            rolled_back.unwrap();
            assert_eq!(sent, ["Rollback"], "the worker refuses everything else until then");
            let (done, sent) = during(&host, None, conn.execute(&insert, ())).await;
            done.unwrap();
            assert_eq!(sent, ["Execute"]);
            conn.close().await.unwrap();
            assert_eq!(serve(&host, None), ["Reset"]);
        }
    });
}

#[test]
fn a_transaction_that_was_idle_for_too_long_is_cleared_away_when_its_connection_is_closed() {
    run(async {
        let host = Scripted::of(25);
        let engine = engine(&host);
        let late = Error::new(ErrorKind::Operational, "the transaction was idle for too long");
        let insert = text("INSERT INTO t VALUES (1)");
        let conn = begun(&host, &engine).await;
        during(&host, Some(&late), conn.execute(&insert, ())).await.0.unwrap_err();
        conn.close().await.unwrap();
        assert_eq!(serve(&host, None), ["Reset"]);
        // The same where the worker's client knows of no transaction, because SQL began it.
        let conn = during(&host, None, engine.connect()).await.0.unwrap();
        conn.set_isolation_level(IsolationLevel::Autocommit).unwrap();
        during(&host, None, conn.execute(&text("BEGIN"), ())).await.0.unwrap();
        during(&host, Some(&late), conn.execute(&insert, ())).await.0.unwrap_err();
        conn.close().await.unwrap();
        assert_eq!(serve(&host, None), ["Reset"]);
        // In a block, the error rolls back and gives the connection back by itself.
        let mut block = Box::pin(engine.begin(async |conn| {
            conn.execute(&insert, ()).await?;
            conn.execute(&insert, ()).await
        }));
        let mut sent = Vec::new();
        let error = std::future::poll_fn(|cx| {
            let polled = block.as_mut().poll(cx);
            let error = sent.iter().any(|name| name == "Execute").then_some(&late);
            sent.extend(serve(&host, error));
            polled
        });
        assert_eq!(error.await.unwrap_err().message(), late.message());
        assert_eq!(sent, ["Execute", "Execute", "Rollback"]);
        assert_eq!(engine.pool().checkedin, 1);
    });
}

#[test]
fn commits_are_told_with_the_tables_that_they_changed() {
    run(async {
        let engine = memory();
        setup(
            &engine,
            "CREATE TABLE parents (id INTEGER PRIMARY KEY);
             CREATE TABLE children (parent REFERENCES parents ON DELETE CASCADE);
             CREATE TABLE plain (key TEXT PRIMARY KEY, x) WITHOUT ROWID;
             INSERT INTO parents VALUES (1); INSERT INTO children VALUES (1); INSERT INTO plain VALUES ('a', 1)",
        )
        .await;
        let changes = Rc::new(RefCell::new(Vec::new()));
        let into = changes.clone();
        let listener = engine.on_change(move |change| into.borrow_mut().push(change.clone()));
        for (script, schema, tables) in [
            ("DELETE FROM parents WHERE id = 1", false, &["children", "parents"][..]),
            ("REPLACE INTO plain VALUES ('a', 2)", false, &["plain"]),
            ("DELETE FROM plain", false, &["plain"]),
            ("CREATE VIEW everything AS SELECT 1", true, &[]),
        ] {
            engine.execute(&text(script), ()).await.unwrap();
            let limit = CallOptions::new().timeout(Duration::from_secs(10));
            // The worker says it in its own time, which it gets from whoever asks it for something.
            let told = async {
                while changes.borrow().is_empty() {
                    engine.execute(&text("SELECT 1"), ()).await?;
                }
                Ok(())
            };
            limit.limit(told).await.unwrap();
            let tables = tables.iter().map(|name| name.to_string()).collect();
            assert_eq!(
                changes.take(),
                [Change { tables, schema, tab: Tab::This, own: true, missed: false }],
                "{script}"
            );
        }
        // What is rolled back was not committed.
        let conn = engine.connect().await.unwrap();
        conn.execute(&text("INSERT INTO parents VALUES (2)"), ()).await.unwrap();
        conn.rollback().await.unwrap();
        engine.execute(&text("INSERT INTO plain VALUES ('b', 2)"), ()).await.unwrap();
        while changes.borrow().is_empty() {
            engine.execute(&text("SELECT 1"), ()).await.unwrap();
        }
        assert_eq!(changes.take().iter().map(|change| change.tables.join(" ")).collect::<Vec<_>>(), ["plain"]);
        drop(listener);
    });
}
