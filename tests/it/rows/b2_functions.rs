//! B2: functions and windows.

use super::on_world;
use aludel::sql::expr::FrameUnit;
use aludel::sql::statement::select;
use aludel::typed::{Expr, func, literal};
use aludel::{ErrorKind, Value};

#[test]
fn b2_09_functions() {
    on_world(async |w| {
        let u = &w.u;
        w.check(
            &select((func::count_all(), func::count(&u.age), func::sum(&*u.age), func::min(&u.age), func::max(&u.age)))
                .select_from(u),
            "SELECT count(*) AS count_1, count(users.age) AS count_2, sum(users.age) AS sum_1, min(users.age) AS min_1, \
             max(users.age) AS max_1 FROM users",
            &["3|2|50|20|30"],
        )
        .await;
        w.gives(&select(func::avg(&u.age)), &["25.0"]).await;
        w.gives(&select(func::coalesce(&u.age, 0)), &["30", "20", "0"]).await;
        w.check(
            &select((func::lower(&u.name), func::char_length(&u.name))).filter(u.id.eq(2)),
            "SELECT lower(users.name) AS lower_1, length(users.name) AS char_length_1 FROM users WHERE users.id = ?",
            &["dana|4"],
        )
        .await;
        w.check(
            &select((func::now(), func::current_date(), func::current_time())),
            "SELECT CURRENT_TIMESTAMP AS now_1, CURRENT_DATE AS current_date_1, CURRENT_TIME AS current_time_1",
            &[&w.rows_of(&aludel::text("SELECT CURRENT_TIMESTAMP, CURRENT_DATE, CURRENT_TIME"), ()).await[0]],
        )
        .await;
        w.check(
            &select(func::aggregate_strings(&u.name, ", ")),
            "SELECT group_concat(users.name, ?) AS aggregate_strings_1 FROM users",
            &["Dan, Dana, Casey"],
        )
        .await;
        let text = |text: &str| literal(text.to_owned());
        w.gives(&select(func::call::<String>("concat", (text("a"), text("b")))), &["ab"]).await;
        w.gives(&select(func::call::<Option<i64>>("nullif", (literal(1), literal(1)))), &["NULL"]).await;
        w.gives(&select(func::call::<i64>("abs", literal(-4))), &["4"]).await;
        let any = select(func::call::<Value>("no_such_function", ()));
        w.refuses(&any, ErrorKind::Operational, "no such function: no_such_function").await;
    });
}

#[test]
fn b2_10_windows_filters_and_order_in_aggregates() {
    on_world(async |w| {
        let (u, a) = (&w.u, &w.a);
        w.check(
            &select((&a.id, func::row_number().over(&a.user_id, a.id.desc()))).order_by(&a.id),
            "SELECT addr.id, row_number() OVER (PARTITION BY addr.user_id ORDER BY addr.id DESC) AS anon_1 FROM addr \
             ORDER BY addr.id",
            &["1|2", "2|1", "3|1"],
        )
        .await;
        let sums = |unit, ends| select(func::sum(&*u.id).over_frame((), &u.id, unit, ends)).order_by(&u.id);
        w.check(
            &sums(FrameUnit::Rows, (Some(-1), Some(1))),
            "SELECT sum(users.id) OVER (ORDER BY users.id ROWS BETWEEN ? PRECEDING AND ? FOLLOWING) AS anon_1 FROM users \
             ORDER BY users.id",
            &["3", "6", "5"],
        )
        .await;
        w.check(
            &sums(FrameUnit::Range, (None, Some(0))),
            "SELECT sum(users.id) OVER (ORDER BY users.id RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS anon_1 \
             FROM users ORDER BY users.id",
            &["1", "3", "6"],
        )
        .await;
        w.gives(&sums(FrameUnit::Groups, (Some(0), None)), &["6", "5", "3"]).await;
        for (function, rows) in [
            (func::rank(), ["1", "2", "3"]),
            (func::dense_rank(), ["1", "2", "3"]),
            (func::call::<i64>("ntile", literal(2)), ["1", "1", "2"]),
            (func::call("lag", (&u.id, literal(1), literal(0))), ["0", "1", "2"]),
            (func::call("lead", &u.id), ["2", "3", "NULL"]),
            (func::call("first_value", &u.id), ["1", "1", "1"]),
            (func::call("last_value", &u.id), ["1", "2", "3"]),
            (func::call("nth_value", (&u.id, literal(2))), ["NULL", "2", "2"]),
        ] {
            w.gives(&select(function.over((), &u.id)).order_by(&u.id), &rows).await;
        }
        for (function, rows) in [
            (func::percent_rank(), ["0.0", "0.5", "1.0"]),
            (func::cume_dist(), ["0.3333333333333333", "0.6666666666666666", "1.0"]),
        ] {
            w.gives(&select(function.over((), &u.id)).order_by(&u.id), &rows).await;
        }
        w.check(
            &select(func::count(&u.id).filter(u.age.gt(25))),
            "SELECT count(users.id) FILTER (WHERE users.age > ?) AS anon_1 FROM users",
            &["1"],
        )
        .await;
        w.check(
            &select(func::aggregate_strings(&u.name, "-").aggregate_order_by(u.name.desc())),
            "SELECT group_concat(users.name, ? ORDER BY users.name DESC) AS aggregate_strings_1 FROM users",
            &["Dana-Dan-Casey"],
        )
        .await;
    });
}

#[test]
fn b2_11_fields_of_dates() {
    on_world(async |w| {
        let u = &w.u;
        w.check(
            &select(u.dt.extract("year")).limit(1),
            "SELECT CAST(STRFTIME('%Y', users.dt) AS INTEGER) AS anon_1 FROM users LIMIT ? OFFSET ?",
            &["2024"],
        )
        .await;
        let fields = ["month", "day", "hour", "minute", "second", "doy", "dow", "week", "epoch"];
        let fields: Vec<Expr<i64>> = fields.iter().map(|field| u.dt.extract(field)).collect();
        w.gives(&select(fields).limit(1), &["2|29|12|30|45|60|4|9|1709209845"]).await;
        w.refuses(&select(u.dt.extract("quarter")), ErrorKind::Compile, "quarter is not a valid extract argument")
            .await;
    });
}
