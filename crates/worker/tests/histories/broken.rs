//! What the histories notice of locks that are broken.

use crate::history::{History, is_open, open_keeper};
use crate::{Memory, seeds};
use aludel_protocol::Storage;
use aludel_worker::Service;
use aludel_worker::vfs::broken::{Mistake, break_locks};
use aludel_worker::vfs::detach;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// So many histories notice a mistake at the latest.
const MOST: u64 = 400;

/// Those that histories can notice. The others need a rollback journal, a hot one, or a long log: see `docs/MUTANTS.md`.
const NOTICED: [Mistake; 7] = [
    Mistake::ExclusiveBesideReaders,
    Mistake::WriterStays,
    Mistake::ReaderStays,
    Mistake::SlotForAnybody,
    Mistake::SlotBesideReaders,
    Mistake::OwnerStays,
    Mistake::SharerStays,
];

/// Plays one history in memory; what is wrong with it.
fn play(path: &str, seed: u64) -> Result<(), String> {
    let clock = Rc::new(Cell::new(1_000.0));
    let mut service = Service::new(Memory { clock, tick: 0.001, posted: vec![] });
    open_keeper(&mut service, Storage::Memory, path);
    if !is_open(&mut service) {
        return Err("it cannot even be opened".into());
    }
    History::new(&mut service, Storage::Memory, path, seed).play()
}

#[test]
fn locks_that_are_broken_are_noticed_by_the_histories() {
    let (first, _) = seeds(1);
    println!("broken locks: ALUDEL_SEED={first}");
    for mistake in NOTICED {
        break_locks(Some(mistake));
        let noticed = (0..MOST).find_map(|n| {
            let path = format!("broken-{mistake:?}-{n}");
            let seed = first.wrapping_add(n);
            let played = catch_unwind(AssertUnwindSafe(|| play(&path, seed)));
            detach(&path);
            let complaint = played.unwrap_or_else(|_| Err("it panicked".into())).err()?;
            Some((n + 1, complaint))
        });
        break_locks(None);
        let (count, complaint) = noticed.unwrap_or_else(|| panic!("{mistake:?} goes unnoticed, ALUDEL_SEED={first}"));
        println!("{mistake:?}, after {count}: {complaint}");
    }
}
