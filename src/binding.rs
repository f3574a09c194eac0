//! Statements with their parameters: a value for each, of the type that its column has.

use crate::compiled_cache::CompiledCache;
use crate::executable::Params;
use aludel_protocol::{Error, ErrorKind, Result, Value};
use aludel_sql::compile::{Compiled, InsertedKey, Segment, Slot, Source, Verb};
use aludel_sql::expr::BindValue;
use aludel_sql::json::Json;
use aludel_sql::statement::{InsertSource, Statement};
use aludel_sql::types::SqlType;
use aludel_sql::{Text, missing_parameter};
use std::rc::Rc;

/// How many parameters SQLite takes in one statement.
const MAX_PARAMETERS: usize = 32766;

/// A statement that was compiled for its parameters.
pub(crate) struct Bound {
    pub text: Rc<Text>,
    pub sets: Rc<[Vec<Value>]>,
    pub about: About,
}

/// What the result of a statement can be asked about it.
#[derive(Debug)]
pub(crate) struct About {
    pub verb: Verb,
    pub many: bool,
    pub returning: bool,
    /// The columns of the primary key of a row that it inserts, and where their values are.
    pub key: Vec<(String, InsertedKey)>,
    /// Whether that key is one INTEGER, which SQLite chooses where it is given as NULL.
    pub has_chosen_key: bool,
    /// The names of the parameters, as far as each is one value.
    pub names: Rc<[Option<Rc<str>>]>,
    /// The values of all runs.
    pub sets: Rc<[Vec<Value>]>,
    /// What is to be said about it.
    pub warnings: Vec<String>,
}

impl About {
    /// The values of one run by their names.
    pub fn params(&self, run: usize) -> Vec<(String, Value)> {
        let named = |(name, value): (&Option<Rc<str>>, &Value)| Some((name.as_deref()?.to_owned(), value.clone()));
        self.sets.get(run).into_iter().flat_map(|set| self.names.iter().zip(set).filter_map(named)).collect()
    }
}

/// Something that is compiled for its parameters.
pub(crate) trait Bind: std::fmt::Debug {
    /// Compiles it for these sets of parameters, and finds a value for each parameter.
    fn bind(&self, sets: Vec<Params>, before: &[(String, Value)], many: bool, cache: &CompiledCache) -> Result<Bound>;
}

impl Bind for Statement {
    fn bind(&self, sets: Vec<Params>, before: &[(String, Value)], many: bool, cache: &CompiledCache) -> Result<Bound> {
        bind(self, sets, before, many, cache)
    }
}

fn bind(
    statement: &Statement,
    sets: Vec<Params>,
    before: &[(String, Value)],
    many: bool,
    cache: &CompiledCache,
) -> Result<Bound> {
    let with_before = |set| Ok([before, &named(set)?].concat());
    let sets: Vec<Vec<(String, Value)>> = sets.into_iter().map(with_before).collect::<Result<_>>()?;
    let first: Vec<&str> = sets.first().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let compiled = cache.compile(statement, &first)?;
    let packed = too_long(&compiled);
    let has_rows = matches!(statement, Statement::Insert(insert) if matches!(insert.source, InsertSource::Rows(_)));
    let (mut sql, mut bound) = (String::new(), Vec::with_capacity(sets.len()));
    let mut names = Vec::new();
    for (at, set) in sets.iter().enumerate() {
        let run = Run { compiled: &compiled, packed: &packed, set, group: many.then_some(at), has_rows };
        bound.push(run.values(if at == 0 { Some(&mut names) } else { None })?);
        if at == 0 {
            sql = run.sql();
        }
    }
    // A place among the slots is one among the values, unless lists are spread before it.
    let place = |slot: usize| names.iter().position(|(of, _)| *of == slot);
    let key = compiled.key_columns.iter().zip(&compiled.inserted_key).map(|(column, key)| {
        let key = match key {
            InsertedKey::Slot(slot) => place(*slot).map_or(InsertedKey::Unknown, InsertedKey::Slot),
            other => other.clone(),
        };
        (column.name.to_string(), key)
    });
    let key = key.collect();
    let has_chosen_key = matches!(&compiled.key_columns[..], [key] if *key.ty.implementation() == SqlType::Integer);
    let sets: Rc<[Vec<Value>]> = bound.into();
    let names = names.into_iter().map(|(_, name)| name).collect();
    let Compiled { verb, columns, warnings, .. } = compiled;
    let returning = !columns.is_empty();
    let about = About { verb, many, returning, key, has_chosen_key, names, sets: sets.clone(), warnings };
    Ok(Bound { text: Rc::new(Text::verbatim(&sql)?), sets, about })
}

