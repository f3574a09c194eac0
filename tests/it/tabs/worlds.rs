//! Whatever happens to hosts and tabs: what was acknowledged is there, nothing else is half there, and nobody waits for
//! ever.

use super::world::{CALM, Rough, World};
use crate::support::{Dice, Scratch, run};
use aludel::{CallOptions, Change, Engine, ErrorKind, IsolationLevel, Result, Tab, many, params, text};
use futures::future::join_all;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

/// How many parts each change has.
const PARTS: i64 = 3;

/// What is known of a change.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    /// Its caller has not heard of it yet.
    Begun,
    /// It was acknowledged, or its caller was told that it was committed.
    Committed,
    /// Its caller was told that it was not.
    Not,
    /// Its caller was told that nobody knows.
    Unknown,
}

/// What the tabs know of their changes, by their numbers.
#[derive(Default)]
struct Ledger {
    changes: RefCell<BTreeMap<i64, (&'static str, Known)>>,
    /// What callers were told, and how often.
    told: RefCell<BTreeMap<String, u32>>,
}

impl Ledger {
    fn begin(&self, what: &'static str) -> i64 {
        let mut changes = self.changes.borrow_mut();
        let id = changes.len() as i64 + 1;
        changes.insert(id, (what, Known::Begun));
        id
    }

