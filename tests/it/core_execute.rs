//! Statements that are put together, executed: keys and defaults of INSERT, lists of any length, values of a wrong type.

use crate::core_random::Random;
use crate::support::run;
use aludel::sql::expr::{BindValue, CustomPiece, Expr, bind, in_list, not, pieces, tuple};
use aludel::sql::schema::{Column, Default_, DefaultFn, From, NamingConvention, Table};
use aludel::sql::statement::{ConflictAction, Ddl, InsertSource, Statement, insert, select, settings, update};
use aludel::sql::typed::Expr as Expr_;
use aludel::sql::types::{EnumType, SqlType};
use aludel::{Engine, ErrorKind, Params, ResultSet, Row, Value, many, params};
use std::cell::Cell;
use std::rc::Rc;

async fn with_table(columns: Vec<Column>) -> (Engine, Rc<Table>) {
    let table = Rc::new(Table::new("t", columns));
    let engine = Engine::new("sqlite://").unwrap();
    let (of, naming) = (table.clone(), NamingConvention::default());
    let create = Statement::Ddl(Rc::new(Ddl::CreateTable { table: of, naming, if_not_exists: false }));
    engine.execute(&create, ()).await.unwrap();
    (engine, table)
}

fn id() -> Column {
    Column::new("id", SqlType::Integer).primary_key()
}

fn column(table: &Rc<Table>, key: &str) -> Expr {
    From::Table(table.clone()).column(key).unwrap()
}

fn values(row: Option<Row>) -> Vec<Value> {
    row.unwrap().values().to_vec()
}

fn cells(result: &ResultSet) -> Vec<Vec<Value>> {
    result.all().unwrap().iter().map(|row| row.values().to_vec()).collect()
}

#[test]
fn an_insert_tells_the_key_of_its_row() {
    run(async {
        let age = Column::new("age", SqlType::Integer).default(Default_::Value(3.into()));
        let name = Column { unique: true, ..Column::new("name", SqlType::Text) };
        let (engine, table) = with_table(vec![id(), name, age]).await;
        let insert = insert(&table);
        let one = engine.execute(&insert, params! { "name" => "a" }).await.unwrap();
        let key = one.inserted_primary_key().unwrap().unwrap();
        assert_eq!((key.get::<i64>("id").unwrap(), one.inserted_primary_key_rows().unwrap().len()), (1, 1));
        let all = [("name".to_owned(), Value::from("a")), ("age".to_owned(), Value::Integer(3))];
        assert_eq!(one.last_inserted_params().unwrap(), [all]);
        let own = engine.execute(&insert, params! { "id" => 50, "name" => "b" }).await.unwrap();
        assert_eq!(values(own.inserted_primary_key().unwrap()), [Value::Integer(50)]);
        let null = engine.execute(&insert, params! { "id" => Value::Null, "name" => "c" }).await.unwrap();
        assert_eq!(values(null.inserted_primary_key().unwrap()), [Value::Integer(51)]);
        let none = engine.execute(&insert, ()).await.unwrap();
        assert_eq!(values(none.inserted_primary_key().unwrap()), [Value::Integer(52)]);

        let two = many([params! { "name" => "d", "id" => 60 }, params! { "name" => "e", "id" => 61 }]);
        let two = engine.execute(&insert, two).await.unwrap();
        let keys: Vec<Vec<Value>> =
            two.inserted_primary_key_rows().unwrap().iter().map(|row| row.values().to_vec()).collect();
        assert_eq!(keys, [[Value::Integer(60)], [Value::Integer(61)]]);
        let error = two.inserted_primary_key().unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidRequest && error.message().contains("executemany call"), "{error}");

        let nothing = insert.on_conflict(vec![], None, ConflictAction::Nothing);
        let nothing = engine.execute(&nothing, params! { "name" => "a" }).await.unwrap();
        assert_eq!((nothing.rowcount(), values(nothing.inserted_primary_key().unwrap())), (0, vec![Value::Null]));
        let age = settings([("age", bind("age", BindValue::Value(9.into()), SqlType::Integer))]);
        let upsert = insert.on_conflict(vec![column(&table, "name")], None, ConflictAction::Update(age, vec![]));
        let other = engine.execute(&upsert, params! { "name" => "a", "id" => 99 }).await.unwrap();
        assert_eq!(values(other.inserted_primary_key().unwrap()), [Value::Null], "it changed the row 1");

        let changed = settings([("age", bind("age", BindValue::Value(4.into()), SqlType::Integer))]);
        let changed = engine.execute(&update(table.clone()).values(changed), ()).await.unwrap();
        assert_eq!(changed.last_updated_params().unwrap(), [[("age".to_owned(), Value::Integer(4))]]);
        for (error, message) in [
            (changed.inserted_primary_key().unwrap_err(), "Statement is not an insert() expression construct."),
            (own.last_updated_params().unwrap_err(), "Statement is not an update() expression construct."),
            (
                engine.execute(&aludel::text("SELECT 1"), ()).await.unwrap().last_inserted_params().unwrap_err(),
                "Statement is not a compiled expression construct.",
            ),
            (
                engine
                    .execute(&insert.returning([column(&table, "id")]), params! { "name" => "z" })
                    .await
                    .unwrap()
                    .inserted_primary_key()
                    .unwrap_err(),
                "Can't call inserted_primary_key when returning() is used.",
            ),
        ] {
            assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidRequest, message));
        }
    });
}

