//! B3: INSERT, UPDATE, DELETE.

use super::{TypedTable, on_world};
use aludel::sql::expr::{BindValue, Name, bind};
use aludel::sql::schema::{Column as Declared, Default_, DefaultFn, FromColumn, MetaData, Table};
use aludel::sql::statement::{
    CompoundKind, ConflictAction, Query, Select, TextPart, TextSelect, compound, delete, insert, select,
};
use aludel::sql::types::SqlType;
use aludel::typed::{Expr, bindparam, func, literal};
use aludel::{ErrorKind, Value, many, params};
use std::rc::Rc;

#[test]
fn b3_01_insert() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        w.check(
            &u.insert().values((u.name.set("Eve"), u.age.set(5))),
            "INSERT INTO users (name, age) VALUES (?, ?)",
            &["1 changed"],
        )
        .await;
        // The order of the columns is the table's.
        w.check(
            &u.insert().values((u.age.set(6), u.name.set("Fay"))),
            "INSERT INTO users (name, age) VALUES (?, ?)",
            &["1 changed"],
        )
        .await;
        // Without values it is what the call gives; without a call, all columns.
        assert_eq!(
            u.insert().to_string(),
            "INSERT INTO users (id, name, age, score, meta, dt, flag) VALUES (?, ?, ?, ?, ?, ?, ?)"
        );
        assert_eq!(w.rows_of(&u.insert(), params! { "name" => "Gus" }).await, ["1 changed"]);
        w.check(&a.insert().values(()), "INSERT INTO addr DEFAULT VALUES", &["1 changed"]).await;
        let newest: Expr<Option<i64>> = Expr::from_node(select(func::max(&a.id)).scalar_subquery());
        w.check(
            &u.insert().values((u.name.set(func::lower(&literal("HAL".to_owned()))), u.age.set(&newest))),
            "INSERT INTO users (name, age) VALUES (lower(?), (SELECT max(addr.id) AS max_1 FROM addr))",
            &["1 changed"],
        )
        .await;
        let rows = ["Ida", "Joe"].map(|name| vec![u.name.set(name)]);
        w.check(&u.insert().rows(rows.into()), "INSERT INTO users (name) VALUES (?), (?)", &["2 changed"]).await;
        let mails = select(func::lower(&u.name)).filter(u.id.gt(7));
        w.check(
            &a.insert().from_select(&["email"], mails.query()),
            "INSERT INTO addr (email) SELECT lower(users.name) AS lower_1 FROM users WHERE users.id > ?",
            &["2 changed"],
        )
        .await;
        w.check(
            &u.insert().prefix_with("OR REPLACE").values((u.id.set(1), u.name.set("New"))),
            "INSERT OR REPLACE INTO users (id, name) VALUES (?, ?)",
            &["1 changed"],
        )
        .await;
        w.gives(&select(&u.name).order_by(&u.id), &["New", "Dana", "Casey", "Eve", "Fay", "Gus", "hal", "Ida", "Joe"])
            .await;
        let unknown = aludel::sql::statement::settings([("nope", literal(1).node().clone())]);
        w.refuses(&u.insert().values(unknown), ErrorKind::Compile, "Unconsumed column names: nope").await;
    });
}

