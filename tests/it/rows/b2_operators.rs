//! B2: operators.

use super::on_world;
use aludel::sql::expr::{Binary, JsonStep, binary, not};
use aludel::sql::statement::select;
use aludel::sql::types::SqlType;
use aludel::typed::{Expr, and_, bindparam, case, literal, literal_column, not_, or_, tuple_in};
use aludel::{ErrorKind, Value, params};

fn key(key: &str) -> JsonStep {
    JsonStep::Key(key.to_owned())
}

#[test]
fn b2_01_comparisons_null_and_booleans() {
    on_world(async |w| {
        let u = &w.u;
        let ids = |condition: Expr<bool>| select(&u.id).filter(condition);
        let start = "SELECT users.id FROM users WHERE users.";
        for (condition, sql, rows) in [
            (u.age.eq(30), "age = ?", &["1"][..]),
            (u.age.ne(30), "age != ?", &["2"]),
            (u.age.lt(30), "age < ?", &["2"]),
            (u.age.le(30), "age <= ?", &["1", "2"]),
            (u.age.gt(20), "age > ?", &["1"]),
            (u.age.ge(20), "age >= ?", &["1", "2"]),
            (u.age.eq(None::<i64>), "age IS NULL", &["3"]),
            (u.age.ne(None::<i64>), "age IS NOT NULL", &["1", "2"]),
            (u.flag.eq(true), "flag = 1", &["1", "3"]),
            (u.flag.eq(false), "flag = 0", &["2"]),
            (u.age.is_distinct_from(20), "age IS NOT ?", &["1", "3"]),
            (u.age.is_not_distinct_from(None::<i64>), "age IS NULL", &["3"]),
        ] {
            w.check(&ids(condition), &format!("{start}{sql}"), rows).await;
        }
        w.check(&select(&u.id).filter(&u.flag), &format!("{start}flag = 1"), &["1", "3"]).await;
        w.check(&select(&u.id).filter(not_(&u.flag)), &format!("{start}flag = 0"), &["2"]).await;
    });
}

#[test]
fn b2_02_and_or_not_with_the_parentheses_they_need() {
    on_world(async |w| {
        let u = &w.u;
        let (young, dan) = (u.age.lt(25), u.name.eq("Dan"));
        w.check(
            &select(&u.id).filter(or_((and_((young.clone(), u.flag.eq(false))), dan.clone()))),
            "SELECT users.id FROM users WHERE users.age < ? AND users.flag = 0 OR users.name = ?",
            &["1", "2"],
        )
        .await;
        w.check(
            &select(&u.id).filter((or_((young, dan.clone())), u.id.gt(1))),
            "SELECT users.id FROM users WHERE (users.age < ? OR users.name = ?) AND users.id > ?",
            &["2"],
        )
        .await;
        for (condition, sql, rows) in [
            (!u.id.in_([1_i64]), "(users.id NOT IN (?))", &["2", "3"][..]),
            (!u.name.like("D%"), "users.name NOT LIKE ?", &["3"]),
            (!u.id.between(1, 2), "users.id NOT BETWEEN ? AND ?", &["3"]),
            (!u.age.eq(None::<i64>), "users.age IS NOT NULL", &["1", "2"]),
            (!(dan.clone() | u.id.eq(2)), "NOT (users.name = ? OR users.id = ?)", &["3"]),
            (!!dan.clone(), "users.name = ?", &["1"]),
        ] {
            w.check(&select(&u.id).filter(condition), &format!("SELECT users.id FROM users WHERE {sql}"), rows).await;
        }
        // SQLite's own order: || first, then * / %, + -, & | << >>, comparisons.
        let (a, b) = (literal(7_i64), literal(2_i64));
        for (expr, value) in [
            ((&a + &b) * 3, "27"),
            (&a + &b * 3, "13"),
            ((&a - &b) - 1, "4"),
            (&a - (&b - 1), "6"),
            ((&a + 1).bitwise_and(&b * 3), "0"),
            (a.bitwise_or(8).bitwise_and(&b), "2"),
            (-(-&a), "7"),
        ] {
            w.gives(&select(expr), &[value]).await;
        }
    });
}