#[test]
fn defaults_are_asked_once_for_each_row_with_its_values() {
    run(async {
        let calls = Rc::new(Cell::new(0));
        let count = calls.clone();
        let serial = DefaultFn::new(move |_| {
            count.set(count.get() + 1);
            Value::Integer(count.get())
        });
        let upper = DefaultFn::new(|row| match row.iter().find(|(key, _)| &**key == "name") {
            Some((_, Value::Text(name))) => Value::Text(name.to_uppercase()),
            _ => Value::Null,
        });
        let columns = vec![
            id(),
            Column::new("name", SqlType::Text),
            Column::new("serial", SqlType::Integer).default(Default_::Function(serial.clone())),
            Column::new("upper", SqlType::Text).default(Default_::Function(upper)),
            Column::new("version", SqlType::Integer).onupdate(Default_::Function(serial)),
        ];
        let (engine, table) = with_table(columns).await;
        let names = ["a", "b"].map(|name| params! { "name" => name });
        engine.execute(&insert(&table), many(names)).await.unwrap();
        let row = |name: &'static str| settings([("name", bind("name", BindValue::Value(name.into()), SqlType::Text))]);
        let several = insert(&table).rows(vec![row("x"), row("y")]).returning([column(&table, "upper")]);
        let returned = engine.execute(&several, ()).await.unwrap();
        assert_eq!(cells(&returned), [[Value::from("X")], [Value::from("Y")]]);
        let rows = select(["serial", "upper"].map(|key| column(&table, key)));
        let rows = cells(&engine.execute(&rows, ()).await.unwrap());
        let of = |serial: i64, upper: &str| vec![Value::Integer(serial), Value::from(upper)];
        assert_eq!(rows, [of(1, "A"), of(2, "B"), of(3, "X"), of(4, "Y")]);
        let changed = engine.execute(&update(table.clone()), params! { "name" => "q" }).await.unwrap();
        assert_eq!((changed.rowcount(), calls.get()), (4, 5));

        let from = select([column(&table, "name")]);
        let from = insert(&table).from_select(&["name"], from.query());
        assert!(matches!(from.source, InsertSource::Select(..)));
        assert_eq!(engine.execute(&from, ()).await.unwrap().rowcount(), 4);
        assert_eq!(calls.get(), 6, "a query's rows share one default");
    });
}

#[test]
fn a_default_of_a_column_that_is_called_like_a_row_sees_all_of_its_row() {
    run(async {
        let name = DefaultFn::new(|row| {
            let names: Vec<&str> = row.iter().map(|(key, _)| &**key).collect();
            Value::Text(names.join(" "))
        });
        let columns = vec![
            id(),
            Column::new("name", SqlType::Text),
            Column::new("size_m2", SqlType::Text).default(Default_::Function(name)),
        ];
        let (engine, table) = with_table(columns).await;
        engine.execute(&insert(&table), params! { "id" => 1, "name" => "n" }).await.unwrap();
        let seen = engine.execute(&select([column(&table, "size_m2")]), ()).await.unwrap();
        assert_eq!(cells(&seen), [[Value::from("id name")]]);
    });
}

