//! The programs that every front end must run, as far as they use tables and expressions, with their output.

use crate::support::{memory, run};
use aludel::sql::schema::MetaData;
use aludel::sql::statement::select;
use aludel::typed::{TypedTable, literal};
use aludel::{ConstraintKind, Engine, ErrorKind, params};

aludel::table! {
    struct Users: "users" {
        id: i64 => primary_key(),
        name: Option<String>,
    }
}

aludel::table! {
    struct People: "people" {
        id: i64 => primary_key(),
        email: Option<String> => unique(),
        age: Option<i64>,
    }
}

#[test]
fn program_3_executemany_and_filter_with_tables_and_expressions() {
    run(async {
        let engine = memory();
        let metadata = MetaData::new();
        let users = Users::new(&metadata);
        engine.execute(&users.create(), ()).await.unwrap();
        let conn = engine.connect().await.unwrap();
        for name in ["Jeremy Goodwin", "Natalie Hurley", "Dan Rydell", "Casey McCall", "Dana Whitaker"] {
            conn.execute(&users.insert().values(users.name.set(name)), ()).await.unwrap();
        }
        conn.commit().await.unwrap();
        let mut printed = Vec::new();
        let with_d = users.select().filter(users.name.starts_with("D")).order_by(&users.id);
        for user in conn.execute(&with_d, ()).await.unwrap().fetchall().unwrap() {
            printed.push(format!("Username: {}", user.at(&users.name).unwrap().unwrap()));
        }
        assert_eq!(printed, ["Username: Dan Rydell", "Username: Dana Whitaker"]);
        conn.close().await.unwrap();
        let conn = engine.connect().await.unwrap();
        let transaction = conn.begin().await.unwrap();
        assert_eq!(conn.scalar::<i64>(&select(literal(1)), ()).await.unwrap(), Some(1));
        transaction.rollback().await.unwrap();
        conn.close().await.unwrap();
        engine.execute(&users.drop_table(), ()).await.unwrap();
        assert!(!engine.has_table("users").await.unwrap());
    });
}

#[test]
fn program_4_begin_after_autobegin_with_tables_and_expressions() {
    run(async {
        let engine = memory();
        let users = Users::new(&MetaData::new());
        engine.execute(&users.create(), ()).await.unwrap();
        let conn = engine.connect().await.unwrap();
        let one = conn.execute(&select(literal(1)), ()).await.unwrap().scalar::<i64>().unwrap();
        assert_eq!(one, Some(1), "this began a transaction");
        let error = conn.begin().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().contains("beginNested()") && error.message().contains("commit()"), "{error}");
        conn.commit().await.unwrap();
        let add = |name: &str| users.insert().values(users.name.set(name));
        conn.transaction(async |conn| conn.execute(&add("Bob"), ()).await).await.unwrap();
        let savepoint = conn.begin_nested().await.unwrap();
        conn.execute(&add("gone"), ()).await.unwrap();
        savepoint.rollback().await.unwrap();
        conn.commit().await.unwrap();
        let names: Vec<(String,)> = conn.execute(&select(&users.name), ()).await.unwrap().all_to().unwrap();
        assert_eq!(names, [("Bob".to_owned(),)]);
    });
}

#[test]
fn program_5_errors_with_tables_and_expressions() {
    run(async {
        let engine = Engine::new("sqlite://").unwrap();
        let people = People::new(&MetaData::new());
        engine.execute(&people.create(), ()).await.unwrap();
        let conn = engine.connect().await.unwrap();
        let two = ["existing@example.com", "other@example.com"].map(|email| params! { "email" => email, "age" => 7 });
        conn.execute(&people.insert(), aludel::many(two)).await.unwrap();
        let again = people.insert().values(people.email.set("existing@example.com"));
        let error = conn.execute(&again, ()).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Integrity, Some("gkpj")));
        let constraint = error.constraint().unwrap();
        assert_eq!((constraint.kind, &constraint.columns[..]), (ConstraintKind::Unique, &["email".to_owned()][..]));
        // The connection is usable at once.
        let none = conn.execute(&people.select().filter(people.id.eq(99999)), ()).await.unwrap();
        assert_eq!(none.scalar_one::<i64>().unwrap_err().kind(), ErrorKind::NoResultFound);
        let two = conn.execute(&people.select().filter(people.age.eq(7)), ()).await.unwrap();
        assert_eq!(two.one().unwrap_err().kind(), ErrorKind::MultipleResultsFound);
    });
}