pub(crate) fn named(set: Params) -> Result<Vec<(String, Value)>> {
    match set {
        Params::None => Ok(Vec::new()),
        Params::Named(values) => Ok(values),
        Params::Positional(_) | Params::Many(_) => {
            Err(Error::new(ErrorKind::Argument, "the parameters of a statement are given by name"))
        }
    }
}

/// How many parameters a slot is.
fn width(slot: &Slot) -> usize {
    match &slot.source {
        Source::Bind(BindValue::List(list)) => list.len(),
        Source::Bind(BindValue::Rows(rows)) => rows.iter().map(Vec::len).sum(),
        _ => 1,
    }
}

/// Which lists have to travel as JSON so that SQLite takes the parameters: the longest.
fn too_long(compiled: &Compiled) -> Vec<usize> {
    let mut lists: Vec<usize> = (0..compiled.slots.len()).filter(|at| width(&compiled.slots[*at]) > 1).collect();
    lists.sort_by_key(|at| std::cmp::Reverse(width(&compiled.slots[*at])));
    let mut total: usize = compiled.slots.iter().map(width).sum();
    let mut packed = Vec::new();
    for at in lists {
        if total <= MAX_PARAMETERS {
            break;
        }
        total -= width(&compiled.slots[at]) - 1;
        packed.push(at);
    }
    packed
}

/// The slot of a value, and its name unless it is one of a list.
type Place = (usize, Option<Rc<str>>);

/// One run of a statement.
struct Run<'a> {
    compiled: &'a Compiled,
    packed: &'a [usize],
    set: &'a [(String, Value)],
    /// Which one, where there are several.
    group: Option<usize>,
    /// Whether it inserts several rows at once, the parameters of which are called `name_m1`.
    has_rows: bool,
}

impl Run<'_> {
    fn given(&self, name: &str) -> Option<Value> {
        self.set.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    }

    /// The values, one per parameter; `names` takes the slot of each and its name, unless it is one of a list.
    fn values(&self, mut names: Option<&mut Vec<Place>>) -> Result<Vec<Value>> {
        let slots = &self.compiled.slots;
        let mut values = Vec::with_capacity(slots.len());
        let made = self.made()?;
        for (at, slot) in slots.iter().enumerate() {
            let before = values.len();
            let mut one = true;
            match &slot.source {
                Source::Bind(value @ (BindValue::List(_) | BindValue::Rows(_))) => {
                    one = false;
                    check_width(slot, value)?;
                    match value {
                        _ if self.packed.contains(&at) => values.push(Value::Text(json(value)?)),
                        BindValue::List(list) => values.extend(list.iter().cloned()),
                        BindValue::Rows(rows) => values.extend(rows.iter().flatten().cloned()),
                        _ => {}
                    }
                }
                Source::Function(_) => values.extend(made.get(at).cloned().flatten()),
                _ => values.push(self.value(slot)?),
            }
            for value in &values[before..] {
                let checked = if one { slot.ty.check(value) } else { Ok(()) };
                checked.and_then(|()| not_nan(value)).map_err(|error| self.about(error, slot))?;
            }
            if let Some(names) = names.as_deref_mut() {
                names.extend((before..values.len()).map(|_| (at, one.then(|| slot.name.clone()))));
            }
        }
        Ok(values)
    }

    fn value(&self, slot: &Slot) -> Result<Value> {
        match &slot.source {
            Source::Bind(BindValue::Value(value)) => {
                let other = if slot.named { self.given(&slot.name) } else { None };
                Ok(other.unwrap_or_else(|| value.clone()))
            }
            _ => self.given(&slot.name).ok_or_else(|| missing_parameter(&slot.name, self.group)),
        }
    }

    /// What the defaults that are functions give, each asked with the values of its row so far.
    fn made(&self) -> Result<Vec<Option<Value>>> {
        let slots = &self.compiled.slots;
        if !slots.iter().any(|slot| matches!(slot.source, Source::Function(_))) {
            return Ok(Vec::new());
        }
        let mut row: Vec<(Rc<str>, Value)> = Vec::new();
        for slot in slots.iter().filter(|slot| slot.named && width(slot) == 1) {
            if !matches!(slot.source, Source::Function(_)) {
                row.push((slot.name.clone(), self.value(slot)?));
            }
        }
        let mut made = Vec::with_capacity(slots.len());
        for slot in slots {
            made.push(match &slot.source {
                Source::Function(function) => {
                    let value =
                        if self.has_rows { function.call(&group_of(&row, &slot.name)) } else { function.call(&row) };
                    row.push((slot.name.clone(), value.clone()));
                    Some(value)
                }
                _ => None,
            });
        }
        Ok(made)
    }

    fn about(&self, error: Error, slot: &Slot) -> Error {
        let group = self.group.map_or(String::new(), |group| format!(", in parameter group {group}"));
        Error::new(error.kind(), format!("parameter '{}'{group}: {}", slot.name, error.message()))
    }

    fn sql(&self) -> String {
        let text = |segment: &Segment| match segment {
            Segment::List(slot) if self.packed.contains(slot) => packed_sql(&self.compiled.slots[*slot]),
            other => self.compiled.segment_sql(other),
        };
        self.compiled.segments.iter().map(text).collect()
    }
}