#[test]
fn a_key_that_sqlite_does_not_choose_is_told_as_it_was_given() {
    run(async {
        let mut key = Column::new("key", SqlType::Text);
        key.primary_key = true;
        key.nullable = true;
        let (engine, table) = with_table(vec![key, Column::new("name", SqlType::Text)]).await;
        let given = params! { "key" => Value::Null, "name" => "n" };
        let result = engine.execute(&insert(&table), given).await.unwrap();
        assert_eq!(result.inserted_primary_key().unwrap().unwrap().values(), [Value::Null]);
    });
}

#[test]
fn lists_longer_than_sqlite_takes_parameters_mean_the_same() {
    run(async {
        let seed = 0x5eed_1157;
        println!("seed {seed:#x}");
        let mut random = Random(seed);
        let columns = vec![id(), Column::new("x", SqlType::Null)];
        let (engine, table) = with_table(columns).await;
        // Values of every kind, and numbers that many ways of writing would round.
        let mut kept: Vec<Value> = vec![
            Value::Integer(i64::MIN),
            Value::Integer(i64::MAX),
            Value::Integer(9007199254740993),
            Value::Real(-0.0),
            Value::Real(f64::INFINITY),
            Value::Real(9007199254740992.0 * 4.0),
            Value::Real(5e-324),
            Value::Text("".into()),
            Value::Text("a \"quoted\" \\ é 😀\u{1}\n".into()),
            Value::Text("with a \0 in it".into()),
            Value::Blob(vec![]),
            Value::Blob(vec![0, 1, 255]),
        ];
        for _ in 0..3000 {
            let real = f64::from_bits(random.next());
            kept.push(if real.is_finite() { Value::Real(real) } else { Value::Integer(random.next() as i64) });
        }
        let rows = kept
            .iter()
            .enumerate()
            .map(|(at, x)| Params::Named(vec![("id".into(), Value::Integer(at as i64)), ("x".into(), x.clone())]));
        engine.execute(&insert(&table), many(rows)).await.unwrap();
        let strangers = (0..40_000).map(|n| Value::Text(format!("stranger {n}")));
        let (x, id) = (column(&table, "x"), column(&table, "id"));
        let found = async |condition: Expr| -> usize {
            engine.execute(&select([id.clone()]).filter([condition]), ()).await.unwrap().all().unwrap().len()
        };
        let long: Vec<Value> = strangers.clone().chain(kept.iter().cloned()).collect();
        assert_eq!(found(in_list(&x, BindValue::List(long.clone()))).await, kept.len());
        assert_eq!(found(not(&in_list(&x, BindValue::List(long.clone())))).await, 0);
        let half: Vec<Value> = strangers.clone().chain(kept[..1500].iter().cloned()).collect();
        assert_eq!(found(in_list(&x, BindValue::List(half.clone()))).await, 1500);
        assert_eq!(found(not(&in_list(&x, BindValue::List(half.clone())))).await, kept.len() - 1500);
        let null: Vec<Value> = strangers.clone().chain([Value::Null]).collect();
        assert_eq!(found(not(&in_list(&x, BindValue::List(null)))).await, 0, "a NULL makes everything unknown");
        let pairs = long.iter().zip(0..).map(|(x, at)| vec![x.clone(), Value::Integer(at - 40_000)]).collect();
        assert_eq!(found(in_list(&tuple(vec![x.clone(), id.clone()]), BindValue::Rows(pairs))).await, kept.len());
    });
}

