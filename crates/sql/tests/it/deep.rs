//! Whatever is nested without end, or doubles with each step, is a typed error: nobody runs out of stack or memory.

use crate::tables::Tables;
use aludel_protocol::{ErrorKind, Value};
use aludel_sql::compile::{Options, compile};
use aludel_sql::expr::*;
use aludel_sql::schema::{From, JoinKind};
use aludel_sql::shape::Shape;
use aludel_sql::statement::*;

const DEEP: usize = 20_000;

fn refused(select: &Select, message: &str) {
    let error = compile(&Statement::Query(select.query()), Options::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Compile);
    assert!(error.message().contains(message), "{error}");
}

fn grown(times: usize, start: Expr, grow: impl Fn(&Expr) -> Expr) -> Expr {
    (0..times).fold(start, |expr, _| grow(&expr))
}

type Grow = Box<dyn Fn(&Expr) -> Expr>;

#[test]
fn expressions_without_end_are_errors() {
    let t = Tables::new();
    let ways: Vec<(&str, Grow)> = vec![
        ("neg", Box::new(neg)),
        ("not", Box::new(|expr| not(&group(expr)))),
        ("group", Box::new(group)),
        ("left", Box::new(|expr| binary(Binary::Sub, expr, &literal(Value::Integer(1))))),
        ("right", Box::new(|expr| binary(Binary::Concat, &literal("x".into()), expr))),
        ("call", Box::new(|expr| call("lower", [expr.clone()]))),
        ("case", Box::new(|expr| case(None, vec![(truth(true), expr.clone())], None))),
        ("or", Box::new(|expr| or([and([expr.clone(), truth(false)]), neg(expr)]))),
        ("list", Box::new(|expr| in_(&truth(true), InList::Bind(expr.clone())))),
        (
            "frame",
            Box::new(|expr| {
                let frame = Some((FrameUnit::Rows, FrameEnd::Preceding(expr.clone()), FrameEnd::Current));
                over(&call("count", []), Window { frame, ..Window::default() })
            }),
        ),
        (
            "function of rows",
            Box::new(|expr| {
                let call = aggregate_order_by(&call("json_each", []), vec![expr.clone()]);
                let from = aludel_sql::schema::table_valued(&call, &["x"], None);
                from.column("x").unwrap_or_else(|| missing_column(&from, "x"))
            }),
        ),
        ("query", Box::new(|expr| select(expr).scalar_subquery())),
        ("exists", Box::new(|expr| select(expr).exists())),
        ("in", Box::new(|expr| in_(expr, InList::Query(select(expr).query())))),
        (
            "subquery",
            Box::new(|expr| {
                let from = select(label(expr, Some("x"))).subquery(None);
                from.column("x").unwrap_or_else(|| missing_column(&from, "x"))
            }),
        ),
        (
            "cte",
            Box::new(|expr| {
                let from = From::Cte(select(label(expr, Some("x"))).cte(None));
                from.column("x").unwrap_or_else(|| missing_column(&from, "x"))
            }),
        ),
    ];
    for (name, grow) in ways {
        let expr = grown(DEEP, t.u("age"), grow);
        println!("{name}");
        if name != "not" {
            refused(&select(&expr), "");
        }
        drop(expr);
    }
}

#[test]
fn statements_without_end_are_errors() {
    let t = Tables::new();
    let users = From::Table(t.users.clone());
    let alias = (0..DEEP).fold(users.clone(), |from, _| from.alias(None));
    refused(&select(&alias), "nested more than 1000 levels deep");
    let first = cte(select(t.u("id")).query(), Some("r"), true);
    let chain = (0..DEEP).fold(first, |chain, _| cte_union(&chain, select(t.u("id")).query(), true));
    refused(&select(From::Cte(chain)), "");
    let union = (0..DEEP).fold(select(t.u("id")).query(), |query, _| {
        compound(CompoundKind::Union, [query, select(t.u("id")).query()]).query()
    });
    assert!(compile(&Statement::Query(union), Options::default()).is_err());
    let joins = (0..2000)
        .fold(select(t.u("id")), |select, _| select.join_as(t.addr.clone(), Some(truth(true)), JoinKind::Inner));
    refused(&joins, "nested more than 1000 levels deep");
}

#[test]
fn what_doubles_with_each_step_is_an_error() {
    let t = Tables::new();
    let ways: Vec<Grow> = vec![
        Box::new(|expr| binary(Binary::Add, expr, expr)),
        Box::new(|expr| and([neg(expr), neg(expr)])),
        Box::new(|expr| tuple(vec![expr.clone(); 3])),
        Box::new(|expr| select([expr, expr]).scalar_subquery()),
    ];
    for grow in ways {
        let expr = grown(200, t.u("age"), grow);
        refused(&select(&expr), "the expression has more than 1000000 parts");
    }
}

#[test]
fn what_is_as_deep_as_may_be_is_compiled() {
    let t = Tables::new();
    let minus = |expr: &Expr| binary(Binary::Sub, &literal(Value::Integer(1)), expr);
    let query = |expr: &Expr| select(expr).scalar_subquery();
    for (expr, what) in [
        (grown(990, t.u("age"), minus), "expressions"),
        (grown(320, t.u("age"), query), "queries"),
        (grown(990, t.u("age"), |expr| call("abs", [expr.clone()])), "calls"),
    ] {
        println!("{what}");
        let statement = Statement::Query(select(&expr).query());
        assert!(Shape::of(&statement, &[]).unwrap().bytes().len() > 2000);
        let compiled = compile(&statement, Options::default());
        let sql = compiled.unwrap_or_else(|error| panic!("{what}: {error}")).sql();
        assert!(sql.len() > 2000);
    }
}
