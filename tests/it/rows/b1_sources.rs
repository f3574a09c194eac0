//! B1: what rows come from.

use super::{TypedTable, World, on_world};
use aludel::sql::expr::{Binary, binary, call};
use aludel::sql::schema::{Column as Declared, From, MetaData, Table};
use aludel::sql::statement::select;
use aludel::sql::types::SqlType;
use aludel::typed::{Column, Expr, func, literal, literal_column};
use aludel::{Echo, EchoLevel, Engine, ErrorKind, Value};
use std::rc::Rc;

#[test]
fn b1_03_joins() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        let on = "ON users.id = addr.user_id";
        let both = select((&u.name, &a.email));
        w.check(
            &both.join_from(u, a).order_by(&a.id),
            &format!("SELECT users.name, addr.email FROM users JOIN addr {on} ORDER BY addr.id"),
            &["Dan|dan@x", "Dan|dan@y", "Casey|casey@x"],
        )
        .await;
        w.check(
            &select(&u.name).join(a).filter(a.email.eq("dan@y")),
            &format!("SELECT users.name FROM users JOIN addr {on} WHERE addr.email = ?"),
            &["Dan"],
        )
        .await;
        w.check(
            &both.select_from(u).outer_join(a).order_by((&u.id, &a.id)),
            &format!("SELECT users.name, addr.email FROM users LEFT OUTER JOIN addr {on} ORDER BY users.id, addr.id"),
            &["Dan|dan@x", "Dan|dan@y", "Dana|NULL", "Casey|casey@x"],
        )
        .await;
        let full = select((&u.id, &a.id)).select_from(u).full_join_on(a, u.id.eq(&a.id) & u.id.gt(1));
        w.check(
            &full.order_by((&u.id, &a.id)),
            "SELECT users.id, addr.id AS id_1 FROM users FULL OUTER JOIN addr ON users.id = addr.id AND users.id > ? \
             ORDER BY users.id, addr.id",
            &["NULL|1", "1|NULL", "2|2", "3|3"],
        )
        .await;
        w.check(
            &both.select_from(u).full_join(a).order_by((&u.id, &a.id)),
            &format!("SELECT users.name, addr.email FROM users FULL OUTER JOIN addr {on} ORDER BY users.id, addr.id"),
            &["Dan|dan@x", "Dan|dan@y", "Dana|NULL", "Casey|casey@x"],
        )
        .await;
        w.check(
            &both.select_from(u).outer_join_on(a, u.id.eq(&a.id) & u.id.gt(2)).order_by(&u.id),
            "SELECT users.name, addr.email FROM users LEFT OUTER JOIN addr ON users.id = addr.id AND users.id > ? \
             ORDER BY users.id",
            &["Dan|NULL", "Dana|NULL", "Casey|casey@x"],
        )
        .await;
        let lonely = Table::new("lonely", vec![Declared::new("x", SqlType::Integer)]);
        let lonely = From::Table(w.meta.add(lonely));
        w.refuses(
            &select(&u.id).join(lonely),
            ErrorKind::NoForeignKeys,
            "Can't find any foreign key relationships between 'users' and 'lonely'",
        )
        .await;
        let twice = Table::new(
            "twice",
            vec![
                Declared::new("one", SqlType::Integer).references("users.id"),
                Declared::new("two", SqlType::Integer).references("users.id"),
            ],
        );
        let twice = From::Table(w.meta.add(twice));
        w.refuses(
            &select(&u.id).join(twice),
            ErrorKind::AmbiguousForeignKeys,
            "Can't determine join between 'users' and 'twice'",
        )
        .await;
    });
}

#[test]
fn b1_04_aliases_and_self_joins() {
    on_world(async |w| {
        let u = &w.u;
        let other = u.alias(Some("u2"));
        w.check(
            &select((&u.name, &other.name)).join_on(&other, u.age.gt(&other.age)),
            "SELECT users.name, u2.name AS name_1 FROM users JOIN users AS u2 ON users.age > u2.age",
            &["Dan|Dana"],
        )
        .await;
        let anonymous = u.alias(None);
        w.check(
            &select(&anonymous.id).filter(anonymous.name.eq("Dan")),
            "SELECT users_1.id FROM users AS users_1 WHERE users_1.name = ?",
            &["1"],
        )
        .await;
    });
}

