//! B3: many rows at once.

use super::{TypedTable, on_world};
use aludel::sql::statement::select;
use aludel::typed::func;
use aludel::{ErrorKind, many, params};

#[test]
fn b3_06_many_sets_run_one_prepared_statement() {
    on_world(async |w| {
        let u = &w.u;
        let people = |from: i64| many((from..from + 5000).map(|n| params! { "id" => n, "name" => format!("n{n}") }));
        assert_eq!(w.rows_of(&u.insert(), people(100)).await, ["5000 changed"]);
        w.gives(&select(func::count_all()).select_from(u), &["5003"]).await;
        w.conn.commit().await.unwrap();
        // One that fails takes with it only what its transaction holds, and that is all of them.
        let mut broken: Vec<_> = (6000..6010).map(|n| params! { "id" => n, "name" => "x" }).collect();
        broken.push(params! { "id" => 1, "name" => "taken" });
        let failed = w.engine.execute(&u.insert(), many(broken)).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Integrity);
        w.gives(&select(func::count_all()).select_from(u), &["5003"]).await;
        let mixed = many([params! { "id" => 7000, "name" => "x" }, params! { "id" => 7001 }]);
        let error = w.conn.execute(&u.insert(), mixed).await.unwrap_err();
        assert!(error.message().contains("'name', in parameter group 1"), "{error}");
    });
}

#[test]
fn b3_07_many_rows_are_returned_in_their_order() {
    on_world(async |w| {
        let u = &w.u;
        let names: Vec<String> = (0..2500).map(|n| format!("n{}", (n * 7919) % 2500)).collect();
        let sets = many(names.iter().map(|name| params! { "name" => name.as_str() }));
        let insert = u.insert().returning((&u.id, &u.name));
        let rows: Vec<(i64, String)> = w.conn.execute(&insert, sets).await.unwrap().all_to().unwrap();
        assert_eq!(rows.len(), 2500);
        assert!(rows.iter().zip(&names).all(|(row, name)| row.1 == *name), "in the order in which they were given");
        assert!(rows.windows(2).all(|pair| pair[0].0 < pair[1].0));
    });
}