    /// Takes note of an outcome. Whether it is worth another try.
    fn end<T>(&self, id: i64, outcome: &Result<T>) -> bool {
        let known = match outcome {
            Ok(_) => Known::Committed,
            Err(error) if error.message().contains("was committed") => Known::Committed,
            Err(error) if error.message().contains("may or may not") => Known::Unknown,
            Err(_) => Known::Not,
        };
        if let Err(error) = outcome {
            let retryable = if error.retryable() { "again" } else { "not again" };
            let told = format!("{:?}, {retryable}: {}", error.kind(), error.message());
            *self.told.borrow_mut().entry(told).or_default() += 1;
        }
        self.changes.borrow_mut().entry(id).and_modify(|(_, was)| *was = known);
        known == Known::Not
    }
}

async fn insert(conn: &aludel::Connection, id: i64) -> Result<()> {
    let insert = text("INSERT INTO log VALUES (:id, :part)");
    for part in 1..PARTS {
        conn.execute(&insert, params! { "id" => id, "part" => part }).await?;
    }
    conn.execute(&insert, params! { "id" => id, "part" => 0 }).await.map(drop)
}

/// Reads a number and writes it one higher.
async fn count(engine: &Engine, id: i64) -> Result<()> {
    engine
        .begin(async |conn| {
            let value: i64 = conn.scalar(&text("SELECT value FROM counter"), ()).await?.unwrap();
            insert(conn, id).await?;
            conn.execute(&text("UPDATE counter SET value = :to"), params! { "to" => value + 1 }).await.map(drop)
        })
        .await
}

/// The same, all under way at once.
async fn count_at_once(engine: &Engine, id: i64) -> Result<()> {
    let conn = engine.connect().await?;
    let transaction = conn.begin_with(aludel::BeginMode::Immediate).await?;
    let (update, insert) =
        (text("UPDATE counter SET value = value + 1"), text("INSERT INTO log VALUES (:id, :part) RETURNING part"));
    let all = join_all((0..PARTS).map(async |part| {
        if part == 0 {
            conn.execute(&update, ()).await?;
        }
        conn.execute(&insert, params! { "id" => id, "part" => part }).await.map(drop)
    }));
    all.await.into_iter().collect::<Result<()>>()?;
    transaction.commit().await
}

/// The same, with a transaction that is written as statements.
async fn count_by_hand(engine: &Engine, id: i64, autocommit: bool) -> Result<()> {
    let conn = engine.connect().await?;
    if autocommit {
        conn.set_isolation_level(IsolationLevel::Autocommit)?;
        conn.exec_driver_sql("BEGIN IMMEDIATE", ()).await?;
    }
    conn.execute(&text("UPDATE counter SET value = value + 1"), ()).await?;
    insert(&conn, id).await?;
    conn.exec_driver_sql("/* by hand */ COMMIT", ()).await.map(drop)
}

/// A statement by itself.
async fn alone(engine: &Engine, id: i64) -> Result<()> {
    let parts = "WITH RECURSIVE parts(part) AS (SELECT 0 UNION ALL SELECT part + 1 FROM parts WHERE part < 2)";
    let insert = format!("INSERT INTO log {parts} SELECT :id, part FROM parts");
    let result = engine.execute(&text(&insert), params! { "id" => id }).await?;
    assert_eq!(result.rowcount(), PARTS);
    Ok(())
}

/// A statement by itself whose answer cannot be made up.
async fn returning(engine: &Engine, id: i64) -> Result<()> {
    let insert = text("INSERT INTO log VALUES (:id, 0), (:id, 1), (:id, 2) RETURNING part");
    let result = engine.execute(&insert, params! { "id" => id }).await?;
    assert_eq!(result.all()?.len() as i64, PARTS);
    Ok(())
}

/// A statement with several sets of parameters.
async fn several(engine: &Engine, id: i64) -> Result<()> {
    let sets = many((0..PARTS).map(|part| params! { "id" => id, "part" => part }));
    let result = engine.execute(&text("INSERT INTO log VALUES (:id, :part)"), sets).await?;
    assert_eq!(result.rowcount(), PARTS);
    Ok(())
}

/// A stream of a snapshot that others change meanwhile.
async fn stream(engine: &Engine, id: i64) -> Result<()> {
    let conn = engine.connect().await?;
    let (counted, all) = (text("SELECT count(*) FROM log"), text("SELECT id, part FROM log ORDER BY id, part"));
    let count: i64 = conn.scalar(&counted, ()).await?.unwrap();
    let stream = conn.stream_with(&all, (), &CallOptions::new().yield_per(2)).await?;
    let mut rows = 0;
    while let Some(row) = stream.next().await? {
        assert_eq!(row.get::<i64>(1)?, rows % PARTS, "a change is half there");
        rows += 1;
    }
    assert_eq!(rows, count, "a snapshot changed");
    conn.rollback().await?;
    insert(&conn, id).await?;
    conn.commit().await
}

async fn work(engine: Engine, dice: Dice, ledger: Rc<Ledger>, changes: usize) {
    for _ in 0..changes {
        let kind = dice.roll(7);
        for attempt in 0.. {
            assert!(attempt < 100, "it never gets through");
            let what = ["count", "count at once", "alone", "returning", "several", "stream", "count"][kind];
            let id = ledger.begin(what);
            let outcome = match kind {
                0 | 6 => count(&engine, id).await,
                1 => count_at_once(&engine, id).await,
                2 => alone(&engine, id).await,
                3 => returning(&engine, id).await,
                4 => several(&engine, id).await,
                _ => stream(&engine, id).await,
            };
            if !ledger.end(id, &outcome) {
                break;
            }
            let error = outcome.unwrap_err();
            let expected = [ErrorKind::HostLost, ErrorKind::WorkerGone, ErrorKind::Operational];
            assert!(expected.contains(&error.kind()), "{what}: {error}");
        }
    }
}

/// What is in the database.
async fn contents(engine: Engine) -> Result<(i64, BTreeMap<i64, i64>, String)> {
    let counter = engine.scalar(&text("SELECT value FROM counter"), ()).await?.unwrap_or_default();
    let log = engine.execute(&text("SELECT id, count(*) FROM log GROUP BY id"), ()).await?;
    let log = log.iter().map(|row| row.and_then(|row| Ok((row.get(0)?, row.get(1)?)))).collect::<Result<_>>()?;
    let check: String = engine.scalar(&text("PRAGMA integrity_check"), ()).await?.unwrap_or_default();
    engine.dispose().await?;
    Ok((counter, log, check))
}

#[derive(Default)]
struct Sum {
    kills: u32,
    committed: usize,
    told: BTreeMap<String, u32>,
}

/// One world, from its beginning to its end.
fn live(seed: u64, tabs: u64, rough: Rough, sum: &mut Sum) {
    let world = World::new(seed, rough);
    let ledger = Rc::new(Ledger::default());
    // Some tabs leave when they are done, some stay.
    let mut stay = Vec::new();
    for tab in 0..tabs {
        // Now and then there are two engines in a tab.
        for engine in 0..1 + world.dice.roll(5) / 4 {
            let (builder, ledger) = (world.engine(tab).pool_size(2), ledger.clone());
            let dice = Dice::new(seed * 100 + tab * 10 + engine as u64);
            let engine = builder.build().unwrap();
            let leaves = rough.kills > 0 && tab % 2 == 0;
            if !leaves {
                stay.push(engine.clone());
            }
            world.spawn(tab, async move {
                prepare(&engine).await;
                work(engine.clone(), dice, ledger, 6).await;
                if leaves {
                    engine.dispose().await.unwrap();
                }
            });
        }
    }
    world.run();
    let engine = world.engine(99).build().unwrap();
    let (counter, log, check) = world.calm(contents(engine)).unwrap();
    assert_eq!(check, "ok");
    let mut counted = 0;
    for (id, (what, known)) in ledger.changes.borrow().iter() {
        let parts = log.get(id).copied().unwrap_or(0);
        let fits = match known {
            Known::Committed => parts == PARTS,
            Known::Not => parts == 0,
            Known::Begun => parts == 0 || parts == PARTS,
            // There is always somebody who knows.
            Known::Unknown => false,
        };
        assert!(fits, "{what} {id} is {known:?}, and {parts} parts of it are there");
        counted += i64::from(what.starts_with("count") && parts == PARTS);
    }
    assert_eq!(counter, counted, "an update was lost");
    sum.kills += world.kills();
    sum.committed += log.len();
    for (told, count) in ledger.told.take() {
        *sum.told.entry(told).or_default() += count;
    }
}

/// Makes the tables, as each tab does that comes.
async fn prepare(engine: &Engine) {
    for statement in [
        "CREATE TABLE IF NOT EXISTS log (id INTEGER, part INTEGER, PRIMARY KEY (id, part))",
        "CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY, value INTEGER)",
        "INSERT OR IGNORE INTO counter VALUES (1, 0)",
    ] {
        while let Err(error) = engine.execute(&text(statement), ()).await {
            assert!(matches!(error.kind(), ErrorKind::HostLost | ErrorKind::WorkerGone), "{error}");
        }
    }
}

/// Many worlds; the seed of one that goes wrong is told.
fn lives(seeds: std::ops::Range<u64>, tabs: u64, rough: Rough) -> Sum {
    let mut sum = Sum::default();
    for seed in seeds {
        let outcome = catch_unwind(AssertUnwindSafe(|| live(seed, tabs, rough, &mut sum)));
        if let Err(panic) = outcome {
            eprintln!("seed {seed} of {tabs} tabs");
            resume_unwind(panic);
        }
    }
    eprintln!("{tabs} tabs: {} hosts ended, {} changes committed, told: {:#?}", sum.kills, sum.committed, sum.told);
    sum
}

const ROUGH: Rough = Rough { kills: 6, every: 60, breaks: true, deaths: true };

#[test]
fn two_tabs_survive_their_hosts() {
    let sum = lives(0..120, 2, ROUGH);
    assert!(sum.kills > 120, "hosts were ended");
}

#[test]
fn three_tabs_survive_their_hosts() {
    lives(1000..1100, 3, ROUGH);
}

#[test]
fn five_tabs_survive_their_hosts() {
    lives(2000..2060, 5, ROUGH);
}

#[test]
fn tabs_that_nobody_disturbs_hear_of_no_loss() {
    let sum = lives(3000..3020, 3, CALM);
    assert_eq!(sum.told, BTreeMap::new());
}

/// Ends the host at each step of what a tab does, until it is done before that. `check` looks at the outcome and at what
/// is in the database.
fn at_each_step<T: 'static>(
    act: impl AsyncFn(&Engine) -> Result<T> + Clone + 'static,
    check: impl Fn(Result<T>, i64, &str),
) {
    let mut outcomes = BTreeMap::<String, u32>::new();
    for step in 0.. {
        let mut killed = false;
        for (breaks, seed) in [(false, 0), (true, 1), (false, 2), (true, 3), (false, 4), (false, 5)] {
            let world = World::new(seed, CALM);
            let engine = world.engine(0).build().unwrap();
            let other = world.engine(1).build().unwrap();
            let (first, second) = (engine.clone(), other.clone());
            world.calm(async move {
                prepare(&first).await;
                prepare(&second).await;
            });
            world.kill_in(step, breaks);
            let (act, actor) = (act.clone(), engine.clone());
            let outcome = world.calm(async move { act(&actor).await });
            killed |= world.kills() > 0;
            let rows = world.calm(async move {
                loop {
                    // The host may end now.
                    if let Ok(rows) = other.scalar(&text("SELECT count(*) FROM log"), ()).await {
                        return rows.unwrap_or_default();
                    }
                }
            });
            let told = match &outcome {
                Ok(_) => "well".to_owned(),
                Err(error) => format!("{:?}: {}", error.kind(), error.message()),
            };
            *outcomes.entry(told).or_default() += 1;
            check(outcome, rows, &format!("step {step} of seed {seed}, breaks: {breaks}"));
        }
        if !killed {
            break;
        }
        assert!(step < 1000);
    }
    eprintln!("{outcomes:#?}");
    assert!(outcomes.len() > 1, "it was never in the middle of something");
}

