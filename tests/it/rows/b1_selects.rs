//! B1: SELECT itself.

use super::on_world;
use aludel::sql::schema::From;
use aludel::sql::statement::{LabelStyle, select};
use aludel::typed::{Column, and_, exists, func, literal, literal_column, name, not_, or_};
use aludel::{ErrorKind, Value};

#[test]
fn b1_01_select_of_columns_tables_and_expressions() {
    on_world(async |w| {
        let u = &w.u;
        w.check(&select((&u.id, &u.name)), "SELECT users.id, users.name FROM users", &["1|Dan", "2|Dana", "3|Casey"])
            .await;
        let wide = select((&w.a, &u.age + 1)).filter(u.id.eq(&w.a.user_id)).order_by(&w.a.id);
        w.check(
            &wide,
            "SELECT addr.id, addr.user_id, addr.email, users.age + ? AS anon_1 FROM addr, users \
             WHERE users.id = addr.user_id ORDER BY addr.id",
            &["1|1|dan@x|31", "2|1|dan@y|31", "3|3|casey@x|NULL"],
        )
        .await;
        w.check(&select(literal(1)), "SELECT ? AS anon_1", &["1"]).await;
        let (id, name): (i64, String) =
            w.conn.execute(&select((&u.id, &u.name)), ()).await.unwrap().first().unwrap().unwrap().to().unwrap();
        assert_eq!((id, name.as_str()), (1, "Dan"));
    });
}

#[test]
fn b1_02_where_filter_and_filter_by() {
    on_world(async |w| {
        let u = &w.u;
        let both = select(&u.id).filter(u.age.gt(5)).filter((u.name.ne("x"), u.flag.is(true)));
        w.check(
            &both,
            "SELECT users.id FROM users WHERE users.age > ? AND users.name != ? AND users.flag IS 1",
            &["1"],
        )
        .await;
        let by = select(&u.id).filter_by("name", "Dana".into());
        w.check(&by, "SELECT users.id FROM users WHERE users.name = ?", &["2"]).await;
        // All that is read is searched for the name.
        let joined = select(&u.name).join(&w.a).filter_by("email", "dan@y".into());
        w.gives(&joined, &["Dan"]).await;
        let ambiguous = select(&u.name).join(&w.a).filter_by("id", 1.into());
        w.refuses(&ambiguous, ErrorKind::InvalidRequest, "Attribute name \"id\" is ambiguous").await;
        let unknown = select(&u.name).filter_by("nam", 1.into());
        w.refuses(&unknown, ErrorKind::InvalidRequest, "have a property \"nam\"").await;
        let always = select(&u.id).filter(and_(literal_true()));
        w.check(&always, "SELECT users.id FROM users WHERE 1 = 1", &["1", "2", "3"]).await;
        w.gives(&select(&u.id).filter(or_((u.id.eq(1), u.id.eq(3)))), &["1", "3"]).await;
    });
}

fn literal_true() -> aludel::sql::expr::Expr {
    aludel::sql::expr::truth(true)
}

#[test]
fn b1_06_queries_in_conditions_mean_the_tables_around_them() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        let mails = select(func::count(&a.id)).filter(a.user_id.eq(&u.id));
        let counted = aludel::sql::expr::label(&mails.scalar_subquery(), Some("mails"));
        w.check(
            &select((u.name.node(), &counted)),
            "SELECT users.name, (SELECT count(addr.id) AS count_1 FROM addr WHERE addr.user_id = users.id) AS mails \
             FROM users",
            &["Dan|2", "Dana|0", "Casey|1"],
        )
        .await;
        // What it correlates to can be named, or all but something.
        let last = || select(func::max(&a.id)).filter(a.user_id.eq(&u.id));
        let (users, addr): (From, From) = (u.into(), a.into());
        for query in [last().correlate(vec![users.clone()]), last().correlate_except(vec![addr])] {
            let statement = select((u.id.node(), &query.scalar_subquery()));
            w.gives(&statement, &["1|2", "2|NULL", "3|3"]).await;
        }
        let nothing_left = select(&u.id).filter(exists(&select(&u.id).filter(u.id.eq(1)).correlate(vec![users])));
        w.refuses(&nothing_left, ErrorKind::InvalidRequest, "returned no FROM clauses due to auto-correlation").await;
    });
}

