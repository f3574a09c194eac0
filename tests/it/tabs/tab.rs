//! A tab whose host the test plays, frame by frame.

use super::scripted::{Scripted, ScriptedSpawn, Sent};
use aludel::{Connection, Engine, EngineBuilder, Error, Result, text};
use aludel_protocol::Fate;
use futures::FutureExt;
use futures::executor::LocalPool;
use futures::future::LocalBoxFuture;
use futures::task::LocalSpawnExt;
use std::cell::RefCell;
use std::rc::Rc;

/// A tab: its engine, its host, and what it is doing.
pub struct Tab {
    pub engine: Engine,
    pub host: Rc<Scripted>,
    pool: RefCell<LocalPool>,
    /// What has ended, and how.
    outcomes: Rc<RefCell<Vec<String>>>,
}

impl Tab {
    pub fn new() -> Tab {
        let host = Scripted::new();
        let builder = Engine::builder("sqlite:///tab.db").transport(Rc::new(ScriptedSpawn(host.clone())));
        Tab::with(builder, host)
    }

    /// One with an engine of its own kind, which has this host.
    pub fn with(engine: EngineBuilder, host: Rc<Scripted>) -> Tab {
        Tab { engine: engine.build().unwrap(), host, pool: RefCell::default(), outcomes: Rc::default() }
    }

    /// Begins to do something; how it ends is noted under its name.
    pub fn go(&self, name: &'static str, what: impl Future<Output = Result<()>> + 'static) {
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

    pub fn turn(&self) {
        self.pool.borrow_mut().run_until_stalled();
    }

    /// What was sent beside introductions, which are answered.
    pub fn sent(&self) -> Vec<Sent> {
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

    pub fn words(&self) -> Vec<String> {
        self.sent().into_iter().map(|sent| sent.what).collect()
    }

    pub fn outcomes(&self) -> Vec<String> {
        self.turn();
        self.outcomes.take()
    }

    /// Rolls back, which the host learns of if there is one.
    pub fn rollback(&self, conn: &Rc<Connection>) {
        let conn = conn.clone();
        self.go("rollback", async move { conn.rollback().await });
        for sent in self.sent() {
            assert_eq!(sent.what, "ROLLBACK");
            self.host.done(&sent.header, false);
        }
        assert_eq!(self.outcomes(), ["rollback: well"]);
    }

    pub fn connect(&self) -> Rc<Connection> {
        let mut connect = Box::pin(self.engine.connect());
        loop {
            if let Some(connection) = connect.as_mut().now_or_never() {
                return Rc::new(connection.unwrap());
            }
            assert_eq!(self.words(), Vec::<String>::new());
        }
    }
}

pub fn short(error: &Error) -> String {
    let retryable = if error.retryable() { "again" } else { "not again" };
    format!("{:?}, {retryable}", error.kind())
}

pub fn execute(conn: &Rc<Connection>, sql: &'static str) -> LocalBoxFuture<'static, Result<()>> {
    let conn = conn.clone();
    async move { conn.execute(&text(sql), ()).await.map(drop) }.boxed_local()
}

pub fn commit(conn: &Rc<Connection>) -> LocalBoxFuture<'static, Result<()>> {
    let conn = conn.clone();
    async move { conn.commit().await }.boxed_local()
}

pub fn alone(engine: &Engine, sql: &'static str) -> LocalBoxFuture<'static, Result<()>> {
    let engine = engine.clone();
    async move { engine.execute(&text(sql), ()).await.map(drop) }.boxed_local()
}

pub const NOBODY: [&str; 0] = [];

pub fn committed(changes: i64, last_insert_rowid: i64) -> Fate {
    Fate::Committed { changes, last_insert_rowid, had_rows: false }
}
