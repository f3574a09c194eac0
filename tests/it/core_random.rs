//! Random expressions: compiled with as few parentheses as SQLite's grammar needs, and printed naively with all of them.
//! Both have to give the same rows.

use crate::support::{run, setup};
use crate::tables::Tables;
use aludel::sql::expr::*;
use aludel::sql::schema::From;
use aludel::sql::statement::select;
use aludel::sql::types::{Family, SqlType};
use aludel::{Engine, Value, text};

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// An expression, and the same in SQL with all parentheses.
type Pair = (Expr, String);

struct Maker {
    random: Random,
    tables: Tables,
}

impl Maker {
    fn column(&mut self, keys: &[&str]) -> Pair {
        let key = *self.random.pick(keys);
        (self.tables.u(key), format!("users.{key}"))
    }

    fn number(&mut self, depth: u32) -> Pair {
        if depth == 0 || self.random.below(5) == 0 {
            return match self.random.below(5) {
                0 | 1 => self.column(&["age", "id"]),
                2 => self.column(&["score"]),
                3 => {
                    let value = self.random.below(7) as i64 - 3;
                    (literal(Value::Integer(value)), format!("({value})"))
                }
                _ => {
                    let value = *self.random.pick(&[0.5, -1.5, 2.0, 1e9]);
                    (literal(Value::Real(value)), format!("({value:?})"))
                }
            };
        }
        match self.random.below(9) {
            0..=3 => {
                let (left, right) = (self.number(depth - 1), self.number(depth - 1));
                let (op, sign) = self
                    .random
                    .pick(&[
                        (Binary::Add, "+"),
                        (Binary::Sub, "-"),
                        (Binary::Mul, "*"),
                        (Binary::Mod, "%"),
                        (Binary::BitAnd, "&"),
                        (Binary::BitOr, "|"),
                        (Binary::ShiftLeft, "<<"),
                        (Binary::ShiftRight, ">>"),
                    ])
                    .clone();
                (binary(op, &left.0, &right.0), format!("({} {sign} {})", left.1, right.1))
            }
            4 => {
                let (left, right) = (self.number(depth - 1), self.number(depth - 1));
                match self.random.below(3) {
                    0 => (binary(Binary::TrueDiv, &left.0, &right.0), format!("({} / (({}) + 0.0))", left.1, right.1)),
                    1 => {
                        let whole = left.0.ty.family() == Family::Integer
                            && matches!(right.0.ty.family(), Family::Integer | Family::Unknown);
                        let naive = if whole {
                            format!("({} / {})", left.1, right.1)
                        } else {
                            format!("floor(({}) / ({}))", left.1, right.1)
                        };
                        (binary(Binary::FloorDiv, &left.0, &right.0), naive)
                    }
                    _ => (
                        binary(Binary::BitXor, &left.0, &right.0),
                        format!("((({0}) | ({1})) - (({0}) & ({1})))", left.1, right.1),
                    ),
                }
            }
            5 => {
                let inner = self.number(depth - 1);
                if self.random.below(2) == 0 {
                    (neg(&inner.0), format!("(-({}))", inner.1))
                } else {
                    (bitwise_not(&inner.0), format!("(~({}))", inner.1))
                }
            }
            6 => {
                let inner = self.text(depth - 1);
                (call("length", [inner.0]), format!("length({})", inner.1))
            }
            7 => {
                let (condition, yes, no) = (self.condition(depth - 1), self.number(depth - 1), self.number(depth - 1));
                (
                    case(None, vec![(condition.0, yes.0)], Some(no.0)),
                    format!("(CASE WHEN ({}) THEN ({}) ELSE ({}) END)", condition.1, yes.1, no.1),
                )
            }
            _ => {
                let inner = self.number(depth - 1);
                (cast(&inner.0, SqlType::Integer), format!("CAST(({}) AS INTEGER)", inner.1))
            }
        }
    }

    fn text(&mut self, depth: u32) -> Pair {
        if depth == 0 || self.random.below(3) == 0 {
            if self.random.below(2) == 0 {
                return self.column(&["name"]);
            }
            let value = *self.random.pick(&["", "a", "B%", "it's", "10", "größe"]);
            return (literal(Value::Text(value.into())), format!("'{}'", value.replace('\'', "''")));
        }
        match self.random.below(3) {
            0 | 1 => {
                let (left, right) = (self.text(depth - 1), self.text(depth - 1));
                (binary(Binary::Concat, &left.0, &right.0), format!("({} || {})", left.1, right.1))
            }
            _ => {
                let inner = self.text(depth - 1);
                (call("upper", [inner.0]), format!("upper({})", inner.1))
            }
        }
    }