#[test]
fn a_transaction_is_lost_or_done_at_whichever_step_its_host_ends() {
    for act in ["begin", "at once", "by hand", "in a transaction"] {
        let transaction = async move |engine: &Engine| match act {
            "begin" => count(engine, 1).await,
            "at once" => count_at_once(engine, 1).await,
            _ => count_by_hand(engine, 1, act == "by hand").await,
        };
        at_each_step(transaction, |outcome, rows, of| match outcome {
            Ok(()) => assert_eq!(rows, PARTS, "{of}"),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::HostLost | ErrorKind::WorkerGone), "{of}: {error}");
                assert!(error.retryable(), "{of}: {error}");
                assert_eq!(rows, 0, "{of}: {error}");
            }
        });
    }
}

#[test]
fn a_statement_is_done_once_at_whichever_step_its_host_ends() {
    for act in ["alone", "several", "returning"] {
        let statement = async move |engine: &Engine| match act {
            "alone" => alone(engine, 1).await,
            "several" => several(engine, 1).await,
            _ => returning(engine, 1).await,
        };
        at_each_step(statement, |outcome, rows, of| match outcome {
            Ok(()) => assert_eq!(rows, PARTS, "{act}, {of}"),
            // Only what returns rows cannot be made up; and only what broke a worker is not repeated.
            Err(error) if error.kind() == ErrorKind::HostLost => {
                assert_eq!((act, error.retryable(), rows), ("returning", false, PARTS), "{of}: {error}");
            }
            Err(error) => {
                assert_eq!((error.kind(), error.retryable(), rows), (ErrorKind::WorkerGone, true, 0), "{act}, {of}");
                assert!(of.contains("true"), "{of}: {error}");
            }
        });
    }
}

