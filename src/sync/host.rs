//! Functions of this program that the worker in its process calls: they wait here until it does.

use super::functions::{Begin, Collation, Group, Scalar};
use super::{CLOSURE, Door, FunctionOptions, Work};
use aludel_protocol::{Error, ErrorKind, ProcedureCall, Result, SortedMap, Value};
use aludel_worker::sqlite;
use aludel_worker::{Finding, Procedure, SyncConnection};
use std::cell::RefCell;

#[derive(Default)]
struct Offered {
    last: u64,
    work: SortedMap<u64, Work>,
}

thread_local! {
    static OFFERED: RefCell<Offered> = RefCell::default();
}

/// A function that waits to be called, as long as this lives.
pub(super) struct Offer(u64);

impl Offer {
    /// The name by which it is asked for.
    pub(super) fn id(&self) -> u64 {
        self.0
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        let work = OFFERED.with_borrow_mut(|offered| offered.work.remove(&self.0));
        // What it holds may offer something itself.
        drop(work);
    }
}

/// Has a function wait for the worker.
pub(super) fn offer(work: Work) -> Result<Offer> {
    OFFERED.with_borrow_mut(|offered| {
        offered.last += 1;
        offered.work.insert(offered.last, work);
        Ok(Offer(offered.last))
    })
}

/// The function that a request is to call.
pub(crate) fn find(call: &ProcedureCall<'_>) -> Finding {
    let id = call.export.parse::<u64>().ok().filter(|_| call.module == CLOSURE);
    let work = id.and_then(|id| OFFERED.with_borrow_mut(|offered| offered.work.remove(&id)));
    Finding::Found(match work {
        Some(work) => Ok(Box::new(Closure(work))),
        None => {
            let message = format!("{} of {} cannot be called here", call.export, call.module);
            Err(Error::new(ErrorKind::Procedure, message))
        }
    })
}

struct Closure(Work);

impl Procedure for Closure {
    fn call(self: Box<Self>, connection: &mut SyncConnection<'_>) -> Result<Vec<u8>> {
        (self.0)(connection);
        Ok(Vec::new())
    }
}

impl Door for SyncConnection<'_> {
    fn execute(&mut self, sql: &str, parameters: Option<Vec<u8>>, many: bool) -> Result<Vec<Vec<u8>>> {
        SyncConnection::execute(self, sql, parameters, many)
    }

    fn in_transaction(&self) -> bool {
        SyncConnection::in_transaction(self)
    }

    fn begin(&mut self) -> Result<()> {
        SyncConnection::begin(self)
    }

    fn commit(&mut self) -> Result<()> {
        SyncConnection::commit(self)
    }

    fn roll_back(&mut self) -> Result<()> {
        SyncConnection::roll_back(self)
    }

    fn savepoint(&mut self) -> Result<String> {
        SyncConnection::savepoint(self)
    }

    fn release(&mut self, name: &str) -> Result<()> {
        SyncConnection::release(self, name)
    }

    fn roll_back_to(&mut self, name: &str) -> Result<()> {
        SyncConnection::roll_back_to(self, name)
    }

    fn create_function(&mut self, name: &str, options: FunctionOptions, call: Scalar) -> Result<()> {
        SyncConnection::create_function(self, name, of_sqlite(options), call)
    }

    fn create_aggregate(&mut self, name: &str, options: FunctionOptions, windows: bool, begin: Begin) -> Result<()> {
        let begin = move || Ok(Box::new(Asked(begin())) as Box<dyn sqlite::Aggregate>);
        SyncConnection::create_aggregate(self, name, of_sqlite(options), windows, Box::new(begin))
    }

    fn create_collation(&mut self, name: &str, compare: Collation) -> Result<()> {
        SyncConnection::create_collation(self, name, Box::new(move |one, other| Ok(compare(one, other))))
    }
}

fn of_sqlite(options: FunctionOptions) -> sqlite::FunctionOptions {
    let FunctionOptions { deterministic, innocuous } = options;
    sqlite::FunctionOptions { deterministic, innocuous }
}

/// A group of an aggregate that the worker asks.
struct Asked(Box<dyn Group>);

fn message<T>(outcome: Result<T>) -> std::result::Result<T, String> {
    outcome.map_err(|error| error.message().to_owned())
}

impl sqlite::Aggregate for Asked {
    fn step(&mut self, arguments: &[Value]) -> std::result::Result<(), String> {
        message(self.0.step(arguments))
    }

    fn finalize(&mut self) -> std::result::Result<Value, String> {
        message(self.0.finalize())
    }

    fn inverse(&mut self, arguments: &[Value]) -> std::result::Result<(), String> {
        message(self.0.inverse(arguments))
    }

    fn value(&mut self) -> std::result::Result<Value, String> {
        message(self.0.value())
    }
}
