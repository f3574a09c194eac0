//! A0, A1, A2: what only the ancestors' own documents have.

use super::people;
use crate::support::{memory, run, run_apart};
use aludel::sql::schema::{Column, MetaData, Table};
use aludel::sql::statement::select;
use aludel::sql::types::SqlType;
use aludel::typed::{TypedTable, literal};
use aludel::{Echo, EchoLevel, Engine, ErrorKind, Value, many, params, text};
use futures::FutureExt;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

aludel::table! {
    struct Users: "users" {
        id: i64 => primary_key(),
        name: Option<String>,
    }
}

#[test]
fn a0_10_a0_11_a0_12_tables_insert_select_and_delete() {
    run(async {
        let (engine, users) = (memory(), Users::new(&MetaData::new()));
        engine.execute(&users.create(), ()).await.unwrap();
        let conn = engine.connect().await.unwrap();
        let add = users.insert().values((users.id.set(42), users.name.set("Async")));
        assert_eq!(conn.execute(&add, ()).await.unwrap().rowcount(), 1);
        let found = conn.execute(&users.select().filter(users.id.eq(42)), ()).await.unwrap().all().unwrap();
        assert_eq!(found[0].values(), [Value::Integer(42), "Async".into()]);
        let gone = conn.execute(&users.delete().filter(users.id.eq(42)), ()).await.unwrap();
        assert_eq!((found.len(), gone.rowcount()), (1, 1));
    });
}

#[test]
fn a0_14_the_example_of_the_first_ancestor() {
    run(async {
        let (engine, users) = (memory(), Users::new(&MetaData::new()));
        engine.execute(&users.create(), ()).await.unwrap();
        let conn = engine.connect().await.unwrap();
        let inserted = conn.transaction(async |conn| {
            conn.execute(&users.insert().values((users.id.set(42), users.name.set("Async"))), ()).await
        });
        inserted.await.unwrap();
        let found = conn.execute(&users.select().filter(users.id.eq(42)), ()).await.unwrap().fetchall().unwrap();
        assert_eq!(found.iter().map(|row| row.get::<i64>("id").unwrap()).collect::<Vec<_>>(), [42]);
        assert_eq!(conn.execute(&users.delete().filter(users.id.eq(42)), ()).await.unwrap().rowcount(), 1);
    });
}

#[test]
fn a1_04_a1_05_a1_07_tables_of_a_set_have_names_columns_and_types() {
    let metadata = MetaData::new();
    let users = Users::new(&metadata);
    assert_eq!(
        users.create().to_string(),
        "CREATE TABLE IF NOT EXISTS users (\n\tid INTEGER NOT NULL, \n\tname VARCHAR, \n\tPRIMARY KEY (id)\n)"
    );
    assert_eq!(metadata.table("users").unwrap().columns.len(), 2);
    assert!(metadata.table("nobody").is_none());
    // Another of the same name takes its place.
    metadata.add(Table::new("users", vec![Column::new("mail", SqlType::Text)]));
    assert_eq!((metadata.tables().len(), metadata.table("users").unwrap().columns.len()), (1, 1));
}

#[test]
fn a1_06_a_lone_integer_primary_key_counts_by_itself() {
    run(async {
        let (engine, users) = (memory(), Users::new(&MetaData::new()));
        engine.execute(&users.create(), ()).await.unwrap();
        for expected in 1..4 {
            let added = engine.execute(&users.insert().values(users.name.set("x")), ()).await.unwrap();
            assert_eq!(added.inserted_primary_key().unwrap().unwrap().values(), [Value::Integer(expected)]);
        }
    });
}

#[test]
fn a1_19_a1_09_a1_11_a1_12_a1_17_a2_03_the_example_of_sqlalchemy_aio() {
    run(async {
        let (engine, users) = (memory(), Users::new(&MetaData::new()));
        engine.execute(&users.create(), ()).await.unwrap();
        let conn = engine.connect().await.unwrap();
        for name in ["Jeremy Goodwin", "Natalie Hurley", "Dan Rydell", "Casey McCall", "Dana Whitaker"] {
            conn.execute(&users.insert().values(users.name.set(name)), ()).await.unwrap();
        }
        // It does not commit by itself.
        conn.commit().await.unwrap();
        let with_d = users.select().filter(users.name.starts_with("D")).order_by(&users.id);
        let result = conn.execute(&with_d, ()).await.unwrap().fetchall().unwrap();
        conn.close().await.unwrap();
        let printed: Vec<_> = result.iter().map(|user| user.at(&users.name).unwrap().unwrap()).collect();
        assert_eq!(printed, ["Dan Rydell", "Dana Whitaker"]);
        let one = engine.begin(async |conn| conn.scalar::<i64>(&select(literal(1)), ()).await).await.unwrap();
        assert_eq!(one, Some(1));
        engine.execute(&users.drop_table(), ()).await.unwrap();
        assert!(!engine.has_table("users").await.unwrap());
    });
}