#[test]
fn b1_07_exists_and_not_exists() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        let mails = select(&a.id).filter(a.user_id.eq(&u.id));
        w.check(
            &select(&u.name).filter(exists(&mails)),
            "SELECT users.name FROM users WHERE EXISTS (SELECT addr.id FROM addr WHERE addr.user_id = users.id)",
            &["Dan", "Casey"],
        )
        .await;
        w.check(
            &select(&u.name).filter(not_(exists(&mails))),
            "SELECT users.name FROM users WHERE NOT (EXISTS (SELECT addr.id FROM addr WHERE addr.user_id = users.id))",
            &["Dana"],
        )
        .await;
        w.gives(&select(exists(&select(&a.id))), &["1"]).await;
    });
}

#[test]
fn b1_11_order_by() {
    on_world(async |w| {
        let u = &w.u;
        w.check(
            &select(&u.id).order_by(u.age.desc().nulls_last()),
            "SELECT users.id FROM users ORDER BY users.age DESC NULLS LAST",
            &["1", "2", "3"],
        )
        .await;
        w.gives(&select(&u.id).order_by(u.age.asc().nulls_first()), &["3", "2", "1"]).await;
        // A name is that of a label, or of a column.
        let years = select((&u.id, u.age.label("years")));
        w.check(
            &years.order_by((name("years").desc(), name("name"))),
            "SELECT users.id, users.age AS years FROM users ORDER BY years DESC, users.name",
            &["1|30", "2|20", "3|NULL"],
        )
        .await;
        w.refuses(&years.order_by(name("nope")), ErrorKind::Compile, "Can't resolve label reference").await;
        w.check(
            &select(&u.name).order_by(u.name.collate("NOCASE").desc()),
            r#"SELECT users.name FROM users ORDER BY users.name COLLATE "NOCASE" DESC"#,
            &["Dana", "Dan", "Casey"],
        )
        .await;
        let by_position = select((&u.age, &u.name)).order_by(literal_column::<i64>("2"));
        w.check(
            &by_position,
            "SELECT users.age, users.name FROM users ORDER BY 2",
            &["NULL|Casey", "30|Dan", "20|Dana"],
        )
        .await;
    });
}

#[test]
fn b1_12_group_by_having_distinct() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        let counted = select((&a.user_id, func::count(&a.id))).group_by(&a.user_id).having(func::count(&a.id).gt(1));
        w.check(
            &counted,
            "SELECT addr.user_id, count(addr.id) AS count_1 FROM addr GROUP BY addr.user_id HAVING count(addr.id) > ?",
            &["1|2"],
        )
        .await;
        w.check(&select(&u.flag).distinct(), "SELECT DISTINCT users.flag FROM users", &["1", "0"]).await;
        w.gives(&select(func::count(u.flag.distinct())), &["2"]).await;
        let on = select(&u.flag).distinct_on(&u.flag);
        w.refuses(&on, ErrorKind::Compile, "SQLite has no DISTINCT ON").await;
    });
}

#[test]
fn b1_13_limit_offset_slice_fetch() {
    on_world(async |w| {
        let ids = select(&w.u.id).order_by(&w.u.id);
        let sql = "SELECT users.id FROM users ORDER BY users.id LIMIT ? OFFSET ?";
        w.check(&ids.limit(2), sql, &["1", "2"]).await;
        w.check(&ids.offset(1), sql, &["2", "3"]).await;
        w.check(&ids.limit(1).offset(1), sql, &["2"]).await;
        w.check(&ids.slice(1, 3), sql, &["2", "3"]).await;
        w.check(&ids.fetch(1), sql, &["1"]).await;
        w.gives(&ids.limit(0), &[]).await;
    });
}