#[test]
fn b1_05_subqueries() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        let counted = select((&a.user_id, func::count(&a.id).label("n"))).group_by(&a.user_id).subquery(Some("sq"));
        let (user_id, n): (Column<i64>, Column<i64>) = (Column::new(&counted, "user_id"), Column::new(&counted, "n"));
        w.check(
            &select((&u.name, &n)).join_on(counted, u.id.eq(&user_id)).order_by(&u.id),
            "SELECT users.name, sq.n FROM users JOIN (SELECT addr.user_id AS user_id, count(addr.id) AS n FROM addr \
             GROUP BY addr.user_id) AS sq ON users.id = sq.user_id ORDER BY users.id",
            &["Dan|2", "Casey|1"],
        )
        .await;
        // Names are made up in the order in which they are used.
        let (first, second) = (select(&u.id).subquery(None), select(&a.id).subquery(None));
        let (x, y): (Column<i64>, Column<i64>) = (Column::new(&first, "id"), Column::new(&second, "id"));
        let sql = select((&y, &x)).filter(x.eq(&y)).to_string();
        assert!(sql.starts_with("SELECT anon_1.id, anon_2.id AS id_1 FROM (SELECT addr.id"), "{sql}");
        let oldest: Expr<Option<i64>> = Expr::from_node(select(func::max(&u.age)).scalar_subquery());
        w.check(
            &select(&u.name).filter(u.age.eq(&oldest)),
            "SELECT users.name FROM users WHERE users.age = (SELECT max(users.age) AS max_1 FROM users)",
            &["Dan"],
        )
        .await;
        w.check(
            &select(oldest.label("oldest")),
            "SELECT (SELECT max(users.age) AS max_1 FROM users) AS oldest",
            &["30"],
        )
        .await;
        let missing: Column<i64> = Column::new(&first, "nope");
        w.refuses(&select(&missing), ErrorKind::Compile, "a subquery has no column 'nope'").await;
    });
}

#[test]
fn b1_08_any_and_all_are_refused_with_advice() {
    on_world(async |w| {
        let query = select(&w.a.user_id).scalar_subquery();
        for name in ["any", "all", "ANY", "some"] {
            let any = binary(Binary::Eq, w.u.id.node(), &call(name, [query.clone()]));
            w.refuses(&select(&w.u.id).filter(any), ErrorKind::Compile, "in() or exists()").await;
        }
    });
}

#[test]
fn b1_15_what_sqlite_has_not_is_refused_with_advice() {
    on_world(async |w| {
        for (name, advice) in [
            ("rollup", "union_all()"),
            ("cube", "union_all()"),
            ("grouping_sets", "union_all()"),
            ("percentile_cont", "row_number()"),
            ("next_value", "AUTOINCREMENT"),
        ] {
            let call = call(name, [w.u.age.node().clone()]);
            w.refuses(&select(&w.u.age).group_by(call), ErrorKind::Compile, advice).await;
        }
        // LATERAL, TABLESAMPLE and hints have no method here; a hint for SQLite's planner is SQL of its own.
        w.conn.execute(&aludel::text("CREATE INDEX ix_age ON users (age)"), ()).await.unwrap();
        let hinted = aludel::text("SELECT id FROM users INDEXED BY ix_age WHERE age = 30");
        assert_eq!(w.rows_of(&hinted, ()).await, ["1"]);
    });
}

#[test]
fn b1_17_values_become_a_cte() {
    on_world(async |w| {
        let values = From::values(
            &[("i", SqlType::Integer), ("s", SqlType::Text)],
            Some("v"),
            vec![vec![Value::Integer(1), "one".into()], vec![Value::Integer(3), "three".into()]],
        );
        let (i, s): (Column<i64>, Column<String>) = (Column::new(&values, "i"), Column::new(&values, "s"));
        w.check(
            &select((&w.u.name, &s)).join_on(values.clone(), w.u.id.eq(&i)),
            "WITH v(i, s) AS (VALUES (?, ?), (?, ?)) SELECT users.name, v.s FROM users JOIN v ON users.id = v.i",
            &["Dan|one", "Casey|three"],
        )
        .await;
        let uneven = From::values(&[("i", SqlType::Integer)], None, vec![vec![1.into()], vec![1.into(), 2.into()]]);
        let i: Column<i64> = Column::new(&uneven, "i");
        w.refuses(&select(&i), ErrorKind::Argument, "row 1 of values() has 2 values for 1 columns").await;
    });
}

