//! Odd and hostile things given to the public API: each is done as it says, or is a typed error that changes nothing.

use crate::support::{memory, run, setup};
use aludel::sql::expr::*;
use aludel::sql::schema::{Column, From, Index, IndexElement, NamingConvention, ServerDefault, Table};
use aludel::sql::statement::*;
use aludel::sql::types::SqlType;
use aludel::{Connection, ErrorKind, Executable, Value, text};
use std::rc::Rc;

async fn told(connection: &Connection, what: &dyn Executable) -> String {
    match connection.execute(&what, ()).await {
        Ok(result) if !result.returns_rows() => "done".into(),
        Ok(result) => {
            let rows = result.all().unwrap();
            format!("{:?}", rows.iter().map(|row| row.values().to_vec()).collect::<Vec<_>>())
        }
        Err(error) => format!("{:?}: {}", error.kind(), error.message()),
    }
}

fn ddl(ddl: Ddl) -> Statement {
    Statement::Ddl(Rc::new(ddl))
}

fn create(name: &str, columns: Vec<Column>) -> Statement {
    let (table, naming) = (Rc::new(Table::new(name, columns)), NamingConvention::default());
    ddl(Ddl::CreateTable { table, naming, if_not_exists: false })
}

fn number(value: i64) -> Expr {
    literal(Value::Integer(value))
}

