//! The same histories with statements that pause.

use crate::history::{Outcome, Random, Stage};
use crate::scratch::Scratch;
use crate::stacks::{Now, Stacks};
use crate::{play_one, seeds};
use aludel_protocol::Storage;
use aludel_worker::{Environment, Service, Turn};
use std::cell::Cell;
use std::rc::Rc;

struct Sliced {
    clock: Rc<Cell<f64>>,
    tick: Rc<Cell<f64>>,
    now: Now,
    posted: Vec<(u64, Vec<u8>)>,
    stacks: Stacks,
}

impl Sliced {
    fn new() -> Sliced {
        let (clock, tick) = (Rc::new(Cell::new(1_000.0)), Rc::new(Cell::new(0.001)));
        let (time, step) = (Rc::clone(&clock), Rc::clone(&tick));
        let now = Rc::new(move || {
            time.set(time.get() + step.get());
            time.get()
        });
        Sliced { clock, tick, now, posted: vec![], stacks: Stacks::default() }
    }
}

impl Environment for Sliced {
    fn now(&self) -> f64 {
        (self.now)()
    }

    fn post(&mut self, client: u64, parts: &[&[u8]]) {
        self.posted.push((client, parts.concat()));
    }
}

impl Stage for Sliced {
    const PAUSES: bool = true;

    fn clock(&self) -> &Rc<Cell<f64>> {
        &self.clock
    }

    fn set_tick(&mut self, ms: f64) {
        self.tick.set(ms);
    }

    fn turn(service: &mut Service<Sliced>) -> Turn {
        let env = service.environment_mut();
        let (mut stacks, now) = (std::mem::take(&mut env.stacks), Rc::clone(&env.now));
        let turn = stacks.turn(service, &now);
        service.environment_mut().stacks = stacks;
        turn
    }

    fn take_posted(&mut self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(&mut self.posted)
    }
}

fn play(what: &str, storage: Storage, path: &str, count: u64) {
    let (first, count) = seeds(count);
    let (mut sum, mut pauses, mut most) = (Outcome::default(), 0, 0);
    for seed in (0..count).map(|n| first.wrapping_add(n)) {
        let mut service = Service::new(Sliced::new());
        service.lend_statements();
        service.look_every(Random(seed ^ 0x51ce).of(&[1, 2, 5, 20, 100]));
        sum.add(&play_one(what, &mut service, storage, path, seed));
        let stacks = &service.environment_mut().stacks;
        assert_eq!(stacks.len(), 0, "statements pause for ever: ALUDEL_SEED={seed} plays it again");
        pauses += stacks.pauses;
        most = most.max(stacks.most);
    }
    println!("{what}: {count} histories from ALUDEL_SEED={first} on: {sum:?}, {pauses} pauses, at most {most} at once");
    assert!(sum.commits as u64 >= count, "too little happens: {sum:?}");
    assert!(count < 10 || (pauses as u64 > count && most > 1), "too few pauses: {pauses}, {most} at once");
}

#[test]
fn statements_that_pause_do_in_memory_what_a_serial_model_does() {
    play("slices in memory", Storage::Memory, "sliced-histories", 500);
}

#[test]
fn statements_that_pause_do_on_the_disk_what_a_serial_model_does() {
    let scratch = Scratch::new();
    play("slices on the disk", Storage::Disk, &scratch.name("s.db"), 100);
}