#[test]
fn b1_19_names_of_result_columns() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        let both = select((&u.id, &a.id)).filter(u.id.eq(&a.user_id));
        assert!(both.to_string().starts_with("SELECT users.id, addr.id AS id_1 FROM"));
        let style = both.set_label_style(LabelStyle::TableNamePlusColumn);
        assert!(style.to_string().starts_with("SELECT users.id AS users_id, addr.id AS addr_id FROM"));
        let keys = w.conn.execute(&style, ()).await.unwrap().keys().unwrap();
        assert_eq!(keys, ["users_id", "addr_id"]);
        let twice = select((&u.id, &u.id));
        w.check(&twice, "SELECT users.id, users.id AS id__1 FROM users", &["1|1", "2|2", "3|3"]).await;
        let none = both.set_label_style(LabelStyle::None);
        assert!(none.to_string().starts_with("SELECT users.id, addr.id FROM"));
        let subquery = both.subquery(Some("s"));
        let ids: Column<i64> = Column::new(&subquery, "id_1");
        w.gives(&select(&ids).order_by(&ids), &["1", "2", "3"]).await;
    });
}

#[test]
fn b1_20_what_a_select_says_of_itself() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        let query = select((&u.id, u.name.label("who"))).join(a);
        let columns = query.column_descriptions();
        let described: Vec<(&str, String)> =
            columns.iter().map(|column| (&**column.name.base(), column.ty.ddl())).collect();
        assert_eq!(described, [("id", "INTEGER".to_owned()), ("who", "VARCHAR(50)".to_owned())]);
        assert_eq!(query.selected_columns().len(), 2);
        let froms = query.final_froms().unwrap();
        assert!(matches!(&froms[..], [From::Join(_)]), "{froms:?}");
        assert_eq!(froms[0].leaves().len(), 2);
        // Other columns, the same FROM.
        let counted = query.with_only_columns(func::count_all());
        w.check(&counted, "SELECT count(*) AS count_1 FROM users JOIN addr ON users.id = addr.user_id", &["3"]).await;
        let wider = query.add_columns(&a.email).filter(a.id.eq(3));
        w.gives(&wider, &["3|Casey|casey@x"]).await;
        assert_eq!(query.exported_columns().len(), 2, "the statement itself was not changed");
    });
}

#[test]
fn b1_24_every_method_gives_another_statement() {
    on_world(async |w| {
        let all = select(&w.u.id);
        let one = all.filter(w.u.id.eq(1));
        assert_eq!(all.to_string(), "SELECT users.id FROM users");
        w.gives(&one, &["1"]).await;
        w.gives(&all, &["1", "2", "3"]).await;
        // With the values in it, for people to read.
        let named = all.filter((w.u.name.eq("it's"), w.u.age.in_([1_i64, 2])));
        assert_eq!(
            aludel::sql::compile::literal_sql(&named.query().into()).unwrap(),
            "SELECT users.id FROM users WHERE users.name = 'it''s' AND users.age IN (1, 2)"
        );
        // Values for parameters with names, given before the call.
        let by_name = all.filter(w.u.name.eq(aludel::typed::bindparam::<String>("who")));
        let bound = aludel::with_params(&by_name, aludel::params! { "who" => "Dana" });
        assert_eq!(w.rows_of(&bound, ()).await, ["2"]);
        assert_eq!(w.rows_of(&bound, aludel::params! { "who" => "Dan" }).await, ["1"]);
        let other = aludel::with_params(&bound, aludel::params! { "who" => "Casey" });
        assert_eq!(w.rows_of(&other, ()).await, ["3"], "the outermost counts");
        let two = aludel::text("SELECT :a || :b");
        let a = aludel::with_params(&two, aludel::params! { "a" => "1", "b" => "2" });
        assert_eq!(w.rows_of(&aludel::with_params(&a, aludel::params! { "b" => "3" }), ()).await, ["13"]);
        let error = w.conn.execute(&by_name, ()).await.unwrap_err();
        assert!(error.message().contains("A value is required for bind parameter 'who'"), "{error}");
        let _: Value = w.conn.scalar(&bound, ()).await.unwrap().unwrap();
    });
}
