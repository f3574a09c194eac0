//! B1: CTEs, compounds, texts, and what is made of queries.

use super::{TypedTable, on_world};
use aludel::sql::expr::Kind;
use aludel::sql::schema::{CteHint, From, FromColumn};
use aludel::sql::statement::{
    CompoundKind, Ddl, DropWhat, Query, Statement, TextPart, TextSelect, compound, cte, cte_union, select,
};
use aludel::sql::types::SqlType;
use aludel::typed::{Column, Expr, func, literal, name};
use aludel::{ErrorKind, params, text};
use std::rc::Rc;

#[test]
fn b1_09_ctes() {
    on_world(async |w| {
        let u = &w.u;
        let adults = select((&u.id, &u.name)).filter(u.age.ge(18)).cte(Some("adults"));
        let from = From::Cte(adults.clone());
        let (id, who): (Column<i64>, Column<String>) = (Column::new(&from, "id"), Column::new(&from, "name"));
        w.check(
            &select(&who).order_by(&who),
            "WITH adults AS (SELECT users.id AS id, users.name AS name FROM users WHERE users.age >= ?) \
             SELECT adults.name FROM adults ORDER BY adults.name",
            &["Dan", "Dana"],
        )
        .await;
        // One that reads itself.
        let first = cte(select(literal(1_i64).label("n")).query(), Some("r"), true);
        let n: Column<i64> = Column::new(&From::Cte(first.clone()), "n");
        let numbers = From::Cte(cte_union(&first, select(&n + 1).filter(n.lt(4)).query(), true));
        let n: Column<i64> = Column::new(&numbers, "n");
        w.check(
            &select(&n),
            "WITH RECURSIVE r(n) AS (SELECT ? AS n UNION ALL SELECT r.n + ? AS anon_1 FROM r WHERE r.n < ?) \
             SELECT r.n FROM r",
            &["1", "2", "3", "4"],
        )
        .await;
        // Several, one of which reads another.
        let names = select(&who).cte(Some("names"));
        let who_of: Column<String> = Column::new(&From::Cte(names), "name");
        w.check(
            &select((&who_of, &id)).filter((id.eq(1), who_of.eq("Dana"))),
            "WITH adults AS (SELECT users.id AS id, users.name AS name FROM users WHERE users.age >= ?), \
             names AS (SELECT adults.name AS name FROM adults) \
             SELECT names.name, adults.id FROM names, adults WHERE adults.id = ? AND names.name = ?",
            &["Dana|1"],
        )
        .await;
        // In the WITH of the query that uses it, not of the whole.
        let inner = select(literal("inner".to_owned()).label("x")).cte_with(Some("v"), |cte| cte.nesting = true);
        let x: Column<String> = Column::new(&From::Cte(inner), "x");
        let outer = select(literal("outer".to_owned()).label("x")).cte(Some("v"));
        let y: Column<String> = Column::new(&From::Cte(outer), "x");
        let nested: Expr<String> = Expr::from_node(select(&x).scalar_subquery());
        w.check(
            &select((&y, nested.label("z"))),
            "WITH v AS (SELECT ? AS x) SELECT v.x, (WITH v AS (SELECT ? AS x) SELECT v.x FROM v) AS z FROM v",
            &["outer|inner"],
        )
        .await;
        let kept = select(&u.id).cte_with(Some("k"), |cte| cte.hint = Some(CteHint::Materialized));
        let id_of: Column<i64> = Column::new(&From::Cte(kept.clone()), "id");
        w.check(
            &select(func::count(&id_of)),
            "WITH k AS MATERIALIZED (SELECT users.id AS id FROM users) SELECT count(k.id) AS count_1 FROM k",
            &["3"],
        )
        .await;
        // One that is not used, and one before each kind of change.
        assert!(select(&u.id).add_cte(&kept).to_string().starts_with("WITH k AS"));
        let ids = select(&id);
        w.check(
            &w.a.delete().filter(w.a.user_id.in_query(&ids)),
            "WITH adults AS (SELECT users.id AS id, users.name AS name FROM users WHERE users.age >= ?) \
             DELETE FROM addr WHERE addr.user_id IN (SELECT adults.id FROM adults)",
            &["2 changed"],
        )
        .await;
        w.gives(&u.update().values(u.age.set(1)).filter(u.id.in_query(&ids)), &["2 changed"]).await;
        w.gives(&w.a.insert().from_select(&["user_id"], ids.query()), &["0 changed"]).await;
        let other = select(&w.a.id).cte(Some("adults"));
        let clash: Column<i64> = Column::new(&From::Cte(other), "id");
        w.refuses(&select((&id, &clash)), ErrorKind::Compile, "unrelated CTEs found with the same name: 'adults'")
            .await;
    });
}

