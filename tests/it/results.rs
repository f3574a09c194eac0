//! The table of calls on results, and what only Rust has of them.

use aludel::{FrozenResult, MappingResult, ResultSet, ScalarResult, Value};
use serde_json::Value as Json;
use std::collections::HashMap;

enum Thing {
    Rows(ResultSet),
    Scalars(ScalarResult),
    Mappings(MappingResult),
    Frozen(FrozenResult),
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Number(n) => n.as_i64().map_or_else(|| Value::Real(n.as_f64().unwrap()), Value::Integer),
        Json::String(text) => Value::from(text.as_str()),
        other => panic!("no value: {other}"),
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(i) => (*i).into(),
        Value::Real(r) => (*r).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Blob(bytes) => bytes.clone().into(),
    }
}

/// What a call gave: JSON, or a new thing.
enum Given {
    Json(Json),
    Thing(Thing),
}

fn list<T>(items: &[T], show: impl Fn(&T) -> Json) -> Json {
    Json::Array(items.iter().map(show).collect())
}

fn option<T>(item: Option<T>, show: impl Fn(&T) -> Json) -> Json {
    item.as_ref().map_or(Json::Null, show)
}

/// The calls that all kinds of results have.
macro_rules! common {
    ($result:expr, $call:expr, $size:expr, $show:expr) => {
        match $call {
            "fetchall" => Some(list(&$result.fetchall()?, $show)),
            "all" => Some(list(&$result.all()?, $show)),
            "fetchmany" => Some(list(&$result.fetchmany($size)?, $show)),
            "first" => Some(option($result.first()?, $show)),
            "one" => Some($show(&$result.one()?)),
            "one_or_none" => Some(option($result.one_or_none()?, $show)),
            "iterate" => Some(list(&$result.iter().collect::<aludel::Result<Vec<_>>>()?, $show)),
            "partitions" => {
                let parts = $result.partitions($size).collect::<aludel::Result<Vec<_>>>()?;
                Some(list(&parts, |part| list(part, $show)))
            }
            "close" => {
                $result.close();
                Some(Json::Null)
            }
            "closed" => Some($result.closed().into()),
            _ => None,
        }
    };
}

fn call(thing: &Thing, name: &str, args: &[Json]) -> aludel::Result<Given> {
    let size = args.first().and_then(Json::as_u64).map(|size| size as usize);
    let row = |row: &aludel::Row| list(row.values(), json);
    let mapping =
        |mapping: &aludel::Mapping| Json::Object(mapping.iter().map(|(k, v)| (k.to_owned(), json(v))).collect());
    let nullable = |value: Option<Value>| value.map_or(Json::Null, |value| json(&value));
    Ok(match thing {
        Thing::Rows(result) => {
            if let Some(given) = common!(result, name, size, row) {
                return Ok(Given::Json(given));
            }
            let given = match name {
                "fetchone" => option(result.fetchone()?, row),
                "scalar" => nullable(result.scalar()?),
                "scalar_one" => json(&result.scalar_one::<Value>()?),
                "scalar_one_or_none" => nullable(result.scalar_one_or_none()?),
                "keys" => list(&result.keys()?, |key| key.as_str().into()),
                "rowcount" => result.rowcount().into(),
                "returns_rows" => result.returns_rows().into(),
                "scalars" => {
                    let scalars = match args.first() {
                        Some(Json::String(name)) => result.scalars(name.as_str())?,
                        _ => result.scalars(size.unwrap_or(0))?,
                    };
                    return Ok(Given::Thing(Thing::Scalars(scalars)));
                }
                "mappings" => return Ok(Given::Thing(Thing::Mappings(result.mappings()))),
                "freeze" => return Ok(Given::Thing(Thing::Frozen(result.freeze()?))),
                other => panic!("no such call: {other}"),
            };
            Given::Json(given)
        }
        Thing::Scalars(result) => Given::Json(common!(result, name, size, json).unwrap()),
        Thing::Mappings(result) => Given::Json(common!(result, name, size, mapping).map_or_else(
            || match name {
                "fetchone" => Ok(option(result.fetchone()?, mapping)),
                "keys" => Ok(list(&result.keys()?, |key| key.as_str().into())),
                other => panic!("no such call: {other}"),
            },
            Ok,
        )?),
        Thing::Frozen(frozen) => Given::Thing(Thing::Rows(frozen.thaw())),
    })
}