#[test]
fn what_cannot_be_is_a_typed_error_and_changes_nothing() {
    run(async {
        let engine = memory();
        let data = "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t (x) VALUES ('a'), ('b'), ('c')";
        setup(&engine, data).await;
        let connection = engine.connect().await.unwrap();
        let columns = vec![Column::new("id", SqlType::Integer).primary_key(), Column::new("x", SqlType::Text)];
        let table = Rc::new(Table::new("t", columns));
        let from = From::Table(table.clone());
        let (id, x) = (from.column("id").unwrap(), from.column("x").unwrap());
        let both = || tuple(vec![id.clone(), x.clone()]);
        let ids = |condition: Expr| select([id.clone()]).filter([condition]);
        let pair = |n: i64| vec![Value::Integer(n), "a".into()];
        let mut hostile = Column::new("h", SqlType::Text);
        hostile.server_default = Some(ServerDefault::Value("a\0b'; --".into()));
        let index = |elements: Vec<IndexElement>| {
            let index = Rc::new(Index { name: Some("i".into()), elements, unique: false, condition: None });
            let naming = NamingConvention::default();
            ddl(Ddl::CreateIndex { table: table.clone(), index, naming, if_not_exists: false })
        };
        let nul = "Programming: the query contains a null character";
        let long: Vec<Vec<Value>> = (10..20_010).map(pair).chain([vec![2.into(), "b".into(), 3.into()]]).collect();
        let upsert = insert(&table).values(settings([("x", literal("a".into()))])).on_conflict(
            vec![id.clone()],
            None,
            ConflictAction::Update(vec![], vec![]),
        );
        let cte = From::Cte(select([id.clone()]).cte(None));
        let cases: Vec<(Box<dyn Executable>, &str)> = vec![
            // SQLite would not read on behind a NUL, and leave the condition out.
            (Box::new(text("DELETE FROM t\0 WHERE id = 1")), nul),
            (Box::new(select([label(&id, Some("a\0b"))])), nul),
            (Box::new(select([collate(&x, "NO\0CASE")])), nul),
            (Box::new(delete(table.clone()).filter([literal_column("id\0 = 9", SqlType::Boolean)])), nul),
            (Box::new(create("h", vec![hostile])), nul),
            (Box::new(select(())), "Compile: a SELECT of nothing: select() takes at least one column"),
            (
                Box::new(select([From::values(&[], None, vec![])])),
                "Compile: a SELECT of nothing: select() takes at least one column",
            ),
            (
                Box::new(select([From::values(&[("a", SqlType::Integer)], None, vec![])])),
                "Compile: values() takes at least one column and one row",
            ),
            (
                Box::new(ids(in_list(&both(), BindValue::Rows(vec![pair(1), vec![1.into()]])))),
                "Argument: parameter 'param_1': row 1 of the list has 1 values for 2 expressions",
            ),
            (
                Box::new(ids(in_list(&both(), BindValue::Rows(vec![vec![]])))),
                "Argument: parameter 'param_1': row 0 of the list has 0 values for 2 expressions",
            ),
            // A long list travels in another way.
            (
                Box::new(ids(in_list(&both(), BindValue::Rows(long)))),
                "Argument: parameter 'param_1': row 20000 of the list has 3 values for 2 expressions",
            ),
            (Box::new(upsert), "Argument: set parameter dictionary must not be empty"),
            (
                Box::new(select([cast(&id, SqlType::Null)])),
                "Compile: a CAST to a type without a name cannot be written",
            ),
            (
                Box::new(select([cast(&id, SqlType::Tuple(Rc::from([SqlType::Integer])))])),
                "Compile: a CAST to a type without a name cannot be written",
            ),
            (Box::new(select([extract("year') --", &x)])), "Compile: year') -- is not a valid extract argument."),
            (Box::new(create("n", vec![])), "Operational: near \")\": syntax error"),
            (Box::new(index(vec![])), "Operational: near \")\": syntax error"),
            (Box::new(index(vec![IndexElement::Column("nope".into())])), "Operational: no such column: nope"),
            (
                Box::new(insert(&table).from_select(&["nope"], select([id.clone()]).query())),
                "Compile: Unconsumed column names: nope",
            ),
            (
                Box::new(insert(&table).from_select(&["id"], select([id.clone(), x.clone()]).query())),
                "Operational: 2 values for 1 columns",
            ),
            (
                Box::new(update(select([id.clone()]).subquery(None)).values(settings([("id", number(1))]))),
                "Compile: rows can be changed in tables only",
            ),
            (Box::new(delete(cte)), "Compile: rows can be changed in tables only"),
            (
                Box::new(select([insert(&table).excluded().column("id").unwrap()])),
                "Compile: excluded can be read in ON CONFLICT DO UPDATE only",
            ),
            (Box::new(text("SELECT 1; DELETE FROM t")), "Programming: You can only execute one statement at a time."),
            // These are odd and mean something.
            (Box::new(text("-- nothing")), "done"),
            (Box::new(create("", vec![Column::new("", SqlType::Null)])), "done"),
            (Box::new(select([From::Table(Rc::new(Table::new("", vec![Column::new("", SqlType::Null)])))])), "[]"),
            (Box::new(select([from.alias(Some("")).column("id").unwrap()]).limit(1)), "[[Integer(1)]]"),
            (Box::new(select([label(&id, Some(""))]).slice(i64::MIN, i64::MAX).limit(1)), "[[Integer(1)]]"),
            (Box::new(ids(like(&x, &literal("'a".into()), Some('\'')))), "[[Integer(1)]]"),
            (Box::new(ids(like(&x, &literal("😀a".into()), Some('😀')))), "[[Integer(1)]]"),
            (
                Box::new(select([over(
                    &call("sum", [number(1)]),
                    Window { frame: Some(frame(FrameUnit::Rows, Some(i64::MIN), Some(i64::MAX))), ..Window::default() },
                )])),
                "[[Integer(1)]]",
            ),
        ];
        for (statement, expected) in &cases {
            assert_eq!(told(&connection, statement.as_ref()).await, *expected);
        }
        assert_eq!(told(&connection, &text("SELECT count(*) FROM t")).await, "[[Integer(3)]]");
    });
}

#[test]
fn what_is_as_deep_as_sqlite_reads_is_run_and_what_is_deeper_is_an_error() {
    run(async {
        let connection = memory().connect().await.unwrap();
        let minus = |depth: usize| {
            let deep = (0..depth).fold(number(1), |expr, _| binary(Binary::Sub, &number(1), &expr));
            select([deep])
        };
        for _ in 0..2 {
            assert_eq!(told(&connection, &minus(50)).await, "[[Integer(1)]]");
        }
        assert_eq!(connection.engine().compiled_cache_info().hits, 1);
        let error = connection.execute(&minus(20_000), ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Compile, "{error}");
        let queries = (0..20).fold(number(1), |expr, _| select([expr]).scalar_subquery());
        assert!(told(&connection, &select([queries])).await.contains("Integer(1)"));
    });
}