#[test]
fn b3_02_update() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        w.check(
            &u.update().filter(u.id.eq(1)).values((u.age.set(&u.age + 1), u.name.set("Danny"))),
            "UPDATE users SET name=?, age=(users.age + ?) WHERE users.id = ?",
            &["1 changed"],
        )
        .await;
        w.check(
            &u.update().ordered_values((u.age.set(7), u.name.set("Z"))).filter(u.id.eq(2)),
            "UPDATE users SET age=?, name=? WHERE users.id = ?",
            &["1 changed"],
        )
        .await;
        w.check(
            &u.update().values(u.name.set(&a.email)).filter((u.id.eq(&a.user_id), a.id.eq(3))),
            "UPDATE users SET name=addr.email FROM addr WHERE users.id = addr.user_id AND addr.id = ?",
            &["1 changed"],
        )
        .await;
        let count: Expr<i64> =
            Expr::from_node(select(func::count(&a.id)).filter(a.user_id.eq(&u.id)).scalar_subquery());
        w.check(
            &u.update().values(u.score.set(count.cast::<f64>())),
            "UPDATE users SET score=CAST((SELECT count(addr.id) AS count_1 FROM addr WHERE addr.user_id = users.id) AS FLOAT)",
            &["3 changed"],
        )
        .await;
        w.gives(&select((&u.name, &u.age, &u.score)), &["Danny|31|2.0", "Z|7|0.0", "casey@x|NULL|1.0"]).await;
        // Several sets of parameters: those that columns are called after are set, the others are the condition's.
        let by_id = u.update().filter(u.id.eq(bindparam::<i64>("b_id")));
        let sets = many([params! { "b_id" => 1, "age" => 10 }, params! { "b_id" => 2, "age" => 20 }]);
        assert_eq!(w.rows_of(&by_id, sets).await, ["2 changed"]);
        w.gives(&select(&u.age), &["10", "20", "NULL"]).await;
        w.refuses(&u.update().values(()).ordered_values(()), ErrorKind::Compile, "sets nothing").await;
    });
}

#[test]
fn b3_03_delete() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        w.check(&a.delete().filter(a.id.eq(1)), "DELETE FROM addr WHERE addr.id = ?", &["1 changed"]).await;
        let nobody = select(&u.id).filter(u.age.eq(None::<i64>));
        w.check(
            &a.delete().filter(a.user_id.in_query(&nobody)),
            "DELETE FROM addr WHERE addr.user_id IN (SELECT users.id FROM users WHERE users.age IS NULL)",
            &["1 changed"],
        )
        .await;
        w.refuses(&a.delete().filter(a.user_id.eq(&u.id)), ErrorKind::Compile, "can be read in a subquery").await;
        w.check(&a.delete(), "DELETE FROM addr", &["1 changed"]).await;
        let subquery = select(&a.id).subquery(Some("s"));
        w.refuses(&delete(subquery), ErrorKind::Compile, "rows can be changed in tables only").await;
    });
}

#[test]
fn b3_04_returning() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        w.check(
            &u.insert().values(u.name.set("Eve")).returning((&u.id, &u.name, func::lower(&u.name).label("small"))),
            "INSERT INTO users (name) VALUES (?) RETURNING id, name, lower(name) AS small",
            &["4|Eve|eve"],
        )
        .await;
        w.check(
            &u.update().values(u.age.set(1)).filter(u.id.le(2)).returning(&u.id),
            "UPDATE users SET age=? WHERE users.id <= ? RETURNING id",
            &["1", "2"],
        )
        .await;
        w.check(
            &a.delete().filter(a.id.gt(1)).returning(a),
            "DELETE FROM addr WHERE addr.id > ? RETURNING id, user_id, email",
            &["2|1|dan@y", "3|3|casey@x"],
        )
        .await;
        // The whole statement has run before the first row is given, and its count is known.
        let result = w.conn.execute(&u.update().values(u.age.set(2)).returning(&u.id), ()).await.unwrap();
        assert_eq!((result.rowcount(), result.first().unwrap().unwrap().get::<i64>(0).unwrap()), (4, 1));
        w.gives(&select(func::sum(&*u.age)), &["8"]).await;
    });
}

