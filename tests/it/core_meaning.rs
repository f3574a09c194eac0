//! What SQLite would read otherwise than it is meant: numbers that are positions, names that are taken, joins beside others.

use crate::support::{memory, run, setup};
use aludel::sql::compile::literal_sql;
use aludel::sql::expr::*;
use aludel::sql::schema::{Column, Cte, From, Join, JoinKind, Table};
use aludel::sql::statement::{
    CompoundKind, IntoProjection, Query, Select, Statement, compound, cte, cte_union, select,
};
use aludel::sql::types::SqlType;
use aludel::{Connection, Value};
use std::rc::Rc;

const DATA: &str = "CREATE TABLE a (id INTEGER PRIMARY KEY, x INTEGER); CREATE TABLE b (id INTEGER PRIMARY KEY, x INTEGER);
    CREATE TABLE c (id INTEGER PRIMARY KEY, y INTEGER);
    INSERT INTO a VALUES (1, 30), (2, 10), (3, 20); INSERT INTO b VALUES (1, 5), (2, 5), (4, 7); INSERT INTO c VALUES (2, 8), (9, 9)";

fn table(name: &str, other: &str) -> From {
    let columns = vec![Column::new("id", SqlType::Integer).primary_key(), Column::new(other, SqlType::Integer)];
    From::Table(Rc::new(Table::new(name, columns)))
}

struct Three {
    connection: Connection,
    a: From,
    b: From,
    c: From,
}

async fn three() -> Three {
    let engine = memory();
    setup(&engine, DATA).await;
    let connection = engine.connect().await.unwrap();
    Three { connection, a: table("a", "x"), b: table("b", "x"), c: table("c", "y") }
}

fn column(from: &From, key: &str) -> Expr {
    from.column(key).unwrap()
}

fn number(value: i64) -> Expr {
    literal(Value::Integer(value))
}

fn eq(left: &Expr, right: &Expr) -> Expr {
    binary(Binary::Eq, left, right)
}

impl Three {
    /// The rows of whole numbers that a query gives, with parameters and with its values in it; NULL is -1.
    async fn rows(&self, query: Query) -> Vec<Vec<i64>> {
        let statement = Statement::Query(query);
        let given = self.connection.execute(&statement, ()).await;
        let given = given.unwrap_or_else(|error| panic!("{error}\n{statement}"));
        let literal = literal_sql(&statement).unwrap();
        let written = self.connection.exec_driver_sql(&literal, ()).await;
        let written = written.unwrap_or_else(|error| panic!("{error}\n{literal}"));
        let [given, written] = [given, written].map(|result| {
            let whole = |value: &Value| match value {
                Value::Integer(value) => *value,
                _ => -1,
            };
            result.all().unwrap().iter().map(|row| row.values().iter().map(whole).collect()).collect::<Vec<Vec<i64>>>()
        });
        assert_eq!(given, written, "{literal}");
        given
    }

    async fn of(&self, query: Select) -> Vec<Vec<i64>> {
        self.rows(query.query()).await
    }
}

#[test]
fn a_value_to_order_or_group_by_is_no_position() {
    run(async {
        let three = three().await;
        let (id, x) = (column(&three.a, "id"), column(&three.a, "x"));
        let query = select([x.clone()]);
        for constant in [truth(true), number(1), number(7), neg(&number(-7)), eq(&number(7), &null())] {
            let ordered = query.order_by([constant.clone(), id.clone()]);
            assert_eq!(three.of(ordered).await, [[30], [10], [20]]);
            let grouped = select([call("count", [])]).select_from(three.a.clone()).group_by([constant]);
            assert_eq!(three.of(grouped).await, [[3]]);
        }
        // Whoever writes a number as SQL means a position.
        let position = literal_column("1", SqlType::Null);
        assert_eq!(three.of(query.order_by([ordered(&position, Direction::Descending)])).await, [[30], [20], [10]]);
    });
}

#[test]
fn what_stands_before_a_comma_is_no_part_of_a_full_join() {
    run(async {
        let three = three().await;
        let on = eq(&column(&three.b, "id"), &column(&three.c, "id"));
        let full = Join { left: three.b.clone(), right: three.c.clone(), on: Some(on), kind: JoinKind::Full };
        let query = select([call("count", [])]).select_from(three.a.clone()).select_from(From::Join(Rc::new(full)));
        // Three rows beside the four of the join: were `a` a part of it, its ninth row of `c` would stand once only.
        assert_eq!(three.of(query).await, [[12]]);
    });
}

#[test]
fn a_recursive_cte_without_a_name_is_read_by_the_name_that_is_made_up() {
    run(async {
        let three = three().await;
        let first = cte(select([label(&number(1), Some("n"))]).query(), None, true);
        let n = column(&From::Cte(first.clone()), "n");
        let next = select([binary(Binary::Add, &n, &number(1))]).filter([binary(Binary::Lt, &n, &number(3))]);
        let once = cte_union(&first, next.query(), true);
        let n = column(&From::Cte(once.clone()), "n");
        let more = select([binary(Binary::Add, &n, &number(10))]).filter([binary(Binary::Lt, &n, &number(3))]);
        let twice = cte_union(&once, more.query(), true);
        let numbers = |numbers: &[i64]| numbers.iter().map(|n| vec![*n]).collect::<Vec<_>>();
        for (cte, rows) in [(once, numbers(&[1, 2, 3])), (twice, numbers(&[1, 2, 3, 11, 12]))] {
            let n = column(&From::Cte(cte), "n");
            assert_eq!(three.of(select([n.clone()]).order_by([n])).await, rows);
        }
    });
}

