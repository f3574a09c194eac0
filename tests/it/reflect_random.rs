//! Schemas that were created, read back and created anew: nothing may change on the way.

use crate::core_random::Random;
use crate::support::run;
use aludel::sql::compile::{Options, compile};
use aludel::sql::expr::literal_column;
use aludel::sql::reflect::ReflectOptions;
use aludel::sql::schema::*;
use aludel::sql::statement::{Ddl, Statement};
use aludel::sql::types::{EnumType, SqlType};
use aludel::sql::{TokenKind, tokens};
use aludel::{Connection, CreateAll, Engine, inspect};
use std::rc::Rc;

const NAMES: &[&str] = &[
    "id",
    "name",
    "Order",
    "a b",
    "select",
    "größe",
    "x\"y",
    "c,d",
    "check",
    "it's",
    "value_2",
    "_u",
    "new\nline",
    "-- no",
    "/* no",
    "a.b",
    "tick`",
    "[x]",
    "😀",
    ")",
    "COLLATE",
    "desc",
];

struct Maker {
    random: Random,
    names: u32,
    clause: ConflictClause,
}

impl Maker {
    fn chance(&mut self, one_in: u64) -> bool {
        self.random.below(one_in) == 0
    }

    /// A name, or none; none is ever given twice.
    fn name(&mut self, prefix: &str) -> Option<Rc<str>> {
        self.names += 1;
        let name = format!("{prefix}{}{}", *self.random.pick(&["_", " ", "\"", "X"]), self.names);
        (!self.chance(3)).then(|| name.into())
    }

    fn ty(&mut self, strict: bool) -> SqlType {
        if strict {
            return self.random.pick(&[SqlType::Integer, SqlType::Text, SqlType::Real, SqlType::LargeBinary]).clone();
        }
        let values = vec!["a".to_owned(), "it's".to_owned()];
        let named = EnumType { name: None, values, length: None, create_constraint: self.chance(2) };
        self.random
            .pick(&[
                SqlType::Null,
                SqlType::Integer,
                SqlType::SmallInteger,
                SqlType::BigInteger,
                SqlType::Float,
                SqlType::Double,
                SqlType::Numeric(Some(10), Some(2)),
                SqlType::Numeric(Some(5), None),
                SqlType::String(Some(20)),
                SqlType::String(None),
                SqlType::Text,
                SqlType::Boolean,
                SqlType::Date,
                SqlType::DateTime,
                SqlType::Time,
                SqlType::Interval,
                SqlType::LargeBinary,
                SqlType::JSON,
                SqlType::Jsonb { none_as_null: false },
                SqlType::Uuid,
                SqlType::Enum(Rc::new(named)),
            ])
            .clone()
    }

    /// The same for all of a table: SQLite refuses keys over the same columns with different ones.
    fn conflict(&mut self) -> Option<ConflictClause> {
        self.chance(4).then_some(self.clause)
    }

    fn check(&mut self, column: &str) -> Check {
        let quoted = format!("\"{}\"", column.replace('"', "\"\""));
        let sql = match self.random.below(4) {
            0 => format!("{quoted} > 0"),
            1 => format!("{quoted} IN ('a)', 'CHECK (b)', 'it''s')"),
            2 => format!("(length({quoted}) + 1) < (2 * (3 + 4))"),
            _ => format!("{quoted} IS NOT NULL /* , ) */ OR -- never (\n 1"),
        };
        Check { name: self.name("ck"), condition: literal_column(&sql, SqlType::Null), on_conflict: None }
    }

    fn default(&mut self) -> ServerDefault {
        match self.random.below(5) {
            0 => ServerDefault::Value("it's, ) DEFAULT".into()),
            1 => ServerDefault::Sql("CURRENT_TIMESTAMP".into()),
            2 => ServerDefault::Sql("-1.5".into()),
            3 => ServerDefault::Sql("1 + (2 * 3)".into()),
            _ => ServerDefault::Sql("NULL".into()),
        }
    }

    fn some(&mut self, columns: &[Column]) -> Vec<Rc<str>> {
        let mut names: Vec<Rc<str>> =
            columns.iter().filter(|column| column.computed.is_none()).map(|column| column.name.clone()).collect();
        while names.len() > 1 && self.chance(2) {
            names.remove(self.random.below(names.len() as u64) as usize);
        }
        let by = self.random.below(names.len() as u64) as usize;
        names.rotate_left(by);
        names
    }

