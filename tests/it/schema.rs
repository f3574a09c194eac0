//! Tables that are created and dropped.

use crate::support::{run, scalar, setup};
use aludel::sql::schema::{Column, DdlEvent, DdlTarget, ForeignKey, Index, IndexElement, MetaData, Table};
use aludel::sql::types::SqlType;
use aludel::{CallOptions, CreateAll, DdlOptions, Echo, EchoLevel, Engine, ErrorKind, Value, inspect, text};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

fn id() -> Column {
    Column::new("id", SqlType::Integer).primary_key()
}

fn to(table: &str, name: &str) -> Column {
    let key = ForeignKey { table: table.into(), referred: vec!["id".into()], ..ForeignKey::default() };
    Column { foreign_keys: vec![key], ..Column::new(name, SqlType::Integer) }
}

fn names(tables: &[Rc<Table>]) -> Vec<&str> {
    tables.iter().map(|table| &*table.name).collect()
}

/// c refers to b, which refers to a.
fn chain() -> MetaData {
    let metadata = MetaData::new();
    metadata.add(Table::new("c", vec![id(), to("b", "b_id")]));
    metadata.add(Table::new("b", vec![id(), to("a", "a_id")]));
    metadata.add(Table::new("a", vec![id()]));
    metadata
}

#[test]
fn b5_01_tables_are_kept_sorted_and_taken_out() {
    let metadata = chain();
    assert_eq!(names(&metadata.tables()), ["c", "b", "a"]);
    assert_eq!(names(&metadata.sorted_tables()), ["a", "b", "c"]);
    assert!(metadata.circle().is_empty());
    metadata.remove(&metadata.table("b").unwrap());
    assert_eq!(names(&metadata.sorted_tables()), ["a", "c"]);
    metadata.clear();
    assert!(metadata.tables().is_empty());
}

#[test]
fn b5_09_all_tables_are_created_and_dropped_in_their_order() {
    run(async {
        let engine = Engine::new("sqlite://").unwrap();
        let metadata = chain();
        setup(&engine, "CREATE TABLE b (id INTEGER PRIMARY KEY, mine TEXT)").await;
        metadata.create_all(&engine).await.unwrap();
        metadata.create_all(&engine).await.unwrap();
        let inspector = inspect(&engine).await.unwrap();
        assert_eq!(inspector.get_table_names(None), ["a", "b", "c"]);
        assert_eq!(inspector.get_columns("b", None).unwrap()[1].name, "mine", "what is there stays");
        let all = DdlOptions { checkfirst: false, ..DdlOptions::default() };
        let error = metadata.create_all_with(&engine, all.clone()).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Operational, "table a already exists"));
        setup(&engine, "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 'x'); INSERT INTO c VALUES (1, 1)").await;
        let b = [metadata.table("b").unwrap()];
        let error = metadata.drop_all_with(&engine, DdlOptions { tables: Some(&b), ..all.clone() }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity, "c refers to its rows");
        metadata.drop_all(&engine).await.unwrap();
        metadata.drop_all(&engine).await.unwrap();
        assert!(inspect(&engine).await.unwrap().get_table_names(None).is_empty());
        let error = metadata.drop_all_with(&engine, all).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Operational, "no such table: c"));
    });
}

#[test]
fn b5_09_who_looks_what_is_there_is_sure_to_be_let_to_create_it() {
    run(async {
        let engine = Engine::new("sqlite://").unwrap();
        let metadata = chain();
        metadata.create_all(&engine).await.unwrap();
        let conn = engine.connect().await.unwrap();
        metadata.create_all(&conn).await.unwrap();
        // Nothing was to be created, and yet nobody else can write before this transaction has ended.
        let insert = text("INSERT INTO a VALUES (1)");
        let soon = CallOptions::new().timeout(Duration::from_millis(30));
        let error = engine.execute_with(&insert, (), &soon).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        conn.commit().await.unwrap();
        engine.execute(&insert, ()).await.unwrap();
        inspect(&conn).await.unwrap();
        engine.execute(&text("INSERT INTO a VALUES (2)"), ()).await.unwrap();
    });
}

#[test]
fn b5_09_a_circle_of_foreign_keys_is_dropped_and_told() {
    run(async {
        let lines = Rc::new(RefCell::new(Vec::new()));
        let sink = lines.clone();
        let echo = Echo::to(EchoLevel::Info, move |record| sink.borrow_mut().push(record.message.clone()));
        let engine = Engine::builder("sqlite://").echo(echo).build().unwrap();
        let metadata = MetaData::new();
        for (name, other) in [("x", "y"), ("y", "x"), ("z", "x")] {
            metadata.add(Table::new(name, vec![id(), to(other, "other")]));
        }
        assert_eq!(names(&metadata.circle()), ["x", "y"]);
        assert_eq!(names(&metadata.sorted_tables()), ["x", "y", "z"]);
        metadata.create_all(&engine).await.unwrap();
        setup(
            &engine,
            "INSERT INTO x VALUES (1, NULL); INSERT INTO y VALUES (1, 1); UPDATE x SET other = 1; INSERT INTO z VALUES (1, 1)",
        )
        .await;
        metadata.drop_all(&engine).await.unwrap();
        assert!(engine.table_names().await.unwrap().is_empty());
        let warned = lines.borrow().iter().filter(|line| line.starts_with("Can't sort tables for DROP")).count();
        assert_eq!(warned, 1);
        assert!(lines.borrow().iter().any(|line| line.contains("dependency exists between tables: x, y;")));
    });
}

