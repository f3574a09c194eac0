//! The rows of docs/CORE.md, each a test that is called after it: the SQL, and what it gives on SQLite.

mod b1_queries;
mod b1_selects;
mod b1_sources;
mod b2_functions;
mod b2_operators;
mod b3_dml;
mod b3_many;
mod b4_types;
mod table;

use crate::support::run;
use aludel::sql::schema::MetaData;
use aludel::sql::statement::Statement;
use aludel::typed::{DateTime, Json, TypedTable};
use aludel::{Connection, Engine, ErrorKind, Executable, Params, Value, many, params};
use std::fmt::Display;

aludel::table! {
    pub struct Users: "users" {
        id: i64 => primary_key(),
        name: String => length(50),
        age: Option<i64>,
        score: Option<f64>,
        meta: Option<Json<serde_json::Value>>,
        dt: Option<DateTime>,
        flag: Option<bool>,
    }
}

aludel::table! {
    pub struct Addr: "addr" {
        id: i64 => primary_key(),
        user_id: Option<i64> => references("users.id"),
        email: Option<String> => unique(),
    }
}

/// Two tables with rows, and a connection to them.
pub struct World {
    pub engine: Engine,
    pub conn: Connection,
    pub meta: MetaData,
    pub u: Users,
    pub a: Addr,
}

impl World {
    async fn new() -> World {
        let engine = Engine::new("sqlite://").unwrap();
        let meta = MetaData::new();
        let (u, a) = (Users::new(&meta), Addr::new(&meta));
        let conn = engine.connect().await.unwrap();
        conn.execute(&u.create(), ()).await.unwrap();
        conn.execute(&a.create(), ()).await.unwrap();
        let user = |id: i64, name: &str, age: Option<i64>, score: Option<f64>, flag: bool| {
            params! { "id" => id, "name" => name, "age" => age, "score" => score, "flag" => flag,
            "meta" => r#"{"a": {"k": [10, 20]}, "k": "v", "n": 2.5, "t": true}"#, "dt" => "2024-02-29 12:30:45.000000" }
        };
        let people = [
            user(1, "Dan", Some(30), Some(1.5), true),
            user(2, "Dana", Some(20), Some(-2.5), false),
            user(3, "Casey", None, None, true),
        ];
        conn.execute(&u.insert(), many(people)).await.unwrap();
        let mails = [(1, 1, "dan@x"), (2, 1, "dan@y"), (3, 3, "casey@x")];
        let mails = mails.map(|(id, user, mail)| params! { "id" => id, "user_id" => user, "email" => mail });
        conn.execute(&a.insert(), many(mails)).await.unwrap();
        conn.commit().await.unwrap();
        World { engine, conn, meta, u, a }
    }

    /// The rows of a statement, the cells with a bar between.
    pub async fn rows_of(&self, statement: &impl Executable, params: impl Into<Params>) -> Vec<String> {
        let result = self.conn.execute(statement, params).await.unwrap_or_else(|error| panic!("{error}"));
        if !result.returns_rows() {
            return vec![format!("{} changed", result.rowcount())];
        }
        result.all().unwrap().iter().map(|row| row.values().iter().map(shown).collect::<Vec<_>>().join("|")).collect()
    }

    /// The SQL of a statement, and its rows.
    pub async fn check(&self, statement: &(impl Executable + Display), sql: &str, rows: &[&str]) {
        assert_eq!(statement.to_string(), sql);
        assert_eq!(self.rows_of(statement, ()).await, rows, "{sql}");
    }

    /// The rows of a statement.
    pub async fn gives(&self, statement: &(impl Executable + Display), rows: &[&str]) {
        assert_eq!(self.rows_of(statement, ()).await, rows, "{statement}");
    }

    /// A statement that cannot be compiled.
    pub async fn refuses(&self, statement: &impl Executable, kind: ErrorKind, message: &str) {
        let error = self.conn.execute(statement, ()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(message), "{error}");
    }

    /// Runs statements that give nothing.
    pub async fn run(&self, statements: &[Statement]) {
        for statement in statements {
            self.conn.execute(statement, ()).await.unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) => format!("{real:?}"),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => format!("{bytes:02x?}"),
    }
}

/// Runs a test on two tables with rows.
pub fn on_world(test: impl AsyncFnOnce(World)) {
    run(async { test(World::new().await).await });
}