    /// Collations and directions for some of so many columns.
    fn orders(&mut self, count: usize) -> Vec<Rc<str>> {
        let order = |maker: &mut Maker| -> Rc<str> {
            (*maker.random.pick(&["", "", "DESC", "COLLATE \"NOCASE\"", "COLLATE \"RTRIM\" DESC"])).into()
        };
        let orders: Vec<Rc<str>> = (0..count).map(|_| order(self)).collect();
        if self.chance(2) || orders.iter().all(|order| order.is_empty()) { Vec::new() } else { orders }
    }

    fn foreign_key(&mut self, to: &Table, own: &[Rc<str>]) -> ForeignKey {
        use ForeignKeyAction::*;
        let mut referred = self.some(&to.columns);
        referred.truncate(own.len());
        let columns = own[..referred.len()].to_vec();
        let mut action =
            || self.chance(3).then(|| *self.random.pick(&[NoAction, Restrict, SetNull, SetDefault, Cascade]));
        let (on_delete, on_update) = (action(), action());
        let deferrable = self.chance(2).then(|| self.chance(2));
        let initially_deferred = deferrable.and_then(|_| self.chance(2).then(|| self.chance(2)));
        let matching = self.chance(8).then(|| "FULL".to_owned());
        let name = self.name("fk");
        ForeignKey {
            name,
            columns,
            schema: None,
            table: to.name.clone(),
            referred,
            on_delete,
            on_update,
            deferrable,
            initially_deferred,
            matching,
        }
    }

    fn table(&mut self, number: usize, others: &[Table]) -> Table {
        use ConflictClause::*;
        self.clause = *self.random.pick(&[Rollback, Abort, Fail, Ignore, Replace]);
        let options = TableOptions { strict: self.chance(5), without_rowid: self.chance(5), ..TableOptions::default() };
        let mut columns: Vec<Column> = Vec::new();
        for name in NAMES {
            if !self.chance(4) {
                continue;
            }
            let mut column = Column::new(name, self.ty(options.strict));
            if self.chance(5) {
                column = column.collate(self.random.pick::<&str>(&["NOCASE", "RTRIM", "BINARY"]));
            }
            column.nullable = !self.chance(3);
            if !column.nullable {
                column.on_conflict_not_null = self.conflict();
            }
            if self.chance(4) {
                column.server_default = Some(self.default());
            } else if !columns.is_empty() && self.chance(6) {
                let sql = "(1 + 2) || ', ) STORED'".to_owned();
                column.computed = Some(Computed { sql: ServerDefault::Sql(sql), persisted: Some(self.chance(2)) });
            }
            column.unique = column.computed.is_none() && self.chance(8);
            if column.unique {
                column.on_conflict_unique = self.conflict();
            }
            column.index = self.chance(8);
            if self.chance(6) {
                column.checks.push(self.check(name));
            }
            columns.push(column);
        }
        if columns.iter().all(|column| column.computed.is_some()) {
            columns.insert(0, Column::new("id", SqlType::Integer));
            columns.dedup_by(|right, left| right.name == left.name);
            columns[0].computed = None;
        }
        let mut table = Table::new(&format!("{}{number}", *self.random.pick(&["t", "T ", "check "])), columns);
        table.options = options;
        self.key(&mut table);
        for _ in 0..self.random.below(4) {
            let columns = self.some(&table.columns);
            let constraint = match self.random.below(3) {
                0 => {
                    let orders = self.orders(columns.len());
                    TableConstraint::Unique(Unique {
                        name: self.name("uq"),
                        columns,
                        orders,
                        on_conflict: self.conflict(),
                    })
                }
                1 => TableConstraint::Check(self.check(&columns[0])),
                _ => {
                    let other = self.random.below(others.len() as u64 + 1) as usize;
                    let key = self.foreign_key(others.get(other).unwrap_or(&table), &columns);
                    TableConstraint::ForeignKey(key)
                }
            };
            table.constraints.push(constraint);
        }
        if let Some(other) = others.first()
            && self.chance(3)
            && !table.options.autoincrement
        {
            let mut key = self.foreign_key(other, &["_".into()]);
            key.columns.clear();
            let at = self.random.below(table.columns.len() as u64) as usize;
            table.columns[at].foreign_keys.push(key);
        }
        for _ in 0..self.random.below(3) {
            self.index(&mut table);
        }
        table
    }

