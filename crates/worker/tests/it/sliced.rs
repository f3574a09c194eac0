//! A service whose statements pause, on a clock that only moves when it is looked at.

use crate::bench::{Bench, Got, execute};
use crate::stacks::{Now, Stacks};
use aludel_protocol::{BeginMode, ErrorKind, TransactionOp, Value};
use aludel_worker::Turn;
use std::rc::Rc;

/// A statement that takes many slices, and gives one row in the end.
pub const LONG: &str =
    "with recursive n (i) as (select 1 union all select i + 1 from n where i < 60000) select count(*) from n";
/// No row, ever.
pub const SILENT: &str = "with recursive n (i) as (select 1 union all select i + 1 from n) select i from n where i < 0";
/// Changes every row by many steps.
pub const LONG_WRITE: &str = "insert into t select i from (with recursive n (i) as (select 1 union all select i + 1 from n where i < 60000) select i from n)";

pub struct Sliced {
    pub bench: Bench,
    pub stacks: Stacks,
    now: Now,
}

impl Sliced {
    /// A service with connections 1 to `count`, whose statements pause.
    pub fn with(count: u32) -> Sliced {
        // A slice is some looks long.
        Sliced::of(Bench::with(count), 0.5)
    }

    /// The same on a service that is there, where a look at the clock takes so long, in milliseconds.
    pub fn of(mut bench: Bench, tick: f64) -> Sliced {
        bench.run(1, "create table t (a)");
        bench.service.lend_statements();
        bench.service.environment_mut().tick = tick;
        let clock = Rc::clone(&bench.clock);
        let now = Rc::new(move || {
            clock.set(clock.get() + tick);
            clock.get()
        });
        Sliced { bench, stacks: Stacks::default(), now }
    }

    pub fn turn(&mut self) -> Turn {
        self.stacks.turn(&mut self.bench.service, &self.now)
    }

    pub fn settle(&mut self) -> Turn {
        loop {
            let turn = self.turn();
            if turn != Turn::Again {
                return turn;
            }
        }
    }

    /// Takes turns until so many statements pause.
    pub fn until_paused(&mut self, count: usize) {
        for _ in 0..1_000 {
            if self.stacks.len() >= count {
                return;
            }
            self.turn();
        }
        panic!("{} statements pause, where {count} should", self.stacks.len());
    }

    /// Takes turns until a request is answered, and gives what it was answered and how many turns that took.
    pub fn answer(&mut self, request: u64) -> (Vec<Got>, usize) {
        for turns in 0..10_000 {
            let got = self.bench.take(request);
            let over = |got: &Got| !matches!(got, Got::Rows(rows) if rows.more);
            if got.last().is_some_and(over) {
                return (got, turns);
            }
            self.turn();
        }
        panic!("request {request} is never answered");
    }

    /// Begins a transaction that writes.
    pub fn begin(&mut self, connection: u32) {
        let begin = self.bench.send_transaction(connection, TransactionOp::Begin(BeginMode::Immediate));
        self.answer(begin);
    }

    /// Runs a statement to its end.
    pub fn run(&mut self, connection: u32, sql: &str) {
        let request = self.start(connection, sql);
        self.answer(request);
    }

    pub fn start(&mut self, connection: u32, sql: &str) -> u64 {
        self.bench.send_execute(connection, &execute(sql), &[])
    }

    /// The only cell of the only row.
    pub fn scalar(&mut self, connection: u32, sql: &str) -> Value {
        let request = self.start(connection, sql);
        match &self.answer(request).0[..] {
            [Got::Rows(rows)] => rows.rows[0][0].clone(),
            other => panic!("{sql}: {other:?}"),
        }
    }

    pub fn error(&mut self, request: u64) -> (ErrorKind, bool) {
        match self.answer(request).0.pop() {
            Some(Got::Error(error, in_transaction)) => (error.kind(), in_transaction),
            other => panic!("{other:?}"),
        }
    }
}
