//! Many callers at once, some of whom give up: nothing is lost, nobody is forgotten.

use crate::support::{Dice, Scratch, run, run_apart, scalar, setup, turns_of};
use aludel::{Engine, ErrorKind, Result, Value, params, text};
use futures::future::{LocalBoxFuture, join_all};
use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

const ACCOUNTS: usize = 10;

async fn transfer(engine: &Engine, dice: &Dice) -> Result<()> {
    let (from, to) = (dice.roll(ACCOUNTS) as i64, dice.roll(ACCOUNTS) as i64);
    let update = text("UPDATE accounts SET balance = balance + :by WHERE id = :id");
    engine
        .begin(async |conn| {
            conn.execute(&update, params! { "id" => from, "by" => -1 }).await?;
            if dice.roll(4) == 0 {
                let all = conn.stream(&text("SELECT * FROM accounts"), ()).await?;
                all.next().await?;
            }
            let savepoint = conn.begin_nested().await?;
            conn.execute(&update, params! { "id" => to, "by" => 1000 }).await?;
            savepoint.rollback().await?;
            conn.execute(&update, params! { "id" => to, "by" => 1 }).await.map(drop)
        })
        .await
}

/// Lets the other tasks have their turns until something holds.
async fn turns(until: impl Fn() -> bool) {
    while !until() {
        turns_of(1).await;
    }
}

/// Polls a future a few times, with other callers between, then drops it.
async fn give_up<T>(future: impl Future<Output = T>, polls: usize) {
    let mut future = pin!(future);
    for _ in 0..polls {
        if futures::poll!(&mut future).is_ready() {
            return;
        }
        turns_of(1).await;
    }
}

#[test]
fn a_crowd_moves_money_and_the_sum_stays_the_same() {
    for seed in 0..8 {
        let engine = Engine::builder("sqlite://").pool_size(3).max_overflow(1).build().unwrap();
        run(async {
            setup(&engine, "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)").await;
            for id in 0..ACCOUNTS {
                engine.execute(&text("INSERT INTO accounts VALUES (?, 100)"), params![id as i64]).await.unwrap();
            }
        });
        run_apart((0..12).map(|caller| {
            let (engine, dice) = (engine.clone(), Dice::new(seed * 100 + caller));
            async move {
                for _ in 0..15 {
                    if dice.roll(3) == 0 {
                        let polls = dice.roll(12);
                        give_up(transfer(&engine, &dice), polls).await;
                    } else if let Err(error) = transfer(&engine, &dice).await {
                        panic!("{:?}: {error}", error.kind());
                    }
                }
            }
        }));
        let sum = run(scalar(&engine, "SELECT sum(balance) FROM accounts"));
        assert_eq!(sum, Value::Integer(100 * ACCOUNTS as i64), "seed {seed}");
        assert_eq!(engine.pool().checkedout, 0, "seed {seed}");
    }
}

#[test]
fn a_task_that_ends_leaves_nobody_behind() {
    let engine = Engine::new("sqlite://").unwrap();
    run(setup(&engine, "CREATE TABLE t (x)"));
    let insert = || text("INSERT INTO t VALUES (1)");
    let held = Rc::new(RefCell::new(None));
    let (holder, dropper) = (engine.clone(), held.clone());
    // The first holds the lock, the second waits for it, and the third lets it go and waits for nothing.
    let tasks: [LocalBoxFuture<'static, ()>; 3] = [
        Box::pin(async move {
            let conn = holder.connect().await.unwrap();
            conn.execute(&insert(), ()).await.unwrap();
            *held.borrow_mut() = Some(conn);
        }),
        Box::pin({
            let (engine, held) = (engine.clone(), dropper.clone());
            async move {
                turns(|| held.borrow().is_some()).await;
                engine.execute(&insert(), ()).await.unwrap();
            }
        }),
        Box::pin(async move {
            turns(|| dropper.borrow().is_some()).await;
            turns_of(100).await;
            dropper.take();
        }),
    ];
    run_apart(tasks);
    assert_eq!(run(scalar(&engine, "SELECT count(*) FROM t")), Value::Integer(1));
}

#[test]
fn everyone_who_waits_hears_when_the_time_is_over() {
    // Engines on one file share the worker, which alone knows how long each of them waits for the lock.
    let scratch = Scratch::new();
    let open = |wait: u64| {
        let builder = Engine::builder(&scratch.url("a.db")).lock_timeout(Duration::from_millis(wait));
        builder.build().unwrap()
    };
    let holder = open(0);
    run(setup(&holder, "CREATE TABLE t (x)"));
    let held = run(holder.connect()).unwrap();
    run(held.execute(&text("INSERT INTO t VALUES (1)"), ())).unwrap();
    // The last one to ask is the first to go: it takes the clock that was set for all with it.
    let engines = [150, 100, 50].map(open);
    run_apart(engines.clone().map(|engine| async move {
        let error = engine.execute(&text("INSERT INTO t VALUES (2)"), ()).await.unwrap_err();
        assert!(error.message().starts_with("database is locked"), "{error}");
    }));
}

#[test]
fn a_crowd_on_one_connection_is_served_in_its_order() {
    run(async {
        let engine = Engine::new("sqlite://").unwrap();
        setup(&engine, "CREATE TABLE t (x INTEGER PRIMARY KEY)").await;
        let conn = engine.connect().await.unwrap();
        let insert = text("INSERT INTO t VALUES (?)");
        let calls = join_all((0..200).map(|x| conn.execute(&insert, params![x % 150])));
        let failed: Vec<_> = calls.await.into_iter().filter_map(Result::err).collect();
        assert_eq!(failed.len(), 50);
        assert!(failed.iter().all(|error| error.kind() == ErrorKind::Integrity));
        conn.commit().await.unwrap();
        assert_eq!(scalar(&engine, "SELECT count(*) FROM t").await, Value::Integer(150));
    });
}
