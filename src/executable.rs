//! What can be executed, and its parameters.

use crate::binding::{About, Bind, Bound, named};
use crate::compiled_cache::CompiledCache;
use aludel_protocol::{BatchWriter, Error, ErrorKind, Result, Value, Writer};
use aludel_sql::statement::{Compound, Delete, Insert, Select, Statement, Update};
use aludel_sql::{Expected, Text, missing_parameter, mixed_parameters, wrong_count};
use std::rc::Rc;

/// Something that becomes SQL.
pub trait Executable {
    /// The SQL and its parameters.
    fn compile(&self) -> Result<Compiled>;
}

/// The SQL of an [`Executable`].
#[derive(Clone, Debug)]
pub struct Compiled(Body, Rc<[(String, Value)]>);

#[derive(Clone, Debug)]
enum Body {
    /// SQL as it was written, and values of its parameters.
    Text { text: Rc<Text>, bound: Rc<[(String, Value)]> },
    /// A statement, whose SQL may depend on its parameters. It brings its compiler along, so that a program which executes
    /// texts only, as the client of the npm package does, is linked without it.
    Statement(Rc<dyn Bind>),
}

impl Compiled {
    /// SQL as it is, in which nothing is replaced.
    pub(crate) fn verbatim(sql: &str) -> Result<Compiled> {
        Ok(Compiled(Body::Text { text: Rc::new(Text::verbatim(sql)?), bound: Rc::from([]) }, Rc::from([])))
    }
}

impl Executable for Compiled {
    fn compile(&self) -> Result<Compiled> {
        Ok(self.clone())
    }
}

/// SQL as text; see [`text`].
#[derive(Clone, Debug)]
pub struct TextClause {
    text: Result<Rc<Text>>,
    bound: Rc<[(String, Value)]>,
}

/// SQL as text, with parameters `:name` or `?`.
///
/// A colon that begins no parameter may be written `\:`; in strings, quoted names and comments it need not.
pub fn text(sql: &str) -> TextClause {
    TextClause { text: Text::compile(sql).map(Rc::new), bound: Rc::from([]) }
}

impl TextClause {
    /// Gives parameters values that hold unless a call gives others.
    pub fn bindparams(mut self, params: impl Into<Params>) -> Result<TextClause> {
        let text = self.text.clone()?;
        let Params::Named(values) = params.into() else {
            return Err(Error::new(ErrorKind::Argument, "bindparams() takes values by name"));
        };
        let mut bound = self.bound.to_vec();
        for (name, value) in values {
            if !text.parameter_names().any(|known| known == name) {
                let message = format!("This text() construct doesn't define a bound parameter named '{name}'");
                return Err(Error::new(ErrorKind::Argument, message));
            }
            bound.retain(|(other, _)| *other != name);
            bound.push((name, value));
        }
        self.bound = bound.into();
        Ok(self)
    }
}

impl Executable for TextClause {
    fn compile(&self) -> Result<Compiled> {
        Ok(Compiled(Body::Text { text: self.text.clone()?, bound: self.bound.clone() }, Rc::from([])))
    }
}

impl Executable for Statement {
    fn compile(&self) -> Result<Compiled> {
        Ok(Compiled(Body::Statement(Rc::new(self.clone())), Rc::from([])))
    }
}

/// Statements that are put together by their own type.
macro_rules! statements {
    ($($name:ident => $into:expr;)*) => {
        $(impl Executable for $name {
            fn compile(&self) -> Result<Compiled> {
                let into: fn(&$name) -> Statement = $into;
                into(self).compile()
            }
        })*
    };
}

statements! {
    Select => |select| Statement::Query(select.query());
    Compound => |compound| Statement::Query(compound.query());
    Insert => Insert::statement;
    Update => Update::statement;
    Delete => Delete::statement;
}

impl<E: Executable + ?Sized> Executable for &E {
    fn compile(&self) -> Result<Compiled> {
        (**self).compile()
    }
}

/// A statement and values for parameters that it names; see [`with_params`].
#[derive(Clone, Debug)]
pub struct WithParams<E> {
    statement: E,
    params: Params,
}

/// Gives the parameters of a statement values that hold unless a call gives others.
pub fn with_params<E: Executable>(statement: E, params: impl Into<Params>) -> WithParams<E> {
    WithParams { statement, params: params.into() }
}

impl<E: Executable> Executable for WithParams<E> {
    fn compile(&self) -> Result<Compiled> {
        let mut compiled = self.statement.compile()?;
        // The outermost counts.
        compiled.1 = [&compiled.1[..], &named(self.params.clone())?].concat().into();
        Ok(compiled)
    }
}

/// Values for the parameters of a statement. Made by [`params!`](crate::params), [`many`], or from `()`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Params {
    /// None.
    #[default]
    None,
    /// By name.
    Named(Vec<(String, Value)>),
    /// By position.
    Positional(Vec<Value>),
    /// A list of sets: the statement runs once for each.
    Many(Vec<Params>),
}