#[test]
fn b2_03_in() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        let where_ = "SELECT users.id FROM users WHERE ";
        let nothing = "(SELECT 1 FROM (SELECT 1) WHERE 1!=1)";
        let none: [i64; 0] = [];
        for (condition, sql, rows) in [
            (u.id.in_([1_i64, 3]), "users.id IN (?, ?)".to_owned(), &["1", "3"][..]),
            (u.id.in_(none), format!("users.id IN {nothing}"), &[]),
            (u.id.not_in(none), format!("(users.id NOT IN {nothing})"), &["1", "2", "3"]),
            (u.age.not_in([Some(30), None]), "(users.age NOT IN (?, ?))".into(), &[]),
            (
                u.id.not_in_query(&select(&a.user_id)),
                "(users.id NOT IN (SELECT addr.user_id FROM addr))".into(),
                &["2"],
            ),
            (u.id.in_query(&select(&a.user_id)), "users.id IN (SELECT addr.user_id FROM addr)".into(), &["1", "3"]),
            (
                tuple_in((&u.id, &u.age), [vec![1.into(), 30.into()], vec![2.into(), 30.into()]]),
                "(users.id, users.age) IN (VALUES (?, ?), (?, ?))".into(),
                &["1"],
            ),
        ] {
            w.check(&select(&u.id).filter(condition), &format!("{where_}{sql}"), rows).await;
        }
    });
}

#[test]
fn b2_04_between_like_and_their_kin() {
    on_world(async |w| {
        let u = &w.u;
        for (condition, sql, rows) in [
            (u.age.between(20, 25), "users.age BETWEEN ? AND ?", &["2"][..]),
            (u.name.like("D%"), "users.name LIKE ?", &["1", "2"]),
            (u.name.like_escape("D/%", '/'), "users.name LIKE ? ESCAPE '/'", &[]),
            (u.name.ilike("d_n"), "lower(users.name) LIKE lower(?)", &["1"]),
            (u.name.starts_with("Da"), "(users.name LIKE ? || '%')", &["1", "2"]),
            (u.name.contains("an"), "(users.name LIKE '%' || ? || '%')", &["1", "2"]),
            (u.name.ends_with("y"), "(users.name LIKE '%' || ?)", &["3"]),
            (u.name.istarts_with("da"), "(lower(users.name) LIKE lower(?) || '%')", &["1", "2"]),
            (u.name.icontains("AS"), "(lower(users.name) LIKE '%' || lower(?) || '%')", &["3"]),
            (u.name.iends_with("NA"), "(lower(users.name) LIKE '%' || lower(?))", &["2"]),
            (u.name.contains_plain("%"), "(users.name LIKE '%' || ? || '%' ESCAPE '/')", &[]),
            (u.name.contains_plain("n"), "(users.name LIKE '%' || ? || '%' ESCAPE '/')", &["1", "2"]),
            (u.name.starts_with_plain("Da"), "(users.name LIKE ? || '%' ESCAPE '/')", &["1", "2"]),
            (u.name.starts_with_plain("D_"), "(users.name LIKE ? || '%' ESCAPE '/')", &[]),
            (u.name.ends_with_plain("na"), "(users.name LIKE '%' || ? ESCAPE '/')", &["2"]),
            (u.name.ends_with_plain("%a"), "(users.name LIKE '%' || ? ESCAPE '/')", &[]),
            (u.name.glob("*a"), "users.name GLOB ?", &["2"]),
            (u.name.is("Dan"), "users.name IS ?", &["1"]),
            (u.name.regexp_match("^D.n$"), "users.name REGEXP ?", &["1"]),
            (!u.name.regexp_match("^(?i)dan"), "users.name NOT REGEXP ?", &["3"]),
        ] {
            w.check(&select(&u.id).filter(condition), &format!("SELECT users.id FROM users WHERE {sql}"), rows).await;
        }
        w.check(
            &select(u.name.concat("!").label("loud")).filter(u.id.eq(1)),
            "SELECT users.name || ? AS loud FROM users WHERE users.id = ?",
            &["Dan!"],
        )
        .await;
        w.gives(&select(&u.id).filter(u.name.collate("NOCASE").eq("dan")), &["1"]).await;
        let replaced = aludel::typed::func::call::<String>(
            "regexp_replace",
            (&u.name, literal("a(.)".to_owned()), literal("<$1>".to_owned())),
        );
        w.gives(&select(replaced), &["D<n>", "D<n>a", "C<s>ey"]).await;
        let broken = select(&u.id).filter(u.name.regexp_match("("));
        w.refuses(&broken, ErrorKind::Operational, "regexp").await;
        // NULL is neither a match nor none, and a pattern may be another one for each row.
        let column = aludel::sql::expr::binary(Binary::Regexp, literal("Dan".to_owned()).node(), u.name.node());
        w.gives(&select(&column).order_by(&u.id), &["1", "0", "0"]).await;
        let null =
            aludel::sql::expr::binary(Binary::Regexp, &aludel::sql::expr::null(), literal("x".to_owned()).node());
        w.gives(&select(&null), &["NULL"]).await;
        // Full-text search belongs to tables that are made for it.
        w.conn.execute(&aludel::text("CREATE VIRTUAL TABLE docs USING fts5(body)"), ()).await.unwrap();
        w.conn.execute(&aludel::text("INSERT INTO docs VALUES ('red fox'), ('blue whale')"), ()).await.unwrap();
        let docs = aludel::sql::schema::Table::new("docs", vec![aludel::sql::schema::Column::of::<String>("body")]);
        let docs = aludel::sql::schema::From::Table(std::rc::Rc::new(docs));
        let body: aludel::typed::Column<String> = aludel::typed::Column::new(&docs, "body");
        w.check(
            &select(&body).filter(body.match_("whale")),
            "SELECT docs.body FROM docs WHERE docs.body MATCH ?",
            &["blue whale"],
        )
        .await;
    });
}

