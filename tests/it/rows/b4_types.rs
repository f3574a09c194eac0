//! B4: how types are declared, stored and read.

use super::{TypedTable, on_world};
use aludel::sql::expr::{Binary, BindValue, beside, binary};
use aludel::sql::schema::MetaData;
use aludel::sql::statement::{CompoundKind, Select, compound, select};
use aludel::sql::types::{CustomType, EnumType, SqlType};
use aludel::typed::{ColumnType, Date, DateTime, Expr, Json, Time, func, literal};
use aludel::{ErrorKind, Value, text};
use std::rc::Rc;

/// An enumeration, stored by the names of its members.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
pub enum Color {
    Red,
    Green,
}

impl ColumnType for Color {
    type Base = Color;

    fn sql_type() -> SqlType {
        let values = vec!["Red".into(), "Green".into()];
        SqlType::Enum(Rc::new(EnumType { name: Some("color".into()), values, length: None, create_constraint: true }))
    }

    fn bind(self) -> Value {
        Value::Text(format!("{self:?}"))
    }

    fn result(value: &Value) -> Option<Color> {
        match value {
            Value::Text(text) if text == "Red" => Some(Color::Red),
            Value::Text(text) if text == "Green" => Some(Color::Green),
            _ => None,
        }
    }
}

/// A type of one's own: an amount of money, stored as its cents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Money(f64);

impl ColumnType for Money {
    type Base = Money;

    fn sql_type() -> SqlType {
        let (name, implementation, ddl) = ("Money".into(), SqlType::Integer, Some("MONEY_INT".into()));
        SqlType::Custom(Rc::new(CustomType { name, implementation, ddl }))
    }

    fn bind(self) -> Value {
        Value::Integer((self.0 * 100.0).round() as i64)
    }

    fn result(value: &Value) -> Option<Money> {
        i64::result(value).map(|cents| Money(cents as f64 / 100.0))
    }
}

aludel::table! {
    pub struct All: "all_types" {
        id: i64 => primary_key(),
        small: Option<i16>,
        big: Option<i64> => typed(SqlType::BigInteger),
        name: Option<String> => length(5),
        body: Option<String> => typed(SqlType::Text),
        flag: Option<bool>,
        float: Option<f64>,
        double: Option<f64> => typed(SqlType::Double),
        real: Option<f64> => typed(SqlType::Real),
        price: Option<f64> => typed(SqlType::Numeric(Some(10), Some(2))),
        at: Option<DateTime>,
        day: Option<Date>,
        time: Option<Time>,
        bytes: Option<Vec<u8>>,
        json: Option<Json<serde_json::Value>>,
        color: Option<Color>,
        uuid: Option<String> => typed(SqlType::Uuid),
        money: Option<Money>,
    }
}

fn all() -> All {
    All::new(&MetaData::new())
}

/// The declaration of a column, and how SQLite stores what was put there.
async fn stored(w: &super::World, t: &All, setting: aludel::sql::statement::Setting) -> (String, String) {
    let key = setting.column.clone();
    w.conn.execute(&t.create(), ()).await.unwrap();
    w.conn.execute(&t.insert().values(setting), ()).await.unwrap();
    let sql = format!("SELECT typeof(\"{key}\"), \"{key}\" FROM all_types ORDER BY id DESC LIMIT 1");
    let row = w.rows_of(&text(&sql), ()).await.remove(0);
    let sql = format!("SELECT type FROM pragma_table_info('all_types') WHERE name = '{key}'");
    (w.rows_of(&text(&sql), ()).await.remove(0), row)
}

macro_rules! stores {
    ($w:expr, $t:expr, $($column:ident = $value:expr => $ddl:literal, $stored:literal;)*) => {$(
        let value = $value;
        let (ddl, row) = stored(&$w, &$t, $t.$column.set(value.clone())).await;
        assert_eq!((ddl.as_str(), row.as_str()), ($ddl, $stored), stringify!($column));
        let result = $w.conn.execute(&select(&$t.$column).order_by($t.id.desc()).limit(1), ()).await.unwrap();
        assert_eq!(result.one().unwrap().at(&$t.$column).unwrap(), Some(value.into()));
    )*};
}

