//! Many callers at once, some of whom give up: nothing is lost, nobody is forgotten.

use crate::support::{run, scalar, setup};
use aludel::{Engine, ErrorKind, Result, Value, params, text};
use futures::future::{Either, join_all, select};
use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

const ACCOUNTS: u64 = 10;

/// Numbers that are the same every time.
struct Dice(Cell<u64>);

impl Dice {
    fn roll(&self, sides: u64) -> u64 {
        let next = self.0.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0.set(next);
        (next >> 33) % sides
    }
}

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

/// Polls a future a few times, with other callers between, then drops it.
async fn give_up<T>(future: impl Future<Output = T>, polls: u64) {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let std::task::Poll::Ready(_) = futures::poll!(&mut future) {
            return;
        }
        let mut yielded = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return std::task::Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }
}

#[test]
fn a_crowd_moves_money_and_the_sum_stays_the_same() {
    run(async {
        for seed in 0..8 {
            let engine = Engine::builder("sqlite://").pool_size(3).max_overflow(1).build().unwrap();
            setup(&engine, "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)").await;
            for id in 0..ACCOUNTS {
                engine.execute(&text("INSERT INTO accounts VALUES (?, 100)"), params![id as i64]).await.unwrap();
            }
            let callers = (0..12).map(|caller| {
                let (engine, dice) = (&engine, Dice(Cell::new(seed * 100 + caller)));
                async move {
                    for _ in 0..15 {
                        if dice.roll(3) == 0 {
                            let polls = dice.roll(12);
                            give_up(transfer(engine, &dice), polls).await;
                        } else if let Err(error) = transfer(engine, &dice).await {
                            panic!("{:?}: {error}", error.kind());
                        }
                    }
                }
            });
            let crowd = join_all(callers);
            match select(pin!(crowd), futures_timer::Delay::new(Duration::from_secs(60))).await {
                Either::Left(_) => {}
                Either::Right(_) => panic!("seed {seed}: somebody waits for ever: {}", engine.pool()),
            }
            let sum = scalar(&engine, "SELECT sum(balance) FROM accounts").await;
            assert_eq!(sum, Value::Integer(100 * ACCOUNTS as i64), "seed {seed}");
            assert_eq!(engine.pool().checkedout, 0, "seed {seed}");
        }
    });
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
