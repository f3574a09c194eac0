//! Functions, aggregates, window functions and collations of SQL that are those of this program.

use super::SyncConnection;
use crate::Result;
use aludel_protocol::Value;
use std::cmp::Ordering;

/// What may be done with a function of SQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FunctionOptions {
    /// Whether it gives the same for the same. Of aggregates it says nothing.
    pub deterministic: bool,
    /// Whether it does no harm, whoever calls it: then what the schema holds (views, triggers, and indexes if it is
    /// deterministic) may call it, in a file that others made, too.
    pub innocuous: bool,
}

/// What a function of SQL does.
pub(crate) type Scalar = Box<dyn Fn(&[Value]) -> std::result::Result<Value, String>>;
/// How a collation compares.
pub(crate) type Collation = Box<dyn Fn(&str, &str) -> Ordering>;

/// What an aggregate of SQL keeps of one group of rows, from its first row to what it comes to.
pub trait Aggregate {
    /// Takes a row up, by the arguments of the call.
    fn step(&mut self, arguments: &[Value]) -> Result<()>;
    /// What the group came to. A group whose statement is interrupted, or that has failed itself, is dropped without it; one whose
    /// statement fails over something else may be asked all the same, and nobody gets what it gives.
    fn finalize(self) -> Result<Value>;
}

/// An aggregate that can follow a window: where that moves on, rows leave it that were taken up before.
pub trait WindowFunction: Aggregate {
    /// Takes the oldest row out again.
    fn inverse(&mut self, arguments: &[Value]) -> Result<()>;
    /// What the rows come to that the window has now.
    fn value(&mut self) -> Result<Value>;
}

/// A group, as the worker asks it; an error is what the statement fails with.
#[allow(dead_code, reason = "where the worker is not in this process, nobody asks")]
pub(crate) trait Group {
    fn step(&mut self, arguments: &[Value]) -> Result<()>;
    fn finalize(&mut self) -> Result<Value>;
    fn inverse(&mut self, arguments: &[Value]) -> Result<()>;
    fn value(&mut self) -> Result<Value>;
}

/// Begins groups.
pub(crate) type Begin = Box<dyn Fn() -> Box<dyn Group>>;

/// A group of an aggregate, until it is finalized.
struct Whole<A>(Option<A>);
/// A group of a window function.
struct Moving<A>(Whole<A>);

impl<A: Aggregate> Group for Whole<A> {
    fn step(&mut self, arguments: &[Value]) -> Result<()> {
        self.0.as_mut().map_or(Ok(()), |aggregate| aggregate.step(arguments))
    }

    fn finalize(&mut self) -> Result<Value> {
        self.0.take().map_or(Ok(Value::Null), Aggregate::finalize)
    }

    // SQLite does not ask these of what is no window function.
    fn inverse(&mut self, _arguments: &[Value]) -> Result<()> {
        Ok(())
    }

    fn value(&mut self) -> Result<Value> {
        Ok(Value::Null)
    }
}

impl<A: WindowFunction> Group for Moving<A> {
    fn step(&mut self, arguments: &[Value]) -> Result<()> {
        self.0.step(arguments)
    }

    fn finalize(&mut self) -> Result<Value> {
        self.0.finalize()
    }

    fn inverse(&mut self, arguments: &[Value]) -> Result<()> {
        self.0.0.as_mut().map_or(Ok(()), |aggregate| aggregate.inverse(arguments))
    }

    fn value(&mut self) -> Result<Value> {
        self.0.0.as_mut().map_or(Ok(Value::Null), WindowFunction::value)
    }
}

impl SyncConnection<'_> {
    /// Makes a function of SQL, of any number of arguments; what it fails with, the statement fails with. The worker's connection
    /// keeps it until that is closed, for whoever takes it out of the pool next.
    pub fn create_function(
        &mut self,
        name: &str,
        options: FunctionOptions,
        f: impl Fn(&[Value]) -> Result<Value> + 'static,
    ) -> Result<()> {
        let call = move |arguments: &[Value]| f(arguments).map_err(|error| error.message().to_owned());
        self.door.create_function(name, options, Box::new(call))
    }

    /// Makes an aggregate of SQL, of any number of arguments, which is kept as functions are. `begin` is called for each group, and
    /// for what has no rows when it is to come to something.
    pub fn create_aggregate<A: Aggregate + 'static>(
        &mut self,
        name: &str,
        options: FunctionOptions,
        begin: impl Fn() -> A + 'static,
    ) -> Result<()> {
        self.door.create_aggregate(name, options, false, Box::new(move || Box::new(Whole(Some(begin())))))
    }

    /// Makes an aggregate of SQL that can be called with OVER, too. As [`SyncConnection::create_aggregate`].
    pub fn create_window_function<A: WindowFunction + 'static>(
        &mut self,
        name: &str,
        options: FunctionOptions,
        begin: impl Fn() -> A + 'static,
    ) -> Result<()> {
        self.door.create_aggregate(name, options, true, Box::new(move || Box::new(Moving(Whole(Some(begin()))))))
    }

    /// Makes a collation, which is kept as functions are.
    pub fn create_collation(&mut self, name: &str, compare: impl Fn(&str, &str) -> Ordering + 'static) -> Result<()> {
        self.door.create_collation(name, Box::new(compare))
    }
}
