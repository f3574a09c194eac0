//! Histories on a disk whose cache writes back in any order, and what a power cut leaves of them.

use crate::history::{History, Outcome, Stage, State, is_open, open_keeper};
use crate::seeds;
use aludel_protocol::{Durability, Storage};
use aludel_worker::sqlite::Connection;
use aludel_worker::vfs::simulated::{Random, SimulatedDisk};
use aludel_worker::vfs::{VFS_NAME, detach};
use aludel_worker::{Environment, Preparation, Service};
use std::cell::Cell;
use std::rc::Rc;

const PATH: &str = "/order.db";
const AFTER: &str = "/order-after.db";
/// How often the power fails in a history.
const CUTS: usize = 6;

struct Simulated {
    clock: Rc<Cell<f64>>,
    tick: f64,
    posted: Vec<(u64, Vec<u8>)>,
    disk: SimulatedDisk,
    durability: Durability,
}

impl Environment for Simulated {
    fn now(&self) -> f64 {
        self.clock.set(self.clock.get() + self.tick);
        self.clock.get()
    }

    fn post(&mut self, client: u64, parts: &[&[u8]]) {
        self.posted.push((client, parts.concat()));
    }

    fn prepare_files(&mut self, path: &str, create: bool) -> Preparation {
        Preparation::Ready(self.disk.attach(path, create))
    }

    fn release_files(&mut self, path: &str) {
        detach(path);
    }
}

impl Stage for Simulated {
    fn clock(&self) -> &Rc<Cell<f64>> {
        &self.clock
    }

    fn set_tick(&mut self, ms: f64) {
        self.tick = ms;
    }

    fn durability(&self) -> Durability {
        self.durability
    }

    fn done_to_disk(&self) -> usize {
        self.disk.ops()
    }

    fn take_posted(&mut self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(&mut self.posted)
    }
}

/// The rows on a disk after a power cut, if the table was there already.
fn rows(image: &SimulatedDisk) -> Result<Option<State>, String> {
    image.rename(PATH, AFTER);
    image.attach(AFTER, true).map_err(|error| error.to_string())?;
    let read = || {
        let connection = Connection::open(AFTER, VFS_NAME, true)?;
        let sound = connection.query("PRAGMA integrity_check")?;
        let there = connection.query("SELECT count(*) FROM sqlite_schema")?;
        let rows = match there.as_deref() {
            Some("0") => None,
            _ => Some(connection.query("SELECT group_concat(k || ' ' || v) FROM t")?.unwrap_or_default()),
        };
        Ok((sound, rows))
    };
    let read = read();
    detach(AFTER);
    let (sound, rows) = read.map_err(|failure: aludel_worker::sqlite::Failure| format!("{failure:?}"))?;
    if sound.as_deref() != Some("ok") {
        return Err(format!("{sound:?}"));
    }
    let row = |row: &str| {
        let (key, value) = row.split_once(' ').unwrap();
        (key.parse().unwrap(), value.parse().unwrap())
    };
    Ok(rows.map(|rows| rows.split(',').filter(|row| !row.is_empty()).map(row).collect()))
}

/// Cuts the power after so much was done to the disk: what is there then has to be what some commit left, and not one
/// before the last that was acknowledged as durable.
fn cut(
    history: &History<'_, Simulated>,
    disk: &SimulatedDisk,
    durable: bool,
    at: usize,
    torn: bool,
) -> Result<(), String> {
    let noted = &history.commits_at;
    let before = noted.iter().rev().find(|(done, _)| *done <= at).map(|(_, commits)| *commits);
    // What was being committed then was noted when its turn was over.
    let most = noted.iter().find(|(done, _)| *done > at).map_or(usize::MAX, |(_, commits)| *commits);
    let least = before.filter(|_| durable);
    let found = rows(&disk.killed_after(at, torn))?;
    // Until the first note, the table is being made and filled.
    if least.is_none() && found.as_ref().is_none_or(State::is_empty) {
        return Ok(());
    }
    let mut may_be = history.states().skip(least.unwrap_or(0)).take(most.saturating_add(1) - least.unwrap_or(0));
    if found.as_ref().is_some_and(|found| may_be.any(|state| state == found)) {
        return Ok(());
    }
    Err(format!("after commit {before:?} there is {found:?}, which is none of commits {least:?} to {most}"))
}

/// Plays a history; `durable` says whether each acknowledged commit has to outlive a power cut.
fn play(durability: Durability, durable: bool, seed: u64) -> Result<Outcome, String> {
    let disk = SimulatedDisk::new();
    disk.reorder(seed);
    disk.remember();
    let environment =
        Simulated { clock: Rc::new(Cell::new(1_000.0)), tick: 0.001, posted: vec![], disk: disk.clone(), durability };
    let mut service = Service::new(environment);
    open_keeper(&mut service, Storage::Opfs, PATH);
    assert!(is_open(&mut service));
    let mut history = History::new(&mut service, Storage::Opfs, PATH, seed);
    let mut played = history.play();
    let mut random = Random::with_seed(seed);
    for _ in 0..CUTS {
        let (at, torn) = (random.below(disk.ops() + 1), random.below(2) == 0);
        let what = |complaint| format!("the power fails at {at} of {}, torn: {torn}: {complaint}", disk.ops());
        played = played.and_then(|()| cut(&history, &disk, durable, at, torn).map_err(what));
    }
    played.map(|()| history.outcome).map_err(|complaint| format!("{}\n{complaint}", history.log.join("\n")))
}

#[test]
fn connections_do_on_a_disk_that_reorders_what_a_serial_model_does_and_a_power_cut_leaves_a_commit() {
    let (first, count) = seeds(200);
    let mut sum = Outcome::default();
    for seed in (0..count).map(|n| first.wrapping_add(n)) {
        let durability = if seed % 2 == 0 { Durability::Full } else { Durability::Normal };
        match play(durability, durability == Durability::Full, seed) {
            Ok(outcome) => sum.add(&outcome),
            Err(complaint) => panic!("{complaint}\n{durability:?}; ALUDEL_SEED={seed} plays it again"),
        }
    }
    println!("on a disk that reorders: {count} histories from ALUDEL_SEED={first} on: {sum:?}");
    assert!(sum.commits as u64 >= count, "too little happens: {sum:?}");
}

/// A test that nothing can fail shows nothing.
#[test]
fn commits_that_are_not_flushed_are_missed_after_a_power_cut() {
    let (first, _) = seeds(1);
    let found = (0..200).any(|n| play(Durability::Normal, true, first.wrapping_add(n)).is_err());
    assert!(found, "from ALUDEL_SEED={first} on");
}