#[test]
fn b4_01_integers() {
    on_world(async |w| {
        let t = all();
        stores! { w, t,
            small = 7_i16 => "SMALLINT", "integer|7";
            big = i64::MIN => "BIGINT", "integer|-9223372036854775808";
            big = i64::MAX => "BIGINT", "integer|9223372036854775807";
        }
        // Only a column that is declared INTEGER is the rowid.
        let rowid = w.rows_of(&text("SELECT rowid = id FROM all_types"), ()).await;
        assert!(rowid.iter().all(|same| same == "1"));
        let key = aludel::sql::schema::Column::of::<i64>("id").typed(SqlType::BigInteger).primary_key();
        let big = aludel::sql::schema::Table::new("big", vec![key]);
        assert!(big.rowid_column().is_none());
        let over = w.conn.execute(&select(literal(i64::MAX) + 1), ()).await.unwrap().one().unwrap();
        assert!(matches!(over.value(0).unwrap(), Value::Real(_)), "SQLite's own arithmetic goes over to REAL");
        assert_eq!(over.get::<i64>(0).unwrap_err().kind(), ErrorKind::Data);
    });
}

#[test]
fn b4_02_texts() {
    on_world(async |w| {
        let t = all();
        stores! { w, t,
            name = "longer than five".to_owned() => "VARCHAR(5)", "text|longer than five";
            body = "größe \u{1f600}\0".to_owned() => "TEXT", "text|größe \u{1f600}\0";
        }
        // A number becomes text by the affinity of the column.
        w.conn.execute(&text("INSERT INTO all_types (name) VALUES (5)"), ()).await.unwrap();
        assert_eq!(w.rows_of(&text("SELECT typeof(name) FROM all_types ORDER BY id DESC LIMIT 1"), ()).await, ["text"]);
    });
}

#[test]
fn b4_03_booleans() {
    on_world(async |w| {
        let t = all();
        stores! { w, t,
            flag = true => "BOOLEAN", "integer|1";
            flag = false => "BOOLEAN", "integer|0";
        }
        w.conn.execute(&text("INSERT INTO all_types (flag) VALUES (2)"), ()).await.unwrap();
        let row = w.conn.execute(&select(&t.flag).order_by(t.id.desc()).limit(1), ()).await.unwrap().one().unwrap();
        let error = row.at(&t.flag).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.message().contains("Column 'flag'"), "{error}");
    });
}

#[test]
fn b4_04_floats() {
    on_world(async |w| {
        let t = all();
        stores! { w, t,
            float = 2.0_f64 => "FLOAT", "real|2.0";
            double = 0.1_f64 => "DOUBLE", "real|0.1";
            real = 3.0_f64 => "REAL", "real|3.0";
        }
        let nan = w.conn.execute(&t.insert().values(t.float.set(f64::NAN)), ()).await.unwrap_err();
        assert_eq!(nan.kind(), ErrorKind::Data);
    });
}

#[test]
fn b4_05_decimal_numbers() {
    on_world(async |w| {
        let t = all();
        stores! { w, t,
            price = 12.5_f64 => "NUMERIC(10, 2)", "real|12.5";
            price = 3.0_f64 => "NUMERIC(10, 2)", "integer|3";
        }
        let third: Expr<Option<f64>> = literal(1_i64).true_div(3);
        w.gives(&select(third), &["0.3333333333333333"]).await;
    });
}