#[test]
fn b5_10_what_was_created_goes_with_its_transaction() {
    run(async {
        let engine = Engine::new("sqlite://").unwrap();
        let metadata = chain();
        let conn = engine.connect().await.unwrap();
        metadata.create_all(&conn).await.unwrap();
        conn.execute(&text("INSERT INTO a VALUES (1)"), ()).await.unwrap();
        conn.rollback().await.unwrap();
        assert!(inspect(&conn).await.unwrap().get_table_names(None).is_empty());
        conn.rollback().await.unwrap();
        metadata.create_all(&conn).await.unwrap();
        conn.execute(&text("INSERT INTO a VALUES (1)"), ()).await.unwrap();
        conn.commit().await.unwrap();
        let savepoint = conn.begin_nested().await.unwrap();
        metadata.drop_all(&conn).await.unwrap();
        assert!(inspect(&conn).await.unwrap().get_table_names(None).is_empty());
        savepoint.rollback().await.unwrap();
        assert_eq!(inspect(&conn).await.unwrap().get_table_names(None), ["a", "b", "c"]);
        assert_eq!(scalar(&engine, "SELECT count(*) FROM a").await, Value::Integer(1));
    });
}

#[test]
fn b5_06_columns_have_indexes() {
    run(async {
        let engine = Engine::new("sqlite://").unwrap();
        let metadata = MetaData::new();
        let elements = vec![IndexElement::Column("b".into())];
        let own = Index { name: Some("ix_b".into()), elements, unique: false, condition: None };
        let columns = vec![
            id(),
            Column { index: true, ..Column::new("a", SqlType::Text) },
            Column { index: true, unique: true, ..Column::new("b", SqlType::Text) },
            Column { unique: true, ..Column::new("c", SqlType::Text) },
        ];
        let table = Table { indexes: vec![Rc::new(own)], ..Table::new("t", columns) };
        metadata.add(table);
        metadata.create_all(&engine).await.unwrap();
        let inspector = inspect(&engine).await.unwrap();
        let indexes = inspector.get_indexes("t", None).unwrap();
        let indexes: Vec<(&str, bool)> = indexes.iter().map(|index| (index.name.as_str(), index.unique)).collect();
        assert_eq!(indexes, [("ix_b", false), ("ix_t_a", false), ("ix_t_b", true)]);
        assert_eq!(inspector.get_unique_constraints("t", None).unwrap()[0].column_names, ["c"]);
    });
}

#[test]
fn b5_11_those_who_listen_run_statements_when_tables_come_and_go() {
    run(async {
        let engine = Engine::new("sqlite://").unwrap();
        let metadata = chain();
        let told = Rc::new(RefCell::new(Vec::new()));
        for event in [DdlEvent::BeforeCreate, DdlEvent::AfterCreate, DdlEvent::BeforeDrop, DdlEvent::AfterDrop] {
            let told = told.clone();
            metadata.listen(event, move |target| {
                told.borrow_mut().push(match target {
                    DdlTarget::Table(table) => format!("{event:?} {}", table.name),
                    DdlTarget::Tables(tables) => format!("{event:?} {:?}", names(tables)),
                });
                Vec::new()
            });
        }
        metadata.listen(DdlEvent::AfterCreate, |target| match target {
            DdlTarget::Table(table) if &*table.name == "a" => vec!["INSERT INTO a VALUES (7)".to_owned()],
            _ => Vec::new(),
        });
        setup(&engine, "CREATE TABLE c (id INTEGER PRIMARY KEY)").await;
        metadata.create_all(&engine).await.unwrap();
        assert_eq!(scalar(&engine, "SELECT id FROM a").await, Value::Integer(7));
        assert_eq!(
            told.take(),
            [
                "BeforeCreate [\"a\", \"b\"]",
                "BeforeCreate a",
                "AfterCreate a",
                "BeforeCreate b",
                "AfterCreate b",
                "AfterCreate [\"a\", \"b\"]",
            ]
        );
        metadata.drop_all(&engine).await.unwrap();
        assert_eq!(told.borrow()[..2], ["BeforeDrop [\"c\", \"b\", \"a\"]", "BeforeDrop c"]);
        assert_eq!(told.borrow().last().unwrap(), "AfterDrop [\"c\", \"b\", \"a\"]");
    });
}
