//! Random statements: compiled with as few parentheses, names and FROMs as SQLite's grammar needs, and printed naively with
//! all of them. Both have to give the same rows, and to leave the same tables behind. The naive text is written while the
//! statement is put together and knows nothing of the compiler.

mod changes;
mod exprs;
mod queries;
mod run;

use aludel::sql::expr::Expr;
use aludel::sql::schema::{Column, ForeignKey, From, Table};
use aludel::sql::types::SqlType;
use std::rc::Rc;

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

    pub fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// What kind of value an expression has. Kinds are never mixed, so that what SQLite converts where does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Whole,
    Real,
    Text,
    Truth,
}

const SORTS: [Sort; 4] = [Sort::Whole, Sort::Real, Sort::Text, Sort::Truth];

/// An expression, and the same in SQL with all parentheses.
#[derive(Clone)]
struct Term {
    expr: Expr,
    sql: String,
    sort: Sort,
}

/// Something that rows come from, and the same in SQL.
#[derive(Clone)]
struct Source {
    from: From,
    sql: String,
    columns: Vec<Term>,
    /// The table, and how it is called in SQL, if it is one.
    table: Option<(Rc<Table>, String)>,
}

/// What can be named where an expression stands.
#[derive(Default)]
struct Scope {
    terms: Vec<Term>,
    froms: Vec<From>,
    /// Terms that statements within may name as well.
    outward: Vec<Term>,
}

struct Maker {
    random: Random,
    /// What values are, apart from which statement they stand in.
    values: Random,
    tables: Vec<Rc<Table>>,
    /// The innermost last.
    scopes: Vec<Scope>,
    /// Tables that are read under their own names: once in all, since it would be another's table otherwise.
    plain: Vec<From>,
    names: u32,
    /// The table that is changed row by row: what is read of it in between depends on the order of rows.
    changing: Option<Rc<Table>>,
    /// Whether the largest numbers there are may occur; behind such a key SQLite chooses the next by chance.
    extremes: bool,
    /// Whether the statement throws equal rows together: of 1 and 1.0 it keeps one, and SQLite chooses which.
    merges: bool,
}

const DATA: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(50) UNIQUE, age INTEGER, score FLOAT, flag BOOLEAN);
    CREATE TABLE addr (id INTEGER PRIMARY KEY, user_id INTEGER, email VARCHAR(50) UNIQUE, rank INTEGER, name TEXT);
    CREATE TABLE \"order\" (id INTEGER PRIMARY KEY, addr_id INTEGER, \"select\" TEXT, cost FLOAT, flag BOOLEAN, age INTEGER);
    INSERT INTO users (name, age, score, flag) VALUES ('Dan', 30, 1.5, 1), ('it''s', -3, -0.25, 0), ('', 0, 0.0, NULL),
        (NULL, NULL, NULL, 1), ('10', 7, 1e9, 0), ('größe B%', 30, 2.0, 1);
    INSERT INTO addr (user_id, email, rank, name) VALUES (1, 'a@b', 1, 'Dan'), (1, 'x_y', 3, ''), (2, 'B%', NULL, 'it''s'),
        (NULL, NULL, 2, NULL), (9, '10', 30, 'z');
    INSERT INTO \"order\" (addr_id, \"select\", cost, flag, age) VALUES (1, 'Dan', 2.0, 1, 30), (2, NULL, 0.5, 0, 7),
        (2, 'a', NULL, NULL, 0), (7, 'größe', -1.5, 1, NULL);";

fn tables() -> Vec<Rc<Table>> {
    let key = |table: &str| ForeignKey { table: table.into(), referred: vec!["id".into()], ..ForeignKey::default() };
    let id = || Column::new("id", SqlType::Integer).primary_key();
    let users = vec![
        id(),
        Column { unique: true, ..Column::new("name", SqlType::String(Some(50))) },
        Column::new("age", SqlType::Integer),
        Column::new("score", SqlType::Float),
        Column::new("flag", SqlType::Boolean),
    ];
    let addr = vec![
        id(),
        Column { foreign_keys: vec![key("users")], ..Column::new("user_id", SqlType::Integer) },
        Column { unique: true, ..Column::new("email", SqlType::String(Some(50))) },
        Column::new("rank", SqlType::Integer),
        Column::new("name", SqlType::Text),
    ];
    let order = vec![
        id(),
        Column { foreign_keys: vec![key("addr")], ..Column::new("addr_id", SqlType::Integer) },
        Column::new("select", SqlType::Text),
        Column::new("cost", SqlType::Float),
        Column::new("flag", SqlType::Boolean),
        Column::new("age", SqlType::Integer),
    ];
    [("users", users), ("addr", addr), ("order", order)].map(|(name, c)| Rc::new(Table::new(name, c))).to_vec()
}

fn sort_of(ty: &SqlType) -> Sort {
    match ty {
        SqlType::Integer => Sort::Whole,
        SqlType::Float => Sort::Real,
        SqlType::Boolean => Sort::Truth,
        _ => Sort::Text,
    }
}

/// A name in SQL, in quotes.
fn name_sql(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Maker {
    fn new(seed: u64) -> Maker {
        Maker {
            random: Random(seed),
            values: Random(!seed),
            tables: tables(),
            scopes: Vec::new(),
            plain: Vec::new(),
            names: 0,
            changing: None,
            extremes: true,
            merges: false,
        }
    }

    /// A name for the naive text, which nothing else has.
    fn fresh(&mut self, base: &str) -> String {
        self.names += 1;
        format!("{base}{}", self.names)
    }

    fn sort(&mut self) -> Sort {
        *self.random.pick(&SORTS)
    }

    fn innermost(&self) -> &Scope {
        &self.scopes[self.scopes.len() - 1]
    }
}
