//! What the contract of storages notices of broken locks.

use crate::vfs::broken::{Mistake, break_locks};
use crate::vfs::contract::{CASES, Place, locks, shm};
use crate::vfs::simulated::Random;
use crate::vfs::{attach_memory, detach};

/// Cases in which SQLite or its handles take locks, rather than a model of them.
const LIVE: &[&str] = &[
    "connections_see_what_the_model_sees",
    "a_rollback_journal_does_what_the_model_does",
    "no_update_is_lost",
    "a_writer_that_waits_keeps_new_readers_out",
    "many_read_and_one_writes",
    "one_connection_writes_at_a_time",
    "one_connection_reserves_at_a_time",
    "the_log_grows_over_many_regions",
    "the_last_close_merges_the_log",
    "closing_a_connection_gives_up_its_locks",
    "wal_to_delete_and_back",
    "checkpoints_wait_for_readers",
];

/// A claim, as a function that checks it.
type Check = fn(&Place);

/// Whether a case fails with broken locks.
fn fails(mistake: Option<Mistake>, name: &str, case: Check, seed: u64) -> bool {
    let (path, other) = (format!("/{name}.db"), format!("/{name}-other.db"));
    break_locks(mistake);
    attach_memory(&path);
    attach_memory(&other);
    let run = || case(&Place::new(&path, &other, seed));
    let failed = std::panic::catch_unwind(run).is_err();
    detach(&path);
    detach(&other);
    break_locks(None);
    failed
}

#[test]
fn every_mistake_in_the_locks_is_noticed_by_a_model_or_by_sqlite() {
    let seed = Random::seed_for("broken locks");
    for mistake in Mistake::ALL {
        let live = CASES.iter().filter(|case| LIVE.contains(&case.name)).map(|case| (case.name, case.steps[0]));
        let models: [(&str, Check); 2] = [
            ("handles_do_what_a_naive_model_of_locks_does", locks::handles_do_what_a_naive_model_of_locks_does),
            ("slots_do_what_a_naive_model_does", shm::slots_do_what_a_naive_model_does),
        ];
        let caught = live.chain(models).find(|(name, case)| fails(Some(mistake), name, *case, seed));
        println!("{mistake:?}: {:?}", caught.map(|(name, _)| name));
        assert!(caught.is_some(), "{mistake:?} is noticed by nothing");
    }
    for case in CASES.iter().filter(|case| LIVE.contains(&case.name)) {
        assert!(!fails(None, case.name, case.steps[0], seed), "{} fails with locks that are right", case.name);
    }
}