#[test]
fn values_of_a_wrong_type_are_refused_by_the_name_of_their_column() {
    run(async {
        let mood =
            EnumType { name: None, values: vec!["good".into(), "bad".into()], length: None, create_constraint: false };
        let columns = vec![
            id(),
            Column::new("flag", SqlType::Boolean),
            Column::new("mood", SqlType::Enum(Rc::new(mood))),
            Column::new("born", SqlType::Date),
            Column::new("at", SqlType::DateTime),
            Column::new("score", SqlType::Float),
        ];
        let (engine, table) = with_table(columns).await;
        for (key, value, message) in [
            ("flag", Value::Integer(2), "parameter 'flag': Boolean takes true or false, not 2"),
            ("mood", "so so".into(), "parameter 'mood': Enum takes one of \"good\", \"bad\", not \"so so\""),
            ("born", "yesterday".into(), "parameter 'born': Date takes a text like \"2026-11-21\", not \"yesterday\""),
            (
                "at",
                "2026-13-01 00:00:00".into(),
                "parameter 'at': DateTime takes a text like \"2026-11-21 10:42:04.000000\", not \"2026-13-01 00:00:00\"",
            ),
            ("score", Value::Real(f64::NAN), "parameter 'score': NaN is nothing that SQLite can store"),
            ("id", Value::Real(1.5), "parameter 'id': Integer takes a whole number, not 1.5"),
        ] {
            let set = Params::Named(vec![(key.into(), value.clone())]);
            let error = engine.execute(&insert(&table), set).await.unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::Data, message));
        }
        let second = many([params! { "flag" => true }, params! { "flag" => 2 }]);
        let error = engine.execute(&insert(&table), second).await.unwrap_err();
        assert_eq!(error.message(), "parameter 'flag', in parameter group 1: Boolean takes true or false, not 2");
        for (set, kind, message) in [
            (params! { "flg" => 1 }, ErrorKind::Compile, "Unconsumed column names: flg"),
            (params![1], ErrorKind::Argument, "the parameters of a statement are given by name"),
        ] {
            let error = engine.execute(&insert(&table), set).await.unwrap_err();
            assert_eq!((error.kind(), error.message()), (kind, message));
        }
    });
}

#[test]
fn what_is_looked_for_in_a_text_of_some_type_is_any_text() {
    run(async {
        let values = vec!["good".into(), "bad".into()];
        let mood = EnumType { name: None, values, length: None, create_constraint: false };
        let columns = vec![id(), Column::new("mood", SqlType::Enum(Rc::new(mood))), Column::new("born", SqlType::Date)];
        let (engine, table) = with_table(columns).await;
        let rows = [("good", "2026-11-21"), ("bad", "2025-01-02")];
        let rows = rows.map(|(mood, born)| params! { "mood" => mood, "born" => born });
        engine.execute(&insert(&table), many(rows)).await.unwrap();
        let typed = |key: &str| Expr_::<String>::from_node(column(&table, key));
        let (mood, born) = (typed("mood"), typed("born"));
        for (condition, ids) in [
            (mood.like("g%"), 1),
            (mood.ilike("B%"), 2),
            (mood.starts_with_plain("ba"), 2),
            (mood.contains("oo"), 1),
            (mood.ends_with("ad"), 2),
            (mood.glob("g*"), 1),
            (mood.regexp_match("^b.d$"), 2),
            (mood.concat("?").eq("bad?"), 2),
            (born.like("2026-%"), 1),
            (born.contains("-01-"), 2),
        ] {
            let query = select([column(&table, "id")]).filter(condition);
            assert_eq!(cells(&engine.execute(&query, ()).await.unwrap()), [[Value::Integer(ids)]], "{query}");
        }
        let error = engine.execute(&select([column(&table, "id")]).filter(mood.eq("so so")), ()).await.unwrap_err();
        assert_eq!(error.message(), "parameter 'mood_1': Enum takes one of \"good\", \"bad\", not \"so so\"");
    });
}

#[test]
fn sql_of_ones_own_holds_parts_of_statements() {
    run(async {
        let (engine, table) = with_table(vec![id(), Column::new("n", SqlType::Integer)]).await;
        let rows = many([1, 20].map(|n| params! { "n" => n }));
        engine.execute(&insert(&table), rows).await.unwrap();
        let (id, n) = (column(&table, "id"), column(&table, "n"));
        let sql = |text: &str| CustomPiece::Sql(text.into());
        let five = bind("five", BindValue::Value(5.into()), SqlType::Integer);
        let both = vec![sql("max("), CustomPiece::Expr(n.clone()), sql(", "), CustomPiece::Expr(five), sql(")")];
        let greatest = pieces(both, SqlType::Integer);
        let found = engine.execute(&select([greatest]).order_by([id.clone()]), ()).await.unwrap();
        assert_eq!(cells(&found), [[Value::Integer(5)], [Value::Integer(20)]]);
        let query = select([n.clone()]).filter([in_list(&n, BindValue::List(vec![20.into()]))]).query();
        let copy = vec![
            sql("INSERT INTO "),
            CustomPiece::From(From::Table(table.clone())),
            sql(" (n) "),
            CustomPiece::Query(query),
        ];
        let copied = engine.execute(&Statement::Expr(pieces(copy, SqlType::Null)), ()).await.unwrap();
        assert_eq!(copied.rowcount(), 1);
    });
}