#[test]
fn b1_10_compounds() {
    on_world(async |w| {
        let (users, mails) = (select(&w.u.id).query(), select(&w.a.user_id).query());
        let both = |kind| compound(kind, [users.clone(), mails.clone()]);
        let start = "SELECT users.id FROM users";
        for (kind, word, rows) in [
            (CompoundKind::Union, "UNION", &["1", "2", "3"][..]),
            (CompoundKind::UnionAll, "UNION ALL", &["1", "1", "1", "2", "3", "3"]),
            (CompoundKind::Intersect, "INTERSECT", &["1", "3"]),
            (CompoundKind::Except, "EXCEPT", &["2"]),
        ] {
            w.check(
                &both(kind).order_by(name("id")),
                &format!("{start} {word} SELECT addr.user_id FROM addr ORDER BY id"),
                rows,
            )
            .await;
        }
        w.check(
            &both(CompoundKind::Union).order_by(name("id").desc()).limit(1),
            &format!("{start} UNION SELECT addr.user_id FROM addr ORDER BY id DESC LIMIT ? OFFSET ?"),
            &["3"],
        )
        .await;
        // What would need parentheses, which SQLite has not there, becomes a subquery.
        let last = select(&w.u.id).order_by(w.u.id.desc()).limit(1).query();
        let inner = both(CompoundKind::Except).query();
        w.check(
            &compound(CompoundKind::UnionAll, [mails.clone(), last, inner]),
            "SELECT addr.user_id FROM addr \
             UNION ALL SELECT * FROM (SELECT users.id AS id FROM users ORDER BY users.id DESC LIMIT ? OFFSET ?) \
             UNION ALL SELECT * FROM (SELECT users.id AS id FROM users EXCEPT SELECT addr.user_id AS user_id FROM addr)",
            &["1", "1", "3", "3", "2"],
        )
        .await;
        let wide = compound(CompoundKind::Union, [users.clone(), select((&w.u.id, &w.u.name)).query()]);
        w.refuses(&wide, ErrorKind::Argument, "must have identical numbers of columns").await;
        for kind in [CompoundKind::IntersectAll, CompoundKind::ExceptAll] {
            w.refuses(&both(kind), ErrorKind::Compile, "SQLite has no").await;
        }
    });
}

#[test]
fn b1_22_texts() {
    on_world(async |w| {
        let named = text("SELECT id FROM users WHERE name = :name AND ':x' != '\\:'");
        assert_eq!(w.rows_of(&named, params! { "name" => "Dan" }).await, ["1"]);
        let error = w.conn.execute(&named, ()).await.unwrap_err();
        assert!(error.message().contains("A value is required for bind parameter 'name'"), "{error}");
        let bound = named.clone().bindparams(params! { "name" => "Dana" }).unwrap();
        assert_eq!(w.rows_of(&bound, ()).await, ["2"]);
        assert!(named.bindparams(params! { "nope" => 1 }).is_err());
        // With columns that are declared it is a query like any other.
        let column = |key: &str, ty| FromColumn { name: aludel::sql::expr::Name::given(key), key: key.into(), ty };
        let columns = vec![column("id", SqlType::Integer), column("name", SqlType::Text)];
        let part = TextPart::new("SELECT id, name FROM users WHERE id > :least", Vec::new()).unwrap();
        let query = Query::Text(Rc::new(TextSelect { text: Rc::new(part), columns }));
        let sub = query.subquery(Some("t"));
        let (id, who): (Column<i64>, Column<String>) = (Column::new(&sub, "id"), Column::new(&sub, "name"));
        let statement = select((&w.u.age, &who)).join_on(sub, w.u.id.eq(&id)).order_by(&id);
        assert_eq!(w.rows_of(&statement, params! { "least" => 1 }).await, ["20|Dana", "NULL|Casey"]);
        let condition = aludel::sql::expr::Node::new(
            Kind::Text(Rc::new(TextPart::new("length(name) = :n", Vec::new()).unwrap())),
            SqlType::Boolean,
        );
        assert_eq!(w.rows_of(&select(&w.u.id).filter(condition), params! { "n" => 3 }).await, ["1"]);
    });
}

#[test]
fn b1_25_tables_and_views_of_queries() {
    on_world(async |w| {
        let query = select((&w.u.id, &w.u.name)).filter(w.u.name.ne("it's")).query();
        let table = Statement::Ddl(Rc::new(Ddl::CreateTableAs {
            schema: None,
            name: "copy".into(),
            query: query.clone(),
            temporary: false,
            if_not_exists: false,
        }));
        let sql = "SELECT users.id, users.name FROM users WHERE users.name != 'it''s'";
        w.check(&table, &format!("CREATE TABLE copy AS {sql}"), &["-1 changed"]).await;
        let view = |temporary, if_not_exists| {
            let (schema, name, query) = (None, "named".into(), query.clone());
            Statement::Ddl(Rc::new(Ddl::CreateView { schema, name, query, temporary, if_not_exists }))
        };
        w.check(&view(true, true), &format!("CREATE TEMPORARY VIEW IF NOT EXISTS named AS {sql}"), &["-1 changed"])
            .await;
        for source in ["copy", "named"] {
            assert_eq!(w.rows_of(&text(&format!("SELECT count(*) FROM {source}")), ()).await, ["3"]);
        }
        let (what, schema, name) = (DropWhat::View, None, "named".into());
        let drop = Statement::Ddl(Rc::new(Ddl::Drop { what, schema, name, if_exists: true }));
        w.check(&drop, "DROP VIEW IF EXISTS named", &["-1 changed"]).await;
    });
}
