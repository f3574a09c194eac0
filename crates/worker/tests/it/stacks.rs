//! Statements that pause, each on a stack of its own: what a browser does that can suspend WebAssembly.

use aludel_worker::{Environment, Pausing, Service, Stepping, Turn};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::rc::Rc;

type Running = Coroutine<(), u64, Stepping>;

/// The clock of a service.
pub type Now = Rc<dyn Fn() -> f64>;

/// The stacks of the statements that pause.
#[derive(Default)]
pub struct Stacks {
    /// They are not dropped: that would unwind through SQLite.
    paused: BTreeMap<u64, ManuallyDrop<Running>>,
    pub pauses: usize,
    /// How many have paused at once, at most.
    pub most: usize,
}

struct Stack<'a> {
    now: Now,
    yielder: &'a Yielder<(), u64>,
}

impl Pausing for Stack<'_> {
    fn now(&self) -> f64 {
        (self.now)()
    }

    fn pause(&self, statement: u64) {
        self.yielder.suspend(statement);
    }
}

impl Stacks {
    /// How many statements pause.
    pub fn len(&self) -> usize {
        self.paused.len()
    }

    /// A turn of a service that lends statements. One that is to be stepped is, until it pauses or is over.
    pub fn turn<E: Environment>(&mut self, service: &mut Service<E>, now: &Now) -> Turn {
        let running = match service.turn() {
            Turn::Step => {
                let Some(mut stepping) = service.take_stepping() else { return Turn::Again };
                let now = Rc::clone(now);
                Coroutine::new(move |yielder: &Yielder<(), u64>, ()| {
                    stepping.run(&Stack { now, yielder });
                    stepping
                })
            }
            Turn::Resume(statement) => {
                service.resumed(statement);
                ManuallyDrop::into_inner(self.paused.remove(&statement).unwrap())
            }
            other => return other,
        };
        self.go_on(service, running);
        Turn::Again
    }

    fn go_on<E: Environment>(&mut self, service: &mut Service<E>, mut running: Running) {
        match running.resume(()) {
            CoroutineResult::Yield(statement) => {
                service.paused(statement);
                self.paused.insert(statement, ManuallyDrop::new(running));
                self.pauses += 1;
                self.most = self.most.max(self.paused.len());
            }
            CoroutineResult::Return(stepping) => service.stepped(stepping),
        }
    }
}