#[test]
fn a2_04_a_future_that_is_dropped_is_cancelled_and_a_scope_that_is_left_rolls_back() {
    run(async {
        let engine = people().await;
        let endless = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c");
        let begun = engine.begin(async |conn| {
            super::insert(conn).await?;
            conn.execute(&endless, ()).await
        });
        // It is polled until it waits for what never ends, and dropped there.
        let mut begun = Box::pin(begun);
        for _ in 0..20 {
            assert!((&mut begun).now_or_never().is_none());
        }
        drop(begun);
        assert_eq!(engine.pool().checkedout, 0);
        assert_eq!(engine.scalar::<i64>(&text(super::COUNT), ()).await.unwrap(), Some(3));
    });
}

#[test]
fn a2_05_tasks_of_one_thread_share_an_engine() {
    let done = Rc::new(Cell::new(0));
    let engine = memory();
    run(super::fill(&engine));
    run_apart((0..10).map(|_| {
        let (engine, done) = (engine.clone(), done.clone());
        async move {
            engine.begin(async |conn| super::insert(conn).await).await.unwrap();
            done.set(done.get() + 1);
        }
    }));
    assert_eq!(done.get(), 10);
    assert_eq!(run(engine.scalar::<i64>(&text(super::COUNT), ())).unwrap(), Some(13));
}

#[test]
fn a2_06_values_of_a_row_by_their_column() {
    run(async {
        let (engine, users) = (memory(), Users::new(&MetaData::new()));
        engine.execute(&users.create(), ()).await.unwrap();
        engine.execute(&users.insert().values(users.name.set("Dan")), ()).await.unwrap();
        let user = engine.execute(&users.select(), ()).await.unwrap().one().unwrap();
        assert_eq!((user.at(&users.id).unwrap(), user.at(&users.name).unwrap()), (1, Some("Dan".into())));
        let error = engine.execute(&select(&users.id), ()).await.unwrap().one().unwrap().at(&users.name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchColumn);
    });
}

#[test]
fn a3_67_a3_68_a4_32_what_an_insert_tells_of_its_rows() {
    run(async {
        let (engine, users) = (memory(), Users::new(&MetaData::new()));
        engine.execute(&users.create(), ()).await.unwrap();
        let conn = engine.connect().await.unwrap();
        let one = conn.execute(&users.insert().values(users.name.set("Eve")), ()).await.unwrap();
        assert_eq!(one.inserted_primary_key().unwrap().unwrap().get::<i64>("id").unwrap(), 1);
        assert_eq!(one.lastrowid(), 1);
        let sets = || many([5, 6].map(|id| params! { "id" => id, "name" => "x" }));
        let many = conn.execute(&users.insert(), sets()).await.unwrap();
        super::fails(many.inserted_primary_key(), ErrorKind::InvalidRequest, "executemany");
        let keys = many.inserted_primary_key_rows().unwrap();
        assert_eq!(keys.iter().map(|key| key.get::<i64>(0).unwrap()).collect::<Vec<_>>(), [5, 6]);
        assert_eq!(many.last_inserted_params().unwrap()[1][0], ("id".to_owned(), Value::Integer(6)));
        let update = conn.execute(&users.update().values(users.name.set("y")), ()).await.unwrap();
        assert_eq!(update.last_updated_params().unwrap()[0][0], ("name".to_owned(), "y".into()));
        super::fails(update.inserted_primary_key(), ErrorKind::InvalidRequest, "not an insert()");
        let text = conn.execute(&text("INSERT INTO users (name) VALUES ('z')"), ()).await.unwrap();
        super::fails(text.inserted_primary_key(), ErrorKind::InvalidRequest, "not a compiled expression");
    });
}

#[test]
fn a4_41_what_is_hardly_meant_is_warned_of_once() {
    run(async {
        let warnings = Rc::new(RefCell::new(Vec::new()));
        let sink = warnings.clone();
        let echo = Echo::to(EchoLevel::Warning, move |record| sink.borrow_mut().push(record.message.clone()));
        let engine = Engine::builder("sqlite://").echo(echo).build().unwrap();
        let metadata = MetaData::new();
        let (a, b) = (Users::new(&metadata), Users::new(&metadata).alias(Some("b")));
        engine.execute(&a.create(), ()).await.unwrap();
        for _ in 0..2 {
            engine.execute(&select((&a.id, &b.id)), ()).await.unwrap();
        }
        assert_eq!(warnings.borrow().len(), 1);
        assert!(warnings.borrow()[0].contains("cartesian product"), "{warnings:?}");
    });
}