    fn condition(&mut self, depth: u32) -> Pair {
        if depth == 0 {
            let (left, right) = (self.number(0), self.number(0));
            return (binary(Binary::Lt, &left.0, &right.0), format!("({} < {})", left.1, right.1));
        }
        match self.random.below(9) {
            0 | 1 => {
                let (left, right) = (self.number(depth - 1), self.number(depth - 1));
                let (op, sign) = self
                    .random
                    .pick(&[
                        (Binary::Eq, "="),
                        (Binary::Ne, "!="),
                        (Binary::Le, "<="),
                        (Binary::Gt, ">"),
                        (Binary::Ge, ">="),
                        (Binary::Is, "IS"),
                        (Binary::IsNot, "IS NOT"),
                    ])
                    .clone();
                (binary(op, &left.0, &right.0), format!("({} {sign} {})", left.1, right.1))
            }
            2 => {
                let (left, right) = (self.condition(depth - 1), self.condition(depth - 1));
                // A condition is a number, too, and may be compared.
                (binary(Binary::Eq, &left.0, &right.0), format!("({} = {})", left.1, right.1))
            }
            3 | 4 => {
                let (left, right) = (self.condition(depth - 1), self.condition(depth - 1));
                if self.random.below(2) == 0 {
                    (and([left.0, right.0]), format!("({} AND {})", left.1, right.1))
                } else {
                    (or([left.0, right.0]), format!("({} OR {})", left.1, right.1))
                }
            }
            5 => {
                let inner = self.condition(depth - 1);
                (not(&inner.0), format!("(NOT {})", inner.1))
            }
            6 => {
                let (value, low, high) = (self.number(depth - 1), self.number(depth - 1), self.number(depth - 1));
                (between(&value.0, &low.0, &high.0), format!("(({}) BETWEEN ({}) AND ({}))", value.1, low.1, high.1))
            }
            7 => {
                let value = self.number(depth - 1);
                let list: Vec<i64> = (0..self.random.below(4)).map(|_| self.random.below(40) as i64).collect();
                let naive: Vec<String> = list.iter().map(i64::to_string).collect();
                let list = BindValue::List(list.into_iter().map(Value::Integer).collect());
                (in_list(&value.0, list), format!("(({}) IN ({}))", value.1, naive.join(", ")))
            }
            _ => {
                let (value, part) = (self.text(depth - 1), self.text(depth - 1));
                match self.random.below(3) {
                    0 => (like(&value.0, &part.0, None), format!("(({}) LIKE ({}))", value.1, part.1)),
                    1 => (
                        looks_like(&value.0, &part.0, Place::Anywhere, None, false),
                        format!("(({}) LIKE ('%' || ({}) || '%'))", value.1, part.1),
                    ),
                    _ => (
                        looks_like(&value.0, &part.0, Place::Start, Some('/'), true),
                        format!("(lower({}) LIKE (lower({}) || '%') ESCAPE '/')", value.1, part.1),
                    ),
                }
            }
        }
    }
}

#[test]
fn random_expressions_mean_the_same_with_and_without_parentheses() {
    let seed = std::env::var("ALUDEL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| std::process::id().into());
    println!("ALUDEL_SEED={seed}");
    run(async {
        let engine = Engine::new("sqlite://").unwrap();
        setup(
            &engine,
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(50), age INTEGER, score FLOAT);
             INSERT INTO users (name, age, score) VALUES ('Dan', 30, 1.5), ('it''s', -3, -0.25), ('', 0, 0.0),
             (NULL, NULL, NULL), ('10', 7, 1e10), ('größe B%', 39, 2.0)",
        )
        .await;
        let connection = engine.connect().await.unwrap();
        let mut maker = Maker { random: Random(seed), tables: Tables::new() };
        let mut compared = 0;
        for round in 0..400 {
            let pairs: Vec<Pair> = (0..10)
                .map(|at| {
                    let depth = 1 + maker.random.below(4) as u32;
                    if at % 2 == 0 { maker.number(depth) } else { maker.condition(depth) }
                })
                .collect();
            let condition = maker.condition(3);
            let users = From::Table(maker.tables.users.clone());
            let statement = select(pairs.iter().map(|(expr, _)| expr.clone()).collect::<Vec<_>>())
                .select_from(users)
                .filter([condition.0])
                .order_by([maker.tables.u("id")]);
            let naive = format!(
                "SELECT {} FROM users WHERE ({}) ORDER BY users.id",
                pairs.iter().map(|(_, sql)| sql.as_str()).collect::<Vec<_>>().join(", "),
                condition.1
            );
            let rows = |result: aludel::ResultSet| {
                result.all().unwrap().iter().map(|row| row.values().to_vec()).collect::<Vec<Vec<Value>>>()
            };
            // A colon in what is printed naively would begin a parameter; there is none.
            let expected = connection.execute(&text(&naive), ()).await;
            let ours = connection.execute(&statement, ()).await;
            match (ours, expected) {
                (Ok(ours), Ok(expected)) => {
                    let (ours, expected) = (rows(ours), rows(expected));
                    let same = format!("{ours:?}") == format!("{expected:?}");
                    assert!(same, "round {round} of {seed}\n{ours:?}\n{expected:?}\n{naive}");
                    compared += 1;
                }
                // An integer that overflows in a shift or a sum is an error of both.
                (Err(_), Err(_)) => {}
                (ours, expected) => panic!("round {round} of {seed}\n{ours:?}\n{expected:?}\n{naive}"),
            }
        }
        assert!(compared > 300, "only {compared} of 400 could be compared");
    });
}