#[test]
fn b4_06_dates_and_times() {
    on_world(async |w| {
        let t = all();
        let (date, time) = (Date::new(2026, 11, 21).unwrap(), Time::new(10, 42, 4, 123_456).unwrap());
        stores! { w, t,
            at = date.at(time) => "DATETIME", "text|2026-11-21 10:42:04.123456";
            day = date => "DATE", "text|2026-11-21";
            time = Time::new(0, 0, 0, 0).unwrap() => "TIME", "text|00:00:00.000000";
        }
        w.gives(&select(&t.id).filter(t.at.gt(date.at(Time::new(0, 0, 0, 0).unwrap()))), &["1"]).await;
        w.conn.execute(&text("INSERT INTO all_types (at) VALUES ('yesterday')"), ()).await.unwrap();
        let row = w.conn.execute(&select(&t.at).order_by(t.id.desc()).limit(1), ()).await.unwrap().one().unwrap();
        assert_eq!(row.at(&t.at).unwrap_err().kind(), ErrorKind::Data);
        // What SQLite itself writes is read, too.
        let now = w.conn.execute(&select(func::now().label("at")), ()).await.unwrap().one().unwrap();
        assert!(now.at(&t.at).unwrap().unwrap().date.year() >= 2024);
    });
}

#[test]
fn b4_08_bytes() {
    on_world(async |w| {
        let t = all();
        stores! { w, t, bytes = vec![0_u8, 255, 16] => "BLOB", "blob|[00, ff, 10]"; }
    });
}

#[test]
fn b4_09_json() {
    on_world(async |w| {
        let t = all();
        let value = serde_json::json!({"a": [1, null], "b": "ü"});
        stores! { w, t, json = Json(value) => "JSON", "text|{\"a\": [1, null], \"b\": \"\\u00fc\"}"; }
        // A number is stored as one, by the affinity of a column that is declared JSON.
        stores! { w, t, json = Json(serde_json::json!(5)) => "JSON", "integer|5"; }
        // JSON's null is a value; SQL's NULL is none.
        let null = Json(serde_json::Value::Null);
        stores! { w, t, json = null.clone() => "JSON", "text|null"; }
        let (_, row) = stored(&w, &t, t.json.set(None::<Json<serde_json::Value>>)).await;
        assert_eq!(row, "null|NULL");
        // The binary form is written and read by SQLite.
        let table = aludel::sql::schema::Table::new(
            "binary_json",
            vec![aludel::sql::schema::Column::new("b", SqlType::Jsonb { none_as_null: false })],
        );
        let table = MetaData::new().add(table);
        w.conn.execute(&text("CREATE TABLE binary_json (b JSONB)"), ()).await.unwrap();
        let insert = aludel::sql::statement::insert(&table);
        assert_eq!(insert.to_string(), "INSERT INTO binary_json (b) VALUES (jsonb(?))");
        w.rows_of(&insert, aludel::params! { "b" => "{\"x\": 1}" }).await;
        let from = aludel::sql::schema::From::Table(table);
        let returned = insert.returning(&from);
        assert_eq!(w.rows_of(&returned, aludel::params! { "b" => "[1, 2]" }).await, ["[1,2]"]);
        assert_eq!(returned.to_string(), "INSERT INTO binary_json (b) VALUES (jsonb(?)) RETURNING json(b) AS b");
        w.check(&select(&from), "SELECT json(binary_json.b) AS b FROM binary_json", &["{\"x\":1}", "[1,2]"]).await;
        assert_eq!(w.rows_of(&text("SELECT DISTINCT typeof(b) FROM binary_json"), ()).await, ["blob"]);
        // In every part of a compound, whose rows are compared as they are shown, and in comparisons.
        let both = |kind, other: Select| compound(kind, [select(&from).query(), other.query()]);
        let again = both(CompoundKind::UnionAll, select(&from).limit(1));
        w.gives(&again, &["{\"x\":1}", "[1,2]", "{\"x\":1}"]).await;
        w.gives(&both(CompoundKind::Union, select(&from)), &["[1,2]", "{\"x\":1}"]).await;
        let b = from.column_exprs().remove(0);
        let text = |text: &str| beside(&b, BindValue::Value(Value::Text(text.into())));
        let equal = select(&from).filter([binary(Binary::Eq, &b, &text("{\"x\": 1}"))]);
        w.gives(&equal, &["{\"x\":1}"]).await;
    });
}