#[test]
fn an_import_says_whether_it_may_be_run_again_at_whichever_step_its_host_ends() {
    let scratch = Scratch::new();
    let bytes = run(async {
        let engine = Engine::new(&scratch.url("other.db"))?;
        engine.execute(&text("CREATE TABLE log (id INTEGER, part INTEGER)"), ()).await?;
        alone(&engine, 1).await?;
        engine.export_bytes(()).await
    });
    let bytes: Rc<[u8]> = bytes.unwrap().into();
    let import = async move |engine: &Engine| engine.import_bytes(&bytes, ()).await;
    at_each_step(import, |outcome, rows, of| match outcome {
        Ok(()) => assert_eq!(rows, PARTS, "{of}"),
        // The next host knows what became of it.
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::HostLost | ErrorKind::WorkerGone), "{of}: {error}");
            assert_eq!((error.retryable(), rows), (true, 0), "{of}: {error}");
        }
    });
}

#[test]
fn a_statement_that_kills_its_hosts_is_not_sent_for_ever() {
    let world = World::new(1, CALM);
    let (engine, other) = (world.engine(0).build().unwrap(), world.engine(1).build().unwrap());
    let (first, second) = (engine.clone(), other.clone());
    world.calm(async move {
        prepare(&first).await;
        prepare(&second).await;
    });
    world.kill_by("deadly");
    let outcome = world.calm(async move { engine.execute(&text("SELECT 'deadly'"), ()).await.map(drop) });
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.retryable()), (ErrorKind::HostLost, false), "{error}");
    assert_eq!(world.kills(), 3);
    world.calm(async move { alone(&other, 1).await }).unwrap();
}

