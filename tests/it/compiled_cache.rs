//! Statements that differ in their values only are compiled once.

use crate::core_random::Random;
use crate::support::{memory, run, setup};
use aludel::sql::expr::*;
use aludel::sql::schema::{Column, Default_, DefaultFn, From, Table};
use aludel::sql::shape::Shape;
use aludel::sql::statement::*;
use aludel::sql::types::SqlType;
use aludel::{Engine, ResultSet, Value, many, params};
use std::rc::Rc;

fn table() -> Rc<Table> {
    let columns = vec![
        Column::new("id", SqlType::Integer).primary_key(),
        Column::new("name", SqlType::Text),
        Column::new("age", SqlType::Integer),
    ];
    Rc::new(Table::new("t", columns))
}

async fn people() -> (Engine, Rc<Table>) {
    let engine = memory();
    setup(
        &engine,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, age INTEGER);
         INSERT INTO t (name, age) VALUES ('a', 1), ('b', 2), ('c', 3), ('d', 4)",
    )
    .await;
    (engine, table())
}

fn column(table: &Rc<Table>, key: &str) -> Expr {
    From::Table(table.clone()).column(key).unwrap()
}

fn number(value: i64) -> BindValue {
    BindValue::Value(Value::Integer(value))
}

fn cells(result: ResultSet) -> Vec<Value> {
    result.all().unwrap().iter().flat_map(|row| row.values().to_vec()).collect()
}

fn uses(engine: &Engine) -> (u64, u64, usize) {
    let info = engine.compiled_cache_info();
    (info.hits, info.misses, info.len)
}

#[test]
fn other_values_need_no_other_compilation_and_are_not_mixed() {
    run(async {
        let (engine, t) = people().await;
        let (id, name, age) = (column(&t, "id"), column(&t, "name"), column(&t, "age"));
        let between = |low: i64, high: i64| {
            select([name.clone()])
                .filter([binary(Binary::Ge, &age, &beside(&age, number(low)))])
                .filter([binary(Binary::Lt, &age, &beside(&age, number(high)))])
                .order_by([id.clone()])
        };
        assert_eq!(cells(engine.execute(&between(1, 3), ()).await.unwrap()), ["a".into(), "b".into()]);
        assert_eq!(cells(engine.execute(&between(3, 9), ()).await.unwrap()), ["c".into(), "d".into()]);
        assert_eq!(uses(&engine), (1, 1, 1));
        // Lists of any length, also of none.
        let among = |ids: &[i64]| {
            let list = BindValue::List(ids.iter().map(|id| Value::Integer(*id)).collect());
            select([name.clone()]).filter([in_list(&id, list)]).order_by([id.clone()])
        };
        for (ids, names) in [(&[1, 4][..], &["a", "d"][..]), (&[], &[]), (&[3], &["c"]), (&[1, 2, 3], &["a", "b", "c"])]
        {
            let names: Vec<Value> = names.iter().map(|name| Value::from(*name)).collect();
            assert_eq!(cells(engine.execute(&among(ids), ()).await.unwrap()), names);
        }
        assert_eq!(uses(&engine), (4, 2, 2));
        // One object that is used twice is another statement than two objects.
        let one = literal(Value::Integer(5));
        let twice = select([one.clone(), one]);
        let apart = select([literal(Value::Integer(6)), literal(Value::Integer(7))]);
        assert_eq!(cells(engine.execute(&twice, ()).await.unwrap()), [Value::Integer(5), Value::Integer(5)]);
        assert_eq!(cells(engine.execute(&apart, ()).await.unwrap()), [Value::Integer(6), Value::Integer(7)]);
        let part = select([label(&literal(Value::Integer(8)), Some("n"))]);
        let (shared, one, other) = (part.query(), part.query(), select([label(&literal(9.into()), Some("n"))]).query());
        let both = |one: Query, other: Query| select([scalar(one), scalar(other)]);
        let same = both(shared.clone(), shared);
        assert_eq!(cells(engine.execute(&same, ()).await.unwrap()), [Value::Integer(8), Value::Integer(8)]);
        assert_eq!(cells(engine.execute(&both(one, other), ()).await.unwrap()), [Value::Integer(8), Value::Integer(9)]);
        engine.clear_compiled_cache();
        assert_eq!(engine.compiled_cache_info().len, 0);
    });
}