#[test]
fn b4_10_enumerations() {
    on_world(async |w| {
        let t = all();
        stores! { w, t, color = Color::Green => "VARCHAR(5)", "text|Green"; }
        let error = w.conn.execute(&text("INSERT INTO all_types (color) VALUES ('Blue')"), ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity, "its CHECK constraint guards the column");
        let (color,): (Color,) =
            w.conn.execute(&text("SELECT color FROM all_types"), ()).await.unwrap().one_to().unwrap();
        assert_eq!(color, Color::Green);
    });
}

#[test]
fn b4_11_uuids() {
    on_world(async |w| {
        let t = all();
        let hex = "6ba7b8109dad11d180b400c04fd430c8".to_owned();
        stores! { w, t, uuid = hex => "CHAR(32)", "text|6ba7b8109dad11d180b400c04fd430c8"; }
        // What is looked for in one is a text, and needs not be one itself.
        for found in [
            t.uuid.like("6ba7%"),
            t.uuid.ilike("6BA7%"),
            t.uuid.starts_with("6ba"),
            t.uuid.ends_with_plain("30c8"),
            t.uuid.icontains("DAD11"),
            t.uuid.glob("*30c8"),
            t.uuid.regexp_match("^[0-9a-f]+$"),
            t.uuid.concat("-").like("%8-"),
        ] {
            w.gives(&select(&t.id).filter(found), &["1"]).await;
        }
        w.gives(&select((&*t.uuid + "?").label("x")), &["6ba7b8109dad11d180b400c04fd430c8?"]).await;
        let error = w.conn.execute(&select(&t.id).filter(t.uuid.eq("6ba7")), ()).await.unwrap_err();
        assert!(error.message().contains("Uuid takes the 32 digits of a UUID"), "{error}");
    });
}

#[test]
fn b4_13_types_of_ones_own() {
    on_world(async |w| {
        let t = all();
        stores! { w, t, money = Money(2.5) => "MONEY_INT", "integer|250"; }
        // What it is compared with is converted as well, and what is computed from it has its type.
        w.gives(&select(&t.id).filter(t.money.eq(Money(2.5))), &["1"]).await;
        let sum: Expr<Option<Money>> = func::sum(&*t.money);
        let row = w.conn.execute(&select(sum.label("money")), ()).await.unwrap().one().unwrap();
        assert_eq!(row.at(&t.money).unwrap(), Some(Money(2.5)));
    });
    let variant = |dialects: &[&str]| SqlType::Text.with_variant(SqlType::JSON, dialects).ddl();
    assert_eq!([variant(&["mysql", "sqlite"]), variant(&["mysql"]), variant(&[])], ["JSON", "TEXT", "TEXT"]);
}

#[test]
fn b4_15_what_is_read_goes_by_the_declared_type() {
    on_world(async |w| {
        let t = all();
        stored(&w, &t, t.flag.set(true)).await;
        let row = w.conn.execute(&select((&t.flag, &t.at)), ()).await.unwrap().one().unwrap();
        assert_eq!(row.at(&t.flag).unwrap(), Some(true));
        assert_eq!(row.at(&t.at).unwrap(), None);
        // Text says nothing of types: its values are as they are stored.
        let raw = w.conn.execute(&text("SELECT flag FROM all_types"), ()).await.unwrap().one().unwrap();
        assert_eq!(raw.value(0).unwrap(), &Value::Integer(1));
        assert_eq!(raw.at(&t.flag).unwrap(), Some(true));
    });
}

#[test]
fn b4_12_pickles_are_bytes_like_any_others() {
    on_world(async |w| {
        // What Python has pickled is there, for Python to read.
        let t = all();
        stores! { w, t, bytes = b"\x80\x05K\x05.".to_vec() => "BLOB", "blob|[80, 05, 4b, 05, 2e]"; }
    });
}
