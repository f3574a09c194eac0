//! Who is told when somebody waits for a connection that another holds and does not use.

use crate::support::{run, setup};
use aludel::{Blocked, BlockedBy, Engine, ErrorKind, Event, EventKind, Tab, text};
use futures::StreamExt;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

fn small(timeout: Duration) -> Engine {
    Engine::builder("sqlite://").pool_size(1).pool_timeout(timeout).build().unwrap()
}

/// The blocked events of an engine, as they come.
fn blocked(engine: &Engine) -> Rc<RefCell<Vec<Blocked>>> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let into = seen.clone();
    engine
        .listen(EventKind::Blocked, move |event| {
            if let Event::Blocked(blocked) = event {
                into.borrow_mut().push(blocked.clone());
            }
        })
        .keep();
    seen
}

fn here(line: u32) -> String {
    format!("tests/it/pool_blocked.rs:{line}:")
}

#[test]
fn a_begin_inside_a_begin_is_told_who_has_the_only_connection() {
    run(async {
        let engine = small(Duration::from_millis(1500));
        setup(&engine, "CREATE TABLE t (x)").await;
        let seen = blocked(&engine);
        let (outer, inner) = (line!() + 2, line!() + 4);
        let result = engine
            .begin(async |conn| {
                conn.execute(&text("INSERT INTO t VALUES (1)"), ()).await?;
                engine.begin(async |conn| conn.execute(&text("INSERT INTO t VALUES (2)"), ()).await).await
            })
            .await;
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Timeout, Some("3o7r")));
        let lines: Vec<_> = error.message().lines().collect();
        assert_eq!(lines[0], "QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 1.50");
        assert!(lines[1].starts_with("[taken ") && lines[1].ends_with(" s]"), "{error}");
        assert!(
            lines[1].contains(&format!(" s ago at {}", here(outer))) && lines[1].contains(", idle for "),
            "{error}"
        );
        assert_eq!(lines.len(), 2);
        let seen = seen.take();
        let [blocked] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!(blocked.what, BlockedBy::Pool);
        assert!(blocked.waited >= Duration::from_secs(1), "{blocked:?}");
        let waiter = blocked.waiter.as_ref().unwrap();
        assert!(waiter.site.as_ref().unwrap().starts_with(&here(inner)), "{blocked:?}");
        let [holder] = &blocked.holders[..] else { panic!("{blocked:?}") };
        assert!(holder.site.as_ref().unwrap().starts_with(&here(outer)), "{blocked:?}");
        assert_eq!((holder.tab, waiter.tab), (Tab::This, Tab::This));
        assert!(holder.age >= blocked.waited && holder.idle.unwrap() >= blocked.waited, "{blocked:?}");
        // The error ended the outer block, and nothing is held any more.
        assert_eq!(engine.pool().checkedout, 0);
        assert_eq!(engine.scalar::<i64>(&text("SELECT count(*) FROM t"), ()).await.unwrap(), Some(0));
    });
}

#[test]
fn a_holder_that_works_is_not_reported_and_one_that_rests_is_once() {
    run(async {
        let engine = small(Duration::from_millis(2000));
        let seen = blocked(&engine);
        let conn = engine.connect().await.unwrap();
        let endless =
            text("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c WHERE n % 10000 = 0");
        let options = aludel::CallOptions::new().timeout(Duration::from_millis(3000));
        let (waited, ran) = futures::join!(engine.connect(), conn.execute_with(&endless, (), &options));
        assert_eq!(ran.unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(waited.unwrap_err().kind(), ErrorKind::Timeout);
        assert!(seen.borrow().is_empty(), "it worked all the time: {:?}", seen.borrow());
        // Two wait, and the second for longer than it takes to look again.
        let (first, second) = futures::join!(engine.connect(), engine.connect());
        let error = first.unwrap_err();
        assert_eq!((error.kind(), second.unwrap_err().kind()), (ErrorKind::Timeout, ErrorKind::Timeout));
        let seen = seen.take();
        assert_eq!(seen.iter().map(|blocked| blocked.holders.len()).collect::<Vec<_>>(), [1], "{seen:?}");
    });
}

#[test]
fn an_error_names_a_few_holders_and_counts_the_rest() {
    run(async {
        let builder = Engine::builder("sqlite://").pool_size(7).pool_timeout(Duration::from_millis(50));
        let engine = builder.build().unwrap();
        let mut held = Vec::new();
        for _ in 0..7 {
            held.push(engine.connect().await.unwrap());
        }
        let error = engine.connect().await.unwrap_err();
        let lines: Vec<_> = error.message().lines().collect();
        assert_eq!(lines.len(), 1 + 5 + 1, "{error}");
        assert_eq!(lines[6], "[and 2 more]");
        assert!(lines[1].contains("tests/it/pool_blocked.rs:"), "{error}");
    });
}

#[test]
fn listeners_come_and_go() {
    run(async {
        let engine = small(Duration::from_millis(1200));
        let seen = Rc::new(RefCell::new(Vec::new()));
        let listen = |name: &'static str| {
            let seen = seen.clone();
            engine.listen(EventKind::Blocked, move |_| seen.borrow_mut().push(name))
        };
        let (stays, goes) = (listen("stays"), listen("goes"));
        listen("kept").keep();
        drop(goes);
        let other = engine.listen(EventKind::Change, |event| panic!("nobody asked for {event:?}"));
        let held = engine.connect().await.unwrap();
        engine.connect().await.unwrap_err();
        assert_eq!(*seen.borrow(), ["stays", "kept"]);
        drop((stays, other, held));
        engine.dispose().await.unwrap();
        let held = engine.connect().await.unwrap();
        engine.connect().await.unwrap_err();
        assert_eq!(seen.borrow().len(), 2, "dispose() ends all listening");
        drop(held);
        // A listener that owns its engine does not keep it alive when it was disposed of.
        let owner = Rc::new(());
        let weak = Rc::downgrade(&owner);
        let (engine, inner) = (engine.clone(), engine);
        engine.listen(EventKind::Blocked, move |_| drop((inner.clone(), owner.clone()))).keep();
        engine.dispose().await.unwrap();
        assert_eq!(weak.strong_count(), 0);
    });
}