#[test]
fn b1_18_functions_that_return_rows() {
    on_world(async |w| {
        let each = func::call::<Value>("json_each", literal("[\"a\", \"b\"]".to_owned()))
            .table_valued(&["key", "value"], None);
        let (key, value): (Column<i64>, Column<String>) = (Column::new(&each, "key"), Column::new(&each, "value"));
        w.check(
            &select((&key, &value)),
            r#"SELECT anon_1."key", anon_1.value FROM json_each(?) AS anon_1"#,
            &["0|a", "1|b"],
        )
        .await;
        // One call for each row of another table.
        let tree = func::call::<Value>("json_tree", &w.u.meta).table_valued(&["fullkey", "atom"], Some("t"));
        let (path, atom): (Column<String>, Column<Value>) = (Column::new(&tree, "fullkey"), Column::new(&tree, "atom"));
        w.check(
            &select((&w.u.id, &path, &atom)).filter((w.u.id.lt(3), path.starts_with("$.a.k["))),
            "SELECT users.id, t.fullkey, t.atom FROM users, json_tree(users.meta) AS t \
             WHERE users.id < ? AND (t.fullkey LIKE ? || '%')",
            &["1|$.a.k[0]|10", "1|$.a.k[1]|20", "2|$.a.k[0]|10", "2|$.a.k[1]|20"],
        )
        .await;
    });
}

#[test]
fn b1_21_a_cartesian_product_is_warned_of() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        let warned = Rc::new(std::cell::RefCell::new(Vec::new()));
        let into = warned.clone();
        let echo = Echo::to(EchoLevel::Warning, move |record| into.borrow_mut().push(record.message.clone()));
        let engine = Engine::builder("sqlite://").echo(echo).build().unwrap();
        for table in [u.create(), a.create()] {
            engine.execute(&table, ()).await.unwrap();
        }
        for _ in 0..2 {
            engine.execute(&select(func::count_all()).select_from(u).select_from(a), ()).await.unwrap();
        }
        assert_eq!(
            *warned.borrow(),
            ["SELECT statement has a cartesian product between FROM element(s) \"addr\" and FROM element \"users\".  \
              Apply join condition(s) between each element to resolve."]
        );
        warned.borrow_mut().clear();
        let change = u.update().values(u.age.set(1));
        engine.execute(&change.clone().filter(a.id.eq(5)), ()).await.unwrap();
        assert_eq!(
            *warned.borrow(),
            ["UPDATE statement has a cartesian product between FROM element(s) \"addr\" and FROM element \"users\".  \
              Apply join condition(s) between each element to resolve."]
        );
        warned.borrow_mut().clear();
        engine.execute(&change.clone().filter(a.user_id.eq(&u.id)), ()).await.unwrap();
        engine.execute(&change, ()).await.unwrap();
        for joined in [
            select((&u.id, &a.id)).filter(u.id.eq(&a.user_id)),
            select((&u.id, &a.id)).join_from_as(
                u,
                a,
                Some(literal_column::<bool>("1 = 1").node().clone()),
                aludel::sql::schema::JoinKind::Inner,
            ),
            select(&u.id),
        ] {
            engine.execute(&joined, ()).await.unwrap();
        }
        assert!(warned.borrow().is_empty());
    });
}

#[test]
fn b1_23_lightweight_tables_and_constants() {
    on_world(async |w| {
        let World { u, .. } = &w;
        w.check(
            &select((literal(5), literal("x".to_owned()), literal_column::<i64>("1 + 1").label("two"))),
            "SELECT ? AS anon_1, ? AS anon_2, 1 + 1 AS two",
            &["5|x|2"],
        )
        .await;
        w.check(
            &select((aludel::typed::null::<i64>(), u.flag.eq(true), u.flag.eq(false))).filter(u.id.eq(1)),
            "SELECT NULL AS anon_1, users.flag = 1 AS anon_2, users.flag = 0 AS anon_3 FROM users WHERE users.id = ?",
            &["NULL|1|0"],
        )
        .await;
        // A table of which only the names are known.
        let light = MetaData::new().add(Table::new("users", vec![Declared::new("name", SqlType::Null)]));
        let name: Column<String> = Column::new(&From::Table(light), "name");
        w.check(&select(&name).filter(name.eq("Dan")), "SELECT users.name FROM users WHERE users.name = ?", &["Dan"])
            .await;
        // A parameter may stand for a list.
        let list = aludel::sql::expr::BindValue::List(vec![1.into(), 3.into()]);
        let ids = aludel::sql::expr::bindparam("ids", list, SqlType::Integer, true);
        let among = aludel::sql::expr::in_(u.id.node(), aludel::sql::expr::InList::Bind(ids));
        w.gives(&select(&u.name).filter(among), &["Dan", "Casey"]).await;
        // A value of its own, unless the call gives another.
        let one = aludel::sql::expr::BindValue::Value(1.into());
        let id: Expr<i64> = Expr::from_node(aludel::sql::expr::bindparam("id", one, SqlType::Integer, false));
        let statement = select(&u.name).filter(u.id.eq(id));
        assert_eq!(w.rows_of(&statement, ()).await, ["Dan"]);
        assert_eq!(w.rows_of(&statement, aludel::params! { "id" => 2 }).await, ["Dana"]);
    });
}