#[test]
fn b2_05_arithmetic() {
    on_world(async |w| {
        let u = &w.u;
        w.check(
            &select((&u.age + 1, &u.age - 1, &u.age * 2, &u.age % 7, -&u.age)).filter(u.id.eq(1)),
            "SELECT users.age + ? AS anon_1, users.age - ? AS anon_2, users.age * ? AS anon_3, users.age % ? AS anon_4, \
             -users.age FROM users WHERE users.id = ?",
            &["31|29|60|2|-30"],
        )
        .await;
        w.check(
            &select((u.age.true_div(4), u.age.floor_div(4), u.score.floor_div(1.0))).order_by(&u.id),
            "SELECT users.age / (? + 0.0) AS anon_1, users.age / ? AS anon_2, FLOOR(users.score / ?) AS anon_3 \
             FROM users ORDER BY users.id",
            // The floor of NULL is NULL.
            &["7.5|7|1.0", "5.0|5|-3.0", "NULL|NULL|NULL"],
        )
        .await;
        let power = aludel::typed::func::call::<f64>("pow", (&u.id, literal(2)));
        w.gives(&select(power), &["1.0", "4.0", "9.0"]).await;
        w.gives(&select(literal("a".to_owned()) + "b"), &["ab"]).await;
    });
}

#[test]
fn b2_06_bits() {
    on_world(async |w| {
        let (five, three) = (literal(5_i64), literal(3_i64));
        let all = select((
            five.bitwise_and(&three),
            five.bitwise_or(&three),
            five.bitwise_xor(&three),
            five.bitwise_not(),
            five.bitwise_lshift(1),
            five.bitwise_rshift(1),
            five.bitwise_xor(&three) + 1,
        ));
        w.gives(&all, &["1|7|6|-6|10|2|7"]).await;
        assert!(all.to_string().contains("((? | ?) - (? & ?)) AS anon_3"), "{all}");
    });
}

#[test]
fn b2_07_custom_operators_casts_and_coercions() {
    on_world(async |w| {
        let u = &w.u;
        w.check(
            &select(&u.id).filter(u.name.op::<bool, _>("GLOB", "D*")),
            "SELECT users.id FROM users WHERE users.name GLOB ?",
            &["1", "2"],
        )
        .await;
        w.check(
            &select((u.meta.op::<String, _>("->>", "$.k"), u.age.cast::<String>())).filter(u.id.eq(1)),
            "SELECT users.meta ->> ? AS anon_1, CAST(users.age AS VARCHAR) AS age FROM users WHERE users.id = ?",
            &["v|30"],
        )
        .await;
        for (ty, sql) in [
            (SqlType::Numeric(Some(10), Some(2)), "CAST(? AS NUMERIC(10, 2))"),
            (SqlType::String(Some(10)), "CAST(? AS VARCHAR(10))"),
            (SqlType::Float, "CAST(? AS FLOAT)"),
            (SqlType::LargeBinary, "CAST(? AS BLOB)"),
        ] {
            let statement = select(literal("1.5".to_owned()).cast_as::<Value>(ty));
            assert_eq!(statement.to_string(), format!("SELECT {sql} AS anon_1"));
            w.rows_of(&statement, ()).await;
        }
        let coerced: Expr<i64> = u.flag.type_coerce();
        w.check(
            &select(&coerced + 1).filter(u.id.eq(1)),
            "SELECT users.flag + ? AS anon_1 FROM users WHERE users.id = ?",
            &["2"],
        )
        .await;
        let tried = aludel::typed::func::call::<i64>("try_cast", &u.name);
        w.refuses(&select(tried), ErrorKind::Compile, "SQLite has no TRY_CAST").await;
        w.gives(&select(aludel::typed::func::count(u.flag.distinct())), &["2"]).await;
    });
}