    fn key(&mut self, table: &mut Table) {
        match self.random.below(4) {
            0 if !table.options.without_rowid => {}
            1 if !table.options.without_rowid => {
                let id = &mut table.columns[0];
                if id.computed.is_none() {
                    (id.ty, id.primary_key, id.nullable) = (SqlType::Integer, true, false);
                    (id.server_default, id.unique) = (None, false);
                    id.on_conflict_primary_key = self.conflict();
                    table.options.autoincrement = self.chance(2);
                }
            }
            _ => {
                let columns = self.some(&table.columns);
                for column in &mut table.columns {
                    column.nullable &= !columns.contains(&column.name);
                }
                let lone = |column: &Column| columns[..] == [column.name.clone()] && column.ty.words() == "INTEGER";
                let is_rowid = table.columns.iter().any(lone) && !table.options.without_rowid;
                // DESC behind the rowid says that it is none.
                let orders = match is_rowid {
                    true if self.chance(2) => vec!["DESC".into()],
                    true => Vec::new(),
                    false => self.orders(columns.len()),
                };
                let key = PrimaryKey { name: self.name("pk"), columns, orders, on_conflict: self.conflict() };
                table.constraints.push(TableConstraint::PrimaryKey(key));
            }
        }
    }

    fn index(&mut self, table: &mut Table) {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let columns: Vec<Rc<str>> = self.some(&table.columns);
        let elements = columns.iter().map(|name| match self.random.below(4) {
            0 => format!("lower({})", quoted(name)),
            1 => format!("{} DESC", quoted(name)),
            2 => format!("{} COLLATE NOCASE", quoted(name)),
            _ => String::new(),
        });
        let elements: Vec<IndexElement> = elements
            .collect::<Vec<_>>()
            .iter()
            .zip(&columns)
            .map(|(sql, name)| match sql.as_str() {
                "" => IndexElement::Column(name.clone()),
                sql => IndexElement::Expr(literal_column(sql, SqlType::Null)),
            })
            .collect();
        let condition = self.chance(3).then(|| {
            literal_column(&format!("{} IS NOT NULL AND ') where' != ''", quoted(&columns[0])), SqlType::Null)
        });
        self.names += 1;
        let name = Some(format!("ix {}", self.names).into());
        table.indexes.push(Rc::new(Index { name, elements, unique: self.chance(3), condition }));
    }
}

/// What creates a table with its indexes.
fn ddl(table: &Rc<Table>) -> Vec<String> {
    let naming = NamingConvention::default;
    let create = Ddl::CreateTable { table: table.clone(), naming: naming(), if_not_exists: false };
    let index = |index| Ddl::CreateIndex { table: table.clone(), index, naming: naming(), if_not_exists: false };
    let sql = |ddl| compile(&Statement::Ddl(Rc::new(ddl)), Options::default()).unwrap().sql();
    let mut indexes: Vec<String> = table.all_indexes().into_iter().map(index).map(sql).collect();
    indexes.sort();
    [vec![sql(create)], indexes].concat()
}