/// A list of parameter sets: the statement runs once for each (executemany).
pub fn many<P: Into<Params>>(sets: impl IntoIterator<Item = P>) -> Params {
    Params::Many(sets.into_iter().map(Into::into).collect())
}

/// Values for parameters: `params! { "id" => 1, "name" => "Async" }` by name, `params![1, "Async"]` by position.
#[macro_export]
macro_rules! params {
    () => { $crate::Params::None };
    ($($name:expr => $value:expr),+ $(,)?) => {
        $crate::Params::Named(vec![$((::std::string::String::from($name), $crate::Value::from($value))),+])
    };
    ($($value:expr),+ $(,)?) => { $crate::Params::Positional(vec![$($crate::Value::from($value)),+]) };
}

impl From<()> for Params {
    fn from((): ()) -> Params {
        Params::None
    }
}

impl From<Vec<Value>> for Params {
    fn from(values: Vec<Value>) -> Params {
        Params::Positional(values)
    }
}

impl From<Vec<(String, Value)>> for Params {
    fn from(values: Vec<(String, Value)>) -> Params {
        Params::Named(values)
    }
}

/// Parameters in the form that travels.
pub(crate) struct Encoded {
    /// The SQL.
    pub text: Rc<Text>,
    /// A batch, where the statement has parameters at all.
    pub batch: Option<Vec<u8>>,
    pub many: bool,
    pub sets: Rc<[Vec<Value>]>,
    /// What its result can be asked about it; a text knows nothing.
    pub about: Option<About>,
}

impl Compiled {
    /// Finds a value for each parameter, or says what is missing.
    pub(crate) fn encode(&self, params: Params, cache: &CompiledCache) -> Result<Encoded> {
        let (many, sets) = match params {
            // As in SQLAlchemy, an empty list is no parameters.
            Params::Many(sets) if sets.is_empty() => (false, vec![Params::None]),
            Params::Many(sets) => (true, sets),
            one => (false, vec![one]),
        };
        let (text, sets, about) = match &self.0 {
            Body::Text { text, bound } => {
                let bound = self.1.iter().rev().chain(bound.iter()).cloned().collect();
                let given = Given { text: text.clone(), bound };
                let sets = given.sets(sets, many).map_err(|error| error.with_statement(text.source()))?;
                (text.clone(), sets.into(), None)
            }
            Body::Statement(statement) => {
                let Bound { text, sets, about } = statement.bind(sets, &self.1, many, cache)?;
                (text, sets, Some(about))
            }
        };
        let batch = batch_of(&text, &sets, many);
        Ok(Encoded { text, batch, many, sets, about })
    }
}

/// Sets of values in the form that travels, where there is something to send.
fn batch_of(text: &Text, sets: &[Vec<Value>], many: bool) -> Option<Vec<u8>> {
    let columns = text.parameter_count() as u32;
    (columns > 0 || many).then(|| {
        let mut batch = BatchWriter::new(columns);
        sets.iter().flatten().for_each(|value| batch.push(value.as_ref()));
        let mut out = Writer::new();
        batch.encode_rows(&mut out, sets.len() as u32);
        out.finish()
    })
}

/// As [`batch_of`], for values that somebody has put together; an error unless they fit.
pub(crate) fn encoded(text: &Text, sets: &[Vec<Value>], many: bool) -> Result<Option<Vec<u8>>> {
    let count = text.parameter_count();
    for (at, set) in sets.iter().enumerate() {
        if set.len() != count {
            return Err(wrong_count(count, set.len(), many.then_some(at)));
        }
        check_numbers(set, |at| (at + 1).to_string())?;
    }
    Ok(batch_of(text, sets, many))
}

/// A text and the values that it brings along.
struct Given {
    text: Rc<Text>,
    bound: Rc<[(String, Value)]>,
}

impl Given {
    fn sets(&self, sets: Vec<Params>, many: bool) -> Result<Vec<Vec<Value>>> {
        let expected = self.text.expected()?;
        let sets = sets.into_iter().enumerate();
        sets.map(|(at, set)| self.resolve(&expected, set, many.then_some(at))).collect()
    }

    fn resolve(&self, expected: &Expected<'_>, set: Params, group: Option<usize>) -> Result<Vec<Value>> {
        let values = match (expected, set) {
            (Expected::Names(names), Params::None) => self.by_name(names, &[], group)?,
            (Expected::Names(names), Params::Named(given)) => self.by_name(names, &given, group)?,
            (Expected::Count(count), Params::None) if *count > 0 => return Err(wrong_count(*count, 0, group)),
            // As in SQLAlchemy, names that the statement does not know are ignored.
            (Expected::Count(0), Params::None | Params::Named(_)) => Vec::new(),
            (Expected::Count(count), Params::Positional(given)) if given.len() == *count => given,
            (Expected::Count(count), Params::Positional(given)) => {
                return Err(wrong_count(*count, given.len(), group));
            }
            (_, Params::Many(_)) => {
                return Err(Error::new(
                    ErrorKind::Argument,
                    "List argument must consist only of tuples or dictionaries",
                ));
            }
            _ => return Err(mixed_parameters(expected)),
        };
        check_numbers(&values, |at| match expected {
            Expected::Names(names) => format!("'{}'", names.get(at).copied().unwrap_or_default()),
            Expected::Count(_) => (at + 1).to_string(),
        })?;
        Ok(values)
    }