#[test]
fn a_statement_that_breaks_the_worker_is_sent_once() {
    let world = World::new(1, CALM);
    let (engine, other) = (world.engine(0).build().unwrap(), world.engine(1).build().unwrap());
    let outcome = world.calm(async move {
        prepare(&engine).await;
        prepare(&other).await;
        let conn = other.connect().await?;
        conn.execute(&text("SELECT 1"), ()).await?;
        let broken = engine.execute(&text("SELECT aludel_fault('panic')"), ()).await.unwrap_err();
        assert_eq!((broken.kind(), broken.retryable()), (ErrorKind::WorkerGone, true), "{broken}");
        assert!(broken.message().contains("it panicked"), "{broken}");
        // The tab that had a transaction open is told; what it does next works again.
        let lost = conn.execute(&text("SELECT 2"), ()).await.unwrap_err();
        assert_eq!(lost.kind(), ErrorKind::WorkerGone, "{lost}");
        conn.rollback().await?;
        conn.execute(&text("SELECT 3"), ()).await?;
        alone(&engine, 1).await
    });
    outcome.unwrap();
    assert_eq!(world.kills(), 1);
}

#[test]
fn changes_say_who_made_them() {
    let world = World::new(3, CALM);
    let [mine, beside, other] = [0, 0, 1].map(|tab| world.engine(tab).build().unwrap());
    let heard = Rc::new(RefCell::new(Vec::new()));
    let into = heard.clone();
    let _listener = mine.on_change(move |change| into.borrow_mut().push(change.clone()));
    let engines = [mine.clone(), beside, other];
    let commit = async move |table: &str| {
        for engine in &engines {
            engine.execute(&text(&format!("INSERT INTO {table} VALUES (1)")), ()).await.unwrap();
        }
    };
    // Notices arrive before what is answered after them.
    let look = async move |engine: &Engine| engine.execute(&text("SELECT 1"), ()).await.map(drop).unwrap();
    let (first, engine) = (commit.clone(), mine.clone());
    world.calm(async move {
        engine.execute(&text("CREATE TABLE t (x)"), ()).await.unwrap();
        first("t").await;
        look(&engine).await;
    });
    let change = |table: &str, tab, own| Change { tables: vec![table.into()], schema: false, tab, own, missed: false };
    let of_t = [change("t", Tab::This, true), change("t", Tab::This, false), change("t", Tab::Other, false)];
    assert_eq!(heard.borrow()[1..], of_t);
    assert!(heard.borrow()[0].schema && heard.borrow()[0].own);
    heard.borrow_mut().clear();

    // The next host tells of changes, too, and that nobody knows what was missed.
    world.kill_in(0, false);
    world.calm(async move {
        commit("t").await;
        look(&mine).await;
    });
    let heard = heard.take();
    assert!(heard[0].missed, "{heard:?}");
    assert_eq!(heard[1..], of_t);
}