#[test]
fn b3_05_upsert() {
    on_world(async |w| {
        let a = &w.a;
        let new = a.insert().values((a.id.set(9), a.user_id.set(2), a.email.set("dan@x")));
        w.refuses(&new, ErrorKind::Integrity, "UNIQUE").await;
        w.check(
            &new.on_conflict(vec![], None, ConflictAction::Nothing),
            "INSERT INTO addr (id, user_id, email) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            &["0 changed"],
        )
        .await;
        let excluded: aludel::typed::Column<Option<i64>> = aludel::typed::Column::new(&new.excluded(), "user_id");
        let update = ConflictAction::Update(vec![a.user_id.set(&excluded)], vec![a.id.lt(5).node().clone()]);
        w.check(
            &new.on_conflict(vec![a.email.node().clone()], None, update.clone()).returning((&a.id, &a.user_id)),
            "INSERT INTO addr (id, user_id, email) VALUES (?, ?, ?) ON CONFLICT (email) DO UPDATE SET \
             user_id = excluded.user_id WHERE addr.id < ? RETURNING id, user_id",
            &["1|2"],
        )
        .await;
        // Several clauses; the one without a target is the last.
        let both = new.on_conflict(vec![a.email.node().clone()], None, update.clone()).on_conflict(
            vec![],
            None,
            ConflictAction::Nothing,
        );
        w.gives(&both, &["1 changed"]).await;
        // The condition of a partial index stands in the SQL as it stands in the index.
        w.conn.execute(&aludel::text("CREATE UNIQUE INDEX ix ON addr (user_id) WHERE id > 5"), ()).await.unwrap();
        let partial = a.insert().values((a.id.set(6), a.user_id.set(1))).on_conflict(
            vec![a.user_id.node().clone()],
            Some(a.id.gt(5).node().clone()),
            update,
        );
        let sql = partial.to_string();
        assert!(sql.contains("ON CONFLICT (user_id) WHERE id > 5 DO UPDATE"), "{sql}");
        w.gives(&partial, &["1 changed"]).await;
        // Rows of a query as well.
        let again = a.insert().from_select(&["email"], select(&a.email).query()).on_conflict(
            vec![],
            None,
            ConflictAction::Nothing,
        );
        w.gives(&again, &["1 changed"]).await;
        // Whatever that query ends with.
        let some = |after: i64| select(&a.id).filter(a.id.gt(after));
        let text = |sql: &str| {
            let columns = vec![FromColumn { key: "id".into(), name: Name::given("id"), ty: SqlType::Integer }];
            Query::Text(Rc::new(TextSelect { text: Rc::new(TextPart::new(sql, Vec::new()).unwrap()), columns }))
        };
        let either = |other: Select| compound(CompoundKind::Union, [some(0).query(), other.query()]);
        let queries = [
            select(&a.id).group_by(&a.id).query(),
            select(&a.id).order_by(&a.id).query(),
            select(&a.id).limit(2).query(),
            either(some(1)).query(),
            either(select(&a.id)).query(),
            either(select(&a.id).limit(1)).query(),
            either(some(1)).order_by(&a.id).query(),
            text("SELECT id FROM addr"),
            text("SELECT id FROM addr WHERE id > 0"),
            text("SELECT id FROM (SELECT id FROM addr WHERE id > 0) AS \"order\" /* where */"),
        ];
        for query in queries {
            let nothing = a.insert().from_select(&["id"], query).on_conflict(vec![], None, ConflictAction::Nothing);
            w.gives(&nothing, &["0 changed"]).await;
        }
    });
}

#[test]
fn b3_08_defaults() {
    on_world(async |w| {
        let now = func::call::<String>("upper", literal("fresh".to_owned()));
        let table = Table::new(
            "things",
            vec![
                Declared::of::<i64>("id").primary_key(),
                Declared::of::<String>("name").default_value("none"),
                Declared::of::<String>("state").default_expr(&now).onupdate_expr(literal("changed".to_owned())),
                Declared::of::<i64>("rank").server_default("7"),
                Declared::of::<Option<i64>>("twice").computed("rank * 2", None),
            ],
        );
        let things = MetaData::new().add(table);
        let create = aludel::sql::statement::Ddl::CreateTable {
            table: things.clone(),
            naming: Default::default(),
            if_not_exists: false,
        };
        w.run(&[aludel::sql::statement::Statement::Ddl(create.into())]).await;
        let row = aludel::text("SELECT * FROM things ORDER BY id");
        w.check(
            &insert(&things).values(aludel::sql::statement::settings([("id", literal(1).node().clone())])),
            "INSERT INTO things (id, name, state) VALUES (?, ?, upper(?))",
            &["1 changed"],
        )
        .await;
        assert_eq!(w.rows_of(&row, ()).await, ["1|none|FRESH|7|14"]);
        // What is given counts; NULL is given, too.
        let sets = many([params! { "id" => 2, "rank" => 1 }, params! { "id" => 3, "rank" => 2 }]);
        assert_eq!(w.rows_of(&insert(&things), sets).await, ["2 changed"]);
        let set =
            aludel::sql::statement::settings([("name", bind("name", BindValue::Value("x".into()), SqlType::Null))]);
        w.gives(&aludel::sql::statement::update(things.clone()).values(set), &["3 changed"]).await;
        assert_eq!(w.rows_of(&row, ()).await, ["1|x|changed|7|14", "2|x|changed|1|2", "3|x|changed|2|4"]);
    });
}

