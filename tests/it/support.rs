//! What the tests share.

use aludel::{Engine, Value};
use futures::executor::LocalPool;
use futures::future::{Either, join_all, select};
use futures::task::LocalSpawnExt;
use std::cell::Cell;
use std::future::poll_fn;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

/// Runs a future to its end.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(future)
}

/// Runs futures as tasks of their own, each woken by itself, until all have ended.
pub fn run_apart(tasks: impl IntoIterator<Item = impl Future<Output = ()> + 'static>) {
    let mut pool = LocalPool::new();
    let handles: Vec<_> = tasks.into_iter().map(|task| pool.spawner().spawn_local_with_handle(task).unwrap()).collect();
    let watchdog = futures_timer::Delay::new(Duration::from_secs(30));
    match pool.run_until(select(join_all(handles), watchdog)) {
        Either::Left(_) => {}
        Either::Right(_) => panic!("somebody waits for ever"),
    }
}

/// Numbers that are the same every time.
pub struct Dice(Cell<u64>);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1)))
    }

    pub fn roll(&self, sides: usize) -> usize {
        let next = self.0.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0.set(next);
        ((next >> 33) % sides as u64) as usize
    }
}

/// Lets the other tasks, or the futures beside this one, have so many turns.
pub async fn turns_of(count: usize) {
    for _ in 0..count {
        let mut yielded = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// A directory that goes when it is dropped, also when the test fails.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("aludel-it-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// The URL of a file in it.
    pub fn url(&self, file: &str) -> String {
        format!("sqlite:///{}", self.path(file).display())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What fails here leaves a directory behind, which is no reason to hide why the test failed.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An engine with a database of its own, in memory.
pub fn memory() -> Engine {
    Engine::new("sqlite://").unwrap()
}

/// Runs several statements, each by itself.
pub async fn setup(engine: &Engine, script: &str) {
    for statement in aludel::split_statements(script) {
        engine.execute(&aludel::text(statement.sql), ()).await.unwrap();
    }
}

/// The first column of the first row, on a connection of its own.
pub async fn scalar(engine: &Engine, sql: &str) -> Value {
    engine.scalar(&aludel::text(sql), ()).await.unwrap().unwrap_or(Value::Null)
}

/// All rows as lists of values.
pub fn rows(result: &aludel::ResultSet) -> Vec<Vec<Value>> {
    result.all().unwrap().iter().map(|row| row.values().to_vec()).collect()
}