#[test]
fn the_parts_of_a_compound_that_is_a_value_mean_the_statement_around() {
    run(async {
        let three = three().await;
        let of = |from: &From, key: &str| {
            select([column(from, key)]).filter([eq(&column(from, "id"), &column(&three.a, "id"))])
        };
        let both = compound(CompoundKind::Union, [of(&three.b, "x").limit(1).query(), of(&three.c, "y").query()]);
        let id = column(&three.a, "id");
        let least = select([call("min", [both.subquery(Some("s")).column_exprs().remove(0)])]);
        // A query in FROM means it only if it says so, as in SQLAlchemy.
        assert!(least.to_string().contains("FROM b, a"), "{least}");
        let value = select([id.clone(), scalar(both.order_by([literal_column("1", SqlType::Null)]).query())]);
        assert_eq!(three.of(value.order_by([id.clone()])).await, [[1, 5], [2, 5], [3, -1]]);

        let told = of(&three.b, "x").correlate(vec![three.a.clone()]).subquery(Some("s"));
        let value = select([id.clone(), scalar(select([column(&told, "x")]).query())]);
        assert_eq!(three.of(value.order_by([id])).await, [[1, 5], [2, 5], [3, -1]]);
    });
}

#[test]
fn ctes_that_nest_stand_in_the_one_with_that_sqlite_allows() {
    run(async {
        let three = three().await;
        let named = |from: &From, name: &str, nesting: bool| {
            let query = select([column(from, "id")]).query();
            let name = Some(Rc::from(name));
            From::Cte(Rc::new(Cte { query, name, recursive: false, nesting, hint: None, restates: None }))
        };
        let (plain, nests) = (named(&three.a, "p", false), named(&three.b, "n", true));
        let (one, other) = (column(&plain, "id"), column(&nests, "id"));
        let both = select([one.clone()]).filter([eq(&one, &other)]).order_by([one.clone()]);
        assert_eq!(three.of(both).await, [[1], [2]]);
        let parts = [select([one.clone()]).query(), select([other.clone()]).query()];
        let parts = compound(CompoundKind::Except, parts);
        assert_eq!(three.rows(parts.query()).await, [[3]]);
        let within =
            select([column(&three.c, "id")]).filter([in_(&column(&three.c, "id"), InList::Query(parts.query()))]);
        assert_eq!(three.of(within).await, Vec::<Vec<i64>>::new());
        let same = named(&three.c, "p", true);
        let same = select([one, column(&same, "id")]);
        assert!(same.to_string().contains("Multiple, unrelated CTEs found with the same name: 'p'"), "{same}");
    });
}

#[test]
fn labels_order_and_group_by_what_they_name_whatever_else_has_their_name() {
    run(async {
        let three = three().await;
        let (id, x) = (column(&three.a, "id"), column(&three.a, "x"));
        let (one, other) = (label(&neg(&id), Some("l")), label(&x, Some("l")));
        let query = select([one, other.clone()]).order_by([other]);
        assert_eq!(three.of(query).await, [[-2, 10], [-3, 20], [-1, 30]]);

        // SQLite takes a name in GROUP BY for the column.
        let half = label(&binary(Binary::Mod, &id, &number(2)), Some("x"));
        let name = Node::new(Kind::Name("x".into()), SqlType::Integer);
        for by in [half.clone(), name] {
            let query = select([half.clone(), call("count", [])]).group_by([by]).order_by([half.clone()]);
            assert_eq!(three.of(query).await, [[0, 1], [1, 2]]);
        }
    });
}

#[test]
fn a_compound_is_ordered_by_a_column_whose_name_its_first_part_has_twice() {
    run(async {
        let three = three().await;
        let on = eq(&column(&three.a, "id"), &column(&three.b, "id"));
        let first = select([column(&three.b, "x")]).select_from(three.a.clone()).join_on(three.b.clone(), on);
        let both = compound(CompoundKind::Union, [first.query(), select([column(&three.c, "y")]).query()]);
        let by = ordered(&Node::new(Kind::Name("x".into()), SqlType::Integer), Direction::Descending);
        assert_eq!(three.rows(both.order_by([by]).query()).await, [[9], [8], [5]]);
        // Nothing is said where nothing has to be.
        let plain = compound(CompoundKind::Union, [select([column(&three.b, "x").into_projection()]).query()]);
        let by = Node::new(Kind::Name("x".into()), SqlType::Integer);
        assert_eq!(plain.order_by([by]).to_string(), "SELECT b.x FROM b ORDER BY x");
    });
}