#[test]
fn what_names_a_type_or_a_table_is_a_part_of_the_key() {
    run(async {
        let (engine, t) = people().await;
        let id = column(&t, "id");
        let cases: Vec<Select> = vec![
            select([id.clone()]).limit(1),
            select([id.clone()]).offset(1),
            select([id.clone()]).limit(1).distinct(),
            select([label(&id, Some("x"))]).limit(1),
            select([label(&id, Some("y"))]).limit(1),
            select([cast(&id, SqlType::Text)]).limit(1),
            select([cast(&id, SqlType::String(Some(3)))]).limit(1),
            select([From::Table(t.clone()).alias(Some("a")).column("id").unwrap()]).limit(1),
            select([From::Table(t.clone()).alias(Some("b")).column("id").unwrap()]).limit(1),
            select([column(&table(), "id")]).limit(1),
            select([id.clone()]).filter([binary(Binary::Eq, &id, &literal(1.into()))]),
            select([id.clone()]).filter([binary(Binary::Eq, &id, &literal("1".into()))]),
            select([id.clone()]).filter_by("name", "a".into()),
        ];
        for (at, query) in cases.iter().enumerate() {
            engine.execute(query, ()).await.unwrap();
            assert_eq!(uses(&engine).1, at as u64 + 1, "{query}");
        }
        // A value that the compiler takes apart is compiled anew each time.
        let other = engine.execute(&select([id]).filter_by("name", "b".into()), ()).await.unwrap();
        assert_eq!(cells(other), [Value::Integer(2)]);
        assert_eq!(uses(&engine).0, 0);
    });
}

#[test]
fn what_the_call_names_and_what_defaults_give_is_asked_each_time() {
    run(async {
        let engine = memory();
        setup(&engine, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER, k INTEGER)").await;
        let count = Rc::new(std::cell::Cell::new(0));
        let counted = count.clone();
        let next = DefaultFn::new(move |_| {
            counted.set(counted.get() + 1);
            Value::Integer(counted.get())
        });
        let columns = vec![
            Column::new("id", SqlType::Integer).primary_key(),
            Column::new("name", SqlType::Text),
            Column::new("n", SqlType::Integer).default(Default_::Function(next)),
            Column::new("k", SqlType::Integer).default_value(7),
        ];
        let t = Rc::new(Table::new("t", columns));
        for name in ["a", "b"] {
            engine.execute(&insert(&t), params! { "name" => name }).await.unwrap();
        }
        engine.execute(&insert(&t), many([params! { "name" => "c" }, params! { "name" => "d" }])).await.unwrap();
        assert_eq!(uses(&engine), (2, 1, 1));
        engine.execute(&insert(&t), params! { "name" => "e", "k" => 8 }).await.unwrap();
        assert_eq!(uses(&engine), (2, 2, 2), "other columns are another statement");
        let set = |name: &str| Setting {
            column: "name".into(),
            value: bind("name", BindValue::Value(name.into()), SqlType::Text),
        };
        for name in ["f", "g"] {
            engine.execute(&insert(&t).values(set(name)), ()).await.unwrap();
        }
        assert_eq!(uses(&engine), (3, 3, 3));
        let all = select(["name", "n", "k"].map(|key| column(&t, key))).order_by([column(&t, "id")]);
        let rows = engine.execute(&all, ()).await.unwrap();
        let rows: Vec<String> = rows.all().unwrap().iter().map(|row| format!("{:?}", row.values())).collect();
        let wanted = ["a 1 7", "b 2 7", "c 3 7", "d 4 7", "e 5 8", "f 6 7", "g 7 7"].map(|row| {
            let parts: Vec<&str> = row.split(' ').collect();
            format!("[Text(\"{}\"), Integer({}), Integer({})]", parts[0], parts[1], parts[2])
        });
        assert_eq!(rows, wanted);
        // The condition of a partial index stands in the SQL.
        let before = uses(&engine);
        let condition = |n: i64| binary(Binary::Gt, &column(&t, "n"), &beside(&column(&t, "n"), number(n)));
        let upsert = |n: i64| {
            insert(&t).values(set("a")).on_conflict(
                vec![column(&t, "name")],
                Some(condition(n)),
                ConflictAction::Nothing,
            )
        };
        for n in [1, 2] {
            let text = upsert(n).to_string();
            assert!(text.contains(&format!("n > {n}")), "{text}");
            engine.execute(&upsert(n), ()).await.unwrap();
        }
        assert_eq!(uses(&engine).0, before.0);
    });
}