/// The same CREATE TABLE as somebody else might write it: in other letters and quotes, with comments and odd blanks.
fn rewritten(sql: &str, random: &mut Random) -> String {
    const KEYWORDS: &[&str] = &[
        "CREATE",
        "TABLE",
        "CONSTRAINT",
        "PRIMARY",
        "KEY",
        "UNIQUE",
        "CHECK",
        "FOREIGN",
        "REFERENCES",
        "NOT",
        "NULL",
        "DEFAULT",
        "ON",
        "CONFLICT",
        "DELETE",
        "UPDATE",
        "CASCADE",
        "DEFERRABLE",
        "INITIALLY",
        "DEFERRED",
        "GENERATED",
        "ALWAYS",
        "AS",
        "STORED",
        "VIRTUAL",
        "WITHOUT",
        "ROWID",
        "STRICT",
        "AUTOINCREMENT",
        "MATCH",
        "SET",
        "RESTRICT",
        "COLLATE",
        "DESC",
    ];
    let (mut out, mut depth, mut kept, mut before) = (String::new(), 0, None, "");
    for token in tokens(sql) {
        let text = token.text;
        depth += i32::from(text == "(");
        if text == "(" && kept.is_none() && ["CHECK", "DEFAULT", "AS"].contains(&before) {
            // What stands in these is the user's own and stays as it is.
            kept = Some(depth);
        }
        let is_kept = kept.is_some();
        if text == ")" {
            kept = kept.filter(|at| *at != depth);
            depth -= 1;
        }
        let can_quote = token.kind == TokenKind::QuotedName && !text.contains([']', '`']) && !text.contains("\"\"");
        if is_kept || token.is_blank() || before == "DEFAULT" {
            out.push_str(text);
        } else if KEYWORDS.contains(&text) {
            let blank = *random.pick(&["", "", "", "/* ), ' */", "-- CHECK (\n", "\t", "\n\n"]);
            // There SQLite takes GENERATED and a comment for a part of the type, and refuses it.
            out.push_str(if ["GENERATED", "ALWAYS"].contains(&text) && sql.contains("STRICT") { "" } else { blank });
            out.push_str(&if random.below(2) == 0 { text.to_lowercase() } else { text.to_owned() });
        } else if can_quote && random.below(2) == 0 {
            let (open, close) = *random.pick(&[("[", "]"), ("`", "`")]);
            out.push_str(&format!("{open}{}{close}", &text[1..text.len() - 1]));
        } else {
            out.push_str(text);
        }
        if !token.is_blank() {
            before = text;
        }
    }
    out
}

async fn stored(connection: &Connection) -> Vec<(String, String)> {
    let sql = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name";
    let rows = connection.exec_driver_sql(sql, ()).await.unwrap();
    rows.iter().map(|row| row.and_then(|row| Ok((row.get(0)?, row.get(1)?))).unwrap()).collect()
}

#[test]
fn random_schemas_are_read_back_and_created_anew_as_they_were() {
    let seed = std::env::var("ALUDEL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| std::process::id().into());
    println!("ALUDEL_SEED={seed}");
    run(async {
        // Foreign keys refer to whatever columns there are; SQLite would find them wrong when rows go.
        let engine = Engine::builder("sqlite://").foreign_keys(false).build().unwrap();
        let connection = engine.connect().await.unwrap();
        let mut maker = Maker { random: Random(seed), names: 0, clause: ConflictClause::Abort };
        let mut count = 0;
        for round in 0..800 {
            let mut tables = Vec::new();
            for number in 0..1 + maker.random.below(4) as usize {
                let table = maker.table(number, &tables);
                tables.push(table);
            }
            let metadata = MetaData::new();
            let tables: Vec<Rc<Table>> = tables.into_iter().map(|table| metadata.add(table)).collect();
            if let Err(error) = metadata.create_all(&connection).await {
                panic!("round {round} of {seed}: {error}");
            }
            let before = stored(&connection).await;
            let read = MetaData::new();
            read.reflect(&inspect(&connection).await.unwrap(), &ReflectOptions::default()).unwrap();
            for table in &tables {
                let again = read.table(&table.name).unwrap();
                assert_eq!(ddl(&again), ddl(table), "round {round} of {seed}");
                count += 1;
            }
            assert_eq!(read.tables().len(), tables.len());
            read.drop_all(&connection).await.unwrap();
            assert_eq!(stored(&connection).await, [], "round {round} of {seed}");
            read.create_all(&connection).await.unwrap();
            assert_eq!(stored(&connection).await, before, "round {round} of {seed}");
            connection.rollback().await.unwrap();
            for table in &tables {
                connection.exec_driver_sql(&rewritten(&ddl(table)[0], &mut maker.random), ()).await.unwrap();
            }
            let inspector = inspect(&connection).await.unwrap();
            for table in &tables {
                let again = Rc::new(Table::reflect(&table.name, None, &inspector).unwrap());
                assert_eq!(ddl(&again)[0], ddl(table)[0], "round {round} of {seed}");
            }
            connection.rollback().await.unwrap();
        }
        println!("{count} tables");
        assert!(count > 1500);
    });
}