#[test]
fn b3_08_defaults_that_are_functions() {
    on_world(async |w| {
        let count = std::rc::Rc::new(std::cell::Cell::new(0));
        let asked = count.clone();
        let serial = DefaultFn::new(move |_| {
            asked.set(asked.get() + 1);
            Value::Integer(asked.get())
        });
        // It sees what the row has so far.
        let slug = DefaultFn::new(|row| {
            let title = row.iter().find(|(key, _)| &**key == "title").map(|(_, value)| value.clone());
            match title {
                Some(Value::Text(title)) => Value::Text(title.to_lowercase().replace(' ', "-")),
                _ => Value::Null,
            }
        });
        let table = Table::new(
            "pages",
            vec![
                Declared::of::<i64>("id").primary_key(),
                Declared::of::<String>("title"),
                Declared::of::<i64>("serial").default(Default_::Function(serial)),
                Declared::of::<Option<String>>("slug").default(Default_::Function(slug)),
            ],
        );
        let pages = MetaData::new().add(table);
        let (table, naming) = (pages.clone(), Default::default());
        let create = aludel::sql::statement::Ddl::CreateTable { table, naming, if_not_exists: false };
        w.run(&[aludel::sql::statement::Statement::Ddl(create.into())]).await;
        let titles = many(["The First", "Second"].map(|title| params! { "title" => title }));
        assert_eq!(w.rows_of(&insert(&pages), titles).await, ["2 changed"]);
        let all = aludel::text("SELECT title, serial, slug FROM pages ORDER BY id");
        assert_eq!(w.rows_of(&all, ()).await, ["The First|1|the-first", "Second|2|second"]);
        assert_eq!(count.get(), 2, "once for each row");
        // The rows of a query get defaults as well, unless they are not wanted.
        let copied = insert(&pages).from_select(&["title"], select(&w.u.name).filter(w.u.id.eq(1)).query());
        assert!(
            copied.to_string().starts_with("INSERT INTO pages (title, serial, slug) SELECT users.name, ?"),
            "{copied}"
        );
        assert_eq!(w.rows_of(&copied, ()).await, ["1 changed"]);
        assert_eq!(w.rows_of(&all, ()).await[2].split('|').take(2).collect::<Vec<_>>(), ["Dan", "3"]);
        let bare = aludel::sql::statement::Insert { include_defaults: false, ..copied };
        assert!(bare.to_string().starts_with("INSERT INTO pages (title) SELECT users.name FROM"), "{bare}");
    });
}

#[test]
fn b3_02_what_the_call_names_is_set_beside_what_the_statement_says() {
    on_world(async |w| {
        let u = &w.u;
        let named = u.update().values(u.age.set(1)).filter(u.id.eq(1));
        assert_eq!(w.rows_of(&named, params! { "name" => "Both" }).await, ["1 changed"]);
        w.gives(&select((&u.name, &u.age)).filter(u.id.eq(1)), &["Both|1"]).await;
        assert_eq!(w.rows_of(&u.insert().values(u.name.set("Eve")), params! { "age" => 5 }).await, ["1 changed"]);
        w.gives(&select((&u.name, &u.age)).filter(u.id.eq(4)), &["Eve|5"]).await;
        // A parameter of the condition may not be called as a column that is set.
        let clash = u.update().values(u.name.set("x")).filter(u.name.eq(bindparam::<String>("name")));
        let error = w.conn.execute(&clash, params! { "name" => "Dan" }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Compile);
        assert!(error.message().contains("bindparam() name 'name' is reserved"), "{error}");
        let unknown = w.conn.execute(&u.insert(), params! { "name" => "x", "nope" => 1 }).await.unwrap_err();
        assert!(unknown.message().contains("Unconsumed column names: nope"), "{unknown}");
    });
}