#[test]
fn b2_08_case() {
    on_world(async |w| {
        let u = &w.u;
        let text = |text: &str| literal(text.to_owned());
        let age = case([(u.age.ge(30), text("old")), (u.age.ge(20), text("young"))], Some(text("unknown")));
        w.check(
            &select(age.label("how")).order_by(&u.id),
            "SELECT CASE WHEN (users.age >= ?) THEN ? WHEN (users.age >= ?) THEN ? ELSE ? END AS how \
             FROM users ORDER BY users.id",
            &["old", "young", "unknown"],
        )
        .await;
        let simple = aludel::sql::expr::case(
            Some(u.name.node().clone()),
            vec![(text("Dan").node().clone(), literal(1).node().clone())],
            None,
        );
        w.check(
            &select(&simple),
            "SELECT CASE users.name WHEN ? THEN ? END AS anon_1 FROM users",
            &["1", "NULL", "NULL"],
        )
        .await;
        w.refuses(
            &select(aludel::sql::expr::case(None, Vec::new(), None)),
            ErrorKind::Compile,
            "case() takes at least one condition",
        )
        .await;
    });
}

#[test]
fn b2_12_json() {
    on_world(async |w| {
        let u = &w.u;
        let one = |expr: Expr<Value>| select(expr).filter(u.id.eq(1));
        w.check(
            &one(u.meta.item(&[key("a"), key("k"), JsonStep::Index(1)])),
            "SELECT JSON_QUOTE(JSON_EXTRACT(users.meta, ?)) AS anon_1 FROM users WHERE users.id = ?",
            &["20"],
        )
        .await;
        let typed = select((
            u.meta.item::<String>(&[key("k")]),
            u.meta.item::<i64>(&[key("n")]),
            u.meta.item::<f64>(&[key("n")]),
            u.meta.item::<bool>(&[key("t")]),
            u.meta.item::<Value>(&[key("k")]),
            u.meta.item::<i64>(&[key("a"), key("k"), JsonStep::Index(-1)]),
        ))
        .filter(u.id.eq(1));
        w.gives(&typed, &["v|2|2.5|1|\"v\"|20"]).await;
        assert!(typed.to_string().contains("CAST(JSON_EXTRACT(users.meta, ?) AS INTEGER) AS anon_2"), "{typed}");
        w.gives(&select(&u.id).filter((u.meta.item::<String>(&[key("k")]).eq("v"), u.id.lt(3))), &["1", "2"]).await;
        // JSON's null is not SQL's.
        w.conn.execute(&u.clone_update("meta", "null"), ()).await.unwrap();
        w.gives(&select(u.meta.is(None::<aludel::typed::Json<serde_json::Value>>)).filter(u.id.eq(1)), &["0"]).await;
    });
}

trait UpdateOne {
    fn clone_update(&self, key: &str, value: &str) -> aludel::sql::statement::Update;
}

impl UpdateOne for super::Users {
    /// Sets a column of the first row to a text as it is.
    fn clone_update(&self, key: &str, value: &str) -> aludel::sql::statement::Update {
        let value = aludel::sql::expr::literal(value.into());
        let setting = aludel::sql::statement::Setting { column: key.into(), value };
        super::TypedTable::update(self).values(setting).filter(self.id.eq(1))
    }
}

#[test]
fn operands_may_be_parameters_that_the_call_gives() {
    on_world(async |w| {
        let u = &w.u;
        let statement = select(&u.id).filter(u.name.eq(bindparam::<String>("who")));
        assert_eq!(w.rows_of(&statement, params! { "who" => "Casey" }).await, ["3"]);
        let raw = binary(Binary::Eq, u.id.node(), literal_column::<i64>("2").node());
        assert_eq!(w.rows_of(&select(&u.id).filter(not(&raw)), ()).await, ["1", "3"]);
    });
}
