//! Statements that are put together, run on SQLite.

#[path = "../../crates/sql/tests/it/constructs.rs"]
mod constructs;

use crate::support::run;
use crate::tables::Tables;
use aludel::sql::expr::{Binary, BindValue, beside, binary, call, label, literal};
use aludel::sql::schema::NamingConvention;
use aludel::sql::statement::{Ddl, Statement, delete, insert, select, settings, update};
use aludel::{Engine, ErrorKind, Value, many, params};
use std::rc::Rc;

fn create(tables: &Tables) -> [Statement; 2] {
    [&tables.users, &tables.addr].map(|table| {
        let (table, naming) = (table.clone(), NamingConvention::default());
        Statement::Ddl(Rc::new(Ddl::CreateTable { table, naming, if_not_exists: true }))
    })
}

#[test]
fn every_construct_of_the_gallery_runs_on_sqlite() {
    // They want what is not there: a function, a table for full-text search, values, an index that is dropped.
    let elsewhere =
        ["match", "bindparam", "expanding", "text_cols", "ins_none", "ddl_dropidx", "ddl_create", "ddl_create2"];
    run(async {
        let tables = Tables::new();
        let mut wrong = Vec::new();
        for (name, statement) in constructs::constructs() {
            if elsewhere.contains(&name) {
                continue;
            }
            let engine = Engine::new("sqlite://").unwrap();
            for table in create(&tables) {
                engine.execute(&table, ()).await.unwrap();
            }
            let connection = engine.connect().await.unwrap();
            // What constraints refuse was understood all the same.
            if let Err(error) = connection.execute(&statement, ()).await
                && error.kind() != ErrorKind::Integrity
            {
                wrong.push(format!("{name}: {error}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn rows_are_inserted_changed_and_read() {
    run(async {
        let t = Tables::new();
        let engine = Engine::new("sqlite://").unwrap();
        for table in create(&t) {
            engine.execute(&table, ()).await.unwrap();
        }
        let people = ["Jeremy", "Natalie", "Dan", "Casey", "Dana"].map(|name| params! { "name" => name, "age" => 30 });
        let inserted = engine.execute(&insert(&t.users), many(people)).await.unwrap();
        assert_eq!(inserted.rowcount(), 5);
        let dan = |name: &str| binary(Binary::Eq, &t.u("name"), &beside(&t.u("name"), BindValue::Value(name.into())));
        let older = settings([("age", binary(Binary::Add, &t.u("age"), &literal(Value::Integer(1))))]);
        let changed = engine.execute(&update(t.users.clone()).values(older).filter([dan("Dan")]), ()).await.unwrap();
        assert_eq!(changed.rowcount(), 1);
        let query =
            select([t.u("name"), label(&t.u("age"), Some("years"))]).order_by([t.u("age"), t.u("id")]).offset(3);
        let rows = engine.execute(&query, ()).await.unwrap();
        let names = rows.keys().unwrap();
        assert_eq!(names, ["name", "years"]);
        let rows: Vec<(String, i64)> = rows
            .iter()
            .map(|row| row.and_then(|row| Ok((row.get(0)?, row.get(1)?))))
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(rows, [("Dana".to_owned(), 30), ("Dan".to_owned(), 31)]);
        engine.execute(&delete(t.users.clone()).filter([dan("Dana")]), ()).await.unwrap();
        let count: Option<i64> = engine.scalar(&select([call("count", [t.u("id")])]), ()).await.unwrap();
        assert_eq!(count, Some(4));
    });
}
