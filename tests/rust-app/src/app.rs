//! What the page does; its title tells how it went.

use aludel::{BeginMode, CallOptions, Engine, Error, ErrorKind, Result, Storage, many, params, text};
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// Runs when the module is loaded.
#[wasm_bindgen(start)]
pub fn main() {
    spawn_local(async {
        let title = match run().await {
            Ok(outcome) => format!("ok: {outcome}"),
            Err(error) => format!("failed: {}: {error}", error.kind().class()),
        };
        if let Some(document) = web_sys::window().and_then(|window| window.document()) {
            document.set_title(&title);
        }
    });
}

/// An error of the app itself.
fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Internal, what)
}

fn check(holds: bool, what: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(wrong(what)) }
}

async fn run() -> Result<String> {
    let engine = Engine::builder("sqlite:///rust-app.db").worker_url("worker.js").build()?;
    let visits = visit(&engine).await?;
    statements(&engine).await?;
    streams(&engine).await?;
    limits(&engine).await?;
    check(engine.storage().kind == Storage::Opfs, "the database is a file")?;
    engine.dispose().await?;
    // The file was closed, so that another engine can open it at once.
    let again = Engine::builder("sqlite:///rust-app.db").worker_url("worker.js").build()?;
    check(again.has_table("visits").await?, "the data is still there")?;
    again.dispose().await?;
    Ok(format!("visit {visits}"))
}

/// Counts the visits: a reload finds the count of the last one.
async fn visit(engine: &Engine) -> Result<i64> {
    engine.execute(&text("CREATE TABLE IF NOT EXISTS visits (at TEXT DEFAULT CURRENT_TIMESTAMP)"), ()).await?;
    engine.execute(&text("INSERT INTO visits DEFAULT VALUES"), ()).await?;
    engine.scalar(&text("SELECT count(*) FROM visits"), ()).await?.ok_or_else(|| wrong("no count"))
}

async fn statements(engine: &Engine) -> Result<()> {
    engine
        .begin(async |conn| {
            conn.execute(&text("DROP TABLE IF EXISTS users"), ()).await?;
            conn.execute(&text("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE)"), ()).await?;
            let names = ["Jeremy Goodwin", "Natalie Hurley", "Dan Rydell", "Casey McCall", "Dana Whitaker"];
            let sets = many(names.map(|name| params! { "name" => name }));
            let inserted = conn.execute(&text("INSERT INTO users (name) VALUES (:name)"), sets).await?;
            check(inserted.rowcount() == 5, "five rows were inserted")
        })
        .await?;
    let conn = engine.connect().await?;
    let like = text("SELECT id, name FROM users WHERE name LIKE :like ORDER BY id");
    let found = conn.execute(&like, params! { "like" => "D%" }).await?;
    let names = found.iter().map(|row| row?.get::<String>("name")).collect::<Result<Vec<_>>>()?;
    check(names == ["Dan Rydell", "Dana Whitaker"], "the filter finds two")?;
    let insert = text("INSERT INTO users (name) VALUES ('Dan Rydell')");
    let error = conn.execute(&insert, ()).await.err().ok_or_else(|| wrong("the name is unique"))?;
    check(error.kind() == ErrorKind::Integrity, "the error is typed")?;
    let columns = error.constraint().map(|constraint| constraint.columns.clone());
    check(columns.is_some_and(|columns| columns == ["name"]), "the error names the column")?;
    conn.execute(&text("DELETE FROM users"), ()).await?;
    conn.close().await?;
    let count: Option<i64> = engine.scalar(&text("SELECT count(*) FROM users"), ()).await?;
    check(count == Some(5), "what was not committed is rolled back")
}

async fn streams(engine: &Engine) -> Result<()> {
    let conn = engine.connect().await?;
    let numbers = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 100000) SELECT x FROM c";
    let stream = conn.stream(&text(numbers), ()).await?;
    let mut parts = stream.partitions(Some(1000));
    let (mut sum, mut written) = (0, false);
    while let Some(part) = parts.next().await? {
        for row in part {
            sum += row.get::<i64>(0)?;
        }
        if !written {
            engine.execute(&text("INSERT INTO visits DEFAULT VALUES"), ()).await?;
            engine.execute(&text("DELETE FROM visits WHERE rowid = last_insert_rowid()"), ()).await?;
            written = true;
        }
    }
    check(sum == 5_000_050_000, "the stream gave every row, and a write went on beside it")?;
    let options = CallOptions::new();
    let sum = engine.begin_with(BeginMode::Deferred, &options, async |conn| {
        conn.scalar::<i64>(&text("SELECT max(id) FROM users"), ()).await
    });
    check(sum.await? == Some(5), "a reading transaction reads")
}

async fn limits(engine: &Engine) -> Result<()> {
    let conn = engine.connect().await?;
    let endless = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c");
    let options = CallOptions::new().timeout(Duration::from_millis(100));
    let error = conn.execute_with(&endless, (), &options).await.err().ok_or_else(|| wrong("it never ends"))?;
    check(error.kind() == ErrorKind::Timeout, "a timeout stops it")?;
    check(conn.scalar::<i64>(&text("SELECT 1"), ()).await? == Some(1), "the connection lives on")
}
