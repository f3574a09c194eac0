//! SQL that SQLAlchemy renders for its SQLite dialect, and ours for the same construct.

use crate::constructs::constructs;
use aludel_protocol::Value;
use aludel_sql::compile::{Options, Source, compile};
use aludel_sql::expr::BindValue;
use std::collections::{BTreeMap, BTreeSet};

/// Where ours differs, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("bit", "SQLite binds & and | less tightly than -: SQLAlchemy's exclusive or is wrong without parentheses"),
    ("any_sub", "SQLite has no ANY: there is in_() and exists()"),
    ("values", "SQLite takes no column names behind the alias of VALUES: it becomes a CTE"),
    ("ddl_big", "SQLite refuses a STRICT table with columns of VARCHAR: so do we, before it does"),
    ("agg_str", "the separator is a parameter, as SQLAlchemy's own list of parameters says"),
];

/// Runs of white space as one blank.
fn squeezed(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn vectors() -> Vec<(String, String, BTreeMap<String, String>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/gallery.json");
    let text = std::fs::read_to_string(path).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    let vector = |vector: &serde_json::Value| {
        let binds = vector["binds"].as_object().into_iter().flatten();
        let binds = binds.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        (vector["name"].as_str().unwrap().to_owned(), vector["sql"].as_str().unwrap().to_owned(), binds)
    };
    all["vectors"].as_array().unwrap().iter().map(vector).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(_) => "bytes".into(),
    }
}

#[test]
fn statements_become_the_sql_that_sqlalchemy_renders() {
    let constructs = constructs();
    let (mut wrong, mut seen, mut missing) = (Vec::new(), BTreeSet::new(), Vec::new());
    for (name, sql, binds) in vectors() {
        seen.insert(name.clone());
        if DIFFERENT.iter().any(|(different, _)| *different == name) {
            continue;
        }
        let Some(statement) = constructs.get(name.as_str()) else {
            missing.push(name);
            continue;
        };
        let compiled = compile(statement, Options::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        if squeezed(&compiled.sql()) != squeezed(&sql) {
            wrong.push(format!("{name}\n  ours   {}\n  theirs {}", squeezed(&compiled.sql()), squeezed(&sql)));
        }
        let ours: BTreeMap<String, String> = compiled
            .slots
            .iter()
            .map(|slot| {
                let value = match &slot.source {
                    Source::Bind(BindValue::Value(value)) => shown(value),
                    Source::Bind(BindValue::List(values)) => {
                        format!("[{}]", values.iter().map(shown).collect::<Vec<_>>().join(", "))
                    }
                    Source::Bind(BindValue::Rows(rows)) => {
                        let row =
                            |row: &Vec<Value>| format!("({})", row.iter().map(shown).collect::<Vec<_>>().join(", "));
                        format!("[{}]", rows.iter().map(row).collect::<Vec<_>>().join(", "))
                    }
                    _ => "None".into(),
                };
                (slot.name.to_string(), value)
            })
            .collect();
        // The path of JSON stands in SQLAlchemy's list as it was given.
        if ours != binds && !name.starts_with("json") {
            wrong.push(format!("{name}\n  ours   {ours:?}\n  theirs {binds:?}"));
        }
    }
    let unknown: Vec<_> = constructs.keys().filter(|name| !seen.contains(**name)).collect();
    assert!(wrong.is_empty() && unknown.is_empty(), "{}\nunknown {unknown:?}\nmissing {missing:?}", wrong.join("\n"));
    assert!(missing.is_empty(), "constructs without a row here, and without a reason: {missing:?}");
}