    fn by_name(&self, names: &[&str], given: &[(String, Value)], group: Option<usize>) -> Result<Vec<Value>> {
        let value = |name: &&str| {
            let mut values = given.iter().rev().chain(self.bound.iter());
            let found = values.find(|(other, _)| other == name).map(|(_, value)| value.clone());
            found.ok_or_else(|| missing_parameter(name, group))
        };
        names.iter().map(value).collect()
    }
}

/// An error if one of the values is NaN, which SQLite would make NULL of.
fn check_numbers(values: &[Value], name: impl Fn(usize) -> String) -> Result<()> {
    match values.iter().position(|value| matches!(value, Value::Real(real) if real.is_nan())) {
        Some(at) => {
            let message = format!("Parameter {} is NaN, which SQLite cannot store", name(at));
            Err(Error::new(ErrorKind::Data, message))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(sql: &str, params: Params) -> Result<(bool, Vec<Vec<Value>>)> {
        let encoded = text(sql).compile()?.encode(params, &CompiledCache::new(0))?;
        Ok((encoded.many, encoded.sets.to_vec()))
    }

    #[test]
    fn values_find_their_parameters() {
        let one = |values: Params| match values {
            Params::Positional(values) => (false, vec![values]),
            _ => (false, vec![vec![]]),
        };
        for (sql, given, values) in [
            ("SELECT 1", params![], params![]),
            ("SELECT :b, :a, :b", params! { "a" => 1, "b" => "x", "c" => 3 }, params!["x", 1]),
            ("SELECT :a, @a", params! { "a" => 1 }, params![1, 1]),
            ("SELECT ?, ?", params![1, 2.5], params![1, 2.5]),
            ("SELECT ?2", params![1, 2], params![1, 2]),
            ("SELECT 1", params! { "zz" => 1 }, params![]),
        ] {
            assert_eq!(resolve(sql, given).unwrap(), one(values), "{sql}");
        }
        let (is_many, sets) = resolve("SELECT :a", many([params! { "a" => 1 }, params! { "a" => 2 }])).unwrap();
        assert!(is_many);
        assert_eq!(sets, [[Value::Integer(1)], [Value::Integer(2)]]);
        assert!(!resolve("SELECT 1", many(Vec::<Params>::new())).unwrap().0);
    }

    #[test]
    fn wrong_parameters_are_typed_errors() {
        use ErrorKind::*;
        for (sql, given, kind, message) in [
            ("SELECT :x", params![], Statement, "A value is required for bind parameter 'x'"),
            ("SELECT :x", params! { "y" => 1 }, Statement, "A value is required for bind parameter 'x'"),
            (
                "SELECT :x",
                many([params! { "x" => 1 }, params! { "y" => 1 }]),
                Statement,
                "A value is required for bind parameter 'x', in parameter group 1",
            ),
            ("SELECT :x, :y", params![1, 2], Argument, "The statement names its parameters (:x, :y); give"),
            ("SELECT ?", params! { "x" => 1 }, Argument, "The statement takes 1 parameters by position (?); give"),
            ("SELECT ?, :x", params![1, 2], Argument, "The statement mixes parameters"),
            (
                "SELECT ?",
                params![1, 2],
                Programming,
                "Incorrect number of bindings supplied. The current statement uses 1, and there are 2 supplied.",
            ),
            (
                "SELECT 1",
                params![1],
                Programming,
                "Incorrect number of bindings supplied. The current statement uses 0",
            ),
            ("SELECT ?", params![], Programming, "Incorrect number of bindings supplied. The current statement uses 1"),
            ("SELECT ?", params![f64::NAN], Data, "Parameter 1 is NaN"),
            ("SELECT :x", params! { "x" => f64::NAN }, Data, "Parameter 'x' is NaN"),
            ("SELECT ?", many([many([params![1]])]), Argument, "List argument must consist only of"),
        ] {
            let error = resolve(sql, given).unwrap_err();
            assert_eq!(error.kind(), kind, "{sql}");
            assert!(error.message().starts_with(message), "{sql}: {error}");
        }
    }

    #[test]
    fn bound_values_hold_unless_others_are_given() {
        let statement = text("SELECT :a, :b").bindparams(params! { "a" => 1, "b" => 2 }).unwrap();
        let sets =
            |params: Params| statement.compile().unwrap().encode(params, &CompiledCache::new(0)).unwrap().sets.to_vec();
        assert_eq!(sets(params![]), [[Value::Integer(1), Value::Integer(2)]]);
        assert_eq!(sets(params! { "b" => 3 }), [[Value::Integer(1), Value::Integer(3)]]);
        let error = statement.bindparams(params! { "zz" => 1 }).unwrap_err();
        assert_eq!(error.message(), "This text() construct doesn't define a bound parameter named 'zz'");
    }
}
