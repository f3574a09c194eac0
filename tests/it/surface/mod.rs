//! The rows of docs/SURFACE.md, each a test that is called after it; one test may show several rows.

mod ancestors;
mod connection;
mod engine;
mod errors;
mod procedures;
mod results;
mod table;
mod transaction;

use crate::support::{memory, setup};
use aludel::{Connection, Echo, EchoLevel, Engine, Error, ErrorKind, Record, Result, TextClause, Value, text};
use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;

const COUNT: &str = "SELECT count(*) FROM users";
const INSERT: &str = "INSERT INTO users (name) VALUES ('Eve')";

/// An engine in memory with three users.
async fn people() -> Engine {
    let engine = memory();
    fill(&engine).await;
    engine
}

async fn fill(engine: &Engine) {
    let script = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, age INTEGER);
                  INSERT INTO users VALUES (1, 'Dan', 30), (2, 'Dana', 20), (3, 'Casey', NULL)";
    setup(engine, script).await;
}

async fn connected() -> Connection {
    people().await.connect().await.unwrap()
}

async fn count(conn: &Connection) -> i64 {
    conn.scalar(&text(COUNT), ()).await.unwrap().unwrap()
}

async fn insert(conn: &Connection) -> Result<()> {
    conn.execute(&text(INSERT), ()).await.map(drop)
}

/// Asserts that something failed, and how.
fn fails<T: Debug>(outcome: Result<T>, kind: ErrorKind, message: &str) -> Error {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(message), "{error}");
    error
}

fn strings(values: &[&str]) -> Vec<Value> {
    values.iter().map(|value| Value::from(*value)).collect()
}

/// An engine in memory, and the statements and transactions of its log.
fn logged() -> (Engine, Rc<RefCell<Vec<String>>>) {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let sink = lines.clone();
    let echo = Echo::to(EchoLevel::Info, move |record: &Record| {
        if !["[generated ", "[cached ", "[raw "].iter().any(|note| record.message.contains(note)) {
            sink.borrow_mut().push(record.message.clone());
        }
    });
    (Engine::builder("sqlite://").echo(echo).build().unwrap(), lines)
}

fn one() -> TextClause {
    text("SELECT 1")
}