#[test]
fn the_cache_is_bounded_and_what_was_used_least_recently_goes() {
    run(async {
        let engine = Engine::builder("sqlite://").query_cache_size(3).build().unwrap();
        let named = |name: &str| select([label(&literal(1.into()), Some(name))]);
        for name in ["a", "b", "c", "a", "d", "a", "b"] {
            engine.execute(&named(name), ()).await.unwrap();
        }
        // "b" had to go for "d".
        assert_eq!(uses(&engine), (2, 5, 3));
        assert_eq!(engine.compiled_cache_info().size, 3);
        let none = Engine::builder("sqlite://").query_cache_size(0).build().unwrap();
        for _ in 0..2 {
            none.execute(&named("a"), ()).await.unwrap();
        }
        assert_eq!(uses(&none), (0, 2, 0));
        assert_eq!(memory().compiled_cache_info().size, 500);
    });
}

#[test]
fn statements_are_found_among_others_by_all_that_they_are() {
    run(async {
        let (engine, t) = people().await;
        let seed = u64::from(std::process::id());
        println!("seed {seed}");
        let mut random = Random(seed);
        let (id, age) = (column(&t, "id"), column(&t, "age"));
        for _ in 0..300 {
            let operators = [(Binary::Add, 0), (Binary::Sub, 1), (Binary::Mul, 2)];
            let (first, second) = (random.pick(&operators).clone(), random.pick(&operators).clone());
            let (x, y) = (random.below(9) as i64, random.below(9) as i64);
            let sum = binary(second.0, &binary(first.0, &age, &literal(x.into())), &literal(y.into()));
            let wanted = |age: i64| {
                let apply = |which: i32, a: i64, b: i64| [a + b, a - b, a * b][which as usize];
                Value::Integer(apply(second.1, apply(first.1, age, x), y))
            };
            let rows = engine.execute(&select([sum]).order_by([id.clone()]), ()).await.unwrap();
            assert_eq!(cells(rows), (1..5).map(wanted).collect::<Vec<_>>());
        }
        let (hits, misses, kept) = uses(&engine);
        assert_eq!((hits + misses, misses, kept), (300, 9, 9));
    });
}

/// Functions are all written alike, so that a statement with one is not told from another with another.
#[test]
fn a_text_with_a_function_for_a_value_has_no_shape() {
    let text = |value| {
        let bind = Bind { name: BindName::Named("x".into()), value, expanding: false };
        let text = Rc::new(TextPart::new("SELECT :x", vec![(bind, SqlType::Integer)]).unwrap());
        Statement::Query(Query::Text(Rc::new(TextSelect { text, columns: Vec::new() })))
    };
    let function = DefaultFn::new(|_| Value::Integer(1));
    assert!(Shape::of(&text(BindValue::Value(Value::Integer(1))), &[]).is_some());
    assert!(Shape::of(&text(BindValue::Function(function)), &[]).is_none());
}