/// Of several rows in one statement, each has its own values: `name_m1` is the `name` of the second.
fn group_of(row: &[(Rc<str>, Value)], name: &str) -> Vec<(Rc<str>, Value)> {
    let group = name
        .rfind("_m")
        .map(|at| &name[at..])
        .filter(|group| group.len() > 2 && group[2..].bytes().all(|b| b.is_ascii_digit()));
    let Some(group) = group else { return row.to_vec() };
    row.iter().filter_map(|(name, value)| Some((Rc::from(name.strip_suffix(group)?), value.clone()))).collect()
}

/// Each row of a list has a value for each of the expressions that it is compared with.
fn check_width(slot: &Slot, list: &BindValue) -> Result<()> {
    let BindValue::Rows(rows) = list else { return Ok(()) };
    let width = slot.ty.width();
    match rows.iter().enumerate().find(|(_, row)| row.len() != width) {
        None => Ok(()),
        Some((at, row)) => {
            let (name, count) = (&slot.name, row.len());
            let message =
                format!("parameter '{name}': row {at} of the list has {count} values for {width} expressions");
            Err(Error::new(ErrorKind::Argument, message))
        }
    }
}

fn not_nan(value: &Value) -> Result<()> {
    match value {
        Value::Real(real) if real.is_nan() => Err(Error::new(ErrorKind::Data, "NaN is nothing that SQLite can store")),
        _ => Ok(()),
    }
}

/// A query that takes the items out of a list of JSON, each as it would have been bound: bytes and texts with a NUL travel
/// as their digits, since JSON in SQLite has no place for them.
fn packed_sql(slot: &Slot) -> String {
    let (digits, columns) = match &slot.source {
        Source::Bind(BindValue::List(list)) => (list.iter().any(needs_digits), None),
        Source::Bind(BindValue::Rows(rows)) => (rows.iter().flatten().any(needs_digits), rows.first().map(Vec::len)),
        _ => (false, None),
    };
    let take = |path: &str, plain: String, is_array: String| {
        let bytes = format!("unhex(json_extract(value, '{path}[0]'))");
        match digits {
            false => plain,
            true => format!(
                "CASE WHEN {is_array} THEN CASE WHEN json_extract(value, '{path}[1]') THEN CAST({bytes} AS TEXT) ELSE {bytes} \
                 END ELSE {plain} END"
            ),
        }
    };
    let columns: Vec<String> = match columns {
        None => vec![take("$", "atom".into(), "type = 'array'".into())],
        Some(count) => (0..count)
            .map(|at| {
                let path = format!("$[{at}]");
                take(&path, format!("json_extract(value, '{path}')"), format!("json_type(value, '{path}') = 'array'"))
            })
            .collect(),
    };
    format!("(SELECT {} FROM json_each(?))", columns.join(", "))
}

fn needs_digits(value: &Value) -> bool {
    matches!(value, Value::Blob(_)) || matches!(value, Value::Text(text) if text.contains('\0'))
}

fn json(list: &BindValue) -> Result<String> {
    let items = |values: &[Value]| -> Result<String> {
        let items: Result<Vec<String>> = values.iter().map(json_item).collect();
        Ok(format!("[{}]", items?.join(",")))
    };
    match list {
        BindValue::List(values) => items(values),
        BindValue::Rows(rows) => {
            let rows: Result<Vec<String>> = rows.iter().map(|row| items(row)).collect();
            Ok(format!("[{}]", rows?.join(",")))
        }
        _ => Ok("[]".into()),
    }
}

fn json_item(value: &Value) -> Result<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    not_nan(value)?;
    Ok(match value {
        Value::Null => "null".into(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) if real.is_infinite() => if *real > 0.0 { "9e999" } else { "-9e999" }.into(),
        // It looks like a REAL, also where it is whole.
        Value::Real(real) => format!("{real:?}"),
        Value::Text(text) if text.contains('\0') => format!("[\"{}\",1]", hex(text.as_bytes())),
        Value::Text(text) => {
            let mut json = Json::default();
            json.text(text);
            json.finish()
        }
        Value::Blob(bytes) => format!("[\"{}\"]", hex(bytes)),
    })
}
