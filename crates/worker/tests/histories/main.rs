//! Thousands of random histories on memory and on the disk. A run prints its seed; `ALUDEL_SEED` repeats one history, and
//! `ALUDEL_HISTORIES` says how many there are to be.
#![cfg(not(target_arch = "wasm32"))]
// `clippy.toml` allows these in test functions only; here, the functions beside them are tests as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[cfg(feature = "faults")]
mod broken;
mod history;
#[cfg(feature = "faults")]
mod order;
#[path = "../it/scratch.rs"]
mod scratch;
#[cfg(feature = "faults")]
mod slices;
#[cfg(feature = "faults")]
#[path = "../it/stacks.rs"]
mod stacks;

use aludel_protocol::Storage;
use aludel_worker::{Environment, Service};
use history::{History, Outcome, Stage, is_open, open_keeper};
use scratch::Scratch;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

struct Memory {
    clock: Rc<Cell<f64>>,
    tick: f64,
    posted: Vec<(u64, Vec<u8>)>,
}

impl Environment for Memory {
    fn now(&self) -> f64 {
        self.clock.set(self.clock.get() + self.tick);
        self.clock.get()
    }

    fn post(&mut self, client: u64, parts: &[&[u8]]) {
        self.posted.push((client, parts.concat()));
    }
}

impl Stage for Memory {
    fn clock(&self) -> &Rc<Cell<f64>> {
        &self.clock
    }

    fn set_tick(&mut self, ms: f64) {
        self.tick = ms;
    }

    fn take_posted(&mut self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(&mut self.posted)
    }
}

/// Which seeds to play, as many as are to be: the first, and how many.
fn seeds(count: u64) -> (u64, u64) {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
    match given("ALUDEL_SEED") {
        Some(seed) => (seed, 1),
        None => (clock(), given("ALUDEL_HISTORIES").unwrap_or(count)),
    }
}

fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// Plays one history on a service of its own; what came of it.
fn play_one<S: Stage>(what: &str, service: &mut Service<S>, storage: Storage, path: &str, seed: u64) -> Outcome {
    open_keeper(service, storage, path);
    assert!(is_open(service));
    let mut history = History::new(service, storage, path, seed);
    if let Err(complaint) = history.play() {
        println!("{}", history.log.join("\n"));
        panic!("{what}: {complaint}\nALUDEL_SEED={seed} plays it again");
    }
    history.outcome
}

/// Plays histories, each on a service of its own.
fn play(what: &str, storage: Storage, path: &str, count: u64) {
    let (first, count) = seeds(count);
    let mut sum = Outcome::default();
    for seed in (0..count).map(|n| first.wrapping_add(n)) {
        let clock = Rc::new(Cell::new(1_000.0));
        let mut service = Service::new(Memory { clock, tick: 0.001, posted: vec![] });
        sum.add(&play_one(what, &mut service, storage, path, seed));
    }
    println!("{what}: {count} histories from ALUDEL_SEED={first} on: {sum:?}");
    assert!(sum.commits as u64 >= count, "too little happens: {sum:?}");
}

#[test]
fn connections_do_in_memory_what_a_serial_model_does() {
    play("in memory", Storage::Memory, "histories", 2_000);
}

#[test]
fn connections_do_on_the_disk_what_a_serial_model_does() {
    let scratch = Scratch::new();
    play("on the disk", Storage::Disk, &scratch.name("h.db"), 500);
}