#[test]
fn an_unknown_event_is_an_argument_error_that_names_the_known() {
    let error = EventKind::parse("changed").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    assert_eq!(error.message(), "No such event 'changed'; known are: change, blocked, host, versionSkew");
    for kind in EventKind::ALL {
        assert_eq!(EventKind::parse(kind.as_str()).unwrap(), kind);
    }
}

#[test]
fn an_export_that_nobody_reads_is_named_by_the_line_that_began_it() {
    run(async {
        let engine = small(Duration::from_millis(50));
        setup(&engine, "CREATE TABLE t (x)").await;
        let line = line!() + 1;
        let mut export = engine.export(());
        assert!(export.next().await.is_some());
        let error = engine.connect().await.unwrap_err();
        assert!(error.message().contains(&here(line)), "{error}");
        drop(export);
        engine.connect().await.unwrap();
    });
}

#[test]
fn a_begin_inside_a_begin_that_waits_for_the_write_lock_is_told_who_has_it() {
    run(async {
        let builder = Engine::builder("sqlite://").pool_size(2);
        let engine = builder.lock_timeout(Duration::from_millis(1500)).build().unwrap();
        setup(&engine, "CREATE TABLE t (x)").await;
        let seen = blocked(&engine);
        let insert = text("INSERT INTO t VALUES (1)");
        let (outer, inner) = (line!() + 2, line!() + 4);
        let result = engine
            .begin(async |conn| {
                conn.execute(&insert, ()).await?;
                engine.begin(async |conn| conn.execute(&insert, ()).await).await
            })
            .await;
        let error = result.unwrap_err();
        assert!(error.message().contains(&here(outer)), "{error}");
        let seen = seen.take();
        let [blocked] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!((blocked.what, blocked.log_bytes), (BlockedBy::WriteLock, 0));
        assert!(blocked.waited >= Duration::from_secs(1), "{blocked:?}");
        let [holder] = &blocked.holders[..] else { panic!("{blocked:?}") };
        assert!(holder.site.as_ref().unwrap().starts_with(&here(outer)), "{blocked:?}");
        assert!(holder.age >= blocked.waited && holder.tab == Tab::This, "{blocked:?}");
        let waiter = blocked.waiter.as_ref().unwrap();
        assert!(waiter.site.as_ref().unwrap().starts_with(&here(inner)), "{blocked:?}");
        assert_eq!(engine.scalar::<i64>(&text("SELECT count(*) FROM t"), ()).await.unwrap(), Some(0));
    });
}

#[test]
fn a_transaction_that_is_idle_for_too_long_makes_way_and_rollback_makes_its_connection_usable() {
    run(async {
        let builder = Engine::builder("sqlite://").pool_size(2);
        let engine = builder.idle_transaction_timeout(Duration::from_millis(200)).build().unwrap();
        setup(&engine, "CREATE TABLE t (x)").await;
        let (insert, count) = (text("INSERT INTO t VALUES (1)"), text("SELECT count(*) FROM t"));
        for commits in [false, true] {
            let idle = engine.connect().await.unwrap();
            idle.execute(&insert, ()).await.unwrap();
            let transaction = idle.get_transaction().unwrap();
            // Waits for the write lock, which the idle one gives up.
            engine.execute(&insert, ()).await.unwrap();
            let call = async { if commits { idle.commit().await } else { idle.execute(&insert, ()).await.map(drop) } };
            let error = call.await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Operational, "{error}");
            assert!(error.message().contains("idle"), "{error}");
            assert!(!transaction.is_active() && !idle.in_transaction());
            assert_eq!(idle.execute(&insert, ()).await.unwrap_err().kind(), ErrorKind::PendingRollback);
            idle.rollback().await.unwrap();
            idle.execute(&insert, ()).await.unwrap();
            idle.commit().await.unwrap();
            idle.close().await.unwrap();
        }
        assert_eq!(
            engine.scalar::<i64>(&count, ()).await.unwrap(),
            Some(4),
            "two of those that waited, two afterwards"
        );
        // In a block, the error ends it and the connection goes back by itself.
        let late = engine
            .begin(async |conn| {
                conn.execute(&insert, ()).await?;
                engine.execute(&insert, ()).await?;
                conn.execute(&insert, ()).await
            })
            .await;
        assert_eq!(late.unwrap_err().kind(), ErrorKind::Operational);
        assert_eq!(engine.pool().checkedout, 0);
        assert_eq!(engine.scalar::<i64>(&count, ()).await.unwrap(), Some(5));
    });
}