/// The calls that take a result and give it back otherwise.
fn change(thing: Thing, name: &str, args: &[Json], by: Option<usize>) -> aludel::Result<Thing> {
    Ok(match (thing, name, by) {
        (Thing::Rows(result), "unique", None) => Thing::Rows(result.unique()),
        (Thing::Rows(result), "unique", Some(at)) => Thing::Rows(result.unique_by(move |row| row.values()[at].clone())),
        (Thing::Scalars(result), "unique", None) => Thing::Scalars(result.unique()),
        (Thing::Rows(result), "yield_per", None) => Thing::Rows(result.yield_per(args[0].as_u64().unwrap() as usize)),
        (Thing::Rows(result), "columns", None) => {
            let indexes: Vec<Box<dyn aludel::ColumnIndex>> = args
                .iter()
                .map(|arg| match arg {
                    Json::String(name) => Box::new(name.clone()) as Box<dyn aludel::ColumnIndex>,
                    other => Box::new(other.as_u64().unwrap() as usize),
                })
                .collect();
            let indexes: Vec<&dyn aludel::ColumnIndex> = indexes.iter().map(|index| &**index).collect();
            Thing::Rows(result.columns(&indexes)?)
        }
        (_, other, _) => panic!("no such change: {other}"),
    })
}

fn result_of(case: &Json) -> ResultSet {
    let Some(columns) = case["columns"].as_array() else {
        let engine = crate::support::memory();
        return crate::support::run(async {
            engine.execute(&aludel::text("CREATE TABLE t (x)"), ()).await.unwrap();
            engine.execute(&aludel::text("INSERT INTO t VALUES (1)"), ()).await.unwrap()
        });
    };
    let columns = columns.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    let rows = case["rows"].as_array().unwrap();
    let rows = rows.iter().map(|row| row.as_array().unwrap().iter().map(value).collect()).collect();
    ResultSet::from_rows(columns, rows)
}

#[test]
fn results_do_what_the_table_says() {
    let table: Json = serde_json::from_str(include_str!("../vectors/result.json")).unwrap();
    let cases = table["cases"].as_array().unwrap();
    assert!(cases.len() > 70);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let mut things = HashMap::from([("r", Thing::Rows(result_of(case)))]);
        for (at, step) in case["calls"].as_array().unwrap().iter().enumerate() {
            let method = step["call"].as_str().unwrap();
            let place = format!("{name}, call {at}: {method}");
            let on = step["on"].as_str().unwrap_or("r");
            let args = step["args"].as_array().cloned().unwrap_or_default();
            let by = step["by"].as_u64().map(|at| at as usize);
            let mut outcome = None;
            let given = if ["unique", "yield_per", "columns"].contains(&method) {
                let changed = change(things.remove(on).unwrap(), method, &args, by);
                changed.map(|thing| {
                    things.insert(step["as"].as_str().unwrap_or(on), thing);
                })
            } else {
                call(&things[on], method, &args).map(|given| match given {
                    Given::Json(json) => outcome = Some(json),
                    Given::Thing(thing) => {
                        if let Some(name) = step["as"].as_str() {
                            things.insert(name, thing);
                        }
                    }
                })
            };
            match (given, step["error"].as_str()) {
                (Ok(()), None) => {
                    if let Some(expected) = step.get("gives") {
                        assert_eq!(outcome.as_ref(), Some(expected), "{place}");
                    }
                }
                (Err(error), Some(class)) => {
                    assert_eq!(error.kind().class(), class, "{place}");
                    assert_eq!(error.message(), step["message"].as_str().unwrap(), "{place}");
                }
                (Ok(()), Some(class)) => panic!("{place}: gave {outcome:?} and no {class}"),
                (Err(error), None) => panic!("{place}: {error}"),
            }
        }
    }
}
