//! Random statements are run beside their naive text.

use super::changes::Change;
use super::queries::Order;
use super::{DATA, Maker, Random, Scope, tables};
use crate::support::{run, setup};
use aludel::sql::compile::literal_sql;
use aludel::sql::schema::From;
use aludel::sql::statement::{Statement, select};
use aludel::{Connection, Engine, ResultSet, Value};

/// As many as this, which takes a few seconds, unless `ALUDEL_RANDOM` says how many times as many.
fn rounds(usual: usize) -> usize {
    let times = std::env::var("ALUDEL_RANDOM").ok().and_then(|times| times.parse().ok());
    usual * times.unwrap_or(1)
}

fn seed() -> u64 {
    let seed = std::env::var("ALUDEL_SEED").ok().and_then(|seed| seed.parse().ok());
    seed.unwrap_or_else(|| std::process::id().into())
}

async fn engine() -> Engine {
    // What is inserted refers to whatever it likes.
    let engine = Engine::builder("sqlite://").foreign_keys(false).build().unwrap();
    setup(&engine, DATA).await;
    engine
}

type Rows = Vec<Vec<Value>>;

/// What came of a statement; `None` for a sum that is too large, which SQLite may notice in the one text and not in the other.
fn rows(result: aludel::Result<ResultSet>) -> Option<Result<Rows, String>> {
    match result {
        Ok(result) if !result.returns_rows() => Some(Ok(Vec::new())),
        Ok(result) => Some(Ok(result.all().unwrap().iter().map(|row| row.values().to_vec()).collect())),
        Err(error) if error.message().contains("integer overflow") => None,
        Err(error) => Some(Err(error.message().to_owned())),
    }
}

/// The rows as they are compared.
fn shown(rows: &Rows, ordered: bool, merges: bool) -> Vec<String> {
    let whole = |value: &Value| match value {
        // -0.0 is no other number than 0.
        Value::Real(real) if *real == 0.0 => Value::Real(0.0),
        other => other.clone(),
    };
    let number = |value: &Value| match whole(value) {
        Value::Integer(integer) if merges => Value::Real(integer as f64),
        other => other,
    };
    let mut rows: Vec<String> =
        rows.iter().map(|row| format!("{:?}", row.iter().map(number).collect::<Vec<_>>())).collect();
    if !ordered {
        rows.sort();
    }
    rows
}

struct Outcome {
    compared: usize,
    failed: usize,
    with_rows: usize,
}

impl Outcome {
    /// Compares what came of the three texts; `what` tells which they were.
    fn compare(
        &mut self,
        all: [Option<Result<Rows, String>>; 3],
        ordered: bool,
        merges: bool,
        what: &dyn Fn() -> String,
    ) {
        let [Some(naive), Some(ours), Some(literal)] = all else { return };
        for (text, of) in [("with parameters", &ours), ("with literals", &literal)] {
            match (&naive, of) {
                (Ok(naive), Ok(of)) => {
                    let (naive, of) = (shown(naive, ordered, merges), shown(of, ordered, merges));
                    assert_eq!(naive, of, "{text}, of {}", what());
                }
                (Err(naive), Err(of)) => assert_eq!(naive, of, "{text}, of {}", what()),
                other => panic!("{text}: {other:?}, of {}", what()),
            }
        }
        match naive {
            Ok(rows) => {
                self.compared += 1;
                self.with_rows += usize::from(!rows.is_empty());
            }
            Err(_) => self.failed += 1,
        }
    }
}

#[test]
fn random_queries_mean_the_same_as_their_naive_text() {
    let seed = seed();
    println!("ALUDEL_SEED={seed}");
    run(async {
        let connection = engine().await.connect().await.unwrap();
        let mut outcome = Outcome { compared: 0, failed: 0, with_rows: 0 };
        let (count, tables) = (rounds(1200), tables());
        for round in 0..count {
            // Each two rounds have a seed of their own, and the same statement with other values: it is not compiled again.
            let mut maker = Maker::new(seed.wrapping_add(round as u64 / 2));
            maker.tables.clone_from(&tables);
            if round % 2 == 1 {
                maker.values = Random(seed.wrapping_add(round as u64));
            }
            let sorts = maker.sorts();
            let made = maker.query(&sorts, 2, Order::Any);
            let statement = Statement::Query(made.query);
            let what = || format!("round {round} of ALUDEL_SEED={seed}\n{}\n{statement}", made.sql);
            let literal = literal_sql(&statement).unwrap_or_else(|error| panic!("{error}, of {}", what()));
            let all = [
                rows(connection.exec_driver_sql(&made.sql, ()).await),
                rows(connection.execute(&statement, ()).await),
                rows(connection.exec_driver_sql(&literal, ()).await),
            ];
            outcome.compare(all, made.ordered, maker.merges, &what);
        }
        let Outcome { compared, failed, with_rows } = outcome;
        println!("{compared} compared, {with_rows} of them with rows, {failed} refused by SQLite in the same words");
        let cache = connection.engine().compiled_cache_info();
        println!("{cache:?}");
        assert!(compared > count * 9 / 10 && with_rows > count / 4 && cache.hits as usize > count / 3);
    });
}

/// What a statement returns, and what all tables hold afterwards.
async fn changed(
    connection: &Connection,
    maker: &Maker,
    result: aludel::Result<ResultSet>,
) -> Option<Result<Rows, String>> {
    let mut all = match rows(result)? {
        Ok(returned) => returned,
        Err(error) => return Some(Err(error)),
    };
    all.sort_by_key(|row| format!("{row:?}"));
    for table in &maker.tables {
        let from = From::Table(table.clone());
        let query = select([from.clone()]).order_by([from.column("id").unwrap()]);
        let held = connection.execute(&query, ()).await.unwrap();
        all.extend(held.all().unwrap().iter().map(|row| row.values().to_vec()));
    }
    Some(Ok(all))
}

#[test]
fn random_changes_leave_the_same_tables_as_their_naive_text() {
    let seed = seed();
    println!("ALUDEL_SEED={seed}");
    run(async {
        let connection = engine().await.connect().await.unwrap();
        let mut outcome = Outcome { compared: 0, failed: 0, with_rows: 0 };
        let count = rounds(600);
        for round in 0..count {
            let mut maker = Maker::new(seed.wrapping_add(round as u64));
            let Change { statement, sql } = maker.change();
            assert!(maker.scopes.is_empty(), "a scope was left open");
            let what = || format!("ALUDEL_SEED={}\n{sql}\n{statement}", seed.wrapping_add(round as u64));
            let literal = literal_sql(&statement).unwrap_or_else(|error| panic!("{error}, of {}", what()));
            let mut all = [None, None, None];
            for (at, outcome) in all.iter_mut().enumerate() {
                let result = match at {
                    0 => connection.exec_driver_sql(&sql, ()).await,
                    1 => connection.execute(&statement, ()).await,
                    _ => connection.exec_driver_sql(&literal, ()).await,
                };
                *outcome = changed(&connection, &maker, result).await;
                connection.rollback().await.unwrap();
            }
            outcome.compare(all, true, maker.merges, &what);
        }
        let Outcome { compared, failed, .. } = outcome;
        println!("{compared} compared, {failed} refused by SQLite in the same words");
        assert!(compared > count / 2);
    });
}

#[test]
fn random_expressions_mean_the_same_with_and_without_parentheses() {
    let seed = seed();
    println!("ALUDEL_SEED={seed}");
    run(async {
        let connection = engine().await.connect().await.unwrap();
        let mut outcome = Outcome { compared: 0, failed: 0, with_rows: 0 };
        let count = rounds(300);
        for round in 0..count {
            let mut maker = Maker::new(seed.wrapping_add(round as u64));
            let users = maker.users();
            maker.scopes.push(Scope::default());
            maker.enter(&users);
            let exprs: Vec<_> = (0..10)
                .map(|_| {
                    let (sort, depth) = (maker.sort(), 1 + maker.random.below(4) as u32);
                    maker.expr(sort, depth)
                })
                .collect();
            maker.scopes.pop();
            let id = users.from.column("id").unwrap();
            let query = select(exprs.iter().map(|term| term.expr.clone()).collect::<Vec<_>>())
                .select_from(users.from)
                .order_by([id]);
            let sql: Vec<&str> = exprs.iter().map(|term| term.sql.as_str()).collect();
            let naive = format!("SELECT {} FROM users ORDER BY users.id", sql.join(", "));
            let statement = Statement::Query(query.query());
            let all = [
                rows(connection.exec_driver_sql(&naive, ()).await),
                rows(connection.execute(&statement, ()).await),
                rows(connection.exec_driver_sql(&literal_sql(&statement).unwrap(), ()).await),
            ];
            outcome.compare(all, true, maker.merges, &|| {
                format!("ALUDEL_SEED={}\n{naive}\n{statement}", seed.wrapping_add(round as u64))
            });
        }
        assert!(outcome.compared > count * 3 / 4, "only {} of {count} could be compared", outcome.compared);
    });
}
